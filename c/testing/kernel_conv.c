/* Windows over planes: depthwise convolution, pooling, and the weighted rows of resizing. */
#include <math.h>

#include "kernel/conv.h"
#include "kernel/resize.h"
#include "testing/check.h"

enum { MAX_TAPS = 25, SPAN = 70 };
static const int64_t tap_counts[] = {1, 2, 3, 9, 25}, row_counts[] = {1, 2, 3, 4, 5, 9};

/* A packed plane and the taps of a window. */
typedef struct lines {
  int64_t rows, n, taps, src_step, out_step, out_size, at[MAX_TAPS];
  float *src, *out;
} lines;

static lines make_lines(pgi_check *c, int64_t rows, int64_t n, int64_t taps) {
  lines l = {.rows = rows, .n = n, .taps = taps, .src_step = n + 11, .out_step = n + 3};
  for (int64_t t = 0; t < taps; t++) l.at[t] = pgi_check_random(c) % (SPAN + 1);
  l.at[0] = SPAN; /* the last element is read */
  l.src = pgi_check_floats(c, (rows - 1) * l.src_step + SPAN + n, 3);
  l.out_size = (rows - 1) * l.out_step + n;
  l.out = pgi_check_floats(c, l.out_size, 1);
  return l;
}

/* Calls with a copy of `out` from before; checks what lies between lines. */
static void check_between(pgi_check *c, const lines *l, const float *before) {
  for (int64_t i = 0; i < l->out_size; i++)
    if (i % l->out_step >= l->n)
      pgi_check_near(c, (double)l->out[i], (double)before[i], 0, "written between lines", i);
}

static float *copy_of(pgi_check *c, const float *x, int64_t n) {
  float *copy = pgi_check_buffer(c, (size_t)n * sizeof *copy);
  memcpy(copy, x, (size_t)n * sizeof *copy);
  return copy;
}

static void check_conv_rows(pgi_check *c, const pgi_conv_f32 *t, int64_t rows, int64_t n,
                            int64_t taps) {
  lines l = make_lines(c, rows, n, taps);
  float *w = pgi_check_floats(c, taps, 2), bias = 0.375f, *before = copy_of(c, l.out, l.out_size);
  t->rows(rows, n, taps, l.at, w, bias, l.src, l.src_step, l.out, l.out_step);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < n; j++) {
      double sum = (double)bias, sum_of_abs = fabs(sum);
      for (int64_t k = 0; k < taps; k++) {
        double term = (double)w[k] * (double)l.src[r * l.src_step + l.at[k] + j];
        sum += term, sum_of_abs += fabs(term);
      }
      pgi_check_near(c, (double)l.out[r * l.out_step + j], sum,
                     ((double)taps + 2) * 2 * PG_EPS * sum_of_abs, "rows", r * n + j);
    }
  check_between(c, &l, before);
  pgi_check_clear(c, "rows");
}

static void check_gather(pgi_check *c, const pgi_conv_f32 *t, int64_t k, int64_t n, int nr) {
  lines l = make_lines(c, 1, n, k);
  float *to = pgi_check_buffer(c, (size_t)(k * nr) * sizeof *to);
  t->gather(k, l.at, l.src, n, nr, to);
  for (int64_t p = 0; p < k; p++)
    for (int64_t j = 0; j < n; j++)
      pgi_check_near(c, (double)to[p * nr + j], (double)l.src[l.at[p] + j], 0, "gather",
                     p * nr + j);
  pgi_check_clear(c, "gather");
}

void pgi_check_conv_dw_f32(pgi_check *c, const void *table, const void *scalar) {
  (void)scalar;
  const pgi_conv_f32 *t = table;
  for (int i = 0; i < pgi_check_n_sizes; i++)
    for (int k = 0; k < PG_COUNT(tap_counts); k++)
      for (int r = 0; r < PG_COUNT(row_counts); r++)
        check_conv_rows(c, t, row_counts[r], pgi_check_sizes[i], tap_counts[k]);
  static const int widths[] = {8, 16, 32, 64};
  for (int w = 0; w < PG_COUNT(widths); w++)
    for (int64_t n = 1; n <= widths[w]; n++)
      for (int k = 0; k < PG_COUNT(tap_counts); k++)
        check_gather(c, t, tap_counts[k], n, widths[w]);
}

/* ---- pooling --------------------------------------------------------------------------------------- */

static void check_pool_rows(pgi_check *c, const pgi_pool_f32 *t, bool is_max, int64_t rows,
                            int64_t n, int64_t taps) {
  lines l = make_lines(c, rows, n, taps);
  float *before = copy_of(c, l.out, l.out_size);
  (is_max ? t->max_rows : t->sum_rows)(rows, n, taps, l.at, l.src, l.src_step, l.out, l.out_step);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < n; j++) {
      double most = -INFINITY, sum = 0, sum_of_abs = 0;
      for (int64_t k = 0; k < taps; k++) {
        double x = (double)l.src[r * l.src_step + l.at[k] + j];
        most = x > most ? x : most, sum += x, sum_of_abs += fabs(x);
      }
      pgi_check_near(c, (double)l.out[r * l.out_step + j], is_max ? most : sum,
                     is_max ? 0 : (double)taps * 2 * PG_EPS * sum_of_abs,
                     is_max ? "max_rows" : "sum_rows", r * n + j);
    }
  check_between(c, &l, before);
  pgi_check_clear(c, "pool rows");
}

