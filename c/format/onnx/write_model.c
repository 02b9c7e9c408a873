/* write_model: a model as a message; pg_graph_save. */
#include "format/container.h"
#include "graph/opdef.h"

/* IR versions at which something became possible, and the one for graphs made by hand. */
enum { IR_OPSETS = 3, IR_FREE_INITIALIZERS = 4, IR_FUNCTIONS = 8, IR_DEFAULT = 10 };

/* ---- operator sets -------------------------------------------------------------------------- */

/* Imports as they will be written: those of the model, and of domains that nodes use besides. */
typedef struct imports {
  pgi_opset *list;
  int n, room;
} imports;

static pgi_opset *find_import(const imports *all, const char *domain) {
  for (int i = 0; i < all->n; i++) {
    if (strcmp(pgi_plain_domain(all->list[i].domain), domain) == 0) return &all->list[i];
  }
  return NULL;
}

static pg_status add_import(pgi_onnx_writer *w, imports *all, const char *domain, int version,
                            pg_error *err) {
  PG_TRY(pgi_arena_grow(&w->arena, &all->list, all->n, &all->room, all->n + 1, sizeof *all->list,
                        err));
  all->list[all->n++] = (pgi_opset){domain, version};
  return PG_OK;
}

/* What optimising makes is for running here.  Batches are what an upgrade keeps of Scan-8. */
static bool is_internal(const pgi_node *node) {
  bool is_private = node->op && (node->op->flags & PG_OP_PRIVATE);
  if (is_private || strcmp(node->domain, "perigee") == 0) return true;
  return strcmp(node->type, "Scan") == 0 && pgi_attr_find(node, "batched");
}

/* A file has one version for each domain: a node must be in the form that it means. */
static pg_status import_node(pgi_onnx_writer *w, imports *all, const pgi_node *node,
                             pg_error *err) {
  const char *domain = pgi_plain_domain(node->domain);
  if (is_internal(node))
    return pgi_fail(err, PG_UNSUPPORTED,
                    "node '%.100s' (%.60s) has a form of perigee's own, which ONNX can't say",
                    node->name, node->type);
  const pgi_opset *import = find_import(all, domain);
  if (!import) {
    int version = node->version ? node->version : pgi_opset_newest(domain);
    return add_import(w, all, domain, PG_MAX(version, 1), err);
  }
  if (node->version == 0 || node->version == import->version) return PG_OK;
  const pg_op *op = node->op ? node->op : pgi_op_find(domain, node->type);
  if (op && pgi_op_form(op, node->version) == pgi_op_form(op, import->version)) return PG_OK;
  return pgi_fail(err, PG_INVALID,
                  "node '%.100s' (%.60s) is in the form of version %d, but the model imports "
                  "version %d: upgrade the graph first",
                  node->name, node->type, node->version, import->version);
}

static pg_status import_graph(pgi_onnx_writer *w, imports *all, const pg_graph *g, pg_error *err) {
  for (const pgi_node *node = g->first; node; node = node->next) {
    PG_TRY(import_node(w, all, node, err));
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(import_graph(w, all, body, err));
  }
  return PG_OK;
}

static pg_status make_imports(pgi_onnx_writer *w, const pgi_opset *own, int n_own,
                              const pg_graph *g, size_t *n, proto_opset ***out, pg_error *err) {
  imports all = {0};
  for (int i = 0; i < n_own; i++) {
    PG_TRY(add_import(w, &all, own[i].domain, own[i].version, err));
  }
  PG_TRY(import_graph(w, &all, g, err));
  PG_TRY(pgi_onnx_make(w, (size_t)all.n, sizeof **out, out, err));
  for (int i = 0; i < all.n; i++) {
    proto_opset *p;
    PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__operator_set_id_proto__descriptor, &p, err));
    p->domain = (char *)(uintptr_t)pgi_plain_domain(all.list[i].domain);
    p->has_version = true;
    p->version = all.list[i].version;
    (*out)[i] = p;
  }
  *n = (size_t)all.n;
  return PG_OK;
}

