/* eval: one operator on tensors, without a plan: constant folding and the arithmetic of scripts. */
#include <stdalign.h>

#include "session/internal.h"

void pgi_type_dims(const pgi_type *type, int64_t *dims) {
  for (int i = 0; i < type->rank; i++) dims[i] = type->dims[i].n;
}

pg_status pgi_check_operand(const pgi_node *node, int i, pg_dtype dtype, pg_error *err) {
  const pg_op *op = node->op;
  bool is_free = op->flags & PG_OP_CONTROL || !op->types;
  bool is_declared = op->types & PG_T(dtype);
  if (is_free || is_declared || (i > 0 && !pgi_is_object(dtype))) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s takes no %s as input %d", node->type, pg_dtype_name(dtype),
                  i);
}

/* ---- inference from tensors ------------------------------------------------------------------ */

pg_status pgi_infer_actual(const pgi_node *node, const pg_tensor *const *in, bool is_known,
                           const pgi_type *const *declared, pgi_type *out, pgi_arena *arena,
                           pgi_scratch *scratch, pg_error *err) {
  size_t n = (size_t)node->n_in;
  pgi_type *types = pgi_scratch_alloc(scratch, n * sizeof *types);
  const pgi_type **in_types = pgi_scratch_alloc(scratch, n * sizeof *in_types);
  const pg_tensor **content = pgi_scratch_alloc(scratch, n * sizeof *content);
  if (!types || !in_types || !content) return pgi_nomem(err);
  for (int i = 0; i < node->n_in; i++) {
    in_types[i] = NULL;
    content[i] = NULL;
    if (!in[i]) continue;
    PG_TRY(pgi_check_operand(node, i, in[i]->dtype, err));
    in_types[i] = declared ? declared[i] : NULL;
    if (pgi_is_object(in[i]->dtype) && in_types[i]) continue;
    types[i] = pgi_type_of(in[i]);
    in_types[i] = &types[i];
    if (is_known && pgi_tensor_count(in[i]) <= PG_KNOWN_ELEMENTS) content[i] = in[i];
  }
  pgi_infer_env env = {.arena = arena};
  return pgi_infer_node(node, in_types, content, out, &env, err);
}

/* ---- one node -------------------------------------------------------------------------------- */

/* Its own memory unless the caller wants to share. */
static pg_status make_view(const pgi_lone *lone, const pgi_type *type, pg_tensor *out,
                           pg_error *err) {
  pg_tensor source = {0};
  int64_t dims[PG_MAX_RANK];
  const pg_tensor *in = lone->in[0];
  if (lone->is_sharing)
    pgi_tensor_assign(&source, in);
  else
    PG_TRY(pgi_tensor_clone(in, &source, err));
  if (pgi_is_object(source.dtype)) {
    *out = source;
    return PG_OK;
  }
  pg_status status;
  if (pgi_type_is_static(type)) {
    pgi_type_dims(type, dims);
    status =
        pgi_tensor_on_buffer(source.buffer, type->dtype, type->rank, dims, source.offset, out, err);
  } else {
    status = pgi_fail(err, PG_INVALID, "the output's shape can't be told");
  }
  pgi_tensor_clear(&source);
  return status;
}

static pg_status make_outputs(const pgi_lone *lone, const pgi_type *types, pg_tensor *out,
                              pg_tensor **wanted, pg_error *err) {
  int64_t dims[PG_MAX_RANK];
  for (int i = 0; i < lone->node->n_out; i++) {
    wanted[i] = lone->node->out[i] ? &out[i] : NULL;
    if (!wanted[i] || !pgi_type_is_static(&types[i])) continue;
    pgi_type_dims(&types[i], dims);
    PG_TRY(pgi_heap_tensor(NULL, lone->ctx, types[i].dtype, types[i].rank, dims, &out[i], err));
  }
  return PG_OK;
}

