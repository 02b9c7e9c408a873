/* MultiHeadAttention of com.microsoft: attention on projections that other nodes made. */
#include "op/move.h"
#include "op/ms_heads.h"
#include "op/product.h"

enum { Q, K, V, BIAS, MASK, ADDEND, PAST_KEY, PAST_VALUE, PAST_LENGTH, INDIRECTION };

/* ---- layouts --------------------------------------------------------------------------------- */

/* One of queries, keys, values as a tensor has it: [B, L, heads * D], [B, heads, L, D], or
** number `which` of several that lie together, [B, L, heads, n, D]. */
typedef struct layout {
  int64_t batch, length, size;
  int rank, of, which;
} layout;

static pg_status read_layout(const pgi_dim *dims, int rank, int which, int64_t heads, layout *out,
                             pg_error *err) {
  *out = (layout){.rank = rank, .which = which, .of = 1};
  out->batch = rank > 0 ? dims[0].n : -1;
  bool fits = true;
  switch (rank) {
    case 3:
      out->length = dims[1].n;
      out->size = dims[2].n < 0 ? -1 : dims[2].n / heads;
      fits = dims[2].n < 0 || dims[2].n % heads == 0;
      break;
    case 4:
      out->length = dims[2].n;
      out->size = dims[3].n;
      fits = dims[1].n < 0 || dims[1].n == heads;
      break;
    case 5:
      out->length = dims[1].n;
      out->size = dims[4].n;
      out->of = (int)PG_MIN(dims[3].n, 3);
      fits = (dims[2].n < 0 || dims[2].n == heads) && dims[3].n > which && dims[3].n <= 3;
      break;
    default:
      fits = false;
  }
  if (fits) return PG_OK;
  return pgi_fail(err, PG_INVALID, "input of rank %d can't be cut into %lld heads", rank,
                  (long long)heads);
}

/* Where keys (1) and values (2) lie: in inputs of their own, or packed with what comes before. */
static int place_of(int what, bool has_key, bool has_value, int *which) {
  *which = 0;
  if (what == Q) return Q;
  if (what == K && has_key) return K;
  if (what == V && has_value) return V;
  *which = what - (has_key ? K : Q);
  return has_key ? K : Q;
}

static pg_status read_heads(const pgi_node *node, int64_t *out, pg_error *err) {
  *out = pgi_attr_int(node, "num_heads");
  if (*out > 0) return PG_OK;
  return pgi_fail(err, PG_INVALID, "num_heads: expected 1 or more, got %lld", (long long)*out);
}

/* ---- inference ------------------------------------------------------------------------------- */

