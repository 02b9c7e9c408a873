/* poly: see poly.h. */
#include "graph/poly.h"

/* ---- order --------------------------------------------------------------------------------------- */

static int compare_factors(const pgi_factor *a, const pgi_factor *b) {
  int order = memcmp(a->text, b->text, (size_t)PG_MIN(a->length, b->length));
  if (order == 0) order = a->length - b->length;
  return order ? order : (int)a->is_call - (int)b->is_call;
}

/* Graded lexical order, the greatest first: an order that multiplication keeps, as division needs. */
static int compare_terms(const pgi_term *a, const pgi_term *b) {
  if (a->n != b->n) return b->n - a->n;
  for (int i = 0; i < a->n; i++) {
    int order = compare_factors(&a->by[i], &b->by[i]);
    if (order) return order;
  }
  return 0;
}

/* ---- polynomials --------------------------------------------------------------------------------- */

void pgi_poly_number(pgi_poly *p, int64_t n) {
  p->is_good = true;
  p->n = n != 0;
  p->at[0].c = n;
  p->at[0].n = 0;
}

void pgi_poly_factor(pgi_poly *p, pgi_factor f) {
  p->is_good = f.length > 0 && f.length <= PG_POLY_TEXT;
  p->n = 1;
  p->at[0].c = 1;
  p->at[0].n = 1;
  p->at[0].by[0] = f;
}

bool pgi_poly_is_number(const pgi_poly *p, int64_t *n) {
  if (!p->is_good || p->n > 1 || (p->n == 1 && p->at[0].n > 0)) return false;
  *n = p->n ? p->at[0].c : 0;
  return true;
}

void pgi_poly_add_term(pgi_poly *p, const pgi_term *t) {
  int i = 0;
  if (!p->is_good || t->c == 0) return;
  while (i < p->n && compare_terms(&p->at[i], t) < 0) i++;
  if (i < p->n && compare_terms(&p->at[i], t) == 0) {
    if (__builtin_add_overflow(p->at[i].c, t->c, &p->at[i].c)) p->is_good = false;
    if (p->at[i].c != 0) return;
    memmove(&p->at[i], &p->at[i + 1], (size_t)(--p->n - i) * sizeof *p->at);
    return;
  }
  if (p->n == PG_POLY_TERMS) {
    p->is_good = false;
    return;
  }
  memmove(&p->at[i + 1], &p->at[i], (size_t)(p->n++ - i) * sizeof *p->at);
  p->at[i] = *t;
}

/* p += k * q */
void pgi_poly_add_scaled(pgi_poly *p, const pgi_poly *q, int64_t k) {
  p->is_good = p->is_good && q->is_good;
  for (int i = 0; i < q->n && p->is_good; i++) {
    pgi_term t = q->at[i];
    if (__builtin_mul_overflow(t.c, k, &t.c)) p->is_good = false;
    pgi_poly_add_term(p, &t);
  }
}

static bool multiply_terms(const pgi_term *a, const pgi_term *b, pgi_term *out) {
  if (a->n + b->n > PG_POLY_FACTORS || __builtin_mul_overflow(a->c, b->c, &out->c)) return false;
  out->n = 0;
  for (int i = 0, k = 0; i < a->n || k < b->n;) {
    bool takes_a = k == b->n || (i < a->n && compare_factors(&a->by[i], &b->by[k]) <= 0);
    out->by[out->n++] = takes_a ? a->by[i++] : b->by[k++];
  }
  return true;
}

/* p += t * q */
static void add_product(pgi_poly *p, const pgi_term *t, const pgi_poly *q) {
  for (int i = 0; i < q->n && p->is_good; i++) {
    pgi_term product;
    p->is_good = multiply_terms(t, &q->at[i], &product);
    if (p->is_good) pgi_poly_add_term(p, &product);
  }
}

void pgi_poly_multiply(const pgi_poly *a, const pgi_poly *b, pgi_poly *out) {
  pgi_poly_number(out, 0);
  out->is_good = a->is_good && b->is_good;
  for (int i = 0; i < a->n && out->is_good; i++) add_product(out, &a->at[i], b);
}

static bool divide_terms(const pgi_term *a, const pgi_term *b, pgi_term *out) {
  if (a->c == INT64_MIN || b->c == INT64_MIN || a->c % b->c != 0) return false;
  out->c = a->c / b->c;
  out->n = 0;
  int k = 0;
  for (int i = 0; i < a->n; i++) {
    if (k < b->n && compare_factors(&a->by[i], &b->by[k]) == 0)
      k++;
    else
      out->by[out->n++] = a->by[i];
  }
  return k == b->n;
}

