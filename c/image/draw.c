/* Shapes, by the distance of pixel centres from them: coverage falls from 1 to 0 over the pixel that
** the edge runs through.  Each pixel is painted once a shape, so translucent colours stay even. */
#include <math.h>

#include "image/image.h"

/* ---- the brush ---------------------------------------------------------------------------------- */

pg_status pgi_brush_init(pgi_brush *b, pg_tensor *image, const pgi_pen *pen, pg_error *err) {
  PG_TRY(pgi_image_check(image, "draw", err));
  if (!pgi_tensor_is_contiguous(image))
    return pgi_fail(err, PG_INVALID, "draw: the image is a view: clone it first");
  if (image->buffer->is_readonly) return pgi_fail(err, PG_INVALID, "draw: the image is read-only");
  *b = (pgi_brush){.image = image, .alpha = pen->alpha > 0 ? PG_MIN(pen->alpha, 1.0f) : 0};
  b->has_alpha = image->dims[2] % 2 == 0;
  b->colors = (int)image->dims[2] - b->has_alpha;
  pgi_color full = pen->color;
  if (b->has_alpha) full.value[b->colors] = image->dtype == PG_U8 ? 255 : 1;
  memcpy(b->color, full.value, sizeof b->color);
  b->pixel = pgi_color_bytes(&full, image, b->opaque);
  return PG_OK;
}

/* One over the other, neither premultiplied (Porter and Duff 1984). */
static void blend(const pgi_brush *b, const float *under, float a, float *out) {
  if (!b->has_alpha) {
    for (int c = 0; c < b->colors; c++) out[c] = under[c] + (b->color[c] - under[c]) * a;
    return;
  }
  float full = b->color[b->colors], behind = under[b->colors] / full * (1 - a), all = a + behind;
  for (int c = 0; c < b->colors; c++)
    out[c] = all > 0 ? (b->color[c] * a + under[c] * behind) / all : under[c];
  out[b->colors] = all * full;
}

static void blend_pixel(const pgi_brush *b, uint8_t *pixel, float a) {
  float under[4], out[4];
  int n = b->colors + b->has_alpha;
  if (b->image->dtype == PG_F32) {
    memcpy(under, pixel, b->pixel);
    blend(b, under, a, out);
    memcpy(pixel, out, b->pixel);
    return;
  }
  for (int c = 0; c < n; c++) under[c] = pixel[c];
  blend(b, under, a, out);
  for (int c = 0; c < n; c++) {
    float v = rintf(out[c]);
    pixel[c] = (uint8_t)(v > 0 ? PG_MIN(v, 255.0f) : 0);
  }
}

void pgi_brush_span(const pgi_brush *b, int64_t y, int64_t x1, int64_t x2, float weight) {
  int64_t width = b->image->dims[1];
  float a = b->alpha * weight;
  x1 = PG_MAX(x1, 0);
  x2 = PG_MIN(x2, width);
  if (y < 0 || y >= b->image->dims[0] || x1 >= x2 || !(a > 0)) return;
  uint8_t *pixel = (uint8_t *)pgi_tensor_data(b->image) + (size_t)(y * width + x1) * b->pixel;
  for (int64_t x = x1; x < x2; x++, pixel += b->pixel) {
    if (a >= 1)
      memcpy(pixel, b->opaque, b->pixel);
    else
      blend_pixel(b, pixel, a);
  }
}

static pg_status check_finite(const double *v, int n, pg_error *err) {
  for (int i = 0; i < n; i++)
    if (!isfinite(v[i])) return pgi_fail(err, PG_INVALID, "draw: a coordinate is not finite");
  return PG_OK;
}

/* The nearest integer, kept where integer arithmetic on it can't overflow. */
static int64_t whole(double v) {
  double limit = 1e15;
  return (int64_t)floor(PG_MAX(PG_MIN(v, limit), -limit) + 0.5);
}

/* Rows or columns of [low, high] that lie in [0, n). */
static int64_t clip_first(double low) {
  return PG_MAX(whole(low - 1), 0);
}
static int64_t clip_end(double high, int64_t n) {
  return PG_MIN(whole(high + 2), n);
}

/* ---- rectangles --------------------------------------------------------------------------------- */

static void fill(const pgi_brush *b, int64_t x1, int64_t y1, int64_t x2, int64_t y2) {
  y2 = PG_MIN(y2, b->image->dims[0]);
  for (int64_t y = PG_MAX(y1, 0); y < y2; y++) pgi_brush_span(b, y, x1, x2, 1);
}

pg_status pgi_draw_rectangle(pg_tensor *image, double x, double y, double width, double height,
                             const pgi_pen *pen, pg_error *err) {
  pgi_brush b;
  PG_TRY(pgi_brush_init(&b, image, pen, err));
  PG_TRY(check_finite((double[]){x, y, width, height}, 4, err));
  int64_t x1 = whole(x), y1 = whole(y), x2 = whole(x + width), y2 = whole(y + height);
  int64_t t = PG_MAX(whole(pen->thickness), 1);
  if (pen->thickness <= 0 || 2 * t >= x2 - x1 || 2 * t >= y2 - y1) {
    fill(&b, x1, y1, x2, y2);
    return PG_OK;
  }
  fill(&b, x1, y1, x2, y1 + t);
  fill(&b, x1, y1 + t, x1 + t, y2 - t);
  fill(&b, x2 - t, y1 + t, x2, y2 - t);
  fill(&b, x1, y2 - t, x2, y2);
  return PG_OK;
}

/* ---- lines -------------------------------------------------------------------------------------- */

