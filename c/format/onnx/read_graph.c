/* read_graph: GraphProto and the bodies of functions -> graphs.
**
** First every value that the graph defines is made: inputs, initialisers, what nodes make.  Then
** the nodes are wired, so that their order in the file doesn't matter; one whose order was wrong is
** sorted in the end. */
#include "format/onnx/onnx.h"

/* ---- names ---------------------------------------------------------------------------------- */

static bool is_named(const char *name) {
  return name && *name;
}

/* Inside an engine graph a name must not hide an outer one; in a file it may. */
static pg_status define(pgi_onnx_reader *r, pgi_onnx_scope *s, const char *name, pgi_value **out,
                        pg_error *err) {
  const char *inside = name;
  pgi_value *v;
  if (pgi_map_get(&s->names, name)) {
    return pgi_fail(err, PG_FORMAT, "value '%.200s' is defined twice", name);
  }
  if (pgi_graph_lookup(s->graph, name)) {
    PG_TRY(pgi_fresh_name(r->model, NULL, name, &inside, err));
  }
  PG_TRY(pgi_edit_value(s->graph, inside, &v, err));
  PG_TRY(pgi_map_put(&s->names, name, v, err));
  *out = v;
  return PG_OK;
}

/* The value that a node or output of scope s means.  An outer node must not feed its own body. */
static pg_status find(pgi_onnx_scope *s, const char *name, pgi_value **out, pg_error *err) {
  for (pgi_onnx_scope *at = s; at; at = at->outer) {
    pgi_value *v = pgi_map_get(&at->names, name);
    if (!v) continue;
    if (at != s && v->producer && v->producer == at->node) {
      return pgi_fail(err, PG_FORMAT, "'%.200s' is made by the node that the graph is inside of",
                      name);
    }
    if (!v->producer && !v->is_input && v->constant.dtype == PG_NONE) at->is_unsorted = true;
    *out = v;
    return PG_OK;
  }
  return pgi_fail(err, PG_FORMAT, "'%.200s' is not defined", name);
}

/* ---- what is said about values -------------------------------------------------------------- */

static pg_status set_info(pgi_onnx_reader *r, pgi_value *v, const proto_value *p, pg_error *err) {
  bool is_lossy = false;
  pg_status status = pgi_onnx_read_type(r, p->type, &v->type, &is_lossy, err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "value '%.200s'", v->name);
    return status;
  }
  PG_TRY(pgi_onnx_text(r, p->doc_string, &v->doc, err));
  proto_value rest = PGI__ONNX__VALUE_INFO_PROTO__INIT;
  rest.base.n_unknown_fields = p->base.n_unknown_fields;
  rest.base.unknown_fields = p->base.unknown_fields;
  rest.n_metadata_props = p->n_metadata_props;
  rest.metadata_props = p->metadata_props;
  rest.type = is_lossy ? p->type : NULL;
  return pgi_onnx_keep(r->arena, &rest.base, &v->extra, err);
}

/* Of values that are defined here and were not described yet. */
static pg_status set_infos(pgi_onnx_reader *r, pgi_onnx_scope *s, size_t n,
                           proto_value *const *infos, pg_error *err) {
  for (size_t i = 0; i < n; i++) {
    pgi_value *v = is_named(infos[i]->name) ? pgi_map_get(&s->names, infos[i]->name) : NULL;
    if (!v || v->type.kind != PG_TYPE_UNKNOWN || v->constant.dtype != PG_NONE) continue;
    PG_TRY(set_info(r, v, infos[i], err));
  }
  return PG_OK;
}

static pg_status read_inputs(pgi_onnx_reader *r, pgi_onnx_scope *s, const proto_graph *p,
                             pg_error *err) {
  for (size_t i = 0; i < p->n_input; i++) {
    pgi_value *v;
    if (!is_named(p->input[i]->name)) return pgi_fail(err, PG_FORMAT, "input %zu has no name", i);
    PG_TRY(define(r, s, p->input[i]->name, &v, err));
    PG_TRY(set_info(r, v, p->input[i], err));
    PG_TRY(pgi_edit_input(s->graph, v, err));
  }
  return PG_OK;
}

