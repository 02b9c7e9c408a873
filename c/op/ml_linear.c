/* LinearRegressor, LinearClassifier: X times coefficients and intercepts, then a transform. */
#include "op/ml.h"

/* One row of `features` coefficients for each of n results. */
typedef struct linear {
  int64_t n;
  const float *coefficients, *intercepts; /* intercepts: [n] or NULL */
  int64_t n_coefficients;
  pgi_transform transform;
  pgi_second second;
} linear;

static pg_status read_linear(const pgi_node *node, int64_t n, linear *l, pg_error *err) {
  int64_t n_intercepts;
  l->coefficients = pgi_attr_floats(node, "coefficients", &l->n_coefficients);
  l->intercepts = pgi_attr_floats(node, "intercepts", &n_intercepts);
  l->n = n > 0 ? n : PG_MAX(n_intercepts, 1);
  if (n_intercepts == 0)
    l->intercepts = NULL;
  else if (n_intercepts != l->n) {
    return pgi_fail(err, PG_INVALID, "intercepts: expected %lld, got %lld", (long long)l->n,
                    (long long)n_intercepts);
  }
  return pgi_transform_of(node, &l->transform, err);
}

static pg_status check_features(const linear *l, int64_t features, pg_error *err) {
  int64_t n;
  if (features < 0 || (!__builtin_mul_overflow(features, l->n, &n) && n == l->n_coefficients))
    return PG_OK;
  return pgi_fail(err, PG_INVALID, "coefficients: expected %lld for each of %lld results, got %lld",
                  (long long)features, (long long)l->n, (long long)l->n_coefficients);
}

typedef struct linear_job {
  linear l;
  pgi_matrix x;
  pgi_labels labels;
  pg_tensor *chosen; /* of the classifier; NULL when not wanted */
  float *out;        /* [rows][n_out]; NULL when not wanted */
  int64_t n_out;
  double *scores;   /* for each task [n + 1] */
  int64_t *classes; /* [rows] */
} linear_job;

static void linear_rows(void *arg, int64_t task, int64_t first, int64_t n) {
  const linear_job *job = arg;
  const linear *l = &job->l;
  double *scores = job->scores + task * (l->n + 1);
  for (int64_t r = first; r < first + n; r++) {
    const double *x = job->x.data + r * job->x.features;
    for (int64_t k = 0; k < l->n; k++) {
      const float *w = l->coefficients + k * job->x.features;
      scores[k] = l->intercepts ? (double)l->intercepts[k] : 0;
      for (int64_t i = 0; i < job->x.features; i++) scores[k] += x[i] * (double)w[i];
    }
    int64_t n_out = pgi_finish_scores(l->transform, l->second, scores, l->n);
    if (job->classes) job->classes[r] = n_out > 1 ? pgi_best_score(scores, n_out) : scores[0] > 0;
    for (int64_t k = 0; k < job->n_out && job->out; k++)
      job->out[r * job->n_out + k] = (float)scores[k];
  }
}

static pg_status run_linear(pgi_call *c, linear_job *job) {
  PG_TRY(pgi_matrix_of(c, c->in[0], &job->x));
  PG_TRY(check_features(&job->l, job->x.features, c->err));
  job->scores = pgi_call_scratch(c, (size_t)(job->l.n + 1) * PG_ML_TASKS * sizeof *job->scores);
  if (!job->scores) return pgi_nomem(c->err);
  pgi_matrix_loop(c, job->x.rows, linear_rows, job);
  return PG_OK;
}

/* ---- LinearRegressor ------------------------------------------------------------------------- */

static pg_status read_regressor(const pgi_node *node, linear *l, pg_error *err) {
  int64_t targets = pgi_attr_int(node, "targets");
  if (targets < 1 || targets > INT32_MAX) {
    return pgi_fail(err, PG_INVALID, "targets: expected at least 1, got %lld", (long long)targets);
  }
  return read_linear(node, targets, l, err);
}

