/* Runs of numbers: reductions, exponentials and their sums, normalisation. */
#include <math.h>

#include "kernel/norm.h"
#include "kernel/reduce.h"
#include "kernel/softmax.h"
#include "testing/check.h"

/* ---- reduce ---------------------------------------------------------------------------------------- */

static double exact(pgi_reduce r, const float *x, int64_t n, double *sum_of_abs) {
  double y = r == PG_R_PROD ? 1 : r == PG_R_MAX ? -INFINITY : r == PG_R_MIN ? INFINITY : 0;
  *sum_of_abs = 0;
  for (int64_t i = 0; i < n; i++) {
    double v = (double)x[i];
    switch (r) {
      case PG_R_SUM:
        y += v, *sum_of_abs += fabs(v);
        break;
      case PG_R_SUM_ABS:
        y += fabs(v), *sum_of_abs += fabs(v);
        break;
      case PG_R_SUM_SQUARE:
        y += v * v, *sum_of_abs += v * v;
        break;
      case PG_R_PROD:
        y *= v;
        break;
      case PG_R_MAX:
        y = isnan(y) || isnan(v) ? NAN : fmax(y, v);
        break;
      case PG_R_MIN:
        y = isnan(y) || isnan(v) ? NAN : fmin(y, v);
        break;
      case PG_N_REDUCE:
        break;
    }
  }
  return y;
}

/* 64 running totals, each of a 64th of the elements, joined in doubles every 8192 elements. */
static double reduce_bound(pgi_reduce r, int64_t n, double want, double sum_of_abs) {
  if (r == PG_R_MAX || r == PG_R_MIN) return 0;
  if (r == PG_R_PROD) return ((double)n + 1) * 2 * PG_EPS * fabs(want) + 1e-44;
  return ((double)PG_MIN(n, 8192) / 64 + 4) * 2 * PG_EPS * sum_of_abs;
}

static void check_run(pgi_check *c, const pgi_reduce_f32 *t, const pgi_reduce_f32 *s, int64_t n,
                      double special) {
  float *x = pgi_check_floats(c, n, 1);
  for (int64_t i = 0; i < n; i++) x[i] = x[i] < 0 ? x[i] - 0.5f : x[i] + 0.5f; /* for the product */
  if (n > 0 && special != 0) x[pgi_check_random(c) % (uint32_t)n] = (float)special;
  for (int r = 0; r < PG_N_REDUCE; r++) {
    double sum_of_abs, want = exact((pgi_reduce)r, x, n, &sum_of_abs);
    double got = t->run[r](x, n), other = s->run[r](x, n);
    pgi_check_near(c, got, want, reduce_bound((pgi_reduce)r, n, want, sum_of_abs), "run", n);
    if (!isnan(got)) pgi_check_equal(c, &got, &other, sizeof got, "run");
  }
  pgi_check_clear(c, "run");
}

static void check_reduce_row(pgi_check *c, const pgi_reduce_f32 *t, const pgi_reduce_f32 *s,
                             int64_t n) {
  for (int r = 0; r < PG_N_REDUCE; r++) {
    size_t bytes = (size_t)n * sizeof(float);
    float *x = pgi_check_floats(c, n, 2), *y = pgi_check_floats(c, n, 2);
    if (n > 2) x[n - 1] = NAN, x[n - 2] = -INFINITY, y[0] = NAN;
    float *start = pgi_check_buffer(c, bytes), *other = pgi_check_buffer(c, bytes);
    memcpy(start, y, bytes), memcpy(other, y, bytes);
    t->row[r](x, y, n);
    s->row[r](x, other, n);
    for (int64_t i = 0; i < n; i++) {
      double a = (double)start[i], b = (double)x[i];
      double want = r == PG_R_SUM          ? a + b
                    : r == PG_R_SUM_ABS    ? a + fabs(b)
                    : r == PG_R_SUM_SQUARE ? a + b * b
                    : r == PG_R_PROD       ? a * b
                    : isnan(a) || isnan(b) ? NAN
                    : r == PG_R_MAX        ? fmax(a, b)
                                           : fmin(a, b);
      pgi_check_near(c, (double)y[i], want, 4 * PG_EPS * (fabs(a) + b * b + fabs(b)), "row", i);
      if (!isnan(want)) pgi_check_equal(c, &y[i], &other[i], sizeof y[i], "row");
    }
    pgi_check_clear(c, "row");
  }
}

void pgi_check_reduce_f32(pgi_check *c, const void *table, const void *scalar) {
  static const int64_t more[] = {0, 1000, 8191, 8192, 8193, 20000};
  for (int i = 0; i < pgi_check_n_sizes + PG_COUNT(more); i++) {
    int64_t n = i < PG_COUNT(more) ? more[i] : pgi_check_sizes[i - PG_COUNT(more)];
    check_run(c, table, scalar, n, 0);
    check_run(c, table, scalar, n, NAN);
    check_run(c, table, scalar, n, INFINITY);
    if (n) check_reduce_row(c, table, scalar, n);
  }
}

