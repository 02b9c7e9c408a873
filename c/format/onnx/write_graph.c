/* write_graph: graphs, nodes and attributes as messages. */
#include "format/onnx/onnx.h"

/* Optional texts of messages: empty ones are left out. */
char *pgi_onnx_borrow(const char *text) {
  return text && *text ? (char *)(uintptr_t)text : NULL;
}

/* ---- attributes ----------------------------------------------------------------------------- */

static pg_status make_strings(pgi_onnx_writer *w, const pgi_attr *a, ProtobufCBinaryData **out,
                              pg_error *err) {
  PG_TRY(pgi_onnx_make(w, (size_t)a->n, sizeof **out, out, err));
  for (int64_t i = 0; i < a->n; i++) {
    (*out)[i].data = (uint8_t *)(uintptr_t)a->strings[i].data;
    (*out)[i].len = a->strings[i].size;
  }
  return PG_OK;
}

static pg_status make_tensors(pgi_onnx_writer *w, const pgi_attr *a, proto_tensor ***out,
                              pg_error *err) {
  PG_TRY(pgi_onnx_make(w, (size_t)a->n, sizeof **out, out, err));
  for (int64_t i = 0; i < a->n; i++) {
    PG_TRY(pgi_onnx_make_tensor(w, a->tensors[i], NULL, -1, &(*out)[i], err));
  }
  return PG_OK;
}

static pg_status make_sparses(pgi_onnx_writer *w, const pgi_attr *a, proto_sparse ***out,
                              pg_error *err) {
  PG_TRY(pgi_onnx_make(w, (size_t)a->n, sizeof **out, out, err));
  for (int64_t i = 0; i < a->n; i++) {
    PG_TRY(pgi_onnx_make_sparse(w, &a->tensors[3 * i], &(*out)[i], err));
  }
  return PG_OK;
}

static pg_status make_graphs(pgi_onnx_writer *w, const pgi_attr *a, proto_graph ***out,
                             pg_error *err) {
  PG_TRY(pgi_onnx_make(w, (size_t)a->n, sizeof **out, out, err));
  for (int64_t i = 0; i < a->n; i++) {
    PG_TRY(pgi_onnx_make_graph(w, a->graphs[i], &(*out)[i], err));
  }
  return PG_OK;
}

static pg_status make_types(pgi_onnx_writer *w, const pgi_attr *a, proto_type ***out,
                            pg_error *err) {
  PG_TRY(pgi_onnx_make(w, (size_t)a->n, sizeof **out, out, err));
  for (int64_t i = 0; i < a->n; i++) {
    PG_TRY(pgi_onnx_make_type(w, &a->types[i], &(*out)[i], err));
  }
  return PG_OK;
}

/* A kind that holds one value holds exactly one. */
static pg_status make_single(pgi_onnx_writer *w, const pgi_attr *a, proto_attr *p, pg_error *err) {
  ProtobufCBinaryData *strings;
  proto_tensor **tensors;
  proto_sparse **sparses;
  proto_graph **graphs;
  proto_type **types;
  if (a->n != 1) return pgi_fail(err, PG_INVALID, "%lld values for one", (long long)a->n);
  switch (a->kind) {
    case PG_ATTR_FLOAT:
      p->has_f = true;
      p->f = a->floats[0];
      return PG_OK;
    case PG_ATTR_INT:
      p->has_i = true;
      p->i = a->ints[0];
      return PG_OK;
    case PG_ATTR_STRING:
      PG_TRY(make_strings(w, a, &strings, err));
      p->has_s = true;
      p->s = strings[0];
      return PG_OK;
    case PG_ATTR_TENSOR:
      PG_TRY(make_tensors(w, a, &tensors, err));
      p->t = tensors[0];
      return PG_OK;
    case PG_ATTR_SPARSE:
      PG_TRY(make_sparses(w, a, &sparses, err));
      p->sparse_tensor = sparses[0];
      return PG_OK;
    case PG_ATTR_GRAPH:
      PG_TRY(make_graphs(w, a, &graphs, err));
      p->g = graphs[0];
      return PG_OK;
    default:
      PG_TRY(make_types(w, a, &types, err));
      p->tp = types[0];
      return PG_OK;
  }
}

