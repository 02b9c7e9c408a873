/* perigee.testing: opening. */
#include "testing/testing.h"

PG_API int luaopen_perigee_testing(lua_State *L);
int luaopen_perigee_testing(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  pgi_test_open_memory(L);
  pgi_test_open_kernels(L);
  return 1;
}
