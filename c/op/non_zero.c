/* NonZero: where the elements are that are not zero. */
#include "op/move.h"

static pg_status non_zero_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  pgi_type *out = pgi_out_type(inf, 0, PG_I64, 2);
  if (rank >= 0) out->dims[0] = pgi_dim_of(rank);
  return PG_OK;
}

enum { BLOCK = 256 };

/* Which of n <= BLOCK elements are not zero.  Complex numbers are two each, strings count when they
** are not empty. */
static void test_block(const pg_tensor *t, int64_t first, int64_t n, bool *out) {
  double re[2 * BLOCK];
  const pg_string *strings = pgi_tensor_data(t);
  if (t->dtype == PG_STRING) {
    for (int64_t i = 0; i < n; i++) out[i] = strings[first + i].size > 0;
    return;
  }
  if (pgi_dtype_kind(t->dtype) == PG_KIND_COMPLEX) {
    pg_dtype part = t->dtype == PG_C64 ? PG_F32 : PG_F64;
    pgi_load_f64(part, pgi_tensor_data(t), 2 * first, 2 * n, re);
    for (int64_t i = 0; i < n; i++) out[i] = re[2 * i] != 0 || re[2 * i + 1] != 0;
    return;
  }
  pgi_load_f64(t->dtype, pgi_tensor_data(t), first, n, re);
  for (int64_t i = 0; i < n; i++) out[i] = re[i] != 0;
}

/* Counts, and with `out` writes the coordinates, each axis in a row of `total`. */
static int64_t scan(const pg_tensor *t, int64_t total, int64_t *out) {
  int64_t n = pgi_tensor_count(t), found = 0;
  bool is_set[BLOCK];
  for (int64_t first = 0; first < n; first += BLOCK) {
    int64_t m = PG_MIN(n - first, (int64_t)BLOCK);
    test_block(t, first, m, is_set);
    for (int64_t i = 0; i < m; i++) {
      if (!is_set[i]) continue;
      int64_t rest = first + i;
      for (int d = t->rank - 1; d >= 0 && out; d--) {
        out[d * total + found] = rest % t->dims[d];
        rest /= t->dims[d];
      }
      found++;
    }
  }
  return found;
}

static pg_status non_zero_run(pgi_call *c) {
  const pg_tensor *t = c->in[0];
  int64_t total = scan(t, 0, NULL);
  int64_t dims[2] = {t->rank, total};
  PG_TRY(pgi_elems_alloc(c, 0, PG_I64, 2, dims));
  scan(t, total, pgi_tensor_data(c->out[0]));
  return PG_OK;
}

PG_OP(non_zero) = {
    .name = "NonZero",
    .since = {9, 13},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .infer = non_zero_infer,
    .run = non_zero_run,
};
