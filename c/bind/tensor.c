/* perigee.Tensor: making, looking, views.  Arithmetic is lua/perigee/tensor.lua over core.eval. */
#include "bind/bind.h"

/* Raises what the engine reports about a tensor operation: all of it is misuse, but memory. */
static void try(lua_State *L, pg_status status, const pg_error *err) {
  if (status != PG_OK) pgi_lua_raise(L, err);
}

static pg_tensor *new_tensor(lua_State *L, pg_dtype dtype, int rank, const int64_t *dims) {
  pg_error err;
  int64_t count;
  size_t bytes = 0;
  try(L, pgi_count(rank, dims, &count, &err), &err);
  if (pgi_dtype_bytes(dtype, count, &bytes)) pgi_lua_nudge(L, bytes);
  pg_context *ctx = pgi_lua_context(L);
  pg_tensor *t = pgi_lua_new_tensor(L);
  try(L, pgi_tensor_alloc(ctx, dtype, rank, dims, t, &err), &err);
  return t;
}

/* ---- making ---------------------------------------------------------------------------------------- */

/* new(dtype, dims): zeros */
static int tensor_new(lua_State *L) {
  int64_t dims[PG_MAX_RANK];
  pg_dtype dtype = pgi_lua_check_dtype(L, 1);
  int rank = pgi_lua_check_dims(L, 2, dims);
  pg_tensor *t = new_tensor(L, dtype, rank, dims);
  if (dtype != PG_STRING) memset(pgi_tensor_data(t), 0, pg_tensor_bytes(t));
  return 1;
}

/* from(value [, dtype]): a number, boolean, string, nested table or tensor */
static int tensor_from(lua_State *L) {
  luaL_checkany(L, 1);
  pgi_lua_argcheck(L, !lua_isnil(L, 1), 1, "can't make a tensor of nil");
  pg_dtype dtype = pgi_lua_opt_dtype(L, 2, PG_NONE);
  pg_tensor *t = pgi_lua_new_tensor(L);
  pgi_lua_to_value(L, 1, dtype, t);
  pgi_lua_argcheck(L, t->dtype != PG_SEQUENCE, 1, "a table of tensors is a sequence, not a tensor");
  pgi_lua_nudge(L, pg_tensor_bytes(t));
  return 1;
}

/* frombytes(string, dtype, dims): raw little-endian elements in row-major order */
static int tensor_frombytes(lua_State *L) {
  size_t size, need = 0;
  int64_t dims[PG_MAX_RANK], count;
  pg_error err;
  const char *bytes = luaL_checklstring(L, 1, &size);
  pg_dtype dtype = pgi_lua_check_dtype(L, 2);
  pgi_lua_argcheck(L, dtype != PG_STRING, 2, "strings have no raw bytes");
  int rank = pgi_lua_check_dims(L, 3, dims);
  try(L, pgi_count(rank, dims, &count, &err), &err);
  if (!pgi_dtype_bytes(dtype, count, &need) || need != size)
    pgi_lua_argerror(
        L, 1,
        lua_pushfstring(L, "expected %I bytes, got %I", (LUAI_UACINT)need, (LUAI_UACINT)size));
  pg_tensor *t = new_tensor(L, dtype, rank, dims);
  memcpy(pgi_tensor_data(t), bytes, size);
  return 1;
}

/* range(first, last, step, dtype): last included, as in Lua's for */
static int tensor_range(lua_State *L) {
  double first = luaL_checknumber(L, 1), last = luaL_checknumber(L, 2);
  double step = luaL_optnumber(L, 3, 1);
  pg_dtype dtype = pgi_lua_opt_dtype(L, 4, PG_F32);
  pgi_lua_argcheck(L, dtype != PG_STRING, 4, "can't count in strings");
  pgi_lua_argcheck(L, step != 0, 3, "step is zero");
  double steps = (last - first) / step + 1e-9;
  pgi_lua_argcheck(L, steps < 1e15, 2, "range is too long");
  int64_t n = steps < 0 ? 0 : (int64_t)steps + 1;
  pg_tensor *t = new_tensor(L, dtype, 1, &n);
  void *data = pgi_tensor_data(t);
  for (int64_t i = 0; i < n; i++) {
    double v = first + (double)i * step;
    pgi_store_f64(dtype, data, i, 1, &v);
  }
  return 1;
}

