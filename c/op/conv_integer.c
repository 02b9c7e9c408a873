/* ConvInteger and QLinearConv: exact convolutions of 8-bit integers.
**
** Short sums (depthwise kernels, few channels) are exact in f32 and go through its engine; long
** ones through 16-bit pairs that are summed up in 32 bits. */
#include "kernel/gemm_s8.h"
#include "op/conv.h"
#include "op/requantize.h"

enum {
  EXACT_TERMS = 258,     /* 258 * 255 * 255 < 2^24: all partial sums are exact in f32 */
  PLANES_BYTES = 1 << 23 /* packed planes of so many images are held at a time */
};

typedef struct weights {
  bool is_f32;
  pgi_conv_weights f32;
  int16_t *packed; /* [groups][packed_size] */
  int64_t packed_size;
} weights;

/* ---- weights -------------------------------------------------------------------------------- */

static void discard(pg_context *ctx, void *prepared) {
  weights *w = prepared;
  if (!w) return;
  pgi_conv_weights_deinit(ctx, &w->f32);
  pgi_free(ctx, w->packed);
  pgi_free(ctx, w);
}

static int32_t zero_of(const pg_tensor *zero, int64_t output) {
  if (!zero) return 0;
  return (int32_t)pgi_tensor_get_i64(zero, pgi_tensor_count(zero) == 1 ? 0 : output);
}

static pg_status init_f32(pg_context *ctx, const pgi_conv *c, const pg_tensor *w,
                          const pg_tensor *zero, weights *out, pg_error *err) {
  pg_tensor shifted = {0};
  PG_TRY(pgi_tensor_alloc(ctx, PG_F32, w->rank, w->dims, &shifted, err));
  float *data = pgi_tensor_data(&shifted);
  int64_t k = c->in_per_group * c->w.taps;
  pgi_load_f32(w->dtype, pgi_tensor_data(w), 0, c->outputs * k, data);
  for (int64_t o = 0; o < c->outputs; o++) {
    float z = (float)zero_of(zero, o);
    for (int64_t i = 0; i < k; i++) data[o * k + i] -= z;
  }
  pg_status status = pgi_conv_weights_init(ctx, c, &shifted, &out->f32, err);
  pgi_tensor_clear(&shifted);
  return status;
}

static pg_status init_s8(pg_context *ctx, const pgi_conv *c, const pg_tensor *w,
                         const pg_tensor *zero, weights *out, pg_error *err) {
  const pgi_gemm_s8 *kernel = ctx->kernels[PG_K_GEMM_S8];
  int64_t k = c->in_per_group * c->w.taps;
  size_t bytes;
  out->packed_size = pgi_packed_a_s8_size(kernel, c->out_per_group, k);
  if (!pgi_mul_size((size_t)(out->packed_size * c->groups), sizeof(int16_t), &bytes)) {
    return pgi_nomem(err);
  }
  int32_t *zeros = pgi_alloc(ctx, (size_t)c->outputs * sizeof *zeros);
  out->packed = pgi_alloc_aligned(ctx, bytes, PG_ALIGN);
  if (!zeros || !out->packed) {
    pgi_free(ctx, zeros);
    return pgi_nomem(err);
  }
  for (int64_t o = 0; o < c->outputs; o++) zeros[o] = zero_of(zero, o);
  for (int64_t g = 0; g < c->groups; g++) {
    int64_t first = g * c->out_per_group;
    pgi_bytes8 a = {.data = (const uint8_t *)pgi_tensor_data(w) + first * k,
                    .is_signed = w->dtype == PG_I8,
                    .row = k,
                    .col = 1,
                    .zero = zeros + first,
                    .zero_step = 1};
    pgi_pack_a_s8(kernel, &a, c->out_per_group, k, out->packed + g * out->packed_size);
  }
  pgi_free(ctx, zeros);
  return PG_OK;
}

static pg_status weights_new(pg_context *ctx, const pgi_conv *c, const pg_tensor *w,
                             const pg_tensor *zero, weights **out, pg_error *err) {
  weights *made = pgi_alloc_zero(ctx, sizeof *made);
  if (!made) return pgi_nomem(err);
  made->is_f32 = c->in_per_group * c->w.taps <= EXACT_TERMS;
  pg_status status =
      made->is_f32 ? init_f32(ctx, c, w, zero, made, err) : init_s8(ctx, c, w, zero, made, err);
  if (status != PG_OK) {
    discard(ctx, made);
    return status;
  }
  *out = made;
  return PG_OK;
}

