/* perigee.Session: run, in one go or in slices; what goes in and out. */
#include "bind/bind.h"

/* User value 1: the bindings of a started run. */
typedef struct session_box {
  pg_session *s;
  bool is_busy; /* inside of the engine, which calls back: nobody may touch s */
} session_box;

static session_box *check_box(lua_State *L, int arg) {
  session_box *box = luaL_checkudata(L, arg, PG_LUA_SESSION);
  pgi_lua_argcheck(L, box->s, arg, "session is closed");
  pgi_lua_argcheck(L, !box->is_busy, arg, "session is running");
  return box;
}

/* session(graph, options) */
static int session_new(lua_State *L) {
  static const char *const known[] = {"threads", "optimize", NULL};
  pg_graph *graph = pgi_lua_check_graph(L, 1);
  pgi_lua_check_options(L, 2, known);
  pg_session_options options = {.threads = pgi_cpu_count(), .no_optimize = false};
  if (lua_istable(L, 2)) {
    if (lua_getfield(L, 2, "threads") != LUA_TNIL) {
      int is_integer;
      lua_Integer n = lua_tointegerx(L, -1, &is_integer);
      if (!is_integer || n < 1 || n > 1024)
        pgi_lua_error(L, "threads: expected 1 to 1024, got %s", luaL_tolstring(L, -1, NULL));
      options.threads = (int)n;
    }
    if (lua_getfield(L, 2, "optimize") != LUA_TNIL) options.no_optimize = !lua_toboolean(L, -1);
  }
  session_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  memset(box, 0, sizeof *box);
  luaL_setmetatable(L, PG_LUA_SESSION);
  pg_error err;
  if (pg_session_new(graph, &options, &box->s, &err) != PG_OK) return pgi_lua_fail(L, &err);
  pgi_session_stats stats;
  pgi_session_stats_get(box->s, &stats);
  pgi_lua_nudge(L, stats.weight_bytes + stats.packed_bytes);
  return 1;
}

static void forget_run(lua_State *L) {
  lua_pushnil(L);
  lua_setiuservalue(L, 1, 1);
}

static int session_close(lua_State *L) {
  session_box *box = luaL_checkudata(L, 1, PG_LUA_SESSION);
  pgi_lua_argcheck(L, !box->is_busy, 1, "session is running");
  pg_session_free(box->s);
  box->s = NULL;
  forget_run(L);
  return 0;
}

/* ---- description ------------------------------------------------------------------------------------- */

typedef pg_status info_fn(const pg_session *s, int i, pg_value_info *out);

static void push_info(lua_State *L, const pg_value_info *v) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, v->name);
  lua_setfield(L, -2, "name");
  if (v->dtype != PG_NONE) {
    lua_pushstring(L, pg_dtype_name(v->dtype));
    lua_setfield(L, -2, "dtype");
  }
  if (v->rank < 0) return;
  lua_createtable(L, v->rank, 0);
  for (int d = 0; d < v->rank; d++) {
    if (v->dims[d] >= 0)
      lua_pushinteger(L, v->dims[d]);
    else
      lua_pushstring(L, v->dim_names[d] ? v->dim_names[d] : "?");
    lua_rawseti(L, -2, d + 1);
  }
  lua_setfield(L, -2, "shape");
}

