/* perigee.Graph: what a model is made of besides nodes: subgraphs, functions, declared types, texts. */
#include "bind/bind.h"

static void try(lua_State *L, pg_status status, const pg_error *err) {
  if (status != PG_OK) pgi_lua_raise(L, err);
}

/* ---- subgraphs ------------------------------------------------------------------------------------ */

/* subgraph([name]) -> Graph: to be built and then given to a node of this graph as an attribute.  Its
** nodes see the values of the graphs around it by name. */
static int graph_subgraph(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  const char *name = pgi_lua_copy_text(L, g, luaL_optstring(L, 2, "body"));
  pg_graph *body;
  pg_error err;
  try(L, pgi_graph_new_inside(g->model, g, &body, &err), &err);
  body->name = name;
  body->is_loose = true;
  pgi_lua_push_body(L, 1, body);
  return 1;
}

/* parent() -> Graph, or nil for a whole model and the body of a function */
static int graph_parent(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  if (!g->parent)
    lua_pushnil(L);
  else if (g->parent == g->model->main)
    pgi_lua_push_owner(L, 1);
  else
    pgi_lua_push_body(L, 1, g->parent);
  return 1;
}

/* ---- functions ------------------------------------------------------------------------------------ */

static const char *text_field(lua_State *L, int arg, const char *key, const char *otherwise) {
  if (lua_isnil(L, arg) || lua_getfield(L, arg, key) == LUA_TNIL) return otherwise;
  if (lua_type(L, -1) != LUA_TSTRING)
    pgi_lua_error(L, "option '%s': expected a string, got a %s", key, luaL_typename(L, -1));
  return lua_tostring(L, -1);
}

/* Calls with each name of the list in the option `key`. */
static void each_name(lua_State *L, int arg, const char *key, pgi_function *f,
                      pg_status (*take)(pgi_function *f, const char *name, pg_error *err)) {
  pg_error err;
  if (lua_getfield(L, arg, key) == LUA_TNIL) return;
  luaL_argexpected(L, lua_istable(L, -1), arg, "lists of names");
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, -1, i) != LUA_TSTRING)
      pgi_lua_error(L, "option '%s': expected names, got a %s", key, luaL_typename(L, -1));
    try(L, take(f, lua_tostring(L, -1), &err), &err);
    lua_pop(L, 1);
  }
}

static pg_status take_input(pgi_function *f, const char *name, pg_error *err) {
  pgi_value *v;
  PG_TRY(pgi_edit_value(f->body, name, &v, err));
  return pgi_edit_input(f->body, v, err);
}

static void take_defaults(lua_State *L, int arg, pgi_function *f) {
  pg_error err;
  int n;
  lua_getfield(L, arg, "defaults");
  const pgi_attr *attrs = pgi_lua_to_attrs(L, lua_gettop(L), NULL, NULL, &n);
  for (int i = 0; i < n; i++) try(L, pgi_function_add_default(f, &attrs[i], &err), &err);
}

static void take_opsets(lua_State *L, int arg, pgi_function *f) {
  pg_error err;
  if (lua_getfield(L, arg, "opsets") == LUA_TNIL) return;
  int list = lua_gettop(L);
  luaL_argexpected(L, lua_istable(L, list), arg, "{ domain = version }");
  int n = 0;
  for (lua_pushnil(L); lua_next(L, list); lua_pop(L, 1)) n++;
  pgi_arena *arena = &f->body->model->arena;
  pgi_opset *opsets = pgi_arena_alloc(arena, (size_t)n * sizeof *opsets);
  if (!opsets) try(L, pgi_nomem(&err), &err);
  int i = 0;
  for (lua_pushnil(L); i < n && lua_next(L, list); lua_pop(L, 1), i++) {
    int is_integer;
    lua_Integer version = lua_tointegerx(L, -1, &is_integer);
    if (lua_type(L, -2) != LUA_TSTRING || !is_integer || version < 1 || version > 10000)
      pgi_lua_error(L, "option 'opsets': expected { domain = version }");
    opsets[i].domain = pgi_lua_copy_text(L, f->body, pgi_plain_domain(lua_tostring(L, -2)));
    opsets[i].version = (int)version;
  }
  f->opsets = opsets;
  f->n_opsets = i;
}

/* What may raise happens in here, so that a function that is refused can go again. */
static int fill_function(lua_State *L) {
  pgi_function *f = lua_touserdata(L, 3);
  take_opsets(L, 2, f);
  each_name(L, 2, "inputs", f, take_input);
  each_name(L, 2, "attrs", f, pgi_function_add_attr);
  take_defaults(L, 2, f);
  const char *doc = text_field(L, 2, "doc", NULL);
  if (doc) f->doc = pgi_lua_copy_text(L, f->body, doc);
  return 0;
}

/* add_function(name, { domain, overload, inputs, attrs, defaults, opsets, doc }) -> Graph, its body */
static int graph_add_function(lua_State *L) {
  static const char *const known[] = {"domain",   "overload", "inputs", "attrs",
                                      "defaults", "opsets",   "doc",    NULL};
  pg_graph *g = pgi_lua_check_model(L, 1);
  const char *name = luaL_checkstring(L, 2);
  lua_settop(L, 3);
  pgi_lua_check_options(L, 3, known);
  const char *domain = text_field(L, 3, "domain", "");
  const char *overload = text_field(L, 3, "overload", "");
  pgi_function *f;
  pg_error err;
  try(L, pgi_function_add(g->model, domain, name, overload, &f, &err), &err);
  if (!lua_isnil(L, 3)) {
    lua_pushcfunction(L, fill_function);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 3);
    lua_pushlightuserdata(L, f);
    if (lua_pcall(L, 3, 0, 0) != LUA_OK) {
      pgi_function_remove(g->model, f);
      return lua_error(L);
    }
  }
  pgi_lua_push_body(L, 1, f->body);
  return 1;
}

