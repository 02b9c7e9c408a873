/* expr: running a compiled formula; see expr.h. */
#include "kernel/expr.h"

#include "kernel/unary_math.h"

/* ---- one instruction on one block ------------------------------------------------------------------ */

static double mod_f64(double a, double b) {
  double r = fmod(a, b);
  return r * b < 0 ? r + b : r;
}

static float mod_f32(float a, float b) {
  float r = fmodf(a, b);
  return r * b < 0 ? r + b : r;
}

/* Fixed lengths become vectors at any level of optimisation. */
#define LOOP(expr)                                                       \
  do {                                                                   \
    int64_t first = 0;                                                   \
    for (; first + 32 <= n; first += 32) {                               \
      PG_IVDEP for (int64_t i = first; i < first + 32; i++) y[i] = expr; \
    }                                                                    \
    for (int64_t i = first; i < n; i++) y[i] = expr;                     \
  } while (0)
#define CALLS(expr) \
  for (int64_t i = 0; i < n; i++) y[i] = expr

#define EXECUTE(name, TARGET, T, floor_of, mod_of, pow_of)                                       \
  TARGET static void name(pgi_expr_op op, const T *a, const T *b, const T *c, T *y, int64_t n) { \
    switch (op) {                                                                                \
      case PG_X_ADD:                                                                             \
        LOOP(a[i] + b[i]);                                                                       \
        break;                                                                                   \
      case PG_X_SUB:                                                                             \
        LOOP(a[i] - b[i]);                                                                       \
        break;                                                                                   \
      case PG_X_MUL:                                                                             \
        LOOP(a[i] * b[i]);                                                                       \
        break;                                                                                   \
      case PG_X_DIV:                                                                             \
        LOOP(a[i] / b[i]);                                                                       \
        break;                                                                                   \
      case PG_X_FLOOR_DIV:                                                                       \
        LOOP(floor_of(a[i] / b[i]));                                                             \
        break;                                                                                   \
      case PG_X_MOD:                                                                             \
        CALLS(mod_of(a[i], b[i]));                                                               \
        break;                                                                                   \
      case PG_X_POW:                                                                             \
        CALLS(pow_of(a[i], b[i]));                                                               \
        break;                                                                                   \
      case PG_X_MIN:                                                                             \
        LOOP(a[i] < b[i] || a[i] != a[i] ? a[i] : b[i]);                                         \
        break;                                                                                   \
      case PG_X_MAX:                                                                             \
        LOOP(a[i] > b[i] || a[i] != a[i] ? a[i] : b[i]);                                         \
        break;                                                                                   \
      case PG_X_LESS:                                                                            \
        LOOP((T)(a[i] < b[i]));                                                                  \
        break;                                                                                   \
      case PG_X_LESS_EQUAL:                                                                      \
        LOOP((T)(a[i] <= b[i]));                                                                 \
        break;                                                                                   \
      case PG_X_EQUAL:                                                                           \
        LOOP((T)(a[i] == b[i]));                                                                 \
        break;                                                                                   \
      case PG_X_NOT_EQUAL:                                                                       \
        LOOP((T)(a[i] != b[i]));                                                                 \
        break;                                                                                   \
      case PG_X_AND:                                                                             \
        LOOP((T)((a[i] != 0) & (b[i] != 0)));                                                    \
        break;                                                                                   \
      case PG_X_OR:                                                                              \
        LOOP((T)((a[i] != 0) | (b[i] != 0)));                                                    \
        break;                                                                                   \
      case PG_X_NOT:                                                                             \
        LOOP((T)(a[i] == 0));                                                                    \
        break;                                                                                   \
      case PG_X_WHERE:                                                                           \
        LOOP(a[i] != 0 ? b[i] : c[i]);                                                           \
        break;                                                                                   \
      case PG_X_COPY:                                                                            \
        LOOP(a[i]);                                                                              \
        break;                                                                                   \
      case PG_X_UNARY:                                                                           \
        break;                                                                                   \
    }                                                                                            \
  }

#ifndef PG_TARGET_AVX2 /* elsewhere plain C that nothing selects */
#define PG_TARGET_AVX2
#define PG_TARGET_AVX512
#endif

