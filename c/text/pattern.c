/* The published splitting patterns as loops over classes of characters.  All of them cover every text,
** so that each word begins where the one before it ends. */
#include "text/text.h"

#define CONTRACTIONS "'s|'t|'re|'ve|'m|'ll|'d"
#define TAIL "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLAMA3(digits)                                                \
  "(?i:" CONTRACTIONS ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" digits \
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" TAIL
#define O200K_UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K_LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K                                                                \
  "[^\\r\\n\\p{L}\\p{N}]?" O200K_UPPER "*" O200K_LOWER "+(?i:" CONTRACTIONS  \
  ")?"                                                                       \
  "|[^\\r\\n\\p{L}\\p{N}]?" O200K_UPPER "+" O200K_LOWER "*(?i:" CONTRACTIONS \
  ")?"                                                                       \
  "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" TAIL

enum { LETTER = PG_U_LETTER, NUMBER = PG_U_NUMBER, SPACE = PG_U_SPACE };
enum { SOLID = LETTER | NUMBER | SPACE }; /* what "other" characters are not */

static inline uint32_t flags_at(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n,
                                size_t *size) {
  if (i >= n) {
    *size = 0;
    return 0;
  }
  if (p[i] < 0x80) {
    *size = 1;
    return u->flags[p[i]]; /* block 0 comes first */
  }
  return pgi_unicode_flags(u, pgi_char_at(p + i, size));
}

/* Behind the characters with any of `mask`. */
static inline size_t run_of(const pgi_unicode *u, uint32_t mask, const uint8_t *p, size_t i,
                            size_t n) {
  size_t size;
  while (i < n && (flags_at(u, p, i, n, &size) & mask)) i += size;
  return i;
}

static inline size_t run_of_others(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n) {
  size_t size;
  while (i < n && !(flags_at(u, p, i, n, &size) & SOLID)) i += size;
  return i;
}

/* Behind 's, 't, 're, 've, 'm, 'll, 'd at i, or i.  Without case, U+017F is an s, too. */
static size_t contraction(const uint8_t *p, size_t i, size_t n, bool any_case) {
  if (i >= n || p[i] != '\'') return i;
  uint8_t bit = any_case ? 0x20 : 0;
  uint8_t a = i + 1 < n ? p[i + 1] | bit : 0, b = i + 2 < n ? p[i + 2] | bit : 0;
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return i + 2;
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return i + 3;
  if (any_case && i + 2 < n && p[i + 1] == 0xC5 && p[i + 2] == 0xBF) return i + 3;
  return i;
}

/* \s+(?!\S)|\s+ : spaces, but the last belongs to what follows. */
static size_t spaces(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n) {
  size_t end = run_of(u, SPACE, p, i, n), last = end;
  if (end == n) return end;
  do last--;
  while (pgi_char_inside(p[last]));
  return last > i ? last : end;
}

/* \s*[\r\n]+ before that. */
static size_t lines_or_spaces(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n) {
  size_t end = run_of(u, SPACE, p, i, n);
  for (size_t k = end; k > i; k--)
    if (p[k - 1] == '\n' || p[k - 1] == '\r') return k;
  if (end == n) return end;
  size_t last = end;
  do last--;
  while (pgi_char_inside(p[last]));
  return last > i ? last : end;
}

size_t pgi_scan_gpt2(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n) {
  size_t size, end = contraction(p, i, n, false);
  if (end > i) return end;
  size_t start = i + (p[i] == ' ');
  uint32_t f = flags_at(u, p, start, n, &size);
  if (f & LETTER) return run_of(u, LETTER, p, start + size, n);
  if (f & NUMBER) return run_of(u, NUMBER, p, start + size, n);
  if (start < n && !(f & SPACE)) return run_of_others(u, p, start + size, n);
  return spaces(u, p, i, n);
}

static inline size_t numbers(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n, int most) {
  size_t size;
  for (; most > 0 && (flags_at(u, p, i, n, &size) & NUMBER); most--) i += size;
  return i;
}

