/* tokenizer.json, the format of Hugging Face's tokenizers, version 1.0. */
#include "text/text.h"

typedef struct reader {
  pgi_tokenizer *t;
  int depth;
  pg_error *err;
} reader;

static bool is(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static pg_status unknown(const reader *r, const char *what, const char *type) {
  return pgi_fail(r->err, PG_UNSUPPORTED, "tokenizer: no %s '%s' is known", what, type);
}

static pg_status too_many(const reader *r, const char *what) {
  return pgi_fail(r->err, PG_UNSUPPORTED, "tokenizer: more than %d steps of the %s", PG_MAX_STEPS,
                  what);
}

static pg_status keep(const reader *r, const char *text, size_t size, char **out) {
  *out = pgi_arena_strndup(&r->t->arena, text, size);
  return *out ? PG_OK : pgi_nomem(r->err);
}

/* The lists of a Sequence, one by one. */
static pg_status each(reader *r, const pgi_json *list,
                      pg_status (*fn)(reader *, const pgi_json *)) {
  if (!list || list->kind != PG_JSON_ARRAY)
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: a Sequence without a list");
  if (++r->depth > 8) return pgi_fail(r->err, PG_FORMAT, "tokenizer: Sequences too deep");
  for (const pgi_json *v = list->first; v; v = v->next) PG_TRY(fn(r, v));
  r->depth--;
  return PG_OK;
}

/* { "String": s } or { "Regex": s } */
static pg_status read_pattern(reader *r, const pgi_json *v, pgi_pattern **out, const char **regex) {
  const pgi_json *text = pgi_json_get(v, "Regex");
  bool is_regex = text != NULL;
  if (!text) text = pgi_json_get(v, "String");
  if (!text || text->kind != PG_JSON_TEXT)
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: expected a pattern, a String or a Regex");
  if (regex && is_regex) *regex = text->text;
  return pgi_pattern_new(r->t->ctx, text->text, text->size, is_regex, out, r->err);
}

/* ---- normalizers -------------------------------------------------------------------------------------------- */

static pg_status push_normal(reader *r, pgi_normal n, pgi_normal **out) {
  if (r->t->n_normals == PG_MAX_STEPS) return too_many(r, "normalizer");
  r->t->normals[r->t->n_normals] = n;
  if (out) *out = &r->t->normals[r->t->n_normals];
  r->t->n_normals++;
  return PG_OK;
}

static pg_status read_bert_normalizer(reader *r, const pgi_json *v) {
  bool lower = pgi_json_bool(v, "lowercase", true);
  if (pgi_json_bool(v, "clean_text", true))
    PG_TRY(push_normal(r, (pgi_normal){.kind = PG_NORMAL_BERT_CLEAN}, NULL));
  if (pgi_json_bool(v, "handle_chinese_chars", true))
    PG_TRY(push_normal(r, (pgi_normal){.kind = PG_NORMAL_BERT_CJK}, NULL));
  if (pgi_json_bool(v, "strip_accents", lower)) {
    PG_TRY(push_normal(r, (pgi_normal){.kind = PG_NORMAL_FORM, .form = PG_NFD}, NULL));
    PG_TRY(push_normal(r, (pgi_normal){.kind = PG_NORMAL_STRIP_MN}, NULL));
  }
  return lower ? push_normal(r, (pgi_normal){.kind = PG_NORMAL_LOWER}, NULL) : PG_OK;
}

static pg_status read_charsmap(reader *r, const pgi_json *v) {
  const pgi_json *map = pgi_json_get(v, "precompiled_charsmap");
  if (!map || map->kind != PG_JSON_TEXT || map->size == 0) return PG_OK;
  uint8_t *data = pgi_alloc(r->t->ctx, map->size);
  if (!data) return pgi_nomem(r->err);
  int64_t size = pgi_from_base64(map->text, map->size, data);
  pgi_normal *n;
  pg_status status = size < 0
                         ? pgi_fail(r->err, PG_FORMAT, "tokenizer: a charsmap that is not base64")
                         : push_normal(r, (pgi_normal){.kind = PG_NORMAL_CHARSMAP}, &n);
  if (status == PG_OK) status = pgi_charsmap_init(&n->map, r->t->ctx, data, (size_t)size, r->err);
  pgi_free(r->t->ctx, data);
  return status;
}

static pg_status read_replace(reader *r, const pgi_json *v) {
  const pgi_json *content = pgi_json_get(v, "content");
  pgi_normal *n;
  PG_TRY(push_normal(r, (pgi_normal){.kind = PG_NORMAL_REPLACE, .text = ""}, &n));
  if (content && content->kind == PG_JSON_TEXT) {
    PG_TRY(keep(r, content->text, content->size, &n->text));
    n->size = content->size;
  }
  return read_pattern(r, pgi_json_get(v, "pattern"), &n->pattern, NULL);
}

static pg_status read_normalizer(reader *r, const pgi_json *v) {
  static const struct {
    const char *name;
    pgi_normal step;
  } simple[] = {
      {"NFC", {.kind = PG_NORMAL_FORM, .form = PG_NFC}},
      {"NFD", {.kind = PG_NORMAL_FORM, .form = PG_NFD}},
      {"NFKC", {.kind = PG_NORMAL_FORM, .form = PG_NFKC}},
      {"NFKD", {.kind = PG_NORMAL_FORM, .form = PG_NFKD}},
      {"Lowercase", {.kind = PG_NORMAL_LOWER}},
      {"StripAccents", {.kind = PG_NORMAL_STRIP_ACCENTS}},
      {"Nmt", {.kind = PG_NORMAL_NMT}},
      {"ByteLevel", {.kind = PG_NORMAL_BYTES}},
  };
  const char *type = pgi_json_text(v, "type", "");
  for (int i = 0; i < PG_COUNT(simple); i++)
    if (is(type, simple[i].name)) return push_normal(r, simple[i].step, NULL);
  if (is(type, "Sequence")) return each(r, pgi_json_get(v, "normalizers"), read_normalizer);
  if (is(type, "BertNormalizer")) return read_bert_normalizer(r, v);
  if (is(type, "Precompiled")) return read_charsmap(r, v);
  if (is(type, "Replace")) return read_replace(r, v);
  if (is(type, "Strip"))
    return push_normal(r,
                       (pgi_normal){.kind = PG_NORMAL_STRIP,
                                    .left = pgi_json_bool(v, "strip_left", true),
                                    .right = pgi_json_bool(v, "strip_right", true)},
                       NULL);
  if (!is(type, "Prepend")) return unknown(r, "normalizer", type);
  const pgi_json *text = pgi_json_get(v, "prepend");
  pgi_normal *n;
  if (!text || text->kind != PG_JSON_TEXT)
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: Prepend without a text");
  PG_TRY(push_normal(r, (pgi_normal){.kind = PG_NORMAL_PREPEND}, &n));
  n->size = text->size;
  return keep(r, text->text, text->size, &n->text);
}

/* ---- pre-tokenizers --------------------------------------------------------------------------------------------- */

static pg_status push_split(reader *r, pgi_split s, pgi_split **out) {
  if (r->t->n_splits >= PG_MAX_STEPS - 1) return too_many(r, "pre-tokenizer");
  r->t->splits[r->t->n_splits] = s;
  if (out) *out = &r->t->splits[r->t->n_splits];
  r->t->n_splits++;
  return PG_OK;
}

static pg_status read_behaviour(reader *r, const pgi_json *v, pgi_behaviour *out) {
  static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                      "Contiguous"};
  const char *name = pgi_json_text(v, "behavior", "Isolated");
  for (int i = 0; i < PG_COUNT(names); i++)
    if (is(name, names[i])) {
      *out = (pgi_behaviour)i;
      return PG_OK;
    }
  return unknown(r, "behaviour", name);
}

