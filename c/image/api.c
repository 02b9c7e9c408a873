/* The images of perigee.h. */
#include "image/image.h"

/* Grey, colour and alpha to any of them. */
static pg_status set_channels(pg_tensor *image, int channels, pg_error *err) {
  static const pgi_space spaces[] = {PG_GRAY, PG_GRAYA, PG_RGB, PG_RGBA};
  pg_tensor out = {0};
  if (channels == 0 || image->dims[2] == channels) return PG_OK;
  PG_TRY(pgi_image_color(image, spaces[image->dims[2] - 1], spaces[channels - 1], PG_GRAY_PIL, &out,
                         err));
  pgi_tensor_move(image, &out);
  return PG_OK;
}

pg_status pg_image_read(pg_context *ctx, const char *path, int channels, pg_tensor **out,
                        pg_error *err) {
  pg_tensor image = {0};
  if (channels < 0 || channels > 4)
    return pgi_fail(err, PG_INVALID, "expected 0 to 4 channels, got %d", channels);
  PG_TRY(pgi_image_read(ctx, path, false, &image, err));
  pg_status status = set_channels(&image, channels, err);
  if (status == PG_OK) status = pgi_tensor_to_handle(&image, out, err);
  pgi_tensor_clear(&image);
  return status;
}

pg_status pg_image_write(const pg_tensor *image, const char *path, int quality, pg_error *err) {
  if (!image) return pgi_fail(err, PG_INVALID, "write: no image");
  return pgi_image_write(image, path, quality, err);
}

pg_status pg_image_resize(const pg_tensor *image, int64_t height, int64_t width, const char *filter,
                          pg_tensor **out, pg_error *err) {
  pg_tensor resized = {0};
  PG_TRY(pgi_image_resize(image, height, width, filter, 1, &resized, err));
  pg_status status = pgi_tensor_to_handle(&resized, out, err);
  pgi_tensor_clear(&resized);
  return status;
}

pg_status pg_image_to_tensor(const pg_tensor *image, float scale, const float *mean,
                             const float *std, pg_tensor **out, pg_error *err) {
  pgi_normal n;
  pg_tensor t = {0};
  PG_TRY(pgi_image_check(image, "image", err));
  pgi_normal_init(&n);
  n.scale = scale;
  if (mean) memcpy(n.mean, mean, (size_t)image->dims[2] * sizeof *mean);
  if (std) memcpy(n.std, std, (size_t)image->dims[2] * sizeof *std);
  PG_TRY(pgi_image_to_tensor(image, &n, 1, &t, err));
  pg_status status = pgi_tensor_to_handle(&t, out, err);
  pgi_tensor_clear(&t);
  return status;
}
