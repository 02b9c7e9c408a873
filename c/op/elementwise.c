/* elementwise: see elementwise.h. */
#include "op/elementwise.h"

enum { BLOCK = 512 };

/* ---- one operand ---------------------------------------------------------------------------------- */

typedef struct unary_job {
  const pg_context *ctx;
  pgi_unary f;
  pgi_i64_fn *f_i64;
  const void *arg;
  double a, b;
  pg_dtype dtype;
  const void *x;
  void *y;
} unary_job;

static void unary_f32(void *arg, int64_t first, int64_t n) {
  const unary_job *job = arg;
  pgi_unary_f32_run(job->ctx, job->f, (const float *)job->x + first, (float *)job->y + first, n,
                    (float)job->a, (float)job->b);
}

static void unary_f64(void *arg, int64_t first, int64_t n) {
  const unary_job *job = arg;
  pgi_unary_f64_run(job->f, (const double *)job->x + first, (double *)job->y + first, n, job->a,
                    job->b);
}

static void unary_small(void *arg, int64_t first, int64_t n) {
  const unary_job *job = arg;
  float block[BLOCK];
  for (int64_t end = first + n; first < end; first += BLOCK) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK);
    pgi_load_f32(job->dtype, job->x, first, m, block);
    pgi_unary_f32_run(job->ctx, job->f, block, block, m, (float)job->a, (float)job->b);
    pgi_store_f32(job->dtype, job->y, first, m, block);
  }
}

static void unary_i64(void *arg, int64_t first, int64_t n) {
  const unary_job *job = arg;
  int64_t block[BLOCK];
  for (int64_t end = first + n; first < end; first += BLOCK) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK);
    pgi_load_i64(job->dtype, job->x, first, m, block);
    job->f_i64(block, block, m, job->arg);
    pgi_store_i64(job->dtype, job->y, first, m, block);
  }
}

static pg_status fail_type(const pgi_call *c, int i, pg_dtype dtype) {
  return pgi_fail(c->err, PG_INVALID, "input %d: %s doesn't take %s", i, c->node->type,
                  pg_dtype_name(dtype));
}

pg_status pgi_unary_tensor(pgi_call *c, pgi_unary f, double a, double b, const pg_tensor *in,
                           const pg_tensor *out) {
  if (pgi_dtype_kind(in->dtype) != PG_KIND_FLOAT) return fail_type(c, 0, in->dtype);
  unary_job job = {.ctx = c->ctx, .f = f, .a = a, .b = b, .dtype = in->dtype};
  job.x = pgi_tensor_data(in);
  job.y = pgi_tensor_data(out);
  void (*loop)(void *, int64_t, int64_t) = in->dtype == PG_F32   ? unary_f32
                                           : in->dtype == PG_F64 ? unary_f64
                                                                 : unary_small;
  pgi_flat_loop(c, pgi_tensor_count(in), loop, &job);
  return PG_OK;
}

pg_status pgi_unary_op(pgi_call *c, pgi_unary f, double a, double b) {
  return pgi_unary_tensor(c, f, a, b, c->in[0], c->out[0]);
}

static bool is_integer(pg_dtype dtype) {
  pgi_kind kind = pgi_dtype_kind(dtype);
  return kind == PG_KIND_INT || kind == PG_KIND_UINT || kind == PG_KIND_BOOL;
}

pg_status pgi_unary_i64_op(pgi_call *c, pgi_i64_fn *f, const void *arg) {
  const pg_tensor *in = c->in[0];
  if (!is_integer(in->dtype)) return fail_type(c, 0, in->dtype);
  unary_job job = {.f_i64 = f, .arg = arg, .dtype = in->dtype};
  job.x = pgi_tensor_data(in);
  job.y = pgi_tensor_data(c->out[0]);
  pgi_flat_loop(c, pgi_tensor_count(in), unary_i64, &job);
  return PG_OK;
}

/* ---- two operands --------------------------------------------------------------------------------- */

typedef struct binary_job {
  const pg_context *ctx;
  const pgi_binary_def *def;
  pgi_binary_fn *native;
  pg_dtype dtype;
  size_t size, out_size;
  const char *a, *b;
  char *y;
} binary_job;

static void binary_kernel(void *arg, int64_t out, const int64_t *in, const int64_t *stride,
                          int64_t n) {
  const binary_job *job = arg;
  pgi_binary_f32_run(job->ctx, job->def->kernel, (const float *)(const void *)job->a + in[0],
                     stride[0], (const float *)(const void *)job->b + in[1], stride[1],
                     (float *)(void *)job->y + out, n);
}

