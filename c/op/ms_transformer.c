/* com.microsoft's smaller operators of transformers, as formulas. */
#include "op/build.h"

static const char MS[] = "com.microsoft";

static pgi_value *in(const pgi_build *b, int i) {
  return pgi_build_in(b, i);
}

/* ---- QEmbedLayerNormalization ---------------------------------------------------------------- */

/* Rows are taken before they are dequantised: tables are large. */
static pgi_value *rows(pgi_build *b, int table, int scale, int zero, pgi_value *ids) {
  pgi_value *taken = pgi_build_2(b, "Gather", in(b, table), ids);
  return pgi_build_3(b, "DequantizeLinear", taken, in(b, scale), in(b, zero));
}

static pgi_value *positions(pgi_build *b, pgi_value *ids) {
  pgi_value *length = pgi_build_1(b, "Shape", ids);
  pgi_build_int(b, "start", 1);
  length = pgi_build_2(b, "Reshape", length, pgi_build_i64s(b, 0, &(int64_t){0}));
  return pgi_build_3(b, "Range", pgi_build_scalar(b, PG_I64, 0), length,
                     pgi_build_scalar(b, PG_I64, 1));
}

/* How many of the mask's row are 1; 0 without a mask. */
static pgi_value *mask_lengths(pgi_build *b, pgi_value *mask, pgi_value *ids) {
  pgi_value *x = mask ? mask : pgi_build_2(b, "Sub", ids, ids);
  x = pgi_build_cast(b, pgi_build_with(b, "Equal", x, 1), PG_I32);
  pgi_value *y = pgi_build_2(b, "ReduceSum", x, pgi_build_i64s(b, 1, &(int64_t){1}));
  pgi_build_int(b, "keepdims", 0);
  return y;
}

static pg_status expand_quantized_embed(pgi_node *node, pg_error *err) {
  enum { IDS, SEGMENTS, WORDS, PLACES, KINDS, GAIN, BIAS, MASK };
  enum { SCALES = 8, ZEROS = 13 }; /* of words, places, kinds, gain, bias */
  pgi_build b = pgi_build_start(node, err);
  pgi_value *ids = in(&b, IDS), *sum = rows(&b, WORDS, SCALES, ZEROS, ids);
  sum = pgi_build_2(&b, "Add", sum, rows(&b, PLACES, SCALES + 1, ZEROS + 1, positions(&b, ids)));
  if (in(&b, SEGMENTS) && in(&b, KINDS))
    sum = pgi_build_2(&b, "Add", sum, rows(&b, KINDS, SCALES + 2, ZEROS + 2, in(&b, SEGMENTS)));
  pgi_value *gain =
      pgi_build_3(&b, "DequantizeLinear", in(&b, GAIN), in(&b, SCALES + 3), in(&b, ZEROS + 3));
  pgi_value *bias =
      pgi_build_3(&b, "DequantizeLinear", in(&b, BIAS), in(&b, SCALES + 4), in(&b, ZEROS + 4));
  pgi_value *out[2] = {pgi_build_3(&b, "LayerNormalization", sum, gain, bias)};
  pgi_build_float(&b, "epsilon", pgi_attr_float(node, "epsilon"));
  out[1] = mask_lengths(&b, in(&b, MASK), ids);
  return pgi_build_finish_all(&b, out);
}

/* ---- positions ------------------------------------------------------------------------------- */

/* gate u and r of WavLM: see the operator's documentation. */
static pg_status expand_gated_bias(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  int64_t heads = pgi_attr_int(node, "num_heads");
  if (heads < 1) return pgi_fail(err, PG_INVALID, "num_heads: expected 1 or more");
  if (in(&b, 6)) return pgi_fail(err, PG_UNSUPPORTED, "token_offset (packed batches)");
  pgi_value *q = pgi_build_2(&b, "Add", in(&b, 0), in(&b, 1));
  q = pgi_build_2(&b, "Reshape", q, pgi_build_i64s(&b, 4, (int64_t[]){0, 0, heads, -1}));
  q = pgi_build_transpose(&b, q, 4, (int64_t[]){0, 2, 1, 3});
  pgi_value *g = pgi_build_2(&b, "Add", pgi_build_2(&b, "MatMul", q, in(&b, 3)), in(&b, 4));
  g = pgi_build_2(&b, "Reshape", g, pgi_build_i64s(&b, 5, (int64_t[]){0, 0, 0, 2, -1}));
  g = pgi_build_2(&b, "ReduceSum", g, pgi_build_i64s(&b, 1, &(int64_t){4}));
  pgi_build_int(&b, "keepdims", 0);
  g = pgi_build_1(&b, "Sigmoid", g);
  pgi_value *u = pgi_build_slice(&b, g, 3, 0, 1), *r = pgi_build_slice(&b, g, 3, 1, 2);
  pgi_value *gate = pgi_build_with(&b, "Sub", pgi_build_2(&b, "Mul", r, in(&b, 5)), 1);
  gate = pgi_build_with(&b, "Add", pgi_build_2(&b, "Mul", u, gate), 2);
  return pgi_build_finish(&b, pgi_build_2(&b, "Mul", gate, in(&b, 2)));
}

