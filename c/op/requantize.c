/* requantize: from sums in 32 bits to 8-bit results. */
#include "op/requantize.h"

pg_status pgi_check_param(const pg_tensor *t, const char *what, int64_t n, pg_error *err) {
  int64_t count = pgi_tensor_count(t);
  if (count == 1 || count == n) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected one element or %lld, got %lld", what, (long long)n,
                  (long long)count);
}

pg_status pgi_zero_points(pgi_call *call, const pg_tensor *t, const char *what, int64_t n,
                          const int32_t **out, int64_t *step) {
  *out = NULL;
  *step = 0;
  if (!t) return PG_OK;
  PG_TRY(pgi_check_param(t, what, n, call->err));
  int32_t *zero;
  int64_t count = pgi_tensor_count(t);
  PG_TRY(pgi_scratch_array(call, count, sizeof *zero, &zero));
  for (int64_t i = 0; i < count; i++) zero[i] = (int32_t)pgi_tensor_get_i64(t, i);
  *out = zero;
  *step = count > 1;
  return PG_OK;
}

static double round_to(pg_dtype dtype, double v) {
  if (dtype == PG_F16) return (double)pgi_f16_to_f32(pgi_f64_to_f16(v));
  if (dtype == PG_BF16) return (double)pgi_bf16_to_f32(pgi_f32_to_bf16(pgi_f64_to_f32_odd(v)));
  return (double)(float)v;
}

double pgi_joint_scale(pg_dtype dtype, double a, double b, double y) {
  return round_to(dtype, round_to(dtype, a * b) / y);
}

/* 1.5 * 2^52: adding it rounds half to even and leaves whole numbers. */
static const double round_magic = 6755399441055744.0;

void pgi_requantize(int64_t n, const int32_t *sum, double scale, double zero, pg_dtype dtype,
                    void *y, int64_t first) {
  double low = 0, high = 255;
  uint8_t *to = (uint8_t *)y + first;
  pgi_integer_range(dtype, &low, &high);
  low -= zero;
  high -= zero;
  for (int64_t i = 0; i < n; i++) {
    double v = (double)sum[i] * scale;
    v = v > low ? v : v <= low ? low : 0; /* NaN becomes 0 */
    v = v < high ? v : high;
    v = (v + round_magic) - round_magic + zero;
    to[i] = (uint8_t)(int32_t)v;
  }
}
