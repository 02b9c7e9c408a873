/* edit: every change of a graph, keeping use lists, producers and names right.  A change that fails
** leaves the graph as it was, unless its description says otherwise. */
#include "graph/opdef.h"

/* ---- uses --------------------------------------------------------------------------------------- */

void pgi_use_set(pgi_use *use, pgi_value *v) {
  if (use->value == v) return;
  if (use->value) {
    if (use->prev)
      use->prev->next = use->next;
    else
      use->value->uses = use->next;
    if (use->next) use->next->prev = use->prev;
  }
  use->value = v;
  use->prev = NULL;
  use->next = v ? v->uses : NULL;
  if (use->next) use->next->prev = use;
  if (v) v->uses = use;
}

/* Moves a use to another place in memory.  Neighbours may be in the same array: those that follow
** are patched in the old place and carry that along when their turn comes. */
static void move_use(pgi_use *to, const pgi_use *from, int index) {
  *to = *from;
  to->index = index;
  if (!to->value) return;
  if (to->prev)
    to->prev->next = to;
  else
    to->value->uses = to;
  if (to->next) to->next->prev = to;
}

/* Room for `need` uses in an array whose uses are linked. */
static pg_status grow_uses(pgi_arena *arena, pgi_use **uses, int n, int *room, int need,
                           pg_error *err) {
  if (need <= *room) return PG_OK;
  const pgi_use *old = *uses;
  PG_TRY(pgi_arena_grow(arena, uses, 0, room, need, sizeof **uses, err));
  for (int i = 0; i < n; i++) move_use(&(*uses)[i], &old[i], i);
  return PG_OK;
}

/* ---- values ------------------------------------------------------------------------------------- */

static pg_status register_name(pg_graph *g, const char *name, pgi_value *v, pg_error *err) {
  PG_TRY(pgi_map_put(&g->model->names, name, v, err));
  return pgi_map_put(&g->by_name, name, v, err);
}

pg_status pgi_edit_value(pg_graph *g, const char *name, pgi_value **out, pg_error *err) {
  if (name && !*name) return pgi_fail(err, PG_INVALID, "a value needs a name");
  if (name && pgi_graph_find(g, name))
    return pgi_fail(err, PG_INVALID, "the name '%s' is used twice", name);
  pgi_value *v = pgi_arena_alloc(&g->model->arena, sizeof *v);
  if (!v) return pgi_nomem(err);
  if (name) {
    v->name = pgi_arena_strdup(&g->model->arena, name);
    if (!v->name) return pgi_nomem(err);
  } else {
    PG_TRY(pgi_fresh_name(g->model, NULL, NULL, &v->name, err));
  }
  PG_TRY(register_name(g, v->name, v, err));
  v->graph = g;
  v->type = pgi_type_unknown;
  v->prev = g->last_value;
  if (g->last_value)
    g->last_value->next = v;
  else
    g->first_value = v;
  g->last_value = v;
  *out = v;
  return PG_OK;
}

static bool is_made(const pgi_value *v) {
  return v->producer || v->is_input || v->constant.dtype != PG_NONE;
}

pg_status pgi_edit_input(pg_graph *g, pgi_value *v, pg_error *err) {
  if (v->graph != g || v->producer || v->is_input)
    return pgi_fail(err, PG_INVALID, "'%s' can't become an input of this graph", v->name);
  PG_TRY(pgi_arena_grow(&g->model->arena, &g->inputs, g->n_inputs, &g->inputs_room, g->n_inputs + 1,
                        sizeof *g->inputs, err));
  g->inputs[g->n_inputs++] = v;
  v->is_input = true;
  return PG_OK;
}

pg_status pgi_edit_output(pg_graph *g, pgi_value *v, pg_error *err) {
  PG_TRY(grow_uses(&g->model->arena, &g->outputs, g->n_outputs, &g->outputs_room, g->n_outputs + 1,
                   err));
  pgi_use *use = &g->outputs[g->n_outputs];
  *use = (pgi_use){.graph = g, .index = g->n_outputs};
  g->n_outputs++;
  pgi_use_set(use, v);
  return PG_OK;
}

