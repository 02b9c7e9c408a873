/* Adagrad, Adam, Momentum of ai.onnx.preview.training: one step of training.
**
** Inputs: rate, count, then all variables, all gradients, and one or two lists of what is
** remembered of each variable; outputs: variables and what is remembered now. */
#include "op/move.h"

#include <math.h>

enum { BLOCK = 256, MOST_MEMORIES = 2 };

typedef struct rule {
  double rate, decay, decay_after, epsilon, alpha, beta, one_alpha, one_beta;
  bool is_nesterov;
} rule;

/* n elements; x, and the memories v and h (NULL: none), are updated. */
typedef void step_fn(const rule *r, int64_t n, const double *g, double *x, double *v, double *h);

static void adagrad(const rule *r, int64_t n, const double *g, double *x, double *v, double *h) {
  (void)h;
  for (int64_t i = 0; i < n; i++) {
    double slope = r->decay * x[i] + g[i];
    v[i] += slope * slope;
    x[i] -= r->rate * slope / (sqrt(v[i]) + r->epsilon);
  }
}

static void adam(const rule *r, int64_t n, const double *g, double *x, double *v, double *h) {
  for (int64_t i = 0; i < n; i++) {
    double slope = r->decay * x[i] + g[i];
    v[i] = r->alpha * v[i] + r->one_alpha * slope;
    h[i] = r->beta * h[i] + r->one_beta * slope * slope;
    x[i] = (1 - r->decay_after) * (x[i] - r->rate * v[i] / (sqrt(h[i]) + r->epsilon));
  }
}

static void momentum(const rule *r, int64_t n, const double *g, double *x, double *v, double *h) {
  (void)h;
  for (int64_t i = 0; i < n; i++) {
    double slope = r->decay * x[i] + g[i];
    v[i] = r->alpha * v[i] + r->beta * slope;
    x[i] -= r->rate * (r->is_nesterov ? slope + r->alpha * v[i] : v[i]);
  }
}

/* ---- lists of tensors ------------------------------------------------------------------------ */

static pg_status count_variables(const pgi_node *node, int memories, int *out, pg_error *err) {
  int n = (node->n_in - 2) / (2 + memories);
  *out = n;
  bool fits = n >= 1 && node->n_in == 2 + n * (2 + memories) && node->n_out <= n * (1 + memories);
  for (int i = 0; i < node->n_in && fits; i++) fits = node->in[i].value != NULL;
  if (fits) return PG_OK;
  return pgi_fail(err, PG_INVALID, "inputs: expected rate, count and %d lists of one length",
                  2 + memories);
}

static pg_status infer_lists(pgi_infer *inf, int memories) {
  int n;
  PG_TRY(count_variables(inf->node, memories, &n, inf->err));
  for (int i = 0; i < inf->n_out; i++) {
    int from = 2 + (i < n ? i : i + n); /* past the gradients */
    if (inf->in[from]) inf->out[i] = *inf->in[from];
  }
  return PG_OK;
}

typedef struct job {
  const rule *rule;
  step_fn *step;
  int memories;
  const pg_tensor *gradient, *in[1 + MOST_MEMORIES];
  pg_tensor *out[1 + MOST_MEMORIES];
} job;

static void update_range(void *arg, int64_t first, int64_t n) {
  const job *j = arg;
  double g[BLOCK], v[1 + MOST_MEMORIES][BLOCK];
  for (int64_t end = first + n; first < end; first += BLOCK) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK);
    pgi_load_f64(j->gradient->dtype, pgi_tensor_data(j->gradient), first, m, g);
    for (int k = 0; k <= j->memories; k++)
      pgi_load_f64(j->in[k]->dtype, pgi_tensor_data(j->in[k]), first, m, v[k]);
    j->step(j->rule, m, g, v[0], v[1], j->memories > 1 ? v[2] : NULL);
    for (int k = 0; k <= j->memories; k++)
      if (j->out[k]) pgi_store_f64(j->out[k]->dtype, pgi_tensor_data(j->out[k]), first, m, v[k]);
  }
}

static pg_status update_variable(pgi_call *c, const rule *r, step_fn *step, int memories, int n,
                                 int i) {
  job j = {.rule = r, .step = step, .memories = memories, .gradient = c->in[2 + n + i]};
  for (int k = 0; k <= memories; k++) {
    int in = 2 + (k > 0 ? k + 1 : 0) * n + i, out = k * n + i;
    j.in[k] = c->in[in];
    j.out[k] = out < c->n_out ? c->out[out] : NULL;
    bool fits = pgi_same_dims(j.in[k], j.gradient) && j.in[k]->dtype == j.in[0]->dtype &&
                pgi_dtype_kind(j.in[k]->dtype) == PG_KIND_FLOAT &&
                pgi_dtype_kind(j.gradient->dtype) == PG_KIND_FLOAT;
    if (!fits) return pgi_fail(c->err, PG_INVALID, "input %d: it doesn't fit its gradient", in);
  }
  pgi_flat_loop(c, pgi_tensor_count(j.gradient), update_range, &j);
  return PG_OK;
}

