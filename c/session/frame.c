/* frame: one execution of a plan, set up and taken down.
**
** What can stay from run to run does: constants and values in the arena are set when the frame is
** made.  A start only sets bound values, outputs and what aliases them. */
#include "session/internal.h"

/* ---- making ---------------------------------------------------------------------------------- */

/* Operators take constants through pointers to const; the cast is for the one array of both. */
static pg_tensor *arg(const pgi_frame *f, int value) {
  if (value < 0) return NULL;
  const pgi_slot *slot = &f->plan->slots[value];
  return slot->kind == PG_SLOT_CONSTANT ? (pg_tensor *)(uintptr_t)slot->constant
                                        : &f->values[value];
}

static void link_args(pgi_frame *f) {
  for (int s = 0; s < f->plan->n_steps; s++) {
    const pgi_step *step = &f->plan->steps[s];
    const pgi_prog_node *pn = step->node;
    pg_tensor **in = &f->args[step->args], **out = in + pn->node->n_in;
    for (int i = 0; i < pn->node->n_in; i++) in[i] = arg(f, pn->in[i]);
    for (int i = 0; i < pn->node->n_out; i++) out[i] = arg(f, pn->out[i]);
  }
}

/* The value becomes its type at `offset` elements of a buffer. */
static pg_status set_on(pgi_frame *f, int value, pgi_buffer *buffer, int64_t offset,
                        pg_error *err) {
  const pgi_type *type = &f->plan->slots[value].type;
  int64_t dims[PG_MAX_RANK];
  pgi_type_dims(type, dims);
  pgi_tensor_clear(&f->values[value]);
  return pgi_tensor_on_buffer(buffer, type->dtype, type->rank, dims, offset, &f->values[value],
                              err);
}

static pg_status set_alias(pgi_frame *f, int value, pg_error *err) {
  const pg_tensor *root = pgi_frame_value(f, f->plan->slots[value].root);
  return set_on(f, value, root->buffer, root->offset, err);
}

static pg_status set_aliases_of(pgi_frame *f, pgi_slot_kind root, pg_error *err) {
  const pgi_plan *plan = f->plan;
  for (int v = 0; v < plan->program->n_values; v++) {
    if (plan->slots[v].kind != PG_SLOT_ALIAS) continue;
    if (plan->slots[plan->slots[v].root].kind == root) PG_TRY(set_alias(f, v, err));
  }
  return PG_OK;
}

static pg_status make(pgi_frame *f, pg_error *err) {
  pg_session *s = f->session;
  const pgi_plan *plan = f->plan;
  size_t n_values = (size_t)plan->program->n_values, n_args = (size_t)plan->n_args;
  if (!f->values) f->values = pgi_alloc_zero(s->ctx, n_values * sizeof *f->values);
  if (!f->args) f->args = pgi_alloc(s->ctx, n_args * sizeof *f->args);
  if (!f->values || !f->args) return pgi_nomem(err);
  PG_TRY(set_aliases_of(f, PG_SLOT_CONSTANT, err));
  link_args(f);
  f->heap = &s->heap;
  f->scratch = &s->scratch;
  f->next_made = s->made;
  if (s->made) s->made->prev_made = f;
  s->made = f;
  f->is_made = true;
  return PG_OK;
}

/* ---- arenas ---------------------------------------------------------------------------------- */

/* Frames of one depth are never active together and share an arena, which grows to the largest
** need. */
static void forget_arena(pgi_frame *f) {
  const pgi_plan *plan = f->plan;
  for (int v = 0; v < plan->program->n_values; v++) {
    if (plan->slots[plan->slots[v].root].kind == PG_SLOT_ARENA) pgi_tensor_clear(&f->values[v]);
  }
  f->arena = NULL;
}

static pg_status grow_arena(pg_session *s, int depth, size_t bytes, pg_error *err) {
  pgi_buffer *old = s->arenas[depth];
  if (old && old->bytes >= bytes) return PG_OK;
  for (pgi_frame *f = s->made; f; f = f->next_made) {
    if (f->arena && f->arena == old) forget_arena(f);
  }
  pgi_buffer_release(old);
  s->arenas[depth] = NULL;
  s->n_arenas = PG_MAX(s->n_arenas, depth + 1);
  return pgi_buffer_new(s->ctx, bytes, &s->arenas[depth], err);
}

static int64_t element_offset(const pgi_slot *slot, size_t bytes) {
  size_t size = pgi_dtype_size(slot->type.dtype);
  if (size) return (int64_t)(bytes / size);
  return (int64_t)(bytes * 8 / (size_t)pg_dtype_bits(slot->type.dtype));
}

static pg_status set_arena(pgi_frame *f, pg_error *err) {
  const pgi_plan *plan = f->plan;
  if (plan->n_blocks == 0) return PG_OK;
  PG_TRY(grow_arena(f->session, plan->program->depth, plan->arena_bytes, err));
  pgi_buffer *arena = f->session->arenas[plan->program->depth];
  if (f->arena == arena) return PG_OK;
  f->arena = arena; /* set first: a failure on the way is undone by forget_arena */
  pg_status status = PG_OK;
  for (int v = 0; v < plan->program->n_values && status == PG_OK; v++) {
    const pgi_slot *slot = &plan->slots[v];
    if (slot->kind != PG_SLOT_ARENA) continue;
    status = set_on(f, v, arena, element_offset(slot, plan->blocks[slot->block].offset), err);
  }
  if (status == PG_OK) status = set_aliases_of(f, PG_SLOT_ARENA, err);
  if (status != PG_OK) forget_arena(f);
  return status;
}

/* ---- starting -------------------------------------------------------------------------------- */

