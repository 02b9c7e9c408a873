/* The steps that change a text before it is split.  Each copies what it leaves alone in long runs. */
#include "text/text.h"

/* No byte of the eight is a control character or the start of a longer one: bits are moved into the sign bits. */
static inline bool is_plain_ascii(uint64_t eight) {
  const uint64_t ones = 0x0101010101010101u, signs = ones * 0x80;
  return ((eight | (eight + ones) | ((eight - ones * 0x20) & ~eight)) & signs) == 0;
}

/* The next character with any of `mask`, from i; n when there is none.  Space itself never counts. */
static size_t find_flags(const pgi_unicode *u, uint32_t mask, bool in_ascii, const pgi_chars *t,
                         size_t i) {
  const uint8_t *p = t->data;
  while (i < t->n) {
    uint64_t eight;
    memcpy(&eight, p + i, 8);
    if (in_ascii ? is_plain_ascii(eight) : (eight & 0x8080808080808080u) == 0) {
      i += 8;
      continue;
    }
    size_t size = 1;
    if (p[i] < 0x80) {
      if (in_ascii && p[i] != ' ' && (u->flags[p[i]] & mask)) return i;
    } else if (pgi_unicode_flags(u, pgi_char_at(p + i, &size)) & mask) {
      return i;
    }
    i += size;
  }
  return t->n;
}

static pg_status put_clean(pgi_change *c, uint32_t ch, uint32_t flags, pg_error *err) {
  bool is_kept = ch == '\t' || ch == '\n' || ch == '\r';
  if ((flags & PG_U_OTHERS) && !is_kept) {
    pgi_change_skip(c, 1);
    return PG_OK;
  }
  return pgi_change_char(c, ' ', 0, err);
}

static pg_status put_apart(pgi_change *c, uint32_t ch, pg_error *err) {
  PG_TRY(pgi_change_char(c, ' ', 0, err));
  PG_TRY(pgi_change_char(c, ch, 1, err));
  return pgi_change_char(c, ' ', 1, err);
}

/* U+0130 is the only character with two lower ones. */
static pg_status put_lower(const pgi_unicode *u, pgi_change *c, uint32_t ch, pg_error *err) {
  if (ch != 0x130) return pgi_change_char(c, (uint32_t)u->lower((int32_t)ch), 0, err);
  PG_TRY(pgi_change_char(c, 'i', 0, err));
  return pgi_change_char(c, 0x307, 1, err);
}

static void lower_ascii(uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(p[i] + ((uint8_t)(p[i] - 'A') < 26) * 32);
}

static pg_status map_chars(const pgi_unicode *u, pgi_normal_kind kind, const pgi_chars *in,
                           pgi_chars *out, bool *changed, pg_error *err) {
  uint32_t mask = kind == PG_NORMAL_LOWER           ? PG_U_CASED
                  : kind == PG_NORMAL_STRIP_ACCENTS ? PG_U_MARK
                  : kind == PG_NORMAL_STRIP_MN      ? PG_U_MN
                  : kind == PG_NORMAL_BERT_CJK      ? PG_U_CJK
                                                    : PG_U_OTHERS | PG_U_SPACE;
  bool in_ascii = kind == PG_NORMAL_BERT_CLEAN, is_lower = kind == PG_NORMAL_LOWER;
  size_t i = find_flags(u, mask, in_ascii, in, 0);
  *changed = is_lower || i < in->n;
  if (!*changed) return PG_OK;
  pgi_change c;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  for (;;) {
    size_t start = out->n, size;
    PG_TRY(pgi_change_copy(&c, i - c.at, err));
    if (is_lower) lower_ascii(out->data + start, out->n - start);
    if (i >= in->n) break;
    uint32_t ch = pgi_char_at(in->data + i, &size);
    if (is_lower)
      PG_TRY(put_lower(u, &c, ch, err));
    else if (kind == PG_NORMAL_BERT_CLEAN)
      PG_TRY(put_clean(&c, ch, pgi_unicode_flags(u, ch), err));
    else if (kind == PG_NORMAL_BERT_CJK)
      PG_TRY(put_apart(&c, ch, err));
    else
      pgi_change_skip(&c, 1);
    i = find_flags(u, mask, in_ascii, in, c.at);
  }
  pgi_change_end(&c);
  return PG_OK;
}

