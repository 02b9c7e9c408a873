/* GroupQueryAttention of com.microsoft: heads that share keys, a cache, rotary positions, a
** local window. */
#include "op/move.h"
#include "op/ms_heads.h"
#include "op/product.h"
#include "op/rotary.h"

#include <math.h>

enum {
  Q,
  K,
  V,
  PAST_KEY,
  PAST_VALUE,
  LENGTHS,
  TOTAL,
  COSINES,
  SINES,
  POSITIONS,
  ADDEND,
  SINK,
  K_SCALE,
  V_SCALE,
  Q_NORM,
  K_NORM
};

static pg_status read_heads(const pgi_node *node, int64_t *heads, int64_t *kv_heads,
                            pg_error *err) {
  *heads = pgi_attr_int(node, "num_heads");
  *kv_heads = pgi_attr_int(node, "kv_num_heads");
  if (*kv_heads > 0 && *heads > 0 && *heads % *kv_heads == 0 && *heads < INT32_MAX) return PG_OK;
  return pgi_fail(err, PG_INVALID,
                  "num_heads: expected a multiple of kv_num_heads, got %lld of %lld",
                  (long long)*heads, (long long)*kv_heads);
}

/* ---- inference ------------------------------------------------------------------------------- */

static pg_status infer(pgi_infer *inf) {
  int64_t heads, kv_heads;
  PG_TRY(read_heads(inf->node, &heads, &kv_heads, inf->err));
  for (int i = 0; i < inf->n_out; i++) pgi_out_type(inf, i, pgi_in_dtype(inf, Q), i == 0 ? 3 : 4);
  if (pgi_in_rank(inf, Q) != 3) return PG_OK;
  const pgi_dim *q = inf->in[Q]->dims;
  bool is_packed = !pgi_has_in(inf, K);
  int64_t parts = is_packed ? heads + 2 * kv_heads : heads;
  pgi_dim size = q[2].n < 0 ? pgi_dim_unknown() : pgi_dim_of(q[2].n / parts);
  memcpy(inf->out[0].dims,
         (pgi_dim[]){q[0], q[1], pgi_dim_mul(inf->arena, size, pgi_dim_of(heads))},
         3 * sizeof size);
  pgi_dim capacity = pgi_dim_unknown(), all = capacity;
  int64_t total, past = pgi_has_in(inf, PAST_KEY) ? -1 : 0;
  if (pgi_in_rank(inf, PAST_KEY) == 4) past = inf->in[PAST_KEY]->dims[2].n;
  if (pgi_known(inf, TOTAL)) {
    PG_TRY(pgi_scalar_i64(pgi_known(inf, TOTAL), "total_sequence_length", &total, inf->err));
    if (total >= 0) all = pgi_dim_of(total);
    if (total >= 0 && past >= 0) capacity = pgi_dim_of(PG_MAX(past, total));
  }
  const pgi_dim cache[4] = {q[0], pgi_dim_of(kv_heads), capacity, size};
  for (int i = 1; i < inf->n_out && i < 3; i++) memcpy(inf->out[i].dims, cache, sizeof cache);
  if (inf->n_out > 3)
    memcpy(inf->out[3].dims, (pgi_dim[]){q[0], pgi_dim_of(heads), q[1], all}, sizeof cache);
  return PG_OK;
}

/* ---- operands -------------------------------------------------------------------------------- */

typedef struct operands {
  int64_t batch, length, heads, kv_heads, size, past, total, capacity;
  pgi_heads q, k, v;
  int64_t *before, *valid; /* [batch]: tokens in front of the new ones; and with them */
} operands;

static pg_status check_options(pgi_call *c) {
  static const int inputs[] = {K_SCALE, V_SCALE};
  if (!pgi_input(c, LENGTHS) || !pgi_input(c, TOTAL))
    return pgi_fail(c->err, PG_INVALID, "seqlens_k and total_sequence_length are required");
  for (int i = 0; i < PG_COUNT(inputs); i++)
    if (pgi_input(c, inputs[i]))
      return pgi_fail(c->err, PG_UNSUPPORTED, "input %d (quantised caches)", inputs[i]);
  if (pgi_attr_int(c->node, "sliding_window_cache"))
    return pgi_fail(c->err, PG_UNSUPPORTED, "attribute 'sliding_window_cache'");
  return PG_OK;
}