static pg_status read_split(reader *r, const pgi_json *v) {
  pgi_split *s = NULL;
  const char *regex = NULL;
  PG_TRY(push_split(r, (pgi_split){.kind = PG_SPLIT_PATTERN}, &s));
  s->is_inverted = pgi_json_bool(v, "invert", false);
  PG_TRY(read_behaviour(r, v, &s->behaviour));
  const pgi_json *text = pgi_json_get(pgi_json_get(v, "pattern"), "Regex");
  if (text && text->kind == PG_JSON_TEXT) s->scan = pgi_scan_find(text->text);
  bool keeps_all = s->behaviour == PG_ISOLATED || (s->behaviour == PG_REMOVED && s->is_inverted);
  if (s->scan && keeps_all) {
    s->kind = PG_SPLIT_SCAN;
    return PG_OK;
  }
  return read_pattern(r, pgi_json_get(v, "pattern"), &s->pattern, &regex);
}

static pg_status read_metaspace(reader *r, const pgi_json *v) {
  size_t size;
  const char *text = pgi_json_text(v, "replacement", PG_MARK);
  const char *scheme = pgi_json_text(
      v, "prepend_scheme", pgi_json_bool(v, "add_prefix_space", true) ? "always" : "never");
  pgi_split s = {.kind = PG_SPLIT_MARK, .is_split = pgi_json_bool(v, "split", true)};
  s.ch = pgi_char_at((const uint8_t *)text, &size);
  s.scheme = is(scheme, "first") ? PG_FIRST : is(scheme, "never") ? PG_NEVER : PG_ALWAYS;
  r->t->needs_places |= s.scheme == PG_FIRST;
  return push_split(r, s, NULL);
}

