/* verify: the structure of a graph, told from the pointers alone.  Only reads, so it may run while
** other threads read the graph too. */
#include "graph/graph.h"

typedef struct verifier {
  pgi_ptrmap defined; /* values that exist at the point reached */
  int64_t n_uses;     /* seen at nodes and outputs */
  pg_error *err;
} verifier;

static pg_status fault(const verifier *f, const pg_graph *g, const char *what, const char *name) {
  return pgi_fail(f->err, PG_INVALID, "graph '%s': %s '%s'", g->name ? g->name : "", what, name);
}

static bool is_in_scope(const pg_graph *g, const pgi_value *v) {
  for (; g; g = g->parent)
    if (g == v->graph) return true;
  return false;
}

/* A used value must be visible from here, made before, and found under its name. */
static pg_status check_use(verifier *f, const pg_graph *g, const pgi_use *use, const pgi_node *node,
                           int index) {
  const pgi_value *v = use->value;
  const char *user = node ? node->name : "";
  if (use->node != node || use->graph != g || use->index != index)
    return fault(f, g, "a use is recorded at the wrong place, by node", user);
  if (!v) return PG_OK;
  f->n_uses++;
  if (!v->graph) return fault(f, g, "something uses the removed value", v->name);
  if (!is_in_scope(g, v)) return fault(f, g, "a value is used outside its graph:", v->name);
  if (!pgi_ptrmap_has(&f->defined, v))
    return pgi_fail(f->err, PG_INVALID, "graph '%s': '%s' is used by %s '%s' before it is made",
                    g->name, v->name, node ? "node" : "graph", node ? user : g->name);
  if (pgi_graph_lookup(g, v->name) != v)
    return fault(f, g, "another value hides the one that is used under the name", v->name);
  return PG_OK;
}

static pg_status define(verifier *f, const pgi_value *v) {
  return pgi_ptrmap_put(&f->defined, v, (void *)v, f->err);
}

/* ---- values ------------------------------------------------------------------------------------- */

/* Subgraphs that no node holds yet are not walked. */
static bool is_in_loose(const pg_graph *g) {
  while (g && !g->is_loose) g = g->parent;
  return g != NULL;
}

/* Each entry of a use list must be an input or output slot that holds it: together with the count of
** all uses that makes lists and slots agree. */
static pg_status check_use_list(verifier *f, const pgi_value *v) {
  const pgi_use *prev = NULL;
  for (const pgi_use *use = v->uses; use; prev = use, use = use->next) {
    if (use->value != v || use->prev != prev)
      return fault(f, v->graph, "the use list is broken of value", v->name);
    const pgi_node *node = use->node;
    bool is_slot =
        node ? node->graph == use->graph && use->index < node->n_in && use == &node->in[use->index]
             : use->index < use->graph->n_outputs && use == &use->graph->outputs[use->index];
    if (!is_slot) return fault(f, v->graph, "a stale use is recorded for value", v->name);
    f->n_uses -= !is_in_loose(use->graph);
  }
  return PG_OK;
}

static pg_status check_value(verifier *f, const pg_graph *g, const pgi_value *v) {
  if (!v->name || !*v->name) return fault(f, g, "a value has no name", "");
  if (v->graph != g) return fault(f, g, "a value of another graph is listed:", v->name);
  if (pgi_graph_find(g, v->name) != v) return fault(f, g, "two values have the name", v->name);
  bool has_content = v->constant.dtype != PG_NONE;
  const pgi_node *maker = v->producer;
  if (maker && (v->is_input || has_content)) return fault(f, g, "a value is made twice:", v->name);
  if (maker && (maker->graph != g || v->output >= maker->n_out || maker->out[v->output] != v))
    return fault(f, g, "the producer doesn't know its value", v->name);
  if (!maker && !v->is_input && !has_content && v->uses)
    return fault(f, g, "nothing makes the value", v->name);
  PG_TRY(check_use_list(f, v));
  return v->is_input || has_content ? define(f, v) : PG_OK;
}