static pg_status make_list(pgi_onnx_writer *w, const pgi_attr *a, proto_attr *p, pg_error *err) {
  size_t n = (size_t)a->n;
  switch (a->kind) {
    case PG_ATTR_FLOATS:
      p->n_floats = n;
      p->floats = a->floats;
      return PG_OK;
    case PG_ATTR_INTS:
      p->n_ints = n;
      p->ints = a->ints;
      return PG_OK;
    case PG_ATTR_STRINGS:
      PG_TRY(make_strings(w, a, &p->strings, err));
      p->n_strings = n;
      return PG_OK;
    case PG_ATTR_TENSORS:
      PG_TRY(make_tensors(w, a, &p->tensors, err));
      p->n_tensors = n;
      return PG_OK;
    case PG_ATTR_SPARSES:
      PG_TRY(make_sparses(w, a, &p->sparse_tensors, err));
      p->n_sparse_tensors = n;
      return PG_OK;
    case PG_ATTR_GRAPHS:
      PG_TRY(make_graphs(w, a, &p->graphs, err));
      p->n_graphs = n;
      return PG_OK;
    case PG_ATTR_TYPES:
      PG_TRY(make_types(w, a, &p->type_protos, err));
      p->n_type_protos = n;
      return PG_OK;
    default:
      return make_single(w, a, p, err);
  }
}

/* Types that pgi_type has no words for were kept whole, and take the place of what was made. */
static pg_status append_kept(pgi_onnx_writer *w, const pgi_attr *a, proto_attr *p, pg_error *err) {
  if (a->extra.size == 0) return PG_OK;
  pgi_arena_allocator allocator;
  pgi_arena_allocator_init(&allocator, &w->arena);
  proto_attr *kept =
      pgi__onnx__attribute_proto__unpack(&allocator.base, a->extra.size, a->extra.data);
  if (allocator.is_out) return pgi_nomem(err);
  if (!kept) return pgi_fail(err, PG_INTERNAL, "bad extra fields");
  if (kept->tp && a->kind == PG_ATTR_TYPE) p->tp = kept->tp;
  if (kept->n_type_protos && a->kind == PG_ATTR_TYPES) {
    p->n_type_protos = kept->n_type_protos;
    p->type_protos = kept->type_protos;
  }
  p->base.n_unknown_fields = kept->base.n_unknown_fields;
  p->base.unknown_fields = kept->base.unknown_fields;
  return PG_OK;
}

pg_status pgi_onnx_make_attr(pgi_onnx_writer *w, const pgi_attr *a, proto_attr **out,
                             pg_error *err) {
  proto_attr *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__attribute_proto__descriptor, &p, err));
  p->name = (char *)(uintptr_t)a->name;
  p->doc_string = pgi_onnx_borrow(a->doc);
  p->ref_attr_name = pgi_onnx_borrow(a->ref);
  p->has_type = true;
  p->type = (int32_t)a->kind;
  pg_status status = p->ref_attr_name || !a->kind ? PG_OK : make_list(w, a, p, err);
  if (status == PG_OK) status = append_kept(w, a, p, err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "attribute '%.100s'", a->name);
    return status;
  }
  *out = p;
  return PG_OK;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static pg_status make_node(pgi_onnx_writer *w, const pgi_node *node, proto_node **out,
                           pg_error *err) {
  static const char none[1] = "";
  proto_node *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__node_proto__descriptor, &p, err));
  *out = p;
  p->op_type = (char *)(uintptr_t)node->type;
  p->domain = pgi_onnx_borrow(node->domain);
  p->name = pgi_onnx_borrow(node->name);
  p->overload = pgi_onnx_borrow(node->overload);
  p->doc_string = pgi_onnx_borrow(node->doc);
  p->n_input = (size_t)node->n_in;
  p->n_output = (size_t)node->n_out;
  p->n_attribute = (size_t)node->n_attrs;
  PG_TRY(pgi_onnx_make(w, p->n_input, sizeof *p->input, &p->input, err));
  PG_TRY(pgi_onnx_make(w, p->n_output, sizeof *p->output, &p->output, err));
  PG_TRY(pgi_onnx_make(w, p->n_attribute, sizeof *p->attribute, &p->attribute, err));
  for (int i = 0; i < node->n_in; i++) {
    const pgi_value *v = node->in[i].value;
    p->input[i] = v ? (char *)(uintptr_t)v->name : (char *)(uintptr_t)none;
  }
  for (int i = 0; i < node->n_out; i++) {
    p->output[i] = node->out[i] ? (char *)(uintptr_t)node->out[i]->name : (char *)(uintptr_t)none;
  }
  for (int i = 0; i < node->n_attrs; i++) {
    PG_TRY(pgi_onnx_make_attr(w, &node->attrs[i], &p->attribute[i], err));
  }
  return pgi_onnx_append(w, &p->base, node->extra, err);
}

