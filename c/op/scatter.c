/* Scatter, ScatterElements, ScatterND: a copy of the data with some places replaced or added to.
** Updates are applied in order, one after the other, so that what meets at one place always
** gives the same bits. */
#include "op/combine.h"
#include "op/move.h"

static pg_status infer_like_data(pgi_infer *inf) {
  pg_dtype data = pgi_in_dtype(inf, 0), updates = pgi_in_dtype(inf, 2);
  pgi_reduction ignored;
  PG_TRY(pgi_infer_same(inf));
  if (data && updates && data != updates) {
    return pgi_fail(inf->err, PG_INVALID, "updates: expected %s, as data, got %s",
                    pg_dtype_name(data), pg_dtype_name(updates));
  }
  return data ? pgi_reduction_of(inf->node, data, &ignored, inf->err) : PG_OK;
}

/* What both have: a place for the output that holds the data, the updates, how they meet. */
typedef struct scatter {
  pgi_elems to, updates;
  pgi_reduction reduction;
  pg_dtype dtype;
} scatter;

static pg_status begin(pgi_call *c, scatter *s) {
  pgi_elems from;
  s->dtype = c->in[0]->dtype;
  if (c->in[2]->dtype != s->dtype) {
    return pgi_fail(c->err, PG_INVALID, "updates: expected %s, as data, got %s",
                    pg_dtype_name(s->dtype), pg_dtype_name(c->in[2]->dtype));
  }
  PG_TRY(pgi_reduction_of(c->node, s->dtype, &s->reduction, c->err));
  PG_TRY(pgi_elems_of(c, c->in[0], &from));
  PG_TRY(pgi_elems_of(c, c->in[2], &s->updates));
  PG_TRY(pgi_elems_for(c, c->out[0], &s->to));
  pgi_move_bytes(c, s->to.data, from.data, (size_t)pgi_tensor_count(c->in[0]) * from.size);
  return PG_OK;
}

static void put(const scatter *s, int64_t to, int64_t from, int64_t n) {
  char *place = s->to.data + to * (int64_t)s->to.size;
  const char *update = s->updates.data + from * (int64_t)s->updates.size;
  if (s->reduction != PG_REDUCE_NONE)
    pgi_combine(s->reduction, s->dtype, place, update, n);
  else if (n == 1)
    pgi_elem_copy(place, update, s->to.size);
  else
    memcpy(place, update, (size_t)n * s->to.size);
}

/* ---- ScatterElements ------------------------------------------------------------------------- */

static pg_status scatter_elements_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis;
  PG_TRY(infer_like_data(inf));
  for (int i = 1; i < 3 && rank >= 0; i++) {
    if (pgi_in_rank(inf, i) >= 0 && pgi_in_rank(inf, i) != rank) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected rank %d, as data has, got %d", i,
                      rank, pgi_in_rank(inf, i));
    }
  }
  return rank < 0 ? PG_OK : pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err);
}

static pg_status check_elements(pgi_call *c, int axis) {
  const pg_tensor *data = c->in[0], *indices = c->in[1];
  bool fits = data->rank == indices->rank && pgi_same_dims(indices, c->in[2]);
  for (int i = 0; i < data->rank && fits; i++) {
    fits = i == axis || indices->dims[i] <= data->dims[i];
  }
  if (fits) return PG_OK;
  char a[400], b[400], d[400];
  return pgi_fail(c->err, PG_INVALID, "indices %s and updates %s don't fit data %s",
                  pgi_shape_text(indices->dtype, indices->rank, indices->dims, a, sizeof a),
                  pgi_shape_text(c->in[2]->dtype, c->in[2]->rank, c->in[2]->dims, b, sizeof b),
                  pgi_shape_text(data->dtype, data->rank, data->dims, d, sizeof d));
}

static pg_status scatter_elements_run(pgi_call *c) {
  const pg_tensor *data = c->in[0], *indices = c->in[1];
  int64_t n = pgi_tensor_count(indices), strides[PG_MAX_RANK];
  const int64_t *index;
  scatter s;
  int axis;
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), data->rank, &axis, c->err));
  PG_TRY(check_elements(c, axis));
  PG_TRY(begin(c, &s));
  PG_TRY(pgi_i64s(c, indices, &index));
  pgi_dense_strides(data->rank, data->dims, strides);
  pgi_coords k = {0};
  if (n > 0) pgi_coords_set(&k, indices->rank, indices->dims, 0);
  for (int64_t i = 0; i < n; i++, pgi_coords_next(&k)) {
    int64_t at;
    PG_TRY(pgi_index(index[i], data->dims[axis], &at, c->err));
    at *= strides[axis];
    for (int d = 0; d < data->rank; d++) {
      if (d != axis) at += k.at[d] * strides[d];
    }
    put(&s, at, i, 1);
  }
  return pgi_elems_done(c, c->out[0], &s.to);
}

