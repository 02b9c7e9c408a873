/* view: other strides over the same buffer. */
#include "tensor/tensor.h"

static pg_status share(const pg_tensor *changed, pg_tensor *out) {
  if (changed->buffer) pgi_buffer_retain(changed->buffer);
  *out = *changed;
  return PG_OK;
}

static pg_status check_axis(const pg_tensor *t, int axis, pg_error *err) {
  if (axis >= 0 && axis < t->rank) return PG_OK;
  return pgi_fail(err, PG_INVALID, "axis: expected 0 to %d, got %d", (int)t->rank - 1, axis);
}

pg_status pgi_view_slice(const pg_tensor *t, int axis, int64_t start, int64_t count, int64_t step,
                         pg_tensor *out, pg_error *err) {
  PG_TRY(check_axis(t, axis, err));
  int64_t dim = t->dims[axis];
  int64_t span = 0, last = start;
  bool is_inside = start >= 0 && start <= dim && count >= 0 && step != 0;
  if (is_inside && count > 0) {
    is_inside = !__builtin_mul_overflow(count - 1, step, &span) &&
                !__builtin_add_overflow(start, span, &last) && start < dim && last >= 0 &&
                last < dim;
  }
  if (!is_inside) {
    return pgi_fail(err, PG_INVALID,
                    "slice: start %lld, count %lld, step %lld leave axis %d of size %lld",
                    (long long)start, (long long)count, (long long)step, axis, (long long)dim);
  }
  pg_tensor view = *t;
  view.dims[axis] = count;
  if (count > 0) view.offset += start * t->strides[axis];
  if (count > 1) view.strides[axis] = t->strides[axis] * step;
  return share(&view, out);
}

pg_status pgi_view_permute(const pg_tensor *t, const int *perm, pg_tensor *out, pg_error *err) {
  pg_tensor view = *t;
  unsigned seen = 0;
  for (int i = 0; i < t->rank; i++) {
    PG_TRY(check_axis(t, perm[i], err));
    if (seen >> perm[i] & 1) {
      return pgi_fail(err, PG_INVALID, "permutation: axis %d occurs twice", perm[i]);
    }
    seen |= 1u << perm[i];
    view.dims[i] = t->dims[perm[i]];
    view.strides[i] = t->strides[perm[i]];
  }
  return share(&view, out);
}

static pg_status fail_shapes(const char *what, const pg_tensor *t, int rank, const int64_t *dims,
                             pg_error *err) {
  char from[400], to[400];
  pgi_shape_text(t->dtype, t->rank, t->dims, from, sizeof from);
  pgi_shape_text(t->dtype, rank, dims, to, sizeof to);
  return pgi_fail(err, PG_INVALID, "%s: %s doesn't go into %s", what, from, to);
}

pg_status pgi_view_expand(const pg_tensor *t, int rank, const int64_t *dims, pg_tensor *out,
                          pg_error *err) {
  int64_t count;
  PG_TRY(pgi_count(rank, dims, &count, err));
  if (rank < t->rank) return fail_shapes("expand", t, rank, dims, err);
  pg_tensor view = *t;
  view.rank = rank;
  for (int i = 0; i < rank; i++) {
    int from = i - (rank - t->rank);
    bool is_same = from >= 0 && t->dims[from] == dims[i];
    if (!is_same && from >= 0 && t->dims[from] != 1) {
      return fail_shapes("expand", t, rank, dims, err);
    }
    view.dims[i] = dims[i];
    view.strides[i] = is_same ? t->strides[from] : 0;
  }
  return share(&view, out);
}

/* The stride of the innermost of axes [first, end) when together they step evenly, as one axis
** would; false when they don't.  Axes of size 1 don't step. */
static bool common_stride(const pg_tensor *t, int first, int end, int64_t *stride) {
  bool has_inner = false;
  int64_t expected = 0;
  *stride = 0;
  for (int k = end - 1; k >= first; k--) {
    if (t->dims[k] == 1) continue;
    if (has_inner && t->strides[k] != expected) return false;
    if (!has_inner) *stride = t->strides[k];
    has_inner = true;
    expected = t->strides[k] * t->dims[k];
  }
  return true;
}

/* Strides for `dims` over the same elements in the same order.  Both shapes are walked in groups of
** equal product; the old axes of a group must step as one. */
static bool restride(const pg_tensor *t, int rank, const int64_t *dims, int64_t *strides) {
  int i = 0, j = 0;
  while (i < t->rank || j < rank) {
    int first = i, last = j;
    int64_t old = i < t->rank ? t->dims[i++] : 1;
    int64_t new = j < rank ? dims[j++] : 1;
    while (old != new) {
      if (old < new)
        old *= t->dims[i++];
      else
        new *= dims[j++];
    }
    int64_t stride;
    if (!common_stride(t, first, i, &stride)) return false;
    for (int k = j - 1; k >= last; k--) {
      strides[k] = stride;
      stride *= dims[k];
    }
  }
  return true;
}

static void dense_strides(int rank, const int64_t *dims, int64_t *strides) {
  uint64_t stride = 1;
  for (int i = rank - 1; i >= 0; i--) {
    strides[i] = (int64_t)stride;
    stride *= (uint64_t)dims[i];
  }
}

pg_status pgi_view_reshape(const pg_tensor *t, int rank, const int64_t *dims, pg_tensor *out,
                           pg_error *err) {
  int64_t count;
  PG_TRY(pgi_count(rank, dims, &count, err));
  if (count != pgi_tensor_count(t)) return fail_shapes("reshape", t, rank, dims, err);
  pg_tensor view = *t;
  view.rank = rank;
  for (int i = 0; i < rank; i++) view.dims[i] = dims[i];
  if (count == 0 || pgi_tensor_is_contiguous(t))
    dense_strides(rank, dims, view.strides);
  else if (!restride(t, rank, dims, view.strides)) {
    return fail_shapes("reshape without a copy", t, rank, dims, err);
  }
  return share(&view, out);
}

pg_status pgi_view_select(const pg_tensor *t, int axis, int64_t index, pg_tensor *out,
                          pg_error *err) {
  PG_TRY(check_axis(t, axis, err));
  if (index < 0 || index >= t->dims[axis]) {
    return pgi_fail(err, PG_INVALID, "index: expected 0 to %lld on axis %d, got %lld",
                    (long long)t->dims[axis] - 1, axis, (long long)index);
  }
  pg_tensor view = *t;
  view.offset += index * t->strides[axis];
  view.rank--;
  for (int i = axis; i < view.rank; i++) {
    view.dims[i] = t->dims[i + 1];
    view.strides[i] = t->strides[i + 1];
  }
  return share(&view, out);
}

pg_status pgi_view_bitcast(const pg_tensor *t, pg_dtype dtype, pg_tensor *out, pg_error *err) {
  int bits = pg_dtype_bits(dtype);
  if (bits == 0 || bits != pg_dtype_bits(t->dtype)) {
    return pgi_fail(err, PG_INVALID, "bitcast: %s and %s differ in width", pg_dtype_name(t->dtype),
                    pg_dtype_name(dtype));
  }
  if (!pgi_tensor_is_contiguous(t)) {
    return pgi_fail(err, PG_INVALID, "bitcast: expected a contiguous tensor");
  }
  pg_tensor view = *t;
  view.dtype = dtype;
  return share(&view, out);
}
