/* poly: what symbol.c computes with.  A polynomial is a sorted list of terms; a term is a coefficient and a
** sorted list of factors; a factor is a name or a call of floor, max or min, by its text.  So equal
** polynomials are equal lists and have equal texts. */
#ifndef PG_POLY_H
#define PG_POLY_H

#include "graph/symbol.h"

enum { PG_POLY_TERMS = 12, PG_POLY_FACTORS = 8, PG_POLY_TEXT = 200, PG_POLY_DEPTH = 8 };

typedef struct pgi_factor {
  const char *text; /* in an arena, or where the text was read from */
  int length;
  bool is_call; /* floor(...), max(...), min(...) */
} pgi_factor;

typedef struct pgi_term {
  int64_t c;
  int n;
  pgi_factor by[PG_POLY_FACTORS];
} pgi_term;

typedef struct pgi_poly {
  bool is_good; /* false: out of bounds, and so is all that is computed with it */
  int n;
  pgi_term at[PG_POLY_TERMS];
} pgi_poly;

typedef struct pgi_fraction {
  pgi_poly num, den;
} pgi_fraction;

/* ---- poly.c -------------------------------------------------------------------------------------- */

void pgi_poly_number(pgi_poly *p, int64_t n);
void pgi_poly_factor(pgi_poly *p, pgi_factor f);
bool pgi_poly_is_number(const pgi_poly *p, int64_t *n);
void pgi_poly_add_term(pgi_poly *p, const pgi_term *t);
void pgi_poly_add_scaled(pgi_poly *p, const pgi_poly *q, int64_t k); /* p += k * q */
void pgi_poly_multiply(const pgi_poly *a, const pgi_poly *b, pgi_poly *out);
/* False when something is left over. */
bool pgi_poly_divide(const pgi_poly *a, const pgi_poly *b, pgi_poly *out);
/* Whether a - b is at least `low`, whatever the names stand for. */
bool pgi_poly_is_at_least(const pgi_poly *a, const pgi_poly *b, int64_t low);
int64_t pgi_gcd(int64_t a, int64_t b);
/* floor(a / b); the greater or the smaller one.  New calls go into the arena (NULL: none is made). */
void pgi_poly_floor(pgi_arena *arena, const pgi_poly *a, const pgi_poly *b, int depth,
                    pgi_poly *out);
void pgi_poly_choose(pgi_arena *arena, const pgi_poly *a, const pgi_poly *b, bool is_max,
                     pgi_poly *out);
void pgi_poly_text(const pgi_poly *p, pgi_text *text);

/* ---- poly_read.c --------------------------------------------------------------------------------- */

/* The characters of `text` that are a plain name. */
int pgi_name_length(const char *text, const char *end);
/* "(2*N+1)/3", "floor(N/2)", "max(M,N)", "s0**2", "s0//2"; false for anything else.  Factors point into
** the text or the arena.  depth: of the call around it. */
bool pgi_poly_read_fraction(pgi_arena *arena, const char *text, const char *end, int depth,
                            pgi_fraction *out);
/* The same of "M,N". */
bool pgi_poly_read_pair(pgi_arena *arena, const char *text, const char *end, int depth,
                        pgi_poly *first, pgi_poly *second);
/* A name that is no such expression stands for itself. */
void pgi_poly_read(pgi_arena *arena, const char *text, pgi_poly *out);

#endif
