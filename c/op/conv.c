/* Conv, and com.microsoft's FusedConv: a Conv with an addend and an activation behind it, which is
** what Conv becomes when it absorbs its neighbours. */
#include "op/conv.h"
#include "op/product.h"

static const pgi_attr_def conv_attrs[] = {
    {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},
    {.name = "dilations", .kind = PG_ATTR_INTS},
    {.name = "group", .kind = PG_ATTR_INT, .i = 1},
    {.name = "kernel_shape", .kind = PG_ATTR_INTS},
    {.name = "pads", .kind = PG_ATTR_INTS},
    {.name = "strides", .kind = PG_ATTR_INTS},
    {0}};

static const pgi_attr_def fused_attrs[] = {
    {.name = "activation", .kind = PG_ATTR_STRING, .s = ""},
    {.name = "activation_params", .kind = PG_ATTR_FLOATS},
    {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},
    {.name = "dilations", .kind = PG_ATTR_INTS},
    {.name = "group", .kind = PG_ATTR_INT, .i = 1},
    {.name = "kernel_shape", .kind = PG_ATTR_INTS},
    {.name = "pads", .kind = PG_ATTR_INTS},
    {.name = "strides", .kind = PG_ATTR_INTS},
    {0}};

/* ---- shapes --------------------------------------------------------------------------------- */

static pg_status read_groups(const pgi_node *node, int64_t *out, pg_error *err) {
  *out = pgi_attr_int(node, "group");
  if (*out >= 1) return PG_OK;
  return pgi_fail(err, PG_INVALID, "group: expected at least 1, got %lld", (long long)*out);
}

pg_status pgi_conv_init(pgi_conv *c, const pgi_node *node, int x_rank, const int64_t *x_dims,
                        int w_rank, const int64_t *w_dims, pg_error *err) {
  PG_TRY(pgi_check_spatial(x_rank, err));
  PG_TRY(read_groups(node, &c->groups, err));
  if (w_rank != x_rank) {
    return pgi_fail(err, PG_INVALID, "weights: expected rank %d as the input has, got %d", x_rank,
                    w_rank);
  }
  c->batch = x_dims[0];
  c->channels = x_dims[1];
  c->outputs = w_dims[0];
  if ((c->groups > 1 && c->groups > c->channels) || c->channels % c->groups != 0 ||
      c->outputs % c->groups != 0 || w_dims[1] != c->channels / c->groups) {
    return pgi_fail(
        err, PG_INVALID, "weights [%lld,%lld,...] don't fit %lld channels in %lld groups",
        (long long)w_dims[0], (long long)w_dims[1], (long long)c->channels, (long long)c->groups);
  }
  c->in_per_group = w_dims[1];
  c->out_per_group = c->outputs / c->groups;
  PG_TRY(pgi_window_read(node, x_rank, w_dims + 2, &c->w, err));
  return pgi_window_fit(node, x_dims + 2, &c->w, err);
}

pg_status pgi_check_bias(const pg_tensor *b, int64_t outputs, pg_error *err) {
  if (!b || (b->rank == 1 && b->dims[0] == outputs)) return PG_OK;
  char text[200];
  return pgi_fail(err, PG_INVALID, "bias: expected [%lld], got %s", (long long)outputs,
                  pgi_shape_text(b->dtype, b->rank, b->dims, text, sizeof text));
}

