/* Scan: a subgraph for each slice of some inputs, with values carried from one to the next.
**
** Scan-8 has a batch in front of everything and the lengths of its rows as input 0; it runs row
** by row in the same way (attribute "batched", which only the upgrade sets). */
#include "op/control.h"
#include "op/move.h"

/* ---- what is where --------------------------------------------------------------------------- */

typedef struct shape {
  pg_graph *body;
  bool is_batched;
  int first; /* the first state among the inputs */
  int n_states, n_scans;
  int n_results; /* of each iteration */
} shape;

static pg_status find_shape(const pgi_node *node, shape *s, pg_error *err) {
  int64_t n_scans = pgi_attr_int(node, "num_scan_inputs");
  s->body = pgi_attr_graph(node, "body");
  if (!s->body) return pgi_fail(err, PG_INVALID, "attribute 'body' is required");
  s->is_batched = pgi_attr_int(node, "batched") != 0;
  s->first = s->is_batched ? 1 : 0;
  int n = node->n_in - s->first;
  if (n_scans < 1 || n_scans > n) {
    return pgi_fail(err, PG_INVALID, "num_scan_inputs: expected 1 to %d, got %lld", n,
                    (long long)n_scans);
  }
  s->n_scans = (int)n_scans;
  s->n_states = n - s->n_scans;
  s->n_results = s->body->n_outputs - s->n_states;
  if (s->body->n_inputs == n && s->n_results >= 0 && s->body->n_outputs >= node->n_out)
    return PG_OK;
  return pgi_fail(err, PG_INVALID,
                  "body: expected a graph of %d inputs and at least %d outputs, got %d and %d", n,
                  PG_MAX(s->n_states, node->n_out), s->body->n_inputs, s->body->n_outputs);
}

/* Element i of a list of n numbers or none at all. */
static pg_status list_at(const pgi_node *node, const char *name, int i, int n, int64_t *out,
                         pg_error *err) {
  int64_t count;
  const int64_t *list = pgi_attr_ints(node, name, &count);
  *out = 0;
  if (count == 0) return PG_OK;
  if (count != n) {
    return pgi_fail(err, PG_INVALID, "%s: expected %d numbers, got %lld", name, n,
                    (long long)count);
  }
  *out = list[i];
  return PG_OK;
}

/* The axis that input `scan` is cut along, a batch not counted. */
static pg_status scan_axis(const pgi_node *node, const shape *s, int scan, int rank, int *out,
                           pg_error *err) {
  int64_t axis;
  PG_TRY(list_at(node, "scan_input_axes", scan, s->n_scans, &axis, err));
  return pgi_axis(axis, rank - s->first, out, err);
}

/* ---- inference ------------------------------------------------------------------------------- */

/* Without its axis `axis`. */
static void drop_axis(pgi_type *t, int axis) {
  t->rank--;
  for (int i = axis; i < t->rank; i++) t->dims[i] = t->dims[i + 1];
}

static void insert_axis(pgi_type *t, int axis, pgi_dim dim) {
  for (int i = t->rank; i > axis; i--) t->dims[i] = t->dims[i - 1];
  t->dims[axis] = dim;
  t->rank++;
}

static pg_status drop_batch(pgi_type *t, pgi_dim *batch, pg_error *err) {
  if (t->kind != PG_TYPE_TENSOR || t->rank < 0) return PG_OK;
  if (t->rank == 0) return pgi_fail(err, PG_INVALID, "expected a batch, got a scalar");
  if (t->dims[0].n >= 0 || !batch->symbol) *batch = t->dims[0];
  drop_axis(t, 0);
  return PG_OK;
}

static pg_status input_types(pgi_infer *inf, const shape *s, pgi_type *in, pgi_dim *batch,
                             pgi_dim *steps) {
  for (int i = 0; i < s->n_states + s->n_scans; i++) {
    in[i] = pgi_has_in(inf, s->first + i) ? *inf->in[s->first + i] : pgi_type_unknown;
    int rank = in[i].rank, axis;
    if (s->is_batched) PG_TRY(drop_batch(&in[i], batch, inf->err));
    if (i < s->n_states || in[i].kind != PG_TYPE_TENSOR || rank < 0) continue;
    PG_TRY(scan_axis(inf->node, s, i - s->n_states, rank, &axis, inf->err));
    if (steps->n < 0) *steps = in[i].dims[axis];
    drop_axis(&in[i], axis);
  }
  return PG_OK;
}

