/* The kernels that measure the machine compute something too. */
#include "kernel/peak.h"
#include "testing/check.h"

void pgi_check_peak_f32(pgi_check *c, const void *variant, const void *reference) {
  const pgi_peak_f32 *t = variant, *s = reference;
  for (int64_t rounds = 0; rounds < 5; rounds++) {
    double got = (double)t->fma(rounds, 6), want = (double)s->fma(rounds, 6);
    pgi_check_near(c, got, want, 0, "fma", rounds); /* halves of small numbers are exact */
  }
  for (int64_t n = 0; n <= 1024; n += 256) {
    float *x = pgi_check_floats(c, n, 1);
    double want = 0, sum_of_abs = 0;
    for (int64_t i = 0; i < n; i++) {
      want += (double)x[i];
      sum_of_abs += (double)(x[i] < 0 ? -x[i] : x[i]);
    }
    pgi_check_near(c, (double)t->read(x, n), want, 128 * PG_EPS * sum_of_abs + 1e-30, "read", n);
    pgi_check_clear(c, "read");
  }
}
