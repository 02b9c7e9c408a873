/* LSTM. */
#include "op/recurrent.h"

#include "op/elementwise.h"

/* y += p * x */
static void add_product(const float *restrict p, const float *restrict x, float *restrict y,
                        int64_t n) {
  PG_LOOP(n, y[at] += p[at] * x[at]);
}

/* The gates of a row come as input, output, forget, cell. */
static void row_step(const pgi_rec_block *b, float *gates, float *h, float *c) {
  const pgi_rec *rec = b->rec;
  const pgi_rec_act *f = &b->acts[0], *g = &b->acts[1], *last = &b->acts[2];
  int64_t n = rec->hidden;
  float *in = gates, *out = in + n, *forget = out + n, *cell = forget + n;
  const float *peephole = b->peephole;
  if (peephole) {
    add_product(peephole, c, in, n);
    add_product(peephole + 2 * n, c, forget, n);
    pgi_rec_activate(rec, f, in, n);
    pgi_rec_activate(rec, f, forget, n);
  } else {
    pgi_rec_activate(rec, f, in, 3 * n); /* all three in one go */
  }
  pgi_rec_activate(rec, g, cell, n);
  if (rec->couples_forget) PG_LOOP(n, forget[at] = 1.0f - in[at]);
  PG_LOOP(n, c[at] = forget[at] * c[at] + in[at] * cell[at]);
  if (peephole) {
    add_product(peephole + n, c, out, n);
    pgi_rec_activate(rec, f, out, n);
  }
  memcpy(h, c, (size_t)n * sizeof *h);
  pgi_rec_apply(rec, last, h, n); /* ONNX Runtime doesn't clip here either */
  PG_LOOP(n, h[at] *= out[at]);
}

static void step(pgi_rec_block *b) {
  int64_t n = b->rec->hidden;
  pgi_rec_product(b, b->h, 0, 4, b->gates, 4 * n, true);
  for (int64_t i = 0; i < b->rows; i++)
    if (b->is_active[i]) row_step(b, b->gates + i * 4 * n, b->h + i * n, b->c + i * n);
}

static const pgi_rec_cell cell = {.gates = 4,
                                  .acts = 3,
                                  .has_c = true,
                                  .defaults = {"Sigmoid", "Tanh", "Tanh"},
                                  .peephole_at = 7,
                                  .step = step,
                                  .step_f64 = pgi_lstm_step_f64};

static pg_status infer(pgi_infer *inf) {
  return pgi_rec_infer(inf, &cell);
}
static pg_status run(pgi_call *c) {
  return pgi_rec_run(c, &cell, false);
}

static const pgi_attr_def attrs[] = {
    PG_REC_ATTRS, {.name = "input_forget", .kind = PG_ATTR_INT}, {0}};

PG_OP(lstm) = {
    .name = "LSTM",
    .since = {1, 7, 14, 22},
    .in = {3, 8},
    .out = {0, 3},
    .types = PG_T_FLOAT,
    .attrs = attrs,
    .upgrade = pgi_rec_upgrade,
    .infer = infer,
    .prepare = pgi_rec_prepare,
    .discard = pgi_rec_discard,
    .run = run,
};
