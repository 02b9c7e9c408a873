/* blocked: convolutions and pools over images whose channels lie in blocks.
**
** A blocked value is [N, ceil(C / lanes), H, W, lanes]: one pixel of one block is one vector.  What
** a convolution adds up for a tile of pixels and two blocks of outputs stays in registers over
** all channels and taps: weights come as vectors, inputs as single numbers that are broadcast.
** Borders are no special case of the data: taps that fall beside the image are left out.
**
** Lanes beyond the last channel hold anything and are never mixed into other lanes. */
#ifndef PG_KERNEL_BLOCKED_H
#define PG_KERNEL_BLOCKED_H

#include "kernel/gemm.h"
#include "kernel/unary.h"

enum {
  PG_BLOCKED_MAX_LANES = 16,
  PG_BLOCKED_TILE = 2,      /* blocks of outputs that are computed together */
  PG_BLOCKED_MAX_WIDTH = 32 /* taps along a line, at most */
};

/* How a window moves, where things lie, what happens to the sums. */
typedef struct pgi_blocked_conv {
  int64_t in_h, in_w, out_h, out_w;
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, before_h, before_w;
  /* Channel c of the pixel (h, w) is
  ** x[c / depth * block + c % depth * channel + (h * in_w + w) * pixel]: a blocked image has
  ** depth = lanes, channel = 1, pixel = lanes; a plain one, whose channels are then few,
  ** depth = channels, channel = in_h * in_w, pixel = 1. */
  int64_t channels, depth, block, channel, pixel;
  int64_t out_block; /* from one block of outputs to the next */
  /* Weights that will be wanted next are brought closer bit by bit: from `ahead` on, `ahead_step`
  ** floats for each channel of each tap of each tile.  Anything may be there, or nothing. */
  const float *ahead;
  int64_t ahead_step;
  float low, high;       /* results are brought between these ... */
  pgi_unary_f32_fn *map; /* ... and then mapped; NULL: not */
  float a, b;
} pgi_blocked_conv;

/* The table of family PG_K_BLOCKED_F32. */
typedef struct pgi_blocked_f32 {
  int lanes, tile; /* tile: the most pixels that are computed together */
  /* Outputs [ox, ox + n) of the lines [oy, oy + lines), of `blocks` (1 to PG_BLOCKED_TILE) blocks of outputs.
  ** x: the image from its first channel that counts; w: the packed weights of these blocks; bias:
  ** [blocks * lanes]; z (may be NULL: nothing is added) and y: the first block's image. */
  void (*conv)(const pgi_blocked_conv *c, int blocks, const float *x, const float *w,
               const float *bias, const float *z, float *y, int64_t oy, int64_t lines, int64_t ox,
               int64_t n);
  /* Depthwise: a line of one block, each lane with weights of its own.  w: [taps][lanes]. */
  void (*depthwise)(const pgi_blocked_conv *c, const float *x, const float *w, const float *bias,
                    const float *z, float *y, int64_t oy);
  /* The maximum (of no taps: -infinity; never NaN) or the sum over the taps, for a line of one
  ** block. */
  void (*max_line)(const pgi_blocked_conv *c, const float *x, float *y, int64_t oy);
  void (*sum_line)(const pgi_blocked_conv *c, const float *x, float *y, int64_t oy);
  /* y[i * lanes + l] = max(low, min(high, x[...] * scale[l] + shift[l])) for i in [0, n). */
  void (*affine)(int64_t n, const float *x, const float *scale, const float *shift, float low,
                 float high, float *y);
  /* y[l] = the sum of x[i * lanes + l] over i in [0, n). */
  void (*total)(int64_t n, const float *x, float *y);
  /* Winograd's transforms of one tile of one block: out x out outputs, from line oy and column ox
  ** on, are made of size x size inputs (size: 4, 6 or 8; out: size - kernel + 1).
  ** Number f of the transformed inputs, row by row, goes to v[f * step]. */
  void (*winograd_in)(const pgi_blocked_conv *c, int size, int out, const float *x, int64_t oy,
                      int64_t ox, float *v, int64_t step);
  /* From the products v[f * step] to the outputs that are on the image, with bias, z and bounds as
  ** conv does.  z, y: the block's image. */
  void (*winograd_out)(const pgi_blocked_conv *c, int size, int out, const float *v, int64_t step,
                       const float *bias, const float *z, float *y, int64_t oy, int64_t ox);
  /* Transforms the weights of `lanes` outputs for one input: number t of the taps is
  ** g[t * lanes + l]; matrix: pgi_winograd_matrix.  Number f of those transformed goes to
  ** to[f * step + l]. */
  void (*winograd_weights)(int size, int taps, const float *matrix, const float *g, float *to,
                           int64_t step);
  /* Functions for whole vectors; NULL: those of family PG_K_UNARY_F32 are as good. */
  pgi_unary_f32_fn *hard_swish, *sigmoid, *swish;
} pgi_blocked_f32;

/* Packed weights of a convolution: for each PG_BLOCKED_TILE blocks of outputs (the last may be
** fewer), for each block of `depth` channels, for each tap, for each channel: one number for each
** output, zero beyond the last.  w: [outputs][channels][taps]. */
int64_t pgi_blocked_packed_size(int lanes, int64_t outputs, int64_t channels, int64_t taps);
void pgi_blocked_pack(int lanes, int64_t outputs, int64_t channels, int64_t depth, int64_t taps,
                      const float *w, float *to);

/* ---- winograd.c: S. Winograd's minimal filtering, as in Lavin and Gray, "Fast Algorithms for
** Convolutional Neural Networks" (2015) -------------------------------------------------------- */

void pgi_winograd_in_scalar(const pgi_blocked_conv *c, int size, int out, const float *x,
                            int64_t oy, int64_t ox, float *v, int64_t step);
void pgi_winograd_out_scalar(const pgi_blocked_conv *c, int size, int out, const float *v,
                             int64_t step, const float *bias, const float *z, float *y, int64_t oy,
                             int64_t ox);
/* The matrix G, [size x taps], and g[taps x taps] to G g G^T, to[f * step] for f in [0, size * size). */
void pgi_winograd_matrix(int size, int taps, float *to);
void pgi_winograd_weights(int size, int taps, const float *g, float *to, int64_t step);
void pgi_winograd_weights_scalar(int size, int taps, const float *matrix, const float *g, float *to,
                                 int64_t step);

/* Sets c->ahead for `next`, weights of `width` outputs like those used now, which serve `lines` calls
** for n pixels each in tiles of `tile`. */
static inline void pgi_blocked_ahead(pgi_blocked_conv *c, const float *next, int tile,
                                     int64_t width, int64_t n, int64_t lines) {
  int64_t passes = 2 * n <= tile ? (lines + 1) / 2 : (n + tile - 1) / tile * lines;
  c->ahead = next;
  c->ahead_step = (width + passes - 1) / passes;
}

/* The lines of the kernel [*from, *to) that meet the image for outputs of line oy. */
static inline void pgi_blocked_lines(const pgi_blocked_conv *c, int64_t oy, int64_t *from,
                                     int64_t *to) {
  int64_t y = oy * c->stride_h - c->before_h, d = c->dilation_h;
  *from = y >= 0 ? 0 : (-y + d - 1) / d;
  *to = y >= c->in_h ? 0 : PG_MIN((c->in_h - y + d - 1) / d, c->kernel_h);
  if (*from > *to) *from = *to;
}

#endif
