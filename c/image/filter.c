/* Filters of resizing, and the weights that they come to on an axis. */
#include <math.h>

#include "image/image.h"
#include "kernel/resize.h"

#define PI 3.14159265358979323846

/* ---- shapes ------------------------------------------------------------------------------------- */

static double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1 : 0;
}

static double triangle(double x) {
  return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

static double sinc(double x) {
  return x == 0 ? 1 : sin(PI * x) / (PI * x);
}

static double hamming(double x) {
  return fabs(x) < 1 ? sinc(x) * (0.54 + 0.46 * cos(PI * x)) : 0;
}

/* Keys 1981, with the slope `a` at 1. */
static double keys(double x, double a) {
  x = fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double bicubic_pil(double x) {
  return keys(x, -0.5);
}
static double bicubic_cv(double x) {
  return keys(x, -0.75);
}
static double lanczos3(double x) {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}
static double lanczos4(double x) {
  return fabs(x) < 4 ? sinc(x) * sinc(x / 4) : 0;
}

static const pgi_filter filters[] = {
    {"pil-nearest", PG_RESIZE_PIL, 0, NULL},
    {"pil-box", PG_RESIZE_PIL, 0.5, box},
    {"pil-bilinear", PG_RESIZE_PIL, 1, triangle},
    {"pil-hamming", PG_RESIZE_PIL, 1, hamming},
    {"pil-bicubic", PG_RESIZE_PIL, 2, bicubic_pil},
    {"pil-lanczos", PG_RESIZE_PIL, 3, lanczos3},
    {"cv-nearest", PG_RESIZE_CV, 0, NULL},
    {"cv-linear", PG_RESIZE_CV, 1, triangle},
    {"cv-cubic", PG_RESIZE_CV, 2, bicubic_cv},
    {"cv-lanczos4", PG_RESIZE_CV, 4, lanczos4},
    {"cv-area", PG_RESIZE_CV, 1, NULL},
};

/* Other names of the same. */
static const struct {
  const char *name, *filter;
} aliases[] = {{"area", "cv-area"},
               {"cv-bilinear", "cv-linear"},
               {"cv-bicubic", "cv-cubic"},
               {"cv-lanczos", "cv-lanczos4"}};

pg_status pgi_filter_find(const char *name, const pgi_filter **out, pg_error *err) {
  char list[400];
  pgi_text text = {list, sizeof list, 0};
  for (int i = 0; i < PG_COUNT(aliases); i++)
    if (strcmp(name, aliases[i].name) == 0) name = aliases[i].filter;
  for (int i = 0; i < PG_COUNT(filters); i++) {
    const char *full = filters[i].name;
    bool is_pil = filters[i].convention == PG_RESIZE_PIL;
    if (strcmp(name, full) == 0 || (is_pil && strcmp(name, full + strlen("pil-")) == 0)) {
      *out = &filters[i];
      return PG_OK;
    }
    pgi_text_add(&text, "%s%s", i ? ", " : "", full);
  }
  return pgi_fail(err, PG_INVALID, "unknown filter '%s' (known: %s)", name, list);
}

/* ---- weights ------------------------------------------------------------------------------------ */

static int64_t limit(int64_t v, int64_t low, int64_t high) {
  return v < low ? low : v > high ? high : v;
}

/* A shrunken axis widens the filter, so that every input counts.  The arithmetic is Pillow's, with
** weights that are normalised in double and then rounded. */
static void set_pil(pgi_taps *t, const pgi_filter *f, int64_t from, double *weights) {
  double scale = (double)from / (double)t->n, wide = PG_MAX(scale, 1.0);
  double support = f->support * wide;
  for (int64_t i = 0; i < t->n; i++) {
    double centre = ((double)i + 0.5) * scale, sum = 0;
    int64_t first = limit((int64_t)(centre - support + 0.5), 0, from - 1);
    int64_t end = limit((int64_t)(centre + support + 0.5), first + 1, from);
    for (int64_t k = 0; k < end - first; k++) {
      weights[k] = f->shape(((double)(k + first) - centre + 0.5) * (1.0 / wide));
      sum += weights[k];
    }
    for (int64_t k = 0; k < end - first; k++) {
      double w = sum != 0 ? weights[k] / sum : weights[k];
      if (t->weights) t->weights[i * t->stride + k] = (float)w;
      w *= 1 << PG_RESIZE_BITS;
      if (t->fixed) t->fixed[i * t->stride + k] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
    }
    t->first[i] = first;
    t->taps[i] = end - first;
  }
}

/* Weight for input `at`, which counts for the nearest one when it lies outside. */
static void add_tap(pgi_taps *t, int64_t i, int64_t at, int64_t from, double w) {
  int64_t k = limit(at, 0, from - 1) - t->first[i];
  t->weights[i * t->stride + k] += (float)w;
  t->taps[i] = PG_MAX(t->taps[i], k + 1);
}

/* A fixed number of neighbours, edges repeated.  What OpenCV computes in float is a float here. */
static void set_cv(pgi_taps *t, const pgi_filter *f, int64_t from) {
  double scale = (double)from / (double)t->n;
  int reach = (int)f->support;
  for (int64_t i = 0; i < t->n; i++) {
    float at = (float)(((double)i + 0.5) * scale - 0.5);
    int64_t base = (int64_t)floorf(at);
    double rest = (double)(at - (float)base), sum = 0;
    for (int k = 1 - reach; k <= reach; k++) sum += f->shape(rest - k);
    t->first[i] = limit(base + 1 - reach, 0, from - 1);
    for (int k = 1 - reach; k <= reach; k++)
      add_tap(t, i, base + k, from, f->shape(rest - k) / sum);
  }
}

/* Every input counts by how much of it the result covers. */
static void set_area(pgi_taps *t, int64_t from) {
  double scale = (double)from / (double)t->n;
  for (int64_t i = 0; i < t->n; i++) {
    double begin = (double)i * scale, end = PG_MIN(begin + scale, (double)from);
    int64_t first = limit((int64_t)floor(begin), 0, from - 1);
    int64_t last = limit((int64_t)ceil(end) - 1, first, from - 1);
    t->first[i] = first;
    for (int64_t k = first; k <= last; k++) {
      double covered = PG_MIN(end, (double)k + 1) - PG_MAX(begin, (double)k);
      /* Less than a thousandth is noise of the division. */
      if (covered > 1e-3 || first == last) add_tap(t, i, k, from, covered / (end - begin));
    }
  }
}

/* OpenCV's "area" when an axis grows: two neighbours, mixed only at the seams. */
static void set_area_growing(pgi_taps *t, int64_t from) {
  double scale = (double)from / (double)t->n, inverse = (double)t->n / (double)from;
  for (int64_t i = 0; i < t->n; i++) {
    int64_t base = (int64_t)floor((double)i * scale);
    float at = (float)((double)(i + 1) - (double)(base + 1) * inverse);
    double rest = at <= 0 ? 0 : (double)(at - floorf(at));
    t->first[i] = limit(base, 0, from - 1);
    add_tap(t, i, base, from, 1 - rest);
    add_tap(t, i, base + 1, from, rest);
  }
}

/* Pillow adds steps up, OpenCV multiplies: they differ by a pixel now and then. */
static void set_nearest(pgi_taps *t, const pgi_filter *f, int64_t from) {
  double scale = (double)from / (double)t->n, at = scale * 0.5;
  double cv_scale = 1 / ((double)t->n / (double)from);
  for (int64_t i = 0; i < t->n; i++, at += scale) {
    double where = f->convention == PG_RESIZE_PIL ? at : floor((double)i * cv_scale);
    t->first[i] = limit((int64_t)where, 0, from - 1);
    t->taps[i] = 1;
  }
}

static int64_t most_taps(const pgi_filter *f, int64_t from, int64_t to) {
  double scale = PG_MAX((double)from / (double)to, 1.0);
  if (f->convention == PG_RESIZE_PIL) return (int64_t)ceil(f->support * scale) * 2 + 1;
  return f->shape ? 2 * (int64_t)f->support : (int64_t)ceil(scale) + 2;
}

static pg_status allocate(pgi_taps *t, bool has_weights, bool is_fixed, pg_error *err) {
  size_t n = (size_t)t->n, weights = 0, bytes = 0;
  if (!pgi_mul_size(n, (size_t)t->stride, &weights) || !pgi_mul_size(weights, 4, &bytes) ||
      weights > (size_t)INT64_MAX / 8)
    return pgi_nomem(err);
  t->first = pgi_alloc(t->ctx, n * sizeof *t->first);
  t->taps = pgi_alloc_zero(t->ctx, n * sizeof *t->taps);
  if (has_weights && is_fixed) t->fixed = pgi_alloc_zero(t->ctx, bytes);
  if (has_weights && !is_fixed) t->weights = pgi_alloc_zero(t->ctx, bytes);
  if (t->first && t->taps && (!has_weights || t->fixed || t->weights)) return PG_OK;
  pgi_taps_deinit(t);
  return pgi_nomem(err);
}

pg_status pgi_taps_init(pgi_taps *taps, pg_context *ctx, const pgi_filter *filter, int64_t from,
                        int64_t to, bool is_shrinking, bool is_fixed, pg_error *err) {
  bool is_nearest = filter->support <= 0;
  *taps = (pgi_taps){.ctx = ctx, .n = to, .stride = most_taps(filter, from, to)};
  PG_TRY(allocate(taps, !is_nearest, is_fixed, err));
  if (is_nearest) {
    set_nearest(taps, filter, from);
  } else if (filter->convention == PG_RESIZE_PIL) {
    double *weights = pgi_alloc(ctx, (size_t)taps->stride * sizeof *weights);
    if (!weights) {
      pgi_taps_deinit(taps);
      return pgi_nomem(err);
    }
    set_pil(taps, filter, from, weights);
    pgi_free(ctx, weights);
  } else if (filter->shape) {
    set_cv(taps, filter, from);
  } else if (is_shrinking) {
    set_area(taps, from);
  } else {
    set_area_growing(taps, from);
  }
  return PG_OK;
}

void pgi_taps_deinit(pgi_taps *taps) {
  pgi_free(taps->ctx, taps->first);
  pgi_free(taps->ctx, taps->taps);
  pgi_free(taps->ctx, taps->weights);
  pgi_free(taps->ctx, taps->fixed);
  *taps = (pgi_taps){0};
}
