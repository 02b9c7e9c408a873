/* read_attr: AttributeProto -> pgi_attr. */
#include "format/onnx/onnx.h"

/* Files of IR version 1 don't say the kind. */
static pgi_attr_kind guess_kind(const proto_attr *p) {
  if (p->has_f) return PG_ATTR_FLOAT;
  if (p->has_i) return PG_ATTR_INT;
  if (p->has_s) return PG_ATTR_STRING;
  if (p->t) return PG_ATTR_TENSOR;
  if (p->g) return PG_ATTR_GRAPH;
  if (p->n_floats) return PG_ATTR_FLOATS;
  if (p->n_ints) return PG_ATTR_INTS;
  if (p->n_strings) return PG_ATTR_STRINGS;
  if (p->n_tensors) return PG_ATTR_TENSORS;
  if (p->n_graphs) return PG_ATTR_GRAPHS;
  return PG_ATTR_NONE;
}

static void *new_array(pgi_onnx_reader *r, size_t n, size_t size) {
  size_t bytes;
  return pgi_mul_size(n, size, &bytes) ? pgi_arena_alloc(r->arena, bytes) : NULL;
}

static pg_status read_floats(pgi_onnx_reader *r, size_t n, const float *from, pgi_attr *out,
                             pg_error *err) {
  out->floats = new_array(r, n, sizeof *from);
  if (!out->floats) return pgi_nomem(err);
  if (n) memcpy(out->floats, from, n * sizeof *from);
  out->n = (int64_t)n;
  return PG_OK;
}

static pg_status read_ints(pgi_onnx_reader *r, size_t n, const int64_t *from, pgi_attr *out,
                           pg_error *err) {
  out->ints = new_array(r, n, sizeof *from);
  if (!out->ints) return pgi_nomem(err);
  if (n) memcpy(out->ints, from, n * sizeof *from);
  out->n = (int64_t)n;
  return PG_OK;
}

static pg_status read_strings(pgi_onnx_reader *r, size_t n, const ProtobufCBinaryData *from,
                              pgi_attr *out, pg_error *err) {
  out->strings = new_array(r, n, sizeof *out->strings);
  if (!out->strings) return pgi_nomem(err);
  for (size_t i = 0; i < n; i++) {
    char *text = pgi_arena_strndup(r->arena, (const char *)from[i].data, from[i].len);
    if (!text) return pgi_nomem(err);
    out->strings[i] = (pg_string){text, from[i].len};
  }
  out->n = (int64_t)n;
  return PG_OK;
}

/* from may hold NULL when it is the list of one that a single value makes. */
static pg_status read_tensors(pgi_onnx_reader *r, size_t n, proto_tensor *const *from,
                              pgi_attr *out, pg_error *err) {
  out->tensors = new_array(r, n, sizeof *out->tensors);
  if (!out->tensors) return pgi_nomem(err);
  for (size_t i = 0; i < n; i++) {
    if (!from[i]) return pgi_fail(err, PG_FORMAT, "has no tensor");
    PG_TRY(pgi_model_tensor(r->model, &out->tensors[i], err));
    PG_TRY(pgi_onnx_read_tensor(r, from[i], out->tensors[i], err));
  }
  out->n = (int64_t)n;
  return PG_OK;
}

static pg_status read_sparses(pgi_onnx_reader *r, size_t n, proto_sparse *const *from,
                              pgi_attr *out, pg_error *err) {
  out->tensors = new_array(r, n, 3 * sizeof *out->tensors);
  if (!out->tensors) return pgi_nomem(err);
  for (size_t i = 0; i < n; i++) {
    pg_tensor triple[3];
    pg_tensor **to = &out->tensors[3 * i];
    if (!from[i]) return pgi_fail(err, PG_FORMAT, "has no sparse tensor");
    for (int k = 0; k < 3; k++) PG_TRY(pgi_model_tensor(r->model, &to[k], err));
    PG_TRY(pgi_onnx_read_sparse(r, from[i], triple, err));
    for (int k = 0; k < 3; k++) pgi_tensor_move(to[k], &triple[k]);
  }
  out->n = (int64_t)n;
  return PG_OK;
}

static pg_status read_graphs(pgi_onnx_reader *r, size_t n, proto_graph *const *from,
                             pgi_onnx_scope *scope, pgi_attr *out, pg_error *err) {
  if (!scope) return pgi_fail(err, PG_UNSUPPORTED, "a graph as the default of a function");
  out->graphs = new_array(r, n, sizeof *out->graphs);
  if (!out->graphs) return pgi_nomem(err);
  for (size_t i = 0; i < n; i++) {
    pg_graph *body;
    if (!from[i]) return pgi_fail(err, PG_FORMAT, "has no graph");
    PG_TRY(pgi_graph_new_inside(r->model, scope->graph, &body, err));
    PG_TRY(pgi_onnx_read_graph(r, from[i], body, scope, scope->opsets, scope->n_opsets, err));
    out->graphs[i] = body;
  }
  out->n = (int64_t)n;
  return PG_OK;
}

