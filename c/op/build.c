/* build: see build.h. */
#include "op/build.h"

pgi_value *pgi_build_in(const pgi_build *b, int i) {
  return i < b->node->n_in ? b->node->in[i].value : NULL;
}

pgi_value *pgi_build_call(pgi_build *b, const char *type, int n, pgi_value *const *inputs) {
  pgi_value *out = NULL;
  if (b->status != PG_OK) return NULL;
  while (n > 0 && !inputs[n - 1]) n--;
  b->status = pgi_edit_call(b->node->graph, b->node, type, n, inputs, &b->last, &out, b->err);
  return b->status == PG_OK ? out : NULL;
}

pgi_value *pgi_build_1(pgi_build *b, const char *type, pgi_value *x) {
  return pgi_build_call(b, type, 1, &x);
}

pgi_value *pgi_build_2(pgi_build *b, const char *type, pgi_value *x, pgi_value *y) {
  return pgi_build_call(b, type, 2, (pgi_value *[]){x, y});
}

pgi_value *pgi_build_3(pgi_build *b, const char *type, pgi_value *x, pgi_value *y, pgi_value *z) {
  return pgi_build_call(b, type, 3, (pgi_value *[]){x, y, z});
}

pgi_value *pgi_build_call_in(pgi_build *b, const char *domain, const char *type, int n,
                             pgi_value *const *inputs) {
  pg_graph *g = b->node->graph;
  pgi_value *out = NULL;
  while (n > 0 && !inputs[n - 1]) n--;
  if (b->status == PG_OK) b->status = pgi_edit_value(g, NULL, &out, b->err);
  if (b->status == PG_OK)
    b->status = pgi_edit_node(g, b->node, domain, type, n, inputs, 1, &out, &b->last, b->err);
  if (b->status == PG_OK) b->status = pgi_edit_retype(b->last, domain, type, b->err);
  return b->status == PG_OK ? out : NULL;
}

pgi_value *pgi_build_output(pgi_build *b, int i) {
  pgi_value *v = NULL;
  if (b->status == PG_OK) b->status = pgi_edit_value(b->node->graph, NULL, &v, b->err);
  if (b->status == PG_OK) b->status = pgi_edit_set_output(b->last, i, v, b->err);
  return b->status == PG_OK ? v : NULL;
}

/* ---- attributes ------------------------------------------------------------------------------ */

void pgi_build_int(pgi_build *b, const char *name, int64_t v) {
  if (b->status == PG_OK) b->status = pgi_attr_set_int(b->last, name, v, b->err);
}

void pgi_build_float(pgi_build *b, const char *name, float v) {
  if (b->status == PG_OK) b->status = pgi_attr_set_float(b->last, name, v, b->err);
}

void pgi_build_string(pgi_build *b, const char *name, const char *v) {
  if (b->status == PG_OK) b->status = pgi_attr_set_string(b->last, name, v, strlen(v), b->err);
}

void pgi_build_ints(pgi_build *b, const char *name, int64_t n, const int64_t *v) {
  if (b->status == PG_OK) b->status = pgi_attr_set_ints(b->last, name, n, v, b->err);
}

void pgi_build_copy_from(pgi_build *b, const pgi_node *from, const char *name) {
  const pgi_attr *a = pgi_attr_find(from, name);
  if (!a || b->status != PG_OK) return;
  switch (a->kind) {
    case PG_ATTR_INT:
      b->status = pgi_attr_set_int(b->last, name, a->ints[0], b->err);
      break;
    case PG_ATTR_FLOAT:
      b->status = pgi_attr_set_float(b->last, name, a->floats[0], b->err);
      break;
    case PG_ATTR_INTS:
      b->status = pgi_attr_set_ints(b->last, name, a->n, a->ints, b->err);
      break;
    case PG_ATTR_FLOATS:
      b->status = pgi_attr_set_floats(b->last, name, a->n, a->floats, b->err);
      break;
    case PG_ATTR_STRING:
      b->status =
          pgi_attr_set_string(b->last, name, a->strings[0].data, a->strings[0].size, b->err);
      break;
    case PG_ATTR_STRINGS:
      b->status = pgi_attr_set_strings(b->last, name, a->n, a->strings, b->err);
      break;
    default:
      break;
  }
}

void pgi_build_copy(pgi_build *b, const char *name) {
  pgi_build_copy_from(b, b->node, name);
}

/* ---- constants and shorthands ---------------------------------------------------------------- */

pgi_value *pgi_build_scalar(pgi_build *b, pg_dtype dtype, double v) {
  pgi_value *out = NULL;
  if (b->status == PG_OK)
    b->status = pgi_edit_constant_scalar(b->node->graph, dtype, v, &out, b->err);
  return b->status == PG_OK ? out : NULL;
}

pgi_value *pgi_build_i64s(pgi_build *b, int64_t n, const int64_t *v) {
  pgi_value *out = NULL;
  if (b->status == PG_OK) b->status = pgi_edit_constant_i64s(b->node->graph, n, v, &out, b->err);
  return b->status == PG_OK ? out : NULL;
}

pgi_value *pgi_build_like(pgi_build *b, double v, pgi_value *like) {
  return pgi_build_2(b, "CastLike", pgi_build_scalar(b, PG_F64, v), like);
}

pgi_value *pgi_build_cast(pgi_build *b, pgi_value *x, pg_dtype to) {
  pgi_value *y = pgi_build_1(b, "Cast", x);
  pgi_build_int(b, "to", to);
  return y;
}

pgi_value *pgi_build_transpose(pgi_build *b, pgi_value *x, int rank, const int64_t *perm) {
  pgi_value *y = pgi_build_1(b, "Transpose", x);
  pgi_build_ints(b, "perm", rank, perm);
  return y;
}

pgi_value *pgi_build_slice(pgi_build *b, pgi_value *x, int64_t axis, int64_t start, int64_t end) {
  pgi_value *in[] = {x, pgi_build_i64s(b, 1, &start), pgi_build_i64s(b, 1, &end),
                     pgi_build_i64s(b, 1, &axis)};
  return pgi_build_call(b, "Slice", 4, in);
}

pgi_value *pgi_build_with(pgi_build *b, const char *type, pgi_value *x, double v) {
  return pgi_build_2(b, type, x, pgi_build_like(b, v, x));
}

pgi_value *pgi_build_move_channels(pgi_build *b, pgi_value *x, int rank, bool to_last) {
  int64_t perm[PG_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    if (to_last)
      perm[i] = i == 0 ? 0 : i == rank - 1 ? 1 : i + 1;
    else
      perm[i] = i == 0 ? 0 : i == 1 ? rank - 1 : i - 1;
  }
  return pgi_build_transpose(b, x, rank, perm);
}

/* ---- the end --------------------------------------------------------------------------------- */

pg_status pgi_build_finish(pgi_build *b, pgi_value *y) {
  PG_TRY(b->status);
  return pgi_edit_replace_node(b->node, &y, b->err);
}

pg_status pgi_build_finish_all(pgi_build *b, pgi_value *const *out) {
  PG_TRY(b->status);
  return pgi_edit_replace_node(b->node, out, b->err);
}

pg_status pgi_build_infer(pgi_infer *inf) {
  (void)inf; /* its nodes tell */
  return PG_OK;
}
