/* resolve: finds what each node's operator is, and checks that the node fits it. */
#include "graph/opdef.h"

/* ---- model-local functions ------------------------------------------------------------------------ */

/* domain, name and overload with a byte between that no name has. */
static char *function_key(pgi_arena *arena, const char *domain, const char *name,
                          const char *overload) {
  if (!domain || strcmp(domain, "ai.onnx") == 0) domain = "";
  if (!overload) overload = "";
  size_t size = strlen(domain) + strlen(name) + strlen(overload) + 3;
  char *key = pgi_arena_alloc(arena, size);
  if (!key) return NULL;
  pgi_text text = {key, size, 0};
  pgi_text_add(&text, "%s\x01%s\x01%s", domain, name, overload);
  return key;
}

pg_status pgi_function_index_init(pgi_function_index *index, const pgi_model *m, pg_error *err) {
  pgi_map_init(&index->map, m->ctx);
  pgi_arena_init(&index->arena, m->ctx);
  for (int i = 0; i < m->n_functions; i++) {
    pgi_function *f = &m->functions[i];
    char *key = function_key(&index->arena, f->domain, f->name, f->overload);
    if (!key) return pgi_nomem(err);
    PG_TRY(pgi_map_put(&index->map, key, f, err));
  }
  return PG_OK;
}

void pgi_function_index_deinit(pgi_function_index *index) {
  pgi_map_deinit(&index->map);
  pgi_arena_deinit(&index->arena);
}

/* The key is made on the stack: functions whose names don't fit there are not found. */
pgi_function *pgi_function_index_find(const pgi_function_index *index, const pgi_node *node) {
  char key[1024];
  if (index->map.n == 0) return NULL;
  pgi_text text = {key, sizeof key, 0};
  const char *overload = node->overload ? node->overload : "";
  pgi_text_add(&text, "%s\x01%s\x01%s", node->domain, node->type, overload);
  return text.n < sizeof key ? pgi_map_get(&index->map, key) : NULL;
}

/* ---- what is missing ------------------------------------------------------------------------------ */

typedef struct missing {
  const pgi_node *first;
  int n;
  struct missing *next;
} missing;

typedef struct resolver {
  pgi_function_index functions;
  pgi_map seen; /* function_key -> missing */
  missing *list, **end;
} resolver;

static bool is_supported(const pg_op *op) {
  return op && (op->run || op->expand || op->upgrade || (op->flags & PG_OP_VIEW));
}

static pg_status note_missing(resolver *r, const pgi_node *node, pg_error *err) {
  char *key = function_key(&r->functions.arena, node->domain, node->type, NULL);
  if (!key) return pgi_nomem(err);
  missing *m = pgi_map_get(&r->seen, key);
  if (!m) {
    m = pgi_arena_alloc(&r->functions.arena, sizeof *m);
    if (!m) return pgi_nomem(err);
    PG_TRY(pgi_map_put(&r->seen, key, m, err));
    m->first = node;
    *r->end = m;
    r->end = &m->next;
  }
  m->n++;
  return PG_OK;
}

static pg_status fail_missing(const resolver *r, pg_error *err) {
  char buffer[sizeof err->message];
  pgi_text text = {buffer, sizeof buffer, 0};
  pgi_text_add(&text, "unsupported operator%s: ", r->list->next ? "s" : "");
  for (const missing *m = r->list; m; m = m->next) {
    const pgi_node *node = m->first;
    pgi_text_add(&text, "%s%s (", m == r->list ? "" : ", ", node->type);
    if (*node->domain) pgi_text_add(&text, "domain %s, ", node->domain);
    if (m->n == 1)
      pgi_text_add(&text, "node '%s')", node->name);
    else
      pgi_text_add(&text, "%d nodes, first '%s')", m->n, node->name);
  }
  const char *more = text.n >= sizeof buffer ? "..." : "";
  return pgi_fail(err, PG_UNSUPPORTED, "%s%s", buffer, more);
}

