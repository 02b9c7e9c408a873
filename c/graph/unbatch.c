/* unbatch: Scan-8 in words of its newer forms.
**
** Scan-8 runs its body over each row of a batch.  An upgrade keeps that as it is, under an attribute
** that only perigee knows.  For files the batch becomes an outer Scan, over the rows, whose body is the
** inner one: final states and results stack along axis 0 as they did.  Rows of different lengths
** can't be said this way. */
#include "graph/graph.h"

typedef struct unbatcher {
  pgi_node *node, *inner;
  pg_graph *body, *rows;
  int n_in, n_out; /* of the body */
  pgi_value **in, **out;
  pg_error *err;
} unbatcher;

/* The graph for one row: its inputs, the inner Scan, its outputs. */
static pg_status make_rows(unbatcher *u) {
  pg_graph *g = u->node->graph;
  PG_TRY(pgi_graph_new_inside(g->model, g, &u->rows, u->err));
  u->rows->name = "rows";
  u->rows->is_loose = true;
  for (int i = 0; i < u->n_in; i++) {
    PG_TRY(pgi_edit_value(u->rows, NULL, &u->in[i], u->err));
    PG_TRY(pgi_edit_input(u->rows, u->in[i], u->err));
  }
  for (int i = 0; i < u->n_out; i++) PG_TRY(pgi_edit_value(u->rows, NULL, &u->out[i], u->err));
  PG_TRY(pgi_edit_node(u->rows, NULL, "", "Scan", u->n_in, u->in, u->n_out, u->out, &u->inner,
                       u->err));
  u->inner->op = u->node->op;
  u->inner->version = u->node->version;
  for (int i = 0; i < u->n_out; i++) PG_TRY(pgi_edit_output(u->rows, u->out[i], u->err));
  return PG_OK;
}

/* The body changes hands: for a moment nobody holds it. */
static pg_status move_attrs(unbatcher *u) {
  u->body->parent = u->rows;
  u->body->is_loose = true;
  for (int i = 0; i < u->node->n_attrs; i++) {
    const pgi_attr *a = &u->node->attrs[i];
    if (strcmp(a->name, "batched") != 0) PG_TRY(pgi_attr_assign(u->inner, a, u->err));
  }
  u->node->n_attrs = 0;
  pgi_attr rows = {.name = "body", .kind = PG_ATTR_GRAPH, .n = 1, .graphs = &u->rows};
  PG_TRY(pgi_attr_assign(u->node, &rows, u->err));
  return pgi_attr_set_int(u->node, "num_scan_inputs", u->n_in, u->err);
}

static pg_status unbatch(unbatcher *u) {
  PG_TRY(make_rows(u));
  PG_TRY(move_attrs(u));
  for (int i = 0; i < u->n_in; i++) u->in[i] = u->node->in[i + 1].value;
  return pgi_edit_set_inputs(u->node, u->n_in, u->in, u->err);
}

static pg_status unbatch_node(pgi_node *node, pg_error *err) {
  unbatcher u = {.node = node, .body = pgi_attr_graph(node, "body"), .err = err};
  if (!u.body || node->n_in != u.body->n_inputs + 1 || node->n_out > u.body->n_outputs)
    return pgi_fail(err, PG_INVALID, "node '%s' (Scan): its body doesn't fit", node->name);
  if (node->in[0].value)
    return pgi_fail(err, PG_UNSUPPORTED,
                    "node '%s' (Scan): sequence_lens of opset 8 have no newer form", node->name);
  u.n_in = u.body->n_inputs;
  u.n_out = u.body->n_outputs;
  pg_context *ctx = node->graph->model->ctx;
  u.in = pgi_alloc_zero(ctx, ((size_t)u.n_in + (size_t)u.n_out) * sizeof(pgi_value *));
  if (!u.in) return pgi_nomem(err);
  u.out = u.in + u.n_in;
  pg_status status = unbatch(&u);
  pgi_free(ctx, u.in);
  return status;
}

pg_status pgi_graph_unbatch(pg_graph *g, pg_error *err) {
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(pgi_graph_unbatch(body, err));
    if (!*node->domain && strcmp(node->type, "Scan") == 0 && pgi_attr_find(node, "batched"))
      PG_TRY(unbatch_node(node, err));
  }
  return PG_OK;
}
