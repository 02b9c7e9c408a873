/* SentencePiece models: a protobuf message (sentencepiece_model.proto) of pieces, a trainer's and a
** normaliser's settings. */
#include <stdlib.h>

#include "text/text.h"

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6 };
enum { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };

/* One field after the other; lengths are checked. */
typedef struct wire {
  const uint8_t *p, *end;
  uint32_t field;
  uint64_t number;      /* varints and fixed ones */
  const uint8_t *bytes; /* of `number` bytes */
} wire;

static bool varint(wire *w, uint64_t *out) {
  uint64_t v = 0;
  for (int shift = 0; shift < 64 && w->p < w->end; shift += 7) {
    uint8_t byte = *w->p++;
    v |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *out = v;
      return true;
    }
  }
  return false;
}

/* 1: a field, 0: the end, -1: damaged. */
static int next(wire *w) {
  uint64_t tag;
  if (w->p == w->end) return 0;
  if (!varint(w, &tag)) return -1;
  w->field = (uint32_t)(tag >> 3);
  w->bytes = NULL;
  size_t left = (size_t)(w->end - w->p), size = 0;
  switch (tag & 7) {
    case 0:
      return varint(w, &w->number) ? 1 : -1;
    case 1:
      size = 8;
      break;
    case 5:
      size = 4;
      break;
    case 2:
      if (!varint(w, &w->number) || w->number > (uint64_t)(w->end - w->p)) return -1;
      w->bytes = w->p;
      w->p += w->number;
      return 1;
    default:
      return -1;
  }
  if (left < size) return -1;
  w->number = 0;
  memcpy(&w->number, w->p, size);
  w->p += size;
  return 1;
}

typedef struct sentence {
  pgi_tokenizer *t;
  int64_t n, score_room, type_room;
  float *scores;
  uint8_t *types;
  int model;
  bool byte_fallback, is_suffix, prefix, joins, escapes;
  const uint8_t *map;
  size_t map_size;
  pg_error *err;
} sentence;

static pg_status damaged(const sentence *s) {
  return pgi_fail(s->err, PG_FORMAT, "a SentencePiece model, damaged at piece %lld",
                  (long long)s->n);
}

static pg_status read_piece(sentence *s, const uint8_t *data, size_t size) {
  wire w = {.p = data, .end = data + size};
  const uint8_t *text = data;
  size_t text_size = 0;
  float score = 0;
  int type = NORMAL, more;
  while ((more = next(&w)) > 0) {
    if (w.field == 1 && w.bytes) {
      text = w.bytes;
      text_size = (size_t)w.number;
    } else if (w.field == 2 && !w.bytes) {
      uint32_t bits = (uint32_t)w.number;
      memcpy(&score, &bits, 4);
    } else if (w.field == 3 && !w.bytes) {
      type = w.number <= BYTE ? (int)w.number : UNUSED;
    }
  }
  if (more < 0 || text_size > 65536 || pgi_utf8_valid(text, text_size) != text_size)
    return damaged(s);
  PG_TRY(pgi_grow(s->t->ctx, &s->scores, &s->score_room, s->n + 1, sizeof *s->scores, s->err));
  PG_TRY(pgi_grow(s->t->ctx, &s->types, &s->type_room, s->n + 1, 1, s->err));
  PG_TRY(pgi_tokenizer_set(s->t, s->n, (const char *)text, text_size, s->err));
  s->scores[s->n] = score == score ? score : 0;
  s->types[s->n] = (uint8_t)type;
  if (type == CONTROL) s->t->kinds[s->n] |= PG_TOKEN_SPECIAL;
  bool is_matched = type == NORMAL || type == USER_DEFINED;
  if (!is_matched) s->t->kinds[s->n] |= PG_TOKEN_HIDDEN;
  if (type == UNKNOWN) s->t->model.unk = (int32_t)s->n;
  s->n++;
  return PG_OK;
}

static pg_status read_settings(sentence *s, bool is_trainer, const uint8_t *data, size_t size) {
  wire w = {.p = data, .end = data + size};
  int more;
  while ((more = next(&w)) > 0) {
    bool on = w.number != 0;
    if (is_trainer && !w.bytes) {
      if (w.field == 3) s->model = w.number < 16 ? (int)w.number : 0;
      if (w.field == 24) s->is_suffix = on;
      if (w.field == 35) s->byte_fallback = on;
    } else if (!is_trainer && w.bytes && w.field == 2) {
      s->map = w.bytes;
      s->map_size = (size_t)w.number;
    } else if (!is_trainer && !w.bytes) {
      if (w.field == 3) s->prefix = on;
      if (w.field == 4) s->joins = on;
      if (w.field == 5) s->escapes = on;
    }
  }
  return more < 0 ? damaged(s) : PG_OK;
}

static pg_status set_normalizer(sentence *s) {
  pgi_tokenizer *t = s->t;
  pgi_normal *n = &t->normals[0];
  *n = (pgi_normal){.kind = PG_NORMAL_SENTENCE, .left = s->prefix, .right = s->joins};
  n->is_escaped = s->escapes;
  n->is_suffix = s->is_suffix;
  t->n_normals = 1;
  if (s->map_size) PG_TRY(pgi_charsmap_init(&n->map, t->ctx, s->map, s->map_size, s->err));
  pgi_key *keys = pgi_alloc(t->ctx, (size_t)PG_MAX(s->n, 1) * sizeof *keys);
  if (!keys) return pgi_nomem(s->err);
  int64_t count = 0;
  for (int64_t i = 0; i < s->n; i++)
    if (s->types[i] == USER_DEFINED && t->sizes[i])
      keys[count++] = (pgi_key){(const uint8_t *)t->tokens[i], t->sizes[i], (int32_t)i};
  pg_status status = count ? pgi_trie_init(&n->symbols, t->ctx, keys, count, s->err) : PG_OK;
  pgi_free(t->ctx, keys);
  return status;
}