/* The alternatives behind the words with letters. */
static inline size_t others(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n, uint32_t f,
                            int most, bool with_slash) {
  size_t size, start = i + (p[i] == ' ');
  if (f & NUMBER) return numbers(u, p, i, n, most);
  if (start < n && !(flags_at(u, p, start, n, &size) & SOLID)) {
    size_t end = run_of_others(u, p, start + size, n);
    while (end < n && (p[end] == '\r' || p[end] == '\n' || (with_slash && p[end] == '/'))) end++;
    return end;
  }
  return lines_or_spaces(u, p, i, n);
}

static inline size_t llama(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n, int most) {
  size_t size, next, end = contraction(p, i, n, true);
  if (end > i) return end;
  uint32_t f = flags_at(u, p, i, n, &size);
  if (f & LETTER) return run_of(u, LETTER, p, i + size, n);
  if (!(f & NUMBER) && p[i] != '\r' && p[i] != '\n' && i + size < n &&
      (flags_at(u, p, i + size, n, &next) & LETTER))
    return run_of(u, LETTER, p, i + size + next, n);
  return others(u, p, i, n, f, most, false);
}

static size_t scan_llama3(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n) {
  return llama(u, p, i, n, 3);
}

static size_t scan_qwen2(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n) {
  return llama(u, p, i, n, 1);
}

enum { HIGH = PG_U_UPPER | PG_U_OTHER | PG_U_MARK, LOW = PG_U_LOWER | PG_U_OTHER | PG_U_MARK };

/* HIGH* LOW+ from s: the longest head that leaves one for the tail; s when there is none. */
static size_t high_low(const pgi_unicode *u, const uint8_t *p, size_t s, size_t n) {
  size_t size, mid = s, tail = s;
  bool has_tail = false;
  for (uint32_t f; mid < n && ((f = flags_at(u, p, mid, n, &size)) & HIGH); mid += size)
    if (f & LOW) {
      has_tail = true;
      tail = mid + size;
    }
  if (flags_at(u, p, mid, n, &size) & LOW) return run_of(u, LOW, p, mid, n);
  return has_tail ? tail : s;
}

static size_t high_any(const pgi_unicode *u, const uint8_t *p, size_t s, size_t n) {
  size_t mid = run_of(u, HIGH, p, s, n);
  return mid > s ? run_of(u, LOW, p, mid, n) : s;
}

static size_t scan_o200k(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n) {
  size_t size;
  uint32_t f = flags_at(u, p, i, n, &size);
  bool may_lead = !(f & (LETTER | NUMBER)) && p[i] != '\r' && p[i] != '\n';
  for (int low = 1; low >= 0; low--) {
    size_t (*match)(const pgi_unicode *, const uint8_t *, size_t, size_t) =
        low ? high_low : high_any;
    size_t start = i + (may_lead ? size : 0), end = match(u, p, start, n);
    if (end == start && may_lead) {
      start = i;
      end = match(u, p, start, n);
    }
    if (end > start) return contraction(p, end, n, true);
  }
  return others(u, p, i, n, f, 3, true);
}

pgi_scan *pgi_scan_find(const char *pattern) {
  static const struct {
    const char *pattern;
    pgi_scan *scan;
  } known[] = {
      {CONTRACTIONS "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", pgi_scan_gpt2},
      {LLAMA3("{1,3}"), scan_llama3},
      {LLAMA3(""), scan_qwen2},
      {O200K, scan_o200k},
      {"gpt2", pgi_scan_gpt2},
      {"llama3", scan_llama3},
      {"cl100k", scan_llama3},
      {"qwen2", scan_qwen2},
      {"o200k", scan_o200k},
  };
  for (int i = 0; i < PG_COUNT(known); i++)
    if (strcmp(known[i].pattern, pattern) == 0) return known[i].scan;
  return NULL;
}
