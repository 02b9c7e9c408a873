/* What slopes of outputs make of slopes of inputs: arithmetic, activations, reductions, products. */
#include "op/gradient.h"

typedef pgi_value value;

#define B (s->b)
#define X(k) (s->x[k])
#define Y (s->y[0])
#define G (s->g[0])

static value *mul(pgi_slope *s, value *a, value *b) {
  return pgi_build_2(B, "Mul", a, b);
}
static value *divide(pgi_slope *s, value *a, value *b) {
  return pgi_build_2(B, "Div", a, b);
}
static value *with(pgi_slope *s, const char *type, value *x, double v) {
  return pgi_build_with(B, type, x, v);
}
static value *neg(pgi_slope *s, value *x) {
  return pgi_build_1(B, "Neg", x);
}
static value *one_minus(pgi_slope *s, value *x) {
  return with(s, "Add", neg(s, x), 1);
}
static value *to(pgi_slope *s, value *g, int i) {
  return pgi_slope_sum_to(B, g, X(i));
}
/* A condition as 0 and 1 in the type of x. */
static value *as_number(pgi_slope *s, value *condition, value *x) {
  return pgi_build_2(B, "CastLike", condition, x);
}

value *pgi_slope_sum_to(pgi_build *b, value *g, value *x) {
  return pgi_build_call_in(b, "perigee", "SumTo", 2, (value *[]){g, x});
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static value *same(pgi_slope *s, int i) {
  return to(s, G, i);
}
static value *minus(pgi_slope *s, int i) {
  (void)i;
  return neg(s, G);
}
static value *sub(pgi_slope *s, int i) {
  return to(s, i == 0 ? G : neg(s, G), i);
}
static value *expanded(pgi_slope *s, int i) {
  return i == 0 ? to(s, G, 0) : NULL;
}
static value *mean(pgi_slope *s, int i) {
  return to(s, with(s, "Div", G, s->node->n_in), i);
}
static value *product(pgi_slope *s, int i) {
  return to(s, mul(s, G, X(1 - i)), i);
}
static value *quotient(pgi_slope *s, int i) {
  value *g = divide(s, G, X(1));
  return to(s, i == 0 ? g : neg(s, mul(s, g, Y)), i);
}
/* p x^(p-1), and x^p log x, which is 0 where x is. */
static value *power(pgi_slope *s, int i) {
  if (i == 0) {
    value *p = pgi_build_2(B, "CastLike", X(1), X(0));
    return to(s, mul(s, G, mul(s, p, pgi_build_2(B, "Pow", X(0), with(s, "Sub", p, 1)))), i);
  }
  value *is_zero = with(s, "Equal", X(0), 0);
  value *base = pgi_build_3(B, "Where", is_zero, pgi_build_like(B, 1, X(0)), X(0));
  return pgi_build_2(B, "CastLike", to(s, mul(s, G, mul(s, Y, pgi_build_1(B, "Log", base))), i),
                     X(1));
}
/* Where an operand is the result: ties go to all of them, in equal parts. */
static value *extreme(pgi_slope *s, int i) {
  value *ties = NULL, *mine = NULL;
  for (int k = 0; k < s->node->n_in; k++) {
    value *is = as_number(s, pgi_build_2(B, "Equal", X(k), Y), Y);
    ties = ties ? pgi_build_2(B, "Add", ties, is) : is;
    if (k == i) mine = is;
  }
  return to(s, mul(s, G, divide(s, mine, ties)), i);
}
static value *where(pgi_slope *s, int i) {
  if (i == 0) return NULL;
  value *zero = pgi_build_like(B, 0, G);
  return to(
      s, i == 1 ? pgi_build_3(B, "Where", X(0), G, zero) : pgi_build_3(B, "Where", X(0), zero, G),
      i);
}
static value *cast(pgi_slope *s, int i) {
  return i == 0 ? pgi_build_2(B, "CastLike", G, X(0)) : NULL;
}
static value *first_only(pgi_slope *s, int i) {
  return i == 0 ? G : NULL;
}
static value *clip(pgi_slope *s, int i) {
  value *g = G;
  if (i != 0) return NULL;
  if (s->node->n_in > 1 && X(1))
    g = mul(s, g, as_number(s, pgi_build_2(B, "GreaterOrEqual", X(0), X(1)), G));
  if (s->node->n_in > 2 && X(2))
    g = mul(s, g, as_number(s, pgi_build_2(B, "LessOrEqual", X(0), X(2)), G));
  return g;
}
static value *cumulative_sum(pgi_slope *s, int i) {
  if (i != 0) return NULL;
  value *g = pgi_build_2(B, "CumSum", G, X(1));
  pgi_build_copy_from(B, s->node, "exclusive");
  pgi_build_int(B, "reverse", !pgi_attr_int(s->node, "reverse"));
  return g;
}
static value *triangle(pgi_slope *s, int i) {
  if (i != 0) return NULL;
  value *g = pgi_build_2(B, "Trilu", G, s->node->n_in > 1 ? X(1) : NULL);
  pgi_build_copy_from(B, s->node, "upper");
  return g;
}

/* ---- functions of one number ----------------------------------------------------------------- */

static value *square(pgi_slope *s, value *x) {
  return mul(s, x, x);
}
static double number(const pgi_slope *s, const char *name) {
  return (double)pgi_attr_float(s->node, name);
}
/* g where the condition holds, else g * other. */
static value *choose(pgi_slope *s, value *condition, value *other) {
  return pgi_build_3(B, "Where", condition, G, other);
}

/* The derivative by name: a chain of cases, each one formula. */
static value *derivative(pgi_slope *s) {
  const char *type = s->node->type;
  value *x = X(0), *y = Y;
#define IS(name) (strcmp(type, name) == 0)
  if (IS("Exp")) return y;
  if (IS("Log")) return pgi_build_1(B, "Reciprocal", x);
  if (IS("Sqrt")) return with(s, "Div", pgi_build_1(B, "Reciprocal", y), 2);
  if (IS("Reciprocal")) return neg(s, square(s, y));
  if (IS("Abs")) return pgi_build_1(B, "Sign", x);
  if (IS("Sin")) return pgi_build_1(B, "Cos", x);
  if (IS("Cos")) return neg(s, pgi_build_1(B, "Sin", x));
  if (IS("Tan")) return with(s, "Add", square(s, y), 1);
  if (IS("Sinh")) return pgi_build_1(B, "Cosh", x);
  if (IS("Cosh")) return pgi_build_1(B, "Sinh", x);
  if (IS("Tanh")) return one_minus(s, square(s, y));
  if (IS("Asin"))
    return pgi_build_1(B, "Reciprocal", pgi_build_1(B, "Sqrt", one_minus(s, square(s, x))));
  if (IS("Acos"))
    return neg(s, pgi_build_1(B, "Reciprocal", pgi_build_1(B, "Sqrt", one_minus(s, square(s, x)))));
  if (IS("Atan")) return pgi_build_1(B, "Reciprocal", with(s, "Add", square(s, x), 1));
  if (IS("Asinh"))
    return pgi_build_1(B, "Reciprocal", pgi_build_1(B, "Sqrt", with(s, "Add", square(s, x), 1)));
  if (IS("Acosh"))
    return pgi_build_1(B, "Reciprocal", pgi_build_1(B, "Sqrt", with(s, "Sub", square(s, x), 1)));
  if (IS("Atanh")) return pgi_build_1(B, "Reciprocal", one_minus(s, square(s, x)));
  if (IS("Sigmoid")) return mul(s, y, one_minus(s, y));
  if (IS("Softplus")) return pgi_build_1(B, "Sigmoid", x);
  if (IS("Softsign"))
    return pgi_build_1(B, "Reciprocal", square(s, with(s, "Add", pgi_build_1(B, "Abs", x), 1)));
  if (IS("Erf"))
    return with(s, "Mul", pgi_build_1(B, "Exp", neg(s, square(s, x))), 1.1283791670955126);
  if (IS("Relu")) return as_number(s, with(s, "Greater", x, 0), x);
  if (IS("ThresholdedRelu")) return as_number(s, with(s, "Greater", x, number(s, "alpha")), x);
  if (IS("HardSigmoid"))
    return with(
        s, "Mul",
        as_number(s, pgi_build_2(B, "And", with(s, "Greater", y, 0), with(s, "Less", y, 1)), x),
        number(s, "alpha"));
#undef IS
  return NULL;
}

static value *unary(pgi_slope *s, int i) {
  value *d = i == 0 ? derivative(s) : NULL;
  return d ? mul(s, G, d) : NULL;
}

static value *leaky(pgi_slope *s, int i) {
  (void)i;
  return choose(s, with(s, "GreaterOrEqual", X(0), 0), with(s, "Mul", G, number(s, "alpha")));
}
static value *prelu(pgi_slope *s, int i) {
  value *is_up = with(s, "GreaterOrEqual", X(0), 0), *zero = pgi_build_like(B, 0, G);
  if (i == 0) return to(s, choose(s, is_up, mul(s, G, X(1))), 0);
  return to(s, pgi_build_3(B, "Where", is_up, zero, mul(s, G, X(0))), 1);
}
static value *elu(pgi_slope *s, int i) {
  (void)i;
  return choose(s, with(s, "Greater", X(0), 0), mul(s, G, with(s, "Add", Y, number(s, "alpha"))));
}
static value *selu(pgi_slope *s, int i) {
  (void)i;
  double gamma = number(s, "gamma"), alpha = number(s, "alpha");
  value *down = mul(s, G, with(s, "Add", Y, gamma * alpha));
  return pgi_build_3(B, "Where", with(s, "Greater", X(0), 0), with(s, "Mul", G, gamma), down);
}
static value *celu(pgi_slope *s, int i) {
  (void)i;
  value *e = pgi_build_1(B, "Exp", with(s, "Div", X(0), number(s, "alpha")));
  return choose(s, with(s, "GreaterOrEqual", X(0), 0), mul(s, G, e));
}
/* x f(a x): f + a x f (1 - f), where f is the sigmoid. */
static value *swish(pgi_slope *s, int i) {
  (void)i;
  value *z = with(s, "Mul", X(0), number(s, "alpha")), *f = pgi_build_1(B, "Sigmoid", z);
  return mul(s, G, mul(s, f, with(s, "Add", mul(s, z, one_minus(s, f)), 1)));
}
static value *hard_swish(pgi_slope *s, int i) {
  (void)i;
  value *middle = with(s, "Add", with(s, "Div", X(0), 3), 0.5);
  value *zero = pgi_build_like(B, 0, G);
  value *inner = choose(s, with(s, "Greater", X(0), 3), mul(s, G, middle));
  return pgi_build_3(B, "Where", with(s, "Greater", X(0), -3), inner, zero);
}
/* x tanh(p), p = log(1 + e^x): tanh p + x (1 - tanh^2 p) sigmoid x. */
static value *mish(pgi_slope *s, int i) {
  (void)i;
  value *t = pgi_build_1(B, "Tanh", pgi_build_1(B, "Softplus", X(0)));
  value *d = mul(s, X(0), mul(s, one_minus(s, square(s, t)), pgi_build_1(B, "Sigmoid", X(0))));
  return mul(s, G, pgi_build_2(B, "Add", t, d));
}
static value *gelu(pgi_slope *s, int i) {
  value *x = X(0);
  (void)i;
  if (pgi_attr_is(s->node, "approximate", "tanh")) {
    const double k = 0.7978845608028654, c = 0.044715;
    value *inner = with(s, "Mul", mul(s, x, with(s, "Add", with(s, "Mul", square(s, x), c), 1)), k);
    value *t = pgi_build_1(B, "Tanh", inner);
    value *di = with(s, "Mul", with(s, "Add", with(s, "Mul", square(s, x), 3 * c), 1), k);
    value *right = mul(s, x, mul(s, one_minus(s, square(s, t)), di));
    return mul(s, G, with(s, "Mul", pgi_build_2(B, "Add", with(s, "Add", t, 1), right), 0.5));
  }
  value *e = pgi_build_1(B, "Erf", with(s, "Mul", x, 0.7071067811865476));
  value *density = pgi_build_1(B, "Exp", with(s, "Mul", square(s, x), -0.5));
  value *right = with(s, "Mul", mul(s, x, density), 0.3989422804014327);
  return mul(s, G, pgi_build_2(B, "Add", with(s, "Mul", with(s, "Add", e, 1), 0.5), right));
}

/* ---- softmax --------------------------------------------------------------------------------- */

static value *axis_sum(pgi_slope *s, value *x) {
  int64_t axis = pgi_attr_int(s->node, "axis");
  return pgi_build_2(B, "ReduceSum", x, pgi_build_i64s(B, 1, &axis));
}
static value *softmax(pgi_slope *s, int i) {
  (void)i;
  value *gy = mul(s, G, Y);
  return pgi_build_2(B, "Sub", gy, mul(s, Y, axis_sum(s, gy)));
}
static value *log_softmax(pgi_slope *s, int i) {
  (void)i;
  return pgi_build_2(B, "Sub", G, mul(s, pgi_build_1(B, "Exp", Y), axis_sum(s, G)));
}

/* ---- reductions ------------------------------------------------------------------------------ */

/* v, of the result's shape, with the axes that were dropped as ones. */
static value *kept(pgi_slope *s, value *v) {
  if (pgi_attr_int(s->node, "keepdims")) return v;
  value *like = pgi_build_2(B, "ReduceMax", X(0), s->node->n_in > 1 ? X(1) : NULL);
  pgi_build_copy_from(B, s->node, "noop_with_empty_axes");
  return pgi_build_2(B, "Reshape", v, pgi_build_1(B, "Shape", like));
}

static value *share(pgi_slope *s) {
  value *n = pgi_build_2(B, "Div", pgi_build_2(B, "CastLike", pgi_build_1(B, "Size", Y), Y),
                         pgi_build_2(B, "CastLike", pgi_build_1(B, "Size", X(0)), Y));
  return n;
}

static value *reduction(pgi_slope *s, int i) {
  const char *type = s->node->type + strlen("Reduce");
  if (i != 0) return NULL;
  value *g = kept(s, G), *y = kept(s, Y), *x = X(0), *d = NULL;
  if (strcmp(type, "Mean") == 0) g = mul(s, g, share(s));
  if (strcmp(type, "L1") == 0) d = pgi_build_1(B, "Sign", x);
  if (strcmp(type, "L2") == 0) d = divide(s, x, y);
  if (strcmp(type, "SumSquare") == 0) d = with(s, "Mul", x, 2);
  if (strcmp(type, "Prod") == 0) d = divide(s, y, x);
  if (strcmp(type, "LogSum") == 0) d = pgi_build_1(B, "Exp", neg(s, y));
  if (strcmp(type, "LogSumExp") == 0) d = pgi_build_1(B, "Exp", pgi_build_2(B, "Sub", x, y));
  if (strcmp(type, "Max") == 0 || strcmp(type, "Min") == 0) {
    value *is = as_number(s, pgi_build_2(B, "Equal", x, y), x);
    value *ties = pgi_build_2(B, "ReduceSum", is, s->node->n_in > 1 ? X(1) : NULL);
    pgi_build_copy_from(B, s->node, "noop_with_empty_axes");
    d = divide(s, is, ties);
  }
  if (d) g = mul(s, g, d);
  return pgi_build_2(B, "Expand", g, pgi_build_1(B, "Shape", x));
}

/* ---- products -------------------------------------------------------------------------------- */

static value *matmul(pgi_slope *s, value *a, bool trans_a, value *b, bool trans_b) {
  value *y = pgi_build_call_in(B, "com.microsoft", "FusedMatMul", 2, (value *[]){a, b});
  if (trans_a) pgi_build_int(B, "transA", 1);
  if (trans_b) pgi_build_int(B, "transB", 1);
  return y;
}

static value *matrix_product(pgi_slope *s, int i) {
  for (int k = 0; k < 2; k++) {
    if (X(k)->type.kind != PG_TYPE_TENSOR || X(k)->type.rank != 1) continue;
    B->status = pgi_fail(B->err, PG_UNSUPPORTED, "the slope of a product with a vector");
    return NULL;
  }
  return to(s, i == 0 ? matmul(s, G, false, X(1), true) : matmul(s, X(0), true, G, false), i);
}

static value *gemm(pgi_slope *s, int i) {
  bool ta = pgi_attr_int(s->node, "transA") != 0, tb = pgi_attr_int(s->node, "transB") != 0;
  double alpha = number(s, "alpha");
  if (i == 2) return to(s, with(s, "Mul", G, number(s, "beta")), 2);
  value *g = with(s, "Mul", G, alpha);
  if (i == 0) return ta ? matmul(s, X(1), tb, g, true) : matmul(s, g, false, X(1), !tb);
  return tb ? matmul(s, g, true, X(0), ta) : matmul(s, X(0), !ta, g, false);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Piecewise constant: nothing flows back. */
static value *nothing(pgi_slope *s, int i) {
  (void)s, (void)i;
  return NULL;
}

static const struct {
  const char *type;
  pgi_slope_fn *rule;
} rules[] = {
    {"Abs", unary},
    {"Acos", unary},
    {"Acosh", unary},
    {"Add", same},
    {"Asin", unary},
    {"Asinh", unary},
    {"Atan", unary},
    {"Atanh", unary},
    {"AveragePool", pgi_slope_average_pool},
    {"BatchNormalization", pgi_slope_batch_norm},
    {"Cast", cast},
    {"CastLike", cast},
    {"Ceil", nothing},
    {"Celu", celu},
    {"Clip", clip},
    {"Concat", pgi_slope_concat},
    {"Conv", pgi_slope_conv},
    {"Cos", unary},
    {"Cosh", unary},
    {"CumSum", cumulative_sum},
    {"DepthToSpace", pgi_slope_move},
    {"Div", quotient},
    {"Dropout", first_only},
    {"Elu", elu},
    {"Equal", nothing},
    {"Erf", unary},
    {"Exp", unary},
    {"Expand", expanded},
    {"Flatten", pgi_slope_reshape},
    {"Floor", nothing},
    {"Gather", pgi_slope_move},
    {"GatherElements", pgi_slope_move},
    {"GatherND", pgi_slope_move},
    {"Gelu", gelu},
    {"Gemm", gemm},
    {"GlobalAveragePool", pgi_slope_global_pool},
    {"GlobalMaxPool", pgi_slope_global_pool},
    {"Greater", nothing},
    {"GreaterOrEqual", nothing},
    {"HardSigmoid", unary},
    {"HardSwish", hard_swish},
    {"Identity", first_only},
    {"LayerNormalization", pgi_slope_layer_norm},
    {"LeakyRelu", leaky},
    {"Less", nothing},
    {"LessOrEqual", nothing},
    {"Log", unary},
    {"LogSoftmax", log_softmax},
    {"MatMul", matrix_product},
    {"Max", extreme},
    {"MaxPool", pgi_slope_max_pool},
    {"Mean", mean},
    {"Min", extreme},
    {"Mish", mish},
    {"Mul", product},
    {"Neg", minus},
    {"NegativeLogLikelihoodLoss", pgi_slope_nll},
    {"PRelu", prelu},
    {"Pow", power},
    {"Reciprocal", unary},
    {"ReduceL1", reduction},
    {"ReduceL2", reduction},
    {"ReduceLogSum", reduction},
    {"ReduceLogSumExp", reduction},
    {"ReduceMax", reduction},
    {"ReduceMean", reduction},
    {"ReduceMin", reduction},
    {"ReduceProd", reduction},
    {"ReduceSum", reduction},
    {"ReduceSumSquare", reduction},
    {"Relu", unary},
    {"Reshape", pgi_slope_reshape},
    {"Round", nothing},
    {"Selu", selu},
    {"Shape", nothing},
    {"Sigmoid", unary},
    {"Sign", nothing},
    {"Sin", unary},
    {"Sinh", unary},
    {"Size", nothing},
    {"Slice", pgi_slope_move},
    {"Softmax", softmax},
    {"Softplus", unary},
    {"Softsign", unary},
    {"SpaceToDepth", pgi_slope_move},
    {"Split", pgi_slope_move},
    {"Sqrt", unary},
    {"Squeeze", pgi_slope_reshape},
    {"Sub", sub},
    {"Sum", same},
    {"Swish", swish},
    {"Tan", unary},
    {"Tanh", unary},
    {"ThresholdedRelu", unary},
    {"Tile", pgi_slope_move},
    {"Transpose", pgi_slope_transpose},
    {"Trilu", triangle},
    {"Unsqueeze", pgi_slope_reshape},
    {"Where", where},
};

pgi_slope_fn *pgi_slope_of(const pgi_node *node) {
  if (node->domain[0] != 0) return NULL;
  for (int i = 0; i < PG_COUNT(rules); i++)
    if (strcmp(node->type, rules[i].type) == 0) return rules[i].rule;
  return NULL;
}
