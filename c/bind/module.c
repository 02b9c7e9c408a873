/* perigee.core: opening, the context of a state, errors, options. */
#include <signal.h>
#include <sys/resource.h>

#include "bind/bind.h"

/* Their addresses are registry keys. */
static const char context_key = 0, source_key = 0, pending_key = 0;

static int context_gc(lua_State *L) {
  pg_context **box = lua_touserdata(L, 1);
  pg_context_release(*box);
  *box = NULL;
  return 0;
}

/* Finalizers of older objects run after the context's own when the state closes: they get an error. */
pg_context *pgi_lua_context(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key) == LUA_TUSERDATA) {
    pg_context *ctx = *(pg_context **)lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (!ctx) luaL_error(L, "the Lua state is closing");
    return ctx;
  }
  lua_pop(L, 1);
  pg_context **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, context_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  pg_error err;
  if (pg_context_new(NULL, box, &err) != PG_OK) pgi_lua_raise(L, &err);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
  return pgi_lua_context(L);
}

int pgi_lua_fail(lua_State *L, const pg_error *err) {
  luaL_pushfail(L);
  lua_pushstring(L, err->message);
  lua_pushstring(L, pg_status_name(err->code));
  return 3;
}

/* ---- errors ------------------------------------------------------------------------------------------ */

/* The level of the innermost Lua function outside of perigee's own modules, which know where they lie
** (lua/perigee/util/blame.lua): the caller to blame. */
static int user_level(lua_State *L) {
  lua_Debug ar;
  int found = 1;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &source_key);
  const char *own = lua_tostring(L, -1);
  for (int level = 1; own && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "S", &ar);
    if (*ar.what == 'C' || strncmp(ar.source, own, strlen(own)) == 0) continue;
    found = level;
    break;
  }
  lua_pop(L, 1);
  return found;
}

/* lua_error doesn't say that it never returns. */
_Noreturn static void throw(lua_State * L) {
  lua_error(L);
  __builtin_unreachable();
}

int pgi_lua_error(lua_State *L, const char *format, ...) {
  va_list args;
  va_start(args, format);
  luaL_where(L, user_level(L));
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_concat(L, 2);
  throw(L);
}

int pgi_lua_raise(lua_State *L, const pg_error *err) {
  pgi_lua_error(L, "%s", err->message);
}

int pgi_lua_argerror(lua_State *L, int arg, const char *message) {
  lua_Debug ar = {0};
  if (lua_getstack(L, 0, &ar)) lua_getinfo(L, "n", &ar);
  if (!ar.name) pgi_lua_error(L, "bad argument #%d (%s)", arg, message);
  if (strcmp(ar.namewhat, "method") == 0) arg--;
  if (arg == 0) pgi_lua_error(L, "calling '%s' on a bad self (%s)", ar.name, message);
  pgi_lua_error(L, "bad argument #%d to '%s' (%s)", arg, ar.name, message);
}

/* own_source(prefix): chunk names of perigee's own modules begin with it */
static int own_source(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &source_key);
  return 0;
}

/* user_level() -> the level that error() takes to blame the caller of perigee, called from there */
static int push_user_level(lua_State *L) {
  lua_pushinteger(L, user_level(L));
  return 1;
}

int pgi_lua_fail_or_raise(lua_State *L, const pg_error *err) {
  return err->code == PG_INVALID ? pgi_lua_raise(L, err) : pgi_lua_fail(L, err);
}

/* Counts what hangs on userdata and runs a whole collection when the garbage may have become large:
** beside the heap itself, which is what a collection costs, and beside SMALL_GARBAGE.  A step would not
** do: in generational mode, which the program lua runs in, it passes over what has survived two. */
enum { SMALL_GARBAGE = 32 << 20 };

void pgi_lua_nudge(lua_State *L, size_t bytes) {
  if (bytes < 1024 || !lua_gc(L, LUA_GCISRUNNING)) return; /* a host may collect by itself */
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pending_key);
  lua_Integer pending = lua_tointeger(L, -1) + (lua_Integer)PG_MIN(bytes, (size_t)1 << 62);
  lua_pop(L, 1);
  lua_Integer heap = (lua_Integer)lua_gc(L, LUA_GCCOUNT) << 10;
  if (pending >= PG_MAX(heap, SMALL_GARBAGE)) {
    pending = 0;
    lua_gc(L, LUA_GCCOLLECT);
  }
  lua_pushinteger(L, pending);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pending_key);
}

