/* infer: drives the operators' own inference over nodes and graphs.
**
** Types under way live in a table beside the graph, one entry a value: a body of a loop may be looked
** at several times with different input types, and when a session plans, the graph is shared between
** threads.  pgi_graph_infer writes the table into the graph at its end.
**
** pgi_graph_infer takes what is declared as a hint where inference can't tell.  pgi_infer_node, by
** whose answers memory is laid out, doesn't: a file may declare anything. */
#include "graph/inference.h"

/* What an operator is given; the callback finds its way back by the first member. */
typedef struct infer_call {
  pgi_infer base;
  pgi_inference *run;
} infer_call;

/* A loop may look at its body a few times, so nested ones multiply: this ends what would not end. */
enum { MOST_VISITS = 1000 };

static void inference_init(pgi_inference *run, pg_context *ctx, const pgi_infer_env *env,
                           pg_error *err) {
  *run = (pgi_inference){.ctx = ctx, .env = env, .err = err};
  pgi_ptrmap_init(&run->types, ctx);
  pgi_ptrmap_init(&run->visits, ctx);
  pgi_ptrmap_init(&run->facts, ctx);
  pgi_map_init(&run->aliases, ctx);
  pgi_arena_init(&run->arena, ctx);
}

static void inference_deinit(pgi_inference *run) {
  pgi_deduce_end(run);
  pgi_ptrmap_deinit(&run->types);
  pgi_ptrmap_deinit(&run->visits);
  pgi_ptrmap_deinit(&run->facts);
  pgi_map_deinit(&run->aliases);
  pgi_arena_deinit(&run->arena);
}

/* ---- what is known of a value ---------------------------------------------------------------------- */

const pgi_type *pgi_inferred_type(const pgi_inference *run, const pgi_value *v) {
  const pgi_type *type = pgi_ptrmap_get(&run->types, v);
  if (!type && run->env->type) type = run->env->type(run->env->arg, v);
  return type ? type : &v->type;
}

const pg_tensor *pgi_inferred_tensor(const pgi_inference *run, const pgi_value *v) {
  /* Old files declare every weight as an input that may be replaced: hardly anybody does. */
  bool has_default = run->deduce && v->constant.dtype != PG_NONE;
  if (pgi_value_is_constant(v) || has_default) return &v->constant;
  const pg_tensor *content = run->env->content ? run->env->content(run->env->arg, v) : NULL;
  const pgi_node *maker = v->producer;
  if (!content && run->deduce) content = pgi_deduced_tensor(run, v);
  if (!content && maker && strcmp(maker->type, "Constant") == 0 && !*maker->domain)
    content = pgi_attr_tensor(maker, "value");
  return content;
}

static pg_status set_type(pgi_inference *run, const pgi_value *v, const pgi_type *type) {
  pgi_type *slot = pgi_ptrmap_get(&run->types, v);
  if (!slot) {
    slot = pgi_arena_alloc(&run->arena, sizeof *slot);
    if (!slot) return pgi_nomem(run->err);
    PG_TRY(pgi_ptrmap_put(&run->types, v, slot, run->err));
  }
  *slot = *type;
  return PG_OK;
}

static pg_status fail_contradiction(pgi_inference *run, const pgi_value *v, const pgi_type *found) {
  char declared[200], inferred[200];
  pgi_text a = {declared, sizeof declared, 0}, b = {inferred, sizeof inferred, 0};
  pgi_type_text(&v->type, &a);
  pgi_type_text(found, &b);
  return pgi_fail(run->err, PG_INVALID, "value '%s': declared %s, inferred %s", v->name, declared,
                  inferred);
}

/* Where what was found contradicts what is declared, what was found counts. */
static pg_status conclude(pgi_inference *run, const pgi_value *v, const pgi_type *found) {
  pgi_type type = *found;
  if (!run->takes_hints) return set_type(run, v, found);
  if (!pgi_type_merge(&type, &v->type)) {
    if (run->is_strict) return fail_contradiction(run, v, found);
    if (run->deduce && run->deduce->conflict) run->deduce->conflict(run->deduce->arg, v, found);
  }
  if (run->deduce) PG_TRY(pgi_deduce_names(run, v, found, &type));
  return set_type(run, v, &type);
}

/* ---- one node ----------------------------------------------------------------------------------- */

static pg_status infer_body(pgi_inference *run, const pg_graph *body, const pgi_type *const *in,
                            int n_in);

