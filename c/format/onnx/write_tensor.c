/* write_tensor: the writer's memory, and tensors as messages that point at their elements. */
#include "format/onnx/onnx.h"

/* A tensor that had to be made contiguous, until the file is written. */
struct pgi_onnx_held {
  struct pgi_onnx_held *next;
  pg_tensor tensor;
};

/* In the external file: one cache line. */
enum { OUTSIDE_ALIGN = 64 };

void pgi_onnx_writer_init(pgi_onnx_writer *w, pg_context *ctx) {
  *w = (pgi_onnx_writer){.ctx = ctx, .threshold = -1};
  pgi_arena_init(&w->arena, ctx);
}

void pgi_onnx_writer_deinit(pgi_onnx_writer *w) {
  for (struct pgi_onnx_held *held = w->held; held; held = held->next) {
    pgi_tensor_clear(&held->tensor);
  }
  pgi_arena_deinit(&w->arena);
}

/* `out` is the address of a typed pointer, hence the memcpy. */
pg_status pgi_onnx_make(pgi_onnx_writer *w, size_t n, size_t size, void *out, pg_error *err) {
  size_t bytes;
  void *block = pgi_mul_size(n, size, &bytes) ? pgi_arena_alloc(&w->arena, bytes) : NULL;
  memcpy(out, &block, sizeof block);
  return block ? PG_OK : pgi_nomem(err);
}

pg_status pgi_onnx_make_message(pgi_onnx_writer *w, const ProtobufCMessageDescriptor *descriptor,
                                void *out, pg_error *err) {
  ProtobufCMessage *m = NULL;
  PG_TRY(pgi_onnx_make(w, 1, descriptor->sizeof_message, &m, err));
  descriptor->message_init(m);
  memcpy(out, &m, sizeof m);
  return PG_OK;
}

/* All that was kept passes for one unknown field: the first tag, then everything behind it. */
pg_status pgi_onnx_append(pgi_onnx_writer *w, ProtobufCMessage *m, pgi_bytes extra, pg_error *err) {
  if (extra.size == 0) return PG_OK;
  uint64_t tag = 0;
  size_t n = 0;
  do tag |= (uint64_t)(extra.data[n] & 0x7f) << 7 * n;
  while (extra.data[n++] & 0x80 && n < extra.size && n < 5);
  PG_TRY(pgi_onnx_make(w, 1, sizeof *m->unknown_fields, &m->unknown_fields, err));
  m->unknown_fields[0] = (ProtobufCMessageUnknownField){
      .tag = (uint32_t)(tag >> 3),
      .wire_type = (ProtobufCWireType)(tag & 7),
      .len = extra.size - n,
      .data = (uint8_t *)(uintptr_t)(extra.data + n),
  };
  m->n_unknown_fields = 1;
  return PG_OK;
}

/* ---- external data -------------------------------------------------------------------------- */

static pg_status make_entry(pgi_onnx_writer *w, const char *key, const char *value,
                            proto_entry **out, pg_error *err) {
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__string_string_entry_proto__descriptor, out, err));
  (*out)->key = (char *)(uintptr_t)key;
  (*out)->value = pgi_arena_strdup(&w->arena, value);
  return (*out)->value ? PG_OK : pgi_nomem(err);
}

static pg_status make_number(pgi_onnx_writer *w, const char *key, size_t value, proto_entry **out,
                             pg_error *err) {
  char digits[32];
  pgi_text text = {digits, sizeof digits, 0};
  pgi_text_add(&text, "%zu", value);
  return make_entry(w, key, digits, out, err);
}

static pg_status leave(pgi_onnx_writer *w, const void *data, size_t size, proto_tensor *p,
                       pg_error *err) {
  pgi_onnx_outside *o = NULL;
  PG_TRY(pgi_onnx_make(w, 1, sizeof *o, &o, err));
  size_t offset;
  if (!pgi_add_size(w->outside_size, OUTSIDE_ALIGN - 1, &offset)) return pgi_nomem(err);
  offset = offset / OUTSIDE_ALIGN * OUTSIDE_ALIGN;
  *o = (pgi_onnx_outside){.data = data, .size = size, .offset = offset};
  if (!pgi_add_size(offset, size, &w->outside_size)) return pgi_nomem(err);
  if (w->last)
    w->last->next = o;
  else
    w->first = o;
  w->last = o;
  PG_TRY(pgi_onnx_make(w, 3, sizeof *p->external_data, &p->external_data, err));
  PG_TRY(make_entry(w, "location", w->location, &p->external_data[0], err));
  PG_TRY(make_number(w, "offset", offset, &p->external_data[1], err));
  PG_TRY(make_number(w, "length", size, &p->external_data[2], err));
  p->n_external_data = 3;
  p->has_data_location = true;
  p->data_location = PG_ONNX_EXTERNAL;
  return PG_OK;
}

