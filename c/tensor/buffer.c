/* buffer: counted memory that tensors share. */
#include "tensor/tensor.h"

/* Data follow the header at the next boundary; the block is rounded up so that whole vectors may be
** read at its end. */
enum { HEADER = (int)((sizeof(pgi_buffer) + PG_ALIGN - 1) / PG_ALIGN * PG_ALIGN) };

static pgi_buffer *new_header(pg_context *ctx, size_t room) {
  size_t total;
  if (!pgi_add_size(room, HEADER + PG_ALIGN - 1, &total)) return NULL;
  pgi_buffer *b = pgi_alloc_aligned(ctx, total / PG_ALIGN * PG_ALIGN, PG_ALIGN);
  if (!b) return NULL;
  memset(b, 0, sizeof *b);
  atomic_init(&b->refs, 1);
  pgi_context_retain(ctx);
  b->ctx = ctx;
  return b;
}

pg_status pgi_buffer_new(pg_context *ctx, size_t bytes, pgi_buffer **out, pg_error *err) {
  pgi_buffer *b = new_header(ctx, bytes);
  if (!b) return pgi_fail(err, PG_NOMEM, "out of memory: %zu bytes for a tensor", bytes);
  b->data = (char *)b + HEADER;
  b->bytes = bytes;
  *out = b;
  return PG_OK;
}

pg_status pgi_buffer_new_objects(pg_context *ctx, pg_dtype dtype, int64_t n, pgi_buffer **out,
                                 pg_error *err) {
  size_t bytes;
  if (!pgi_dtype_bytes(dtype, n, &bytes)) return pgi_nomem(err);
  pgi_buffer *b = NULL;
  PG_TRY(pgi_buffer_new(ctx, bytes, &b, err));
  memset(b->data, 0, bytes);
  b->dtype = dtype;
  b->n_objects = n;
  *out = b;
  return PG_OK;
}

pg_status pgi_buffer_wrap(pg_context *ctx, void *data, size_t bytes, bool is_readonly,
                          void (*release)(void *owner), void *owner, pgi_buffer **out,
                          pg_error *err) {
  pgi_buffer *b = new_header(ctx, 0);
  if (!b) return pgi_nomem(err);
  b->is_readonly = is_readonly;
  b->data = data;
  b->bytes = bytes;
  b->release = release;
  b->owner = owner;
  *out = b;
  return PG_OK;
}

void pgi_buffer_retain(pgi_buffer *b) {
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

static void destroy_objects(pgi_buffer *b) {
  for (int64_t i = 0; i < b->n_objects; i++) {
    if (b->dtype == PG_STRING) {
      /* Owned by the buffer, const only for readers. */
      void *text;
      memcpy(&text, &((pg_string *)b->data)[i].data, sizeof text);
      pgi_free(b->ctx, text);
    } else {
      pgi_tensor_clear(&((pg_tensor *)b->data)[i]);
    }
  }
}

void pgi_buffer_release(pgi_buffer *b) {
  if (!b) return;
  if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
  pg_context *ctx = b->ctx;
  destroy_objects(b);
  if (b->release) b->release(b->owner);
  pgi_free(ctx, b);
  pg_context_release(ctx);
}
