/* Rotation by any angle, about the centre, with Pillow's geometry: the same size of result, the same
** sampling points, the same rounding. */
#include <math.h>

#include "image/image.h"

#define PI 3.14159265358979323846

enum { ROWS = 16, SMALL = 1 << 14 };

/* Result (x, y) comes from (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), pixel centres at .5. */
typedef struct job {
  const pg_tensor *from;
  pg_tensor *to;
  double m[6];
  bool is_nearest;
  size_t pixel;
  uint8_t fill[16];
} job;

/* Quarter turns give sines of 1e-17 where zero is meant. */
static double tidy(double v) {
  return round(v * 1e15) / 1e15;
}

static void apply(const double m[6], double x, double y, double *to_x, double *to_y) {
  *to_x = m[0] * x + m[1] * y + m[2];
  *to_y = m[3] * x + m[4] * y + m[5];
}

static void set_matrix(double m[6], double degrees, double width, double height) {
  double angle = -fmod(fmod(degrees, 360) + 360, 360) * PI / 180;
  double x, y;
  m[0] = m[4] = tidy(cos(angle));
  m[1] = tidy(sin(angle));
  m[3] = -m[1];
  m[2] = m[5] = 0;
  apply(m, -width / 2, -height / 2, &x, &y);
  m[2] = x + width / 2;
  m[5] = y + height / 2;
}

/* Grows the result to the corners and moves the picture to its middle. */
static void expand(double m[6], int64_t *width, int64_t *height) {
  double w = (double)*width, h = (double)*height, x[4], y[4];
  apply(m, 0, 0, &x[0], &y[0]);
  apply(m, w, 0, &x[1], &y[1]);
  apply(m, w, h, &x[2], &y[2]);
  apply(m, 0, h, &x[3], &y[3]);
  double left = x[0], right = x[0], top = y[0], bottom = y[0];
  for (int i = 1; i < 4; i++) {
    left = PG_MIN(left, x[i]), right = PG_MAX(right, x[i]);
    top = PG_MIN(top, y[i]), bottom = PG_MAX(bottom, y[i]);
  }
  double new_w = ceil(right) - floor(left), new_h = ceil(bottom) - floor(top), dx, dy;
  apply(m, -(new_w - w) / 2, -(new_h - h) / 2, &dx, &dy);
  m[2] = dx;
  m[5] = dy;
  *width = (int64_t)new_w;
  *height = (int64_t)new_h;
}

static double mix(double a, double b, double t) {
  return a + (b - a) * t;
}

static int64_t limit(int64_t v, int64_t n) {
  return v < 0 ? 0 : v >= n ? n - 1 : v;
}

/* Where the four neighbours of a point begin, in elements, and the point's place among them. */
typedef struct corners {
  int64_t at[4]; /* top left, top right, bottom left, bottom right */
  double dx, dy;
} corners;

/* (x, y) lies inside; neighbours outside are the edge's. */
static corners find_corners(const pg_tensor *t, double x, double y) {
  int64_t width = t->dims[1], height = t->dims[0], step = t->dims[2];
  double left = floor(x - 0.5), top = floor(y - 0.5);
  int64_t x0 = limit((int64_t)left, width), x1 = limit((int64_t)left + 1, width);
  int64_t y0 = limit((int64_t)top, height) * width, y1 = limit((int64_t)top + 1, height) * width;
  return (corners){{(y0 + x0) * step, (y0 + x1) * step, (y1 + x0) * step, (y1 + x1) * step},
                   x - 0.5 - left,
                   y - 0.5 - top};
}

/* u8 is cut, not rounded: Pillow's. */
static void sample_u8(const uint8_t *from, int channels, const corners *k, uint8_t *to) {
  for (int c = 0; c < channels; c++, from++)
    to[c] = (uint8_t)mix(mix(from[k->at[0]], from[k->at[1]], k->dx),
                         mix(from[k->at[2]], from[k->at[3]], k->dx), k->dy);
}

static void sample_f32(const float *from, int channels, const corners *k, float *to) {
  for (int c = 0; c < channels; c++, from++)
    to[c] = (float)mix(mix((double)from[k->at[0]], (double)from[k->at[1]], k->dx),
                       mix((double)from[k->at[2]], (double)from[k->at[3]], k->dx), k->dy);
}

