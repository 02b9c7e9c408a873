/* The equations of Einsum: terms of letters and "...", separated by commas, and maybe "->" with the
** term of the output. */
#include "op/einsum.h"

/* A term as written: letters, and where the ellipsis stands. */
typedef struct written {
  int n, ellipsis; /* -1: none */
  uint8_t label[PG_MAX_RANK];
} written;

static pg_status fail(pg_string equation, const char *why, pg_error *err) {
  return pgi_fail(err, PG_INVALID, "equation '%.*s': %s", (int)PG_MIN(equation.size, 200),
                  equation.data, why);
}

static int letter(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return 26 + c - 'a';
  return -1;
}

/* Reads from *at up to a comma, "->" or the end. */
static pg_status read_term(pg_string e, size_t *at, written *out, pg_error *err) {
  *out = (written){.ellipsis = -1};
  for (; *at < e.size; ++*at) {
    char c = e.data[*at];
    if (c == ',' || c == '-') break;
    if (c == ' ') continue;
    if (c == '.') {
      if (*at + 2 >= e.size || e.data[*at + 1] != '.' || e.data[*at + 2] != '.') {
        return fail(e, "expected '...'", err);
      }
      if (out->ellipsis >= 0) return fail(e, "a term has two ellipses", err);
      out->ellipsis = out->n;
      *at += 2;
      continue;
    }
    int label = letter(c);
    if (label < 0) return fail(e, "expected letters, commas, '...' and '->'", err);
    if (out->n == PG_MAX_RANK) return fail(e, "a term has too many letters", err);
    out->label[out->n++] = (uint8_t)label;
  }
  return PG_OK;
}

/* Writes out the `wide` axes of the ellipsis, aligned at the last of `widest`. */
static pg_status spell(pg_string e, const written *w, int wide, int widest, pgi_einsum_term *out,
                       pg_error *err) {
  out->n = 0;
  if (w->n + (w->ellipsis >= 0 ? wide : 0) > PG_MAX_RANK) {
    return fail(e, "a term has too many axes", err);
  }
  for (int i = 0; i <= w->n; i++) {
    for (int k = 0; i == w->ellipsis && k < wide; k++) {
      out->label[out->n++] = (uint8_t)(PG_EINSUM_LETTERS + widest - wide + k);
    }
    if (i < w->n) out->label[out->n++] = w->label[i];
  }
  return PG_OK;
}

/* Without "->": the ellipsis, then the letters that occur once. */
static void implied(const int *count, written *out) {
  *out = (written){.ellipsis = 0};
  for (int l = 0; l < PG_EINSUM_LETTERS; l++) {
    if (count[l] == 1 && out->n < PG_MAX_RANK) out->label[out->n++] = (uint8_t)l;
  }
}

static pg_status check_output(pg_string e, const written *w, const int *count, pg_error *err) {
  bool seen[PG_EINSUM_LETTERS] = {false};
  for (int i = 0; i < w->n; i++) {
    if (count[w->label[i]] == 0) return fail(e, "the output has a letter of no input", err);
    if (seen[w->label[i]]) return fail(e, "the output has a letter twice", err);
    seen[w->label[i]] = true;
  }
  return PG_OK;
}

pg_status pgi_einsum_parse(pg_string e, int n_in, const int *rank, pgi_einsum *out, pg_error *err) {
  written terms[PG_MANY], output;
  int count[PG_EINSUM_LETTERS] = {0}, n = 0, widest = 0, once = 0;
  size_t at = 0;
  for (;;) {
    if (n == PG_MIN(n_in, PG_MANY)) return fail(e, "there are more terms than inputs", err);
    PG_TRY(read_term(e, &at, &terms[n], err));
    const written *w = &terms[n];
    for (int i = 0; i < w->n; i++) count[w->label[i]]++;
    int wide = rank[n] - w->n;
    if (wide < 0 || (wide > 0 && w->ellipsis < 0)) {
      return fail(e, "a term's length is not the rank of its input", err);
    }
    widest = PG_MAX(widest, wide);
    n++;
    if (at >= e.size || e.data[at] == '-') break;
    at++;
  }
  if (n != n_in) return fail(e, "there are fewer terms than inputs", err);
  if (at < e.size) {
    if (at + 1 >= e.size || e.data[at + 1] != '>') return fail(e, "expected '->'", err);
    at += 2;
    PG_TRY(read_term(e, &at, &output, err));
    if (at < e.size) return fail(e, "something follows the output", err);
    PG_TRY(check_output(e, &output, count, err));
  } else {
    for (int l = 0; l < PG_EINSUM_LETTERS; l++) once += count[l] == 1;
    if (once > PG_MAX_RANK) return fail(e, "the output has too many axes", err);
    implied(count, &output);
  }
  out->n_in = n;
  for (int i = 0; i < n; i++) {
    PG_TRY(spell(e, &terms[i], rank[i] - terms[i].n, widest, &out->in[i], err));
  }
  return spell(e, &output, widest, widest, &out->out, err);
}
