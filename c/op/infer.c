/* infer: what the operators' inference has in common.  Dimensions may be numbers, symbols or unknown;
** what can't be told stays unknown, and only a provable contradiction is an error. */
#include "op/op.h"

bool pgi_has_in(const pgi_infer *inf, int i) {
  return i < inf->n_in && inf->in[i] != NULL;
}

int pgi_in_rank(const pgi_infer *inf, int i) {
  return pgi_has_in(inf, i) && inf->in[i]->kind == PG_TYPE_TENSOR ? inf->in[i]->rank : -1;
}

pg_dtype pgi_in_dtype(const pgi_infer *inf, int i) {
  return pgi_has_in(inf, i) && inf->in[i]->kind == PG_TYPE_TENSOR ? inf->in[i]->dtype : PG_NONE;
}

/* ---- the shape of input 0 ----------------------------------------------------------------------- */

pg_status pgi_infer_same(pgi_infer *inf) {
  if (inf->n_out > 0 && pgi_has_in(inf, 0)) inf->out[0] = *inf->in[0];
  return PG_OK;
}

static void set_dtype(pgi_infer *inf, pg_dtype dtype) {
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = dtype;
}

pg_status pgi_infer_same_as_bool(pgi_infer *inf) {
  if (inf->n_out == 0) return PG_OK;
  if (pgi_in_rank(inf, 0) >= 0) inf->out[0] = *inf->in[0];
  set_dtype(inf, PG_BOOL);
  return PG_OK;
}

/* ---- broadcasting ------------------------------------------------------------------------------- */

/* One dimension of two broadcast together; false when they contradict. */
static bool join_dims(pgi_dim a, pgi_dim b, pgi_dim *out) {
  if (a.n == 1 || (a.n < 0 && b.n >= 0 && b.n != 1))
    *out = b;
  else if (b.n == 1 || b.n < 0)
    *out = a.n >= 0 || b.n == 1 || pgi_dim_equal(a, b) ? a : pgi_dim_unknown();
  else if (a.n == b.n)
    *out = a;
  else
    return false;
  return true;
}

static pg_status fail_broadcast(const pgi_type *a, const pgi_type *b, pg_error *err) {
  char text_a[300], text_b[300];
  pgi_text left = {text_a, sizeof text_a, 0}, right = {text_b, sizeof text_b, 0};
  pgi_type_text(a, &left);
  pgi_type_text(b, &right);
  return pgi_fail(err, PG_INVALID, "%s and %s don't broadcast together", text_a, text_b);
}

pg_status pgi_broadcast_dims(const pgi_type *a, const pgi_type *b, pgi_type *out, pg_error *err) {
  if (a->rank < 0 || b->rank < 0) {
    out->rank = -1;
    return PG_OK;
  }
  pgi_dim dims[PG_MAX_RANK] = {{0}};
  int rank = PG_MAX(a->rank, b->rank);
  for (int i = 1; i <= rank; i++) {
    pgi_dim da = i <= a->rank ? a->dims[a->rank - i] : pgi_dim_of(1);
    pgi_dim db = i <= b->rank ? b->dims[b->rank - i] : pgi_dim_of(1);
    if (!join_dims(da, db, &dims[rank - i])) return fail_broadcast(a, b, err);
  }
  out->rank = rank;
  memcpy(out->dims, dims, (size_t)rank * sizeof *dims);
  return PG_OK;
}

/* The shapes of all inputs joined into out 0, whose type must be the same for all. */
static pg_status join_inputs(pgi_infer *inf, pg_dtype *dtype) {
  *dtype = PG_NONE;
  pgi_type joined = pgi_type_tensor(PG_NONE);
  joined.rank = 0;
  for (int i = 0; i < inf->n_in; i++) {
    if (!inf->in[i]) continue;
    pg_dtype d = pgi_in_dtype(inf, i);
    if (d != PG_NONE && *dtype != PG_NONE && d != *dtype) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected %s, as before it, got %s", i,
                      pg_dtype_name(*dtype), pg_dtype_name(d));
    }
    if (*dtype == PG_NONE) *dtype = d;
    joined.dtype = *dtype;
    PG_TRY(pgi_broadcast_dims(&joined, inf->in[i], &joined, inf->err));
  }
  if (inf->n_out > 0) inf->out[0] = joined;
  return PG_OK;
}

pg_status pgi_infer_broadcast(pgi_infer *inf) {
  pg_dtype dtype;
  PG_TRY(join_inputs(inf, &dtype));
  if (inf->n_out > 0) set_dtype(inf, dtype);
  return PG_OK;
}

pg_status pgi_infer_broadcast_bool(pgi_infer *inf) {
  pg_dtype dtype;
  PG_TRY(join_inputs(inf, &dtype));
  if (inf->n_out > 0) set_dtype(inf, PG_BOOL);
  return PG_OK;
}

/* ---- axes and known content --------------------------------------------------------------------- */

pg_status pgi_axis(int64_t axis, int rank, int *out, pg_error *err) {
  if (axis < -rank || axis >= rank) {
    return pgi_fail(err, PG_INVALID, "axis: expected %d to %d for rank %d, got %lld", -rank,
                    rank - 1, rank, (long long)axis);
  }
  *out = (int)(axis < 0 ? axis + rank : axis);
  return PG_OK;
}

pg_status pgi_axes(const int64_t *axes, int n, int rank, bool *is_in, pg_error *err) {
  for (int i = 0; i < rank; i++) is_in[i] = false;
  for (int i = 0; i < n; i++) {
    int axis = 0;
    PG_TRY(pgi_axis(axes[i], rank, &axis, err));
    if (is_in[axis]) return pgi_fail(err, PG_INVALID, "axes: axis %d occurs twice", axis);
    is_in[axis] = true;
  }
  return PG_OK;
}

bool pgi_known_i64s(const pgi_infer *inf, int i, int64_t *out, int max, int *n) {
  if (i >= inf->n_in || !inf->value[i]) return false;
  const pg_tensor *t = inf->value[i];
  pgi_kind kind = pgi_dtype_kind(t->dtype);
  if (t->rank > 1 || (kind != PG_KIND_INT && kind != PG_KIND_UINT)) return false;
  int64_t count = pgi_tensor_count(t);
  *n = (int)PG_MIN(count, (int64_t)max);
  for (int k = 0; k < *n; k++) out[k] = pgi_tensor_get_i64(t, k);
  return true;
}
