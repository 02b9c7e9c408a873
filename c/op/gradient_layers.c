/* Slopes of layers: convolutions, pools, norms, the loss.  Convolutions and average pools have
** operators of their own for it: plain loops, as training is not what perigee is made to be fast
** at. */
#include "op/conv.h"
#include "op/gradient.h"
#include "op/lanes.h"
#include "op/move.h"

typedef pgi_value value;

static void copy_all(pgi_slope *s) {
  for (int i = 0; i < s->node->n_attrs; i++)
    pgi_build_copy_from(s->b, s->node, s->node->attrs[i].name);
}

/* Sums over all axes but that of the channels. */
static value *channel_sum(pgi_build *b, value *x) {
  value *rows = pgi_build_2(b, "Reshape", x, pgi_build_i64s(b, 3, (int64_t[]){0, 0, -1}));
  value *y = pgi_build_2(b, "ReduceSum", rows, pgi_build_i64s(b, 2, (int64_t[]){0, 2}));
  pgi_build_int(b, "keepdims", 0);
  return y;
}

value *pgi_slope_conv(pgi_slope *s, int i) {
  static const char *const types[] = {"ConvSlopeX", "ConvSlopeW"};
  if (i == 2) return channel_sum(s->b, s->g[0]);
  value *y =
      pgi_build_call_in(s->b, "perigee", types[i], 3, (value *[]){s->g[0], s->x[0], s->x[1]});
  copy_all(s);
  return y;
}

value *pgi_slope_average_pool(pgi_slope *s, int i) {
  (void)i;
  value *y =
      pgi_build_call_in(s->b, "perigee", "AveragePoolSlope", 2, (value *[]){s->g[0], s->x[0]});
  copy_all(s);
  return y;
}

/* The pool once more says where its results came from. */
value *pgi_slope_max_pool(pgi_slope *s, int i) {
  pgi_build *b = s->b;
  value *x = s->x[0], *flat = pgi_build_i64s(b, 1, &(int64_t){-1});
  (void)i;
  pgi_build_1(b, "MaxPool", x);
  copy_all(s);
  pgi_build_int(b, "storage_order", 0);
  value *places = pgi_build_2(b, "Reshape", pgi_build_output(b, 1), flat);
  value *size = pgi_build_2(b, "Reshape", pgi_build_1(b, "Size", x), flat);
  value *zeros = pgi_build_2(b, "Expand", pgi_build_like(b, 0, s->g[0]), size);
  value *y =
      pgi_build_3(b, "ScatterElements", zeros, places, pgi_build_2(b, "Reshape", s->g[0], flat));
  pgi_build_int(b, "axis", 0);
  pgi_build_string(b, "reduction", "add");
  return pgi_build_2(b, "Reshape", y, pgi_build_1(b, "Shape", x));
}

value *pgi_slope_global_pool(pgi_slope *s, int i) {
  pgi_build *b = s->b;
  value *x = s->x[0], *g = s->g[0], *y = s->y[0];
  (void)i;
  if (strcmp(s->node->type, "GlobalMaxPool") == 0) {
    value *is = pgi_build_2(b, "CastLike", pgi_build_2(b, "Equal", x, y), x);
    value *ties = pgi_build_call_in(b, "perigee", "SumTo", 2, (value *[]){is, y});
    return pgi_build_2(b, "Mul", pgi_build_2(b, "Div", is, ties), g);
  }
  value *few = pgi_build_2(b, "CastLike", pgi_build_1(b, "Size", y), g);
  value *many = pgi_build_2(b, "CastLike", pgi_build_1(b, "Size", x), g);
  value *share = pgi_build_2(b, "Mul", g, pgi_build_2(b, "Div", few, many));
  return pgi_build_2(b, "Expand", share, pgi_build_1(b, "Shape", x));
}

/* ---- norms ----------------------------------------------------------------------------------- */

static value *batch_norm(pgi_slope *s, value *x, value *gain, value *shift, value *mean) {
  value *y =
      pgi_build_call(s->b, "BatchNormalization", 5, (value *[]){x, gain, shift, mean, s->x[4]});
  pgi_build_copy_from(s->b, s->node, "epsilon");
  return y;
}

