/* A text, or two, through all the stages. */
#include "text/text.h"

/* ---- work ------------------------------------------------------------------------------------------------ */

pgi_work *pgi_work_take(pgi_tokenizer *t, pg_error *err) {
  for (int i = 0; i < PG_WORKS; i++) {
    pgi_work *w = atomic_exchange(&t->works[i], NULL);
    if (w) return w;
  }
  pgi_work *w = pgi_alloc_zero(t->ctx, sizeof *w);
  if (!w) {
    pgi_nomem(err);
    return NULL;
  }
  w->ctx = w->source.ctx = w->text.ctx = w->other.ctx = t->ctx;
  w->words.ctx = w->next.ctx = w->found.ctx = t->ctx;
  return w;
}

void pgi_work_give(pgi_tokenizer *t, pgi_work *w) {
  for (int i = 0; i < PG_WORKS && w; i++) {
    void *empty = NULL;
    if (atomic_compare_exchange_strong(&t->works[i], &empty, w)) w = NULL;
  }
  pgi_work_free(w);
}

void pgi_work_free(pgi_work *w) {
  if (!w) return;
  pgi_chars_deinit(&w->source);
  pgi_chars_deinit(&w->text);
  pgi_chars_deinit(&w->other);
  pgi_free(w->ctx, w->words.at);
  pgi_free(w->ctx, w->next.at);
  pgi_free(w->ctx, w->found.at);
  pgi_free(w->ctx, w->pieces);
  pgi_free(w->ctx, w->block);
  pgi_free(w->ctx, w->cache);
  pgi_free(w->ctx, w);
}

/* ---- results ---------------------------------------------------------------------------------------------- */

pg_status pgi_encoding_room(pgi_encoding *e, int64_t more, pg_error *err) {
  PG_TRY(pgi_grow(e->ctx, &e->ids, &e->id_room, e->n + more, sizeof *e->ids, err));
  if (!e->wants_places) return PG_OK;
  return pgi_grow(e->ctx, &e->bytes, &e->place_room, e->n + more, sizeof *e->bytes, err);
}

void pgi_encoding_deinit(pgi_encoding *e) {
  pgi_free(e->ctx, e->ids);
  pgi_free(e->ctx, e->bytes);
  pgi_free(e->ctx, e->chars);
  pgi_free(e->ctx, e->types);
  pgi_free(e->ctx, e->marks);
  *e = (pgi_encoding){.ctx = e->ctx};
}

static pg_status put_token(pgi_encoding *out, int32_t id, size_t from, size_t to, pg_error *err) {
  PG_TRY(pgi_encoding_room(out, 1, err));
  out->ids[out->n] = id;
  if (out->bytes) out->bytes[out->n] = (pgi_span){(uint32_t)from, (uint32_t)to};
  out->n++;
  return PG_OK;
}

/* ---- one text ------------------------------------------------------------------------------------------------ */

/* The text with U+FFFD for every byte that belongs to no character. */
static pg_status set_source(pgi_work *w, const char *text, size_t size, pg_error *err) {
  static const uint8_t replacement[] = {0xEF, 0xBF, 0xBD};
  const uint8_t *p = (const uint8_t *)text;
  pgi_chars *s = &w->source;
  size_t valid = pgi_utf8_valid(p, size), i = 0;
  s->n = s->base = 0;
  s->is_placed = w->wants_places && valid < size;
  PG_TRY(pgi_chars_room(s, size, err));
  for (;;) {
    PG_TRY(pgi_chars_room(s, valid + sizeof replacement, err));
    memcpy(s->data + s->n, p + i, valid);
    for (size_t k = 0, one; s->is_placed && k < valid; k += one) {
      one = pgi_char_size(p[i + k]);
      for (size_t b = 0; b < one; b++) {
        s->from[s->n + k + b] = (uint32_t)(i + k);
        s->to[s->n + k + b] = (uint32_t)(i + k + one);
      }
    }
    s->n += valid;
    i += valid;
    if (i == size) break;
    memcpy(s->data + s->n, replacement, sizeof replacement);
    for (size_t b = 0; s->is_placed && b < sizeof replacement; b++) {
      s->from[s->n + b] = (uint32_t)i;
      s->to[s->n + b] = (uint32_t)(i + 1);
    }
    s->n += sizeof replacement;
    i++;
    valid = pgi_utf8_valid(p + i, size - i);
  }
  pgi_chars_close(s);
  return PG_OK;
}

