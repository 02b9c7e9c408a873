/* Attributes from and to Lua.
**
** The kind is the one that the operator declares, else what the value looks like.  Where that isn't
** enough, Lua says it: { kind = "floats", value = { 1, 2 } } with the metatable PG_LUA_ATTR, which
** perigee.attr makes. */
#include "bind/bind.h"

#define PG_LUA_ATTR "perigee.attr"

static const char *const kind_names[] = {
    [PG_ATTR_NONE] = "",           [PG_ATTR_FLOAT] = "float",   [PG_ATTR_INT] = "int",
    [PG_ATTR_STRING] = "string",   [PG_ATTR_TENSOR] = "tensor", [PG_ATTR_GRAPH] = "graph",
    [PG_ATTR_FLOATS] = "floats",   [PG_ATTR_INTS] = "ints",     [PG_ATTR_STRINGS] = "strings",
    [PG_ATTR_TENSORS] = "tensors", [PG_ATTR_GRAPHS] = "graphs", [PG_ATTR_SPARSE] = "sparse",
    [PG_ATTR_SPARSES] = "sparses", [PG_ATTR_TYPE] = "type",     [PG_ATTR_TYPES] = "types",
};

static pgi_attr_kind declared_kind(const pg_op *op, const char *name) {
  for (const pgi_attr_def *d = op ? op->attrs : NULL; d && d->name; d++)
    if (strcmp(d->name, name) == 0) return d->kind;
  return PG_ATTR_NONE;
}

/* The kind of a plain Lua value. */
static pgi_attr_kind natural_kind(lua_State *L, int arg, const char *name) {
  if (pgi_lua_test_tensor(L, arg)) return PG_ATTR_TENSOR;
  if (pgi_lua_test_graph(L, arg)) return PG_ATTR_GRAPH;
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
  else if (is_list && pgi_lua_test_tensor(L, i))
    kind = PG_ATTR_TENSORS;
  else if (is_list && pgi_lua_test_graph(L, i))
    kind = PG_ATTR_GRAPHS;
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

static const pg_tensor *tensor_of(lua_State *L, int i, const char *name) {
  const pg_tensor *t = pgi_lua_test_tensor(L, i);
  if (!t || t->dtype == PG_NONE || t->dtype >= PG_SEQUENCE)
    pgi_lua_error(L, "attribute '%s': expected a tensor, got a %s", name, luaL_typename(L, i));
  return t;
}

static pg_graph *graph_of(lua_State *L, int i, const char *name, const pg_graph *home) {
  pg_graph *g = pgi_lua_test_graph(L, i);
  if (!g)
    pgi_lua_error(L, "attribute '%s': expected a subgraph, got a %s", name, luaL_typename(L, i));
  if (!home || !g->is_loose || g->parent != home)
    pgi_lua_error(L, "attribute '%s': graph '%s' is not a new subgraph of the node's graph", name,
                  g->name);
  return g;
}

/* { values = tensor, indices = tensor, dims = { ... } } as three tensors */
static void store_sparse(lua_State *L, pgi_attr *a, int64_t k, int i, int anchor) {
  static const char *const parts[] = {"values", "indices", "dims"};
  if (lua_type(L, i) != LUA_TTABLE)
    pgi_lua_error(L, "attribute '%s': expected { values, indices, dims }, got a %s", a->name,
                  luaL_typename(L, i));
  for (int part = 0; part < PG_COUNT(parts); part++) {
    pg_tensor *t = pgi_lua_new_tensor(L);
    lua_getfield(L, i, parts[part]);
    if (lua_isnil(L, -1))
      pgi_lua_error(L, "attribute '%s': a sparse tensor has no %s", a->name, parts[part]);
    pgi_lua_to_value(L, lua_gettop(L), part == 0 ? PG_NONE : PG_I64, t);
    lua_pop(L, 1);
    a->tensors[3 * k + part] = t;
    lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1);
    if (t->dtype == PG_NONE || t->dtype >= PG_SEQUENCE)
      pgi_lua_error(L, "attribute '%s': %s is no tensor", a->name, parts[part]);
  }
}

static void store_type(lua_State *L, pgi_attr *a, int64_t k, int i, pg_graph *home) {
  pg_error err;
  if (!home) pgi_lua_error(L, "attribute '%s': types need a graph", a->name);
  if (lua_type(L, i) != LUA_TSTRING)
    pgi_lua_error(L, "attribute '%s': expected a type such as 'f32 [N,3]', got a %s", a->name,
                  luaL_typename(L, i));
  if (pgi_type_parse(lua_tostring(L, i), &home->model->arena, &a->types[k], &err) != PG_OK)
    pgi_lua_raise(L, &err);
}

