/* body: numbers for the values of a program, programs for its bodies, prepared operators.
**
** A body takes values of outer graphs.  Those that are constants it simply shares; the others
** become bound values like its inputs, and the node that has the body counts them among its uses.
** What a body takes from further out than its parent, the parent takes too: each level only knows
** the next. */
#include "session/internal.h"

/* ---- numbers --------------------------------------------------------------------------------- */

static pg_status add_value(pgi_program *p, const pgi_value *v, pg_error *err) {
  PG_TRY(
      pgi_grow(p->ctx, &p->values, &p->values_capacity, p->n_values + 1, sizeof *p->values, err));
  p->values[p->n_values++] = v;
  return PG_OK;
}

static pg_status number_own(pgi_program *p, pg_error *err) {
  for (pgi_value *v = p->graph->first_value; v; v = v->next) {
    v->id = p->n_values;
    PG_TRY(add_value(p, v, err));
    if (v->constant.dtype == PG_NONE || pgi_tensor_is_contiguous(&v->constant)) continue;
    pg_tensor copy = {0}; /* operators see contiguous inputs only */
    PG_TRY(pgi_tensor_contiguous(&v->constant, &copy, err));
    pgi_tensor_move(&v->constant, &copy);
  }
  p->n_own = p->n_values;
  return PG_OK;
}

/* *out = -1 when omitted; outer values are captured on the way. */
static pg_status number_of(pgi_program *p, const pgi_value *v, int *out, pg_error *err) {
  *out = -1;
  if (!v) return PG_OK;
  if (v->graph == p->graph) {
    *out = v->id;
    return PG_OK;
  }
  for (int i = p->n_own; i < p->n_values; i++) {
    if (p->values[i] == v) {
      *out = i;
      return PG_OK;
    }
  }
  if (!p->parent) return pgi_fail(err, PG_INTERNAL, "value '%s' is in no outer graph", v->name);
  PG_TRY(add_value(p, v, err));
  *out = p->n_values - 1;
  return PG_OK;
}

