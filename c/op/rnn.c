/* RNN: h = f(X W + h R + bias). */
#include "op/recurrent.h"

static void step(pgi_rec_block *b) {
  int64_t n = b->rec->hidden;
  pgi_rec_product(b, b->h, 0, 1, b->gates, n, true);
  for (int64_t i = 0; i < b->rows; i++) {
    if (!b->is_active[i]) continue;
    pgi_rec_activate(b->rec, &b->acts[0], b->gates + i * n, n);
    memcpy(b->h + i * n, b->gates + i * n, (size_t)n * sizeof(float));
  }
}

static const pgi_rec_cell cell = {
    .gates = 1, .acts = 1, .defaults = {"Tanh"}, .step = step, .step_f64 = pgi_rnn_step_f64};

static pg_status infer(pgi_infer *inf) {
  return pgi_rec_infer(inf, &cell);
}
static pg_status run(pgi_call *c) {
  return pgi_rec_run(c, &cell, false);
}

static const pgi_attr_def attrs[] = {PG_REC_ATTRS, {0}};

PG_OP(rnn) = {
    .name = "RNN",
    .since = {1, 7, 14, 22},
    .in = {3, 6},
    .out = {0, 2},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .upgrade = pgi_rec_upgrade,
    .infer = infer,
    .prepare = pgi_rec_prepare,
    .discard = pgi_rec_discard,
    .run = run,
};