static pg_status read_pre_tokenizer(reader *r, const pgi_json *v) {
  const char *type = pgi_json_text(v, "type", "");
  pgi_split s = {.behaviour = PG_ISOLATED};
  if (is(type, "Sequence")) return each(r, pgi_json_get(v, "pretokenizers"), read_pre_tokenizer);
  if (is(type, "Split")) return read_split(r, v);
  if (is(type, "Metaspace")) return read_metaspace(r, v);
  if (is(type, "ByteLevel")) {
    s.kind = PG_SPLIT_BYTES;
    s.add_space = pgi_json_bool(v, "add_prefix_space", true);
    s.has_regex = pgi_json_bool(v, "use_regex", true);
  } else if (is(type, "BertPreTokenizer")) {
    s.kind = PG_SPLIT_BERT;
  } else if (is(type, "Whitespace")) {
    s.kind = PG_SPLIT_WORDS;
  } else if (is(type, "WhitespaceSplit")) {
    s.kind = PG_SPLIT_SPACES;
    s.behaviour = PG_REMOVED;
  } else if (is(type, "Digits")) {
    s.kind = PG_SPLIT_DIGITS;
    if (!pgi_json_bool(v, "individual_digits", false)) s.behaviour = PG_CONTIGUOUS;
  } else if (is(type, "Punctuation")) {
    s.kind = PG_SPLIT_PUNCT;
    PG_TRY(read_behaviour(r, v, &s.behaviour));
  } else if (is(type, "CharDelimiterSplit")) {
    size_t size;
    s.kind = PG_SPLIT_CHAR;
    s.behaviour = PG_REMOVED;
    s.ch = pgi_char_at((const uint8_t *)pgi_json_text(v, "delimiter", " "), &size);
  } else if (is(type, "FixedLength")) {
    s.kind = PG_SPLIT_FIXED;
    s.length = (int64_t)PG_MIN(PG_MAX(pgi_json_number(v, "length", 5), 1), 1e9);
  } else {
    return unknown(r, "pre-tokenizer", type);
  }
  return push_split(r, s, NULL);
}

