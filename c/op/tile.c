/* Tile: the whole, several times along each axis. */
#include "op/move.h"

/* Tile-1: `tiles` times along `axis`, two scalars.  Repeats are ones but for the axis, which
** takes a known rank and constants. */
static pg_status tile_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 6) return PG_OK;
  const pgi_value *in = node->in[0].value, *tiles = node->n_in > 1 ? node->in[1].value : NULL;
  const pgi_value *along = node->n_in > 2 ? node->in[2].value : NULL;
  int64_t repeats[PG_MAX_RANK], times, axis;
  int rank = in && in->type.kind == PG_TYPE_TENSOR ? in->type.rank : -1, at;
  if (rank < 0 || !tiles || !along || tiles->constant.dtype == PG_NONE ||
      along->constant.dtype == PG_NONE) {
    return pgi_fail(err, PG_UNSUPPORTED, "Tile-1 needs a known rank and constant tiles and axis");
  }
  PG_TRY(pgi_scalar_i64(&tiles->constant, "tiles", &times, err));
  PG_TRY(pgi_scalar_i64(&along->constant, "axis", &axis, err));
  PG_TRY(pgi_axis(axis, rank, &at, err));
  for (int i = 0; i < rank; i++) repeats[i] = i == at ? times : 1;
  pgi_value *inputs[2] = {node->in[0].value, NULL};
  PG_TRY(pgi_edit_constant_i64s(node->graph, rank, repeats, &inputs[1], err));
  return pgi_edit_set_inputs(node, 2, inputs, err);
}

static pg_status tile_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), n;
  int64_t repeats[PG_MAX_RANK];
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  PG_TRY(pgi_list(pgi_known(inf, 1), "repeats", repeats, PG_MAX_RANK, &n, inf->err));
  if (rank < 0 || n < 0) return PG_OK;
  if (n != rank) {
    return pgi_fail(inf->err, PG_INVALID, "repeats: expected %d numbers, got %d", rank, n);
  }
  for (int i = 0; i < rank; i++) {
    int64_t dim = inf->in[0]->dims[i].n, total;
    if (repeats[i] < 0 || (dim > 0 && __builtin_mul_overflow(dim, repeats[i], &total))) {
      return pgi_fail(inf->err, PG_INVALID, "repeats[%d]: %lld", i, (long long)repeats[i]);
    }
    out->dims[i] = pgi_dim_mul(inf->in[0]->dims[i], pgi_dim_of(repeats[i]));
  }
  return PG_OK;
}

static pg_status tile_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  const int64_t *maps[PG_MAX_RANK], *dims = c->out[0]->dims;
  pgi_mapped m = {in->rank, dims, in->dims, maps, NULL};
  pgi_elems from, to;
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  for (int i = 0; i < in->rank; i++) {
    int64_t *map = pgi_call_scratch(c, (size_t)PG_MAX(dims[i], 1) * sizeof *map);
    if (!map) return pgi_nomem(c->err);
    for (int64_t k = 0; k < dims[i]; k++) map[k] = k % in->dims[i];
    maps[i] = map;
  }
  PG_TRY(pgi_move_mapped(c, to.data, from.data, from.size, &m));
  return pgi_elems_done(c, c->out[0], &to);
}

static bool all_ones(const pgi_node *node) {
  const pgi_value *repeats = node->n_in > 1 ? node->in[1].value : NULL;
  if (!repeats || !pgi_value_is_constant(repeats)) return false;
  for (int64_t i = 0; i < pgi_tensor_count(&repeats->constant); i++) {
    if (pgi_tensor_get_i64(&repeats->constant, i) != 1) return false;
  }
  return true;
}

PG_OP(tile) = {
    .name = "Tile",
    .since = {1, 6, 13},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .upgrade = tile_upgrade,
    .infer = tile_infer,
    .run = tile_run,
    .is_identity = all_ones,
};
