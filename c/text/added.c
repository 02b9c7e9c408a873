/* Added tokens are found before anything else: special ones in the text as it is, others in the normalised
** one; of those that begin at a place the longest. */
#include "text/text.h"

static bool has_flag(const pgi_unicode *u, const uint8_t *p, uint32_t mask) {
  size_t size;
  return pgi_unicode_flags(u, pgi_char_at(p, &size)) & mask;
}

static size_t before(const uint8_t *p, size_t i) {
  do i--;
  while (i > 0 && pgi_char_inside(p[i]));
  return i;
}

static bool stands_alone(const pgi_unicode *u, const pgi_chars *t, size_t from, size_t to) {
  uint32_t mask = PG_U_WORD | PG_U_JOINER;
  return (from == 0 || !has_flag(u, t->data + before(t->data, from), mask)) &&
         (to == t->n || !has_flag(u, t->data + to, mask));
}

static int32_t longest(const pgi_trie *trie, const pgi_chars *t, size_t i, size_t *end) {
  int32_t cell = 0, row = -1;
  for (size_t k = i; k < t->n; k++) {
    cell = pgi_trie_step(trie, cell, t->data[k]);
    if (cell < 0) break;
    if (trie->cells[cell].value < 0) continue;
    row = trie->cells[cell].value;
    *end = k + 1;
  }
  return row;
}

bool pgi_added_next(const pgi_tokenizer *t, bool normalized, const pgi_chars *text, size_t done,
                    size_t *cursor, pgi_found *out) {
  const pgi_trie *trie = normalized ? &t->normal_added : &t->raw_added;
  const bool *first = normalized ? t->first_normal : t->first_raw;
  if (!trie->cells) return false;
  for (size_t i = *cursor, end; i < text->n; i++) {
    if (!first[text->data[i]]) continue;
    int32_t row = longest(trie, text, i, &end);
    if (row < 0) continue;
    const pgi_added *a = &t->added[row];
    size_t from = i, size;
    *cursor = end; /* the next search goes on behind the bare token, whatever rstrip takes */
    i = end - 1;
    if (a->single_word && !stands_alone(&t->unicode, text, from, end)) continue;
    if (from < done) from = done;
    while (a->lstrip && from > done) {
      size_t k = before(text->data, from);
      if (!has_flag(&t->unicode, text->data + k, PG_U_SPACE)) break;
      from = k;
    }
    while (a->rstrip && end < text->n && has_flag(&t->unicode, text->data + end, PG_U_SPACE)) {
      pgi_char_at(text->data + end, &size);
      end += size;
    }
    *out = (pgi_found){a, from, PG_MAX(end, from)};
    return true;
  }
  *cursor = text->n;
  return false;
}
