/* Range: start, start + delta, ... up to but not with limit. */
#include <math.h>

#include "op/move.h"

static pg_status fail_range(pg_error *err) {
  return pgi_fail(err, PG_INVALID, "start, limit, delta: this range doesn't end");
}

/* Exact in 128 bits: i64 extremes may lie further apart than i64 reaches. */
static pg_status count_i64(const pg_tensor *const *in, int64_t *out, pg_error *err) {
  int64_t start, limit, delta;
  PG_TRY(pgi_scalar_i64(in[0], "start", &start, err));
  PG_TRY(pgi_scalar_i64(in[1], "limit", &limit, err));
  PG_TRY(pgi_scalar_i64(in[2], "delta", &delta, err));
  if (delta == 0) return fail_range(err);
  __int128 span = (__int128)limit - start, step = delta;
  if ((span > 0) != (step > 0) || span == 0) {
    *out = 0;
    return PG_OK;
  }
  __int128 n = (span - (step > 0 ? 1 : -1)) / step + 1;
  if (n > INT64_MAX) return pgi_fail(err, PG_NOMEM, "too many elements");
  *out = (int64_t)n;
  return PG_OK;
}

static pg_status count_f64(const pg_tensor *const *in, int64_t *out, pg_error *err) {
  double start, limit, delta;
  PG_TRY(pgi_scalar_f64(in[0], "start", &start, err));
  PG_TRY(pgi_scalar_f64(in[1], "limit", &limit, err));
  PG_TRY(pgi_scalar_f64(in[2], "delta", &delta, err));
  double n = ceil((limit - start) / delta);
  if (!(fabs(n) < 0x1p62)) return fail_range(err); /* NaN, too */
  *out = n > 0 ? (int64_t)n : 0;
  return PG_OK;
}

static pg_status count_of(const pg_tensor *const *in, int64_t *out, pg_error *err) {
  bool is_float = pgi_dtype_kind(in[0]->dtype) == PG_KIND_FLOAT;
  return is_float ? count_f64(in, out, err) : count_i64(in, out, err);
}

/* ceil((limit - start) / delta), of a range that is taken not to be empty. */
static void count_symbols(const pgi_infer *inf, pgi_dim *out) {
  pgi_num in[3];
  for (int i = 0; i < 3; i++) {
    const pgi_content *content = inf->content ? inf->content[i] : NULL;
    if (!content || content->n != 1) return;
    in[i] = content->at[0];
  }
  pgi_num span = pgi_num_sub(inf->arena, in[1], in[0]);
  pgi_num steps = pgi_num_ratio(inf->arena, span, in[2]);
  *out = pgi_dim_of_num(pgi_num_ceil(inf->arena, steps));
}

static pg_status range_infer(pgi_infer *inf) {
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 1);
  const pg_tensor *in[3] = {pgi_known(inf, 0), pgi_known(inf, 1), pgi_known(inf, 2)};
  for (int i = 0; i < 3; i++) {
    pg_dtype dtype = pgi_in_dtype(inf, i);
    if (dtype && out->dtype && dtype != out->dtype) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected %s, as start, got %s", i,
                      pg_dtype_name(out->dtype), pg_dtype_name(dtype));
    }
  }
  if (in[0] && in[1] && in[2]) return count_of(in, &out->dims[0].n, inf->err);
  count_symbols(inf, &out->dims[0]);
  return PG_OK;
}

typedef struct range_job {
  pg_tensor *out;
  double start, delta;
  int64_t istart, idelta;
} range_job;

enum { BLOCK = 512 };

/* start + i * delta in the widest type, rounded once. */
static void range_floats(void *arg, int64_t first, int64_t n) {
  const range_job *job = arg;
  double block[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    for (int64_t k = 0; k < m; k++) block[k] = job->start + (double)(first + i + k) * job->delta;
    pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), first + i, m, block);
  }
}

static void range_ints(void *arg, int64_t first, int64_t n) {
  const range_job *job = arg;
  int64_t block[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    for (int64_t k = 0; k < m; k++) {
      uint64_t step = (uint64_t)(first + i + k) * (uint64_t)job->idelta; /* may wrap and back */
      block[k] = (int64_t)((uint64_t)job->istart + step);
    }
    pgi_store_i64(job->out->dtype, pgi_tensor_data(job->out), first + i, m, block);
  }
}

static pg_status range_run(pgi_call *c) {
  int64_t n;
  range_job job = {.out = c->out[0]};
  PG_TRY(count_of(c->in, &n, c->err)); /* also says that these are numbers */
  bool is_float = pgi_dtype_kind(job.out->dtype) == PG_KIND_FLOAT;
  job.start = pgi_tensor_get_f64(c->in[0], 0);
  job.delta = pgi_tensor_get_f64(c->in[2], 0);
  job.istart = is_float ? 0 : pgi_tensor_get_i64(c->in[0], 0);
  job.idelta = is_float ? 0 : pgi_tensor_get_i64(c->in[2], 0);
  pgi_flat_loop(c, pgi_tensor_count(job.out), is_float ? range_floats : range_ints, &job);
  return PG_OK;
}

static const pgi_attr_def range_attrs[] = {{.name = "stash_type", .kind = PG_ATTR_INT, .i = 1},
                                           {0}};

PG_OP(range) = {
    .name = "Range",
    .since = {11, 27},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_FLOAT | PG_T(PG_I16) | PG_T(PG_I32) | PG_T(PG_I64),
    .attrs = range_attrs,
    .infer = range_infer,
    .run = range_run,
};
