/* program: what a session's graph becomes for one set of wanted values.
**
** The clone is cut down to the wanted values before it is optimised, so a value in the middle of
** what another program fuses is there when it is asked for by name. */
#include "session/internal.h"

static pg_status set_outputs(pg_graph *g, const char *const *wanted, int n, pg_error *err) {
  for (int i = g->n_outputs - 1; i >= 0; i--) PG_TRY(pgi_edit_remove_output(g, i, err));
  for (int i = 0; i < n; i++) {
    pgi_value *v = pgi_graph_find(g, wanted[i]);
    if (!v) return pgi_fail_no_value(g, wanted[i], err);
    PG_TRY(pgi_edit_output(g, v, err));
  }
  return PG_OK;
}

/* Inputs with an initialiser that nobody overrides become constants: old files declare every weight
** as an input, and weights must be foldable. */
static pg_status drop_defaults(pg_graph *g, const bool *is_override, pg_error *err) {
  for (int i = g->n_inputs - 1; i >= 0; i--) {
    bool has_default = g->inputs[i]->constant.dtype != PG_NONE;
    if (has_default && !is_override[i]) PG_TRY(pgi_edit_remove_input(g, i, err));
  }
  return PG_OK;
}

static pg_status simplify(pgi_program *p, int n_wanted, pg_error *err) {
  pgi_pass_options keep = {.keep = p->wanted, .n_keep = n_wanted};
  bool is_changed;
  if (p->session->no_optimize) return pgi_pass_dce(p->graph, &keep, &is_changed, err);
  /* Passes believe types, and a file may declare wrong ones: only what is inferred counts. */
  pgi_graph_forget_types(p->graph);
  PG_TRY(pgi_graph_infer(p->graph, false, err));
  PG_TRY(pgi_graph_optimize(p->graph, &keep, err));
  return pgi_graph_layout(p->graph, &keep, err);
}

static pg_status copy_key(pgi_program *p, const char *const *wanted, int n_wanted,
                          const bool *is_override, pg_error *err) {
  int n_inputs = p->session->base->n_inputs, n_bound = 0;
  p->wanted = pgi_arena_alloc(&p->memory, (size_t)n_wanted * sizeof *p->wanted);
  bool *overrides = pgi_arena_alloc(&p->memory, (size_t)n_inputs * sizeof *overrides);
  int *numbers = pgi_arena_alloc(&p->memory, (size_t)n_inputs * sizeof *numbers);
  if (!p->wanted || !overrides || !numbers) return pgi_nomem(err);
  for (int i = 0; i < n_wanted; i++) {
    p->wanted[i] = pgi_arena_strdup(&p->memory, wanted[i]);
    if (!p->wanted[i]) return pgi_nomem(err);
  }
  for (int i = 0; i < n_inputs; i++) {
    overrides[i] = is_override[i];
    bool has_default = p->session->base->inputs[i]->constant.dtype != PG_NONE;
    if (!has_default || is_override[i]) numbers[n_bound++] = i;
  }
  p->is_override = overrides;
  p->base_input = numbers;
  return PG_OK;
}

static pg_status build(pgi_program *p, const char *const *wanted, int n_wanted,
                       const bool *is_override, pg_error *err) {
  PG_TRY(pgi_graph_clone(p->session->base, &p->graph, err));
  PG_TRY(copy_key(p, wanted, n_wanted, is_override, err));
  PG_TRY(set_outputs(p->graph, wanted, n_wanted, err));
  PG_TRY(drop_defaults(p->graph, is_override, err));
  PG_TRY(simplify(p, n_wanted, err));
  return pgi_program_index(p, err);
}

pg_status pgi_program_new(pg_session *s, const char *const *wanted, int n_wanted,
                          const bool *is_override, pgi_program **out, pg_error *err) {
  pgi_program *p = pgi_alloc_zero(s->ctx, sizeof *p);
  if (!p) return pgi_nomem(err);
  p->session = s;
  p->ctx = s->ctx;
  pgi_arena_init(&p->memory, s->ctx);
  pg_status status = build(p, wanted, n_wanted, is_override, err);
  if (status == PG_OK)
    *out = p;
  else
    pgi_program_free(p);
  return status;
}

void pgi_program_free(pgi_program *p) {
  if (!p) return;
  pg_context *ctx = p->ctx;
  pgi_program_clear(p);
  pgi_arena_deinit(&p->memory);
  if (!p->parent) pg_graph_free(p->graph);
  pgi_free(ctx, p);
}
