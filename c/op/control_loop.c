/* Loop: a subgraph again and again, a number of times or while a condition holds. */
#include "op/control.h"
#include "op/move.h"

/* The body takes (iteration, condition, carried values ...) and gives (condition, carried values
** ..., results of this iteration ...); the outputs are (carried values ..., all results, side by
** side ...). */
static pg_status check_body(const pgi_node *node, pg_graph **out, pg_error *err) {
  pg_graph *body = pgi_attr_graph(node, "body");
  if (!body) return pgi_fail(err, PG_INVALID, "attribute 'body' is required");
  int n_carried = PG_MAX(node->n_in - 2, 0);
  bool fits = node->n_in >= 2 && body->n_inputs == n_carried + 2 &&
              body->n_outputs >= n_carried + 1 && body->n_outputs > node->n_out;
  *out = body;
  if (fits) return PG_OK;
  return pgi_fail(
      err, PG_INVALID, "body: expected a graph of %d inputs and at least %d outputs, got %d and %d",
      n_carried + 2, PG_MAX(n_carried, node->n_out) + 1, body->n_inputs, body->n_outputs);
}

static pgi_type scalar_type(pg_dtype dtype) {
  pgi_type type = pgi_type_tensor(dtype);
  type.rank = 0;
  return type;
}

/* Whether the condition holds for ever: a constant, or handed through by the body. */
static bool is_always_true(const pgi_infer *inf, const pg_graph *body) {
  const pgi_value *v = body->outputs[0].value;
  const pg_tensor *first = pgi_known(inf, 1);
  bool begins =
      !pgi_has_in(inf, 1) || (first && first->dtype == PG_BOOL && pgi_tensor_count(first) == 1 &&
                              pgi_tensor_get_i64(first, 0) != 0);
  while (v->producer && strcmp(v->producer->type, "Identity") == 0 && v->producer->n_in == 1)
    v = v->producer->in[0].value;
  if (!begins || v == body->inputs[1]) return begins;
  const pg_tensor *last = inf->known ? inf->known(inf, v) : NULL;
  return last && last->dtype == PG_BOOL && pgi_tensor_count(last) == 1 &&
         pgi_tensor_get_i64(last, 0) != 0;
}

/* How often the body runs, where that is told before there are data. */
static pgi_dim trips_of(const pgi_infer *inf, const pg_graph *body) {
  const pgi_content *limit = inf->content ? inf->content[0] : NULL;
  if (!limit || limit->n != 1 || !is_always_true(inf, body)) return pgi_dim_unknown();
  return pgi_dim_of_num(pgi_num_max(inf->arena, limit->at[0], pgi_num_of(0)));
}

