/* Copying graphs, shared by clone.c (a model into a fresh one) and inline.c (a body into a graph). */
#ifndef PG_COPY_H
#define PG_COPY_H

#include "graph/graph.h"

typedef struct pgi_copier {
  pgi_model *from, *to; /* may be the same */
  pgi_ptrmap values;    /* old -> new; a value mapped to NULL is an omitted input */
  /* Inlining only. */
  bool is_inline;               /* values get fresh names */
  const pgi_map *node_names;    /* merging: only what is in here, or among the values of `to`, gets
                                ** the prefix; NULL: all */
  const char *prefix;           /* of these names; NULL */
  const pgi_function *function; /* whose body it is: `ref` attributes are resolved; NULL */
  const pgi_node *caller;       /* gives them, before the function's defaults */
} pgi_copier;

void pgi_copier_init(pgi_copier *c, pgi_model *from, pgi_model *to);
void pgi_copier_deinit(pgi_copier *c);
/* A string in the arena of the target; NULL gives NULL. */
pg_status pgi_copy_text(pgi_copier *c, const char *text, const char **out, pg_error *err);
pg_status pgi_copy_bytes(pgi_copier *c, pgi_bytes bytes, pgi_bytes *out, pg_error *err);
pg_status pgi_copy_attr(pgi_copier *c, const pgi_attr *from, pg_graph *parent, pgi_attr *out,
                        pg_error *err);
/* The values of `from` that are not mapped yet, inputs among them (as values, not as inputs). */
pg_status pgi_copy_values(pgi_copier *c, const pg_graph *from, pg_graph *to, pg_error *err);
pg_status pgi_copy_nodes(pgi_copier *c, const pg_graph *from, pg_graph *to, pgi_node *before,
                         pg_error *err);
/* What stands for v in the copy: NULL for an omitted one. */
pg_status pgi_copy_of(pgi_copier *c, pgi_value *v, pgi_value **out, pg_error *err);
pg_status pgi_copy_function(pgi_copier *c, const pgi_function *from, pgi_function *to,
                            pg_error *err);
/* All of a graph into an empty one. */
pg_status pgi_copy_graph(pgi_copier *c, const pg_graph *from, pg_graph *to, pg_error *err);

#endif
