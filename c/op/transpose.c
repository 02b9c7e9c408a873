/* Transpose: axes in another order. */
#include "op/move.h"

/* The permutation for a rank: the attribute, or all axes backwards. */
static pg_status permutation(const pgi_node *node, int rank, int *perm, pg_error *err) {
  int64_t n;
  const int64_t *given = pgi_attr_ints(node, "perm", &n);
  unsigned seen = 0;
  if (!pgi_attr_find(node, "perm")) {
    for (int i = 0; i < rank; i++) perm[i] = rank - 1 - i;
    return PG_OK;
  }
  if (n != rank) {
    return pgi_fail(err, PG_INVALID, "perm: expected %d axes, as data has, got %lld", rank,
                    (long long)n);
  }
  for (int i = 0; i < rank; i++) {
    PG_TRY(pgi_axis(given[i], rank, &perm[i], err));
    if (seen >> perm[i] & 1) {
      return pgi_fail(err, PG_INVALID, "perm: axis %d occurs twice", perm[i]);
    }
    seen |= 1u << perm[i];
  }
  return PG_OK;
}

static pg_status transpose_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), perm[PG_MAX_RANK];
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  PG_TRY(permutation(inf->node, rank, perm, inf->err));
  for (int i = 0; i < rank; i++) out->dims[i] = inf->in[0]->dims[perm[i]];
  return PG_OK;
}

static pg_status transpose_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  int perm[PG_MAX_RANK];
  int64_t strides[PG_MAX_RANK], dense[PG_MAX_RANK];
  pgi_elems from, to;
  PG_TRY(permutation(c->node, in->rank, perm, c->err));
  pgi_dense_strides(in->rank, in->dims, dense);
  for (int i = 0; i < in->rank; i++) strides[i] = dense[perm[i]];
  pgi_dense_strides(out->rank, out->dims, dense);
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, out, &to));
  pgi_move_strided(c, to.data, dense, from.data, strides, out->rank, out->dims, to.size);
  return pgi_elems_done(c, out, &to);
}

/* Nothing moves when the axes of more than one element keep their order. */
static bool transpose_is_identity(const pgi_node *node) {
  const pgi_value *in = node->in[0].value;
  int perm[PG_MAX_RANK], last = -1;
  if (!in || in->type.kind != PG_TYPE_TENSOR || in->type.rank < 0 || !pgi_keeps_shape(node) ||
      permutation(node, in->type.rank, perm, NULL) != PG_OK)
    return false;
  for (int i = 0; i < in->type.rank; i++) {
    if (in->type.dims[perm[i]].n == 1) continue;
    if (perm[i] < last) return false;
    last = perm[i];
  }
  return true;
}

/* Two in a row are one. */
static pg_status transpose_absorb(pgi_node *node, bool *changed, pg_error *err) {
  const pgi_value *in = node->in[0].value;
  const pgi_node *before = in ? in->producer : NULL;
  if (!before || before->op != node->op || before->in[0].value == NULL) return PG_OK;
  int rank = in->type.kind == PG_TYPE_TENSOR ? in->type.rank : -1;
  int first[PG_MAX_RANK], second[PG_MAX_RANK];
  int64_t both[PG_MAX_RANK];
  if (rank < 0 || permutation(before, rank, first, NULL) != PG_OK ||
      permutation(node, rank, second, NULL) != PG_OK)
    return PG_OK;
  for (int i = 0; i < rank; i++) both[i] = first[second[i]];
  PG_TRY(pgi_attr_set_ints(node, "perm", rank, both, err));
  *changed = true;
  return pgi_edit_set_input(node, 0, before->in[0].value, err);
}

static const pgi_attr_def transpose_attrs[] = {{.name = "perm", .kind = PG_ATTR_INTS}, {0}};

PG_OP(transpose) = {
    .name = "Transpose",
    .since = {1, 13, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = transpose_attrs,
    .infer = transpose_infer,
    .run = transpose_run,
    .absorb = transpose_absorb,
    .is_identity = transpose_is_identity,
};
