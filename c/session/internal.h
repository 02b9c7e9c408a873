/* internal: how the files of this room work together.  Who includes this is inside the room. */
#ifndef PG_SESSION_INTERNAL_H
#define PG_SESSION_INTERNAL_H

#include "session/session.h"

typedef struct pgi_program pgi_program;
typedef struct pgi_plan pgi_plan;
typedef struct pgi_frame pgi_frame;

enum {
  PG_MAX_DEPTH = 64,       /* of subgraphs in subgraphs */
  PG_MAX_PROGRAMS = 8,     /* kept by a session */
  PG_MAX_PLANS = 16,       /* kept by a program */
  PG_KNOWN_ELEMENTS = 4096 /* the largest content that a plan computes and inference looks at */
};

/* ---- heap.c: memory of a run that is kept for the next one ----------------------------------- */

enum { PG_HEAP_CLASSES = 64, PG_HEAP_WAYS = 8 };

/* Buffers by size, log2.  The heap holds one reference to each; a buffer with no other is free, so
** outputs come back when their last handle goes, on any thread. */
typedef struct pgi_heap {
  pg_context *ctx;
  int64_t run; /* counts runs, to drop what was long not used */
  struct pgi_heap_entry {
    pgi_buffer *buffer;
    int64_t used; /* the run that took it last */
  } entries[PG_HEAP_CLASSES][PG_HEAP_WAYS];
} pgi_heap;

void pgi_heap_init(pgi_heap *h, pg_context *ctx);
void pgi_heap_deinit(pgi_heap *h);
void pgi_heap_end_run(pgi_heap *h);
/* Uninitialised.  h == NULL: simply fresh.  Strings and objects are always fresh, zeroed. */
pg_status pgi_heap_tensor(pgi_heap *h, pg_context *ctx, pg_dtype dtype, int rank,
                          const int64_t *dims, pg_tensor *out, pg_error *err);
pg_status pgi_heap_copy(pgi_heap *h, pg_context *ctx, const pg_tensor *t, pg_tensor *out,
                        pg_error *err);
/* Nobody but this tensor (and the heap) sees its memory, nor that of its elements. */
bool pgi_heap_is_unique(const pgi_heap *h, const pg_tensor *t);

/* Bump memory for one call of an operator.  What didn't fit chains blocks; the next reset merges
** them into one, so that later calls allocate nothing. */
typedef struct pgi_scratch {
  pg_context *ctx;
  char *block;
  size_t size, used, need; /* need: of this call, chained blocks included */
  struct pgi_scratch_more *more;
} pgi_scratch;

void pgi_scratch_init(pgi_scratch *s, pg_context *ctx);
void pgi_scratch_deinit(pgi_scratch *s);
void pgi_scratch_reset(pgi_scratch *s);
void *pgi_scratch_alloc(pgi_scratch *s, size_t bytes); /* aligned to PG_ALIGN; NULL: no memory */

/* ---- shuffle.c ------------------------------------------------------------------------------- */

/* Whether v is a channel shuffle of two values of as many channels, which *out then are. */
bool pgi_is_shuffle(const pgi_value *v, pgi_value *out[2]);

/* ---- layout.c -------------------------------------------------------------------------------- */

extern pgi_pass_fn pgi_pass_layout; /* blocks of channels for convolutions and around them */
/* The layout of a program's graph, after everything else: a graph that was optimised for its own sake
** stays free of private operators.  (optimize.c) */
pg_status pgi_graph_layout(pg_graph *g, const pgi_pass_options *o, pg_error *err);

/* ---- program.c: a graph ready to be planned -------------------------------------------------- */

/* Values have numbers: first the graph's own, then those it captures from outer graphs. */
typedef struct pgi_prog_node {
  const pgi_node *node;
  void *prepared;
  const int *in, *out; /* [node->n_in], [node->n_out]: numbers of values, -1: omitted */
  const int *uses;     /* [n_uses]: inputs, and what the bodies capture */
  int n_uses;
  pgi_program **bodies; /* [n_bodies] */
  int n_bodies;
} pgi_prog_node;

