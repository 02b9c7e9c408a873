/* The activations that convolutions and matrix products do themselves. */
#include <math.h>

#include "op/activation.h"

typedef struct known_activation {
  const char *name;
  pgi_activation act;
  float alpha, beta; /* when the node has no activation_params */
} known_activation;

static const known_activation known[] = {
    {"Relu", PG_ACT_RELU, 0, 0},
    {"LeakyRelu", PG_ACT_LEAKY_RELU, 0.01f, 0},
    {"Clip", PG_ACT_CLIP, -INFINITY, INFINITY},
    {"HardSigmoid", PG_ACT_HARD_SIGMOID, 0.2f, 0.5f},
    {"HardSwish", PG_ACT_HARD_SWISH, 1.0f / 6, 0.5f},
    {"Sigmoid", PG_ACT_SIGMOID, 0, 0},
    {"Tanh", PG_ACT_TANH, 0, 0},
    {"Swish", PG_ACT_SILU, 1, 0}, /* of sessions only */
};

pg_status pgi_read_activation(const pgi_node *node, pgi_epilogue *e, pg_error *err) {
  pg_string name = pgi_attr_string(node, "activation");
  if (name.size == 0) return PG_OK;
  for (int i = 0; i < PG_COUNT(known); i++) {
    if (!pgi_attr_is(node, "activation", known[i].name)) continue;
    int64_t n;
    const float *params = pgi_attr_floats(node, "activation_params", &n);
    e->act = known[i].act;
    e->alpha = n > 0 ? params[0] : known[i].alpha;
    e->beta = n > 1 ? params[1] : known[i].beta;
    if (pgi_attr_find(node, "activation_alpha"))
      e->alpha = pgi_attr_float(node, "activation_alpha");
    if (pgi_attr_find(node, "activation_beta")) e->beta = pgi_attr_float(node, "activation_beta");
    return PG_OK;
  }
  return pgi_fail(err, PG_UNSUPPORTED, "activation: '%.*s' is not known",
                  (int)PG_MIN(name.size, 40), name.data);
}

/* A bound of Clip: a constant scalar, or missing. */
static bool clip_bound(const pgi_node *node, int i, float missing, float *out) {
  *out = missing;
  const pgi_value *v = i < node->n_in ? node->in[i].value : NULL;
  if (!v) return true;
  if (!pgi_value_is_constant(v) || pgi_tensor_count(&v->constant) != 1) return false;
  *out = (float)pgi_tensor_get_f64(&v->constant, 0);
  return true;
}

bool pgi_activation_of(const pgi_node *node, const char **name, float params[2], int *n_params) {
  if (node->domain[0] != 0) return false;
  *name = node->type;
  *n_params = 0;
  if (strcmp(node->type, "Relu") == 0 || strcmp(node->type, "HardSwish") == 0) return true;
  if (strcmp(node->type, "LeakyRelu") == 0) {
    params[(*n_params)++] = pgi_attr_float(node, "alpha");
    return true;
  }
  if (strcmp(node->type, "HardSigmoid") == 0) {
    params[(*n_params)++] = pgi_attr_float(node, "alpha");
    params[(*n_params)++] = pgi_attr_float(node, "beta");
    return true;
  }
  if (strcmp(node->type, "Clip") != 0) return false;
  *n_params = 2;
  return clip_bound(node, 1, -INFINITY, &params[0]) && clip_bound(node, 2, INFINITY, &params[1]);
}

pg_status pgi_absorb_node(pgi_node *node, pgi_node *next, pg_error *err) {
  pgi_value *made = next->out[0], *gone = node->out[0];
  PG_TRY(pgi_edit_set_output(next, 0, NULL, err));
  PG_TRY(pgi_edit_set_output(node, 0, made, err));
  pgi_edit_remove_node(next);
  pgi_edit_remove_value(gone);
  return PG_OK;
}