/* ---- initialisers --------------------------------------------------------------------------- */

/* What an input declares must agree with its default; where only the shapes differ, as in the files
** of some exporters, the default is believed. */
static pg_status check_default(pgi_onnx_reader *r, pgi_value *v, pg_error *err) {
  pgi_type merged = v->type, actual = pgi_type_of(&v->constant);
  if (pgi_type_merge(&merged, &actual)) {
    if (v->type.kind == PG_TYPE_UNKNOWN || v->type.dtype == PG_NONE) v->type = merged;
    return PG_OK;
  }
  char declared[500], found[500];
  pgi_text a = {declared, sizeof declared, 0}, b = {found, sizeof found, 0};
  pgi_type_text(&v->type, &a);
  pgi_type_text(&actual, &b);
  if (v->type.kind != PG_TYPE_TENSOR || v->type.dtype != actual.dtype) {
    return pgi_fail(err, PG_FORMAT,
                    "input '%.200s' is declared as %.200s, its initialiser is %.200s", v->name,
                    declared, found);
  }
  pgi_log(r->ctx, PG_LOG_WARN, "input '%.200s' is declared as %.200s, its initialiser is %.200s",
          v->name, declared, found);
  v->type = actual;
  return PG_OK;
}

/* Takes over t, also when it fails. */
static pg_status add_constant(pgi_onnx_reader *r, pgi_onnx_scope *s, const char *name, pg_tensor *t,
                              pgi_value **out, pg_error *err) {
  pgi_value *v = pgi_map_get(&s->names, name);
  pg_status status = PG_OK;
  if (!v || v->constant.dtype != PG_NONE) status = define(r, s, name, &v, err);
  if (status != PG_OK) {
    pgi_tensor_clear(t);
    return status;
  }
  pgi_tensor_move(&v->constant, t);
  *out = v;
  if (v->is_input) return check_default(r, v, err);
  v->type = pgi_type_of(&v->constant);
  return PG_OK;
}

static pg_status read_initializers(pgi_onnx_reader *r, pgi_onnx_scope *s, const proto_graph *p,
                                   pg_error *err) {
  for (size_t i = 0; i < p->n_initializer; i++) {
    const proto_tensor *t = p->initializer[i];
    pg_tensor content = {0};
    pgi_value *v;
    if (!is_named(t->name)) return pgi_fail(err, PG_FORMAT, "initialiser %zu has no name", i);
    PG_TRY(pgi_onnx_read_tensor(r, t, &content, err));
    PG_TRY(add_constant(r, s, t->name, &content, &v, err));
    v->is_external = r->path && t->has_data_location && t->data_location == PG_ONNX_EXTERNAL;
    if (!v->is_input) PG_TRY(pgi_onnx_text(r, t->doc_string, &v->doc, err));
  }
  for (size_t i = 0; i < p->n_sparse_initializer; i++) {
    const proto_sparse *t = p->sparse_initializer[i];
    const char *name = t->values ? t->values->name : NULL;
    pg_tensor content = {0};
    pgi_value *v;
    if (!is_named(name)) return pgi_fail(err, PG_FORMAT, "sparse initialiser %zu has no name", i);
    PG_TRY(pgi_onnx_read_dense(r, t, &content, err));
    PG_TRY(add_constant(r, s, name, &content, &v, err));
  }
  return PG_OK;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static pg_status define_outputs(pgi_onnx_reader *r, pgi_onnx_scope *s, size_t n,
                                proto_node *const *nodes, pg_error *err) {
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < nodes[i]->n_output; k++) {
      pgi_value *v;
      if (is_named(nodes[i]->output[k])) PG_TRY(define(r, s, nodes[i]->output[k], &v, err));
    }
  }
  return PG_OK;
}

/* Models older than opset imports, and domains that the model forgot: version 1. */
static int version_of(const pgi_onnx_scope *s, const char *domain) {
  for (int i = 0; i < s->n_opsets; i++) {
    if (strcmp(s->opsets[i].domain, domain) == 0) return s->opsets[i].version;
  }
  return 1;
}

