/* resize_pass: linear and cubic resizing, one axis after the other. */
#ifndef PG_OP_RESIZE_PASS_H
#define PG_OP_RESIZE_PASS_H

#include "op/resize.h"

/* Input 0 into output 0; axes: [rank].  Neither is empty. */
pg_status pgi_resize_passes(pgi_call *c, const pgi_resize_way *way, const pgi_resize_axis *axes);

#endif
