/* run: a stack of frames, advanced step by step.
**
** The stack is a list, not the C stack: a run may stop between any two steps, in the middle of a
** Loop's body too, and go on later. */
#include "session/internal.h"

void pgi_run_reset(pg_session *s) {
  pgi_frame *f = s->run.top;
  while (f) {
    pgi_frame *parent = f->parent;
    pgi_frame_end(f);
    f = parent;
  }
  if (s->run.program) pgi_heap_end_run(&s->heap);
  s->run = (pgi_run){0};
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static pg_status enter(pg_session *s, pgi_frame *f, pg_error *err) {
  pgi_program *body = f->entered;
  pgi_plan *plan = NULL;
  f->entered = NULL;
  for (int i = 0; i < body->n_bound; i++) {
    body->given[i] = i < body->n_inputs ? &f->body_in[i] : pgi_frame_value(f, body->from[i]);
  }
  PG_TRY(pgi_plan_get(body, &plan, err));
  PG_TRY(pgi_frame_begin(&plan->frame, NULL, err));
  for (int i = 0; i < f->n_body_in; i++) pgi_tensor_clear(&f->body_in[i]);
  f->n_body_in = 0;
  plan->frame.parent = f;
  s->run.top = &plan->frame;
  return PG_OK;
}

/* Room for n absent tensors. */
static pg_status reserve_out(pgi_frame *f, int n, pg_error *err) {
  int64_t had = f->body_out_room;
  pg_context *ctx = f->session->ctx;
  PG_TRY(pgi_grow(ctx, &f->body_out, &f->body_out_room, PG_MAX(n, 1), sizeof *f->body_out, err));
  size_t added = (size_t)(f->body_out_room - had);
  if (added) memset(f->body_out + had, 0, added * sizeof *f->body_out);
  return PG_OK;
}

static pg_status leave(pg_session *s, pgi_frame *f, pg_error *err) {
  pgi_frame *parent = f->parent;
  int n = f->plan->program->n_outputs;
  PG_TRY(reserve_out(parent, n, err));
  parent->n_body_out = n;
  for (int k = 0; k < n; k++) PG_TRY(pgi_frame_take(f, k, &parent->body_out[k], err));
  parent->is_returned = true;
  pgi_frame_end(f);
  s->run.top = parent;
  return PG_OK;
}

/* ---- advancing ------------------------------------------------------------------------------- */

static pg_status advance(pg_session *s, pg_error *err) {
  pgi_frame *f = s->run.top;
  if (atomic_load_explicit(&s->is_cancelled, memory_order_relaxed)) {
    return pgi_fail(err, PG_CANCELLED, "cancelled");
  }
  if (f->step < f->plan->n_steps) {
    PG_TRY(pgi_step_run(f, err));
    return f->entered ? enter(s, f, err) : PG_OK;
  }
  if (f->parent) return leave(s, f, err);
  s->run.is_done = true;
  return PG_OK;
}

/* "node 'loop' (Loop): node 'add' (Add): ...", from the inside out. */
static pg_status fail_run(pg_session *s, pg_status status, pg_error *err) {
  for (pgi_frame *f = s->run.top; f && status != PG_CANCELLED; f = f->parent) {
    if (f->step < f->plan->n_steps) pgi_node_prefix(f->plan->steps[f->step].node->node, err);
  }
  pgi_run_reset(s);
  return status;
}

/* Until done, or the clock says deadline_ns (INT64_MAX: never looks); one step at least. */
static pg_status run_until(pg_session *s, int64_t deadline_ns, pg_error *err) {
  while (!s->run.is_done) {
    pg_status status = advance(s, err);
    if (status != PG_OK) return fail_run(s, status, err);
    if (deadline_ns == INT64_MAX || s->run.is_done) continue;
    if (pgi_now_ns(s->ctx) >= deadline_ns) return pgi_fail(err, PG_BUDGET, "the time is spent");
  }
  return PG_OK;
}

/* ---- the public calls ------------------------------------------------------------------------ */

static pg_status start(pg_session *s, const pg_binding *inputs, int n_inputs,
                       const pg_binding *outputs, int n_outputs, bool is_direct, pg_error *err) {
  pgi_program *program = NULL;
  pgi_plan *plan = NULL;
  pgi_run_reset(s);
  atomic_store_explicit(&s->is_cancelled, false, memory_order_relaxed);
  PG_TRY(pgi_bind_inputs(s, inputs, n_inputs, outputs, n_outputs, &program, err));
  PG_TRY(pgi_plan_get(program, &plan, err));
  if (is_direct) PG_TRY(pgi_bind_outputs(s, plan, outputs, n_outputs, err));
  PG_TRY(pgi_frame_begin(&plan->frame, is_direct ? s->direct : NULL, err));
  s->run = (pgi_run){.program = program, .top = &plan->frame, .is_direct = is_direct};
  return PG_OK;
}

pg_status pg_session_run(pg_session *s, const pg_binding *inputs, int n_inputs, pg_binding *outputs,
                         int n_outputs, pg_error *err) {
  PG_TRY(start(s, inputs, n_inputs, outputs, n_outputs, true, err));
  PG_TRY(run_until(s, INT64_MAX, err));
  pg_status status = pgi_bind_results(s, outputs, n_outputs, err);
  pgi_run_reset(s);
  return status;
}

pg_status pg_session_start(pg_session *s, const pg_binding *inputs, int n_inputs,
                           const pg_binding *outputs, int n_outputs, pg_error *err) {
  return start(s, inputs, n_inputs, outputs, n_outputs, false, err);
}

static int64_t deadline_after(pg_session *s, double budget_ms) {
  const double most_ms = 1e12; /* thirty years */
  double ms = budget_ms > 0 ? PG_MIN(budget_ms, most_ms) : 0;
  return pgi_now_ns(s->ctx) + (int64_t)(ms * 1e6);
}

pg_status pg_session_step(pg_session *s, double budget_ms, pg_error *err) {
  if (!s->run.program) return pgi_fail(err, PG_INVALID, "no run was started");
  return run_until(s, deadline_after(s, budget_ms), err);
}

pg_status pg_session_finish(pg_session *s, pg_binding *outputs, int n_outputs, pg_error *err) {
  if (!s->run.is_done) return pgi_fail(err, PG_INVALID, "no run is complete");
  pg_status status = pgi_bind_results(s, outputs, n_outputs, err);
  pgi_run_reset(s);
  return status;
}

void pg_session_cancel(pg_session *s) {
  atomic_store_explicit(&s->is_cancelled, true, memory_order_relaxed);
}
