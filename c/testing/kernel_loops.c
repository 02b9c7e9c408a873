/* Element-wise functions: of one number within units in the last place, of two exactly. */
#include <float.h>
#include <math.h>

#include "kernel/binary.h"
#include "kernel/expr.h"
#include "kernel/unary.h"
#include "testing/check.h"

static const float specials[] = {
    0.0f,       -0.0f,       1.0f,    -1.0f,    0.5f,     -0.5f,       1.5f,
    -1.5f,      2.5f,        -2.5f,   3.0f,     -3.0f,    6.0f,        1e-45f,
    -1e-45f,    1e-40f,      -1e-40f, FLT_MIN,  -FLT_MIN, FLT_EPSILON, 1e-7f,
    -1e-7f,     1e-3f,       88.0f,   88.8f,    -87.0f,   -88.0f,      -103.0f,
    -110.0f,    90.0f,       1e4f,    -1e4f,    65536.0f, 65537.0f,    1e9f,
    8388607.5f, -8388608.5f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY,   NAN,
};

/* ---- unary ----------------------------------------------------------------------------------------- */

/* Allowed difference from the f64 function, in units in the last place of the result; `floor` is where
** such a unit stops shrinking: cancellation, or results below the normal numbers, or (of x times an
** exponential) so far out that the rounding of the exponent counts |x| times. */
typedef struct limit {
  const char *name;
  float a, b;
  double ulps, floor;
} limit;

#define TINY 1.17549435e-38
static const limit limits[PG_N_UNARY] = {
    [PG_ABS] = {"abs", 0, 0, 0, 0},
    [PG_NEG] = {"neg", 0, 0, 0, 0},
    [PG_SIGN] = {"sign", 0, 0, 0, 0},
    [PG_FLOOR] = {"floor", 0, 0, 0, 0},
    [PG_CEIL] = {"ceil", 0, 0, 0, 0},
    [PG_ROUND] = {"round", 0, 0, 0, 0},
    [PG_SQRT] = {"sqrt", 0, 0, 0.5, TINY},
    [PG_RECIPROCAL] = {"reciprocal", 0, 0, 0.5, TINY},
    [PG_EXP] = {"exp", 0, 0, 2, TINY},
    [PG_LOG] = {"log", 0, 0, 2, TINY},
    [PG_SIN] = {"sin", 0, 0, 2, 1e-7},
    [PG_COS] = {"cos", 0, 0, 2, 1e-7},
    [PG_TAN] = {"tan", 0, 0, 2, TINY},
    [PG_ASIN] = {"asin", 0, 0, 2, TINY},
    [PG_ACOS] = {"acos", 0, 0, 2, TINY},
    [PG_ATAN] = {"atan", 0, 0, 2, TINY},
    [PG_SINH] = {"sinh", 0, 0, 2, TINY},
    [PG_COSH] = {"cosh", 0, 0, 2, TINY},
    [PG_TANH] = {"tanh", 0, 0, 4, TINY},
    [PG_ASINH] = {"asinh", 0, 0, 2, TINY},
    [PG_ACOSH] = {"acosh", 0, 0, 2, TINY},
    [PG_ATANH] = {"atanh", 0, 0, 2, TINY},
    [PG_ERF] = {"erf", 0, 0, 4, TINY},
    [PG_SIGMOID] = {"sigmoid", 0, 0, 4, TINY},
    [PG_RELU] = {"relu", 0, 0, 0, 0},
    [PG_LEAKY_RELU] = {"leaky_relu", 0.1f, 0, 0.5, TINY},
    [PG_ELU] = {"elu", 1.3f, 0, 4, TINY},
    [PG_SELU] = {"selu", 1.67326319f, 1.05070102f, 4, TINY},
    [PG_CELU] = {"celu", 1.3f, 0, 4, TINY},
    [PG_THRESHOLDED_RELU] = {"thresholded_relu", 0.7f, 0, 0, 0},
    [PG_HARD_SIGMOID] = {"hard_sigmoid", 0.2f, 0.5f, 1, 0.5},
    [PG_HARD_SWISH] = {"hard_swish", 0, 0, 4, 1e-6},
    [PG_SOFTPLUS] = {"softplus", 0, 0, 4, TINY},
    [PG_SOFTSIGN] = {"softsign", 0, 0, 2, TINY},
    [PG_MISH] = {"mish", 0, 0, 6, 128 * TINY},
    [PG_GELU] = {"gelu", 0, 0, 4, 0.25},
    [PG_GELU_TANH] = {"gelu_tanh", 0, 0, 8, 1e-2},
    [PG_SWISH] = {"swish", 1.2f, 0, 8, 1e-2},
    [PG_SHRINK] = {"shrink", 0.5f, 0.25f, 0.5, TINY},
    [PG_CLIP] = {"clip", -1.5f, 2.5f, 0, 0},
    [PG_AFFINE] = {"affine", 1.25f, -0.75f, 1, 1},
};