/* Only the weights' side of the shapes is known here; infer says what is wrong with the rest. */
static pg_status prepare_weights(pg_context *ctx, const pgi_node *node, const pg_tensor *w,
                                 const pg_tensor *zero, void **prepared, pg_error *err) {
  if ((w->dtype != PG_I8 && w->dtype != PG_U8) || w->rank < 3) return PG_OK;
  if (pgi_tensor_count(w) == 0) return PG_OK;
  pgi_conv c = {.groups = pgi_attr_int(node, "group"), .outputs = w->dims[0]};
  int64_t zeros = zero ? pgi_tensor_count(zero) : 1;
  if (c.groups < 1 || c.outputs % c.groups != 0 || (zeros != 1 && zeros != c.outputs)) {
    return PG_OK;
  }
  c.in_per_group = w->dims[1];
  c.out_per_group = c.outputs / c.groups;
  c.w.taps = pgi_dims_product(w->dims, 2, w->rank);
  weights *made;
  PG_TRY(weights_new(ctx, &c, w, zero, &made, err));
  *prepared = made;
  return PG_OK;
}

/* ---- the engine ----------------------------------------------------------------------------- */

typedef struct run {
  const pgi_conv *c;
  const weights *w;
  const pg_tensor *x;
  float x_zero;
  pgi_plane plane;
  float *planes; /* windows slide over f32 copies, zero point taken off */
  int64_t *at;
  int64_t first, tiles;
  pgi_product_s8 product;
  int32_t *sum;
} run;

static void load_channel(const run *r, int64_t channel, float *to) {
  int64_t size = r->c->w.in_size;
  pgi_load_f32(r->x->dtype, pgi_tensor_data(r->x), channel * size, size, to);
  for (int64_t i = 0; i < size; i++) to[i] -= r->x_zero;
}

static void pack_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  load_channel(r, r->first * r->c->channels + i, scratch);
  pgi_plane_pack(&r->plane, &r->c->w, scratch, 0, r->planes + i * r->plane.size);
}

typedef struct windows {
  const run *r;
  const float *src;
} windows;

static void fill(const void *arg, int64_t p0, int64_t k, int64_t j0, int64_t n, int nr,
                 int16_t *to) {
  const windows *s = arg;
  const pgi_window *w = &s->r->c->w;
  int64_t width = w->out[w->n - 1], even = k + (k & 1);
  for (int64_t left = n; left > 0; to += nr * even) {
    if (left < nr) memset(to, 0, (size_t)(nr * even) * sizeof *to);
    for (int used = 0; used < nr && left > 0;) {
      int64_t x = j0 % width, piece = PG_MIN(PG_MIN(width - x, left), nr - used);
      const float *src = s->src + pgi_plane_line(&s->r->plane, w, j0 / width) + x;
      s->r->product.kernel->gather(k, s->r->at + p0, src, piece, nr, to + 2 * used);
      used += (int)piece;
      left -= piece;
      j0 += piece;
    }
  }
}

static void product_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  const pgi_conv *c = r->c;
  int64_t group = i / r->tiles % c->groups, at = i / r->tiles / c->groups;
  int64_t channel = at * c->channels + group * c->in_per_group;
  int64_t output = (r->first + at) * c->outputs + group * c->out_per_group;
  windows s = {r, r->planes + channel * r->plane.size};
  pgi_product_s8 p = r->product;
  p.packed_a = r->w->packed + group * r->w->packed_size;
  p.fill_arg = &s;
  p.c = r->sum + output * c->w.out_size;
  pgi_product_s8_tile(&p, i % r->tiles, scratch);
}

