/* function: the functions of a model. */
#include "graph/opdef.h"

static bool is_same(const char *a, const char *b) {
  return strcmp(a ? a : "", b ? b : "") == 0;
}

pgi_function *pgi_function_find(const pgi_model *m, const char *domain, const char *name,
                                const char *overload) {
  for (int i = 0; i < m->n_functions; i++) {
    pgi_function *f = &m->functions[i];
    if (strcmp(f->name, name) == 0 && is_same(f->overload, overload) &&
        strcmp(pgi_plain_domain(f->domain), pgi_plain_domain(domain)) == 0)
      return f;
  }
  return NULL;
}

pgi_function *pgi_function_of(const pg_graph *g) {
  for (int i = 0; i < g->model->n_functions; i++)
    if (g->model->functions[i].body == g) return &g->model->functions[i];
  return NULL;
}

/* ---- making ------------------------------------------------------------------------------------- */

static pg_status copy_opsets(pgi_model *m, pgi_function *f, pg_error *err) {
  f->opsets = pgi_arena_alloc(&m->arena, (size_t)m->n_opsets * sizeof *f->opsets);
  if (!f->opsets) return pgi_nomem(err);
  memcpy(f->opsets, m->opsets, (size_t)m->n_opsets * sizeof *f->opsets);
  f->n_opsets = m->n_opsets;
  return PG_OK;
}

pg_status pgi_function_add(pgi_model *m, const char *domain, const char *name, const char *overload,
                           pgi_function **out, pg_error *err) {
  if (!*name) return pgi_fail(err, PG_INVALID, "a function needs a name");
  if (pgi_function_find(m, domain, name, overload))
    return pgi_fail(err, PG_INVALID, "function '%s' is there already", name);
  pgi_function f = {0};
  f.name = pgi_arena_strdup(&m->arena, name);
  f.domain = pgi_arena_strdup(&m->arena, pgi_plain_domain(domain));
  f.overload = pgi_arena_strdup(&m->arena, overload ? overload : "");
  if (!f.name || !f.domain || !f.overload) return pgi_nomem(err);
  PG_TRY(copy_opsets(m, &f, err));
  PG_TRY(pgi_arena_grow(&m->arena, &m->functions, m->n_functions, &m->functions_room,
                        m->n_functions + 1, sizeof *m->functions, err));
  PG_TRY(pgi_graph_new_inside(m, NULL, &f.body, err));
  f.body->name = f.name;
  m->functions[m->n_functions] = f;
  *out = &m->functions[m->n_functions++];
  return PG_OK;
}

void pgi_function_remove(pgi_model *m, pgi_function *f) {
  pgi_graph_clear(f->body);
  m->n_functions--;
  size_t behind = (size_t)(m->functions + m->n_functions - f);
  memmove(f, f + 1, behind * sizeof *f);
}

static bool has_attr(const pgi_function *f, const char *name) {
  for (int i = 0; i < f->n_attrs; i++)
    if (strcmp(f->attrs[i], name) == 0) return true;
  for (int i = 0; i < f->n_defaults; i++)
    if (strcmp(f->defaults[i].name, name) == 0) return true;
  return false;
}

pg_status pgi_function_add_attr(pgi_function *f, const char *name, pg_error *err) {
  pgi_arena *arena = &f->body->model->arena;
  if (has_attr(f, name))
    return pgi_fail(err, PG_INVALID, "function '%s': attribute '%s' is there twice", f->name, name);
  const char *copy = pgi_arena_strdup(arena, name);
  if (!copy) return pgi_nomem(err);
  int room = f->n_attrs; /* how much was allocated isn't kept: lists are short */
  PG_TRY(
      pgi_arena_grow(arena, &f->attrs, f->n_attrs, &room, f->n_attrs + 1, sizeof *f->attrs, err));
  f->attrs[f->n_attrs++] = copy;
  return PG_OK;
}

/* A node that is nowhere lends its list of attributes. */
pg_status pgi_function_add_default(pgi_function *f, const pgi_attr *a, pg_error *err) {
  if (has_attr(f, a->name))
    return pgi_fail(err, PG_INVALID, "function '%s': attribute '%s' is there twice", f->name,
                    a->name);
  pgi_node holder = {.graph = f->body,
                     .name = f->name,
                     .type = "function",
                     .domain = "",
                     .attrs = f->defaults,
                     .n_attrs = f->n_defaults,
                     .attrs_room = f->n_defaults};
  PG_TRY(pgi_attr_assign(&holder, a, err));
  f->defaults = holder.attrs;
  f->n_defaults = holder.n_attrs;
  return PG_OK;
}

/* ---- constants ---------------------------------------------------------------------------------- */

/* The value keeps its name and its users. */
static pg_status free_constant(pgi_function *f, pgi_value *v, pg_error *err) {
  pgi_node *node = NULL;
  pg_tensor content = {0};
  pgi_tensor_move(&content, &v->constant);
  pg_status status =
      pgi_edit_node(f->body, f->body->first, "", "Constant", 0, NULL, 1, &v, &node, err);
  if (status == PG_OK) status = pgi_attr_set_tensor(node, "value", &content, err);
  if (status != PG_OK) {
    if (node) {
      pgi_edit_set_output(node, 0, NULL, NULL); /* within what there is: can't fail */
      pgi_edit_remove_node(node);
    }
    pgi_tensor_move(&v->constant, &content);
    return status;
  }
  node->op = pgi_op_find("", "Constant");
  for (int i = 0; i < f->n_opsets; i++)
    if (!*pgi_plain_domain(f->opsets[i].domain)) node->version = f->opsets[i].version;
  pgi_tensor_clear(&content);
  return PG_OK;
}

pg_status pgi_function_free_constants(pgi_function *f, pg_error *err) {
  for (pgi_value *v = f->body->first_value; v; v = v->next)
    if (pgi_value_is_constant(v)) PG_TRY(free_constant(f, v, err));
  return PG_OK;
}

/* ---- pruning ------------------------------------------------------------------------------------ */

typedef struct pruner {
  pgi_function_index index;
  const pgi_model *model;
  unsigned char *is_called; /* [n_functions] */
} pruner;

/* Each body is walked once, so calls in a circle end. */
static void mark(pruner *p, const pg_graph *g) {
  for (const pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (const pg_graph *body; (body = pgi_bodies_next(&it));) mark(p, body);
    const pgi_function *f = pgi_function_index_find(&p->index, node);
    if (!f || p->is_called[f - p->model->functions]) continue;
    p->is_called[f - p->model->functions] = 1;
    mark(p, f->body);
  }
}

pg_status pgi_functions_prune(pgi_model *m, pg_error *err) {
  if (m->n_functions == 0) return PG_OK;
  pruner p = {.model = m};
  p.is_called = pgi_alloc_zero(m->ctx, (size_t)m->n_functions);
  pg_status status = p.is_called ? pgi_function_index_init(&p.index, m, err) : pgi_nomem(err);
  if (status == PG_OK) {
    mark(&p, m->main);
    for (int i = m->n_functions - 1; i >= 0; i--)
      if (!p.is_called[i]) pgi_function_remove(m, &m->functions[i]);
  }
  if (p.is_called) pgi_function_index_deinit(&p.index);
  pgi_free(m->ctx, p.is_called);
  return status;
}
