/* graph: nodes, values, attributes, subgraphs, functions.
**
** A graph is a list of nodes in topological order.  A value is an edge: made by one node output, a
** graph input or an initialiser; used by node inputs and graph outputs.  A subgraph (the body of
** If, Loop, Scan ...) is a graph with a parent; its nodes use outer values directly, by pointer.
** A value name is unique in its graph and not shadowed in subgraphs.
**
** Everything structural lives in the arena of the model and dies with it; tensors are counted.
** A graph as loaded holds the file's own operators and versions; sessions work on a clone that
** was upgraded to the newest opset (upgrade.c) and optimised.
**
** All changes go through edit.c, which keeps the use lists right. */
#ifndef PG_GRAPH_H
#define PG_GRAPH_H

#include "tensor/tensor.h"

typedef struct pgi_node pgi_node;
typedef struct pgi_value pgi_value;
typedef struct pgi_model pgi_model;
typedef struct pg_op pg_op; /* graph/opdef.h */

/* Bytes in the arena, kept for the writer: protobuf fields that this build doesn't know. */
typedef struct pgi_bytes {
  const uint8_t *data;
  size_t size;
} pgi_bytes;

/* ---- type.c: what is known of a value ---------------------------------------------------------- */

typedef struct pgi_dim {
  int64_t n;          /* -1: not known */
  const char *symbol; /* name of an unknown dim, interned in the arena; NULL: anonymous */
} pgi_dim;

typedef enum pgi_type_kind {
  PG_TYPE_UNKNOWN,
  PG_TYPE_TENSOR,
  PG_TYPE_SPARSE,
  PG_TYPE_SEQUENCE, /* of `elem` */
  PG_TYPE_OPTIONAL, /* of `elem` */
  PG_TYPE_MAP       /* from `dtype` to `elem` */
} pgi_type_kind;

typedef struct pgi_type {
  pgi_type_kind kind;
  pg_dtype dtype; /* PG_NONE: unknown */
  int rank;       /* -1: unknown */
  pgi_dim dims[PG_MAX_RANK];
  const struct pgi_type *elem; /* in the arena */
} pgi_type;

extern const pgi_type pgi_type_unknown;     /* kind unknown, rank -1 */
pgi_type pgi_type_tensor(pg_dtype dtype);   /* unknown rank */
pgi_type pgi_type_of(const pg_tensor *t);   /* known dims */
bool pgi_type_is_static(const pgi_type *t); /* a tensor with dtype and all dims known */
static inline pgi_dim pgi_dim_of(int64_t n) {
  return (pgi_dim){n, NULL};
}
static inline pgi_dim pgi_dim_unknown(void) {
  return (pgi_dim){-1, NULL};
}
/* symbol.c: sizes that have names instead of numbers are computed with, too: see symbol.h.  What can't
** be told is unknown; new texts go into the arena. */
bool pgi_dim_equal(pgi_dim a, pgi_dim b); /* provably: same number or same symbol */
pgi_dim pgi_dim_mul(pgi_arena *arena, pgi_dim a, pgi_dim b);
pgi_dim pgi_dim_add(pgi_arena *arena, pgi_dim a, pgi_dim b);
pgi_dim pgi_dim_shift(pgi_arena *arena, pgi_dim a, int64_t by);
pgi_dim pgi_dim_div(pgi_arena *arena, pgi_dim a, int64_t by); /* floor(a / by) */
/* Joins what is declared with what was inferred; false when they contradict. */
bool pgi_type_merge(pgi_type *into, const pgi_type *other);
/* "f32 [N,3,224,224]", "seq(i64 [?])" */
void pgi_type_text(const pgi_type *t, pgi_text *text);
/* A deep copy: `elem` and the symbols go into the arena. */
pg_status pgi_type_copy(const pgi_type *from, pgi_arena *arena, pgi_type *out, pg_error *err);

/* type_text.c: from the text that pgi_type_text writes; a tensor without a shape has an unknown rank.  PG_INVALID says where the text
** goes wrong.  What the type points to is in the arena. */
pg_status pgi_type_parse(const char *text, pgi_arena *arena, pgi_type *out, pg_error *err);

