/* Attention that exporters write as MatMul, Mul, Add, Softmax, MatMul becomes one node, which never has
** the scores in memory as a whole.  The Softmax finds it: what came before and after dies unused.
** Transposes that move heads to the front and back go with it: the node reads and writes them where they
** are. */
#include "op/attend.h"

#include <math.h>

enum { RANK = 4 };

static bool is_type(const pgi_node *node, const char *type) {
  return node && node->domain[0] == 0 && strcmp(node->type, type) == 0;
}

static bool has_perm(const pgi_node *node, const int64_t *perm, int rank) {
  int64_t n;
  if (!is_type(node, "Transpose")) return false;
  const int64_t *p = pgi_attr_ints(node, "perm", &n);
  return n == rank && memcmp(p, perm, (size_t)rank * sizeof *perm) == 0;
}

static bool is_f32(const pgi_value *v, int rank) {
  return v && v->type.kind == PG_TYPE_TENSOR && v->type.dtype == PG_F32 && v->type.rank == rank;
}

/* v is x times a number: returns x and multiplies *scale; v itself when it isn't. */
static pgi_value *unscaled(pgi_value *v, double *scale) {
  const pgi_node *node = v->producer;
  bool is_div = is_type(node, "Div");
  if (!is_div && !is_type(node, "Mul")) return v;
  for (int i = 0; i < (is_div ? 1 : 2); i++) {
    pgi_value *x = node->in[i].value, *n = node->in[1 - i].value;
    if (!x || !n || !pgi_value_is_constant(n) || pgi_tensor_count(&n->constant) != 1) continue;
    if (!is_f32(x, v->type.rank) || n->constant.rank > v->type.rank) continue;
    double number = pgi_tensor_get_f64(&n->constant, 0);
    if (!isfinite(number) || number == 0) return v;
    *scale = is_div ? *scale / number : *scale * number;
    return x;
  }
  return v;
}

typedef struct match {
  pgi_value *q, *k, *v, *mask; /* k: [.., S, D]; mask: NULL: none */
  pgi_node *last;              /* the product with v */
  double scale;
  int rank;
} match;

/* k as it was before its last two axes were exchanged, perhaps with the heads where they still are. */
static bool match_key(match *m, pgi_value *turned) {
  static const int64_t swap4[] = {0, 1, 3, 2}, swap3[] = {0, 2, 1};
  turned = unscaled(turned, &m->scale);
  const pgi_node *node = turned->producer;
  bool is_swap = m->rank == RANK ? has_perm(node, swap4, 4) : has_perm(node, swap3, 3);
  if (!is_swap) return false;
  m->k = unscaled(node->in[0].value, &m->scale);
  return is_f32(m->k, m->rank);
}

static const int64_t turn_all[] = {0, 2, 3, 1}, turn_heads[] = {0, 2, 1, 3};

/* A Transpose of [B, S, H, D] to [B, H, D, S] in one go is seen as two.  Only what is sure to become
** one node is split: the other way round, two that don't would be joined again, and split again. */
static bool can_split(const match *m, const pgi_node *node) {
  if (m->rank != RANK || !has_perm(node, turn_all, RANK)) return false;
  const pgi_value *from = node->in[0].value;
  return is_f32(from, RANK) && pgi_dim_equal(m->q->type.dims[0], from->type.dims[0]) &&
         pgi_dim_equal(m->q->type.dims[1], from->type.dims[2]);
}

static pg_status split_turn(pgi_node *node, pg_error *err) {
  static const int64_t swap[] = {0, 1, 3, 2};
  pgi_node *made;
  pgi_value *front;
  PG_TRY(pgi_edit_call(node->graph, node, "Transpose", 1, &node->in[0].value, &made, &front, err));
  PG_TRY(pgi_attr_set_ints(made, "perm", RANK, turn_heads, err));
  const pgi_type *from = &node->in[0].value->type;
  front->type = *from;
  for (int i = 0; i < RANK; i++) front->type.dims[i] = from->dims[turn_heads[i]];
  PG_TRY(pgi_edit_set_input(node, 0, front, err));
  return pgi_attr_set_ints(node, "perm", RANK, swap, err);
}

