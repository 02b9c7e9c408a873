/* Solve (com.microsoft, as skl2onnx writes it): X of A X = B, A [N,N] and B [N] or [N,K], by
** elimination with row exchanges in f64. */
#include <math.h>

#include "op/move.h"

static pg_status infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), rank_b = pgi_in_rank(inf, 1);
  if ((rank >= 0 && rank != 2) || (rank_b >= 0 && rank_b != 1 && rank_b != 2))
    return pgi_fail(inf->err, PG_INVALID, "A, B: expected [N,N] and [N] or [N,K]");
  if (rank >= 0) {
    const pgi_dim *d = inf->in[0]->dims;
    bool is_square = d[0].n < 0 || d[1].n < 0 || d[0].n == d[1].n;
    bool fits =
        rank_b < 0 || d[0].n < 0 || inf->in[1]->dims[0].n < 0 || inf->in[1]->dims[0].n == d[0].n;
    if (!is_square || !fits)
      return pgi_fail(inf->err, PG_INVALID, "A, B: expected [N,N] and [N] or [N,K]");
  }
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank_b);
  for (int i = 0; i < rank_b; i++) out->dims[i] = inf->in[1]->dims[i];
  return PG_OK;
}

static void swap_rows(double *a, int64_t n, int64_t i, int64_t k) {
  for (int64_t j = 0; j < n && i != k; j++) {
    double t = a[i * n + j];
    a[i * n + j] = a[k * n + j];
    a[k * n + j] = t;
  }
}

static void subtract(double *to, const double *from, double factor, int64_t n) {
  for (int64_t j = 0; j < n; j++) to[j] -= factor * from[j];
}

/* a [n][n] becomes triangular; b [n][k] becomes the solution.  A singular matrix gives what
** division by zero gives. */
static void solve(double *a, int64_t n, double *b, int64_t k) {
  for (int64_t c = 0; c < n; c++) {
    int64_t best = c;
    for (int64_t r = c + 1; r < n; r++) {
      if (fabs(a[r * n + c]) > fabs(a[best * n + c])) best = r;
    }
    swap_rows(a, n, c, best);
    swap_rows(b, k, c, best);
    for (int64_t r = c + 1; r < n; r++) {
      double factor = a[r * n + c] / a[c * n + c];
      if (factor == 0) continue;
      subtract(a + r * n + c, a + c * n + c, factor, n - c);
      subtract(b + r * k, b + c * k, factor, k);
    }
  }
  for (int64_t c = n - 1; c >= 0; c--) {
    for (int64_t j = 0; j < k; j++) b[c * k + j] /= a[c * n + c];
    for (int64_t r = 0; r < c; r++) subtract(b + r * k, b + c * k, a[r * n + c], k);
  }
}

static pg_status run(pgi_call *c) {
  const pg_tensor *a = c->in[0], *b = c->in[1];
  int64_t n = a->dims[0], k = b->rank == 2 ? b->dims[1] : 1;
  if (b->dtype != a->dtype) return pgi_fail(c->err, PG_INVALID, "B: expected A's element type");
  double *work = pgi_call_scratch(c, (size_t)PG_MAX(n * n, 1) * sizeof *work);
  double *x = pgi_call_scratch(c, (size_t)PG_MAX(n * k, 1) * sizeof *x);
  if (!work || !x) return pgi_nomem(c->err);
  pgi_load_f64(a->dtype, pgi_tensor_data(a), 0, n * n, work);
  pgi_load_f64(b->dtype, pgi_tensor_data(b), 0, n * k, x);
  for (int64_t i = 0; i < n && pgi_attr_int(c->node, "transposed"); i++) {
    for (int64_t j = 0; j < i; j++) {
      double t = work[i * n + j];
      work[i * n + j] = work[j * n + i];
      work[j * n + i] = t;
    }
  }
  solve(work, n, x, k);
  pgi_store_f64(c->out[0]->dtype, pgi_tensor_data(c->out[0]), 0, n * k, x);
  return PG_OK;
}

/* `lower` speaks of the storage of symmetric matrices, which are given whole. */
static const pgi_attr_def attrs[] = {
    {.name = "lower", .kind = PG_ATTR_INT}, {.name = "transposed", .kind = PG_ATTR_INT}, {0}};

PG_OP(ms_solve) = {
    .name = "Solve",
    .domain = "com.microsoft",
    .since = {1},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T(PG_F32) | PG_T(PG_F64),
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
