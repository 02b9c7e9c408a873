/* Softmax in bf16.  ONNX defines Softmax by operators of the input's own type (and Attention's
** softmax, when softmax_precision doesn't say otherwise, by "the same precision as the input"):
** differences, exponentials, the sum and the quotients are all rounded to bf16. */
#include <math.h>

#include "op/softmax_loop.h"

/* Sums of more terms are kept in f32 and rounded once: with eight bits, a sum that is rounded after
** each term stops growing once it is 256 times as large as what is added. */
enum { MAX_ROUNDED_TERMS = 16 };

float pgi_round_bf16(float v) {
  return pgi_bf16_to_f32(pgi_f32_to_bf16(v));
}

void pgi_softmax_row_bf16(const float *x, float *y, int64_t n) {
  float most = -INFINITY;
  for (int64_t i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
  float rounded = 0;
  double exact = 0;
  for (int64_t i = 0; i < n; i++) {
    y[i] = pgi_round_bf16(expf(pgi_round_bf16(x[i] - most)));
    rounded = pgi_round_bf16(rounded + y[i]);
    exact += (double)y[i];
  }
  float sum = n <= MAX_ROUNDED_TERMS ? rounded : pgi_round_bf16((float)exact);
  for (int64_t i = 0; i < n; i++) y[i] = pgi_round_bf16(y[i] / sum);
}
