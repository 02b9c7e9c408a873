/* Pad: more elements around, by a constant or from the data itself; negative pads cut off. */
#include "op/move.h"

/* Pad-1 calls them `paddings`; until 10 they and the value are attributes. */
static pg_status pad_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 11) return PG_OK;
  PG_TRY(pgi_upgrade_ints_to_input(node, "paddings", 1, err));
  PG_TRY(pgi_upgrade_ints_to_input(node, "pads", 1, err));
  return pgi_upgrade_float_to_input(node, "value", 2, err);
}

/* Pads of each axis, before and behind.  *is_known: false when some input isn't. */
static pg_status read_pads(const pg_tensor *pads, const pg_tensor *axes, bool has_axes, int rank,
                           int64_t *before, int64_t *behind, bool *is_known, pg_error *err) {
  int64_t list[2 * PG_MAX_RANK], which[PG_MAX_RANK];
  bool seen[PG_MAX_RANK];
  int n, n_axes;
  PG_TRY(pgi_list(pads, "pads", list, 2 * PG_MAX_RANK, &n, err));
  PG_TRY(pgi_list(axes, "axes", which, PG_MAX_RANK, &n_axes, err));
  *is_known = n >= 0 && (!has_axes || n_axes >= 0);
  if (!*is_known) return PG_OK;
  if (!has_axes) {
    n_axes = rank;
    for (int i = 0; i < rank; i++) which[i] = i;
  }
  if (n != 2 * n_axes) {
    return pgi_fail(err, PG_INVALID, "pads: expected two for each of %d axes, got %d", n_axes, n);
  }
  PG_TRY(pgi_axes(which, n_axes, rank, seen, err));
  for (int i = 0; i < rank; i++) before[i] = behind[i] = 0;
  for (int i = 0; i < n_axes; i++) {
    int axis = 0;
    PG_TRY(pgi_axis(which[i], rank, &axis, err));
    before[axis] = list[i];
    behind[axis] = list[n_axes + i];
  }
  return PG_OK;
}

static pg_status padded(int64_t dim, int64_t before, int64_t behind, int64_t *out, pg_error *err) {
  if (before < -dim || behind < -dim || __builtin_add_overflow(dim, before, out) ||
      __builtin_add_overflow(*out, behind, out) || *out < 0) {
    return pgi_fail(err, PG_INVALID, "pads: %lld and %lld don't fit %lld elements",
                    (long long)before, (long long)behind, (long long)dim);
  }
  return PG_OK;
}

/* Pads that are known by symbols, of all axes or of known ones. */
static pg_status pad_symbols(pgi_infer *inf, pgi_type *out) {
  pgi_num pads[2 * PG_MAX_RANK];
  int64_t axes[PG_MAX_RANK];
  const pgi_type *in = inf->in[0];
  int n, n_axes = in->rank, axis = 0;
  PG_TRY(pgi_num_list(inf, 1, "pads", pads, 2 * PG_MAX_RANK, &n));
  if (pgi_has_in(inf, 3))
    PG_TRY(pgi_list(pgi_known(inf, 3), "axes", axes, PG_MAX_RANK, &n_axes, inf->err));
  if (n < 0 || n_axes < 0 || n != 2 * n_axes) return PG_OK;
  memcpy(out->dims, in->dims, sizeof out->dims);
  for (int i = 0; i < n_axes; i++) {
    PG_TRY(pgi_axis(pgi_has_in(inf, 3) ? axes[i] : i, in->rank, &axis, inf->err));
    pgi_num around = pgi_num_add(inf->arena, pads[i], pads[n_axes + i]);
    around = pgi_num_add(inf->arena, around, pgi_num_of_dim(in->dims[axis]));
    out->dims[axis] = pgi_dim_of_num(around);
  }
  return PG_OK;
}

static pg_status pad_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t before[PG_MAX_RANK], behind[PG_MAX_RANK];
  bool is_known;
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  PG_TRY(read_pads(pgi_known(inf, 1), pgi_known(inf, 3), pgi_has_in(inf, 3), rank, before, behind,
                   &is_known, inf->err));
  if (!is_known) return pad_symbols(inf, out);
  for (int i = 0; i < rank; i++) {
    pgi_dim dim = inf->in[0]->dims[i];
    if (before[i] == 0 && behind[i] == 0)
      out->dims[i] = dim;
    else if (dim.n >= 0)
      PG_TRY(padded(dim.n, before[i], behind[i], &out->dims[i].n, inf->err));
    else if (!__builtin_add_overflow(before[i], behind[i], &before[i]))
      out->dims[i] = pgi_dim_shift(inf->arena, dim, before[i]);
  }
  return PG_OK;
}

typedef enum pad_mode { CONSTANT, REFLECT, EDGE, WRAP } pad_mode;

