/* Split: pieces along an axis. */
#include "op/move.h"

/* Split-1 could take the lengths as an input already, in the type of the data. */
static pg_status split_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 18) return PG_OK;
  if (version < 2 && node->n_in > 1 && node->in[1].value) {
    pgi_node *cast;
    pgi_value *lengths = node->in[1].value;
    PG_TRY(pgi_edit_call(node->graph, node, "Cast", 1, &lengths, &cast, &lengths, err));
    PG_TRY(pgi_attr_set_int(cast, "to", PG_I64, err));
    PG_TRY(pgi_edit_set_input(node, 1, lengths, err));
  }
  if (version < 13) PG_TRY(pgi_upgrade_ints_to_input(node, "split", 1, err));
  bool has_lengths = node->n_in > 1 && node->in[1].value;
  if (has_lengths || pgi_attr_find(node, "num_outputs")) return PG_OK;
  return pgi_attr_set_int(node, "num_outputs", node->n_out, err);
}

/* The lengths of n pieces of an axis of `dim` elements: as listed, or of equal size, where the
** last one takes what is left. */
static pg_status lengths(const pgi_node *node, const pg_tensor *split, int n, int64_t dim,
                         int64_t *out, pg_error *err) {
  int count, left = 0;
  int64_t sum = 0;
  PG_TRY(pgi_list(split, "split", out, n, &count, err));
  if (count < 0) {
    int64_t parts = pgi_attr_find(node, "num_outputs") ? pgi_attr_int(node, "num_outputs") : n;
    if (parts != n) {
      return pgi_fail(err, PG_INVALID, "num_outputs: expected %d, as outputs, got %lld", n,
                      (long long)parts);
    }
    int64_t size = dim / n + (dim % n != 0);
    for (int i = 0; i < n; i++) {
      out[i] = PG_MIN(size, dim - sum);
      sum += out[i];
    }
    return PG_OK;
  }
  for (int i = 0; i < count && left == 0; i++) {
    if (out[i] < 0 || out[i] > dim - sum)
      left = 1;
    else
      sum += out[i];
  }
  if (count != n || left || sum != dim) {
    return pgi_fail(err, PG_INVALID, "split: expected %d lengths that add up to %lld", n,
                    (long long)dim);
  }
  return PG_OK;
}

/* Lengths of an axis whose size has a name: given ones, or equal ones but for the last. */
static pg_status split_symbols(pgi_infer *inf, int axis, int n) {
  pgi_num *sizes = pgi_arena_alloc(inf->arena, (size_t)n * sizeof *sizes);
  pgi_num dim = pgi_num_of_dim(inf->in[0]->dims[axis]), each;
  int n_sizes;
  if (!sizes) return pgi_nomem(inf->err);
  if (pgi_has_in(inf, 1)) {
    PG_TRY(pgi_num_list(inf, 1, "split", sizes, n, &n_sizes));
    for (int i = 0; i < n && n_sizes == n; i++)
      PG_TRY(pgi_num_size(inf, sizes[i], "split", i, &inf->out[i].dims[axis]));
    return PG_OK;
  }
  bool is_even = !pgi_attr_find(inf->node, "num_outputs");
  each = pgi_num_ratio(inf->arena, dim, pgi_num_of(n));
  each = is_even ? pgi_num_floor(inf->arena, each) : pgi_num_ceil(inf->arena, each);
  pgi_num before = pgi_num_mul(inf->arena, each, pgi_num_of(n - 1));
  pgi_num last = is_even ? each : pgi_num_sub(inf->arena, dim, before);
  for (int i = 0; i < n; i++) inf->out[i].dims[axis] = pgi_dim_of_num(i < n - 1 ? each : last);
  return PG_OK;
}

static pg_status split_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis, n = inf->n_out;
  int64_t *sizes = pgi_arena_alloc(inf->arena, (size_t)n * sizeof *sizes);
  if (!sizes) return pgi_nomem(inf->err);
  for (int i = 0; i < n; i++) pgi_out_type(inf, i, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  int64_t dim = inf->in[0]->dims[axis].n;
  bool is_known = dim >= 0 && (!pgi_has_in(inf, 1) || pgi_known(inf, 1));
  if (is_known) PG_TRY(lengths(inf->node, pgi_known(inf, 1), n, dim, sizes, inf->err));
  for (int i = 0; i < n; i++) {
    memcpy(inf->out[i].dims, inf->in[0]->dims, (size_t)rank * sizeof(pgi_dim));
    inf->out[i].dims[axis] = is_known ? pgi_dim_of(sizes[i]) : pgi_dim_unknown();
  }
  return is_known ? PG_OK : split_symbols(inf, axis, n);
}

static pg_status split_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  int64_t *sizes = pgi_call_scratch(c, (size_t)c->n_out * sizeof *sizes);
  pgi_elems from;
  int axis;
  if (!sizes) return pgi_nomem(c->err);
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), in->rank, &axis, c->err));
  PG_TRY(lengths(c->node, pgi_input(c, 1), c->n_out, in->dims[axis], sizes, c->err));
  PG_TRY(pgi_elems_of(c, in, &from));
  int64_t outer = pgi_dims_product(in->dims, 0, axis), at = 0;
  int64_t inner = pgi_dims_product(in->dims, axis + 1, in->rank);
  int64_t from_strides[2] = {in->dims[axis] * inner, 1};
  for (int i = 0; i < c->n_out; at += sizes[i++] * inner) {
    pgi_elems to;
    if (!c->out[i]) continue;
    PG_TRY(pgi_elems_for(c, c->out[i], &to));
    int64_t dims[2] = {outer, sizes[i] * inner}, to_strides[2] = {dims[1], 1};
    pgi_move_strided(c, to.data, to_strides, from.data + at * (int64_t)from.size, from_strides, 2,
                     dims, to.size);
    PG_TRY(pgi_elems_done(c, c->out[i], &to));
  }
  return PG_OK;
}

static bool split_is_identity(const pgi_node *node) {
  return node->n_out == 1;
}

static const pgi_attr_def split_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT}, {.name = "num_outputs", .kind = PG_ATTR_INT}, {0}};

PG_OP(split) = {
    .name = "Split",
    .since = {1, 2, 11, 13, 18},
    .in = {1, 2},
    .out = {1, PG_MANY},
    .types = PG_T_ALL,
    .attrs = split_attrs,
    .upgrade = split_upgrade,
    .infer = split_infer,
    .run = split_run,
    .is_identity = split_is_identity,
};
