/* Pictures of any format, told apart by their first bytes. */
#include "format/format.h"

/* Each orientation is a transposition or none, then a flip of columns, of rows, of both. */
pg_status pgi_picture_orient(pg_tensor *t, int orientation, pg_error *err) {
  static const struct {
    bool transpose, flip_x, flip_y;
  } steps[9] = {[2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true},
                [5] = {true, false, false}, [6] = {true, true, false}, [7] = {true, true, true},
                [8] = {true, false, true}};
  static const int swapped[3] = {1, 0, 2}, same[3] = {0, 1, 2};
  if (orientation == 1) return PG_OK;
  pg_tensor turned = {0}, x = {0}, y = {0}, dense = {0};
  pg_status status =
      pgi_view_permute(t, steps[orientation].transpose ? swapped : same, &turned, err);
  int64_t height = turned.dims[0], width = turned.dims[1];
  bool fx = steps[orientation].flip_x, fy = steps[orientation].flip_y;
  if (status == PG_OK)
    status = pgi_view_slice(&turned, 1, fx ? width - 1 : 0, width, fx ? -1 : 1, &x, err);
  if (status == PG_OK)
    status = pgi_view_slice(&x, 0, fy ? height - 1 : 0, height, fy ? -1 : 1, &y, err);
  if (status == PG_OK) status = pgi_tensor_clone(&y, &dense, err);
  if (status == PG_OK) pgi_tensor_move(t, &dense);
  pgi_tensor_clear(&turned);
  pgi_tensor_clear(&x);
  pgi_tensor_clear(&y);
  return status;
}

static bool starts_with(const void *data, size_t size, const char *start, size_t n) {
  return size >= n && memcmp(data, start, n) == 0;
}

pg_status pgi_picture_read(pg_context *ctx, const void *data, size_t size, bool deep,
                           pg_tensor *out, pg_error *err) {
  if (starts_with(data, size, "\x89PNG", 4)) return pgi_png_read(ctx, data, size, deep, out, err);
  if (starts_with(data, size, "\xFF\xD8", 2)) return pgi_jpeg_read(ctx, data, size, 1, out, err);
  if (pgi_webp_is(data, size)) return pgi_webp_read(ctx, data, size, out, err);
  if (pgi_tiff_is(data, size)) return pgi_tiff_read(ctx, data, size, out, err);
  if (pgi_jp2_is(data, size)) return pgi_jp2_read(ctx, data, size, out, err);
  if (pgi_pnm_is(data, size)) return pgi_pnm_read(ctx, data, size, deep, out, err);
  if (starts_with(data, size, "BM", 2)) return pgi_bmp_read(ctx, data, size, out, err);
  return pgi_fail(err, PG_FORMAT,
                  "not a picture: neither PNG, JPEG, BMP, PNM, WebP, TIFF nor JPEG 2000");
}