pg_status pgi_infer_conv(pgi_infer *inf, int i_w, pgi_type *out) {
  int x_rank = pgi_in_rank(inf, 0), w_rank = pgi_in_rank(inf, i_w);
  if (x_rank < 0) {
    if (w_rank < 3) return PG_OK;
    out->rank = w_rank;
    for (int i = 0; i < w_rank; i++) out->dims[i] = pgi_dim_unknown();
    out->dims[1] = inf->in[i_w]->dims[0];
    return PG_OK;
  }
  int64_t kernel[PG_MAX_SPATIAL], x_dims[PG_MAX_RANK], w_dims[PG_MAX_RANK];
  pgi_dim outputs = pgi_dim_unknown();
  if (w_rank >= 0) {
    if (pgi_known_dims(inf->in[0], x_dims) && pgi_known_dims(inf->in[i_w], w_dims)) {
      pgi_conv c;
      PG_TRY(pgi_conv_init(&c, inf->node, x_rank, x_dims, w_rank, w_dims, inf->err));
    }
    if (w_rank == x_rank) pgi_spatial_dims(inf->in[i_w], kernel);
    if (w_rank > 0) outputs = inf->in[i_w]->dims[0];
  }
  return pgi_infer_window(inf, w_rank == x_rank ? kernel : NULL, outputs, out);
}

static pg_status infer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  return pgi_infer_conv(inf, 1, &inf->out[0]);
}

/* ---- f64 ------------------------------------------------------------------------------------ */

typedef struct wide {
  const pgi_conv *c;
  const double *x, *w, *b;
  double *y;
} wide;

/* One position of one output: the taps that fall on the plane. */
static double window_sum(const pgi_conv *c, const double *x, const double *w, const int64_t *pos) {
  double sum = 0;
  for (int64_t t = 0; t < c->w.taps; t++) {
    int64_t rest = t, at = 0, step = 1;
    bool is_inside = true;
    for (int i = c->w.n - 1; i >= 0; i--) {
      int64_t p =
          pos[i] * c->w.stride[i] - c->w.before[i] + rest % c->w.kernel[i] * c->w.dilation[i];
      rest /= c->w.kernel[i];
      is_inside = is_inside && p >= 0 && p < c->w.in[i];
      at += p * step;
      step *= c->w.in[i];
    }
    if (!is_inside) continue;
    for (int64_t k = 0; k < c->in_per_group; k++) {
      sum += x[k * c->w.in_size + at] * w[k * c->w.taps + t];
    }
  }
  return sum;
}

static void wide_task(void *arg, int64_t i) {
  const wide *d = arg;
  const pgi_conv *c = d->c;
  int64_t image = i / c->outputs, output = i % c->outputs;
  int64_t channel = image * c->channels + output / c->out_per_group * c->in_per_group;
  const double *x = d->x + channel * c->w.in_size;
  const double *w = d->w + output * c->in_per_group * c->w.taps;
  double bias = d->b ? d->b[output] : 0;
  int64_t pos[PG_MAX_SPATIAL] = {0};
  for (int64_t j = 0; j < c->w.out_size; j++) {
    d->y[i * c->w.out_size + j] = window_sum(c, x, w, pos) + bias;
    for (int a = c->w.n - 1; a >= 0 && ++pos[a] == c->w.out[a]; a--) pos[a] = 0;
  }
}

/* ---- running -------------------------------------------------------------------------------- */

static pg_status prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                         void **prepared, pg_error *err) {
  const pg_tensor *w = value[1];
  if (!w || w->dtype == PG_F64 || w->rank < 3) return PG_OK;
  /* Only the weights' side is known: an input that they fit, one window large. */
  pgi_conv c = {.groups = pgi_attr_int(node, "group"), .outputs = w->dims[0]};
  if (pgi_tensor_count(w) == 0 || c.groups < 1 || c.outputs % c.groups != 0) {
    return PG_OK; /* infer says what is wrong */
  }
  c.in_per_group = w->dims[1];
  c.out_per_group = c.outputs / c.groups;
  c.w.taps = pgi_dims_product(w->dims, 2, w->rank);
  pgi_conv_weights *weights = pgi_alloc_zero(ctx, sizeof *weights);
  if (!weights) return pgi_nomem(err);
  pg_status status = pgi_conv_weights_init(ctx, &c, w, weights, err);
  if (status != PG_OK) {
    pgi_free(ctx, weights);
    return status;
  }
  *prepared = weights;
  return PG_OK;
}

