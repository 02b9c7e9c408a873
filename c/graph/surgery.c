/* surgery: on whole models: cutting a part out, joining two, bringing one to other operator sets. */
#include "graph/copy.h"
#include "graph/opdef.h"

/* ---- extract ------------------------------------------------------------------------------------ */

static pg_status find_value(const pg_graph *g, const char *name, pgi_value **out, pg_error *err) {
  *out = pgi_graph_find(g, name);
  if (*out) return PG_OK;
  return pgi_fail(err, PG_INVALID, "no value '%.200s' in the graph", name);
}

/* Cuts v off from what makes it.  The maker gets another value, so that it stays complete. */
static pg_status make_input(pg_graph *g, pgi_value *v, pg_error *err) {
  if (v->is_input) return PG_OK;
  if (v->producer) {
    pgi_value *other;
    PG_TRY(pgi_edit_value(g, NULL, &other, err));
    PG_TRY(pgi_edit_set_output(v->producer, v->output, other, err));
  }
  pgi_tensor_clear(&v->constant);
  return pgi_edit_input(g, v, err);
}

static int position(const char *name, int n, const char *const *names) {
  int i = 0;
  while (i < n && strcmp(names[i], name) != 0) i++;
  return i;
}

static pg_status check_twice(int n, const char *const *names, const char *what, pg_error *err) {
  for (int i = 0; i < n; i++)
    if (position(names[i], i, names) < i)
      return pgi_fail(err, PG_INVALID, "%s '%.200s' is named twice", what, names[i]);
  return PG_OK;
}

static pg_status set_ends(pg_graph *g, int n_in, const char *const *in, int n_out,
                          const char *const *out, pg_error *err) {
  pgi_value *v;
  for (int i = 0; i < n_out; i++) PG_TRY(find_value(g, out[i], &v, err));
  for (int i = 0; i < n_in; i++) {
    PG_TRY(find_value(g, in[i], &v, err));
    PG_TRY(make_input(g, v, err));
  }
  while (g->n_outputs) PG_TRY(pgi_edit_remove_output(g, g->n_outputs - 1, err));
  for (int i = 0; i < n_out; i++) {
    PG_TRY(find_value(g, out[i], &v, err));
    PG_TRY(pgi_edit_output(g, v, err));
  }
  return PG_OK;
}

/* Inputs that nobody asked for: those with a default turn into constants, others must be unused. */
static pg_status drop_inputs(pg_graph *g, int n_in, const char *const *in, bool *is_reached,
                             pg_error *err) {
  for (int i = g->n_inputs - 1; i >= 0; i--) {
    const pgi_value *v = g->inputs[i];
    int k = position(v->name, n_in, in);
    if (k < n_in) is_reached[k] = v->uses != NULL;
    if (k < n_in && v->uses) continue;
    if (v->uses && v->constant.dtype == PG_NONE)
      return pgi_fail(err, PG_INVALID, "the outputs also need the input '%.200s'", v->name);
    PG_TRY(pgi_edit_remove_input(g, i, err));
  }
  return PG_OK;
}

/* In the order in which they were asked for. */
static void order_inputs(pg_graph *g, int n_in, const char *const *in) {
  int n = 0;
  for (int i = 0; i < n_in; i++) {
    pgi_value *v = pgi_graph_find(g, in[i]);
    if (v && v->is_input) g->inputs[n++] = v;
  }
}

pg_status pgi_graph_extract(pg_graph *g, int n_in, const char *const *in, int n_out,
                            const char *const *out, bool *is_reached, pg_error *err) {
  bool changed = false;
  if (n_out == 0) return pgi_fail(err, PG_INVALID, "name an output");
  for (int i = 0; i < n_in; i++) is_reached[i] = false;
  PG_TRY(check_twice(n_in, in, "input", err));
  PG_TRY(check_twice(n_out, out, "output", err));
  PG_TRY(set_ends(g, n_in, in, n_out, out, err));
  PG_TRY(pgi_pass_dce(g, NULL, &changed, err));
  PG_TRY(drop_inputs(g, n_in, in, is_reached, err));
  order_inputs(g, n_in, in);
  PG_TRY(pgi_pass_dce(g, NULL, &changed, err));
  return pgi_functions_prune(g->model, err);
}

/* ---- merge -------------------------------------------------------------------------------------- */