/* For inference it is linear in its input. */
value *pgi_slope_batch_norm(pgi_slope *s, int i) {
  pgi_build *b = s->b;
  if (i > 2 || pgi_attr_int(s->node, "training_mode")) {
    b->status = pgi_fail(b->err, PG_UNSUPPORTED,
                         "only the slopes of X, scale and B are there, and "
                         "not those of training_mode");
    return NULL;
  }
  value *zeros = pgi_build_2(b, "Sub", s->x[1], s->x[1]);
  if (i == 0) return batch_norm(s, s->g[0], s->x[1], zeros, zeros);
  if (i == 2) return channel_sum(b, s->g[0]);
  value *ones = pgi_build_with(b, "Add", zeros, 1);
  return channel_sum(b,
                     pgi_build_2(b, "Mul", s->g[0], batch_norm(s, s->x[0], ones, zeros, s->x[3])));
}

static value *row_mean(pgi_build *b, value *x) {
  return pgi_build_2(b, "ReduceMean", x, pgi_build_i64s(b, 1, &(int64_t){-1}));
}

value *pgi_slope_layer_norm(pgi_slope *s, int i) {
  pgi_build *b = s->b;
  value *x = s->x[0], *g = s->g[0];
  if (pgi_attr_int(s->node, "axis") != -1) {
    b->status = pgi_fail(b->err, PG_UNSUPPORTED, "only axis -1 has a slope");
    return NULL;
  }
  if (i == 2) return pgi_slope_sum_to(b, g, s->x[2]);
  value *away = pgi_build_2(b, "Sub", x, row_mean(b, x));
  value *variance = row_mean(b, pgi_build_2(b, "Mul", away, away));
  variance = pgi_build_with(b, "Add", variance, (double)pgi_attr_float(s->node, "epsilon"));
  value *inverse = pgi_build_1(b, "Reciprocal", pgi_build_1(b, "Sqrt", variance));
  value *normal = pgi_build_2(b, "Mul", away, inverse);
  if (i == 1) return pgi_slope_sum_to(b, pgi_build_2(b, "Mul", g, normal), s->x[1]);
  value *h = pgi_build_2(b, "Mul", g, s->x[1]);
  value *part = pgi_build_2(b, "Mul", normal, row_mean(b, pgi_build_2(b, "Mul", h, normal)));
  value *sum = pgi_build_2(b, "Sub", pgi_build_2(b, "Sub", h, row_mean(b, h)), part);
  return pgi_build_2(b, "Mul", sum, inverse);
}

/* ---- the loss -------------------------------------------------------------------------------- */

/* NegativeLogLikelihoodLoss is linear in its input: a sum of what the targets name. */
value *pgi_slope_nll(pgi_slope *s, int i) {
  if (i != 0) return NULL;
  value *y =
      pgi_build_call_in(s->b, "perigee", "LossSlope", 4,
                        (value *[]){s->g[0], s->x[0], s->x[1], s->node->n_in > 2 ? s->x[2] : NULL});
  copy_all(s);
  return y;
}

static pg_status loss_run(pgi_call *c) {
  const pg_tensor *g = c->in[0], *x = c->in[1], *target = c->in[2], *weight = pgi_input(c, 3);
  const pgi_attr *ignored = pgi_attr_find(c->node, "ignore_index");
  bool is_none = pgi_attr_is(c->node, "reduction", "none"), fits = x->rank >= 2;
  int64_t n = pgi_tensor_count(target), classes = fits ? x->dims[1] : 0;
  int64_t space = fits ? pgi_dims_product(x->dims, 2, x->rank) : 1;
  double *slope, weights = 0;
  fits = fits && n == x->dims[0] * space && (!weight || pgi_tensor_count(weight) == classes) &&
         pgi_tensor_count(g) == (is_none ? n : 1);
  if (!fits) return pgi_fail(c->err, PG_INVALID, "the loss and its operands don't fit together");
  int64_t count = pgi_tensor_count(x);
  PG_TRY(pgi_scratch_array(c, count, sizeof *slope, &slope));
  memset(slope, 0, (size_t)count * sizeof *slope);
  for (int64_t i = 0; i < n; i++) {
    int64_t at = pgi_tensor_get_i64(target, i);
    if (ignored && at == ignored->ints[0]) continue;
    if (at < 0 || at >= classes)
      return pgi_fail(c->err, PG_INVALID, "target: expected 0 to %lld, got %lld",
                      (long long)classes - 1, (long long)at);
    double w = weight ? pgi_tensor_get_f64(weight, at) : 1;
    weights += w;
    slope[(i / space * classes + at) * space + i % space] =
        -w * pgi_tensor_get_f64(g, is_none ? i : 0);
  }
  if (!pgi_attr_is(c->node, "reduction", "mean")) weights = 1;
  for (int64_t i = 0; i < count; i++) slope[i] /= weights;
  pgi_store_f64(c->out[0]->dtype, pgi_tensor_data(c->out[0]), 0, count, slope);
  return PG_OK;
}

