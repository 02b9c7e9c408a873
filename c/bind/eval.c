/* core.eval: any operator on tensors; core.map: element-wise programs.  Every bulk operation of the
** Lua side is one call of these. */
#include "bind/bind.h"

enum { MAX_INPUTS = 64, MAX_OUTPUTS = 16 };

/* eval(type, inputs, attrs, n_outputs, domain, threads) -> outputs...
** inputs: an array with n = its length, nil or false for what is omitted. */
static int eval(lua_State *L) {
  const char *type = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  int n_out = (int)luaL_optinteger(L, 4, 1);
  const char *domain = luaL_optstring(L, 5, "");
  int threads = (int)luaL_optinteger(L, 6, 1);
  luaL_argcheck(L, n_out >= 1 && n_out <= MAX_OUTPUTS, 4, "too many outputs");
  lua_settop(L, 6);
  int n_in = lua_getfield(L, 2, "n") == LUA_TNUMBER ? (int)lua_tointeger(L, -1) : (int)luaL_len(L, 2);
  luaL_argcheck(L, n_in >= 0 && n_in <= MAX_INPUTS, 2, "too many inputs");
  const pg_op *op = pgi_op_find(domain, type);
  if (!op) luaL_error(L, "there is no operator '%s'", type);
  const pg_tensor *in[MAX_INPUTS];
  luaL_checkstack(L, n_in + n_out + 8, NULL);
  for (int i = 0; i < n_in; i++) {
    in[i] = NULL;
    if (lua_geti(L, 2, i + 1) == LUA_TUSERDATA) {
      in[i] = pgi_lua_test_tensor(L, -1);
      if (!in[i] || in[i]->dtype == PG_NONE) luaL_argerror(L, 2, "an input is no open tensor");
    } else if (lua_toboolean(L, -1)) {
      pg_tensor *t = pgi_lua_new_tensor(L);
      pgi_lua_to_value(L, -2, PG_NONE, t);
      lua_replace(L, -2);
      in[i] = t;
    }
  }
  int n_attrs;
  pgi_attr *attrs = pgi_lua_to_attrs(L, 3, op, &n_attrs);
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
  int n = (int)luaL_len(L, 2);
  luaL_argcheck(L, n >= 1 && n <= MAX_INPUTS, 2, "1 to 64 tensors");
  const char *names[MAX_INPUTS];
  const pg_tensor *in[MAX_INPUTS];
  luaL_checkstack(L, 2 * n + 4, NULL);
  for (int i = 0; i < n; i++) {
    lua_geti(L, 2, i + 1);
    names[i] = luaL_checkstring(L, -1);
    lua_geti(L, 3, i + 1);
    in[i] = pgi_lua_test_tensor(L, -1);
    if (!in[i] || in[i]->dtype == PG_NONE) luaL_error(L, "'%s' is no open tensor", names[i]);
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