/* One pixel in each column of a flat line, in each row of a steep one. */
static void thin_line(const pgi_brush *b, double x1, double y1, double x2, double y2) {
  bool is_steep = fabs(y2 - y1) > fabs(x2 - x1);
  double from = is_steep ? y1 : x1, to = is_steep ? y2 : x2;
  double side = is_steep ? x1 : y1, slope = (is_steep ? x2 - x1 : y2 - y1) / (to - from);
  if (to == from) slope = 0;
  if (to < from) side += slope * (to - from);
  double low = PG_MIN(from, to);
  int64_t end = PG_MIN(whole(PG_MAX(from, to)), b->image->dims[is_steep ? 0 : 1] - 1);
  for (int64_t i = PG_MAX(whole(low), 0); i <= end; i++) {
    int64_t k = whole(side + slope * ((double)i - low));
    pgi_brush_span(b, is_steep ? i : k, is_steep ? k : i, (is_steep ? k : i) + 1, 1);
  }
}

typedef struct segment {
  double x1, y1, dx, dy, length2;
} segment;

static double distance(const segment *s, double x, double y) {
  double t = s->length2 > 0 ? ((x - s->x1) * s->dx + (y - s->y1) * s->dy) / s->length2 : 0;
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  return hypot(x - s->x1 - t * s->dx, y - s->y1 - t * s->dy);
}

/* How much of a pixel counts that lies so far from the middle of a stroke. */
static float coverage(double distance_, double half, bool is_antialiased) {
  if (!is_antialiased) return distance_ < half + 1e-9 ? 1 : 0;
  double v = half + 0.5 - distance_;
  return (float)(v < 0 ? 0 : v > 1 ? 1 : v);
}

/* The part of the segment that can reach row y, widened by the reach. */
static void row_range(const segment *s, double y, double reach, double *low, double *high) {
  double t1 = 0, t2 = 1;
  if (s->dy != 0) {
    double a = (y - reach - s->y1) / s->dy, b = (y + reach - s->y1) / s->dy;
    t1 = PG_MAX(PG_MIN(a, b), 0);
    t2 = PG_MIN(PG_MAX(a, b), 1);
  }
  double a = s->x1 + t1 * s->dx, b = s->x1 + t2 * s->dx;
  *low = PG_MIN(a, b) - reach;
  *high = PG_MAX(a, b) + reach;
}

pg_status pgi_draw_line(pg_tensor *image, double x1, double y1, double x2, double y2,
                        const pgi_pen *pen, pg_error *err) {
  pgi_brush b;
  PG_TRY(pgi_brush_init(&b, image, pen, err));
  PG_TRY(check_finite((double[]){x1, y1, x2, y2, pen->thickness}, 5, err));
  double half = PG_MAX(pen->thickness, 1) / 2, reach = half + 1;
  if (!pen->is_antialiased && half <= 0.5) {
    thin_line(&b, x1, y1, x2, y2);
    return PG_OK;
  }
  /* Without soft edges an even thickness lies between pixels. */
  double shift = !pen->is_antialiased && whole(pen->thickness) % 2 == 0 ? 0.5 : 0;
  segment s = {x1 - shift, y1 - shift, x2 - x1, y2 - y1, 0};
  s.length2 = s.dx * s.dx + s.dy * s.dy;
  int64_t end = clip_end(PG_MAX(y1, y2) + reach, image->dims[0]);
  for (int64_t y = clip_first(PG_MIN(y1, y2) - reach); y < end; y++) {
    double low, high;
    row_range(&s, (double)y, reach, &low, &high);
    int64_t last = clip_end(high, image->dims[1]);
    for (int64_t x = clip_first(low); x < last; x++)
      pgi_brush_span(&b, y, x, x + 1,
                     coverage(distance(&s, (double)x, (double)y), half, pen->is_antialiased));
  }
  return PG_OK;
}

/* ---- circles ------------------------------------------------------------------------------------ */

pg_status pgi_draw_circle(pg_tensor *image, double x, double y, double radius, const pgi_pen *pen,
                          pg_error *err) {
  pgi_brush b;
  PG_TRY(pgi_brush_init(&b, image, pen, err));
  PG_TRY(check_finite((double[]){x, y, radius, pen->thickness}, 4, err));
  if (radius < 0)
    return pgi_fail(err, PG_INVALID, "draw: expected a radius of 0 or more, got %g", radius);
  bool is_filled = pen->thickness <= 0;
  double half = is_filled ? radius : pen->thickness / 2;
  double reach = (is_filled ? radius : radius + half) + 1,
         inner = is_filled ? -1 : radius - half - 1;
  int64_t end = clip_end(y + reach, image->dims[0]);
  for (int64_t row = clip_first(y - reach); row < end; row++) {
    double dy = (double)row - y, across = reach * reach - dy * dy;
    if (across < 0) continue;
    double hole = inner > fabs(dy) ? sqrt(inner * inner - dy * dy) : -1;
    int64_t last = clip_end(x + sqrt(across), image->dims[1]);
    for (int64_t column = clip_first(x - sqrt(across)); column < last; column++) {
      double dx = (double)column - x;
      if (fabs(dx) < hole) {
        column = PG_MAX(column, whole(x + hole) - 1);
        continue;
      }
      double from_edge = is_filled ? hypot(dx, dy) : fabs(hypot(dx, dy) - radius);
      pgi_brush_span(&b, row, column, column + 1, coverage(from_edge, half, pen->is_antialiased));
    }
  }
  return PG_OK;
}
