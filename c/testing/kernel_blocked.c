/* Convolutions and pools over blocks of channels, against their definition in doubles. */
#include <math.h>

#include "kernel/blocked.h"
#include "testing/check.h"

typedef struct shape {
  int64_t channels, outputs, h, w, kernel_h, kernel_w, stride, dilation, before;
  bool is_plain;
} shape;

/* Any outputs of any window are allowed: out_h and out_w are chosen so that the last hangs over. */
static const shape shapes[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, false},       {16, 32, 1, 61, 1, 1, 1, 1, 0, false},
    {35, 21, 1, 29, 1, 1, 1, 1, 0, false},    {7, 40, 5, 13, 1, 1, 2, 1, 0, false},
    {20, 19, 6, 17, 3, 3, 1, 1, 1, false},    {16, 64, 4, 7, 3, 3, 1, 1, 1, false},
    {9, 24, 7, 30, 3, 3, 2, 1, 1, false},     {24, 16, 9, 11, 3, 3, 1, 2, 2, false},
    {5, 16, 9, 23, 2, 3, 3, 1, 1, false},     {8, 8, 3, 4, 5, 5, 1, 1, 4, false},
    {3, 40, 9, 43, 7, 7, 2, 1, 3, true},      {1, 17, 6, 28, 3, 3, 1, 1, 1, true},
    {4, 16, 8, 31, 4, 4, 4, 1, 0, true},      {2, 33, 3, 5, 3, 3, 2, 1, 2, true},
    {17, 33, 7, 7, 3, 3, 1, 1, 1, false},     {18, 48, 13, 14, 3, 3, 2, 1, 1, false},
    {16, 32, 5, 3, 3, 3, 1, 1, 1, false},     {16, 32, 6, 5, 3, 2, 1, 1, 2, false},
    {16, 32, 5, 6, 3, 3, 1, 2, 3, false},     {64, 80, 3, 15, 1, 3, 1, 1, 1, false},
    {16, 16, 2, 100, 1, 31, 1, 1, 15, false},
};

static pgi_blocked_conv conv_of(const shape *s, int lanes) {
  int64_t span_w = (s->kernel_w - 1) * s->dilation + 1,
          span_h = (s->kernel_h - 1) * s->dilation + 1;
  pgi_blocked_conv c = {.in_h = s->h,
                        .in_w = s->w,
                        .out_h = (s->h + 2 * s->before - span_h) / s->stride + 1,
                        .out_w = (s->w + 2 * s->before - span_w) / s->stride + 1,
                        .kernel_h = s->kernel_h,
                        .kernel_w = s->kernel_w,
                        .stride_h = s->stride,
                        .stride_w = s->stride,
                        .dilation_h = s->dilation,
                        .dilation_w = s->dilation,
                        .before_h = s->before,
                        .before_w = s->before,
                        .channels = s->channels,
                        .depth = lanes,
                        .channel = 1,
                        .pixel = lanes,
                        .block = s->h * s->w * lanes,
                        .low = -INFINITY,
                        .high = INFINITY};
  if (s->is_plain) c.depth = s->channels, c.channel = s->h * s->w, c.pixel = 1;
  c.out_block = c.out_h * c.out_w * lanes;
  return c;
}

/* Element of input channel `channel` at a tap, 0 beside the image. */
static double input_at(const pgi_blocked_conv *c, const float *x, int64_t channel, int64_t oy,
                       int64_t ox, int64_t ky, int64_t kx, bool *is_inside) {
  int64_t iy = oy * c->stride_h - c->before_h + ky * c->dilation_h;
  int64_t ix = ox * c->stride_w - c->before_w + kx * c->dilation_w;
  *is_inside = iy >= 0 && iy < c->in_h && ix >= 0 && ix < c->in_w;
  if (!*is_inside) return 0;
  return (double)x[channel / c->depth * c->block + channel % c->depth * c->channel +
                   (iy * c->in_w + ix) * c->pixel];
}

