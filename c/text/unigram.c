/* Unigram (Kudo 2018): of all ways to cut a word into tokens, that of the highest sum of scores, found from
** left to right (Viterbi); of equal sums the one found first. */
#include "text/text.h"

typedef struct node {
  double score;
  int32_t id;
  uint32_t from; /* UINT32_MAX: not reached */
} node;
#define UNREACHED UINT32_MAX

static inline void offer(const pgi_text_model *m, node *to, double sum, int32_t id, size_t from) {
  if (m->is_sentence) sum = (double)(float)sum; /* what SentencePiece keeps and compares */
  if (to->from != UNREACHED && !(sum > to->score)) return;
  *to = (node){sum, id, (uint32_t)from};
}

/* User-defined tokens are worth so much that they are always taken. */
static inline double score_of(const pgi_text_model *m, int32_t id, size_t size) {
  if (m->is_user && m->is_user[id]) return (double)((float)size * (float)m->max_score) - 0.1;
  return m->scores[id];
}

static void forward(const pgi_text_model *m, const uint8_t *p, size_t n, node *at) {
  for (size_t i = 1; i <= n; i++) at[i].from = UNREACHED;
  at[0] = (node){0, -1, 0};
  for (size_t i = 0, size; i < n; i += size) {
    size = PG_MIN(pgi_char_size(p[i]), n - i);
    bool has_single = false;
    int32_t cell = 0;
    double score = at[i].score;
    for (size_t k = i; k < n; k++) {
      cell = pgi_trie_step(&m->trie, cell, p[k]);
      if (cell < 0) break;
      int32_t id = m->trie.cells[cell].value;
      if (id < 0) continue;
      offer(m, &at[k + 1], score + score_of(m, id, k + 1 - i), id, i);
      has_single |= k + 1 - i == size;
    }
    if (has_single) continue;
    offer(m, &at[i + size], score + m->unk_score, m->unk, i);
  }
}

static bool has_all_bytes(const pgi_text_model *m, const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (m->bytes[p[i]] < 0) return false;
  return true;
}

/* Unknown bytes [from, to): as tokens of bytes where there are all of them, each with the place of the
** whole; or one unknown token.  Written backwards. */
static void put_unknown(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t from,
                        size_t to) {
  if (m->byte_fallback && has_all_bytes(m, p + from, to - from)) {
    for (size_t i = to; i > from; i--) { /* SentencePiece: only the last has a place */
      size_t end = m->is_sentence && i < to ? from : to;
      w->pieces[w->n_pieces++] = (pgi_piece){m->bytes[p[i - 1]], (uint32_t)from, (uint32_t)end};
    }
  } else {
    w->pieces[w->n_pieces++] = (pgi_piece){m->unk, (uint32_t)from, (uint32_t)to};
  }
}

static void backward(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                     const node *at) {
  int64_t first = w->n_pieces;
  for (size_t i = n; i > 0;) {
    size_t from = at[i].from;
    if (at[i].id == m->unk) {
      while (m->fuse_unk && from > 0 && at[from].id == m->unk) from = at[from].from;
      put_unknown(m, w, p, from, i);
    } else {
      w->pieces[w->n_pieces++] = (pgi_piece){at[i].id, (uint32_t)from, (uint32_t)i};
    }
    i = from;
  }
  for (int64_t a = first, b = w->n_pieces - 1; a < b; a++, b--) {
    pgi_piece t = w->pieces[a];
    w->pieces[a] = w->pieces[b];
    w->pieces[b] = t;
  }
}

pg_status pgi_unigram(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                      pg_error *err) {
  if (m->unk < 0)
    return pgi_fail(err, PG_FORMAT, "tokenizer: a unigram model without an unknown token");
  PG_TRY(pgi_grow(w->ctx, &w->block, &w->block_room, (int64_t)n + 1, sizeof(node), err));
  PG_TRY(pgi_grow(w->ctx, &w->pieces, &w->piece_room, w->n_pieces + (int64_t)n, sizeof *w->pieces,
                  err));
  forward(m, p, n, w->block);
  backward(m, w, p, n, w->block);
  return PG_OK;
}
