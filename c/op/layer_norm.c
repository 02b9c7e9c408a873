/* LayerNormalization, RMSNormalization; com.microsoft's SkipLayerNormalization and the RMS forms
** SimplifiedLayerNormalization, SkipSimplifiedLayerNormalization. */
#include "op/move.h"
#include "op/norm_rows.h"

/* ---- inference ------------------------------------------------------------------------------- */

static pg_dtype stash_type(const pgi_node *node) {
  return pgi_attr_int(node, "stash_type") == PG_BF16 ? PG_BF16 : PG_F32;
}

/* Outputs 1 and on: the axes from `axis` on shrink to 1. */
static pg_status infer_statistics(pgi_infer *inf, int first, int last) {
  int rank = pgi_in_rank(inf, 0), axis = rank;
  if (rank >= 0) PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  for (int k = first; k <= last && k < inf->n_out; k++) {
    pgi_type *out = pgi_out_type(inf, k, stash_type(inf->node), rank);
    for (int i = 0; i < rank; i++) out->dims[i] = i < axis ? inf->in[0]->dims[i] : pgi_dim_of(1);
  }
  return PG_OK;
}

static pg_status layer_infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  return infer_statistics(inf, 1, 2);
}

static pg_status rms_infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  if (inf->out[0].kind == PG_TYPE_TENSOR && pgi_has_in(inf, 1))
    inf->out[0].dtype = pgi_in_dtype(inf, 1);
  return infer_statistics(inf, 1, 1);
}

static pg_status skip_infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  if (inf->n_out > 1) PG_TRY(infer_statistics(inf, 1, 2));
  if (inf->n_out > 3) inf->out[3] = inf->out[0];
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static const pg_tensor *output(const pgi_call *c, int i) {
  return i < c->n_out ? c->out[i] : NULL;
}

static pg_status check_float(const pg_tensor *t, const char *name, pg_error *err) {
  if (!t || (pgi_dtype_kind(t->dtype) == PG_KIND_FLOAT && pgi_dtype_size(t->dtype) > 1))
    return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected floats, got %s", name, pg_dtype_name(t->dtype));
}

/* Rows that repeat are taken as they are; another shape that broadcasts to x's is written out.
** *room is what the caller clears. */
static pg_status broadcast_rows(const pg_tensor *t, const char *name, const pg_tensor *x, int axis,
                                pg_tensor *room, const pg_tensor **out, pg_error *err) {
  *out = t;
  if (!t) return PG_OK;
  PG_TRY(check_float(t, name, err));
  int same = 0;
  while (same < t->rank && same < x->rank &&
         t->dims[t->rank - 1 - same] == x->dims[x->rank - 1 - same])
    same++;
  bool is_rest_one = true;
  for (int i = 0; i < t->rank - same; i++) is_rest_one = is_rest_one && t->dims[i] == 1;
  if (same >= x->rank - axis && is_rest_one && t->rank <= x->rank) return PG_OK;
  pg_tensor view = {0};
  PG_TRY(pgi_view_expand(t, x->rank, x->dims, &view, err));
  pg_status status = pgi_tensor_clone(&view, room, err);
  pgi_tensor_clear(&view);
  *out = room;
  return status;
}

/* gain, bias: their inputs; -1: none. */
static pg_status run_layer(pgi_call *c, pgi_norm_rows *norm, int gain, int bias, int axis) {
  const pg_tensor *x = norm->x;
  norm->epsilon = (double)pgi_attr_float(c->node, "epsilon");
  norm->rows = norm->n = 1;
  if (pgi_tensor_count(x) == 0) norm->rows = 0;
  for (int i = 0; i < x->rank && norm->rows > 0; i++) {
    if (i < axis)
      norm->rows *= x->dims[i];
    else
      norm->n *= x->dims[i];
  }
  pg_tensor gains = {0}, biases = {0};
  const pg_tensor *bias_in = bias >= 0 ? pgi_input(c, bias) : NULL;
  pg_status status =
      broadcast_rows(pgi_input(c, gain), "scale", x, axis, &gains, &norm->gain, c->err);
  if (status == PG_OK)
    status = broadcast_rows(bias_in, "bias", x, axis, &biases, &norm->bias, c->err);
  if (status == PG_OK) status = pgi_norm_rows_run(c, norm);
  pgi_tensor_clear(&gains);
  pgi_tensor_clear(&biases);
  return status;
}

static pg_status run_axis(pgi_call *c, pgi_norm_rows *norm, int gain, int bias) {
  int axis;
  norm->x = c->in[0];
  norm->y = output(c, 0);
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), norm->x->rank, &axis, c->err));
  return run_layer(c, norm, gain, bias, axis);
}

