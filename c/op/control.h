/* control: what operators with subgraphs share. */
#ifndef PG_OP_CONTROL_H
#define PG_OP_CONTROL_H

#include "op/op.h"

/* Makes *into tell only what holds for both; true when it changed.  Element types come from the
** arena. */
bool pgi_type_widen(pgi_type *into, const pgi_type *other, pgi_arena *arena);

/* Types of a loop's body whose outputs out[0 .. n_carried) come back as inputs in[first ..):
** these are widened until they hold for any number of iterations.  out: [body->n_outputs]. */
pg_status pgi_infer_loop(pgi_infer *inf, pg_graph *body, pgi_type *in, int first, int n_carried,
                         pgi_type *out);

/* What the iterations made for one output. */
typedef struct pgi_stack {
  pg_tensor *items;
  int64_t n, room;
} pgi_stack;
pg_status pgi_stack_push(pg_context *ctx, pgi_stack *s, pg_tensor *from, pg_error *err); /* moves */
void pgi_stack_deinit(pg_context *ctx, pgi_stack *s);
/* Output i of the call becomes the items side by side along a new axis (negative: from the end). */
typedef struct pgi_stack_layout {
  int64_t axis;
  bool is_reversed;
  int64_t
      batches; /* >= 0: the items are those of a batch, row by row; the output is [batches, ...],
                   ** zero where items are absent */
  const pgi_type *type; /* of one item: asked when there is none */
} pgi_stack_layout;
pg_status pgi_stack_join(pgi_call *c, const pgi_stack *s, int i, const pgi_stack_layout *layout);

/* The one bool of a condition. */
pg_status pgi_condition(const pg_tensor *t, const char *name, bool *out, pg_error *err);

#endif
