/* einsum: the parsed equation of an Einsum. */
#ifndef PG_OP_EINSUM_H
#define PG_OP_EINSUM_H

#include "op/op.h"

enum {
  PG_EINSUM_LETTERS = 52,                            /* A-Z, then a-z: the order of the output */
  PG_EINSUM_LABELS = PG_EINSUM_LETTERS + PG_MAX_RANK /* and one for each axis of "..." */
};

/* The labels of a tensor's axes. */
typedef struct pgi_einsum_term {
  int n;
  uint8_t label[PG_MAX_RANK];
} pgi_einsum_term;

typedef struct pgi_einsum {
  int n_in;
  pgi_einsum_term in[PG_MANY], out;
} pgi_einsum;

/* rank: [n_in]; n_in operands were given. */
pg_status pgi_einsum_parse(pg_string equation, int n_in, const int *rank, pgi_einsum *out,
                           pg_error *err);

#endif