static int push_infos(lua_State *L, int n, info_fn *get) {
  session_box *box = check_box(L, 1);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    pg_value_info v;
    if (get(box->s, i, &v) != PG_OK) break;
    push_info(L, &v);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Arrays of { name, dtype, shape }. */
static int session_input_list(lua_State *L) {
  return push_infos(L, pg_session_input_count(check_box(L, 1)->s), pg_session_input);
}

static int session_output_list(lua_State *L) {
  return push_infos(L, pg_session_output_count(check_box(L, 1)->s), pg_session_output);
}

/* ---- bindings ----------------------------------------------------------------------------------------- */

/* What a run is called with, in a userdata of its own.  The tensors are handles of their own on the
** caller's data: the caller may close his any time.  User value 1 keeps the names, and the tensors
** that results are written into: { name of input 1, ..., name of output 1, tensor or false, ... }. */
typedef struct bindings {
  int n_in, n_out, n_kept;
  bool is_done;         /* a started run came to its end */
  pg_binding *in, *out; /* [n_in], [n_out] */
  pg_tensor *held;      /* of the inputs, then of the outputs */
  int n_held;
} bindings;

static void clear_held(bindings *b, int from, int to) {
  for (int i = from; i < to; i++) pgi_tensor_clear(&b->held[i]);
}

static int bindings_gc(lua_State *L) {
  bindings *b = lua_touserdata(L, 1);
  clear_held(b, 0, b->n_held);
  return 0;
}

enum { MOST_BINDINGS = 1 << 16 };

static bindings *new_bindings(lua_State *L, lua_Integer n_in, lua_Integer n_out) {
  if (n_in > MOST_BINDINGS) pgi_lua_error(L, "too many inputs");
  if (n_out > MOST_BINDINGS) pgi_lua_error(L, "too many outputs: name those that you want");
  size_t n = (size_t)n_in + (size_t)n_out;
  size_t bytes = sizeof(bindings) + n * (sizeof(pg_tensor) + sizeof(pg_binding));
  bindings *b = lua_newuserdatauv(L, bytes, 1);
  memset(b, 0, bytes);
  b->held = (pg_tensor *)(b + 1);
  b->n_held = (int)n;
  b->in = (pg_binding *)(b->held + n);
  b->out = b->in + n_in;
  if (luaL_newmetatable(L, "perigee.bindings")) {
    lua_pushcfunction(L, bindings_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lua_createtable(L, (int)(n_in + 2 * n_out), 0);
  lua_setiuservalue(L, -2, 1);
  return b;
}

/* Where prepare leaves things; session_profile has its rows behind them. */
enum { AT_INPUTS = 2, AT_OUTPUTS = 3, AT_BINDINGS = 4, AT_KEPT = 5, AT_ROWS = 6 };

/* Keeps the value at the top, and pops it. */
static void keep(lua_State *L, bindings *b) {
  lua_rawseti(L, AT_KEPT, ++b->n_kept);
}

static lua_Integer count_keys(lua_State *L, int table, int type) {
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    n += type == LUA_TNONE || lua_type(L, -2) == type;
  return n;
}

/* The element type that input `name` is declared with, so that tables and numbers become it. */
static pg_dtype input_dtype(const pg_session *s, const char *name) {
  pg_value_info v;
  for (int i = 0; i < pg_session_input_count(s); i++)
    if (pg_session_input(s, i, &v) == PG_OK && strcmp(v.name, name) == 0) return v.dtype;
  return PG_NONE;
}

/* Pushes the name that a key of the inputs' table stands for: itself, or that of the input at this
** position. */
static const char *push_input_name(lua_State *L, int key) {
  const pg_session *s = check_box(L, 1)->s;
  pg_value_info v;
  if (lua_type(L, key) == LUA_TSTRING) {
    lua_pushvalue(L, key);
    return lua_tostring(L, -1);
  }
  if (!lua_isinteger(L, key))
    pgi_lua_error(L, "inputs are named or numbered, not by a %s", luaL_typename(L, key));
  lua_Integer i = lua_tointeger(L, key);
  int n = pg_session_input_count(s);
  if (i < 1 || i > n || pg_session_input(s, (int)i - 1, &v) != PG_OK)
    pgi_lua_error(L, "input %I: the model has %d inputs", (LUAI_UACINT)i, n);
  return lua_pushstring(L, v.name);
}

/* { name = value } or { value, ... }.  Tables with metamethods may run code here: the session is
** looked at anew each time. */
static void bind_inputs(lua_State *L, bindings *b, lua_Integer room) {
  for (lua_pushnil(L); lua_next(L, AT_INPUTS); lua_pop(L, 1)) {
    if (b->n_in == room) pgi_lua_error(L, "the inputs change while they are read");
    int value = lua_gettop(L);
    pg_tensor *held = &b->held[b->n_in];
    const pg_tensor *t = pgi_lua_test_tensor(L, value);
    const char *name = push_input_name(L, value - 1);
    if (t && t->dtype == PG_NONE) pgi_lua_error(L, "input '%s' is a closed tensor", name);
    if (t)
      pgi_tensor_assign(held, t);
    else
      pgi_lua_to_value(L, value, input_dtype(check_box(L, 1)->s, name), held);
    b->in[b->n_in++] = (pg_binding){name, held};
    keep(L, b);
  }
}

/* The name and what it is written into (nil: a fresh tensor) are the two values at the top. */
static void want(lua_State *L, bindings *b, lua_Integer room) {
  if (b->n_out == room) pgi_lua_error(L, "the outputs change while they are read");
  const pg_tensor *t = lua_isnil(L, -1) ? NULL : pgi_lua_test_tensor(L, -1);
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
  if (!name) pgi_lua_error(L, "outputs are wanted by name, not by a %s", luaL_typename(L, -2));
  if (!lua_isnil(L, -1) && (!t || t->dtype == PG_NONE))
    pgi_lua_error(L, "output '%s': expected an open tensor to write into", name);
  if (t && t->buffer->is_readonly) pgi_lua_error(L, "output '%s' is a read-only tensor", name);
  pg_tensor *held = &b->held[b->n_in + b->n_out];
  if (t) pgi_tensor_assign(held, t);
  b->out[b->n_out++] = (pg_binding){name, t ? held : NULL};
  lua_pushvalue(L, -2);
  keep(L, b);
  lua_pushvalue(L, -1);
  keep(L, b);
  lua_pop(L, 2);
}

/* nil for all, an array of names, or { name = tensor } to write into. */
static void bind_outputs(lua_State *L, bindings *b, lua_Integer room) {
  if (lua_isnil(L, AT_OUTPUTS)) {
    pg_value_info v;
    for (int i = 0; pg_session_output(check_box(L, 1)->s, i, &v) == PG_OK; i++) {
      lua_pushstring(L, v.name);
      lua_pushnil(L);
      want(L, b, room);
    }
    return;
  }
  lua_Integer n = (lua_Integer)lua_rawlen(L, AT_OUTPUTS);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, AT_OUTPUTS, i);
    lua_pushnil(L);
    want(L, b, room);
  }
  for (lua_pushnil(L); lua_next(L, AT_OUTPUTS); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    want(L, b, room);
  }
}

/* From (s, inputs [, outputs]). */
static bindings *prepare(lua_State *L) {
  session_box *box = check_box(L, 1);
  lua_settop(L, AT_OUTPUTS);
  luaL_checktype(L, AT_INPUTS, LUA_TTABLE);
  if (!lua_isnil(L, AT_OUTPUTS)) luaL_checktype(L, AT_OUTPUTS, LUA_TTABLE);
  if (lua_getiuservalue(L, 1, 1) != LUA_TNIL)
    pgi_lua_error(L, "a run is in progress: finish it first");
  lua_pop(L, 1);
  lua_Integer n_in = count_keys(L, AT_INPUTS, LUA_TNONE);
  lua_Integer n_out = lua_isnil(L, AT_OUTPUTS) ? pg_session_output_count(box->s)
                                               : (lua_Integer)lua_rawlen(L, AT_OUTPUTS) +
                                                     count_keys(L, AT_OUTPUTS, LUA_TSTRING);
  bindings *b = new_bindings(L, n_in, n_out);
  lua_getiuservalue(L, AT_BINDINGS, 1); /* AT_KEPT */
  bind_inputs(L, b, n_in);
  bind_outputs(L, b, n_out);
  check_box(L, 1);
  return b;
}

/* Right after the engine made handles: from here on the userdata owns what they hold. */
static void take_results(bindings *b) {
  clear_held(b, 0, b->n_in);
  for (int i = 0; i < b->n_out; i++) {
    pg_tensor *held = &b->held[b->n_in + i];
    if (b->out[i].tensor == held || !b->out[i].tensor) continue;
    pgi_tensor_assign(held, b->out[i].tensor);
    pg_tensor_free(b->out[i].tensor);
    b->out[i].tensor = NULL;
  }
}

/* The table of results, by name and by position; tensors that were written into are handed back as
** they are. */
static int push_results(lua_State *L, bindings *b, int kept) {
  lua_createtable(L, b->n_out, b->n_out);
  for (int i = 0; i < b->n_out; i++) {
    if (b->out[i].tensor)
      lua_rawgeti(L, kept, b->n_in + 2 * (i + 1));
    else
      pgi_lua_push_value(L, &b->held[b->n_in + i]);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, b->out[i].name);
    lua_rawseti(L, -2, i + 1);
  }
  clear_held(b, 0, b->n_held);
  return 1;
}

