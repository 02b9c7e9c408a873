/* fuse: asks every operator whether it can swallow a neighbour, until none can. */
#include "graph/opdef.h"

static pg_status fuse_node(pgi_node *node, bool *changed, pg_error *err) {
  bool again = true;
  while (again && node->graph && node->op && node->op->absorb) {
    again = false;
    pg_status status = node->op->absorb(node, &again, err);
    if (status != PG_OK) {
      pgi_error_prefix(err, "node '%s' (%s)", node->name, node->type);
      return status;
    }
    *changed |= again;
  }
  return PG_OK;
}

/* A removed node still leads on to the next one; it may have been removed too. */
static pg_status fuse_graph(pg_graph *g, bool *changed, pg_error *err) {
  for (pgi_node *node = g->first; node; node = node->next) {
    if (!node->graph) continue;
    PG_TRY(fuse_node(node, changed, err));
    if (!node->graph) continue;
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(fuse_graph(body, changed, err));
  }
  return PG_OK;
}

pg_status pgi_pass_fuse(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  /* Two operators that undo each other's work would go on for ever. */
  enum { MOST_ROUNDS = 100 };
  bool again = true;
  pgi_graph_pin(g, o);
  for (int round = 0; again && round < MOST_ROUNDS; round++) {
    again = false;
    PG_TRY(fuse_graph(g, &again, err));
    *changed |= again;
  }
  return PG_OK;
}