static int *new_ints(pgi_program *p, int n) {
  return pgi_arena_alloc(&p->memory, (size_t)n * sizeof(int));
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static pg_status body_new(pgi_program *parent, pg_graph *graph, pgi_program **out, pg_error *err) {
  if (parent->depth + 1 >= PG_MAX_DEPTH) {
    return pgi_fail(err, PG_UNSUPPORTED, "subgraphs are nested more than %d deep", PG_MAX_DEPTH);
  }
  pgi_program *p = pgi_alloc_zero(parent->ctx, sizeof *p);
  if (!p) return pgi_nomem(err);
  p->session = parent->session;
  p->ctx = parent->ctx;
  p->parent = parent;
  p->graph = graph;
  p->depth = parent->depth + 1;
  pgi_arena_init(&p->memory, p->ctx);
  *out = p; /* also when indexing fails: the parent frees it */
  return pgi_program_index(p, err);
}

static pg_status make_bodies(pgi_program *p, pgi_prog_node *pn, pg_error *err) {
  int n = 0;
  pgi_bodies all = {.node = pn->node};
  while (pgi_bodies_next(&all)) n++;
  if (n == 0) return PG_OK;
  pn->bodies = pgi_arena_alloc(&p->memory, (size_t)n * sizeof(pgi_program *));
  if (!pn->bodies) return pgi_nomem(err);
  pgi_bodies it = {.node = pn->node};
  for (pg_graph *body; (body = pgi_bodies_next(&it));) {
    pg_status status = body_new(p, body, &pn->bodies[pn->n_bodies], err);
    if (pn->bodies[pn->n_bodies]) pn->n_bodies++;
    if (status != PG_OK) return status;
  }
  return PG_OK;
}

/* Where the body's captured values are in the parent. */
static pg_status link_body(pgi_program *p, pgi_program *body, int *uses, int *n_uses,
                           pg_error *err) {
  int *from = new_ints(body, body->n_bound);
  if (!from) return pgi_nomem(err);
  for (int i = 0; i < body->n_bound; i++) {
    from[i] = -1;
    if (i < body->n_inputs) continue;
    PG_TRY(number_of(p, body->values[body->bound[i]], &from[i], err));
    uses[(*n_uses)++] = from[i];
  }
  body->from = from;
  return PG_OK;
}

/* All that must live until the node is done. */
static pg_status link_bodies(pgi_program *p, pgi_prog_node *pn, pg_error *err) {
  int room = pn->node->n_in, n = 0;
  for (int b = 0; b < pn->n_bodies; b++) room += pn->bodies[b]->n_bound - pn->bodies[b]->n_inputs;
  int *uses = new_ints(p, room);
  if (!uses) return pgi_nomem(err);
  for (int i = 0; i < pn->node->n_in; i++) {
    if (pn->in[i] >= 0) uses[n++] = pn->in[i];
  }
  for (int b = 0; b < pn->n_bodies; b++) PG_TRY(link_body(p, pn->bodies[b], uses, &n, err));
  pn->uses = uses;
  pn->n_uses = n;
  return PG_OK;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static pg_status index_node(pgi_program *p, const pgi_node *node, pgi_prog_node *pn,
                            pg_error *err) {
  int *in = new_ints(p, node->n_in), *out = new_ints(p, node->n_out);
  if (!in || !out) return pgi_nomem(err);
  pn->node = node;
  if (!node->op) return pgi_fail(err, PG_INTERNAL, "node '%s' is not resolved", node->name);
  for (int i = 0; i < node->n_in; i++) PG_TRY(number_of(p, node->in[i].value, &in[i], err));
  for (int i = 0; i < node->n_out; i++) PG_TRY(number_of(p, node->out[i], &out[i], err));
  pn->in = in;
  pn->out = out;
  p->max_in = PG_MAX(p->max_in, node->n_in);
  p->max_out = PG_MAX(p->max_out, node->n_out);
  PG_TRY(make_bodies(p, pn, err));
  return link_bodies(p, pn, err);
}

static pg_status index_nodes(pgi_program *p, pg_error *err) {
  p->nodes = pgi_arena_alloc(&p->memory, (size_t)p->graph->n_nodes * sizeof *p->nodes);
  if (!p->nodes) return pgi_nomem(err);
  for (const pgi_node *node = p->graph->first; node; node = node->next) {
    pgi_prog_node *pn = &p->nodes[p->n_nodes++];
    PG_TRY(index_node(p, node, pn, err));
  }
  return PG_OK;
}

static pg_status index_bound(pgi_program *p, pg_error *err) {
  int n_captured = p->n_values - p->n_own;
  int *bound = new_ints(p, p->graph->n_inputs + n_captured);
  if (!bound) return pgi_nomem(err);
  for (int i = 0; i < p->graph->n_inputs; i++) bound[i] = p->graph->inputs[i]->id;
  p->n_inputs = p->n_bound = p->graph->n_inputs;
  for (int i = p->n_own; i < p->n_values; i++) {
    if (!pgi_program_is_constant(p, i)) bound[p->n_bound++] = i;
  }
  p->bound = bound;
  p->given = pgi_arena_alloc(&p->memory, (size_t)p->n_bound * sizeof *p->given);
  return p->given ? PG_OK : pgi_nomem(err);
}

static pg_status index_outputs(pgi_program *p, pg_error *err) {
  int *outputs = new_ints(p, p->graph->n_outputs);
  if (!outputs) return pgi_nomem(err);
  p->n_outputs = p->graph->n_outputs;
  p->outputs = outputs;
  for (int i = 0; i < p->n_outputs; i++) {
    PG_TRY(number_of(p, p->graph->outputs[i].value, &outputs[i], err));
    if (outputs[i] < 0) return pgi_fail(err, PG_INVALID, "output %d of a graph is omitted", i);
  }
  return PG_OK;
}

/* ---- prepared operators ---------------------------------------------------------------------- */

/* Inference says the node's name itself: not twice. */
void pgi_node_unprefix(const pgi_node *node, pg_error *err) {
  char prefix[400];
  if (!err) return;
  pgi_text text = {prefix, sizeof prefix, 0};
  pgi_text_add(&text, "node '%s' (%s): ", node->name ? node->name : "", node->type);
  if (text.n >= sizeof prefix || strncmp(err->message, prefix, text.n) != 0) return;
  memmove(err->message, err->message + text.n, strlen(err->message + text.n) + 1);
}

void pgi_node_prefix(const pgi_node *node, pg_error *err) {
  const char *name = node->name ? node->name : "";
  for (int i = 0; i < node->n_out && !*name; i++) {
    if (node->out[i]) name = node->out[i]->name;
  }
  pgi_node_unprefix(node, err);
  pgi_error_prefix(err, "node '%s' (%s)", name, node->type);
}

enum {
  LEAST_CONTENT = 1 << 16
}; /* bytes that are worth letting go, and that no planning looks at */

/* Content that only this node took, and now has in another form. */
static pg_status let_go(const pgi_program *p, const pgi_prog_node *pn, pg_error *err) {
  for (int i = 0; i < pn->node->n_in && i < 32; i++) {
    pgi_value *v = pn->node->in[i].value;
    if (!(pn->node->op->packs >> i & 1) || !v || v->graph != p->graph) continue;
    if (!pgi_value_is_constant(v) || pg_tensor_bytes(&v->constant) < LEAST_CONTENT) continue;
    if (!v->uses || v->uses->next || v->uses->node != pn->node) continue;
    pgi_tensor_forget(&v->constant);
    PG_TRY(pgi_tensor_hollow(&v->constant, err));
  }
  return PG_OK;
}

static pg_status prepare_node(pgi_program *p, pgi_prog_node *pn, pg_error *err) {
  size_t n = (size_t)PG_MAX(pn->node->n_in, 1);
  const pg_tensor **content = pgi_alloc(p->ctx, n * sizeof *content);
  if (!content) return pgi_nomem(err);
  for (int i = 0; i < pn->node->n_in; i++) {
    bool is_known = pn->in[i] >= 0 && pgi_program_is_constant(p, pn->in[i]);
    content[i] = is_known ? &p->values[pn->in[i]]->constant : NULL;
  }
  pg_status status = pn->node->op->prepare(p->ctx, pn->node, content, &pn->prepared, err);
  pgi_free(p->ctx, content);
  return status == PG_OK && pn->prepared ? let_go(p, pn, err) : status;
}

/* Nodes are prepared on all threads: they share nothing but what they only read. */
typedef struct preparation {
  pgi_program *p;
  struct prepared_node {
    pgi_prog_node *pn;
    pg_status status;
    pg_error err;
  } * nodes;
} preparation;

static void prepare_task(void *arg, int64_t i) {
  preparation *all = arg;
  struct prepared_node *one = &all->nodes[i];
  one->status = prepare_node(all->p, one->pn, &one->err);
}

/* The first failure in the order of nodes counts, whichever came first in time. */
static pg_status prepare(pgi_program *p, pg_error *err) {
  preparation all = {.p = p};
  int n = 0;
  for (int i = 0; i < p->n_nodes; i++) n += p->nodes[i].node->op->prepare != NULL;
  if (n == 0) return PG_OK;
  all.nodes = pgi_alloc_zero(p->ctx, (size_t)n * sizeof *all.nodes);
  if (!all.nodes) return pgi_nomem(err);
  n = 0;
  for (int i = 0; i < p->n_nodes; i++) {
    if (p->nodes[i].node->op->prepare) all.nodes[n++].pn = &p->nodes[i];
  }
  pgi_parallel_for(p->ctx, p->session->threads, n, prepare_task, &all);
  pg_status status = PG_OK;
  for (int i = 0; i < n && status == PG_OK; i++) {
    status = all.nodes[i].status;
    if (status == PG_OK) continue;
    if (err) *err = all.nodes[i].err;
    pgi_node_prefix(all.nodes[i].pn->node, err);
  }
  pgi_free(p->ctx, all.nodes);
  return status;
}

pg_status pgi_program_index(pgi_program *p, pg_error *err) {
  PG_TRY(number_own(p, err));
  PG_TRY(index_nodes(p, err));
  PG_TRY(index_outputs(p, err));
  PG_TRY(index_bound(p, err));
  return prepare(p, err);
}

static void node_clear(pgi_program *p, pgi_prog_node *pn) {
  if (pn->prepared && pn->node->op->discard) pn->node->op->discard(p->ctx, pn->prepared);
  for (int b = 0; b < pn->n_bodies; b++) pgi_program_free(pn->bodies[b]);
}

void pgi_program_clear(pgi_program *p) {
  while (p->plans) {
    pgi_plan *plan = p->plans;
    p->plans = plan->next;
    pgi_plan_free(plan);
  }
  for (int i = 0; i < p->n_nodes; i++) node_clear(p, &p->nodes[i]);
  p->n_nodes = 0;
  pgi_free(p->ctx, p->values);
  p->values = NULL;
}
