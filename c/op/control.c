/* control: see control.h. */
#include "op/control.h"

#include "op/move.h"

/* ---- types ----------------------------------------------------------------------------------- */

bool pgi_type_widen(pgi_type *into, const pgi_type *other, pgi_arena *arena) {
  if (into->kind == PG_TYPE_UNKNOWN) return false;
  bool is_same_kind = into->kind == other->kind && into->dtype == other->dtype;
  if (!is_same_kind) {
    *into = pgi_type_unknown;
    return true;
  }
  if (into->kind != PG_TYPE_TENSOR) {
    if (!into->elem || into->elem == other->elem) return false;
    pgi_type *elem = other->elem ? pgi_arena_alloc(arena, sizeof *elem) : NULL;
    if (elem) *elem = *into->elem;
    if (elem && !pgi_type_widen(elem, other->elem, arena)) return false;
    into->elem = elem; /* NULL, for want of memory, too: nothing is told */
    return true;
  }
  if (into->rank < 0) return false;
  if (into->rank != other->rank) {
    into->rank = -1;
    return true;
  }
  bool has_changed = false;
  for (int i = 0; i < into->rank; i++) {
    bool is_known = into->dims[i].n >= 0 || into->dims[i].symbol;
    if (!is_known || pgi_dim_equal(into->dims[i], other->dims[i])) continue;
    into->dims[i] = pgi_dim_unknown();
    has_changed = true;
  }
  return has_changed;
}

/* Each round loses something for good; when dims take turns in growing, all are dropped at once. */
pg_status pgi_infer_loop(pgi_infer *inf, pg_graph *body, pgi_type *in, int first, int n_carried,
                         pgi_type *out) {
  enum { PATIENCE = 2, MOST = 5 };
  int n_in = body->n_inputs;
  const pgi_type **args = pgi_arena_alloc(inf->arena, (size_t)n_in * sizeof *args);
  if (!args) return pgi_nomem(inf->err);
  for (int i = 0; i < n_in; i++) args[i] = &in[i];
  for (int round = 0;; round++) {
    PG_TRY(inf->subgraph(inf, body, args, n_in, out, body->n_outputs));
    bool has_changed = false;
    for (int i = 0; i < n_carried; i++) {
      pgi_type *carried = &in[first + i];
      if (!pgi_type_widen(carried, &out[i], inf->arena)) continue;
      has_changed = true;
      if (round >= PATIENCE) carried->rank = -1;
      if (round >= MOST) *carried = pgi_type_unknown;
    }
    if (!has_changed) return PG_OK;
  }
}

/* ---- results of iterations ------------------------------------------------------------------- */

pg_status pgi_stack_push(pg_context *ctx, pgi_stack *s, pg_tensor *from, pg_error *err) {
  PG_TRY(pgi_grow(ctx, &s->items, &s->room, s->n + 1, sizeof *s->items, err));
  s->items[s->n] = *from;
  *from = (pg_tensor){0};
  s->n++;
  return PG_OK;
}

void pgi_stack_deinit(pg_context *ctx, pgi_stack *s) {
  for (int64_t i = 0; i < s->n; i++) pgi_tensor_clear(&s->items[i]);
  pgi_free(ctx, s->items);
  *s = (pgi_stack){0};
}

static pg_status fail_item(const pg_tensor *first, const pg_tensor *other, pg_error *err) {
  char a[300], b[300];
  return pgi_fail(err, PG_INVALID, "expected %s from each iteration, got %s",
                  pgi_shape_text(first->dtype, first->rank, first->dims, a, sizeof a),
                  pgi_shape_text(other->dtype, other->rank, other->dims, b, sizeof b));
}