pg_status pgi_edit_constant(pg_graph *g, const char *name, const pg_tensor *t, pgi_value **out,
                            pg_error *err) {
  PG_TRY(pgi_edit_value(g, name, out, err));
  pgi_tensor_assign(&(*out)->constant, t);
  (*out)->type = pgi_type_of(t);
  return PG_OK;
}

pg_status pgi_edit_constant_i64s(pg_graph *g, int64_t n, const int64_t *v, pgi_value **out,
                                 pg_error *err) {
  pg_tensor t = {0};
  PG_TRY(pgi_tensor_i64s(g->model->ctx, n, v, &t, err));
  pg_status status = pgi_edit_constant(g, NULL, &t, out, err);
  pgi_tensor_clear(&t);
  return status;
}

pg_status pgi_edit_constant_scalar(pg_graph *g, pg_dtype dtype, double v, pgi_value **out,
                                   pg_error *err) {
  pgi_kind kind = pgi_dtype_kind(dtype);
  if (kind == PG_KIND_NONE || kind == PG_KIND_STRING || kind == PG_KIND_OBJECT)
    return pgi_fail(err, PG_INVALID, "a number can't be a %s", pg_dtype_name(dtype));
  pg_tensor t = {0};
  PG_TRY(pgi_tensor_alloc(g->model->ctx, dtype, 0, NULL, &t, err));
  pgi_store_f64(dtype, pgi_tensor_data(&t), 0, 1, &v);
  pg_status status = pgi_edit_constant(g, NULL, &t, out, err);
  pgi_tensor_clear(&t);
  return status;
}

void pgi_edit_remove_value(pgi_value *v) {
  pg_graph *g = v->graph;
  if (!g || v->uses || v->producer || v->is_input) return;
  if (v->prev)
    v->prev->next = v->next;
  else
    g->first_value = v->next;
  if (v->next)
    v->next->prev = v->prev;
  else
    g->last_value = v->prev;
  pgi_tensor_clear(&v->constant);
  v->graph = NULL;
}

/* Whether a graph above or below g has the name: both would be confused in a file. */
static bool is_taken_nearby(const pg_graph *g, const char *name) {
  if (!pgi_map_get(&g->model->names, name)) return false;
  if (pgi_graph_lookup(g, name)) return true;
  for (const pg_graph *other = g->model->graphs; other; other = other->next_graph) {
    if (!pgi_graph_find(other, name)) continue;
    for (const pg_graph *up = other; up; up = up->parent)
      if (up == g) return true;
  }
  return false;
}

pg_status pgi_edit_rename(pgi_value *v, const char *name, pg_error *err) {
  pg_graph *g = v->graph;
  if (strcmp(v->name, name) == 0) return PG_OK;
  if (!*name) return pgi_fail(err, PG_INVALID, "a value needs a name");
  if (is_taken_nearby(g, name))
    return pgi_fail(err, PG_INVALID, "can't rename '%s': the name '%s' is used already", v->name,
                    name);
  const char *copy = pgi_arena_strdup(&g->model->arena, name);
  if (!copy) return pgi_nomem(err);
  PG_TRY(register_name(g, copy, v, err));
  v->name = copy;
  return PG_OK;
}

pg_status pgi_edit_remove_input(pg_graph *g, int i, pg_error *err) {
  if (i < 0 || i >= g->n_inputs)
    return pgi_fail(err, PG_INVALID, "there is no input %d, the graph has %d", i, g->n_inputs);
  pgi_value *v = g->inputs[i];
  if (v->uses && v->constant.dtype == PG_NONE)
    return pgi_fail(err, PG_INVALID, "input '%s' is used and can't be removed", v->name);
  g->n_inputs--;
  memmove(&g->inputs[i], &g->inputs[i + 1], (size_t)(g->n_inputs - i) * sizeof *g->inputs);
  v->is_input = false;
  if (!v->uses) pgi_edit_remove_value(v);
  return PG_OK;
}

pg_status pgi_edit_remove_output(pg_graph *g, int i, pg_error *err) {
  if (i < 0 || i >= g->n_outputs)
    return pgi_fail(err, PG_INVALID, "there is no output %d, the graph has %d", i, g->n_outputs);
  pgi_use_set(&g->outputs[i], NULL);
  g->n_outputs--;
  for (; i < g->n_outputs; i++) move_use(&g->outputs[i], &g->outputs[i + 1], i);
  return PG_OK;
}

