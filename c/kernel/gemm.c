/* Packing, blocking and the scalar reference of matrix products. */
#include "kernel/gemm.h"

/* ---- the reference -------------------------------------------------------------------------- */

enum { SCALAR_MR = 4, SCALAR_NR = 8 };

static void scalar_tile(int m, int n, int64_t k, const float *a, int64_t lda, const float *b,
                        int64_t ldb, float *c, int64_t ldc, bool add, const float *ahead) {
  (void)ahead;
  float sum[SCALAR_MR][SCALAR_NR] = {{0}};
  for (int64_t p = 0; p < k; p++) {
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) sum[i][j] += a[p * lda + i] * b[p * ldb + j];
    }
  }
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j++) {
      c[i * ldc + j] = add ? c[i * ldc + j] + sum[i][j] : sum[i][j];
    }
  }
}

static void scalar_row(int64_t n, int64_t k, const float *x, const float *b, int64_t ldb, float *y,
                       bool add) {
  for (int64_t j = 0; j < n; j += SCALAR_NR) {
    scalar_tile(1, (int)PG_MIN(n - j, SCALAR_NR), k, x, 1, b + j, ldb, y + j, 0, add, b + j);
  }
}

static void scalar_dots(int64_t n, int64_t k, const float *x, const float *b, int64_t ldb, float *y,
                        int64_t y_step, bool add) {
  for (int64_t j = 0; j < n; j++) {
    float sum = 0;
    for (int64_t p = 0; p < k; p++) sum += x[p] * b[j * ldb + p];
    y[j * y_step] = add ? y[j * y_step] + sum : sum;
  }
}

static void scalar_transpose(int64_t m, int64_t k, const float *from, int64_t step, float alpha,
                             int64_t height, float *to) {
  for (int64_t p = 0; p < k; p++) {
    for (int64_t i = 0; i < m; i++) to[p * height + i] = alpha * from[i * step + p];
  }
}

static const pgi_gemm_f32 scalar = {SCALAR_MR,   SCALAR_NR,        scalar_tile,      scalar_row,
                                    scalar_dots, scalar_transpose, pgi_finish_scalar};
PG_KERNEL(gemm_f32_4x8_scalar) = {
    .name = "gemm_f32_4x8_scalar", .family = PG_K_GEMM_F32, .table = &scalar};

/* ---- packing -------------------------------------------------------------------------------- */

static int64_t ceil_div(int64_t a, int64_t b) {
  return a / b + (a % b != 0);
}

int pgi_panel_height(int64_t m, int mr) {
  if (m <= 0) return 1;
  return (int)ceil_div(m, ceil_div(m, mr));
}

int64_t pgi_packed_a_size(int64_t m, int64_t k, int mr) {
  int height = pgi_panel_height(m, mr);
  return ceil_div(m, height) * height * k;
}

int64_t pgi_packed_b_size(int64_t n, int64_t k, int nr) {
  return ceil_div(n, nr) * nr * k;
}

/* Rows [0, m) of k columns as panels of `height`; rows that are missing in the last one are left
** out: nothing reads them. */
static void pack_a_block(const pgi_gemm_f32 *kernel, const float *a, int64_t a_row, int64_t a_col,
                         int64_t m, int64_t k, float alpha, int height, float *to) {
  for (int64_t i0 = 0; i0 < m; i0 += height, to += height * k) {
    int rows = (int)PG_MIN(m - i0, height);
    const float *from = a + i0 * a_row;
    if (a_col == 1) {
      kernel->transpose(rows, k, from, a_row, alpha, height, to);
      continue;
    }
    for (int64_t p = 0; p < k; p++) {
      for (int i = 0; i < rows; i++) to[p * height + i] = alpha * from[i * a_row + p * a_col];
    }
  }
}

static void zero_run(float *to, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = 0;
}

