/* read_model: ModelProto -> a main graph with its model; pg_graph_load. */
#include "format/container.h"

/* Searched in order for every node: more would be an attack. */
enum { OPSETS_MOST = 256, NEWEST_IR = 14 };

static const pgi_opset *find_opset(const pgi_opset *opsets, int n, const char *domain) {
  for (int i = 0; i < n; i++) {
    if (strcmp(opsets[i].domain, domain) == 0) return &opsets[i];
  }
  return NULL;
}

/* One for each domain, in the order of the file. */
static pg_status read_opsets(pgi_onnx_reader *r, size_t n, proto_opset *const *from,
                             pgi_opset **out, int *n_out, pg_error *err) {
  if (n > OPSETS_MOST) return pgi_fail(err, PG_FORMAT, "%zu operator set imports", n);
  pgi_opset *opsets = pgi_arena_alloc(r->arena, n * sizeof *opsets);
  if (!opsets) return pgi_nomem(err);
  int kept = 0;
  for (size_t i = 0; i < n; i++) {
    const char *domain = pgi_plain_domain(from[i]->domain);
    long long version = (long long)from[i]->version;
    const pgi_opset *known = find_opset(opsets, kept, domain);
    if (version < 1 || version > INT32_MAX) {
      return pgi_fail(err, PG_FORMAT, "operator set '%.100s': version %lld", domain, version);
    }
    if (known && known->version == version) continue;
    if (known) {
      return pgi_fail(err, PG_FORMAT, "operator set '%.100s': version %d and version %lld", domain,
                      known->version, version);
    }
    PG_TRY(pgi_onnx_text(r, domain, &opsets[kept].domain, err));
    opsets[kept++].version = (int)version;
  }
  *out = opsets;
  *n_out = kept;
  return PG_OK;
}

static pg_status read_props(pgi_onnx_reader *r, const proto_model *p, pg_error *err) {
  struct pgi_prop *props = pgi_arena_alloc(r->arena, p->n_metadata_props * sizeof *props);
  if (!props) return pgi_nomem(err);
  for (size_t i = 0; i < p->n_metadata_props; i++) {
    const proto_entry *e = p->metadata_props[i];
    PG_TRY(pgi_onnx_text(r, e->key ? e->key : "", &props[i].key, err));
    PG_TRY(pgi_onnx_text(r, e->value ? e->value : "", &props[i].value, err));
  }
  r->model->props = props;
  r->model->n_props = (int)p->n_metadata_props;
  r->model->props_room = r->model->n_props;
  return PG_OK;
}

/* ---- functions ------------------------------------------------------------------------------ */

static pg_status read_function_attrs(pgi_onnx_reader *r, const proto_function *p, pgi_function *f,
                                     pg_error *err) {
  f->attrs = pgi_arena_alloc(r->arena, p->n_attribute * sizeof *f->attrs);
  f->defaults = pgi_arena_alloc(r->arena, p->n_attribute_proto * sizeof *f->defaults);
  if (!f->attrs || !f->defaults) return pgi_nomem(err);
  for (size_t i = 0; i < p->n_attribute; i++) {
    PG_TRY(pgi_onnx_text(r, p->attribute[i], &f->attrs[i], err));
  }
  f->n_attrs = (int)p->n_attribute;
  for (size_t i = 0; i < p->n_attribute_proto; i++) {
    const proto_attr *attr = p->attribute_proto[i];
    if (!attr->name || !*attr->name) return pgi_fail(err, PG_FORMAT, "an attribute without name");
    PG_TRY(pgi_onnx_text(r, attr->name, &f->defaults[i].name, err));
    PG_TRY(pgi_onnx_read_attr(r, attr, NULL, &f->defaults[i], err));
  }
  f->n_defaults = (int)p->n_attribute_proto;
  return PG_OK;
}

