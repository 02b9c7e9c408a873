/* Tiles for AVX2 (6 x 16) and AVX-512 (14 x 32).  Every height has its own code, unrolled, so that
** the sums stay in registers; widths below the full one use masks. */
#include "kernel/gemm.h"

#ifdef PG_X86
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* Floats of a 512-bit vector, which are those of a line of the cache; the k of a tile that go by for each
** line that it fetches ahead. */
enum { W5 = 16, LINE = W5 / PG_GEMM_AHEAD };

/* ---- AVX2 ----------------------------------------------------------------------------------- */

enum { MR2 = 6, NR2 = 16, W2 = 8 };

/* All ones in the first n of eight lanes. */
PG_TARGET_AVX2 INLINE __m256i mask2(int64_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n < 0 ? 0 : n > W2 ? W2 : n)), lane);
}

/* One of the k: a column of a times a row of b. */
PG_TARGET_AVX2 INLINE void step2(const int M, const int V, const bool is_cut, __m256i cut,
                                 const float *a, const float *b, __m256 sum[MR2][2]) {
  __m256 right[2];
#pragma GCC unroll 2
  for (int v = 0; v < V; v++) {
    right[v] =
        is_cut && v == V - 1 ? _mm256_maskload_ps(b + v * W2, cut) : _mm256_loadu_ps(b + v * W2);
  }
#pragma GCC unroll 6
  for (int i = 0; i < M; i++) {
    __m256 left = _mm256_broadcast_ss(a + i);
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sum[i][v] = _mm256_fmadd_ps(left, right[v], sum[i][v]);
  }
}

/* M rows, V vectors of columns, the last one under a mask when is_cut. */
PG_TARGET_AVX2 INLINE void tile2(const int M, const int V, const bool is_cut, int n, int64_t k,
                                 const float *a, int64_t lda, const float *b, int64_t ldb, float *c,
                                 int64_t ldc, bool add, const float *ahead) {
  __m256 sum[MR2][2];
  __m256i cut = mask2(n - (V - 1) * W2);
#pragma GCC unroll 6
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sum[i][v] = _mm256_setzero_ps();
  }
  int64_t p = 0;
  for (; p + LINE <= k; p += LINE, ahead += W5) {
    __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 4
    for (int q = 0; q < LINE; q++, a += lda, b += ldb) step2(M, V, is_cut, cut, a, b, sum);
  }
  for (; p < k; p++, a += lda, b += ldb) step2(M, V, is_cut, cut, a, b, sum);
#pragma GCC unroll 6
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) {
      float *to = c + i * ldc + v * W2;
      bool masked = is_cut && v == V - 1;
      __m256 s = sum[i][v];
      if (add) s = _mm256_add_ps(masked ? _mm256_maskload_ps(to, cut) : _mm256_loadu_ps(to), s);
      if (masked) {
        _mm256_maskstore_ps(to, cut, s);
      } else {
        _mm256_storeu_ps(to, s);
      }
    }
  }
}

#define AVX2_HEIGHT(M)                                              \
  case M:                                                           \
    if (n == NR2) {                                                 \
      tile2(M, 2, false, n, k, a, lda, b, ldb, c, ldc, add, ahead); \
    } else if (n > W2) {                                            \
      tile2(M, 2, true, n, k, a, lda, b, ldb, c, ldc, add, ahead);  \
    } else {                                                        \
      tile2(M, 1, true, n, k, a, lda, b, ldb, c, ldc, add, ahead);  \
    }                                                               \
    break;

PG_TARGET_AVX2 static void avx2_tile(int m, int n, int64_t k, const float *a, int64_t lda,
                                     const float *b, int64_t ldb, float *c, int64_t ldc, bool add,
                                     const float *ahead) {
  switch (m) {
    AVX2_HEIGHT(1)
    AVX2_HEIGHT(2)
    AVX2_HEIGHT(3)
    AVX2_HEIGHT(4)
    AVX2_HEIGHT(5)
    AVX2_HEIGHT(6)
    default:
      break;
  }
}

enum { ROW2 = 8 }; /* vectors in flight */

