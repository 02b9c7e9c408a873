/* attend: see attend.h. */
#include "op/attend.h"

#include "op/elementwise.h"
#include "op/product.h"
#include "op/softmax_loop.h"

#include <math.h>

typedef struct job {
  const pgi_attend *a;
  const pg_context *ctx;
  int64_t block, blocks;  /* queries of one task; tasks of one head */
  int64_t product_floats; /* scratch of a product */
} job;

/* Keys that a query sees, before any bias. */
typedef struct range {
  int64_t first, last;
} range;

static range keys_of(const pgi_attend *a, int64_t b, int64_t query) {
  int64_t at = query + (a->offset ? a->offset[b] : 0);
  int64_t end = a->valid ? PG_MIN(a->kv_len, a->valid[b]) : a->kv_len;
  range r = {0, end};
  if (a->left >= 0 && at - a->left > 0) r.first = at - a->left;
  if (a->right >= 0 && at < end - a->right) r.last = at + a->right + 1;
  r.last = PG_MAX(r.last, 0);
  r.first = PG_MIN(r.first, r.last);
  return r;
}

void pgi_attend_keys(const pgi_attend *a, int64_t b, int64_t query, int64_t *first, int64_t *last) {
  range r = keys_of(a, b, query);
  *first = r.first;
  *last = r.last;
}

static void run_product(const job *j, const pgi_product *p, float *scratch) {
  pgi_tiling t;
  pgi_product_tiling(p, j->a->batch * j->a->heads, &t);
  for (int64_t i = 0; i < t.rows * t.cols; i++) pgi_product_tile(p, &t, i, scratch);
}

/* ---- one row of scores ----------------------------------------------------------------------- */

static void round_all(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = pgi_round_bf16(x[i]);
}

/* Hidden even when the score is infinite or NaN. */
static void add_row(const float *restrict from, float *restrict scores, int64_t n) {
  PG_LOOP(n, scores[at] = from[at] == -INFINITY ? -INFINITY : scores[at] + from[at]);
}

static void add_bias(const pgi_attend_bias *bias, int64_t b, int64_t h, int64_t query, range keys,
                     bool is_bf16, float *scores) {
  if (!bias->data) return;
  const float *from = bias->data + b * bias->batch + h * bias->head + query * bias->row;
  int64_t shown = PG_MIN(keys.last, bias->n);
  if (shown > keys.first) add_row(from + keys.first, scores, shown - keys.first);
  if (is_bf16) round_all(scores, shown - keys.first);
  for (int64_t k = PG_MAX(shown, keys.first); k < keys.last; k++)
    scores[k - keys.first] = -INFINITY;
}

static void cap(const job *j, float *x, int64_t n) {
  float c = j->a->softcap;
  if (c == 0) return;
  bool is_bf16 = j->a->is_bf16;
  pgi_unary_f32_run(j->ctx, PG_AFFINE, x, x, n, 1 / c, 0);
  if (is_bf16) round_all(x, n);
  pgi_unary_f32_run(j->ctx, PG_TANH, x, x, n, 0, 0);
  if (is_bf16) round_all(x, n);
  pgi_unary_f32_run(j->ctx, PG_AFFINE, x, x, n, c, 0);
  if (is_bf16) round_all(x, n);
}

/* All zeros, or NaN, when nothing is seen. */
static void normalise(const job *j, int64_t h, float *x, int64_t n) {
  const pgi_reduce_f32 *reduce = j->ctx->kernels[PG_K_REDUCE_F32];
  const pgi_softmax_f32 *softmax = j->ctx->kernels[PG_K_SOFTMAX_F32];
  float most = (float)reduce->run[PG_R_MAX](x, n);
  if (j->a->sink && j->a->sink[h] > most) most = j->a->sink[h];
  if (most == -INFINITY) {
    for (int64_t i = 0; i < n; i++) x[i] = j->a->is_nan_unseen ? NAN : 0.0f;
    return;
  }
  if (j->a->is_bf16 && !j->a->is_softmax_f32) {
    pgi_softmax_row_bf16(x, x, n);
    return;
  }
  double sum = softmax->run(x, x, n, most);
  if (j->a->sink) sum += exp((double)j->a->sink[h] - (double)most);
  pgi_unary_f32_run(j->ctx, PG_AFFINE, x, x, n, (float)(1 / sum), 0);
  if (j->a->is_bf16) round_all(x, n);
}

