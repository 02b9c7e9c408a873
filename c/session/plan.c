/* plan: the steps of a program for known input shapes, and where every value lives.
**
** Plain data: nothing here runs.  Values that could be computed from shapes alone are constants and
** their nodes no steps; views of memory that is known beforehand are no steps either. */
#include "session/internal.h"

/* ---- the key --------------------------------------------------------------------------------- */

/* A bound tensor counts as element type, rank, dims; sequences, maps and what isn't bound as their
** element type alone. */
static int key_size(const pgi_program *p) {
  int n = 0;
  for (int i = 0; i < p->n_bound; i++) {
    const pg_tensor *t = p->given[i];
    n += t && !pgi_is_object(t->dtype) ? 2 + t->rank : 1;
  }
  return n;
}

static void write_key(const pgi_program *p, int64_t *key) {
  for (int i = 0; i < p->n_bound; i++) {
    const pg_tensor *t = p->given[i];
    *key++ = t ? (int64_t)t->dtype : -1;
    if (!t || pgi_is_object(t->dtype)) continue;
    *key++ = t->rank;
    for (int d = 0; d < t->rank; d++) *key++ = t->dims[d];
  }
}

static bool has_key(const pgi_plan *plan) {
  const pgi_program *p = plan->program;
  const int64_t *key = plan->key;
  for (int i = 0; i < p->n_bound; i++) {
    const pg_tensor *t = p->given[i];
    if (*key++ != (t ? (int64_t)t->dtype : -1)) return false;
    if (!t || pgi_is_object(t->dtype)) continue;
    if (*key++ != t->rank) return false;
    for (int d = 0; d < t->rank; d++) {
      if (*key++ != t->dims[d]) return false;
    }
  }
  return true;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static bool is_view(const pgi_prog_node *pn) {
  if (!(pn->node->op->flags & PG_OP_VIEW) || pn->node->n_in < 1 || pn->in[0] < 0) return false;
  for (int i = 1; i < pn->node->n_out; i++) {
    if (pn->out[i] >= 0) return false;
  }
  return pn->node->n_out > 0 && pn->out[0] >= 0;
}

/* Backwards from the outputs: a node is a step when somebody needs what planning didn't compute. */
static void mark_steps(const pgi_plan *plan, bool *is_step, bool *is_needed) {
  const pgi_program *p = plan->program;
  for (int i = 0; i < p->n_outputs; i++) is_needed[p->outputs[i]] = true;
  for (int n = p->n_nodes - 1; n >= 0; n--) {
    const pgi_prog_node *pn = &p->nodes[n];
    for (int i = 0; i < pn->node->n_out; i++) {
      int v = pn->out[i];
      is_step[n] |= v >= 0 && is_needed[v] && plan->slots[v].kind != PG_SLOT_CONSTANT;
    }
    for (int i = 0; i < pn->n_uses && is_step[n]; i++) is_needed[pn->uses[i]] = true;
  }
}

static pg_status check_view(const pgi_plan *plan, const pgi_prog_node *pn, pg_error *err) {
  const pgi_slot *in = &plan->slots[pn->in[0]], *out = &plan->slots[pn->out[0]];
  if (!in->is_static || !out->is_static) return PG_OK;
  bool is_same = in->type.dtype == out->type.dtype;
  if (is_same && pgi_slot_bytes(in) == pgi_slot_bytes(out)) return PG_OK;
  char expected[400] = "", got[400] = "";
  pgi_type_text(&out->type, &(pgi_text){expected, sizeof expected, 0});
  pgi_type_text(&in->type, &(pgi_text){got, sizeof got, 0});
  return pgi_fail(err, PG_INVALID, "can't see %s as %s", got, expected);
}

/* True when it needs no step: its memory is there before the first one. */
static bool place_view(pgi_plan *plan, const pgi_prog_node *pn) {
  const pgi_slot *in = &plan->slots[pn->in[0]], *root = &plan->slots[in->root];
  pgi_slot *out = &plan->slots[pn->out[0]];
  out->root = in->root;
  bool is_fixed = in->kind != PG_SLOT_DYNAMIC && in->is_static && out->is_static;
  out->kind = is_fixed ? PG_SLOT_ALIAS : PG_SLOT_DYNAMIC;
  if (!is_fixed && root->kind != PG_SLOT_ARENA) out->root = pn->out[0];
  return is_fixed;
}

/* A control operator moves what its body made into its outputs. */
static bool place_outputs(pgi_plan *plan, const pgi_prog_node *pn) {
  bool is_ready = true;
  for (int i = 0; i < pn->node->n_out; i++) {
    if (pn->out[i] < 0) continue;
    pgi_slot *slot = &plan->slots[pn->out[i]];
    bool is_fixed =
        slot->is_static && slot->type.dtype != PG_STRING && !(pn->node->op->flags & PG_OP_CONTROL);
    slot->kind = is_fixed ? PG_SLOT_ARENA : PG_SLOT_DYNAMIC;
    is_ready &= is_fixed;
  }
  return is_ready;
}

/* Every input comes from somewhere; true when inference knew all about all of them. */
static pg_status check_inputs(const pgi_plan *plan, const pgi_prog_node *pn, bool *is_trusted,
                              pg_error *err) {
  *is_trusted = true;
  for (int i = 0; i < pn->n_uses; i++) {
    const pgi_slot *slot = &plan->slots[pn->uses[i]];
    *is_trusted &= slot->is_static;
    if (slot->kind != PG_SLOT_NONE) continue;
    return pgi_fail(err, PG_INVALID, "value '%s' has no content",
                    plan->program->values[pn->uses[i]]->name);
  }
  return PG_OK;
}

static pg_status add_step(pgi_plan *plan, const pgi_prog_node *pn, pg_error *err) {
  pgi_step step = {.node = pn, .is_view = is_view(pn), .args = plan->n_args};
  PG_TRY(check_inputs(plan, pn, &step.is_trusted, err));
  if (step.is_view) {
    PG_TRY(check_view(plan, pn, err));
    if (place_view(plan, pn)) return PG_OK;
  } else {
    if (!pn->node->op->run) return pgi_fail(err, PG_UNSUPPORTED, "can't run by itself");
    step.is_ready = place_outputs(plan, pn);
  }
  plan->n_args += pn->node->n_in + pn->node->n_out;
  plan->steps[plan->n_steps++] = step;
  return PG_OK;
}

static pg_status make_steps(pgi_plan *plan, pg_error *err) {
  const pgi_program *p = plan->program;
  bool *is_step = pgi_arena_alloc(&plan->memory, (size_t)p->n_nodes * sizeof *is_step);
  bool *is_needed = pgi_arena_alloc(&plan->memory, (size_t)p->n_values * sizeof *is_needed);
  plan->steps = pgi_arena_alloc(&plan->memory, (size_t)p->n_nodes * sizeof *plan->steps);
  if (!is_step || !is_needed || !plan->steps) return pgi_nomem(err);
  for (int i = 0; i < p->n_bound; i++) plan->slots[p->bound[i]].kind = PG_SLOT_BOUND;
  mark_steps(plan, is_step, is_needed);
  for (int n = 0; n < p->n_nodes; n++) {
    pg_status status = is_step[n] ? add_step(plan, &p->nodes[n], err) : PG_OK;
    if (status == PG_OK) continue;
    pgi_node_prefix(p->nodes[n].node, err);
    return status;
  }
  return PG_OK;
}

/* ---- outputs and what is set at the start of a run ------------------------------------------- */

/* An output takes the memory it lies on along, so that memory is no part of the arena. */
static pg_status claim_outputs(pgi_plan *plan, pg_error *err) {
  const pgi_program *p = plan->program;
  for (int k = 0; k < p->n_outputs; k++) {
    const pgi_slot *slot = &plan->slots[p->outputs[k]];
    if (slot->kind == PG_SLOT_NONE) {
      return pgi_fail(err, PG_INVALID, "output '%s' has no content",
                      p->values[p->outputs[k]]->name);
    }
    bool is_placed = slot->kind == PG_SLOT_ARENA || slot->kind == PG_SLOT_ALIAS;
    plan->claims[k] = -1;
    if (!is_placed || plan->slots[slot->root].kind != PG_SLOT_ARENA) continue;
    plan->slots[slot->root].kind = PG_SLOT_OUTPUT;
    plan->claims[k] = slot->root;
  }
  return PG_OK;
}

static void add_setup(pgi_plan *plan, pgi_slot_kind kind) {
  for (int i = 0; i < plan->program->n_values; i++) {
    const pgi_slot *slot = &plan->slots[i];
    pgi_slot_kind root = plan->slots[slot->root].kind;
    bool is_late = root == PG_SLOT_BOUND || root == PG_SLOT_OUTPUT;
    if (slot->kind == kind && is_late) plan->setup[plan->n_setup++] = i;
  }
}

static pg_status make_setup(pgi_plan *plan, pg_error *err) {
  const pgi_program *p = plan->program;
  plan->claims = pgi_arena_alloc(&plan->memory, (size_t)p->n_outputs * sizeof *plan->claims);
  plan->setup = pgi_arena_alloc(&plan->memory, (size_t)p->n_values * sizeof *plan->setup);
  if (!plan->claims || !plan->setup) return pgi_nomem(err);
  PG_TRY(claim_outputs(plan, err));
  add_setup(plan, PG_SLOT_OUTPUT);
  add_setup(plan, PG_SLOT_ALIAS);
  return PG_OK;
}

/* ---- the plan -------------------------------------------------------------------------------- */

static pg_status build(pgi_plan *plan, pg_error *err) {
  const pgi_program *p = plan->program;
  size_t n = (size_t)p->n_values;
  plan->n_key = key_size(p);
  plan->key = pgi_arena_alloc(&plan->memory, (size_t)plan->n_key * sizeof *plan->key);
  plan->slots = pgi_arena_alloc(&plan->memory, n * sizeof *plan->slots);
  plan->constants = pgi_arena_alloc(&plan->memory, n * sizeof *plan->constants);
  if (!plan->key || !plan->slots || !plan->constants) return pgi_nomem(err);
  write_key(p, plan->key);
  PG_TRY(pgi_plan_types(plan, err));
  PG_TRY(make_steps(plan, err));
  PG_TRY(make_setup(plan, err));
  return pgi_plan_arena(plan, err);
}

static pg_status plan_new(pgi_program *p, pgi_plan **out, pg_error *err) {
  pgi_plan *plan = pgi_alloc_zero(p->ctx, sizeof *plan);
  if (!plan) return pgi_nomem(err);
  plan->program = p;
  plan->frame.plan = plan;
  plan->frame.session = p->session;
  pgi_arena_init(&plan->memory, p->ctx);
  pg_status status = build(plan, err);
  if (status == PG_OK)
    *out = plan;
  else
    pgi_plan_free(plan);
  return status;
}

void pgi_plan_free(pgi_plan *plan) {
  pgi_frame_deinit(&plan->frame);
  for (int i = 0; i < plan->n_constants; i++) pgi_tensor_clear(plan->constants[i]);
  pgi_arena_deinit(&plan->memory);
  pgi_free(plan->program->ctx, plan);
}

static void drop_last(pgi_program *p) {
  pgi_plan **at = &p->plans;
  while ((*at)->next) at = &(*at)->next;
  pgi_plan_free(*at);
  *at = NULL;
  p->n_plans--;
}

pg_status pgi_plan_get(pgi_program *p, pgi_plan **out, pg_error *err) {
  pgi_plan *plan = NULL;
  for (pgi_plan **at = &p->plans; *at; at = &(*at)->next) {
    if (!has_key(*at)) continue;
    plan = *at;
    *at = plan->next;
    break;
  }
  if (!plan) {
    PG_TRY(plan_new(p, &plan, err));
    p->n_plans++;
  }
  plan->next = p->plans;
  p->plans = plan;
  if (p->n_plans > PG_MAX_PLANS) drop_last(p);
  *out = plan;
  return PG_OK;
}