/* Scores with the mask on, of one shape with the scores alone. */
static pgi_value *match_mask(match *m, pgi_value *biased) {
  const pgi_node *add = biased->producer;
  if (!is_type(add, "Add") || m->rank != RANK) return biased;
  for (int i = 0; i < 2; i++) {
    pgi_value *scores = add->in[i].value, *mask = add->in[1 - i].value;
    const pgi_node *from = scores ? scores->producer : NULL;
    if (!mask || !is_f32(scores, RANK) || mask->type.kind != PG_TYPE_TENSOR) continue;
    if (mask->type.dtype != PG_F32 || mask->type.rank < 1 || mask->type.rank > RANK) continue;
    if (!is_type(from, "MatMul") && !is_type(from, "Mul") && !is_type(from, "Div")) continue;
    bool fits = pgi_dim_equal(mask->type.dims[mask->type.rank - 1], scores->type.dims[RANK - 1]);
    for (int k = 0; k < RANK && fits; k++)
      fits = pgi_dim_equal(scores->type.dims[k], biased->type.dims[k]);
    if (!fits) continue;
    m->mask = mask;
    return scores;
  }
  return biased;
}

/* MatMul, or Linear that has swallowed the mask. */
static bool is_scores(match *m, const pgi_node *node) {
  if (is_type(node, "MatMul")) return true;
  if (!node || strcmp(node->domain, "perigee") != 0 || strcmp(node->type, "Linear") != 0)
    return false;
  bool is_plain = pgi_attr_string(node, "activation").size == 0 && !pgi_attr_int(node, "transA") &&
                  !pgi_attr_int(node, "transB") && !node->in[2].value && node->n_in == 4;
  if (!is_plain || m->mask || m->scale != 1 || m->rank != RANK) return false;
  m->mask = node->in[3].value;
  m->scale = (double)pgi_attr_float(node, "alpha");
  return m->mask != NULL;
}

/* Batches must be the same, not broadcast. */
static bool same_batch(const pgi_value *a, const pgi_value *b, int n) {
  for (int i = 0; i < n; i++)
    if (!pgi_dim_equal(a->type.dims[i], b->type.dims[i])) return false;
  return true;
}

static pg_status find(pgi_node *softmax, match *m, bool *found, pg_error *err) {
  int at;
  pgi_value *y = softmax->out[0], *x = softmax->in[0].value;
  m->last = y ? pgi_only_consumer(y, &at) : NULL;
  if (!is_type(m->last, "MatMul") || at != 0 || !x || x->type.kind != PG_TYPE_TENSOR) return PG_OK;
  m->rank = x->type.rank;
  m->v = m->last->in[1].value;
  if ((m->rank != 3 && m->rank != RANK) || !is_f32(x, m->rank) || !is_f32(m->v, m->rank))
    return PG_OK;
  int64_t axis = pgi_attr_int(softmax, "axis");
  if (axis != -1 && axis != m->rank - 1) return PG_OK;
  pgi_value *scores = unscaled(match_mask(m, x), &m->scale);
  const pgi_node *product = scores->producer;
  if (!is_scores(m, product)) return PG_OK;
  pgi_value *q = product->in[0].value, *turned = product->in[1].value;
  if (!is_f32(q, m->rank) || !is_f32(turned, m->rank)) return PG_OK;
  m->q = unscaled(q, &m->scale);
  if (!same_batch(m->q, m->v, m->rank - 2)) return PG_OK;
  double unused = 1;
  pgi_node *turn = unscaled(turned, &unused)->producer;
  if (can_split(m, turn)) PG_TRY(split_turn(turn, err));
  if (!match_key(m, turned)) return PG_OK;
  *found = same_batch(m->q, m->k, m->rank - 2);
  return PG_OK;
}

