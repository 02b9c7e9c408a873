/* Gather: whole slices along an axis, chosen by indices. */
#include "op/move.h"

static pg_status gather_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), extra = pgi_in_rank(inf, 1), axis;
  pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), -1);
  if (rank < 0 || extra < 0) return PG_OK;
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  PG_TRY(pgi_check_rank(rank - 1 + extra, "output", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, inf->in[0]->dtype, rank - 1 + extra);
  for (int i = 0, k = 0; i < rank; i++) {
    if (i != axis) {
      out->dims[k++] = inf->in[0]->dims[i];
      continue;
    }
    for (int j = 0; j < extra; j++) out->dims[k++] = inf->in[1]->dims[j];
  }
  return PG_OK;
}

/* Row r of the output is slice index[r % n] of block r / n. */
typedef struct gather_job {
  const char *from;
  char *to;
  const int64_t *index; /* checked and normalised */
  int64_t n, dim;
  size_t size; /* bytes of a slice */
} gather_job;

static void gather_rows(void *arg, int64_t first, int64_t n) {
  const gather_job *job = arg;
  int64_t block = first / job->n, i = first % job->n;
  char *to = job->to + first * (int64_t)job->size;
  for (int64_t r = 0; r < n; r++, to += job->size) {
    int64_t row = block * job->dim + job->index[i];
    pgi_elem_copy(to, job->from + row * (int64_t)job->size, job->size);
    if (++i == job->n) i = 0, block++;
  }
}

static pg_status normalise(pgi_call *c, const pg_tensor *indices, int64_t dim,
                           const int64_t **out) {
  int64_t n = pgi_tensor_count(indices);
  int64_t *index = pgi_call_scratch(c, (size_t)PG_MAX(n, 1) * sizeof *index);
  const int64_t *given;
  if (!index) return pgi_nomem(c->err);
  PG_TRY(pgi_i64s(c, indices, &given));
  for (int64_t i = 0; i < n; i++) PG_TRY(pgi_index(given[i], dim, &index[i], c->err));
  *out = index;
  return PG_OK;
}

static pg_status gather_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  gather_job job = {0};
  pgi_elems from, to;
  int axis;
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), in->rank, &axis, c->err));
  job.dim = in->dims[axis];
  job.n = pgi_tensor_count(c->in[1]);
  PG_TRY(normalise(c, c->in[1], job.dim, &job.index));
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, out, &to));
  job.from = from.data;
  job.to = to.data;
  if (pgi_tensor_count(out) > 0) {
    job.size = from.size * (size_t)pgi_dims_product(in->dims, axis + 1, in->rank);
    pgi_move_rows(c, pgi_dims_product(in->dims, 0, axis) * job.n, job.size, gather_rows, &job);
  }
  return pgi_elems_done(c, out, &to);
}

static const pgi_attr_def gather_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT}, {0}};

PG_OP(gather) = {
    .name = "Gather",
    .since = {1, 11, 13},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = gather_attrs,
    .infer = gather_infer,
    .run = gather_run,
};
