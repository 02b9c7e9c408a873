/* symbol: see symbol.h.  Texts become polynomials (poly.c), which are computed with, and become texts. */
#include "graph/poly.h"

#include <stdio.h>

/* ---- numbers ------------------------------------------------------------------------------------- */

pgi_num pgi_num_of_dim(pgi_dim d) {
  if (d.n >= 0) return pgi_num_of(d.n);
  return d.symbol ? (pgi_num){true, 0, d.symbol, 1} : pgi_num_unknown();
}

pgi_dim pgi_dim_of_num(pgi_num a) {
  if (!a.is_known || a.den != 1 || (!a.symbol && a.n < 0)) return pgi_dim_unknown();
  return a.symbol ? (pgi_dim){-1, a.symbol} : pgi_dim_of(a.n);
}

static void to_poly(pgi_arena *arena, pgi_num a, pgi_poly *out) {
  if (a.symbol)
    pgi_poly_read(arena, a.symbol, out);
  else
    pgi_poly_number(out, a.n);
  out->is_good = out->is_good && a.is_known;
}

static pgi_num from_poly(pgi_arena *arena, pgi_poly *p, int64_t den) {
  pgi_num out = {true, 0, NULL, den};
  int64_t common = den;
  if (!p->is_good || den <= 0) return pgi_num_unknown();
  for (int i = 0; i < p->n; i++) common = pgi_gcd(common, p->at[i].c);
  for (int i = 0; i < p->n && common > 1; i++) p->at[i].c /= common;
  if (common > 1) out.den = den / common;
  if (pgi_poly_is_number(p, &out.n)) return out;
  char buffer[PG_POLY_TEXT + 1];
  pgi_text text = {buffer, sizeof buffer, 0};
  bool is_name = p->n == 1 && p->at[0].n == 1 && p->at[0].c == 1;
  if (is_name)
    pgi_text_add(&text, "%.*s", p->at[0].by[0].length, p->at[0].by[0].text);
  else
    pgi_poly_text(p, &text);
  if (text.n >= sizeof buffer) return pgi_num_unknown();
  out.symbol = arena ? pgi_arena_strndup(arena, buffer, text.n) : NULL;
  return out.symbol ? out : pgi_num_unknown();
}

/* a + sign * b */
static pgi_num combine(pgi_arena *arena, pgi_num a, pgi_num b, int64_t sign) {
  if (!a.is_known || !b.is_known) return pgi_num_unknown();
  if (!b.symbol && b.n == 0) return a;
  if (sign > 0 && !a.symbol && a.n == 0) return b;
  pgi_poly p, q, sum;
  int64_t den;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  pgi_poly_number(&sum, 0);
  pgi_poly_add_scaled(&sum, &p, b.den);
  pgi_poly_add_scaled(&sum, &q, sign * a.den);
  if (__builtin_mul_overflow(a.den, b.den, &den)) return pgi_num_unknown();
  return from_poly(arena, &sum, den);
}

pgi_num pgi_num_add(pgi_arena *arena, pgi_num a, pgi_num b) {
  return combine(arena, a, b, 1);
}

pgi_num pgi_num_sub(pgi_arena *arena, pgi_num a, pgi_num b) {
  return combine(arena, a, b, -1);
}

static bool is_one(pgi_num a) {
  return pgi_num_is_number(a) && a.n == 1 && a.den == 1;
}

pgi_num pgi_num_mul(pgi_arena *arena, pgi_num a, pgi_num b) {
  if (pgi_num_is_number(a) && a.n == 0) return a;
  if (pgi_num_is_number(b) && b.n == 0) return b;
  if (!a.is_known || !b.is_known) return pgi_num_unknown();
  if (is_one(a)) return b;
  if (is_one(b)) return a;
  pgi_poly p, q, product;
  int64_t den;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  pgi_poly_multiply(&p, &q, &product);
  if (__builtin_mul_overflow(a.den, b.den, &den)) return pgi_num_unknown();
  return from_poly(arena, &product, den);
}