static pg_status layer_run(pgi_call *c) {
  pgi_norm_rows norm = {.mean = output(c, 1), .inverse = output(c, 2)};
  return run_axis(c, &norm, 1, 2);
}

static pg_status rms_run(pgi_call *c) {
  pgi_norm_rows norm = {.is_rms = true, .inverse = output(c, 1)};
  return run_axis(c, &norm, 1, 2);
}

/* input, skip, gamma, [beta], [bias]; the RMS form has no beta.  skip may repeat over the batch. */
static pg_status run_skip(pgi_call *c, bool is_rms) {
  const pg_tensor *x = c->in[0], *skip = c->in[1], *addend = pgi_input(c, is_rms ? 3 : 4);
  pgi_norm_rows norm = {.is_rms = is_rms,
                        .x = x,
                        .skip = skip,
                        .addend = addend,
                        .y = output(c, 0),
                        .mean = output(c, 1),
                        .inverse = output(c, 2),
                        .sum = output(c, 3)};
  if (x->rank < 1) return pgi_fail(c->err, PG_INVALID, "input: expected rank 2 or 3, got 0");
  PG_TRY(check_float(skip, "skip", c->err));
  PG_TRY(check_float(addend, "bias", c->err));
  int64_t n = x->dims[x->rank - 1];
  int extra = x->rank - skip->rank;
  bool fits = extra >= 0 && skip->rank >= 1;
  for (int i = 0; i < skip->rank && fits; i++) {
    bool is_batch = i + extra == 0 && x->rank == 3;
    fits = skip->dims[i] == x->dims[i + extra] || (is_batch && skip->dims[i] == 1);
  }
  if (!fits) {
    char a[300], b[300];
    return pgi_fail(c->err, PG_INVALID, "skip: expected %s, got %s",
                    pgi_shape_text(x->dtype, x->rank, x->dims, a, sizeof a),
                    pgi_shape_text(skip->dtype, skip->rank, skip->dims, b, sizeof b));
  }
  if (addend && (addend->rank != 1 || addend->dims[0] != n))
    return pgi_fail(c->err, PG_INVALID, "bias: expected [%lld]", (long long)n);
  return run_layer(c, &norm, 2, is_rms ? -1 : 3, x->rank - 1);
}

static pg_status skip_run(pgi_call *c) {
  return run_skip(c, false);
}
static pg_status skip_rms_run(pgi_call *c) {
  return run_skip(c, true);
}

/* ---- declarations ---------------------------------------------------------------------------- */

static const pgi_attr_def attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = -1},
                                     {.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-5f},
                                     {.name = "stash_type", .kind = PG_ATTR_INT, .i = 1},
                                     {0}};
/* axis and stash_type are not theirs to set; the defaults serve. */
static const pgi_attr_def skip_attrs[] = {{.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-12f},
                                          {.name = "axis", .kind = PG_ATTR_INT, .i = -1},
                                          {.name = "stash_type", .kind = PG_ATTR_INT, .i = 1},
                                          {0}};

PG_OP(layer_normalization) = {
    .name = "LayerNormalization",
    .since = {1, 17},
    .in = {2, 3},
    .out = {1, 3},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = layer_infer,
    .run = layer_run,
};

PG_OP(rms_normalization) = {
    .name = "RMSNormalization",
    .since = {23},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = rms_infer,
    .run = rms_run,
};

/* Exporters write it into the main domain. */
PG_OP(simplified_layer_normalization) = {
    .name = "SimplifiedLayerNormalization",
    .since = {1},
    .in = {2, 3},
    .out = {1, 2},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = rms_infer,
    .run = rms_run,
};

PG_OP(ms_simplified_layer_normalization) = {
    .name = "SimplifiedLayerNormalization",
    .domain = "com.microsoft",
    .since = {1},
    .in = {2, 3},
    .out = {1, 2},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = rms_infer,
    .run = rms_run,
};

PG_OP(ms_skip_layer_normalization) = {
    .name = "SkipLayerNormalization",
    .domain = "com.microsoft",
    .since = {1},
    .in = {3, 5},
    .out = {1, 4},
    .types = PG_T_FLOAT,
    .attrs = skip_attrs,
    .infer = skip_infer,
    .run = skip_run,
};

PG_OP(ms_skip_simplified_layer_normalization) = {
    .name = "SkipSimplifiedLayerNormalization",
    .domain = "com.microsoft",
    .since = {1},
    .in = {3, 4},
    .out = {1, 4},
    .types = PG_T_FLOAT,
    .attrs = skip_attrs,
    .infer = skip_infer,
    .run = skip_rms_run,
};
