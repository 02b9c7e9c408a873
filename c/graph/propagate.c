/* propagate: see propagate.h.
**
** Three ways.  A node all of whose inputs are numbers is run.  An operator that only moves elements is
** run, too, on numbers that stand for the elements.  What computes has rules for symbols here. */
#include "graph/propagate.h"

#include <math.h>

/* ---- contents and tensors ------------------------------------------------------------------------ */

static bool is_numeric(pg_dtype dtype) {
  return dtype != PG_NONE && ((PG_T_NUMERIC | PG_T(PG_BOOL)) & PG_T(dtype));
}

static bool is_float(pg_dtype dtype) {
  return pgi_dtype_kind(dtype) == PG_KIND_FLOAT;
}

/* The number of elements; -1 when that is not known or too many. */
static int64_t count_small(int rank, const pgi_dim *dims) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) {
    if (dims[i].n < 0 || dims[i].n > PG_CONTENT_MOST) return -1;
    n *= dims[i].n;
    if (n > PG_CONTENT_MOST) return -1;
  }
  return rank < 0 ? -1 : n;
}

static bool is_small(const pgi_type *t) {
  return t && t->kind == PG_TYPE_TENSOR && is_numeric(t->dtype) &&
         count_small(t->rank, t->dims) >= 0;
}

static pg_status new_content(pgi_arena *arena, const pgi_type *type, pgi_content **out,
                             pg_error *err) {
  pgi_content *c = pgi_arena_alloc(arena, sizeof *c);
  if (!c) return pgi_nomem(err);
  c->dtype = type->dtype;
  c->rank = type->rank;
  c->n = count_small(type->rank, type->dims);
  for (int i = 0; i < c->rank; i++) c->dims[i] = type->dims[i].n;
  c->at = pgi_arena_alloc(arena, (size_t)PG_MAX(c->n, 1) * sizeof *c->at);
  if (!c->at) return pgi_nomem(err);
  *out = c;
  return PG_OK;
}

/* Halves, quarters ... are kept; other fractions are no exact numbers in the first place. */
static pgi_num num_of_float(double v) {
  enum { MOST_HALVINGS = 20 };
  int64_t den = 1;
  for (int i = 0; i < MOST_HALVINGS && v != floor(v); i++) {
    v *= 2;
    den *= 2;
  }
  if (v != floor(v) || !(fabs(v) < 0x1p53)) return pgi_num_unknown();
  pgi_num num = pgi_num_of((int64_t)v);
  num.den = den;
  return num;
}

pg_status pgi_content_of(const pg_tensor *t, pgi_arena *arena, pgi_content **out, pg_error *err) {
  *out = NULL;
  if (!is_numeric(t->dtype)) return PG_OK;
  pgi_type type = pgi_type_of(t);
  if (!is_small(&type)) return PG_OK;
  PG_TRY(new_content(arena, &type, out, err));
  for (int64_t i = 0; i < (*out)->n; i++) {
    if (is_float(t->dtype))
      (*out)->at[i] = num_of_float(pgi_tensor_get_f64(t, i));
    else
      (*out)->at[i] = pgi_num_of(pgi_tensor_get_i64(t, i));
  }
  return PG_OK;
}

static bool is_all_numbers(const pgi_content *c) {
  for (int64_t i = 0; i < c->n; i++)
    if (!pgi_num_is_number(c->at[i])) return false;
  return true;
}

pg_status pgi_content_tensor(pg_context *ctx, const pgi_content *c, pg_tensor *out, pg_error *err) {
  if (!is_all_numbers(c)) return PG_OK;
  PG_TRY(pgi_tensor_alloc(ctx, c->dtype, c->rank, c->dims, out, err));
  for (int64_t i = 0; i < c->n; i++) {
    double real = (double)c->at[i].n / (double)c->at[i].den;
    if (is_float(c->dtype))
      pgi_store_f64(c->dtype, pgi_tensor_data(out), i, 1, &real);
    else
      pgi_store_i64(c->dtype, pgi_tensor_data(out), i, 1, &c->at[i].n);
  }
  return PG_OK;
}

/* ---- running nodes ------------------------------------------------------------------------------- */

/* Whatever is wrong with the numbers, a run will say. */
static pg_status run_node(const pgi_propagation *p, const pg_tensor *const *in, pg_tensor *out) {
  pg_error ignored;
  pg_status status = p->eval(p->node, in, out, &ignored);
  return status == PG_NOMEM ? pgi_nomem(p->err) : PG_OK;
}