/* ---- functions ------------------------------------------------------------------------------ */

static pg_status make_body(pgi_onnx_writer *w, const pgi_function *f, proto_function *p,
                           pg_error *err) {
  const pg_graph *g = f->body;
  p->n_input = (size_t)g->n_inputs;
  p->n_output = (size_t)g->n_outputs;
  PG_TRY(pgi_onnx_make(w, p->n_input, sizeof *p->input, &p->input, err));
  PG_TRY(pgi_onnx_make(w, p->n_output, sizeof *p->output, &p->output, err));
  for (int i = 0; i < g->n_inputs; i++) p->input[i] = (char *)(uintptr_t)g->inputs[i]->name;
  for (int i = 0; i < g->n_outputs; i++) {
    const pgi_value *v = g->outputs[i].value;
    if (!v) return pgi_fail(err, PG_INVALID, "output %d is not defined", i);
    p->output[i] = (char *)(uintptr_t)v->name;
  }
  for (const pgi_value *v = g->first_value; v; v = v->next) {
    if (v->constant.dtype != PG_NONE) {
      return pgi_fail(err, PG_UNSUPPORTED, "'%.200s': a function can't hold initialisers", v->name);
    }
  }
  PG_TRY(pgi_onnx_make_value_infos(w, g, &p->n_value_info, &p->value_info, err));
  PG_TRY(make_imports(w, f->opsets, f->n_opsets, g, &p->n_opset_import, &p->opset_import, err));
  return pgi_onnx_make_nodes(w, g, &p->n_node, &p->node, err);
}

static pg_status make_function(pgi_onnx_writer *w, const pgi_function *f, proto_function **out,
                               pg_error *err) {
  proto_function *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__function_proto__descriptor, &p, err));
  *out = p;
  p->name = (char *)(uintptr_t)f->name;
  p->domain = (char *)(uintptr_t)f->domain;
  p->overload = pgi_onnx_borrow(f->overload);
  p->doc_string = pgi_onnx_borrow(f->doc);
  p->n_attribute = (size_t)f->n_attrs;
  p->n_attribute_proto = (size_t)f->n_defaults;
  PG_TRY(pgi_onnx_make(w, p->n_attribute, sizeof *p->attribute, &p->attribute, err));
  PG_TRY(
      pgi_onnx_make(w, p->n_attribute_proto, sizeof *p->attribute_proto, &p->attribute_proto, err));
  for (int i = 0; i < f->n_attrs; i++) p->attribute[i] = (char *)(uintptr_t)f->attrs[i];
  for (int i = 0; i < f->n_defaults; i++) {
    PG_TRY(pgi_onnx_make_attr(w, &f->defaults[i], &p->attribute_proto[i], err));
  }
  PG_TRY(make_body(w, f, p, err));
  return pgi_onnx_append(w, &p->base, f->extra, err);
}

static pg_status make_functions(pgi_onnx_writer *w, const pgi_model *m, proto_model *p,
                                pg_error *err) {
  p->n_functions = (size_t)m->n_functions;
  PG_TRY(pgi_onnx_make(w, p->n_functions, sizeof *p->functions, &p->functions, err));
  for (int i = 0; i < m->n_functions; i++) {
    pg_status status = make_function(w, &m->functions[i], &p->functions[i], err);
    if (status == PG_OK) continue;
    pgi_error_prefix(err, "function '%.200s'", m->functions[i].name);
    return status;
  }
  return PG_OK;
}

/* ---- the model ------------------------------------------------------------------------------ */

static pg_status make_props(pgi_onnx_writer *w, const pgi_model *m, proto_model *p, pg_error *err) {
  p->n_metadata_props = (size_t)m->n_props;
  PG_TRY(pgi_onnx_make(w, p->n_metadata_props, sizeof *p->metadata_props, &p->metadata_props, err));
  for (int i = 0; i < m->n_props; i++) {
    proto_entry *e;
    PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__string_string_entry_proto__descriptor, &e, err));
    e->key = (char *)(uintptr_t)m->props[i].key;
    e->value = (char *)(uintptr_t)m->props[i].value;
    p->metadata_props[i] = e;
  }
  return PG_OK;
}

