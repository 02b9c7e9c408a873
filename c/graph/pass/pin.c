/* pin: marks the values that somebody wants by name, for all passes. */
#include "graph/graph.h"

static void pin_graph(pg_graph *g, const pgi_pass_options *o) {
  for (pgi_value *v = g->first_value; v; v = v->next) v->is_pinned = false;
  for (int i = 0; o && i < o->n_keep; i++) {
    pgi_value *v = pgi_graph_find(g, o->keep[i]);
    if (v) v->is_pinned = true;
  }
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) pin_graph(body, o);
  }
}

void pgi_graph_pin(pg_graph *g, const pgi_pass_options *o) {
  pin_graph(g, o);
}
