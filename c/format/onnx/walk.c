/* walk: the first look at bytes that nobody vouches for.
**
** protobuf-c recurses as deep as a file says, and copies every field.  So a file is walked first:
** every length must fit into what encloses it, wire types must be those of the schema, nesting and
** the number of messages are bounded.  On the way the message is written anew, without the large
** data fields of tensors: each becomes an entry in TensorProto.cut that says where its content is.
** Only this skeleton is unpacked, so that a model's weights are not copied.
**
** The schema is protobuf-c's own description of the messages; this file knows only TensorProto. */
#include "format/onnx/onnx.h"

enum {
  CUT_FIELD = 536870000,   /* TensorProto.cut */
  CUT_LEAST = 128,         /* smaller data fields are copied */
  LEVELS_MOST = 100,       /* of messages in messages: 33 subgraphs in each other */
  MESSAGES_MOST = 1 << 22, /* unpacked, an empty message takes up to 400 bytes */
  LENGTH_BYTES = 5         /* room for the length of a message, filled in at its end */
};

typedef struct walk {
  pg_context *ctx;
  const uint8_t *data;
  uint8_t *out; /* the skeleton */
  int64_t n, capacity;
  int n_messages;
  pg_error *err;
} walk;

typedef struct field {
  uint32_t number;
  unsigned wire;
  size_t start, body, end; /* of the tag, of the content, behind it */
} field;

/* ---- the wire format: protobuf.dev/programming-guides/encoding ------------------------------ */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static bool read_varint(const uint8_t *data, size_t *at, size_t end, int most, uint64_t *out) {
  uint64_t v = 0;
  for (int i = 0; i < most && *at < end; i++) {
    uint8_t byte = data[(*at)++];
    v |= (uint64_t)(byte & 0x7f) << 7 * i;
    if (!(byte & 0x80)) {
      *out = v;
      return true;
    }
  }
  return false;
}

static pg_status fail_at(walk *w, size_t at, const ProtobufCMessageDescriptor *d,
                         const char *what) {
  return pgi_fail(w->err, PG_FORMAT, "byte %zu, in %s: %s", at, d->short_name, what);
}

static pg_status read_body(walk *w, const ProtobufCMessageDescriptor *d, size_t end, field *f) {
  uint64_t v;
  size_t left = end - f->body;
  switch (f->wire) {
    case VARINT:
      f->end = f->body;
      if (read_varint(w->data, &f->end, end, 10, &v)) return PG_OK;
      break;
    case FIXED64:
      f->end = f->body + 8;
      if (left >= 8) return PG_OK;
      break;
    case FIXED32:
      f->end = f->body + 4;
      if (left >= 4) return PG_OK;
      break;
    case BYTES:
      if (!read_varint(w->data, &f->body, end, 5, &v)) break;
      f->end = f->body + (size_t)v;
      if (v <= end - f->body) return PG_OK;
      return pgi_fail(w->err, PG_FORMAT, "byte %zu, in %s: field %u has %llu bytes, but %zu follow",
                      f->start, d->short_name, (unsigned)f->number, (unsigned long long)v,
                      end - f->body);
    default:
      return pgi_fail(w->err, PG_FORMAT, "byte %zu, in %s: unknown wire type %u", f->start,
                      d->short_name, f->wire);
  }
  return fail_at(w, f->start, d, "a number is cut off");
}

static pg_status read_field(walk *w, const ProtobufCMessageDescriptor *d, size_t at, size_t end,
                            field *f) {
  uint64_t tag;
  f->start = at;
  if (!read_varint(w->data, &at, end, 5, &tag)) return fail_at(w, f->start, d, "a tag is cut off");
  if (tag >> 3 == 0 || tag >> 3 > 536870911) return fail_at(w, f->start, d, "no such field number");
  f->number = (uint32_t)(tag >> 3);
  f->wire = (unsigned)(tag & 7);
  f->body = at;
  return read_body(w, d, end, f);
}

static unsigned wire_of(ProtobufCType type) {
  switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
      return BYTES;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
      return FIXED32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
      return FIXED64;
    default:
      return VARINT;
  }
}

/* ---- the skeleton --------------------------------------------------------------------------- */

static pg_status reserve(walk *w, size_t bytes) {
  if (bytes > (size_t)(INT32_MAX - w->n)) {
    return pgi_fail(w->err, PG_FORMAT, "more than 2 GiB besides the tensors' raw data");
  }
  return pgi_grow(w->ctx, &w->out, &w->capacity, w->n + (int64_t)bytes, 1, w->err);
}

static pg_status emit(walk *w, const void *data, size_t size) {
  PG_TRY(reserve(w, size));
  if (size) memcpy(w->out + w->n, data, size);
  w->n += (int64_t)size;
  return PG_OK;
}

