/* thread: one pool of workers a context, and the loops that use it.
**
** The indices of a loop are cut into one range for each thread, always the same way: a thread that
** makes the upper half of one layer makes the upper half of the next, whose inputs its caches still
** hold.  Whoever has finished its own range takes from the far ends of the others'; so a worker that
** comes late, or never, costs nothing but the work that it could have done.
**
** A worker joins a loop through `gate`, one word that holds the loop's number, how many threads it
** is for, whether it is open and how many workers are in it.  The caller closes the gate when no index
** is left and waits for those inside.  Workers look for the next loop for a while before they sleep.
** One loop at a time: one that finds the pool taken (a loop inside a task, or another session's) runs
** on its own thread.  The same holds for a host's own parallel loop, which therefore is never entered
** twice. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_sigmask, clock_gettime */
#endif
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/base.h"

/* The steps of a network follow each other within microseconds, those of one thread within tens:
** cheaper to look for the next than to sleep and be woken.  An idle pool is asleep after that. */
enum { SPIN_NS = 100000, SPIN_ROUNDS = 16, CACHE_LINE = 128, MOST_THREADS = 4096 };

typedef void pgi_lane_fn(void *arg, int64_t i, int lane);

/* Indices not yet taken: the first << 32 | the end. */
typedef struct range {
  _Alignas(CACHE_LINE) atomic_ullong left;
} range;

/* Fields of `gate`. */
#define GATE_INSIDE 0xffffu /* workers inside */
#define GATE_OPEN 0x10000u
enum { GATE_THREADS = 17, GATE_NUMBER = 32 }; /* shifts; 15 bits of threads */

typedef struct worker {
  struct pgi_pool *pool;
  pthread_t thread;
  int lane;
} worker;

struct pgi_pool {
  _Alignas(CACHE_LINE) atomic_ullong gate;
  pgi_lane_fn *fn; /* of the loop, as are those below */
  void *arg;
  int lanes;
  range *ranges; /* one for each thread, the caller's first */
  _Alignas(CACHE_LINE) atomic_int sleepers;
  atomic_bool is_caller_asleep, is_stopping;
  atomic_flag is_taken;
  pthread_mutex_t lock; /* for sleeping only */
  pthread_cond_t wake, done;
  pg_context *ctx; /* borrowed: the context frees the pool */
  atomic_int started;
  worker **workers;
  int64_t capacity; /* of workers */
  int n_ranges;
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

static unsigned number_of(unsigned long long gate) {
  return (unsigned)(gate >> GATE_NUMBER);
}

static bool is_new(struct pgi_pool *pool, unsigned seen) {
  return number_of(atomic_load_explicit(&pool->gate, memory_order_acquire)) != seen;
}

static bool is_empty(struct pgi_pool *pool) {
  return (atomic_load_explicit(&pool->gate, memory_order_acquire) & GATE_INSIDE) == 0;
}

static bool spin_for_job(struct pgi_pool *pool, unsigned seen) {
  int64_t end = spin_clock_ns() + SPIN_NS;
  do {
    for (int i = 0; i < SPIN_ROUNDS; i++) {
      if (is_new(pool, seen)) return true;
      relax();
    }
  } while (spin_clock_ns() < end);
  return false;
}

static bool spin_for_end(struct pgi_pool *pool) {
  int64_t end = spin_clock_ns() + SPIN_NS;
  do {
    for (int i = 0; i < SPIN_ROUNDS; i++) {
      if (is_empty(pool)) return true;
      relax();
    }
  } while (spin_clock_ns() < end);
  return false;
}

/* Whoever goes to sleep says so before it looks a last time, and whoever changes the gate looks for
** sleepers afterwards: one of the two sees the other. */
static void sleep_for_job(struct pgi_pool *pool, unsigned seen) {
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->sleepers, 1);
  while (number_of(atomic_load(&pool->gate)) == seen && !atomic_load(&pool->is_stopping)) {
    pthread_cond_wait(&pool->wake, &pool->lock);
  }
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->lock);
}

static void sleep_for_end(struct pgi_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->is_caller_asleep, true);
  while ((atomic_load(&pool->gate) & GATE_INSIDE) != 0) pthread_cond_wait(&pool->done, &pool->lock);
  atomic_store(&pool->is_caller_asleep, false);
  pthread_mutex_unlock(&pool->lock);
}

/* ---- drawing -------------------------------------------------------------------------------- */