static pg_status run_s8(pgi_call *call, run *r) {
  const pgi_conv *c = r->c;
  int64_t k = c->in_per_group * c->w.taps, tile_m, tile_n, rows, cols, images = c->batch;
  pgi_product_s8 *p = &r->product;
  if (!pgi_plane_init(&r->plane, &c->w)) {
    return pgi_fail(call->err, PG_UNSUPPORTED,
                    "padding and strides are out of proportion to the input");
  }
  *p = (pgi_product_s8){.kernel = call->ctx->kernels[PG_K_GEMM_S8],
                        .m = c->out_per_group,
                        .n = c->w.out_size,
                        .k = k,
                        .packed_a = r->w->packed,
                        .fill = fill,
                        .ldc = c->w.out_size};
  pgi_product_s8_tiling(p, &tile_m, &tile_n, &rows, &cols);
  r->tiles = rows * cols;
  PG_TRY(pgi_scratch_array(call, k, sizeof *r->at, &r->at));
  pgi_plane_taps(&r->plane, &c->w, r->at);
  for (int64_t i = c->w.taps; i < k; i++) r->at[i] = r->at[i - c->w.taps] + r->plane.size;
  double bytes = (double)c->channels * (double)r->plane.size * sizeof(float);
  if (bytes * (double)images > PLANES_BYTES) {
    images = PG_MAX(1, (int64_t)(PLANES_BYTES / PG_MAX(bytes, 1)));
  }
  PG_TRY(pgi_scratch_array(call, images * c->channels, (size_t)r->plane.size * sizeof(float),
                           &r->planes));
  pgi_lanes pack_lanes, lanes;
  PG_TRY(pgi_lanes_init(&pack_lanes, call, images * c->channels,
                        (size_t)c->w.in_size * sizeof(float)));
  PG_TRY(pgi_lanes_init(&lanes, call, r->tiles * images * c->groups,
                        (size_t)pgi_product_s8_scratch(p) * sizeof(int16_t)));
  for (r->first = 0; r->first < c->batch; r->first += images) {
    int64_t n = PG_MIN(images, c->batch - r->first);
    pgi_lanes_run(&pack_lanes, n * c->channels, pack_task, r);
    pgi_lanes_run(&lanes, n * c->groups * r->tiles, product_task, r);
  }
  return PG_OK;
}

static void load_task(void *arg, int64_t i) {
  const run *r = arg;
  load_channel(r, i, r->planes + i * r->c->w.in_size);
}

static void round_task(void *arg, int64_t first, int64_t n) {
  const run *r = arg;
  float *from = (float *)(void *)r->sum + first;
  for (int64_t i = 0; i < n; i++) {
    int32_t v = (int32_t)from[i]; /* in place: both are 4 bytes */
    memcpy(from + i, &v, sizeof v);
  }
}

static pg_status run_f32(pgi_call *call, run *r) {
  const pgi_conv *c = r->c;
  pgi_epilogue none = {.scale = 1};
  PG_TRY(pgi_scratch_array(call, c->batch * c->channels, (size_t)c->w.in_size * sizeof(float),
                           &r->planes));
  pgi_call_parallel(call, c->batch * c->channels, load_task, r);
  PG_TRY(
      pgi_conv_run_f32(call, c, &r->w->f32, r->planes, NULL, NULL, &none, (float *)(void *)r->sum));
  pgi_flat_loop(call, c->batch * c->outputs * c->w.out_size, round_task, r);
  return PG_OK;
}

/* sum: [batch, outputs, out_size]. */
static pg_status convolve(pgi_call *call, const pgi_conv *c, const pg_tensor *x,
                          const pg_tensor *x_zero, const pg_tensor *w, const pg_tensor *w_zero,
                          int32_t *sum) {
  run r = {.c = c, .x = x, .sum = sum, .w = call->prepared};
  weights *own = NULL;
  if (w->dtype != PG_I8 && w->dtype != PG_U8) {
    return pgi_fail(call->err, PG_INVALID, "weights: expected i8 or u8, got %s",
                    pg_dtype_name(w->dtype));
  }
  if (x_zero) PG_TRY(pgi_check_param(x_zero, "zero point of the input", 1, call->err));
  if (w_zero) PG_TRY(pgi_check_param(w_zero, "zero point of the weights", c->outputs, call->err));
  r.x_zero = (float)zero_of(x_zero, 0);
  if (c->batch == 0 || c->outputs == 0 || c->w.out_size == 0) return PG_OK;
  if (!r.w) {
    PG_TRY(weights_new(call->ctx, c, w, w_zero, &own, call->err));
    r.w = own;
  }
  pg_status status = r.w->is_f32 ? run_f32(call, &r) : run_s8(call, &r);
  discard(call->ctx, own);
  return status;
}

static const pg_tensor *input(const pgi_call *c, int i) {
  return i < c->n_in ? c->in[i] : NULL;
}

/* ---- ConvInteger ---------------------------------------------------------------------------- */

static pg_status infer_integer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(PG_I32);
  return pgi_infer_conv(inf, 1, &inf->out[0]);
}

static pg_status prepare_integer(pg_context *ctx, const pgi_node *node,
                                 const pg_tensor *const *value, void **prepared, pg_error *err) {
  bool has_zero = node->n_in > 3 && node->in[3].value;
  if (!value[1] || (has_zero && !value[3])) return PG_OK;
  return prepare_weights(ctx, node, value[1], has_zero ? value[3] : NULL, prepared, err);
}

