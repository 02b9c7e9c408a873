/* Trilu, EyeLike: matrices of which only one side of a diagonal, or only that diagonal, is set. */
#include "op/move.h"

/* Diagonals beyond a matrix's own are all the same. */
static int64_t clamp_diagonal(int64_t k, int64_t rows, int64_t columns) {
  return PG_MIN(PG_MAX(k, -rows - 1), columns + 1);
}

static pg_status trilu_infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  if (pgi_in_rank(inf, 0) >= 2 || pgi_in_rank(inf, 0) < 0) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "input: expected matrices, got rank %d",
                  pgi_in_rank(inf, 0));
}

typedef struct trilu_job {
  pgi_elems from, to;
  int64_t rows, columns, k;
  bool is_upper;
} trilu_job;

static void trilu_rows(void *arg, int64_t first, int64_t n) {
  static const uint64_t zero[2];
  const trilu_job *job = arg;
  int64_t size = (int64_t)job->to.size;
  for (int64_t r = first; r < first + n; r++) {
    int64_t edge = r % job->rows + job->k + (job->is_upper ? 0 : 1);
    edge = PG_MIN(PG_MAX(edge, 0), job->columns);
    char *to = job->to.data + r * job->columns * size;
    const char *from = job->from.data + r * job->columns * size;
    int64_t kept = job->is_upper ? edge : 0, other = job->is_upper ? 0 : edge;
    int64_t n_kept = job->is_upper ? job->columns - edge : edge;
    memmove(to + kept * size, from + kept * size, (size_t)(n_kept * size));
    pgi_elems_fill(to + other * size, (const char *)zero, job->columns - n_kept, job->to.size);
  }
}

static pg_status trilu_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  trilu_job job = {.rows = in->dims[in->rank - 2], .columns = in->dims[in->rank - 1]};
  int64_t k = 0;
  if (pgi_input(c, 1)) PG_TRY(pgi_scalar_i64(c->in[1], "k", &k, c->err));
  job.k = clamp_diagonal(k, job.rows, job.columns);
  job.is_upper = pgi_attr_int(c->node, "upper") != 0;
  PG_TRY(pgi_elems_of(c, in, &job.from));
  PG_TRY(pgi_elems_for(c, c->out[0], &job.to));
  int64_t count = pgi_tensor_count(in);
  if (count > 0) {
    pgi_move_rows(c, count / job.columns, (size_t)job.columns * job.to.size, trilu_rows, &job);
  }
  return pgi_elems_done(c, c->out[0], &job.to);
}

static const pgi_attr_def trilu_attrs[] = {{.name = "upper", .kind = PG_ATTR_INT, .i = 1}, {0}};

PG_OP(trilu) = {
    .name = "Trilu",
    .since = {14},
    .in = {1, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = trilu_attrs,
    .infer = trilu_infer,
    .run = trilu_run,
};

/* ---- EyeLike --------------------------------------------------------------------------------- */

#define EYE_TYPES (PG_T_NUMERIC | PG_T(PG_BOOL))

static pg_status eye_like_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  pgi_type *out = pgi_out_type(inf, 0, PG_NONE, 2);
  PG_TRY(
      pgi_attr_dtype(inf->node, "dtype", pgi_in_dtype(inf, 0), EYE_TYPES, &out->dtype, inf->err));
  if (rank < 0) return PG_OK;
  if (rank != 2)
    return pgi_fail(inf->err, PG_INVALID, "input: expected a matrix, got rank %d", rank);
  memcpy(out->dims, inf->in[0]->dims, 2 * sizeof *out->dims);
  return PG_OK;
}

static pg_status eye_like_run(pgi_call *c) {
  pg_tensor *out = c->out[0];
  int64_t rows = out->dims[0], columns = out->dims[1];
  int64_t k = clamp_diagonal(pgi_attr_int(c->node, "k"), rows, columns);
  double one = 1;
  size_t bytes = (size_t)pgi_tensor_count(out) * pgi_dtype_size(out->dtype);
  if (bytes) memset(pgi_tensor_data(out), 0, bytes);
  for (int64_t r = PG_MAX(-k, 0); r < rows && r + k < columns; r++) {
    pgi_store_f64(out->dtype, pgi_tensor_data(out), r * columns + r + k, 1, &one);
  }
  return PG_OK;
}

static const pgi_attr_def eye_like_attrs[] = {
    {.name = "dtype", .kind = PG_ATTR_INT}, {.name = "k", .kind = PG_ATTR_INT}, {0}};

PG_OP(eye_like) = {
    .name = "EyeLike",
    .since = {9, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = EYE_TYPES,
    .attrs = eye_like_attrs,
    .infer = eye_like_infer,
    .run = eye_like_run,
};
