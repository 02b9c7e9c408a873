/* layout: which values of a program lie in blocks of channels (op/blocked.h).
**
** The last pass over a program's graph.  Convolutions with constant weights work on blocked values,
** and whatever stands between them does too where it can: pools, and everything element by element,
** whose operators don't care about layout and stay what they are.  Going down the list of nodes, each
** value that came to be blocked has a twin; a node that can't take the twin takes the plain value,
** made by a FromBlocked that goes again when nobody wants it.  So conversions stand only where chains
** begin and end. */
#include <math.h>

#include "op/blocked.h"
#include "session/internal.h"

typedef struct layout {
  pg_graph *g;
  const pgi_blocked_f32 *kernel;
  int64_t lanes;
  pgi_ptrmap twins; /* plain value -> blocked value */
  bool changed;
} layout;

/* ---- questions ------------------------------------------------------------------------------- */

static bool is_type(const pgi_node *node, const char *type) {
  return node->domain[0] == 0 && strcmp(node->type, type) == 0;
}

static pgi_value *twin_of(const layout *l, const pgi_value *v) {
  return v ? pgi_ptrmap_get(&l->twins, v) : NULL;
}

/* [N, C, spatial...] in f32, C known, with one or two spatial axes. */
static bool is_image(const pgi_value *v) {
  const pgi_type *t = &v->type;
  return t->kind == PG_TYPE_TENSOR && t->dtype == PG_F32 && t->rank >= 3 &&
         t->rank <= 2 + PG_BLOCKED_MAX_SPATIAL && t->dims[1].n > 0;
}

static pgi_value *input(const pgi_node *node, int i) {
  return i < node->n_in ? node->in[i].value : NULL;
}

/* ---- making ---------------------------------------------------------------------------------- */

static pg_status add_node(layout *l, pgi_node *before, const char *type, pgi_value *in,
                          pgi_value *out, pgi_node **made, pg_error *err) {
  PG_TRY(pgi_edit_node(l->g, before, "perigee", type, 1, &in, 1, &out, made, err));
  (*made)->op = pgi_op_find_any("perigee", type);
  (*made)->version = 1;
  (*made)->name = out->name;
  return pgi_attr_set_int(*made, "lanes", l->lanes, err);
}

static pg_status set_twin(layout *l, const pgi_value *plain, pgi_value *blocked, pg_error *err) {
  pgi_type_to_blocked(&plain->type, l->lanes, &blocked->type);
  l->changed = true;
  return pgi_ptrmap_put(&l->twins, plain, blocked, err);
}

/* The twin of v, made before `node` when there is none. */
static pg_status block(layout *l, pgi_value *v, pgi_node *node, pgi_value **out, pg_error *err) {
  pgi_node *made;
  *out = twin_of(l, v);
  if (*out) return PG_OK;
  PG_TRY(pgi_edit_value(l->g, NULL, out, err));
  PG_TRY(add_node(l, node, "ToBlocked", v, *out, &made, err));
  return set_twin(l, v, *out, err);
}

/* The node makes a blocked value in place of output i, from which the plain one comes when wanted. */
static pg_status block_output(layout *l, pgi_node *node, int i, pg_error *err) {
  pgi_value *plain = node->out[i], *blocked;
  pgi_node *made;
  PG_TRY(pgi_edit_value(l->g, NULL, &blocked, err));
  PG_TRY(pgi_edit_set_output(node, i, blocked, err));
  PG_TRY(add_node(l, node->next, "FromBlocked", blocked, plain, &made, err));
  PG_TRY(pgi_attr_set_int(made, "channels", plain->type.dims[1].n, err));
  return set_twin(l, plain, blocked, err);
}

static pg_status block_input(layout *l, pgi_node *node, int i, pg_error *err) {
  pgi_value *blocked;
  if (!input(node, i)) return PG_OK;
  PG_TRY(block(l, node->in[i].value, node, &blocked, err));
  return pgi_edit_set_input(node, i, blocked, err);
}

