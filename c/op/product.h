/* product: matrix products over batches, as MatMul, Gemm and their kin run them. */
#ifndef PG_OP_PRODUCT_H
#define PG_OP_PRODUCT_H

#include "op/activation.h"
#include "op/lanes.h"

/* Runs `copies` products that differ in what at(arg, i, &p) sets: pointers and the epilogue.  The
** epilogue that `at` stores in p must live in *room. */
typedef void pgi_product_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room);
pg_status pgi_product_run(pgi_call *call, const pgi_product *p, int64_t copies, pgi_product_at *at,
                          void *arg);

/* The shapes of a numpy-like product. */
typedef struct pgi_matmul {
  int64_t m, n, k;
  int n_batch; /* leading dimensions of the output */
  int64_t batch[PG_MAX_RANK];
  int64_t copies;                                   /* their product */
  int64_t a_step[PG_MAX_RANK], b_step[PG_MAX_RANK]; /* in matrices; 0 repeats */
  bool is_a_vector, is_b_vector;                    /* their 1s are not in the output */
} pgi_matmul;
/* trans_a, trans_b: the last two dims of that side are exchanged (no effect on vectors). */
pg_status pgi_matmul_init(pgi_matmul *mm, int a_rank, const int64_t *a, bool trans_a, int b_rank,
                          const int64_t *b, bool trans_b, pg_error *err);
/* Which matrix of each side copy i takes. */
void pgi_matmul_at(const pgi_matmul *mm, int64_t i, int64_t *a, int64_t *b);
/* Output 0 of a product of inputs a and b, without dtype. */
pg_status pgi_infer_matmul(pgi_infer *inf, int a, bool trans_a, int b, bool trans_b, pgi_type *out);

/* An input as f32: itself, or a converted copy in scratch.  t NULL: NULL. */
pg_status pgi_as_f32(pgi_call *call, const pg_tensor *t, const float **out);

/* A constant right side [k,n], or [n,k] when trans, packed for pgi_product.packed_b; its end. */
pg_status pgi_prepare_right(pg_context *ctx, const pg_tensor *b, bool trans, void **out,
                            pg_error *err);
void pgi_discard_right(pg_context *ctx, void *packed);

/* Products in f64 (floats; through OpenBLAS where it was found at build time) and i64 (integers,
** wrapping): plain loops otherwise.
** c[i,j] = sum over p of a[i * a_row + p * a_col] * b[p * b_row + j * b_col]; c contiguous. */
typedef struct pgi_plain_product {
  int64_t m, n, k, a_row, a_col, b_row, b_col;
} pgi_plain_product;
void pgi_plain_f64(const pgi_plain_product *p, const double *a, const double *b, double *c);
void pgi_plain_i64(const pgi_plain_product *p, const int64_t *a, const int64_t *b, int64_t *c);

#endif
