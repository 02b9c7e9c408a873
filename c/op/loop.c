/* loop: elements in parallel.  Work is cut by the number of elements alone, so that bits don't depend
** on the thread count. */
#include "op/op.h"

/* ---- flat --------------------------------------------------------------------------------------- */

typedef struct flat_job {
  int64_t n;
  void (*f)(void *arg, int64_t first, int64_t n);
  void *arg;
} flat_job;

static void flat_task(void *arg, int64_t task) {
  const flat_job *job = arg;
  int64_t first = task * PG_GRAIN;
  job->f(job->arg, first, PG_MIN(job->n - first, (int64_t)PG_GRAIN));
}

void pgi_flat_loop(pgi_call *c, int64_t n, void (*f)(void *arg, int64_t first, int64_t n),
                   void *arg) {
  if (n <= 0) return;
  if (n <= PG_GRAIN) {
    f(arg, 0, n);
    return;
  }
  flat_job job = {n, f, arg};
  pgi_call_parallel(c, (n - 1) / PG_GRAIN + 1, flat_task, &job);
}

/* ---- broadcast ---------------------------------------------------------------------------------- */

typedef struct broadcast_job {
  int rank, n_in;
  int64_t count;
  int64_t dims[PG_MAX_RANK];                        /* coalesced; the last one is the run's */
  int64_t strides[PG_MAX_RANK][PG_LOOP_MAX_INPUTS]; /* 0 where an input repeats */
  pgi_run_fn *f;
  void *arg;
} broadcast_job;

/* Strides of `t` under the dims of `out`; false when it doesn't broadcast to them. */
static bool input_strides(const pg_tensor *out, const pg_tensor *t, int64_t *strides) {
  int shift = out->rank - t->rank;
  if (shift < 0) return false;
  for (int i = 0; i < out->rank; i++) {
    bool is_same = i >= shift && t->dims[i - shift] == out->dims[i];
    if (i >= shift && !is_same && t->dims[i - shift] != 1) return false;
    strides[i] = is_same ? t->strides[i - shift] : 0;
  }
  return true;
}

/* Whether the last axis gathered so far and the next inner one run evenly in every input. */
static bool is_mergeable(const broadcast_job *job, int64_t dim, const int64_t *inner) {
  const int64_t *outer = job->strides[job->rank - 1];
  for (int k = 0; k < job->n_in; k++)
    if (outer[k] != inner[k] * dim) return false;
  return true;
}

/* Appends an axis to the job, or merges it with the one before. */
static void add_axis(broadcast_job *job, int64_t dim, const int64_t *strides) {
  if (dim == 1) return;
  if (job->rank > 0 && is_mergeable(job, dim, strides))
    job->dims[job->rank - 1] *= dim;
  else
    job->dims[job->rank++] = dim;
  memcpy(job->strides[job->rank - 1], strides, (size_t)job->n_in * sizeof *strides);
}

/* The runs of elements [first, first + n) in row-major order; those at the ends may be partial. */
static void broadcast_range(const broadcast_job *job, int64_t first, int64_t n) {
  int64_t index[PG_MAX_RANK], at[PG_LOOP_MAX_INPUTS] = {0};
  int last = job->rank - 1;
  int64_t rest = first;
  for (int i = last; i >= 0; i--) {
    index[i] = rest % job->dims[i];
    rest /= job->dims[i];
    for (int k = 0; k < job->n_in; k++) at[k] += index[i] * job->strides[i][k];
  }
  for (int64_t out = first, end = first + n; out < end;) {
    int64_t run = PG_MIN(job->dims[last] - index[last], end - out);
    job->f(job->arg, out, at, job->strides[last], run);
    out += run;
    index[last] += run;
    for (int k = 0; k < job->n_in; k++) at[k] += run * job->strides[last][k];
    for (int i = last; i > 0 && index[i] == job->dims[i]; i--) {
      index[i] = 0;
      index[i - 1]++;
      for (int k = 0; k < job->n_in; k++)
        at[k] += job->strides[i - 1][k] - job->dims[i] * job->strides[i][k];
    }
  }
}

static void broadcast_task(void *arg, int64_t task) {
  const broadcast_job *job = arg;
  int64_t first = task * PG_GRAIN;
  broadcast_range(job, first, PG_MIN(job->count - first, (int64_t)PG_GRAIN));
}

pg_status pgi_broadcast_loop(pgi_call *c, const pg_tensor *out, int n_in,
                             const pg_tensor *const *in, pgi_run_fn *f, void *arg) {
  broadcast_job job = {.n_in = n_in, .count = pgi_tensor_count(out), .f = f, .arg = arg};
  int64_t strides[PG_LOOP_MAX_INPUTS][PG_MAX_RANK];
  if (n_in > PG_LOOP_MAX_INPUTS)
    return pgi_fail(c->err, PG_INTERNAL, "a loop over %d inputs", n_in);
  for (int k = 0; k < n_in; k++) {
    if (input_strides(out, in[k], strides[k])) continue;
    char from[300], to[300];
    pgi_shape_text(in[k]->dtype, in[k]->rank, in[k]->dims, from, sizeof from);
    pgi_shape_text(out->dtype, out->rank, out->dims, to, sizeof to);
    return pgi_fail(c->err, PG_INVALID, "input %d: %s doesn't broadcast to %s", k, from, to);
  }
  if (job.count == 0) return PG_OK;
  for (int i = 0; i < out->rank; i++) {
    int64_t axis[PG_LOOP_MAX_INPUTS];
    for (int k = 0; k < n_in; k++) axis[k] = strides[k][i];
    add_axis(&job, out->dims[i], axis);
  }
  if (job.rank == 0) { /* one element */
    job.rank = 1;
    job.dims[0] = 1;
  }
  if (job.count <= PG_GRAIN)
    broadcast_range(&job, 0, job.count);
  else
    pgi_call_parallel(c, (job.count - 1) / PG_GRAIN + 1, broadcast_task, &job);
  return PG_OK;
}
