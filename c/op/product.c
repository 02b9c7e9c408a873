/* product: matrix products over batches, as MatMul, Gemm and their kin run them. */
#include "op/product.h"
#include "op/window.h"

/* ---- running -------------------------------------------------------------------------------- */

typedef struct batch {
  const pgi_product *product;
  pgi_tiling tiling;
  pgi_product_at *at;
  void *arg;
  float *packed_a, *packed_b; /* NULL: each tile packs its part */
} batch;

static void run_tile(void *arg, int64_t i, void *scratch) {
  const batch *b = arg;
  int64_t tiles = b->tiling.rows * b->tiling.cols;
  pgi_product p = *b->product;
  pgi_epilogue room;
  b->at(b->arg, i / tiles, &p, &room);
  if (b->packed_a) p.packed_a = b->packed_a;
  if (b->packed_b) p.packed_b = b->packed_b;
  pgi_product_tile(&p, &b->tiling, i % tiles, scratch);
}

enum { PANELS = 4, PACKED_FLOATS = 1 << 24 }; /* a task packs; worth packing at once */

static void pack_a_task(void *arg, int64_t i) {
  const batch *b = arg;
  const pgi_product *p = b->product;
  pgi_pack_a_panels(p->kernel, p->a, p->a_row, p->a_col, p->m, p->k, p->alpha, i * PANELS, PANELS,
                    b->packed_a);
}

static void pack_b_task(void *arg, int64_t i) {
  const batch *b = arg;
  const pgi_product *p = b->product;
  pgi_pack_b_panels(p->kernel, p->b, p->b_row, p->b_col, p->n, p->k, i * PANELS, PANELS,
                    b->packed_b);
}

static int64_t panel_tasks(int64_t lines, int height) {
  int64_t panels = (lines + height - 1) / height;
  return (panels + PANELS - 1) / PANELS;
}

/* Packs a side of a lone product once when its tiles would do so again and again.  p: with its
** operands. */
static pg_status pack_once(pgi_call *call, batch *b, pgi_product *p) {
  b->product = p;
  int64_t size_a = pgi_packed_a_size(p->m, p->k, p->kernel->mr);
  int64_t size_b = pgi_packed_b_size(p->n, p->k, p->kernel->nr);
  if (pgi_product_repacks_a(p, &b->tiling) && size_a <= PACKED_FLOATS) {
    PG_TRY(pgi_scratch_array(call, size_a, sizeof(float), &b->packed_a));
    int height = pgi_panel_height(p->m, p->kernel->mr);
    pgi_call_parallel(call, panel_tasks(p->m, height), pack_a_task, b);
    p->packed_a = b->packed_a;
    pgi_product_tiling(p, 1, &b->tiling); /* in whole panels now */
  }
  if (pgi_product_repacks_b(p, &b->tiling) && size_b <= PACKED_FLOATS) {
    PG_TRY(pgi_scratch_array(call, size_b, sizeof(float), &b->packed_b));
    pgi_call_parallel(call, panel_tasks(p->n, p->kernel->nr), pack_b_task, b);
    p->packed_b = b->packed_b;
  }
  return PG_OK;
}

pg_status pgi_product_run(pgi_call *call, const pgi_product *p, int64_t copies, pgi_product_at *at,
                          void *arg) {
  batch b = {.product = p, .at = at, .arg = arg};
  pgi_product lone = *p;
  pgi_epilogue room;
  if (p->m == 0 || p->n == 0 || copies == 0) return PG_OK;
  pgi_product_tiling(p, copies, &b.tiling);
  if (copies == 1 && p->k > 0) {
    at(arg, 0, &lone, &room);
    PG_TRY(pack_once(call, &b, &lone));
  }
  size_t bytes = (size_t)pgi_product_scratch(b.product, &b.tiling) * sizeof(float);
  int64_t tasks = b.tiling.rows * b.tiling.cols * copies;
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, call, tasks, bytes));
  pgi_lanes_run(&lanes, tasks, run_tile, &b);
  return PG_OK;
}

pg_status pgi_as_f32(pgi_call *call, const pg_tensor *t, const float **out) {
  *out = NULL;
  if (!t) return PG_OK;
  const void *data = pgi_tensor_data(t);
  if (t->dtype == PG_F32) {
    *out = data;
    return PG_OK;
  }
  float *copy;
  int64_t n = pgi_tensor_count(t);
  PG_TRY(pgi_scratch_array(call, n, sizeof *copy, &copy));
  pgi_load_f32(t->dtype, data, 0, n, copy);
  *out = copy;
  return PG_OK;
}

enum { PART_FLOATS = 1 << 22 };

