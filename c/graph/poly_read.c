/* poly_read: from texts to polynomials. */
#include "graph/poly.h"

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int pgi_name_length(const char *text, const char *end) {
  const char *p = text;
  while (p < end && (is_letter(*p) || (p > text && (is_digit(*p) || *p == '.')))) p++;
  return (int)(p - text);
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

static bool parse_sum(parser *p, pgi_fraction *out);

static bool is_whole(const pgi_fraction *r) {
  int64_t d;
  return pgi_poly_is_number(&r->den, &d) && d == 1;
}

static bool parse_number(parser *p, pgi_fraction *out) {
  int64_t n = 0;
  for (; p->at < p->end && is_digit(*p->at); p->at++) {
    if (__builtin_mul_overflow(n, (int64_t)10, &n) ||
        __builtin_add_overflow(n, (int64_t)(*p->at - '0'), &n))
      return false;
  }
  pgi_poly_number(&out->num, n);
  return true;
}

/* Behind the opening parenthesis. */
static bool parse_call(parser *p, const char *name, int length, pgi_fraction *out) {
  static const char *const names[] = {"floor", "ceiling", "ceil", "max", "Max", "min", "Min"};
  int which = 0;
  while (which < PG_COUNT(names) &&
         ((int)strlen(names[which]) != length || memcmp(names[which], name, (size_t)length) != 0))
    which++;
  if (which == PG_COUNT(names) || !parse_sum(p, out)) return false;
  if (which < 3) {
    pgi_poly num = out->num, den = out->den;
    if (which > 0) {
      pgi_term one = {.c = -1};
      pgi_poly_add_scaled(&num, &den, 1); /* ceil(a/b) = floor((a + b - 1) / b) */
      pgi_poly_add_term(&num, &one);
    }
    pgi_poly_floor(p->arena, &num, &den, p->depth, &out->num);
    pgi_poly_number(&out->den, 1);
    return take(p, ")");
  }
  while (is_whole(out) && take(p, ",")) {
    pgi_fraction other;
    if (!parse_sum(p, &other) || !is_whole(&other)) return false;
    pgi_poly first = out->num;
    pgi_poly_choose(p->arena, &first, &other.num, which < 5, &out->num);
  }
  return is_whole(out) && take(p, ")");
}

static bool parse_atom(parser *p, pgi_fraction *out) {
  skip(p);
  pgi_poly_number(&out->den, 1);
  if (p->at == p->end) return false;
  if (is_digit(*p->at)) return parse_number(p, out);
  if (take(p, "(")) return parse_sum(p, out) && take(p, ")");
  const char *name = p->at;
  if (*name == '{') {
    const char *close = memchr(name, '}', (size_t)(p->end - name));
    if (!close) return false;
    p->at = close + 1;
    pgi_poly_factor(&out->num, (pgi_factor){name + 1, (int)(close - name - 1), false});
    return true;
  }
  int length = pgi_name_length(name, p->end);
  if (length == 0) return false;
  p->at += length;
  if (take(p, "(")) return parse_call(p, name, length, out);
  pgi_poly_factor(&out->num, (pgi_factor){name, length, false});
  return true;
}

static bool parse_power(parser *p, pgi_fraction *out) {
  if (!parse_atom(p, out)) return false;
  if (!take(p, "**")) return true;
  pgi_fraction power;
  int64_t n;
  skip(p);
  if (!parse_number(p, &power) || !pgi_poly_is_number(&power.num, &n) || n < 1 ||
      n > PG_POLY_FACTORS)
    return false;
  pgi_fraction base = *out;
  for (int64_t i = 1; i < n; i++) {
    pgi_poly num = out->num, den = out->den;
    pgi_poly_multiply(&num, &base.num, &out->num);
    pgi_poly_multiply(&den, &base.den, &out->den);
  }
  return true;
}

static bool parse_product(parser *p, pgi_fraction *out) {
  if (!parse_power(p, out)) return false;
  for (;;) {
    bool is_floor = take(p, "//");
    bool is_ratio = !is_floor && take(p, "/");
    if (!is_floor && !is_ratio && !take(p, "*")) return true;
    pgi_fraction left = *out, right;
    if (!parse_power(p, &right)) return false;
    pgi_poly_multiply(&left.num, is_floor || is_ratio ? &right.den : &right.num, &out->num);
    pgi_poly_multiply(&left.den, is_floor || is_ratio ? &right.num : &right.den, &out->den);
    if (!is_floor) continue;
    left = *out;
    pgi_poly_floor(p->arena, &left.num, &left.den, p->depth, &out->num);
    pgi_poly_number(&out->den, 1);
  }
}

static bool parse_sum(parser *p, pgi_fraction *out) {
  bool is_negative = take(p, "-");
  if (++p->depth > PG_POLY_DEPTH || !parse_product(p, out)) return false;
  if (is_negative) {
    pgi_poly positive = out->num;
    pgi_poly_number(&out->num, 0);
    pgi_poly_add_scaled(&out->num, &positive, -1);
  }
  for (;;) {
    is_negative = take(p, "-");
    if (!is_negative && !take(p, "+")) break;
    pgi_fraction left = *out, right;
    pgi_poly other;
    if (!parse_product(p, &right)) return false;
    pgi_poly_multiply(&left.num, &right.den, &out->num);
    pgi_poly_multiply(&right.num, &left.den, &other);
    pgi_poly_multiply(&left.den, &right.den, &out->den);
    pgi_poly_add_scaled(&out->num, &other, is_negative ? -1 : 1);
  }
  p->depth--;
  return out->num.is_good && out->den.is_good;
}

bool pgi_poly_read_fraction(pgi_arena *arena, const char *text, const char *end, int depth,
                            pgi_fraction *out) {
  parser p = {arena, text, end, depth};
  if (!parse_sum(&p, out)) return false;
  skip(&p);
  return p.at == p.end;
}

/* A name that is no expression stands for itself. */
void pgi_poly_read(pgi_arena *arena, const char *text, pgi_poly *out) {
  size_t n = strlen(text);
  pgi_fraction r;
  if (n > 0 && n <= PG_POLY_TEXT && pgi_poly_read_fraction(arena, text, text + n, 0, &r) &&
      is_whole(&r)) {
    *out = r.num;
    return;
  }
  bool is_opaque = n <= PG_POLY_TEXT && !strpbrk(text, "{}");
  pgi_poly_factor(out, (pgi_factor){text, is_opaque ? (int)n : 0, false});
}

bool pgi_poly_read_pair(pgi_arena *arena, const char *text, const char *end, int depth,
                        pgi_poly *first, pgi_poly *second) {
  parser p = {arena, text, end, depth};
  pgi_fraction a, b;
  if (!parse_sum(&p, &a) || !is_whole(&a) || !take(&p, ",")) return false;
  if (!parse_sum(&p, &b) || !is_whole(&b)) return false;
  *first = a.num;
  *second = b.num;
  return true;
}