static pg_status run_in(const pgi_lone *lone, pgi_frame *frame, pgi_arena *arena, pg_tensor *out,
                        pg_error *err) {
  const pgi_node *node = lone->node;
  size_t n_out = (size_t)node->n_out;
  pgi_type *types = pgi_scratch_alloc(frame->scratch, n_out * sizeof *types);
  pg_tensor **wanted = pgi_scratch_alloc(frame->scratch, n_out * sizeof *wanted);
  if (!types || !wanted) return pgi_nomem(err);
  PG_TRY(pgi_infer_actual(node, lone->in, lone->is_known, NULL, types, arena, frame->scratch, err));
  if (node->op->flags & PG_OP_VIEW) return make_view(lone, &types[0], &out[0], err);
  if (!node->op->run) return pgi_fail(err, PG_UNSUPPORTED, "%s can't run by itself", node->type);
  PG_TRY(make_outputs(lone, types, out, wanted, err));
  pgi_call call = {.ctx = lone->ctx,
                   .node = node,
                   .n_in = node->n_in,
                   .n_out = node->n_out,
                   .in = lone->in,
                   .out = wanted,
                   .prepared = lone->prepared,
                   .threads = lone->threads,
                   .err = err,
                   .frame = frame};
  return node->op->run(&call);
}

pg_status pgi_lone_run(const pgi_lone *lone, pg_tensor *out, pg_error *err) {
  alignas(PG_ALIGN) char first[4096]; /* most calls need no more, and so no allocation */
  pgi_scratch scratch = {.ctx = lone->ctx, .block = first, .size = sizeof first};
  pgi_frame frame = {.scratch = &scratch};
  pgi_arena arena;
  pgi_arena_init(&arena, lone->ctx);
  for (int i = 0; i < lone->node->n_out; i++) out[i] = (pg_tensor){0};
  pg_status status = run_in(lone, &frame, &arena, out, err);
  if (frame.state && frame.state_deinit) frame.state_deinit(lone->ctx, frame.state);
  pgi_free(lone->ctx, frame.state_block);
  for (int i = 0; i < lone->node->n_out && status != PG_OK; i++) pgi_tensor_clear(&out[i]);
  pgi_arena_deinit(&arena);
  scratch.block = NULL; /* not from the heap */
  pgi_scratch_deinit(&scratch);
  return status;
}

/* Nothing is known to stay constant from call to call, so nothing is packed. */
static pg_status prepare_and_run(pgi_lone *lone, pg_tensor *out, pg_error *err) {
  const pg_op *op = lone->node->op;
  if (!op->prepare) return pgi_lone_run(lone, out, err);
  const pg_tensor *few[8] = {0};
  const pg_tensor **unknown = few;
  int n = lone->node->n_in;
  if (n > PG_COUNT(few)) unknown = pgi_alloc_zero(lone->ctx, (size_t)n * sizeof *unknown);
  if (!unknown) return pgi_nomem(err);
  void *prepared = NULL;
  pg_status status = op->prepare(lone->ctx, lone->node, unknown, &prepared, err);
  lone->prepared = prepared;
  if (status == PG_OK) status = pgi_lone_run(lone, out, err);
  if (prepared && op->discard) op->discard(lone->ctx, prepared);
  if (unknown != few) pgi_free(lone->ctx, unknown);
  return status;
}

pg_status pgi_eval_node(const pgi_node *node, const pg_tensor *const *in, pg_tensor *out,
                        pg_error *err) {
  pgi_lone lone = {.ctx = node->graph->model->ctx,
                   .threads = 1,
                   .node = node,
                   .in = in,
                   .is_known = true,
                   .is_sharing = true};
  return prepare_and_run(&lone, out, err);
}

/* ---- operators by name ----------------------------------------------------------------------- */

/* A node that is in no graph: enough of one for inference and run. */
typedef struct lone_node {
  pgi_model model;
  pg_graph graph;
  pgi_node node;
  pgi_arena memory;
  pg_tensor *copies; /* [n_in]: inputs that were not contiguous */
  const pg_tensor **in;
} lone_node;

static pg_status fill_inputs(lone_node *n, const pg_tensor *const *in, pg_error *err) {
  int n_in = n->node.n_in;
  pgi_value *values = pgi_arena_alloc(&n->memory, (size_t)n_in * sizeof *values);
  n->node.in = pgi_arena_alloc(&n->memory, (size_t)n_in * sizeof *n->node.in);
  n->in = pgi_arena_alloc(&n->memory, (size_t)n_in * sizeof *n->in);
  pg_tensor *copies = pgi_arena_alloc(&n->memory, (size_t)n_in * sizeof *copies);
  if (!values || !n->node.in || !n->in || !copies) return pgi_nomem(err);
  n->copies = copies;
  for (int i = 0; i < n_in; i++) {
    n->in[i] = in[i];
    if (!in[i]) continue;
    values[i] = (pgi_value){.name = "", .graph = &n->graph, .type = pgi_type_of(in[i])};
    n->node.in[i] =
        (pgi_use){.value = &values[i], .node = &n->node, .graph = &n->graph, .index = i};
    if (pgi_tensor_is_contiguous(in[i])) continue;
    PG_TRY(pgi_tensor_contiguous(in[i], &copies[i], err));
    n->in[i] = &copies[i];
  }
  return PG_OK;
}