static void check_pool_all(pgi_check *c, const pgi_pool_f32 *t, const pgi_pool_f32 *s, int64_t n) {
  float *x = pgi_check_floats(c, n, 5);
  double most = -INFINITY, sum = 0, sum_of_abs = 0;
  for (int64_t i = 0; i < n; i++) {
    most = (double)x[i] > most ? (double)x[i] : most;
    sum += (double)x[i], sum_of_abs += fabs((double)x[i]);
  }
  pgi_check_near(c, (double)t->max(n, x), most, 0, "max", n);
  float got = t->sum(n, x), want = s->sum(n, x);
  pgi_check_near(c, (double)got, sum, (double)n * PG_EPS * sum_of_abs, "sum", n);
  pgi_check_equal(c, &got, &want, sizeof got, "sum");
  for (int64_t i = 0; i < n; i += 3) x[i] = NAN; /* never is a maximum */
  most = -INFINITY;
  for (int64_t i = 0; i < n; i++) most = (double)x[i] > most ? (double)x[i] : most;
  pgi_check_near(c, (double)t->max(n, x), most, 0, "max with NaN", n);
  pgi_check_clear(c, "pool");
}

void pgi_check_pool_f32(pgi_check *c, const void *table, const void *scalar) {
  const pgi_pool_f32 *t = table;
  for (int i = 0; i < pgi_check_n_sizes; i++) {
    int64_t n = pgi_check_sizes[i];
    check_pool_all(c, t, scalar, n);
    for (int k = 0; k < PG_COUNT(tap_counts); k++)
      for (int r = 0; r < PG_COUNT(row_counts); r++)
        for (int is_max = 0; is_max < 2; is_max++)
          check_pool_rows(c, t, is_max, row_counts[r], n, tap_counts[k]);
  }
  float nothing = 0;
  pgi_check_near(c, (double)t->max(0, &nothing), -INFINITY, 0, "max of none", 0);
  pgi_check_near(c, (double)t->sum(0, &nothing), 0, 0, "sum of none", 0);
}

/* ---- resizing -------------------------------------------------------------------------------------- */

static void check_sum_u8(pgi_check *c, const pgi_resize *t, int64_t n, int64_t taps) {
  int64_t step = n + 5, size = (taps - 1) * step + n;
  uint8_t *in = pgi_check_buffer(c, (size_t)size), *out = pgi_check_buffer(c, (size_t)n);
  int32_t *w = pgi_check_buffer(c, (size_t)taps * sizeof *w), sum = 0;
  for (int64_t i = 0; i < size; i++) in[i] = (uint8_t)pgi_check_random(c);
  for (int64_t k = 0; k < taps; k++) { /* sums to one, with negative lobes */
    w[k] = (int32_t)((1 << PG_RESIZE_BITS) / taps) + (k % 2 ? 1 : -1) * (1 << 16);
    if (k == taps - 1) w[k] = (1 << PG_RESIZE_BITS) - sum;
    sum += w[k];
  }
  t->sum_u8(in, step, w, taps, n, out);
  for (int64_t i = 0; i < n; i++) {
    int64_t total = (int64_t)1 << (PG_RESIZE_BITS - 1);
    for (int64_t k = 0; k < taps; k++) total += (int64_t)w[k] * in[k * step + i];
    total >>= PG_RESIZE_BITS;
    pgi_check_near(c, out[i], (double)PG_MIN(PG_MAX(total, 0), 255), 0, "sum_u8", i);
  }
  pgi_check_clear(c, "sum_u8");
}

static void check_sum_f32(pgi_check *c, const pgi_resize *t, const pgi_resize *s, int64_t n,
                          int64_t taps) {
  int64_t step = n + 5;
  float *in = pgi_check_floats(c, (taps - 1) * step + n, 255), *w = pgi_check_floats(c, taps, 0.1f);
  float *out = pgi_check_floats(c, n, 1), *other = pgi_check_floats(c, n, 1);
  t->sum_f32(in, step, w, taps, n, out);
  s->sum_f32(in, step, w, taps, n, other);
  for (int64_t i = 0; i < n; i++) {
    double total = 0, sum_of_abs = 0;
    for (int64_t k = 0; k < taps; k++) {
      double term = (double)w[k] * (double)in[k * step + i];
      total += term, sum_of_abs += fabs(term);
    }
    pgi_check_near(c, (double)out[i], total, ((double)taps + 2) * 2 * PG_EPS * sum_of_abs,
                   "sum_f32", i);
  }
  pgi_check_equal(c, out, other, (size_t)n * sizeof *out, "sum_f32");
  pgi_check_clear(c, "sum_f32");
}

void pgi_check_resize(pgi_check *c, const void *table, const void *scalar) {
  for (int i = 0; i < pgi_check_n_sizes; i++)
    for (int k = 0; k < PG_COUNT(tap_counts); k++) {
      check_sum_u8(c, table, pgi_check_sizes[i], tap_counts[k]);
      check_sum_f32(c, table, scalar, pgi_check_sizes[i], tap_counts[k]);
    }
}
