/* BlockedMaxPool, BlockedAveragePool and BlockedGlobalAveragePool: pools over blocked values. */
#include "op/blocked.h"

#define POOL_ATTRS                                                                             \
  {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},                                 \
      {.name = "ceil_mode", .kind = PG_ATTR_INT}, {.name = "dilations", .kind = PG_ATTR_INTS}, \
      {.name = "kernel_shape", .kind = PG_ATTR_INTS, .is_required = true},                     \
      {.name = "lanes", .kind = PG_ATTR_INT, .is_required = true},                             \
      {.name = "pads", .kind = PG_ATTR_INTS}, {                                                \
    .name = "strides", .kind = PG_ATTR_INTS                                                    \
  }

static const pgi_attr_def max_attrs[] = {POOL_ATTRS, {0}};
static const pgi_attr_def average_attrs[] = {
    POOL_ATTRS, {.name = "count_include_pad", .kind = PG_ATTR_INT}, {0}};
static const pgi_attr_def global_attrs[] = {
    {.name = "lanes", .kind = PG_ATTR_INT, .is_required = true}, {0}};

/* ---- shapes --------------------------------------------------------------------------------- */

static pg_status infer_window(pgi_infer *inf, pgi_type *out) {
  return pgi_infer_window(inf, NULL, inf->in[0]->dims[1], out);
}

/* Channels stay as many blocks as they were: any count of the same blocks does. */
static pg_status infer(pgi_infer *inf) {
  int64_t lanes = pgi_attr_int(inf->node, "lanes");
  pgi_dim blocks = pgi_in_rank(inf, 0) < 4 ? pgi_dim_unknown() : inf->in[0]->dims[1];
  return pgi_infer_unblocked(inf, blocks.n < 0 ? pgi_dim_unknown() : pgi_dim_of(blocks.n * lanes),
                             infer_window);
}

static pg_status infer_global(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  if (rank < 4) return PG_OK;
  inf->out[0] = *inf->in[0];
  for (int i = 2; i < rank - 1; i++) inf->out[0].dims[i] = pgi_dim_of(1);
  return PG_OK;
}

/* ---- windows -------------------------------------------------------------------------------- */

typedef struct run {
  const pgi_blocked_f32 *kernel;
  pgi_blocked_conv c;
  int64_t lanes;
  pgi_blocked_cut cut;
  const float *x;
  float *y;
  bool is_max, with_pad;
  int64_t after_h, after_w;
} run;

/* How many taps of a window at `first` an average counts. */
static int64_t count(int64_t first, int64_t kernel, int64_t d, int64_t low, int64_t high) {
  int64_t from = first >= low ? 0 : (low - first + d - 1) / d;
  int64_t to = first >= high ? 0 : (high - first + d - 1) / d;
  return PG_MAX(0, PG_MIN(to, kernel) - from);
}

static void divide(const run *r, float *y, int64_t oy) {
  const pgi_blocked_conv *c = &r->c;
  bool pad = r->with_pad;
  int64_t lines = count(oy * c->stride_h - c->before_h, c->kernel_h, c->dilation_h,
                        pad ? -c->before_h : 0, c->in_h + (pad ? r->after_h : 0));
  for (int64_t ox = 0; ox < c->out_w; ox++, y += r->lanes) {
    int64_t n = lines * count(ox * c->stride_w - c->before_w, c->kernel_w, c->dilation_w,
                              pad ? -c->before_w : 0, c->in_w + (pad ? r->after_w : 0));
    for (int64_t l = 0; l < r->lanes; l++) y[l] = n > 0 ? y[l] / (float)n : 0;
  }
}

