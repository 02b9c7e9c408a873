/* perigee.Bytes: a file or a string to read formats from.  A file is mapped, slices and tensors share
** it: a weight is not copied on its way from the file into a graph.  Offsets count from 0, as format
** descriptions do.  What lies outside raises a Failure (a table { message, code }), which
** perigee.convert turns into nil, message, code: readers need no checks of their own. */
#include "bind/bind.h"
#include "format/format.h"

#define PG_LUA_BYTES "perigee.Bytes"
#define PG_LUA_FAILURE "perigee.Failure"

typedef struct bytes {
  pgi_buffer *buffer; /* one reference is ours; NULL: closed */
  const uint8_t *data;
  size_t size;
} bytes;

/* ---- failures --------------------------------------------------------------------------------------- */

/* Raises { message = ..., code = "format" }. */
_Noreturn static void fail(lua_State *L, const char *format, ...) {
  va_list args;
  lua_createtable(L, 0, 2);
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_setfield(L, -2, "message");
  lua_pushliteral(L, "format");
  lua_setfield(L, -2, "code");
  luaL_setmetatable(L, PG_LUA_FAILURE);
  lua_error(L);
  __builtin_unreachable();
}

static int failure_text(lua_State *L) {
  lua_getfield(L, 1, "message");
  return 1;
}

/* ---- making ----------------------------------------------------------------------------------------- */

static bytes *new_bytes(lua_State *L) {
  bytes *b = lua_newuserdatauv(L, sizeof *b, 0);
  memset(b, 0, sizeof *b);
  luaL_setmetatable(L, PG_LUA_BYTES);
  return b;
}

static bytes *check(lua_State *L, int arg) {
  bytes *b = luaL_checkudata(L, arg, PG_LUA_BYTES);
  pgi_lua_argcheck(L, b->buffer, arg, "these bytes are closed");
  return b;
}

static int close_bytes(lua_State *L) {
  bytes *b = luaL_checkudata(L, 1, PG_LUA_BYTES);
  pgi_buffer_release(b->buffer);
  memset(b, 0, sizeof *b);
  return 0;
}

typedef struct mapping {
  pg_context *ctx;
  pgi_file file;
} mapping;

static void release_mapping(void *owner) {
  mapping *m = owner;
  pg_context *ctx = m->ctx;
  pgi_file_close(&m->file);
  pgi_free(ctx, m);
}

/* bytes_open(path) -> Bytes, or nil, message, code */
static int open_bytes(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pg_context *ctx = pgi_lua_context(L);
  bytes *b = new_bytes(L);
  pg_error err;
  mapping *m = pgi_alloc_zero(ctx, sizeof *m);
  if (!m) {
    pgi_nomem(&err);
    return pgi_lua_fail(L, &err);
  }
  m->ctx = ctx;
  pg_status status = pgi_file_open(ctx, path, &m->file, &err);
  if (status == PG_OK) {
    void *data = (void *)(uintptr_t)m->file.data; /* read-only: nobody writes */
    status = pgi_buffer_wrap(ctx, data, m->file.size, true, release_mapping, m, &b->buffer, &err);
    if (status != PG_OK)
      pgi_file_close(&m->file);
    else
      b->buffer->is_mapped = m->file.block == NULL;
  }
  if (status != PG_OK) {
    pgi_free(ctx, m);
    return pgi_lua_fail(L, &err);
  }
  b->data = m->file.data;
  b->size = m->file.size;
  return 1;
}

/* bytes_of(string) -> Bytes with a copy */
static int bytes_of(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  bytes *b = new_bytes(L);
  pg_error err;
  if (pgi_buffer_new(pgi_lua_context(L), size, &b->buffer, &err) != PG_OK) {
    return pgi_lua_fail(L, &err);
  }
  memcpy(b->buffer->data, text, size);
  b->buffer->is_readonly = true;
  b->data = b->buffer->data;
  b->size = size;
  pgi_lua_nudge(L, size);
  return 1;
}

/* ---- places ----------------------------------------------------------------------------------------- */

static size_t check_place(lua_State *L, const bytes *b, lua_Integer offset, lua_Unsigned size) {
  if (offset < 0 || (lua_Unsigned)offset > b->size || size > b->size - (lua_Unsigned)offset) {
    fail(L, "%I bytes at %I lie outside of the %I that are there", (LUAI_UACINT)size,
         (LUAI_UACINT)offset, (LUAI_UACINT)b->size);
  }
  return (size_t)offset;
}

