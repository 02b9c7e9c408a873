/* lanes: parallel tasks that need memory of their own. */
#include "op/lanes.h"

typedef struct job {
  const pgi_lanes *lanes;
  void (*fn)(void *arg, int64_t i, void *scratch);
  void *arg;
} job;

pg_status pgi_scratch_array(pgi_call *c, int64_t count, size_t size, void *out) {
  size_t bytes;
  if (count < 0 || !pgi_mul_size((size_t)count, size, &bytes)) return pgi_nomem(c->err);
  void *block = pgi_call_scratch(c, bytes);
  if (!block) return pgi_nomem(c->err);
  memcpy(out, &block, sizeof block);
  return PG_OK;
}

pg_status pgi_lanes_init(pgi_lanes *l, pgi_call *c, int64_t max_tasks, size_t bytes) {
  int64_t n = PG_MAX(1, PG_MIN(max_tasks, c->threads));
  char *scratch = NULL;
  if (bytes > SIZE_MAX - PG_ALIGN) return pgi_nomem(c->err);
  bytes = (bytes + PG_ALIGN - 1) & ~(size_t)(PG_ALIGN - 1);
  if (bytes > 0) PG_TRY(pgi_scratch_array(c, n, bytes, &scratch));
  *l = (pgi_lanes){c, scratch, bytes, n};
  return PG_OK;
}

static void task(void *arg, int64_t i, int lane) {
  const job *j = arg;
  char *scratch = j->lanes->scratch;
  j->fn(j->arg, i, scratch ? scratch + (size_t)lane * j->lanes->bytes : NULL);
}

void pgi_lanes_run(const pgi_lanes *l, int64_t n, void (*fn)(void *arg, int64_t i, void *scratch),
                   void *arg) {
  job j = {.lanes = l, .fn = fn, .arg = arg};
  pgi_parallel_lanes(l->call->ctx, (int)l->n, n, task, &j);
}
