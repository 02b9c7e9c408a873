/* Files that hold values: npy, ONNX protobuf (test data), WAV. */
#include "bind/bind.h"
#include "format/format.h"

static int file_gc(lua_State *L) {
  pgi_file_close(lua_touserdata(L, 1));
  return 0;
}

pgi_file *pgi_lua_map_file(lua_State *L, const char *path, pg_error *err) {
  pgi_file *f = lua_newuserdatauv(L, sizeof *f, 0);
  memset(f, 0, sizeof *f);
  if (luaL_newmetatable(L, "perigee.file")) {
    lua_pushcfunction(L, file_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return pgi_file_open(pgi_lua_context(L), path, f, err) == PG_OK ? f : NULL;
}

void pgi_lua_unmap_file(pgi_file *f) {
  pgi_file_close(f);
  memset(f, 0, sizeof *f);
}

/* npy_read(path) -> Tensor */
static int npy_read(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pg_error err;
  pgi_file *f = pgi_lua_map_file(L, path, &err);
  if (!f) return pgi_lua_fail(L, &err);
  pg_tensor *t = pgi_lua_new_tensor(L);
  pg_status status = pgi_npy_read(pgi_lua_context(L), f->data, f->size, t, &err);
  pgi_lua_unmap_file(f);
  if (status != PG_OK) {
    pgi_error_prefix(&err, "%s", path);
    return pgi_lua_fail(L, &err);
  }
  pgi_lua_nudge(L, pg_tensor_bytes(t));
  return 1;
}

/* npy_write(tensor, path) -> true */
static int npy_write(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  const char *path = luaL_checkstring(L, 2);
  pg_error err;
  if (pgi_npy_write(t, path, &err) != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* pb_read(path [, graph, "input"|"output", 1-based position]) -> value.  The graph's declaration
** says whether a tensor, a sequence or an optional is in the file. */
static int pb_read(lua_State *L) {
  static const char *const sides[] = {"input", "output", NULL};
  const char *path = luaL_checkstring(L, 1);
  const pgi_type *type = NULL;
  if (!lua_isnoneornil(L, 2)) {
    pg_graph *g = pgi_lua_check_graph(L, 2);
    bool is_input = luaL_checkoption(L, 3, NULL, sides) == 0;
    lua_Integer i = luaL_checkinteger(L, 4);
    pgi_lua_argcheck(L, i >= 1 && i <= (is_input ? g->n_inputs : g->n_outputs), 4, "out of range");
    type = is_input ? &g->inputs[i - 1]->type : &g->outputs[i - 1].value->type;
  }
  pg_error err;
  pgi_file *f = pgi_lua_map_file(L, path, &err);
  if (!f) return pgi_lua_fail(L, &err);
  pg_tensor *v = pgi_lua_new_tensor(L);
  pg_status status = pgi_onnx_read_value(pgi_lua_context(L), f->data, f->size, type, v, &err);
  pgi_lua_unmap_file(f);
  if (status != PG_OK) {
    pgi_error_prefix(&err, "%s", path);
    return pgi_lua_fail(L, &err);
  }
  pgi_lua_push_value(L, v);
  return 1;
}

/* pb_write(tensor, path [, name]) -> true */
static int pb_write(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  const char *path = luaL_checkstring(L, 2);
  pg_context *ctx = pgi_lua_context(L);
  void *data = NULL;
  size_t size = 0;
  pg_error err;
  pgi_writer *w = NULL;
  pg_status status = pgi_onnx_write_tensor(t, luaL_optstring(L, 3, ""), &data, &size, &err);
  if (status == PG_OK) status = pgi_writer_open(ctx, path, &w, &err);
  if (status == PG_OK) status = pgi_writer_end(w, pgi_writer_write(w, data, size, &err), &err);
  pgi_free(ctx, data);
  if (status != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* write_file(path, bytes) -> true: the file gets its name once it is complete */
static int write_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  size_t size;
  const char *bytes = luaL_checklstring(L, 2, &size);
  pgi_writer *w = NULL;
  pg_error err;
  pg_status status = pgi_writer_open(pgi_lua_context(L), path, &w, &err);
  if (status == PG_OK) status = pgi_writer_end(w, pgi_writer_write(w, bytes, size, &err), &err);
  if (status != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* allclose(a, b, rtol, atol): any values; true, or false and where they differ */
static int value_allclose(lua_State *L) {
  lua_settop(L, 4);
  pg_tensor *v = pgi_lua_new_tensors(L, 2);
  pgi_lua_to_value(L, 1, PG_NONE, &v[0]);
  pgi_lua_to_value(L, 2, PG_NONE, &v[1]);
  char why[400];
  bool same = pgi_allclose(&v[0], &v[1], luaL_optnumber(L, 3, 1e-3), luaL_optnumber(L, 4, 1e-5),
                           why, sizeof why);
  lua_pushboolean(L, same);
  if (same) return 1;
  lua_pushstring(L, why);
  return 2;
}

/* wav_read(path) -> Tensor f32 [channels, samples], rate in Hz */
static int wav_read(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pg_error err;
  int32_t rate = 0;
  pgi_file *f = pgi_lua_map_file(L, path, &err);
  if (!f) return pgi_lua_fail(L, &err);
  pg_tensor *t = pgi_lua_new_tensor(L);
  pg_status status = pgi_wav_read(pgi_lua_context(L), f->data, f->size, t, &rate, &err);
  pgi_lua_unmap_file(f);
  if (status != PG_OK) {
    pgi_error_prefix(&err, "%s", path);
    return pgi_lua_fail(L, &err);
  }
  lua_pushinteger(L, rate);
  return 2;
}

/* wav_write(tensor, rate, path) -> true */
static int wav_write(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  lua_Integer rate = luaL_checkinteger(L, 2);
  const char *path = luaL_checkstring(L, 3);
  pg_error err;
  pgi_lua_argcheck(L, rate >= 1 && rate <= INT32_MAX, 2, "the rate is out of range");
  if (pgi_wav_write(t, (int32_t)rate, path, &err) != PG_OK) return pgi_lua_fail_or_raise(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

void pgi_lua_open_file(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"npy_read", npy_read}, {"npy_write", npy_write}, {"write_file", write_file},
      {"pb_read", pb_read},   {"pb_write", pb_write},   {"allclose", value_allclose},
      {"wav_read", wav_read}, {"wav_write", wav_write}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