/* Long division by the leading terms; false when something is left over. */
bool pgi_poly_divide(const pgi_poly *a, const pgi_poly *b, pgi_poly *out) {
  pgi_poly rest = *a;
  pgi_poly_number(out, 0);
  if (!a->is_good || !b->is_good || b->n == 0) return false;
  for (int round = 0; rest.n > 0; round++) {
    pgi_term t;
    if (round == PG_POLY_TERMS || !divide_terms(&rest.at[0], &b->at[0], &t)) return false;
    pgi_poly_add_term(out, &t);
    t.c = -t.c;
    add_product(&rest, &t, b);
    if (!rest.is_good || !out->is_good) return false;
  }
  return true;
}

/* ---- to text ------------------------------------------------------------------------------------- */

static void factor_text(const pgi_factor *f, pgi_text *text) {
  bool is_plain = f->is_call || pgi_name_length(f->text, f->text + f->length) == f->length;
  pgi_text_add(text, is_plain ? "%.*s" : "{%.*s}", f->length, f->text);
}

void pgi_poly_text(const pgi_poly *p, pgi_text *text) {
  if (p->n == 0) pgi_text_add(text, "0");
  for (int i = 0; i < p->n; i++) {
    const pgi_term *t = &p->at[i];
    if (i > 0 && t->c > 0) pgi_text_add(text, "+");
    if (t->c == -1 && t->n > 0)
      pgi_text_add(text, "-");
    else if (t->c != 1 || t->n == 0)
      pgi_text_add(text, t->n > 0 ? "%lld*" : "%lld", (long long)t->c);
    for (int k = 0; k < t->n; k++) {
      if (k > 0) pgi_text_add(text, "*");
      factor_text(&t->by[k], text);
    }
  }
}

static void side_text(const pgi_poly *p, bool is_divisor, pgi_text *text) {
  bool is_plain = p->n == 1 && (!is_divisor || p->at[0].n + (p->at[0].c != 1) <= 1);
  if (!is_plain) pgi_text_add(text, "(");
  pgi_poly_text(p, text);
  if (!is_plain) pgi_text_add(text, ")");
}

static void make_call(pgi_arena *arena, const char *name, const pgi_poly *a, const char *between,
                      const pgi_poly *b, pgi_poly *out) {
  char buffer[PG_POLY_TEXT + 1];
  pgi_text text = {buffer, sizeof buffer, 0};
  bool is_floor = *between == '/';
  pgi_poly_number(out, 0);
  out->is_good = false;
  if (!arena || !a->is_good || !b->is_good) return;
  pgi_text_add(&text, "%s(", name);
  if (is_floor)
    side_text(a, false, &text);
  else
    pgi_poly_text(a, &text);
  pgi_text_add(&text, "%s", between);
  if (is_floor)
    side_text(b, true, &text);
  else
    pgi_poly_text(b, &text);
  pgi_text_add(&text, ")");
  if (text.n >= sizeof buffer) return;
  const char *kept = pgi_arena_strndup(arena, buffer, text.n);
  if (kept) pgi_poly_factor(out, (pgi_factor){kept, (int)text.n, true});
}

/* ---- what is at least 0 -------------------------------------------------------------------------- */

static bool is_natural(const pgi_factor *f) {
  if (!f->is_call) return true;
  bool has_zero = f->length > 6 && memcmp(f->text, "max(0,", 6) == 0;
  return has_zero || !memchr(f->text, '-', (size_t)f->length);
}

/* A lower bound, when there is one. */
static bool find_least(const pgi_poly *p, int64_t *least) {
  *least = 0;
  if (!p->is_good) return false;
  for (int i = 0; i < p->n; i++) {
    const pgi_term *t = &p->at[i];
    if (t->n == 0) *least = t->c;
    if (t->n > 0 && t->c < 0) return false;
    for (int k = 0; k < t->n; k++)
      if (!is_natural(&t->by[k])) return false;
  }
  return true;
}

bool pgi_poly_is_at_least(const pgi_poly *a, const pgi_poly *b, int64_t low) {
  pgi_poly d = *a;
  int64_t least;
  pgi_poly_add_scaled(&d, b, -1);
  return find_least(&d, &least) && least >= low;
}

/* ---- floor(a / b) -------------------------------------------------------------------------------- */