/* The file's IR version, unless the graph has become something that it doesn't allow. */
static int64_t ir_version_of(const pgi_model *m, const proto_model *p) {
  int64_t ir = m->ir_version > 0 ? m->ir_version : IR_DEFAULT;
  for (size_t i = 0; i < p->n_opset_import; i++) {
    const proto_opset *o = p->opset_import[i];
    if (m->n_opsets || *o->domain || o->version > 1) ir = PG_MAX(ir, IR_OPSETS);
  }
  for (const pgi_value *v = m->main->first_value; v; v = v->next) {
    if (pgi_value_is_constant(v)) ir = PG_MAX(ir, IR_FREE_INITIALIZERS);
  }
  return m->n_functions ? PG_MAX(ir, IR_FUNCTIONS) : ir;
}

pg_status pgi_onnx_make_model(pgi_onnx_writer *w, const pg_graph *main, proto_model **out,
                              pg_error *err) {
  const pgi_model *m = main->model;
  proto_model *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__model_proto__descriptor, &p, err));
  p->producer_name = pgi_onnx_borrow(m->producer_name);
  p->producer_version = pgi_onnx_borrow(m->producer_version);
  p->domain = pgi_onnx_borrow(m->domain);
  p->doc_string = pgi_onnx_borrow(m->doc);
  p->has_model_version = m->model_version != 0;
  p->model_version = m->model_version;
  PG_TRY(make_props(w, m, p, err));
  PG_TRY(make_imports(w, m->opsets, m->n_opsets, main, &p->n_opset_import, &p->opset_import, err));
  PG_TRY(make_functions(w, m, p, err));
  PG_TRY(pgi_onnx_make_graph(w, main, &p->graph, err));
  p->has_ir_version = true;
  p->ir_version = ir_version_of(m, p);
  if (p->ir_version < IR_OPSETS) p->n_opset_import = 0; /* they didn't exist: version 1 is meant */
  *out = p;
  return pgi_onnx_append(w, &p->base, m->extra, err);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Blocks of zeros become holes: a sparse file stays one. */
static pg_status write_large(pgi_writer *file, const uint8_t *data, size_t size, pg_error *err) {
  enum { BLOCK = 1 << 16 };
  for (size_t at = 0, n; at < size; at += n) {
    n = PG_MIN(size - at, (size_t)BLOCK);
    bool is_zero = n == BLOCK && data[at] == 0 && memcmp(data + at, data + at + 1, n - 1) == 0;
    PG_TRY(is_zero ? pgi_writer_skip(file, n, err) : pgi_writer_write(file, data + at, n, err));
  }
  return PG_OK;
}

static pg_status write_outside(const pgi_onnx_writer *w, pgi_writer *file, pg_error *err) {
  static const uint8_t zeros[64];
  size_t at = 0;
  for (const pgi_onnx_outside *o = w->first; o; o = o->next) {
    PG_TRY(pgi_writer_write(file, zeros, o->offset - at, err));
    PG_TRY(write_large(file, o->data, o->size, err));
    at = o->offset + o->size;
  }
  return PG_OK;
}

/* protobuf-c's stream has no way to stop: after a failure the rest is dropped. */
typedef struct stream {
  ProtobufCBuffer base;
  pgi_writer *file;
  pg_status status;
  pg_error *err;
} stream;

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data) {
  stream *s = (stream *)buffer;
  if (s->status == PG_OK) s->status = pgi_writer_write(s->file, data, size, s->err);
}

static pg_status write_model(const proto_model *p, pgi_writer *file, pg_error *err) {
  stream s = {.base = {append}, .file = file, .err = err};
  protobuf_c_message_pack_to_buffer(&p->base, &s.base);
  return s.status;
}

