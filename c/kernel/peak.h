/* peak: what this CPU can do at most, to hold measured times against. */
#ifndef PG_KERNEL_PEAK_H
#define PG_KERNEL_PEAK_H

#include "kernel/kernel.h"

/* The table of family PG_K_PEAK_F32. */
typedef struct pgi_peak_f32 {
  int64_t flops; /* operations of one round */
  /* Rounds of independent fused multiply-adds x = x / 2 + 1 on registers alone, beginning at `x`;
  ** returns their mean, which tends to 2. */
  float (*fma)(int64_t rounds, float x);
  /* The sum of x[n], as fast as memory gives it; n is a multiple of 256.  The order of the
  ** additions is the variant's own. */
  float (*read)(const float *x, int64_t n);
} pgi_peak_f32;

#endif
