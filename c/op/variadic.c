/* Max, Min, Sum, Mean of any number of inputs, broadcast together. */
#include "op/elementwise.h"

PG_BINARY_LOOP(max_f64, double, double, u > v || u != u ? u : v)
PG_BINARY_LOOP(max_i32, int32_t, int32_t, u > v ? u : v)
PG_BINARY_LOOP(max_i64, int64_t, int64_t, u > v ? u : v)
PG_BINARY_LOOP(max_u64, uint64_t, uint64_t, u > v ? u : v)
PG_BINARY_LOOP(min_f64, double, double, u < v || u != u ? u : v)
PG_BINARY_LOOP(min_i32, int32_t, int32_t, u < v ? u : v)
PG_BINARY_LOOP(min_i64, int64_t, int64_t, u < v ? u : v)
PG_BINARY_LOOP(min_u64, uint64_t, uint64_t, u < v ? u : v)

static const pgi_binary_def def_max = {.has_kernel = true,
                                       .kernel = PG_MAX_OF,
                                       .f64 = max_f64,
                                       .i32 = max_i32,
                                       .i64 = max_i64,
                                       .u64 = max_u64};
static const pgi_binary_def def_min = {.has_kernel = true,
                                       .kernel = PG_MIN_OF,
                                       .f64 = min_f64,
                                       .i32 = min_i32,
                                       .i64 = min_i64,
                                       .u64 = min_u64};

static pg_status max_run(pgi_call *c) {
  return pgi_variadic_op(c, &def_max);
}
static pg_status min_run(pgi_call *c) {
  return pgi_variadic_op(c, &def_min);
}
static pg_status sum_run(pgi_call *c) {
  return pgi_variadic_op(c, &pgi_def_add);
}

/* ---- Mean ----------------------------------------------------------------------------------------- */

typedef struct mean_job {
  pg_dtype dtype;
  void *y;
  int n_in;
} mean_job;

enum { BLOCK = 512 };

static void divide_f64(void *arg, int64_t first, int64_t n) {
  const mean_job *job = arg;
  double *y = job->y;
  for (int64_t i = first; i < first + n; i++) y[i] /= job->n_in;
}

static void divide_f32(void *arg, int64_t first, int64_t n) {
  const mean_job *job = arg;
  float y[BLOCK];
  for (int64_t end = first + n; first < end; first += BLOCK) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK);
    pgi_load_f32(job->dtype, job->y, first, m, y);
    for (int64_t i = 0; i < m; i++) y[i] /= (float)job->n_in;
    pgi_store_f32(job->dtype, job->y, first, m, y);
  }
}

static pg_status mean_run(pgi_call *c) {
  PG_TRY(pgi_variadic_op(c, &pgi_def_add));
  if (c->n_in == 1) return PG_OK;
  const pg_tensor *out = c->out[0];
  mean_job job = {out->dtype, pgi_tensor_data(out), c->n_in};
  pgi_flat_loop(c, pgi_tensor_count(out), out->dtype == PG_F64 ? divide_f64 : divide_f32, &job);
  return PG_OK;
}

PG_OP(max) = {
    .name = "Max",
    .since = {1, 6, 8, 12, 13},
    .in = {1, PG_MANY},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_broadcast,
    .run = max_run,
};

PG_OP(min) = {
    .name = "Min",
    .since = {1, 6, 8, 12, 13},
    .in = {1, PG_MANY},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_broadcast,
    .run = min_run,
};

PG_OP(sum) = {
    .name = "Sum",
    .since = {1, 6, 8, 13},
    .in = {1, PG_MANY},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_broadcast,
    .run = sum_run,
};

PG_OP(mean) = {
    .name = "Mean",
    .since = {1, 6, 8, 13},
    .in = {1, PG_MANY},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_broadcast,
    .run = mean_run,
};
