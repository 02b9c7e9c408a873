/* Products of 8-bit integers: tiles, packing, blocking. */
#include "kernel/gemm_s8.h"

enum { KC = 512 }; /* depth of a block; even */

/* ---- the reference -------------------------------------------------------------------------- */

enum { SCALAR_MR = 4, SCALAR_NR = 8 };

static void scalar_tile(int m, int n, int64_t pairs, const int16_t *a, int64_t lda,
                        const int16_t *b, int32_t *c, int64_t ldc, bool add) {
  uint32_t sum[SCALAR_MR][SCALAR_NR] = {{0}};
  for (int64_t p = 0; p < pairs; p++, a += 2 * lda, b += 2 * SCALAR_NR) {
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        sum[i][j] += (uint32_t)(a[2 * i] * b[2 * j]) + (uint32_t)(a[2 * i + 1] * b[2 * j + 1]);
      }
    }
  }
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j++) {
      uint32_t old = add ? (uint32_t)c[i * ldc + j] : 0;
      c[i * ldc + j] = (int32_t)(old + sum[i][j]);
    }
  }
}

#define BODY static inline __attribute__((always_inline))

BODY void gather_body(int64_t k, const int64_t *at, const float *src, int64_t n, int nr,
                      int16_t *restrict to) {
  int64_t p = 0;
  for (; p + 2 <= k; p += 2, to += 2 * nr) {
    const float *first = src + at[p], *second = src + at[p + 1];
    for (int64_t j = 0; j < n; j++) {
      to[2 * j] = (int16_t)first[j];
      to[2 * j + 1] = (int16_t)second[j];
    }
  }
  for (int64_t j = 0; p < k && j < n; j++) {
    to[2 * j] = (int16_t)src[at[p] + j];
    to[2 * j + 1] = 0;
  }
}

static void scalar_gather(int64_t k, const int64_t *at, const float *src, int64_t n, int nr,
                          int16_t *to) {
  gather_body(k, at, src, n, nr, to);
}

static const pgi_gemm_s8 scalar = {SCALAR_MR, SCALAR_NR, scalar_tile, scalar_gather};
PG_KERNEL(gemm_s8_4x8_scalar) = {
    .name = "gemm_s8_4x8_scalar", .family = PG_K_GEMM_S8, .table = &scalar};

/* ---- packing -------------------------------------------------------------------------------- */

static int64_t ceil_div(int64_t a, int64_t b) {
  return a / b + (a % b != 0);
}

static int64_t even(int64_t k) {
  return k + (k & 1);
}

int64_t pgi_packed_a_s8_size(const pgi_gemm_s8 *kernel, int64_t m, int64_t k) {
  return ceil_div(m, kernel->mr) * kernel->mr * even(k);
}

int64_t pgi_packed_b_s8_size(const pgi_gemm_s8 *kernel, int64_t n, int64_t k) {
  return ceil_div(n, kernel->nr) * kernel->nr * even(k);
}

/* One line of a panel: k elements at every second pair's place, an odd one out filled up. */
static void pack_line(const uint8_t *from, int64_t along, bool is_signed, int zero, int64_t k,
                      int width, int16_t *to) {
  for (int64_t p = 0; p < k; p++, from += along) {
    int v = is_signed ? (int8_t)*from : *from;
    to[p / 2 * width * 2 + p % 2] = (int16_t)(v - zero);
  }
  if (k & 1) to[k / 2 * width * 2 + 1] = 0;
}

/* `count` lines of k elements become panels of `width` lines; missing ones are zero. */
static void pack(const pgi_bytes8 *x, int64_t line, int64_t along, int64_t first, int64_t count,
                 int64_t p0, int64_t k, int width, int16_t *to) {
  for (int64_t i0 = 0; i0 < count; i0 += width, to += width * even(k)) {
    int lines = (int)PG_MIN(count - i0, width);
    if (lines < width) memset(to, 0, (size_t)(width * even(k)) * sizeof *to);
    for (int i = 0; i < lines; i++) {
      int64_t at = first + i0 + i;
      int zero = x->zero ? x->zero[at * x->zero_step] : 0;
      pack_line(x->data + at * line + p0 * along, along, x->is_signed, zero, k, width, to + 2 * i);
    }
  }
}

int64_t pgi_panels_s8(const pgi_gemm_s8 *kernel, int64_t m) {
  return ceil_div(m, kernel->mr);
}