static pg_status regressor_infer(pgi_infer *inf) {
  linear l = {0};
  pgi_dim rows, features;
  PG_TRY(read_regressor(inf->node, &l, inf->err));
  PG_TRY(pgi_rows_of(inf->in[0], &rows, &features, inf->err));
  PG_TRY(check_features(&l, features.n, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, PG_F32, 2);
  out->dims[0] = rows;
  out->dims[1] = pgi_dim_of(l.n);
  return PG_OK;
}

static pg_status regressor_run(pgi_call *c) {
  linear_job job = {.out = pgi_tensor_data(c->out[0])};
  PG_TRY(read_regressor(c->node, &job.l, c->err));
  job.n_out = job.l.n;
  return run_linear(c, &job);
}

static const pgi_attr_def regressor_attrs[] = {
    {.name = "coefficients", .kind = PG_ATTR_FLOATS},
    {.name = "intercepts", .kind = PG_ATTR_FLOATS},
    {.name = "post_transform", .kind = PG_ATTR_STRING, .s = "NONE"},
    {.name = "targets", .kind = PG_ATTR_INT, .i = 1},
    {0}};

PG_OP(ml_linear_regressor) = {
    .name = "LinearRegressor",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = regressor_attrs,
    .infer = regressor_infer,
    .run = regressor_run,
};

/* ---- LinearClassifier ------------------------------------------------------------------------ */

/* One score for two classes is that of the second. */
static pg_status read_classifier(const pgi_node *node, linear *l, pgi_labels *labels,
                                 pg_error *err) {
  PG_TRY(read_linear(node, 0, l, err));
  *labels = pgi_labels_of(node, "classlabels_ints", "classlabels_strings");
  bool is_binary = l->n == 1 && labels->n == 2;
  l->second = is_binary ? PG_SECOND_NEGATIVE : PG_SECOND_NONE;
  if (is_binary || labels->n == 0 || labels->n == l->n) return PG_OK;
  return pgi_fail(err, PG_INVALID, "class labels: expected %lld, got %lld", (long long)l->n,
                  (long long)labels->n);
}

static pg_status classifier_infer(pgi_infer *inf) {
  linear l = {0};
  pgi_labels labels;
  pgi_dim rows, features;
  PG_TRY(read_classifier(inf->node, &l, &labels, inf->err));
  PG_TRY(pgi_rows_of(inf->in[0], &rows, &features, inf->err));
  PG_TRY(check_features(&l, features.n, inf->err));
  pgi_out_type(inf, 0, pgi_labels_dtype(&labels), 1)->dims[0] = rows;
  if (inf->n_out < 2) return PG_OK;
  pgi_type *scores = pgi_out_type(inf, 1, PG_F32, 2);
  scores->dims[0] = rows;
  scores->dims[1] = pgi_dim_of(pgi_score_count(l.transform, l.second, l.n));
  return PG_OK;
}

/* A lone class is chosen when its score is positive; else it is 0, or no text. */
static pg_status write_class(const linear_job *job, int64_t row, pg_error *err) {
  static const pg_string nothing = {"", 0};
  int64_t zero = 0, chosen = job->classes[row];
  pgi_labels none = {.n = 1, .ints = &zero};
  if (job->labels.strings) none = (pgi_labels){.n = 1, .strings = &nothing};
  if (job->labels.n != 1) return pgi_put_label(&job->labels, chosen, job->chosen, row, err);
  return pgi_put_label(chosen ? &job->labels : &none, 0, job->chosen, row, err);
}

static pg_status classifier_run(pgi_call *c) {
  pg_tensor *scores = c->n_out > 1 ? c->out[1] : NULL;
  linear_job job = {.chosen = c->out[0]};
  PG_TRY(read_classifier(c->node, &job.l, &job.labels, c->err));
  job.n_out = pgi_score_count(job.l.transform, job.l.second, job.l.n);
  if (scores) job.out = pgi_tensor_data(scores);
  int64_t rows = c->in[0]->rank == 2 ? c->in[0]->dims[0] : 1;
  job.classes = pgi_call_scratch(c, (size_t)PG_MAX(rows, 1) * sizeof *job.classes);
  if (!job.classes) return pgi_nomem(c->err);
  PG_TRY(run_linear(c, &job));
  for (int64_t r = 0; r < rows && job.chosen; r++) PG_TRY(write_class(&job, r, c->err));
  return PG_OK;
}

static const pgi_attr_def classifier_attrs[] = {
    {.name = "classlabels_ints", .kind = PG_ATTR_INTS},
    {.name = "classlabels_strings", .kind = PG_ATTR_STRINGS},
    {.name = "coefficients", .kind = PG_ATTR_FLOATS, .is_required = true},
    {.name = "intercepts", .kind = PG_ATTR_FLOATS},
    {.name = "multi_class", .kind = PG_ATTR_INT},
    {.name = "post_transform", .kind = PG_ATTR_STRING, .s = "NONE"},
    {0}};

PG_OP(ml_linear_classifier) = {
    .name = "LinearClassifier",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {2, 2},
    .types = PG_T_ML,
    .attrs = classifier_attrs,
    .infer = classifier_infer,
    .run = classifier_run,
};
