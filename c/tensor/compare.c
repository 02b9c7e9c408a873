/* compare: are two values close, and if not, where. */
#include <math.h>

#include "tensor/tensor.h"

enum { CHUNK = 512 };

typedef struct comparison {
  const pg_tensor *actual, *expected;
  double rtol, atol;
  int64_t n_differ, first; /* row-major index of the first that differs */
  double max_difference;
} comparison;

/* ---- elements ------------------------------------------------------------------------------- */

static bool is_close(double actual, double expected, const comparison *c) {
  if (isnan(actual) || isnan(expected)) return isnan(actual) && isnan(expected);
  if (isinf(actual) || isinf(expected)) return actual == expected;
  return fabs(actual - expected) <= c->atol + c->rtol * fabs(expected);
}

static void load_complex(const pg_tensor *t, int64_t i, double parts[2]) {
  pg_dtype part = t->dtype == PG_C64 ? PG_F32 : PG_F64;
  pgi_load_f64(part, t->buffer->data, 2 * pgi_tensor_offset(t, i), 2, parts);
}

static const pg_string *string_at(const pg_tensor *t, int64_t i) {
  return &((const pg_string *)t->buffer->data)[pgi_tensor_offset(t, i)];
}

static bool same_string(const pg_string *a, const pg_string *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* How far apart, where that is a number; as numpy, by the absolute value of the difference. */
static bool complex_agree(const comparison *c, int64_t i, double *difference) {
  double a[2], b[2];
  load_complex(c->actual, i, a);
  load_complex(c->expected, i, b);
  *difference = hypot(a[0] - b[0], a[1] - b[1]);
  if (!isfinite(*difference)) return is_close(a[0], b[0], c) && is_close(a[1], b[1], c);
  return *difference <= c->atol + c->rtol * hypot(b[0], b[1]);
}

static void note(comparison *c, int64_t i, bool is_equal, double difference) {
  if (difference > c->max_difference && isfinite(difference)) c->max_difference = difference;
  if (!is_equal && c->n_differ++ == 0) c->first = i;
}

static void compare_floats(comparison *c, int64_t first, int64_t n) {
  double a[CHUNK], b[CHUNK];
  pgi_tensor_load_f64(c->actual, first, n, a);
  pgi_tensor_load_f64(c->expected, first, n, b);
  for (int64_t i = 0; i < n; i++) note(c, first + i, is_close(a[i], b[i], c), fabs(a[i] - b[i]));
}

static void compare_integers(comparison *c, int64_t first, int64_t n) {
  int64_t a[CHUNK], b[CHUNK];
  bool is_u64 = c->actual->dtype == PG_U64;
  pgi_tensor_load_i64(c->actual, first, n, a);
  pgi_tensor_load_i64(c->expected, first, n, b);
  for (int64_t i = 0; i < n; i++) {
    if (a[i] == b[i]) continue;
    double x = is_u64 ? (double)(uint64_t)a[i] : (double)a[i];
    double y = is_u64 ? (double)(uint64_t)b[i] : (double)b[i];
    note(c, first + i, false, fabs(x - y));
  }
}

static void compare_one_by_one(comparison *c, int64_t first, int64_t n) {
  for (int64_t i = first; i < first + n; i++) {
    double difference = 0;
    bool is_equal = c->actual->dtype == PG_STRING
                        ? same_string(string_at(c->actual, i), string_at(c->expected, i))
                        : complex_agree(c, i, &difference);
    note(c, i, is_equal, difference);
  }
}

static void compare_run(comparison *c, int64_t first, int64_t n) {
  switch (pgi_dtype_kind(c->actual->dtype)) {
    case PG_KIND_FLOAT:
      compare_floats(c, first, n);
      break;
    case PG_KIND_COMPLEX:
    case PG_KIND_STRING:
      compare_one_by_one(c, first, n);
      break;
    default:
      compare_integers(c, first, n);
  }
}

/* ---- saying where --------------------------------------------------------------------------- */

static void add_index(pgi_text *t, const pg_tensor *tensor, int64_t index) {
  int64_t at[PG_MAX_RANK];
  for (int i = tensor->rank - 1; i >= 0; i--) {
    at[i] = index % tensor->dims[i];
    index /= tensor->dims[i];
  }
  for (int i = 0; i < tensor->rank; i++) pgi_text_add(t, "%s%lld", i ? "," : "", (long long)at[i]);
}

static void add_value(pgi_text *text, const pg_tensor *t, int64_t i) {
  double parts[2];
  const pg_string *s;
  switch (pgi_dtype_kind(t->dtype)) {
    case PG_KIND_FLOAT:
      pgi_text_add(text, "%.9g", pgi_tensor_get_f64(t, i));
      break;
    case PG_KIND_COMPLEX:
      load_complex(t, i, parts);
      pgi_text_add(text, "%.9g%+.9gi", parts[0], parts[1]);
      break;
    case PG_KIND_STRING:
      s = string_at(t, i);
      pgi_text_add(text, "'%.*s'", (int)PG_MIN(s->size, 60), s->size ? s->data : "");
      break;
    case PG_KIND_UINT:
      pgi_text_add(text, "%llu", (unsigned long long)pgi_tensor_get_i64(t, i));
      break;
    default:
      pgi_text_add(text, "%lld", (long long)pgi_tensor_get_i64(t, i));
  }
}

static void explain(const comparison *c, pgi_text *why) {
  int64_t n = pgi_tensor_count(c->actual);
  pgi_text_add(why, "element [");
  add_index(why, c->actual, c->first);
  pgi_text_add(why, "]: expected ");
  add_value(why, c->expected, c->first);
  pgi_text_add(why, ", got ");
  add_value(why, c->actual, c->first);
  pgi_text_add(why, " (");
  if (c->actual->dtype != PG_STRING) pgi_text_add(why, "max abs diff %.6g, ", c->max_difference);
  pgi_text_add(why, "%lld of %lld differ)", (long long)c->n_differ, (long long)n);
}

/* ---- values --------------------------------------------------------------------------------- */

static bool compare_elements(comparison *c, pgi_text *why) {
  int64_t n = pgi_tensor_count(c->actual);
  for (int64_t i = 0; i < n; i += CHUNK) compare_run(c, i, PG_MIN(CHUNK, n - i));
  if (c->n_differ) explain(c, why);
  return c->n_differ == 0;
}

static bool compare(comparison *c, pgi_text *why);

static bool compare_objects(const comparison *c, pgi_text *why) {
  for (int64_t i = 0; i < c->actual->dims[0]; i++) {
    pgi_text at = *why;
    comparison element = *c;
    element.actual = pgi_sequence_at(c->actual, i);
    element.expected = pgi_sequence_at(c->expected, i);
    pgi_text_add(&at, "%s %lld: ", c->actual->dtype == PG_MAP ? "part" : "item", (long long)i);
    if (!compare(&element, &at)) return false;
  }
  return true;
}

static bool compare(comparison *c, pgi_text *why) {
  const pg_tensor *a = c->actual, *e = c->expected;
  if (a->dtype != e->dtype || !pgi_same_dims(a, e)) {
    char actual[400], expected[400];
    pgi_shape_text(a->dtype, a->rank, a->dims, actual, sizeof actual);
    pgi_shape_text(e->dtype, e->rank, e->dims, expected, sizeof expected);
    pgi_text_add(why, "expected %s, got %s", expected, actual);
    return false;
  }
  if (pgi_dtype_kind(a->dtype) == PG_KIND_OBJECT) return compare_objects(c, why);
  return a->dtype == PG_NONE || compare_elements(c, why);
}

bool pgi_allclose(const pg_tensor *actual, const pg_tensor *expected, double rtol, double atol,
                  char *why, size_t why_size) {
  comparison c = {.actual = actual, .expected = expected, .rtol = rtol, .atol = atol};
  pgi_text text = {why, why_size, 0};
  if (why_size) why[0] = 0;
  return compare(&c, &text);
}
