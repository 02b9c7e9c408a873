/* The blocked kernels for one width of vectors: included by blocked_avx2.c and blocked_avx512.c,
** which say what a vector is:
**   TARGET, LANES, TILE (the most pixels of a tile), vec, load, store, splat, fmadd, add, mul, least
**   and most (the second operand when the first is NaN), zero.
** Only these two files include it. */

#define INLINE TARGET static inline __attribute__((always_inline))

enum { NB = PG_BLOCKED_TILE };

/* ---- convolution ---------------------------------------------------------------------------- */

/* What a tile of pixels needs to know of its place. */
typedef struct place {
  int64_t lines_from, lines_to, iy, ix; /* taps to walk; where the first tap falls */
  int64_t oy, ox;
  int64_t first_from, first_to, second_from, second_to; /* the same for each of two lines */
  const float *ahead;
  uint32_t mask[PG_BLOCKED_MAX_WIDTH]; /* by tap along the line: pixels where it meets the image */
} place;

/* P pixels on R lines, B blocks; pixels are `step` apart in the input. */
INLINE void conv_tile(const int P, const int R, const int B, const int64_t step,
                      const pgi_blocked_conv *c, const place *at, const float *x, const float *w,
                      const float *bias, const float *z, float *y) {
  vec sum[TILE][NB];
  const uint32_t all = (1u << P) - 1;
  const int Q = P / R;
  const int64_t below = c->stride_h * c->in_w * c->pixel; /* from a line to the next of the tile */
  const int64_t lines = c->kernel_h, columns = c->kernel_w, dx = c->dilation_w * c->pixel;
#pragma GCC unroll 16
  for (int p = 0; p < P; p++) {
#pragma GCC unroll 2
    for (int b = 0; b < B; b++) sum[p][b] = load(bias + b * LANES);
  }
  const float *ahead = at->ahead;
  const int64_t ahead_step = c->ahead_step;
  x += (at->iy * c->in_w + at->ix) * c->pixel;
  for (int64_t left = c->channels; left > 0; left -= c->depth, x += c->block) {
    const int64_t depth = PG_MIN(left, c->depth);
    const float *taps = w + at->lines_from * columns * depth * B * LANES;
    w += lines * columns * depth * B * LANES;
    for (int64_t ky = at->lines_from; ky < at->lines_to; ky++) {
      const float *line = x + ky * c->dilation_h * c->in_w * c->pixel;
      for (int64_t kx = 0; kx < columns; kx++, line += dx) {
        uint32_t mask = at->mask[kx];
        if (R == 2) {
          bool is_first = ky >= at->first_from && ky < at->first_to;
          bool is_second = ky >= at->second_from && ky < at->second_to;
          mask = (is_first ? mask : 0) | (is_second ? mask << Q : 0);
        }
        const float *from = line;
        if (mask == all) {
          const float *next = line + c->block; /* the same pixels of the next block of channels */
          for (int64_t d = 0; d < depth; d++, from += c->channel, taps += B * LANES) {
            __builtin_prefetch(next);
            next += step;
            vec right[NB];
#pragma GCC unroll 2
            for (int b = 0; b < B; b++) {
              right[b] = load(taps + b * LANES);
              if (b == 0) __builtin_prefetch(ahead, 0, 2); /* the next line comes along */
            }
            ahead += ahead_step;
#pragma GCC unroll 16
            for (int p = 0; p < P; p++) {
              vec left_side = splat(from[p / Q * below + p % Q * step]);
#pragma GCC unroll 2
              for (int b = 0; b < B; b++) sum[p][b] = fmadd(left_side, right[b], sum[p][b]);
            }
          }
        } else if (mask) {
          for (int64_t d = 0; d < depth; d++, from += c->channel, taps += B * LANES) {
            vec right[NB];
#pragma GCC unroll 2
            for (int b = 0; b < B; b++) right[b] = load(taps + b * LANES);
#pragma GCC unroll 16
            for (int p = 0; p < P; p++) {
              if (!(mask & (1u << p))) continue;
              vec left_side = splat(from[p / Q * below + p % Q * step]);
#pragma GCC unroll 2
              for (int b = 0; b < B; b++) sum[p][b] = fmadd(left_side, right[b], sum[p][b]);
            }
          }
        } else {
          taps += depth * B * LANES;
        }
      }
    }
  }
  const vec low = splat(c->low), high = splat(c->high);
  const bool is_capped = c->high < INFINITY;
  const int64_t out = (at->oy * c->out_w + at->ox) * LANES;
#pragma GCC unroll 2
  for (int b = 0; b < B; b++) {
    float *to = y + out + b * c->out_block;
    const float *more = z ? z + out + b * c->out_block : NULL;
#pragma GCC unroll 16
    for (int p = 0; p < P; p++) {
      const int64_t offset = (p / Q * c->out_w + p % Q) * LANES;
      vec v = sum[p][b];
      if (more) v = add(v, load(more + offset));
      v = most(low, v);
      store(to + offset, is_capped ? least(high, v) : v);
    }
  }
  if (!c->map) return;
  for (int b = 0; b < B; b++) {
    for (int r = 0; r < R; r++) {
      float *to = y + out + b * c->out_block + r * c->out_w * LANES;
      c->map(to, to, Q * LANES, c->a, c->b);
    }
  }
}

