/* reduce: see reduce.h.  One text in vectors of 8 lanes, which each target compiles as it can. */
#include "kernel/reduce.h"

#include "kernel/unary_math.h"

typedef float lanes __attribute__((vector_size(32)));
typedef int32_t masks __attribute__((vector_size(32)));

enum { LANES = 8, WIDE = 64, BLOCK = 8192 };

PG_INLINE void load(lanes *to, const float *from) {
  memcpy(to, from, sizeof *to);
}

#define ABS(x) ((lanes)((masks)(x)&0x7fffffff))
/* b where the mask is set, else a. */
#define SELECT(mask, a, b) ((lanes)(((mask) & (masks)(b)) | (~(mask) & (masks)(a))))

#define STEP_SUM(t, x) (t) += (x)
#define STEP_SUM_ABS(t, x) (t) += ABS(x)
#define STEP_SUM_SQUARE(t, x) (t) += (x) * (x)
#define STEP_PROD(t, x) (t) *= (x)
/* A NaN comes in and, as no number is above it, stays. */
#define STEP_MAX(t, x) (t) = SELECT(((x) > (t)) | ((x) != (x)), t, x)
#define STEP_MIN(t, x) (t) = SELECT(((x) < (t)) | ((x) != (x)), t, x)

#define ONE_SUM(t, x) ((t) + (x))
#define ONE_SUM_ABS(t, x) ((t) + __builtin_fabsf(x))
#define ONE_SUM_SQUARE(t, x) ((t) + (x) * (x))
#define ONE_PROD(t, x) ((t) * (x))
#define ONE_MAX(t, x) ((x) > (t) || (x) != (x) ? (x) : (t))
#define ONE_MIN(t, x) ((x) < (t) || (x) != (x) ? (x) : (t))

/* Folds a block of at most BLOCK elements.  `start` is what changes nothing; JOIN and MERGE join
** totals, many and two, which for sums differs from STEP and ONE. */
#define FOLD(name, STEP, ONE, JOIN, MERGE, start)                                 \
  PG_INLINE float fold_##name(const float *x, int64_t n) {                        \
    lanes t0, t1, t2, t3, t4, t5, t6, t7, v;                                      \
    for (int i = 0; i < LANES; i++) t0[i] = (start);                              \
    t1 = t2 = t3 = t4 = t5 = t6 = t7 = t0;                                        \
    for (; n >= WIDE; n -= WIDE, x += WIDE) {                                     \
      load(&v, x), STEP(t0, v);                                                   \
      load(&v, x + LANES), STEP(t1, v);                                           \
      load(&v, x + 2 * LANES), STEP(t2, v);                                       \
      load(&v, x + 3 * LANES), STEP(t3, v);                                       \
      load(&v, x + 4 * LANES), STEP(t4, v);                                       \
      load(&v, x + 5 * LANES), STEP(t5, v);                                       \
      load(&v, x + 6 * LANES), STEP(t6, v);                                       \
      load(&v, x + 7 * LANES), STEP(t7, v);                                       \
    }                                                                             \
    for (; n >= LANES; n -= LANES, x += LANES) load(&v, x), STEP(t0, v);          \
    JOIN(t0, t1), JOIN(t2, t3), JOIN(t4, t5), JOIN(t6, t7);                       \
    JOIN(t0, t2), JOIN(t4, t6);                                                   \
    JOIN(t0, t4);                                                                 \
    float total[LANES];                                                           \
    memcpy(total, &t0, sizeof t0);                                                \
    for (int64_t i = 0; i < n; i++) total[i] = ONE(total[i], x[i]);               \
    for (int half = LANES / 2; half > 0; half /= 2)                               \
      for (int i = 0; i < half; i++) total[i] = MERGE(total[i], total[i + half]); \
    return total[0];                                                              \
  }