static pg_status infer(pgi_infer *inf) {
  layout at[3];
  int64_t heads;
  pg_dtype dtype = pgi_in_dtype(inf, Q);
  PG_TRY(read_heads(inf->node, &heads, inf->err));
  for (int i = 0; i < inf->n_out; i++) pgi_out_type(inf, i, dtype, i == 0 ? 3 : 4);
  for (int i = Q; i <= V; i++) {
    int which, from = place_of(i, pgi_has_in(inf, K), pgi_has_in(inf, V), &which);
    if (pgi_in_rank(inf, from) < 0) return PG_OK;
    PG_TRY(
        read_layout(inf->in[from]->dims, pgi_in_rank(inf, from), which, heads, &at[i], inf->err));
  }
  pgi_dim batch = inf->in[Q]->dims[0], unknown = pgi_dim_unknown();
  pgi_dim length = at[Q].length < 0 ? unknown : pgi_dim_of(at[Q].length);
  pgi_dim size = at[K].size < 0 ? unknown : pgi_dim_of(at[K].size);
  pgi_dim v_size = at[V].size < 0 ? unknown : pgi_dim_of(at[V].size);
  pgi_dim total = at[K].length < 0 ? unknown : pgi_dim_of(at[K].length);
  if (pgi_has_in(inf, PAST_KEY)) {
    int64_t past = pgi_in_rank(inf, PAST_KEY) == 4 ? inf->in[PAST_KEY]->dims[2].n : -1;
    total = past < 0 ? unknown : pgi_dim_shift(inf->arena, total, past);
  }
  pgi_dim n = pgi_dim_of(heads);
  memcpy(inf->out[0].dims, (pgi_dim[]){batch, length, pgi_dim_mul(inf->arena, n, v_size)},
         3 * sizeof n);
  const pgi_dim more[3][4] = {
      {batch, n, total, size}, {batch, n, total, v_size}, {batch, n, length, total}};
  for (int i = 1; i < inf->n_out; i++) memcpy(inf->out[i].dims, more[i - 1], sizeof more[0]);
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static pgi_heads heads_at(const layout *l, const float *data, int64_t heads) {
  if (l->rank == 3) return pgi_heads_packed(data, heads, l->length, l->size);
  if (l->rank == 4) return pgi_heads_split(data, heads, l->length, l->size);
  pgi_heads h = pgi_heads_packed(data, heads, l->length, l->size * l->of);
  h.data += l->which * l->size;
  return h;
}

static pg_status read_all(pgi_call *c, int64_t heads, layout *at, pgi_heads *out) {
  const float *data[3];
  bool has_key = pgi_input(c, K) != NULL, has_value = pgi_input(c, V) != NULL;
  for (int i = Q; i <= V; i++) {
    int which, from = place_of(i, has_key, has_value, &which);
    pgi_type type = pgi_type_of(c->in[from]);
    PG_TRY(read_layout(type.dims, type.rank, which, heads, &at[i], c->err));
    if (from == i)
      PG_TRY(pgi_as_f32(c, c->in[i], &data[i]));
    else
      data[i] = data[from];
    out[i] = heads_at(&at[i], data[i], heads);
  }
  bool fits = at[K].length == at[V].length && at[Q].size == at[K].size;
  for (int i = K; i <= V; i++) fits = fits && at[i].batch == at[Q].batch;
  return fits ? PG_OK : pgi_fail(c->err, PG_INVALID, "query, key, value: they don't fit together");
}

/* Keys and values of rank 4 are those of an encoder, with their bias in them. */
static pg_status add_biases(pgi_call *c, int64_t heads, const layout *at, pgi_heads *h) {
  const pg_tensor *t = pgi_input(c, BIAS);
  const float *bias;
  if (!t) return PG_OK;
  int64_t n = heads * (at[Q].size + at[K].size + at[V].size);
  if (t->rank != 1 || t->dims[0] != n)
    return pgi_fail(c->err, PG_INVALID, "bias: expected [%lld]", (long long)n);
  PG_TRY(pgi_as_f32(c, t, &bias));
  for (int i = Q; i <= V; bias += heads * at[i].size, i++) {
    if (i > Q && at[i].rank == 4) continue;
    PG_TRY(pgi_ms_add_bias(c, &h[i], bias, at[i].batch, heads, at[i].length, at[i].size));
  }
  return PG_OK;
}

static pg_status append(pgi_call *c, int past_at, int present_at, const layout *l, int64_t heads,
                        int64_t *length, pgi_heads *h) {
  const pg_tensor *past = pgi_input(c, past_at);
  pg_tensor *present = present_at < c->n_out ? c->out[present_at] : NULL;
  bool fits = !past || (past->rank == 4 && past->dims[0] == l->batch && past->dims[1] == heads &&
                        past->dims[3] == l->size && past->dtype == c->in[Q]->dtype);
  if (!fits)
    return pgi_fail(c->err, PG_INVALID, "input %d: expected [%lld,%lld,?,%lld]", past_at,
                    (long long)l->batch, (long long)heads, (long long)l->size);
  *length = l->length;
  return pgi_ms_append(c, past, present, c->in[Q]->dtype, l->batch, heads, length, l->size, h);
}

static pg_status run(pgi_call *c) {
  int64_t heads, k_length, v_length;
  layout at[3];
  pgi_heads h[3];
  if (pgi_input(c, PAST_LENGTH) || pgi_input(c, INDIRECTION))
    return pgi_fail(c->err, PG_UNSUPPORTED, "caches that share their buffer");
  PG_TRY(read_heads(c->node, &heads, c->err));
  PG_TRY(read_all(c, heads, at, h));
  PG_TRY(add_biases(c, heads, at, h));
  PG_TRY(append(c, PAST_KEY, 1, &at[K], heads, &k_length, &h[K]));
  PG_TRY(append(c, PAST_VALUE, 2, &at[V], heads, &v_length, &h[V]));
  if (k_length != v_length)
    return pgi_fail(c->err, PG_INVALID, "past_key and past_value: expected one length");
  pgi_attend a = {.batch = at[Q].batch,
                  .heads = heads,
                  .kv_heads = heads,
                  .q_len = at[Q].length,
                  .kv_len = k_length,
                  .size = at[Q].size,
                  .v_size = at[V].size,
                  .q = h[Q],
                  .k = h[K],
                  .v = h[V],
                  .left = -1,
                  .stage = PG_BIASED};
  a.right = pgi_attr_int(c->node, "unidirectional") ? 0 : -1;
  a.scale = pgi_ms_scale(c, a.size);
  PG_TRY(pgi_ms_offsets(c, a.batch, k_length - at[K].length, &a.offset));
  float filter = pgi_attr_float(c->node, "mask_filter_value"), *y;
  PG_TRY(pgi_ms_mask(c, pgi_input(c, MASK), "key_padding_mask", &a, filter, &a.bias[0]));
  PG_TRY(pgi_attend_mask(c, pgi_input(c, ADDEND), "attention_bias", &a, &a.bias[1]));
  pg_tensor *scores = c->n_out > 3 ? c->out[3] : NULL;
  PG_TRY(pgi_result_f32(c, scores, &a.scores));
  PG_TRY(pgi_result_f32(c, c->out[0], &y));
  a.y = pgi_heads_packed(y, heads, a.q_len, a.v_size);
  PG_TRY(pgi_attend_run(c, &a));
  pgi_result_store(c->out[0], y);
  pgi_result_store(scores, a.scores);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "mask_filter_value", .kind = PG_ATTR_FLOAT, .f = -10000.0f},
    {.name = "num_heads", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "scale", .kind = PG_ATTR_FLOAT},
    {.name = "unidirectional", .kind = PG_ATTR_INT},
    {0}};

PG_OP(ms_multi_head_attention) = {
    .name = "MultiHeadAttention",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 10},
    .out = {1, 4},
    .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
