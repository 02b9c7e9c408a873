/* NonMaxSuppression: from each class the boxes with the best scores that don't overlap too much. */
#include "op/move.h"
#include "op/order.h"

static pg_status nms_infer(pgi_infer *inf) {
  static const char *const names[] = {"boxes", "scores"};
  for (int i = 0; i < 2; i++) {
    int rank = pgi_in_rank(inf, i);
    pg_dtype dtype = pgi_in_dtype(inf, i);
    if ((rank >= 0 && rank != 3) || (dtype != PG_NONE && dtype != PG_F32)) {
      return pgi_fail(inf->err, PG_INVALID, "%s: expected f32 of rank 3, got %s of rank %d",
                      names[i], pg_dtype_name(dtype), rank);
    }
  }
  pgi_type *out = pgi_out_type(inf, 0, PG_I64, 2);
  out->dims[1] = pgi_dim_of(3);
  return PG_OK;
}

typedef struct box {
  float x0, y0, x1, y1, area;
} box;

typedef struct nms_job {
  const box *boxes;    /* [batches][n] */
  const float *scores; /* [batches][classes][n] */
  int64_t batches, classes, n, most;
  float iou, least; /* thresholds */
  bool has_least;
  int64_t per_task;
  int64_t *room;     /* for each task [2][n] */
  int64_t *selected; /* [batches * classes][most] */
  int64_t *counts;   /* [batches * classes] */
} nms_job;

/* A corner box from either format. */
static box make_box(const float *b, bool is_centered) {
  box r;
  if (is_centered) {
    r = (box){b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2, 0};
  } else {
    r = (box){PG_MIN(b[1], b[3]), PG_MIN(b[0], b[2]), PG_MAX(b[1], b[3]), PG_MAX(b[0], b[2]), 0};
  }
  r.area = (r.x1 - r.x0) * (r.y1 - r.y0);
  return r;
}

/* Intersection over union above the threshold. */
static bool overlap(const box *a, const box *b, float threshold) {
  float w = PG_MIN(a->x1, b->x1) - PG_MAX(a->x0, b->x0);
  float h = PG_MIN(a->y1, b->y1) - PG_MAX(a->y0, b->y0);
  if (!(w > 0) || !(h > 0) || !(a->area > 0) || !(b->area > 0)) return false;
  float common = w * h, all = a->area + b->area - common;
  return common > 0 && all > 0 && common / all > threshold;
}

static int by_score(const void *arg, int64_t a, int64_t b) {
  const float *scores = arg;
  return (scores[a] < scores[b]) - (scores[a] > scores[b]);
}

static void select_class(const nms_job *job, int64_t pair, int64_t *room) {
  const float *scores = job->scores + pair * job->n;
  const box *boxes = job->boxes + pair / job->classes * job->n;
  int64_t *selected = job->selected + pair * job->most, n = 0, kept = 0;
  for (int64_t i = 0; i < job->n; i++) {
    bool is_in = job->has_least ? scores[i] > job->least : scores[i] == scores[i];
    if (is_in) room[n++] = i;
  }
  pgi_order_sort(room, room + job->n, n, by_score, scores);
  for (int64_t i = 0; i < n && kept < job->most; i++) {
    bool is_clear = true;
    for (int64_t k = 0; k < kept && is_clear; k++)
      is_clear = !overlap(&boxes[room[i]], &boxes[selected[k]], job->iou);
    if (is_clear) selected[kept++] = room[i];
  }
  job->counts[pair] = kept;
}

static void nms_task(void *arg, int64_t task) {
  const nms_job *job = arg;
  int64_t last = PG_MIN((task + 1) * job->per_task, job->batches * job->classes);
  for (int64_t i = task * job->per_task; i < last; i++)
    select_class(job, i, job->room + task * 2 * job->n);
}

