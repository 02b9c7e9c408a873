/* MaxPool, AveragePool, LpPool.
**
** Values only and in f32: every channel is copied with its padding written out, and windows are
** reduced line by line.  Indices, f64 and absurd padding take the plain way, tap by tap. */
#include <math.h>

#include "op/lanes.h"
#include "op/window.h"

typedef enum pool_kind { POOL_MAX, POOL_AVERAGE, POOL_LP } pool_kind;

static pool_kind kind_of(const pgi_node *node) {
  return node->type[0] == 'M' ? POOL_MAX : node->type[0] == 'A' ? POOL_AVERAGE : POOL_LP;
}

/* ---- shapes --------------------------------------------------------------------------------- */

static pg_status infer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  if (pgi_in_rank(inf, 0) >= 0) {
    PG_TRY(pgi_check_spatial(inf->in[0]->rank, inf->err));
    PG_TRY(pgi_infer_window(inf, NULL, inf->in[0]->dims[1], &inf->out[0]));
  }
  if (inf->n_out > 1) {
    inf->out[1] = inf->out[0];
    inf->out[1].dtype = PG_I64;
  }
  return PG_OK;
}

/* ---- a run ---------------------------------------------------------------------------------- */

typedef struct run {
  pool_kind kind;
  pgi_window w;
  const pg_tensor *x;
  pg_tensor *y;
  int64_t *indices; /* NULL: not wanted */
  bool is_column_major;
  int64_t p;
  const double *counts[PG_MAX_SPATIAL]; /* of an average, by position along each axis */
  /* the fast way */
  const pgi_pool_f32 *kernel;
  pgi_plane plane;
  int64_t *at;
} run;

/* How many taps an average counts along an axis: those on the plane, or with count_include_pad
** those on the plane and its padding (but not beyond, where ceil_mode may lead). */
static pg_status make_counts(pgi_call *call, run *r) {
  bool with_pad = pgi_attr_int(call->node, "count_include_pad") != 0;
  const pgi_window *w = &r->w;
  for (int i = 0; i < w->n; i++) {
    double *counts;
    PG_TRY(pgi_scratch_array(call, w->out[i], sizeof *counts, &counts));
    int64_t low = with_pad ? -w->before[i] : 0, high = w->in[i] + (with_pad ? w->after[i] : 0);
    for (int64_t o = 0; o < w->out[i]; o++) {
      int64_t first = o * w->stride[i] - w->before[i], d = w->dilation[i];
      /* taps first + t * d in [low, high) */
      int64_t from = first >= low ? 0 : (low - first + d - 1) / d;
      int64_t to = first >= high ? 0 : (high - first + d - 1) / d;
      counts[o] = (double)PG_MAX(0, PG_MIN(to, w->kernel[i]) - from);
    }
    r->counts[i] = counts;
  }
  return PG_OK;
}

static double count_at(const run *r, const int64_t *pos) {
  double n = 1;
  for (int i = 0; i < r->w.n; i++) n *= r->counts[i][pos[i]];
  return n;
}

static void step(const pgi_window *w, int64_t *pos) {
  for (int a = w->n - 1; a >= 0 && ++pos[a] == w->out[a]; a--) pos[a] = 0;
}

/* ---- tap by tap ----------------------------------------------------------------------------- */

static double lowest(pg_dtype dtype) {
  return dtype == PG_I8 ? -128 : dtype == PG_U8 ? 0 : -INFINITY;
}

typedef struct window_result {
  double value;
  int64_t index; /* of the maximum, row-major on the plane; -1: none */
  int64_t column_index;
} window_result;

static void take(const run *r, double v, int64_t at, int64_t column_at, window_result *out) {
  switch (r->kind) {
    case POOL_MAX:
      if (v != v) v = -INFINITY; /* as the kernels */
      if (out->index >= 0 && !(v > out->value)) return;
      *out = (window_result){v, at, column_at};
      break;
    case POOL_AVERAGE:
      out->value += v;
      break;
    case POOL_LP:
      out->value += pow(fabs(v), (double)r->p);
      break;
  }
}

/* The taps [*from, *to) along an axis that fall on the plane, however large the window. */
static void taps_inside(const pgi_window *w, int i, int64_t pos, int64_t *from, int64_t *to) {
  int64_t first = pos * w->stride[i] - w->before[i], d = w->dilation[i];
  *from = first >= 0 ? 0 : (-first + d - 1) / d;
  *to = first >= w->in[i] ? 0 : PG_MIN((w->in[i] - first + d - 1) / d, w->kernel[i]);
}