/* ---- ptrmap.c: pointer -> pointer, open addressing -------------------------------------------- */

/* For what is known of a node or value during one operation, where the graph itself may be shared
** between threads and so has no room to write to. */
typedef struct pgi_ptrmap {
  pg_context *ctx;
  struct pgi_ptrmap_slot *slots;
  int64_t n, capacity;
} pgi_ptrmap;
void pgi_ptrmap_init(pgi_ptrmap *m, pg_context *ctx);
void pgi_ptrmap_deinit(pgi_ptrmap *m);
void *pgi_ptrmap_at(const pgi_ptrmap *m, int64_t slot); /* of [0, capacity); NULL: nothing there */
bool pgi_ptrmap_has(const pgi_ptrmap *m, const void *key);
void *pgi_ptrmap_get(const pgi_ptrmap *m, const void *key); /* NULL when absent */
pg_status pgi_ptrmap_put(pgi_ptrmap *m, const void *key, void *value, pg_error *err); /* replaces */

/* ---- attr.c ------------------------------------------------------------------------------------ */

/* The numbers of ONNX's AttributeProto.AttributeType. */
typedef enum pgi_attr_kind {
  PG_ATTR_NONE = 0,
  PG_ATTR_FLOAT = 1,
  PG_ATTR_INT = 2,
  PG_ATTR_STRING = 3,
  PG_ATTR_TENSOR = 4,
  PG_ATTR_GRAPH = 5,
  PG_ATTR_FLOATS = 6,
  PG_ATTR_INTS = 7,
  PG_ATTR_STRINGS = 8,
  PG_ATTR_TENSORS = 9,
  PG_ATTR_GRAPHS = 10,
  PG_ATTR_SPARSE = 11,
  PG_ATTR_SPARSES = 12,
  PG_ATTR_TYPE = 13,
  PG_ATTR_TYPES = 14
} pgi_attr_kind;

/* A single value is a list of one. */
typedef struct pgi_attr {
  const char *name;
  pgi_attr_kind kind;
  const char *ref; /* inside a function: takes the value of the caller's attribute; else NULL */
  int64_t n;
  union {
    float *floats;
    int64_t *ints;
    pg_string *strings;
    pg_tensor **tensors; /* registered with the model; sparse: values, indices, dims triples */
    pg_graph **graphs;
    pgi_type *types;
  };
  const char *doc;
  pgi_bytes extra;
} pgi_attr;

/* NULL when the node doesn't carry it. */
const pgi_attr *pgi_attr_find(const pgi_node *node, const char *name);
/* The node's value, else the default that the operator declares, else 0 / "" / an empty list.  A
** wrong kind in the file was refused when the node was resolved. */
int64_t pgi_attr_int(const pgi_node *node, const char *name);
float pgi_attr_float(const pgi_node *node, const char *name);
pg_string pgi_attr_string(const pgi_node *node, const char *name);
bool pgi_attr_is(const pgi_node *node, const char *name, const char *text); /* string equality */
const int64_t *pgi_attr_ints(const pgi_node *node, const char *name, int64_t *n); /* NULL, 0 */
const float *pgi_attr_floats(const pgi_node *node, const char *name, int64_t *n);
const pg_string *pgi_attr_strings(const pgi_node *node, const char *name, int64_t *n);
const pg_tensor *pgi_attr_tensor(const pgi_node *node, const char *name); /* NULL */
pg_graph *pgi_attr_graph(const pgi_node *node, const char *name);         /* NULL */

/* Set (replace or add) and remove. */
pg_status pgi_attr_set_int(pgi_node *node, const char *name, int64_t v, pg_error *err);
pg_status pgi_attr_set_float(pgi_node *node, const char *name, float v, pg_error *err);
pg_status pgi_attr_set_string(pgi_node *node, const char *name, const char *text, size_t size,
                              pg_error *err);
pg_status pgi_attr_set_ints(pgi_node *node, const char *name, int64_t n, const int64_t *v,
                            pg_error *err);
