/* perigee.tflite Rescale and Softmax: the fixed-point arithmetic of TensorFlow Lite's reference
** kernels, to the bit.
**
** Rescale takes sums (or 8 and 16-bit numbers) to quantised results:
**
**   y = clamp(zero + M((x - in_zero + bias[c]) << left), low, high)
**
** M multiplies by multiplier[c] * 2^(shift[c] - 31) as gemmlowp does: the doubled high half of the
** product, rounded half up, then divided by the power of two, rounded half away from zero.  With
** `rounding` "wide", sums of 64 bits: the multiplier rounded to 15 bits, and one rounding, half up;
** with "single", one rounding, half up, and all of the multiplier.  c counts along `axis`.  QLinearConv's float scales, rounded half to even, differ from it in the last bit. */
#include <math.h>

#include "op/op.h"

typedef struct rescale {
  pg_dtype from, to;
  const void *x;
  void *y;
  const int32_t *multiplier, *shift;
  const int64_t *bias; /* NULL: none */
  int64_t channels, inner;
  int64_t in_zero, zero, low, high;
  int left;
  enum { TWICE, WIDE, SINGLE } rounding;
  bool is_narrow;
} rescale;

enum { BLOCK = 512 };

/* ---- fixed point ------------------------------------------------------------------------------ */

static int32_t wrap32(int64_t x) {
  return (int32_t)(uint32_t)(uint64_t)x;
}

/* x * 2^shift in 64 bits, without an overflow that C leaves undefined. */
static int64_t shift_left(int64_t x, int by) {
  return (int64_t)((uint64_t)x << by);
}

static int64_t multiply(int32_t x, int32_t multiplier, int shift) {
  int left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
  int64_t a = wrap32(shift_left(x, left));
  if (a == INT32_MIN && multiplier == INT32_MIN) return INT32_MAX >> right;
  int64_t high = (a * multiplier + ((int64_t)1 << 30)) >> 31;
  if (right == 0) return high;
  return (high + ((int64_t)1 << (right - 1)) - (high < 0)) >> right;
}

static int64_t multiply_wide(int64_t x, int32_t multiplier, int shift) {
  int64_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
  int total = 15 - shift;
  uint64_t product = (uint64_t)x * (uint64_t)reduced + ((uint64_t)1 << (total - 1));
  return wrap32((int64_t)product >> total);
}

/* One rounding, half up, with all bits of the multiplier; x may have 47 bits. */
static int64_t multiply_single(int64_t x, int32_t multiplier, int shift) {
  int total = 31 - shift;
  int64_t round = (int64_t)1 << (total - 1);
  if (total < 16) return (int64_t)((uint64_t)x * (uint64_t)multiplier + (uint64_t)round) >> total;
  int64_t high = (int64_t)((uint64_t)(x >> 16) * (uint64_t)multiplier);
  return (high + (((x & 0xFFFF) * multiplier + round) >> 16)) >> (total - 16);
}

/* ---- Rescale ---------------------------------------------------------------------------------- */

static int64_t product(const rescale *r, int64_t x, int32_t multiplier, int shift) {
  if (r->rounding == WIDE) return multiply_wide(x, multiplier, shift);
  if (r->rounding == SINGLE) return multiply_single(x, multiplier, shift);
  return multiply(wrap32(x), multiplier, shift);
}

static void scale_run(const rescale *r, int64_t channel, int64_t n, int64_t *v) {
  int64_t add = (r->bias ? r->bias[channel] : 0) - r->in_zero;
  int32_t multiplier = r->multiplier[channel];
  int shift = r->shift[channel];
  for (int64_t i = 0; i < n; i++) {
    int64_t x = shift_left((int64_t)((uint64_t)v[i] + (uint64_t)add), r->left);
    int64_t y = r->zero + product(r, x, multiplier, shift);
    v[i] = PG_MIN(PG_MAX(y, r->low), r->high);
  }
}