static pg_status run_lists(pgi_call *c, rule *r, step_fn *step, int memories) {
  int n;
  PG_TRY(count_variables(c->node, memories, &n, c->err));
  for (int i = 0; i < n; i++) PG_TRY(update_variable(c, r, step, memories, n, i));
  return PG_OK;
}

static double number(const pgi_call *c, const char *name) {
  return (double)pgi_attr_float(c->node, name);
}

static pg_status read_rule(pgi_call *c, rule *r, double *count) {
  *r = (rule){.decay = number(c, "norm_coefficient")};
  PG_TRY(pgi_scalar_f64(c->in[0], "R", &r->rate, c->err));
  return pgi_scalar_f64(c->in[1], "T", count, c->err);
}

/* ---- the operators --------------------------------------------------------------------------- */

static pg_status adagrad_run(pgi_call *c) {
  rule r;
  double count;
  PG_TRY(read_rule(c, &r, &count));
  r.rate /= 1 + count * number(c, "decay_factor");
  r.epsilon = number(c, "epsilon");
  return run_lists(c, &r, adagrad, 1);
}

static pg_status adam_run(pgi_call *c) {
  rule r;
  double count;
  PG_TRY(read_rule(c, &r, &count));
  r.alpha = number(c, "alpha");
  r.beta = number(c, "beta");
  r.one_alpha = 1 - r.alpha;
  r.one_beta = 1 - r.beta;
  r.decay_after = number(c, "norm_coefficient_post");
  r.epsilon = number(c, "epsilon");
  if (count > 0) r.rate *= sqrt(1 - pow(r.beta, count)) / (1 - pow(r.alpha, count));
  return run_lists(c, &r, adam, 2);
}

static pg_status momentum_run(pgi_call *c) {
  rule r;
  double count;
  PG_TRY(read_rule(c, &r, &count));
  r.alpha = number(c, "alpha");
  r.beta = count > 0 ? number(c, "beta") : 1;
  r.is_nesterov = pgi_attr_is(c->node, "mode", "nesterov");
  if (!r.is_nesterov && !pgi_attr_is(c->node, "mode", "standard"))
    return pgi_fail(c->err, PG_INVALID, "mode: expected 'standard' or 'nesterov'");
  return run_lists(c, &r, momentum, 1);
}

static pg_status one_infer(pgi_infer *inf) {
  return infer_lists(inf, 1);
}
static pg_status two_infer(pgi_infer *inf) {
  return infer_lists(inf, 2);
}

static const pgi_attr_def adagrad_attrs[] = {{.name = "decay_factor", .kind = PG_ATTR_FLOAT},
                                             {.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-6f},
                                             {.name = "norm_coefficient", .kind = PG_ATTR_FLOAT},
                                             {0}};
static const pgi_attr_def adam_attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 0.9f},
                                          {.name = "beta", .kind = PG_ATTR_FLOAT, .f = 0.999f},
                                          {.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-6f},
                                          {.name = "norm_coefficient", .kind = PG_ATTR_FLOAT},
                                          {.name = "norm_coefficient_post", .kind = PG_ATTR_FLOAT},
                                          {0}};
static const pgi_attr_def momentum_attrs[] = {
    {.name = "alpha", .kind = PG_ATTR_FLOAT, .is_required = true},
    {.name = "beta", .kind = PG_ATTR_FLOAT, .is_required = true},
    {.name = "mode", .kind = PG_ATTR_STRING, .is_required = true, .s = "standard"},
    {.name = "norm_coefficient", .kind = PG_ATTR_FLOAT, .is_required = true},
    {0}};

PG_OP(training_adagrad) = {
    .name = "Adagrad",
    .domain = "ai.onnx.preview.training",
    .since = {1},
    .in = {3, PG_MANY},
    .out = {1, PG_MANY},
    .types = PG_T(PG_F32) | PG_T(PG_F64),
    .attrs = adagrad_attrs,
    .infer = one_infer,
    .run = adagrad_run,
};

PG_OP(training_adam) = {
    .name = "Adam",
    .domain = "ai.onnx.preview.training",
    .since = {1},
    .in = {3, PG_MANY},
    .out = {1, PG_MANY},
    .types = PG_T(PG_F32) | PG_T(PG_F64),
    .attrs = adam_attrs,
    .infer = two_infer,
    .run = adam_run,
};

PG_OP(training_momentum) = {
    .name = "Momentum",
    .domain = "ai.onnx.preview.training",
    .since = {1},
    .in = {3, PG_MANY},
    .out = {1, PG_MANY},
    .types = PG_T(PG_F32) | PG_T(PG_F64),
    .attrs = momentum_attrs,
    .infer = one_infer,
    .run = momentum_run,
};
