/* combine: what scattered values do to those that are there. */
#ifndef PG_OP_COMBINE_H
#define PG_OP_COMBINE_H

#include "op/op.h"

typedef enum pgi_reduction {
  PG_REDUCE_NONE,
  PG_REDUCE_ADD,
  PG_REDUCE_MUL,
  PG_REDUCE_MIN,
  PG_REDUCE_MAX
} pgi_reduction;

/* The `reduction` attribute; PG_INVALID when it is unknown or has no meaning for the element
** type. */
pg_status pgi_reduction_of(const pgi_node *node, pg_dtype dtype, pgi_reduction *out, pg_error *err);
/* to[i] = to[i] op from[i] for n elements of whole bytes.  NaN wins over any number. */
void pgi_combine(pgi_reduction reduction, pg_dtype dtype, void *to, const void *from, int64_t n);

#endif
