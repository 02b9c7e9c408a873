/* ArgMax, ArgMin: where along an axis the extreme element is.  A NaN is more extreme than any
** number. */
#include "kernel/reduce.h"
#include "op/elementwise.h"
#include "op/move.h"
#include "op/order.h"

#include <math.h>

static pg_status arg_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis = 0;
  bool is_kept = pgi_attr_int(inf->node, "keepdims") != 0;
  pgi_type *out = pgi_out_type(inf, 0, PG_I64, -1);
  if (rank < 0) return PG_OK;
  int64_t given = pgi_attr_int(inf->node, "axis");
  bool is_scalar = rank == 0 && (given == 0 || given == -1);
  if (!is_scalar) PG_TRY(pgi_axis(given, rank, &axis, inf->err));
  out->rank = 0;
  for (int i = 0; i < rank; i++) {
    if (i != axis)
      out->dims[out->rank++] = inf->in[0]->dims[i];
    else if (is_kept)
      out->dims[out->rank++] = pgi_dim_of(1);
  }
  if (!is_scalar && inf->in[0]->dims[axis].n == 0)
    return pgi_fail(inf->err, PG_INVALID, "axis %d has no elements", axis);
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

enum { BLOCK = 128 };

typedef struct job {
  const pg_context *ctx;
  pg_dtype dtype;
  const void *x;
  int64_t *out;
  int64_t dim, inner, rows, column_blocks;
  bool is_least, takes_last;
} job;

/* The first or last element that equals the extreme, or any NaN. */
static int64_t find_f32(const job *j, const float *x) {
  const pgi_reduce_f32 *kernel = j->ctx->kernels[PG_K_REDUCE_F32];
  float best = (float)kernel->run[j->is_least ? PG_R_MIN : PG_R_MAX](x, j->dim);
  bool is_nan = isnan(best);
  for (int64_t k = 0; k < j->dim; k++) {
    int64_t i = j->takes_last ? j->dim - 1 - k : k;
    if (x[i] == best || (is_nan && isnan(x[i]))) return i;
  }
  return 0;
}

/* Numbers that sort, the extreme one highest.  NaNs have the highest keys of all, and keep them. */
static void keys_of(const job *j, int64_t first, int64_t n, uint64_t *keys) {
  pgi_order_keys(j->dtype, j->x, first, n, keys);
  if (!j->is_least) return;
  bool is_float = pgi_dtype_kind(j->dtype) == PG_KIND_FLOAT;
  float v[BLOCK];
  if (is_float) pgi_load_f32(j->dtype, j->x, first, n, v);
  for (int64_t i = 0; i < n; i++) keys[i] = is_float && isnan(v[i]) ? keys[i] : ~keys[i];
}

static bool is_better(const job *j, uint64_t key, uint64_t best) {
  return key > best || (j->takes_last && key == best);
}

static int64_t find_any(const job *j, int64_t first) {
  uint64_t keys[BLOCK], best = 0;
  int64_t at = -1;
  for (int64_t i = 0; i < j->dim; i += BLOCK) {
    int64_t n = PG_MIN(j->dim - i, (int64_t)BLOCK);
    keys_of(j, first + i, n, keys);
    for (int64_t k = 0; k < n; k++) {
      if (at >= 0 && !is_better(j, keys[k], best)) continue;
      best = keys[k];
      at = i + k;
    }
  }
  return at;
}

static void row_range(void *arg, int64_t first, int64_t n) {
  const job *j = arg;
  for (int64_t row = first; row < first + n; row++) {
    j->out[row] = j->dtype == PG_F32 ? find_f32(j, (const float *)j->x + row * j->dim)
                                     : find_any(j, row * j->dim);
  }
}

/* `out` gets the first or last extreme of each of m columns. */
static void columns_any(const job *j, int64_t from, int64_t m, int64_t *out) {
  uint64_t keys[BLOCK], best[BLOCK];
  keys_of(j, from, m, best);
  for (int64_t i = 1; i < j->dim; i++) {
    keys_of(j, from + i * j->inner, m, keys);
    for (int64_t k = 0; k < m; k++) {
      if (!is_better(j, keys[k], best[k])) continue;
      best[k] = keys[k];
      out[k] = i;
    }
  }
}

