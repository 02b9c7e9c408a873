/* types: what every value of a plan is, and what can be computed before any data are there.
**
** Declared types play no part: a plan's memory is laid out by what inference proves from the actual
** inputs, because the declarations come from a file that may be wrong. */
#include "session/internal.h"

typedef struct typer {
  pgi_plan *plan;
  pgi_program *program;
  const pgi_type **in; /* room for one node */
  const pg_tensor **content;
  pgi_type *out;
  pg_tensor *results;
  pgi_infer_env env;
} typer;

/* ---- what bodies see of the values around them ----------------------------------------------- */

static const pgi_slot *find_slot(const typer *t, const pgi_value *v) {
  const pgi_program *p = t->program;
  if (v->graph == p->graph) return &t->plan->slots[v->id];
  for (int i = p->n_own; i < p->n_values; i++) {
    if (p->values[i] == v) return &t->plan->slots[i];
  }
  return NULL; /* of the body itself */
}

static const pgi_type *outer_type(void *arg, const pgi_value *v) {
  const pgi_slot *slot = find_slot(arg, v);
  return slot ? &slot->type : NULL;
}

static const pg_tensor *outer_content(void *arg, const pgi_value *v) {
  const pgi_slot *slot = find_slot(arg, v);
  return slot ? slot->constant : NULL;
}

/* ---- setting slots --------------------------------------------------------------------------- */

/* Elements of a sequence may differ in shape: what is told of them is only a hint, and a plan must
** not build on it. */
static pg_status weaken(typer *t, pgi_type *type, pg_error *err) {
  if (type->kind == PG_TYPE_TENSOR || type->kind == PG_TYPE_UNKNOWN || !type->elem) return PG_OK;
  pgi_type *elem = pgi_arena_alloc(&t->plan->memory, sizeof *elem);
  if (!elem) return pgi_nomem(err);
  *elem = *type->elem;
  if (elem->kind == PG_TYPE_TENSOR) elem->rank = -1;
  type->elem = elem;
  return weaken(t, elem, err);
}

static pg_status set_type(typer *t, int value, const pgi_type *type, pg_error *err) {
  pgi_slot *slot = &t->plan->slots[value];
  int64_t dims[PG_MAX_RANK], count;
  slot->type = *type;
  slot->is_static = pgi_type_is_static(type);
  if (!slot->is_static) return weaken(t, &slot->type, err);
  pgi_type_dims(type, dims);
  return pgi_count(type->rank, dims, &count, err);
}

static void set_constant(typer *t, int value, const pg_tensor *content) {
  pgi_slot *slot = &t->plan->slots[value];
  slot->kind = PG_SLOT_CONSTANT;
  slot->constant = content;
  slot->type = pgi_type_of(content);
  slot->is_static = pgi_type_is_static(&slot->type);
}

static pg_status set_bound(typer *t, pg_error *err) {
  const pgi_program *p = t->program;
  for (int i = 0; i < p->n_bound; i++) {
    const pg_tensor *given = p->given[i];
    pgi_type type = p->values[p->bound[i]]->type;
    if (!given) continue;
    if (!pgi_is_object(given->dtype))
      type = pgi_type_of(given);
    else if (type.kind == PG_TYPE_TENSOR)
      type = pgi_type_unknown;
    PG_TRY(set_type(t, p->bound[i], &type, err));
  }
  return PG_OK;
}

static pg_status init_slots(typer *t, pg_error *err) {
  const pgi_program *p = t->program;
  for (int i = 0; i < p->n_values; i++) {
    t->plan->slots[i].type = pgi_type_unknown;
    t->plan->slots[i].root = i;
    if (pgi_program_is_constant(p, i)) set_constant(t, i, &p->values[i]->constant);
  }
  return set_bound(t, err);
}

/* ---- computing ahead ------------------------------------------------------------------------- */

static int64_t elements(const pgi_slot *slot) {
  int64_t dims[PG_MAX_RANK];
  pgi_type_dims(&slot->type, dims);
  for (int i = 0; i < slot->type.rank; i++) {
    if (dims[i] == 0) return 0;
  }
  return pgi_dims_product(dims, 0, slot->type.rank);
}

/* Results small for sure, or with inputs so small that it is worth a try. */
static bool is_small(const typer *t, const pgi_prog_node *pn) {
  const pgi_slot *slots = t->plan->slots;
  int64_t n_out = 0, n_in = 0;
  bool is_static = true;
  for (int i = 0; i < pn->node->n_out; i++) {
    if (pn->out[i] < 0) continue;
    is_static &= slots[pn->out[i]].is_static;
    if (is_static) n_out = PG_MAX(n_out, elements(&slots[pn->out[i]]));
  }
  for (int i = 0; i < pn->node->n_in; i++) {
    if (pn->in[i] >= 0) n_in = PG_MAX(n_in, pgi_tensor_count(t->content[i]));
  }
  return is_static ? n_out <= PG_KNOWN_ELEMENTS : n_in <= PG_KNOWN_ELEMENTS;
}

static bool is_computable(const typer *t, const pgi_prog_node *pn) {
  const pg_op *op = pn->node->op;
  if (op->flags & (PG_OP_RANDOM | PG_OP_CONTROL) || pn->n_bodies) return false;
  for (int i = 0; i < pn->node->n_in; i++) {
    if (pn->in[i] >= 0 && !t->content[i]) return false;
  }
  return is_small(t, pn);
}

