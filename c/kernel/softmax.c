/* softmax: see softmax.h.  Sums keep one total for each place of a block, joined in doubles. */
#include "kernel/softmax.h"

#include "kernel/unary_math.h"

enum { BLOCK = 64, JOINED = 8 };

/* Not one chain of additions: a row may be short. */
PG_INLINE double total_of(const float *sum) {
  double part[JOINED] = {0};
  for (int i = 0; i < BLOCK; i += JOINED)
    for (int k = 0; k < JOINED; k++) part[k] += (double)sum[i + k];
  for (int half = JOINED / 2; half > 0; half /= 2)
    for (int k = 0; k < half; k++) part[k] += part[k + half];
  return part[0];
}

#define EXP_SCALAR(x) ((float)exp((double)(x)))

#define VARIANT(isa, TARGET, EXP)                                                             \
  PG_INLINE void exp_block_##isa(const float *x, float *y, float shift, float *sum) {         \
    PG_IVDEP for (int i = 0; i < BLOCK; i++) {                                                \
      float e = EXP(x[i] - shift);                                                            \
      y[i] = e;                                                                               \
      sum[i] += e;                                                                            \
    }                                                                                         \
  }                                                                                           \
  TARGET static double run_##isa(const float *x, float *y, int64_t n, float shift) {          \
    float sum[BLOCK] = {0}, rest[BLOCK] = {0};                                                \
    for (; n >= BLOCK; n -= BLOCK, x += BLOCK, y += BLOCK) exp_block_##isa(x, y, shift, sum); \
    if (n > 0) {                                                                              \
      memcpy(rest, x, (size_t)n * sizeof *x);                                                 \
      float unused[BLOCK] = {0};                                                              \
      exp_block_##isa(rest, rest, shift, unused);                                             \
      for (int i = 0; i < n; i++) sum[i] += rest[i];                                          \
      memcpy(y, rest, (size_t)n * sizeof *y);                                                 \
    }                                                                                         \
    return total_of(sum);                                                                     \
  }                                                                                           \
  PG_INLINE void row_block_##isa(const float *x, float *y, const float *shift, float *sum) {  \
    PG_IVDEP for (int i = 0; i < BLOCK; i++) {                                                \
      float e = EXP(x[i] - shift[i]);                                                         \
      y[i] = e;                                                                               \
      sum[i] += e;                                                                            \
    }                                                                                         \
  }                                                                                           \
  TARGET static void row_##isa(const float *x, float *y, int64_t n, const float *shift,       \
                               float *sum) {                                                  \
    for (; n >= BLOCK; n -= BLOCK, x += BLOCK, y += BLOCK, shift += BLOCK, sum += BLOCK)      \
      row_block_##isa(x, y, shift, sum);                                                      \
    if (n <= 0) return;                                                                       \
    size_t bytes = (size_t)n * sizeof(float);                                                 \
    float a[BLOCK] = {0}, b[BLOCK] = {0}, total[BLOCK] = {0};                                 \
    memcpy(a, x, bytes), memcpy(b, shift, bytes), memcpy(total, sum, bytes);                  \
    row_block_##isa(a, a, b, total);                                                          \
    memcpy(y, a, bytes), memcpy(sum, total, bytes);                                           \
  }                                                                                           \
  static const pgi_softmax_f32 isa = {run_##isa, row_##isa};

VARIANT(scalar, , EXP_SCALAR)
PG_KERNEL(softmax_f32_scalar) = {
    .name = "softmax_f32_scalar", .family = PG_K_SOFTMAX_F32, .table = &scalar};

#ifdef PG_X86
VARIANT(avx2, PG_TARGET_AVX2, pgi_exp_f32)
PG_KERNEL(softmax_f32_avx2) = {
    .name = "softmax_f32_avx2", .family = PG_K_SOFTMAX_F32, .needs = PG_CPU_AVX2, .table = &avx2};

VARIANT(avx512, PG_TARGET_AVX512, pgi_exp_f32)
PG_KERNEL(softmax_f32_avx512) = {.name = "softmax_f32_avx512",
                                 .family = PG_K_SOFTMAX_F32,
                                 .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                 .table = &avx512};
#endif
