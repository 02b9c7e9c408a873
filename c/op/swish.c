/* Swish: x sigmoid(alpha x), and SwiGLU: Swish(a) b. */
#include "op/elementwise.h"

static double alpha(const pgi_call *c) {
  return (double)pgi_attr_float(c->node, "alpha");
}

static pg_status swish_run(pgi_call *c) {
  return pgi_unary_op(c, PG_SWISH, alpha(c), 0);
}

static const pgi_attr_def attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1.0f}, {0}};

PG_OP(swish) = {
    .name = "Swish",
    .since = {24},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = pgi_infer_same,
    .run = swish_run,
};

/* ---- SwiGLU --------------------------------------------------------------------------------------- */

/* The inputs don't broadcast. */
static pg_status swiglu_infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_broadcast(inf));
  int rank = pgi_in_rank(inf, 0);
  if (rank < 0 || pgi_in_rank(inf, 1) < 0) return PG_OK;
  bool is_same = rank == pgi_in_rank(inf, 1);
  for (int i = 0; is_same && i < rank; i++) {
    int64_t a = inf->in[0]->dims[i].n, b = inf->in[1]->dims[i].n;
    is_same = a < 0 || b < 0 || a == b;
  }
  if (is_same) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "input 1: expected the shape of input 0");
}

typedef struct swiglu_job {
  const pg_context *ctx;
  pg_dtype dtype;
  double alpha;
  const void *a, *b;
  void *y;
} swiglu_job;

enum { BLOCK = 512 };

static void swiglu_f64(void *arg, int64_t first, int64_t n) {
  const swiglu_job *job = arg;
  const double *a = job->a, *b = job->b;
  double *y = job->y;
  for (int64_t i = first; i < first + n; i++)
    y[i] = pgi_unary_f64(PG_SWISH, a[i], job->alpha, 0) * b[i];
}

/* In f16 and bf16 the gate is rounded before it is multiplied, as Swish and Mul would. */
static void swiglu_f32(void *arg, int64_t first, int64_t n) {
  const swiglu_job *job = arg;
  float a[BLOCK], b[BLOCK];
  uint16_t gate[BLOCK];
  for (int64_t end = first + n; first < end; first += BLOCK) {
    int64_t m = PG_MIN(end - first, (int64_t)BLOCK);
    pgi_load_f32(job->dtype, job->a, first, m, a);
    pgi_load_f32(job->dtype, job->b, first, m, b);
    pgi_unary_f32_run(job->ctx, PG_SWISH, a, a, m, (float)job->alpha, 0);
    if (job->dtype != PG_F32) {
      pgi_store_f32(job->dtype, gate, 0, m, a);
      pgi_load_f32(job->dtype, gate, 0, m, a);
    }
    pgi_binary_f32_run(job->ctx, PG_MUL, a, 1, b, 1, a, m);
    pgi_store_f32(job->dtype, job->y, first, m, a);
  }
}

static pg_status swiglu_run(pgi_call *c) {
  PG_TRY(pgi_same_types(c, 0, 1));
  pg_dtype dtype = c->in[0]->dtype;
  if ((PG_T(dtype) & PG_T_FLOAT) == 0)
    return pgi_fail(c->err, PG_INVALID, "input 0: SwiGLU doesn't take %s", pg_dtype_name(dtype));
  if (!pgi_same_dims(c->in[0], c->in[1]))
    return pgi_fail(c->err, PG_INVALID, "input 1: expected the shape of input 0");
  swiglu_job job = {.ctx = c->ctx, .dtype = dtype, .alpha = alpha(c)};
  job.a = pgi_tensor_data(c->in[0]);
  job.b = pgi_tensor_data(c->in[1]);
  job.y = pgi_tensor_data(c->out[0]);
  pgi_flat_loop(c, pgi_tensor_count(c->in[0]), dtype == PG_F64 ? swiglu_f64 : swiglu_f32, &job);
  return PG_OK;
}

PG_OP(swiglu) = {
    .name = "SwiGLU",
    .since = {28},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = swiglu_infer,
    .run = swiglu_run,
};
