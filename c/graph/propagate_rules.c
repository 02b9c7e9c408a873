/* propagate_rules: what becomes of symbols, element by element. */
#include "graph/propagate.h"

static pgi_num num_bool(bool is_true, bool is_false) {
  return is_true ? pgi_num_of(1) : is_false ? pgi_num_of(0) : pgi_num_unknown();
}

static bool is_natural(const pgi_rule_args *a, pgi_num v) {
  return pgi_num_exceeds(a->arena, v, pgi_num_of(0), 0);
}

static pgi_num rule_add(const pgi_rule_args *a) {
  pgi_num sum = a->in[0];
  for (int i = 1; i < a->n; i++) sum = pgi_num_add(a->arena, sum, a->in[i]);
  return sum;
}

static pgi_num rule_sub(const pgi_rule_args *a) {
  return pgi_num_sub(a->arena, a->in[0], a->in[1]);
}

static pgi_num rule_mul(const pgi_rule_args *a) {
  return pgi_num_mul(a->arena, a->in[0], a->in[1]);
}

/* Integers are cut towards 0, which is down where nothing is negative.  Sizes that are divided are
** taken not to be. */
static pgi_num rule_div(const pgi_rule_args *a) {
  pgi_num x = a->in[0], y = a->in[1];
  if (a->is_float) return pgi_num_ratio(a->arena, x, y);
  bool is_down = is_natural(a, y) && (is_natural(a, x) || x.symbol);
  pgi_num ratio = pgi_num_ratio(a->arena, x, y);
  if (ratio.is_known && ratio.den == 1) return ratio;
  return is_down ? pgi_num_quotient(a->arena, x, y) : pgi_num_unknown();
}

static pgi_num rule_mod(const pgi_rule_args *a) {
  if (a->is_float || !is_natural(a, a->in[0]) || !is_natural(a, a->in[1])) return pgi_num_unknown();
  pgi_num whole = pgi_num_quotient(a->arena, a->in[0], a->in[1]);
  return pgi_num_sub(a->arena, a->in[0], pgi_num_mul(a->arena, whole, a->in[1]));
}

static pgi_num rule_neg(const pgi_rule_args *a) {
  return pgi_num_sub(a->arena, pgi_num_of(0), a->in[0]);
}

static pgi_num rule_abs(const pgi_rule_args *a) {
  return is_natural(a, a->in[0]) ? a->in[0] : pgi_num_unknown();
}

static pgi_num rule_floor(const pgi_rule_args *a) {
  return pgi_num_floor(a->arena, a->in[0]);
}

static pgi_num rule_ceil(const pgi_rule_args *a) {
  return pgi_num_ceil(a->arena, a->in[0]);
}

static pgi_num rule_round(const pgi_rule_args *a) {
  return a->in[0].den == 1 ? a->in[0] : pgi_num_unknown();
}

static pgi_num rule_max(const pgi_rule_args *a) {
  pgi_num most = a->in[0];
  for (int i = 1; i < a->n; i++) most = pgi_num_max(a->arena, most, a->in[i]);
  return most;
}

static pgi_num rule_min(const pgi_rule_args *a) {
  pgi_num least = a->in[0];
  for (int i = 1; i < a->n; i++) least = pgi_num_min(a->arena, least, a->in[i]);
  return least;
}

static pgi_num rule_relu(const pgi_rule_args *a) {
  return pgi_num_max(a->arena, a->in[0], pgi_num_of(0));
}

/* To integers: towards 0. */
static pgi_num rule_cast(const pgi_rule_args *a) {
  pgi_num x = a->in[0];
  if (a->to == PG_BOOL)
    return num_bool(pgi_num_exceeds(a->arena, x, pgi_num_of(0), 1),
                    pgi_num_is_number(x) && x.n == 0);
  if (pgi_dtype_kind(a->to) == PG_KIND_FLOAT || !x.is_known || x.den == 1) return x;
  pgi_num whole = pgi_num_floor(a->arena, x);
  return is_natural(a, whole) || whole.symbol ? whole : pgi_num_unknown();
}

