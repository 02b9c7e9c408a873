/* resize_taps: see resize.h.  Formulas from the ONNX specification of Resize. */
#include "op/resize.h"

#include <math.h>

/* ---- coordinates ----------------------------------------------------------------------------- */

static double crop_coordinate(const pgi_resize_axis *a, double y) {
  double last = (double)(a->in - 1);
  if (a->out <= 1 || a->length == 1) return 0.5 * (a->start + a->end) * last;
  return a->start * last + y * (a->end - a->start) * last / (a->length - 1);
}

static double coordinate(const pgi_resize_way *way, const pgi_resize_axis *a, double y) {
  switch (way->coordinates) {
    case PG_HALF_PIXEL:
      return (y + 0.5) / a->scale - 0.5;
    case PG_HALF_PIXEL_SYMMETRIC:
      return (double)a->in / 2 * (1 - (double)a->out / a->length) + (y + 0.5) / a->scale - 0.5;
    case PG_PYTORCH_HALF_PIXEL:
      return a->out > 1 ? (y + 0.5) / a->scale - 0.5 : 0;
    case PG_ALIGN_CORNERS: {
      double length = way->has_whole_length ? (double)a->out : a->length;
      if (a->out <= 1 || length == 1) return 0;
      return y * (double)(a->in - 1) / (length - 1);
    }
    case PG_ASYMMETRIC:
      return y / a->scale;
    case PG_TF_HALF_PIXEL_FOR_NN:
      return (y + 0.5) / a->scale;
    case PG_TF_CROP_AND_RESIZE:
      return crop_coordinate(a, y);
  }
  return 0;
}

static bool is_outside(const pgi_resize_way *way, const pgi_resize_axis *a, double x) {
  return way->coordinates == PG_TF_CROP_AND_RESIZE && !(x >= 0 && x <= (double)(a->in - 1));
}

bool pgi_resize_is_same(const pgi_resize_way *way, const pgi_resize_axis *a) {
  bool is_whole = a->start == 0 && a->end == 1;
  if (a->in != a->out || a->scale != 1) return false;
  return is_whole || way->coordinates != PG_TF_CROP_AND_RESIZE;
}

/* Into [0, in), whatever number it is. */
static int64_t clamp(double x, int64_t in) {
  if (!(x > 0)) return 0;
  return x >= (double)in ? in - 1 : PG_MIN((int64_t)x, in - 1);
}

/* ---- nearest --------------------------------------------------------------------------------- */

static double nearest(const pgi_resize_way *way, const pgi_resize_axis *a, double x) {
  switch (way->nearest) {
    case PG_ROUND_PREFER_FLOOR:
      return ceil(x - 0.5);
    case PG_ROUND_PREFER_CEIL:
      return floor(x + 0.5);
    case PG_FLOOR_OF:
      return floor(x);
    case PG_CEIL_OF:
      return ceil(x);
    case PG_SIMPLE:
      return a->scale < 1 ? ceil(x) : floor(x);
  }
  return x;
}

/* Scales are f32, and 1 / 0.6f is not 1 / 0.6: computed in f32 throughout, coordinates that are
** meant to be whole or halves are so again. */
static double near_coordinate(const pgi_resize_way *way, const pgi_resize_axis *a, int64_t j) {
  float y = (float)j + 0.5f, scale = (float)a->scale, offset = 0.5f;
  switch (way->coordinates) {
    case PG_PYTORCH_HALF_PIXEL:
      if (a->out <= 1) return 0;
      break;
    case PG_HALF_PIXEL:
      break;
    case PG_HALF_PIXEL_SYMMETRIC:
      offset -= (float)a->in / 2.0f * (1.0f - (float)a->out / (float)a->length);
      break;
    default:
      return (double)(float)coordinate(way, a, (double)j);
  }
  return (double)(y / scale - offset);
}

void pgi_resize_map(const pgi_resize_way *way, const pgi_resize_axis *a, int64_t *map) {
  for (int64_t j = 0; j < a->out; j++) {
    double x = near_coordinate(way, a, j);
    map[j] = is_outside(way, a, x) ? -1 : clamp(nearest(way, a, x), a->in);
  }
}

/* ---- linear and cubic ------------------------------------------------------------------------ */

/* Antialiasing stretches the filter when shrinking. */
static double filter_scale(const pgi_resize_way *way, const pgi_resize_axis *a) {
  return way->is_antialiased && a->scale < 1 ? a->scale : 1;
}

/* The filter's reach to either side, in input positions. */
static double reach(const pgi_resize_way *way, const pgi_resize_axis *a) {
  return (way->mode == PG_RESIZE_CUBIC ? 2 : 1) / filter_scale(way, a);
}

int64_t pgi_resize_tap_count(const pgi_resize_way *way, const pgi_resize_axis *a) {
  int64_t start = (int64_t)floor(-reach(way, a)) + 1;
  return 2 - 2 * start;
}

/* Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981), with free a. */
static double cubic(double x, double a) {
  x = fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double filter(const pgi_resize_way *way, double x) {
  if (way->mode == PG_RESIZE_CUBIC) return cubic(x, way->cubic_a);
  x = fabs(x);
  return x < 1 ? 1 - x : 0;
}

/* Weights that lost some of their number add up to 1 again. */
static void normalise(double *weight, int64_t n) {
  double sum = 0;
  for (int64_t k = 0; k < n; k++) sum += weight[k];
  for (int64_t k = 0; k < n && sum != 0; k++) weight[k] /= sum;
}

void pgi_resize_fill(const pgi_resize_way *way, const pgi_resize_axis *a, pgi_resize_taps *taps) {
  double scale = filter_scale(way, a);
  int64_t n = taps->n;
  for (int64_t j = 0; j < a->out; j++) {
    double x = coordinate(way, a, (double)j);
    int64_t *index = taps->index + j * n;
    double *weight = taps->weight + j * n;
    taps->is_outside[j] = is_outside(way, a, x);
    /* Far outside all taps are the same edge. */
    double reachable = (double)a->in + (double)n;
    x = x >= -reachable ? PG_MIN(x, reachable) : -reachable;
    double first = floor(x) + floor(-reach(way, a)) + 1;
    for (int64_t k = 0; k < n; k++) {
      index[k] = clamp(first + (double)k, a->in);
      weight[k] = filter(way, (first + (double)k - x) * scale);
    }
    if (scale < 1) normalise(weight, n);
    if (!way->excludes_outside) continue;
    for (int64_t k = 0; k < n; k++) {
      double at = first + (double)k;
      if (at < 0 || at >= (double)a->in) weight[k] = 0;
    }
    normalise(weight, n);
  }
}
