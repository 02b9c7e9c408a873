/* upgrade: rewrites that several operators need on the way from old opsets to the newest form. */
#include "op/op.h"

static bool has_input(const pgi_node *node, int i) {
  return i < node->n_in && node->in[i].value;
}

pg_status pgi_upgrade_ints_to_input(pgi_node *node, const char *attr, int i, pg_error *err) {
  const pgi_attr *a = pgi_attr_find(node, attr);
  if (!a) return PG_OK;
  if (!has_input(node, i)) {
    if (a->kind != PG_ATTR_INTS && (a->kind != PG_ATTR_INT || a->n < 1)) {
      return pgi_fail(err, PG_INVALID, "attribute '%s': expected ints", attr);
    }
    pgi_value *v;
    if (a->kind == PG_ATTR_INTS) {
      PG_TRY(pgi_edit_constant_i64s(node->graph, a->n, a->ints, &v, err));
    } else {
      pg_tensor t = {0};
      PG_TRY(pgi_tensor_scalar_i64(node->graph->model->ctx, a->ints[0], &t, err));
      pg_status status = pgi_edit_constant(node->graph, NULL, &t, &v, err);
      pgi_tensor_clear(&t);
      PG_TRY(status);
    }
    PG_TRY(pgi_edit_set_input(node, i, v, err));
  }
  pgi_attr_remove(node, attr);
  return PG_OK;
}

/* Of input 0; PG_NONE when nobody knows yet. */
static pg_dtype element_type(const pgi_node *node) {
  if (!has_input(node, 0)) return PG_F32;
  const pgi_value *v = node->in[0].value;
  return v->constant.dtype != PG_NONE ? v->constant.dtype : v->type.dtype;
}

/* A scalar of the type of input 0, by a CastLike where that isn't known yet: it goes when it is. */
static pg_status scalar_like(pgi_node *node, double v, pgi_value **out, pg_error *err) {
  pg_dtype dtype = element_type(node);
  if (dtype != PG_NONE) return pgi_edit_constant_scalar(node->graph, dtype, v, out, err);
  pgi_value *in[2] = {NULL, node->in[0].value};
  pgi_node *cast;
  PG_TRY(pgi_edit_constant_scalar(node->graph, PG_F32, v, &in[0], err));
  return pgi_edit_call(node->graph, node, "CastLike", 2, in, &cast, out, err);
}

pg_status pgi_upgrade_float_to_input(pgi_node *node, const char *attr, int i, pg_error *err) {
  const pgi_attr *a = pgi_attr_find(node, attr);
  if (!a) return PG_OK;
  if (!has_input(node, i)) {
    if (a->kind != PG_ATTR_FLOAT || a->n < 1) {
      return pgi_fail(err, PG_INVALID, "attribute '%s': expected a float", attr);
    }
    pgi_value *v;
    PG_TRY(scalar_like(node, (double)a->floats[0], &v, err));
    PG_TRY(pgi_edit_set_input(node, i, v, err));
  }
  pgi_attr_remove(node, attr);
  return PG_OK;
}

/* ---- broadcasting before opset 7 ------------------------------------------------------------------ */

static int known_rank(const pgi_value *v) {
  if (v->constant.dtype != PG_NONE) return v->constant.rank;
  return v->type.kind == PG_TYPE_TENSOR ? v->type.rank : -1;
}

/* B with `n` axes of one element behind its own. */
static pg_status append_axes(pgi_node *node, int rank, int n, pg_error *err) {
  if (n <= 0) return PG_OK;
  int64_t axes[PG_MAX_RANK];
  for (int i = 0; i < n; i++) axes[i] = rank + i;
  pgi_value *in[2] = {node->in[1].value, NULL}, *out;
  pgi_node *unsqueeze;
  PG_TRY(pgi_edit_constant_i64s(node->graph, n, axes, &in[1], err));
  PG_TRY(pgi_edit_call(node->graph, node, "Unsqueeze", 2, in, &unsqueeze, &out, err));
  return pgi_edit_set_input(node, 1, out, err);
}

