/* Expand: broadcasting to a shape. */
#include "op/move.h"

static pg_status expand_infer(pgi_infer *inf) {
  pgi_num shape[PG_MAX_RANK];
  int64_t length = pgi_in_length(inf, 1);
  int n, rank = pgi_in_rank(inf, 0);
  PG_TRY(pgi_num_list(inf, 1, "shape", shape, PG_MAX_RANK, &n));
  if (n < 0 && length >= 0) PG_TRY(pgi_check_rank(length, "shape", inf->err));
  bool is_told = n >= 0;
  if (!is_told) n = (int)length;
  pgi_type *out =
      pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank < 0 || n < 0 ? -1 : PG_MAX(rank, n));
  /* What is not told yet is checked at run time: a plan must not know the outcome before. */
  if (out->rank < 0 || (!is_told && !inf->content)) return PG_OK;
  pgi_type asked = pgi_type_tensor(PG_NONE);
  asked.rank = n;
  for (int i = 0; i < n; i++) {
    asked.dims[i] = pgi_dim_unknown();
    if (is_told) PG_TRY(pgi_num_size(inf, shape[i], "shape", i, &asked.dims[i]));
  }
  return pgi_broadcast_dims(inf->in[0], &asked, out, inf->err);
}

static pg_status expand_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  int64_t to_strides[PG_MAX_RANK], from_strides[PG_MAX_RANK], dense[PG_MAX_RANK];
  pgi_elems from, to;
  int shift = out->rank - in->rank;
  pgi_dense_strides(in->rank, in->dims, dense);
  pgi_dense_strides(out->rank, out->dims, to_strides);
  for (int i = 0; i < out->rank; i++) {
    bool repeats = i < shift || in->dims[i - shift] == 1;
    from_strides[i] = repeats ? 0 : dense[i - shift];
  }
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, out, &to));
  pgi_move_strided(c, to.data, to_strides, from.data, from_strides, out->rank, out->dims, to.size);
  return pgi_elems_done(c, out, &to);
}

PG_OP(expand) = {
    .name = "Expand",
    .since = {8, 13},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .infer = expand_infer,
    .run = expand_run,
    .is_identity = pgi_keeps_shape,
};