static void binary_native(void *arg, int64_t out, const int64_t *in, const int64_t *stride,
                          int64_t n) {
  const binary_job *job = arg;
  job->native(job->a + (size_t)in[0] * job->size, stride[0], job->b + (size_t)in[1] * job->size,
              stride[1], job->y + (size_t)out * job->out_size, n);
}

static void f32_blocks(const binary_job *job, const float *a, int64_t a_stride, const float *b,
                       int64_t b_stride, float *y, int64_t n) {
  if (job->def->has_kernel)
    pgi_binary_f32_run(job->ctx, job->def->kernel, a, a_stride, b, b_stride, y, n);
  else
    job->def->f32(a, a_stride, b, b_stride, y, n);
}

/* f16, bf16 ...: f32 holds more than twice their digits, so that one operation rounds as if done in
** the type itself (Figueroa 1995). */
static void binary_small(void *arg, int64_t out, const int64_t *in, const int64_t *stride,
                         int64_t n) {
  const binary_job *job = arg;
  float a[BLOCK], b[BLOCK], y[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    pgi_load_f32(job->dtype, job->a, in[0] + i * stride[0], stride[0] ? m : 1, a);
    pgi_load_f32(job->dtype, job->b, in[1] + i * stride[1], stride[1] ? m : 1, b);
    if (job->def->is_test) {
      job->def->f32(a, stride[0], b, stride[1], job->y + out + i, m);
    } else {
      f32_blocks(job, a, stride[0], b, stride[1], y, m);
      pgi_store_f32(job->dtype, job->y, out + i, m, y);
    }
  }
}

static void binary_i64(void *arg, int64_t out, const int64_t *in, const int64_t *stride,
                       int64_t n) {
  const binary_job *job = arg;
  int64_t a[BLOCK], b[BLOCK], y[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = PG_MIN(n - i, (int64_t)BLOCK);
    pgi_load_i64(job->dtype, job->a, in[0] + i * stride[0], stride[0] ? m : 1, a);
    pgi_load_i64(job->dtype, job->b, in[1] + i * stride[1], stride[1] ? m : 1, b);
    if (job->def->is_test) {
      job->def->i64(a, stride[0], b, stride[1], job->y + out + i, m);
    } else {
      job->def->i64(a, stride[0], b, stride[1], y, m);
      pgi_store_i64(job->dtype, job->y, out + i, m, y);
    }
  }
}

/* The loop for an element type; NULL when the operator has none. */
static pgi_run_fn *binary_loop(const pgi_binary_def *def, pg_dtype dtype, pgi_binary_fn **native) {
  *native = NULL;
  switch (dtype) {
    case PG_F32:
      if (def->has_kernel) return binary_kernel;
      *native = def->f32;
      break;
    case PG_F64:
      *native = def->f64;
      break;
    case PG_I32:
      *native = def->i32;
      break;
    case PG_I64:
      *native = def->i64;
      break;
    case PG_BOOL:
    case PG_U8:
      *native = def->u8;
      break;
    case PG_U64:
      *native = def->u64 ? def->u64 : def->i64;
      break;
    default:
      break;
  }
  if (*native) return binary_native;
  if (pgi_dtype_kind(dtype) == PG_KIND_FLOAT && dtype != PG_F32 && dtype != PG_F64)
    return def->f32 || def->has_kernel ? binary_small : NULL;
  return is_integer(dtype) && def->i64 ? binary_i64 : NULL;
}

/* ---- short periods -------------------------------------------------------------------------------- */

/* One operand as large as the output, the other its last few numbers over and over (a mean a channel
** of an image, channels last): runs of three would be all overhead, so the numbers are first repeated
** to a tile. */
enum { SHORT_PERIOD = 64, TILE = 1024 };

typedef struct tiled_job {
  binary_job *job;
  pgi_run_fn *loop;
  int tiled;    /* which operand */
  int64_t size; /* of the tile */
} tiled_job;

static void tiled_range(void *arg, int64_t first, int64_t n) {
  const tiled_job *t = arg;
  const int64_t stride[2] = {1, 1};
  int64_t at = first % t->size;
  while (n > 0) {
    int64_t m = PG_MIN(n, t->size - at);
    int64_t in[2] = {first, first};
    in[t->tiled] = at;
    t->loop(t->job, first, in, stride, m);
    first += m;
    n -= m;
    at = 0;
  }
}