/* Of the session's graph, for one set of wanted values; or of a body inside of such a program. */
struct pgi_program {
  pg_session *session;
  pg_context *ctx;
  pgi_program *parent; /* NULL: the main graph */
  pg_graph *graph;     /* owned when there is no parent */
  int depth;
  pgi_arena memory;         /* the arrays below */
  const pgi_value **values; /* [n_values] */
  int n_own, n_values;
  int64_t values_capacity;
  pgi_prog_node *nodes;
  int n_nodes, max_in, max_out;
  /* What must be bound before a run: the graph's inputs, then captured values that are not
  ** constants.  from: number in the parent, for the captured ones. */
  int n_inputs, n_bound;
  const int *bound, *from; /* [n_bound] */
  const pg_tensor **given; /* [n_bound]: room for the tensors of the next run */
  const int *outputs;      /* [n_outputs] */
  int n_outputs;
  pgi_plan *plans; /* most recently used first */
  int n_plans;
  /* Main programs only. */
  const char **wanted;     /* [n_outputs] */
  const int *base_input;   /* [n_inputs]: which input of the session's graph */
  const bool *is_override; /* [inputs of the session's graph]: has an initialiser, yet is bound */
  bool is_default;         /* of the graph's own outputs: never dropped */
  pgi_program *next;       /* most recently used first */
};

/* is_override[i]: input i of the base graph has an initialiser and is bound nonetheless. */
pg_status pgi_program_new(pg_session *s, const char *const *wanted, int n_wanted,
                          const bool *is_override, pgi_program **out, pg_error *err);
void pgi_program_free(pgi_program *p);
/* body.c: everything but the graph work; recursive over bodies, whose depth is bounded. */
pg_status pgi_program_index(pgi_program *p, pg_error *err);
void pgi_program_clear(pgi_program *p); /* what pgi_program_index made */
/* The value needs no binding: its content is part of the program. */
static inline bool pgi_program_is_constant(const pgi_program *p, int value) {
  return pgi_value_is_constant(p->values[value]);
}
/* "node 'conv1' (Conv)" before the message. */
void pgi_node_prefix(const pgi_node *node, pg_error *err);
void pgi_node_unprefix(const pgi_node *node, pg_error *err);

/* ---- plan.c: a program for known input shapes ------------------------------------------------ */

typedef enum pgi_slot_kind {
  PG_SLOT_NONE,     /* nobody asked */
  PG_SLOT_CONSTANT, /* a weight, or computed when planning */
  PG_SLOT_BOUND,    /* an input or captured value */
  PG_SLOT_ARENA,    /* in the arena at a fixed offset */
  PG_SLOT_OUTPUT,   /* a buffer that is handed out at the end */
  PG_SLOT_ALIAS,    /* its root's memory under another shape, set when the root is */
  PG_SLOT_DYNAMIC   /* comes to be when its step runs */
} pgi_slot_kind;

/* Where a value lives. */
typedef struct pgi_slot {
  pgi_slot_kind kind;
  bool is_static;
  int root;  /* whose memory it shares; itself when nobody's */
  int block; /* PG_SLOT_ARENA: in pgi_plan.blocks */
  pgi_type type;
  const pg_tensor *constant;
} pgi_slot;

typedef struct pgi_step {
  const pgi_prog_node *node;
  bool is_view;     /* shares input 0 instead of running */
  bool is_ready;    /* all outputs have memory before it runs */
  bool is_trusted;  /* the inputs' types were known when planning: no look at run time */
  int args;         /* its n_in + n_out pointers in pgi_frame.args */
  int ends, n_ends; /* in pgi_plan.ends: dynamic values that nobody needs after it */
} pgi_step;

typedef struct pgi_block {
  size_t bytes, offset;
  int first, last; /* steps; the block is in use in both */
} pgi_block;