pg_status pgi_attr_set_floats(pgi_node *node, const char *name, int64_t n, const float *v,
                              pg_error *err);
pg_status pgi_attr_set_strings(pgi_node *node, const char *name, int64_t n, const pg_string *v,
                               pg_error *err);
pg_status pgi_attr_set_tensor(pgi_node *node, const char *name, const pg_tensor *t, pg_error *err);
/* A copy of `from`, whatever its kind; `ref` too.  Its graphs are adopted: they must be loose ones with
** the node's graph as parent. */
pg_status pgi_attr_assign(pgi_node *node, const pgi_attr *from, pg_error *err);
void pgi_attr_remove(pgi_node *node, const char *name); /* a subgraph in it is emptied */
/* A blank attribute to fill by hand (readers); the arrays come from the model's arena. */
pg_status pgi_attr_add(pgi_node *node, const char *name, pgi_attr_kind kind, pgi_attr **out,
                       pg_error *err);

/* The subgraphs of a node, one after the other:
** for (pgi_bodies it = {node}; (body = pgi_bodies_next(&it));) ... */
typedef struct pgi_bodies {
  const pgi_node *node;
  int attr;
  int64_t i;
} pgi_bodies;
pg_graph *pgi_bodies_next(pgi_bodies *it); /* NULL at the end */

/* ---- graph.c: structure --------------------------------------------------------------------------- */

/* One place where a value is used.  node == NULL: as output `index` of `graph`. */
typedef struct pgi_use {
  pgi_value *value; /* NULL: an omitted optional input */
  pgi_node *node;
  pg_graph *graph; /* the graph that the using node is in, or whose output it is */
  int index;
  struct pgi_use *prev, *next; /* among the uses of the value */
} pgi_use;

struct pgi_value {
  const char *name;
  pg_graph *graph;
  pgi_node *producer; /* NULL: input or initialiser */
  int output;         /* which output of the producer */
  bool is_input;      /* of its graph */
  bool is_pinned;     /* somebody wants it by name (pgi_graph_pin): it must survive */
  bool is_external;   /* the constant came from a file beside the model, and goes there again */
  pgi_type type;
  pg_tensor constant; /* content of an initialiser (also the default of an input); else PG_NONE */
  pgi_use *uses;
  pgi_value *prev, *next; /* all values of the graph, in order of creation */
  int id;                 /* scratch for passes and the planner */
  const char *doc;
  pgi_bytes extra;
};

struct pgi_node {
  const pg_op *op; /* NULL until resolved, or when this build doesn't have it */
  const char *type, *domain /* "" for ai.onnx */, *name, *overload, *doc;
  int version; /* opset of its domain that the node was written for */
  int n_in, n_out;
  pgi_use *in;     /* [n_in] */
  pgi_value **out; /* [n_out]; NULL: omitted */
  pgi_attr *attrs; /* [n_attrs] */
  int n_attrs;
  int in_room, out_room, attrs_room; /* how many fit before the array must move */
  pg_graph *graph;                   /* NULL: removed; `next` still leads on, for loops that edit */
  pgi_node *prev, *next;
  int id; /* scratch for passes */
  pgi_bytes extra;
};

struct pg_graph {
  pgi_model *model;
  pg_graph *parent; /* NULL: the main graph, or a function's body */
  const char *name, *doc;
  pgi_node *first, *last;
  int n_nodes;
  pgi_value **inputs; /* [n_inputs] */
  int n_inputs;
  pgi_use *outputs; /* [n_outputs] */
  int n_outputs;
  int inputs_room, outputs_room;
  bool is_loose; /* a subgraph that no node holds yet */
  pgi_value *first_value, *last_value;
  pgi_map by_name; /* name -> pgi_value*, this graph only; also stale ones: use pgi_graph_find */
  pgi_bytes extra;
  pg_graph *next_graph; /* all graphs of the model, for freeing */
};

typedef struct pgi_opset {
  const char *domain;
  int version;
} pgi_opset;

