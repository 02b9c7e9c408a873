/* activation: what convolutions and matrix products do to their results before they are stored. */
#ifndef PG_OP_ACTIVATION_H
#define PG_OP_ACTIVATION_H

#include "kernel/gemm.h"
#include "op/op.h"

/* Reads attribute "activation" with "activation_params" (FusedConv) or "activation_alpha" and
** "activation_beta" (FusedGemm).  e stays as it is when the node has none. */
pg_status pgi_read_activation(const pgi_node *node, pgi_epilogue *e, pg_error *err);
/* The activation that a node of one input and one output computes, as those attributes have it;
** false when the engine has none for it. */
bool pgi_activation_of(const pgi_node *node, const char **name, float params[2], int *n_params);
/* Gives the node the activation of its only consumer, which goes. */
pg_status pgi_absorb_activation(pgi_node *node, const char *domain, const char *type, bool *changed,
                                pg_error *err);
/* The same, and the smooth curves that only matrix products do. */
pg_status pgi_read_curve(const pgi_node *node, pgi_epilogue *e, pg_error *err);
pg_status pgi_absorb_curve(pgi_node *node, const char *domain, const char *type, bool *changed,
                           pg_error *err);
/* Gives the node, as input 3, what its only consumer adds to its output; that consumer goes. */
pg_status pgi_absorb_sum(pgi_node *node, const char *domain, const char *type, bool *changed,
                         pg_error *err);
/* `node` makes what `next`, the only consumer of its output 0, made; `next` goes. */
pg_status pgi_absorb_node(pgi_node *node, pgi_node *next, pg_error *err);

#endif
