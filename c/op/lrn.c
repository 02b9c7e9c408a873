/* LRN: x / (bias + alpha / size * sum of squares of neighbouring channels) ^ beta. */
#include <math.h>

#include "op/lanes.h"

typedef struct run {
  const pg_tensor *x;
  pg_tensor *y;
  int64_t channels, size, blocks; /* of a plane; of BLOCK elements */
  int64_t below, above;           /* neighbours on each side */
  double alpha, beta, bias;
} run;

enum { BLOCK = 256 };

static pg_status infer(pgi_infer *inf) {
  int64_t size = pgi_attr_int(inf->node, "size");
  if (size < 1 || size > INT32_MAX) {
    return pgi_fail(inf->err, PG_INVALID, "size: expected at least 1, got %lld", (long long)size);
  }
  int rank = pgi_in_rank(inf, 0);
  if (rank >= 0 && rank < 3) {
    return pgi_fail(inf->err, PG_INVALID, "input 0: expected rank 3 or more, got %d", rank);
  }
  return pgi_infer_same(inf);
}

/* x ^ -beta; the usual 3/4 by roots. */
static void power(double beta, int64_t n, double *x) {
  if (beta == 0.75) {
    for (int64_t i = 0; i < n; i++) x[i] = 1 / (sqrt(x[i]) * sqrt(sqrt(x[i])));
  } else {
    for (int64_t i = 0; i < n; i++) x[i] = pow(x[i], -beta);
  }
}

/* All channels of BLOCK positions of an image. */
static void task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  int64_t image = i / r->blocks, first = i % r->blocks * BLOCK;
  int64_t n = PG_MIN(r->size - first, BLOCK), at = image * r->channels * r->size + first;
  double *x = scratch, sum[BLOCK];
  for (int64_t c = 0; c < r->channels; c++) {
    pgi_load_f64(r->x->dtype, pgi_tensor_data(r->x), at + c * r->size, n, x + c * BLOCK);
  }
  for (int64_t c = 0; c < r->channels; c++) {
    int64_t end = PG_MIN(c + r->above + 1, r->channels);
    for (int64_t j = 0; j < n; j++) sum[j] = 0;
    for (int64_t k = PG_MAX(c - r->below, 0); k < end; k++) {
      const double *v = x + k * BLOCK;
      for (int64_t j = 0; j < n; j++) sum[j] += v[j] * v[j];
    }
    for (int64_t j = 0; j < n; j++) sum[j] = r->bias + r->alpha * sum[j];
    power(r->beta, n, sum);
    for (int64_t j = 0; j < n; j++) sum[j] *= x[c * BLOCK + j];
    pgi_store_f64(r->y->dtype, pgi_tensor_data(r->y), at + c * r->size, n, sum);
  }
}

static pg_status run_lrn(pgi_call *call) {
  const pg_tensor *x = call->in[0];
  int64_t size = pgi_attr_int(call->node, "size");
  run r = {.x = x, .y = call->out[0], .channels = x->dims[1]};
  r.size = pgi_dims_product(x->dims, 2, x->rank);
  r.blocks = (r.size + BLOCK - 1) / BLOCK;
  r.below = (size - 1) / 2;
  r.above = size / 2;
  r.alpha = (double)pgi_attr_float(call->node, "alpha") / (double)size;
  r.beta = (double)pgi_attr_float(call->node, "beta");
  r.bias = (double)pgi_attr_float(call->node, "bias");
  pgi_lanes lanes;
  int64_t n = x->dims[0] * r.blocks;
  PG_TRY(pgi_lanes_init(&lanes, call, n, (size_t)r.channels * BLOCK * sizeof(double)));
  pgi_lanes_run(&lanes, n, task, &r);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1e-4f},
                                     {.name = "beta", .kind = PG_ATTR_FLOAT, .f = 0.75f},
                                     {.name = "bias", .kind = PG_ATTR_FLOAT, .f = 1},
                                     {.name = "size", .kind = PG_ATTR_INT, .is_required = true},
                                     {0}};

PG_OP(lrn) = {.name = "LRN",
              .since = {1, 13},
              .in = {1, 1},
              .out = {1, 1},
              .types = PG_T_FLOAT,
              .attrs = attrs,
              .infer = infer,
              .run = run_lrn};