static pg_status check_values(verifier *f, const pg_graph *g) {
  const pgi_value *prev = NULL;
  for (const pgi_value *v = g->first_value; v; prev = v, v = v->next) {
    if (v->prev != prev) return fault(f, g, "the list of values is broken at", v->name);
    PG_TRY(check_value(f, g, v));
  }
  if (g->last_value != prev) return fault(f, g, "the list of values has a wrong end", "");
  for (int i = 0; i < g->n_inputs; i++) {
    const pgi_value *v = g->inputs[i];
    if (v->graph != g || !v->is_input) return fault(f, g, "this is no input:", v->name);
  }
  return PG_OK;
}

/* ---- nodes -------------------------------------------------------------------------------------- */

static pg_status check_graph(verifier *f, const pg_graph *g);

static pg_status check_bodies(verifier *f, const pg_graph *g, const pgi_node *node) {
  pgi_bodies it = {.node = node};
  for (const pg_graph *body; (body = pgi_bodies_next(&it));) {
    if (body->parent != g || body->model != g->model)
      return fault(f, g, "a subgraph has another parent than its node", node->name);
    PG_TRY(check_graph(f, body));
  }
  return PG_OK;
}

static pg_status check_node(verifier *f, const pg_graph *g, const pgi_node *node) {
  if (!node->type || !node->domain || !node->name) return fault(f, g, "a node has no type", "");
  if (node->graph != g) return fault(f, g, "a node of another graph is listed:", node->name);
  for (int i = 0; i < node->n_in; i++) PG_TRY(check_use(f, g, &node->in[i], node, i));
  for (int i = 0; i < node->n_attrs; i++)
    if (!node->attrs[i].name) return fault(f, g, "an attribute has no name in node", node->name);
  PG_TRY(check_bodies(f, g, node));
  for (int i = 0; i < node->n_out; i++) {
    const pgi_value *v = node->out[i];
    if (!v) continue;
    if (v->producer != node || v->output != i || v->graph != g)
      return fault(f, g, "a node has an output that another one makes:", node->name);
    PG_TRY(define(f, v));
  }
  return PG_OK;
}

static pg_status check_graph(verifier *f, const pg_graph *g) {
  PG_TRY(check_values(f, g));
  const pgi_node *prev = NULL;
  int n = 0;
  for (const pgi_node *node = g->first; node; prev = node, node = node->next, n++) {
    if (node->prev != prev || n > g->n_nodes)
      return fault(f, g, "the list of nodes is broken at", node->name);
    PG_TRY(check_node(f, g, node));
  }
  if (g->last != prev || n != g->n_nodes) return fault(f, g, "nodes were miscounted", "");
  for (int i = 0; i < g->n_outputs; i++) {
    if (!g->outputs[i].value) return fault(f, g, "an output has no value", "");
    PG_TRY(check_use(f, g, &g->outputs[i], NULL, i));
  }
  return PG_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

/* For a subgraph alone: what is around it counts as there. */
static pg_status define_outer(verifier *f, const pg_graph *g) {
  for (const pg_graph *up = g->parent; up; up = up->parent)
    for (const pgi_value *v = up->first_value; v; v = v->next) PG_TRY(define(f, v));
  return PG_OK;
}

static pg_status verify(verifier *f, const pg_graph *g) {
  PG_TRY(define_outer(f, g));
  PG_TRY(check_graph(f, g));
  if (g == g->model->main)
    for (int i = 0; i < g->model->n_functions; i++)
      PG_TRY(check_graph(f, g->model->functions[i].body));
  /* Values from around a lone subgraph are used outside it too: there the sum says nothing. */
  if (!g->parent && f->n_uses != 0) return fault(f, g, "uses are missing from their lists", "");
  return PG_OK;
}

pg_status pgi_graph_verify(const pg_graph *g, pg_error *err) {
  verifier f = {.err = err};
  pgi_ptrmap_init(&f.defined, g->model->ctx);
  pg_status status = verify(&f, g);
  pgi_ptrmap_deinit(&f.defined);
  return status;
}
