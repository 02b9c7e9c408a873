/* Attention of ai.onnx: scaled dot-product attention with masks, windows and caches. */
#include "op/attend.h"
#include "op/move.h"
#include "op/product.h"
#include "op/softmax_loop.h"

#include <math.h>

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTHS };
enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };

/* Positions beyond this are as good as infinite; sums of a few stay in range. */
static const int64_t FAR = (int64_t)1 << 60;

/* ---- inference ------------------------------------------------------------------------------- */

/* [B, heads, L, D] of a tensor of rank 4, or of rank 3 whose last axis holds all heads. */
static pg_status split_dims(const pgi_infer *inf, int i, const char *attr, pgi_dim *out) {
  const pgi_type *t = inf->in[i];
  if (t->rank == 4) {
    memcpy(out, t->dims, 4 * sizeof *out);
    return PG_OK;
  }
  int64_t heads = pgi_attr_int(inf->node, attr), width = t->dims[2].n;
  if (t->rank != 3)
    return pgi_fail(inf->err, PG_INVALID, "input %d: expected rank 3 or 4, got %d", i, t->rank);
  if (heads < 1 || (width >= 0 && width % heads != 0)) {
    return pgi_fail(inf->err, PG_INVALID, "%s: %lld doesn't divide %lld", attr, (long long)heads,
                    (long long)width);
  }
  out[0] = t->dims[0];
  out[1] = pgi_dim_of(heads);
  out[2] = t->dims[1];
  out[3] = pgi_dim_div(inf->arena, t->dims[2], heads);
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  pgi_dim q[4], k[4], v[4], past = pgi_dim_of(0);
  for (int i = 0; i < inf->n_out; i++) {
    pg_dtype dtype = pgi_in_dtype(inf, i == PRESENT_VALUE ? V : Q);
    pgi_out_type(inf, i, dtype, i == Y ? pgi_in_rank(inf, Q) : 4);
  }
  for (int i = Q; i <= V; i++)
    if (pgi_in_rank(inf, i) < 0) return PG_OK;
  PG_TRY(split_dims(inf, Q, "q_num_heads", q));
  PG_TRY(split_dims(inf, K, "kv_num_heads", k));
  PG_TRY(split_dims(inf, V, "kv_num_heads", v));
  if (pgi_has_in(inf, PAST_KEY))
    past = pgi_in_rank(inf, PAST_KEY) == 4 ? inf->in[PAST_KEY]->dims[2] : pgi_dim_unknown();
  pgi_dim total = pgi_dim_add(inf->arena, past, k[2]);
  if (inf->in[Q]->rank == 4) {
    memcpy(inf->out[Y].dims, (pgi_dim[]){q[0], q[1], q[2], v[3]}, 4 * sizeof(pgi_dim));
  } else {
    memcpy(inf->out[Y].dims, (pgi_dim[]){q[0], q[2], pgi_dim_mul(inf->arena, q[1], v[3])},
           3 * sizeof(pgi_dim));
  }
  const pgi_dim more[3][4] = {
      {k[0], k[1], total, k[3]}, {v[0], v[1], total, v[3]}, {q[0], q[1], q[2], total}};
  for (int i = 1; i < inf->n_out; i++) memcpy(inf->out[i].dims, more[i - 1], sizeof more[0]);
  return PG_OK;
}

/* ---- operands -------------------------------------------------------------------------------- */

typedef struct operand {
  const float *data;
  const double *wide; /* instead of data, when Q is f64; `at` then has strides only */
  int64_t batch, heads, length, size;
  pgi_heads at;
} operand;

static pg_status as_f64(pgi_call *c, const pg_tensor *t, const double **out) {
  int64_t n = pgi_tensor_count(t);
  double *room;
  *out = pgi_tensor_data(t);
  if (t->dtype == PG_F64) return PG_OK;
  PG_TRY(pgi_scratch_array(c, n, sizeof *room, &room));
  pgi_load_f64(t->dtype, pgi_tensor_data(t), 0, n, room);
  *out = room;
  return PG_OK;
}

