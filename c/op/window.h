/* window: the attributes and shapes that convolutions and pools share. */
#ifndef PG_OP_WINDOW_H
#define PG_OP_WINDOW_H

#include "kernel/conv.h"
#include "op/op.h"

/* Reads strides, dilations, pads and kernel_shape of a node whose input 0 has `rank` dimensions.
** kernel: [rank - 2], what the weights say, -1 unknown; NULL when there are no weights.  Where the
** kernel can't be told, w->kernel[i] is -1. */
pg_status pgi_window_read(const pgi_node *node, int rank, const int64_t *kernel, pgi_window *w,
                          pg_error *err);
/* in_size, out_size and taps, when everything is known. */
pg_status pgi_window_sizes(pgi_window *w, pg_error *err);
/* Puts the window of a convolution or pool on in[0 .. w->n): resolves auto_pad, says what comes
** out.  An element of in may be -1, then so is that of w->out. */
pg_status pgi_window_fit(const pgi_node *node, const int64_t *in, pgi_window *w, pg_error *err);
/* The numbers of a shape's spatial part from a type: -1 where unknown.  The rank is known. */
void pgi_spatial_dims(const pgi_type *t, int64_t *out);
/* Output 0: [N, outputs, ...] of a window over input 0, whose rank is known, without dtype.
** kernel: as in pgi_window_read.  An unknown dimension that the window keeps keeps its symbol. */
pg_status pgi_infer_window(pgi_infer *inf, const int64_t *kernel, pgi_dim outputs, pgi_type *out);
/* Input 0 has a batch, channels and at least one spatial axis. */
pg_status pgi_check_spatial(int rank, pg_error *err);
/* A rank-1 list attribute of n elements in [low, INT32_MAX]; `missing` when the node has none. */
pg_status pgi_spatial_attr(const pgi_node *node, const char *name, int n, int64_t low,
                           int64_t missing, int64_t *out, pg_error *err);
/* The upgrade of LpPool-1 and GlobalLpPool-1, whose p was a float. */
pg_status pgi_upgrade_lp(pgi_node *node, int version, pg_error *err);
/* The dims of a type as numbers; false when not all are known. */
bool pgi_known_dims(const pgi_type *t, int64_t *out);

#endif
