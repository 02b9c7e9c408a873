/* perigee.tflite RequantizeRows and L2Normalize: what TensorFlow Lite's kernels do a row at a time.
**
** RequantizeRows rounds each row of f32 to 8 bits and back, as hybrid kernels (f32 activations, 8-bit
** weights) quantise their input on the fly.  The first `axes` axes tell the rows.  Symmetric: -127 to
** 127, the scale from the greatest magnitude; asymmetric: -128 to 127 with a zero point.
**
** L2Normalize: y = clamp(zero + 128 d / sqrt(sum d^2)) over the last axis, d = x - in_zero, with the
** inverse root by Newton's steps in fixed point. */
#include <math.h>

#include "op/op.h"

/* ---- RequantizeRows --------------------------------------------------------------------------- */

typedef struct rows {
  const float *x;
  float *y;
  int64_t n;
  bool is_asymmetric;
} rows;

static void symmetric_row(const float *x, float *y, int64_t n) {
  float most = 0;
  for (int64_t i = 0; i < n; i++) most = PG_MAX(most, fabsf(x[i]));
  if (most == 0) {
    memset(y, 0, (size_t)n * sizeof *y);
    return;
  }
  float scale = most / 127.0f, inverse = 127.0f / most;
  for (int64_t i = 0; i < n; i++) {
    float q = roundf(x[i] * inverse);
    y[i] = PG_MIN(127.0f, PG_MAX(-127.0f, q)) * scale;
  }
}

/* The zero point comes from the end of the range where it is told with the smaller error. */
static float zero_point(double least, double most, double scale) {
  double from_least = -128 - least / scale, from_most = 127 - most / scale;
  double error_least = 128 + fabs(least / scale), error_most = 127 + fabs(most / scale);
  double zero = error_least < error_most ? from_least : from_most;
  if (zero <= -128) return -128;
  if (zero >= 127) return 127;
  return (float)round(zero);
}

static void asymmetric_row(const float *x, float *y, int64_t n) {
  double least = 0, most = 0;
  for (int64_t i = 0; i < n; i++) {
    least = fmin(least, (double)x[i]);
    most = fmax(most, (double)x[i]);
  }
  if (least == most) {
    memset(y, 0, (size_t)n * sizeof *y);
    return;
  }
  double width = (most - least) / 255;
  float zero = zero_point(least, most, width), scale = (float)width, inverse = 1.0f / scale;
  for (int64_t i = 0; i < n; i++) {
    float q = roundf(zero + x[i] * inverse);
    y[i] = (PG_MIN(127.0f, PG_MAX(-128.0f, q)) - zero) * scale;
  }
}

static void row_task(void *arg, int64_t i) {
  const rows *r = arg;
  (r->is_asymmetric ? asymmetric_row : symmetric_row)(r->x + i * r->n, r->y + i * r->n, r->n);
}

static pg_status rows_run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  int64_t axes = pgi_attr_int(c->node, "axes");
  if (axes < 0 || axes > x->rank)
    return pgi_fail(c->err, PG_INVALID, "axes: expected 0 to %d, got %lld", x->rank,
                    (long long)axes);
  rows r = {.x = pgi_tensor_data(x),
            .y = pgi_tensor_data(c->out[0]),
            .n = pgi_dims_product(x->dims, (int)axes, x->rank),
            .is_asymmetric = pgi_attr_int(c->node, "asymmetric") != 0};
  if (r.n > 0) pgi_call_parallel(c, pgi_dims_product(x->dims, 0, (int)axes), row_task, &r);
  return PG_OK;
}

static const pgi_attr_def rows_attrs[] = {
    {.name = "axes", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "asymmetric", .kind = PG_ATTR_INT},
    {0}};

PG_OP(tflite_requantize_rows) = {.name = "RequantizeRows",
                                 .domain = "perigee.tflite",
                                 .since = {1},
                                 .in = {1, 1},
                                 .out = {1, 1},
                                 .types = PG_T(PG_F32),
                                 .attrs = rows_attrs,
                                 .infer = pgi_infer_same,
                                 .run = rows_run};

/* ---- L2Normalize ------------------------------------------------------------------------------ */

