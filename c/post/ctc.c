/* CTC decoding (Graves et al. 2006): greedy, and prefix beam search (Hannun et al. 2014). */
#include <math.h>
#include <stdlib.h>

#include "post/post.h"

static pg_status check(const pg_tensor *logits, int64_t blank, pg_error *err) {
  char text[200];
  if (logits->dtype != PG_F32 || logits->rank != 2 || logits->dims[1] < 1)
    return pgi_fail(err, PG_INVALID, "logits: expected f32 [T,C], got %s",
                    pgi_shape_text(logits->dtype, logits->rank, logits->dims, text, sizeof text));
  if (blank < 0 || blank >= logits->dims[1])
    return pgi_fail(err, PG_INVALID, "blank: expected a class in 0 to %lld, got %lld",
                    (long long)logits->dims[1] - 1, (long long)blank);
  return PG_OK;
}

static int64_t best_class(const float *row, int64_t n) {
  int64_t best = 0;
  for (int64_t c = 1; c < n; c++)
    if (row[c] > row[best]) best = c;
  return best;
}

/* log sum exp of a row: what turns logits into log probabilities. */
static double log_total(const float *row, int64_t n) {
  int64_t best = best_class(row, n);
  double top = (double)row[best], sum = 1;
  for (int64_t c = 0; c < n; c++)
    if (c != best) sum += exp((double)row[c] - top);
  return top + log(sum);
}

pg_status pgi_ctc_greedy(pg_context *ctx, const pg_tensor *logits, int64_t blank, pg_tensor *labels,
                         pg_tensor *steps, double *confidence, pg_error *err) {
  pg_tensor flat = {0};
  PG_TRY(check(logits, blank, err));
  int64_t n_steps = logits->dims[0], n_classes = logits->dims[1], n = 0, last = blank;
  int64_t *found = pgi_alloc(ctx, sizeof(int64_t) * 2 * (size_t)PG_MAX(n_steps, 1));
  if (!found) return pgi_nomem(err);
  int64_t *begun = found + n_steps;
  pg_status status = pgi_tensor_contiguous(logits, &flat, err);
  double sum = 0, peak = 0;
  for (int64_t t = 0; status == PG_OK && t < n_steps; t++) {
    const float *row = (const float *)pgi_tensor_data(&flat) + t * n_classes;
    int64_t c = best_class(row, n_classes);
    double p = (double)row[c] - log_total(row, n_classes);
    if (c != last) {
      if (last != blank) sum += peak;
      if (c != blank) {
        begun[n] = t;
        found[n++] = c;
      }
      peak = p;
    } else {
      peak = PG_MAX(peak, p);
    }
    last = c;
  }
  if (last != blank) sum += peak;
  if (status == PG_OK) status = pgi_tensor_i64s(ctx, n, found, labels, err);
  if (status == PG_OK && steps) status = pgi_tensor_i64s(ctx, n, begun, steps, err);
  if (status == PG_OK) *confidence = n ? exp(sum / (double)n) : 1;
  pgi_tensor_clear(&flat);
  pgi_free(ctx, found);
  return status;
}

/* ---- beam search ------------------------------------------------------------------------------------ */

/* A prefix is a node of a tree: its last label and the prefix before it. */
typedef struct prefix {
  int64_t parent, label;
  int64_t child, sibling; /* lists of the tree; -1 ends */
  int64_t beam;           /* its place among the next candidates; -1: not there */
} prefix;

/* Log probabilities of all alignments that end in a blank, and in the last label. */
typedef struct beam {
  int64_t prefix;
  double blank, label, total;
} beam;

typedef struct search {
  pg_context *ctx;
  prefix *tree;
  int64_t n_tree, tree_room;
  beam *now, *next; /* [width], [next_room] */
  int64_t n_now, n_next, next_room, width, blank, n_classes;
  double *log_p; /* [n_classes] */
} search;

static double log_add(double a, double b) {
  if (a < b) return log_add(b, a);
  return isinf(b) ? a : a + log1p(exp(b - a));
}

static pg_status add_prefix(search *s, int64_t parent, int64_t label, int64_t *out, pg_error *err) {
  PG_TRY(pgi_grow(s->ctx, &s->tree, &s->tree_room, s->n_tree + 1, sizeof *s->tree, err));
  prefix *node = &s->tree[s->n_tree];
  *node = (prefix){parent, label, -1, -1, -1};
  if (parent >= 0) {
    node->sibling = s->tree[parent].child;
    s->tree[parent].child = s->n_tree;
  }
  *out = s->n_tree++;
  return PG_OK;
}

static pg_status find_child(search *s, int64_t parent, int64_t label, int64_t *out, pg_error *err) {
  for (int64_t i = s->tree[parent].child; i >= 0; i = s->tree[i].sibling) {
    if (s->tree[i].label == label) {
      *out = i;
      return PG_OK;
    }
  }
  return add_prefix(s, parent, label, out, err);
}

