/* regex_parse: a pattern as a tree, by recursive descent (github.com/google/re2/wiki/Syntax). */
#include "op/regex.h"
#include "op/utf8.h"

enum {
  FOLD_CASE = 1 << 0, /* i */
  LINES = 1 << 1,     /* m: ^ and $ at lines */
  DOT_ALL = 1 << 2,   /* s: . takes \n */
};
enum { MAX_DEPTH = 250, MAX_REPEAT = 1000 };

/* A set being built: ranges in any order. */
typedef struct builder {
  pgi_rune_range *ranges;
  int64_t n, capacity;
} builder;

typedef struct parser {
  pgi_arena *arena;
  const char *text;
  size_t size, at;
  unsigned flags;
  int depth;
  builder set;
  pg_error *err;
} parser;

static pg_status fail_syntax(const parser *p, const char *what) {
  return pgi_fail(p->err, PG_INVALID, "pattern: %s at byte %zu", what, p->at);
}

static bool is_end(const parser *p) {
  return p->at >= p->size;
}

static bool peek_is(const parser *p, const char *text) {
  size_t n = strlen(text);
  return p->size - p->at >= n && memcmp(p->text + p->at, text, n) == 0;
}

static bool take(parser *p, const char *text) {
  if (!peek_is(p, text)) return false;
  p->at += strlen(text);
  return true;
}

static pg_status new_tree(parser *p, pgi_regex_kind kind, pgi_regex_tree **out) {
  pgi_regex_tree *t = pgi_arena_alloc(p->arena, sizeof *t);
  if (!t) return pgi_nomem(p->err);
  t->kind = kind;
  *out = t;
  return PG_OK;
}

static void add_child(pgi_regex_tree *parent, pgi_regex_tree *child) {
  if (parent->last)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
}

/* ---- sets ------------------------------------------------------------------------------------ */

/* The arena can't free, so the array doubles in it. */
static pg_status add_range(parser *p, uint32_t first, uint32_t last) {
  builder *b = &p->set;
  if (b->n == b->capacity) {
    int64_t capacity = b->capacity ? 2 * b->capacity : 8;
    pgi_rune_range *grown = pgi_arena_alloc(p->arena, (size_t)capacity * sizeof *grown);
    if (!grown) return pgi_nomem(p->err);
    if (b->n) memcpy(grown, b->ranges, (size_t)b->n * sizeof *grown);
    b->ranges = grown;
    b->capacity = capacity;
  }
  b->ranges[b->n++] = (pgi_rune_range){first, last};
  return PG_OK;
}

/* With the other case of each letter, when case doesn't count. */
static pg_status add_runes(parser *p, uint32_t first, uint32_t last) {
  PG_TRY(add_range(p, first, last));
  if (!(p->flags & FOLD_CASE)) return PG_OK;
  for (uint32_t r = first; r <= PG_MIN(last, (uint32_t)0x1EFF); r++) {
    uint32_t lower = pgi_rune_lower(r), upper = pgi_rune_upper(r);
    if (lower != r) PG_TRY(add_range(p, lower, lower));
    if (upper != r) PG_TRY(add_range(p, upper, upper));
  }
  return PG_OK;
}

static void sort_ranges(pgi_rune_range *r, int64_t n) {
  for (int64_t gap = n / 2; gap > 0; gap /= 2) { /* Shell sort */
    for (int64_t i = gap; i < n; i++) {
      pgi_rune_range moved = r[i];
      int64_t k = i;
      for (; k >= gap && r[k - gap].first > moved.first; k -= gap) r[k] = r[k - gap];
      r[k] = moved;
    }
  }
}

static int64_t merge_ranges(pgi_rune_range *r, int64_t n) {
  int64_t k = 0;
  for (int64_t i = 0; i < n; i++) {
    if (k && r[i].first <= r[k - 1].last + 1)
      r[k - 1].last = PG_MAX(r[k - 1].last, r[i].last);
    else
      r[k++] = r[i];
  }
  return k;
}

/* Sorts and joins what was added from range `from` on; negated when asked. */
static pg_status close_set(parser *p, int64_t from, bool is_negated) {
  builder *b = &p->set;
  sort_ranges(b->ranges + from, b->n - from);
  b->n = from + merge_ranges(b->ranges + from, b->n - from);
  if (!is_negated) return PG_OK;
  int64_t n = b->n;
  uint32_t next = 0;
  for (int64_t i = from; i < n; i++) {
    pgi_rune_range r = b->ranges[i];
    if (r.first > next) PG_TRY(add_range(p, next, r.first - 1));
    next = r.last + 1;
  }
  if (next <= PG_RUNE_MAX) PG_TRY(add_range(p, next, PG_RUNE_MAX));
  memmove(b->ranges + from, b->ranges + n, (size_t)(b->n - n) * sizeof *b->ranges);
  b->n -= n - from;
  return PG_OK;
}

