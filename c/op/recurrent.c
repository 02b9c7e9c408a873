/* recurrent: see recurrent.h. */
#include "op/recurrent.h"

#include "op/move.h"
#include "op/product.h"

#include <strings.h>

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C };

/* Before version 7 an attribute asked for Y. */
pg_status pgi_rec_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version, (void)err;
  pgi_attr_remove(node, "output_sequence");
  return PG_OK;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static pg_status read_direction(const pgi_node *node, int64_t *directions, bool *is_reverse,
                                pg_error *err) {
  bool is_forward = pgi_attr_is(node, "direction", "forward");
  bool is_both = pgi_attr_is(node, "direction", "bidirectional");
  *is_reverse = pgi_attr_is(node, "direction", "reverse");
  *directions = is_both ? 2 : 1;
  if (is_forward || is_both || *is_reverse) return PG_OK;
  return pgi_fail(err, PG_INVALID, "direction: expected 'forward', 'reverse' or 'bidirectional'");
}

typedef struct act_def {
  const char *name;
  pgi_unary f;
  int n_alpha, n_beta; /* how many of the listed numbers it takes */
  float alpha, beta;   /* when there are none */
} act_def;

static const act_def act_defs[] = {
    {"Affine", PG_AFFINE, 1, 1, 1.0f, 0.0f},
    {"Elu", PG_ELU, 1, 0, 1.0f, 0.0f},
    {"HardSigmoid", PG_HARD_SIGMOID, 1, 1, 0.2f, 0.5f},
    {"LeakyRelu", PG_LEAKY_RELU, 1, 0, 0.01f, 0.0f},
    {"Relu", PG_RELU, 0, 0, 0.0f, 0.0f},
    {"ScaledTanh", PG_TANH, 1, 1, 1.0f, 1.0f},
    {"Sigmoid", PG_SIGMOID, 0, 0, 0.0f, 0.0f},
    {"Softplus", PG_SOFTPLUS, 0, 0, 0.0f, 0.0f},
    {"Softsign", PG_SOFTSIGN, 0, 0, 0.0f, 0.0f},
    {"Tanh", PG_TANH, 0, 0, 0.0f, 0.0f},
    {"ThresholdedRelu", PG_THRESHOLDED_RELU, 1, 0, 1.0f, 0.0f},
};

static const act_def *find_act(const char *name, size_t size) {
  for (int i = 0; i < PG_COUNT(act_defs); i++) {
    const char *known = act_defs[i].name;
    if (strlen(known) == size && strncasecmp(known, name, size) == 0) return &act_defs[i];
  }
  return NULL;
}

