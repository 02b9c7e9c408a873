/* BatchNormalization, with the statistics that training mode gives. */
#include <math.h>

#include "op/lanes.h"

/* ---- old forms ------------------------------------------------------------------------------ */

/* [N, C, D...] as [N, C * D...], and scale and the like as vectors. */
static pg_status flatten(pgi_node *node, pg_error *err) {
  static const int64_t rows[] = {0, -1}, all[] = {-1};
  pg_graph *g = node->graph;
  pgi_value *x = node->in[0].value, *y = node->out[0], *shape, *target, *flat;
  pgi_node *made;
  PG_TRY(pgi_edit_call(g, node, "Shape", 1, &x, &made, &shape, err));
  PG_TRY(pgi_edit_constant_i64s(g, 2, rows, &target, err));
  PG_TRY(pgi_edit_call(g, node, "Reshape", 2, (pgi_value *[]){x, target}, &made, &flat, err));
  PG_TRY(pgi_edit_set_input(node, 0, flat, err));
  PG_TRY(pgi_edit_constant_i64s(g, 1, all, &target, err));
  for (int i = 1; i < 5; i++) {
    pgi_value *in[] = {node->in[i].value, target};
    PG_TRY(pgi_edit_call(g, node, "Reshape", 2, in, &made, &flat, err));
    PG_TRY(pgi_edit_set_input(node, i, flat, err));
  }
  if (!y) return PG_OK;
  PG_TRY(pgi_edit_value(g, NULL, &flat, err));
  PG_TRY(pgi_edit_set_output(node, 0, flat, err));
  PG_TRY(pgi_edit_node(g, node->next, "", "Reshape", 2, (pgi_value *[]){flat, shape}, 1, &y, &made,
                       err));
  made->op = pgi_op_find("", "Reshape");
  made->version = pgi_opset_newest("");
  return PG_OK;
}

static bool is_used(const pgi_node *node, int i) {
  return i < node->n_out && node->out[i];
}

/* Outputs 3 and 4 gave the statistics of the batch: those that another node, whose momentum keeps
** nothing of the old ones, has as outputs 1 and 2. */
static pg_status split_saved(pgi_node *node, pg_error *err) {
  if (!is_used(node, 3) && !is_used(node, 4)) return PG_OK;
  if (node->n_in != 5) return pgi_fail(err, PG_INVALID, "expected 5 inputs, got %d", node->n_in);
  pgi_value *in[5], *out[3] = {NULL};
  pgi_node *twin;
  for (int i = 0; i < 5; i++) in[i] = node->in[i].value;
  PG_TRY(pgi_edit_value(node->graph, NULL, &out[0], err));
  for (int i = 3; i < node->n_out; i++) {
    out[i - 2] = node->out[i];
    PG_TRY(pgi_edit_set_output(node, i, NULL, err));
  }
  for (int i = 1; i < 3; i++)
    if (!out[i]) PG_TRY(pgi_edit_value(node->graph, NULL, &out[i], err));
  PG_TRY(pgi_edit_node(node->graph, node, "", node->type, 5, in, 3, out, &twin, err));
  twin->op = node->op;
  twin->version = pgi_opset_newest("");
  PG_TRY(pgi_attr_set_float(twin, "momentum", 0, err));
  return pgi_attr_set_int(twin, "training_mode", 1, err);
}

/* Who trains has three outputs. */
static pg_status train(pgi_node *node, pg_error *err) {
  for (int i = 0; i < 3; i++) {
    pgi_value *v;
    if (is_used(node, i)) continue;
    PG_TRY(pgi_edit_value(node->graph, NULL, &v, err));
    PG_TRY(pgi_edit_set_output(node, i, v, err));
  }
  return pgi_attr_set_int(node, "training_mode", 1, err);
}

/* Before opset 14 whether the operator trains showed in is_test (opset 1 to 6) and in the outputs
** that are wanted. */
static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 14) return PG_OK;
  const pgi_attr *is_test = pgi_attr_find(node, "is_test");
  bool tests = is_test && is_test->kind == PG_ATTR_INT && is_test->n == 1 && is_test->ints[0] != 0;
  bool trains = false;
  for (int i = 1; i < 5; i++) trains |= !tests && is_used(node, i);
  const pgi_attr *spatial = pgi_attr_find(node, "spatial");
  bool is_flat = spatial && spatial->kind == PG_ATTR_INT && spatial->n == 1 && !spatial->ints[0];
  is_flat &= version < 9 && node->n_in == 5;
  pgi_attr_remove(node, "is_test");
  pgi_attr_remove(node, "spatial");
  pgi_attr_remove(node, "consumed_inputs");
  if (trains) PG_TRY(train(node, err));
  for (int i = 0; i < 5 && is_flat; i++) is_flat = node->in[i].value != NULL;
  if (is_flat) PG_TRY(flatten(node, err));
  PG_TRY(split_saved(node, err));
  node->n_out = PG_MIN(node->n_out, 3);
  return PG_OK;
}

/* ---- inference ------------------------------------------------------------------------------ */