typedef void tile_fn(const pgi_blocked_conv *c, const place *at, const float *x, const float *w,
                     const float *bias, const float *z, float *y);

/* A function for each height, number of blocks and step: from pixel to pixel in a blocked image at
** strides 1, 2 and any; in a plain one at strides 1 and 2. */
#define TILE_FN(P, B, NAME, STEP)                                                               \
  TARGET static void tile_##P##_##B##_##NAME(const pgi_blocked_conv *c, const place *at,        \
                                             const float *x, const float *w, const float *bias, \
                                             const float *z, float *y) {                        \
    conv_tile(P, 1, B, STEP, c, at, x, w, bias, z, y);                                          \
  }
#define TILE_FNS(P)                          \
  TILE_FN(P, 1, one, LANES)                  \
  TILE_FN(P, 2, one, LANES)                  \
  TILE_FN(P, 1, two, 2 * LANES)              \
  TILE_FN(P, 2, two, 2 * LANES)              \
  TILE_FN(P, 1, any, c->pixel * c->stride_w) \
  TILE_FN(P, 2, any, c->pixel * c->stride_w) \
  TILE_FN(P, 1, plain, 1)                    \
  TILE_FN(P, 2, plain, 1)                    \
  TILE_FN(P, 1, plain2, 2)                   \
  TILE_FN(P, 2, plain2, 2)

TILE_FNS(1)
TILE_FNS(2)
TILE_FNS(3)
TILE_FNS(4)
TILE_FNS(5)
TILE_FNS(6)
#if TILE_MAX > 6
TILE_FNS(7)
TILE_FNS(8)
TILE_FNS(9)
TILE_FNS(10)
TILE_FNS(11)
TILE_FNS(12)
TILE_FNS(13)
TILE_FNS(14)
#endif

/* Two lines of Q pixels, where a line alone would leave half of a tile empty. */
#define PAIR_FN(Q, B, NAME, STEP)                                                               \
  TARGET static void pair_##Q##_##B##_##NAME(const pgi_blocked_conv *c, const place *at,        \
                                             const float *x, const float *w, const float *bias, \
                                             const float *z, float *y) {                        \
    conv_tile(2 * Q, 2, B, STEP, c, at, x, w, bias, z, y);                                      \
  }
#define PAIR_FNS(Q)             \
  PAIR_FN(Q, 1, one, LANES)     \
  PAIR_FN(Q, 2, one, LANES)     \
  PAIR_FN(Q, 1, two, 2 * LANES) \
  PAIR_FN(Q, 2, two, 2 * LANES)
#define PAIR_ROW(Q)                         \
  {                                         \
    {pair_##Q##_1_one, pair_##Q##_2_one}, { \
      pair_##Q##_1_two, pair_##Q##_2_two    \
    }                                       \
  }

PAIR_FNS(2)
PAIR_FNS(3)
#if TILE_MAX > 6
PAIR_FNS(4)
PAIR_FNS(5)
PAIR_FNS(6)
PAIR_FNS(7)
#endif

