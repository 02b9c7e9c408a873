/* ArrayFeatureExtractor, FeatureVectorizer, OneHotEncoder: columns chosen, joined, spread. */
#include "op/ml.h"

/* ---- ArrayFeatureExtractor ------------------------------------------------------------------- */

static pg_status extractor_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), indices = pgi_in_rank(inf, 1);
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank < 0 ? -1 : PG_MAX(rank, 2));
  if (rank < 0) return PG_OK;
  if (rank == 0) return pgi_fail(inf->err, PG_INVALID, "X: expected rank 1 or more, got 0");
  for (int i = 0; i < rank - 1; i++) out->dims[i] = inf->in[0]->dims[i];
  if (rank == 1) out->dims[0] = pgi_dim_of(1);
  if (indices < 0) return PG_OK;
  pgi_dim n = pgi_dim_of(1);
  for (int i = 0; i < indices; i++) n = pgi_dim_mul(inf->arena, n, inf->in[1]->dims[i]);
  out->dims[out->rank - 1] = n;
  return PG_OK;
}

static pg_status extractor_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  int64_t dim = in->dims[in->rank - 1], n = pgi_tensor_count(c->in[1]);
  const int64_t *index;
  pgi_elems from, to;
  PG_TRY(pgi_i64s(c, c->in[1], &index));
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  for (int64_t i = 0; i < pgi_tensor_count(c->out[0]); i++) {
    int64_t at;
    PG_TRY(pgi_index(index[i % n], dim, &at, c->err));
    pgi_elem_copy(to.data + i * (int64_t)to.size,
                  from.data + (i / n * dim + at) * (int64_t)from.size, to.size);
  }
  return pgi_elems_done(c, c->out[0], &to);
}

PG_OP(ml_array_feature_extractor) = {
    .name = "ArrayFeatureExtractor",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ML | PG_T(PG_STRING),
    .infer = extractor_infer,
    .run = extractor_run,
};

/* ---- FeatureVectorizer ----------------------------------------------------------------------- */

static pg_status column_counts(const pgi_node *node, const int64_t **out, int64_t *sum,
                               pg_error *err) {
  int64_t n;
  *out = pgi_attr_ints(node, "inputdimensions", &n);
  *sum = 0;
  if (n != node->n_in) {
    return pgi_fail(err, PG_INVALID, "inputdimensions: expected %d sizes, got %lld", node->n_in,
                    (long long)n);
  }
  for (int64_t i = 0; i < n; i++) {
    if ((*out)[i] < 0 || (*out)[i] > INT32_MAX) {
      return pgi_fail(err, PG_INVALID, "inputdimensions[%lld]: %lld", (long long)i,
                      (long long)(*out)[i]);
    }
    *sum += (*out)[i];
  }
  return PG_OK;
}

static pg_status vectorizer_infer(pgi_infer *inf) {
  const int64_t *counts;
  int64_t sum;
  pgi_dim rows, features;
  PG_TRY(column_counts(inf->node, &counts, &sum, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, PG_F32, 2);
  out->dims[1] = pgi_dim_of(sum);
  for (int i = 0; i < inf->n_in; i++) {
    PG_TRY(pgi_rows_of(inf->in[i], &rows, &features, inf->err));
    if (out->dims[0].n >= 0 && rows.n >= 0 && out->dims[0].n != rows.n) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected %lld rows, got %lld", i,
                      (long long)out->dims[0].n, (long long)rows.n);
    }
    if (out->dims[0].n < 0) out->dims[0] = rows;
  }
  return PG_OK;
}

/* Columns that an input lacks are zeros, those it has too many are left out. */
static pg_status vectorizer_run(pgi_call *c) {
  pg_tensor *out = c->out[0];
  float *to = pgi_tensor_data(out);
  const int64_t *counts;
  int64_t width, column = 0;
  pgi_matrix m;
  PG_TRY(column_counts(c->node, &counts, &width, c->err));
  for (int i = 0; i < c->n_in; column += counts[i++]) {
    PG_TRY(pgi_matrix_of(c, c->in[i], &m));
    for (int64_t r = 0; r < out->dims[0]; r++) {
      for (int64_t k = 0; k < counts[i]; k++) {
        double v = k < m.features ? m.data[r * m.features + k] : 0;
        to[r * width + column + k] = (float)v;
      }
    }
  }
  return PG_OK;
}

