/* dce: nodes and constants that nothing needs go.  One sweep from the end: what a dead node used is
** looked at after it. */
#include "graph/graph.h"

static bool is_needed(const pgi_node *node) {
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] && (node->out[i]->uses || node->out[i]->is_pinned)) return true;
  return false;
}

/* Values without a maker go when nothing uses them; inputs stay, they are the graph's face. */
static void sweep_values(pg_graph *g, bool *changed) {
  for (pgi_value *v = g->first_value, *next; v; v = next) {
    next = v->next;
    if (v->uses || v->is_pinned || v->producer || v->is_input) continue;
    pgi_edit_remove_value(v);
    *changed = true;
  }
}

static void sweep(pg_graph *g, bool *changed) {
  for (pgi_node *node = g->last, *prev; node; node = prev) {
    prev = node->prev;
    if (!is_needed(node)) {
      pgi_edit_remove_node(node);
      *changed = true;
      continue;
    }
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) sweep(body, changed);
  }
  sweep_values(g, changed);
}

pg_status pgi_pass_dce(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  (void)err;
  pgi_graph_pin(g, o);
  sweep(g, changed);
  return PG_OK;
}