static bool is_plain(const pg_tensor *t) {
  if (!t->buffer) return true;
  if (!pgi_tensor_is_contiguous(t)) return false;
  int64_t n = pgi_is_object(t->dtype) ? pgi_tensor_count(t) : 0;
  for (int64_t i = 0; i < n; i++) {
    if (!is_plain(pgi_sequence_at(t, i))) return false;
  }
  return true;
}

static pg_status set_bound(pgi_frame *f, pg_error *err) {
  const pgi_program *p = f->plan->program;
  for (int i = 0; i < p->n_bound; i++) {
    const pg_tensor *given = p->given[i];
    pg_tensor *value = &f->values[p->bound[i]];
    if (!given) continue;
    if (is_plain(given)) {
      pgi_tensor_assign(value, given);
    } else {
      pgi_tensor_clear(value);
      PG_TRY(pgi_heap_copy(f->heap, p->ctx, given, value, err));
    }
  }
  return PG_OK;
}

static pg_status set_output(pgi_frame *f, int value, const pg_tensor *const *direct,
                            pg_error *err) {
  const pgi_plan *plan = f->plan;
  const pgi_type *type = &plan->slots[value].type;
  for (int k = 0; k < plan->program->n_outputs && direct; k++) {
    if (plan->claims[k] != value || !direct[k]) continue;
    return set_on(f, value, direct[k]->buffer, direct[k]->offset, err);
  }
  int64_t dims[PG_MAX_RANK];
  pgi_type_dims(type, dims);
  pgi_tensor_clear(&f->values[value]);
  return pgi_heap_tensor(f->heap, f->session->ctx, type->dtype, type->rank, dims, &f->values[value],
                         err);
}

static pg_status set_up(pgi_frame *f, const pg_tensor *const *direct, pg_error *err) {
  const pgi_plan *plan = f->plan;
  if (!f->is_made) PG_TRY(make(f, err));
  PG_TRY(set_arena(f, err));
  PG_TRY(set_bound(f, err));
  for (int i = 0; i < plan->n_setup; i++) {
    int v = plan->setup[i];
    if (plan->slots[v].kind == PG_SLOT_OUTPUT)
      PG_TRY(set_output(f, v, direct, err));
    else
      PG_TRY(set_alias(f, v, err));
  }
  return PG_OK;
}

pg_status pgi_frame_begin(pgi_frame *f, const pg_tensor *const *direct, pg_error *err) {
  pg_status status = set_up(f, direct, err);
  if (status != PG_OK) pgi_frame_end(f);
  f->step = 0;
  return status;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void clear_all(pg_tensor *tensors, int n) {
  for (int i = 0; i < n; i++) pgi_tensor_clear(&tensors[i]);
}

void pgi_frame_end_call(pgi_frame *f) {
  if (f->state && f->state_deinit) f->state_deinit(f->plan->program->ctx, f->state);
  f->state = NULL;
  f->state_deinit = NULL;
  f->is_called = f->is_returned = false;
  f->ns = 0;
  clear_all(f->body_out, f->n_body_out);
  clear_all(f->body_in, f->n_body_in);
  f->n_body_out = f->n_body_in = 0;
  if (f->scratch) pgi_scratch_reset(f->scratch);
}

void pgi_frame_end(pgi_frame *f) {
  const pgi_plan *plan = f->plan;
  pgi_frame_end_call(f);
  for (int v = 0; f->values && v < plan->program->n_values; v++) {
    const pgi_slot *slot = &plan->slots[v];
    pgi_slot_kind root = plan->slots[slot->root].kind;
    bool is_kept =
        slot->kind != PG_SLOT_DYNAMIC && (root == PG_SLOT_ARENA || root == PG_SLOT_CONSTANT);
    if (!is_kept) pgi_tensor_clear(&f->values[v]);
  }
  f->entered = NULL;
  f->parent = NULL;
}

void pgi_frame_deinit(pgi_frame *f) {
  if (f->values) {
    pgi_frame_end(f);
    clear_all(f->values, f->plan->program->n_values);
  }
  pg_session *s = f->session;
  if (f->is_made) {
    if (f->prev_made)
      f->prev_made->next_made = f->next_made;
    else
      s->made = f->next_made;
    if (f->next_made) f->next_made->prev_made = f->prev_made;
  }
  pgi_free(s->ctx, f->values);
  pgi_free(s->ctx, f->args);
  pgi_free(s->ctx, f->state_block);
  pgi_free(s->ctx, f->body_in);
  pgi_free(s->ctx, f->body_out);
}

/* ---- what leaves a frame --------------------------------------------------------------------- */

static bool is_in_arena(const pg_session *s, const pgi_buffer *b) {
  for (int d = 0; d < s->n_arenas; d++) {
    if (s->arenas[d] == b) return true;
  }
  return false;
}

pg_status pgi_frame_detach(pgi_frame *f, pg_tensor *t, pg_error *err) {
  if (!t->buffer) return PG_OK;
  if (pgi_is_object(t->dtype)) {
    for (int64_t i = 0; i < pgi_tensor_count(t); i++) {
      PG_TRY(pgi_frame_detach(f, pgi_sequence_at(t, i), err));
    }
    return PG_OK;
  }
  if (!is_in_arena(f->session, t->buffer)) return PG_OK;
  pg_tensor copy = {0};
  PG_TRY(pgi_heap_copy(f->heap, f->session->ctx, t, &copy, err));
  pgi_tensor_move(t, &copy);
  return PG_OK;
}

pg_status pgi_frame_take(pgi_frame *f, int k, pg_tensor *out, pg_error *err) {
  pgi_tensor_assign(out, pgi_frame_value(f, f->plan->program->outputs[k]));
  return pgi_frame_detach(f, out, err);
}