/* The count of t when it holds the last dims of `out` and nothing else, and is short; else 0. */
static int64_t short_period(const pg_tensor *t, const pg_tensor *out) {
  int64_t period = 1;
  int i = 1;
  for (; i <= t->rank && i <= out->rank; i++) {
    if (t->dims[t->rank - i] != out->dims[out->rank - i]) break;
    period *= t->dims[t->rank - i];
    if (period > SHORT_PERIOD) return 0;
  }
  for (; i <= t->rank; i++)
    if (t->dims[t->rank - i] != 1) return 0;
  return period > 1 ? period : 0;
}

/* Sets *is_done when this was such a case. */
static pg_status try_tiled(pgi_call *c, binary_job *job, pgi_run_fn *loop, const pg_tensor *a,
                           const pg_tensor *b, const pg_tensor *out, bool *is_done) {
  *is_done = false;
  int64_t count = pgi_tensor_count(out);
  tiled_job t = {.job = job, .loop = loop, .tiled = pgi_same_dims(a, out) ? 1 : 0};
  if (count < 2 * TILE || !pgi_same_dims(t.tiled ? a : b, out)) return PG_OK;
  int64_t period = short_period(t.tiled ? b : a, out);
  if (period == 0 || job->size == 0) return PG_OK;
  t.size = TILE / period * period;
  size_t bytes = (size_t)period * job->size;
  char *tile = pgi_call_scratch(c, (size_t)t.size * job->size);
  if (!tile) return pgi_nomem(c->err);
  const char **operand = t.tiled ? &job->b : &job->a;
  for (int64_t i = 0; i < t.size / period; i++) memcpy(tile + (size_t)i * bytes, *operand, bytes);
  *operand = tile;
  pgi_flat_loop(c, count, tiled_range, &t);
  *is_done = true;
  return PG_OK;
}

/* ---- all together --------------------------------------------------------------------------------- */

pg_status pgi_binary_tensors(pgi_call *c, const pgi_binary_def *def, const pg_tensor *a,
                             const pg_tensor *b, const pg_tensor *out) {
  binary_job job = {.ctx = c->ctx, .def = def, .dtype = a->dtype};
  pgi_run_fn *loop = binary_loop(def, a->dtype, &job.native);
  if (!loop) return fail_type(c, 0, a->dtype);
  job.size = pgi_dtype_size(a->dtype);
  job.out_size = pgi_dtype_size(out->dtype);
  job.a = pgi_tensor_data(a);
  job.b = pgi_tensor_data(b);
  job.y = pgi_tensor_data(out);
  bool is_done = false;
  PG_TRY(try_tiled(c, &job, loop, a, b, out, &is_done));
  const pg_tensor *in[2] = {a, b};
  return is_done ? PG_OK : pgi_broadcast_loop(c, out, 2, in, loop, &job);
}

pg_status pgi_same_types(const pgi_call *c, int i, int j) {
  if (c->in[i]->dtype == c->in[j]->dtype) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "input %d: expected %s, as input %d, got %s", j,
                  pg_dtype_name(c->in[i]->dtype), i, pg_dtype_name(c->in[j]->dtype));
}

pg_status pgi_binary_op(pgi_call *c, const pgi_binary_def *def) {
  PG_TRY(pgi_same_types(c, 0, 1));
  return pgi_binary_tensors(c, def, c->in[0], c->in[1], c->out[0]);
}

pg_status pgi_variadic_op(pgi_call *c, const pgi_binary_def *def) {
  for (int i = 0; i < c->n_in; i++) {
    if (!c->in[i]) return pgi_fail(c->err, PG_INVALID, "input %d is missing", i);
    PG_TRY(pgi_same_types(c, 0, i));
  }
  if (c->n_in == 1) return pgi_tensor_copy_into(c->in[0], c->out[0], c->err);
  PG_TRY(pgi_binary_tensors(c, def, c->in[0], c->in[1], c->out[0]));
  for (int i = 2; i < c->n_in; i++)
    PG_TRY(pgi_binary_tensors(c, def, c->out[0], c->in[i], c->out[0]));
  return PG_OK;
}

pg_status pgi_upgrade_consumed(pgi_node *node, int version, pg_error *err) {
  (void)version, (void)err;
  pgi_attr_remove(node, "consumed_inputs");
  return PG_OK;
}

pg_status pgi_upgrade_binary(pgi_node *node, int version, pg_error *err) {
  return version < 7 ? pgi_upgrade_legacy_broadcast(node, err) : PG_OK;
}
