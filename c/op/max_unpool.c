/* MaxUnpool: puts values back to where MaxPool's indices say, zeros elsewhere. */
#include "op/window.h"

/* The shape that the indices count in: what MaxPool with these attributes took. */
static pg_status pooled_dims(const pgi_node *node, int rank, const int64_t *x, int64_t *out,
                             pg_error *err) {
  pgi_window w;
  PG_TRY(pgi_window_read(node, rank, NULL, &w, err));
  out[0] = x[0];
  out[1] = x[1];
  for (int i = 0; i < w.n; i++) {
    if (x[2 + i] > INT64_MAX / 4 / w.stride[i]) return pgi_nomem(err);
    out[2 + i] = (x[2 + i] - 1) * w.stride[i] - w.before[i] - w.after[i] + w.kernel[i];
    if (out[2 + i] < 0) {
      return pgi_fail(err, PG_INVALID, "padding leaves nothing of spatial axis %d", i);
    }
  }
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  int rank = pgi_in_rank(inf, 0), n;
  int64_t x[PG_MAX_RANK], out[PG_MAX_RANK];
  if (rank < 0) return PG_OK;
  PG_TRY(pgi_check_spatial(rank, inf->err));
  inf->out[0].rank = rank;
  for (int i = 0; i < rank; i++) inf->out[0].dims[i] = pgi_dim_unknown();
  if (pgi_has_in(inf, 2)) {
    if (!pgi_known_i64s(inf, 2, out, PG_MAX_RANK, &n)) return PG_OK;
    if (n != rank) {
      return pgi_fail(inf->err, PG_INVALID, "output_shape: expected %d numbers, got %d", rank, n);
    }
    for (int i = 0; i < rank; i++) {
      if (out[i] < 0) {
        return pgi_fail(inf->err, PG_INVALID, "output_shape: expected numbers from 0, got %lld",
                        (long long)out[i]);
      }
    }
  } else {
    if (!pgi_known_dims(inf->in[0], x)) return PG_OK;
    PG_TRY(pooled_dims(inf->node, rank, x, out, inf->err));
  }
  for (int i = 0; i < rank; i++) inf->out[0].dims[i] = pgi_dim_of(out[i]);
  return PG_OK;
}

/* The place of an index of [pooled] in [y]; -1 when y has no such place. */
static int64_t place(int64_t index, int rank, const int64_t *pooled, const int64_t *y) {
  int64_t at = 0, step = 1;
  for (int i = rank - 1; i >= 0; i--) {
    int64_t p = index % pooled[i];
    index /= pooled[i];
    if (p >= y[i]) return -1;
    at += p * step;
    step *= y[i];
  }
  return at;
}

static pg_status run(pgi_call *call) {
  const pg_tensor *x = call->in[0], *indices = call->in[1];
  pg_tensor *y = call->out[0];
  int64_t pooled[PG_MAX_RANK], size;
  if (y->dtype == PG_NONE) {
    return pgi_fail(call->err, PG_INVALID, "output_shape: expected a vector of i64");
  }
  PG_TRY(pooled_dims(call->node, x->rank, x->dims, pooled, call->err));
  PG_TRY(pgi_count(x->rank, pooled, &size, call->err));
  if (indices->dtype != PG_I64 || !pgi_same_dims(x, indices)) {
    return pgi_fail(call->err, PG_INVALID, "indices: expected i64 in the shape of the values");
  }
  const int64_t *at = pgi_tensor_data(indices);
  size_t element = pgi_dtype_size(x->dtype), bytes;
  if (!pgi_dtype_bytes(y->dtype, pgi_tensor_count(y), &bytes)) return pgi_nomem(call->err);
  memset(pgi_tensor_data(y), 0, bytes);
  const char *from = pgi_tensor_data(x);
  char *to = pgi_tensor_data(y);
  bool is_same = pgi_tensor_count(y) == size && memcmp(y->dims, pooled, (size_t)x->rank * 8) == 0;
  for (int64_t i = 0, n = pgi_tensor_count(x); i < n; i++) {
    if (at[i] < 0 || at[i] >= size) {
      return pgi_fail(call->err, PG_INVALID, "index %lld: expected one below %lld",
                      (long long)at[i], (long long)size);
    }
    int64_t p = is_same ? at[i] : place(at[i], x->rank, pooled, y->dims);
    if (p >= 0) memcpy(to + (size_t)p * element, from + (size_t)i * element, element);
  }
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "kernel_shape", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "pads", .kind = PG_ATTR_INTS},
    {.name = "strides", .kind = PG_ATTR_INTS},
    {0}};

PG_OP(max_unpool) = {.name = "MaxUnpool",
                     .since = {9, 11, 22},
                     .in = {2, 3},
                     .out = {1, 1},
                     .types = PG_T_FLOAT,
                     .attrs = attrs,
                     .infer = infer,
                     .run = run};
