/* rotary: rotary position embedding (Su et al., "RoFormer", 2021) of heads in f32. */
#ifndef PG_OP_ROTARY_H
#define PG_OP_ROTARY_H

#include "op/attend.h"

typedef struct pgi_rotary {
  int64_t batch, heads, length, size;
  int64_t rotated;              /* even, at most size: the rest of a head stays */
  const float *cosines, *sines; /* [rows, rotated / 2] */
  int64_t rows;
  const int64_t *row;  /* [batch, length]: each in [0, rows) */
  bool is_interleaved; /* pairs are neighbours; else halves apart */
} pgi_rotary;

/* to may be from. */
void pgi_rotary_run(pgi_call *c, const pgi_rotary *r, const pgi_heads *from, const pgi_heads *to);

#endif