static pg_status retype(layout *l, pgi_node *node, const char *type, pg_error *err) {
  PG_TRY(pgi_edit_retype(node, "perigee", type, err));
  return pgi_attr_set_int(node, "lanes", l->lanes, err);
}

/* ---- convolutions ---------------------------------------------------------------------------- */

enum { FEW_CHANNELS = 4 }; /* are read as they lie */

/* What the weights say of an input or output whose shape inference could not tell yet: its rank and
** its channels.  A run that brings something else is refused by the operator. */
static void refine(pgi_value *v, const pg_tensor *w, int64_t channels) {
  pgi_type *t = &v->type;
  bool is_open = t->kind == PG_TYPE_UNKNOWN || (t->kind == PG_TYPE_TENSOR && t->rank < 0);
  if (is_open && (t->dtype == PG_NONE || t->dtype == w->dtype)) {
    *t = pgi_type_tensor(w->dtype);
    t->rank = w->rank;
    for (int i = 0; i < t->rank; i++) t->dims[i] = pgi_dim_unknown();
  }
  bool is_known = t->kind == PG_TYPE_TENSOR && t->rank == w->rank;
  if (is_known && t->dims[1].n < 0) t->dims[1] = pgi_dim_of(channels);
}

/* Where the size of images isn't known yet, a middling one is taken. */
static int64_t known_or(pgi_dim dim, int64_t n) {
  return dim.n > 0 ? dim.n : n;
}

/* Sets how the convolution is made: the direct way unless Winograd's is cheaper. */
static pg_status choose_algorithm(layout *l, pgi_node *node, const pg_tensor *w,
                                  const pgi_type *out, pg_error *err) {
  int64_t n, taps = w->dims[w->rank - 1];
  const int64_t *strides = pgi_attr_ints(node, "strides", &n);
  for (int64_t i = 0; i < n; i++) {
    if (strides[i] != 1) return PG_OK;
  }
  const int64_t *dilations = pgi_attr_ints(node, "dilations", &n);
  for (int64_t i = 0; i < n; i++) {
    if (dilations[i] != 1) return PG_OK;
  }
  if (w->rank != 4 || w->dims[2] != taps || (taps != 3 && taps != 5)) return PG_OK;
  if (pgi_attr_int(node, "group") != 1 || pgi_attr_int(node, "plain")) return PG_OK;
  int side = pgi_winograd_choose(l->lanes, w->dims[1], w->dims[0], taps, known_or(out->dims[0], 1),
                                 known_or(out->dims[2], 32), known_or(out->dims[3], 32));
  return pgi_attr_set_int(node, "winograd", side, err);
}

/* The engine's HardSwish has no other parameters. */
static bool has_known_activation(const pgi_node *node) {
  return !pgi_attr_is(node, "activation", "HardSwish") || !pgi_attr_find(node, "activation_params");
}

/* Activations that no public operator has fused are fused here. */
static pg_status absorb_activation(pgi_node *node, pg_error *err) {
  int at;
  pgi_node *next = pgi_only_consumer(node->out[0], &at);
  if (!next || pgi_attr_string(node, "activation").size > 0) return PG_OK;
  bool is_swish = is_type(next, "Swish") && pgi_attr_float(next, "alpha") == 1;
  if (!is_swish && !is_type(next, "Sigmoid") && !is_type(next, "Tanh")) return PG_OK;
  PG_TRY(pgi_attr_set_string(node, "activation", next->type, strlen(next->type), err));
  return pgi_absorb_node(node, next, err);
}

