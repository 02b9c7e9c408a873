/* com.microsoft's MatMulNBits: a product with weights of 2, 4 or 8 bits, a scale and a zero point
** for each block along k.  The weights stay small in memory: what a tile needs is unpacked when it
** is needed. */
#include "op/move.h"
#include "op/product.h"

typedef struct run {
  int64_t n, k, bits, block, blocks; /* blocks: of one column */
  const uint8_t *weights;            /* [n, blocks, block * bits / 8] */
  const float *scales;               /* [n, blocks] */
  const pg_tensor *zero;             /* NULL: the middle; [n, blocks], packed when u8 */
  const int64_t *group; /* [k]: whose scale and zero point; NULL: by the block that it lies in */
  const float *a, *bias;
  float *c;
  int64_t m;
} run;

static pg_status read_size(const pgi_infer *inf, const char *name, int64_t *out) {
  *out = pgi_attr_int(inf->node, name);
  if (*out >= 1 && *out <= INT32_MAX) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "%s: expected at least 1, got %lld", name, (long long)*out);
}

static pg_status infer(pgi_infer *inf) {
  pgi_type *y = &inf->out[0];
  int64_t n, k, block, bits = pgi_attr_int(inf->node, "bits");
  int rank = pgi_in_rank(inf, 0);
  PG_TRY(read_size(inf, "N", &n));
  PG_TRY(read_size(inf, "K", &k));
  PG_TRY(read_size(inf, "block_size", &block));
  if ((bits != 2 && bits != 4 && bits != 8) || block < 16 || (block & (block - 1))) {
    return pgi_fail(inf->err, PG_UNSUPPORTED,
                    "expected 2, 4 or 8 bits and a block size of 16, 32, 64 ..., got %lld and %lld",
                    (long long)bits, (long long)block);
  }
  *y = pgi_type_tensor(pgi_in_dtype(inf, 0));
  if (rank < 0) return PG_OK;
  if (rank < 1 || (inf->in[0]->dims[rank - 1].n >= 0 && inf->in[0]->dims[rank - 1].n != k)) {
    return pgi_fail(inf->err, PG_INVALID, "input 0: expected [...,%lld]", (long long)k);
  }
  *y = *inf->in[0];
  y->dims[rank - 1] = pgi_dim_of(n);
  return PG_OK;
}

/* Element i of packed numbers, the first in the low bits. */
static int packed_at(const uint8_t *data, int64_t i, int64_t bits) {
  int64_t at = i * bits;
  return data[at / 8] >> (at % 8) & ((1 << bits) - 1);
}

/* Zero points of a column are packed by themselves: each column begins on a byte. */
static float zero_at(const run *r, int64_t column, int64_t block) {
  if (!r->zero) return (float)(1 << (r->bits - 1));
  if (r->zero->dtype == PG_U8) {
    int64_t bytes = (r->blocks * r->bits + 7) / 8;
    return (float)packed_at((const uint8_t *)pgi_tensor_data(r->zero) + column * bytes, block,
                            r->bits);
  }
  float v;
  pgi_load_f32(r->zero->dtype, pgi_tensor_data(r->zero), column * r->blocks + block, 1, &v);
  return v;
}

/* Rows [p0, p0 + k) of columns [j0, j0 + n) as panels. */
static void fill(const void *arg, int64_t p0, int64_t k, int64_t j0, int64_t n, int nr, float *to) {
  const run *r = arg;
  int64_t column_bytes = r->blocks * r->block * r->bits / 8;
  for (int64_t j = 0; j < n; j++) {
    float *out = to + j / nr * nr * k + j % nr;
    const uint8_t *from = r->weights + (j0 + j) * column_bytes;
    for (int64_t p = 0; r->group && p < k; p++) {
      int64_t block = r->group[p0 + p];
      float scale = r->scales[(j0 + j) * r->blocks + block], zero = zero_at(r, j0 + j, block);
      out[p * nr] = ((float)packed_at(from, p0 + p, r->bits) - zero) * scale;
    }
    for (int64_t p = r->group ? k : 0; p < k;) {
      int64_t block = (p0 + p) / r->block;
      int64_t end = PG_MIN((block + 1) * r->block - p0, k);
      float scale = r->scales[(j0 + j) * r->blocks + block], zero = zero_at(r, j0 + j, block);
      for (; p < end; p++) out[p * nr] = ((float)packed_at(from, p0 + p, r->bits) - zero) * scale;
    }
  }
  for (int64_t j = n; j % nr != 0; j++) {
    float *out = to + j / nr * nr * k + j % nr;
    for (int64_t p = 0; p < k; p++) out[p * nr] = 0;
  }
}

