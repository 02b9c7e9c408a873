#include "bind/bind.h"
void pgi_lua_open_image(lua_State *L) { (void)L; }