static pg_status set_tree(parser *p, pgi_regex_tree **out) {
  pgi_regex_tree *t = NULL;
  PG_TRY(new_tree(p, PG_RE_SET, &t));
  pgi_rune_range *ranges = pgi_arena_alloc(p->arena, (size_t)p->set.n * sizeof *ranges + 1);
  if (!ranges) return pgi_nomem(p->err);
  if (p->set.n) memcpy(ranges, p->set.ranges, (size_t)p->set.n * sizeof *ranges);
  t->set = (pgi_rune_set){(int)p->set.n, ranges};
  *out = t;
  return PG_OK;
}

static pg_status rune_tree(parser *p, uint32_t rune, pgi_regex_tree **out) {
  p->set.n = 0;
  PG_TRY(add_runes(p, rune, rune));
  PG_TRY(close_set(p, 0, false));
  return set_tree(p, out);
}

/* ---- classes --------------------------------------------------------------------------------- */

typedef struct class_def {
  const char *name, *pairs; /* first and last of each range */
} class_def;

static const class_def perl_classes[] = {{"d", "09"}, {"s", "\t\n\f\r  "}, {"w", "09AZ__az"}};
static const class_def posix_classes[] = {
    {"alnum", "09AZaz"},
    {"alpha", "AZaz"},
    {"ascii", "\x01\x7f"},
    {"blank", "\t\t  "},
    {"cntrl", "\x01\x1f\x7f\x7f"},
    {"digit", "09"},
    {"graph", "!~"},
    {"lower", "az"},
    {"print", " ~"},
    {"punct", "!/:@[`{~"},
    {"space", "\t\r  "},
    {"upper", "AZ"},
    {"word", "09AZ__az"},
    {"xdigit", "09AFaf"},
};

static pg_status add_class(parser *p, const class_def *def, bool is_negated) {
  int64_t from = p->set.n;
  bool has_zero = strcmp(def->name, "ascii") == 0 || strcmp(def->name, "cntrl") == 0;
  if (has_zero) PG_TRY(add_runes(p, 0, 0));
  for (const char *c = def->pairs; *c; c += 2) PG_TRY(add_runes(p, (uint8_t)c[0], (uint8_t)c[1]));
  return close_set(p, from, is_negated);
}

/* \d \D \s \S \w \W at the backslash; *found. */
static pg_status perl_class(parser *p, bool *found) {
  *found = false;
  if (p->size - p->at < 2) return PG_OK;
  char c = p->text[p->at + 1];
  for (int i = 0; i < PG_COUNT(perl_classes); i++) {
    char name = perl_classes[i].name[0];
    if ((c | 0x20) != name) continue;
    p->at += 2;
    *found = true;
    return add_class(p, &perl_classes[i], c != name);
  }
  if ((c | 0x20) == 'p') {
    return pgi_fail(p->err, PG_UNSUPPORTED, "pattern: Unicode classes (\\p) at byte %zu", p->at);
  }
  return PG_OK;
}

/* [:name:] or [:^name:] at the bracket; *found. */
static pg_status posix_class(parser *p, bool *found) {
  *found = false;
  if (!peek_is(p, "[:")) return PG_OK;
  size_t at = p->at + 2;
  bool is_negated = at < p->size && p->text[at] == '^';
  if (is_negated) at++;
  for (int i = 0; i < PG_COUNT(posix_classes); i++) {
    size_t n = strlen(posix_classes[i].name);
    if (p->size - at < n + 2 || memcmp(p->text + at, posix_classes[i].name, n) != 0) continue;
    if (memcmp(p->text + at + n, ":]", 2) != 0) continue;
    p->at = at + n + 2;
    *found = true;
    return add_class(p, &posix_classes[i], is_negated);
  }
  return fail_syntax(p, "unknown class");
}

/* ---- single characters ----------------------------------------------------------------------- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind \x: two digits, or any in braces. */
static pg_status hex_rune(parser *p, uint32_t *out) {
  bool has_brace = take(p, "{");
  uint32_t rune = 0;
  int n = 0;
  for (; !is_end(p) && n < (has_brace ? 8 : 2); n++, p->at++) {
    int digit = hex_digit(p->text[p->at]);
    if (digit < 0) break;
    rune = rune * 16 + (uint32_t)digit;
  }
  bool is_valid = has_brace ? n > 0 && take(p, "}") : n == 2;
  if (!is_valid || rune > PG_RUNE_MAX) return fail_syntax(p, "bad \\x");
  *out = rune;
  return PG_OK;
}

static bool is_octal(const parser *p) {
  return !is_end(p) && p->text[p->at] >= '0' && p->text[p->at] <= '7';
}