static pg_status on_subgraph(pgi_infer *inf, pg_graph *body, const pgi_type *const *in, int n_in,
                             pgi_type *out, int n_out) {
  pgi_inference *run = ((infer_call *)inf)->run;
  if (n_in != body->n_inputs || n_out != body->n_outputs)
    return pgi_fail(inf->err, PG_INVALID,
                    "graph '%s': expected %d inputs and %d outputs, got %d and %d", body->name,
                    n_in, n_out, body->n_inputs, body->n_outputs);
  PG_TRY(infer_body(run, body, in, n_in));
  for (int i = 0; i < n_out; i++) out[i] = *pgi_inferred_type(run, body->outputs[i].value);
  return PG_OK;
}

static const pg_tensor *on_known(const pgi_infer *inf, const pgi_value *v) {
  return pgi_inferred_tensor(((const infer_call *)inf)->run, v);
}

static pgi_types type_bit(const pgi_type *t) {
  if (t->kind == PG_TYPE_SEQUENCE) return PG_T(PG_SEQUENCE);
  if (t->kind == PG_TYPE_MAP) return PG_T(PG_MAP);
  if (t->kind == PG_TYPE_TENSOR && t->dtype != PG_NONE) return PG_T(t->dtype);
  return 0;
}

/* The element type that decides is that of input 0, or of output 0 where there are no inputs. */
static pg_status check_type(const pgi_node *node, const char *which, const pgi_type *t,
                            pg_error *err) {
  pgi_types bit = type_bit(t);
  if (!bit || !node->op->types || (node->op->types & bit)) return PG_OK;
  char text[200];
  pgi_type_text(t, &(pgi_text){text, sizeof text, 0});
  return pgi_fail(err, PG_INVALID, "%s 0 can't be %s", which, text);
}

static pg_status call_infer(pgi_inference *run, const pgi_node *node, const pgi_type *const *in,
                            const pg_tensor *const *value, const pgi_content *const *content,
                            pgi_type *out) {
  infer_call call = {.base = {.ctx = run->ctx,
                              .node = node,
                              .n_in = node->n_in,
                              .n_out = node->n_out,
                              .in = in,
                              .value = value,
                              .content = content,
                              .out = out,
                              .arena = run->env->arena,
                              .err = run->err,
                              .subgraph = on_subgraph,
                              .known = on_known},
                     .run = run};
  if (node->n_in > 0 && in[0]) PG_TRY(check_type(node, "input", in[0], run->err));
  PG_TRY(node->op->infer(&call.base));
  if (node->n_in == 0 && node->n_out > 0) return check_type(node, "output", &out[0], run->err);
  return PG_OK;
}

/* An operator that can't say anything, or that this build doesn't have, leaves all unknown. */
static pg_status infer_types(pgi_inference *run, const pgi_node *node, const pgi_type *const *in,
                             const pg_tensor *const *value, const pgi_content *const *content,
                             pgi_type *out) {
  for (int i = 0; i < node->n_out; i++) out[i] = pgi_type_unknown;
  if (!node->op || !node->op->infer) return PG_OK;
  pg_status status = call_infer(run, node, in, value, content, out);
  if (status != PG_OK) pgi_error_prefix(run->err, "node '%s' (%s)", node->name, node->type);
  return status;
}

pg_status pgi_infer_node(const pgi_node *node, const pgi_type *const *in,
                         const pg_tensor *const *value, pgi_type *out, const pgi_infer_env *env,
                         pg_error *err) {
  pg_context *ctx = node->graph->model->ctx;
  const pg_tensor **none = NULL;
  if (!value && node->n_in > 0) {
    none = pgi_alloc_zero(ctx, (size_t)node->n_in * sizeof *none);
    if (!none) return pgi_nomem(err);
  }
  pgi_inference run;
  inference_init(&run, ctx, env, err);
  pg_status status = infer_types(&run, node, in, value ? value : none, NULL, out);
  inference_deinit(&run);
  pgi_free(ctx, none);
  return status;
}

/* ---- graphs ------------------------------------------------------------------------------------- */

static void lists_deinit(pgi_node_lists *l, pg_context *ctx) {
  pgi_free(ctx, l->in);
  pgi_free(ctx, l->value);
  pgi_free(ctx, l->content);
  pgi_free(ctx, l->out);
  pgi_free(ctx, l->result);
  pgi_free(ctx, l->tensor);
}

static pg_status lists_fit(pgi_node_lists *l, pg_context *ctx, const pgi_node *node,
                           pg_error *err) {
  PG_TRY(pgi_grow(ctx, &l->in, &l->in_room, node->n_in, sizeof *l->in, err));
  PG_TRY(pgi_grow(ctx, &l->value, &l->value_room, node->n_in, sizeof *l->value, err));
  PG_TRY(pgi_grow(ctx, &l->content, &l->content_room, node->n_in, sizeof *l->content, err));
  PG_TRY(pgi_grow(ctx, &l->out, &l->out_room, node->n_out, sizeof *l->out, err));
  PG_TRY(pgi_grow(ctx, &l->result, &l->result_room, node->n_out, sizeof *l->result, err));
  return pgi_grow(ctx, &l->tensor, &l->tensor_room, node->n_out, sizeof *l->tensor, err);
}