/* The node without its attributes. */
static pg_status make_node(pgi_onnx_reader *r, pgi_onnx_scope *s, const proto_node *p,
                           pgi_node **out, pg_error *err) {
  const char *domain = pgi_plain_domain(p->domain);
  pgi_value **in = pgi_arena_alloc(&r->protos, p->n_input * sizeof *in);
  pgi_value **made = pgi_arena_alloc(&r->protos, p->n_output * sizeof *made);
  if (!in || !made) return pgi_nomem(err);
  for (size_t i = 0; i < p->n_input; i++) {
    if (!is_named(p->input[i])) continue;
    pg_status status = find(s, p->input[i], &in[i], err);
    if (status != PG_OK) {
      pgi_error_prefix(err, "input %zu", i);
      return status;
    }
  }
  for (size_t i = 0; i < p->n_output; i++) {
    if (is_named(p->output[i])) made[i] = pgi_map_get(&s->names, p->output[i]);
  }
  pgi_node *node;
  PG_TRY(pgi_edit_node(s->graph, NULL, domain, p->op_type, (int)p->n_input, in, (int)p->n_output,
                       made, &node, err));
  node->version = version_of(s, domain);
  if (is_named(p->name)) PG_TRY(pgi_onnx_text(r, p->name, &node->name, err));
  if (is_named(p->overload)) PG_TRY(pgi_onnx_text(r, p->overload, &node->overload, err));
  PG_TRY(pgi_onnx_text(r, p->doc_string, &node->doc, err));
  proto_node rest = PGI__ONNX__NODE_PROTO__INIT;
  rest.base.n_unknown_fields = p->base.n_unknown_fields;
  rest.base.unknown_fields = p->base.unknown_fields;
  rest.n_metadata_props = p->n_metadata_props;
  rest.metadata_props = p->metadata_props;
  rest.n_device_configurations = p->n_device_configurations;
  rest.device_configurations = p->device_configurations;
  *out = node;
  return pgi_onnx_keep(r->arena, &rest.base, &node->extra, err);
}

static pg_status read_node(pgi_onnx_reader *r, pgi_onnx_scope *s, const proto_node *p,
                           pg_error *err) {
  pgi_node *node = NULL;
  if (!is_named(p->op_type)) return pgi_fail(err, PG_FORMAT, "has no operator");
  PG_TRY(make_node(r, s, p, &node, err));
  s->node = node;
  PG_TRY(pgi_onnx_read_node_attrs(r, p, node, s, err));
  s->node = NULL;
  return PG_OK;
}

static pg_status read_nodes(pgi_onnx_reader *r, pgi_onnx_scope *s, size_t n,
                            proto_node *const *nodes, pg_error *err) {
  for (size_t i = 0; i < n; i++) {
    const proto_node *p = nodes[i];
    pg_status status = read_node(r, s, p, err);
    if (status == PG_OK) continue;
    const char *type = p->op_type ? p->op_type : "";
    if (is_named(p->name))
      pgi_error_prefix(err, "node '%.100s' (%.60s)", p->name, type);
    else
      pgi_error_prefix(err, "node %zu (%.60s)", i, type);
    return status;
  }
  return PG_OK;
}

/* ---- outputs -------------------------------------------------------------------------------- */

/* A body may hand out what it only sees; an engine graph hands out its own values. */
static pg_status copy_outer(pgi_onnx_scope *s, pgi_value *outer, pgi_value **out, pg_error *err) {
  pgi_value *copy;
  pgi_node *node;
  PG_TRY(pgi_edit_value(s->graph, NULL, &copy, err));
  PG_TRY(pgi_edit_node(s->graph, NULL, "", "Identity", 1, &outer, 1, &copy, &node, err));
  node->version = version_of(s, "");
  *out = copy;
  return PG_OK;
}

