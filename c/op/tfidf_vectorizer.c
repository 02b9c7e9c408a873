/* TfIdfVectorizer: how often the n-grams of a pool occur in rows of tokens, with gaps or
** without. */
#include "op/move.h"
#include "op/order.h"

typedef enum weighting { TF, IDF, TFIDF } weighting;

/* The n-grams of one length, sorted by their tokens. */
typedef struct grams {
  int64_t first, n;     /* of the pool: the first token, how many n-grams */
  int64_t column;       /* of ngram_indexes: that of the first */
  const int64_t *order; /* [n] */
} grams;

typedef struct vectorizer {
  weighting mode;
  int64_t least, most, skips, width;
  const int64_t *ints; /* the pool; one of these is NULL */
  const pg_string *strings;
  const int64_t *columns;
  const float *weights; /* [n_weights], by column */
  int64_t n_weights;
  grams *sizes; /* [most]: n-grams of 1, 2 ... tokens */
  pgi_arena arena;
} vectorizer;

/* ---- the pool -------------------------------------------------------------------------------- */

static int compare_tokens(const vectorizer *v, int64_t a, int64_t b) {
  if (v->strings) return pgi_order_strings(v->strings[a], v->strings[b]);
  return (v->ints[a] > v->ints[b]) - (v->ints[a] < v->ints[b]);
}

typedef struct sorting {
  const vectorizer *v;
  int64_t first, size;
} sorting;

static int compare_grams(const void *arg, int64_t a, int64_t b) {
  const sorting *s = arg;
  for (int64_t i = 0; i < s->size; i++) {
    int order = compare_tokens(s->v, s->first + a * s->size + i, s->first + b * s->size + i);
    if (order) return order;
  }
  return 0;
}

static pg_status sort_grams(vectorizer *v, grams *g, int64_t size, pg_error *err) {
  int64_t *order = pgi_arena_alloc(&v->arena, (size_t)g->n * 2 * sizeof *order + 1);
  if (!order) return pgi_nomem(err);
  for (int64_t i = 0; i < g->n; i++) order[i] = i;
  pgi_order_sort(order, order + g->n, g->n, compare_grams, &(sorting){v, g->first, size});
  g->order = order;
  return PG_OK;
}

/* ngram_counts says where the n-grams of each length begin. */
static pg_status read_pool(vectorizer *v, const pgi_node *node, pg_error *err) {
  int64_t n_ints, n_strings, n_counts, n_columns, column = 0;
  const int64_t *counts = pgi_attr_ints(node, "ngram_counts", &n_counts);
  v->ints = pgi_attr_ints(node, "pool_int64s", &n_ints);
  v->strings = pgi_attr_strings(node, "pool_strings", &n_strings);
  v->columns = pgi_attr_ints(node, "ngram_indexes", &n_columns);
  if ((n_ints > 0) == (n_strings > 0)) {
    return pgi_fail(err, PG_INVALID, "expected either pool_int64s or pool_strings");
  }
  if (n_ints)
    v->strings = NULL;
  else
    v->ints = NULL;
  int64_t total = PG_MAX(n_ints, n_strings);
  for (int64_t i = 0; i < n_counts; i++) {
    int64_t first = counts[i], end = i + 1 < n_counts ? counts[i + 1] : total, n;
    if (first < 0 || end < first || end > total || (end - first) % (i + 1) != 0) {
      return pgi_fail(err, PG_INVALID, "ngram_counts[%lld]: %lld", (long long)i, (long long)first);
    }
    n = (end - first) / (i + 1);
    if (n > n_columns - column) {
      return pgi_fail(err, PG_INVALID, "ngram_indexes: expected one for each n-gram");
    }
    if (i < v->most) v->sizes[i] = (grams){first, n, column, NULL};
    if (i < v->most && i + 1 >= v->least) PG_TRY(sort_grams(v, &v->sizes[i], i + 1, err));
    column += n;
  }
  return PG_OK;
}

static pg_status output_width(const pgi_node *node, int64_t *out, pg_error *err) {
  int64_t n;
  const int64_t *columns = pgi_attr_ints(node, "ngram_indexes", &n);
  *out = 0;
  for (int64_t i = 0; i < n; i++) {
    if (columns[i] < 0 || columns[i] > INT32_MAX) {
      return pgi_fail(err, PG_INVALID, "ngram_indexes[%lld]: %lld", (long long)i,
                      (long long)columns[i]);
    }
    *out = PG_MAX(*out, columns[i] + 1);
  }
  return PG_OK;
}

static pg_status read_mode(const pgi_node *node, weighting *out, pg_error *err) {
  static const char *const names[] = {"TF", "IDF", "TFIDF"};
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "mode", names[i])) continue;
    *out = (weighting)i;
    return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "mode: expected TF, IDF or TFIDF");
}

static void tfidf_discard(pg_context *ctx, void *prepared) {
  vectorizer *v = prepared;
  pgi_arena_deinit(&v->arena);
  pgi_free(ctx, v);
}

static pg_status read_vectorizer(vectorizer *v, const pgi_node *node, pg_error *err) {
  PG_TRY(read_mode(node, &v->mode, err));
  PG_TRY(output_width(node, &v->width, err));
  v->least = pgi_attr_int(node, "min_gram_length");
  v->most = pgi_attr_int(node, "max_gram_length");
  v->skips = pgi_attr_int(node, "max_skip_count");
  v->weights = pgi_attr_floats(node, "weights", &v->n_weights);
  if (v->least < 1 || v->most < v->least || v->most > 1000 || v->skips < 0) {
    return pgi_fail(err, PG_INVALID,
                    "min_gram_length %lld, max_gram_length %lld, max_skip_count %lld",
                    (long long)v->least, (long long)v->most, (long long)v->skips);
  }
  v->sizes = pgi_arena_alloc(&v->arena, (size_t)v->most * sizeof *v->sizes);
  return v->sizes ? read_pool(v, node, err) : pgi_nomem(err);
}

