/* EmbedLayerNormalization of com.microsoft: rows of tables, added and normalised.  Made of
** simpler nodes. */
#include "op/op.h"

enum { IDS, SEGMENTS, WORDS, PLACES, KINDS, GAIN, BIAS, MASK, POSITIONS };

typedef struct maker {
  pgi_node *before;
  pg_error *err;
} maker;

static pg_status call(const maker *m, const char *type, int n, pgi_value *const *in,
                      pgi_node **made, pgi_value **out) {
  pgi_node *unused;
  return pgi_edit_call(m->before->graph, m->before, type, n, in, made ? made : &unused, out,
                       m->err);
}

static pg_status two(const maker *m, const char *type, pgi_value *a, pgi_value *b,
                     pgi_value **out) {
  return call(m, type, 2, (pgi_value *[]){a, b}, NULL, out);
}

static pg_status cast(const maker *m, pgi_value *x, pg_dtype dtype, pgi_value **out) {
  pgi_node *made;
  PG_TRY(call(m, "Cast", 1, &x, &made, out));
  return pgi_attr_set_int(made, "to", (int64_t)dtype, m->err);
}

static pgi_value *input(const pgi_node *node, int i) {
  return i < node->n_in ? node->in[i].value : NULL;
}

/* One vector a position: of the numbers given, or of 0, 1, 2 ... */
static pg_status position_rows(const maker *m, pgi_value **out) {
  const pgi_node *node = m->before;
  pgi_value *given = input(node, POSITIONS), *ids = input(node, IDS), *length, *zero, *axes;
  if (given) return two(m, "Gather", input(node, PLACES), given, out);
  pgi_node *made;
  PG_TRY(call(m, "Shape", 1, &ids, &made, &length));
  PG_TRY(pgi_attr_set_int(made, "start", 1, m->err));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &(int64_t){0}, &zero, m->err));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &(int64_t){0}, &axes, m->err));
  return call(m, "Slice", 4, (pgi_value *[]){input(node, PLACES), zero, length, axes}, NULL, out);
}

/* How many ones a row of the mask has; without a mask 0. */
static pg_status mask_index(const maker *m, pgi_value **out) {
  const pgi_node *node = m->before;
  pgi_value *mask = input(node, MASK), *one, *axes, *is_one;
  pgi_node *made;
  if (!mask) PG_TRY(two(m, "Sub", input(node, IDS), input(node, IDS), &mask));
  PG_TRY(cast(m, mask, PG_I32, &mask));
  PG_TRY(pgi_edit_constant_scalar(node->graph, PG_I32, 1, &one, m->err));
  PG_TRY(two(m, "Equal", mask, one, &is_one));
  PG_TRY(cast(m, is_one, PG_I32, &is_one));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &(int64_t){1}, &axes, m->err));
  PG_TRY(call(m, "ReduceSum", 2, (pgi_value *[]){is_one, axes}, &made, out));
  return pgi_attr_set_int(made, "keepdims", 0, m->err);
}

static pg_status expand(pgi_node *node, pg_error *err) {
  static const int needed[] = {IDS, WORDS, PLACES, GAIN, BIAS};
  maker m = {node, err};
  for (int i = 0; i < PG_COUNT(needed); i++)
    if (!input(node, needed[i]))
      return pgi_fail(err, PG_INVALID, "input %d is required", needed[i]);
  pgi_value *sum, *rows, *out[3] = {NULL};
  PG_TRY(two(&m, "Gather", input(node, WORDS), input(node, IDS), &sum));
  PG_TRY(position_rows(&m, &rows));
  PG_TRY(two(&m, "Add", sum, rows, &sum));
  if (input(node, SEGMENTS) && input(node, KINDS)) {
    PG_TRY(two(&m, "Gather", input(node, KINDS), input(node, SEGMENTS), &rows));
    PG_TRY(two(&m, "Add", sum, rows, &sum));
  }
  pgi_node *made;
  pgi_value *in[3] = {sum, input(node, GAIN), input(node, BIAS)};
  PG_TRY(call(&m, "LayerNormalization", 3, in, &made, &out[0]));
  PG_TRY(pgi_attr_set_float(made, "epsilon", pgi_attr_float(node, "epsilon"), err));
  if (node->n_out > 1 && node->out[1]) PG_TRY(mask_index(&m, &out[1]));
  if (node->n_out > 2) out[2] = sum;
  return pgi_edit_replace_node(node, out, err);
}

static pg_status infer(pgi_infer *inf) {
  (void)inf; /* its nodes tell */
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-12f},
                                     {.name = "mask_index_type", .kind = PG_ATTR_INT},
                                     {0}};

PG_OP(ms_embed_layer_normalization) = {
    .name = "EmbedLayerNormalization",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 9}, /* some in the middle are optional */
    .out = {1, 3},
    .types = PG_T(PG_I32) | PG_T(PG_I64),
    .attrs = attrs,
    .infer = infer,
    .expand = expand,
};
