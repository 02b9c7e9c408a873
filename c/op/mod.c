/* Mod: the remainder with the sign of the divisor (fmod = 0) or of the dividend (fmod = 1).  Integers
** modulo zero give zero. */
#include "op/elementwise.h"

/* The special cases of Mod-28: a zero takes the divisor's sign, infinite divisors are what is added to
** a dividend of the other sign, and zero divisors and infinite dividends give NaN. */
static double floor_mod_f64(double u, double v) {
  double r = fmod(u, v);
  if (r == 0) return copysign(0.0, v);
  return (r < 0) != (v < 0) ? r + v : r;
}

static float floor_mod_f32(float u, float v) {
  float r = fmodf(u, v);
  if (r == 0) return copysignf(0.0f, v);
  return (r < 0) != (v < 0) ? r + v : r;
}

static int64_t trunc_mod_i64(int64_t u, int64_t v) {
  return v == 0 || v == -1 ? 0 : u % v;
}

static int64_t floor_mod_i64(int64_t u, int64_t v) {
  int64_t r = trunc_mod_i64(u, v);
  return r != 0 && (r < 0) != (v < 0) ? r + v : r;
}

PG_BINARY_LOOP(floor_f32, float, float, floor_mod_f32(u, v))
PG_BINARY_LOOP(floor_f64, double, double, floor_mod_f64(u, v))
PG_BINARY_LOOP(floor_i64, int64_t, int64_t, floor_mod_i64(u, v))
PG_BINARY_LOOP(trunc_f32, float, float, fmodf(u, v))
PG_BINARY_LOOP(trunc_f64, double, double, fmod(u, v))
PG_BINARY_LOOP(trunc_i64, int64_t, int64_t, trunc_mod_i64(u, v))
PG_BINARY_LOOP(mod_u64, uint64_t, uint64_t, v == 0 ? 0 : u % v)

static const pgi_binary_def def_floor = {
    .f32 = floor_f32, .f64 = floor_f64, .i64 = floor_i64, .u64 = mod_u64};
static const pgi_binary_def def_trunc = {
    .f32 = trunc_f32, .f64 = trunc_f64, .i64 = trunc_i64, .u64 = mod_u64};

static pg_status run(pgi_call *c) {
  return pgi_binary_op(c, pgi_attr_int(c->node, "fmod") ? &def_trunc : &def_floor);
}

static const pgi_attr_def attrs[] = {{.name = "fmod", .kind = PG_ATTR_INT}, {0}};

PG_OP(mod) = {
    .name = "Mod",
    .since = {10, 13, 28},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_broadcast,
    .run = run,
};
