/* optimize: the order of passes. */
#include "session/internal.h"

typedef struct named_pass {
  const char *name;
  pgi_pass_fn *run;
} named_pass;

/* Debug builds look at the whole graph after each pass, so that the pass that broke it is named. */
static pg_status run_pass(pg_graph *g, const named_pass *pass, const pgi_pass_options *o,
                          bool *changed, pg_error *err) {
  bool is_changed = false;
  PG_TRY(pass->run(g, o, &is_changed, err));
  *changed |= is_changed;
#ifndef NDEBUG
  pg_status status = pgi_graph_verify(g, err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "after pass %s", pass->name);
    return status == PG_NOMEM ? PG_NOMEM : PG_INTERNAL;
  }
#endif
  return PG_OK;
}

static pg_status resolve_pass(pg_graph *g, const pgi_pass_options *o, bool *changed,
                              pg_error *err) {
  (void)o;
  (void)changed;
  return pgi_graph_resolve(g, err);
}

static pg_status infer_pass(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err) {
  (void)o;
  (void)changed;
  return pgi_graph_infer(g, false, err);
}

/* Constants are initialisers before anything looks for them. */
static pg_status make_canonical(pg_graph *g, bool is_part, pg_error *err) {
  static const named_pass passes[] = {
      {"inline", pgi_pass_inline},   {"resolve", resolve_pass},   {"constant", pgi_pass_constant},
      {"upgrade", pgi_pass_upgrade}, {"expand", pgi_pass_expand}, {"resolve", resolve_pass},
  };
  bool changed = false;
  for (int i = 0; i < PG_COUNT(passes); i++) {
    pg_status status = run_pass(g, &passes[i], NULL, &changed, err);
    bool is_missing = status == PG_UNSUPPORTED && passes[i].run == resolve_pass;
    if (status != PG_OK && !(is_part && is_missing)) return status;
  }
  return PG_OK;
}

pg_status pgi_graph_canonical(pg_graph *g, pg_error *err) {
  return make_canonical(g, false, err);
}

pg_status pgi_graph_canonical_part(pg_graph *g, pg_error *err) {
  return make_canonical(g, true, err);
}

/* Types are inferred after folding, when most shapes have become known, and before fusion, which
** asks for them. */
pg_status pgi_graph_optimize(pg_graph *g, const pgi_pass_options *o, pg_error *err) {
  static const named_pass passes[] = {
      {"fold", pgi_pass_fold}, {"identity", pgi_pass_identity}, {"cse", pgi_pass_cse},
      {"infer", infer_pass},   {"fuse", pgi_pass_fuse},         {"dce", pgi_pass_dce},
  };
  enum { MOST_ROUNDS = 4 };
  static const named_pass first = {"dce", pgi_pass_dce};
  bool changed = false;
  PG_TRY(run_pass(g, &first, o, &changed, err));
  changed = true;
  for (int round = 0; round < MOST_ROUNDS && changed; round++) {
    changed = false;
    for (int i = 0; i < PG_COUNT(passes); i++) {
      PG_TRY(run_pass(g, &passes[i], o, &changed, err));
    }
  }
  return PG_OK;
}

pg_status pgi_graph_layout(pg_graph *g, const pgi_pass_options *o, pg_error *err) {
  static const named_pass passes[] = {
      {"infer", infer_pass}, {"layout", pgi_pass_layout}, {"dce", pgi_pass_dce}};
  bool changed = false;
  for (int i = 0; i < PG_COUNT(passes); i++) PG_TRY(run_pass(g, &passes[i], o, &changed, err));
  return PG_OK;
}
