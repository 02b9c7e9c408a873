/* QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear. */
#include "op/quantize.h"

#include <math.h>

/* ---- scales --------------------------------------------------------------------------------- */

static pg_status fail_scale(int rank, const int64_t *dims, int scale_rank,
                            const int64_t *scale_dims, pg_error *err) {
  char x[200], scale[200];
  return pgi_fail(err, PG_INVALID, "scale %s doesn't fit %s",
                  pgi_shape_text(PG_NONE, scale_rank, scale_dims, scale, sizeof scale),
                  pgi_shape_text(PG_NONE, rank, dims, x, sizeof x));
}

pg_status pgi_scales_init(pgi_scales *s, const pgi_node *node, int rank, const int64_t *dims,
                          int scale_rank, const int64_t *scale_dims, pg_error *err) {
  *s = (pgi_scales){.axis = 1, .inner = 1, .per_axis = 1, .is_scalar = true};
  int64_t block = pgi_attr_int(node, "block_size"), count = 1;
  if (block < 0) {
    return pgi_fail(err, PG_INVALID, "block_size: expected at least 0, got %lld", (long long)block);
  }
  PG_TRY(pgi_count(scale_rank, scale_dims, &count, err));
  if (scale_rank == 0 || (count == 1 && scale_rank == 1)) return PG_OK;
  int axis = 0;
  if (rank > 1) PG_TRY(pgi_axis(pgi_attr_int(node, "axis"), rank, &axis, err));
  if (rank == 0) return fail_scale(rank, dims, scale_rank, scale_dims, err);
  s->is_scalar = false;
  s->axis = s->per_axis = dims[axis];
  s->inner = pgi_dims_product(dims, axis + 1, rank);
  if (block == 0) {
    if (scale_rank == 1 && count == dims[axis]) return PG_OK;
    return fail_scale(rank, dims, scale_rank, scale_dims, err);
  }
  s->block = block;
  s->per_axis = dims[axis] / block + (dims[axis] % block != 0);
  bool fits = scale_rank == rank;
  for (int i = 0; fits && i < rank; i++) {
    fits = scale_dims[i] == (i == axis ? s->per_axis : dims[i]);
  }
  return fits ? PG_OK : fail_scale(rank, dims, scale_rank, scale_dims, err);
}

int64_t pgi_scales_run(const pgi_scales *s, int64_t i, int64_t *index, int64_t *step) {
  *index = 0;
  *step = 0;
  if (s->is_scalar) return INT64_MAX;
  int64_t inner = i % s->inner, d = i / s->inner % s->axis, outer = i / s->inner / s->axis;
  if (s->block == 0) {
    *index = d;
    if (s->inner > 1) return s->inner - inner;
    *step = 1;
    return s->axis - d;
  }
  int64_t b = d / s->block;
  *index = (outer * s->per_axis + b) * s->inner + inner;
  if (s->inner == 1) return PG_MIN((b + 1) * s->block, s->axis) - d;
  *step = 1;
  return s->inner - inner;
}

bool pgi_integer_range(pg_dtype dtype, double *low, double *high) {
  pgi_kind kind = pgi_dtype_kind(dtype);
  if (kind != PG_KIND_INT && kind != PG_KIND_UINT) return false;
  int bits = pg_dtype_bits(dtype);
  *low = kind == PG_KIND_INT ? -ldexp(1, bits - 1) : 0;
  *high = ldexp(1, kind == PG_KIND_INT ? bits - 1 : bits) - 1;
  return true;
}

double pgi_round_clamp(double v, double low, double high) {
  if (v != v) v = 0;
  v = rint(v);
  return v < low ? low : v > high ? high : v;
}

/* 1.5 * 2^23: adding it leaves whole numbers in the lowest bits, rounded half to even. */
static const float round_magic = 12582912.0f;

void pgi_quantize_f32_u8(int64_t n, const float *x, float scale, float zero, float low, float high,
                         uint8_t *y) {
  float below = low - zero, above = high - zero;
  for (int64_t j = 0; j < n; j++) {
    float q = x[j] / scale;
    q = q > below ? q : q <= below ? below : 0; /* NaN becomes 0 */
    q = q < above ? q : above;
    q = (q + round_magic) - round_magic + zero;
    y[j] = (uint8_t)(int32_t)q;
  }
}

/* ---- shared by both ------------------------------------------------------------------------- */

enum { PIECE = 512, GRAIN = 1 << 14 };

typedef struct run {
  const pg_tensor *x, *scale, *zero;
  pg_tensor *y;
  pgi_scales scales;
  int64_t n;
  pg_dtype precision; /* of the division: PG_F16 and PG_BF16 round */
  bool saturate;
} run;

