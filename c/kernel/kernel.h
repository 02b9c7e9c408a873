/* kernel: loops on raw pointers and sizes.  No tensors, no allocation, no errors.
**
** Each family has one function type, a scalar reference variant and faster ones, each declared with
** PG_KERNEL beside its code.  The build lists the declarations; pgi_kernels_select puts the best
** variant for the CPU into the context, specs try every variant against the scalar one.
**
** Kernels are single-threaded: who calls them cuts the work, the same way at any thread count. */
#ifndef PG_KERNEL_H
#define PG_KERNEL_H

#include "base/base.h"

typedef enum pgi_family {
  PG_K_GEMM_F32,    /* pgi_gemm_f32_fn */
  PG_K_CONV_DW_F32, /* depthwise rows */
  PG_K_REDUCE_F32,  /* sum, max ... of contiguous runs */
  PG_K_SOFTMAX_F32,
  PG_K_NORM_F32,   /* mean and variance, scale and shift */
  PG_K_UNARY_F32,  /* exp, tanh, erf ... by pgi_unary */
  PG_K_BINARY_F32, /* add, mul ... by pgi_binary */
  PG_K_POOL_F32,
  PG_K_GEMM_S8,     /* i32 += u8/i8 x i8 */
  PG_K_RESIZE,      /* separable image filters */
  PG_K_EXPR,        /* element-wise programs */
  PG_K_PEAK_F32,    /* what the CPU can do at most */
  PG_K_BLOCKED_F32, /* convolutions and pools over blocks of channels */
  PG_N_FAMILIES
} pgi_family;

typedef struct pgi_kernel {
  const char *name; /* family_dtype_tile_isa */
  pgi_family family;
  unsigned needs;    /* PG_CPU_* bits; 0: the reference */
  const void *table; /* a struct of functions, its type is the family's (see the family's header) */
} pgi_kernel;

#define PG_KERNEL(id) const pgi_kernel pgi_kernel_##id

/* c/kernel/table.c.  Among variants whose needs are met the last declared with most needs wins. */
const pgi_kernel *pgi_kernel_pick(unsigned cpu, pgi_family family);
const pgi_kernel *const *pgi_kernel_all(int *n);
/* Fills tables[PG_N_FAMILIES] for a context: ctx->kernels. */
void pgi_kernels_select(unsigned cpu, const void **tables);

#endif
