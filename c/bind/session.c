/* perigee.Session: run, in one go or in slices; what goes in and out. */
#include "bind/bind.h"

enum { MAX_BINDINGS = 256 };

typedef struct session_box {
  pg_session *s;
  bool is_started;
  int n_wanted;
  pg_binding inputs[MAX_BINDINGS], wanted[MAX_BINDINGS];
} session_box;

/* User value slots of the userdata: what a started run refers to. */
enum { SLOT_INPUTS = 1, SLOT_OUTPUTS = 2, N_SLOTS = 2 };

static session_box *check_box(lua_State *L, int arg) {
  session_box *box = luaL_checkudata(L, arg, PG_LUA_SESSION);
  luaL_argcheck(L, box->s, arg, "session is closed");
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
      options.threads = (int)luaL_checkinteger(L, -1);
      luaL_argcheck(L, options.threads >= 1 && options.threads <= 1024, 2, "threads: 1 to 1024");
    }
    if (lua_getfield(L, 2, "optimize") != LUA_TNIL) options.no_optimize = !lua_toboolean(L, -1);
  }
  session_box *box = lua_newuserdatauv(L, sizeof *box, N_SLOTS);
  memset(box, 0, sizeof *box);
  luaL_setmetatable(L, PG_LUA_SESSION);
  pg_error err;
  if (pg_session_new(graph, &options, &box->s, &err) != PG_OK) return pgi_lua_fail(L, &err);
  return 1;
}

static int session_close(lua_State *L) {
  session_box *box = luaL_checkudata(L, 1, PG_LUA_SESSION);
  pg_session_free(box->s);
  box->s = NULL;
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
    if (v->dims[d] >= 0) lua_pushinteger(L, v->dims[d]);
    else lua_pushstring(L, v->dim_names[d] ? v->dim_names[d] : "?");
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

/* ---- running ------------------------------------------------------------------------------------------ */

/* The element type that input `name` is declared with, so that tables and numbers become it. */
static pg_dtype input_dtype(const pg_session *s, const char *name) {
  pg_value_info v;
  for (int i = 0; i < pg_session_input_count(s); i++)
    if (pg_session_input(s, i, &v) == PG_OK && strcmp(v.name, name) == 0) return v.dtype;
  return PG_NONE;
}

/* The name for a key of the inputs' table: itself, or that of the input at this position. */
static const char *input_name(lua_State *L, const pg_session *s, int key) {
  if (lua_type(L, key) == LUA_TSTRING) return lua_tostring(L, key);
  pg_value_info v;
  lua_Integer i = luaL_checkinteger(L, key);
  if (i < 1 || pg_session_input(s, (int)i - 1, &v) != PG_OK)
    luaL_error(L, "input %I: the model has %d inputs", (LUAI_UACINT)i, pg_session_input_count(s));
  return v.name;
}

/* { name = value } or { value, ... } at index 2.  What the bindings refer to is put into the array
** at `anchor`. */
static int bind_inputs(lua_State *L, session_box *box, int anchor) {
  int n = 0;
  lua_Integer kept = 0;
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
    if (n == MAX_BINDINGS) luaL_error(L, "too many inputs");
    pg_binding *b = &box->inputs[n++];
    int key = lua_gettop(L) - 1, value = key + 1;
    b->name = input_name(L, box->s, key);
    lua_pushvalue(L, key);
    lua_rawseti(L, anchor, ++kept);
    b->tensor = pgi_lua_test_tensor(L, value);
    if (b->tensor) {
      if (b->tensor->dtype == PG_NONE) luaL_error(L, "input '%s' is a closed tensor", b->name);
      lua_pushvalue(L, value);
    } else {
      b->tensor = pgi_lua_new_tensor(L);
      pgi_lua_to_value(L, value, input_dtype(box->s, b->name), b->tensor);
    }
    lua_rawseti(L, anchor, ++kept);
  }
  return n;
}

static void want(lua_State *L, session_box *box, const char *name, pg_tensor *into) {
  if (box->n_wanted == MAX_BINDINGS) luaL_error(L, "too many outputs: name those that you want");
  box->wanted[box->n_wanted++] = (pg_binding){name, into};
}

/* Outputs at index 3: nil for all, an array of names, or { name = tensor } to write into.  The array
** at `anchor` gets the name and the tensor (or false) of each. */
static void bind_outputs(lua_State *L, session_box *box, int anchor) {
  box->n_wanted = 0;
  if (lua_isnoneornil(L, 3)) {
    pg_value_info v;
    for (int i = 0; pg_session_output(box->s, i, &v) == PG_OK; i++) want(L, box, v.name, NULL);
    return;
  }
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_Integer n = luaL_len(L, 3);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, 3, i);
    want(L, box, luaL_checkstring(L, -1), NULL);
    lua_rawseti(L, anchor, 2 * box->n_wanted);
  }
  for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    int value = lua_gettop(L);
    pg_tensor *t = pgi_lua_check_tensor(L, value);
    if (t->buffer->is_readonly)
      luaL_error(L, "output '%s' is a read-only tensor", lua_tostring(L, -2));
    want(L, box, lua_tostring(L, -2), t);
    lua_pushvalue(L, -2);
    lua_rawseti(L, anchor, 2 * box->n_wanted);
    lua_pushvalue(L, -1);
    lua_rawseti(L, anchor, 2 * box->n_wanted + 1);
  }
}