/* ---- nodes -------------------------------------------------------------------------------------- */

static void link_node(pgi_node *node, pgi_node *before) {
  pg_graph *g = node->graph;
  node->next = before;
  node->prev = before ? before->prev : g->last;
  if (node->prev)
    node->prev->next = node;
  else
    g->first = node;
  if (before)
    before->prev = node;
  else
    g->last = node;
  g->n_nodes++;
}

/* Leaves node->next alone: a loop that removes the node it stands on can go on. */
static void unlink_node(pgi_node *node) {
  pg_graph *g = node->graph;
  if (node->prev)
    node->prev->next = node->next;
  else
    g->first = node->next;
  if (node->next)
    node->next->prev = node->prev;
  else
    g->last = node->prev;
  g->n_nodes--;
}

/* Makes the node the producer of out[0..n); on failure of none. */
static pg_status claim_outputs(pgi_node *node, int n, pgi_value *const *out, pg_error *err) {
  int i = 0;
  for (; i < n; i++) {
    pgi_value *v = out[i];
    node->out[i] = v;
    if (!v) continue;
    if (v->graph != node->graph || is_made(v)) break;
    v->producer = node;
    v->output = i;
  }
  if (i == n) return PG_OK;
  const char *name = out[i]->name;
  while (i-- > 0)
    if (out[i]) out[i]->producer = NULL;
  return pgi_fail(err, PG_INVALID, "'%s' can't be an output of a new %s: it is made elsewhere",
                  name, node->type);
}

pg_status pgi_edit_node(pg_graph *g, pgi_node *before, const char *domain, const char *type,
                        int n_in, pgi_value *const *in, int n_out, pgi_value *const *out,
                        pgi_node **node, pg_error *err) {
  pgi_arena *arena = &g->model->arena;
  pgi_node *made = pgi_arena_alloc(arena, sizeof *made);
  if (!made) return pgi_nomem(err);
  made->graph = g;
  made->name = made->overload = "";
  made->type = pgi_arena_strdup(arena, type);
  made->domain = pgi_arena_strdup(arena, pgi_plain_domain(domain));
  if (!made->type || !made->domain) return pgi_nomem(err);
  made->version = pgi_model_opset(g->model, domain);
  PG_TRY(pgi_arena_grow(arena, &made->in, 0, &made->in_room, n_in, sizeof *made->in, err));
  PG_TRY(pgi_arena_grow(arena, &made->out, 0, &made->out_room, n_out, sizeof *made->out, err));
  PG_TRY(claim_outputs(made, n_out, out, err));
  made->n_out = n_out;
  made->n_in = n_in;
  for (int i = 0; i < n_in; i++) {
    made->in[i] = (pgi_use){.node = made, .graph = g, .index = i};
    pgi_use_set(&made->in[i], in[i]);
  }
  link_node(made, before);
  *node = made;
  return PG_OK;
}

/* Fills in what an operator of this build has: the descriptor and the newest version. */
static pg_status find_op(const char *domain, const char *type, const pg_op **op, pg_error *err) {
  *op = pgi_op_find_any(domain, type);
  if (*op) return PG_OK;
  return pgi_fail(err, PG_UNSUPPORTED, "operator %s%s%s is not in this build", domain,
                  *domain ? "." : "", type);
}

pg_status pgi_edit_call(pg_graph *g, pgi_node *before, const char *type, int n_in,
                        pgi_value *const *in, pgi_node **node, pgi_value **out, pg_error *err) {
  const pg_op *op;
  PG_TRY(find_op("", type, &op, err));
  pgi_value *v;
  PG_TRY(pgi_edit_value(g, NULL, &v, err));
  pgi_node *made;
  pg_status status = pgi_edit_node(g, before, "", type, n_in, in, 1, &v, &made, err);
  if (status != PG_OK) {
    pgi_edit_remove_value(v);
    return status;
  }
  made->name = v->name;
  made->op = op;
  made->version = pgi_opset_newest("");
  if (node) *node = made;
  if (out) *out = v;
  return PG_OK;
}

