/* Where: condition ? x : y, of any element type. */
#include "op/op.h"

static pg_status infer(pgi_infer *inf) {
  if (inf->n_out == 0) return PG_OK;
  pg_dtype x = pgi_in_dtype(inf, 1), y = pgi_in_dtype(inf, 2);
  if (x != PG_NONE && y != PG_NONE && x != y)
    return pgi_fail(inf->err, PG_INVALID, "input 2: expected %s, as input 1, got %s",
                    pg_dtype_name(x), pg_dtype_name(y));
  pgi_type joined = pgi_type_tensor(x != PG_NONE ? x : y);
  joined.rank = 0;
  for (int i = 0; i < 3; i++) {
    if (!pgi_has_in(inf, i)) return PG_OK;
    PG_TRY(pgi_broadcast_dims(&joined, inf->in[i], &joined, inf->err));
  }
  inf->out[0] = joined;
  return PG_OK;
}

typedef struct where_job {
  const uint8_t *condition;
  const char *x, *y;
  char *out;
  size_t size;
  pgi_buffer *strings; /* of the output */
  int64_t first;       /* its first element there */
  pg_status status;
  pg_error *err;
} where_job;

/* x and y are read before the output is written: it may lie on one of them. */
#define WHERE_LOOP(T)                                                                    \
  static void where_##T(void *arg, int64_t at, const int64_t *in, const int64_t *stride, \
                        int64_t n) {                                                     \
    const where_job *job = arg;                                                          \
    const uint8_t *condition = job->condition + in[0];                                   \
    const T *x = (const T *)(const void *)job->x + in[1];                                \
    const T *y = (const T *)(const void *)job->y + in[2];                                \
    T *out = (T *)(void *)job->out + at;                                                 \
    for (int64_t i = 0; i < n; i++) {                                                    \
      T a = x[i * stride[1]], b = y[i * stride[2]];                                      \
      out[i] = condition[i * stride[0]] ? a : b;                                         \
    }                                                                                    \
  }
WHERE_LOOP(uint8_t)
WHERE_LOOP(uint16_t)
WHERE_LOOP(uint32_t)
WHERE_LOOP(uint64_t)

static void where_any(void *arg, int64_t at, const int64_t *in, const int64_t *stride, int64_t n) {
  const where_job *job = arg;
  for (int64_t i = 0; i < n; i++) {
    const char *from = job->condition[in[0] + i * stride[0]]
                           ? job->x + (size_t)(in[1] + i * stride[1]) * job->size
                           : job->y + (size_t)(in[2] + i * stride[2]) * job->size;
    memmove(job->out + (size_t)(at + i) * job->size, from, job->size);
  }
}

static void where_strings(void *arg, int64_t at, const int64_t *in, const int64_t *stride,
                          int64_t n) {
  where_job *job = arg;
  const pg_string *x = (const pg_string *)(const void *)job->x + in[1];
  const pg_string *y = (const pg_string *)(const void *)job->y + in[2];
  for (int64_t i = 0; i < n && job->status == PG_OK; i++) {
    const pg_string *s =
        job->condition[in[0] + i * stride[0]] ? &x[i * stride[1]] : &y[i * stride[2]];
    job->status = pgi_string_set(job->strings, job->first + at + i, s->data, s->size, job->err);
  }
}

static pgi_run_fn *loop_of_size(size_t size) {
  switch (size) {
    case 1:
      return where_uint8_t;
    case 2:
      return where_uint16_t;
    case 4:
      return where_uint32_t;
    case 8:
      return where_uint64_t;
    default:
      return where_any;
  }
}

static pg_status run(pgi_call *c) {
  const pg_tensor *condition = c->in[0], *x = c->in[1], *y = c->in[2], *out = c->out[0];
  size_t size = pgi_dtype_size(x->dtype);
  if (condition->dtype != PG_BOOL)
    return pgi_fail(c->err, PG_INVALID, "input 0: expected bool, got %s",
                    pg_dtype_name(condition->dtype));
  if (x->dtype != y->dtype || size == 0 || pgi_dtype_kind(x->dtype) == PG_KIND_OBJECT)
    return pgi_fail(c->err, PG_INVALID, "inputs 1 and 2: expected one element type, got %s and %s",
                    pg_dtype_name(x->dtype), pg_dtype_name(y->dtype));
  where_job job = {pgi_tensor_data(condition),
                   pgi_tensor_data(x),
                   pgi_tensor_data(y),
                   pgi_tensor_data(out),
                   size,
                   out->buffer,
                   out->offset,
                   PG_OK,
                   c->err};
  if (x->dtype != PG_STRING) return pgi_broadcast_loop(c, out, 3, c->in, loop_of_size(size), &job);
  pgi_call serial = *c; /* the first failure ends the loop */
  serial.threads = 1;
  PG_TRY(pgi_broadcast_loop(&serial, out, 3, c->in, where_strings, &job));
  return job.status;
}

PG_OP(where) = {
    .name = "Where",
    .since = {9, 16},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T(PG_BOOL),
    .flags = PG_OP_ELEMENTWISE,
    .infer = infer,
    .run = run,
};
