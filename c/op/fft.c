/* fft: Cooley and Tukey's radix 2 in place, and Bluestein's chirps for the other lengths. */
#include "op/fft.h"

#include <math.h>

#define PI 3.14159265358979323846

static int64_t power_of_two(int64_t least) {
  int64_t m = 1;
  while (m < least) m *= 2;
  return m;
}

static int64_t inner_length(int64_t n) {
  int64_t m = power_of_two(n);
  return m == n ? n : power_of_two(2 * n - 1);
}

bool pgi_fft_room(int64_t n, size_t *plan, size_t *work) {
  if (n < 1 || n > (int64_t)1 << 40) return false;
  size_t m = (size_t)inner_length(n), pair = 2 * sizeof(double);
  bool is_direct = m == (size_t)n;
  *plan = (m / 2 + (is_direct ? 0 : (size_t)n + m)) * pair + pair;
  *work = (is_direct ? 1 : m) * pair;
  return true;
}

static void radix_2(const pgi_fft *f, double *x) {
  int64_t m = f->m;
  for (int64_t i = 1, j = 0; i < m; i++) { /* bit reversal: j counts with carries to the right */
    int64_t bit = m >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j |= bit;
    if (i >= j) continue;
    double re = x[2 * i], im = x[2 * i + 1];
    x[2 * i] = x[2 * j], x[2 * i + 1] = x[2 * j + 1];
    x[2 * j] = re, x[2 * j + 1] = im;
  }
  for (int64_t half = 1; half < m; half *= 2) {
    int64_t step = m / (2 * half);
    for (int64_t start = 0; start < m; start += 2 * half) {
      double *a = x + 2 * start, *b = a + 2 * half;
      for (int64_t k = 0; k < half; k++) {
        const double *w = f->turns + 2 * k * step;
        double re = b[2 * k] * w[0] - b[2 * k + 1] * w[1];
        double im = b[2 * k] * w[1] + b[2 * k + 1] * w[0];
        b[2 * k] = a[2 * k] - re, b[2 * k + 1] = a[2 * k + 1] - im;
        a[2 * k] += re, a[2 * k + 1] += im;
      }
    }
  }
}

/* k^2 mod 2n keeps the angle small. */
static void init_chirps(pgi_fft *f) {
  memset(f->chirp_fft, 0, (size_t)f->m * 2 * sizeof(double));
  for (int64_t k = 0; k < f->n; k++) {
    int64_t square = (int64_t)((unsigned __int128)k * (uint64_t)k % (uint64_t)(2 * f->n));
    double angle = PI * (double)square / (double)f->n, re = cos(angle), im = sin(angle);
    f->chirp[2 * k] = re, f->chirp[2 * k + 1] = -im;
    int64_t mirror = k ? f->m - k : 0;
    f->chirp_fft[2 * k] = f->chirp_fft[2 * mirror] = re;
    f->chirp_fft[2 * k + 1] = f->chirp_fft[2 * mirror + 1] = im;
  }
  radix_2(f, f->chirp_fft);
}

void pgi_fft_init(pgi_fft *f, int64_t n, void *room) {
  *f = (pgi_fft){.n = n, .m = inner_length(n), .turns = room};
  for (int64_t k = 0; k < f->m / 2; k++) {
    double angle = -2 * PI * (double)k / (double)f->m;
    f->turns[2 * k] = cos(angle), f->turns[2 * k + 1] = sin(angle);
  }
  if (f->m == n) return;
  f->chirp = f->turns + f->m;
  f->chirp_fft = f->chirp + 2 * n;
  init_chirps(f);
}

static void conjugate(double *x, int64_t n) {
  for (int64_t k = 0; k < n; k++) x[2 * k + 1] = -x[2 * k + 1];
}

static void multiply(double *x, const double *a, const double *b, int64_t n) {
  for (int64_t k = 0; k < n; k++) {
    double re = a[2 * k] * b[2 * k] - a[2 * k + 1] * b[2 * k + 1];
    x[2 * k + 1] = a[2 * k] * b[2 * k + 1] + a[2 * k + 1] * b[2 * k];
    x[2 * k] = re;
  }
}

/* X[k] = chirp[k] * sum over j of (x[j] chirp[j]) conj(chirp[k - j]): a circular convolution. */
static void bluestein(const pgi_fft *f, double *x, double *work) {
  memset(work, 0, (size_t)f->m * 2 * sizeof(double));
  multiply(work, x, f->chirp, f->n);
  radix_2(f, work);
  multiply(work, work, f->chirp_fft, f->m);
  conjugate(work, f->m); /* the inverse by way of the forward transform */
  radix_2(f, work);
  conjugate(work, f->n);
  for (int64_t k = 0; k < 2 * f->n; k++) work[k] /= (double)f->m;
  multiply(x, work, f->chirp, f->n);
}

void pgi_fft_run(const pgi_fft *f, double *x, bool is_inverse, void *work) {
  if (is_inverse) conjugate(x, f->n);
  if (f->chirp)
    bluestein(f, x, work);
  else
    radix_2(f, x);
  if (is_inverse) conjugate(x, f->n);
}
