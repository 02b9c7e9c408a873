/* com.microsoft's operators that ONNX has as well, often because it took them over: the standard
** ones under other names. */
#include "op/build.h"

static const char MS[] = "com.microsoft";

static pgi_value *in(const pgi_build *b, int i) {
  return pgi_build_in(b, i);
}

/* ---- shapes and indices ---------------------------------------------------------------------- */

static pgi_value *flat(pgi_build *b, pgi_value *x) {
  return pgi_build_2(b, "Reshape", x, pgi_build_i64s(b, 1, &(int64_t){-1}));
}

/* pads: [2 n] or [1, 2 n]. */
static pg_status expand_pad(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_3(&b, "Pad", in(&b, 0), flat(&b, in(&b, 1)), in(&b, 2));
  pgi_build_copy(&b, "mode");
  return pgi_build_finish(&b, y);
}

static pgi_value *number(pgi_build *b, pgi_value *x) {
  return pgi_build_2(b, "Reshape", x, pgi_build_i64s(b, 0, &(int64_t){0}));
}

static pg_status expand_range(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *start = number(&b, in(&b, 0)), *limit = number(&b, in(&b, 1));
  pgi_value *delta = in(&b, 2) ? number(&b, in(&b, 2)) : pgi_build_like(&b, 1, start);
  return pgi_build_finish(&b, pgi_build_3(&b, "Range", start, limit, delta));
}

static pg_status expand_trilu(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_2(&b, "Trilu", in(&b, 0), in(&b, 1));
  pgi_build_copy(&b, "upper");
  return pgi_build_finish(&b, y);
}

static pg_status expand_dims(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *axes = pgi_build_cast(&b, flat(&b, in(&b, 1)), PG_I64);
  return pgi_build_finish(&b, pgi_build_2(&b, "Unsqueeze", in(&b, 0), axes));
}

static pg_status expand_gather_nd(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *indices = pgi_build_cast(&b, in(&b, 1), PG_I64);
  return pgi_build_finish(&b, pgi_build_2(&b, "GatherND", in(&b, 0), indices));
}

/* In order of appearance; ONNX's has the places of the first of each besides. */
static pg_status expand_unique(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_1(&b, "Unique", in(&b, 0));
  pgi_build_int(&b, "sorted", 0);
  pgi_build_output(&b, 1);
  pgi_value *out[3] = {y};
  out[1] = pgi_build_output(&b, 2);
  out[2] = pgi_build_output(&b, 3);
  return pgi_build_finish_all(&b, out);
}

static pg_status expand_grid_sample(pgi_node *node, pg_error *err) {
  static const char *const names[][2] = {{"bilinear", "linear"}, {"bicubic", "cubic"}};
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_2(&b, "GridSample", in(&b, 0), in(&b, 1));
  pgi_build_copy(&b, "mode");
  for (int i = 0; i < PG_COUNT(names); i++)
    if (pgi_attr_is(node, "mode", names[i][0])) pgi_build_string(&b, "mode", names[i][1]);
  pgi_build_copy(&b, "align_corners");
  pgi_build_copy(&b, "padding_mode");
  return pgi_build_finish(&b, y);
}

static pg_status expand_embedding(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  return pgi_build_finish(&b, pgi_build_2(&b, "Gather", in(&b, 0), in(&b, 1)));
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static pg_status expand_transpose_matmul(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_call_in(&b, MS, "FusedMatMul", 2, (pgi_value *[]){in(&b, 0), in(&b, 1)});
  pgi_build_copy(&b, "alpha");
  pgi_build_copy(&b, "transA");
  pgi_build_copy(&b, "transB");
  return pgi_build_finish(&b, y);
}

static pg_status expand_gemm_fast_gelu(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_2(&b, "MatMul", in(&b, 0), in(&b, 1));
  return pgi_build_finish(&b,
                          pgi_build_call_in(&b, MS, "FastGelu", 2, (pgi_value *[]){y, in(&b, 2)}));
}

static pg_status expand_bias_add(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_2(&b, "Add", in(&b, 0), in(&b, 1));
  return pgi_build_finish(&b, pgi_build_2(&b, "Add", y, in(&b, 2)));
}

/* Half of the last axis by the Gelu of the other half. */
static pg_status expand_bias_split_gelu(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = pgi_build_2(&b, "Add", in(&b, 0), in(&b, 1)), *left, *right;
  left = pgi_build_1(&b, "Split", x);
  pgi_build_int(&b, "axis", -1);
  pgi_build_int(&b, "num_outputs", 2);
  right = pgi_build_output(&b, 1);
  return pgi_build_finish(&b, pgi_build_2(&b, "Mul", left, pgi_build_1(&b, "Gelu", right)));
}

/* Softmax(x + bias) as it was before version 13: over all axes from `axis` on. */
static pg_status expand_bias_softmax(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *sum = pgi_build_2(&b, "Add", in(&b, 0), in(&b, 1));
  pgi_value *shape = pgi_build_1(&b, "Shape", sum), *rows = pgi_build_1(&b, "Flatten", sum);
  pgi_build_int(&b, "axis", pgi_attr_int(node, "axis"));
  pgi_value *y = pgi_build_1(&b, "Softmax", rows);
  return pgi_build_finish(&b, pgi_build_2(&b, "Reshape", y, shape));
}

static pg_status expand_gated_add(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_2(&b, "Mul", in(&b, 1), in(&b, 2));
  return pgi_build_finish(&b, pgi_build_2(&b, "Add", in(&b, 0), y));
}

/* Pairs along the last axis are complex numbers; of the second factor perhaps the conjugates. */
static pg_status expand_complex_mul(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  bool is_conjugate = strcmp(node->type, "ComplexMulConj") == 0;
  pgi_value *part[2][2];
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < 2; k++) part[i][k] = pgi_build_slice(&b, in(&b, i), -1, k, k + 1);
  pgi_value *a = part[0][0], *bi = part[0][1], *c = part[1][0], *di = part[1][1];
  pgi_value *ac = pgi_build_2(&b, "Mul", a, c), *bd = pgi_build_2(&b, "Mul", bi, di);
  pgi_value *ad = pgi_build_2(&b, "Mul", a, di), *bc = pgi_build_2(&b, "Mul", bi, c);
  pgi_value *real = pgi_build_2(&b, is_conjugate ? "Add" : "Sub", ac, bd);
  pgi_value *imaginary = pgi_build_2(&b, is_conjugate ? "Sub" : "Add", bc, ad);
  pgi_value *y = pgi_build_2(&b, "Concat", real, imaginary);
  pgi_build_int(&b, "axis", -1);
  return pgi_build_finish(&b, y);
}

