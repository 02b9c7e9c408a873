/* MatMulBnb4 of com.microsoft: a product with weights of 4 bits on a curve, blocks of which share
** their greatest value (Dettmers et al. 2023, QLoRA: NormalFloat; and a 4-bit float). */
#include "op/attend.h"
#include "op/move.h"
#include "op/product.h"

/* Halves to bytes, the first in the upper four bits. */
static const float fp4[16] = {
    0.0f,  5.208333333e-03f,  0.66666667f,  1.0f,  0.33333333f,  0.5f,  0.16666667f,  0.25f,
    -0.0f, -5.208333333e-03f, -0.66666667f, -1.0f, -0.33333333f, -0.5f, -0.16666667f, -0.25f};
static const float nf4[16] = {-1.0f,
                              -0.6961928009986877f,
                              -0.5250730514526367f,
                              -0.39491748809814453f,
                              -0.28444138169288635f,
                              -0.18477343022823334f,
                              -0.09105003625154495f,
                              0.0f,
                              0.07958029955625534f,
                              0.16093020141124725f,
                              0.24611230194568634f,
                              0.33791524171829224f,
                              0.44070982933044434f,
                              0.5626170039176941f,
                              0.7229568362236023f,
                              1.0f};

typedef struct sizes {
  int64_t n, k, block;
  bool is_transposed;
  const float *curve;
} sizes;

static pg_status read_sizes(const pgi_node *node, sizes *s, pg_error *err) {
  int64_t kind = pgi_attr_int(node, "quant_type");
  *s = (sizes){.n = pgi_attr_int(node, "N"),
               .k = pgi_attr_int(node, "K"),
               .block = pgi_attr_int(node, "block_size"),
               .is_transposed = pgi_attr_int(node, "transB") != 0,
               .curve = kind == 0 ? fp4 : nf4};
  if (s->n < 1 || s->k < 1 || s->block < 1 || s->n > INT64_MAX / 8 / s->k || kind < 0 || kind > 1)
    return pgi_fail(err, PG_INVALID, "N, K, block_size or quant_type out of range");
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  sizes s;
  PG_TRY(read_sizes(inf->node, &s, inf->err));
  int rank = pgi_in_rank(inf, 0);
  pgi_type *y = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  int64_t deep = s.is_transposed ? s.k : s.n;
  const pgi_dim *dims = inf->in[0]->dims;
  if (rank < 1 || (dims[rank - 1].n >= 0 && dims[rank - 1].n != deep))
    return pgi_fail(inf->err, PG_INVALID, "A: expected a last axis of %lld", (long long)deep);
  memcpy(y->dims, dims, (size_t)rank * sizeof *dims);
  y->dims[rank - 1] = pgi_dim_of(s.is_transposed ? s.n : s.k);
  return PG_OK;
}

typedef struct unpack {
  const sizes *s;
  const uint8_t *from;
  const float *scales;
  float *to;
} unpack;

static void unpack_some(void *arg, int64_t first, int64_t n) {
  const unpack *u = arg;
  for (int64_t i = first; i < first + n; i++) {
    uint8_t pair = u->from[i / 2];
    u->to[i] = u->s->curve[i % 2 ? pair & 15 : pair >> 4] * u->scales[i / u->s->block];
  }
}

static void nothing_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  (void)arg, (void)i, (void)p, (void)room;
}

static pg_status run(pgi_call *c) {
  const pg_tensor *a = c->in[0], *b = c->in[1], *scales = c->in[2];
  sizes s;
  float *w, *y;
  PG_TRY(read_sizes(c->node, &s, c->err));
  int64_t count = s.n * s.k, deep = s.is_transposed ? s.k : s.n, wide = s.is_transposed ? s.n : s.k;
  if (b->dtype != PG_U8 || pgi_tensor_count(b) != (count + 1) / 2 ||
      pgi_tensor_count(scales) != (count + s.block - 1) / s.block)
    return pgi_fail(c->err, PG_INVALID, "B and absmax: they don't fit %lld x %lld", (long long)s.n,
                    (long long)s.k);
  unpack u = {.s = &s, .from = pgi_tensor_data(b)};
  PG_TRY(pgi_as_f32(c, scales, &u.scales));
  PG_TRY(pgi_scratch_array(c, count, sizeof *w, &w));
  u.to = w;
  pgi_flat_loop(c, count, unpack_some, &u);
  pgi_product p = {.kernel = c->ctx->kernels[PG_K_GEMM_F32],
                   .m = pgi_tensor_count(a) / deep,
                   .n = wide,
                   .k = deep,
                   .alpha = 1,
                   .a_row = deep,
                   .a_col = 1,
                   .b = w,
                   .b_row = s.is_transposed ? 1 : s.k,
                   .b_col = s.is_transposed ? s.k : 1,
                   .ldc = wide};
  PG_TRY(pgi_as_f32(c, a, &p.a));
  PG_TRY(pgi_result_f32(c, c->out[0], &y));
  p.c = y;
  PG_TRY(pgi_product_run(c, &p, 1, nothing_at, NULL));
  pgi_result_store(c->out[0], y);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "K", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "N", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "block_size", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "quant_type", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "training_mode", .kind = PG_ATTR_INT},
    {.name = "transB", .kind = PG_ATTR_INT, .i = 1},
    {0}};

PG_OP(ms_matmul_bnb4) = {.name = "MatMulBnb4",
                         .domain = "com.microsoft",
                         .since = {1},
                         .in = {3, 3},
                         .out = {1, 1},
                         .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                         .attrs = attrs,
                         .infer = infer,
                         .run = run};