pgi_num pgi_num_ratio(pgi_arena *arena, pgi_num a, pgi_num b) {
  if (!a.is_known || !b.is_known || (!b.symbol && b.n == 0)) return pgi_num_unknown();
  if (is_one(b)) return a;
  pgi_poly p, q, num, den, quotient;
  int64_t n;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  pgi_poly_number(&num, 0);
  pgi_poly_number(&den, 0);
  pgi_poly_add_scaled(&num, &p, b.den);
  pgi_poly_add_scaled(&den, &q, a.den);
  if (pgi_poly_divide(&num, &den, &quotient)) return from_poly(arena, &quotient, 1);
  if (!pgi_poly_is_number(&den, &n) || n == INT64_MIN) return pgi_num_unknown();
  pgi_poly turned;
  pgi_poly_number(&turned, 0);
  pgi_poly_add_scaled(&turned, &num, n < 0 ? -1 : 1);
  return from_poly(arena, &turned, n < 0 ? -n : n);
}

pgi_num pgi_num_quotient(pgi_arena *arena, pgi_num a, pgi_num b) {
  if (!a.is_known || !b.is_known || (!b.symbol && b.n == 0)) return pgi_num_unknown();
  if (a.den != 1 || b.den != 1) return pgi_num_floor(arena, pgi_num_ratio(arena, a, b));
  pgi_poly p, q, out;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  pgi_poly_floor(arena, &p, &q, 0, &out);
  return from_poly(arena, &out, 1);
}

static pgi_num floor_shifted(pgi_arena *arena, pgi_num a, int64_t shift) {
  if (!a.is_known || a.den == 1) return a;
  pgi_poly p, den, out;
  pgi_term t = {.c = shift};
  to_poly(arena, a, &p);
  pgi_poly_add_term(&p, &t);
  pgi_poly_number(&den, a.den);
  pgi_poly_floor(arena, &p, &den, 0, &out);
  return from_poly(arena, &out, 1);
}

pgi_num pgi_num_floor(pgi_arena *arena, pgi_num a) {
  return floor_shifted(arena, a, 0);
}

pgi_num pgi_num_ceil(pgi_arena *arena, pgi_num a) {
  return floor_shifted(arena, a, a.den - 1);
}

static pgi_num choose_num(pgi_arena *arena, pgi_num a, pgi_num b, bool is_max) {
  if (!a.is_known || !b.is_known) return pgi_num_unknown();
  pgi_poly p, q, num_p, num_q, out;
  int64_t den;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  pgi_poly_number(&num_p, 0);
  pgi_poly_number(&num_q, 0);
  pgi_poly_add_scaled(&num_p, &p, b.den);
  pgi_poly_add_scaled(&num_q, &q, a.den);
  pgi_poly_choose(arena, &num_p, &num_q, is_max, &out);
  if (__builtin_mul_overflow(a.den, b.den, &den)) return pgi_num_unknown();
  return from_poly(arena, &out, den);
}

pgi_num pgi_num_max(pgi_arena *arena, pgi_num a, pgi_num b) {
  return choose_num(arena, a, b, true);
}

pgi_num pgi_num_min(pgi_arena *arena, pgi_num a, pgi_num b) {
  return choose_num(arena, a, b, false);
}

bool pgi_num_exceeds(pgi_arena *arena, pgi_num a, pgi_num b, int64_t low) {
  pgi_poly p, q;
  if (!a.is_known || !b.is_known || a.den != 1 || b.den != 1) return false;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  return pgi_poly_is_at_least(&p, &q, low);
}

bool pgi_num_equal(pgi_arena *arena, pgi_num a, pgi_num b) {
  pgi_poly p, q;
  if (!a.is_known || !b.is_known || a.den != b.den) return false;
  if (!a.symbol && !b.symbol) return a.n == b.n;
  if (a.symbol && b.symbol && strcmp(a.symbol, b.symbol) == 0) return true;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  pgi_poly_add_scaled(&p, &q, -1);
  int64_t n;
  return pgi_poly_is_number(&p, &n) && n == 0;
}

/* ---- dims ---------------------------------------------------------------------------------------- */

pgi_dim pgi_dim_mul(pgi_arena *arena, pgi_dim a, pgi_dim b) {
  return pgi_dim_of_num(pgi_num_mul(arena, pgi_num_of_dim(a), pgi_num_of_dim(b)));
}

pgi_dim pgi_dim_add(pgi_arena *arena, pgi_dim a, pgi_dim b) {
  return pgi_dim_of_num(pgi_num_add(arena, pgi_num_of_dim(a), pgi_num_of_dim(b)));
}