/* The common case without detours: sums of 32 bits, rounded twice, to 8 or 16 bits. */
static void narrow_run(const rescale *r, int64_t channel, int64_t n, const int32_t *x, int32_t *v) {
  uint32_t add = (uint32_t)((r->bias ? r->bias[channel] : 0) - r->in_zero);
  int64_t multiplier = r->multiplier[channel], round = (int64_t)1 << 30;
  int left = PG_MAX(r->shift[channel], 0) + r->left, right = PG_MAX(-r->shift[channel], 0);
  int64_t half = right > 0 ? (int64_t)1 << (right - 1) : 0, is_away = right > 0;
  for (int64_t i = 0; i < n; i++) {
    int32_t a = (int32_t)(((uint32_t)x[i] + add) << left);
    int64_t high = (a * multiplier + round) >> 31;
    int64_t y = r->zero + ((high + half - (is_away & (high < 0))) >> right);
    v[i] = (int32_t)PG_MIN(PG_MAX(y, r->low), r->high);
  }
}

static void store_narrow(pg_dtype dtype, void *y, int64_t first, int64_t n, const int32_t *v) {
  if (dtype == PG_I8) {
    int8_t *to = (int8_t *)y + first;
    for (int64_t i = 0; i < n; i++) to[i] = (int8_t)v[i];
  } else if (dtype == PG_U8) {
    uint8_t *to = (uint8_t *)y + first;
    for (int64_t i = 0; i < n; i++) to[i] = (uint8_t)v[i];
  } else if (dtype == PG_I16) {
    int16_t *to = (int16_t *)y + first;
    for (int64_t i = 0; i < n; i++) to[i] = (int16_t)v[i];
  } else {
    memcpy((int32_t *)y + first, v, (size_t)n * sizeof *v);
  }
}

/* How many elements from `at` on share a channel, which is stored in *channel. */
static int64_t same_channel(const rescale *r, int64_t at, int64_t n, int64_t *channel) {
  *channel = r->channels == 1 ? 0 : at / r->inner % r->channels;
  return r->channels == 1 ? n : PG_MIN(n, r->inner - at % r->inner);
}

static void narrow_range(const rescale *r, int64_t first, int64_t n) {
  int32_t v[BLOCK];
  const int32_t *x = r->x;
  for (int64_t end = first + n; first < end;) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK), channel;
    for (int64_t i = 0; i < m;) {
      int64_t piece = same_channel(r, first + i, m - i, &channel);
      narrow_run(r, channel, piece, x + first + i, v + i);
      i += piece;
    }
    store_narrow(r->to, r->y, first, m, v);
    first += m;
  }
}

/* A left shift of 32 and more would leave nothing: those go the long way. */
static bool is_narrow(const rescale *r) {
  if (r->from != PG_I32 || r->rounding != TWICE) return false;
  for (int64_t i = 0; i < r->channels; i++)
    if (r->left + r->shift[i] > 31) return false;
  return true;
}

static void rescale_range(void *arg, int64_t first, int64_t n) {
  const rescale *r = arg;
  int64_t v[BLOCK], channel;
  if (r->is_narrow) {
    narrow_range(r, first, n);
    return;
  }
  for (int64_t end = first + n; first < end;) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK);
    pgi_load_i64(r->from, r->x, first, m, v);
    for (int64_t i = 0; i < m;) {
      int64_t piece = same_channel(r, first + i, m - i, &channel);
      scale_run(r, channel, piece, v + i);
      i += piece;
    }
    pgi_store_i64(r->to, r->y, first, m, v);
    first += m;
  }
}

static pg_status target(const pgi_node *node, pg_dtype *out, pg_error *err) {
  int64_t to = pgi_attr_int(node, "to");
  if (to == PG_I8 || to == PG_U8 || to == PG_I16 || to == PG_I32) {
    *out = (pg_dtype)to;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "to: expected i8, u8, i16 or i32");
}

static pg_status rescale_infer(pgi_infer *inf) {
  pg_dtype to = PG_NONE;
  PG_TRY(target(inf->node, &to, inf->err));
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = to;
  return PG_OK;
}

