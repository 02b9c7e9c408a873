/* Colour spaces.  Every conversion goes through RGB, a row at a time, in two loops: a source space
** to RGB, RGB to the target.  u8 arithmetic is Pillow's where Pillow has the conversion. */
#include <math.h>

#include "image/image.h"

static const struct {
  const char *name;
  int channels;
} spaces[] = {[PG_GRAY] = {"gray", 1},  [PG_GRAYA] = {"graya", 2}, [PG_RGB] = {"rgb", 3},
              [PG_RGBA] = {"rgba", 4},  [PG_BGR] = {"bgr", 3},     [PG_HSV] = {"hsv", 3},
              [PG_YCBCR] = {"ycbcr", 3}};

bool pgi_space_from_name(const char *name, pgi_space *out) {
  for (int i = 0; i < PG_COUNT(spaces); i++) {
    if (strcmp(name, spaces[i].name) != 0) continue;
    *out = (pgi_space)i;
    return true;
  }
  return false;
}

static uint8_t clip(double v) {
  return (uint8_t)(v > 0 ? PG_MIN(v, 255.0) : 0);
}

/* a * b / 255 without a division, rounded. */
static uint8_t mul_255(unsigned a, unsigned b) {
  unsigned v = a * b + 128;
  return (uint8_t)((v + (v >> 8)) >> 8);
}

/* ---- hue, saturation, value --------------------------------------------------------------------- */

/* All of 0 to 1.  (Smith, "Color gamut transform pairs", 1978.) */
static void hsv_of(const float rgb[3], float hsv[3]) {
  float high = PG_MAX(PG_MAX(rgb[0], rgb[1]), rgb[2]);
  float low = PG_MIN(PG_MIN(rgb[0], rgb[1]), rgb[2]);
  float range = high - low;
  hsv[0] = hsv[1] = 0;
  hsv[2] = high;
  if (!(range > 0) || !(high > 0)) return;
  float r = (high - rgb[0]) / range, g = (high - rgb[1]) / range, b = (high - rgb[2]) / range;
  double hue = rgb[0] == high   ? (double)(b - g)
               : rgb[1] == high ? 2.0 + (double)r - (double)b
                                : 4.0 + (double)g - (double)r;
  hsv[0] = (float)fmod(hue / 6.0 + 1.0, 1.0);
  hsv[1] = range / high;
}

/* Red, green and blue for value v: v itself, the lowest, falling and rising. */
static void hsv_sector(int sector, float v, float low, float falling, float rising, float rgb[3]) {
  const float table[6][3] = {{v, rising, low},  {falling, v, low}, {low, v, rising},
                             {low, falling, v}, {rising, low, v},  {v, low, falling}};
  memcpy(rgb, table[sector], sizeof table[0]);
}

static void rgb_of_hsv(const float hsv[3], float rgb[3]) {
  float turn = hsv[0] * 6, whole = floorf(turn), f = turn - whole, s = hsv[1], v = hsv[2];
  int sector = (int)fmodf(whole, 6);
  if (!(turn > -1e6f && turn < 1e6f)) sector = 0, f = 0;
  if (sector < 0) sector += 6;
  hsv_sector(sector, v, v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f)), rgb);
}

static void hsv_of_u8(const uint8_t *rgb, uint8_t *hsv) {
  float in[3] = {rgb[0], rgb[1], rgb[2]}, out[3];
  hsv_of(in, out);
  hsv[0] = clip((double)out[0] * 255.0);
  hsv[1] = clip((double)out[1] * 255.0);
  hsv[2] = (uint8_t)out[2];
}

static void rgb_of_hsv_u8(const uint8_t *hsv, uint8_t *rgb) {
  float v = hsv[2], s = (float)hsv[1] / 255.0f, out[3];
  float turn = (float)hsv[0] * 6.0f / 255.0f, whole = floorf(turn), f = turn - whole;
  hsv_sector((int)whole % 6, v, roundf(v * (1 - s)), roundf(v * (1 - s * f)),
             roundf(v * (1 - s * (1 - f))), out);
  for (int c = 0; c < 3; c++) rgb[c] = clip((double)out[c]);
}

