/* Matrix products: f32 within the error of summing, 8-bit ones exactly. */
#include <math.h>

#include "kernel/gemm.h"
#include "kernel/gemm_s8.h"
#include "testing/check.h"

static const int64_t depths[] = {1, 2, 3, 7, 16, 33, 256};

/* What k products added in any order may lose (Higham, 2002, section 3.1), with some room for the one
** that is added to. */
static double sum_bound(int64_t k, double sum_of_abs) {
  return ((double)k + 2) * 2 * PG_EPS * sum_of_abs + 1e-38;
}

/* c[i * c_row + j * c_col] against a[i * a_row + p * a_col] b[p * b_row + j * b_col] + before. */
typedef struct product {
  int64_t m, n, k;
  const float *a;
  int64_t a_row, a_col;
  const float *b;
  int64_t b_row, b_col;
  const float *before, *c; /* before: NULL when not added */
  int64_t c_row, c_col, c_size;
} product;

static void check_product(pgi_check *c, const product *q, const float *start, const char *what) {
  for (int64_t i = 0; i < q->m; i++)
    for (int64_t j = 0; j < q->n; j++) {
      int64_t at = i * q->c_row + j * q->c_col;
      double sum = q->before ? (double)q->before[at] : 0, sum_of_abs = fabs(sum);
      for (int64_t p = 0; p < q->k; p++) {
        double term =
            (double)q->a[i * q->a_row + p * q->a_col] * (double)q->b[p * q->b_row + j * q->b_col];
        sum += term, sum_of_abs += fabs(term);
      }
      pgi_check_near(c, (double)q->c[at], sum, sum_bound(q->k, sum_of_abs), what, at);
    }
  /* Between the elements of c nothing changed. */
  for (int64_t at = 0; at < q->c_size; at++) {
    int64_t i = at / q->c_row, j = at % q->c_row;
    bool is_element = i < q->m && j % q->c_col == 0 && j / q->c_col < q->n;
    if (!is_element)
      pgi_check_near(c, (double)q->c[at], (double)start[at], 0, "written between", at);
  }
}

static void check_tile(pgi_check *c, const pgi_gemm_f32 *t, int m, int n, int64_t k, int wide,
                       bool add) {
  int64_t lda = wide ? PG_GEMM_MAX_MR : m, ldb = n + wide, ldc = n + 2 * wide;
  float *a = pgi_check_floats(c, k * lda, 2), *b = pgi_check_floats(c, (k - 1) * ldb + n, 2);
  int64_t size = (m - 1) * ldc + n;
  float *to = pgi_check_floats(c, size, 1),
        *start = pgi_check_buffer(c, (size_t)size * sizeof *start);
  memcpy(start, to, (size_t)size * sizeof *start);
  t->tile(m, n, k, a, lda, b, ldb, to, ldc, add, b);
  product q = {m, n, k, a, 1, lda, b, ldb, 1, add ? start : NULL, to, ldc, 1, size};
  check_product(c, &q, start, "tile");
  pgi_check_clear(c, "tile");
}

static void check_row(pgi_check *c, const pgi_gemm_f32 *t, int64_t n, int64_t k, bool add) {
  int64_t ldb = n + 3;
  float *x = pgi_check_floats(c, k, 2), *b = pgi_check_floats(c, (k - 1) * ldb + n, 2);
  float *y = pgi_check_floats(c, n, 1), *start = pgi_check_buffer(c, (size_t)n * sizeof *start);
  memcpy(start, y, (size_t)n * sizeof *start);
  t->row(n, k, x, b, ldb, y, add);
  product q = {1, n, k, x, k, 1, b, ldb, 1, add ? start : NULL, y, n, 1, n};
  check_product(c, &q, start, "row");
  pgi_check_clear(c, "row");
}

static void check_dots(pgi_check *c, const pgi_gemm_f32 *t, int64_t n, int64_t k, int64_t step,
                       bool add) {
  int64_t ldb = k + 1, size = (n - 1) * step + 1;
  float *x = pgi_check_floats(c, k, 2), *b = pgi_check_floats(c, (n - 1) * ldb + k, 2);
  float *y = pgi_check_floats(c, size, 1),
        *start = pgi_check_buffer(c, (size_t)size * sizeof *start);
  memcpy(start, y, (size_t)size * sizeof *start);
  t->dots(n, k, x, b, ldb, y, step, add);
  product q = {1, n, k, x, k, 1, b, 1, ldb, add ? start : NULL, y, size, step, size};
  check_product(c, &q, start, "dots");
  pgi_check_clear(c, "dots");
}