static bool is_known(const pgi_type *t) {
  for (int i = 0; i < t->rank; i++) {
    if (t->dims[i].n < 0) return false;
  }
  return t->rank >= 0;
}

static pg_status check_shapes(pgi_infer *inf) {
  int64_t dims[PG_MAX_RANK], scale[PG_MAX_RANK];
  if (pgi_in_rank(inf, 0) < 0 || pgi_in_rank(inf, 1) < 0) return PG_OK;
  const pgi_type *x = inf->in[0], *s = inf->in[1];
  if (!is_known(x) || !is_known(s)) return PG_OK;
  for (int i = 0; i < x->rank; i++) dims[i] = x->dims[i].n;
  for (int i = 0; i < s->rank; i++) scale[i] = s->dims[i].n;
  pgi_scales scales;
  return pgi_scales_init(&scales, inf->node, x->rank, dims, s->rank, scale, inf->err);
}

static pg_status init_run(pgi_call *call, run *r) {
  const pg_tensor *x = call->in[0], *s = call->in[1];
  *r = (run){.x = x, .scale = s, .zero = call->n_in > 2 ? call->in[2] : NULL, .y = call->out[0]};
  r->n = pgi_tensor_count(x);
  if (r->zero && pgi_tensor_count(r->zero) != pgi_tensor_count(s)) {
    return pgi_fail(call->err, PG_INVALID,
                    "zero point: expected %lld elements as the scale, got %lld",
                    (long long)pgi_tensor_count(s), (long long)pgi_tensor_count(r->zero));
  }
  return pgi_scales_init(&r->scales, call->node, x->rank, x->dims, s->rank, s->dims, call->err);
}

/* Elements [first, first + n) in pieces of one run each. */
static void each_piece(const run *r, int64_t task,
                       void (*f)(const run *r, int64_t i, int64_t n, int64_t index, int64_t step)) {
  int64_t i = task * GRAIN, end = PG_MIN(i + GRAIN, r->n);
  while (i < end) {
    int64_t index, step, n = pgi_scales_run(&r->scales, i, &index, &step);
    n = PG_MIN(PG_MIN(n, end - i), PIECE);
    f(r, i, n, index, step);
    i += n;
  }
}

static void load_params(const pg_tensor *t, int64_t index, int64_t step, int64_t n, double *out) {
  int64_t count = step ? n : 1;
  if (!t) {
    for (int64_t j = 0; j < n; j++) out[j] = 0;
    return;
  }
  pgi_load_f64(t->dtype, pgi_tensor_data(t), index, count, out);
  for (int64_t j = count; j < n; j++) out[j] = out[0];
}

/* ---- QuantizeLinear ------------------------------------------------------------------------- */

#define QUANTIZED_TYPES                                                                            \
  (PG_T(PG_I8) | PG_T(PG_U8) | PG_T(PG_I16) | PG_T(PG_U16) | PG_T_F8 | PG_T(PG_U4) | PG_T(PG_I4) | \
   PG_T(PG_F4E2M1) | PG_T(PG_U2) | PG_T(PG_I2))

static pg_status infer_quantize(pgi_infer *inf) {
  int64_t wanted = pgi_attr_int(inf->node, "output_dtype");
  pg_dtype zero = pgi_in_dtype(inf, 2), dtype = PG_U8;
  if (pgi_has_in(inf, 2)) dtype = zero;
  if (wanted != 0) {
    if (!pgi_dtype_valid((int)PG_MIN(PG_MAX(wanted, 0), 999))) {
      return pgi_fail(inf->err, PG_INVALID, "output_dtype: %lld is no element type",
                      (long long)wanted);
    }
    if (zero != PG_NONE && (pg_dtype)wanted != zero) {
      return pgi_fail(inf->err, PG_INVALID, "output_dtype: expected %s as the zero point, got %s",
                      pg_dtype_name(zero), pg_dtype_name((pg_dtype)wanted));
    }
    dtype = (pg_dtype)wanted;
  }
  if (dtype != PG_NONE && !(PG_T(dtype) & QUANTIZED_TYPES)) {
    return pgi_fail(inf->err, PG_INVALID, "%s is no quantized type", pg_dtype_name(dtype));
  }
  PG_TRY(check_shapes(inf));
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = dtype;
  return PG_OK;
}

static double round_to(pg_dtype dtype, double v) {
  if (dtype == PG_F16) return (double)pgi_f16_to_f32(pgi_f64_to_f16(v));
  if (dtype == PG_BF16) return (double)pgi_bf16_to_f32(pgi_f32_to_bf16(pgi_f64_to_f32_odd(v)));
  return dtype == PG_F64 ? v : (double)(float)v;
}