/* offset (default 0) and size (default the rest) at arguments 2 and 3 */
static const uint8_t *range(lua_State *L, const bytes *b, size_t *size) {
  lua_Integer offset = luaL_optinteger(L, 2, 0);
  size_t at = check_place(L, b, offset, 0);
  lua_Integer n = luaL_optinteger(L, 3, (lua_Integer)(b->size - at));
  if (n < 0) fail(L, "a size of %I bytes at %I", (LUAI_UACINT)n, (LUAI_UACINT)offset);
  check_place(L, b, offset, (lua_Unsigned)n);
  *size = (size_t)n;
  return b->data + at;
}

/* b:string([offset [, size]]) */
static int get_string(lua_State *L) {
  const bytes *b = check(L, 1);
  size_t size;
  const uint8_t *data = range(L, b, &size);
  lua_pushlstring(L, (const char *)data, size);
  return 1;
}

/* b:slice([offset [, size]]) -> Bytes on the same memory */
static int get_slice(lua_State *L) {
  const bytes *b = check(L, 1);
  size_t size;
  const uint8_t *data = range(L, b, &size);
  bytes *slice = new_bytes(L);
  pgi_buffer_retain(b->buffer);
  *slice = (bytes){b->buffer, data, size};
  return 1;
}

/* b:find(text [, offset]) -> offset, or nil */
static int find(lua_State *L) {
  const bytes *b = check(L, 1);
  size_t n;
  const char *text = luaL_checklstring(L, 2, &n);
  size_t from = check_place(L, b, luaL_optinteger(L, 3, 0), 0);
  const uint8_t *at = n == 0 ? b->data + from : memmem(b->data + from, b->size - from, text, n);
  if (!at) return 0;
  lua_pushinteger(L, at - b->data);
  return 1;
}

static int length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check(L, 1)->size);
  return 1;
}

static int bytes_text(lua_State *L) {
  const bytes *b = luaL_checkudata(L, 1, PG_LUA_BYTES);
  if (b->buffer)
    lua_pushfstring(L, "Bytes (%I)", (LUAI_UACINT)b->size);
  else
    lua_pushliteral(L, "Bytes (closed)");
  return 1;
}

/* ---- numbers: little-endian, at any alignment --------------------------------------------------------- */

static uint64_t load(lua_State *L, int width) {
  const bytes *b = check(L, 1);
  size_t at = check_place(L, b, luaL_checkinteger(L, 2), (lua_Unsigned)width);
  uint64_t x = 0;
  for (int i = width; i-- > 0;) x = x << 8 | b->data[at + (size_t)i];
  return x;
}

#define INTEGER(name, width, type)                           \
  static int name(lua_State *L) {                            \
    lua_pushinteger(L, (lua_Integer)(type)load(L, (width))); \
    return 1;                                                \
  }
INTEGER(get_u8, 1, uint8_t)
INTEGER(get_i8, 1, int8_t)
INTEGER(get_u16, 2, uint16_t)
INTEGER(get_i16, 2, int16_t)
INTEGER(get_u32, 4, uint32_t)
INTEGER(get_i32, 4, int32_t)
INTEGER(get_i64, 8, int64_t)

static int get_f32(lua_State *L) {
  uint32_t bits = (uint32_t)load(L, 4);
  float f;
  memcpy(&f, &bits, sizeof f);
  lua_pushnumber(L, (lua_Number)f);
  return 1;
}

static int get_f64(lua_State *L) {
  uint64_t bits = load(L, 8);
  double d;
  memcpy(&d, &bits, sizeof d);
  lua_pushnumber(L, d);
  return 1;
}

/* ---- protobuf's wire format (https://protobuf.dev/programming-guides/encoding) -------------------------- */

static uint64_t read_varint(lua_State *L, const bytes *b, size_t *at) {
  uint64_t x = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (*at >= b->size) fail(L, "a number runs over the end at %I", (LUAI_UACINT)*at);
    uint8_t byte = b->data[(*at)++];
    x |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return x;
  }
  fail(L, "a number of more than 10 bytes before %I", (LUAI_UACINT)*at);
}

/* b:varint(offset) -> value (64 bits, as i64), offset behind it */
static int get_varint(lua_State *L) {
  const bytes *b = check(L, 1);
  size_t at = check_place(L, b, luaL_checkinteger(L, 2), 0);
  lua_pushinteger(L, (lua_Integer)read_varint(L, b, &at));
  lua_pushinteger(L, (lua_Integer)at);
  return 2;
}

