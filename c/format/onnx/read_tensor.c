/* read_tensor: TensorProto -> tensor.
**
** Nothing is allocated before the data was found to be as long as the dims ask for.  Data in
** the mapped file at an address that suits the element type are used there; others are copied. */
#include "format/onnx/onnx.h"

/* The tensor's elements, in one of these forms. */
typedef struct payload {
  const uint8_t *data; /* as they lie in memory; NULL: one of the lists of the message */
  size_t size;
  pgi_blob *blob; /* that holds data as long as it lives; NULL: nobody does */
} payload;

typedef struct shape {
  pg_dtype dtype;
  int rank;
  int64_t count;
  size_t bytes;
} shape;

static pg_status fail_size(const proto_tensor *p, const shape *s, size_t need, size_t has,
                           const char *unit, pg_error *err) {
  char text[400];
  pgi_shape_text(s->dtype, s->rank, p->dims, text, sizeof text);
  return pgi_fail(err, PG_FORMAT, "%s needs %zu %s, has %zu", text, need, unit, has);
}

static pg_status read_shape(const proto_tensor *p, shape *s, pg_error *err) {
  if (!pgi_dtype_valid(p->data_type)) {
    if (p->data_type == 0) return pgi_fail(err, PG_FORMAT, "has no element type");
    return pgi_fail(err, PG_UNSUPPORTED, "element type %d", (int)p->data_type);
  }
  if (p->segment) return pgi_fail(err, PG_UNSUPPORTED, "is one segment of a larger tensor");
  if (p->n_dims > PG_MAX_RANK) {
    return pgi_fail(err, PG_UNSUPPORTED, "rank %zu, this build has at most %d", p->n_dims,
                    PG_MAX_RANK);
  }
  s->dtype = (pg_dtype)p->data_type;
  s->rank = (int)p->n_dims;
  for (int i = 0; i < s->rank; i++) {
    if (p->dims[i] < 0) {
      return pgi_fail(err, PG_FORMAT, "dimension %d is %lld", i, (long long)p->dims[i]);
    }
  }
  if (pgi_count(s->rank, p->dims, &s->count, NULL) != PG_OK ||
      !pgi_dtype_bytes(s->dtype, s->count, &s->bytes)) {
    return pgi_fail(err, PG_FORMAT, "its dims overflow");
  }
  return PG_OK;
}

/* ---- where the data are --------------------------------------------------------------------- */

/* How many of the fields that may hold data hold some. */
static int count_sources(const proto_tensor *p) {
  bool is_external = p->has_data_location && p->data_location == PG_ONNX_EXTERNAL;
  return (p->raw_data.len > 0) + (p->n_float_data > 0) + (p->n_int32_data > 0) +
         (p->n_string_data > 0) + (p->n_int64_data > 0) + (p->n_double_data > 0) +
         (p->n_uint64_data > 0) + (p->n_cut > 0) + is_external;
}

/* The list that the schema wants elements of a type in, unless they are raw. */
typedef struct list {
  const char *name;
  size_t n;
  const void *data;
  size_t size; /* of an entry, when entries lie in memory as the tensor's elements do; else 0 */
} list;

static list list_of(const proto_tensor *p, pg_dtype dtype) {
  switch (dtype) {
    case PG_F32:
    case PG_C64:
      return (list){"float_data", p->n_float_data, p->float_data, sizeof(float)};
    case PG_F64:
    case PG_C128:
      return (list){"double_data", p->n_double_data, p->double_data, sizeof(double)};
    case PG_I64:
      return (list){"int64_data", p->n_int64_data, p->int64_data, sizeof(int64_t)};
    case PG_U64:
      return (list){"uint64_data", p->n_uint64_data, p->uint64_data, sizeof(uint64_t)};
    case PG_U32:
      return (list){"uint64_data", p->n_uint64_data, p->uint64_data, 0};
    case PG_STRING:
      return (list){"string_data", p->n_string_data, p->string_data, 0};
    case PG_I32:
      return (list){"int32_data", p->n_int32_data, p->int32_data, sizeof(int32_t)};
    default:
      return (list){"int32_data", p->n_int32_data, p->int32_data, 0};
  }
}

