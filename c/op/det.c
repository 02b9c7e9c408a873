/* Det: determinants, by elimination with row exchanges in f64. */
#include <math.h>

#include "op/lanes.h"

typedef struct run {
  const pg_tensor *x;
  pg_tensor *y;
  int64_t n;
} run;

static pg_status infer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  int rank = pgi_in_rank(inf, 0);
  if (rank < 0) return PG_OK;
  const pgi_dim *dims = inf->in[0]->dims;
  if (rank < 2 ||
      (dims[rank - 1].n >= 0 && dims[rank - 2].n >= 0 && dims[rank - 1].n != dims[rank - 2].n)) {
    return pgi_fail(inf->err, PG_INVALID, "input 0: expected square matrices");
  }
  inf->out[0].rank = rank - 2;
  for (int i = 0; i < rank - 2; i++) inf->out[0].dims[i] = dims[i];
  return PG_OK;
}

static double eliminate(int64_t n, double *a) {
  double det = 1;
  for (int64_t c = 0; c < n; c++) {
    int64_t best = c;
    for (int64_t r = c + 1; r < n; r++) {
      if (fabs(a[r * n + c]) > fabs(a[best * n + c])) best = r;
    }
    if (best != c) {
      det = -det;
      for (int64_t j = 0; j < n; j++) {
        double t = a[c * n + j];
        a[c * n + j] = a[best * n + j];
        a[best * n + j] = t;
      }
    }
    double pivot = a[c * n + c];
    det *= pivot;
    if (pivot == 0) return 0;
    for (int64_t r = c + 1; r < n; r++) {
      double factor = a[r * n + c] / pivot;
      for (int64_t j = c + 1; j < n; j++) a[r * n + j] -= factor * a[c * n + j];
    }
  }
  return det;
}

static void task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  pgi_load_f64(r->x->dtype, pgi_tensor_data(r->x), i * r->n * r->n, r->n * r->n, scratch);
  double det = eliminate(r->n, scratch);
  pgi_store_f64(r->y->dtype, pgi_tensor_data(r->y), i, 1, &det);
}

static pg_status run_det(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  run r = {x, call->out[0], x->dims[x->rank - 1]};
  int64_t count = pgi_tensor_count(call->out[0]);
  size_t bytes;
  if (!pgi_mul_size((size_t)r.n, (size_t)r.n * sizeof(double), &bytes)) return pgi_nomem(call->err);
  if (count == 0) return PG_OK;
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, call, count, bytes));
  pgi_lanes_run(&lanes, count, task, &r);
  return PG_OK;
}

static const pgi_attr_def no_attrs[] = {{0}};
PG_OP(det) = {.name = "Det",
              .since = {11, 22},
              .in = {1, 1},
              .out = {1, 1},
              .types = PG_T_FLOAT,
              .attrs = no_attrs,
              .infer = infer,
              .run = run_det};
