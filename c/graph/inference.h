/* inference: what infer.c and deduce.c share while types are being told. */
#ifndef PG_INFERENCE_H
#define PG_INFERENCE_H

#include "graph/propagate.h"

typedef struct pgi_inference {
  pg_context *ctx;
  const pgi_infer_env *env;
  const pgi_deduce_options *deduce; /* NULL: types alone */
  bool takes_hints, is_strict;
  pgi_ptrmap types;  /* value -> pgi_type *, in `arena` */
  pgi_ptrmap visits; /* body -> how often it was looked at */
  pgi_ptrmap facts;  /* value -> what is in it, for deduce.c */
  struct pgi_fact *first_fact;
  pgi_map aliases; /* names that we gave -> names that the file has for the same size */
  int64_t next_name;
  pgi_arena arena;
  pg_error *err;
} pgi_inference;

/* Room for the inputs and outputs of one node, kept from node to node. */
typedef struct pgi_node_lists {
  const pgi_type **in;
  const pg_tensor **value;
  const pgi_content **content;
  pgi_type *out;
  pgi_content **result;
  pg_tensor *tensor; /* clear between nodes */
  int64_t in_room, value_room, content_room, out_room, result_room, tensor_room;
} pgi_node_lists;

/* ---- infer.c ------------------------------------------------------------------------------------- */

const pgi_type *pgi_inferred_type(const pgi_inference *run, const pgi_value *v);
const pg_tensor *pgi_inferred_tensor(const pgi_inference *run, const pgi_value *v);
/* The whole graph; deduce may be NULL. */
pg_status pgi_infer_graph(pg_graph *g, bool strict, const pgi_deduce_options *deduce,
                          pg_error *err);

/* ---- deduce.c: none of these is called without run->deduce ----------------------------------------- */

void pgi_deduce_begin(pgi_inference *run, const pgi_model *m);
void pgi_deduce_end(pgi_inference *run); /* frees what is no arena's */
/* What is in v, when that is known in numbers alone; NULL. */
const pg_tensor *pgi_deduced_tensor(const pgi_inference *run, const pgi_value *v);
/* The same, or known in part: *out is NULL when nothing is.  value: in numbers, or NULL. */
pg_status pgi_deduced_content(pgi_inference *run, const pgi_value *v, const pg_tensor *value,
                              const pgi_content **out);
/* Gives names to the sizes of v that have neither number nor name. */
pg_status pgi_deduce_names(pgi_inference *run, const pgi_value *v, const pgi_type *found,
                           pgi_type *type);
/* What is in the outputs of a node whose types are concluded. */
pg_status pgi_deduce_contents(pgi_inference *run, const pgi_node *node, pgi_node_lists *l);
/* Copies all texts to where the model keeps its own. */
pg_status pgi_deduce_keep(pgi_inference *run, pgi_model *m);

#endif