/* random(kind, dims, seed, a, b, dtype): uniform in [a, b) or normal of mean a, deviation b */
static int tensor_random(lua_State *L) {
  static const char *const kinds[] = {"uniform", "normal", NULL};
  int64_t dims[PG_MAX_RANK];
  int kind = luaL_checkoption(L, 1, NULL, kinds);
  int rank = pgi_lua_check_dims(L, 2, dims);
  lua_Integer seed = luaL_checkinteger(L, 3);
  double a = luaL_checknumber(L, 4), b = luaL_checknumber(L, 5);
  pg_dtype dtype = pgi_lua_opt_dtype(L, 6, PG_F32);
  pgi_lua_argcheck(L, dtype != PG_STRING, 6, "can't make random strings");
  pg_tensor *t = new_tensor(L, dtype, rank, dims);
  pgi_random r;
  pgi_random_init(&r, (uint64_t)seed);
  void *data = pgi_tensor_data(t);
  int64_t n = pgi_tensor_count(t);
  double block[256];
  for (int64_t i = 0; i < n; i += PG_COUNT(block)) {
    int64_t m = PG_MIN(n - i, PG_COUNT(block));
    for (int64_t k = 0; k < m; k++)
      block[k] = kind == 0 ? a + (b - a) * pgi_random_uniform(&r) : a + b * pgi_random_normal(&r);
    pgi_store_f64(dtype, data, i, m, block);
  }
  return 1;
}

/* ---- looking ----------------------------------------------------------------------------------------- */

/* Row-major position of indices args first..first+rank-1. */
static int64_t element_offset(lua_State *L, const pg_tensor *t, int first) {
  int64_t offset = t->offset;
  for (int d = 0; d < t->rank; d++) {
    int64_t i = luaL_checkinteger(L, first + d);
    offset += pgi_lua_index(L, first + d, i, t->dims[d], "index") * t->strides[d];
  }
  return offset;
}

/* Pushes the element at `offset` (in elements from the buffer's start). */
static void push_element(lua_State *L, const pg_tensor *t, int64_t offset) {
  const void *data = t->buffer->data;
  switch (pgi_dtype_kind(t->dtype)) {
    case PG_KIND_FLOAT: {
      double v;
      pgi_load_f64(t->dtype, data, offset, 1, &v);
      lua_pushnumber(L, v);
      return;
    }
    case PG_KIND_INT:
    case PG_KIND_UINT: {
      int64_t v;
      pgi_load_i64(t->dtype, data, offset, 1, &v);
      lua_pushinteger(L, v);
      return;
    }
    case PG_KIND_BOOL:
      lua_pushboolean(L, ((const uint8_t *)data)[offset]);
      return;
    case PG_KIND_STRING: {
      pg_string s = ((const pg_string *)data)[offset];
      lua_pushlstring(L, s.data ? s.data : "", s.size);
      return;
    }
    case PG_KIND_COMPLEX: {
      bool is_wide = t->dtype == PG_C128;
      lua_createtable(L, 2, 0);
      for (int i = 0; i < 2; i++) {
        int64_t k = 2 * offset + i;
        lua_pushnumber(L, is_wide ? ((const double *)data)[k] : (double)((const float *)data)[k]);
        lua_rawseti(L, -2, i + 1);
      }
      return;
    }
    default:
      lua_pushnil(L);
  }
}

static int tensor_get(lua_State *L) {
  const pg_tensor *t = pgi_lua_check_tensor(L, 1);
  push_element(L, t, element_offset(L, t, 2));
  return 1;
}