pg_status pgi_prepare_right(pg_context *ctx, const pg_tensor *b, bool trans, void **out,
                            pg_error *err) {
  const pgi_gemm_f32 *kernel = ctx->kernels[PG_K_GEMM_F32];
  int64_t n = b->dims[trans ? 0 : 1], k = b->dims[trans ? 1 : 0], count = n * k;
  int64_t size = pgi_packed_b_size(n, k, kernel->nr);
  size_t bytes;
  if (!pgi_mul_size((size_t)size, sizeof(float), &bytes)) return pgi_nomem(err);
  float *packed = pgi_alloc_large(ctx, bytes), *plain = NULL;
  const float *from = pgi_tensor_data(b);
  if (packed && b->dtype != PG_F32) {
    plain = pgi_alloc(ctx, (size_t)count * sizeof *plain);
    if (plain) pgi_load_f32(b->dtype, pgi_tensor_data(b), 0, count, plain);
    from = plain;
  }
  if (!packed || !from) {
    pgi_free(ctx, packed);
    return pgi_nomem(err);
  }
  /* Part by part: what was packed of a mapped file need not stay. */
  int64_t part = trans && b->buffer->is_mapped ? PG_MAX(1, PART_FLOATS / PG_MAX(k, 1)) : n;
  part = (part + kernel->nr - 1) / kernel->nr * kernel->nr;
  for (int64_t first = 0; first < n; first += part) {
    int64_t width = PG_MIN(part, n - first);
    pgi_pack_b_panels(kernel, from, trans ? 1 : n, trans ? k : 1, n, k, first / kernel->nr,
                      (width + kernel->nr - 1) / kernel->nr, packed);
    if (width < n && !plain) pgi_file_forget(from + first * k, (size_t)(width * k) * sizeof *from);
  }
  pgi_free(ctx, plain);
  *out = packed;
  return PG_OK;
}

void pgi_discard_right(pg_context *ctx, void *packed) {
  pgi_free(ctx, packed);
}

#ifdef PG_WITH_OPENBLAS
#include <cblas.h>

/* One axis of a matrix must be contiguous; *step is the stride of the other. */
static bool blas_layout(int64_t row, int64_t col, int64_t rows, int64_t cols, bool *is_transposed,
                        int *step) {
  *is_transposed = col != 1;
  int64_t outer = *is_transposed ? col : row, least = *is_transposed ? rows : cols;
  *step = (int)outer;
  return (*is_transposed ? row : col) == 1 && outer >= PG_MAX(least, 1) && outer <= INT32_MAX;
}

/* One call, so that the bits depend on the shape alone; false when it isn't worth it or can't be. */
static bool blas_f64(const pgi_plain_product *p, const double *a, const double *b, double *c) {
  const int64_t least = 32 * 32 * 32;
  bool trans_a, trans_b;
  int lda, ldb;
  int64_t most = PG_MAX(PG_MAX(p->m, p->n), p->k);
  if (most > 1 << 20 || p->m * p->n < 1 || p->m * p->n * p->k < least) return false;
  if (!blas_layout(p->a_row, p->a_col, p->m, p->k, &trans_a, &lda) ||
      !blas_layout(p->b_row, p->b_col, p->k, p->n, &trans_b, &ldb))
    return false;
  cblas_dgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
              trans_b ? CblasTrans : CblasNoTrans, (int)p->m, (int)p->n, (int)p->k, 1, a, lda, b,
              ldb, 0, c, (int)p->n);
  return true;
}
#else
static bool blas_f64(const pgi_plain_product *p, const double *a, const double *b, double *c) {
  (void)p, (void)a, (void)b, (void)c;
  return false;
}
#endif

void pgi_plain_f64(const pgi_plain_product *p, const double *a, const double *b, double *c) {
  if (blas_f64(p, a, b, c)) return;
  for (int64_t i = 0; i < p->m; i++, c += p->n) {
    for (int64_t j = 0; j < p->n; j++) c[j] = 0;
    for (int64_t q = 0; q < p->k; q++) {
      double left = a[i * p->a_row + q * p->a_col];
      const double *right = b + q * p->b_row;
      if (p->b_col == 1) {
        for (int64_t j = 0; j < p->n; j++) c[j] += left * right[j];
      } else {
        for (int64_t j = 0; j < p->n; j++) c[j] += left * right[j * p->b_col];
      }
    }
  }
}

void pgi_plain_i64(const pgi_plain_product *p, const int64_t *a, const int64_t *b, int64_t *c) {
  for (int64_t i = 0; i < p->m; i++, c += p->n) {
    for (int64_t j = 0; j < p->n; j++) c[j] = 0;
    for (int64_t q = 0; q < p->k; q++) {
      uint64_t left = (uint64_t)a[i * p->a_row + q * p->a_col];
      const int64_t *right = b + q * p->b_row;
      for (int64_t j = 0; j < p->n; j++) {
        c[j] = (int64_t)((uint64_t)c[j] + left * (uint64_t)right[j * p->b_col]);
      }
    }
  }
}

/* ---- shapes --------------------------------------------------------------------------------- */

static pg_status fail_shapes(int a_rank, const int64_t *a, int b_rank, const int64_t *b,
                             pg_error *err) {
  char left[300], right[300];
  return pgi_fail(err, PG_INVALID, "%s and %s can't be multiplied",
                  pgi_shape_text(PG_NONE, a_rank, a, left, sizeof left),
                  pgi_shape_text(PG_NONE, b_rank, b, right, sizeof right));
}