static pg_status check_items(const pgi_stack *s, const pg_tensor *first, pg_error *err) {
  for (int64_t i = 0; i < s->n; i++) {
    const pg_tensor *t = &s->items[i];
    if (t->dtype == PG_NONE && t != first) continue; /* behind the end of a row */
    bool is_tensor = t->dtype != PG_NONE && t->dtype != PG_SEQUENCE && t->dtype != PG_MAP;
    if (!is_tensor || t->dtype != first->dtype || !pgi_same_dims(t, first))
      return fail_item(first, t, err);
  }
  return PG_OK;
}

/* A tensor that looks like an item that was never made. */
static pg_status imagine(const pgi_type *type, pg_tensor *out, pg_error *err) {
  *out = (pg_tensor){0};
  bool is_known = type && type->kind == PG_TYPE_TENSOR && type->dtype != PG_NONE;
  if (!is_known) {
    return pgi_fail(err, PG_INVALID,
                    "no iteration was run, and the element type of its results is not known");
  }
  out->dtype = type->dtype;
  out->rank = PG_MAX(type->rank, 0);
  for (int i = 0; i < out->rank; i++) out->dims[i] = PG_MAX(type->dims[i].n, 0);
  return PG_OK;
}

static pg_status place(const pgi_stack *s, const pgi_stack_layout *layout, int axis, int64_t steps,
                       pg_tensor *out, pg_error *err) {
  bool has_batch = layout->batches >= 0;
  for (int64_t i = 0; i < s->n; i++) {
    if (s->items[i].dtype == PG_NONE) continue;
    pg_tensor row = {0}, at = {0};
    int64_t k = has_batch ? i % steps : i;
    if (has_batch)
      PG_TRY(pgi_view_select(out, 0, i / steps, &row, err));
    else
      pgi_tensor_assign(&row, out);
    pg_status status =
        pgi_view_select(&row, axis, layout->is_reversed ? steps - 1 - k : k, &at, err);
    if (status == PG_OK) status = pgi_tensor_copy_into(&s->items[i], &at, err);
    pgi_tensor_clear(&row);
    pgi_tensor_clear(&at);
    PG_TRY(status);
  }
  return PG_OK;
}

pg_status pgi_stack_join(pgi_call *c, const pgi_stack *s, int i, const pgi_stack_layout *layout) {
  pg_tensor imagined;
  const pg_tensor *first = NULL;
  bool is_complete = true;
  for (int64_t k = 0; k < s->n; k++) {
    if (s->items[k].dtype == PG_NONE)
      is_complete = false;
    else if (!first)
      first = &s->items[k];
  }
  if (first) {
    PG_TRY(check_items(s, first, c->err));
  } else {
    PG_TRY(imagine(layout->type, &imagined, c->err));
    first = &imagined;
  }
  bool has_batch = layout->batches >= 0;
  int64_t dims[PG_MAX_RANK], steps = s->n;
  int rank = 0, axis;
  PG_TRY(pgi_check_rank(first->rank + 1 + has_batch, "output", c->err));
  PG_TRY(pgi_axis(layout->axis, first->rank + 1, &axis, c->err));
  if (has_batch) {
    steps = layout->batches > 0 ? s->n / layout->batches : 0;
    dims[rank++] = layout->batches;
  }
  for (int k = 0; k <= first->rank; k++) {
    if (k == axis) dims[rank++] = steps;
    if (k < first->rank) dims[rank++] = first->dims[k];
  }
  PG_TRY(pgi_call_alloc(c, i, first->dtype, rank, dims));
  if (!is_complete && first->dtype != PG_STRING)
    memset(pgi_tensor_data(c->out[i]), 0, pg_tensor_bytes(c->out[i]));
  return place(s, layout, axis, steps, c->out[i], c->err);
}

pg_status pgi_condition(const pg_tensor *t, const char *name, bool *out, pg_error *err) {
  if (!t || t->dtype != PG_BOOL || pgi_tensor_count(t) != 1)
    return pgi_fail(err, PG_INVALID, "%s: expected one bool", name);
  *out = pgi_tensor_get_i64(t, 0) != 0;
  return PG_OK;
}
