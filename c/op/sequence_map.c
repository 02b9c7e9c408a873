/* SequenceMap: a subgraph on the elements of sequences, one after the other. */
#include "op/control.h"
#include "op/move.h"
#include "op/sequence.h"

/* What the body is given for input i: an element, when that input is a sequence. */
static const pgi_type *body_input(const pgi_infer *inf, int i) {
  const pgi_type *t = inf->in[i];
  return t && t->kind == PG_TYPE_SEQUENCE ? t->elem : t;
}

static pg_status map_infer(pgi_infer *inf) {
  pg_graph *body = pgi_attr_graph(inf->node, "body");
  size_t n_in = (size_t)inf->n_in, n_out = (size_t)inf->n_out;
  const pgi_type **in = pgi_arena_alloc(inf->arena, n_in * sizeof *in);
  pgi_type *out = pgi_arena_alloc(inf->arena, n_out * sizeof *out);
  pgi_type *elems = pgi_arena_alloc(inf->arena, n_out * sizeof *elems);
  if (!in || !out || !elems) return pgi_nomem(inf->err);
  if (!body) return pgi_fail(inf->err, PG_INVALID, "attribute 'body' is required");
  for (int i = 0; i < inf->n_in; i++) {
    in[i] = body_input(inf, i);
    if (in[i] && in[i] != inf->in[i]) { /* elements may differ in shape */
      pgi_type *elem = pgi_arena_alloc(inf->arena, sizeof *elem);
      if (!elem) return pgi_nomem(inf->err);
      *elem = pgi_in_elem_type(inf, i);
      in[i] = elem;
    }
  }
  /* Twice: a size that is new each time gets another name, and so is dropped. */
  for (int round = 0; round < 2; round++) {
    PG_TRY(inf->subgraph(inf, body, in, inf->n_in, out, inf->n_out));
    for (int i = 0; i < inf->n_out; i++) {
      if (round == 0)
        elems[i] = out[i];
      else
        pgi_type_widen(&elems[i], &out[i], inf->arena);
    }
  }
  for (int i = 0; i < inf->n_out; i++) PG_TRY(pgi_infer_sequence_of(inf, i, &elems[i]));
  return PG_OK;
}

typedef struct map_state {
  int64_t n, i; /* elements; the one that the body works on */
  int n_out;
  pg_tensor out[]; /* [n_out]: sequences, filled so far up to i */
} map_state;

static void map_deinit(pg_context *ctx, void *state) {
  map_state *s = state;
  (void)ctx;
  for (int i = 0; i < s->n_out; i++) pgi_tensor_clear(&s->out[i]);
}

static pg_status start(pgi_call *c, map_state **out) {
  const pg_tensor *seq;
  int64_t n, other;
  PG_TRY(pgi_read_sequence(c, 0, &seq, &n));
  for (int i = 1; i < c->n_in; i++) {
    if (!c->in[i] || c->in[i]->dtype != PG_SEQUENCE) continue;
    PG_TRY(pgi_read_sequence(c, i, &seq, &other));
    if (other != n) {
      return pgi_fail(c->err, PG_INVALID, "input %d: expected %lld elements, as input 0, got %lld",
                      i, (long long)n, (long long)other);
    }
  }
  size_t n_out = (size_t)c->n_out;
  map_state *s = pgi_call_state(c, sizeof *s + n_out * sizeof *s->out, map_deinit);
  if (!s) return pgi_nomem(c->err);
  s->n = n;
  for (s->n_out = 0; s->n_out < c->n_out; s->n_out++)
    PG_TRY(pgi_sequence_new(c->ctx, n, &s->out[s->n_out], c->err));
  *out = s;
  return PG_OK;
}

static pg_status enter(pgi_call *c, const map_state *s) {
  const pg_tensor **in = pgi_call_scratch(c, (size_t)c->n_in * sizeof *in);
  if (!in) return pgi_nomem(c->err);
  for (int i = 0; i < c->n_in; i++) {
    bool is_sequence = c->in[i] && c->in[i]->dtype == PG_SEQUENCE;
    in[i] = is_sequence ? pgi_sequence_at(c->in[i], s->i) : c->in[i];
  }
  return pgi_call_enter(c, pgi_attr_graph(c->node, "body"), c->n_in, in);
}

static pg_status map_run(pgi_call *c) {
  map_state *s = c->state;
  if (!s) {
    PG_TRY(start(c, &s));
  } else {
    for (int i = 0; i < s->n_out && i < c->n_body_out; i++)
      pgi_tensor_move(pgi_sequence_at(&s->out[i], s->i), &c->body_out[i]);
    s->i++;
  }
  if (s->i < s->n) return enter(c, s);
  for (int i = 0; i < s->n_out; i++) {
    if (c->out[i]) pgi_tensor_move(c->out[i], &s->out[i]);
  }
  return PG_OK;
}

static const pgi_attr_def map_attrs[] = {
    {.name = "body", .kind = PG_ATTR_GRAPH, .is_required = true}, {0}};

PG_OP(sequence_map) = {
    .name = "SequenceMap",
    .since = {17},
    .in = {1, PG_MANY},
    .out = {1, PG_MANY},
    .types = PG_T(PG_SEQUENCE),
    .attrs = map_attrs,
    .flags = PG_OP_CONTROL,
    .infer = map_infer,
    .run = map_run,
};