static pg_status infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  int rank = pgi_in_rank(inf, 0);
  int64_t channels = rank > 1 ? inf->in[0]->dims[1].n : rank >= 0 ? 1 : -1;
  for (int i = 1; i < 5; i++) {
    int r = pgi_in_rank(inf, i);
    if (r < 0) continue;
    int64_t n = r == 1 ? inf->in[i]->dims[0].n : 0;
    if (r != 1 || (n >= 0 && channels >= 0 && n != channels)) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected [%lld]", i, (long long)channels);
    }
  }
  for (int i = 1; i < inf->n_out && i < 3; i++) {
    if (pgi_has_in(inf, i + 2)) inf->out[i] = *inf->in[i + 2];
  }
  return PG_OK;
}

/* ---- running -------------------------------------------------------------------------------- */

typedef struct run {
  const pg_tensor *x;
  pg_tensor *y;
  int64_t batch, channels, size; /* of a plane */
  double *scale, *shift;         /* [channels] */
  double *mean, *variance;       /* [channels], when training */
} run;

/* Statistics of channel c over the batch: two passes, so that nothing cancels. */
static void measure(void *arg, int64_t c, void *scratch) {
  const run *r = arg;
  double count = (double)r->batch * (double)r->size, sum = 0;
  for (int pass = 0; pass < 2; pass++) {
    double mean = pass ? sum / count : 0, squares = 0;
    for (int64_t n = 0; n < r->batch; n++) {
      double *x = scratch;
      pgi_load_f64(r->x->dtype, pgi_tensor_data(r->x), (n * r->channels + c) * r->size, r->size, x);
      for (int64_t i = 0; i < r->size; i++) {
        if (pass)
          squares += (x[i] - mean) * (x[i] - mean);
        else
          sum += x[i];
      }
    }
    r->mean[c] = mean;
    r->variance[c] = squares / count;
  }
}

static void apply(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  int64_t c = i % r->channels, first = i * r->size;
  const void *from = pgi_tensor_data(r->x);
  void *to = pgi_tensor_data(r->y);
  if (r->x->dtype == PG_F32) {
    const float *x = (const float *)from + first;
    float *y = (float *)to + first;
    float scale = (float)r->scale[c], shift = (float)r->shift[c];
    for (int64_t j = 0; j < r->size; j++) y[j] = x[j] * scale + shift;
    return;
  }
  double *x = scratch;
  pgi_load_f64(r->x->dtype, from, first, r->size, x);
  for (int64_t j = 0; j < r->size; j++) x[j] = x[j] * r->scale[c] + r->shift[c];
  pgi_store_f64(r->y->dtype, to, first, r->size, x);
}

static void load(const pg_tensor *t, int64_t n, double *out) {
  pgi_load_f64(t->dtype, pgi_tensor_data(t), 0, n, out);
}

/* Output i: input i + 2 moved towards what was measured. */
static pg_status store_running(pgi_call *call, int i, int64_t n, const double *measured) {
  if (i >= call->n_out || !call->out[i]) return PG_OK;
  double momentum = (double)pgi_attr_float(call->node, "momentum"), *v;
  PG_TRY(pgi_scratch_array(call, n, sizeof *v, &v));
  load(call->in[i + 2], n, v);
  for (int64_t c = 0; c < n; c++) v[c] = v[c] * momentum + measured[c] * (1 - momentum);
  pgi_store_f64(call->out[i]->dtype, pgi_tensor_data(call->out[i]), 0, n, v);
  return PG_OK;
}

static pg_status run_norm(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  run r = {.x = x, .y = call->out[0], .batch = x->rank ? x->dims[0] : 1, .channels = 1, .size = 1};
  if (x->rank > 1) r.channels = x->dims[1];
  if (x->rank > 2) r.size = pgi_dims_product(x->dims, 2, x->rank);
  double *room;
  PG_TRY(pgi_scratch_array(call, r.channels, 4 * sizeof *room, &room));
  r.scale = room;
  r.shift = r.scale + r.channels;
  r.mean = r.shift + r.channels;
  r.variance = r.mean + r.channels;
  load(call->in[1], r.channels, r.scale);
  load(call->in[2], r.channels, r.shift);
  pgi_lanes lanes;
  int64_t planes = r.batch * r.channels;
  PG_TRY(pgi_lanes_init(&lanes, call, planes, (size_t)r.size * sizeof(double)));
  if (pgi_attr_int(call->node, "training_mode")) {
    pgi_lanes_run(&lanes, r.channels, measure, &r);
    PG_TRY(store_running(call, 1, r.channels, r.mean));
    PG_TRY(store_running(call, 2, r.channels, r.variance));
  } else {
    load(call->in[3], r.channels, r.mean);
    load(call->in[4], r.channels, r.variance);
  }
  double epsilon = (double)pgi_attr_float(call->node, "epsilon");
  for (int64_t c = 0; c < r.channels; c++) {
    r.scale[c] /= sqrt(r.variance[c] + epsilon);
    r.shift[c] -= r.mean[c] * r.scale[c];
  }
  if (r.y) pgi_lanes_run(&lanes, planes, apply, &r);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-5f},
                                     {.name = "momentum", .kind = PG_ATTR_FLOAT, .f = 0.9f},
                                     {.name = "training_mode", .kind = PG_ATTR_INT},
                                     {0}};

PG_OP(batch_normalization) = {.name = "BatchNormalization",
                              .since = {1, 6, 7, 9, 14, 15},
                              .in = {5, 5},
                              .out = {1, 3},
                              .types = PG_T_FLOAT,
                              .attrs = attrs,
                              .upgrade = upgrade,
                              .infer = infer,
                              .run = run_norm};
