/* binary: see binary.h.  One list, expanded under each target. */
#include "kernel/binary.h"

#include "kernel/unary_math.h"

#define BINARY(X)                            \
  X(add, PG_ADD, u + v)                      \
  X(sub, PG_SUB, u - v)                      \
  X(mul, PG_MUL, u *v)                       \
  X(div, PG_DIV, u / v)                      \
  X(max, PG_MAX_OF, u > v || u != u ? u : v) \
  X(min, PG_MIN_OF, u < v || u != u ? u : v) \
  X(prelu, PG_PRELU, u < 0.0f ? u * v : u)

enum { BLOCK = 64 };

/* The block is of a fixed length, so that it becomes vectors; what is left over goes one by one:
** none of these expressions depends on how it is computed. */
#define LOOP(name, TARGET, expr, A, B)                                           \
  TARGET static void name(const float *a, const float *b, float *y, int64_t n) { \
    const float a0 = n > 0 ? *a : 0.0f, b0 = n > 0 ? *b : 0.0f;                  \
    (void)a0, (void)b0;                                                          \
    int64_t first = 0;                                                           \
    for (; first + BLOCK <= n; first += BLOCK) {                                 \
      PG_IVDEP for (int64_t i = first; i < first + BLOCK; i++) {                 \
        float u = A, v = B;                                                      \
        y[i] = expr;                                                             \
      }                                                                          \
    }                                                                            \
    for (int64_t i = first; i < n; i++) {                                        \
      float u = A, v = B;                                                        \
      y[i] = expr;                                                               \
    }                                                                            \
  }
#define LOOPS(isa, TARGET, id, expr)               \
  LOOP(id##_both_##isa, TARGET, expr, a[i], b[i])  \
  LOOP(id##_a_alone_##isa, TARGET, expr, a[i], b0) \
  LOOP(id##_b_alone_##isa, TARGET, expr, a0, b[i])
#define ENTRY(isa, id, kind) [kind] = {id##_both_##isa, id##_a_alone_##isa, id##_b_alone_##isa},

#define X(id, kind, expr) LOOPS(scalar, , id, expr)
BINARY(X)
#undef X
#define X(id, kind, expr) ENTRY(scalar, id, kind)
static const pgi_binary_f32 scalar = {{BINARY(X)}};
#undef X

PG_KERNEL(binary_f32_scalar) = {
    .name = "binary_f32_scalar", .family = PG_K_BINARY_F32, .table = &scalar};

#ifndef PG_TARGET_AVX2 /* elsewhere plain C that nothing selects */
#define PG_TARGET_AVX2
#define PG_TARGET_AVX512
#endif

#define X(id, kind, expr) LOOPS(avx2, PG_TARGET_AVX2, id, expr)
BINARY(X)
#undef X
#define X(id, kind, expr) ENTRY(avx2, id, kind)
static const pgi_binary_f32 avx2 = {{BINARY(X)}};
#undef X

PG_KERNEL(binary_f32_avx2) = {
    .name = "binary_f32_avx2", .family = PG_K_BINARY_F32, .needs = PG_CPU_AVX2, .table = &avx2};

#define X(id, kind, expr) LOOPS(avx512, PG_TARGET_AVX512, id, expr)
BINARY(X)
#undef X
#define X(id, kind, expr) ENTRY(avx512, id, kind)
static const pgi_binary_f32 avx512 = {{BINARY(X)}};
#undef X

PG_KERNEL(binary_f32_avx512) = {.name = "binary_f32_avx512",
                                .family = PG_K_BINARY_F32,
                                .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                .table = &avx512};
