/* Squeeze, Unsqueeze: axes of one element go and come.  Views: nothing runs. */
#include "op/move.h"

static pg_status axes_upgrade(pgi_node *node, int version, pg_error *err) {
  return version < 13 ? pgi_upgrade_ints_to_input(node, "axes", 1, err) : PG_OK;
}

/* How many axes input 1 names: its length when its content is not known; -1. */
static pg_status read_axes(pgi_infer *inf, int64_t *axes, bool *is_known, int64_t *n) {
  int count;
  PG_TRY(pgi_list(pgi_known(inf, 1), "axes", axes, PG_MAX_RANK, &count, inf->err));
  *is_known = count >= 0;
  *n = count >= 0 ? count : pgi_in_length(inf, 1);
  return PG_OK;
}

/* Without axes every axis of one element goes, which needs all dims to be known. */
static bool choose_ones(const pgi_type *data, bool *goes) {
  bool is_known = true;
  for (int i = 0; i < data->rank; i++) {
    if (data->dims[i].n < 0) is_known = false;
    goes[i] = data->dims[i].n == 1;
  }
  return is_known;
}

static pg_status squeeze_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t axes[PG_MAX_RANK], n = 0;
  bool goes[PG_MAX_RANK], is_known;
  pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), -1);
  if (rank < 0) return PG_OK;
  if (pgi_has_in(inf, 1))
    PG_TRY(read_axes(inf, axes, &is_known, &n));
  else
    is_known = choose_ones(inf->in[0], goes);
  if (!is_known) {
    if (pgi_has_in(inf, 1) && n >= 0 && n <= rank)
      pgi_out_type(inf, 0, inf->in[0]->dtype, rank - (int)n);
    return PG_OK;
  }
  if (pgi_has_in(inf, 1)) PG_TRY(pgi_axes(axes, (int)n, rank, goes, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, inf->in[0]->dtype, 0);
  for (int i = 0; i < rank; i++) {
    pgi_dim dim = inf->in[0]->dims[i];
    if (!goes[i])
      out->dims[out->rank++] = dim;
    else if (dim.n >= 0 && dim.n != 1) {
      return pgi_fail(inf->err, PG_INVALID, "axes: axis %d has %lld elements, not 1", i,
                      (long long)dim.n);
    }
  }
  return PG_OK;
}

static pg_status unsqueeze_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t axes[PG_MAX_RANK], n;
  bool comes[PG_MAX_RANK], is_known;
  pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), -1);
  if (rank < 0) return PG_OK;
  PG_TRY(read_axes(inf, axes, &is_known, &n));
  if (n < 0) return PG_OK;
  PG_TRY(pgi_check_rank(PG_MIN(rank + n, (int64_t)PG_MAX_RANK + 1), "axes", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, inf->in[0]->dtype, rank + (int)n);
  if (!is_known) return PG_OK;
  PG_TRY(pgi_axes(axes, (int)n, out->rank, comes, inf->err));
  for (int i = 0, from = 0; i < out->rank; i++) {
    out->dims[i] = comes[i] ? pgi_dim_of(1) : inf->in[0]->dims[from++];
  }
  return PG_OK;
}

PG_OP(squeeze) = {
    .name = "Squeeze",
    .since = {1, 11, 13, 21, 23, 24, 25},
    .in = {1, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .flags = PG_OP_VIEW,
    .upgrade = axes_upgrade,
    .infer = squeeze_infer,
    .is_identity = pgi_keeps_shape,
};

PG_OP(unsqueeze) = {
    .name = "Unsqueeze",
    .since = {1, 11, 13, 21, 23, 24, 25},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .flags = PG_OP_VIEW,
    .upgrade = axes_upgrade,
    .infer = unsqueeze_infer,
    .is_identity = pgi_keeps_shape,
};
