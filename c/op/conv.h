/* conv: what the convolutions share: shapes, fused activations, and the f32 engine. */
#ifndef PG_OP_CONV_H
#define PG_OP_CONV_H

#include "op/activation.h"
#include "op/lanes.h"
#include "op/window.h"

/* X [batch, channels, ...], W [outputs, channels / groups, ...]. */
typedef struct pgi_conv {
  int64_t batch, channels, outputs, groups;
  int64_t in_per_group, out_per_group;
  pgi_window w;
} pgi_conv;

/* From the dims of X and W, all known.  Checks them against each other. */
pg_status pgi_conv_init(pgi_conv *c, const pgi_node *node, int x_rank, const int64_t *x_dims,
                        int w_rank, const int64_t *w_dims, pg_error *err);
/* Output 0 of a convolution of inputs 0 (X) and i_w (W), as far as it can be told; no dtype. */
pg_status pgi_infer_conv(pgi_infer *inf, int i_w, pgi_type *out);
/* A bias, if there is one, is [outputs]. */
pg_status pgi_check_bias(const pg_tensor *b, int64_t outputs, pg_error *err);

/* The absorb of Conv and FusedConv: BatchNormalization, per-channel Mul and Add, a sum, an
** activation. */
pg_status pgi_conv_absorb(pgi_node *node, bool *changed, pg_error *err);
/* That of ConvTranspose: the same without what needs FusedConv. */
pg_status pgi_conv_transpose_absorb(pgi_node *node, bool *changed, pg_error *err);

/* Weights in the form the engine wants. */
typedef struct pgi_conv_weights {
  float *plain;  /* [outputs, in_per_group, taps] when depthwise */
  float *packed; /* [groups][packed_size] else */
  int64_t packed_size;
} pgi_conv_weights;

/* Few outputs from one channel: a product would have nothing to reuse. */
bool pgi_conv_is_depthwise(const pgi_conv *c);
pg_status pgi_conv_weights_init(pg_context *ctx, const pgi_conv *c, const pg_tensor *w,
                                pgi_conv_weights *out, pg_error *err);
void pgi_conv_weights_deinit(pg_context *ctx, pgi_conv_weights *w);

/* y = epilogue(conv(x)); x, y f32.  The epilogue's addends are those of one image's
** [outputs, out_size]; z: [batch, outputs, out_size], NULL, is added before the activation. */
pg_status pgi_conv_run_f32(pgi_call *call, const pgi_conv *c, const pgi_conv_weights *w,
                           const float *x, const float *bias, const float *z, const pgi_epilogue *e,
                           float *y);

#endif
