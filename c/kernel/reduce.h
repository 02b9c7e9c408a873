/* reduce: many f32 become one.
**
** The order of operations is the same in every variant and depends on the length alone: so are the
** bits.  Sums keep 64 running totals, which at 8192 elements are added to a double. */
#ifndef PG_KERNEL_REDUCE_H
#define PG_KERNEL_REDUCE_H

#include "kernel/kernel.h"

typedef enum pgi_reduce {
  PG_R_SUM,
  PG_R_SUM_ABS,
  PG_R_SUM_SQUARE,
  PG_R_PROD,
  PG_R_MAX, /* NaN when any is */
  PG_R_MIN,
  PG_N_REDUCE
} pgi_reduce;

typedef struct pgi_reduce_f32 {
  /* Of n contiguous elements; of none: 0, 0, 0, 1, -infinity, infinity. */
  double (*run[PG_N_REDUCE])(const float *x, int64_t n);
  /* y[j] = f(y[j], x[j]): rows of columns. */
  void (*row[PG_N_REDUCE])(const float *x, float *y, int64_t n);
} pgi_reduce_f32;

#endif
