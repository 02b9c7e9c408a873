/* A tokenizer's life, its vocabulary, and what is built from that for searching. */
#include <stdio.h>

#include "text/text.h"

enum { MAX_TOKENS = 1 << 22 };

pg_status pgi_tokenizer_new(pg_context *ctx, pgi_tokenizer **out, pg_error *err) {
  pgi_tokenizer *t = pgi_alloc_zero(ctx, sizeof *t);
  if (!t) return pgi_nomem(err);
  t->ctx = ctx;
  pgi_context_retain(ctx);
  pgi_arena_init(&t->arena, ctx);
  t->names.ctx = t->raw_added.ctx = t->normal_added.ctx = t->model.trie.ctx = ctx;
  t->unicode.ctx = ctx;
  t->model.unk = -1;
  t->model.max_chars = 100;
  memset(t->model.bytes, 0xFF, sizeof t->model.bytes);
  memset(t->model.last, 0xFF, sizeof t->model.last);
  pg_status status = pgi_unicode_init(&t->unicode, ctx, err);
  if (status == PG_OK)
    *out = t;
  else
    pgi_tokenizer_free(t);
  return status;
}

void pgi_model_deinit(pgi_text_model *m, pg_context *ctx) {
  pgi_trie_deinit(&m->trie);
  pgi_free(ctx, m->merges);
  pgi_free(ctx, m->scores);
  pgi_free(ctx, m->is_user);
}

void pgi_tokenizer_free(pgi_tokenizer *t) {
  if (!t) return;
  pg_context *ctx = t->ctx;
  for (int i = 0; i < PG_WORKS; i++) pgi_work_free(t->works[i]);
  for (int i = 0; i < t->n_normals; i++) {
    pgi_pattern_free(t->normals[i].pattern);
    if (t->normals[i].map.ctx) pgi_charsmap_deinit(&t->normals[i].map);
    if (t->normals[i].symbols.ctx) pgi_trie_deinit(&t->normals[i].symbols);
  }
  for (int i = 0; i < t->n_splits; i++) pgi_pattern_free(t->splits[i].pattern);
  pgi_model_deinit(&t->model, ctx);
  pgi_unicode_deinit(&t->unicode);
  pgi_trie_deinit(&t->names);
  pgi_trie_deinit(&t->raw_added);
  pgi_trie_deinit(&t->normal_added);
  pgi_free(ctx, t->tokens);
  pgi_free(ctx, t->sizes);
  pgi_free(ctx, t->kinds);
  pgi_free(ctx, t->added);
  pgi_arena_deinit(&t->arena);
  pgi_free(ctx, t);
  pg_context_release(ctx);
}

/* ---- vocabulary ------------------------------------------------------------------------------------------- */

static pg_status grow_tokens(pgi_tokenizer *t, int64_t need, pg_error *err) {
  int64_t room = t->n_tokens, sizes = room, kinds = room;
  if (need <= room) return PG_OK;
  need = PG_MIN(PG_MAX(need, room + room / 2 + 1024), MAX_TOKENS);
  PG_TRY(pgi_grow(t->ctx, &t->tokens, &room, need, sizeof *t->tokens, err));
  memset(t->tokens + t->n_tokens, 0, (size_t)(room - t->n_tokens) * sizeof *t->tokens);
  PG_TRY(pgi_grow(t->ctx, &t->sizes, &sizes, need, sizeof *t->sizes, err));
  memset(t->sizes + t->n_tokens, 0, (size_t)(sizes - t->n_tokens) * sizeof *t->sizes);
  PG_TRY(pgi_grow(t->ctx, &t->kinds, &kinds, need, 1, err));
  memset(t->kinds + t->n_tokens, 0, (size_t)(kinds - t->n_tokens));
  t->n_tokens = PG_MIN(room, PG_MIN(sizes, kinds)); /* holes at the end: finish cuts them off */
  return PG_OK;
}

pg_status pgi_tokenizer_set(pgi_tokenizer *t, int64_t id, const char *text, size_t size,
                            pg_error *err) {
  if (id < 0 || id >= MAX_TOKENS)
    return pgi_fail(err, PG_FORMAT, "token '%.40s': expected an id below %d, got %lld", text,
                    MAX_TOKENS, (long long)id);
  PG_TRY(grow_tokens(t, id + 1, err));
  char *copy = pgi_arena_strndup(&t->arena, text, size);
  if (!copy) return pgi_nomem(err);
  t->tokens[id] = copy;
  t->sizes[id] = (uint32_t)size;
  return PG_OK;
}

/* All tokens; for the model without hidden ones, and as bytes where it works on bytes (those that don't
** stand for bytes are left out). */
static pg_status make_trie(pgi_tokenizer *t, bool is_model, pgi_trie *out, pg_error *err) {
  bool is_raw = is_model && t->model.is_bytes;
  pgi_arena raw;
  pgi_arena_init(&raw, t->ctx);
  pgi_key *keys = pgi_alloc(t->ctx, (size_t)PG_MAX(t->n_tokens, 1) * sizeof *keys);
  pg_status status = keys ? PG_OK : pgi_nomem(err);
  int64_t n = 0;
  for (int64_t i = 0; i < t->n_tokens && status == PG_OK; i++) {
    if (!t->tokens[i] || (is_model && (t->kinds[i] & PG_TOKEN_HIDDEN))) continue;
    pgi_key k = {(const uint8_t *)t->tokens[i], t->sizes[i], (int32_t)i};
    if (is_raw) {
      uint8_t *bytes = pgi_arena_alloc(&raw, k.size + 1);
      if (!bytes) {
        status = pgi_nomem(err);
        break;
      }
      int64_t size = pgi_letters_to_bytes(t->tokens[i], k.size, bytes);
      if (size < 0) continue;
      k.data = bytes;
      k.size = (uint32_t)size;
    }
    if (k.size) keys[n++] = k;
  }
  if (status == PG_OK) status = pgi_trie_init(out, t->ctx, keys, n, err);
  pgi_free(t->ctx, keys);
  pgi_arena_deinit(&raw);
  return status;
}

