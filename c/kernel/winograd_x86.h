/* Winograd's transforms for one width of vectors, with blocked_x86.h: the matrices of winograd.c as
** sums, an even and an odd part each, since points come in pairs x and -x. */

/* ---- inputs --------------------------------------------------------------------------------- */

/* N inputs d[i * s] of a line to t[i]. */
INLINE void in_line(const int N, const int s, const vec *d, vec *t) {
  if (N == 4) {
    t[0] = sub(d[0], d[2 * s]);
    t[1] = add(d[s], d[2 * s]);
    t[2] = sub(d[2 * s], d[s]);
    t[3] = sub(d[3 * s], d[s]);
  } else if (N == 6) {
    const vec four = splat(4), five = splat(5), two = splat(2);
    vec even = fnmadd(four, d[2 * s], d[4 * s]), odd = fnmadd(four, d[s], d[3 * s]);
    t[1] = add(even, odd);
    t[2] = sub(even, odd);
    even = sub(d[4 * s], d[2 * s]);
    odd = mul(two, sub(d[3 * s], d[s]));
    t[3] = add(even, odd);
    t[4] = sub(even, odd);
    t[0] = fmadd(four, d[0], fnmadd(five, d[2 * s], d[4 * s]));
    t[5] = fmadd(four, d[s], fnmadd(five, d[3 * s], d[5 * s]));
  } else {
    const vec a = splat(5.25f), b = splat(4.25f), half = splat(0.5f), quarter = splat(0.25f);
    const vec two = splat(2), four = splat(4), c = splat(2.5f), e = splat(1.25f), five = splat(5);
    t[0] = fmadd(a, sub(d[4 * s], d[2 * s]), sub(d[0], d[6 * s]));
    t[7] = fmadd(a, sub(d[3 * s], d[5 * s]), sub(d[7 * s], d[s]));
    vec even = fnmadd(b, d[4 * s], add(d[2 * s], d[6 * s]));
    vec odd = fnmadd(b, d[3 * s], add(d[s], d[5 * s]));
    t[1] = add(even, odd);
    t[2] = sub(even, odd);
    even = fmadd(quarter, d[2 * s], fnmadd(e, d[4 * s], d[6 * s]));
    odd = fmadd(half, d[s], fnmadd(c, d[3 * s], mul(two, d[5 * s])));
    t[3] = add(even, odd);
    t[4] = sub(even, odd);
    even = fmadd(four, d[2 * s], fnmadd(five, d[4 * s], d[6 * s]));
    odd = fmadd(two, d[s], fnmadd(c, d[3 * s], mul(half, d[5 * s])));
    t[5] = add(even, odd);
    t[6] = sub(even, odd);
  }
}

INLINE void in_tile(const int N, const pgi_blocked_conv *c, const float *x, int64_t oy, int64_t ox,
                    float *v, int64_t step) {
  vec half[8 * 8];
  const int64_t iy = oy - c->before_h, ix = ox - c->before_w;
  const bool is_inside = iy >= 0 && ix >= 0 && iy + N <= c->in_h && ix + N <= c->in_w;
  const float *corner = x + (iy * c->in_w + ix) * LANES;
#pragma GCC unroll 8
  for (int j = 0; j < N; j++) {
    vec d[8];
    if (is_inside) {
#pragma GCC unroll 8
      for (int i = 0; i < N; i++) d[i] = load(corner + (i * c->in_w + j) * LANES);
    } else {
      for (int i = 0; i < N; i++) {
        bool is_on = iy + i >= 0 && iy + i < c->in_h && ix + j >= 0 && ix + j < c->in_w;
        d[i] = is_on ? load(corner + (i * c->in_w + j) * LANES) : zero();
      }
    }
    in_line(N, 1, d, half + j * 8);
  }
#pragma GCC unroll 8
  for (int i = 0; i < N; i++) {
    vec t[8];
    in_line(N, 8, half + i, t);
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) store(v + (i * N + j) * step, t[j]);
  }
}

TARGET static void winograd_in(const pgi_blocked_conv *c, int size, int out, const float *x,
                               int64_t oy, int64_t ox, float *v, int64_t step) {
  (void)out;
  if (size == 4) {
    in_tile(4, c, x, oy, ox, v, step);
  } else if (size == 6) {
    in_tile(6, c, x, oy, ox, v, step);
  } else {
    in_tile(8, c, x, oy, ox, v, step);
  }
}

/* ---- outputs -------------------------------------------------------------------------------- */