/* Both files are complete before the first one gets its name. */
static pg_status write_files(pgi_onnx_writer *w, const proto_model *p, const char *path,
                             const char *data_path, pg_error *err) {
  pgi_writer *data = NULL, *file = NULL;
  pg_status status = PG_OK;
  if (w->first) {
    status = pgi_writer_open(w->ctx, data_path, &data, err);
    if (status == PG_OK) status = write_outside(w, data, err);
  }
  if (status == PG_OK) status = pgi_writer_open(w->ctx, path, &file, err);
  if (status == PG_OK) status = write_model(p, file, err);
  if (status == PG_OK && data) {
    status = pgi_writer_commit(data, err);
    data = NULL;
  }
  if (status == PG_OK) return pgi_writer_commit(file, err);
  pgi_writer_abort(data);
  pgi_writer_abort(file);
  return status;
}

/* No reader takes a message of 2 GiB. */
static pg_status check_size(const proto_model *p, pg_error *err) {
  size_t size = protobuf_c_message_get_packed_size(&p->base);
  if (size <= INT32_MAX) return PG_OK;
  return pgi_fail(err, PG_UNSUPPORTED,
                  "the model takes %zu bytes, an ONNX file has less than 2 GiB: save it with "
                  "external data",
                  size);
}

static pg_status make_checked(pgi_onnx_writer *w, const pg_graph *graph, proto_model **out,
                              pg_error *err) {
  PG_TRY(pgi_onnx_make_model(w, graph, out, err));
  return check_size(*out, err);
}

static pg_status save(pgi_onnx_writer *w, const pg_graph *graph, const char *path, pg_error *err) {
  size_t n = strlen(path);
  char *data_path = pgi_arena_alloc(&w->arena, n + sizeof ".data");
  if (!data_path) return pgi_nomem(err);
  memcpy(data_path, path, n);
  memcpy(data_path + n, ".data", sizeof ".data");
  const char *slash = strrchr(data_path, '/');
  w->location = slash ? slash + 1 : data_path;
  proto_model *p;
  pg_status status = make_checked(w, graph, &p, err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "%.300s", path);
    return status;
  }
  return write_files(w, p, path, data_path, err);
}

/* Bytes of all initialisers: what decides whether a model fits into one file. */
static uint64_t constant_bytes(const pg_graph *g) {
  uint64_t sum = 0;
  for (const pgi_value *v = g->first_value; v; v = v->next)
    if (v->constant.dtype != PG_NONE && v->constant.dtype != PG_STRING && !v->is_external)
      sum += pg_tensor_bytes(&v->constant);
  for (const pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (const pg_graph *body; (body = pgi_bodies_next(&it));) sum += constant_bytes(body);
  }
  return sum;
}

pg_status pg_graph_save(const pg_graph *graph, const char *path, int64_t external_threshold,
                        pg_error *err) {
  enum { LARGE = 1024, MOST_INSIDE = 2000000000 };
  pgi_onnx_writer w;
  if (pgi_container_is_path(path)) return pgi_container_save(graph, path, err);
  pgi_onnx_writer_init(&w, graph->model->ctx);
  w.threshold = external_threshold;
  if (external_threshold < 0) {
    w.keeps_layout = true;
    w.threshold = constant_bytes(graph) > MOST_INSIDE ? LARGE : -1;
  }
  pg_status status = save(&w, graph, path, err);
  pgi_onnx_writer_deinit(&w);
  return status;
}

pg_status pgi_onnx_save_bytes(const pg_graph *graph, void **data, size_t *size, pg_error *err) {
  pgi_onnx_writer w;
  proto_model *p;
  pgi_onnx_writer_init(&w, graph->model->ctx);
  w.threshold = -1;
  pg_status status = make_checked(&w, graph, &p, err);
  if (status == PG_OK) {
    size_t n = protobuf_c_message_get_packed_size(&p->base);
    uint8_t *block = pgi_alloc(w.ctx, PG_MAX(n, 1));
    if (block) {
      *size = protobuf_c_message_pack(&p->base, block);
      *data = block;
    } else {
      status = pgi_nomem(err);
    }
  }
  pgi_onnx_writer_deinit(&w);
  return status;
}