static double ulp(double x, double least) {
  double magnitude = fmax(fabs(x), least);
  int exponent;
  frexp(magnitude, &exponent);
  return ldexp(1, exponent - 24);
}

static void check_unary(pgi_check *c, pgi_unary_f32_fn *fn, pgi_unary f, const float *x,
                        int64_t n) {
  const limit *l = &limits[f];
  size_t bytes = (size_t)n * sizeof(float);
  float *in = pgi_check_buffer(c, bytes), *y = pgi_check_buffer(c, bytes);
  memcpy(in, x, bytes);
  fn(in, y, n, l->a, l->b);
  for (int64_t i = 0; i < n; i++) {
    double want = pgi_unary_f64(f, (double)in[i], (double)l->a, (double)l->b);
    if (fabs(want) > (double)FLT_MAX) want = (double)(float)want; /* overflow */
    /* A result of half a unit may round either way. */
    double bound = (l->ulps + 0.5) * ulp(want, fmax(l->floor, TINY)) * (l->ulps > 0);
    double got = (double)y[i];
    if (isinf(got) && fabs(want) > 0.99999 * (double)FLT_MAX) got = want;
    pgi_check_near(c, got, want, bound, l->name, (int64_t)i);
    if (pgi_check_failed(c)) break;
  }
  fn(in, in, n, l->a, l->b); /* in place: the same bits */
  pgi_check_equal(c, in, y, bytes, l->name);
  pgi_check_clear(c, l->name);
}

/* Numbers of all sizes, and many where functions bend. */
static void fill_inputs(pgi_check *c, float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t r = pgi_check_random(c);
    if (i < PG_COUNT(specials)) {
      x[i] = specials[i];
    } else if (i % 3 == 0) {
      memcpy(&x[i], &r, sizeof r); /* any bits */
    } else {
      x[i] = ((float)(r >> 8) / 8388608.0f - 1.0f) * (i % 3 == 1 ? 1.2f : 12.0f);
    }
  }
}

void pgi_check_unary_f32(pgi_check *c, const void *table, const void *scalar) {
  (void)scalar;
  enum { N = 6000 };
  static const int64_t large = N;
  const pgi_unary_f32 *t = table;
  float x[N];
  fill_inputs(c, x, N);
  for (int f = 0; f < PG_N_UNARY; f++) {
    if (!limits[f].name || !t->fn[f]) {
      pgi_check_near(c, 0, 1, 0, "a function without limits or without code", f);
      return;
    }
    check_unary(c, t->fn[f], (pgi_unary)f, x, large);
    for (int i = 0; i < pgi_check_n_sizes; i++)
      check_unary(c, t->fn[f], (pgi_unary)f, x + 50 + i * 200, pgi_check_sizes[i]);
  }
}

/* ---- binary ---------------------------------------------------------------------------------------- */

static float binary(pgi_binary f, float a, float b) {
  switch (f) {
    case PG_ADD:
      return a + b;
    case PG_SUB:
      return a - b;
    case PG_MUL:
      return a * b;
    case PG_DIV:
      return a / b;
    case PG_MAX_OF:
      return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    case PG_MIN_OF:
      return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
    case PG_PRELU:
      return a < 0 ? a * b : a;
    case PG_N_BINARY:
      break;
  }
  return 0;
}

