/* norm_rows: see norm_rows.h.  In f32 for f32 and shorter floats, in f64 for f64. */
#include "op/norm_rows.h"

#include "kernel/reduce.h"
#include "op/elementwise.h"
#include "op/lanes.h"

#include <math.h>

void pgi_moments_f32(const pg_context *ctx, const float *x, int64_t n, double epsilon, bool is_rms,
                     float *mean, float *inverse) {
  const pgi_reduce_f32 *reduce = ctx->kernels[PG_K_REDUCE_F32];
  const pgi_norm_f32 *norm = ctx->kernels[PG_K_NORM_F32];
  double spread;
  *mean = is_rms ? 0.0f : (float)(reduce->run[PG_R_SUM](x, n) / (double)n);
  spread = is_rms ? reduce->run[PG_R_SUM_SQUARE](x, n) : norm->spread(x, n, *mean);
  *inverse = (float)(1 / sqrt(spread / (double)n + epsilon));
}

void pgi_moments_f64(const double *x, int64_t n, double epsilon, bool is_rms, double *mean,
                     double *inverse) {
  double sum = 0, spread = 0;
  for (int64_t i = 0; i < n && !is_rms; i++) sum += x[i];
  *mean = sum / (double)n;
  for (int64_t i = 0; i < n; i++) spread += (x[i] - *mean) * (x[i] - *mean);
  *inverse = 1 / sqrt(spread / (double)n + epsilon);
}

/* ---- f32 ------------------------------------------------------------------------------------- */

typedef struct job {
  const pg_context *ctx;
  const pgi_norm_rows *norm;
  const void *gain, *bias; /* as f32 or f64 */
  int64_t gain_rows, bias_rows, per_task;
} job;

static int64_t rows_of(const pg_tensor *t, int64_t n) {
  return t ? pgi_tensor_count(t) / n : 1;
}

static void add_row(const pg_tensor *t, int64_t row, int64_t n, float *sum, float *room) {
  pgi_load_f32(t->dtype, pgi_tensor_data(t), row % rows_of(t, n) * n, n, room);
  PG_LOOP(n, sum[at] += room[at]);
}

static void store_f32(const pg_tensor *t, int64_t first, int64_t n, const float *v) {
  pgi_store_f32(t->dtype, pgi_tensor_data(t), first, n, v);
}

/* a, b: rooms for a row. */
static void row_f32(const job *j, int64_t row, float *a, float *b) {
  const pgi_norm_rows *w = j->norm;
  const pgi_norm_f32 *kernel = j->ctx->kernels[PG_K_NORM_F32];
  int64_t n = w->n, first = row * n;
  const float *v = a;
  if (w->x->dtype == PG_F32 && !w->skip && !w->addend) {
    v = (const float *)pgi_tensor_data(w->x) + first;
  } else {
    pgi_load_f32(w->x->dtype, pgi_tensor_data(w->x), first, n, a);
    if (w->skip) add_row(w->skip, row, n, a, b);
    if (w->addend) add_row(w->addend, row, n, a, b);
  }
  if (w->sum) store_f32(w->sum, first, n, v);
  float mean, inverse;
  pgi_moments_f32(j->ctx, v, n, w->epsilon, w->is_rms, &mean, &inverse);
  if (w->mean) store_f32(w->mean, row, 1, &mean);
  if (w->inverse) store_f32(w->inverse, row, 1, &inverse);
  if (!w->y) return;
  const float *gain = j->gain ? (const float *)j->gain + row % j->gain_rows * n : NULL;
  const float *bias = j->bias ? (const float *)j->bias + row % j->bias_rows * n : NULL;
  float *y = w->y->dtype == PG_F32 ? (float *)pgi_tensor_data(w->y) + first : b;
  kernel->apply(v, y, n, mean, inverse, gain, bias);
  if (y == b) store_f32(w->y, first, n, b);
}