/* A character at a backslash that stands for one character. */
static pg_status escaped_rune(parser *p, uint32_t *out) {
  static const char names[] = "aftnrv", values[] = "\a\f\t\n\r\v";
  p->at++;
  if (is_end(p)) return fail_syntax(p, "a backslash at the end");
  char c = p->text[p->at++];
  const char *known = c ? strchr(names, c) : NULL;
  if (known)
    *out = (uint8_t)values[known - names];
  else if (c == 'x')
    return hex_rune(p, out);
  else if (c == '0' || (c >= '1' && c <= '7' && is_octal(p))) {
    *out = (uint32_t)(c - '0');
    for (int i = 0; i < 2 && is_octal(p); i++) *out = *out * 8 + (uint32_t)(p->text[p->at++] - '0');
  } else {
    bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (is_word || (c & 0x80)) return fail_syntax(p, "unknown escape");
    *out = (uint8_t)c;
  }
  return PG_OK;
}

static pg_status one_rune(parser *p, uint32_t *out) {
  if (p->text[p->at] == '\\') return escaped_rune(p, out);
  *out = pgi_utf8_next(p->text, p->size, &p->at);
  return PG_OK;
}

/* [...] behind the opening bracket. */
static pg_status bracket(parser *p, pgi_regex_tree **out) {
  bool is_negated = take(p, "^"), found;
  p->set.n = 0;
  for (bool is_first = true; is_first || !peek_is(p, "]"); is_first = false) {
    uint32_t first, last;
    if (is_end(p)) return fail_syntax(p, "a missing ]");
    PG_TRY(posix_class(p, &found));
    if (!found && p->text[p->at] == '\\') PG_TRY(perl_class(p, &found));
    if (found) continue;
    PG_TRY(one_rune(p, &first));
    last = first;
    if (peek_is(p, "-") && p->at + 1 < p->size && p->text[p->at + 1] != ']') {
      p->at++;
      PG_TRY(one_rune(p, &last));
    }
    if (last < first) return fail_syntax(p, "a range backwards");
    PG_TRY(add_runes(p, first, last));
  }
  p->at++;
  PG_TRY(close_set(p, 0, is_negated));
  return set_tree(p, out);
}

/* ---- patterns -------------------------------------------------------------------------------- */

static pg_status parse_alternatives(parser *p, pgi_regex_tree **out);

/* Behind "(?": a name or flags.  *is_group: false for flags that count from here on. */
static pg_status group_head(parser *p, bool *is_group) {
  bool is_off = false;
  *is_group = true;
  if (take(p, "P<") || take(p, "<")) {
    while (!is_end(p) && p->text[p->at] != '>') p->at++;
    return take(p, ">") ? PG_OK : fail_syntax(p, "a missing >");
  }
  while (!is_end(p)) {
    char c = p->text[p->at++];
    unsigned flag = c == 'i' ? FOLD_CASE : c == 'm' ? LINES : c == 's' ? DOT_ALL : 0;
    if (c == ':') return PG_OK;
    if (c == ')') {
      *is_group = false;
      return PG_OK;
    }
    if (c == '-' && !is_off)
      is_off = true;
    else if (flag)
      p->flags = is_off ? p->flags & ~flag : p->flags | flag;
    else if (c != 'U')
      return fail_syntax(p, "an unknown group");
  }
  return fail_syntax(p, "a missing )");
}

/* Behind "(".  Flags set inside end with the group. */
static pg_status group(parser *p, pgi_regex_tree **out) {
  unsigned flags = p->flags;
  bool is_group = true;
  if (take(p, "?")) PG_TRY(group_head(p, &is_group));
  if (!is_group) return new_tree(p, PG_RE_CAT, out);
  if (++p->depth > MAX_DEPTH) return fail_syntax(p, "too many groups inside of groups");
  PG_TRY(parse_alternatives(p, out));
  p->depth--;
  p->flags = flags;
  return take(p, ")") ? PG_OK : fail_syntax(p, "a missing )");
}

static pg_status assert_tree(parser *p, pgi_assert check, pgi_regex_tree **out) {
  PG_TRY(new_tree(p, PG_RE_ASSERT, out));
  (*out)->check = check;
  return PG_OK;
}

/* \Q...\E: everything as it is. */
static pg_status quoted(parser *p, pgi_regex_tree **out) {
  PG_TRY(new_tree(p, PG_RE_CAT, out));
  while (!is_end(p) && !take(p, "\\E")) {
    pgi_regex_tree *t = NULL;
    PG_TRY(rune_tree(p, pgi_utf8_next(p->text, p->size, &p->at), &t));
    add_child(*out, t);
  }
  return PG_OK;
}

