/* Tokenizer (com.microsoft): strings cut into tokens, in rows filled up with a pad value: between
** matches of the separators, which are patterns and take their turns, or by a pattern that tokens
** match.  One empty separator: every code point is a token. */
#include "op/move.h"
#include "op/regex.h"
#include "op/utf8.h"

typedef struct patterns {
  int64_t n;
  pgi_regex *of[]; /* [n] */
} patterns;

/* The attributes, and where the tokens of one string stand while they are looked for. */
typedef struct tokenizer {
  const patterns *p;
  void *room; /* of the greatest of the patterns */
  bool is_splitting;
  bool is_marked;
  size_t least; /* code points of a token */
  pg_string pad;
  pg_string *tokens, *parts; /* as many as the longest string has bytes */
} tokenizer;

/* ---- patterns -------------------------------------------------------------------------------- */

static void discard(pg_context *ctx, void *prepared) {
  patterns *p = prepared;
  if (!p) return;
  for (int64_t i = 0; i < p->n; i++) pgi_regex_free(ctx, p->of[i]);
  pgi_free(ctx, p);
}

static pg_status prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                         void **prepared, pg_error *err) {
  int64_t n;
  pg_string expression = pgi_attr_string(node, "tokenexp");
  const pg_string *of = pgi_attr_strings(node, "separators", &n);
  (void)value;
  if ((n > 0) == (expression.size > 0))
    return pgi_fail(err, PG_INVALID, "separators, tokenexp: expected one of them");
  if (n == 0) of = &expression, n = 1;
  patterns *p = pgi_alloc_zero(ctx, sizeof *p + (size_t)n * sizeof p->of[0]);
  if (!p) return pgi_nomem(err);
  pg_status status = PG_OK;
  if (n == 1 && of[0].size == 0) n = 0;
  for (; p->n < n && status == PG_OK; p->n++) {
    status = of[p->n].size ? pgi_regex_new(ctx, of[p->n].data, of[p->n].size, &p->of[p->n], err)
                           : pgi_fail(err, PG_INVALID, "separators[%lld]: empty", (long long)p->n);
  }
  if (status != PG_OK)
    discard(ctx, p);
  else
    *prepared = p;
  return status;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool is_long_enough(const tokenizer *t, size_t size, const char *text) {
  size_t n = 0;
  for (size_t at = 0; at < size && n < t->least; n++) pgi_utf8_next(text, size, &at);
  return size > 0 && n >= t->least;
}

static int64_t add(const tokenizer *t, pg_string *list, int64_t n, const char *text, size_t size) {
  if (!is_long_enough(t, size, text)) return n;
  list[n] = (pg_string){(char *)(uintptr_t)text, size};
  return n + 1;
}

/* Appends what lies between matches of r; a match of nothing takes the next code point. */
static int64_t split(const tokenizer *t, const pgi_regex *r, pg_string s, pg_string *list,
                     int64_t n) {
  size_t at = 0, first, end;
  while (at < s.size && pgi_regex_find(r, s.data, s.size, at, t->room, &first, &end)) {
    n = add(t, list, n, s.data + at, first - at);
    if (end == first && end < s.size) pgi_utf8_next(s.data, s.size, &end);
    if (end == at) break;
    at = end;
  }
  return add(t, list, n, s.data + at, s.size - at);
}

static int64_t split_all(tokenizer *t, pg_string s) {
  int64_t n = 1;
  t->tokens[0] = s;
  for (int64_t i = 0; i < t->p->n; i++) {
    pg_string *from = t->tokens;
    int64_t n_from = n;
    n = 0;
    for (int64_t k = 0; k < n_from; k++) n = split(t, t->p->of[i], from[k], t->parts, n);
    t->tokens = t->parts;
    t->parts = from;
  }
  return n;
}

/* Too short a match is passed by a code point, not as a whole. */
static int64_t match_all(const tokenizer *t, pg_string s) {
  size_t at = 0, first, end;
  int64_t n = 0;
  while (at < s.size && pgi_regex_find(t->p->of[0], s.data, s.size, at, t->room, &first, &end)) {
    int64_t before = n;
    n = add(t, t->tokens, n, s.data + first, end - first);
    at = n > before ? end : first;
    if (n == before && at < s.size) pgi_utf8_next(s.data, s.size, &at);
  }
  return n;
}

static int64_t characters(const tokenizer *t, pg_string s) {
  int64_t n = 0;
  for (size_t at = 0, first = 0; at < s.size; first = at) {
    pgi_utf8_next(s.data, s.size, &at);
    n = add(t, t->tokens, n, s.data + first, at - first);
  }
  return n;
}

/* The tokens of a string, in t->tokens. */
static int64_t tokenize(tokenizer *t, pg_string s) {
  if (s.size == 0) return 0;
  if (t->p->n == 0) return characters(t, s);
  return t->is_splitting ? split_all(t, s) : match_all(t, s);
}

/* ---- the operator ---------------------------------------------------------------------------- */

static pg_status infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  if (rank >= 0 && rank != 1 && rank != 2)
    return pgi_fail(inf->err, PG_INVALID, "X: expected [C] or [N,C], got rank %d", rank);
  pgi_type *out = pgi_out_type(inf, 0, PG_STRING, rank < 0 ? -1 : rank + 1);
  for (int i = 0; i < rank; i++) out->dims[i] = inf->in[0]->dims[i];
  return PG_OK;
}

