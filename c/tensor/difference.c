/* difference: how far two tensors are apart, in the measures that people ask for.
**
** Elements pair up in row-major order; the shapes need not be the same (a view with other axes, a
** reshaped tensor), the numbers of elements must.  Everything is one pass in f64 in a fixed order, so
** that a certificate can be repeated to the last digit; a second pass counts what is beyond the
** tolerance, which depends on the largest expected element. */
#include <math.h>

#include "tensor/tensor.h"

enum { CHUNK = 512 };

/* A complex tensor is twice as many parts. */
typedef struct side {
  const pg_tensor *t;
  pg_tensor own; /* a contiguous copy, where one is needed */
  pg_dtype part; /* of complex elements; else PG_NONE */
} side;

static pg_status open_side(side *s, const pg_tensor *t, pg_error *err) {
  *s = (side){.t = t};
  if (pgi_dtype_kind(t->dtype) != PG_KIND_COMPLEX) return PG_OK;
  s->part = t->dtype == PG_C64 ? PG_F32 : PG_F64;
  PG_TRY(pgi_tensor_contiguous(t, &s->own, err));
  s->t = &s->own;
  return PG_OK;
}

static void load(const side *s, int64_t first, int64_t n, double *out) {
  if (s->part != PG_NONE)
    pgi_load_f64(s->part, pgi_tensor_data(s->t), first, n, out);
  else
    pgi_tensor_load_f64(s->t, first, n, out);
}

/* ---- units in the last place ----------------------------------------------------------------- */

/* Floats as integers in their order, zeros in the middle. */
static int64_t rank_of(pg_dtype dtype, double v) {
  int64_t bits;
  uint64_t wide;
  uint32_t narrow;
  float f = (float)v;
  switch (dtype) {
    case PG_F64:
      memcpy(&wide, &v, sizeof wide);
      bits = (int64_t)(wide & INT64_MAX);
      break;
    case PG_F16:
      bits = pgi_f32_to_f16(f) & 0x7fff;
      break;
    case PG_BF16:
      bits = pgi_f32_to_bf16(f) & 0x7fff;
      break;
    default:
      memcpy(&narrow, &f, sizeof narrow);
      bits = narrow & INT32_MAX;
  }
  return signbit(v) ? -bits : bits;
}

static double ulps(pg_dtype dtype, double a, double b) {
  return fabs((double)rank_of(dtype, a) - (double)rank_of(dtype, b));
}

static bool has_ulps(pg_dtype dtype) {
  return dtype == PG_F32 || dtype == PG_F64 || dtype == PG_F16 || dtype == PG_BF16;
}

/* ---- passes --------------------------------------------------------------------------------- */

/* NaN beside NaN and infinity beside the same agree. */
static bool agree_specially(double a, double b) {
  return a == b || (isnan(a) && isnan(b));
}

static void measure(pgi_difference *d, pg_dtype dtype, int64_t at, int64_t n, const double *a,
                    const double *b) {
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(a[i]) || !isfinite(b[i])) {
      if (agree_specially(a[i], b[i])) continue;
      if (d->n_special++ == 0 && d->max_abs <= 0) d->worst = at + i;
      continue;
    }
    double gap = fabs(a[i] - b[i]), size = fabs(a[i]);
    d->scale = fmax(d->scale, size);
    d->dot += a[i] * b[i];
    d->norm_a += a[i] * a[i];
    d->norm_b += b[i] * b[i];
    if (!(gap > 0)) continue;
    d->sum_abs += gap;
    if (size > 0) d->max_rel = fmax(d->max_rel, gap / size);
    if (has_ulps(dtype)) d->max_ulp = fmax(d->max_ulp, ulps(dtype, a[i], b[i]));
    if (gap <= d->max_abs) continue;
    d->max_abs = gap;
    d->worst = at + i;
  }
}

/* 64-bit integers don't fit into f64: what differs there is told by themselves. */
static void count_unequal(pgi_difference *d, const pg_tensor *a, const pg_tensor *b) {
  int64_t x[CHUNK], y[CHUNK], count = pgi_tensor_count(a);
  for (int64_t i = 0, n; i < count; i += n) {
    n = PG_MIN(count - i, (int64_t)CHUNK);
    pgi_tensor_load_i64(a, i, n, x);
    pgi_tensor_load_i64(b, i, n, y);
    for (int64_t k = 0; k < n; k++) d->n_beyond += x[k] != y[k];
  }
}

static void count_beyond(pgi_difference *d, const side *a, const side *b, double rtol,
                         double atol) {
  double x[CHUNK], y[CHUNK], floor = atol * d->scale;
  for (int64_t i = 0, n; i < d->count; i += n) {
    n = PG_MIN(d->count - i, (int64_t)CHUNK);
    load(a, i, n, x);
    load(b, i, n, y);
    for (int64_t k = 0; k < n; k++) {
      bool is_close = isfinite(x[k]) && isfinite(y[k])
                          ? fabs(x[k] - y[k]) <= floor + rtol * fabs(x[k])
                          : agree_specially(x[k], y[k]);
      d->n_beyond += !is_close;
    }
  }
}

