/* OneHot: a new axis with one value where the index says, another everywhere else. */
#include "op/move.h"

static pg_status depth_of(const pg_tensor *t, int64_t *out, pg_error *err) {
  PG_TRY(pgi_scalar_i64(t, "depth", out, err));
  if (*out >= 0) return PG_OK;
  return pgi_fail(err, PG_INVALID, "depth: expected a size, got %lld", (long long)*out);
}

static pg_status one_hot_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis;
  pgi_out_type(inf, 0, pgi_in_dtype(inf, 2), -1);
  if (rank < 0) return PG_OK;
  PG_TRY(pgi_check_rank(rank + 1, "output", inf->err));
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank + 1, &axis, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 2), rank + 1);
  for (int i = 0; i < rank; i++) out->dims[i < axis ? i : i + 1] = inf->in[0]->dims[i];
  if (pgi_known(inf, 1)) return depth_of(pgi_known(inf, 1), &out->dims[axis].n, inf->err);
  pgi_num depth;
  int n;
  PG_TRY(pgi_num_list(inf, 1, "depth", &depth, 1, &n));
  if (n == 1) out->dims[axis] = pgi_dim_of_num(depth);
  return PG_OK;
}

typedef struct one_hot_job {
  const pg_tensor *indices;
  int64_t depth, inner;
  const char *on;
  pgi_elems to;
} one_hot_job;

static void one_hot_rows(void *arg, int64_t first, int64_t n) {
  const one_hot_job *job = arg;
  for (int64_t i = first; i < first + n; i++) {
    int64_t at;
    pgi_load_i64(job->indices->dtype, pgi_tensor_data(job->indices), i, 1, &at);
    if (at < -job->depth || at >= job->depth) continue;
    if (at < 0) at += job->depth;
    int64_t place = (i / job->inner * job->depth + at) * job->inner + i % job->inner;
    pgi_elem_copy(job->to.data + place * (int64_t)job->to.size, job->on, job->to.size);
  }
}

static pg_status one_hot_run(pgi_call *c) {
  const pg_tensor *indices = c->in[0], *values = c->in[2];
  pg_tensor *out = c->out[0];
  one_hot_job job = {.indices = indices};
  pgi_elems pair;
  int axis;
  if (pgi_tensor_count(values) != 2) {
    return pgi_fail(c->err, PG_INVALID, "values: expected [off, on], got %lld elements",
                    (long long)pgi_tensor_count(values));
  }
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), out->rank, &axis, c->err));
  PG_TRY(pgi_elems_of(c, values, &pair));
  PG_TRY(pgi_elems_for(c, out, &job.to));
  pgi_elems_fill(job.to.data, pair.data, pgi_tensor_count(out), job.to.size);
  job.on = pair.data + pair.size;
  job.depth = out->dims[axis];
  if (pgi_tensor_count(out) > 0) {
    job.inner = pgi_dims_product(indices->dims, axis, indices->rank);
    pgi_move_rows(c, pgi_tensor_count(indices), 16, one_hot_rows, &job);
  }
  return pgi_elems_done(c, out, &job.to);
}

static const pgi_attr_def one_hot_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = -1}, {0}};

PG_OP(one_hot) = {
    .name = "OneHot",
    .since = {9, 11, 28},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .attrs = one_hot_attrs,
    .infer = one_hot_infer,
    .run = one_hot_run,
};
