/* recurrent_f64: LSTM, GRU and RNN in f64, as their definitions say it.
**
** Models in f64 are rare and there for their digits, not for speed: one sequence at a time, plain
** loops, weights as they lie. */
#include "op/recurrent.h"

#include "op/lanes.h"
#include "op/move.h"

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C };

/* y += m x, m [rows, n]. */
static void add_product(const double *m, const double *x, int64_t rows, int64_t n, double *y) {
  for (int64_t i = 0; i < rows; i++, m += n)
    for (int64_t k = 0; k < n; k++) y[i] += m[k] * x[k];
}

static void scale(double by, double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] *= by;
}

static void apply(const pgi_rec_act *act, double *x, int64_t n) {
  if (act->scale_in != 1) scale((double)act->scale_in, x, n);
  pgi_unary_f64_run(act->f, x, x, n, (double)act->a, (double)act->b);
  if (act->scale_out != 1) scale((double)act->scale_out, x, n);
}

static void activate(const pgi_rec *rec, const pgi_rec_act *act, double *x, int64_t n) {
  double clip = (double)rec->clip;
  if (clip > 0) pgi_unary_f64_run(PG_CLIP, x, x, n, -clip, clip);
  apply(act, x, n);
}

/* ---- cells ----------------------------------------------------------------------------------- */

void pgi_rnn_step_f64(pgi_rec_row *row) {
  int64_t n = row->rec->hidden;
  add_product(row->r, row->h, n, n, row->gates);
  activate(row->rec, &row->acts[0], row->gates, n);
  memcpy(row->h, row->gates, (size_t)n * sizeof *row->h);
}

void pgi_gru_step_f64(pgi_rec_row *row) {
  const pgi_rec *rec = row->rec;
  int64_t n = rec->hidden;
  double *z = row->gates, *r = z + n, *hidden = r + n, *h = row->h, *room = row->room;
  const double *last = row->r + 2 * n * n;
  add_product(row->r, h, 2 * n, n, z);
  activate(rec, &row->acts[0], z, 2 * n);
  if (rec->splits_bias) {
    for (int64_t i = 0; i < n; i++) room[i] = row->bias ? row->bias[5 * n + i] : 0;
    add_product(last, h, n, n, room);
    for (int64_t i = 0; i < n; i++) hidden[i] += r[i] * room[i];
  } else {
    for (int64_t i = 0; i < n; i++) room[i] = r[i] * h[i];
    add_product(last, room, n, n, hidden);
  }
  activate(rec, &row->acts[1], hidden, n);
  for (int64_t i = 0; i < n; i++) h[i] = (1 - z[i]) * hidden[i] + z[i] * h[i];
}

static void add_peephole(const double *p, const double *c, double *gate, int64_t n) {
  for (int64_t i = 0; p && i < n; i++) gate[i] += p[i] * c[i];
}

void pgi_lstm_step_f64(pgi_rec_row *row) {
  const pgi_rec *rec = row->rec;
  const pgi_rec_act *acts = row->acts;
  int64_t n = rec->hidden;
  double *in = row->gates, *out = in + n, *forget = out + n, *cell = forget + n;
  double *h = row->h, *c = row->c;
  const double *p = row->peephole;
  add_product(row->r, h, 4 * n, n, in);
  add_peephole(p, c, in, n);
  add_peephole(p ? p + 2 * n : NULL, c, forget, n);
  activate(rec, &acts[0], in, n);
  activate(rec, &acts[0], forget, n);
  activate(rec, &acts[1], cell, n);
  for (int64_t i = 0; i < n; i++) {
    if (rec->couples_forget) forget[i] = 1 - in[i];
    c[i] = forget[i] * c[i] + in[i] * cell[i];
  }
  add_peephole(p ? p + n : NULL, c, out, n);
  activate(rec, &acts[0], out, n);
  memcpy(h, c, (size_t)n * sizeof *h);
  apply(&acts[2], h, n); /* not clipped, as in f32 */
  for (int64_t i = 0; i < n; i++) h[i] *= out[i];
}

/* ---- through time ---------------------------------------------------------------------------- */

typedef struct job {
  const pgi_rec *rec;
  const pgi_rec_act *acts;
  const int64_t *lengths;
  const double *x, *w, *r, *bias, *peephole, *h0, *c0; /* those from bias on may be NULL */
  double *y, *yh, *yc;                                 /* NULL: not wanted */
} job;