static pg_status set_unigram(sentence *s) {
  pgi_text_model *m = &s->t->model;
  float least = 0, most = 0;
  bool any = false;
  m->scores = pgi_alloc(s->t->ctx, (size_t)PG_MAX(s->n, 1) * sizeof *m->scores);
  m->is_user = pgi_alloc(s->t->ctx, (size_t)PG_MAX(s->n, 1));
  if (!m->scores || !m->is_user) return pgi_nomem(s->err);
  for (int64_t i = 0; i < s->n; i++) {
    m->scores[i] = (double)s->scores[i];
    m->is_user[i] = s->types[i] == USER_DEFINED;
    if (s->types[i] != NORMAL) continue;
    least = any ? PG_MIN(least, s->scores[i]) : s->scores[i];
    most = any ? PG_MAX(most, s->scores[i]) : s->scores[i];
    any = true;
  }
  m->unk_score = (double)(least - 10);
  m->max_score = (double)most;
  return PG_OK;
}

/* ---- BPE: pieces of higher score are made first; equal ones from left to right -------------------------- */

typedef struct ranked {
  float score;
  uint32_t id;
} ranked;

static int by_score(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static pg_status set_bpe(sentence *s) {
  pgi_tokenizer *t = s->t;
  ranked *order = pgi_alloc(t->ctx, (size_t)PG_MAX(s->n, 1) * sizeof *order);
  uint32_t *ranks = pgi_alloc(t->ctx, (size_t)PG_MAX(s->n, 1) * sizeof *ranks);
  pg_status status = order && ranks ? PG_OK : pgi_nomem(s->err);
  if (status == PG_OK) {
    for (int64_t i = 0; i < s->n; i++) order[i] = (ranked){s->scores[i], (uint32_t)i};
    qsort(order, (size_t)s->n, sizeof *order, by_score);
    uint32_t rank = 0;
    for (int64_t i = 0; i < s->n; i++) {
      if (i && order[i].score != order[i - 1].score) rank++;
      ranks[order[i].id] = s->types[order[i].id] == NORMAL ? rank : UINT32_MAX;
    }
    status = pgi_bpe_from_ranks(t, ranks, s->err);
  }
  pgi_free(t->ctx, order);
  pgi_free(t->ctx, ranks);
  for (int64_t i = 0; i < s->n && status == PG_OK; i++) { /* user-defined pieces stand apart */
    if (s->types[i] != USER_DEFINED) continue;
    pgi_added a = {.id = (int32_t)i, .text = t->tokens[i], .size = t->sizes[i], .normalized = true};
    status = pgi_tokenizer_add(t, &a, s->err);
  }
  return status;
}

static pg_status build(sentence *s) {
  pgi_tokenizer *t = s->t;
  pgi_text_model *m = &t->model;
  if (s->n == 0) return pgi_fail(s->err, PG_FORMAT, "a SentencePiece model without pieces");
  if (m->unk < 0)
    return pgi_fail(s->err, PG_FORMAT, "a SentencePiece model without an unknown piece");
  if (s->model != MODEL_UNIGRAM && s->model != MODEL_BPE)
    return pgi_fail(s->err, PG_UNSUPPORTED,
                    "a SentencePiece model of kind %d (known: 1 unigram, 2 bpe)", s->model);
  m->kind = s->model == MODEL_BPE ? PG_BPE : PG_UNIGRAM;
  m->byte_fallback = s->byte_fallback;
  m->fuse_unk = !s->byte_fallback;
  m->is_sentence = t->is_sentence = true;
  PG_TRY(set_normalizer(s));
  PG_TRY(pgi_tokenizer_index(t, s->err));
  PG_TRY(s->model == MODEL_BPE ? set_bpe(s) : set_unigram(s));
  t->decodes[0] = (pgi_decode){.kind = PG_DECODE_SENTENCE, .prefix = s->prefix || s->joins};
  t->n_decodes = 1;
  return pgi_tokenizer_finish(t, s->err);
}

pg_status pgi_read_sentence(pgi_tokenizer *t, const void *data, size_t size, pg_error *err) {
  sentence s = {.t = t, .model = MODEL_UNIGRAM, .prefix = true, .joins = true, .escapes = true};
  wire w = {.p = data, .end = (const uint8_t *)data + size};
  pg_status status = PG_OK;
  int more = 0;
  s.err = err;
  while (status == PG_OK && (more = next(&w)) > 0) {
    if (!w.bytes || w.field > 3) continue;
    status = w.field == 1 ? read_piece(&s, w.bytes, (size_t)w.number)
                          : read_settings(&s, w.field == 2, w.bytes, (size_t)w.number);
  }
  if (status == PG_OK) status = more < 0 ? damaged(&s) : build(&s);
  pgi_free(t->ctx, s.scores);
  pgi_free(t->ctx, s.types);
  return status;
}
