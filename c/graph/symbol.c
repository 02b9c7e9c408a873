/* symbol: see symbol.h.  Texts become polynomials, polynomials are computed with, and become texts.
**
** A polynomial is a sorted list of terms; a term is a coefficient and a sorted list of factors; a
** factor is a name or a call of a function, by its text. */
#include "graph/symbol.h"

#include <stdio.h>

enum { MOST_TERMS = 12, MOST_FACTORS = 8, MOST_TEXT = 200, MOST_DEPTH = 8 };

typedef struct factor {
  const char *text;
  int length;
  bool is_call; /* floor(...), max(...), min(...) */
} factor;

typedef struct term {
  int64_t c;
  int n;
  factor by[MOST_FACTORS];
} term;

typedef struct poly {
  bool is_good; /* false: out of bounds */
  int n;
  term at[MOST_TERMS];
} poly;

/* ---- order --------------------------------------------------------------------------------------- */

static int compare_factors(const factor *a, const factor *b) {
  int order = memcmp(a->text, b->text, (size_t)PG_MIN(a->length, b->length));
  if (order == 0) order = a->length - b->length;
  return order ? order : (int)a->is_call - (int)b->is_call;
}

/* Graded lexical order, the greatest first: an order that multiplication keeps, as division needs. */
static int compare_terms(const term *a, const term *b) {
  if (a->n != b->n) return b->n - a->n;
  for (int i = 0; i < a->n; i++) {
    int order = compare_factors(&a->by[i], &b->by[i]);
    if (order) return order;
  }
  return 0;
}

/* ---- polynomials --------------------------------------------------------------------------------- */

static void make_number(poly *p, int64_t n) {
  p->is_good = true;
  p->n = n != 0;
  p->at[0].c = n;
  p->at[0].n = 0;
}

static void make_factor(poly *p, factor f) {
  p->is_good = f.length > 0 && f.length <= MOST_TEXT;
  p->n = 1;
  p->at[0].c = 1;
  p->at[0].n = 1;
  p->at[0].by[0] = f;
}

static bool is_number(const poly *p, int64_t *n) {
  if (!p->is_good || p->n > 1 || (p->n == 1 && p->at[0].n > 0)) return false;
  *n = p->n ? p->at[0].c : 0;
  return true;
}

static void add_term(poly *p, const term *t) {
  int i = 0;
  if (!p->is_good || t->c == 0) return;
  while (i < p->n && compare_terms(&p->at[i], t) < 0) i++;
  if (i < p->n && compare_terms(&p->at[i], t) == 0) {
    if (__builtin_add_overflow(p->at[i].c, t->c, &p->at[i].c)) p->is_good = false;
    if (p->at[i].c != 0) return;
    memmove(&p->at[i], &p->at[i + 1], (size_t)(--p->n - i) * sizeof *p->at);
    return;
  }
  if (p->n == MOST_TERMS) {
    p->is_good = false;
    return;
  }
  memmove(&p->at[i + 1], &p->at[i], (size_t)(p->n++ - i) * sizeof *p->at);
  p->at[i] = *t;
}

/* p += k * q */
static void add_scaled(poly *p, const poly *q, int64_t k) {
  p->is_good = p->is_good && q->is_good;
  for (int i = 0; i < q->n && p->is_good; i++) {
    term t = q->at[i];
    if (__builtin_mul_overflow(t.c, k, &t.c)) p->is_good = false;
    add_term(p, &t);
  }
}

static bool multiply_terms(const term *a, const term *b, term *out) {
  if (a->n + b->n > MOST_FACTORS || __builtin_mul_overflow(a->c, b->c, &out->c)) return false;
  out->n = 0;
  for (int i = 0, k = 0; i < a->n || k < b->n;) {
    bool takes_a = k == b->n || (i < a->n && compare_factors(&a->by[i], &b->by[k]) <= 0);
    out->by[out->n++] = takes_a ? a->by[i++] : b->by[k++];
  }
  return true;
}

/* p += t * q */
static void add_product(poly *p, const term *t, const poly *q) {
  for (int i = 0; i < q->n && p->is_good; i++) {
    term product;
    p->is_good = multiply_terms(t, &q->at[i], &product);
    if (p->is_good) add_term(p, &product);
  }
}

static void multiply(const poly *a, const poly *b, poly *out) {
  make_number(out, 0);
  out->is_good = a->is_good && b->is_good;
  for (int i = 0; i < a->n && out->is_good; i++) add_product(out, &a->at[i], b);
}