/* ---- convolutions and pools ------------------------------------------------------------------ */

/* The input that tap `tap` of output `out` reads, or -1 where that is padding; *is_inside says
** whether it lies on the input with its padding. */
static int64_t reads(const pgi_window *w, int64_t out, int64_t tap, bool *is_inside) {
  int64_t at = 0, step = 1;
  bool is_there = true;
  *is_inside = true;
  for (int d = w->n - 1; d >= 0; d--) {
    int64_t place =
        out % w->out[d] * w->stride[d] + tap % w->kernel[d] * w->dilation[d] - w->before[d];
    out /= w->out[d];
    tap /= w->kernel[d];
    is_there = is_there && place >= 0 && place < w->in[d];
    *is_inside = *is_inside && place < w->in[d] + w->after[d];
    at += place * step;
    step *= w->in[d];
  }
  return is_there ? at : -1;
}

typedef struct layer_job {
  pgi_conv c;
  const double *g, *x, *w;
  double *to;
  bool counts_padding;
} layer_job;

/* One image: every output gives its slope to what it read. */
static void slope_of_x(void *arg, int64_t n) {
  const layer_job *j = arg;
  const pgi_conv *c = &j->c;
  bool is_inside;
  for (int64_t o = 0; o < c->outputs; o++) {
    const double *g = j->g + (n * c->outputs + o) * c->w.out_size;
    int64_t first = o / c->out_per_group * c->in_per_group;
    for (int64_t at = 0; at < c->w.out_size; at++)
      for (int64_t tap = 0; tap < c->w.taps; tap++) {
        int64_t from = reads(&c->w, at, tap, &is_inside);
        for (int64_t k = 0; k < c->in_per_group && from >= 0; k++)
          j->to[(n * c->channels + first + k) * c->w.in_size + from] +=
              g[at] * j->w[(o * c->in_per_group + k) * c->w.taps + tap];
      }
  }
}

/* One output channel. */
static void slope_of_w(void *arg, int64_t o) {
  const layer_job *j = arg;
  const pgi_conv *c = &j->c;
  int64_t first = o / c->out_per_group * c->in_per_group;
  bool is_inside;
  for (int64_t n = 0; n < c->batch; n++) {
    const double *g = j->g + (n * c->outputs + o) * c->w.out_size;
    for (int64_t at = 0; at < c->w.out_size; at++)
      for (int64_t tap = 0; tap < c->w.taps; tap++) {
        int64_t from = reads(&c->w, at, tap, &is_inside);
        for (int64_t k = 0; k < c->in_per_group && from >= 0; k++)
          j->to[(o * c->in_per_group + k) * c->w.taps + tap] +=
              g[at] * j->x[(n * c->channels + first + k) * c->w.in_size + from];
      }
  }
}

/* One plane: the slope is shared by what was averaged. */
static void slope_of_average(void *arg, int64_t plane) {
  const layer_job *j = arg;
  const pgi_window *w = &j->c.w;
  for (int64_t at = 0; at < w->out_size; at++) {
    int64_t n = 0;
    bool is_inside;
    for (int64_t tap = 0; tap < w->taps; tap++) {
      int64_t from = reads(w, at, tap, &is_inside);
      n += j->counts_padding ? is_inside : from >= 0;
    }
    for (int64_t tap = 0; tap < w->taps; tap++) {
      int64_t from = reads(w, at, tap, &is_inside);
      if (from >= 0) j->to[plane * w->in_size + from] += j->g[plane * w->out_size + at] / (double)n;
    }
  }
}

static pg_status as_f64(pgi_call *c, const pg_tensor *t, const double **out) {
  double *room;
  int64_t n = pgi_tensor_count(t);
  PG_TRY(pgi_scratch_array(c, n, sizeof *room, &room));
  pgi_load_f64(t->dtype, pgi_tensor_data(t), 0, n, room);
  *out = room;
  return PG_OK;
}