/* Blocks of KC follow each other, each as large as its depth wants. */
void pgi_pack_panel_s8(const pgi_gemm_s8 *kernel, const pgi_bytes8 *a, int64_t m, int64_t k,
                       int64_t panel, int16_t *to) {
  int64_t padded = ceil_div(m, kernel->mr) * kernel->mr, first = panel * kernel->mr;
  for (int64_t p = 0; p < k; p += KC) {
    int64_t depth = PG_MIN(k - p, KC);
    pack(a, a->row, a->col, first, PG_MIN(m - first, kernel->mr), p, depth, kernel->mr,
         to + p * padded + first * even(depth));
  }
}

void pgi_pack_a_s8(const pgi_gemm_s8 *kernel, const pgi_bytes8 *a, int64_t m, int64_t k,
                   int16_t *to) {
  for (int64_t i = 0; i < pgi_panels_s8(kernel, m); i++) pgi_pack_panel_s8(kernel, a, m, k, i, to);
}

void pgi_pack_b_s8(const pgi_gemm_s8 *kernel, const pgi_bytes8 *b, int64_t n, int64_t k,
                   int16_t *to) {
  int64_t padded = ceil_div(n, kernel->nr) * kernel->nr;
  for (int64_t p = 0; p < k; p += KC) {
    pack(b, b->col, b->row, 0, n, p, PG_MIN(k - p, KC), kernel->nr, to + p * padded);
  }
}

/* ---- blocking ------------------------------------------------------------------------------- */

void pgi_product_s8_tiling(const pgi_product_s8 *p, int64_t *tile_m, int64_t *tile_n, int64_t *rows,
                           int64_t *cols) {
  int mr = p->kernel->mr, nr = p->kernel->nr;
  *tile_m = mr * 16;
  *tile_n = nr * 4;
  *rows = ceil_div(p->m, *tile_m);
  *cols = ceil_div(p->n, *tile_n);
}

int64_t pgi_product_s8_scratch(const pgi_product_s8 *p) {
  int64_t tile_m, tile_n, rows, cols;
  if (p->packed_b) return 0;
  pgi_product_s8_tiling(p, &tile_m, &tile_n, &rows, &cols);
  return tile_n * PG_MIN(even(p->k), KC);
}

void pgi_product_s8_tile(const pgi_product_s8 *p, int64_t i, int16_t *scratch) {
  const pgi_gemm_s8 *kernel = p->kernel;
  int64_t tile_m, tile_n, rows, cols;
  pgi_product_s8_tiling(p, &tile_m, &tile_n, &rows, &cols);
  int64_t i0 = i % rows * tile_m, j0 = i / rows * tile_n;
  int64_t m = PG_MIN(p->m - i0, tile_m), n = PG_MIN(p->n - j0, tile_n);
  int64_t padded_m = ceil_div(p->m, kernel->mr) * kernel->mr;
  int64_t padded_n = ceil_div(p->n, kernel->nr) * kernel->nr;
  int32_t *c = p->c + i0 * p->ldc + j0;
  for (int64_t r = 0; r < m && p->k == 0; r++) {
    for (int64_t j = 0; j < n; j++) c[r * p->ldc + j] = 0;
  }
  for (int64_t q = 0; q < p->k; q += KC) {
    int64_t depth = PG_MIN(p->k - q, KC);
    const int16_t *a = p->packed_a + q * padded_m + i0 * even(depth), *b = scratch;
    if (p->packed_b) {
      b = p->packed_b + q * padded_n + j0 * even(depth);
    } else if (p->b.data) {
      pack(&p->b, p->b.col, p->b.row, j0, n, q, depth, kernel->nr, scratch);
    } else {
      p->fill(p->fill_arg, q, depth, j0, n, kernel->nr, scratch);
    }
    for (int64_t j = 0; j < n; j += kernel->nr) {
      for (int64_t r = 0; r < m; r += kernel->mr) {
        kernel->tile((int)PG_MIN(m - r, kernel->mr), (int)PG_MIN(n - j, kernel->nr),
                     even(depth) / 2, a + r * even(depth), kernel->mr, b + j * even(depth),
                     c + r * p->ldc + j, p->ldc, q > 0);
      }
    }
  }
}

/* ---- AVX2, AVX-512, AVX-512 with VNNI -------------------------------------------------------- */

#ifdef PG_X86
#include <immintrin.h>

#define TARGET_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi,bmi2")))

/* Both halves of a pair of a as one 32-bit number. */
static inline int pair(const int16_t *a) {
  int v;
  memcpy(&v, a, sizeof v);
  return v;
}

