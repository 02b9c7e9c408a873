/* CausalConvWithState: a depthwise convolution along time that sees the past only, and passes on
** the end of what it saw. */
#include "kernel/conv.h"
#include "kernel/gemm.h"
#include "op/conv.h"
#include "op/product.h"

typedef struct run {
  int64_t channels, length, k, kept; /* kept = k - 1 */
  const pgi_conv_f32 *kernel;
  const pgi_gemm_f32 *gemm;
  const int64_t *at;
  const float *weights, *bias; /* bias NULL: none */
  const pg_tensor *x, *past;
  pg_tensor *y, *present;
  pgi_activation act;
} run;

/* [B,C,L], [C,1,k], [C], [B,C,k-1]: where known, they must fit. */
static pg_status check_dim(pgi_dim got, pgi_dim expected, int64_t plus, const char *what,
                           pg_error *err) {
  if (got.n < 0 || expected.n < 0 || got.n == expected.n + plus) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected %lld, got %lld", what,
                  (long long)(expected.n + plus), (long long)got.n);
}

static pg_status infer(pgi_infer *inf) {
  static const int ranks[] = {3, 3, 1, 3};
  for (int i = 0; i < 4; i++) {
    int rank = pgi_in_rank(inf, i);
    if (rank >= 0 && rank != ranks[i]) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected rank %d, got %d", i, ranks[i],
                      rank);
    }
  }
  PG_TRY(pgi_infer_same(inf));
  if (pgi_in_rank(inf, 0) < 0 || pgi_in_rank(inf, 1) < 0) return PG_OK;
  const pgi_dim *x = inf->in[0]->dims, *w = inf->in[1]->dims;
  PG_TRY(check_dim(w[0], x[1], 0, "channels of the weights", inf->err));
  PG_TRY(check_dim(w[1], pgi_dim_of(1), 0, "axis 1 of the weights", inf->err));
  if (w[2].n == 0) return pgi_fail(inf->err, PG_INVALID, "the kernel is empty");
  if (pgi_in_rank(inf, 2) == 1) {
    PG_TRY(check_dim(inf->in[2]->dims[0], x[1], 0, "bias", inf->err));
  }
  if (pgi_in_rank(inf, 3) == 3) {
    const pgi_dim *past = inf->in[3]->dims;
    PG_TRY(check_dim(past[0], x[0], 0, "batch of the state", inf->err));
    PG_TRY(check_dim(past[1], x[1], 0, "channels of the state", inf->err));
    PG_TRY(check_dim(past[2], w[2], -1, "length of the state", inf->err));
  }
  if (inf->n_out > 1) {
    inf->out[1] = *inf->in[0];
    inf->out[1].dims[2] = pgi_dim_shift(inf->arena, w[2], -1);
  }
  return PG_OK;
}

/* Scratch: past and input side by side, then the output. */
static void task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  int64_t channel = i % r->channels;
  float *line = scratch, *y = line + r->kept + r->length;
  if (r->past) {
    pgi_load_f32(r->past->dtype, pgi_tensor_data(r->past), i * r->kept, r->kept, line);
  } else {
    for (int64_t j = 0; j < r->kept; j++) line[j] = 0;
  }
  pgi_load_f32(r->x->dtype, pgi_tensor_data(r->x), i * r->length, r->length, line + r->kept);
  if (r->present) {
    pgi_store_f32(r->present->dtype, pgi_tensor_data(r->present), i * r->kept, r->kept,
                  line + r->length);
  }
  if (!r->y || r->length == 0) return;
  r->kernel->rows(1, r->length, r->k, r->at, r->weights + channel * r->k,
                  r->bias ? r->bias[channel] : 0, line, 0, y, 0);
  pgi_epilogue e = {.act = r->act};
  r->gemm->finish(&e, 0, 0, 1, r->length, y, 0);
  pgi_store_f32(r->y->dtype, pgi_tensor_data(r->y), i * r->length, r->length, y);
}

static pg_status run_causal(pgi_call *call) {
  const pg_tensor *x = call->in[0], *w = call->in[1];
  const pg_tensor *bias = call->n_in > 2 ? call->in[2] : NULL;
  run r = {.channels = x->dims[1],
           .length = x->dims[2],
           .k = w->dims[2],
           .x = x,
           .past = call->n_in > 3 ? call->in[3] : NULL,
           .y = call->out[0],
           .present = call->n_out > 1 ? call->out[1] : NULL,
           .kernel = call->ctx->kernels[PG_K_CONV_DW_F32],
           .gemm = call->ctx->kernels[PG_K_GEMM_F32]};
  r.kept = r.k - 1;
  if (pgi_attr_is(call->node, "activation", "silu") ||
      pgi_attr_is(call->node, "activation", "swish")) {
    r.act = PG_ACT_SILU;
  } else if (!pgi_attr_is(call->node, "activation", "none")) {
    return pgi_fail(call->err, PG_INVALID, "activation: expected none, silu or swish");
  }
  int64_t *at;
  PG_TRY(pgi_scratch_array(call, r.k, sizeof *at, &at));
  for (int64_t t = 0; t < r.k; t++) at[t] = t;
  r.at = at;
  PG_TRY(pgi_as_f32(call, w, &r.weights));
  PG_TRY(pgi_as_f32(call, bias, &r.bias));
  pgi_lanes lanes;
  int64_t n = x->dims[0] * x->dims[1];
  size_t bytes = (size_t)(r.kept + 2 * r.length) * sizeof(float);
  PG_TRY(pgi_lanes_init(&lanes, call, n, bytes));
  pgi_lanes_run(&lanes, n, task, &r);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "activation", .kind = PG_ATTR_STRING, .s = "none"},
                                     {0}};

PG_OP(causal_conv_with_state) = {.name = "CausalConvWithState",
                                 .since = {27},
                                 .in = {2, 4},
                                 .out = {1, 2},
                                 .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                                 .attrs = attrs,
                                 .infer = infer,
                                 .run = run_causal};
