/* Tile: the whole, several times along each axis. */
#include "op/move.h"

/* Tile-1: `tiles` times along `axis`, two scalars.  Repeats are ones but for the axis, which
** takes a known rank and constants. */
static pg_status call(pgi_node *before, const char *type, int n_in, pgi_value *const *in,
                      pgi_node **made, pgi_value **out, pg_error *err) {
  return pgi_edit_call(before->graph, before, type, n_in, in, made, out, err);
}

/* Input i, one number of any type, as i64 [1]. */
static pg_status number(pgi_node *node, int i, pgi_value **out, pg_error *err) {
  pgi_value *in[2] = {node->in[i].value, NULL};
  pgi_node *made;
  PG_TRY(call(node, "Cast", 1, in, &made, &in[0], err));
  PG_TRY(pgi_attr_set_int(made, "to", PG_I64, err));
  PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &(int64_t){1}, &in[1], err));
  return call(node, "Reshape", 2, in, &made, out, err);
}

/* As many ones as v has axes. */
static pg_status ones(pgi_node *node, pgi_value *v, pgi_value **out, pg_error *err) {
  pg_tensor one = {0};
  pgi_node *made;
  for (int i = 0; i < 2; i++) PG_TRY(call(node, "Shape", 1, &v, &made, &v, err));
  PG_TRY(call(node, "ConstantOfShape", 1, &v, &made, out, err));
  PG_TRY(pgi_tensor_i64s(node->graph->model->ctx, 1, &(int64_t){1}, &one, err));
  pg_status status = pgi_attr_set_tensor(made, "value", &one, err);
  pgi_tensor_clear(&one);
  return status;
}

/* Tile-1 took how often and along which axis, in the type of the data: repeats are ones but there. */
static pg_status tile_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 6) return PG_OK;
  if (node->n_in != 3 || !node->in[0].value || !node->in[1].value || !node->in[2].value)
    return pgi_fail(err, PG_INVALID, "expected input, tiles and axis");
  pgi_value *in[3], *tiled[2] = {node->in[0].value, NULL};
  pgi_node *made;
  PG_TRY(ones(node, tiled[0], &in[0], err));
  PG_TRY(number(node, 2, &in[1], err));
  PG_TRY(number(node, 1, &in[2], err));
  PG_TRY(call(node, "ScatterElements", 3, in, &made, &tiled[1], err));
  return pgi_edit_set_inputs(node, 2, tiled, err);
}

static pg_status tile_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), n;
  pgi_num repeats[PG_MAX_RANK];
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  PG_TRY(pgi_num_list(inf, 1, "repeats", repeats, PG_MAX_RANK, &n));
  if (rank < 0 || n < 0) return PG_OK;
  if (n != rank) {
    return pgi_fail(inf->err, PG_INVALID, "repeats: expected %d numbers, got %d", rank, n);
  }
  for (int i = 0; i < rank; i++) {
    int64_t dim = inf->in[0]->dims[i].n, times = repeats[i].n, total;
    bool overflows = dim > 0 && __builtin_mul_overflow(dim, times, &total);
    if (pgi_num_is_number(repeats[i]) && (times < 0 || overflows)) {
      return pgi_fail(inf->err, PG_INVALID, "repeats[%d]: %lld", i, (long long)times);
    }
    out->dims[i] = pgi_dim_mul(inf->arena, inf->in[0]->dims[i], pgi_dim_of_num(repeats[i]));
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
