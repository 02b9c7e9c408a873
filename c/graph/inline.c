/* inline: the nodes of a body in place of the node that stands for it. */
#include "graph/copy.h"

/* Body inputs become what the caller gives; an omitted one with a default becomes that constant. */
static pg_status map_inputs(pgi_copier *c, const pg_graph *body, pg_graph *g, pgi_value *const *in,
                            int n_in, pg_error *err) {
  for (int i = 0; i < body->n_inputs; i++) {
    const pgi_value *input = body->inputs[i];
    pgi_value *v = i < n_in ? in[i] : NULL;
    if (!v && input->constant.dtype != PG_NONE)
      PG_TRY(pgi_edit_constant(g, NULL, &input->constant, &v, err));
    PG_TRY(pgi_ptrmap_put(&c->values, input, v, err));
  }
  return PG_OK;
}

static pg_status copy_in(pgi_copier *c, pg_graph *g, pgi_node *before, const pg_graph *body,
                         pgi_value *const *in, int n_in, pgi_value **out, pg_error *err) {
  PG_TRY(map_inputs(c, body, g, in, n_in, err));
  PG_TRY(pgi_copy_values(c, body, g, err));
  PG_TRY(pgi_copy_nodes(c, body, g, before, err));
  for (int i = 0; i < body->n_outputs; i++)
    PG_TRY(pgi_copy_of(c, body->outputs[i].value, &out[i], err));
  return PG_OK;
}

/* Takes back what was added between the marks and the end, newest first. */
static void take_back(pg_graph *g, const pgi_node *last_node, const pgi_node *before,
                      const pgi_value *last_value) {
  for (;;) {
    pgi_node *node = before ? before->prev : g->last;
    if (node == last_node) break;
    pgi_edit_remove_node(node);
  }
  while (g->last_value && g->last_value != last_value) {
    pgi_value *v = g->last_value;
    pgi_edit_remove_value(v);
    if (g->last_value == v) break;
  }
}

pg_status pgi_edit_inline(pg_graph *g, pgi_node *before, const pg_graph *body, pgi_value *const *in,
                          int n_in, const pgi_node *caller, const pgi_function *function,
                          pgi_value **out, pg_error *err) {
  if (n_in > body->n_inputs)
    return pgi_fail(err, PG_INVALID, "graph '%s' takes %d inputs, got %d", body->name,
                    body->n_inputs, n_in);
  pgi_copier c;
  pgi_copier_init(&c, body->model, g->model);
  c.is_inline = true;
  c.caller = caller;
  c.function = function;
  if (caller && *caller->name) c.prefix = caller->name;
  const pgi_node *last_node = before ? before->prev : g->last;
  const pgi_value *last_value = g->last_value;
  pg_status status = copy_in(&c, g, before, body, in, n_in, out, err);
  if (status != PG_OK) take_back(g, last_node, before, last_value);
  pgi_copier_deinit(&c);
  return status;
}

static pg_status inline_node(pgi_node *node, const pg_graph *body, const pgi_function *function,
                             pgi_value **in, int n_in, pgi_value **out, pg_error *err) {
  for (int i = 0; i < n_in; i++) in[i] = node->in[i].value;
  PG_TRY(pgi_edit_inline(node->graph, node, body, in, n_in, node, function, out, err));
  return pgi_edit_replace_node(node, out, err);
}

pg_status pgi_edit_inline_node(pgi_node *node, const pg_graph *body, const pgi_function *function,
                               pg_error *err) {
  if (node->n_out > body->n_outputs)
    return pgi_fail(err, PG_INVALID, "node '%s' (%s) has %d outputs, its body '%s' has %d",
                    node->name, node->type, node->n_out, body->name, body->n_outputs);
  int n_in = function ? node->n_in : 0;
  pg_context *ctx = node->graph->model->ctx;
  pgi_value **lists = pgi_alloc_zero(ctx, ((size_t)n_in + (size_t)body->n_outputs) * sizeof *lists);
  if (!lists) return pgi_nomem(err);
  pg_status status = inline_node(node, body, function, lists, n_in, lists + n_in, err);
  pgi_free(ctx, lists);
  return status;
}
