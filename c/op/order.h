/* order: elements of any type as numbers that sort, and sorting. */
#ifndef PG_OP_ORDER_H
#define PG_OP_ORDER_H

#include "op/op.h"

/* Unsigned numbers in the order of n real elements: -0 equals 0, NaNs are equal and above all. */
void pgi_order_keys(pg_dtype dtype, const void *data, int64_t first, int64_t n, uint64_t *keys);
/* Below, at or above 0 as a comes before, with or behind b. */
typedef int pgi_order_fn(const void *arg, int64_t a, int64_t b);
/* Sorts index[0..n), keeping the order of what is equal.  temp: [n]. */
void pgi_order_sort(int64_t *index, int64_t *temp, int64_t n, pgi_order_fn *compare,
                    const void *arg);
int pgi_order_strings(pg_string a, pg_string b); /* by bytes */

#endif
