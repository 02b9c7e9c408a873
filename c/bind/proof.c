/* What proofs are made of: how far tensors are apart, fingerprints, the parts of a container. */
#include <math.h>

#include "bind/bind.h"
#include "format/container.h"

static void set_number(lua_State *L, const char *key, double v) {
  lua_pushnumber(L, v);
  lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, int64_t v) {
  lua_pushinteger(L, (lua_Integer)v);
  lua_setfield(L, -2, key);
}

/* The cosine of two that are nothing but zeros is 1: they are the same. */
static double cosine(const pgi_difference *d) {
  if (!(d->norm_a > 0) && !(d->norm_b > 0)) return 1;
  double product = sqrt(d->norm_a) * sqrt(d->norm_b);
  return product > 0 ? d->dot / product : 0;
}

/* difference(expected, actual, rtol, atol) -> { count, beyond, special, worst (from 1), scale, max_abs,
** mean_abs, max_rel, max_ulp, cosine } */
static int tensor_difference(lua_State *L) {
  const pg_tensor *a = pgi_lua_check_tensor(L, 1), *b = pgi_lua_check_tensor(L, 2);
  pgi_difference d;
  pg_error err;
  if (pgi_tensor_difference(a, b, luaL_optnumber(L, 3, 0), luaL_optnumber(L, 4, 0), &d, &err) !=
      PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  lua_createtable(L, 0, 10);
  set_integer(L, "count", d.count);
  set_integer(L, "beyond", d.n_beyond);
  set_integer(L, "special", d.n_special);
  set_integer(L, "worst", d.worst + 1);
  set_number(L, "scale", d.scale);
  set_number(L, "max_abs", d.max_abs);
  set_number(L, "mean_abs", d.count > 0 ? d.sum_abs / (double)d.count : 0);
  set_number(L, "max_rel", d.max_rel);
  set_number(L, "max_ulp", d.max_ulp);
  set_number(L, "cosine", cosine(&d));
  return 1;
}

/* summary(tensor) -> count, sum, sum of squares, min, max, how many are no numbers */
static int tensor_summary(lua_State *L) {
  pgi_summary s;
  pg_error err;
  if (pgi_tensor_summary(pgi_lua_check_tensor(L, 1), &s, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  lua_pushinteger(L, (lua_Integer)s.count);
  lua_pushnumber(L, s.sum);
  lua_pushnumber(L, s.sum_squares);
  lua_pushnumber(L, s.min);
  lua_pushnumber(L, s.max);
  lua_pushinteger(L, (lua_Integer)s.n_special);
  return 6;
}

/* sha256(string) -> 64 digits */
static int sha256(lua_State *L) {
  size_t size;
  const char *data = luaL_checklstring(L, 1, &size);
  char text[65];
  pgi_sha256 h;
  pgi_sha256_init(&h);
  pgi_sha256_add(&h, data, size);
  pgi_sha256_end(&h, text);
  lua_pushlstring(L, text, 64);
  return 1;
}

/* sha256_file(path) -> 64 digits, size */
static int sha256_file(lua_State *L) {
  pg_error err;
  pgi_file *f = pgi_lua_map_file(L, luaL_checkstring(L, 1), &err);
  if (!f) return pgi_lua_fail(L, &err);
  char text[65];
  pgi_sha256 h;
  pgi_sha256_init(&h);
  pgi_sha256_add(&h, f->data, f->size);
  pgi_sha256_end(&h, text);
  lua_pushlstring(L, text, 64);
  lua_pushinteger(L, (lua_Integer)f->size);
  pgi_lua_unmap_file(f);
  return 2;
}

/* container_verify(path) -> true: every checksum of the file */
static int container_verify(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pg_error err;
  pgi_file *f = pgi_lua_map_file(L, path, &err);
  if (!f) return pgi_lua_fail(L, &err);
  pg_status status = pgi_container_verify(pgi_lua_context(L), f->data, f->size, &err);
  pgi_lua_unmap_file(f);
  if (status != PG_OK) {
    pgi_error_prefix(&err, "%s", path);
    return pgi_lua_fail(L, &err);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* container_sections(path) -> { { name, offset, size, required } } */
static int container_sections(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pg_context *ctx = pgi_lua_context(L);
  pg_error err;
  pgi_file *f = pgi_lua_map_file(L, path, &err);
  if (!f) return pgi_lua_fail(L, &err);
  pgi_section *all = NULL;
  int n = 0;
  pg_status status = pgi_container_is(f->data, f->size)
                         ? pgi_container_sections(ctx, f->data, f->size, &all, &n, &err)
                         : pgi_fail(&err, PG_FORMAT, "not a container of perigee's");
  pgi_lua_unmap_file(f);
  if (status != PG_OK) {
    pgi_error_prefix(&err, "%s", path);
    return pgi_lua_fail(L, &err);
  }
  pgi_section *kept = pgi_lua_scratch(L, (size_t)PG_MAX(n, 1) * sizeof *kept);
  memcpy(kept, all, (size_t)n * sizeof *kept);
  pgi_free(ctx, all);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, kept[i].name);
    lua_setfield(L, -2, "name");
    set_integer(L, "offset", (int64_t)kept[i].offset);
    set_integer(L, "size", (int64_t)kept[i].size);
    lua_pushboolean(L, kept[i].flags & PG_SECTION_REQUIRED);
    lua_setfield(L, -2, "required");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void pgi_lua_open_proof(lua_State *L) {
  static const luaL_Reg functions[] = {{"difference", tensor_difference},
                                       {"summary", tensor_summary},
                                       {"sha256", sha256},
                                       {"sha256_file", sha256_file},
                                       {"container_verify", container_verify},
                                       {"container_sections", container_sections},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