/* Steps of a side through its batch, which is aligned with the last dims of the joint one. */
static void batch_steps(const pgi_matmul *mm, int rank, const int64_t *dims, int64_t *step) {
  int64_t next = 1;
  for (int i = mm->n_batch - 1, d = rank - 3; i >= 0; i--, d--) {
    int64_t n = d >= 0 ? dims[d] : 1;
    step[i] = n == 1 ? 0 : next;
    next *= n;
  }
}

pg_status pgi_matmul_init(pgi_matmul *mm, int a_rank, const int64_t *a, bool trans_a, int b_rank,
                          const int64_t *b, bool trans_b, pg_error *err) {
  memset(mm, 0, sizeof *mm);
  if (a_rank < 1 || b_rank < 1) return fail_shapes(a_rank, a, b_rank, b, err);
  mm->is_a_vector = a_rank == 1;
  mm->is_b_vector = b_rank == 1;
  trans_a = trans_a && a_rank > 1;
  trans_b = trans_b && b_rank > 1;
  mm->m = a_rank == 1 ? 1 : a[a_rank - (trans_a ? 1 : 2)];
  mm->k = a[a_rank - (trans_a ? 2 : 1)];
  mm->n = b_rank == 1 ? 1 : b[b_rank - (trans_b ? 2 : 1)];
  int64_t k = b_rank == 1 ? b[0] : b[b_rank - (trans_b ? 1 : 2)];
  if (k != mm->k) return fail_shapes(a_rank, a, b_rank, b, err);
  mm->n_batch = PG_MAX(PG_MAX(a_rank, b_rank) - 2, 0);
  for (int i = 0; i < mm->n_batch; i++) {
    int da = a_rank - 2 - mm->n_batch + i, db = b_rank - 2 - mm->n_batch + i;
    int64_t left = da >= 0 ? a[da] : 1, right = db >= 0 ? b[db] : 1;
    if (left != right && left != 1 && right != 1) return fail_shapes(a_rank, a, b_rank, b, err);
    mm->batch[i] = left == 1 ? right : left;
  }
  batch_steps(mm, a_rank, a, mm->a_step);
  batch_steps(mm, b_rank, b, mm->b_step);
  return pgi_count(mm->n_batch, mm->batch, &mm->copies, err);
}

void pgi_matmul_at(const pgi_matmul *mm, int64_t i, int64_t *a, int64_t *b) {
  *a = *b = 0;
  for (int d = mm->n_batch - 1; d >= 0; d--) {
    int64_t at = i % mm->batch[d];
    i /= mm->batch[d];
    *a += at * mm->a_step[d];
    *b += at * mm->b_step[d];
  }
}

/* The dims before the last two, which don't take part in broadcasting. */
static pgi_type batch_of(const pgi_type *t) {
  pgi_type out = *t;
  out.rank = PG_MAX(t->rank - 2, 0);
  return out;
}

/* Where other sizes are unknown, too. */
static pg_status check_inner(pgi_infer *inf, const pgi_dim *left, const pgi_dim *right) {
  if (left->n < 0 || right->n < 0 || left->n == right->n) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "rows of %lld and columns of %lld can't be multiplied",
                  (long long)left->n, (long long)right->n);
}

pg_status pgi_infer_matmul(pgi_infer *inf, int a, bool trans_a, int b, bool trans_b,
                           pgi_type *out) {
  int a_rank = pgi_in_rank(inf, a), b_rank = pgi_in_rank(inf, b);
  if (a_rank < 0 || b_rank < 0) return PG_OK;
  const pgi_type *left = inf->in[a], *right = inf->in[b];
  int64_t a_dims[PG_MAX_RANK] = {0}, b_dims[PG_MAX_RANK] = {0};
  if (a_rank == 0 || b_rank == 0 ||
      (pgi_known_dims(left, a_dims) && pgi_known_dims(right, b_dims))) {
    pgi_matmul mm;
    PG_TRY(pgi_matmul_init(&mm, a_rank, a_dims, trans_a, b_rank, b_dims, trans_b, inf->err));
  }
  PG_TRY(check_inner(inf, &left->dims[a_rank == 1 ? 0 : a_rank - (trans_a ? 2 : 1)],
                     &right->dims[b_rank == 1 ? 0 : b_rank - (trans_b ? 1 : 2)]));
  pgi_type left_batch = batch_of(left), right_batch = batch_of(right);
  PG_TRY(pgi_broadcast_dims(&left_batch, &right_batch, out, inf->err));
  if (a_rank > 1) out->dims[out->rank++] = left->dims[a_rank - (trans_a ? 1 : 2)];
  if (b_rank > 1) out->dims[out->rank++] = right->dims[b_rank - (trans_b ? 2 : 1)];
  return PG_OK;
}
