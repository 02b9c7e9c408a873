/* LeakyRelu: x < 0 ? alpha x : x. */
#include "op/elementwise.h"

static pg_status run(pgi_call *c) {
  return pgi_unary_op(c, PG_LEAKY_RELU, (double)pgi_attr_float(c->node, "alpha"), 0);
}

static const pgi_attr_def attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 0.01f}, {0}};

PG_OP(leaky_relu) = {
    .name = "LeakyRelu",
    .since = {1, 6, 16},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = run,
};
