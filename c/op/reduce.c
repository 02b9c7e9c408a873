/* ReduceSum and its family: the elements along some axes become one. */
#include "op/move.h"
#include "op/reduce_loop.h"

#include <math.h>

/* ReduceSum took axes as an input from version 13 on, the others from 18. */
static pg_status sum_upgrade(pgi_node *node, int version, pg_error *err) {
  return version < 13 ? pgi_upgrade_ints_to_input(node, "axes", 1, err) : PG_OK;
}

static pg_status reduce_upgrade(pgi_node *node, int version, pg_error *err) {
  return version < 18 ? pgi_upgrade_ints_to_input(node, "axes", 1, err) : PG_OK;
}

/* ---- axes ------------------------------------------------------------------------------------ */

/* Which axes go; no axes mean all of them, or none by the attribute. */
static pg_status choose_axes(const pgi_node *node, const pg_tensor *axes, int rank,
                             bool *is_reduced, pg_error *err) {
  int64_t list[PG_MAX_RANK];
  int n;
  PG_TRY(pgi_list(axes, "axes", list, PG_MAX_RANK, &n, err));
  bool all = n <= 0 && !pgi_attr_int(node, "noop_with_empty_axes");
  if (n > 0) return pgi_axes(list, n, rank, is_reduced, err);
  for (int i = 0; i < rank; i++) is_reduced[i] = all;
  return PG_OK;
}

static pg_status reduce_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  bool is_kept = pgi_attr_int(inf->node, "keepdims") != 0, is_reduced[PG_MAX_RANK];
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), -1);
  if (rank < 0) return PG_OK;
  if (pgi_has_in(inf, 1) && !pgi_known(inf, 1)) {
    int64_t n = pgi_in_length(inf, 1);
    if (is_kept)
      pgi_out_type(inf, 0, out->dtype, rank);
    else if (n > 0 && n <= rank)
      pgi_out_type(inf, 0, out->dtype, rank - (int)n);
    return PG_OK;
  }
  PG_TRY(choose_axes(inf->node, pgi_known(inf, 1), rank, is_reduced, inf->err));
  out->rank = 0;
  for (int i = 0; i < rank; i++) {
    if (!is_reduced[i])
      out->dims[out->rank++] = inf->in[0]->dims[i];
    else if (is_kept)
      out->dims[out->rank++] = pgi_dim_of(1);
  }
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef enum after { AFTER_NOTHING, AFTER_MEAN, AFTER_ROOT, AFTER_LOG } after;

typedef struct job {
  pg_dtype dtype;
  void *out;
  after after;
  int64_t n;           /* elements of one output */
  const double *shift; /* added to logarithms; NULL: nothing */
} job;

enum { BLOCK = 256 };

static double finish(const job *j, double v, int64_t i) {
  switch (j->after) {
    case AFTER_MEAN:
      return v / (double)j->n;
    case AFTER_ROOT:
      return sqrt(v);
    case AFTER_LOG:
      return log(v) + (j->shift ? j->shift[i] : 0);
    default:
      return v;
  }
}

static void store_real(void *arg, int64_t first, int64_t n, const void *results) {
  const job *j = arg;
  const double *v = results;
  double block[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    for (int64_t k = 0; k < m; k++) block[k] = finish(j, v[i + k], first + i + k);
    pgi_store_f64(j->dtype, j->out, first + i, m, block);
  }
}

/* The mean of integers is cut towards zero. */
static void store_integer(void *arg, int64_t first, int64_t n, const void *results) {
  const job *j = arg;
  const int64_t *v = results;
  int64_t block[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    for (int64_t k = 0; k < m; k++) {
      block[k] = v[i + k];
      if (j->after != AFTER_MEAN) continue;
      if (j->n == 0)
        block[k] = 0;
      else if (j->dtype == PG_U64)
        block[k] = (int64_t)((uint64_t)block[k] / (uint64_t)j->n);
      else if (j->n > 1)
        block[k] /= j->n;
    }
    pgi_store_i64(j->dtype, j->out, first + i, m, block);
  }
}

static pg_status make_fold(pgi_call *c, pgi_reduce f, pgi_fold *fold, bool *is_reduced) {
  const pg_tensor *x = c->in[0];
  *fold = (pgi_fold){.f = f,
                     .dtype = x->dtype,
                     .x = pgi_tensor_data(x),
                     .rank = x->rank,
                     .dims = x->dims,
                     .is_reduced = is_reduced};
  PG_TRY(choose_axes(c->node, pgi_input(c, 1), x->rank, is_reduced, c->err));
  int64_t dims[PG_MAX_RANK];
  int rank = 0;
  for (int i = 0; i < x->rank; i++) {
    if (!is_reduced[i])
      dims[rank++] = x->dims[i];
    else if (pgi_attr_int(c->node, "keepdims"))
      dims[rank++] = 1;
  }
  return pgi_elems_alloc(c, 0, x->dtype, rank, dims);
}

static bool is_integer(pg_dtype dtype) {
  pgi_kind kind = pgi_dtype_kind(dtype);
  return kind == PG_KIND_INT || kind == PG_KIND_UINT || kind == PG_KIND_BOOL;
}

