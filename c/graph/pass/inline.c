/* inline: calls of model-local functions become the nodes of the functions.
**
** Functions are made free of calls first, callees before callers, so that every call is copied once
** for each place where it is needed.  Files can nest calls so that the result explodes or never
** ends: both are refused. */
#include "graph/graph.h"

enum {
  DEEPEST_CALLS = 100,
  MOST_NODES = 500000, /* that inlining may add */
};

typedef enum progress { PG_NEW, PG_ACTIVE, PG_DONE } progress;

typedef struct inliner {
  pgi_model *model;
  pgi_function_index functions;
  unsigned char *progress; /* [n_functions] */
  int64_t n_added;
  bool changed;
  pg_error *err;
} inliner;

static pg_status inline_graph(inliner *in, pg_graph *g, int depth);

static pg_status prepare(inliner *in, pgi_function *f, int depth) {
  unsigned char *state = &in->progress[f - in->model->functions];
  if (*state == PG_DONE) return PG_OK;
  if (*state == PG_ACTIVE)
    return pgi_fail(in->err, PG_INVALID, "function '%s' calls itself", f->name);
  if (depth > DEEPEST_CALLS)
    return pgi_fail(in->err, PG_UNSUPPORTED, "calls of functions are nested deeper than %d",
                    DEEPEST_CALLS);
  *state = PG_ACTIVE;
  PG_TRY(inline_graph(in, f->body, depth));
  *state = PG_DONE;
  return PG_OK;
}

/* Nodes of a body and of what is nested in it. */
static int64_t count_nodes(const pg_graph *g) {
  int64_t n = g->n_nodes;
  for (const pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (const pg_graph *body; (body = pgi_bodies_next(&it));) n += count_nodes(body);
  }
  return n;
}

static pg_status inline_call(inliner *in, pgi_node *node, pgi_function *f, int depth) {
  PG_TRY(prepare(in, f, depth + 1));
  in->n_added += count_nodes(f->body);
  if (in->n_added > MOST_NODES)
    return pgi_fail(in->err, PG_UNSUPPORTED, "inlined functions have more than %d nodes",
                    MOST_NODES);
  in->changed = true;
  pg_status status = pgi_edit_inline_node(node, f->body, f, in->err);
  if (status != PG_OK) pgi_error_prefix(in->err, "node '%s' (%s)", node->name, node->type);
  return status;
}

static pg_status inline_graph(inliner *in, pg_graph *g, int depth) {
  for (pgi_node *node = g->first, *next; node; node = next) {
    next = node->next;
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(inline_graph(in, body, depth));
    pgi_function *f = pgi_function_index_find(&in->functions, node);
    if (f) PG_TRY(inline_call(in, node, f, depth));
  }
  return PG_OK;
}

static pg_status inline_all(inliner *in, pg_graph *g) {
  PG_TRY(pgi_function_index_init(&in->functions, in->model, in->err));
  in->progress = pgi_alloc_zero(in->model->ctx, (size_t)in->model->n_functions);
  if (!in->progress) return pgi_nomem(in->err);
  PG_TRY(inline_graph(in, g, 0));
  if (g != in->model->main) return PG_OK;
  /* Nothing calls them any more. */
  for (int i = 0; i < in->model->n_functions; i++) pgi_graph_clear(in->model->functions[i].body);
  in->model->n_functions = 0;
  in->changed = true;
  return PG_OK;
}

pg_status pgi_pass_inline(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  if (g->model->n_functions == 0) return PG_OK;
  pgi_graph_pin(g, o);
  inliner in = {.model = g->model, .err = err};
  pg_status status = inline_all(&in, g);
  pgi_free(g->model->ctx, in.progress);
  pgi_function_index_deinit(&in.functions);
  *changed |= in.changed;
  return status;
}