static void pack_b_block(const pgi_gemm_f32 *kernel, const float *b, int64_t b_row, int64_t b_col,
                         int64_t n, int64_t k, float *to) {
  int nr = kernel->nr;
  for (int64_t j0 = 0; j0 < n; j0 += nr, to += nr * k) {
    int cols = (int)PG_MIN(n - j0, nr);
    const float *from = b + j0 * b_col;
    if (b_col == 1) {
      for (int64_t p = 0; p < k; p++) {
        memcpy(to + p * nr, from + p * b_row, (size_t)cols * sizeof(float));
        zero_run(to + p * nr + cols, nr - cols);
      }
      continue;
    }
    if (b_row == 1) {
      kernel->transpose(cols, k, from, b_col, 1, nr, to);
    } else {
      for (int64_t p = 0; p < k; p++) {
        for (int j = 0; j < cols; j++) to[p * nr + j] = from[p * b_row + j * b_col];
      }
    }
    for (int64_t p = 0; p < k && cols < nr; p++) zero_run(to + p * nr + cols, nr - cols);
  }
}

void pgi_pack_a_panels(const pgi_gemm_f32 *kernel, const float *a, int64_t a_row, int64_t a_col,
                       int64_t m, int64_t k, float alpha, int64_t first, int64_t count, float *to) {
  int height = pgi_panel_height(m, kernel->mr);
  int64_t padded = ceil_div(m, height) * height, row = first * height;
  int64_t rows = PG_MIN(m - row, count * height);
  for (int64_t p = 0; p < k; p += PG_GEMM_KC) {
    int64_t depth = PG_MIN(k - p, PG_GEMM_KC);
    pack_a_block(kernel, a + row * a_row + p * a_col, a_row, a_col, rows, depth, alpha, height,
                 to + p * padded + row * depth);
  }
}

void pgi_pack_b_panels(const pgi_gemm_f32 *kernel, const float *b, int64_t b_row, int64_t b_col,
                       int64_t n, int64_t k, int64_t first, int64_t count, float *to) {
  int64_t padded = ceil_div(n, kernel->nr) * kernel->nr, col = first * kernel->nr;
  int64_t cols = PG_MIN(n - col, count * kernel->nr);
  for (int64_t p = 0; p < k; p += PG_GEMM_KC) {
    int64_t depth = PG_MIN(k - p, PG_GEMM_KC);
    pack_b_block(kernel, b + p * b_row + col * b_col, b_row, b_col, cols, depth,
                 to + p * padded + col * depth);
  }
}

void pgi_pack_a(const pgi_gemm_f32 *kernel, const float *a, int64_t a_row, int64_t a_col, int64_t m,
                int64_t k, float alpha, float *to) {
  pgi_pack_a_panels(kernel, a, a_row, a_col, m, k, alpha, 0, m, to);
}

void pgi_pack_b(const pgi_gemm_f32 *kernel, const float *b, int64_t b_row, int64_t b_col, int64_t n,
                int64_t k, float *to) {
  pgi_pack_b_panels(kernel, b, b_row, b_col, n, k, 0, n, to);
}

/* ---- blocking ------------------------------------------------------------------------------- */

/* Few rows: packing b would cost more than reading it in place. */
static bool reads_b_in_place(const pgi_product *p, int64_t rows) {
  return !p->packed_b && p->b && p->b_col == 1 && rows <= 2 * p->kernel->mr;
}

void pgi_product_tiling(const pgi_product *p, int64_t copies, pgi_tiling *out) {
  enum { SIDE_M = 256, SIDE_N = 512, ENOUGH = 8, GRAIN = 1 << 21, LEAST_ROWS = 8 };
  int nr = p->kernel->nr;
  int64_t unit_m = p->packed_a ? pgi_panel_height(p->m, p->kernel->mr) : p->kernel->mr;
  int64_t tile_m = PG_MAX(1, PG_MIN(p->m, SIDE_M / unit_m * unit_m));
  int64_t tile_n = PG_MAX(1, PG_MIN(p->n, SIDE_N / nr * nr));
  /* Halve while there are too few tiles to share and they stay worth a task: columns first, so that
  ** each part of b is read, or gathered, once.  With few rows the time goes into reading b: they count as
  ** some more.  Narrow tiles are left alone: each column of tiles reads all of a. */
  for (;;) {
    int64_t tiles = ceil_div(PG_MAX(p->m, 1), tile_m) * ceil_div(PG_MAX(p->n, 1), tile_n);
    if (copies >= ENOUGH || tiles * copies >= ENOUGH) break;
    if ((double)PG_MAX(tile_m, LEAST_ROWS) * (double)tile_n * (double)p->k < 2.0 * GRAIN) break;
    int64_t half_m = ceil_div(ceil_div(tile_m, 2), unit_m) * unit_m;
    int64_t half_n = ceil_div(ceil_div(tile_n, 2), nr) * nr;
    bool can_m = half_m < tile_m, can_n = half_n < tile_n && tile_n > 2 * nr;
    if (can_n) {
      tile_n = half_n;
    } else if (can_m) {
      tile_m = half_m;
    } else {
      break;
    }
  }
  *out = (pgi_tiling){tile_m, tile_n, ceil_div(p->m, tile_m), ceil_div(p->n, tile_n)};
}