static pg_status emit_varint(walk *w, uint64_t v) {
  uint8_t text[10];
  size_t n = 0;
  do {
    text[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
    v >>= 7;
  } while (v);
  return emit(w, text, n);
}

static pg_status emit_cut(walk *w, const field *f) {
  uint64_t cut[3] = {f->number, f->body, f->end - f->body};
  PG_TRY(emit_varint(w, (uint64_t)CUT_FIELD << 3 | BYTES));
  PG_TRY(emit_varint(w, sizeof cut));
  return emit(w, cut, sizeof cut);
}

/* Packed floats lie in the file as they do in memory, just as raw data do. */
static bool is_cut(const ProtobufCMessageDescriptor *d, const field *f) {
  return d == &pgi__onnx__tensor_proto__descriptor && f->wire == BYTES &&
         f->end - f->body >= CUT_LEAST && (f->number == 9 || f->number == 4 || f->number == 10);
}

/* ---- messages ------------------------------------------------------------------------------- */

/* How a message is read at some place: with its tensors' data left out or not, and how deep. */
typedef struct place {
  const ProtobufCMessageDescriptor *d;
  size_t at, end;
  int level;
  bool may_cut; /* not in what is kept for the writer as it is */
} place;

static pg_status walk_message(walk *w, place p);

static pg_status check_field(walk *w, const place *p, const ProtobufCFieldDescriptor *known,
                             const field *f, uint64_t *seen) {
  unsigned wire = wire_of(known->type);
  bool is_repeated = known->label == PROTOBUF_C_LABEL_REPEATED;
  if (f->wire != wire && !(is_repeated && f->wire == BYTES)) {
    return pgi_fail(w->err, PG_FORMAT, "byte %zu: %s.%s: expected wire type %u, got %u", f->start,
                    p->d->short_name, known->name, wire, f->wire);
  }
  if (known->type != PROTOBUF_C_TYPE_MESSAGE || is_repeated) return PG_OK;
  /* protobuf would merge the two, at a cost that grows with the square of their number. */
  uint64_t bit = (uint64_t)1 << (known - p->d->fields);
  if (*seen & bit) {
    return pgi_fail(w->err, PG_FORMAT, "byte %zu: %s.%s is there twice", f->start, p->d->short_name,
                    known->name);
  }
  *seen |= bit;
  return PG_OK;
}

/* Lengths change in the skeleton: five bytes wait for the new one. */
static pg_status walk_inside(walk *w, const place *p, const ProtobufCFieldDescriptor *known,
                             const field *f) {
  if (p->level + 1 > LEVELS_MOST) return fail_at(w, f->start, p->d, "messages are nested too deep");
  if (++w->n_messages > MESSAGES_MOST) return fail_at(w, f->start, p->d, "too many messages");
  static const uint8_t blank[LENGTH_BYTES];
  PG_TRY(emit_varint(w, (uint64_t)f->number << 3 | BYTES));
  PG_TRY(emit(w, blank, LENGTH_BYTES));
  int64_t start = w->n;
  bool may_cut = p->may_cut && p->d != &pgi__onnx__training_info_proto__descriptor;
  PG_TRY(walk_message(w, (place){known->descriptor, f->body, f->end, p->level + 1, may_cut}));
  uint64_t length = (uint64_t)(w->n - start);
  for (int i = 0; i < LENGTH_BYTES; i++) {
    bool is_last = i == LENGTH_BYTES - 1;
    w->out[start - LENGTH_BYTES + i] = (uint8_t)((length >> 7 * i & 0x7f) | (is_last ? 0 : 0x80));
  }
  return PG_OK;
}

static pg_status walk_message(walk *w, place p) {
  uint64_t seen = 0;
  for (size_t at = p.at; at < p.end;) {
    field f = {0};
    PG_TRY(read_field(w, p.d, at, p.end, &f));
    at = f.end;
    const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(p.d, f.number);
    if (f.number == CUT_FIELD) continue; /* ours alone */
    if (known) PG_TRY(check_field(w, &p, known, &f, &seen));
    if (known && known->type == PROTOBUF_C_TYPE_MESSAGE) {
      PG_TRY(walk_inside(w, &p, known, &f));
    } else if (p.may_cut && is_cut(p.d, &f)) {
      PG_TRY(emit_cut(w, &f));
    } else {
      PG_TRY(emit(w, w->data + f.start, f.end - f.start));
    }
  }
  return PG_OK;
}

/* ---- unpacking ------------------------------------------------------------------------------ */

static void *arena_alloc(void *user, size_t size) {
  pgi_arena_allocator *a = user;
  void *block = pgi_arena_alloc(a->arena, size);
  if (!block) a->is_out = true;
  return block;
}

static void arena_free(void *user, void *block) {
  (void)user;
  (void)block;
}

void pgi_arena_allocator_init(pgi_arena_allocator *a, pgi_arena *arena) {
  *a = (pgi_arena_allocator){.base = {arena_alloc, arena_free, a}, .arena = arena};
}

pg_status pgi_onnx_unpack(pgi_onnx_reader *r, const ProtobufCMessageDescriptor *descriptor,
                          ProtobufCMessage **out, pg_error *err) {
  walk w = {.ctx = r->ctx, .data = r->data, .err = err};
  ProtobufCMessage *m = NULL;
  pg_status status = walk_message(&w, (place){descriptor, 0, r->size, 1, true});
  if (status == PG_OK) {
    pgi_arena_allocator a;
    pgi_arena_allocator_init(&a, &r->protos);
    static const uint8_t nothing[1];
    m = protobuf_c_message_unpack(descriptor, &a.base, (size_t)w.n, w.out ? w.out : nothing);
    if (a.is_out)
      status = pgi_nomem(err);
    else if (!m)
      status = pgi_fail(err, PG_FORMAT, "a number in a list is cut off");
  }
  pgi_free(r->ctx, w.out);
  if (status == PG_OK) *out = m;
  return status;
}

pg_status pgi_onnx_keep(pgi_arena *arena, const ProtobufCMessage *m, pgi_bytes *out,
                        pg_error *err) {
  size_t size = protobuf_c_message_get_packed_size(m);
  *out = (pgi_bytes){0};
  if (size == 0) return PG_OK;
  uint8_t *data = pgi_arena_alloc(arena, size);
  if (!data) return pgi_nomem(err);
  protobuf_c_message_pack(m, data);
  *out = (pgi_bytes){data, size};
  return PG_OK;
}