/* The tokens of single bytes: of the byte itself, or <0xNN>. */
static void index_bytes(pgi_tokenizer *t) {
  pgi_text_model *m = &t->model;
  for (int i = 0; i < 256; i++) {
    uint8_t byte = (uint8_t)i;
    char name[8];
    snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
    m->bytes[i] = m->is_bytes ? pgi_trie_find(&m->trie, &byte, 1) : pgi_tokenizer_id(t, name, 6);
    m->last[i] = m->bytes[i];
    if (!m->is_bytes || !m->suffix) continue;
    int32_t cell = pgi_trie_walk(&m->trie, 0, &byte, 1);
    if (cell >= 0) cell = pgi_trie_walk(&m->trie, cell, m->suffix, strlen(m->suffix));
    m->last[i] = cell < 0 ? -1 : m->trie.cells[cell].value;
  }
}

/* May words be cut before every mark that follows something else?  Not where a token has one inside. */
static bool can_cut(const pgi_tokenizer *t) {
  if (t->model.kind != PG_BPE || t->model.is_bytes || t->model.prefix || t->model.suffix)
    return false;
  if (pgi_trie_find(&t->model.trie, PG_MARK, PG_MARK_SIZE) < 0) return false;
  for (int64_t i = 0; i < t->n_tokens; i++) {
    const char *p = t->tokens[i], *hit = p;
    while (p && *hit && (hit = strstr(hit, PG_MARK))) {
      if (hit > p && (hit < p + PG_MARK_SIZE || memcmp(hit - PG_MARK_SIZE, PG_MARK, PG_MARK_SIZE)))
        return false;
      hit += PG_MARK_SIZE;
    }
  }
  return true;
}

pg_status pgi_tokenizer_index(pgi_tokenizer *t, pg_error *err) {
  pgi_text_model *m = &t->model;
  while (t->n_tokens > 0 && !t->tokens[t->n_tokens - 1]) t->n_tokens--;
  PG_TRY(make_trie(t, false, &t->names, err));
  PG_TRY(make_trie(t, true, &m->trie, err));
  index_bytes(t);
  if (m->kind == PG_WORDPIECE)
    m->inner =
        pgi_trie_walk(&m->trie, 0, m->prefix ? m->prefix : "", m->prefix ? strlen(m->prefix) : 0);
  m->cut_at_mark = can_cut(t);
  return PG_OK;
}

int32_t pgi_tokenizer_id(const pgi_tokenizer *t, const char *text, size_t size) {
  return pgi_trie_find(&t->names, text, size);
}

/* ---- added tokens ------------------------------------------------------------------------------------------ */

pg_status pgi_tokenizer_add(pgi_tokenizer *t, const pgi_added *a, pg_error *err) {
  int64_t room = t->n_added;
  if (a->size == 0) return PG_OK;
  PG_TRY(pgi_tokenizer_set(t, a->id, a->text, a->size, err));
  PG_TRY(pgi_grow(t->ctx, &t->added, &room, t->n_added + 1, sizeof *a, err));
  t->added[t->n_added] = *a;
  t->added[t->n_added++].text = t->tokens[a->id];
  if (a->is_special) t->kinds[a->id] |= PG_TOKEN_SPECIAL;
  return PG_OK;
}

static pg_status added_trie(pgi_tokenizer *t, bool normalized, pgi_work *w, pgi_key *keys,
                            pg_error *err) {
  int64_t n = 0;
  bool *first = normalized ? t->first_normal : t->first_raw;
  for (int64_t i = 0; i < t->n_added; i++) {
    const pgi_added *a = &t->added[i];
    if (a->normalized != normalized) continue;
    const char *text = a->text;
    size_t size = a->size;
    if (normalized && !t->is_sentence) {
      PG_TRY(pgi_tokenizer_normalize(t, w, text, size, err));
      size = w->text.n;
      text = pgi_arena_strndup(&t->arena, (char *)w->text.data, size);
      if (!text) return pgi_nomem(err);
    }
    if (size == 0) continue;
    first[(uint8_t)text[0]] = true;
    keys[n++] = (pgi_key){(const uint8_t *)text, (uint32_t)size, (int32_t)i};
  }
  return n ? pgi_trie_init(normalized ? &t->normal_added : &t->raw_added, t->ctx, keys, n, err)
           : PG_OK;
}

pg_status pgi_tokenizer_finish(pgi_tokenizer *t, pg_error *err) {
  while (t->n_tokens > 0 && !t->tokens[t->n_tokens - 1]) t->n_tokens--;
  pgi_trie_deinit(&t->names);
  PG_TRY(make_trie(t, false, &t->names, err));
  pgi_key *keys = pgi_alloc(t->ctx, (size_t)PG_MAX(t->n_added, 1) * sizeof *keys);
  if (!keys) return pgi_nomem(err);
  pgi_work *w = pgi_work_take(t, err);
  pg_status status = w ? PG_OK : PG_NOMEM;
  if (status == PG_OK) status = added_trie(t, false, w, keys, err);
  if (status == PG_OK) status = added_trie(t, true, w, keys, err);
  if (w) pgi_work_give(t, w);
  pgi_free(t->ctx, keys);
  return status;
}
