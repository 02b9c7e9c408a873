/* graph: the life of models and graphs, look-ups, what a model says about itself. */
#include <stdio.h>

#include "graph/graph.h"

/* Attribute tensors live apart from the arena's bytes because their buffers are counted. */
struct pgi_tensor_cell {
  struct pgi_tensor_cell *next;
  pg_tensor tensor;
};

pg_status pgi_arena_grow(pgi_arena *arena, void *array, int n, int *room, int need, size_t size,
                         pg_error *err) {
  if (need <= *room) return PG_OK;
  int64_t more = PG_MAX(need, 2 * (int64_t)*room);
  if (more > INT32_MAX) more = need;
  size_t bytes;
  if (!pgi_mul_size((size_t)more, size, &bytes)) return pgi_nomem(err);
  void *grown = pgi_arena_alloc(arena, bytes);
  if (!grown) return pgi_nomem(err);
  void *old;
  memcpy(&old, array, sizeof old);
  if (old && n > 0) memcpy(grown, old, (size_t)n * size);
  memcpy(array, &grown, sizeof grown);
  *room = (int)more;
  return PG_OK;
}

/* ---- life --------------------------------------------------------------------------------------- */

pg_status pgi_graph_new_inside(pgi_model *model, pg_graph *parent, pg_graph **out, pg_error *err) {
  pg_graph *g = pgi_arena_alloc(&model->arena, sizeof *g);
  if (!g) return pgi_nomem(err);
  g->model = model;
  g->parent = parent;
  g->name = "";
  pgi_map_init(&g->by_name, model->ctx);
  g->next_graph = model->graphs;
  model->graphs = g;
  *out = g;
  return PG_OK;
}

static void model_free(pgi_model *m) {
  for (pg_graph *g = m->graphs; g; g = g->next_graph) {
    for (pgi_value *v = g->first_value; v; v = v->next) pgi_tensor_clear(&v->constant);
    pgi_map_deinit(&g->by_name);
  }
  for (struct pgi_tensor_cell *cell = m->tensors; cell; cell = cell->next)
    pgi_tensor_clear(&cell->tensor);
  pgi_map_deinit(&m->names);
  pgi_arena_deinit(&m->arena);
  pg_context *ctx = m->ctx;
  pgi_free(ctx, m);
  pg_context_release(ctx);
}

pg_status pgi_graph_new(pg_context *ctx, pg_graph **out, pg_error *err) {
  pgi_model *m = pgi_alloc_zero(ctx, sizeof *m);
  if (!m) return pgi_nomem(err);
  pgi_context_retain(ctx);
  m->ctx = ctx;
  pgi_arena_init(&m->arena, ctx);
  pgi_map_init(&m->names, ctx);
  pg_status status = pgi_graph_new_inside(m, NULL, &m->main, err);
  if (status != PG_OK) {
    model_free(m);
    return status;
  }
  *out = m->main;
  return PG_OK;
}

/* Subgraphs and function bodies go with their model. */
void pg_graph_free(pg_graph *graph) {
  if (graph && graph == graph->model->main) model_free(graph->model);
}

void pgi_graph_clear(pg_graph *g) {
  for (pgi_node *node = g->first; node; node = node->next) {
    for (int i = 0; i < node->n_in; i++) pgi_use_set(&node->in[i], NULL);
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) pgi_graph_clear(body);
    node->graph = NULL;
  }
  for (int i = 0; i < g->n_outputs; i++) pgi_use_set(&g->outputs[i], NULL);
  for (pgi_value *v = g->first_value; v; v = v->next) {
    pgi_tensor_clear(&v->constant);
    v->graph = NULL;
  }
  pgi_map_deinit(&g->by_name);
  pgi_map_init(&g->by_name, g->model->ctx);
  g->first = g->last = NULL;
  g->first_value = g->last_value = NULL;
  g->n_nodes = g->n_inputs = g->n_outputs = 0;
}

pg_status pgi_model_tensor(pgi_model *m, pg_tensor **out, pg_error *err) {
  struct pgi_tensor_cell *cell = pgi_arena_alloc(&m->arena, sizeof *cell);
  if (!cell) return pgi_nomem(err);
  cell->next = m->tensors;
  m->tensors = cell;
  *out = &cell->tensor;
  return PG_OK;
}

/* ---- values ------------------------------------------------------------------------------------- */

