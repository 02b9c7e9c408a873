/* type_text: types from the texts that pgi_type_text writes. */
#include "graph/graph.h"

enum { DEEPEST_TYPE = 32 };

typedef struct type_reader {
  const char *text, *at;
  pgi_arena *arena;
  pg_error *err;
} type_reader;

static pg_status parse_type(type_reader *r, int depth, pgi_type *out);

static pg_status fail_type(const type_reader *r, const char *expected) {
  return pgi_fail(r->err, PG_INVALID, "type '%.100s': expected %s at '%.20s'", r->text, expected,
                  r->at);
}

static void skip_space(type_reader *r) {
  while (*r->at == ' ') r->at++;
}

static bool accept(type_reader *r, const char *word) {
  skip_space(r);
  size_t n = strlen(word);
  if (strncmp(r->at, word, n) != 0) return false;
  r->at += n;
  return true;
}

static pg_status parse_dtype(type_reader *r, pg_dtype *out) {
  char name[16];
  skip_space(r);
  size_t n = strspn(r->at, "abcdefghijklmnopqrstuvwxyz0123456789");
  *out = PG_NONE;
  if (accept(r, "?")) return PG_OK;
  if (n == 0 || n >= sizeof name) return fail_type(r, "an element type");
  memcpy(name, r->at, n);
  name[n] = 0;
  if (!pg_dtype_from_name(name, out) || !pgi_dtype_valid((int)*out))
    return fail_type(r, "an element type");
  r->at += n;
  return PG_OK;
}

static pg_status parse_dim(type_reader *r, pgi_dim *out) {
  skip_space(r);
  size_t n = strcspn(r->at, ",]");
  while (n > 0 && r->at[n - 1] == ' ') n--;
  if (n == 0) return fail_type(r, "a dimension");
  *out = pgi_dim_unknown();
  const char *text = r->at;
  r->at += n;
  if (n == 1 && *text == '?') return PG_OK;
  if (strspn(text, "0123456789") >= n) {
    int64_t v = 0;
    for (size_t i = 0; i < n; i++)
      if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text[i] - '0', &v))
        return fail_type(r, "a smaller dimension");
    *out = pgi_dim_of(v);
    return PG_OK;
  }
  if (*text == '-') return fail_type(r, "a dimension or a name");
  out->symbol = pgi_arena_strndup(r->arena, text, n);
  return out->symbol ? PG_OK : pgi_nomem(r->err);
}

/* "[]" is the shape of a scalar, as in the texts that we write; none or "[*]": not known. */
static pg_status parse_shape(type_reader *r, pgi_type *out) {
  if (!accept(r, "[")) return PG_OK;
  if (accept(r, "*")) return accept(r, "]") ? PG_OK : fail_type(r, "']'");
  out->rank = 0;
  if (accept(r, "]")) return PG_OK;
  do {
    if (out->rank == PG_MAX_RANK) return fail_type(r, "fewer dimensions");
    PG_TRY(parse_dim(r, &out->dims[out->rank]));
    out->rank++;
  } while (accept(r, ","));
  return accept(r, "]") ? PG_OK : fail_type(r, "']'");
}

static pg_status parse_elem(type_reader *r, int depth, pgi_type *out) {
  pgi_type *elem = pgi_arena_alloc(r->arena, sizeof *elem);
  if (!elem) return pgi_nomem(r->err);
  PG_TRY(parse_type(r, depth + 1, elem));
  out->elem = elem;
  return accept(r, ")") ? PG_OK : fail_type(r, "')'");
}

static pg_status parse_type(type_reader *r, int depth, pgi_type *out) {
  *out = pgi_type_unknown;
  if (depth > DEEPEST_TYPE) return fail_type(r, "less nesting");
  skip_space(r);
  if (*r->at == '?' && r->at[1] != ' ' && r->at[1] != '[') {
    r->at++;
    return PG_OK;
  }
  bool is_sequence = accept(r, "seq(");
  if (is_sequence || accept(r, "optional(")) {
    out->kind = is_sequence ? PG_TYPE_SEQUENCE : PG_TYPE_OPTIONAL;
    return parse_elem(r, depth, out);
  }
  if (accept(r, "map(")) {
    out->kind = PG_TYPE_MAP;
    PG_TRY(parse_dtype(r, &out->dtype));
    if (!accept(r, ",")) return fail_type(r, "','");
    return parse_elem(r, depth, out);
  }
  out->kind = accept(r, "sparse ") ? PG_TYPE_SPARSE : PG_TYPE_TENSOR;
  PG_TRY(parse_dtype(r, &out->dtype));
  return parse_shape(r, out);
}

pg_status pgi_type_parse(const char *text, pgi_arena *arena, pgi_type *out, pg_error *err) {
  type_reader r = {.text = text, .at = text, .arena = arena, .err = err};
  pgi_type type;
  PG_TRY(parse_type(&r, 0, &type));
  skip_space(&r);
  if (*r.at) return fail_type(&r, "the end");
  *out = type;
  return PG_OK;
}