FOLD(sum, STEP_SUM, ONE_SUM, STEP_SUM, ONE_SUM, 0.0f)
FOLD(sum_abs, STEP_SUM_ABS, ONE_SUM_ABS, STEP_SUM, ONE_SUM, 0.0f)
FOLD(sum_square, STEP_SUM_SQUARE, ONE_SUM_SQUARE, STEP_SUM, ONE_SUM, 0.0f)
FOLD(max, STEP_MAX, ONE_MAX, STEP_MAX, ONE_MAX, -INFINITY)
FOLD(min, STEP_MIN, ONE_MIN, STEP_MIN, ONE_MIN, INFINITY)

#define SUM_RUN(name, isa, TARGET)                                                    \
  TARGET static double run_##name##_##isa(const float *x, int64_t n) {                \
    double total = 0;                                                                 \
    for (; n > BLOCK; n -= BLOCK, x += BLOCK) total += (double)fold_##name(x, BLOCK); \
    return total + (double)fold_##name(x, n);                                         \
  }
#define ORDER_RUN(name, isa, TARGET)                                   \
  TARGET static double run_##name##_##isa(const float *x, int64_t n) { \
    return (double)fold_##name(x, n);                                  \
  }

/* In doubles, so that factors far from 1 on both sides don't overflow on the way. */
static double run_prod(const float *x, int64_t n) {
  double total = 1;
  for (int64_t i = 0; i < n; i++) total *= (double)x[i];
  return total;
}

#define ROW(name, STEP, ONE, isa, TARGET)                                      \
  TARGET static void row_##name##_##isa(const float *x, float *y, int64_t n) { \
    lanes v, t;                                                                \
    for (; n >= LANES; n -= LANES, x += LANES, y += LANES) {                   \
      load(&v, x), load(&t, y);                                                \
      STEP(t, v);                                                              \
      memcpy(y, &t, sizeof t);                                                 \
    }                                                                          \
    for (int64_t i = 0; i < n; i++) y[i] = ONE(y[i], x[i]);                    \
  }

#define VARIANT(isa, TARGET, cpu)                                                             \
  SUM_RUN(sum, isa, TARGET)                                                                   \
  SUM_RUN(sum_abs, isa, TARGET)                                                               \
  SUM_RUN(sum_square, isa, TARGET)                                                            \
  ORDER_RUN(max, isa, TARGET)                                                                 \
  ORDER_RUN(min, isa, TARGET)                                                                 \
  ROW(sum, STEP_SUM, ONE_SUM, isa, TARGET)                                                    \
  ROW(sum_abs, STEP_SUM_ABS, ONE_SUM_ABS, isa, TARGET)                                        \
  ROW(sum_square, STEP_SUM_SQUARE, ONE_SUM_SQUARE, isa, TARGET)                               \
  ROW(prod, STEP_PROD, ONE_PROD, isa, TARGET)                                                 \
  ROW(max, STEP_MAX, ONE_MAX, isa, TARGET)                                                    \
  ROW(min, STEP_MIN, ONE_MIN, isa, TARGET)                                                    \
  static const pgi_reduce_f32 isa = {{run_sum_##isa, run_sum_abs_##isa, run_sum_square_##isa, \
                                      run_prod, run_max_##isa, run_min_##isa},                \
                                     {row_sum_##isa, row_sum_abs_##isa, row_sum_square_##isa, \
                                      row_prod_##isa, row_max_##isa, row_min_##isa}};

VARIANT(scalar, , 0)
PG_KERNEL(reduce_f32_scalar) = {
    .name = "reduce_f32_scalar", .family = PG_K_REDUCE_F32, .table = &scalar};

#ifdef PG_X86
VARIANT(avx2, PG_TARGET_AVX2, PG_CPU_AVX2)
PG_KERNEL(reduce_f32_avx2) = {
    .name = "reduce_f32_avx2", .family = PG_K_REDUCE_F32, .needs = PG_CPU_AVX2, .table = &avx2};

VARIANT(avx512, PG_TARGET_AVX512, PG_CPU_AVX512)
PG_KERNEL(reduce_f32_avx512) = {.name = "reduce_f32_avx512",
                                .family = PG_K_REDUCE_F32,
                                .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                .table = &avx512};
#endif
