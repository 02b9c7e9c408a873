/* gemm_s8: exact products of 8-bit integers, summed up in 32 bits (wrapping).
**
** Both sides are widened to 16 bits with their zero points taken off, which fits -255 ... 255, and
** interleaved by pairs along k: one instruction multiplies pairs and adds them.  A panel of the
** left side is [k/2][height][2], of the right one [k/2][nr][2], an odd k filled up with zero. */
#ifndef PG_KERNEL_GEMM_S8_H
#define PG_KERNEL_GEMM_S8_H

#include "kernel/kernel.h"

/* The table of family PG_K_GEMM_S8. */
typedef struct pgi_gemm_s8 {
  int mr, nr;
  /* c[m,n] = a b, or +=; m <= mr, n <= nr; `pairs` steps of a[p][lda][2] and b[p][nr][2]. */
  void (*tile)(int m, int n, int64_t pairs, const int16_t *a, int64_t lda, const int16_t *b,
               int32_t *c, int64_t ldc, bool add);
  /* to[p][j] for columns [0, n) of a panel: src[at[2p] + j], src[at[2p + 1] + j]; whole numbers
  ** within 16 bits.  With an odd k the last pair's second half is zero. */
  void (*gather)(int64_t k, const int64_t *at, const float *src, int64_t n, int nr, int16_t *to);
} pgi_gemm_s8;

/* 8-bit elements with strides and zero points. */
typedef struct pgi_bytes8 {
  const uint8_t *data;
  bool is_signed;
  int64_t row, col;    /* steps */
  const int32_t *zero; /* of each row of a, of each column of b; NULL: all 0 */
  int64_t zero_step;   /* 0: one for all */
} pgi_bytes8;

/* c = a b for a tile of the product at a time. */
typedef struct pgi_product_s8 {
  const pgi_gemm_s8 *kernel;
  int64_t m, n, k;
  const int16_t *packed_a; /* pgi_pack_a_s8 of all of it */
  const int16_t *packed_b; /* instead of b, of all of it */
  pgi_bytes8 b;
  /* Or packs columns j0 .. j0 + n of the right side, rows p0 .. p0 + k, when b.data is NULL. */
  void (*fill)(const void *arg, int64_t p0, int64_t k, int64_t j0, int64_t n, int nr, int16_t *to);
  const void *fill_arg;
  int32_t *c;
  int64_t ldc;
} pgi_product_s8;

int64_t pgi_packed_a_s8_size(const pgi_gemm_s8 *kernel, int64_t m, int64_t k);
int64_t pgi_packed_b_s8_size(const pgi_gemm_s8 *kernel, int64_t n, int64_t k);
/* The left side panel by panel, for several tasks to share. */
int64_t pgi_panels_s8(const pgi_gemm_s8 *kernel, int64_t m);
void pgi_pack_panel_s8(const pgi_gemm_s8 *kernel, const pgi_bytes8 *a, int64_t m, int64_t k,
                       int64_t panel, int16_t *to);
void pgi_pack_a_s8(const pgi_gemm_s8 *kernel, const pgi_bytes8 *a, int64_t m, int64_t k,
                   int16_t *to);
void pgi_pack_b_s8(const pgi_gemm_s8 *kernel, const pgi_bytes8 *b, int64_t n, int64_t k,
                   int16_t *to);
/* Tiles are tile_m x tile_n, rows x cols of them; by shape alone. */
void pgi_product_s8_tiling(const pgi_product_s8 *p, int64_t *tile_m, int64_t *tile_n, int64_t *rows,
                           int64_t *cols);
int64_t pgi_product_s8_scratch(const pgi_product_s8 *p); /* int16s a tile needs */
void pgi_product_s8_tile(const pgi_product_s8 *p, int64_t i, int16_t *scratch);

#endif
