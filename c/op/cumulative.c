/* CumSum, CumProd: running totals along an axis. */
#include "op/move.h"

static pg_status cumulative_infer(pgi_infer *inf) {
  int64_t axis;
  int rank = pgi_in_rank(inf, 0), at;
  PG_TRY(pgi_infer_same(inf));
  if (rank < 0 || !pgi_known(inf, 1)) return PG_OK;
  PG_TRY(pgi_scalar_i64(pgi_known(inf, 1), "axis", &axis, inf->err));
  return pgi_axis(axis, rank, &at, inf->err);
}

/* The tensor as [outer, n, inner].  A task takes some columns of one block, in f64 or in i64
** that wraps; what is stored is rounded, what runs on is not. */
typedef struct cumulative_job {
  const pg_tensor *in;
  pg_tensor *out;
  int64_t n, inner;
  bool is_product, is_exclusive, is_reverse;
} cumulative_job;

enum { BLOCK = 128 };

/* m elements that follow one another in memory: of as many columns, each with its own total, or
** of one (apart = 0), backwards when it runs that way. */
static void step_f64(const cumulative_job *job, int64_t at, int64_t m, double *total, int apart) {
  double x[BLOCK];
  bool is_back = !apart && job->is_reverse;
  pgi_load_f64(job->in->dtype, pgi_tensor_data(job->in), at, m, x);
  for (int64_t i = 0; i < m; i++) {
    int64_t k = is_back ? m - 1 - i : i;
    double *t = &total[k * apart], next = job->is_product ? *t * x[k] : *t + x[k];
    x[k] = job->is_exclusive ? *t : next;
    *t = next;
  }
  pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), at, m, x);
}

static void step_i64(const cumulative_job *job, int64_t at, int64_t m, uint64_t *total, int apart) {
  int64_t x[BLOCK];
  bool is_back = !apart && job->is_reverse;
  pgi_load_i64(job->in->dtype, pgi_tensor_data(job->in), at, m, x);
  for (int64_t i = 0; i < m; i++) {
    int64_t k = is_back ? m - 1 - i : i;
    uint64_t *t = &total[k * apart], v = (uint64_t)x[k];
    uint64_t next = job->is_product ? *t * v : *t + v;
    x[k] = (int64_t)(job->is_exclusive ? *t : next);
    *t = next;
  }
  pgi_store_i64(job->out->dtype, pgi_tensor_data(job->out), at, m, x);
}

/* Up to BLOCK columns side by side; a lone one a block after the other. */
static void cumulative_task(void *arg, int64_t task) {
  const cumulative_job *job = arg;
  int64_t stripes = (job->inner - 1) / BLOCK + 1, along = job->inner == 1 ? BLOCK : 1;
  int64_t column = task % stripes * BLOCK, m = PG_MIN(job->inner - column, (int64_t)BLOCK);
  int64_t first = task / stripes * job->n * job->inner + column;
  bool is_float = pgi_dtype_kind(job->in->dtype) == PG_KIND_FLOAT;
  int apart = job->inner > 1;
  double f[BLOCK];
  uint64_t u[BLOCK];
  for (int64_t i = 0; i < m; i++) {
    f[i] = job->is_product ? 1 : 0;
    u[i] = job->is_product ? 1 : 0;
  }
  for (int64_t k = 0; k < job->n; k += along) {
    int64_t n = PG_MIN(job->n - k, along);
    int64_t at = first + (job->is_reverse ? job->n - k - n : k) * job->inner;
    if (is_float)
      step_f64(job, at, m * n, f, apart);
    else
      step_i64(job, at, m * n, u, apart);
  }
}

static pg_status cumulate(pgi_call *c, bool is_product) {
  cumulative_job job = {.in = c->in[0], .out = c->out[0], .is_product = is_product};
  int64_t axis, count = pgi_tensor_count(job.in);
  int at;
  PG_TRY(pgi_scalar_i64(c->in[1], "axis", &axis, c->err));
  PG_TRY(pgi_axis(axis, job.in->rank, &at, c->err));
  if (count == 0) return PG_OK;
  job.n = job.in->dims[at];
  job.inner = pgi_dims_product(job.in->dims, at + 1, job.in->rank);
  job.is_exclusive = pgi_attr_int(c->node, "exclusive") != 0;
  job.is_reverse = pgi_attr_int(c->node, "reverse") != 0;
  int64_t stripes = (job.inner - 1) / BLOCK + 1;
  pgi_call_parallel(c, count / (job.n * job.inner) * stripes, cumulative_task, &job);
  return PG_OK;
}

static pg_status cum_sum_run(pgi_call *c) {
  return cumulate(c, false);
}

static pg_status cum_prod_run(pgi_call *c) {
  return cumulate(c, true);
}

static const pgi_attr_def cumulative_attrs[] = {
    {.name = "exclusive", .kind = PG_ATTR_INT}, {.name = "reverse", .kind = PG_ATTR_INT}, {0}};

PG_OP(cum_sum) = {
    .name = "CumSum",
    .since = {11, 14},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .attrs = cumulative_attrs,
    .infer = cumulative_infer,
    .run = cum_sum_run,
};

PG_OP(cum_prod) = {
    .name = "CumProd",
    .since = {26},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .attrs = cumulative_attrs,
    .infer = cumulative_infer,
    .run = cum_prod_run,
};
