/* ConvTranspose: every input element throws a weighted copy of the kernel onto the output.
**
** In f32 the copies are a matrix product, [outputs * taps, channels] x [channels, positions], for
** each image and group; what falls onto the same output is then summed up. */
#include "op/conv.h"
#include "op/product.h"

/* ---- shapes --------------------------------------------------------------------------------- */

/* What the attributes say about the size of the output. */
typedef struct target {
  int64_t extra[PG_MAX_SPATIAL]; /* output_padding */
  const int64_t *shape;          /* output_shape; NULL: none */
  bool is_upper, is_same, is_valid;
} target;

static pg_status read_target(const pgi_node *node, int n, target *t, pg_error *err) {
  int64_t count;
  t->shape = pgi_attr_ints(node, "output_shape", &count);
  if (count == 0) t->shape = NULL;
  if (count == n + 2) t->shape += 2; /* some writers put the batch and the channels before */
  if (count != 0 && count != n && count != n + 2) {
    return pgi_fail(err, PG_INVALID, "output_shape: expected %d numbers, got %lld", n,
                    (long long)count);
  }
  for (int i = 0; t->shape && i < n; i++) {
    if (t->shape[i] < 0) {
      return pgi_fail(err, PG_INVALID, "output_shape: expected numbers from 0, got %lld",
                      (long long)t->shape[i]);
    }
  }
  t->is_upper = pgi_attr_is(node, "auto_pad", "SAME_UPPER");
  t->is_same = t->is_upper || pgi_attr_is(node, "auto_pad", "SAME_LOWER");
  t->is_valid = pgi_attr_is(node, "auto_pad", "VALID");
  return pgi_spatial_attr(node, "output_padding", n, 0, 0, t->extra, err);
}

/* Spatial axis i, whose input and kernel are known. */
static pg_status fit_axis(pgi_window *w, const target *t, int i, pg_error *err) {
  if ((double)w->in[i] * (double)w->stride[i] > 1e15) return pgi_nomem(err);
  int64_t span = (w->kernel[i] - 1) * w->dilation[i] + 1;
  int64_t full = (w->in[i] - 1) * w->stride[i] + t->extra[i] + span;
  if (t->shape || t->is_same) {
    int64_t wanted = t->shape ? t->shape[i] : w->in[i] * w->stride[i];
    int64_t total = PG_MAX(full - wanted, 0);
    w->out[i] = t->shape ? wanted : full - total;
    w->before[i] = t->is_upper ? total / 2 : total - total / 2;
    w->after[i] = total - w->before[i];
  } else {
    w->out[i] = full - w->before[i] - w->after[i];
  }
  if (w->out[i] >= 0) return PG_OK;
  return pgi_fail(err, PG_INVALID, "spatial axis %d: padding %lld and %lld leaves nothing of %lld",
                  i, (long long)w->before[i], (long long)w->after[i], (long long)full);
}

/* w->in, w->out and padding from the attributes; in[i] may be -1, then so is what comes out. */
static pg_status fit(const pgi_node *node, const int64_t *in, pgi_window *w, pg_error *err) {
  target t;
  bool is_known = true;
  PG_TRY(read_target(node, w->n, &t, err));
  for (int i = 0; i < w->n; i++) {
    w->in[i] = in[i];
    w->out[i] = t.shape ? t.shape[i] : -1;
    if (t.is_valid) w->before[i] = w->after[i] = 0;
    if (in[i] >= 0 && w->kernel[i] >= 0) {
      PG_TRY(fit_axis(w, &t, i, err));
    } else {
      is_known = false;
    }
  }
  return is_known ? pgi_window_sizes(w, err) : PG_OK;
}

