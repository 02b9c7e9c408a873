/* attr: attributes of nodes.
**
** Reading never fails: it falls back to the default that the operator declares.  That an attribute
** has the declared kind was checked by pgi_node_check; nodes in an old form are read before that, so
** every reader looks at the kind as well. */
#include "graph/opdef.h"

/* Far more than any operator has; keeps the linear searches honest on hostile files. */
enum { MOST_ATTRS = 1000 };

const pgi_attr *pgi_attr_find(const pgi_node *node, const char *name) {
  for (int i = 0; i < node->n_attrs; i++)
    if (strcmp(node->attrs[i].name, name) == 0) return &node->attrs[i];
  return NULL;
}

static const pgi_attr *find_kind(const pgi_node *node, const char *name, pgi_attr_kind kind) {
  const pgi_attr *a = pgi_attr_find(node, name);
  return a && a->kind == kind && !a->ref ? a : NULL;
}

static const pgi_attr *find_single(const pgi_node *node, const char *name, pgi_attr_kind kind) {
  const pgi_attr *a = find_kind(node, name, kind);
  return a && a->n > 0 ? a : NULL;
}

static const pgi_attr_def *find_def(const pgi_node *node, const char *name, pgi_attr_kind kind) {
  const pgi_attr_def *def = node->op ? node->op->attrs : NULL;
  for (; def && def->name; def++)
    if (def->kind == kind && strcmp(def->name, name) == 0) return def;
  return NULL;
}

/* ---- reading ------------------------------------------------------------------------------------ */

int64_t pgi_attr_int(const pgi_node *node, const char *name) {
  const pgi_attr *a = find_single(node, name, PG_ATTR_INT);
  if (a) return a->ints[0];
  const pgi_attr_def *def = find_def(node, name, PG_ATTR_INT);
  return def ? def->i : 0;
}

float pgi_attr_float(const pgi_node *node, const char *name) {
  const pgi_attr *a = find_single(node, name, PG_ATTR_FLOAT);
  if (a) return a->floats[0];
  const pgi_attr_def *def = find_def(node, name, PG_ATTR_FLOAT);
  return def ? def->f : 0;
}

pg_string pgi_attr_string(const pgi_node *node, const char *name) {
  const pgi_attr *a = find_single(node, name, PG_ATTR_STRING);
  if (a) return a->strings[0];
  const pgi_attr_def *def = find_def(node, name, PG_ATTR_STRING);
  const char *text = def && def->s ? def->s : "";
  return (pg_string){text, strlen(text)};
}

