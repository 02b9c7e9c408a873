/* NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss. */
#include "op/move.h"
#include "op/product.h"

/* The size of an input's axis; -1: not known. */
static int64_t known_size(const pgi_infer *inf, int i, int axis) {
  return pgi_in_rank(inf, i) > axis ? inf->in[i]->dims[axis].n : -1;
}

/* input [N, C, ...], target [N, ...], weight [C]: as far as they are known. */
static pg_status check_known(const pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), target_rank = pgi_in_rank(inf, 1), weight = pgi_in_rank(inf, 2);
  if (rank >= 0 && rank < 2)
    return pgi_fail(inf->err, PG_INVALID, "input: expected rank 2 or more, got %d", rank);
  if (rank >= 0 && target_rank >= 0 && target_rank != rank - 1)
    return pgi_fail(inf->err, PG_INVALID,
                    "target: expected rank %d for an input of rank %d, got %d", rank - 1, rank,
                    target_rank);
  for (int i = 0; i < target_rank; i++) {
    int64_t expected = known_size(inf, 0, i > 0 ? i + 1 : 0), got = known_size(inf, 1, i);
    if (expected >= 0 && got >= 0 && expected != got)
      return pgi_fail(inf->err, PG_INVALID, "target: axis %d: expected %lld, got %lld", i,
                      (long long)expected, (long long)got);
  }
  int64_t classes = known_size(inf, 0, 1), weights = known_size(inf, 2, 0);
  if (weight >= 0 && (weight != 1 || (classes >= 0 && weights >= 0 && weights != classes)))
    return pgi_fail(inf->err, PG_INVALID, "weight: expected one number a class");
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  PG_TRY(check_known(inf));
  bool is_whole = !pgi_attr_is(inf->node, "reduction", "none");
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), is_whole ? 0 : pgi_in_rank(inf, 1));
  for (int i = 0; i < out->rank; i++) out->dims[i] = inf->in[1]->dims[i];
  return PG_OK;
}

static pg_status cross_infer(pgi_infer *inf) {
  if (inf->n_out > 1 && pgi_has_in(inf, 0)) inf->out[1] = *inf->in[0];
  return infer(inf);
}

/* input [N, C, ...], target [N, ...], weight [C]. */
static pg_status check_shapes(const pgi_call *c) {
  const pg_tensor *x = c->in[0], *target = c->in[1], *weight = pgi_input(c, 2);
  pgi_kind kind = pgi_dtype_kind(target->dtype);
  bool fits = x->rank >= 2 && target->rank == x->rank - 1 && kind == PG_KIND_INT;
  for (int i = 0; i < target->rank && fits; i++)
    fits = target->dims[i] == x->dims[i > 0 ? i + 1 : 0];
  if (!fits) {
    char a[300], b[300];
    return pgi_fail(c->err, PG_INVALID, "%s has no targets %s",
                    pgi_shape_text(x->dtype, x->rank, x->dims, a, sizeof a),
                    pgi_shape_text(target->dtype, target->rank, target->dims, b, sizeof b));
  }
  if (!weight || (weight->rank == 1 && weight->dims[0] == x->dims[1])) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "weight: expected [%lld]", (long long)x->dims[1]);
}

/* The loss and the weight of one sample. */
static pg_status sample(const pgi_call *c, int64_t i, int64_t space, const pgi_attr *ignored,
                        double *loss, double *weight) {
  const pg_tensor *x = c->in[0], *weights = pgi_input(c, 2);
  int64_t classes = x->dims[1], target = pgi_tensor_get_i64(c->in[1], i);
  *loss = *weight = 0;
  if (ignored && target == ignored->ints[0]) return PG_OK;
  if (target < 0 || target >= classes) {
    return pgi_fail(c->err, PG_INVALID, "target: expected 0 to %lld, got %lld",
                    (long long)classes - 1, (long long)target);
  }
  double v;
  int64_t at = (i / space * classes + target) * space + i % space;
  pgi_load_f64(x->dtype, pgi_tensor_data(x), at, 1, &v);
  *weight = 1;
  if (weights) pgi_load_f64(weights->dtype, pgi_tensor_data(weights), target, 1, weight);
  *loss = -v * *weight;
  return PG_OK;
}

static pg_status run(pgi_call *c) {
  PG_TRY(check_shapes(c));
  pg_tensor *out = c->out[0];
  const pgi_attr *ignored = pgi_attr_find(c->node, "ignore_index");
  bool is_none = pgi_attr_is(c->node, "reduction", "none");
  bool is_mean = pgi_attr_is(c->node, "reduction", "mean");
  if (!is_none && !is_mean && !pgi_attr_is(c->node, "reduction", "sum"))
    return pgi_fail(c->err, PG_INVALID, "reduction: expected 'none', 'sum' or 'mean'");
  int64_t n = pgi_tensor_count(c->in[1]);
  int64_t space = n > 0 ? pgi_dims_product(c->in[1]->dims, 1, c->in[1]->rank) : 1;
  double sum = 0, weights = 0;
  for (int64_t i = 0; i < n; i++) {
    double loss, weight;
    PG_TRY(sample(c, i, space, ignored, &loss, &weight));
    if (is_none) pgi_store_f64(out->dtype, pgi_tensor_data(out), i, 1, &loss);
    sum += loss;
    weights += weight;
  }
  if (is_mean) sum /= weights;
  if (!is_none) pgi_store_f64(out->dtype, pgi_tensor_data(out), 0, 1, &sum);
  return PG_OK;
}

/* NegativeLogLikelihoodLoss(LogSoftmax(scores)). */
static pg_status cross_expand(pgi_node *node, pg_error *err) {
  pg_graph *g = node->graph;
  pgi_node *made;
  pgi_value *in[3], *out[2];
  PG_TRY(pgi_edit_call(g, node, "LogSoftmax", 1, &node->in[0].value, &made, &out[1], err));
  PG_TRY(pgi_attr_set_int(made, "axis", 1, err));
  for (int i = 0; i < 3; i++) in[i] = i < node->n_in ? node->in[i].value : NULL;
  in[0] = out[1];
  int n = in[2] ? 3 : 2;
  PG_TRY(pgi_edit_call(g, node, "NegativeLogLikelihoodLoss", n, in, &made, &out[0], err));
  const pgi_attr *ignored = pgi_attr_find(node, "ignore_index");
  pg_string reduction = pgi_attr_string(node, "reduction");
  if (ignored) PG_TRY(pgi_attr_set_int(made, "ignore_index", ignored->ints[0], err));
  PG_TRY(pgi_attr_set_string(made, "reduction", reduction.data, reduction.size, err));
  return pgi_edit_replace_node(node, out, err);
}

static const pgi_attr_def attrs[] = {{.name = "ignore_index", .kind = PG_ATTR_INT},
                                     {.name = "reduction", .kind = PG_ATTR_STRING, .s = "mean"},
                                     {0}};

PG_OP(negative_log_likelihood_loss) = {
    .name = "NegativeLogLikelihoodLoss",
    .since = {12, 13, 22},
    .in = {2, 3},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = infer,
    .run = run,
};

PG_OP(softmax_cross_entropy_loss) = {
    .name = "SoftmaxCrossEntropyLoss",
    .since = {12, 13},
    .in = {2, 3},
    .out = {1, 2},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = cross_infer,
    .expand = cross_expand,
};