/* ---- heads where they are --------------------------------------------------------------------- */

/* [B, H, L, D] that was [B, L, H, D] before, with H and D known: *out is that as [B, L, H D]. */
static pg_status packed(pgi_node *before, pgi_value *v, pgi_value **out, pg_error *err) {
  static const int64_t heads[] = {0, 2, 1, 3}, shape[] = {0, 0, -1};
  const pgi_node *turn = v->producer;
  pgi_value *dims;
  pgi_node *made;
  *out = NULL;
  if (v->type.rank != RANK || v->type.dims[1].n < 1 || v->type.dims[3].n < 1) return PG_OK;
  if (!has_perm(turn, heads, RANK)) return PG_OK;
  PG_TRY(pgi_edit_constant_i64s(before->graph, 3, shape, &dims, err));
  return pgi_edit_call(before->graph, before, "Reshape", 2,
                       (pgi_value *[]){turn->in[0].value, dims}, &made, out, err);
}

/* The Transpose behind the product, when it is all that uses it. */
static pgi_node *turn_back(const match *m) {
  static const int64_t heads[] = {0, 2, 1, 3};
  int at;
  pgi_node *turn = m->last->out[0] ? pgi_only_consumer(m->last->out[0], &at) : NULL;
  return turn && has_perm(turn, heads, RANK) ? turn : NULL;
}

/* What the Transpose made, from [B, L, H D]. */
static pg_status unpack(pgi_node *turn, pgi_value *y, const match *m, pg_error *err) {
  pgi_value *dims, *out;
  pgi_node *made;
  const int64_t shape[] = {0, 0, m->q->type.dims[1].n, m->v->type.dims[3].n};
  PG_TRY(pgi_edit_constant_i64s(turn->graph, RANK, shape, &dims, err));
  PG_TRY(
      pgi_edit_call(turn->graph, turn, "Reshape", 2, (pgi_value *[]){y, dims}, &made, &out, err));
  return pgi_edit_replace_node(turn, &out, err);
}

static pg_status build(const match *m, pg_error *err) {
  pgi_node *node, *turn = m->rank == RANK ? turn_back(m) : NULL;
  pgi_value *q = m->q, *k = m->k, *v = m->v, *room, *y;
  int64_t heads = m->rank == RANK ? PG_MAX(q->type.dims[1].n, 1) : 1;
  bool is_packed = false;
  if (turn && v->type.dims[3].n > 0) {
    PG_TRY(packed(m->last, q, &room, err));
    is_packed = room != NULL;
    if (room) q = room;
  }
  if (m->rank == RANK) {
    PG_TRY(packed(m->last, k, &room, err));
    if (room) k = room;
    PG_TRY(packed(m->last, v, &room, err));
    if (room) v = room;
  }
  pgi_value *in[] = {q, k, v, m->mask};
  PG_TRY(pgi_edit_call(m->last->graph, m->last, "Attention", m->mask ? 4 : 3, in, &node, &y, err));
  PG_TRY(pgi_edit_retype(node, "perigee", "Attend", err));
  PG_TRY(pgi_attr_set_int(node, "q_num_heads", heads, err));
  PG_TRY(pgi_attr_set_int(node, "kv_num_heads", heads, err));
  PG_TRY(pgi_attr_set_float(node, "scale", (float)m->scale, err));
  if (!is_packed) return pgi_edit_replace_node(m->last, &y, err);
  return unpack(turn, y, m, err);
}

pg_status pgi_softmax_absorb(pgi_node *node, bool *changed, pg_error *err) {
  match m = {.scale = 1};
  bool found = false;
  PG_TRY(find(node, &m, &found, err));
  if (!found) return PG_OK;
  *changed = true;
  return build(&m, err);
}
