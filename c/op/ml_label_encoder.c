/* LabelEncoder, CategoryMapper: each element through a table, from keys to values. */
#include "op/ml.h"

/* Keys or values: n elements of a type, owned by an attribute. */
typedef struct column {
  pg_dtype dtype;
  int64_t n;
  const void *data;
} column;

/* The one of NAME_tensor, NAME_strings, NAME_int64s, NAME_floats that is there. */
static column find_column(const pgi_node *node, const char *tensor, const char *strings,
                          const char *ints, const char *floats) {
  column k = {0};
  const pg_tensor *t = pgi_attr_tensor(node, tensor);
  if (t) return (column){t->dtype, pgi_tensor_count(t), pgi_tensor_data(t)};
  k.data = pgi_attr_strings(node, strings, &k.n);
  k.dtype = PG_STRING;
  if (k.n) return k;
  k.data = pgi_attr_ints(node, ints, &k.n);
  k.dtype = PG_I64;
  if (k.n) return k;
  k.data = pgi_attr_floats(node, floats, &k.n);
  k.dtype = PG_F32;
  return k;
}

static column find_keys(const pgi_node *node) {
  return find_column(node, "keys_tensor", "keys_strings", "keys_int64s", "keys_floats");
}

static column find_values(const pgi_node *node) {
  return find_column(node, "values_tensor", "values_strings", "values_int64s", "values_floats");
}

/* ---- LabelEncoder ---------------------------------------------------------------------------- */

/* LabelEncoder-1 goes from strings to their numbers or back, by the type of its input. */
static bool is_old(const pgi_node *node) {
  return pgi_attr_find(node, "classes_strings") != NULL;
}

/* To keys and values, where the type of the input, and so the direction, is known already. */
static pg_status encoder_upgrade(pgi_node *node, int version, pg_error *err) {
  int64_t n;
  size_t bytes;
  const pg_string *classes = pgi_attr_strings(node, "classes_strings", &n);
  pgi_value *x = node->n_in > 0 ? node->in[0].value : NULL;
  if (version >= 2 || n < 1 || !x) return PG_OK;
  pg_dtype dtype = x->constant.dtype != PG_NONE ? x->constant.dtype : x->type.dtype;
  if (dtype != PG_STRING && dtype != PG_I64) return PG_OK;
  bool is_text = dtype == PG_STRING;
  pg_context *ctx = node->graph->model->ctx;
  int64_t *places = pgi_mul_size((size_t)n, sizeof *places, &bytes) ? pgi_alloc(ctx, bytes) : NULL;
  if (!places) return pgi_nomem(err);
  for (int64_t i = 0; i < n; i++) places[i] = i;
  pg_status status =
      pgi_attr_set_strings(node, is_text ? "keys_strings" : "values_strings", n, classes, err);
  if (status == PG_OK)
    status = pgi_attr_set_ints(node, is_text ? "values_int64s" : "keys_int64s", n, places, err);
  pgi_free(ctx, places);
  if (status == PG_OK) pgi_attr_remove(node, "classes_strings");
  return status;
}

static pg_status encoder_infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  pg_dtype in = pgi_in_dtype(inf, 0);
  pg_dtype out = in == PG_STRING ? PG_I64 : in == PG_NONE ? PG_NONE : PG_STRING;
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = is_old(inf->node) ? out : find_values(inf->node).dtype;
  return PG_OK;
}

static pg_status encoder_prepare(pg_context *ctx, const pgi_node *node,
                                 const pg_tensor *const *value, void **prepared, pg_error *err) {
  column keys = find_keys(node), values = find_values(node);
  const pg_tensor *otherwise = pgi_attr_tensor(node, "default_tensor");
  (void)value;
  if (is_old(node)) {
    keys.dtype = PG_STRING;
    keys.data = pgi_attr_strings(node, "classes_strings", &keys.n);
    values.n = keys.n;
  }
  if (keys.n != values.n) {
    return pgi_fail(err, PG_INVALID, "expected as many values as keys, %lld, got %lld",
                    (long long)keys.n, (long long)values.n);
  }
  if (otherwise && (pgi_tensor_count(otherwise) != 1 || otherwise->dtype != values.dtype)) {
    return pgi_fail(err, PG_INVALID, "default_tensor: expected one %s",
                    pg_dtype_name(values.dtype));
  }
  pgi_lookup *l = pgi_alloc(ctx, sizeof *l);
  if (!l) return pgi_nomem(err);
  pg_status status = pgi_lookup_init(l, ctx, keys.dtype, keys.data, keys.n, err);
  if (status == PG_OK)
    *prepared = l;
  else
    pgi_free(ctx, l);
  return status;
}

static void lookup_discard(pg_context *ctx, void *prepared) {
  pgi_lookup_deinit(prepared, ctx);
  pgi_free(ctx, prepared);
}

/* What stands for a key that isn't there, as one element of the values' type.  Numbers go to
** *room. */
static const void *default_of(const pgi_node *node, pg_dtype dtype, void *room, pg_string *text) {
  const pg_tensor *t = pgi_attr_tensor(node, "default_tensor");
  bool is_float = pgi_dtype_kind(dtype) == PG_KIND_FLOAT;
  if (t) return pgi_tensor_data(t);
  if (dtype == PG_STRING) {
    *text = pgi_attr_string(node, "default_string");
    return text;
  }
  if (is_float)
    pgi_store_f32(dtype, room, 0, 1, &(float){pgi_attr_float(node, "default_float")});
  else
    pgi_store_i64(dtype, room, 0, 1, &(int64_t){pgi_attr_int(node, "default_int64")});
  return room;
}

