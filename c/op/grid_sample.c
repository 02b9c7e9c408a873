/* GridSample: an image looked up at the places of a grid. */
#include <math.h>

#include "op/move.h"
#include "op/working.h"

/* GridSample-16 says bilinear and bicubic. */
static pg_status grid_sample_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 20) return PG_OK;
  const char *now = pgi_attr_is(node, "mode", "bilinear")  ? "linear"
                    : pgi_attr_is(node, "mode", "bicubic") ? "cubic"
                                                           : NULL;
  return now ? pgi_attr_set_string(node, "mode", now, strlen(now), err) : PG_OK;
}

static pg_status grid_sample_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), grid = pgi_in_rank(inf, 1);
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank >= 0 ? rank : grid);
  if (rank >= 0 && grid >= 0 && (rank != grid || rank < 3)) {
    return pgi_fail(inf->err, PG_INVALID,
                    "X, grid: expected the same rank of 3 or more, got %d, %d", rank, grid);
  }
  if (rank >= 2) memcpy(out->dims, inf->in[0]->dims, 2 * sizeof *out->dims);
  for (int i = 2; i < grid; i++) out->dims[i] = inf->in[1]->dims[i - 1];
  if (rank < 1 || grid < 1) return PG_OK;
  int64_t width = inf->in[1]->dims[grid - 1].n;
  int64_t a = inf->in[0]->dims[0].n, b = inf->in[1]->dims[0].n;
  if ((width >= 0 && width != rank - 2) || (a >= 0 && b >= 0 && a != b)) {
    return pgi_fail(inf->err, PG_INVALID, "grid: expected %d coordinates for each of %lld images",
                    rank - 2, (long long)a);
  }
  return PG_OK;
}

typedef enum lookup { NEAREST, LINEAR, CUBIC } lookup;
typedef enum padding { ZEROS, BORDER, REFLECTION } padding;
enum { MAX_TAPS = 1024, MAX_PLACES = 64 };

typedef struct grid_job {
  const pg_tensor *x, *grid;
  pg_tensor *out;
  pgi_working data;
  int n; /* spatial axes */
  lookup mode;
  padding padding;
  bool is_aligned;
  int64_t channels, plane, positions; /* of one image: pixels, output places */
  int places;                         /* whose taps fit into `taps` */
} grid_job;

static pg_status read_choice(const pgi_node *node, const char *name, const char *const *choices,
                             int n, int *out, pg_error *err) {
  for (int i = 0; i < n; i++) {
    if (!pgi_attr_is(node, name, choices[i])) continue;
    *out = i;
    return PG_OK;
  }
  pg_string s = pgi_attr_string(node, name);
  return pgi_fail(err, PG_INVALID, "attribute '%s': '%.*s' is unknown", name,
                  (int)PG_MIN(s.size, (size_t)40), s.data);
}

/* ---- coordinates ----------------------------------------------------------------------------- */

/* Reflected at the borders until it lies inside. */
static double reflect(double x, double low, double high) {
  double range = high - low;
  if (range <= 0) return low;
  double away = fmod(fabs(x - low), 2 * range);
  return away <= range ? low + away : high - (away - range);
}

/* -1 .. 1 to pixels, and back into the image where padding says so.  In f32, unless the grid is
** f64, for halves round the same way as where models are trained. */
static double place(const grid_job *job, double at, int64_t dim) {
  double x, low = job->is_aligned ? 0 : -0.5, high = (double)dim - (job->is_aligned ? 1 : 0.5);
  if (job->grid->dtype == PG_F64) {
    x = job->is_aligned ? (at + 1) / 2 * (double)(dim - 1) : ((at + 1) * (double)dim - 1) / 2;
  } else {
    float f = (float)at;
    x = (double)(job->is_aligned ? (f + 1) / 2 * (float)(dim - 1) : ((f + 1) * (float)dim - 1) / 2);
  }
  if (!(fabs(x) < 0x1p40)) x = x > 0 ? 0x1p40 : -0x1p40; /* NaN is to the left */
  if (job->mode == NEAREST) x = rint(x);
  if ((x >= low && x <= high) || job->mode == CUBIC) return x; /* cubic looks at its taps alone */
  if (job->padding == BORDER) return PG_MIN(PG_MAX(x, 0), (double)(dim - 1));
  return job->padding == REFLECTION ? reflect(x, low, high) : x;
}

