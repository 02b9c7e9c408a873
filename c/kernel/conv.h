/* conv: sliding windows over planes, for convolutions and pools.
**
** A plane is one channel of one image, of any number of spatial axes.  Before windows slide over
** it, it is copied with its padding written out and its last axis split by phase: the elements
** 0, s, 2s ... of a line, then 1, s + 1 ..., where s is the stride.  After that the elements that
** one tap of the window meets along a line of outputs lie side by side, whatever the stride and
** dilation, and no border is left to look after: output j of a line is made of src[at[t] + j] for
** each tap t. */
#ifndef PG_KERNEL_CONV_H
#define PG_KERNEL_CONV_H

#include "kernel/kernel.h"

enum { PG_MAX_SPATIAL = PG_MAX_RANK - 2 };

/* How a window of kernel[] taps moves over in[] elements.  All counts are >= 1 but in[] and pads,
** which may be 0; the products fit. */
typedef struct pgi_window {
  int n; /* spatial axes */
  int64_t in[PG_MAX_SPATIAL], out[PG_MAX_SPATIAL], kernel[PG_MAX_SPATIAL];
  int64_t stride[PG_MAX_SPATIAL], dilation[PG_MAX_SPATIAL];
  int64_t before[PG_MAX_SPATIAL], after[PG_MAX_SPATIAL]; /* padding */
  int64_t in_size, out_size, taps;                       /* products */
} pgi_window;

/* The copy of a plane. */
typedef struct pgi_plane {
  int64_t size;                   /* elements of the copy */
  int64_t step[PG_MAX_SPATIAL];   /* from one output to the next along an axis; the last is 1 */
  int64_t line[PG_MAX_SPATIAL];   /* from one element to the next along an axis but the last */
  int64_t extent[PG_MAX_SPATIAL]; /* elements along an axis, padding included; unused ends not */
  int64_t phase;                  /* elements of one phase of a line */
  bool is_plain;                  /* the copy would equal the original */
} pgi_plane;

/* False when the copy would be out of proportion to the plane (absurd padding or stride). */
bool pgi_plane_init(pgi_plane *p, const pgi_window *w);
/* `pad` is written where the plane has no elements.  to: [p->size] */
void pgi_plane_pack(const pgi_plane *p, const pgi_window *w, const float *from, float pad,
                    float *to);
/* at: [w->taps] */
void pgi_plane_taps(const pgi_plane *p, const pgi_window *w, int64_t *at);
/* Where the first output of a line (counted over all outer axes) begins in the copy. */
int64_t pgi_plane_line(const pgi_plane *p, const pgi_window *w, int64_t line);
/* Calls f for each line of outputs: offsets of its first element in the copy and among the
** outputs.  `rows` lines follow each other at src_step and out_step. */
typedef void pgi_lines_fn(void *arg, int64_t src, int64_t out, int64_t rows, int64_t src_step,
                          int64_t out_step);
void pgi_plane_lines(const pgi_plane *p, const pgi_window *w, pgi_lines_fn *f, void *arg);

/* The table of family PG_K_CONV_DW_F32. */
typedef struct pgi_conv_f32 {
  /* out[r * out_step + j] = bias + sum over t of w[t] * src[r * src_step + at[t] + j]. */
  void (*rows)(int64_t rows, int64_t n, int64_t taps, const int64_t *at, const float *w, float bias,
               const float *src, int64_t src_step, float *out, int64_t out_step);
  /* to[p * nr + j] = src[at[p] + j] for p in [0, k), j in [0, n), n <= nr. */
  void (*gather)(int64_t k, const int64_t *at, const float *src, int64_t n, int nr, float *to);
} pgi_conv_f32;

/* The table of family PG_K_POOL_F32: maximum and sum over taps.  NaN never is a maximum. */
typedef struct pgi_pool_f32 {
  void (*max_rows)(int64_t rows, int64_t n, int64_t taps, const int64_t *at, const float *src,
                   int64_t src_step, float *out, int64_t out_step);
  void (*sum_rows)(int64_t rows, int64_t n, int64_t taps, const int64_t *at, const float *src,
                   int64_t src_step, float *out, int64_t out_step);
  float (*max)(int64_t n, const float *x); /* -infinity of none */
  float (*sum)(int64_t n, const float *x);
} pgi_pool_f32;

/* Windows over packed planes as the right side of a product: columns are outputs, rows are
** (channel, tap).  For pgi_product.fill. */
typedef struct pgi_im2col {
  const pgi_conv_f32 *kernel;
  const pgi_window *window;
  const pgi_plane *plane;
  const float *src;  /* channels of plane->size each */
  const int64_t *at; /* [channels * taps] */
} pgi_im2col;
void pgi_im2col_fill(const void *im2col, int64_t p0, int64_t k, int64_t j0, int64_t n, int nr,
                     float *to);

#endif
