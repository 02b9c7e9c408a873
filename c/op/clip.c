/* Clip: min(max(x, low), high), each bound a scalar input that may be missing. */
#include "op/elementwise.h"

/* The attributes of Clip-1 and Clip-6; their defaults, the ends of f32, bound nothing. */
static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  if (version < 11) {
    PG_TRY(pgi_upgrade_float_to_input(node, "min", 1, err));
    PG_TRY(pgi_upgrade_float_to_input(node, "max", 2, err));
  }
  return pgi_upgrade_consumed(node, version, err);
}

static const pg_tensor *bound(const pgi_call *c, int i) {
  return i < c->n_in ? c->in[i] : NULL;
}

/* A float bound serves any float: it may have come from an attribute whose type nobody knew. */
static pg_status check_bound(const pgi_call *c, int i) {
  const pg_tensor *t = bound(c, i);
  if (!t) return PG_OK;
  bool is_float = pgi_dtype_kind(c->in[0]->dtype) == PG_KIND_FLOAT;
  bool is_fit = is_float ? pgi_dtype_kind(t->dtype) == PG_KIND_FLOAT : t->dtype == c->in[0]->dtype;
  if (is_fit && pgi_tensor_count(t) == 1) return PG_OK;
  char text[200];
  return pgi_fail(c->err, PG_INVALID, "input %d: expected one %s, got %s", i,
                  pg_dtype_name(c->in[0]->dtype),
                  pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
}

typedef struct range {
  int64_t low, high;
  bool is_unsigned; /* both are the bits of u64s */
} range;

static void clip_i64(const int64_t *x, int64_t *y, int64_t n, const void *arg) {
  const range *r = arg;
  /* Flipping the top bit turns the order of u64 into that of i64. */
  uint64_t flip = r->is_unsigned ? (uint64_t)1 << 63 : 0;
  int64_t low = (int64_t)((uint64_t)r->low ^ flip), high = (int64_t)((uint64_t)r->high ^ flip);
  for (int64_t i = 0; i < n; i++) {
    int64_t v = (int64_t)((uint64_t)x[i] ^ flip);
    v = v < low ? low : v;
    v = v > high ? high : v;
    y[i] = (int64_t)((uint64_t)v ^ flip);
  }
}

static pg_status run(pgi_call *c) {
  PG_TRY(check_bound(c, 1));
  PG_TRY(check_bound(c, 2));
  const pg_tensor *low = bound(c, 1), *high = bound(c, 2);
  pgi_kind kind = pgi_dtype_kind(c->in[0]->dtype);
  if (kind == PG_KIND_FLOAT) {
    return pgi_unary_op(c, PG_CLIP, low ? pgi_tensor_get_f64(low, 0) : -INFINITY,
                        high ? pgi_tensor_get_f64(high, 0) : INFINITY);
  }
  range r = {INT64_MIN, INT64_MAX, kind == PG_KIND_UINT};
  if (r.is_unsigned) {
    r.low = 0;
    r.high = -1; /* all bits */
  }
  if (low) r.low = pgi_tensor_get_i64(low, 0);
  if (high) r.high = pgi_tensor_get_i64(high, 0);
  return pgi_unary_i64_op(c, clip_i64, &r);
}

PG_OP(clip) = {
    .name = "Clip",
    .since = {1, 6, 11, 12, 13},
    .in = {1, 3},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = upgrade,
    .infer = pgi_infer_same,
    .run = run,
};