/* ---- f64 ------------------------------------------------------------------------------------- */

static void add_row_f64(const pg_tensor *t, int64_t row, int64_t n, double *sum, double *room) {
  pgi_load_f64(t->dtype, pgi_tensor_data(t), row % rows_of(t, n) * n, n, room);
  for (int64_t i = 0; i < n; i++) sum[i] += room[i];
}

static void store_f64(const pg_tensor *t, int64_t first, int64_t n, const double *v) {
  if (t) pgi_store_f64(t->dtype, pgi_tensor_data(t), first, n, v);
}

static void row_f64(const job *j, int64_t row, double *a, double *b) {
  const pgi_norm_rows *w = j->norm;
  int64_t n = w->n, first = row * n;
  double mean, inverse;
  pgi_load_f64(w->x->dtype, pgi_tensor_data(w->x), first, n, a);
  if (w->skip) add_row_f64(w->skip, row, n, a, b);
  if (w->addend) add_row_f64(w->addend, row, n, a, b);
  store_f64(w->sum, first, n, a);
  pgi_moments_f64(a, n, w->epsilon, w->is_rms, &mean, &inverse);
  store_f64(w->mean, row, 1, &mean);
  store_f64(w->inverse, row, 1, &inverse);
  const double *gain = j->gain ? (const double *)j->gain + row % j->gain_rows * n : NULL;
  const double *bias = j->bias ? (const double *)j->bias + row % j->bias_rows * n : NULL;
  for (int64_t i = 0; i < n; i++) {
    double v = (a[i] - mean) * inverse;
    if (gain) v *= gain[i];
    b[i] = bias ? v + bias[i] : v;
  }
  store_f64(w->y, first, n, b);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void rows_task(void *arg, int64_t task, void *room) {
  const job *j = arg;
  int64_t last = PG_MIN((task + 1) * j->per_task, j->norm->rows);
  bool is_double = j->norm->x->dtype == PG_F64;
  for (int64_t row = task * j->per_task; row < last; row++) {
    if (is_double)
      row_f64(j, row, room, (double *)room + j->norm->n);
    else
      row_f32(j, row, room, (float *)room + j->norm->n);
  }
}

static pg_status convert(pgi_call *c, const pg_tensor *t, bool is_double, const void **out) {
  *out = NULL;
  if (!t) return PG_OK;
  *out = pgi_tensor_data(t);
  if (t->dtype == (is_double ? PG_F64 : PG_F32)) return PG_OK;
  void *copy;
  int64_t n = pgi_tensor_count(t);
  PG_TRY(pgi_scratch_array(c, n, is_double ? sizeof(double) : sizeof(float), &copy));
  if (is_double)
    pgi_load_f64(t->dtype, *out, 0, n, copy);
  else
    pgi_load_f32(t->dtype, *out, 0, n, copy);
  *out = copy;
  return PG_OK;
}

pg_status pgi_norm_rows_run(pgi_call *c, const pgi_norm_rows *norm) {
  job j = {.ctx = c->ctx, .norm = norm};
  if (norm->rows == 0 || norm->n == 0) return PG_OK;
  bool is_double = norm->x->dtype == PG_F64;
  PG_TRY(convert(c, norm->gain, is_double, &j.gain));
  PG_TRY(convert(c, norm->bias, is_double, &j.bias));
  j.gain_rows = rows_of(norm->gain, norm->n);
  j.bias_rows = rows_of(norm->bias, norm->n);
  j.per_task = PG_MAX(1, PG_GRAIN / norm->n);
  int64_t tasks = (norm->rows - 1) / j.per_task + 1;
  size_t bytes;
  if (!pgi_mul_size((size_t)norm->n, 2 * (is_double ? sizeof(double) : sizeof(float)), &bytes))
    return pgi_nomem(c->err);
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, c, tasks, bytes));
  pgi_lanes_run(&lanes, tasks, rows_task, &j);
  return PG_OK;
}
