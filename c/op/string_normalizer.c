/* StringNormalizer: a row of strings without stop words, in one case.  Cases are Unicode's own,
** whatever the locale. */
#include "op/move.h"
#include "op/utf8.h"

static pg_status normalizer_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  if (rank == 1 || rank < 0) {
    pgi_out_type(inf, 0, PG_STRING, rank);
    return PG_OK;
  }
  int64_t rows = rank == 2 ? inf->in[0]->dims[0].n : 0;
  if (rank != 2 || (rows >= 0 && rows != 1)) {
    return pgi_fail(inf->err, PG_INVALID, "X: expected [C] or [1,C], got rank %d", rank);
  }
  pgi_out_type(inf, 0, PG_STRING, 2)->dims[0] = pgi_dim_of(1);
  return PG_OK;
}

typedef enum letter_case { KEEP, LOWER, UPPER } letter_case;

static uint32_t change(uint32_t rune, letter_case to) {
  return to == LOWER ? pgi_rune_lower(rune) : to == UPPER ? pgi_rune_upper(rune) : rune;
}

/* Equal, or equal in small letters. */
static bool is_equal(pg_string a, pg_string b, bool is_case_sensitive) {
  size_t i = 0, k = 0;
  if (is_case_sensitive) return a.size == b.size && (!a.size || !memcmp(a.data, b.data, a.size));
  while (i < a.size && k < b.size) {
    uint32_t x = pgi_utf8_next(a.data, a.size, &i), y = pgi_utf8_next(b.data, b.size, &k);
    if (pgi_rune_lower(x) != pgi_rune_lower(y)) return false;
  }
  return i == a.size && k == b.size;
}

static bool is_stop_word(const pgi_node *node, pg_string s) {
  int64_t n;
  const pg_string *words = pgi_attr_strings(node, "stopwords", &n);
  bool is_case_sensitive = pgi_attr_int(node, "is_case_sensitive") != 0;
  for (int64_t i = 0; i < n; i++) {
    if (is_equal(s, words[i], is_case_sensitive)) return true;
  }
  return false;
}

/* A changed letter may take a byte more (and U+FFFD for a bad byte two). */
static pg_status write(pgi_call *c, int64_t i, pg_string s, letter_case to) {
  pg_tensor *out = c->out[0];
  size_t room, n = 0, at = 0;
  if (to == KEEP || s.size == 0) {
    return pgi_string_set(out->buffer, out->offset + i, s.data, s.size, c->err);
  }
  if (!pgi_mul_size(s.size, 3, &room)) return pgi_nomem(c->err);
  char *text = pgi_alloc(c->ctx, room);
  if (!text) return pgi_nomem(c->err);
  while (at < s.size)
    n += (size_t)pgi_utf8_put(change(pgi_utf8_next(s.data, s.size, &at), to), text + n);
  pg_status status = pgi_string_set(out->buffer, out->offset + i, text, n, c->err);
  pgi_free(c->ctx, text);
  return status;
}

static pg_status case_of(const pgi_node *node, letter_case *out, pg_error *err) {
  static const char *const names[] = {"NONE", "LOWER", "UPPER"};
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "case_change_action", names[i])) continue;
    *out = (letter_case)i;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "case_change_action: expected NONE, LOWER or UPPER");
}

/* When nothing is left the result is one empty string. */
static pg_status normalizer_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  const pg_string *strings = pgi_tensor_data(in);
  int64_t n = pgi_tensor_count(in), kept = 0, dims[2] = {1, 1};
  letter_case to = KEEP;
  PG_TRY(case_of(c->node, &to, c->err));
  for (int64_t i = 0; i < n; i++) kept += !is_stop_word(c->node, strings[i]);
  dims[in->rank - 1] = PG_MAX(kept, 1);
  PG_TRY(pgi_elems_alloc(c, 0, PG_STRING, in->rank, dims));
  for (int64_t i = 0, k = 0; i < n; i++) {
    if (!is_stop_word(c->node, strings[i])) PG_TRY(write(c, k++, strings[i], to));
  }
  return PG_OK;
}

static const pgi_attr_def normalizer_attrs[] = {
    {.name = "case_change_action", .kind = PG_ATTR_STRING, .s = "NONE"},
    {.name = "is_case_sensitive", .kind = PG_ATTR_INT},
    {.name = "locale", .kind = PG_ATTR_STRING},
    {.name = "stopwords", .kind = PG_ATTR_STRINGS},
    {0}};

PG_OP(string_normalizer) = {
    .name = "StringNormalizer",
    .since = {10},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_STRING),
    .attrs = normalizer_attrs,
    .infer = normalizer_infer,
    .run = normalizer_run,
};