static pg_status convert_conv(layout *l, pgi_node *node, pg_error *err) {
  pgi_value *x = input(node, 0), *w = input(node, 1), *b = input(node, 2), *z = input(node, 3);
  bool is_fused =
      strcmp(node->domain, "com.microsoft") == 0 && strcmp(node->type, "FusedConv") == 0;
  if (!is_fused && !is_type(node, "Conv")) return PG_OK;
  if (!x || !w || !node->out[0] || !pgi_value_is_constant(w) || w->constant.rank < 3) return PG_OK;
  if (b && !pgi_value_is_constant(b)) return PG_OK;
  pgi_blocked_kind kind = pgi_blocked_kind_of(node, &w->constant, l->lanes);
  if (kind == PG_BLOCKED_NONE) return PG_OK;
  refine(x, &w->constant, w->constant.dims[1] * pgi_attr_int(node, "group"));
  refine(node->out[0], &w->constant, w->constant.dims[0]);
  if (!is_image(x) || !is_image(node->out[0])) return PG_OK;
  if (b && (b->constant.rank != 1 || b->constant.dims[0] != w->constant.dims[0])) return PG_OK;
  if (z && !is_image(z)) return PG_OK;
  if (is_fused && !has_known_activation(node)) return PG_OK;
  bool is_plain = kind == PG_BLOCKED_DENSE && !twin_of(l, x) && x->type.dims[1].n <= FEW_CHANNELS &&
                  pgi_attr_int(node, "group") == 1;
  /* A result of few channels, from a plain input, is not worth the blocks. */
  if (!twin_of(l, x) && node->out[0]->type.dims[1].n < l->lanes / 2) return PG_OK;
  PG_TRY(absorb_activation(node, err));
  PG_TRY(retype(l, node, "BlockedConv", err));
  if (is_plain)
    PG_TRY(pgi_attr_set_int(node, "plain", 1, err));
  else
    PG_TRY(block_input(l, node, 0, err));
  PG_TRY(block_input(l, node, 3, err));
  PG_TRY(choose_algorithm(l, node, &w->constant, &node->out[0]->type, err));
  return block_output(l, node, 0, err);
}

/* ---- pools ----------------------------------------------------------------------------------- */

static pg_status convert_pool(layout *l, pgi_node *node, pg_error *err) {
  const char *type = is_type(node, "MaxPool")             ? "BlockedMaxPool"
                     : is_type(node, "AveragePool")       ? "BlockedAveragePool"
                     : is_type(node, "GlobalAveragePool") ? "BlockedGlobalAveragePool"
                                                          : NULL;
  if (!type || !twin_of(l, input(node, 0)) || !node->out[0]) return PG_OK;
  if (node->n_out > 1 && node->out[1]) return PG_OK;
  if (!is_image(node->out[0])) return PG_OK;
  PG_TRY(retype(l, node, type, err));
  pgi_attr_remove(node, "storage_order");
  PG_TRY(block_input(l, node, 0, err));
  return block_output(l, node, 0, err);
}

/* A mean over all of each channel that keeps its axes. */
static pg_status convert_mean(layout *l, pgi_node *node, pg_error *err) {
  pgi_value *x = input(node, 0), *axes = input(node, 1);
  if (!is_type(node, "ReduceMean") || !twin_of(l, x) || !axes || !is_image(node->out[0])) {
    return PG_OK;
  }
  if (!pgi_value_is_constant(axes) || pgi_attr_int(node, "keepdims") != 1) return PG_OK;
  int rank = x->type.rank;
  if (axes->constant.dtype != PG_I64 || pgi_tensor_count(&axes->constant) != rank - 2) return PG_OK;
  unsigned seen = 0;
  for (int i = 0; i < rank - 2; i++) {
    int64_t axis = ((const int64_t *)pgi_tensor_data(&axes->constant))[i];
    if (axis < 0) axis += rank;
    if (axis < 2 || axis >= rank) return PG_OK;
    seen |= 1u << axis;
  }
  if (seen != (rank == 3 ? 4u : 12u)) return PG_OK;
  PG_TRY(pgi_edit_set_inputs(node, 1, &x, err));
  pgi_attr_remove(node, "keepdims");
  pgi_attr_remove(node, "noop_with_empty_axes");
  PG_TRY(retype(l, node, "BlockedGlobalAveragePool", err));
  PG_TRY(block_input(l, node, 0, err));
  return block_output(l, node, 0, err);
}

/* ---- resizing -------------------------------------------------------------------------------- */

enum { MOST_FACTOR = 64 };

