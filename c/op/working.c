/* working: elements converted once, before the loops. */
#include "op/working.h"

pg_status pgi_f64s(pgi_call *c, const pg_tensor *t, const double **out) {
  pgi_kind kind = pgi_dtype_kind(t->dtype);
  if (kind == PG_KIND_STRING || kind == PG_KIND_OBJECT || kind == PG_KIND_NONE) {
    return pgi_fail(c->err, PG_INVALID, "expected numbers, got %s", pg_dtype_name(t->dtype));
  }
  size_t bytes;
  int64_t n = pgi_tensor_count(t);
  if (!pgi_mul_size((size_t)PG_MAX(n, 1), sizeof(double), &bytes)) return pgi_nomem(c->err);
  double *numbers = pgi_call_scratch(c, bytes);
  if (!numbers) return pgi_nomem(c->err);
  pgi_load_f64(t->dtype, pgi_tensor_data(t), 0, n, numbers);
  *out = numbers;
  return PG_OK;
}

pg_status pgi_working_of(pgi_call *c, const pg_tensor *t, pgi_working *out) {
  *out = (pgi_working){0};
  if (t->dtype != PG_F32) return pgi_f64s(c, t, &out->f64);
  out->f32 = pgi_tensor_data(t);
  return PG_OK;
}