/* Words stay bytes until a step behind ByteLevel wants their letters; then they become bytes again. */
static pg_status arrange_bytes(reader *r) {
  pgi_tokenizer *t = r->t;
  int at = -1;
  for (int i = 0; i < t->n_splits && at < 0; i++)
    if (t->splits[i].kind == PG_SPLIT_BYTES) at = i;
  t->model.is_bytes = at >= 0;
  if (at < 0 || at == t->n_splits - 1) return PG_OK;
  PG_TRY(push_split(r, (pgi_split){.kind = PG_SPLIT_RAW}, NULL));
  if (t->n_splits == PG_MAX_STEPS) return too_many(r, "pre-tokenizer");
  memmove(&t->splits[at + 2], &t->splits[at + 1],
          (size_t)(t->n_splits - at - 1) * sizeof t->splits[0]);
  t->splits[at + 1] = (pgi_split){.kind = PG_SPLIT_LETTERS};
  t->n_splits++;
  for (int i = at + 2; i < t->n_splits; i++)
    if (t->splits[i].kind == PG_SPLIT_BYTES || t->splits[i].kind == PG_SPLIT_MARK)
      return unknown(r, "pre-tokenizer behind ByteLevel", "ByteLevel or Metaspace");
  return PG_OK;
}

/* ---- models ---------------------------------------------------------------------------------------------------------- */

static pg_status read_vocab(reader *r, const pgi_json *vocab) {
  if (!vocab || vocab->kind != PG_JSON_OBJECT)
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: a model without a vocabulary");
  for (const pgi_json *v = vocab->first; v; v = v->next) {
    if (v->kind != PG_JSON_NUMBER || !(v->number >= 0 && v->number < INT32_MAX))
      return pgi_fail(r->err, PG_FORMAT, "token '%.40s': its id is no number", v->key);
    PG_TRY(pgi_tokenizer_set(r->t, (int64_t)v->number, v->key, v->key_size, r->err));
  }
  return pgi_tokenizer_index(r->t, r->err);
}

static pg_status read_unk(reader *r, const pgi_json *v) {
  const pgi_json *unk = pgi_json_get(v, "unk_token");
  if (unk && unk->kind == PG_JSON_TEXT)
    r->t->model.unk = pgi_tokenizer_id(r->t, unk->text, unk->size);
  return PG_OK;
}

/* "a b" or ["a", "b"] */
static bool merge_parts(const pgi_json *v, const char **a, size_t *n, const char **b, size_t *m) {
  if (v->kind == PG_JSON_ARRAY && v->n == 2 && v->first->kind == PG_JSON_TEXT &&
      v->first->next->kind == PG_JSON_TEXT) {
    *a = v->first->text;
    *n = v->first->size;
    *b = v->first->next->text;
    *m = v->first->next->size;
    return true;
  }
  const char *space = v->kind == PG_JSON_TEXT ? memchr(v->text, ' ', v->size) : NULL;
  if (!space) return false;
  *a = v->text;
  *n = (size_t)(space - v->text);
  *b = space + 1;
  *m = v->size - *n - 1;
  return true;
}

static pg_status add_merge(reader *r, int64_t rank, const char *a, size_t n, const char *b,
                           size_t m) {
  pgi_tokenizer *t = r->t;
  size_t skip = t->model.prefix ? strlen(t->model.prefix) : 0;
  if (m < skip) skip = m;
  int32_t left = pgi_tokenizer_id(t, a, n), right = pgi_tokenizer_id(t, b, m);
  int32_t cell = pgi_trie_walk(&t->names, 0, a, n);
  if (cell >= 0) cell = pgi_trie_walk(&t->names, cell, b + skip, m - skip);
  int32_t id = cell < 0 ? -1 : t->names.cells[cell].value;
  if (left < 0 || right < 0 || id < 0)
    return pgi_fail(r->err, PG_FORMAT,
                    "tokenizer, merge %lld: '%.40s' and '%.40s' or both together are no tokens",
                    (long long)rank + 1, a, b);
  pgi_bpe_add(&t->model, (uint32_t)left, (uint32_t)right, (uint32_t)rank, (uint32_t)id);
  return PG_OK;
}

static pg_status read_affix(reader *r, const pgi_json *v, const char *key, char **out) {
  const char *text = pgi_json_text(v, key, "");
  return *text ? keep(r, text, strlen(text), out) : PG_OK;
}

