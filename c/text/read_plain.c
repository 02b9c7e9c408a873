/* The plain formats: BERT's vocab.txt, GPT-2's vocab.json with merges.txt, tiktoken's ranks; and which
** format a file has. */
#include <stdlib.h>

#include "text/text.h"

/* The next line without its end; false: none is left. */
static bool next_line(const char **p, const char *end, const char **line, size_t *n) {
  if (*p >= end) return false;
  const char *stop = memchr(*p, '\n', (size_t)(end - *p));
  *line = *p;
  *n = (size_t)((stop ? stop : end) - *p);
  *p = stop ? stop + 1 : end;
  if (*n && (*line)[*n - 1] == '\r') --*n;
  return true;
}

static pg_status check_text(const char *text, size_t n, int64_t line, pg_error *err) {
  if (pgi_utf8_valid((const uint8_t *)text, n) == n && n < 65536) return PG_OK;
  return pgi_fail(err, PG_FORMAT, "tokenizer, line %lld: not a token in UTF-8", (long long)line);
}

/* ---- vocab.txt ------------------------------------------------------------------------------------------ */

static pg_status add_special(pgi_tokenizer *t, const char *text, int32_t *id, pg_error *err) {
  *id = pgi_tokenizer_id(t, text, strlen(text));
  if (*id < 0) return PG_OK;
  pgi_added a = {.id = *id, .text = text, .size = (uint32_t)strlen(text), .is_special = true};
  return pgi_tokenizer_add(t, &a, err);
}

pg_status pgi_read_vocab(pgi_tokenizer *t, const void *data, size_t size, int lowercase,
                         pg_error *err) {
  const char *p = data, *end = p + size, *line;
  size_t n;
  for (int64_t id = 0; next_line(&p, end, &line, &n); id++) {
    PG_TRY(check_text(line, n, id + 1, err));
    PG_TRY(pgi_tokenizer_set(t, id, line, n, err));
  }
  pgi_normal *s = t->normals;
  *s++ = (pgi_normal){.kind = PG_NORMAL_BERT_CLEAN};
  *s++ = (pgi_normal){.kind = PG_NORMAL_BERT_CJK};
  if (lowercase) {
    *s++ = (pgi_normal){.kind = PG_NORMAL_FORM, .form = PG_NFD};
    *s++ = (pgi_normal){.kind = PG_NORMAL_STRIP_MN};
    *s++ = (pgi_normal){.kind = PG_NORMAL_LOWER};
  }
  t->n_normals = (int)(s - t->normals);
  t->splits[t->n_splits++] = (pgi_split){.kind = PG_SPLIT_BERT};
  t->model.kind = PG_WORDPIECE;
  t->model.prefix = pgi_arena_strdup(&t->arena, "##");
  if (!t->model.prefix) return pgi_nomem(err);
  PG_TRY(pgi_tokenizer_index(t, err));
  int32_t cls, sep, other;
  PG_TRY(add_special(t, "[UNK]", &t->model.unk, err));
  PG_TRY(add_special(t, "[CLS]", &cls, err));
  PG_TRY(add_special(t, "[SEP]", &sep, err));
  PG_TRY(add_special(t, "[MASK]", &other, err));
  PG_TRY(add_special(t, "[PAD]", &other, err));
  t->pad_id = PG_MAX(other, 0);
  if (t->model.unk < 0) return pgi_fail(err, PG_FORMAT, "vocab.txt: no line is [UNK]");
  if (cls >= 0 && sep >= 0) {
    const pgi_template all[] = {{cls, 0}, {-1, 0}, {sep, 0}, {-2, 1}, {sep, 1}};
    memcpy(t->single, all, 3 * sizeof *all);
    memcpy(t->pair, all, sizeof all);
    t->n_single = 3;
    t->n_pair = 5;
  }
  t->decodes[t->n_decodes++] =
      (pgi_decode){.kind = PG_DECODE_WORDPIECE, .text = "##", .cleanup = true};
  return pgi_tokenizer_finish(t, err);
}