static void discard(pg_context *ctx, void *prepared) {
  if (!prepared) return;
  pgi_conv_weights_deinit(ctx, prepared);
  pgi_free(ctx, prepared);
}

static const pg_tensor *input(const pgi_call *c, int i) {
  return i < c->n_in ? c->in[i] : NULL;
}

static pg_status run_f32(pgi_call *call, const pgi_conv *c, const pgi_epilogue *e) {
  pgi_conv_weights own = {0};
  const pgi_conv_weights *weights = call->prepared;
  const float *x, *b, *z;
  pg_tensor *y = call->out[0];
  int64_t n = pgi_tensor_count(y);
  float *to = pgi_tensor_data(y);
  PG_TRY(pgi_as_f32(call, call->in[0], &x));
  PG_TRY(pgi_as_f32(call, input(call, 2), &b));
  PG_TRY(pgi_as_f32(call, input(call, 3), &z));
  if (y->dtype != PG_F32) PG_TRY(pgi_scratch_array(call, n, sizeof *to, &to));
  if (!weights) {
    PG_TRY(pgi_conv_weights_init(call->ctx, c, call->in[1], &own, call->err));
    weights = &own;
  }
  pg_status status = pgi_conv_run_f32(call, c, weights, x, b, z, e, to);
  pgi_conv_weights_deinit(call->ctx, &own);
  if (status == PG_OK && y->dtype != PG_F32) pgi_store_f32(y->dtype, pgi_tensor_data(y), 0, n, to);
  return status;
}

/* f64 has no fast engine, nor is anything fused into it. */
static pg_status run_f64(pgi_call *call, const pgi_conv *c) {
  const pg_tensor *b = input(call, 2);
  wide d = {c, pgi_tensor_data(call->in[0]), pgi_tensor_data(call->in[1]),
            b ? pgi_tensor_data(b) : NULL, pgi_tensor_data(call->out[0])};
  pgi_call_parallel(call, c->batch * c->outputs, wide_task, &d);
  return PG_OK;
}

static pg_status run(pgi_call *call) {
  const pg_tensor *x = call->in[0], *w = call->in[1], *z = input(call, 3);
  pgi_conv c;
  pgi_epilogue e = {.scale = 1};
  PG_TRY(pgi_conv_init(&c, call->node, x->rank, x->dims, w->rank, w->dims, call->err));
  PG_TRY(pgi_check_bias(input(call, 2), c.outputs, call->err));
  if (w->dtype != x->dtype || (input(call, 2) && input(call, 2)->dtype != x->dtype)) {
    return pgi_fail(call->err, PG_INVALID, "weights and bias: expected %s as the input, got %s",
                    pg_dtype_name(x->dtype), pg_dtype_name(w->dtype));
  }
  if (call->node->op->domain) PG_TRY(pgi_read_activation(call->node, &e, call->err));
  if (z && (z->dtype != x->dtype || !pgi_same_dims(z, call->out[0]))) {
    return pgi_fail(call->err, PG_INVALID, "input 3: expected the type and shape of the output");
  }
  return x->dtype == PG_F64 ? run_f64(call, &c) : run_f32(call, &c, &e);
}

/* ---- the operators -------------------------------------------------------------------------- */

PG_OP(conv) = {.name = "Conv",
               .since = {1, 11, 22},
               .in = {2, 3},
               .out = {1, 1},
               .types = PG_T_FLOAT,
               .attrs = conv_attrs,
               .infer = infer,
               .prepare = prepare,
               .discard = discard,
               .run = run,
               .absorb = pgi_conv_absorb};
PG_OP(fused_conv) = {.name = "FusedConv",
                     .domain = "com.microsoft",
                     .since = {1},
                     .in = {2, 4},
                     .out = {1, 1},
                     .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                     .attrs = fused_attrs,
                     .infer = infer,
                     .prepare = prepare,
                     .discard = discard,
                     .run = run,
                     .absorb = pgi_conv_absorb};