static pg_status fail_list(const proto_tensor *p, const shape *s, pg_error *err) {
  return pgi_fail(err, PG_FORMAT, "its data is neither in %s nor raw, as %s elements are",
                  list_of(p, s->dtype).name, pg_dtype_name(s->dtype));
}

/* See walk.c: field, offset and size of what lies in the bytes being read. */
static pg_status find_cut(pgi_onnx_reader *r, const proto_tensor *p, const shape *s, payload *out,
                          pg_error *err) {
  if (p->n_cut != 3) return pgi_fail(err, PG_FORMAT, "its data is in several pieces");
  bool is_float = s->dtype == PG_F32 || s->dtype == PG_C64;
  bool is_double = s->dtype == PG_F64 || s->dtype == PG_C128;
  if ((p->cut[0] == 4 && !is_float) || (p->cut[0] == 10 && !is_double)) return fail_list(p, s, err);
  *out = (payload){r->data + p->cut[1], (size_t)p->cut[2], r->blob};
  return PG_OK;
}

/* Entries that lie in memory as elements do are as good as raw data. */
static pg_status find_list(const proto_tensor *p, const shape *s, payload *out, pg_error *err) {
  list l = list_of(p, s->dtype);
  if (l.n == 0) return fail_list(p, s, err);
  if (l.size) *out = (payload){l.data, l.n * l.size, NULL};
  return PG_OK;
}

static pg_status find_payload(pgi_onnx_reader *r, const proto_tensor *p, const shape *s,
                              payload *out, pg_error *err) {
  *out = (payload){0};
  int n = count_sources(p);
  if (n > 1) return pgi_fail(err, PG_FORMAT, "has its data twice");
  if (n == 0) return PG_OK;
  if (p->has_data_location && p->data_location == PG_ONNX_EXTERNAL) {
    if (s->dtype == PG_STRING) return pgi_fail(err, PG_FORMAT, "strings can't be external");
    return pgi_onnx_external(r, p, s->bytes, &out->blob, &out->data, &out->size, err);
  }
  if (s->dtype == PG_STRING && (p->raw_data.len || p->n_cut)) return fail_list(p, s, err);
  if (p->n_cut) return find_cut(r, p, s, out, err);
  if (p->raw_data.len) {
    *out = (payload){p->raw_data.data, p->raw_data.len, NULL};
    return PG_OK;
  }
  return find_list(p, s, out, err);
}

/* ---- taking them over ----------------------------------------------------------------------- */

static void release_blob(void *owner) {
  pgi_blob_release(owner);
}

static pg_status use_in_place(pgi_onnx_reader *r, const proto_tensor *p, const shape *s,
                              const payload *from, pg_tensor *out, pg_error *err) {
  pgi_buffer *b;
  void *data = (void *)(uintptr_t)from->data; /* never written: the buffer is read-only */
  PG_TRY(pgi_buffer_wrap(r->ctx, data, s->bytes, true, NULL, NULL, &b, err));
  pg_status status = pgi_tensor_on_buffer(b, s->dtype, s->rank, p->dims, 0, out, err);
  if (status == PG_OK) {
    atomic_fetch_add_explicit(&from->blob->refs, 1, memory_order_relaxed);
    b->owner = from->blob;
    b->release = release_blob;
    b->is_mapped = from->blob->file.data && !from->blob->file.block;
  }
  pgi_buffer_release(b);
  return status;
}

/* Every byte that is not 0 is true; others than 1 need a copy to become 1. */
static bool has_odd_bools(const payload *from) {
  uint8_t all = 0;
  for (size_t i = 0; i < from->size; i++) all |= from->data[i];
  return all > 1;
}

/* Large tensors of which only type and shape are wanted lie in place also where the address doesn't
** suit: from the aligned one before it.  That is in the blob still, which begins on a page or at
** PG_ALIGN, and the numbers don't matter. */
static bool lies_anyhow(const pgi_onnx_reader *r, size_t align, payload *from) {
  enum { LARGE = 1 << 16 };
  if (!r->only_shapes || !from->blob || from->size < LARGE) return false;
  from->data -= (uintptr_t)from->data % PG_MAX(align, 1);
  return true;
}