static pg_status call(pgi_node *before, const char *type, pgi_value *a, pgi_value *b,
                      pgi_node **made, pgi_value **out, pg_error *err) {
  pgi_value *in[2] = {a, b};
  return pgi_edit_call(before->graph, before, type, b ? 2 : 1, in, made, out, err);
}

/* The rank of v as an i64 tensor of one element. */
static pg_status rank_of(pgi_node *before, pgi_value *v, pgi_value **shape, pgi_value **rank,
                         pg_error *err) {
  pgi_node *made;
  PG_TRY(call(before, "Shape", v, NULL, &made, shape, err));
  return call(before, "Shape", *shape, NULL, &made, rank, err);
}

/* The same when the ranks are not known yet: Reshape(B, Concat(Shape(B), ones)) with as many ones as
** A has axes behind those that B covers. */
static pg_status append_axes_later(pgi_node *node, int64_t axis, pg_error *err) {
  pgi_value *a = node->in[0].value, *b = node->in[1].value;
  pgi_value *shape_a, *rank_a, *shape_b, *rank_b, *n, *first, *zero, *ones, *shape, *out;
  pgi_node *made;
  PG_TRY(rank_of(node, a, &shape_a, &rank_a, err));
  PG_TRY(rank_of(node, b, &shape_b, &rank_b, err));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &axis, &first, err));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &(int64_t){0}, &zero, err));
  if (axis < 0)
    n = NULL; /* from the end: the ranks of A cancel out */
  else
    PG_TRY(call(node, "Sub", rank_a, first, &made, &n, err));
  if (!n) PG_TRY(call(node, "Neg", first, NULL, &made, &n, err));
  PG_TRY(call(node, "Sub", n, rank_b, &made, &n, err));
  PG_TRY(call(node, "Max", n, zero, &made, &n, err));
  pg_tensor one = {0};
  PG_TRY(pgi_tensor_i64s(node->graph->model->ctx, 1, &(int64_t){1}, &one, err));
  pg_status status = call(node, "ConstantOfShape", n, NULL, &made, &ones, err);
  if (status == PG_OK) status = pgi_attr_set_tensor(made, "value", &one, err);
  pgi_tensor_clear(&one);
  PG_TRY(status);
  PG_TRY(call(node, "Concat", shape_b, ones, &made, &shape, err));
  PG_TRY(pgi_attr_set_int(made, "axis", 0, err));
  PG_TRY(call(node, "Reshape", b, shape, &made, &out, err));
  return pgi_edit_set_input(node, 1, out, err);
}

/* "broadcast" = 1 lays B's axes on A's from `axis` on; without an axis they end together, which is
** what broadcasting means today (ONNX Add-1, Add-6). */
pg_status pgi_upgrade_legacy_broadcast(pgi_node *node, pg_error *err) {
  const pgi_attr *broadcast = pgi_attr_find(node, "broadcast"), *at = pgi_attr_find(node, "axis");
  bool is_on =
      broadcast && broadcast->kind == PG_ATTR_INT && broadcast->n > 0 && broadcast->ints[0];
  if (is_on && at && at->kind == PG_ATTR_INT && at->n > 0 && has_input(node, 0) &&
      has_input(node, 1)) {
    int64_t axis = at->ints[0];
    int rank_a = known_rank(node->in[0].value), rank_b = known_rank(node->in[1].value);
    if (rank_b != 0 && (rank_a < 0 || rank_b < 0)) {
      if (axis < -PG_MAX_RANK || axis > PG_MAX_RANK) {
        return pgi_fail(err, PG_INVALID, "axis: expected less than %d, got %lld", PG_MAX_RANK,
                        (long long)axis);
      }
      PG_TRY(append_axes_later(node, axis, err));
    } else if (rank_b > 0) {
      int first;
      PG_TRY(pgi_axis(axis, rank_a, &first, err));
      PG_TRY(append_axes(node, rank_b, rank_a - first - rank_b, err));
    }
  }
  pgi_attr_remove(node, "broadcast");
  pgi_attr_remove(node, "axis");
  pgi_attr_remove(node, "consumed_inputs");
  return PG_OK;
}
