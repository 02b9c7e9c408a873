/* PRelu: x < 0 ? slope x : x, the slope broadcast to x. */
#include "op/elementwise.h"

/* Whether a slope of n numbers can't lie along axis 1 but along the last axis. */
static bool fits_the_end(const pgi_type *x, const pgi_value *slope) {
  if (x->kind != PG_TYPE_TENSOR || x->rank < 2) return false;
  int64_t channels = x->dims[1].n, last = x->dims[x->rank - 1].n, n = -1;
  if (slope->constant.dtype != PG_NONE && slope->constant.rank == 1)
    n = slope->constant.dims[0];
  else if (slope->type.kind == PG_TYPE_TENSOR && slope->type.rank == 1)
    n = slope->type.dims[0].n;
  return n > 1 && n == last && channels >= 0 && n != channels;
}

/* Before opset 7 a slope of C numbers went along axis 1. */
static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  PG_TRY(pgi_upgrade_consumed(node, version, err));
  if (version >= 7 || node->n_in < 2 || !node->in[0].value || !node->in[1].value) return PG_OK;
  const pgi_value *x = node->in[0].value, *slope = node->in[1].value;
  if (slope->constant.dtype != PG_NONE && pgi_tensor_count(&slope->constant) == 1) return PG_OK;
  if (x->type.kind == PG_TYPE_TENSOR && x->type.rank >= 0 && x->type.rank < 2) return PG_OK;
  if (fits_the_end(&x->type, slope)) return PG_OK;
  PG_TRY(pgi_attr_set_int(node, "broadcast", 1, err));
  PG_TRY(pgi_attr_set_int(node, "axis", 1, err));
  return pgi_upgrade_legacy_broadcast(node, err);
}

/* The output has the shape of x: the slope may not widen it. */
static pg_status infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_broadcast(inf));
  if (inf->n_out == 0 || pgi_in_rank(inf, 0) < 0) return PG_OK;
  const pgi_type *x = inf->in[0], *joined = &inf->out[0];
  bool is_wider = joined->rank > x->rank;
  for (int i = 0; joined->rank == x->rank && i < x->rank; i++)
    is_wider |= x->dims[i].n >= 0 && joined->dims[i].n >= 0 && x->dims[i].n != joined->dims[i].n;
  if (is_wider) return pgi_fail(inf->err, PG_INVALID, "input 1: the slope is larger than input 0");
  return pgi_infer_same(inf);
}

PG_BINARY_LOOP(prelu_f64, double, double, u < 0 ? u * v : u)
PG_BINARY_LOOP(prelu_i64, int64_t, int64_t, u < 0 ? (int64_t)((uint64_t)u * (uint64_t)v) : u)
PG_BINARY_LOOP(prelu_u64, uint64_t, uint64_t, ((void)v, u))

static const pgi_binary_def def = {
    .has_kernel = true, .kernel = PG_PRELU, .f64 = prelu_f64, .i64 = prelu_i64, .u64 = prelu_u64};

static pg_status run(pgi_call *c) {
  return pgi_binary_op(c, &def);
}

PG_OP(prelu) = {
    .name = "PRelu",
    .since = {1, 6, 7, 9, 16},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_FLOAT | PG_T(PG_I32) | PG_T(PG_I64) | PG_T(PG_U32) | PG_T(PG_U64),
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .upgrade = upgrade,
    .infer = infer,
    .run = run,
};