/* ---- Nmt: controls go, odd spaces become spaces ------------------------------------------------------ */

static int nmt_fate(uint32_t c) { /* 0 stays, 1 goes, 2 becomes a space */
  if ((c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
      c == 0x9F)
    return 1;
  if (c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
      c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD)
    return 2;
  return 0;
}

static pg_status map_nmt(const pgi_chars *in, pgi_chars *out, pg_error *err) {
  pgi_change c;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  while (c.at < in->n) {
    size_t size;
    int fate = nmt_fate(pgi_char_at(in->data + c.at, &size));
    if (fate == 0)
      PG_TRY(pgi_change_copy(&c, size, err));
    else if (fate == 1)
      pgi_change_skip(&c, 1);
    else
      PG_TRY(pgi_change_char(&c, ' ', 0, err));
  }
  pgi_change_end(&c);
  return PG_OK;
}

/* ---- replace, prepend, strip, bytes -------------------------------------------------------------------- */

static pg_status replace(const pgi_normal *step, const pgi_chars *in, pgi_chars *out,
                         pgi_spans *found, bool *changed, pg_error *err) {
  found->n = 0;
  PG_TRY(pgi_pattern_find(step->pattern, in->data, 0, in->n, found, err));
  *changed = found->n > 0;
  if (!*changed) return PG_OK;
  pgi_change c;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  for (int64_t i = 0; i < found->n; i++) {
    PG_TRY(pgi_change_copy(&c, found->at[i].from - c.at, err));
    PG_TRY(pgi_change_put(&c, step->text, step->size, found->at[i].to - 1, err));
    c.at = found->at[i].to;
  }
  PG_TRY(pgi_change_copy(&c, in->n - c.at, err));
  pgi_change_end(&c);
  return PG_OK;
}

static pg_status prepend(const pgi_normal *step, const pgi_chars *in, pgi_chars *out,
                         pg_error *err) {
  pgi_change c;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  if (in->n) PG_TRY(pgi_change_put(&c, step->text, step->size, 0, err));
  PG_TRY(pgi_change_copy(&c, in->n, err));
  pgi_change_end(&c);
  return PG_OK;
}

static bool is_space_at(const pgi_unicode *u, const uint8_t *p, size_t *size) {
  return pgi_unicode_flags(u, pgi_char_at(p, size)) & PG_U_SPACE;
}

static pg_status strip(const pgi_unicode *u, const pgi_normal *step, const pgi_chars *in,
                       pgi_chars *out, bool *changed, pg_error *err) {
  size_t from = 0, to = in->n, size;
  while (step->left && from < to && is_space_at(u, in->data + from, &size)) from += size;
  while (step->right && to > from) {
    size_t k = to - 1;
    while (k > from && pgi_char_inside(in->data[k])) k--;
    if (!is_space_at(u, in->data + k, &size)) break;
    to = k;
  }
  *changed = from > 0 || to < in->n;
  if (!*changed) return PG_OK;
  pgi_change c;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  c.at = from;
  PG_TRY(pgi_change_copy(&c, to - from, err));
  pgi_change_end(&c);
  return PG_OK;
}

static pg_status map_bytes(const pgi_chars *in, pgi_chars *out, pg_error *err) {
  pgi_change c;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  for (size_t i = 0; i < in->n; i++) {
    uint8_t letter[PG_CHAR_MAX];
    PG_TRY(pgi_change_put(&c, letter, pgi_char_put(pgi_byte_letter(in->data[i]), letter), i, err));
  }
  pgi_change_end(&c);
  return PG_OK;
}

/* ---- SentencePiece's rules, as tokenizer.json applies them: cluster by cluster ----------------------- */

enum { SHORT_CLUSTER = 6 };

/* The bytes of the extended grapheme cluster at i. */
static size_t cluster_size(const pgi_unicode *u, const pgi_chars *t, size_t i) {
  size_t size, next;
  uint32_t a = pgi_char_at(t->data + i, &size);
  int32_t state = 0;
  for (size_t end = i + size;; end += next) {
    if (end >= t->n) return end - i;
    uint32_t b = pgi_char_at(t->data + end, &next);
    bool is_plain = !((pgi_unicode_flags(u, a) | pgi_unicode_flags(u, b)) & PG_U_CLUSTER);
    if (is_plain && !(a == '\r' && b == '\n')) return end - i;
    if (u->is_break((int32_t)a, (int32_t)b, &state)) return end - i;
    a = b;
  }
}

/* `with` in the place of the next n bytes.  The changes are counted as tokenizers counts them: what is
** taken belongs to the last character written, whatever that was. */
static pg_status put_rule(pgi_change *c, const uint8_t *old, size_t n, const char *with,
                          pg_error *err) {
  int64_t n_old = pgi_utf8_count(old, n), n_new = 0, total;
  size_t with_size = strlen(with);
  total = pgi_utf8_count((const uint8_t *)with, with_size);
  for (size_t i = 0, size; i < with_size; i += size, n_new++) {
    uint32_t ch = pgi_char_at((const uint8_t *)with + i, &size);
    int change = n_new >= n_old                        ? 1
                 : n_new == total - 1 && total < n_old ? (int)(total - n_old)
                                                       : 0;
    PG_TRY(pgi_change_char(c, ch, change, err));
  }
  if (total > 0 || c->out->n == 0) return PG_OK;
  if (c->last > 0) { /* an added character becomes the first of those that vanish */
    size_t end = c->out->n;
    uint8_t bytes[PG_CHAR_MAX];
    memcpy(bytes, c->out->data + c->last_out, end - c->last_out);
    c->out->n = c->last_out;
    PG_TRY(pgi_change_put(c, bytes, end - c->last_out, c->at, err));
  }
  c->last -= (int)n_old;
  pgi_change_skip(c, n_old);
  return PG_OK;
}

static pg_status put_part(const pgi_normal *step, pgi_change *c, const uint8_t *p, size_t n,
                          bool *changed, pg_error *err) {
  size_t used;
  const char *with = pgi_charsmap_find(&step->map, p, n, false, &used);
  if (with) {
    *changed = true;
    return put_rule(c, p, n, with, err);
  }
  return pgi_change_char(c, pgi_char_at(p, &used), 0, err);
}

static pg_status map_clusters(const pgi_unicode *u, const pgi_normal *step, const pgi_chars *in,
                              pgi_chars *out, bool *changed, pg_error *err) {
  bool plain[128];
  for (int i = 0; i < 128; i++) {
    uint8_t byte = (uint8_t)i;
    size_t used;
    plain[i] = !pgi_charsmap_find(&step->map, &byte, 1, false, &used);
  }
  pgi_change c;
  const uint8_t *p = in->data;
  *changed = false;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  for (size_t i = 0, size; i < in->n; i += size) {
    size = 0;
    while (p[i + size] < 0x80 && p[i + size + 1] < 0x80 && plain[p[i + size]] && i + size < in->n)
      size++;
    if (size && c.at == i) {
      PG_TRY(pgi_change_copy(&c, size, err));
      continue;
    }
    size = cluster_size(u, in, i);
    size_t used;
    const char *with =
        size < SHORT_CLUSTER ? pgi_charsmap_find(&step->map, p + i, size, false, &used) : NULL;
    if (with) {
      *changed = true;
      PG_TRY(put_rule(&c, p + i, size, with, err));
      continue;
    }
    for (size_t k = 0, one; k < size; k += one) {
      one = pgi_char_size(p[i + k]);
      PG_TRY(put_part(step, &c, p + i + k, one, changed, err));
    }
  }
  pgi_change_end(&c);
  return PG_OK;
}

/* ---- SentencePiece's own normaliser ------------------------------------------------------------------------ */

/* What stands for the bytes at p, and how many they are. */
static const uint8_t *sentence_part(const pgi_normal *step, const uint8_t *p, size_t n,
                                    size_t *used, size_t *size) {
  int32_t cell = 0;
  size_t longest = 0;
  for (size_t i = 0; step->symbols.cells && i < n; i++) {
    cell = pgi_trie_step(&step->symbols, cell, p[i]);
    if (cell < 0) break;
    if (step->symbols.cells[cell].value >= 0) longest = i + 1;
  }
  if (longest) {
    *used = *size = longest;
    return p;
  }
  const char *with = pgi_charsmap_find(&step->map, p, n, true, used);
  if (with) {
    *size = strlen(with);
    return (const uint8_t *)with;
  }
  *used = *size = pgi_char_size(*p);
  return p;
}

static pg_status put_mark(const pgi_normal *step, pgi_change *c, size_t at, pg_error *err) {
  return pgi_change_put(c, step->is_escaped ? PG_MARK : " ", step->is_escaped ? PG_MARK_SIZE : 1,
                        at, err);
}

/* Behind the last byte a character ends where the next begins. */
static void close_places(pgi_chars *out, size_t end) {
  for (size_t i = out->n; out->is_placed && i > 0; i--) {
    out->to[i - 1] = (uint32_t)end;
    end = out->from[i - 1];
  }
}

static size_t place_of(const pgi_chars *in, size_t at) {
  if (at < in->n) return pgi_chars_from(in, at);
  return in->n ? pgi_chars_to(in, in->n - 1) : in->base;
}

static pg_status put_sentence(const pgi_normal *step, pgi_change *c, size_t at, size_t *end,
                              pg_error *err) {
  const pgi_chars *in = c->in;
  bool joins = step->right, after_space = joins;
  for (size_t used, size; at < in->n; at += used) {
    const uint8_t *part = sentence_part(step, in->data + at, in->n - at, &used, &size);
    for (; after_space && size && *part == ' '; size--) part++;
    if (size == 0) continue;
    if (part == in->data + at && *part != ' ' && size <= PG_CHAR_MAX) {
      PG_TRY(pgi_change_put(c, part, size, at, err));
    } else {
      for (size_t i = 0; i < size; i++)
        PG_TRY(part[i] == ' ' ? put_mark(step, c, at, err)
                              : pgi_change_put(c, part + i, 1, at, err));
    }
    after_space = joins && part[size - 1] == ' ';
  }
  *end = place_of(in, in->n);
  return PG_OK;
}

static pg_status map_sentence(const pgi_normal *step, const pgi_chars *in, pgi_chars *out,
                              pg_error *err) {
  pgi_change c;
  size_t at = 0, used, size, end = 0;
  size_t mark = step->is_escaped ? PG_MARK_SIZE : 1;
  PG_TRY(pgi_change_begin(&c, in, out, err));
  while (step->right && at < in->n) { /* spaces in front */
    const uint8_t *part = sentence_part(step, in->data + at, in->n - at, &used, &size);
    if (size != 1 || *part != ' ') break;
    at += used;
  }
  if (at < in->n) {
    if (step->left && !step->is_suffix) PG_TRY(put_mark(step, &c, at, err));
    PG_TRY(put_sentence(step, &c, at, &end, err));
    while (step->right && out->n >= mark &&
           memcmp(out->data + out->n - mark, step->is_escaped ? PG_MARK : " ", mark) == 0) {
      out->n -= mark;
      if (out->is_placed) end = out->from[out->n];
    }
    if (step->left && step->is_suffix) {
      PG_TRY(put_mark(step, &c, in->n, err));
      for (size_t i = 0; out->is_placed && i < mark; i++) out->from[out->n - 1 - i] = (uint32_t)end;
    }
    close_places(out, end);
  }
  pgi_change_end(&c);
  return PG_OK;
}

pg_status pgi_normalize(const pgi_unicode *u, const pgi_normal *step, const pgi_chars *in,
                        pgi_chars *out, pgi_spans *scratch, bool *changed, pg_error *err) {
  *changed = true;
  switch (step->kind) {
    case PG_NORMAL_FORM:
      return pgi_normalize_form(u, step->form, in, out, changed, err);
    case PG_NORMAL_REPLACE:
      return replace(step, in, out, scratch, changed, err);
    case PG_NORMAL_PREPEND:
      return prepend(step, in, out, err);
    case PG_NORMAL_STRIP:
      return strip(u, step, in, out, changed, err);
    case PG_NORMAL_CHARSMAP:
      return map_clusters(u, step, in, out, changed, err);
    case PG_NORMAL_NMT:
      return map_nmt(in, out, err);
    case PG_NORMAL_BYTES:
      return map_bytes(in, out, err);
    case PG_NORMAL_SENTENCE:
      return map_sentence(step, in, out, err);
    default:
      return map_chars(u, step->kind, in, out, changed, err);
  }
}
