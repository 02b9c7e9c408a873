/* The experimental operators of opsets 1 to 9 that never got a place in the standard: each is rewritten
** by operators that did.  (ATen and GRUUnit named functions of other programs and can't be.) */
#include "op/op.h"

/* ---- building ------------------------------------------------------------------------------- */

static pg_status call(pgi_node *before, const char *type, pgi_value *a, pgi_value *b,
                      pgi_value **out, pg_error *err) {
  pgi_node *made;
  pgi_value *in[2] = {a, b};
  return pgi_edit_call(before->graph, before, type, b ? 2 : 1, in, &made, out, err);
}

static pg_status input(const pgi_node *node, int i, pgi_value **out, pg_error *err) {
  *out = i < node->n_in ? node->in[i].value : NULL;
  return *out ? PG_OK : pgi_fail(err, PG_INVALID, "input %d is missing", i);
}

static pg_status floats(pg_graph *g, int rank, const int64_t *dims, const float *v, pgi_value **out,
                        pg_error *err) {
  pg_tensor t = {0};
  PG_TRY(pgi_tensor_alloc(g->model->ctx, PG_F32, rank, dims, &t, err));
  int64_t n = pgi_tensor_count(&t);
  if (n > 0) memcpy(pgi_tensor_data(&t), v, (size_t)n * sizeof *v);
  pg_status status = pgi_edit_constant(g, NULL, &t, out, err);
  pgi_tensor_clear(&t);
  return status;
}

/* x by a float attribute, in the element type of x. */
static pg_status with_attr(pgi_node *node, const char *type, pgi_value *x, const char *attr,
                           pgi_value **out, pg_error *err) {
  pgi_value *v;
  float number = pgi_attr_float(node, attr);
  PG_TRY(floats(node->graph, 0, NULL, &number, &v, err));
  PG_TRY(call(node, "CastLike", v, node->in[0].value, &v, err));
  return call(node, type, x, v, out, err);
}

/* ---- elementwise ---------------------------------------------------------------------------- */

/* alpha x + beta */
static pg_status affine_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  pgi_value *y;
  PG_TRY(input(node, 0, &y, err));
  PG_TRY(with_attr(node, "Mul", y, "alpha", &y, err));
  PG_TRY(with_attr(node, "Add", y, "beta", &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

static pg_status scale_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  pgi_value *y;
  PG_TRY(input(node, 0, &y, err));
  PG_TRY(with_attr(node, "Mul", y, "scale", &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

/* alpha f(beta x) */
static pg_status scaled(pgi_node *node, const char *f, pg_error *err) {
  pgi_value *y;
  PG_TRY(input(node, 0, &y, err));
  PG_TRY(with_attr(node, "Mul", y, "beta", &y, err));
  PG_TRY(call(node, f, y, NULL, &y, err));
  PG_TRY(with_attr(node, "Mul", y, "alpha", &y, err));
  return pgi_edit_replace_node(node, &y, err);
}
static pg_status scaled_tanh_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  return scaled(node, "Tanh", err);
}
static pg_status parametric_softplus_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  return scaled(node, "Softplus", err);
}

/* ---- images --------------------------------------------------------------------------------- */

/* scale x + bias, a number a channel */
static pg_status image_scaler_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  pgi_value *y, *bias;
  int64_t dims[3] = {0, 1, 1};
  const float *v = pgi_attr_floats(node, "bias", &dims[0]);
  PG_TRY(input(node, 0, &y, err));
  PG_TRY(with_attr(node, "Mul", y, "scale", &y, err));
  if (dims[0] > 0) {
    PG_TRY(floats(node->graph, 3, dims, v, &bias, err));
    PG_TRY(call(node, "CastLike", bias, node->in[0].value, &bias, err));
    PG_TRY(call(node, "Add", y, bias, &y, err));
  }
  return pgi_edit_replace_node(node, &y, err);
}

/* border: left, top, right, bottom.  With a scale (height, width) only left and top count. */
static pg_status crop_upgrade(pgi_node *node, int version, pg_error *err) {
  static const int64_t axes[] = {2, 3};
  int64_t n_border, n_scale;
  const int64_t *border = pgi_attr_ints(node, "border", &n_border);
  const int64_t *scale = pgi_attr_ints(node, "scale", &n_scale);
  pgi_value *in[4], *y;
  pgi_node *made;
  (void)version;
  PG_TRY(input(node, 0, &in[0], err));
  if (n_border != 4 || (n_scale != 0 && n_scale != 2))
    return pgi_fail(err, PG_INVALID, "border, scale: expected 4 and 2 numbers, got %lld and %lld",
                    (long long)n_border, (long long)n_scale);
  int64_t starts[2] = {border[1], border[0]}, ends[2];
  for (int i = 0; i < 2; i++) {
    int64_t far = i ? border[2] : border[3];
    if (starts[i] < 0 || far < 0 || (n_scale && scale[i] < 0))
      return pgi_fail(err, PG_INVALID, "border, scale: expected no negative numbers");
    ends[i] = far ? -far : INT64_MAX;
    if (n_scale) ends[i] = starts[i] > INT64_MAX - scale[i] ? INT64_MAX : starts[i] + scale[i];
  }
  PG_TRY(pgi_edit_constant_i64s(node->graph, 2, starts, &in[1], err));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 2, ends, &in[2], err));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 2, axes, &in[3], err));
  PG_TRY(pgi_edit_call(node->graph, node, "Slice", 4, in, &made, &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

/* What Slice is since opset 10. */
static pg_status dynamic_slice_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  return pgi_edit_retype(node, "", "Slice", err);
}

/* ---- filling -------------------------------------------------------------------------------- */

/* The shape that the input or the attribute `shape` gives, and extra_shape behind it. */
static pg_status wanted_shape(pgi_node *node, pgi_value **out, pg_error *err) {
  int64_t n_extra, n_shape;
  const int64_t *extra = pgi_attr_ints(node, "extra_shape", &n_extra);
  const int64_t *shape = pgi_attr_ints(node, "shape", &n_shape);
  pgi_value *in = node->n_in > 0 ? node->in[0].value : NULL;
  if (!in) {
    if (n_extra) return pgi_fail(err, PG_INVALID, "extra_shape: expected none without an input");
    return pgi_edit_constant_i64s(node->graph, n_shape, shape, out, err);
  }
  pgi_node *made;
  if (pgi_attr_int(node, "input_as_shape")) {
    PG_TRY(pgi_edit_call(node->graph, node, "Cast", 1, &in, &made, out, err));
    PG_TRY(pgi_attr_set_int(made, "to", PG_I64, err));
  } else {
    PG_TRY(call(node, "Shape", in, NULL, out, err));
  }
  if (n_extra == 0) return PG_OK;
  pgi_value *parts[2] = {*out, NULL};
  PG_TRY(pgi_edit_constant_i64s(node->graph, n_extra, extra, &parts[1], err));
  PG_TRY(pgi_edit_call(node->graph, node, "Concat", 2, parts, &made, out, err));
  return pgi_attr_set_int(made, "axis", 0, err);
}

static pg_status constant_fill_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  float v = pgi_attr_float(node, "value");
  pgi_value *shape, *y;
  pgi_node *made;
  PG_TRY(wanted_shape(node, &shape, err));
  PG_TRY(floats(node->graph, 0, NULL, &v, &y, err));
  PG_TRY(pgi_edit_call(node->graph, node, "Cast", 1, &y, &made, &y, err));
  PG_TRY(pgi_attr_set_int(made, "to", pgi_attr_int(node, "dtype"), err));
  PG_TRY(call(node, "Expand", y, shape, &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

static pg_status given_tensor_fill_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  int64_t n;
  const float *v = pgi_attr_floats(node, "values", &n);
  pgi_value *shape, *y;
  PG_TRY(wanted_shape(node, &shape, err));
  PG_TRY(floats(node->graph, 1, &n, v, &y, err));
  PG_TRY(call(node, "Reshape", y, shape, &y, err));
  return pgi_edit_replace_node(node, &y, err);
}

/* ---- declarations --------------------------------------------------------------------------- */

static const pgi_attr_def affine_attrs[] = {
    {.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1}, {.name = "beta", .kind = PG_ATTR_FLOAT}, {0}};
static const pgi_attr_def scaled_attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1},
                                            {.name = "beta", .kind = PG_ATTR_FLOAT, .f = 1},
                                            {0}};
