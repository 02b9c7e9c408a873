/* probe: how far two CPUs are from each other. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* CPU_SET */
#endif
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/base.h"

enum { WARM_UP = 2000, ROUNDS = 20000 };

typedef struct ping_pong {
  _Alignas(PG_ALIGN) atomic_int ball;
  size_t cpu[2];
  atomic_bool failed;
  int64_t ns; /* of all rounds; 0: it came to nothing */
} ping_pong;

/* The two lowest CPUs that this process may run on. */
static bool two_cpus(size_t cpu[2]) {
  cpu_set_t allowed;
  int n = 0;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  for (size_t i = 0; i < CPU_SETSIZE && n < 2; i++) {
    if (CPU_ISSET(i, &allowed)) cpu[n++] = i;
  }
  return n == 2;
}

static bool pin(size_t cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0;
}

/* Waits for the ball and gives it on; the time of the rounds after the warm-up. */
static int64_t play(ping_pong *p, int first) {
  int64_t from = 0;
  struct timespec t;
  for (int i = 0; i < WARM_UP + ROUNDS; i++) {
    if (i == WARM_UP) {
      clock_gettime(CLOCK_MONOTONIC, &t);
      from = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    while (atomic_load_explicit(&p->ball, memory_order_acquire) != 2 * i + first) {
      if (atomic_load_explicit(&p->failed, memory_order_relaxed)) return 0;
    }
    atomic_store_explicit(&p->ball, 2 * i + first + 1, memory_order_release);
  }
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - from;
}

static void *partner(void *arg) {
  ping_pong *p = arg;
  if (!pin(p->cpu[1])) atomic_store(&p->failed, true);
  play(p, 1);
  return NULL;
}

static void *starter(void *arg) {
  ping_pong *p = arg;
  pthread_t other;
  if (!pin(p->cpu[0]) || pthread_create(&other, NULL, partner, p) != 0) return NULL;
  p->ns = play(p, 0);
  pthread_join(other, NULL);
  return NULL;
}

double pgi_ping_pong_ns(void) {
  ping_pong p = {0};
  pthread_t thread; /* both are pinned, so neither is the caller's */
  if (!two_cpus(p.cpu) || pthread_create(&thread, NULL, starter, &p) != 0) return 0;
  pthread_join(thread, NULL);
  return (double)p.ns / (2.0 * ROUNDS);
}
