/* BlockedConv: Conv and FusedConv on blocked values; the result is blocked, the input may be plain
** when its channels are few. */
#include <math.h>

#include "op/blocked.h"

static const pgi_attr_def attrs[] = {
    {.name = "activation", .kind = PG_ATTR_STRING, .s = ""},
    {.name = "activation_params", .kind = PG_ATTR_FLOATS},
    {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},
    {.name = "dilations", .kind = PG_ATTR_INTS},
    {.name = "group", .kind = PG_ATTR_INT, .i = 1},
    {.name = "kernel_shape", .kind = PG_ATTR_INTS},
    {.name = "lanes", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "pads", .kind = PG_ATTR_INTS},
    {.name = "plain", .kind = PG_ATTR_INT}, /* the input is */
    {.name = "strides", .kind = PG_ATTR_INTS},
    {.name = "winograd", .kind = PG_ATTR_INT}, /* side of the tiles; 0: the direct way */
    {0}};

pgi_blocked_kind pgi_blocked_kind_of(const pgi_node *conv, const pg_tensor *w, int64_t lanes) {
  if (w->dtype != PG_F32 || w->rank < 3 || w->rank > 2 + PG_BLOCKED_MAX_SPATIAL) {
    return PG_BLOCKED_NONE;
  }
  int64_t groups = pgi_attr_int(conv, "group"), inputs = w->dims[1];
  if (pgi_tensor_count(w) == 0 || groups < 1 || w->dims[0] % groups != 0) return PG_BLOCKED_NONE;
  int64_t outputs = w->dims[0] / groups;
  if (w->dims[w->rank - 1] > PG_BLOCKED_MAX_WIDTH) return PG_BLOCKED_NONE;
  if (groups == 1) return PG_BLOCKED_DENSE;
  if (inputs == 1 && outputs == 1) return PG_BLOCKED_DEPTHWISE;
  return inputs % lanes == 0 && outputs % lanes == 0 ? PG_BLOCKED_DENSE : PG_BLOCKED_NONE;
}

/* ---- shapes --------------------------------------------------------------------------------- */

static pg_status infer_plain(pgi_infer *inf, pgi_type *out) {
  return pgi_infer_conv(inf, 1, out);
}

static pg_status infer(pgi_infer *inf) {
  int64_t lanes = pgi_attr_int(inf->node, "lanes");
  if (pgi_attr_int(inf->node, "plain")) {
    pgi_type made = pgi_type_tensor(pgi_in_dtype(inf, 0));
    PG_TRY(pgi_infer_conv(inf, 1, &made));
    inf->out[0] = made;
    if (made.rank >= 3) pgi_type_to_blocked(&made, lanes, &inf->out[0]);
    return PG_OK;
  }
  pgi_dim channels = pgi_dim_unknown();
  if (pgi_in_rank(inf, 1) >= 2 && inf->in[1]->dims[1].n >= 0) {
    channels = pgi_dim_of(inf->in[1]->dims[1].n * pgi_attr_int(inf->node, "group"));
  }
  return pgi_infer_unblocked(inf, channels, infer_plain);
}

/* ---- weights -------------------------------------------------------------------------------- */

typedef struct weights {
  pgi_blocked_kind kind;
  int winograd;
  int64_t group_size;    /* of one group's packed weights */
  int64_t size, rounded; /* of packed and bias */
  float *packed, *bias;
} weights;

static void discard(pg_context *ctx, void *prepared) {
  weights *w = prepared;
  if (!w) return;
  pgi_free(ctx, w->packed);
  pgi_free(ctx, w->bias);
  pgi_free(ctx, w);
}

static pg_status alloc_floats(pg_context *ctx, int64_t n, float **out, pg_error *err) {
  size_t bytes;
  if (!pgi_mul_size((size_t)n, sizeof **out, &bytes)) return pgi_nomem(err);
  *out = pgi_alloc_large(ctx, bytes);
  return *out ? PG_OK : pgi_nomem(err);
}

/* Depthwise weights: for each block, for each tap, one number a lane. */
static void pack_depthwise(int64_t lanes, int64_t outputs, int64_t taps, const float *w,
                           float *to) {
  for (int64_t o = 0; o < outputs; o += lanes) {
    for (int64_t t = 0; t < taps; t++) {
      for (int64_t l = 0; l < lanes; l++) *to++ = o + l < outputs ? w[(o + l) * taps + t] : 0;
    }
  }
}

