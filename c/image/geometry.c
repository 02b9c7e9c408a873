/* Cropping, flipping, turning by quarters, padding.  What only moves pixels is a view and a copy. */
#include <math.h>

#include "image/image.h"

/* The rectangle as a view. */
static pg_status window(const pg_tensor *t, int64_t x, int64_t y, int64_t width, int64_t height,
                        pg_tensor *out, pg_error *err) {
  pg_tensor rows = {0};
  PG_TRY(pgi_view_slice(t, 0, y, height, 1, &rows, err));
  pg_status status = pgi_view_slice(&rows, 1, x, width, 1, out, err);
  pgi_tensor_clear(&rows);
  return status;
}

pg_status pgi_image_crop(const pg_tensor *image, int64_t x, int64_t y, int64_t width,
                         int64_t height, pg_tensor *out, pg_error *err) {
  pg_tensor view = {0};
  PG_TRY(pgi_image_check(image, "crop", err));
  if (width < 1 || height < 1 || x < 0 || y < 0 || x > image->dims[1] - width ||
      y > image->dims[0] - height)
    return pgi_fail(err, PG_INVALID, "crop: %lld x %lld at (%lld, %lld) is not inside %lld x %lld",
                    (long long)width, (long long)height, (long long)x, (long long)y,
                    (long long)image->dims[1], (long long)image->dims[0]);
  PG_TRY(window(image, x, y, width, height, &view, err));
  pg_status status = pgi_tensor_clone(&view, out, err);
  pgi_tensor_clear(&view);
  return status;
}

/* Transposed or not, then with columns and rows reversed or not. */
static pg_status rearrange(const pg_tensor *image, bool transpose, bool flip_x, bool flip_y,
                           pg_tensor *out, pg_error *err) {
  static const int swapped[3] = {1, 0, 2}, same[3] = {0, 1, 2};
  pg_tensor turned = {0}, x = {0}, y = {0};
  pg_status status = pgi_view_permute(image, transpose ? swapped : same, &turned, err);
  int64_t height = turned.dims[0], width = turned.dims[1];
  if (status == PG_OK)
    status = pgi_view_slice(&turned, 1, flip_x ? width - 1 : 0, width, flip_x ? -1 : 1, &x, err);
  if (status == PG_OK)
    status = pgi_view_slice(&x, 0, flip_y ? height - 1 : 0, height, flip_y ? -1 : 1, &y, err);
  if (status == PG_OK) status = pgi_tensor_clone(&y, out, err);
  pgi_tensor_clear(&turned);
  pgi_tensor_clear(&x);
  pgi_tensor_clear(&y);
  return status;
}

pg_status pgi_image_flip(const pg_tensor *image, bool is_horizontal, pg_tensor *out,
                         pg_error *err) {
  PG_TRY(pgi_image_check(image, "flip", err));
  return rearrange(image, false, is_horizontal, !is_horizontal, out, err);
}

pg_status pgi_image_turn(const pg_tensor *image, int turns, pg_tensor *out, pg_error *err) {
  PG_TRY(pgi_image_check(image, "rotate", err));
  switch (turns & 3) {
    case 1:
      return rearrange(image, true, false, true, out, err);
    case 2:
      return rearrange(image, false, true, true, out, err);
    case 3:
      return rearrange(image, true, true, false, out, err);
    default:
      return pgi_tensor_clone(image, out, err);
  }
}

/* ---- padding ------------------------------------------------------------------------------------ */

