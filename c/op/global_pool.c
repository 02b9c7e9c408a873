/* GlobalMaxPool, GlobalAveragePool, GlobalLpPool: one number for each channel. */
#include <math.h>

#include "op/lanes.h"
#include "op/window.h"

typedef struct run {
  char kind; /* 'M', 'A', 'L' */
  int64_t p, size, channels, per_task;
  const pgi_pool_f32 *kernel;
  const pg_tensor *x;
  pg_tensor *y;
} run;

static pg_status infer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  int rank = pgi_in_rank(inf, 0);
  if (rank < 0) return PG_OK;
  if (rank < 2) {
    return pgi_fail(inf->err, PG_INVALID, "input 0: expected a batch and channels, got rank %d",
                    rank);
  }
  inf->out[0].rank = rank;
  for (int i = 0; i < rank; i++) inf->out[0].dims[i] = i < 2 ? inf->in[0]->dims[i] : pgi_dim_of(1);
  return PG_OK;
}

static double reduce_f64(const run *r, const double *x) {
  double v = r->kind == 'M' ? -INFINITY : 0;
  for (int64_t i = 0; i < r->size; i++) {
    if (r->kind == 'M') {
      v = x[i] > v ? x[i] : v;
    } else {
      v += r->kind == 'A' ? x[i] : pow(fabs(x[i]), (double)r->p);
    }
  }
  if (r->kind == 'L') return pow(v, 1 / (double)r->p);
  return r->kind == 'A' ? v / (double)r->size : v;
}

enum { GRAIN = 1 << 14 }; /* elements that are worth a task */

/* Scratch: the channel, where it must be converted; f64 holds any of them. */
static void reduce_channel(const run *r, int64_t i, void *scratch) {
  const void *data = pgi_tensor_data(r->x);
  void *to = pgi_tensor_data(r->y);
  if (r->x->dtype == PG_F64 || r->kind == 'L') {
    pgi_load_f64(r->x->dtype, data, i * r->size, r->size, scratch);
    double v = reduce_f64(r, scratch);
    pgi_store_f64(r->y->dtype, to, i, 1, &v);
    return;
  }
  const float *x = (const float *)data + i * r->size;
  if (r->x->dtype != PG_F32) {
    pgi_load_f32(r->x->dtype, data, i * r->size, r->size, scratch);
    x = scratch;
  }
  float v =
      r->kind == 'M' ? r->kernel->max(r->size, x) : r->kernel->sum(r->size, x) / (float)r->size;
  pgi_store_f32(r->y->dtype, to, i, 1, &v);
}

static void task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  int64_t end = PG_MIN((i + 1) * r->per_task, r->channels);
  for (int64_t c = i * r->per_task; c < end; c++) reduce_channel(r, c, scratch);
}

static pg_status run_global(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  run r = {.kind = call->node->type[6], .x = x, .y = call->out[0]};
  r.kernel = call->ctx->kernels[PG_K_POOL_F32];
  r.p = pgi_attr_int(call->node, "p");
  if (r.kind == 'L' && (r.p < 1 || r.p > INT32_MAX)) {
    return pgi_fail(call->err, PG_INVALID, "p: expected at least 1, got %lld", (long long)r.p);
  }
  r.size = pgi_dims_product(x->dims, 2, x->rank);
  r.channels = x->dims[0] * x->dims[1];
  r.per_task = PG_MAX(1, GRAIN / PG_MAX(r.size, 1));
  int64_t n = (r.channels + r.per_task - 1) / r.per_task;
  bool is_direct = x->dtype == PG_F32 && r.kind != 'L';
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, call, n, is_direct ? 0 : (size_t)r.size * sizeof(double)));
  pgi_lanes_run(&lanes, n, task, &r);
  return PG_OK;
}

static const pgi_attr_def no_attrs[] = {{0}};
static const pgi_attr_def lp_attrs[] = {{.name = "p", .kind = PG_ATTR_INT, .i = 2}, {0}};

#define RUNS .in = {1, 1}, .out = {1, 1}, .types = PG_T_FLOAT, .infer = infer, .run = run_global
PG_OP(global_max_pool) = {.name = "GlobalMaxPool", .since = {1, 22}, .attrs = no_attrs, RUNS};
PG_OP(global_average_pool) = {
    .name = "GlobalAveragePool", .since = {1, 22}, .attrs = no_attrs, RUNS};
PG_OP(global_lp_pool) = {.name = "GlobalLpPool",
                         .since = {1, 2, 22},
                         .attrs = lp_attrs,
                         .upgrade = pgi_upgrade_lp,
                         RUNS};