static pg_status read_function(pgi_onnx_reader *r, const proto_function *p, pgi_function *f,
                               pg_error *err) {
  const char *domain = pgi_plain_domain(p->domain);
  if (!p->name || !*p->name) return pgi_fail(err, PG_FORMAT, "has no name");
  PG_TRY(pgi_onnx_text(r, p->name, &f->name, err));
  PG_TRY(pgi_onnx_text(r, domain, &f->domain, err));
  PG_TRY(pgi_onnx_text(r, p->overload ? p->overload : "", &f->overload, err));
  PG_TRY(pgi_onnx_text(r, p->doc_string, &f->doc, err));
  PG_TRY(read_function_attrs(r, p, f, err));
  PG_TRY(read_opsets(r, p->n_opset_import, p->opset_import, &f->opsets, &f->n_opsets, err));
  proto_function rest = PGI__ONNX__FUNCTION_PROTO__INIT;
  rest.base.n_unknown_fields = p->base.n_unknown_fields;
  rest.base.unknown_fields = p->base.unknown_fields;
  rest.n_metadata_props = p->n_metadata_props;
  rest.metadata_props = p->metadata_props;
  PG_TRY(pgi_onnx_keep(r->arena, &rest.base, &f->extra, err));
  PG_TRY(pgi_graph_new_inside(r->model, NULL, &f->body, err));
  f->body->name = f->name;
  return pgi_onnx_read_body(r, p, f->body, f->opsets, f->n_opsets, err);
}

static pg_status read_functions(pgi_onnx_reader *r, const proto_model *p, pg_error *err) {
  pgi_model *m = r->model;
  if (p->n_functions > INT32_MAX) return pgi_fail(err, PG_FORMAT, "%zu functions", p->n_functions);
  PG_TRY(pgi_arena_grow(r->arena, &m->functions, 0, &m->functions_room, (int)p->n_functions,
                        sizeof *m->functions, err));
  for (size_t i = 0; i < p->n_functions; i++) {
    pg_status status = read_function(r, p->functions[i], &m->functions[i], err);
    if (status != PG_OK) {
      const char *name = p->functions[i]->name;
      pgi_error_prefix(err, "function '%.200s'", name ? name : "");
      return status;
    }
    m->n_functions++;
  }
  return PG_OK;
}

/* ---- the model ------------------------------------------------------------------------------ */

static pg_status read_header(pgi_onnx_reader *r, const proto_model *p, pg_error *err) {
  pgi_model *m = r->model;
  m->ir_version = p->ir_version;
  m->model_version = p->model_version;
  if (p->ir_version > NEWEST_IR) {
    pgi_log(r->ctx, PG_LOG_WARN, "ONNX IR version %lld is newer than %d", (long long)p->ir_version,
            (int)NEWEST_IR);
  }
  PG_TRY(pgi_onnx_text(r, p->producer_name, &m->producer_name, err));
  PG_TRY(pgi_onnx_text(r, p->producer_version, &m->producer_version, err));
  PG_TRY(pgi_onnx_text(r, p->domain, &m->domain, err));
  PG_TRY(pgi_onnx_text(r, p->doc_string, &m->doc, err));
  PG_TRY(read_props(r, p, err));
  PG_TRY(read_opsets(r, p->n_opset_import, p->opset_import, &m->opsets, &m->n_opsets, err));
  m->opsets_room = m->n_opsets;
  proto_model rest = PGI__ONNX__MODEL_PROTO__INIT;
  rest.base.n_unknown_fields = p->base.n_unknown_fields;
  rest.base.unknown_fields = p->base.unknown_fields;
  rest.n_training_info = p->n_training_info;
  rest.training_info = p->training_info;
  rest.n_configuration = p->n_configuration;
  rest.configuration = p->configuration;
  return pgi_onnx_keep(r->arena, &rest.base, &m->extra, err);
}

static pg_status read_content(pgi_onnx_reader *r, const proto_model *p, pg_graph *main,
                              pg_error *err) {
  r->model = main->model;
  r->arena = &main->model->arena;
  PG_TRY(read_header(r, p, err));
  PG_TRY(read_functions(r, p, err));
  return pgi_onnx_read_graph(r, p->graph, main, NULL, r->model->opsets, r->model->n_opsets, err);
}