static pg_status init(pgi_conv *c, const pgi_node *node, int x_rank, const int64_t *x, int w_rank,
                      const int64_t *w, pg_error *err) {
  PG_TRY(pgi_check_spatial(x_rank, err));
  c->groups = pgi_attr_int(node, "group");
  if (c->groups < 1 || (c->groups > 1 && c->groups > x[1]) || w_rank != x_rank ||
      x[1] % c->groups != 0 || w[0] != x[1] || (double)w[1] * (double)c->groups > 1e15) {
    char text[200];
    return pgi_fail(err, PG_INVALID, "weights %s don't fit %lld channels in %lld groups",
                    pgi_shape_text(PG_NONE, w_rank, w, text, sizeof text), (long long)x[1],
                    (long long)c->groups);
  }
  c->batch = x[0];
  c->channels = x[1];
  c->outputs = w[1] * c->groups;
  c->in_per_group = c->channels / c->groups;
  c->out_per_group = w[1];
  PG_TRY(pgi_window_read(node, x_rank, w + 2, &c->w, err));
  return fit(node, x + 2, &c->w, err);
}

/* What a dimension without a number becomes. */
static pgi_dim stretch(const pgi_infer *inf, const pgi_window *w, const target *t, int i,
                       pgi_dim in) {
  int64_t stride = w->stride[i], span;
  if (w->kernel[i] < 0 || __builtin_mul_overflow(w->kernel[i] - 1, w->dilation[i], &span))
    return pgi_dim_unknown();
  span += 1 + t->extra[i] - stride; /* attributes end at INT32_MAX: these don't overflow */
  if (t->is_same && span < 0) return pgi_dim_unknown();
  if (t->is_same) span = w->before[i] + w->after[i];
  pgi_dim full = pgi_dim_mul(inf->arena, in, pgi_dim_of(stride));
  return pgi_dim_shift(inf->arena, full, span - w->before[i] - w->after[i]);
}

static pg_status infer(pgi_infer *inf) {
  pgi_type *out = &inf->out[0];
  *out = pgi_type_tensor(pgi_in_dtype(inf, 0));
  int x_rank = pgi_in_rank(inf, 0), w_rank = pgi_in_rank(inf, 1);
  if (x_rank < 0) return PG_OK;
  int64_t x[PG_MAX_RANK], w[PG_MAX_RANK], in[PG_MAX_SPATIAL], kernel[PG_MAX_SPATIAL];
  bool has_kernel = w_rank == x_rank && x_rank >= 3;
  if (w_rank >= 0 && pgi_known_dims(inf->in[0], x) && pgi_known_dims(inf->in[1], w)) {
    pgi_conv c;
    PG_TRY(init(&c, inf->node, x_rank, x, w_rank, w, inf->err));
  }
  pgi_window window;
  if (has_kernel) pgi_spatial_dims(inf->in[1], kernel);
  PG_TRY(pgi_window_read(inf->node, x_rank, has_kernel ? kernel : NULL, &window, inf->err));
  pgi_spatial_dims(inf->in[0], in);
  PG_TRY(fit(inf->node, in, &window, inf->err));
  target t;
  PG_TRY(read_target(inf->node, window.n, &t, inf->err));
  out->rank = x_rank;
  out->dims[0] = inf->in[0]->dims[0];
  out->dims[1] = pgi_dim_unknown();
  if (has_kernel) {
    out->dims[1] =
        pgi_dim_mul(inf->arena, inf->in[1]->dims[1], pgi_dim_of(pgi_attr_int(inf->node, "group")));
  }
  for (int i = 0; i < window.n; i++) {
    out->dims[2 + i] = window.out[i] >= 0 ? pgi_dim_of(window.out[i])
                                          : stretch(inf, &window, &t, i, inf->in[0]->dims[2 + i]);
  }
  return PG_OK;
}

/* ---- f32 ------------------------------------------------------------------------------------ */

typedef struct run {
  const pgi_conv *c;
  const float *x, *w, *bias;
  float *copies; /* of one image and group: [out_per_group * taps, in_size] */
  float *y;
  int64_t image, group;
} run;

/* Adds what a tap throws from line to line.  `axis` walks all axes but the last. */
static void scatter(const pgi_window *w, int axis, const int64_t *tap, int64_t in, int64_t out,
                    const float *from, float *to) {
  int64_t shift = tap[axis] * w->dilation[axis] - w->before[axis], stride = w->stride[axis];
  /* Input i lands on i * stride + shift, which must be in [0, out). */
  int64_t low = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  int64_t high = w->out[axis] - shift;
  high = high <= 0 ? 0 : PG_MIN((high + stride - 1) / stride, w->in[axis]);
  if (axis == w->n - 1) {
    for (int64_t i = low; i < high; i++) to[i * stride + shift] += from[i];
    return;
  }
  int64_t in_step = in / w->in[axis], out_step = out / w->out[axis];
  for (int64_t i = low; i < high; i++) {
    scatter(w, axis + 1, tap, in_step, out_step, from + i * in_step,
            to + (i * stride + shift) * out_step);
  }
}

