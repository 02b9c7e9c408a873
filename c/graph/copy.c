/* copy: graphs, nodes, values and attributes from one place to another.
**
** The source is only read (it may be shared between threads): what became of a value is kept in a
** map beside it.  All values of a graph are copied before its nodes, so that nodes and nested graphs
** find them in any order.  Recursion is as deep as graphs are nested; readers bound that. */
#include "graph/copy.h"

void pgi_copier_init(pgi_copier *c, pgi_model *from, pgi_model *to) {
  *c = (pgi_copier){.from = from, .to = to};
  pgi_ptrmap_init(&c->values, to->ctx);
}

void pgi_copier_deinit(pgi_copier *c) {
  pgi_ptrmap_deinit(&c->values);
}

/* Strings and unknown fields never change, so inside a model they are shared. */
pg_status pgi_copy_text(pgi_copier *c, const char *text, const char **out, pg_error *err) {
  if (text && c->from != c->to) {
    text = pgi_arena_strdup(&c->to->arena, text);
    if (!text) return pgi_nomem(err);
  }
  *out = text;
  return PG_OK;
}

pg_status pgi_copy_bytes(pgi_copier *c, pgi_bytes bytes, pgi_bytes *out, pg_error *err) {
  if (bytes.size && c->from != c->to) {
    uint8_t *copy = pgi_arena_alloc(&c->to->arena, bytes.size);
    if (!copy) return pgi_nomem(err);
    memcpy(copy, bytes.data, bytes.size);
    bytes.data = copy;
  }
  *out = bytes;
  return PG_OK;
}

static pg_status copy_type(pgi_copier *c, const pgi_type *from, pgi_type *out, pg_error *err) {
  if (c->from == c->to) {
    *out = *from;
    return PG_OK;
  }
  return pgi_type_copy(from, &c->to->arena, out, err);
}

/* ---- attributes ----------------------------------------------------------------------------------- */

static size_t element_size(pgi_attr_kind kind) {
  switch (kind) {
    case PG_ATTR_FLOAT:
    case PG_ATTR_FLOATS:
      return sizeof(float);
    case PG_ATTR_INT:
    case PG_ATTR_INTS:
      return sizeof(int64_t);
    case PG_ATTR_STRING:
    case PG_ATTR_STRINGS:
      return sizeof(pg_string);
    case PG_ATTR_TYPE:
    case PG_ATTR_TYPES:
      return sizeof(pgi_type);
    case PG_ATTR_NONE:
      return 0;
    default:
      return sizeof(void *); /* tensors and graphs */
  }
}

static pg_status copy_tensor(pgi_copier *c, pg_tensor **cell, pg_error *err) {
  if (c->from == c->to || !*cell) return PG_OK;
  pg_tensor *copy;
  PG_TRY(pgi_model_tensor(c->to, &copy, err));
  pgi_tensor_assign(copy, *cell);
  *cell = copy;
  return PG_OK;
}

static pg_status copy_string(pgi_copier *c, pg_string *s, pg_error *err) {
  if (c->from == c->to) return PG_OK;
  s->data = pgi_arena_strndup(&c->to->arena, s->data, s->size);
  return s->data ? PG_OK : pgi_nomem(err);
}

static pg_status copy_body(pgi_copier *c, pg_graph **body, pg_graph *parent, pg_error *err) {
  const pg_graph *from = *body;
  *body = NULL;
  if (!from) return PG_OK;
  pg_graph *copy;
  PG_TRY(pgi_graph_new_inside(c->to, parent, &copy, err));
  *body = copy; /* known even when half copied: whoever drops the node must find its uses */
  return pgi_copy_graph(c, from, copy, err);
}

/* Element i of a list that so far is a copy of the source's bytes. */
static pg_status copy_element(pgi_copier *c, pgi_attr *a, int64_t i, pg_graph *parent,
                              pg_error *err) {
  switch (a->kind) {
    case PG_ATTR_STRING:
    case PG_ATTR_STRINGS:
      return copy_string(c, &a->strings[i], err);
    case PG_ATTR_TENSOR:
    case PG_ATTR_TENSORS:
    case PG_ATTR_SPARSE:
    case PG_ATTR_SPARSES:
      return copy_tensor(c, &a->tensors[i], err);
    case PG_ATTR_GRAPH:
    case PG_ATTR_GRAPHS:
      return copy_body(c, &a->graphs[i], parent, err);
    case PG_ATTR_TYPE:
    case PG_ATTR_TYPES: {
      pgi_type type;
      PG_TRY(copy_type(c, &a->types[i], &type, err));
      a->types[i] = type;
      return PG_OK;
    }
    default:
      return PG_OK;
  }
}

