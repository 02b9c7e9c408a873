/* working: a tensor's elements in one of two working types, for operators that compute on any
** element type: f32 as it is, everything else as f64. */
#ifndef PG_OP_WORKING_H
#define PG_OP_WORKING_H

#include "op/op.h"

typedef struct pgi_working {
  const float *f32; /* one of these is NULL */
  const double *f64;
} pgi_working;

/* The elements of a contiguous numeric input, in place or in scratch. */
pg_status pgi_working_of(pgi_call *c, const pg_tensor *t, pgi_working *out);
/* All as f64, in scratch. */
pg_status pgi_f64s(pgi_call *c, const pg_tensor *t, const double **out);
static inline double pgi_working_at(const pgi_working *w, int64_t i) {
  return w->f32 ? (double)w->f32[i] : w->f64[i];
}

#endif
