/* RelativePositionBias of com.microsoft: a bias for each head and distance, where far distances
** share a bucket, the more the farther (Raffel et al. 2020, T5). */
#include <math.h>

#include "op/move.h"

static pg_status read_lengths(const pg_tensor *q, const pg_tensor *k, int64_t *rows,
                              int64_t *columns, pg_error *err) {
  *rows = *columns = -1;
  if (q) PG_TRY(pgi_scalar_i64(q, "query_length", rows, err));
  if (k) PG_TRY(pgi_scalar_i64(k, "key_length", columns, err));
  if ((!q || *rows >= 0) && (!k || *columns >= 0)) return PG_OK;
  return pgi_fail(err, PG_INVALID, "query_length, key_length: expected 0 or more");
}

static pg_status infer(pgi_infer *inf) {
  pgi_type *y = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 4);
  y->dims[0] = pgi_dim_of(1);
  if (pgi_in_rank(inf, 0) == 2) y->dims[1] = inf->in[0]->dims[1];
  return read_lengths(pgi_known(inf, 1), pgi_known(inf, 2), &y->dims[2].n, &y->dims[3].n, inf->err);
}

/* Half of the buckets are for distances one by one, the others grow by powers. */
static int64_t bucket(int64_t distance, int64_t buckets, int64_t most, bool is_both) {
  int64_t first = 0, n = -distance;
  if (is_both) {
    buckets /= 2;
    if (n < 0) first = buckets;
    n = n < 0 ? -n : n;
  } else {
    n = PG_MAX(n, 0);
  }
  int64_t exact = buckets / 2;
  if (n < exact) return first + n;
  float share = logf((float)n / (float)exact) / logf((float)most / (float)exact);
  int64_t far = exact + (int64_t)(share * (float)(buckets - exact));
  return first + PG_MIN(far, buckets - 1);
}

static pg_status run(pgi_call *c) {
  const pg_tensor *table = c->in[0];
  int64_t rows, columns, most = pgi_attr_int(c->node, "max_distance");
  bool is_both = pgi_attr_int(c->node, "is_bidirectional") != 0;
  PG_TRY(read_lengths(c->in[1], c->in[2], &rows, &columns, c->err));
  if (table->rank != 2 || table->dims[0] < (is_both ? 4 : 2) || most <= table->dims[0] / 2)
    return pgi_fail(c->err, PG_INVALID,
                    "bias_table: expected [buckets, heads] and a max_distance "
                    "of more than half the buckets");
  int64_t buckets = table->dims[0], heads = table->dims[1];
  PG_TRY(pgi_call_alloc(c, 0, table->dtype, 4, (int64_t[]){1, heads, rows, columns}));
  size_t size = pgi_dtype_size(table->dtype);
  const char *from = pgi_tensor_data(table);
  char *to = pgi_tensor_data(c->out[0]);
  /* What matters is the distance alone. */
  for (int64_t q = 0; q < rows; q++)
    for (int64_t k = 0; k < columns; k++) {
      int64_t at = bucket(k - q, buckets, most, is_both);
      for (int64_t h = 0; h < heads; h++)
        pgi_elem_copy(to + (size_t)((h * rows + q) * columns + k) * size,
                      from + (size_t)(at * heads + h) * size, size);
    }
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "is_bidirectional", .kind = PG_ATTR_INT},
    {.name = "max_distance", .kind = PG_ATTR_INT, .is_required = true},
    {0}};

PG_OP(ms_relative_position_bias) = {.name = "RelativePositionBias",
                                    .domain = "com.microsoft",
                                    .since = {1},
                                    .in = {3, 3},
                                    .out = {1, 1},
                                    .types = PG_T_FLOAT,
                                    .attrs = attrs,
                                    .infer = infer,
                                    .run = run};
