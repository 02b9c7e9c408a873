/* unary: see unary.h.  One list says how each function is computed in vectors; it is expanded under
** each target. */
#include "kernel/unary.h"

#include "kernel/unary_math.h"

/* ---- f64: the reference --------------------------------------------------------------------------- */

static double sigmoid(double x) {
  double e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

static double softplus(double x) {
  return (x < 0 ? 0 : x) + log1p(exp(-fabs(x)));
}

static double mish(double x) {
  if (x > 40) return x;
  double e = exp(x), n = e * (e + 2);
  return x * (n / (n + 2));
}

static double clip(double x, double low, double high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

static double shrink(double x, double lambd, double bias) {
  if (isnan(x)) return x;
  return x < -lambd ? x + bias : x > lambd ? x - bias : 0;
}

double pgi_unary_f64(pgi_unary f, double x, double a, double b) {
  switch (f) {
    case PG_ABS:
      return fabs(x);
    case PG_NEG:
      return -x;
    case PG_SIGN:
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case PG_FLOOR:
      return floor(x);
    case PG_CEIL:
      return ceil(x);
    case PG_ROUND:
      return nearbyint(x);
    case PG_SQRT:
      return sqrt(x);
    case PG_RECIPROCAL:
      return 1 / x;
    case PG_EXP:
      return exp(x);
    case PG_LOG:
      return log(x);
    case PG_SIN:
      return sin(x);
    case PG_COS:
      return cos(x);
    case PG_TAN:
      return tan(x);
    case PG_ASIN:
      return asin(x);
    case PG_ACOS:
      return acos(x);
    case PG_ATAN:
      return atan(x);
    case PG_SINH:
      return sinh(x);
    case PG_COSH:
      return cosh(x);
    case PG_TANH:
      return tanh(x);
    case PG_ASINH:
      return asinh(x);
    case PG_ACOSH:
      return acosh(x);
    case PG_ATANH:
      return atanh(x);
    case PG_ERF:
      return erf(x);
    case PG_SIGMOID:
      return sigmoid(x);
    case PG_RELU:
      return x < 0 ? 0 : x;
    case PG_LEAKY_RELU:
      return x < 0 ? a * x : x;
    case PG_ELU:
      return x < 0 ? a * expm1(x) : x;
    case PG_SELU:
      return b * (x < 0 ? a * expm1(x) : x);
    case PG_CELU:
      return x < 0 ? a * expm1(x / a) : x;
    case PG_THRESHOLDED_RELU:
      return x <= a ? 0 : x;
    case PG_HARD_SIGMOID:
      return clip(a * x + b, 0, 1);
    case PG_HARD_SWISH:
      return x * clip(x / 6 + 0.5, 0, 1);
    case PG_SOFTPLUS:
      return softplus(x);
    case PG_SOFTSIGN:
      return x / (1 + fabs(x));
    case PG_MISH:
      return mish(x);
    case PG_GELU:
      return x * (0.5 * erfc(-x * 0.70710678118654752440));
    case PG_GELU_TANH:
      return x * sigmoid(1.5957691216057307117 * (x + 0.044715 * x * x * x));
    case PG_SWISH:
      return x * sigmoid(a * x);
    case PG_SHRINK:
      return shrink(x, a, b);
    case PG_CLIP:
      return clip(x, a, b);
    case PG_AFFINE:
      return a * x + b;
    case PG_N_UNARY:
      break;
  }
  return x;
}

void pgi_unary_f64_run(pgi_unary f, const double *x, double *y, int64_t n, double a, double b) {
  for (int64_t i = 0; i < n; i++) y[i] = pgi_unary_f64(f, x[i], a, b);
}

/* ---- f32, scalar ---------------------------------------------------------------------------------- */

/* Where doubles gain nothing the f32 expression is used in every variant: the same bits. */
#define UNARY_EXACT(X)                                                   \
  X(abs, PG_ABS, __builtin_fabsf(x))                                     \
  X(neg, PG_NEG, -x)                                                     \
  X(sign, PG_SIGN, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x)               \
  X(floor, PG_FLOOR, __builtin_floorf(x))                                \
  X(ceil, PG_CEIL, __builtin_ceilf(x))                                   \
  X(round, PG_ROUND, __builtin_nearbyintf(x))                            \
  X(sqrt, PG_SQRT, __builtin_sqrtf(x))                                   \
  X(reciprocal, PG_RECIPROCAL, 1.0f / x)                                 \
  X(relu, PG_RELU, x < 0.0f ? 0.0f : x)                                  \
  X(leaky_relu, PG_LEAKY_RELU, x < 0.0f ? a * x : x)                     \
  X(thresholded_relu, PG_THRESHOLDED_RELU, x <= a ? 0.0f : x)            \
  X(hard_sigmoid, PG_HARD_SIGMOID, clip_f32(a *x + b, 0.0f, 1.0f))       \
  X(hard_swish, PG_HARD_SWISH, x *clip_f32(x / 6.0f + 0.5f, 0.0f, 1.0f)) \
  X(softsign, PG_SOFTSIGN, x / (1.0f + __builtin_fabsf(x)))              \
  X(shrink, PG_SHRINK, shrink_f32(x, a, b))                              \
  X(clip, PG_CLIP, clip_f32(x, a, b))                                    \
  X(affine, PG_AFFINE, a *x + b)

/* The transcendental ones that vectors compute by unary_math.h ... */
#define UNARY_VECTOR(X)                                      \
  X(exp, PG_EXP, pgi_exp_f32(x))                             \
  X(log, PG_LOG, pgi_log_f32(x))                             \
  X(tanh, PG_TANH, pgi_tanh_f32(x))                          \
  X(erf, PG_ERF, pgi_erf_f32(x))                             \
  X(sigmoid, PG_SIGMOID, pgi_sigmoid_f32(x))                 \
  X(elu, PG_ELU, x < 0.0f ? a * pgi_expm1_f32(x) : x)        \
  X(selu, PG_SELU, b *(x < 0.0f ? a * pgi_expm1_f32(x) : x)) \
  X(celu, PG_CELU, x < 0.0f ? a * pgi_expm1_f32(x / a) : x)  \
  X(softplus, PG_SOFTPLUS, pgi_softplus_f32(x))              \
  X(mish, PG_MISH, pgi_mish_f32(x))                          \
  X(gelu, PG_GELU, pgi_gelu_f32(x))                          \
  X(gelu_tanh, PG_GELU_TANH, pgi_gelu_tanh_f32(x))           \
  X(swish, PG_SWISH, x *pgi_sigmoid_f32(a *x))

/* ... and those that are one value at a time everywhere (sine and cosine only in the scalar one). */
#define UNARY_LIBRARY(X) \
  X(tan, PG_TAN)         \
  X(asin, PG_ASIN)       \
  X(acos, PG_ACOS)       \
  X(atan, PG_ATAN)       \
  X(sinh, PG_SINH)       \
  X(cosh, PG_COSH)       \
  X(asinh, PG_ASINH)     \
  X(acosh, PG_ACOSH)     \
  X(atanh, PG_ATANH)

PG_INLINE float clip_f32(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

PG_INLINE float shrink_f32(float x, float lambd, float bias) {
  float y = x < -lambd ? x + bias : x > lambd ? x - bias : 0.0f;
  return x == x ? y : x;
}

/* Loops of a fixed length become vectors at any level of optimisation that makes them; the rest
** goes through a padded block, so that an element's bits don't depend on its place. */
enum { BLOCK = 64 };
#define LOOP(isa, TARGET, id, expr)                                                      \
  PG_INLINE void id##_block_##isa(const float *in, float *out, float a, float b) {       \
    (void)a, (void)b;                                                                    \
    PG_IVDEP for (int i = 0; i < BLOCK; i++) {                                           \
      float x = in[i];                                                                   \
      out[i] = expr;                                                                     \
    }                                                                                    \
  }                                                                                      \
  TARGET static void id##_##isa(const float *x, float *y, int64_t n, float a, float b) { \
    for (; n >= BLOCK; n -= BLOCK, x += BLOCK, y += BLOCK) id##_block_##isa(x, y, a, b); \
    if (n <= 0) return;                                                                  \
    float rest[BLOCK] = {0};                                                             \
    memcpy(rest, x, (size_t)n * sizeof *x);                                              \
    id##_block_##isa(rest, rest, a, b);                                                  \
    memcpy(y, rest, (size_t)n * sizeof *y);                                              \
  }

#define LIBRARY_LOOP(id, kind)                                                     \
  static void id##_scalar(const float *x, float *y, int64_t n, float a, float b) { \
    for (int64_t i = 0; i < n; i++)                                                \
      y[i] = (float)pgi_unary_f64(kind, (double)x[i], (double)a, (double)b);       \
  }
