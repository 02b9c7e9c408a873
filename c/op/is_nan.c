/* IsNaN, IsInf. */
#include "op/elementwise.h"

enum { BLOCK = 512 };

typedef struct test_job {
  pg_dtype dtype;
  const void *x;
  uint8_t *y;
  bool is_nan, is_positive, is_negative; /* which to find */
} test_job;

static void test_f64(void *arg, int64_t first, int64_t n) {
  const test_job *job = arg;
  const double *x = job->x;
  for (int64_t i = first; i < first + n; i++)
    job->y[i] = (job->is_nan && isnan(x[i])) || (job->is_positive && x[i] == INFINITY) ||
                (job->is_negative && x[i] == -INFINITY);
}

static void test_f32(void *arg, int64_t first, int64_t n) {
  const test_job *job = arg;
  float x[BLOCK];
  for (int64_t end = first + n; first < end; first += BLOCK) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK);
    pgi_load_f32(job->dtype, job->x, first, m, x);
    for (int64_t i = 0; i < m; i++)
      job->y[first + i] = (job->is_nan && isnan(x[i])) || (job->is_positive && x[i] == INFINITY) ||
                          (job->is_negative && x[i] == -INFINITY);
  }
}

static pg_status test(pgi_call *c, test_job *job) {
  const pg_tensor *in = c->in[0];
  if (pgi_dtype_kind(in->dtype) != PG_KIND_FLOAT)
    return pgi_fail(c->err, PG_INVALID, "input 0: expected floats, got %s",
                    pg_dtype_name(in->dtype));
  job->dtype = in->dtype;
  job->x = pgi_tensor_data(in);
  job->y = pgi_tensor_data(c->out[0]);
  pgi_flat_loop(c, pgi_tensor_count(in), in->dtype == PG_F64 ? test_f64 : test_f32, job);
  return PG_OK;
}

static pg_status is_nan_run(pgi_call *c) {
  return test(c, &(test_job){.is_nan = true});
}

static pg_status is_inf_run(pgi_call *c) {
  return test(c, &(test_job){.is_positive = pgi_attr_int(c->node, "detect_positive") != 0,
                             .is_negative = pgi_attr_int(c->node, "detect_negative") != 0});
}

static const pgi_attr_def is_inf_attrs[] = {
    {.name = "detect_negative", .kind = PG_ATTR_INT, .i = 1},
    {.name = "detect_positive", .kind = PG_ATTR_INT, .i = 1},
    {0}};

PG_OP(is_nan) = {
    .name = "IsNaN",
    .since = {9, 13, 20},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT | PG_T_F8,
    .flags = PG_OP_ELEMENTWISE,
    .infer = pgi_infer_same_as_bool,
    .run = is_nan_run,
};

PG_OP(is_inf) = {
    .name = "IsInf",
    .since = {10, 20},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT | PG_T_F8,
    .attrs = is_inf_attrs,
    .flags = PG_OP_ELEMENTWISE,
    .infer = pgi_infer_same_as_bool,
    .run = is_inf_run,
};