/* The candidate of a prefix, made when it isn't there. */
static pg_status candidate_of(search *s, int64_t node, beam **out, pg_error *err) {
  if (s->tree[node].beam < 0) {
    PG_TRY(pgi_grow(s->ctx, &s->next, &s->next_room, s->n_next + 1, sizeof *s->next, err));
    s->next[s->n_next] = (beam){node, -INFINITY, -INFINITY, 0};
    s->tree[node].beam = s->n_next++;
  }
  *out = &s->next[s->tree[node].beam];
  return PG_OK;
}

/* One prefix, one step: it stays (a blank, or its last label again), or grows by a label. */
static pg_status extend(search *s, const beam *b, double floor, pg_error *err) {
  beam *c;
  int64_t last = s->tree[b->prefix].label;
  double all = log_add(b->blank, b->label);
  PG_TRY(candidate_of(s, b->prefix, &c, err));
  c->blank = log_add(c->blank, all + s->log_p[s->blank]);
  if (last >= 0) c->label = log_add(c->label, b->label + s->log_p[last]);
  for (int64_t k = 0; k < s->n_classes; k++) {
    if (k == s->blank || s->log_p[k] < floor) continue;
    int64_t node;
    PG_TRY(find_child(s, b->prefix, k, &node, err));
    PG_TRY(candidate_of(s, node, &c, err));
    c->label = log_add(c->label, (k == last ? b->blank : all) + s->log_p[k]);
  }
  return PG_OK;
}

static int likelier_first(const void *pa, const void *pb) {
  const beam *a = pa, *b = pb;
  if (a->total != b->total) return a->total > b->total ? -1 : 1;
  return (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

/* Labels less likely than this at a step are not tried: e^-12 is beyond what can win. */
enum { LOG_FLOOR = -12 };

static pg_status advance(search *s, const float *row, pg_error *err) {
  double total = log_total(row, s->n_classes);
  for (int64_t k = 0; k < s->n_classes; k++) s->log_p[k] = (double)row[k] - total;
  s->n_next = 0;
  for (int64_t i = 0; i < s->n_now; i++) PG_TRY(extend(s, &s->now[i], LOG_FLOOR, err));
  for (int64_t i = 0; i < s->n_next; i++) {
    double all = log_add(s->next[i].blank, s->next[i].label);
    s->next[i].total = isnan(all) ? -INFINITY : all; /* NaN has no place in an order */
    s->tree[s->next[i].prefix].beam = -1;
  }
  qsort(s->next, (size_t)s->n_next, sizeof *s->next, likelier_first);
  s->n_now = PG_MIN(s->n_next, s->width);
  memcpy(s->now, s->next, sizeof *s->now * (size_t)s->n_now);
  return PG_OK;
}

static pg_status best_labels(const search *s, pg_tensor *labels, pg_error *err) {
  int64_t n = 0;
  for (int64_t i = s->now[0].prefix; s->tree[i].parent >= 0; i = s->tree[i].parent) n++;
  PG_TRY(pgi_tensor_alloc(s->ctx, PG_I64, 1, &n, labels, err));
  int64_t *out = pgi_tensor_data(labels);
  for (int64_t i = s->now[0].prefix; s->tree[i].parent >= 0; i = s->tree[i].parent)
    out[--n] = s->tree[i].label;
  return PG_OK;
}

pg_status pgi_ctc_beam(pg_context *ctx, const pg_tensor *logits, int64_t blank, int64_t width,
                       pg_tensor *labels, double *confidence, pg_error *err) {
  pg_tensor flat = {0};
  int64_t root;
  PG_TRY(check(logits, blank, err));
  if (width < 1 || width > 10000)
    return pgi_fail(err, PG_INVALID, "width: expected 1 to 10000, got %lld", (long long)width);
  search s = {.ctx = ctx, .width = width, .blank = blank, .n_classes = logits->dims[1]};
  s.now = pgi_alloc(ctx, sizeof *s.now * (size_t)width);
  s.log_p = pgi_alloc(ctx, sizeof *s.log_p * (size_t)s.n_classes);
  pg_status status = s.now && s.log_p ? PG_OK : pgi_nomem(err);
  if (status == PG_OK) status = pgi_tensor_contiguous(logits, &flat, err);
  if (status == PG_OK) status = add_prefix(&s, -1, -1, &root, err);
  if (status == PG_OK) {
    s.now[0] = (beam){root, 0, -INFINITY, 0};
    s.n_now = 1;
  }
  for (int64_t t = 0; status == PG_OK && t < logits->dims[0]; t++)
    status = advance(&s, (const float *)pgi_tensor_data(&flat) + t * s.n_classes, err);
  if (status == PG_OK) status = best_labels(&s, labels, err);
  if (status == PG_OK) *confidence = exp(s.now[0].total);
  pgi_tensor_clear(&flat);
  pgi_free(ctx, s.now);
  pgi_free(ctx, s.next);
  pgi_free(ctx, s.tree);
  pgi_free(ctx, s.log_p);
  return status;
}
