/* MeanVarianceNormalization, LpNormalization: made of reductions and arithmetic. */
#include "op/op.h"

static pg_status call(pgi_node *before, const char *type, pgi_value *a, pgi_value *b,
                      pgi_value **out, pg_error *err) {
  pgi_node *made;
  pgi_value *in[2] = {a, b};
  return pgi_edit_call(before->graph, before, type, b ? 2 : 1, in, &made, out, err);
}

/* Of input 0; f32 when nobody knows. */
static pg_status constant_like(pgi_node *node, double v, pgi_value **out, pg_error *err) {
  pg_dtype dtype = node->in[0].value->type.dtype;
  return pgi_edit_constant_scalar(node->graph, dtype == PG_NONE ? PG_F32 : dtype, v, out, err);
}

/* A constant of the type of input 0 even when nobody knows that type yet. */
static pg_status constant_cast(pgi_node *node, double v, pgi_value **out, pg_error *err) {
  PG_TRY(constant_like(node, v, out, err));
  if (node->in[0].value->type.dtype != PG_NONE) return PG_OK;
  return call(node, "CastLike", *out, node->in[0].value, out, err);
}

/* The experimental form before opset 9 named the axes by whether channels share their statistics, and
** could leave the variance alone. */
static pg_status mvn_upgrade(pgi_node *node, int version, pg_error *err) {
  static const int64_t axes[] = {0, 2, 3, 1};
  if (version >= 9) return PG_OK;
  const pgi_attr *across = pgi_attr_find(node, "across_channels");
  const pgi_attr *variance = pgi_attr_find(node, "normalize_variance");
  bool is_across = across && across->kind == PG_ATTR_INT && across->n == 1 && across->ints[0];
  bool is_mean =
      variance && variance->kind == PG_ATTR_INT && variance->n == 1 && !variance->ints[0];
  pgi_attr_remove(node, "across_channels");
  pgi_attr_remove(node, "normalize_variance");
  if (!is_mean) return pgi_attr_set_ints(node, "axes", is_across ? 4 : 3, axes, err);
  pgi_value *x = node->n_in > 0 ? node->in[0].value : NULL, *list, *y;
  if (!x) return pgi_fail(err, PG_INVALID, "input 0 is missing");
  PG_TRY(pgi_edit_constant_i64s(node->graph, is_across ? 4 : 3, axes, &list, err));
  PG_TRY(call(node, "ReduceMean", x, list, &y, err));
  PG_TRY(call(node, "Sub", x, y, &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

/* (x - mean(x)) / (sqrt(mean((x - mean(x))^2)) + 1e-9) */
static pg_status mvn_expand(pgi_node *node, pg_error *err) {
  static const int64_t usual[] = {0, 2, 3};
  const pgi_attr *a = pgi_attr_find(node, "axes");
  pgi_value *x = node->in[0].value, *axes, *mean, *d, *square, *variance, *deviation, *tiny, *y;
  PG_TRY(pgi_edit_constant_i64s(node->graph, a ? a->n : 3, a ? a->ints : usual, &axes, err));
  PG_TRY(call(node, "ReduceMean", x, axes, &mean, err));
  PG_TRY(call(node, "Sub", x, mean, &d, err));
  PG_TRY(call(node, "Mul", d, d, &square, err));
  PG_TRY(call(node, "ReduceMean", square, axes, &variance, err));
  PG_TRY(call(node, "Sqrt", variance, NULL, &deviation, err));
  PG_TRY(constant_cast(node, 1e-9, &tiny, err));
  PG_TRY(call(node, "Add", deviation, tiny, &deviation, err));
  PG_TRY(call(node, "Div", d, deviation, &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

/* x / norm(x), where x is all zeros when the norm is. */
static pg_status lp_expand(pgi_node *node, pg_error *err) {
  int64_t p = pgi_attr_int(node, "p"), axis = pgi_attr_int(node, "axis");
  pgi_value *x = node->in[0].value, *axes, *norm, *zero, *is_zero, *ratio, *y;
  if (p != 1 && p != 2)
    return pgi_fail(err, PG_INVALID, "p: expected 1 or 2, got %lld", (long long)p);
  PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &axis, &axes, err));
  PG_TRY(call(node, p == 1 ? "ReduceL1" : "ReduceL2", x, axes, &norm, err));
  PG_TRY(constant_cast(node, 0, &zero, err));
  PG_TRY(call(node, "Equal", norm, zero, &is_zero, err));
  PG_TRY(call(node, "Div", x, norm, &ratio, err));
  pgi_node *made;
  pgi_value *in[3] = {is_zero, x, ratio};
  PG_TRY(pgi_edit_call(node->graph, node, "Where", 3, in, &made, &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

static const pgi_attr_def mvn_attrs[] = {{.name = "axes", .kind = PG_ATTR_INTS}, {0}};
static const pgi_attr_def lp_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = -1},
                                        {.name = "p", .kind = PG_ATTR_INT, .i = 2},
                                        {0}};

PG_OP(mean_variance_normalization) = {
    .name = "MeanVarianceNormalization",
    .since = {1, 9, 13}, /* experimental in 1 */
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = mvn_attrs,
    .upgrade = mvn_upgrade,
    .infer = pgi_infer_same,
    .expand = mvn_expand,
};

PG_OP(lp_normalization) = {
    .name = "LpNormalization",
    .since = {1, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = lp_attrs,
    .infer = pgi_infer_same,
    .expand = lp_expand,
};