PG_TARGET_AVX2 static void avx2_row(int64_t n, int64_t k, const float *x, const float *b,
                                    int64_t ldb, float *y, bool add) {
  int64_t j = 0;
  for (; j + ROW2 * W2 <= n; j += ROW2 * W2) {
    __m256 sum[ROW2];
#pragma GCC unroll 8
    for (int v = 0; v < ROW2; v++) sum[v] = _mm256_setzero_ps();
    for (int64_t p = 0; p < k; p++) {
      __m256 left = _mm256_broadcast_ss(x + p);
      const float *from = b + p * ldb + j;
#pragma GCC unroll 8
      for (int v = 0; v < ROW2; v++) {
        sum[v] = _mm256_fmadd_ps(left, _mm256_loadu_ps(from + v * W2), sum[v]);
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < ROW2; v++) {
      float *to = y + j + v * W2;
      _mm256_storeu_ps(to, add ? _mm256_add_ps(_mm256_loadu_ps(to), sum[v]) : sum[v]);
    }
  }
  for (; j < n; j += NR2) {
    avx2_tile(1, (int)PG_MIN(n - j, NR2), k, x, 1, b + j, ldb, y + j, 0, add, b + j);
  }
}

PG_TARGET_AVX2 INLINE float sum2(__m256 v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

PG_TARGET_AVX2 static void avx2_dots(int64_t n, int64_t k, const float *x, const float *b,
                                     int64_t ldb, float *y, int64_t y_step, bool add) {
  for (int64_t j = 0; j < n; j++, b += ldb) {
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    int64_t p = 0;
    for (; p + 4 * W2 <= k; p += 4 * W2) {
      s0 = _mm256_fmadd_ps(_mm256_loadu_ps(x + p), _mm256_loadu_ps(b + p), s0);
      s1 = _mm256_fmadd_ps(_mm256_loadu_ps(x + p + 8), _mm256_loadu_ps(b + p + 8), s1);
      s2 = _mm256_fmadd_ps(_mm256_loadu_ps(x + p + 16), _mm256_loadu_ps(b + p + 16), s2);
      s3 = _mm256_fmadd_ps(_mm256_loadu_ps(x + p + 24), _mm256_loadu_ps(b + p + 24), s3);
    }
    for (; p < k; p += W2) {
      __m256i cut = mask2(k - p);
      s0 = _mm256_fmadd_ps(_mm256_maskload_ps(x + p, cut), _mm256_maskload_ps(b + p, cut), s0);
    }
    float s = sum2(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));
    y[j * y_step] = add ? y[j * y_step] + s : s;
  }
}

/* Rows become columns, in place in registers. */
PG_TARGET_AVX2 INLINE void transpose8(__m256 r[8]) {
  __m256 t[8], u[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}

PG_TARGET_AVX2 static void avx2_transpose(int64_t m, int64_t k, const float *from, int64_t step,
                                          float alpha, int64_t height, float *to) {
  __m256 scale = _mm256_set1_ps(alpha);
  for (int64_t p = 0; p < k; p += W2) {
    int64_t depth = PG_MIN(k - p, W2);
    __m256i across = mask2(depth);
    for (int64_t i = 0; i < m; i += W2) {
      int64_t rows = PG_MIN(m - i, W2);
      __m256i down = mask2(rows);
      __m256 r[W2];
#pragma GCC unroll 8
      for (int q = 0; q < W2; q++) {
        r[q] =
            q < rows ? _mm256_maskload_ps(from + (i + q) * step + p, across) : _mm256_setzero_ps();
        r[q] = _mm256_mul_ps(r[q], scale);
      }
      transpose8(r);
#pragma GCC unroll 8
      for (int q = 0; q < W2; q++) {
        if (q >= depth) break;
        _mm256_maskstore_ps(to + (p + q) * height + i, down, r[q]);
      }
    }
  }
}

static const pgi_gemm_f32 avx2 = {
    MR2, NR2, avx2_tile, avx2_row, avx2_dots, avx2_transpose, pgi_finish_avx2};
PG_KERNEL(gemm_f32_6x16_avx2) = {
    .name = "gemm_f32_6x16_avx2", .family = PG_K_GEMM_F32, .needs = PG_CPU_AVX2, .table = &avx2};

/* ---- AVX-512 -------------------------------------------------------------------------------- */

enum { MR5 = 14, NR5 = 32, THIN_AHEAD = 512 };

PG_TARGET_AVX512 INLINE __mmask16 mask5(int64_t n) {
  return (__mmask16)(n >= W5 ? 0xffff : n <= 0 ? 0 : (1u << n) - 1);
}

PG_TARGET_AVX512 INLINE void step5(const int M, const int V, const bool is_cut, __mmask16 cut,
                                   const float *a, const float *b, __m512 sum[MR5][2]) {
  __m512 right[2];
#pragma GCC unroll 2
  for (int v = 0; v < V; v++) {
    right[v] =
        is_cut && v == V - 1 ? _mm512_maskz_loadu_ps(cut, b + v * W5) : _mm512_loadu_ps(b + v * W5);
  }
#pragma GCC unroll 14
  for (int i = 0; i < M; i++) {
    __m512 left = _mm512_set1_ps(a[i]);
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sum[i][v] = _mm512_fmadd_ps(left, right[v], sum[i][v]);
  }
}

PG_TARGET_AVX512 INLINE void tile5(const int M, const int V, const bool is_cut, int n, int64_t k,
                                   const float *a, int64_t lda, const float *b, int64_t ldb,
                                   float *c, int64_t ldc, bool add, const float *ahead) {
  /* Few rows are too few sums to keep the units busy: each is cut into parts. */
  const int PARTS = M <= 2 ? 4 : M <= 4 ? 2 : 1;
  __m512 part[LINE][MR5][2];
  __m512(*sum)[2] = part[0];
  __mmask16 cut = mask5(n - (V - 1) * W5);
#pragma GCC unroll 4
  for (int q = 0; q < PARTS; q++) {
#pragma GCC unroll 14
    for (int i = 0; i < M; i++) {
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) part[q][i][v] = _mm512_setzero_ps();
    }
  }
  /* With one or two rows the time goes into reading b. */
  const bool is_thin = M <= 2 && ldb == V * W5;
  int64_t p = 0;
  for (; p + LINE <= k; p += LINE, ahead += W5) {
    __builtin_prefetch(ahead, 0, 2);
    if (M <= 2) {
      const float *thin = is_thin ? b + THIN_AHEAD : b;
      for (int q = 0; q < LINE * V; q++) __builtin_prefetch(thin + q * W5, 0, 3);
    }
#pragma GCC unroll 4
    for (int q = 0; q < LINE; q++, a += lda, b += ldb)
      step5(M, V, is_cut, cut, a, b, part[q % PARTS]);
  }

  for (; p < k; p++, a += lda, b += ldb) step5(M, V, is_cut, cut, a, b, sum);
#pragma GCC unroll 14
  for (int i = 0; i < M && PARTS > 1; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) {
      sum[i][v] = _mm512_add_ps(sum[i][v], part[1][i][v]);
      if (PARTS > 2) {
        sum[i][v] = _mm512_add_ps(sum[i][v], _mm512_add_ps(part[2][i][v], part[3][i][v]));
      }
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) {
      float *to = c + i * ldc + v * W5;
      __mmask16 mask = is_cut && v == V - 1 ? cut : (__mmask16)0xffff;
      __m512 s = sum[i][v];
      if (add) s = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, to), s);
      _mm512_mask_storeu_ps(to, mask, s);
    }
  }
}

