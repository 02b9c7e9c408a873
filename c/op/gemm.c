/* Gemm: alpha A B + beta C, and com.microsoft's FusedGemm: the same with an activation behind. */
#include "op/product.h"

#define GEMM_ATTRS                                                                                \
  {.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1},                                               \
      {.name = "beta", .kind = PG_ATTR_FLOAT, .f = 1}, {.name = "transA", .kind = PG_ATTR_INT}, { \
    .name = "transB", .kind = PG_ATTR_INT                                                         \
  }

static const pgi_attr_def gemm_attrs[] = {GEMM_ATTRS, {0}};
static const pgi_attr_def fused_attrs[] = {GEMM_ATTRS,
                                           {.name = "activation", .kind = PG_ATTR_STRING, .s = ""},
                                           {.name = "activation_params", .kind = PG_ATTR_FLOATS},
                                           {.name = "activation_alpha", .kind = PG_ATTR_FLOAT},
                                           {.name = "activation_beta", .kind = PG_ATTR_FLOAT},
                                           {.name = "activation_gamma", .kind = PG_ATTR_FLOAT},
                                           {0}};

/* Before opset 7 `broadcast` said whether C may be smaller; now it always may. */
static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version, (void)err;
  pgi_attr_remove(node, "broadcast");
  return PG_OK;
}

static bool is_set(const pgi_node *node, const char *name) {
  return pgi_attr_int(node, name) != 0;
}

static pg_status infer(pgi_infer *inf) {
  pgi_type *out = &inf->out[0];
  *out = pgi_type_tensor(pgi_in_dtype(inf, 0));
  for (int i = 0; i < 2; i++) {
    int rank = pgi_in_rank(inf, i);
    if (rank >= 0 && rank != 2) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected a matrix, got rank %d", i, rank);
    }
  }
  return pgi_infer_matmul(inf, 0, is_set(inf->node, "transA"), 1, is_set(inf->node, "transB"), out);
}

/* Strides of C broadcast to [m,n]. */
static pg_status addend_steps(const pg_tensor *c, int64_t m, int64_t n, int64_t *row, int64_t *col,
                              pg_error *err) {
  *row = *col = 0;
  if (c->rank <= 2) {
    int64_t rows = c->rank == 2 ? c->dims[0] : 1;
    int64_t cols = c->rank >= 1 ? c->dims[c->rank - 1] : 1;
    if ((rows == 1 || rows == m) && (cols == 1 || cols == n)) {
      *row = rows == 1 ? 0 : cols;
      *col = cols == 1 ? 0 : 1;
      return PG_OK;
    }
  }
  char text[200];
  return pgi_fail(err, PG_INVALID, "C: %s doesn't broadcast to [%lld,%lld]",
                  pgi_shape_text(c->dtype, c->rank, c->dims, text, sizeof text), (long long)m,
                  (long long)n);
}

static void product_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  (void)i;
  *room = *(const pgi_epilogue *)arg;
  p->epilogue = room;
}

static pg_status run_f32(pgi_call *call, const pgi_matmul *mm, bool trans_a, bool trans_b,
                         const pg_tensor *c, int64_t row, int64_t col) {
  pg_tensor *y = call->out[0];
  int64_t count = pgi_tensor_count(y);
  const float *a, *b = NULL, *addend;
  float *to = pgi_tensor_data(y);
  pgi_epilogue e = {.scale = pgi_attr_float(call->node, "beta")};
  if (e.scale == 0) c = NULL;
  if (call->node->op->domain) PG_TRY(pgi_read_curve(call->node, &e, call->err));
  PG_TRY(pgi_as_f32(call, call->in[0], &a));
  if (!call->prepared) PG_TRY(pgi_as_f32(call, call->in[1], &b));
  PG_TRY(pgi_as_f32(call, c, &addend));
  if (y->dtype != PG_F32) PG_TRY(pgi_scratch_array(call, count, sizeof *to, &to));
  e.add[0] = (pgi_addend){addend, row, col};
  pgi_product p = {.kernel = call->ctx->kernels[PG_K_GEMM_F32],
                   .m = mm->m,
                   .n = mm->n,
                   .k = mm->k,
                   .alpha = pgi_attr_float(call->node, "alpha"),
                   .a = a,
                   .a_row = trans_a ? 1 : mm->k,
                   .a_col = trans_a ? mm->m : 1,
                   .b = b,
                   .b_row = trans_b ? 1 : mm->n,
                   .b_col = trans_b ? mm->k : 1,
                   .packed_b = call->prepared,
                   .c = to,
                   .ldc = mm->n};
  PG_TRY(pgi_product_run(call, &p, 1, product_at, &e));
  if (y->dtype != PG_F32) pgi_store_f32(y->dtype, pgi_tensor_data(y), 0, count, to);
  return PG_OK;
}

static pg_status as_f64(pgi_call *call, const pg_tensor *t, double **out) {
  int64_t n = pgi_tensor_count(t);
  PG_TRY(pgi_scratch_array(call, n, sizeof **out, out));
  pgi_load_f64(t->dtype, pgi_tensor_data(t), 0, n, *out);
  return PG_OK;
}

