/* Sigmoid, Tanh, Softplus, Softsign, HardSwish, Mish: activations without attributes. */
#include "op/elementwise.h"

static pg_status sigmoid_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SIGMOID, 0, 0);
}
static pg_status tanh_run(pgi_call *c) {
  return pgi_unary_op(c, PG_TANH, 0, 0);
}
static pg_status softplus_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SOFTPLUS, 0, 0);
}
static pg_status softsign_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SOFTSIGN, 0, 0);
}
static pg_status hard_swish_run(pgi_call *c) {
  return pgi_unary_op(c, PG_HARD_SWISH, 0, 0);
}
static pg_status mish_run(pgi_call *c) {
  return pgi_unary_op(c, PG_MISH, 0, 0);
}

PG_OP(sigmoid) = {
    .name = "Sigmoid",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = sigmoid_run,
    .absorb = pgi_sigmoid_absorb,
};

PG_OP(tanh) = {
    .name = "Tanh",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = tanh_run,
    .absorb = pgi_tanh_absorb,
};

PG_OP(softplus) = {
    .name = "Softplus",
    .since = {1, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = softplus_run,
};

PG_OP(softsign) = {
    .name = "Softsign",
    .since = {1, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = softsign_run,
};

PG_OP(hard_swish) = {
    .name = "HardSwish",
    .since = {14, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = hard_swish_run,
};

PG_OP(mish) = {
    .name = "Mish",
    .since = {18, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = mish_run,
};
