/* Compress: the slices along an axis, or the elements, for which a condition holds. */
#include "op/move.h"

static int64_t count_true(const pg_tensor *t) {
  const uint8_t *is_set = pgi_tensor_data(t);
  int64_t n = 0;
  for (int64_t i = 0; i < pgi_tensor_count(t); i++) n += is_set[i] != 0;
  return n;
}

static pg_status compress_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis = 0;
  bool has_axis = pgi_attr_find(inf->node, "axis") != NULL;
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), has_axis ? rank : 1);
  const pg_tensor *condition = pgi_known(inf, 1);
  if (rank < 0) return PG_OK;
  if (has_axis) {
    PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
    memcpy(out->dims, inf->in[0]->dims, (size_t)rank * sizeof(pgi_dim));
  }
  bool is_known = condition && condition->dtype == PG_BOOL;
  out->dims[axis] = is_known ? pgi_dim_of(count_true(condition)) : pgi_dim_unknown();
  return PG_OK;
}

static pg_status compress_run(pgi_call *c) {
  const pg_tensor *in = c->in[0], *condition = c->in[1];
  bool has_axis = pgi_attr_find(c->node, "axis") != NULL;
  int64_t dims[PG_MAX_RANK];
  int axis = 0;
  pgi_elems from, to;
  if (condition->dtype != PG_BOOL) {
    return pgi_fail(c->err, PG_INVALID, "condition: expected bool, got %s",
                    pg_dtype_name(condition->dtype));
  }
  int64_t kept = count_true(condition);
  const uint8_t *is_set = pgi_tensor_data(condition);
  if (has_axis) PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), in->rank, &axis, c->err));
  memcpy(dims, in->dims, sizeof dims);
  int64_t n = has_axis ? in->dims[axis] : pgi_tensor_count(in);
  dims[axis] = kept;
  for (int64_t i = n; i < pgi_tensor_count(condition); i++) {
    if (is_set[i]) return pgi_fail(c->err, PG_INVALID, "condition: longer than the input");
  }
  PG_TRY(pgi_elems_alloc(c, 0, in->dtype, has_axis ? in->rank : 1, dims));
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  if (pgi_tensor_count(c->out[0]) > 0) {
    int64_t outer = has_axis ? pgi_dims_product(in->dims, 0, axis) : 1;
    int64_t inner = has_axis ? pgi_dims_product(in->dims, axis + 1, in->rank) : 1;
    size_t run = (size_t)inner * to.size;
    char *at = to.data;
    for (int64_t o = 0; o < outer; o++) {
      for (int64_t i = 0; i < PG_MIN(n, pgi_tensor_count(condition)); i++) {
        if (!is_set[i]) continue;
        memcpy(at, from.data + (o * n + i) * (int64_t)run, run);
        at += run;
      }
    }
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def compress_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT}, {0}};

PG_OP(compress) = {
    .name = "Compress",
    .since = {9, 11, 28},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = compress_attrs,
    .infer = compress_infer,
    .run = compress_run,
};