static void product_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  const run *r = arg;
  (void)i;
  if (!r->bias) return;
  *room = (pgi_epilogue){.scale = 1, .add = {{r->bias, 0, 1}}};
  p->epilogue = room;
}

static pg_status check_count(const pg_tensor *t, const char *what, int64_t expected,
                             pg_error *err) {
  if (pgi_tensor_count(t) == expected) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected %lld elements, got %lld", what,
                  (long long)expected, (long long)pgi_tensor_count(t));
}

/* g_idx, of weights that were sorted by importance before they were cut into blocks. */
static pg_status read_groups(pgi_call *call, const pg_tensor *t, run *r) {
  PG_TRY(check_count(t, "g_idx", r->k, call->err));
  PG_TRY(pgi_i64s(call, t, &r->group));
  for (int64_t i = 0; i < r->k; i++)
    if (r->group[i] < 0 || r->group[i] >= r->blocks)
      return pgi_fail(call->err, PG_INVALID, "g_idx: expected 0 to %lld, got %lld",
                      (long long)r->blocks - 1, (long long)r->group[i]);
  return PG_OK;
}

static pg_status run_nbits(pgi_call *call) {
  const pg_tensor *b = call->in[1], *scales = call->in[2];
  const pg_tensor *bias = call->n_in > 5 ? call->in[5] : NULL;
  pg_tensor *y = call->out[0];
  run r = {.n = pgi_attr_int(call->node, "N"),
           .k = pgi_attr_int(call->node, "K"),
           .bits = pgi_attr_int(call->node, "bits"),
           .block = pgi_attr_int(call->node, "block_size"),
           .zero = call->n_in > 3 ? call->in[3] : NULL};
  r.blocks = (r.k + r.block - 1) / r.block;
  if (b->dtype != PG_U8) {
    return pgi_fail(call->err, PG_INVALID, "weights: expected u8, got %s", pg_dtype_name(b->dtype));
  }
  PG_TRY(check_count(b, "weights", r.n * r.blocks * (r.block * r.bits / 8), call->err));
  PG_TRY(check_count(scales, "scales", r.n * r.blocks, call->err));
  if (r.zero) {
    bool is_packed = r.zero->dtype == PG_U8;
    int64_t per_column = is_packed ? (r.blocks * r.bits + 7) / 8 : r.blocks;
    PG_TRY(check_count(r.zero, "zero points", r.n * per_column, call->err));
  }
  if (call->n_in > 4 && call->in[4]) PG_TRY(read_groups(call, call->in[4], &r));
  if (bias) PG_TRY(check_count(bias, "bias", r.n, call->err));
  int64_t count = pgi_tensor_count(y);
  r.weights = pgi_tensor_data(b);
  r.m = count / r.n;
  PG_TRY(pgi_as_f32(call, call->in[0], &r.a));
  PG_TRY(pgi_as_f32(call, scales, &r.scales));
  PG_TRY(pgi_as_f32(call, bias, &r.bias));
  r.c = pgi_tensor_data(y);
  if (y->dtype != PG_F32) PG_TRY(pgi_scratch_array(call, count, sizeof *r.c, &r.c));
  pgi_product p = {.kernel = call->ctx->kernels[PG_K_GEMM_F32],
                   .m = r.m,
                   .n = r.n,
                   .k = r.k,
                   .alpha = 1,
                   .a = r.a,
                   .a_row = r.k,
                   .a_col = 1,
                   .fill = fill,
                   .fill_arg = &r,
                   .c = r.c,
                   .ldc = r.n};
  PG_TRY(pgi_product_run(call, &p, 1, product_at, &r));
  if (y->dtype != PG_F32) pgi_store_f32(y->dtype, pgi_tensor_data(y), 0, count, r.c);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "K", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "N", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "accuracy_level", .kind = PG_ATTR_INT},
    {.name = "bits", .kind = PG_ATTR_INT, .i = 4},
    {.name = "block_size", .kind = PG_ATTR_INT, .is_required = true},
    {0}};

PG_OP(matmul_nbits) = {.name = "MatMulNBits",
                       .domain = "com.microsoft",
                       .since = {1},
                       .in = {3, 6},
                       .out = {1, 1},
                       .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                       .attrs = attrs,
                       .infer = infer,
                       .run = run_nbits};
