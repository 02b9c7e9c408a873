/* lanes: parallel tasks that need memory of their own.
**
** As many lanes as threads, each with a block of scratch.  What a task computes depends on its number
** alone, whichever lane takes it. */
#ifndef PG_OP_LANES_H
#define PG_OP_LANES_H

#include "op/op.h"

typedef struct pgi_lanes {
  pgi_call *call;
  char *scratch;
  size_t bytes; /* of one lane */
  int64_t n;
} pgi_lanes;

/* `bytes` for each of at most `max_tasks` lanes. */
pg_status pgi_lanes_init(pgi_lanes *l, pgi_call *c, int64_t max_tasks, size_t bytes);
/* fn(arg, i, scratch) for i in [0, n); n may be beyond max_tasks. */
void pgi_lanes_run(const pgi_lanes *l, int64_t n, void (*fn)(void *arg, int64_t i, void *scratch),
                   void *arg);

/* Scratch of the call for `count` elements of `size` bytes; PG_NOMEM also when that overflows. */
pg_status pgi_scratch_array(pgi_call *c, int64_t count, size_t size, void *out /* T ** */);

#endif
