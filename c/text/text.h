/* text: from characters to the numbers that language models take, and back: tokenizers.
**
** A tokenizer is read once (read_*.c) and never changes; any number of threads may encode with it.
** Encoding goes through five stages, each a file: added tokens are cut out (added.c), the rest is
** normalised (normalize.c, forms.c, charsmap.c), split into words (split.c, pattern.c, regex.c), each
** word becomes tokens (bpe.c, wordpiece.c, unigram.c behind the word cache of words.c), and a template
** puts special tokens around them (encode.c).
**
** utf8proc and PCRE2 are opened when a tokenizer needs them (pgi_library_open): nothing links them.
** Texts are UTF-8; each byte that belongs to no character counts as U+FFFD. */
#ifndef PG_TEXT_H
#define PG_TEXT_H

#include "base/base.h"

#define PG_TEXT_PAD 64                /* zero bytes behind every text that a loop may read past */
#define PG_TEXT_MAX ((size_t)1 << 31) /* bytes of one text: positions are 32 bits */
#define PG_MARK "\xE2\x96\x81"        /* U+2581, the visible space of SentencePiece */
enum { PG_MARK_SIZE = 3, PG_CHAR_MAX = 4 };

/* ---- json.c ------------------------------------------------------------------------------------ */

typedef enum pgi_json_kind {
  PG_JSON_NULL,
  PG_JSON_FALSE,
  PG_JSON_TRUE,
  PG_JSON_NUMBER,
  PG_JSON_TEXT,
  PG_JSON_ARRAY,
  PG_JSON_OBJECT
} pgi_json_kind;
typedef struct pgi_json {
  pgi_json_kind kind;
  uint32_t size, key_size; /* bytes of text; of the key */
  int64_t n;               /* members */
  double number;
  const char *key, *text; /* unescaped, zero-terminated, in the arena */
  struct pgi_json *first, *next;
} pgi_json;
/* PG_FORMAT names the line. */
pg_status pgi_json_read(pgi_arena *arena, const void *data, size_t size, pgi_json **out,
                        pg_error *err);
/* The member, or NULL: also when v is NULL or no object. */
const pgi_json *pgi_json_get(const pgi_json *v, const char *key);
const char *pgi_json_text(const pgi_json *v, const char *key, const char *otherwise);
bool pgi_json_bool(const pgi_json *v, const char *key, bool otherwise);
double pgi_json_number(const pgi_json *v, const char *key, double otherwise);

/* ---- utf8.c ------------------------------------------------------------------------------------ */

