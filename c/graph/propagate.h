/* propagate: what is in small tensors before there are data, as numbers and symbols.
**
** Shapes travel through a network as small integer tensors: Shape, Gather, Concat, Reshape.  Where the
** sizes have names instead of numbers, this tells what comes out of such nodes all the same. */
#ifndef PG_PROPAGATE_H
#define PG_PROPAGATE_H

#include "graph/opdef.h"

/* Runs one node on tensors (the session's pgi_eval_node). */
typedef pg_status pgi_eval_fn(const pgi_node *node, const pg_tensor *const *in, pg_tensor *out,
                              pg_error *err);

typedef struct pgi_propagation {
  pg_context *ctx;
  pgi_arena *arena; /* for results */
  const pgi_node *node;
  const pgi_type *const *in;         /* [n_in] */
  const pg_tensor *const *value;     /* [n_in]: contents in numbers; NULL: not known */
  const pgi_content *const *content; /* [n_in]: the same and partly known ones; NULL */
  const pgi_type *out;               /* [n_out], inferred */
  pgi_eval_fn *eval;
  pgi_content **result; /* [n_out]: NULL on entry, and where nothing can be told */
  pg_tensor *tensor;    /* [n_out]: clear on entry; what is known in numbers alone */
  pg_error *err;
} pgi_propagation;

/* Fails for want of memory only. */
pg_status pgi_propagate(pgi_propagation *p);
/* The content of a small tensor of numbers; *out is NULL for any other. */
pg_status pgi_content_of(const pg_tensor *t, pgi_arena *arena, pgi_content **out, pg_error *err);
/* A tensor with that content, when it is all numbers; else *out stays clear. */
pg_status pgi_content_tensor(pg_context *ctx, const pgi_content *content, pg_tensor *out,
                             pg_error *err);

/* ---- propagate_rules.c --------------------------------------------------------------------------- */

typedef struct pgi_rule_args {
  pgi_arena *arena;
  const pgi_num *in; /* [n]: one element of each input */
  int n;
  bool is_float; /* the element type of input 0 */
  pg_dtype to;   /* that of the output */
} pgi_rule_args;
/* One element of the output. */
typedef pgi_num pgi_rule(const pgi_rule_args *a);
/* Of operators of ONNX's own domain; NULL: there is none. */
pgi_rule *pgi_pointwise_rule(const char *name);
/* Of two elements, in[0] being what came of those before. */
pgi_rule *pgi_reduction_rule(const char *name);

#endif
