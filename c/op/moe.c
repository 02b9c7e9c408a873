/* MoE and QMoE of com.microsoft: each token goes through the few experts (two-layer networks) that
** a router gives the highest scores, and their results are mixed. */
#include <math.h>

#include "op/attend.h"
#include "op/move.h"
#include "op/product.h"

enum { RELU, GELU, SILU, SWIGLU, IDENTITY };

/* One layer of all experts: [experts, n, k], as numbers or packed integers. */
typedef struct layer {
  const pg_tensor *weights, *scales, *zeros, *bias;
  int64_t n, k, bits, block; /* bits 0: not quantised; block: 0: a scale a row */
  const float *scale_data, *bias_data;
} layer;

typedef struct moe {
  pgi_call *call;
  int64_t tokens, hidden, experts, top, inner;
  int activation, fusion;
  float alpha, beta, limit;
  layer first, second, third;
  bool has_third;
  const float *x;
  float *y;
  int64_t *choice; /* [tokens, top] */
  float *share;
} moe;

/* ---- options --------------------------------------------------------------------------------- */

static pg_status read_options(const pgi_node *node, moe *m, pg_error *err) {
  static const char *const names[] = {"relu", "gelu", "silu", "swiglu", "identity"};
  m->activation = -1;
  for (int i = 0; i < PG_COUNT(names); i++)
    if (pgi_attr_is(node, "activation_type", names[i])) m->activation = i;
  m->fusion = (int)pgi_attr_int(node, "swiglu_fusion");
  m->top = pgi_attr_int(node, "k");
  m->alpha = pgi_attr_float(node, "activation_alpha");
  m->beta = pgi_attr_float(node, "activation_beta");
  m->limit = pgi_attr_find(node, "swiglu_limit") ? pgi_attr_float(node, "swiglu_limit") : INFINITY;
  if (m->activation < 0 || m->fusion < 0 || m->fusion > 2)
    return pgi_fail(err, PG_INVALID, "activation_type or swiglu_fusion: an unknown one");
  if (pgi_attr_int(node, "use_sparse_mixer"))
    return pgi_fail(err, PG_UNSUPPORTED, "attribute 'use_sparse_mixer'");
  if (strcmp(node->type, "QMoE") == 0 && !pgi_attr_is(node, "quant_type", "int"))
    return pgi_fail(err, PG_UNSUPPORTED, "quant_type: expected int");
  return PG_OK;
}

static pg_status read_layer(moe *m, layer *l, const int at[4], int64_t n, int64_t k,
                            const char *name) {
  pgi_call *c = m->call;
  l->weights = pgi_input(c, at[0]);
  l->bias = pgi_input(c, at[1]);
  l->scales = at[2] >= 0 ? pgi_input(c, at[2]) : NULL;
  l->zeros = at[3] >= 0 ? pgi_input(c, at[3]) : NULL;
  l->k = k;
  const pg_tensor *w = l->weights;
  int64_t bits = l->bits > 0 ? l->bits : 8;
  bool fits = w && w->rank == 3 && w->dims[0] == m->experts && w->dims[2] == k * bits / 8 &&
              (n < 0 || w->dims[1] == n) &&
              (l->bits == 0 || (w->dtype == PG_U8 && k * bits % 8 == 0));
  if (l->bits == 0 && w)
    fits = fits && w->dims[2] == k && pgi_dtype_kind(w->dtype) == PG_KIND_FLOAT;
  if (!fits) return pgi_fail(c->err, PG_INVALID, "%s: the weights don't fit", name);
  l->n = w->dims[1];
  fits = !l->bias || pgi_tensor_count(l->bias) == m->experts * l->n;
  if (l->bits > 0) {
    int64_t blocks = l->block > 0 ? k / l->block : 1;
    int64_t packed = l->block > 0 ? l->n * ((blocks * bits + 7) / 8) : (l->n * bits + 7) / 8;
    fits = fits && (l->block == 0 || k % l->block == 0) && l->scales &&
           pgi_tensor_count(l->scales) == m->experts * l->n * blocks &&
           (!l->zeros ||
            (l->zeros->dtype == PG_U8 && pgi_tensor_count(l->zeros) == m->experts * packed));
    if (!fits) return pgi_fail(c->err, PG_INVALID, "%s: scales or zero points don't fit", name);
    PG_TRY(pgi_as_f32(c, l->scales, &l->scale_data));
  }
  if (!fits) return pgi_fail(c->err, PG_INVALID, "%s: the bias doesn't fit", name);
  return pgi_as_f32(c, l->bias, &l->bias_data);
}

