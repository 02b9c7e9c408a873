/* Relu: of floats and signed integers. */
#include "op/elementwise.h"

static void relu_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

static pg_status run(pgi_call *c) {
  if (pgi_dtype_kind(c->in[0]->dtype) == PG_KIND_INT) return pgi_unary_i64_op(c, relu_i64, NULL);
  return pgi_unary_op(c, PG_RELU, 0, 0);
}

PG_OP(relu) = {
    .name = "Relu",
    .since = {1, 6, 13, 14},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT | PG_T_INT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = run,
};
