/* cast: from any element type to any other, as ONNX Cast. */
#include "tensor/tensor.h"

enum { CHUNK = 512 };

static bool is_integral(pg_dtype dtype) {
  pgi_kind kind = pgi_dtype_kind(dtype);
  return kind == PG_KIND_INT || kind == PG_KIND_UINT || kind == PG_KIND_BOOL;
}

static bool is_complex(pg_dtype dtype) {
  return pgi_dtype_kind(dtype) == PG_KIND_COMPLEX;
}

static bool is_f8(pg_dtype dtype) {
  return dtype == PG_F8E8M0 || (dtype >= PG_F8E4M3FN && dtype <= PG_F8E5M2FNUZ);
}

/* The type to go through so that the value is rounded or cut only once. */
static pg_dtype working_type(pg_dtype from, pg_dtype to) {
  if (is_integral(from) && is_integral(to)) return PG_I64;
  if (from == PG_F64 || from == PG_C128 || to == PG_F64 || to == PG_C128) return PG_F64;
  return PG_F32;
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* A working type on either side needs no buffer between; `first` counts from both data pointers. */
#define CONVERT(name, W, SAME, load, store)                                                 \
  static void name(pg_dtype from, const void *in, int64_t first_in, pg_dtype to, void *out, \
                   int64_t first_out, int64_t n) {                                          \
    W chunk[CHUNK];                                                                         \
    if (to == SAME) {                                                                       \
      load(from, in, first_in, n, (W *)out + first_out);                                    \
    } else if (from == SAME) {                                                              \
      store(to, out, first_out, n, (const W *)in + first_in);                               \
    } else {                                                                                \
      for (int64_t i = 0; i < n; i += CHUNK) {                                              \
        int64_t m = PG_MIN(CHUNK, n - i);                                                   \
        load(from, in, first_in + i, m, chunk);                                             \
        store(to, out, first_out + i, m, chunk);                                            \
      }                                                                                     \
    }                                                                                       \
  }
CONVERT(convert_f32, float, PG_F32, pgi_load_f32, pgi_store_f32)
CONVERT(convert_f64, double, PG_F64, pgi_load_f64, pgi_store_f64)
CONVERT(convert_i64, int64_t, PG_I64, pgi_load_i64, pgi_store_i64)
#undef CONVERT

static void cast_numbers(const pg_tensor *from, pg_tensor *to, int64_t n) {
  const void *in = from->buffer->data;
  void *out = to->buffer->data;
  switch (working_type(from->dtype, to->dtype)) {
    case PG_I64:
      convert_i64(from->dtype, in, from->offset, to->dtype, out, to->offset, n);
      break;
    case PG_F64:
      convert_f64(from->dtype, in, from->offset, to->dtype, out, to->offset, n);
      break;
    default:
      convert_f32(from->dtype, in, from->offset, to->dtype, out, to->offset, n);
  }
}

/* f8 with other than the default options. */
static void cast_f8(const pg_tensor *from, pg_tensor *to, int64_t n,
                    const pgi_cast_options *options) {
  bool saturate = !options->no_saturate;
  double chunk[CHUNK];
  uint8_t *out = pgi_tensor_data(to);
  for (int64_t i = 0; i < n; i += CHUNK) {
    int64_t m = PG_MIN(CHUNK, n - i);
    pgi_load_f64(from->dtype, from->buffer->data, from->offset + i, m, chunk);
    for (int64_t j = 0; j < m; j++) {
      float f = pgi_f64_to_f32_odd(chunk[j]);
      out[i + j] = to->dtype == PG_F8E8M0
                       ? pgi_f32_to_e8m0(f, options->e8m0_mode ? options->e8m0_mode : 'u', saturate)
                       : pgi_f32_to_f8(to->dtype, f, saturate);
    }
  }
}

/* ---- complex -------------------------------------------------------------------------------- */

/* Between complex types the parts are a tensor of twice the elements; as a truth value either part
** counts.  Other types take the real part. */
static void cast_complex(const pg_tensor *from, pg_tensor *to, int64_t n) {
  pg_dtype part = from->dtype == PG_C64 ? PG_F32 : PG_F64;
  const void *in = from->buffer->data;
  if (is_complex(to->dtype)) {
    pg_dtype to_part = to->dtype == PG_C64 ? PG_F32 : PG_F64;
    convert_f64(part, in, 2 * from->offset, to_part, to->buffer->data, 2 * to->offset, 2 * n);
    return;
  }
  if (to->dtype != PG_BOOL) {
    cast_numbers(from, to, n);
    return;
  }
  uint8_t *out = pgi_tensor_data(to);
  for (int64_t i = 0; i < n; i++) {
    double parts[2];
    pgi_load_f64(part, in, 2 * (from->offset + i), 2, parts);
    out[i] = parts[0] != 0 || parts[1] != 0;
  }
}

/* ---- tensors -------------------------------------------------------------------------------- */

static pg_status check_types(pg_dtype from, pg_dtype to, pg_error *err) {
  bool is_known = pgi_dtype_valid((int)from) && pgi_dtype_valid((int)to);
  bool is_text = from == PG_STRING || to == PG_STRING;
  if (is_known && !(is_text && (is_complex(from) || is_complex(to)))) return PG_OK;
  return pgi_fail(err, PG_UNSUPPORTED, "cast from %s to %s", pg_dtype_name(from),
                  pg_dtype_name(to));
}

pg_status pgi_tensor_cast_into(const pg_tensor *from, pg_tensor *to,
                               const pgi_cast_options *options, pg_error *err) {
  int64_t n = pgi_tensor_count(from);
  if (from->dtype == to->dtype) return pgi_tensor_copy_into(from, to, err);
  PG_TRY(check_types(from->dtype, to->dtype, err));
  if (n != pgi_tensor_count(to)) {
    return pgi_fail(err, PG_INVALID, "cast: expected %lld elements, got %lld",
                    (long long)pgi_tensor_count(to), (long long)n);
  }
  if (n == 0) return PG_OK;
  if (to->dtype == PG_STRING) return pgi_cast_to_strings(from, to, err);
  if (from->dtype == PG_STRING) return pgi_cast_from_strings(from, to, err);
  bool has_options = options && (options->no_saturate || options->e8m0_mode);
  if (has_options && is_f8(to->dtype))
    cast_f8(from, to, n, options);
  else if (is_complex(from->dtype))
    cast_complex(from, to, n);
  else
    cast_numbers(from, to, n);
  return PG_OK;
}

static pg_status cast_contiguous(const pg_tensor *t, pg_dtype dtype,
                                 const pgi_cast_options *options, pg_tensor *out, pg_error *err) {
  pg_tensor to = {0};
  PG_TRY(pgi_tensor_alloc(t->buffer->ctx, dtype, t->rank, t->dims, &to, err));
  pg_status status = pgi_tensor_cast_into(t, &to, options, err);
  if (status == PG_OK)
    *out = to;
  else
    pgi_tensor_clear(&to);
  return status;
}

pg_status pgi_tensor_cast(const pg_tensor *t, pg_dtype dtype, const pgi_cast_options *options,
                          pg_tensor *out, pg_error *err) {
  if (dtype == t->dtype) return pgi_tensor_clone(t, out, err);
  PG_TRY(check_types(t->dtype, dtype, err));
  pg_tensor dense = {0};
  PG_TRY(pgi_tensor_contiguous(t, &dense, err));
  pg_status status = cast_contiguous(&dense, dtype, options, out, err);
  pgi_tensor_clear(&dense);
  return status;
}

pg_status pg_tensor_cast(const pg_tensor *t, pg_dtype dtype, pg_tensor **out, pg_error *err) {
  pg_tensor cast = {0};
  PG_TRY(pgi_tensor_cast(t, dtype, NULL, &cast, err));
  pg_status status = pgi_tensor_to_handle(&cast, out, err);
  if (status != PG_OK) pgi_tensor_clear(&cast);
  return status;
}
