/* Blocked kernels of 16 lanes: 28 sums of 14 pixels and 2 blocks of outputs. */
#include <math.h>

#include "kernel/blocked.h"

#ifdef PG_X86
#include <immintrin.h>

#define TARGET PG_TARGET_AVX512
#define TILE_MAX 14
enum { LANES = 16, TILE = TILE_MAX };
typedef __m512 vec;
#define load _mm512_loadu_ps
#define store _mm512_storeu_ps
#define splat _mm512_set1_ps
#define fmadd _mm512_fmadd_ps
#define add _mm512_add_ps
#define sub _mm512_sub_ps
#define mul _mm512_mul_ps
#define fnmadd _mm512_fnmadd_ps
#define least _mm512_min_ps
#define most _mm512_max_ps
#define zero _mm512_setzero_ps
#include "kernel/blocked_x86.h"
#include "kernel/winograd_x86.h"

/* 1 / (1 + exp(-x)) = e / (1 + e) for x < 0, 1 / (1 + e) else, with e = exp(-|x|) <= 1.  The polynomial
** is that of unary_math.h.  The quotient by an estimate of 14 bits and a step of Newton's: a division
** takes as long as everything else together. */
INLINE vec sigmoid_of(vec x) {
  const vec magic = splat(12582912.0f);
  vec y = _mm512_or_ps(x, splat(-0.0f));
  y = most(splat(-105.0f), y);
  vec n = sub(fmadd(y, splat(1.44269504f), magic), magic);
  vec r = fmadd(n, splat(-0.693147182f), y);
  r = fmadd(n, splat(1.90465421e-9f), r);
  vec p = splat(1.991558529e-04f);
  p = fmadd(p, r, splat(1.394200721e-03f));
  p = fmadd(p, r, splat(8.333270438e-03f));
  p = fmadd(p, r, splat(4.166634381e-02f));
  p = fmadd(p, r, splat(1.666666716e-01f));
  p = fmadd(p, r, splat(5.000000000e-01f));
  p = fmadd(p, mul(r, r), r);
  const vec one = splat(1);
  vec e = _mm512_scalef_ps(add(p, one), n), d = add(e, one);
  vec q = _mm512_rcp14_ps(d);
  q = fmadd(q, fnmadd(d, q, one), q);
  return mul(q, _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x)), one, e));
}

TARGET static void sigmoid(const float *x, float *y, int64_t n, float a, float b) {
  (void)a, (void)b;
  for (int64_t i = 0; i < n; i += LANES) store(y + i, sigmoid_of(load(x + i)));
}

/* x sigmoid(a x) */
TARGET static void swish(const float *x, float *y, int64_t n, float a, float b) {
  (void)b;
  for (int64_t i = 0; i < n; i += LANES) {
    vec v = load(x + i);
    store(y + i, mul(v, sigmoid_of(mul(v, splat(a)))));
  }
}

static const pgi_blocked_f32 avx512 = {
    LANES, TILE,        conv,         depthwise,        max_line,   sum_line, affine,
    total, winograd_in, winograd_out, winograd_weights, hard_swish, sigmoid,  swish};
PG_KERNEL(blocked_f32_avx512) = {.name = "blocked_f32_avx512",
                                 .family = PG_K_BLOCKED_F32,
                                 .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                 .table = &avx512};
#endif
