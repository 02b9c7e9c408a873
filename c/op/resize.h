/* resize: which input positions make an output position, and how much of each. */
#ifndef PG_OP_RESIZE_H
#define PG_OP_RESIZE_H

#include "op/op.h"

typedef enum pgi_resize_mode {
  PG_RESIZE_NEAREST,
  PG_RESIZE_LINEAR,
  PG_RESIZE_CUBIC
} pgi_resize_mode;

typedef enum pgi_resize_coordinates {
  PG_HALF_PIXEL,
  PG_HALF_PIXEL_SYMMETRIC,
  PG_PYTORCH_HALF_PIXEL,
  PG_ALIGN_CORNERS,
  PG_ASYMMETRIC,
  PG_TF_HALF_PIXEL_FOR_NN, /* Resize-11 only */
  PG_TF_CROP_AND_RESIZE
} pgi_resize_coordinates;

typedef enum pgi_resize_nearest {
  PG_ROUND_PREFER_FLOOR,
  PG_ROUND_PREFER_CEIL,
  PG_FLOOR_OF,
  PG_CEIL_OF,
  PG_SIMPLE /* before version 11: ceil when shrinking, else floor */
} pgi_resize_nearest;

typedef struct pgi_resize_way {
  pgi_resize_mode mode;
  pgi_resize_coordinates coordinates;
  pgi_resize_nearest nearest;
  bool is_antialiased, excludes_outside;
  bool has_whole_length; /* corners are those of the whole output length, see read_way */
  double cubic_a;
} pgi_resize_way;

/* One axis. */
typedef struct pgi_resize_axis {
  int64_t in, out;   /* -1: not known */
  double scale;      /* as given, or out / in */
  double length;     /* scale * in, which may be no whole number; or out */
  double start, end; /* region of interest, [0, 1] for all */
} pgi_resize_axis;

/* Whether the axis stays as it is. */
bool pgi_resize_is_same(const pgi_resize_way *way, const pgi_resize_axis *axis);
/* map[j]: where output j comes from; -1: from outside of a crop. */
void pgi_resize_map(const pgi_resize_way *way, const pgi_resize_axis *axis, int64_t *map);

/* Output j is the sum over k of weight[j * n + k] * input[index[j * n + k]]. */
typedef struct pgi_resize_taps {
  int64_t n;
  int64_t *index;
  double *weight;
  bool *is_outside; /* [out]: of a crop */
} pgi_resize_taps;
int64_t pgi_resize_tap_count(const pgi_resize_way *way, const pgi_resize_axis *axis);
/* Fills arrays that have room for out * n. */
void pgi_resize_fill(const pgi_resize_way *way, const pgi_resize_axis *axis, pgi_resize_taps *taps);

#endif
