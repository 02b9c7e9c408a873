/* core.eval: any operator on tensors; core.map: element-wise programs.  Every bulk operation of the
** Lua side is one call of these. */
#include "bind/bind.h"

enum { MAX_INPUTS = 64, MAX_OUTPUTS = 16 };

static lua_Integer in_range(lua_State *L, lua_Integer n, lua_Integer least, lua_Integer most,
                            const char *what) {
  if (n < least || n > most)
    pgi_lua_error(L, "%s: expected %I to %I, got %I", what, (LUAI_UACINT)least, (LUAI_UACINT)most,
                  (LUAI_UACINT)n);
  return n;
}

/* eval(type, inputs, attrs, n_outputs, domain, threads) -> outputs...
** inputs: an array with n = its length, nil or false for what is omitted. */
static int eval(lua_State *L) {
  const char *type = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  const char *domain = luaL_optstring(L, 5, "");
  int n_out = (int)in_range(L, luaL_optinteger(L, 4, 1), 1, MAX_OUTPUTS, "outputs");
  int threads = (int)in_range(L, luaL_optinteger(L, 6, 1), 1, 1024, "threads");
  lua_settop(L, 6);
  lua_Integer n = lua_getfield(L, 2, "n") == LUA_TNUMBER ? lua_tointeger(L, -1) : luaL_len(L, 2);
  int n_in = (int)in_range(L, n, 0, MAX_INPUTS, "inputs");
  const pg_op *op = pgi_op_find(domain, type);
  if (!op) pgi_lua_error(L, "there is no operator '%s'", type);
  const pg_tensor *in[MAX_INPUTS];
  luaL_checkstack(L, n_out + 8, NULL);
  pg_tensor *held = pgi_lua_new_tensors(L, n_in);
  for (int i = 0; i < n_in; i++) {
    in[i] = NULL;
    lua_geti(L, 2, i + 1);
    if (lua_toboolean(L, -1)) {
      pgi_lua_to_value(L, -1, PG_NONE, &held[i]);
      in[i] = &held[i];
    }
    lua_pop(L, 1);
  }
  int n_attrs;
  pgi_attr *attrs = pgi_lua_to_attrs(L, 3, op, NULL, &n_attrs);
  pg_tensor *out = pgi_lua_new_tensors(L, n_out);
  pg_error err;
  if (pgi_eval(pgi_lua_context(L), threads, domain, type, attrs, n_attrs, in, n_in, out, n_out,
               &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  for (int i = 0; i < n_out; i++) pgi_lua_push_value(L, &out[i]);
  return n_out;
}

/* map(expression, names, tensors, dtype) -> tensor: names[i] is what tensors[i] is called */
static int map(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  pg_dtype dtype = pgi_lua_opt_dtype(L, 4, PG_NONE);
  int n = (int)in_range(L, luaL_len(L, 2), 1, MAX_INPUTS, "tensors");
  const char *names[MAX_INPUTS];
  const pg_tensor *in[MAX_INPUTS];
  luaL_checkstack(L, n + 8, NULL);
  pg_tensor *held = pgi_lua_new_tensors(L, n);
  for (int i = 0; i < n; i++) {
    lua_geti(L, 2, i + 1);
    names[i] = luaL_checkstring(L, -1);
    lua_geti(L, 3, i + 1);
    const pg_tensor *t = pgi_lua_test_tensor(L, -1);
    if (!t || t->dtype == PG_NONE) pgi_lua_error(L, "'%s' is no open tensor", names[i]);
    pgi_tensor_assign(&held[i], t);
    in[i] = &held[i];
    lua_pop(L, 1); /* the name stays */
  }
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  if (pgi_tensor_map(pgi_lua_context(L), 1, text, names, in, n, dtype, out, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  pgi_lua_nudge(L, pg_tensor_bytes(out));
  return 1;
}

void pgi_lua_open_eval(lua_State *L) {
  static const luaL_Reg functions[] = {{"eval", eval}, {"map", map}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
