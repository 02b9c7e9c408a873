/* expand: operators that are made of simpler ones become those. */
#include "graph/opdef.h"

static bool is_unused(const pgi_node *node) {
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] && (node->out[i]->uses || node->out[i]->is_pinned)) return false;
  return true;
}

/* Goes on with the first of the nodes that came in place of `node`: they may be composite too.  A
** node that stays (its expansion needs types that are not known yet) is left for a later round. */
static pg_status expand_node(pgi_node *node, pgi_node **next, bool *changed, pg_error *err) {
  pg_graph *g = node->graph;
  pgi_node *prev = node->prev;
  pg_status status = node->op->expand(node, err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "node '%s' (%s)", node->name, node->type);
    return status;
  }
  if (node->graph && is_unused(node)) pgi_edit_remove_node(node);
  if (node->graph) {
    *next = node->next;
    return PG_OK;
  }
  *next = prev ? prev->next : g->first;
  *changed = true;
  return PG_OK;
}

static pg_status expand_graph(pg_graph *g, bool *changed, pg_error *err) {
  for (pgi_node *node = g->first, *next; node; node = next) {
    next = node->next;
    if (node->op && node->op->expand) PG_TRY(expand_node(node, &next, changed, err));
    if (!node->graph) continue;
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(expand_graph(body, changed, err));
  }
  return PG_OK;
}

pg_status pgi_pass_expand(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  pgi_graph_pin(g, o);
  return expand_graph(g, changed, err);
}
