/* context: the host's services with the C library's in their place, CPU features, clock, log. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#ifdef PG_X86
#include <cpuid.h>
#endif

/* ---- what the C library provides ------------------------------------------------------------ */

static void *libc_alloc(void *user, size_t bytes, size_t align) {
  (void)user;
  void *block = NULL;
  if (align <= _Alignof(max_align_t)) return malloc(bytes);
  return posix_memalign(&block, align, bytes) ? NULL : block;
}

static void libc_free(void *user, void *block) {
  (void)user;
  free(block);
}

static int64_t libc_clock_ns(void *user) {
  (void)user;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- CPU features --------------------------------------------------------------------------- */

#ifdef PG_X86

/* Which register files the operating system saves. */
static unsigned enabled_state(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static bool has(unsigned word, int bit) {
  return word >> bit & 1;
}

/* Bit numbers: Intel SDM volume 2, CPUID leaves 1 and 7; XCR0 in volume 1, section 13.3. */
static unsigned machine_features(void) {
  unsigned a, b, c, d, unused;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, 27)) return 0;
  unsigned state = enabled_state();
  bool has_avx2_friends = has(c, 28) && has(c, 12) && has(c, 29); /* AVX, FMA, F16C */
  if ((state & 0x06) != 0x06 || !has_avx2_friends) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  if (!has(b, 5) || !has(b, 3) || !has(b, 8)) return 0; /* AVX2, BMI1, BMI2 */
  unsigned cpu = PG_CPU_AVX2;
  bool has_avx512 = has(b, 16) && has(b, 17) && has(b, 30) && has(b, 31); /* F, DQ, BW, VL */
  if ((state & 0xe6) != 0xe6 || !has_avx512) return cpu;
  cpu |= PG_CPU_AVX512;
  if (has(c, 11)) cpu |= PG_CPU_VNNI;
  if (__get_cpuid_count(7, 1, &a, &b, &unused, &d) && has(a, 5)) cpu |= PG_CPU_BF16;
  return cpu;
}

#else
static unsigned machine_features(void) {
  return 0;
}
#endif

static const struct {
  const char *name;
  unsigned allows;
} levels[] = {
    {"scalar", 0},
    {"avx2", PG_CPU_AVX2},
    {"avx512", PG_CPU_AVX2 | PG_CPU_AVX512},
    {"native", ~0u},
};

pg_status pgi_cpu_features(unsigned *out, pg_error *err) {
  const char *wanted = getenv("PERIGEE_ISA");
  if (!wanted || !*wanted) wanted = "native";
  for (int i = 0; i < PG_COUNT(levels); i++) {
    if (strcmp(wanted, levels[i].name) == 0) {
      *out = machine_features() & levels[i].allows;
      return PG_OK;
    }
  }
  return pgi_fail(err, PG_INVALID,
                  "PERIGEE_ISA: expected scalar, avx2, avx512 or native, got '%.40s'", wanted);
}

int pgi_cpu_count(void) {
#ifdef CPU_COUNT
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return PG_MAX(CPU_COUNT(&set), 1);
#endif
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n < 1 ? 1 : (int)PG_MIN(n, 4096);
}

/* ---- context -------------------------------------------------------------------------------- */

static pg_status complete_host(pg_host *host, pg_error *err) {
  if (!host->alloc != !host->free) {
    return pgi_fail(err, PG_INVALID, "host: alloc and free must be given together");
  }
  if (!host->alloc) {
    host->alloc = libc_alloc;
    host->free = libc_free;
  }
  if (!host->clock_ns) host->clock_ns = libc_clock_ns;
  return PG_OK;
}

pg_status pg_context_new(const pg_host *host, pg_context **out, pg_error *err) {
  pg_host services = host ? *host : (pg_host){0};
  unsigned cpu = 0;
  PG_TRY(complete_host(&services, err));
  PG_TRY(pgi_cpu_features(&cpu, err));
  pg_context *ctx = services.alloc(services.user, sizeof *ctx, 16);
  if (!ctx) return pgi_nomem(err);
  memset(ctx, 0, sizeof *ctx);
  ctx->host = services;
  ctx->cpu = cpu;
  pgi_kernels_select(cpu, ctx->kernels);
  atomic_init(&ctx->refs, 1);
  atomic_init(&ctx->pool, NULL);
  *out = ctx;
  return PG_OK;
}

void pgi_context_retain(pg_context *ctx) {
  atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
}

void pg_context_release(pg_context *ctx) {
  if (!ctx) return;
  if (atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1) return;
  pgi_pool_free(atomic_load(&ctx->pool));
  for (int i = 0; i < PG_SPARE_HANDLES; i++) pgi_free(ctx, atomic_load(&ctx->handles[i]));
  ctx->host.free(ctx->host.user, ctx);
}

const char *pg_context_isa(const pg_context *ctx) {
  if (ctx->cpu & PG_CPU_AVX512) return "avx512";
  return ctx->cpu & PG_CPU_AVX2 ? "avx2" : "scalar";
}

int64_t pgi_now_ns(pg_context *ctx) {
  return ctx->host.clock_ns(ctx->host.user);
}

void pgi_log(pg_context *ctx, pg_log_level level, const char *format, ...) {
  if (!ctx->host.log) return;
  char text[1000];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n >= 0) ctx->host.log(ctx->host.user, level, text);
}