static pg_status output_type(pgi_infer *inf, const shape *s, int i, const pgi_type *made,
                             pgi_dim batch, pgi_dim steps) {
  pgi_type *out = &inf->out[i];
  *out = *made;
  if (made->kind != PG_TYPE_TENSOR || made->rank < 0) return PG_OK;
  if (i >= s->n_states) {
    int64_t axis;
    int at;
    PG_TRY(pgi_check_rank(made->rank + 1, "output", inf->err));
    PG_TRY(list_at(inf->node, "scan_output_axes", i - s->n_states, s->n_results, &axis, inf->err));
    PG_TRY(pgi_axis(axis, made->rank + 1, &at, inf->err));
    insert_axis(out, at, steps);
  }
  if (!s->is_batched) return PG_OK;
  PG_TRY(pgi_check_rank(out->rank + 1, "output", inf->err));
  insert_axis(out, 0, batch);
  return PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  shape s;
  PG_TRY(find_shape(inf->node, &s, inf->err));
  pgi_dim batch = pgi_dim_unknown(), steps = pgi_dim_unknown();
  pgi_type *in = pgi_arena_alloc(inf->arena, (size_t)s.body->n_inputs * sizeof *in);
  pgi_type *out = pgi_arena_alloc(inf->arena, (size_t)s.body->n_outputs * sizeof *out);
  if (!in || !out) return pgi_nomem(inf->err);
  PG_TRY(input_types(inf, &s, in, &batch, &steps));
  PG_TRY(pgi_infer_loop(inf, s.body, in, 0, s.n_states, out));
  for (int i = 0; i < inf->n_out; i++)
    PG_TRY(output_type(inf, &s, i, i < s.n_states ? &in[i] : &out[i], batch, steps));
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct state {
  shape shape;
  int64_t batch, batches, step, steps; /* a batch of one when there is none */
  pg_tensor *args;                     /* [n_states + n_scans] */
  const pg_tensor **pointers;
  pgi_stack *stacks; /* [body->n_outputs]: for the states too, when there is a batch */
} state;

static void state_deinit(pg_context *ctx, void *block) {
  state *s = block;
  for (int i = 0; s->args && i < s->shape.body->n_inputs; i++) pgi_tensor_clear(&s->args[i]);
  for (int i = 0; s->stacks && i < s->shape.body->n_outputs; i++)
    pgi_stack_deinit(ctx, &s->stacks[i]);
  pgi_free(ctx, s->args);
  pgi_free(ctx, s->pointers);
  pgi_free(ctx, s->stacks);
}

static const pg_tensor *scan_input(const pgi_call *c, const shape *s, int i) {
  return c->in[s->first + s->n_states + i];
}

/* All scans have the same number of slices, and all inputs the same batch. */
static pg_status count_steps(pgi_call *c, state *s) {
  const shape *h = &s->shape;
  for (int i = 0; i < h->n_states + h->n_scans; i++) {
    const pg_tensor *t = c->in[h->first + i];
    bool is_tensor = t && pgi_dtype_kind(t->dtype) != PG_KIND_OBJECT && t->dtype != PG_NONE;
    if (!is_tensor || t->rank < h->first)
      return pgi_fail(c->err, PG_INVALID, "input %d: expected a tensor", h->first + i);
    if (h->is_batched && i > 0 && t->dims[0] != s->batches)
      return pgi_fail(c->err, PG_INVALID, "input %d: expected a batch of %lld, got %lld",
                      h->first + i, (long long)s->batches, (long long)t->dims[0]);
    if (h->is_batched) s->batches = t->dims[0];
    if (i < h->n_states) continue;
    int axis;
    PG_TRY(scan_axis(c->node, h, i - h->n_states, t->rank, &axis, c->err));
    int64_t steps = t->dims[h->first + axis];
    if (i > h->n_states && steps != s->steps)
      return pgi_fail(c->err, PG_INVALID, "input %d: expected %lld slices, got %lld", h->first + i,
                      (long long)s->steps, (long long)steps);
    s->steps = steps;
  }
  return PG_OK;
}

static pg_status start(pgi_call *c, state **out) {
  shape found;
  PG_TRY(find_shape(c->node, &found, c->err));
  state *s = pgi_call_state(c, sizeof *s, state_deinit);
  if (!s) return pgi_nomem(c->err);
  s->shape = found;
  s->batches = 1;
  size_t n_in = (size_t)found.body->n_inputs, n_out = (size_t)found.body->n_outputs;
  s->args = pgi_alloc_zero(c->ctx, n_in * sizeof *s->args);
  s->pointers = pgi_alloc_zero(c->ctx, n_in * sizeof *s->pointers);
  s->stacks = pgi_alloc_zero(c->ctx, (n_out + 1) * sizeof *s->stacks);
  if (!s->args || !s->pointers || !s->stacks) return pgi_nomem(c->err);
  for (size_t i = 0; i < n_in; i++) s->pointers[i] = &s->args[i];
  *out = s;
  return count_steps(c, s);
}

/* How many slices the current row of the batch has. */
static pg_status row_length(pgi_call *c, const state *s, int64_t *out) {
  const pg_tensor *lengths = s->shape.is_batched ? pgi_input(c, 0) : NULL;
  *out = s->steps;
  if (!lengths) return PG_OK;
  if (lengths->dtype != PG_I64 || lengths->rank != 1 || lengths->dims[0] != s->batches)
    return pgi_fail(c->err, PG_INVALID, "sequence_lens: expected i64 [%lld]",
                    (long long)s->batches);
  *out = pgi_tensor_get_i64(lengths, s->batch);
  if (*out >= 0 && *out <= s->steps) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "sequence_lens: expected 0 to %lld, got %lld",
                  (long long)s->steps, (long long)*out);
}

