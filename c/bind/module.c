/* perigee.core: opening, the context of a state, errors, options. */
#include <sys/resource.h>

#include "bind/bind.h"

static const char context_key = 0; /* its address is the registry key */

static int context_gc(lua_State *L) {
  pg_context **box = lua_touserdata(L, 1);
  pg_context_release(*box);
  *box = NULL;
  return 0;
}

pg_context *pgi_lua_context(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key) == LUA_TUSERDATA) {
    pg_context *ctx = *(pg_context **)lua_touserdata(L, -1);
    lua_pop(L, 1);
    return ctx;
  }
  lua_pop(L, 1);
  pg_context **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, context_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  pg_error err;
  if (pg_context_new(NULL, box, &err) != PG_OK) pgi_lua_raise(L, &err);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
  return pgi_lua_context(L);
}

int pgi_lua_fail(lua_State *L, const pg_error *err) {
  luaL_pushfail(L);
  lua_pushstring(L, err->message);
  lua_pushstring(L, pg_status_name(err->code));
  return 3;
}

/* The level of the innermost Lua function outside of perigee's own modules: the caller to blame. */
static int user_level(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "S", &ar);
    if (*ar.what != 'C' && !strstr(ar.source, "/perigee/")) return level;
  }
  return 1;
}

int pgi_lua_raise(lua_State *L, const pg_error *err) {
  luaL_where(L, user_level(L));
  lua_pushstring(L, err->message);
  lua_concat(L, 2);
  return lua_error(L);
}

int pgi_lua_fail_or_raise(lua_State *L, const pg_error *err) {
  return err->code == PG_INVALID ? pgi_lua_raise(L, err) : pgi_lua_fail(L, err);
}

void pgi_lua_nudge(lua_State *L, size_t bytes) {
  if (bytes < 4096) return;
  lua_gc(L, LUA_GCSTEP, (int)PG_MIN(bytes / 1024, (size_t)INT32_MAX));
}

void pgi_lua_check_options(lua_State *L, int arg, const char *const *known) {
  if (lua_isnoneornil(L, arg)) return;
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    lua_pop(L, 1);
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    int i = 0;
    while (known[i] && !(key && strcmp(known[i], key) == 0)) i++;
    if (known[i]) continue;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (i = 0; known[i]; i++) {
      luaL_addstring(&b, i ? ", " : "");
      luaL_addstring(&b, known[i]);
    }
    luaL_pushresult(&b);
    const char *list = lua_tostring(L, -1);
    luaL_argerror(L, arg, lua_pushfstring(L, "unknown option '%s' (known: %s)",
                                          key ? key : "(not a string)", list));
  }
}

void *pgi_lua_scratch(lua_State *L, size_t bytes) {
  return lua_newuserdatauv(L, bytes ? bytes : 1, 0);
}

static int isa(lua_State *L) {
  lua_pushstring(L, pg_context_isa(pgi_lua_context(L)));
  return 1;
}

static int cpu_count(lua_State *L) {
  lua_pushinteger(L, pgi_cpu_count());
  return 1;
}

/* Seconds of a monotonic clock. */
static int clock_seconds(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pgi_now_ns(pgi_lua_context(L)) * 1e-9);
  return 1;
}

/* The most memory that this process ever had resident, in bytes. */
static int peak_bytes(lua_State *L) {
  struct rusage usage;
  lua_pushinteger(L, getrusage(RUSAGE_SELF, &usage) == 0 ? (lua_Integer)usage.ru_maxrss * 1024 : 0);
  return 1;
}

/* { { name, domain, since = {...}, ... } ... }: what the table of operators holds. */
static int operators(lua_State *L) {
  int n;
  const pg_op *const *ops = pgi_op_all(&n);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, ops[i]->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, ops[i]->domain ? ops[i]->domain : "");
    lua_setfield(L, -2, "domain");
    lua_newtable(L);
    for (int k = 0; k < PG_COUNT(ops[i]->since) && ops[i]->since[k]; k++) {
      lua_pushinteger(L, ops[i]->since[k]);
      lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, "since");
    lua_newtable(L);
    int types = 0;
    for (int d = PG_F32; d <= PG_I2; d++) {
      if (!(ops[i]->types & PG_T(d))) continue;
      lua_pushstring(L, pg_dtype_name((pg_dtype)d));
      lua_rawseti(L, -2, ++types);
    }
    lua_setfield(L, -2, "types");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

PG_API int luaopen_perigee_core(lua_State *L);
int luaopen_perigee_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"isa", isa}, {"cpu_count", cpu_count}, {"clock", clock_seconds}, {"operators", operators},
      {"peak_bytes", peak_bytes},
      {NULL, NULL}};
  luaL_checkversion(L);
  luaL_newlib(L, functions);
  lua_pushliteral(L, PG_VERSION);
  lua_setfield(L, -2, "version");
  pgi_lua_open_tensor(L);
  pgi_lua_open_eval(L);
  pgi_lua_open_node(L);
  pgi_lua_open_graph(L);
  pgi_lua_open_session(L);
  pgi_lua_open_file(L);
  pgi_lua_open_image(L);
  pgi_lua_open_post(L);
  return 1;
}
