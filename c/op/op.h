/* op: the operators, one file each (or a tight family), and the helpers they share.
**
** A file reads top to bottom: upgrade, infer, run, then the declaration.  See DESIGN.md. */
#ifndef PG_OP_H
#define PG_OP_H

#include "graph/opdef.h"
#include "kernel/kernel.h"

/* ---- infer.c: helpers for inference ------------------------------------------------------------- */

bool pgi_has_in(const pgi_infer *inf, int i);       /* present */
int pgi_in_rank(const pgi_infer *inf, int i);       /* -1: unknown or absent */
pg_dtype pgi_in_dtype(const pgi_infer *inf, int i); /* PG_NONE: unknown or absent */
pg_status pgi_infer_same(pgi_infer *inf);           /* out 0 as in 0 */
pg_status pgi_infer_same_as_bool(pgi_infer *inf);   /* out 0: shape of in 0, bool */
pg_status pgi_infer_broadcast(pgi_infer *inf);      /* dtype of in 0, all inputs joined */
pg_status pgi_infer_broadcast_bool(pgi_infer *inf); /* the same, bool */
/* Numpy broadcasting of two types' dims into `out` (rank and dims only). */
pg_status pgi_broadcast_dims(const pgi_type *a, const pgi_type *b, pgi_type *out, pg_error *err);
/* An axis attribute or value in [-rank, rank) to [0, rank); PG_INVALID else. */
pg_status pgi_axis(int64_t axis, int rank, int *out, pg_error *err);
/* The i64s of a known rank-0 or rank-1 integer tensor; false when absent or unknown.  At most `max`
** numbers are copied; *n is their count. */
bool pgi_known_i64s(const pgi_infer *inf, int i, int64_t *out, int max, int *n);
/* Axes from a known tensor or attribute, normalised, checked for range and repetition. */
pg_status pgi_axes(const int64_t *axes, int n, int rank, bool *is_in /* [rank] */, pg_error *err);

/* ---- upgrade.c: helpers for upgrades ------------------------------------------------------------- */

/* Moves an INTS (or INT as a scalar) attribute to input i as an i64 constant, when it is there. */
pg_status pgi_upgrade_ints_to_input(pgi_node *node, const char *attr, int i, pg_error *err);
/* Moves a FLOAT attribute to input i as a scalar of the element type of input 0. */
pg_status pgi_upgrade_float_to_input(pgi_node *node, const char *attr, int i, pg_error *err);
/* Opset < 7 arithmetic: `broadcast` and `axis` attributes become an Unsqueeze of input 1. */
pg_status pgi_upgrade_legacy_broadcast(pgi_node *node, pg_error *err);

/* ---- loop.c: loops over elements, broadcast, any element type --------------------------------------- */

/* Iterates n inputs broadcast to `dims` in row-major order, handing out runs along the innermost
** (coalesced) dimension: f(arg, out_offset, offsets[n], strides[n] of the run, length).  All in
** elements.  Cut into tasks of at least PG_GRAIN elements, run on c->threads. */
#define PG_GRAIN 16384
#define PG_LOOP_MAX_INPUTS 8
typedef void pgi_run_fn(void *arg, int64_t out, const int64_t *in, const int64_t *in_stride,
                        int64_t n);
pg_status pgi_broadcast_loop(pgi_call *c, const pg_tensor *out, int n_in,
                             const pg_tensor *const *in, pgi_run_fn *f, void *arg);
/* out[i] = f(in[i]) over flat ranges in parallel: f(arg, first, n). */
void pgi_flat_loop(pgi_call *c, int64_t n, void (*f)(void *arg, int64_t first, int64_t n),
                   void *arg);

#endif