static void keep(const pgi_attend *a, int stage, int64_t b, int64_t h, int64_t query,
                 const float *scores) {
  if (!a->scores || (int)a->stage != stage) return;
  float *to = a->scores + ((b * a->heads + h) * a->q_len + query) * a->kv_len;
  memcpy(to, scores, (size_t)a->kv_len * sizeof *to);
}

/* scores: those of the keys that the block sees, which are all when they are wanted. */
static void finish_row(const job *j, int64_t b, int64_t h, int64_t query, range block,
                       float *scores) {
  const pgi_attend *a = j->a;
  int64_t n = block.last - block.first;
  if (a->is_bf16) round_all(scores, n);
  keep(a, PG_RAW, b, h, query, scores);
  cap(j, scores, n);
  keep(a, PG_CAPPED, b, h, query, scores);
  add_bias(&a->bias[0], b, h, query, block, a->is_bf16, scores);
  add_bias(&a->bias[1], b, h, query, block, a->is_bf16, scores);
  range keys = keys_of(a, b, query);
  for (int64_t k = block.first; k < keys.first; k++) scores[k - block.first] = -INFINITY;
  for (int64_t k = keys.last; k < block.last; k++) scores[k - block.first] = -INFINITY;
  keep(a, PG_BIASED, b, h, query, scores);
  normalise(j, h, scores, n);
  keep(a, PG_PROBABILITIES, b, h, query, scores);
}

/* ---- a block of queries ---------------------------------------------------------------------- */

static range block_keys(const pgi_attend *a, int64_t b, int64_t first, int64_t n) {
  range r = keys_of(a, b, first), all = {0, a->kv_len};
  for (int64_t i = 1; i < n; i++) {
    range next = keys_of(a, b, first + i);
    if (next.first == next.last) continue;
    if (r.first == r.last) r = next;
    r.first = PG_MIN(r.first, next.first);
    r.last = PG_MAX(r.last, next.last);
  }
  return a->scores ? all : r;
}

static pgi_product score_product(const job *j, int64_t b, int64_t h, int64_t m, range keys,
                                 const float *q, float *scores) {
  const pgi_attend *a = j->a;
  int64_t kv = h / (a->heads / a->kv_heads);
  return (pgi_product){.kernel = j->ctx->kernels[PG_K_GEMM_F32],
                       .m = m,
                       .n = keys.last - keys.first,
                       .k = a->size,
                       .alpha = 1,
                       .a = q,
                       .a_row = a->size,
                       .a_col = 1,
                       .b = a->k.data + b * a->k.batch + kv * a->k.head + keys.first * a->k.row,
                       .b_row = 1,
                       .b_col = a->k.row,
                       .c = scores,
                       .ldc = keys.last - keys.first};
}

static pgi_product value_product(const job *j, int64_t b, int64_t h, int64_t first, int64_t m,
                                 range keys, const float *scores) {
  const pgi_attend *a = j->a;
  int64_t kv = h / (a->heads / a->kv_heads);
  return (pgi_product){.kernel = j->ctx->kernels[PG_K_GEMM_F32],
                       .m = m,
                       .n = a->v_size,
                       .k = keys.last - keys.first,
                       .alpha = 1,
                       .a = scores,
                       .a_row = keys.last - keys.first,
                       .a_col = 1,
                       .b = a->v.data + b * a->v.batch + kv * a->v.head + keys.first * a->v.row,
                       .b_row = a->v.row,
                       .b_col = 1,
                       .c = a->y.data + b * a->y.batch + h * a->y.head + first * a->y.row,
                       .ldc = a->y.row};
}