static tile_fn *const pairs[TILE / 2 + 1][2][NB] = {
    [2] = PAIR_ROW(2), [3] = PAIR_ROW(3),
#if TILE_MAX > 6
    [4] = PAIR_ROW(4), [5] = PAIR_ROW(5), [6] = PAIR_ROW(6), [7] = PAIR_ROW(7),
#endif
};

enum { STEP_ONE, STEP_TWO, STEP_ANY, STEP_PLAIN, STEP_PLAIN2, N_STEPS };

#define TILE_ROW(P)                                                                       \
  {                                                                                       \
    {tile_##P##_1_one, tile_##P##_2_one}, {tile_##P##_1_two, tile_##P##_2_two},           \
        {tile_##P##_1_any, tile_##P##_2_any}, {tile_##P##_1_plain, tile_##P##_2_plain}, { \
      tile_##P##_1_plain2, tile_##P##_2_plain2                                            \
    }                                                                                     \
  }

static tile_fn *const tiles[TILE][N_STEPS][NB] = {
    TILE_ROW(1),  TILE_ROW(2),  TILE_ROW(3), TILE_ROW(4),  TILE_ROW(5),  TILE_ROW(6),
#if TILE_MAX > 6
    TILE_ROW(7),  TILE_ROW(8),  TILE_ROW(9), TILE_ROW(10), TILE_ROW(11), TILE_ROW(12),
    TILE_ROW(13), TILE_ROW(14),
#endif
};

static int step_of(const pgi_blocked_conv *c) {
  int64_t step = c->pixel * c->stride_w;
  if (step == LANES) return STEP_ONE;
  if (step == 2 * LANES) return STEP_TWO;
  return step == 1 ? STEP_PLAIN : step == 2 ? STEP_PLAIN2 : STEP_ANY;
}

/* Which of n pixels from column ix on the tap meets the image at. */
static uint32_t mask_of(const pgi_blocked_conv *c, int64_t ix, int64_t n) {
  if (ix >= 0 && ix + (n - 1) * c->stride_w < c->in_w) return (1u << n) - 1;
  uint32_t mask = 0;
  for (int64_t p = 0; p < n; p++, ix += c->stride_w) {
    if (ix >= 0 && ix < c->in_w) mask |= 1u << p;
  }
  return mask;
}

static void set_masks(const pgi_blocked_conv *c, place *at, int64_t n) {
  at->ix = at->ox * c->stride_w - c->before_w;
  for (int64_t k = 0; k < c->kernel_w; k++) {
    at->mask[k] = mask_of(c, at->ix + k * c->dilation_w, n);
  }
}

static void conv(const pgi_blocked_conv *c, int blocks, const float *x, const float *w,
                 const float *bias, const float *z, float *y, int64_t oy, int64_t lines, int64_t ox,
                 int64_t n) {
  place at;
  const int step = step_of(c);
  const int64_t passed = c->channels * c->kernel_h * c->kernel_w * c->ahead_step;
  const bool in_pairs = n > 1 && 2 * n <= TILE && step <= STEP_TWO;
  at.ahead = c->ahead;
  for (int64_t end = oy + lines; oy < end; oy++) {
    at.oy = oy;
    at.ox = ox;
    at.iy = oy * c->stride_h - c->before_h;
    pgi_blocked_lines(c, oy, &at.lines_from, &at.lines_to);
    if (in_pairs && oy + 1 < end) {
      at.first_from = at.lines_from;
      at.first_to = at.lines_to;
      pgi_blocked_lines(c, oy + 1, &at.second_from, &at.second_to);
      at.lines_from = PG_MIN(at.first_from, at.second_from);
      at.lines_to = PG_MAX(at.first_to, at.second_to);
      set_masks(c, &at, n);
      pairs[n][step][blocks - 1](c, &at, x, w, bias, z, y);
      at.ahead += passed;
      oy++;
      continue;
    }
    int64_t left = n;
    for (int64_t count = (n + TILE - 1) / TILE; count > 0; count--) {
      int64_t width = (left + count - 1) / count; /* of about one width: none is left thin */
      set_masks(c, &at, width);
      tiles[width - 1][step][blocks - 1](c, &at, x, w, bias, z, y);
      at.ahead += passed;
      at.ox += width;
      left -= width;
    }
  }
}

/* ---- depthwise ------------------------------------------------------------------------------ */

/* P pixels of K taps a line, all inside: each input of a line is loaded once. */
INLINE void dw_tile(const int P, const int K, const int S, const pgi_blocked_conv *c, int64_t from,
                    int64_t to, const float *x, const float *w, vec *sum) {
  for (int64_t ky = from; ky < to; ky++) {
    const float *line = x + ky * c->dilation_h * c->in_w * LANES;
    vec tap[5];
#pragma GCC unroll 5
    for (int k = 0; k < K; k++) tap[k] = load(w + (ky * K + k) * LANES);
#pragma GCC unroll 24
    for (int i = 0; i < (P - 1) * S + K; i++) {
      vec v = load(line + i * LANES);
#pragma GCC unroll 8
      for (int p = 0; p < P; p++) {
        if (i >= p * S && i < p * S + K) sum[p] = fmadd(v, tap[i - p * S], sum[p]);
      }
    }
  }
}

INLINE void dw_store(const int P, const pgi_blocked_conv *c, const vec *sum, const float *z,
                     float *y) {
  const vec low = splat(c->low), high = splat(c->high);
  const bool is_capped = c->high < INFINITY;
#pragma GCC unroll 8
  for (int p = 0; p < P; p++) {
    vec v = sum[p];
    if (z) v = add(v, load(z + p * LANES));
    v = most(low, v);
    store(y + p * LANES, is_capped ? least(high, v) : v);
  }
}

/* One pixel, any taps. */
INLINE void dw_pixel(const pgi_blocked_conv *c, const float *x, const float *w, vec shift,
                     const float *z, float *y, int64_t oy, int64_t ox, int64_t from, int64_t to) {
  vec sum = shift;
  for (int64_t ky = from; ky < to; ky++) {
    int64_t line = (oy * c->stride_h - c->before_h + ky * c->dilation_h) * c->in_w;
    int64_t ix = ox * c->stride_w - c->before_w;
    for (int64_t kx = 0; kx < c->kernel_w; kx++, ix += c->dilation_w) {
      if (ix < 0 || ix >= c->in_w) continue;
      sum = fmadd(load(x + (line + ix) * LANES), load(w + (ky * c->kernel_w + kx) * LANES), sum);
    }
  }
  int64_t at = (oy * c->out_w + ox) * LANES;
  dw_store(1, c, &sum, z ? z + at : NULL, y + at);
}

INLINE int64_t dw_span(const int P, const int K, const int S, const pgi_blocked_conv *c,
                       const float *x, const float *w, vec shift, const float *z, float *y,
                       int64_t oy, int64_t ox, int64_t end, int64_t from, int64_t to) {
  for (; ox + P <= end; ox += P) {
    vec sum[8];
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) sum[p] = shift;
    int64_t in = (oy * c->stride_h - c->before_h) * c->in_w + ox * S - c->before_w;
    dw_tile(P, K, S, c, from, to, x + in * LANES, w, sum);
    int64_t at = (oy * c->out_w + ox) * LANES;
    dw_store(P, c, sum, z ? z + at : NULL, y + at);
  }
  return ox;
}