typedef struct pgi_function {
  const char *name, *domain, *overload, *doc;
  pg_graph *body;     /* inputs without types; captures nothing */
  const char **attrs; /* names without a default */
  int n_attrs;
  pgi_attr *defaults; /* attributes with one */
  int n_defaults;
  pgi_opset *opsets;
  int n_opsets;
  pgi_bytes extra;
} pgi_function;

struct pgi_prop {
  const char *key, *value;
};

struct pgi_model {
  pg_context *ctx; /* retained */
  pgi_arena arena;
  pg_graph *main;
  pg_graph *graphs;                /* every graph, linked by next_graph */
  struct pgi_tensor_cell *tensors; /* attribute tensors, cleared at the end */
  int64_t ir_version;
  const char *producer_name, *producer_version, *domain, *doc;
  int64_t model_version;
  pgi_opset *opsets;
  int n_opsets, opsets_room;
  struct pgi_prop *props; /* metadata_props */
  int n_props, props_room;
  pgi_function *functions;
  int n_functions, functions_room;
  pgi_map names;     /* every value name that any graph of the model has used */
  int64_t next_name; /* for fresh names */
  pgi_bytes extra;
};

/* An empty main graph with a model around it; pg_graph_free frees both. */
pg_status pgi_graph_new(pg_context *ctx, pg_graph **out, pg_error *err);
/* A graph inside the model of `parent` (subgraph), or with parent == NULL a function body. */
pg_status pgi_graph_new_inside(pgi_model *model, pg_graph *parent, pg_graph **out, pg_error *err);
/* A deep copy of a main graph with its functions; tensors are shared. */
pg_status pgi_graph_clone(const pg_graph *main, pg_graph **out, pg_error *err);
/* "" for ONNX's own domain, which is spelt "ai.onnx", "" or not at all. */
const char *pgi_plain_domain(const char *domain);
int pgi_model_opset(const pgi_model *m, const char *domain); /* 0 when not imported */
pg_status pgi_model_set_opset(pgi_model *m, const char *domain, int version, pg_error *err);
/* value == NULL removes. */
pg_status pgi_model_set_prop(pgi_model *m, const char *key, const char *value, pg_error *err);
/* A cleared tensor that the model clears at its end. */
pg_status pgi_model_tensor(pgi_model *m, pg_tensor **out, pg_error *err);

/* In this graph; pgi_graph_lookup also looks in the parents. */
pgi_value *pgi_graph_find(const pg_graph *g, const char *name);
pgi_value *pgi_graph_lookup(const pg_graph *g, const char *name);
bool pgi_value_is_constant(const pgi_value *v); /* an initialiser that is no input */
/* The one node that uses v, as its input *input; NULL unless v has exactly one use, in its own graph
** and not as an output, and is not pinned: the question before an operator is absorbed. */
pgi_node *pgi_only_consumer(const pgi_value *v, int *input);
/* Growing arrays in the model's arena: *array (of `size`-byte elements) gets room for `need`. */
pg_status pgi_arena_grow(pgi_arena *arena, void *array, int n, int *room, int need, size_t size,
                         pg_error *err);
/* A value name that no graph of the model has used: "PREFIX/NAME", or with a number.  Both parts
** may be NULL. */
pg_status pgi_fresh_name(pgi_model *m, const char *prefix, const char *name, const char **out,
                         pg_error *err);
/* Forgets nodes, values and the uses of outer values, subgraphs included. */
void pgi_graph_clear(pg_graph *g);

/* ---- edit.c ---------------------------------------------------------------------------------------- */

/* Takes the use out of the list of its value and into that of v (NULL: of none). */
void pgi_use_set(pgi_use *use, pgi_value *v);
/* name == NULL: a fresh one.  PG_INVALID when the name is taken in this graph. */
pg_status pgi_edit_value(pg_graph *g, const char *name, pgi_value **out, pg_error *err);
pg_status pgi_edit_input(pg_graph *g, pgi_value *v, pg_error *err);  /* appends */
pg_status pgi_edit_output(pg_graph *g, pgi_value *v, pg_error *err); /* appends */
/* Shares the tensor. */
pg_status pgi_edit_constant(pg_graph *g, const char *name, const pg_tensor *t, pgi_value **out,
                            pg_error *err);