/* The scales of a Resize that repeats each pixel a whole number of times. */
static bool read_factors(const pgi_node *node, int rank, int64_t *out) {
  const pgi_value *scales = input(node, 2);
  bool is_floor = pgi_attr_is(node, "coordinate_transformation_mode", "asymmetric") &&
                  pgi_attr_is(node, "nearest_mode", "floor");
  bool is_centred = pgi_attr_is(node, "coordinate_transformation_mode", "half_pixel") &&
                    pgi_attr_is(node, "nearest_mode", "round_prefer_floor");
  if (!pgi_attr_is(node, "mode", "nearest") || (!is_floor && !is_centred)) return false;
  if (pgi_attr_find(node, "axes") || input(node, 3)) return false;
  if (!scales || !pgi_value_is_constant(scales) || scales->constant.dtype != PG_F32) return false;
  if (pgi_tensor_count(&scales->constant) != rank) return false;
  for (int i = 0; i < rank; i++) {
    double factor = pgi_tensor_get_f64(&scales->constant, i);
    if (!(factor >= 1 && factor <= (i < 2 ? 1 : MOST_FACTOR)) || factor != floor(factor)) {
      return false;
    }
    if (i >= 2) out[i - 2] = (int64_t)factor;
  }
  return true;
}

static pg_status convert_resize(layout *l, pgi_node *node, pg_error *err) {
  int64_t factors[PG_BLOCKED_MAX_SPATIAL];
  pgi_value *x = input(node, 0);
  if (!is_type(node, "Resize") || !twin_of(l, x) || !node->out[0]) return PG_OK;
  if (!is_image(node->out[0]) || !read_factors(node, x->type.rank, factors)) return PG_OK;
  while (node->n_attrs > 0) pgi_attr_remove(node, node->attrs[0].name);
  PG_TRY(pgi_edit_set_inputs(node, 1, &x, err));
  PG_TRY(retype(l, node, "BlockedUpsample", err));
  PG_TRY(pgi_attr_set_ints(node, "factors", x->type.rank - 2, factors, err));
  PG_TRY(block_input(l, node, 0, err));
  return block_output(l, node, 0, err);
}

/* ---- element by element ---------------------------------------------------------------------- */

typedef enum operand {
  OPERAND_NO,      /* can't be had in blocks */
  OPERAND_SAME,    /* one number: as it is */
  OPERAND_BLOCKED, /* has a twin, or is worth one */
  OPERAND_CHANNELS /* a constant for each channel */
} operand;

/* Whether the constant, broadcast to `rank` axes, differs between channels at most. */
static bool is_per_channel(const pg_tensor *t, int rank, int64_t channels) {
  if (t->dtype != PG_F32 || t->rank > rank) return false;
  for (int i = 0; i < t->rank; i++) {
    int64_t wanted = t->rank - i == rank - 1 ? channels : 1;
    if (t->dims[i] != wanted) return false;
  }
  return t->rank >= rank - 1;
}

static operand operand_of(const pgi_value *v, const pgi_type *out) {
  if (pgi_value_is_constant(v) && pgi_tensor_count(&v->constant) == 1) {
    return v->constant.rank <= 1 ? OPERAND_SAME : OPERAND_NO;
  }
  if (pgi_value_is_constant(v)) {
    bool is_channels = is_per_channel(&v->constant, out->rank, out->dims[1].n);
    return is_channels ? OPERAND_CHANNELS : OPERAND_NO;
  }
  if (!is_image(v) || v->type.rank != out->rank || v->type.dims[1].n != out->dims[1].n) {
    return OPERAND_NO;
  }
  return OPERAND_BLOCKED;
}

/* A constant for each channel as a blocked constant of one pixel. */
static pg_status block_constant(layout *l, const pgi_value *v, const pgi_type *out,
                                pgi_value **made, pg_error *err) {
  int64_t dims[PG_MAX_RANK], channels = out->dims[1].n;
  const float *from = pgi_tensor_data(&v->constant);
  pg_tensor t = {0};
  for (int i = 0; i <= out->rank; i++) dims[i] = 1;
  dims[1] = (channels + l->lanes - 1) / l->lanes;
  dims[out->rank] = l->lanes;
  PG_TRY(pgi_tensor_alloc(l->g->model->ctx, PG_F32, out->rank + 1, dims, &t, err));
  float *to = pgi_tensor_data(&t);
  for (int64_t c = 0; c < dims[1] * l->lanes; c++) to[c] = from[c < channels ? c : channels - 1];
  pg_status status = pgi_edit_constant(l->g, NULL, &t, made, err);
  pgi_tensor_clear(&t);
  return status;
}

