/* TreeEnsemble, TreeEnsembleRegressor, TreeEnsembleClassifier: many trees, whose votes add up. */
#include "op/ml.h"
#include "op/ml_forest.h"

static void forest_discard(pg_context *ctx, void *prepared) {
  pgi_forest_free(ctx, prepared);
}

typedef struct forest_job {
  const pgi_forest *f;
  pgi_matrix x;
  pg_tensor *out; /* [rows][n_out]; NULL when not wanted */
  int64_t n_out;
  double *scores;  /* for each task [n_targets + 1] */
  bool *has;       /* for each task [n_targets + 1] */
  int64_t only;    /* classifiers: the class that all votes are for; -1 */
  bool is_binary;  /* two classes, one score */
  int64_t *chosen; /* [rows] */
} forest_job;

static pg_status begin(pgi_call *c, forest_job *job) {
  const pgi_forest *f = c->prepared;
  job->f = f;
  PG_TRY(pgi_matrix_of(c, c->in[0], &job->x));
  if (job->x.features < f->n_features) {
    return pgi_fail(c->err, PG_INVALID, "X: expected at least %d features, got %lld", f->n_features,
                    (long long)job->x.features);
  }
  size_t room = (size_t)(f->n_targets + 1) * PG_ML_TASKS;
  job->scores = pgi_call_scratch(c, room * sizeof *job->scores);
  job->has = pgi_call_scratch(c, room * sizeof *job->has);
  return job->scores && job->has ? PG_OK : pgi_nomem(c->err);
}

static void write_scores(const forest_job *job, int64_t row, const double *scores) {
  if (!job->out) return;
  pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), row * job->n_out, job->n_out, scores);
}

/* ---- regression ------------------------------------------------------------------------------ */

static pg_status target_count(const pgi_node *node, int64_t *out, pg_error *err) {
  *out = pgi_attr_find(node, "n_targets") ? pgi_attr_int(node, "n_targets") : 1;
  if (*out >= 1 && *out <= INT32_MAX) return PG_OK;
  return pgi_fail(err, PG_INVALID, "n_targets: expected at least 1, got %lld", (long long)*out);
}