static pg_status add_output(pgi_onnx_reader *r, pgi_onnx_scope *s, const char *name,
                            const proto_value *info, pg_error *err) {
  pgi_value *v;
  if (!is_named(name)) return pgi_fail(err, PG_FORMAT, "an output has no name");
  pg_status status = find(s, name, &v, err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "output");
    return status;
  }
  if (v->graph != s->graph) {
    PG_TRY(copy_outer(s, v, &v, err));
    if (info) PG_TRY(set_info(r, v, info, err));
  }
  return pgi_edit_output(s->graph, v, err);
}

/* ---- whole graphs --------------------------------------------------------------------------- */

static pg_status read_graph(pgi_onnx_reader *r, pgi_onnx_scope *s, const proto_graph *p,
                            pg_error *err) {
  PG_TRY(read_inputs(r, s, p, err));
  PG_TRY(read_initializers(r, s, p, err));
  PG_TRY(define_outputs(r, s, p->n_node, p->node, err));
  PG_TRY(set_infos(r, s, p->n_output, p->output, err));
  PG_TRY(set_infos(r, s, p->n_value_info, p->value_info, err));
  PG_TRY(read_nodes(r, s, p->n_node, p->node, err));
  for (size_t i = 0; i < p->n_output; i++) {
    PG_TRY(add_output(r, s, p->output[i]->name, p->output[i], err));
  }
  return s->is_unsorted ? pgi_graph_sort(s->graph, err) : PG_OK;
}

pg_status pgi_onnx_read_graph(pgi_onnx_reader *r, const proto_graph *p, pg_graph *g,
                              pgi_onnx_scope *outer, const pgi_opset *opsets, int n_opsets,
                              pg_error *err) {
  if (p->name) PG_TRY(pgi_onnx_text(r, p->name, &g->name, err));
  PG_TRY(pgi_onnx_text(r, p->doc_string, &g->doc, err));
  proto_graph rest = PGI__ONNX__GRAPH_PROTO__INIT;
  rest.base.n_unknown_fields = p->base.n_unknown_fields;
  rest.base.unknown_fields = p->base.unknown_fields;
  rest.n_quantization_annotation = p->n_quantization_annotation;
  rest.quantization_annotation = p->quantization_annotation;
  rest.n_metadata_props = p->n_metadata_props;
  rest.metadata_props = p->metadata_props;
  PG_TRY(pgi_onnx_keep(r->arena, &rest.base, &g->extra, err));
  pgi_onnx_scope s = {.graph = g, .outer = outer, .opsets = opsets, .n_opsets = n_opsets};
  pgi_map_init(&s.names, r->ctx);
  pg_status status = read_graph(r, &s, p, err);
  pgi_map_deinit(&s.names);
  return status;
}

static pg_status read_body(pgi_onnx_reader *r, pgi_onnx_scope *s, const proto_function *p,
                           pg_error *err) {
  for (size_t i = 0; i < p->n_input; i++) {
    pgi_value *v;
    if (!is_named(p->input[i])) return pgi_fail(err, PG_FORMAT, "input %zu has no name", i);
    PG_TRY(define(r, s, p->input[i], &v, err));
    PG_TRY(pgi_edit_input(s->graph, v, err));
  }
  PG_TRY(define_outputs(r, s, p->n_node, p->node, err));
  PG_TRY(set_infos(r, s, p->n_value_info, p->value_info, err));
  PG_TRY(read_nodes(r, s, p->n_node, p->node, err));
  for (size_t i = 0; i < p->n_output; i++) PG_TRY(add_output(r, s, p->output[i], NULL, err));
  return s->is_unsorted ? pgi_graph_sort(s->graph, err) : PG_OK;
}

pg_status pgi_onnx_read_body(pgi_onnx_reader *r, const proto_function *p, pg_graph *g,
                             const pgi_opset *opsets, int n_opsets, pg_error *err) {
  pgi_onnx_scope s = {.graph = g, .opsets = opsets, .n_opsets = n_opsets};
  pgi_map_init(&s.names, r->ctx);
  pg_status status = read_body(r, &s, p, err);
  pgi_map_deinit(&s.names);
  return status;
}