bool pgi_attr_is(const pgi_node *node, const char *name, const char *text) {
  pg_string s = pgi_attr_string(node, name);
  return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

const int64_t *pgi_attr_ints(const pgi_node *node, const char *name, int64_t *n) {
  const pgi_attr *a = find_kind(node, name, PG_ATTR_INTS);
  *n = a ? a->n : 0;
  return a ? a->ints : NULL;
}

const float *pgi_attr_floats(const pgi_node *node, const char *name, int64_t *n) {
  const pgi_attr *a = find_kind(node, name, PG_ATTR_FLOATS);
  *n = a ? a->n : 0;
  return a ? a->floats : NULL;
}

const pg_string *pgi_attr_strings(const pgi_node *node, const char *name, int64_t *n) {
  const pgi_attr *a = find_kind(node, name, PG_ATTR_STRINGS);
  *n = a ? a->n : 0;
  return a ? a->strings : NULL;
}

const pg_tensor *pgi_attr_tensor(const pgi_node *node, const char *name) {
  const pgi_attr *a = find_single(node, name, PG_ATTR_TENSOR);
  return a ? a->tensors[0] : NULL;
}

pg_graph *pgi_attr_graph(const pgi_node *node, const char *name) {
  const pgi_attr *a = find_single(node, name, PG_ATTR_GRAPH);
  return a ? a->graphs[0] : NULL;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static bool holds_graphs(const pgi_attr *a) {
  return (a->kind == PG_ATTR_GRAPH || a->kind == PG_ATTR_GRAPHS) && !a->ref;
}

static void drop_content(pgi_attr *a) {
  if (!holds_graphs(a)) return;
  for (int64_t i = 0; i < a->n; i++)
    if (a->graphs[i]) pgi_graph_clear(a->graphs[i]);
}

static pg_status append(pgi_node *node, const char *name, pgi_attr **out, pg_error *err) {
  if (node->n_attrs >= MOST_ATTRS)
    return pgi_fail(err, PG_INVALID, "node '%s' (%s): more than %d attributes", node->name,
                    node->type, MOST_ATTRS);
  pgi_arena *arena = &node->graph->model->arena;
  char *copy = pgi_arena_strdup(arena, name);
  if (!copy) return pgi_nomem(err);
  PG_TRY(pgi_arena_grow(arena, &node->attrs, node->n_attrs, &node->attrs_room, node->n_attrs + 1,
                        sizeof *node->attrs, err));
  pgi_attr *a = &node->attrs[node->n_attrs++];
  *a = (pgi_attr){.name = copy};
  *out = a;
  return PG_OK;
}

pg_status pgi_attr_add(pgi_node *node, const char *name, pgi_attr_kind kind, pgi_attr **out,
                       pg_error *err) {
  if (pgi_attr_find(node, name))
    return pgi_fail(err, PG_INVALID, "node '%s' (%s): attribute '%s' is given twice", node->name,
                    node->type, name);
  pgi_attr *a;
  PG_TRY(append(node, name, &a, err));
  a->kind = kind;
  *out = a;
  return PG_OK;
}

/* The attribute to overwrite: the one that is there, emptied, or a new one.  Called last, when
** nothing but a lack of memory for the array can go wrong. */
static pg_status slot(pgi_node *node, const char *name, pgi_attr_kind kind, int64_t n,
                      pgi_attr **out, pg_error *err) {
  pgi_attr *a = (pgi_attr *)pgi_attr_find(node, name);
  if (a)
    drop_content(a);
  else
    PG_TRY(append(node, name, &a, err));
  *a = (pgi_attr){.name = a->name, .kind = kind, .n = n};
  *out = a;
  return PG_OK;
}

/* A copy of n elements in the arena; `from` may be NULL when n is 0. */
static void *copy_array(pgi_node *node, const void *from, int64_t n, size_t size) {
  size_t bytes;
  if (n < 0 || !pgi_mul_size((size_t)n, size, &bytes)) return NULL;
  void *copy = pgi_arena_alloc(&node->graph->model->arena, bytes);
  if (copy && bytes) memcpy(copy, from, bytes);
  return copy;
}

static pg_status set_ints(pgi_node *node, const char *name, pgi_attr_kind kind, int64_t n,
                          const int64_t *v, pg_error *err) {
  int64_t *copy = copy_array(node, v, n, sizeof *v);
  if (!copy) return pgi_nomem(err);
  pgi_attr *a;
  PG_TRY(slot(node, name, kind, n, &a, err));
  a->ints = copy;
  return PG_OK;
}

static pg_status set_floats(pgi_node *node, const char *name, pgi_attr_kind kind, int64_t n,
                            const float *v, pg_error *err) {
  float *copy = copy_array(node, v, n, sizeof *v);
  if (!copy) return pgi_nomem(err);
  pgi_attr *a;
  PG_TRY(slot(node, name, kind, n, &a, err));
  a->floats = copy;
  return PG_OK;
}

static pg_status set_strings(pgi_node *node, const char *name, pgi_attr_kind kind, int64_t n,
                             const pg_string *v, pg_error *err) {
  pg_string *copy = copy_array(node, v, n, sizeof *v);
  if (!copy) return pgi_nomem(err);
  for (int64_t i = 0; i < n; i++) {
    copy[i].data = pgi_arena_strndup(&node->graph->model->arena, v[i].data, v[i].size);
    if (!copy[i].data) return pgi_nomem(err);
  }
  pgi_attr *a;
  PG_TRY(slot(node, name, kind, n, &a, err));
  a->strings = copy;
  return PG_OK;
}

pg_status pgi_attr_set_int(pgi_node *node, const char *name, int64_t v, pg_error *err) {
  return set_ints(node, name, PG_ATTR_INT, 1, &v, err);
}

pg_status pgi_attr_set_float(pgi_node *node, const char *name, float v, pg_error *err) {
  return set_floats(node, name, PG_ATTR_FLOAT, 1, &v, err);
}

pg_status pgi_attr_set_string(pgi_node *node, const char *name, const char *text, size_t size,
                              pg_error *err) {
  pg_string s = {text, size};
  return set_strings(node, name, PG_ATTR_STRING, 1, &s, err);
}

pg_status pgi_attr_set_ints(pgi_node *node, const char *name, int64_t n, const int64_t *v,
                            pg_error *err) {
  return set_ints(node, name, PG_ATTR_INTS, n, v, err);
}

pg_status pgi_attr_set_floats(pgi_node *node, const char *name, int64_t n, const float *v,
                              pg_error *err) {
  return set_floats(node, name, PG_ATTR_FLOATS, n, v, err);
}

pg_status pgi_attr_set_strings(pgi_node *node, const char *name, int64_t n, const pg_string *v,
                               pg_error *err) {
  return set_strings(node, name, PG_ATTR_STRINGS, n, v, err);
}

pg_status pgi_attr_set_tensor(pgi_node *node, const char *name, const pg_tensor *t, pg_error *err) {
  pg_tensor *cell;
  PG_TRY(pgi_model_tensor(node->graph->model, &cell, err));
  pg_tensor **list = copy_array(node, &cell, 1, sizeof cell);
  if (!list) return pgi_nomem(err);
  pgi_attr *a;
  PG_TRY(slot(node, name, PG_ATTR_TENSOR, 1, &a, err));
  pgi_tensor_assign(cell, t);
  a->tensors = list;
  return PG_OK;
}

/* Sparse tensors are triples of tensors. */
static pg_status set_tensors(pgi_node *node, const pgi_attr *from, pg_error *err) {
  bool is_sparse = from->kind == PG_ATTR_SPARSE || from->kind == PG_ATTR_SPARSES;
  int64_t n = is_sparse ? 3 * from->n : from->n;
  pg_tensor **list = copy_array(node, from->tensors, n, sizeof *list);
  if (!list) return pgi_nomem(err);
  for (int64_t i = 0; i < n; i++) {
    PG_TRY(pgi_model_tensor(node->graph->model, &list[i], err));
    pgi_tensor_assign(list[i], from->tensors[i]);
  }
  pgi_attr *a;
  PG_TRY(slot(node, from->name, from->kind, from->n, &a, err));
  a->tensors = list;
  return PG_OK;
}

static pg_status set_graphs(pgi_node *node, const pgi_attr *from, pg_error *err) {
  for (int64_t i = 0; i < from->n; i++) {
    const pg_graph *g = from->graphs[i];
    if (!g->is_loose || g->parent != node->graph)
      return pgi_fail(err, PG_INVALID,
                      "attribute '%s': graph '%s' is not a new subgraph of the node's graph",
                      from->name, g->name);
    for (int64_t k = 0; k < i; k++)
      if (from->graphs[k] == g)
        return pgi_fail(err, PG_INVALID, "attribute '%s': graph '%s' is there twice", from->name,
                        g->name);
  }
  pg_graph **list = copy_array(node, from->graphs, from->n, sizeof(pg_graph *));
  if (!list) return pgi_nomem(err);
  pgi_attr *a;
  PG_TRY(slot(node, from->name, from->kind, from->n, &a, err));
  a->graphs = list;
  for (int64_t i = 0; i < a->n; i++) list[i]->is_loose = false;
  return PG_OK;
}

static pg_status set_types(pgi_node *node, const pgi_attr *from, pg_error *err) {
  pgi_type *list = copy_array(node, from->types, from->n, sizeof *list);
  if (!list) return pgi_nomem(err);
  for (int64_t i = 0; i < from->n; i++)
    PG_TRY(pgi_type_copy(&from->types[i], &node->graph->model->arena, &list[i], err));
  pgi_attr *a;
  PG_TRY(slot(node, from->name, from->kind, from->n, &a, err));
  a->types = list;
  return PG_OK;
}

static pg_status set_ref(pgi_node *node, const pgi_attr *from, pg_error *err) {
  const char *ref = pgi_arena_strdup(&node->graph->model->arena, from->ref);
  if (!ref) return pgi_nomem(err);
  pgi_attr *a;
  PG_TRY(slot(node, from->name, from->kind, 0, &a, err));
  a->ref = ref;
  return PG_OK;
}

pg_status pgi_attr_assign(pgi_node *node, const pgi_attr *from, pg_error *err) {
  if (from->ref) return set_ref(node, from, err);
  switch (from->kind) {
    case PG_ATTR_FLOAT:
    case PG_ATTR_FLOATS:
      return set_floats(node, from->name, from->kind, from->n, from->floats, err);
    case PG_ATTR_INT:
    case PG_ATTR_INTS:
      return set_ints(node, from->name, from->kind, from->n, from->ints, err);
    case PG_ATTR_STRING:
    case PG_ATTR_STRINGS:
      return set_strings(node, from->name, from->kind, from->n, from->strings, err);
    case PG_ATTR_GRAPH:
    case PG_ATTR_GRAPHS:
      return set_graphs(node, from, err);
    case PG_ATTR_TYPE:
    case PG_ATTR_TYPES:
      return set_types(node, from, err);
    case PG_ATTR_NONE:
      return pgi_fail(err, PG_INVALID, "attribute '%s' has no kind", from->name);
    default:
      return set_tensors(node, from, err);
  }
}

void pgi_attr_remove(pgi_node *node, const char *name) {
  pgi_attr *a = (pgi_attr *)pgi_attr_find(node, name);
  if (!a) return;
  drop_content(a);
  ptrdiff_t behind = node->attrs + node->n_attrs - (a + 1);
  memmove(a, a + 1, (size_t)behind * sizeof *a);
  node->n_attrs--;
}

/* ---- subgraphs ------------------------------------------------------------------------------------ */

pg_graph *pgi_bodies_next(pgi_bodies *it) {
  for (; it->attr < it->node->n_attrs; it->attr++, it->i = 0) {
    const pgi_attr *a = &it->node->attrs[it->attr];
    if (!holds_graphs(a)) continue;
    while (it->i < a->n) {
      pg_graph *body = a->graphs[it->i++];
      if (body) return body;
    }
  }
  return NULL;
}
