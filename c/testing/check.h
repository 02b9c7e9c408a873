/* check: what the checks of kernels share.  A check compares one variant with the definition of its
** family, computed in doubles or exactly, and where the family promises the same bits with the scalar
** variant too.
**
** Buffers end at a page that nobody may touch, and begin behind bytes that are looked at in the end:
** reading or writing past an end is a fault, writing before the beginning a failure. */
#ifndef PG_TESTING_CHECK_H
#define PG_TESTING_CHECK_H

#include "kernel/kernel.h"
#include "testing/testing.h"

typedef struct pgi_check {
  double worst;      /* the largest error, in units of its bound: above 1 is a failure */
  char message[400]; /* the first failure */
  uint64_t state;    /* of the random numbers */
  int n_buffers;
  struct pgi_check_buffer {
    unsigned char *map;
    size_t pages, front;
  } buffers[16];
} pgi_check;

/* Sizes around the widths of vectors, of blocks and of panels. */
extern const int64_t pgi_check_sizes[];
extern const int pgi_check_n_sizes;

/* Filled with a pattern; freed by pgi_check_clear.  NULL never: raises a failure and ends. */
void *pgi_check_buffer(pgi_check *c, size_t bytes);
/* Looks at what lies before the buffers and frees them. */
void pgi_check_clear(pgi_check *c, const char *what);
float *pgi_check_floats(pgi_check *c, int64_t n, float scale); /* random in [-scale, scale] */
uint32_t pgi_check_random(pgi_check *c);

/* |got - want| <= bound; NaN wants NaN, and infinity itself.  what, i: for the message. */
void pgi_check_near(pgi_check *c, double got, double want, double bound, const char *what,
                    int64_t i);
void pgi_check_equal(pgi_check *c, const void *got, const void *want, size_t bytes,
                     const char *what);
bool pgi_check_failed(const pgi_check *c);

#define PG_EPS 5.9604644775390625e-8 /* 2^-24: half a unit in the last place of 1 */

/* By family; `scalar` is the table of the reference. */
typedef void pgi_check_fn(pgi_check *c, const void *table, const void *scalar);
pgi_check_fn pgi_check_gemm_f32, pgi_check_gemm_s8, pgi_check_conv_dw_f32, pgi_check_pool_f32,
    pgi_check_resize, pgi_check_reduce_f32, pgi_check_softmax_f32, pgi_check_norm_f32,
    pgi_check_unary_f32, pgi_check_binary_f32, pgi_check_expr, pgi_check_peak_f32,
    pgi_check_blocked_f32;

#endif
