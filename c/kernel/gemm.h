/* gemm: matrix products in f32, blocked as in Goto and van de Geijn, "Anatomy of High-Performance
** Matrix Multiplication" (2008).
**
** A matrix of m rows and k columns is packed as blocks of PG_GEMM_KC columns; inside a block as
** panels of `height` rows stored column by column.  The right one, k rows and n columns, as blocks
** of PG_GEMM_KC rows; inside as panels of nr columns stored row by row, the last one filled up with
** zeros.  A tile multiplies one panel of each.  How a product is cut into blocks and tiles depends
** on its shape alone, so the bits do not depend on who computes which part. */
#ifndef PG_KERNEL_GEMM_H
#define PG_KERNEL_GEMM_H

#include "kernel/kernel.h"

enum {
  PG_GEMM_KC = 256,    /* depth of a block: a panel of each side fits the first-level cache */
  PG_GEMM_MAX_MR = 16, /* bounds of any variant's tile */
  PG_GEMM_MAX_NR = 64,
  PG_GEMM_AHEAD = 4 /* floats that a tile fetches ahead for each of its k */
};

/* ---- epilogues ------------------------------------------------------------------------------ */

typedef enum pgi_activation {
  PG_ACT_NONE,
  PG_ACT_RELU,
  PG_ACT_LEAKY_RELU,   /* x < 0 ? alpha x : x */
  PG_ACT_CLIP,         /* between alpha and beta */
  PG_ACT_HARD_SIGMOID, /* clip(alpha x + beta, 0, 1) */
  PG_ACT_HARD_SWISH,   /* x hard_sigmoid(x) */
  PG_ACT_SIGMOID,
  PG_ACT_TANH,
  PG_ACT_SILU,
  PG_ACT_GELU,
  PG_ACT_GELU_TANH
} pgi_activation;

/* An addend that is read at data[i * row + j * col]; one of the strides or both may be zero. */
typedef struct pgi_addend {
  const float *data; /* NULL: none */
  int64_t row, col;
} pgi_addend;

/* What happens to a finished tile: c = act(c + scale * add[0] + add[1]).  add[1].col is 1. */
typedef struct pgi_epilogue {
  pgi_addend add[2];
  float scale;
  pgi_activation act;
  float alpha, beta;
} pgi_epilogue;

/* To the rows i0.. and columns j0.. of the whole product, m x n of them at c. */
typedef void pgi_finish_fn(const pgi_epilogue *e, int64_t i0, int64_t j0, int64_t m, int64_t n,
                           float *c, int64_t ldc);
pgi_finish_fn pgi_finish_scalar, pgi_finish_avx2, pgi_finish_avx512;

/* ---- variants ------------------------------------------------------------------------------- */

/* The table of family PG_K_GEMM_F32. */
typedef struct pgi_gemm_f32 {
  int mr, nr; /* the largest tile */
  /* c[m,n] = a b, or += when `add`, with 1 <= m <= mr, 1 <= n <= nr, k >= 1.  a[p * lda + i],
  ** b[p * ldb + j].  Nothing outside [m,n] is touched, of b neither.  What will be needed next, k *
  ** PG_GEMM_AHEAD floats at `ahead`, is brought nearer meanwhile; it may be any address. */
  void (*tile)(int m, int n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb,
               float *c, int64_t ldc, bool add, const float *ahead);
  /* y[j] = sum over p of x[p] * b[p * ldb + j], or +=, for any n >= 1, k >= 1. */
  void (*row)(int64_t n, int64_t k, const float *x, const float *b, int64_t ldb, float *y,
              bool add);
  /* y[j * y_step] = sum over p of x[p] * b[j * ldb + p], or +=. */
  void (*dots)(int64_t n, int64_t k, const float *x, const float *b, int64_t ldb, float *y,
               int64_t y_step, bool add);
  /* to[p * height + i] = alpha * from[i * step + p] for i in [0, m), p in [0, k), m <= height. */
  void (*transpose)(int64_t m, int64_t k, const float *from, int64_t step, float alpha,
                    int64_t height, float *to);
  pgi_finish_fn *finish;
} pgi_gemm_f32;

/* ---- products ------------------------------------------------------------------------------- */

/* c = epilogue(alpha * a b), or epilogue(c + alpha * a b) when `add`. */
typedef struct pgi_product {
  const pgi_gemm_f32 *kernel;
  int64_t m, n, k; /* k may be 0: then a b is all zeros */
  float alpha;
  const float *a; /* a[i * a_row + p * a_col] */
  int64_t a_row, a_col;
  const float *b; /* b[p * b_row + j * b_col] */
  int64_t b_row, b_col;
  const float *packed_a; /* instead of a, from pgi_pack_a of all of it; alpha is then in it */
  const float *packed_b; /* instead of b, from pgi_pack_b of all of it */
  /* Or packs rows p0 .. p0 + k and columns j0 .. j0 + n of b as pgi_pack_b does (b == NULL). */
  void (*fill)(const void *arg, int64_t p0, int64_t k, int64_t j0, int64_t n, int nr, float *to);
  const void *fill_arg;
  float *c;
  int64_t ldc;
  bool add;
  const pgi_epilogue *epilogue; /* NULL: none */
} pgi_product;

/* The height of the panels for m rows: at most mr, chosen so that the last one is not left thin. */
int pgi_panel_height(int64_t m, int mr);
/* Floats that packing takes. */
int64_t pgi_packed_a_size(int64_t m, int64_t k, int mr);
int64_t pgi_packed_b_size(int64_t n, int64_t k, int nr);
void pgi_pack_a(const pgi_gemm_f32 *kernel, const float *a, int64_t a_row, int64_t a_col, int64_t m,
                int64_t k, float alpha, float *to);
void pgi_pack_b(const pgi_gemm_f32 *kernel, const float *b, int64_t b_row, int64_t b_col, int64_t n,
                int64_t k, float *to);
/* The same for panels [first, first + count): `to` is that of all. */
void pgi_pack_a_panels(const pgi_gemm_f32 *kernel, const float *a, int64_t a_row, int64_t a_col,
                       int64_t m, int64_t k, float alpha, int64_t first, int64_t count, float *to);
void pgi_pack_b_panels(const pgi_gemm_f32 *kernel, const float *b, int64_t b_row, int64_t b_col,
                       int64_t n, int64_t k, int64_t first, int64_t count, float *to);

/* How a product is cut: tiles of tile_m x tile_n, rows x cols of them. */
typedef struct pgi_tiling {
  int64_t tile_m, tile_n, rows, cols;
} pgi_tiling;
/* `copies`: how many products of this shape there are (a batch): more copies, larger tiles. */
void pgi_product_tiling(const pgi_product *p, int64_t copies, pgi_tiling *out);
/* Whether several tiles would pack the same part of a side, so that packing it once is better. */
bool pgi_product_repacks_a(const pgi_product *p, const pgi_tiling *t);
bool pgi_product_repacks_b(const pgi_product *p, const pgi_tiling *t);
/* Floats of scratch that one tile needs, and the tile i of rows * cols.  scratch: aligned to
** PG_ALIGN. */
int64_t pgi_product_scratch(const pgi_product *p, const pgi_tiling *t);
void pgi_product_tile(const pgi_product *p, const pgi_tiling *t, int64_t i, float *scratch);

#endif
