/* text_cast: numbers to texts and back, as numpy writes and reads them. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tensor/tensor.h"

enum { TEXT_SIZE = 64, LONGEST_NUMBER = 400 };

/* ---- number to text ------------------------------------------------------------------------- */

static bool reads_back(pg_dtype dtype, double v, const char *text) {
  uint64_t want = 0, got = 0;
  double read = strtod(text, NULL);
  pgi_store_f64(dtype, &want, 0, 1, &v);
  pgi_store_f64(dtype, &got, 0, 1, &read);
  return want == got;
}

/* The fewest digits that give the same element again: "d", exponent.  The decimal point, which
** depends on the locale, is whatever stands between digits. */
static void shortest_digits(pg_dtype dtype, double v, char digits[24], int *exponent) {
  char text[TEXT_SIZE];
  for (int precision = 0; precision < 17; precision++) {
    snprintf(text, sizeof text, "%.*e", precision, v);
    if (reads_back(dtype, v, text)) break;
  }
  int n = 0;
  const char *p = text;
  for (; *p && *p != 'e'; p++) {
    if (*p >= '0' && *p <= '9' && n < 20) digits[n++] = *p;
  }
  while (n > 1 && digits[n - 1] == '0') n--;
  digits[n] = 0;
  *exponent = *p ? atoi(p + 1) : 0;
}

/* Plain from 1e-4 up to 1e16, else scientific: where Python's str changes over. */
static void float_text(pg_dtype dtype, double v, pgi_text *t) {
  char digits[24];
  int exponent;
  if (isnan(v) || isinf(v)) {
    pgi_text_add(t, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
    return;
  }
  if (signbit(v)) pgi_text_add(t, "-");
  shortest_digits(dtype, fabs(v), digits, &exponent);
  int n = (int)strlen(digits);
  if (exponent < -4 || exponent >= 16) {
    pgi_text_add(t, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "", digits + 1,
                 exponent < 0 ? '-' : '+', abs(exponent));
  } else if (exponent < 0) {
    pgi_text_add(t, "0.%.*s%s", -exponent - 1, "000", digits);
  } else if (exponent + 1 >= n) {
    pgi_text_add(t, "%s%.*s.0", digits, exponent + 1 - n, "0000000000000000");
  } else {
    pgi_text_add(t, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
  }
}

static void element_text(const pg_tensor *t, int64_t i, pgi_text *text) {
  if (pgi_dtype_kind(t->dtype) == PG_KIND_FLOAT) {
    float_text(t->dtype, pgi_tensor_get_f64(t, i), text);
    return;
  }
  int64_t v = pgi_tensor_get_i64(t, i);
  if (t->dtype == PG_BOOL)
    pgi_text_add(text, "%s", v ? "True" : "False");
  else if (t->dtype == PG_U64)
    pgi_text_add(text, "%llu", (unsigned long long)v);
  else
    pgi_text_add(text, "%lld", (long long)v);
}

pg_status pgi_cast_to_strings(const pg_tensor *from, pg_tensor *to, pg_error *err) {
  int64_t n = pgi_tensor_count(from);
  for (int64_t i = 0; i < n; i++) {
    char data[TEXT_SIZE];
    pgi_text text = {data, sizeof data, 0};
    element_text(from, i, &text);
    PG_TRY(pgi_string_set(to->buffer, to->offset + i, data, text.n, err));
  }
  return PG_OK;
}

/* ---- text to number ------------------------------------------------------------------------- */

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static pg_string trimmed(pg_string s) {
  while (s.size && is_space(s.data[0])) s.data++, s.size--;
  while (s.size && is_space(s.data[s.size - 1])) s.size--;
  return s;
}

static bool is_word(const char *text, const char *word) {
  for (; *text && *word; text++, word++) {
    char lower = *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
    if (lower != *word) return false;
  }
  return *text == *word;
}

static bool read_word(const char *text, double *out) {
  double sign = *text == '-' ? -1 : 1;
  if (*text == '-' || *text == '+') text++;
  if (is_word(text, "inf") || is_word(text, "infinity"))
    *out = sign * (double)INFINITY;
  else if (is_word(text, "nan"))
    *out = (double)NAN;
  else if (is_word(text, "true"))
    *out = 1;
  else if (is_word(text, "false"))
    *out = 0;
  else
    return false;
  return true;
}

/* strtod expects the locale's decimal point; the texts have a dot in any locale. */
static bool read_float(const char *text, double *out) {
  char local[LONGEST_NUMBER + 32];
  pgi_text t = {local, sizeof local, 0};
  bool has_point = false;
  local[0] = 0;
  for (const char *p = text; *p; p++) {
    bool is_point = *p == '.' && !has_point;
    has_point |= is_point;
    if (!is_point && !strchr("0123456789+-eE", *p)) return false;
    pgi_text_add(&t, is_point ? "%s" : "%.1s", is_point ? localeconv()->decimal_point : p);
  }
  char *end;
  *out = strtod(local, &end);
  return end != local && *end == 0;
}

/* Decimal digits with a sign, when they fit 64 bits; negative ones as two's complement. */
static bool read_integer(const char *text, int64_t *out) {
  uint64_t v = 0;
  bool is_negative = *text == '-';
  if (*text == '-' || *text == '+') text++;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    if (__builtin_mul_overflow(v, (uint64_t)10, &v)) return false;
    if (__builtin_add_overflow(v, (uint64_t)(*text - '0'), &v)) return false;
  }
  *out = (int64_t)(is_negative ? 0 - v : v);
  return true;
}

static bool read_element(pg_string s, pg_tensor *to, int64_t i) {
  char text[LONGEST_NUMBER + 1];
  s = trimmed(s);
  if (s.size == 0 || s.size > LONGEST_NUMBER || memchr(s.data, 0, s.size)) return false;
  memcpy(text, s.data, s.size);
  text[s.size] = 0;
  int64_t integer;
  double v;
  bool is_float = pgi_dtype_kind(to->dtype) == PG_KIND_FLOAT;
  if (!is_float && read_integer(text, &integer)) {
    pgi_store_i64(to->dtype, to->buffer->data, to->offset + i, 1, &integer);
    return true;
  }
  if (!read_word(text, &v) && !read_float(text, &v)) return false;
  pgi_store_f64(to->dtype, to->buffer->data, to->offset + i, 1, &v);
  return true;
}

pg_status pgi_cast_from_strings(const pg_tensor *from, pg_tensor *to, pg_error *err) {
  int64_t n = pgi_tensor_count(from);
  const pg_string *strings = pgi_tensor_data(from);
  for (int64_t i = 0; i < n; i++) {
    if (!read_element(strings[i], to, i)) {
      return pgi_fail(err, PG_INVALID, "element %lld: expected a number, got '%.*s'", (long long)i,
                      (int)PG_MIN(strings[i].size, 60), strings[i].size ? strings[i].data : "");
    }
  }
  return PG_OK;
}