#define DW_INNER(K, S)                                                                           \
  TARGET static int64_t dw_inner_##K##_##S(                                                      \
      const pgi_blocked_conv *c, const float *x, const float *w, const float *bias,              \
      const float *z, float *y, int64_t oy, int64_t ox, int64_t end, int64_t from, int64_t to) { \
    vec shift = load(bias);                                                                      \
    ox = dw_span(8, K, S, c, x, w, shift, z, y, oy, ox, end, from, to);                          \
    ox = dw_span(4, K, S, c, x, w, shift, z, y, oy, ox, end, from, to);                          \
    return dw_span(1, K, S, c, x, w, shift, z, y, oy, ox, end, from, to);                        \
  }
DW_INNER(3, 1)
DW_INNER(3, 2)
DW_INNER(5, 1)
DW_INNER(5, 2)

TARGET static void depthwise(const pgi_blocked_conv *c, const float *x, const float *w,
                             const float *bias, const float *z, float *y, int64_t oy) {
  int64_t from, to, ox = 0;
  pgi_blocked_lines(c, oy, &from, &to);
  const vec shift = load(bias);
  /* the outputs [first, end) whose windows are inside the line */
  int64_t first = (c->before_w + c->stride_w - 1) / c->stride_w;
  int64_t room = c->in_w + c->before_w - (c->kernel_w - 1) * c->dilation_w - 1;
  int64_t end = room < 0 ? 0 : PG_MIN(room / c->stride_w + 1, c->out_w);
  bool is_known = (c->kernel_w == 3 || c->kernel_w == 5) && c->stride_w <= 2 && c->dilation_w == 1;
  if (is_known && first < end) {
    for (; ox < first; ox++) dw_pixel(c, x, w, shift, z, y, oy, ox, from, to);
    if (c->kernel_w == 3 && c->stride_w == 1) {
      ox = dw_inner_3_1(c, x, w, bias, z, y, oy, ox, end, from, to);
    } else if (c->kernel_w == 3) {
      ox = dw_inner_3_2(c, x, w, bias, z, y, oy, ox, end, from, to);
    } else if (c->stride_w == 1) {
      ox = dw_inner_5_1(c, x, w, bias, z, y, oy, ox, end, from, to);
    } else {
      ox = dw_inner_5_2(c, x, w, bias, z, y, oy, ox, end, from, to);
    }
  }
  for (; ox < c->out_w; ox++) dw_pixel(c, x, w, shift, z, y, oy, ox, from, to);
  float *line = y + oy * c->out_w * LANES;
  if (c->map) c->map(line, line, c->out_w * LANES, c->a, c->b);
}