/* The table of results, by name and by position.  Handles that the engine made become userdata;
** tensors that were written into are handed back as they are. */
static int push_outputs(lua_State *L, session_box *box, int anchor, const pg_tensor *const *given) {
  pg_binding *out = box->wanted;
  pg_tensor *holder = pgi_lua_new_tensors(L, box->n_wanted);
  for (int i = 0; i < box->n_wanted; i++) {
    if (given[i]) continue;
    pgi_tensor_assign(&holder[i], out[i].tensor);
    pg_tensor_free(out[i].tensor);
    out[i].tensor = NULL;
  }
  lua_createtable(L, box->n_wanted, box->n_wanted);
  for (int i = 0; i < box->n_wanted; i++) {
    if (given[i]) lua_rawgeti(L, anchor, 2 * (i + 1) + 1);
    else pgi_lua_push_value(L, &holder[i]);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, out[i].name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Leaves the anchors of inputs and outputs in the userdata's slots and on the stack. */
static int prepare(lua_State *L, session_box *box, int *outputs_anchor) {
  lua_settop(L, 3);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (box->is_started) luaL_error(L, "a run is in progress: finish it first");
  lua_newtable(L);
  lua_newtable(L);
  *outputs_anchor = 5;
  int n = bind_inputs(L, box, 4);
  bind_outputs(L, box, 5);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 1, SLOT_INPUTS);
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, 1, SLOT_OUTPUTS);
  return n;
}

/* run(s, inputs [, outputs]) -> { name = value } */
static int session_run(lua_State *L) {
  session_box *box = check_box(L, 1);
  int anchor;
  int n = prepare(L, box, &anchor);
  const pg_tensor *given[MAX_BINDINGS];
  for (int i = 0; i < box->n_wanted; i++) given[i] = box->wanted[i].tensor;
  pg_error err;
  if (pg_session_run(box->s, box->inputs, n, box->wanted, box->n_wanted, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  return push_outputs(L, box, anchor, given);
}

/* start(s, inputs [, outputs]) -> s; then step(s, milliseconds) -> done; then finish(s) -> outputs */
static int session_start(lua_State *L) {
  session_box *box = check_box(L, 1);
  int anchor;
  int n = prepare(L, box, &anchor);
  pg_error err;
  if (pg_session_start(box->s, box->inputs, n, box->wanted, box->n_wanted, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  box->is_started = true;
  lua_settop(L, 1);
  return 1;
}

static int session_step(lua_State *L) {
  session_box *box = check_box(L, 1);
  double budget_ms = luaL_optnumber(L, 2, 1);
  if (!box->is_started) luaL_error(L, "nothing to step: call start first");
  pg_error err;
  pg_status status = pg_session_step(box->s, budget_ms, &err);
  if (status != PG_OK && status != PG_BUDGET) {
    box->is_started = false;
    return pgi_lua_fail_or_raise(L, &err);
  }
  lua_pushboolean(L, status == PG_OK);
  return 1;
}

static int session_finish(lua_State *L) {
  session_box *box = check_box(L, 1);
  if (!box->is_started) luaL_error(L, "nothing to finish: call start first");
  const pg_tensor *given[MAX_BINDINGS];
  for (int i = 0; i < box->n_wanted; i++) given[i] = box->wanted[i].tensor;
  pg_error err;
  box->is_started = false;
  lua_getiuservalue(L, 1, SLOT_OUTPUTS);
  if (pg_session_finish(box->s, box->wanted, box->n_wanted, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  return push_outputs(L, box, lua_gettop(L), given);
}

static int session_cancel(lua_State *L) {
  pg_session_cancel(check_box(L, 1)->s);
  return 0;
}

/* { weight_bytes, arena_bytes, n_plans } */
static int session_memory(lua_State *L) {
  pgi_session_stats stats;
  pgi_session_stats_get(check_box(L, 1)->s, &stats);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)stats.weight_bytes);
  lua_setfield(L, -2, "weight_bytes");
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
** the table at index 4. */
typedef struct profile {
  lua_State *L;
  int n;
} profile;

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
  lua_State *L = ((profile *)arg)->L;
  (void)out, (void)n_out;
  lua_pushcfunction(L, append_row);
  lua_pushvalue(L, 6);
  lua_pushlightuserdata(L, (void *)(uintptr_t)node);
  lua_pushnumber(L, (lua_Number)ns * 1e-6);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* profile(s, inputs) -> array of { name, type, ms } in the order of execution, outputs */
static int session_profile(lua_State *L) {
  session_box *box = check_box(L, 1);
  int anchor;
  lua_settop(L, 2);
  int n = prepare(L, box, &anchor);
  lua_newtable(L); /* index 6 */
  luaL_checkstack(L, 10, NULL);
  const pg_tensor *given[MAX_BINDINGS] = {NULL};
  profile p = {L, 0};
  pg_error err;
  pgi_session_hook(box->s, profile_step, &p);
  pg_status status = pg_session_run(box->s, box->inputs, n, box->wanted, box->n_wanted, &err);
  pgi_session_hook(box->s, NULL, NULL);
  if (status != PG_OK) return pgi_lua_fail_or_raise(L, &err);
  push_outputs(L, box, anchor, given);
  lua_pushvalue(L, 6);
  lua_insert(L, -2);
  return 2;
}

void pgi_lua_open_session(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"run", session_run},         {"start", session_start},   {"step", session_step},
      {"finish", session_finish},   {"cancel", session_cancel}, {"close", session_close},
      {"memory", session_memory},   {"plan", session_plan},   {"profile", session_profile},
      {"input_list", session_input_list}, {"output_list", session_output_list},
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
