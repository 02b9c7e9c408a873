/* norm_rows: rows normalised to mean 0 (or not) and variance 1, then scaled and shifted. */
#ifndef PG_OP_NORM_ROWS_H
#define PG_OP_NORM_ROWS_H

#include "kernel/norm.h"
#include "op/op.h"

/* y = (v - mean(v)) / sqrt(variance(v) + epsilon) * gain + bias, v = x + skip + addend, for each
** row of n elements.  NULL: not there. */
typedef struct pgi_norm_rows {
  int64_t rows, n;
  double epsilon;
  bool is_rms; /* the mean counts as 0 */
  const pg_tensor *x, *skip, *addend;
  const pg_tensor *gain,
      *bias;                /* rows that repeat, as do skip and addend: [k, n], k divides rows */
  const pg_tensor *y, *sum; /* sum: takes v */
  const pg_tensor *mean, *inverse; /* [rows] */
} pgi_norm_rows;

/* Every tensor is contiguous and of a float type. */
pg_status pgi_norm_rows_run(pgi_call *c, const pgi_norm_rows *norm);

/* Mean and 1 / sqrt(variance + epsilon) of n elements. */
void pgi_moments_f32(const pg_context *ctx, const float *x, int64_t n, double epsilon, bool is_rms,
                     float *mean, float *inverse);
void pgi_moments_f64(const double *x, int64_t n, double epsilon, bool is_rms, double *mean,
                     double *inverse);

/* norm_absorb.c: pgi_op.absorb of Sqrt. */
pg_status pgi_sqrt_absorb(pgi_node *node, bool *changed, pg_error *err);

#endif
