/* machine: what this computer can do, measured: for plans and for judging times. */
#include "kernel/peak.h"
#include "session/session.h"

/* The best of a few tries: what disturbs only makes it slower. */
enum { TRIES = 10, PEAK_ROUNDS = 100000, STEP = 256, LEAST_BYTES = 1 << 26 };

double pgi_machine_peak_f32(pg_context *ctx) {
  const pgi_peak_f32 *k = ctx->kernels[PG_K_PEAK_F32];
  int64_t best = INT64_MAX;
  volatile float sink;
  for (int i = 0; i < TRIES; i++) {
    int64_t start = pgi_now_ns(ctx);
    sink = k->fma(PEAK_ROUNDS, 1);
    int64_t ns = pgi_now_ns(ctx) - start;
    best = PG_MIN(best, PG_MAX(ns, 1));
  }
  (void)sink;
  return (double)(k->flops * PEAK_ROUNDS) / (double)best * 1e9;
}

double pgi_machine_read_speed(pg_context *ctx, size_t bytes) {
  const pgi_peak_f32 *k = ctx->kernels[PG_K_PEAK_F32];
  int64_t n = PG_MAX((int64_t)(bytes / sizeof(float)) / STEP * STEP, STEP), best = INT64_MAX;
  int64_t size = n * (int64_t)sizeof(float), times = PG_MAX(1, LEAST_BYTES / size);
  float *x = pgi_alloc_aligned(ctx, (size_t)size, PG_ALIGN);
  if (!x) return 0;
  for (int64_t i = 0; i < n; i++) x[i] = 1;
  volatile float sink;
  for (int i = 0; i < TRIES; i++) {
    int64_t start = pgi_now_ns(ctx);
    for (int64_t j = 0; j < times; j++) sink = k->read(x, n);
    int64_t ns = pgi_now_ns(ctx) - start;
    best = PG_MIN(best, PG_MAX(ns, 1));
  }
  (void)sink;
  pgi_free(ctx, x);
  return (double)(size * times) / (double)best * 1e9;
}
