/* HardSigmoid: max(0, min(1, alpha x + beta)). */
#include "op/elementwise.h"

static pg_status run(pgi_call *c) {
  return pgi_unary_op(c, PG_HARD_SIGMOID, (double)pgi_attr_float(c->node, "alpha"),
                      (double)pgi_attr_float(c->node, "beta"));
}

static const pgi_attr_def attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 0.2f},
                                     {.name = "beta", .kind = PG_ATTR_FLOAT, .f = 0.5f},
                                     {0}};

PG_OP(hard_sigmoid) = {
    .name = "HardSigmoid",
    .since = {1, 6, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = run,
    .absorb = pgi_hard_sigmoid_absorb,
};
