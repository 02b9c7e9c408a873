/* elementwise: the two drivers that all operators of one or two numbers share.
**
** An operator gives loops for working types; the driver cuts the work, broadcasts, and converts the
** other element types by blocks: small floats through f32, integers through i64 (stores wrap). */
#ifndef PG_OP_ELEMENTWISE_H
#define PG_OP_ELEMENTWISE_H

#include "kernel/binary.h"
#include "kernel/unary.h"
#include "kernel/unary_math.h"
#include "op/op.h"

/* ---- one operand ---------------------------------------------------------------------------------- */

/* out 0 = f(in 0; a, b) for float types. */
pg_status pgi_unary_op(pgi_call *c, pgi_unary f, double a, double b);
pg_status pgi_unary_tensor(pgi_call *c, pgi_unary f, double a, double b, const pg_tensor *in,
                           const pg_tensor *out);
/* The same for integers (u64 as i64 of the same bits); y may be x. */
typedef void pgi_i64_fn(const int64_t *x, int64_t *y, int64_t n, const void *arg);
pg_status pgi_unary_i64_op(pgi_call *c, pgi_i64_fn *f, const void *arg);

/* ---- two operands --------------------------------------------------------------------------------- */

/* y[i] = f(a[i], b[i]); strides are 0 or 1; y may be a or b. */
typedef void pgi_binary_fn(const void *a, int64_t a_stride, const void *b, int64_t b_stride,
                           void *y, int64_t n);
typedef struct pgi_binary_def {
  bool has_kernel; /* f32 by the kernel `kernel` */
  pgi_binary kernel;
  pgi_binary_fn *f32, *f64;
  pgi_binary_fn *i32; /* NULL: through i64 */
  pgi_binary_fn *i64;
  pgi_binary_fn *u64; /* NULL: the same as i64 */
  pgi_binary_fn *u8;  /* and bool; NULL: through i64 */
  bool is_test;       /* the results are bool */
} pgi_binary_def;
/* out 0 = f(in 0, in 1). */
pg_status pgi_binary_op(pgi_call *c, const pgi_binary_def *def);
pg_status pgi_binary_tensors(pgi_call *c, const pgi_binary_def *def, const pg_tensor *a,
                             const pg_tensor *b, const pg_tensor *out);
/* out 0 = f(... f(f(in 0, in 1), in 2) ...).  Not for PG_OP_INPLACE: inputs from the third on are read
** after the output was first written. */
pg_status pgi_variadic_op(pgi_call *c, const pgi_binary_def *def);
extern const pgi_binary_def pgi_def_add; /* of arithmetic.c */

/* PG_INVALID unless inputs i and j have one element type. */
pg_status pgi_same_types(const pgi_call *c, int i, int j);

/* ---- activation_absorb.c: x f(x) and other formulas become one operator ---------------------------- */

pg_status pgi_sigmoid_absorb(pgi_node *node, bool *changed, pg_error *err);
pg_status pgi_hard_sigmoid_absorb(pgi_node *node, bool *changed, pg_error *err);
pg_status pgi_tanh_absorb(pgi_node *node, bool *changed, pg_error *err);
pg_status pgi_erf_absorb(pgi_node *node, bool *changed, pg_error *err);

/* ---- upgrades ------------------------------------------------------------------------------------- */

/* Opset 1 operators listed inputs to be overwritten. */
pg_status pgi_upgrade_consumed(pgi_node *node, int version, pg_error *err);
/* Arithmetic and comparison before opset 7: see pgi_upgrade_legacy_broadcast. */
pg_status pgi_upgrade_binary(pgi_node *node, int version, pg_error *err);

/* ---- making loops --------------------------------------------------------------------------------- */

/* Fixed lengths become vectors at any level of optimisation. */
#define PG_LOOP(n, body)                                        \
  do {                                                          \
    int64_t i = 0;                                              \
    for (; i + 32 <= (n); i += 32) {                            \
      PG_IVDEP for (int64_t j_ = 0, base_ = i; j_ < 32; j_++) { \
        const int64_t at = base_ + j_;                          \
        body;                                                   \
      }                                                         \
    }                                                           \
    for (; i < (n); i++) {                                      \
      const int64_t at = i;                                     \
      body;                                                     \
    }                                                           \
  } while (0)

/* Defines a pgi_binary_fn over T giving R; `expr` is in u and v. */
#define PG_BINARY_LOOP(name, T, R, expr)                                                         \
  static void name(const void *a_, int64_t a_stride, const void *b_, int64_t b_stride, void *y_, \
                   int64_t n) {                                                                  \
    const T *a = a_, *b = b_;                                                                    \
    R *y = y_;                                                                                   \
    if (n <= 0) return;                                                                          \
    const T a0 = *a, b0 = *b;                                                                    \
    if (a_stride && b_stride) {                                                                  \
      PG_LOOP(n, T u = a[at]; T v = b[at]; y[at] = (R)(expr));                                   \
    } else if (a_stride) {                                                                       \
      PG_LOOP(n, T u = a[at]; T v = b0; y[at] = (R)(expr));                                      \
    } else if (b_stride) {                                                                       \
      PG_LOOP(n, T u = a0; T v = b[at]; y[at] = (R)(expr));                                      \
    } else {                                                                                     \
      PG_LOOP(n, T u = a0; T v = b0; y[at] = (R)(expr));                                         \
    }                                                                                            \
  }

#endif