static void swap_texts(pgi_work *w) {
  pgi_chars text = w->text;
  w->text = w->other;
  w->other = text;
}

/* source[from .. to) into w->text. */
static pg_status set_text(pgi_work *w, size_t from, size_t to, pg_error *err) {
  pgi_chars *s = &w->source, *t = &w->text;
  t->n = 0;
  t->is_placed = s->is_placed;
  t->base = from;
  PG_TRY(pgi_chars_room(t, to - from, err));
  memcpy(t->data, s->data + from, to - from);
  if (s->is_placed) {
    memcpy(t->from, s->from + from, (to - from) * sizeof *t->from);
    memcpy(t->to, s->to + from, (to - from) * sizeof *t->to);
  }
  t->n = to - from;
  pgi_chars_close(t);
  return PG_OK;
}

static pg_status normalize(const pgi_tokenizer *t, pgi_work *w, pg_error *err) {
  for (int i = 0; i < t->n_normals; i++) {
    bool changed;
    w->other.is_placed = w->wants_places;
    PG_TRY(
        pgi_normalize(&t->unicode, &t->normals[i], &w->text, &w->other, &w->found, &changed, err));
    if (changed) swap_texts(w);
  }
  return PG_OK;
}

pg_status pgi_tokenizer_normalize(const pgi_tokenizer *t, pgi_work *w, const char *text,
                                  size_t size, pg_error *err) {
  PG_TRY(set_source(w, text, size, err));
  PG_TRY(set_text(w, 0, w->source.n, err));
  return normalize(t, w, err);
}

/* The words of w->text[from .. to), which holds no added token. */
static pg_status encode_span(const pgi_tokenizer *t, pgi_work *w, size_t from, size_t to,
                             pgi_encoding *out, pg_error *err) {
  w->words.n = 0;
  PG_TRY(pgi_spans_add(&w->words, from, to, err));
  for (int i = 0; i < t->n_splits; i++) {
    w->other.is_placed = w->wants_places;
    PG_TRY(pgi_split_run(&t->unicode, &t->splits[i], w, err));
  }
  return pgi_words_encode(t, w, out, err);
}

static pg_status keep_text(pgi_work *w, pgi_chars *kept, pg_error *err);

/* source[from .. to), which holds no raw added token. */
static pg_status encode_segment(const pgi_tokenizer *t, pgi_work *w, size_t from, size_t to,
                                pgi_encoding *out, pg_error *err) {
  PG_TRY(set_text(w, from, to, err));
  PG_TRY(normalize(t, w, err));
  size_t done = 0, cursor = 0;
  pgi_found f;
  if (!t->normal_added.cells || !pgi_added_next(t, true, &w->text, 0, &cursor, &f))
    return w->text.n ? encode_span(t, w, 0, w->text.n, out, err) : PG_OK;
  pgi_chars kept = {.ctx = w->ctx};
  pg_status status = PG_OK;
  do {
    /* Splitting may write a new text: the rest of this one is kept. */
    if (status == PG_OK && f.from > done) {
      status = keep_text(w, &kept, err);
      if (status == PG_OK) status = encode_span(t, w, done, f.from, out, err);
      pgi_chars used = w->text;
      if (status == PG_OK) {
        w->text = kept;
        kept = used;
      }
    }
    if (status == PG_OK)
      status = put_token(out, f.token->id, pgi_chars_from(&w->text, f.from),
                         pgi_chars_to(&w->text, PG_MAX(f.to, f.from + 1) - 1), err);
    done = f.to;
  } while (status == PG_OK && pgi_added_next(t, true, &w->text, done, &cursor, &f));
  if (status == PG_OK && done < w->text.n) status = encode_span(t, w, done, w->text.n, out, err);
  pgi_chars_deinit(&kept);
  return status;
}