static pg_status read_types(pgi_onnx_reader *r, size_t n, proto_type *const *from, pgi_attr *out,
                            bool *is_lossy, pg_error *err) {
  out->types = new_array(r, n, sizeof *out->types);
  if (!out->types) return pgi_nomem(err);
  for (size_t i = 0; i < n; i++) {
    PG_TRY(pgi_onnx_read_type(r, from[i], &out->types[i], is_lossy, err));
  }
  out->n = (int64_t)n;
  return PG_OK;
}

static pg_status read_content(pgi_onnx_reader *r, const proto_attr *p, pgi_onnx_scope *scope,
                              pgi_attr *out, bool *is_lossy, pg_error *err) {
  switch (out->kind) {
    case PG_ATTR_FLOAT:
      return read_floats(r, 1, &p->f, out, err);
    case PG_ATTR_INT:
      return read_ints(r, 1, &p->i, out, err);
    case PG_ATTR_STRING:
      return read_strings(r, 1, &p->s, out, err);
    case PG_ATTR_TENSOR:
      return read_tensors(r, 1, &p->t, out, err);
    case PG_ATTR_GRAPH:
      return read_graphs(r, 1, &p->g, scope, out, err);
    case PG_ATTR_FLOATS:
      return read_floats(r, p->n_floats, p->floats, out, err);
    case PG_ATTR_INTS:
      return read_ints(r, p->n_ints, p->ints, out, err);
    case PG_ATTR_STRINGS:
      return read_strings(r, p->n_strings, p->strings, out, err);
    case PG_ATTR_TENSORS:
      return read_tensors(r, p->n_tensors, p->tensors, out, err);
    case PG_ATTR_GRAPHS:
      return read_graphs(r, p->n_graphs, p->graphs, scope, out, err);
    case PG_ATTR_SPARSE:
      return read_sparses(r, 1, &p->sparse_tensor, out, err);
    case PG_ATTR_SPARSES:
      return read_sparses(r, p->n_sparse_tensors, p->sparse_tensors, out, err);
    case PG_ATTR_TYPE:
      return read_types(r, 1, &p->tp, out, is_lossy, err);
    case PG_ATTR_TYPES:
      return read_types(r, p->n_type_protos, p->type_protos, out, is_lossy, err);
    default:
      return pgi_fail(err, PG_UNSUPPORTED, "attribute kind %d", (int)p->type);
  }
}

/* A single value may be absent in the file when it is 0 or empty: then it is that. */
pg_status pgi_onnx_read_attr(pgi_onnx_reader *r, const proto_attr *p, pgi_onnx_scope *scope,
                             pgi_attr *out, pg_error *err) {
  bool is_lossy = false;
  out->kind = p->type ? (pgi_attr_kind)p->type : guess_kind(p);
  PG_TRY(pgi_onnx_text(r, p->doc_string, &out->doc, err));
  if (p->ref_attr_name && *p->ref_attr_name) {
    PG_TRY(pgi_onnx_text(r, p->ref_attr_name, &out->ref, err));
  } else {
    PG_TRY(read_content(r, p, scope, out, &is_lossy, err));
  }
  proto_attr rest = PGI__ONNX__ATTRIBUTE_PROTO__INIT;
  rest.base.n_unknown_fields = p->base.n_unknown_fields;
  rest.base.unknown_fields = p->base.unknown_fields;
  if (is_lossy) {
    rest.tp = p->tp;
    rest.n_type_protos = p->n_type_protos;
    rest.type_protos = p->type_protos;
  }
  return pgi_onnx_keep(r->arena, &rest.base, &out->extra, err);
}

pg_status pgi_onnx_read_node_attrs(pgi_onnx_reader *r, const proto_node *p, pgi_node *node,
                                   pgi_onnx_scope *scope, pg_error *err) {
  for (size_t i = 0; i < p->n_attribute; i++) {
    const proto_attr *attr = p->attribute[i];
    pgi_attr *out;
    if (!attr->name || !*attr->name) return pgi_fail(err, PG_FORMAT, "an attribute without name");
    PG_TRY(pgi_attr_add(node, attr->name, PG_ATTR_NONE, &out, err));
    pg_status status = pgi_onnx_read_attr(r, attr, scope, out, err);
    if (status != PG_OK) {
      pgi_error_prefix(err, "attribute '%.100s'", attr->name);
      return status;
    }
  }
  return PG_OK;
}
