/* recurrent: what LSTM, GRU and RNN share: shapes, weights, activations, the walk through time.
**
** The input's part of all gates and all times is one matrix product.  Then each direction and
** each block of the batch goes through time by itself, one small product a step. */
#ifndef PG_OP_RECURRENT_H
#define PG_OP_RECURRENT_H

#include "kernel/unary.h"
#include "op/op.h"

enum { PG_REC_ACTS = 3, PG_REC_ROWS = 16 };

/* scale * f(a ...), f by a kernel. */
typedef struct pgi_rec_act {
  pgi_unary f;
  float a, b;
  float scale_in, scale_out; /* ScaledTanh: out * tanh(in * x); else 1 */
} pgi_rec_act;

/* A block of the batch in one direction, on its way through time. */
typedef struct pgi_rec_block {
  const struct pgi_rec *rec;
  const pgi_rec_act *acts;
  const float *weights; /* R: a packed matrix for each gate */
  const float *bias;    /* the recurrent bias of the last gate, where it must stay apart; or NULL */
  const float *peephole; /* [3 * H] or NULL */
  int64_t rows;
  bool is_active[PG_REC_ROWS]; /* the row's sequence has not ended */
  float *gates;                /* [rows, gates * H]: X W + bias; the cell adds the rest */
  float *h, *c;                /* [rows, H] */
  float *room;                 /* [rows, H] */
  float *product_room;
} pgi_rec_block;

/* One sequence in one direction, in f64. */
typedef struct pgi_rec_row {
  const struct pgi_rec *rec;
  const pgi_rec_act *acts;
  const double *r;        /* as in the model: [gates * H, H] */
  const double *bias;     /* [2 * gates * H] or NULL */
  const double *peephole; /* [3 * H] or NULL */
  double *gates;          /* [gates * H]: as above */
  double *h, *c, *room;   /* [H] */
} pgi_rec_row;

typedef struct pgi_rec_cell {
  int gates, acts;
  bool has_c;
  const char *defaults[PG_REC_ACTS];
  int bias_at, peephole_at; /* inputs; 0: none */
  /* One step: h and c of the active rows become the next ones. */
  void (*step)(pgi_rec_block *b);
  void (*step_f64)(pgi_rec_row *row);
} pgi_rec_cell;

typedef struct pgi_rec {
  const pg_context *ctx;
  const pgi_rec_cell *cell;
  int64_t steps, batch, inputs, hidden, directions;
  bool is_batch_first, is_first_reverse, splits_bias, couples_forget;
  float clip; /* 0: none */
} pgi_rec;

/* Constant weights as f32 (none of f64) such that a row times them streams through memory: what
** prepare makes. */
typedef struct pgi_rec_weights {
  float *w; /* [D] of packed matrices [I, gates * H]; NULL: not constant */
  float *r; /* [D, gates] of packed matrices; NULL: not constant */
} pgi_rec_weights;
/* Floats of one packed matrix [H, H]; and packs `matrices` of them, of plain ones. */
int64_t pgi_rec_packed_size(const pg_context *ctx, int64_t hidden);
void pgi_rec_pack(const pg_context *ctx, const float *plain, int64_t matrices, int64_t hidden,
                  float *to);

pg_status pgi_rec_upgrade(pgi_node *node, int version, pg_error *err);
pg_status pgi_rec_infer(pgi_infer *inf, const pgi_rec_cell *cell);
pg_status pgi_rec_prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                          void **prepared, pg_error *err);
void pgi_rec_discard(pg_context *ctx, void *prepared);
/* splits_bias: the recurrent bias of the last gate is not added to the gates. */
pg_status pgi_rec_run(pgi_call *c, const pgi_rec_cell *cell, bool splits_bias);

/* For cells.  y = x times the weights of `n` gates from `first` on, or += when add; x [rows, H], y with
** a row length. */
void pgi_rec_product(pgi_rec_block *b, const float *x, int first, int n, float *y, int64_t y_row,
                     bool add);
/* x = act(x); x = act(clip(x)). */
void pgi_rec_apply(const pgi_rec *rec, const pgi_rec_act *act, float *x, int64_t n);
void pgi_rec_activate(const pgi_rec *rec, const pgi_rec_act *act, float *x, int64_t n);

/* In f64 (recurrent_f64.c). */
pg_status pgi_rec_run_f64(pgi_call *c, const pgi_rec *rec, const pgi_rec_act *acts,
                          const int64_t *lengths);
void pgi_rnn_step_f64(pgi_rec_row *row);
void pgi_gru_step_f64(pgi_rec_row *row);
void pgi_lstm_step_f64(pgi_rec_row *row);

#define PG_REC_ATTRS                                                                             \
  {.name = "activation_alpha", .kind = PG_ATTR_FLOATS},                                          \
      {.name = "activation_beta", .kind = PG_ATTR_FLOATS},                                       \
      {.name = "activations", .kind = PG_ATTR_STRINGS}, {.name = "clip", .kind = PG_ATTR_FLOAT}, \
      {.name = "direction", .kind = PG_ATTR_STRING, .s = "forward"},                             \
      {.name = "hidden_size", .kind = PG_ATTR_INT}, {                                            \
    .name = "layout", .kind = PG_ATTR_INT                                                        \
  }

#endif
