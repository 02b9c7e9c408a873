/* Not, of bools; BitwiseNot, of integers. */
#include "op/elementwise.h"

static void not_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] == 0;
}

static void bitwise_not_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = ~x[i];
}

static pg_status not_run(pgi_call *c) {
  return pgi_unary_i64_op(c, not_i64, NULL);
}
static pg_status bitwise_not_run(pgi_call *c) {
  return pgi_unary_i64_op(c, bitwise_not_i64, NULL);
}

PG_OP(logical_not) = {
    .name = "Not",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_BOOL),
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = not_run,
};

PG_OP(bitwise_not) = {
    .name = "BitwiseNot",
    .since = {18},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_INT | PG_T_UINT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = bitwise_not_run,
};
