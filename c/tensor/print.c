/* print: a tensor as a person wants to see it: what it is, its extremes, its corners. */
#include <math.h>

#include "tensor/tensor.h"

enum {
  WHOLE_COUNT = 64,    /* elements that are shown all */
  MOST_ELEMENTS = 400, /* of a larger tensor's corners */
  MOST_ITEMS = 10,     /* of a sequence */
  MOST_NESTING = 4,    /* of sequences in sequences */
  STRING_BYTES = 60,
  CELL = 4 * STRING_BYTES + 16
};

/* ---- one element ---------------------------------------------------------------------------- */

static void quote(pgi_text *text, const pg_string *s) {
  pgi_text_add(text, "\"");
  for (size_t i = 0; i < PG_MIN(s->size, (size_t)STRING_BYTES); i++) {
    unsigned char c = (unsigned char)s->data[i];
    if (c == '"' || c == '\\')
      pgi_text_add(text, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      pgi_text_add(text, "\\x%02x", c);
    else
      pgi_text_add(text, "%c", c);
  }
  pgi_text_add(text, s->size > STRING_BYTES ? "...\"" : "\"");
}

/* A NaN's sign says nothing. */
static double plain_nan(double v) {
  return isnan(v) ? (double)NAN : v;
}

/* `at` counts from the buffer's start. */
static void element(pgi_text *text, const pg_tensor *t, int64_t at) {
  const void *data = t->buffer->data;
  pg_dtype part = t->dtype == PG_C64 ? PG_F32 : PG_F64;
  double f[2];
  int64_t i;
  switch (pgi_dtype_kind(t->dtype)) {
    case PG_KIND_FLOAT:
      pgi_load_f64(t->dtype, data, at, 1, f);
      pgi_text_add(text, "%.5g", plain_nan(f[0]));
      break;
    case PG_KIND_COMPLEX:
      pgi_load_f64(part, data, 2 * at, 2, f);
      pgi_text_add(text, "%.5g%+.5gi", plain_nan(f[0]), plain_nan(f[1]));
      break;
    case PG_KIND_STRING:
      quote(text, &((const pg_string *)data)[at]);
      break;
    case PG_KIND_BOOL:
      pgi_text_add(text, "%s", ((const uint8_t *)data)[at] ? "true" : "false");
      break;
    default:
      pgi_load_i64(t->dtype, data, at, 1, &i);
      if (t->dtype == PG_U64)
        pgi_text_add(text, "%llu", (unsigned long long)i);
      else
        pgi_text_add(text, "%lld", (long long)i);
  }
}

/* ---- extremes ------------------------------------------------------------------------------- */

typedef struct stats {
  double min, max, sum;
  int64_t n, n_nan;
} stats;

static void add_to_stats(stats *s, const double *values, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    double v = values[i];
    if (isnan(v)) {
      s->n_nan++;
      continue;
    }
    if (v < s->min) s->min = v;
    if (v > s->max) s->max = v;
    s->sum += v;
    s->n++;
  }
}

static stats stats_of(const pg_tensor *t) {
  enum { CHUNK = 512 };
  stats s = {.min = (double)INFINITY, .max = -(double)INFINITY};
  int64_t n = pgi_tensor_count(t);
  double chunk[CHUNK];
  for (int64_t i = 0; i < n; i += CHUNK) {
    int64_t m = PG_MIN(CHUNK, n - i);
    pgi_tensor_load_f64(t, i, m, chunk);
    add_to_stats(&s, chunk, m);
  }
  return s;
}

static void add_stats(pgi_text *text, const pg_tensor *t) {
  pgi_kind kind = pgi_dtype_kind(t->dtype);
  bool is_number = kind == PG_KIND_FLOAT || kind == PG_KIND_INT || kind == PG_KIND_UINT;
  if (!is_number || pgi_tensor_count(t) < 2) return;
  stats s = stats_of(t);
  if (s.n) {
    double mean = plain_nan(s.sum / (double)s.n);
    pgi_text_add(text, "  min %.5g  mean %.5g  max %.5g", s.min, mean, s.max);
  }
  if (s.n_nan) pgi_text_add(text, "  nan %lld", (long long)s.n_nan);
}

/* ---- elements in brackets ------------------------------------------------------------------- */

typedef struct page {
  pgi_text *text; /* NULL while measuring */
  const pg_tensor *t;
  int64_t edge; /* shown at either end of an axis; 0: all */
  int left;     /* elements that may still be shown */
  int width;    /* of the widest */
} page;