static pg_status convert_elementwise(layout *l, pgi_node *node, pg_error *err) {
  if (!node->op || !(node->op->flags & PG_OP_ELEMENTWISE) || node->domain[0] != 0) return PG_OK;
  if (node->n_out != 1 || !node->out[0] || !is_image(node->out[0])) return PG_OK;
  const pgi_type *out = &node->out[0]->type;
  bool has_twin = false;
  for (int i = 0; i < node->n_in; i++) {
    const pgi_value *v = input(node, i);
    if (!v) continue;
    if (operand_of(v, out) == OPERAND_NO) return PG_OK;
    has_twin |= twin_of(l, v) != NULL;
  }
  if (!has_twin) return PG_OK;
  for (int i = 0; i < node->n_in; i++) {
    pgi_value *v = input(node, i), *made;
    operand kind = v ? operand_of(v, out) : OPERAND_SAME;
    if (kind == OPERAND_BLOCKED) PG_TRY(block_input(l, node, i, err));
    if (kind != OPERAND_CHANNELS) continue;
    PG_TRY(block_constant(l, v, out, &made, err));
    PG_TRY(pgi_edit_set_input(node, i, made, err));
  }
  return block_output(l, node, 0, err);
}

/* ---- a number for each channel --------------------------------------------------------------- */

/* [N, C, 1...] beside an image: what scales whole channels. */
static bool is_scale(const pgi_value *v, const pgi_type *out) {
  if (!is_image(v) || v->type.rank != out->rank) return false;
  for (int i = 2; i < out->rank; i++) {
    if (v->type.dims[i].n != 1) return false;
  }
  return pgi_dim_equal(v->type.dims[0], out->dims[0]) && v->type.dims[1].n == out->dims[1].n;
}

static bool is_same_image(const pgi_value *v, const pgi_type *out) {
  if (!is_image(v) || v->type.rank != out->rank) return false;
  for (int i = 0; i < out->rank; i++) {
    if (!pgi_dim_equal(v->type.dims[i], out->dims[i])) return false;
  }
  return true;
}

static pg_status convert_scale(layout *l, pgi_node *node, pg_error *err) {
  if (!is_type(node, "Mul") || node->n_in != 2 || !node->out[0]) return PG_OK;
  const pgi_type *out = &node->out[0]->type;
  pgi_value *a = input(node, 0), *b = input(node, 1);
  if (!a || !b || !is_image(node->out[0])) return PG_OK;
  if (is_scale(a, out)) {
    pgi_value *other = a;
    a = b;
    b = other;
  }
  if (!is_scale(b, out) || !is_same_image(a, out) || !twin_of(l, a) || !twin_of(l, b)) return PG_OK;
  PG_TRY(pgi_edit_set_inputs(node, 2, (pgi_value *[]){a, b}, err));
  PG_TRY(retype(l, node, "BlockedAffine", err));
  PG_TRY(block_input(l, node, 0, err));
  PG_TRY(block_input(l, node, 1, err));
  return block_output(l, node, 0, err);
}

/* The constant vectors [channels] of BatchNormalization as x * scale + shift. */
static bool read_norm(const pgi_node *node, int64_t channels, float *scale, float *shift) {
  const pg_tensor *in[5] = {0};
  if (pgi_attr_int(node, "training_mode") != 0) return false;
  for (int i = 1; i < 5; i++) {
    const pgi_value *v = input(node, i);
    if (!v || !pgi_value_is_constant(v)) return false;
    in[i] = &v->constant;
    if (in[i]->dtype != PG_F32 || in[i]->rank != 1 || in[i]->dims[0] != channels) return false;
  }
  double epsilon = (double)pgi_attr_float(node, "epsilon");
  for (int64_t c = 0; scale && c < channels; c++) {
    double s = pgi_tensor_get_f64(in[1], c) / sqrt(pgi_tensor_get_f64(in[4], c) + epsilon);
    scale[c] = (float)s;
    shift[c] = (float)(pgi_tensor_get_f64(in[2], c) - pgi_tensor_get_f64(in[3], c) * s);
  }
  return true;
}