static void quantize_piece(const run *r, int64_t i, int64_t n, int64_t index, int64_t step) {
  double x[PIECE], scale[PIECE], zero[PIECE], low, high;
  float out[PIECE];
  pg_dtype dtype = r->y->dtype;
  bool is_integer = pgi_integer_range(dtype, &low, &high);
  bool is_rounded = r->precision == PG_F16 || r->precision == PG_BF16;
  pgi_load_f64(r->x->dtype, pgi_tensor_data(r->x), i, n, x);
  load_params(r->scale, index, step, n, scale);
  load_params(is_integer || dtype == PG_F4E2M1 ? r->zero : NULL, index, step, n, zero);
  for (int64_t j = 0; j < n; j++) {
    if (is_rounded) x[j] = round_to(r->precision, x[j]);
    double q = round_to(r->precision, x[j] / scale[j]);
    if (is_integer)
      x[j] = pgi_round_clamp(pgi_round_clamp(q, -1e9, 1e9) + zero[j], low, high);
    else
      out[j] = (float)(q + zero[j]);
  }
  void *to = pgi_tensor_data(r->y);
  if (is_integer) {
    pgi_store_f64(dtype, to, i, n, x);
  } else if (dtype == PG_F4E2M1) {
    pgi_store_f32(dtype, to, i, n, out);
  } else {
    for (int64_t j = 0; j < n; j++) {
      ((uint8_t *)to)[i + j] = pgi_f32_to_f8(dtype, out[j], r->saturate);
    }
  }
}

/* f32 to 8 bits with one scale for the piece. */
static void quantize_fast(const run *r, int64_t i, int64_t n, int64_t index, int64_t step) {
  if (step != 0) {
    quantize_piece(r, i, n, index, step);
    return;
  }
  double zero, low, high;
  float scale = ((const float *)pgi_tensor_data(r->scale))[index];
  pgi_integer_range(r->y->dtype, &low, &high);
  load_params(r->zero, index, 0, 1, &zero);
  pgi_quantize_f32_u8(n, (const float *)pgi_tensor_data(r->x) + i, scale, (float)zero, (float)low,
                      (float)high, (uint8_t *)pgi_tensor_data(r->y) + i);
}

static void quantize_task(void *arg, int64_t i) {
  const run *r = arg;
  bool is_fast = r->x->dtype == PG_F32 && r->scale->dtype == PG_F32 && r->precision == PG_F32 &&
                 (r->y->dtype == PG_U8 || r->y->dtype == PG_I8);
  each_piece(r, i, is_fast ? quantize_fast : quantize_piece);
}

static pg_status run_quantize(pgi_call *call) {
  run r;
  PG_TRY(init_run(call, &r));
  int64_t precision = pgi_attr_int(call->node, "precision");
  /* Unless told otherwise the division is as precise as its operands. */
  r.precision = r.x->dtype == r.scale->dtype ? r.x->dtype : PG_F32;
  if (r.x->dtype == PG_I32) r.precision = PG_F64;
  if (precision != 0) {
    if (precision != PG_F32 && precision != PG_F16 && precision != PG_BF16 && precision != PG_F64) {
      return pgi_fail(call->err, PG_INVALID, "precision: expected a floating type, got %lld",
                      (long long)precision);
    }
    r.precision = (pg_dtype)precision;
  }
  r.saturate = pgi_attr_int(call->node, "saturate") != 0;
  pgi_call_parallel(call, (r.n + GRAIN - 1) / GRAIN, quantize_task, &r);
  return PG_OK;
}

/* ---- DequantizeLinear ----------------------------------------------------------------------- */

static pg_status infer_dequantize(pgi_infer *inf) {
  int64_t wanted = pgi_attr_int(inf->node, "output_dtype");
  pg_dtype dtype = pgi_in_dtype(inf, 1);
  if (wanted != 0) {
    if (wanted != PG_F32 && wanted != PG_F16 && wanted != PG_BF16) {
      return pgi_fail(inf->err, PG_INVALID, "output_dtype: expected f32, f16 or bf16, got %lld",
                      (long long)wanted);
    }
    dtype = (pg_dtype)wanted;
  }
  if (dtype != PG_NONE && !(PG_T(dtype) & (PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16)))) {
    return pgi_fail(inf->err, PG_INVALID, "scale %s needs output_dtype", pg_dtype_name(dtype));
  }
  PG_TRY(check_shapes(inf));
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = dtype;
  return PG_OK;
}