/* One execution of a plan.  A plan can't be active twice, so it has one frame, kept for later. */
struct pgi_frame {
  pgi_plan *plan;
  pg_session *session; /* NULL: a lone call (eval.c) */
  pgi_heap *heap;
  pgi_scratch *scratch;
  pgi_frame *parent; /* whose step entered this body */
  pg_tensor *values; /* [n_values]; constants stay absent here */
  pg_tensor **args;  /* for all steps */
  pgi_buffer *arena; /* borrowed: the one that values lie on; NULL: none yet */
  int step;          /* the next one, or the one that waits for its body */
  bool is_made;
  /* The operator in progress. */
  bool is_called; /* its outputs are set up */
  int64_t ns;     /* spent in it so far, when somebody profiles */
  void *state;    /* pgi_call_state */
  void *state_block;
  size_t state_size;
  void (*state_deinit)(pg_context *ctx, void *state);
  pgi_program *entered;
  pg_tensor *body_in, *body_out; /* [body_in_room], [body_out_room] */
  int64_t body_in_room, body_out_room;
  int n_body_in, n_body_out;
  bool is_returned;                 /* body_out holds what the body made */
  pgi_frame *prev_made, *next_made; /* all of the session, to move arenas */
};

struct pgi_plan {
  pgi_program *program;
  pgi_arena memory;
  int64_t *key; /* the inputs' types: see plan_key in plan.c */
  int n_key;
  pgi_slot *slots; /* [program->n_values] */
  pgi_step *steps;
  int n_steps, n_args;
  int *ends;
  int *setup; /* [n_setup]: set at each start: outputs, then aliases of them and of bound values */
  int n_setup;
  int *claims; /* [program->n_outputs]: the PG_SLOT_OUTPUT it takes along, or -1 */
  pgi_block *blocks;
  int n_blocks;
  size_t arena_bytes;
  pg_tensor **constants; /* computed when planning */
  int n_constants;
  pgi_frame frame;
  pgi_plan *next;
};

/* The plan for program->given (NULL: not bound), made when there is none. */
pg_status pgi_plan_get(pgi_program *p, pgi_plan **out, pg_error *err);
void pgi_plan_free(pgi_plan *plan);
/* types.c: fills slots' types and constants; leaves kind NONE or CONSTANT. */
pg_status pgi_plan_types(pgi_plan *plan, pg_error *err);
/* arena.c: lifetimes, memory in place, offsets. */
pg_status pgi_plan_arena(pgi_plan *plan, pg_error *err);
/* What a static value takes; SIZE_MAX: too much. */
size_t pgi_slot_bytes(const pgi_slot *slot);
/* One line a step and one a value, for people. */
void pgi_plan_text(const pgi_plan *plan, pgi_text *text);
static inline bool pgi_is_object(pg_dtype dtype) {
  return dtype == PG_NONE || dtype == PG_SEQUENCE || dtype == PG_MAP;
}
/* The operator takes this tensor; says what it got otherwise. */
pg_status pgi_check_operand(const pgi_node *node, int i, pg_dtype dtype, pg_error *err);

/* ---- frame.c --------------------------------------------------------------------------------- */

/* Binds program->given, finds memory.  direct[k]: where output k is to be written, or NULL. */
pg_status pgi_frame_begin(pgi_frame *f, const pg_tensor *const *direct, pg_error *err);
/* Lets go of everything that belongs to this execution. */
void pgi_frame_end(pgi_frame *f);
void pgi_frame_deinit(pgi_frame *f);
/* The value as a tensor, wherever it is. */
static inline const pg_tensor *pgi_frame_value(const pgi_frame *f, int value) {
  const pgi_slot *slot = &f->plan->slots[value];
  return slot->kind == PG_SLOT_CONSTANT ? slot->constant : &f->values[value];
}
/* Output k, retained or moved; never in an arena. */
pg_status pgi_frame_take(pgi_frame *f, int k, pg_tensor *out, pg_error *err);
/* Replaces what lies in an arena of the session by a copy that may outlive the frame. */
pg_status pgi_frame_detach(pgi_frame *f, pg_tensor *t, pg_error *err);
void pgi_frame_end_call(pgi_frame *f); /* the operator is done: its state and scratch go */

/* ---- step.c ---------------------------------------------------------------------------------- */

/* Runs the frame's next step, or goes on with the one that waited.  When frame->entered is set
** afterwards it asks for a body; else the step is done. */
pg_status pgi_step_run(pgi_frame *f, pg_error *err);

/* ---- run.c ----------------------------------------------------------------------------------- */

typedef struct pgi_run {
  pgi_program *program; /* NULL: no run */
  pgi_frame *top;
  bool is_direct; /* some results are written to the caller's tensors: pg_session.direct */
  bool is_done;
} pgi_run;