static pg_status reduce(pgi_call *c, pgi_reduce f, after then) {
  pgi_fold fold;
  bool is_reduced[PG_MAX_RANK];
  int64_t n_out;
  PG_TRY(make_fold(c, f, &fold, is_reduced));
  job j = {.dtype = c->out[0]->dtype, .out = pgi_tensor_data(c->out[0]), .after = then};
  pgi_fold_counts(&fold, &n_out, &j.n);
  fold.as_f64 = then == AFTER_ROOT || then == AFTER_LOG;
  fold.store = fold.as_f64 || !is_integer(fold.dtype) ? store_real : store_integer;
  fold.as_f64 = fold.as_f64 && is_integer(fold.dtype);
  fold.arg = &j;
  pgi_fold_run(c, &fold);
  return PG_OK;
}

/* Infinities need no shift: their exponentials are right as they are. */
static void store_shift(void *arg, int64_t first, int64_t n, const void *results) {
  double *shift = arg;
  const double *v = results;
  for (int64_t i = 0; i < n; i++) shift[first + i] = isfinite(v[i]) ? v[i] : 0;
}

/* log(sum(exp(x - max))) + max. */
static pg_status log_sum_exp_run(pgi_call *c) {
  pgi_fold fold;
  bool is_reduced[PG_MAX_RANK];
  int64_t n_out, n;
  PG_TRY(make_fold(c, PG_R_MAX, &fold, is_reduced));
  pgi_fold_counts(&fold, &n_out, &n);
  double *shift;
  size_t bytes;
  if (!pgi_mul_size((size_t)n_out, sizeof *shift, &bytes)) return pgi_nomem(c->err);
  shift = pgi_call_scratch(c, bytes);
  if (!shift) return pgi_nomem(c->err);
  fold.as_f64 = is_integer(fold.dtype);
  fold.store = store_shift;
  fold.arg = shift;
  pgi_fold_run(c, &fold);
  job j = {.dtype = c->out[0]->dtype,
           .out = pgi_tensor_data(c->out[0]),
           .after = AFTER_LOG,
           .n = n,
           .shift = shift};
  fold.f = PG_R_SUM;
  fold.shift = shift;
  fold.store = store_real;
  fold.arg = &j;
  pgi_fold_run(c, &fold);
  return PG_OK;
}

#define RUN(name, f, then)                   \
  static pg_status name##_run(pgi_call *c) { \
    return reduce(c, f, then);               \
  }
RUN(sum, PG_R_SUM, AFTER_NOTHING)
RUN(mean, PG_R_SUM, AFTER_MEAN)
RUN(max, PG_R_MAX, AFTER_NOTHING)
RUN(min, PG_R_MIN, AFTER_NOTHING)
RUN(prod, PG_R_PROD, AFTER_NOTHING)
RUN(l1, PG_R_SUM_ABS, AFTER_NOTHING)
RUN(l2, PG_R_SUM_SQUARE, AFTER_ROOT)
RUN(sum_square, PG_R_SUM_SQUARE, AFTER_NOTHING)
RUN(log_sum, PG_R_SUM, AFTER_LOG)

/* ---- declarations ---------------------------------------------------------------------------- */

static const pgi_attr_def attrs[] = {{.name = "keepdims", .kind = PG_ATTR_INT, .i = 1},
                                     {.name = "noop_with_empty_axes", .kind = PG_ATTR_INT},
                                     {0}};

#define REDUCE(op_name, up, id)                                                        \
  .name = op_name, .in = {1, 2}, .out = {1, 1}, .types = PG_T_NUMERIC | PG_T(PG_BOOL), \
  .attrs = attrs, .upgrade = up, .infer = reduce_infer, .run = id##_run
PG_OP(reduce_sum) = {REDUCE("ReduceSum", sum_upgrade, sum), .since = {1, 11, 13}};
PG_OP(reduce_mean) = {REDUCE("ReduceMean", reduce_upgrade, mean), .since = {1, 11, 13, 18}};
PG_OP(reduce_max) = {REDUCE("ReduceMax", reduce_upgrade, max), .since = {1, 11, 12, 13, 18, 20}};
PG_OP(reduce_min) = {REDUCE("ReduceMin", reduce_upgrade, min), .since = {1, 11, 12, 13, 18, 20}};
PG_OP(reduce_prod) = {REDUCE("ReduceProd", reduce_upgrade, prod), .since = {1, 11, 13, 18}};
PG_OP(reduce_l1) = {REDUCE("ReduceL1", reduce_upgrade, l1), .since = {1, 11, 13, 18}};
PG_OP(reduce_l2) = {REDUCE("ReduceL2", reduce_upgrade, l2), .since = {1, 11, 13, 18}};
PG_OP(reduce_sum_square) = {REDUCE("ReduceSumSquare", reduce_upgrade, sum_square),
                            .since = {1, 11, 13, 18}};
PG_OP(reduce_log_sum) = {REDUCE("ReduceLogSum", reduce_upgrade, log_sum),
                         .since = {1, 11, 13, 18, 28}};
PG_OP(reduce_log_sum_exp) = {REDUCE("ReduceLogSumExp", reduce_upgrade, log_sum_exp),
                             .since = {1, 11, 13, 18, 28}};