static pg_status keep_text(pgi_work *w, pgi_chars *kept, pg_error *err) {
  const pgi_chars *t = &w->text;
  kept->n = 0;
  kept->is_placed = t->is_placed;
  kept->base = t->base;
  PG_TRY(pgi_chars_room(kept, t->n, err));
  memcpy(kept->data, t->data, t->n);
  if (t->is_placed) {
    memcpy(kept->from, t->from, t->n * sizeof *t->from);
    memcpy(kept->to, t->to, t->n * sizeof *t->to);
  }
  kept->n = t->n;
  pgi_chars_close(kept);
  return PG_OK;
}

static pg_status encode_text(const pgi_tokenizer *t, pgi_work *w, const char *text, size_t size,
                             pgi_encoding *out, pg_error *err) {
  size_t done = 0, cursor = 0;
  pgi_found f;
  PG_TRY(set_source(w, text, size, err));
  while (t->raw_added.cells && pgi_added_next(t, false, &w->source, done, &cursor, &f)) {
    if (f.from > done) PG_TRY(encode_segment(t, w, done, f.from, out, err));
    PG_TRY(put_token(out, f.token->id, pgi_chars_from(&w->source, f.from),
                     pgi_chars_to(&w->source, PG_MAX(f.to, f.from + 1) - 1), err));
    done = f.to;
  }
  return done < w->source.n ? encode_segment(t, w, done, w->source.n, out, err) : PG_OK;
}

/* ---- characters, trimming ------------------------------------------------------------------------------------ */

/* Where the character of byte `at` stands in the text, counted on from where the last question ended. */
typedef struct counter {
  const uint8_t *p;
  size_t n, byte;
  int64_t chars; /* that begin before `byte` */
} counter;

static uint32_t count_to(counter *c, size_t at) {
  if (at < c->byte) {
    while (c->byte > at) c->chars -= !pgi_char_inside(c->p[--c->byte]);
    return (uint32_t)c->chars;
  }
  for (; c->byte < at && c->byte < c->n; c->byte++) c->chars += !pgi_char_inside(c->p[c->byte]);
  return (uint32_t)c->chars;
}

static pg_status count_chars(pgi_encoding *e, const char *text, size_t size, pg_error *err) {
  counter c = {(const uint8_t *)text, size, 0, 0};
  bool is_valid = pgi_utf8_valid(c.p, size) == size;
  pgi_free(e->ctx, e->chars);
  e->chars = pgi_alloc(e->ctx, (size_t)PG_MAX(e->n, 1) * sizeof *e->chars);
  if (!e->chars) return pgi_nomem(err);
  for (int64_t i = 0; i < e->n; i++) {
    e->chars[i].from = is_valid ? count_to(&c, e->bytes[i].from) : e->bytes[i].from;
    e->chars[i].to = is_valid ? count_to(&c, e->bytes[i].to) : e->bytes[i].to;
  }
  return PG_OK;
}

static bool is_blank(const pgi_unicode *u, const uint8_t *p, size_t *size) {
  uint32_t c = pgi_char_at(p, size);
  return c == 0x120 || (pgi_unicode_flags(u, c) & PG_U_SPACE); /* U+0120: the letter of a space */
}

static void trim_token(const pgi_tokenizer *t, pgi_encoding *e, int64_t i, const char *text,
                       size_t size) {
  const char *token = t->tokens[e->ids[i]];
  const uint8_t *p = (const uint8_t *)token, *s = (const uint8_t *)text;
  size_t n = t->sizes[e->ids[i]], one, from = 0;
  uint32_t leading = 0, trailing = 0;
  for (; from < n && is_blank(&t->unicode, p + from, &one); from += one) leading++;
  for (size_t k = n; k > 0;) {
    do k--;
    while (k > 0 && pgi_char_inside(p[k]));
    if (!is_blank(&t->unicode, p + k, &one)) break;
    trailing++;
  }
  pgi_span *c = &e->chars[i], *b = &e->bytes[i];
  if (leading == 1 && (i == 0 || c->from == 0) && t->trims_keep_space) leading = 0;
  for (; leading && c->from < c->to; leading--, c->from++)
    b->from += (uint32_t)pgi_char_size(s[b->from]);
  if (c->to < trailing) return;
  for (; trailing && c->to > c->from; trailing--, c->to--) {
    do b->to--;
    while (b->to > 0 && pgi_char_inside(s[b->to]));
  }
  (void)size;
}