/* ---- norms ----------------------------------------------------------------------------------- */

/* RMS over groups as wide as the scale, times an activation of the gate; in f32. */
static pg_status expand_gated_rms(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  bool is_plain = pgi_attr_is(node, "activation", "sigmoid");
  if (!is_plain && !pgi_attr_is(node, "activation", "silu") &&
      !pgi_attr_is(node, "activation", "swish"))
    return pgi_fail(err, PG_INVALID, "activation: expected silu, swish or sigmoid");
  pgi_value *x = in(&b, 0), *scale = pgi_build_cast(&b, in(&b, 1), PG_F32);
  pgi_value *shape = pgi_build_1(&b, "Shape", x), *width = pgi_build_1(&b, "Shape", scale);
  pgi_value *cut = pgi_build_2(&b, "Concat", pgi_build_i64s(&b, 1, &(int64_t){-1}), width);
  pgi_build_int(&b, "axis", 0);
  pgi_value *flat = pgi_build_2(&b, "Reshape", pgi_build_cast(&b, x, PG_F32), cut);
  pgi_value *y = pgi_build_2(&b, "RMSNormalization", flat, scale);
  pgi_build_float(&b, "epsilon", pgi_attr_float(node, "epsilon"));
  y = pgi_build_2(&b, "Reshape", y, shape);
  pgi_value *gate = pgi_build_cast(&b, in(&b, 2), PG_F32), *act = pgi_build_1(&b, "Sigmoid", gate);
  if (!is_plain) act = pgi_build_2(&b, "Mul", gate, act);
  return pgi_build_finish(&b, pgi_build_2(&b, "CastLike", pgi_build_2(&b, "Mul", y, act), x));
}

/* Each branch of the last axis (or the last but one) by itself. */
static pg_status expand_branch_rms(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  int64_t branches = pgi_attr_int(node, "num_branches");
  pgi_value *x = in(&b, 0), *shape = pgi_build_1(&b, "Shape", x), *scale = in(&b, 1);
  pgi_value *y = branches > 0 ? NULL : pgi_build_cast(&b, x, PG_F32);
  if (branches < 0) return pgi_fail(err, PG_INVALID, "num_branches: expected 0 or more");
  if (branches > 0) {
    pgi_value *last = pgi_build_slice(&b, shape, 0, -1, INT64_MAX);
    pgi_value *width = pgi_build_with(&b, "Div", last, (double)branches);
    pgi_value *cut = pgi_build_3(&b, "Concat", pgi_build_i64s(&b, 1, &(int64_t){-1}),
                                 pgi_build_i64s(&b, 1, &branches), width);
    pgi_build_int(&b, "axis", 0);
    y = pgi_build_2(&b, "Reshape", pgi_build_cast(&b, x, PG_F32), cut);
  }
  pgi_value *sizes = pgi_build_1(&b, "Shape", y);
  pgi_build_int(&b, "start", -2);
  pgi_value *square = pgi_build_2(&b, "ReduceMean", pgi_build_2(&b, "Mul", y, y),
                                  pgi_build_i64s(&b, 1, &(int64_t){-1}));
  square = pgi_build_with(&b, "Add", square, (double)pgi_attr_float(node, "epsilon"));
  y = pgi_build_2(&b, "Div", y, pgi_build_1(&b, "Sqrt", square));
  if (scale) { /* (H), (C, H) or (C H): rows of H, one or C of them */
    pgi_value *width = pgi_build_slice(&b, sizes, 0, 1, 2);
    pgi_value *rows = pgi_build_2(&b, "Concat", pgi_build_i64s(&b, 1, &(int64_t){-1}), width);
    pgi_build_int(&b, "axis", 0);
    y = pgi_build_2(&b, "Mul", y,
                    pgi_build_2(&b, "Reshape", pgi_build_cast(&b, scale, PG_F32), rows));
  }
  y = pgi_build_2(&b, "CastLike", pgi_build_2(&b, "Reshape", y, shape), x);
  return pgi_build_finish(&b, y);
}