pg_status pgi_edit_retype(pgi_node *node, const char *domain, const char *type, pg_error *err) {
  pgi_arena *arena = &node->graph->model->arena;
  const pg_op *op;
  domain = pgi_plain_domain(domain);
  PG_TRY(find_op(domain, type, &op, err));
  const char *type_copy = pgi_arena_strdup(arena, type);
  const char *domain_copy = pgi_arena_strdup(arena, domain);
  if (!type_copy || !domain_copy) return pgi_nomem(err);
  node->type = type_copy;
  node->domain = domain_copy;
  node->op = op;
  node->version = pgi_opset_newest(domain);
  return PG_OK;
}

static pg_status grow_inputs(pgi_node *node, int n, pg_error *err) {
  PG_TRY(grow_uses(&node->graph->model->arena, &node->in, node->n_in, &node->in_room, n, err));
  for (int i = node->n_in; i < n; i++)
    node->in[i] = (pgi_use){.node = node, .graph = node->graph, .index = i};
  node->n_in = PG_MAX(node->n_in, n);
  return PG_OK;
}

pg_status pgi_edit_set_input(pgi_node *node, int i, pgi_value *v, pg_error *err) {
  if (i < 0 || i == INT32_MAX) return pgi_fail(err, PG_INVALID, "there is no input %d", i);
  PG_TRY(grow_inputs(node, i + 1, err));
  pgi_use_set(&node->in[i], v);
  return PG_OK;
}

pg_status pgi_edit_set_inputs(pgi_node *node, int n, pgi_value *const *v, pg_error *err) {
  PG_TRY(grow_inputs(node, n, err));
  for (int i = 0; i < node->n_in; i++) pgi_use_set(&node->in[i], i < n ? v[i] : NULL);
  node->n_in = n;
  return PG_OK;
}

pg_status pgi_edit_set_output(pgi_node *node, int i, pgi_value *v, pg_error *err) {
  if (i < 0 || i == INT32_MAX) return pgi_fail(err, PG_INVALID, "there is no output %d", i);
  if (i < node->n_out && node->out[i] == v) return PG_OK;
  if (v && (v->graph != node->graph || is_made(v)))
    return pgi_fail(err, PG_INVALID, "'%s' can't become an output of node '%s' (%s)", v->name,
                    node->name, node->type);
  PG_TRY(pgi_arena_grow(&node->graph->model->arena, &node->out, node->n_out, &node->out_room, i + 1,
                        sizeof *node->out, err));
  while (node->n_out <= i) node->out[node->n_out++] = NULL;
  if (node->out[i]) node->out[i]->producer = NULL;
  node->out[i] = v;
  if (v) {
    v->producer = node;
    v->output = i;
  }
  return PG_OK;
}

void pgi_edit_move_before(pgi_node *node, pgi_node *before) {
  if (node == before || (before && node->next == before)) return;
  unlink_node(node);
  link_node(node, before);
}

void pgi_edit_remove_node(pgi_node *node) {
  if (!node->graph) return;
  for (int i = 0; i < node->n_in; i++) pgi_use_set(&node->in[i], NULL);
  pgi_bodies it = {.node = node};
  for (pg_graph *body; (body = pgi_bodies_next(&it));) pgi_graph_clear(body);
  for (int i = 0; i < node->n_out; i++) {
    if (!node->out[i]) continue;
    node->out[i]->producer = NULL;
    pgi_edit_remove_value(node->out[i]);
  }
  unlink_node(node);
  node->graph = NULL;
}

/* ---- replacing ---------------------------------------------------------------------------------- */

void pgi_edit_replace(pgi_value *from, pgi_value *to) {
  if (from == to || !from->uses) return;
  pgi_use *last = from->uses;
  last->value = to;
  while (last->next) {
    last = last->next;
    last->value = to;
  }
  last->next = to->uses;
  if (to->uses) to->uses->prev = last;
  to->uses = from->uses;
  from->uses = NULL;
}

/* Whether somebody outside knows the value by its name. */
static bool is_known(const pgi_value *v) {
  if (v->is_pinned) return true;
  for (const pgi_use *use = v->uses; use; use = use->next)
    if (!use->node && use->graph == v->graph) return true;
  return false;
}

