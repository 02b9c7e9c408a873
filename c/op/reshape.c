/* Reshape, Flatten: other dims over the same elements.  Views: nothing runs. */
#include "op/move.h"

/* Reshape-1 has the shape as an attribute. */
static pg_status reshape_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 5) return PG_OK;
  pgi_attr_remove(node, "consumed_inputs");
  return pgi_upgrade_ints_to_input(node, "shape", 1, err);
}

static pg_status fail_count(const pgi_infer *inf, const pgi_type *data, const pgi_type *asked) {
  char from[300], to[300];
  pgi_type_text(data, &(pgi_text){from, sizeof from, 0});
  pgi_type_text(asked, &(pgi_text){to, sizeof to, 0});
  return pgi_fail(inf->err, PG_INVALID, "shape: %s doesn't go into %s", from, to);
}

static pg_status product(const pgi_infer *inf, pgi_num *total, pgi_dim dim, const char *name) {
  pgi_num by = pgi_num_of_dim(dim), was = *total;
  *total = pgi_num_mul(inf->arena, was, by);
  bool overflows = pgi_num_is_number(was) && pgi_num_is_number(by) && !total->is_known;
  return overflows ? pgi_fail(inf->err, PG_INVALID, "%s: too many elements", name) : PG_OK;
}

/* A dim of one side that the other side has as well leaves both, so that the product of the rest
** stays small. */
static bool cancel(pgi_dim dim, const pgi_type *other, bool *is_gone) {
  for (int i = 0; i < other->rank; i++) {
    if (is_gone[i] || !dim.symbol || !pgi_dim_equal(dim, other->dims[i])) continue;
    return is_gone[i] = true;
  }
  return false;
}

/* Checks the number of elements, and solves for axis `rest` (-1: none).  is_gone: the axes that a 0
** copied. */
static pg_status balance(const pgi_infer *inf, const pgi_type *data, bool *is_gone, pgi_type *out,
                         int rest) {
  pgi_num given = pgi_num_of(1), held = given;
  bool is_copied[PG_MAX_RANK];
  memcpy(is_copied, is_gone, sizeof is_copied);
  if (rest >= 0) out->dims[rest] = pgi_dim_of(1);
  for (int i = 0; i < out->rank; i++)
    if (!is_copied[i] && !cancel(out->dims[i], data, is_gone))
      PG_TRY(product(inf, &given, out->dims[i], "shape"));
  for (int i = 0; i < data->rank; i++)
    if (!is_gone[i]) PG_TRY(product(inf, &held, data->dims[i], "data"));
  bool is_sure = pgi_num_is_number(given) && pgi_num_is_number(held);
  if (rest < 0) {
    return is_sure && given.n != held.n ? fail_count(inf, data, out) : PG_OK;
  }
  out->dims[rest] = pgi_dim_unknown();
  if (is_sure ? given.n == 0 || held.n % given.n != 0 : pgi_num_is_number(given) && given.n == 0)
    return fail_count(inf, data, out);
  out->dims[rest] = pgi_dim_of_num(pgi_num_quotient(inf->arena, held, given));
  return PG_OK;
}

/* Fills `out`, which has rank n and unknown dims. */
static pg_status resolve(const pgi_infer *inf, const pgi_type *data, const pgi_num *shape, int n,
                         bool allow_zero, pgi_type *out) {
  bool is_copied[PG_MAX_RANK] = {false};
  int rest = -1;
  for (int i = 0; i < n; i++) {
    bool is_number = pgi_num_is_number(shape[i]);
    int64_t size = is_number ? shape[i].n : 1;
    if (size < -1 || (size == -1 && rest >= 0)) {
      return pgi_fail(inf->err, PG_INVALID, "shape[%d]: expected a size, 0 or one -1, got %lld", i,
                      (long long)size);
    }
    if (size == -1)
      rest = i;
    else if (size > 0 || allow_zero)
      out->dims[i] = pgi_dim_of_num(shape[i]);
    else if (data->rank >= 0 && i >= data->rank) {
      return pgi_fail(inf->err, PG_INVALID, "shape[%d]: 0 copies an axis, but data has rank %d", i,
                      data->rank);
    } else if (data->rank >= 0) {
      out->dims[i] = data->dims[i];
      is_copied[i] = true;
    }
  }
  if (data->rank >= 0) return balance(inf, data, is_copied, out, rest);
  return PG_OK;
}

static pg_status reshape_infer(pgi_infer *inf) {
  pgi_num shape[PG_MAX_RANK];
  int64_t length = pgi_in_length(inf, 1);
  int n;
  PG_TRY(pgi_num_list(inf, 1, "shape", shape, PG_MAX_RANK, &n));
  if (n < 0 && length >= 0) PG_TRY(pgi_check_rank(length, "shape", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), n < 0 ? (int)length : n);
  if (n < 0) return PG_OK;
  pgi_type unknown = pgi_type_unknown;
  const pgi_type *data = pgi_in_rank(inf, 0) < 0 ? &unknown : inf->in[0];
  return resolve(inf, data, shape, n, pgi_attr_int(inf->node, "allowzero") != 0, out);
}

/* ---- Flatten --------------------------------------------------------------------------------- */

static pg_status flatten_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 2);
  if (rank < 0) return PG_OK;
  int64_t axis = pgi_attr_int(inf->node, "axis");
  if (rank == 0 && axis == 1) axis = 0; /* the default, for a scalar: [1, 1] */
  if (axis < -rank || axis > rank) {
    return pgi_fail(inf->err, PG_INVALID, "axis: expected %d to %d, got %lld", -rank, rank,
                    (long long)axis);
  }
  if (axis < 0) axis += rank;
  out->dims[0] = out->dims[1] = pgi_dim_of(1);
  for (int i = 0; i < rank; i++) {
    pgi_dim *side = &out->dims[i < axis ? 0 : 1];
    *side = pgi_dim_mul(inf->arena, *side, inf->in[0]->dims[i]);
  }
  return PG_OK;
}

static const pgi_attr_def reshape_attrs[] = {{.name = "allowzero", .kind = PG_ATTR_INT}, {0}};

PG_OP(reshape) = {
    .name = "Reshape",
    .since = {1, 5, 13, 14, 19, 21, 23, 24, 25},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = reshape_attrs,
    .flags = PG_OP_VIEW,
    .upgrade = reshape_upgrade,
    .infer = reshape_infer,
    .is_identity = pgi_keeps_shape,
};

static const pgi_attr_def flatten_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = 1}, {0}};

PG_OP(flatten) = {
    .name = "Flatten",
    .since = {1, 9, 11, 13, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = flatten_attrs,
    .flags = PG_OP_VIEW,
    .infer = flatten_infer,
    .is_identity = pgi_keeps_shape,
};