/* scratch: a product's, block * size scaled queries, block * kv_len scores. */
static void run_task(void *arg, int64_t task, void *scratch) {
  const job *j = arg;
  const pgi_attend *a = j->a;
  int64_t head = task / j->blocks, b = head / a->heads, h = head % a->heads;
  int64_t first = task % j->blocks * j->block, m = PG_MIN(a->q_len - first, j->block);
  float *q = (float *)scratch + j->product_floats, *scores = q + j->block * a->size;
  for (int64_t row = 0; row < m; row++) {
    const float *from = a->q.data + b * a->q.batch + h * a->q.head + (first + row) * a->q.row;
    float *to = q + row * a->size, scale = a->scale;
    PG_LOOP(a->size, to[at] = scale * from[at]);
  }
  range keys = block_keys(a, b, first, m);
  pgi_product p = score_product(j, b, h, m, keys, q, scores);
  run_product(j, &p, scratch);
  for (int64_t i = 0; i < m; i++) finish_row(j, b, h, first + i, keys, scores + i * p.n);
  p = value_product(j, b, h, first, m, keys, scores);
  run_product(j, &p, scratch);
}

/* The most that a product of a block may need, whatever keys it sees: with and without packing. */
static int64_t most_floats(const job *j) {
  const pgi_attend *a = j->a;
  range all = {0, a->kv_len};
  int64_t most = 0;
  for (int i = 0; i < 2; i++) {
    for (int64_t m = i == 0 ? j->block : 1;; m = j->block) {
      pgi_product p = i == 0 ? score_product(j, 0, 0, m, all, a->q.data, NULL)
                             : value_product(j, 0, 0, 0, m, all, a->q.data);
      pgi_tiling t;
      pgi_product_tiling(&p, a->batch * a->heads, &t);
      int64_t floats = pgi_product_scratch(&p, &t);
      most = PG_MAX(most, floats);
      if (m == j->block) break;
    }
  }
  return most;
}

pg_status pgi_attend_run(pgi_call *c, const pgi_attend *a) {
  enum { BLOCK = 64, LONG = 4096 };
  job j = {.a = a, .ctx = c->ctx};
  if (a->batch == 0 || a->heads == 0 || a->q_len == 0) return PG_OK;
  j.block = PG_MIN(a->q_len, a->kv_len > LONG ? BLOCK / 4 : BLOCK);
  j.blocks = (a->q_len - 1) / j.block + 1;
  j.product_floats = (most_floats(&j) + 15) / 16 * 16;
  int64_t floats, more;
  if (__builtin_mul_overflow(j.block, a->kv_len + a->size, &floats) ||
      __builtin_add_overflow(floats, j.product_floats, &floats) ||
      __builtin_mul_overflow(floats, (int64_t)sizeof(float), &more))
    return pgi_nomem(c->err);
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, c, a->batch * a->heads * j.blocks, (size_t)more));
  pgi_lanes_run(&lanes, a->batch * a->heads * j.blocks, run_task, &j);
  return PG_OK;
}

/* ---- helpers --------------------------------------------------------------------------------- */

pgi_heads pgi_heads_split(const float *data, int64_t heads, int64_t length, int64_t size) {
  return (pgi_heads){(float *)(uintptr_t)data, heads * length * size, length * size, size};
}

pgi_heads pgi_heads_packed(const float *data, int64_t heads, int64_t length, int64_t size) {
  return (pgi_heads){(float *)(uintptr_t)data, heads * length * size, size, heads * size};
}

typedef struct append_job {
  const pg_tensor *past;
  int64_t past_len, n, total, size, heads;
  const pgi_heads *rows;
  pg_tensor *out;
} append_job;