static pg_status pack(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                      weights *w, pg_error *err) {
  const pgi_blocked_f32 *kernel = ctx->kernels[PG_K_BLOCKED_F32];
  const pg_tensor *t = value[1], *b = node->n_in > 2 ? value[2] : NULL;
  const float *from = pgi_tensor_data(t);
  int64_t groups = pgi_attr_int(node, "group"), taps = pgi_dims_product(t->dims, 2, t->rank);
  int64_t outputs = t->dims[0], inputs = t->dims[1], lanes = kernel->lanes;
  int64_t rounded = (outputs + lanes - 1) / lanes * lanes;
  PG_TRY(alloc_floats(ctx, rounded, &w->bias, err));
  w->rounded = rounded;
  memset(w->bias, 0, (size_t)rounded * sizeof *w->bias);
  if (b) memcpy(w->bias, pgi_tensor_data(b), (size_t)outputs * sizeof *w->bias);
  if (w->kind == PG_BLOCKED_DEPTHWISE) {
    w->size = rounded * taps;
    PG_TRY(alloc_floats(ctx, w->size, &w->packed, err));
    pack_depthwise(lanes, outputs, taps, from, w->packed);
    return PG_OK;
  }
  if (w->winograd) {
    int64_t side = t->dims[t->rank - 1];
    w->size = pgi_winograd_size(kernel->lanes, w->winograd, inputs, outputs, side);
    PG_TRY(alloc_floats(ctx, w->size, &w->packed, err));
    pgi_winograd_pack(kernel, w->winograd, inputs, outputs, side, from, w->packed);
    return PG_OK;
  }
  int64_t per_group = outputs / groups, depth = pgi_attr_int(node, "plain") ? inputs : lanes;
  w->group_size = pgi_blocked_packed_size(kernel->lanes, per_group, inputs, taps);
  w->size = w->group_size * groups;
  PG_TRY(alloc_floats(ctx, w->size, &w->packed, err));
  for (int64_t g = 0; g < groups; g++) {
    pgi_blocked_pack(kernel->lanes, per_group, inputs, depth, taps,
                     from + g * per_group * inputs * taps, w->packed + g * w->group_size);
  }
  return PG_OK;
}

static size_t prepared_bytes(const pgi_node *node, const void *prepared) {
  const weights *w = prepared;
  (void)node;
  return (size_t)(w->size + w->rounded) * sizeof(float);
}

static pg_status prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                         void **prepared, pg_error *err) {
  const pg_tensor *t = value[1], *b = node->n_in > 2 ? value[2] : NULL;
  const pgi_blocked_f32 *kernel = ctx->kernels[PG_K_BLOCKED_F32];
  pgi_blocked_kind kind = t ? pgi_blocked_kind_of(node, t, kernel->lanes) : PG_BLOCKED_NONE;
  bool is_bias = !b || (b->dtype == PG_F32 && b->rank == 1 && t && b->dims[0] == t->dims[0]);
  if (kind == PG_BLOCKED_NONE || !is_bias) {
    return pgi_fail(err, PG_INTERNAL, "not a convolution for the blocked kernels");
  }
  weights *w = pgi_alloc_zero(ctx, sizeof *w);
  if (!w) return pgi_nomem(err);
  w->kind = kind;
  w->winograd = (int)pgi_attr_int(node, "winograd");
  pg_status status = pack(ctx, node, value, w, err);
  if (status == PG_OK)
    *prepared = w;
  else
    discard(ctx, w);
  return status;
}

/* ---- a run ---------------------------------------------------------------------------------- */

typedef struct run {
  const pgi_blocked_f32 *kernel;
  const weights *weights;
  pgi_blocked_conv c;
  int64_t groups, group_outputs, lanes;
  int64_t image_in, image_out, group_in, group_out; /* floats */
  const float *x, *z;
  float *y;
  pgi_blocked_cut cut; /* the tiles of outputs of all groups of an image, or its planes */
  int64_t tiles;       /* of one group */
  bool is_flat;        /* all pixels are one line, whose pixels are cut like lines */
} run;

static void dense_task(void *arg, int64_t i) {
  const run *r = arg;
  pgi_blocked_conv own = r->c, *c = &own;
  int64_t line, end, tile0, tile1, tasks = pgi_blocked_cut_tasks(&r->cut), image = i / tasks;
  pgi_blocked_cut_task(&r->cut, i % tasks, &line, &end, &tile0, &tile1);
  int64_t blocks = (r->group_outputs + r->lanes - 1) / r->lanes;
  int64_t block_weights = c->channels * c->kernel_h * c->kernel_w * r->lanes;
  for (int64_t t = tile0; t < tile1; t++) {
    int64_t group = t / r->tiles, b = t % r->tiles * PG_BLOCKED_TILE;
    int64_t at = image * r->image_out + group * r->group_out + b * c->out_block;
    int count = (int)PG_MIN(blocks - b, PG_BLOCKED_TILE);
    const float *x = r->x + image * r->image_in + group * r->group_in;
    const float *taps = r->weights->packed + group * r->weights->group_size + b * block_weights;
    const float *bias = r->weights->bias + group * r->group_outputs + b * r->lanes;
    const float *z = r->z ? r->z + at : NULL;
    int64_t lines = r->is_flat ? 1 : end - line, n = r->is_flat ? end - line : c->out_w;
    pgi_blocked_ahead(c, taps + count * block_weights, r->kernel->tile, count * r->lanes, n, lines);
    r->kernel->conv(c, count, x, taps, bias, z, r->y + at, r->is_flat ? 0 : line, lines,
                    r->is_flat ? line : 0, n);
  }
}