static pgi_num is_greater(pgi_arena *arena, pgi_num x, pgi_num y, int64_t by) {
  return num_bool(pgi_num_exceeds(arena, x, y, by), pgi_num_exceeds(arena, y, x, 1 - by));
}

static pgi_num rule_greater(const pgi_rule_args *a) {
  return is_greater(a->arena, a->in[0], a->in[1], 1);
}

static pgi_num rule_greater_equal(const pgi_rule_args *a) {
  return is_greater(a->arena, a->in[0], a->in[1], 0);
}

static pgi_num rule_less(const pgi_rule_args *a) {
  return is_greater(a->arena, a->in[1], a->in[0], 1);
}

static pgi_num rule_less_equal(const pgi_rule_args *a) {
  return is_greater(a->arena, a->in[1], a->in[0], 0);
}

static pgi_num rule_equal(const pgi_rule_args *a) {
  pgi_num x = a->in[0], y = a->in[1];
  bool differ = pgi_num_exceeds(a->arena, x, y, 1) || pgi_num_exceeds(a->arena, y, x, 1);
  return num_bool(pgi_num_equal(a->arena, x, y), differ);
}

static bool is_exactly(pgi_num a, int64_t n) {
  return pgi_num_is_number(a) && a.n == n;
}

static pgi_num rule_and(const pgi_rule_args *a) {
  if (is_exactly(a->in[0], 0) || is_exactly(a->in[1], 0)) return pgi_num_of(0);
  return num_bool(is_exactly(a->in[0], 1) && is_exactly(a->in[1], 1), false);
}

static pgi_num rule_or(const pgi_rule_args *a) {
  if (is_exactly(a->in[0], 1) || is_exactly(a->in[1], 1)) return pgi_num_of(1);
  return num_bool(false, is_exactly(a->in[0], 0) && is_exactly(a->in[1], 0));
}

static pgi_num rule_not(const pgi_rule_args *a) {
  return num_bool(is_exactly(a->in[0], 0), is_exactly(a->in[0], 1));
}

static pgi_num rule_where(const pgi_rule_args *a) {
  if (pgi_num_is_number(a->in[0])) return a->in[a->in[0].n ? 1 : 2];
  return pgi_num_equal(a->arena, a->in[1], a->in[2]) ? a->in[1] : pgi_num_unknown();
}

typedef struct named_rule {
  const char *name;
  pgi_rule *apply;
} named_rule;

static const named_rule pointwise[] = {
    {"Abs", rule_abs},
    {"Add", rule_add},
    {"And", rule_and},
    {"Cast", rule_cast},
    {"CastLike", rule_cast},
    {"Ceil", rule_ceil},
    {"Div", rule_div},
    {"Equal", rule_equal},
    {"Floor", rule_floor},
    {"Greater", rule_greater},
    {"GreaterOrEqual", rule_greater_equal},
    {"Less", rule_less},
    {"LessOrEqual", rule_less_equal},
    {"Max", rule_max},
    {"Min", rule_min},
    {"Mod", rule_mod},
    {"Mul", rule_mul},
    {"Neg", rule_neg},
    {"Not", rule_not},
    {"Or", rule_or},
    {"Relu", rule_relu},
    {"Round", rule_round},
    {"Sub", rule_sub},
    {"Sum", rule_add},
    {"Where", rule_where},
};

static const named_rule reductions[] = {
    {"ReduceMax", rule_max},
    {"ReduceMin", rule_min},
    {"ReduceProd", rule_mul},
    {"ReduceSum", rule_add},
};

static pgi_rule *find(const named_rule *rules, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(rules[i].name, name) == 0) return rules[i].apply;
  return NULL;
}

pgi_rule *pgi_pointwise_rule(const char *name) {
  return find(pointwise, PG_COUNT(pointwise), name);
}

pgi_rule *pgi_reduction_rule(const char *name) {
  return find(reductions, PG_COUNT(reductions), name);
}
