/* GatherElements: each output element chooses its own place along an axis. */
#include "op/move.h"

static pg_status gather_elements_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 1), data = pgi_in_rank(inf, 0), axis;
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank < 0 ? data : rank);
  if (rank >= 0) memcpy(out->dims, inf->in[1]->dims, (size_t)rank * sizeof(pgi_dim));
  if (rank < 0 || data < 0) return PG_OK;
  if (rank != data) {
    return pgi_fail(inf->err, PG_INVALID, "indices: expected rank %d, as data has, got %d", data,
                    rank);
  }
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  for (int i = 0; i < rank; i++) {
    int64_t n = inf->in[1]->dims[i].n, most = inf->in[0]->dims[i].n;
    if (i != axis && n >= 0 && most >= 0 && n > most) {
      return pgi_fail(inf->err, PG_INVALID, "indices: axis %d has %lld, data only %lld", i,
                      (long long)n, (long long)most);
    }
  }
  return PG_OK;
}

typedef struct elements_job {
  const pg_tensor *data, *indices;
  const int64_t *index;
  int64_t strides[PG_MAX_RANK]; /* of data */
  int axis;
  pgi_elems from, to;
  atomic_bool has_failed;
} elements_job;

/* One run along the innermost axis; `base`: where data's coordinates are those of the run, but
** for the axis. */
static bool gather_run_of(const elements_job *job, int64_t row, int64_t base) {
  int last = job->indices->rank - 1;
  int64_t n = job->indices->dims[last], dim = job->data->dims[job->axis];
  int64_t along = last == job->axis ? 0 : job->strides[last];
  for (int64_t i = 0; i < n; i++) {
    int64_t at = job->index[row * n + i];
    if (at < -dim || at >= dim) return false;
    at = base + i * along + (at < 0 ? at + dim : at) * job->strides[job->axis];
    pgi_elem_copy(job->to.data + (row * n + i) * (int64_t)job->to.size,
                  job->from.data + at * (int64_t)job->from.size, job->from.size);
  }
  return true;
}

static void gather_elements_rows(void *arg, int64_t first, int64_t n) {
  elements_job *job = arg;
  int outer = job->indices->rank - 1;
  pgi_coords k;
  pgi_coords_set(&k, outer, job->indices->dims, first);
  for (int64_t row = first; row < first + n; row++, pgi_coords_next(&k)) {
    int64_t base = 0;
    for (int i = 0; i < outer; i++) {
      if (i != job->axis) base += k.at[i] * job->strides[i];
    }
    if (!gather_run_of(job, row, base)) atomic_store(&job->has_failed, true);
  }
}

static pg_status gather_elements_run(pgi_call *c) {
  pg_tensor *out = c->out[0];
  elements_job job = {.data = c->in[0], .indices = c->in[1]};
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), out->rank, &job.axis, c->err));
  pgi_dense_strides(job.data->rank, job.data->dims, job.strides);
  PG_TRY(pgi_i64s(c, c->in[1], &job.index));
  PG_TRY(pgi_elems_of(c, c->in[0], &job.from));
  PG_TRY(pgi_elems_for(c, out, &job.to));
  if (pgi_tensor_count(out) > 0) {
    int last = out->rank - 1;
    pgi_move_rows(c, pgi_dims_product(out->dims, 0, last), (size_t)out->dims[last] * 16,
                  gather_elements_rows, &job);
  }
  if (atomic_load(&job.has_failed)) {
    return pgi_fail(c->err, PG_INVALID, "indices: expected %lld to %lld, for axis %d of data",
                    (long long)-job.data->dims[job.axis], (long long)job.data->dims[job.axis] - 1,
                    job.axis);
  }
  return pgi_elems_done(c, out, &job.to);
}

static const pgi_attr_def gather_elements_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT}, {0}};

PG_OP(gather_elements) = {
    .name = "GatherElements",
    .since = {11, 13},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = gather_elements_attrs,
    .infer = gather_elements_infer,
    .run = gather_elements_run,
};