static pg_status take_payload(pgi_onnx_reader *r, const proto_tensor *p, const shape *s,
                              payload *from, pg_tensor *out, pg_error *err) {
  if (from->size != s->bytes) return fail_size(p, s, s->bytes, from->size, "bytes", err);
  size_t align = PG_MIN(pgi_dtype_size(s->dtype), _Alignof(max_align_t));
  if (lies_anyhow(r, align, from)) return use_in_place(r, p, s, from, out, err);
  bool is_aligned = align <= 1 || (uintptr_t)from->data % align == 0;
  bool is_odd = s->dtype == PG_BOOL && has_odd_bools(from);
  if (from->blob && from->size >= PG_ALIGN && is_aligned && !is_odd) {
    return use_in_place(r, p, s, from, out, err);
  }
  PG_TRY(pgi_tensor_alloc(r->ctx, s->dtype, s->rank, p->dims, out, err));
  uint8_t *to = pgi_tensor_data(out);
  memcpy(to, from->data, from->size);
  if (from->blob && from->blob->file.data && !from->blob->file.block) {
    pgi_file_forget(from->data, from->size);
  }
  for (size_t i = 0; is_odd && i < s->bytes; i++) to[i] = to[i] != 0;
  return PG_OK;
}

static pg_status take_strings(pgi_onnx_reader *r, const proto_tensor *p, const shape *s,
                              pg_tensor *out, pg_error *err) {
  if (p->n_string_data != (uint64_t)s->count) {
    return fail_size(p, s, (size_t)s->count, p->n_string_data, "strings", err);
  }
  PG_TRY(pgi_tensor_alloc(r->ctx, PG_STRING, s->rank, p->dims, out, err));
  for (int64_t i = 0; i < s->count; i++) {
    const ProtobufCBinaryData *text = &p->string_data[i];
    pg_status status =
        pgi_string_set(out->buffer, i, text->len ? (const char *)text->data : "", text->len, err);
    if (status != PG_OK) {
      pgi_tensor_clear(out);
      return status;
    }
  }
  return PG_OK;
}

/* Small elements come one to an int32; those of less than a byte, one byte of them to an int32. */
static pg_status take_narrow(pgi_onnx_reader *r, const proto_tensor *p, const shape *s,
                             pg_tensor *out, pg_error *err) {
  size_t size = PG_MAX(pgi_dtype_size(s->dtype), 1);
  size_t has = s->dtype == PG_U32 ? p->n_uint64_data : p->n_int32_data;
  if (has != s->bytes / size) return fail_size(p, s, s->bytes / size, has, "numbers", err);
  PG_TRY(pgi_tensor_alloc(r->ctx, s->dtype, s->rank, p->dims, out, err));
  void *to = pgi_tensor_data(out);
  for (size_t i = 0; i < has; i++) {
    if (s->dtype == PG_U32)
      ((uint32_t *)to)[i] = (uint32_t)p->uint64_data[i];
    else if (s->dtype == PG_BOOL)
      ((uint8_t *)to)[i] = p->int32_data[i] != 0;
    else if (size == 2)
      ((uint16_t *)to)[i] = (uint16_t)p->int32_data[i];
    else
      ((uint8_t *)to)[i] = (uint8_t)p->int32_data[i];
  }
  return PG_OK;
}

static pg_status read_tensor(pgi_onnx_reader *r, const proto_tensor *p, pg_tensor *out,
                             pg_error *err) {
  shape s;
  payload from;
  PG_TRY(read_shape(p, &s, err));
  PG_TRY(find_payload(r, p, &s, &from, err));
  if (s.dtype == PG_STRING) return take_strings(r, p, &s, out, err);
  if (from.data || count_sources(p) == 0) {
    if (!from.data) from.data = (const uint8_t *)"";
    return take_payload(r, p, &s, &from, out, err);
  }
  return take_narrow(r, p, &s, out, err);
}

pg_status pgi_onnx_read_tensor(pgi_onnx_reader *r, const proto_tensor *p, pg_tensor *out,
                               pg_error *err) {
  pg_status status = read_tensor(r, p, out, err);
  if (status != PG_OK) {
    if (p->name && *p->name)
      pgi_error_prefix(err, "tensor '%.200s'", p->name);
    else
      pgi_error_prefix(err, "a tensor");
  }
  return status;
}
