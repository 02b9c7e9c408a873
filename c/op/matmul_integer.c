/* MatMulInteger and QLinearMatMul: exact products of 8-bit integers. */
#include "kernel/gemm_s8.h"
#include "op/product.h"
#include "op/requantize.h"

/* ---- the integer engine --------------------------------------------------------------------- */

typedef struct run {
  pgi_matmul mm;
  pgi_product_s8 product;
  pgi_bytes8 a, b;
  int64_t a_packed; /* size of one, packed */
  int16_t *packed;
  int64_t tiles;
  int64_t a_zero_matrix, b_zero_matrix; /* steps of zero points from matrix to matrix */
  int32_t *c;
} run;

static void pack_task(void *arg, int64_t i) {
  const run *r = arg;
  int64_t panels = pgi_panels_s8(r->product.kernel, r->mm.m), matrix = i / panels;
  pgi_bytes8 a = r->a;
  a.data += matrix * r->mm.m * r->mm.k;
  if (a.zero) a.zero += matrix * r->a_zero_matrix;
  pgi_pack_panel_s8(r->product.kernel, &a, r->mm.m, r->mm.k, i % panels,
                    r->packed + matrix * r->a_packed);
}

static void tile_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  int64_t a, b;
  pgi_product_s8 p = r->product;
  pgi_matmul_at(&r->mm, i / r->tiles, &a, &b);
  p.packed_a = r->packed + a * r->a_packed;
  if (!p.packed_b) {
    p.b = r->b;
    p.b.data += b * r->mm.k * r->mm.n;
    if (p.b.zero) p.b.zero += b * r->b_zero_matrix;
  }
  p.c = r->c + i / r->tiles * r->mm.m * r->mm.n;
  pgi_product_s8_tile(&p, i % r->tiles, scratch);
}

/* Zero points of a side with `lines` lines in `matrices` matrices. */
static pg_status side_zeros(pgi_call *call, const pg_tensor *t, const char *what, int64_t lines,
                            int64_t matrices, pgi_bytes8 *side, int64_t *matrix_step) {
  int64_t count = t ? pgi_tensor_count(t) : 1;
  bool per_matrix = matrices > 1 && count == lines * matrices;
  *matrix_step = per_matrix ? lines : 0;
  PG_TRY(pgi_zero_points(call, t, what, per_matrix ? count : lines, &side->zero, &side->zero_step));
  return PG_OK;
}

/* c = (a - a_zero) (b - b_zero) in i32; prepared: b packed. */
static pg_status multiply(pgi_call *call, const pg_tensor *a, const pg_tensor *b,
                          const pg_tensor *a_zero, const pg_tensor *b_zero, const pgi_matmul *mm,
                          int32_t *c) {
  run r = {.mm = *mm, .c = c};
  pgi_product_s8 *p = &r.product;
  *p = (pgi_product_s8){.kernel = call->ctx->kernels[PG_K_GEMM_S8],
                        .m = mm->m,
                        .n = mm->n,
                        .k = mm->k,
                        .packed_b = call->prepared,
                        .ldc = mm->n};
  if (mm->copies == 0 || mm->m == 0 || mm->n == 0) return PG_OK;
  int64_t n_a = pgi_tensor_count(a) / PG_MAX(1, mm->m * mm->k);
  int64_t n_b = pgi_tensor_count(b) / PG_MAX(1, mm->k * mm->n);
  r.a = (pgi_bytes8){
      .data = pgi_tensor_data(a), .is_signed = a->dtype == PG_I8, .row = mm->k, .col = 1};
  r.b = (pgi_bytes8){
      .data = pgi_tensor_data(b), .is_signed = b->dtype == PG_I8, .row = mm->n, .col = 1};
  PG_TRY(side_zeros(call, a_zero, "zero point of A", mm->m, n_a, &r.a, &r.a_zero_matrix));
  PG_TRY(side_zeros(call, b_zero, "zero point of B", mm->n, n_b, &r.b, &r.b_zero_matrix));
  r.a_packed = pgi_packed_a_s8_size(p->kernel, mm->m, mm->k);
  PG_TRY(pgi_scratch_array(call, r.a_packed * n_a, sizeof *r.packed, &r.packed));
  if (mm->k > 0) pgi_call_parallel(call, n_a * pgi_panels_s8(p->kernel, mm->m), pack_task, &r);
  int64_t tile_m, tile_n, rows, cols;
  pgi_product_s8_tiling(p, &tile_m, &tile_n, &rows, &cols);
  r.tiles = rows * cols;
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, call, r.tiles * mm->copies,
                        (size_t)pgi_product_s8_scratch(p) * sizeof(int16_t)));
  pgi_lanes_run(&lanes, r.tiles * mm->copies, tile_task, &r);
  return PG_OK;
}

