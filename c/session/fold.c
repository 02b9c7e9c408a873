/* fold: nodes whose inputs are all constants become constants themselves. */
#include "session/internal.h"

enum { FREE_GROWTH = 1 << 20 }; /* bytes; what folding may cost beside twice its inputs */

static bool is_foldable(const pgi_node *node) {
  const pg_op *op = node->op;
  if (!op || !(op->run || op->flags & PG_OP_VIEW)) return false;
  if (op->flags & (PG_OP_RANDOM | PG_OP_CONTROL)) return false;
  for (int i = 0; i < node->n_in; i++) {
    const pgi_value *v = node->in[i].value;
    if (v && !pgi_value_is_constant(v)) return false;
  }
  return true;
}

static size_t tensor_bytes(const pg_tensor *t) {
  size_t bytes;
  if (!t || t->dtype == PG_NONE) return 0;
  return pgi_dtype_bytes(t->dtype, pgi_tensor_count(t), &bytes) ? bytes : SIZE_MAX;
}

static size_t type_bytes(const pgi_type *type) {
  int64_t dims[PG_MAX_RANK], count;
  size_t bytes;
  if (!pgi_type_is_static(type)) return 0; /* judged when it is there */
  pgi_type_dims(type, dims);
  if (pgi_count(type->rank, dims, &count, NULL) != PG_OK) return SIZE_MAX;
  return pgi_dtype_bytes(type->dtype, count, &bytes) ? bytes : SIZE_MAX;
}

/* One node's inputs as tensors, and room for its outputs. */
typedef struct folding {
  int n_in, n_out;
  const pg_tensor **in;
  pg_tensor *copies; /* [n_in]: of inputs that were not contiguous */
  pg_tensor *out;
  pgi_type *types;
  size_t limit;
} folding;

static pg_status fold_init(folding *f, const pgi_node *node, pgi_arena *room, pg_error *err) {
  size_t n_in = (size_t)node->n_in, n_out = (size_t)node->n_out, bytes = 0;
  f->n_in = node->n_in;
  f->n_out = node->n_out;
  f->in = pgi_arena_alloc(room, n_in * sizeof *f->in);
  f->out = pgi_arena_alloc(room, n_out * sizeof *f->out);
  f->types = pgi_arena_alloc(room, n_out * sizeof *f->types);
  pg_tensor *copies = pgi_arena_alloc(room, n_in * sizeof *copies);
  if (!f->in || !f->out || !f->types || !copies) return pgi_nomem(err);
  f->copies = copies;
  for (int i = 0; i < node->n_in; i++) {
    const pgi_value *v = node->in[i].value;
    if (!v) continue;
    PG_TRY(pgi_tensor_contiguous(&v->constant, &copies[i], err));
    f->in[i] = &copies[i];
    bytes += tensor_bytes(f->in[i]); /* they exist: no overflow */
  }
  f->limit = PG_MIN(bytes, SIZE_MAX / 4) * 2 + FREE_GROWTH;
  return PG_OK;
}

static void fold_deinit(folding *f) {
  if (!f->copies) return;
  for (int i = 0; i < f->n_in; i++) pgi_tensor_clear(&f->copies[i]);
  for (int i = 0; i < f->n_out; i++) pgi_tensor_clear(&f->out[i]);
}

/* The outputs in f->out; *is_done false where the result would be too large. */
static pg_status compute(folding *f, const pgi_node *node, pgi_arena *room, bool *is_done,
                         pg_error *err) {
  pgi_scratch scratch;
  size_t total = 0;
  pgi_scratch_init(&scratch, room->ctx);
  pg_status status = pgi_infer_actual(node, f->in, true, NULL, f->types, room, &scratch, err);
  pgi_scratch_deinit(&scratch);
  if (status != PG_OK) return status;
  for (int i = 0; i < node->n_out; i++) {
    size_t bytes = node->out[i] ? type_bytes(&f->types[i]) : 0;
    if (!pgi_add_size(total, bytes, &total)) return PG_OK;
  }
  if (total > f->limit) return PG_OK;
  PG_TRY(pgi_eval_node(node, f->in, f->out, err));
  total = 0;
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i] && pgi_is_object(f->out[i].dtype)) return PG_OK;
    total += tensor_bytes(&f->out[i]);
  }
  *is_done = total <= f->limit;
  return PG_OK;
}

