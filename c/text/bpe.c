/* Byte-pair encoding (Sennrich et al. 2016): of all neighbours the pair of the lowest rank is joined, the
** leftmost of equal ones, until none is left. */
#include "text/text.h"

enum { SHORT_WORD = 96 };
#define NO_MERGE UINT32_MAX

static inline uint32_t slot_of(const pgi_text_model *m, uint32_t left, uint32_t right) {
  uint64_t h = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
  h ^= h >> 29;
  return (uint32_t)(h * 0xBF58476D1CE4E5B9u >> 32) & (m->n_slots - 1);
}

static inline const pgi_merge *find(const pgi_text_model *m, uint32_t left, uint32_t right) {
  for (uint32_t i = slot_of(m, left, right);; i = (i + 1) & (m->n_slots - 1)) {
    const pgi_merge *e = &m->merges[i];
    if (e->id == NO_MERGE || (e->left == left && e->right == right)) return e;
  }
}

pg_status pgi_bpe_merges(pgi_text_model *m, pg_context *ctx, int64_t n, pg_error *err) {
  if (n >= INT32_MAX / 4) return pgi_fail(err, PG_FORMAT, "%lld merges", (long long)n);
  m->n_slots = 16;
  while (m->n_slots < (uint64_t)n * 2) m->n_slots *= 2;
  m->merges = pgi_alloc(ctx, (size_t)m->n_slots * sizeof *m->merges);
  if (!m->merges) return pgi_nomem(err);
  memset(m->merges, 0xFF, (size_t)m->n_slots * sizeof *m->merges);
  return PG_OK;
}

/* A pair that is there already keeps the later rank, as where merges are read into a map. */
void pgi_bpe_add(pgi_text_model *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t id) {
  uint32_t i = slot_of(m, left, right);
  while (m->merges[i].id != NO_MERGE && (m->merges[i].left != left || m->merges[i].right != right))
    i = (i + 1) & (m->n_slots - 1);
  m->merges[i] = (pgi_merge){left, right, rank, id};
}

/* ---- symbols ------------------------------------------------------------------------------------------- */

typedef struct symbol {
  uint32_t id, size;     /* bytes of the word; size 0: joined to one before */
  uint32_t rank, merged; /* with the next */
  int32_t next, previous;
} symbol;

typedef struct entry {
  uint32_t rank, at, merged;
} entry;

/* The token of a character, with the prefix and suffix that its place asks for; -1: none. */
static int32_t char_token(const pgi_text_model *m, const uint8_t *p, size_t n, bool is_first,
                          bool is_last) {
  int32_t cell = 0;
  if (m->prefix && !is_first) cell = pgi_trie_walk(&m->trie, cell, m->prefix, strlen(m->prefix));
  if (cell >= 0) cell = pgi_trie_walk(&m->trie, cell, p, n);
  if (cell >= 0 && m->suffix && is_last)
    cell = pgi_trie_walk(&m->trie, cell, m->suffix, strlen(m->suffix));
  return cell < 0 ? -1 : m->trie.cells[cell].value;
}

static bool has_all_bytes(const pgi_text_model *m, const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (m->bytes[p[i]] < 0) return false;
  return true;
}

static int64_t add(symbol *s, int64_t n, int32_t id, size_t size) {
  s[n] = (symbol){.id = (uint32_t)id, .size = (uint32_t)size};
  return n + 1;
}

/* Into s (room for one a byte); what has no token is unknown, or dropped where there is no such token:
** then the places of later symbols move forward, as in tokenizers. */
static int64_t first_symbols(const pgi_text_model *m, const uint8_t *p, size_t n, symbol *s) {
  int64_t count = 0;
  size_t unknown = 0, size;
  for (size_t i = 0; i < n; i += size) {
    size = m->is_bytes ? 1 : PG_MIN(pgi_char_size(p[i]), n - i);
    bool is_last = i + size == n;
    int32_t id = m->is_bytes && !m->prefix ? (is_last ? m->last : m->bytes)[p[i]]
                                           : char_token(m, p + i, size, i == 0, is_last);
    if (id < 0 && m->byte_fallback && has_all_bytes(m, p + i, size)) {
      for (size_t k = 0; k < size; k++) count = add(s, count, m->bytes[p[i + k]], 1);
      continue;
    }
    if (id < 0 && m->unk < 0) continue;
    if (unknown && (id >= 0 || !m->fuse_unk)) {
      count = add(s, count, m->unk, unknown);
      unknown = 0;
    }
    if (id >= 0)
      count = add(s, count, id, size);
    else
      unknown += size;
  }
  return unknown ? add(s, count, m->unk, unknown) : count;
}

static void look(const pgi_text_model *m, symbol *a, const symbol *b) {
  const pgi_merge *e = find(m, a->id, b->id);
  a->rank = e->id == NO_MERGE ? NO_MERGE : e->rank;
  a->merged = e->id;
}