/* Without branches, so that it becomes vectors; the least is the greatest with signs turned. */
static void columns_f32(const job *j, int64_t from, int64_t m, int64_t *out) {
  float sign = j->is_least ? -1.0f : 1.0f, best[BLOCK];
  bool takes_last = j->takes_last;
  int32_t where[BLOCK] = {0};
  const float *x = (const float *)j->x + from;
  PG_LOOP(m, best[at] = sign * x[at]);
  for (int64_t row = 1; row < j->dim; row++) {
    int32_t number = (int32_t)row;
    x += j->inner;
    if (takes_last) {
      PG_LOOP(m, float v = sign * x[at]; bool wins = (v >= best[at]) | (v != v);
              best[at] = wins ? v : best[at]; where[at] = wins ? number : where[at]);
    } else {
      PG_LOOP(m, float v = sign * x[at];
              bool wins = (v > best[at]) | ((v != v) & (best[at] == best[at]));
              best[at] = wins ? v : best[at]; where[at] = wins ? number : where[at]);
    }
  }
  for (int64_t k = 0; k < m; k++) out[k] = where[k];
}

/* Blocks of neighbouring columns. */
static void column_range(void *arg, int64_t first, int64_t n) {
  const job *j = arg;
  for (int64_t block = first; block < first + n; block++) {
    int64_t row = block / j->column_blocks, column = block % j->column_blocks * BLOCK;
    int64_t m = PG_MIN(j->inner - column, (int64_t)BLOCK);
    int64_t from = row * j->dim * j->inner + column, *out = j->out + row * j->inner + column;
    memset(out, 0, (size_t)m * sizeof *out);
    if (j->dtype == PG_F32 && j->dim <= INT32_MAX)
      columns_f32(j, from, m, out);
    else
      columns_any(j, from, m, out);
  }
}

static pg_status arg_run(pgi_call *c, bool is_least) {
  const pg_tensor *x = c->in[0];
  int axis = 0;
  if (x->rank > 0) PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), x->rank, &axis, c->err));
  job j = {.ctx = c->ctx,
           .dtype = x->dtype,
           .x = pgi_tensor_data(x),
           .out = pgi_tensor_data(c->out[0]),
           .is_least = is_least,
           .takes_last = pgi_attr_int(c->node, "select_last_index") != 0};
  if (pgi_tensor_count(c->out[0]) == 0) return PG_OK;
  j.dim = x->rank > 0 ? x->dims[axis] : 1;
  j.inner = x->rank > 0 ? pgi_dims_product(x->dims, axis + 1, x->rank) : 1;
  j.rows = pgi_tensor_count(x) / (j.dim * j.inner);
  size_t size = pgi_dtype_size(x->dtype);
  if (j.inner == 1) {
    pgi_move_rows(c, j.rows, (size_t)j.dim * size, row_range, &j);
  } else {
    j.column_blocks = (j.inner - 1) / BLOCK + 1;
    size_t bytes = (size_t)j.dim * (size_t)PG_MIN(j.inner, (int64_t)BLOCK) * size;
    pgi_move_rows(c, j.rows * j.column_blocks, bytes, column_range, &j);
  }
  return PG_OK;
}

static pg_status argmax_run(pgi_call *c) {
  return arg_run(c, false);
}
static pg_status argmin_run(pgi_call *c) {
  return arg_run(c, true);
}

static const pgi_attr_def attrs[] = {{.name = "axis", .kind = PG_ATTR_INT},
                                     {.name = "keepdims", .kind = PG_ATTR_INT, .i = 1},
                                     {.name = "select_last_index", .kind = PG_ATTR_INT},
                                     {0}};

PG_OP(argmax) = {
    .name = "ArgMax",
    .since = {1, 11, 12, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .attrs = attrs,
    .infer = arg_infer,
    .run = argmax_run,
};

PG_OP(argmin) = {
    .name = "ArgMin",
    .since = {1, 11, 12, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .attrs = attrs,
    .infer = arg_infer,
    .run = argmin_run,
};
