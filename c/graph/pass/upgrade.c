/* upgrade: every node to the newest version of its operator, so that nothing later asks about
** versions. */
#include "graph/opdef.h"

int pgi_op_form(const pg_op *op, int version) {
  int form = 0;
  for (int i = 0; i < PG_COUNT(op->since) && op->since[i]; i++)
    if (op->since[i] <= version) form = op->since[i];
  return form;
}

static bool has_form(const pg_op *op) {
  return op->run || op->expand || (op->flags & PG_OP_VIEW);
}

static const char *domain_name(const char *domain) {
  return *domain ? domain : "ai.onnx";
}

/* Operators that were replaced by others have nothing but an upgrade, which must lead elsewhere. */
static pg_status upgrade_op(pgi_node *node, int newest, bool *changed, pg_error *err) {
  const pg_op *op = node->op;
  if (node->version > newest)
    return pgi_fail(err, PG_UNSUPPORTED, "opset %d of %s is newer than %d", node->version,
                    domain_name(node->domain), newest);
  if (op->upgrade && (node->version < newest || !has_form(op))) {
    PG_TRY(op->upgrade(node, node->version, err));
    *changed = true;
    if (!node->graph) return PG_OK; /* replaced by others */
  }
  if (!node->op || !has_form(node->op))
    return pgi_fail(err, PG_UNSUPPORTED, "opset %d of this operator can't be upgraded",
                    node->version);
  newest = pgi_opset_newest(node->domain);
  if (newest == 0 || node->version == newest) return PG_OK;
  node->version = newest;
  *changed = true;
  return PG_OK;
}

static pg_status upgrade_node(pgi_node *node, bool *changed, pg_error *err) {
  if (!node->op) return PG_OK;
  int newest = pgi_opset_newest(node->domain);
  if (newest == 0) newest = node->version; /* a domain without a history */
  const char *name = node->name, *type = node->type;
  pg_status status = upgrade_op(node, newest, changed, err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "node '%s' (%s)", name, type);
    return status;
  }
  return node->graph ? pgi_node_check(node, err) : PG_OK;
}

static pg_status upgrade_graph(pg_graph *g, bool *changed, pg_error *err) {
  for (pgi_node *node = g->first, *next; node; node = next) {
    next = node->next;
    if (!node->graph) continue;
    PG_TRY(upgrade_node(node, changed, err));
    if (!node->graph) continue;
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(upgrade_graph(body, changed, err));
  }
  return PG_OK;
}

/* Bumps what the model says it imports.  A domain that no node uses may be newer than we know. */
static pg_status upgrade_imports(pgi_model *m, pg_error *err) {
  for (int i = 0; i < m->n_opsets; i++) {
    int newest = pgi_opset_newest(m->opsets[i].domain);
    m->opsets[i].version = PG_MAX(m->opsets[i].version, newest);
  }
  return pgi_model_set_opset(m, "", pgi_opset_newest(""), err);
}

pg_status pgi_pass_upgrade(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  pgi_graph_pin(g, o);
  PG_TRY(upgrade_graph(g, changed, err));
  return g == g->model->main ? upgrade_imports(g->model, err) : PG_OK;
}
