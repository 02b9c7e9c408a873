/* ThresholdedRelu: x > alpha ? x : 0. */
#include "op/elementwise.h"

static pg_status run(pgi_call *c) {
  return pgi_unary_op(c, PG_THRESHOLDED_RELU, (double)pgi_attr_float(c->node, "alpha"), 0);
}

static const pgi_attr_def attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1.0f}, {0}};

PG_OP(thresholded_relu) = {
    .name = "ThresholdedRelu",
    .since = {1, 10, 22}, /* experimental in 1 */
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = run,
};