static pg_status read_rows(pgi_call *c, operands *o) {
  const pg_tensor *q = c->in[Q], *k = pgi_input(c, K), *v = pgi_input(c, V);
  const float *data;
  bool is_packed = !k;
  int64_t parts = is_packed ? o->heads + 2 * o->kv_heads : o->heads;
  if (q->rank != 3 || q->dims[2] % parts != 0 || is_packed != !v)
    return pgi_fail(c->err, PG_INVALID, "query: it can't be cut into %lld heads", (long long)parts);
  o->batch = q->dims[0];
  o->length = q->dims[1];
  o->size = q->dims[2] / parts;
  PG_TRY(pgi_as_f32(c, q, &data));
  o->q = pgi_heads_packed(data, parts, o->length, o->size);
  if (is_packed) {
    o->k = o->v = o->q;
    o->k.data += o->heads * o->size;
    o->v.data += (o->heads + o->kv_heads) * o->size;
    return PG_OK;
  }
  const pg_tensor *both[2] = {k, v};
  for (int i = 0; i < 2; i++) {
    const int64_t want[3] = {o->batch, o->length, o->kv_heads * o->size};
    bool fits = both[i]->rank == 3 && both[i]->dtype == q->dtype;
    for (int d = 0; d < 3 && fits; d++) fits = both[i]->dims[d] == want[d];
    if (!fits) return pgi_fail(c->err, PG_INVALID, "key and value: they don't fit the query");
    PG_TRY(pgi_as_f32(c, both[i], &data));
    *(i == 0 ? &o->k : &o->v) = pgi_heads_packed(data, o->kv_heads, o->length, o->size);
  }
  return PG_OK;
}

static pg_status read_cache(pgi_call *c, operands *o) {
  const pg_tensor *past[2] = {pgi_input(c, PAST_KEY), pgi_input(c, PAST_VALUE)};
  if (!past[0] != !past[1])
    return pgi_fail(c->err, PG_INVALID, "past_key and past_value: one of them is missing");
  o->past = past[0] && past[0]->rank == 4 ? past[0]->dims[2] : 0;
  for (int i = 0; i < 2 && past[0]; i++) {
    const pg_tensor *t = past[i];
    bool fits = t->rank == 4 && t->dims[0] == o->batch && t->dims[1] == o->kv_heads &&
                t->dims[2] == o->past && t->dims[3] == o->size && t->dtype == c->in[Q]->dtype;
    if (!fits)
      return pgi_fail(c->err, PG_INVALID, "past: expected %s [%lld,%lld,?,%lld]",
                      pg_dtype_name(c->in[Q]->dtype), (long long)o->batch, (long long)o->kv_heads,
                      (long long)o->size);
  }
  PG_TRY(pgi_scalar_i64(c->in[TOTAL], "total_sequence_length", &o->total, c->err));
  if (o->total < o->length || o->total > o->past + o->length)
    return pgi_fail(c->err, PG_INVALID, "total_sequence_length: expected %lld to %lld, got %lld",
                    (long long)o->length, (long long)(o->past + o->length), (long long)o->total);
  o->capacity = PG_MAX(o->past, o->total);
  return PG_OK;
}

