/* RoiAlign: regions of an image, of any size, sampled to one size (He et al., "Mask R-CNN",
** 2017). */
#include <math.h>

#include "op/move.h"
#include "op/working.h"

/* Until 16 the coordinates are those of pixel corners. */
static pg_status roi_align_upgrade(pgi_node *node, int version, pg_error *err) {
  static const char name[] = "coordinate_transformation_mode", old[] = "output_half_pixel";
  if (version >= 16 || pgi_attr_find(node, name)) return PG_OK;
  return pgi_attr_set_string(node, name, old, sizeof old - 1, err);
}

static pg_status output_size(const pgi_node *node, int64_t *h, int64_t *w, pg_error *err) {
  *h = pgi_attr_int(node, "output_height");
  *w = pgi_attr_int(node, "output_width");
  if (*h >= 0 && *w >= 0 && *h <= INT32_MAX && *w <= INT32_MAX) return PG_OK;
  return pgi_fail(err, PG_INVALID, "output_height, output_width: %lld, %lld", (long long)*h,
                  (long long)*w);
}

static pg_status roi_align_infer(pgi_infer *inf) {
  static const int ranks[] = {4, 2, 1};
  int64_t h, w;
  for (int i = 0; i < 3; i++) {
    if (pgi_in_rank(inf, i) < 0 || pgi_in_rank(inf, i) == ranks[i]) continue;
    return pgi_fail(inf->err, PG_INVALID, "input %d: expected rank %d, got %d", i, ranks[i],
                    pgi_in_rank(inf, i));
  }
  PG_TRY(output_size(inf->node, &h, &w, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 4);
  if (pgi_in_rank(inf, 1) >= 0) out->dims[0] = inf->in[1]->dims[0];
  if (pgi_in_rank(inf, 0) >= 0) out->dims[1] = inf->in[0]->dims[1];
  out->dims[2] = pgi_dim_of(h);
  out->dims[3] = pgi_dim_of(w);
  return PG_OK;
}

typedef struct roi_job {
  pgi_working x;
  const double *rois;   /* [n][4] */
  const int64_t *batch; /* [n], checked */
  pg_tensor *out;
  int64_t channels, height, width, out_h, out_w;
  double scale, offset;
  int64_t ratio;
  bool is_max;
} roi_job;

/* Where a sample falls: four pixels and their weights; all weights 0 outside of the image. */
typedef struct tap {
  int64_t at[4];
  double weight[4];
} tap;

static void split_axis(double x, int64_t n, int64_t *low, int64_t *high, double *part) {
  x = PG_MAX(x, 0);
  *low = (int64_t)x;
  *high = *low + 1;
  if (*low >= n - 1) {
    *low = *high = n - 1;
    x = (double)*low;
  }
  *part = x - (double)*low;
}

static tap make_tap(const roi_job *job, double y, double x) {
  tap t = {0};
  int64_t y0, y1, x0, x1;
  double dy, dx;
  if (!(y >= -1 && y <= (double)job->height && x >= -1 && x <= (double)job->width)) return t;
  split_axis(y, job->height, &y0, &y1, &dy);
  split_axis(x, job->width, &x0, &x1, &dx);
  return (tap){
      {y0 * job->width + x0, y0 * job->width + x1, y1 * job->width + x0, y1 * job->width + x1},
      {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
}

/* The region: its start and the size of one of its bins, and how many samples a bin takes. */
typedef struct region {
  double y, x, bin_h, bin_w;
  int64_t n_y, n_x;
} region;

/* Samples: as many as asked for, or one a pixel; never more than there are pixels to tell apart. */
static int64_t samples(int64_t ratio, double bin, int64_t n) {
  if (ratio > 0) return ratio;
  double wanted = ceil(bin);
  return wanted > 0 ? (int64_t)PG_MIN(wanted, (double)n * 16 + 16) : 0;
}

static region find_region(const roi_job *job, const double *roi) {
  region r;
  r.x = roi[0] * job->scale - job->offset;
  r.y = roi[1] * job->scale - job->offset;
  double w = roi[2] * job->scale - job->offset - r.x, h = roi[3] * job->scale - job->offset - r.y;
  if (job->offset == 0) { /* the old mode: at least one pixel */
    w = PG_MAX(w, 1);
    h = PG_MAX(h, 1);
  }
  r.bin_w = w / (double)job->out_w;
  r.bin_h = h / (double)job->out_h;
  r.n_y = samples(job->ratio, r.bin_h, job->height);
  r.n_x = samples(job->ratio, r.bin_w, job->width);
  return r;
}

static double pool_tap(const roi_job *job, const tap *t, int64_t plane) {
  double part[4];
  for (int i = 0; i < 4; i++) part[i] = t->weight[i] * pgi_working_at(&job->x, plane + t->at[i]);
  if (!job->is_max) return part[0] + part[1] + part[2] + part[3];
  return PG_MAX(PG_MAX(part[0], part[1]), PG_MAX(part[2], part[3]));
}

/* One bin of all channels: taps are found once for each sample of the bin, `sum` holds a block
** of them. */
static void pool_bin(const roi_job *job, int64_t n, const region *r, int64_t ph, int64_t pw) {
  enum { BLOCK = 64 };
  double sum[BLOCK];
  int64_t size = job->height * job->width, place = ph * job->out_w + pw;
  double count = (double)PG_MAX(r->n_y * r->n_x, 1);
  for (int64_t c = 0; c < job->channels; c += BLOCK) {
    int64_t m = PG_MIN(job->channels - c, (int64_t)BLOCK);
    for (int64_t k = 0; k < m; k++) sum[k] = 0;
    for (int64_t i = 0; i < r->n_y * r->n_x; i++) {
      double y = ((double)(i / r->n_x) + 0.5) / (double)r->n_y + (double)ph;
      double x = ((double)(i % r->n_x) + 0.5) / (double)r->n_x + (double)pw;
      tap t = make_tap(job, r->y + y * r->bin_h, r->x + x * r->bin_w);
      for (int64_t k = 0; k < m; k++) {
        double v = pool_tap(job, &t, (job->batch[n] * job->channels + c + k) * size);
        sum[k] = !job->is_max ? sum[k] + v : i == 0 ? v : PG_MAX(sum[k], v);
      }
    }
    for (int64_t k = 0; k < m; k++) {
      double v = job->is_max ? sum[k] : sum[k] / count;
      int64_t to = ((n * job->channels + c + k) * job->out_h) * job->out_w + place;
      pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), to, 1, &v);
    }
  }
}

static void roi_task(void *arg, int64_t n) {
  const roi_job *job = arg;
  region r = find_region(job, job->rois + 4 * n);
  for (int64_t ph = 0; ph < job->out_h; ph++) {
    for (int64_t pw = 0; pw < job->out_w; pw++) pool_bin(job, n, &r, ph, pw);
  }
}

static pg_status read_regions(pgi_call *c, roi_job *job) {
  const pg_tensor *x = c->in[0], *rois = c->in[1], *batch = c->in[2];
  const int64_t *given;
  if (rois->dims[1] != 4 || batch->dims[0] != rois->dims[0]) {
    return pgi_fail(c->err, PG_INVALID, "rois, batch_indices: expected [N,4] and [N]");
  }
  PG_TRY(pgi_i64s(c, batch, &given));
  for (int64_t i = 0; i < batch->dims[0]; i++) {
    if (given[i] < 0 || given[i] >= x->dims[0]) {
      return pgi_fail(c->err, PG_INVALID, "batch_indices[%lld]: expected 0 to %lld, got %lld",
                      (long long)i, (long long)x->dims[0] - 1, (long long)given[i]);
    }
  }
  job->batch = given;
  return pgi_f64s(c, rois, &job->rois);
}

static pg_status roi_align_run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  roi_job job = {
      .out = c->out[0], .channels = x->dims[1], .height = x->dims[2], .width = x->dims[3]};
  PG_TRY(output_size(c->node, &job.out_h, &job.out_w, c->err));
  PG_TRY(read_regions(c, &job));
  if (pgi_tensor_count(job.out) == 0) return PG_OK;
  if (job.height == 0 || job.width == 0) {
    return pgi_fail(c->err, PG_INVALID, "X: expected pixels, got none");
  }
  PG_TRY(pgi_working_of(c, x, &job.x));
  bool is_half = pgi_attr_is(c->node, "coordinate_transformation_mode", "half_pixel");
  job.scale = (double)pgi_attr_float(c->node, "spatial_scale");
  job.offset = is_half ? 0.5 : 0;
  job.ratio = PG_MIN(pgi_attr_int(c->node, "sampling_ratio"), 1024);
  job.is_max = pgi_attr_is(c->node, "mode", "max");
  pgi_call_parallel(c, job.out->dims[0], roi_task, &job);
  return PG_OK;
}

static const pgi_attr_def roi_align_attrs[] = {
    {.name = "coordinate_transformation_mode", .kind = PG_ATTR_STRING, .s = "half_pixel"},
    {.name = "mode", .kind = PG_ATTR_STRING, .s = "avg"},
    {.name = "output_height", .kind = PG_ATTR_INT, .i = 1},
    {.name = "output_width", .kind = PG_ATTR_INT, .i = 1},
    {.name = "sampling_ratio", .kind = PG_ATTR_INT},
    {.name = "spatial_scale", .kind = PG_ATTR_FLOAT, .f = 1},
    {0}};

PG_OP(roi_align) = {
    .name = "RoiAlign",
    .since = {10, 16, 22},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = roi_align_attrs,
    .upgrade = roi_align_upgrade,
    .infer = roi_align_infer,
    .run = roi_align_run,
};
