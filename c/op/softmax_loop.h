/* softmax_loop: softmax of f32 rows, for everything that needs it. */
#ifndef PG_OP_SOFTMAX_LOOP_H
#define PG_OP_SOFTMAX_LOOP_H

#include "kernel/reduce.h"
#include "kernel/softmax.h"
#include "kernel/unary.h"
#include "op/op.h"

/* y = softmax(x) over n contiguous elements; y may be x.  NaN everywhere when nothing is finite. */
void pgi_softmax_row(const pg_context *ctx, const float *x, float *y, int64_t n);

/* softmax_bf16.c: to the nearest bf16. */
float pgi_round_bf16(float v);
/* The same with every step rounded to bf16; x holds bf16s. */
void pgi_softmax_row_bf16(const float *x, float *y, int64_t n);

#endif