static pg_status visit_node(pgi_inference *run, const pgi_node *node, pgi_node_lists *l) {
  PG_TRY(lists_fit(l, run->ctx, node, run->err));
  for (int i = 0; i < node->n_in; i++) {
    const pgi_value *v = node->in[i].value;
    l->in[i] = v ? pgi_inferred_type(run, v) : NULL;
    l->value[i] = v ? pgi_inferred_tensor(run, v) : NULL;
    l->content[i] = NULL;
    if (v && run->deduce) PG_TRY(pgi_deduced_content(run, v, l->value[i], &l->content[i]));
  }
  PG_TRY(infer_types(run, node, l->in, l->value, l->content, l->out));
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i]) PG_TRY(conclude(run, node->out[i], &l->out[i]));
  if (run->deduce) PG_TRY(pgi_deduce_contents(run, node, l));
  if (!run->takes_hints) return PG_OK;
  /* Bodies that the operator had no questions about: a branch that is never taken may be wrong. */
  pgi_bodies it = {.node = node};
  for (const pg_graph *body; (body = pgi_bodies_next(&it));) {
    if (pgi_ptrmap_has(&run->visits, body)) continue;
    pg_status status = infer_body(run, body, NULL, 0);
    if (status != PG_OK && status != PG_INVALID) return status;
  }
  return PG_OK;
}

static pg_status visit_nodes(pgi_inference *run, const pg_graph *g) {
  pgi_node_lists l = {0};
  pg_status status = PG_OK;
  for (const pgi_node *node = g->first; node && status == PG_OK; node = node->next)
    status = visit_node(run, node, &l);
  lists_deinit(&l, run->ctx);
  return status;
}

static pg_status visit_constants(pgi_inference *run, const pg_graph *g) {
  for (const pgi_value *v = g->first_value; v; v = v->next) {
    if (!pgi_value_is_constant(v)) continue;
    pgi_type type = pgi_type_of(&v->constant);
    PG_TRY(conclude(run, v, &type));
  }
  return PG_OK;
}

static pg_status count_visit(pgi_inference *run, const pg_graph *body) {
  uintptr_t n = (uintptr_t)pgi_ptrmap_get(&run->visits, body) + 1;
  if (n > MOST_VISITS)
    return pgi_fail(run->err, PG_UNSUPPORTED,
                    "graph '%s': loops are nested too deeply to tell types", body->name);
  return pgi_ptrmap_put(&run->visits, body, (void *)n, run->err);
}

/* in: [n_in], or n_in == 0: as declared. */
static pg_status infer_body(pgi_inference *run, const pg_graph *body, const pgi_type *const *in,
                            int n_in) {
  PG_TRY(count_visit(run, body));
  PG_TRY(visit_constants(run, body));
  for (int i = 0; i < body->n_inputs; i++) {
    const pgi_type *type = i < n_in && in[i] ? in[i] : &pgi_type_unknown;
    PG_TRY(conclude(run, body->inputs[i], type));
  }
  return visit_nodes(run, body);
}

/* ---- the result --------------------------------------------------------------------------------- */

static void write_types(const pgi_inference *run, pg_graph *g) {
  for (pgi_value *v = g->first_value; v; v = v->next) {
    const pgi_type *type = pgi_ptrmap_get(&run->types, v);
    if (type) v->type = *type;
  }
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) write_types(run, body);
  }
}

pg_status pgi_infer_graph(pg_graph *g, bool strict, const pgi_deduce_options *deduce,
                          pg_error *err) {
  /* Element types stay reachable from the graph, so they belong to its model. */
  pgi_infer_env env = {.arena = &g->model->arena};
  pgi_inference run;
  inference_init(&run, g->model->ctx, &env, err);
  run.takes_hints = true;
  run.is_strict = strict;
  run.deduce = deduce;
  if (deduce) pgi_deduce_begin(&run, g->model);
  pg_status status = infer_body(&run, g, NULL, 0);
  if (status == PG_OK && deduce) status = pgi_deduce_keep(&run, g->model);
  if (status == PG_OK) write_types(&run, g);
  inference_deinit(&run);
  return status;
}

pg_status pgi_graph_infer(pg_graph *g, bool strict, pg_error *err) {
  return pgi_infer_graph(g, strict, NULL, err);
}

void pgi_graph_forget_types(pg_graph *g) {
  for (pgi_value *v = g->first_value; v; v = v->next)
    if (v->producer || (v->is_input && g->parent)) v->type = pgi_type_unknown;
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) pgi_graph_forget_types(body);
  }
}