/* Sparse tensors are triples of tensors. */
static int64_t element_count(const pgi_attr *a) {
  return a->kind == PG_ATTR_SPARSE || a->kind == PG_ATTR_SPARSES ? 3 * a->n : a->n;
}

static bool holds_graphs(const pgi_attr *a) {
  return a->kind == PG_ATTR_GRAPH || a->kind == PG_ATTR_GRAPHS;
}

pg_status pgi_copy_attr(pgi_copier *c, const pgi_attr *from, pg_graph *parent, pgi_attr *out,
                        pg_error *err) {
  *out = (pgi_attr){.kind = from->kind};
  int64_t n = from->ref ? 0 : element_count(from);
  PG_TRY(pgi_copy_text(c, from->name, &out->name, err));
  PG_TRY(pgi_copy_text(c, from->ref, &out->ref, err));
  PG_TRY(pgi_copy_text(c, from->doc, &out->doc, err));
  PG_TRY(pgi_copy_bytes(c, from->extra, &out->extra, err));
  size_t bytes;
  if (!pgi_mul_size((size_t)n, element_size(from->kind), &bytes)) return pgi_nomem(err);
  int64_t *copy = pgi_arena_alloc(&c->to->arena, bytes);
  if (!copy) return pgi_nomem(err);
  if (bytes) memcpy(copy, from->ints, bytes);
  out->ints = copy;
  out->n = from->n;
  /* Until a subgraph is copied its place must not show the source's. */
  if (holds_graphs(from) && bytes) memset(out->graphs, 0, bytes);
  for (int64_t i = 0; i < n; i++) {
    if (holds_graphs(from)) out->graphs[i] = from->graphs[i];
    PG_TRY(copy_element(c, out, i, parent, err));
  }
  return PG_OK;
}

/* What a `ref` attribute of a function's body stands for: the caller's, or the default. */
static const pgi_attr *referred(const pgi_copier *c, const char *name) {
  const pgi_attr *a = c->caller ? pgi_attr_find(c->caller, name) : NULL;
  for (int i = 0; !a && c->function && i < c->function->n_defaults; i++)
    if (strcmp(c->function->defaults[i].name, name) == 0) a = &c->function->defaults[i];
  return a;
}

static pg_status copy_attrs(pgi_copier *c, const pgi_node *from, pgi_node *to, pg_error *err) {
  PG_TRY(pgi_arena_grow(&c->to->arena, &to->attrs, 0, &to->attrs_room, from->n_attrs,
                        sizeof *to->attrs, err));
  for (int i = 0; i < from->n_attrs; i++) {
    const pgi_attr *a = &from->attrs[i];
    const char *name = a->name;
    if (c->function && a->ref) a = referred(c, a->ref);
    if (!a) continue;
    pgi_attr *copy = &to->attrs[to->n_attrs++];
    pg_status status = pgi_copy_attr(c, a, to->graph, copy, err);
    if (!copy->name) copy->name = name; /* half a copy still needs one */
    PG_TRY(status);
    PG_TRY(pgi_copy_text(c, name, &copy->name, err));
  }
  return PG_OK;
}

/* ---- values and nodes ------------------------------------------------------------------------------- */

static pg_status copy_value(pgi_copier *c, const pgi_value *v, pg_graph *to, pg_error *err) {
  const char *name = v->name;
  if (c->is_inline) {
    bool is_free = c->node_names && !pgi_map_get(&c->to->names, name);
    PG_TRY(pgi_fresh_name(c->to, is_free ? NULL : c->prefix, name, &name, err));
  }
  pgi_value *copy;
  PG_TRY(pgi_edit_value(to, name, &copy, err));
  PG_TRY(copy_type(c, &v->type, &copy->type, err));
  PG_TRY(pgi_copy_text(c, v->doc, &copy->doc, err));
  PG_TRY(pgi_copy_bytes(c, v->extra, &copy->extra, err));
  pgi_tensor_assign(&copy->constant, &v->constant);
  copy->is_external = v->is_external;
  return pgi_ptrmap_put(&c->values, v, copy, err);
}

pg_status pgi_copy_values(pgi_copier *c, const pg_graph *from, pg_graph *to, pg_error *err) {
  for (const pgi_value *v = from->first_value; v; v = v->next)
    if (!pgi_ptrmap_has(&c->values, v)) PG_TRY(copy_value(c, v, to, err));
  return PG_OK;
}

