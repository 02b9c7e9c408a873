/* SVMRegressor, SVMClassifier: weighted kernels between rows and support vectors.  The
** classifier is libsvm's one-against-one, with Platt's probabilities joined as by Wu, Lin and
** Weng (2004). */
#include <math.h>

#include "op/ml.h"

/* ---- the model ------------------------------------------------------------------------------- */

typedef enum kernel { LINEAR, POLY, RBF, SIGMOID } kernel;

typedef struct svm {
  kernel kernel;
  double gamma, coef0, degree;
  const float *vectors, *coefficients, *rho, *prob_a, *prob_b;
  int64_t n_vector_numbers, n_coefficients, n_rho, n_prob;
  int64_t n_vectors; /* 0: coefficients are weights of the features themselves */
  pgi_transform transform;
  /* The classifier's. */
  int64_t classes;
  const int64_t *per_class; /* [classes] */
  pgi_labels labels;
  pgi_second second;
} svm;

static pg_status read_kernel(const pgi_node *node, svm *m, pg_error *err) {
  static const char *const names[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
  int64_t n;
  const float *params = pgi_attr_floats(node, "kernel_params", &n);
  if (n >= 3) {
    m->gamma = (double)params[0];
    m->coef0 = (double)params[1];
    m->degree = (double)params[2];
  }
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "kernel_type", names[i])) continue;
    m->kernel = (kernel)i;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "kernel_type: expected LINEAR, POLY, RBF or SIGMOID");
}

static pg_status read_model(const pgi_node *node, svm *m, pg_error *err) {
  int64_t n_b;
  m->vectors = pgi_attr_floats(node, "support_vectors", &m->n_vector_numbers);
  m->coefficients = pgi_attr_floats(node, "coefficients", &m->n_coefficients);
  m->rho = pgi_attr_floats(node, "rho", &m->n_rho);
  m->prob_a = pgi_attr_floats(node, "prob_a", &m->n_prob);
  m->prob_b = pgi_attr_floats(node, "prob_b", &n_b);
  if (m->n_rho < 1) return pgi_fail(err, PG_INVALID, "rho: expected at least one number");
  if (n_b != m->n_prob) {
    return pgi_fail(err, PG_INVALID, "prob_a, prob_b: expected as many of each");
  }
  PG_TRY(pgi_transform_of(node, &m->transform, err));
  return read_kernel(node, m, err);
}

static double dot(const double *x, const float *y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i] * (double)y[i];
  return sum;
}

static double kernel_of(const svm *m, const double *x, const float *y, int64_t n) {
  double sum = 0;
  switch (m->kernel) {
    case LINEAR:
      return dot(x, y, n);
    case POLY:
      return pow(m->gamma * dot(x, y, n) + m->coef0, m->degree);
    case SIGMOID:
      return tanh(m->gamma * dot(x, y, n) + m->coef0);
    case RBF:
      break;
  }
  for (int64_t i = 0; i < n; i++) sum += (x[i] - (double)y[i]) * (x[i] - (double)y[i]);
  return exp(-m->gamma * sum);
}

/* Support vectors of `features` numbers each, or weights of the features. */
static pg_status check_features(const svm *m, int64_t features, pg_error *err) {
  int64_t n, want = m->n_vectors ? m->n_vectors : m->classes;
  int64_t have = m->n_vectors ? m->n_vector_numbers : m->n_coefficients;
  if (features < 0 || (!__builtin_mul_overflow(features, want, &n) && n == have)) return PG_OK;
  return pgi_fail(err, PG_INVALID,
                  "X: %lld features don't fit a model of %lld numbers in %lld rows",
                  (long long)features, (long long)have, (long long)want);
}

/* ---- SVMRegressor ---------------------------------------------------------------------------- */

static pg_status read_regressor(const pgi_node *node, svm *m, pg_error *err) {
  *m = (svm){.classes = 1, .n_vectors = pgi_attr_int(node, "n_supports")};
  PG_TRY(read_model(node, m, err));
  if (m->n_vectors < 0 || (m->n_vectors > 0 && m->n_coefficients != m->n_vectors)) {
    return pgi_fail(err, PG_INVALID, "n_supports: expected %lld, as coefficients, got %lld",
                    (long long)m->n_coefficients, (long long)m->n_vectors);
  }
  return PG_OK;
}

