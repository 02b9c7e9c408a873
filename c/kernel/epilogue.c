/* What is done to the finished tiles of a product while they are in the cache. */
#include <math.h>

#include "kernel/gemm.h"

/* Comparisons are written so that NaN passes. */
static float clip(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

/* 1 / (1 + exp(-x)) without overflow. */
static float sigmoid(float x) {
  float e = expf(x < 0 ? x : -x);
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

void pgi_activate(pgi_activation act, float alpha, float beta, int64_t n, float *x) {
  switch (act) {
    case PG_ACT_NONE:
      break;
    case PG_ACT_RELU:
      for (int64_t i = 0; i < n; i++) x[i] = x[i] < 0 ? 0 : x[i];
      break;
    case PG_ACT_LEAKY_RELU:
      for (int64_t i = 0; i < n; i++) x[i] = x[i] < 0 ? alpha * x[i] : x[i];
      break;
    case PG_ACT_CLIP:
      for (int64_t i = 0; i < n; i++) x[i] = clip(x[i], alpha, beta);
      break;
    case PG_ACT_HARD_SIGMOID:
      for (int64_t i = 0; i < n; i++) x[i] = clip(alpha * x[i] + beta, 0, 1);
      break;
    case PG_ACT_HARD_SWISH:
      for (int64_t i = 0; i < n; i++) x[i] *= clip(alpha * x[i] + beta, 0, 1);
      break;
    case PG_ACT_SIGMOID:
      for (int64_t i = 0; i < n; i++) x[i] = sigmoid(x[i]);
      break;
    case PG_ACT_TANH:
      for (int64_t i = 0; i < n; i++) x[i] = tanhf(x[i]);
      break;
    case PG_ACT_SILU:
      for (int64_t i = 0; i < n; i++) x[i] *= sigmoid(x[i]);
      break;
  }
}

static void add_run(const float *from, int64_t col, float scale, int64_t n, float *c) {
  if (col == 0) {
    float v = scale * from[0];
    for (int64_t j = 0; j < n; j++) c[j] += v;
  } else if (col == 1 && scale == 1) {
    for (int64_t j = 0; j < n; j++) c[j] += from[j];
  } else {
    for (int64_t j = 0; j < n; j++) c[j] += scale * from[j * col];
  }
}

void pgi_epilogue_apply(const pgi_epilogue *e, int64_t i0, int64_t j0, int64_t m, int64_t n,
                        float *c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++, c += ldc) {
    for (int t = 0; t < PG_COUNT(e->add); t++) {
      const pgi_addend *add = &e->add[t];
      if (!add->data) continue;
      const float *from = add->data + (i0 + i) * add->row + j0 * add->col;
      add_run(from, add->col, t == 0 ? e->scale : 1, n, c);
    }
    pgi_activate(e->act, e->alpha, e->beta, n, c);
  }
}
