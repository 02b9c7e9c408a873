/* GatherBlockQuantized of com.microsoft: rows of a table of small numbers, with a scale and a zero
** point for each block: how quantised models keep their embeddings. */
#include "op/attend.h"
#include "op/move.h"
#include "op/product.h"

typedef struct table {
  int rank, gather, blocked, bits;
  bool is_packed;                   /* u8 that holds several numbers along the last axis */
  int64_t block, dims[PG_MAX_RANK]; /* of numbers, not of bytes */
} table;

static pg_status read_table(const pgi_node *node, const pgi_type *data, table *t, pg_error *err) {
  *t = (table){.rank = data->rank};
  if (t->rank < 1)
    return pgi_fail(err, PG_INVALID, "data: expected rank 1 or more, got %d", t->rank);
  PG_TRY(pgi_axis(pgi_attr_int(node, "gather_axis"), t->rank, &t->gather, err));
  PG_TRY(pgi_axis(pgi_attr_int(node, "quantize_axis"), t->rank, &t->blocked, err));
  int64_t bits = pgi_attr_int(node, "bits");
  t->block = pgi_attr_int(node, "block_size");
  t->bits = pg_dtype_bits(data->dtype);
  for (int i = 0; i < t->rank; i++) t->dims[i] = data->dims[i].n;
  if (data->dtype == PG_U8) {
    if (bits != 2 && bits != 4 && bits != 8)
      return pgi_fail(err, PG_INVALID, "bits: expected 2, 4 or 8, got %lld", (long long)bits);
    t->bits = (int)bits;
    t->is_packed = bits < 8;
    if (t->dims[t->rank - 1] > INT64_MAX / 8) return pgi_nomem(err);
    if (t->dims[t->rank - 1] >= 0) t->dims[t->rank - 1] *= 8 / bits;
  }
  if (t->gather == t->blocked && t->is_packed)
    return pgi_fail(err, PG_INVALID, "gather_axis and quantize_axis: both are %d", t->gather);
  if (t->block < 0 || (t->block == 0 && pgi_dtype_kind(data->dtype) != PG_KIND_FLOAT))
    return pgi_fail(err, PG_INVALID, "block_size: expected 1 or more, got %lld",
                    (long long)t->block);
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  pgi_type *y = pgi_out_type(inf, 0, pgi_in_dtype(inf, 2), -1);
  int q = pgi_in_rank(inf, 1);
  table t;
  if (pgi_in_rank(inf, 0) < 0 || q < 0) return PG_OK;
  PG_TRY(read_table(inf->node, inf->in[0], &t, inf->err));
  PG_TRY(pgi_check_rank((int64_t)t.rank - 1 + q, "the result", inf->err));
  y->rank = t.rank - 1 + q;
  int to = 0;
  for (int i = 0; i < t.rank; i++) {
    for (int k = 0; i == t.gather && k < q; k++) y->dims[to++] = inf->in[1]->dims[k];
    if (i != t.gather) y->dims[to++] = t.dims[i] < 0 ? pgi_dim_unknown() : pgi_dim_of(t.dims[i]);
  }
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct job {
  table t;
  const pg_tensor *data, *zeros;
  const float *scales;
  const int64_t *index;
  int64_t n_index, outer, inner; /* around the gathered axis */
  int64_t scale_dims[PG_MAX_RANK];
  float *y;
} job;

static float number(const job *j, const pg_tensor *t, int64_t row, int64_t column, int64_t width) {
  float v;
  if (!j->t.is_packed) {
    pgi_load_f32(t->dtype, pgi_tensor_data(t), row * width + column, 1, &v);
    return v;
  }
  int64_t per = 8 / j->t.bits, bytes = (width + per - 1) / per;
  const uint8_t *from = (const uint8_t *)pgi_tensor_data(t) + row * bytes;
  return (float)(from[column / per] >> (column % per * j->t.bits) & ((1 << j->t.bits) - 1));
}

/* One number of the table by its coordinates, its scale and zero point by theirs. */
static float element(const job *j, const int64_t *at) {
  const table *t = &j->t;
  int64_t place = 0, scale = 0, row = 0, last = t->rank - 1, column = 0;
  for (int i = 0; i < t->rank; i++) {
    int64_t k = at[i];
    if (i == t->blocked) k = t->block > 0 ? k / t->block : 0;
    if (j->scale_dims[i] == 1) k = 0;
    scale = scale * j->scale_dims[i] + k;
    if (i < last) {
      place = place * t->dims[i] + at[i];
      row = row * j->scale_dims[i] + k;
    } else {
      column = k;
    }
  }
  float v = number(j, j->data, place, at[last], t->dims[last]), zero = 0;
  if (j->zeros)
    zero = number(j, j->zeros, row, column, j->scale_dims[last]);
  else if (j->data->dtype == PG_U8)
    zero = (float)(1 << (t->bits - 1));
  return (v - zero) * j->scales[scale];
}

/* The result as [outer, indices, inner]; an index out of range gives zeros. */
static void row_task(void *arg, int64_t first, int64_t n) {
  const job *j = arg;
  int64_t at[PG_MAX_RANK];
  for (int64_t row = first; row < first + n; row++) {
    int64_t outer = row / j->n_index, index = j->index[row % j->n_index];
    float *to = j->y + row * j->inner;
    if (index < 0) index += j->t.dims[j->t.gather];
    if (index < 0 || index >= j->t.dims[j->t.gather]) {
      memset(to, 0, (size_t)j->inner * sizeof *to);
      continue;
    }
    for (int i = j->t.gather - 1; i >= 0; outer /= j->t.dims[i], i--) at[i] = outer % j->t.dims[i];
    at[j->t.gather] = index;
    for (int64_t k = 0; k < j->inner; k++) {
      int64_t rest = k;
      for (int i = j->t.rank - 1; i > j->t.gather; rest /= j->t.dims[i], i--)
        at[i] = rest % j->t.dims[i];
      to[k] = element(j, at);
    }
  }
}

static pg_status check_scales(pgi_call *c, job *j) {
  const pg_tensor *scales = c->in[2];
  const table *t = &j->t;
  bool fits = scales->rank == t->rank;
  for (int i = 0; i < t->rank && fits; i++) {
    int64_t want = t->dims[i], got = scales->dims[i];
    if (i == t->blocked) want = t->block > 0 ? (want + t->block - 1) / t->block : 1;
    fits = got == want || (i != t->blocked && got == 1);
    j->scale_dims[i] = got;
  }
  if (!fits) return pgi_fail(c->err, PG_INVALID, "scales: they don't fit the blocks of data");
  if (!j->zeros) return PG_OK;
  fits = j->zeros->rank == t->rank && j->zeros->dtype == j->data->dtype;
  for (int i = 0; i < t->rank && fits; i++) {
    int64_t want = j->scale_dims[i], per = j->t.is_packed ? 8 / t->bits : 1;
    if (i == t->rank - 1) want = (want + per - 1) / per;
    fits = j->zeros->dims[i] == want;
  }
  return fits ? PG_OK : pgi_fail(c->err, PG_INVALID, "zero_points: they don't fit the scales");
}

static pg_status run(pgi_call *c) {
  job j = {.data = c->in[0], .zeros = pgi_input(c, 3)};
  pgi_type type = pgi_type_of(j.data);
  PG_TRY(read_table(c->node, &type, &j.t, c->err));
  PG_TRY(check_scales(c, &j));
  PG_TRY(pgi_as_f32(c, c->in[2], &j.scales));
  PG_TRY(pgi_i64s(c, c->in[1], &j.index));
  j.n_index = pgi_tensor_count(c->in[1]);
  j.outer = pgi_dims_product(j.t.dims, 0, j.t.gather);
  j.inner = pgi_dims_product(j.t.dims, j.t.gather + 1, j.t.rank);
  int64_t count = pgi_tensor_count(c->out[0]);
  if (count == 0) return PG_OK;
  PG_TRY(pgi_result_f32(c, c->out[0], &j.y));
  pgi_move_rows(c, j.outer * j.n_index, (size_t)j.inner * 4, row_task, &j);
  pgi_result_store(c->out[0], j.y);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "bits", .kind = PG_ATTR_INT, .i = 4},
                                     {.name = "block_size", .kind = PG_ATTR_INT, .i = 128},
                                     {.name = "gather_axis", .kind = PG_ATTR_INT},
                                     {.name = "quantize_axis", .kind = PG_ATTR_INT, .i = 1},
                                     {0}};

PG_OP(ms_gather_block_quantized) = {
    .name = "GatherBlockQuantized",
    .domain = "com.microsoft",
    .since = {1},
    .in = {3, 4},
    .out = {1, 1},
    .types = PG_T(PG_U4) | PG_T(PG_I4) | PG_T(PG_U8) | PG_T(PG_F4E2M1) | PG_T_F8,
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
