/* Abs, Neg, Sign: of floats and integers. */
#include "op/elementwise.h"

static void abs_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] < 0 ? (int64_t)(0 - (uint64_t)x[i]) : x[i];
}

static void neg_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = (int64_t)(0 - (uint64_t)x[i]);
}

static void sign_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = (x[i] > 0) - (x[i] < 0);
}

static void same_u64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = x[i];
}

static void sign_u64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  (void)arg;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] != 0;
}

/* A large u64 looks negative as an i64. */
static pg_status run(pgi_call *c, pgi_unary f, pgi_i64_fn *is_signed, pgi_i64_fn *is_unsigned) {
  switch (pgi_dtype_kind(c->in[0]->dtype)) {
    case PG_KIND_INT:
      return pgi_unary_i64_op(c, is_signed, NULL);
    case PG_KIND_UINT:
      return pgi_unary_i64_op(c, is_unsigned, NULL);
    default:
      return pgi_unary_op(c, f, 0, 0);
  }
}

static pg_status abs_run(pgi_call *c) {
  return run(c, PG_ABS, abs_i64, same_u64);
}
static pg_status neg_run(pgi_call *c) {
  return run(c, PG_NEG, neg_i64, neg_i64);
}
static pg_status sign_run(pgi_call *c) {
  return run(c, PG_SIGN, sign_i64, sign_u64);
}

PG_OP(abs) = {
    .name = "Abs",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = abs_run,
};

PG_OP(neg) = {
    .name = "Neg",
    .since = {1, 6, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT | PG_T_INT,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = pgi_upgrade_consumed,
    .infer = pgi_infer_same,
    .run = neg_run,
};

PG_OP(sign) = {
    .name = "Sign",
    .since = {9, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = sign_run,
};
