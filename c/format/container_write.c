/* container_write: a graph as perigee's own file, in one pass from front to back. */
#include "format/container.h"
#include "format/container_layout.h"

bool pgi_container_is_path(const char *path) {
  size_t n = strlen(path), m = sizeof ".perigee" - 1;
  return n > m && strcmp(path + n - m, ".perigee") == 0;
}

static void put(uint8_t *to, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(v >> 8 * i);
}

typedef struct plan {
  pgi_onnx_writer *w;
  proto_model *model;
  uint8_t *graph, *index; /* the sections, in blocks of the writer's arena */
  size_t graph_size, index_size;
} plan;

/* Weights leave for the data section, whatever holds them; small tensors stay in the structure. */
static pg_status make_structure(plan *p, const pg_graph *g, pg_error *err) {
  pgi_onnx_writer *w = p->w;
  w->threshold = CONTAINER_LEAVES;
  w->leaves_all = true;
  w->location = CONTAINER_DATA;
  PG_TRY(pgi_onnx_make_model(w, g, &p->model, err));
  p->graph_size = protobuf_c_message_get_packed_size(&p->model->base);
  if (p->graph_size > INT32_MAX)
    return pgi_fail(err, PG_UNSUPPORTED, "its structure takes %zu bytes: expected less than 2 GiB",
                    p->graph_size);
  p->graph = pgi_arena_alloc(&w->arena, p->graph_size);
  if (!p->graph) return pgi_nomem(err);
  protobuf_c_message_pack(&p->model->base, p->graph);
  return PG_OK;
}

static pg_status make_index(plan *p, pg_error *err) {
  size_t n = 0;
  for (const pgi_onnx_outside *o = p->w->first; o; o = o->next) n++;
  if (!pgi_mul_size(n, CONTAINER_ENTRY, &p->index_size)) return pgi_nomem(err);
  uint8_t *at = p->index = pgi_arena_alloc(&p->w->arena, p->index_size);
  if (!at) return pgi_nomem(err);
  for (const pgi_onnx_outside *o = p->w->first; o; o = o->next, at += CONTAINER_ENTRY) {
    put(at, o->offset, 8);
    put(at + 8, o->size, 8);
    put(at + 16, pgi_xxh64(o->data, o->size), 8);
  }
  return PG_OK;
}

static void put_section(uint8_t *row, const char *name, size_t offset, size_t size,
                        uint64_t checksum) {
  memset(row, ' ', PG_SECTION_NAME);
  memcpy(row, name, strlen(name));
  put(row + 8, offset, 8);
  put(row + 16, size, 8);
  put(row + 24, checksum, 8);
  put(row + 32, PG_SECTION_REQUIRED, 4);
  put(row + 36, 0, 4);
}

static size_t align(size_t at) {
  return (at + CONTAINER_ALIGN - 1) / CONTAINER_ALIGN * CONTAINER_ALIGN;
}

/* The header and the directory, and where the sections lie. */
static void make_head(const plan *p, uint8_t *head, size_t *offsets) {
  size_t data_size = p->w->outside_size;
  offsets[0] = align(CONTAINER_HEAD + 3 * CONTAINER_ROW);
  offsets[1] = align(offsets[0] + p->graph_size);
  offsets[2] = align(offsets[1] + p->index_size);
  put_section(head + CONTAINER_HEAD, "graph", offsets[0], p->graph_size,
              pgi_xxh64(p->graph, p->graph_size));
  put_section(head + CONTAINER_HEAD + CONTAINER_ROW, "tensors", offsets[1], p->index_size,
              pgi_xxh64(p->index, p->index_size));
  put_section(head + CONTAINER_HEAD + 2 * CONTAINER_ROW, "data", offsets[2], data_size, 0);
  memcpy(head, CONTAINER_MAGIC, 8);
  put(head + 8, CONTAINER_VERSION, 4);
  put(head + 12, 3, 4);
  put(head + 16, offsets[2] + data_size, 8);
  put(head + 24, pgi_xxh64(head + CONTAINER_HEAD, 3 * CONTAINER_ROW), 8);
}

static pg_status write_at(pgi_writer *file, size_t *at, size_t offset, const void *data,
                          size_t size, pg_error *err) {
  static const uint8_t zeros[CONTAINER_ALIGN];
  PG_TRY(pgi_writer_write(file, zeros, offset - *at, err));
  PG_TRY(pgi_writer_write(file, data, size, err));
  *at = offset + size;
  return PG_OK;
}

static pg_status write_all(const plan *p, pgi_writer *file, pg_error *err) {
  uint8_t head[CONTAINER_HEAD + 3 * CONTAINER_ROW] = {0};
  size_t offsets[3], at = sizeof head;
  make_head(p, head, offsets);
  PG_TRY(pgi_writer_write(file, head, sizeof head, err));
  PG_TRY(write_at(file, &at, offsets[0], p->graph, p->graph_size, err));
  PG_TRY(write_at(file, &at, offsets[1], p->index, p->index_size, err));
  PG_TRY(write_at(file, &at, offsets[2], "", 0, err));
  for (const pgi_onnx_outside *o = p->w->first; o; o = o->next)
    PG_TRY(write_at(file, &at, offsets[2] + o->offset, o->data, o->size, err));
  return PG_OK;
}

pg_status pgi_container_save(const pg_graph *graph, const char *path, pg_error *err) {
  pgi_onnx_writer w;
  pgi_onnx_writer_init(&w, graph->model->ctx);
  plan p = {.w = &w};
  pgi_writer *file = NULL;
  pg_status status = make_structure(&p, graph, err);
  if (status == PG_OK) status = make_index(&p, err);
  if (status != PG_OK) pgi_error_prefix(err, "%.300s", path);
  if (status == PG_OK) status = pgi_writer_open(w.ctx, path, &file, err);
  if (status == PG_OK) status = pgi_writer_end(file, write_all(&p, file, err), err);
  pgi_onnx_writer_deinit(&w);
  return status;
}