static pg_status run_old(pgi_call *c) {
  const pgi_lookup *l = c->prepared;
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  pg_string other = pgi_attr_string(c->node, "default_string");
  for (int64_t i = 0; i < pgi_tensor_count(in); i++) {
    if (in->dtype == PG_STRING) {
      int64_t found = pgi_lookup_find(l, in, i);
      ((int64_t *)pgi_tensor_data(out))[i] =
          found < 0 ? pgi_attr_int(c->node, "default_int64") : found;
    } else {
      int64_t at = pgi_tensor_get_i64(in, i);
      pg_string s = at >= 0 && at < l->n ? l->strings[at] : other;
      PG_TRY(pgi_string_set(out->buffer, out->offset + i, s.data, s.size, c->err));
    }
  }
  return PG_OK;
}

static pg_status encoder_run(pgi_call *c) {
  const pgi_lookup *l = c->prepared;
  const pg_tensor *in = c->in[0];
  column values = find_values(c->node);
  uint64_t room[2] = {0};
  pg_string text;
  pgi_elems to;
  if (is_old(c->node)) return run_old(c);
  if (pgi_dtype_kind(l->dtype) != pgi_dtype_kind(in->dtype)) {
    return pgi_fail(c->err, PG_INVALID, "X: expected %s, as the keys, got %s",
                    pg_dtype_name(l->dtype), pg_dtype_name(in->dtype));
  }
  const char *other = default_of(c->node, values.dtype, room, &text), *from = values.data;
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  for (int64_t i = 0; i < pgi_tensor_count(in); i++) {
    int64_t found = pgi_lookup_find(l, in, i);
    const char *value = found < 0 ? other : from + found * (int64_t)to.size;
    pgi_elem_copy(to.data + i * (int64_t)to.size, value, to.size);
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def encoder_attrs[] = {
    {.name = "default_float", .kind = PG_ATTR_FLOAT, .f = -0.0f},
    {.name = "default_int64", .kind = PG_ATTR_INT, .i = -1},
    {.name = "default_string", .kind = PG_ATTR_STRING, .s = "_Unused"},
    {.name = "default_tensor", .kind = PG_ATTR_TENSOR},
    {.name = "keys_floats", .kind = PG_ATTR_FLOATS},
    {.name = "keys_int64s", .kind = PG_ATTR_INTS},
    {.name = "keys_strings", .kind = PG_ATTR_STRINGS},
    {.name = "keys_tensor", .kind = PG_ATTR_TENSOR},
    {.name = "values_floats", .kind = PG_ATTR_FLOATS},
    {.name = "values_int64s", .kind = PG_ATTR_INTS},
    {.name = "values_strings", .kind = PG_ATTR_STRINGS},
    {.name = "values_tensor", .kind = PG_ATTR_TENSOR},
    {0}};

PG_OP(ml_label_encoder) = {
    .name = "LabelEncoder",
    .domain = "ai.onnx.ml",
    .since = {1, 2, 4},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML | PG_T(PG_I16) | PG_T(PG_STRING),
    .attrs = encoder_attrs,
    .upgrade = encoder_upgrade,
    .infer = encoder_infer,
    .prepare = encoder_prepare,
    .discard = lookup_discard,
    .run = encoder_run,
};

/* ---- CategoryMapper -------------------------------------------------------------------------- */

static pg_status mapper_infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  pg_dtype in = pgi_in_dtype(inf, 0);
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = in == PG_STRING ? PG_I64 : in == PG_NONE ? PG_NONE : PG_STRING;
  return PG_OK;
}

static pg_status mapper_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  int64_t n_ints, n_strings;
  const int64_t *ints = pgi_attr_ints(c->node, "cats_int64s", &n_ints);
  const pg_string *strings = pgi_attr_strings(c->node, "cats_strings", &n_strings);
  bool is_text = in->dtype == PG_STRING;
  pgi_lookup l;
  if (n_ints != n_strings) {
    return pgi_fail(c->err, PG_INVALID, "cats_int64s, cats_strings: expected as many of each");
  }
  PG_TRY(pgi_lookup_init(&l, c->ctx, is_text ? PG_STRING : PG_I64,
                         is_text ? (const void *)strings : (const void *)ints, n_ints, c->err));
  pg_status status = PG_OK;
  for (int64_t i = 0; i < pgi_tensor_count(in) && status == PG_OK; i++) {
    int64_t at = pgi_lookup_find(&l, in, i);
    pg_string s = at < 0 ? pgi_attr_string(c->node, "default_string") : strings[at];
    if (is_text)
      ((int64_t *)pgi_tensor_data(out))[i] =
          at < 0 ? pgi_attr_int(c->node, "default_int64") : ints[at];
    else
      status = pgi_string_set(out->buffer, out->offset + i, s.data, s.size, c->err);
  }
  pgi_lookup_deinit(&l, c->ctx);
  return status;
}

static const pgi_attr_def mapper_attrs[] = {
    {.name = "cats_int64s", .kind = PG_ATTR_INTS},
    {.name = "cats_strings", .kind = PG_ATTR_STRINGS},
    {.name = "default_int64", .kind = PG_ATTR_INT, .i = -1},
    {.name = "default_string", .kind = PG_ATTR_STRING, .s = "_Unused"},
    {0}};

PG_OP(ml_category_mapper) = {
    .name = "CategoryMapper",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_I64) | PG_T(PG_STRING),
    .attrs = mapper_attrs,
    .infer = mapper_infer,
    .run = mapper_run,
};