static pg_status set_norm(layout *l, pgi_node *node, pgi_value *x, pg_error *err) {
  pg_tensor made[2] = {0};
  pgi_value *in[3] = {x};
  int64_t dims[PG_MAX_RANK], channels = x->type.dims[1].n;
  for (int i = 0; i <= x->type.rank; i++) dims[i] = 1;
  dims[1] = (channels + l->lanes - 1) / l->lanes;
  dims[x->type.rank] = l->lanes;
  pg_status status = PG_OK;
  for (int i = 0; i < 2 && status == PG_OK; i++) {
    status = pgi_tensor_alloc(l->g->model->ctx, PG_F32, x->type.rank + 1, dims, &made[i], err);
    size_t bytes = (size_t)(dims[1] * l->lanes) * sizeof(float);
    if (status == PG_OK) memset(pgi_tensor_data(&made[i]), 0, bytes);
  }
  if (status == PG_OK) {
    read_norm(node, channels, pgi_tensor_data(&made[0]), pgi_tensor_data(&made[1]));
    for (int i = 0; i < 2 && status == PG_OK; i++) {
      status = pgi_edit_constant(l->g, NULL, &made[i], &in[1 + i], err);
    }
  }
  for (int i = 0; i < 2; i++) pgi_tensor_clear(&made[i]);
  return status == PG_OK ? pgi_edit_set_inputs(node, 3, in, err) : status;
}

static pg_status convert_norm(layout *l, pgi_node *node, pg_error *err) {
  int at;
  pgi_value *x = input(node, 0);
  if (!is_type(node, "BatchNormalization") || !twin_of(l, x) || !is_image(node->out[0])) {
    return PG_OK;
  }
  for (int i = 1; i < node->n_out; i++) {
    if (node->out[i]) return PG_OK;
  }
  if (!read_norm(node, x->type.dims[1].n, NULL, NULL)) return PG_OK;
  pgi_node *next = pgi_only_consumer(node->out[0], &at);
  bool is_relu = next && is_type(next, "Relu");
  if (is_relu) PG_TRY(pgi_absorb_node(node, next, err));
  PG_TRY(set_norm(l, node, x, err));
  PG_TRY(retype(l, node, "BlockedAffine", err));
  PG_TRY(pgi_attr_set_int(node, "relu", is_relu, err));
  PG_TRY(block_input(l, node, 0, err));
  return block_output(l, node, 0, err);
}

/* ---- joining channels ------------------------------------------------------------------------ */

/* Whether the node is the first of those that make a channel shuffle, which are better taken together. */
static bool begins_shuffle(const pgi_node *node) {
  int at;
  pgi_value *in[2], *v = node->out[0];
  for (int i = 0; i < 3; i++) {
    const pgi_node *next = pgi_only_consumer(v, &at);
    if (!next || !next->out[0]) return false;
    v = next->out[0];
  }
  return pgi_is_shuffle(v, in);
}

/* Blocks follow each other as channels do where no block is left partly empty. */
static pg_status convert_concat(layout *l, pgi_node *node, pg_error *err) {
  if (!is_type(node, "Concat") || !node->out[0] || !is_image(node->out[0])) return PG_OK;
  int64_t axis = pgi_attr_int(node, "axis");
  if (axis != 1 && axis != 1 - node->out[0]->type.rank) return PG_OK;
  if (begins_shuffle(node)) return PG_OK;
  bool has_twin = false;
  for (int i = 0; i < node->n_in; i++) {
    const pgi_value *v = input(node, i);
    if (!v || !is_image(v)) return PG_OK;
    if (i + 1 < node->n_in && v->type.dims[1].n % l->lanes != 0) return PG_OK;
    has_twin |= twin_of(l, v) != NULL;
  }
  if (!has_twin) return PG_OK;
  for (int i = 0; i < node->n_in; i++) PG_TRY(block_input(l, node, i, err));
  PG_TRY(pgi_attr_set_int(node, "axis", 1, err));
  return block_output(l, node, 0, err);
}