pg_status pgi_edit_constant_i64s(pg_graph *g, int64_t n, const int64_t *v, pgi_value **out,
                                 pg_error *err); /* rank 1, fresh name */
pg_status pgi_edit_constant_scalar(pg_graph *g, pg_dtype dtype, double v, pgi_value **out,
                                   pg_error *err); /* rank 0 */
/* A node before `before` (NULL: at the end).  Inputs may be NULL (omitted).  outputs[i] == NULL:
** omitted; else a value without producer.  op is resolved by the caller or by pgi_resolve. */
pg_status pgi_edit_node(pg_graph *g, pgi_node *before, const char *domain, const char *type,
                        int n_in, pgi_value *const *in, int n_out, pgi_value *const *out,
                        pgi_node **node, pg_error *err);
/* A node with one fresh output, resolved, at the newest version: for upgrades and expansions. */
pg_status pgi_edit_call(pg_graph *g, pgi_node *before, const char *type, int n_in,
                        pgi_value *const *in, pgi_node **node, pgi_value **out, pg_error *err);
/* Makes the node another operator (newest version), keeping inputs, outputs, attributes. */
pg_status pgi_edit_retype(pgi_node *node, const char *domain, const char *type, pg_error *err);
pg_status pgi_edit_set_input(pgi_node *node, int i, pgi_value *v, pg_error *err); /* may extend */
pg_status pgi_edit_set_inputs(pgi_node *node, int n, pgi_value *const *v, pg_error *err);
/* The node makes v (which has no producer) in place of what it made; NULL omits the output.  May
** extend.  What it made before stays in the graph, without a producer. */
pg_status pgi_edit_set_output(pgi_node *node, int i, pgi_value *v, pg_error *err);
/* Every use of `from` (subgraphs included, outputs too) becomes a use of `to`. */
void pgi_edit_replace(pgi_value *from, pgi_value *to);
/* As pgi_edit_replace, but when `from` is a graph output its name survives: `to` takes it (the
** names are swapped).  Fails (returns false, nothing done) when `to` is an input, a constant or
** already an output of that graph. */
bool pgi_edit_replace_keep_name(pgi_value *from, pgi_value *to);
/* Whether pgi_edit_replace_keep_name would lose neither an output's name nor a pinned value. */
bool pgi_edit_can_replace(const pgi_value *from, const pgi_value *to);
/* Output i of the node becomes out[i] under the node's names, and the node goes: how an expansion
** ends.  out[i] may be NULL where the node's output is unused. */
pg_status pgi_edit_replace_node(pgi_node *node, pgi_value *const *out, pg_error *err);
/* Its outputs must be unused.  The output values go with it, and its subgraphs are emptied. */
void pgi_edit_remove_node(pgi_node *node);
void pgi_edit_remove_value(pgi_value *v); /* unused, no producer, not an input */
void pgi_edit_move_before(pgi_node *node, pgi_node *before);
pg_status pgi_edit_rename(pgi_value *v, const char *name, pg_error *err);
/* The value goes too; one with a default stays as a constant; one that is used is PG_INVALID. */
pg_status pgi_edit_remove_input(pg_graph *g, int i, pg_error *err);
pg_status pgi_edit_remove_output(pg_graph *g, int i, pg_error *err);
/* Puts the nodes into topological order; PG_INVALID names a node on a cycle. */
pg_status pgi_graph_sort(pg_graph *g, pg_error *err);
/* Copies the nodes of `body` (same or another model) before `before` in g; body input i becomes
** in[i] (NULL: omitted), *out[i] is body output i.  attrs: the calling node, for ref attributes. */
pg_status pgi_edit_inline(pg_graph *g, pgi_node *before, const pg_graph *body, pgi_value *const *in,
                          int n_in, const pgi_node *caller, const pgi_function *function,
                          pgi_value **out, pg_error *err);
