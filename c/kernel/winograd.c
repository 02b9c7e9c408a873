/* Winograd convolution: weights, and the scalar reference of the transforms, from their matrices.
**
** F(m, r) makes m outputs of r taps from n = m + r - 1 inputs and n products:
** A^T [(G g) * (B^T d)].  The matrices follow from n - 1 points and infinity (Toom and Cook): B^T
** depends on the points alone, so that F(4, 3) and F(2, 5) share it; a row of G is the powers of its
** point, scaled; a column of A^T the powers of its point. */
#include "kernel/blocked.h"

enum { LANES = 8, MOST = 8 };

/* points: 0, 1, -1, 2, -2, 1/2, -1/2, and infinity, which has no row here */
static const double points[MOST - 1] = {0, 1, -1, 2, -2, 0.5, -0.5};
static const double scale4[] = {1, 1.0 / 2, 1.0 / 2};
static const double scale6[] = {1.0 / 4, -1.0 / 6, -1.0 / 6, 1.0 / 24, 1.0 / 24};
static const double scale8[] = {1, -2.0 / 9, -2.0 / 9, 1.0 / 90, 1.0 / 90, 32.0 / 45, 32.0 / 45};

static const float in4[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const float in6[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
static const float in8[8][8] = {
    {1, 0, -5.25f, 0, 5.25f, 0, -1, 0},        {0, 1, 1, -4.25f, -4.25f, 1, 1, 0},
    {0, -1, 1, 4.25f, -4.25f, -1, 1, 0},       {0, 0.5f, 0.25f, -2.5f, -1.25f, 2, 1, 0},
    {0, -0.5f, 0.25f, 2.5f, -1.25f, -2, 1, 0}, {0, 2, 4, -2.5f, -5, 0.5f, 1, 0},
    {0, -2, 4, 2.5f, -5, -0.5f, 1, 0},         {0, -1, 0, 5.25f, 0, -5.25f, 0, 1}};

static float in_at(int size, int row, int col) {
  return size == 4 ? in4[row][col] : size == 6 ? in6[row][col] : in8[row][col];
}

static double power(double x, int n) {
  double v = 1;
  for (int i = 0; i < n; i++) v *= x;
  return v;
}

static double weight_at(int size, int taps, int row, int col) {
  if (row == size - 1) return col == taps - 1;
  const double *scale = size == 4 ? scale4 : size == 6 ? scale6 : scale8;
  return scale[row] * power(points[row], col);
}

static float out_at(int size, int out, int row, int col) {
  if (col == size - 1) return row == out - 1;
  return (float)power(points[col], row);
}

void pgi_winograd_weights(int size, int taps, const float *g, float *to, int64_t step) {
  double matrix[MOST][MOST], half[MOST][MOST];
  for (int i = 0; i < size; i++) {
    for (int k = 0; k < taps; k++) matrix[i][k] = weight_at(size, taps, i, k);
  }
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < taps; j++) {
      half[i][j] = 0;
      for (int k = 0; k < taps; k++) half[i][j] += matrix[i][k] * (double)g[k * taps + j];
    }
  }
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      double sum = 0;
      for (int k = 0; k < taps; k++) sum += half[i][k] * matrix[j][k];
      to[(i * size + j) * step] = (float)sum;
    }
  }
}

void pgi_winograd_matrix(int size, int taps, float *to) {
  for (int i = 0; i < size * taps; i++) to[i] = (float)weight_at(size, taps, i / taps, i % taps);
}

/* ---- the reference -------------------------------------------------------------------------- */

void pgi_winograd_weights_scalar(int size, int taps, const float *matrix, const float *g, float *to,
                                 int64_t step) {
  float one[MOST * MOST];
  (void)matrix;
  for (int l = 0; l < LANES; l++) {
    for (int t = 0; t < taps * taps; t++) one[t] = g[t * LANES + l];
    pgi_winograd_weights(size, taps, one, to + l, step);
  }
}

void pgi_winograd_in_scalar(const pgi_blocked_conv *c, int size, int out, const float *x,
                            int64_t oy, int64_t ox, float *v, int64_t step) {
  float in[MOST][MOST], half[MOST][MOST];
  (void)out;
  for (int l = 0; l < LANES; l++) {
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        int64_t iy = oy - c->before_h + i, ix = ox - c->before_w + j;
        bool is_inside = iy >= 0 && iy < c->in_h && ix >= 0 && ix < c->in_w;
        in[i][j] = is_inside ? x[(iy * c->in_w + ix) * LANES + l] : 0;
      }
    }
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        half[i][j] = 0;
        for (int k = 0; k < size; k++) half[i][j] += in_at(size, i, k) * in[k][j];
      }
    }
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        float sum = 0;
        for (int k = 0; k < size; k++) sum += half[i][k] * in_at(size, j, k);
        v[(i * size + j) * step + l] = sum;
      }
    }
  }
}

void pgi_winograd_out_scalar(const pgi_blocked_conv *c, int size, int out, const float *v,
                             int64_t step, const float *bias, const float *z, float *y, int64_t oy,
                             int64_t ox) {
  float half[MOST][MOST];
  for (int l = 0; l < LANES; l++) {
    for (int i = 0; i < out; i++) {
      for (int j = 0; j < size; j++) {
        half[i][j] = 0;
        for (int k = 0; k < size; k++) {
          half[i][j] += out_at(size, out, i, k) * v[(k * size + j) * step + l];
        }
      }
    }
    for (int i = 0; i < out && oy + i < c->out_h; i++) {
      for (int j = 0; j < out && ox + j < c->out_w; j++) {
        int64_t at = ((oy + i) * c->out_w + ox + j) * LANES + l;
        float sum = 0;
        for (int k = 0; k < size; k++) sum += half[i][k] * out_at(size, out, j, k);
        sum += bias[l];
        if (z) sum += z[at];
        sum = sum < c->low ? c->low : sum;
        y[at] = sum > c->high ? c->high : sum;
      }
    }
  }
  if (!c->map) return;
  for (int i = 0; i < out && oy + i < c->out_h; i++) {
    float *line = y + ((oy + i) * c->out_w + ox) * LANES;
    c->map(line, line, PG_MIN(out, c->out_w - ox) * LANES, c->a, c->b);
  }
}