/* ---- quantisation ---------------------------------------------------------------------------- */

static pg_status expand_quantize(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_3(&b, node->type, in(&b, 0), in(&b, 1), in(&b, 2));
  pgi_build_copy(&b, "axis");
  return pgi_build_finish(&b, y);
}

static pgi_value *integers(pgi_build *b, pgi_value *x, pgi_value *zero) {
  x = pgi_build_cast(b, x, PG_I32);
  return zero ? pgi_build_2(b, "Sub", x, pgi_build_cast(b, zero, PG_I32)) : x;
}

/* Of a, a_zero, b, b_zero: unlike most, in this order. */
static pg_status expand_mul_integer(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = integers(&b, in(&b, 0), in(&b, 1)), *y = integers(&b, in(&b, 2), in(&b, 3));
  return pgi_build_finish(&b, pgi_build_2(&b, "Mul", x, y));
}

static pg_status expand_matmul_integer16(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = pgi_build_cast(&b, in(&b, 0), PG_I32), *y = pgi_build_cast(&b, in(&b, 1), PG_I32);
  return pgi_build_finish(&b, pgi_build_2(&b, "MatMul", x, y));
}

static pgi_value *reduce(pgi_build *b, const char *type, pgi_value *x) {
  int64_t n;
  const int64_t *axes = pgi_attr_ints(b->node, "axes", &n);
  pgi_value *y = pgi_build_2(b, type, x, axes ? pgi_build_i64s(b, n, axes) : NULL);
  pgi_build_copy(b, "keepdims");
  return y;
}

static pg_status expand_reduce_integer(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  return pgi_build_finish(&b, reduce(&b, "ReduceSum", pgi_build_cast(&b, in(&b, 0), PG_I32)));
}

static pg_status expand_quantized_mean(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = pgi_build_3(&b, "DequantizeLinear", in(&b, 0), in(&b, 1), in(&b, 2));
  pgi_value *zero = in(&b, 4) ? in(&b, 4) : in(&b, 2);
  return pgi_build_finish(
      &b, pgi_build_3(&b, "QuantizeLinear", reduce(&b, "ReduceMean", x), in(&b, 3), zero));
}

static pg_status expand_quantized_where(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = pgi_build_3(&b, "DequantizeLinear", in(&b, 1), in(&b, 2), in(&b, 3));
  pgi_value *y = pgi_build_3(&b, "DequantizeLinear", in(&b, 4), in(&b, 5), in(&b, 6));
  pgi_value *z = pgi_build_3(&b, "Where", in(&b, 0), x, y);
  return pgi_build_finish(&b, pgi_build_3(&b, "QuantizeLinear", z, in(&b, 7), in(&b, 8)));
}

/* ---- the operators --------------------------------------------------------------------------- */

#define CONTRIB(title, least, most, kinds, list, f)                                           \
  .name = title, .domain = "com.microsoft", .since = {1}, .in = {least, most}, .out = {1, 1}, \
  .types = kinds, .attrs = list, .infer = pgi_build_infer, .expand = f
#define BYTES (PG_T(PG_I8) | PG_T(PG_U8))
#define WORDS (BYTES | PG_T(PG_I16) | PG_T(PG_U16) | PG_T(PG_I32) | PG_T(PG_I4) | PG_T(PG_U4))

static const pgi_attr_def no_attrs[] = {{0}};
static const pgi_attr_def pad_attrs[] = {{.name = "mode", .kind = PG_ATTR_STRING, .s = "constant"},
                                         {0}};
