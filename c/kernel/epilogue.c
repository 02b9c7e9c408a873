/* What is done to the finished tiles of a product while they are in the cache.  One body, compiled
** for each level and each activation: addends and activation in one pass. */
#include <math.h>

#include "kernel/gemm.h"
#include "kernel/unary_math.h"

#define BODY static inline __attribute__((always_inline))

/* Comparisons are written so that NaN passes. */
BODY float clip(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

/* 1 / (1 + exp(-x)) without overflow. */
static float sigmoid(float x) {
  float e = expf(x < 0 ? x : -x);
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

static float gelu(float x) {
  return (float)(0.5 * (double)x * erfc(-(double)x * 0.70710678118654752));
}

static float gelu_tanh(float x) {
  double v = (double)x;
  return (float)(0.5 * v * (1 + tanh(0.79788456080286536 * (v + 0.044715 * v * v * v))));
}

BODY float activate(const pgi_activation act, float alpha, float beta, float x) {
  switch (act) {
    case PG_ACT_RELU:
      return x < 0 ? 0 : x;
    case PG_ACT_LEAKY_RELU:
      return x < 0 ? alpha * x : x;
    case PG_ACT_CLIP:
      return clip(x, alpha, beta);
    case PG_ACT_HARD_SIGMOID:
      return clip(alpha * x + beta, 0, 1);
    case PG_ACT_HARD_SWISH:
      return x * clip(alpha * x + beta, 0, 1);
    case PG_ACT_SIGMOID:
      return sigmoid(x);
    case PG_ACT_TANH:
      return tanhf(x);
    case PG_ACT_SILU:
      return x * sigmoid(x);
    case PG_ACT_GELU:
      return gelu(x);
    case PG_ACT_GELU_TANH:
      return gelu_tanh(x);
    default:
      return x;
  }
}

/* One row: c = act(c + scale * a + b).  a is one number when a_step is 0; b may be NULL. */
BODY void finish_row(const pgi_activation act, float alpha, float beta, float scale, const float *a,
                     int64_t a_step, const float *b, int64_t n, float *c) {
  if (a_step == 0) {
    float shift = a ? scale * a[0] : 0;
    if (b) {
      for (int64_t j = 0; j < n; j++) c[j] = activate(act, alpha, beta, c[j] + shift + b[j]);
    } else {
      for (int64_t j = 0; j < n; j++) c[j] = activate(act, alpha, beta, c[j] + shift);
    }
  } else {
    for (int64_t j = 0; j < n; j++) {
      float x = c[j] + scale * a[j * a_step];
      c[j] = activate(act, alpha, beta, b ? x + b[j] : x);
    }
  }
}

BODY void finish_rows(const pgi_activation act, const pgi_epilogue *e, int64_t i0, int64_t j0,
                      int64_t m, int64_t n, float *c, int64_t ldc) {
  const pgi_addend *a = &e->add[0], *b = &e->add[1];
  for (int64_t i = 0; i < m; i++, c += ldc) {
    const float *from = a->data ? a->data + (i0 + i) * a->row + j0 * a->col : NULL;
    const float *more = b->data ? b->data + (i0 + i) * b->row + j0 : NULL;
    finish_row(act, e->alpha, e->beta, e->scale, from, from ? a->col : 0, more, n, c);
  }
}

#define FINISH(name, target)                                                                   \
  target static void name(const pgi_epilogue *e, int64_t i0, int64_t j0, int64_t m, int64_t n, \
                          float *c, int64_t ldc) {                                             \
    switch (e->act) {                                                                          \
      case PG_ACT_NONE:                                                                        \
        finish_rows(PG_ACT_NONE, e, i0, j0, m, n, c, ldc);                                     \
        break;                                                                                 \
      case PG_ACT_RELU:                                                                        \
        finish_rows(PG_ACT_RELU, e, i0, j0, m, n, c, ldc);                                     \
        break;                                                                                 \
      case PG_ACT_LEAKY_RELU:                                                                  \
        finish_rows(PG_ACT_LEAKY_RELU, e, i0, j0, m, n, c, ldc);                               \
        break;                                                                                 \
      case PG_ACT_CLIP:                                                                        \
        finish_rows(PG_ACT_CLIP, e, i0, j0, m, n, c, ldc);                                     \
        break;                                                                                 \
      case PG_ACT_HARD_SIGMOID:                                                                \
        finish_rows(PG_ACT_HARD_SIGMOID, e, i0, j0, m, n, c, ldc);                             \
        break;                                                                                 \
      case PG_ACT_HARD_SWISH:                                                                  \
        finish_rows(PG_ACT_HARD_SWISH, e, i0, j0, m, n, c, ldc);                               \
        break;                                                                                 \
      case PG_ACT_SIGMOID:                                                                     \
        finish_rows(PG_ACT_SIGMOID, e, i0, j0, m, n, c, ldc);                                  \
        break;                                                                                 \
      case PG_ACT_TANH:                                                                        \
        finish_rows(PG_ACT_TANH, e, i0, j0, m, n, c, ldc);                                     \
        break;                                                                                 \
      case PG_ACT_SILU:                                                                        \
        finish_rows(PG_ACT_SILU, e, i0, j0, m, n, c, ldc);                                     \
        break;                                                                                 \
      case PG_ACT_GELU:                                                                        \
        finish_rows(PG_ACT_GELU, e, i0, j0, m, n, c, ldc);                                     \
        break;                                                                                 \
      case PG_ACT_GELU_TANH:                                                                   \
        finish_rows(PG_ACT_GELU_TANH, e, i0, j0, m, n, c, ldc);                                \
        break;                                                                                 \
    }                                                                                          \
  }

FINISH(finish_scalar, )

void pgi_finish_scalar(const pgi_epilogue *e, int64_t i0, int64_t j0, int64_t m, int64_t n,
                       float *c, int64_t ldc) {
  finish_scalar(e, i0, j0, m, n, c, ldc);
}

#ifdef PG_X86
#include <immintrin.h>

/* The smooth ones by polynomials, in blocks of fixed length, which compilers make vectors of. */
enum { BLOCK = 16 };

static bool is_curve(pgi_activation act) {
  return act == PG_ACT_SIGMOID || act == PG_ACT_TANH || act == PG_ACT_SILU || act == PG_ACT_GELU ||
         act == PG_ACT_GELU_TANH;
}

BODY void curve_block(const pgi_activation act, const float *x, float *y) {
  PG_IVDEP for (int i = 0; i < BLOCK; i++) {
    float v = x[i];
    y[i] = act == PG_ACT_SIGMOID ? pgi_sigmoid_f32(v)
           : act == PG_ACT_TANH  ? pgi_tanh_f32(v)
           : act == PG_ACT_SILU  ? v * pgi_sigmoid_f32(v)
           : act == PG_ACT_GELU  ? pgi_gelu_f32(v)
                                 : pgi_gelu_tanh_f32(v);
  }
}

BODY void curve_rows(const pgi_activation act, int64_t m, int64_t n, float *c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++, c += ldc) {
    int64_t j = 0;
    for (; j + BLOCK <= n; j += BLOCK) curve_block(act, c + j, c + j);
    if (j == n) continue;
    float rest[BLOCK] = {0};
    memcpy(rest, c + j, (size_t)(n - j) * sizeof *rest);
    curve_block(act, rest, rest);
    memcpy(c + j, rest, (size_t)(n - j) * sizeof *rest);
  }
}

#define CURVES(name, target)                                                                 \
  target static void name(pgi_activation act, int64_t m, int64_t n, float *c, int64_t ldc) { \
    if (act == PG_ACT_SIGMOID) curve_rows(PG_ACT_SIGMOID, m, n, c, ldc);                     \
    if (act == PG_ACT_TANH) curve_rows(PG_ACT_TANH, m, n, c, ldc);                           \
    if (act == PG_ACT_SILU) curve_rows(PG_ACT_SILU, m, n, c, ldc);                           \
    if (act == PG_ACT_GELU) curve_rows(PG_ACT_GELU, m, n, c, ldc);                           \
    if (act == PG_ACT_GELU_TANH) curve_rows(PG_ACT_GELU_TANH, m, n, c, ldc);                 \
  }

CURVES(curves_avx2, PG_TARGET_AVX2)
CURVES(curves_avx512, PG_TARGET_AVX512)

FINISH(finish_avx2, PG_TARGET_AVX2)
FINISH(finish_avx512, PG_TARGET_AVX512)

/* Most tiles are 2 vectors wide, too narrow for what a compiler makes of a loop.  Nothing, Relu and
** Clip are one case: bounds.  False when it is none of these. */
static bool bounds_of(const pgi_epilogue *e, float *low, float *high) {
  *low = e->act == PG_ACT_RELU ? 0 : -INFINITY;
  *high = INFINITY;
  if (e->act == PG_ACT_CLIP) {
    *low = e->alpha;
    *high = e->beta;
  }
  bool is_bounds = e->act == PG_ACT_NONE || e->act == PG_ACT_RELU || e->act == PG_ACT_CLIP;
  return is_bounds && (!e->add[0].data || e->add[0].col <= 1);
}

enum { W2 = 8, W5 = 16 };

/* max(low, x) and min(high, x) give x when it is NaN. */
PG_TARGET_AVX2 void pgi_finish_avx2(const pgi_epilogue *e, int64_t i0, int64_t j0, int64_t m,
                                    int64_t n, float *c, int64_t ldc) {
  if (is_curve(e->act)) {
    pgi_epilogue sum = *e;
    sum.act = PG_ACT_NONE;
    pgi_finish_avx2(&sum, i0, j0, m, n, c, ldc);
    curves_avx2(e->act, m, n, c, ldc);
    return;
  }
  float low, high;
  if (!bounds_of(e, &low, &high)) {
    finish_avx2(e, i0, j0, m, n, c, ldc);
    return;
  }
  const pgi_addend *a = &e->add[0], *b = &e->add[1];
  __m256 least = _mm256_set1_ps(low), most = _mm256_set1_ps(high);
  __m256 scale = _mm256_set1_ps(e->scale);
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int64_t i = 0; i < m; i++, c += ldc) {
    const float *from = a->data ? a->data + (i0 + i) * a->row + j0 * a->col : NULL;
    const float *more = b->data ? b->data + (i0 + i) * b->row + j0 : NULL;
    __m256 shift = _mm256_set1_ps(from && a->col == 0 ? e->scale * from[0] : 0);
    for (int64_t j = 0; j < n; j += W2) {
      __m256i cut = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)PG_MIN(n - j, W2)), lane);
      __m256 x = _mm256_maskload_ps(c + j, cut);
      if (from && a->col == 1) shift = _mm256_mul_ps(scale, _mm256_maskload_ps(from + j, cut));
      x = _mm256_add_ps(x, shift);
      if (more) x = _mm256_add_ps(x, _mm256_maskload_ps(more + j, cut));
      _mm256_maskstore_ps(c + j, cut, _mm256_min_ps(most, _mm256_max_ps(least, x)));
    }
  }
}

