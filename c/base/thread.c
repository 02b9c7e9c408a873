/* thread: one pool of workers a context, and the loop that uses it.
**
** A job is a function and a count.  Whoever starts a job offers `seats`; a worker that finds a free
** seat takes it under the lock and then draws indices from an atomic counter, as the caller does.
** When the caller finds no index left it withdraws the remaining seats, so it never waits for
** workers that have not woken up, and waits for those seated.  One job at a time: a loop that finds
** the pool taken (a loop inside a task, or another session's) runs on its own thread.  The same
** holds for a host's own parallel loop, which therefore is never entered twice. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_sigmask, clock_gettime */
#endif
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/base.h"

enum { SPIN_NS = 20000, SPIN_ROUNDS = 16 };

struct pgi_pool {
  pg_context *ctx; /* borrowed: the context frees the pool */
  atomic_flag is_taken;
  atomic_int started;
  pthread_t *threads;
  int64_t capacity; /* of threads */
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  bool is_stopping;
  int seats;         /* of the current job, still free; under the lock */
  atomic_int seated; /* workers at the job; changed under the lock */
  atomic_uint job;   /* its number; changed under the lock */
  void (*fn)(void *arg, int64_t i);
  void *arg;
  int64_t n;
  atomic_llong next;
};

/* ---- waiting -------------------------------------------------------------------------------- */

static void relax(void) {
#ifdef PG_X86
  __builtin_ia32_pause();
#endif
}

/* The real clock, not the host's: a host may stop its own. */
static int64_t spin_clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A step of a network often follows the last by a few microseconds: cheaper to look for it that
** long than to sleep and be woken. */
static void spin_for_job(struct pgi_pool *pool, unsigned seen) {
  int64_t end = spin_clock_ns() + SPIN_NS;
  do {
    for (int i = 0; i < SPIN_ROUNDS; i++) {
      if (atomic_load_explicit(&pool->job, memory_order_relaxed) != seen) return;
      relax();
    }
  } while (spin_clock_ns() < end);
}

static bool spin_for_end(struct pgi_pool *pool) {
  int64_t end = spin_clock_ns() + SPIN_NS;
  do {
    for (int i = 0; i < SPIN_ROUNDS; i++) {
      if (atomic_load_explicit(&pool->seated, memory_order_acquire) == 0) return true;
      relax();
    }
  } while (spin_clock_ns() < end);
  return false;
}

/* ---- workers -------------------------------------------------------------------------------- */

static void draw(struct pgi_pool *pool, void (*fn)(void *arg, int64_t i), void *arg, int64_t n) {
  for (;;) {
    int64_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (i >= n) return;
    fn(arg, i);
  }
}