static pg_status check_params(const pgi_call *c, rescale *r) {
  const pg_tensor *x = c->in[0], *multiplier = c->in[1], *shift = c->in[2], *bias = NULL;
  if (c->n_in > 3) bias = c->in[3];
  r->channels = pgi_tensor_count(multiplier);
  r->inner = 1;
  if (r->channels != 1) {
    int axis;
    PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), x->rank, &axis, c->err));
    if (x->dims[axis] != r->channels)
      return pgi_fail(c->err, PG_INVALID, "multiplier: expected %lld elements, got %lld",
                      (long long)x->dims[axis], (long long)r->channels);
    r->inner = pgi_dims_product(x->dims, axis + 1, x->rank);
  }
  if (multiplier->dtype != PG_I32 || shift->dtype != PG_I32 || (bias && bias->dtype != PG_I64))
    return pgi_fail(c->err, PG_INVALID, "expected multiplier and shift of i32, bias of i64");
  if (pgi_tensor_count(shift) != r->channels || (bias && pgi_tensor_count(bias) != r->channels))
    return pgi_fail(c->err, PG_INVALID, "multiplier, shift and bias differ in size");
  r->multiplier = pgi_tensor_data(multiplier);
  r->shift = pgi_tensor_data(shift);
  r->bias = bias ? pgi_tensor_data(bias) : NULL;
  for (int64_t i = 0; i < r->channels; i++)
    if (r->shift[i] < -31 ||
        r->shift[i] > (r->rounding == WIDE     ? 14
                       : r->rounding == SINGLE ? 30
                                               : 31) ||
        r->multiplier[i] < 0)
      return pgi_fail(c->err, PG_INVALID, "multiplier %d, shift %d: out of range",
                      (int)r->multiplier[i], (int)r->shift[i]);
  return PG_OK;
}

static pg_status rounding_of(const pgi_call *c, rescale *r) {
  if (pgi_attr_is(c->node, "rounding", "double"))
    r->rounding = TWICE;
  else if (pgi_attr_is(c->node, "rounding", "wide"))
    r->rounding = WIDE;
  else if (pgi_attr_is(c->node, "rounding", "single"))
    r->rounding = SINGLE;
  else
    return pgi_fail(c->err, PG_INVALID, "rounding: expected double, wide or single");
  return PG_OK;
}

static pg_status rescale_run(pgi_call *c) {
  rescale r = {.from = c->in[0]->dtype,
               .x = pgi_tensor_data(c->in[0]),
               .y = pgi_tensor_data(c->out[0]),
               .in_zero = pgi_attr_int(c->node, "in_zero"),
               .zero = pgi_attr_int(c->node, "zero"),
               .low = pgi_attr_int(c->node, "low"),
               .high = pgi_attr_int(c->node, "high")};
  PG_TRY(rounding_of(c, &r));
  int64_t left = pgi_attr_int(c->node, "left");
  if (left < 0 || left > 31)
    return pgi_fail(c->err, PG_INVALID, "left: expected 0 to 31, got %lld", (long long)left);
  if (PG_MAX(r.in_zero, r.zero) > INT32_MAX || PG_MIN(r.in_zero, r.zero) < INT32_MIN)
    return pgi_fail(c->err, PG_INVALID, "in_zero, zero: out of range");
  r.left = (int)left;
  PG_TRY(target(c->node, &r.to, c->err));
  PG_TRY(check_params(c, &r));
  r.is_narrow = is_narrow(&r);
  pgi_flat_loop(c, pgi_tensor_count(c->out[0]), rescale_range, &r);
  return PG_OK;
}

static const pgi_attr_def rescale_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT, .i = -1},
    {.name = "in_zero", .kind = PG_ATTR_INT},
    {.name = "left", .kind = PG_ATTR_INT},
    {.name = "zero", .kind = PG_ATTR_INT},
    {.name = "low", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "high", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "to", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "rounding", .kind = PG_ATTR_STRING, .s = "double"},
    {0}};

