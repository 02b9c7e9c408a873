/* Words to tokens through a cache: texts repeat their words, and a word that is found costs one line of
** memory instead of a search. */
#include "text/text.h"

enum {
  KEY_WORDS = 4,
  KEY_BYTES = 32,
  CACHED_IDS = 6,
  BATCH = 16,
  LEAST_BITS = 12,
  MOST_BITS = 18 /* 16 MB */
};

typedef struct key {
  uint64_t part[KEY_WORDS]; /* zero behind the word */
} key;

/* One cache line. */
struct pgi_cached {
  key key;
  uint8_t size, n, ends[CACHED_IDS];
  int32_t ids[CACHED_IDS];
};
_Static_assert(sizeof(struct pgi_cached) == 64, "one cache line");

static inline uint64_t load(const uint8_t *p, size_t n) {
  uint64_t v;
  memcpy(&v, p, 8); /* texts have zero bytes behind them */
  return n >= 8 ? v : v & (((uint64_t)1 << 8 * n) - 1);
}

/* n from 1 to KEY_BYTES. */
static inline uint64_t make_key(const uint8_t *p, size_t n, key *k) {
  *k = (key){{load(p, n), 0, 0, 0}};
  uint64_t h = k->part[0] + n * 0x9E3779B97F4A7C15u;
  h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
  for (size_t i = 1; i * 8 < n; i++) {
    k->part[i] = load(p + 8 * i, n - 8 * i);
    h = (h ^ k->part[i] ^ h >> 29) * 0xD6E8FEB86659FD93u;
  }
  return h ^ h >> 32;
}

static inline bool is_equal(const pgi_cached *e, const key *k, size_t n) {
  return e->size == n && e->key.part[0] == k->part[0] &&
         ((e->key.part[1] ^ k->part[1]) | (e->key.part[2] ^ k->part[2]) |
          (e->key.part[3] ^ k->part[3])) == 0;
}

static pg_status run_model(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                           pg_error *err) {
  switch (m->kind) {
    case PG_WORDPIECE:
      return pgi_wordpiece(m, w, p, n, err);
    case PG_BPE:
      return pgi_bpe(m, w, p, n, err);
    case PG_UNIGRAM:
      return pgi_unigram(m, w, p, n, err);
    default:
      return pgi_wordlevel(m, w, p, n, err);
  }
}

static void put_places(const pgi_work *w, pgi_encoding *out, int64_t at, size_t from, size_t to) {
  uint32_t start = (uint32_t)pgi_chars_from(&w->text, from);
  out->bytes[at] = (pgi_span){start, to > from ? (uint32_t)pgi_chars_to(&w->text, to - 1) : start};
}

/* What the model made of the word at `from`, out and into the cache. */
static pg_status put_pieces(pgi_work *w, pgi_encoding *out, size_t from, pgi_cached *e,
                            const key *k, size_t size, pg_error *err) {
  int64_t n = w->n_pieces;
  uint32_t at = 0;
  bool is_row = n <= CACHED_IDS && e;
  PG_TRY(pgi_encoding_room(out, n, err));
  for (int64_t i = 0; i < n; i++) {
    const pgi_piece *piece = &w->pieces[i];
    out->ids[out->n + i] = piece->id;
    if (out->bytes) put_places(w, out, out->n + i, from + piece->from, from + piece->to);
    is_row &= piece->from == at && piece->to > at;
    at = piece->to;
  }
  out->n += n;
  if (!is_row || at > UINT8_MAX) return PG_OK;
  e->key = *k;
  e->size = (uint8_t)size;
  e->n = (uint8_t)n;
  for (int64_t i = 0; i < n; i++) {
    e->ids[i] = w->pieces[i].id;
    e->ends[i] = (uint8_t)w->pieces[i].to;
  }
  return PG_OK;
}

static inline pg_status put_cached(const pgi_work *w, pgi_encoding *out, size_t from,
                                   const pgi_cached *e, pg_error *err) {
  if (out->n + CACHED_IDS > out->id_room) PG_TRY(pgi_encoding_room(out, CACHED_IDS, err));
  memcpy(out->ids + out->n, e->ids, sizeof e->ids); /* the rest is written over */
  if (out->bytes)
    for (int i = 0, start = 0; i < e->n; start = e->ends[i++])
      put_places(w, out, out->n + i, from + (size_t)start, from + e->ends[i]);
  out->n += e->n;
  return PG_OK;
}