pg_status pgi_absorb_activation(pgi_node *node, const char *domain, const char *type, bool *changed,
                                pg_error *err) {
  int at;
  pgi_node *next = node->out[0] ? pgi_only_consumer(node->out[0], &at) : NULL;
  const char *name;
  float params[2];
  int n;
  if (!next || at != 0 || pgi_attr_string(node, "activation").size > 0) return PG_OK;
  if (!pgi_activation_of(next, &name, params, &n)) return PG_OK;
  PG_TRY(pgi_edit_retype(node, domain, type, err));
  PG_TRY(pgi_attr_set_string(node, "activation", name, strlen(name), err));
  if (n > 0) PG_TRY(pgi_attr_set_floats(node, "activation_params", n, params, err));
  PG_TRY(pgi_absorb_node(node, next, err));
  *changed = true;
  return PG_OK;
}

/* The curve that a node computes, as the attribute has it; NULL: none. */
static const char *curve_of(const pgi_node *node) {
  if (node->domain[0] != 0) return NULL;
  if (strcmp(node->type, "Sigmoid") == 0 || strcmp(node->type, "Tanh") == 0) return node->type;
  if (strcmp(node->type, "Swish") == 0) return pgi_attr_float(node, "alpha") == 1 ? "Swish" : NULL;
  if (strcmp(node->type, "Gelu") != 0) return NULL;
  return pgi_attr_is(node, "approximate", "tanh") ? "GeluTanh" : "Gelu";
}

pg_status pgi_read_curve(const pgi_node *node, pgi_epilogue *e, pg_error *err) {
  bool is_gelu = pgi_attr_is(node, "activation", "Gelu");
  if (!is_gelu && !pgi_attr_is(node, "activation", "GeluTanh"))
    return pgi_read_activation(node, e, err);
  e->act = is_gelu ? PG_ACT_GELU : PG_ACT_GELU_TANH;
  return PG_OK;
}

pg_status pgi_absorb_curve(pgi_node *node, const char *domain, const char *type, bool *changed,
                           pg_error *err) {
  int at;
  pgi_node *next = node->out[0] ? pgi_only_consumer(node->out[0], &at) : NULL;
  PG_TRY(pgi_absorb_activation(node, domain, type, changed, err));
  if (*changed || !next || pgi_attr_string(node, "activation").size > 0) return PG_OK;
  const char *name = curve_of(next);
  if (!name) return PG_OK;
  PG_TRY(pgi_edit_retype(node, domain, type, err));
  PG_TRY(pgi_attr_set_string(node, "activation", name, strlen(name), err));
  PG_TRY(pgi_absorb_node(node, next, err));
  *changed = true;
  return PG_OK;
}

static bool same_shape(const pgi_type *a, const pgi_type *b) {
  if (a->kind != PG_TYPE_TENSOR || b->kind != PG_TYPE_TENSOR) return false;
  if (a->dtype != b->dtype || a->rank < 0 || a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++) {
    if (!pgi_dim_equal(a->dims[i], b->dims[i])) return false;
  }
  return true;
}

pg_status pgi_absorb_sum(pgi_node *node, const char *domain, const char *type, bool *changed,
                         pg_error *err) {
  int at;
  pgi_node *next = pgi_only_consumer(node->out[0], &at);
  if (!next || next->domain[0] != 0 || next->n_in != 2) return PG_OK;
  if (strcmp(next->type, "Add") != 0 && strcmp(next->type, "Sum") != 0) return PG_OK;
  if ((node->n_in > 3 && node->in[3].value) || pgi_attr_string(node, "activation").size > 0) {
    return PG_OK;
  }
  pgi_value *other = next->in[1 - at].value;
  if (!other || other == node->out[0] || !same_shape(&node->out[0]->type, &other->type)) {
    return PG_OK;
  }
  /* The addend may be made after this node: it moves to where the sum was. */
  pgi_edit_move_before(node, next);
  PG_TRY(pgi_edit_retype(node, domain, type, err));
  PG_TRY(pgi_edit_set_input(node, 3, other, err));
  PG_TRY(pgi_absorb_node(node, next, err));
  *changed = true;
  return PG_OK;
}