/* b:field(offset) -> number, wire type, value, offset behind it [, size]; value: of types 0, 1, 5 the
** bits, of type 2 where it begins.  Nothing at the end. */
static int get_field(lua_State *L) {
  const bytes *b = check(L, 1);
  size_t at = check_place(L, b, luaL_checkinteger(L, 2), 0);
  if (at == b->size) return 0;
  size_t start = at;
  uint64_t key = read_varint(L, b, &at), value = 0, size = 0;
  int type = (int)(key & 7);
  if (key >> 3 == 0 || key >> 32 != 0) fail(L, "no field begins at %I", (LUAI_UACINT)start);
  if (type == 0) {
    value = read_varint(L, b, &at);
  } else if (type == 1 || type == 5) {
    size_t width = type == 1 ? 8 : 4;
    check_place(L, b, (lua_Integer)at, width);
    for (size_t i = width; i-- > 0;) value = value << 8 | b->data[at + i];
    at += width;
  } else if (type == 2) {
    size = read_varint(L, b, &at);
    value = at;
    check_place(L, b, (lua_Integer)at, size);
    at += (size_t)size;
  } else {
    fail(L, "wire type %d at %I", type, (LUAI_UACINT)start);
  }
  lua_pushinteger(L, (lua_Integer)(key >> 3));
  lua_pushinteger(L, type);
  lua_pushinteger(L, (lua_Integer)value);
  lua_pushinteger(L, (lua_Integer)at);
  if (type != 2) return 4;
  lua_pushinteger(L, (lua_Integer)size);
  return 5;
}

/* b:varints([offset [, size]]) -> Tensor i64 of the numbers packed there */
static int get_varints(lua_State *L) {
  const bytes *b = check(L, 1);
  size_t size;
  const uint8_t *data = range(L, b, &size);
  bytes part = {b->buffer, data, size};
  int64_t n = 0;
  for (size_t i = 0; i < size; i++) n += data[i] < 0x80;
  pg_tensor *t = pgi_lua_new_tensor(L);
  pg_error err;
  if (pgi_tensor_alloc(pgi_lua_context(L), PG_I64, 1, &n, t, &err) != PG_OK) {
    return pgi_lua_fail(L, &err);
  }
  int64_t *out = pgi_tensor_data(t);
  size_t at = 0;
  for (int64_t i = 0; i < n; i++) out[i] = (int64_t)read_varint(L, &part, &at);
  if (at != size) fail(L, "a number runs over the end at %I", (LUAI_UACINT)at);
  pgi_lua_nudge(L, pg_tensor_bytes(t));
  return 1;
}

/* ---- deflated data ---------------------------------------------------------------------------------- */

/* b:inflate(size) -> Bytes of so many bytes, from raw deflated data (RFC 1951) */
static int inflate_bytes(lua_State *L) {
  const bytes *b = check(L, 1);
  lua_Integer size = luaL_checkinteger(L, 2);
  bytes *out = new_bytes(L);
  pg_error err;
  /* deflate grows at most 1,032 fold (zlib's technical notes): what claims more lies */
  if (size < 0 || (lua_Unsigned)size / 1032 > b->size)
    fail(L, "%I deflated bytes that claim to give %I", (LUAI_UACINT)b->size, (LUAI_UACINT)size);
  if (pgi_buffer_new(pgi_lua_context(L), (size_t)size, &out->buffer, &err) != PG_OK)
    return pgi_lua_fail(L, &err);
  out->buffer->is_readonly = true;
  out->data = out->buffer->data;
  out->size = (size_t)size;
  if (pgi_inflate(pgi_lua_context(L), b->data, b->size, out->buffer->data, out->size, &err) !=
      PG_OK)
    fail(L, "%s", err.message);
  pgi_lua_nudge(L, out->size);
  return 1;
}

/* ---- tensors ---------------------------------------------------------------------------------------- */

static void release_buffer(void *owner) {
  pgi_buffer_release(owner);
}

static size_t alignment(pg_dtype dtype) {
  size_t size = pgi_dtype_size(dtype);
  return dtype == PG_C64 || dtype == PG_C128 ? size / 2 : PG_MAX(size, 1);
}

/* Strides in elements at an argument, one a dimension; false when there are none.  *span: elements from
** the first to the last. */
static bool check_strides(lua_State *L, int arg, int rank, const int64_t *dims, int64_t *strides,
                          int64_t *span) {
  if (lua_isnoneornil(L, arg)) return false;
  luaL_checktype(L, arg, LUA_TTABLE);
  bool is_empty = false;
  *span = 1;
  for (int i = 0; i < rank; i++) {
    int is_integer;
    lua_rawgeti(L, arg, i + 1);
    strides[i] = (int64_t)lua_tointegerx(L, -1, &is_integer);
    lua_pop(L, 1);
    if (!is_integer || strides[i] < 0) fail(L, "a stride that is none, of axis %d", i);
    is_empty |= dims[i] == 0;
    int64_t reach;
    if (dims[i] > 0 && (__builtin_mul_overflow(dims[i] - 1, strides[i], &reach) ||
                        __builtin_add_overflow(*span, reach, span)))
      fail(L, "strides that lead out of memory");
  }
  if (is_empty) *span = 0;
  return true;
}