/* Each output value stays, under its name, as a constant. */
static pg_status replace(folding *f, pgi_node *node, pg_error *err) {
  for (int i = 0; i < node->n_out; i++) {
    pgi_value *v = node->out[i];
    if (!v) continue;
    PG_TRY(pgi_edit_set_output(node, i, NULL, err));
    pgi_tensor_move(&v->constant, &f->out[i]);
    v->type = pgi_type_of(&v->constant);
  }
  pgi_edit_remove_node(node);
  return PG_OK;
}

static pg_status fold_in(folding *f, pgi_node *node, pgi_arena *room, bool *changed,
                         pg_error *err) {
  bool is_done = false;
  PG_TRY(fold_init(f, node, room, err));
  pg_status status = compute(f, node, room, &is_done, err);
  if (status == PG_NOMEM) return status;
  if (status != PG_OK || !is_done) return PG_OK; /* a run will say what is wrong with it */
  *changed = true;
  return replace(f, node, err);
}

static pg_status fold_node(pgi_node *node, bool *changed, pg_error *err) {
  folding f = {0};
  pgi_arena room;
  pgi_arena_init(&room, node->graph->model->ctx);
  pg_status status = fold_in(&f, node, &room, changed, err);
  fold_deinit(&f);
  pgi_arena_deinit(&room);
  return status;
}

/* ---- what is no computation ------------------------------------------------------------------ */

static bool is_op(const pgi_node *node, const char *name) {
  return node->op && !node->op->domain && strcmp(node->op->name, name) == 0;
}

/* A Constant's tensor is taken as it is, at any size and perhaps from a mapped file. */
static pg_status fold_constant(pgi_node *node, bool *changed, pg_error *err) {
  const pg_tensor *t = pgi_attr_tensor(node, "value");
  pgi_value *v = node->n_out == 1 ? node->out[0] : NULL;
  if (!t || !v || node->n_attrs != 1) return PG_OK;
  PG_TRY(pgi_edit_set_output(node, 0, NULL, err));
  pgi_tensor_assign(&v->constant, t);
  v->type = pgi_type_of(t);
  pgi_edit_remove_node(node);
  *changed = true;
  return PG_OK;
}

/* An If whose condition is known is the branch it takes. */
static pg_status fold_if(pgi_node *node, bool *changed, pg_error *err) {
  const pgi_value *v = node->n_in == 1 ? node->in[0].value : NULL;
  if (!v || !pgi_value_is_constant(v) || v->constant.dtype != PG_BOOL) return PG_OK;
  if (pgi_tensor_count(&v->constant) != 1) return PG_OK;
  bool is_true = *(const bool *)pgi_tensor_data(&v->constant);
  const pg_graph *branch = pgi_attr_graph(node, is_true ? "then_branch" : "else_branch");
  if (!branch || branch->n_inputs != 0 || branch->n_outputs != node->n_out) return PG_OK;
  *changed = true;
  return pgi_edit_inline_node(node, branch, NULL, err);
}

/* ---- walking --------------------------------------------------------------------------------- */

typedef pg_status fold_fn(pgi_node *node, bool *changed, pg_error *err);

/* `fold` on every node, bodies included. */
static pg_status walk(pg_graph *g, fold_fn *fold, bool *changed, pg_error *err) {
  for (pgi_node *node = g->first, *next; node; node = next) {
    next = node->next;
    PG_TRY(fold(node, changed, err));
    if (!node->graph) continue; /* gone */
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(walk(body, fold, changed, err));
  }
  return PG_OK;
}

static pg_status fold_any(pgi_node *node, bool *changed, pg_error *err) {
  if (is_op(node, "If")) return fold_if(node, changed, err);
  return is_foldable(node) ? fold_node(node, changed, err) : PG_OK;
}

static pg_status fold_if_constant(pgi_node *node, bool *changed, pg_error *err) {
  return is_op(node, "Constant") ? fold_constant(node, changed, err) : PG_OK;
}

pg_status pgi_pass_constant(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  (void)o;
  return walk(g, fold_if_constant, changed, err);
}

pg_status pgi_pass_fold(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  (void)o; /* names survive: a value that was computed becomes a constant of the same name */
  return walk(g, fold_any, changed, err);
}
