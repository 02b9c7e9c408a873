/* ZipMap, CastMap, DictVectorizer: tensors to maps and back.  A map is a pair of tensors: keys,
** values. */
#include "op/ml.h"
#include "op/sequence.h"

/* Input 0 as a map: as many keys as values. */
static pg_status read_map(pgi_call *c, const pg_tensor **keys, const pg_tensor **values) {
  const pg_tensor *map = c->in[0];
  bool is_map = map->dtype == PG_MAP && pgi_tensor_count(map) == 2;
  *keys = is_map ? pgi_sequence_at(map, 0) : NULL;
  *values = is_map ? pgi_sequence_at(map, 1) : NULL;
  if (is_map && (*values)->dtype != PG_SEQUENCE && (*values)->dtype != PG_NONE &&
      pgi_tensor_count(*keys) == pgi_tensor_count(*values))
    return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "X: expected a map from keys to numbers or strings");
}

/* ---- ZipMap ---------------------------------------------------------------------------------- */

static pg_status zip_infer(pgi_infer *inf) {
  pgi_labels labels = pgi_labels_of(inf->node, "classlabels_int64s", "classlabels_strings");
  pgi_type *map = pgi_arena_alloc(inf->arena, sizeof *map);
  pgi_type *value = pgi_arena_alloc(inf->arena, sizeof *value);
  pgi_dim rows, columns;
  if (!map || !value) return pgi_nomem(inf->err);
  PG_TRY(pgi_rows_of(inf->in[0], &rows, &columns, inf->err));
  if (columns.n >= 0 && columns.n != labels.n) {
    return pgi_fail(inf->err, PG_INVALID, "X: expected %lld columns, as class labels, got %lld",
                    (long long)labels.n, (long long)columns.n);
  }
  *value = pgi_type_tensor(PG_F32);
  *map = pgi_type_unknown;
  map->kind = PG_TYPE_MAP;
  map->dtype = pgi_labels_dtype(&labels);
  map->elem = value;
  inf->out[0] = pgi_type_unknown;
  inf->out[0].kind = PG_TYPE_SEQUENCE;
  inf->out[0].elem = map;
  return PG_OK;
}

static pg_status make_map(pgi_call *c, const pg_tensor *keys, const float *row, pg_tensor *out) {
  int64_t two = 2, n = pgi_tensor_count(keys);
  PG_TRY(pgi_tensor_alloc(c->ctx, PG_MAP, 1, &two, out, c->err));
  pgi_tensor_assign(pgi_sequence_at(out, 0), keys);
  pg_tensor *values = pgi_sequence_at(out, 1);
  PG_TRY(pgi_tensor_alloc(c->ctx, PG_F32, 1, &n, values, c->err));
  if (n) memcpy(pgi_tensor_data(values), row, (size_t)n * sizeof *row);
  return PG_OK;
}

static pg_status make_maps(pgi_call *c, const pgi_labels *labels, int64_t rows, pg_tensor *keys) {
  const float *row = pgi_tensor_data(c->in[0]);
  pg_tensor seq = {0};
  PG_TRY(pgi_tensor_alloc(c->ctx, pgi_labels_dtype(labels), 1, &labels->n, keys, c->err));
  for (int64_t i = 0; i < labels->n; i++) PG_TRY(pgi_put_label(labels, i, keys, i, c->err));
  PG_TRY(pgi_sequence_new(c->ctx, rows, &seq, c->err));
  pgi_tensor_move(c->out[0], &seq);
  for (int64_t r = 0; r < rows; r++)
    PG_TRY(make_map(c, keys, row + r * labels->n, pgi_sequence_at(c->out[0], r)));
  return PG_OK;
}

static pg_status zip_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pgi_labels labels = pgi_labels_of(c->node, "classlabels_int64s", "classlabels_strings");
  pg_tensor keys = {0};
  if (labels.n == 0) return pgi_fail(c->err, PG_INVALID, "expected class labels");
  if (in->dims[in->rank - 1] != labels.n) {
    return pgi_fail(c->err, PG_INVALID, "X: expected %lld columns", (long long)labels.n);
  }
  pg_status status = make_maps(c, &labels, in->rank == 2 ? in->dims[0] : 1, &keys);
  pgi_tensor_clear(&keys);
  return status;
}

static const pgi_attr_def zip_attrs[] = {{.name = "classlabels_int64s", .kind = PG_ATTR_INTS},
                                         {.name = "classlabels_strings", .kind = PG_ATTR_STRINGS},
                                         {0}};

PG_OP(ml_zip_map) = {
    .name = "ZipMap",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_F32),
    .attrs = zip_attrs,
    .infer = zip_infer,
    .run = zip_run,
};

/* ---- CastMap --------------------------------------------------------------------------------- */

static pg_status cast_type(const pgi_node *node, pg_dtype *out, pg_error *err) {
  bool is_float = pgi_attr_is(node, "cast_to", "TO_FLOAT");
  bool is_string = pgi_attr_is(node, "cast_to", "TO_STRING");
  *out = is_float ? PG_F32 : is_string ? PG_STRING : PG_I64;
  if (is_float || is_string || pgi_attr_is(node, "cast_to", "TO_INT64")) return PG_OK;
  return pgi_fail(err, PG_INVALID, "cast_to: expected TO_FLOAT, TO_STRING or TO_INT64");
}