static pg_status tfidf_prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                               void **prepared, pg_error *err) {
  vectorizer *v = pgi_alloc_zero(ctx, sizeof *v);
  (void)value;
  if (!v) return pgi_nomem(err);
  pgi_arena_init(&v->arena, ctx);
  pg_status status = read_vectorizer(v, node, err);
  if (status == PG_OK)
    *prepared = v;
  else
    tfidf_discard(ctx, v);
  return status;
}

/* ---- inference ------------------------------------------------------------------------------- */

static pg_status tfidf_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t width;
  PG_TRY(output_width(inf->node, &width, inf->err));
  if (rank > 2)
    return pgi_fail(inf->err, PG_INVALID, "X: expected [C] or [N,C], got rank %d", rank);
  pgi_type *out = pgi_out_type(inf, 0, PG_F32, rank < 0 ? -1 : PG_MAX(rank, 1));
  if (rank == 2) out->dims[0] = inf->in[0]->dims[0];
  if (rank >= 0) out->dims[out->rank - 1] = pgi_dim_of(width);
  return PG_OK;
}

/* ---- counting -------------------------------------------------------------------------------- */

/* One row of tokens; one of the pointers is NULL. */
typedef struct row {
  const int64_t *ints;
  const pg_string *strings;
  int64_t n;
} row;

static int compare_at(const vectorizer *v, const row *r, int64_t at, int64_t gap, int64_t token,
                      int64_t size) {
  for (int64_t i = 0; i < size; i++, at += gap) {
    int order;
    if (v->strings)
      order = pgi_order_strings(r->strings[at], v->strings[token + i]);
    else
      order = (r->ints[at] > v->ints[token + i]) - (r->ints[at] < v->ints[token + i]);
    if (order) return order;
  }
  return 0;
}

/* The column of the n-gram of `size` tokens, every `gap`, from `at` on; -1: not in the pool.  Of
** equal ones the last counts. */
static int64_t find_gram(const vectorizer *v, const row *r, int64_t at, int64_t gap, int64_t size) {
  const grams *g = &v->sizes[size - 1];
  int64_t low = 0, high = g->n;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (compare_at(v, r, at, gap, g->first + g->order[middle] * size, size) < 0)
      high = middle;
    else
      low = middle + 1;
  }
  if (low == 0) return -1;
  int64_t found = g->order[low - 1];
  if (compare_at(v, r, at, gap, g->first + found * size, size) != 0) return -1;
  return v->columns[g->column + found];
}

static void count_row(const vectorizer *v, const row *r, float *out) {
  int64_t gaps = PG_MIN(v->skips, r->n) + 1;
  for (int64_t gap = 1; gap <= gaps; gap++) {
    for (int64_t size = v->least; size <= v->most; size++) {
      if (size == 1 && gap > 1) continue; /* no gaps in one token */
      if (size > r->n || (size - 1) * gap >= r->n) break;
      for (int64_t at = 0; at + (size - 1) * gap < r->n; at++) {
        int64_t column = find_gram(v, r, at, gap, size);
        if (column >= 0) out[column]++;
      }
    }
  }
  for (int64_t i = 0; i < v->width && v->mode != TF; i++) {
    float weight = i < v->n_weights ? v->weights[i] : 1;
    out[i] = v->mode == TFIDF ? out[i] * weight : out[i] > 0 ? weight : 0;
  }
}

static pg_status tfidf_run(pgi_call *c) {
  const vectorizer *v = c->prepared;
  const pg_tensor *in = c->in[0];
  float *out = pgi_tensor_data(c->out[0]);
  int64_t rows = in->rank == 2 ? in->dims[0] : 1;
  row r = {.n = rows ? pgi_tensor_count(in) / rows : 0};
  if ((in->dtype == PG_STRING) != (v->strings != NULL)) {
    return pgi_fail(c->err, PG_INVALID, "X: expected %s, as in the pool, got %s",
                    v->strings ? "strings" : "integers", pg_dtype_name(in->dtype));
  }
  if (v->strings)
    r.strings = pgi_tensor_data(in);
  else
    PG_TRY(pgi_i64s(c, in, &r.ints));
  memset(out, 0, (size_t)pgi_tensor_count(c->out[0]) * sizeof *out);
  for (int64_t i = 0; i < rows; i++, out += v->width) {
    count_row(v, &r, out);
    if (r.ints) r.ints += r.n;
    if (r.strings) r.strings += r.n;
  }
  return PG_OK;
}

static const pgi_attr_def tfidf_attrs[] = {
    {.name = "max_gram_length", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "max_skip_count", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "min_gram_length", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "mode", .kind = PG_ATTR_STRING, .is_required = true},
    {.name = "ngram_counts", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "ngram_indexes", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "pool_int64s", .kind = PG_ATTR_INTS},
    {.name = "pool_strings", .kind = PG_ATTR_STRINGS},
    {.name = "weights", .kind = PG_ATTR_FLOATS},
    {0}};

PG_OP(tfidf_vectorizer) = {
    .name = "TfIdfVectorizer",
    .since = {9},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_I32) | PG_T(PG_I64) | PG_T(PG_STRING),
    .attrs = tfidf_attrs,
    .infer = tfidf_infer,
    .prepare = tfidf_prepare,
    .discard = tfidf_discard,
    .run = tfidf_run,
};