static pg_status mode_of(const pgi_node *node, pad_mode *out, pg_error *err) {
  static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
  pg_string given = pgi_attr_string(node, "mode");
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "mode", names[i])) continue;
    *out = (pad_mode)i;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "mode: expected constant, reflect, edge or wrap, got '%.*s'",
                  (int)PG_MIN(given.size, (size_t)40), given.data);
}

static int64_t modulo(int64_t a, int64_t n) {
  int64_t r = a % n;
  return r < 0 ? r + n : r;
}

/* Where place i of a window of n elements comes from, i being outside. */
static int64_t outside(pad_mode mode, int64_t i, int64_t n) {
  if (mode == CONSTANT) return -1;
  if (mode == EDGE) return i < 0 ? 0 : n - 1;
  if (mode == WRAP) return modulo(i, n);
  if (n == 1) return 0;
  int64_t turn = modulo(i, 2 * (n - 1)); /* there and back, the ends once each */
  return turn < n ? turn : 2 * (n - 1) - turn;
}

/* The map of one axis: the window that negative pads leave, and what lies around it. */
static pg_status make_map(pgi_call *c, pad_mode mode, int axis, int64_t before, int64_t behind,
                          const int64_t **out) {
  int64_t dim = c->in[0]->dims[axis], n = c->out[0]->dims[axis];
  int64_t first = before < 0 ? -before : 0;
  int64_t size = dim - first + (behind < 0 ? behind : 0);
  int64_t *map = pgi_call_scratch(c, (size_t)PG_MAX(n, 1) * sizeof *map);
  if (!map) return pgi_nomem(c->err);
  if (size <= 0 && n > 0 && mode != CONSTANT) {
    return pgi_fail(c->err, PG_INVALID, "pads: nothing is left on axis %d to pad with", axis);
  }
  for (int64_t i = 0; i < n; i++) {
    int64_t at = i - PG_MAX(before, 0);
    bool is_inside = at >= 0 && at < size;
    int64_t from = is_inside ? at : outside(mode, at, size);
    map[i] = from < 0 ? -1 : first + from;
  }
  *out = map;
  return PG_OK;
}

/* The element to fill with, as the data's are held; zero (or an empty string) when not given. */
static pg_status fill_of(pgi_call *c, const char **out) {
  static const uint64_t zero[2];
  const pg_tensor *value = pgi_input(c, 2);
  pgi_elems e;
  *out = (const char *)zero;
  if (!value) return PG_OK;
  if (value->dtype != c->in[0]->dtype || pgi_tensor_count(value) != 1) {
    char text[400];
    return pgi_fail(c->err, PG_INVALID, "constant_value: expected one %s, got %s",
                    pg_dtype_name(c->in[0]->dtype),
                    pgi_shape_text(value->dtype, value->rank, value->dims, text, sizeof text));
  }
  PG_TRY(pgi_elems_of(c, value, &e));
  *out = e.data;
  return PG_OK;
}

static pg_status pad_run(pgi_call *c) {
  const pg_tensor *in = c->in[0], *axes = pgi_input(c, 3);
  int64_t before[PG_MAX_RANK], behind[PG_MAX_RANK];
  const int64_t *maps[PG_MAX_RANK];
  pgi_mapped m = {in->rank, c->out[0]->dims, in->dims, maps, NULL};
  pgi_elems from, to;
  pad_mode mode = CONSTANT;
  bool is_known;
  PG_TRY(mode_of(c->node, &mode, c->err));
  PG_TRY(fill_of(c, &m.fill));
  PG_TRY(read_pads(c->in[1], axes, axes != NULL, in->rank, before, behind, &is_known, c->err));
  for (int i = 0; i < in->rank; i++) {
    PG_TRY(make_map(c, mode, i, before[i], behind[i], &maps[i]));
  }
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  PG_TRY(pgi_move_mapped(c, to.data, from.data, from.size, &m));
  return pgi_elems_done(c, c->out[0], &to);
}

/* The pads are known to be none at all. */
static bool pad_is_identity(const pgi_node *node) {
  const pgi_value *pads = node->n_in > 1 ? node->in[1].value : NULL;
  if (!pads || !pgi_value_is_constant(pads) || pgi_dtype_kind(pads->constant.dtype) != PG_KIND_INT)
    return false;
  for (int64_t i = 0; i < pgi_tensor_count(&pads->constant); i++) {
    if (pgi_tensor_get_i64(&pads->constant, i) != 0) return false;
  }
  return true;
}

static const pgi_attr_def pad_attrs[] = {{.name = "mode", .kind = PG_ATTR_STRING, .s = "constant"},
                                         {0}};

PG_OP(pad) = {
    .name = "Pad",
    .since = {1, 2, 11, 13, 18, 19, 21, 23, 24, 25},
    .in = {2, 4},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = pad_attrs,
    .upgrade = pad_upgrade,
    .infer = pad_infer,
    .run = pad_run,
    .is_identity = pad_is_identity,
};