/* A value that was not copied is one from outside the copied part: inside a model it stays itself. */
pg_status pgi_copy_of(pgi_copier *c, pgi_value *v, pgi_value **out, pg_error *err) {
  if (v && pgi_ptrmap_has(&c->values, v))
    *out = pgi_ptrmap_get(&c->values, v);
  else if (!v || c->from == c->to)
    *out = v;
  else
    return pgi_fail(err, PG_INVALID, "value '%s' belongs to no graph around its use", v->name);
  return PG_OK;
}

static pg_status node_name(pgi_copier *c, const pgi_node *from, const char **out, pg_error *err) {
  bool is_free = c->node_names && !pgi_map_get(c->node_names, from->name);
  if (!c->is_inline || !c->prefix || !*from->name || is_free)
    return pgi_copy_text(c, from->name, out, err);
  size_t a = strlen(c->prefix), b = strlen(from->name);
  if (a + b > 200) return pgi_copy_text(c, from->name, out, err); /* nesting would multiply it */
  char *name = pgi_arena_alloc(&c->to->arena, a + b + 2);
  if (!name) return pgi_nomem(err);
  memcpy(name, c->prefix, a);
  name[a] = '/';
  memcpy(name + a + 1, from->name, b);
  *out = name;
  return PG_OK;
}

static pg_status link_values(pgi_copier *c, const pgi_node *from, pgi_node *to, pg_error *err) {
  pgi_arena *arena = &c->to->arena;
  PG_TRY(pgi_arena_grow(arena, &to->in, 0, &to->in_room, from->n_in, sizeof *to->in, err));
  PG_TRY(pgi_arena_grow(arena, &to->out, 0, &to->out_room, from->n_out, sizeof *to->out, err));
  for (int i = 0; i < from->n_in; i++) {
    pgi_value *v;
    PG_TRY(pgi_copy_of(c, from->in[i].value, &v, err));
    PG_TRY(pgi_edit_set_input(to, i, v, err));
  }
  for (int i = 0; i < from->n_out; i++) {
    pgi_value *v;
    PG_TRY(pgi_copy_of(c, from->out[i], &v, err));
    PG_TRY(pgi_edit_set_output(to, i, v, err));
  }
  return PG_OK;
}

static pg_status copy_node(pgi_copier *c, const pgi_node *from, pg_graph *to, pgi_node *before,
                           pg_error *err) {
  pgi_node *copy;
  PG_TRY(pgi_edit_node(to, before, from->domain, from->type, 0, NULL, 0, NULL, &copy, err));
  copy->op = from->op;
  copy->version = from->version;
  PG_TRY(node_name(c, from, &copy->name, err));
  PG_TRY(pgi_copy_text(c, from->overload, &copy->overload, err));
  PG_TRY(pgi_copy_text(c, from->doc, &copy->doc, err));
  PG_TRY(pgi_copy_bytes(c, from->extra, &copy->extra, err));
  PG_TRY(link_values(c, from, copy, err));
  return copy_attrs(c, from, copy, err);
}

pg_status pgi_copy_nodes(pgi_copier *c, const pg_graph *from, pg_graph *to, pgi_node *before,
                         pg_error *err) {
  for (const pgi_node *node = from->first; node; node = node->next)
    PG_TRY(copy_node(c, node, to, before, err));
  return PG_OK;
}

pg_status pgi_copy_graph(pgi_copier *c, const pg_graph *from, pg_graph *to, pg_error *err) {
  PG_TRY(pgi_copy_text(c, from->name, &to->name, err));
  PG_TRY(pgi_copy_text(c, from->doc, &to->doc, err));
  PG_TRY(pgi_copy_bytes(c, from->extra, &to->extra, err));
  PG_TRY(pgi_copy_values(c, from, to, err));
  for (int i = 0; i < from->n_inputs; i++) {
    pgi_value *v = pgi_ptrmap_get(&c->values, from->inputs[i]);
    PG_TRY(pgi_edit_input(to, v, err));
  }
  PG_TRY(pgi_copy_nodes(c, from, to, NULL, err));
  for (int i = 0; i < from->n_outputs; i++) {
    pgi_value *v;
    PG_TRY(pgi_copy_of(c, from->outputs[i].value, &v, err));
    if (!v)
      return pgi_fail(err, PG_INVALID, "output %d of graph '%s' is an omitted input", i, to->name);
    PG_TRY(pgi_edit_output(to, v, err));
  }
  return PG_OK;
}
