/* order: sort keys and a merge sort. */
#include "op/order.h"

#define SIGN ((uint64_t)1 << 63)

/* IEEE 754 numbers sort as integers of sign and magnitude do. */
static uint64_t float_key(double v) {
  uint64_t bits;
  if (v != v) return UINT64_MAX;
  v += 0.0; /* -0 becomes 0 */
  memcpy(&bits, &v, sizeof bits);
  return bits & SIGN ? ~bits : bits | SIGN;
}

void pgi_order_keys(pg_dtype dtype, const void *data, int64_t first, int64_t n, uint64_t *keys) {
  enum { BLOCK = 128 };
  union {
    double f[BLOCK];
    int64_t i[BLOCK];
  } block;
  bool is_float = pgi_dtype_kind(dtype) == PG_KIND_FLOAT;
  for (int64_t at = 0; at < n; at += BLOCK) {
    int64_t m = PG_MIN(n - at, (int64_t)BLOCK);
    if (is_float)
      pgi_load_f64(dtype, data, first + at, m, block.f);
    else
      pgi_load_i64(dtype, data, first + at, m, block.i);
    for (int64_t k = 0; k < m; k++) {
      if (is_float)
        keys[at + k] = float_key(block.f[k]);
      else
        keys[at + k] = dtype == PG_U64 ? (uint64_t)block.i[k] : (uint64_t)block.i[k] ^ SIGN;
    }
  }
}

static void merge(const int64_t *from, int64_t middle, int64_t n, int64_t *to,
                  pgi_order_fn *compare, const void *arg) {
  int64_t a = 0, b = middle;
  for (int64_t i = 0; i < n; i++) {
    bool takes_a = a < middle && (b >= n || compare(arg, from[a], from[b]) <= 0);
    to[i] = takes_a ? from[a++] : from[b++];
  }
}

/* Bottom up: runs of 1, 2, 4 ... */
void pgi_order_sort(int64_t *index, int64_t *temp, int64_t n, pgi_order_fn *compare,
                    const void *arg) {
  for (int64_t run = 1; run < n; run *= 2) {
    for (int64_t at = 0; at < n; at += 2 * run) {
      int64_t size = PG_MIN(2 * run, n - at);
      merge(index + at, PG_MIN(run, size), size, temp + at, compare, arg);
    }
    memcpy(index, temp, (size_t)n * sizeof *index);
  }
}

int pgi_order_strings(pg_string a, pg_string b) {
  size_t n = PG_MIN(a.size, b.size);
  int order = n ? memcmp(a.data, b.data, n) : 0;
  return order ? order : (a.size > b.size) - (a.size < b.size);
}