static void append_head(void *arg, int64_t i) {
  const append_job *j = arg;
  int64_t b = i / j->heads, h = i % j->heads;
  char *to = pgi_tensor_data(j->out);
  size_t size = pgi_dtype_size(j->out->dtype);
  int64_t first = i * j->total * j->size, old = j->past_len * j->size;
  if (j->past && old > 0) {
    int64_t stride = j->past->dims[2] * j->size;
    memmove(to + (size_t)first * size,
            (const char *)pgi_tensor_data(j->past) + (size_t)(i * stride) * size,
            (size_t)old * size);
  }
  for (int64_t r = 0; r < j->n; r++) {
    const float *from = j->rows->data + b * j->rows->batch + h * j->rows->head + r * j->rows->row;
    pgi_store_f32(j->out->dtype, to, first + old + r * j->size, j->size, from);
  }
}

void pgi_heads_append(pgi_call *c, const pg_tensor *past, int64_t past_len, const pgi_heads *rows,
                      int64_t n, pg_tensor *out) {
  append_job j = {past, past_len, n, out->dims[2], out->dims[3], out->dims[1], rows, out};
  pgi_call_parallel(c, out->dims[0] * out->dims[1], append_head, &j);
}

pg_status pgi_attend_mask(pgi_call *c, const pg_tensor *mask, const char *name, const pgi_attend *a,
                          pgi_attend_bias *out) {
  *out = (pgi_attend_bias){0};
  if (!mask) return PG_OK;
  int64_t want[4] = {a->batch, a->heads, a->q_len, a->kv_len}, step[4] = {0}, next = 1;
  bool fits = mask->rank >= 1 && mask->rank <= 4 && mask->dims[mask->rank - 1] <= a->kv_len;
  for (int i = mask->rank - 1, d = 3; i >= 0 && fits; i--, d--) {
    fits = d == 3 || mask->dims[i] == want[d] || mask->dims[i] == 1;
    step[d] = mask->dims[i] == 1 ? 0 : next;
    next *= mask->dims[i];
  }
  pgi_kind kind = pgi_dtype_kind(mask->dtype);
  bool is_number = kind == PG_KIND_FLOAT || kind == PG_KIND_INT || kind == PG_KIND_UINT;
  if (!fits || (!is_number && kind != PG_KIND_BOOL)) {
    char expected[300], got[300];
    return pgi_fail(c->err, PG_INVALID, "%s: expected what broadcasts to %s, got %s", name,
                    pgi_shape_text(PG_NONE, 4, want, expected, sizeof expected),
                    pgi_shape_text(mask->dtype, mask->rank, mask->dims, got, sizeof got));
  }
  *out = (pgi_attend_bias){NULL, step[0], step[1], step[2], mask->dims[mask->rank - 1]};
  if (kind != PG_KIND_BOOL) return pgi_as_f32(c, mask, &out->data);
  float *bias;
  int64_t n = pgi_tensor_count(mask);
  const uint8_t *from = pgi_tensor_data(mask);
  PG_TRY(pgi_scratch_array(c, n, sizeof *bias, &bias));
  for (int64_t i = 0; i < n; i++) bias[i] = from[i] ? 0.0f : -INFINITY;
  out->data = bias;
  return PG_OK;
}

pg_status pgi_result_f32(pgi_call *c, pg_tensor *t, float **out) {
  *out = NULL;
  if (!t) return PG_OK;
  *out = pgi_tensor_data(t);
  if (t->dtype == PG_F32) return PG_OK;
  return pgi_scratch_array(c, pgi_tensor_count(t), sizeof **out, out);
}

void pgi_result_store(pg_tensor *t, const float *from) {
  if (t && t->dtype != PG_F32)
    pgi_store_f32(t->dtype, pgi_tensor_data(t), 0, pgi_tensor_count(t), from);
}
