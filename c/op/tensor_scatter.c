/* TensorScatter: writes an update into a cache, from a place of its own for each sample of the
** batch. */
#include "op/move.h"

static pg_status tensor_scatter_infer(pgi_infer *inf) {
  const pgi_type *cache = pgi_has_in(inf, 0) ? inf->in[0] : NULL;
  int rank = pgi_in_rank(inf, 0), axis;
  PG_TRY(pgi_infer_same(inf));
  if (!pgi_attr_is(inf->node, "mode", "linear") && !pgi_attr_is(inf->node, "mode", "circular")) {
    pg_string mode = pgi_attr_string(inf->node, "mode");
    return pgi_fail(inf->err, PG_INVALID, "mode: expected linear or circular, got '%.*s'",
                    (int)PG_MIN(mode.size, (size_t)60), mode.data);
  }
  if (!cache || rank < 0) return PG_OK;
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  if (axis == 0) return pgi_fail(inf->err, PG_INVALID, "axis: 0 is the batch");
  if (pgi_in_rank(inf, 1) < 0) return PG_OK;
  bool fits = inf->in[1]->rank == rank && inf->in[1]->dtype == cache->dtype;
  for (int i = 0; i < rank && fits; i++) {
    int64_t a = cache->dims[i].n, b = inf->in[1]->dims[i].n;
    fits = a < 0 || b < 0 || (i == axis ? b <= a : b == a);
  }
  if (fits) return PG_OK;
  char want[300], got[300];
  pgi_text a = {want, sizeof want, 0}, b = {got, sizeof got, 0};
  pgi_type_text(cache, &a);
  pgi_type_text(inf->in[1], &b);
  return pgi_fail(inf->err, PG_INVALID, "update %s doesn't fit cache %s along axis %d", got, want,
                  axis);
}

/* Where the update of sample i starts, checked. */
static pg_status start_of(pgi_call *c, const int64_t *indices, int64_t i, int64_t n, int64_t dim,
                          bool is_circular, int64_t *out) {
  int64_t at = indices ? indices[i] : 0;
  if (is_circular && dim > 0)
    at = (at % dim + dim) % dim;
  else if (at < 0 || at > dim - n) {
    return pgi_fail(c->err, PG_INVALID, "write_indices[%lld]: expected 0 to %lld, got %lld",
                    (long long)i, (long long)(dim - n), (long long)at);
  }
  *out = at;
  return PG_OK;
}

static pg_status tensor_scatter_run(pgi_call *c) {
  const pg_tensor *cache = c->in[0], *update = c->in[1], *write = pgi_input(c, 2);
  bool is_circular = pgi_attr_is(c->node, "mode", "circular");
  const int64_t *indices = NULL;
  pgi_elems from, new, to;
  int axis;
  if (update->dtype != cache->dtype) {
    return pgi_fail(c->err, PG_INVALID, "update: expected %s, as the cache, got %s",
                    pg_dtype_name(cache->dtype), pg_dtype_name(update->dtype));
  }
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), cache->rank, &axis, c->err));
  if (write && (write->rank != 1 || write->dims[0] != cache->dims[0])) {
    return pgi_fail(c->err, PG_INVALID, "write_indices: expected one for each of %lld samples",
                    (long long)cache->dims[0]);
  }
  if (write) PG_TRY(pgi_i64s(c, write, &indices));
  PG_TRY(pgi_elems_of(c, cache, &from));
  PG_TRY(pgi_elems_of(c, update, &new));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  pgi_move_bytes(c, to.data, from.data, (size_t)pgi_tensor_count(cache) * from.size);
  if (pgi_tensor_count(update) > 0) {
    int64_t dim = cache->dims[axis], n = update->dims[axis];
    int64_t blocks = pgi_dims_product(cache->dims, 0, axis);
    int64_t per_sample = blocks / cache->dims[0];
    int64_t row = pgi_dims_product(cache->dims, axis + 1, cache->rank) * (int64_t)to.size;
    for (int64_t i = 0; i < blocks; i++) {
      int64_t at = 0;
      PG_TRY(start_of(c, indices, i / per_sample, n, dim, is_circular, &at));
      int64_t head = PG_MIN(n, dim - at); /* what is left wraps around */
      const char *rows = new.data + (i * n) * row;
      memcpy(to.data + (i * dim + at) * row, rows, (size_t)(head * row));
      memcpy(to.data + i * dim * row, rows + head * row, (size_t)((n - head) * row));
    }
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def tensor_scatter_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT, .i = -2},
    {.name = "mode", .kind = PG_ATTR_STRING, .s = "linear"},
    {0}};

PG_OP(tensor_scatter) = {
    .name = "TensorScatter",
    .since = {24},
    .in = {2, 3},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = tensor_scatter_attrs,
    .infer = tensor_scatter_infer,
    .run = tensor_scatter_run,
};