void pgi_lua_check_options(lua_State *L, int arg, const char *const *known) {
  if (lua_isnoneornil(L, arg)) return;
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    lua_pop(L, 1);
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    int i = 0;
    while (known[i] && !(key && strcmp(known[i], key) == 0)) i++;
    if (known[i]) continue;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (i = 0; known[i]; i++) {
      luaL_addstring(&b, i ? ", " : "");
      luaL_addstring(&b, known[i]);
    }
    luaL_pushresult(&b);
    const char *list = lua_tostring(L, -1);
    pgi_lua_argerror(
        L, arg,
        lua_pushfstring(L, "unknown option '%s' (known: %s)", key ? key : "(not a string)", list));
  }
}

void *pgi_lua_scratch(lua_State *L, size_t bytes) {
  return lua_newuserdatauv(L, bytes ? bytes : 1, 0);
}

static int isa(lua_State *L) {
  lua_pushstring(L, pg_context_isa(pgi_lua_context(L)));
  return 1;
}

static int cpu_count(lua_State *L) {
  lua_pushinteger(L, pgi_cpu_count());
  return 1;
}

/* Seconds of a monotonic clock. */
static int clock_seconds(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pgi_now_ns(pgi_lua_context(L)) * 1e-9);
  return 1;
}

/* The most memory that this process ever had resident, in bytes. */
static int peak_bytes(lua_State *L) {
  struct rusage usage;
  lua_pushinteger(L, getrusage(RUSAGE_SELF, &usage) == 0 ? (lua_Integer)usage.ru_maxrss * 1024 : 0);
  return 1;
}

/* ping_pong() -> nanoseconds from CPU to CPU, 0 where there is only one */
static int ping_pong(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pgi_ping_pong_ns());
  return 1;
}

/* peak_f32() -> operations a second of one core: fused multiply-adds, two operations each */
static int peak_f32(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pgi_machine_peak_f32(pgi_lua_context(L)));
  return 1;
}

/* read_speed(bytes) -> bytes a second that one core reads over and over from so many */
static int read_speed(lua_State *L) {
  lua_Integer bytes = luaL_checkinteger(L, 1);
  luaL_argcheck(L, bytes > 0 && bytes <= (lua_Integer)1 << 32, 1, "out of range");
  double speed = pgi_machine_read_speed(pgi_lua_context(L), (size_t)bytes);
  if (speed == 0) return luaL_error(L, "out of memory");
  lua_pushnumber(L, (lua_Number)speed);
  return 1;
}

/* For the command: the interpreter's own handler only stops Lua code, not a run inside the engine. */
static int default_interrupt(lua_State *L) {
  (void)L;
  signal(SIGINT, SIG_DFL);
  return 0;
}

static int restore_interrupt(lua_State *L) {
  sigaction(SIGINT, lua_touserdata(L, lua_upvalueindex(1)), NULL);
  return 0;
}

/* For the prompt: a function that puts back the handler that is there now, as the interpreter's own
** takes itself away when it is used. */
static int interrupt_restorer(lua_State *L) {
  struct sigaction *action = lua_newuserdatauv(L, sizeof *action, 0);
  sigaction(SIGINT, NULL, action);
  lua_pushcclosure(L, restore_interrupt, 1);
  return 1;
}

PG_API int luaopen_perigee_core(lua_State *L);
int luaopen_perigee_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"isa", isa},
                                       {"cpu_count", cpu_count},
                                       {"clock", clock_seconds},
                                       {"operators", pgi_lua_operators},
                                       {"peak_bytes", peak_bytes},
                                       {"ping_pong", ping_pong},
                                       {"peak_f32", peak_f32},
                                       {"read_speed", read_speed},
                                       {"own_source", own_source},
                                       {"user_level", push_user_level},
                                       {"default_interrupt", default_interrupt},
                                       {"interrupt_restorer", interrupt_restorer},
                                       {NULL, NULL}};
  luaL_checkversion(L);
  luaL_newlib(L, functions);
  lua_pushliteral(L, PG_VERSION);
  lua_setfield(L, -2, "version");
  pgi_lua_open_tensor(L);
  pgi_lua_open_eval(L);
  pgi_lua_open_attr(L);
  pgi_lua_open_node(L);
  pgi_lua_open_graph(L);
  pgi_lua_open_session(L);
  pgi_lua_open_file(L);
  pgi_lua_open_bytes(L);
  pgi_lua_open_image(L);
  pgi_lua_open_post(L);
  pgi_lua_open_tokenizer(L);
  pgi_lua_open_proof(L);
  return 1;
}