static pg_status run_integer(pgi_call *call) {
  const pg_tensor *x = call->in[0], *w = call->in[1];
  pgi_conv c;
  PG_TRY(pgi_conv_init(&c, call->node, x->rank, x->dims, w->rank, w->dims, call->err));
  return convolve(call, &c, x, input(call, 2), w, input(call, 3), pgi_tensor_data(call->out[0]));
}

/* ---- QLinearConv ---------------------------------------------------------------------------- */

static pg_status infer_linear(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 7));
  return pgi_infer_conv(inf, 3, &inf->out[0]);
}

static pg_status prepare_linear(pg_context *ctx, const pgi_node *node,
                                const pg_tensor *const *value, void **prepared, pg_error *err) {
  if (!value[3] || !value[5]) return PG_OK;
  return prepare_weights(ctx, node, value[3], value[5], prepared, err);
}

typedef struct requantize {
  const pgi_conv *c;
  pgi_call *call;
  int32_t *sum;
  double x_scale, y_scale, y_zero;
  const int32_t *bias;
} requantize;

static void requantize_plane(void *arg, int64_t i) {
  const requantize *r = arg;
  const pg_tensor *scales = r->call->in[4];
  pg_tensor *y = r->call->out[0];
  int64_t output = i % r->c->outputs, size = r->c->w.out_size;
  double w_scale = pgi_tensor_get_f64(scales, pgi_tensor_count(scales) == 1 ? 0 : output);
  double scale = pgi_joint_scale(PG_F32, r->x_scale, w_scale, r->y_scale);
  int32_t *sum = r->sum + i * size;
  for (int64_t j = 0; r->bias && j < size; j++) {
    sum[j] = (int32_t)((uint32_t)sum[j] + (uint32_t)r->bias[output]);
  }
  pgi_requantize(size, sum, scale, r->y_zero, y->dtype, pgi_tensor_data(y), i * size);
}

static pg_status run_linear(pgi_call *call) {
  const pg_tensor *x = call->in[0], *w = call->in[3], *bias = input(call, 8);
  pgi_conv c;
  PG_TRY(pgi_conv_init(&c, call->node, x->rank, x->dims, w->rank, w->dims, call->err));
  PG_TRY(pgi_check_bias(bias, c.outputs, call->err));
  PG_TRY(pgi_check_param(call->in[1], "scale of the input", 1, call->err));
  PG_TRY(pgi_check_param(call->in[4], "scale of the weights", c.outputs, call->err));
  PG_TRY(pgi_check_param(call->in[6], "scale of the output", 1, call->err));
  PG_TRY(pgi_check_param(call->in[7], "zero point of the output", 1, call->err));
  pg_dtype dtype = call->out[0]->dtype;
  if ((dtype != PG_I8 && dtype != PG_U8) || (bias && bias->dtype != PG_I32)) {
    return pgi_fail(call->err, PG_INVALID, "expected i8 or u8 out and an i32 bias");
  }
  requantize r = {.c = &c, .call = call, .bias = bias ? pgi_tensor_data(bias) : NULL};
  PG_TRY(pgi_scratch_array(call, pgi_tensor_count(call->out[0]), sizeof *r.sum, &r.sum));
  PG_TRY(convolve(call, &c, x, call->in[2], w, call->in[5], r.sum));
  r.x_scale = pgi_tensor_get_f64(call->in[1], 0);
  r.y_scale = pgi_tensor_get_f64(call->in[6], 0);
  r.y_zero = pgi_tensor_get_f64(call->in[7], 0);
  pgi_call_parallel(call, c.batch * c.outputs, requantize_plane, &r);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},
                                     {.name = "dilations", .kind = PG_ATTR_INTS},
                                     {.name = "group", .kind = PG_ATTR_INT, .i = 1},
                                     {.name = "kernel_shape", .kind = PG_ATTR_INTS},
                                     {.name = "pads", .kind = PG_ATTR_INTS},
                                     {.name = "strides", .kind = PG_ATTR_INTS},
                                     {0}};

PG_OP(conv_integer) = {.name = "ConvInteger",
                       .since = {10},
                       .in = {2, 4},
                       .out = {1, 1},
                       .types = PG_T(PG_I8) | PG_T(PG_U8),
                       .attrs = attrs,
                       .infer = infer_integer,
                       .prepare = prepare_integer,
                       .discard = discard,
                       .run = run_integer};
PG_OP(qlinear_conv) = {.name = "QLinearConv",
                       .since = {10},
                       .in = {8, 9},
                       .out = {1, 1},
                       .types = PG_T(PG_I8) | PG_T(PG_U8),
                       .attrs = attrs,
                       .infer = infer_linear,
                       .prepare = prepare_linear,
                       .discard = discard,
                       .run = run_linear};