static int64_t blocks_of(int64_t n, int64_t lanes) {
  return (n + lanes - 1) / lanes;
}

static float *copy(pgi_check *c, const float *x, int64_t n) {
  float *to = pgi_check_buffer(c, (size_t)n * sizeof *to);
  memcpy(to, x, (size_t)n * sizeof *to);
  return to;
}

/* ---- convolutions -------------------------------------------------------------------------------- */

static void check_sums(pgi_check *c, const shape *s, const pgi_blocked_conv *v, int lanes,
                       const float *x, const float *w, const float *bias, const float *z,
                       const float *y) {
  int64_t taps = v->kernel_h * v->kernel_w;
  for (int64_t o = 0; o < s->outputs; o++)
    for (int64_t p = 0; p < v->out_h * v->out_w; p++) {
      int64_t at = o / lanes * v->out_block + p * lanes + o % lanes;
      double more = z ? (double)z[at] : 0, sum = (double)bias[o] + more;
      double sum_of_abs = fabs((double)bias[o]) + fabs(more);
      for (int64_t k = 0; k < s->channels; k++)
        for (int64_t t = 0; t < taps; t++) {
          bool is_inside;
          double in = input_at(v, x, k, p / v->out_w, p % v->out_w, t / v->kernel_w,
                               t % v->kernel_w, &is_inside);
          double term = in * (double)w[(o * s->channels + k) * taps + t];
          sum += term, sum_of_abs += fabs(term);
        }
      double want = fmin(fmax(sum, (double)v->low), (double)v->high);
      pgi_check_near(c, (double)y[at], want,
                     ((double)(s->channels * taps) + 3) * 2 * PG_EPS * sum_of_abs, "conv", at);
    }
}

static void check_conv(pgi_check *c, const pgi_blocked_f32 *t, const shape *s, bool is_rich) {
  int lanes = t->lanes;
  pgi_blocked_conv v = conv_of(s, lanes);
  int64_t taps = v.kernel_h * v.kernel_w, blocks = blocks_of(s->outputs, lanes);
  int64_t in =
      s->is_plain ? s->channels * v.in_h * v.in_w : blocks_of(s->channels, lanes) * v.block;
  float *x = pgi_check_floats(c, in, 2);
  for (int64_t i = 0; i < in && !s->is_plain; i++) /* lanes without a channel are never mixed in */
    if (i / v.block * lanes + i % lanes >= s->channels) x[i] = NAN;
  float *w = pgi_check_floats(c, s->outputs * s->channels * taps, 1);
  int64_t size = pgi_blocked_packed_size(lanes, s->outputs, s->channels, taps);
  float *packed = pgi_check_buffer(c, (size_t)size * sizeof *packed);
  pgi_blocked_pack(lanes, s->outputs, s->channels, v.depth, taps, w, packed);
  float *bias = pgi_check_floats(c, blocks * lanes, 1),
        *y = pgi_check_floats(c, blocks * v.out_block, 1);
  float *z = is_rich ? pgi_check_floats(c, blocks * v.out_block, 1) : NULL;
  if (is_rich) v.low = -1.5f, v.high = 2;
  for (int64_t b = 0; b < blocks; b += PG_BLOCKED_TILE) {
    int count = (int)PG_MIN(blocks - b, PG_BLOCKED_TILE);
    int64_t at = b * v.out_block, cut = v.out_w / 3;
    const float *from = packed + b * lanes * s->channels * taps, *more = z ? z + at : NULL;
    if (is_rich) {
      t->conv(&v, count, x, from, bias + b * lanes, more, y + at, 0, v.out_h, 0, v.out_w);
      continue;
    }
    for (int64_t oy = 0; oy < v.out_h; oy++) { /* in two parts, the first maybe empty */
      t->conv(&v, count, x, from, bias + b * lanes, more, y + at, oy, 1, 0, cut);
      t->conv(&v, count, x, from, bias + b * lanes, more, y + at, oy, 1, cut, v.out_w - cut);
    }
  }
  check_sums(c, s, &v, lanes, x, w, bias, z, y);
  pgi_check_clear(c, "conv");
}

