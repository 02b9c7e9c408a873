/* peak: see peak.h.  24 chains hide the latency of two multiply-adders (4 or 5 cycles) several
** times over; 16 running sums that of the adder. */
#include "kernel/peak.h"

enum { CHAINS = 24, SUMS = 16 };

/* ---- scalar --------------------------------------------------------------------------------------- */

static float fma_scalar(int64_t rounds, float start) {
  float x[CHAINS], sum = 0;
  for (int i = 0; i < CHAINS; i++) x[i] = start;
  for (int64_t r = 0; r < rounds; r++) {
    for (int i = 0; i < CHAINS; i++) x[i] = x[i] * 0.5f + 1.0f;
  }
  for (int i = 0; i < CHAINS; i++) sum += x[i];
  return sum / CHAINS;
}

static float read_scalar(const float *x, int64_t n) {
  float sums[SUMS] = {0}, sum = 0;
  for (int64_t i = 0; i < n; i += SUMS) {
    for (int j = 0; j < SUMS; j++) sums[j] += x[i + j];
  }
  for (int j = 0; j < SUMS; j++) sum += sums[j];
  return sum;
}

static const pgi_peak_f32 scalar = {2 * CHAINS, fma_scalar, read_scalar};
PG_KERNEL(peak_f32_scalar) = {.name = "peak_f32_scalar", .family = PG_K_PEAK_F32, .table = &scalar};

#ifdef PG_X86
#include <immintrin.h>

/* ---- AVX2: 12 chains are what 16 registers hold ---------------------------------------------------- */

enum { CHAINS_AVX2 = 12 };

PG_TARGET_AVX2 static float fma_avx2(int64_t rounds, float start) {
  __m256 x[CHAINS_AVX2], half = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1);
  float lane[8], sum = 0;
  for (int i = 0; i < CHAINS_AVX2; i++) x[i] = _mm256_set1_ps(start);
  for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS_AVX2; i++) x[i] = _mm256_fmadd_ps(x[i], half, one);
  }
  for (int i = 0; i < CHAINS_AVX2; i++) {
    _mm256_storeu_ps(lane, x[i]);
    for (int j = 0; j < 8; j++) sum += lane[j];
  }
  return sum / (CHAINS_AVX2 * 8);
}

PG_TARGET_AVX2 static float read_avx2(const float *x, int64_t n) {
  __m256 sums[8];
  float lane[8], sum = 0;
  for (int j = 0; j < 8; j++) sums[j] = _mm256_setzero_ps();
  for (int64_t i = 0; i < n; i += 64) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) sums[j] = _mm256_add_ps(sums[j], _mm256_loadu_ps(x + i + 8 * j));
  }
  for (int j = 1; j < 8; j++) sums[0] = _mm256_add_ps(sums[0], sums[j]);
  _mm256_storeu_ps(lane, sums[0]);
  for (int j = 0; j < 8; j++) sum += lane[j];
  return sum;
}

static const pgi_peak_f32 avx2 = {2 * CHAINS_AVX2 * 8, fma_avx2, read_avx2};
PG_KERNEL(peak_f32_avx2) = {
    .name = "peak_f32_avx2", .family = PG_K_PEAK_F32, .needs = PG_CPU_AVX2, .table = &avx2};

/* ---- AVX-512 -------------------------------------------------------------------------------------- */

PG_TARGET_AVX512 static float fma_avx512(int64_t rounds, float start) {
  __m512 x[CHAINS], half = _mm512_set1_ps(0.5f), one = _mm512_set1_ps(1);
  float sum = 0;
  for (int i = 0; i < CHAINS; i++) x[i] = _mm512_set1_ps(start);
  for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS; i++) x[i] = _mm512_fmadd_ps(x[i], half, one);
  }
  for (int i = 0; i < CHAINS; i++) sum += _mm512_reduce_add_ps(x[i]);
  return sum / (CHAINS * 16);
}

PG_TARGET_AVX512 static float read_avx512(const float *x, int64_t n) {
  __m512 sums[SUMS];
  for (int j = 0; j < SUMS; j++) sums[j] = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += 256) {
#pragma GCC unroll 16
    for (int j = 0; j < SUMS; j++)
      sums[j] = _mm512_add_ps(sums[j], _mm512_loadu_ps(x + i + 16 * j));
  }
  for (int j = 1; j < SUMS; j++) sums[0] = _mm512_add_ps(sums[0], sums[j]);
  return _mm512_reduce_add_ps(sums[0]);
}

static const pgi_peak_f32 avx512 = {2 * CHAINS * 16, fma_avx512, read_avx512};
PG_KERNEL(peak_f32_avx512) = {.name = "peak_f32_avx512",
                              .family = PG_K_PEAK_F32,
                              .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                              .table = &avx512};
#endif