/* ---- templates ------------------------------------------------------------------------------------------------ */

static int64_t n_specials(const pgi_template *items, int n) {
  int64_t count = 0;
  for (int i = 0; i < n; i++) count += items[i].id >= 0;
  return count;
}

static void cut(pgi_encoding *e, int64_t n, bool left) {
  if (e->n <= n) return;
  n = PG_MAX(n, 0);
  int64_t skip = left ? e->n - n : 0;
  memmove(e->ids, e->ids + skip, (size_t)n * sizeof *e->ids);
  if (e->bytes) memmove(e->bytes, e->bytes + skip, (size_t)n * sizeof *e->bytes);
  if (e->chars) memmove(e->chars, e->chars + skip, (size_t)n * sizeof *e->chars);
  e->n = n;
}

static pg_status truncate_both(const pgi_tokenizer *t, pgi_encoding *a, pgi_encoding *b,
                               int64_t room, pg_error *err) {
  int64_t total = a->n + (b ? b->n : 0);
  if (total <= room) return PG_OK;
  if (!b) {
    cut(a, room, t->cut_left);
    return PG_OK;
  }
  if (t->cut_strategy != 0) {
    pgi_encoding *e = t->cut_strategy == 1 ? a : b;
    int64_t rest = e->n - (total - room);
    if (rest <= 0)
      return pgi_fail(err, PG_INVALID, "truncation: the text to cut has %lld tokens, %lld too few",
                      (long long)e->n, (long long)(1 - rest));
    cut(e, rest, t->cut_left);
    return PG_OK;
  }
  int64_t n1 = a->n, n2 = b->n; /* the longer gives first */
  bool swaps = n1 > n2;
  if (swaps) n1 = b->n, n2 = a->n;
  n2 = n1 > room ? n1 : PG_MAX(n1, room - n1);
  if (n1 + n2 > room) {
    n1 = room / 2;
    n2 = n1 + room % 2;
  }
  cut(a, swaps ? n2 : n1, t->cut_left);
  cut(b, swaps ? n1 : n2, t->cut_left);
  return PG_OK;
}

static pg_status put_marks(pgi_encoding *out, int64_t n, uint32_t type, uint8_t mark,
                           pg_error *err) {
  int64_t room = out->mark_room;
  PG_TRY(pgi_grow(out->ctx, &out->types, &room, out->n + n + 1, 1, err));
  PG_TRY(pgi_grow(out->ctx, &out->marks, &out->mark_room, out->n + n + 1, 1, err));
  memset(out->types + out->n, (int)type, (size_t)n);
  memset(out->marks + out->n, mark, (size_t)n);
  return PG_OK;
}

static pg_status put_part(const pgi_tokenizer *t, pgi_encoding *out, const pgi_encoding *part,
                          uint32_t type, pg_error *err) {
  PG_TRY(put_marks(out, part->n, type, 0, err));
  PG_TRY(pgi_encoding_room(out, part->n, err));
  if (part->n) memcpy(out->ids + out->n, part->ids, (size_t)part->n * sizeof *out->ids);
  if (out->wants_places && part->n) {
    memcpy(out->bytes + out->n, part->bytes, (size_t)part->n * sizeof *out->bytes);
    memcpy(out->chars + out->n, part->chars, (size_t)part->n * sizeof *out->chars);
  }
  out->n += part->n;
  (void)t;
  return PG_OK;
}

static pg_status put_special(pgi_encoding *out, int32_t id, uint32_t type, pg_error *err) {
  PG_TRY(put_marks(out, 1, type, 1, err));
  if (out->chars) out->chars[out->n] = (pgi_span){0, 0};
  return put_token(out, id, 0, 0, err);
}

