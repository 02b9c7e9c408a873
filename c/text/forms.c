/* The four normal forms (UAX #15), told as changes of characters so that places are kept: decomposed,
** put in canonical order, composed again, each character with the count of those it added or took. */
#include <stdlib.h>

#include "text/text.h"

enum { COMPAT = 1 << 2, DECOMPOSE = 1 << 4, MAX_PARTS = 32, SHORT_RUN = 32 };

/* One character under way.  change as in pgi_change_char. */
typedef struct item {
  uint32_t c;
  int change, class;
} item;
typedef struct items {
  pg_context *ctx;
  item *at;
  int64_t n, capacity;
} items;

static pg_status decompose(const pgi_unicode *u, uint32_t c, bool compat, items *to,
                           pg_error *err) {
  int32_t parts[MAX_PARTS];
  int last = 0;
  int64_t n = u->decompose((int32_t)c, parts, MAX_PARTS, DECOMPOSE | (compat ? COMPAT : 0), &last);
  if (n < 1 || n > MAX_PARTS) {
    n = 1;
    parts[0] = (int32_t)c;
  }
  PG_TRY(pgi_grow(to->ctx, &to->at, &to->capacity, to->n + n, sizeof *to->at, err));
  for (int64_t i = 0; i < n; i++)
    to->at[to->n++] = (item){(uint32_t)parts[i], i > 0, pgi_unicode_class(u, (uint32_t)parts[i])};
  return PG_OK;
}

/* Stable, by class; long runs by counting. */
static pg_status sort_run(pg_context *ctx, item *run, int64_t n, pg_error *err) {
  if (n <= SHORT_RUN) {
    for (int64_t i = 1; i < n; i++) {
      item x = run[i];
      int64_t k = i;
      for (; k > 0 && run[k - 1].class > x.class; k--) run[k] = run[k - 1];
      run[k] = x;
    }
    return PG_OK;
  }
  int64_t start[257] = {0};
  item *copy = pgi_alloc(ctx, (size_t)n * sizeof *copy);
  if (!copy) return pgi_nomem(err);
  memcpy(copy, run, (size_t)n * sizeof *copy);
  for (int64_t i = 0; i < n; i++) start[(copy[i].class & 0xFF) + 1]++;
  for (int i = 0; i < 256; i++) start[i + 1] += start[i];
  for (int64_t i = 0; i < n; i++) run[start[copy[i].class & 0xFF]++] = copy[i];
  pgi_free(ctx, copy);
  return PG_OK;
}

static pg_status reorder(items *s, pg_error *err) {
  for (int64_t i = 0; i < s->n;) {
    int64_t end = i + 1;
    if (s->at[i].class == 0) {
      i++;
      continue;
    }
    while (end < s->n && s->at[end].class != 0) end++;
    PG_TRY(sort_run(s->ctx, s->at + i, end - i, err));
    i = end;
  }
  return PG_OK;
}

/* UAX #15, definition D117; in place. */
static void compose(const pgi_unicode *u, items *s) {
  int64_t n = 0, starter = -1;
  int last = -1; /* class of what stands last behind the starter; -1: nothing does */
  for (int64_t i = 0; i < s->n; i++) {
    item x = s->at[i];
    if (starter >= 0 && (last == -1 || last < x.class)) {
      uint32_t whole = pgi_unicode_compose(u, s->at[starter].c, x.c);
      if (whole) {
        s->at[starter].c = whole;
        s->at[starter].change += x.change - 1;
        continue;
      }
    }
    if (x.class == 0) {
      starter = n;
      last = -1;
    } else {
      last = x.class;
    }
    s->at[n++] = x;
  }
  s->n = n;
}

/* The bytes [from, to) of the input, where c->at is, in the form. */
static pg_status write_region(const pgi_unicode *u, pgi_form form, pgi_change *c, size_t to,
                              items *s, pg_error *err) {
  bool compat = form == PG_NFKC || form == PG_NFKD;
  s->n = 0;
  for (size_t i = c->at, size; i < to; i += size)
    PG_TRY(decompose(u, pgi_char_at(c->in->data + i, &size), compat, s, err));
  PG_TRY(reorder(s, err));
  if (form == PG_NFC || form == PG_NFKC) compose(u, s);
  for (int64_t i = 0; i < s->n; i++) PG_TRY(pgi_change_char(c, s->at[i].c, s->at[i].change, err));
  c->at = to;
  return PG_OK;
}

/* Where the next character that may change begins, from i; *before: the one before it (or i). */
static size_t find_change(const pgi_unicode *u, uint32_t mask, const pgi_chars *t, size_t i,
                          size_t *before) {
  const uint8_t *p = t->data;
  size_t previous = i;
  while (i < t->n) {
    uint64_t eight;
    memcpy(&eight, p + i, 8); /* zero bytes stand behind the end */
    if ((eight & 0x8080808080808080u) == 0) {
      previous = i + 7;
      i += 8;
      continue;
    }
    size_t size;
    uint32_t c = pgi_char_at(p + i, &size);
    if (pgi_unicode_flags(u, c) & mask) break;
    previous = i;
    i += size;
  }
  *before = PG_MIN(previous, t->n);
  return PG_MIN(i, t->n);
}

pg_status pgi_normalize_form(const pgi_unicode *u, pgi_form form, const pgi_chars *in,
                             pgi_chars *out, bool *changed, pg_error *err) {
  static const uint32_t masks[] = {PG_U_NOT_NFC, PG_U_NOT_NFD, PG_U_NOT_NFKC, PG_U_NOT_NFKD};
  uint32_t mask = masks[form];
  size_t before, i = find_change(u, mask, in, 0, &before);
  *changed = i < in->n;
  if (!*changed) return PG_OK;
  pgi_change c;
  items s = {.ctx = out->ctx};
  pg_status status = pgi_change_begin(&c, in, out, err);
  while (status == PG_OK && i < in->n) {
    size_t end = i, size;
    for (; end < in->n; end += size)
      if (!(pgi_unicode_flags(u, pgi_char_at(in->data + end, &size)) & mask)) break;
    status = pgi_change_copy(&c, before - c.at, err);
    if (status == PG_OK) status = write_region(u, form, &c, end, &s, err);
    if (status == PG_OK) i = find_change(u, mask, in, end, &before);
  }
  if (status == PG_OK) status = pgi_change_copy(&c, in->n - c.at, err);
  if (status == PG_OK) pgi_change_end(&c);
  pgi_free(s.ctx, s.at);
  return status;
}
