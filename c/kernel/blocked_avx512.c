/* Blocked kernels of 16 lanes: 28 sums of 14 pixels and 2 blocks of outputs. */
#include <math.h>

#include "kernel/blocked.h"

#ifdef PG_X86
#include <immintrin.h>

#define TARGET PG_TARGET_AVX512
#define TILE_MAX 14
enum { LANES = 16, TILE = TILE_MAX };
typedef __m512 vec;
#define load _mm512_loadu_ps
#define store _mm512_storeu_ps
#define splat _mm512_set1_ps
#define fmadd _mm512_fmadd_ps
#define add _mm512_add_ps
#define sub _mm512_sub_ps
#define mul _mm512_mul_ps
#define fnmadd _mm512_fnmadd_ps
#define least _mm512_min_ps
#define most _mm512_max_ps
#define zero _mm512_setzero_ps
#include "kernel/blocked_x86.h"
#include "kernel/winograd_x86.h"

static const pgi_blocked_f32 avx512 = {LANES, TILE, conv, depthwise, max_line, sum_line, affine, total,
                                       winograd_in, winograd_out};
PG_KERNEL(blocked_f32_avx512) = {.name = "blocked_f32_avx512",
                                 .family = PG_K_BLOCKED_F32,
                                 .needs = PG_CPU_AVX2 | PG_CPU_AVX512,
                                 .table = &avx512};
#endif
