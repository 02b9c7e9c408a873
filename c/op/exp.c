/* Exp, Log, Sqrt, Reciprocal, Erf. */
#include "op/elementwise.h"
#include "op/norm_rows.h"

static pg_status exp_run(pgi_call *c) {
  return pgi_unary_op(c, PG_EXP, 0, 0);
}
static pg_status log_run(pgi_call *c) {
  return pgi_unary_op(c, PG_LOG, 0, 0);
}
static pg_status sqrt_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SQRT, 0, 0);
}
static pg_status reciprocal_run(pgi_call *c) {
  return pgi_unary_op(c, PG_RECIPROCAL, 0, 0);
}
static pg_status erf_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ERF, 0, 0);
}

PG_OP(exp) = {
    .name = "Exp",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = exp_run,
};

PG_OP(log) = {
    .name = "Log",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = log_run,
};

PG_OP(sqrt) = {
    .name = "Sqrt",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = sqrt_run,
    .absorb = pgi_sqrt_absorb,
};

PG_OP(reciprocal) = {
    .name = "Reciprocal",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = reciprocal_run,
};

PG_OP(erf) = {
    .name = "Erf",
    .since = {9, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = erf_run,
    .absorb = pgi_erf_absorb,
};