/* ---- routing --------------------------------------------------------------------------------- */

/* The softmax of the chosen scores, of all or among themselves; the first of equals wins. */
static void route(moe *m, const float *scores, const float *mix, bool is_normal) {
  for (int64_t t = 0; t < m->tokens; t++) {
    const float *row = scores + t * m->experts;
    int64_t *choice = m->choice + t * m->top;
    float *share = m->share + t * m->top;
    double most = -INFINITY, all = 0, chosen = 0;
    for (int64_t e = 0; e < m->experts; e++) most = PG_MAX(most, (double)row[e]);
    for (int64_t e = 0; e < m->experts; e++) all += exp((double)row[e] - most);
    for (int64_t i = 0; i < m->top; i++) {
      int64_t best = -1;
      for (int64_t e = 0; e < m->experts; e++) {
        bool is_taken = false;
        for (int64_t k = 0; k < i; k++) is_taken |= choice[k] == e;
        if (!is_taken && (best < 0 || row[e] > row[best])) best = e;
      }
      choice[i] = best;
      share[i] = mix ? mix[t * m->experts + best] : (float)(exp((double)row[best] - most) / all);
      chosen += (double)share[i];
    }
    for (int64_t i = 0; i < m->top && is_normal && chosen > 0; i++)
      share[i] = (float)((double)share[i] / chosen);
  }
}

/* ---- layers ---------------------------------------------------------------------------------- */

typedef struct unpack_job {
  const layer *l;
  int64_t expert;
  float *to;
} unpack_job;

static int packed(const uint8_t *data, int64_t i, int64_t bits) {
  int64_t at = i * bits;
  return data[at / 8] >> (at % 8) & ((1 << bits) - 1);
}

static void unpack_rows(void *arg, int64_t first, int64_t n) {
  const unpack_job *j = arg;
  const layer *l = j->l;
  int64_t blocks = l->block > 0 ? l->k / l->block : 1, bits = l->bits;
  int64_t zero_row = (blocks * bits + 7) / 8, zero_all = (l->n * bits + 7) / 8;
  for (int64_t row = first; row < first + n; row++) {
    int64_t at = j->expert * l->n + row;
    const uint8_t *from = (const uint8_t *)pgi_tensor_data(l->weights) + at * (l->k * bits / 8);
    for (int64_t k = 0; k < l->k; k++) {
      int64_t block = l->block > 0 ? k / l->block : 0;
      int zero = 1 << (bits - 1);
      if (l->zeros) {
        const uint8_t *z = pgi_tensor_data(l->zeros);
        zero = l->block > 0 ? packed(z + at * zero_row, block, bits)
                            : packed(z + j->expert * zero_all, row, bits);
      }
      j->to[row * l->k + k] =
          (float)(packed(from, k, bits) - zero) * l->scale_data[at * blocks + block];
    }
  }
}

static pg_status expert_weights(moe *m, const layer *l, int64_t expert, float *room,
                                const float **out) {
  int64_t count = l->n * l->k;
  *out = room;
  if (l->bits > 0) {
    unpack_job j = {l, expert, room};
    pgi_move_rows(m->call, l->n, (size_t)l->k * 4, unpack_rows, &j);
  } else if (l->weights->dtype == PG_F32) {
    *out = (const float *)pgi_tensor_data(l->weights) + expert * count;
  } else {
    pgi_load_f32(l->weights->dtype, pgi_tensor_data(l->weights), expert * count, count, room);
  }
  return PG_OK;
}

