/* softmax: exponentials and their sums. */
#ifndef PG_KERNEL_SOFTMAX_H
#define PG_KERNEL_SOFTMAX_H

#include "kernel/kernel.h"

typedef struct pgi_softmax_f32 {
  /* y[i] = exp(x[i] - shift); returns their sum.  y may be x. */
  double (*run)(const float *x, float *y, int64_t n, float shift);
  /* The same for a row of columns: y[j] = exp(x[j] - shift[j]), sum[j] += y[j]. */
  void (*row)(const float *x, float *y, int64_t n, const float *shift, float *sum);
} pgi_softmax_f32;

#endif
