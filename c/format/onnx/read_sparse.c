/* read_sparse: SparseTensorProto -> its three tensors, or a dense one. */
#include "format/onnx/onnx.h"

/* The element that entry i belongs to: given by one index, or by one for each dim. */
static pg_status locate(const pg_tensor *indices, int64_t i, int rank, const int64_t *dims,
                        int64_t count, int64_t *out, pg_error *err) {
  const int64_t *index = pgi_tensor_data(indices);
  if (indices->rank == 1 || count == 0) {
    *out = index[indices->rank == 1 ? i : i * rank];
    if (*out >= 0 && *out < count) return PG_OK;
    return pgi_fail(err, PG_FORMAT, "index %lld of %lld elements", (long long)*out,
                    (long long)count);
  }
  int64_t at = 0;
  for (int d = 0; d < rank; d++) {
    int64_t k = index[i * rank + d];
    if (k < 0 || k >= dims[d]) {
      return pgi_fail(err, PG_FORMAT, "index %lld in dimension %d of size %lld", (long long)k, d,
                      (long long)dims[d]);
    }
    at = at * dims[d] + k;
  }
  *out = at;
  return PG_OK;
}

static pg_status check_parts(const proto_sparse *p, const pg_tensor *values,
                             const pg_tensor *indices, pg_error *err) {
  int64_t count, at;
  if (pgi_count((int)p->n_dims, p->dims, &count, NULL) != PG_OK) {
    return pgi_fail(err, PG_FORMAT, "its dims are negative or overflow");
  }
  if (values->rank != 1 || indices->dtype != PG_I64 || indices->rank < 1 || indices->rank > 2 ||
      indices->dims[0] != values->dims[0] || p->n_dims == 0 ||
      (indices->rank == 2 && indices->dims[1] != (int64_t)p->n_dims)) {
    char v[400], i[400];
    pgi_shape_text(values->dtype, values->rank, values->dims, v, sizeof v);
    pgi_shape_text(indices->dtype, indices->rank, indices->dims, i, sizeof i);
    return pgi_fail(err, PG_FORMAT, "values %.200s with indices %.200s for rank %zu", v, i,
                    p->n_dims);
  }
  for (int64_t i = 0; i < values->dims[0]; i++) {
    PG_TRY(locate(indices, i, (int)p->n_dims, p->dims, count, &at, err));
  }
  return PG_OK;
}

static pg_status read_parts(pgi_onnx_reader *r, const proto_sparse *p, pg_tensor *triple,
                            pg_error *err) {
  if (!p->values || !p->indices) return pgi_fail(err, PG_FORMAT, "has no values or no indices");
  if (p->n_dims > PG_MAX_RANK) {
    return pgi_fail(err, PG_UNSUPPORTED, "rank %zu, this build has at most %d", p->n_dims,
                    PG_MAX_RANK);
  }
  PG_TRY(pgi_onnx_read_tensor(r, p->values, &triple[0], err));
  PG_TRY(pgi_onnx_read_tensor(r, p->indices, &triple[1], err));
  PG_TRY(pgi_tensor_i64s(r->ctx, (int64_t)p->n_dims, p->dims, &triple[2], err));
  return check_parts(p, &triple[0], &triple[1], err);
}

static void clear_triple(pg_tensor *triple) {
  for (int i = 0; i < 3; i++) pgi_tensor_clear(&triple[i]);
}

static void prefix(const proto_sparse *p, pg_error *err) {
  const char *name = p->values && p->values->name ? p->values->name : "";
  pgi_error_prefix(err, "sparse tensor '%.200s'", name);
}

pg_status pgi_onnx_read_sparse(pgi_onnx_reader *r, const proto_sparse *p, pg_tensor *triple,
                               pg_error *err) {
  memset(triple, 0, 3 * sizeof *triple);
  pg_status status = read_parts(r, p, triple, err);
  if (status != PG_OK) {
    clear_triple(triple);
    prefix(p, err);
  }
  return status;
}

static pg_status spread(const pg_tensor *triple, pg_tensor *out, pg_error *err) {
  size_t size = pgi_dtype_size(out->dtype);
  int64_t count = pgi_tensor_count(out);
  char *to = pgi_tensor_data(out);
  const char *from = pgi_tensor_data(&triple[0]);
  memset(to, 0, (size_t)count * size);
  for (int64_t i = 0; i < triple[0].dims[0]; i++) {
    int64_t at;
    PG_TRY(locate(&triple[1], i, out->rank, out->dims, count, &at, err));
    memcpy(to + (size_t)at * size, from + (size_t)i * size, size);
  }
  return PG_OK;
}

/* A few bytes in a file must not become all of the memory. */
static pg_status make_dense(pgi_onnx_reader *r, const proto_sparse *p, const pg_tensor *triple,
                            pg_tensor *out, pg_error *err) {
  pg_dtype dtype = triple[0].dtype;
  int64_t count;
  size_t bytes;
  if (dtype == PG_STRING || pgi_dtype_size(dtype) == 0) {
    return pgi_fail(err, PG_UNSUPPORTED, "of %s elements", pg_dtype_name(dtype));
  }
  PG_TRY(pgi_count((int)p->n_dims, p->dims, &count, err));
  if (!pgi_dtype_bytes(dtype, count, &bytes) || bytes > r->dense_left) {
    return pgi_fail(err, PG_FORMAT, "dense it would have %lld elements: too many for this file",
                    (long long)count);
  }
  r->dense_left -= bytes;
  PG_TRY(pgi_tensor_alloc(r->ctx, dtype, (int)p->n_dims, p->dims, out, err));
  pg_status status = spread(triple, out, err);
  if (status != PG_OK) pgi_tensor_clear(out);
  return status;
}

pg_status pgi_onnx_read_dense(pgi_onnx_reader *r, const proto_sparse *p, pg_tensor *out,
                              pg_error *err) {
  pg_tensor triple[3];
  PG_TRY(pgi_onnx_read_sparse(r, p, triple, err));
  pg_status status = make_dense(r, p, triple, out, err);
  clear_triple(triple);
  if (status != PG_OK) prefix(p, err);
  return status;
}