bool pgi_product_repacks_a(const pgi_product *p, const pgi_tiling *t) {
  return !p->packed_a && t->cols > 1 && p->m > 1;
}

bool pgi_product_repacks_b(const pgi_product *p, const pgi_tiling *t) {
  return p->b && t->rows > 1 && !reads_b_in_place(p, t->tile_m) && p->n > 1;
}

static int64_t round_up(int64_t n, int64_t unit) {
  return ceil_div(n, unit) * unit;
}

int64_t pgi_product_scratch(const pgi_product *p, const pgi_tiling *t) {
  int64_t depth = PG_MIN(p->k, PG_GEMM_KC);
  int64_t a = p->packed_a ? 0 : pgi_packed_a_size(t->tile_m, depth, p->kernel->mr);
  bool no_b = p->packed_b || reads_b_in_place(p, t->tile_m);
  int64_t b = no_b ? 0 : pgi_packed_b_size(t->tile_n, depth, p->kernel->nr);
  return round_up(a, 16) + round_up(b, 16);
}

/* One tile of the product in terms of packed or plain operands of one block of depth. */
typedef struct block {
  const float *a;
  int64_t a_step; /* from panel to panel */
  int height;
  const float *b;
  int64_t b_step; /* from panel to panel */
  int64_t ldb;
  int64_t depth;
  const float *next; /* the panel of b behind the last one: tiles fetch it into the cache */
  bool add, is_last;
} block;

static void run_block(const pgi_product *p, const block *k, int64_t i0, int64_t m, int64_t j0,
                      int64_t n) {
  int nr = p->kernel->nr;
  const float *b = k->b;
  for (int64_t j = 0; j < n; j += nr, b += k->b_step) {
    int cols = (int)PG_MIN(n - j, nr);
    const float *a = k->a;
    const float *ahead = j + nr < n ? b + k->b_step : k->next;
    for (int64_t i = 0; i < m; i += k->height, a += k->a_step) {
      int rows = (int)PG_MIN(m - i, k->height);
      float *c = p->c + (i0 + i) * p->ldc + j0 + j;
      p->kernel->tile(rows, cols, k->depth, a, k->height, b, k->ldb, c, p->ldc, k->add, ahead);
      ahead += k->depth * PG_GEMM_AHEAD;
      if (k->is_last && p->epilogue) {
        p->kernel->finish(p->epilogue, i0 + i, j0 + j, rows, cols, c, p->ldc);
      }
    }
  }
}

static void run_empty(const pgi_product *p, int64_t i0, int64_t m, int64_t j0, int64_t n) {
  for (int64_t i = i0; i < i0 + m; i++) {
    if (!p->add) zero_run(p->c + i * p->ldc + j0, n);
  }
  if (p->epilogue) p->kernel->finish(p->epilogue, i0, j0, m, n, p->c + i0 * p->ldc + j0, p->ldc);
}

/* One row, and nothing to pack: the kernels that stream b. */
static bool run_row(const pgi_product *p, int64_t j0, int64_t n) {
  bool is_plain = p->m == 1 && p->a && p->a_col == 1 && p->b && p->alpha == 1;
  if (!is_plain || (p->b_col != 1 && p->b_row != 1)) return false;
  const float *b = p->b + j0 * p->b_col;
  if (p->b_col == 1) {
    p->kernel->row(n, p->k, p->a, b, p->b_row, p->c + j0, p->add);
  } else {
    p->kernel->dots(n, p->k, p->a, b, p->b_col, p->c + j0, 1, p->add);
  }
  if (p->epilogue) p->kernel->finish(p->epilogue, 0, j0, 1, n, p->c + j0, p->ldc);
  return true;
}

