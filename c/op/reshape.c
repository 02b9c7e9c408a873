/* Reshape, Flatten: other dims over the same elements.  Views: nothing runs. */
#include "op/move.h"

/* Reshape-1 has the shape as an attribute. */
static pg_status reshape_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 5) return PG_OK;
  pgi_attr_remove(node, "consumed_inputs");
  return pgi_upgrade_ints_to_input(node, "shape", 1, err);
}

/* The elements that the -1 has to hold: data's dims that were not copied by a 0, over the dims
** given as numbers. */
typedef struct balance {
  int64_t data, given; /* products of the numbers */
  int n_unknown;       /* of data's */
  pgi_dim unknown;     /* the last of these */
} balance;

static pg_status weigh(const pgi_type *data, const bool *is_copied, const int64_t *shape, int n,
                       bool allow_zero, balance *b, pg_error *err) {
  *b = (balance){.data = 1, .given = 1};
  for (int i = 0; i < data->rank; i++) {
    if (is_copied[i]) continue;
    if (data->dims[i].n < 0) {
      b->unknown = data->dims[i];
      b->n_unknown++;
    } else if (__builtin_mul_overflow(b->data, data->dims[i].n, &b->data)) {
      return pgi_fail(err, PG_INVALID, "data: too many elements");
    }
  }
  for (int i = 0; i < n; i++) {
    bool is_number = shape[i] > 0 || (shape[i] == 0 && allow_zero);
    if (is_number && __builtin_mul_overflow(b->given, shape[i], &b->given)) {
      return pgi_fail(err, PG_INVALID, "shape: too many elements");
    }
  }
  return PG_OK;
}

static pg_status fail_count(const pgi_type *data, const int64_t *shape, int n, pg_error *err) {
  char from[300], to[300];
  pgi_text text = {from, sizeof from, 0};
  pgi_type_text(data, &text);
  return pgi_fail(err, PG_INVALID, "shape: %s doesn't go into %s", from,
                  pgi_shape_text(data->dtype, n, shape, to, sizeof to));
}

static pg_status infer_rest(const pgi_type *data, const balance *b, const int64_t *shape, int n,
                            pgi_dim *rest, pg_error *err) {
  if (b->given == 0) return fail_count(data, shape, n, err);
  if (b->n_unknown == 0) {
    if (b->data % b->given != 0) return fail_count(data, shape, n, err);
    *rest = pgi_dim_of(b->data / b->given);
  } else if (b->n_unknown == 1 && b->data % b->given == 0) {
    *rest = pgi_dim_mul(b->unknown, pgi_dim_of(b->data / b->given));
  }
  return PG_OK;
}

/* Fills `out`, which has rank n and unknown dims. */
static pg_status resolve(const pgi_type *data, const int64_t *shape, int n, bool allow_zero,
                         pgi_type *out, pg_error *err) {
  bool is_copied[PG_MAX_RANK] = {false};
  int rest = -1;
  for (int i = 0; i < n; i++) {
    if (shape[i] < -1 || (shape[i] == -1 && rest >= 0)) {
      return pgi_fail(err, PG_INVALID, "shape[%d]: expected a size, 0 or one -1, got %lld", i,
                      (long long)shape[i]);
    }
    if (shape[i] == -1)
      rest = i;
    else if (shape[i] > 0 || allow_zero)
      out->dims[i] = pgi_dim_of(shape[i]);
    else if (data->rank >= 0 && i >= data->rank) {
      return pgi_fail(err, PG_INVALID, "shape[%d]: 0 copies an axis, but data has rank %d", i,
                      data->rank);
    } else if (data->rank >= 0) {
      out->dims[i] = data->dims[i];
      is_copied[i] = true;
    }
  }
  if (data->rank < 0) return PG_OK;
  balance b;
  PG_TRY(weigh(data, is_copied, shape, n, allow_zero, &b, err));
  if (rest >= 0) return infer_rest(data, &b, shape, n, &out->dims[rest], err);
  if (b.n_unknown == 0 && b.data != b.given) return fail_count(data, shape, n, err);
  return PG_OK;
}

static pg_status reshape_infer(pgi_infer *inf) {
  int64_t shape[PG_MAX_RANK], length = pgi_in_length(inf, 1);
  int n;
  PG_TRY(pgi_list(pgi_known(inf, 1), "shape", shape, PG_MAX_RANK, &n, inf->err));
  if (n < 0 && length >= 0) PG_TRY(pgi_check_rank(length, "shape", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), n < 0 ? (int)length : n);
  if (n < 0) return PG_OK;
  pgi_type unknown = pgi_type_unknown;
  const pgi_type *data = pgi_in_rank(inf, 0) < 0 ? &unknown : inf->in[0];
  return resolve(data, shape, n, pgi_attr_int(inf->node, "allowzero") != 0, out, inf->err);
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
    *side = pgi_dim_mul(*side, inf->in[0]->dims[i]);
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
