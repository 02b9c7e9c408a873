/* Pow: the exponent may have another element type; the result has the base's. */
#include "op/elementwise.h"

/* Only the shapes join. */
static pg_status infer(pgi_infer *inf) {
  if (inf->n_out == 0 || !pgi_has_in(inf, 0) || !pgi_has_in(inf, 1)) return PG_OK;
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = pgi_in_dtype(inf, 0);
  return pgi_broadcast_dims(inf->in[0], inf->in[1], &inf->out[0], inf->err);
}

typedef struct pow_job {
  const pg_context *ctx;
  pg_dtype base, exponent;
  bool is_unsigned;
  const void *x, *e;
  void *y;
} pow_job;

enum { BLOCK = 512 };

/* By squaring, wrapping.  A negative exponent leaves what division truncates to: nothing, but for
** 1 and -1. */
static int64_t int_pow(int64_t base, int64_t e, bool is_unsigned) {
  if (e < 0 && !is_unsigned) return base == 1 ? 1 : base == -1 ? ((e & 1) ? -1 : 1) : 0;
  uint64_t y = 1, x = (uint64_t)base;
  for (uint64_t k = (uint64_t)e; k; k >>= 1, x *= x)
    if (k & 1) y *= x;
  return (int64_t)y;
}

static void pow_i64(void *arg, int64_t out, const int64_t *in, const int64_t *stride, int64_t n) {
  const pow_job *job = arg;
  int64_t x[BLOCK], e[BLOCK];
  for (int64_t first = 0; first < n; first += BLOCK) {
    int64_t m = PG_MIN(n - first, (int64_t)BLOCK);
    pgi_load_i64(job->base, job->x, in[0] + first * stride[0], stride[0] ? m : 1, x);
    pgi_load_i64(job->exponent, job->e, in[1] + first * stride[1], stride[1] ? m : 1, e);
    for (int64_t i = m - 1; i >= 0; i--)
      x[i] = int_pow(x[i * stride[0]], e[i * stride[1]], job->is_unsigned);
    pgi_store_i64(job->base, job->y, out + first, m, x);
  }
}

static void pow_f64(void *arg, int64_t out, const int64_t *in, const int64_t *stride, int64_t n) {
  const pow_job *job = arg;
  double x[BLOCK], e[BLOCK];
  for (int64_t first = 0; first < n; first += BLOCK) {
    int64_t m = PG_MIN(n - first, (int64_t)BLOCK);
    pgi_load_f64(job->base, job->x, in[0] + first * stride[0], stride[0] ? m : 1, x);
    pgi_load_f64(job->exponent, job->e, in[1] + first * stride[1], stride[1] ? m : 1, e);
    for (int64_t i = m - 1; i >= 0; i--) x[i] = pow(x[i * stride[0]], e[i * stride[1]]);
    pgi_store_f64(job->base, job->y, out + first, m, x);
  }
}

/* The exponents that networks use, all rounded as a product or a root is; false: none of them. */
static bool easy_pow(const pow_job *job, const float *x, float e, float *y, int64_t n) {
  if (e == 2.0f) {
    pgi_binary_f32_run(job->ctx, PG_MUL, x, 1, x, 1, y, n);
  } else if (e == 3.0f) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * x[i] * x[i];
  } else if (e == 0.5f) { /* unlike the root, of -0 and -infinity: 0 and infinity */
    for (int64_t i = 0; i < n; i++) y[i] = x[i] == -INFINITY ? INFINITY : sqrtf(x[i] + 0.0f);
  } else if (e == -1.0f) {
    pgi_unary_f32_run(job->ctx, PG_RECIPROCAL, x, y, n, 0, 0);
  } else {
    return false;
  }
  return true;
}

static void pow_f32(void *arg, int64_t out, const int64_t *in, const int64_t *stride, int64_t n) {
  const pow_job *job = arg;
  const float *x = (const float *)job->x + in[0], *e = (const float *)job->e + in[1];
  float *y = (float *)job->y + out;
  if (stride[0] == 1 && stride[1] == 0 && easy_pow(job, x, *e, y, n)) return;
  for (int64_t i = 0; i < n; i++) y[i] = powf(x[i * stride[0]], e[i * stride[1]]);
}

static bool is_integer(pgi_kind kind) {
  return kind == PG_KIND_INT || kind == PG_KIND_UINT;
}

static pg_status run(pgi_call *c) {
  pow_job job = {.ctx = c->ctx, .base = c->in[0]->dtype, .exponent = c->in[1]->dtype};
  pgi_kind base = pgi_dtype_kind(job.base), exponent = pgi_dtype_kind(job.exponent);
  for (int i = 0; i < 2; i++) {
    pgi_kind kind = i == 0 ? base : exponent;
    if (kind != PG_KIND_FLOAT && !is_integer(kind))
      return pgi_fail(c->err, PG_INVALID, "input %d: expected numbers, got %s", i,
                      pg_dtype_name(c->in[i]->dtype));
  }
  job.is_unsigned = exponent == PG_KIND_UINT;
  job.x = pgi_tensor_data(c->in[0]);
  job.e = pgi_tensor_data(c->in[1]);
  job.y = pgi_tensor_data(c->out[0]);
  pgi_run_fn *loop = is_integer(base) && is_integer(exponent)       ? pow_i64
                     : job.base == PG_F32 && job.exponent == PG_F32 ? pow_f32
                                                                    : pow_f64;
  return pgi_broadcast_loop(c, c->out[0], 2, c->in, loop, &job);
}

PG_OP(pow) = {
    .name = "Pow",
    .since = {1, 7, 12, 13, 15},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = infer,
    .run = run,
};
