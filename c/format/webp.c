/* WebP through libwebp, where it is installed (its interface of version 1: c functions on plain
** pointers).  The container (RFC 9649) is read here, as far as it says whether there is alpha. */
#include "format/format.h"

enum { MAX_SIDE = 1 << 14, LOSSLESS_MARK = 0x2F };
enum { FLAG_ANIMATION = 0x02, FLAG_ALPHA = 0x10 };

typedef int get_info_fn(const uint8_t *data, size_t size, int *width, int *height);
typedef uint8_t *decode_fn(const uint8_t *data, size_t size, uint8_t *to, size_t room, int stride);

bool pgi_webp_is(const void *data, size_t size) {
  const char *bytes = data;
  return size >= 21 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static pg_status look(const uint8_t *data, size_t size, bool *has_alpha, pg_error *err) {
  *has_alpha = false;
  if (memcmp(data + 12, "VP8X", 4) == 0) {
    if (data[20] & FLAG_ANIMATION)
      return pgi_fail(err, PG_UNSUPPORTED, "webp: an animation, not a picture");
    *has_alpha = (data[20] & FLAG_ALPHA) != 0;
  } else if (memcmp(data + 12, "VP8L", 4) == 0 && size > 24 && data[20] == LOSSLESS_MARK) {
    *has_alpha = data[24] >> 4 & 1; /* behind width and height of 14 bits each */
  }
  return PG_OK;
}

pg_status pgi_webp_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                        pg_error *err) {
  static const char *const symbols[] = {"WebPGetInfo", "WebPDecodeRGBInto", "WebPDecodeRGBAInto"};
  void *f[PG_COUNT(symbols)];
  int width = 0, height = 0;
  bool has_alpha;
  pg_tensor pixels = {0};
  if (!pgi_webp_is(data, size)) return pgi_fail(err, PG_FORMAT, "not a WebP file");
  PG_TRY(look(data, size, &has_alpha, err));
  pg_status status = pgi_library_open("libwebp.so.7", symbols, f, PG_COUNT(symbols), err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "webp");
    return status;
  }
  get_info_fn *get_info = (get_info_fn *)f[0];
  decode_fn *decode = (decode_fn *)f[has_alpha ? 2 : 1];
  if (!get_info(data, size, &width, &height) || width < 1 || height < 1 || width > MAX_SIDE ||
      height > MAX_SIDE)
    return pgi_fail(err, PG_FORMAT, "webp: a damaged header");
  int64_t dims[3] = {height, width, has_alpha ? 4 : 3};
  PG_TRY(pgi_tensor_alloc(ctx, PG_U8, 3, dims, &pixels, err));
  size_t bytes = (size_t)(dims[0] * dims[1] * dims[2]);
  if (decode(data, size, pgi_tensor_data(&pixels), bytes, (int)(dims[1] * dims[2]))) {
    *out = pixels;
    return PG_OK;
  }
  pgi_tensor_clear(&pixels);
  return pgi_fail(err, PG_FORMAT, "webp: a damaged or cut-off picture");
}
