/* compose: an operator made of others, on tensors: a graph of one node, a session, a run. */
#include <stdio.h>

#include "session/internal.h"

enum { NAME = 16 };

static pg_status copy_attr(pgi_node *node, const pgi_attr *a, pg_error *err) {
  switch (a->kind) {
    case PG_ATTR_FLOAT:
      return pgi_attr_set_float(node, a->name, a->floats[0], err);
    case PG_ATTR_INT:
      return pgi_attr_set_int(node, a->name, a->ints[0], err);
    case PG_ATTR_STRING:
      return pgi_attr_set_string(node, a->name, a->strings[0].data, a->strings[0].size, err);
    case PG_ATTR_TENSOR:
      return pgi_attr_set_tensor(node, a->name, a->tensors[0], err);
    case PG_ATTR_FLOATS:
      return pgi_attr_set_floats(node, a->name, a->n, a->floats, err);
    case PG_ATTR_INTS:
      return pgi_attr_set_ints(node, a->name, a->n, a->ints, err);
    case PG_ATTR_STRINGS:
      return pgi_attr_set_strings(node, a->name, a->n, a->strings, err);
    default:
      return pgi_fail(err, PG_INVALID, "attribute '%s' can't be given here", a->name);
  }
}

static const char *name_of(char prefix, int i, char *text) {
  snprintf(text, NAME, "%c%d", prefix, i);
  return text;
}

static pg_status add_inputs(pg_graph *g, const pgi_eval_args *a, pgi_value **in, pg_error *err) {
  char name[NAME];
  for (int i = 0; i < a->n_in; i++) {
    if (!a->in[i]) continue;
    PG_TRY(pgi_edit_value(g, name_of('i', i, name), &in[i], err));
    in[i]->type = pgi_type_of(a->in[i]);
    PG_TRY(pgi_edit_input(g, in[i], err));
  }
  return PG_OK;
}

static pg_status build(pg_graph *g, const pgi_eval_args *a, const pg_op *op, pg_error *err) {
  char name[NAME];
  const char *domain = op->domain ? op->domain : "";
  pgi_arena *arena = &g->model->arena;
  pgi_value **in = pgi_arena_alloc(arena, (size_t)a->n_in * sizeof(pgi_value *));
  pgi_value **out = pgi_arena_alloc(arena, (size_t)a->n_out * sizeof(pgi_value *));
  pgi_node *node = NULL;
  if (!in || !out) return pgi_nomem(err);
  PG_TRY(pgi_model_set_opset(g->model, "", pgi_opset_newest(""), err));
  PG_TRY(pgi_model_set_opset(g->model, domain, pgi_opset_newest(domain), err));
  PG_TRY(add_inputs(g, a, in, err));
  for (int i = 0; i < a->n_out; i++) {
    PG_TRY(pgi_edit_value(g, name_of('o', i, name), &out[i], err));
  }
  PG_TRY(pgi_edit_node(g, NULL, domain, op->name, a->n_in, in, a->n_out, out, &node, err));
  for (int i = 0; i < a->n_attrs; i++) PG_TRY(copy_attr(node, &a->attrs[i], err));
  for (int i = 0; i < a->n_out; i++) PG_TRY(pgi_edit_output(g, out[i], err));
  return PG_OK;
}

/* Bindings for all inputs and outputs, with room for their names. */
typedef struct bindings {
  pg_binding *in, *out;
  char (*names)[NAME];
  int n_in;
} bindings;

static pg_status bind_all(pgi_arena *arena, const pgi_eval_args *a, bindings *b, pg_error *err) {
  size_t n_in = (size_t)a->n_in, n_out = (size_t)a->n_out;
  b->in = pgi_arena_alloc(arena, n_in * sizeof *b->in);
  b->out = pgi_arena_alloc(arena, n_out * sizeof *b->out);
  b->names = pgi_arena_alloc(arena, (n_in + n_out) * sizeof *b->names);
  if (!b->in || !b->out || !b->names) return pgi_nomem(err);
  for (int i = 0; i < a->n_in; i++) {
    if (!a->in[i]) continue;
    b->in[b->n_in++] = (pg_binding){.name = name_of('i', i, b->names[i]),
                                    .tensor = (pg_tensor *)(uintptr_t)a->in[i]}; /* only read */
  }
  for (int i = 0; i < a->n_out; i++) b->out[i].name = name_of('o', i, b->names[a->n_in + i]);
  return PG_OK;
}

static pg_status run(const pg_graph *g, const pgi_eval_args *a, bindings *b, pg_tensor *out,
                     pg_error *err) {
  pg_session *s = NULL;
  pg_session_options options = {.threads = a->threads};
  PG_TRY(pg_session_new(g, &options, &s, err));
  pg_status status = pg_session_run(s, b->in, b->n_in, b->out, a->n_out, err);
  for (int i = 0; i < a->n_out && status == PG_OK; i++) {
    out[i] = (pg_tensor){0};
    if (b->out[i].tensor) pgi_tensor_move(&out[i], b->out[i].tensor);
    pg_tensor_free(b->out[i].tensor);
  }
  pg_session_free(s);
  return status;
}

pg_status pgi_eval_graph(pg_context *ctx, const pgi_eval_args *a, const pg_op *op, pg_tensor *out,
                         pg_error *err) {
  pg_graph *g = NULL;
  bindings b = {0};
  PG_TRY(pgi_graph_new(ctx, &g, err));
  pg_status status = build(g, a, op, err);
  if (status == PG_OK) status = bind_all(&g->model->arena, a, &b, err);
  if (status == PG_OK) status = run(g, a, &b, out, err);
  if (status != PG_OK) pgi_error_prefix(err, "%s", op->name);
  pg_graph_free(g);
  return status;
}