static pg_status put(pgi_call *c, int64_t at, const char *text, size_t size) {
  return pgi_string_set(c->out[0]->buffer, c->out[0]->offset + at, text, size, c->err);
}

/* A row of `width` places from `at` on: tokens and padding, between marks of start and end. */
static pg_status put_row(pgi_call *c, const tokenizer *t, int64_t n, int64_t at, int64_t width) {
  int64_t first = t->is_marked, last = width - t->is_marked;
  if (t->is_marked) PG_TRY(put(c, at, "\x02", 1));
  for (int64_t i = first; i < last; i++) {
    pg_string s = i - first < n ? t->tokens[i - first] : t->pad;
    PG_TRY(put(c, at + i, s.data, s.size));
  }
  return t->is_marked ? put(c, at + last, "\x03", 1) : PG_OK;
}

static pg_status start(pgi_call *c, tokenizer *t, size_t longest) {
  size_t room = 0, list;
  int64_t n, least = pgi_attr_int(c->node, "mincharnum");
  *t = (tokenizer){.p = c->prepared, .least = (size_t)PG_MAX(least, 1)};
  pgi_attr_strings(c->node, "separators", &n);
  t->is_splitting = n > 0;
  t->is_marked = pgi_attr_int(c->node, "mark") != 0;
  t->pad = pgi_attr_string(c->node, "pad_value");
  for (int64_t i = 0; i < t->p->n; i++) room = PG_MAX(room, pgi_regex_room(t->p->of[i]));
  t->room = pgi_call_scratch(c, PG_MAX(room, 1));
  if (!t->room || !pgi_mul_size(PG_MAX(longest, 1), sizeof(pg_string), &list))
    return pgi_nomem(c->err);
  t->tokens = pgi_call_scratch(c, list);
  t->parts = pgi_call_scratch(c, list);
  return t->tokens && t->parts ? PG_OK : pgi_nomem(c->err);
}

/* Once to see how wide the rows must be, once to write them. */
static pg_status run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  const pg_string *strings = pgi_tensor_data(in);
  int64_t count = pgi_tensor_count(in), width = 0, dims[3] = {0};
  size_t longest = 0;
  tokenizer t;
  for (int64_t i = 0; i < count; i++) longest = PG_MAX(longest, strings[i].size);
  PG_TRY(start(c, &t, longest));
  for (int64_t i = 0; i < count; i++) width = PG_MAX(width, tokenize(&t, strings[i]));
  if (width > 0 && t.is_marked) width += 2;
  memcpy(dims, in->dims, (size_t)in->rank * sizeof *dims);
  dims[in->rank] = width;
  PG_TRY(pgi_elems_alloc(c, 0, PG_STRING, in->rank + 1, dims));
  if (width == 0 || !c->out[0]) return PG_OK;
  for (int64_t i = 0; i < count; i++)
    PG_TRY(put_row(c, &t, tokenize(&t, strings[i]), i * width, width));
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "mark", .kind = PG_ATTR_INT},
                                     {.name = "mincharnum", .kind = PG_ATTR_INT, .i = 1},
                                     {.name = "pad_value", .kind = PG_ATTR_STRING},
                                     {.name = "separators", .kind = PG_ATTR_STRINGS},
                                     {.name = "tokenexp", .kind = PG_ATTR_STRING},
                                     {0}};

PG_OP(ms_tokenizer) = {
    .name = "Tokenizer",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_STRING),
    .attrs = attrs,
    .infer = infer,
    .prepare = prepare,
    .discard = discard,
    .run = run,
};
