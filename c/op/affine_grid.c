/* AffineGrid: the places of an image's pixels, in -1 .. 1, under affine maps. */
#include "op/move.h"
#include "op/working.h"

static pg_status read_size(const pg_tensor *t, int64_t *size, int *n, pg_error *err) {
  PG_TRY(pgi_list(t, "size", size, 5, n, err));
  if (*n < 0) return PG_OK;
  bool is_right = *n == 4 || *n == 5;
  for (int i = 0; i < *n && is_right; i++) is_right = size[i] >= 0;
  if (is_right) return PG_OK;
  return pgi_fail(err, PG_INVALID, "size: expected [N,C,H,W] or [N,C,D,H,W]");
}

static pg_status affine_grid_infer(pgi_infer *inf) {
  int64_t size[5];
  int n;
  PG_TRY(read_size(pgi_known(inf, 1), size, &n, inf->err));
  int64_t length = n < 0 ? pgi_in_length(inf, 1) : n;
  bool is_right = length == 4 || length == 5;
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), is_right ? (int)length : -1);
  if (!is_right) return PG_OK;
  int axes = (int)length - 2;
  out->dims[axes + 1] = pgi_dim_of(axes);
  if (n >= 0) out->dims[0] = pgi_dim_of(size[0]);
  for (int i = 0; i < axes && n >= 0; i++) out->dims[i + 1] = pgi_dim_of(size[i + 2]);
  if (pgi_in_rank(inf, 0) < 0) return PG_OK;
  const pgi_dim *theta = inf->in[0]->dims;
  int64_t want[3] = {n < 0 ? -1 : size[0], axes, axes + 1};
  bool fits = pgi_in_rank(inf, 0) == 3;
  for (int i = 0; i < 3 && fits; i++) fits = theta[i].n < 0 || want[i] < 0 || theta[i].n == want[i];
  if (fits) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "theta: expected [%lld,%d,%d]", (long long)want[0], axes,
                  axes + 1);
}

typedef struct affine_job {
  const double *theta; /* [N][n][n + 1] */
  pg_tensor *out;
  int n;
  const int64_t *dims; /* of the space, outermost first */
  int64_t positions;
  bool is_aligned;
} affine_job;

static double coordinate(int64_t i, int64_t n, bool is_aligned) {
  if (is_aligned) return n > 1 ? 2 * (double)i / (double)(n - 1) - 1 : -1;
  return (2 * (double)i + 1) / (double)n - 1;
}

static void affine_rows(void *arg, int64_t first, int64_t count) {
  const affine_job *job = arg;
  pgi_coords k;
  pgi_coords_set(&k, job->n, job->dims, first % job->positions);
  for (int64_t i = first; i < first + count; i++, pgi_coords_next(&k)) {
    const double *theta = job->theta + i / job->positions * job->n * (job->n + 1);
    double at[4], to[3]; /* innermost axis first; the last is 1 */
    for (int d = 0; d < job->n; d++) {
      int axis = job->n - 1 - d;
      at[d] = coordinate(k.at[axis], job->dims[axis], job->is_aligned);
    }
    at[job->n] = 1;
    for (int r = 0; r < job->n; r++) {
      to[r] = 0;
      for (int d = 0; d <= job->n; d++) to[r] += theta[r * (job->n + 1) + d] * at[d];
    }
    pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), i * job->n, job->n, to);
  }
}

static pg_status affine_grid_run(pgi_call *c) {
  pg_tensor *out = c->out[0];
  affine_job job = {.out = out, .n = out->rank - 2, .dims = out->dims + 1};
  if (pgi_tensor_count(out) == 0) return PG_OK;
  PG_TRY(pgi_f64s(c, c->in[0], &job.theta));
  job.positions = pgi_dims_product(out->dims, 1, out->rank - 1);
  job.is_aligned = pgi_attr_int(c->node, "align_corners") != 0;
  pgi_move_rows(c, out->dims[0] * job.positions, 64, affine_rows, &job);
  return PG_OK;
}

static const pgi_attr_def affine_grid_attrs[] = {{.name = "align_corners", .kind = PG_ATTR_INT},
                                                 {0}};

PG_OP(affine_grid) = {
    .name = "AffineGrid",
    .since = {20},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = affine_grid_attrs,
    .infer = affine_grid_infer,
    .run = affine_grid_run,
};