static pg_status regress_infer_as(pgi_infer *inf, pg_dtype dtype) {
  int64_t n;
  pgi_dim rows, features;
  PG_TRY(target_count(inf->node, &n, inf->err));
  PG_TRY(pgi_rows_of(inf->in[0], &rows, &features, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, dtype, 2);
  out->dims[0] = rows;
  out->dims[1] = pgi_dim_of(n);
  return PG_OK;
}

static void regress_rows(void *arg, int64_t task, int64_t first, int64_t n) {
  const forest_job *job = arg;
  const pgi_forest *f = job->f;
  double *scores = job->scores + task * (f->n_targets + 1);
  bool *has = job->has + task * (f->n_targets + 1);
  for (int64_t r = first; r < first + n; r++) {
    pgi_forest_row(f, job->x.data + r * job->x.features, scores, has);
    for (int64_t t = 0; t < f->n_targets && f->n_base; t++)
      scores[t] += f->base[f->n_base == 1 ? 0 : t];
    pgi_transform_scores(f->transform, scores, f->n_targets);
    write_scores(job, r, scores);
  }
}

static pg_status regress_run(pgi_call *c) {
  forest_job job = {.out = c->out[0], .n_out = c->out[0]->dims[1]};
  PG_TRY(begin(c, &job));
  if (job.f->n_base > 1 && job.f->n_base != job.f->n_targets) {
    return pgi_fail(c->err, PG_INVALID, "base_values: expected %lld, got %lld",
                    (long long)job.f->n_targets, (long long)job.f->n_base);
  }
  pgi_matrix_loop(c, job.x.rows, regress_rows, &job);
  return PG_OK;
}

static pg_status ensemble_infer(pgi_infer *inf) {
  return regress_infer_as(inf, pgi_in_dtype(inf, 0));
}

static pg_status ensemble_prepare(pg_context *ctx, const pgi_node *node,
                                  const pg_tensor *const *value, void **prepared, pg_error *err) {
  int64_t n = 0;
  pgi_forest *f = NULL;
  (void)value;
  PG_TRY(target_count(node, &n, err));
  PG_TRY(pgi_forest_new(ctx, node, n, &f, err));
  *prepared = f;
  return PG_OK;
}

static const pgi_attr_def ensemble_attrs[] = {
    {.name = "aggregate_function", .kind = PG_ATTR_INT, .i = PG_SUM},
    {.name = "leaf_targetids", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "leaf_weights", .kind = PG_ATTR_TENSOR, .is_required = true},
    {.name = "membership_values", .kind = PG_ATTR_TENSOR},
    {.name = "n_targets", .kind = PG_ATTR_INT},
    {.name = "nodes_falseleafs", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "nodes_falsenodeids", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "nodes_featureids", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "nodes_hitrates", .kind = PG_ATTR_TENSOR},
    {.name = "nodes_missing_value_tracks_true", .kind = PG_ATTR_INTS},
    {.name = "nodes_modes", .kind = PG_ATTR_TENSOR, .is_required = true},
    {.name = "nodes_splits", .kind = PG_ATTR_TENSOR, .is_required = true},
    {.name = "nodes_trueleafs", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "nodes_truenodeids", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "post_transform", .kind = PG_ATTR_INT},
    {.name = "tree_roots", .kind = PG_ATTR_INTS, .is_required = true},
    {0}};

PG_OP(ml_tree_ensemble) = {
    .name = "TreeEnsemble",
    .domain = "ai.onnx.ml",
    .since = {5},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_F16) | PG_T(PG_F32) | PG_T(PG_F64),
    .attrs = ensemble_attrs,
    .infer = ensemble_infer,
    .prepare = ensemble_prepare,
    .discard = forest_discard,
    .run = regress_run,
};

/* ---- TreeEnsembleRegressor ------------------------------------------------------------------- */

static pg_status regressor_infer(pgi_infer *inf) {
  return regress_infer_as(inf, PG_F32);
}

static pg_status regressor_prepare(pg_context *ctx, const pgi_node *node,
                                   const pg_tensor *const *value, void **prepared, pg_error *err) {
  int64_t n = 0;
  pgi_forest *f = NULL;
  (void)value;
  PG_TRY(target_count(node, &n, err));
  PG_TRY(pgi_forest_new_listed(ctx, node, "target", n, &f, err));
  *prepared = f;
  return PG_OK;
}

#define LISTED_ATTRS                                                     \
  {.name = "base_values", .kind = PG_ATTR_FLOATS},                       \
      {.name = "base_values_as_tensor", .kind = PG_ATTR_TENSOR},         \
      {.name = "nodes_falsenodeids", .kind = PG_ATTR_INTS},              \
      {.name = "nodes_featureids", .kind = PG_ATTR_INTS},                \
      {.name = "nodes_hitrates", .kind = PG_ATTR_FLOATS},                \
      {.name = "nodes_hitrates_as_tensor", .kind = PG_ATTR_TENSOR},      \
      {.name = "nodes_missing_value_tracks_true", .kind = PG_ATTR_INTS}, \
      {.name = "nodes_modes", .kind = PG_ATTR_STRINGS},                  \
      {.name = "nodes_nodeids", .kind = PG_ATTR_INTS},                   \
      {.name = "nodes_treeids", .kind = PG_ATTR_INTS},                   \
      {.name = "nodes_truenodeids", .kind = PG_ATTR_INTS},               \
      {.name = "nodes_values", .kind = PG_ATTR_FLOATS},                  \
      {.name = "nodes_values_as_tensor", .kind = PG_ATTR_TENSOR}, {      \
    .name = "post_transform", .kind = PG_ATTR_STRING, .s = "NONE"        \
  }

