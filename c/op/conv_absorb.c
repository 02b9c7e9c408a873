/* What convolutions absorb: scales and shifts of whole channels go into the weights and the bias;
** a sum and an activation are done to each tile as it is finished, by FusedConv. */
#include <math.h>

#include "op/conv.h"

/* ---- scales and shifts of channels ---------------------------------------------------------- */

/* y[channel] = scale x + shift. */
typedef struct affine {
  int64_t n;
  double *scale, *shift;
} affine;

static const pg_tensor *constant_input(const pgi_node *node, int i) {
  const pgi_value *v = i < node->n_in ? node->in[i].value : NULL;
  return v && pgi_value_is_constant(v) && v->constant.dtype == PG_F32 ? &v->constant : NULL;
}

/* Element of a constant that has one for each channel, or one for all. */
static double channel_element(const pg_tensor *t, int64_t channel) {
  return pgi_tensor_get_f64(t, pgi_tensor_count(t) == 1 ? 0 : channel);
}

/* Whether t broadcast to [batch, channels, ...] of `rank` is constant within channels. */
static bool is_per_channel(const pg_tensor *t, int rank, int64_t channels) {
  if (t->rank > rank) return false;
  for (int i = 0; i < t->rank; i++) {
    bool is_channel = t->rank - i == rank - 1;
    if (t->dims[i] != 1 && !(is_channel && t->dims[i] == channels)) return false;
  }
  return true;
}

static bool read_batch_norm(const pgi_node *next, affine *a) {
  const pg_tensor *in[5] = {0};
  if (pgi_attr_int(next, "training_mode") != 0) return false;
  for (int i = 1; i < next->n_out; i++) {
    if (next->out[i]) return false;
  }
  for (int i = 1; i < 5; i++) {
    in[i] = constant_input(next, i);
    if (!in[i] || in[i]->rank != 1 || in[i]->dims[0] != a->n) return false;
  }
  double epsilon = (double)pgi_attr_float(next, "epsilon");
  for (int64_t c = 0; c < a->n; c++) {
    a->scale[c] = pgi_tensor_get_f64(in[1], c) / sqrt(pgi_tensor_get_f64(in[4], c) + epsilon);
    a->shift[c] = pgi_tensor_get_f64(in[2], c) - pgi_tensor_get_f64(in[3], c) * a->scale[c];
  }
  return true;
}

/* The affine map that a node computes; false when it is something else. */
static bool read_affine(const pgi_node *next, int at, int rank, affine *a) {
  if (next->domain[0] != 0) return false;
  if (strcmp(next->type, "BatchNormalization") == 0) return at == 0 && read_batch_norm(next, a);
  bool is_mul = strcmp(next->type, "Mul") == 0, is_add = strcmp(next->type, "Add") == 0;
  bool is_sub = strcmp(next->type, "Sub") == 0 && at == 0;
  if (!is_mul && !is_add && !is_sub) return false;
  const pg_tensor *t = constant_input(next, 1 - at);
  if (!t || !is_per_channel(t, rank, a->n)) return false;
  for (int64_t c = 0; c < a->n; c++) {
    double v = channel_element(t, c);
    a->scale[c] = is_mul ? v : 1;
    a->shift[c] = is_add ? v : is_sub ? -v : 0;
  }
  return true;
}

/* A fresh constant becomes input i. */
static pg_status set_constant(pgi_node *node, int i, pg_tensor *t, pg_error *err) {
  pgi_value *v;
  pg_status status = pgi_edit_constant(node->graph, NULL, t, &v, err);
  pgi_tensor_clear(t);
  return status == PG_OK ? pgi_edit_set_input(node, i, v, err) : status;
}

