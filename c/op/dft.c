/* DFT: the discrete Fourier transform along an axis; STFT: of the windows of a signal. */
#include "op/fft.h"
#include "op/move.h"
#include "op/working.h"

enum { MAX_TASKS = 32 };

/* DFT-17's axis is an attribute, 1 when not given. */
static pg_status dft_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 20) return PG_OK;
  if (!pgi_attr_find(node, "axis")) PG_TRY(pgi_attr_set_int(node, "axis", 1, err));
  return pgi_upgrade_ints_to_input(node, "axis", 2, err);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

typedef struct spectrum {
  bool is_inverse, is_onesided;
  int axis;
  int64_t n;     /* length of the transform */
  int64_t n_out; /* along the axis */
  int parts;     /* of each output element: 1 real, 2 complex */
} spectrum;

static void read_flags(const pgi_node *node, spectrum *s) {
  s->is_inverse = pgi_attr_int(node, "inverse") != 0;
  s->is_onesided = pgi_attr_int(node, "onesided") != 0;
  s->parts = s->is_inverse && s->is_onesided ? 1 : 2;
}

static pg_status read_axis(const pg_tensor *t, int rank, int *out, pg_error *err) {
  int64_t axis = -2;
  if (t) PG_TRY(pgi_scalar_i64(t, "axis", &axis, err));
  PG_TRY(pgi_axis(axis, rank, out, err));
  if (*out < rank - 1) return PG_OK;
  return pgi_fail(err, PG_INVALID, "axis: %lld holds the parts of complex numbers",
                  (long long)axis);
}

/* dim: of the input along the axis. */
static pg_status read_length(const pg_tensor *t, int64_t dim, spectrum *s, pg_error *err) {
  s->n = s->parts == 1 ? 2 * (dim - 1) : dim;
  if (t) PG_TRY(pgi_scalar_i64(t, "dft_length", &s->n, err));
  if (s->n < 1 || s->n > INT32_MAX) {
    return pgi_fail(err, PG_INVALID, "dft_length: expected at least 1, got %lld", (long long)s->n);
  }
  s->n_out = s->is_onesided && !s->is_inverse ? s->n / 2 + 1 : s->n;
  return PG_OK;
}

static pg_status dft_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  spectrum s;
  read_flags(inf->node, &s);
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  int64_t parts = rank > 0 ? inf->in[0]->dims[rank - 1].n : 0;
  if (rank < 2 || (parts >= 0 && parts != 1 && parts != 2)) {
    return pgi_fail(inf->err, PG_INVALID, "input: expected [..., 1 or 2], got rank %d", rank);
  }
  out->dims[rank - 1] = pgi_dim_of(s.parts);
  if (pgi_has_in(inf, 2) && !pgi_known(inf, 2)) {
    bool keeps_all = inf->content && !s.is_onesided && !pgi_has_in(inf, 1); /* at any axis */
    for (int i = 0; i < rank - 1 && keeps_all; i++) out->dims[i] = inf->in[0]->dims[i];
    return PG_OK;
  }
  PG_TRY(read_axis(pgi_known(inf, 2), rank, &s.axis, inf->err));
  for (int i = 0; i < rank - 1; i++) {
    if (i != s.axis) out->dims[i] = inf->in[0]->dims[i];
  }
  int64_t dim = inf->in[0]->dims[s.axis].n;
  if (pgi_has_in(inf, 1) ? !pgi_known(inf, 1) : dim < 0) return PG_OK;
  PG_TRY(read_length(pgi_known(inf, 1), dim, &s, inf->err));
  out->dims[s.axis] = pgi_dim_of(s.n_out);
  return PG_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

typedef struct dft_job {
  spectrum s;
  pgi_fft fft;
  const pg_tensor *in;
  pg_tensor *out;
  int64_t dim, inner; /* of the input along the axis; lines side by side */
  int in_parts;
  int64_t lines, per_task;
  char *room; /* for each task: n complex numbers, then the transform's own */
  size_t room_size;
} dft_job;

static void load_line(const dft_job *job, int64_t first, int64_t n, double *x) {
  for (int64_t i = 0; i < n; i++) {
    x[2 * i + 1] = 0;
    pgi_load_f64(job->in->dtype, pgi_tensor_data(job->in), (first + i * job->inner) * job->in_parts,
                 job->in_parts, x + 2 * i);
  }
  memset(x + 2 * n, 0, (size_t)(job->s.n - n) * 2 * sizeof *x);
}