pg_status pgi_onnx_make_nodes(pgi_onnx_writer *w, const pg_graph *g, size_t *n, proto_node ***out,
                              pg_error *err) {
  size_t i = 0;
  PG_TRY(pgi_onnx_make(w, (size_t)g->n_nodes, sizeof **out, out, err));
  for (const pgi_node *node = g->first; node; node = node->next) {
    pg_status status = make_node(w, node, &(*out)[i++], err);
    if (status != PG_OK) {
      pgi_error_prefix(err, "node '%.100s' (%.60s)", node->name, node->type);
      return status;
    }
  }
  *n = i;
  return PG_OK;
}

/* ---- graphs --------------------------------------------------------------------------------- */

static bool is_initializer(const pgi_value *v) {
  return v->constant.dtype != PG_NONE;
}

static bool is_output_of(const pgi_value *v, const pg_graph *g) {
  for (const pgi_use *use = v->uses; use; use = use->next) {
    if (!use->node && use->graph == g) return true;
  }
  return false;
}

/* Values between the nodes of which something is known. */
static bool has_info(const pgi_value *v) {
  bool is_known = v->type.kind != PG_TYPE_UNKNOWN || v->doc || v->extra.size;
  return is_known && !v->is_input && !is_initializer(v) && !is_output_of(v, v->graph);
}

pg_status pgi_onnx_make_value_infos(pgi_onnx_writer *w, const pg_graph *g, size_t *n,
                                    proto_value ***out, pg_error *err) {
  size_t count = 0, i = 0;
  for (const pgi_value *v = g->first_value; v; v = v->next) count += has_info(v);
  PG_TRY(pgi_onnx_make(w, count, sizeof **out, out, err));
  for (const pgi_value *v = g->first_value; v; v = v->next) {
    if (has_info(v)) PG_TRY(pgi_onnx_make_value(w, v, &(*out)[i++], err));
  }
  *n = count;
  return PG_OK;
}

static pg_status make_initializers(pgi_onnx_writer *w, const pg_graph *g, proto_graph *p,
                                   pg_error *err) {
  size_t n = 0;
  for (const pgi_value *v = g->first_value; v; v = v->next) n += is_initializer(v);
  PG_TRY(pgi_onnx_make(w, n, sizeof *p->initializer, &p->initializer, err));
  for (const pgi_value *v = g->first_value; v; v = v->next) {
    if (!is_initializer(v)) continue;
    proto_tensor **to = &p->initializer[p->n_initializer++];
    int64_t least = w->keeps_layout && v->is_external ? 0 : w->threshold;
    PG_TRY(pgi_onnx_make_tensor(w, &v->constant, v->name, least, to, err));
    if (!v->is_input) (*to)->doc_string = pgi_onnx_borrow(v->doc);
  }
  return PG_OK;
}

static pg_status make_ends(pgi_onnx_writer *w, const pg_graph *g, proto_graph *p, pg_error *err) {
  p->n_input = (size_t)g->n_inputs;
  p->n_output = (size_t)g->n_outputs;
  PG_TRY(pgi_onnx_make(w, p->n_input, sizeof *p->input, &p->input, err));
  PG_TRY(pgi_onnx_make(w, p->n_output, sizeof *p->output, &p->output, err));
  for (int i = 0; i < g->n_inputs; i++) {
    PG_TRY(pgi_onnx_make_value(w, g->inputs[i], &p->input[i], err));
  }
  for (int i = 0; i < g->n_outputs; i++) {
    if (!g->outputs[i].value) return pgi_fail(err, PG_INVALID, "output %d is not defined", i);
    PG_TRY(pgi_onnx_make_value(w, g->outputs[i].value, &p->output[i], err));
  }
  return PG_OK;
}

/* ONNX wants a name for every graph. */
pg_status pgi_onnx_make_graph(pgi_onnx_writer *w, const pg_graph *g, proto_graph **out,
                              pg_error *err) {
  proto_graph *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__graph_proto__descriptor, &p, err));
  *out = p;
  p->name = pgi_onnx_borrow(g->name);
  if (!p->name) p->name = pgi_onnx_borrow("graph");
  p->doc_string = pgi_onnx_borrow(g->doc);
  PG_TRY(make_ends(w, g, p, err));
  PG_TRY(make_initializers(w, g, p, err));
  PG_TRY(pgi_onnx_make_nodes(w, g, &p->n_node, &p->node, err));
  PG_TRY(pgi_onnx_make_value_infos(w, g, &p->n_value_info, &p->value_info, err));
  return pgi_onnx_append(w, &p->base, g->extra, err);
}
