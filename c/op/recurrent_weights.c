/* recurrent_weights: constant weights of LSTM, GRU and RNN, transposed once for all runs. */
#include "op/recurrent.h"

enum { W = 1, R = 2 };

void pgi_rec_transpose(const float *plain, int64_t d, int64_t n, int64_t k, float *to) {
  enum { TILE = 32 };
  for (int64_t i = 0; i < d; i++, plain += n * k, to += n * k) {
    for (int64_t j0 = 0; j0 < n; j0 += TILE) {
      int64_t j1 = PG_MIN(j0 + TILE, n);
      for (int64_t p = 0; p < k; p++)
        for (int64_t j = j0; j < j1; j++) to[p * n + j] = plain[j * k + p];
    }
  }
}

static pg_status transpose_constant(pg_context *ctx, const pg_tensor *t, float **out,
                                    pg_error *err) {
  *out = NULL;
  if (!t || t->rank != 3 || pgi_dtype_kind(t->dtype) != PG_KIND_FLOAT || t->dtype == PG_F64)
    return PG_OK;
  int64_t count = pgi_tensor_count(t);
  size_t bytes;
  if (!pgi_mul_size((size_t)count, sizeof(float), &bytes)) return pgi_nomem(err);
  float *to = pgi_alloc_aligned(ctx, bytes, PG_ALIGN), *plain = NULL;
  const float *from = pgi_tensor_data(t);
  if (t->dtype != PG_F32) {
    plain = pgi_alloc(ctx, bytes);
    if (plain) pgi_load_f32(t->dtype, pgi_tensor_data(t), 0, count, plain);
    from = plain;
  }
  bool has_room = to && from;
  if (has_room) pgi_rec_transpose(from, t->dims[0], t->dims[1], t->dims[2], to);
  pgi_free(ctx, plain);
  if (!has_room) pgi_free(ctx, to);
  if (!has_room) return pgi_nomem(err);
  *out = to;
  return PG_OK;
}

void pgi_rec_discard(pg_context *ctx, void *prepared) {
  pgi_rec_weights *w = prepared;
  if (!w) return;
  pgi_free(ctx, w->w);
  pgi_free(ctx, w->r);
  pgi_free(ctx, w);
}

pg_status pgi_rec_prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                          void **prepared, pg_error *err) {
  if (node->n_in <= R || (!value[W] && !value[R])) return PG_OK;
  pgi_rec_weights *w = pgi_alloc_zero(ctx, sizeof *w);
  if (!w) return pgi_nomem(err);
  pg_status status = transpose_constant(ctx, value[W], &w->w, err);
  if (status == PG_OK) status = transpose_constant(ctx, value[R], &w->r, err);
  if (status == PG_OK)
    *prepared = w;
  else
    pgi_rec_discard(ctx, w);
  return status;
}