static void check_depthwise(pgi_check *c, const pgi_blocked_f32 *t, const shape *s, bool is_rich) {
  int lanes = t->lanes;
  pgi_blocked_conv v = conv_of(s, lanes);
  int64_t taps = v.kernel_h * v.kernel_w;
  float *x = pgi_check_floats(c, v.block, 2), *w = pgi_check_floats(c, taps * lanes, 1);
  float *bias = pgi_check_floats(c, lanes, 1), *y = pgi_check_floats(c, v.out_block, 1);
  float *z = is_rich ? pgi_check_floats(c, v.out_block, 1) : NULL;
  if (is_rich) v.low = 0;
  for (int64_t oy = 0; oy < v.out_h; oy++) t->depthwise(&v, x, w, bias, z, y, oy);
  for (int64_t at = 0; at < v.out_block; at++) {
    int64_t p = at / lanes, l = at % lanes;
    double more = z ? (double)z[at] : 0, sum = (double)bias[l] + more;
    double sum_of_abs = fabs((double)bias[l]) + fabs(more);
    for (int64_t k = 0; k < taps; k++) {
      bool is_inside;
      double in =
          input_at(&v, x, l, p / v.out_w, p % v.out_w, k / v.kernel_w, k % v.kernel_w, &is_inside);
      sum += in * (double)w[k * lanes + l], sum_of_abs += fabs(in * (double)w[k * lanes + l]);
    }
    pgi_check_near(c, (double)y[at], fmax(sum, (double)v.low),
                   ((double)taps + 3) * 2 * PG_EPS * sum_of_abs, "depthwise", at);
  }
  pgi_check_clear(c, "depthwise");
}

/* ---- pools and the rest -------------------------------------------------------------------------- */

static void check_pool(pgi_check *c, const pgi_blocked_f32 *t, const shape *s, bool is_max) {
  int lanes = t->lanes;
  pgi_blocked_conv v = conv_of(s, lanes);
  float *x = pgi_check_floats(c, v.block, 2), *y = pgi_check_floats(c, v.out_block, 1);
  if (is_max) x[0] = NAN;
  for (int64_t oy = 0; oy < v.out_h; oy++) (is_max ? t->max_line : t->sum_line)(&v, x, y, oy);
  for (int64_t at = 0; at < v.out_block; at++) {
    int64_t p = at / lanes, taps = v.kernel_h * v.kernel_w;
    double most = -INFINITY, sum = 0, sum_of_abs = 0;
    for (int64_t k = 0; k < taps; k++) {
      bool is_inside;
      double in = input_at(&v, x, at % lanes, p / v.out_w, p % v.out_w, k / v.kernel_w,
                           k % v.kernel_w, &is_inside);
      if (!is_inside) continue;
      most = in > most ? in : most, sum += in, sum_of_abs += fabs(in);
    }
    pgi_check_near(c, (double)y[at], is_max ? most : sum,
                   is_max ? 0 : (double)taps * 2 * PG_EPS * sum_of_abs, "pool", at);
  }
  pgi_check_clear(c, "pool");
}