static const pgi_attr_def scale_attrs[] = {{.name = "scale", .kind = PG_ATTR_FLOAT, .f = 1}, {0}};
static const pgi_attr_def image_attrs[] = {{.name = "bias", .kind = PG_ATTR_FLOATS},
                                           {.name = "scale", .kind = PG_ATTR_FLOAT, .f = 1},
                                           {0}};
static const pgi_attr_def crop_attrs[] = {
    {.name = "border", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "scale", .kind = PG_ATTR_INTS},
    {0}};
static const pgi_attr_def slice_attrs[] = {{0}};

#define FILL_ATTRS                                                                                \
  {.name = "extra_shape", .kind = PG_ATTR_INTS}, {.name = "input_as_shape", .kind = PG_ATTR_INT}, \
  {                                                                                               \
    .name = "shape", .kind = PG_ATTR_INTS                                                         \
  }
static const pgi_attr_def constant_attrs[] = {FILL_ATTRS,
                                              {.name = "dtype", .kind = PG_ATTR_INT, .i = PG_F32},
                                              {.name = "value", .kind = PG_ATTR_FLOAT},
                                              {0}};
static const pgi_attr_def given_attrs[] = {
    FILL_ATTRS, {.name = "values", .kind = PG_ATTR_FLOATS}, {0}};

#define OLD(op_name, least, most, a, f) \
  .name = op_name, .since = {1}, .in = {least, most}, .out = {1, 1}, .attrs = a, .upgrade = f
PG_OP(affine) = {OLD("Affine", 1, 1, affine_attrs, affine_upgrade)};
PG_OP(constant_fill) = {OLD("ConstantFill", 0, 1, constant_attrs, constant_fill_upgrade)};
PG_OP(crop) = {OLD("Crop", 1, 1, crop_attrs, crop_upgrade)};
PG_OP(dynamic_slice) = {OLD("DynamicSlice", 3, 4, slice_attrs, dynamic_slice_upgrade)};
PG_OP(given_tensor_fill) = {OLD("GivenTensorFill", 0, 1, given_attrs, given_tensor_fill_upgrade)};
PG_OP(image_scaler) = {OLD("ImageScaler", 1, 1, image_attrs, image_scaler_upgrade)};
PG_OP(parametric_softplus) = {
    OLD("ParametricSoftplus", 1, 1, scaled_attrs, parametric_softplus_upgrade)};
PG_OP(scale) = {OLD("Scale", 1, 1, scale_attrs, scale_upgrade)};
PG_OP(scaled_tanh) = {OLD("ScaledTanh", 1, 1, scaled_attrs, scaled_tanh_upgrade)};
