/* If: one of two subgraphs, by a condition. */
#include "op/control.h"
#include "op/move.h"

static pg_status find_branch(pgi_infer *inf, const char *name, pg_graph **out) {
  pg_graph *body = pgi_attr_graph(inf->node, name);
  if (!body) return pgi_fail(inf->err, PG_INVALID, "attribute '%s' is required", name);
  if (body->n_inputs != 0 || body->n_outputs < inf->n_out) {
    return pgi_fail(inf->err, PG_INVALID,
                    "%s: expected a graph of no inputs and %d outputs, got %d and %d", name,
                    inf->n_out, body->n_inputs, body->n_outputs);
  }
  *out = body;
  return PG_OK;
}

static pg_status branch_types(pgi_infer *inf, pg_graph *body, pgi_type *out) {
  pgi_type *all = pgi_arena_alloc(inf->arena, (size_t)body->n_outputs * sizeof *all);
  if (!all) return pgi_nomem(inf->err);
  PG_TRY(inf->subgraph(inf, body, NULL, 0, all, body->n_outputs));
  memcpy(out, all, (size_t)inf->n_out * sizeof *out);
  return PG_OK;
}

/* What either branch gives.  A branch that can't fit these shapes won't be run: exporters ask for a
** rank that way, and only the run knows.  The other one then says what comes out; should the
** first be run after all, it fails there. */
static pg_status either_types(pgi_infer *inf, pg_graph *first, pg_graph *second) {
  pgi_type *other = pgi_arena_alloc(inf->arena, (size_t)inf->n_out * sizeof *other);
  if (!other) return pgi_nomem(inf->err);
  pg_error *err = inf->err, refused = {0};
  inf->err = &refused;
  pg_status status = branch_types(inf, first, inf->out);
  pg_status second_status = branch_types(inf, second, other);
  inf->err = err;
  if (status == PG_NOMEM || second_status == PG_NOMEM) return pgi_nomem(err);
  if (status != PG_OK) return branch_types(inf, second, inf->out);
  if (second_status != PG_OK) return PG_OK;
  for (int i = 0; i < inf->n_out; i++) pgi_type_widen(&inf->out[i], &other[i], inf->arena);
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  const pg_tensor *known = pgi_known(inf, 0);
  pg_graph *branches[2];
  if (known) { /* what is never run need not even fit */
    bool condition;
    PG_TRY(pgi_condition(known, "cond", &condition, inf->err));
    PG_TRY(find_branch(inf, condition ? "then_branch" : "else_branch", &branches[0]));
    return branch_types(inf, branches[0], inf->out);
  }
  PG_TRY(find_branch(inf, "then_branch", &branches[0]));
  PG_TRY(find_branch(inf, "else_branch", &branches[1]));
  return either_types(inf, branches[0], branches[1]);
}

static pg_status run(pgi_call *c) {
  if (!c->body_out) {
    bool condition;
    PG_TRY(pgi_condition(c->in[0], "cond", &condition, c->err));
    pg_graph *body = pgi_attr_graph(c->node, condition ? "then_branch" : "else_branch");
    return pgi_call_enter(c, body, 0, NULL);
  }
  for (int i = 0; i < c->n_out && i < c->n_body_out; i++)
    if (c->out[i]) pgi_tensor_move(c->out[i], &c->body_out[i]);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "then_branch", .kind = PG_ATTR_GRAPH, .is_required = true},
    {.name = "else_branch", .kind = PG_ATTR_GRAPH, .is_required = true},
    {0}};

PG_OP(if_op) = {
    .name = "If",
    .since = {1, 11, 13, 16, 19, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, PG_MANY},
    .types = PG_T(PG_BOOL),
    .attrs = attrs,
    .flags = PG_OP_CONTROL,
    .infer = infer,
    .run = run,
};