/* The gates of a step: x W and the biases, but for the one that the cell wants apart. */
static void set_gates(const job *j, const double *w, const double *x, pgi_rec_row *row) {
  int64_t n = j->rec->cell->gates * j->rec->hidden;
  int64_t joint = j->rec->splits_bias ? n - j->rec->hidden : n;
  for (int64_t i = 0; i < n; i++) {
    row->gates[i] = row->bias ? row->bias[i] : 0;
    if (row->bias && i < joint) row->gates[i] += row->bias[n + i];
  }
  add_product(w, x, n, j->rec->inputs, row->gates);
}

static void set_state(const double *from, double *to, int64_t n) {
  if (from)
    memcpy(to, from, (size_t)n * sizeof *to);
  else
    memset(to, 0, (size_t)n * sizeof *to);
}

/* A task is a direction of a sequence; scratch: gates and three states. */
static void run_task(void *arg, int64_t task, void *scratch) {
  const job *j = arg;
  const pgi_rec *rec = j->rec;
  int64_t d = task / rec->batch, i = task % rec->batch, h = rec->hidden;
  int64_t n = rec->cell->gates * h, length = j->lengths[i];
  int64_t state = h * (rec->is_batch_first ? i * rec->directions + d : task);
  const double *w = j->w + d * n * rec->inputs;
  bool is_reverse = d == 1 || rec->is_first_reverse;
  pgi_rec_row row = {.rec = rec, .acts = j->acts + d * rec->cell->acts, .r = j->r + d * n * h};
  row.gates = scratch;
  row.h = row.gates + n;
  row.c = row.h + h;
  row.room = row.c + h;
  if (j->bias) row.bias = j->bias + d * 2 * n;
  if (j->peephole) row.peephole = j->peephole + d * 3 * h;
  set_state(j->h0 ? j->h0 + state : NULL, row.h, h);
  set_state(j->c0 ? j->c0 + state : NULL, row.c, h);
  for (int64_t step = 0; step < length; step++) {
    int64_t t = is_reverse ? length - 1 - step : step;
    int64_t from = rec->is_batch_first ? i * rec->steps + t : t * rec->batch + i;
    int64_t to = rec->is_batch_first ? from * rec->directions + d
                                     : (t * rec->directions + d) * rec->batch + i;
    set_gates(j, w, j->x + from * rec->inputs, &row);
    rec->cell->step_f64(&row);
    if (j->y) memcpy(j->y + to * h, row.h, (size_t)h * sizeof(double));
  }
  if (j->yh) memcpy(j->yh + state, row.h, (size_t)h * sizeof(double));
  if (j->yc) memcpy(j->yc + state, row.c, (size_t)h * sizeof(double));
}

static const double *input(const pgi_call *c, int i) {
  const pg_tensor *t = pgi_input(c, i);
  return t ? pgi_tensor_data(t) : NULL;
}

static double *output(const pgi_call *c, int i) {
  return i < c->n_out && c->out[i] ? pgi_tensor_data(c->out[i]) : NULL;
}

pg_status pgi_rec_run_f64(pgi_call *c, const pgi_rec *rec, const pgi_rec_act *acts,
                          const int64_t *lengths) {
  const pgi_rec_cell *cell = rec->cell;
  job j = {.rec = rec, .acts = acts, .lengths = lengths};
  j.x = input(c, X);
  j.w = input(c, W);
  j.r = input(c, R);
  j.bias = input(c, B);
  j.h0 = input(c, INITIAL_H);
  if (cell->has_c) j.c0 = input(c, INITIAL_C);
  if (cell->peephole_at) j.peephole = input(c, cell->peephole_at);
  j.y = output(c, 0);
  j.yh = output(c, 1);
  j.yc = output(c, 2);
  if (j.y) /* steps that a sequence doesn't have are zeros */
    set_state(NULL, j.y, pgi_tensor_count(c->out[0]));
  int64_t tasks = rec->directions * rec->batch;
  pgi_lanes lanes;
  PG_TRY(
      pgi_lanes_init(&lanes, c, tasks, (size_t)((cell->gates + 3) * rec->hidden) * sizeof(double)));
  pgi_lanes_run(&lanes, tasks, run_task, &j);
  return PG_OK;
}