static pg_status begin_row(pgi_call *c, state *s) {
  const shape *h = &s->shape;
  s->step = 0;
  for (int i = 0; i < h->n_states; i++) {
    const pg_tensor *t = c->in[h->first + i];
    pgi_tensor_clear(&s->args[i]);
    if (h->is_batched)
      PG_TRY(pgi_view_select(t, 0, s->batch, &s->args[i], c->err));
    else
      pgi_tensor_assign(&s->args[i], t);
  }
  return PG_OK;
}

static pg_status cut_slice(pgi_call *c, state *s, int scan) {
  const shape *h = &s->shape;
  const pg_tensor *t = scan_input(c, h, scan);
  pg_tensor row = {0}, *to = &s->args[h->n_states + scan];
  int64_t direction;
  int axis;
  PG_TRY(list_at(c->node, "scan_input_directions", scan, h->n_scans, &direction, c->err));
  PG_TRY(scan_axis(c->node, h, scan, t->rank, &axis, c->err));
  if (h->is_batched)
    PG_TRY(pgi_view_select(t, 0, s->batch, &row, c->err));
  else
    pgi_tensor_assign(&row, t);
  int64_t at = direction ? s->steps - 1 - s->step : s->step;
  pgi_tensor_clear(to);
  pg_status status = pgi_view_select(&row, axis, at, to, c->err);
  pgi_tensor_clear(&row);
  return status;
}

static bool is_wanted(const pgi_call *c, int i) {
  return i < c->n_out && c->out[i];
}

static pg_status collect(pgi_call *c, state *s) {
  const shape *h = &s->shape;
  if (c->n_body_out < h->n_states + h->n_results)
    return pgi_fail(c->err, PG_INTERNAL, "the body gave %d outputs", c->n_body_out);
  for (int i = 0; i < h->n_states; i++) pgi_tensor_move(&s->args[i], &c->body_out[i]);
  for (int i = h->n_states; i < h->n_states + h->n_results; i++) {
    if (is_wanted(c, i)) PG_TRY(pgi_stack_push(c->ctx, &s->stacks[i], &c->body_out[i], c->err));
  }
  s->step++;
  return PG_OK;
}