#define X(id, kind, ...) LIBRARY_LOOP(id, kind)
UNARY_VECTOR(X)
UNARY_LIBRARY(X)
#undef X
LIBRARY_LOOP(sin, PG_SIN)
LIBRARY_LOOP(cos, PG_COS)

#define X(id, kind, expr) LOOP(scalar, , id, expr)
UNARY_EXACT(X)
#undef X

#define ENTRY_SCALAR(id, kind, ...) [kind] = id##_scalar,
#define ENTRY_AVX2(id, kind, ...) [kind] = id##_avx2,
#define ENTRY_AVX512(id, kind, ...) [kind] = id##_avx512,

static const pgi_unary_f32 scalar = {{UNARY_EXACT(ENTRY_SCALAR) UNARY_VECTOR(ENTRY_SCALAR)
                                          UNARY_LIBRARY(ENTRY_SCALAR)[PG_SIN] = sin_scalar,
                                      [PG_COS] = cos_scalar}};

PG_KERNEL(unary_f32_scalar) = {
    .name = "unary_f32_scalar", .family = PG_K_UNARY_F32, .table = &scalar};

/* ---- f32, vectors --------------------------------------------------------------------------------- */

/* Elsewhere the same code is plain C that nothing selects. */
#ifndef PG_TARGET_AVX2
#define PG_TARGET_AVX2
#define PG_TARGET_AVX512
#endif