static void store(lua_State *L, pgi_attr *a, int64_t k, int i, int anchor, pg_graph *home) {
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
    case PG_ATTR_TENSORS:
      a->tensors[k] = (pg_tensor *)(uintptr_t)tensor_of(L, i, a->name);
      break;
    case PG_ATTR_GRAPH:
    case PG_ATTR_GRAPHS:
      a->graphs[k] = graph_of(L, i, a->name, home);
      for (int64_t j = 0; j < k; j++)
        if (a->graphs[j] == a->graphs[k])
          pgi_lua_error(L, "attribute '%s': a subgraph is there twice", a->name);
      break;
    case PG_ATTR_SPARSE:
    case PG_ATTR_SPARSES:
      store_sparse(L, a, k, i, anchor);
      break;
    case PG_ATTR_TYPE:
    case PG_ATTR_TYPES:
      store_type(L, a, k, i, home);
      break;
    default:
      pgi_lua_error(L, "attribute '%s': no kind", a->name);
  }
}

static bool is_list_kind(pgi_attr_kind k) {
  return (k >= PG_ATTR_FLOATS && k <= PG_ATTR_GRAPHS) || k == PG_ATTR_SPARSES || k == PG_ATTR_TYPES;
}

/* The kind that the table at the top says; its value takes its place. */
static pgi_attr_kind said_kind(lua_State *L, pgi_attr *a, int anchor) {
  if (lua_type(L, -1) != LUA_TTABLE || !lua_getmetatable(L, -1)) return PG_ATTR_NONE;
  luaL_getmetatable(L, PG_LUA_ATTR);
  bool is_said = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (!is_said) return PG_ATTR_NONE;
  lua_getfield(L, -1, "kind");
  const char *name = lua_tostring(L, -1);
  pgi_attr_kind kind = PG_ATTR_NONE;
  for (int i = PG_ATTR_FLOAT; name && i < PG_COUNT(kind_names); i++)
    if (strcmp(kind_names[i], name) == 0) kind = (pgi_attr_kind)i;
  if (kind == PG_ATTR_NONE) pgi_lua_error(L, "attribute '%s': no kind '%s'", a->name, name);
  if (lua_getfield(L, -2, "ref") == LUA_TSTRING) a->ref = lua_tostring(L, -1);
  lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1);
  lua_pop(L, 1);
  lua_getfield(L, -1, "value");
  lua_replace(L, -2);
  return kind;
}

/* The value at the top; `a` gets memory anchored in the table at `anchor`. */
static void fill_attr(lua_State *L, pgi_attr *a, int anchor, const pg_op *op, pg_graph *home) {
  int value = lua_gettop(L);
  a->kind = said_kind(L, a, anchor);
  if (a->ref) return;
  if (a->kind == PG_ATTR_NONE) a->kind = declared_kind(op, a->name);
  if (a->kind == PG_ATTR_NONE) a->kind = natural_kind(L, value, a->name);
  bool is_list = is_list_kind(a->kind);
  bool is_table = lua_type(L, value) == LUA_TTABLE;
  a->n = is_list && is_table ? (int64_t)lua_rawlen(L, value) : 1;
  size_t size = PG_MAX(3 * sizeof(void *), sizeof(pg_string));
  if (a->kind == PG_ATTR_TYPE || a->kind == PG_ATTR_TYPES) size = sizeof(pgi_type);
  a->ints = pgi_lua_scratch(L, size * (size_t)PG_MAX(a->n, 1));
  lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1);
  for (int64_t k = 0; k < a->n; k++) {
    if (is_list && is_table)
      lua_rawgeti(L, value, k + 1);
    else
      lua_pushvalue(L, value);
    store(L, a, k, lua_gettop(L), anchor, home);
    lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1); /* keeps strings alive */
  }
}

pgi_attr *pgi_lua_to_attrs(lua_State *L, int arg, const pg_op *op, pg_graph *g, int *n) {
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
    fill_attr(L, &attrs[*n], anchor, op, g);
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
    case PG_ATTR_GRAPHS:
      pgi_lua_push_body(L, graph_index, a->graphs[k]);
      break;
    case PG_ATTR_SPARSE:
    case PG_ATTR_SPARSES: {
      static const char *const parts[] = {"values", "indices", "dims"};
      lua_createtable(L, 0, 3);
      for (int part = 0; part < 3; part++) {
        pgi_tensor_assign(pgi_lua_new_tensor(L), a->tensors[3 * k + part]);
        lua_setfield(L, -2, parts[part]);
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

/* A reference as perigee.attr.ref makes it. */
static void push_ref(lua_State *L, const pgi_attr *a) {
  bool is_known = a->kind > PG_ATTR_NONE && (int)a->kind < PG_COUNT(kind_names);
  lua_createtable(L, 0, 2);
  lua_pushstring(L, kind_names[is_known ? a->kind : PG_ATTR_NONE]);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, a->ref);
  lua_setfield(L, -2, "ref");
  luaL_setmetatable(L, PG_LUA_ATTR);
}

void pgi_lua_push_attr(lua_State *L, const pgi_attr *a, int graph_index) {
  bool is_list = is_list_kind(a->kind);
  luaL_checkstack(L, 10, NULL);
  if (a->ref) {
    push_ref(L, a);
    return;
  }
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

void pgi_lua_open_attr(lua_State *L) {
  luaL_newmetatable(L, PG_LUA_ATTR);
  lua_setfield(L, -2, "attr_meta");
}