static void task(void *arg, int64_t i) {
  const run *r = arg;
  const pgi_blocked_conv *c = &r->c;
  int64_t line, end, plane, last;
  pgi_blocked_cut_task(&r->cut, i, &line, &end, &plane, &last);
  for (; plane < last; plane++) {
    const float *x = r->x + plane * c->block;
    float *y = r->y + plane * c->out_block;
    for (int64_t oy = line; oy < end; oy++) {
      (r->is_max ? r->kernel->max_line : r->kernel->sum_line)(c, x, y, oy);
      if (!r->is_max) divide(r, y + oy * c->out_w * r->lanes, oy);
    }
  }
}

static pg_status run_pool(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  pgi_window w;
  run r = {.kernel = call->ctx->kernels[PG_K_BLOCKED_F32],
           .x = pgi_tensor_data(x),
           .y = pgi_tensor_data(call->out[0]),
           .is_max = call->node->type[7] == 'M',
           .with_pad = pgi_attr_int(call->node, "count_include_pad") != 0};
  PG_TRY(pgi_blocked_lanes(call, &r.lanes));
  PG_TRY(pgi_window_read(call->node, x->rank - 1, NULL, &w, call->err));
  PG_TRY(pgi_window_fit(call->node, x->dims + 2, &w, call->err));
  if (w.out_size == 0) return PG_OK;
  pgi_blocked_window(&w, r.lanes, &r.c);
  r.after_w = w.after[w.n - 1];
  r.after_h = w.n > 1 ? w.after[w.n - 2] : 0;
  int64_t bytes = r.c.in_w * r.c.stride_h * r.lanes * (int64_t)sizeof(float);
  int64_t work = r.c.out_w * r.lanes * (r.c.kernel_h * r.c.kernel_w + 4);
  pgi_blocked_cut_init(&r.cut, r.c.out_h, 1, 2, x->dims[0] * x->dims[1], bytes, work);
  pgi_call_parallel(call, pgi_blocked_cut_tasks(&r.cut), task, &r);
  return PG_OK;
}

/* ---- everything ----------------------------------------------------------------------------- */

typedef struct global {
  const pgi_blocked_f32 *kernel;
  int64_t lanes, size;
  const float *x;
  float *y;
} global;

static void global_task(void *arg, int64_t i) {
  const global *g = arg;
  float *y = g->y + i * g->lanes;
  g->kernel->total(g->size, g->x + i * g->size * g->lanes, y);
  for (int64_t l = 0; l < g->lanes; l++) y[l] /= (float)g->size;
}

static pg_status run_global(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  global g = {.kernel = call->ctx->kernels[PG_K_BLOCKED_F32],
              .size = pgi_dims_product(x->dims, 2, x->rank - 1),
              .x = pgi_tensor_data(x),
              .y = pgi_tensor_data(call->out[0])};
  PG_TRY(pgi_blocked_lanes(call, &g.lanes));
  pgi_call_parallel(call, x->dims[0] * x->dims[1], global_task, &g);
  return PG_OK;
}

PG_OP(blocked_max_pool) = {.name = "BlockedMaxPool",
                           .domain = "perigee",
                           .since = {1},
                           .in = {1, 1},
                           .out = {1, 1},
                           .types = PG_T(PG_F32),
                           .attrs = max_attrs,
                           .flags = PG_OP_PRIVATE,
                           .infer = infer,
                           .run = run_pool};
PG_OP(blocked_average_pool) = {.name = "BlockedAveragePool",
                               .domain = "perigee",
                               .since = {1},
                               .in = {1, 1},
                               .out = {1, 1},
                               .types = PG_T(PG_F32),
                               .attrs = average_attrs,
                               .flags = PG_OP_PRIVATE,
                               .infer = infer,
                               .run = run_pool};
PG_OP(blocked_global_average_pool) = {.name = "BlockedGlobalAveragePool",
                                      .domain = "perigee",
                                      .since = {1},
                                      .in = {1, 1},
                                      .out = {1, 1},
                                      .types = PG_T(PG_F32),
                                      .attrs = global_attrs,
                                      .flags = PG_OP_PRIVATE,
                                      .infer = infer_global,
                                      .run = run_global};