#define AVX512_HEIGHT(M)                                            \
  case M:                                                           \
    if (n == NR5) {                                                 \
      tile5(M, 2, false, n, k, a, lda, b, ldb, c, ldc, add, ahead); \
    } else if (n > W5) {                                            \
      tile5(M, 2, true, n, k, a, lda, b, ldb, c, ldc, add, ahead);  \
    } else {                                                        \
      tile5(M, 1, true, n, k, a, lda, b, ldb, c, ldc, add, ahead);  \
    }                                                               \
    break;

PG_TARGET_AVX512 static void avx512_tile(int m, int n, int64_t k, const float *a, int64_t lda,
                                         const float *b, int64_t ldb, float *c, int64_t ldc,
                                         bool add, const float *ahead) {
  switch (m) {
    AVX512_HEIGHT(1)
    AVX512_HEIGHT(2)
    AVX512_HEIGHT(3)
    AVX512_HEIGHT(4)
    AVX512_HEIGHT(5)
    AVX512_HEIGHT(6)
    AVX512_HEIGHT(7)
    AVX512_HEIGHT(8)
    AVX512_HEIGHT(9)
    AVX512_HEIGHT(10)
    AVX512_HEIGHT(11)
    AVX512_HEIGHT(12)
    AVX512_HEIGHT(13)
    AVX512_HEIGHT(14)
    default:
      break;
  }
}

enum { ROW5 = 8 };