/* One column: the same with the sides exchanged. */
static bool run_column(const pgi_product *p, int64_t i0, int64_t m) {
  bool is_plain = p->n == 1 && p->a && p->a_col == 1 && p->b && p->b_row == 1 && p->alpha == 1;
  if (!is_plain) return false;
  float *c = p->c + i0 * p->ldc;
  p->kernel->dots(m, p->k, p->b, p->a + i0 * p->a_row, p->a_row, c, p->ldc, p->add);
  if (p->epilogue) p->kernel->finish(p->epilogue, i0, 0, m, 1, c, p->ldc);
  return true;
}

/* The panel of packed b that the same columns need at the next depth; where nothing is known of it, one
** that is in the cache. */
static const float *next_panel(const pgi_product *p, const block *k, int64_t q, int64_t padded_n,
                               int64_t j0) {
  int64_t next = q + k->depth;
  if (!p->packed_b || next >= p->k) return k->b;
  return p->packed_b + next * padded_n + j0 * PG_MIN(p->k - next, PG_GEMM_KC);
}

void pgi_product_tile(const pgi_product *p, const pgi_tiling *t, int64_t i, float *scratch) {
  /* Down the columns first: neighbouring tasks share their part of b. */
  int64_t i0 = i % t->rows * t->tile_m, j0 = i / t->rows * t->tile_n;
  int64_t m = PG_MIN(p->m - i0, t->tile_m), n = PG_MIN(p->n - j0, t->tile_n);
  if (m <= 0 || n <= 0) return;
  if (p->k == 0) {
    run_empty(p, i0, m, j0, n);
    return;
  }
  if (run_row(p, j0, n) || run_column(p, i0, m)) return;
  int mr = p->kernel->mr, nr = p->kernel->nr;
  bool in_place = reads_b_in_place(p, t->tile_m);
  int height = pgi_panel_height(p->packed_a ? p->m : m, mr);
  int64_t padded_m = round_up(p->m, height), padded_n = round_up(p->n, nr);
  bool a_in_place = !p->packed_a && m == 1 && p->a_col == 1 && p->alpha == 1;
  if (a_in_place) height = 1; /* a row is its own panel */
  float *a_room = scratch;
  float *b_room = scratch;
  if (!p->packed_a) {
    int64_t depth = PG_MIN(p->k, PG_GEMM_KC);
    b_room += round_up(pgi_packed_a_size(t->tile_m, depth, mr), 16);
  }
  for (int64_t q = 0; q < p->k; q += PG_GEMM_KC) {
    int64_t depth = PG_MIN(p->k - q, PG_GEMM_KC);
    block k = {.depth = depth,
               .height = height,
               .a_step = height * depth,
               .ldb = nr,
               .b_step = nr * depth,
               .add = p->add || q > 0,
               .is_last = q + depth == p->k};
    if (p->packed_a) {
      k.a = p->packed_a + q * padded_m + i0 * depth;
    } else if (a_in_place) {
      k.a = p->a + i0 * p->a_row + q;
    } else {
      const float *a = p->a + i0 * p->a_row + q * p->a_col;
      pack_a_block(p->kernel, a, p->a_row, p->a_col, m, depth, p->alpha, height, a_room);
      k.a = a_room;
    }
    if (p->packed_b) {
      k.b = p->packed_b + q * padded_n + j0 * depth;
    } else if (in_place) {
      k.b = p->b + q * p->b_row + j0;
      k.ldb = p->b_row;
      k.b_step = nr;
    } else {
      if (p->b) {
        const float *b = p->b + q * p->b_row + j0 * p->b_col;
        pack_b_block(p->kernel, b, p->b_row, p->b_col, n, depth, b_room);
      } else {
        p->fill(p->fill_arg, q, depth, j0, n, nr, b_room);
      }
      k.b = b_room;
    }
    k.next = next_panel(p, &k, q, padded_n, j0);
    run_block(p, &k, i0, m, j0, n);
  }
}