static pg_status infer(pgi_infer *inf) {
  pg_graph *body;
  PG_TRY(check_body(inf->node, &body, inf->err));
  int n_in = body->n_inputs, n_carried = n_in - 2;
  pgi_type *in = pgi_arena_alloc(inf->arena, (size_t)n_in * sizeof *in);
  pgi_type *out = pgi_arena_alloc(inf->arena, (size_t)body->n_outputs * sizeof *out);
  if (!in || !out) return pgi_nomem(inf->err);
  in[0] = scalar_type(PG_I64);
  in[1] = pgi_has_in(inf, 1) ? *inf->in[1] : scalar_type(PG_BOOL);
  for (int i = 0; i < n_carried; i++)
    in[2 + i] = pgi_has_in(inf, 2 + i) ? *inf->in[2 + i] : pgi_type_unknown;
  PG_TRY(pgi_infer_loop(inf, body, in, 1, n_carried + 1, out));
  for (int i = 0; i < inf->n_out; i++) {
    pgi_type made = out[i + 1];
    if (i < n_carried) {
      inf->out[i] = in[i + 2];
      continue;
    }
    pgi_type *all = pgi_out_type(inf, i, made.kind == PG_TYPE_TENSOR ? made.dtype : PG_NONE, -1);
    if (made.kind != PG_TYPE_TENSOR || made.rank < 0 || made.rank >= PG_MAX_RANK) continue;
    all->rank = made.rank + 1;
    all->dims[0] = trips_of(inf, body);
    memcpy(all->dims + 1, made.dims, (size_t)made.rank * sizeof *made.dims);
  }
  return PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct state {
  pg_graph *body;
  int64_t i, trips; /* trips: INT64_MAX without a limit */
  int n_carried, n_stacks;
  pg_tensor *args;            /* [2 + n_carried]: what the body is given next */
  const pg_tensor **pointers; /* to them */
  pgi_stack *stacks;          /* [n_stacks] */
} state;

static void state_deinit(pg_context *ctx, void *block) {
  state *s = block;
  for (int i = 0; s->args && i < s->n_carried + 2; i++) pgi_tensor_clear(&s->args[i]);
  for (int i = 0; s->stacks && i < s->n_stacks; i++) pgi_stack_deinit(ctx, &s->stacks[i]);
  pgi_free(ctx, s->args);
  pgi_free(ctx, s->pointers);
  pgi_free(ctx, s->stacks);
}

static pg_status start(pgi_call *c, state **out) {
  pg_graph *body;
  PG_TRY(check_body(c->node, &body, c->err));
  state *s = pgi_call_state(c, sizeof *s, state_deinit);
  if (!s) return pgi_nomem(c->err);
  s->body = body;
  s->n_carried = body->n_inputs - 2;
  s->n_stacks = body->n_outputs - 1 - s->n_carried;
  s->args = pgi_alloc_zero(c->ctx, (size_t)body->n_inputs * sizeof *s->args);
  s->pointers = pgi_alloc_zero(c->ctx, (size_t)body->n_inputs * sizeof *s->pointers);
  s->stacks = pgi_alloc_zero(c->ctx, (size_t)(s->n_stacks + 1) * sizeof *s->stacks);
  if (!s->args || !s->pointers || !s->stacks) return pgi_nomem(c->err);
  for (int i = 0; i < body->n_inputs; i++) s->pointers[i] = &s->args[i];
  s->trips = INT64_MAX;
  if (pgi_input(c, 0)) PG_TRY(pgi_scalar_i64(c->in[0], "M", &s->trips, c->err));
  if (pgi_input(c, 1)) {
    pgi_tensor_assign(&s->args[1], c->in[1]);
  } else {
    PG_TRY(pgi_tensor_alloc(c->ctx, PG_BOOL, 0, NULL, &s->args[1], c->err));
    *(uint8_t *)pgi_tensor_data(&s->args[1]) = 1;
  }
  for (int i = 0; i < s->n_carried; i++)
    if (c->in[2 + i]) pgi_tensor_assign(&s->args[2 + i], c->in[2 + i]);
  *out = s;
  return PG_OK;
}

/* Takes what the body made; the results of an output that nobody wants are dropped. */
static pg_status collect(pgi_call *c, state *s) {
  if (c->n_body_out < 1 + s->n_carried + s->n_stacks)
    return pgi_fail(c->err, PG_INTERNAL, "the body gave %d outputs", c->n_body_out);
  for (int i = 0; i <= s->n_carried; i++) pgi_tensor_move(&s->args[1 + i], &c->body_out[i]);
  for (int i = 0; i < s->n_stacks; i++) {
    int k = s->n_carried + i;
    if (k < c->n_out && c->out[k])
      PG_TRY(pgi_stack_push(c->ctx, &s->stacks[i], &c->body_out[1 + k], c->err));
  }
  s->i++;
  return PG_OK;
}

static pg_status finish(pgi_call *c, state *s) {
  for (int i = 0; i < s->n_carried && i < c->n_out; i++)
    if (c->out[i]) pgi_tensor_move(c->out[i], &s->args[2 + i]);
  for (int i = 0; i < s->n_stacks; i++) {
    int k = s->n_carried + i;
    if (k >= c->n_out || !c->out[k]) continue;
    pgi_stack_layout layout = {.batches = -1, .type = &s->body->outputs[1 + k].value->type};
    PG_TRY(pgi_stack_join(c, &s->stacks[i], k, &layout));
  }
  return PG_OK;
}

/* The number of the iteration; in the memory of the last one's when the body has not kept it. */
static pg_status set_iteration(pgi_call *c, state *s) {
  pg_tensor *t = &s->args[0];
  bool is_ours = t->buffer && atomic_load(&t->buffer->refs) == 1;
  if (is_ours) {
    *(int64_t *)pgi_tensor_data(t) = s->i;
    return PG_OK;
  }
  pgi_tensor_clear(t);
  return pgi_tensor_scalar_i64(c->ctx, s->i, t, c->err);
}

static pg_status run(pgi_call *c) {
  state *s = c->state;
  bool goes_on;
  if (!s)
    PG_TRY(start(c, &s));
  else
    PG_TRY(collect(c, s));
  PG_TRY(pgi_condition(&s->args[1], "condition", &goes_on, c->err));
  if (!goes_on || s->i >= s->trips) return finish(c, s);
  PG_TRY(set_iteration(c, s));
  return pgi_call_enter(c, s->body, s->n_carried + 2, s->pointers);
}

static const pgi_attr_def attrs[] = {{.name = "body", .kind = PG_ATTR_GRAPH, .is_required = true},
                                     {0}};

PG_OP(loop_op) = {
    .name = "Loop",
    .since = {1, 11, 13, 16, 19, 21, 23, 24, 25},
    .in = {2, PG_MANY},
    .out = {1, PG_MANY},
    .types = PG_T(PG_I64),
    .attrs = attrs,
    .flags = PG_OP_CONTROL,
    .infer = infer,
    .run = run,
};