static void check_transpose(pgi_check *c, const pgi_gemm_f32 *t, int64_t m, int64_t k) {
  int64_t step = k + 2, height = m + 1;
  float alpha = 0.75f, *from = pgi_check_floats(c, (m - 1) * step + k, 2);
  float *to = pgi_check_buffer(c, (size_t)(k * height) * sizeof *to);
  t->transpose(m, k, from, step, alpha, height, to);
  for (int64_t p = 0; p < k; p++)
    for (int64_t i = 0; i < m; i++)
      pgi_check_near(c, (double)to[p * height + i], (double)(alpha * from[i * step + p]), 0,
                     "transpose", p * height + i);
  pgi_check_clear(c, "transpose");
}

void pgi_check_gemm_f32(pgi_check *c, const void *table, const void *scalar) {
  (void)scalar;
  const pgi_gemm_f32 *t = table;
  for (int m = 1; m <= t->mr; m++)
    for (int n = 1; n <= t->nr; n += n < 9 || n + 3 > t->nr ? 1 : 3)
      for (int d = 0; d < PG_COUNT(depths); d++) {
        check_tile(c, t, m, n, depths[d], 0, d % 2 == 0);
        check_tile(c, t, m, n, depths[d], 5, d % 2 == 1);
      }
  for (int i = 0; i < pgi_check_n_sizes; i++)
    for (int d = 0; d < PG_COUNT(depths); d++) {
      int64_t n = pgi_check_sizes[i], k = depths[d];
      check_row(c, t, n, k, d % 2);
      check_dots(c, t, n, k, 1 + d % 3, d % 2);
      if (n <= t->mr) check_transpose(c, t, n, k);
    }
}

/* ---- 8 bits ---------------------------------------------------------------------------------------- */

static int16_t *widened(pgi_check *c, int64_t n) {
  int16_t *x = pgi_check_buffer(c, (size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++) {
    uint32_t r = pgi_check_random(c);
    x[i] = (int16_t)(r % 8 == 0 ? (r & 8 ? 255 : -255) : (int)(r % 511) - 255);
  }
  return x;
}

static void check_tile_s8(pgi_check *c, const pgi_gemm_s8 *t, int m, int n, int64_t pairs,
                          bool add) {
  int64_t lda = t->mr, ldc = n + 3, size = (m - 1) * ldc + n;
  int16_t *a = widened(c, pairs * lda * 2), *b = widened(c, pairs * t->nr * 2);
  int32_t *to = pgi_check_buffer(c, (size_t)size * sizeof *to);
  for (int64_t i = 0; i < size; i++) to[i] = (int32_t)i - 5;
  t->tile(m, n, pairs, a, lda, b, to, ldc, add);
  for (int64_t at = 0; at < size; at++) {
    int64_t i = at / ldc, j = at % ldc, sum = at - 5;
    if (j < n) {
      if (!add) sum = 0;
      for (int64_t p = 0; p < pairs; p++)
        for (int h = 0; h < 2; h++)
          sum += (int64_t)a[(p * lda + i) * 2 + h] * b[(p * t->nr + j) * 2 + h];
    }
    pgi_check_near(c, (double)to[at], (double)sum, 0, "tile", at);
  }
  pgi_check_clear(c, "tile");
}

static void check_gather_s8(pgi_check *c, const pgi_gemm_s8 *t, int64_t k, int64_t n) {
  int64_t span = 100, at[64], pairs = (k + 1) / 2;
  float *src = pgi_check_buffer(c, (size_t)(span + n) * sizeof *src);
  for (int64_t i = 0; i < span + n; i++) src[i] = (float)((int)(pgi_check_random(c) % 511) - 255);
  for (int64_t p = 0; p < k; p++) at[p] = pgi_check_random(c) % (uint32_t)(span + 1);
  int16_t *to = pgi_check_buffer(c, (size_t)(pairs * t->nr * 2) * sizeof *to);
  t->gather(k, at, src, n, t->nr, to);
  for (int64_t p = 0; p < 2 * pairs; p++)
    for (int64_t j = 0; j < n; j++)
      pgi_check_near(c, (double)to[((p / 2) * t->nr + j) * 2 + p % 2],
                     p < k ? (double)src[at[p] + j] : 0, 0, "gather", p * n + j);
  pgi_check_clear(c, "gather");
}

void pgi_check_gemm_s8(pgi_check *c, const void *table, const void *scalar) {
  (void)scalar;
  const pgi_gemm_s8 *t = table;
  for (int m = 1; m <= t->mr; m++)
    for (int n = 1; n <= t->nr; n++)
      for (int d = 0; d < PG_COUNT(depths) - 1; d++) check_tile_s8(c, t, m, n, depths[d], d % 2);
  for (int64_t k = 1; k <= 9; k++)
    for (int64_t n = 1; n <= t->nr; n++) check_gather_s8(c, t, k, n);
}