static pg_status read_operand(pgi_call *c, int i, const char *attr, operand *out) {
  const pg_tensor *t = c->in[i];
  int64_t heads = t->rank == 4 ? t->dims[1] : pgi_attr_int(c->node, attr);
  bool fits = t->rank == 4 || (t->rank == 3 && heads > 0 && t->dims[2] % heads == 0);
  if (!fits) {
    char got[300];
    return pgi_fail(c->err, PG_INVALID, "input %d: %s can't be cut into %lld heads", i,
                    pgi_shape_text(t->dtype, t->rank, t->dims, got, sizeof got), (long long)heads);
  }
  out->data = NULL;
  out->wide = NULL;
  if (c->in[Q]->dtype == PG_F64)
    PG_TRY(as_f64(c, t, &out->wide));
  else
    PG_TRY(pgi_as_f32(c, t, &out->data));
  out->batch = t->dims[0];
  out->heads = heads;
  out->length = t->dims[t->rank == 4 ? 2 : 1];
  out->size = t->rank == 4 ? t->dims[3] : t->dims[2] / heads;
  out->at = t->rank == 4 ? pgi_heads_split(out->data, heads, out->length, out->size)
                         : pgi_heads_packed(out->data, heads, out->length, out->size);
  return PG_OK;
}

static pg_status check_operands(pgi_call *c, const operand *q, const operand *k, const operand *v) {
  bool fits = q->batch == k->batch && k->batch == v->batch && k->heads == v->heads &&
              k->length == v->length && q->size == k->size;
  if (!fits) return pgi_fail(c->err, PG_INVALID, "Q, K and V don't fit together");
  if (k->heads > 0 && q->heads % k->heads == 0) return PG_OK;
  if (q->heads == 0) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "%lld query heads can't share %lld of keys",
                  (long long)q->heads, (long long)k->heads);
}

/* The same in f64; `all` may be of any type. */
static pg_status append_wide(pgi_call *c, const pg_tensor *past, int64_t old, operand *k,
                             const pg_tensor *all) {
  int64_t n = pgi_tensor_count(all), total = old + k->length;
  double *copy;
  PG_TRY(pgi_scratch_array(c, n, sizeof *copy, &copy));
  for (int64_t head = 0; head < k->batch * k->heads; head++) {
    int64_t b = head / k->heads, h = head % k->heads;
    double *to = copy + head * total * k->size;
    if (old > 0)
      pgi_load_f64(past->dtype, pgi_tensor_data(past), head * old * k->size, old * k->size, to);
    for (int64_t r = 0; r < k->length; r++)
      memcpy(to + (old + r) * k->size, k->wide + b * k->at.batch + h * k->at.head + r * k->at.row,
             (size_t)k->size * sizeof *to);
  }
  pgi_store_f64(all->dtype, pgi_tensor_data(all), 0, n, copy);
  k->wide = copy;
  return PG_OK;
}

/* The cache with the new rows behind it, in the output or in scratch; k->at is set to it. */
static pg_status append(pgi_call *c, int past_in, int present, operand *k) {
  const pg_tensor *past = pgi_input(c, past_in);
  pg_tensor *out = present < c->n_out ? c->out[present] : NULL, room = {0};
  if (!past && !out) return PG_OK;
  int64_t old = past ? past->dims[past->rank == 4 ? 2 : 0] : 0;
  int64_t dims[4] = {k->batch, k->heads, old + k->length, k->size};
  bool fits = !past || (past->rank == 4 && past->dims[0] == k->batch && past->dims[1] == k->heads &&
                        past->dims[3] == k->size);
  pg_dtype dtype = PG_NONE;
  if (out) dtype = out->dtype;
  if (past) {
    fits = fits && (!out || past->dtype == dtype);
    dtype = past->dtype;
  }
  if (!fits) {
    return pgi_fail(c->err, PG_INVALID, "input %d: it doesn't fit the new keys and values",
                    past_in);
  }
  pg_status status = out ? pgi_call_alloc(c, present, dtype, 4, dims) /* checks */
                         : pgi_tensor_alloc(c->ctx, dtype, 4, dims, &room, c->err);
  if (status == PG_OK) {
    const pg_tensor *all = out ? out : &room;
    float *copy;
    int64_t n = pgi_tensor_count(all);
    if (k->wide) {
      status = append_wide(c, past, old, k, all);
    } else {
      pgi_heads_append(c, past, old, &k->at, k->length, (pg_tensor *)(uintptr_t)all);
      k->data = pgi_tensor_data(all);
    }
    if (!k->wide && (!out || dtype != PG_F32)) { /* `room` goes */
      status = pgi_scratch_array(c, n, sizeof *copy, &copy);
      if (status == PG_OK) pgi_load_f32(dtype, pgi_tensor_data(all), 0, n, copy);
      k->data = copy;
    }
  }
  pgi_tensor_clear(&room);
  k->length += old;
  k->at = pgi_heads_split(k->data, k->heads, k->length, k->size);
  return status;
}

/* ---- what queries see ------------------------------------------------------------------------ */

