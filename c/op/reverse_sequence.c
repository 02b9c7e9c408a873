/* ReverseSequence: the first part of each sequence of a batch backwards. */
#include "op/move.h"

static pg_status check_axes(const pgi_node *node, int rank, pg_error *err) {
  int64_t batch = pgi_attr_int(node, "batch_axis"), time = pgi_attr_int(node, "time_axis");
  if (rank < 2) return pgi_fail(err, PG_INVALID, "input: expected rank 2 or more, got %d", rank);
  if ((batch == 0 && time == 1) || (batch == 1 && time == 0)) return PG_OK;
  return pgi_fail(err, PG_INVALID, "batch_axis, time_axis: expected 0 and 1, got %lld and %lld",
                  (long long)batch, (long long)time);
}

static pg_status reverse_sequence_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  PG_TRY(pgi_infer_same(inf));
  return rank < 0 ? PG_OK : check_axes(inf->node, rank, inf->err);
}

typedef struct reverse_job {
  const char *from;
  char *to;
  const int64_t *lengths;
  bool is_time_major;
  int64_t columns; /* of axis 1 */
  size_t size;     /* bytes of a slice */
} reverse_job;

static void reverse_rows(void *arg, int64_t first, int64_t n) {
  const reverse_job *job = arg;
  for (int64_t r = first; r < first + n; r++) {
    int64_t i = r / job->columns, j = r % job->columns;
    int64_t time = job->is_time_major ? i : j, length = job->lengths[job->is_time_major ? j : i];
    int64_t from = time < length ? length - 1 - time : time;
    from = job->is_time_major ? from * job->columns + j : i * job->columns + from;
    memcpy(job->to + r * (int64_t)job->size, job->from + from * (int64_t)job->size, job->size);
  }
}

static pg_status reverse_sequence_run(pgi_call *c) {
  const pg_tensor *in = c->in[0], *lengths = c->in[1];
  reverse_job job = {.is_time_major = pgi_attr_int(c->node, "time_axis") == 0};
  pgi_elems from, to;
  PG_TRY(check_axes(c->node, in->rank, c->err));
  int64_t n = in->dims[job.is_time_major ? 1 : 0], most = in->dims[job.is_time_major ? 0 : 1];
  if (lengths->rank != 1 || lengths->dims[0] != n) {
    return pgi_fail(c->err, PG_INVALID, "sequence_lens: expected %lld lengths", (long long)n);
  }
  PG_TRY(pgi_i64s(c, lengths, &job.lengths));
  for (int64_t i = 0; i < n; i++) {
    if (job.lengths[i] < 0 || job.lengths[i] > most) {
      return pgi_fail(c->err, PG_INVALID, "sequence_lens[%lld]: expected 0 to %lld, got %lld",
                      (long long)i, (long long)most, (long long)job.lengths[i]);
    }
  }
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  if (pgi_tensor_count(in) > 0) {
    job.from = from.data;
    job.to = to.data;
    job.columns = in->dims[1];
    job.size = from.size * (size_t)pgi_dims_product(in->dims, 2, in->rank);
    pgi_move_rows(c, in->dims[0] * in->dims[1], job.size, reverse_rows, &job);
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def reverse_sequence_attrs[] = {
    {.name = "batch_axis", .kind = PG_ATTR_INT, .i = 1},
    {.name = "time_axis", .kind = PG_ATTR_INT},
    {0}};

PG_OP(reverse_sequence) = {
    .name = "ReverseSequence",
    .since = {10, 28},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = reverse_sequence_attrs,
    .infer = reverse_sequence_infer,
    .run = reverse_sequence_run,
};
