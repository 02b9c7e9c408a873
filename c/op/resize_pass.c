/* resize_pass: see resize_pass.h.
**
** Works in f32, for f64 and integers that f32 can't hold in f64.  Axes that shrink most go
** first.  An output outside of a crop is overwritten at the end. */
#include "op/resize_pass.h"

#include "op/elementwise.h"
#include "op/lanes.h"
#include "op/move.h"

#include <math.h>

typedef struct pass {
  int64_t outer, in, out, inner;
  pgi_resize_taps taps;
  const void *x;
  void *y;
  bool is_double;
} pass;

/* Defines one output row of an axis that is not the last (a weighted sum of rows), and one whole
** line of the last axis. */
#define PASS(T)                                                             \
  static void row_##T(const pass *p, const T *x, T *y, int64_t j) {         \
    const int64_t *index = p->taps.index + j * p->taps.n;                   \
    const double *weight = p->taps.weight + j * p->taps.n;                  \
    bool is_first = true;                                                   \
    for (int64_t k = 0; k < p->taps.n; k++) {                               \
      const T w = (T)weight[k];                                             \
      const T *from = x + index[k] * p->inner;                              \
      if (w == 0) continue;                                                 \
      if (is_first) {                                                       \
        PG_LOOP(p->inner, y[at] = w * from[at]);                            \
      } else {                                                              \
        PG_LOOP(p->inner, y[at] += w * from[at]);                           \
      }                                                                     \
      is_first = false;                                                     \
    }                                                                       \
    if (is_first) memset(y, 0, (size_t)p->inner * sizeof *y);               \
  }                                                                         \
  static void line_##T(const pass *p, const T *x, T *y) {                   \
    const int64_t *index = p->taps.index;                                   \
    const double *weight = p->taps.weight;                                  \
    int64_t n = p->taps.n;                                                  \
    for (int64_t j = 0; j < p->out; j++, index += n, weight += n) {         \
      T sum = 0;                                                            \
      for (int64_t k = 0; k < n; k++)                                       \
        if (weight[k] != 0) sum += (T)weight[k] * x[index[k]];              \
      y[j] = sum;                                                           \
    }                                                                       \
  }                                                                         \
  static void rows_##T(const pass *p, int64_t first, int64_t n) {           \
    for (int64_t row = first; row < first + n; row++) {                     \
      const T *x = (const T *)p->x + row / p->out * p->in * p->inner;       \
      row_##T(p, x, (T *)p->y + row * p->inner, row % p->out);              \
    }                                                                       \
  }                                                                         \
  static void lines_##T(const pass *p, int64_t first, int64_t n) {          \
    for (int64_t row = first; row < first + n; row++)                       \
      line_##T(p, (const T *)p->x + row * p->in, (T *)p->y + row * p->out); \
  }
PASS(float)
PASS(double)

static void pass_range(void *arg, int64_t first, int64_t n) {
  const pass *p = arg;
  bool is_last = p->inner == 1;
  if (p->is_double && is_last)
    lines_double(p, first, n);
  else if (p->is_double)
    rows_double(p, first, n);
  else if (is_last)
    lines_float(p, first, n);
  else
    rows_float(p, first, n);
}

static void run_pass(pgi_call *c, const pass *p) {
  size_t size = (p->is_double ? 8 : 4) * (size_t)p->taps.n;
  if (p->inner == 1)
    pgi_move_rows(c, p->outer, (size_t)p->out * size, pass_range, (void *)p);
  else
    pgi_move_rows(c, p->outer * p->out, (size_t)p->inner * size, pass_range, (void *)p);
}

static pg_status make_taps(pgi_call *c, const pgi_resize_way *way, const pgi_resize_axis *axis,
                           pgi_resize_taps *taps) {
  int64_t count;
  taps->n = pgi_resize_tap_count(way, axis);
  if (__builtin_mul_overflow(taps->n, axis->out, &count)) return pgi_nomem(c->err);
  PG_TRY(pgi_scratch_array(c, count, sizeof *taps->index, &taps->index));
  PG_TRY(pgi_scratch_array(c, count, sizeof *taps->weight, &taps->weight));
  PG_TRY(pgi_scratch_array(c, axis->out, sizeof *taps->is_outside, &taps->is_outside));
  pgi_resize_fill(way, axis, taps);
  return PG_OK;
}

/* ---- element types --------------------------------------------------------------------------- */

typedef struct conversion {
  const pg_tensor *tensor;
  void *work; /* float * or double * */
  bool is_double;
} conversion;

enum { BLOCK = 256 };

static void load(void *arg, int64_t first, int64_t n) {
  const conversion *v = arg;
  const void *from = pgi_tensor_data(v->tensor);
  if (v->is_double)
    pgi_load_f64(v->tensor->dtype, from, first, n, (double *)v->work + first);
  else
    pgi_load_f32(v->tensor->dtype, from, first, n, (float *)v->work + first);
}

/* The least and the greatest number of an integer type. */
static void range_of(pg_dtype dtype, double *low, double *high) {
  int bits = pg_dtype_bits(dtype);
  bool is_signed = pgi_dtype_kind(dtype) == PG_KIND_INT;
  *low = is_signed ? -ldexp(1, bits - 1) : 0;
  *high = ldexp(1, is_signed ? bits - 1 : bits) - 1;
  if (bits == 64) *high = nextafter(*high, 0); /* the double below 2^64 or 2^63 */
}