static pg_status read_bpe(reader *r, const pgi_json *v) {
  pgi_text_model *m = &r->t->model;
  const pgi_json *merges = pgi_json_get(v, "merges");
  m->kind = PG_BPE;
  m->fuse_unk = pgi_json_bool(v, "fuse_unk", false);
  m->byte_fallback = pgi_json_bool(v, "byte_fallback", false);
  m->ignore_merges = pgi_json_bool(v, "ignore_merges", false);
  if (pgi_json_number(v, "dropout", 0) > 0)
    return pgi_fail(r->err, PG_UNSUPPORTED, "tokenizer: BPE with dropout (its results are random)");
  PG_TRY(read_affix(r, v, "continuing_subword_prefix", &m->prefix));
  PG_TRY(read_affix(r, v, "end_of_word_suffix", &m->suffix));
  PG_TRY(read_vocab(r, pgi_json_get(v, "vocab")));
  PG_TRY(read_unk(r, v));
  if (!merges || merges->kind != PG_JSON_ARRAY)
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: a BPE model without merges");
  PG_TRY(pgi_bpe_merges(m, r->t->ctx, merges->n, r->err));
  int64_t rank = 0;
  for (const pgi_json *e = merges->first; e; e = e->next, rank++) {
    const char *a, *b;
    size_t n, k;
    if (!merge_parts(e, &a, &n, &b, &k))
      return pgi_fail(r->err, PG_FORMAT, "tokenizer, merge %lld: expected two tokens",
                      (long long)rank + 1);
    PG_TRY(add_merge(r, rank, a, n, b, k));
  }
  return PG_OK;
}

static pg_status read_wordpiece(reader *r, const pgi_json *v) {
  pgi_text_model *m = &r->t->model;
  m->kind = PG_WORDPIECE;
  m->max_chars =
      (int64_t)PG_MIN(PG_MAX(pgi_json_number(v, "max_input_chars_per_word", 100), 0), 1e9);
  const char *prefix = pgi_json_text(v, "continuing_subword_prefix", "##");
  PG_TRY(keep(r, prefix, strlen(prefix), &m->prefix));
  PG_TRY(read_vocab(r, pgi_json_get(v, "vocab")));
  return read_unk(r, v);
}

static pg_status read_unigram(reader *r, const pgi_json *v) {
  pgi_tokenizer *t = r->t;
  const pgi_json *vocab = pgi_json_get(v, "vocab");
  int64_t id = 0;
  double least = 1e30;
  t->model.kind = PG_UNIGRAM;
  t->model.fuse_unk = true;
  t->model.byte_fallback = pgi_json_bool(v, "byte_fallback", false);
  if (!vocab || vocab->kind != PG_JSON_ARRAY || vocab->n == 0)
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: a Unigram model without a vocabulary");
  t->model.scores = pgi_alloc_zero(t->ctx, (size_t)vocab->n * sizeof *t->model.scores);
  if (!t->model.scores) return pgi_nomem(r->err);
  for (const pgi_json *e = vocab->first; e; e = e->next, id++) {
    if (e->kind != PG_JSON_ARRAY || e->n != 2 || e->first->kind != PG_JSON_TEXT ||
        e->first->next->kind != PG_JSON_NUMBER)
      return pgi_fail(r->err, PG_FORMAT, "tokenizer, token %lld: expected a text and a score",
                      (long long)id);
    PG_TRY(pgi_tokenizer_set(t, id, e->first->text, e->first->size, r->err));
    t->model.scores[id] = e->first->next->number;
    least = PG_MIN(least, t->model.scores[id]);
  }
  t->model.unk_score = least - 10;
  double unk = pgi_json_number(v, "unk_id", -1);
  if (unk >= (double)vocab->n)
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: unk_id %g of %lld tokens", unk,
                    (long long)vocab->n);
  t->model.unk = unk >= 0 ? (int32_t)unk : -1;
  return pgi_tokenizer_index(t, r->err);
}

static pg_status read_model(reader *r, const pgi_json *v) {
  /* Old files leave the type out. */
  const char *type = pgi_json_text(v, "type", "");
  const pgi_json *vocab = pgi_json_get(v, "vocab");
  if (is(type, "BPE") || (!*type && pgi_json_get(v, "merges"))) return read_bpe(r, v);
  if (is(type, "Unigram") || (!*type && vocab && vocab->kind == PG_JSON_ARRAY))
    return read_unigram(r, v);
  if (is(type, "WordPiece") || (!*type && vocab)) return read_wordpiece(r, v);
  if (!is(type, "WordLevel")) return unknown(r, "model", type);
  r->t->model.kind = PG_WORDLEVEL;
  PG_TRY(read_vocab(r, vocab));
  return read_unk(r, v);
}

