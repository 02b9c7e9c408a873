/* unary_math: f32 functions without branches or calls, for loops that the compiler turns into
** vectors.  The kernels of unary.c and others inline them under their own targets; they count on a
** fused multiply-add.
**
** Polynomials are minimax fits (Lawson's iteration on Chebyshev nodes, 25 digits) of the functions
** named beside them; the errors given are those of the fit. */
#ifndef PG_KERNEL_UNARY_MATH_H
#define PG_KERNEL_UNARY_MATH_H

#include <math.h>

#include "base/base.h"

#define PG_INLINE static inline __attribute__((always_inline, unused))
#if defined(__GNUC__) && !defined(__clang__)
#define PG_IVDEP _Pragma("GCC ivdep") /* y may be x, but never x shifted */
#else
#define PG_IVDEP
#endif

PG_INLINE float pgi_float_of(uint32_t bits) {
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

PG_INLINE uint32_t pgi_bits_of(float f) {
  uint32_t bits;
  memcpy(&bits, &f, 4);
  return bits;
}

PG_INLINE float pgi_fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}

/* Adding this rounds to an integer, which then sits in the low bits; |x| < 2^22. */
#define PG_ROUND_MAGIC 12582912.0f /* 1.5 * 2^23 */

/* 2^n for -252 <= n <= 254 as two factors: their product may be denormal or infinite. */
PG_INLINE void pgi_scale2(int32_t n, float *half, float *rest) {
  int32_t h = n >> 1;
  *half = pgi_float_of((uint32_t)(h + 127) << 23);
  *rest = pgi_float_of((uint32_t)(n - h + 127) << 23);
}

/* x = n ln 2 + r, |r| <= ln 2 / 2; gives exp(r) - 1. */
PG_INLINE float pgi_exp_reduce(float x, int32_t *n) {
  float t = pgi_fma(x, 1.44269504f, PG_ROUND_MAGIC);
  *n = (int32_t)(pgi_bits_of(t) - pgi_bits_of(PG_ROUND_MAGIC));
  t -= PG_ROUND_MAGIC;
  float r = pgi_fma(t, -0.693147182f, x);
  r = pgi_fma(t, 1.90465421e-9f, r);
  float p = 1.991558529e-04f; /* (exp(r) - 1 - r) / r^2, 2^-31.9 relative to exp(r) - 1 */
  p = pgi_fma(p, r, 1.394200721e-03f);
  p = pgi_fma(p, r, 8.333270438e-03f);
  p = pgi_fma(p, r, 4.166634381e-02f);
  p = pgi_fma(p, r, 1.666666716e-01f);
  p = pgi_fma(p, r, 5.000000000e-01f);
  return pgi_fma(p, r * r, r);
}

/* Exact zero below -104 and infinity above 88.7, denormals between. */
PG_INLINE float pgi_exp_f32(float x) {
  x = x < -105.0f ? -105.0f : x;
  x = x > 90.0f ? 90.0f : x;
  int32_t n;
  float e = pgi_exp_reduce(x, &n) + 1.0f, half, rest;
  pgi_scale2(n, &half, &rest);
  return e * half * rest;
}

/* exp(x) - 1, accurate near zero. */
PG_INLINE float pgi_expm1_f32(float x) {
  float y = x < -20.0f ? -20.0f : x;
  y = y > 90.0f ? 90.0f : y;
  int32_t n;
  float e = pgi_exp_reduce(y, &n), half, rest;
  pgi_scale2(n, &half, &rest);
  float scale = half * rest; /* infinite for n = 128, where the product need not be */
  float small = pgi_fma(e, scale, scale - 1.0f);
  return n > 60 ? (e + 1.0f) * half * rest : small;
}