typedef struct merger {
  pg_graph *to;
  const pg_graph *from;
  int n_joints;
  const pgi_joint *joints;
  pgi_copier copier;
  pgi_map node_names;
  bool is_always;
  pg_error *err;
} merger;

static pg_status check_joints(merger *m) {
  for (int i = 0; i < m->n_joints; i++) {
    const pgi_joint *j = &m->joints[i];
    pgi_value *from = pgi_graph_find(m->to, j->from), *to = pgi_graph_find(m->from, j->to);
    if (!from)
      return pgi_fail(m->err, PG_INVALID, "the first model has no value '%.200s'", j->from);
    if (!to || !to->is_input)
      return pgi_fail(m->err, PG_INVALID, "the second model has no input '%.200s'", j->to);
    for (int k = 0; k < i; k++)
      if (strcmp(m->joints[k].to, j->to) == 0)
        return pgi_fail(m->err, PG_INVALID, "input '%.200s' is fed twice", j->to);
    pgi_type joined = from->type;
    if (pgi_type_merge(&joined, &to->type)) continue;
    char a[300], b[300];
    pgi_text given = {a, sizeof a, 0}, wanted = {b, sizeof b, 0};
    pgi_type_text(&from->type, &given);
    pgi_type_text(&to->type, &wanted);
    return pgi_fail(m->err, PG_INVALID, "'%.100s' is %.100s, but '%.100s' takes %.100s", j->from, a,
                    j->to, b);
  }
  return PG_OK;
}

static pg_status map_joints(merger *m) {
  for (int i = 0; i < m->n_joints; i++) {
    pgi_value *v = pgi_graph_find(m->to, m->joints[i].from);
    const pgi_value *input = pgi_graph_find(m->from, m->joints[i].to);
    PG_TRY(pgi_ptrmap_put(&m->copier.values, input, v, m->err));
  }
  return PG_OK;
}

static bool is_fed(const merger *m, const char *input) {
  for (int i = 0; i < m->n_joints; i++)
    if (strcmp(m->joints[i].to, input) == 0) return true;
  return false;
}

static bool is_feeding(const merger *m, const char *output) {
  for (int i = 0; i < m->n_joints; i++)
    if (strcmp(m->joints[i].from, output) == 0) return true;
  return false;
}

/* What now feeds the second model is no output; its own inputs and outputs are the model's. */
static pg_status merge_ends(merger *m) {
  pg_graph *g = m->to;
  for (int i = g->n_outputs - 1; i >= 0; i--)
    if (is_feeding(m, g->outputs[i].value->name)) PG_TRY(pgi_edit_remove_output(g, i, m->err));
  for (int i = 0; i < m->from->n_inputs; i++) {
    const pgi_value *input = m->from->inputs[i];
    if (is_fed(m, input->name)) continue;
    PG_TRY(pgi_edit_input(g, pgi_ptrmap_get(&m->copier.values, input), m->err));
  }
  for (int i = 0; i < m->from->n_outputs; i++) {
    pgi_value *v;
    PG_TRY(pgi_copy_of(&m->copier, m->from->outputs[i].value, &v, m->err));
    PG_TRY(pgi_edit_output(g, v, m->err));
  }
  return PG_OK;
}

/* The names of functions must differ: the caller inlines those of one model where they don't. */
static pg_status merge_functions(merger *m) {
  pgi_model *to = m->to->model;
  const pgi_model *from = m->from->model;
  m->copier.is_inline = false; /* names inside a function are its own */
  for (int i = 0; i < from->n_functions; i++) {
    const pgi_function *f = &from->functions[i];
    if (pgi_function_find(to, f->domain, f->name, f->overload))
      return pgi_fail(m->err, PG_INVALID, "both models have a function '%.200s': inline one's",
                      f->name);
    PG_TRY(pgi_arena_grow(&to->arena, &to->functions, to->n_functions, &to->functions_room,
                          to->n_functions + 1, sizeof *to->functions, m->err));
    to->functions[to->n_functions] = (pgi_function){0};
    PG_TRY(pgi_copy_function(&m->copier, f, &to->functions[to->n_functions], m->err));
    to->n_functions++;
  }
  return PG_OK;
}

