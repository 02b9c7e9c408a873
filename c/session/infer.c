/* infer: what every value of a graph is, told to people: on a copy, since only an operator's newest
** form has inference; what is found there of a value holds for that of the same name. */
#include "session/internal.h"

/* ---- bindings ------------------------------------------------------------------------------------ */

/* What names of sizes stand for. */
typedef struct binder {
  pgi_arena *arena; /* of the copy */
  pgi_map numbers;  /* name -> binding */
  bool has_changed_numbers;
  pg_error *err;
} binder;

typedef struct binding {
  int64_t n;
  bool is_found;
} binding;

static pg_status bind_name(binder *b, const char *name, int64_t n) {
  binding *known = pgi_map_get(&b->numbers, name);
  if (known && known->n != n)
    return pgi_fail(b->err, PG_INVALID, "dimension '%s': %lld and %lld", name, (long long)known->n,
                    (long long)n);
  if (known) return PG_OK;
  known = pgi_arena_alloc(b->arena, sizeof *known);
  if (!known) return pgi_nomem(b->err);
  known->n = n;
  return pgi_map_put(&b->numbers, name, known, b->err);
}

static pg_status bind_dim(binder *b, pgi_dim *dim, pgi_dim asked) {
  if (asked.n < 0 && !asked.symbol) return PG_OK;
  if (dim->n < 0 && dim->symbol && asked.n >= 0) {
    PG_TRY(bind_name(b, dim->symbol, asked.n));
    ((binding *)pgi_map_get(&b->numbers, dim->symbol))->is_found = true;
  }
  if (dim->n >= 0 && dim->n != asked.n) b->has_changed_numbers = true;
  *dim = asked;
  if (!asked.symbol) return PG_OK;
  dim->symbol = pgi_arena_strdup(b->arena, asked.symbol);
  return dim->symbol ? PG_OK : pgi_nomem(b->err);
}

static pg_status bind_shape(binder *b, pg_graph *g, const pgi_asked_shape *shape) {
  pgi_value *v = NULL;
  for (int i = 0; i < g->n_inputs && !v; i++)
    if (strcmp(g->inputs[i]->name, shape->input) == 0) v = g->inputs[i];
  if (!v) return pgi_fail(b->err, PG_INVALID, "no input '%s'", shape->input);
  pgi_type *type = &v->type;
  if (type->kind == PG_TYPE_UNKNOWN) *type = pgi_type_tensor(PG_NONE);
  if (type->kind != PG_TYPE_TENSOR)
    return pgi_fail(b->err, PG_INVALID, "input '%s' is no tensor", shape->input);
  if (type->rank >= 0 && type->rank != shape->rank)
    return pgi_fail(b->err, PG_INVALID, "input '%s': expected rank %d, got %d", shape->input,
                    type->rank, shape->rank);
  for (int i = 0; i < shape->rank; i++) {
    if (type->rank < 0) type->dims[i] = pgi_dim_unknown();
    PG_TRY(bind_dim(b, &type->dims[i], shape->dims[i]));
  }
  type->rank = shape->rank;
  return PG_OK;
}

static pgi_num find_number(void *arg, const char *name) {
  binding *known = pgi_map_get(&((binder *)arg)->numbers, name);
  if (!known) return pgi_num_unknown();
  known->is_found = true;
  return pgi_num_of(known->n);
}

static void put_numbers(binder *b, pgi_model *m) {
  for (pg_graph *g = m->graphs; g; g = g->next_graph)
    for (pgi_value *v = g->first_value; v; v = v->next)
      for (int i = 0; v->type.kind == PG_TYPE_TENSOR && i < v->type.rank; i++)
        v->type.dims[i] = pgi_dim_substitute(b->arena, v->type.dims[i], find_number, b);
}

/* What is declared of values behind an input whose fixed size was changed says nothing any more. */
static pg_status bind_all(binder *b, pg_graph *g, const pgi_infer_request *r) {
  for (int i = 0; i < r->n_dims; i++) PG_TRY(bind_name(b, r->dims[i].name, r->dims[i].n));
  for (int i = 0; i < r->n_shapes; i++) PG_TRY(bind_shape(b, g, &r->shapes[i]));
  if (b->numbers.n > 0) put_numbers(b, g->model);
  if (b->has_changed_numbers) pgi_graph_forget_types(g);
  for (int i = 0; i < r->n_dims; i++) {
    const binding *known = pgi_map_get(&b->numbers, r->dims[i].name);
    if (!known->is_found) return pgi_fail(b->err, PG_INVALID, "no dimension '%s'", r->dims[i].name);
  }
  return PG_OK;
}