/* Swish of what was scaled by a number, each step in the type of X. */
static pg_status expand_scaled_silu(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  pgi_value *x = in(&b, 0), *z;
  if (in(&b, 1))
    z = pgi_build_2(&b, "CastLike",
                    pgi_build_2(&b, "Mul", pgi_build_cast(&b, x, PG_F32),
                                pgi_build_cast(&b, in(&b, 1), PG_F32)),
                    x);
  else
    z = pgi_build_with(&b, "Mul", x, (double)pgi_attr_float(node, "alpha"));
  return pgi_build_finish(&b, pgi_build_2(&b, "Mul", z, pgi_build_1(&b, "Sigmoid", z)));
}

/* ---- one token at a time --------------------------------------------------------------------- */

/* MultiHeadAttention with its inputs in another order. */
static pg_status expand_decoder(pgi_node *node, pg_error *err) {
  enum { Q, K, V, MASK, ADDEND, PAST_KEY, PAST_VALUE, PAST_LENGTH, BEAMS, INDIRECTION, BIAS };
  pgi_build b = pgi_build_start(node, err);
  if (pgi_attr_int(node, "past_present_share_buffer") || in(&b, INDIRECTION))
    return pgi_fail(err, PG_UNSUPPORTED, "caches that share their buffer");
  pgi_value *operands[] = {in(&b, Q),    in(&b, K),      in(&b, V),        in(&b, BIAS),
                           in(&b, MASK), in(&b, ADDEND), in(&b, PAST_KEY), in(&b, PAST_VALUE)};
  pgi_value *out[4] = {pgi_build_call_in(&b, MS, "MultiHeadAttention", 8, operands)};
  pgi_build_copy(&b, "num_heads");
  pgi_build_copy(&b, "scale");
  pgi_build_copy(&b, "mask_filter_value");
  for (int i = 1; i < node->n_out && i < 4; i++)
    if (node->out[i]) out[i] = pgi_build_output(&b, i);
  return pgi_build_finish_all(&b, out);
}

/* ---- DynamicQuantizeLSTM --------------------------------------------------------------------- */

/* Weights [dirs, in, 4 hidden] with a scale a direction, or one a column besides. */
static pgi_value *weights(pgi_build *b, int i, int scale, int zero) {
  pgi_value *x = pgi_build_cast(b, in(b, i), PG_F32), *z = in(b, zero), *s = in(b, scale);
  const pgi_type *t = s ? &s->type : NULL;
  bool is_columns = t && t->kind == PG_TYPE_TENSOR && t->rank == 2;
  pgi_value *axes =
      is_columns ? pgi_build_i64s(b, 1, (int64_t[]){1}) : pgi_build_i64s(b, 2, (int64_t[]){1, 2});
  if (z)
    x = pgi_build_2(b, "Sub", x, pgi_build_2(b, "Unsqueeze", pgi_build_cast(b, z, PG_F32), axes));
  x = pgi_build_2(b, "Mul", x, pgi_build_2(b, "Unsqueeze", s, axes));
  return pgi_build_transpose(b, x, 3, (int64_t[]){0, 2, 1});
}

/* Weights are dequantised and activations left as they are: what the quantised operator comes
** near to. */
static pg_status expand_dynamic_lstm(pgi_node *node, pg_error *err) {
  static const char *const attrs[] = {"activation_alpha", "activation_beta", "activations", "clip",
                                      "direction",        "hidden_size",     "input_forget"};
  pgi_build b = pgi_build_start(node, err);
  pgi_value *w = weights(&b, 1, 8, 9), *r = weights(&b, 2, 10, 11);
  pgi_value *operands[] = {in(&b, 0), w, r, in(&b, 3), in(&b, 4), in(&b, 5), in(&b, 6), in(&b, 7)};
  pgi_value *out[3] = {pgi_build_call(&b, "LSTM", 8, operands)};
  for (int i = 0; i < PG_COUNT(attrs); i++) pgi_build_copy(&b, attrs[i]);
  for (int i = 1; i < 3; i++) out[i] = pgi_build_output(&b, i);
  return pgi_build_finish_all(&b, out);
}

