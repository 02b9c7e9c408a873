/* What an operator is: one descriptor that graph passes, sessions, specs and the manual all read.
** The descriptors live in c/op, one file an operator; a generated list makes the table. */
#ifndef PG_OPDEF_H
#define PG_OPDEF_H

#include "graph/symbol.h"

/* ---- inference ------------------------------------------------------------------------------------ */

/* The one place where an operator says what comes out: used on symbolic graphs, for planning with
** known shapes, and at run time when shapes depend on data.  out[i] starts unknown; fill in what
** can be told.  value[i] is the content of input i when known by then. */
typedef struct pgi_infer {
  pg_context *ctx;
  const pgi_node *node;
  int n_in, n_out;
  const pgi_type *const *in;     /* [n_in]; NULL: omitted */
  const pg_tensor *const *value; /* [n_in]; NULL: not known */
  /* [n_in], or NULL: contents of small inputs that are known in part or by symbols. */
  const pgi_content *const *content;
  pgi_type *out;    /* [n_out] */
  pgi_arena *arena; /* for what outputs point to: element types, symbols */
  pg_error *err;
  /* Types of the outputs of a subgraph attribute, given its input types: for If, Loop, Scan ... */
  pg_status (*subgraph)(struct pgi_infer *inf, pg_graph *body, const pgi_type *const *in, int n_in,
                        pgi_type *out, int n_out);
  /* What is in a value of such a subgraph, when that is known in numbers; NULL. */
  const pg_tensor *(*known)(const struct pgi_infer *inf, const pgi_value *v);
} pgi_infer;

/* ---- running -------------------------------------------------------------------------------------- */

/* One execution of a node.  in[i]: contiguous, NULL when omitted.  out[i]: NULL when nobody wants
** it; allocated, contiguous and uninitialised when infer could tell the shape, which is the rule;
** else cleared, and the operator calls pgi_call_alloc or fills it (sequences). */
typedef struct pgi_call {
  pg_context *ctx;
  const pgi_node *node;
  int n_in, n_out;
  const pg_tensor *const *in;
  pg_tensor *const *out;
  const void *prepared; /* what op->prepare made; NULL */
  int threads;
  pg_error *err;
  /* Control flow.  An operator that wants a subgraph run calls pgi_call_enter and returns; it is
  ** called again with the body's outputs.  `state` starts NULL and is the operator's own between
  ** these calls (pgi_call_state). */
  void *state;
  pg_tensor *body_out; /* [n_body_out]; may be moved from; NULL in the first call */
  int n_body_out;
  struct pgi_frame *frame; /* the session's */
} pgi_call;

/* These are the session's (c/session/call.c). */
pg_status pgi_call_alloc(pgi_call *c, int i, pg_dtype dtype, int rank, const int64_t *dims);
/* Memory for this call only, aligned to PG_ALIGN; kept from run to run.  NULL: out of memory
** (return pgi_nomem(c->err)). */
void *pgi_call_scratch(pgi_call *c, size_t bytes);
/* fn(arg, i) for i in [0, n): how the work is cut must not depend on c->threads. */
void pgi_call_parallel(pgi_call *c, int64_t n, void (*fn)(void *arg, int64_t i), void *arg);
/* Asks for `body` to be run on inputs that stay valid until then (they are retained). */
pg_status pgi_call_enter(pgi_call *c, pg_graph *body, int n_in, const pg_tensor *const *in);
/* Zeroed state for this activation; `deinit` runs at its end, whatever ends it. */
void *pgi_call_state(pgi_call *c, size_t bytes, void (*deinit)(pg_context *ctx, void *state));

/* ---- the descriptor ------------------------------------------------------------------------------- */

typedef struct pgi_attr_def {
  const char *name;
  pgi_attr_kind kind;
  bool is_required;
  int64_t i; /* defaults, by kind; lists have none but the empty one */
  float f;
  const char *s;
} pgi_attr_def;

enum {
  PG_OP_INPLACE = 1 << 0, /* out 0 may lie on an input of the same size that ends here */
  PG_OP_VIEW = 1 << 1,    /* out 0 is input 0 under another shape: never run */
  PG_OP_RANDOM = 1 << 2,  /* not to be folded nor merged */
  PG_OP_ELEMENTWISE = 1 << 4,
  PG_OP_CONTROL = 1 << 5,   /* has subgraphs; run may call pgi_call_enter */
  PG_OP_TYPE_ONLY = 1 << 6, /* looks at the type of input 0, never at its content */
  PG_OP_PRIVATE = 1 << 7, /* sessions make it for themselves: unknown to models and to the manual */
};

#define PG_MANY 127 /* variadic */

struct pg_op {
  const char *name;
  const char *domain; /* NULL: ai.onnx */
  uint8_t since[12];  /* versions in which the operator changed, ascending, 0-ended */
  uint8_t in[2];      /* least and most inputs; PG_MANY */
  uint8_t out[2];
  pgi_types types;           /* element types of input 0 (of output 0 when there is none) */
  const pgi_attr_def *attrs; /* ended by a NULL name */
  unsigned flags;
  /* From an older version to the newest: edits the node (and around it), once. */
  pg_status (*upgrade)(pgi_node *node, int version, pg_error *err);
  pg_status (*infer)(pgi_infer *inf);
  /* Once per program: packs constant inputs, picks an algorithm.  value[i] NULL: not constant. */
  pg_status (*prepare)(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                       void **prepared, pg_error *err);
  void (*discard)(pg_context *ctx, void *prepared);
  /* Bit i: where prepare made something, it holds all that run needs of a constant input i but its
  ** type and shape, and sessions let go of the content. */
  unsigned packs;
  /* NULL: as much as the inputs that it packs, in f32. */
  size_t (*prepared_bytes)(const pgi_node *node, const void *prepared);
  pg_status (*run)(pgi_call *c);
  /* Replaces the node by simpler ones (composite operators, instead of run). */
  pg_status (*expand)(pgi_node *node, pg_error *err);
  /* Tries to swallow a neighbour into this node (Conv takes the Relu behind it). */
  pg_status (*absorb)(pgi_node *node, bool *changed, pg_error *err);
  /* When not NULL, says that this node does nothing to input 0 (a Cast to the same type). */
  bool (*is_identity)(const pgi_node *node);
};

/* The declaration: PG_OP(relu) = { ... };  found by the build by this very spelling at the start of
** a line. */
#define PG_OP(id) const pg_op pgi_op_##id

/* c/op/table.c, from the generated list.  domain "" or "ai.onnx".  NULL when unknown. */
const pg_op *pgi_op_find(const char *domain, const char *name);
/* Private operators too. */
const pg_op *pgi_op_find_any(const char *domain, const char *name);
const pg_op *const *pgi_op_all(int *n);
/* The last version at or before `version` in which the operator changed; 0: none. */
int pgi_op_form(const pg_op *op, int version);
/* The newest version of the operator sets that this build knows: 28 for ai.onnx ... 0: unknown. */
int pgi_opset_newest(const char *domain);

#endif