/* ---- merges ------------------------------------------------------------------------------------------------ */

static void use_bytes(pgi_tokenizer *t, const char *pattern) {
  t->model.kind = PG_BPE;
  t->model.is_bytes = true;
  t->decodes[t->n_decodes++] = (pgi_decode){.kind = PG_DECODE_BYTES};
  t->splits[t->n_splits++] = (pgi_split){.kind = PG_SPLIT_SCAN, .scan = pgi_scan_find(pattern)};
}

static pg_status read_merges(pgi_tokenizer *t, const char *p, size_t size, pg_error *err) {
  const char *end = p + size, *line;
  int64_t rank = 0, number = 0, lines = 1;
  size_t n;
  for (size_t i = 0; i < size; i++) lines += p[i] == '\n';
  PG_TRY(pgi_bpe_merges(&t->model, t->ctx, lines, err));
  while (next_line(&p, end, &line, &n)) {
    number++;
    if (n == 0 || (n >= 8 && memcmp(line, "#version", 8) == 0)) continue;
    PG_TRY(check_text(line, n, number, err));
    const char *space = memchr(line, ' ', n);
    size_t left = space ? (size_t)(space - line) : n;
    int32_t a = pgi_tokenizer_id(t, line, left), b = -1, cell = -1;
    if (space) {
      b = pgi_tokenizer_id(t, space + 1, n - left - 1);
      cell = pgi_trie_walk(&t->names, 0, line, left);
      if (cell >= 0) cell = pgi_trie_walk(&t->names, cell, space + 1, n - left - 1);
    }
    if (a < 0 || b < 0 || cell < 0 || t->names.cells[cell].value < 0)
      return pgi_fail(err, PG_FORMAT,
                      "merges, line %lld: expected two tokens that are one together",
                      (long long)number);
    pgi_bpe_add(&t->model, (uint32_t)a, (uint32_t)b, (uint32_t)rank++,
                (uint32_t)t->names.cells[cell].value);
  }
  return PG_OK;
}

static pg_status read_names(pgi_tokenizer *t, const pgi_json *root, pg_error *err) {
  if (root->kind != PG_JSON_OBJECT)
    return pgi_fail(err, PG_FORMAT, "vocabulary: expected an object");
  for (const pgi_json *v = root->first; v; v = v->next) {
    if (v->kind != PG_JSON_NUMBER || !(v->number >= 0 && v->number < INT32_MAX))
      return pgi_fail(err, PG_FORMAT, "token '%.40s': its id is no number", v->key);
    PG_TRY(pgi_tokenizer_set(t, (int64_t)v->number, v->key, v->key_size, err));
  }
  return PG_OK;
}

pg_status pgi_read_bpe(pgi_tokenizer *t, const void *vocab, size_t size, const void *merges,
                       size_t merges_size, pg_error *err) {
  pgi_arena arena;
  pgi_json *root;
  int32_t id;
  pgi_arena_init(&arena, t->ctx);
  pg_status status = pgi_json_read(&arena, vocab, size, &root, err);
  if (status == PG_OK) status = read_names(t, root, err);
  pgi_arena_deinit(&arena);
  PG_TRY(status);
  use_bytes(t, "gpt2");
  PG_TRY(pgi_tokenizer_index(t, err));
  PG_TRY(read_merges(t, merges, merges_size, err));
  PG_TRY(add_special(t, "<|endoftext|>", &id, err));
  return pgi_tokenizer_finish(t, err);
}

/* ---- tiktoken ------------------------------------------------------------------------------------------------- */

static const uint8_t *raw_of(const pgi_tokenizer *t, int64_t id, uint8_t *room, size_t *n) {
  if (!t->model.is_bytes) {
    *n = t->sizes[id];
    return (const uint8_t *)t->tokens[id];
  }
  int64_t size = pgi_letters_to_bytes(t->tokens[id], t->sizes[id], room);
  *n = (size_t)PG_MAX(size, 0);
  return room;
}