static const pgi_attr_def trilu_attrs[] = {{.name = "upper", .kind = PG_ATTR_INT, .i = 1}, {0}};
static const pgi_attr_def grid_attrs[] = {
    {.name = "align_corners", .kind = PG_ATTR_INT},
    {.name = "mode", .kind = PG_ATTR_STRING, .s = "bilinear"},
    {.name = "padding_mode", .kind = PG_ATTR_STRING, .s = "zeros"},
    {0}};
static const pgi_attr_def product_attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1},
                                             {.name = "transA", .kind = PG_ATTR_INT},
                                             {.name = "transB", .kind = PG_ATTR_INT},
                                             {0}};
static const pgi_attr_def softmax_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = 1},
                                             {.name = "is_inner_broadcast", .kind = PG_ATTR_INT},
                                             {0}};
static const pgi_attr_def axis_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = 1}, {0}};
static const pgi_attr_def reduce_attrs[] = {
    {.name = "axes", .kind = PG_ATTR_INTS}, {.name = "keepdims", .kind = PG_ATTR_INT, .i = 1}, {0}};

PG_OP(ms_pad) = {CONTRIB("Pad", 2, 3, PG_T_ALL, pad_attrs, expand_pad)};
PG_OP(ms_range) = {CONTRIB("Range", 2, 3, PG_T_NUMERIC, no_attrs, expand_range)};
PG_OP(ms_trilu) = {CONTRIB("Trilu", 1, 2, PG_T_ALL, trilu_attrs, expand_trilu)};
PG_OP(ms_expand_dims) = {CONTRIB("ExpandDims", 2, 2, PG_T_ALL, no_attrs, expand_dims)};
PG_OP(ms_gather_nd) = {CONTRIB("GatherND", 2, 2, PG_T_ALL, no_attrs, expand_gather_nd)};
PG_OP(ms_unique) = {.name = "Unique",
                    .domain = "com.microsoft",
                    .since = {1},
                    .in = {1, 1},
                    .out = {1, 3},
                    .types = PG_T_ALL,
                    .attrs = no_attrs,
                    .infer = pgi_build_infer,
                    .expand = expand_unique};
PG_OP(ms_grid_sample) = {CONTRIB("GridSample", 2, 2, PG_T_FLOAT, grid_attrs, expand_grid_sample)};
PG_OP(ms_torch_embedding) = {CONTRIB("TorchEmbedding", 2, 4, PG_T_ALL, no_attrs, expand_embedding)};
PG_OP(ms_transpose_matmul) = {
    CONTRIB("TransposeMatMul", 2, 2, PG_T_FLOAT, product_attrs, expand_transpose_matmul)};
PG_OP(ms_gemm_fast_gelu) = {
    CONTRIB("GemmFastGelu", 2, 3, PG_T_FLOAT, no_attrs, expand_gemm_fast_gelu)};
PG_OP(ms_bias_add) = {CONTRIB("BiasAdd", 3, 3, PG_T_FLOAT, no_attrs, expand_bias_add)};
PG_OP(ms_bias_split_gelu) = {
    CONTRIB("BiasSplitGelu", 2, 2, PG_T_FLOAT, no_attrs, expand_bias_split_gelu)};
PG_OP(ms_bias_softmax) = {
    CONTRIB("BiasSoftmax", 2, 2, PG_T_FLOAT, softmax_attrs, expand_bias_softmax)};
PG_OP(ms_gated_add) = {CONTRIB("GatedAdd", 3, 3, PG_T_FLOAT, no_attrs, expand_gated_add)};
PG_OP(ms_complex_mul) = {CONTRIB("ComplexMul", 2, 2, PG_T_FLOAT, no_attrs, expand_complex_mul)};
PG_OP(ms_complex_mul_conj) = {
    CONTRIB("ComplexMulConj", 2, 2, PG_T_FLOAT, no_attrs, expand_complex_mul)};
PG_OP(ms_quantize_linear) = {
    CONTRIB("QuantizeLinear", 2, 3, PG_T_FLOAT, axis_attrs, expand_quantize)};
PG_OP(ms_dequantize_linear) = {
    CONTRIB("DequantizeLinear", 2, 3, WORDS, axis_attrs, expand_quantize)};
PG_OP(ms_mul_integer) = {CONTRIB("MulInteger", 3, 4, BYTES, no_attrs, expand_mul_integer)};
PG_OP(ms_matmul_integer16) = {
    CONTRIB("MatMulInteger16", 2, 2, WORDS, no_attrs, expand_matmul_integer16)};
PG_OP(ms_reduce_sum_integer) = {
    CONTRIB("ReduceSumInteger", 1, 1, BYTES, reduce_attrs, expand_reduce_integer)};
PG_OP(ms_qlinear_reduce_mean) = {
    CONTRIB("QLinearReduceMean", 4, 5, BYTES, reduce_attrs, expand_quantized_mean)};
PG_OP(ms_qlinear_where) = {
    CONTRIB("QLinearWhere", 9, 9, PG_T(PG_BOOL), no_attrs, expand_quantized_where)};
