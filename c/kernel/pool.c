/* Pooling on packed planes, and maxima and sums of runs.  The results have the same bits at every
** level. */
#include <math.h>

#include "kernel/conv.h"

#define BODY static inline __attribute__((always_inline))

/* Taps outside, columns inside: each pass is a loop over two runs.  NaN counts as -infinity in maxima,
** as in ONNX's reference, where it stands for padding. */
BODY void rows_body(const bool is_max, int64_t rows, int64_t n, int64_t taps, const int64_t *at,
                    const float *src, int64_t src_step, float *restrict out, int64_t out_step) {
  for (int64_t r = 0; r < rows; r++, src += src_step, out += out_step) {
    const float *first = src + at[0];
    const float least = -INFINITY;
    for (int64_t j = 0; j < n; j++) out[j] = !is_max || first[j] > least ? first[j] : least;
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

/* max and sum of runs, and the table, for a level whose rows are there. */
#define POOL_TABLE(isa, target)                              \
  target static float isa##_max(int64_t n, const float *x) { \
    return max_body(n, x);                                   \
  }                                                          \
  target static float isa##_sum(int64_t n, const float *x) { \
    return sum_body(n, x);                                   \
  }                                                          \
  static const pgi_pool_f32 isa = {isa##_max_rows, isa##_sum_rows, isa##_max, isa##_sum};

static void scalar_max_rows(int64_t rows, int64_t n, int64_t taps, const int64_t *at,
                            const float *src, int64_t src_step, float *out, int64_t out_step) {
  rows_body(true, rows, n, taps, at, src, src_step, out, out_step);
}

static void scalar_sum_rows(int64_t rows, int64_t n, int64_t taps, const int64_t *at,
                            const float *src, int64_t src_step, float *out, int64_t out_step) {
  rows_body(false, rows, n, taps, at, src, src_step, out, out_step);
}

POOL_TABLE(scalar, )
PG_KERNEL(pool_f32_scalar) = {.name = "pool_f32_scalar", .family = PG_K_POOL_F32, .table = &scalar};

#ifdef PG_X86
#include <immintrin.h>

/* Columns in blocks of 4 vectors that stay in registers over all taps, then of one vector; what is
** left goes the reference's way.  max(v, sum) is sum when v is NaN, as there. */
#define POOL_ROWS(name, target, is_max, vec, W, load, store, op, all)                         \
  target static void name(int64_t rows, int64_t n, int64_t taps, const int64_t *at,           \
                          const float *src, int64_t src_step, float *out, int64_t out_step) { \
    for (int64_t r = 0; r < rows; r++, src += src_step, out += out_step) {                    \
      const vec start = all(is_max ? -INFINITY : -0.0f);                                      \
      int64_t j = 0;                                                                          \
      for (; j + 4 * W <= n; j += 4 * W) {                                                    \
        const float *x = src + at[0] + j;                                                     \
        vec a = op(load(x), start), b = op(load(x + W), start);                               \
        vec c = op(load(x + 2 * W), start), d = op(load(x + 3 * W), start);                   \
        for (int64_t t = 1; t < taps; t++) {                                                  \
          x = src + at[t] + j;                                                                \
          a = op(load(x), a);                                                                 \
          b = op(load(x + W), b);                                                             \
          c = op(load(x + 2 * W), c);                                                         \
          d = op(load(x + 3 * W), d);                                                         \
        }                                                                                     \
        store(out + j, a);                                                                    \
        store(out + j + W, b);                                                                \
        store(out + j + 2 * W, c);                                                            \
        store(out + j + 3 * W, d);                                                            \
      }                                                                                       \
      for (; j + W <= n; j += W) {                                                            \
        vec a = op(load(src + at[0] + j), start);                                             \
        for (int64_t t = 1; t < taps; t++) a = op(load(src + at[t] + j), a);                  \
        store(out + j, a);                                                                    \
      }                                                                                       \
      if (j < n) rows_body(is_max, 1, n - j, taps, at, src + j, 0, out + j, 0);               \
    }                                                                                         \
  }

POOL_ROWS(avx2_max_rows, PG_TARGET_AVX2, true, __m256, 8, _mm256_loadu_ps, _mm256_storeu_ps,
          _mm256_max_ps, _mm256_set1_ps)
POOL_ROWS(avx2_sum_rows, PG_TARGET_AVX2, false, __m256, 8, _mm256_loadu_ps, _mm256_storeu_ps,
          _mm256_add_ps, _mm256_set1_ps)
POOL_TABLE(avx2, PG_TARGET_AVX2)
PG_KERNEL(pool_f32_avx2) = {
    .name = "pool_f32_avx2", .family = PG_K_POOL_F32, .needs = PG_CPU_AVX2, .table = &avx2};

POOL_ROWS(avx512_max_rows, PG_TARGET_AVX512, true, __m512, 16, _mm512_loadu_ps, _mm512_storeu_ps,
          _mm512_max_ps, _mm512_set1_ps)
POOL_ROWS(avx512_sum_rows, PG_TARGET_AVX512, false, __m512, 16, _mm512_loadu_ps, _mm512_storeu_ps,
          _mm512_add_ps, _mm512_set1_ps)
POOL_TABLE(avx512, PG_TARGET_AVX512)
PG_KERNEL(pool_f32_avx512) = {.name = "pool_f32_avx512",
                              .family = PG_K_POOL_F32,
                              .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                              .table = &avx512};
#endif
