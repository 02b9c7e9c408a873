/* Add, Sub, Mul, Div.  Integers wrap; division truncates, and by zero gives zero. */
#include "op/elementwise.h"

PG_BINARY_LOOP(add_f64, double, double, u + v)
PG_BINARY_LOOP(add_i32, uint32_t, uint32_t, u + v)
PG_BINARY_LOOP(add_i64, uint64_t, uint64_t, u + v)
PG_BINARY_LOOP(sub_f64, double, double, u - v)
PG_BINARY_LOOP(sub_i32, uint32_t, uint32_t, u - v)
PG_BINARY_LOOP(sub_i64, uint64_t, uint64_t, u - v)
PG_BINARY_LOOP(mul_f64, double, double, u *v)
PG_BINARY_LOOP(mul_i32, uint32_t, uint32_t, u *v)
PG_BINARY_LOOP(mul_i64, uint64_t, uint64_t, u *v)
PG_BINARY_LOOP(div_f64, double, double, u / v)
/* The least number over -1 wraps to itself. */
PG_BINARY_LOOP(div_i64, int64_t, int64_t, v == 0 ? 0 : v == -1 ? (int64_t)(0 - (uint64_t)u) : u / v)
PG_BINARY_LOOP(div_u64, uint64_t, uint64_t, v == 0 ? 0 : u / v)

const pgi_binary_def pgi_def_add = {
    .has_kernel = true, .kernel = PG_ADD, .f64 = add_f64, .i32 = add_i32, .i64 = add_i64};
static const pgi_binary_def def_sub = {
    .has_kernel = true, .kernel = PG_SUB, .f64 = sub_f64, .i32 = sub_i32, .i64 = sub_i64};
static const pgi_binary_def def_mul = {
    .has_kernel = true, .kernel = PG_MUL, .f64 = mul_f64, .i32 = mul_i32, .i64 = mul_i64};
static const pgi_binary_def def_div = {
    .has_kernel = true, .kernel = PG_DIV, .f64 = div_f64, .i64 = div_i64, .u64 = div_u64};

static pg_status add_run(pgi_call *c) {
  return pgi_binary_op(c, &pgi_def_add);
}
static pg_status sub_run(pgi_call *c) {
  return pgi_binary_op(c, &def_sub);
}
static pg_status mul_run(pgi_call *c) {
  return pgi_binary_op(c, &def_mul);
}
static pg_status div_run(pgi_call *c) {
  return pgi_binary_op(c, &def_div);
}

PG_OP(add) = {
    .name = "Add",
    .since = {1, 6, 7, 13, 14},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast,
    .run = add_run,
};

PG_OP(sub) = {
    .name = "Sub",
    .since = {1, 6, 7, 13, 14},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast,
    .run = sub_run,
};

PG_OP(mul) = {
    .name = "Mul",
    .since = {1, 6, 7, 13, 14},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast,
    .run = mul_run,
};

PG_OP(div) = {
    .name = "Div",
    .since = {1, 6, 7, 13, 14},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast,
    .run = div_run,
};
