/* Softmax, LogSoftmax, Hardmax along one axis. */
#include "op/attend.h"
#include "op/elementwise.h"
#include "op/lanes.h"
#include "op/softmax_loop.h"

#include <math.h>

/* ---- upgrade --------------------------------------------------------------------------------- */

static pg_status edit(pgi_node *before, const char *type, int n_in, pgi_value *const *in,
                      pgi_node **made, pgi_value **out, pg_error *err) {
  return pgi_edit_call(before->graph, before, type, n_in, in, made, out, err);
}

/* Before version 13 the input is seen as a matrix whose rows are the axes from `axis` on, by
** default from the second: Reshape(Softmax(Flatten(x)), Shape(x)), unless the last axis is meant
** anyway. */
static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 13) return PG_OK;
  const pgi_attr *a = pgi_attr_find(node, "axis");
  bool has_axis = a && a->kind == PG_ATTR_INT && a->n == 1;
  int64_t axis = has_axis ? a->ints[0] : 1;
  pgi_value *x = node->n_in > 0 ? node->in[0].value : NULL;
  if (!x) return PG_OK; /* refused by the check that follows */
  int rank = x->type.kind == PG_TYPE_TENSOR ? x->type.rank : -1;
  if (axis == -1 || (rank > 0 && axis == rank - 1)) return pgi_attr_set_int(node, "axis", -1, err);
  pgi_node *made;
  pgi_value *shape, *flat, *y, *out;
  PG_TRY(edit(node, "Shape", 1, &x, &made, &shape, err));
  PG_TRY(edit(node, "Flatten", 1, &x, &made, &flat, err));
  PG_TRY(pgi_attr_set_int(made, "axis", axis, err));
  PG_TRY(edit(node, node->type, 1, &flat, &made, &y, err));
  PG_TRY(pgi_attr_set_int(made, "axis", -1, err));
  PG_TRY(edit(node, "Reshape", 2, (pgi_value *[]){y, shape}, &made, &out, err));
  return pgi_edit_replace_node(node, &out, err);
}

static pg_status infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis;
  int64_t given = pgi_attr_int(inf->node, "axis");
  if (rank > 0 || (rank == 0 && given != 0 && given != -1))
    PG_TRY(pgi_axis(given, rank, &axis, inf->err));
  return pgi_infer_same(inf);
}

/* ---- rows ------------------------------------------------------------------------------------ */

void pgi_softmax_row(const pg_context *ctx, const float *x, float *y, int64_t n) {
  const pgi_reduce_f32 *reduce = ctx->kernels[PG_K_REDUCE_F32];
  const pgi_softmax_f32 *softmax = ctx->kernels[PG_K_SOFTMAX_F32];
  float most = (float)reduce->run[PG_R_MAX](x, n);
  double sum = softmax->run(x, y, n, most);
  pgi_unary_f32_run(ctx, PG_AFFINE, y, y, n, (float)(1 / sum), 0);
}

typedef enum mode { SOFT, LOG, HARD } mode;

typedef struct job {
  const pg_context *ctx;
  mode mode;
  pg_dtype dtype;
  const void *x;
  void *y;
  int64_t dim, inner, rows, per_task;
  int64_t column_blocks; /* a row of `inner` columns has so many */
} job;

/* The first of the largest is 1. */
static void hardmax(const float *x, float *y, int64_t n) {
  int64_t at = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[i] > x[at]) at = i;
  memset(y, 0, (size_t)n * sizeof *y);
  y[at] = 1;
}

static void row_f32(const job *j, const float *x, float *y, float *room) {
  const pgi_reduce_f32 *reduce = j->ctx->kernels[PG_K_REDUCE_F32];
  const pgi_softmax_f32 *softmax = j->ctx->kernels[PG_K_SOFTMAX_F32];
  if (j->mode == SOFT && j->dtype == PG_BF16) {
    pgi_softmax_row_bf16(x, y, j->dim);
  } else if (j->mode == SOFT) {
    pgi_softmax_row(j->ctx, x, y, j->dim);
  } else if (j->mode == HARD) {
    hardmax(x, y, j->dim);
  } else {
    float most = (float)reduce->run[PG_R_MAX](x, j->dim);
    float shift = (float)log(softmax->run(x, room, j->dim, most));
    PG_LOOP(j->dim, y[at] = x[at] - most - shift);
  }
}