static bool has_prop(const pgi_model *m, const char *key) {
  for (int i = 0; i < m->n_props; i++)
    if (strcmp(m->props[i].key, key) == 0) return true;
  return false;
}

static pg_status merge_facts(merger *m) {
  pgi_model *to = m->to->model;
  const pgi_model *from = m->from->model;
  for (int i = 0; i < from->n_opsets; i++) {
    const pgi_opset *o = &from->opsets[i];
    int known = pgi_model_opset(to, o->domain);
    if (known && known != o->version)
      return pgi_fail(m->err, PG_INVALID, "operator set '%.100s': version %d and version %d",
                      o->domain, known, o->version);
    PG_TRY(pgi_model_set_opset(to, o->domain, o->version, m->err));
  }
  for (int i = 0; i < from->n_props; i++)
    if (!has_prop(to, from->props[i].key))
      PG_TRY(pgi_model_set_prop(to, from->props[i].key, from->props[i].value, m->err));
  to->ir_version = PG_MAX(to->ir_version, from->ir_version);
  return PG_OK;
}

static pg_status note_names(merger *m) {
  for (const pgi_node *node = m->to->first; node; node = node->next)
    if (*node->name)
      PG_TRY(pgi_map_put(&m->node_names, node->name, (void *)(uintptr_t)node->name, m->err));
  return PG_OK;
}

static pg_status merge(merger *m) {
  pgi_copier *c = &m->copier;
  PG_TRY(check_joints(m));
  PG_TRY(note_names(m));
  PG_TRY(merge_facts(m));
  if (!m->is_always) c->node_names = &m->node_names;
  PG_TRY(map_joints(m));
  PG_TRY(pgi_copy_values(c, m->from, m->to, m->err));
  PG_TRY(pgi_copy_nodes(c, m->from, m->to, NULL, m->err));
  PG_TRY(merge_ends(m));
  return merge_functions(m);
}

pg_status pgi_graph_merge(pg_graph *g, const pg_graph *other, int n_joints, const pgi_joint *joints,
                          const char *prefix, bool is_always, pg_error *err) {
  merger m = {.to = g,
              .from = other,
              .n_joints = n_joints,
              .joints = joints,
              .is_always = is_always,
              .err = err};
  pgi_copier_init(&m.copier, other->model, g->model);
  pgi_map_init(&m.node_names, g->model->ctx);
  m.copier.is_inline = true;
  m.copier.prefix = prefix;
  pg_status status = merge(&m);
  pgi_map_deinit(&m.node_names);
  pgi_copier_deinit(&m.copier);
  return status;
}

/* ---- upgrade ------------------------------------------------------------------------------------ */

/* Operators of other domains that this build doesn't know stay as they are; of ONNX's own domain
** it must know all. */
static pg_status resolve_known(pg_graph *g, pg_error *err) {
  pg_error problem;
  pg_status status = pgi_graph_resolve(g, &problem);
  if (status == PG_OK) return PG_OK;
  bool is_ours = status != PG_UNSUPPORTED;
  pgi_function_index functions;
  pg_status known = pgi_function_index_init(&functions, g->model, err);
  for (const pgi_node *node = g->first; node && known == PG_OK && !is_ours; node = node->next)
    is_ours = !node->op && !*node->domain && !pgi_function_index_find(&functions, node);
  pgi_function_index_deinit(&functions);
  PG_TRY(known);
  if (is_ours && err) *err = problem;
  return is_ours ? status : PG_OK;
}

/* Whether something in g would have to be rewritten that takes an attribute of the caller's: an
** upgrade can't look into it. */
static bool is_stuck(const pg_graph *g) {
  for (const pgi_node *node = g->first; node; node = node->next) {
    const pg_op *op = node->op;
    bool is_old = op && pgi_op_form(op, node->version) != pgi_op_form(op, INT32_MAX);
    for (int i = 0; i < node->n_attrs && is_old; i++)
      if (node->attrs[i].ref) return true;
    pgi_bodies it = {.node = node};
    for (const pg_graph *body; (body = pgi_bodies_next(&it));)
      if (is_stuck(body)) return true;
  }
  return false;
}