/* Operators of one output count on its being wanted: sessions drop nodes of which nothing is. */
static bool has_small_outputs(const pgi_propagation *p) {
  if (p->node->n_out > 0 && !p->node->out[0]) return false;
  for (int i = 0; i < p->node->n_out; i++)
    if (p->node->out[i] && !is_small(&p->out[i])) return false;
  return true;
}

static bool is_known_in_numbers(const pgi_propagation *p) {
  for (int i = 0; i < p->node->n_in; i++) {
    if (!p->in[i]) continue;
    if (!p->value[i] || pgi_tensor_count(p->value[i]) > PG_CONTENT_MOST) return false;
  }
  return true;
}

static pg_status compute(pgi_propagation *p) {
  PG_TRY(run_node(p, p->value, p->tensor));
  for (int i = 0; i < p->node->n_out; i++)
    if (p->tensor[i].dtype != PG_NONE)
      PG_TRY(pgi_content_of(&p->tensor[i], p->arena, &p->result[i], p->err));
  return PG_OK;
}

/* ---- moving -------------------------------------------------------------------------------------- */

/* Operators that put elements of some inputs elsewhere, or zeros. */
typedef struct mover {
  const char *name;
  unsigned data; /* bit i: input i has the elements; all others must be known */
} mover;

static const mover movers[] = {
    {"Compress", 1},      {"Concat", ~0u},       {"Expand", 1},          {"Flatten", 1},
    {"Gather", 1},        {"GatherElements", 1}, {"GatherND", 1},        {"Identity", 1},
    {"Pad", 1 | 4},       {"Reshape", 1},        {"ReverseSequence", 1}, {"ScatterElements", 1 | 4},
    {"ScatterND", 1 | 4}, {"Slice", 1},          {"Split", 1},           {"Squeeze", 1},
    {"Tile", 1},          {"Transpose", 1},      {"Unsqueeze", 1},
};

static const mover *find_mover(const pgi_node *node) {
  for (int i = 0; i < PG_COUNT(movers); i++)
    if (strcmp(movers[i].name, node->type) == 0) return &movers[i];
  return NULL;
}

static bool is_data(const mover *m, int i) {
  return i >= 32 ? m->data == ~0u : (m->data >> i & 1) != 0;
}

/* Scattering with a sum is no mere moving. */
static bool only_moves(const pgi_propagation *p, const mover *m) {
  const pgi_attr *reduction = pgi_attr_find(p->node, "reduction");
  if (reduction && !pgi_attr_is(p->node, "reduction", "none")) return false;
  bool knows_something = false;
  for (int i = 0; i < p->node->n_in; i++) {
    if (!p->in[i]) continue;
    if (is_data(m, i) ? !is_small(p->in[i]) : !p->value[i]) return false;
    knows_something |= is_data(m, i) && p->content[i];
  }
  return knows_something;
}

/* Elements have the numbers 1, 2, 3 ... through all inputs; 0 is what an operator fills in. */
static pg_status number_elements(const pgi_propagation *p, const mover *m, pg_tensor *tensors,
                                 const pg_tensor **args, int64_t *n) {
  int64_t dims[PG_MAX_RANK];
  for (int i = 0; i < p->node->n_in; i++) {
    args[i] = p->value[i];
    if (!p->in[i] || !is_data(m, i)) continue;
    const pgi_type *t = p->in[i];
    for (int k = 0; k < t->rank; k++) dims[k] = t->dims[k].n;
    PG_TRY(pgi_tensor_alloc(p->ctx, PG_I64, t->rank, dims, &tensors[i], p->err));
    int64_t *at = pgi_tensor_data(&tensors[i]), count = count_small(t->rank, t->dims);
    for (int64_t k = 0; k < count; k++) at[k] = ++*n;
    args[i] = &tensors[i];
  }
  return PG_OK;
}

static pg_status list_elements(const pgi_propagation *p, const mover *m, int64_t n,
                               pgi_num **elements) {
  pgi_num *list = pgi_arena_alloc(p->arena, (size_t)(n + 1) * sizeof *list);
  if (!list) return pgi_nomem(p->err);
  *elements = list;
  *list++ = pgi_num_of(0);
  for (int i = 0; i < p->node->n_in; i++) {
    if (!p->in[i] || !is_data(m, i)) continue;
    int64_t count = count_small(p->in[i]->rank, p->in[i]->dims);
    for (int64_t k = 0; k < count; k++)
      *list++ = p->content[i] ? p->content[i]->at[k] : pgi_num_unknown();
  }
  return PG_OK;
}