static void sum_task(void *arg, int64_t m) {
  const run *r = arg;
  const pgi_window *w = &r->c->w;
  int64_t output = r->group * r->c->out_per_group + m, tap[PG_MAX_SPATIAL] = {0};
  float *y = r->y + (r->image * r->c->outputs + output) * w->out_size;
  float bias = r->bias ? r->bias[output] : 0;
  for (int64_t i = 0; i < w->out_size; i++) y[i] = bias;
  for (int64_t t = 0; t < w->taps && w->out_size > 0 && w->in_size > 0; t++) {
    scatter(w, 0, tap, w->in_size, w->out_size, r->copies + (m * w->taps + t) * w->in_size, y);
    for (int a = w->n - 1; a >= 0 && ++tap[a] == w->kernel[a]; a--) tap[a] = 0;
  }
}

static void product_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  (void)arg, (void)i, (void)p, (void)room;
}

static pg_status run_f32(pgi_call *call, const pgi_conv *c) {
  run r = {.c = c};
  pg_tensor *y = call->out[0];
  int64_t count = pgi_tensor_count(y), rows = c->out_per_group * c->w.taps;
  PG_TRY(pgi_as_f32(call, call->in[0], &r.x));
  const float *packed = call->prepared;
  if (!packed) PG_TRY(pgi_as_f32(call, call->in[1], &r.w));
  PG_TRY(pgi_as_f32(call, call->n_in > 2 ? call->in[2] : NULL, &r.bias));
  r.y = pgi_tensor_data(y);
  if (y->dtype != PG_F32) PG_TRY(pgi_scratch_array(call, count, sizeof *r.y, &r.y));
  PG_TRY(pgi_scratch_array(call, rows, (size_t)c->w.in_size * sizeof(float), &r.copies));
  const pgi_gemm_f32 *kernel = call->ctx->kernels[PG_K_GEMM_F32];
  int64_t packed_size = pgi_packed_a_size(rows, c->in_per_group, kernel->mr);
  for (int64_t i = 0; i < c->batch * c->groups; i++) {
    r.image = i / c->groups;
    r.group = i % c->groups;
    pgi_product p = {.kernel = kernel,
                     .m = rows,
                     .n = c->w.in_size,
                     .k = c->in_per_group,
                     .alpha = 1,
                     .a = packed ? NULL : r.w + r.group * c->in_per_group * rows,
                     .a_row = 1,
                     .a_col = rows,
                     .b = r.x + i * c->in_per_group * c->w.in_size,
                     .b_row = c->w.in_size,
                     .b_col = 1,
                     .c = r.copies,
                     .ldc = c->w.in_size};
    if (packed) p.packed_a = packed + r.group * packed_size;
    PG_TRY(pgi_product_run(call, &p, 1, product_at, NULL));
    pgi_call_parallel(call, c->out_per_group, sum_task, &r);
  }
  if (y->dtype != PG_F32) pgi_store_f32(y->dtype, pgi_tensor_data(y), 0, count, r.y);
  return PG_OK;
}

/* ---- f64 ------------------------------------------------------------------------------------ */

typedef struct wide {
  const pgi_conv *c;
  const double *x, *w, *bias;
  double *y;
} wide;

/* Where input position `pos` lands under a tap; -1: outside. */
static int64_t landing(const pgi_window *w, int64_t pos, int64_t tap) {
  int64_t at = 0, step = 1;
  for (int i = w->n - 1; i >= 0; i--) {
    int64_t p = pos % w->in[i] * w->stride[i] + tap % w->kernel[i] * w->dilation[i] - w->before[i];
    if (p < 0 || p >= w->out[i]) return -1;
    pos /= w->in[i];
    tap /= w->kernel[i];
    at += p * step;
    step *= w->out[i];
  }
  return at;
}

