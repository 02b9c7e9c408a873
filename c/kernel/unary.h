/* unary: functions of one number over contiguous f32, and the same in f64 for everything else.
**
** The scalar f32 variant is the f64 function, rounded.  The vector variants use the polynomials of
** unary_math.h and differ from it by a few units in the last place. */
#ifndef PG_KERNEL_UNARY_H
#define PG_KERNEL_UNARY_H

#include "kernel/kernel.h"

/* a and b: the two parameters. */
typedef enum pgi_unary {
  PG_ABS,
  PG_NEG,
  PG_SIGN,
  PG_FLOOR,
  PG_CEIL,
  PG_ROUND, /* half to even */
  PG_SQRT,
  PG_RECIPROCAL,
  PG_EXP,
  PG_LOG,
  PG_SIN,
  PG_COS,
  PG_TAN,
  PG_ASIN,
  PG_ACOS,
  PG_ATAN,
  PG_SINH,
  PG_COSH,
  PG_TANH,
  PG_ASINH,
  PG_ACOSH,
  PG_ATANH,
  PG_ERF,
  PG_SIGMOID,
  PG_RELU,
  PG_LEAKY_RELU,       /* x < 0 ? a x : x */
  PG_ELU,              /* x < 0 ? a (exp(x) - 1) : x */
  PG_SELU,             /* b (x < 0 ? a (exp(x) - 1) : x) */
  PG_CELU,             /* x < 0 ? a (exp(x / a) - 1) : x */
  PG_THRESHOLDED_RELU, /* x > a ? x : 0 */
  PG_HARD_SIGMOID,     /* max(0, min(1, a x + b)) */
  PG_HARD_SWISH,       /* x max(0, min(1, x / 6 + 1/2)) */
  PG_SOFTPLUS,
  PG_SOFTSIGN,
  PG_MISH,
  PG_GELU,      /* x (1 + erf(x / sqrt(2))) / 2 */
  PG_GELU_TANH, /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
  PG_SWISH,     /* x sigmoid(a x) */
  PG_SHRINK,    /* x < -a ? x + b : x > a ? x - b : 0 */
  PG_CLIP,      /* min(max(x, a), b) */
  PG_AFFINE,    /* a x + b */
  PG_N_UNARY
} pgi_unary;

/* y[i] = f(x[i]); y may be x. */
typedef void pgi_unary_f32_fn(const float *x, float *y, int64_t n, float a, float b);
typedef struct pgi_unary_f32 {
  pgi_unary_f32_fn *fn[PG_N_UNARY];
} pgi_unary_f32;

static inline void pgi_unary_f32_run(const pg_context *ctx, pgi_unary f, const float *x, float *y,
                                     int64_t n, float a, float b) {
  const pgi_unary_f32 *table = ctx->kernels[PG_K_UNARY_F32];
  table->fn[f](x, y, n, a, b);
}

double pgi_unary_f64(pgi_unary f, double x, double a, double b);
void pgi_unary_f64_run(pgi_unary f, const double *x, double *y, int64_t n, double a, double b);

#endif
