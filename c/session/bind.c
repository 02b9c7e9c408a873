/* bind: what the caller names becomes numbers of the program. */
#include "session/internal.h"

/* ---- names that are not there ---------------------------------------------------------------- */

enum { LONGEST = 64 }; /* names longer than this are not compared for likeness */

/* Levenshtein's distance, with insertions, deletions and replacements. */
static int distance(const char *a, const char *b) {
  int row[LONGEST + 1], n = (int)strlen(b);
  for (int j = 0; j <= n; j++) row[j] = j;
  for (int i = 0; a[i]; i++) {
    int diagonal = row[0];
    row[0] = i + 1;
    for (int j = 0; j < n; j++) {
      int best = PG_MIN(row[j], row[j + 1]) + 1;
      best = PG_MIN(best, diagonal + (a[i] != b[j]));
      diagonal = row[j + 1];
      row[j + 1] = best;
    }
  }
  return row[n];
}

pg_status pgi_fail_no_value(const pg_graph *g, const char *name, pg_error *err) {
  size_t length = strlen(name);
  const char *closest = NULL;
  int best = (int)PG_MIN(length, LONGEST) / 3 + 1;
  for (const pgi_value *v = g->first_value; v && length <= LONGEST; v = v->next) {
    if (strlen(v->name) > LONGEST) continue;
    int d = distance(name, v->name);
    if (d > best || (d == best && closest)) continue;
    best = d;
    closest = v->name;
  }
  if (!closest) return pgi_fail(err, PG_INVALID, "no value '%s' in the graph", name);
  return pgi_fail(err, PG_INVALID, "no value '%s' in the graph; did you mean '%s'?", name, closest);
}