static void check_flat(pgi_check *c, const pgi_blocked_f32 *t, int64_t n) {
  int64_t lanes = t->lanes;
  float *x = pgi_check_floats(c, n * lanes, 3), *y = pgi_check_floats(c, n * lanes, 1);
  float *scale = pgi_check_floats(c, lanes, 2), *shift = pgi_check_floats(c, lanes, 1);
  t->affine(n, x, scale, shift, 0, 4, y);
  for (int64_t i = 0; i < n * lanes; i++) {
    double a = (double)x[i] * (double)scale[i % lanes], b = (double)shift[i % lanes];
    pgi_check_near(c, (double)y[i], fmin(4, fmax(0, a + b)), 4 * PG_EPS * (fabs(a) + fabs(b)),
                   "affine", i);
  }
  t->total(n, x, y);
  for (int64_t l = 0; l < lanes; l++) {
    double sum = 0, sum_of_abs = 0;
    for (int64_t i = 0; i < n; i++) {
      sum += (double)x[i * lanes + l], sum_of_abs += fabs((double)x[i * lanes + l]);
    }
    pgi_check_near(c, (double)y[l], sum, (double)n * 2 * PG_EPS * sum_of_abs, "total", l);
  }
  pgi_check_clear(c, "affine and total");
}

/* ---- Winograd ------------------------------------------------------------------------------------ */

typedef struct minimal {
  int size, out;
  double bound; /* of the error, as a part of the sum of what is added up */
} minimal;

/* The bounds are four times the largest errors seen in 10,000 random tiles. */
static const minimal minimals[] = {
    {4, 2, 6e-7}, {6, 4, 1.3e-5}, {6, 2, 5e-6}, {8, 6, 2.2e-5}, {8, 4, 1.2e-5}};

/* One tile of one channel, transformed, multiplied, transformed back, against the direct sums. */
static void check_winograd(pgi_check *c, const pgi_blocked_f32 *t, const minimal *m, int64_t h,
                           int64_t w, int64_t oy, int64_t ox, bool is_rich) {
  int lanes = t->lanes, taps = m->size - m->out + 1, numbers = m->size * m->size;
  shape s = {1, 1, h, w, taps, taps, 1, 1, taps / 2, false};
  pgi_blocked_conv v = conv_of(&s, lanes);
  if (is_rich) v.low = -3, v.high = 2;
  float *x = pgi_check_floats(c, v.block, 2), *g = pgi_check_floats(c, taps * taps, 1);
  float *bias = pgi_check_floats(c, lanes, 1), *y = pgi_check_floats(c, v.out_block, 1);
  float *z = is_rich ? pgi_check_floats(c, v.out_block, 1) : NULL;
  int64_t step = lanes + 3;
  float *in = pgi_check_buffer(c, (size_t)(numbers * step) * sizeof *in);
  float *u = pgi_check_buffer(c, (size_t)numbers * sizeof *u);
  float *before = copy(c, y, v.out_block);
  t->winograd_in(&v, m->size, m->out, x, oy, ox, in, step);
  pgi_winograd_weights(m->size, taps, g, u, 1);
  for (int f = 0; f < numbers; f++)
    for (int l = 0; l < lanes; l++) in[f * step + l] *= u[f];
  t->winograd_out(&v, m->size, m->out, in, step, bias, z, y, oy, ox);
  for (int64_t at = 0; at < v.out_block; at++) {
    int64_t p = at / lanes, py = p / v.out_w, px = p % v.out_w;
    if (py < oy || py >= oy + m->out || px < ox || px >= ox + m->out) {
      pgi_check_near(c, (double)y[at], (double)before[at], 0, "written beside the tile", at);
      continue;
    }
    double more = z ? (double)z[at] : 0, sum = (double)bias[at % lanes] + more, sum_of_abs = 0;
    for (int64_t k = 0; k < taps * taps; k++) {
      bool is_inside;
      double d = input_at(&v, x, at % lanes, py, px, k / taps, k % taps, &is_inside);
      sum += d * (double)g[k];
      sum_of_abs += 2 * fabs((double)g[k]); /* every input of a tile goes into every output */
    }
    pgi_check_near(c, (double)y[at], fmin(fmax(sum, (double)v.low), (double)v.high),
                   m->bound * (sum_of_abs + 1), "winograd", at);
  }
  pgi_check_clear(c, "winograd");
}

