/* LayerNormalization and RMSNormalization that exporters write as ReduceMean, Sub, Pow, ReduceMean, Add,
** Sqrt, Div, Mul, Add become one node.  The Sqrt finds them: what came before dies unused. */
#include "op/elementwise.h"
#include "op/norm_rows.h"

typedef struct match {
  pgi_value *x, *gain, *bias; /* bias: NULL: none */
  pgi_node *last;             /* makes the result */
  double epsilon;
  bool is_rms;
} match;

static bool is_type(const pgi_node *node, const char *type) {
  return node && node->domain[0] == 0 && strcmp(node->type, type) == 0;
}

static bool is_f32(const pgi_value *v) {
  return v && v->type.kind == PG_TYPE_TENSOR && v->type.dtype == PG_F32 && v->type.rank >= 0;
}

static bool is_number(const pgi_value *v, double *out) {
  if (!is_f32(v) || !pgi_value_is_constant(v) || pgi_tensor_count(&v->constant) != 1) return false;
  *out = pgi_tensor_get_f64(&v->constant, 0);
  return v->type.rank <= 1;
}

/* What v is the mean of, over the last axis, which is kept; NULL when it is something else. */
static pgi_value *averaged(const pgi_value *v) {
  const pgi_node *node = v ? v->producer : NULL;
  if (!is_type(node, "ReduceMean") || node->n_in < 2 || !is_f32(node->in[0].value)) return NULL;
  const pgi_value *x = node->in[0].value, *axes = node->in[1].value;
  bool is_kept = pgi_attr_int(node, "keepdims") != 0;
  if (!is_kept || !axes || !pgi_value_is_constant(axes)) return NULL;
  if (axes->constant.dtype != PG_I64 || pgi_tensor_count(&axes->constant) != 1) return NULL;
  int64_t axis = pgi_tensor_get_i64(&axes->constant, 0);
  bool is_last = x->type.rank >= 1 && (axis == -1 || axis == x->type.rank - 1);
  return is_last ? node->in[0].value : NULL;
}

static pgi_value *squared(const pgi_value *v) {
  const pgi_node *node = v ? v->producer : NULL;
  double power;
  if (is_type(node, "Mul") && node->in[0].value == node->in[1].value) return node->in[0].value;
  if (!is_type(node, "Pow") || !is_number(node->in[1].value, &power) || power != 2) return NULL;
  return node->in[0].value;
}

/* Which operand of two is `v`; -1: none. */
static int operand(const pgi_node *node, const pgi_value *v) {
  if (node->n_in != 2) return -1;
  return node->in[0].value == v ? 0 : node->in[1].value == v ? 1 : -1;
}

/* x divided by the root: by Div, or times what is 1 / root. */
static pgi_node *divided(const pgi_node *root, const pgi_value *x) {
  int at;
  double one = 1;
  pgi_node *next = root->out[0] ? pgi_only_consumer(root->out[0], &at) : NULL;
  if (is_type(next, "Div") && at == 1 && next->in[0].value == x) return next;
  bool is_inverse = is_type(next, "Reciprocal") || (is_type(next, "Div") && at == 1 &&
                                                    is_number(next->in[0].value, &one) && one == 1);
  if (!is_inverse || !next->out[0]) return NULL;
  const pgi_value *inverse = next->out[0];
  next = pgi_only_consumer(inverse, &at);
  return is_type(next, "Mul") && operand(next, x) == 1 - at ? next : NULL;
}

/* The only consumer of what *last makes, when it is `type` with one number for each column: these. */
static pgi_value *columns(pgi_node **last, const char *type, const pgi_value *x) {
  int at;
  pgi_node *next = (*last)->out[0] ? pgi_only_consumer((*last)->out[0], &at) : NULL;
  if (!is_type(next, type) || next->n_in != 2) return NULL;
  pgi_value *v = next->in[1 - at].value;
  if (!is_f32(v) || v->type.rank != 1) return NULL;
  if (!pgi_dim_equal(v->type.dims[0], x->type.dims[x->type.rank - 1])) return NULL;
  *last = next;
  return v;
}

static bool find(const pgi_node *root, match *m) {
  const pgi_node *add = root->in[0].value ? root->in[0].value->producer : NULL;
  if (!is_type(add, "Add")) return false;
  int at = is_number(add->in[1].value, &m->epsilon) ? 0 : 1;
  if (at == 1 && !is_number(add->in[0].value, &m->epsilon)) return false;
  pgi_value *x = squared(averaged(add->in[at].value));
  if (!is_f32(x)) return false;
  m->last = divided(root, x);
  if (!m->last) return false;
  const pgi_node *sub = x->producer;
  m->is_rms = !is_type(sub, "Sub") || !averaged(sub->in[1].value) ||
              averaged(sub->in[1].value) != sub->in[0].value;
  m->x = m->is_rms ? x : sub->in[0].value;
  m->gain = columns(&m->last, "Mul", m->x);
  if (!m->gain) return false;
  m->bias = m->is_rms ? NULL : columns(&m->last, "Add", m->x);
  return true;
}

pg_status pgi_sqrt_absorb(pgi_node *node, bool *changed, pg_error *err) {
  match m = {0};
  pgi_node *made;
  pgi_value *y;
  if (!find(node, &m)) return PG_OK;
  const char *type = m.is_rms ? "RMSNormalization" : "LayerNormalization";
  pgi_value *in[] = {m.x, m.gain, m.bias};
  PG_TRY(pgi_edit_call(m.last->graph, m.last, type, m.bias ? 3 : 2, in, &made, &y, err));
  PG_TRY(pgi_attr_set_float(made, "epsilon", (float)m.epsilon, err));
  *changed = true;
  return pgi_edit_replace_node(m.last, &y, err);
}
