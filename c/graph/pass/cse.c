/* cse: nodes of the same operator with equal attributes and equal inputs become one.
**
** One sweep in order is enough: by the time a node is looked at its inputs have been merged.  Small
** constants count as equal when their bytes are. */
#include "graph/opdef.h"

enum { LARGEST_CONSTANT = 1024 }; /* bytes, of a constant that is compared by content */

typedef struct slot {
  uint64_t hash;
  pgi_node *node; /* NULL: free */
} slot;

typedef struct table {
  slot *slots;
  uint64_t mask;
} table;

/* ---- hashing ------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *data, size_t size) {
  const unsigned char *p = data;
  for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 0x100000001b3u;
  return mix(h, size);
}

static bool is_plain(const pg_tensor *t) {
  pgi_kind kind = pgi_dtype_kind(t->dtype);
  return kind != PG_KIND_NONE && kind != PG_KIND_STRING && kind != PG_KIND_OBJECT;
}

/* The bytes of a small tensor; false when it is to be compared by identity. */
static bool small_bytes(const pg_tensor *t, const void **data, size_t *size) {
  if (!is_plain(t) || !pgi_tensor_is_contiguous(t)) return false;
  if (!pgi_dtype_bytes(t->dtype, pgi_tensor_count(t), size) || *size > LARGEST_CONSTANT)
    return false;
  *data = pgi_tensor_data(t);
  return true;
}

static uint64_t hash_tensor(uint64_t h, const pg_tensor *t) {
  const void *data;
  size_t size;
  h = mix(h, (uint64_t)t->dtype);
  for (int i = 0; i < t->rank; i++) h = mix(h, (uint64_t)t->dims[i]);
  if (small_bytes(t, &data, &size)) return mix_bytes(h, data, size);
  return mix(mix(h, (uint64_t)(uintptr_t)t->buffer), (uint64_t)t->offset);
}

static bool same_tensor(const pg_tensor *a, const pg_tensor *b) {
  if (a == b) return true;
  if (a->dtype != b->dtype || !pgi_same_dims(a, b)) return false;
  if (a->buffer == b->buffer && a->offset == b->offset &&
      memcmp(a->strides, b->strides, (size_t)a->rank * sizeof *a->strides) == 0)
    return true;
  const void *x, *y;
  size_t n, m;
  return small_bytes(a, &x, &n) && small_bytes(b, &y, &m) && n == m && memcmp(x, y, n) == 0;
}

static uint64_t hash_input(uint64_t h, const pgi_value *v) {
  if (v && pgi_value_is_constant(v)) return hash_tensor(h, &v->constant);
  return mix(h, (uint64_t)(uintptr_t)v);
}

static bool same_input(const pgi_value *a, const pgi_value *b) {
  if (a == b) return true;
  return a && b && pgi_value_is_constant(a) && pgi_value_is_constant(b) &&
         same_tensor(&a->constant, &b->constant);
}

/* ---- attributes --------------------------------------------------------------------------------- */

static bool is_comparable(const pgi_attr *a) {
  return !a->ref &&
         (a->kind == PG_ATTR_FLOAT || a->kind == PG_ATTR_INT || a->kind == PG_ATTR_STRING ||
          a->kind == PG_ATTR_TENSOR || a->kind == PG_ATTR_FLOATS || a->kind == PG_ATTR_INTS ||
          a->kind == PG_ATTR_STRINGS);
}

/* Floats by their bits: -0 is not 0, and a NaN is itself. */
static bool same_attr(const pgi_attr *a, const pgi_attr *b) {
  if (a->kind != b->kind || a->n != b->n) return false;
  size_t n = (size_t)a->n;
  switch (a->kind) {
    case PG_ATTR_FLOAT:
    case PG_ATTR_FLOATS:
      return n == 0 || memcmp(a->floats, b->floats, n * sizeof *a->floats) == 0;
    case PG_ATTR_INT:
    case PG_ATTR_INTS:
      return n == 0 || memcmp(a->ints, b->ints, n * sizeof *a->ints) == 0;
    case PG_ATTR_TENSOR:
      return n == 0 || same_tensor(a->tensors[0], b->tensors[0]);
    default:
      break;
  }
  for (size_t i = 0; i < n; i++) {
    pg_string s = a->strings[i], t = b->strings[i];
    if (s.size != t.size || (s.size && memcmp(s.data, t.data, s.size) != 0)) return false;
  }
  return true;
}