/* A tile of M x (2 vectors) sums, stored to a buffer: widths below the full one are copied out. */
#define S8_TILE(isa, target, vec, lanes, mrows, zero, load, store, set1, madd_add)           \
  enum { isa##_MR = mrows, isa##_NR = 2 * lanes };                                           \
  target BODY void isa##_sums(const int M, int64_t pairs, const int16_t *a, int64_t lda,     \
                              const int16_t *b, int32_t *sums) {                             \
    vec sum[mrows][2];                                                                       \
    _Pragma("GCC unroll 14") for (int i = 0; i < M; i++) sum[i][0] = sum[i][1] = zero();     \
    for (int64_t p = 0; p < pairs; p++, a += 2 * lda, b += 4 * lanes) {                      \
      vec b0 = load((const void *)b), b1 = load((const void *)(b + 2 * lanes));              \
      _Pragma("GCC unroll 14") for (int i = 0; i < M; i++) {                                 \
        vec left = set1(pair(a + 2 * i));                                                    \
        sum[i][0] = madd_add(sum[i][0], left, b0);                                           \
        sum[i][1] = madd_add(sum[i][1], left, b1);                                           \
      }                                                                                      \
    }                                                                                        \
    _Pragma("GCC unroll 14") for (int i = 0; i < M; i++) {                                   \
      store((void *)(sums + i * 2 * lanes), sum[i][0]);                                      \
      store((void *)(sums + i * 2 * lanes + lanes), sum[i][1]);                              \
    }                                                                                        \
  }                                                                                          \
  target static void isa##_tile(int m, int n, int64_t pairs, const int16_t *a, int64_t lda,  \
                                const int16_t *b, int32_t *c, int64_t ldc, bool add) {       \
    _Alignas(64) int32_t sums[mrows * 2 * lanes];                                            \
    if (m > mrows / 2) {                                                                     \
      isa##_sums(mrows, pairs, a, lda, b, sums);                                             \
    } else if (m > 1) {                                                                      \
      isa##_sums(mrows / 2, pairs, a, lda, b, sums);                                         \
    } else {                                                                                 \
      isa##_sums(1, pairs, a, lda, b, sums);                                                 \
    }                                                                                        \
    for (int i = 0; i < m; i++) {                                                            \
      const int32_t *from = sums + i * 2 * lanes;                                            \
      int32_t *to = c + i * ldc;                                                             \
      if (add) {                                                                             \
        for (int j = 0; j < n; j++) to[j] = (int32_t)((uint32_t)to[j] + (uint32_t)from[j]);  \
      } else {                                                                               \
        for (int j = 0; j < n; j++) to[j] = from[j];                                         \
      }                                                                                      \
    }                                                                                        \
  }                                                                                          \
  target static void isa##_gather(int64_t k, const int64_t *at, const float *src, int64_t n, \
                                  int nr, int16_t *to) {                                     \
    gather_body(k, at, src, n, nr, to);                                                      \
  }                                                                                          \
  static const pgi_gemm_s8 isa = {isa##_MR, isa##_NR, isa##_tile, isa##_gather};

#define ADD2(s, x, y) _mm256_add_epi32(s, _mm256_madd_epi16(x, y))
#define ADD5(s, x, y) _mm512_add_epi32(s, _mm512_madd_epi16(x, y))
S8_TILE(avx2, PG_TARGET_AVX2, __m256i, 8, 6, _mm256_setzero_si256, _mm256_loadu_si256,
        _mm256_store_si256, _mm256_set1_epi32, ADD2)
S8_TILE(avx512, PG_TARGET_AVX512, __m512i, 16, 12, _mm512_setzero_si512, _mm512_loadu_si512,
        _mm512_store_si512, _mm512_set1_epi32, ADD5)
S8_TILE(vnni, TARGET_VNNI, __m512i, 16, 12, _mm512_setzero_si512, _mm512_loadu_si512,
        _mm512_store_si512, _mm512_set1_epi32, _mm512_dpwssd_epi32)

PG_KERNEL(gemm_s8_6x16_avx2) = {
    .name = "gemm_s8_6x16_avx2", .family = PG_K_GEMM_S8, .needs = PG_CPU_AVX2, .table = &avx2};
PG_KERNEL(gemm_s8_12x32_avx512) = {.name = "gemm_s8_12x32_avx512",
                                   .family = PG_K_GEMM_S8,
                                   .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                   .table = &avx512};
PG_KERNEL(gemm_s8_12x32_vnni) = {.name = "gemm_s8_12x32_vnni",
                                 .family = PG_K_GEMM_S8,
                                 .needs = PG_CPU_AVX2 | PG_CPU_AVX512 | PG_CPU_VNNI,
                                 .table = &vnni};
#endif