static void row_f64(const job *j, const double *x, double *y, int64_t step) {
  double most = -INFINITY, sum = 0;
  int64_t at = 0;
  for (int64_t i = 0; i < j->dim; i++) {
    double v = x[i * step];
    if (!(v > most) && !isnan(v)) continue;
    most = v;
    at = i;
  }
  if (j->mode == HARD) {
    for (int64_t i = 0; i < j->dim; i++) y[i * step] = i == at;
    return;
  }
  for (int64_t i = 0; i < j->dim; i++) sum += exp(x[i * step] - most);
  for (int64_t i = 0; i < j->dim; i++) {
    double v = x[i * step] - most;
    y[i * step] = j->mode == LOG ? v - log(sum) : exp(v) / sum;
  }
}

/* room: 2 * dim floats. */
static void row_task(void *arg, int64_t task, void *room) {
  const job *j = arg;
  int64_t last = PG_MIN((task + 1) * j->per_task, j->rows);
  float *a = room, *b = a + j->dim;
  for (int64_t row = task * j->per_task; row < last; row++) {
    int64_t at = row * j->dim;
    if (j->dtype == PG_F32) {
      row_f32(j, (const float *)j->x + at, (float *)j->y + at, a);
    } else if (j->dtype == PG_F64) {
      row_f64(j, (const double *)j->x + at, (double *)j->y + at, 1);
    } else {
      pgi_load_f32(j->dtype, j->x, at, j->dim, a);
      row_f32(j, a, b, b);
      pgi_store_f32(j->dtype, j->y, at, j->dim, b);
    }
  }
}

/* ---- columns --------------------------------------------------------------------------------- */

enum { BLOCK = 64 };

/* x, y: dim rows of m columns. */
static void columns_f32(const job *j, const float *x, float *y, int64_t step, int64_t m) {
  const pgi_reduce_f32 *reduce = j->ctx->kernels[PG_K_REDUCE_F32];
  const pgi_softmax_f32 *softmax = j->ctx->kernels[PG_K_SOFTMAX_F32];
  float most[BLOCK], sum[BLOCK] = {0}, part[BLOCK] = {0}, room[BLOCK];
  double total[BLOCK] = {0};
  memcpy(most, x, (size_t)m * sizeof *most);
  for (int64_t i = 1; i < j->dim; i++) reduce->row[PG_R_MAX](x + i * step, most, m);
  for (int64_t i = 0; i < j->dim; i++) {
    softmax->row(x + i * step, j->mode == LOG ? room : y + i * step, m, most, part);
    if (i % BLOCK != BLOCK - 1 && i < j->dim - 1) continue;
    for (int64_t k = 0; k < m; k++) total[k] += (double)part[k];
    memset(part, 0, sizeof part);
  }
  for (int64_t k = 0; k < m; k++) sum[k] = (float)(j->mode == LOG ? log(total[k]) : 1 / total[k]);
  for (int64_t row = 0; row < j->dim; row++) {
    const float *from = x + row * step;
    float *to = y + row * step;
    if (j->mode == LOG) {
      PG_LOOP(m, to[at] = from[at] - most[at] - sum[at]);
    } else {
      PG_LOOP(m, to[at] *= sum[at]);
    }
  }
}

static void hard_columns(const job *j, const float *x, float *y, int64_t step, int64_t m) {
  int64_t at[BLOCK] = {0};
  for (int64_t i = 1; i < j->dim; i++)
    for (int64_t k = 0; k < m; k++)
      if (x[i * step + k] > x[at[k] * step + k]) at[k] = i;
  for (int64_t i = 0; i < j->dim; i++)
    for (int64_t k = 0; k < m; k++) y[i * step + k] = at[k] == i ? 1.0f : 0.0f;
}

static void bf16_columns(const job *j, const float *x, float *y, int64_t step, int64_t m,
                         float *room) {
  for (int64_t k = 0; k < m; k++) {
    for (int64_t i = 0; i < j->dim; i++) room[i] = x[i * step + k];
    pgi_softmax_row_bf16(room, room, j->dim);
    for (int64_t i = 0; i < j->dim; i++) y[i * step + k] = room[i];
  }
}

