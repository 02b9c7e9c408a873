/* symbol: arithmetic on sizes that have names, not numbers yet.
**
** A size is written as text, "N", "2*N+1", "C*floor((H-1)/2)": a polynomial with whole coefficients in
** named sizes and in three functions, floor(A/B), max(A,B) and min(A,B).  The text is canonical: what
** this file makes of equal polynomials is equal byte by byte, so that comparing texts compares sizes.
** A name of a file that reads as such an expression ("past + 1", "(s0 - 1)//2 + 1") is one; any other
** name is opaque, and stands in braces inside of larger expressions.
**
** Named sizes are whole numbers from 0.  Everything is bounded: what grows beyond a few terms or
** characters becomes unknown. */
#ifndef PG_SYMBOL_H
#define PG_SYMBOL_H

#include "graph/graph.h"

/* An element of a tensor whose content is told before there are data. */
typedef struct pgi_num {
  bool is_known;
  int64_t n;          /* when symbol is NULL */
  const char *symbol; /* canonical text */
  int64_t den;        /* over this: 1 but for floats, which may be fractions */
} pgi_num;

static inline pgi_num pgi_num_of(int64_t n) {
  return (pgi_num){true, n, NULL, 1};
}
static inline pgi_num pgi_num_unknown(void) {
  return (pgi_num){0};
}
static inline bool pgi_num_is_number(pgi_num a) {
  return a.is_known && !a.symbol;
}
pgi_num pgi_num_of_dim(pgi_dim d);
pgi_dim pgi_dim_of_num(pgi_num a); /* unknown for what is no size: fractions, negative numbers */

/* Unknown where it can't be told or is out of bounds.  New texts go into the arena; NULL of memory makes
** unknown, too. */
pgi_num pgi_num_add(pgi_arena *arena, pgi_num a, pgi_num b);
pgi_num pgi_num_sub(pgi_arena *arena, pgi_num a, pgi_num b);
pgi_num pgi_num_mul(pgi_arena *arena, pgi_num a, pgi_num b);
pgi_num pgi_num_ratio(pgi_arena *arena, pgi_num a, pgi_num b);    /* exact: may be a fraction */
pgi_num pgi_num_quotient(pgi_arena *arena, pgi_num a, pgi_num b); /* floor(a / b) */
pgi_num pgi_num_floor(pgi_arena *arena, pgi_num a);
pgi_num pgi_num_ceil(pgi_arena *arena, pgi_num a);
pgi_num pgi_num_max(pgi_arena *arena, pgi_num a, pgi_num b);
pgi_num pgi_num_min(pgi_arena *arena, pgi_num a, pgi_num b);
/* Whether a - b is at least `low` for all sizes: false when that can't be told. */
bool pgi_num_exceeds(pgi_arena *arena, pgi_num a, pgi_num b, int64_t low);
bool pgi_num_equal(pgi_arena *arena, pgi_num a, pgi_num b); /* provably */

/* Names in the dim become what `find` knows of them: numbers (symbol NULL) or other expressions.
** find may return unknown: the name stays. */
pgi_dim pgi_dim_substitute(pgi_arena *arena, pgi_dim d,
                           pgi_num (*find)(void *arg, const char *name), void *arg);

/* The content of a small tensor, row-major. */
enum { PG_CONTENT_MOST = 64 };
typedef struct pgi_content {
  pg_dtype dtype;
  int rank;
  int64_t dims[PG_MAX_RANK];
  int64_t n; /* at most PG_CONTENT_MOST */
  pgi_num *at;
} pgi_content;

#endif