/* What a row of a batch leaves: its states, and nothing for the slices that it doesn't have. */
static pg_status end_row(pgi_call *c, state *s) {
  const shape *h = &s->shape;
  for (int i = 0; i < h->n_states && h->is_batched; i++)
    if (is_wanted(c, i)) PG_TRY(pgi_stack_push(c->ctx, &s->stacks[i], &s->args[i], c->err));
  for (int i = h->n_states; i < h->n_states + h->n_results; i++) {
    pg_tensor nothing = {0};
    for (int64_t k = s->step; k < s->steps && is_wanted(c, i); k++)
      PG_TRY(pgi_stack_push(c->ctx, &s->stacks[i], &nothing, c->err));
  }
  s->batch++;
  return PG_OK;
}

static pg_status finish(pgi_call *c, state *s) {
  const shape *h = &s->shape;
  for (int i = 0; i < h->n_states + h->n_results; i++) {
    if (!is_wanted(c, i)) continue;
    bool is_state = i < h->n_states;
    if (is_state && !h->is_batched) {
      pgi_tensor_move(c->out[i], &s->args[i]);
      continue;
    }
    pgi_stack_layout layout = {.batches = h->is_batched && !is_state ? s->batches : -1,
                               .type = &h->body->outputs[i].value->type};
    if (!is_state) {
      int64_t direction;
      PG_TRY(list_at(c->node, "scan_output_axes", i - h->n_states, h->n_results, &layout.axis,
                     c->err));
      PG_TRY(list_at(c->node, "scan_output_directions", i - h->n_states, h->n_results, &direction,
                     c->err));
      layout.is_reversed = direction != 0;
    }
    PG_TRY(pgi_stack_join(c, &s->stacks[i], i, &layout));
  }
  return PG_OK;
}

/* Enters the body for the next slice of the next row that has one. */
static pg_status run(pgi_call *c) {
  state *s = c->state;
  bool is_new = !s;
  if (is_new)
    PG_TRY(start(c, &s));
  else
    PG_TRY(collect(c, s));
  for (; s->batch < s->batches; is_new = true) {
    int64_t length;
    if (is_new) PG_TRY(begin_row(c, s));
    PG_TRY(row_length(c, s, &length));
    if (s->step < length) {
      for (int i = 0; i < s->shape.n_scans; i++) PG_TRY(cut_slice(c, s, i));
      return pgi_call_enter(c, s->shape.body, s->shape.body->n_inputs, s->pointers);
    }
    PG_TRY(end_row(c, s));
  }
  return finish(c, s);
}

/* ---- the declaration ------------------------------------------------------------------------- */

static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 9) return PG_OK;
  int64_t n;
  const int64_t *directions = pgi_attr_ints(node, "directions", &n);
  if (n > 0) PG_TRY(pgi_attr_set_ints(node, "scan_input_directions", n, directions, err));
  pgi_attr_remove(node, "directions");
  return pgi_attr_set_int(node, "batched", 1, err);
}

static const pgi_attr_def attrs[] = {
    {.name = "body", .kind = PG_ATTR_GRAPH, .is_required = true},
    {.name = "num_scan_inputs", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "scan_input_axes", .kind = PG_ATTR_INTS},
    {.name = "scan_input_directions", .kind = PG_ATTR_INTS},
    {.name = "scan_output_axes", .kind = PG_ATTR_INTS},
    {.name = "scan_output_directions", .kind = PG_ATTR_INTS},
    {.name = "batched", .kind = PG_ATTR_INT},
    {0}};

PG_OP(scan_op) = {
    .name = "Scan",
    .since = {8, 9, 11, 16, 19, 21, 23, 24, 25},
    .in = {1, PG_MANY},
    .out = {1, PG_MANY},
    .attrs = attrs,
    .flags = PG_OP_CONTROL,
    .upgrade = upgrade,
    .infer = infer,
    .run = run,
};