/* log(x).  x = 2^e m with m in [sqrt(1/2), sqrt(2)). */
PG_INLINE float pgi_log_f32(float x) {
  bool is_tiny = x < 1.17549435e-38f;
  float y = is_tiny ? x * 8388608.0f : x;
  uint32_t bits = pgi_bits_of(y) - 0x3f3504f3u; /* sqrt(1/2) */
  float e = (float)((int32_t)bits >> 23) - (is_tiny ? 23.0f : 0.0f);
  float f = pgi_float_of((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  float p = -7.859960198e-02f; /* (log(1 + f) - f + f^2 / 2) / f^3, 2^-27.3 */
  p = pgi_fma(p, f, 1.288586408e-01f);
  p = pgi_fma(p, f, -1.313045025e-01f);
  p = pgi_fma(p, f, 1.418069899e-01f);
  p = pgi_fma(p, f, -1.662434787e-01f);
  p = pgi_fma(p, f, 2.000230253e-01f);
  p = pgi_fma(p, f, -2.500081658e-01f);
  p = pgi_fma(p, f, 3.333331645e-01f);
  float s = f * f;
  float q = pgi_fma(p * f, s, e * -1.90465421e-9f);
  q = pgi_fma(s, -0.5f, q);
  float r = pgi_fma(e, 0.693147182f, q + f);
  r = x == 0.0f ? -INFINITY : r;
  r = x < 0.0f ? NAN : r;
  return x < INFINITY ? r : x; /* infinity and NaN as they are */
}

/* log(1 + u) for u >= 0: what rounding 1 + u lost is scaled back in (Kahan). */
PG_INLINE float pgi_log1p_f32(float u) {
  float w = 1.0f + u;
  float d = w - 1.0f;
  float r = pgi_log_f32(w) * (u / (d == 0.0f ? 1.0f : d));
  return d == 0.0f ? u : r;
}

PG_INLINE float pgi_sigmoid_f32(float x) {
  float e = pgi_exp_f32(-__builtin_fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

PG_INLINE float pgi_tanh_f32(float x) {
  float a = __builtin_fabsf(x);
  a = a > 10.0f ? 10.0f : a; /* 1 in f32 */
  float t = pgi_expm1_f32(2.0f * a);
  return __builtin_copysignf(t / (t + 2.0f), x);
}

/* erf(x) / x by s = x^2, x^2 < 0.95^2; 2^-30.6. */
PG_INLINE float pgi_erf_small(float s) {
  float p = 8.185093611e-05f;
  p = pgi_fma(p, s, -8.097703685e-04f);
  p = pgi_fma(p, s, 5.196952261e-03f);
  p = pgi_fma(p, s, -2.685770579e-02f);
  p = pgi_fma(p, s, 1.128366366e-01f);
  p = pgi_fma(p, s, -3.761263192e-01f);
  return pgi_fma(p, s, 1.128379226e+00f);
}

PG_INLINE float pgi_erf_f32(float x) {
  float t = __builtin_fabsf(x);
  float u = t > 4.0f ? 4.0f : t; /* 1 in f32 */
  float p = 1.556584357e-05f; /* -log(erfc(t)), t in [0.9, 4], 2^-26.7 after scaling by erfc(t) */
  p = pgi_fma(p, u, -3.568009415e-04f);
  p = pgi_fma(p, u, 3.719871864e-03f);
  p = pgi_fma(p, u, -2.371662483e-02f);
  p = pgi_fma(p, u, 1.057628021e-01f);
  p = pgi_fma(p, u, 6.359528899e-01f);
  p = pgi_fma(p, u, 1.128072858e+00f);
  p = pgi_fma(p, u, 1.548512664e-04f);
  float big = __builtin_copysignf(1.0f - pgi_exp_f32(-p), x);
  return t > 0.92f ? big : x * pgi_erf_small(x * x);
}

/* By erfc, so that the left tail keeps its digits. */
PG_INLINE float pgi_gelu_f32(float x) {
  float z = x * 0.707106781f;
  float t = __builtin_fabsf(z);
  float u = t > 10.5f ? 10.5f : t; /* erfc underflows */
  float p = -1.870100519e-09f;     /* -log(erfc(t)), t in [0.9, 10.2], 2^-24.2 */
  p = pgi_fma(p, u, 1.176672484e-07f);
  p = pgi_fma(p, u, -3.297177955e-06f);
  p = pgi_fma(p, u, 5.448683442e-05f);
  p = pgi_fma(p, u, -5.938893883e-04f);
  p = pgi_fma(p, u, 4.538095091e-03f);
  p = pgi_fma(p, u, -2.535177767e-02f);
  p = pgi_fma(p, u, 1.075793281e-01f);
  p = pgi_fma(p, u, 6.349955797e-01f);
  p = pgi_fma(p, u, 1.128162503e+00f);
  p = pgi_fma(p, u, 2.240053727e-04f);
  float half_erfc = 0.5f * pgi_exp_f32(-p);
  float big = x < 0.0f ? half_erfc : 1.0f - half_erfc;
  float small = pgi_fma(0.5f * z, pgi_erf_small(z * z), 0.5f);
  return x * (t > 0.92f ? big : small);
}

/* 1 + tanh(v) = 2 sigmoid(2 v). */
PG_INLINE float pgi_gelu_tanh_f32(float x) {
  float v = 1.59576912f * pgi_fma(0.044715f * x, x * x, x);
  return x * pgi_sigmoid_f32(v);
}

/* tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2). */
PG_INLINE float pgi_mish_f32(float x) {
  float e = pgi_exp_f32(x > 20.0f ? 20.0f : x);
  float n = e * (e + 2.0f);
  return x * (x > 20.0f ? 1.0f : n / (n + 2.0f));
}

PG_INLINE float pgi_softplus_f32(float x) {
  return (x < 0.0f ? 0.0f : x) + pgi_log1p_f32(pgi_exp_f32(-__builtin_fabsf(x)));
}

/* sin(x + quarter pi/2) for |x| <= PG_SIN_LIMIT, where three parts of pi/2 are enough. */
#define PG_SIN_LIMIT 65536.0f
PG_INLINE float pgi_sin_quarter(float x, uint32_t quarter) {
  float t = pgi_fma(x, 0.636619772f, PG_ROUND_MAGIC);
  uint32_t n = pgi_bits_of(t) + quarter;
  t -= PG_ROUND_MAGIC;
  float r = pgi_fma(t, -1.57079637f, x);
  r = pgi_fma(t, 4.37113883e-8f, r);
  r = pgi_fma(t, 1.71512451e-15f, r);
  float s = r * r;
  float p = -1.951408485e-04f; /* (sin(r) - r) / r^3, 2^-28 */
  p = pgi_fma(p, s, 8.332154714e-03f);
  p = pgi_fma(p, s, -1.666665524e-01f);
  float sine = pgi_fma(p * r, s, r);
  float q = 2.443484300e-05f; /* (cos(r) - 1 + r^2 / 2) / r^4, 2^-33 */
  q = pgi_fma(q, s, -1.388733741e-03f);
  q = pgi_fma(q, s, 4.166664556e-02f);
  float cosine = pgi_fma(q, s * s, pgi_fma(s, -0.5f, 1.0f));
  float y = (n & 1) ? cosine : sine;
  return pgi_float_of(pgi_bits_of(y) ^ (n & 2) << 30);
}

#endif
