/* sequence: tensors whose elements are tensors. */
#include "tensor/tensor.h"

pg_status pgi_sequence_new(pg_context *ctx, int64_t n, pg_tensor *out, pg_error *err) {
  return pgi_tensor_alloc(ctx, PG_SEQUENCE, 1, &n, out, err);
}

pg_tensor *pgi_sequence_at(const pg_tensor *seq, int64_t i) {
  return &((pg_tensor *)seq->buffer->data)[seq->offset + i * seq->strides[0]];
}