static pg_status unpack_model(pgi_onnx_reader *r, proto_model **out, pg_error *err) {
  ProtobufCMessage *m;
  pg_status status = pgi_onnx_unpack(r, &pgi__onnx__model_proto__descriptor, &m, err);
  if (status == PG_OK) {
    proto_model *p = (proto_model *)m;
    const proto_graph *g = p->graph;
    *out = p;
    if (!g) {
      status = pgi_fail(err, PG_FORMAT, "it has no graph");
    } else if (!g->n_node && !g->n_input && !g->n_output && !g->n_initializer &&
               !g->n_sparse_initializer) {
      status = pgi_fail(err, PG_FORMAT, "its graph is empty");
    }
  }
  if (status == PG_FORMAT) pgi_error_prefix(err, "not an ONNX model");
  return status;
}

/* Ends the reader. */
static pg_status read_with(pgi_onnx_reader *r, pg_graph **out, pg_error *err) {
  proto_model *p;
  pg_graph *main = NULL;
  pg_status status = unpack_model(r, &p, err);
  if (status == PG_OK) status = pgi_graph_new(r->ctx, &main, err);
  if (status == PG_OK) status = read_content(r, p, main, err);
  pgi_onnx_reader_deinit(r);
  if (status != PG_OK) {
    pg_graph_free(main);
    return status;
  }
  *out = main;
  return PG_OK;
}

pg_status pgi_onnx_read_parts(pg_context *ctx, const void *data, size_t size, pgi_blob *external,
                              bool only_shapes, pg_graph **out, pg_error *err) {
  pgi_onnx_reader r;
  pgi_onnx_reader_init(&r, ctx, data, size);
  r.externals = external;
  r.only_shapes = only_shapes;
  return read_with(&r, out, err);
}

/* path: NULL when the model is not from a file. */
static pg_status read_model(pgi_blob *blob, const char *path, bool only_shapes, pg_graph **out,
                            pg_error *err) {
  pgi_onnx_reader r;
  if (pgi_container_is(blob->data, blob->size))
    return pgi_container_read(blob, only_shapes, out, err);
  pgi_onnx_reader_init(&r, blob->ctx, blob->data, blob->size);
  r.blob = blob;
  r.path = path;
  r.only_shapes = only_shapes;
  return read_with(&r, out, err);
}

static pg_status load(pg_context *ctx, const char *path, bool only_shapes, pg_graph **out,
                      pg_error *err) {
  pgi_blob *blob;
  PG_TRY(pgi_blob_open(ctx, path, "", &blob, err));
  pg_status status = read_model(blob, path, only_shapes, out, err);
  if (status != PG_OK) pgi_error_prefix(err, "%.300s", path);
  pgi_blob_release(blob);
  return status;
}

pg_status pg_graph_load(pg_context *ctx, const char *path, pg_graph **out, pg_error *err) {
  return load(ctx, path, false, out, err);
}

pg_status pgi_onnx_load_shapes(pg_context *ctx, const char *path, pg_graph **out, pg_error *err) {
  return load(ctx, path, true, out, err);
}

/* The caller's release is set last, so that a failure doesn't call it. */
pg_status pgi_onnx_load_bytes(pg_context *ctx, const void *data, size_t size, const char *path,
                              void (*release)(void *owner), void *owner, pg_graph **out,
                              pg_error *err) {
  pgi_blob *blob;
  PG_TRY(pgi_blob_wrap(ctx, data, size, &blob, err));
  pg_status status = read_model(blob, path, false, out, err);
  if (status == PG_OK) {
    blob->release = release;
    blob->owner = owner;
  }
  pgi_blob_release(blob);
  return status;
}

pg_status pg_graph_load_bytes(pg_context *ctx, const void *data, size_t size,
                              void (*release)(void *owner), void *owner, pg_graph **out,
                              pg_error *err) {
  return pgi_onnx_load_bytes(ctx, data, size, NULL, release, owner, out, err);
}