static pg_status read_shapes(pgi_call *c, nms_job *job) {
  const pg_tensor *boxes = c->in[0], *scores = c->in[1];
  bool is_right = boxes->rank == 3 && scores->rank == 3 && boxes->dims[2] == 4 &&
                  boxes->dims[0] == scores->dims[0] && boxes->dims[1] == scores->dims[2] &&
                  boxes->dtype == PG_F32 && scores->dtype == PG_F32;
  if (!is_right) {
    char a[400], b[400];
    return pgi_fail(c->err, PG_INVALID,
                    "expected boxes f32 [B,N,4], scores f32 [B,C,N], got %s, %s",
                    pgi_shape_text(boxes->dtype, boxes->rank, boxes->dims, a, sizeof a),
                    pgi_shape_text(scores->dtype, scores->rank, scores->dims, b, sizeof b));
  }
  job->batches = boxes->dims[0];
  job->n = boxes->dims[1];
  job->classes = scores->dims[1];
  job->scores = pgi_tensor_data(scores);
  return PG_OK;
}

static pg_status read_limits(pgi_call *c, nms_job *job) {
  int64_t most = 0;
  double iou = 0, least = 0;
  if (pgi_input(c, 2)) {
    PG_TRY(pgi_scalar_i64(c->in[2], "max_output_boxes_per_class", &most, c->err));
  }
  if (pgi_input(c, 3)) PG_TRY(pgi_scalar_f64(c->in[3], "iou_threshold", &iou, c->err));
  job->has_least = pgi_input(c, 4) != NULL;
  if (job->has_least) PG_TRY(pgi_scalar_f64(c->in[4], "score_threshold", &least, c->err));
  job->most = PG_MIN(PG_MAX(most, 0), job->n);
  job->iou = (float)iou;
  job->least = (float)least;
  return PG_OK;
}

static pg_status make_boxes(pgi_call *c, nms_job *job) {
  bool is_centered = pgi_attr_int(c->node, "center_point_box") != 0;
  const float *given = pgi_tensor_data(c->in[0]);
  int64_t n = job->batches * job->n;
  box *boxes = pgi_call_scratch(c, (size_t)PG_MAX(n, 1) * sizeof *boxes);
  if (!boxes) return pgi_nomem(c->err);
  for (int64_t i = 0; i < n; i++) boxes[i] = make_box(given + 4 * i, is_centered);
  job->boxes = boxes;
  return PG_OK;
}

static pg_status write_selected(pgi_call *c, const nms_job *job) {
  int64_t pairs = job->batches * job->classes, dims[2] = {0, 3};
  for (int64_t i = 0; i < pairs; i++) dims[0] += job->counts[i];
  PG_TRY(pgi_elems_alloc(c, 0, PG_I64, 2, dims));
  int64_t *out = pgi_tensor_data(c->out[0]);
  for (int64_t i = 0; i < pairs; i++) {
    for (int64_t k = 0; k < job->counts[i]; k++) {
      *out++ = i / job->classes;
      *out++ = i % job->classes;
      *out++ = job->selected[i * job->most + k];
    }
  }
  return PG_OK;
}

static pg_status nms_run(pgi_call *c) {
  enum { MAX_TASKS = 64 };
  nms_job job = {0};
  PG_TRY(read_shapes(c, &job));
  PG_TRY(read_limits(c, &job));
  int64_t dims[2] = {0, 3}, pairs = job.batches * job.classes;
  if (pairs == 0 || job.most == 0) return pgi_elems_alloc(c, 0, PG_I64, 2, dims);
  PG_TRY(make_boxes(c, &job));
  job.per_task = (pairs - 1) / MAX_TASKS + 1;
  int64_t tasks = (pairs - 1) / job.per_task + 1;
  job.room = pgi_call_scratch(c, (size_t)(tasks * 2 * job.n) * sizeof *job.room);
  job.selected = pgi_call_scratch(c, (size_t)(pairs * job.most) * sizeof *job.selected);
  job.counts = pgi_call_scratch(c, (size_t)pairs * sizeof *job.counts);
  if (!job.room || !job.selected || !job.counts) return pgi_nomem(c->err);
  pgi_call_parallel(c, tasks, nms_task, &job);
  return write_selected(c, &job);
}

static const pgi_attr_def nms_attrs[] = {{.name = "center_point_box", .kind = PG_ATTR_INT}, {0}};

PG_OP(non_max_suppression) = {
    .name = "NonMaxSuppression",
    .since = {10, 11},
    .in = {2, 5},
    .out = {1, 1},
    .types = PG_T(PG_F32),
    .attrs = nms_attrs,
    .infer = nms_infer,
    .run = nms_run,
};