static void nothing_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  (void)arg, (void)i, (void)p, (void)room;
}

/* to [rows, n] = from [rows, k] W^T + bias */
static pg_status apply(moe *m, const layer *l, int64_t expert, const float *from, int64_t rows,
                       float *room, float *to) {
  pgi_product p = {.kernel = m->call->ctx->kernels[PG_K_GEMM_F32],
                   .m = rows,
                   .n = l->n,
                   .k = l->k,
                   .alpha = 1,
                   .a = from,
                   .a_row = l->k,
                   .a_col = 1,
                   .b_row = 1,
                   .b_col = l->k,
                   .c = to,
                   .ldc = l->n};
  PG_TRY(expert_weights(m, l, expert, room, &p.b));
  PG_TRY(pgi_product_run(m->call, &p, 1, nothing_at, NULL));
  for (int64_t i = 0; l->bias_data && i < rows * l->n; i++)
    to[i] += l->bias_data[expert * l->n + i % l->n];
  return PG_OK;
}

static float activate(const moe *m, float x) {
  switch (m->activation) {
    case RELU:
      return x > 0 ? x : 0;
    case GELU:
      return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
    case SILU:
      return x / (1 + expf(-x));
    default:
      return x;
  }
}

static float swiglu(const moe *m, float g, float l) {
  g = PG_MIN(g, m->limit);
  l = PG_MAX(PG_MIN(l, m->limit), -m->limit);
  return g / (1 + expf(-m->alpha * g)) * (l + m->beta);
}

