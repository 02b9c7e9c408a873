/* requantize: from sums in 32 bits to 8-bit results. */
#ifndef PG_OP_REQUANTIZE_H
#define PG_OP_REQUANTIZE_H

#include "op/lanes.h"
#include "op/quantize.h"

/* A scale or zero point that is a scalar or has one element for each row or column. */
pg_status pgi_check_param(const pg_tensor *t, const char *what, int64_t n, pg_error *err);
/* A zero point as i32s in scratch, [1] or [n]; *step is 0 or 1.  t NULL: NULL. */
pg_status pgi_zero_points(pgi_call *call, const pg_tensor *t, const char *what, int64_t n,
                          const int32_t **out, int64_t *step);
/* a * b / y in the arithmetic of `dtype` (f32, f16 or bf16). */
double pgi_joint_scale(pg_dtype dtype, double a, double b, double y);
/* y[i] = saturate(round(sum[i] * scale) + zero); 8 bits. */
void pgi_requantize(int64_t n, const int32_t *sum, double scale, double zero, pg_dtype dtype,
                    void *y, int64_t first);

#endif