/* Equal parts of an image, by channels. */
static bool is_even_split(const pgi_node *node) {
  int64_t axis = pgi_attr_int(node, "axis");
  const pgi_value *x = input(node, 0);
  if (!is_type(node, "Split") || !x || x->type.rank != 4 || (axis != 1 && axis != -3)) return false;
  for (int i = 0; i < node->n_out; i++) {
    const pgi_value *out = node->out[i];
    if (!out || !is_image(out) || out->type.dims[1].n * node->n_out != x->type.dims[1].n) {
      return false;
    }
  }
  return true;
}

/* A channel shuffle, with the Split behind it. */
static pg_status convert_shuffle(layout *l, pgi_node *node, pg_error *err) {
  int at;
  pgi_value *in[2];
  bool is_split = is_even_split(node);
  if (!is_split && !is_type(node, "Reshape")) return PG_OK;
  if (!pgi_is_shuffle(is_split ? input(node, 0) : node->out[0], in)) return PG_OK;
  const pgi_node *next = is_split ? NULL : pgi_only_consumer(node->out[0], &at);
  if (next && is_even_split(next)) return PG_OK;
  if ((!twin_of(l, in[0]) && !twin_of(l, in[1])) || !is_image(node->out[0])) return PG_OK;
  PG_TRY(pgi_edit_set_inputs(node, 2, in, err));
  while (node->n_attrs > 0) pgi_attr_remove(node, node->attrs[0].name);
  PG_TRY(retype(l, node, "BlockedShuffle", err));
  PG_TRY(pgi_attr_set_int(node, "channels", in[0]->type.dims[1].n, err));
  for (int i = 0; i < 2; i++) PG_TRY(block_input(l, node, i, err));
  for (int i = 0; i < node->n_out; i++) PG_TRY(block_output(l, node, i, err));
  return PG_OK;
}

/* ---- the pass -------------------------------------------------------------------------------- */

static pg_status convert_node(layout *l, pgi_node *node, pg_error *err) {
  static pg_status (*const converters[])(layout *, pgi_node *, pg_error *) = {
      convert_conv,  convert_pool,        convert_mean,   convert_norm,    convert_resize,
      convert_scale, convert_elementwise, convert_concat, convert_shuffle,
  };
  if (node->n_in < 1 || node->n_out < 1 || !node->in[0].value) return PG_OK;
  for (int i = 0; i < PG_COUNT(converters); i++) {
    const char *type = node->type;
    PG_TRY(converters[i](l, node, err));
    if (node->type != type || twin_of(l, node->out[0])) break;
  }
  return PG_OK;
}

static pg_status convert_graph(pg_graph *g, bool *changed, pg_error *err) {
  const pgi_blocked_f32 *kernel = g->model->ctx->kernels[PG_K_BLOCKED_F32];
  layout l = {.g = g, .kernel = kernel, .lanes = kernel->lanes};
  pg_status status = PG_OK;
  pgi_ptrmap_init(&l.twins, g->model->ctx);
  for (pgi_node *node = g->first, *next; node && status == PG_OK; node = next) {
    next = node->next;
    pgi_bodies it = {.node = node};
    for (pg_graph *body; status == PG_OK && (body = pgi_bodies_next(&it));) {
      status = convert_graph(body, changed, err);
    }
    if (status == PG_OK && node->graph) status = convert_node(&l, node, err);
  }
  pgi_ptrmap_deinit(&l.twins);
  *changed |= l.changed;
  return status;
}

pg_status pgi_pass_layout(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  (void)o;
  return convert_graph(g, changed, err);
}
