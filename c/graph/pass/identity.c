/* identity: nodes that hand on their input as it is go. */
#include "graph/opdef.h"

static bool is_identity(const pgi_node *node) {
  if (!node->op || node->n_in == 0 || node->n_out == 0 || !node->in[0].value || !node->out[0])
    return false;
  if (node->op->is_identity) return node->op->is_identity(node);
  return strcmp(node->type, "Identity") == 0 && !*node->domain;
}

/* Dropout's mask and the like can't be had without the node. */
static bool has_other_outputs(const pgi_node *node) {
  for (int i = 1; i < node->n_out; i++)
    if (node->out[i] && (node->out[i]->uses || node->out[i]->is_pinned)) return true;
  return false;
}

static void remove_identities(pg_graph *g, bool *changed) {
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) remove_identities(body, changed);
    if (!is_identity(node) || has_other_outputs(node)) continue;
    pgi_value *from = node->out[0], *to = node->in[0].value;
    if (!pgi_edit_replace_keep_name(from, to)) continue;
    pgi_type_merge(&to->type, &from->type);
    pgi_edit_remove_node(node);
    *changed = true;
  }
}

pg_status pgi_pass_identity(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  (void)err;
  pgi_graph_pin(g, o);
  remove_identities(g, changed);
  return PG_OK;
}