/* Calls for every cut of a token into two; returns how many there are. */
static int64_t all_cuts(pgi_tokenizer *t, const uint32_t *ranks, uint8_t *room, bool adds) {
  const pgi_trie *trie = &t->model.trie;
  int64_t count = 0;
  for (int64_t id = 0; id < t->n_tokens; id++) {
    size_t n;
    if (!t->tokens[id] || ranks[id] == UINT32_MAX) continue;
    const uint8_t *p = raw_of(t, id, room, &n);
    int32_t cell = 0;
    for (size_t k = 1; k < n && cell >= 0; k++) {
      cell = pgi_trie_step(trie, cell, p[k - 1]);
      int32_t left = cell < 0 ? -1 : trie->cells[cell].value;
      int32_t right = left < 0 ? -1 : pgi_trie_find(trie, p + k, n - k);
      if (right < 0) continue;
      if (adds) pgi_bpe_add(&t->model, (uint32_t)left, (uint32_t)right, ranks[id], (uint32_t)id);
      count++;
    }
  }
  return count;
}

pg_status pgi_bpe_from_ranks(pgi_tokenizer *t, const uint32_t *ranks, pg_error *err) {
  uint8_t *room = pgi_alloc(t->ctx, 1 << 17); /* tokens have 64 KiB at most */
  if (!room) return pgi_nomem(err);
  pg_status status = pgi_bpe_merges(&t->model, t->ctx, all_cuts(t, ranks, room, false), err);
  if (status == PG_OK) all_cuts(t, ranks, room, true);
  pgi_free(t->ctx, room);
  return status;
}

static pg_status read_ranks(pgi_tokenizer *t, const char *p, const char *end, pg_error *err) {
  const char *line;
  size_t n;
  for (int64_t number = 1; next_line(&p, end, &line, &n); number++) {
    uint8_t raw[4096];
    char text[2 * sizeof raw], *stop;
    const char *space = memchr(line, ' ', n);
    if (n == 0) continue;
    size_t coded = space ? (size_t)(space - line) : n;
    int64_t size = space && coded <= sizeof raw ? pgi_from_base64(line, coded, raw) : -1;
    char digits[16] = "";
    size_t n_digits = space ? PG_MIN(n - coded - 1, sizeof digits - 1) : 0;
    memcpy(digits, space ? space + 1 : "", n_digits);
    long rank = strtol(digits, &stop, 10);
    if (size < 1 || stop == digits || *stop || rank < 0)
      return pgi_fail(err, PG_FORMAT, "tiktoken, line %lld: expected base64 and a rank",
                      (long long)number);
    size_t length = 0;
    for (int64_t i = 0; i < size; i++)
      length += pgi_char_put(pgi_byte_letter(raw[i]), (uint8_t *)text + length);
    PG_TRY(pgi_tokenizer_set(t, rank, text, length, err));
  }
  return PG_OK;
}

pg_status pgi_read_tiktoken(pgi_tokenizer *t, const void *data, size_t size, const char *pattern,
                            pg_error *err) {
  const char *p = data;
  PG_TRY(read_ranks(t, p, p + size, err));
  use_bytes(t, pattern);
  if (!t->splits[0].scan) {
    t->splits[0] =
        (pgi_split){.kind = PG_SPLIT_PATTERN, .behaviour = PG_REMOVED, .is_inverted = true};
    PG_TRY(pgi_pattern_new(t->ctx, pattern, strlen(pattern), true, &t->splits[0].pattern, err));
  }
  t->model.ignore_merges = true;
  PG_TRY(pgi_tokenizer_index(t, err));
  uint32_t *ranks = pgi_alloc(t->ctx, (size_t)PG_MAX(t->n_tokens, 1) * sizeof *ranks);
  if (!ranks) return pgi_nomem(err);
  for (int64_t i = 0; i < t->n_tokens; i++) ranks[i] = (uint32_t)i;
  pg_status status = pgi_bpe_from_ranks(t, ranks, err);
  pgi_free(t->ctx, ranks);
  return status == PG_OK ? pgi_tokenizer_finish(t, err) : status;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return n >= m && strcmp(path + n - m, end) == 0;
}