/* Pairs of lines: the one asked last stands first. */
static inline pgi_cached *pair_of(const pgi_work *w, uint64_t hash) {
  return &w->cache[hash >> 8 & ((1u << w->cache_bits) - 2)];
}

static pg_status encode_long(const pgi_text_model *m, pgi_work *w, pgi_span word, pgi_encoding *out,
                             pg_error *err) {
  w->n_pieces = 0;
  PG_TRY(run_model(m, w, w->text.data + word.from, word.to - word.from, err));
  return put_pieces(w, out, word.from, NULL, NULL, 0, err);
}

static pg_status encode_short(const pgi_text_model *m, pgi_work *w, pgi_span word, const key *k,
                              pgi_cached *e, pgi_encoding *out, pg_error *err) {
  size_t n = word.to - word.from;
  if (is_equal(e, k, n)) return put_cached(w, out, word.from, e, err);
  if (is_equal(e + 1, k, n)) return put_cached(w, out, word.from, e + 1, err);
  e[1] = e[0];
  e->size = 0;
  w->n_pieces = 0;
  PG_TRY(run_model(m, w, w->text.data + word.from, n, err));
  return put_pieces(w, out, word.from, e, k, n, err);
}

/* At most BATCH words: their lines are under way from memory before the first is needed. */
static pg_status encode_batch(const pgi_text_model *m, pgi_work *w, const pgi_span *words, int n,
                              pgi_encoding *out, pg_error *err) {
  key keys[BATCH];
  pgi_cached *lines[BATCH];
  for (int i = 0; i < n; i++) {
    size_t size = words[i].to - words[i].from;
    lines[i] = NULL;
    if (size > KEY_BYTES) continue;
    lines[i] = pair_of(w, make_key(w->text.data + words[i].from, size, &keys[i]));
    __builtin_prefetch(lines[i]);
    __builtin_prefetch(lines[i] + 1);
  }
  for (int i = 0; i < n; i++)
    PG_TRY(lines[i] ? encode_short(m, w, words[i], &keys[i], lines[i], out, err)
                    : encode_long(m, w, words[i], out, err));
  return PG_OK;
}

/* A mark behind anything else begins a word where no token has one inside. */
static pg_status cut_at_marks(pgi_work *w, pg_error *err) {
  const uint8_t *p = w->text.data;
  w->next.n = 0;
  for (int64_t i = 0; i < w->words.n; i++) {
    size_t start = w->words.at[i].from, end = w->words.at[i].to, at = start;
    bool after_mark = true;
    while (at < end) {
      const uint8_t *hit = memchr(p + at, 0xE2, end - at);
      size_t mark = hit ? (size_t)(hit - p) : end;
      if (mark > at) after_mark = false;
      if (mark == end) break;
      bool is_mark = p[mark + 1] == 0x96 && p[mark + 2] == 0x81;
      if (is_mark && !after_mark) {
        PG_TRY(pgi_spans_add(&w->next, start, mark, err));
        start = mark;
      }
      after_mark = is_mark;
      at = mark + PG_MARK_SIZE;
    }
    PG_TRY(pgi_spans_add(&w->next, start, end, err));
  }
  pgi_spans words = w->words;
  w->words = w->next;
  w->next = words;
  return PG_OK;
}

/* As many lines as the longest text so far has words. */
static pg_status size_cache(pgi_work *w, pg_error *err) {
  int bits = w->cache ? w->cache_bits : LEAST_BITS;
  while (bits < MOST_BITS && (int64_t)1 << bits < w->words.n) bits++;
  if (w->cache && bits == w->cache_bits) return PG_OK;
  pgi_cached *lines = pgi_alloc_aligned(w->ctx, sizeof *lines << bits, PG_ALIGN);
  if (!lines) return pgi_nomem(err);
  memset(lines, 0, sizeof *lines << bits);
  pgi_free(w->ctx, w->cache);
  w->cache = lines;
  w->cache_bits = bits;
  return PG_OK;
}

pg_status pgi_words_encode(const pgi_tokenizer *t, pgi_work *w, pgi_encoding *out, pg_error *err) {
  if (t->model.cut_at_mark) PG_TRY(cut_at_marks(w, err));
  PG_TRY(size_cache(w, err));
  for (int64_t i = 0; i < w->words.n; i += BATCH)
    PG_TRY(
        encode_batch(&t->model, w, w->words.at + i, (int)PG_MIN(w->words.n - i, BATCH), out, err));
  return PG_OK;
}
