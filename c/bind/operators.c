/* The table of operators as Lua tables: what lists, the manual and the checker read. */
#include "bind/bind.h"

/* Pushes { least, most }; no most where there may be any number. */
static void push_range(lua_State *L, const uint8_t range[2]) {
  lua_createtable(L, 2, 0);
  lua_pushinteger(L, range[0]);
  lua_rawseti(L, -2, 1);
  if (range[1] == PG_MANY) return;
  lua_pushinteger(L, range[1]);
  lua_rawseti(L, -2, 2);
}

static void push_since(lua_State *L, const pg_op *op) {
  lua_newtable(L);
  for (int k = 0; k < PG_COUNT(op->since) && op->since[k]; k++) {
    lua_pushinteger(L, op->since[k]);
    lua_rawseti(L, -2, k + 1);
  }
}

static void push_types(lua_State *L, pgi_types set) {
  int n = 0;
  lua_newtable(L);
  for (int d = PG_F32; d < PG_N_DTYPES; d++) {
    if (!(set & PG_T(d))) continue;
    lua_pushstring(L, pg_dtype_name((pg_dtype)d));
    lua_rawseti(L, -2, ++n);
  }
}

/* The default of a single value; a required attribute has none, and lists have the empty one. */
static bool push_default(lua_State *L, const pgi_attr_def *a) {
  if (a->is_required) return false;
  switch (a->kind) {
    case PG_ATTR_INT:
      lua_pushinteger(L, a->i);
      return true;
    case PG_ATTR_FLOAT:
      lua_pushnumber(L, (lua_Number)a->f);
      return true;
    case PG_ATTR_STRING:
      lua_pushstring(L, a->s ? a->s : "");
      return true;
    default:
      return false;
  }
}

static void push_attributes(lua_State *L, const pgi_attr_def *attrs) {
  lua_newtable(L);
  for (int i = 0; attrs && attrs[i].name; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, attrs[i].name);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, attrs[i].kind);
    lua_setfield(L, -2, "kind");
    lua_pushboolean(L, attrs[i].is_required);
    lua_setfield(L, -2, "required");
    if (push_default(L, &attrs[i])) lua_setfield(L, -2, "default");
    lua_rawseti(L, -2, i + 1);
  }
}

/* { { name, domain, since = {...}, inputs = { least, most }, outputs, types, attributes,
**     upgrades = older forms are rewritten, current = there is a newest form } ... } */
int pgi_lua_operators(lua_State *L) {
  int n;
  const pg_op *const *ops = pgi_op_all(&n);
  lua_createtable(L, n, 0);
  int count = 0;
  for (int i = 0; i < n; i++) {
    if (ops[i]->flags & PG_OP_PRIVATE) continue;
    lua_createtable(L, 0, 10);
    lua_pushstring(L, ops[i]->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, ops[i]->domain ? ops[i]->domain : "");
    lua_setfield(L, -2, "domain");
    push_since(L, ops[i]);
    lua_setfield(L, -2, "since");
    push_range(L, ops[i]->in);
    lua_setfield(L, -2, "inputs");
    push_range(L, ops[i]->out);
    lua_setfield(L, -2, "outputs");
    push_types(L, ops[i]->types);
    lua_setfield(L, -2, "types");
    push_attributes(L, ops[i]->attrs);
    lua_setfield(L, -2, "attributes");
    lua_pushboolean(L, ops[i]->upgrade != NULL);
    lua_setfield(L, -2, "upgrades");
    lua_pushboolean(L, ops[i]->run || ops[i]->expand || (ops[i]->flags & PG_OP_VIEW));
    lua_setfield(L, -2, "current");
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}
