/* WordPiece: the longest token at each place of a word, behind the first with a prefix; and whole words. */
#include "text/text.h"

static pg_status put(pgi_work *w, int32_t id, size_t from, size_t to, pg_error *err) {
  PG_TRY(pgi_grow(w->ctx, &w->pieces, &w->piece_room, w->n_pieces + 1, sizeof *w->pieces, err));
  w->pieces[w->n_pieces++] = (pgi_piece){id, (uint32_t)from, (uint32_t)to};
  return PG_OK;
}

static pg_status put_unknown(const pgi_text_model *m, pgi_work *w, int64_t mark, size_t n,
                             pg_error *err) {
  w->n_pieces = mark;
  if (m->unk < 0)
    return pgi_fail(err, PG_FORMAT, "tokenizer: a word has no token, and no unknown token is set");
  return put(w, m->unk, 0, n, err);
}

pg_status pgi_wordpiece(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                        pg_error *err) {
  int64_t mark = w->n_pieces;
  if ((int64_t)n > m->max_chars && pgi_utf8_count(p, n) > m->max_chars)
    return put_unknown(m, w, mark, n, err);
  for (size_t i = 0; i < n;) {
    int32_t cell = i ? m->inner : 0, id = -1;
    size_t end = i;
    for (size_t k = i; k < n && cell >= 0; k++) {
      cell = pgi_trie_step(&m->trie, cell, p[k]);
      if (cell < 0 || m->trie.cells[cell].value < 0) continue;
      id = m->trie.cells[cell].value;
      end = k + 1;
    }
    if (id < 0) return put_unknown(m, w, mark, n, err);
    PG_TRY(put(w, id, i, end, err));
    i = end;
  }
  return PG_OK;
}

pg_status pgi_wordlevel(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                        pg_error *err) {
  int32_t id = pgi_trie_find(&m->trie, p, n);
  return id >= 0 ? put(w, id, 0, n, err) : put_unknown(m, w, w->n_pieces, n, err);
}
