/* Depthwise convolution and pooling on packed planes, and the gathering of windows. */
#include "kernel/conv.h"

static void scalar_rows(int64_t rows, int64_t n, int64_t taps, const int64_t *at, const float *w,
                        float bias, const float *src, int64_t src_step, float *out,
                        int64_t out_step) {
  for (int64_t r = 0; r < rows; r++, src += src_step, out += out_step) {
    for (int64_t j = 0; j < n; j++) out[j] = bias;
    for (int64_t t = 0; t < taps; t++) {
      for (int64_t j = 0; j < n; j++) out[j] += w[t] * src[at[t] + j];
    }
  }
}

static void scalar_gather(int64_t k, const int64_t *at, const float *src, int64_t n, int nr,
                          float *to) {
  for (int64_t p = 0; p < k; p++) {
    for (int64_t j = 0; j < n; j++) to[p * nr + j] = src[at[p] + j];
  }
}

static const pgi_conv_f32 scalar = {scalar_rows, scalar_gather};
PG_KERNEL(conv_dw_f32_scalar) = {
    .name = "conv_dw_f32_scalar", .family = PG_K_CONV_DW_F32, .table = &scalar};

#ifdef PG_X86
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* ---- AVX2 ----------------------------------------------------------------------------------- */

enum { W2 = 8, FLY2 = 8 }; /* lanes; vectors in flight: enough to hide the latency of a sum */

PG_TARGET_AVX2 INLINE __m256i mask2(int64_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n < 0 ? 0 : n > W2 ? W2 : n)), lane);
}

