/* blocked: the private operators on values whose channels lie in blocks (c/kernel/blocked.h), and what
** they share.  Sessions put them into their programs (c/session/layout.c); models can't name them.
**
** A value [N, C, spatial...] becomes [N, ceil(C / lanes), spatial..., lanes].  How many channels there
** are is no part of that shape: operators that need it have it from their weights or an attribute. */
#ifndef PG_OP_BLOCKED_H
#define PG_OP_BLOCKED_H

#include "kernel/blocked.h"
#include "op/conv.h"

enum { PG_BLOCKED_MAX_SPATIAL = 2 };

/* The type of a plain value in blocks, and of a blocked one in a plane (channels: may be unknown). */
void pgi_type_to_blocked(const pgi_type *plain, int64_t lanes, pgi_type *out);
void pgi_type_from_blocked(const pgi_type *blocked, pgi_dim channels, pgi_type *out);
/* Attribute "lanes", which is what this machine's kernels have. */
pg_status pgi_blocked_lanes(const pgi_call *call, int64_t *out);
/* The window of a convolution or pool over blocked images of `lanes`. */
void pgi_blocked_window(const pgi_window *w, int64_t lanes, pgi_blocked_conv *out);
/* Infers with the plain type of input 0 in its place and blocks output 0. */
pg_status pgi_infer_unblocked(pgi_infer *inf, pgi_dim channels,
                              pg_status (*infer)(pgi_infer *inf, pgi_type *out));
/* How work on `units` things (planes of one block, tiles of outputs) of `lines` lines each is cut into
** tasks: pieces of lines, and for each piece groups of things.  Pieces come first in the order of
** tasks, so that a thread has the same part of the image in one layer and the next; they are of one
** size, and a multiple of `step` lines but for the last.  Depends on the shape alone. */
typedef struct pgi_blocked_cut {
  int64_t lines, per_piece, pieces, units, per_group, groups;
} pgi_blocked_cut;
/* least: lines of a piece, at least; bytes: of input that a line of a unit reads; work: multiplications
** that a line of it takes. */
void pgi_blocked_cut_init(pgi_blocked_cut *cut, int64_t lines, int64_t step, int64_t least,
                          int64_t units, int64_t bytes, int64_t work);
static inline int64_t pgi_blocked_cut_tasks(const pgi_blocked_cut *cut) {
  return cut->pieces * cut->groups;
}
/* Lines [*line, *line_end) of units [*unit, *unit_end) are task i. */
static inline void pgi_blocked_cut_task(const pgi_blocked_cut *cut, int64_t i, int64_t *line,
                                        int64_t *line_end, int64_t *unit, int64_t *unit_end) {
  *line = i / cut->groups * cut->per_piece;
  *line_end = PG_MIN(*line + cut->per_piece, cut->lines);
  *unit = i % cut->groups * cut->per_group;
  *unit_end = PG_MIN(*unit + cut->per_group, cut->units);
}

/* ---- blocked_conv.c --------------------------------------------------------------------------- */

/* What kind of work a convolution is for the blocked kernels; 0: none, it stays plain. */
typedef enum pgi_blocked_kind {
  PG_BLOCKED_NONE,
  PG_BLOCKED_DENSE,
  PG_BLOCKED_DEPTHWISE
} pgi_blocked_kind;
pgi_blocked_kind pgi_blocked_kind_of(const pgi_node *conv, const pg_tensor *w, int64_t lanes);

/* ---- blocked_winograd.c ------------------------------------------------------------------------ */

/* The side of the tiles of outputs (2, 4 or 6) that a convolution of `taps` x `taps` should be made
** with, 0: without Winograd.  h, w: of the outputs; n: images. */
int pgi_winograd_choose(int64_t lanes, int64_t inputs, int64_t outputs, int64_t taps, int64_t n,
                        int64_t h, int64_t w);
/* Floats of transformed weights, and the weights [outputs][inputs][taps * taps] transformed. */
int64_t pgi_winograd_size(int lanes, int out, int64_t inputs, int64_t outputs, int64_t taps);
void pgi_winograd_pack(const pgi_blocked_f32 *kernel, int out, int64_t inputs, int64_t outputs,
                       int64_t side, const float *w, float *to);
/* c: as for the direct way (bounds, sizes); x, z, y: [images] of image_in and image_out floats. */
typedef struct pgi_winograd {
  const pgi_blocked_f32 *kernel;
  const pgi_blocked_conv *c;
  int out;
  int64_t images, outputs, image_in, image_out;
  const float *weights, *bias, *x, *z;
  float *y;
} pgi_winograd;
pg_status pgi_winograd_run(pgi_call *call, const pgi_winograd *w);

#endif
