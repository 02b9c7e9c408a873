/* com.microsoft's operators on quantised tensors, as compositions of standard ones: take the scale
** off, compute, put the scale on. */
#include "op/build.h"

/* ---- building ------------------------------------------------------------------------------- */

static pgi_value *dequantize(pgi_build *b, pgi_value *x, pgi_value *scale, pgi_value *zero) {
  return pgi_build_call(b, "DequantizeLinear", 3, (pgi_value *[]){x, scale, zero});
}

/* Without a zero point the result has the type of `like`. */
static pgi_value *quantize(pgi_build *b, pgi_value *x, pgi_value *scale, pgi_value *zero,
                           const pgi_value *like) {
  pgi_value *y = pgi_build_call(b, "QuantizeLinear", 3, (pgi_value *[]){x, scale, zero});
  if (!zero && like->type.dtype != PG_NONE) pgi_build_int(b, "output_dtype", like->type.dtype);
  return y;
}

/* ---- element by element --------------------------------------------------------------------- */

static pg_status expand_binary(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *left = dequantize(&b, pgi_build_in(&b, 0), pgi_build_in(&b, 1), pgi_build_in(&b, 2));
  pgi_value *right = dequantize(&b, pgi_build_in(&b, 3), pgi_build_in(&b, 4), pgi_build_in(&b, 5));
  pgi_value *y = pgi_build_2(&b, node->type + strlen("QLinear"), left, right);
  return pgi_build_finish(
      &b, quantize(&b, y, pgi_build_in(&b, 6), pgi_build_in(&b, 7), pgi_build_in(&b, 0)));
}

static pg_status expand_unary(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = dequantize(&b, pgi_build_in(&b, 0), pgi_build_in(&b, 1), pgi_build_in(&b, 2));
  pgi_value *y = pgi_build_1(&b, node->type + strlen("QLinear"), x);
  pgi_build_copy(&b, "alpha");
  return pgi_build_finish(
      &b, quantize(&b, y, pgi_build_in(&b, 3), pgi_build_in(&b, 4), pgi_build_in(&b, 0)));
}

/* Attribute opset says which Softmax is meant: before 13 it flattened its input. */
static pg_status expand_softmax(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  int64_t opset = pgi_attr_int(node, "opset");
  pgi_value *x = dequantize(&b, pgi_build_in(&b, 0), pgi_build_in(&b, 1), pgi_build_in(&b, 2));
  pgi_value *y = pgi_build_1(&b, "Softmax", x);
  pgi_build_int(&b, "axis",
                pgi_attr_find(node, "axis") ? pgi_attr_int(node, "axis")
                : opset < 13                ? 1
                                            : -1);
  PG_TRY(b.status);
  pgi_node *softmax = b.last;
  pgi_value *out = quantize(&b, y, pgi_build_in(&b, 3), pgi_build_in(&b, 4), pgi_build_in(&b, 0));
  PG_TRY(pgi_build_finish(&b, out));
  if (opset >= 13 || !softmax->op->upgrade) return PG_OK;
  softmax->version = 1;
  PG_TRY(softmax->op->upgrade(softmax, 1, err));
  softmax->version = pgi_opset_newest("");
  return PG_OK;
}

static pg_status expand_concat(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *parts[PG_MANY];
  int n = (node->n_in - 2) / 3;
  if (n < 1 || n > PG_MANY || node->n_in != 2 + 3 * n) {
    return pgi_fail(err, PG_INVALID, "expected a tensor, a scale and a zero point each");
  }
  for (int i = 0; i < n; i++) {
    int at = 2 + 3 * i;
    parts[i] =
        dequantize(&b, pgi_build_in(&b, at), pgi_build_in(&b, at + 1), pgi_build_in(&b, at + 2));
  }
  pgi_value *y = pgi_build_call(&b, "Concat", n, parts);
  pgi_build_copy(&b, "axis");
  return pgi_build_finish(
      &b, quantize(&b, y, pgi_build_in(&b, 0), pgi_build_in(&b, 1), pgi_build_in(&b, 2)));
}

/* ---- pools ---------------------------------------------------------------------------------- */

