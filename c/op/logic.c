/* And, Or, Xor, of bools; BitwiseAnd, BitwiseOr, BitwiseXor, of integers. */
#include "op/elementwise.h"

/* Any byte but 0 is true; the results are 0 and 1. */
PG_BINARY_LOOP(and_u8, uint8_t, uint8_t, (u != 0) & (v != 0))
PG_BINARY_LOOP(or_u8, uint8_t, uint8_t, (u != 0) | (v != 0))
PG_BINARY_LOOP(xor_u8, uint8_t, uint8_t, (u != 0) ^ (v != 0))
PG_BINARY_LOOP(bitwise_and_i64, uint64_t, uint64_t, u &v)
PG_BINARY_LOOP(bitwise_or_i64, uint64_t, uint64_t, u | v)
PG_BINARY_LOOP(bitwise_xor_i64, uint64_t, uint64_t, u ^ v)
PG_BINARY_LOOP(bitwise_and_u8, uint8_t, uint8_t, u &v)
PG_BINARY_LOOP(bitwise_or_u8, uint8_t, uint8_t, u | v)
PG_BINARY_LOOP(bitwise_xor_u8, uint8_t, uint8_t, u ^ v)

static const pgi_binary_def def_and = {.u8 = and_u8};
static const pgi_binary_def def_or = {.u8 = or_u8};
static const pgi_binary_def def_xor = {.u8 = xor_u8};
static const pgi_binary_def def_bitwise_and = {.i64 = bitwise_and_i64, .u8 = bitwise_and_u8};
static const pgi_binary_def def_bitwise_or = {.i64 = bitwise_or_i64, .u8 = bitwise_or_u8};
static const pgi_binary_def def_bitwise_xor = {.i64 = bitwise_xor_i64, .u8 = bitwise_xor_u8};

static pg_status and_run(pgi_call *c) {
  return pgi_binary_op(c, &def_and);
}
static pg_status or_run(pgi_call *c) {
  return pgi_binary_op(c, &def_or);
}
static pg_status xor_run(pgi_call *c) {
  return pgi_binary_op(c, &def_xor);
}
static pg_status bitwise_and_run(pgi_call *c) {
  return pgi_binary_op(c, &def_bitwise_and);
}
static pg_status bitwise_or_run(pgi_call *c) {
  return pgi_binary_op(c, &def_bitwise_or);
}
static pg_status bitwise_xor_run(pgi_call *c) {
  return pgi_binary_op(c, &def_bitwise_xor);
}

PG_OP(logical_and) = {
    .name = "And",
    .since = {1, 7},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T(PG_BOOL),
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast,
    .run = and_run,
};

PG_OP(logical_or) = {
    .name = "Or",
    .since = {1, 7},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T(PG_BOOL),
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast,
    .run = or_run,
};

PG_OP(logical_xor) = {
    .name = "Xor",
    .since = {1, 7},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T(PG_BOOL),
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast,
    .run = xor_run,
};

PG_OP(bitwise_and) = {
    .name = "BitwiseAnd",
    .since = {18},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_INT | PG_T_UINT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_broadcast,
    .run = bitwise_and_run,
};

PG_OP(bitwise_or) = {
    .name = "BitwiseOr",
    .since = {18},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_INT | PG_T_UINT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_broadcast,
    .run = bitwise_or_run,
};

PG_OP(bitwise_xor) = {
    .name = "BitwiseXor",
    .since = {18},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_INT | PG_T_UINT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_broadcast,
    .run = bitwise_xor_run,
};
