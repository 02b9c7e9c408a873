/* What is searched in texts: literals by own code, expressions by PCRE2 (its interface of 10.30 on),
** which is opened when the first one is made. */
#include "text/text.h"

enum { UTF = 0x00080000, UCP = 0x00020000, NO_UTF_CHECK = 0x40000000, NOTEMPTY = 0x00000004 };
enum { NO_MATCH = -1, JIT_COMPLETE = 1 };
enum { MATCH_LIMIT = 10000000, DEPTH_LIMIT = 100000, HEAP_LIMIT = 65536 /* KiB */ };

typedef struct functions {
  void *(*compile)(const uint8_t *, size_t, uint32_t, int *, size_t *, void *);
  void (*code_free)(void *);
  int (*jit_compile)(void *, uint32_t);
  void *(*match_data)(const void *, void *);
  void (*match_data_free)(void *);
  int (*match)(const void *, const uint8_t *, size_t, size_t, uint32_t, void *, void *);
  size_t *(*ovector)(void *);
  int (*error_message)(int, uint8_t *, size_t);
  void *(*match_context)(void *);
  void (*match_context_free)(void *);
  int (*set_match_limit)(void *, uint32_t);
  int (*set_depth_limit)(void *, uint32_t);
  int (*set_heap_limit)(void *, uint32_t);
} functions;

struct pgi_pattern {
  pg_context *ctx;
  functions f;
  void *code;
  char *literal; /* instead of code */
  size_t size;
};

static pg_status load(functions *f, pg_error *err) {
  static const char *const symbols[] = {"pcre2_compile_8",
                                        "pcre2_code_free_8",
                                        "pcre2_jit_compile_8",
                                        "pcre2_match_data_create_from_pattern_8",
                                        "pcre2_match_data_free_8",
                                        "pcre2_match_8",
                                        "pcre2_get_ovector_pointer_8",
                                        "pcre2_get_error_message_8",
                                        "pcre2_match_context_create_8",
                                        "pcre2_match_context_free_8",
                                        "pcre2_set_match_limit_8",
                                        "pcre2_set_depth_limit_8",
                                        "pcre2_set_heap_limit_8"};
  void *found[PG_COUNT(symbols)];
  _Static_assert(sizeof found == sizeof *f, "one pointer for each name");
  PG_TRY(pgi_library_open("libpcre2-8.so.0", symbols, found, PG_COUNT(symbols), err));
  memcpy(f, found, sizeof *f);
  return PG_OK;
}

/* Oniguruma, which such patterns were written for, joins sets in sets: [^a[bc]] is [^abc].  PCRE2 takes the
** inner bracket for itself: it is dropped here.  Into out (at least n bytes); the size. */
static size_t flatten_sets(const char *text, size_t n, char *out) {
  int depth = 0;
  size_t to = 0;
  for (size_t i = 0; i < n; i++) {
    char c = text[i];
    bool is_posix = depth && c == '[' && i + 1 < n && text[i + 1] == ':';
    if (c == '\\' && i + 1 < n) {
      out[to++] = c;
      c = text[++i];
    } else if (is_posix) {
      while (i + 1 < n && !(text[i] == ':' && text[i + 1] == ']' && i > 0 && text[i - 1] != '['))
        out[to++] = text[i++];
      out[to++] = text[i++];
      if (i >= n) break;
      c = text[i];
    } else if (c == '[') {
      if (depth++) continue;
      out[to++] = c; /* a bracket that closes right behind is a member */
      if (i + 1 < n && text[i + 1] == '^') out[to++] = text[++i];
      if (i + 1 < n && text[i + 1] == ']') out[to++] = text[++i];
      continue;
    } else if (c == ']' && depth) {
      if (--depth) continue;
    }
    out[to++] = c;
  }
  return to;
}

static pg_status compile(pgi_pattern *p, const char *source, size_t size, pg_error *err) {
  int code;
  size_t at;
  char *text = pgi_alloc_zero(p->ctx, size + 1);
  if (!text) return pgi_nomem(err);
  p->literal = text; /* freed with the pattern */
  size = flatten_sets(source, size, text);
  PG_TRY(load(&p->f, err));
  p->code = p->f.compile((const uint8_t *)text, size, UTF | UCP, &code, &at, NULL);
  if (p->code) {
    p->f.jit_compile(p->code, JIT_COMPLETE); /* where it can't: interpreted */
    return PG_OK;
  }
  uint8_t message[128] = "";
  p->f.error_message(code, message, sizeof message);
  return pgi_fail(err, PG_FORMAT, "pattern '%.200s', at byte %zu: %s", text, at, (char *)message);
}

pg_status pgi_pattern_new(pg_context *ctx, const char *text, size_t size, bool is_regex,
                          pgi_pattern **out, pg_error *err) {
  pgi_pattern *p = pgi_alloc_zero(ctx, sizeof *p);
  if (!p) return pgi_nomem(err);
  p->ctx = ctx;
  p->size = size;
  pg_status status = PG_OK;
  if (is_regex) {
    status = compile(p, text, size, err);
  } else {
    p->literal = pgi_alloc(ctx, size + 1);
    if (p->literal) {
      memcpy(p->literal, text, size);
      p->literal[size] = 0;
    } else {
      status = pgi_nomem(err);
    }
  }
  if (status == PG_OK)
    *out = p;
  else
    pgi_pattern_free(p);
  return status;
}

void pgi_pattern_free(pgi_pattern *p) {
  if (!p) return;
  if (p->code) p->f.code_free(p->code);
  pgi_free(p->ctx, p->literal);
  pgi_free(p->ctx, p);
}

static pg_status find_literal(const pgi_pattern *p, const uint8_t *data, size_t from, size_t to,
                              pgi_spans *out, pg_error *err) {
  while (p->size && from < to) {
    const uint8_t *hit = memmem(data + from, to - from, p->literal, p->size);
    if (!hit) break;
    from = (size_t)(hit - data) + p->size;
    PG_TRY(pgi_spans_add(out, from - p->size, from, err));
  }
  return PG_OK;
}

pg_status pgi_pattern_find(const pgi_pattern *p, const uint8_t *data, size_t from, size_t to,
                           pgi_spans *out, pg_error *err) {
  if (!p->code) return find_literal(p, data, from, to, out, err);
  pg_status status = PG_OK;
  void *match = p->f.match_data(p->code, NULL), *limits = p->f.match_context(NULL);
  size_t at = 0;
  if (!match || !limits) status = pgi_nomem(err);
  if (status == PG_OK) {
    p->f.set_match_limit(limits, MATCH_LIMIT);
    p->f.set_depth_limit(limits, DEPTH_LIMIT);
    p->f.set_heap_limit(limits, HEAP_LIMIT);
  }
  while (status == PG_OK && at < to - from) {
    int rc =
        p->f.match(p->code, data + from, to - from, at, NO_UTF_CHECK | NOTEMPTY, match, limits);
    if (rc == NO_MATCH) break;
    if (rc < 0) {
      uint8_t message[128] = "";
      p->f.error_message(rc, message, sizeof message);
      status = pgi_fail(err, PG_UNSUPPORTED, "a pattern gave up on this text: %s", (char *)message);
      break;
    }
    const size_t *span = p->f.ovector(match);
    if (span[1] <= at || span[0] >= span[1]) break; /* \K may turn them round */
    status = pgi_spans_add(out, from + PG_MAX(span[0], at), from + span[1], err);
    at = span[1];
  }
  if (limits) p->f.match_context_free(limits);
  if (match) p->f.match_data_free(match);
  return status;
}
