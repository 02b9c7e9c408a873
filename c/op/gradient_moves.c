/* Slopes of operators that move elements; and SumTo, which undoes broadcasting. */
#include "op/gradient.h"
#include "op/lanes.h"
#include "op/move.h"

typedef pgi_value value;

static value *shape(pgi_build *b, value *x) {
  return pgi_build_1(b, "Shape", x);
}

static value *flat(pgi_build *b, value *x) {
  return pgi_build_2(b, "Reshape", x, pgi_build_i64s(b, 1, &(int64_t){-1}));
}

value *pgi_slope_reshape(pgi_slope *s, int i) {
  return i == 0 ? pgi_build_2(s->b, "Reshape", s->g[0], shape(s->b, s->x[0])) : NULL;
}

value *pgi_slope_transpose(pgi_slope *s, int i) {
  int64_t n, back[PG_MAX_RANK] = {0};
  const int64_t *perm = pgi_attr_ints(s->node, "perm", &n);
  value *y = pgi_build_1(s->b, "Transpose", s->g[0]);
  (void)i;
  for (int64_t k = 0; k < n && n <= PG_MAX_RANK; k++)
    if (perm[k] >= 0 && perm[k] < n) back[perm[k]] = k;
  if (perm && n <= PG_MAX_RANK) pgi_build_ints(s->b, "perm", n, back);
  return y;
}

/* The same moves done to the places of the elements say where each slope belongs. */
value *pgi_slope_move(pgi_slope *s, int i) {
  pgi_build *b = s->b;
  value *x = s->x[0], *in[PG_MANY], *size = pgi_build_1(b, "Size", x), *sum = NULL;
  if (i != 0) return NULL;
  value *places =
      pgi_build_3(b, "Range", pgi_build_scalar(b, PG_I64, 0), size, pgi_build_scalar(b, PG_I64, 1));
  for (int k = 1; k < s->node->n_in && k < PG_MANY; k++) in[k] = s->x[k];
  in[0] = pgi_build_2(b, "Reshape", places, shape(b, x));
  value *moved[PG_MANY] = {pgi_build_call(b, s->node->type, s->node->n_in, in)};
  for (int k = 0; k < s->node->n_attrs; k++)
    pgi_build_copy_from(b, s->node, s->node->attrs[k].name);
  for (int k = 1; k < s->node->n_out; k++) moved[k] = pgi_build_output(b, k);
  for (int k = 0; k < s->node->n_out; k++) {
    if (!s->g[k]) continue;
    if (!sum) sum = pgi_build_2(b, "Expand", pgi_build_like(b, 0, s->g[k]), flat(b, size));
    sum = pgi_build_3(b, "ScatterElements", sum, flat(b, moved[k]), flat(b, s->g[k]));
    pgi_build_int(b, "axis", 0);
    pgi_build_string(b, "reduction", "add");
  }
  return sum ? pgi_build_2(b, "Reshape", sum, shape(b, x)) : NULL;
}

/* The part of the slope that lies where the input came to lie. */
value *pgi_slope_concat(pgi_slope *s, int i) {
  pgi_build *b = s->b;
  int64_t axis = pgi_attr_int(s->node, "axis"), zero = 0;
  value *at = pgi_build_i64s(b, 1, &axis), *start = pgi_build_i64s(b, 1, &zero), *end = NULL;
  for (int k = 0; k <= i; k++) {
    value *length = pgi_build_2(b, "Gather", shape(b, s->x[k]), at);
    if (end) start = end;
    end = pgi_build_2(b, "Add", start, length);
  }
  return pgi_build_call(b, "Slice", 4, (value *[]){s->g[0], start, end, at});
}

/* ---- SumTo ----------------------------------------------------------------------------------- */

static pg_status sum_infer(pgi_infer *inf) {
  if (pgi_has_in(inf, 1)) inf->out[0] = *inf->in[1];
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = pgi_in_dtype(inf, 0);
  return PG_OK;
}

/* How far input 1 moves along each axis of input 0; 0 where it was broadcast. */
static pg_status read_strides(const pgi_call *c, int64_t *strides) {
  const pg_tensor *g = c->in[0], *x = c->in[1];
  int64_t step = 1;
  bool fits = x->rank <= g->rank;
  for (int d = g->rank - 1; d >= 0 && fits; d--) {
    int at = d - (g->rank - x->rank);
    strides[d] = 0;
    if (at < 0) continue;
    fits = x->dims[at] == g->dims[d] || x->dims[at] == 1;
    if (x->dims[at] != 1) strides[d] = step;
    step *= x->dims[at];
  }
  if (fits) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "the slope can't be summed to its operand's shape");
}

static pg_status sum_run(pgi_call *c) {
  const pg_tensor *g = c->in[0];
  pg_tensor *y = c->out[0];
  int64_t n = pgi_tensor_count(g), m = pgi_tensor_count(y), strides[PG_MAX_RANK];
  double *sum, v;
  PG_TRY(read_strides(c, strides));
  if (pgi_same_dims(g, y)) {
    memcpy(pgi_tensor_data(y), pgi_tensor_data(g), (size_t)n * pgi_dtype_size(g->dtype));
    return PG_OK;
  }
  PG_TRY(pgi_scratch_array(c, m, sizeof *sum, &sum));
  memset(sum, 0, (size_t)m * sizeof *sum);
  pgi_coords k;
  if (n > 0) pgi_coords_set(&k, g->rank, g->dims, 0);
  for (int64_t i = 0; i < n; i++, pgi_coords_next(&k)) {
    int64_t at = 0;
    for (int d = 0; d < g->rank; d++) at += k.at[d] * strides[d];
    pgi_load_f64(g->dtype, pgi_tensor_data(g), i, 1, &v);
    sum[at] += v;
  }
  pgi_store_f64(y->dtype, pgi_tensor_data(y), 0, m, sum);
  return PG_OK;
}

static const pgi_attr_def no_attrs[] = {{0}};

PG_OP(sum_to) = {.name = "SumTo",
                 .domain = "perigee",
                 .since = {1},
                 .in = {2, 2},
                 .out = {1, 1},
                 .types = PG_T_FLOAT,
                 .attrs = no_attrs,
                 .infer = sum_infer,
                 .run = sum_run};