/* R lines, V vectors of each, the last under a mask. */
PG_TARGET_AVX2 INLINE void rows2(const int R, const int V, int64_t n, int64_t taps,
                                 const int64_t *at, const float *w, float bias, const float *src,
                                 int64_t src_step, float *out, int64_t out_step) {
  __m256 sum[FLY2];
  __m256i cut = mask2(n - (V - 1) * W2);
#pragma GCC unroll 8
  for (int i = 0; i < R * V; i++) sum[i] = _mm256_set1_ps(bias);
  for (int64_t t = 0; t < taps; t++) {
    __m256 weight = _mm256_broadcast_ss(w + t);
    const float *from = src + at[t];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) {
        const float *x = from + r * src_step + v * W2;
        __m256 value = v == V - 1 ? _mm256_maskload_ps(x, cut) : _mm256_loadu_ps(x);
        sum[r * V + v] = _mm256_fmadd_ps(weight, value, sum[r * V + v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) {
      float *to = out + r * out_step + v * W2;
      if (v == V - 1) {
        _mm256_maskstore_ps(to, cut, sum[r * V + v]);
      } else {
        _mm256_storeu_ps(to, sum[r * V + v]);
      }
    }
  }
}

PG_TARGET_AVX2 static void avx2_rows(int64_t rows, int64_t n, int64_t taps, const int64_t *at,
                                     const float *w, float bias, const float *src, int64_t src_step,
                                     float *out, int64_t out_step) {
  for (int64_t j = 0; j < n;) {
    int64_t left = n - j, r = 0;
    const float *from = src + j;
    float *to = out + j;
    if (left > 2 * W2) {
      int64_t width = PG_MIN(left, 4 * W2);
      for (; r + 2 <= rows; r += 2) {
        if (width > 3 * W2) {
          rows2(2, 4, width, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
                out_step);
        } else {
          rows2(2, 3, width, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
                out_step);
        }
      }
      for (; r < rows; r++) {
        if (width > 3 * W2) {
          rows2(1, 4, width, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
        } else {
          rows2(1, 3, width, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
        }
      }
      j += 4 * W2;
    } else if (left > W2) {
      for (; r + 2 <= rows; r += 2) {
        rows2(2, 2, left, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
              out_step);
      }
      for (; r < rows; r++) {
        rows2(1, 2, left, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
      }
      j += 2 * W2;
    } else {
      for (; r + 4 <= rows; r += 4) {
        rows2(4, 1, left, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
              out_step);
      }
      for (; r < rows; r++) {
        rows2(1, 1, left, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
      }
      j += W2;
    }
  }
}

PG_TARGET_AVX2 static void avx2_gather(int64_t k, const int64_t *at, const float *src, int64_t n,
                                       int nr, float *to) {
  int64_t whole = n / W2 * W2;
  __m256i cut = mask2(n - whole);
  for (int64_t p = 0; p < k; p++, to += nr) {
    const float *from = src + at[p];
    for (int64_t j = 0; j < whole; j += W2) _mm256_storeu_ps(to + j, _mm256_loadu_ps(from + j));
    if (whole < n) _mm256_maskstore_ps(to + whole, cut, _mm256_maskload_ps(from + whole, cut));
  }
}

static const pgi_conv_f32 avx2 = {avx2_rows, avx2_gather};
PG_KERNEL(conv_dw_f32_avx2) = {
    .name = "conv_dw_f32_avx2", .family = PG_K_CONV_DW_F32, .needs = PG_CPU_AVX2, .table = &avx2};

/* ---- AVX-512 -------------------------------------------------------------------------------- */

enum { W5 = 16, FLY5 = 8 };

PG_TARGET_AVX512 INLINE __mmask16 mask5(int64_t n) {
  return (__mmask16)(n >= W5 ? 0xffff : n <= 0 ? 0 : (1u << n) - 1);
}

PG_TARGET_AVX512 INLINE void rows5(const int R, const int V, int64_t n, int64_t taps,
                                   const int64_t *at, const float *w, float bias, const float *src,
                                   int64_t src_step, float *out, int64_t out_step) {
  __m512 sum[FLY5];
  __mmask16 cut = mask5(n - (V - 1) * W5);
#pragma GCC unroll 8
  for (int i = 0; i < R * V; i++) sum[i] = _mm512_set1_ps(bias);
  for (int64_t t = 0; t < taps; t++) {
    __m512 weight = _mm512_set1_ps(w[t]);
    const float *from = src + at[t];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) {
        const float *x = from + r * src_step + v * W5;
        __m512 value = v == V - 1 ? _mm512_maskz_loadu_ps(cut, x) : _mm512_loadu_ps(x);
        sum[r * V + v] = _mm512_fmadd_ps(weight, value, sum[r * V + v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) {
      __mmask16 mask = v == V - 1 ? cut : (__mmask16)0xffff;
      _mm512_mask_storeu_ps(out + r * out_step + v * W5, mask, sum[r * V + v]);
    }
  }
}

PG_TARGET_AVX512 static void avx512_rows(int64_t rows, int64_t n, int64_t taps, const int64_t *at,
                                         const float *w, float bias, const float *src,
                                         int64_t src_step, float *out, int64_t out_step) {
  for (int64_t j = 0; j < n;) {
    int64_t left = n - j, r = 0;
    const float *from = src + j;
    float *to = out + j;
    if (left > 2 * W5) {
      int64_t width = PG_MIN(left, 4 * W5);
      for (; r + 2 <= rows; r += 2) {
        if (width > 3 * W5) {
          rows5(2, 4, width, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
                out_step);
        } else {
          rows5(2, 3, width, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
                out_step);
        }
      }
      for (; r < rows; r++) {
        if (width > 3 * W5) {
          rows5(1, 4, width, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
        } else {
          rows5(1, 3, width, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
        }
      }
      j += 4 * W5;
    } else if (left > W5) {
      for (; r + 2 <= rows; r += 2) {
        rows5(2, 2, left, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
              out_step);
      }
      for (; r < rows; r++) {
        rows5(1, 2, left, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
      }
      j += 2 * W5;
    } else {
      for (; r + 4 <= rows; r += 4) {
        rows5(4, 1, left, taps, at, w, bias, from + r * src_step, src_step, to + r * out_step,
              out_step);
      }
      for (; r < rows; r++) {
        rows5(1, 1, left, taps, at, w, bias, from + r * src_step, 0, to + r * out_step, 0);
      }
      j += W5;
    }
  }
}

PG_TARGET_AVX512 static void avx512_gather(int64_t k, const int64_t *at, const float *src,
                                           int64_t n, int nr, float *to) {
  if (n > 2 * W5) {
    avx512_gather(k, at, src, 2 * W5, nr, to);
    avx512_gather(k, at, src + 2 * W5, n - 2 * W5, nr, to + 2 * W5);
    return;
  }
  __mmask16 first = mask5(n), second = mask5(n - W5);
  for (int64_t p = 0; p < k; p++, to += nr) {
    const float *from = src + at[p];
    _mm512_mask_storeu_ps(to, first, _mm512_maskz_loadu_ps(first, from));
    if (second) _mm512_mask_storeu_ps(to + W5, second, _mm512_maskz_loadu_ps(second, from + W5));
  }
}

static const pgi_conv_f32 avx512 = {avx512_rows, avx512_gather};
PG_KERNEL(conv_dw_f32_avx512) = {.name = "conv_dw_f32_avx512",
                                 .family = PG_K_CONV_DW_F32,
                                 .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                 .table = &avx512};

#endif