static const pgi_attr_def vectorizer_attrs[] = {{.name = "inputdimensions", .kind = PG_ATTR_INTS},
                                                {0}};

PG_OP(ml_feature_vectorizer) = {
    .name = "FeatureVectorizer",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, PG_MANY},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = vectorizer_attrs,
    .infer = vectorizer_infer,
    .run = vectorizer_run,
};

/* ---- OneHotEncoder --------------------------------------------------------------------------- */

static pg_status encoder_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  pgi_labels cats = pgi_labels_of(inf->node, "cats_int64s", "cats_strings");
  if (cats.n == 0) return pgi_fail(inf->err, PG_INVALID, "expected cats_int64s or cats_strings");
  if (rank >= 0) PG_TRY(pgi_check_rank(rank + 1, "output", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, PG_F32, rank < 0 ? -1 : rank + 1);
  for (int i = 0; i < rank; i++) out->dims[i] = inf->in[0]->dims[i];
  if (rank >= 0) out->dims[rank] = pgi_dim_of(cats.n);
  return PG_OK;
}

static pg_status encode(pgi_call *c, const pgi_lookup *l, const pg_tensor *in) {
  float *out = pgi_tensor_data(c->out[0]);
  int64_t n = pgi_tensor_count(in);
  if (n > 0) memset(out, 0, (size_t)n * (size_t)l->n * sizeof *out);
  for (int64_t i = 0; i < n; i++) {
    int64_t at = pgi_lookup_find(l, in, i);
    if (at >= 0)
      out[i * l->n + at] = 1;
    else if (!pgi_attr_int(c->node, "zeros")) {
      return pgi_fail(c->err, PG_INVALID, "X: element %lld is in no category", (long long)i);
    }
  }
  return PG_OK;
}

/* Numbers are looked up as integers. */
static pg_status encoder_run(pgi_call *c) {
  pgi_labels cats = pgi_labels_of(c->node, "cats_int64s", "cats_strings");
  pg_dtype dtype = pgi_labels_dtype(&cats);
  const void *keys = cats.strings ? (const void *)cats.strings : (const void *)cats.ints;
  pg_tensor ints = {0};
  pgi_lookup l;
  if ((c->in[0]->dtype == PG_STRING) != (dtype == PG_STRING)) {
    return pgi_fail(c->err, PG_INVALID, "X: expected %s, as the categories, got %s",
                    pg_dtype_name(dtype), pg_dtype_name(c->in[0]->dtype));
  }
  PG_TRY(pgi_lookup_init(&l, c->ctx, dtype, keys, cats.n, c->err));
  pg_status status = PG_OK;
  if (dtype == PG_STRING)
    pgi_tensor_assign(&ints, c->in[0]);
  else
    status = pgi_tensor_cast(c->in[0], PG_I64, NULL, &ints, c->err);
  if (status == PG_OK) status = encode(c, &l, &ints);
  pgi_tensor_clear(&ints);
  pgi_lookup_deinit(&l, c->ctx);
  return status;
}

static const pgi_attr_def encoder_attrs[] = {{.name = "cats_int64s", .kind = PG_ATTR_INTS},
                                             {.name = "cats_strings", .kind = PG_ATTR_STRINGS},
                                             {.name = "zeros", .kind = PG_ATTR_INT, .i = 1},
                                             {0}};

PG_OP(ml_one_hot_encoder) = {
    .name = "OneHotEncoder",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML | PG_T(PG_STRING),
    .attrs = encoder_attrs,
    .infer = encoder_infer,
    .run = encoder_run,
};