pgi_dim pgi_dim_shift(pgi_arena *arena, pgi_dim a, int64_t by) {
  return pgi_dim_of_num(pgi_num_add(arena, pgi_num_of_dim(a), pgi_num_of(by)));
}

pgi_dim pgi_dim_div(pgi_arena *arena, pgi_dim a, int64_t by) {
  pgi_num ratio = pgi_num_ratio(arena, pgi_num_of_dim(a), pgi_num_of(by));
  return pgi_dim_of_num(pgi_num_floor(arena, ratio));
}

bool pgi_dim_equal(pgi_dim a, pgi_dim b) {
  if (a.n >= 0 || b.n >= 0) return a.n == b.n;
  if (!a.symbol || !b.symbol) return false;
  return pgi_num_equal(NULL, pgi_num_of_dim(a), pgi_num_of_dim(b));
}

/* ---- substitution -------------------------------------------------------------------------------- */

typedef struct lookup {
  pgi_arena *arena;
  pgi_num (*find)(void *arg, const char *name);
  void *arg;
  int depth;
} lookup;

static bool substitute(lookup *l, const pgi_poly *p, pgi_poly *out);

static bool substitute_call(lookup *l, const pgi_factor *f, pgi_poly *out) {
  bool is_floor = memcmp(f->text, "floor(", 6) == 0, is_max = memcmp(f->text, "max(", 4) == 0;
  const char *inner = f->text + (is_floor ? 6 : 4), *end = f->text + f->length - 1;
  pgi_fraction r;
  pgi_poly num, den;
  if (l->depth > PG_POLY_DEPTH) return false;
  if (is_floor) {
    if (!pgi_poly_read_fraction(l->arena, inner, end, l->depth, &r)) return false;
    if (!substitute(l, &r.num, &num) || !substitute(l, &r.den, &den)) return false;
    pgi_poly_floor(l->arena, &num, &den, 0, out);
    return out->is_good;
  }
  pgi_poly a, b;
  if (!pgi_poly_read_pair(l->arena, inner, end, l->depth, &a, &b)) return false;
  if (!substitute(l, &a, &num) || !substitute(l, &b, &den)) return false;
  pgi_poly_choose(l->arena, &num, &den, is_max, out);
  return out->is_good;
}

static bool substitute_factor(lookup *l, const pgi_factor *f, pgi_poly *out) {
  if (f->is_call) return substitute_call(l, f, out);
  char name[PG_POLY_TEXT + 1];
  snprintf(name, sizeof name, "%.*s", f->length, f->text);
  pgi_num known = l->find(l->arg, name);
  if (known.is_known)
    to_poly(l->arena, known, out);
  else
    pgi_poly_factor(out, *f);
  return out->is_good;
}

static bool substitute(lookup *l, const pgi_poly *p, pgi_poly *out) {
  l->depth++;
  pgi_poly_number(out, 0);
  out->is_good = p->is_good;
  for (int i = 0; i < p->n && out->is_good; i++) {
    pgi_poly product, factor_, next;
    pgi_poly_number(&product, p->at[i].c);
    for (int k = 0; k < p->at[i].n; k++) {
      if (!substitute_factor(l, &p->at[i].by[k], &factor_)) return false;
      pgi_poly_multiply(&product, &factor_, &next);
      product = next;
    }
    pgi_poly_add_scaled(out, &product, 1);
  }
  l->depth--;
  return out->is_good;
}

pgi_dim pgi_dim_substitute(pgi_arena *arena, pgi_dim d,
                           pgi_num (*find)(void *arg, const char *name), void *arg) {
  if (d.n >= 0 || !d.symbol) return d;
  pgi_num whole = find(arg, d.symbol);
  if (whole.is_known) return pgi_dim_of_num(whole);
  lookup l = {arena, find, arg, 0};
  pgi_poly p, out;
  pgi_poly_read(arena, d.symbol, &p);
  if (!substitute(&l, &p, &out)) return pgi_dim_unknown();
  pgi_poly same = out;
  pgi_poly_add_scaled(&same, &p, -1);
  if (same.is_good && same.n == 0) return d; /* nothing was found: the spelling stays */
  return pgi_dim_of_num(from_poly(arena, &out, 1));
}