/* ---- softmax --------------------------------------------------------------------------------------- */

/* 2 units in the last place of the exponential, or of the least normal number below it. */
static double exp_bound(double e) {
  return 4 * PG_EPS * fmax(e, 1.17549435e-38);
}

static void check_softmax(pgi_check *c, const pgi_softmax_f32 *t, int64_t n, bool in_place) {
  float *x = pgi_check_floats(c, n, 60), *y = in_place ? x : pgi_check_floats(c, n, 1), shift = 60;
  float *copy = pgi_check_buffer(c, (size_t)n * sizeof *copy);
  if (n > 3) x[1] = -INFINITY, x[2] = -20000, x[3] = 60;
  memcpy(copy, x, (size_t)n * sizeof *copy);
  double total = 0, got = t->run(x, y, n, shift);
  for (int64_t i = 0; i < n; i++) {
    double e = exp((double)(copy[i] - shift));
    total += e;
    pgi_check_near(c, (double)y[i], e, exp_bound(e), "run", i);
  }
  pgi_check_near(c, got, total, ((double)n / 64 + 8) * PG_EPS * total + exp_bound(0), "run's sum",
                 n);
  pgi_check_clear(c, "run");
}

static void check_softmax_row(pgi_check *c, const pgi_softmax_f32 *t, int64_t n) {
  float *x = pgi_check_floats(c, n, 30), *y = pgi_check_floats(c, n, 1);
  float *shift = pgi_check_floats(c, n, 5), *sum = pgi_check_floats(c, n, 1);
  float *start = pgi_check_buffer(c, (size_t)n * sizeof *start);
  for (int64_t i = 0; i < n; i++) shift[i] += 30;
  memcpy(start, sum, (size_t)n * sizeof *start);
  t->row(x, y, n, shift, sum);
  for (int64_t i = 0; i < n; i++) {
    double e = exp((double)(x[i] - shift[i]));
    pgi_check_near(c, (double)y[i], e, exp_bound(e), "row", i);
    pgi_check_near(c, (double)sum[i], (double)start[i] + (double)y[i],
                   2 * PG_EPS * (fabs((double)start[i]) + e), "row's sum", i);
  }
  pgi_check_clear(c, "row");
}

void pgi_check_softmax_f32(pgi_check *c, const void *table, const void *scalar) {
  (void)scalar;
  for (int i = 0; i < pgi_check_n_sizes; i++) {
    check_softmax(c, table, pgi_check_sizes[i], false);
    check_softmax(c, table, pgi_check_sizes[i], true);
    check_softmax_row(c, table, pgi_check_sizes[i]);
  }
  check_softmax(c, table, 5000, false);
}

/* ---- norm ------------------------------------------------------------------------------------------ */

static void check_norm(pgi_check *c, const pgi_norm_f32 *t, const pgi_norm_f32 *s, int64_t n,
                       int mode) {
  float *x = pgi_check_floats(c, n, 3), *y = pgi_check_floats(c, n, 1),
        *other = pgi_check_floats(c, n, 1);
  float *gain = mode & 1 ? pgi_check_floats(c, n, 2) : NULL,
        *bias = mode & 2 ? pgi_check_floats(c, n, 2) : NULL;
  float mean = 0.3f, scale = 1.7f;
  double spread = 0;
  for (int64_t i = 0; i < n; i++)
    spread += ((double)x[i] - (double)mean) * ((double)x[i] - (double)mean);
  double got = t->spread(x, n, mean), want = s->spread(x, n, mean);
  pgi_check_near(c, got, spread, ((double)PG_MIN(n, 8192) / 16 + 6) * 2 * PG_EPS * spread, "spread",
                 n);
  pgi_check_equal(c, &got, &want, sizeof got, "spread");
  t->apply(x, y, n, mean, scale, gain, bias);
  s->apply(x, other, n, mean, scale, gain, bias);
  pgi_check_equal(c, y, other, (size_t)n * sizeof *y, "apply");
  for (int64_t i = 0; i < n; i++) {
    double moved = ((double)x[i] - (double)mean) * (double)scale * (gain ? (double)gain[i] : 1);
    double b = bias ? (double)bias[i] : 0;
    pgi_check_near(c, (double)y[i], moved + b, 5 * PG_EPS * (fabs(moved) + fabs(b)), "apply", i);
  }
  t->apply(x, x, n, mean, scale, gain, bias); /* in place */
  pgi_check_equal(c, x, y, (size_t)n * sizeof *y, "apply in place");
  pgi_check_clear(c, "norm");
}

void pgi_check_norm_f32(pgi_check *c, const void *table, const void *scalar) {
  for (int i = 0; i < pgi_check_n_sizes; i++)
    for (int mode = 0; mode < 4; mode++) check_norm(c, table, scalar, pgi_check_sizes[i], mode);
  check_norm(c, table, scalar, 5001, 3);
}