/* W of Conv is [outputs, ...], of ConvTranspose [channels, outputs / groups, ...]. */
static pg_status scale_weights(pgi_node *node, bool is_transposed, const affine *a, pg_error *err) {
  const pg_tensor *w = constant_input(node, 1);
  pg_tensor scaled = {0};
  PG_TRY(pgi_tensor_clone(w, &scaled, err));
  float *data = pgi_tensor_data(&scaled);
  int64_t size = pgi_dims_product(w->dims, is_transposed ? 2 : 1, w->rank);
  int64_t rows = is_transposed ? w->dims[0] * w->dims[1] : w->dims[0];
  for (int64_t r = 0; r < rows; r++) {
    int64_t output = r;
    if (is_transposed) { /* row (channel, output of its group) */
      int64_t per_group = w->dims[1], groups = a->n / per_group;
      output = r / per_group / (w->dims[0] / groups) * per_group + r % per_group;
    }
    for (int64_t i = 0; i < size; i++) {
      data[r * size + i] = (float)((double)data[r * size + i] * a->scale[output]);
    }
  }
  pgi_tensor_forget(w);
  return set_constant(node, 1, &scaled, err);
}

static pg_status set_bias(pgi_node *node, const affine *a, pg_error *err) {
  const pg_tensor *old = constant_input(node, 2);
  pg_tensor bias = {0};
  PG_TRY(pgi_tensor_alloc(node->graph->model->ctx, PG_F32, 1, &a->n, &bias, err));
  float *data = pgi_tensor_data(&bias);
  for (int64_t c = 0; c < a->n; c++) {
    double b = old ? pgi_tensor_get_f64(old, c) : 0;
    data[c] = (float)(b * a->scale[c] + a->shift[c]);
  }
  return set_constant(node, 2, &bias, err);
}

static pg_status absorb_affine(pgi_node *node, bool is_transposed, bool *changed, pg_error *err) {
  int at;
  pgi_node *next = pgi_only_consumer(node->out[0], &at);
  const pg_tensor *w = constant_input(node, 1);
  if (!next || !w || w->rank < 3 || (node->n_in > 3 && node->in[3].value)) return PG_OK;
  if (pgi_attr_string(node, "activation").size > 0) return PG_OK;
  int64_t groups = pgi_attr_int(node, "group");
  if (pgi_tensor_count(w) == 0 || groups < 1 || w->dims[0] % groups != 0) return PG_OK;
  affine a = {.n = is_transposed ? w->dims[1] * groups : w->dims[0]};
  if (node->n_in > 2 && node->in[2].value) {
    const pg_tensor *b = constant_input(node, 2);
    if (!b || b->rank != 1 || b->dims[0] != a.n) return PG_OK;
  }
  pg_context *ctx = node->graph->model->ctx;
  double *room = pgi_alloc_zero(ctx, 2 * (size_t)a.n * sizeof *room);
  if (!room) return pgi_nomem(err);
  a.scale = room;
  a.shift = room + a.n;
  pg_status status = PG_OK;
  if (read_affine(next, at, w->rank, &a)) {
    status = scale_weights(node, is_transposed, &a, err);
    if (status == PG_OK) status = set_bias(node, &a, err);
    if (status == PG_OK) status = pgi_absorb_node(node, next, err);
    *changed = true;
  }
  pgi_free(ctx, room);
  return status;
}

/* ---- Conv and ConvTranspose ----------------------------------------------------------------- */

pg_status pgi_conv_absorb(pgi_node *node, bool *changed, pg_error *err) {
  if (node->n_out < 1 || !node->out[0] || node->n_in < 2 || !node->in[1].value) return PG_OK;
  pg_dtype dtype = node->out[0]->type.dtype;
  if (dtype != PG_F32 && dtype != PG_F16 && dtype != PG_BF16) return PG_OK;
  PG_TRY(absorb_affine(node, false, changed, err));
  if (!*changed) PG_TRY(pgi_absorb_sum(node, "com.microsoft", "FusedConv", changed, err));
  if (!*changed) PG_TRY(pgi_absorb_activation(node, "com.microsoft", "FusedConv", changed, err));
  return PG_OK;
}

pg_status pgi_conv_transpose_absorb(pgi_node *node, bool *changed, pg_error *err) {
  if (node->n_out < 1 || !node->out[0] || node->n_in < 2 || !node->in[1].value) return PG_OK;
  return absorb_affine(node, true, changed, err);
}