static const pgi_attr_def regressor_attrs[] = {
    LISTED_ATTRS,
    {.name = "aggregate_function", .kind = PG_ATTR_STRING, .s = "SUM"},
    {.name = "n_targets", .kind = PG_ATTR_INT},
    {.name = "target_ids", .kind = PG_ATTR_INTS},
    {.name = "target_nodeids", .kind = PG_ATTR_INTS},
    {.name = "target_treeids", .kind = PG_ATTR_INTS},
    {.name = "target_weights", .kind = PG_ATTR_FLOATS},
    {.name = "target_weights_as_tensor", .kind = PG_ATTR_TENSOR},
    {0}};

PG_OP(ml_tree_ensemble_regressor) = {
    .name = "TreeEnsembleRegressor",
    .domain = "ai.onnx.ml",
    .since = {1, 3, 5},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = regressor_attrs,
    .infer = regressor_infer,
    .prepare = regressor_prepare,
    .discard = forest_discard,
    .run = regress_run,
};

/* ---- TreeEnsembleClassifier ------------------------------------------------------------------ */

static pgi_labels labels_of(const pgi_node *node) {
  return pgi_labels_of(node, "classlabels_int64s", "classlabels_strings");
}

static int64_t base_count(const pgi_node *node) {
  int64_t n;
  const pg_tensor *t = pgi_attr_tensor(node, "base_values_as_tensor");
  (void)pgi_attr_floats(node, "base_values", &n);
  return t ? pgi_tensor_count(t) : n;
}

/* The class that all votes are for; -1: there are several. */
static int64_t only_class(const pgi_node *node) {
  int64_t n;
  const int64_t *ids = pgi_attr_ints(node, "class_ids", &n);
  for (int64_t i = 1; i < n; i++) {
    if (ids[i] != ids[0]) return -1;
  }
  return n > 0 ? ids[0] : -1;
}

/* Two classes with one score, counted for the first: it is that of the second. */
static bool has_one_score(const pgi_node *node, int64_t n_labels) {
  return n_labels <= 2 && only_class(node) == 0 && base_count(node) <= 1;
}

static int64_t column_count(const pgi_node *node, int64_t n_labels, pgi_transform transform) {
  if (!has_one_score(node, n_labels)) return n_labels;
  return pgi_score_count(transform, PG_SECOND_NEGATIVE, 1);
}

static pg_status classifier_infer(pgi_infer *inf) {
  pgi_labels labels = labels_of(inf->node);
  pgi_transform transform = PG_TRANSFORM_NONE;
  pgi_dim rows, features;
  PG_TRY(pgi_transform_of(inf->node, &transform, inf->err));
  PG_TRY(pgi_rows_of(inf->in[0], &rows, &features, inf->err));
  pgi_out_type(inf, 0, pgi_labels_dtype(&labels), 1)->dims[0] = rows;
  if (inf->n_out < 2) return PG_OK;
  pgi_type *scores = pgi_out_type(inf, 1, PG_F32, 2);
  scores->dims[0] = rows;
  scores->dims[1] = pgi_dim_of(column_count(inf->node, labels.n, transform));
  return PG_OK;
}

/* Scores that are no probabilities are negative, too, and then 0 is the threshold. */
static int64_t classify_row(const forest_job *job, double *scores) {
  const pgi_forest *f = job->f;
  double threshold = f->is_positive ? 0.5 : 0;
  int64_t chosen;
  if (job->is_binary) {
    bool adds_up = f->is_positive && f->transform == PG_TRANSFORM_NONE;
    if (f->n_base) scores[0] += f->base[0];
    chosen = scores[0] > threshold;
    pgi_finish_scores(f->transform, adds_up ? PG_SECOND_COMPLEMENT : PG_SECOND_NEGATIVE, scores, 1);
    return chosen;
  }
  for (int64_t t = 0; t < f->n_targets && f->n_base > 1; t++) scores[t] += f->base[t];
  if (f->n_base == 1) scores[0] += f->base[0];
  bool is_lone = f->n_targets == 2 && job->only == 1;
  chosen = is_lone ? scores[1] > threshold : pgi_best_score(scores, f->n_targets);
  pgi_transform_scores(f->transform, scores, f->n_targets);
  return chosen;
}