static void dequantize_piece(const run *r, int64_t i, int64_t n, int64_t index, int64_t step) {
  float x[PIECE], scale[PIECE], zero[PIECE];
  int64_t count = step ? n : 1;
  pgi_load_f32(r->x->dtype, pgi_tensor_data(r->x), i, n, x);
  pgi_load_f32(r->scale->dtype, pgi_tensor_data(r->scale), index, count, scale);
  zero[0] = 0;
  if (r->zero) pgi_load_f32(r->zero->dtype, pgi_tensor_data(r->zero), index, count, zero);
  if (step == 0) {
    float s = scale[0], z = zero[0];
    for (int64_t j = 0; j < n; j++) x[j] = (x[j] - z) * s;
  } else {
    for (int64_t j = 0; j < n; j++) x[j] = (x[j] - (r->zero ? zero[j] : 0)) * scale[j];
  }
  pgi_store_f32(r->y->dtype, pgi_tensor_data(r->y), i, n, x);
}

static void dequantize_task(void *arg, int64_t i) {
  each_piece(arg, i, dequantize_piece);
}

static pg_status run_dequantize(pgi_call *call) {
  run r;
  PG_TRY(init_run(call, &r));
  pgi_call_parallel(call, (r.n + GRAIN - 1) / GRAIN, dequantize_task, &r);
  return PG_OK;
}

/* ---- DynamicQuantizeLinear ------------------------------------------------------------------ */

static pg_status infer_dynamic(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = PG_U8;
  for (int i = 1; i < inf->n_out; i++) {
    inf->out[i] = pgi_type_tensor(i == 1 ? PG_F32 : PG_U8);
    inf->out[i].rank = 0;
  }
  return PG_OK;
}

/* The range is made to hold 0, so that 0 has an exact representation. */
void pgi_dynamic_range_u8(int64_t n, const float *x, float *scale, uint8_t *zero) {
  float low = 0, high = 0;
  for (int64_t i = 0; i < n; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  *scale = (high == low ? 1 : high - low) / 255;
  *zero = (uint8_t)pgi_round_clamp((double)(0 - low / *scale), 0, 255);
}

typedef struct dynamic {
  const float *x;
  float scale, zero;
  uint8_t *y;
} dynamic;

static void dynamic_task(void *arg, int64_t first, int64_t n) {
  const dynamic *d = arg;
  pgi_quantize_f32_u8(n, d->x + first, d->scale, d->zero, 0, 255, d->y + first);
}

static pg_status run_dynamic(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  int64_t n = pgi_tensor_count(x);
  float scale;
  uint8_t zero;
  pgi_dynamic_range_u8(n, pgi_tensor_data(x), &scale, &zero);
  if (call->n_out > 1 && call->out[1]) *(float *)pgi_tensor_data(call->out[1]) = scale;
  if (call->n_out > 2 && call->out[2]) *(uint8_t *)pgi_tensor_data(call->out[2]) = zero;
  if (!call->out[0]) return PG_OK;
  dynamic d = {pgi_tensor_data(x), scale, zero, pgi_tensor_data(call->out[0])};
  pgi_flat_loop(call, n, dynamic_task, &d);
  return PG_OK;
}

/* ---- the operators -------------------------------------------------------------------------- */

static const pgi_attr_def quantize_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT, .i = 1},     {.name = "block_size", .kind = PG_ATTR_INT},
    {.name = "output_dtype", .kind = PG_ATTR_INT},     {.name = "precision", .kind = PG_ATTR_INT},
    {.name = "saturate", .kind = PG_ATTR_INT, .i = 1}, {0}};
static const pgi_attr_def dequantize_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = 1},
                                                {.name = "block_size", .kind = PG_ATTR_INT},
                                                {.name = "output_dtype", .kind = PG_ATTR_INT},
                                                {0}};
static const pgi_attr_def no_attrs[] = {{0}};

PG_OP(quantize_linear) = {.name = "QuantizeLinear",
                          .since = {10, 13, 19, 21, 23, 24, 25, 28},
                          .in = {2, 3},
                          .out = {1, 1},
                          .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16) | PG_T(PG_I32),
                          .attrs = quantize_attrs,
                          .infer = infer_quantize,
                          .run = run_quantize};
PG_OP(dequantize_linear) = {.name = "DequantizeLinear",
                            .since = {10, 13, 19, 21, 23, 24, 25, 28},
                            .in = {2, 3},
                            .out = {1, 1},
                            .types = QUANTIZED_TYPES | PG_T(PG_I32),
                            .attrs = dequantize_attrs,
                            .infer = infer_dequantize,
                            .run = run_dequantize};
PG_OP(dynamic_quantize_linear) = {.name = "DynamicQuantizeLinear",
                                  .since = {11},
                                  .in = {1, 1},
                                  .out = {1, 3},
                                  .types = PG_T(PG_F32),
                                  .attrs = no_attrs,
                                  .infer = infer_dynamic,
                                  .run = run_dynamic};