static pg_status expand_pool(pgi_node *node, pg_error *err) {
  static const char *const attrs[] = {
      "auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"};
  pgi_build b = pgi_build_start(node, err);
  bool is_quantized = strncmp(node->type, "QLinear", 7) == 0;
  bool is_last = !is_quantized || pgi_attr_int(node, "channels_last") != 0;
  const char *type = !is_quantized ? "MaxPool" : node->type + strlen("QLinear");
  int rank = node->in[0].value->type.rank;
  int64_t n_spatial;
  if (rank < 0 && pgi_attr_ints(node, "kernel_shape", &n_spatial) && n_spatial < PG_MAX_RANK - 1)
    rank = (int)n_spatial + 2;
  if (is_last && rank < 3) {
    if (rank < 0) return PG_OK; /* not known yet */
    return pgi_fail(err, PG_INVALID, "input 0: expected rank 3 or more, got %d", rank);
  }
  pgi_value *x = pgi_build_in(&b, 0);
  if (is_quantized) x = dequantize(&b, x, pgi_build_in(&b, 1), pgi_build_in(&b, 2));
  if (is_last) x = pgi_build_move_channels(&b, x, rank, false);
  pgi_value *y = pgi_build_1(&b, type, x);
  for (int i = 0; i < PG_COUNT(attrs); i++) pgi_build_copy(&b, attrs[i]);
  if (is_last) y = pgi_build_move_channels(&b, y, rank, true);
  if (is_quantized)
    y = quantize(&b, y, pgi_build_in(&b, 3), pgi_build_in(&b, 4), pgi_build_in(&b, 0));
  return pgi_build_finish(&b, y);
}

/* ---- products ------------------------------------------------------------------------------- */

/* (a - a_zero) (b - b_zero) scaled, plus a bias if there is one. */
static pgi_value *product(pgi_build *b, pgi_value *const operands[4], pgi_value *a_scale,
                          pgi_value *b_scale, pgi_value *bias) {
  pgi_value *sum = pgi_build_cast(b, pgi_build_call(b, "MatMulInteger", 4, operands), PG_F32);
  pgi_value *y = pgi_build_2(b, "Mul", sum, pgi_build_2(b, "Mul", a_scale, b_scale));
  return bias ? pgi_build_2(b, "Add", y, bias) : y;
}

static pg_status expand_to_float(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *operands[] = {pgi_build_in(&b, 0), pgi_build_in(&b, 1), pgi_build_in(&b, 4),
                           pgi_build_in(&b, 5)};
  return pgi_build_finish(
      &b, product(&b, operands, pgi_build_in(&b, 2), pgi_build_in(&b, 3), pgi_build_in(&b, 6)));
}

static pg_status expand_dynamic(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = pgi_build_1(&b, "DynamicQuantizeLinear", pgi_build_in(&b, 0)), *extra[2];
  for (int i = 0; i < 2; i++) {
    PG_TRY(b.status);
    PG_TRY(pgi_edit_value(node->graph, NULL, &extra[i], err));
    PG_TRY(pgi_edit_set_output(b.last, i + 1, extra[i], err));
  }
  pgi_value *operands[] = {x, pgi_build_in(&b, 1), extra[1], pgi_build_in(&b, 3)};
  return pgi_build_finish(
      &b, product(&b, operands, extra[0], pgi_build_in(&b, 2), pgi_build_in(&b, 4)));
}

/* y = alpha a b + c, where c is quantised with the scale of the product. */
static pg_status expand_gemm(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = pgi_build_in(&b, 0), *w = pgi_build_in(&b, 3), *c = pgi_build_in(&b, 6), *alpha;
  if (pgi_attr_int(node, "transA")) x = pgi_build_1(&b, "Transpose", x);
  if (pgi_attr_int(node, "transB")) w = pgi_build_1(&b, "Transpose", w);
  pgi_value *sum = pgi_build_call(&b, "MatMulInteger", 4,
                                  (pgi_value *[]){x, w, pgi_build_in(&b, 2), pgi_build_in(&b, 5)});
  if (c) sum = pgi_build_2(&b, "Add", sum, c);
  PG_TRY(b.status);
  PG_TRY(pgi_edit_constant_scalar(node->graph, PG_F32, (double)pgi_attr_float(node, "alpha"),
                                  &alpha, err));
  pgi_value *scale = pgi_build_2(
      &b, "Mul", pgi_build_2(&b, "Mul", pgi_build_in(&b, 1), pgi_build_in(&b, 4)), alpha);
  pgi_value *y = pgi_build_2(&b, "Mul", pgi_build_cast(&b, sum, PG_F32), scale);
  if (pgi_build_in(&b, 7))
    y = quantize(&b, y, pgi_build_in(&b, 7), pgi_build_in(&b, 8), pgi_build_in(&b, 0));
  return pgi_build_finish(&b, y);
}

/* ---- the operators -------------------------------------------------------------------------- */