static window_result reduce(const run *r, const double *x, const int64_t *pos) {
  const pgi_window *w = &r->w;
  window_result out = {r->kind == POOL_MAX ? lowest(r->x->dtype) : 0, -1, -1};
  int64_t from[PG_MAX_SPATIAL], to[PG_MAX_SPATIAL], tap[PG_MAX_SPATIAL];
  for (int i = 0; i < w->n; i++) {
    taps_inside(w, i, pos[i], &from[i], &to[i]);
    if (from[i] >= to[i]) return out;
    tap[i] = from[i];
  }
  for (int axis = 0; axis >= 0;) {
    int64_t at = 0, row = 1, column_at = 0, column = w->in_size;
    for (int i = w->n - 1; i >= 0; i--) {
      int64_t p = pos[i] * w->stride[i] - w->before[i] + tap[i] * w->dilation[i];
      at += p * row;
      row *= w->in[i];
      column /= w->in[i];
      column_at += p * column;
    }
    take(r, x[at], at, column_at, &out);
    for (axis = w->n - 1; axis >= 0 && ++tap[axis] == to[axis]; axis--) tap[axis] = from[axis];
  }
  return out;
}

static void plain_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  const pgi_window *w = &r->w;
  double *x = scratch, *y = x + w->in_size;
  int64_t pos[PG_MAX_SPATIAL] = {0};
  pgi_load_f64(r->x->dtype, pgi_tensor_data(r->x), i * w->in_size, w->in_size, x);
  for (int64_t j = 0; j < w->out_size; j++, step(w, pos)) {
    window_result v = reduce(r, x, pos);
    if (r->kind == POOL_LP) v.value = pow(v.value, 1 / (double)r->p);
    if (r->kind == POOL_AVERAGE) {
      double n = count_at(r, pos);
      v.value = n > 0 ? v.value / n : 0;
    }
    y[j] = v.value;
    if (!r->indices) continue;
    int64_t index = r->is_column_major ? v.column_index : v.index;
    r->indices[i * w->out_size + j] = v.index < 0 ? -1 : i * w->in_size + index;
  }
  if (r->y) pgi_store_f64(r->y->dtype, pgi_tensor_data(r->y), i * w->out_size, w->out_size, y);
}

/* ---- line by line --------------------------------------------------------------------------- */

typedef struct lines {
  const run *r;
  const float *src;
  float *out;
} lines;

static void reduce_lines(void *arg, int64_t src, int64_t out, int64_t rows, int64_t src_step,
                         int64_t out_step) {
  const lines *l = arg;
  const pgi_window *w = &l->r->w;
  const pgi_pool_f32 *kernel = l->r->kernel;
  (l->r->kind == POOL_MAX ? kernel->max_rows : kernel->sum_rows)(
      rows, w->out[w->n - 1], w->taps, l->r->at, l->src + src, src_step, l->out + out, out_step);
}

static void divide(const run *r, float *y) {
  const pgi_window *w = &r->w;
  int last = w->n - 1;
  int64_t pos[PG_MAX_SPATIAL] = {0}, width = w->out[last];
  for (int64_t j = 0; j < w->out_size; j += width) {
    pos[last] = 0;
    double outer = 1;
    for (int i = 0; i < last; i++) outer *= r->counts[i][pos[i]];
    for (int64_t k = 0; k < width; k++) {
      float n = (float)(outer * r->counts[last][k]);
      y[j + k] = n > 0 ? y[j + k] / n : 0;
    }
    pos[last] = width - 1;
    step(w, pos);
  }
}

static void power(int64_t p, int64_t n, float *x) {
  if (p == 1) {
    for (int64_t i = 0; i < n; i++) x[i] = fabsf(x[i]);
  } else if (p == 2) {
    for (int64_t i = 0; i < n; i++) x[i] *= x[i];
  } else {
    for (int64_t i = 0; i < n; i++) x[i] = powf(fabsf(x[i]), (float)p);
  }
}

static void root(int64_t p, int64_t n, float *x) {
  if (p == 2) {
    for (int64_t i = 0; i < n; i++) x[i] = sqrtf(x[i]);
  } else if (p > 2) {
    for (int64_t i = 0; i < n; i++) x[i] = powf(x[i], 1 / (float)p);
  }
}

/* Scratch: the channel, its packed copy, the result; the first and last where types differ. */
static void fast_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  const pgi_window *w = &r->w;
  float *packed = scratch, *loaded = packed + r->plane.size, *y = loaded + w->in_size;
  const float *x = (const float *)pgi_tensor_data(r->x) + i * w->in_size;
  if (r->x->dtype != PG_F32 || r->kind == POOL_LP) {
    pgi_load_f32(r->x->dtype, pgi_tensor_data(r->x), i * w->in_size, w->in_size, loaded);
    x = loaded;
  }
  if (r->kind == POOL_LP) power(r->p, w->in_size, loaded);
  if (!r->plane.is_plain) {
    pgi_plane_pack(&r->plane, w, x, r->kind == POOL_MAX ? -INFINITY : 0, packed);
    x = packed;
  }
  if (r->y->dtype == PG_F32) y = (float *)pgi_tensor_data(r->y) + i * w->out_size;
  lines l = {r, x, y};
  pgi_plane_lines(&r->plane, w, reduce_lines, &l);
  if (r->kind == POOL_AVERAGE) divide(r, y);
  if (r->kind == POOL_LP) root(r->p, w->out_size, y);
  if (r->y->dtype != PG_F32) {
    pgi_store_f32(r->y->dtype, pgi_tensor_data(r->y), i * w->out_size, w->out_size, y);
  }
}

