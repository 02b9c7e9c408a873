/* JSON (RFC 8259) into a tree in an arena: vocabularies of some hundred thousand entries. */
#include <stdlib.h>

#include "text/text.h"

enum { MAX_DEPTH = 64 };

typedef struct reader {
  pgi_arena *arena;
  const uint8_t *p, *end, *start;
  int depth;
  pg_error *err;
} reader;

static pg_status bad(const reader *r, const char *what) {
  int64_t line = 1;
  for (const uint8_t *p = r->start; p < r->p; p++) line += *p == '\n';
  return pgi_fail(r->err, PG_FORMAT, "JSON, line %lld: %s", (long long)line, what);
}

static void skip_spaces(reader *r) {
  while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t')) r->p++;
}

static int hex4(const reader *r, const uint8_t *p) {
  int v = 0;
  if (r->end - p < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int c = p[i], digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
    if (digit < 0) return -1;
    v = v * 16 + digit;
  }
  return v;
}

/* Behind "\u": one character, two escapes for those beyond 16 bits; lone halves become U+FFFD. */
static bool read_escape(reader *r, uint32_t *c) {
  int v = hex4(r, r->p);
  if (v < 0) return false;
  r->p += 4;
  *c = (uint32_t)v;
  if (v < 0xD800 || v > 0xDFFF) return true;
  *c = 0xFFFD;
  if (v < 0xDC00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
    int low = hex4(r, r->p + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      *c = 0x10000u + ((uint32_t)(v - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
      r->p += 6;
    }
  }
  return true;
}

static pg_status read_text(reader *r, const char **text, uint32_t *size) {
  const uint8_t *p = ++r->p;
  while (p < r->end && *p != '"') p += *p == '\\' ? 2 : 1;
  if (p >= r->end) return bad(r, "a string without an end");
  size_t room = (size_t)(p - r->p);
  if (room >= PG_TEXT_MAX) return bad(r, "a string of more than 2 GiB");
  uint8_t *out = pgi_arena_alloc(r->arena, room + 1);
  if (!out) return pgi_nomem(r->err);
  size_t n = 0;
  for (const uint8_t *end = p; r->p < end;) {
    uint8_t c = *r->p++;
    if (c < 0x20) return bad(r, "a control character in a string");
    if (c != '\\') {
      out[n++] = c;
      continue;
    }
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    c = *r->p++;
    const char *known = c ? strchr(names, c) : NULL;
    uint32_t wide;
    if (known) {
      out[n++] = (uint8_t)values[known - names];
    } else if (c == 'u' && read_escape(r, &wide)) {
      n += pgi_char_put(wide, out + n); /* never longer than its escape */
    } else {
      return bad(r, "an unknown escape");
    }
  }
  if (r->p != p) return bad(r, "an escape that runs past the string");
  r->p++;
  if (pgi_utf8_valid(out, n) != n) return bad(r, "a string that is not UTF-8");
  *text = (char *)out;
  *size = (uint32_t)n;
  return PG_OK;
}

/* Digits, a point, digits, an exponent: as serde_json reads them, whose last bit may differ from the nearest
** number, and scores of tokens tie or not by it.  false: longer than it keeps exact. */
static bool quick_number(const char *text, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  bool is_negative = *text == '-', behind = false;
  uint64_t digits = 0;
  int exponent = 0;
  for (text += is_negative; (*text >= '0' && *text <= '9') || *text == '.'; text++) {
    if (*text == '.') {
      if (behind) return false;
      behind = true;
      continue;
    }
    if (digits > (UINT64_MAX - 9) / 10) return false;
    digits = digits * 10 + (uint64_t)(*text - '0');
    exponent -= behind;
  }
  if (*text == 'e' || *text == 'E') {
    char *end;
    exponent += (int)PG_MAX(PG_MIN(strtol(text + 1, &end, 10), 1000), -1000);
    if (end == text + 1) return false;
    text = end;
  }
  if (*text || exponent >= PG_COUNT(powers) || -exponent >= PG_COUNT(powers)) return false;
  double v = exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
  *out = is_negative ? -v : v;
  return true;
}

static pg_status read_number(reader *r, pgi_json *v) {
  char text[64];
  size_t n = 0;
  while (r->p + n < r->end && n < sizeof text - 1 && r->p[n] && strchr("+-.0123456789eE", r->p[n]))
    n++;
  memcpy(text, r->p, n);
  text[n] = 0;
  char *end;
  v->kind = PG_JSON_NUMBER;
  v->number = strtod(text, &end);
  if (n == 0 || end != text + n) return bad(r, "expected a value");
  quick_number(text, &v->number);
  r->p += n;
  return PG_OK;
}

static bool take(reader *r, const char *word) {
  size_t n = strlen(word);
  if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
  r->p += n;
  return true;
}

static pg_status read_value(reader *r, pgi_json *v);

static pg_status read_members(reader *r, pgi_json *v, uint8_t close) {
  pgi_json **to = &v->first;
  if (++r->depth > MAX_DEPTH) return bad(r, "nested too deeply");
  r->p++;
  skip_spaces(r);
  while (r->p < r->end && *r->p != close) {
    pgi_json *child = pgi_arena_alloc(r->arena, sizeof *child);
    if (!child) return pgi_nomem(r->err);
    if (v->kind == PG_JSON_OBJECT) {
      if (*r->p != '"') return bad(r, "expected a key");
      PG_TRY(read_text(r, &child->key, &child->key_size));
      skip_spaces(r);
      if (!take(r, ":")) return bad(r, "expected ':'");
    }
    PG_TRY(read_value(r, child));
    *to = child;
    to = &child->next;
    v->n++;
    skip_spaces(r);
    if (!take(r, ",")) break;
    skip_spaces(r);
    if (r->p < r->end && *r->p == close) return bad(r, "a comma before the end");
  }
  if (r->p >= r->end || *r->p != close) return bad(r, "expected ',' or the end of a list");
  r->p++;
  r->depth--;
  return PG_OK;
}

static pg_status read_value(reader *r, pgi_json *v) {
  skip_spaces(r);
  if (r->p >= r->end) return bad(r, "the text ends too early");
  if (*r->p == '{' || *r->p == '[') {
    v->kind = *r->p == '{' ? PG_JSON_OBJECT : PG_JSON_ARRAY;
    return read_members(r, v, *r->p == '{' ? '}' : ']');
  }
  if (*r->p == '"') {
    v->kind = PG_JSON_TEXT;
    return read_text(r, &v->text, &v->size);
  }
  if (take(r, "null")) return PG_OK;
  if (take(r, "true")) {
    v->kind = PG_JSON_TRUE;
    return PG_OK;
  }
  if (take(r, "false")) {
    v->kind = PG_JSON_FALSE;
    return PG_OK;
  }
  return read_number(r, v);
}

pg_status pgi_json_read(pgi_arena *arena, const void *data, size_t size, pgi_json **out,
                        pg_error *err) {
  reader r = {.arena = arena, .p = data, .start = data, .err = err};
  r.end = r.start + size;
  pgi_json *root = pgi_arena_alloc(arena, sizeof *root);
  if (!root) return pgi_nomem(err);
  PG_TRY(read_value(&r, root));
  skip_spaces(&r);
  if (r.p != r.end) return bad(&r, "something behind the end");
  *out = root;
  return PG_OK;
}

const pgi_json *pgi_json_get(const pgi_json *v, const char *key) {
  if (!v || v->kind != PG_JSON_OBJECT) return NULL;
  for (const pgi_json *child = v->first; child; child = child->next)
    if (strcmp(child->key, key) == 0) return child;
  return NULL;
}

const char *pgi_json_text(const pgi_json *v, const char *key, const char *otherwise) {
  const pgi_json *child = pgi_json_get(v, key);
  return child && child->kind == PG_JSON_TEXT ? child->text : otherwise;
}

bool pgi_json_bool(const pgi_json *v, const char *key, bool otherwise) {
  const pgi_json *child = pgi_json_get(v, key);
  return !child || (child->kind != PG_JSON_TRUE && child->kind != PG_JSON_FALSE)
             ? otherwise
             : child->kind == PG_JSON_TRUE;
}

double pgi_json_number(const pgi_json *v, const char *key, double otherwise) {
  const pgi_json *child = pgi_json_get(v, key);
  return child && child->kind == PG_JSON_NUMBER ? child->number : otherwise;
}
