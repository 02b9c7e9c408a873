/* BitShift: left, or right with the sign.  A shift that is negative or not less than the width leaves
** only what the sign fills in (BitShift-28). */
#include "op/elementwise.h"

typedef struct shift_job {
  pg_dtype dtype;
  bool is_left, is_unsigned;
  const void *x, *by;
  void *y;
} shift_job;

static int64_t shift(const shift_job *job, int64_t x, int64_t by) {
  int width = pg_dtype_bits(job->dtype);
  if (by < 0 || by >= width) return !job->is_left && !job->is_unsigned && x < 0 ? -1 : 0;
  if (job->is_left) return (int64_t)((uint64_t)x << by);
  return job->is_unsigned ? (int64_t)((uint64_t)x >> by) : x >> by;
}

enum { BLOCK = 512 };

static void shift_run(void *arg, int64_t out, const int64_t *in, const int64_t *stride, int64_t n) {
  const shift_job *job = arg;
  int64_t x[BLOCK], by[BLOCK];
  for (int64_t first = 0; first < n; first += BLOCK) {
    int64_t m = PG_MIN(n - first, (int64_t)BLOCK);
    pgi_load_i64(job->dtype, job->x, in[0] + first * stride[0], stride[0] ? m : 1, x);
    pgi_load_i64(job->dtype, job->by, in[1] + first * stride[1], stride[1] ? m : 1, by);
    for (int64_t i = m - 1; i >= 0; i--) x[i] = shift(job, x[i * stride[0]], by[i * stride[1]]);
    pgi_store_i64(job->dtype, job->y, out + first, m, x);
  }
}

static pg_status run(pgi_call *c) {
  PG_TRY(pgi_same_types(c, 0, 1));
  pgi_kind kind = pgi_dtype_kind(c->in[0]->dtype);
  shift_job job = {.dtype = c->in[0]->dtype, .is_unsigned = kind == PG_KIND_UINT};
  if (kind != PG_KIND_UINT && kind != PG_KIND_INT)
    return pgi_fail(c->err, PG_INVALID, "input 0: expected integers, got %s",
                    pg_dtype_name(job.dtype));
  job.is_left = pgi_attr_is(c->node, "direction", "LEFT");
  if (!job.is_left && !pgi_attr_is(c->node, "direction", "RIGHT"))
    return pgi_fail(c->err, PG_INVALID, "direction: expected LEFT or RIGHT");
  job.x = pgi_tensor_data(c->in[0]);
  job.by = pgi_tensor_data(c->in[1]);
  job.y = pgi_tensor_data(c->out[0]);
  return pgi_broadcast_loop(c, c->out[0], 2, c->in, shift_run, &job);
}

static const pgi_attr_def attrs[] = {
    {.name = "direction", .kind = PG_ATTR_STRING, .is_required = true}, {0}};

PG_OP(bit_shift) = {
    .name = "BitShift",
    .since = {11, 28},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_INT | PG_T_UINT,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_broadcast,
    .run = run,
};
