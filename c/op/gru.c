/* GRU. */
#include "op/recurrent.h"

#include "op/elementwise.h"

/* h = (1 - z) g(hidden) + z h; the gates of a row come as update (z), reset (r), hidden. */
static void end_row(const pgi_rec_block *b, float *gates, float *h) {
  int64_t n = b->rec->hidden;
  float *z = gates, *hidden = gates + 2 * n;
  pgi_rec_activate(b->rec, &b->acts[1], hidden, n);
  PG_LOOP(n, h[at] = (1.0f - z[at]) * hidden[at] + z[at] * h[at]);
}

/* hidden = X W + (r h) R + bias. */
static void step_reset_first(pgi_rec_block *b) {
  int64_t n = b->rec->hidden;
  pgi_rec_product(b, b->h, 0, 2, b->gates, 3 * n, true);
  for (int64_t row = 0; row < b->rows; row++) {
    float *gates = b->gates + row * 3 * n, *room = b->room + row * n;
    const float *h = b->h + row * n;
    pgi_rec_activate(b->rec, &b->acts[0], gates, 2 * n);
    PG_LOOP(n, room[at] = gates[n + at] * h[at]);
  }
  pgi_rec_product(b, b->room, 2, 1, b->gates + 2 * n, 3 * n, true);
}

/* hidden = X W + bias + r (h R + recurrent bias). */
static void step_linear_first(pgi_rec_block *b) {
  int64_t n = b->rec->hidden;
  pgi_rec_product(b, b->h, 0, 2, b->gates, 3 * n, true);
  pgi_rec_product(b, b->h, 2, 1, b->room, n, false);
  for (int64_t row = 0; row < b->rows; row++) {
    float *gates = b->gates + row * 3 * n, *r = gates + n, *hidden = r + n;
    const float *room = b->room + row * n, *bias = b->bias;
    pgi_rec_activate(b->rec, &b->acts[0], gates, 2 * n);
    if (b->bias)
      PG_LOOP(n, hidden[at] += r[at] * (room[at] + bias[at]));
    else
      PG_LOOP(n, hidden[at] += r[at] * room[at]);
  }
}

static void step(pgi_rec_block *b) {
  int64_t n = b->rec->hidden;
  if (b->rec->splits_bias)
    step_linear_first(b);
  else
    step_reset_first(b);
  for (int64_t row = 0; row < b->rows; row++)
    if (b->is_active[row]) end_row(b, b->gates + row * 3 * n, b->h + row * n);
}

static const pgi_rec_cell cell = {.gates = 3,
                                  .acts = 2,
                                  .defaults = {"Sigmoid", "Tanh"},
                                  .step = step,
                                  .step_f64 = pgi_gru_step_f64};

static pg_status infer(pgi_infer *inf) {
  return pgi_rec_infer(inf, &cell);
}
static pg_status run(pgi_call *c) {
  return pgi_rec_run(c, &cell, pgi_attr_int(c->node, "linear_before_reset") != 0);
}

static const pgi_attr_def attrs[] = {
    PG_REC_ATTRS, {.name = "linear_before_reset", .kind = PG_ATTR_INT}, {0}};

PG_OP(gru) = {
    .name = "GRU",
    .since = {1, 3, 7, 14, 22},
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
