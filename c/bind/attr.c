/* Attributes from and to Lua. */
#include "bind/bind.h"

static pgi_attr_kind declared_kind(const pg_op *op, const char *name) {
  for (const pgi_attr_def *d = op ? op->attrs : NULL; d && d->name; d++)
    if (strcmp(d->name, name) == 0) return d->kind;
  return PG_ATTR_NONE;
}

/* The kind of a plain Lua value. */
static pgi_attr_kind natural_kind(lua_State *L, int arg, const char *name) {
  if (pgi_lua_test_tensor(L, arg)) return PG_ATTR_TENSOR;
  bool is_list = lua_type(L, arg) == LUA_TTABLE;
  int type = lua_type(L, arg), i = arg;
  if (is_list) {
    type = lua_rawgeti(L, arg, 1);
    i = lua_gettop(L);
  }
  pgi_attr_kind kind = PG_ATTR_NONE;
  if (type == LUA_TSTRING)
    kind = is_list ? PG_ATTR_STRINGS : PG_ATTR_STRING;
  else if (type == LUA_TBOOLEAN)
    kind = PG_ATTR_INT;
  else if (lua_isinteger(L, i))
    kind = is_list ? PG_ATTR_INTS : PG_ATTR_INT;
  else if (type == LUA_TNUMBER)
    kind = is_list ? PG_ATTR_FLOATS : PG_ATTR_FLOAT;
  else if (is_list && type == LUA_TNIL)
    kind = PG_ATTR_INTS;
  if (is_list) lua_pop(L, 1);
  if (kind == PG_ATTR_NONE)
    pgi_lua_error(L, "attribute '%s': can't be a %s", name, luaL_typename(L, arg));
  return kind;
}

static int64_t integer_of(lua_State *L, int i, const char *name) {
  if (lua_isboolean(L, i)) return lua_toboolean(L, i);
  int ok;
  int64_t v = lua_tointegerx(L, i, &ok);
  if (!ok)
    pgi_lua_error(L, "attribute '%s': expected an integer, got %s", name,
                  luaL_tolstring(L, i, NULL));
  return v;
}

static float float_of(lua_State *L, int i, const char *name) {
  int ok;
  double v = lua_tonumberx(L, i, &ok);
  if (!ok)
    pgi_lua_error(L, "attribute '%s': expected a number, got %s", name, luaL_tolstring(L, i, NULL));
  return (float)v;
}

static void store(lua_State *L, pgi_attr *a, int64_t k, int i) {
  switch (a->kind) {
    case PG_ATTR_INT:
    case PG_ATTR_INTS:
      a->ints[k] = integer_of(L, i, a->name);
      break;
    case PG_ATTR_FLOAT:
    case PG_ATTR_FLOATS:
      a->floats[k] = float_of(L, i, a->name);
      break;
    case PG_ATTR_STRING:
    case PG_ATTR_STRINGS: {
      size_t size;
      if (lua_type(L, i) != LUA_TSTRING)
        pgi_lua_error(L, "attribute '%s': expected a string, got a %s", a->name,
                      luaL_typename(L, i));
      const char *s = lua_tolstring(L, i, &size);
      a->strings[k] = (pg_string){s, size};
      break;
    }
    case PG_ATTR_TENSOR:
      a->tensors[k] = pgi_lua_test_tensor(L, i);
      if (!a->tensors[k] || a->tensors[k]->dtype == PG_NONE)
        pgi_lua_error(L, "attribute '%s': expected a tensor", a->name);
      break;
    default:
      pgi_lua_error(L, "attribute '%s': this kind can't be set from Lua", a->name);
  }
}

static bool is_list_kind(pgi_attr_kind k) {
  return k == PG_ATTR_INTS || k == PG_ATTR_FLOATS || k == PG_ATTR_STRINGS || k == PG_ATTR_TENSORS;
}

