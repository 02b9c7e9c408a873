/* sequence: what the operators on sequences and optionals share. */
#ifndef PG_OP_SEQUENCE_H
#define PG_OP_SEQUENCE_H

#include "op/op.h"

/* out[i]: a sequence of tensors of this element type, whose shapes may differ. */
pg_status pgi_infer_sequence(pgi_infer *inf, int i, pg_dtype dtype);
/* The same of elements like `elem`.  Shapes are told to people only (pgi_infer.content): a plan must not
** build on them. */
pg_status pgi_infer_sequence_of(pgi_infer *inf, int i, const pgi_type *elem);
/* The type of the elements of input i: rank -1 when their shapes differ or are not known. */
pgi_type pgi_in_elem_type(const pgi_infer *inf, int i);
/* The element type of the sequence (or optional one) at input i; PG_NONE: unknown. */
pg_dtype pgi_in_elem(const pgi_infer *inf, int i);
/* Input i, which must be a sequence, and its length. */
pg_status pgi_read_sequence(pgi_call *c, int i, const pg_tensor **out, int64_t *n);
/* Output i is t: shared, or copied when memory is there already. */
pg_status pgi_give(pgi_call *c, int i, const pg_tensor *t);

#endif