bool pgi_edit_can_replace(const pgi_value *from, const pgi_value *to) {
  if (from == to) return false;
  if (!is_known(from)) return true;
  return to->graph == from->graph && to->producer && !is_known(to);
}

/* Both names are in the map already; so once the first put has worked the second needs no room. */
static bool swap_names(pgi_value *a, pgi_value *b) {
  pgi_map *names = &a->graph->by_name;
  if (pgi_map_put(names, a->name, b, NULL) != PG_OK) return false;
  if (pgi_map_put(names, b->name, a, NULL) != PG_OK) return false;
  const char *name = a->name;
  a->name = b->name;
  b->name = name;
  bool is_pinned = a->is_pinned;
  a->is_pinned = b->is_pinned;
  b->is_pinned = is_pinned;
  return true;
}

bool pgi_edit_replace_keep_name(pgi_value *from, pgi_value *to) {
  if (!pgi_edit_can_replace(from, to)) return false;
  if (is_known(from) && !swap_names(from, to)) return false;
  pgi_edit_replace(from, to);
  return true;
}

/* Whether v was there before what stands for `node` was made: then the node, or a graph inside it,
** uses it.  Such a value keeps its maker and its identity. */
static bool is_from_before(const pgi_node *node, const pgi_value *v) {
  for (const pgi_use *use = v->uses; use; use = use->next)
    if (use->node == node || use->graph != v->graph) return true;
  return false;
}

/* Output i of `node` becomes `now`. */
static pg_status hand_over(pgi_node *node, int i, pgi_value *now, pg_error *err) {
  pgi_value *old = node->out[i];
  pgi_node *maker = now->producer;
  if (maker && now->graph == old->graph && !is_known(now) && !is_from_before(node, now)) {
    /* The usual case: the new maker makes the very value, and nobody sees a difference. */
    int output = now->output;
    PG_TRY(pgi_edit_set_output(node, i, NULL, err));
    PG_TRY(pgi_edit_set_output(maker, output, old, err));
    pgi_edit_replace(now, old);
    pgi_type_merge(&old->type, &now->type);
    return PG_OK;
  }
  if (pgi_edit_replace_keep_name(old, now)) return PG_OK;
  /* An input, a constant or another output can't take the name: a copy has it. */
  const pg_op *op;
  PG_TRY(find_op("", "Identity", &op, err));
  PG_TRY(pgi_edit_set_output(node, i, NULL, err));
  pgi_node *copy;
  pg_status status = pgi_edit_node(node->graph, node, "", "Identity", 1, &now, 1, &old, &copy, err);
  if (status != PG_OK) {
    pgi_edit_set_output(node, i, old, NULL);
    return status;
  }
  copy->name = old->name;
  copy->op = op;
  copy->version = pgi_opset_newest("");
  return PG_OK;
}

pg_status pgi_edit_replace_node(pgi_node *node, pgi_value *const *out, pg_error *err) {
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] && !out[i] && (node->out[i]->uses || node->out[i]->is_pinned))
      return pgi_fail(err, PG_INVALID, "output %d of node '%s' (%s) is used but has no replacement",
                      i, node->name, node->type);
  /* One value may stand for several outputs: once handed over, its heir is node->out[id - 1]. */
  for (int i = 0; i < node->n_out; i++)
    if (out[i]) out[i]->id = 0;
  pgi_arena *arena = &node->graph->model->arena;
  pgi_value **heirs = pgi_arena_alloc(arena, (size_t)node->n_out * sizeof(pgi_value *));
  if (!heirs) return pgi_nomem(err);
  for (int i = 0; i < node->n_out; i++) {
    pgi_value *old = node->out[i];
    if (!old || !out[i] || (!old->uses && !old->is_pinned)) continue;
    pgi_value *now = out[i]->id ? heirs[out[i]->id - 1] : out[i];
    PG_TRY(hand_over(node, i, now, err));
    if (out[i]->id == 0 && !out[i]->producer && !is_made(out[i])) {
      heirs[i] = old;
      out[i]->id = i + 1;
      pgi_edit_remove_value(out[i]);
    }
  }
  pgi_edit_remove_node(node);
  return PG_OK;
}
