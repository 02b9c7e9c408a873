/* ConstantOfShape: one value everywhere. */
#include "op/move.h"

static pg_status constant_of_shape_infer(pgi_infer *inf) {
  const pg_tensor *value = pgi_attr_tensor(inf->node, "value");
  pgi_num shape[PG_MAX_RANK];
  int64_t length = pgi_in_length(inf, 0);
  int n;
  if (value && pgi_tensor_count(value) != 1) {
    return pgi_fail(inf->err, PG_INVALID, "value: expected one element, got %lld",
                    (long long)pgi_tensor_count(value));
  }
  PG_TRY(pgi_num_list(inf, 0, "input", shape, PG_MAX_RANK, &n));
  if (n < 0 && length >= 0) PG_TRY(pgi_check_rank(length, "input", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, value ? value->dtype : PG_F32, n < 0 ? (int)length : n);
  for (int i = 0; i < n; i++) PG_TRY(pgi_num_size(inf, shape[i], "input", i, &out->dims[i]));
  return PG_OK;
}

static pg_status constant_of_shape_run(pgi_call *c) {
  static const uint64_t zero[2];
  const pg_tensor *value = pgi_attr_tensor(c->node, "value");
  pgi_elems one = {NULL, 0}, to;
  if (value) PG_TRY(pgi_elems_of(c, value, &one));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  pgi_elems_fill(to.data, value ? one.data : (const char *)zero, pgi_tensor_count(c->out[0]),
                 to.size);
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def constant_of_shape_attrs[] = {{.name = "value", .kind = PG_ATTR_TENSOR},
                                                       {0}};

PG_OP(constant_of_shape) = {
    .name = "ConstantOfShape",
    .since = {9, 20, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_I64),
    .attrs = constant_of_shape_attrs,
    .infer = constant_of_shape_infer,
    .run = constant_of_shape_run,
};
