/* Concat: tensors one behind the other along an axis. */
#include "op/move.h"

/* Concat-1's axis is 1 when it isn't given; later ones require it. */
static pg_status concat_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 4 || pgi_attr_find(node, "axis")) return PG_OK;
  return pgi_attr_set_int(node, "axis", 1, err);
}

static pg_status fail_shape(pgi_infer *inf, int i, const pgi_type *expected) {
  char want[300], got[300];
  pgi_text a = {want, sizeof want, 0}, b = {got, sizeof got, 0};
  pgi_type_text(expected, &a);
  pgi_type_text(inf->in[i], &b);
  return pgi_fail(inf->err, PG_INVALID, "input %d: expected %s but for the axis, got %s", i, want,
                  got);
}

/* Joins input i into `out`, whose `axis` gathers the length. */
static pg_status join(pgi_infer *inf, int i, int axis, pgi_type *out) {
  const pgi_type *in = inf->in[i];
  if (in->rank != out->rank || (in->dtype != out->dtype && in->dtype && out->dtype)) {
    return fail_shape(inf, i, out);
  }
  for (int k = 0; k < in->rank; k++) {
    pgi_dim a = out->dims[k], b = in->dims[k];
    if (k == axis) {
      if (a.n >= 0 && b.n >= 0 && a.n > INT64_MAX - b.n) return fail_shape(inf, i, out);
      out->dims[k] = pgi_dim_add(inf->arena, a, b);
    } else if (a.n >= 0 && b.n >= 0 && a.n != b.n) {
      return fail_shape(inf, i, out);
    } else if (a.n < 0 && (b.n >= 0 || !a.symbol)) {
      out->dims[k] = b;
    }
  }
  return PG_OK;
}

static pg_status concat_infer(pgi_infer *inf) {
  int rank = -1, axis;
  pg_dtype dtype = PG_NONE;
  bool is_complete = true;
  for (int i = 0; i < inf->n_in; i++) {
    int r = pgi_in_rank(inf, i);
    if (r >= 0 && rank < 0) rank = r;
    if (r < 0) is_complete = false;
    if (!dtype) dtype = pgi_in_dtype(inf, i);
  }
  pgi_type *out = pgi_out_type(inf, 0, dtype, rank);
  if (rank < 0) return PG_OK;
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  out->dims[axis] = pgi_dim_of(0);
  for (int i = 0; i < inf->n_in; i++) {
    if (pgi_in_rank(inf, i) >= 0) PG_TRY(join(inf, i, axis, out));
  }
  if (!is_complete) out->dims[axis] = pgi_dim_unknown();
  return PG_OK;
}

static pg_status concat_run(pgi_call *c) {
  pg_tensor *out = c->out[0];
  pgi_elems to;
  int axis;
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), out->rank, &axis, c->err));
  PG_TRY(pgi_elems_for(c, out, &to));
  int64_t outer = pgi_dims_product(out->dims, 0, axis), at = 0;
  int64_t inner = pgi_dims_product(out->dims, axis + 1, out->rank);
  int64_t to_strides[2] = {inner * out->dims[axis], 1};
  for (int i = 0; i < c->n_in; i++) {
    pgi_elems from;
    if (c->in[i]->dtype != out->dtype) {
      return pgi_fail(c->err, PG_INVALID, "input %d: expected %s, got %s", i,
                      pg_dtype_name(out->dtype), pg_dtype_name(c->in[i]->dtype));
    }
    PG_TRY(pgi_elems_of(c, c->in[i], &from));
    int64_t run = c->in[i]->dims[axis] * inner;
    int64_t dims[2] = {outer, run}, from_strides[2] = {run, 1};
    pgi_move_strided(c, to.data + at * (int64_t)to.size, to_strides, from.data, from_strides, 2,
                     dims, to.size);
    at += run;
  }
  return pgi_elems_done(c, out, &to);
}

static bool concat_is_identity(const pgi_node *node) {
  return node->n_in == 1;
}

static const pgi_attr_def concat_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT, .is_required = true}, {0}};

PG_OP(concat) = {
    .name = "Concat",
    .since = {1, 4, 11, 13},
    .in = {1, PG_MANY},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = concat_attrs,
    .upgrade = concat_upgrade,
    .infer = concat_infer,
    .run = concat_run,
    .is_identity = concat_is_identity,
};