/* The weights of a whole vector against those of one after the other. */
static void check_weights(pgi_check *c, const pgi_blocked_f32 *t, const minimal *m) {
  int lanes = t->lanes, side = m->size - m->out + 1, taps = side * side, n = m->size * m->size;
  int64_t step = lanes + 5;
  float *g = pgi_check_floats(c, taps * lanes, 1), *one = pgi_check_floats(c, taps, 1);
  float *to = pgi_check_buffer(c, (size_t)(n * step) * sizeof *to);
  float *want = pgi_check_buffer(c, (size_t)n * sizeof *want);
  float *matrix = pgi_check_buffer(c, (size_t)(m->size * side) * sizeof *matrix);
  pgi_winograd_matrix(m->size, side, matrix);
  t->winograd_weights(m->size, side, matrix, g, to, step);
  for (int l = 0; l < lanes; l++) {
    double sum_of_abs = 0;
    for (int i = 0; i < taps; i++) {
      one[i] = g[i * lanes + l];
      sum_of_abs += fabs((double)one[i]);
    }
    pgi_winograd_weights(m->size, side, one, want, 1);
    for (int f = 0; f < n; f++) {
      pgi_check_near(c, (double)to[f * step + l], (double)want[f], 8 * PG_EPS * sum_of_abs,
                     "winograd weights", f);
    }
  }
  pgi_check_clear(c, "winograd weights");
}

static void check_winograds(pgi_check *c, const pgi_blocked_f32 *t) {
  for (int i = 0; i < PG_COUNT(minimals); i++) check_weights(c, t, &minimals[i]);
  for (int i = 0; i < PG_COUNT(minimals); i++)
    for (int64_t oy = 0; oy < 9; oy += minimals[i].out)
      for (int64_t ox = 0; ox < 17; ox += minimals[i].out)
        for (int is_rich = 0; is_rich < 2; is_rich++)
          check_winograd(c, t, &minimals[i], 9, 17, oy, ox, is_rich);
}

static void check_maps(pgi_check *c, const pgi_blocked_f32 *t, int64_t vectors) {
  int64_t n = vectors * t->lanes;
  for (int k = 0; k < 3; k++) {
    pgi_unary_f32_fn *f = k == 0 ? t->hard_swish : k == 1 ? t->sigmoid : t->swish;
    if (!f) continue;
    float *x = pgi_check_floats(c, n, vectors % 2 ? 8 : 110), *y = pgi_check_floats(c, n, 1);
    if (vectors > 3) x[0] = NAN, x[1] = -0.0f, x[2] = 1e30f, x[3] = -1e30f, x[4] = INFINITY;
    f(x, y, n, 1, 0);
    for (int64_t i = 0; i < n; i++) {
      double v = (double)x[i], s = 1 / (1 + exp(-v));
      double want = k == 0 ? v * fmin(1, fmax(0, v / 6 + 0.5)) : k == 1 ? s : v * s;
      double bound = k == 0 ? 4 * PG_EPS * (fabs(want) + fabs(v) / 2) : 8 * PG_EPS * fabs(want);
      if (isnan(v)) want = v;
      pgi_check_near(c, (double)y[i], want, bound + 1e-37, "map", i);
    }
    pgi_check_clear(c, "map");
  }
}

void pgi_check_blocked_f32(pgi_check *c, const void *table, const void *scalar) {
  const pgi_blocked_f32 *t = table;
  (void)scalar; /* has other lanes: both are held against the definition */
  for (int i = 0; i < PG_COUNT(shapes); i++)
    for (int is_rich = 0; is_rich < 2; is_rich++) {
      check_conv(c, t, &shapes[i], is_rich);
      if (shapes[i].is_plain) continue;
      check_depthwise(c, t, &shapes[i], is_rich);
      check_pool(c, t, &shapes[i], is_rich);
    }
  check_winograds(c, t);
  for (int i = 0; i < pgi_check_n_sizes; i++) {
    check_flat(c, t, pgi_check_sizes[i]);
    check_maps(c, t, pgi_check_sizes[i]);
  }
}