static int32_t high_mul(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x * 2^by, saturating */
static int32_t saturating_shift(int32_t x, int by) {
  int64_t y = (int64_t)x * ((int64_t)1 << by);
  return (int32_t)PG_MIN(PG_MAX(y, (int64_t)INT32_MIN), (int64_t)INT32_MAX);
}

static int leading_zeros(uint32_t x) {
  int n = 0;
  for (; n < 32 && !(x >> (31 - n)); n++) {
  }
  return n;
}

/* 1 / sqrt(x) = multiplier * 2^(shift - 31). */
static void inverse_root(int32_t x, int32_t *multiplier, int *shift) {
  if (x <= 1) {
    *multiplier = INT32_MAX;
    *shift = 0;
    return;
  }
  int right = 11;
  for (; x >= 1 << 29; x /= 4) right++;
  int pairs = (leading_zeros((uint32_t)x) - 1) / 2 - 1;
  right -= pairs;
  x <<= 2 * pairs;
  /* Five of Newton's steps y = 1.5 y - x/2 y^3, three bits before the point. */
  int32_t half = ((x >> 1) + 1) >> 1, y = 1 << 28;
  for (int i = 0; i < 5; i++) {
    int32_t cube = saturating_shift(high_mul(high_mul(y, y), y), 6);
    y = saturating_shift(high_mul((1 << 28) + (1 << 27), y) - high_mul(half, cube), 3);
  }
  y = high_mul(y, 1518500250); /* sqrt(1/2) */
  if (right < 0) {
    y = (int32_t)((uint32_t)y << -right);
    right = 0;
  }
  *multiplier = y;
  *shift = -right;
}

static int64_t round_shift(int64_t x, int by) {
  return by == 0 ? x : (x + ((int64_t)1 << (by - 1)) - (x < 0)) >> by;
}

typedef struct l2 {
  const pg_tensor *x, *y;
  int64_t n, in_zero, zero, low, high;
} l2;

enum { BLOCK = 512 };

static void l2_row(void *arg, int64_t row) {
  const l2 *s = arg;
  int64_t v[BLOCK];
  uint32_t sum = 0;
  for (int64_t i = 0; i < s->n; i += BLOCK) {
    int64_t m = PG_MIN(s->n - i, (int64_t)BLOCK);
    pgi_load_i64(s->x->dtype, pgi_tensor_data(s->x), row * s->n + i, m, v);
    for (int64_t j = 0; j < m; j++) sum += (uint32_t)((v[j] - s->in_zero) * (v[j] - s->in_zero));
  }
  int32_t multiplier;
  int shift;
  inverse_root((int32_t)sum, &multiplier, &shift);
  /* Kernels of signed numbers put 128 into the exponent, those of unsigned ones into d. */
  bool is_unsigned = s->x->dtype == PG_U8;
  if (!is_unsigned) shift += 7;
  for (int64_t i = 0; i < s->n; i += BLOCK) {
    int64_t m = PG_MIN(s->n - i, (int64_t)BLOCK);
    pgi_load_i64(s->x->dtype, pgi_tensor_data(s->x), row * s->n + i, m, v);
    for (int64_t j = 0; j < m; j++) {
      int64_t d = (v[j] - s->in_zero) * ((int64_t)1 << (is_unsigned ? 7 : PG_MAX(shift, 0)));
      int64_t y = round_shift(high_mul((int32_t)d, multiplier), PG_MAX(-shift, 0));
      v[j] = PG_MIN(PG_MAX(y + s->zero, s->low), s->high);
    }
    pgi_store_i64(s->y->dtype, pgi_tensor_data(s->y), row * s->n + i, m, v);
  }
}

static pg_status l2_run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  bool is_unsigned = x->dtype == PG_U8;
  if (x->rank < 1) return pgi_fail(c->err, PG_INVALID, "input 0: expected a rank of 1 or more");
  l2 s = {.x = x,
          .y = c->out[0],
          .n = x->dims[x->rank - 1],
          .in_zero = pgi_attr_int(c->node, "in_zero"),
          .zero = is_unsigned ? 128 : 0,
          .low = is_unsigned ? 0 : -128,
          .high = is_unsigned ? 255 : 127};
  if (s.in_zero < s.low || s.in_zero > s.high)
    return pgi_fail(c->err, PG_INVALID, "in_zero: out of range");
  if (s.n > 0) pgi_call_parallel(c, pgi_tensor_count(x) / s.n, l2_row, &s);
  return PG_OK;
}

static const pgi_attr_def l2_attrs[] = {{.name = "in_zero", .kind = PG_ATTR_INT}, {0}};

PG_OP(tflite_l2_normalize) = {.name = "L2Normalize",
                              .domain = "perigee.tflite",
                              .since = {1},
                              .in = {1, 1},
                              .out = {1, 1},
                              .types = PG_T(PG_I8) | PG_T(PG_U8),
                              .attrs = l2_attrs,
                              .infer = pgi_infer_same,
                              .run = l2_run};
