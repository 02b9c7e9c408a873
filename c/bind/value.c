/* Lua values to tensors and back. */
#include <math.h>

#include "bind/bind.h"

/* ---- handles -------------------------------------------------------------------------------------- */

pg_tensor *pgi_lua_new_tensor(lua_State *L) {
  pg_tensor *t = lua_newuserdatauv(L, sizeof *t, 0);
  memset(t, 0, sizeof *t);
  luaL_setmetatable(L, PG_LUA_TENSOR);
  return t;
}

static int tensors_gc(lua_State *L) {
  pg_tensor *t = lua_touserdata(L, 1);
  for (size_t i = 0; i < lua_rawlen(L, 1) / sizeof *t; i++) pgi_tensor_clear(&t[i]);
  return 0;
}

pg_tensor *pgi_lua_new_tensors(lua_State *L, int n) {
  size_t bytes = sizeof(pg_tensor) * (size_t)PG_MAX(n, 1);
  pg_tensor *t = lua_newuserdatauv(L, bytes, 0);
  memset(t, 0, bytes);
  if (luaL_newmetatable(L, "perigee.tensors")) {
    lua_pushcfunction(L, tensors_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return t;
}

pg_tensor *pgi_lua_test_tensor(lua_State *L, int arg) {
  return luaL_testudata(L, arg, PG_LUA_TENSOR);
}

pg_tensor *pgi_lua_check_tensor(lua_State *L, int arg) {
  pg_tensor *t = luaL_checkudata(L, arg, PG_LUA_TENSOR);
  pgi_lua_argcheck(L, t->dtype != PG_NONE, arg, "tensor is closed");
  return t;
}

pg_dtype pgi_lua_check_dtype(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  pg_dtype dtype = PG_NONE;
  if (!pg_dtype_from_name(name, &dtype) || !pgi_dtype_valid((int)dtype))
    pgi_lua_argerror(L, arg, lua_pushfstring(L, "unknown element type '%s'", name));
  return dtype;
}

pg_dtype pgi_lua_opt_dtype(lua_State *L, int arg, pg_dtype otherwise) {
  return lua_isnoneornil(L, arg) ? otherwise : pgi_lua_check_dtype(L, arg);
}

int pgi_lua_rank(lua_State *L, int arg) {
  lua_Unsigned rank = lua_rawlen(L, arg);
  pgi_lua_argcheck(L, rank <= PG_MAX_RANK, arg, "too many dimensions");
  return (int)rank;
}

int pgi_lua_check_dims(lua_State *L, int arg, int64_t *dims) {
  if (lua_isinteger(L, arg)) {
    dims[0] = lua_tointeger(L, arg);
    pgi_lua_argcheck(L, dims[0] >= 0, arg, "a dimension is negative");
    return 1;
  }
  if (!lua_istable(L, arg))
    pgi_lua_argerror(
        L, arg,
        lua_pushfstring(L, "expected a table of dimensions, got a %s", luaL_typename(L, arg)));
  int rank = pgi_lua_rank(L, arg);
  for (int i = 0; i < rank; i++) {
    int is_integer;
    lua_rawgeti(L, arg, i + 1);
    dims[i] = lua_tointegerx(L, -1, &is_integer);
    pgi_lua_argcheck(L, is_integer && dims[i] >= 0, arg, "dimensions must be integers >= 0");
    lua_pop(L, 1);
  }
  return rank;
}

void pgi_lua_push_dims(lua_State *L, int rank, const int64_t *dims) {
  lua_createtable(L, rank, 0);
  for (int i = 0; i < rank; i++) {
    lua_pushinteger(L, dims[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

int64_t pgi_lua_index(lua_State *L, int arg, int64_t i, int64_t n, const char *what) {
  int64_t zero_based = i < 0 ? n + i : i - 1;
  if (i == 0 || zero_based < 0 || zero_based >= n)
    pgi_lua_argerror(L, arg,
                     lua_pushfstring(L, "%s %I is out of range (1 to %I)", what, (LUAI_UACINT)i,
                                     (LUAI_UACINT)n));
  return zero_based;
}

/* ---- to Lua --------------------------------------------------------------------------------------- */

static void push_map(lua_State *L, const pg_tensor *map) {
  const pg_tensor *keys = pgi_sequence_at(map, 0), *values = pgi_sequence_at(map, 1);
  int64_t n = pgi_tensor_count(keys);
  lua_createtable(L, 0, (int)PG_MIN(n, 1024));
  for (int64_t i = 0; i < n; i++) {
    if (keys->dtype == PG_STRING) {
      pg_string s = ((const pg_string *)pgi_tensor_data(keys))[i];
      lua_pushlstring(L, s.data ? s.data : "", s.size);
    } else {
      lua_pushinteger(L, pgi_tensor_get_i64(keys, i));
    }
    if (values->dtype == PG_SEQUENCE) {
      pg_tensor *element = pgi_lua_new_tensor(L);
      pgi_tensor_assign(element, pgi_sequence_at(values, i));
      pgi_lua_push_value(L, element);
      lua_remove(L, -2);
    } else if (values->dtype == PG_STRING) {
      pg_string s = ((const pg_string *)pgi_tensor_data(values))[i];
      lua_pushlstring(L, s.data ? s.data : "", s.size);
    } else {
      lua_pushnumber(L, pgi_tensor_get_f64(values, i));
    }
    lua_rawset(L, -3);
  }
}

void pgi_lua_push_value(lua_State *L, pg_tensor *v) {
  luaL_checkstack(L, 8, "value nested too deeply");
  if (v->dtype == PG_NONE) {
    lua_pushnil(L);
    return;
  }
  pg_tensor *box = pgi_lua_new_tensor(L);
  pgi_tensor_move(box, v);
  if (box->dtype != PG_SEQUENCE && box->dtype != PG_MAP) {
    pgi_lua_nudge(L, pg_tensor_bytes(box));
    return;
  }
  if (box->dtype == PG_MAP) {
    push_map(L, box);
  } else {
    lua_createtable(L, (int)PG_MIN(box->dims[0], 1 << 20), 0);
    for (int64_t i = 0; i < box->dims[0]; i++) {
      pg_tensor *element = pgi_lua_new_tensor(L);
      pgi_tensor_assign(element, pgi_sequence_at(box, i));
      pgi_lua_push_value(L, element);
      lua_rawseti(L, -3, (lua_Integer)i + 1);
      lua_pop(L, 1);
    }
  }
  lua_remove(L, -2);
}

/* ---- from Lua: nested tables ------------------------------------------------------------------------ */

static int misfit(lua_State *L, const char *why) {
  return pgi_lua_error(L, "can't make a tensor: %s", why);
}

/* Follows the first elements down to find the shape; leaves the type of a leaf. */
static int table_shape(lua_State *L, int arg, int64_t *dims, int *leaf_type) {
  int rank = 0, depth = 0;
  lua_pushvalue(L, arg);
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (rank == PG_MAX_RANK) misfit(L, "the table is nested too deeply");
    luaL_checkstack(L, 2, NULL);
    dims[rank] = luaL_len(L, -1);
    rank++;
    if (dims[rank - 1] == 0) {
      lua_pushnil(L);
      depth++;
      break;
    }
    lua_geti(L, -1, 1);
    depth++;
  }
  *leaf_type = lua_type(L, -1);
  lua_pop(L, depth + 1);
  return rank;
}

typedef struct filler {
  pg_tensor *t;
  int64_t next;
} filler;

static void fill_one(lua_State *L, filler *f) {
  pg_tensor *t = f->t;
  int64_t i = f->next++;
  pg_error err;
  if (t->dtype == PG_STRING) {
    size_t size;
    const char *s = lua_tolstring(L, -1, &size);
    if (!s) misfit(L, "expected strings at the leaves");
    if (pgi_string_set(t->buffer, i, s, size, &err) != PG_OK) pgi_lua_raise(L, &err);
  } else if (lua_isboolean(L, -1)) {
    int64_t v = lua_toboolean(L, -1);
    pgi_store_i64(t->dtype, pgi_tensor_data(t), i, 1, &v);
  } else if (lua_isinteger(L, -1) && pgi_dtype_kind(t->dtype) != PG_KIND_FLOAT) {
    int64_t v = lua_tointeger(L, -1);
    pgi_store_i64(t->dtype, pgi_tensor_data(t), i, 1, &v);
  } else {
    if (lua_type(L, -1) != LUA_TNUMBER) misfit(L, "expected numbers at the leaves");
    double v = lua_tonumber(L, -1);
    pgi_store_f64(t->dtype, pgi_tensor_data(t), i, 1, &v);
  }
}

static void fill(lua_State *L, filler *f, int level) {
  if (level == f->t->rank) {
    fill_one(L, f);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE) misfit(L, "rows differ in depth");
  luaL_checkstack(L, 4, NULL);
  if (luaL_len(L, -1) != f->t->dims[level])
    misfit(L, lua_pushfstring(L, "rows differ in length: expected %I, got %I at depth %d",
                              (LUAI_UACINT)f->t->dims[level], (LUAI_UACINT)luaL_len(L, -1),
                              level + 1));
  for (int64_t i = 1; i <= f->t->dims[level]; i++) {
    lua_geti(L, -1, i);
    fill(L, f, level + 1);
    lua_pop(L, 1);
  }
}

static void to_value(lua_State *L, int arg, pg_dtype dtype, pg_tensor *out, int depth);

static void sequence_from_table(lua_State *L, int arg, pg_tensor *out, int depth) {
  pg_error err;
  if (depth > PG_MAX_RANK) misfit(L, "the table is nested too deeply");
  luaL_checkstack(L, 4, NULL);
  int64_t n = luaL_len(L, arg);
  if (pgi_sequence_new(pgi_lua_context(L), n, out, &err) != PG_OK) pgi_lua_raise(L, &err);
  for (int64_t i = 0; i < n; i++) {
    lua_geti(L, arg, i + 1);
    to_value(L, lua_gettop(L), PG_NONE, pgi_sequence_at(out, i), depth);
    lua_pop(L, 1);
  }
}

static pg_dtype leaf_dtype(lua_State *L, int type) {
  switch (type) {
    case LUA_TNUMBER:
    case LUA_TNIL:
      return PG_F32;
    case LUA_TBOOLEAN:
      return PG_BOOL;
    case LUA_TSTRING:
      return PG_STRING;
    default:
      pgi_lua_error(L, "can't make a tensor of a %s", lua_typename(L, type));
      return PG_NONE;
  }
}

/* depth: of sequences around it. */
/* { key = value } to a tensor of keys (strings or i64) and one of values (strings or f32). */
static void map_from_table(lua_State *L, int arg, pg_tensor *out) {
  const int64_t two = 2;
  pg_error err;
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  lua_newtable(L);
  int keys = lua_gettop(L) - 1, values = keys + 1;
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawseti(L, keys, ++n);
    lua_pushvalue(L, -1);
    lua_rawseti(L, values, n);
  }
  bool has_names = lua_rawgeti(L, keys, 1) == LUA_TSTRING;
  lua_pop(L, 1);
  if (pgi_tensor_alloc(pgi_lua_context(L), PG_MAP, 1, &two, out, &err) != PG_OK)
    pgi_lua_raise(L, &err);
  to_value(L, keys, has_names ? PG_STRING : PG_I64, pgi_sequence_at(out, 0), 0);
  to_value(L, values, PG_NONE, pgi_sequence_at(out, 1), 0);
  lua_pop(L, 2);
}

static void to_value(lua_State *L, int arg, pg_dtype dtype, pg_tensor *out, int depth) {
  pg_error err;
  if (lua_isnoneornil(L, arg)) return;
  if (dtype == PG_MAP && lua_type(L, arg) == LUA_TTABLE) {
    map_from_table(L, arg, out);
    return;
  }
  pg_tensor *t = pgi_lua_test_tensor(L, arg);
  if (t) {
    if (t->dtype == PG_NONE) misfit(L, "it is closed");
    if (dtype == PG_NONE || dtype == t->dtype) {
      pgi_tensor_assign(out, t);
    } else if (pgi_tensor_cast(t, dtype, NULL, out, &err) != PG_OK) {
      pgi_lua_raise(L, &err);
    }
    return;
  }
  int64_t dims[PG_MAX_RANK];
  int leaf = LUA_TNIL;
  int rank = table_shape(L, arg, dims, &leaf);
  if (leaf == LUA_TUSERDATA && rank > 0) {
    sequence_from_table(L, arg, out, depth + 1);
    return;
  }
  if (dtype == PG_NONE || leaf == LUA_TUSERDATA) dtype = leaf_dtype(L, leaf);
  int64_t count;
  if (pgi_count(rank, dims, &count, &err) != PG_OK ||
      pgi_tensor_alloc(pgi_lua_context(L), dtype, rank, dims, out, &err) != PG_OK)
    pgi_lua_raise(L, &err);
  filler f = {out, 0};
  lua_pushvalue(L, arg);
  fill(L, &f, 0);
  lua_pop(L, 1);
}

void pgi_lua_to_value(lua_State *L, int arg, pg_dtype dtype, pg_tensor *out) {
  to_value(L, lua_absindex(L, arg), dtype, out, 0);
}