/* The lists hold numbers for those functions only that take some, in order. */
static pg_status read_acts(const pgi_node *node, const pgi_rec_cell *cell, int64_t directions,
                           pgi_rec_act *acts, pg_error *err) {
  int64_t n_names, n_alpha, n_beta, alpha = 0, beta = 0;
  const pg_string *names = pgi_attr_strings(node, "activations", &n_names);
  const float *alphas = pgi_attr_floats(node, "activation_alpha", &n_alpha);
  const float *betas = pgi_attr_floats(node, "activation_beta", &n_beta);
  int64_t n = directions * cell->acts;
  if (n_names != 0 && n_names < n) {
    return pgi_fail(err, PG_INVALID, "activations: expected %lld names, got %lld", (long long)n,
                    (long long)n_names);
  }
  for (int64_t i = 0; i < n; i++) {
    const char *usual = cell->defaults[i % cell->acts];
    pg_string name = n_names ? names[i] : (pg_string){usual, strlen(usual)};
    const act_def *def = find_act(name.data, name.size);
    if (!def) {
      return pgi_fail(err, PG_UNSUPPORTED, "activations: '%.*s' is unknown",
                      (int)PG_MIN(name.size, (size_t)60), name.data);
    }
    float a = def->alpha, b = def->beta;
    if (def->n_alpha && alpha < n_alpha) a = alphas[alpha++];
    if (def->n_beta && beta < n_beta) b = betas[beta++];
    acts[i] = (pgi_rec_act){def->f, a, b, 1, 1};
    if (strcmp(def->name, "ScaledTanh") == 0) acts[i] = (pgi_rec_act){PG_TANH, 0, 0, b, a};
  }
  return PG_OK;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

pg_status pgi_rec_infer(pgi_infer *inf, const pgi_rec_cell *cell) {
  int64_t directions, hidden = pgi_attr_int(inf->node, "hidden_size");
  bool is_reverse, is_batch_first = pgi_attr_int(inf->node, "layout") != 0;
  PG_TRY(read_direction(inf->node, &directions, &is_reverse, inf->err));
  pgi_dim steps = pgi_dim_unknown(), batch = steps, d = pgi_dim_of(directions);
  pgi_dim h = hidden > 0 ? pgi_dim_of(hidden) : pgi_dim_unknown();
  if (pgi_in_rank(inf, X) == 3) {
    steps = inf->in[X]->dims[is_batch_first];
    batch = inf->in[X]->dims[!is_batch_first];
  }
  if (pgi_in_rank(inf, R) == 3 && inf->in[R]->dims[2].n >= 0) h = inf->in[R]->dims[2];
  pg_dtype dtype = pgi_in_dtype(inf, X);
  for (int i = 0; i < inf->n_out && i < 2 + cell->has_c; i++) {
    pgi_type *out = pgi_out_type(inf, i, dtype, i == 0 ? 4 : 3);
    const pgi_dim all[2][2][4] = {{{steps, d, batch, h}, {batch, steps, d, h}},
                                  {{d, batch, h}, {batch, d, h}}};
    memcpy(out->dims, all[i > 0][is_batch_first], (size_t)out->rank * sizeof(pgi_dim));
  }
  return PG_OK;
}

static pg_status check_input(const pgi_call *c, int i, const char *name, int rank,
                             const int64_t *dims) {
  const pg_tensor *t = pgi_input(c, i);
  if (!t) return PG_OK;
  bool fits = t->rank == rank && (i == LENGTHS || t->dtype == c->in[X]->dtype);
  for (int k = 0; k < rank && fits; k++) fits = t->dims[k] == dims[k];
  if (fits) return PG_OK;
  char expected[300], got[300];
  return pgi_fail(c->err, PG_INVALID, "%s: expected %s, got %s", name,
                  pgi_shape_text(c->in[X]->dtype, rank, dims, expected, sizeof expected),
                  pgi_shape_text(t->dtype, t->rank, t->dims, got, sizeof got));
}

static pg_status read_shapes(const pgi_call *c, const pgi_rec_cell *cell, pgi_rec *rec) {
  const pg_tensor *x = c->in[X], *r = c->in[R];
  rec->is_batch_first = pgi_attr_int(c->node, "layout") != 0;
  if (x->rank != 3 || r->rank != 3)
    return pgi_fail(c->err, PG_INVALID, "X and R: expected rank 3, got %d and %d", x->rank,
                    r->rank);
  rec->steps = x->dims[rec->is_batch_first];
  rec->batch = x->dims[!rec->is_batch_first];
  rec->inputs = x->dims[2];
  rec->hidden = r->dims[2];
  int64_t given = pgi_attr_int(c->node, "hidden_size"), d = rec->directions, gates;
  if (given > 0 && given != rec->hidden)
    return pgi_fail(c->err, PG_INVALID, "hidden_size: %lld, but R has %lld", (long long)given,
                    (long long)rec->hidden);
  if (rec->hidden > INT64_MAX / 16) return pgi_nomem(c->err);
  gates = cell->gates * rec->hidden;
  int64_t b = rec->batch, h = rec->hidden;
  PG_TRY(check_input(c, W, "W", 3, (int64_t[]){d, gates, rec->inputs}));
  PG_TRY(check_input(c, R, "R", 3, (int64_t[]){d, gates, h}));
  PG_TRY(check_input(c, B, "B", 2, (int64_t[]){d, 2 * gates}));
  PG_TRY(check_input(c, LENGTHS, "sequence_lens", 1, (int64_t[]){b}));
  int64_t state[3] = {rec->is_batch_first ? b : d, rec->is_batch_first ? d : b, h};
  PG_TRY(check_input(c, INITIAL_H, "initial_h", 3, state));
  if (cell->has_c) PG_TRY(check_input(c, INITIAL_C, "initial_c", 3, state));
  if (cell->peephole_at) PG_TRY(check_input(c, cell->peephole_at, "P", 2, (int64_t[]){d, 3 * h}));
  return PG_OK;
}

/* ---- weights --------------------------------------------------------------------------------- */

static pg_status recurrent_weights(pgi_call *c, const pgi_rec *rec, const float **out) {
  const pgi_rec_weights *w = c->prepared;
  if (w && w->r) {
    *out = w->r;
    return PG_OK;
  }
  const float *plain;
  float *to;
  int64_t matrices = rec->directions * rec->cell->gates, count;
  if (__builtin_mul_overflow(matrices, pgi_rec_packed_size(c->ctx, rec->hidden), &count))
    return pgi_nomem(c->err);
  PG_TRY(pgi_as_f32(c, c->in[R], &plain));
  PG_TRY(pgi_scratch_array(c, count, sizeof *to, &to));
  pgi_rec_pack(c->ctx, plain, matrices, rec->hidden, to);
  *out = to;
  return PG_OK;
}

/* ---- the input's part of the gates ----------------------------------------------------------- */

typedef struct job {
  pgi_rec rec;
  pgi_rec_act acts[2 * PG_REC_ACTS];
  const float *x, *w, *r;
  bool is_w_packed;
  const float *bias, *peephole, *h0, *c0; /* as f32; NULL: none */
  float *joint_bias;                      /* [D, gates * H] */
  float *gates;                           /* [D, steps * batch, gates * H] */
  int64_t *lengths;                       /* [batch] */
  float *y, *yh, *yc;                     /* NULL: not wanted */
  pgi_product product;                    /* of a step, for the most rows */
  pgi_tiling tiling;
  int64_t blocks;
} job;

static int64_t gate_size(const pgi_rec *rec) {
  return rec->cell->gates * rec->hidden;
}

static void input_at(void *arg, int64_t d, pgi_product *p, pgi_epilogue *room) {
  const job *j = arg;
  int64_t n = gate_size(&j->rec);
  if (j->is_w_packed)
    p->packed_b = j->w + d * pgi_packed_b_size(n, j->rec.inputs, p->kernel->nr);
  else
    p->b = j->w + d * n * j->rec.inputs;
  p->c = j->gates + d * p->m * n;
  *room = (pgi_epilogue){.scale = 1};
  room->add[0] = (pgi_addend){j->joint_bias + d * n, 0, 1};
  p->epilogue = room;
}

/* Both biases go in here, but for the last gate's recurrent one when the cell wants it apart. */
static pg_status join_bias(pgi_call *c, job *j) {
  int64_t n = gate_size(&j->rec), last = n - j->rec.hidden;
  PG_TRY(pgi_scratch_array(c, j->rec.directions * n, sizeof(float), &j->joint_bias));
  for (int64_t d = 0; d < j->rec.directions; d++) {
    const float *b = j->bias ? j->bias + 2 * d * n : NULL;
    float *to = j->joint_bias + d * n;
    for (int64_t i = 0; i < n; i++) {
      bool is_apart = j->rec.splits_bias && i >= last;
      to[i] = b ? b[i] + (is_apart ? 0.0f : b[n + i]) : 0.0f;
    }
  }
  return PG_OK;
}

static pg_status input_gates(pgi_call *c, job *j) {
  const pgi_rec_weights *prepared = c->prepared;
  int64_t n = gate_size(&j->rec), rows, count;
  if (__builtin_mul_overflow(j->rec.steps, j->rec.batch, &rows) ||
      __builtin_mul_overflow(rows, n, &count) ||
      __builtin_mul_overflow(count, j->rec.directions, &count))
    return pgi_nomem(c->err);
  PG_TRY(pgi_as_f32(c, c->in[X], &j->x));
  j->is_w_packed = prepared && prepared->w;
  if (j->is_w_packed)
    j->w = prepared->w;
  else
    PG_TRY(pgi_as_f32(c, c->in[W], &j->w));
  PG_TRY(pgi_scratch_array(c, count, sizeof(float), &j->gates));
  PG_TRY(join_bias(c, j));
  pgi_product p = {.kernel = c->ctx->kernels[PG_K_GEMM_F32],
                   .m = rows,
                   .n = n,
                   .k = j->rec.inputs,
                   .alpha = 1,
                   .a = j->x,
                   .a_row = j->rec.inputs,
                   .a_col = 1,
                   .b = j->is_w_packed ? NULL : j->w,
                   .b_row = 1,
                   .b_col = j->rec.inputs,
                   .packed_b = j->is_w_packed ? j->w : NULL,
                   .ldc = n};
  return pgi_product_run(c, &p, j->rec.directions, input_at, j);
}

/* ---- through time ---------------------------------------------------------------------------- */

void pgi_rec_apply(const pgi_rec *rec, const pgi_rec_act *act, float *x, int64_t n) {
  const pg_context *ctx = rec->ctx;
  if (act->scale_in != 1) pgi_unary_f32_run(ctx, PG_AFFINE, x, x, n, act->scale_in, 0);
  pgi_unary_f32_run(ctx, act->f, x, x, n, act->a, act->b);
  if (act->scale_out != 1) pgi_unary_f32_run(ctx, PG_AFFINE, x, x, n, act->scale_out, 0);
}

/* A step of some rows by one gate's matrix. */
static pgi_product step_product(const pgi_rec *rec, int64_t rows, const float *x,
                                const float *packed) {
  return (pgi_product){.kernel = rec->ctx->kernels[PG_K_GEMM_F32],
                       .m = rows,
                       .n = rec->hidden,
                       .k = rec->hidden,
                       .alpha = 1,
                       .a = x,
                       .a_row = rec->hidden,
                       .a_col = 1,
                       .packed_b = packed};
}

void pgi_rec_product(pgi_rec_block *b, const float *x, int first, int n, float *y, int64_t y_row,
                     bool add) {
  const pgi_rec *rec = b->rec;
  int64_t size = pgi_rec_packed_size(rec->ctx, rec->hidden);
  pgi_tiling t = {PG_REC_ROWS, rec->hidden, 1, 1};
  for (int gate = first; gate < first + n; gate++, y += rec->hidden) {
    pgi_product p = step_product(rec, b->rows, x, b->weights + gate * size);
    p.c = y;
    p.ldc = y_row;
    p.add = add;
    pgi_product_tile(&p, &t, 0, b->product_room);
  }
}

void pgi_rec_activate(const pgi_rec *rec, const pgi_rec_act *act, float *x, int64_t n) {
  if (rec->clip > 0) pgi_unary_f32_run(rec->ctx, PG_CLIP, x, x, n, -rec->clip, rec->clip);
  pgi_rec_apply(rec, act, x, n);
}

static int64_t state_offset(const pgi_rec *rec, int64_t d, int64_t row) {
  int64_t i = rec->is_batch_first ? row * rec->directions + d : d * rec->batch + row;
  return i * rec->hidden;
}

static int64_t y_offset(const pgi_rec *rec, int64_t d, int64_t row, int64_t t) {
  int64_t i = rec->is_batch_first ? (row * rec->steps + t) * rec->directions + d
                                  : (t * rec->directions + d) * rec->batch + row;
  return i * rec->hidden;
}

static void set_states(const job *j, pgi_rec_block *b, int64_t d, int64_t first) {
  size_t bytes = (size_t)j->rec.hidden * sizeof(float);
  for (int64_t i = 0; i < b->rows; i++) {
    int64_t from = state_offset(&j->rec, d, first + i), to = i * j->rec.hidden;
    if (j->h0)
      memcpy(b->h + to, j->h0 + from, bytes);
    else
      memset(b->h + to, 0, bytes);
    if (j->c0)
      memcpy(b->c + to, j->c0 + from, bytes);
    else
      memset(b->c + to, 0, bytes);
  }
}

/* Loads the gates of one step; false when all rows have ended. */
static bool begin_step(const job *j, pgi_rec_block *b, int64_t d, int64_t first, int64_t step,
                       int64_t *times) {
  const pgi_rec *rec = &j->rec;
  bool is_reverse = d == 1 || rec->is_first_reverse, is_any = false;
  int64_t n = gate_size(rec), rows = rec->steps * rec->batch;
  for (int64_t i = 0; i < b->rows; i++) {
    int64_t length = j->lengths[first + i];
    b->is_active[i] = step < length;
    is_any |= b->is_active[i];
    int64_t t = times[i] = !b->is_active[i] ? 0 : is_reverse ? length - 1 - step : step;
    int64_t row = rec->is_batch_first ? (first + i) * rec->steps + t : t * rec->batch + first + i;
    memcpy(b->gates + i * n, j->gates + (d * rows + row) * n, (size_t)n * sizeof(float));
  }
  return is_any;
}

static void end_block(const job *j, const pgi_rec_block *b, int64_t d, int64_t first) {
  size_t bytes = (size_t)j->rec.hidden * sizeof(float);
  for (int64_t i = 0; i < b->rows; i++) {
    int64_t to = state_offset(&j->rec, d, first + i), from = i * j->rec.hidden;
    if (j->yh) memcpy(j->yh + to, b->h + from, bytes);
    if (j->yc) memcpy(j->yc + to, b->c + from, bytes);
  }
}

static int64_t block_floats(const job *j) {
  int64_t state = PG_REC_ROWS * j->rec.hidden;
  return (3 + j->rec.cell->gates) * state;
}

static void run_block(void *arg, int64_t task, void *scratch) {
  const job *j = arg;
  const pgi_rec *rec = &j->rec;
  int64_t d = task / j->blocks, first = task % j->blocks * PG_REC_ROWS, times[PG_REC_ROWS];
  int64_t n = gate_size(rec), state = PG_REC_ROWS * rec->hidden;
  pgi_rec_block b = {
      .rec = rec,
      .acts = j->acts + d * rec->cell->acts,
      .weights = j->r + d * rec->cell->gates * pgi_rec_packed_size(rec->ctx, rec->hidden),
      .rows = PG_MIN(rec->batch - first, (int64_t)PG_REC_ROWS)};
  b.product_room = scratch;
  b.h = b.product_room + pgi_product_scratch(&j->product, &j->tiling);
  b.c = b.h + state;
  b.room = b.c + state;
  b.gates = b.room + state;
  if (j->bias && rec->splits_bias) b.bias = j->bias + (2 * d + 2) * n - rec->hidden;
  if (j->peephole) b.peephole = j->peephole + d * 3 * rec->hidden;
  set_states(j, &b, d, first);
  for (int64_t step = 0; step < rec->steps; step++) {
    if (!begin_step(j, &b, d, first, step, times)) break;
    rec->cell->step(&b);
    for (int64_t i = 0; i < b.rows && j->y; i++) {
      if (!b.is_active[i]) continue;
      memcpy(j->y + y_offset(rec, d, first + i, times[i]), b.h + i * rec->hidden,
             (size_t)rec->hidden * sizeof(float));
    }
  }
  end_block(j, &b, d, first);
}

/* ---- all ------------------------------------------------------------------------------------- */

static pg_status read_lengths(pgi_call *c, job *j) {
  const pg_tensor *t = pgi_input(c, LENGTHS);
  PG_TRY(pgi_scratch_array(c, j->rec.batch, sizeof(int64_t), &j->lengths));
  if (t && t->dtype != PG_I32 && t->dtype != PG_I64)
    return pgi_fail(c->err, PG_INVALID, "sequence_lens: expected i32, got %s",
                    pg_dtype_name(t->dtype));
  for (int64_t i = 0; i < j->rec.batch; i++) {
    int64_t n = j->lengths[i] = t ? pgi_tensor_get_i64(t, i) : j->rec.steps;
    if (n < 0 || n > j->rec.steps)
      return pgi_fail(c->err, PG_INVALID, "sequence_lens: expected 0 to %lld, got %lld",
                      (long long)j->rec.steps, (long long)n);
  }
  return PG_OK;
}

/* Where output i is computed: in place, or as f32 beside it.  Steps that no sequence has are
** zeros. */
static pg_status output_room(pgi_call *c, int i, float **out) {
  pg_tensor *t = i < c->n_out ? c->out[i] : NULL;
  *out = NULL;
  if (!t) return PG_OK;
  int64_t n = pgi_tensor_count(t);
  if (t->dtype == PG_F32)
    *out = pgi_tensor_data(t);
  else
    PG_TRY(pgi_scratch_array(c, n, sizeof **out, out));
  if (i == 0 && pgi_input(c, LENGTHS) && n > 0) memset(*out, 0, (size_t)n * sizeof **out);
  return PG_OK;
}

static void store_output(pgi_call *c, int i, const float *from) {
  pg_tensor *t = i < c->n_out ? c->out[i] : NULL;
  if (t && t->dtype != PG_F32)
    pgi_store_f32(t->dtype, pgi_tensor_data(t), 0, pgi_tensor_count(t), from);
}

static pg_status run_blocks(pgi_call *c, job *j) {
  j->blocks = (j->rec.batch - 1) / PG_REC_ROWS + 1;
  j->product = step_product(&j->rec, PG_REC_ROWS, j->x, j->r);
  j->tiling = (pgi_tiling){PG_REC_ROWS, j->rec.hidden, 1, 1};
  int64_t floats = pgi_product_scratch(&j->product, &j->tiling) + block_floats(j);
  int64_t tasks = j->rec.directions * j->blocks;
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, c, tasks, (size_t)floats * sizeof(float)));
  pgi_lanes_run(&lanes, tasks, run_block, j);
  return PG_OK;
}

