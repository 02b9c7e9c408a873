/* perigee.Graph: surgery on whole models, and models as bytes.  What may fail half way is done on a
** clone, which shares the weights. */
#include "bind/bind.h"
#include "format/format.h"

/* A list of strings at `arg` as C strings that live as long as the list. */
static const char *const *names_at(lua_State *L, int arg, int *n) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Unsigned count = lua_rawlen(L, arg);
  pgi_lua_argcheck(L, count <= 1 << 20, arg, "too many names");
  const char **names = pgi_lua_scratch(L, PG_MAX(count, 1) * sizeof *names);
  for (lua_Unsigned i = 0; i < count; i++) {
    pgi_lua_argcheck(L, lua_rawgeti(L, arg, (lua_Integer)i + 1) == LUA_TSTRING, arg,
                     "names of values are strings");
    names[i] = lua_tostring(L, -1);
    lua_pop(L, 1); /* the list keeps it */
  }
  *n = (int)count;
  return names;
}

/* extract(inputs, outputs) -> Graph, names of inputs that nothing needs */
static int graph_extract(lua_State *L) {
  const pg_graph *g = pgi_lua_check_model(L, 1);
  lua_settop(L, 3);
  int n_in, n_out;
  const char *const *in = names_at(L, 2, &n_in);
  const char *const *out = names_at(L, 3, &n_out);
  bool *is_reached = pgi_lua_scratch(L, (size_t)PG_MAX(n_in, 1));
  pg_error err;
  pg_graph **box = pgi_lua_new_graph(L);
  if (pgi_graph_clone(g, box, &err) != PG_OK) return pgi_lua_fail(L, &err);
  if (pgi_graph_extract(*box, n_in, in, n_out, out, is_reached, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  lua_newtable(L);
  for (int i = 0, n = 0; i < n_in; i++) {
    if (is_reached[i]) continue;
    lua_pushstring(L, in[i]);
    lua_rawseti(L, -2, ++n);
  }
  return 2;
}

/* merge(other, froms, tos, prefix, is_always) -> Graph: output froms[i] feeds input tos[i] of other */
static int graph_merge(lua_State *L) {
  const pg_graph *g = pgi_lua_check_model(L, 1), *other = pgi_lua_check_model(L, 2);
  const char *prefix = luaL_checkstring(L, 5);
  bool is_always = lua_toboolean(L, 6);
  int n, n_to;
  const char *const *from = names_at(L, 3, &n);
  const char *const *to = names_at(L, 4, &n_to);
  pgi_lua_argcheck(L, n == n_to, 4, "as many names as before");
  pgi_joint *joints = pgi_lua_scratch(L, (size_t)PG_MAX(n, 1) * sizeof *joints);
  for (int i = 0; i < n; i++) joints[i] = (pgi_joint){from[i], to[i]};
  pg_error err;
  pg_graph **box = pgi_lua_new_graph(L);
  if (pgi_graph_clone(g, box, &err) != PG_OK) return pgi_lua_fail(L, &err);
  if (pgi_graph_merge(*box, other, n, joints, prefix, is_always, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  return 1;
}

/* Changes a clone, whose model then takes the place of the handle's own. */
static int change(lua_State *L, pg_status (*how)(pg_graph *g, int64_t arg, pg_error *err),
                  int64_t arg) {
  pg_graph *g = pgi_lua_check_model(L, 1), *copy;
  pg_error err;
  if (pgi_graph_clone(g, &copy, &err) != PG_OK) return pgi_lua_fail(L, &err);
  if (how(copy, arg, &err) != PG_OK) {
    pg_graph_free(copy);
    return pgi_lua_fail(L, &err);
  }
  pgi_lua_drop_nodes(L, 1);
  *(pg_graph **)lua_touserdata(L, 1) = copy;
  pg_graph_free(g);
  lua_pushboolean(L, 1);
  return 1;
}

static pg_status upgrade(pg_graph *g, int64_t opset, pg_error *err) {
  return pgi_graph_upgrade(g, (int)opset, err);
}

/* upgrade([opset]) -> true */
static int graph_upgrade(lua_State *L) {
  lua_Integer opset = luaL_optinteger(L, 2, 0);
  pgi_lua_argcheck(L, opset >= 0 && opset <= 10000, 2, "no such opset");
  return change(L, upgrade, opset);
}

static pg_status inline_all(pg_graph *g, int64_t arg, pg_error *err) {
  (void)arg;
  return pgi_graph_inline(g, err);
}

/* inline() -> true */
static int graph_inline(lua_State *L) {
  return change(L, inline_all, 0);
}

typedef struct byte_block {
  pg_context *ctx; /* borrowed: the state's */
  void *data;
} byte_block;

static int free_block(lua_State *L) {
  byte_block *block = lua_touserdata(L, 1);
  pgi_free(block->ctx, block->data);
  block->data = NULL;
  return 0;
}

/* bytes() -> string: the model as one ONNX message, all weights in it */
static int graph_bytes(lua_State *L) {
  const pg_graph *g = pgi_lua_check_model(L, 1);
  size_t size;
  pg_error err;
  byte_block *block = lua_newuserdatauv(L, sizeof *block, 0);
  *block = (byte_block){g->model->ctx, NULL};
  if (luaL_newmetatable(L, "perigee.bytes")) {
    lua_pushcfunction(L, free_block);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  if (pgi_onnx_save_bytes(g, &block->data, &size, &err) != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushlstring(L, block->data, size);
  pgi_free(block->ctx, block->data);
  block->data = NULL;
  return 1;
}

void pgi_lua_open_surgery(lua_State *L) {
  static const luaL_Reg methods[] = {{"extract", graph_extract}, {"merge", graph_merge},
                                     {"upgrade", graph_upgrade}, {"inline", graph_inline},
                                     {"bytes", graph_bytes},     {NULL, NULL}};
  luaL_setfuncs(L, methods, 0);
}