/* y: 0 apart, 1 over a, 2 over b. */
static void check_binary(pgi_check *c, const pgi_binary_f32 *t, pgi_binary f, int mode, int64_t n,
                         int over) {
  int64_t n_a = mode == 2 ? 1 : n, n_b = mode == 1 ? 1 : n;
  size_t bytes = (size_t)n * sizeof(float);
  float *a = pgi_check_floats(c, n_a, 3), *b = pgi_check_floats(c, n_b, 3),
        *want = pgi_check_buffer(c, bytes);
  for (int64_t i = 0; i < n; i += 5) {
    if (mode != 2) a[i] = specials[(i + n) % PG_COUNT(specials)];
    if (mode != 1) b[i] = specials[(i / 5) % PG_COUNT(specials)];
  }
  for (int64_t i = 0; i < n; i++) want[i] = binary(f, a[mode == 2 ? 0 : i], b[mode == 1 ? 0 : i]);
  float *y = over == 1 && mode != 2 ? a : over == 2 && mode != 1 ? b : pgi_check_buffer(c, bytes);
  pgi_binary_f32_fn *fn = mode == 0   ? t->fn[f].both
                          : mode == 1 ? t->fn[f].a_alone
                                      : t->fn[f].b_alone;
  fn(a, b, y, n);
  for (int64_t i = 0; i < n; i++)
    pgi_check_near(c, (double)y[i], (double)want[i], 0, "binary", f * 1000 + i);
  pgi_check_clear(c, "binary");
}

void pgi_check_binary_f32(pgi_check *c, const void *table, const void *scalar) {
  (void)scalar;
  for (int f = 0; f < PG_N_BINARY; f++)
    for (int mode = 0; mode < 3; mode++)
      for (int i = 0; i < pgi_check_n_sizes; i++)
        for (int over = 0; over < 3; over++)
          check_binary(c, table, (pgi_binary)f, mode, pgi_check_sizes[i], over);
}

/* ---- expr ------------------------------------------------------------------------------------------ */

static double floor_mod(double a, double b) {
  double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static double expression(pgi_expr_op op, double a, double b, double c) {
  switch (op) {
    case PG_X_ADD:
      return a + b;
    case PG_X_SUB:
      return a - b;
    case PG_X_MUL:
      return a * b;
    case PG_X_DIV:
      return a / b;
    case PG_X_FLOOR_DIV:
      return floor(a / b);
    case PG_X_MOD:
      return floor_mod(a, b);
    case PG_X_POW:
      return pow(a, b);
    case PG_X_MIN:
      return a < b ? a : b;
    case PG_X_MAX:
      return a > b ? a : b;
    case PG_X_LESS:
      return a < b;
    case PG_X_LESS_EQUAL:
      return a <= b;
    case PG_X_EQUAL:
      return a == b;
    case PG_X_NOT_EQUAL:
      return a != b;
    case PG_X_AND:
      return a != 0 && b != 0;
    case PG_X_OR:
      return a != 0 || b != 0;
    case PG_X_NOT:
      return a == 0;
    case PG_X_WHERE:
      return a != 0 ? b : c;
    case PG_X_COPY:
      return a;
    case PG_X_UNARY:
      break;
  }
  return 0;
}

/* Whole numbers and halves, whose sums, products and remainders are exact in f32; zeros among them. */
static float plain(pgi_check *c) {
  return (float)((int)(pgi_check_random(c) % 33) - 16) / 2;
}

static void check_op(pgi_check *k, const pgi_expr_kernel *t, pgi_expr_op op, int64_t n) {
  float *x[4];
  double *d[4];
  for (int i = 0; i < 4; i++) {
    x[i] = pgi_check_buffer(k, (size_t)n * sizeof(float));
    d[i] = pgi_check_buffer(k, (size_t)n * sizeof(double));
    for (int64_t j = 0; j < n; j++) d[i][j] = (double)(x[i][j] = plain(k));
  }
  t->f32(op, x[0], x[1], x[2], x[3], n);
  t->f64(op, d[0], d[1], d[2], d[3], n);
  for (int64_t j = 0; j < n; j++) {
    double want = expression(op, d[0][j], d[1][j], d[2][j]);
    pgi_check_near(k, (double)x[3][j], want, 2 * PG_EPS * fabs(want), "expr f32", op * 1000 + j);
    pgi_check_near(k, d[3][j], want, 4e-16 * fabs(want), "expr f64", op * 1000 + j);
  }
  pgi_check_clear(k, "expr");
}

void pgi_check_expr(pgi_check *c, const void *table, const void *scalar) {
  (void)scalar;
  for (int op = 0; op < PG_X_UNARY; op++)
    for (int i = 0; i < pgi_check_n_sizes; i++)
      check_op(c, table, (pgi_expr_op)op, pgi_check_sizes[i]);
}
