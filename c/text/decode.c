/* Tokens back to text: each step of the decoder works on the list of texts that the one before left. */
#include <ctype.h>

#include "text/text.h"

typedef struct part {
  const char *text;
  size_t n;
} part;
typedef struct parts {
  pgi_arena *arena;
  part *at;
  int64_t n;
  pg_error *err;
} parts;

pg_status pgi_bytes_add(pgi_text_bytes *b, const void *data, size_t n, pg_error *err) {
  PG_TRY(pgi_grow(b->ctx, &b->data, &b->capacity, b->n + (int64_t)n + 1, 1, err));
  if (n) memcpy(b->data + b->n, data, n);
  b->n += (int64_t)n;
  b->data[b->n] = 0;
  return PG_OK;
}

/* Valid UTF-8; broken characters become U+FFFD, one for each longest part that could have begun one (as
** Unicode recommends, 3.9). */
static pg_status put_repaired(parts *p, const uint8_t *data, size_t n, part *out) {
  char *text = pgi_arena_alloc(p->arena, n * 3 + 1);
  size_t to = 0;
  if (!text) return pgi_nomem(p->err);
  for (size_t i = 0; i < n;) {
    size_t good = pgi_utf8_valid(data + i, n - i);
    memcpy(text + to, data + i, good);
    to += good;
    i += good;
    if (i == n) break;
    memcpy(text + to, "\xEF\xBF\xBD", 3);
    to += 3;
    uint8_t a = data[i++];
    size_t want = a >= 0xC2 && a < 0xE0   ? 1
                  : a >= 0xE0 && a < 0xF0 ? 2
                  : a >= 0xF0 && a < 0xF5 ? 3
                                          : 0;
    for (size_t k = 0; k < want && i < n && pgi_char_inside(data[i]); k++, i++) {
      if (k == 0 && ((a == 0xE0 && data[i] < 0xA0) || (a == 0xED && data[i] > 0x9F) ||
                     (a == 0xF0 && data[i] < 0x90) || (a == 0xF4 && data[i] > 0x8F)))
        break;
    }
  }
  *out = (part){text, to};
  return PG_OK;
}

static pg_status join(parts *p, bool from_letters) {
  size_t total = 0, n = 0;
  for (int64_t i = 0; i < p->n; i++) total += p->at[i].n;
  uint8_t *data = pgi_arena_alloc(p->arena, total + 1);
  if (!data) return pgi_nomem(p->err);
  for (int64_t i = 0; i < p->n; i++) {
    int64_t raw = from_letters ? pgi_letters_to_bytes(p->at[i].text, p->at[i].n, data + n) : -1;
    if (raw < 0) memcpy(data + n, p->at[i].text, p->at[i].n);
    n += raw < 0 ? p->at[i].n : (size_t)raw;
  }
  part whole;
  PG_TRY(put_repaired(p, data, n, &whole));
  p->at[0] = whole;
  p->n = 1;
  return PG_OK;
}

/* `from` becomes `to` everywhere. */
static pg_status replace(parts *p, part *x, const char *from, const char *to) {
  size_t n = strlen(from), m = strlen(to), count = 0;
  const char *end = x->text + x->n;
  for (const char *s = x->text; n && (s = memmem(s, (size_t)(end - s), from, n)); s += n) count++;
  if (count == 0) return PG_OK;
  char *text = pgi_arena_alloc(p->arena, x->n + count * m + 1), *out = text;
  if (!text) return pgi_nomem(p->err);
  for (const char *s = x->text;;) {
    const char *hit = memmem(s, (size_t)(end - s), from, n);
    size_t head = (size_t)((hit ? hit : end) - s);
    memcpy(out, s, head);
    out += head;
    if (!hit) break;
    memcpy(out, to, m);
    out += m;
    s = hit + n;
  }
  *x = (part){text, (size_t)(out - text)};
  return PG_OK;
}

static pg_status prefix_space(parts *p, part *x) {
  char *text = pgi_arena_alloc(p->arena, x->n + 2);
  if (!text) return pgi_nomem(p->err);
  text[0] = ' ';
  memcpy(text + 1, x->text, x->n);
  *x = (part){text, x->n + 1};
  return PG_OK;
}