static bool divide_terms(const term *a, const term *b, term *out) {
  if (a->c % b->c != 0 || (a->c == INT64_MIN && b->c == -1)) return false;
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
static bool divide(const poly *a, const poly *b, poly *out) {
  poly rest = *a;
  make_number(out, 0);
  if (!a->is_good || !b->is_good || b->n == 0) return false;
  for (int round = 0; rest.n > 0; round++) {
    term t;
    if (round == MOST_TERMS || !divide_terms(&rest.at[0], &b->at[0], &t)) return false;
    add_term(out, &t);
    t.c = -t.c;
    add_product(&rest, &t, b);
    if (!rest.is_good || !out->is_good) return false;
  }
  return true;
}

/* ---- to text ------------------------------------------------------------------------------------- */

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static int name_length(const char *text, const char *end) {
  const char *p = text;
  while (p < end && (is_letter(*p) || (p > text && (is_digit(*p) || *p == '.')))) p++;
  return (int)(p - text);
}

static void factor_text(const factor *f, pgi_text *text) {
  bool is_plain = f->is_call || name_length(f->text, f->text + f->length) == f->length;
  pgi_text_add(text, is_plain ? "%.*s" : "{%.*s}", f->length, f->text);
}

static void poly_text(const poly *p, pgi_text *text) {
  if (p->n == 0) pgi_text_add(text, "0");
  for (int i = 0; i < p->n; i++) {
    const term *t = &p->at[i];
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

static void side_text(const poly *p, bool is_divisor, pgi_text *text) {
  bool is_plain = p->n == 1 && (!is_divisor || p->at[0].n + (p->at[0].c != 1) <= 1);
  if (!is_plain) pgi_text_add(text, "(");
  poly_text(p, text);
  if (!is_plain) pgi_text_add(text, ")");
}

static void make_call(pgi_arena *arena, const char *name, const poly *a, const char *between,
                      const poly *b, poly *out) {
  char buffer[MOST_TEXT + 1];
  pgi_text text = {buffer, sizeof buffer, 0};
  bool is_floor = *between == '/';
  out->is_good = false;
  if (!arena || !a->is_good || !b->is_good) return;
  pgi_text_add(&text, "%s(", name);
  if (is_floor)
    side_text(a, false, &text);
  else
    poly_text(a, &text);
  pgi_text_add(&text, "%s", between);
  if (is_floor)
    side_text(b, true, &text);
  else
    poly_text(b, &text);
  pgi_text_add(&text, ")");
  if (text.n >= sizeof buffer) return;
  const char *kept = pgi_arena_strndup(arena, buffer, text.n);
  if (kept) make_factor(out, (factor){kept, (int)text.n, true});
}

/* ---- what is at least 0 -------------------------------------------------------------------------- */

static bool is_natural(const factor *f) {
  if (!f->is_call) return true;
  bool has_zero = f->length > 6 && memcmp(f->text, "max(0,", 6) == 0;
  return has_zero || !memchr(f->text, '-', (size_t)f->length);
}

/* A lower bound, when there is one. */
static bool find_least(const poly *p, int64_t *least) {
  *least = 0;
  if (!p->is_good) return false;
  for (int i = 0; i < p->n; i++) {
    const term *t = &p->at[i];
    if (t->n == 0) *least = t->c;
    if (t->n > 0 && t->c < 0) return false;
    for (int k = 0; k < t->n; k++)
      if (!is_natural(&t->by[k])) return false;
  }
  return true;
}

static bool is_at_least(const poly *a, const poly *b, int64_t low) {
  poly d = *a;
  int64_t least;
  add_scaled(&d, b, -1);
  return find_least(&d, &least) && least >= low;
}

/* ---- floor(a / b) -------------------------------------------------------------------------------- */

typedef struct fraction {
  poly num, den;
} fraction;

static bool read_ratio(pgi_arena *arena, const char *text, const char *end, int depth, fraction *out);

static int64_t floor_of(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t gcd(int64_t a, int64_t b) {
  while (b != 0) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a < 0 ? -a : a;
}

/* floor((floor(x/a) + c) / d) = floor((x + a*c) / (a*d)) for numbers a, d > 0: strides in a row. */
static bool flatten(pgi_arena *arena, poly *num, int64_t *d, int depth) {
  if (num->n == 0 || num->n > 2 || num->at[0].n != 1 || num->at[0].c != 1) return false;
  if (num->n == 2 && num->at[1].n > 0) return false;
  const factor *f = &num->at[0].by[0];
  int64_t c = num->n == 2 ? num->at[1].c : 0, a, product, shift;
  fraction inner;
  if (!f->is_call || f->length < 7 || memcmp(f->text, "floor(", 6) != 0) return false;
  if (!read_ratio(arena, f->text + 6, f->text + f->length - 1, depth + 1, &inner)) return false;
  if (!is_number(&inner.den, &a) || a <= 0 || __builtin_mul_overflow(a, *d, &product) ||
      __builtin_mul_overflow(a, c, &shift))
    return false;
  term t = {.c = shift};
  add_term(&inner.num, &t);
  if (!inner.num.is_good) return false;
  *num = inner.num;
  *d = product;
  return true;
}

/* Whole multiples of d leave the floor; what is left is cut down by its greatest common divisor. */
static void floor_number(pgi_arena *arena, const poly *a, int64_t d, int depth, poly *out) {
  poly rest = *a;
  int64_t common = d, c = 0;
  make_number(out, 0);
  while (flatten(arena, &rest, &d, depth)) common = d;
  poly left;
  make_number(&left, 0);
  left.is_good = rest.is_good;
  for (int i = 0; i < rest.n; i++) {
    term t = rest.at[i];
    int64_t whole = floor_of(t.c, d);
    t.c -= whole * d;
    if (t.n == 0)
      c = t.c;
    else if (t.c != 0)
      common = gcd(common, t.c);
    add_term(&left, &t);
    t.c = whole;
    add_term(out, &t);
  }
  int64_t n;
  if (!left.is_good || is_number(&left, &n)) return; /* n is in [0, d) */
  for (int i = 0; i < left.n; i++) left.at[i].c /= common;
  if (c > 0 && c < common) left.n--; /* the constant, which is the last term */
  poly divisor, call;
  make_number(&divisor, d / common);
  if (d / common == 1)
    call = left;
  else
    make_call(arena, "floor", &left, "/", &divisor, &call);
  add_scaled(out, &call, 1);
}

static void floor_divide(pgi_arena *arena, const poly *a, const poly *b, int depth, poly *out) {
  int64_t d;
  if (divide(a, b, out)) return;
  out->is_good = false;
  if (!a->is_good || !b->is_good || b->n == 0 || depth > MOST_DEPTH) return;
  if (!is_number(b, &d)) {
    make_call(arena, "floor", a, "/", b, out);
    return;
  }
  poly flipped;
  make_number(&flipped, 0);
  add_scaled(&flipped, a, d < 0 ? -1 : 1);
  if (d != INT64_MIN && flipped.is_good) floor_number(arena, &flipped, d < 0 ? -d : d, depth, out);
}

/* ---- max, min ------------------------------------------------------------------------------------ */

static void choose(pgi_arena *arena, const poly *a, const poly *b, bool is_max, poly *out) {
  if (is_at_least(a, b, 0)) {
    *out = is_max ? *a : *b;
    return;
  }
  if (is_at_least(b, a, 0)) {
    *out = is_max ? *b : *a;
    return;
  }
  char left[MOST_TEXT + 1], right[MOST_TEXT + 1];
  pgi_text l = {left, sizeof left, 0}, r = {right, sizeof right, 0};
  out->is_good = false;
  if (!a->is_good || !b->is_good) return;
  poly_text(a, &l);
  poly_text(b, &r);
  bool is_swapped = strcmp(left, right) > 0;
  make_call(arena, is_max ? "max" : "min", is_swapped ? b : a, ",", is_swapped ? a : b, out);
}

/* ---- from text ----------------------------------------------------------------------------------- */

typedef struct parser {
  pgi_arena *arena;
  const char *at, *end;
  int depth;
} parser;

static void skip(parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t')) p->at++;
}

static bool take(parser *p, const char *token) {
  size_t n = strlen(token);
  skip(p);
  if ((size_t)(p->end - p->at) < n || memcmp(p->at, token, n) != 0) return false;
  p->at += n;
  return true;
}

static bool parse_sum(parser *p, fraction *out);

static bool is_whole(const fraction *r) {
  int64_t d;
  return is_number(&r->den, &d) && d == 1;
}

static bool parse_number(parser *p, fraction *out) {
  int64_t n = 0;
  for (; p->at < p->end && is_digit(*p->at); p->at++) {
    if (__builtin_mul_overflow(n, (int64_t)10, &n) ||
        __builtin_add_overflow(n, (int64_t)(*p->at - '0'), &n))
      return false;
  }
  make_number(&out->num, n);
  return true;
}

/* Behind the opening parenthesis. */
static bool parse_call(parser *p, const char *name, int length, fraction *out) {
  static const char *const names[] = {"floor", "ceiling", "ceil", "max", "Max", "min", "Min"};
  int which = 0;
  while (which < PG_COUNT(names) && ((int)strlen(names[which]) != length ||
                                     memcmp(names[which], name, (size_t)length) != 0))
    which++;
  if (which == PG_COUNT(names) || !parse_sum(p, out)) return false;
  if (which < 3) {
    poly num = out->num, den = out->den;
    if (which > 0) {
      term one = {.c = -1};
      add_scaled(&num, &den, 1); /* ceil(a/b) = floor((a + b - 1) / b) */
      add_term(&num, &one);
    }
    floor_divide(p->arena, &num, &den, p->depth, &out->num);
    make_number(&out->den, 1);
    return take(p, ")");
  }
  while (is_whole(out) && take(p, ",")) {
    fraction other;
    if (!parse_sum(p, &other) || !is_whole(&other)) return false;
    poly first = out->num;
    choose(p->arena, &first, &other.num, which < 5, &out->num);
  }
  return is_whole(out) && take(p, ")");
}

static bool parse_atom(parser *p, fraction *out) {
  skip(p);
  make_number(&out->den, 1);
  if (p->at == p->end) return false;
  if (is_digit(*p->at)) return parse_number(p, out);
  if (take(p, "(")) return parse_sum(p, out) && take(p, ")");
  const char *name = p->at;
  if (*name == '{') {
    const char *close = memchr(name, '}', (size_t)(p->end - name));
    if (!close) return false;
    p->at = close + 1;
    make_factor(&out->num, (factor){name + 1, (int)(close - name - 1), false});
    return true;
  }
  int length = name_length(name, p->end);
  if (length == 0) return false;
  p->at += length;
  if (take(p, "(")) return parse_call(p, name, length, out);
  make_factor(&out->num, (factor){name, length, false});
  return true;
}

static bool parse_power(parser *p, fraction *out) {
  if (!parse_atom(p, out)) return false;
  if (!take(p, "**")) return true;
  fraction power;
  int64_t n;
  skip(p);
  if (!parse_number(p, &power) || !is_number(&power.num, &n) || n < 1 || n > MOST_FACTORS)
    return false;
  fraction base = *out;
  for (int64_t i = 1; i < n; i++) {
    poly num = out->num, den = out->den;
    multiply(&num, &base.num, &out->num);
    multiply(&den, &base.den, &out->den);
  }
  return true;
}

static bool parse_product(parser *p, fraction *out) {
  if (!parse_power(p, out)) return false;
  for (;;) {
    bool is_floor = take(p, "//");
    bool is_ratio = !is_floor && take(p, "/");
    if (!is_floor && !is_ratio && !take(p, "*")) return true;
    fraction left = *out, right;
    if (!parse_power(p, &right)) return false;
    multiply(&left.num, is_floor || is_ratio ? &right.den : &right.num, &out->num);
    multiply(&left.den, is_floor || is_ratio ? &right.num : &right.den, &out->den);
    if (!is_floor) continue;
    left = *out;
    floor_divide(p->arena, &left.num, &left.den, p->depth, &out->num);
    make_number(&out->den, 1);
  }
}

static bool parse_sum(parser *p, fraction *out) {
  bool is_negative = take(p, "-");
  if (++p->depth > MOST_DEPTH || !parse_product(p, out)) return false;
  if (is_negative) {
    poly positive = out->num;
    make_number(&out->num, 0);
    add_scaled(&out->num, &positive, -1);
  }
  for (;;) {
    is_negative = take(p, "-");
    if (!is_negative && !take(p, "+")) break;
    fraction left = *out, right;
    poly other;
    if (!parse_product(p, &right)) return false;
    multiply(&left.num, &right.den, &out->num);
    multiply(&right.num, &left.den, &other);
    multiply(&left.den, &right.den, &out->den);
    add_scaled(&out->num, &other, is_negative ? -1 : 1);
  }
  p->depth--;
  return out->num.is_good && out->den.is_good;
}

static bool read_ratio(pgi_arena *arena, const char *text, const char *end, int depth, fraction *out) {
  parser p = {arena, text, end, depth};
  if (!parse_sum(&p, out)) return false;
  skip(&p);
  return p.at == p.end;
}

/* A name that is no expression stands for itself. */
static void read_text(pgi_arena *arena, const char *text, poly *out) {
  size_t n = strlen(text);
  fraction r;
  if (n > 0 && n <= MOST_TEXT && read_ratio(arena, text, text + n, 0, &r) && is_whole(&r)) {
    *out = r.num;
    return;
  }
  bool is_opaque = n <= MOST_TEXT && !strpbrk(text, "{}");
  make_factor(out, (factor){text, is_opaque ? (int)n : 0, false});
}

/* ---- numbers ------------------------------------------------------------------------------------- */

pgi_num pgi_num_of_dim(pgi_dim d) {
  if (d.n >= 0) return pgi_num_of(d.n);
  return d.symbol ? (pgi_num){true, 0, d.symbol, 1} : pgi_num_unknown();
}

pgi_dim pgi_dim_of_num(pgi_num a) {
  if (!a.is_known || a.den != 1 || (!a.symbol && a.n < 0)) return pgi_dim_unknown();
  return a.symbol ? (pgi_dim){-1, a.symbol} : pgi_dim_of(a.n);
}

static void to_poly(pgi_arena *arena, pgi_num a, poly *out) {
  if (a.symbol)
    read_text(arena, a.symbol, out);
  else
    make_number(out, a.n);
  out->is_good = out->is_good && a.is_known;
}

static pgi_num from_poly(pgi_arena *arena, poly *p, int64_t den) {
  pgi_num out = {true, 0, NULL, den};
  int64_t common = den;
  if (!p->is_good || den <= 0) return pgi_num_unknown();
  for (int i = 0; i < p->n; i++) common = gcd(common, p->at[i].c);
  for (int i = 0; i < p->n && common > 1; i++) p->at[i].c /= common;
  if (common > 1) out.den = den / common;
  if (is_number(p, &out.n)) return out;
  char buffer[MOST_TEXT + 1];
  pgi_text text = {buffer, sizeof buffer, 0};
  bool is_name = p->n == 1 && p->at[0].n == 1 && p->at[0].c == 1;
  if (is_name)
    pgi_text_add(&text, "%.*s", p->at[0].by[0].length, p->at[0].by[0].text);
  else
    poly_text(p, &text);
  if (text.n >= sizeof buffer) return pgi_num_unknown();
  out.symbol = arena ? pgi_arena_strndup(arena, buffer, text.n) : NULL;
  return out.symbol ? out : pgi_num_unknown();
}

/* a + sign * b */
static pgi_num combine(pgi_arena *arena, pgi_num a, pgi_num b, int64_t sign) {
  if (!a.is_known || !b.is_known) return pgi_num_unknown();
  if (!b.symbol && b.n == 0) return a;
  if (sign > 0 && !a.symbol && a.n == 0) return b;
  poly p, q, sum;
  int64_t den;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  make_number(&sum, 0);
  add_scaled(&sum, &p, b.den);
  add_scaled(&sum, &q, sign * a.den);
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
  poly p, q, product;
  int64_t den;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  multiply(&p, &q, &product);
  if (__builtin_mul_overflow(a.den, b.den, &den)) return pgi_num_unknown();
  return from_poly(arena, &product, den);
}

pgi_num pgi_num_ratio(pgi_arena *arena, pgi_num a, pgi_num b) {
  if (!a.is_known || !b.is_known || (!b.symbol && b.n == 0)) return pgi_num_unknown();
  if (is_one(b)) return a;
  poly p, q, num, den, quotient;
  int64_t n;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  make_number(&num, 0);
  make_number(&den, 0);
  add_scaled(&num, &p, b.den);
  add_scaled(&den, &q, a.den);
  if (divide(&num, &den, &quotient)) return from_poly(arena, &quotient, 1);
  if (!is_number(&den, &n) || n == INT64_MIN) return pgi_num_unknown();
  poly turned;
  make_number(&turned, 0);
  add_scaled(&turned, &num, n < 0 ? -1 : 1);
  return from_poly(arena, &turned, n < 0 ? -n : n);
}

pgi_num pgi_num_quotient(pgi_arena *arena, pgi_num a, pgi_num b) {
  if (!a.is_known || !b.is_known || (!b.symbol && b.n == 0)) return pgi_num_unknown();
  if (a.den != 1 || b.den != 1) return pgi_num_floor(arena, pgi_num_ratio(arena, a, b));
  poly p, q, out;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  floor_divide(arena, &p, &q, 0, &out);
  return from_poly(arena, &out, 1);
}

static pgi_num floor_shifted(pgi_arena *arena, pgi_num a, int64_t shift) {
  if (!a.is_known || a.den == 1) return a;
  poly p, den, out;
  term t = {.c = shift};
  to_poly(arena, a, &p);
  add_term(&p, &t);
  make_number(&den, a.den);
  floor_divide(arena, &p, &den, 0, &out);
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
  poly p, q, num_p, num_q, out;
  int64_t den;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  make_number(&num_p, 0);
  make_number(&num_q, 0);
  add_scaled(&num_p, &p, b.den);
  add_scaled(&num_q, &q, a.den);
  choose(arena, &num_p, &num_q, is_max, &out);
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
  poly p, q;
  if (!a.is_known || !b.is_known || a.den != 1 || b.den != 1) return false;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  return is_at_least(&p, &q, low);
}

bool pgi_num_equal(pgi_arena *arena, pgi_num a, pgi_num b) {
  poly p, q;
  if (!a.is_known || !b.is_known || a.den != b.den) return false;
  if (!a.symbol && !b.symbol) return a.n == b.n;
  if (a.symbol && b.symbol && strcmp(a.symbol, b.symbol) == 0) return true;
  to_poly(arena, a, &p);
  to_poly(arena, b, &q);
  add_scaled(&p, &q, -1);
  int64_t n;
  return is_number(&p, &n) && n == 0;
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

static bool substitute(lookup *l, const poly *p, poly *out);

static bool substitute_call(lookup *l, const factor *f, poly *out) {
  bool is_floor = memcmp(f->text, "floor(", 6) == 0, is_max = memcmp(f->text, "max(", 4) == 0;
  const char *inner = f->text + (is_floor ? 6 : 4), *end = f->text + f->length - 1;
  fraction r;
  poly num, den;
  if (l->depth > MOST_DEPTH) return false;
  if (is_floor) {
    if (!read_ratio(l->arena, inner, end, l->depth, &r)) return false;
    if (!substitute(l, &r.num, &num) || !substitute(l, &r.den, &den)) return false;
    floor_divide(l->arena, &num, &den, 0, out);
    return out->is_good;
  }
  parser p = {l->arena, inner, end, l->depth};
  fraction other;
  if (!parse_sum(&p, &r) || !take(&p, ",") || !parse_sum(&p, &other)) return false;
  if (!substitute(l, &r.num, &num) || !substitute(l, &other.num, &den)) return false;
  choose(l->arena, &num, &den, is_max, out);
  return out->is_good;
}

static bool substitute_factor(lookup *l, const factor *f, poly *out) {
  if (f->is_call) return substitute_call(l, f, out);
  char name[MOST_TEXT + 1];
  snprintf(name, sizeof name, "%.*s", f->length, f->text);
  pgi_num known = l->find(l->arg, name);
  if (known.is_known)
    to_poly(l->arena, known, out);
  else
    make_factor(out, *f);
  return out->is_good;
}

static bool substitute(lookup *l, const poly *p, poly *out) {
  l->depth++;
  make_number(out, 0);
  out->is_good = p->is_good;
  for (int i = 0; i < p->n && out->is_good; i++) {
    poly product, factor_, next;
    make_number(&product, p->at[i].c);
    for (int k = 0; k < p->at[i].n; k++) {
      if (!substitute_factor(l, &p->at[i].by[k], &factor_)) return false;
      multiply(&product, &factor_, &next);
      product = next;
    }
    add_scaled(out, &product, 1);
  }
  l->depth--;
  return out->is_good;
}

pgi_dim pgi_dim_substitute(pgi_arena *arena, pgi_dim d, pgi_num (*find)(void *arg, const char *name),
                           void *arg) {
  if (d.n >= 0 || !d.symbol) return d;
  pgi_num whole = find(arg, d.symbol);
  if (whole.is_known) return pgi_dim_of_num(whole);
  lookup l = {arena, find, arg, 0};
  poly p, out;
  read_text(arena, d.symbol, &p);
  if (!substitute(&l, &p, &out)) return pgi_dim_unknown();
  poly same = out;
  add_scaled(&same, &p, -1);
  if (same.is_good && same.n == 0) return d; /* nothing was found: the spelling stays */
  return pgi_dim_of_num(from_poly(arena, &out, 1));
}
