/* LinearAttention: a matrix of memory for each head, decayed, corrected, written and read token
** by token. Yang et al., "Gated Delta Networks" (2024), equations as in the ONNX specification. */
#include "op/attend.h"
#include "op/elementwise.h"
#include "op/lanes.h"
#include "op/move.h"
#include "op/product.h"

#include <math.h>

enum { Q, K, V, PAST, DECAY, BETA };

static pg_status read_heads(const pgi_node *node, int64_t *q_heads, int64_t *kv_heads,
                            pg_error *err) {
  *q_heads = pgi_attr_int(node, "q_num_heads");
  *kv_heads = pgi_attr_int(node, "kv_num_heads");
  if (*kv_heads > 0 && *q_heads > 0 && *q_heads % *kv_heads == 0) return PG_OK;
  return pgi_fail(err, PG_INVALID,
                  "q_num_heads: expected a multiple of kv_num_heads, got %lld of %lld",
                  (long long)*q_heads, (long long)*kv_heads);
}

static pgi_dim divided(pgi_dim width, int64_t heads) {
  return width.n >= 0 ? pgi_dim_of(width.n / heads) : pgi_dim_unknown();
}

static pg_status infer(pgi_infer *inf) {
  int64_t q_heads, kv_heads;
  PG_TRY(read_heads(inf->node, &q_heads, &kv_heads, inf->err));
  pgi_type *y = pgi_out_type(inf, 0, pgi_in_dtype(inf, Q), 3);
  pgi_dim unknown = pgi_dim_unknown(), batch = unknown, size = unknown, v_size = unknown;
  if (pgi_in_rank(inf, Q) == 3) {
    batch = y->dims[0] = inf->in[Q]->dims[0];
    y->dims[1] = inf->in[Q]->dims[1];
    size = divided(inf->in[Q]->dims[2], q_heads);
  }
  if (pgi_in_rank(inf, V) == 3) {
    v_size = divided(inf->in[V]->dims[2], kv_heads);
    y->dims[2] = pgi_dim_mul(inf->arena, v_size, pgi_dim_of(q_heads));
  }
  if (inf->n_out < 2) return PG_OK;
  pgi_type *state = pgi_out_type(inf, 1, pgi_in_dtype(inf, pgi_has_in(inf, PAST) ? PAST : Q), 4);
  memcpy(state->dims, (pgi_dim[]){batch, pgi_dim_of(kv_heads), size, v_size}, 4 * sizeof unknown);
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct job {
  const pg_context *ctx;
  int64_t batch, tokens, heads, kv_heads, size, v_size;
  const float *q, *k, *v, *past, *decay, *beta; /* past, decay, beta: NULL when not used */
  int64_t decays, betas;                        /* numbers a token */
  float scale;
  float *y, *state; /* state: [batch, kv_heads, size, v_size] */
} job;

/* S *= exp(g), g one number a row or one for all. */
static void decay_state(const job *j, const float *g, bool is_one, float *state, float *room) {
  int64_t n = is_one ? 1 : j->size;
  pgi_unary_f32_run(j->ctx, PG_EXP, g, room, n, 0, 0);
  for (int64_t d = 0; d < j->size; d++) {
    float factor = room[is_one ? 0 : d];
    float *row = state + d * j->v_size;
    PG_LOOP(j->v_size, row[at] *= factor);
  }
}

/* out = scale * x^T S */
static void read_state(const job *j, const float *x, float scale, const float *state, float *out) {
  memset(out, 0, (size_t)j->v_size * sizeof *out);
  for (int64_t d = 0; d < j->size; d++) {
    float factor = scale * x[d];
    const float *row = state + d * j->v_size;
    PG_LOOP(j->v_size, out[at] += factor * row[at]);
  }
}

static void write_state(const job *j, const float *k, const float *v, float *state) {
  for (int64_t d = 0; d < j->size; d++, state += j->v_size) {
    float factor = k[d];
    PG_LOOP(j->v_size, state[at] += factor * v[at]);
  }
}

/* room: size + v_size floats. */
static void run_head(void *arg, int64_t task, void *scratch) {
  const job *j = arg;
  int64_t b = task / j->kv_heads, h = task % j->kv_heads, group = j->heads / j->kv_heads;
  float *state = j->state + task * j->size * j->v_size, *room = scratch, *change = room + j->size;
  size_t bytes = (size_t)(j->size * j->v_size) * sizeof *state;
  if (j->past)
    memcpy(state, j->past + task * j->size * j->v_size, bytes);
  else
    memset(state, 0, bytes);
  for (int64_t t = 0; t < j->tokens; t++) {
    int64_t token = b * j->tokens + t;
    const float *k = j->k + (token * j->kv_heads + h) * j->size;
    const float *v = j->v + (token * j->kv_heads + h) * j->v_size;
    bool is_one = j->decays == j->kv_heads;
    if (j->decay)
      decay_state(j, j->decay + token * j->decays + (is_one ? h : h * j->size), is_one, state,
                  room);
    if (j->beta) {
      float beta = j->beta[token * j->betas + (j->betas == 1 ? 0 : h)];
      read_state(j, k, 1, state, change);
      for (int64_t m = 0; m < j->v_size; m++) change[m] = beta * (v[m] - change[m]);
      v = change;
    }
    write_state(j, k, v, state);
    for (int64_t g = h * group; g < (h + 1) * group; g++)
      read_state(j, j->q + (token * j->heads + g) * j->size, j->scale, state,
                 j->y + (token * j->heads + g) * j->v_size);
  }
}

static pg_status fail_input(pgi_call *c, const char *name, const char *why) {
  return pgi_fail(c->err, PG_INVALID, "%s: %s", name, why);
}

/* A [B, T, n] operand that the update rule wants, or must not have. */
static pg_status read_gate(pgi_call *c, const job *j, int i, const char *name, bool is_wanted,
                           const float **data, int64_t *n) {
  const pg_tensor *t = pgi_input(c, i);
  if (is_wanted != (t != NULL))
    return fail_input(c, name,
                      is_wanted ? "this update rule needs it" : "not for this update rule");
  if (!t) return PG_OK;
  if (t->rank != 3 || t->dims[0] != j->batch || t->dims[1] != j->tokens)
    return fail_input(c, name, "expected [B,T,...]");
  *n = t->dims[2];
  return pgi_as_f32(c, t, data);
}

static pg_status read_gates(pgi_call *c, job *j) {
  bool is_gated_delta = pgi_attr_is(c->node, "update_rule", "gated_delta");
  bool is_gated = is_gated_delta || pgi_attr_is(c->node, "update_rule", "gated");
  bool is_delta = is_gated_delta || pgi_attr_is(c->node, "update_rule", "delta");
  if (!is_gated && !is_delta && !pgi_attr_is(c->node, "update_rule", "linear"))
    return fail_input(c, "update_rule", "unknown");
  PG_TRY(read_gate(c, j, DECAY, "decay", is_gated, &j->decay, &j->decays));
  PG_TRY(read_gate(c, j, BETA, "beta", is_delta, &j->beta, &j->betas));
  if (is_gated && j->decays != j->kv_heads && j->decays != j->kv_heads * j->size)
    return fail_input(c, "decay", "expected a number a head or one a key dimension");
  if (is_delta && j->betas != j->kv_heads && j->betas != 1)
    return fail_input(c, "beta", "expected a number a head or one in all");
  return PG_OK;
}

static pg_status read_shapes(pgi_call *c, job *j) {
  const pg_tensor *q = c->in[Q], *k = c->in[K], *v = c->in[V], *past = pgi_input(c, PAST);
  PG_TRY(read_heads(c->node, &j->heads, &j->kv_heads, c->err));
  if (q->rank != 3 || k->rank != 3 || v->rank != 3)
    return fail_input(c, "query, key, value", "expected rank 3");
  j->batch = q->dims[0];
  j->tokens = q->dims[1];
  j->size = q->dims[2] / j->heads;
  j->v_size = v->dims[2] / j->kv_heads;
  bool fits = q->dims[2] == j->size * j->heads && k->dims[2] == j->size * j->kv_heads &&
              v->dims[2] == j->v_size * j->kv_heads;
  for (int i = 0; i < 2; i++) fits = fits && k->dims[i] == q->dims[i] && v->dims[i] == q->dims[i];
  if (!fits) return fail_input(c, "query, key, value", "they don't fit together");
  const int64_t dims[4] = {j->batch, j->kv_heads, j->size, j->v_size};
  for (int i = 0; i < 4 && past; i++)
    if (past->rank != 4 || past->dims[i] != dims[i])
      return fail_input(c, "past_state", "expected [B,kv_num_heads,d_k,d_v]");
  return PG_OK;
}

static pg_status run(pgi_call *c) {
  job j = {.ctx = c->ctx};
  PG_TRY(read_shapes(c, &j));
  PG_TRY(read_gates(c, &j));
  float scale = pgi_attr_float(c->node, "scale");
  j.scale = scale != 0 ? scale : (float)(1 / sqrt((double)j.size));
  PG_TRY(pgi_as_f32(c, c->in[Q], &j.q));
  PG_TRY(pgi_as_f32(c, c->in[K], &j.k));
  PG_TRY(pgi_as_f32(c, c->in[V], &j.v));
  PG_TRY(pgi_as_f32(c, pgi_input(c, PAST), &j.past));
  pg_tensor *state = c->n_out > 1 ? c->out[1] : NULL;
  int64_t count;
  PG_TRY(pgi_count(4, (int64_t[]){j.batch, j.kv_heads, j.size, j.v_size}, &count, c->err));
  PG_TRY(pgi_result_f32(c, c->out[0], &j.y));
  PG_TRY(pgi_result_f32(c, state, &j.state));
  if (!j.state) PG_TRY(pgi_scratch_array(c, count, sizeof *j.state, &j.state));
  pgi_lanes lanes;
  int64_t tasks = j.batch * j.kv_heads;
  PG_TRY(pgi_lanes_init(&lanes, c, tasks, (size_t)(j.size + j.v_size) * sizeof(float)));
  pgi_lanes_run(&lanes, tasks, run_head, &j);
  pgi_result_store(c->out[0], j.y);
  pgi_result_store(state, j.state);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "chunk_size", .kind = PG_ATTR_INT, .i = 64}, /* a hint */
    {.name = "kv_num_heads", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "q_num_heads", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "scale", .kind = PG_ATTR_FLOAT},
    {.name = "update_rule", .kind = PG_ATTR_STRING, .s = "gated_delta"},
    {0}};

PG_OP(linear_attention) = {
    .name = "LinearAttention",
    .since = {27},
    .in = {3, 6},
    .out = {1, 2},
    .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
