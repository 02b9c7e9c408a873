/* fft: the discrete Fourier transform of any length, in f64. */
#ifndef PG_OP_FFT_H
#define PG_OP_FFT_H

#include "base/base.h"

/* Lengths of 2^k run directly, others as a convolution of length m (Bluestein 1970). */
typedef struct pgi_fft {
  int64_t n, m;      /* m: a power of two; n itself, or at least 2n - 1 */
  double *turns;     /* [m/2] complex: e^(-2 pi i k / m) */
  double *chirp;     /* [n] complex: e^(-pi i k^2 / n); NULL when n == m */
  double *chirp_fft; /* [m] complex: the transform of its conjugate */
} pgi_fft;

/* Bytes that a plan for length n takes, and that each run works in; false when n is too large. */
bool pgi_fft_room(int64_t n, size_t *plan, size_t *work);
void pgi_fft_init(pgi_fft *f, int64_t n, void *room);
/* x: [n] complex numbers, transformed in place; the inverse is not divided by n. */
void pgi_fft_run(const pgi_fft *f, double *x, bool is_inverse, void *work);

#endif