/* The character at p (valid UTF-8, or zero bytes behind the end) and its size. */
static inline uint32_t pgi_char_at(const uint8_t *p, size_t *size) {
  if (p[0] < 0x80) {
    *size = 1;
    return p[0];
  }
  if (p[0] < 0xE0) {
    *size = 2;
    return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
  }
  if (p[0] < 0xF0) {
    *size = 3;
    return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
  }
  *size = 4;
  return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
         (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
}
static inline size_t pgi_char_size(uint8_t first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}
static inline bool pgi_char_inside(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}
size_t pgi_char_put(uint32_t c, uint8_t *out); /* 1 to 4 bytes */
/* Bytes of the valid text at the start. */
size_t pgi_utf8_valid(const uint8_t *p, size_t n);
int64_t pgi_utf8_count(const uint8_t *p, size_t n);

/* ---- unicode.c --------------------------------------------------------------------------------- */

enum {
  PG_U_UPPER = 1 << 0, /* Lu, Lt */
  PG_U_LOWER = 1 << 1, /* Ll */
  PG_U_OTHER = 1 << 2, /* Lm, Lo */
  PG_U_LETTER = PG_U_UPPER | PG_U_LOWER | PG_U_OTHER,
  PG_U_NUMBER = 1 << 3, /* N */
  PG_U_MARK = 1 << 4,   /* M */
  PG_U_MN = 1 << 5,
  PG_U_SPACE = 1 << 6,    /* White_Space */
  PG_U_PUNCT = 1 << 7,    /* P, and the rest of ASCII's */
  PG_U_OTHERS = 1 << 8,   /* C */
  PG_U_WORD = 1 << 9,     /* \w: alphabetic, M, Nd, Pc */
  PG_U_CJK = 1 << 10,     /* what BERT sets apart */
  PG_U_CASED = 1 << 11,   /* has another lower form */
  PG_U_NOT_NFC = 1 << 12, /* may change, or join what is before: the four forms */
  PG_U_NOT_NFD = 1 << 13,
  PG_U_NOT_NFKC = 1 << 14,
  PG_U_NOT_NFKD = 1 << 15,
  PG_U_CLUSTER = 1 << 16, /* may belong to the character before or behind */
  PG_U_JOINER = 1 << 17,  /* U+200C, U+200D: in \w of some */
};
enum { PG_U_BLOCK = 256, PG_U_BLOCKS = 0x110000 / PG_U_BLOCK };

typedef struct pgi_composition {
  uint32_t first, second, whole;
} pgi_composition;

/* Facts about characters, from utf8proc, made when a tokenizer is read. */
typedef struct pgi_unicode {
  pg_context *ctx;
  uint32_t *flags; /* blocks of PG_U_BLOCK */
  uint16_t block[PG_U_BLOCKS];
  uint32_t n_blocks;
  pgi_composition *pairs; /* open addressing, first 0: empty; made by pgi_unicode_forms */
  uint32_t n_slots;
  int64_t (*decompose)(int32_t c, int32_t *out, int64_t n, int options, int *last);
  int32_t (*lower)(int32_t c);
  uint8_t (*is_break)(int32_t a, int32_t b, int32_t *state);
  const uint16_t *(*property)(int32_t c);
} pgi_unicode;
pg_status pgi_unicode_init(pgi_unicode *u, pg_context *ctx, pg_error *err);
void pgi_unicode_deinit(pgi_unicode *u);
static inline uint32_t pgi_unicode_flags(const pgi_unicode *u, uint32_t c) {
  return u->flags[(uint32_t)u->block[c >> 8] * PG_U_BLOCK + (c & 0xFF)];
}
int pgi_unicode_class(const pgi_unicode *u, uint32_t c); /* canonical combining class */
uint32_t pgi_unicode_compose(const pgi_unicode *u, uint32_t a, uint32_t b); /* 0: they don't */

/* ---- chars.c: a text and where each of its bytes comes from ------------------------------------ */

typedef struct pgi_chars {
  pg_context *ctx;
  uint8_t *data; /* PG_TEXT_PAD zero bytes behind n */
  size_t n, capacity, places;
  bool is_placed; /* from and to say which original bytes byte i stands for; else base + i itself */
  size_t base;
  uint32_t *from, *to;
} pgi_chars;
void pgi_chars_deinit(pgi_chars *t);
pg_status pgi_chars_room(pgi_chars *t, size_t more, pg_error *err);
void pgi_chars_close(pgi_chars *t); /* writes the zero bytes; there must be room */
/* The original bytes of the character that byte i belongs to. */
size_t pgi_chars_from(const pgi_chars *t, size_t i);
size_t pgi_chars_to(const pgi_chars *t, size_t i);

/* Writes a changed text.  Characters take their places from the input: `at` runs through it. */
typedef struct pgi_change {
  const pgi_chars *in;
  pgi_chars *out;
  size_t at;       /* the next character of the input that wasn't used up */
  int last;        /* how the last character changed: see pgi_change_char */
  size_t last_out; /* and where it begins */
} pgi_change;
pg_status pgi_change_begin(pgi_change *c, const pgi_chars *in, pgi_chars *out, pg_error *err);
void pgi_change_end(pgi_change *c);
/* n bytes as they are. */
pg_status pgi_change_copy(pgi_change *c, size_t n, pg_error *err);
/* change 0: stands for the next character; above 0: added, has the place of the one before; -k: stands
** for the next character and k more vanish. */
pg_status pgi_change_char(pgi_change *c, uint32_t ch, int change, pg_error *err);
/* Bytes with the place of input byte `at`. */
pg_status pgi_change_put(pgi_change *c, const void *data, size_t n, size_t at, pg_error *err);
void pgi_change_skip(pgi_change *c, int64_t chars);

typedef struct pgi_span {
  uint32_t from, to;
} pgi_span;
typedef struct pgi_spans {
  pg_context *ctx;
  pgi_span *at;
  int64_t n, capacity;
} pgi_spans;
pg_status pgi_spans_grow(pgi_spans *s, int64_t more, pg_error *err);
static inline pg_status pgi_spans_add(pgi_spans *s, size_t from, size_t to, pg_error *err) {
  if (from == to) return PG_OK;
  if (s->n == s->capacity) PG_TRY(pgi_spans_grow(s, 1, err));
  s->at[s->n++] = (pgi_span){(uint32_t)from, (uint32_t)to};
  return PG_OK;
}

/* ---- trie.c: a double array (Aoe 1989) of byte strings ------------------------------------------ */

typedef struct pgi_cell {
  int32_t base;   /* child c is at base ^ c */
  int32_t parent; /* -1: free */
  int32_t value;  /* -1: none */
} pgi_cell;
typedef struct pgi_trie {
  pg_context *ctx;
  pgi_cell *cells; /* the root is cell 0 */
  int64_t n, capacity;
} pgi_trie;
typedef struct pgi_key {
  const uint8_t *data;
  uint32_t size;
  int32_t value;
} pgi_key;
/* Sorts the keys; of equal ones the last given wins. */
pg_status pgi_trie_init(pgi_trie *t, pg_context *ctx, pgi_key *keys, int64_t n, pg_error *err);
void pgi_trie_deinit(pgi_trie *t);
static inline int32_t pgi_trie_step(const pgi_trie *t, int32_t cell, uint8_t byte) {
  int32_t to = t->cells[cell].base ^ byte;
  return t->cells[to].parent == cell ? to : -1;
}
/* The cell reached from `cell`, or -1. */
int32_t pgi_trie_walk(const pgi_trie *t, int32_t cell, const void *data, size_t n);
int32_t pgi_trie_find(const pgi_trie *t, const void *data, size_t n); /* a value, or -1 */

/* ---- regex.c ----------------------------------------------------------------------------------- */

typedef struct pgi_pattern pgi_pattern;
/* A literal, or a regular expression for PCRE2 with Unicode properties. */
pg_status pgi_pattern_new(pg_context *ctx, const char *text, size_t size, bool is_regex,
                          pgi_pattern **out, pg_error *err);
void pgi_pattern_free(pgi_pattern *p);
/* The matches in data[from .. to), in order, without overlap. */
pg_status pgi_pattern_find(const pgi_pattern *p, const uint8_t *data, size_t from, size_t to,
                           pgi_spans *out, pg_error *err);

/* ---- pattern.c: the published patterns by hand --------------------------------------------------- */

/* The end of the word that begins at i; each of these patterns covers all of a text. */
typedef size_t pgi_scan(const pgi_unicode *u, const uint8_t *p, size_t i, size_t n);
extern pgi_scan pgi_scan_gpt2;
/* NULL: none is written by hand. */
pgi_scan *pgi_scan_find(const char *pattern);

/* ---- charsmap.c: SentencePiece's compiled rules -------------------------------------------------- */

typedef struct pgi_charsmap {
  pg_context *ctx;
  uint32_t *units;
  size_t n_units, n_text;
  char *text; /* zero-terminated */
} pgi_charsmap;
pg_status pgi_charsmap_init(pgi_charsmap *m, pg_context *ctx, const void *data, size_t size,
                            pg_error *err);
void pgi_charsmap_deinit(pgi_charsmap *m);
/* What the longest (or shortest) rule at the start of p[0 .. n) puts there; NULL: no rule.  *used: the
** bytes that it replaces. */
const char *pgi_charsmap_find(const pgi_charsmap *m, const uint8_t *p, size_t n, bool is_longest,
                              size_t *used);

/* ---- normalize.c, forms.c ------------------------------------------------------------------------- */

typedef enum pgi_form { PG_NFC, PG_NFD, PG_NFKC, PG_NFKD } pgi_form;
typedef enum pgi_normal_kind {
  PG_NORMAL_FORM,
  PG_NORMAL_LOWER,
  PG_NORMAL_STRIP_ACCENTS,
  PG_NORMAL_STRIP_MN,
  PG_NORMAL_BERT_CLEAN,
  PG_NORMAL_BERT_CJK,
  PG_NORMAL_REPLACE,
  PG_NORMAL_PREPEND,
  PG_NORMAL_STRIP,
  PG_NORMAL_CHARSMAP,
  PG_NORMAL_NMT,
  PG_NORMAL_BYTES,
  PG_NORMAL_SENTENCE
} pgi_normal_kind;
typedef struct pgi_normal {
  pgi_normal_kind kind;
  pgi_form form;
  bool left, right;           /* strip; sentence: a mark before, spaces joined */
  bool is_escaped, is_suffix; /* sentence: marks for spaces; the mark stands behind */
  pgi_pattern *pattern;       /* replace */
  char *text;                 /* replace, prepend */
  size_t size;
  pgi_charsmap map;
  pgi_trie symbols; /* sentence: texts that stay as they are */
} pgi_normal;
/* *changed false: nothing was written, the input stands. */
pg_status pgi_normalize(const pgi_unicode *u, const pgi_normal *step, const pgi_chars *in,
                        pgi_chars *out, pgi_spans *scratch, bool *changed, pg_error *err);
pg_status pgi_normalize_form(const pgi_unicode *u, pgi_form form, const pgi_chars *in,
                             pgi_chars *out, bool *changed, pg_error *err);

/* ---- split.c --------------------------------------------------------------------------------------- */

typedef enum pgi_split_kind {
  PG_SPLIT_BERT,
  PG_SPLIT_WORDS,
  PG_SPLIT_SPACES,
  PG_SPLIT_PUNCT,
  PG_SPLIT_DIGITS,
  PG_SPLIT_PATTERN,
  PG_SPLIT_SCAN,
  PG_SPLIT_BYTES,
  PG_SPLIT_LETTERS,
  PG_SPLIT_RAW,
  PG_SPLIT_MARK,
  PG_SPLIT_CHAR,
  PG_SPLIT_FIXED
} pgi_split_kind;
typedef enum pgi_behaviour {
  PG_REMOVED,
  PG_ISOLATED,
  PG_WITH_PREVIOUS,
  PG_WITH_NEXT,
  PG_CONTIGUOUS
} pgi_behaviour;
typedef enum pgi_scheme { PG_ALWAYS, PG_FIRST, PG_NEVER } pgi_scheme;
typedef struct pgi_split {
  pgi_split_kind kind;
  pgi_behaviour behaviour;
  bool is_inverted;
  bool has_regex, add_space; /* bytes */
  bool is_split;             /* mark */
  pgi_scheme scheme;         /* mark */
  uint32_t ch;               /* mark, char */
  int64_t length;            /* fixed */
  pgi_scan *scan;
  pgi_pattern *pattern;
} pgi_split;
typedef struct pgi_work pgi_work;
/* Splits the words of w->text further, and may write a new text. */
pg_status pgi_split_run(const pgi_unicode *u, const pgi_split *step, pgi_work *w, pg_error *err);

/* ---- models ------------------------------------------------------------------------------------------ */

typedef struct pgi_piece {
  int32_t id;
  uint32_t from, to; /* bytes of the word */
} pgi_piece;

typedef struct pgi_merge {
  uint32_t left, right, rank, id; /* id UINT32_MAX: an empty slot */
} pgi_merge;

typedef enum pgi_model_kind { PG_WORDPIECE, PG_BPE, PG_UNIGRAM, PG_WORDLEVEL } pgi_model_kind;
typedef struct pgi_text_model {
  pgi_model_kind kind;
  pgi_trie trie;      /* what words are matched with: raw bytes when is_bytes */
  bool is_bytes;      /* symbols are bytes, not characters */
  int32_t unk;        /* -1: none */
  int32_t bytes[256]; /* bpe: of single bytes, or of <0xNN>; -1 */
  int32_t last[256];  /* of bytes at a word's end */
  bool byte_fallback, fuse_unk, ignore_merges;
  bool cut_at_mark; /* a mark behind anything else always begins a token */
  int64_t max_chars;
  int32_t inner; /* wordpiece: the cell of the prefix */
  char *prefix, *suffix;
  pgi_merge *merges;
  uint32_t n_slots;
  double *scores;
  double unk_score;
  bool is_sentence; /* SentencePiece: sums kept in f32, places of byte tokens */
  uint8_t *is_user; /* sentence, unigram: user-defined, scored by length */
  double max_score;
} pgi_text_model;
void pgi_model_deinit(pgi_text_model *m, pg_context *ctx);
/* Each appends the pieces of one word to w->pieces. */
pg_status pgi_wordpiece(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                        pg_error *err);
pg_status pgi_wordlevel(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                        pg_error *err);
pg_status pgi_bpe(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n, pg_error *err);
pg_status pgi_unigram(const pgi_text_model *m, pgi_work *w, const uint8_t *p, size_t n,
                      pg_error *err);
pg_status pgi_bpe_merges(pgi_text_model *m, pg_context *ctx, int64_t n, pg_error *err);
void pgi_bpe_add(pgi_text_model *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t id);

/* ---- encode.c ------------------------------------------------------------------------------------------ */

typedef struct pgi_added {
  int32_t id;
  const char *text;
  uint32_t size;
  bool is_special, lstrip, rstrip, single_word, normalized;
} pgi_added;

typedef struct pgi_template {
  int32_t id; /* -1: the first text, -2: the second */
  uint32_t type;
} pgi_template;

typedef enum pgi_decode_kind {
  PG_DECODE_BYTES,
  PG_DECODE_WORDPIECE,
  PG_DECODE_MARK,
  PG_DECODE_BPE,
  PG_DECODE_FALLBACK,
  PG_DECODE_FUSE,
  PG_DECODE_STRIP,
  PG_DECODE_REPLACE,
  PG_DECODE_CTC,
  PG_DECODE_SENTENCE
} pgi_decode_kind;
typedef struct pgi_decode {
  pgi_decode_kind kind;
  const char *text, *with, *word;
  bool cleanup, prefix;
  int64_t start, stop;
  uint32_t ch;
} pgi_decode;

typedef struct pgi_cached pgi_cached;
/* What one encoding works in; kept by the tokenizer for the next. */
struct pgi_work {
  pg_context *ctx;
  pgi_chars source, text, other;
  pgi_spans words, next, found;
  pgi_piece *pieces;
  int64_t n_pieces, piece_room;
  void *block; /* of the models */
  int64_t block_room;
  pgi_cached *cache;
  int cache_bits;
  bool wants_places;
};

enum { PG_WORKS = 16, PG_MAX_STEPS = 32 };
struct pgi_tokenizer {
  pg_context *ctx;
  pgi_arena arena; /* texts of tokens */
  pgi_unicode unicode;
  const char **tokens; /* by id; NULL: a hole */
  uint32_t *sizes;
  uint8_t *kinds; /* PG_TOKEN_* */
  int64_t n_tokens;
  pgi_trie names; /* the texts of tokens, as given */
  pgi_added *added;
  int64_t n_added;
  pgi_trie raw_added, normal_added; /* values: rows of added */
  bool first_raw[256], first_normal[256];
  pgi_normal normals[PG_MAX_STEPS];
  int n_normals;
  pgi_split splits[PG_MAX_STEPS];
  int n_splits;
  pgi_text_model model;
  pgi_template single[PG_MAX_STEPS], pair[PG_MAX_STEPS];
  int n_single, n_pair;
  bool has_template; /* else texts stand alone, the second with type 1 */
  bool trims, trims_keep_space;
  pgi_decode decodes[PG_MAX_STEPS];
  int n_decodes;
  int64_t max_length; /* 0: no truncation */
  bool cut_left;
  int cut_strategy; /* 0 longest first, 1 only first, 2 only second */
  bool has_padding, pad_left;
  int64_t pad_length, pad_multiple; /* 0: the longest of the batch */
  int32_t pad_id, pad_type;
  bool needs_places; /* a split asks where in the text it stands */
  bool is_sentence;  /* a SentencePiece model: its own normaliser, its rules for offsets */
  void *_Atomic works[PG_WORKS];
};
enum { PG_TOKEN_SPECIAL = 1, PG_TOKEN_HIDDEN = 2 /* never matched in a text */ };
typedef struct pgi_tokenizer pgi_tokenizer;

typedef struct pgi_encoding {
  pg_context *ctx;
  int64_t n, id_room, place_room, mark_room;
  int32_t *ids;
  pgi_span *bytes, *chars; /* where each comes from; NULL unless asked for */
  uint8_t *types, *marks;  /* marks: 1 special, 2 padding */
  bool wants_places;
} pgi_encoding;

typedef struct pgi_encode_options {
  bool special; /* put the special tokens around */
  bool places;
  bool truncate, pad;
  int64_t max_length; /* 0: the tokenizer's own */
} pgi_encode_options;

pg_status pgi_tokenizer_new(pg_context *ctx, pgi_tokenizer **out, pg_error *err);
void pgi_tokenizer_free(pgi_tokenizer *t); /* NULL is fine */
/* After all parts are set: builds what searches need. */
pg_status pgi_tokenizer_finish(pgi_tokenizer *t, pg_error *err);
/* After the vocabulary, before merges and added tokens: what words are matched with. */
pg_status pgi_tokenizer_index(pgi_tokenizer *t, pg_error *err);
pg_status pgi_tokenizer_add(pgi_tokenizer *t, const pgi_added *a, pg_error *err);
/* The text, normalised, in w->text. */
pg_status pgi_tokenizer_normalize(const pgi_tokenizer *t, pgi_work *w, const char *text,
                                  size_t size, pg_error *err);
pg_status pgi_tokenizer_set(pgi_tokenizer *t, int64_t id, const char *text, size_t size,
                            pg_error *err);
int32_t pgi_tokenizer_id(const pgi_tokenizer *t, const char *text, size_t size); /* -1: none */

/* pair: may be NULL. */
pg_status pgi_encode(pgi_tokenizer *t, const char *text, size_t size, const char *pair,
                     size_t pair_size, const pgi_encode_options *o, pgi_encoding *out,
                     pg_error *err);
void pgi_encoding_deinit(pgi_encoding *e);
pg_status pgi_encoding_pad(const pgi_tokenizer *t, pgi_encoding *e, int64_t n, pg_error *err);
pg_status pgi_encoding_room(pgi_encoding *e, int64_t more, pg_error *err);
pgi_work *pgi_work_take(pgi_tokenizer *t, pg_error *err);
void pgi_work_give(pgi_tokenizer *t, pgi_work *w);
void pgi_work_free(pgi_work *w);
/* words.c: every word of w->text to tokens. */
pg_status pgi_words_encode(const pgi_tokenizer *t, pgi_work *w, pgi_encoding *out, pg_error *err);
/* added.c: the next added token in data[from .. n); false: none is left. */
typedef struct pgi_found {
  const pgi_added *token;
  size_t from, to;
} pgi_found;
bool pgi_added_next(const pgi_tokenizer *t, bool normalized, const pgi_chars *text, size_t done,
                    size_t *cursor, pgi_found *out);

/* ---- decode.c -------------------------------------------------------------------------------------------- */

typedef struct pgi_text_bytes {
  pg_context *ctx;
  char *data;
  int64_t n, capacity;
} pgi_text_bytes;
pg_status pgi_bytes_add(pgi_text_bytes *b, const void *data, size_t n, pg_error *err);
/* PG_INVALID names an id outside of the vocabulary. */
pg_status pgi_decode_ids(const pgi_tokenizer *t, const int64_t *ids, int64_t n, bool skip_special,
                         pgi_text_bytes *out, pg_error *err);

/* ---- utf8.c: the letters that GPT-2 writes bytes with ------------------------------------------------ */

uint32_t pgi_byte_letter(uint8_t byte);
int pgi_letter_byte(uint32_t letter); /* -1: none */
/* The bytes that a token's text stands for, into out (at least size); -1: not all are letters. */
int64_t pgi_letters_to_bytes(const char *text, size_t size, uint8_t *out);
/* Into out (at least 3/4 of n); -1: not base64. */
int64_t pgi_from_base64(const char *text, size_t n, uint8_t *out);

/* ---- read.c, read_json.c, read_sentence.c, read_plain.c ---------------------------------------------- */

typedef struct pgi_open_options {
  const char *format;  /* "json", "sentencepiece", "vocab", "bpe", "tiktoken"; NULL: by content */
  const char *merges;  /* bpe: the file of merges */
  const char *pattern; /* tiktoken: a name (gpt2, cl100k, o200k, llama3, qwen2) or an expression */
  int lowercase;       /* vocab.txt: -1 default (as bert-base-uncased) */
} pgi_open_options;
pg_status pgi_tokenizer_open(pg_context *ctx, const char *path, const pgi_open_options *o,
                             pgi_tokenizer **out, pg_error *err);
pg_status pgi_read_json(pgi_tokenizer *t, const void *data, size_t size, pg_error *err);
pg_status pgi_read_sentence(pgi_tokenizer *t, const void *data, size_t size, pg_error *err);
pg_status pgi_read_vocab(pgi_tokenizer *t, const void *data, size_t size, int lowercase,
                         pg_error *err);
pg_status pgi_read_bpe(pgi_tokenizer *t, const void *vocab, size_t size, const void *merges,
                       size_t merges_size, pg_error *err);
pg_status pgi_read_tiktoken(pgi_tokenizer *t, const void *data, size_t size, const char *pattern,
                            pg_error *err);
/* Merges from a vocabulary alone: any two tokens whose joined text is one, by `rank` of that one. */
pg_status pgi_bpe_from_ranks(pgi_tokenizer *t, const uint32_t *ranks, pg_error *err);

#endif
