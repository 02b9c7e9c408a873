/* ml: scores, rows, labels and lookups of ai.onnx.ml. */
#include "op/ml.h"

#include <math.h>

#include "op/order.h"
#include "op/working.h"

/* ---- scores ---------------------------------------------------------------------------------- */

pg_status pgi_transform_of(const pgi_node *node, pgi_transform *out, pg_error *err) {
  static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  pg_string given = pgi_attr_string(node, "post_transform");
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "post_transform", names[i])) continue;
    *out = (pgi_transform)i;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "post_transform: '%.*s' is unknown",
                  (int)PG_MIN(given.size, (size_t)40), given.data);
}

static double logistic(double x) {
  double v = 1 / (1 + exp(-fabs(x)));
  return x < 0 ? 1 - v : v;
}

/* sqrt(2) erfinv(2x - 1), by Winitzki's approximation of 2008 with a = 0.147, as models expect
** it. */
static double probit(double x) {
  const double a = 0.147;
  double y = 2 * x - 1, z = (1 - y) * (1 + y);
  if (z == 0) return 0;
  double l = log(z), v = 2 / (3.14159265358979323846 * a) + l / 2;
  double root = sqrt(sqrt(v * v - l / a) - v);
  return 1.41421356 * (y < 0 ? -root : root);
}

/* `keeps_zero`: what is zero stays there. */
static void softmax(double *s, int64_t n, bool keeps_zero) {
  double most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++) most = PG_MAX(most, s[i]);
  for (int64_t i = 0; i < n; i++) {
    bool is_zero = keeps_zero && fabs(s[i]) <= 1e-7;
    s[i] = is_zero ? s[i] * exp(-most) : exp(s[i] - most);
    sum += s[i];
  }
  for (int64_t i = 0; i < n; i++) s[i] = sum == 0 ? 0.5 : s[i] / sum;
}

void pgi_transform_scores(pgi_transform t, double *scores, int64_t n) {
  switch (t) {
    case PG_TRANSFORM_NONE:
      break;
    case PG_TRANSFORM_SOFTMAX:
      softmax(scores, n, false);
      break;
    case PG_TRANSFORM_SOFTMAX_ZERO:
      softmax(scores, n, true);
      break;
    case PG_TRANSFORM_LOGISTIC:
      for (int64_t i = 0; i < n; i++) scores[i] = logistic(scores[i]);
      break;
    case PG_TRANSFORM_PROBIT:
      for (int64_t i = 0; i < n; i++) scores[i] = probit(scores[i]);
      break;
  }
}

int64_t pgi_score_count(pgi_transform t, pgi_second second, int64_t n) {
  return n == 1 && second != PG_SECOND_NONE && t != PG_TRANSFORM_PROBIT ? 2 : n;
}

int64_t pgi_finish_scores(pgi_transform t, pgi_second second, double *scores, int64_t n) {
  if (pgi_score_count(t, second, n) == n) {
    pgi_transform_scores(t, scores, n);
    return n;
  }
  scores[1] = scores[0];
  scores[0] = second == PG_SECOND_COMPLEMENT ? 1 - scores[1] : -scores[1];
  if (second == PG_SECOND_NEGATIVE) pgi_transform_scores(t, scores, 2);
  return 2;
}

