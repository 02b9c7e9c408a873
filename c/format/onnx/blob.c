/* blob: counted bytes under tensors, and the reader that hands them out. */
#include "format/onnx/onnx.h"

static pgi_blob *new_blob(pg_context *ctx) {
  pgi_blob *b = pgi_alloc_zero(ctx, sizeof *b);
  if (!b) return NULL;
  atomic_init(&b->refs, 1);
  pgi_context_retain(ctx);
  b->ctx = ctx;
  return b;
}

pg_status pgi_blob_open(pg_context *ctx, const char *path, const char *location, pgi_blob **out,
                        pg_error *err) {
  pgi_blob *b = new_blob(ctx);
  if (!b) return pgi_nomem(err);
  b->location = pgi_strdup(ctx, location);
  pg_status status = b->location ? pgi_file_open(ctx, path, &b->file, err) : pgi_nomem(err);
  if (status != PG_OK) {
    pgi_blob_release(b);
    return status;
  }
  b->data = b->file.data;
  b->size = b->file.size;
  *out = b;
  return PG_OK;
}

pg_status pgi_blob_wrap(pg_context *ctx, const void *data, size_t size, pgi_blob **out,
                        pg_error *err) {
  pgi_blob *b = new_blob(ctx);
  if (!b) return pgi_nomem(err);
  b->data = data;
  b->size = size;
  *out = b;
  return PG_OK;
}

void pgi_blob_release(pgi_blob *b) {
  if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
  pg_context *ctx = b->ctx;
  if (b->file.data) pgi_file_close(&b->file);
  if (b->release) b->release(b->owner);
  pgi_free(ctx, b->location);
  pgi_free(ctx, b);
  pg_context_release(ctx);
}

/* ---- the reader ----------------------------------------------------------------------------- */

/* Sparse tensors may grow: to a gigabyte in all, or to 64 times the file when that is more. */
enum { DENSE_LEAST = 1 << 30, DENSE_FACTOR = 64 };

void pgi_onnx_reader_init(pgi_onnx_reader *r, pg_context *ctx, const void *data, size_t size) {
  *r = (pgi_onnx_reader){.ctx = ctx, .data = data, .size = size};
  if (!pgi_mul_size(size, DENSE_FACTOR, &r->dense_left)) r->dense_left = SIZE_MAX;
  r->dense_left = PG_MAX(r->dense_left, (size_t)DENSE_LEAST);
  pgi_arena_init(&r->protos, ctx);
  r->arena = &r->protos;
  pgi_map_init(&r->symbols, ctx);
}

void pgi_onnx_reader_deinit(pgi_onnx_reader *r) {
  while (r->externals) {
    pgi_blob *b = r->externals;
    r->externals = b->next;
    pgi_blob_release(b);
  }
  pgi_map_deinit(&r->symbols);
  pgi_arena_deinit(&r->protos);
}