static pg_status make_slope(pgi_call *c, layer_job *j, int64_t tasks,
                            void (*task)(void *arg, int64_t i)) {
  int64_t n = pgi_tensor_count(c->out[0]);
  PG_TRY(pgi_scratch_array(c, n, sizeof *j->to, &j->to));
  memset(j->to, 0, (size_t)n * sizeof *j->to);
  if (n > 0 && pgi_tensor_count(c->in[0]) > 0) pgi_call_parallel(c, tasks, task, j);
  pgi_store_f64(c->out[0]->dtype, pgi_tensor_data(c->out[0]), 0, n, j->to);
  return PG_OK;
}

static pg_status conv_run(pgi_call *c) {
  const pg_tensor *g = c->in[0], *x = c->in[1], *w = c->in[2];
  layer_job j = {0};
  PG_TRY(pgi_conv_init(&j.c, c->node, x->rank, x->dims, w->rank, w->dims, c->err));
  if (pgi_tensor_count(g) != j.c.batch * j.c.outputs * j.c.w.out_size)
    return pgi_fail(c->err, PG_INVALID, "the slope doesn't fit the convolution's output");
  PG_TRY(as_f64(c, g, &j.g));
  PG_TRY(as_f64(c, x, &j.x));
  PG_TRY(as_f64(c, w, &j.w));
  bool is_x = strcmp(c->node->type, "ConvSlopeX") == 0;
  return make_slope(c, &j, is_x ? j.c.batch : j.c.outputs, is_x ? slope_of_x : slope_of_w);
}

static pg_status average_run(pgi_call *c) {
  const pg_tensor *g = c->in[0], *x = c->in[1];
  layer_job j = {.counts_padding = pgi_attr_int(c->node, "count_include_pad") != 0};
  PG_TRY(pgi_check_spatial(x->rank, c->err));
  PG_TRY(pgi_window_read(c->node, x->rank, NULL, &j.c.w, c->err));
  PG_TRY(pgi_window_fit(c->node, x->dims + 2, &j.c.w, c->err));
  PG_TRY(pgi_window_sizes(&j.c.w, c->err));
  int64_t planes = x->dims[0] * x->dims[1];
  if (pgi_tensor_count(g) != planes * j.c.w.out_size)
    return pgi_fail(c->err, PG_INVALID, "the slope doesn't fit the pool's output");
  PG_TRY(as_f64(c, g, &j.g));
  return make_slope(c, &j, planes, slope_of_average);
}

static pg_status like_infer(pgi_infer *inf) {
  int like = strcmp(inf->node->type, "ConvSlopeW") == 0 ? 2 : 1;
  if (pgi_has_in(inf, like)) inf->out[0] = *inf->in[like];
  return PG_OK;
}

static const pgi_attr_def conv_attrs[] = {
    {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},
    {.name = "dilations", .kind = PG_ATTR_INTS},
    {.name = "group", .kind = PG_ATTR_INT, .i = 1},
    {.name = "kernel_shape", .kind = PG_ATTR_INTS},
    {.name = "pads", .kind = PG_ATTR_INTS},
    {.name = "strides", .kind = PG_ATTR_INTS},
    {0}};
static const pgi_attr_def pool_attrs[] = {
    {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},
    {.name = "ceil_mode", .kind = PG_ATTR_INT},
    {.name = "count_include_pad", .kind = PG_ATTR_INT},
    {.name = "dilations", .kind = PG_ATTR_INTS},
    {.name = "kernel_shape", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "pads", .kind = PG_ATTR_INTS},
    {.name = "strides", .kind = PG_ATTR_INTS},
    {0}};
static const pgi_attr_def loss_attrs[] = {
    {.name = "ignore_index", .kind = PG_ATTR_INT},
    {.name = "reduction", .kind = PG_ATTR_STRING, .s = "mean"},
    {0}};

#define SLOPE(least, most, list, f)                                                           \
  .domain = "perigee", .since = {1}, .in = {least, most}, .out = {1, 1}, .types = PG_T_FLOAT, \
  .attrs = list, .infer = like_infer, .run = f
PG_OP(conv_slope_x) = {.name = "ConvSlopeX", SLOPE(3, 3, conv_attrs, conv_run)};
PG_OP(conv_slope_w) = {.name = "ConvSlopeW", SLOPE(3, 3, conv_attrs, conv_run)};
PG_OP(average_pool_slope) = {.name = "AveragePoolSlope", SLOPE(2, 2, pool_attrs, average_run)};
PG_OP(loss_slope) = {.name = "LossSlope", SLOPE(3, 4, loss_attrs, loss_run)};
