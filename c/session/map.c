/* map: a formula over tensors that broadcast together, in one pass over memory. */
#include "kernel/expr.h"
#include "session/session.h"

enum {
  MAX_TENSORS = 64,
  TASK_ELEMENTS = 16384, /* the least for a task */
  MAX_TASKS = 64
};

typedef struct mapping {
  const pgi_expr *expr;
  const pg_tensor
      *in[MAX_TENSORS]; /* contiguous, of the result's shape or one element; NULL: not used */
  int n_in;
  pg_tensor *out;
  bool is_f64;
  int64_t n, task; /* elements, and those of a task */
  char *room;      /* of all tasks */
  size_t task_room;
} mapping;

/* ---- shapes and types ---------------------------------------------------------------------------- */

static pg_status broadcast(const pg_tensor *const *in, int n, const char *const *names, int *rank,
                           int64_t *dims, pg_error *err) {
  *rank = 0;
  for (int i = 0; i < n; i++) *rank = PG_MAX(*rank, in[i]->rank);
  for (int d = 0; d < *rank; d++) dims[d] = 1;
  for (int i = 0; i < n; i++) {
    int64_t *tail = dims + (*rank - in[i]->rank);
    for (int d = 0; d < in[i]->rank; d++) {
      if (tail[d] == 1) tail[d] = in[i]->dims[d];
      if (tail[d] == in[i]->dims[d] || in[i]->dims[d] == 1) continue;
      char want[300], got[300];
      pgi_shape_text(in[i]->dtype, *rank, dims, want, sizeof want);
      pgi_shape_text(in[i]->dtype, in[i]->rank, in[i]->dims, got, sizeof got);
      return pgi_fail(err, PG_INVALID, "'%s': %s doesn't broadcast to %s", names[i], got, want);
    }
  }
  return PG_OK;
}

static bool is_wide(pg_dtype dtype) {
  return dtype == PG_F64 || dtype == PG_I32 || dtype == PG_U32 || dtype == PG_I64 ||
         dtype == PG_U64;
}

