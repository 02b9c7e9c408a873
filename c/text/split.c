/* From a text to words: each step splits the words of the one before. */
#include "text/text.h"

/* Pieces come in order, each a match or what lies between; the behaviour joins them. */
typedef struct joiner {
  pgi_spans *out;
  pgi_behaviour behaviour;
  bool is_inverted, has_pending, pending_match, last_match;
  pgi_span pending;
} joiner;

static pg_status flush(joiner *j, pg_error *err) {
  if (!j->has_pending) return PG_OK;
  j->has_pending = false;
  return pgi_spans_add(j->out, j->pending.from, j->pending.to, err);
}

static pg_status join(joiner *j, size_t from, size_t to, bool is_match, pg_error *err) {
  bool joins = false;
  is_match = is_match != j->is_inverted;
  if (from == to) return PG_OK;
  switch (j->behaviour) {
    case PG_REMOVED:
      if (is_match) return PG_OK;
      break;
    case PG_ISOLATED:
      break;
    case PG_WITH_PREVIOUS:
      joins = j->has_pending && is_match && !j->pending_match;
      break;
    case PG_WITH_NEXT:
      joins = j->has_pending && !is_match && j->pending_match;
      break;
    case PG_CONTIGUOUS:
      joins = j->has_pending && is_match == j->pending_match;
      break;
  }
  if (joins) {
    j->pending.to = (uint32_t)to;
  } else {
    PG_TRY(flush(j, err));
    j->pending = (pgi_span){(uint32_t)from, (uint32_t)to};
    j->has_pending = true;
  }
  j->pending_match = is_match;
  return PG_OK;
}

/* Every character with a flag of `mask` (or equal to ch) is a match of its own. */
static pg_status by_class(const pgi_unicode *u, const pgi_split *step, uint32_t mask,
                          const pgi_work *w, pgi_span word, joiner *j, pg_error *err) {
  const uint8_t *p = w->text.data;
  size_t start = word.from, size;
  for (size_t i = word.from; i < word.to; i += size) {
    uint32_t c = pgi_char_at(p + i, &size);
    if (mask ? !(pgi_unicode_flags(u, c) & mask) : c != step->ch) continue;
    PG_TRY(join(j, start, i, false, err));
    PG_TRY(join(j, i, i + size, true, err));
    start = i + size;
  }
  return join(j, start, word.to, false, err);
}

static pg_status by_pattern(const pgi_split *step, pgi_work *w, pgi_span word, joiner *j,
                            pg_error *err) {
  size_t start = word.from;
  w->found.n = 0;
  PG_TRY(pgi_pattern_find(step->pattern, w->text.data, word.from, word.to, &w->found, err));
  for (int64_t i = 0; i < w->found.n; i++) {
    PG_TRY(join(j, start, w->found.at[i].from, false, err));
    PG_TRY(join(j, w->found.at[i].from, w->found.at[i].to, true, err));
    start = w->found.at[i].to;
  }
  return join(j, start, word.to, false, err);
}

/* The patterns by hand cover the text: all they find is a match. */
static pg_status by_scan(const pgi_unicode *u, pgi_scan *scan, const pgi_work *w, pgi_span word,
                         pgi_spans *out, pg_error *err) {
  const uint8_t *p = w->text.data;
  for (size_t i = word.from; i < word.to;) {
    size_t end = scan(u, p, i, word.to);
    PG_TRY(pgi_spans_add(out, i, end, err));
    i = end;
  }
  return PG_OK;
}

/* BERT: spaces go, punctuation stands alone.  Words: runs of \w, runs of what is neither that nor space. */
static pg_status by_words(const pgi_unicode *u, bool is_bert, const pgi_work *w, pgi_span word,
                          pgi_spans *out, pg_error *err) {
  const uint8_t *p = w->text.data;
  size_t start = word.from, size;
  int last = 0; /* 0 a space, 1 a word, 2 other */
  for (size_t i = word.from; i < word.to; i += size) {
    uint32_t f =
        p[i] < 0x80 ? (size = 1, u->flags[p[i]]) : pgi_unicode_flags(u, pgi_char_at(p + i, &size));
    int now = (f & PG_U_SPACE)                  ? 0
              : is_bert                         ? 1 + ((f & PG_U_PUNCT) != 0)
              : (f & (PG_U_WORD | PG_U_JOINER)) ? 1
                                                : 2;
    if (now != last || (is_bert && now == 2)) {
      if (last) PG_TRY(pgi_spans_add(out, start, i, err));
      start = i;
    }
    last = now;
  }
  return last ? pgi_spans_add(out, start, word.to, err) : PG_OK;
}

static pg_status by_length(const pgi_split *step, const pgi_work *w, pgi_span word, pgi_spans *out,
                           pg_error *err) {
  size_t start = word.from;
  int64_t n = 0;
  for (size_t i = word.from; i < word.to; i += pgi_char_size(w->text.data[i]))
    if (n++ == step->length) {
      PG_TRY(pgi_spans_add(out, start, i, err));
      start = i;
      n = 1;
    }
  return pgi_spans_add(out, start, word.to, err);
}

/* ---- steps that write a new text ------------------------------------------------------------------------ */

static void swap_texts(pgi_work *w) {
  pgi_chars t = w->text;
  w->text = w->other;
  w->other = t;
}