static void *work(void *arg) {
  struct pgi_pool *pool = arg;
  unsigned seen = 0;
  pthread_mutex_lock(&pool->lock);
  for (;;) {
    while (!pool->is_stopping && (pool->seats == 0 || seen == pool->job)) {
      pthread_cond_wait(&pool->wake, &pool->lock);
    }
    if (pool->is_stopping) break;
    pool->seats--;
    atomic_fetch_add_explicit(&pool->seated, 1, memory_order_relaxed);
    seen = pool->job;
    void (*fn)(void *, int64_t) = pool->fn;
    void *fn_arg = pool->arg;
    int64_t n = pool->n;
    pthread_mutex_unlock(&pool->lock);
    draw(pool, fn, fn_arg, n);
    pthread_mutex_lock(&pool->lock);
    if (atomic_fetch_sub_explicit(&pool->seated, 1, memory_order_release) == 1) {
      pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    spin_for_job(pool, seen);
    pthread_mutex_lock(&pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

/* Signals are the host's affair: workers take none. */
static bool start_worker(struct pgi_pool *pool) {
  int started = atomic_load_explicit(&pool->started, memory_order_relaxed);
  if (pgi_grow(pool->ctx, &pool->threads, &pool->capacity, started + 1, sizeof *pool->threads,
               NULL) != PG_OK) {
    return false;
  }
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
  bool ok = pthread_create(&pool->threads[started], NULL, work, pool) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (ok) atomic_store_explicit(&pool->started, started + 1, memory_order_relaxed);
  return ok;
}

/* How many workers there are of those wanted. */
static int workers_up_to(struct pgi_pool *pool, int wanted) {
  while (atomic_load_explicit(&pool->started, memory_order_relaxed) < wanted) {
    if (!start_worker(pool)) break;
  }
  return PG_MIN(wanted, atomic_load_explicit(&pool->started, memory_order_relaxed));
}

/* ---- the pool ------------------------------------------------------------------------------- */

static struct pgi_pool *pool_new(pg_context *ctx) {
  struct pgi_pool *pool = pgi_alloc_zero(ctx, sizeof *pool);
  if (!pool) return NULL;
  pool->ctx = ctx;
  atomic_flag_clear(&pool->is_taken);
  if (pthread_mutex_init(&pool->lock, NULL) != 0) goto no_lock;
  if (pthread_cond_init(&pool->wake, NULL) != 0) goto no_wake;
  if (pthread_cond_init(&pool->done, NULL) != 0) goto no_done;
  return pool;
no_done:
  pthread_cond_destroy(&pool->wake);
no_wake:
  pthread_mutex_destroy(&pool->lock);
no_lock:
  pgi_free(ctx, pool);
  return NULL;
}

void pgi_pool_free(struct pgi_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->lock);
  pool->is_stopping = true;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (int i = 0; i < pool->started; i++) pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  pgi_free(pool->ctx, pool->threads);
  pgi_free(pool->ctx, pool);
}

static struct pgi_pool *pool_of(pg_context *ctx) {
  struct pgi_pool *pool = atomic_load_explicit(&ctx->pool, memory_order_acquire);
  if (pool) return pool;
  struct pgi_pool *fresh = pool_new(ctx);
  if (!fresh) return NULL;
  if (atomic_compare_exchange_strong(&ctx->pool, &pool, fresh)) return fresh;
  pgi_pool_free(fresh);
  return pool;
}

int pgi_pool_started(pg_context *ctx) {
  struct pgi_pool *pool = atomic_load_explicit(&ctx->pool, memory_order_acquire);
  return pool ? atomic_load_explicit(&pool->started, memory_order_relaxed) : 0;
}

/* ---- loops ---------------------------------------------------------------------------------- */

static void serial_for(int64_t n, void (*fn)(void *arg, int64_t i), void *arg) {
  for (int64_t i = 0; i < n; i++) fn(arg, i);
}

static void pooled_for(struct pgi_pool *pool, int workers, int64_t n,
                       void (*fn)(void *arg, int64_t i), void *arg) {
  pthread_mutex_lock(&pool->lock);
  pool->fn = fn;
  pool->arg = arg;
  pool->n = n;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  pool->seats = workers;
  atomic_fetch_add_explicit(&pool->job, 1, memory_order_relaxed);
  if (workers == 1 && pool->started == 1)
    pthread_cond_signal(&pool->wake);
  else
    pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  draw(pool, fn, arg, n);
  pthread_mutex_lock(&pool->lock);
  pool->seats = 0;
  pthread_mutex_unlock(&pool->lock);
  if (spin_for_end(pool)) return;
  pthread_mutex_lock(&pool->lock);
  while (atomic_load_explicit(&pool->seated, memory_order_acquire) > 0) {
    pthread_cond_wait(&pool->done, &pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
}

void pgi_parallel_for(pg_context *ctx, int threads, int64_t n, void (*fn)(void *arg, int64_t i),
                      void *arg) {
  if (threads <= 1 || n <= 1) {
    serial_for(n, fn, arg);
    return;
  }
  struct pgi_pool *pool = pool_of(ctx);
  if (!pool || atomic_flag_test_and_set_explicit(&pool->is_taken, memory_order_acquire)) {
    serial_for(n, fn, arg);
    return;
  }
  bool has_host_loop = ctx->host.parallel_for != NULL;
  int wanted = (int)PG_MIN((int64_t)threads, n) - 1;
  int workers = has_host_loop ? 0 : workers_up_to(pool, wanted);
  if (has_host_loop)
    ctx->host.parallel_for(ctx->host.user, n, fn, arg);
  else if (workers > 0)
    pooled_for(pool, workers, n, fn, arg);
  else
    serial_for(n, fn, arg);
  atomic_flag_clear_explicit(&pool->is_taken, memory_order_release);
}