#define BYTES (PG_T(PG_I8) | PG_T(PG_U8))
#define CONTRIB .domain = "com.microsoft", .since = {1}, .out = {1, 1}
#define POOL_ATTRS                                                         \
  {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},             \
      {.name = "ceil_mode", .kind = PG_ATTR_INT},                          \
      {.name = "kernel_shape", .kind = PG_ATTR_INTS, .is_required = true}, \
      {.name = "pads", .kind = PG_ATTR_INTS}, {                            \
    .name = "strides", .kind = PG_ATTR_INTS                                \
  }

static const pgi_attr_def no_attrs[] = {{0}};
static const pgi_attr_def alpha_attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 0.01f},
                                           {0}};
static const pgi_attr_def softmax_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT, .i = -1},
    {.name = "opset", .kind = PG_ATTR_INT, .is_required = true},
    {0}};
static const pgi_attr_def concat_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT, .is_required = true}, {0}};
static const pgi_attr_def global_attrs[] = {{.name = "channels_last", .kind = PG_ATTR_INT}, {0}};
static const pgi_attr_def average_attrs[] = {POOL_ATTRS,
                                             {.name = "channels_last", .kind = PG_ATTR_INT},
                                             {.name = "count_include_pad", .kind = PG_ATTR_INT},
                                             {0}};
static const pgi_attr_def max_attrs[] = {
    POOL_ATTRS, {.name = "dilations", .kind = PG_ATTR_INTS}, {0}};
static const pgi_attr_def gemm_attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1},
                                          {.name = "transA", .kind = PG_ATTR_INT},
                                          {.name = "transB", .kind = PG_ATTR_INT},
                                          {0}};

PG_OP(qlinear_add) = {.name = "QLinearAdd",
                      CONTRIB,
                      .in = {7, 8},
                      .types = BYTES,
                      .attrs = no_attrs,
                      .expand = expand_binary};
PG_OP(qlinear_mul) = {.name = "QLinearMul",
                      CONTRIB,
                      .in = {7, 8},
                      .types = BYTES,
                      .attrs = no_attrs,
                      .expand = expand_binary};
PG_OP(qlinear_leaky_relu) = {.name = "QLinearLeakyRelu",
                             CONTRIB,
                             .in = {4, 5},
                             .types = BYTES,
                             .attrs = alpha_attrs,
                             .expand = expand_unary};
PG_OP(qlinear_sigmoid) = {.name = "QLinearSigmoid",
                          CONTRIB,
                          .in = {4, 5},
                          .types = BYTES,
                          .attrs = no_attrs,
                          .expand = expand_unary};
PG_OP(qlinear_softmax) = {.name = "QLinearSoftmax",
                          CONTRIB,
                          .in = {5, 5},
                          .types = BYTES,
                          .attrs = softmax_attrs,
                          .expand = expand_softmax};
PG_OP(qlinear_concat) = {.name = "QLinearConcat",
                         CONTRIB,
                         .in = {5, PG_MANY},
                         .types = PG_T(PG_F32),
                         .attrs = concat_attrs,
                         .expand = expand_concat};
PG_OP(qlinear_global_average_pool) = {.name = "QLinearGlobalAveragePool",
                                      CONTRIB,
                                      .in = {5, 5},
                                      .types = BYTES,
                                      .attrs = global_attrs,
                                      .expand = expand_pool};
PG_OP(qlinear_average_pool) = {.name = "QLinearAveragePool",
                               CONTRIB,
                               .in = {4, 5},
                               .types = BYTES,
                               .attrs = average_attrs,
                               .expand = expand_pool};
PG_OP(nhwc_max_pool) = {.name = "NhwcMaxPool",
                        CONTRIB,
                        .in = {1, 1},
                        .types = BYTES,
                        .attrs = max_attrs,
                        .expand = expand_pool};
PG_OP(matmul_integer_to_float) = {.name = "MatMulIntegerToFloat",
                                  CONTRIB,
                                  .in = {4, 7},
                                  .types = BYTES,
                                  .attrs = no_attrs,
                                  .expand = expand_to_float};
PG_OP(dynamic_quantize_matmul) = {.name = "DynamicQuantizeMatMul",
                                  CONTRIB,
                                  .in = {3, 5},
                                  .types = PG_T(PG_F32),
                                  .attrs = no_attrs,
                                  .expand = expand_dynamic};
PG_OP(qgemm) = {.name = "QGemm",
                CONTRIB,
                .in = {6, 9},
                .types = BYTES,
                .attrs = gemm_attrs,
                .expand = expand_gemm};