/* ---- running -------------------------------------------------------------------------------- */

static pg_status run_pool(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  run r = {.kind = kind_of(call->node), .x = x, .y = call->out[0]};
  pgi_lanes lanes;
  PG_TRY(pgi_window_read(call->node, x->rank, NULL, &r.w, call->err));
  PG_TRY(pgi_window_fit(call->node, x->dims + 2, &r.w, call->err));
  if (r.w.out_size == 0) return PG_OK;
  r.p = pgi_attr_int(call->node, "p");
  if (r.kind == POOL_LP && (r.p < 1 || r.p > INT32_MAX)) {
    return pgi_fail(call->err, PG_INVALID, "p: expected at least 1, got %lld", (long long)r.p);
  }
  if (call->n_out > 1 && call->out[1]) r.indices = pgi_tensor_data(call->out[1]);
  r.is_column_major = pgi_attr_int(call->node, "storage_order") != 0;
  if (r.kind == POOL_AVERAGE) PG_TRY(make_counts(call, &r));
  int64_t n = x->dims[0] * x->dims[1];
  if (r.indices || x->dtype == PG_F64 || !pgi_plane_init(&r.plane, &r.w)) {
    size_t bytes = (size_t)(r.w.in_size + r.w.out_size) * sizeof(double);
    PG_TRY(pgi_lanes_init(&lanes, call, n, bytes));
    pgi_lanes_run(&lanes, n, plain_task, &r);
    return PG_OK;
  }
  r.kernel = call->ctx->kernels[PG_K_POOL_F32];
  PG_TRY(pgi_scratch_array(call, r.w.taps, sizeof *r.at, &r.at));
  pgi_plane_taps(&r.plane, &r.w, r.at);
  size_t bytes = (size_t)(r.plane.size + r.w.in_size + r.w.out_size) * sizeof(float);
  PG_TRY(pgi_lanes_init(&lanes, call, n, bytes));
  pgi_lanes_run(&lanes, n, fast_task, &r);
  return PG_OK;
}

/* ---- the operators -------------------------------------------------------------------------- */

#define POOL_ATTRS                                                                             \
  {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},                                 \
      {.name = "ceil_mode", .kind = PG_ATTR_INT}, {.name = "dilations", .kind = PG_ATTR_INTS}, \
      {.name = "kernel_shape", .kind = PG_ATTR_INTS, .is_required = true},                     \
      {.name = "pads", .kind = PG_ATTR_INTS}, {                                                \
    .name = "strides", .kind = PG_ATTR_INTS                                                    \
  }

static const pgi_attr_def max_attrs[] = {
    POOL_ATTRS, {.name = "storage_order", .kind = PG_ATTR_INT}, {0}};
static const pgi_attr_def average_attrs[] = {
    POOL_ATTRS, {.name = "count_include_pad", .kind = PG_ATTR_INT}, {0}};
static const pgi_attr_def lp_attrs[] = {
    POOL_ATTRS, {.name = "p", .kind = PG_ATTR_INT, .i = 2}, {0}};

PG_OP(max_pool) = {.name = "MaxPool",
                   .since = {1, 8, 10, 11, 12, 22},
                   .in = {1, 1},
                   .out = {1, 2},
                   .types = PG_T_FLOAT | PG_T(PG_I8) | PG_T(PG_U8),
                   .attrs = max_attrs,
                   .infer = infer,
                   .run = run_pool};
PG_OP(average_pool) = {.name = "AveragePool",
                       .since = {1, 7, 10, 11, 19, 22},
                       .in = {1, 1},
                       .out = {1, 1},
                       .types = PG_T_FLOAT,
                       .attrs = average_attrs,
                       .infer = infer,
                       .run = run_pool};
PG_OP(lp_pool) = {.name = "LpPool",
                  .since = {1, 2, 11, 18, 22},
                  .in = {1, 1},
                  .out = {1, 1},
                  .types = PG_T_FLOAT,
                  .attrs = lp_attrs,
                  .upgrade = pgi_upgrade_lp,
                  .infer = infer,
                  .run = run_pool};