static pg_status take_elements(pgi_propagation *p, const pg_tensor *moved, int i, int64_t n,
                               const pgi_num *elements) {
  if (moved->dtype != PG_I64 || pgi_tensor_count(moved) > PG_CONTENT_MOST) return PG_OK;
  pgi_type type = pgi_type_of(moved);
  type.dtype = p->out[i].dtype;
  if (!is_numeric(type.dtype)) return PG_OK;
  PG_TRY(new_content(p->arena, &type, &p->result[i], p->err));
  for (int64_t k = 0; k < p->result[i]->n; k++) {
    int64_t which = pgi_tensor_get_i64(moved, k);
    if (which >= 0 && which <= n) p->result[i]->at[k] = elements[which];
  }
  return PG_OK;
}

static pg_status move(pgi_propagation *p, const mover *m) {
  size_t n_in = (size_t)p->node->n_in;
  pg_tensor *tensors = pgi_arena_alloc(p->arena, n_in * sizeof *tensors);
  const pg_tensor **args = pgi_arena_alloc(p->arena, n_in * sizeof *args);
  pgi_num *elements = NULL;
  int64_t n = 0;
  if (!tensors || !args) return pgi_nomem(p->err);
  pg_status status = number_elements(p, m, tensors, args, &n);
  if (status == PG_OK) status = list_elements(p, m, n, &elements);
  if (status == PG_OK) status = run_node(p, args, p->tensor);
  for (int i = 0; i < p->node->n_out; i++) {
    if (status == PG_OK && p->tensor[i].dtype != PG_NONE)
      status = take_elements(p, &p->tensor[i], i, n, elements);
    pgi_tensor_clear(&p->tensor[i]);
  }
  for (size_t i = 0; i < n_in; i++) pgi_tensor_clear(&tensors[i]);
  return status;
}

/* ---- element by element -------------------------------------------------------------------------- */

typedef struct pgi_rule_args {
  pgi_arena *arena;
  const pgi_num *in;
  int n;
  bool is_float; /* the element type of input 0 */
  pg_dtype to;   /* of the output */
} rule_args;

typedef pgi_num rule(const rule_args *a);

static pgi_num num_bool(bool is_true, bool is_false) {
  return is_true ? pgi_num_of(1) : is_false ? pgi_num_of(0) : pgi_num_unknown();
}

static bool is_natural(const rule_args *a, pgi_num v) {
  return pgi_num_exceeds(a->arena, v, pgi_num_of(0), 0);
}

static pgi_num rule_add(const rule_args *a) {
  pgi_num sum = a->in[0];
  for (int i = 1; i < a->n; i++) sum = pgi_num_add(a->arena, sum, a->in[i]);
  return sum;
}

static pgi_num rule_sub(const rule_args *a) {
  return pgi_num_sub(a->arena, a->in[0], a->in[1]);
}

static pgi_num rule_mul(const rule_args *a) {
  return pgi_num_mul(a->arena, a->in[0], a->in[1]);
}

/* Integers are cut towards 0, which is down where nothing is negative.  Sizes that are divided are
** taken not to be. */
static pgi_num rule_div(const rule_args *a) {
  pgi_num x = a->in[0], y = a->in[1];
  if (a->is_float) return pgi_num_ratio(a->arena, x, y);
  bool is_down = is_natural(a, y) && (is_natural(a, x) || x.symbol);
  pgi_num ratio = pgi_num_ratio(a->arena, x, y);
  if (ratio.is_known && ratio.den == 1) return ratio;
  return is_down ? pgi_num_quotient(a->arena, x, y) : pgi_num_unknown();
}

static pgi_num rule_mod(const rule_args *a) {
  if (a->is_float || !is_natural(a, a->in[0]) || !is_natural(a, a->in[1])) return pgi_num_unknown();
  pgi_num whole = pgi_num_quotient(a->arena, a->in[0], a->in[1]);
  return pgi_num_sub(a->arena, a->in[0], pgi_num_mul(a->arena, whole, a->in[1]));
}

static pgi_num rule_neg(const rule_args *a) {
  return pgi_num_sub(a->arena, pgi_num_of(0), a->in[0]);
}

static pgi_num rule_abs(const rule_args *a) {
  return is_natural(a, a->in[0]) ? a->in[0] : pgi_num_unknown();
}

static pgi_num rule_floor(const rule_args *a) {
  return pgi_num_floor(a->arena, a->in[0]);
}

static pgi_num rule_ceil(const rule_args *a) {
  return pgi_num_ceil(a->arena, a->in[0]);
}