static pg_status fail_no_input(const pg_session *s, const char *name, pg_error *err) {
  char list[600] = "";
  pgi_text text = {list, sizeof list, 0};
  for (int i = 0; i < s->n_inputs; i++) {
    pgi_text_add(&text, "%s'%s'", i ? ", " : "", s->base->inputs[s->inputs[i]]->name);
  }
  return pgi_fail(err, PG_INVALID, "no input '%s'; the graph takes %s", name,
                  s->n_inputs ? list : "none");
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static bool has_shape(const pgi_type *type, const pg_tensor *t) {
  if (type->dtype != PG_NONE && type->dtype != t->dtype) return false;
  if (type->rank < 0) return true;
  if (type->rank != t->rank) return false;
  for (int i = 0; i < t->rank; i++) {
    if (type->dims[i].n >= 0 && type->dims[i].n != t->dims[i]) return false;
  }
  return true;
}

static bool accepts(const pgi_type *type, const pg_tensor *t) {
  switch (type->kind) {
    case PG_TYPE_TENSOR:
      return !pgi_is_object(t->dtype) && has_shape(type, t);
    case PG_TYPE_SEQUENCE:
      return t->dtype == PG_SEQUENCE;
    case PG_TYPE_MAP:
      return t->dtype == PG_MAP;
    case PG_TYPE_OPTIONAL:
      return t->dtype == PG_NONE || !type->elem || accepts(type->elem, t);
    default:
      return true;
  }
}

static pg_status check_input(const pgi_value *v, const pg_tensor *t, pg_error *err) {
  if (accepts(&v->type, t)) return PG_OK;
  char expected[400] = "", got[400];
  pgi_type_text(&v->type, &(pgi_text){expected, sizeof expected, 0});
  pgi_shape_text(t->dtype, t->rank, t->dims, got, sizeof got);
  return pgi_fail(err, PG_INVALID, "input '%s': expected %s, got %s", v->name, expected,
                  pgi_is_object(t->dtype) ? pg_dtype_name(t->dtype) : got);
}

static pg_status take_input(pg_session *s, const pg_binding *b, pg_error *err) {
  for (int i = 0; i < s->base->n_inputs; i++) {
    const pgi_value *v = s->base->inputs[i];
    if (strcmp(v->name, b->name) != 0) continue;
    if (s->given[i]) return pgi_fail(err, PG_INVALID, "input '%s' is given twice", v->name);
    if (!b->tensor) return pgi_fail(err, PG_INVALID, "input '%s' has no tensor", v->name);
    s->given[i] = b->tensor;
    s->is_override[i] = v->constant.dtype != PG_NONE;
    return check_input(v, b->tensor, err);
  }
  return fail_no_input(s, b->name, err);
}

static const pg_tensor absent = {0};

/* Inputs that the wanted values don't need may be missing; optional ones are then absent. */
static pg_status give_inputs(pg_session *s, pgi_program *p, pg_error *err) {
  for (int j = 0; j < p->n_inputs; j++) {
    const pgi_value *v = s->base->inputs[p->base_input[j]];
    bool is_needed = p->values[p->bound[j]]->uses != NULL;
    p->given[j] = is_needed ? s->given[p->base_input[j]] : NULL;
    if (p->given[j] || !is_needed) continue;
    if (v->type.kind == PG_TYPE_OPTIONAL) {
      p->given[j] = &absent;
      continue;
    }
    char expected[400] = "";
    pgi_type_text(&v->type, &(pgi_text){expected, sizeof expected, 0});
    return pgi_fail(err, PG_INVALID, "input '%s' is missing: expected %s", v->name, expected);
  }
  return PG_OK;
}

/* ---- wanted values --------------------------------------------------------------------------- */

static int find_name(const char *const *names, int n, const char *name) {
  for (int i = 0; i < n; i++) {
    if (strcmp(names[i], name) == 0) return i;
  }
  return -1;
}

static pg_status collect_wanted(pg_session *s, const pg_binding *outputs, int n_outputs, int *n,
                                pg_error *err) {
  PG_TRY(pgi_grow(s->ctx, &s->wanted, &s->wanted_room, n_outputs, sizeof *s->wanted, err));
  *n = 0;
  for (int i = 0; i < n_outputs; i++) {
    if (find_name(s->wanted, *n, outputs[i].name) < 0) s->wanted[(*n)++] = outputs[i].name;
  }
  return PG_OK;
}

static bool is_program_for(const pgi_program *p, int n_wanted) {
  const pg_session *s = p->session;
  if (p->n_outputs != n_wanted) return false;
  for (int i = 0; i < s->base->n_inputs; i++) {
    if (p->is_override[i] != s->is_override[i]) return false;
  }
  for (int i = 0; i < n_wanted; i++) {
    /* The same order is the rule. */
    if (strcmp(p->wanted[i], s->wanted[i]) == 0) continue;
    if (find_name(p->wanted, n_wanted, s->wanted[i]) < 0) return false;
  }
  return true;
}

static void drop_program(pg_session *s) {
  pgi_program **victim = NULL;
  for (pgi_program **at = &s->programs; *at; at = &(*at)->next) {
    if (!(*at)->is_default) victim = at;
  }
  pgi_program *p = *victim;
  *victim = p->next;
  pgi_program_free(p);
  s->n_programs--;
}

pg_status pgi_bind_program(pg_session *s, int n_wanted, pgi_program **out, pg_error *err) {
  pgi_program *p = NULL;
  for (pgi_program **at = &s->programs; *at; at = &(*at)->next) {
    if (!is_program_for(*at, n_wanted)) continue;
    p = *at;
    *at = p->next;
    break;
  }
  if (!p) {
    for (int i = 0; i < n_wanted; i++) {
      if (!pgi_graph_find(s->base, s->wanted[i]))
        return pgi_fail_no_value(s->base, s->wanted[i], err);
    }
    if (s->n_programs == PG_MAX_PROGRAMS) drop_program(s);
    PG_TRY(pgi_program_new(s, s->wanted, n_wanted, s->is_override, &p, err));
    s->n_programs++;
  }
  p->next = s->programs;
  s->programs = p;
  *out = p;
  return PG_OK;
}

pg_status pgi_bind_inputs(pg_session *s, const pg_binding *inputs, int n_inputs,
                          const pg_binding *outputs, int n_outputs, pgi_program **out,
                          pg_error *err) {
  int n_wanted = 0;
  pgi_program *p = NULL;
  for (int i = 0; i < s->base->n_inputs; i++) {
    s->given[i] = NULL;
    s->is_override[i] = false;
  }
  for (int i = 0; i < n_inputs; i++) PG_TRY(take_input(s, &inputs[i], err));
  PG_TRY(collect_wanted(s, outputs, n_outputs, &n_wanted, err));
  PG_TRY(pgi_bind_program(s, n_wanted, &p, err));
  PG_TRY(give_inputs(s, p, err));
  *out = p;
  return PG_OK;
}

/* ---- tensors that results are written to ----------------------------------------------------- */

static bool overlaps(const pg_tensor *a, const pg_tensor *b) {
  if (!a->buffer || !b->buffer) return false;
  uintptr_t a0 = (uintptr_t)a->buffer->data, b0 = (uintptr_t)b->buffer->data;
  return a->buffer == b->buffer || (a0 < b0 + b->buffer->bytes && b0 < a0 + a->buffer->bytes);
}

/* Written before the inputs were all read, or twice, it would spoil something. */
static bool is_safe_to_write(const pg_session *s, const pgi_program *p, const pg_tensor *t) {
  if (t->buffer->is_readonly || !pgi_tensor_is_contiguous(t)) return false;
  for (int j = 0; j < p->n_inputs; j++) {
    if (p->given[j] && overlaps(p->given[j], t)) return false;
  }
  for (int k = 0; k < p->n_outputs; k++) {
    if (s->direct[k] && overlaps(s->direct[k], t)) return false;
  }
  return true;
}

static pg_status check_output(const char *name, const pgi_type *type, const pg_tensor *t,
                              pg_error *err) {
  if (t->dtype == type->dtype && t->rank == type->rank && has_shape(type, t)) return PG_OK;
  char expected[400] = "", got[400];
  pgi_type_text(type, &(pgi_text){expected, sizeof expected, 0});
  pgi_shape_text(t->dtype, t->rank, t->dims, got, sizeof got);
  return pgi_fail(err, PG_INVALID, "output '%s': expected %s, got %s", name, expected, got);
}

pg_status pgi_bind_outputs(pg_session *s, const pgi_plan *plan, const pg_binding *outputs,
                           int n_outputs, pg_error *err) {
  const pgi_program *p = plan->program;
  PG_TRY(pgi_grow(s->ctx, &s->direct, &s->direct_room, p->n_outputs, sizeof *s->direct, err));
  for (int k = 0; k < p->n_outputs; k++) s->direct[k] = NULL;
  for (int i = 0; i < n_outputs; i++) {
    const pg_tensor *t = outputs[i].tensor;
    int k = find_name(p->wanted, p->n_outputs, outputs[i].name);
    const pgi_slot *slot = &plan->slots[p->outputs[k]];
    if (!t || !slot->is_static) continue;
    PG_TRY(check_output(outputs[i].name, &slot->type, t, err));
    if (plan->claims[k] >= 0 && !s->direct[k] && is_safe_to_write(s, p, t)) s->direct[k] = t;
  }
  return PG_OK;
}

/* ---- results --------------------------------------------------------------------------------- */

static bool is_same_place(const pg_tensor *a, const pg_tensor *b) {
  return a->buffer == b->buffer && a->offset == b->offset;
}

static pg_status write_result(pg_session *s, int k, const pg_binding *b, pg_error *err) {
  const pg_tensor *result = pgi_frame_value(s->run.top, s->run.program->outputs[k]);
  if (is_same_place(result, b->tensor)) return PG_OK;
  pgi_type type = pgi_type_of(result);
  PG_TRY(check_output(b->name, &type, b->tensor, err));
  pg_status status = pgi_tensor_copy_into(result, b->tensor, err);
  if (status != PG_OK) pgi_error_prefix(err, "output '%s'", b->name);
  return status;
}

/* Moved out where nobody else can see it, else copied. */
static pg_status take_result(pg_session *s, int k, pg_tensor *out, pg_error *err) {
  pgi_frame *f = s->run.top;
  int value = f->plan->program->outputs[k];
  const pg_tensor *result = pgi_frame_value(f, value);
  bool is_direct = s->run.is_direct && s->direct[k];
  bool is_claimed = f->plan->claims[k] >= 0 && !is_direct;
  bool is_dynamic = f->plan->slots[value].kind == PG_SLOT_DYNAMIC;
  if (!is_claimed && !(is_dynamic && pgi_heap_is_unique(&s->heap, result))) {
    return pgi_heap_copy(&s->heap, s->ctx, result, out, err);
  }
  pgi_tensor_move(out, &f->values[value]);
  return PG_OK;
}

/* An absent optional has no handle: its binding stays NULL. */
static pg_status hand_out(pg_session *s, pg_binding *outputs, int i, pg_error *err) {
  const pgi_program *p = s->run.program;
  int k = find_name(p->wanted, p->n_outputs, outputs[i].name);
  pg_tensor result = {0};
  const pg_tensor *earlier = NULL;
  for (int j = 0; j < i; j++) {
    if (s->is_fresh[j] && strcmp(outputs[j].name, outputs[i].name) == 0)
      earlier = outputs[j].tensor;
  }
  if (earlier)
    PG_TRY(pgi_tensor_clone(earlier, &result, err));
  else
    PG_TRY(take_result(s, k, &result, err));
  if (!result.buffer) return PG_OK;
  pg_status status = pgi_tensor_to_handle(&result, &outputs[i].tensor, err);
  if (status == PG_OK)
    s->is_fresh[i] = true;
  else
    pgi_tensor_clear(&result);
  return status;
}

static void take_back(const pg_session *s, pg_binding *outputs, int n) {
  for (int i = 0; i < n; i++) {
    if (!s->is_fresh[i]) continue;
    pg_tensor_free(outputs[i].tensor);
    outputs[i].tensor = NULL;
  }
}

/* First those that are only read, then those that are moved away. */
static pg_status hand_out_all(pg_session *s, pg_binding *outputs, int n_outputs, pg_error *err) {
  const pgi_program *p = s->run.program;
  for (int i = 0; i < n_outputs; i++) {
    int k = find_name(p->wanted, p->n_outputs, outputs[i].name);
    if (k < 0) return pgi_fail(err, PG_INVALID, "'%s' was not asked for", outputs[i].name);
    if (outputs[i].tensor) PG_TRY(write_result(s, k, &outputs[i], err));
  }
  for (int i = 0; i < n_outputs; i++) {
    if (!outputs[i].tensor) PG_TRY(hand_out(s, outputs, i, err));
  }
  return PG_OK;
}

pg_status pgi_bind_results(pg_session *s, pg_binding *outputs, int n_outputs, pg_error *err) {
  PG_TRY(pgi_grow(s->ctx, &s->is_fresh, &s->fresh_room, n_outputs, sizeof *s->is_fresh, err));
  for (int i = 0; i < n_outputs; i++) s->is_fresh[i] = false;
  pg_status status = hand_out_all(s, outputs, n_outputs, err);
  if (status != PG_OK) take_back(s, outputs, n_outputs);
  return status;
}
