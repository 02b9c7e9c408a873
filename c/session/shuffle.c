/* shuffle: the pattern that channel shuffles are in files: two values joined (Concat), their channels
** seen as 2 x C (Reshape), exchanged (Transpose), seen as 2 C again (Reshape). */
#include "session/internal.h"

static const pgi_node *made_by(const pgi_value *v, const char *type) {
  const pgi_node *node = v ? v->producer : NULL;
  bool is_it = node && node->domain[0] == 0 && strcmp(node->type, type) == 0 && node->n_in > 0;
  return is_it && node->n_out > 0 && node->out[0] == v ? node : NULL;
}

static bool is_exchange(const pgi_node *node) {
  static const int64_t wanted[] = {0, 2, 1, 3, 4};
  int64_t n;
  const int64_t *perm = pgi_attr_ints(node, "perm", &n);
  if (n != PG_COUNT(wanted)) return false;
  for (int i = 0; i < PG_COUNT(wanted); i++) {
    if (perm[i] != wanted[i]) return false;
  }
  return true;
}

/* Whether v is [N, ...] with these numbers after the first. */
static bool has_dims(const pgi_value *v, int rank, const int64_t *dims) {
  if (!v || v->type.kind != PG_TYPE_TENSOR || v->type.rank != rank) return false;
  for (int i = 1; i < rank; i++) {
    if (v->type.dims[i].n != dims[i - 1]) return false;
  }
  return true;
}

bool pgi_is_shuffle(const pgi_value *v, pgi_value *out[2]) {
  const pgi_node *last = made_by(v, "Reshape");
  const pgi_node *exchange = last ? made_by(last->in[0].value, "Transpose") : NULL;
  const pgi_node *first = exchange ? made_by(exchange->in[0].value, "Reshape") : NULL;
  const pgi_node *join = first ? made_by(first->in[0].value, "Concat") : NULL;
  if (!join || join->n_in != 2 || !is_exchange(exchange)) return false;
  const pgi_value *a = join->in[0].value, *b = join->in[1].value;
  if (pgi_attr_int(join, "axis") != 1 || !a || !b || a->type.rank != 4) return false;
  const pgi_dim *d = a->type.dims;
  int64_t c = d[1].n, h = d[2].n, w = d[3].n;
  if (c <= 0 || h <= 0 || w <= 0) return false;
  if (!has_dims(b, 4, (int64_t[]){c, h, w})) return false;
  if (!has_dims(exchange->in[0].value, 5, (int64_t[]){2, c, h, w})) return false;
  if (!has_dims(v, 4, (int64_t[]){2 * c, h, w})) return false;
  out[0] = join->in[0].value;
  out[1] = join->in[1].value;
  return true;
}
