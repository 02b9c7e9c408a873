/* Blocked convolutions: packing, and the scalar reference, which has 8 lanes. */
#include <math.h>

#include "kernel/blocked.h"

enum { LANES = 8 };

/* ---- packing -------------------------------------------------------------------------------- */

int64_t pgi_blocked_packed_size(int lanes, int64_t outputs, int64_t channels, int64_t taps) {
  return (outputs + lanes - 1) / lanes * lanes * channels * taps;
}

void pgi_blocked_pack(int lanes, int64_t outputs, int64_t channels, int64_t depth, int64_t taps,
                      const float *w, float *to) {
  int64_t rounded = (outputs + lanes - 1) / lanes * lanes, most = PG_BLOCKED_TILE * lanes;
  for (int64_t o = 0; o < rounded; o += most) {
    int64_t width = PG_MIN(rounded - o, most);
    for (int64_t c0 = 0; c0 < channels; c0 += depth) {
      int64_t end = PG_MIN(c0 + depth, channels);
      for (int64_t t = 0; t < taps; t++) {
        for (int64_t c = c0; c < end; c++) {
          for (int64_t i = 0; i < width; i++) {
            *to++ = o + i < outputs ? w[((o + i) * channels + c) * taps + t] : 0;
          }
        }
      }
    }
  }
}

/* ---- the reference -------------------------------------------------------------------------- */

static float bound(const pgi_blocked_conv *c, float x) {
  x = x < c->low ? c->low : x;
  return x > c->high ? c->high : x;
}

/* Bias, addend and activation for the sums of one pixel. */
static void finish(const pgi_blocked_conv *c, const float *sum, const float *bias, const float *z,
                   float *y) {
  for (int l = 0; l < LANES; l++) {
    float v = sum[l] + bias[l];
    y[l] = bound(c, z ? v + z[l] : v);
  }
  if (c->map) c->map(y, y, LANES, c->a, c->b);
}

static bool column(const pgi_blocked_conv *c, int64_t ox, int64_t kx, int64_t *out) {
  *out = ox * c->stride_w - c->before_w + kx * c->dilation_w;
  return *out >= 0 && *out < c->in_w;
}

/* The taps of one block of channels for one pixel and one block of outputs; w advances by `width`
** from channel to channel. */
static void add_taps(const pgi_blocked_conv *c, const float *x, const float *w, int64_t depth,
                     int64_t width, int64_t oy, int64_t ox, float *sum) {
  int64_t from, to, ix;
  pgi_blocked_lines(c, oy, &from, &to);
  for (int64_t ky = from; ky < to; ky++) {
    int64_t iy = oy * c->stride_h - c->before_h + ky * c->dilation_h;
    for (int64_t kx = 0; kx < c->kernel_w; kx++) {
      if (!column(c, ox, kx, &ix)) continue;
      const float *at = x + (iy * c->in_w + ix) * c->pixel;
      const float *row = w + (ky * c->kernel_w + kx) * depth * width;
      for (int64_t d = 0; d < depth; d++, row += width) {
        for (int l = 0; l < LANES; l++) sum[l] += at[d * c->channel] * row[l];
      }
    }
  }
}

static void scalar_conv(const pgi_blocked_conv *c, int blocks, const float *x, const float *w,
                        const float *bias, const float *z, float *y, int64_t oy, int64_t lines,
                        int64_t ox, int64_t n) {
  int64_t width = blocks * LANES, taps = c->kernel_h * c->kernel_w;
  for (; lines > 0; lines--, oy++)
    for (int64_t o = ox; o < ox + n; o++) {
      for (int b = 0; b < blocks; b++) {
        float sum[LANES] = {0};
        const float *from = x, *row = w + b * LANES;
        for (int64_t c0 = 0; c0 < c->channels; c0 += c->depth) {
          int64_t depth = PG_MIN(c->channels - c0, c->depth);
          add_taps(c, from, row, depth, width, oy, o, sum);
          from += c->block;
          row += depth * taps * width;
        }
        int64_t at = b * c->out_block + (oy * c->out_w + o) * LANES;
        finish(c, sum, bias + b * LANES, z ? z + at : NULL, y + at);
      }
    }
}

