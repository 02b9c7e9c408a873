/* Gelu, exact and by tanh; and com.microsoft's Gelu, FastGelu, BiasGelu, QuickGelu. */
#include "op/elementwise.h"

static pg_status gelu_run(pgi_call *c) {
  if (pgi_attr_is(c->node, "approximate", "tanh")) return pgi_unary_op(c, PG_GELU_TANH, 0, 0);
  if (pgi_attr_is(c->node, "approximate", "none")) return pgi_unary_op(c, PG_GELU, 0, 0);
  pg_string s = pgi_attr_string(c->node, "approximate");
  return pgi_fail(c->err, PG_INVALID, "approximate: expected 'none' or 'tanh', got '%.*s'",
                  (int)PG_MIN(s.size, (size_t)40), s.data);
}

static const pgi_attr_def gelu_attrs[] = {
    {.name = "approximate", .kind = PG_ATTR_STRING, .s = "none"}, {0}};

PG_OP(gelu) = {
    .name = "Gelu",
    .since = {20},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = gelu_attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = gelu_run,
};

/* ---- com.microsoft -------------------------------------------------------------------------------- */

static pg_status ms_gelu_run(pgi_call *c) {
  return pgi_unary_op(c, PG_GELU, 0, 0);
}

static pg_status quick_gelu_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SWISH, (double)pgi_attr_float(c->node, "alpha"), 0);
}

/* f(in 0 + in 1), the bias along the last axis. */
static pg_status biased(pgi_call *c, pgi_unary f) {
  if (c->n_in < 2 || !c->in[1]) return pgi_unary_op(c, f, 0, 0);
  PG_TRY(pgi_binary_op(c, &pgi_def_add));
  return pgi_unary_tensor(c, f, 0, 0, c->out[0], c->out[0]);
}

static pg_status bias_gelu_run(pgi_call *c) {
  return biased(c, PG_GELU);
}
static pg_status fast_gelu_run(pgi_call *c) {
  return biased(c, PG_GELU_TANH);
}

static const pgi_attr_def quick_gelu_attrs[] = {
    {.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1.702f}, {0}};

PG_OP(ms_gelu) = {
    .name = "Gelu",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = ms_gelu_run,
};

PG_OP(ms_quick_gelu) = {
    .name = "QuickGelu",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = quick_gelu_attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = quick_gelu_run,
};

PG_OP(ms_bias_gelu) = {
    .name = "BiasGelu",
    .domain = "com.microsoft",
    .since = {1},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_broadcast,
    .run = bias_gelu_run,
};

PG_OP(ms_fast_gelu) = {
    .name = "FastGelu",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 2},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_broadcast,
    .run = fast_gelu_run,
};