static void compare_numbers(pgi_difference *d, const side *a, const side *b, double rtol,
                            double atol) {
  double x[CHUNK], y[CHUNK];
  pg_dtype ta = a->part ? a->part : a->t->dtype, tb = b->part ? b->part : b->t->dtype;
  /* The coarser of two float types is the one whose last place counts. */
  pg_dtype dtype = pgi_dtype_size(tb) < pgi_dtype_size(ta) ? tb : ta;
  if (!has_ulps(ta) || !has_ulps(tb)) dtype = PG_NONE;
  for (int64_t i = 0, n; i < d->count; i += n) {
    n = PG_MIN(d->count - i, (int64_t)CHUNK);
    load(a, i, n, x);
    load(b, i, n, y);
    measure(d, dtype, i, n, x, y);
  }
  bool is_wide = ta == tb && (ta == PG_I64 || ta == PG_U64) && !(rtol > 0) && !(atol > 0);
  if (is_wide)
    count_unequal(d, a->t, b->t);
  else if (d->max_abs > 0 || d->n_special > 0)
    count_beyond(d, a, b, rtol, atol);
}

static void compare_strings(pgi_difference *d, const pg_tensor *a, const pg_tensor *b) {
  for (int64_t i = 0; i < d->count; i++) {
    const pg_string *x = (const pg_string *)a->buffer->data + pgi_tensor_offset(a, i);
    const pg_string *y = (const pg_string *)b->buffer->data + pgi_tensor_offset(b, i);
    bool is_same = x->size == y->size && (x->size == 0 || memcmp(x->data, y->data, x->size) == 0);
    if (!is_same && d->n_beyond++ == 0) d->worst = i;
  }
}

static bool is_comparable(const pg_tensor *t) {
  return t->dtype != PG_NONE && t->dtype != PG_SEQUENCE && t->dtype != PG_MAP;
}

pg_status pgi_tensor_difference(const pg_tensor *a, const pg_tensor *b, double rtol, double atol,
                                pgi_difference *out, pg_error *err) {
  if (!is_comparable(a) || !is_comparable(b))
    return pgi_fail(err, PG_INVALID, "difference: expected two tensors");
  if ((a->dtype == PG_STRING) != (b->dtype == PG_STRING))
    return pgi_fail(err, PG_INVALID, "difference: strings beside numbers");
  int64_t count = pgi_tensor_count(a);
  if (count != pgi_tensor_count(b))
    return pgi_fail(err, PG_INVALID, "difference: %lld elements beside %lld", (long long)count,
                    (long long)pgi_tensor_count(b));
  *out = (pgi_difference){.count = count};
  if (a->dtype == PG_STRING) {
    compare_strings(out, a, b);
    return PG_OK;
  }
  side x = {0}, y = {0};
  bool is_complex = pgi_dtype_kind(a->dtype) == PG_KIND_COMPLEX;
  if (is_complex != (pgi_dtype_kind(b->dtype) == PG_KIND_COMPLEX))
    return pgi_fail(err, PG_INVALID, "difference: complex beside real numbers");
  pg_status status = open_side(&x, a, err);
  if (status == PG_OK) status = open_side(&y, b, err);
  if (status == PG_OK) {
    if (is_complex) out->count *= 2;
    compare_numbers(out, &x, &y, rtol, atol);
  }
  pgi_tensor_clear(&x.own);
  pgi_tensor_clear(&y.own);
  return status;
}

/* ---- one tensor alone ------------------------------------------------------------------------ */

pg_status pgi_tensor_summary(const pg_tensor *t, pgi_summary *out, pg_error *err) {
  if (!is_comparable(t) || t->dtype == PG_STRING || pgi_dtype_kind(t->dtype) == PG_KIND_COMPLEX)
    return pgi_fail(err, PG_INVALID, "summary: expected a tensor of real numbers");
  double x[CHUNK];
  *out = (pgi_summary){.count = pgi_tensor_count(t), .min = INFINITY, .max = -INFINITY};
  for (int64_t i = 0, n; i < out->count; i += n) {
    n = PG_MIN(out->count - i, (int64_t)CHUNK);
    pgi_tensor_load_f64(t, i, n, x);
    for (int64_t k = 0; k < n; k++) {
      if (!isfinite(x[k])) {
        out->n_special++;
        continue;
      }
      out->sum += x[k];
      out->sum_squares += x[k] * x[k];
      out->min = fmin(out->min, x[k]);
      out->max = fmax(out->max, x[k]);
    }
  }
  return PG_OK;
}
