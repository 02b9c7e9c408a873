/* combine: reductions of the scatter operators, in the working type of the element type. */
#include "op/combine.h"

pg_status pgi_reduction_of(const pgi_node *node, pg_dtype dtype, pgi_reduction *out,
                           pg_error *err) {
  static const char *const names[] = {"none", "add", "mul", "min", "max"};
  pg_string given = pgi_attr_string(node, "reduction");
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "reduction", names[i])) continue;
    pgi_kind kind = pgi_dtype_kind(dtype);
    bool has_sum = kind != PG_KIND_STRING, has_order = has_sum && kind != PG_KIND_COMPLEX;
    if (i != PG_REDUCE_NONE && !(i <= PG_REDUCE_MUL ? has_sum : has_order)) {
      return pgi_fail(err, PG_INVALID, "reduction '%s' has no meaning for %s", names[i],
                      pg_dtype_name(dtype));
    }
    *out = (pgi_reduction)i;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "reduction: expected none, add, mul, min or max, got '%.*s'",
                  (int)PG_MIN(given.size, (size_t)40), given.data);
}

static float combine_f32(pgi_reduction r, float a, float b) {
  switch (r) {
    case PG_REDUCE_ADD:
      return a + b;
    case PG_REDUCE_MUL:
      return a * b;
    case PG_REDUCE_MIN:
      return b != b || b < a ? b : a;
    case PG_REDUCE_MAX:
      return b != b || b > a ? b : a;
    default:
      return b;
  }
}

static double combine_f64(pgi_reduction r, double a, double b) {
  switch (r) {
    case PG_REDUCE_ADD:
      return a + b;
    case PG_REDUCE_MUL:
      return a * b;
    case PG_REDUCE_MIN:
      return b != b || b < a ? b : a;
    case PG_REDUCE_MAX:
      return b != b || b > a ? b : a;
    default:
      return b;
  }
}

/* In 64 bits that wrap.  Only the order of u64 differs from that of i64. */
static int64_t combine_i64(pgi_reduction r, int64_t a, int64_t b, bool is_unsigned) {
  uint64_t x = (uint64_t)a, y = (uint64_t)b;
  bool is_less = is_unsigned ? y < x : b < a;
  bool is_more = is_unsigned ? y > x : b > a;
  switch (r) {
    case PG_REDUCE_ADD:
      return (int64_t)(x + y);
    case PG_REDUCE_MUL:
      return (int64_t)(x * y);
    case PG_REDUCE_MIN:
      return is_less ? b : a;
    case PG_REDUCE_MAX:
      return is_more ? b : a;
    default:
      return b;
  }
}

enum { BLOCK = 256 };

static void block_f32(pgi_reduction r, pg_dtype dtype, void *to, const void *from, int64_t first,
                      int64_t n) {
  float a[BLOCK], b[BLOCK];
  pgi_load_f32(dtype, to, first, n, a);
  pgi_load_f32(dtype, from, first, n, b);
  for (int64_t i = 0; i < n; i++) a[i] = combine_f32(r, a[i], b[i]);
  pgi_store_f32(dtype, to, first, n, a);
}

static void block_f64(pgi_reduction r, double *to, const double *from, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = combine_f64(r, to[i], from[i]);
}

static void block_i64(pgi_reduction r, pg_dtype dtype, void *to, const void *from, int64_t first,
                      int64_t n) {
  int64_t a[BLOCK], b[BLOCK];
  pgi_load_i64(dtype, to, first, n, a);
  pgi_load_i64(dtype, from, first, n, b);
  for (int64_t i = 0; i < n; i++) {
    a[i] = combine_i64(r, a[i], b[i], dtype == PG_U64);
    if (dtype == PG_BOOL) a[i] = a[i] != 0;
  }
  pgi_store_i64(dtype, to, first, n, a);
}

/* Sums are those of the parts; (a + bi)(c + di) = ac - bd + (ad + bc)i. */
static void multiply_c64(float *to, const float *from, int64_t n) {
  for (int64_t i = 0; i < 2 * n; i += 2) {
    float re = to[i] * from[i] - to[i + 1] * from[i + 1];
    to[i + 1] = to[i] * from[i + 1] + to[i + 1] * from[i];
    to[i] = re;
  }
}

static void multiply_c128(double *to, const double *from, int64_t n) {
  for (int64_t i = 0; i < 2 * n; i += 2) {
    double re = to[i] * from[i] - to[i + 1] * from[i + 1];
    to[i + 1] = to[i] * from[i + 1] + to[i + 1] * from[i];
    to[i] = re;
  }
}

static void combine_complex(pgi_reduction r, pg_dtype dtype, void *to, const void *from,
                            int64_t n) {
  if (r == PG_REDUCE_ADD && dtype == PG_C64)
    pgi_combine(r, PG_F32, to, from, 2 * n);
  else if (r == PG_REDUCE_ADD)
    pgi_combine(r, PG_F64, to, from, 2 * n);
  else if (dtype == PG_C64)
    multiply_c64(to, from, n);
  else
    multiply_c128(to, from, n);
}

static void combine_plain_f32(pgi_reduction r, float *to, const float *from, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = combine_f32(r, to[i], from[i]);
}

void pgi_combine(pgi_reduction r, pg_dtype dtype, void *to, const void *from, int64_t n) {
  pgi_kind kind = pgi_dtype_kind(dtype);
  if (kind == PG_KIND_COMPLEX) {
    combine_complex(r, dtype, to, from, n);
  } else if (dtype == PG_F32) {
    combine_plain_f32(r, to, from, n);
  } else if (dtype == PG_F64) {
    block_f64(r, to, from, n);
  } else {
    for (int64_t i = 0; i < n; i += BLOCK) {
      int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
      if (kind == PG_KIND_FLOAT)
        block_f32(r, dtype, to, from, i, m);
      else
        block_i64(r, dtype, to, from, i, m);
    }
  }
}
