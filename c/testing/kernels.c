/* Every variant of every kernel against its definition: see check.h. */
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>

#include "testing/check.h"

/* A family that is not here fails its variants' checks. */
static pgi_check_fn *const checks[PG_N_FAMILIES] = {
    [PG_K_GEMM_F32] = pgi_check_gemm_f32,
    [PG_K_CONV_DW_F32] = pgi_check_conv_dw_f32,
    [PG_K_REDUCE_F32] = pgi_check_reduce_f32,
    [PG_K_SOFTMAX_F32] = pgi_check_softmax_f32,
    [PG_K_NORM_F32] = pgi_check_norm_f32,
    [PG_K_UNARY_F32] = pgi_check_unary_f32,
    [PG_K_BINARY_F32] = pgi_check_binary_f32,
    [PG_K_POOL_F32] = pgi_check_pool_f32,
    [PG_K_GEMM_S8] = pgi_check_gemm_s8,
    [PG_K_RESIZE] = pgi_check_resize,
    [PG_K_EXPR] = pgi_check_expr,
    [PG_K_PEAK_F32] = pgi_check_peak_f32,
    [PG_K_BLOCKED_F32] = pgi_check_blocked_f32,
};

static const char *const family_names[PG_N_FAMILIES] = {
    [PG_K_GEMM_F32] = "gemm_f32",
    [PG_K_CONV_DW_F32] = "conv_dw_f32",
    [PG_K_REDUCE_F32] = "reduce_f32",
    [PG_K_SOFTMAX_F32] = "softmax_f32",
    [PG_K_NORM_F32] = "norm_f32",
    [PG_K_UNARY_F32] = "unary_f32",
    [PG_K_BINARY_F32] = "binary_f32",
    [PG_K_POOL_F32] = "pool_f32",
    [PG_K_GEMM_S8] = "gemm_s8",
    [PG_K_RESIZE] = "resize",
    [PG_K_EXPR] = "expr",
    [PG_K_PEAK_F32] = "peak_f32",
    [PG_K_BLOCKED_F32] = "blocked_f32",
};

const int64_t pgi_check_sizes[] = {1,  2,  3,  5,  7,  8,  9,  15, 16,  17,  31,
                                   32, 33, 47, 63, 64, 65, 95, 97, 100, 127, 200};
const int pgi_check_n_sizes = PG_COUNT(pgi_check_sizes);

/* ---- buffers --------------------------------------------------------------------------------------- */

enum { PAGE = 4096, PATTERN = 0xA5 };

static void fail(pgi_check *c, const char *text, const char *what) {
  if (!*c->message) snprintf(c->message, sizeof c->message, "%s: %s", what, text);
  c->worst = INFINITY;
}

void *pgi_check_buffer(pgi_check *c, size_t bytes) {
  size_t pages =
      (bytes + PAGE - 1) / PAGE + 1; /* at least some bytes in front, and the last page */
  size_t front = pages * PAGE - bytes;
  unsigned char *map =
      mmap(NULL, (pages + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED || c->n_buffers == PG_COUNT(c->buffers)) __builtin_trap();
  mprotect(map + pages * PAGE, PAGE, PROT_NONE);
  memset(map, PATTERN, pages * PAGE);
  c->buffers[c->n_buffers++] = (struct pgi_check_buffer){map, pages, front};
  return map + front;
}

void pgi_check_clear(pgi_check *c, const char *what) {
  while (c->n_buffers > 0) {
    struct pgi_check_buffer *b = &c->buffers[--c->n_buffers];
    for (size_t i = 0; i < b->front; i++)
      if (b->map[i] != PATTERN) {
        fail(c, "wrote before the beginning of a buffer", what);
        break;
      }
    munmap(b->map, (b->pages + 1) * PAGE);
  }
}

/* xorshift64* (Vigna 2016). */
uint32_t pgi_check_random(pgi_check *c) {
  c->state ^= c->state >> 12, c->state ^= c->state << 25, c->state ^= c->state >> 27;
  return (uint32_t)((c->state * 0x2545F4914F6CDD1Du) >> 32);
}

float *pgi_check_floats(pgi_check *c, int64_t n, float scale) {
  float *x = pgi_check_buffer(c, (size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++)
    x[i] = ((float)(pgi_check_random(c) >> 8) / 8388608.0f - 1.0f) * scale;
  return x;
}

/* ---- comparing ------------------------------------------------------------------------------------- */

void pgi_check_near(pgi_check *c, double got, double want, double bound, const char *what,
                    int64_t i) {
  bool is_same = got == want || (isnan(got) && isnan(want));
  if (is_same) return;
  double error = fabs(got - want) / bound;
  if (!(error <= 1)) { /* NaN too */
    if (!*c->message)
      snprintf(c->message, sizeof c->message, "%s [%lld]: expected %.9g, got %.9g, bound %.3g",
               what, (long long)i, want, got, bound);
    if (isnan(error)) error = INFINITY;
  }
  if (error > c->worst) c->worst = error;
}

void pgi_check_equal(pgi_check *c, const void *got, const void *want, size_t bytes,
                     const char *what) {
  if (memcmp(got, want, bytes) != 0) fail(c, "differs from the scalar variant's bits", what);
}

bool pgi_check_failed(const pgi_check *c) {
  return *c->message != 0;
}

/* ---- for Lua --------------------------------------------------------------------------------------- */

static bool is_supported(const pgi_kernel *k) {
  unsigned cpu = 0;
  return pgi_cpu_features(&cpu, NULL) == PG_OK && (k->needs & ~cpu) == 0;
}

/* kernels() -> { { name, family, supported, checked } ... } */
static int list(lua_State *L) {
  int n;
  const pgi_kernel *const *all = pgi_kernel_all(&n);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    const char *family = family_names[all[i]->family];
    lua_createtable(L, 0, 4);
    lua_pushstring(L, all[i]->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, family ? family : "?");
    lua_setfield(L, -2, "family");
    lua_pushboolean(L, is_supported(all[i]));
    lua_setfield(L, -2, "supported");
    lua_pushboolean(L, checks[all[i]->family] != NULL);
    lua_setfield(L, -2, "checked");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* check_kernel(name) -> the largest error as a part of what is allowed; raises when above 1. */
static int check(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  int n;
  const pgi_kernel *const *all = pgi_kernel_all(&n), *found = NULL;
  for (int i = 0; i < n; i++)
    if (strcmp(all[i]->name, name) == 0) found = all[i];
  if (!found) return luaL_error(L, "there is no kernel '%s'", name);
  const pgi_kernel *reference = pgi_kernel_pick(0, found->family);
  if (!checks[found->family]) return luaL_error(L, "the family of '%s' has no check", name);
  if (!reference) return luaL_error(L, "the family of '%s' has no scalar variant", name);
  if (!is_supported(found)) return luaL_error(L, "this machine can't run '%s'", name);
  pgi_check c = {.state = 88172645463325252u};
  checks[found->family](&c, found->table, reference->table);
  pgi_check_clear(&c, name);
  if (pgi_check_failed(&c)) return luaL_error(L, "%s: %s", name, c.message);
  lua_pushnumber(L, c.worst);
  return 1;
}

void pgi_test_open_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {{"kernels", list}, {"check_kernel", check}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
