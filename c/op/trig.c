/* Trigonometric and hyperbolic functions and their inverses (Tanh: sigmoid.c). */
#include "op/elementwise.h"

static pg_status sin_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SIN, 0, 0);
}
static pg_status cos_run(pgi_call *c) {
  return pgi_unary_op(c, PG_COS, 0, 0);
}
static pg_status tan_run(pgi_call *c) {
  return pgi_unary_op(c, PG_TAN, 0, 0);
}
static pg_status asin_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ASIN, 0, 0);
}
static pg_status acos_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ACOS, 0, 0);
}
static pg_status atan_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ATAN, 0, 0);
}
static pg_status sinh_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SINH, 0, 0);
}
static pg_status cosh_run(pgi_call *c) {
  return pgi_unary_op(c, PG_COSH, 0, 0);
}
static pg_status asinh_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ASINH, 0, 0);
}
static pg_status acosh_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ACOSH, 0, 0);
}
static pg_status atanh_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ATANH, 0, 0);
}

PG_OP(sin) = {
    .name = "Sin",
    .since = {7, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = sin_run,
};

PG_OP(cos) = {
    .name = "Cos",
    .since = {7, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = cos_run,
};

PG_OP(tan) = {
    .name = "Tan",
    .since = {7, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = tan_run,
};

PG_OP(asin) = {
    .name = "Asin",
    .since = {7, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = asin_run,
};

PG_OP(acos) = {
    .name = "Acos",
    .since = {7, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = acos_run,
};

PG_OP(atan) = {
    .name = "Atan",
    .since = {7, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = atan_run,
};

PG_OP(sinh) = {
    .name = "Sinh",
    .since = {9, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = sinh_run,
};

PG_OP(cosh) = {
    .name = "Cosh",
    .since = {9, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = cosh_run,
};

PG_OP(asinh) = {
    .name = "Asinh",
    .since = {9, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = asinh_run,
};

PG_OP(acosh) = {
    .name = "Acosh",
    .since = {9, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = acosh_run,
};

PG_OP(atanh) = {
    .name = "Atanh",
    .since = {9, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = atanh_run,
};
