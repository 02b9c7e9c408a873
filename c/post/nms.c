/* Suppression of overlapping boxes. */
#include <math.h>
#include <stdlib.h>

#include "post/post.h"

typedef struct candidate {
  float score;
  int64_t index;
} candidate;

typedef struct work {
  const float *boxes;
  const int64_t *classes; /* NULL: one class */
  const pgi_nms_options *o;
  candidate *list; /* [n], not yet decided, from `first` on */
  int64_t first, n;
  int64_t *kept; /* [n_kept] */
  float *kept_boxes, *kept_scores;
  int64_t n_kept;
} work;

float pgi_iou(const float a[4], const float b[4]) {
  float w = PG_MIN(a[2], b[2]) - PG_MAX(a[0], b[0]);
  float h = PG_MIN(a[3], b[3]) - PG_MAX(a[1], b[1]);
  if (!(w > 0 && h > 0)) return 0;
  float both = w * h;
  float all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both;
  return all > 0 ? both / all : 0;
}

static int better_first(const void *pa, const void *pb) {
  const candidate *a = pa, *b = pb;
  if (a->score != b->score) return a->score > b->score ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

static bool same_class(const work *w, int64_t i, int64_t j) {
  return !w->classes || w->classes[i] == w->classes[j];
}

static void keep(work *w, const candidate *c, const float *box) {
  w->kept[w->n_kept] = c->index;
  w->kept_scores[w->n_kept] = c->score;
  memcpy(w->kept_boxes + 4 * w->n_kept, box, 4 * sizeof(float));
  w->n_kept++;
}

/* Takes the best away; compacts what is left, with the overlapping ones dropped. */
static void step_hard(work *w) {
  const candidate best = w->list[w->first];
  const float *box = w->boxes + 4 * best.index;
  int64_t left = w->first + 1;
  for (int64_t i = w->first + 1; i < w->n; i++) {
    const candidate c = w->list[i];
    if (same_class(w, best.index, c.index) && pgi_iou(box, w->boxes + 4 * c.index) > w->o->iou)
      continue;
    w->list[left++] = c;
  }
  w->n = left;
  w->first++;
  keep(w, &best, box);
}

/* The average of the best and all that it overlaps, weighted by score. */
static void step_weighted(work *w) {
  const candidate best = w->list[w->first];
  const float *box = w->boxes + 4 * best.index;
  double sum[4] = {0}, weight = 0;
  int64_t left = w->first + 1;
  for (int64_t i = w->first; i < w->n; i++) {
    const candidate c = w->list[i];
    const float *other = w->boxes + 4 * c.index;
    bool joins =
        i == w->first || (same_class(w, best.index, c.index) && pgi_iou(box, other) > w->o->iou);
    if (!joins) {
      w->list[left++] = c;
      continue;
    }
    for (int k = 0; k < 4; k++) sum[k] += (double)c.score * (double)other[k];
    weight += (double)c.score;
  }
  w->n = left;
  w->first++;
  float mean[4];
  for (int k = 0; k < 4; k++) mean[k] = weight > 0 ? (float)(sum[k] / weight) : box[k];
  keep(w, &best, mean);
}

static float decay(const pgi_nms_options *o, float iou) {
  if (o->kind == PG_NMS_SOFT_GAUSSIAN) return expf(-iou * iou / o->sigma);
  return iou > o->iou ? 1 - iou : 1;
}

/* Scores change, so the best of what is left has to be looked for each time. */
static void step_soft(work *w) {
  int64_t at = w->first;
  for (int64_t i = w->first + 1; i < w->n; i++)
    if (better_first(&w->list[i], &w->list[at]) < 0) at = i;
  const candidate best = w->list[at];
  w->list[at] = w->list[w->first++];
  const float *box = w->boxes + 4 * best.index;
  int64_t left = w->first;
  for (int64_t i = w->first; i < w->n; i++) {
    candidate c = w->list[i];
    if (same_class(w, best.index, c.index))
      c.score *= decay(w->o, pgi_iou(box, w->boxes + 4 * c.index));
    if (c.score >= w->o->min_score) w->list[left++] = c;
  }
  w->n = left;
  keep(w, &best, box);
}

static void suppress(work *w) {
  int64_t most = w->o->max_boxes > 0 ? w->o->max_boxes : INT64_MAX;
  qsort(w->list, (size_t)w->n, sizeof *w->list, better_first);
  while (w->first < w->n && w->n_kept < most) {
    switch (w->o->kind) {
      case PG_NMS_HARD:
        step_hard(w);
        break;
      case PG_NMS_WEIGHTED:
        step_weighted(w);
        break;
      default:
        step_soft(w);
    }
  }
}

static pg_status check(const pg_tensor *boxes, const pg_tensor *scores, const pg_tensor *classes,
                       pg_error *err) {
  char text[200];
  bool good = boxes->dtype == PG_F32 && boxes->rank == 2 && boxes->dims[1] == 4;
  if (!good)
    return pgi_fail(err, PG_INVALID, "boxes: expected f32 [N,4], got %s",
                    pgi_shape_text(boxes->dtype, boxes->rank, boxes->dims, text, sizeof text));
  good = scores->dtype == PG_F32 && scores->rank == 1 && scores->dims[0] == boxes->dims[0];
  if (!good)
    return pgi_fail(err, PG_INVALID, "scores: expected f32 [%lld], got %s",
                    (long long)boxes->dims[0],
                    pgi_shape_text(scores->dtype, scores->rank, scores->dims, text, sizeof text));
  if (classes &&
      !(classes->dtype == PG_I64 && classes->rank == 1 && classes->dims[0] == boxes->dims[0]))
    return pgi_fail(
        err, PG_INVALID, "classes: expected i64 [%lld], got %s", (long long)boxes->dims[0],
        pgi_shape_text(classes->dtype, classes->rank, classes->dims, text, sizeof text));
  return PG_OK;
}

static pg_status copy_out(pg_context *ctx, pg_dtype dtype, int rank, int64_t n, const void *data,
                          pg_tensor *out, pg_error *err) {
  int64_t dims[2] = {n, 4};
  PG_TRY(pgi_tensor_alloc(ctx, dtype, rank, dims, out, err));
  memcpy(pgi_tensor_data(out), data, pg_tensor_bytes(out));
  return PG_OK;
}

pg_status pgi_nms(pg_context *ctx, const pg_tensor *boxes, const pg_tensor *scores,
                  const pg_tensor *classes, const pgi_nms_options *o, pg_tensor *indices,
                  pg_tensor *out_boxes, pg_tensor *out_scores, pg_error *err) {
  pg_tensor t[3] = {{0}};
  pg_status status = check(boxes, scores, classes, err);
  if (status != PG_OK) return status;
  int64_t n = boxes->dims[0];
  char *block = pgi_alloc(
      ctx, (size_t)PG_MAX(n, 1) * (sizeof(candidate) + sizeof(int64_t) + 5 * sizeof(float)));
  if (!block) return pgi_nomem(err);
  work w = {.o = o, .list = (candidate *)block};
  w.kept = (int64_t *)(w.list + n);
  w.kept_boxes = (float *)(void *)(w.kept + n);
  w.kept_scores = w.kept_boxes + 4 * n;
  status = pgi_tensor_contiguous(boxes, &t[0], err);
  if (status == PG_OK) status = pgi_tensor_contiguous(scores, &t[1], err);
  if (status == PG_OK && classes) status = pgi_tensor_contiguous(classes, &t[2], err);
  if (status == PG_OK) {
    const float *score = pgi_tensor_data(&t[1]);
    w.boxes = pgi_tensor_data(&t[0]);
    w.classes = classes ? pgi_tensor_data(&t[2]) : NULL;
    for (int64_t i = 0; i < n; i++)
      if (score[i] >= o->min_score) w.list[w.n++] = (candidate){score[i], i};
    suppress(&w);
    status = copy_out(ctx, PG_I64, 1, w.n_kept, w.kept, indices, err);
  }
  if (status == PG_OK) status = copy_out(ctx, PG_F32, 2, w.n_kept, w.kept_boxes, out_boxes, err);
  if (status == PG_OK) status = copy_out(ctx, PG_F32, 1, w.n_kept, w.kept_scores, out_scores, err);
  for (int i = 0; i < 3; i++) pgi_tensor_clear(&t[i]);
  pgi_free(ctx, block);
  return status;
}