static pg_status read_window(pgi_call *c, pgi_attend *a) {
  a->left = pgi_attr_int(c->node, "left_window_size");
  a->right = pgi_attr_int(c->node, "right_window_size");
  if (a->left < -1 || a->right < -1)
    return pgi_fail(c->err, PG_INVALID, "window sizes: expected -1 or more, got %lld and %lld",
                    (long long)a->left, (long long)a->right);
  a->left = PG_MIN(a->left, FAR);
  a->right = PG_MIN(a->right, FAR);
  if (pgi_attr_int(c->node, "is_causal")) a->right = 0;
  return PG_OK;
}

/* Queries come behind the keys that are there already. */
static pg_status read_offsets(pgi_call *c, pgi_attend *a, int64_t past) {
  const pg_tensor *lengths = pgi_input(c, LENGTHS);
  int64_t *offset, *valid = NULL;
  PG_TRY(pgi_scratch_array(c, a->batch, sizeof *offset, &offset));
  if (lengths) {
    if (lengths->rank != 1 || lengths->dims[0] != a->batch || lengths->dtype != PG_I64 ||
        pgi_input(c, PAST_KEY))
      return pgi_fail(c->err, PG_INVALID, "nonpad_kv_seqlen: expected i64 [%lld] and no past",
                      (long long)a->batch);
    PG_TRY(pgi_scratch_array(c, a->batch, sizeof *valid, &valid));
  }
  for (int64_t b = 0; b < a->batch; b++) {
    offset[b] = past;
    if (!lengths) continue;
    int64_t n = pgi_tensor_get_i64(lengths, b);
    valid[b] = n < 0 ? 0 : PG_MIN(n, FAR);
    offset[b] = valid[b] - a->q_len;
  }
  a->offset = offset;
  a->valid = valid;
  return PG_OK;
}

static pg_status read_scale(pgi_call *c, pgi_attend *a) {
  bool has_scale = pgi_attr_find(c->node, "scale") != NULL;
  a->scale = has_scale ? pgi_attr_float(c->node, "scale") : (float)(1 / sqrt((double)a->size));
  a->softcap = pgi_attr_float(c->node, "softcap");
  int64_t mode = pgi_attr_int(c->node, "qk_matmul_output_mode");
  if (mode < 0 || mode > 3)
    return pgi_fail(c->err, PG_INVALID, "qk_matmul_output_mode: expected 0 to 3, got %lld",
                    (long long)mode);
  a->stage = (int)mode;
  if (a->softcap > 0) return PG_OK;
  a->softcap = 0;
  return PG_OK;
}

/* The specification scales Q and K by the square root each and computes in their type: in bf16, where
** every rounding shows, so do we.  f16 is kept in f32, which is nearer to the definition. */
static pg_status scale_bf16(pgi_call *c, operand *t, float root) {
  int64_t rows = t->batch * t->heads * t->length, count;
  float *to;
  PG_TRY(pgi_count(2, (int64_t[]){rows, t->size}, &count, c->err));
  PG_TRY(pgi_scratch_array(c, count, sizeof *to, &to));
  for (int64_t row = 0; row < rows; row++) {
    int64_t b = row / (t->heads * t->length), h = row / t->length % t->heads, r = row % t->length;
    const float *from = t->at.data + b * t->at.batch + h * t->at.head + r * t->at.row;
    for (int64_t i = 0; i < t->size; i++) to[row * t->size + i] = pgi_round_bf16(from[i] * root);
  }
  t->data = to;
  t->at = pgi_heads_split(to, t->heads, t->length, t->size);
  return PG_OK;
}

static pg_status round_as_bf16(pgi_call *c, pgi_attend *a, operand *q, operand *k) {
  float root = pgi_round_bf16(sqrtf(a->scale));
  PG_TRY(scale_bf16(c, q, root));
  PG_TRY(scale_bf16(c, k, root));
  a->q = q->at;
  a->k = k->at;
  a->scale = 1;
  a->is_bf16 = true;
  int64_t precision = pgi_attr_int(c->node, "softmax_precision");
  a->is_softmax_f32 = precision == PG_F32 || precision == PG_F64;
  return PG_OK;
}

