/* move: elements from place to place, whatever their type is.
**
** An operator that only moves elements sees every tensor as an array of equal pieces: elements
** of less than a byte are unpacked to one byte each and packed again at the end; strings are
** moved as borrowed pg_string and copied deep at the end.  No operator has a loop for each
** element type. */
#ifndef PG_OP_MOVE_H
#define PG_OP_MOVE_H

#include "op/op.h"

/* ---- elements -------------------------------------------------------------------------------- */

typedef struct pgi_elems {
  char *data;
  size_t size; /* bytes of one element */
} pgi_elems;

/* The elements of a contiguous input, to be read only. */
pg_status pgi_elems_of(pgi_call *c, const pg_tensor *t, pgi_elems *out);
/* A place for the elements of a fresh contiguous output, and how they get from there into it: every
** element must have been written by then. */
pg_status pgi_elems_for(pgi_call *c, const pg_tensor *t, pgi_elems *out);
pg_status pgi_elems_done(pgi_call *c, pg_tensor *t, const pgi_elems *e);
/* pgi_call_alloc; nothing when nobody wants output i. */
pg_status pgi_elems_alloc(pgi_call *c, int i, pg_dtype dtype, int rank, const int64_t *dims);
/* n copies of one element. */
void pgi_elems_fill(char *to, const char *value, int64_t n, size_t size);
/* One element: the sizes that occur become a load and a store. */
static inline void pgi_elem_copy(char *to, const char *from, size_t size) {
  switch (size) {
    case 1:
      *to = *from;
      break;
    case 2:
      memcpy(to, from, 2);
      break;
    case 4:
      memcpy(to, from, 4);
      break;
    case 8:
      memcpy(to, from, 8);
      break;
    case 16:
      memcpy(to, from, 16);
      break;
    default:
      memcpy(to, from, size);
  }
}

/* ---- loops ----------------------------------------------------------------------------------- */

/* f(arg, first, n) over `rows` pieces of work that touch about `row_bytes` each, in parallel,
** cut by these numbers alone. */
void pgi_move_rows(pgi_call *c, int64_t rows, size_t row_bytes,
                   void (*f)(void *arg, int64_t first, int64_t n), void *arg);
/* pgi_copy_strided, in parallel. */
void pgi_move_strided(pgi_call *c, char *to, const int64_t *to_strides, const char *from,
                      const int64_t *from_strides, int rank, const int64_t *dims, size_t size);
/* memcpy, in parallel. */
void pgi_move_bytes(pgi_call *c, char *to, const char *from, size_t bytes);

/* out[o0, o1 ...] = in[map0[o0], map1[o1] ...]; where a map says -1: the fill element.  Dense
** arrays; maps: one of out_dims[i] entries for each axis. */
typedef struct pgi_mapped {
  int rank;
  const int64_t *out_dims, *in_dims;
  const int64_t *const *maps;
  const char *fill; /* NULL when no map says -1 */
} pgi_mapped;
pg_status pgi_move_mapped(pgi_call *c, char *to, const char *from, size_t size,
                          const pgi_mapped *m);

/* Row-major coordinates, counted up. */
typedef struct pgi_coords {
  int rank;
  const int64_t *dims; /* none of them 0 */
  int64_t at[PG_MAX_RANK];
} pgi_coords;
void pgi_coords_set(pgi_coords *k, int rank, const int64_t *dims, int64_t index);
void pgi_coords_next(pgi_coords *k);
/* Strides of a dense tensor; wraps when it is empty. */
void pgi_dense_strides(int rank, const int64_t *dims, int64_t *strides);

/* ---- numbers from inputs --------------------------------------------------------------------- */

/* Input i, NULL when it is omitted or, for inference, not known yet. */
static inline const pg_tensor *pgi_known(const pgi_infer *inf, int i) {
  return i < inf->n_in ? inf->value[i] : NULL;
}
static inline const pg_tensor *pgi_input(const pgi_call *c, int i) {
  return i < c->n_in && c->in[i] && c->in[i]->dtype != PG_NONE ? c->in[i] : NULL;
}
/* The numbers of an integer tensor of rank 0 or 1 with at most `max` of them; *n is -1 when t is
** NULL. */
pg_status pgi_list(const pg_tensor *t, const char *name, int64_t *out, int max, int *n,
                   pg_error *err);
/* The one number of a numeric tensor. */
pg_status pgi_scalar_i64(const pg_tensor *t, const char *name, int64_t *out, pg_error *err);
pg_status pgi_scalar_f64(const pg_tensor *t, const char *name, double *out, pg_error *err);
/* All numbers of an integer tensor of any rank, in scratch or in place. */
pg_status pgi_i64s(pgi_call *c, const pg_tensor *t, const int64_t **out);
/* An index in [-dim, dim) to [0, dim); PG_INVALID else. */
pg_status pgi_index(int64_t index, int64_t dim, int64_t *out, pg_error *err);

/* ---- inference ------------------------------------------------------------------------------- */

/* out[i], which the node must have, as a tensor whose dims are still unknown (rank -1: not even the
** rank); returns it. */
pgi_type *pgi_out_type(pgi_infer *inf, int i, pg_dtype dtype, int rank);
pg_status pgi_check_rank(int64_t rank, const char *name, pg_error *err); /* at most PG_MAX_RANK */
/* The number of elements of input i, a tensor of rank 1 (or 0: one); -1 when unknown. */
int64_t pgi_in_length(const pgi_infer *inf, int i);
/* As pgi_list of input i, which may be known in part or by symbols. */
pg_status pgi_num_list(const pgi_infer *inf, int i, const char *name, pgi_num *out, int max,
                       int *n);
/* Number i of the list `name`, a size, as a dim; PG_INVALID for negative numbers. */
pg_status pgi_num_size(const pgi_infer *inf, pgi_num num, const char *name, int i, pgi_dim *out);
/* A dtype attribute; `otherwise` when the node has none.  PG_INVALID for a number that is no
** element type of `types`. */
pg_status pgi_attr_dtype(const pgi_node *node, const char *name, pg_dtype otherwise,
                         pgi_types types, pg_dtype *out, pg_error *err);
/* Whether output 0 provably has the shape of input 0. */
bool pgi_keeps_shape(const pgi_node *node);

#endif