/* by_name keeps entries of removed and renamed values (taking one out could need memory): an entry
** counts when its value still lives here under that name. */
pgi_value *pgi_graph_find(const pg_graph *g, const char *name) {
  pgi_value *v = pgi_map_get(&g->by_name, name);
  return v && v->graph == g && strcmp(v->name, name) == 0 ? v : NULL;
}

pgi_value *pgi_graph_lookup(const pg_graph *g, const char *name) {
  for (; g; g = g->parent) {
    pgi_value *v = pgi_graph_find(g, name);
    if (v) return v;
  }
  return NULL;
}

bool pgi_value_is_constant(const pgi_value *v) {
  return v->constant.dtype != PG_NONE && !v->is_input && !v->producer;
}

pgi_node *pgi_only_consumer(const pgi_value *v, int *input) {
  const pgi_use *use = v->uses;
  if (!use || use->next || !use->node || use->graph != v->graph || v->is_pinned) return NULL;
  if (input) *input = use->index;
  return use->node;
}

/* Beyond this a name is a burden: nested inlining would multiply it. */
enum { LONGEST_NAME = 200 };

pg_status pgi_fresh_name(pgi_model *m, const char *prefix, const char *name, const char **out,
                         pg_error *err) {
  char text[LONGEST_NAME + 32];
  if (!prefix) prefix = "";
  if (!name) name = "";
  const char *slash = *prefix && *name ? "/" : "";
  int n = 0;
  if (strlen(prefix) < LONGEST_NAME / 2 && strlen(name) < LONGEST_NAME / 2)
    n = snprintf(text, sizeof text, "%s%s%s", prefix, slash, name);
  text[n] = 0;
  if (n == 0 || pgi_map_get(&m->names, text)) {
    do snprintf(text + n, sizeof text - (size_t)n, "_%lld", (long long)m->next_name++);
    while (pgi_map_get(&m->names, text));
  }
  char *copy = pgi_arena_strdup(&m->arena, text);
  if (!copy) return pgi_nomem(err);
  *out = copy;
  return PG_OK;
}

/* ---- what the model says about itself ---------------------------------------------------------------- */

/* ONNX spells its own domain in two ways. */
const char *pgi_plain_domain(const char *domain) {
  return !domain || strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

static pgi_opset *find_opset(const pgi_model *m, const char *domain) {
  for (int i = 0; i < m->n_opsets; i++)
    if (strcmp(pgi_plain_domain(m->opsets[i].domain), pgi_plain_domain(domain)) == 0)
      return &m->opsets[i];
  return NULL;
}

int pgi_model_opset(const pgi_model *m, const char *domain) {
  const pgi_opset *found = find_opset(m, domain);
  return found ? found->version : 0;
}

pg_status pgi_model_set_opset(pgi_model *m, const char *domain, int version, pg_error *err) {
  pgi_opset *found = find_opset(m, domain);
  if (found) {
    found->version = version;
    return PG_OK;
  }
  const char *copy = pgi_arena_strdup(&m->arena, pgi_plain_domain(domain));
  if (!copy) return pgi_nomem(err);
  PG_TRY(pgi_arena_grow(&m->arena, &m->opsets, m->n_opsets, &m->opsets_room, m->n_opsets + 1,
                        sizeof *m->opsets, err));
  m->opsets[m->n_opsets++] = (pgi_opset){copy, version};
  return PG_OK;
}

static int find_prop(const pgi_model *m, const char *key) {
  int i = 0;
  while (i < m->n_props && strcmp(m->props[i].key, key) != 0) i++;
  return i;
}

pg_status pgi_model_set_prop(pgi_model *m, const char *key, const char *value, pg_error *err) {
  int i = find_prop(m, key);
  if (!value) {
    if (i == m->n_props) return PG_OK;
    m->n_props--;
    memmove(&m->props[i], &m->props[i + 1], (size_t)(m->n_props - i) * sizeof *m->props);
    return PG_OK;
  }
  const char *key_copy = pgi_arena_strdup(&m->arena, key);
  const char *value_copy = pgi_arena_strdup(&m->arena, value);
  if (!key_copy || !value_copy) return pgi_nomem(err);
  if (i == m->n_props) {
    PG_TRY(pgi_arena_grow(&m->arena, &m->props, m->n_props, &m->props_room, m->n_props + 1,
                          sizeof *m->props, err));
    m->n_props++;
  }
  m->props[i] = (struct pgi_prop){key_copy, value_copy};
  return PG_OK;
}