/* Results are f64 too, as Q is; a is ready but for where things lie. */
static pg_status run_wide(pgi_call *c, pgi_attend *a, const operand *q, const operand *k,
                          const operand *v) {
  const pg_tensor *mask = pgi_input(c, MASK), *scores = SCORES < c->n_out ? c->out[SCORES] : NULL;
  bool has_scale = pgi_attr_find(c->node, "scale") != NULL,
       is_bool = mask && mask->dtype == PG_BOOL;
  pgi_attend_f64 d = {.q = q->wide,
                      .k = k->wide,
                      .v = v->wide,
                      .scores = scores ? pgi_tensor_data(scores) : NULL,
                      .scale = has_scale ? (double)a->scale : 1 / sqrt((double)a->size),
                      .softcap = (double)a->softcap};
  if (mask) {
    PG_TRY(as_f64(c, mask, &d.bias));
    double *bias = (double *)(uintptr_t)d.bias; /* of a bool mask: a copy in scratch */
    for (int64_t i = 0; is_bool && i < pgi_tensor_count(mask); i++)
      bias[i] = bias[i] != 0 ? 0 : -INFINITY;
  }
  double *y = c->out[Y] ? pgi_tensor_data(c->out[Y]) : NULL;
  if (!y) PG_TRY(pgi_scratch_array(c, a->batch * a->heads * a->q_len * a->v_size, sizeof *y, &y));
  d.y = y;
  a->y = c->in[Q]->rank == 4 ? pgi_heads_split(NULL, q->heads, q->length, v->size)
                             : pgi_heads_packed(NULL, q->heads, q->length, v->size);
  return pgi_attend_run_f64(c, a, &d);
}

static pg_status run(pgi_call *c) {
  operand q, k, v;
  PG_TRY(read_operand(c, Q, "q_num_heads", &q));
  PG_TRY(read_operand(c, K, "kv_num_heads", &k));
  PG_TRY(read_operand(c, V, "kv_num_heads", &v));
  PG_TRY(check_operands(c, &q, &k, &v));
  int64_t fresh = k.length;
  PG_TRY(append(c, PAST_KEY, PRESENT_KEY, &k));
  PG_TRY(append(c, PAST_VALUE, PRESENT_VALUE, &v));
  if (k.length != v.length)
    return pgi_fail(c->err, PG_INVALID, "past_key and past_value: expected one length");
  pgi_attend a = {.batch = q.batch,
                  .heads = q.heads,
                  .kv_heads = k.heads,
                  .q_len = q.length,
                  .kv_len = k.length,
                  .size = q.size,
                  .v_size = v.size,
                  .q = q.at,
                  .k = k.at,
                  .v = v.at,
                  .is_nan_unseen = c->node->op->domain != NULL};
  PG_TRY(read_scale(c, &a));
  if (c->in[Q]->dtype == PG_BF16) PG_TRY(round_as_bf16(c, &a, &q, &k));
  PG_TRY(read_window(c, &a));
  PG_TRY(read_offsets(c, &a, k.length - fresh));
  PG_TRY(pgi_attend_mask(c, pgi_input(c, MASK), "attn_mask", &a, &a.bias[0]));
  if (q.wide) return run_wide(c, &a, &q, &k, &v);
  float *y;
  pg_tensor *scores = SCORES < c->n_out ? c->out[SCORES] : NULL;
  PG_TRY(pgi_result_f32(c, c->out[Y], &y));
  PG_TRY(pgi_result_f32(c, scores, &a.scores));
  a.y = c->in[Q]->rank == 4 ? pgi_heads_split(y, q.heads, q.length, v.size)
                            : pgi_heads_packed(y, q.heads, q.length, v.size);
  PG_TRY(pgi_attend_run(c, &a));
  pgi_result_store(c->out[Y], y);
  pgi_result_store(scores, a.scores);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "is_causal", .kind = PG_ATTR_INT},
    {.name = "kv_num_heads", .kind = PG_ATTR_INT},
    {.name = "left_window_size", .kind = PG_ATTR_INT, .i = -1},
    {.name = "q_num_heads", .kind = PG_ATTR_INT},
    {.name = "qk_matmul_output_mode", .kind = PG_ATTR_INT},
    {.name = "right_window_size", .kind = PG_ATTR_INT, .i = -1},
    {.name = "scale", .kind = PG_ATTR_FLOAT},
    {.name = "softcap", .kind = PG_ATTR_FLOAT},
    {.name = "softmax_precision", .kind = PG_ATTR_INT}, /* never less than f32 */
    {0}};

PG_OP(attention) = {
    .name = "Attention",
    .since = {23, 24, 25},
    .in = {3, 7},
    .out = {1, 4},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .infer = infer,
    .run = run,
};

/* What attention_absorb.c makes: a query that sees nothing gets NaN, as a Softmax does it. */
PG_OP(attend) = {
    .name = "Attend",
    .domain = "perigee",
    .since = {1},
    .in = {3, 4},
    .out = {1, 1},
    .types = PG_T(PG_F32),
    .attrs = attrs,
    .flags = PG_OP_PRIVATE,
    .infer = infer,
    .run = run,
};