static pg_status upgrade_function(pgi_function *f, pg_error *err) {
  bool changed = false;
  PG_TRY(pgi_pass_upgrade(f->body, NULL, &changed, err));
  PG_TRY(pgi_graph_unbatch(f->body, err));
  for (int i = 0; i < f->n_opsets; i++) {
    int newest = pgi_opset_newest(pgi_plain_domain(f->opsets[i].domain));
    f->opsets[i].version = PG_MAX(f->opsets[i].version, newest);
  }
  return pgi_function_free_constants(f, err);
}

static pg_status upgrade_functions(pgi_model *m, pg_error *err) {
  bool stuck = false, changed = false;
  for (int i = 0; i < m->n_functions; i++) {
    PG_TRY(resolve_known(m->functions[i].body, err));
    stuck = stuck || is_stuck(m->functions[i].body);
  }
  if (stuck) return pgi_pass_inline(m->main, NULL, &changed, err);
  for (int i = 0; i < m->n_functions; i++) {
    pg_status status = upgrade_function(&m->functions[i], err);
    if (status == PG_OK) continue;
    pgi_error_prefix(err, "function '%.200s'", m->functions[i].name);
    return status;
  }
  return PG_OK;
}

/* Nodes in their newest form mean the same in an older set in which this form was there. */
static pg_status lower_graph(pg_graph *g, int opset, pg_error *err) {
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(lower_graph(body, opset, err));
    if (*node->domain || !node->op) continue;
    if (pgi_op_form(node->op, opset) != pgi_op_form(node->op, node->version))
      return pgi_fail(err, PG_UNSUPPORTED,
                      "node '%.100s': %s is in the form of opset %d, which opset %d doesn't have",
                      node->name, node->type, pgi_op_form(node->op, node->version), opset);
    node->version = opset;
  }
  return PG_OK;
}

static pg_status lower(pgi_model *m, int opset, pg_error *err) {
  PG_TRY(lower_graph(m->main, opset, err));
  PG_TRY(pgi_model_set_opset(m, "", opset, err));
  for (int i = 0; i < m->n_functions; i++) {
    pgi_function *f = &m->functions[i];
    PG_TRY(lower_graph(f->body, opset, err));
    for (int k = 0; k < f->n_opsets; k++)
      if (!*pgi_plain_domain(f->opsets[k].domain)) f->opsets[k].version = opset;
  }
  return PG_OK;
}

/* The IR version that came with each of ONNX's releases (onnx/docs/Versioning.md): readers expect
** at least that. */
static int64_t ir_of(int opset) {
  static const struct {
    int opset, ir;
  } table[] = {{28, 14}, {25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}, {12, 7}, {1, 3}};
  for (int i = 0; i < PG_COUNT(table); i++)
    if (opset >= table[i].opset) return table[i].ir;
  return 3;
}

pg_status pgi_graph_upgrade(pg_graph *g, int opset, pg_error *err) {
  pgi_model *m = g->model;
  bool changed = false;
  int newest = pgi_opset_newest("");
  if (opset > newest) return pgi_fail(err, PG_INVALID, "opset %d is newer than %d", opset, newest);
  PG_TRY(upgrade_functions(m, err));
  PG_TRY(resolve_known(g, err));
  PG_TRY(pgi_pass_upgrade(g, NULL, &changed, err));
  PG_TRY(pgi_graph_unbatch(g, err));
  if (opset > 0 && opset < newest) PG_TRY(lower(m, opset, err));
  m->ir_version = PG_MAX(m->ir_version, ir_of(pgi_model_opset(m, "")));
  return PG_OK;
}

/* ---- inline ------------------------------------------------------------------------------------- */

/* Whether a node means something else under what the model imports. */
static bool is_mixed(const pg_graph *g) {
  for (const pgi_node *node = g->first; node; node = node->next) {
    int version = pgi_model_opset(g->model, node->domain);
    const pg_op *op = node->op ? node->op : pgi_op_find(node->domain, node->type);
    if (op && version && node->version &&
        pgi_op_form(op, version) != pgi_op_form(op, node->version))
      return true;
    pgi_bodies it = {.node = node};
    for (const pg_graph *body; (body = pgi_bodies_next(&it));)
      if (is_mixed(body)) return true;
  }
  return false;
}

pg_status pgi_graph_inline(pg_graph *g, pg_error *err) {
  bool changed = false;
  PG_TRY(pgi_pass_inline(g, NULL, &changed, err));
  return is_mixed(g) ? pgi_graph_upgrade(g, 0, err) : PG_OK;
}
