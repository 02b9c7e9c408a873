/* Activations that exporters write as several operators become the one that they are: x Sigmoid(x) is
** Swish, x HardSigmoid(x) HardSwish, x Tanh(Softplus(x)) Mish, and the formulas with Erf and Tanh are Gelu.  Each
** starts at the operator that names it, which absorbs what follows; what came before dies unused. */
#include <math.h>

#include "op/activation.h"
#include "op/elementwise.h"

static bool is_type(const pgi_node *node, const char *type) {
  return node && node->domain[0] == 0 && strcmp(node->type, type) == 0;
}

/* One number, near enough for f16, whose shape doesn't widen x. */
static bool is_number(const pgi_value *v, const pgi_value *x, double *out) {
  if (!v || !pgi_value_is_constant(v) || pgi_tensor_count(&v->constant) != 1) return false;
  if (pgi_dtype_kind(v->constant.dtype) != PG_KIND_FLOAT) return false;
  if (v->constant.rank > 0 && v->constant.rank > x->type.rank) return false;
  *out = pgi_tensor_get_f64(&v->constant, 0);
  return true;
}

static bool is_near(const pgi_value *v, const pgi_value *x, double expected) {
  double number;
  return is_number(v, x, &number) && fabs(number - expected) < 1e-3 * expected;
}

/* The only user of what the node makes, when it is `type` of two operands; *other: the other one. */
static pgi_node *next_of(const pgi_node *node, const char *type, pgi_value **other) {
  int at = 0;
  pgi_node *next = node->out[0] ? pgi_only_consumer(node->out[0], &at) : NULL;
  if (!is_type(next, type) || next->n_in != 2) return NULL;
  *other = next->in[1 - at].value;
  return *other ? next : NULL;
}

/* The node becomes `type` of x and makes what `last` made. */
static pg_status become(pgi_node *node, const char *type, pgi_value *x, pgi_node *last,
                        bool *changed, pg_error *err) {
  PG_TRY(pgi_edit_set_input(node, 0, x, err));
  PG_TRY(pgi_edit_retype(node, "", type, err));
  *changed = true;
  return pgi_absorb_node(node, last, err);
}

/* ---- x f(x) --------------------------------------------------------------------------------------- */

/* Also x Sigmoid(a x), with a number. */
pg_status pgi_sigmoid_absorb(pgi_node *node, bool *changed, pg_error *err) {
  pgi_value *in = node->in[0].value, *x;
  pgi_node *mul = next_of(node, "Mul", &x);
  if (!mul) return PG_OK;
  double alpha = 1;
  const pgi_node *scale = in->producer;
  if (x != in) {
    if (!is_type(scale, "Mul")) return PG_OK;
    int at = scale->in[0].value == x ? 0 : 1;
    if (scale->in[at].value != x || !is_number(scale->in[1 - at].value, x, &alpha)) return PG_OK;
  }
  PG_TRY(become(node, "Swish", x, mul, changed, err));
  return alpha == 1 ? PG_OK : pgi_attr_set_float(node, "alpha", (float)alpha, err);
}

pg_status pgi_hard_sigmoid_absorb(pgi_node *node, bool *changed, pg_error *err) {
  pgi_value *x;
  pgi_node *mul = next_of(node, "Mul", &x);
  if (!mul || x != node->in[0].value) return PG_OK;
  float alpha = pgi_attr_float(node, "alpha"), beta = pgi_attr_float(node, "beta");
  if (fabsf(alpha - 1.0f / 6) > 1e-6f || beta != 0.5f) return PG_OK;
  PG_TRY(become(node, "HardSwish", x, mul, changed, err));
  pgi_attr_remove(node, "alpha");
  pgi_attr_remove(node, "beta");
  return PG_OK;
}

/* ---- Gelu ----------------------------------------------------------------------------------------- */

/* v = x / sqrt(2) or x times its inverse; NULL when it is neither. */
static pgi_value *unscaled(const pgi_value *v) {
  const pgi_node *node = v->producer;
  bool is_div = is_type(node, "Div");
  if (!is_div && !is_type(node, "Mul")) return NULL;
  for (int i = 0; i < (is_div ? 1 : 2); i++) {
    pgi_value *x = node->in[i].value;
    if (x && is_near(node->in[1 - i].value, x, is_div ? 1.41421356 : 0.70710678)) return x;
  }
  return NULL;
}