static bool is_ranks(const char *p, size_t size) {
  const char *line, *end = p + PG_MIN(size, (size_t)4096);
  size_t n;
  if (!next_line(&p, end, &line, &n)) return false;
  const char *space = memchr(line, ' ', n);
  uint8_t raw[4096];
  return space && space + 1 < line + n && space[1] >= '0' && space[1] <= '9' &&
         pgi_from_base64(line, (size_t)(space - line), raw) > 0;
}

static const char *guess(const char *path, const pgi_file *f, const pgi_open_options *o) {
  const char *p = (const char *)f->data;
  size_t i = 0;
  while (i < f->size && strchr(" \r\n\t", p[i]) && p[i]) i++;
  if (ends_with(path, ".model") || ends_with(path, ".spm")) return "sentencepiece";
  if (i < f->size && p[i] == '{')
    return o->merges || ends_with(path, "vocab.json") ? "bpe" : "json";
  if (f->size > 2 && p[0] == '\n' && p[2] == '\n') return "sentencepiece";
  return is_ranks(p, f->size) ? "tiktoken" : "vocab";
}

static pg_status open_bpe(pgi_tokenizer *t, const char *path, const pgi_file *f,
                          const pgi_open_options *o, pg_error *err) {
  char *beside = NULL;
  pgi_file merges;
  if (!o->merges) { /* merges.txt in the same folder */
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    beside = pgi_alloc(t->ctx, folder + sizeof "merges.txt");
    if (!beside) return pgi_nomem(err);
    memcpy(beside, path, folder);
    memcpy(beside + folder, "merges.txt", sizeof "merges.txt");
  }
  pg_status status = pgi_file_open(t->ctx, o->merges ? o->merges : beside, &merges, err);
  pgi_free(t->ctx, beside);
  PG_TRY(status);
  status = pgi_read_bpe(t, f->data, f->size, merges.data, merges.size, err);
  pgi_file_close(&merges);
  return status;
}

pg_status pgi_tokenizer_open(pg_context *ctx, const char *path, const pgi_open_options *o,
                             pgi_tokenizer **out, pg_error *err) {
  pgi_file f;
  pgi_tokenizer *t = NULL;
  PG_TRY(pgi_file_open(ctx, path, &f, err));
  const char *format = o->format ? o->format : guess(path, &f, o);
  pg_status status = f.size >= PG_TEXT_MAX
                         ? pgi_fail(err, PG_FORMAT, "more than 2 GiB are no tokenizer")
                         : pgi_tokenizer_new(ctx, &t, err);
  if (status != PG_OK)
    ;
  else if (strcmp(format, "json") == 0)
    status = pgi_read_json(t, f.data, f.size, err);
  else if (strcmp(format, "sentencepiece") == 0)
    status = pgi_read_sentence(t, f.data, f.size, err);
  else if (strcmp(format, "vocab") == 0)
    status = pgi_read_vocab(t, f.data, f.size, o->lowercase, err);
  else if (strcmp(format, "bpe") == 0)
    status = open_bpe(t, path, &f, o, err);
  else if (strcmp(format, "tiktoken") == 0)
    status = pgi_read_tiktoken(t, f.data, f.size, o->pattern ? o->pattern : "cl100k", err);
  else
    status =
        pgi_fail(err, PG_INVALID,
                 "format: expected json, sentencepiece, vocab, bpe or tiktoken, got %s", format);
  pgi_file_close(&f);
  if (status != PG_OK) {
    pgi_error_prefix(err, "%s", path);
    pgi_tokenizer_free(t);
    return status;
  }
  *out = t;
  return PG_OK;
}