/* Packs a constant right side that is one matrix, with its zero point. */
static pg_status prepare_right(pg_context *ctx, const pg_tensor *b, const pg_tensor *zero,
                               void **prepared, pg_error *err) {
  const pgi_gemm_s8 *kernel = ctx->kernels[PG_K_GEMM_S8];
  if ((b->dtype != PG_I8 && b->dtype != PG_U8) || b->rank != 2) return PG_OK;
  int64_t k = b->dims[0], n = b->dims[1], count = zero ? pgi_tensor_count(zero) : 1;
  if (count != 1 && count != n) return PG_OK; /* the run says what is wrong */
  pgi_bytes8 x = {.data = pgi_tensor_data(b), .is_signed = b->dtype == PG_I8, .row = n, .col = 1};
  size_t bytes;
  if (!pgi_mul_size((size_t)pgi_packed_b_s8_size(kernel, n, k), sizeof(int16_t), &bytes)) {
    return pgi_nomem(err);
  }
  int32_t *zeros = pgi_alloc(ctx, (size_t)count * sizeof *zeros);
  int16_t *packed = pgi_alloc_aligned(ctx, bytes, PG_ALIGN);
  if (!zeros || !packed) {
    pgi_free(ctx, zeros);
    pgi_free(ctx, packed);
    return pgi_nomem(err);
  }
  for (int64_t i = 0; i < count; i++) zeros[i] = zero ? (int32_t)pgi_tensor_get_i64(zero, i) : 0;
  x.zero = zeros;
  x.zero_step = count > 1;
  pgi_pack_b_s8(kernel, &x, n, k, packed);
  pgi_free(ctx, zeros);
  *prepared = packed;
  return PG_OK;
}

static void discard(pg_context *ctx, void *prepared) {
  pgi_free(ctx, prepared);
}

static const pg_tensor *input(const pgi_call *c, int i) {
  return i < c->n_in ? c->in[i] : NULL;
}

/* ---- MatMulInteger -------------------------------------------------------------------------- */

static pg_status infer_integer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(PG_I32);
  return pgi_infer_matmul(inf, 0, false, 1, false, &inf->out[0]);
}

static pg_status prepare_integer(pg_context *ctx, const pgi_node *node,
                                 const pg_tensor *const *value, void **prepared, pg_error *err) {
  bool has_zero = node->n_in > 3 && node->in[3].value;
  if (!value[1] || (has_zero && !value[3])) return PG_OK;
  return prepare_right(ctx, value[1], has_zero ? value[3] : NULL, prepared, err);
}

static pg_status run_integer(pgi_call *call) {
  const pg_tensor *a = call->in[0], *b = call->in[1];
  pgi_matmul mm;
  PG_TRY(pgi_matmul_init(&mm, a->rank, a->dims, false, b->rank, b->dims, false, call->err));
  if (b->dtype != PG_I8 && b->dtype != PG_U8) {
    return pgi_fail(call->err, PG_INVALID, "input 1: expected i8 or u8, got %s",
                    pg_dtype_name(b->dtype));
  }
  return multiply(call, a, b, input(call, 2), input(call, 3), &mm, pgi_tensor_data(call->out[0]));
}

/* ---- QLinearMatMul -------------------------------------------------------------------------- */

static pg_status infer_linear(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 7));
  return pgi_infer_matmul(inf, 0, false, 3, false, &inf->out[0]);
}

static pg_status prepare_linear(pg_context *ctx, const pgi_node *node,
                                const pg_tensor *const *value, void **prepared, pg_error *err) {
  (void)node;
  if (!value[3] || !value[5]) return PG_OK;
  return prepare_right(ctx, value[3], value[5], prepared, err);
}

typedef struct requantize {
  const pgi_matmul *mm;
  const pg_tensor *a_scale, *b_scale;
  double y_scale, y_zero;
  int64_t n_a; /* elements of a_scale */
  const int32_t *sum;
  const double *wide; /* or the sums of f8 */
  pg_tensor *y;
} requantize;

/* One row of the output. */
static void requantize_row(void *arg, int64_t i) {
  const requantize *r = arg;
  int64_t n = r->mm->n, a, b;
  pgi_matmul_at(r->mm, i / r->mm->m, &a, &b);
  int64_t row = r->n_a == 1 ? 0 : r->n_a == r->mm->m ? i % r->mm->m : a * r->mm->m + i % r->mm->m;
  double a_scale = pgi_tensor_get_f64(r->a_scale, row);
  int64_t n_b = pgi_tensor_count(r->b_scale);
  for (int64_t j = 0; j < n;) {
    int64_t piece = n_b == 1 ? n : 1;
    int64_t col = n_b == 1 ? 0 : n_b == n ? j : b * n + j;
    double scale = pgi_joint_scale(r->a_scale->dtype, a_scale, pgi_tensor_get_f64(r->b_scale, col),
                                   r->y_scale);
    if (r->sum) {
      pgi_requantize(piece, r->sum + i * n + j, scale, r->y_zero, r->y->dtype,
                     pgi_tensor_data(r->y), i * n + j);
    }
    for (int64_t q = 0; r->wide && q < piece; q++) {
      float v = (float)(r->wide[i * n + j + q] * scale + r->y_zero);
      pgi_store_f32(r->y->dtype, pgi_tensor_data(r->y), i * n + j + q, 1, &v);
    }
    j += piece;
  }
}

