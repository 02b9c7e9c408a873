/* UnfoldTensor of com.microsoft: windows along an axis, as torch.Tensor.unfold. */
#include "op/move.h"

static pg_status read_windows(const pgi_node *node, int rank, int64_t length, int *axis, int64_t *n,
                              pg_error *err) {
  int64_t size = pgi_attr_int(node, "size"), step = pgi_attr_int(node, "step");
  PG_TRY(pgi_axis(pgi_attr_int(node, "dim"), rank, axis, err));
  if (size < 1 || step < 1 || (length >= 0 && size > length))
    return pgi_fail(err, PG_INVALID, "size, step: expected windows of 1 to %lld, got %lld",
                    (long long)length, (long long)size);
  *n = length < 0 ? -1 : (length - size) / step + 1;
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis;
  int64_t n;
  pgi_type *y = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank < 0 ? -1 : rank + 1);
  if (rank < 0) return PG_OK;
  PG_TRY(pgi_check_rank((int64_t)rank + 1, "the result", inf->err));
  PG_TRY(read_windows(inf->node, rank, -1, &axis, &n, inf->err));
  PG_TRY(read_windows(inf->node, rank, inf->in[0]->dims[axis].n, &axis, &n, inf->err));
  memcpy(y->dims, inf->in[0]->dims, (size_t)rank * sizeof *y->dims);
  y->dims[axis] = n < 0 ? pgi_dim_unknown() : pgi_dim_of(n);
  y->dims[rank] = pgi_dim_of(pgi_attr_int(inf->node, "size"));
  return PG_OK;
}

static pg_status run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  pg_tensor *y = c->out[0];
  pgi_elems from, to;
  int axis;
  int64_t n, strides[PG_MAX_RANK], to_strides[PG_MAX_RANK];
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "dim"), x->rank, &axis, c->err));
  PG_TRY(read_windows(c->node, x->rank, x->dims[axis], &axis, &n, c->err));
  PG_TRY(pgi_elems_of(c, x, &from));
  PG_TRY(pgi_elems_for(c, y, &to));
  pgi_dense_strides(x->rank, x->dims, strides);
  pgi_dense_strides(y->rank, y->dims, to_strides);
  strides[x->rank] = strides[axis];
  strides[axis] *= pgi_attr_int(c->node, "step");
  if (pgi_tensor_count(y) > 0)
    pgi_move_strided(c, to.data, to_strides, from.data, strides, y->rank, y->dims, from.size);
  return pgi_elems_done(c, y, &to);
}

static const pgi_attr_def attrs[] = {{.name = "dim", .kind = PG_ATTR_INT, .i = -1},
                                     {.name = "size", .kind = PG_ATTR_INT, .is_required = true},
                                     {.name = "step", .kind = PG_ATTR_INT, .i = 1},
                                     {0}};

PG_OP(ms_unfold_tensor) = {.name = "UnfoldTensor",
                           .domain = "com.microsoft",
                           .since = {1},
                           .in = {1, 1},
                           .out = {1, 1},
                           .types = PG_T_ALL,
                           .attrs = attrs,
                           .infer = infer,
                           .run = run};
