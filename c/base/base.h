/* base: what every room stands on.  Status and errors, memory, threads, clock, CPU features,
** small-float conversion, growing arrays, arenas, hash maps, mapped files.  Knows no tensors. */
#ifndef PG_BASE_H
#define PG_BASE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include "perigee.h"

#define PG_TRY(call)                              \
  do {                                            \
    pg_status try_status_ = (call);               \
    if (try_status_ != PG_OK) return try_status_; \
  } while (0)

#define PG_COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define PG_MIN(a, b) ((a) < (b) ? (a) : (b))
#define PG_MAX(a, b) ((a) > (b) ? (a) : (b))
#define PG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PG_ALIGN 64 /* of every data buffer: one cache line, one 512-bit vector */

/* ---- error.c -------------------------------------------------------------------------------- */

/* Writes the message (if err) and returns `code`, so that `return pgi_fail(...)` reads well. */
pg_status pgi_fail(pg_error *err, pg_status code, const char *format, ...) PG_PRINTF(3, 4);
/* PG_NOMEM with "out of memory". */
pg_status pgi_nomem(pg_error *err);
/* Puts "prefix: " before the message that is already there; keeps the code. */
void pgi_error_prefix(pg_error *err, const char *format, ...) PG_PRINTF(2, 3);

/* ---- alloc.c -------------------------------------------------------------------------------- */

/* Uninitialised memory from the host's allocator, aligned to 16; NULL when out of memory.
** Zero bytes give a unique block.  pgi_free takes NULL. */
void *pgi_alloc(pg_context *ctx, size_t bytes);
void *pgi_alloc_zero(pg_context *ctx, size_t bytes);
void *pgi_alloc_aligned(pg_context *ctx, size_t bytes, size_t align);
/* For weights that are read from end to end in each run: aligned to PG_ALIGN, on huge pages where the
** system gives them. */
void *pgi_alloc_large(pg_context *ctx, size_t bytes);
void pgi_free(pg_context *ctx, void *block);
char *pgi_strdup(pg_context *ctx, const char *text);
/* Grows *array (of `size`-byte elements, *capacity of them) to hold at least `need`. */
pg_status pgi_grow(pg_context *ctx, void *array, int64_t *capacity, int64_t need, size_t size,
                   pg_error *err);

/* Checked size arithmetic: false on overflow. */
bool pgi_mul_size(size_t a, size_t b, size_t *out);
bool pgi_add_size(size_t a, size_t b, size_t *out);

/* Bump allocation for things that die together. */
typedef struct pgi_arena {
  pg_context *ctx;
  struct pgi_arena_block *blocks;
} pgi_arena;
void pgi_arena_init(pgi_arena *a, pg_context *ctx);
void pgi_arena_deinit(pgi_arena *a);
void *pgi_arena_alloc(pgi_arena *a, size_t bytes); /* zeroed, aligned to 16; NULL: out of memory */
char *pgi_arena_strndup(pgi_arena *a, const char *text, size_t size); /* adds a closing zero */
char *pgi_arena_strdup(pgi_arena *a, const char *text);

/* ---- context.c ------------------------------------------------------------------------------ */

enum {
  PG_CPU_AVX2 = 1 << 0,   /* with FMA and F16C */
  PG_CPU_AVX512 = 1 << 1, /* F, BW, DQ, VL */
  PG_CPU_VNNI = 1 << 2,   /* AVX512_VNNI */
  PG_CPU_BF16 = 1 << 3,   /* AVX512_BF16 */
};
/* Function-level targets: one build serves every CPU. */
#if defined(__x86_64__)
#define PG_X86 1
#define PG_TARGET_AVX2 __attribute__((target("avx2,fma,f16c,bmi,bmi2")))
#define PG_TARGET_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2")))
#endif

#define PG_MAX_FAMILIES 32
#define PG_SPARE_HANDLES 8
/* c/kernel/table.c; called when a context is made. */
void pgi_kernels_select(unsigned cpu, const void **tables);

struct pg_context {
  atomic_int refs;
  pg_host host;
  unsigned cpu;                  /* PG_CPU_* after PERIGEE_ISA */
  struct pgi_pool *_Atomic pool; /* made at the first parallel loop that wants a second thread */
  const void *kernels[PG_MAX_FAMILIES]; /* the best variants: c/kernel/kernel.h */
  /* Freed handles of tensors, for the next ones: a run that hands out what it handed out before
  ** allocates nothing. */
  void *_Atomic handles[PG_SPARE_HANDLES];
};
void pgi_context_retain(pg_context *ctx);
int64_t pgi_now_ns(pg_context *ctx);
void pgi_log(pg_context *ctx, pg_log_level level, const char *format, ...) PG_PRINTF(3, 4);
/* What the machine has, lowered by PERIGEE_ISA (scalar, avx2, avx512, native); an unknown name is
** PG_INVALID. */
pg_status pgi_cpu_features(unsigned *out, pg_error *err);
int pgi_cpu_count(void);

/* ---- thread.c ------------------------------------------------------------------------------- */

/* fn(arg, i) for each i in [0, n) on at most `threads` threads, the caller's included; returns when
** all are done.  threads <= 1, n <= 1 and calls from inside a loop run here, in order.  How work is
** cut into tasks must never depend on `threads`: that keeps the bits the same. */
void pgi_parallel_for(pg_context *ctx, int threads, int64_t n, void (*fn)(void *arg, int64_t i),
                      void *arg);
/* The same for tasks that need memory of their own: no two at a time have the same lane, and lanes
** are below `threads`. */
void pgi_parallel_lanes(pg_context *ctx, int threads, int64_t n,
                        void (*fn)(void *arg, int64_t i, int lane), void *arg);
