/* Col2Im: columns of blocks added up to an image. */
#include "op/move.h"

/* Everything per spatial axis. */
typedef struct fold {
  int rank;
  int64_t image[PG_MAX_RANK], block[PG_MAX_RANK], stride[PG_MAX_RANK], dilation[PG_MAX_RANK];
  int64_t before[PG_MAX_RANK], places[PG_MAX_RANK]; /* places: positions of the block */
  int64_t n_block, n_places, n_image;
} fold;

static pg_status read_ints(const pgi_node *node, const char *name, int n, int64_t least,
                           int64_t otherwise, int64_t *out, pg_error *err) {
  int64_t count;
  const int64_t *given = pgi_attr_ints(node, name, &count);
  if (count != 0 && count != n) {
    return pgi_fail(err, PG_INVALID, "%s: expected %d numbers, got %lld", name, n,
                    (long long)count);
  }
  for (int i = 0; i < n; i++) {
    out[i] = count ? given[i] : otherwise;
    if (out[i] < least || out[i] > INT32_MAX) {
      return pgi_fail(err, PG_INVALID, "%s[%d]: %lld", name, i, (long long)out[i]);
    }
  }
  return PG_OK;
}

static pg_status multiply(int64_t *product, int64_t by, pg_error *err) {
  if (!__builtin_mul_overflow(*product, by, product)) return PG_OK;
  return pgi_fail(err, PG_NOMEM, "too many elements");
}

static pg_status count_places(fold *f, const int64_t *behind, pg_error *err) {
  f->n_block = f->n_places = f->n_image = 1;
  for (int i = 0; i < f->rank; i++) {
    if (f->image[i] < 1 || f->block[i] < 1 || f->image[i] > INT32_MAX || f->block[i] > INT32_MAX) {
      return pgi_fail(err, PG_INVALID, "image_shape, block_shape: expected sizes of at least 1");
    }
    int64_t reach = f->dilation[i] * (f->block[i] - 1) + 1;
    int64_t room = f->image[i] + f->before[i] + behind[i] - reach;
    f->places[i] = room < 0 ? 0 : room / f->stride[i] + 1;
    PG_TRY(multiply(&f->n_block, f->block[i], err));
    PG_TRY(multiply(&f->n_places, f->places[i], err));
    PG_TRY(multiply(&f->n_image, f->image[i], err));
  }
  return PG_OK;
}

static pg_status read_fold(const pgi_node *node, const pg_tensor *image, const pg_tensor *block,
                           fold *f, pg_error *err) {
  enum { MAX = PG_MAX_RANK - 2 };
  int64_t pads[2 * MAX];
  int n_block;
  PG_TRY(pgi_list(image, "image_shape", f->image, MAX, &f->rank, err));
  PG_TRY(pgi_list(block, "block_shape", f->block, MAX, &n_block, err));
  if (n_block != f->rank || f->rank < 1) {
    return pgi_fail(err, PG_INVALID, "image_shape, block_shape: expected as many of each");
  }
  PG_TRY(read_ints(node, "strides", f->rank, 1, 1, f->stride, err));
  PG_TRY(read_ints(node, "dilations", f->rank, 1, 1, f->dilation, err));
  PG_TRY(read_ints(node, "pads", 2 * f->rank, 0, 0, pads, err));
  memcpy(f->before, pads, (size_t)f->rank * sizeof *pads);
  return count_places(f, pads + f->rank, err);
}

static pg_status col2im_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t axes = pgi_in_length(inf, 1);
  if (rank >= 0 && rank != 3) {
    return pgi_fail(inf->err, PG_INVALID, "input: expected [N,C*block,L], got rank %d", rank);
  }
  if (axes >= 0) PG_TRY(pgi_check_rank(axes + 2, "image_shape", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), axes < 0 ? -1 : (int)axes + 2);
  if (out->rank > 0 && rank > 0) out->dims[0] = inf->in[0]->dims[0];
  if (!pgi_known(inf, 1) || !pgi_known(inf, 2)) return PG_OK;
  fold f;
  PG_TRY(read_fold(inf->node, pgi_known(inf, 1), pgi_known(inf, 2), &f, inf->err));
  for (int i = 0; i < f.rank; i++) out->dims[i + 2] = pgi_dim_of(f.image[i]);
  if (rank < 0) return PG_OK;
  pgi_dim columns = inf->in[0]->dims[1], places = inf->in[0]->dims[2];
  out->dims[0] = inf->in[0]->dims[0];
  if (columns.n >= 0) out->dims[1] = pgi_dim_of(columns.n / f.n_block);
  if ((columns.n < 0 || columns.n % f.n_block == 0) && (places.n < 0 || places.n == f.n_places))
    return PG_OK;
  return pgi_fail(
      inf->err, PG_INVALID, "input: expected a multiple of %lld columns of %lld, got %lld of %lld",
      (long long)f.n_block, (long long)f.n_places, (long long)columns.n, (long long)places.n);
}