/* The value at the top; `a` gets memory anchored in the table at `anchor`. */
static void fill_attr(lua_State *L, pgi_attr *a, int anchor, const pg_op *op) {
  int value = lua_gettop(L);
  a->kind = declared_kind(op, a->name);
  if (a->kind == PG_ATTR_NONE) a->kind = natural_kind(L, value, a->name);
  bool is_list = is_list_kind(a->kind);
  bool is_table = lua_type(L, value) == LUA_TTABLE;
  a->n = is_list && is_table ? (int64_t)lua_rawlen(L, value) : 1;
  size_t size = PG_MAX(sizeof(int64_t), sizeof(pg_string));
  a->ints = pgi_lua_scratch(L, size * (size_t)PG_MAX(a->n, 1));
  lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1);
  for (int64_t k = 0; k < a->n; k++) {
    if (is_list && is_table)
      lua_rawgeti(L, value, k + 1);
    else
      lua_pushvalue(L, value);
    store(L, a, k, lua_gettop(L));
    lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1); /* keeps strings alive */
  }
}

pgi_attr *pgi_lua_to_attrs(lua_State *L, int arg, const pg_op *op, int *n) {
  *n = 0;
  lua_newtable(L);
  int anchor = lua_gettop(L);
  if (lua_isnoneornil(L, arg)) return NULL;
  luaL_checktype(L, arg, LUA_TTABLE);
  int count = 0;
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) count++;
  pgi_attr *attrs = pgi_lua_scratch(L, sizeof *attrs * (size_t)PG_MAX(count, 1));
  lua_rawseti(L, anchor, 1);
  memset(attrs, 0, sizeof *attrs * (size_t)PG_MAX(count, 1));
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    if (*n == count) pgi_lua_argerror(L, arg, "the table changes while it is read");
    if (lua_type(L, -2) != LUA_TSTRING) pgi_lua_argerror(L, arg, "attribute names are strings");
    attrs[*n].name = lua_tostring(L, -2);
    fill_attr(L, &attrs[*n], anchor, op);
    (*n)++;
  }
  return attrs;
}

static void push_one(lua_State *L, const pgi_attr *a, int64_t k, int graph_index) {
  switch (a->kind) {
    case PG_ATTR_INT:
    case PG_ATTR_INTS:
      lua_pushinteger(L, a->ints[k]);
      break;
    case PG_ATTR_FLOAT:
    case PG_ATTR_FLOATS:
      lua_pushnumber(L, (double)a->floats[k]);
      break;
    case PG_ATTR_STRING:
    case PG_ATTR_STRINGS:
      lua_pushlstring(L, a->strings[k].data, a->strings[k].size);
      break;
    case PG_ATTR_TENSOR:
    case PG_ATTR_TENSORS:
      pgi_tensor_assign(pgi_lua_new_tensor(L), a->tensors[k]);
      break;
    case PG_ATTR_GRAPH:
    case PG_ATTR_GRAPHS: {
      /* A subgraph: the names of its nodes are reached through the list it gives. */
      lua_newtable(L);
      int i = 0;
      for (pgi_node *node = a->graphs[k]->first; node; node = node->next) {
        pgi_lua_push_node(L, graph_index, node);
        lua_rawseti(L, -2, ++i);
      }
      break;
    }
    case PG_ATTR_TYPE:
    case PG_ATTR_TYPES: {
      char text[300];
      pgi_text t = {text, sizeof text, 0};
      text[0] = 0;
      pgi_type_text(&a->types[k], &t);
      lua_pushstring(L, text);
      break;
    }
    default:
      lua_pushnil(L);
  }
}

void pgi_lua_push_attr(lua_State *L, const pgi_attr *a, int graph_index) {
  bool is_list = is_list_kind(a->kind) || a->kind == PG_ATTR_GRAPHS || a->kind == PG_ATTR_TYPES;
  if (!is_list) {
    if (a->n > 0)
      push_one(L, a, 0, graph_index);
    else
      lua_pushnil(L);
    return;
  }
  lua_createtable(L, (int)PG_MIN(a->n, 1 << 20), 0);
  for (int64_t k = 0; k < a->n; k++) {
    push_one(L, a, k, graph_index);
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
}