static bool is_byte(pg_dtype dtype) {
  return dtype == PG_I8 || dtype == PG_U8;
}

/* f8: products of what the bits stand for, zero points taken off. */
static pg_status multiply_f8(pgi_call *call, const pgi_matmul *mm, double **out) {
  const pg_tensor *side[2] = {call->in[0], call->in[3]};
  const pg_tensor *zero[2] = {call->in[2], call->in[5]};
  double *x[2];
  for (int s = 0; s < 2; s++) {
    int64_t n = pgi_tensor_count(side[s]);
    if (pgi_tensor_count(zero[s]) != 1) {
      return pgi_fail(call->err, PG_UNSUPPORTED, "f8 with zero points by row is not supported");
    }
    PG_TRY(pgi_scratch_array(call, n, sizeof(double), &x[s]));
    pgi_load_f64(side[s]->dtype, pgi_tensor_data(side[s]), 0, n, x[s]);
    double z = pgi_tensor_get_f64(zero[s], 0);
    for (int64_t i = 0; i < n; i++) x[s][i] -= z;
  }
  PG_TRY(pgi_scratch_array(call, mm->copies * mm->m * mm->n, sizeof(double), out));
  pgi_plain_product p = {mm->m, mm->n, mm->k, mm->k, 1, mm->n, 1};
  for (int64_t i = 0; i < mm->copies; i++) {
    int64_t a, b;
    pgi_matmul_at(mm, i, &a, &b);
    pgi_plain_f64(&p, x[0] + a * mm->m * mm->k, x[1] + b * mm->k * mm->n, *out + i * mm->m * mm->n);
  }
  return PG_OK;
}

static pg_status check_scale(const pg_tensor *t, const char *what, int64_t lines, int64_t size,
                             const pg_tensor *side, pg_error *err) {
  int64_t count = pgi_tensor_count(t);
  int64_t all = pgi_tensor_count(side) / PG_MAX(size, 1) * lines;
  if (count == 1 || count == lines || count == all) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected one element or %lld, got %lld", what,
                  (long long)lines, (long long)count);
}

static pg_status run_linear(pgi_call *call) {
  const pg_tensor *a = call->in[0], *b = call->in[3];
  pgi_matmul mm;
  PG_TRY(pgi_matmul_init(&mm, a->rank, a->dims, false, b->rank, b->dims, false, call->err));
  int64_t n = mm.copies * mm.m * mm.n;
  if (n == 0) return PG_OK;
  PG_TRY(check_scale(call->in[1], "scale of A", mm.m, mm.m * mm.k, a, call->err));
  PG_TRY(check_scale(call->in[4], "scale of B", mm.n, mm.n * mm.k, b, call->err));
  PG_TRY(pgi_check_param(call->in[6], "scale of Y", 1, call->err));
  PG_TRY(pgi_check_param(call->in[7], "zero point of Y", 1, call->err));
  requantize r = {.mm = &mm, .a_scale = call->in[1], .b_scale = call->in[4], .y = call->out[0]};
  r.n_a = pgi_tensor_count(r.a_scale);
  r.y_scale = pgi_tensor_get_f64(call->in[6], 0);
  r.y_zero = pgi_tensor_get_f64(call->in[7], 0);
  if (is_byte(a->dtype) && is_byte(b->dtype) && is_byte(r.y->dtype)) {
    int32_t *sum;
    PG_TRY(pgi_scratch_array(call, n, sizeof *sum, &sum));
    PG_TRY(multiply(call, a, b, call->in[2], call->in[5], &mm, sum));
    r.sum = sum;
  } else if (!is_byte(a->dtype) && !is_byte(b->dtype) && !is_byte(r.y->dtype)) {
    double *wide;
    PG_TRY(multiply_f8(call, &mm, &wide));
    r.wide = wide;
  } else {
    return pgi_fail(call->err, PG_UNSUPPORTED, "8-bit integers and f8 can't be mixed");
  }
  pgi_call_parallel(call, mm.copies * mm.m, requantize_row, &r);
  return PG_OK;
}

static const pgi_attr_def no_attrs[] = {{0}};

PG_OP(matmul_integer) = {.name = "MatMulInteger",
                         .since = {10},
                         .in = {2, 4},
                         .out = {1, 1},
                         .types = PG_T(PG_I8) | PG_T(PG_U8),
                         .attrs = no_attrs,
                         .infer = infer_integer,
                         .prepare = prepare_integer,
                         .discard = discard,
                         .run = run_integer};
PG_OP(qlinear_matmul) = {.name = "QLinearMatMul",
                         .since = {10, 21},
                         .in = {8, 8},
                         .out = {1, 1},
                         .types = PG_T(PG_I8) | PG_T(PG_U8) | PG_T_F8,
                         .attrs = no_attrs,
                         .infer = infer_linear,
                         .prepare = prepare_linear,
                         .discard = discard,
                         .run = run_linear};
