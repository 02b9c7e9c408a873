/* clone: a deep copy of a model.  Tensors are shared, they are never written. */
#include "graph/copy.h"

static pg_status clone_opsets(pgi_copier *c, const pgi_opset *from, int n, pgi_opset **out,
                              pg_error *err) {
  pgi_opset *copy = pgi_arena_alloc(&c->to->arena, (size_t)n * sizeof *copy);
  if (!copy) return pgi_nomem(err);
  for (int i = 0; i < n; i++) {
    copy[i].version = from[i].version;
    PG_TRY(pgi_copy_text(c, from[i].domain, &copy[i].domain, err));
  }
  *out = copy;
  return PG_OK;
}

static pg_status clone_attr_names(pgi_copier *c, const pgi_function *from, pgi_function *to,
                                  pg_error *err) {
  to->attrs = pgi_arena_alloc(&c->to->arena, (size_t)from->n_attrs * sizeof *to->attrs);
  if (!to->attrs) return pgi_nomem(err);
  for (; to->n_attrs < from->n_attrs; to->n_attrs++)
    PG_TRY(pgi_copy_text(c, from->attrs[to->n_attrs], &to->attrs[to->n_attrs], err));
  to->defaults = pgi_arena_alloc(&c->to->arena, (size_t)from->n_defaults * sizeof *to->defaults);
  if (!to->defaults) return pgi_nomem(err);
  for (; to->n_defaults < from->n_defaults; to->n_defaults++)
    PG_TRY(pgi_copy_attr(c, &from->defaults[to->n_defaults], to->body,
                         &to->defaults[to->n_defaults], err));
  return PG_OK;
}

pg_status pgi_copy_function(pgi_copier *c, const pgi_function *from, pgi_function *to,
                            pg_error *err) {
  PG_TRY(pgi_copy_text(c, from->name, &to->name, err));
  PG_TRY(pgi_copy_text(c, from->domain, &to->domain, err));
  PG_TRY(pgi_copy_text(c, from->overload, &to->overload, err));
  PG_TRY(pgi_copy_text(c, from->doc, &to->doc, err));
  PG_TRY(pgi_copy_bytes(c, from->extra, &to->extra, err));
  PG_TRY(pgi_graph_new_inside(c->to, NULL, &to->body, err));
  PG_TRY(pgi_copy_graph(c, from->body, to->body, err));
  PG_TRY(clone_attr_names(c, from, to, err));
  PG_TRY(clone_opsets(c, from->opsets, from->n_opsets, &to->opsets, err));
  to->n_opsets = from->n_opsets;
  return PG_OK;
}

static pg_status clone_props(pgi_copier *c, const pgi_model *from, pgi_model *to, pg_error *err) {
  PG_TRY(pgi_arena_grow(&to->arena, &to->props, 0, &to->props_room, from->n_props,
                        sizeof *to->props, err));
  for (int i = 0; i < from->n_props; i++) {
    PG_TRY(pgi_copy_text(c, from->props[i].key, &to->props[i].key, err));
    PG_TRY(pgi_copy_text(c, from->props[i].value, &to->props[i].value, err));
  }
  to->n_props = from->n_props;
  return PG_OK;
}

static pg_status clone_facts(pgi_copier *c, const pgi_model *from, pgi_model *to, pg_error *err) {
  to->ir_version = from->ir_version;
  to->model_version = from->model_version;
  to->next_name = from->next_name;
  PG_TRY(pgi_copy_text(c, from->producer_name, &to->producer_name, err));
  PG_TRY(pgi_copy_text(c, from->producer_version, &to->producer_version, err));
  PG_TRY(pgi_copy_text(c, from->domain, &to->domain, err));
  PG_TRY(pgi_copy_text(c, from->doc, &to->doc, err));
  PG_TRY(pgi_copy_bytes(c, from->extra, &to->extra, err));
  PG_TRY(clone_opsets(c, from->opsets, from->n_opsets, &to->opsets, err));
  to->n_opsets = to->opsets_room = from->n_opsets;
  return clone_props(c, from, to, err);
}

static pg_status clone_model(pgi_copier *c, const pgi_model *from, pgi_model *to, pg_error *err) {
  PG_TRY(clone_facts(c, from, to, err));
  PG_TRY(pgi_copy_graph(c, from->main, to->main, err));
  PG_TRY(pgi_arena_grow(&to->arena, &to->functions, 0, &to->functions_room, from->n_functions,
                        sizeof *to->functions, err));
  for (; to->n_functions < from->n_functions; to->n_functions++)
    PG_TRY(pgi_copy_function(c, &from->functions[to->n_functions], &to->functions[to->n_functions],
                             err));
  return PG_OK;
}

pg_status pgi_graph_clone(const pg_graph *main, pg_graph **out, pg_error *err) {
  pgi_model *from = main->model;
  if (main != from->main)
    return pgi_fail(err, PG_INVALID, "only a whole model can be cloned, '%s' is a subgraph",
                    main->name);
  pg_graph *copy;
  PG_TRY(pgi_graph_new(from->ctx, &copy, err));
  pgi_copier c;
  pgi_copier_init(&c, from, copy->model);
  pg_status status = clone_model(&c, from, copy->model, err);
  pgi_copier_deinit(&c);
  if (status != PG_OK) {
    pg_graph_free(copy);
    return status;
  }
  *out = copy;
  return PG_OK;
}