/* The same in place of `node`, with its inputs (a function call) or with none (function == NULL: a
** branch of an If); the node goes. */
pg_status pgi_edit_inline_node(pgi_node *node, const pg_graph *body, const pgi_function *function,
                               pg_error *err);

/* ---- function.c ------------------------------------------------------------------------------------ */

/* A function without nodes that imports what the model imports.  PG_INVALID when it is there. */
pg_status pgi_function_add(pgi_model *m, const char *domain, const char *name, const char *overload,
                           pgi_function **out, pg_error *err);
pgi_function *pgi_function_find(const pgi_model *m, const char *domain, const char *name,
                                const char *overload); /* NULL */
void pgi_function_remove(pgi_model *m, pgi_function *f);
/* The function whose body g is; NULL. */
pgi_function *pgi_function_of(const pg_graph *g);
/* An attribute without a default, by name; or with one. */
pg_status pgi_function_add_attr(pgi_function *f, const char *name, pg_error *err);
pg_status pgi_function_add_default(pgi_function *f, const pgi_attr *a, pg_error *err);
/* Functions can't hold initialisers: those of a function's body become Constant nodes. */
pg_status pgi_function_free_constants(pgi_function *f, pg_error *err);
/* Removes the functions that nothing calls. */
pg_status pgi_functions_prune(pgi_model *m, pg_error *err);

/* ---- surgery.c: on whole models.  A failure leaves a graph that is good for nothing but being freed:
** work on a clone -------------------------------------------------------------------------------------- */

/* Leaves only what lies between the values named `in` and `out`, which become the inputs and outputs;
** is_reached[i]: something used in[i], and so it stayed.  PG_INVALID when another input is needed. */
pg_status pgi_graph_extract(pg_graph *g, int n_in, const char *const *in, int n_out,
                            const char *const *out, bool *is_reached, pg_error *err);
/* Output `from` of the first model feeds input `to` of the second. */
typedef struct pgi_joint {
  const char *from, *to;
} pgi_joint;
/* Adds the model of `other` behind g.  Names of other that g knows get the prefix, with is_always all
** of them.  Outputs of g that feed other are no outputs any more.  Both import the same versions. */
pg_status pgi_graph_merge(pg_graph *g, const pg_graph *other, int n_joints, const pgi_joint *joints,
                          const char *prefix, bool is_always, pg_error *err);
/* To the newest operator sets, or where no operator changed in between to `opset` of ai.onnx (0: the
** newest); functions too.  Those that can't follow are inlined.  Nothing is expanded. */
pg_status pgi_graph_upgrade(pg_graph *g, int opset, pg_error *err);
/* unbatch.c: the batches of Scan-8 become Scans of their own. */
pg_status pgi_graph_unbatch(pg_graph *g, pg_error *err);
/* Calls of functions become their nodes; all in one opset afterwards. */
pg_status pgi_graph_inline(pg_graph *g, pg_error *err);

/* ---- verify.c -------------------------------------------------------------------------------------- */

/* Structure only: use lists, order, names, dangling values.  PG_INVALID names the first fault. */
pg_status pgi_graph_verify(const pg_graph *g, pg_error *err);

/* ---- resolve.c ------------------------------------------------------------------------------------- */

/* Finds node->op for every node (subgraphs too).  When operators are missing: PG_UNSUPPORTED with
** all of them, each once, as "unsupported operators: Foo (domain x, 3 nodes, first 'conv1'), ...".
** Calls of model-local functions are not missing.  Nodes in their operator's newest form are checked
** (pgi_node_check); older ones are once they have been upgraded. */
pg_status pgi_graph_resolve(pg_graph *g, pg_error *err);
/* Arity, attribute kinds, required attributes of a node in its operator's newest form. */
pg_status pgi_node_check(const pgi_node *node, pg_error *err);
/* Which node calls which model-local function. */
typedef struct pgi_function_index {
  pgi_map map;
  pgi_arena arena;
} pgi_function_index;
pg_status pgi_function_index_init(pgi_function_index *index, const pgi_model *m, pg_error *err);
void pgi_function_index_deinit(pgi_function_index *index); /* after a failed init too */
pgi_function *pgi_function_index_find(const pgi_function_index *index, const pgi_node *node);

