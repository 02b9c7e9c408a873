/* expr: formulas over columns of numbers, such as "x*2 + tanh(y)".
**
** The text is compiled once into a short list of instructions over numbered slots; running takes the
** columns in blocks of PG_EXPR_BLOCK and does one instruction on a whole block at a time, so that
** every instruction is a loop over vectors.
**
** The language is that of Lua's expressions on numbers, loosest first:
**   or   and   < <= > >= == ~= !=   + -   * / // %   not - (before)   ^ (to the right)
** Comparisons and logic give 0 and 1; everything but 0 is true.  Constants: pi e inf nan.
** Functions: abs acos acosh asin asinh atan atanh ceil clamp(x,low,high) cos cosh erf exp floor gelu
** log log10 log2 max min (two or more) mish pow relu round sigmoid sign silu sin sinh softplus sqrt
** tan tanh where(condition,yes,no). */
#ifndef PG_KERNEL_EXPR_H
#define PG_KERNEL_EXPR_H

#include "kernel/unary.h"

typedef struct pgi_expr pgi_expr;

/* names: what the columns are called in the text; they win over constants of the same name.  Errors
** are PG_INVALID with the column of the text, counted from 1.  *out: freed by pgi_expr_free. */
pg_status pgi_expr_compile(pg_context *ctx, const char *text, const char *const *names, int n_names,
                           pgi_expr **out, pg_error *err);
void pgi_expr_free(pgi_expr *e); /* NULL is fine */

/* out[i] from in[k][i]; `out` may be one of the columns.  Columns that the text doesn't name may be
** NULL.  scratch: pgi_expr_scratch bytes, aligned to PG_ALIGN, one for each thread. */
size_t pgi_expr_scratch(const pgi_expr *e);
void pgi_expr_run_f64(const pgi_expr *e, void *scratch, const double *const *in, double *out,
                      int64_t n);
void pgi_expr_run_f32(const pgi_expr *e, void *scratch, const float *const *in, float *out,
                      int64_t n);
bool pgi_expr_uses(const pgi_expr *e, int column);

/* ---- inside: shared by the compiler and the kernels ------------------------------------------------ */

#define PG_EXPR_BLOCK 1024

typedef enum pgi_expr_op {
  PG_X_ADD,
  PG_X_SUB,
  PG_X_MUL,
  PG_X_DIV,
  PG_X_FLOOR_DIV,
  PG_X_MOD, /* the sign of the divisor */
  PG_X_POW,
  PG_X_MIN,
  PG_X_MAX,
  PG_X_LESS,
  PG_X_LESS_EQUAL,
  PG_X_EQUAL,
  PG_X_NOT_EQUAL,
  PG_X_AND,
  PG_X_OR,
  PG_X_NOT,
  PG_X_WHERE,
  PG_X_COPY,
  PG_X_UNARY /* and above: PG_X_UNARY + pgi_unary */
} pgi_expr_op;

/* y[i] = op(a[i], b[i], c[i]), ops below PG_X_UNARY; y may be any of them. */
typedef struct pgi_expr_kernel {
  void (*f64)(pgi_expr_op op, const double *a, const double *b, const double *c, double *y,
              int64_t n);
  void (*f32)(pgi_expr_op op, const float *a, const float *b, const float *c, float *y, int64_t n);
} pgi_expr_kernel;

/* A slot is a column, a constant or a temporary, numbered in this order. */
typedef struct pgi_expr_step {
  int32_t op; /* pgi_expr_op */
  int32_t a, b, c, y;
} pgi_expr_step;

struct pgi_expr {
  pg_context *ctx; /* retained */
  int n_columns, n_constants, n_temporaries;
  double *constants;    /* [n_constants] */
  pgi_expr_step *steps; /* [n_steps]; the last one makes the result */
  int n_steps;
};

#endif