static bool is_cut(const page *p, int axis) {
  return p->edge > 0 && p->t->dims[axis] > 2 * p->edge;
}

static void cell(page *p, int64_t at) {
  char data[CELL];
  pgi_text text = {data, sizeof data, 0};
  data[0] = 0;
  element(&text, p->t, at);
  p->left--;
  if (p->text)
    pgi_text_add(p->text, "%*s", p->width, data);
  else
    p->width = PG_MAX(p->width, (int)text.n);
}

static void line_break(const page *p, int axis) {
  pgi_text_add(p->text, axis == p->t->rank - 1 ? ", " : ",\n%*s", axis + 1, "");
}

static void brackets(page *p, int axis, int64_t at) {
  int64_t dim = p->t->dims[axis];
  if (p->text) pgi_text_add(p->text, "[");
  for (int64_t i = 0; i < dim; i++) {
    if (i && p->text) line_break(p, axis);
    if (p->left <= 0 || (is_cut(p, axis) && i == p->edge)) {
      if (p->text) pgi_text_add(p->text, "...");
      if (p->left <= 0) break;
      i = dim - p->edge - 1;
      continue;
    }
    int64_t next = at + i * p->t->strides[axis];
    if (axis == p->t->rank - 1)
      cell(p, next);
    else
      brackets(p, axis + 1, next);
  }
  if (p->text) pgi_text_add(p->text, "]");
}

/* Narrower edges for many axes: the corners multiply. */
static int64_t edge_of(const pg_tensor *t) {
  if (pgi_tensor_count(t) <= WHOLE_COUNT) return 0;
  for (int64_t edge = 3; edge > 1; edge--) {
    int64_t shown = 1;
    for (int i = 0; i < t->rank && shown <= MOST_ELEMENTS; i++) {
      shown *= PG_MIN(t->dims[i], 2 * edge);
    }
    if (shown <= MOST_ELEMENTS) return edge;
  }
  return 1;
}

static void add_elements(pgi_text *text, const pg_tensor *t) {
  page p = {.t = t, .edge = edge_of(t), .left = MOST_ELEMENTS};
  brackets(&p, 0, t->offset);
  p.text = text;
  p.left = MOST_ELEMENTS;
  if (t->dtype == PG_STRING) p.width = 0;
  brackets(&p, 0, t->offset);
}

/* ---- values --------------------------------------------------------------------------------- */

static void add_head(pgi_text *text, const pg_tensor *t) {
  char shape[400];
  pgi_text_add(text, "%s", pgi_shape_text(t->dtype, t->rank, t->dims, shape, sizeof shape));
  if (t->rank == 0) {
    pgi_text_add(text, "  ");
    element(text, t, t->offset);
  } else {
    add_stats(text, t);
  }
}

static void add_items(pgi_text *text, const pg_tensor *t, int depth);

static void add_item(pgi_text *text, const pg_tensor *t, int depth) {
  if (t->dtype == PG_NONE)
    pgi_text_add(text, "none");
  else if (pgi_dtype_kind(t->dtype) == PG_KIND_OBJECT)
    add_items(text, t, depth);
  else
    add_head(text, t);
}

/* Sequences and maps: a line an item. */
static void add_items(pgi_text *text, const pg_tensor *t, int depth) {
  static const char *const parts[] = {"keys", "values"};
  int64_t n = t->rank ? t->dims[0] : 0;
  pgi_text_add(text, "%s [%lld]", pg_dtype_name(t->dtype), (long long)n);
  for (int64_t i = 0; i < n && depth < MOST_NESTING; i++) {
    pgi_text_add(text, "\n%*s", 2 * depth + 2, "");
    if (i == MOST_ITEMS) {
      pgi_text_add(text, "...");
      return;
    }
    if (t->dtype == PG_MAP && i < PG_COUNT(parts))
      pgi_text_add(text, "%s: ", parts[i]);
    else
      pgi_text_add(text, "%lld: ", (long long)i + 1);
    add_item(text, pgi_sequence_at(t, i), depth + 1);
  }
}

size_t pg_tensor_print(const pg_tensor *t, char *buffer, size_t size) {
  pgi_text text = {buffer, size, 0};
  if (size) buffer[0] = 0;
  pgi_text_add(&text, "Tensor ");
  add_item(&text, t, 0);
  bool has_elements = pgi_dtype_valid((int)t->dtype) && t->rank > 0 && pgi_tensor_count(t) > 0;
  if (has_elements) {
    pgi_text_add(&text, "\n");
    add_elements(&text, t);
  }
  return text.n;
}