static pg_status clean(parts *p, part *x) {
  static const char *const pairs[][2] = {{" .", "."},     {" ?", "?"},           {" !", "!"},
                                         {" ,", ","},     {" ' ", "'"},          {" n't", "n't"},
                                         {" 'm", "'m"},   {" do not", " don't"}, {" 's", "'s"},
                                         {" 've", "'ve"}, {" 're", "'re"}};
  for (int i = 0; i < PG_COUNT(pairs); i++) PG_TRY(replace(p, x, pairs[i][0], pairs[i][1]));
  return PG_OK;
}

static bool begins(const part *x, const char *prefix) {
  size_t n = strlen(prefix);
  return x->n >= n && memcmp(x->text, prefix, n) == 0;
}

static pg_status wordpiece(parts *p, const pgi_decode *d) {
  for (int64_t i = 0; i < p->n; i++) {
    part *x = &p->at[i];
    if (i > 0 && begins(x, d->text)) {
      x->text += strlen(d->text);
      x->n -= strlen(d->text);
    } else if (i > 0) {
      PG_TRY(prefix_space(p, x));
    }
    if (d->cleanup) PG_TRY(clean(p, x));
  }
  return PG_OK;
}

static pg_status mark(parts *p, const pgi_decode *d) {
  uint8_t bytes[PG_CHAR_MAX + 1] = {0};
  pgi_char_put(d->ch, bytes);
  for (int64_t i = 0; i < p->n; i++) {
    part *x = &p->at[i];
    if (i == 0 && d->prefix) PG_TRY(replace(p, x, (char *)bytes, ""));
    PG_TRY(replace(p, x, (char *)bytes, " "));
  }
  return PG_OK;
}

static int hex_byte(const part *x) {
  static const char digits[] = "0123456789ABCDEF";
  if (x->n != 6 || memcmp(x->text, "<0x", 3) != 0 || x->text[5] != '>') return -1;
  const char *a = memchr(digits, toupper((unsigned char)x->text[3]), 16);
  const char *b = memchr(digits, toupper((unsigned char)x->text[4]), 16);
  return a && b ? (int)((a - digits) * 16 + (b - digits)) : -1;
}

/* A run of byte tokens becomes its text, or one U+FFFD for each byte when that is none. */
static pg_status fallback(parts *p) {
  int64_t n = 0;
  for (int64_t i = 0; i < p->n;) {
    int64_t end = i;
    while (end < p->n && hex_byte(&p->at[end]) >= 0) end++;
    if (end == i) {
      p->at[n++] = p->at[i++];
      continue;
    }
    size_t size = (size_t)(end - i);
    uint8_t *bytes = pgi_arena_alloc(p->arena, size + 1);
    if (!bytes) return pgi_nomem(p->err);
    for (size_t k = 0; k < size; k++) bytes[k] = (uint8_t)hex_byte(&p->at[i + (int64_t)k]);
    bool is_text = pgi_utf8_valid(bytes, size) == size;
    if (is_text) p->at[n++] = (part){(char *)bytes, size};
    for (size_t k = 0; !is_text && k < size; k++) p->at[n++] = (part){"\xEF\xBF\xBD", 3};
    i = end;
  }
  p->n = n;
  return PG_OK;
}

static void strip(part *x, const pgi_decode *d) {
  uint8_t c[PG_CHAR_MAX];
  size_t n = pgi_char_put(d->ch, c);
  for (int64_t i = 0; i < d->start && x->n >= n && memcmp(x->text, c, n) == 0; i++) {
    x->text += n;
    x->n -= n;
  }
  for (int64_t i = 0; i < d->stop && x->n >= n && memcmp(x->text + x->n - n, c, n) == 0; i++)
    x->n -= n;
}

static pg_status ctc(parts *p, const pgi_decode *d) {
  int64_t n = 0;
  part last = {NULL, 0};
  for (int64_t i = 0; i < p->n; i++) {
    part x = p->at[i];
    bool repeats = last.text && last.n == x.n && memcmp(last.text, x.text, x.n) == 0;
    last = x;
    if (repeats) continue;
    PG_TRY(replace(p, &x, d->text, ""));
    if (d->cleanup) {
      PG_TRY(clean(p, &x));
      PG_TRY(replace(p, &x, d->word, " "));
    }
    if (x.n) p->at[n++] = x;
  }
  p->n = n;
  return PG_OK;
}