static void wide_task(void *arg, int64_t i) {
  const wide *d = arg;
  const pgi_conv *c = d->c;
  int64_t image = i / c->outputs, output = i % c->outputs, group = output / c->out_per_group;
  double *y = d->y + i * c->w.out_size;
  for (int64_t j = 0; j < c->w.out_size; j++) y[j] = d->bias ? d->bias[output] : 0;
  for (int64_t k = group * c->in_per_group; k < (group + 1) * c->in_per_group; k++) {
    const double *x = d->x + (image * c->channels + k) * c->w.in_size;
    const double *w = d->w + (k * c->out_per_group + output % c->out_per_group) * c->w.taps;
    for (int64_t t = 0; t < c->w.taps; t++) {
      for (int64_t p = 0; p < c->w.in_size; p++) {
        int64_t at = landing(&c->w, p, t);
        if (at >= 0) y[at] += x[p] * w[t];
      }
    }
  }
}

/* ---- running -------------------------------------------------------------------------------- */

static pg_status prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                         void **prepared, pg_error *err) {
  const pg_tensor *w = value[1];
  const pgi_gemm_f32 *kernel = ctx->kernels[PG_K_GEMM_F32];
  int64_t groups = pgi_attr_int(node, "group");
  if (!w || w->dtype != PG_F32 || pgi_tensor_count(w) == 0 || w->rank < 3 || groups < 1 ||
      w->dims[0] % groups)
    return PG_OK;
  int64_t k = w->dims[0] / groups, rows = pgi_dims_product(w->dims, 1, w->rank);
  int64_t size = pgi_packed_a_size(rows, k, kernel->mr);
  size_t bytes;
  if (!pgi_mul_size((size_t)size, (size_t)groups * sizeof(float), &bytes)) return pgi_nomem(err);
  float *packed = pgi_alloc_aligned(ctx, bytes, PG_ALIGN);
  if (!packed) return pgi_nomem(err);
  for (int64_t g = 0; g < groups; g++) {
    pgi_pack_a(kernel, (const float *)pgi_tensor_data(w) + g * k * rows, 1, rows, rows, k, 1,
               packed + g * size);
  }
  *prepared = packed;
  return PG_OK;
}

static pg_status run_any(pgi_call *call) {
  const pg_tensor *x = call->in[0], *w = call->in[1], *b = call->n_in > 2 ? call->in[2] : NULL;
  pgi_conv c;
  PG_TRY(init(&c, call->node, x->rank, x->dims, w->rank, w->dims, call->err));
  PG_TRY(pgi_check_bias(b, c.outputs, call->err));
  if (w->dtype != x->dtype || (b && b->dtype != x->dtype)) {
    return pgi_fail(call->err, PG_INVALID, "weights and bias: expected %s as the input",
                    pg_dtype_name(x->dtype));
  }
  if (pgi_tensor_count(call->out[0]) == 0) return PG_OK;
  if (x->dtype != PG_F64) return run_f32(call, &c);
  wide d = {&c, pgi_tensor_data(x), pgi_tensor_data(w), b ? pgi_tensor_data(b) : NULL,
            pgi_tensor_data(call->out[0])};
  pgi_call_parallel(call, c.batch * c.outputs, wide_task, &d);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},
                                     {.name = "dilations", .kind = PG_ATTR_INTS},
                                     {.name = "group", .kind = PG_ATTR_INT, .i = 1},
                                     {.name = "kernel_shape", .kind = PG_ATTR_INTS},
                                     {.name = "output_padding", .kind = PG_ATTR_INTS},
                                     {.name = "output_shape", .kind = PG_ATTR_INTS},
                                     {.name = "pads", .kind = PG_ATTR_INTS},
                                     {.name = "strides", .kind = PG_ATTR_INTS},
                                     {0}};

PG_OP(conv_transpose) = {.name = "ConvTranspose",
                         .since = {1, 11, 22},
                         .in = {2, 3},
                         .out = {1, 1},
                         .types = PG_T_FLOAT,
                         .attrs = attrs,
                         .infer = infer,
                         .prepare = prepare,
                         .discard = pgi_discard_right,
                         .packs = 1 << 1,
                         .run = run_any,
                         .absorb = pgi_conv_transpose_absorb};
