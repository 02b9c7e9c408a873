/* CDist (com.microsoft): distances between each row of A [M,K] and each row of B [N,K]. */
#include <math.h>

#include "op/ml.h"

typedef struct job {
  pgi_matrix a, b;
  pg_tensor *out;
  bool is_squared;
} job;

static pg_status infer(pgi_infer *inf) {
  const pgi_type *a = inf->in[0], *b = inf->in[1];
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 2);
  if (!pgi_attr_is(inf->node, "metric", "euclidean") &&
      !pgi_attr_is(inf->node, "metric", "sqeuclidean"))
    return pgi_fail(inf->err, PG_INVALID, "metric: expected euclidean or sqeuclidean");
  if (pgi_in_rank(inf, 0) < 0 || pgi_in_rank(inf, 1) < 0) return PG_OK;
  if (a->rank != 2 || b->rank != 2) {
    return pgi_fail(inf->err, PG_INVALID, "A, B: expected rank 2, got ranks %d and %d", a->rank,
                    b->rank);
  }
  if (a->dims[1].n >= 0 && b->dims[1].n >= 0 && a->dims[1].n != b->dims[1].n) {
    return pgi_fail(inf->err, PG_INVALID, "B: expected %lld columns, as A, got %lld",
                    (long long)a->dims[1].n, (long long)b->dims[1].n);
  }
  out->dims[0] = a->dims[0];
  out->dims[1] = b->dims[0];
  return PG_OK;
}

/* By differences: the usual |a|^2 - 2ab + |b|^2 loses the digits of what is near. */
static void rows(void *arg, int64_t task, int64_t first, int64_t n) {
  const job *j = arg;
  int64_t k = j->a.features;
  (void)task;
  for (int64_t i = first * j->b.rows; i < (first + n) * j->b.rows; i++) {
    const double *a = j->a.data + i / j->b.rows * k, *b = j->b.data + i % j->b.rows * k;
    double sum = 0;
    for (int64_t f = 0; f < k; f++) sum += (a[f] - b[f]) * (a[f] - b[f]);
    if (!j->is_squared) sum = sqrt(sum);
    pgi_store_f64(j->out->dtype, pgi_tensor_data(j->out), i, 1, &sum);
  }
}

static pg_status run(pgi_call *c) {
  job j = {.out = c->out[0], .is_squared = pgi_attr_is(c->node, "metric", "sqeuclidean")};
  if (c->in[0]->dtype != c->in[1]->dtype)
    return pgi_fail(c->err, PG_INVALID, "B: expected A's element type");
  PG_TRY(pgi_matrix_of(c, c->in[0], &j.a));
  PG_TRY(pgi_matrix_of(c, c->in[1], &j.b));
  pgi_matrix_loop(c, j.a.rows, rows, &j);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "metric", .kind = PG_ATTR_STRING, .s = "sqeuclidean"},
                                     {0}};

PG_OP(ms_cdist) = {
    .name = "CDist",
    .domain = "com.microsoft",
    .since = {1},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T(PG_F32) | PG_T(PG_F64),
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