typedef struct col2im_job {
  const pg_tensor *in;
  pg_tensor *out;
  const fold *f;
  double *planes; /* [MAX_TASKS][n_image] */
  int64_t n, per_task;
} col2im_job;

enum { MAX_TASKS = 16, BLOCK = 128 };

/* Where place `at` of the block lands when it is at the position of the coordinates; -1:
** outside. */
static int64_t land(const fold *f, const pgi_coords *at, const pgi_coords *position) {
  int64_t to = 0;
  for (int i = 0; i < f->rank; i++) {
    int64_t x = position->at[i] * f->stride[i] + at->at[i] * f->dilation[i] - f->before[i];
    if (x < 0 || x >= f->image[i]) return -1;
    to = to * f->image[i] + x;
  }
  return to;
}

/* One channel of one image, always in the same order. */
static void fold_plane(const col2im_job *job, int64_t plane, double *sum) {
  const fold *f = job->f;
  double block[BLOCK];
  pgi_coords at, position;
  for (int64_t i = 0; i < f->n_image; i++) sum[i] = 0;
  pgi_coords_set(&at, f->rank, f->block, 0);
  for (int64_t b = 0; b < f->n_block; b++, pgi_coords_next(&at)) {
    int64_t first = (plane * f->n_block + b) * f->n_places;
    pgi_coords_set(&position, f->rank, f->places, 0);
    for (int64_t p = 0; p < f->n_places; p++, pgi_coords_next(&position)) {
      if (p % BLOCK == 0) {
        pgi_load_f64(job->in->dtype, pgi_tensor_data(job->in), first + p,
                     PG_MIN(f->n_places - p, (int64_t)BLOCK), block);
      }
      int64_t to = land(f, &at, &position);
      if (to >= 0) sum[to] += block[p % BLOCK];
    }
  }
  pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), plane * f->n_image, f->n_image, sum);
}

static void fold_task(void *arg, int64_t task) {
  const col2im_job *job = arg;
  int64_t last = PG_MIN((task + 1) * job->per_task, job->n);
  for (int64_t i = task * job->per_task; i < last; i++)
    fold_plane(job, i, job->planes + task * job->f->n_image);
}

static pg_status col2im_run(pgi_call *c) {
  fold f;
  col2im_job job = {.in = c->in[0], .out = c->out[0], .f = &f};
  size_t bytes;
  PG_TRY(read_fold(c->node, c->in[1], c->in[2], &f, c->err));
  if (pgi_tensor_count(job.out) == 0) return PG_OK;
  job.n = job.out->dims[0] * job.out->dims[1];
  job.per_task = (job.n - 1) / MAX_TASKS + 1;
  int64_t tasks = (job.n - 1) / job.per_task + 1;
  if (!pgi_mul_size((size_t)f.n_image, (size_t)tasks * sizeof(double), &bytes))
    return pgi_nomem(c->err);
  job.planes = pgi_call_scratch(c, bytes);
  if (!job.planes) return pgi_nomem(c->err);
  pgi_call_parallel(c, tasks, fold_task, &job);
  return PG_OK;
}

static const pgi_attr_def col2im_attrs[] = {{.name = "dilations", .kind = PG_ATTR_INTS},
                                            {.name = "pads", .kind = PG_ATTR_INTS},
                                            {.name = "strides", .kind = PG_ATTR_INTS},
                                            {0}};

PG_OP(col2im) = {
    .name = "Col2Im",
    .since = {18},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_NUMERIC | PG_T(PG_BOOL),
    .attrs = col2im_attrs,
    .infer = col2im_infer,
    .run = col2im_run,
};