/* ---- luminance and chrominance (ITU-T T.871) ----------------------------------------------------- */

static uint8_t gray_of_u8(const uint8_t *p, pgi_gray gray) {
  if (gray == PG_GRAY_CV)
    return (uint8_t)((p[0] * 9798u + p[1] * 19235u + p[2] * 3735u + 16384u) >> 15);
  return (uint8_t)((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
}

static float gray_of(const float *p) {
  return p[0] * 0.299f + p[1] * 0.587f + p[2] * 0.114f;
}

static void ycc_of(const double rgb[3], double half, double ycc[3]) {
  double r = rgb[0], g = rgb[1], b = rgb[2];
  ycc[0] = 0.299 * r + 0.587 * g + 0.114 * b;
  ycc[1] = -0.168735892 * r - 0.331264108 * g + 0.5 * b + half;
  ycc[2] = 0.5 * r - 0.418687589 * g - 0.081312411 * b + half;
}

static void rgb_of_ycc(const double ycc[3], double half, double rgb[3]) {
  double y = ycc[0], cb = ycc[1] - half, cr = ycc[2] - half;
  rgb[0] = y + 1.402 * cr;
  rgb[1] = y - 0.344136286 * cb - 0.714136286 * cr;
  rgb[2] = y + 1.772 * cb;
}

/* One of the two above on three bytes or floats. */
static void ycc_pixel_u8(const uint8_t *from, uint8_t *to, bool is_back) {
  double in[3] = {from[0], from[1], from[2]}, out[3];
  if (is_back)
    rgb_of_ycc(in, 128, out);
  else
    ycc_of(in, 128, out);
  for (int c = 0; c < 3; c++) to[c] = clip(floor(out[c] + 0.5));
}

static void ycc_pixel_f32(const float *from, float *to, bool is_back) {
  double in[3] = {(double)from[0], (double)from[1], (double)from[2]}, out[3];
  if (is_back)
    rgb_of_ycc(in, 128.0 / 255, out);
  else
    ycc_of(in, 128.0 / 255, out);
  for (int c = 0; c < 3; c++) to[c] = (float)out[c];
}

/* ---- rows: any space to RGBA, RGBA to any space --------------------------------------------------- */

static void unpack_u8(pgi_space space, const uint8_t *from, int64_t n, uint8_t *to) {
  int step = spaces[space].channels;
  for (int64_t i = 0; i < n; i++, from += step, to += 4) {
    to[3] = space == PG_RGBA ? from[3] : space == PG_GRAYA ? from[1] : 255;
    switch (space) {
      case PG_GRAY:
      case PG_GRAYA:
        to[0] = to[1] = to[2] = from[0];
        break;
      case PG_RGB:
      case PG_RGBA:
        memcpy(to, from, 3);
        break;
      case PG_BGR:
        to[0] = from[2], to[1] = from[1], to[2] = from[0];
        break;
      case PG_HSV:
        rgb_of_hsv_u8(from, to);
        break;
      case PG_YCBCR:
        ycc_pixel_u8(from, to, true);
        break;
    }
  }
}

static void pack_u8(pgi_space space, pgi_gray gray, const uint8_t *from, int64_t n, uint8_t *to) {
  int step = spaces[space].channels;
  for (int64_t i = 0; i < n; i++, from += 4, to += step) {
    switch (space) {
      case PG_GRAYA:
        to[1] = from[3];
        to[0] = gray_of_u8(from, gray);
        break;
      case PG_GRAY:
        to[0] = gray_of_u8(from, gray);
        break;
      case PG_RGBA:
        memcpy(to, from, 4);
        break;
      case PG_RGB:
        memcpy(to, from, 3);
        break;
      case PG_BGR:
        to[0] = from[2], to[1] = from[1], to[2] = from[0];
        break;
      case PG_HSV:
        hsv_of_u8(from, to);
        break;
      case PG_YCBCR:
        ycc_pixel_u8(from, to, false);
        break;
    }
  }
}

static void unpack_f32(pgi_space space, const float *from, int64_t n, float *to) {
  int step = spaces[space].channels;
  for (int64_t i = 0; i < n; i++, from += step, to += 4) {
    to[3] = space == PG_RGBA ? from[3] : space == PG_GRAYA ? from[1] : 1;
    switch (space) {
      case PG_GRAY:
      case PG_GRAYA:
        to[0] = to[1] = to[2] = from[0];
        break;
      case PG_RGB:
      case PG_RGBA:
        memcpy(to, from, 12);
        break;
      case PG_BGR:
        to[0] = from[2], to[1] = from[1], to[2] = from[0];
        break;
      case PG_HSV:
        rgb_of_hsv(from, to);
        break;
      case PG_YCBCR:
        ycc_pixel_f32(from, to, true);
        break;
    }
  }
}

static void pack_f32(pgi_space space, const float *from, int64_t n, float *to) {
  int step = spaces[space].channels;
  for (int64_t i = 0; i < n; i++, from += 4, to += step) {
    switch (space) {
      case PG_GRAYA:
        to[1] = from[3];
        to[0] = gray_of(from);
        break;
      case PG_GRAY:
        to[0] = gray_of(from);
        break;
      case PG_RGBA:
        memcpy(to, from, 16);
        break;
      case PG_RGB:
        memcpy(to, from, 12);
        break;
      case PG_BGR:
        to[0] = from[2], to[1] = from[1], to[2] = from[0];
        break;
      case PG_HSV:
        hsv_of(from, to);
        break;
      case PG_YCBCR:
        ycc_pixel_f32(from, to, false);
        break;
    }
  }
}

/* Short runs, so that the RGBA between stays in the first cache. */
static void convert_all(const pg_tensor *image, pgi_space from, pgi_space to, pgi_gray gray,
                        pg_tensor *out) {
  enum { RUN = 256 };
  float rgba[RUN * 4];
  int64_t n = image->dims[0] * image->dims[1], step = image->dims[2], out_step = out->dims[2];
  bool is_same_gray = spaces[from].channels <= 2 && spaces[to].channels <= 2;
  for (int64_t i = 0; i < n; i += RUN) {
    int64_t m = PG_MIN(n - i, (int64_t)RUN);
    if (image->dtype == PG_U8) {
      uint8_t *bytes = (uint8_t *)rgba, *target = (uint8_t *)pgi_tensor_data(out) + i * out_step;
      unpack_u8(from, (uint8_t *)pgi_tensor_data(image) + i * step, m, bytes);
      pack_u8(to, gray, bytes, m, target);
    } else {
      float *target = (float *)pgi_tensor_data(out) + i * out_step;
      unpack_f32(from, (float *)pgi_tensor_data(image) + i * step, m, rgba);
      pack_f32(to, rgba, m, target);
      /* The weights' sum is 1 but for the last bit. */
      for (int64_t k = 0; is_same_gray && k < m; k++) target[k * out_step] = rgba[k * 4];
    }
  }
}

pg_status pgi_image_color(const pg_tensor *image, pgi_space from, pgi_space to, pgi_gray gray,
                          pg_tensor *out, pg_error *err) {
  pg_tensor flat = {0};
  PG_TRY(pgi_image_check(image, "colour", err));
  if (image->dims[2] != spaces[from].channels)
    return pgi_fail(err, PG_INVALID, "%s: expected %d channels, got %lld", spaces[from].name,
                    spaces[from].channels, (long long)image->dims[2]);
  if (from == to) return pgi_tensor_clone(image, out, err);
  int64_t dims[3] = {image->dims[0], image->dims[1], spaces[to].channels};
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  pg_status status = pgi_tensor_alloc(flat.buffer->ctx, flat.dtype, 3, dims, out, err);
  if (status == PG_OK) convert_all(&flat, from, to, gray, out);
  pgi_tensor_clear(&flat);
  return status;
}

/* ---- alpha -------------------------------------------------------------------------------------- */

static void compose_all(const pg_tensor *image, const pgi_color *over, pg_tensor *out) {
  int64_t n = image->dims[0] * image->dims[1];
  int colors = (int)out->dims[2];
  const uint8_t *bytes = pgi_tensor_data(image);
  const float *floats = pgi_tensor_data(image);
  uint8_t *to_bytes = pgi_tensor_data(out);
  float *to_floats = pgi_tensor_data(out);
  for (int64_t i = 0; i < n; i++) {
    int64_t at = i * (colors + 1);
    for (int c = 0; c < colors; c++) {
      if (image->dtype == PG_F32) {
        float a = floats[at + colors];
        to_floats[i * colors + c] = floats[at + c] * a + over->value[c] * (1 - a);
      } else {
        double a = bytes[at + colors] / 255.0, back = clip((double)rintf(over->value[c]));
        to_bytes[i * colors + c] = clip(floor(bytes[at + c] * a + back * (1 - a) + 0.5));
      }
    }
  }
}

pg_status pgi_image_compose(const pg_tensor *image, const pgi_color *over, pg_tensor *out,
                            pg_error *err) {
  pg_tensor flat = {0};
  PG_TRY(pgi_image_check(image, "compose", err));
  if (image->dims[2] % 2) return pgi_tensor_clone(image, out, err);
  int64_t dims[3] = {image->dims[0], image->dims[1], image->dims[2] - 1};
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  pg_status status = pgi_tensor_alloc(flat.buffer->ctx, flat.dtype, 3, dims, out, err);
  if (status == PG_OK) compose_all(&flat, over, out);
  pgi_tensor_clear(&flat);
  return status;
}

static void premultiply_u8(uint8_t *pixel, int64_t n, int step) {
  for (int64_t i = 0; i < n; i++, pixel += step)
    for (int c = 0; c < step - 1; c++) pixel[c] = mul_255(pixel[c], pixel[step - 1]);
}

static void premultiply_f32(float *pixel, int64_t n, int step) {
  for (int64_t i = 0; i < n; i++, pixel += step)
    for (int c = 0; c < step - 1; c++) pixel[c] *= pixel[step - 1];
}

void pgi_image_premultiply(pg_tensor *image) {
  int64_t n = image->dims[0] * image->dims[1];
  int step = (int)image->dims[2];
  if (image->dtype == PG_U8)
    premultiply_u8(pgi_tensor_data(image), n, step);
  else
    premultiply_f32(pgi_tensor_data(image), n, step);
}

static void unpremultiply_u8(uint8_t *pixel, int64_t n, int step) {
  for (int64_t i = 0; i < n; i++, pixel += step) {
    int alpha = pixel[step - 1];
    if (alpha == 0 || alpha == 255) continue;
    for (int c = 0; c < step - 1; c++) pixel[c] = (uint8_t)PG_MIN(255 * pixel[c] / alpha, 255);
  }
}

static void unpremultiply_f32(float *pixel, int64_t n, int step) {
  for (int64_t i = 0; i < n; i++, pixel += step) {
    if (!(pixel[step - 1] > 0)) continue;
    for (int c = 0; c < step - 1; c++) pixel[c] /= pixel[step - 1];
  }
}

void pgi_image_unpremultiply(pg_tensor *image) {
  int64_t n = image->dims[0] * image->dims[1];
  int step = (int)image->dims[2];
  if (image->dtype == PG_U8)
    unpremultiply_u8(pgi_tensor_data(image), n, step);
  else
    unpremultiply_f32(pgi_tensor_data(image), n, step);
}
