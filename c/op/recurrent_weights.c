/* recurrent_weights: constant weights of LSTM, GRU and RNN, packed once for all runs. */
#include "op/recurrent.h"

#include "kernel/gemm.h"

enum { W = 1, R = 2 };

int64_t pgi_rec_packed_size(const pg_context *ctx, int64_t hidden) {
  const pgi_gemm_f32 *kernel = ctx->kernels[PG_K_GEMM_F32];
  return pgi_packed_b_size(hidden, hidden, kernel->nr);
}

void pgi_rec_pack(const pg_context *ctx, const float *plain, int64_t matrices, int64_t hidden,
                  float *to) {
  const pgi_gemm_f32 *kernel = ctx->kernels[PG_K_GEMM_F32];
  int64_t size = pgi_rec_packed_size(ctx, hidden);
  for (int64_t i = 0; i < matrices; i++, plain += hidden * hidden, to += size)
    pgi_pack_b(kernel, plain, 1, hidden, hidden, hidden, to);
}

typedef struct constant {
  const pg_tensor *t;
  float *plain;      /* a copy as f32; NULL: the tensor is f32 */
  const float *from; /* NULL: not constant, or not to be computed in f32 */
} constant;

static pg_status read_constant(pg_context *ctx, const pg_tensor *t, constant *out, pg_error *err) {
  *out = (constant){.t = t};
  if (!t || t->rank != 3 || pgi_dtype_kind(t->dtype) != PG_KIND_FLOAT || t->dtype == PG_F64)
    return PG_OK;
  out->from = pgi_tensor_data(t);
  if (t->dtype == PG_F32) return PG_OK;
  int64_t count = pgi_tensor_count(t);
  size_t bytes;
  if (!pgi_mul_size((size_t)count, sizeof(float), &bytes)) return pgi_nomem(err);
  out->from = out->plain = pgi_alloc(ctx, bytes);
  if (!out->plain) return pgi_nomem(err);
  pgi_load_f32(t->dtype, pgi_tensor_data(t), 0, count, out->plain);
  return PG_OK;
}

static pg_status room_for(pg_context *ctx, int64_t a, int64_t b, float **out, pg_error *err) {
  size_t bytes;
  if (!pgi_mul_size((size_t)a, (size_t)b, &bytes) || !pgi_mul_size(bytes, sizeof(float), &bytes))
    return pgi_nomem(err);
  *out = pgi_alloc_large(ctx, bytes);
  return *out ? PG_OK : pgi_nomem(err);
}

static pg_status prepare_w(pg_context *ctx, const pg_tensor *t, float **out, pg_error *err) {
  const pgi_gemm_f32 *kernel = ctx->kernels[PG_K_GEMM_F32];
  constant c;
  pg_status status = read_constant(ctx, t, &c, err);
  if (status == PG_OK && c.from) {
    int64_t n = t->dims[1], k = t->dims[2], size = pgi_packed_b_size(n, k, kernel->nr);
    status = room_for(ctx, t->dims[0], size, out, err);
    for (int64_t d = 0; d < t->dims[0] && status == PG_OK; d++)
      pgi_pack_b(kernel, c.from + d * n * k, 1, k, n, k, *out + d * size);
  }
  pgi_free(ctx, c.plain);
  return status;
}

/* [D, gates * H, H]: another shape is refused when it runs. */
static pg_status prepare_r(pg_context *ctx, const pg_tensor *t, float **out, pg_error *err) {
  constant c;
  pg_status status = read_constant(ctx, t, &c, err);
  int64_t h = c.from ? t->dims[2] : 0;
  if (h > 0 && t->dims[1] % h == 0) {
    int64_t matrices = t->dims[0] * (t->dims[1] / h);
    if (status == PG_OK) status = room_for(ctx, matrices, pgi_rec_packed_size(ctx, h), out, err);
    if (status == PG_OK) pgi_rec_pack(ctx, c.from, matrices, h, *out);
  }
  pgi_free(ctx, c.plain);
  return status;
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
  pg_status status = prepare_w(ctx, value[W], &w->w, err);
  if (status == PG_OK) status = prepare_r(ctx, value[R], &w->r, err);
  if (status == PG_OK)
    *prepared = w;
  else
    pgi_rec_discard(ctx, w);
  return status;
}