static pgi_num rule_round(const rule_args *a) {
  return a->in[0].den == 1 ? a->in[0] : pgi_num_unknown();
}

static pgi_num rule_max(const rule_args *a) {
  pgi_num most = a->in[0];
  for (int i = 1; i < a->n; i++) most = pgi_num_max(a->arena, most, a->in[i]);
  return most;
}

static pgi_num rule_min(const rule_args *a) {
  pgi_num least = a->in[0];
  for (int i = 1; i < a->n; i++) least = pgi_num_min(a->arena, least, a->in[i]);
  return least;
}

static pgi_num rule_relu(const rule_args *a) {
  return pgi_num_max(a->arena, a->in[0], pgi_num_of(0));
}

/* To integers: towards 0. */
static pgi_num rule_cast(const rule_args *a) {
  pgi_num x = a->in[0];
  if (a->to == PG_BOOL)
    return num_bool(pgi_num_exceeds(a->arena, x, pgi_num_of(0), 1),
                    pgi_num_is_number(x) && x.n == 0);
  if (is_float(a->to) || !x.is_known || x.den == 1) return x;
  pgi_num whole = pgi_num_floor(a->arena, x);
  return is_natural(a, whole) || whole.symbol ? whole : pgi_num_unknown();
}

static pgi_num is_greater(pgi_arena *arena, pgi_num x, pgi_num y, int64_t by) {
  return num_bool(pgi_num_exceeds(arena, x, y, by), pgi_num_exceeds(arena, y, x, 1 - by));
}

static pgi_num rule_greater(const rule_args *a) {
  return is_greater(a->arena, a->in[0], a->in[1], 1);
}

static pgi_num rule_greater_equal(const rule_args *a) {
  return is_greater(a->arena, a->in[0], a->in[1], 0);
}

static pgi_num rule_less(const rule_args *a) {
  return is_greater(a->arena, a->in[1], a->in[0], 1);
}

static pgi_num rule_less_equal(const rule_args *a) {
  return is_greater(a->arena, a->in[1], a->in[0], 0);
}

static pgi_num rule_equal(const rule_args *a) {
  pgi_num x = a->in[0], y = a->in[1];
  bool differ = pgi_num_exceeds(a->arena, x, y, 1) || pgi_num_exceeds(a->arena, y, x, 1);
  return num_bool(pgi_num_equal(a->arena, x, y), differ);
}

static bool is_exactly(pgi_num a, int64_t n) {
  return pgi_num_is_number(a) && a.n == n;
}

static pgi_num rule_and(const rule_args *a) {
  if (is_exactly(a->in[0], 0) || is_exactly(a->in[1], 0)) return pgi_num_of(0);
  return num_bool(is_exactly(a->in[0], 1) && is_exactly(a->in[1], 1), false);
}

static pgi_num rule_or(const rule_args *a) {
  if (is_exactly(a->in[0], 1) || is_exactly(a->in[1], 1)) return pgi_num_of(1);
  return num_bool(false, is_exactly(a->in[0], 0) && is_exactly(a->in[1], 0));
}

static pgi_num rule_not(const rule_args *a) {
  return num_bool(is_exactly(a->in[0], 0), is_exactly(a->in[0], 1));
}

static pgi_num rule_where(const rule_args *a) {
  if (pgi_num_is_number(a->in[0])) return a->in[a->in[0].n ? 1 : 2];
  return pgi_num_equal(a->arena, a->in[1], a->in[2]) ? a->in[1] : pgi_num_unknown();
}

