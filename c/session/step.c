/* step: one operator, called. */
#include "session/internal.h"

/* ---- views of what is known at run time only ------------------------------------------------- */

static const pgi_type **declared_types(pgi_frame *f, const pgi_prog_node *pn) {
  size_t n = (size_t)pn->node->n_in;
  const pgi_type **types = pgi_scratch_alloc(f->scratch, n * sizeof *types);
  for (int i = 0; types && i < pn->node->n_in; i++) {
    types[i] = pn->in[i] >= 0 ? &f->plan->slots[pn->in[i]].type : NULL;
  }
  return types;
}

/* Output types from what the inputs are now; in the frame's scratch memory. */
static pg_status infer(pgi_frame *f, const pgi_step *step, pgi_type **out, pgi_arena *arena,
                       pg_error *err) {
  const pgi_node *node = step->node->node;
  const pgi_type **declared = declared_types(f, step->node);
  *out = pgi_scratch_alloc(f->scratch, (size_t)node->n_out * sizeof **out);
  if (!declared || !*out) return pgi_nomem(err);
  const pg_tensor *const *in = (const pg_tensor *const *)&f->args[step->args];
  return pgi_infer_actual(node, in, true, declared, *out, arena, f->scratch, err);
}

static pg_status share(const pg_tensor *in, const pgi_type *type, pg_tensor *out, pg_error *err) {
  int64_t dims[PG_MAX_RANK], count;
  if (!pgi_type_is_static(type)) return pgi_fail(err, PG_INVALID, "the shape can't be told");
  pgi_type_dims(type, dims);
  PG_TRY(pgi_count(type->rank, dims, &count, err));
  if (type->dtype != in->dtype || count != pgi_tensor_count(in)) {
    char expected[400], got[400];
    pgi_shape_text(type->dtype, type->rank, dims, expected, sizeof expected);
    pgi_shape_text(in->dtype, in->rank, in->dims, got, sizeof got);
    return pgi_fail(err, PG_INVALID, "can't see %s as %s", got, expected);
  }
  return pgi_tensor_on_buffer(in->buffer, type->dtype, type->rank, dims, in->offset, out, err);
}

static pg_status run_view(pgi_frame *f, const pgi_step *step, pg_error *err) {
  const pg_tensor *in = f->args[step->args];
  pg_tensor *out = f->args[step->args + step->node->node->n_in];
  if (pgi_is_object(in->dtype)) {
    pgi_tensor_assign(out, in);
    return PG_OK;
  }
  pgi_arena arena;
  pgi_type *types = NULL;
  pgi_arena_init(&arena, f->session->ctx);
  pg_status status = infer(f, step, &types, &arena, err);
  pgi_tensor_clear(out);
  if (status == PG_OK) status = share(in, &types[0], out, err);
  pgi_arena_deinit(&arena);
  return status;
}

/* ---- outputs whose size was not known when planning ------------------------------------------ */

static pg_status allocate(pgi_frame *f, const pgi_step *step, const pgi_type *types,
                          pg_error *err) {
  const pgi_prog_node *pn = step->node;
  int64_t dims[PG_MAX_RANK];
  for (int i = 0; i < pn->node->n_out; i++) {
    int v = pn->out[i];
    if (v < 0 || f->plan->slots[v].kind != PG_SLOT_DYNAMIC) continue;
    pgi_tensor_clear(&f->values[v]);
    if (!pgi_type_is_static(&types[i])) continue; /* the operator allocates */
    pgi_type_dims(&types[i], dims);
    PG_TRY(pgi_heap_tensor(f->heap, f->session->ctx, types[i].dtype, types[i].rank, dims,
                           &f->values[v], err));
  }
  return PG_OK;
}

static pg_status make_outputs(pgi_frame *f, const pgi_step *step, pg_error *err) {
  if (step->node->node->op->flags & PG_OP_CONTROL) return PG_OK;
  pgi_arena arena;
  pgi_type *types = NULL;
  pgi_arena_init(&arena, f->session->ctx);
  pg_status status = infer(f, step, &types, &arena, err);
  if (status == PG_OK) status = allocate(f, step, types, err);
  pgi_arena_deinit(&arena);
  return status;
}

/* An empty optional comes from a body or from another one; whatever else is not there has been
** forgotten. */
static bool may_be_empty(const pgi_frame *f, const pgi_step *step, const pgi_type *type) {
  const pgi_node *node = step->node->node;
  if (type->kind != PG_TYPE_UNKNOWN && type->kind != PG_TYPE_OPTIONAL) return false;
  if (type->kind == PG_TYPE_OPTIONAL || node->op->flags & PG_OP_CONTROL) return true;
  for (int i = 0; i < node->n_in; i++) {
    const pg_tensor *in = f->args[step->args + i];
    if (!in || in->dtype == PG_NONE) return true;
  }
  return false;
}