PG_OP(tflite_rescale) = {.name = "Rescale",
                         .domain = "perigee.tflite",
                         .since = {1},
                         .in = {3, 4},
                         .out = {1, 1},
                         .types = PG_T_INT | PG_T(PG_U8) | PG_T(PG_U16),
                         .attrs = rescale_attrs,
                         .infer = rescale_infer,
                         .run = rescale_run};

/* ---- Softmax ---------------------------------------------------------------------------------- */

/* Of 8 bits along the last axis: exponentials of the distance to the greatest from a table of 256
** floats, summed in order, one division a row. */
typedef struct softmax {
  const pg_tensor *x, *y;
  const float *table; /* [distance] */
  float scale;
  int64_t zero, low, high, n;
} softmax;

static void softmax_row(const softmax *s, int64_t row) {
  int64_t v[BLOCK], greatest = INT64_MIN, n = s->n;
  const void *x = pgi_tensor_data(s->x);
  float sum = 0;
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    pgi_load_i64(s->x->dtype, x, row * n + i, m, v);
    for (int64_t j = 0; j < m; j++) greatest = PG_MAX(greatest, v[j]);
  }
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    pgi_load_i64(s->x->dtype, x, row * n + i, m, v);
    for (int64_t j = 0; j < m; j++) sum += s->table[greatest - v[j]];
  }
  float factor = 1.0f / (sum * s->scale);
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    pgi_load_i64(s->x->dtype, x, row * n + i, m, v);
    for (int64_t j = 0; j < m; j++) {
      float p = s->table[greatest - v[j]] * factor;
      /* Unsigned results round half up, signed ones half to even, as the reference does. */
      int64_t q = (int64_t)(s->y->dtype == PG_U8 ? floorf(p + 0.5f) : rintf(p)) + s->zero;
      v[j] = PG_MIN(PG_MAX(q, s->low), s->high);
    }
    pgi_store_i64(s->y->dtype, pgi_tensor_data(s->y), row * n + i, m, v);
  }
}

static void softmax_task(void *arg, int64_t i) {
  softmax_row(arg, i);
}

static pg_status softmax_infer(pgi_infer *inf) {
  pg_dtype to = PG_NONE;
  PG_TRY(target(inf->node, &to, inf->err));
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = to;
  return PG_OK;
}

static pg_status softmax_run(pgi_call *c) {
  const pg_tensor *x = c->in[0], *table = c->in[1];
  if (x->rank < 1) return pgi_fail(c->err, PG_INVALID, "input 0: expected a rank of 1 or more");
  if (table->dtype != PG_F32 || pgi_tensor_count(table) != 256)
    return pgi_fail(c->err, PG_INVALID, "table: expected 256 numbers of f32");
  softmax s = {.x = x,
               .y = c->out[0],
               .table = pgi_tensor_data(table),
               .scale = pgi_attr_float(c->node, "scale"),
               .zero = pgi_attr_int(c->node, "zero"),
               .n = x->dims[x->rank - 1]};
  int bits = pg_dtype_bits(s.y->dtype);
  bool is_unsigned = s.y->dtype == PG_U8;
  s.low = is_unsigned ? 0 : -((int64_t)1 << (bits - 1));
  s.high = is_unsigned ? 255 : ((int64_t)1 << (bits - 1)) - 1;
  if (!(s.scale > 0)) return pgi_fail(c->err, PG_INVALID, "scale: expected a number above 0");
  if (s.n > 0) pgi_call_parallel(c, pgi_tensor_count(x) / s.n, softmax_task, &s);
  return PG_OK;
}

static const pgi_attr_def softmax_attrs[] = {
    {.name = "scale", .kind = PG_ATTR_FLOAT, .is_required = true},
    {.name = "zero", .kind = PG_ATTR_INT},
    {.name = "to", .kind = PG_ATTR_INT, .is_required = true},
    {0}};

PG_OP(tflite_softmax) = {.name = "Softmax",
                         .domain = "perigee.tflite",
                         .since = {1},
                         .in = {2, 2},
                         .out = {1, 1},
                         .types = PG_T(PG_I8) | PG_T(PG_U8),
                         .attrs = softmax_attrs,
                         .infer = softmax_infer,
                         .run = softmax_run};