/* ---- infer.c --------------------------------------------------------------------------------------- */

/* Types of all values of g and its subgraphs, from inputs and constants; merges with what is
** declared (a contradiction between declared and inferred is an error only when `strict`). */
pg_status pgi_graph_infer(pg_graph *g, bool strict, pg_error *err);
/* The same in full (deduce.c): contents of small tensors go along, sizes without a number are computed
** with by name ("2*N+1"), and those that depend on data get names ("unk_3"), also those of inputs. */
typedef struct pgi_deduce_options {
  bool is_strict;
  /* Runs a node on small tensors: pgi_eval_node. */
  pg_status (*eval)(const pgi_node *node, const pg_tensor *const *in, pg_tensor *out,
                    pg_error *err);
  /* Hears of contradictions between declared (v->type) and inferred, when not strict; may be NULL. */
  void (*conflict)(void *arg, const pgi_value *v, const pgi_type *inferred);
  void *arg;
} pgi_deduce_options;
pg_status pgi_graph_deduce(pg_graph *g, const pgi_deduce_options *options, pg_error *err);
/* Forgets the types of what nodes make, and in subgraphs of inputs: before inferring anew when the
** type of an input was changed, and where what a file declares must not be trusted (sessions). */
void pgi_graph_forget_types(pg_graph *g);

/* Where the types and contents of values come from that the node's subgraphs take from outside.
** Both may be NULL or return NULL: then the value's own type and constant are taken. */
typedef struct pgi_infer_env {
  pgi_arena *arena; /* for what results point to (pgi_type.elem) */
  const pgi_type *(*type)(void *arg, const pgi_value *v);
  const pg_tensor *(*content)(void *arg, const pgi_value *v);
  void *arg;
} pgi_infer_env;
/* The output types of one node from explicit input types and contents (in[i], value[i] as in
** pgi_infer; value may be NULL).  out: [n_out], overwritten.  Writes nothing into the graph, so that
** several threads may plan the same one: types inside subgraphs live for this call only.  What a file
** declares is not trusted. */
pg_status pgi_infer_node(const pgi_node *node, const pgi_type *const *in,
                         const pg_tensor *const *value, pgi_type *out, const pgi_infer_env *env,
                         pg_error *err);

/* ---- dump.c ---------------------------------------------------------------------------------------- */

/* A line of summary, then one line a node: text for people. */
void pgi_graph_text(const pg_graph *g, pgi_text *text);

/* ---- pass/NAME.c: each changes g and its subgraphs, and sets *changed to true when it did (else it
** leaves it alone) --------------------------------------------------------------------------------- */

typedef struct pgi_pass_options {
  const char *const *keep; /* names of values that must survive */
  int n_keep;
} pgi_pass_options;
/* Sets is_pinned of the values of g and its subgraphs from `keep` (o == NULL: of none).  Passes do
** this first. */
void pgi_graph_pin(pg_graph *g, const pgi_pass_options *o);
typedef pg_status pgi_pass_fn(pg_graph *g, const pgi_pass_options *o, bool *changed, pg_error *err);
pgi_pass_fn pgi_pass_inline;   /* calls of model-local functions become their nodes; nested too */
pgi_pass_fn pgi_pass_upgrade;  /* every node to the newest version of its operator */
pgi_pass_fn pgi_pass_expand;   /* operators with .expand become simpler nodes */
pgi_pass_fn pgi_pass_identity; /* Identity, no-op Cast, Dropout, Transpose, Reshape ... go */
pgi_pass_fn pgi_pass_cse;      /* equal nodes with equal inputs become one */
pgi_pass_fn pgi_pass_fuse;     /* op->absorb, until nothing changes */
pgi_pass_fn pgi_pass_dce;      /* nodes and initialisers that nothing needs go */

#endif