/* False when the results turn out to be no small tensors: the node becomes a step after all. */
static bool is_keepable(const typer *t, const pgi_node *node) {
  for (int i = 0; i < node->n_out; i++) {
    const pg_tensor *r = &t->results[i];
    if (!node->out[i]) continue;
    if (pgi_is_object(r->dtype) || pgi_tensor_count(r) > PG_KNOWN_ELEMENTS) return false;
  }
  return true;
}

static pg_status keep_result(typer *t, int value, pg_tensor *result, pg_error *err) {
  pgi_plan *plan = t->plan;
  pg_tensor *kept = pgi_arena_alloc(&plan->memory, sizeof *kept);
  if (!kept) return pgi_nomem(err);
  pgi_tensor_move(kept, result);
  plan->constants[plan->n_constants++] = kept;
  set_constant(t, value, kept);
  return PG_OK;
}

static pg_status run_ahead(typer *t, const pgi_prog_node *pn, const pg_tensor *const *in,
                           bool is_known, pg_error *err) {
  pgi_lone lone = {.ctx = t->program->ctx,
                   .threads = 1,
                   .node = pn->node,
                   .prepared = pn->prepared,
                   .in = in,
                   .is_known = is_known,
                   .is_sharing = true};
  PG_TRY(pgi_lone_run(&lone, t->results, err));
  pg_status status = PG_OK;
  bool is_kept = is_keepable(t, pn->node);
  for (int i = 0; i < pn->node->n_out; i++) {
    if (is_kept && pn->out[i] >= 0 && status == PG_OK) {
      status = keep_result(t, pn->out[i], &t->results[i], err);
    }
    pgi_tensor_clear(&t->results[i]);
  }
  return status;
}

static pg_status compute_ahead(typer *t, const pgi_prog_node *pn, pg_error *err) {
  if (is_computable(t, pn)) return run_ahead(t, pn, t->content, true, err);
  if (!(pn->node->op->flags & PG_OP_TYPE_ONLY) || pn->node->n_in != 1 || pn->in[0] < 0)
    return PG_OK;
  const pgi_slot *slot = &t->plan->slots[pn->in[0]];
  if (!slot->is_static) return PG_OK;
  pg_tensor hollow = {.dtype = slot->type.dtype, .rank = slot->type.rank};
  pgi_type_dims(&slot->type, hollow.dims);
  return run_ahead(t, pn, &(const pg_tensor *){&hollow}, false, err);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static pg_dtype operand_dtype(const pgi_type *type) {
  switch (type->kind) {
    case PG_TYPE_TENSOR:
      return type->dtype;
    case PG_TYPE_SEQUENCE:
      return PG_SEQUENCE;
    case PG_TYPE_MAP:
      return PG_MAP;
    default:
      return PG_NONE;
  }
}

static pg_status type_node(typer *t, const pgi_prog_node *pn, pg_error *err) {
  const pgi_node *node = pn->node;
  for (int i = 0; i < node->n_in; i++) {
    const pgi_slot *slot = pn->in[i] >= 0 ? &t->plan->slots[pn->in[i]] : NULL;
    t->in[i] = slot ? &slot->type : NULL;
    t->content[i] = slot ? slot->constant : NULL;
    pg_dtype dtype = slot ? operand_dtype(&slot->type) : PG_NONE;
    if (dtype != PG_NONE) PG_TRY(pgi_check_operand(node, i, dtype, err));
  }
  PG_TRY(pgi_infer_node(node, t->in, t->content, t->out, &t->env, err));
  for (int i = 0; i < node->n_out; i++) {
    if (pn->out[i] >= 0) PG_TRY(set_type(t, pn->out[i], &t->out[i], err));
  }
  return compute_ahead(t, pn, err);
}

static pg_status type_nodes(typer *t, pg_error *err) {
  for (int i = 0; i < t->program->n_nodes; i++) {
    pg_status status = type_node(t, &t->program->nodes[i], err);
    if (status == PG_OK) continue;
    pgi_node_prefix(t->program->nodes[i].node, err);
    return status;
  }
  return PG_OK;
}

pg_status pgi_plan_types(pgi_plan *plan, pg_error *err) {
  pgi_program *p = plan->program;
  typer t = {.plan = plan, .program = p};
  size_t n_in = (size_t)p->max_in, n_out = (size_t)p->max_out;
  pgi_arena room; /* for the time of planning */
  pgi_arena_init(&room, p->ctx);
  t.in = pgi_arena_alloc(&room, n_in * sizeof *t.in);
  t.content = pgi_arena_alloc(&room, n_in * sizeof *t.content);
  t.out = pgi_arena_alloc(&room, n_out * sizeof *t.out);
  t.results = pgi_arena_alloc(&room, n_out * sizeof *t.results);
  t.env = (pgi_infer_env){
      .arena = &plan->memory, .type = outer_type, .content = outer_content, .arg = &t};
  bool has_room = t.in && t.content && t.out && t.results;
  pg_status status = has_room ? init_slots(&t, err) : pgi_nomem(err);
  if (status == PG_OK) status = type_nodes(&t, err);
  pgi_arena_deinit(&room);
  return status;
}