static void depthwise_plane(const run *r, int64_t image, int64_t block, int64_t line, int64_t end) {
  const pgi_blocked_conv *c = &r->c;
  int64_t plane = image * r->cut.units + block, out = plane * c->out_block;
  for (int64_t oy = line; oy < end; oy++) {
    r->kernel->depthwise(c, r->x + plane * c->block,
                         r->weights->packed + block * c->kernel_h * c->kernel_w * r->lanes,
                         r->weights->bias + block * r->lanes, r->z ? r->z + out : NULL, r->y + out,
                         oy);
  }
}

static void depthwise_task(void *arg, int64_t i) {
  const run *r = arg;
  int64_t line, end, block, last, tasks = pgi_blocked_cut_tasks(&r->cut);
  pgi_blocked_cut_task(&r->cut, i % tasks, &line, &end, &block, &last);
  for (; block < last; block++) depthwise_plane(r, i / tasks, block, line, end);
}

enum { SHARED_PIXELS = 56, FEWER_PIXELS = 21, FEW_UNITS = 4 };

/* Cuts the pixels of a 1 x 1 convolution, else the lines. */
static void cut_dense(run *r) {
  pgi_blocked_conv *c = &r->c;
  bool is_point = c->kernel_h == 1 && c->kernel_w == 1 && c->stride_h == 1 && c->stride_w == 1 &&
                  c->before_h == 0 && c->before_w == 0 && c->out_h == c->in_h &&
                  c->out_w == c->in_w;
  int64_t most = PG_BLOCKED_TILE * r->lanes, width = PG_MIN(r->group_outputs, most);
  int64_t reads = PG_MIN(c->stride_h, c->kernel_h) * PG_MIN(c->stride_w, c->kernel_w);
  int64_t bytes = c->out_w * reads * c->channels * (int64_t)sizeof(float), step = 1;
  if (is_point) {
    r->is_flat = true;
    c->in_w = c->out_w = c->out_h * c->out_w;
    c->in_h = c->out_h = 1;
    bytes = c->channels * (int64_t)sizeof(float);
    step = r->kernel->tile;
  }
  r->tiles = (r->group_outputs + most - 1) / most;
  /* Each piece reads all weights: enough pixels must share them where there are others to share out. */
  int64_t units = r->tiles * r->groups, pixels = units < FEW_UNITS ? FEWER_PIXELS : SHARED_PIXELS;
  int64_t least = r->is_flat ? pixels : pixels / PG_MAX(c->out_w, 1);
  int64_t work = c->channels * c->kernel_h * c->kernel_w * width;
  pgi_blocked_cut_init(&r->cut, r->is_flat ? c->out_w : c->out_h, step, least, units, bytes,
                       r->is_flat ? work : work * c->out_w);
}

static void run_dense(pgi_call *call, run *r, const pgi_conv *c) {
  r->groups = c->groups;
  r->group_outputs = c->out_per_group;
  r->c.channels = c->in_per_group;
  if (pgi_attr_int(call->node, "plain")) {
    r->c.depth = c->in_per_group;
    r->c.channel = c->w.in_size;
    r->c.pixel = 1;
    r->image_in = c->channels * c->w.in_size;
  }
  r->group_in = c->in_per_group * c->w.in_size;
  r->group_out = c->out_per_group * c->w.out_size;
  cut_dense(r);
  pgi_call_parallel(call, c->batch * pgi_blocked_cut_tasks(&r->cut), dense_task, r);
}

static void run_depthwise(pgi_call *call, run *r, const pgi_conv *c) {
  int64_t bytes = r->c.in_w * r->c.stride_h * r->lanes * (int64_t)sizeof(float);
  int64_t work = r->c.out_w * r->lanes * (r->c.kernel_h * r->c.kernel_w + 4);
  pgi_blocked_cut_init(&r->cut, r->c.out_h, 1, 2, (c->outputs + r->lanes - 1) / r->lanes, bytes,
                       work);
  pgi_call_parallel(call, c->batch * pgi_blocked_cut_tasks(&r->cut), depthwise_task, r);
}