/* ---- the operators --------------------------------------------------------------------------- */

static const pgi_attr_def embed_attrs[] = {{.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-12f},
                                           {0}};
static const pgi_attr_def gated_attrs[] = {
    {.name = "num_heads", .kind = PG_ATTR_INT, .is_required = true}, {0}};
static const pgi_attr_def rms_attrs[] = {
    {.name = "activation", .kind = PG_ATTR_STRING, .s = "silu"},
    {.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-5f},
    {0}};
static const pgi_attr_def branch_attrs[] = {{.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-5f},
                                            {.name = "num_branches", .kind = PG_ATTR_INT},
                                            {0}};
static const pgi_attr_def silu_attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1}, {0}};
static const pgi_attr_def decoder_attrs[] = {
    {.name = "mask_filter_value", .kind = PG_ATTR_FLOAT, .f = -10000.0f},
    {.name = "num_heads", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "output_qk", .kind = PG_ATTR_INT},
    {.name = "past_present_share_buffer", .kind = PG_ATTR_INT},
    {.name = "scale", .kind = PG_ATTR_FLOAT},
    {0}};
static const pgi_attr_def lstm_attrs[] = {
    {.name = "activation_alpha", .kind = PG_ATTR_FLOATS},
    {.name = "activation_beta", .kind = PG_ATTR_FLOATS},
    {.name = "activations", .kind = PG_ATTR_STRINGS},
    {.name = "clip", .kind = PG_ATTR_FLOAT},
    {.name = "direction", .kind = PG_ATTR_STRING, .s = "forward"},
    {.name = "hidden_size", .kind = PG_ATTR_INT},
    {.name = "input_forget", .kind = PG_ATTR_INT},
    {0}};

#define CONTRIB .domain = "com.microsoft", .since = {1}, .infer = pgi_build_infer
PG_OP(ms_qembed_layer_normalization) = {.name = "QEmbedLayerNormalization",
                                        CONTRIB,
                                        .in = {18, 18},
                                        .out = {1, 2},
                                        .types = PG_T(PG_I32) | PG_T(PG_I64),
                                        .attrs = embed_attrs,
                                        .expand = expand_quantized_embed};
PG_OP(ms_gated_relative_position_bias) = {.name = "GatedRelativePositionBias",
                                          CONTRIB,
                                          .in = {6, 7},
                                          .out = {1, 1},
                                          .types = PG_T_FLOAT,
                                          .attrs = gated_attrs,
                                          .expand = expand_gated_bias};
PG_OP(ms_gated_rms_norm) = {.name = "GatedRMSNorm",
                            CONTRIB,
                            .in = {3, 3},
                            .out = {1, 1},
                            .types = PG_T_FLOAT,
                            .attrs = rms_attrs,
                            .expand = expand_gated_rms};
PG_OP(ms_branchwise_rms_norm) = {.name = "BranchwiseRMSNorm",
                                 CONTRIB,
                                 .in = {1, 2},
                                 .out = {1, 1},
                                 .types = PG_T_FLOAT,
                                 .attrs = branch_attrs,
                                 .expand = expand_branch_rms};
PG_OP(ms_scaled_silu) = {.name = "ScaledSiLU",
                         CONTRIB,
                         .in = {1, 2},
                         .out = {1, 1},
                         .types = PG_T_FLOAT,
                         .attrs = silu_attrs,
                         .expand = expand_scaled_silu};
PG_OP(ms_decoder_masked_attention) = {.name = "DecoderMaskedMultiHeadAttention",
                                      CONTRIB,
                                      .in = {1, 11},
                                      .out = {1, 4},
                                      .types = PG_T_FLOAT,
                                      .attrs = decoder_attrs,
                                      .expand = expand_decoder};
PG_OP(ms_dynamic_quantize_lstm) = {.name = "DynamicQuantizeLSTM",
                                   CONTRIB,
                                   .in = {3, 12}, /* some in the middle are optional */
                                   .out = {0, 3},
                                   .types = PG_T(PG_F32),
                                   .attrs = lstm_attrs,
                                   .expand = expand_dynamic_lstm};
