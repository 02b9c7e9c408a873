/* resize: weighted sums of rows, the one loop of separable filters.  A vertical pass sums rows of the
** picture; a horizontal pass sums columns of a block of rows that lies transposed.  Every variant
** gives the same bits. */
#ifndef PG_KERNEL_RESIZE_H
#define PG_KERNEL_RESIZE_H

#include "kernel/kernel.h"

enum { PG_RESIZE_BITS = 22 }; /* after the point, in integer weights */

typedef struct pgi_resize {
  /* out[i] = sum over t of weights[t] * in[t * step + i], for i in [0, n); integer sums are rounded
  ** and limited to 0..255.  The sum of |weights| is below 2 (integer: 2 << PG_RESIZE_BITS). */
  void (*sum_u8)(const uint8_t *in, int64_t step, const int32_t *weights, int64_t taps, int64_t n,
                 uint8_t *out);
  void (*sum_f32)(const float *in, int64_t step, const float *weights, int64_t taps, int64_t n,
                  float *out);
} pgi_resize;

#endif