pg_status pgi_rec_run(pgi_call *c, const pgi_rec_cell *cell, bool splits_bias) {
  job j = {.rec = {.ctx = c->ctx, .cell = cell, .splits_bias = splits_bias}};
  PG_TRY(read_direction(c->node, &j.rec.directions, &j.rec.is_first_reverse, c->err));
  PG_TRY(read_acts(c->node, cell, j.rec.directions, j.acts, c->err));
  PG_TRY(read_shapes(c, cell, &j.rec));
  j.rec.clip = pgi_attr_float(c->node, "clip");
  j.rec.couples_forget = cell->has_c && pgi_attr_int(c->node, "input_forget") != 0;
  if (j.rec.batch == 0 || j.rec.hidden == 0) return PG_OK;
  PG_TRY(read_lengths(c, &j));
  if (c->in[X]->dtype == PG_F64) return pgi_rec_run_f64(c, &j.rec, j.acts, j.lengths);
  PG_TRY(pgi_as_f32(c, pgi_input(c, B), &j.bias));
  PG_TRY(pgi_as_f32(c, pgi_input(c, INITIAL_H), &j.h0));
  if (cell->has_c) PG_TRY(pgi_as_f32(c, pgi_input(c, INITIAL_C), &j.c0));
  if (cell->peephole_at) PG_TRY(pgi_as_f32(c, pgi_input(c, cell->peephole_at), &j.peephole));
  PG_TRY(output_room(c, 0, &j.y));
  PG_TRY(output_room(c, 1, &j.yh));
  PG_TRY(output_room(c, 2, &j.yc));
  PG_TRY(recurrent_weights(c, &j.rec, &j.r));
  PG_TRY(input_gates(c, &j));
  PG_TRY(run_blocks(c, &j));
  store_output(c, 0, j.y);
  store_output(c, 1, j.yh);
  store_output(c, 2, j.yc);
  return PG_OK;
}