static void any_columns(const job *j, const float *x, float *y, int64_t step, int64_t m) {
  if (j->mode == HARD)
    hard_columns(j, x, y, step, m);
  else
    columns_f32(j, x, y, step, m);
}

/* room: dim * (2 * BLOCK + 1) floats for element types that must be converted. */
static void column_task(void *arg, int64_t task, void *room) {
  const job *j = arg;
  int64_t row = task / j->column_blocks, column = task % j->column_blocks * BLOCK;
  int64_t m = PG_MIN(j->inner - column, (int64_t)BLOCK), at = row * j->dim * j->inner + column;
  if (j->dtype == PG_F32) {
    any_columns(j, (const float *)j->x + at, (float *)j->y + at, j->inner, m);
  } else if (j->dtype == PG_F64) {
    for (int64_t k = 0; k < m; k++)
      row_f64(j, (const double *)j->x + at + k, (double *)j->y + at + k, j->inner);
  } else {
    float *a = room, *b = a + j->dim * BLOCK;
    for (int64_t i = 0; i < j->dim; i++)
      pgi_load_f32(j->dtype, j->x, at + i * j->inner, m, a + i * BLOCK);
    if (j->mode == SOFT && j->dtype == PG_BF16)
      bf16_columns(j, a, b, BLOCK, m, b + j->dim * BLOCK);
    else
      any_columns(j, a, b, BLOCK, m);
    for (int64_t i = 0; i < j->dim; i++)
      pgi_store_f32(j->dtype, j->y, at + i * j->inner, m, b + i * BLOCK);
  }
}

/* ---- all ------------------------------------------------------------------------------------- */

static pg_status run(pgi_call *c, mode m) {
  const pg_tensor *x = c->in[0];
  int axis = 0;
  job j = {.ctx = c->ctx,
           .mode = m,
           .dtype = x->dtype,
           .x = pgi_tensor_data(x),
           .y = pgi_tensor_data(c->out[0])};
  int64_t count = pgi_tensor_count(x), tasks;
  if (count == 0) return PG_OK;
  if (x->rank > 0) PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), x->rank, &axis, c->err));
  j.dim = x->rank > 0 ? x->dims[axis] : 1;
  j.inner = x->rank > 0 ? pgi_dims_product(x->dims, axis + 1, x->rank) : 1;
  j.rows = count / (j.dim * j.inner);
  bool is_row = j.inner == 1;
  if (is_row) {
    j.per_task = PG_MAX(1, PG_GRAIN / 4 / j.dim);
    tasks = (j.rows - 1) / j.per_task + 1;
  } else {
    j.column_blocks = (j.inner - 1) / BLOCK + 1;
    tasks = j.rows * j.column_blocks;
  }
  bool is_wide = j.dtype == PG_F32 || j.dtype == PG_F64;
  size_t lines = is_row ? 2 : is_wide ? 0 : 2 * BLOCK + 1, bytes;
  if (!pgi_mul_size((size_t)j.dim, lines * sizeof(float), &bytes)) return pgi_nomem(c->err);
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, c, tasks, bytes));
  pgi_lanes_run(&lanes, tasks, is_row ? row_task : column_task, &j);
  return PG_OK;
}

static pg_status soft_run(pgi_call *c) {
  return run(c, SOFT);
}
static pg_status log_run(pgi_call *c) {
  return run(c, LOG);
}
static pg_status hard_run(pgi_call *c) {
  return run(c, HARD);
}

static const pgi_attr_def attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = -1}, {0}};

#define SOFTMAX(op_name, r)                                                                \
  .name = op_name, .since = {1, 11, 13}, .in = {1, 1}, .out = {1, 1}, .types = PG_T_FLOAT, \
  .attrs = attrs, .flags = PG_OP_INPLACE, .upgrade = upgrade, .infer = infer, .run = r
PG_OP(softmax) = {SOFTMAX("Softmax", soft_run), .absorb = pgi_softmax_absorb};
PG_OP(log_softmax) = {SOFTMAX("LogSoftmax", log_run)};
PG_OP(hardmax) = {SOFTMAX("Hardmax", hard_run)};
