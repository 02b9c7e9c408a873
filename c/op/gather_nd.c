/* GatherND: slices chosen by tuples of indices into the leading axes. */
#include "op/move.h"

static pg_status check_ranks(pgi_infer *inf, int64_t batch, int64_t tuple) {
  int rank = pgi_in_rank(inf, 0), indices = pgi_in_rank(inf, 1);
  if (indices < 1 || rank < 1 || batch < 0 || batch >= PG_MIN(rank, indices)) {
    return pgi_fail(inf->err, PG_INVALID,
                    "batch_dims %lld: expected less than the ranks of data and indices, %d and %d",
                    (long long)batch, rank, indices);
  }
  if (tuple > rank - batch || tuple < -1 || tuple == 0) {
    return pgi_fail(inf->err, PG_INVALID, "indices: expected tuples of 1 to %lld, got %lld",
                    (long long)(rank - batch), (long long)tuple);
  }
  return PG_OK;
}

static pg_status gather_nd_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), indices = pgi_in_rank(inf, 1);
  int64_t batch = pgi_attr_int(inf->node, "batch_dims");
  pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), -1);
  if (rank < 0 || indices < 0) return PG_OK;
  int64_t tuple = indices ? inf->in[1]->dims[indices - 1].n : -1;
  PG_TRY(check_ranks(inf, batch, tuple));
  if (tuple < 0) return PG_OK;
  int rest = rank - (int)batch - (int)tuple;
  PG_TRY(pgi_check_rank(indices - 1 + rest, "output", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, inf->in[0]->dtype, indices - 1 + rest);
  for (int i = 0; i < indices - 1; i++) out->dims[i] = inf->in[1]->dims[i];
  for (int i = 0; i < rest; i++) out->dims[indices - 1 + i] = inf->in[0]->dims[rank - rest + i];
  for (int i = 0; i < (int)batch; i++) {
    int64_t a = inf->in[0]->dims[i].n, b = inf->in[1]->dims[i].n;
    if (a >= 0 && b >= 0 && a != b) {
      return pgi_fail(inf->err, PG_INVALID, "batch axis %d: data has %lld, indices %lld", i,
                      (long long)a, (long long)b);
    }
  }
  return PG_OK;
}

typedef struct nd_job {
  const char *from;
  char *to;
  const int64_t *place; /* of each slice, counted in slices */
  size_t size;          /* bytes of a slice */
} nd_job;

static void gather_nd_rows(void *arg, int64_t first, int64_t n) {
  const nd_job *job = arg;
  for (int64_t r = first; r < first + n; r++) {
    pgi_elem_copy(job->to + r * (int64_t)job->size, job->from + job->place[r] * (int64_t)job->size,
                  job->size);
  }
}

/* The tuples as places: row-major over the batch and the indexed axes. */
static pg_status find_places(pgi_call *c, int batch, int tuple, int64_t n, const int64_t **out) {
  const pg_tensor *data = c->in[0];
  int64_t *place = pgi_call_scratch(c, (size_t)PG_MAX(n, 1) * sizeof *place);
  int64_t n_batch = pgi_dims_product(data->dims, 0, batch);
  const int64_t *index;
  if (!place) return pgi_nomem(c->err);
  PG_TRY(pgi_i64s(c, c->in[1], &index));
  int64_t per_batch = n_batch ? n / n_batch : 0;
  for (int64_t i = 0; i < n; i++) {
    place[i] = i / per_batch;
    for (int k = 0; k < tuple; k++) {
      int64_t at, dim = data->dims[batch + k];
      PG_TRY(pgi_index(*index++, dim, &at, c->err));
      place[i] = place[i] * dim + at;
    }
  }
  *out = place;
  return PG_OK;
}

static pg_status gather_nd_run(pgi_call *c) {
  const pg_tensor *data = c->in[0], *indices = c->in[1];
  int batch = (int)pgi_attr_int(c->node, "batch_dims");
  int tuple = (int)indices->dims[indices->rank - 1];
  nd_job job;
  pgi_elems from, to;
  PG_TRY(pgi_elems_of(c, data, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  if (pgi_tensor_count(c->out[0]) > 0) {
    int64_t n = pgi_dims_product(indices->dims, 0, indices->rank - 1);
    job.from = from.data;
    job.to = to.data;
    job.size = from.size * (size_t)pgi_dims_product(data->dims, batch + tuple, data->rank);
    PG_TRY(find_places(c, batch, tuple, n, &job.place));
    pgi_move_rows(c, n, job.size, gather_nd_rows, &job);
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def gather_nd_attrs[] = {{.name = "batch_dims", .kind = PG_ATTR_INT}, {0}};

PG_OP(gather_nd) = {
    .name = "GatherND",
    .since = {11, 12, 13},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = gather_nd_attrs,
    .infer = gather_nd_infer,
    .run = gather_nd_run,
};
