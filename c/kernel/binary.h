/* binary: functions of two numbers over contiguous f32, either of which may be one number repeated.
** Every variant gives the same bits. */
#ifndef PG_KERNEL_BINARY_H
#define PG_KERNEL_BINARY_H

#include "kernel/kernel.h"

typedef enum pgi_binary {
  PG_ADD,
  PG_SUB,
  PG_MUL,
  PG_DIV,
  PG_MAX_OF, /* NaN when either is, as numpy's maximum */
  PG_MIN_OF,
  PG_PRELU, /* a < 0 ? a b : a */
  PG_N_BINARY
} pgi_binary;

/* y[i] = f(a[i], b[i]), where an operand that repeats is read at [0] only; y may be a or b. */
typedef void pgi_binary_f32_fn(const float *a, const float *b, float *y, int64_t n);
typedef struct pgi_binary_f32 {
  struct {
    pgi_binary_f32_fn *both;    /* a[i], b[i] */
    pgi_binary_f32_fn *a_alone; /* a[i], b[0] */
    pgi_binary_f32_fn *b_alone; /* a[0], b[i] */
  } fn[PG_N_BINARY];
} pgi_binary_f32;

/* Strides are 0 or 1. */
static inline void pgi_binary_f32_run(const pg_context *ctx, pgi_binary f, const float *a,
                                      int64_t a_stride, const float *b, int64_t b_stride, float *y,
                                      int64_t n) {
  const pgi_binary_f32 *table = ctx->kernels[PG_K_BINARY_F32];
  if (a_stride && b_stride) {
    table->fn[f].both(a, b, y, n);
  } else if (a_stride) {
    table->fn[f].a_alone(a, b, y, n);
  } else if (b_stride) {
    table->fn[f].b_alone(a, b, y, n);
  } else if (n > 0) {
    table->fn[f].both(a, b, y, 1);
    for (int64_t i = 1; i < n; i++) y[i] = y[0];
  }
}

#endif