static void sample(const job *j, double x, double y, char *to) {
  corners k = find_corners(j->from, x, y);
  int channels = (int)j->from->dims[2];
  if (j->from->dtype == PG_U8)
    sample_u8(pgi_tensor_data(j->from), channels, &k, (uint8_t *)to);
  else
    sample_f32(pgi_tensor_data(j->from), channels, &k, (float *)(void *)to);
}

static void rotate_rows(void *arg, int64_t block) {
  job *j = arg;
  int64_t width = j->to->dims[1], end = PG_MIN((block + 1) * ROWS, j->to->dims[0]);
  for (int64_t y = block * ROWS; y < end; y++) {
    char *to = (char *)pgi_tensor_data(j->to) + (size_t)(y * width) * j->pixel;
    for (int64_t x = 0; x < width; x++, to += j->pixel) {
      double sx, sy;
      apply(j->m, (double)x + 0.5, (double)y + 0.5, &sx, &sy);
      bool is_inside =
          sx >= 0 && sy >= 0 && sx < (double)j->from->dims[1] && sy < (double)j->from->dims[0];
      if (!is_inside) {
        memcpy(to, j->fill, j->pixel);
      } else if (j->is_nearest) {
        int64_t at = (int64_t)sy * j->from->dims[1] + (int64_t)sx;
        memcpy(to, (char *)pgi_tensor_data(j->from) + (size_t)at * j->pixel, j->pixel);
      } else {
        sample(j, sx, sy, to);
      }
    }
  }
}

static pg_status rotate(const pg_tensor *image, const pgi_rotation *r, int threads, pg_tensor *out,
                        pg_error *err) {
  pg_context *ctx = image->buffer->ctx;
  int64_t width = image->dims[1], height = image->dims[0];
  job j = {.from = image, .to = out, .is_nearest = r->is_nearest};
  set_matrix(j.m, r->degrees, (double)width, (double)height);
  if (r->expand) expand(j.m, &width, &height);
  j.pixel = pgi_color_bytes(&r->fill, image, j.fill);
  int64_t dims[3] = {height, width, image->dims[2]};
  PG_TRY(pgi_tensor_alloc(ctx, image->dtype, 3, dims, out, err));
  if (height * width < SMALL) threads = 1;
  pgi_parallel_for(ctx, threads, (height + ROWS - 1) / ROWS, rotate_rows, &j);
  return PG_OK;
}

/* As for resizing: what is transparent must not bleed. */
static pg_status rotate_premultiplied(const pg_tensor *image, const pgi_rotation *r, int threads,
                                      pg_tensor *out, pg_error *err) {
  pg_tensor copy = {0}, pixel = {0};
  int64_t dims[3] = {1, 1, image->dims[2]};
  pgi_rotation turned = *r;
  PG_TRY(pgi_tensor_clone(image, &copy, err));
  pg_status status = pgi_tensor_alloc(copy.buffer->ctx, copy.dtype, 3, dims, &pixel, err);
  if (status == PG_OK) {
    /* The fill is premultiplied as a picture of one pixel is. */
    uint8_t bytes[16] = {0};
    size_t n = pgi_color_bytes(&r->fill, &copy, bytes);
    memcpy(pgi_tensor_data(&pixel), bytes, n);
    pgi_image_premultiply(&pixel);
    for (int c = 0; c < (int)dims[2]; c++)
      turned.fill.value[c] = (float)pgi_tensor_get_f64(&pixel, c);
    pgi_image_premultiply(&copy);
    status = rotate(&copy, &turned, threads, out, err);
  }
  if (status == PG_OK) pgi_image_unpremultiply(out);
  pgi_tensor_clear(&pixel);
  pgi_tensor_clear(&copy);
  return status;
}

pg_status pgi_image_rotate(const pg_tensor *image, const pgi_rotation *r, int threads,
                           pg_tensor *out, pg_error *err) {
  pg_tensor flat = {0};
  PG_TRY(pgi_image_check(image, "rotate", err));
  if (!isfinite(r->degrees)) return pgi_fail(err, PG_INVALID, "rotate: the angle is not finite");
  double turns = fmod(r->degrees, 360) / 90;
  bool is_square = image->dims[0] == image->dims[1];
  if (turns == floor(turns) && (r->expand || is_square || fmod(turns, 2) == 0))
    return pgi_image_turn(image, (int)turns, out, err);
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  bool has_alpha = flat.dims[2] % 2 == 0 && !r->is_nearest;
  pg_status status = has_alpha ? rotate_premultiplied(&flat, r, threads, out, err)
                               : rotate(&flat, r, threads, out, err);
  pgi_tensor_clear(&flat);
  return status;
}