/* Few symbols: the lowest is searched again each time. */
static int64_t merge_short(const pgi_text_model *m, symbol *s, int64_t n) {
  for (int64_t i = 0; i + 1 < n; i++) look(m, &s[i], &s[i + 1]);
  while (n > 1) {
    int64_t best = 0;
    for (int64_t i = 1; i + 1 < n; i++)
      if (s[i].rank < s[best].rank) best = i;
    if (s[best].rank == NO_MERGE) break;
    s[best].id = s[best].merged;
    s[best].size += s[best + 1].size;
    memmove(s + best + 1, s + best + 2, (size_t)(n - best - 2) * sizeof *s);
    n--;
    if (best + 1 < n)
      look(m, &s[best], &s[best + 1]);
    else
      s[best].rank = NO_MERGE;
    if (best > 0) look(m, &s[best - 1], &s[best]);
  }
  return n;
}

/* ---- many symbols: a heap of candidates, checked when they come up ----------------------------------------- */

static bool is_before(const entry *a, const entry *b) {
  return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void sift_down(entry *h, int64_t n, int64_t i) {
  entry x = h[i];
  for (int64_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && is_before(&h[child + 1], &h[child])) child++;
    if (!is_before(&h[child], &x)) break;
    h[i] = h[child];
  }
  h[i] = x;
}

static void sift_up(entry *h, int64_t i) {
  entry x = h[i];
  for (; i > 0 && is_before(&x, &h[(i - 1) / 2]); i = (i - 1) / 2) h[i] = h[(i - 1) / 2];
  h[i] = x;
}

static int64_t push_pair(const pgi_text_model *m, symbol *s, int64_t i, entry *h, int64_t n) {
  look(m, &s[i], &s[s[i].next]);
  if (s[i].rank == NO_MERGE) return n;
  h[n] = (entry){s[i].rank, (uint32_t)i, s[i].merged};
  sift_up(h, n);
  return n + 1;
}

/* h: room for 3 n: one candidate for each pair at first, two more for each merge. */
static int64_t merge_long(const pgi_text_model *m, symbol *s, int64_t n, entry *h) {
  int64_t n_heap = 0, count = 0;
  for (int64_t i = 0; i < n; i++) {
    s[i].previous = (int32_t)i - 1;
    s[i].next = i + 1 < n ? (int32_t)i + 1 : -1;
    s[i].rank = NO_MERGE;
  }
  for (int64_t i = 0; i + 1 < n; i++) n_heap = push_pair(m, s, i, h, n_heap);
  while (n_heap > 0) {
    entry top = h[0];
    h[0] = h[--n_heap];
    if (n_heap) sift_down(h, n_heap, 0);
    symbol *a = &s[top.at];
    if (a->size == 0 || a->next < 0 || a->rank != top.rank || a->merged != top.merged) continue;
    symbol *b = &s[a->next];
    a->id = a->merged;
    a->size += b->size;
    a->rank = NO_MERGE;
    b->size = 0;
    a->next = b->next;
    if (a->next >= 0) {
      s[a->next].previous = (int32_t)top.at;
      n_heap = push_pair(m, s, top.at, h, n_heap);
    }
    if (a->previous >= 0) n_heap = push_pair(m, s, a->previous, h, n_heap);
  }
  for (int64_t i = 0; i < n; i++)
    if (s[i].size) s[count++] = s[i];
  return count;
}

/* SentencePiece: of the byte tokens of a character only the last has a place. */
static void place_byte(const uint8_t *p, size_t n, pgi_piece *piece) {
  uint32_t start = piece->from;
  if (piece->to != start + 1 || p[start] < 0x80) return;
  while (start > 0 && pgi_char_inside(p[start])) start--;
  bool is_last = piece->to == n || !pgi_char_inside(p[piece->to]);
  *piece = (pgi_piece){piece->id, start, is_last ? piece->to : start};
}

static pg_status put_pieces(const pgi_text_model *m, pgi_work *w, const symbol *s, int64_t n,
                            const uint8_t *p, size_t size, pg_error *err) {
  uint32_t at = 0;
  PG_TRY(pgi_grow(w->ctx, &w->pieces, &w->piece_room, w->n_pieces + n, sizeof *w->pieces, err));
  for (int64_t i = 0; i < n; i++) {
    pgi_piece *piece = &w->pieces[w->n_pieces++];
    *piece = (pgi_piece){(int32_t)s[i].id, at, at + s[i].size};
    if (m->is_sentence) place_byte(p, size, piece);
    at += s[i].size;
  }
  return PG_OK;
}

pg_status pgi_bpe(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n, pg_error *err) {
  if (m->ignore_merges) {
    int32_t id = pgi_trie_find(&m->trie, p, n);
    symbol whole = {.id = (uint32_t)id, .size = (uint32_t)n};
    if (id >= 0) return put_pieces(m, w, &whole, 1, p, n, err);
  }
  if (n <= SHORT_WORD) {
    symbol s[SHORT_WORD];
    return put_pieces(m, w, s, merge_short(m, s, first_symbols(m, p, n, s)), p, n, err);
  }
  PG_TRY(pgi_grow(w->ctx, &w->block, &w->block_room, (int64_t)n, sizeof(symbol) + 3 * sizeof(entry),
                  err));
  symbol *s = w->block;
  entry *h = (entry *)(s + n);
  return put_pieces(m, w, s, merge_long(m, s, first_symbols(m, p, n, s), h), p, n, err);
}
