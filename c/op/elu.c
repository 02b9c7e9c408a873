/* Elu, Selu, Celu: exponential on the negative side. */
#include "op/elementwise.h"

static double alpha(const pgi_call *c) {
  return (double)pgi_attr_float(c->node, "alpha");
}

static pg_status elu_run(pgi_call *c) {
  return pgi_unary_op(c, PG_ELU, alpha(c), 0);
}
static pg_status celu_run(pgi_call *c) {
  return pgi_unary_op(c, PG_CELU, alpha(c), 0);
}
static pg_status selu_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SELU, alpha(c), (double)pgi_attr_float(c->node, "gamma"));
}

/* Selu-1 had the constants of the paper to five digits. */
static pg_status selu_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version < 6) {
    if (!pgi_attr_find(node, "alpha")) PG_TRY(pgi_attr_set_float(node, "alpha", 1.6732f, err));
    if (!pgi_attr_find(node, "gamma")) PG_TRY(pgi_attr_set_float(node, "gamma", 1.0507f, err));
  }
  return pgi_upgrade_consumed(node, version, err);
}

static const pgi_attr_def alpha_attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1.0f},
                                           {0}};
static const pgi_attr_def selu_attrs[] = {
    {.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1.67326319217681884765625f},
    {.name = "gamma", .kind = PG_ATTR_FLOAT, .f = 1.05070102214813232421875f},
    {0}};

PG_OP(elu) = {
    .name = "Elu",
    .since = {1, 6, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = alpha_attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = elu_run,
};

PG_OP(selu) = {
    .name = "Selu",
    .since = {1, 6, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = selu_attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = selu_upgrade,
    .infer = pgi_infer_same,
    .run = selu_run,
};

PG_OP(celu) = {
    .name = "Celu",
    .since = {12, 28},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = alpha_attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = celu_run,
};