int64_t pgi_best_score(const double *scores, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

/* ---- rows ------------------------------------------------------------------------------------ */

pg_status pgi_rows_of(const pgi_type *t, pgi_dim *rows, pgi_dim *features, pg_error *err) {
  *rows = *features = pgi_dim_unknown();
  if (!t || t->kind != PG_TYPE_TENSOR || t->rank < 0) return PG_OK;
  if (t->rank != 1 && t->rank != 2) {
    return pgi_fail(err, PG_INVALID, "X: expected [N,F] or [F], got rank %d", t->rank);
  }
  *rows = t->rank == 2 ? t->dims[0] : pgi_dim_of(1);
  *features = t->dims[t->rank - 1];
  return PG_OK;
}

pg_status pgi_matrix_of(pgi_call *c, const pg_tensor *t, pgi_matrix *out) {
  out->features = t->rank ? t->dims[t->rank - 1] : 1;
  out->rows = t->rank == 2 ? t->dims[0] : 1;
  return pgi_f64s(c, t, &out->data);
}

typedef struct matrix_job {
  int64_t rows, per_task;
  pgi_rows_fn *f;
  void *arg;
} matrix_job;

static void matrix_task(void *arg, int64_t task) {
  const matrix_job *job = arg;
  int64_t first = task * job->per_task;
  job->f(job->arg, task, first, PG_MIN(job->rows - first, job->per_task));
}

void pgi_matrix_loop(pgi_call *c, int64_t rows, pgi_rows_fn *f, void *arg) {
  if (rows <= 0) return;
  matrix_job job = {rows, (rows - 1) / PG_ML_TASKS + 1, f, arg};
  pgi_call_parallel(c, (rows - 1) / job.per_task + 1, matrix_task, &job);
}

/* ---- class labels ---------------------------------------------------------------------------- */

pgi_labels pgi_labels_of(const pgi_node *node, const char *ints, const char *strings) {
  pgi_labels l = {0};
  l.strings = pgi_attr_strings(node, strings, &l.n);
  if (l.n > 0) return l;
  l.strings = NULL;
  l.ints = pgi_attr_ints(node, ints, &l.n);
  return l;
}

pg_dtype pgi_labels_dtype(const pgi_labels *l) {
  return l->strings ? PG_STRING : PG_I64;
}

pg_status pgi_put_label(const pgi_labels *l, int64_t i, pg_tensor *out, int64_t at, pg_error *err) {
  if (l->strings) {
    return pgi_string_set(out->buffer, out->offset + at, l->strings[i].data, l->strings[i].size,
                          err);
  }
  ((int64_t *)pgi_tensor_data(out))[at] = l->n > 0 ? l->ints[i] : i;
  return PG_OK;
}

/* ---- looking up ------------------------------------------------------------------------------ */

static int compare_keys(const void *arg, int64_t a, int64_t b) {
  const pgi_lookup *l = arg;
  if (l->strings) return pgi_order_strings(l->strings[a], l->strings[b]);
  return (l->keys[a] > l->keys[b]) - (l->keys[a] < l->keys[b]);
}

pg_status pgi_lookup_init(pgi_lookup *l, pg_context *ctx, pg_dtype dtype, const void *keys,
                          int64_t n, pg_error *err) {
  *l = (pgi_lookup){.n = n, .dtype = dtype};
  size_t bytes = (size_t)PG_MAX(n, 1) * sizeof(int64_t);
  l->order = pgi_alloc(ctx, bytes);
  l->keys = pgi_alloc(ctx, bytes);
  int64_t *temp = pgi_alloc(ctx, bytes);
  if (!l->order || !l->keys || !temp) {
    pgi_free(ctx, temp);
    pgi_lookup_deinit(l, ctx);
    return pgi_nomem(err);
  }
  if (dtype == PG_STRING)
    l->strings = keys;
  else
    pgi_order_keys(dtype, keys, 0, n, l->keys);
  for (int64_t i = 0; i < n; i++) l->order[i] = i;
  pgi_order_sort(l->order, temp, n, compare_keys, l);
  pgi_free(ctx, temp);
  return PG_OK;
}

void pgi_lookup_deinit(pgi_lookup *l, pg_context *ctx) {
  pgi_free(ctx, l->order);
  pgi_free(ctx, l->keys);
  *l = (pgi_lookup){0};
}

static int compare_with(const pgi_lookup *l, pg_string text, uint64_t key, int64_t i) {
  if (l->strings) return pgi_order_strings(text, l->strings[i]);
  return (key > l->keys[i]) - (key < l->keys[i]);
}

int64_t pgi_lookup_find(const pgi_lookup *l, const pg_tensor *t, int64_t i) {
  pg_string text = {0};
  uint64_t key = 0;
  int64_t low = 0, high = l->n;
  if (l->strings)
    text = ((const pg_string *)pgi_tensor_data(t))[i];
  else
    pgi_order_keys(t->dtype, pgi_tensor_data(t), i, 1, &key);
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (compare_with(l, text, key, l->order[middle]) < 0)
      high = middle;
    else
      low = middle + 1;
  }
  bool is_found = low > 0 && compare_with(l, text, key, l->order[low - 1]) == 0;
  return is_found ? l->order[low - 1] : -1;
}
