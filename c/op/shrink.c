/* Shrink: x < -lambd ? x + bias : x > lambd ? x - bias : 0. */
#include "op/elementwise.h"

typedef struct shrink {
  int64_t lambd, bias;
  bool is_unsigned;
} shrink;

static void shrink_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  const shrink *s = arg;
  for (int64_t i = 0; i < n; i++) {
    uint64_t u = (uint64_t)x[i], bias = (uint64_t)s->bias;
    bool is_above = s->is_unsigned ? s->lambd < 0 || u > (uint64_t)s->lambd : x[i] > s->lambd;
    bool is_below = s->is_unsigned ? false : x[i] < -s->lambd;
    y[i] = is_below ? (int64_t)(u + bias) : is_above ? (int64_t)(u - bias) : 0;
  }
}

/* As CastLike would: towards zero; far out of range means the end of the range. */
static int64_t whole(float f) {
  if (!(f > -9e18f)) return f == f ? -INT64_MAX : 0;
  return f < 9e18f ? (int64_t)f : INT64_MAX;
}

static pg_status run(pgi_call *c) {
  float lambd = pgi_attr_float(c->node, "lambd"), bias = pgi_attr_float(c->node, "bias");
  pgi_kind kind = pgi_dtype_kind(c->in[0]->dtype);
  if (kind != PG_KIND_INT && kind != PG_KIND_UINT)
    return pgi_unary_op(c, PG_SHRINK, (double)lambd, (double)bias);
  shrink s = {whole(lambd), whole(bias), kind == PG_KIND_UINT};
  return pgi_unary_i64_op(c, shrink_i64, &s);
}

static const pgi_attr_def attrs[] = {{.name = "bias", .kind = PG_ATTR_FLOAT, .f = 0.0f},
                                     {.name = "lambd", .kind = PG_ATTR_FLOAT, .f = 0.5f},
                                     {0}};

PG_OP(shrink) = {
    .name = "Shrink",
    .since = {9},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = run,
};