static unsigned long long range_of(int64_t first, int64_t end) {
  return (unsigned long long)first << 32 | (unsigned long long)end;
}

/* The first index of a range, or its last; -1: it is empty. */
static int64_t take(range *r, bool is_last) {
  unsigned long long left = atomic_load_explicit(&r->left, memory_order_relaxed);
  for (;;) {
    int64_t first = (int64_t)(left >> 32), end = (int64_t)(left & 0xffffffff);
    if (first >= end) return -1;
    unsigned long long rest = is_last ? range_of(first, end - 1) : range_of(first + 1, end);
    if (atomic_compare_exchange_weak_explicit(&r->left, &left, rest, memory_order_relaxed,
                                              memory_order_relaxed)) {
      return is_last ? end - 1 : first;
    }
  }
}

static void draw(struct pgi_pool *pool, int lane) {
  for (int64_t i; (i = take(&pool->ranges[lane], false)) >= 0;) pool->fn(pool->arg, i, lane);
  for (int other = 1; other < pool->lanes; other++) {
    range *r = &pool->ranges[(lane + other) % pool->lanes];
    for (int64_t i; (i = take(r, true)) >= 0;) pool->fn(pool->arg, i, lane);
  }
}

/* ---- workers -------------------------------------------------------------------------------- */

