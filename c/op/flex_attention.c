/* FlexAttention of ai.onnx.preview: attention whose scores and probabilities pass through
** subgraphs. Made of simpler nodes, with the subgraphs among them. */
#include "op/op.h"

typedef struct maker {
  pgi_node *before;
  pg_error *err;
} maker;

static pg_status call(const maker *m, const char *type, pgi_value *a, pgi_value *b, pgi_node **made,
                      pgi_value **out) {
  pgi_node *unused;
  pgi_value *in[2] = {a, b};
  return pgi_edit_call(m->before->graph, m->before, type, b ? 2 : 1, in, made ? made : &unused, out,
                       m->err);
}

static pg_status cast(const maker *m, pgi_value *x, pg_dtype dtype, pgi_value **out) {
  pgi_node *made;
  PG_TRY(call(m, "Cast", x, NULL, &made, out));
  return pgi_attr_set_int(made, "to", (int64_t)dtype, m->err);
}

/* Dims [first, last) of x. */
static pg_status shape(const maker *m, pgi_value *x, int64_t first, int64_t last, pgi_value **out) {
  pgi_node *made;
  PG_TRY(call(m, "Shape", x, NULL, &made, out));
  PG_TRY(pgi_attr_set_int(made, "start", first, m->err));
  return pgi_attr_set_int(made, "end", last, m->err);
}

static pg_status concat(const maker *m, int n, pgi_value *const *in, pgi_value **out) {
  pgi_node *made;
  PG_TRY(pgi_edit_call(m->before->graph, m->before, "Concat", n, in, &made, out, m->err));
  return pgi_attr_set_int(made, "axis", 0, m->err);
}

static pg_status ints(const maker *m, int64_t v, pgi_value **out) {
  return pgi_edit_constant_i64s(m->before->graph, 1, &v, out, m->err);
}

/* x [B, H, L, D] as [B, kv heads, group, L, D], kv heads being those of k. */
static pg_status group(const maker *m, pgi_value *x, pgi_value *k, pgi_value **out) {
  pgi_value *parts[3], *to;
  PG_TRY(shape(m, k, 0, 2, &parts[0]));
  PG_TRY(ints(m, -1, &parts[1]));
  PG_TRY(shape(m, x, 2, 4, &parts[2]));
  PG_TRY(concat(m, 3, parts, &to));
  return call(m, "Reshape", x, to, NULL, out);
}

/* The product of grouped queries or probabilities x with k, whose heads they share, as [B, H, L,
** ...]. */
static pg_status product(const maker *m, pgi_value *x, pgi_value *k, pgi_value **out) {
  pgi_value *grouped, *axis, *apart, *y, *parts[2], *to;
  PG_TRY(group(m, x, k, &grouped));
  PG_TRY(ints(m, 2, &axis));
  PG_TRY(call(m, "Unsqueeze", k, axis, NULL, &apart));
  PG_TRY(call(m, "MatMul", grouped, apart, NULL, &y));
  PG_TRY(shape(m, x, 0, 3, &parts[0]));
  PG_TRY(shape(m, k, 3, 4, &parts[1]));
  PG_TRY(concat(m, 2, parts, &to));
  return call(m, "Reshape", y, to, NULL, out);
}

/* The attribute, or 1 / sqrt(head size). */
static pg_status scale(const maker *m, pgi_value *q, pg_dtype dtype, pgi_value **out) {
  const pgi_node *node = m->before;
  if (pgi_attr_find(node, "scale")) {
    double v = (double)pgi_attr_float(node, "scale");
    return pgi_edit_constant_scalar(node->graph, dtype, v, out, m->err);
  }
  pgi_value *size;
  PG_TRY(shape(m, q, 3, 4, &size));
  PG_TRY(cast(m, size, dtype, &size));
  PG_TRY(call(m, "Sqrt", size, NULL, NULL, &size));
  return call(m, "Reciprocal", size, NULL, NULL, out);
}

static pg_status modify(const maker *m, const char *name, pgi_value **x) {
  pgi_node *node = m->before;
  const pg_graph *body = pgi_attr_graph(node, name);
  if (!body) return PG_OK;
  if (body->n_inputs != 1 || body->n_outputs != 1)
    return pgi_fail(m->err, PG_INVALID, "%s: expected a graph of one input and one output", name);
  pgi_value *out;
  PG_TRY(pgi_edit_inline(node->graph, node, body, x, 1, NULL, NULL, &out, m->err));
  *x = out;
  return PG_OK;
}

static pg_status precision(const pgi_node *node, pg_dtype *out, pg_error *err) {
  int64_t given = pgi_attr_int(node, "softmax_precision");
  pg_dtype dtype = node->in[0].value->type.dtype;
  *out = dtype == PG_F64 ? PG_F64 : PG_F32;
  if (given == 0) return PG_OK;
  if (given != PG_F32 && given != PG_F64 && given != PG_F16 && given != PG_BF16)
    return pgi_fail(err, PG_INVALID, "softmax_precision: %lld is no float type", (long long)given);
  *out = (pg_dtype)given;
  return PG_OK;
}

static pg_status expand(pgi_node *node, pg_error *err) {
  maker m = {node, err};
  pgi_value *q = node->in[0].value, *k = node->in[1].value, *v = node->in[2].value;
  pgi_value *factor, *scores, *probabilities, *y, *kt;
  pg_dtype dtype;
  pgi_node *made;
  PG_TRY(precision(node, &dtype, err));
  PG_TRY(cast(&m, q, dtype, &q));
  PG_TRY(cast(&m, k, dtype, &k));
  PG_TRY(cast(&m, v, dtype, &v));
  PG_TRY(call(&m, "Transpose", k, NULL, &made, &kt));
  PG_TRY(pgi_attr_set_ints(made, "perm", 4, (int64_t[]){0, 1, 3, 2}, err));
  PG_TRY(product(&m, q, kt, &scores));
  PG_TRY(scale(&m, q, dtype, &factor));
  PG_TRY(call(&m, "Mul", scores, factor, NULL, &scores));
  PG_TRY(modify(&m, "score_mod", &scores));
  PG_TRY(call(&m, "Softmax", scores, NULL, &made, &probabilities));
  PG_TRY(pgi_attr_set_int(made, "axis", -1, err));
  PG_TRY(modify(&m, "prob_mod", &probabilities));
  PG_TRY(product(&m, probabilities, v, &y));
  PG_TRY(call(&m, "CastLike", y, node->in[0].value, NULL, &y));
  return pgi_edit_replace_node(node, &y, err);
}

static pg_status infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  if (pgi_in_rank(inf, 0) == 4)
    inf->out[0].dims[3] = pgi_in_rank(inf, 2) == 4 ? inf->in[2]->dims[3] : pgi_dim_unknown();
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "prob_mod", .kind = PG_ATTR_GRAPH},
                                     {.name = "scale", .kind = PG_ATTR_FLOAT},
                                     {.name = "score_mod", .kind = PG_ATTR_GRAPH},
                                     {.name = "softmax_precision", .kind = PG_ATTR_INT},
                                     {0}};

PG_OP(flex_attention) = {
    .name = "FlexAttention",
    .domain = "ai.onnx.preview",
    .since = {1},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = infer,
    .expand = expand,
};
