/* Graph:infer: shapes and sizes from tables, contradictions back as a table. */
#include "bind/bind.h"

/* The name at `key` on the stack, which must be a string. */
static const char *check_name(lua_State *L, int key, const char *what) {
  if (lua_type(L, key) != LUA_TSTRING) pgi_lua_error(L, "infer: the keys of '%s' are names", what);
  return lua_tostring(L, key);
}

static int count_keys(lua_State *L, int table) {
  int n = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    n++;
  }
  return n;
}

/* dims = { N = 4 } */
static void read_dims(lua_State *L, int opts, pgi_infer_request *r) {
  if (lua_getfield(L, opts, "dims") == LUA_TNIL) return;
  luaL_checktype(L, -1, LUA_TTABLE);
  int table = lua_gettop(L), n = count_keys(L, table);
  pgi_asked_dim *dims = pgi_lua_scratch(L, (size_t)(n + 1) * sizeof *dims);
  lua_pushnil(L);
  while (lua_next(L, table) && r->n_dims < n) {
    pgi_asked_dim *dim = &dims[r->n_dims++];
    dim->name = check_name(L, -2, "dims");
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0)
      pgi_lua_error(L, "infer: dimension '%s': expected a size", dim->name);
    dim->n = lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  r->dims = dims;
}

/* { 1, 3, "H", "?" }: strings stay alive in the caller's table. */
static void read_shape(lua_State *L, pgi_asked_shape *shape) {
  if (lua_type(L, -1) != LUA_TTABLE)
    pgi_lua_error(L, "infer: input '%s': expected a table of sizes", shape->input);
  int table = lua_gettop(L);
  shape->rank = pgi_lua_rank(L, table);
  for (int i = 0; i < shape->rank; i++) {
    int kind = lua_rawgeti(L, table, i + 1);
    shape->dims[i] = pgi_dim_unknown();
    if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0)
      shape->dims[i] = pgi_dim_of(lua_tointeger(L, -1));
    else if (kind != LUA_TSTRING)
      pgi_lua_error(L, "infer: input '%s': dimensions are sizes or names", shape->input);
    else if (strcmp(lua_tostring(L, -1), "?") != 0)
      shape->dims[i].symbol = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
}

/* shapes = { input = { 1, 3, "H", "W" } } */
static void read_shapes(lua_State *L, int opts, pgi_infer_request *r) {
  if (lua_getfield(L, opts, "shapes") == LUA_TNIL) return;
  luaL_checktype(L, -1, LUA_TTABLE);
  int table = lua_gettop(L), n = count_keys(L, table);
  pgi_asked_shape *shapes = pgi_lua_scratch(L, (size_t)(n + 1) * sizeof *shapes);
  lua_pushnil(L);
  while (lua_next(L, table) && r->n_shapes < n) {
    pgi_asked_shape *shape = &shapes[r->n_shapes++];
    shape->input = check_name(L, -2, "shapes");
    read_shape(L, shape);
    lua_pop(L, 1);
  }
  r->shapes = shapes;
}

static void read_request(lua_State *L, int opts, pgi_infer_request *r) {
  static const char *const known[] = {"strict", "dims", "shapes", NULL};
  if (lua_isnoneornil(L, opts)) return;
  if (lua_isboolean(L, opts)) {
    r->is_strict = lua_toboolean(L, opts);
    return;
  }
  pgi_lua_check_options(L, opts, known);
  lua_getfield(L, opts, "strict");
  r->is_strict = lua_toboolean(L, -1);
  lua_pop(L, 1);
  read_dims(L, opts, r);
  read_shapes(L, opts, r);
}

static int push_contradictions(lua_State *L) {
  const pgi_contradiction *c = lua_touserdata(L, 1);
  lua_newtable(L);
  for (lua_Integer i = 1; c; c = c->next, i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, c->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, c->declared);
    lua_setfield(L, -2, "declared");
    lua_pushstring(L, c->inferred);
    lua_setfield(L, -2, "inferred");
    lua_rawseti(L, -2, i);
  }
  return 1;
}

/* infer(g [, opts or strict]) -> true, { { name, declared, inferred } ... } */
int pgi_lua_graph_infer(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  pgi_infer_request request = {0};
  const pgi_contradiction *list = NULL;
  pgi_arena arena;
  pg_error err;
  lua_settop(L, 2);
  read_request(L, 2, &request);
  lua_pushboolean(L, 1);
  lua_pushcfunction(L, push_contradictions);
  pgi_arena_init(&arena, g->model->ctx);
  pg_status status = pgi_graph_infer_all(g, &request, &arena, &list, &err);
  int problem = LUA_OK;
  if (status == PG_OK) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)list);
    problem = lua_pcall(L, 1, 1, 0);
  }
  pgi_arena_deinit(&arena);
  if (status != PG_OK) return pgi_lua_fail(L, &err);
  return problem == LUA_OK ? 2 : lua_error(L);
}