/* Whether the worker is in: the loop must be for so many threads, and not be over. */
static bool enter(struct pgi_pool *pool, int lane, unsigned long long gate) {
  unsigned number = number_of(gate);
  while (number_of(gate) == number && gate & GATE_OPEN) {
    int threads = (int)(gate >> GATE_THREADS & 0x7fff);
    if (lane >= threads) return false;
    if (atomic_compare_exchange_weak_explicit(&pool->gate, &gate, gate + 1, memory_order_acquire,
                                              memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

static void leave(struct pgi_pool *pool) {
  unsigned long long before = atomic_fetch_sub(&pool->gate, 1);
  if ((before & GATE_INSIDE) != 1 || !atomic_load(&pool->is_caller_asleep)) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_signal(&pool->done);
  pthread_mutex_unlock(&pool->lock);
}

static void *work(void *arg) {
  worker *self = arg;
  struct pgi_pool *pool = self->pool;
  unsigned seen = 0;
  while (!atomic_load_explicit(&pool->is_stopping, memory_order_relaxed)) {
    unsigned long long gate = atomic_load_explicit(&pool->gate, memory_order_acquire);
    if (number_of(gate) == seen) {
      if (!spin_for_job(pool, seen)) sleep_for_job(pool, seen);
      continue;
    }
    seen = number_of(gate);
    if (!enter(pool, self->lane, gate)) continue;
    draw(pool, self->lane);
    leave(pool);
  }
  return NULL;
}

/* Signals are the host's affair: workers take none. */
static bool start_thread(worker *w) {
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
  bool ok = pthread_create(&w->thread, NULL, work, w) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return ok;
}

static bool start_worker(struct pgi_pool *pool) {
  int started = atomic_load_explicit(&pool->started, memory_order_relaxed);
  if (pgi_grow(pool->ctx, &pool->workers, &pool->capacity, started + 1, sizeof *pool->workers,
               NULL) != PG_OK) {
    return false;
  }
  worker *w = pgi_alloc_zero(pool->ctx, sizeof *w);
  if (!w) return false;
  *w = (worker){.pool = pool, .lane = started + 1};
  if (!start_thread(w)) {
    pgi_free(pool->ctx, w);
    return false;
  }
  pool->workers[started] = w;
  atomic_store_explicit(&pool->started, started + 1, memory_order_relaxed);
  return true;
}

/* Nobody else is in the pool: its ranges may move. */
static bool have_ranges(struct pgi_pool *pool, int n) {
  if (n <= pool->n_ranges) return true;
  range *ranges = pgi_alloc_aligned(pool->ctx, (size_t)n * sizeof *ranges, CACHE_LINE);
  if (!ranges) return false;
  for (int i = 0; i < n; i++) atomic_init(&ranges[i].left, 0);
  pgi_free(pool->ctx, pool->ranges);
  pool->ranges = ranges;
  pool->n_ranges = n;
  return true;
}

/* How many workers there are of those wanted. */
static int workers_up_to(struct pgi_pool *pool, int wanted) {
  while (atomic_load_explicit(&pool->started, memory_order_relaxed) < wanted) {
    if (!start_worker(pool)) break;
  }
  int workers = PG_MIN(wanted, atomic_load_explicit(&pool->started, memory_order_relaxed));
  return have_ranges(pool, workers + 1) ? workers : 0;
}

/* ---- the pool ------------------------------------------------------------------------------- */

static struct pgi_pool *pool_new(pg_context *ctx) {
  struct pgi_pool *pool = pgi_alloc_aligned(ctx, sizeof *pool, CACHE_LINE);
  if (!pool) return NULL;
  memset(pool, 0, sizeof *pool);
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
  atomic_store(&pool->is_stopping, true);
  atomic_fetch_add(&pool->gate, 1ull << GATE_NUMBER); /* for those who look instead of sleeping */
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (int i = 0; i < pool->started; i++) {
    pthread_join(pool->workers[i]->thread, NULL);
    pgi_free(pool->ctx, pool->workers[i]);
  }
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  pgi_free(pool->ctx, pool->workers);
  pgi_free(pool->ctx, pool->ranges);
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

static void serial_for(int64_t n, pgi_lane_fn *fn, void *arg) {
  for (int64_t i = 0; i < n; i++) fn(arg, i, 0);
}

static void pooled_for(struct pgi_pool *pool, int workers, int64_t n, pgi_lane_fn *fn, void *arg) {
  int lanes = workers + 1;
  pool->fn = fn;
  pool->arg = arg;
  pool->lanes = lanes;
  for (int i = 0; i < lanes; i++) {
    atomic_store_explicit(&pool->ranges[i].left, range_of(n * i / lanes, n * (i + 1) / lanes),
                          memory_order_relaxed);
  }
  unsigned number = number_of(atomic_load_explicit(&pool->gate, memory_order_relaxed)) + 1;
  atomic_store(&pool->gate, (unsigned long long)number << GATE_NUMBER |
                                (unsigned long long)lanes << GATE_THREADS | GATE_OPEN);
  if (atomic_load(&pool->sleepers) > 0) {
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
  }
  draw(pool, 0);
  atomic_fetch_and(&pool->gate, ~(unsigned long long)GATE_OPEN);
  if (!spin_for_end(pool)) sleep_for_end(pool);
}

/* A host's loop says no lanes: as many tasks of it as there are lanes draw indices. */
typedef struct host_job {
  pgi_lane_fn *fn;
  void *arg;
  int64_t n;
  atomic_llong next;
} host_job;

static void host_lane(void *arg, int64_t lane) {
  host_job *job = arg;
  for (;;) {
    int64_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
    if (i >= job->n) return;
    job->fn(job->arg, i, (int)lane);
  }
}

static void hosted_for(pg_context *ctx, int lanes, int64_t n, pgi_lane_fn *fn, void *arg) {
  host_job job = {.fn = fn, .arg = arg, .n = n};
  atomic_init(&job.next, 0);
  ctx->host.parallel_for(ctx->host.user, lanes, host_lane, &job);
}

void pgi_parallel_lanes(pg_context *ctx, int threads, int64_t n, pgi_lane_fn *fn, void *arg) {
  if (threads <= 1 || n <= 1 || n > INT32_MAX) {
    serial_for(n, fn, arg);
    return;
  }
  struct pgi_pool *pool = pool_of(ctx);
  if (!pool || atomic_flag_test_and_set_explicit(&pool->is_taken, memory_order_acquire)) {
    serial_for(n, fn, arg);
    return;
  }
  int lanes = (int)PG_MIN(PG_MIN((int64_t)threads, n), MOST_THREADS);
  bool has_host_loop = ctx->host.parallel_for != NULL;
  int workers = has_host_loop ? 0 : workers_up_to(pool, lanes - 1);
  if (has_host_loop)
    hosted_for(ctx, lanes, n, fn, arg);
  else if (workers > 0)
    pooled_for(pool, workers, n, fn, arg);
  else
    serial_for(n, fn, arg);
  atomic_flag_clear_explicit(&pool->is_taken, memory_order_release);
}

typedef struct plain_job {
  void (*fn)(void *arg, int64_t i);
  void *arg;
} plain_job;

static void plain_task(void *arg, int64_t i, int lane) {
  const plain_job *job = arg;
  (void)lane;
  job->fn(job->arg, i);
}

void pgi_parallel_for(pg_context *ctx, int threads, int64_t n, void (*fn)(void *arg, int64_t i),
                      void *arg) {
  pgi_parallel_lanes(ctx, threads, n, plain_task, &(plain_job){fn, arg});
}