static pg_status run_f64(pgi_call *call, const pgi_matmul *mm, bool trans_a, bool trans_b,
                         const pg_tensor *c, int64_t row, int64_t col) {
  pg_tensor *y = call->out[0];
  int64_t count = pgi_tensor_count(y);
  double alpha = (double)pgi_attr_float(call->node, "alpha");
  double beta = (double)pgi_attr_float(call->node, "beta");
  double *a, *b, *addend = NULL, *to;
  PG_TRY(as_f64(call, call->in[0], &a));
  PG_TRY(as_f64(call, call->in[1], &b));
  if (c && beta != 0) PG_TRY(as_f64(call, c, &addend));
  PG_TRY(pgi_scratch_array(call, count, sizeof *to, &to));
  pgi_plain_product p = {mm->m,
                         mm->n,
                         mm->k,
                         trans_a ? 1 : mm->k,
                         trans_a ? mm->m : 1,
                         trans_b ? 1 : mm->n,
                         trans_b ? mm->k : 1};
  pgi_plain_f64(&p, a, b, to);
  for (int64_t i = 0; i < mm->m; i++) {
    for (int64_t j = 0; j < mm->n; j++) {
      double *v = &to[i * mm->n + j];
      *v = alpha * *v + (addend ? beta * addend[i * row + j * col] : 0);
    }
  }
  pgi_store_f64(y->dtype, pgi_tensor_data(y), 0, count, to);
  return PG_OK;
}

static pg_status run_i64(pgi_call *call, const pgi_matmul *mm, bool trans_a, bool trans_b,
                         const pg_tensor *c, int64_t row, int64_t col) {
  pg_tensor *y = call->out[0];
  int64_t count = pgi_tensor_count(y), n_a = mm->m * mm->k, n_b = mm->k * mm->n;
  int64_t *a, *b, *to;
  PG_TRY(pgi_scratch_array(call, n_a, sizeof *a, &a));
  PG_TRY(pgi_scratch_array(call, n_b, sizeof *b, &b));
  PG_TRY(pgi_scratch_array(call, count, sizeof *to, &to));
  pgi_load_i64(call->in[0]->dtype, pgi_tensor_data(call->in[0]), 0, n_a, a);
  pgi_load_i64(call->in[1]->dtype, pgi_tensor_data(call->in[1]), 0, n_b, b);
  pgi_plain_product p = {mm->m,
                         mm->n,
                         mm->k,
                         trans_a ? 1 : mm->k,
                         trans_a ? mm->m : 1,
                         trans_b ? 1 : mm->n,
                         trans_b ? mm->k : 1};
  pgi_plain_i64(&p, a, b, to);
  for (int64_t i = 0; c && i < mm->m; i++) {
    for (int64_t j = 0; j < mm->n; j++) {
      uint64_t v = (uint64_t)pgi_tensor_get_i64(c, i * row + j * col);
      to[i * mm->n + j] = (int64_t)((uint64_t)to[i * mm->n + j] + v);
    }
  }
  pgi_store_i64(y->dtype, pgi_tensor_data(y), 0, count, to);
  return PG_OK;
}

static bool runs_in_f32(pg_dtype dtype) {
  return dtype == PG_F32 || dtype == PG_F16 || dtype == PG_BF16;
}

static pg_status run(pgi_call *call) {
  const pg_tensor *a = call->in[0], *b = call->in[1], *c = call->n_in > 2 ? call->in[2] : NULL;
  bool trans_a = is_set(call->node, "transA"), trans_b = is_set(call->node, "transB");
  int64_t row = 0, col = 0;
  pgi_matmul mm;
  PG_TRY(pgi_matmul_init(&mm, a->rank, a->dims, trans_a, b->rank, b->dims, trans_b, call->err));
  if (a->rank != 2 || b->rank != 2 || a->dtype != b->dtype || (c && c->dtype != a->dtype)) {
    return pgi_fail(call->err, PG_INVALID, "expected two matrices and an addend of one type");
  }
  if (c) PG_TRY(addend_steps(c, mm.m, mm.n, &row, &col, call->err));
  if (runs_in_f32(a->dtype)) return run_f32(call, &mm, trans_a, trans_b, c, row, col);
  bool is_plain =
      pgi_attr_float(call->node, "alpha") == 1 && pgi_attr_float(call->node, "beta") == 1;
  if (a->dtype == PG_F64 || !is_plain) return run_f64(call, &mm, trans_a, trans_b, c, row, col);
  return run_i64(call, &mm, trans_a, trans_b, c, row, col);
}

static pg_status prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                         void **prepared, pg_error *err) {
  const pg_tensor *b = value[1];
  if (!b || !runs_in_f32(b->dtype) || b->rank != 2) return PG_OK;
  return pgi_prepare_right(ctx, b, is_set(node, "transB"), prepared, err);
}

static pg_status absorb(pgi_node *node, bool *changed, pg_error *err) {
  if (node->n_out < 1 || !node->out[0] || !runs_in_f32(node->out[0]->type.dtype)) return PG_OK;
  return pgi_absorb_curve(node, "com.microsoft", "FusedGemm", changed, err);
}

#define RUNS \
  .infer = infer, .prepare = prepare, .discard = pgi_discard_right, .packs = 2, .run = run
PG_OP(gemm) = {.name = "Gemm",
               .since = {1, 6, 7, 9, 11, 13},
               .in = {2, 3},
               .out = {1, 1},
               .types = PG_T_FLOAT | PG_T(PG_I32) | PG_T(PG_I64) | PG_T(PG_U32) | PG_T(PG_U64),
               .attrs = gemm_attrs,
               .upgrade = upgrade,
               RUNS,
               .absorb = absorb};
PG_OP(fused_gemm) = {.name = "FusedGemm",
                     .domain = "com.microsoft",
                     .since = {1},
                     .in = {2, 3},
                     .out = {1, 1},
                     .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                     .attrs = fused_attrs,
                     RUNS};