static pg_status regressor_infer(pgi_infer *inf) {
  svm m;
  pgi_dim rows, features;
  PG_TRY(read_regressor(inf->node, &m, inf->err));
  PG_TRY(pgi_rows_of(inf->in[0], &rows, &features, inf->err));
  PG_TRY(check_features(&m, features.n, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, PG_F32, 2);
  out->dims[0] = rows;
  out->dims[1] = pgi_dim_of(1);
  return PG_OK;
}

typedef struct svm_job {
  svm m;
  pgi_matrix x;
  bool is_one_class;
  float *out; /* [rows][n_out] */
  int64_t n_out;
  int64_t *chosen; /* [rows] */
  double *room;    /* for each task [room_size] */
  int64_t room_size;
} svm_job;

static void regress_rows(void *arg, int64_t task, int64_t first, int64_t n) {
  const svm_job *job = arg;
  const svm *m = &job->m;
  int64_t f = job->x.features;
  (void)task;
  for (int64_t r = first; r < first + n; r++) {
    const double *x = job->x.data + r * f;
    double sum = (double)m->rho[0];
    if (m->n_vectors == 0) sum += dot(x, m->coefficients, f);
    for (int64_t k = 0; k < m->n_vectors; k++)
      sum += (double)m->coefficients[k] * kernel_of(m, x, m->vectors + k * f, f);
    if (job->is_one_class)
      sum = sum > 0 ? 1 : -1;
    else
      pgi_transform_scores(m->transform, &sum, 1);
    job->out[r] = (float)sum;
  }
}

static pg_status regressor_run(pgi_call *c) {
  svm_job job = {.out = pgi_tensor_data(c->out[0])};
  PG_TRY(read_regressor(c->node, &job.m, c->err));
  PG_TRY(pgi_matrix_of(c, c->in[0], &job.x));
  PG_TRY(check_features(&job.m, job.x.features, c->err));
  job.is_one_class = pgi_attr_int(c->node, "one_class") != 0;
  pgi_matrix_loop(c, job.x.rows, regress_rows, &job);
  return PG_OK;
}

#define SVM_ATTRS                                                      \
  {.name = "coefficients", .kind = PG_ATTR_FLOATS},                    \
      {.name = "kernel_params", .kind = PG_ATTR_FLOATS},               \
      {.name = "kernel_type", .kind = PG_ATTR_STRING, .s = "LINEAR"},  \
      {.name = "post_transform", .kind = PG_ATTR_STRING, .s = "NONE"}, \
      {.name = "rho", .kind = PG_ATTR_FLOATS}, {                       \
    .name = "support_vectors", .kind = PG_ATTR_FLOATS                  \
  }

static const pgi_attr_def regressor_attrs[] = {SVM_ATTRS,
                                               {.name = "n_supports", .kind = PG_ATTR_INT},
                                               {.name = "one_class", .kind = PG_ATTR_INT},
                                               {0}};

PG_OP(ml_svm_regressor) = {
    .name = "SVMRegressor",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ML,
    .attrs = regressor_attrs,
    .infer = regressor_infer,
    .run = regressor_run,
};

/* ---- SVMClassifier --------------------------------------------------------------------------- */

static int64_t pairs_of(int64_t classes) {
  return classes * (classes - 1) / 2;
}

static bool has_probabilities(const svm *m) {
  return m->n_vectors > 0 && m->n_prob > 0;
}

/* Scores before they are transformed: of classes, or of pairs of them. */
static int64_t raw_scores(const svm *m) {
  return m->n_vectors && !has_probabilities(m) ? pairs_of(m->classes) : m->classes;
}

static pg_status check_pairs(const svm *m, pg_error *err) {
  int64_t pairs = pairs_of(m->classes), n;
  if (m->n_vectors == 0) return PG_OK;
  bool fits = m->classes >= 2 && m->n_rho >= pairs && (m->n_prob == 0 || m->n_prob >= pairs) &&
              !__builtin_mul_overflow(m->n_vectors, m->classes - 1, &n) && n == m->n_coefficients;
  if (fits) return PG_OK;
  return pgi_fail(err, PG_INVALID, "rho, coefficients: don't fit %lld classes and %lld vectors",
                  (long long)m->classes, (long long)m->n_vectors);
}

static pg_status read_classifier(const pgi_node *node, svm *m, pg_error *err) {
  int64_t n;
  *m = (svm){.labels = pgi_labels_of(node, "classlabels_ints", "classlabels_strings")};
  PG_TRY(read_model(node, m, err));
  m->per_class = pgi_attr_ints(node, "vectors_per_class", &n);
  m->classes = PG_MAX(m->labels.n, 1);
  if ((n > 0 && n != m->classes) || m->classes > 100000) {
    return pgi_fail(err, PG_INVALID, "vectors_per_class: expected %lld numbers, got %lld",
                    (long long)m->classes, (long long)n);
  }
  for (int64_t i = 0; i < n; i++) {
    if (m->per_class[i] < 0 || m->per_class[i] > INT32_MAX) {
      return pgi_fail(err, PG_INVALID, "vectors_per_class[%lld]: %lld", (long long)i,
                      (long long)m->per_class[i]);
    }
    m->n_vectors += m->per_class[i];
  }
  if (m->n_rho == 1 && m->labels.n == 2) m->second = PG_SECOND_NEGATIVE;
  return check_pairs(m, err);
}

static pg_status classifier_infer(pgi_infer *inf) {
  svm m;
  pgi_dim rows, features;
  PG_TRY(read_classifier(inf->node, &m, inf->err));
  PG_TRY(pgi_rows_of(inf->in[0], &rows, &features, inf->err));
  PG_TRY(check_features(&m, features.n, inf->err));
  pgi_out_type(inf, 0, pgi_labels_dtype(&m.labels), 1)->dims[0] = rows;
  if (inf->n_out < 2) return PG_OK;
  pgi_type *scores = pgi_out_type(inf, 1, PG_F32, 2);
  scores->dims[0] = rows;
  scores->dims[1] = pgi_dim_of(pgi_score_count(m.transform, m.second, raw_scores(&m)));
  return PG_OK;
}

/* A duel between each two classes.  Coefficients: [classes - 1][vectors]. */
static void vote(const svm *m, const double *kernels, double *scores, double *votes) {
  int64_t pair = 0, first_i = 0;
  for (int64_t i = 0; i < m->classes; i++) votes[i] = 0;
  for (int64_t i = 0; i < m->classes; first_i += m->per_class[i++]) {
    int64_t first_j = first_i + m->per_class[i];
    for (int64_t j = i + 1; j < m->classes; first_j += m->per_class[j++], pair++) {
      const float *of_i = m->coefficients + (j - 1) * m->n_vectors + first_i;
      const float *of_j = m->coefficients + i * m->n_vectors + first_j;
      double sum = dot(kernels + first_i, of_i, m->per_class[i]);
      sum += dot(kernels + first_j, of_j, m->per_class[j]) + (double)m->rho[pair];
      scores[pair] = sum;
      votes[sum > 0 ? i : j]++;
    }
  }
}

/* P that minimises the sum of (r[j][i] P[i] - r[i][j] P[j])^2, by Gauss and Seidel. */
static void couple(const double *r, int64_t k, double *q, double *qp, double *p) {
  double epsilon = 0.005 / (double)k;
  for (int64_t t = 0; t < k; t++) {
    p[t] = 1 / (double)k;
    q[t * k + t] = 0;
    for (int64_t j = 0; j < k; j++) {
      if (j == t) continue;
      q[t * k + t] += r[j * k + t] * r[j * k + t];
      q[t * k + j] = -r[j * k + t] * r[t * k + j];
    }
  }
  for (int64_t turn = 0; turn < PG_MAX(100, k); turn++) {
    double pqp = 0, worst = 0;
    for (int64_t t = 0; t < k; t++) {
      qp[t] = 0;
      for (int64_t j = 0; j < k; j++) qp[t] += q[t * k + j] * p[j];
      pqp += p[t] * qp[t];
    }
    for (int64_t t = 0; t < k; t++) worst = PG_MAX(worst, fabs(qp[t] - pqp));
    if (worst < epsilon) return;
    for (int64_t t = 0; t < k; t++) {
      double diff = (pqp - qp[t]) / q[t * k + t];
      p[t] += diff;
      pqp = (pqp + diff * (diff * q[t * k + t] + 2 * qp[t])) / (1 + diff) / (1 + diff);
      for (int64_t j = 0; j < k; j++) {
        qp[j] = (qp[j] + diff * q[t * k + j]) / (1 + diff);
        p[j] /= 1 + diff;
      }
    }
  }
}

/* Scores of pairs to probabilities of classes.  room: [2 k^2 + 2 k]. */
static void make_probabilities(const svm *m, double *scores, double *room) {
  int64_t k = m->classes, pair = 0;
  double *r = room, *q = r + k * k, *qp = q + k * k, *p = qp + k;
  for (int64_t i = 0; i < k; i++) {
    for (int64_t j = i + 1; j < k; j++, pair++) {
      double x = scores[pair] * (double)m->prob_a[pair] + (double)m->prob_b[pair];
      double v = 1 - 1 / (1 + exp(-x));
      v = PG_MIN(PG_MAX(v, 1e-7), 1 - 1e-7);
      r[i * k + j] = v;
      r[j * k + i] = 1 - v;
    }
  }
  couple(r, k, q, qp, p);
  for (int64_t i = 0; i < k; i++) scores[i] = p[i];
}

static bool all_positive(const svm *m) {
  for (int64_t i = 0; i < m->n_coefficients; i++) {
    if (!(m->coefficients[i] >= 0)) return false;
  }
  return true;
}

/* The class by votes, or else by scores; a lone class is 1 when its score is positive. */
static int64_t choose(const svm *m, const double *scores, const double *votes) {
  const double *by = m->n_vectors ? votes : scores;
  int64_t best = pgi_best_score(by, m->n_vectors ? m->classes : raw_scores(m));
  if (m->n_rho != 1) return best;
  if (m->labels.n != 2) return by[best] > 0;
  bool is_sure = !has_probabilities(m) && all_positive(m) && by[best] >= 0.5;
  return is_sure ? 1 : best;
}

static void classify_rows(void *arg, int64_t task, int64_t first, int64_t n) {
  const svm_job *job = arg;
  const svm *m = &job->m;
  int64_t f = job->x.features, k = m->classes, n_scores = raw_scores(m);
  double *scores = job->room + task * job->room_size;
  double *votes = scores + PG_MAX(pairs_of(k), k) + 1, *kernels = votes + k;
  for (int64_t r = first; r < first + n; r++) {
    const double *x = job->x.data + r * f;
    for (int64_t i = 0; i < m->n_vectors; i++) kernels[i] = kernel_of(m, x, m->vectors + i * f, f);
    if (m->n_vectors) vote(m, kernels, scores, votes);
    for (int64_t i = 0; i < k && !m->n_vectors; i++)
      scores[i] = (double)m->rho[0] + dot(x, m->coefficients + i * f, f);
    if (has_probabilities(m)) make_probabilities(m, scores, kernels + m->n_vectors);
    job->chosen[r] = choose(m, scores, votes);
    pgi_finish_scores(m->transform, m->second, scores, n_scores);
    for (int64_t i = 0; i < job->n_out && job->out; i++)
      job->out[r * job->n_out + i] = (float)scores[i];
  }
}

/* What choose() says as a label. */
static pg_status write_label(const svm *m, int64_t chosen, pg_tensor *out, int64_t at,
                             pg_error *err) {
  pgi_labels plain = {0};
  bool is_lone = m->n_rho == 1 && m->labels.n != 2;
  if (!is_lone || m->labels.strings) {
    return pgi_put_label(&m->labels, is_lone ? 0 : chosen, out, at, err);
  }
  return pgi_put_label(&plain, chosen, out, at, err);
}

static pg_status classifier_run(pgi_call *c) {
  pg_tensor *scores = c->n_out > 1 ? c->out[1] : NULL;
  svm_job job = {0};
  svm *m = &job.m;
  PG_TRY(read_classifier(c->node, m, c->err));
  PG_TRY(pgi_matrix_of(c, c->in[0], &job.x));
  PG_TRY(check_features(m, job.x.features, c->err));
  job.n_out = pgi_score_count(m->transform, m->second, raw_scores(m));
  if (scores) job.out = pgi_tensor_data(scores);
  int64_t k = m->classes;
  job.room_size = PG_MAX(pairs_of(k), k) + 1 + k + m->n_vectors +
                  (has_probabilities(m) ? 2 * k * k + 2 * k : 0);
  size_t bytes;
  if (!pgi_mul_size((size_t)job.room_size, PG_ML_TASKS * sizeof *job.room, &bytes))
    return pgi_nomem(c->err);
  job.room = pgi_call_scratch(c, bytes);
  job.chosen = pgi_call_scratch(c, (size_t)PG_MAX(job.x.rows, 1) * sizeof *job.chosen);
  if (!job.room || !job.chosen) return pgi_nomem(c->err);
  pgi_matrix_loop(c, job.x.rows, classify_rows, &job);
  for (int64_t r = 0; r < job.x.rows && c->out[0]; r++)
    PG_TRY(write_label(m, job.chosen[r], c->out[0], r, c->err));
  return PG_OK;
}

static const pgi_attr_def classifier_attrs[] = {
    SVM_ATTRS,
    {.name = "classlabels_ints", .kind = PG_ATTR_INTS},
    {.name = "classlabels_strings", .kind = PG_ATTR_STRINGS},
    {.name = "prob_a", .kind = PG_ATTR_FLOATS},
    {.name = "prob_b", .kind = PG_ATTR_FLOATS},
    {.name = "vectors_per_class", .kind = PG_ATTR_INTS},
    {0}};

PG_OP(ml_svm_classifier) = {
    .name = "SVMClassifier",
    .domain = "ai.onnx.ml",
    .since = {1},
    .in = {1, 1},
    .out = {2, 2},
    .types = PG_T_ML,
    .attrs = classifier_attrs,
    .infer = classifier_infer,
    .run = classifier_run,
};
