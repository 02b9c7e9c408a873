/* CenterCropPad: each axis cut or zero-padded around its middle to a given size. */
#include "op/move.h"

/* The wanted size of each axis, -1 where it stays; false when not known. */
static pg_status read_sizes(const pgi_node *node, const pg_tensor *shape, int rank, int64_t *sizes,
                            bool *is_known, pg_error *err) {
  int64_t list[PG_MAX_RANK], n_axes;
  bool seen[PG_MAX_RANK];
  int n;
  const int64_t *axes = pgi_attr_ints(node, "axes", &n_axes);
  bool has_axes = pgi_attr_find(node, "axes") != NULL;
  PG_TRY(pgi_list(shape, "shape", list, PG_MAX_RANK, &n, err));
  *is_known = n >= 0;
  for (int i = 0; i < rank; i++) sizes[i] = -1;
  if (!*is_known) return PG_OK;
  if (n != (has_axes ? n_axes : rank)) {
    return pgi_fail(err, PG_INVALID, "shape: expected %lld sizes, got %d",
                    has_axes ? (long long)n_axes : (long long)rank, n);
  }
  if (has_axes) PG_TRY(pgi_axes(axes, n, rank, seen, err));
  for (int i = 0; i < n; i++) {
    int axis = i;
    if (has_axes) PG_TRY(pgi_axis(axes[i], rank, &axis, err));
    if (list[i] < 0) {
      return pgi_fail(err, PG_INVALID, "shape[%d]: expected a size, got %lld", i,
                      (long long)list[i]);
    }
    sizes[axis] = list[i];
  }
  return PG_OK;
}

static pg_status crop_to_symbols(pgi_infer *inf, pgi_type *out) {
  pgi_num sizes[PG_MAX_RANK];
  int64_t n_axes;
  const int64_t *axes = pgi_attr_ints(inf->node, "axes", &n_axes);
  int n, axis = 0;
  PG_TRY(pgi_num_list(inf, 1, "shape", sizes, PG_MAX_RANK, &n));
  if (!axes) n_axes = out->rank;
  if (n < 0 || n != n_axes) return PG_OK;
  memcpy(out->dims, inf->in[0]->dims, sizeof out->dims);
  for (int i = 0; i < n; i++) {
    PG_TRY(pgi_axis(axes ? axes[i] : i, out->rank, &axis, inf->err));
    PG_TRY(pgi_num_size(inf, sizes[i], "shape", i, &out->dims[axis]));
  }
  return PG_OK;
}

static pg_status center_crop_pad_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t sizes[PG_MAX_RANK];
  bool is_known;
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  PG_TRY(read_sizes(inf->node, pgi_known(inf, 1), rank, sizes, &is_known, inf->err));
  if (!is_known) return crop_to_symbols(inf, out);
  for (int i = 0; i < rank; i++) {
    out->dims[i] = sizes[i] < 0 ? inf->in[0]->dims[i] : pgi_dim_of(sizes[i]);
  }
  return PG_OK;
}

static pg_status center_crop_pad_run(pgi_call *c) {
  static const uint64_t zero[2];
  const pg_tensor *in = c->in[0];
  const int64_t *maps[PG_MAX_RANK], *dims = c->out[0]->dims;
  pgi_mapped m = {in->rank, dims, in->dims, maps, (const char *)zero};
  pgi_elems from, to;
  for (int i = 0; i < in->rank; i++) {
    int64_t *map = pgi_call_scratch(c, (size_t)PG_MAX(dims[i], 1) * sizeof *map);
    if (!map) return pgi_nomem(c->err);
    int64_t n = in->dims[i], before = dims[i] > n ? (dims[i] - n) / 2 : 0;
    int64_t skip = n > dims[i] ? (n - dims[i]) / 2 : 0;
    for (int64_t k = 0; k < dims[i]; k++) {
      bool is_inside = k >= before && k - before < n;
      map[k] = is_inside ? skip + k - before : -1;
    }
    maps[i] = map;
  }
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  PG_TRY(pgi_move_mapped(c, to.data, from.data, from.size, &m));
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def center_crop_pad_attrs[] = {{.name = "axes", .kind = PG_ATTR_INTS}, {0}};

PG_OP(center_crop_pad) = {
    .name = "CenterCropPad",
    .since = {18},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = center_crop_pad_attrs,
    .infer = center_crop_pad_infer,
    .run = center_crop_pad_run,
};
