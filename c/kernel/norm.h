/* norm: mean and variance of a run, and the run moved and scaled by them.  Every variant gives
** the same bits. */
#ifndef PG_KERNEL_NORM_H
#define PG_KERNEL_NORM_H

#include "kernel/kernel.h"

typedef struct pgi_norm_f32 {
  /* Sum over i of (x[i] - mean)^2. */
  double (*spread)(const float *x, int64_t n, float mean);
  /* y[i] = (x[i] - mean) * scale * gain[i] + bias[i], where NULL is 1 and 0.  y may be x. */
  void (*apply)(const float *x, float *y, int64_t n, float mean, float scale, const float *gain,
                const float *bias);
} pgi_norm_f32;

#endif
