/* gradient: derivatives of operators, for ai.onnx.preview.training's Gradient. */
#ifndef PG_OP_GRADIENT_H
#define PG_OP_GRADIENT_H

#include "op/build.h"

/* A node on the way from x to y, on the way back.  The formula of input i is built in `b`. */
typedef struct pgi_slope {
  pgi_build *b;
  pgi_node *node;      /* which is differentiated */
  pgi_value *const *x; /* [node->n_in]; NULL: omitted */
  pgi_value *const *y; /* [node->n_out] */
  pgi_value *const *g; /* [node->n_out]: slopes of the outputs; NULL: nothing depends on it */
} pgi_slope;

/* The slope of input i, or NULL where there is none (an index, a shape) or after a failure. */
typedef pgi_value *pgi_slope_fn(pgi_slope *s, int i);

/* gradient_rules.c: NULL when the operator can't be differentiated. */
pgi_slope_fn *pgi_slope_of(const pgi_node *node);
/* g summed over what x was broadcast by: of x's shape. */
pgi_value *pgi_slope_sum_to(pgi_build *b, pgi_value *g, pgi_value *x);
/* gradient_moves.c, gradient_layers.c: the rules of operators that move elements, and of layers. */
pgi_slope_fn pgi_slope_move, pgi_slope_concat, pgi_slope_reshape, pgi_slope_transpose;
pgi_slope_fn pgi_slope_conv, pgi_slope_max_pool, pgi_slope_average_pool, pgi_slope_global_pool,
    pgi_slope_batch_norm, pgi_slope_layer_norm, pgi_slope_nll;

#endif