void pgi_pool_free(struct pgi_pool *pool);
/* Threads started so far by this context's pool: for tests. */
int pgi_pool_started(pg_context *ctx);

/* ---- half.c --------------------------------------------------------------------------------- */

/* Round to nearest even, as ONNX Cast; f8 kinds as in ONNX's tables. */
float pgi_f16_to_f32(uint16_t h);
uint16_t pgi_f32_to_f16(float f);
uint16_t pgi_f64_to_f16(double d); /* one rounding */
/* An f32 with the lost bits gathered in its last one ("round to odd"): rounding that on to 22 bits
** or fewer gives what a single rounding of the f64 would. */
float pgi_f64_to_f32_odd(double d);
static inline float pgi_bf16_to_f32(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}
uint16_t pgi_f32_to_bf16(float f);
/* dtype: PG_F8E4M3FN, PG_F8E4M3FNUZ, PG_F8E5M2, PG_F8E5M2FNUZ, PG_F8E8M0, PG_F4E2M1. */
float pgi_f8_to_f32(pg_dtype dtype, uint8_t bits);
uint8_t pgi_f32_to_f8(pg_dtype dtype, float f, bool saturate);
/* E8M0 has rounding modes of its own (ONNX Cast-24): "up", "down", "nearest". */
uint8_t pgi_f32_to_e8m0(float f, char mode /* 'u','d','n' */, bool saturate);

/* ---- map.c ---------------------------------------------------------------------------------- */

/* String -> pointer, open addressing.  Keys are borrowed and must outlive the map. */
typedef struct pgi_map {
  pg_context *ctx;
  struct pgi_map_slot *slots;
  int64_t n, capacity;
} pgi_map;
void pgi_map_init(pgi_map *m, pg_context *ctx);
void pgi_map_deinit(pgi_map *m);
void *pgi_map_get(const pgi_map *m, const char *key); /* NULL when absent */
pg_status pgi_map_put(pgi_map *m, const char *key, void *value, pg_error *err); /* replaces */

/* ---- file.c --------------------------------------------------------------------------------- */

/* A whole file mapped read-only (private copy-on-write), or read where it can't be mapped. */
typedef struct pgi_file {
  const uint8_t *data;
  size_t size;
  void *block; /* when read, not mapped */
  pg_context *ctx;
} pgi_file;
/* PG_IO with "PATH: reason" (also for directories). */
pg_status pgi_file_open(pg_context *ctx, const char *path, pgi_file *out, pg_error *err);
void pgi_file_close(pgi_file *f);
/* Part of a mapped file that nobody will read for a while: its pages leave memory, and come back from
** the file when they are read after all. */
void pgi_file_forget(const void *data, size_t bytes);
/* Writing to a file that gets its name by commit, once it is synced; where the system has no nameless
** files, to one with a temporary name in the same folder. */
typedef struct pgi_writer pgi_writer;
pg_status pgi_writer_open(pg_context *ctx, const char *path, pgi_writer **out, pg_error *err);
pg_status pgi_writer_write(pgi_writer *w, const void *data, size_t size, pg_error *err);
pg_status pgi_writer_skip(pgi_writer *w, size_t size, pg_error *err); /* zeros, as a hole */
pg_status pgi_writer_commit(pgi_writer *w, pg_error *err);            /* frees w in any case */
/* Commits when all was written (status PG_OK), else aborts; what happened first is returned. */
pg_status pgi_writer_end(pgi_writer *w, pg_status status, pg_error *err);
void pgi_writer_abort(pgi_writer *w); /* NULL is fine */

/* ---- digest.c ------------------------------------------------------------------------------- */

typedef struct pgi_sha256 {
  uint32_t state[8];
  uint64_t size; /* bytes so far */
  uint8_t block[64];
} pgi_sha256;
void pgi_sha256_init(pgi_sha256 *h);
void pgi_sha256_add(pgi_sha256 *h, const void *data, size_t size);
void pgi_sha256_end(pgi_sha256 *h, char *text); /* [65]: lower-case hexadecimal digits, a zero */
/* XXH64 with seed 0: against damage, not against forgers. */
uint64_t pgi_xxh64(const void *data, size_t size);

/* ---- probe.c -------------------------------------------------------------------------------- */

/* Nanoseconds that a cache line takes from one CPU to another, the two lowest that the process may
** use; 0 where there is only one.  Takes a few milliseconds on two threads of its own. */
double pgi_ping_pong_ns(void);

/* ---- library.c ------------------------------------------------------------------------------ */

/* The functions of a shared library that may not be there (PG_UNSUPPORTED names it, or the first
** function that it lacks).  Its code stays loaded from then on. */
pg_status pgi_library_open(const char *name, const char *const *symbols, void **functions, int n,
                           pg_error *err);

/* ---- text.c --------------------------------------------------------------------------------- */

/* Bounded text building into a caller's buffer; `n` counts what would have been written. */
typedef struct pgi_text {
  char *data;
  size_t size, n;
} pgi_text;
void pgi_text_add(pgi_text *t, const char *format, ...) PG_PRINTF(2, 3);

/* ---- random.c ------------------------------------------------------------------------------- */

/* Philox4x32-10 (Salmon et al. 2011): counter based, the same numbers on every machine and thread
** count. */
typedef struct pgi_random {
  uint64_t seed, counter;
  uint32_t block[4];
  int left;
} pgi_random;
void pgi_random_init(pgi_random *r, uint64_t seed);
uint32_t pgi_random_u32(pgi_random *r);
double pgi_random_uniform(pgi_random *r); /* [0, 1), 53 bits */
double pgi_random_normal(pgi_random *r);  /* Box-Muller */

#endif
