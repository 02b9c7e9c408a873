/* StringSplit: strings cut at a delimiter or at white space, in rows filled up with empty
** strings. */
#include "op/move.h"

static pg_status string_split_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  if (rank >= 0) PG_TRY(pgi_check_rank(rank + 1, "output", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, PG_STRING, rank < 0 ? -1 : rank + 1);
  pgi_type *counts = inf->n_out > 1 ? pgi_out_type(inf, 1, PG_I64, rank) : NULL;
  for (int i = 0; i < rank; i++) out->dims[i] = inf->in[0]->dims[i];
  for (int i = 0; i < rank && counts; i++) counts->dims[i] = inf->in[0]->dims[i];
  return PG_OK;
}

typedef struct splitter {
  pg_string delimiter; /* empty: white space */
  int64_t most;        /* cuts */
} splitter;

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static void skip_space(pg_string *rest) {
  while (rest->size && is_space(rest->data[0])) rest->data++, rest->size--;
}

/* The next piece of `rest` between runs of space; the last one that `most` allows runs to the
** end. */
static bool next_word(pg_string *rest, bool is_last, pg_string *piece) {
  size_t n = 0;
  skip_space(rest);
  if (rest->size == 0) return false;
  while (n < rest->size && (is_last || !is_space(rest->data[n]))) n++;
  *piece = (pg_string){rest->data, n};
  rest->data += n;
  rest->size -= n;
  return true;
}

static bool next_piece(const splitter *s, pg_string *rest, bool is_last, pg_string *piece) {
  size_t width = s->delimiter.size, n = 0;
  if (!rest->data) return false; /* ended */
  while (!is_last && rest->size - n >= width && memcmp(rest->data + n, s->delimiter.data, width))
    n++;
  if (is_last || rest->size - n < width) {
    *piece = *rest;
    rest->data = NULL;
    return true;
  }
  *piece = (pg_string){rest->data, n};
  rest->data += n + width;
  rest->size -= n + width;
  return true;
}

/* Counts the pieces of a string; with `out` copies them to its strings from `at` on. */
static pg_status split(const splitter *s, pg_string text, pg_tensor *out, int64_t at, int64_t *n,
                       pg_error *err) {
  pg_string rest = {text.data ? text.data : "", text.size}, piece;
  for (*n = 0;; (*n)++) {
    bool is_last = *n == s->most;
    bool has = s->delimiter.size ? next_piece(s, &rest, is_last, &piece)
                                 : next_word(&rest, is_last, &piece);
    if (!has) return PG_OK;
    if (out) {
      PG_TRY(pgi_string_set(out->buffer, out->offset + at + *n, piece.data, piece.size, err));
    }
  }
}

static pg_status string_split_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  const pg_string *strings = pgi_tensor_data(in);
  splitter s = {pgi_attr_string(c->node, "delimiter"), INT64_MAX};
  int64_t dims[PG_MAX_RANK], n, count = pgi_tensor_count(in), width = 0;
  if (pgi_attr_find(c->node, "maxsplit")) s.most = pgi_attr_int(c->node, "maxsplit");
  if (s.most < 0) s.most = INT64_MAX;
  memcpy(dims, in->dims, sizeof dims);
  PG_TRY(pgi_elems_alloc(c, 1, PG_I64, in->rank, dims));
  int64_t *counts = c->n_out > 1 && c->out[1] ? pgi_tensor_data(c->out[1]) : NULL;
  for (int64_t i = 0; i < count; i++) {
    PG_TRY(split(&s, strings[i], NULL, 0, &n, c->err));
    if (counts) counts[i] = n;
    width = PG_MAX(width, n);
  }
  dims[in->rank] = width;
  if (!c->out[0]) return PG_OK;
  PG_TRY(pgi_elems_alloc(c, 0, PG_STRING, in->rank + 1, dims));
  for (int64_t i = 0; i < count; i++)
    PG_TRY(split(&s, strings[i], c->out[0], i * width, &n, c->err));
  return PG_OK;
}

static const pgi_attr_def string_split_attrs[] = {
    {.name = "delimiter", .kind = PG_ATTR_STRING}, {.name = "maxsplit", .kind = PG_ATTR_INT}, {0}};

PG_OP(string_split) = {
    .name = "StringSplit",
    .since = {20},
    .in = {1, 1},
    .out = {2, 2},
    .types = PG_T(PG_STRING),
    .attrs = string_split_attrs,
    .infer = string_split_infer,
    .run = string_split_run,
};
