/* Inverse of com.microsoft: inverses of square matrices, by elimination with the largest pivot. */
#include <math.h>

#include "op/lanes.h"
#include "op/move.h"

static pg_status infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  const pgi_dim *d = rank > 1 ? inf->in[0]->dims + rank - 2 : NULL;
  if (rank >= 0 && (rank < 2 || (d[0].n >= 0 && d[1].n >= 0 && d[0].n != d[1].n)))
    return pgi_fail(inf->err, PG_INVALID, "expected square matrices");
  return pgi_infer_same(inf);
}

typedef struct job {
  const pg_tensor *x;
  pg_tensor *y;
  int64_t n;
} job;

static void swap_rows(double *a, int64_t width, int64_t i, int64_t k) {
  for (int64_t c = 0; c < width && i != k; c++) {
    double v = a[i * width + c];
    a[i * width + c] = a[k * width + c];
    a[k * width + c] = v;
  }
}

/* a: [n, 2 n], the matrix with the unit matrix beside it. */
static void eliminate(double *a, int64_t n) {
  int64_t width = 2 * n;
  for (int64_t k = 0; k < n; k++) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; i++)
      if (fabs(a[i * width + k]) > fabs(a[pivot * width + k])) pivot = i;
    swap_rows(a, width, k, pivot);
    double v = a[k * width + k]; /* 0: the matrix has no inverse, and infinities say so */
    for (int64_t c = 0; c < width; c++) a[k * width + c] /= v;
    for (int64_t i = 0; i < n; i++) {
      double f = a[i * width + k];
      if (i == k || f == 0) continue;
      for (int64_t c = k; c < width; c++) a[i * width + c] -= f * a[k * width + c];
    }
  }
}

static void invert(void *arg, int64_t i, void *room) {
  const job *j = arg;
  double *a = room;
  int64_t n = j->n;
  for (int64_t row = 0; row < n; row++) {
    double *to = a + row * 2 * n;
    pgi_load_f64(j->x->dtype, pgi_tensor_data(j->x), (i * n + row) * n, n, to);
    for (int64_t k = 0; k < n; k++) to[n + k] = row == k;
  }
  eliminate(a, n);
  for (int64_t row = 0; row < n; row++)
    pgi_store_f64(j->y->dtype, pgi_tensor_data(j->y), (i * n + row) * n, n, a + row * 2 * n + n);
}

static pg_status run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  int64_t count = pgi_tensor_count(x);
  if (count == 0) return PG_OK;
  job j = {x, c->out[0], x->dims[x->rank - 1]};
  size_t bytes;
  pgi_lanes lanes;
  if (!pgi_mul_size((size_t)j.n * (size_t)j.n, 2 * sizeof(double), &bytes))
    return pgi_nomem(c->err);
  PG_TRY(pgi_lanes_init(&lanes, c, count / j.n / j.n, bytes));
  pgi_lanes_run(&lanes, count / j.n / j.n, invert, &j);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{0}};

PG_OP(ms_inverse) = {.name = "Inverse",
                     .domain = "com.microsoft",
                     .since = {1},
                     .in = {1, 1},
                     .out = {1, 1},
                     .types = PG_T_FLOAT,
                     .attrs = attrs,
                     .infer = infer,
                     .run = run};