static pg_status fill_outputs(lone_node *n, pg_error *err) {
  int n_out = n->node.n_out;
  pgi_value *values = pgi_arena_alloc(&n->memory, (size_t)n_out * sizeof *values);
  n->node.out = pgi_arena_alloc(&n->memory, (size_t)n_out * sizeof *n->node.out);
  if (!values || !n->node.out) return pgi_nomem(err);
  for (int i = 0; i < n_out; i++) {
    values[i].name = "";
    values[i].graph = &n->graph;
    values[i].producer = &n->node;
    values[i].output = i;
    values[i].type = pgi_type_unknown;
    n->node.out[i] = &values[i];
  }
  return PG_OK;
}

static pg_status fill_attrs(lone_node *n, const pgi_attr *attrs, int n_attrs, pg_error *err) {
  if (n_attrs == 0) return PG_OK;
  n->node.attrs = pgi_arena_alloc(&n->memory, (size_t)n_attrs * sizeof *attrs);
  if (!n->node.attrs) return pgi_nomem(err);
  memcpy(n->node.attrs, attrs, (size_t)n_attrs * sizeof *attrs);
  n->node.n_attrs = n->node.attrs_room = n_attrs;
  return PG_OK;
}

static pg_status eval_lone(pg_context *ctx, const pgi_eval_args *a, const pg_op *op, pg_tensor *out,
                           pg_error *err) {
  lone_node n = {.model = {.ctx = ctx, .main = &n.graph}, .graph = {.model = &n.model}};
  pgi_arena_init(&n.memory, ctx);
  n.node = (pgi_node){.op = op,
                      .type = op->name,
                      .domain = op->domain ? op->domain : "",
                      .name = "",
                      .overload = "",
                      .version = pgi_opset_newest(op->domain ? op->domain : ""),
                      .n_in = a->n_in,
                      .n_out = a->n_out,
                      .graph = &n.graph};
  pg_status status = fill_inputs(&n, a->in, err);
  if (status == PG_OK) status = fill_outputs(&n, err);
  if (status == PG_OK) status = fill_attrs(&n, a->attrs, a->n_attrs, err);
  if (status == PG_OK) status = pgi_node_check(&n.node, err);
  if (status == PG_OK) {
    pgi_lone lone = {
        .ctx = ctx, .threads = a->threads, .node = &n.node, .in = n.in, .is_known = true};
    status = prepare_and_run(&lone, out, err);
  }
  if (status != PG_OK) {
    pgi_node_unprefix(&n.node, err);
    pgi_error_prefix(err, "%s", op->name);
  }
  for (int i = 0; i < a->n_in && n.copies; i++) pgi_tensor_clear(&n.copies[i]);
  pgi_arena_deinit(&n.memory);
  return status;
}

pg_status pgi_eval(pg_context *ctx, int threads, const char *domain, const char *type,
                   const pgi_attr *attrs, int n_attrs, const pg_tensor *const *in, int n_in,
                   pg_tensor *out, int n_out, pg_error *err) {
  const pg_op *op = pgi_op_find(domain, type);
  if (!op || op->flags & PG_OP_CONTROL) {
    return pgi_fail(err, PG_UNSUPPORTED, "no operator '%s'%s%s to run on tensors", type,
                    domain && *domain ? " of domain " : "", domain ? domain : "");
  }
  pgi_eval_args args = {.attrs = attrs,
                        .n_attrs = n_attrs,
                        .in = in,
                        .n_in = n_in,
                        .n_out = n_out,
                        .threads = threads};
  bool is_lone = op->run && !op->expand; /* what has both may have to be rewritten first */
  if (is_lone || op->flags & PG_OP_VIEW) return eval_lone(ctx, &args, op, out, err);
  return pgi_eval_graph(ctx, &args, op, out, err);
}