/* What later steps were planned on must be true. */
static pg_status check_made(const pgi_frame *f, const pgi_step *step, int output,
                            const pg_tensor *made, pg_error *err) {
  pgi_type type = f->plan->slots[step->node->out[output]].type, planned = type;
  if (made->dtype == PG_NONE) {
    if (may_be_empty(f, step, &type)) return PG_OK;
    return pgi_fail(err, PG_INTERNAL, "output %d was not made", output);
  }
  bool is_tensor = !pgi_is_object(made->dtype);
  if (!is_tensor && type.kind != PG_TYPE_TENSOR) return PG_OK;
  if (is_tensor && (type.kind == PG_TYPE_UNKNOWN || type.kind == PG_TYPE_OPTIONAL)) return PG_OK;
  pgi_type actual = pgi_type_of(made);
  if (is_tensor && pgi_type_merge(&type, &actual)) return PG_OK;
  char expected[400] = "", got[400] = "";
  pgi_type_text(&planned, &(pgi_text){expected, sizeof expected, 0});
  pgi_type_text(&actual, &(pgi_text){got, sizeof got, 0});
  return pgi_fail(err, PG_INVALID, "expected to make %s, made %s", expected, got);
}

static pg_status check_outputs(pgi_frame *f, const pgi_step *step, pg_error *err) {
  const pgi_prog_node *pn = step->node;
  for (int i = 0; i < pn->node->n_out; i++) {
    int v = pn->out[i];
    if (v < 0 || f->plan->slots[v].kind != PG_SLOT_DYNAMIC) continue;
    pg_tensor *made = &f->values[v];
    PG_TRY(check_made(f, step, i, made, err));
    PG_TRY(pgi_frame_detach(f, made, err));
    if (pgi_tensor_is_contiguous(made)) continue;
    pg_tensor copy = {0};
    PG_TRY(pgi_heap_copy(f->heap, f->session->ctx, made, &copy, err));
    pgi_tensor_move(made, &copy);
  }
  return PG_OK;
}

/* ---- the call -------------------------------------------------------------------------------- */

static pg_status check_operands(const pgi_frame *f, const pgi_step *step, pg_error *err) {
  const pgi_node *node = step->node->node;
  for (int i = 0; i < node->n_in; i++) {
    const pg_tensor *in = f->args[step->args + i];
    if (in) PG_TRY(pgi_check_operand(node, i, in->dtype, err));
  }
  return PG_OK;
}

static pg_status call(pgi_frame *f, const pgi_step *step, pg_error *err) {
  const pgi_node *node = step->node->node;
  pg_session *s = f->session;
  pg_tensor *const *args = &f->args[step->args];
  pgi_call c = {.ctx = s->ctx,
                .node = node,
                .n_in = node->n_in,
                .n_out = node->n_out,
                .in = (const pg_tensor *const *)args,
                .out = args + node->n_in,
                .prepared = step->node->prepared,
                .threads = s->threads,
                .err = err,
                .state = f->state,
                .body_out = f->is_returned ? f->body_out : NULL,
                .n_body_out = f->n_body_out,
                .frame = f};
  int64_t start = s->hook ? pgi_now_ns(s->ctx) : 0;
  pg_status status = node->op->run(&c);
  if (s->hook) f->ns += pgi_now_ns(s->ctx) - start;
  for (int i = 0; i < f->n_body_out; i++) pgi_tensor_clear(&f->body_out[i]);
  f->n_body_out = 0;
  f->is_returned = false;
  return status;
}

static void tell_hook(const pgi_frame *f, const pgi_step *step) {
  const pgi_node *node = step->node->node;
  if (!f->session->hook) return;
  f->session->hook(f->session->hook_arg, node,
                   (const pg_tensor *const *)&f->args[step->args + node->n_in], node->n_out, f->ns);
}

static pg_status run_operator(pgi_frame *f, const pgi_step *step, pg_error *err) {
  if (!f->is_called) {
    if (!step->is_trusted) PG_TRY(check_operands(f, step, err));
    if (!step->is_ready) PG_TRY(make_outputs(f, step, err));
    f->is_called = true;
  }
  PG_TRY(call(f, step, err));
  if (f->entered) return PG_OK;
  return step->is_ready ? PG_OK : check_outputs(f, step, err);
}

pg_status pgi_step_run(pgi_frame *f, pg_error *err) {
  const pgi_step *step = &f->plan->steps[f->step];
  if (step->is_view)
    PG_TRY(run_view(f, step, err));
  else
    PG_TRY(run_operator(f, step, err));
  if (f->entered) return PG_OK;
  tell_hook(f, step);
  pgi_frame_end_call(f);
  for (int i = 0; i < step->n_ends; i++) {
    pgi_tensor_clear(&f->values[f->plan->ends[step->ends + i]]);
  }
  f->step++;
  return PG_OK;
}