static pg_status dot(parser *p, pgi_regex_tree **out) {
  p->set.n = 0;
  if (p->flags & DOT_ALL) {
    PG_TRY(add_range(p, 0, PG_RUNE_MAX));
  } else {
    PG_TRY(add_range(p, 0, '\n' - 1));
    PG_TRY(add_range(p, '\n' + 1, PG_RUNE_MAX));
  }
  return set_tree(p, out);
}

static pg_status parse_atom(parser *p, pgi_regex_tree **out) {
  bool by_line = p->flags & LINES, found;
  uint32_t rune;
  if (take(p, "(")) return group(p, out);
  if (take(p, "[")) return bracket(p, out);
  if (take(p, ".")) return dot(p, out);
  if (take(p, "^")) {
    return assert_tree(p, by_line ? PG_ASSERT_LINE_START : PG_ASSERT_TEXT_START, out);
  }
  if (take(p, "$")) return assert_tree(p, by_line ? PG_ASSERT_LINE_END : PG_ASSERT_TEXT_END, out);
  if (take(p, "\\A")) return assert_tree(p, PG_ASSERT_TEXT_START, out);
  if (take(p, "\\z")) return assert_tree(p, PG_ASSERT_TEXT_END, out);
  if (take(p, "\\b")) return assert_tree(p, PG_ASSERT_WORD, out);
  if (take(p, "\\B")) return assert_tree(p, PG_ASSERT_NO_WORD, out);
  if (take(p, "\\Q")) return quoted(p, out);
  if (peek_is(p, "\\")) {
    p->set.n = 0;
    PG_TRY(perl_class(p, &found));
    if (found) return set_tree(p, out);
  }
  PG_TRY(one_rune(p, &rune));
  return rune_tree(p, rune, out);
}

static bool read_number(parser *p, int *out) {
  size_t start = p->at;
  *out = 0;
  for (; !is_end(p) && p->text[p->at] >= '0' && p->text[p->at] <= '9'; p->at++)
    *out = PG_MIN(*out * 10 + (p->text[p->at] - '0'), MAX_REPEAT + 1);
  return p->at > start;
}

/* {n}, {n,}, {n,m}; anything else that begins with a brace is text. */
static bool read_braces(parser *p, int *least, int *most) {
  size_t start = p->at;
  bool is_valid = take(p, "{") && read_number(p, least);
  *most = *least;
  if (is_valid && take(p, ",") && !read_number(p, most)) *most = -1;
  if (is_valid && take(p, "}")) return true;
  p->at = start;
  return false;
}

static bool read_quantifier(parser *p, int *least, int *most) {
  *least = peek_is(p, "+");
  *most = peek_is(p, "?") ? 1 : -1;
  return take(p, "*") || take(p, "+") || take(p, "?") || read_braces(p, least, most);
}

static pg_status parse_repeat(parser *p, pgi_regex_tree **out) {
  int least, most;
  PG_TRY(parse_atom(p, out));
  if (!read_quantifier(p, &least, &most)) return PG_OK;
  if (least > MAX_REPEAT || most > MAX_REPEAT || (most >= 0 && most < least)) {
    return fail_syntax(p, "a bad repetition");
  }
  pgi_regex_tree *child = *out;
  PG_TRY(new_tree(p, PG_RE_REPEAT, out));
  (*out)->least = least;
  (*out)->most = most;
  add_child(*out, child);
  (void)take(p, "?"); /* greedy or not is the same to a full match */
  if (read_quantifier(p, &least, &most)) return fail_syntax(p, "two repetitions in a row");
  return PG_OK;
}

static pg_status parse_sequence(parser *p, pgi_regex_tree **out) {
  PG_TRY(new_tree(p, PG_RE_CAT, out));
  int least, most;
  while (!is_end(p) && !peek_is(p, "|") && !peek_is(p, ")")) {
    pgi_regex_tree *t = NULL;
    if (read_quantifier(p, &least, &most)) return fail_syntax(p, "nothing to repeat");
    PG_TRY(parse_repeat(p, &t));
    add_child(*out, t);
  }
  return PG_OK;
}

static pg_status parse_alternatives(parser *p, pgi_regex_tree **out) {
  PG_TRY(new_tree(p, PG_RE_ALT, out));
  do {
    pgi_regex_tree *t = NULL;
    PG_TRY(parse_sequence(p, &t));
    add_child(*out, t);
  } while (take(p, "|"));
  return PG_OK;
}

pg_status pgi_regex_parse(pgi_arena *arena, const char *pattern, size_t size, pgi_regex_tree **out,
                          pg_error *err) {
  parser p = {.arena = arena, .text = pattern, .size = size, .err = err};
  PG_TRY(parse_alternatives(&p, out));
  return is_end(&p) ? PG_OK : fail_syntax(&p, "an unexpected )");
}
