/* norm: see norm.h. */
#include "kernel/norm.h"

#include "kernel/unary_math.h"

enum { BLOCK = 64, LONG = 8192 };

#define VARIANT(isa, TARGET)                                                                     \
  TARGET static double spread_##isa(const float *x, int64_t n, float mean) {                     \
    double total = 0;                                                                            \
    while (n > 0) {                                                                              \
      float sum[BLOCK] = {0};                                                                    \
      int64_t m = PG_MIN(n, (int64_t)LONG);                                                      \
      n -= m;                                                                                    \
      for (; m >= BLOCK; m -= BLOCK, x += BLOCK) {                                               \
        PG_IVDEP for (int i = 0; i < BLOCK; i++) {                                               \
          float d = x[i] - mean;                                                                 \
          sum[i] += d * d;                                                                       \
        }                                                                                        \
      }                                                                                          \
      for (int64_t i = 0; i < m; i++) sum[i] += (x[i] - mean) * (x[i] - mean);                   \
      x += m;                                                                                    \
      for (int i = 0; i < BLOCK; i++) total += (double)sum[i];                                   \
    }                                                                                            \
    return total;                                                                                \
  }                                                                                              \
  PG_INLINE void gain_##isa(const float *x, float *y, int64_t n, float mean, float scale,        \
                            const float *gain) {                                                 \
    PG_IVDEP for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * gain[i];             \
  }                                                                                              \
  PG_INLINE void both_##isa(const float *x, float *y, int64_t n, float mean, float scale,        \
                            const float *gain, const float *bias) {                              \
    PG_IVDEP for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * gain[i] + bias[i];   \
  }                                                                                              \
  TARGET static void apply_##isa(const float *x, float *y, int64_t n, float mean, float scale,   \
                                 const float *gain, const float *bias) {                         \
    int64_t i = 0;                                                                               \
    if (gain && bias) {                                                                          \
      for (; i + BLOCK <= n; i += BLOCK)                                                         \
        both_##isa(x + i, y + i, BLOCK, mean, scale, gain + i, bias + i);                        \
    } else if (gain) {                                                                           \
      for (; i + BLOCK <= n; i += BLOCK) gain_##isa(x + i, y + i, BLOCK, mean, scale, gain + i); \
    } else if (!bias) {                                                                          \
      for (; i + BLOCK <= n; i += BLOCK) {                                                       \
        const float *from = x + i;                                                               \
        float *to = y + i;                                                                       \
        PG_IVDEP for (int j = 0; j < BLOCK; j++) to[j] = (from[j] - mean) * scale;               \
      }                                                                                          \
    }                                                                                            \
    for (; i < n; i++) {                                                                         \
      float v = (x[i] - mean) * scale;                                                           \
      if (gain) v *= gain[i];                                                                    \
      y[i] = bias ? v + bias[i] : v;                                                             \
    }                                                                                            \
  }                                                                                              \
  static const pgi_norm_f32 isa = {spread_##isa, apply_##isa};

VARIANT(scalar, )
PG_KERNEL(norm_f32_scalar) = {.name = "norm_f32_scalar", .family = PG_K_NORM_F32, .table = &scalar};

#ifdef PG_X86
VARIANT(avx2, PG_TARGET_AVX2)
PG_KERNEL(norm_f32_avx2) = {
    .name = "norm_f32_avx2", .family = PG_K_NORM_F32, .needs = PG_CPU_AVX2, .table = &avx2};

VARIANT(avx512, PG_TARGET_AVX512)
PG_KERNEL(norm_f32_avx512) = {.name = "norm_f32_avx512",
                              .family = PG_K_NORM_F32,
                              .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                              .table = &avx512};
#endif