EXECUTE(execute_f64_scalar, , double, __builtin_floor, mod_f64, pow)
EXECUTE(execute_f32_scalar, , float, __builtin_floorf, mod_f32, powf)
EXECUTE(execute_f64_avx2, PG_TARGET_AVX2, double, __builtin_floor, mod_f64, pow)
EXECUTE(execute_f32_avx2, PG_TARGET_AVX2, float, __builtin_floorf, mod_f32, powf)
EXECUTE(execute_f64_avx512, PG_TARGET_AVX512, double, __builtin_floor, mod_f64, pow)
EXECUTE(execute_f32_avx512, PG_TARGET_AVX512, float, __builtin_floorf, mod_f32, powf)

static const pgi_expr_kernel scalar = {execute_f64_scalar, execute_f32_scalar};
static const pgi_expr_kernel avx2 = {execute_f64_avx2, execute_f32_avx2};
static const pgi_expr_kernel avx512 = {execute_f64_avx512, execute_f32_avx512};

PG_KERNEL(expr_scalar) = {.name = "expr_scalar", .family = PG_K_EXPR, .table = &scalar};
PG_KERNEL(expr_avx2) = {
    .name = "expr_avx2", .family = PG_K_EXPR, .needs = PG_CPU_AVX2, .table = &avx2};
PG_KERNEL(expr_avx512) = {.name = "expr_avx512",
                          .family = PG_K_EXPR,
                          .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                          .table = &avx512};

/* ---- the program ----------------------------------------------------------------------------------- */

size_t pgi_expr_scratch(const pgi_expr *e) {
  return (size_t)(e->n_constants + e->n_temporaries) * PG_EXPR_BLOCK * sizeof(double) + PG_ALIGN;
}

bool pgi_expr_uses(const pgi_expr *e, int column) {
  for (int i = 0; i < e->n_steps; i++)
    if (e->steps[i].a == column || e->steps[i].b == column || e->steps[i].c == column) return true;
  return false;
}

/* One block after another through all steps.  Only the last step writes to `out`, when all that it
** reads of a column that lies there is the same block. */
#define RUN(name, T, unary_call, member)                                                           \
  void name(const pgi_expr *e, void *scratch, const T *const *in, T *out, int64_t n) {             \
    const pgi_expr_kernel *kernel = e->ctx->kernels[PG_K_EXPR];                                    \
    T *constants = scratch;                                                                        \
    for (int k = 0; k < e->n_constants; k++)                                                       \
      for (int i = 0; i < PG_EXPR_BLOCK; i++)                                                      \
        constants[(size_t)k * PG_EXPR_BLOCK + (size_t)i] = (T)e->constants[k];                     \
    for (int64_t first = 0; first < n; first += PG_EXPR_BLOCK) {                                   \
      int64_t m = PG_MIN(n - first, (int64_t)PG_EXPR_BLOCK);                                       \
      for (int s = 0; s < e->n_steps; s++) {                                                       \
        const pgi_expr_step *step = &e->steps[s];                                                  \
        const int32_t operands[3] = {step->a, step->b, step->c};                                   \
        const T *x[3];                                                                             \
        for (int k = 0; k < 3; k++) {                                                              \
          int32_t slot = operands[k];                                                              \
          if (slot < 0)                                                                            \
            x[k] = NULL;                                                                           \
          else if (slot < e->n_columns)                                                            \
            x[k] = in[slot] + first;                                                               \
          else                                                                                     \
            x[k] = constants + (size_t)(slot - e->n_columns) * PG_EXPR_BLOCK;                      \
        }                                                                                          \
        T *y = s == e->n_steps - 1 ? out + first                                                   \
                                   : constants + (size_t)(step->y - e->n_columns) * PG_EXPR_BLOCK; \
        if (step->op < PG_X_UNARY)                                                                 \
          kernel->member((pgi_expr_op)step->op, x[0], x[1], x[2], y, m);                           \
        else                                                                                       \
          unary_call;                                                                              \
      }                                                                                            \
    }                                                                                              \
  }

RUN(pgi_expr_run_f64, double,
    pgi_unary_f64_run((pgi_unary)(step->op - PG_X_UNARY), x[0], y, m, 1, 0), f64)
RUN(pgi_expr_run_f32, float,
    pgi_unary_f32_run(e->ctx, (pgi_unary)(step->op - PG_X_UNARY), x[0], y, m, 1, 0), f32)
