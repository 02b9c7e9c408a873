/* What is done to the finished tiles of a product while they are in the cache.  One body, compiled
** for each level and each activation: addends and activation in one pass. */
#include <math.h>

#include "kernel/gemm.h"

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

#define FINISH(isa, target)                                                              \
  target void pgi_finish_##isa(const pgi_epilogue *e, int64_t i0, int64_t j0, int64_t m, \
                               int64_t n, float *c, int64_t ldc) {                       \
    switch (e->act) {                                                                    \
      case PG_ACT_NONE:                                                                  \
        finish_rows(PG_ACT_NONE, e, i0, j0, m, n, c, ldc);                               \
        break;                                                                           \
      case PG_ACT_RELU:                                                                  \
        finish_rows(PG_ACT_RELU, e, i0, j0, m, n, c, ldc);                               \
        break;                                                                           \
      case PG_ACT_LEAKY_RELU:                                                            \
        finish_rows(PG_ACT_LEAKY_RELU, e, i0, j0, m, n, c, ldc);                         \
        break;                                                                           \
      case PG_ACT_CLIP:                                                                  \
        finish_rows(PG_ACT_CLIP, e, i0, j0, m, n, c, ldc);                               \
        break;                                                                           \
      case PG_ACT_HARD_SIGMOID:                                                          \
        finish_rows(PG_ACT_HARD_SIGMOID, e, i0, j0, m, n, c, ldc);                       \
        break;                                                                           \
      case PG_ACT_HARD_SWISH:                                                            \
        finish_rows(PG_ACT_HARD_SWISH, e, i0, j0, m, n, c, ldc);                         \
        break;                                                                           \
      case PG_ACT_SIGMOID:                                                               \
        finish_rows(PG_ACT_SIGMOID, e, i0, j0, m, n, c, ldc);                            \
        break;                                                                           \
      case PG_ACT_TANH:                                                                  \
        finish_rows(PG_ACT_TANH, e, i0, j0, m, n, c, ldc);                               \
        break;                                                                           \
      case PG_ACT_SILU:                                                                  \
        finish_rows(PG_ACT_SILU, e, i0, j0, m, n, c, ldc);                               \
        break;                                                                           \
    }                                                                                    \
  }

FINISH(scalar, )
#ifdef PG_X86
FINISH(avx2, PG_TARGET_AVX2)
FINISH(avx512, PG_TARGET_AVX512)
#endif