/* ---- pools and the rest --------------------------------------------------------------------- */

INLINE void pool_line(const bool is_max, const pgi_blocked_conv *c, const float *x, float *y,
                      int64_t oy) {
  int64_t from, to;
  pgi_blocked_lines(c, oy, &from, &to);
  const vec start = is_max ? splat(-INFINITY) : zero();
  for (int64_t ox = 0; ox < c->out_w; ox++) {
    vec v = start;
    int64_t ix = ox * c->stride_w - c->before_w, d = c->dilation_w;
    int64_t left = ix >= 0 ? 0 : (-ix + d - 1) / d;
    int64_t right = ix >= c->in_w ? 0 : PG_MIN((c->in_w - ix + d - 1) / d, c->kernel_w);
    for (int64_t ky = from; ky < to; ky++) {
      int64_t iy = oy * c->stride_h - c->before_h + ky * c->dilation_h;
      const float *line = x + (iy * c->in_w + ix) * LANES;
      for (int64_t k = left; k < right; k++) {
        vec in = load(line + k * d * LANES);
        v = is_max ? most(in, v) : add(v, in);
      }
    }
    store(y + (oy * c->out_w + ox) * LANES, v);
  }
}

TARGET static void max_line(const pgi_blocked_conv *c, const float *x, float *y, int64_t oy) {
  pool_line(true, c, x, y, oy);
}

TARGET static void sum_line(const pgi_blocked_conv *c, const float *x, float *y, int64_t oy) {
  pool_line(false, c, x, y, oy);
}

TARGET static void affine(int64_t n, const float *x, const float *scale, const float *shift,
                          float low, float high, float *y) {
  const vec a = load(scale), b = load(shift), l = splat(low), h = splat(high);
  for (int64_t i = 0; i < n; i++) {
    store(y + i * LANES, least(h, most(l, fmadd(load(x + i * LANES), a, b))));
  }
}

TARGET static void hard_swish(const float *x, float *y, int64_t n, float a, float b) {
  const vec sixth = splat(1.0f / 6), half = splat(0.5f), one = splat(1);
  (void)a, (void)b;
  for (int64_t i = 0; i < n; i += LANES) {
    vec v = load(x + i);
    store(y + i, mul(v, least(one, most(zero(), fmadd(v, sixth, half)))));
  }
}

TARGET static void total(int64_t n, const float *x, float *y) {
  vec s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
  int64_t i = 0;
  for (; i + 4 <= n; i += 4, x += 4 * LANES) {
    s0 = add(s0, load(x));
    s1 = add(s1, load(x + LANES));
    s2 = add(s2, load(x + 2 * LANES));
    s3 = add(s3, load(x + 3 * LANES));
  }
  for (; i < n; i++, x += LANES) s0 = add(s0, load(x));
  store(y, add(add(s0, s1), add(s2, s3)));
}