/* ---- running ------------------------------------------------------------------------------------------ */

/* run(s, inputs [, outputs]) -> { name = value } */
static int session_run(lua_State *L) {
  bindings *b = prepare(L);
  pg_session *s = check_box(L, 1)->s;
  pg_error err;
  pg_status status = pg_session_run(s, b->in, b->n_in, b->out, b->n_out, &err);
  if (status != PG_OK) return pgi_lua_fail_or_raise(L, &err);
  take_results(b);
  return push_results(L, b, AT_KEPT);
}

/* start(s, inputs [, outputs]) -> s; then step(s, milliseconds) -> done; then finish(s) -> outputs */
static int session_start(lua_State *L) {
  bindings *b = prepare(L);
  pg_session *s = check_box(L, 1)->s;
  pg_error err;
  if (pg_session_start(s, b->in, b->n_in, b->out, b->n_out, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  lua_pushvalue(L, AT_BINDINGS);
  lua_setiuservalue(L, 1, 1);
  lua_settop(L, 1);
  return 1;
}

/* Pushes the bindings of the run in progress. */
static bindings *check_started(lua_State *L, const char *what) {
  check_box(L, 1);
  if (lua_getiuservalue(L, 1, 1) == LUA_TNIL)
    pgi_lua_error(L, "nothing to %s: call start first", what);
  return lua_touserdata(L, -1);
}

static int session_step(lua_State *L) {
  double budget_ms = luaL_optnumber(L, 2, 1);
  bindings *b = check_started(L, "step");
  pg_error err;
  pg_status status = pg_session_step(check_box(L, 1)->s, budget_ms, &err);
  if (status != PG_OK && status != PG_BUDGET) {
    forget_run(L);
    return pgi_lua_fail_or_raise(L, &err);
  }
  b->is_done = status == PG_OK;
  lua_pushboolean(L, b->is_done);
  return 1;
}

static int session_finish(lua_State *L) {
  lua_settop(L, 1);
  bindings *b = check_started(L, "finish");
  if (!b->is_done) pgi_lua_error(L, "the run is not complete: step on");
  lua_getiuservalue(L, 2, 1);
  pg_error err;
  pg_status status = pg_session_finish(check_box(L, 1)->s, b->out, b->n_out, &err);
  if (status == PG_OK) take_results(b);
  forget_run(L);
  return status == PG_OK ? push_results(L, b, 3) : pgi_lua_fail_or_raise(L, &err);
}

static int session_cancel(lua_State *L) {
  pg_session_cancel(check_box(L, 1)->s);
  return 0;
}

/* { weight_bytes, packed_bytes, arena_bytes, n_plans } */
static int session_memory(lua_State *L) {
  pgi_session_stats stats;
  pgi_session_stats_get(check_box(L, 1)->s, &stats);
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, (lua_Integer)stats.weight_bytes);
  lua_setfield(L, -2, "weight_bytes");
  lua_pushinteger(L, (lua_Integer)stats.packed_bytes);
  lua_setfield(L, -2, "packed_bytes");
  lua_pushinteger(L, (lua_Integer)stats.arena_bytes);
  lua_setfield(L, -2, "arena_bytes");
  lua_pushinteger(L, stats.n_plans);
  lua_setfield(L, -2, "n_plans");
  return 1;
}

/* plan(s): the steps and the places of the last run's values, as text */
static int session_plan(lua_State *L) {
  session_box *box = check_box(L, 1);
  pgi_text measure = {NULL, 0, 0};
  pgi_session_plan_text(box->s, &measure);
  luaL_Buffer b;
  pgi_text text = {luaL_buffinitsize(L, &b, measure.n + 1), measure.n + 1, 0};
  *text.data = 0;
  pgi_session_plan_text(box->s, &text);
  luaL_pushresultsize(&b, measure.n);
  return 1;
}

/* ---- profile ------------------------------------------------------------------------------------------- */

/* Runs on the caller's thread, between steps, in a protected call: appends { name, type, ms } to
** the table at AT_ROWS. */
static int append_row(lua_State *L) {
  const pgi_node *node = lua_touserdata(L, 2);
  bool is_anonymous = !*node->name && node->n_out > 0 && node->out[0];
  lua_createtable(L, 0, 3);
  lua_pushstring(L, is_anonymous ? node->out[0]->name : node->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, node->type);
  lua_setfield(L, -2, "type");
  lua_pushvalue(L, 3);
  lua_setfield(L, -2, "ms");
  lua_seti(L, 1, luaL_len(L, 1) + 1);
  return 0;
}

static void profile_step(void *arg, const pgi_node *node, const pg_tensor *const *out, int n_out,
                         int64_t ns) {
  lua_State *L = arg;
  (void)out, (void)n_out;
  lua_pushcfunction(L, append_row);
  lua_pushvalue(L, AT_ROWS);
  lua_pushlightuserdata(L, (void *)(uintptr_t)node);
  lua_pushnumber(L, (lua_Number)ns * 1e-6);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* profile(s, inputs) -> array of { name, type, ms } in the order of execution, outputs */
static int session_profile(lua_State *L) {
  lua_settop(L, AT_INPUTS);
  bindings *b = prepare(L);
  lua_newtable(L); /* AT_ROWS */
  luaL_checkstack(L, 10, NULL);
  session_box *box = check_box(L, 1);
  pg_error err;
  pgi_session_hook(box->s, profile_step, L);
  box->is_busy = true; /* the hook allocates, and so may run finalizers */
  pg_status status = pg_session_run(box->s, b->in, b->n_in, b->out, b->n_out, &err);
  box->is_busy = false;
  pgi_session_hook(box->s, NULL, NULL);
  if (status != PG_OK) return pgi_lua_fail_or_raise(L, &err);
  take_results(b);
  push_results(L, b, AT_KEPT);
  lua_pushvalue(L, AT_ROWS);
  lua_insert(L, -2);
  return 2;
}

void pgi_lua_open_session(lua_State *L) {
  static const luaL_Reg methods[] = {{"run", session_run},
                                     {"start", session_start},
                                     {"step", session_step},
                                     {"finish", session_finish},
                                     {"cancel", session_cancel},
                                     {"close", session_close},
                                     {"memory", session_memory},
                                     {"plan", session_plan},
                                     {"profile", session_profile},
                                     {"input_list", session_input_list},
                                     {"output_list", session_output_list},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__call", session_run}, {"__gc", session_close}, {"__close", session_close}, {NULL, NULL}};
  lua_pushcfunction(L, session_new);
  lua_setfield(L, -2, "session");
  luaL_newmetatable(L, PG_LUA_SESSION);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__methods");
  lua_setfield(L, -2, "__index");
  lua_setfield(L, -2, "session_meta");
}