/* The parts of `out`, which are in a and b, in the order of the template. */
static pg_status assemble(const pgi_tokenizer *t, const pgi_encoding *a, const pgi_encoding *b,
                          bool special, pgi_encoding *out, pg_error *err) {
  static const pgi_template bare[] = {{-1, 0}, {-2, 1}};
  const pgi_template *items = b ? t->pair : t->single;
  int n = b ? t->n_pair : t->n_single;
  if (n == 0) {
    items = bare;
    n = b ? 2 : 1;
  }
  int64_t total = a->n + (b ? b->n : 0) + n_specials(items, n);
  if (out->wants_places) {
    out->chars = pgi_alloc(out->ctx, (size_t)PG_MAX(total, 1) * 2 * sizeof *out->chars);
    if (!out->chars) return pgi_nomem(err);
  }
  for (int i = 0; i < n; i++) {
    bool plain = !special && !t->has_template; /* without specials some templates fall away whole */
    uint32_t type = plain ? items[i].id == -2 : items[i].type;
    if (items[i].id < 0)
      PG_TRY(put_part(t, out, items[i].id == -1 || !b ? a : b, type, err));
    else if (special)
      PG_TRY(put_special(out, items[i].id, type, err));
  }
  return PG_OK;
}

pg_status pgi_encoding_pad(const pgi_tokenizer *t, pgi_encoding *e, int64_t n, pg_error *err) {
  int64_t more = n - e->n, old = e->n;
  if (more <= 0) return PG_OK;
  PG_TRY(put_marks(e, more, (uint32_t)t->pad_type, 2, err));
  PG_TRY(pgi_encoding_room(e, more, err));
  if (e->wants_places) {
    pgi_span *chars = pgi_alloc(e->ctx, (size_t)n * sizeof *chars);
    if (!chars) return pgi_nomem(err);
    if (old) memcpy(chars, e->chars, (size_t)old * sizeof *chars);
    pgi_free(e->ctx, e->chars);
    e->chars = chars;
  }
  int64_t at = t->pad_left ? 0 : old;
  if (t->pad_left && old > 0) {
    memmove(e->ids + more, e->ids, (size_t)old * sizeof *e->ids);
    memmove(e->types + more, e->types, (size_t)old);
    memmove(e->marks + more, e->marks, (size_t)old);
    if (e->bytes) memmove(e->bytes + more, e->bytes, (size_t)old * sizeof *e->bytes);
    if (e->chars) memmove(e->chars + more, e->chars, (size_t)old * sizeof *e->chars);
    memset(e->types, (int)t->pad_type, (size_t)more);
    memset(e->marks, 2, (size_t)more);
  }
  for (int64_t i = at; i < at + more; i++) {
    e->ids[i] = t->pad_id;
    if (e->wants_places) e->bytes[i] = e->chars[i] = (pgi_span){0, 0};
  }
  e->n = n;
  return PG_OK;
}

static pg_status encode_part(pgi_tokenizer *t, const char *text, size_t size, pgi_encoding *out,
                             pg_error *err) {
  pgi_work *w = pgi_work_take(t, err);
  if (!w) return PG_NOMEM;
  w->wants_places = out->wants_places || t->needs_places;
  pg_status status = pgi_encoding_room(out, (int64_t)size / 4 + 8, err);
  if (status == PG_OK) status = encode_text(t, w, text, size, out, err);
  pgi_work_give(t, w);
  if (status == PG_OK && out->wants_places) status = count_chars(out, text, size, err);
  for (int64_t i = 0; status == PG_OK && out->wants_places && t->trims && i < out->n; i++)
    trim_token(t, out, i, text, size);
  return status;
}

pg_status pgi_encode(pgi_tokenizer *t, const char *text, size_t size, const char *pair,
                     size_t pair_size, const pgi_encode_options *o, pgi_encoding *out,
                     pg_error *err) {
  pgi_encoding a = {.ctx = t->ctx, .wants_places = o->places}, b = a;
  *out = a;
  pg_status status = encode_part(t, text, size, &a, err);
  if (status == PG_OK && pair) status = encode_part(t, pair, pair_size, &b, err);
  int64_t most = o->max_length ? o->max_length : t->max_length;
  if (status == PG_OK && o->truncate && most > 0) {
    int64_t specials = !o->special ? 0
                       : pair      ? n_specials(t->pair, t->n_pair)
                                   : n_specials(t->single, t->n_single);
    status = truncate_both(t, &a, pair ? &b : NULL, PG_MAX(most - specials, 0), err);
  }
  if (status == PG_OK) status = assemble(t, &a, pair ? &b : NULL, o->special, out, err);
  pgi_encoding_deinit(&a);
  pgi_encoding_deinit(&b);
  if (status != PG_OK) pgi_encoding_deinit(out);
  return status;
}