static bool same_attrs(const pgi_node *a, const pgi_node *b) {
  if (a->n_attrs != b->n_attrs) return false;
  for (int i = 0; i < a->n_attrs; i++) {
    const pgi_attr *other = pgi_attr_find(b, a->attrs[i].name);
    if (!other || !same_attr(&a->attrs[i], other)) return false;
  }
  return true;
}

static uint64_t hash_attr(const pgi_attr *a) {
  uint64_t h = mix_bytes((uint64_t)a->n, a->name, strlen(a->name));
  size_t n = (size_t)a->n;
  if (a->kind == PG_ATTR_INT || a->kind == PG_ATTR_INTS)
    return mix_bytes(h, a->ints, n * sizeof *a->ints);
  if (a->kind == PG_ATTR_FLOAT || a->kind == PG_ATTR_FLOATS)
    return mix_bytes(h, a->floats, n * sizeof *a->floats);
  if (a->kind == PG_ATTR_TENSOR) return n ? hash_tensor(h, a->tensors[0]) : h;
  for (size_t i = 0; i < n; i++) h = mix_bytes(h, a->strings[i].data, a->strings[i].size);
  return h;
}

/* Independent of the order of the attributes. */
static uint64_t hash_attrs(const pgi_node *node) {
  uint64_t sum = 0;
  for (int i = 0; i < node->n_attrs; i++) sum += hash_attr(&node->attrs[i]);
  return sum;
}

/* ---- nodes -------------------------------------------------------------------------------------- */

static bool is_candidate(const pgi_node *node) {
  if (!node->op || (node->op->flags & PG_OP_RANDOM) || node->n_out == 0) return false;
  for (int i = 0; i < node->n_attrs; i++)
    if (!is_comparable(&node->attrs[i])) return false;
  return true;
}

static uint64_t hash_node(const pgi_node *node) {
  uint64_t h = mix((uint64_t)(uintptr_t)node->op, (uint64_t)node->n_out);
  for (int i = 0; i < node->n_in; i++) h = hash_input(h, node->in[i].value);
  return mix(h, hash_attrs(node));
}

static bool same_node(const pgi_node *a, const pgi_node *b) {
  if (a->op != b->op || a->version != b->version || a->n_in != b->n_in || a->n_out != b->n_out)
    return false;
  for (int i = 0; i < a->n_in; i++)
    if (!same_input(a->in[i].value, b->in[i].value)) return false;
  for (int i = 0; i < a->n_out; i++)
    if (!a->out[i] != !b->out[i]) return false;
  return same_attrs(a, b);
}

/* All outputs or none: a node that must stay for one of them saves nothing. */
static bool merge(pgi_node *into, pgi_node *node) {
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] && !pgi_edit_can_replace(node->out[i], into->out[i])) return false;
  for (int i = 0; i < node->n_out; i++) {
    if (!node->out[i]) continue;
    if (!pgi_edit_replace_keep_name(node->out[i], into->out[i])) return false;
    pgi_type_merge(&into->out[i]->type, &node->out[i]->type);
  }
  pgi_edit_remove_node(node);
  return true;
}

static slot *find(const table *t, uint64_t hash, const pgi_node *node) {
  for (uint64_t i = hash & t->mask;; i = (i + 1) & t->mask) {
    slot *s = &t->slots[i];
    if (!s->node || (s->hash == hash && same_node(s->node, node))) return s;
  }
}

static pg_status merge_graph(pg_graph *g, bool *changed, pg_error *err) {
  pg_context *ctx = g->model->ctx;
  uint64_t size = 16;
  while (size < 2 * (uint64_t)g->n_nodes) size *= 2;
  table t = {pgi_alloc_zero(ctx, (size_t)size * sizeof *t.slots), size - 1};
  if (!t.slots) return pgi_nomem(err);
  pg_status status = PG_OK;
  for (pgi_node *node = g->first; node && status == PG_OK; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; status == PG_OK && (body = pgi_bodies_next(&it));)
      status = merge_graph(body, changed, err);
    if (!is_candidate(node)) continue;
    uint64_t hash = hash_node(node);
    slot *s = find(&t, hash, node);
    if (!s->node)
      *s = (slot){hash, node};
    else if (merge(s->node, node))
      *changed = true;
  }
  pgi_free(ctx, t.slots);
  return status;
}

pg_status pgi_pass_cse(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  pgi_graph_pin(g, o);
  return merge_graph(g, changed, err);
}