static pg_status write_mark(const pgi_split *step, const pgi_work *w, pgi_change *c, pgi_span word,
                            pgi_spans *out, pg_error *err) {
  uint8_t mark[PG_CHAR_MAX];
  size_t n_mark = pgi_char_put(step->ch, mark), start = c->out->n;
  const uint8_t *p = w->text.data;
  size_t n = word.to - word.from;
  bool has_mark = p[word.from] == ' ' || (n >= n_mark && memcmp(p + word.from, mark, n_mark) == 0);
  bool is_first = step->scheme == PG_FIRST && pgi_chars_from(&w->text, word.from) == 0;
  c->at = word.from;
  if (!has_mark && (step->scheme == PG_ALWAYS || is_first))
    PG_TRY(pgi_change_put(c, mark, n_mark, word.from, err));
  while (c->at < word.to) {
    size_t i = c->at;
    if (p[i] == ' ' ||
        (p[i] == mark[0] && word.to - i >= n_mark && memcmp(p + i, mark, n_mark) == 0)) {
      if (step->is_split) {
        PG_TRY(pgi_spans_add(out, start, c->out->n, err));
        start = c->out->n;
      }
      PG_TRY(pgi_change_put(c, mark, n_mark, i, err));
      c->at += p[i] == ' ' ? 1 : n_mark;
      continue;
    }
    size_t end = i + pgi_char_size(p[i]);
    while (end < word.to && p[end] != ' ' && p[end] != mark[0]) end++;
    PG_TRY(pgi_change_copy(c, end - i, err));
  }
  return pgi_spans_add(out, start, c->out->n, err);
}

static pg_status write_letters(const pgi_work *w, pgi_change *c, pgi_span word, pg_error *err) {
  for (size_t i = word.from; i < word.to; i++) {
    uint8_t letter[PG_CHAR_MAX];
    size_t n = pgi_char_put(pgi_byte_letter(w->text.data[i]), letter);
    PG_TRY(pgi_change_put(c, letter, n, i, err));
  }
  return PG_OK;
}

static pg_status write_raw(const pgi_work *w, pgi_change *c, pgi_span word, pg_error *err) {
  for (size_t i = word.from, size; i < word.to; i += size) {
    int byte = pgi_letter_byte(pgi_char_at(w->text.data + i, &size));
    uint8_t one = (uint8_t)PG_MAX(byte, 0);
    PG_TRY(pgi_change_put(c, &one, 1, i, err));
  }
  return PG_OK;
}

static pg_status write_spaced(const pgi_work *w, pgi_change *c, pgi_span word, pg_error *err) {
  if (w->text.data[word.from] != ' ') PG_TRY(pgi_change_put(c, " ", 1, word.from, err));
  c->at = word.from;
  return pgi_change_copy(c, word.to - word.from, err);
}

static pg_status rewrite(const pgi_split *step, pgi_work *w, pg_error *err) {
  pgi_change c;
  w->next.n = 0;
  PG_TRY(pgi_change_begin(&c, &w->text, &w->other, err));
  for (int64_t i = 0; i < w->words.n; i++) {
    pgi_span word = w->words.at[i];
    if (step->kind == PG_SPLIT_MARK) {
      PG_TRY(write_mark(step, w, &c, word, &w->next, err));
      continue;
    }
    size_t start = w->other.n;
    PG_TRY(step->kind == PG_SPLIT_LETTERS ? write_letters(w, &c, word, err)
           : step->kind == PG_SPLIT_RAW   ? write_raw(w, &c, word, err)
                                          : write_spaced(w, &c, word, err));
    PG_TRY(pgi_spans_add(&w->next, start, w->other.n, err));
  }
  pgi_change_end(&c);
  swap_texts(w);
  pgi_spans words = w->words;
  w->words = w->next;
  w->next = words;
  return PG_OK;
}

static bool lacks_space(const pgi_work *w) {
  for (int64_t i = 0; i < w->words.n; i++)
    if (w->text.data[w->words.at[i].from] != ' ') return true;
  return false;
}

static pg_status split_word(const pgi_unicode *u, const pgi_split *step, pgi_work *w, pgi_span word,
                            joiner *j, pg_error *err) {
  switch (step->kind) {
    case PG_SPLIT_BERT:
      return by_words(u, true, w, word, &w->next, err);
    case PG_SPLIT_WORDS:
      return by_words(u, false, w, word, &w->next, err);
    case PG_SPLIT_SPACES:
      return by_class(u, step, PG_U_SPACE, w, word, j, err);
    case PG_SPLIT_PUNCT:
      return by_class(u, step, PG_U_PUNCT, w, word, j, err);
    case PG_SPLIT_DIGITS:
      return by_class(u, step, PG_U_NUMBER, w, word, j, err);
    case PG_SPLIT_CHAR:
      return by_class(u, step, 0, w, word, j, err);
    case PG_SPLIT_SCAN:
      return by_scan(u, step->scan, w, word, &w->next, err);
    case PG_SPLIT_BYTES:
      return by_scan(u, pgi_scan_gpt2, w, word, &w->next, err);
    case PG_SPLIT_FIXED:
      return by_length(step, w, word, &w->next, err);
    default:
      return by_pattern(step, w, word, j, err);
  }
}

pg_status pgi_split_run(const pgi_unicode *u, const pgi_split *step, pgi_work *w, pg_error *err) {
  bool is_bytes = step->kind == PG_SPLIT_BYTES;
  if (step->kind == PG_SPLIT_MARK || step->kind == PG_SPLIT_LETTERS || step->kind == PG_SPLIT_RAW)
    return rewrite(step, w, err);
  if (is_bytes && step->add_space && lacks_space(w)) PG_TRY(rewrite(step, w, err));
  if (is_bytes && !step->has_regex) return PG_OK;
  w->next.n = 0;
  for (int64_t i = 0; i < w->words.n; i++) {
    joiner j = {.out = &w->next, .behaviour = step->behaviour, .is_inverted = step->is_inverted};
    PG_TRY(split_word(u, step, w, w->words.at[i], &j, err));
    PG_TRY(flush(&j, err));
  }
  pgi_spans words = w->words;
  w->words = w->next;
  w->next = words;
  return PG_OK;
}
