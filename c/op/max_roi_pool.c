/* MaxRoiPool: the largest element in each bin of a region (Girshick, "Fast R-CNN", 2015). */
#include <math.h>

#include "op/move.h"
#include "op/working.h"

static pg_status pooled_shape(const pgi_node *node, int64_t out[2], pg_error *err) {
  int64_t n;
  const int64_t *given = pgi_attr_ints(node, "pooled_shape", &n);
  if (n != 2 || given[0] < 1 || given[1] < 1 || given[0] > INT32_MAX || given[1] > INT32_MAX) {
    return pgi_fail(err, PG_INVALID, "pooled_shape: expected two sizes of at least 1");
  }
  memcpy(out, given, 2 * sizeof *out);
  return PG_OK;
}

static pg_status max_roi_pool_infer(pgi_infer *inf) {
  int64_t shape[2];
  PG_TRY(pooled_shape(inf->node, shape, inf->err));
  bool is_wrong = (pgi_in_rank(inf, 0) >= 0 && pgi_in_rank(inf, 0) != 4) ||
                  (pgi_in_rank(inf, 1) >= 0 && pgi_in_rank(inf, 1) != 2);
  if (is_wrong) return pgi_fail(inf->err, PG_INVALID, "expected X of rank 4 and rois of rank 2");
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 4);
  if (pgi_in_rank(inf, 1) >= 0) out->dims[0] = inf->in[1]->dims[0];
  if (pgi_in_rank(inf, 0) >= 0) out->dims[1] = inf->in[0]->dims[1];
  out->dims[2] = pgi_dim_of(shape[0]);
  out->dims[3] = pgi_dim_of(shape[1]);
  return PG_OK;
}

typedef struct pool_job {
  pgi_working x;
  const double *rois; /* [n][5] */
  pg_tensor *out;
  int64_t channels, dims[2], shape[2]; /* height and width, of the image and of the output */
  double scale;
} pool_job;

/* Pixels [*first, *last) of bin i of n that cover start .. end, both pixels included. */
static void bin_range(double start, double end, int64_t i, int64_t n, int64_t dim, int64_t *first,
                      int64_t *last) {
  double size = PG_MAX(end - start + 1, 1) / (double)n, most = (double)dim;
  double low = floor((double)i * size) + start, high = ceil((double)(i + 1) * size) + start;
  *first = low > 0 ? (int64_t)PG_MIN(low, most) : 0;
  *last = high > 0 ? (int64_t)PG_MIN(high, most) : 0;
}

/* 0 when the bin is empty. */
static double pool_bin(const pool_job *job, int64_t plane, const int64_t *first,
                       const int64_t *last) {
  double best = 0;
  bool is_empty = true;
  for (int64_t y = first[0]; y < last[0]; y++) {
    for (int64_t x = first[1]; x < last[1]; x++) {
      double v = pgi_working_at(&job->x, (plane * job->dims[0] + y) * job->dims[1] + x);
      if (is_empty || v > best) best = v;
      is_empty = false;
    }
  }
  return best;
}

/* One channel of one region. */
static void pool_task(void *arg, int64_t task) {
  const pool_job *job = arg;
  const double *roi = job->rois + task / job->channels * 5;
  int64_t plane = (int64_t)roi[0] * job->channels + task % job->channels, first[2], last[2];
  double box[4];
  for (int i = 0; i < 4; i++) box[i] = round(roi[i + 1] * job->scale);
  for (int64_t i = 0; i < job->shape[0] * job->shape[1]; i++) {
    bin_range(box[1], box[3], i / job->shape[1], job->shape[0], job->dims[0], first, last);
    bin_range(box[0], box[2], i % job->shape[1], job->shape[1], job->dims[1], first + 1, last + 1);
    double v = pool_bin(job, plane, first, last);
    pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out),
                  task * job->shape[0] * job->shape[1] + i, 1, &v);
  }
}

static pg_status max_roi_pool_run(pgi_call *c) {
  const pg_tensor *x = c->in[0], *rois = c->in[1];
  pool_job job = {.out = c->out[0], .channels = x->dims[1], .dims = {x->dims[2], x->dims[3]}};
  PG_TRY(pooled_shape(c->node, job.shape, c->err));
  if (rois->dims[1] != 5) return pgi_fail(c->err, PG_INVALID, "rois: expected [N,5]");
  PG_TRY(pgi_working_of(c, x, &job.x));
  PG_TRY(pgi_f64s(c, rois, &job.rois));
  for (int64_t i = 0; i < rois->dims[0]; i++) {
    double batch = job.rois[5 * i];
    if (!(batch >= 0 && batch < (double)x->dims[0])) {
      return pgi_fail(c->err, PG_INVALID, "rois[%lld]: no image %g", (long long)i, batch);
    }
  }
  job.scale = (double)pgi_attr_float(c->node, "spatial_scale");
  if (pgi_tensor_count(job.out) > 0)
    pgi_call_parallel(c, rois->dims[0] * job.channels, pool_task, &job);
  return PG_OK;
}

static const pgi_attr_def max_roi_pool_attrs[] = {
    {.name = "pooled_shape", .kind = PG_ATTR_INTS, .is_required = true},
    {.name = "spatial_scale", .kind = PG_ATTR_FLOAT, .f = 1},
    {0}};

PG_OP(max_roi_pool) = {
    .name = "MaxRoiPool",
    .since = {1, 22},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = max_roi_pool_attrs,
    .infer = max_roi_pool_infer,
    .run = max_roi_pool_run,
};