/* b:tensor(dtype, shape [, offset [, strides]]) -> Tensor: read-only on the same memory, a copy where the
** memory isn't aligned for the element type.  Strides count elements; without them: row-major. */
static int get_tensor(lua_State *L) {
  const bytes *b = check(L, 1);
  pg_dtype dtype = pgi_lua_check_dtype(L, 2);
  int64_t dims[PG_MAX_RANK], count;
  int rank = pgi_lua_check_dims(L, 3, dims);
  lua_Integer offset = luaL_optinteger(L, 4, 0);
  pg_context *ctx = pgi_lua_context(L);
  pg_error err;
  size_t size;
  pgi_lua_argcheck(L, pg_dtype_bits(dtype) > 0, 2, "no numbers");
  for (int i = 0; i < rank; i++) {
    if (dims[i] < 0) fail(L, "a size of %I", (LUAI_UACINT)dims[i]);
  }
  int64_t strides[PG_MAX_RANK], n_elements;
  bool is_strided = check_strides(L, 5, rank, dims, strides, &n_elements);
  pgi_lua_argcheck(L, !is_strided || pg_dtype_bits(dtype) >= 8, 2, "no whole bytes");
  if (pgi_count(rank, dims, &count, &err) != PG_OK) fail(L, "a tensor larger than memory");
  if (!is_strided) n_elements = count;
  if (!pgi_dtype_bytes(dtype, n_elements, &size)) {
    fail(L, "a tensor larger than memory");
  }
  const uint8_t *data = b->data + check_place(L, b, offset, size);
  pg_tensor *t = pgi_lua_new_tensor(L);
  pgi_buffer *part;
  pg_status status;
  if ((uintptr_t)data % alignment(dtype) != 0 || size == 0) {
    status = pgi_buffer_new(ctx, size, &part, &err);
    if (status == PG_OK && size) memcpy(part->data, data, size);
    if (status == PG_OK) pgi_lua_nudge(L, size);
  } else {
    void *start = (void *)(uintptr_t)data; /* read-only: nobody writes */
    status = pgi_buffer_wrap(ctx, start, size, true, release_buffer, b->buffer, &part, &err);
    if (status == PG_OK) {
      part->is_mapped = b->buffer->is_mapped;
      pgi_buffer_retain(b->buffer); /* the part's */
    }
  }
  if (status != PG_OK) return pgi_lua_fail(L, &err);
  /* strides may repeat elements: only their span lies in the buffer */
  status = is_strided ? pgi_tensor_on_buffer(part, dtype, 1, &n_elements, 0, t, &err)
                      : pgi_tensor_on_buffer(part, dtype, rank, dims, 0, t, &err);
  pgi_buffer_release(part);
  if (status != PG_OK) return pgi_lua_fail(L, &err);
  if (is_strided) {
    t->rank = rank;
    memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    memcpy(t->strides, strides, (size_t)rank * sizeof *strides);
  }
  return 1;
}

/* b:npy() -> Tensor of the content of a .npy file */
static int get_npy(lua_State *L) {
  const bytes *b = check(L, 1);
  pg_error err;
  pg_tensor *t = pgi_lua_new_tensor(L);
  if (pgi_npy_read(pgi_lua_context(L), b->data, b->size, t, &err) != PG_OK)
    return pgi_lua_fail(L, &err);
  pgi_lua_nudge(L, pg_tensor_bytes(t));
  return 1;
}

void pgi_lua_open_bytes(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"bytes_open", open_bytes}, {"bytes_of", bytes_of}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"close", close_bytes}, {"string", get_string},
                                     {"slice", get_slice},   {"find", find},
                                     {"u8", get_u8},         {"i8", get_i8},
                                     {"u16", get_u16},       {"i16", get_i16},
                                     {"u32", get_u32},       {"i32", get_i32},
                                     {"i64", get_i64},       {"f32", get_f32},
                                     {"f64", get_f64},       {"varint", get_varint},
                                     {"field", get_field},   {"varints", get_varints},
                                     {"tensor", get_tensor}, {"inflate", inflate_bytes},
                                     {"npy", get_npy},       {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", close_bytes},
                                  {"__close", close_bytes},
                                  {"__len", length},
                                  {"__tostring", bytes_text},
                                  {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, PG_LUA_BYTES);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newmetatable(L, PG_LUA_FAILURE);
  lua_pushcfunction(L, failure_text);
  lua_setfield(L, -2, "__tostring");
  lua_setfield(L, -2, "failure_meta");
}
