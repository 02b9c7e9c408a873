/* RotaryEmbedding of ai.onnx and com.microsoft. */
#include "op/rotary.h"

#include "op/move.h"
#include "op/product.h"

/* ---- the rotation ---------------------------------------------------------------------------- */

typedef struct job {
  const pgi_rotary *r;
  const pgi_heads *from, *to;
} job;

static void rotate(const pgi_rotary *r, const float *cosines, const float *sines, const float *x,
                   float *y) {
  int64_t half = r->rotated / 2, step = r->is_interleaved ? 2 : 1;
  int64_t apart = r->is_interleaved ? 1 : half;
  for (int64_t i = 0; i < half; i++) {
    float a = x[i * step], b = x[i * step + apart];
    y[i * step] = cosines[i] * a - sines[i] * b;
    y[i * step + apart] = sines[i] * a + cosines[i] * b;
  }
  if (y != x) memcpy(y + r->rotated, x + r->rotated, (size_t)(r->size - r->rotated) * sizeof *y);
}

/* All heads of some tokens. */
static void rotate_tokens(void *arg, int64_t first, int64_t n) {
  const job *j = arg;
  const pgi_rotary *r = j->r;
  for (int64_t i = first; i < first + n; i++) {
    int64_t b = i / r->length, token = i % r->length, at = r->row[i] * (r->rotated / 2);
    for (int64_t h = 0; h < r->heads; h++) {
      const float *x =
          j->from->data + b * j->from->batch + h * j->from->head + token * j->from->row;
      float *y = j->to->data + b * j->to->batch + h * j->to->head + token * j->to->row;
      rotate(r, r->cosines + at, r->sines + at, x, y);
    }
  }
}

void pgi_rotary_run(pgi_call *c, const pgi_rotary *r, const pgi_heads *from, const pgi_heads *to) {
  job j = {r, from, to};
  pgi_move_rows(c, r->batch * r->length, (size_t)(r->heads * r->size) * sizeof(float),
                rotate_tokens, &j);
}

/* ---- the operators --------------------------------------------------------------------------- */

enum { X }; /* the other inputs stand in different places */

typedef struct places {
  int cosines, sines, positions;
} places;

static pg_status check_cache(pgi_call *c, const pg_tensor *t, const char *name, int rank,
                             const pgi_rotary *r) {
  bool fits = t->rank == rank && t->dims[rank - 1] == r->rotated / 2;
  if (rank == 3) {
    fits = fits && (t->dims[0] == r->batch || t->dims[0] == 1) &&
           (t->dims[1] == r->length || t->dims[1] == 1);
  }
  if (fits) return PG_OK;
  char got[300];
  return pgi_fail(c->err, PG_INVALID, "%s: expected rank %d and %lld columns, got %s", name, rank,
                  (long long)(r->rotated / 2),
                  pgi_shape_text(t->dtype, t->rank, t->dims, got, sizeof got));
}

/* Without positions a cache [B,S,D] has a row for each token, or one for all tokens of a batch or
** of a place: exporters write [1,S,D] for any batch, as the reference broadcasts. */
static pg_status read_rows(pgi_call *c, const pg_tensor *cache, pgi_rotary *r) {
  int64_t *row, n = r->batch * r->length;
  PG_TRY(pgi_scratch_array(c, n, sizeof *row, &row));
  for (int64_t i = 0; i < n; i++) {
    int64_t b = cache->dims[0] == 1 ? 0 : i / r->length;
    row[i] = b * cache->dims[1] + (cache->dims[1] == 1 ? 0 : i % r->length);
  }
  r->row = row;
  return PG_OK;
}

/* One number for each token; or one in all, for the first token of every row. */
static pg_status read_positions(pgi_call *c, const pg_tensor *t, pgi_rotary *r) {
  int64_t *row, n = r->batch * r->length;
  PG_TRY(pgi_scratch_array(c, n, sizeof *row, &row));
  int64_t count = pgi_tensor_count(t);
  bool is_first_only = count == 1 && n != 1;
  if (!is_first_only && count != n)
    return pgi_fail(c->err, PG_INVALID, "position_ids: expected [%lld,%lld]", (long long)r->batch,
                    (long long)r->length);
  for (int64_t i = 0; i < n; i++) {
    int64_t at = pgi_tensor_get_i64(t, is_first_only ? 0 : i);
    if (at >= 0 && at < r->rows && is_first_only) at += i % r->length;
    if (at < 0 || at >= r->rows)
      return pgi_fail(c->err, PG_INVALID, "position_ids: expected 0 to %lld, got %lld",
                      (long long)r->rows - 1, (long long)at);
    row[i] = at;
  }
  r->row = row;
  return PG_OK;
}