/* The input index that stands for index i, which may lie outside of [0, n). */
static int64_t border_index(int64_t i, int64_t n, pgi_border border) {
  if (i >= 0 && i < n) return i;
  if (border == PG_BORDER_EDGE || n == 1) return i < 0 ? 0 : n - 1;
  int64_t period = 2 * (n - 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
}

static void fill_row(char *row, int64_t n, const uint8_t *pixel, size_t size) {
  for (int64_t x = 0; x < n; x++, row += size) memcpy(row, pixel, size);
}

static void pad_rows(const pg_tensor *from, const pgi_margins *m, pgi_border border,
                     const pgi_color *fill, pg_tensor *to) {
  uint8_t pixel[16];
  size_t size = pgi_color_bytes(fill, from, pixel);
  int64_t width = from->dims[1], height = from->dims[0];
  size_t stride = (size_t)to->dims[1] * size;
  const char *data = pgi_tensor_data(from);
  char *row = pgi_tensor_data(to);
  for (int64_t y = 0; y < to->dims[0]; y++, row += stride) {
    int64_t inner = y - m->top;
    if (border == PG_BORDER_CONSTANT && (inner < 0 || inner >= height)) {
      fill_row(row, to->dims[1], pixel, size);
      continue;
    }
    const char *source = data + (size_t)(border_index(inner, height, border) * width) * size;
    memcpy(row + (size_t)m->left * size, source, (size_t)width * size);
    if (border == PG_BORDER_CONSTANT) {
      fill_row(row, m->left, pixel, size);
      fill_row(row + (size_t)(m->left + width) * size, m->right, pixel, size);
      continue;
    }
    for (int64_t x = 0; x < to->dims[1]; x = x == m->left - 1 ? m->left + width : x + 1) {
      if (x >= m->left && x < m->left + width) continue;
      memcpy(row + (size_t)x * size,
             source + (size_t)border_index(x - m->left, width, border) * size, size);
    }
  }
}

static bool is_margin(int64_t v) {
  return v >= 0 && v <= INT32_MAX;
}

pg_status pgi_image_pad(const pg_tensor *image, const pgi_margins *margins, pgi_border border,
                        const pgi_color *fill, pg_tensor *out, pg_error *err) {
  pg_tensor flat = {0};
  PG_TRY(pgi_image_check(image, "pad", err));
  if (!is_margin(margins->left) || !is_margin(margins->top) || !is_margin(margins->right) ||
      !is_margin(margins->bottom))
    return pgi_fail(err, PG_INVALID,
                    "pad: expected margins of 0 or more, got %lld, %lld, %lld, %lld",
                    (long long)margins->left, (long long)margins->top, (long long)margins->right,
                    (long long)margins->bottom);
  int64_t dims[3] = {image->dims[0] + margins->top + margins->bottom,
                     image->dims[1] + margins->left + margins->right, image->dims[2]};
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  pg_status status = pgi_tensor_alloc(flat.buffer->ctx, flat.dtype, 3, dims, out, err);
  if (status == PG_OK) pad_rows(&flat, margins, border, fill, out);
  pgi_tensor_clear(&flat);
  return status;
}

pg_status pgi_image_letterbox(const pg_tensor *image, int64_t height, int64_t width,
                              const char *filter, const pgi_color *fill, int threads,
                              pg_tensor *out, pgi_placement *placement, pg_error *err) {
  pg_tensor small = {0};
  PG_TRY(pgi_image_check(image, "letterbox", err));
  if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX)
    return pgi_fail(err, PG_INVALID, "letterbox: expected a size of 1 x 1 or more, got %lld x %lld",
                    (long long)width, (long long)height);
  double x = (double)width / (double)image->dims[1], y = (double)height / (double)image->dims[0];
  double scale = PG_MIN(x, y);
  int64_t w = (int64_t)lround((double)image->dims[1] * scale);
  int64_t h = (int64_t)lround((double)image->dims[0] * scale);
  w = PG_MAX(PG_MIN(w, width), 1);
  h = PG_MAX(PG_MIN(h, height), 1);
  pgi_margins m = {.left = (width - w) / 2, .top = (height - h) / 2};
  m.right = width - w - m.left;
  m.bottom = height - h - m.top;
  PG_TRY(pgi_image_resize(image, h, w, filter, threads, &small, err));
  pg_status status = pgi_image_pad(&small, &m, PG_BORDER_CONSTANT, fill, out, err);
  pgi_tensor_clear(&small);
  if (status == PG_OK) *placement = (pgi_placement){scale, m.left, m.top};
  return status;
}
