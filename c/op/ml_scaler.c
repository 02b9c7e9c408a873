/* Scaler, Normalizer, Binarizer, Imputer: numbers made comparable, column by column or row by
** row. */
#include <math.h>

#include "op/ml.h"

/* out 0: f32 of the shape of input 0. */
static pg_status infer_f32(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = PG_F32;
  return PG_OK;
}

/* A list attribute must name one value for all columns, or one for each. */
static pg_status check_columns(const char *name, int64_t n, int64_t columns, pg_error *err) {
  if (n == 1 || n == columns) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected 1 or %lld numbers, got %lld", name,
                  (long long)columns, (long long)n);
}

/* ---- Scaler: (x - offset) * scale ------------------------------------------------------------ */

static pg_status scaler_run(pgi_call *c) {
  int64_t n_offset, n_scale, n = pgi_tensor_count(c->in[0]);
  const float *offset = pgi_attr_floats(c->node, "offset", &n_offset);
  const float *scale = pgi_attr_floats(c->node, "scale", &n_scale);
  float *out = pgi_tensor_data(c->out[0]);
  pgi_matrix m;
  PG_TRY(pgi_matrix_of(c, c->in[0], &m));
  PG_TRY(check_columns("offset", n_offset, m.features, c->err));
  PG_TRY(check_columns("scale", n_scale, m.features, c->err));
  for (int64_t i = 0; i < n; i++) {
    int64_t k = i % m.features;
    double away = m.data[i] - (double)offset[n_offset == 1 ? 0 : k];
    out[i] = (float)(away * (double)scale[n_scale == 1 ? 0 : k]);
  }
  return PG_OK;
}

static const pgi_attr_def scaler_attrs[] = {
    {.name = "offset", .kind = PG_ATTR_FLOATS}, {.name = "scale", .kind = PG_ATTR_FLOATS}, {0}};

PG_OP(ml_scaler) = {
    .name = "Scaler",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = scaler_attrs,
    .infer = infer_f32,
    .run = scaler_run,
};

/* ---- Normalizer: rows over their norm -------------------------------------------------------- */

typedef enum norm { MAX, L1, L2 } norm;

static pg_status norm_of(const pgi_node *node, norm *out, pg_error *err) {
  static const char *const names[] = {"MAX", "L1", "L2"};
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "norm", names[i])) continue;
    *out = (norm)i;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "norm: expected MAX, L1 or L2");
}

static double norm_of_row(norm kind, const double *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    if (kind == MAX)
      sum = i == 0 || x[i] > sum ? x[i] : sum;
    else
      sum += kind == L1 ? fabs(x[i]) : x[i] * x[i];
  }
  return kind == L2 ? sqrt(sum) : sum;
}

static pg_status normalizer_run(pgi_call *c) {
  float *out = pgi_tensor_data(c->out[0]);
  norm kind = MAX;
  pgi_matrix m;
  PG_TRY(norm_of(c->node, &kind, c->err));
  PG_TRY(pgi_matrix_of(c, c->in[0], &m));
  int64_t rows = m.features ? pgi_tensor_count(c->in[0]) / m.features : 0;
  for (int64_t r = 0; r < rows; r++) {
    const double *x = m.data + r * m.features;
    double by = norm_of_row(kind, x, m.features);
    for (int64_t i = 0; i < m.features; i++) *out++ = (float)(by == 0 ? x[i] : x[i] / by);
  }
  return PG_OK;
}

static const pgi_attr_def normalizer_attrs[] = {
    {.name = "norm", .kind = PG_ATTR_STRING, .s = "MAX"}, {0}};

PG_OP(ml_normalizer) = {
    .name = "Normalizer",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = normalizer_attrs,
    .infer = infer_f32,
    .run = normalizer_run,
};

/* ---- Binarizer ------------------------------------------------------------------------------- */

static pg_status binarizer_run(pgi_call *c) {
  double threshold = (double)pgi_attr_float(c->node, "threshold");
  pg_tensor *out = c->out[0];
  pgi_matrix m;
  PG_TRY(pgi_matrix_of(c, c->in[0], &m));
  for (int64_t i = 0; i < pgi_tensor_count(out); i++) {
    double v = m.data[i] > threshold;
    pgi_store_f64(out->dtype, pgi_tensor_data(out), i, 1, &v);
  }
  return PG_OK;
}

static const pgi_attr_def binarizer_attrs[] = {{.name = "threshold", .kind = PG_ATTR_FLOAT}, {0}};

PG_OP(ml_binarizer) = {
    .name = "Binarizer",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = binarizer_attrs,
    .infer = pgi_infer_same,
    .run = binarizer_run,
};

/* ---- Imputer: one value replaced ------------------------------------------------------------- */

static pg_status impute_floats(pgi_call *c, int64_t columns) {
  const pg_tensor *in = c->in[0];
  float replaced = pgi_attr_float(c->node, "replaced_value_float");
  int64_t n;
  const float *values = pgi_attr_floats(c->node, "imputed_value_floats", &n);
  PG_TRY(check_columns("imputed_value_floats", n, columns, c->err));
  for (int64_t i = 0; i < pgi_tensor_count(in); i++) {
    double v;
    pgi_load_f64(in->dtype, pgi_tensor_data(in), i, 1, &v);
    bool is_hit = isnan(replaced) ? isnan(v) : v == (double)replaced;
    if (is_hit) v = (double)values[n == 1 ? 0 : i % columns];
    pgi_store_f64(in->dtype, pgi_tensor_data(c->out[0]), i, 1, &v);
  }
  return PG_OK;
}

static pg_status impute_ints(pgi_call *c, int64_t columns) {
  const pg_tensor *in = c->in[0];
  int64_t replaced = pgi_attr_int(c->node, "replaced_value_int64"), n;
  const int64_t *values = pgi_attr_ints(c->node, "imputed_value_int64s", &n);
  PG_TRY(check_columns("imputed_value_int64s", n, columns, c->err));
  for (int64_t i = 0; i < pgi_tensor_count(in); i++) {
    int64_t v;
    pgi_load_i64(in->dtype, pgi_tensor_data(in), i, 1, &v);
    if (v == replaced) v = values[n == 1 ? 0 : i % columns];
    pgi_store_i64(in->dtype, pgi_tensor_data(c->out[0]), i, 1, &v);
  }
  return PG_OK;
}

static pg_status imputer_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  int64_t columns = in->rank ? in->dims[in->rank - 1] : 1;
  bool is_float = pgi_dtype_kind(in->dtype) == PG_KIND_FLOAT;
  return is_float ? impute_floats(c, columns) : impute_ints(c, columns);
}

static const pgi_attr_def imputer_attrs[] = {
    {.name = "imputed_value_floats", .kind = PG_ATTR_FLOATS},
    {.name = "imputed_value_int64s", .kind = PG_ATTR_INTS},
    {.name = "replaced_value_float", .kind = PG_ATTR_FLOAT},
    {.name = "replaced_value_int64", .kind = PG_ATTR_INT},
    {0}};

PG_OP(ml_imputer) = {
    .name = "Imputer",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = imputer_attrs,
    .infer = pgi_infer_same,
    .run = imputer_run,
};