/* Pixel i of an axis; -1: outside. */
static int64_t pixel(const grid_job *job, int64_t i, int64_t dim) {
  if (i >= 0 && i < dim) return i;
  if (job->padding == ZEROS) return -1;
  if (job->padding == BORDER) return i < 0 ? 0 : dim - 1;
  double low = job->is_aligned ? 0 : -0.5, high = (double)dim - (job->is_aligned ? 1 : 0.5);
  int64_t at = (int64_t)reflect((double)i, low, high);
  return PG_MIN(PG_MAX(at, 0), dim - 1);
}

/* Keys' cubic convolution with a = -0.75 (IEEE ASSP 29, 1981), for taps at -1, 0, 1, 2. */
static void cubic_weights(double x, double *w) {
  const double a = -0.75;
  double y = x + 1, z = 1 - x, v = 2 - x;
  w[0] = ((a * y - 5 * a) * y + 8 * a) * y - 4 * a;
  w[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
  w[2] = ((a + 2) * z - (a + 3)) * z * z + 1;
  w[3] = ((a * v - 5 * a) * v + 8 * a) * v - 4 * a;
}

/* The pixels of one axis that count, and how much. */
static int axis_taps(const grid_job *job, double x, int64_t dim, int64_t *at, double *w) {
  int n = job->mode == NEAREST ? 1 : job->mode == LINEAR ? 2 : 4;
  double first = floor(x), part = x - first;
  int64_t start = (int64_t)first - (n == 4);
  w[0] = 1;
  if (n == 2) w[0] = 1 - part, w[1] = part;
  if (n == 4) cubic_weights(part, w);
  for (int i = 0; i < n; i++) at[i] = pixel(job, start + i, dim);
  return n;
}

/* The taps of some places: those of place k end before end[k]. */
typedef struct taps {
  int end[MAX_PLACES];
  int64_t at[MAX_TAPS];
  double w[MAX_TAPS];
} taps;

/* All combinations over the axes, from `first` on; returns their end.  Coordinates are listed from
** the innermost axis on. */
static int find_taps(const grid_job *job, const double *where, taps *t, int first) {
  int64_t *at = t->at + first;
  double *w = t->w + first;
  int n = 1;
  at[0] = 0;
  w[0] = 1;
  for (int d = 0; d < job->n; d++) {
    int64_t dim = job->x->dims[d + 2], axis_at[4];
    double axis_w[4];
    int m = axis_taps(job, place(job, where[job->n - 1 - d], dim), dim, axis_at, axis_w), kept = 0;
    for (int i = n * m - 1; i >= 0; i--) { /* from the end: in place */
      int64_t outer = at[i / m];
      w[i] = w[i / m] * axis_w[i % m];
      at[i] = outer < 0 || axis_at[i % m] < 0 ? -1 : outer * dim + axis_at[i % m];
    }
    for (int i = 0; i < n * m; i++) {
      if (at[i] < 0) continue;
      at[kept] = at[i];
      w[kept++] = w[i];
    }
    n = kept;
  }
  return first + n;
}

/* ---- sampling -------------------------------------------------------------------------------- */

/* n places of one channel. */
static void sample(const grid_job *job, const taps *t, int n, int64_t plane, double *out) {
  const float *f32 = job->data.f32 ? job->data.f32 + plane : NULL;
  const double *f64 = job->data.f64 ? job->data.f64 + plane : NULL;
  for (int k = 0, i = 0; k < n; k++) {
    double sum = 0;
    for (; i < t->end[k]; i++) sum += t->w[i] * (f32 ? (double)f32[t->at[i]] : f64[t->at[i]]);
    out[k] = sum;
  }
}

/* n places of one image, whose taps fit: found once, used for every channel. */
static void grid_block(const grid_job *job, int64_t first, int n) {
  int64_t image = first / job->positions, to = first % job->positions;
  double where[PG_MAX_RANK], v[MAX_PLACES];
  taps t;
  t.end[0] = 0;
  for (int k = 0, end = 0; k < n; k++) {
    pgi_load_f64(job->grid->dtype, pgi_tensor_data(job->grid), (first + k) * job->n, job->n, where);
    t.end[k] = end = find_taps(job, where, &t, end);
  }
  for (int64_t c = 0; c < job->channels; c++) {
    int64_t plane = image * job->channels + c;
    sample(job, &t, n, plane * job->plane, v);
    pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), plane * job->positions + to, n, v);
  }
}