/* A real signal's spectrum: X[n - k] is the conjugate of X[k]. */
static void complete(double *x, int64_t n) {
  x[1] = 0;
  if (n % 2 == 0) x[n + 1] = 0;
  for (int64_t k = 1; 2 * k < n; k++) {
    x[2 * (n - k)] = x[2 * k];
    x[2 * (n - k) + 1] = -x[2 * k + 1];
  }
}

static void transform_line(const dft_job *job, int64_t line, double *x, void *work) {
  const spectrum *s = &job->s;
  int64_t outer = line / job->inner, i = line % job->inner;
  int64_t known = s->parts == 1 ? s->n / 2 + 1 : s->n;
  load_line(job, outer * job->dim * job->inner + i, PG_MIN(job->dim, known), x);
  if (s->parts == 1) complete(x, s->n);
  pgi_fft_run(&job->fft, x, s->is_inverse, work);
  int64_t to = outer * s->n_out * job->inner + i;
  for (int64_t k = 0; k < s->n_out; k++, to += job->inner) {
    double value[2] = {x[2 * k], x[2 * k + 1]};
    for (int p = 0; p < 2 && s->is_inverse; p++) value[p] /= (double)s->n;
    pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), to * s->parts, s->parts, value);
  }
}

static void dft_task(void *arg, int64_t task) {
  const dft_job *job = arg;
  char *room = job->room + (size_t)task * job->room_size;
  int64_t last = PG_MIN((task + 1) * job->per_task, job->lines);
  for (int64_t i = task * job->per_task; i < last; i++) {
    transform_line(job, i, (double *)(void *)room, room + (size_t)job->s.n * 2 * sizeof(double));
  }
}

/* A plan for length n and room for each of some tasks, which `lines` lines are cut into. */
static pg_status make_fft(pgi_call *c, int64_t n, int64_t lines, pgi_fft *fft, int64_t *per_task,
                          char **room, size_t *room_size) {
  size_t plan, work, total;
  if (!pgi_fft_room(n, &plan, &work)) return pgi_nomem(c->err);
  *per_task = (lines - 1) / MAX_TASKS + 1;
  *room_size = ((size_t)n * 2 * sizeof(double) + work + PG_ALIGN - 1) & ~(size_t)(PG_ALIGN - 1);
  if (!pgi_mul_size(*room_size, (size_t)((lines - 1) / *per_task + 1), &total))
    return pgi_nomem(c->err);
  void *plan_room = pgi_call_scratch(c, plan);
  *room = pgi_call_scratch(c, total);
  if (!plan_room || !*room) return pgi_nomem(c->err);
  pgi_fft_init(fft, n, plan_room);
  return PG_OK;
}

static pg_status dft_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  dft_job job = {.in = in, .out = c->out[0], .in_parts = (int)in->dims[in->rank - 1]};
  read_flags(c->node, &job.s);
  PG_TRY(read_axis(pgi_input(c, 2), in->rank, &job.s.axis, c->err));
  job.dim = in->dims[job.s.axis];
  PG_TRY(read_length(pgi_input(c, 1), job.dim, &job.s, c->err));
  if (pgi_tensor_count(job.out) == 0) return PG_OK;
  job.inner = pgi_dims_product(in->dims, job.s.axis + 1, in->rank - 1);
  job.lines = pgi_dims_product(in->dims, 0, job.s.axis) * job.inner;
  PG_TRY(make_fft(c, job.s.n, job.lines, &job.fft, &job.per_task, &job.room, &job.room_size));
  pgi_call_parallel(c, (job.lines - 1) / job.per_task + 1, dft_task, &job);
  return PG_OK;
}

static const pgi_attr_def dft_attrs[] = {
    {.name = "inverse", .kind = PG_ATTR_INT}, {.name = "onesided", .kind = PG_ATTR_INT}, {0}};

PG_OP(dft) = {
    .name = "DFT",
    .since = {17, 20},
    .in = {1, 3},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = dft_attrs,
    .upgrade = dft_upgrade,
    .infer = dft_infer,
    .run = dft_run,
};

/* ---- STFT ------------------------------------------------------------------------------------ */

