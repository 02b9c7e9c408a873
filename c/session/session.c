/* session: making one, and what it says of itself. */
#include "session/internal.h"

/* ---- making ---------------------------------------------------------------------------------- */

/* Those without a default: files used to declare every weight as an input, which nobody wants to hear
** of.  The others may be bound by name all the same. */
static pg_status list_inputs(pg_session *s, pg_error *err) {
  const pg_graph *g = s->base;
  size_t n = (size_t)g->n_inputs;
  s->inputs = pgi_alloc(s->ctx, n * sizeof *s->inputs);
  s->given = pgi_alloc_zero(s->ctx, n * sizeof *s->given);
  s->is_override = pgi_alloc_zero(s->ctx, n * sizeof *s->is_override);
  if (!s->inputs || !s->given || !s->is_override) return pgi_nomem(err);
  for (int i = 0; i < g->n_inputs; i++) {
    if (g->inputs[i]->constant.dtype == PG_NONE) s->inputs[s->n_inputs++] = i;
  }
  return PG_OK;
}

/* The program for the graph's own outputs: what can't work fails here, at load. */
static pg_status make_default(pg_session *s, pg_error *err) {
  int n = 0, n_outputs = s->base->n_outputs;
  PG_TRY(pgi_grow(s->ctx, &s->wanted, &s->wanted_room, n_outputs, sizeof *s->wanted, err));
  for (int i = 0; i < n_outputs; i++) {
    const char *name = s->base->outputs[i].value->name;
    bool is_new = true;
    for (int j = 0; j < n; j++) is_new &= strcmp(s->wanted[j], name) != 0;
    if (is_new) s->wanted[n++] = name;
  }
  pgi_program *p = NULL;
  PG_TRY(pgi_bind_program(s, n, &p, err));
  p->is_default = true;
  return PG_OK;
}

static pg_status build(pg_session *s, const pg_graph *graph, pg_error *err) {
  PG_TRY(pgi_graph_clone(graph, &s->base, err));
  PG_TRY(pgi_graph_canonical(s->base, err));
  PG_TRY(pgi_graph_infer_declared(s->base, err));
  PG_TRY(list_inputs(s, err));
  return make_default(s, err);
}

pg_status pg_session_new(const pg_graph *graph, const pg_session_options *options, pg_session **out,
                         pg_error *err) {
  pg_context *ctx = graph->model->ctx;
  pg_session *s = pgi_alloc_zero(ctx, sizeof *s);
  if (!s) return pgi_nomem(err);
  pgi_context_retain(ctx);
  s->ctx = ctx;
  s->threads = options ? PG_MAX(options->threads, 1) : 1;
  s->no_optimize = options && options->no_optimize;
  atomic_init(&s->is_cancelled, false);
  pgi_heap_init(&s->heap, ctx);
  pgi_scratch_init(&s->scratch, ctx);
  pg_status status = build(s, graph, err);
  if (status == PG_OK)
    *out = s;
  else
    pg_session_free(s);
  return status;
}

void pg_session_free(pg_session *s) {
  if (!s) return;
  pg_context *ctx = s->ctx;
  pgi_run_reset(s);
  while (s->programs) {
    pgi_program *p = s->programs;
    s->programs = p->next;
    pgi_program_free(p);
  }
  for (int d = 0; d < s->n_arenas; d++) pgi_buffer_release(s->arenas[d]);
  pgi_heap_deinit(&s->heap);
  pgi_scratch_deinit(&s->scratch);
  pg_graph_free(s->base);
  pgi_free(ctx, s->inputs);
  pgi_free(ctx, s->given);
  pgi_free(ctx, s->is_override);
  pgi_free(ctx, s->wanted);
  pgi_free(ctx, s->direct);
  pgi_free(ctx, s->is_fresh);
  pgi_free(ctx, s);
  pg_context_release(ctx);
}

/* ---- what it takes and gives ----------------------------------------------------------------- */

int pg_session_input_count(const pg_session *s) {
  return s->n_inputs;
}
int pg_session_output_count(const pg_session *s) {
  return s->base->n_outputs;
}

static void describe(const pgi_value *v, pg_value_info *out) {
  *out = (pg_value_info){.name = v->name, .rank = -1};
  switch (v->type.kind) {
    case PG_TYPE_TENSOR:
      out->dtype = v->type.dtype;
      break;
    case PG_TYPE_SEQUENCE:
      out->dtype = PG_SEQUENCE;
      return;
    case PG_TYPE_MAP:
      out->dtype = PG_MAP;
      return;
    default:
      return;
  }
  out->rank = v->type.rank;
  for (int i = 0; i < out->rank; i++) {
    out->dims[i] = v->type.dims[i].n;
    out->dim_names[i] = v->type.dims[i].n < 0 ? v->type.dims[i].symbol : NULL;
  }
}

pg_status pg_session_input(const pg_session *s, int i, pg_value_info *out) {
  if (i < 0 || i >= s->n_inputs) return PG_INVALID;
  describe(s->base->inputs[s->inputs[i]], out);
  return PG_OK;
}

pg_status pg_session_output(const pg_session *s, int i, pg_value_info *out) {
  if (i < 0 || i >= s->base->n_outputs) return PG_INVALID;
  describe(s->base->outputs[i].value, out);
  return PG_OK;
}

/* ---- for the binding ------------------------------------------------------------------------- */

void pgi_session_hook(pg_session *s, pgi_step_hook *hook, void *arg) {
  s->hook = hook;
  s->hook_arg = arg;
}

static size_t packed_bytes(const pgi_node *node, const void *prepared) {
  if (node->op->prepared_bytes) return node->op->prepared_bytes(node, prepared);
  size_t bytes = 0;
  for (int i = 0; i < node->n_in && i < 32; i++) {
    const pgi_value *v = node->in[i].value;
    if (!(node->op->packs >> i & 1) || !v || v->constant.dtype == PG_NONE) continue;
    bytes += (size_t)pgi_tensor_count(&v->constant) * sizeof(float);
  }
  return bytes;
}

static void count_program(const pgi_program *p, pgi_session_stats *out) {
  for (const pgi_value *v = p->graph->first_value; v; v = v->next) {
    if (v->constant.dtype != PG_NONE && v->constant.buffer) {
      out->weight_bytes += PG_MIN(pg_tensor_bytes(&v->constant), v->constant.buffer->bytes);
    }
  }
  out->n_plans += p->n_plans;
  for (int n = 0; n < p->n_nodes; n++) {
    const pgi_prog_node *pn = &p->nodes[n];
    if (pn->prepared) out->packed_bytes += packed_bytes(pn->node, pn->prepared);
    for (int b = 0; b < p->nodes[n].n_bodies; b++) count_program(p->nodes[n].bodies[b], out);
  }
}

/* Weights of the program used last; programs share what they didn't fold. */
void pgi_session_stats_get(const pg_session *s, pgi_session_stats *out) {
  *out = (pgi_session_stats){0};
  if (s->programs) count_program(s->programs, out);
  for (const pgi_program *p = s->programs ? s->programs->next : NULL; p; p = p->next) {
    out->n_plans += p->n_plans;
  }
  for (int d = 0; d < s->n_arenas; d++) {
    if (s->arenas[d]) out->arena_bytes += s->arenas[d]->bytes;
  }
}