static pg_status read_shape(pgi_call *c, const pg_tensor *x, int64_t columns, pgi_rotary *r) {
  int64_t heads = pgi_attr_int(c->node, "num_heads");
  r->rotated = pgi_attr_int(c->node, "rotary_embedding_dim");
  if (x->rank != 3 && x->rank != 4)
    return pgi_fail(c->err, PG_INVALID, "input: expected rank 3 or 4, got %d", x->rank);
  r->batch = x->dims[0];
  r->length = x->dims[x->rank == 4 ? 2 : 1];
  int64_t width = x->dims[x->rank - 1];
  if (x->rank == 3 && heads == 0 && r->rotated == 0 && columns > 0)
    heads = width / (2 * columns); /* of com.microsoft: heads as wide as the cache */
  r->heads = x->rank == 4 ? x->dims[1] : heads;
  if (x->rank == 3 && (heads < 1 || width % heads != 0))
    return pgi_fail(c->err, PG_INVALID, "num_heads: %lld doesn't divide %lld", (long long)heads,
                    (long long)width);
  r->size = x->rank == 4 ? width : width / heads;
  if (r->rotated == 0) r->rotated = r->size;
  if (r->rotated > 0 && r->rotated % 2 == 0 && r->rotated <= r->size) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "rotary_embedding_dim: expected an even number up to %lld",
                  (long long)r->size);
}

static pg_status run(pgi_call *c, const places *at) {
  const pg_tensor *x = c->in[X], *cosines = c->in[at->cosines], *sines = c->in[at->sines];
  const pg_tensor *positions = pgi_input(c, at->positions);
  pgi_rotary r = {.is_interleaved = pgi_attr_int(c->node, "interleaved") != 0};
  int rank = positions ? 2 : 3;
  if (cosines->rank < 1) return pgi_fail(c->err, PG_INVALID, "cos_cache: expected rank %d", rank);
  PG_TRY(read_shape(c, x, cosines->dims[cosines->rank - 1], &r));
  PG_TRY(check_cache(c, cosines, "cos_cache", rank, &r));
  PG_TRY(check_cache(c, sines, "sin_cache", rank, &r));
  if (!positions && !pgi_same_dims(cosines, sines))
    return pgi_fail(c->err, PG_INVALID, "sin_cache: expected cos_cache's shape");
  r.rows =
      positions ? PG_MIN(cosines->dims[0], sines->dims[0]) : cosines->dims[0] * cosines->dims[1];
  const float *from;
  float *y;
  PG_TRY(positions ? read_positions(c, positions, &r) : read_rows(c, cosines, &r));
  PG_TRY(pgi_as_f32(c, cosines, &r.cosines));
  PG_TRY(pgi_as_f32(c, sines, &r.sines));
  PG_TRY(pgi_as_f32(c, x, &from));
  PG_TRY(pgi_result_f32(c, c->out[0], &y));
  pgi_heads in = pgi_heads_packed(from, r.heads, r.length, r.size), out;
  if (x->rank == 4) in = pgi_heads_split(from, r.heads, r.length, r.size);
  out = in;
  out.data = y;
  pgi_rotary_run(c, &r, &in, &out);
  pgi_result_store(c->out[0], y);
  return PG_OK;
}

static pg_status onnx_run(pgi_call *c) {
  return run(c, &(places){1, 2, 3});
}

static pg_status ms_run(pgi_call *c) {
  return run(c, &(places){2, 3, 1});
}

static const pgi_attr_def attrs[] = {{.name = "interleaved", .kind = PG_ATTR_INT},
                                     {.name = "num_heads", .kind = PG_ATTR_INT},
                                     {.name = "rotary_embedding_dim", .kind = PG_ATTR_INT},
                                     {0}};

PG_OP(rotary_embedding) = {
    .name = "RotaryEmbedding",
    .since = {23},
    .in = {3, 4},
    .out = {1, 1},
    .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
    .attrs = attrs,
    .infer = pgi_infer_same,
    .run = onnx_run,
};

PG_OP(ms_rotary_embedding) = {
    .name = "RotaryEmbedding",
    .domain = "com.microsoft",
    .since = {1},
    .in = {4, 4},
    .out = {1, 1},
    .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
    .attrs = attrs,
    .infer = pgi_infer_same,
    .run = ms_run,
};