PG_TARGET_AVX512 static void avx512_row(int64_t n, int64_t k, const float *x, const float *b,
                                        int64_t ldb, float *y, bool add) {
  int64_t j = 0;
  for (; j + ROW5 * W5 <= n; j += ROW5 * W5) {
    __m512 sum[ROW5];
#pragma GCC unroll 8
    for (int v = 0; v < ROW5; v++) sum[v] = _mm512_setzero_ps();
    for (int64_t p = 0; p < k; p++) {
      __m512 left = _mm512_set1_ps(x[p]);
      const float *from = b + p * ldb + j;
#pragma GCC unroll 8
      for (int v = 0; v < ROW5; v++) {
        sum[v] = _mm512_fmadd_ps(left, _mm512_loadu_ps(from + v * W5), sum[v]);
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < ROW5; v++) {
      float *to = y + j + v * W5;
      _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), sum[v]) : sum[v]);
    }
  }
  for (; j < n; j += NR5) {
    avx512_tile(1, (int)PG_MIN(n - j, NR5), k, x, 1, b + j, ldb, y + j, 0, add, b + j);
  }
}

PG_TARGET_AVX512 static void avx512_dots(int64_t n, int64_t k, const float *x, const float *b,
                                         int64_t ldb, float *y, int64_t y_step, bool add) {
  for (int64_t j = 0; j < n; j++, b += ldb) {
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    int64_t p = 0;
    for (; p + 4 * W5 <= k; p += 4 * W5) {
      s0 = _mm512_fmadd_ps(_mm512_loadu_ps(x + p), _mm512_loadu_ps(b + p), s0);
      s1 = _mm512_fmadd_ps(_mm512_loadu_ps(x + p + 16), _mm512_loadu_ps(b + p + 16), s1);
      s2 = _mm512_fmadd_ps(_mm512_loadu_ps(x + p + 32), _mm512_loadu_ps(b + p + 32), s2);
      s3 = _mm512_fmadd_ps(_mm512_loadu_ps(x + p + 48), _mm512_loadu_ps(b + p + 48), s3);
    }
    for (; p < k; p += W5) {
      __mmask16 cut = mask5(k - p);
      s0 =
          _mm512_fmadd_ps(_mm512_maskz_loadu_ps(cut, x + p), _mm512_maskz_loadu_ps(cut, b + p), s0);
    }
    float s = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
    y[j * y_step] = add ? y[j * y_step] + s : s;
  }
}

/* Rows become columns, in place in registers: pairs, quadruples, then whole quarters. */
PG_TARGET_AVX512 INLINE void transpose16(__m512 r[16]) {
  __m512 t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

PG_TARGET_AVX512 static void avx512_transpose(int64_t m, int64_t k, const float *from, int64_t step,
                                              float alpha, int64_t height, float *to) {
  enum { LEAST = 8 }; /* rows that are worth sixteen */
  const __m512 scale = _mm512_set1_ps(alpha);
  int64_t rows = m % W5 >= LEAST ? m : m / W5 * W5, depth = k / W5 * W5;
  for (int64_t p = 0; p < depth; p += W5) {
    for (int64_t i = 0; i < rows; i += W5) {
      __m512 r[16];
      __mmask16 down = mask5(rows - i);
#pragma GCC unroll 16
      for (int q = 0; q < W5; q++) {
        __mmask16 all = down & (1u << q) ? 0xffff : 0;
        r[q] =
            _mm512_maskz_mul_ps(all, _mm512_maskz_loadu_ps(all, from + (i + q) * step + p), scale);
      }
      transpose16(r);
#pragma GCC unroll 16
      for (int q = 0; q < W5; q++) _mm512_mask_storeu_ps(to + (p + q) * height + i, down, r[q]);
    }
  }
  if (rows < m) avx2_transpose(m - rows, depth, from + rows * step, step, alpha, height, to + rows);
  if (depth < k) {
    avx2_transpose(m, k - depth, from + depth, step, alpha, height, to + depth * height);
  }
}

static const pgi_gemm_f32 avx512 = {
    MR5, NR5, avx512_tile, avx512_row, avx512_dots, avx512_transpose, pgi_finish_avx512};
PG_KERNEL(gemm_f32_14x32_avx512) = {.name = "gemm_f32_14x32_avx512",
                                    .family = PG_K_GEMM_F32,
                                    .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                    .table = &avx512};

#endif
