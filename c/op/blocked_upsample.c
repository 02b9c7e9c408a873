/* BlockedUpsample: each pixel of a blocked value becomes several: Resize to the nearest by whole factors. */
#include "op/blocked.h"

static const pgi_attr_def attrs[] = {
    {.name = "factors", .kind = PG_ATTR_INTS, .is_required = true}, /* by spatial axis */
    {.name = "lanes", .kind = PG_ATTR_INT, .is_required = true},
    {0}};

enum { MOST_FACTOR = 64 };

static pg_status read_factors(const pgi_node *node, int axes, int64_t *out, pg_error *err) {
  int64_t n;
  const int64_t *v = pgi_attr_ints(node, "factors", &n);
  if (n != axes) return pgi_fail(err, PG_INVALID, "factors: expected %d numbers", axes);
  for (int i = 0; i < axes; i++) {
    out[i] = v[i];
    if (v[i] < 1 || v[i] > MOST_FACTOR) {
      return pgi_fail(err, PG_INVALID, "factors: expected 1 to %d, got %lld", MOST_FACTOR,
                      (long long)v[i]);
    }
  }
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  int64_t factors[PG_BLOCKED_MAX_SPATIAL];
  int rank = pgi_in_rank(inf, 0), axes = rank - 3;
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  if (rank < 4 || axes > PG_BLOCKED_MAX_SPATIAL) return PG_OK;
  PG_TRY(read_factors(inf->node, axes, factors, inf->err));
  inf->out[0] = *inf->in[0];
  for (int i = 0; i < axes; i++) {
    pgi_dim *dim = &inf->out[0].dims[2 + i];
    *dim = pgi_dim_mul(inf->arena, *dim, pgi_dim_of(factors[i]));
  }
  return PG_OK;
}

typedef struct run {
  int64_t h, w, down, across, lanes;
  const float *x;
  float *y;
} run;

/* One line of one block, and its copies. */
static void task(void *arg, int64_t i) {
  const run *r = arg;
  size_t pixel = (size_t)r->lanes * sizeof(float);
  int64_t line = r->w * r->across * r->lanes;
  const float *x = r->x + i * r->w * r->lanes;
  float *y = r->y + i * r->down * line, *to = y;
  for (int64_t p = 0; p < r->w; p++, x += r->lanes) {
    for (int64_t k = 0; k < r->across; k++, to += r->lanes) memcpy(to, x, pixel);
  }
  for (int64_t k = 1; k < r->down; k++) memcpy(y + k * line, y, (size_t)line * sizeof *y);
}

static pg_status run_upsample(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  int axes = x->rank - 3;
  int64_t factors[PG_BLOCKED_MAX_SPATIAL] = {1, 1};
  run r = {.x = pgi_tensor_data(x), .y = pgi_tensor_data(call->out[0])};
  PG_TRY(pgi_blocked_lanes(call, &r.lanes));
  PG_TRY(read_factors(call->node, axes, factors, call->err));
  r.w = x->dims[1 + axes];
  r.h = axes > 1 ? x->dims[2] : 1;
  r.across = factors[axes - 1];
  r.down = axes > 1 ? factors[0] : 1;
  pgi_call_parallel(call, x->dims[0] * x->dims[1] * r.h, task, &r);
  return PG_OK;
}

PG_OP(blocked_upsample) = {.name = "BlockedUpsample",
                           .domain = "perigee",
                           .since = {1},
                           .in = {1, 1},
                           .out = {1, 1},
                           .types = PG_T(PG_F32),
                           .attrs = attrs,
                           .flags = PG_OP_PRIVATE,
                           .infer = infer,
                           .run = run_upsample};