/* ---- post-processors --------------------------------------------------------------------------------------------------- */

static pg_status read_items(reader *r, const pgi_json *list, const pgi_json *specials,
                            pgi_template *out, int *n) {
  *n = 0;
  for (const pgi_json *v = list ? list->first : NULL; v; v = v->next) {
    const pgi_json *text = pgi_json_get(v, "Sequence"), *special = pgi_json_get(v, "SpecialToken");
    const pgi_json *item = text ? text : special;
    double type = pgi_json_number(item, "type_id", 0);
    pgi_template e = {.type = (uint32_t)PG_MIN(PG_MAX(type, 0), 255)};
    const char *id = pgi_json_text(item, "id", "");
    if (text) {
      e.id = is(id, "B") ? -2 : -1;
      if (*n == PG_MAX_STEPS) return too_many(r, "template");
      out[(*n)++] = e;
      continue;
    }
    const pgi_json *ids = pgi_json_get(pgi_json_get(specials, id), "ids");
    if (!special || !ids)
      return pgi_fail(r->err, PG_FORMAT, "tokenizer: the template names '%s', which has no ids",
                      id);
    for (const pgi_json *k = ids->first; k; k = k->next) {
      if (*n == PG_MAX_STEPS) return too_many(r, "template");
      if (k->kind != PG_JSON_NUMBER || !(k->number >= 0) || k->number >= (double)r->t->n_tokens ||
          !r->t->tokens[(int64_t)k->number])
        return pgi_fail(r->err, PG_FORMAT, "tokenizer: the template's '%s' is no token", id);
      e.id = (int32_t)k->number;
      out[(*n)++] = e;
    }
  }
  return PG_OK;
}

/* ["[SEP]", 102] */
static pg_status pair_id(const reader *r, const pgi_json *v, const char *key, int32_t *out) {
  const pgi_json *pair = pgi_json_get(v, key);
  const pgi_json *id =
      pair && pair->kind == PG_JSON_ARRAY && pair->n == 2 ? pair->first->next : NULL;
  if (!id || id->kind != PG_JSON_NUMBER || !(id->number >= 0) ||
      id->number >= (double)r->t->n_tokens || !r->t->tokens[(int64_t)id->number])
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: the post-processor's '%s' is no token", key);
  *out = (int32_t)id->number;
  return PG_OK;
}

static pg_status read_classic(reader *r, const pgi_json *v, bool is_bert) {
  pgi_tokenizer *t = r->t;
  int32_t cls, sep;
  uint32_t two = is_bert ? 1 : 0;
  PG_TRY(pair_id(r, v, "cls", &cls));
  PG_TRY(pair_id(r, v, "sep", &sep));
  const pgi_template single[] = {{cls, 0}, {-1, 0}, {sep, 0}};
  memcpy(t->single, single, sizeof single);
  t->n_single = 3;
  int n = 3;
  memcpy(t->pair, single, sizeof single);
  if (!is_bert) t->pair[n++] = (pgi_template){sep, 0};
  t->pair[n++] = (pgi_template){-2, two};
  t->pair[n++] = (pgi_template){sep, two};
  t->n_pair = n;
  if (is_bert) return PG_OK;
  t->trims = pgi_json_bool(v, "trim_offsets", true);
  t->trims_keep_space = pgi_json_bool(v, "add_prefix_space", true);
  return PG_OK;
}