static pg_status run_winograd(pgi_call *call, run *r, const pgi_conv *c) {
  r->c.channels = c->channels;
  pgi_winograd w = {.kernel = r->kernel,
                    .c = &r->c,
                    .out = r->weights->winograd,
                    .images = c->batch,
                    .outputs = c->outputs,
                    .image_in = r->image_in,
                    .image_out = r->image_out,
                    .weights = r->weights->packed,
                    .bias = r->weights->bias,
                    .x = r->x,
                    .z = r->z,
                    .y = r->y};
  return pgi_winograd_run(call, &w);
}

/* Bounds are applied to the sums in their registers, other functions to the tile just stored. */
static pg_status set_activation(pgi_call *call, pgi_blocked_conv *c) {
  const pgi_blocked_f32 *kernel = call->ctx->kernels[PG_K_BLOCKED_F32];
  const pgi_unary_f32 *unary = call->ctx->kernels[PG_K_UNARY_F32];
  pgi_epilogue e = {.scale = 1};
  PG_TRY(pgi_read_activation(call->node, &e, call->err));
  c->low = e.act == PG_ACT_RELU ? 0 : e.act == PG_ACT_CLIP ? e.alpha : -INFINITY;
  c->high = e.act == PG_ACT_CLIP ? e.beta : INFINITY;
  c->a = e.alpha;
  c->b = e.beta;
  switch (e.act) {
    case PG_ACT_LEAKY_RELU:
      c->map = unary->fn[PG_LEAKY_RELU];
      break;
    case PG_ACT_HARD_SIGMOID:
      c->map = unary->fn[PG_HARD_SIGMOID];
      break;
    case PG_ACT_HARD_SWISH:
      c->map = kernel->hard_swish ? kernel->hard_swish : unary->fn[PG_HARD_SWISH];
      break;
    case PG_ACT_SIGMOID:
      c->map = kernel->sigmoid ? kernel->sigmoid : unary->fn[PG_SIGMOID];
      break;
    case PG_ACT_TANH:
      c->map = unary->fn[PG_TANH];
      break;
    case PG_ACT_SILU:
      c->map = kernel->swish ? kernel->swish : unary->fn[PG_SWISH];
      c->a = 1;
      break;
    default:
      break;
  }
  return PG_OK;
}

static pg_status run_conv(pgi_call *call) {
  const pg_tensor *x = call->in[0], *w = call->in[1], *z = call->n_in > 3 ? call->in[3] : NULL;
  bool is_plain = pgi_attr_int(call->node, "plain") != 0;
  run r = {.kernel = call->ctx->kernels[PG_K_BLOCKED_F32],
           .weights = call->prepared,
           .x = pgi_tensor_data(x),
           .z = z ? pgi_tensor_data(z) : NULL,
           .y = pgi_tensor_data(call->out[0])};
  pgi_conv c;
  int64_t dims[PG_MAX_RANK];
  memcpy(dims, x->dims, sizeof dims);
  PG_TRY(pgi_blocked_lanes(call, &r.lanes));
  if (!r.weights) return pgi_fail(call->err, PG_INTERNAL, "the weights were not prepared");
  if (!is_plain) dims[1] = w->dims[1] * pgi_attr_int(call->node, "group");
  PG_TRY(pgi_conv_init(&c, call->node, is_plain ? x->rank : x->rank - 1, dims, w->rank, w->dims,
                       call->err));
  if (z && !pgi_same_dims(z, call->out[0])) {
    return pgi_fail(call->err, PG_INVALID, "input 3: expected the shape of the output");
  }
  if (c.batch == 0 || c.w.out_size == 0) return PG_OK;
  pgi_blocked_window(&c.w, r.lanes, &r.c);
  PG_TRY(set_activation(call, &r.c));
  r.image_in = (c.channels + r.lanes - 1) / r.lanes * r.c.block;
  r.image_out = (c.outputs + r.lanes - 1) / r.lanes * r.c.out_block;
  if (r.weights->winograd) return run_winograd(call, &r, &c);
  if (r.weights->kind == PG_BLOCKED_DEPTHWISE)
    run_depthwise(call, &r, &c);
  else
    run_dense(call, &r, &c);
  return PG_OK;
}

PG_OP(blocked_conv) = {.name = "BlockedConv",
                       .domain = "perigee",
                       .since = {1},
                       .in = {2, 4},
                       .out = {1, 1},
                       .types = PG_T(PG_F32),
                       .attrs = attrs,
                       .flags = PG_OP_PRIVATE,
                       .infer = infer,
                       .prepare = prepare,
                       .discard = discard,
                       .packs = 1 << 1 | 1 << 2,
                       .prepared_bytes = prepared_bytes,
                       .run = run_conv};