static pg_status bind_request(pg_graph *g, const pgi_infer_request *r, pg_error *err) {
  binder b = {.arena = &g->model->arena, .err = err};
  pgi_map_init(&b.numbers, g->model->ctx);
  pg_status status = bind_all(&b, g, r);
  pgi_map_deinit(&b.numbers);
  return status;
}

/* ---- back into the graph ------------------------------------------------------------------------- */

/* The counterpart of a body: that of a node which makes a value of the same name. */
static const pg_graph *find_body(const pg_graph *copy, const pgi_node *node, const char *attr) {
  for (int i = 0; i < node->n_out; i++) {
    const pgi_value *v = node->out[i] ? pgi_graph_find(copy, node->out[i]->name) : NULL;
    const pgi_attr *a = v && v->producer ? pgi_attr_find(v->producer, attr) : NULL;
    if (a && a->kind == PG_ATTR_GRAPH && a->n == 1) return a->graphs[0];
  }
  return NULL;
}

static pg_status take_types(pg_graph *g, const pg_graph *copy, pg_error *err) {
  for (pgi_value *v = g->first_value; v; v = v->next) {
    const pgi_value *known = pgi_graph_find(copy, v->name);
    if (known && known->type.kind != PG_TYPE_UNKNOWN)
      PG_TRY(pgi_type_copy(&known->type, &g->model->arena, &v->type, err));
  }
  for (pgi_node *node = g->first; node; node = node->next) {
    for (int i = 0; i < node->n_attrs; i++) {
      const pgi_attr *a = &node->attrs[i];
      if (a->kind != PG_ATTR_GRAPH || a->n != 1) continue;
      const pg_graph *body = find_body(copy, node, a->name);
      if (body) PG_TRY(take_types(a->graphs[0], body, err));
    }
  }
  return PG_OK;
}

/* ---- contradictions ------------------------------------------------------------------------------ */

typedef struct listener {
  pgi_arena *arena;
  pgi_contradiction *first, **end;
  pgi_map names; /* of those */
  bool is_out_of_memory;
} listener;

/* A loop's body is looked at several times: once is enough. */
static void hear(void *arg, const pgi_value *v, const pgi_type *inferred) {
  listener *l = arg;
  char declared[300], found[300];
  pgi_type_text(&v->type, &(pgi_text){declared, sizeof declared, 0});
  pgi_type_text(inferred, &(pgi_text){found, sizeof found, 0});
  if (pgi_map_get(&l->names, v->name)) return;
  pgi_contradiction *c = pgi_arena_alloc(l->arena, sizeof *c);
  l->is_out_of_memory |= !c;
  if (!c) return;
  c->name = pgi_arena_strdup(l->arena, v->name);
  c->declared = pgi_arena_strdup(l->arena, declared);
  c->inferred = pgi_arena_strdup(l->arena, found);
  l->is_out_of_memory |= !c->name || !c->declared || !c->inferred;
  if (l->is_out_of_memory) return;
  l->is_out_of_memory |= pgi_map_put(&l->names, c->name, c, NULL) != PG_OK;
  *l->end = c;
  l->end = &c->next;
}

pg_status pgi_graph_infer_all(pg_graph *g, const pgi_infer_request *r, pgi_arena *arena,
                              const pgi_contradiction **out, pg_error *err) {
  listener l = {.arena = arena, .end = &l.first};
  pgi_deduce_options options = {
      .is_strict = r->is_strict, .eval = pgi_eval_node, .conflict = hear, .arg = &l};
  pg_graph *copy;
  PG_TRY(pgi_graph_clone(g, &copy, err));
  pgi_map_init(&l.names, g->model->ctx);
  pg_status status = bind_request(copy, r, err);
  if (status == PG_OK) status = pgi_graph_canonical_part(copy, err);
  if (status == PG_OK) status = pgi_graph_deduce(copy, &options, err);
  if (status == PG_OK && l.is_out_of_memory) status = pgi_nomem(err);
  if (status == PG_OK) status = take_types(g, copy, err);
  pgi_map_deinit(&l.names);
  pg_graph_free(copy);
  if (status == PG_OK) *out = l.first;
  return status;
}
