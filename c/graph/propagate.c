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

static pg_status apply_pointwise(pgi_propagation *p, pgi_rule *apply) {
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
  pgi_rule_args a = {p->arena, in, n, p->in[0] && is_float(p->in[0]->dtype), out->dtype};
  for (int64_t k = 0; k < out->n; k++) {
    for (int i = 0; i < n; i++) in[i] = broadcast_at(p->content[i], out, k);
    out->at[k] = apply(&a);
  }
  return PG_OK;
}

/* ---- reductions ---------------------------------------------------------------------------------- */

/* All elements to one. */
static pg_status apply_reduction(pgi_propagation *p, pgi_rule *apply) {
  const pgi_content *c = p->content[0];
  if (!c || c->n == 0 || !is_small(&p->out[0])) return PG_OK;
  if (count_small(p->out[0].rank, p->out[0].dims) != 1) return PG_OK;
  pgi_num in[2] = {c->at[0], pgi_num_unknown()};
  pgi_rule_args a = {p->arena, in, 2, false, c->dtype};
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
  pgi_rule *r = pgi_pointwise_rule(node->type);
  if (r) return apply_pointwise(p, r);
  r = pgi_reduction_rule(node->type);
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
