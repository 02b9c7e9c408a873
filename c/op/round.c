/* Floor, Ceil, Round (half to even). */
#include "op/elementwise.h"

static pg_status floor_run(pgi_call *c) {
  return pgi_unary_op(c, PG_FLOOR, 0, 0);
}
static pg_status ceil_run(pgi_call *c) {
  return pgi_unary_op(c, PG_CEIL, 0, 0);
}
static pg_status round_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ROUND, 0, 0);
}

PG_OP(floor) = {
    .name = "Floor",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = floor_run,
};

PG_OP(ceil) = {
    .name = "Ceil",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = ceil_run,
};

PG_OP(round) = {
    .name = "Round",
    .since = {11, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = round_run,
};