/* Forgets the run in progress, wherever it stands. */
void pgi_run_reset(pg_session *s);

/* ---- bind.c: names to numbers ---------------------------------------------------------------- */

/* The program for s->wanted and s->is_override, made when there is none. */
pg_status pgi_bind_program(pg_session *s, int n_wanted, pgi_program **out, pg_error *err);
/* Checks the inputs, finds the program, fills program->given. */
pg_status pgi_bind_inputs(pg_session *s, const pg_binding *inputs, int n_inputs,
                          const pg_binding *outputs, int n_outputs, pgi_program **out,
                          pg_error *err);
/* Checks given output tensors as far as the plan knows; those that may be written to directly go
** into s->direct. */
pg_status pgi_bind_outputs(pg_session *s, const pgi_plan *plan, const pg_binding *outputs,
                           int n_outputs, pg_error *err);
/* Hands out what the run in progress made; on failure nothing. */
pg_status pgi_bind_results(pg_session *s, pg_binding *outputs, int n_outputs, pg_error *err);
/* PG_INVALID: "no value 'foo' in the graph; did you mean 'fool'?" */
pg_status pgi_fail_no_value(const pg_graph *g, const char *name, pg_error *err);

/* ---- session.c ------------------------------------------------------------------------------- */

struct pg_session {
  pg_context *ctx; /* retained */
  int threads;
  bool no_optimize;
  pg_graph *base; /* canonical, never changed afterwards */
  int *inputs;    /* [n_inputs]: numbers of base->inputs without a default */
  int n_inputs;
  pgi_program *programs;
  int n_programs;
  const pg_tensor **given;  /* [base->n_inputs] */
  bool *is_override;        /* [base->n_inputs] */
  const char **wanted;      /* [wanted_room]: names of the run that is being bound */
  const pg_tensor **direct; /* [direct_room]: by output of the program */
  bool *is_fresh;           /* [fresh_room]: outputs handed out so far */
  int64_t wanted_room, direct_room, fresh_room;
  pgi_heap heap;
  pgi_scratch scratch;
  pgi_buffer *arenas[PG_MAX_DEPTH]; /* by depth; NULL: not needed yet */
  int n_arenas;
  pgi_frame *made; /* frames that have memory */
  pgi_run run;
  atomic_bool is_cancelled;
  pgi_step_hook *hook;
  void *hook_arg;
};

/* ---- declared.c ------------------------------------------------------------------------------ */

/* pgi_graph_infer, and outputs that are f32 or f64 against their declaration are cast to it. */
pg_status pgi_graph_infer_declared(pg_graph *g, pg_error *err);

/* ---- fold.c ---------------------------------------------------------------------------------- */

pgi_pass_fn pgi_pass_constant; /* Constant nodes become initialisers, nothing is computed */

/* ---- eval.c ---------------------------------------------------------------------------------- */

/* One lone execution of a node: infer, allocate, run.  in: contiguous.  is_known: contents may be
** looked at (false: only types are real). */
typedef struct pgi_lone {
  pg_context *ctx;
  int threads;
  const pgi_node *node;
  const void *prepared;
  const pg_tensor *const *in; /* [node->n_in] */
  bool is_known;
  bool is_sharing; /* a view may share its input's memory */
} pgi_lone;
pg_status pgi_lone_run(const pgi_lone *lone, pg_tensor *out, pg_error *err);
/* Types of the outputs from actual tensors; for values that are no tensors, from `declared`. */
pg_status pgi_infer_actual(const pgi_node *node, const pg_tensor *const *in, bool is_known,
                           const pgi_type *const *declared, pgi_type *out, pgi_arena *arena,
                           pgi_scratch *scratch, pg_error *err);
/* ---- compose.c: operators that are made of others -------------------------------------------- */

typedef struct pgi_eval_args {
  const pgi_attr *attrs;
  const pg_tensor *const *in;
  int n_attrs, n_in, n_out, threads;
} pgi_eval_args;
/* Through a graph of one node and a session. */
pg_status pgi_eval_graph(pg_context *ctx, const pgi_eval_args *a, const pg_op *op, pg_tensor *out,
                         pg_error *err);
/* dims of a static type. */
void pgi_type_dims(const pgi_type *type, int64_t *dims);

#endif