/* In place: h [rows, width] to [rows, inner]; `other` are the results of the third layer. */
static void activate_rows(const moe *m, float *h, const float *other, int64_t rows) {
  int64_t inner = m->inner;
  bool is_fused = m->activation == SWIGLU && m->fusion > 0;
  for (int64_t r = 0; r < rows; r++) {
    float *row = h + r * m->first.n, *to = h + r * inner;
    for (int64_t i = 0; i < inner; i++) {
      if (is_fused && m->fusion == 1)
        to[i] = swiglu(m, row[2 * i], row[2 * i + 1]);
      else if (is_fused)
        to[i] = swiglu(m, row[i], row[inner + i]);
      else if (m->activation == SWIGLU)
        to[i] = swiglu(m, row[i], other[r * inner + i]);
      else
        to[i] = activate(m, row[i]) * (other ? other[r * inner + i] : 1);
    }
  }
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct rooms {
  float *weights, *from, *hidden, *other, *to;
  int64_t *token;
} rooms;

static pg_status make_rooms(moe *m, rooms *r) {
  pgi_call *c = m->call;
  int64_t most = PG_MAX(m->first.n * m->first.k, m->second.n * m->second.k);
  PG_TRY(pgi_scratch_array(c, most, sizeof(float), &r->weights));
  PG_TRY(pgi_scratch_array(c, m->tokens * m->hidden, sizeof(float), &r->from));
  PG_TRY(pgi_scratch_array(c, m->tokens * m->first.n, sizeof(float), &r->hidden));
  PG_TRY(pgi_scratch_array(c, m->has_third ? m->tokens * m->inner : 1, sizeof(float), &r->other));
  PG_TRY(pgi_scratch_array(c, m->tokens * m->hidden, sizeof(float), &r->to));
  return pgi_scratch_array(c, m->tokens, sizeof(int64_t), &r->token);
}

static pg_status run_expert(moe *m, const rooms *r, int64_t e) {
  int64_t n = 0, width = m->hidden;
  for (int64_t i = 0; i < m->tokens * m->top; i++) {
    if (m->choice[i] != e) continue;
    memcpy(r->from + n * width, m->x + i / m->top * width, (size_t)width * sizeof(float));
    r->token[n++] = i;
  }
  if (n == 0) return PG_OK;
  PG_TRY(apply(m, &m->first, e, r->from, n, r->weights, r->hidden));
  if (m->has_third) PG_TRY(apply(m, &m->third, e, r->from, n, r->weights, r->other));
  activate_rows(m, r->hidden, m->has_third ? r->other : NULL, n);
  PG_TRY(apply(m, &m->second, e, r->hidden, n, r->weights, r->to));
  for (int64_t i = 0; i < n; i++) {
    float share = m->share[r->token[i]], *y = m->y + r->token[i] / m->top * width;
    for (int64_t k = 0; k < width; k++) y[k] += share * r->to[i * width + k];
  }
  return PG_OK;
}

static pg_status read_sizes(moe *m) {
  pgi_call *c = m->call;
  const pg_tensor *x = c->in[0], *router = c->in[1];
  if ((x->rank != 2 && x->rank != 3) || router->rank != 2)
    return pgi_fail(c->err, PG_INVALID, "input, router_probs: expected rank 2 or 3, and 2");
  m->hidden = x->dims[x->rank - 1];
  m->tokens = pgi_dims_product(x->dims, 0, x->rank - 1);
  m->experts = router->dims[1];
  if (router->dims[0] != m->tokens || m->top < 1 || m->top > m->experts)
    return pgi_fail(c->err, PG_INVALID, "router_probs: expected [%lld, at least %lld]",
                    (long long)m->tokens, (long long)m->top);
  return PG_OK;
}

static int64_t bits_of(const pgi_node *node, const char *name) {
  int64_t bits = pgi_attr_int(node, name);
  return bits > 0 ? bits : pgi_attr_int(node, "expert_weight_bits");
}

static pg_status read_layers(moe *m, bool is_quantized) {
  static const int plain[3][4] = {{2, 3, -1, -1}, {4, 5, -1, -1}, {6, 7, -1, -1}};
  static const int quantized[3][4] = {{2, 4, 3, 11}, {5, 7, 6, 12}, {8, 10, 9, 13}};
  static const char *const bits[] = {"fc1_expert_weight_bits", "fc2_expert_weight_bits",
                                     "fc3_expert_weight_bits"};
  pgi_call *c = m->call;
  layer *layers[] = {&m->first, &m->second, &m->third};
  for (int i = 0; i < 3 && is_quantized; i++) {
    layers[i]->bits = bits_of(c->node, bits[i]);
    layers[i]->block = pgi_attr_int(c->node, "block_size");
    if (layers[i]->block < 0 ||
        (layers[i]->bits != 2 && layers[i]->bits != 4 && layers[i]->bits != 8))
      return pgi_fail(c->err, PG_INVALID, "expert_weight_bits: expected 2, 4 or 8");
  }
  const int(*at)[4] = is_quantized ? quantized : plain;
  PG_TRY(read_layer(m, &m->first, at[0], -1, m->hidden, "fc1"));
  bool is_fused = m->activation == SWIGLU && m->fusion > 0;
  m->inner = is_fused ? m->first.n / 2 : m->first.n;
  m->has_third = !is_fused && pgi_input(c, at[2][0]) != NULL;
  if (m->activation == SWIGLU && !is_fused && !m->has_third)
    return pgi_fail(c->err, PG_INVALID, "swiglu without fusion: expected fc3");
  PG_TRY(read_layer(m, &m->second, at[1], m->hidden, m->inner, "fc2"));
  if (m->has_third) PG_TRY(read_layer(m, &m->third, at[2], m->inner, m->hidden, "fc3"));
  return PG_OK;
}

static pg_status run(pgi_call *c) {
  bool is_quantized = strcmp(c->node->type, "QMoE") == 0;
  const pg_tensor *mixing = is_quantized ? pgi_input(c, 14) : NULL;
  moe m = {.call = c};
  rooms r;
  const float *scores, *mix = NULL;
  PG_TRY(read_options(c->node, &m, c->err));
  PG_TRY(read_sizes(&m));
  PG_TRY(read_layers(&m, is_quantized));
  if (m.tokens == 0 || m.hidden == 0) return PG_OK;
  if (mixing && pgi_tensor_count(mixing) != m.tokens * m.experts)
    return pgi_fail(c->err, PG_INVALID, "router_weights: they don't fit router_probs");
  PG_TRY(pgi_as_f32(c, c->in[0], &m.x));
  PG_TRY(pgi_as_f32(c, c->in[1], &scores));
  PG_TRY(pgi_as_f32(c, mixing, &mix));
  PG_TRY(pgi_scratch_array(c, m.tokens * m.top, sizeof *m.choice, &m.choice));
  PG_TRY(pgi_scratch_array(c, m.tokens * m.top, sizeof *m.share, &m.share));
  PG_TRY(make_rooms(&m, &r));
  PG_TRY(pgi_scratch_array(c, m.tokens * m.hidden, sizeof *m.y, &m.y));
  memset(m.y, 0, (size_t)(m.tokens * m.hidden) * sizeof *m.y);
  route(&m, scores, mix, pgi_attr_int(c->node, "normalize_routing_weights") != 0);
  for (int64_t e = 0; e < m.experts; e++) PG_TRY(run_expert(&m, &r, e));
  pgi_store_f32(c->out[0]->dtype, pgi_tensor_data(c->out[0]), 0, m.tokens * m.hidden, m.y);
  return PG_OK;
}

#define SHARED_ATTRS                                                    \
  {.name = "activation_alpha", .kind = PG_ATTR_FLOAT, .f = 1},          \
      {.name = "activation_beta", .kind = PG_ATTR_FLOAT},               \
      {.name = "activation_type", .kind = PG_ATTR_STRING, .s = "relu"}, \
      {.name = "k", .kind = PG_ATTR_INT, .i = 1},                       \
      {.name = "normalize_routing_weights", .kind = PG_ATTR_INT},       \
      {.name = "swiglu_fusion", .kind = PG_ATTR_INT},                   \
      {.name = "swiglu_limit", .kind = PG_ATTR_FLOAT}, {                \
    .name = "use_sparse_mixer", .kind = PG_ATTR_INT                     \
  }

static const pgi_attr_def attrs[] = {SHARED_ATTRS, {0}};
static const pgi_attr_def quantized_attrs[] = {
    SHARED_ATTRS,
    {.name = "accuracy_level", .kind = PG_ATTR_INT},
    {.name = "block_size", .kind = PG_ATTR_INT},
    {.name = "expert_weight_bits", .kind = PG_ATTR_INT, .i = 4},
    {.name = "fc1_expert_weight_bits", .kind = PG_ATTR_INT},
    {.name = "fc2_expert_weight_bits", .kind = PG_ATTR_INT},
    {.name = "fc3_expert_weight_bits", .kind = PG_ATTR_INT},
    {.name = "quant_type", .kind = PG_ATTR_STRING, .s = "int"},
    {.name = "weights_prepacked", .kind = PG_ATTR_INT, .i = -1},
    {0}};

PG_OP(ms_moe) = {.name = "MoE",
                 .domain = "com.microsoft",
                 .since = {1},
                 .in = {3, 8}, /* biases in the middle are optional */
                 .out = {1, 1},
                 .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                 .attrs = attrs,
                 .infer = pgi_infer_same,
                 .run = run};
PG_OP(ms_qmoe) = {.name = "QMoE",
                  .domain = "com.microsoft",
                  .since = {1},
                  .in = {4, 21},
                  .out = {1, 1},
                  .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                  .attrs = quantized_attrs,
                  .infer = pgi_infer_same,
                  .run = run};
