/* resize: see resize.h.  One body, compiled for each level, vectorised by the compiler. */
#include "kernel/resize.h"

#define BODY static inline __attribute__((always_inline))

enum { BLOCK = 32, HALF = 1 << (PG_RESIZE_BITS - 1) };

BODY uint8_t limit(int32_t v) {
  v >>= PG_RESIZE_BITS;
  return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

BODY void block_u8(const uint8_t *in, int64_t step, const int32_t *weights, int64_t taps,
                   uint8_t *restrict out) {
  int32_t sum[BLOCK];
  for (int j = 0; j < BLOCK; j++) sum[j] = HALF;
  for (int64_t t = 0; t < taps; t++, in += step) {
    int32_t w = weights[t];
    for (int j = 0; j < BLOCK; j++) sum[j] += w * in[j];
  }
  for (int j = 0; j < BLOCK; j++) out[j] = limit(sum[j]);
}

BODY void sum_u8_body(const uint8_t *in, int64_t step, const int32_t *weights, int64_t taps,
                      int64_t n, uint8_t *out) {
  int64_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) block_u8(in + i, step, weights, taps, out + i);
  for (; i < n; i++) {
    int32_t sum = HALF;
    for (int64_t t = 0; t < taps; t++) sum += weights[t] * in[t * step + i];
    out[i] = limit(sum);
  }
}

BODY void block_f32(const float *in, int64_t step, const float *weights, int64_t taps,
                    float *restrict out) {
  float sum[BLOCK];
  for (int j = 0; j < BLOCK; j++) sum[j] = 0;
  for (int64_t t = 0; t < taps; t++, in += step) {
    float w = weights[t];
    for (int j = 0; j < BLOCK; j++) sum[j] += w * in[j];
  }
  for (int j = 0; j < BLOCK; j++) out[j] = sum[j];
}

BODY void sum_f32_body(const float *in, int64_t step, const float *weights, int64_t taps, int64_t n,
                       float *out) {
  int64_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) block_f32(in + i, step, weights, taps, out + i);
  for (; i < n; i++) {
    float sum = 0;
    for (int64_t t = 0; t < taps; t++) sum += weights[t] * in[t * step + i];
    out[i] = sum;
  }
}

#define RESIZE_FUNCTIONS(isa, target)                                                      \
  target static void isa##_sum_u8(const uint8_t *in, int64_t step, const int32_t *weights, \
                                  int64_t taps, int64_t n, uint8_t *out) {                 \
    sum_u8_body(in, step, weights, taps, n, out);                                          \
  }                                                                                        \
  target static void isa##_sum_f32(const float *in, int64_t step, const float *weights,    \
                                   int64_t taps, int64_t n, float *out) {                  \
    sum_f32_body(in, step, weights, taps, n, out);                                         \
  }                                                                                        \
  static const pgi_resize isa = {isa##_sum_u8, isa##_sum_f32};

RESIZE_FUNCTIONS(scalar, )
PG_KERNEL(resize_scalar) = {.name = "resize_scalar", .family = PG_K_RESIZE, .table = &scalar};

#ifdef PG_X86
RESIZE_FUNCTIONS(avx2, PG_TARGET_AVX2)
PG_KERNEL(resize_avx2) = {
    .name = "resize_avx2", .family = PG_K_RESIZE, .needs = PG_CPU_AVX2, .table = &avx2};

RESIZE_FUNCTIONS(avx512, PG_TARGET_AVX512)
PG_KERNEL(resize_avx512) = {.name = "resize_avx512",
                            .family = PG_K_RESIZE,
                            .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                            .table = &avx512};
#endif