/* ---- tensors -------------------------------------------------------------------------------- */

/* *t becomes a contiguous copy that the writer keeps, when it is not contiguous already. */
static pg_status hold_contiguous(pgi_onnx_writer *w, const pg_tensor **t, pg_error *err) {
  if (pgi_tensor_is_contiguous(*t)) return PG_OK;
  struct pgi_onnx_held *held = NULL;
  PG_TRY(pgi_onnx_make(w, 1, sizeof *held, &held, err));
  PG_TRY(pgi_tensor_contiguous(*t, &held->tensor, err));
  held->next = w->held;
  w->held = held;
  *t = &held->tensor;
  return PG_OK;
}

static pg_status make_strings(pgi_onnx_writer *w, const pg_tensor *t, proto_tensor *p,
                              pg_error *err) {
  size_t n = (size_t)pgi_tensor_count(t);
  const pg_string *from = pgi_tensor_data(t);
  PG_TRY(pgi_onnx_make(w, n, sizeof *p->string_data, &p->string_data, err));
  for (size_t i = 0; i < n; i++) {
    p->string_data[i].data = (uint8_t *)(uintptr_t)from[i].data;
    p->string_data[i].len = from[i].size;
  }
  p->n_string_data = n;
  return PG_OK;
}

static pg_status make_tensor(pgi_onnx_writer *w, const pg_tensor *t, const char *name,
                             int64_t least, proto_tensor *p, pg_error *err) {
  size_t size;
  if (!pgi_dtype_valid((int)t->dtype)) {
    return pgi_fail(err, PG_UNSUPPORTED, "a %s is no tensor in ONNX", pg_dtype_name(t->dtype));
  }
  PG_TRY(hold_contiguous(w, &t, err));
  p->name = (char *)(uintptr_t)name;
  p->has_data_type = true;
  p->data_type = (int32_t)t->dtype;
  p->n_dims = (size_t)t->rank;
  PG_TRY(pgi_onnx_make(w, p->n_dims, sizeof *p->dims, &p->dims, err));
  memcpy(p->dims, t->dims, p->n_dims * sizeof *p->dims);
  if (t->dtype == PG_STRING) return make_strings(w, t, p, err);
  if (!pgi_dtype_bytes(t->dtype, pgi_tensor_count(t), &size)) return pgi_nomem(err);
  void *data = pgi_tensor_data(t);
  if (w->leaves_all) least = w->threshold;
  if (least >= 0 && size > 0 && size >= (uint64_t)least) {
    return leave(w, data, size, p, err);
  }
  p->has_raw_data = true;
  p->raw_data.data = data;
  p->raw_data.len = size;
  return PG_OK;
}

pg_status pgi_onnx_make_tensor(pgi_onnx_writer *w, const pg_tensor *t, const char *name,
                               int64_t least, proto_tensor **out, pg_error *err) {
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__tensor_proto__descriptor, out, err));
  pg_status status = make_tensor(w, t, name, least, *out, err);
  if (status != PG_OK) pgi_error_prefix(err, "tensor '%.200s'", name ? name : "");
  return status;
}

pg_status pgi_onnx_make_sparse(pgi_onnx_writer *w, pg_tensor *const *triple, proto_sparse **out,
                               pg_error *err) {
  const pg_tensor *dims = triple[2];
  proto_sparse *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__sparse_tensor_proto__descriptor, &p, err));
  PG_TRY(pgi_onnx_make_tensor(w, triple[0], NULL, -1, &p->values, err));
  PG_TRY(pgi_onnx_make_tensor(w, triple[1], NULL, -1, &p->indices, err));
  if (dims->dtype != PG_I64) return pgi_fail(err, PG_INVALID, "a sparse tensor without dims");
  PG_TRY(hold_contiguous(w, &dims, err));
  p->n_dims = (size_t)pgi_tensor_count(dims);
  p->dims = pgi_tensor_data(dims);
  *out = p;
  return PG_OK;
}

pg_status pgi_onnx_write_tensor(const pg_tensor *t, const char *name, void **data, size_t *size,
                                pg_error *err) {
  if (!t->buffer) return pgi_fail(err, PG_INVALID, "an absent value is no tensor");
  pg_context *ctx = t->buffer->ctx;
  pgi_onnx_writer w;
  proto_tensor *p;
  pgi_onnx_writer_init(&w, ctx);
  pg_status status = pgi_onnx_make_tensor(&w, t, name, -1, &p, err);
  if (status == PG_OK) {
    size_t n = protobuf_c_message_get_packed_size(&p->base);
    uint8_t *block = pgi_alloc(ctx, n);
    if (block) {
      protobuf_c_message_pack(&p->base, block);
      *data = block;
      *size = n;
    } else {
      status = pgi_nomem(err);
    }
  }
  pgi_onnx_writer_deinit(&w);
  return status;
}