static pg_status read_post(reader *r, const pgi_json *v) {
  pgi_tokenizer *t = r->t;
  const char *type = pgi_json_text(v, "type", "");
  if (is(type, "Sequence")) return each(r, pgi_json_get(v, "processors"), read_post);
  if (is(type, "ByteLevel")) {
    t->trims |= pgi_json_bool(v, "trim_offsets", true);
    t->trims_keep_space = pgi_json_bool(v, "add_prefix_space", true);
    return PG_OK;
  }
  if (is(type, "BertProcessing") || is(type, "RobertaProcessing"))
    return read_classic(r, v, is(type, "BertProcessing"));
  if (!is(type, "TemplateProcessing")) return unknown(r, "post-processor", type);
  const pgi_json *specials = pgi_json_get(v, "special_tokens");
  t->has_template = true;
  PG_TRY(read_items(r, pgi_json_get(v, "single"), specials, t->single, &t->n_single));
  return read_items(r, pgi_json_get(v, "pair"), specials, t->pair, &t->n_pair);
}

/* ---- decoders --------------------------------------------------------------------------------------------------------------- */

static pg_status push_decode(reader *r, pgi_decode d) {
  char *text;
  if (r->t->n_decodes == PG_MAX_STEPS) return too_many(r, "decoder");
  const char **texts[] = {&d.text, &d.with, &d.word};
  for (int i = 0; i < PG_COUNT(texts); i++) {
    if (!*texts[i]) continue;
    PG_TRY(keep(r, *texts[i], strlen(*texts[i]), &text));
    *texts[i] = text;
  }
  r->t->decodes[r->t->n_decodes++] = d;
  return PG_OK;
}

static int64_t count_of(const pgi_json *v, const char *key) {
  return (int64_t)PG_MIN(PG_MAX(pgi_json_number(v, key, 0), 0), 1e9);
}