/* BPE with a suffix at word ends: a space there, but none behind the last token. */
static pg_status suffix(parts *p, const pgi_decode *d) {
  for (int64_t i = 0; i < p->n; i++)
    PG_TRY(replace(p, &p->at[i], d->text, i + 1 < p->n ? " " : ""));
  return PG_OK;
}

/* SentencePiece: marks are spaces, the first one of the text goes. */
static pg_status sentence(parts *p, const pgi_decode *d) {
  PG_TRY(fallback(p));
  if (p->n && d->prefix && begins(&p->at[0], PG_MARK)) {
    p->at[0].text += PG_MARK_SIZE;
    p->at[0].n -= PG_MARK_SIZE;
  }
  for (int64_t i = 0; i < p->n; i++) PG_TRY(replace(p, &p->at[i], PG_MARK, " "));
  return PG_OK;
}

static pg_status run_step(parts *p, const pgi_decode *d) {
  if (p->n == 0) return PG_OK;
  switch (d->kind) {
    case PG_DECODE_BYTES:
      return join(p, true);
    case PG_DECODE_WORDPIECE:
      return wordpiece(p, d);
    case PG_DECODE_MARK:
      return mark(p, d);
    case PG_DECODE_BPE:
      return suffix(p, d);
    case PG_DECODE_FALLBACK:
      return fallback(p);
    case PG_DECODE_FUSE:
      return join(p, false);
    case PG_DECODE_CTC:
      return ctc(p, d);
    case PG_DECODE_SENTENCE:
      return sentence(p, d);
    case PG_DECODE_REPLACE:
      for (int64_t i = 0; i < p->n; i++) PG_TRY(replace(p, &p->at[i], d->text, d->with));
      return PG_OK;
    case PG_DECODE_STRIP:
      for (int64_t i = 0; i < p->n; i++) strip(&p->at[i], d);
      return PG_OK;
  }
  return PG_OK;
}

static pg_status decode(const pgi_tokenizer *t, parts *p, const int64_t *ids, int64_t n,
                        bool skip_special, pgi_text_bytes *out) {
  p->at = pgi_arena_alloc(p->arena, (size_t)PG_MAX(n, 1) * sizeof *p->at);
  if (!p->at) return pgi_nomem(p->err);
  for (int64_t i = 0; i < n; i++) {
    if (ids[i] < 0 || ids[i] >= t->n_tokens || !t->tokens[ids[i]])
      return pgi_fail(p->err, PG_INVALID, "decode: no token has the id %lld (there are %lld)",
                      (long long)ids[i], (long long)t->n_tokens);
    if (skip_special && (t->kinds[ids[i]] & PG_TOKEN_SPECIAL)) continue;
    bool is_unknown = t->is_sentence && ids[i] == t->model.unk; /* what SentencePiece shows then */
    p->at[p->n++] =
        is_unknown ? (part){" \xE2\x81\x87 ", 5} : (part){t->tokens[ids[i]], t->sizes[ids[i]]};
  }
  for (int i = 0; i < t->n_decodes; i++) PG_TRY(run_step(p, &t->decodes[i]));
  for (int64_t i = 0; i < p->n; i++) {
    if (i && t->n_decodes == 0) PG_TRY(pgi_bytes_add(out, " ", 1, p->err));
    PG_TRY(pgi_bytes_add(out, p->at[i].text, p->at[i].n, p->err));
  }
  return pgi_bytes_add(out, "", 0, p->err);
}

pg_status pgi_decode_ids(const pgi_tokenizer *t, const int64_t *ids, int64_t n, bool skip_special,
                         pgi_text_bytes *out, pg_error *err) {
  pgi_arena arena;
  pgi_arena_init(&arena, t->ctx);
  parts p = {.arena = &arena, .err = err};
  pg_status status = decode(t, &p, ids, n, skip_special, out);
  pgi_arena_deinit(&arena);
  return status;
}
