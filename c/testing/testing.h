/* testing: the engine's insides for specs, as the Lua module perigee.testing.  Built by `make test`,
** never installed. */
#ifndef PG_TESTING_H
#define PG_TESTING_H

#include <lauxlib.h>
#include <lua.h>

#include "base/base.h"

/* ---- host.c: an allocator that counts and fails ---------------------------------------------------- */

typedef struct pgi_test_host {
  atomic_llong live, made; /* blocks now, blocks ever */
  atomic_llong fail_at;    /* the allocation that fails, and all after it; 0: none */
} pgi_test_host;
void pgi_test_host_init(pgi_test_host *h, pg_host *out);

/* ---- surgery.c ------------------------------------------------------------------------------------- */

/* All that surgery does, once, on clones of the model. */
pg_status pgi_test_surgery(const pg_host *host, const char *path, pg_error *err);

/* ---- each adds functions to the module table on top of the stack -------------------------------------- */

void pgi_test_open_memory(lua_State *L);
void pgi_test_open_kernels(lua_State *L);

#endif