static void push_texts(lua_State *L, int n, const char *const *texts) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, texts[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_opsets(lua_State *L, int n, const pgi_opset *opsets) {
  lua_createtable(L, 0, n);
  for (int i = 0; i < n; i++) {
    lua_pushinteger(L, opsets[i].version);
    lua_setfield(L, -2, *opsets[i].domain ? opsets[i].domain : "ai.onnx");
  }
}

static void push_function(lua_State *L, const pgi_function *f) {
  lua_createtable(L, 0, 8);
  lua_pushstring(L, f->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, f->domain);
  lua_setfield(L, -2, "domain");
  lua_pushstring(L, f->overload ? f->overload : "");
  lua_setfield(L, -2, "overload");
  lua_pushstring(L, f->doc);
  lua_setfield(L, -2, "doc");
  push_texts(L, f->n_attrs, f->attrs);
  lua_setfield(L, -2, "attrs");
  lua_createtable(L, 0, f->n_defaults);
  for (int i = 0; i < f->n_defaults; i++) {
    pgi_lua_push_attr(L, &f->defaults[i], 1);
    lua_setfield(L, -2, f->defaults[i].name);
  }
  lua_setfield(L, -2, "defaults");
  push_opsets(L, f->n_opsets, f->opsets);
  lua_setfield(L, -2, "opsets");
  pgi_lua_push_body(L, 1, f->body);
  lua_setfield(L, -2, "body");
}

/* { { name, domain, overload, doc, attrs, defaults, opsets, body }, ... } */
static int graph_function_list(lua_State *L) {
  const pgi_model *m = pgi_lua_check_model(L, 1)->model;
  lua_settop(L, 1);
  lua_createtable(L, m->n_functions, 0);
  for (int i = 0; i < m->n_functions; i++) {
    push_function(L, &m->functions[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* remove_function(name [, domain [, overload]]): calls of it stay as they are */
static int graph_remove_function(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  const char *name = luaL_checkstring(L, 2);
  pgi_function *f =
      pgi_function_find(g->model, luaL_optstring(L, 3, ""), name, luaL_optstring(L, 4, ""));
  if (!f) pgi_lua_argerror(L, 2, lua_pushfstring(L, "no function '%s'", name));
  pgi_lua_drop_node(L, 1, (pgi_node *)f->body);
  for (const pgi_node *node = f->body->first; node; node = node->next)
    pgi_lua_drop_bodies(L, 1, node, NULL);
  pgi_function_remove(g->model, f);
  return 0;
}

/* ---- types and texts ------------------------------------------------------------------------------ */

/* set_type(value, dtype, dims) or (value, type text): what is declared of a value; nil forgets it */
static int graph_set_type(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_value *v = pgi_lua_check_value(L, g, 2);
  lua_settop(L, 4);
  pgi_lua_argcheck(L, v->constant.dtype == PG_NONE || v->is_input, 2,
                   "a constant has its own type");
  pgi_type type = pgi_type_unknown;
  if (!lua_isnil(L, 3) || !lua_isnil(L, 4)) type = pgi_lua_check_type(L, g, 3);
  v->type = type;
  v->extra = (pgi_bytes){NULL, 0}; /* it may hold what the file said of the type */
  return 0;
}

/* set_doc(text [, value]) */
static int graph_set_doc(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  const char *text = luaL_optstring(L, 2, "");
  pgi_value *v = lua_isnoneornil(L, 3) ? NULL : pgi_lua_check_value(L, g, 3);
  const char **doc = v ? &v->doc : &g->doc;
  *doc = *text ? pgi_lua_copy_text(L, g, text) : NULL;
  return 0;
}

/* set_info{ producer, producer_version, domain, doc, model_version, ir_version }: what the model says of
** itself */
static int graph_set_info(lua_State *L) {
  static const char *const known[] = {"producer",      "producer_version", "domain", "doc",
                                      "model_version", "ir_version",       NULL};
  pg_graph *g = pgi_lua_check_model(L, 1);
  pgi_model *m = g->model;
  const char **texts[] = {&m->producer_name, &m->producer_version, &m->domain, &m->doc};
  int64_t *numbers[] = {&m->model_version, &m->ir_version};
  const char *copies[4];
  int64_t values[2];
  luaL_checktype(L, 2, LUA_TTABLE);
  pgi_lua_check_options(L, 2, known);
  for (int i = 0; i < 4; i++) {
    const char *text = text_field(L, 2, known[i], NULL);
    copies[i] = text ? pgi_lua_copy_text(L, g, text) : *texts[i];
  }
  for (int i = 0; i < 2; i++) {
    int is_integer = 1;
    values[i] = *numbers[i];
    if (lua_getfield(L, 2, known[4 + i]) != LUA_TNIL)
      values[i] = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || values[i] < 0)
      pgi_lua_error(L, "option '%s': expected an integer >= 0", known[4 + i]);
  }
  for (int i = 0; i < 4; i++) *texts[i] = copies[i];
  for (int i = 0; i < 2; i++) *numbers[i] = values[i];
  return 0;
}

void pgi_lua_open_build(lua_State *L) {
  static const luaL_Reg methods[] = {{"subgraph", graph_subgraph},
                                     {"parent", graph_parent},
                                     {"add_function", graph_add_function},
                                     {"function_list", graph_function_list},
                                     {"remove_function", graph_remove_function},
                                     {"set_type", graph_set_type},
                                     {"set_doc", graph_set_doc},
                                     {"set_info", graph_set_info},
                                     {NULL, NULL}};
  luaL_setfuncs(L, methods, 0);
}