typedef struct named_rule {
  const char *name;
  rule *apply;
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

static rule *find_rule(const named_rule *rules, int n, const pgi_node *node) {
  for (int i = 0; i < n; i++)
    if (strcmp(rules[i].name, node->type) == 0) return rules[i].apply;
  return NULL;
}

/* Element `index` of `out`, as an element of c broadcast to it. */
static pgi_num broadcast_at(const pgi_content *c, const pgi_content *out, int64_t index) {
  int64_t at = 0, stride = 1;
  if (!c) return pgi_num_unknown();
  for (int i = 1; i <= out->rank; i++) {
    int64_t dim = out->dims[out->rank - i], k = index % dim;
    index /= dim;
    if (i > c->rank) continue;
    int64_t own = c->dims[c->rank - i];
    if (own != 1 && own != dim) return pgi_num_unknown();
    at += own == 1 ? 0 : k * stride;
    stride *= own;
  }
  return at < c->n ? c->at[at] : pgi_num_unknown();
}

static pg_status apply_pointwise(pgi_propagation *p, rule *apply) {
  enum { MOST_INPUTS = 8 };
  pgi_num in[MOST_INPUTS];
  const pgi_node *node = p->node;
  int n = strcmp(node->type, "CastLike") == 0 ? 1 : node->n_in;
  if (n < 1 || n > MOST_INPUTS || !is_small(&p->out[0])) return PG_OK;
  bool knows_something = false;
  for (int i = 0; i < n; i++) knows_something |= p->content[i] != NULL;
  if (!knows_something) return PG_OK;
  PG_TRY(new_content(p->arena, &p->out[0], &p->result[0], p->err));
  pgi_content *out = p->result[0];
  rule_args a = {p->arena, in, n, p->in[0] && is_float(p->in[0]->dtype), out->dtype};
  for (int64_t k = 0; k < out->n; k++) {
    for (int i = 0; i < n; i++) in[i] = broadcast_at(p->content[i], out, k);
    out->at[k] = apply(&a);
  }
  return PG_OK;
}

/* ---- reductions ---------------------------------------------------------------------------------- */

static const named_rule reductions[] = {
    {"ReduceMax", rule_max},
    {"ReduceMin", rule_min},
    {"ReduceProd", rule_mul},
    {"ReduceSum", rule_add},
};

/* All elements to one. */
static pg_status apply_reduction(pgi_propagation *p, rule *apply) {
  const pgi_content *c = p->content[0];
  if (!c || c->n == 0 || !is_small(&p->out[0])) return PG_OK;
  if (count_small(p->out[0].rank, p->out[0].dims) != 1) return PG_OK;
  pgi_num in[2] = {c->at[0], pgi_num_unknown()};
  rule_args a = {p->arena, in, 2, false, c->dtype};
  for (int64_t i = 1; i < c->n; i++) {
    in[1] = c->at[i];
    in[0] = apply(&a);
  }
  PG_TRY(new_content(p->arena, &p->out[0], &p->result[0], p->err));
  p->result[0]->at[0] = in[0];
  return PG_OK;
}

/* ---- what looks at the type ---------------------------------------------------------------------- */

static pg_status apply_shape(pgi_propagation *p) {
  const pgi_type *t = p->in[0];
  if (!t || t->kind != PG_TYPE_TENSOR || t->rank < 0 || !is_small(&p->out[0])) return PG_OK;
  PG_TRY(new_content(p->arena, &p->out[0], &p->result[0], p->err));
  pgi_content *out = p->result[0];
  if (strcmp(p->node->type, "Size") == 0) {
    out->at[0] = pgi_num_of(1);
    for (int i = 0; i < t->rank; i++)
      out->at[0] = pgi_num_mul(p->arena, out->at[0], pgi_num_of_dim(t->dims[i]));
    return PG_OK;
  }
  int64_t start = pgi_attr_int(p->node, "start");
  if (start < 0) start += t->rank;
  start = PG_MAX(start, 0);
  for (int64_t i = 0; i < out->n && start + i < t->rank; i++)
    out->at[i] = pgi_num_of_dim(t->dims[start + i]);
  return PG_OK;
}

/* ---- the node ------------------------------------------------------------------------------------ */

static pg_status apply(pgi_propagation *p) {
  const pgi_node *node = p->node;
  if (node->op->flags & PG_OP_TYPE_ONLY) return apply_shape(p);
  if (is_known_in_numbers(p) && has_small_outputs(p)) return compute(p);
  if (*node->domain) return PG_OK;
  const mover *m = find_mover(node);
  if (m) return only_moves(p, m) ? move(p, m) : PG_OK;
  rule *r = find_rule(pointwise, PG_COUNT(pointwise), node);
  if (r) return apply_pointwise(p, r);
  r = find_rule(reductions, PG_COUNT(reductions), node);
  return r ? apply_reduction(p, r) : PG_OK;
}

pg_status pgi_propagate(pgi_propagation *p) {
  const pg_op *op = p->node->op;
  if (!op || op->flags & (PG_OP_RANDOM | PG_OP_CONTROL)) return PG_OK;
  if (!op->run && !(op->flags & PG_OP_VIEW)) return PG_OK;
  if (p->node->n_out < 1) return PG_OK;
  PG_TRY(apply(p));
  for (int i = 0; i < p->node->n_out; i++) {
    if (p->result[i] && p->tensor[i].dtype == PG_NONE)
      PG_TRY(pgi_content_tensor(p->ctx, p->result[i], &p->tensor[i], p->err));
  }
  return PG_OK;
}