static void classify_rows(void *arg, int64_t task, int64_t first, int64_t n) {
  const forest_job *job = arg;
  const pgi_forest *f = job->f;
  double *scores = job->scores + task * (f->n_targets + 1);
  bool *has = job->has + task * (f->n_targets + 1);
  for (int64_t r = first; r < first + n; r++) {
    pgi_forest_row(f, job->x.data + r * job->x.features, scores, has);
    job->chosen[r] = classify_row(job, scores);
    write_scores(job, r, scores);
  }
}

/* A lone label is given where its class is chosen; else 0, or no text. */
static pg_status write_class(const pgi_labels *labels, int64_t chosen, pg_tensor *out, int64_t at,
                             pg_error *err) {
  static const pg_string nothing = {"", 0};
  int64_t zero = 0;
  pgi_labels none = {.n = 1, .ints = &zero};
  if (labels->strings) none = (pgi_labels){.n = 1, .strings = &nothing};
  if (labels->n > 1) return pgi_put_label(labels, chosen, out, at, err);
  return pgi_put_label(chosen ? labels : &none, 0, out, at, err);
}

static pg_status classifier_run(pgi_call *c) {
  pgi_labels labels = labels_of(c->node);
  forest_job job = {.out = c->n_out > 1 ? c->out[1] : NULL};
  PG_TRY(begin(c, &job));
  if (job.f->n_base > 1 && job.f->n_base != labels.n) {
    return pgi_fail(c->err, PG_INVALID, "base_values: expected %lld, got %lld", (long long)labels.n,
                    (long long)job.f->n_base);
  }
  job.only = only_class(c->node);
  job.is_binary = has_one_score(c->node, labels.n);
  job.n_out = column_count(c->node, labels.n, job.f->transform);
  job.chosen = pgi_call_scratch(c, (size_t)PG_MAX(job.x.rows, 1) * sizeof *job.chosen);
  if (!job.chosen) return pgi_nomem(c->err);
  pgi_matrix_loop(c, job.x.rows, classify_rows, &job);
  for (int64_t r = 0; r < job.x.rows && c->out[0]; r++)
    PG_TRY(write_class(&labels, job.chosen[r], c->out[0], r, c->err));
  return PG_OK;
}

static pg_status classifier_prepare(pg_context *ctx, const pgi_node *node,
                                    const pg_tensor *const *value, void **prepared, pg_error *err) {
  pgi_forest *f = NULL;
  pgi_labels labels = labels_of(node);
  (void)value;
  if (labels.n == 0) return pgi_fail(err, PG_INVALID, "expected class labels");
  PG_TRY(pgi_forest_new_listed(ctx, node, "class", labels.n, &f, err));
  *prepared = f;
  return PG_OK;
}

static const pgi_attr_def classifier_attrs[] = {
    LISTED_ATTRS,
    {.name = "class_ids", .kind = PG_ATTR_INTS},
    {.name = "class_nodeids", .kind = PG_ATTR_INTS},
    {.name = "class_treeids", .kind = PG_ATTR_INTS},
    {.name = "class_weights", .kind = PG_ATTR_FLOATS},
    {.name = "class_weights_as_tensor", .kind = PG_ATTR_TENSOR},
    {.name = "classlabels_int64s", .kind = PG_ATTR_INTS},
    {.name = "classlabels_strings", .kind = PG_ATTR_STRINGS},
    {0}};

PG_OP(ml_tree_ensemble_classifier) = {
    .name = "TreeEnsembleClassifier",
    .domain = "ai.onnx.ml",
    .since = {1, 3, 5},
    .in = {1, 1},
    .out = {2, 2},
    .types = PG_T_ML,
    .attrs = classifier_attrs,
    .infer = classifier_infer,
    .prepare = classifier_prepare,
    .discard = forest_discard,
    .run = classifier_run,
};
