/* Blocked kernels of 8 lanes: 12 sums of 6 pixels and 2 blocks of outputs. */
#include <math.h>

#include "kernel/blocked.h"

#ifdef PG_X86
#include <immintrin.h>

#define TARGET PG_TARGET_AVX2
#define TILE_MAX 6
enum { LANES = 8, TILE = TILE_MAX };
typedef __m256 vec;
#define load _mm256_loadu_ps
#define store _mm256_storeu_ps
#define splat _mm256_set1_ps
#define fmadd _mm256_fmadd_ps
#define add _mm256_add_ps
#define sub _mm256_sub_ps
#define mul _mm256_mul_ps
#define fnmadd _mm256_fnmadd_ps
#define least _mm256_min_ps
#define most _mm256_max_ps
#define zero _mm256_setzero_ps
#include "kernel/blocked_x86.h"
#include "kernel/winograd_x86.h"

static const pgi_blocked_f32 avx2 = {
    LANES, TILE,        conv,         depthwise,        max_line,   sum_line, affine,
    total, winograd_in, winograd_out, winograd_weights, hard_swish, NULL,     NULL};
PG_KERNEL(blocked_f32_avx2) = {
    .name = "blocked_f32_avx2", .family = PG_K_BLOCKED_F32, .needs = PG_CPU_AVX2, .table = &avx2};
#endif