static pg_status read_decoder(reader *r, const pgi_json *v) {
  const char *type = pgi_json_text(v, "type", "");
  size_t size;
  if (is(type, "Sequence")) return each(r, pgi_json_get(v, "decoders"), read_decoder);
  if (is(type, "ByteLevel")) return push_decode(r, (pgi_decode){.kind = PG_DECODE_BYTES});
  if (is(type, "ByteFallback")) return push_decode(r, (pgi_decode){.kind = PG_DECODE_FALLBACK});
  if (is(type, "Fuse")) return push_decode(r, (pgi_decode){.kind = PG_DECODE_FUSE});
  if (is(type, "WordPiece"))
    return push_decode(r, (pgi_decode){.kind = PG_DECODE_WORDPIECE,
                                       .text = pgi_json_text(v, "prefix", "##"),
                                       .cleanup = pgi_json_bool(v, "cleanup", true)});
  if (is(type, "BPEDecoder"))
    return push_decode(
        r, (pgi_decode){.kind = PG_DECODE_BPE, .text = pgi_json_text(v, "suffix", "</w>")});
  if (is(type, "Metaspace")) {
    const char *scheme = pgi_json_text(
        v, "prepend_scheme", pgi_json_bool(v, "add_prefix_space", true) ? "always" : "never");
    pgi_decode d = {.kind = PG_DECODE_MARK, .prefix = !is(scheme, "never")};
    d.ch = pgi_char_at((const uint8_t *)pgi_json_text(v, "replacement", PG_MARK), &size);
    return push_decode(r, d);
  }
  if (is(type, "Strip")) {
    pgi_decode d = {
        .kind = PG_DECODE_STRIP, .start = count_of(v, "start"), .stop = count_of(v, "stop")};
    d.ch = pgi_char_at((const uint8_t *)pgi_json_text(v, "content", " "), &size);
    return push_decode(r, d);
  }
  if (is(type, "CTC"))
    return push_decode(r, (pgi_decode){.kind = PG_DECODE_CTC,
                                       .text = pgi_json_text(v, "pad_token", "<pad>"),
                                       .word = pgi_json_text(v, "word_delimiter_token", "|"),
                                       .cleanup = pgi_json_bool(v, "cleanup", true)});
  const char *from = pgi_json_text(pgi_json_get(v, "pattern"), "String", NULL);
  if (is(type, "Replace") && from)
    return push_decode(
        r, (pgi_decode){
               .kind = PG_DECODE_REPLACE, .text = from, .with = pgi_json_text(v, "content", "")});
  return unknown(r, "decoder", type);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------------ */

static pg_status read_added(reader *r, const pgi_json *list) {
  for (const pgi_json *v = list ? list->first : NULL; v; v = v->next) {
    const pgi_json *text = pgi_json_get(v, "content");
    double id = pgi_json_number(v, "id", -1);
    if (!text || text->kind != PG_JSON_TEXT || !(id >= 0 && id < INT32_MAX))
      return pgi_fail(r->err, PG_FORMAT, "tokenizer: an added token without content or id");
    bool special = pgi_json_bool(v, "special", false);
    pgi_added a = {.id = (int32_t)id,
                   .text = text->text,
                   .size = text->size,
                   .is_special = special,
                   .lstrip = pgi_json_bool(v, "lstrip", false),
                   .rstrip = pgi_json_bool(v, "rstrip", false),
                   .single_word = pgi_json_bool(v, "single_word", false),
                   .normalized = pgi_json_bool(v, "normalized", !special)};
    int32_t known = pgi_tokenizer_id(r->t, text->text, text->size);
    if (known >= 0) a.id = known; /* the vocabulary decides */
    PG_TRY(pgi_tokenizer_add(r->t, &a, r->err));
  }
  return PG_OK;
}

static void read_limits(pgi_tokenizer *t, const pgi_json *cut, const pgi_json *pad) {
  if (cut && cut->kind == PG_JSON_OBJECT) {
    const char *strategy = pgi_json_text(cut, "strategy", "LongestFirst");
    t->max_length = count_of(cut, "max_length");
    t->cut_left = is(pgi_json_text(cut, "direction", "Right"), "Left");
    t->cut_strategy = is(strategy, "OnlyFirst") ? 1 : is(strategy, "OnlySecond") ? 2 : 0;
  }
  if (!pad || pad->kind != PG_JSON_OBJECT) return;
  t->has_padding = true;
  t->pad_left = is(pgi_json_text(pad, "direction", "Right"), "Left");
  t->pad_length = PG_MIN(count_of(pgi_json_get(pad, "strategy"), "Fixed"), 1 << 24);
  t->pad_multiple = PG_MIN(count_of(pad, "pad_to_multiple_of"), 1 << 20);
  t->pad_id = (int32_t)count_of(pad, "pad_id");
  t->pad_type = (int32_t)PG_MIN(count_of(pad, "pad_type_id"), 255);
}

static bool is_set(const pgi_json *v) {
  return v && v->kind == PG_JSON_OBJECT;
}

static pg_status read_all(reader *r, const pgi_json *root) {
  const pgi_json *normal = pgi_json_get(root, "normalizer"),
                 *pre = pgi_json_get(root, "pre_tokenizer");
  const pgi_json *post = pgi_json_get(root, "post_processor"),
                 *back = pgi_json_get(root, "decoder");
  const pgi_json *model = pgi_json_get(root, "model");
  if (!is_set(model))
    return pgi_fail(r->err, PG_FORMAT, "tokenizer: expected an object with a model");
  if (is_set(normal)) PG_TRY(read_normalizer(r, normal));
  if (is_set(pre)) PG_TRY(read_pre_tokenizer(r, pre));
  PG_TRY(arrange_bytes(r));
  PG_TRY(read_model(r, model));
  PG_TRY(read_added(r, pgi_json_get(root, "added_tokens")));
  if (is_set(post)) PG_TRY(read_post(r, post));
  if (is_set(back)) PG_TRY(read_decoder(r, back));
  read_limits(r->t, pgi_json_get(root, "truncation"), pgi_json_get(root, "padding"));
  return pgi_tokenizer_finish(r->t, r->err);
}

pg_status pgi_read_json(pgi_tokenizer *t, const void *data, size_t size, pg_error *err) {
  pgi_arena arena;
  pgi_json *root;
  reader r = {.t = t, .err = err};
  pgi_arena_init(&arena, t->ctx);
  pg_status status = pgi_json_read(&arena, data, size, &root, err);
  if (status == PG_OK) status = read_all(&r, root);
  pgi_arena_deinit(&arena);
  return status;
}
