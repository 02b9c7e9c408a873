/* Memory: allocators that fail, blocks that leak, runs that should not allocate, threads that should
** not start. */
#include <stdio.h>
#include <stdlib.h>

#include "testing/testing.h"

/* ---- the host ---------------------------------------------------------------------------------------- */

static void *host_alloc(void *user, size_t bytes, size_t align) {
  pgi_test_host *h = user;
  long long n = atomic_fetch_add(&h->made, 1) + 1, fail_at = atomic_load(&h->fail_at);
  void *block = NULL;
  if (fail_at && n >= fail_at) return NULL;
  if (posix_memalign(&block, PG_MAX(align, sizeof(void *)), bytes ? bytes : 1) != 0) return NULL;
  atomic_fetch_add(&h->live, 1);
  return block;
}

static void host_free(void *user, void *block) {
  if (!block) return;
  atomic_fetch_sub(&((pgi_test_host *)user)->live, 1);
  free(block);
}

void pgi_test_host_init(pgi_test_host *h, pg_host *out) {
  memset(h, 0, sizeof *h);
  *out = (pg_host){.user = h, .alloc = host_alloc, .free = host_free};
}

/* ---- one model, load to answer ------------------------------------------------------------------------- */

enum { MAX_VALUES = 16 };

typedef struct model {
  pg_context *ctx;
  pg_graph *graph;
  pg_session *session;
  int n_in, n_out;
  pg_binding in[MAX_VALUES], out[MAX_VALUES];
} model;

static void close_model(model *m) {
  for (int i = 0; i < m->n_in; i++) pg_tensor_free(m->in[i].tensor);
  for (int i = 0; i < m->n_out; i++) pg_tensor_free(m->out[i].tensor);
  pg_session_free(m->session);
  pg_graph_free(m->graph);
  pg_context_release(m->ctx);
}

/* A ramp; free dimensions become 1, but the last one 64. */
static pg_status fill(pg_context *ctx, const pg_value_info *v, pg_tensor **out, pg_error *err) {
  int64_t dims[PG_MAX_RANK];
  for (int d = 0; d < v->rank; d++)
    dims[d] = v->dims[d] >= 0 ? v->dims[d] : d == v->rank - 1 ? 64 : 1;
  PG_TRY(pg_tensor_new(ctx, v->dtype, PG_MAX(v->rank, 0), dims, out, err));
  float *x = pg_tensor_data(*out);
  for (int64_t i = 0; v->dtype == PG_F32 && i < pg_tensor_count(*out); i++)
    x[i] = (float)(i % 97) / 97;
  if (v->dtype == PG_I64 && pg_tensor_count(*out) == 1) *(int64_t *)(void *)x = 16000; /* a rate */
  return PG_OK;
}

static pg_status open_model(model *m, const pg_host *host, const char *path, int threads,
                            pg_error *err) {
  pg_session_options options = {.threads = threads};
  pg_value_info v;
  PG_TRY(pg_context_new(host, &m->ctx, err));
  PG_TRY(pg_graph_load(m->ctx, path, &m->graph, err));
  PG_TRY(pg_session_new(m->graph, &options, &m->session, err));
  int n_in = pg_session_input_count(m->session), n_out = pg_session_output_count(m->session);
  if (n_in > MAX_VALUES || n_out > MAX_VALUES) return pgi_fail(err, PG_INVALID, "too many values");
  for (; m->n_in < n_in; m->n_in++) {
    PG_TRY(pg_session_input(m->session, m->n_in, &v));
    m->in[m->n_in].name = v.name;
    PG_TRY(fill(m->ctx, &v, &m->in[m->n_in].tensor, err));
  }
  for (; m->n_out < n_out; m->n_out++) {
    PG_TRY(pg_session_output(m->session, m->n_out, &v));
    m->out[m->n_out].name = v.name;
  }
  return PG_OK;
}

static pg_status run_model(model *m, pg_error *err) {
  return pg_session_run(m->session, m->in, m->n_in, m->out, m->n_out, err);
}

static pg_status whole_life(const pg_host *host, const char *path, pg_error *err) {
  model m = {0};
  pg_status status = open_model(&m, host, path, 1, err);
  if (status == PG_OK) status = run_model(&m, err);
  close_model(&m);
  return status;
}

/* ---- for Lua --------------------------------------------------------------------------------------------- */

/* (path [, step]) -> allocations of a good run, blocks that leaked, wrong codes.  Leads the life with
** allocation 1, 1 + step, 1 + 2 step, ... and all later ones failing, until it is good. */
static int try_life(lua_State *L,
                    pg_status (*life)(const pg_host *host, const char *path, pg_error *err)) {
  const char *path = luaL_checkstring(L, 1);
  long long step = luaL_optinteger(L, 2, 1), leaked = 0, wrong = 0, fail_at = 1;
  for (;; fail_at += step) {
    pgi_test_host h;
    pg_host host;
    pg_error err;
    pgi_test_host_init(&h, &host);
    h.fail_at = fail_at;
    pg_status status = life(&host, path, &err);
    leaked += h.live;
    if (status == PG_OK) break;
    if (status != PG_NOMEM) {
      if (h.made < fail_at) return luaL_error(L, "%s: %s", path, err.message);
      wrong++;
      if (getenv("PG_DEBUG")) fprintf(stderr, "%lld %s\n", fail_at, err.message);
    }
  }
  lua_pushinteger(L, fail_at - 1);
  lua_pushinteger(L, leaked);
  lua_pushinteger(L, wrong);
  return 3;
}

/* alloc_failures(path [, step]): loads and runs the model */
static int alloc_failures(lua_State *L) {
  return try_life(L, whole_life);
}

/* surgery_failures(path [, step]): loads it, cuts it, joins it with itself ... */
static int surgery_failures(lua_State *L) {
  return try_life(L, pgi_test_surgery);
}

/* second_run(path, threads, how) -> allocations during the second run, threads started.
** how: "into" writes into the first run's outputs, "fresh" frees them before. */
static int second_run(lua_State *L) {
  static const char *const hows[] = {"into", "fresh", NULL};
  const char *path = luaL_checkstring(L, 1);
  int threads = (int)luaL_checkinteger(L, 2), how = luaL_checkoption(L, 3, NULL, hows);
  pgi_test_host h;
  pg_host host;
  pg_error err;
  model m = {0};
  pgi_test_host_init(&h, &host);
  pg_status status = open_model(&m, &host, path, threads, &err);
  if (status == PG_OK) status = run_model(&m, &err);
  for (int i = 0; how == 1 && i < m.n_out; i++) {
    pg_tensor_free(m.out[i].tensor);
    m.out[i].tensor = NULL;
  }
  long long before = h.made;
  if (status == PG_OK) status = run_model(&m, &err);
  long long during = h.made - before;
  int started = m.ctx ? pgi_pool_started(m.ctx) : 0;
  close_model(&m);
  if (status != PG_OK) return luaL_error(L, "%s: %s", path, err.message);
  lua_pushinteger(L, during);
  lua_pushinteger(L, started);
  lua_pushinteger(L, (lua_Integer)h.live);
  return 3;
}

void pgi_test_open_memory(lua_State *L) {
  static const luaL_Reg functions[] = {{"alloc_failures", alloc_failures},
                                       {"surgery_failures", surgery_failures},
                                       {"second_run", second_run},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