/* A first prompt has nothing before it, and its short rows are filled up behind. */
static pg_status read_lengths(pgi_call *c, operands *o) {
  const pg_tensor *t = c->in[LENGTHS];
  bool is_prompt = o->total == o->length;
  if (pgi_dtype_kind(t->dtype) != PG_KIND_INT || pgi_tensor_count(t) != o->batch)
    return pgi_fail(c->err, PG_INVALID, "seqlens_k: expected i32 [%lld]", (long long)o->batch);
  PG_TRY(pgi_scratch_array(c, o->batch, sizeof(int64_t), &o->before));
  PG_TRY(pgi_scratch_array(c, o->batch, sizeof(int64_t), &o->valid));
  for (int64_t b = 0; b < o->batch; b++) {
    int64_t n = pgi_tensor_get_i64(t, b);
    if (n < (is_prompt ? 0 : o->length - 1) || n >= o->total)
      return pgi_fail(c->err, PG_INVALID, "seqlens_k: expected less than %lld, got %lld",
                      (long long)o->total, (long long)n);
    o->valid[b] = n + 1;
    o->before[b] = is_prompt ? 0 : n + 1 - o->length;
  }
  return PG_OK;
}

/* ---- norms ----------------------------------------------------------------------------------- */

/* Each head of the queries or keys over its root mean square, times weights. */
static pg_status norm_heads(pgi_call *c, const operands *o, int at, int64_t heads,
                            pgi_heads *rows) {
  const pg_tensor *t = pgi_input(c, at);
  const float *weights;
  float *to, epsilon = pgi_attr_float(c->node, "qk_norm_epsilon");
  int64_t count;
  if (!t) return PG_OK;
  if (t->rank != 1 || t->dims[0] != o->size)
    return pgi_fail(c->err, PG_INVALID, "input %d: expected [%lld]", at, (long long)o->size);
  PG_TRY(pgi_as_f32(c, t, &weights));
  PG_TRY(pgi_count(3, (int64_t[]){o->batch * o->length, heads, o->size}, &count, c->err));
  PG_TRY(pgi_scratch_array(c, count, sizeof *to, &to));
  pgi_heads out = pgi_heads_packed(to, heads, o->length, o->size);
  for (int64_t i = 0; i < o->batch * o->length * heads; i++) {
    int64_t b = i / (o->length * heads), r = i / heads % o->length, h = i % heads;
    const float *x = rows->data + b * rows->batch + h * rows->head + r * rows->row;
    float *y = out.data + b * out.batch + h * out.head + r * out.row;
    double sum = 0;
    for (int64_t k = 0; k < o->size; k++) sum += (double)x[k] * (double)x[k];
    float f = (float)(1 / sqrt(sum / (double)o->size + (double)epsilon));
    for (int64_t k = 0; k < o->size; k++) y[k] = x[k] * f * weights[k];
  }
  *rows = out;
  return PG_OK;
}

/* ---- positions ------------------------------------------------------------------------------- */

static pg_status rotate(pgi_call *c, operands *o) {
  const pg_tensor *cosines = pgi_input(c, COSINES), *sines = pgi_input(c, SINES);
  const pg_tensor *positions = pgi_input(c, POSITIONS);
  if (!pgi_attr_int(c->node, "do_rotary")) return PG_OK;
  bool fits = cosines && sines && cosines->rank == 2 && pgi_same_dims(cosines, sines) &&
              cosines->dims[1] <= o->size / 2;
  if (!fits) return pgi_fail(c->err, PG_INVALID, "cos_cache and sin_cache: expected rank 2");
  int64_t n = o->batch * o->length, *row;
  pgi_rotary r = {.batch = o->batch,
                  .length = o->length,
                  .size = o->size,
                  .rotated = 2 * cosines->dims[1],
                  .rows = cosines->dims[0],
                  .is_interleaved = pgi_attr_int(c->node, "rotary_interleaved") != 0};
  if (positions && pgi_tensor_count(positions) != n)
    positions = NULL; /* of the first prompt: one */
  PG_TRY(pgi_scratch_array(c, n, sizeof *row, &row));
  for (int64_t i = 0; i < n; i++) {
    row[i] =
        positions ? pgi_tensor_get_i64(positions, i) : o->before[i / o->length] + i % o->length;
    if (row[i] < 0 || row[i] >= r.rows)
      return pgi_fail(c->err, PG_INVALID, "position %lld: cos_cache has %lld rows",
                      (long long)row[i], (long long)r.rows);
  }
  r.row = row;
  PG_TRY(pgi_as_f32(c, cosines, &r.cosines));
  PG_TRY(pgi_as_f32(c, sines, &r.sines));
  pgi_heads *both[2] = {&o->q, &o->k};
  for (int i = 0; i < 2; i++) {
    float *to;
    int64_t count;
    r.heads = i == 0 ? o->heads : o->kv_heads;
    PG_TRY(pgi_count(2, (int64_t[]){n, r.heads * o->size}, &count, c->err));
    PG_TRY(pgi_scratch_array(c, count, sizeof *to, &to));
    pgi_heads rotated = pgi_heads_packed(to, r.heads, o->length, o->size);
    pgi_rotary_run(c, &r, both[i], &rotated);
    *both[i] = rotated;
  }
  return PG_OK;
}

