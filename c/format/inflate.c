/* inflate: deflated data (RFC 1951) of a size that is known beforehand, through zlib. */
#include "format/format.h"

#define ZLIB_CONST
#include <zlib.h>

/* zlib counts in unsigned int: what is larger goes in pieces. */
enum { PIECE = 1 << 30 };

static void *take(void *ctx, unsigned n, unsigned size) {
  return size && n > SIZE_MAX / size ? NULL : pgi_alloc(ctx, (size_t)n * size);
}

static void give(void *ctx, void *p) {
  pgi_free(ctx, p);
}

static pg_status run(z_stream *z, const uint8_t *data, size_t size, uint8_t *out, size_t out_size,
                     pg_error *err) {
  size_t left = size, room = out_size;
  int result = Z_OK;
  z->next_in = data;
  z->next_out = out;
  while (result == Z_OK) {
    if (z->avail_in == 0) {
      z->avail_in = (unsigned)PG_MIN(left, (size_t)PIECE);
      left -= z->avail_in;
    }
    if (z->avail_out == 0) {
      z->avail_out = (unsigned)PG_MIN(room, (size_t)PIECE);
      room -= z->avail_out;
    }
    result = inflate(z, Z_NO_FLUSH);
  }
  if (result == Z_MEM_ERROR) return pgi_nomem(err);
  if (result != Z_STREAM_END || room + z->avail_out != 0)
    return pgi_fail(err, PG_FORMAT, "deflated data that doesn't give %zu bytes", out_size);
  return PG_OK;
}

pg_status pgi_inflate(pg_context *ctx, const void *data, size_t size, void *out, size_t out_size,
                      pg_error *err) {
  enum { RAW = -15 };
  uint8_t none;
  z_stream z = {.zalloc = take, .zfree = give, .opaque = ctx};
  if (inflateInit2(&z, RAW) != Z_OK) return pgi_nomem(err);
  pg_status status = run(&z, data, size, out_size ? out : &none, out_size, err);
  inflateEnd(&z);
  return status;
}