static void check_writable(lua_State *L, const pg_tensor *t) {
  pgi_lua_argcheck(L, !t->buffer->is_readonly, 1,
                   "tensor is read-only (a model's weight): clone it");
}

/* set(t, i, j, ..., value) */
static int tensor_set(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pg_error err;
  check_writable(L, t);
  int64_t offset = element_offset(L, t, 2);
  int arg = t->rank + 2;
  if (t->dtype == PG_STRING) {
    size_t size;
    const char *s = luaL_checklstring(L, arg, &size);
    try(L, pgi_string_set(t->buffer, offset, s, size, &err), &err);
  } else if (lua_isboolean(L, arg)) {
    int64_t v = lua_toboolean(L, arg);
    pgi_store_i64(t->dtype, t->buffer->data, offset, 1, &v);
  } else if (lua_isinteger(L, arg) && pgi_dtype_kind(t->dtype) != PG_KIND_FLOAT) {
    int64_t v = lua_tointeger(L, arg);
    pgi_store_i64(t->dtype, t->buffer->data, offset, 1, &v);
  } else {
    double v = luaL_checknumber(L, arg);
    pgi_store_f64(t->dtype, t->buffer->data, offset, 1, &v);
  }
  return 0;
}

static void push_nested(lua_State *L, const pg_tensor *t, int level, int64_t offset) {
  if (level == t->rank) {
    push_element(L, t, offset);
    return;
  }
  luaL_checkstack(L, 4, NULL);
  int64_t n = t->dims[level];
  lua_createtable(L, (int)PG_MIN(n, INT32_MAX), 0);
  for (int64_t i = 0; i < n; i++) {
    push_nested(L, t, level + 1, offset + i * t->strides[level]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* Nested tables; a plain value for rank 0.  On a handle of its own: making tables may run finalizers,
** which may close t. */
static int tensor_totable(lua_State *L) {
  pg_tensor *t = pgi_lua_new_tensor(L);
  pgi_tensor_assign(t, pgi_lua_check_tensor(L, 1));
  push_nested(L, t, 0, t->offset);
  return 1;
}

/* The only element of a tensor with one. */
static int tensor_item(lua_State *L) {
  const pg_tensor *t = pgi_lua_check_tensor(L, 1);
  if (pgi_tensor_count(t) != 1)
    pgi_lua_argerror(
        L, 1, lua_pushfstring(L, "expected one element, got %I", (LUAI_UACINT)pgi_tensor_count(t)));
  push_element(L, t, t->offset);
  return 1;
}

/* Raw little-endian elements in row-major order, as a string. */
static int tensor_bytes(lua_State *L) {
  const pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_lua_argcheck(L, t->dtype != PG_STRING, 1, "strings have no raw bytes");
  pg_error err;
  pg_tensor *flat = pgi_lua_new_tensor(L);
  try(L, pgi_tensor_contiguous(t, flat, &err), &err);
  lua_pushlstring(L, pgi_tensor_data(flat), pg_tensor_bytes(flat));
  return 1;
}

static int tensor_tostring(lua_State *L) {
  const pg_tensor *t = luaL_checkudata(L, 1, PG_LUA_TENSOR);
  if (t->dtype == PG_NONE) {
    lua_pushliteral(L, "Tensor (closed)");
    return 1;
  }
  char small[512];
  size_t n = pg_tensor_print(t, small, sizeof small);
  if (n < sizeof small) {
    lua_pushlstring(L, small, n);
    return 1;
  }
  luaL_Buffer b;
  char *text = luaL_buffinitsize(L, &b, n + 1);
  pg_tensor_print(t, text, n + 1);
  luaL_pushresultsize(&b, n);
  return 1;
}

static int tensor_len(lua_State *L) {
  const pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_lua_argcheck(L, t->rank > 0, 1, "a scalar has no length");
  lua_pushinteger(L, t->dims[0]);
  return 1;
}

static int tensor_close(lua_State *L) {
  pgi_tensor_clear(luaL_checkudata(L, 1, PG_LUA_TENSOR));
  return 0;
}

static int tensor_shape(lua_State *L) {
  const pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_lua_push_dims(L, t->rank, t->dims);
  return 1;
}

static int tensor_is_contiguous(lua_State *L) {
  lua_pushboolean(L, pgi_tensor_is_contiguous(pgi_lua_check_tensor(L, 1)));
  return 1;
}

/* t[i]: an element of a rank-1 tensor, else a view; t.dtype, t.shape, t.rank, t.count; methods. */
static int tensor_index(lua_State *L) {
  pg_tensor *t = luaL_checkudata(L, 1, PG_LUA_TENSOR);
  int is_integer = 0;
  lua_Integer wanted = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &is_integer) : 0;
  if (is_integer) {
    pgi_lua_check_tensor(L, 1);
    pgi_lua_argcheck(L, t->rank > 0, 2, "a scalar can't be indexed: use :item()");
    if (wanted == t->dims[0] + 1) return 0; /* so that ipairs ends */
    int64_t i = pgi_lua_index(L, 2, wanted, t->dims[0], "index");
    if (t->rank == 1) {
      push_element(L, t, t->offset + i * t->strides[0]);
      return 1;
    }
    pg_error err;
    try(L, pgi_view_select(t, 0, i, pgi_lua_new_tensor(L), &err), &err);
    return 1;
  }
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "shape") == 0) return tensor_shape(L);
  pgi_lua_check_tensor(L, 1);
  if (strcmp(key, "dtype") == 0) {
    lua_pushstring(L, pg_dtype_name(t->dtype));
  } else if (strcmp(key, "rank") == 0) {
    lua_pushinteger(L, t->rank);
  } else if (strcmp(key, "count") == 0) {
    lua_pushinteger(L, pgi_tensor_count(t));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

/* ---- views and copies ---------------------------------------------------------------------------------- */

static int check_axis(lua_State *L, int arg, const pg_tensor *t) {
  return (int)pgi_lua_index(L, arg, luaL_checkinteger(L, arg), t->rank, "axis");
}

/* slice(axis, first, last, step): both ends included, negatives from the end, as string.sub */
static int tensor_slice(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int axis = check_axis(L, 2, t);
  int64_t n = t->dims[axis];
  int64_t step = luaL_optinteger(L, 5, 1);
  pgi_lua_argcheck(L, step != 0, 5, "step is zero");
  int64_t first = luaL_optinteger(L, 3, step > 0 ? 1 : -1);
  int64_t last = luaL_optinteger(L, 4, step > 0 ? -1 : 1);
  if (first < 0) first = PG_MAX(n + first + 1, step > 0 ? 1 : 0);
  if (last < 0) last = PG_MAX(n + last + 1, 0);
  step = PG_MAX(step, -INT64_MAX);
  if (step > 0) {
    first = PG_MAX(first, 1);
    last = PG_MIN(last, n);
  } else {
    first = PG_MIN(first, n);
    last = PG_MAX(last, 1);
  }
  int64_t span = step > 0 ? last - first : first - last;
  int64_t count = span < 0 ? 0 : span / (step > 0 ? step : -step) + 1;
  pg_error err;
  pg_tensor *out = pgi_lua_new_tensor(L);
  try(L, pgi_view_slice(t, axis, count ? first - 1 : 0, count, count ? step : 1, out, &err), &err);
  return 1;
}

static int tensor_select(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int axis = check_axis(L, 2, t);
  int64_t i = pgi_lua_index(L, 3, luaL_checkinteger(L, 3), t->dims[axis], "index");
  pg_error err;
  try(L, pgi_view_select(t, axis, i, pgi_lua_new_tensor(L), &err), &err);
  return 1;
}

/* permute(2, 1, 3) or permute{2, 1, 3} */
static int tensor_permute(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int perm[PG_MAX_RANK];
  bool seen[PG_MAX_RANK] = {false};
  bool is_table = lua_istable(L, 2);
  int n = is_table ? pgi_lua_rank(L, 2) : lua_gettop(L) - 1;
  if (n != t->rank)
    pgi_lua_argerror(L, 2, lua_pushfstring(L, "expected %d axes, got %d", t->rank, n));
  for (int i = 0; i < n; i++) {
    if (is_table)
      lua_rawgeti(L, 2, i + 1);
    else
      lua_pushvalue(L, i + 2);
    perm[i] = (int)pgi_lua_index(L, 2, luaL_checkinteger(L, -1), t->rank, "axis");
    pgi_lua_argcheck(L, !seen[perm[i]], 2, "an axis is named twice");
    seen[perm[i]] = true;
    lua_pop(L, 1);
  }
  pg_error err;
  try(L, pgi_view_permute(t, perm, pgi_lua_new_tensor(L), &err), &err);
  return 1;
}

static int tensor_expand(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int64_t dims[PG_MAX_RANK];
  int rank = pgi_lua_check_dims(L, 2, dims);
  pg_error err;
  try(L, pgi_view_expand(t, rank, dims, pgi_lua_new_tensor(L), &err), &err);
  return 1;
}

/* reshape(2, 3) or reshape{2, 3}; one dimension may be -1.  A view where strides allow. */
static int tensor_reshape(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int64_t dims[PG_MAX_RANK], known = 1;
  bool is_table = lua_istable(L, 2);
  int rank = is_table ? pgi_lua_rank(L, 2) : lua_gettop(L) - 1, free_dim = -1;
  pgi_lua_argcheck(L, rank <= PG_MAX_RANK, 2, "too many dimensions");
  for (int i = 0; i < rank; i++) {
    if (is_table)
      lua_rawgeti(L, 2, i + 1);
    else
      lua_pushvalue(L, i + 2);
    dims[i] = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
    if (dims[i] == -1) {
      pgi_lua_argcheck(L, free_dim < 0, 2, "only one dimension may be -1");
      free_dim = i;
    } else {
      pgi_lua_argcheck(L, dims[i] >= 0, 2, "a dimension is negative");
      pgi_lua_argcheck(L, known <= INT64_MAX / PG_MAX(dims[i], 1), 2, "shape is too large");
      known *= dims[i];
    }
  }
  int64_t count = pgi_tensor_count(t);
  if (free_dim >= 0) dims[free_dim] = known > 0 ? count / known : 0;
  if (known * (free_dim >= 0 ? dims[free_dim] : 1) != count) {
    char from[400], to[400];
    pgi_shape_text(t->dtype, t->rank, t->dims, from, sizeof from);
    if (free_dim >= 0) dims[free_dim] = -1;
    pgi_shape_text(t->dtype, rank, dims, to, sizeof to);
    return pgi_lua_error(L, "can't reshape %s to %s", from, to);
  }
  pg_error err;
  pg_tensor *out = pgi_lua_new_tensor(L);
  if (pgi_view_reshape(t, rank, dims, out, &err) == PG_OK) return 1;
  pg_tensor *flat = pgi_lua_new_tensor(L);
  pgi_lua_nudge(L, pg_tensor_bytes(t));
  try(L, pgi_tensor_clone(t, flat, &err), &err);
  try(L, pgi_view_reshape(flat, rank, dims, out, &err), &err);
  lua_pop(L, 1);
  return 1;
}

static int tensor_clone(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_lua_nudge(L, pg_tensor_bytes(t));
  pg_error err;
  try(L, pgi_tensor_clone(t, pgi_lua_new_tensor(L), &err), &err);
  return 1;
}

static int tensor_contiguous(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  if (pgi_tensor_is_contiguous(t)) {
    lua_settop(L, 1);
    return 1;
  }
  return tensor_clone(L);
}

static int tensor_cast(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pg_dtype dtype = pgi_lua_check_dtype(L, 2);
  size_t bytes = 0;
  if (pgi_dtype_bytes(dtype, pgi_tensor_count(t), &bytes)) pgi_lua_nudge(L, bytes);
  pg_error err;
  try(L, pgi_tensor_cast(t, dtype, NULL, pgi_lua_new_tensor(L), &err), &err);
  return 1;
}

static int tensor_bitcast(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pg_dtype dtype = pgi_lua_check_dtype(L, 2);
  pg_error err;
  try(L, pgi_view_bitcast(t, dtype, pgi_lua_new_tensor(L), &err), &err);
  return 1;
}

/* t:copy_from(source): broadcasts and casts into t, which may be a view */
static int tensor_copy_from(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pg_error err;
  check_writable(L, t);
  pgi_lua_argcheck(L, !lua_isnoneornil(L, 2), 2, "expected a value");
  pg_tensor *source = pgi_lua_new_tensor(L), *wide = pgi_lua_new_tensor(L);
  pgi_lua_to_value(L, 2, t->dtype, source);
  if (source->buffer == t->buffer) { /* another view of t: read it all before writing */
    try(L, pgi_tensor_clone(source, wide, &err), &err);
    pgi_tensor_move(source, wide);
  }
  try(L, pgi_view_expand(source, t->rank, t->dims, wide, &err), &err);
  try(L, pgi_tensor_copy_into(wide, t, &err), &err);
  lua_settop(L, 1);
  return 1;
}

/* allclose(a, b, rtol, atol): true, or false and where they differ */
static int tensor_allclose(lua_State *L) {
  pg_tensor *a = pgi_lua_check_tensor(L, 1);
  lua_settop(L, 4);
  pg_tensor *b = pgi_lua_new_tensor(L);
  pgi_lua_to_value(L, 2, PG_NONE, b);
  char why[400];
  if (pgi_allclose(a, b, luaL_optnumber(L, 3, 1e-5), luaL_optnumber(L, 4, 1e-8), why, sizeof why)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_pushstring(L, why);
  return 2;
}

static int tensor_test(lua_State *L) {
  lua_pushboolean(L, pgi_lua_test_tensor(L, 1) != NULL);
  return 1;
}

/* dtypes(): { name = bits } */
static int tensor_dtypes(lua_State *L) {
  lua_newtable(L);
  for (int d = PG_F32; d <= PG_I2; d++) {
    lua_pushinteger(L, pg_dtype_bits((pg_dtype)d));
    lua_setfield(L, -2, pg_dtype_name((pg_dtype)d));
  }
  return 1;
}

void pgi_lua_open_tensor(lua_State *L) {
  static const luaL_Reg functions[] = {{"tensor_new", tensor_new},
                                       {"tensor_from", tensor_from},
                                       {"tensor_frombytes", tensor_frombytes},
                                       {"tensor_range", tensor_range},
                                       {"tensor_random", tensor_random},
                                       {"is_tensor", tensor_test},
                                       {"dtypes", tensor_dtypes},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {{"get", tensor_get},
                                     {"set", tensor_set},
                                     {"totable", tensor_totable},
                                     {"item", tensor_item},
                                     {"bytes", tensor_bytes},
                                     {"close", tensor_close},
                                     {"is_contiguous", tensor_is_contiguous},
                                     {"slice", tensor_slice},
                                     {"select", tensor_select},
                                     {"permute", tensor_permute},
                                     {"expand", tensor_expand},
                                     {"reshape", tensor_reshape},
                                     {"clone", tensor_clone},
                                     {"contiguous", tensor_contiguous},
                                     {"cast", tensor_cast},
                                     {"bitcast", tensor_bitcast},
                                     {"copy_from", tensor_copy_from},
                                     {"allclose", tensor_allclose},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", tensor_tostring},
                                  {"__len", tensor_len},
                                  {"__gc", tensor_close},
                                  {"__close", tensor_close},
                                  {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, PG_LUA_TENSOR);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__methods");
  lua_pushcclosure(L, tensor_index, 1);
  lua_setfield(L, -2, "__index");
  lua_setfield(L, -2, "tensor_meta");
}