PG_TARGET_AVX512 void pgi_finish_avx512(const pgi_epilogue *e, int64_t i0, int64_t j0, int64_t m,
                                        int64_t n, float *c, int64_t ldc) {
  if (is_curve(e->act)) {
    pgi_epilogue sum = *e;
    sum.act = PG_ACT_NONE;
    pgi_finish_avx512(&sum, i0, j0, m, n, c, ldc);
    curves_avx512(e->act, m, n, c, ldc);
    return;
  }
  float low, high;
  if (!bounds_of(e, &low, &high)) {
    finish_avx512(e, i0, j0, m, n, c, ldc);
    return;
  }
  const pgi_addend *a = &e->add[0], *b = &e->add[1];
  __m512 least = _mm512_set1_ps(low), most = _mm512_set1_ps(high);
  __m512 scale = _mm512_set1_ps(e->scale);
  for (int64_t i = 0; i < m; i++, c += ldc) {
    const float *from = a->data ? a->data + (i0 + i) * a->row + j0 * a->col : NULL;
    const float *more = b->data ? b->data + (i0 + i) * b->row + j0 : NULL;
    __m512 shift = _mm512_set1_ps(from && a->col == 0 ? e->scale * from[0] : 0);
    for (int64_t j = 0; j < n; j += W5) {
      __mmask16 cut = (__mmask16)(n - j >= W5 ? 0xffff : (1u << (n - j)) - 1);
      __m512 x = _mm512_maskz_loadu_ps(cut, c + j);
      if (from && a->col == 1) shift = _mm512_mul_ps(scale, _mm512_maskz_loadu_ps(cut, from + j));
      x = _mm512_add_ps(x, shift);
      if (more) x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(cut, more + j));
      _mm512_mask_storeu_ps(c + j, cut, _mm512_min_ps(most, _mm512_max_ps(least, x)));
    }
  }
}
#endif
