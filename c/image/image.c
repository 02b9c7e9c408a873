/* Pictures as such: what they are, files, element types. */
#include <math.h>
#include <strings.h>

#include "format/format.h"
#include "image/image.h"

enum { MAX_CHANNELS = 4 };

pg_status pgi_image_check(const pg_tensor *t, const char *what, pg_error *err) {
  char text[200];
  bool is_good = t && (t->dtype == PG_U8 || t->dtype == PG_F32) && t->rank == 3 &&
                 t->dims[2] >= 1 && t->dims[2] <= MAX_CHANNELS;
  if (!is_good && t)
    return pgi_fail(err, PG_INVALID, "%s: expected u8 or f32 [H,W,1 to 4], got %s", what,
                    pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
  if (!is_good) return pgi_fail(err, PG_INVALID, "%s: no image", what);
  if (t->dims[0] < 1 || t->dims[1] < 1)
    return pgi_fail(err, PG_INVALID, "%s: the image has no pixels", what);
  if (t->dims[0] > INT32_MAX || t->dims[1] > INT32_MAX)
    return pgi_fail(err, PG_INVALID, "%s: the image is too large", what);
  return PG_OK;
}

size_t pgi_color_bytes(const pgi_color *color, const pg_tensor *image, uint8_t bytes[16]) {
  if (image->dtype == PG_F32) {
    memcpy(bytes, color->value, 16);
    return (size_t)image->dims[2] * 4;
  }
  for (int c = 0; c < MAX_CHANNELS; c++) {
    float v = rintf(color->value[c]);
    bytes[c] = (uint8_t)(v > 0 ? PG_MIN(v, 255.0f) : 0);
  }
  return (size_t)image->dims[2];
}

/* ---- files -------------------------------------------------------------------------------------- */

pg_status pgi_image_read(pg_context *ctx, const char *path, bool deep, pg_tensor *out,
                         pg_error *err) {
  pgi_file file;
  PG_TRY(pgi_file_open(ctx, path, &file, err));
  pg_status status = pgi_picture_read(ctx, file.data, file.size, deep, out, err);
  pgi_file_close(&file);
  if (status != PG_OK) pgi_error_prefix(err, "%s", path);
  return status;
}

static bool ends_with(const char *path, const char *ending) {
  size_t n = strlen(path), m = strlen(ending);
  return n > m && strcasecmp(path + n - m, ending) == 0;
}

pg_status pgi_image_write(const pg_tensor *image, const char *path, int quality, pg_error *err) {
  bool is_png = ends_with(path, ".png");
  bool is_jpeg = ends_with(path, ".jpg") || ends_with(path, ".jpeg");
  if (!is_png && !is_jpeg)
    return pgi_fail(err, PG_UNSUPPORTED, "%s: expected a name that ends in .png, .jpg or .jpeg",
                    path);
  pg_tensor bytes = {0};
  if (is_png && image->dtype == PG_U16) return pgi_png_write(image, path, err);
  PG_TRY(pgi_image_cast(image, PG_U8, &bytes, err));
  pg_status status;
  if (is_png) {
    status = pgi_png_write(&bytes, path, err);
  } else if (bytes.dims[2] % 2 == 0) {
    status = pgi_fail(err, PG_UNSUPPORTED, "%s: JPEG has no alpha channel", path);
  } else {
    status = pgi_jpeg_write(&bytes, path, quality, err);
  }
  pgi_tensor_clear(&bytes);
  return status;
}

/* ---- element types ------------------------------------------------------------------------------ */

static uint8_t to_u8(float v) {
  v = rintf(v * 255.0f);
  return (uint8_t)(v > 0 ? PG_MIN(v, 255.0f) : 0); /* NaN is black */
}

static void cast_all(const pg_tensor *from, pg_tensor *to) {
  int64_t n = pgi_tensor_count(from);
  const uint8_t *u8 = pgi_tensor_data(from);
  const uint16_t *u16 = pgi_tensor_data(from);
  const float *f32 = pgi_tensor_data(from);
  uint8_t *bytes = pgi_tensor_data(to);
  float *floats = pgi_tensor_data(to);
  if (from->dtype == PG_U8) {
    for (int64_t i = 0; i < n; i++) floats[i] = (float)u8[i] / 255.0f;
  } else if (from->dtype == PG_F32) {
    for (int64_t i = 0; i < n; i++) bytes[i] = to_u8(f32[i]);
  } else if (to->dtype == PG_F32) {
    for (int64_t i = 0; i < n; i++) floats[i] = (float)u16[i] / 65535.0f;
  } else {
    for (int64_t i = 0; i < n; i++) bytes[i] = (uint8_t)((u16[i] * 255u + 32767u) / 65535u);
  }
}

pg_status pgi_image_cast(const pg_tensor *image, pg_dtype dtype, pg_tensor *out, pg_error *err) {
  pg_tensor flat = {0}, probe = *image;
  if (image->dtype == PG_U16) probe.dtype = PG_U8;
  PG_TRY(pgi_image_check(&probe, "image", err));
  if (dtype != PG_U8 && dtype != PG_F32)
    return pgi_fail(err, PG_INVALID, "an image is u8 or f32, not %s", pg_dtype_name(dtype));
  if (image->dtype == dtype) return pgi_tensor_clone(image, out, err);
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  pg_status status = pgi_tensor_alloc(flat.buffer->ctx, dtype, 3, flat.dims, out, err);
  if (status == PG_OK) cast_all(&flat, out);
  pgi_tensor_clear(&flat);
  return status;
}
