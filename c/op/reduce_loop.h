/* reduce_loop: any tensor reduced over any of its axes.
**
** Floats are folded in f32 with doubles between runs (f64 in f64), integers and bools in i64
** (u64 wraps as one).  Work is cut by outputs, never inside a reduction. */
#ifndef PG_OP_REDUCE_LOOP_H
#define PG_OP_REDUCE_LOOP_H

#include "kernel/reduce.h"
#include "op/op.h"

typedef struct pgi_fold {
  pgi_reduce f;
  pg_dtype dtype; /* numeric or bool; contiguous */
  const void *x;
  int rank;
  const int64_t *dims;
  const bool *is_reduced; /* [rank] */
  bool as_f64;            /* integers too are folded as doubles */
  const double *shift;    /* [outputs]: folds exp(x - shift); NULL: x.  Floats or as_f64 only */
  /* Takes the results of outputs [first, first + n), which lie in row-major order of the kept
  ** axes: const double * for floats and as_f64, else const int64_t *.  May be called from
  ** several threads. */
  void (*store)(void *arg, int64_t first, int64_t n, const void *v);
  void *arg;
} pgi_fold;

void pgi_fold_run(pgi_call *c, const pgi_fold *fold);
/* The products of the kept and of the reduced dims; when there is nothing to reduce or nothing
** to make, the other may be too large for a number and is 0. */
void pgi_fold_counts(const pgi_fold *fold, int64_t *outputs, int64_t *elements);

#endif