static void grid_rows(void *arg, int64_t first, int64_t n) {
  const grid_job *job = arg;
  for (int64_t i = first, last = first + n; i < last;) {
    int64_t left = PG_MIN(last - i, job->positions - i % job->positions);
    int m = (int)PG_MIN(left, (int64_t)job->places);
    grid_block(job, i, m);
    i += m;
  }
}

static pg_status read_job(pgi_call *c, grid_job *job) {
  static const char *const modes[] = {"nearest", "linear", "cubic"};
  static const char *const paddings[] = {"zeros", "border", "reflection"};
  int mode = 0, pad = 0, taps_n = 1;
  PG_TRY(read_choice(c->node, "mode", modes, 3, &mode, c->err));
  PG_TRY(read_choice(c->node, "padding_mode", paddings, 3, &pad, c->err));
  job->mode = (lookup)mode;
  job->padding = (padding)pad;
  job->is_aligned = pgi_attr_int(c->node, "align_corners") != 0;
  job->n = job->x->rank - 2;
  for (int i = 0; i < job->n && taps_n <= MAX_TAPS; i++) taps_n *= mode == NEAREST ? 1 : 2 * mode;
  if (taps_n > MAX_TAPS) {
    return pgi_fail(c->err, PG_UNSUPPORTED, "%s over %d axes", modes[mode], job->n);
  }
  job->places = PG_MIN(MAX_TAPS / taps_n, MAX_PLACES);
  if (pgi_dtype_kind(job->grid->dtype) != PG_KIND_FLOAT) {
    return pgi_fail(c->err, PG_INVALID, "grid: expected floats, got %s",
                    pg_dtype_name(job->grid->dtype));
  }
  return pgi_working_of(c, job->x, &job->data);
}

static pg_status grid_sample_run(pgi_call *c) {
  grid_job job = {.x = c->in[0], .grid = c->in[1], .out = c->out[0]};
  PG_TRY(read_job(c, &job));
  if (pgi_tensor_count(job.out) == 0) return PG_OK;
  if (pgi_tensor_count(job.x) == 0) {
    return pgi_fail(c->err, PG_INVALID, "X: expected pixels, got none");
  }
  job.channels = job.x->dims[1];
  job.plane = pgi_dims_product(job.x->dims, 2, job.x->rank);
  job.positions = pgi_dims_product(job.out->dims, 2, job.out->rank);
  pgi_move_rows(c, job.out->dims[0] * job.positions, (size_t)job.channels * 16 + 64, grid_rows,
                &job);
  return PG_OK;
}

static const pgi_attr_def grid_sample_attrs[] = {
    {.name = "align_corners", .kind = PG_ATTR_INT},
    {.name = "mode", .kind = PG_ATTR_STRING, .s = "linear"},
    {.name = "padding_mode", .kind = PG_ATTR_STRING, .s = "zeros"},
    {0}};

PG_OP(grid_sample) = {
    .name = "GridSample",
    .since = {16, 20, 22},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC | PG_T(PG_BOOL),
    .attrs = grid_sample_attrs,
    .upgrade = grid_sample_upgrade,
    .infer = grid_sample_infer,
    .run = grid_sample_run,
};