/* ---- ScatterND ------------------------------------------------------------------------------- */

static pg_status scatter_nd_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), indices = pgi_in_rank(inf, 1);
  PG_TRY(infer_like_data(inf));
  if (rank < 0 || indices < 0) return PG_OK;
  int64_t tuple = indices ? inf->in[1]->dims[indices - 1].n : 0;
  if (rank == 0 || indices == 0 || tuple > rank) {
    return pgi_fail(inf->err, PG_INVALID, "indices: expected tuples of at most %d, got %lld", rank,
                    (long long)tuple);
  }
  return PG_OK;
}

/* updates: indices.dims[:-1] and then data.dims[tuple:]. */
static pg_status check_nd(pgi_call *c, int tuple) {
  const pg_tensor *data = c->in[0], *indices = c->in[1], *updates = c->in[2];
  int tuples = indices->rank - 1, rest = data->rank - tuple;
  bool fits = updates->rank == tuples + rest;
  for (int i = 0; i < tuples && fits; i++) fits = updates->dims[i] == indices->dims[i];
  for (int i = 0; i < rest && fits; i++) fits = updates->dims[tuples + i] == data->dims[tuple + i];
  if (fits) return PG_OK;
  char a[400], b[400], d[400];
  return pgi_fail(c->err, PG_INVALID, "updates %s don't fit indices %s and data %s",
                  pgi_shape_text(updates->dtype, updates->rank, updates->dims, b, sizeof b),
                  pgi_shape_text(indices->dtype, indices->rank, indices->dims, a, sizeof a),
                  pgi_shape_text(data->dtype, data->rank, data->dims, d, sizeof d));
}

static pg_status scatter_nd_run(pgi_call *c) {
  const pg_tensor *data = c->in[0], *indices = c->in[1];
  int tuple = (int)indices->dims[indices->rank - 1];
  const int64_t *index;
  scatter s;
  PG_TRY(check_nd(c, tuple));
  PG_TRY(begin(c, &s));
  PG_TRY(pgi_i64s(c, indices, &index));
  if (pgi_tensor_count(c->in[2]) > 0) {
    int64_t n = pgi_dims_product(indices->dims, 0, indices->rank - 1);
    int64_t size = pgi_dims_product(data->dims, tuple, data->rank);
    for (int64_t i = 0; i < n; i++) {
      int64_t place = 0;
      for (int k = 0; k < tuple; k++) {
        int64_t at;
        PG_TRY(pgi_index(*index++, data->dims[k], &at, c->err));
        place = place * data->dims[k] + at;
      }
      put(&s, place * size, i * size, size);
    }
  }
  return pgi_elems_done(c, c->out[0], &s.to);
}

/* ---- Scatter: the former name ---------------------------------------------------------------- */

static pg_status scatter_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version;
  return pgi_edit_retype(node, "", "ScatterElements", err);
}

static const pgi_attr_def scatter_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT},
    {.name = "reduction", .kind = PG_ATTR_STRING, .s = "none"},
    {0}};

PG_OP(scatter) = {
    .name = "Scatter",
    .since = {9, 11},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = scatter_attrs,
    .upgrade = scatter_upgrade,
    .infer = scatter_elements_infer,
    .run = scatter_elements_run,
};

PG_OP(scatter_elements) = {
    .name = "ScatterElements",
    .since = {11, 13, 16, 18},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = scatter_attrs,
    .infer = scatter_elements_infer,
    .run = scatter_elements_run,
};

static const pgi_attr_def scatter_nd_attrs[] = {
    {.name = "reduction", .kind = PG_ATTR_STRING, .s = "none"}, {0}};

PG_OP(scatter_nd) = {
    .name = "ScatterND",
    .since = {11, 13, 16, 18},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = scatter_nd_attrs,
    .infer = scatter_nd_infer,
    .run = scatter_nd_run,
};
