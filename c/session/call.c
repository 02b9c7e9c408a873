/* call: what an operator may ask of the session while it runs. */
#include "session/internal.h"

static pg_status check_planned(const pg_tensor *planned, pg_dtype dtype, int rank,
                               const int64_t *dims, pg_error *err) {
  bool is_same = planned->dtype == dtype && planned->rank == rank;
  for (int i = 0; is_same && i < rank; i++) is_same = planned->dims[i] == dims[i];
  if (is_same) return PG_OK;
  char expected[400], got[400];
  pgi_shape_text(planned->dtype, planned->rank, planned->dims, expected, sizeof expected);
  pgi_shape_text(dtype, rank, dims, got, sizeof got);
  return pgi_fail(err, PG_INVALID, "expected to make %s, made %s", expected, got);
}

pg_status pgi_call_alloc(pgi_call *c, int i, pg_dtype dtype, int rank, const int64_t *dims) {
  if (i < 0 || i >= c->n_out || !c->out[i]) {
    return pgi_fail(c->err, PG_INTERNAL, "nobody asked for output %d", i);
  }
  if (rank < 0 || rank > PG_MAX_RANK) {
    return pgi_fail(c->err, PG_INVALID, "output %d: expected rank 0 to %d, got %d", i, PG_MAX_RANK,
                    rank);
  }
  pg_tensor *out = c->out[i];
  if (out->dtype != PG_NONE) return check_planned(out, dtype, rank, dims, c->err);
  return pgi_heap_tensor(c->frame->heap, c->ctx, dtype, rank, dims, out, c->err);
}

void *pgi_call_scratch(pgi_call *c, size_t bytes) {
  return pgi_scratch_alloc(c->frame->scratch, bytes);
}

void pgi_call_parallel(pgi_call *c, int64_t n, void (*fn)(void *arg, int64_t i), void *arg) {
  pgi_parallel_for(c->ctx, c->threads, n, fn, arg);
}

/* The block stays with the frame: a Loop that runs again needs no new one. */
void *pgi_call_state(pgi_call *c, size_t bytes, void (*deinit)(pg_context *ctx, void *state)) {
  pgi_frame *f = c->frame;
  if (f->state) return f->state;
  if (bytes > f->state_size) {
    void *block = pgi_alloc(c->ctx, bytes);
    if (!block) return NULL;
    pgi_free(c->ctx, f->state_block);
    f->state_block = block;
    f->state_size = bytes;
  }
  if (!f->state_block && !(f->state_block = pgi_alloc(c->ctx, 1))) return NULL;
  memset(f->state_block, 0, bytes);
  f->state = c->state = f->state_block;
  f->state_deinit = deinit;
  return f->state;
}

static pgi_program *find_body(const pgi_frame *f, const pg_graph *body) {
  if (!f->plan) return NULL; /* a lone call has no bodies */
  const pgi_prog_node *pn = f->plan->steps[f->step].node;
  for (int i = 0; i < pn->n_bodies; i++) {
    if (pn->bodies[i]->graph == body) return pn->bodies[i];
  }
  return NULL;
}

pg_status pgi_call_enter(pgi_call *c, pg_graph *body, int n_in, const pg_tensor *const *in) {
  pgi_frame *f = c->frame;
  pgi_program *p = find_body(f, body);
  if (!p) return pgi_fail(c->err, PG_INTERNAL, "this subgraph can't be entered here");
  if (n_in != p->n_inputs) {
    return pgi_fail(c->err, PG_INVALID, "its subgraph takes %d inputs, got %d", p->n_inputs, n_in);
  }
  int64_t had = f->body_in_room;
  PG_TRY(pgi_grow(c->ctx, &f->body_in, &f->body_in_room, n_in, sizeof *f->body_in, c->err));
  if (f->body_in_room > had) {
    memset(f->body_in + had, 0, (size_t)(f->body_in_room - had) * sizeof *f->body_in);
  }
  for (int i = 0; i < n_in; i++) {
    if (in[i])
      pgi_tensor_assign(&f->body_in[i], in[i]);
    else
      pgi_tensor_clear(&f->body_in[i]);
  }
  f->n_body_in = n_in;
  f->entered = p;
  return PG_OK;
}