/* The frames of a signal: n samples every `step`. */
static pg_status read_frames(const pg_tensor *step, const pg_tensor *length, int64_t window,
                             int64_t signal, int64_t *n, int64_t *frames, int64_t *hop,
                             pg_error *err) {
  PG_TRY(pgi_scalar_i64(step, "frame_step", hop, err));
  *n = window >= 0 ? window : signal;
  if (length) PG_TRY(pgi_scalar_i64(length, "frame_length", n, err));
  if (*hop < 1 || *n < 1 || *n > INT32_MAX || (window >= 0 && window != *n)) {
    return pgi_fail(err, PG_INVALID, "frame_step %lld, frame_length %lld, window of %lld",
                    (long long)*hop, (long long)*n, (long long)window);
  }
  *frames = signal < *n ? 0 : (signal - *n) / *hop + 1;
  return PG_OK;
}

static pg_status stft_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t n, frames, hop, window = -1;
  bool is_onesided = pgi_attr_int(inf->node, "onesided") != 0;
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 4);
  out->dims[3] = pgi_dim_of(2);
  if (rank < 0) return PG_OK;
  int64_t parts = rank == 3 ? inf->in[0]->dims[2].n : 0;
  if (parts == 0 || parts > 2) {
    return pgi_fail(inf->err, PG_INVALID, "signal: expected [batch, length, 1 or 2]");
  }
  out->dims[0] = inf->in[0]->dims[0];
  if (pgi_has_in(inf, 2)) window = pgi_in_length(inf, 2);
  bool is_known = pgi_known(inf, 1) && inf->in[0]->dims[1].n >= 0 &&
                  (!pgi_has_in(inf, 2) || window >= 0) &&
                  (!pgi_has_in(inf, 3) || pgi_known(inf, 3));
  if (!is_known) return PG_OK;
  PG_TRY(read_frames(pgi_known(inf, 1), pgi_known(inf, 3), window, inf->in[0]->dims[1].n, &n,
                     &frames, &hop, inf->err));
  out->dims[1] = pgi_dim_of(frames);
  out->dims[2] = pgi_dim_of(is_onesided ? n / 2 + 1 : n);
  return PG_OK;
}

typedef struct stft_job {
  pgi_fft fft;
  const pg_tensor *in;
  pg_tensor *out;
  const double *window; /* NULL: ones */
  int64_t n, hop, frames, lines, per_task;
  char *room;
  size_t room_size;
} stft_job;

static void transform_frame(const stft_job *job, int64_t line, double *x, void *work) {
  int64_t parts = job->in->dims[2], n_out = job->out->dims[2];
  int64_t first = line / job->frames * job->in->dims[1] + line % job->frames * job->hop;
  for (int64_t i = 0; i < job->n; i++) {
    x[2 * i + 1] = 0;
    pgi_load_f64(job->in->dtype, pgi_tensor_data(job->in), (first + i) * parts, parts, x + 2 * i);
    for (int p = 0; p < 2 && job->window; p++) x[2 * i + p] *= job->window[i];
  }
  pgi_fft_run(&job->fft, x, false, work);
  pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), line * n_out * 2, n_out * 2, x);
}

static void stft_task(void *arg, int64_t task) {
  const stft_job *job = arg;
  char *room = job->room + (size_t)task * job->room_size;
  int64_t last = PG_MIN((task + 1) * job->per_task, job->lines);
  for (int64_t i = task * job->per_task; i < last; i++)
    transform_frame(job, i, (double *)(void *)room, room + (size_t)job->n * 2 * sizeof(double));
}

static pg_status stft_run(pgi_call *c) {
  const pg_tensor *in = c->in[0], *window = pgi_input(c, 2);
  stft_job job = {.in = in, .out = c->out[0]};
  PG_TRY(read_frames(c->in[1], pgi_input(c, 3), window ? pgi_tensor_count(window) : -1, in->dims[1],
                     &job.n, &job.frames, &job.hop, c->err));
  if (pgi_tensor_count(job.out) == 0) return PG_OK;
  if (window) PG_TRY(pgi_f64s(c, window, &job.window));
  job.lines = in->dims[0] * job.frames;
  PG_TRY(make_fft(c, job.n, job.lines, &job.fft, &job.per_task, &job.room, &job.room_size));
  pgi_call_parallel(c, (job.lines - 1) / job.per_task + 1, stft_task, &job);
  return PG_OK;
}

static const pgi_attr_def stft_attrs[] = {{.name = "onesided", .kind = PG_ATTR_INT, .i = 1}, {0}};

PG_OP(stft) = {
    .name = "STFT",
    .since = {17},
    .in = {2, 4},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = stft_attrs,
    .infer = stft_infer,
    .run = stft_run,
};