static void scalar_depthwise(const pgi_blocked_conv *c, const float *x, const float *w,
                             const float *bias, const float *z, float *y, int64_t oy) {
  int64_t from, to, ix;
  pgi_blocked_lines(c, oy, &from, &to);
  for (int64_t o = 0; o < c->out_w; o++) {
    float sum[LANES] = {0};
    for (int64_t ky = from; ky < to; ky++) {
      int64_t iy = oy * c->stride_h - c->before_h + ky * c->dilation_h;
      for (int64_t kx = 0; kx < c->kernel_w; kx++) {
        if (!column(c, o, kx, &ix)) continue;
        const float *at = x + (iy * c->in_w + ix) * LANES;
        const float *row = w + (ky * c->kernel_w + kx) * LANES;
        for (int l = 0; l < LANES; l++) sum[l] += at[l] * row[l];
      }
    }
    int64_t at = (oy * c->out_w + o) * LANES;
    finish(c, sum, bias, z ? z + at : NULL, y + at);
  }
}

static void pool_line(const pgi_blocked_conv *c, bool is_max, const float *x, float *y,
                      int64_t oy) {
  int64_t from, to, ix;
  pgi_blocked_lines(c, oy, &from, &to);
  for (int64_t o = 0; o < c->out_w; o++) {
    float *out = y + (oy * c->out_w + o) * LANES;
    for (int l = 0; l < LANES; l++) out[l] = is_max ? -INFINITY : 0;
    for (int64_t ky = from; ky < to; ky++) {
      int64_t iy = oy * c->stride_h - c->before_h + ky * c->dilation_h;
      for (int64_t kx = 0; kx < c->kernel_w; kx++) {
        if (!column(c, o, kx, &ix)) continue;
        const float *at = x + (iy * c->in_w + ix) * LANES;
        for (int l = 0; l < LANES; l++) {
          out[l] = !is_max ? out[l] + at[l] : at[l] > out[l] ? at[l] : out[l];
        }
      }
    }
  }
}

static void scalar_max_line(const pgi_blocked_conv *c, const float *x, float *y, int64_t oy) {
  pool_line(c, true, x, y, oy);
}

static void scalar_sum_line(const pgi_blocked_conv *c, const float *x, float *y, int64_t oy) {
  pool_line(c, false, x, y, oy);
}

static void scalar_affine(int64_t n, const float *x, const float *scale, const float *shift,
                          float low, float high, float *y) {
  for (int64_t i = 0; i < n; i++) {
    for (int l = 0; l < LANES; l++) {
      float v = x[i * LANES + l] * scale[l] + shift[l];
      v = v < low ? low : v;
      y[i * LANES + l] = v > high ? high : v;
    }
  }
}

static void scalar_total(int64_t n, const float *x, float *y) {
  float sum[LANES] = {0};
  for (int64_t i = 0; i < n; i++) {
    for (int l = 0; l < LANES; l++) sum[l] += x[i * LANES + l];
  }
  memcpy(y, sum, sizeof sum);
}

static const pgi_blocked_f32 scalar = {LANES,
                                       1,
                                       scalar_conv,
                                       scalar_depthwise,
                                       scalar_max_line,
                                       scalar_sum_line,
                                       scalar_affine,
                                       scalar_total,
                                       pgi_winograd_in_scalar,
                                       pgi_winograd_out_scalar,
                                       pgi_winograd_weights_scalar,
                                       NULL,
                                       NULL,
                                       NULL};
PG_KERNEL(blocked_f32_scalar) = {
    .name = "blocked_f32_scalar", .family = PG_K_BLOCKED_F32, .needs = 0, .table = &scalar};