static bool is_half_of(const pgi_value *v, const pgi_value *x) {
  const pgi_node *node = v->producer;
  if (!is_type(node, "Mul")) return false;
  return (node->in[0].value == x && is_near(node->in[1].value, x, 0.5)) ||
         (node->in[1].value == x && is_near(node->in[0].value, x, 0.5));
}

/* (1 + node), then times x/2, or times x and a half in either order: Gelu of x, whose form is named. */
static pg_status absorb_gelu(pgi_node *node, pgi_value *x, const char *form, bool *changed,
                             pg_error *err) {
  pgi_value *one, *first, *second;
  pgi_node *add = next_of(node, "Add", &one);
  if (!add || !is_near(one, x, 1)) return PG_OK;
  pgi_node *mul = next_of(add, "Mul", &first), *last = mul;
  if (!mul) return PG_OK;
  if (!is_half_of(first, x)) {
    last = next_of(mul, "Mul", &second);
    if (!last) return PG_OK;
    bool is_gelu =
        (first == x && is_near(second, x, 0.5)) || (second == x && is_near(first, x, 0.5));
    if (!is_gelu) return PG_OK;
  }
  PG_TRY(pgi_absorb_node(node, add, err));
  if (last != mul) PG_TRY(pgi_absorb_node(node, mul, err));
  PG_TRY(become(node, "Gelu", x, last, changed, err));
  return pgi_attr_set_string(node, "approximate", form, strlen(form), err);
}

pg_status pgi_erf_absorb(pgi_node *node, bool *changed, pg_error *err) {
  pgi_value *x = unscaled(node->in[0].value);
  return x ? absorb_gelu(node, x, "none", changed, err) : PG_OK;
}

/* v = number * w or w * number; NULL when it isn't. */
static pgi_value *times(const pgi_value *v, double number) {
  const pgi_node *node = v ? v->producer : NULL;
  if (!is_type(node, "Mul")) return NULL;
  for (int i = 0; i < 2; i++) {
    pgi_value *w = node->in[i].value;
    if (w && is_near(node->in[1 - i].value, w, number)) return w;
  }
  return NULL;
}

/* x^3 as a power or as x x x. */
static bool is_cube_of(const pgi_value *v, const pgi_value *x) {
  const pgi_node *node = v ? v->producer : NULL;
  if (is_type(node, "Pow")) return node->in[0].value == x && is_near(node->in[1].value, x, 3);
  if (!is_type(node, "Mul")) return false;
  for (int i = 0; i < 2; i++) {
    const pgi_node *square = node->in[i].value ? node->in[i].value->producer : NULL;
    if (node->in[1 - i].value == x && is_type(square, "Mul") && square->in[0].value == x &&
        square->in[1].value == x)
      return true;
  }
  return false;
}

/* The x of sqrt(2 / pi) (x + 0.044715 x^3), which Gelu's approximation by Tanh takes; NULL. */
static pgi_value *of_cubic(const pgi_value *v) {
  const pgi_value *sum = times(v, 0.79788456);
  const pgi_node *add = sum ? sum->producer : NULL;
  if (!is_type(add, "Add")) return NULL;
  for (int i = 0; i < 2; i++) {
    pgi_value *x = add->in[i].value;
    if (x && is_cube_of(times(add->in[1 - i].value, 0.044715), x)) return x;
  }
  return NULL;
}

/* ---- Tanh: Gelu or Mish -------------------------------------------------------------------------- */

pg_status pgi_tanh_absorb(pgi_node *node, bool *changed, pg_error *err) {
  pgi_value *cubic = of_cubic(node->in[0].value);
  if (cubic) return absorb_gelu(node, cubic, "tanh", changed, err);
  const pgi_node *softplus = node->in[0].value->producer;
  pgi_value *x;
  pgi_node *mul = next_of(node, "Mul", &x);
  if (!mul || !is_type(softplus, "Softplus") || softplus->in[0].value != x) return PG_OK;
  return become(node, "Mish", x, mul, changed, err);
}