static int64_t floor_of(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t pgi_gcd(int64_t a, int64_t b) {
  while (b != 0) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a < 0 ? -a : a;
}

/* floor((floor(x/a) + c) / d) = floor((x + a*c) / (a*d)) for numbers a, d > 0: strides in a row. */
static bool flatten(pgi_arena *arena, pgi_poly *num, int64_t *d, int depth) {
  if (num->n == 0 || num->n > 2 || num->at[0].n != 1 || num->at[0].c != 1) return false;
  if (num->n == 2 && num->at[1].n > 0) return false;
  const pgi_factor *f = &num->at[0].by[0];
  int64_t c = num->n == 2 ? num->at[1].c : 0, a, product, shift;
  pgi_fraction inner;
  if (!f->is_call || f->length < 7 || memcmp(f->text, "floor(", 6) != 0) return false;
  if (!pgi_poly_read_fraction(arena, f->text + 6, f->text + f->length - 1, depth + 1, &inner))
    return false;
  if (!pgi_poly_is_number(&inner.den, &a) || a <= 0 || __builtin_mul_overflow(a, *d, &product) ||
      __builtin_mul_overflow(a, c, &shift))
    return false;
  pgi_term t = {.c = shift};
  pgi_poly_add_term(&inner.num, &t);
  if (!inner.num.is_good) return false;
  *num = inner.num;
  *d = product;
  return true;
}

/* Whole multiples of d leave the floor; what is left is cut down by its greatest common divisor. */
static void floor_number(pgi_arena *arena, const pgi_poly *a, int64_t d, int depth, pgi_poly *out) {
  pgi_poly rest = *a;
  int64_t common = d, c = 0;
  pgi_poly_number(out, 0);
  while (flatten(arena, &rest, &d, depth)) common = d;
  pgi_poly left;
  pgi_poly_number(&left, 0);
  left.is_good = rest.is_good;
  for (int i = 0; i < rest.n; i++) {
    pgi_term t = rest.at[i];
    int64_t whole = floor_of(t.c, d);
    t.c -= whole * d;
    if (t.n == 0)
      c = t.c;
    else if (t.c != 0)
      common = pgi_gcd(common, t.c);
    pgi_poly_add_term(&left, &t);
    t.c = whole;
    pgi_poly_add_term(out, &t);
  }
  int64_t n;
  if (!left.is_good || pgi_poly_is_number(&left, &n)) return; /* n is in [0, d) */
  for (int i = 0; i < left.n; i++) left.at[i].c /= common;
  if (c > 0 && c < common) left.n--; /* the constant, which is the last pgi_term */
  pgi_poly divisor, call;
  pgi_poly_number(&divisor, d / common);
  if (d / common == 1)
    call = left;
  else
    make_call(arena, "floor", &left, "/", &divisor, &call);
  pgi_poly_add_scaled(out, &call, 1);
}

void pgi_poly_floor(pgi_arena *arena, const pgi_poly *a, const pgi_poly *b, int depth,
                    pgi_poly *out) {
  int64_t d;
  if (pgi_poly_divide(a, b, out)) return;
  out->is_good = false;
  if (!a->is_good || !b->is_good || b->n == 0 || depth > PG_POLY_DEPTH) return;
  if (!pgi_poly_is_number(b, &d)) {
    make_call(arena, "floor", a, "/", b, out);
    return;
  }
  pgi_poly flipped;
  pgi_poly_number(&flipped, 0);
  pgi_poly_add_scaled(&flipped, a, d < 0 ? -1 : 1);
  if (d != INT64_MIN && flipped.is_good) floor_number(arena, &flipped, d < 0 ? -d : d, depth, out);
}

/* ---- max, min ------------------------------------------------------------------------------------ */

void pgi_poly_choose(pgi_arena *arena, const pgi_poly *a, const pgi_poly *b, bool is_max,
                     pgi_poly *out) {
  if (pgi_poly_is_at_least(a, b, 0)) {
    *out = is_max ? *a : *b;
    return;
  }
  if (pgi_poly_is_at_least(b, a, 0)) {
    *out = is_max ? *b : *a;
    return;
  }
  char left[PG_POLY_TEXT + 1], right[PG_POLY_TEXT + 1];
  pgi_text l = {left, sizeof left, 0}, r = {right, sizeof right, 0};
  pgi_poly_number(out, 0);
  out->is_good = false;
  if (!a->is_good || !b->is_good) return;
  pgi_poly_text(a, &l);
  pgi_poly_text(b, &r);
  bool is_swapped = strcmp(left, right) > 0;
  make_call(arena, is_max ? "max" : "min", is_swapped ? b : a, ",", is_swapped ? a : b, out);
}