/* ---- checking one node ----------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    "nothing", "a float",         "an int",         "a string", "a tensor",
    "a graph", "floats",          "ints",           "strings",  "tensors",
    "graphs",  "a sparse tensor", "sparse tensors", "a type",   "types",
};

static const char *kind_name(pgi_attr_kind kind) {
  return (int)kind >= 0 && (int)kind < PG_COUNT(kind_names) ? kind_names[kind] : "unknown";
}

static bool is_single(pgi_attr_kind kind) {
  return (kind >= PG_ATTR_FLOAT && kind <= PG_ATTR_GRAPH) || kind == PG_ATTR_SPARSE ||
         kind == PG_ATTR_TYPE;
}

static pg_status check_attr(const pgi_node *node, const pgi_attr_def *def, pg_error *err) {
  const pgi_attr *a = pgi_attr_find(node, def->name);
  if (!a) {
    if (!def->is_required) return PG_OK;
    return pgi_fail(err, PG_INVALID, "attribute '%s' is required", def->name);
  }
  if (a->ref)
    return pgi_fail(err, PG_INVALID, "attribute '%s' refers to '%s', but no function is around it",
                    a->name, a->ref);
  if (def->kind != PG_ATTR_NONE && a->kind != def->kind)
    return pgi_fail(err, PG_INVALID, "attribute '%s': expected %s, got %s", a->name,
                    kind_name(def->kind), kind_name(a->kind));
  if (is_single(a->kind) && a->n != 1)
    return pgi_fail(err, PG_INVALID, "attribute '%s': expected %s, got %lld values", a->name,
                    kind_name(a->kind), (long long)a->n);
  return PG_OK;
}

static pg_status check_count(const char *what, int n, const uint8_t range[2], pg_error *err) {
  int least = range[0], most = range[1];
  if (n >= least && (n <= most || most == PG_MANY)) return PG_OK;
  if (most == PG_MANY)
    return pgi_fail(err, PG_INVALID, "expected at least %d %s, got %d", least, what, n);
  if (least == most) return pgi_fail(err, PG_INVALID, "expected %d %s, got %d", least, what, n);
  return pgi_fail(err, PG_INVALID, "expected %d to %d %s, got %d", least, most, what, n);
}

/* Omitted inputs at the end don't count.  Loop's first two are optional though they must be
** written, so control flow looks at its inputs itself. */
static pg_status check_inputs(const pgi_node *node, pg_error *err) {
  const pg_op *op = node->op;
  int n = node->n_in;
  while (n > op->in[0] && !node->in[n - 1].value) n--;
  PG_TRY(check_count("inputs", n, op->in, err));
  for (int i = 0; i < op->in[0] && !(op->flags & PG_OP_CONTROL); i++)
    if (!node->in[i].value) return pgi_fail(err, PG_INVALID, "input %d is required", i);
  return PG_OK;
}

static pg_status check(const pgi_node *node, pg_error *err) {
  const pg_op *op = node->op;
  PG_TRY(check_inputs(node, err));
  int n = node->n_out;
  while (n > op->out[0] && !node->out[n - 1]) n--;
  PG_TRY(check_count("outputs", n, op->out, err));
  for (const pgi_attr_def *def = op->attrs; def && def->name; def++)
    PG_TRY(check_attr(node, def, err));
  return PG_OK;
}

pg_status pgi_node_check(const pgi_node *node, pg_error *err) {
  if (!node->op) return PG_OK;
  pg_status status = check(node, err);
  if (status != PG_OK) pgi_error_prefix(err, "node '%s' (%s)", node->name, node->type);
  return status;
}

/* ---- all nodes ---------------------------------------------------------------------------------- */

/* Written for the last version in which the operator changed, or later; operators that only upgrade
** have no such form. */
static bool is_newest_form(const pgi_node *node) {
  const pg_op *op = node->op;
  if (!op->run && !op->expand && !(op->flags & PG_OP_VIEW)) return false;
  int last = 0;
  for (int i = 0; i < PG_COUNT(op->since) && op->since[i]; i++) last = op->since[i];
  return node->version >= last;
}

static pg_status resolve_graph(resolver *r, pg_graph *g, pg_error *err);

static pg_status resolve_node(resolver *r, pgi_node *node, pg_error *err) {
  if (!pgi_function_index_find(&r->functions, node)) {
    const pg_op *op = pgi_op_find(node->domain, node->type);
    if (!is_supported(op))
      PG_TRY(note_missing(r, node, err));
    else
      node->op = op;
    if (node->op && is_newest_form(node)) PG_TRY(pgi_node_check(node, err));
  }
  pgi_bodies it = {.node = node};
  for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(resolve_graph(r, body, err));
  return PG_OK;
}

static pg_status resolve_graph(resolver *r, pg_graph *g, pg_error *err) {
  for (pgi_node *node = g->first; node; node = node->next) PG_TRY(resolve_node(r, node, err));
  return PG_OK;
}

pg_status pgi_graph_resolve(pg_graph *g, pg_error *err) {
  resolver r = {.end = &r.list};
  pgi_map_init(&r.seen, g->model->ctx);
  pg_status status = pgi_function_index_init(&r.functions, g->model, err);
  if (status == PG_OK) status = resolve_graph(&r, g, err);
  if (status == PG_OK && r.list) status = fail_missing(&r, err);
  pgi_map_deinit(&r.seen);
  pgi_function_index_deinit(&r.functions);
  return status;
}
