/* session: from a graph to answers.
**
** A session clones the graph, upgrades and resolves it once (session.c).  For each set of wanted
** values it makes a program: the clone pruned and optimised, with prepared weights (program.c).
** For each signature of input shapes a program has a plan: the steps, and a place in one arena for
** every value whose size is known (plan.c).  A frame is one execution of a plan: its values, its
** arena, where it stands (frame.c).  Subgraphs have programs of their own; their frames are
** stacked, so that the state of a run is a value and can stop between any two steps (run.c). */
#ifndef PG_SESSION_H
#define PG_SESSION_H

#include "op/op.h"

/* ---- eval.c ---------------------------------------------------------------------------------- */

/* Runs one operator on tensors, no graph needed: how Lua's tensors compute.  domain "" for ai.onnx;
** attrs: [n_attrs], kinds FLOAT INT STRING and their lists, TENSOR; checked as a file's would be.
** in[i] NULL: omitted.  out[i]: fresh, contiguous; n_out are wanted. */
pg_status pgi_eval(pg_context *ctx, int threads, const char *domain, const char *type,
                   const pgi_attr *attrs, int n_attrs, const pg_tensor *const *in, int n_in,
                   pg_tensor *out, int n_out, pg_error *err);
/* Runs one node of a graph on known inputs (constant folding). */
pg_status pgi_eval_node(const pgi_node *node, const pg_tensor *const *in, pg_tensor *out,
                        pg_error *err);

/* ---- map.c ----------------------------------------------------------------------------------- */

/* An element-wise expression over tensors that broadcast together (c/kernel/expr.h has the grammar):
** names[i] is what in[i] is called in `text`.  dtype PG_NONE: that of in[0].  Computed in f32, or in
** f64 when an input or the result is f64 or a 32- or 64-bit integer.  *out: fresh, contiguous. */
pg_status pgi_tensor_map(pg_context *ctx, int threads, const char *text, const char *const *names,
                         const pg_tensor *const *in, int n, pg_dtype dtype, pg_tensor *out,
                         pg_error *err);

/* ---- optimize.c ------------------------------------------------------------------------------ */

extern pgi_pass_fn pgi_pass_fold; /* nodes on constants become constants */
/* Inline, upgrade, expand, resolve: what every use of a graph needs first. */
pg_status pgi_graph_canonical(pg_graph *g, pg_error *err);
/* The same, but operators that this build doesn't have stay as they are. */
pg_status pgi_graph_canonical_part(pg_graph *g, pg_error *err);
/* All passes, in order, until nothing changes. */
pg_status pgi_graph_optimize(pg_graph *g, const pgi_pass_options *o, pg_error *err);

/* ---- infer.c --------------------------------------------------------------------------------- */

typedef struct pgi_asked_dim {
  const char *name;
  int64_t n;
} pgi_asked_dim;
typedef struct pgi_asked_shape {
  const char *input;
  int rank;
  pgi_dim dims[PG_MAX_RANK]; /* unknown without a symbol: as it is */
} pgi_asked_shape;
typedef struct pgi_infer_request {
  bool is_strict;
  const pgi_asked_dim *dims; /* [n_dims]: what names stand for */
  int n_dims;
  const pgi_asked_shape *shapes; /* [n_shapes]; inputs of the main graph */
  int n_shapes;
} pgi_infer_request;
/* Where a file declares something else than what was inferred, which counts. */
typedef struct pgi_contradiction {
  const char *name, *declared, *inferred;
  struct pgi_contradiction *next;
} pgi_contradiction;
/* pgi_graph_deduce of g as it is: any version, functions, operators that this build doesn't have.
** Inputs first get the shapes and numbers that are asked for.  *out: in the arena.  A failure leaves
** types that can't be told yet as they were. */
pg_status pgi_graph_infer_all(pg_graph *g, const pgi_infer_request *request, pgi_arena *arena,
                              const pgi_contradiction **out, pg_error *err);

/* ---- machine.c ------------------------------------------------------------------------------- */

/* One core's f32 operations a second at the context's level, a fused multiply-add counting two; some
** milliseconds. */
double pgi_machine_peak_f32(pg_context *ctx);
/* Bytes a second that one core reads over and over from so many; 0: out of memory. */
double pgi_machine_read_speed(pg_context *ctx, size_t bytes);

/* ---- memory and profile, for the binding ----------------------------------------------------- */

typedef struct pgi_session_stats {
  size_t weight_bytes; /* as the model has them; packed ones that were let go don't count ... */
  size_t packed_bytes; /* ... and those that operators made of them */
  size_t arena_bytes;  /* of all plans made so far */
  int n_plans;
} pgi_session_stats;
void pgi_session_stats_get(const pg_session *s, pgi_session_stats *out);
/* The plan of the last run (or nothing): a line a step, with where every value lives. */
void pgi_session_plan_text(const pg_session *s, pgi_text *text);
/* Called around every step when set: node, its outputs, nanoseconds.  Used by profile and taps. */
typedef void pgi_step_hook(void *arg, const pgi_node *node, const pg_tensor *const *out, int n_out,
                           int64_t ns);
void pgi_session_hook(pg_session *s, pgi_step_hook *hook, void *arg);

#endif