static pg_status check_types(const pg_tensor *const *in, int n, const char *const *names,
                             pg_dtype dtype, pg_error *err) {
  for (int i = 0; i < n; i++) {
    pgi_kind kind = pgi_dtype_kind(in[i]->dtype);
    if (kind == PG_KIND_COMPLEX || kind == PG_KIND_STRING || kind == PG_KIND_OBJECT)
      return pgi_fail(err, PG_INVALID, "'%s': expected numbers, got %s", names[i],
                      pg_dtype_name(in[i]->dtype));
  }
  pgi_kind kind = pgi_dtype_kind(dtype);
  if (kind == PG_KIND_COMPLEX || kind == PG_KIND_STRING)
    return pgi_fail(err, PG_INVALID, "a formula gives numbers, not %s", pg_dtype_name(dtype));
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------------- */

static size_t element_size(const mapping *m) {
  return m->is_f64 ? sizeof(double) : sizeof(float);
}

static void load(const mapping *m, const pg_tensor *t, int64_t first, int64_t n, void *to) {
  bool is_single = pgi_tensor_count(t) == 1;
  int64_t from = is_single ? 0 : first, count = is_single ? 1 : n;
  if (m->is_f64) {
    pgi_load_f64(t->dtype, pgi_tensor_data(t), from, count, to);
    for (int64_t i = count; i < n; i++) ((double *)to)[i] = *(double *)to;
  } else {
    pgi_load_f32(t->dtype, pgi_tensor_data(t), from, count, to);
    for (int64_t i = count; i < n; i++) ((float *)to)[i] = *(float *)to;
  }
}

static void run_block(const mapping *m, char *room, int64_t first, int64_t n) {
  const void *columns[MAX_TENSORS];
  size_t column = PG_EXPR_BLOCK * element_size(m);
  for (int i = 0; i < m->n_in; i++) {
    columns[i] = room;
    if (m->in[i]) load(m, m->in[i], first, n, room);
    room += column;
  }
  void *data = pgi_tensor_data(m->out), *scratch = room + column;
  if (m->is_f64) {
    pgi_expr_run_f64(m->expr, scratch, (const double *const *)columns, (double *)(void *)room, n);
    pgi_store_f64(m->out->dtype, data, first, n, (double *)(void *)room);
  } else {
    pgi_expr_run_f32(m->expr, scratch, (const float *const *)columns, (float *)(void *)room, n);
    pgi_store_f32(m->out->dtype, data, first, n, (float *)(void *)room);
  }
}

static void run_task(void *arg, int64_t i) {
  const mapping *m = arg;
  int64_t end = PG_MIN((i + 1) * m->task, m->n);
  for (int64_t first = i * m->task; first < end; first += PG_EXPR_BLOCK)
    run_block(m, m->room + (size_t)i * m->task_room, first, PG_MIN(end - first, PG_EXPR_BLOCK));
}

/* Tasks are whole blocks, so packed elements of two tasks never share a byte. */
static pg_status run(pg_context *ctx, mapping *m, int threads, pg_error *err) {
  int64_t least = (m->n + MAX_TASKS - 1) / MAX_TASKS;
  m->task = (PG_MAX(least, TASK_ELEMENTS) + PG_EXPR_BLOCK - 1) / PG_EXPR_BLOCK * PG_EXPR_BLOCK;
  int64_t n_tasks = (m->n + m->task - 1) / m->task;
  size_t columns = (size_t)(m->n_in + 1) * PG_EXPR_BLOCK * element_size(m);
  m->task_room = (columns + pgi_expr_scratch(m->expr) + PG_ALIGN - 1) / PG_ALIGN * PG_ALIGN;
  m->room = pgi_alloc_aligned(ctx, m->task_room * (size_t)PG_MAX(n_tasks, 1), PG_ALIGN);
  if (!m->room) return pgi_nomem(err);
  pgi_parallel_for(ctx, threads, n_tasks, run_task, m);
  pgi_free(ctx, m->room);
  return PG_OK;
}

/* Contiguous, and of the result's shape unless it is a single element. */
static pg_status spread(const pg_tensor *t, int rank, const int64_t *dims, pg_tensor *out,
                        pg_error *err) {
  if (pgi_tensor_count(t) == 1) return pgi_tensor_contiguous(t, out, err);
  pg_tensor view = {0};
  PG_TRY(pgi_view_expand(t, rank, dims, &view, err));
  pg_status status = pgi_tensor_contiguous(&view, out, err);
  pgi_tensor_clear(&view);
  return status;
}

static pg_status map_compiled(pg_context *ctx, int threads, const pgi_expr *expr,
                              const char *const *names, const pg_tensor *const *in, int n,
                              pg_dtype dtype, pg_tensor *out, pg_error *err) {
  int64_t dims[PG_MAX_RANK] = {0};
  int rank;
  mapping m = {.expr = expr, .n_in = n, .out = out, .is_f64 = is_wide(dtype)};
  pg_tensor wide[MAX_TENSORS];
  memset(wide, 0, (size_t)n * sizeof *wide);
  PG_TRY(broadcast(in, n, names, &rank, dims, err));
  PG_TRY(pgi_count(rank, dims, &m.n, err));
  pg_status status = PG_OK;
  for (int i = 0; i < n && status == PG_OK; i++) {
    if (!pgi_expr_uses(expr, i)) continue;
    m.is_f64 |= is_wide(in[i]->dtype);
    m.in[i] = &wide[i];
    status = spread(in[i], rank, dims, &wide[i], err);
  }
  if (status == PG_OK) status = pgi_tensor_alloc(ctx, dtype, rank, dims, out, err);
  if (status == PG_OK) status = run(ctx, &m, threads, err);
  if (status != PG_OK) pgi_tensor_clear(out);
  for (int i = 0; i < n; i++) pgi_tensor_clear(&wide[i]);
  return status;
}

pg_status pgi_tensor_map(pg_context *ctx, int threads, const char *text, const char *const *names,
                         const pg_tensor *const *in, int n, pg_dtype dtype, pg_tensor *out,
                         pg_error *err) {
  pgi_expr *expr = NULL;
  if (n < 1 || n > MAX_TENSORS)
    return pgi_fail(err, PG_INVALID, "expected 1 to %d tensors, got %d", MAX_TENSORS, n);
  if (dtype == PG_NONE) dtype = in[0]->dtype;
  PG_TRY(check_types(in, n, names, dtype, err));
  PG_TRY(pgi_expr_compile(ctx, text, names, n, &expr, err));
  pg_status status = map_compiled(ctx, threads, expr, names, in, n, dtype, out, err);
  pgi_expr_free(expr);
  return status;
}