static pg_status cast_infer(pgi_infer *inf) {
  pg_dtype dtype = PG_NONE;
  PG_TRY(cast_type(inf->node, &dtype, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, dtype, 2);
  out->dims[0] = pgi_dim_of(1);
  if (pgi_attr_is(inf->node, "map_form", "SPARSE"))
    out->dims[1] = pgi_dim_of(PG_MAX(pgi_attr_int(inf->node, "max_map"), 0));
  return PG_OK;
}

/* Where each value goes: by its key, or by the rank of its key among all. */
static pg_status find_places(pgi_call *c, const pg_tensor *keys, bool is_sparse, int64_t most,
                             int64_t *place) {
  int64_t n = pgi_tensor_count(keys);
  pgi_lookup l;
  if (!is_sparse) {
    PG_TRY(pgi_lookup_init(&l, c->ctx, PG_I64, pgi_tensor_data(keys), n, c->err));
    for (int64_t i = 0; i < n; i++) place[l.order[i]] = i;
    pgi_lookup_deinit(&l, c->ctx);
    return PG_OK;
  }
  for (int64_t i = 0; i < n; i++) {
    place[i] = pgi_tensor_get_i64(keys, i);
    if (place[i] < 0 || place[i] >= most) {
      return pgi_fail(c->err, PG_INVALID, "X: expected keys from 0 to %lld, got %lld",
                      (long long)most - 1, (long long)place[i]);
    }
  }
  return PG_OK;
}

static pg_status place_values(pgi_call *c, const pg_tensor *values, const int64_t *place,
                              int64_t n_out) {
  static const uint64_t zero[2];
  pgi_elems from, to;
  PG_TRY(pgi_elems_of(c, values, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  pgi_elems_fill(to.data, (const char *)zero, n_out, to.size);
  for (int64_t i = 0; i < pgi_tensor_count(values); i++) {
    pgi_elem_copy(to.data + place[i] * (int64_t)to.size, from.data + i * (int64_t)from.size,
                  to.size);
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static pg_status cast_run(pgi_call *c) {
  const pg_tensor *keys, *values;
  pg_dtype dtype = PG_NONE;
  pg_tensor cast = {0};
  bool is_sparse = pgi_attr_is(c->node, "map_form", "SPARSE");
  PG_TRY(cast_type(c->node, &dtype, c->err));
  PG_TRY(read_map(c, &keys, &values));
  if (keys->dtype != PG_I64) return pgi_fail(c->err, PG_INVALID, "X: expected keys of i64");
  int64_t n = pgi_tensor_count(keys), most = PG_MAX(pgi_attr_int(c->node, "max_map"), 0);
  int64_t dims[2] = {1, is_sparse ? most : n};
  int64_t *place = pgi_call_scratch(c, (size_t)PG_MAX(n, 1) * sizeof *place);
  if (!place) return pgi_nomem(c->err);
  PG_TRY(find_places(c, keys, is_sparse, most, place));
  PG_TRY(pgi_elems_alloc(c, 0, dtype, 2, dims));
  PG_TRY(pgi_tensor_cast(values, dtype, NULL, &cast, c->err));
  pg_status status = place_values(c, &cast, place, dims[1]);
  pgi_tensor_clear(&cast);
  return status;
}

static const pgi_attr_def cast_attrs[] = {
    {.name = "cast_to", .kind = PG_ATTR_STRING, .s = "TO_FLOAT"},
    {.name = "map_form", .kind = PG_ATTR_STRING, .s = "DENSE"},
    {.name = "max_map", .kind = PG_ATTR_INT, .i = 1},
    {0}};

PG_OP(ml_cast_map) = {
    .name = "CastMap",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_MAP),
    .attrs = cast_attrs,
    .infer = cast_infer,
    .run = cast_run,
};

/* ---- DictVectorizer -------------------------------------------------------------------------- */

static pg_status dict_infer(pgi_infer *inf) {
  pgi_labels words = pgi_labels_of(inf->node, "int64_vocabulary", "string_vocabulary");
  const pgi_type *map = inf->in[0];
  bool is_map = map && map->kind == PG_TYPE_MAP && map->elem;
  pgi_type *out = pgi_out_type(inf, 0, is_map ? map->elem->dtype : PG_NONE, 1);
  out->dims[0] = pgi_dim_of(words.n);
  return PG_OK;
}

static pg_status dict_run(pgi_call *c) {
  static const uint64_t zero[2];
  pgi_labels words = pgi_labels_of(c->node, "int64_vocabulary", "string_vocabulary");
  const void *known = words.strings ? (const void *)words.strings : (const void *)words.ints;
  const pg_tensor *keys, *values;
  pgi_lookup l;
  pgi_elems from, to;
  PG_TRY(read_map(c, &keys, &values));
  if (keys->dtype != pgi_labels_dtype(&words)) {
    return pgi_fail(c->err, PG_INVALID, "X: expected keys of %s, as the vocabulary, got %s",
                    pg_dtype_name(pgi_labels_dtype(&words)), pg_dtype_name(keys->dtype));
  }
  PG_TRY(pgi_elems_alloc(c, 0, values->dtype, 1, &words.n));
  PG_TRY(pgi_elems_of(c, values, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  pgi_elems_fill(to.data, (const char *)zero, words.n, to.size);
  PG_TRY(pgi_lookup_init(&l, c->ctx, keys->dtype, known, words.n, c->err));
  for (int64_t i = 0; i < pgi_tensor_count(keys); i++) {
    int64_t at = pgi_lookup_find(&l, keys, i);
    if (at < 0) continue;
    pgi_elem_copy(to.data + at * (int64_t)to.size, from.data + i * (int64_t)from.size, to.size);
  }
  pgi_lookup_deinit(&l, c->ctx);
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def dict_attrs[] = {{.name = "int64_vocabulary", .kind = PG_ATTR_INTS},
                                          {.name = "string_vocabulary", .kind = PG_ATTR_STRINGS},
                                          {0}};

PG_OP(ml_dict_vectorizer) = {
    .name = "DictVectorizer",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_MAP),
    .attrs = dict_attrs,
    .infer = dict_infer,
    .run = dict_run,
};