/* N products m[i] to M outputs y[i]. */
INLINE void out_line(const int N, const int M, const vec *m, vec *y) {
  vec s1 = add(m[1], m[2]), d1 = sub(m[1], m[2]);
  if (N == 4) {
    y[0] = add(m[0], s1);
    y[1] = add(d1, m[3]);
    return;
  }
  vec s2 = add(m[3], m[4]), d2 = sub(m[3], m[4]);
  vec even = s1, odd = d1;
  if (N == 6) {
    y[0] = add(add(m[0], even), s2);
    y[1] = fmadd(splat(2), d2, odd);
    if (M > 2) y[2] = fmadd(splat(4), s2, even);
    if (M > 3) y[3] = fmadd(splat(8), d2, odd);
  } else {
    vec s3 = add(m[5], m[6]), d3 = sub(m[5], m[6]);
    y[0] = add(add(m[0], even), add(s2, s3));
    y[1] = fmadd(splat(2), d2, fmadd(splat(0.5f), d3, odd));
    y[2] = fmadd(splat(4), s2, fmadd(splat(0.25f), s3, even));
    y[3] = fmadd(splat(8), d2, fmadd(splat(0.125f), d3, odd));
    if (M > 4) y[4] = fmadd(splat(16), s2, fmadd(splat(0.0625f), s3, even));
    if (M > 5) y[5] = fmadd(splat(32), d2, fmadd(splat(0.03125f), d3, odd));
  }
  y[M - 1] = add(y[M - 1], m[N - 1]);
}

INLINE void out_tile(const int N, const int M, const pgi_blocked_conv *c, const float *v,
                     int64_t step, const float *bias, const float *z, float *y, int64_t oy,
                     int64_t ox) {
  vec half[8 * 8]; /* [row][column of the transformed tile] */
  const vec shift = load(bias), low = splat(c->low), high = splat(c->high);
  const int64_t columns = PG_MIN(c->out_w - ox, M);
#pragma GCC unroll 8
  for (int j = 0; j < N; j++) {
    vec m[8], t[6];
#pragma GCC unroll 8
    for (int i = 0; i < N; i++) m[i] = load(v + (i * N + j) * step);
    out_line(N, M, m, t);
#pragma GCC unroll 6
    for (int i = 0; i < M; i++) half[i * 8 + j] = t[i];
  }
  for (int i = 0; i < M && oy + i < c->out_h; i++) {
    vec t[6];
    out_line(N, M, half + i * 8, t);
    const int64_t at = ((oy + i) * c->out_w + ox) * LANES;
#pragma GCC unroll 6
    for (int j = 0; j < M; j++) {
      if (j >= columns) break;
      vec r = add(t[j], shift);
      if (z) r = add(r, load(z + at + j * LANES));
      store(y + at + j * LANES, least(high, most(low, r)));
    }
    if (c->map) c->map(y + at, y + at, columns * LANES, c->a, c->b);
  }
}

TARGET static void winograd_out(const pgi_blocked_conv *c, int size, int out, const float *v,
                                int64_t step, const float *bias, const float *z, float *y,
                                int64_t oy, int64_t ox) {
  if (size == 4) {
    out_tile(4, 2, c, v, step, bias, z, y, oy, ox);
  } else if (size == 6 && out == 4) {
    out_tile(6, 4, c, v, step, bias, z, y, oy, ox);
  } else if (size == 6) {
    out_tile(6, 2, c, v, step, bias, z, y, oy, ox);
  } else if (out == 6) {
    out_tile(8, 6, c, v, step, bias, z, y, oy, ox);
  } else {
    out_tile(8, 4, c, v, step, bias, z, y, oy, ox);
  }
}

/* ---- weights -------------------------------------------------------------------------------- */

INLINE void weights_tile(const int N, const int R, const float *matrix, const float *g, float *to,
                         int64_t step) {
  vec half[8 * 5];
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < R; j++) {
      vec sum = mul(splat(matrix[i * R]), load(g + j * LANES));
      for (int k = 1; k < R; k++) {
        sum = fmadd(splat(matrix[i * R + k]), load(g + (k * R + j) * LANES), sum);
      }
      half[i * R + j] = sum;
    }
  }
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++, to += step) {
      vec sum = mul(splat(matrix[j * R]), half[i * R]);
      for (int k = 1; k < R; k++) sum = fmadd(splat(matrix[j * R + k]), half[i * R + k], sum);
      store(to, sum);
    }
  }
}

TARGET static void winograd_weights(int size, int taps, const float *matrix, const float *g,
                                    float *to, int64_t step) {
  if (taps == 3)
    weights_tile(size, 3, matrix, g, to, step);
  else
    weights_tile(size, 5, matrix, g, to, step);
}
