/* core.tokenizer(path, options) and the methods of perigee.Tokenizer.  lua/perigee/prep/text.lua adds
** batches, streams and checks. */
#include "bind/bind.h"
#include "text/text.h"

#define TOKENIZER "perigee.Tokenizer"

static pgi_tokenizer *check(lua_State *L, int arg) {
  pgi_tokenizer **box = luaL_checkudata(L, arg, TOKENIZER);
  pgi_lua_argcheck(L, *box != NULL, arg, "the tokenizer is closed");
  return *box;
}

static int collect(lua_State *L) {
  pgi_tokenizer **box = luaL_checkudata(L, 1, TOKENIZER);
  pgi_tokenizer_free(*box);
  *box = NULL;
  return 0;
}

static const char *text_field(lua_State *L, int arg, const char *key) {
  lua_getfield(L, arg, key);
  return luaL_optstring(L, -1, NULL); /* stays on the stack */
}

/* tokenizer(path, { format, merges, pattern, lowercase }) */
static int open_tokenizer(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  pgi_open_options o = {.format = text_field(L, 2, "format"),
                        .merges = text_field(L, 2, "merges"),
                        .pattern = text_field(L, 2, "pattern")};
  lua_getfield(L, 2, "lowercase");
  o.lowercase = lua_isnil(L, -1) || lua_toboolean(L, -1);
  pgi_tokenizer **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, TOKENIZER);
  pg_error err;
  if (pgi_tokenizer_open(pgi_lua_context(L), path, &o, box, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  return 1;
}

/* ---- encoding --------------------------------------------------------------------------------------------- */

/* A result that dies with its stack slot. */
static int encoding_gc(lua_State *L) {
  pgi_encoding_deinit(lua_touserdata(L, 1));
  return 0;
}

static pgi_encoding *new_encoding(lua_State *L) {
  pgi_encoding *e = lua_newuserdatauv(L, sizeof *e, 0);
  *e = (pgi_encoding){.ctx = pgi_lua_context(L)};
  if (luaL_newmetatable(L, "perigee.Encoding")) {
    lua_pushcfunction(L, encoding_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return e;
}

static int64_t *push_i64(lua_State *L, int64_t n, int64_t columns) {
  pg_tensor *t = pgi_lua_new_tensor(L);
  int64_t dims[2] = {n, columns};
  pg_error err;
  if (pgi_tensor_alloc(pgi_lua_context(L), PG_I64, columns ? 2 : 1, dims, t, &err) != PG_OK)
    pgi_lua_raise(L, &err);
  pgi_lua_nudge(L, (size_t)n * 8 * (size_t)PG_MAX(columns, 1));
  return pgi_tensor_data(t);
}

static void push_spans(lua_State *L, const pgi_span *spans, int64_t n, const char *key) {
  int64_t *out = push_i64(L, n, 2);
  for (int64_t i = 0; i < n; i++) {
    out[2 * i] = spans[i].from;
    out[2 * i + 1] = spans[i].to;
  }
  lua_setfield(L, -2, key);
}

static void push_result(lua_State *L, const pgi_encoding *e) {
  lua_createtable(L, 0, 8);
  int64_t *ids = push_i64(L, e->n, 0);
  for (int64_t i = 0; i < e->n; i++) ids[i] = e->ids[i];
  lua_setfield(L, -2, "ids");
  int64_t *types = push_i64(L, e->n, 0);
  for (int64_t i = 0; i < e->n; i++) types[i] = e->types[i];
  lua_setfield(L, -2, "type_ids");
  int64_t *mask = push_i64(L, e->n, 0);
  for (int64_t i = 0; i < e->n; i++) mask[i] = e->marks[i] != 2;
  lua_setfield(L, -2, "attention_mask");
  int64_t *special = push_i64(L, e->n, 0);
  for (int64_t i = 0; i < e->n; i++) special[i] = e->marks[i] != 0;
  lua_setfield(L, -2, "special_mask");
  if (!e->wants_places) return;
  push_spans(L, e->chars, e->n, "offsets");
  push_spans(L, e->bytes, e->n, "byte_offsets");
}

/* encode(tokenizer, text, pair or nil, special, offsets, truncate, pad, max_length) -> a table; pad: false, or
** the length to pad to (0: the tokenizer's own setting) */
static int encode(lua_State *L) {
  pgi_tokenizer *t = check(L, 1);
  size_t size, pair_size = 0;
  const char *text = luaL_checklstring(L, 2, &size);
  const char *pair = luaL_optlstring(L, 3, NULL, &pair_size);
  pgi_encode_options o = {.special = lua_toboolean(L, 4),
                          .places = lua_toboolean(L, 5),
                          .truncate = lua_toboolean(L, 6),
                          .max_length = luaL_optinteger(L, 8, 0)};
  int64_t pad = lua_isinteger(L, 7) ? lua_tointeger(L, 7) : -1;
  pgi_lua_argcheck(L, o.max_length >= 0 && o.max_length <= INT32_MAX, 8, "out of range");
  pgi_lua_argcheck(L, pad <= 1 << 24, 7, "out of range");
  pgi_encoding *e = new_encoding(L);
  pg_error err;
  pg_status status = pgi_encode(t, text, size, pair, pair_size, &o, e, &err);
  if (status == PG_OK && pad > 0) status = pgi_encoding_pad(t, e, pad, &err);
  if (status != PG_OK) return pgi_lua_fail_or_raise(L, &err);
  push_result(L, e);
  return 1;
}

static int decoded_gc(lua_State *L) {
  pgi_text_bytes *out = lua_touserdata(L, 1);
  pgi_free(out->ctx, out->data);
  out->data = NULL;
  return 0;
}

/* decode(tokenizer, ids: i64 tensor, skip_special) -> text */
static int decode(lua_State *L) {
  pgi_tokenizer *t = check(L, 1);
  pg_tensor *ids = pgi_lua_check_tensor(L, 2);
  bool skip = lua_toboolean(L, 3);
  pgi_lua_argcheck(L, ids->dtype == PG_I64 && pgi_tensor_is_contiguous(ids), 2, "expected i64");
  pgi_text_bytes *out = lua_newuserdatauv(L, sizeof *out, 0);
  *out = (pgi_text_bytes){.ctx = pgi_lua_context(L)};
  if (luaL_newmetatable(L, "perigee.Decoded")) {
    lua_pushcfunction(L, decoded_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  pg_error err;
  if (pgi_decode_ids(t, pgi_tensor_data(ids), pgi_tensor_count(ids), skip, out, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  lua_pushlstring(L, out->data, (size_t)out->n);
  return 1;
}

static int token(lua_State *L) {
  pgi_tokenizer *t = check(L, 1);
  lua_Integer id = luaL_checkinteger(L, 2);
  if (id < 0 || id >= t->n_tokens || !t->tokens[id]) return 0;
  lua_pushlstring(L, t->tokens[id], t->sizes[id]);
  return 1;
}

static int id(lua_State *L) {
  pgi_tokenizer *t = check(L, 1);
  size_t n;
  const char *text = luaL_checklstring(L, 2, &n);
  int32_t found = pgi_tokenizer_id(t, text, n);
  if (found < 0) return 0;
  lua_pushinteger(L, found);
  return 1;
}

static int size(lua_State *L) {
  lua_pushinteger(L, check(L, 1)->n_tokens);
  return 1;
}

/* padding(tokenizer) -> nil, or { length, multiple } as the file has it */
static int padding(lua_State *L) {
  pgi_tokenizer *t = check(L, 1);
  if (!t->has_padding) return 0;
  lua_pushinteger(L, t->pad_length);
  lua_pushinteger(L, t->pad_multiple);
  return 2;
}

void pgi_lua_open_tokenizer(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"_encode", encode}, {"_decode", decode},   {"token", token}, {"id", id},
      {"size", size},      {"_padding", padding}, {NULL, NULL}};
  lua_pushcfunction(L, open_tokenizer);
  lua_setfield(L, -2, "tokenizer");
  luaL_newmetatable(L, TOKENIZER);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "close");
  lua_createtable(L, 0, 8);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -3, "tokenizer_methods");
  lua_pop(L, 1);
}