/* Integers are rounded, halves to even, and kept within their type. */
static void store(void *arg, int64_t first, int64_t n) {
  const conversion *v = arg;
  void *to = pgi_tensor_data(v->tensor);
  pg_dtype dtype = v->tensor->dtype;
  pgi_kind kind = pgi_dtype_kind(dtype);
  if (kind != PG_KIND_INT && kind != PG_KIND_UINT) {
    if (v->is_double)
      pgi_store_f64(dtype, to, first, n, (double *)v->work + first);
    else
      pgi_store_f32(dtype, to, first, n, (float *)v->work + first);
    return;
  }
  double block[BLOCK], low, high;
  range_of(dtype, &low, &high);
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    for (int64_t k = 0; k < m; k++) {
      int64_t at = first + i + k;
      double x = v->is_double ? ((double *)v->work)[at] : (double)((float *)v->work)[at];
      x = nearbyint(x);
      block[k] = x < low ? low : x > high ? high : x;
    }
    pgi_store_f64(dtype, to, first + i, m, block);
  }
}

static bool needs_double(pg_dtype dtype) {
  return dtype == PG_F64 || pg_dtype_bits(dtype) == 64 || dtype == PG_I32 || dtype == PG_U32;
}

/* ---- outside of a crop ----------------------------------------------------------------------- */

static void fill_outside(void *work, bool is_double, int rank, const pgi_resize_axis *axes,
                         const bool *const *is_outside, double value, int64_t count) {
  int64_t dims[PG_MAX_RANK];
  pgi_coords k;
  for (int i = 0; i < rank; i++) dims[i] = axes[i].out;
  pgi_coords_set(&k, rank, dims, 0);
  for (int64_t i = 0; i < count; i++, pgi_coords_next(&k)) {
    bool is_in = true;
    for (int d = 0; d < rank && is_in; d++) is_in = !(is_outside[d] && is_outside[d][k.at[d]]);
    if (is_in) continue;
    if (is_double)
      ((double *)work)[i] = value;
    else
      ((float *)work)[i] = (float)value;
  }
}

/* ---- all ------------------------------------------------------------------------------------- */

/* The axes that change, those that shrink most first. */
static int order_axes(const pgi_resize_way *way, const pgi_resize_axis *axes, int rank,
                      int *order) {
  int n = 0;
  for (int i = 0; i < rank; i++) {
    if (pgi_resize_is_same(way, &axes[i])) continue;
    int at = n++;
    double ratio = (double)axes[i].out / (double)axes[i].in;
    for (; at > 0; at--) {
      const pgi_resize_axis *before = &axes[order[at - 1]];
      if ((double)before->out / (double)before->in <= ratio) break;
      order[at] = order[at - 1];
    }
    order[at] = i;
  }
  return n;
}

static pg_status load_input(pgi_call *c, bool is_double, const void **out) {
  const pg_tensor *x = c->in[0];
  *out = pgi_tensor_data(x);
  if (x->dtype == (is_double ? PG_F64 : PG_F32)) return PG_OK;
  conversion v = {x, NULL, is_double};
  PG_TRY(pgi_scratch_array(c, pgi_tensor_count(x), is_double ? 8 : 4, &v.work));
  pgi_flat_loop(c, pgi_tensor_count(x), load, &v);
  *out = v.work;
  return PG_OK;
}

pg_status pgi_resize_passes(pgi_call *c, const pgi_resize_way *way, const pgi_resize_axis *axes) {
  const pg_tensor *x = c->in[0];
  pg_tensor *y = c->out[0];
  pgi_kind kind = pgi_dtype_kind(x->dtype);
  if (kind == PG_KIND_STRING || kind == PG_KIND_COMPLEX) {
    return pgi_fail(c->err, PG_INVALID, "mode: %s can only be resized by 'nearest'",
                    pg_dtype_name(x->dtype));
  }
  int order[PG_MAX_RANK], n = order_axes(way, axes, x->rank, order);
  if (n == 0) return pgi_tensor_copy_into(x, y, c->err);
  int64_t dims[PG_MAX_RANK], count;
  const bool *is_outside[PG_MAX_RANK] = {NULL};
  bool is_double = needs_double(x->dtype);
  bool is_direct = y->dtype == (is_double ? PG_F64 : PG_F32);
  pass p = {.is_double = is_double};
  memcpy(dims, x->dims, sizeof dims);
  PG_TRY(load_input(c, is_double, &p.x));
  for (int i = 0; i < n; i++) {
    int axis = order[i];
    p.outer = pgi_dims_product(dims, 0, axis);
    p.inner = pgi_dims_product(dims, axis + 1, x->rank);
    p.in = axes[axis].in;
    dims[axis] = p.out = axes[axis].out;
    PG_TRY(pgi_count(x->rank, dims, &count, c->err));
    PG_TRY(make_taps(c, way, &axes[axis], &p.taps));
    is_outside[axis] = p.taps.is_outside;
    p.y = pgi_tensor_data(y);
    if (i < n - 1 || !is_direct) PG_TRY(pgi_scratch_array(c, count, is_double ? 8 : 4, &p.y));
    run_pass(c, &p);
    p.x = p.y;
  }
  count = pgi_tensor_count(y);
  if (way->coordinates == PG_TF_CROP_AND_RESIZE) {
    double value = (double)pgi_attr_float(c->node, "extrapolation_value");
    fill_outside(p.y, is_double, x->rank, axes, is_outside, value, count);
  }
  conversion v = {y, p.y, is_double};
  if (!is_direct) pgi_flat_loop(c, count, store, &v);
  return PG_OK;
}