/* Large arguments need more digits of pi than three floats hold: such a block goes to the library. */
PG_INLINE bool is_small_block(const float *x) {
  uint32_t most = 0;
  for (int i = 0; i < BLOCK; i++) {
    uint32_t bits = pgi_bits_of(x[i]) & 0x7fffffffu;
    most = bits > most ? bits : most;
  }
  return most <= 0x47800000u; /* PG_SIN_LIMIT */
}

#define SIN_LOOP(isa, TARGET, id, quarter)                                               \
  TARGET static void id##_##isa(const float *x, float *y, int64_t n, float a, float b) { \
    while (n > 0) {                                                                      \
      float block[BLOCK] = {0};                                                          \
      int64_t m = PG_MIN(n, (int64_t)BLOCK);                                             \
      memcpy(block, x, (size_t)m * sizeof *x);                                           \
      if (is_small_block(block))                                                         \
        for (int i = 0; i < BLOCK; i++) block[i] = pgi_sin_quarter(block[i], quarter);   \
      else                                                                               \
        id##_scalar(block, block, m, a, b);                                              \
      memcpy(y, block, (size_t)m * sizeof *y);                                           \
      n -= m, x += m, y += m;                                                            \
    }                                                                                    \
  }

#define X(id, kind, expr) LOOP(avx2, PG_TARGET_AVX2, id, expr)
UNARY_EXACT(X)
UNARY_VECTOR(X)
#undef X
SIN_LOOP(avx2, PG_TARGET_AVX2, sin, 0)
SIN_LOOP(avx2, PG_TARGET_AVX2, cos, 1)

static const pgi_unary_f32 avx2 = {{UNARY_EXACT(ENTRY_AVX2) UNARY_VECTOR(ENTRY_AVX2)
                                        UNARY_LIBRARY(ENTRY_SCALAR)[PG_SIN] = sin_avx2,
                                    [PG_COS] = cos_avx2}};

PG_KERNEL(unary_f32_avx2) = {
    .name = "unary_f32_avx2", .family = PG_K_UNARY_F32, .needs = PG_CPU_AVX2, .table = &avx2};

#define X(id, kind, expr) LOOP(avx512, PG_TARGET_AVX512, id, expr)
UNARY_EXACT(X)
UNARY_VECTOR(X)
#undef X
SIN_LOOP(avx512, PG_TARGET_AVX512, sin, 0)
SIN_LOOP(avx512, PG_TARGET_AVX512, cos, 1)

static const pgi_unary_f32 avx512 = {{UNARY_EXACT(ENTRY_AVX512) UNARY_VECTOR(ENTRY_AVX512)
                                          UNARY_LIBRARY(ENTRY_SCALAR)[PG_SIN] = sin_avx512,
                                      [PG_COS] = cos_avx512}};

PG_KERNEL(unary_f32_avx512) = {.name = "unary_f32_avx512",
                               .family = PG_K_UNARY_F32,
                               .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                               .table = &avx512};
