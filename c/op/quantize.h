/* quantize: how scales and zero points lie along a tensor. */
#ifndef PG_OP_QUANTIZE_H
#define PG_OP_QUANTIZE_H

#include "op/op.h"

/* One scale for all, one for each index of an axis, or one for each block along an axis.  A tensor
** seen as [outer, axis, inner] falls into runs along which the scale is either constant or goes on
** by one from element to element. */
typedef struct pgi_scales {
  int64_t axis, inner; /* sizes */
  int64_t block;       /* 0: per axis */
  int64_t per_axis;    /* blocks along the axis */
  bool is_scalar;
} pgi_scales;

/* From the shapes of the tensor and the scale, attributes axis and block_size of the node. */
pg_status pgi_scales_init(pgi_scales *s, const pgi_node *node, int rank, const int64_t *dims,
                          int scale_rank, const int64_t *scale_dims, pg_error *err);
/* The run that element i begins or is in: its remaining length, the scale's index and step. */
int64_t pgi_scales_run(const pgi_scales *s, int64_t i, int64_t *index, int64_t *step);

/* The range of an integer type; false for others. */
bool pgi_integer_range(pg_dtype dtype, double *low, double *high);
/* Half to even, then clamped; NaN becomes the number nearest to 0. */
double pgi_round_clamp(double v, double low, double high);

/* y[j] = clamp(round(x[j] / scale) + zero), 8 bits; the arithmetic is f32. */
void pgi_quantize_f32_u8(int64_t n, const float *x, float scale, float zero, float low, float high,
                         uint8_t *y);

/* The scale and zero point of DynamicQuantizeLinear for x. */
void pgi_dynamic_range_u8(int64_t n, const float *x, float *scale, uint8_t *zero);

#endif