/* ---- the cache ------------------------------------------------------------------------------- */

/* For each row of the batch what was there, the new rows behind it, zeros behind these. */
static void fill_cache(const operands *o, const pg_tensor *past, const pgi_heads *rows,
                       pg_tensor *cache) {
  size_t row_bytes = (size_t)o->size * pgi_dtype_size(cache->dtype);
  char *to = pgi_tensor_data(cache);
  for (int64_t i = 0; i < o->batch * o->kv_heads; i++) {
    int64_t b = i / o->kv_heads, h = i % o->kv_heads, first = i * o->capacity;
    int64_t old = past ? o->before[b] : 0, end = old + o->length;
    if (old > 0)
      memmove(to + (size_t)first * row_bytes,
              (const char *)pgi_tensor_data(past) + (size_t)(i * o->past) * row_bytes,
              (size_t)old * row_bytes);
    for (int64_t r = 0; r < o->length; r++) {
      const float *from = rows->data + b * rows->batch + h * rows->head + r * rows->row;
      pgi_store_f32(cache->dtype, to, (first + old + r) * o->size, o->size, from);
    }
    memset(to + (size_t)(first + end) * row_bytes, 0, (size_t)(o->capacity - end) * row_bytes);
  }
}

static pg_status make_cache(pgi_call *c, const operands *o, int past, int present, pgi_heads *h) {
  pg_tensor room = {0}, *cache = present < c->n_out ? c->out[present] : NULL;
  pg_status status = PG_OK;
  const int64_t dims[4] = {o->batch, o->kv_heads, o->capacity, o->size};
  bool is_kept = cache != NULL;
  if (is_kept) {
    PG_TRY(pgi_call_alloc(c, present, c->in[Q]->dtype, 4, dims));
  } else {
    PG_TRY(pgi_tensor_alloc(c->ctx, c->in[Q]->dtype, 4, dims, &room, c->err));
    cache = &room;
  }
  fill_cache(o, pgi_input(c, past), h, cache);
  int64_t n = pgi_tensor_count(cache);
  float *copy = pgi_tensor_data(cache);
  bool is_direct = is_kept && cache->dtype == PG_F32;
  if (!is_direct) {
    status = pgi_scratch_array(c, n, sizeof *copy, &copy);
    if (status == PG_OK) pgi_load_f32(cache->dtype, pgi_tensor_data(cache), 0, n, copy);
  }
  pgi_tensor_clear(&room);
  *h = pgi_heads_split(copy, o->kv_heads, o->capacity, o->size);
  return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static pg_status read_sink(pgi_call *c, pgi_attend *a) {
  const pg_tensor *t = pgi_input(c, SINK);
  if (t && (t->rank != 1 || t->dims[0] != a->heads))
    return pgi_fail(c->err, PG_INVALID, "head_sink: expected [%lld]", (long long)a->heads);
  if (t) return pgi_as_f32(c, t, &a->sink);
  if (!pgi_attr_int(c->node, "smooth_softmax")) return PG_OK;
  float *zeros;
  PG_TRY(pgi_scratch_array(c, a->heads, sizeof *zeros, &zeros));
  memset(zeros, 0, (size_t)a->heads * sizeof *zeros);
  a->sink = zeros;
  return PG_OK;
}

static pg_status read_options(pgi_call *c, pgi_attend *a) {
  int64_t window = pgi_attr_int(c->node, "local_window_size");
  a->right = pgi_attr_int(c->node, "causal") ? 0 : -1;
  a->left = window > 0 ? PG_MIN(window, a->kv_len) - 1 : -1; /* the query's own position counts */
  a->softcap = PG_MAX(pgi_attr_float(c->node, "softcap"), 0.0f);
  a->scale = pgi_ms_scale(c, a->size);
  a->stage = pgi_attr_int(c->node, "qk_output") == 1 ? PG_BIASED : PG_PROBABILITIES;
  return read_sink(c, a);
}

static pg_status run(pgi_call *c) {
  operands o = {0};
  float *y;
  PG_TRY(check_options(c));
  PG_TRY(read_heads(c->node, &o.heads, &o.kv_heads, c->err));
  PG_TRY(read_rows(c, &o));
  PG_TRY(read_cache(c, &o));
  PG_TRY(read_lengths(c, &o));
  PG_TRY(norm_heads(c, &o, Q_NORM, o.heads, &o.q));
  PG_TRY(norm_heads(c, &o, K_NORM, o.kv_heads, &o.k));
  PG_TRY(rotate(c, &o));
  PG_TRY(make_cache(c, &o, PAST_KEY, 1, &o.k));
  PG_TRY(make_cache(c, &o, PAST_VALUE, 2, &o.v));
  pgi_attend a = {.batch = o.batch,
                  .heads = o.heads,
                  .kv_heads = o.kv_heads,
                  .q_len = o.length,
                  .kv_len = o.total,
                  .size = o.size,
                  .v_size = o.size,
                  .q = o.q,
                  .k = o.k,
                  .v = o.v,
                  .offset = o.before,
                  .valid = o.valid};
  PG_TRY(read_options(c, &a));
  PG_TRY(pgi_attend_mask(c, pgi_input(c, ADDEND), "attention_bias", &a, &a.bias[0]));
  pg_tensor *scores = c->n_out > 3 ? c->out[3] : NULL;
  if (scores)
    PG_TRY(
        pgi_call_alloc(c, 3, c->in[Q]->dtype, 4, (int64_t[]){o.batch, o.heads, o.length, o.total}));
  PG_TRY(pgi_result_f32(c, scores, &a.scores));
  PG_TRY(pgi_result_f32(c, c->out[0], &y));
  a.y = pgi_heads_packed(y, o.heads, o.length, o.size);
  PG_TRY(pgi_attend_run(c, &a));
  /* Scores of hidden keys are given as 0. */
  int64_t n = scores ? pgi_tensor_count(scores) : 0;
  for (int64_t i = 0; i < n; i++)
    if (a.scores[i] == -INFINITY) a.scores[i] = 0;
  pgi_result_store(c->out[0], y);
  pgi_result_store(scores, a.scores);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "causal", .kind = PG_ATTR_INT, .i = 1},
    {.name = "do_rotary", .kind = PG_ATTR_INT},
    {.name = "kv_num_heads", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "local_window_size", .kind = PG_ATTR_INT, .i = -1},
    {.name = "num_heads", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "k_quant_type", .kind = PG_ATTR_STRING, .s = "NONE"},
    {.name = "kv_cache_bit_width", .kind = PG_ATTR_INT},
    {.name = "qk_norm_epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-6f},
    {.name = "qk_output", .kind = PG_ATTR_INT},
    {.name = "v_quant_type", .kind = PG_ATTR_STRING, .s = "NONE"},
    {.name = "rotary_interleaved", .kind = PG_ATTR_INT},
    {.name = "scale", .kind = PG_ATTR_FLOAT},
    {.name = "sliding_window_cache", .kind = PG_ATTR_INT},
    {.name = "smooth_softmax", .kind = PG_ATTR_INT},
    {.name = "softcap", .kind = PG_ATTR_FLOAT},
    {0}};

PG_OP(ms_group_query_attention) = {
    .name = "GroupQueryAttention",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 16}, /* keys and caches in the middle are optional */
    .out = {1, 4},
    .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
