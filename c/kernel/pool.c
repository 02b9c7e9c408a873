/* Pooling on packed planes: one body, compiled for each level, vectorised by the compiler. */
#include <math.h>

#include "kernel/conv.h"

#define BODY static inline __attribute__((always_inline))

/* Taps outside, columns inside: each pass is a loop over two runs. */
BODY void rows_body(const bool is_max, int64_t rows, int64_t n, int64_t taps, const int64_t *at,
                    const float *src, int64_t src_step, float *restrict out, int64_t out_step) {
  for (int64_t r = 0; r < rows; r++, src += src_step, out += out_step) {
    const float *first = src + at[0];
    for (int64_t j = 0; j < n; j++) out[j] = first[j];
    for (int64_t t = 1; t < taps; t++) {
      const float *from = src + at[t];
      if (is_max) {
        for (int64_t j = 0; j < n; j++) out[j] = from[j] > out[j] ? from[j] : out[j];
      } else {
        for (int64_t j = 0; j < n; j++) out[j] += from[j];
      }
    }
  }
}

enum { LANES = 32 };

BODY float max_body(int64_t n, const float *x) {
  float m[LANES], all = -INFINITY;
  for (int j = 0; j < LANES; j++) m[j] = -INFINITY;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int j = 0; j < LANES; j++) m[j] = x[i + j] > m[j] ? x[i + j] : m[j];
  }
  for (; i < n; i++) all = x[i] > all ? x[i] : all;
  for (int j = 0; j < LANES; j++) all = m[j] > all ? m[j] : all;
  return all;
}

/* Partial sums by lane, then by halves: the same bits at every level. */
BODY float sum_body(int64_t n, const float *x) {
  float s[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int j = 0; j < LANES; j++) s[j] += x[i + j];
  }
  for (int j = 0; i < n; i++, j++) s[j] += x[i];
  for (int half = LANES / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; j++) s[j] += s[j + half];
  }
  return s[0];
}

#define POOL_FUNCTIONS(isa, target)                                                           \
  target static void isa##_max_rows(int64_t rows, int64_t n, int64_t taps, const int64_t *at, \
                                    const float *src, int64_t src_step, float *out,           \
                                    int64_t out_step) {                                       \
    rows_body(true, rows, n, taps, at, src, src_step, out, out_step);                         \
  }                                                                                           \
  target static void isa##_sum_rows(int64_t rows, int64_t n, int64_t taps, const int64_t *at, \
                                    const float *src, int64_t src_step, float *out,           \
                                    int64_t out_step) {                                       \
    rows_body(false, rows, n, taps, at, src, src_step, out, out_step);                        \
  }                                                                                           \
  target static float isa##_max(int64_t n, const float *x) {                                  \
    return max_body(n, x);                                                                    \
  }                                                                                           \
  target static float isa##_sum(int64_t n, const float *x) {                                  \
    return sum_body(n, x);                                                                    \
  }                                                                                           \
  static const pgi_pool_f32 isa = {isa##_max_rows, isa##_sum_rows, isa##_max, isa##_sum};

POOL_FUNCTIONS(scalar, )
PG_KERNEL(pool_f32_scalar) = {.name = "pool_f32_scalar", .family = PG_K_POOL_F32, .table = &scalar};

#ifdef PG_X86
POOL_FUNCTIONS(avx2, PG_TARGET_AVX2)
PG_KERNEL(pool_f32_avx2) = {
    .name = "pool_f32_avx2", .family = PG_K_POOL_F32, .needs = PG_CPU_AVX2, .table = &avx2};

POOL_FUNCTIONS(avx512, PG_TARGET_AVX512)
PG_KERNEL(pool_f32_avx512) = {.name = "pool_f32_avx512",
                              .family = PG_K_POOL_F32,
                              .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                              .table = &avx512};
#endif
