/* perigee.Graph: load, look, save, passes.  Values are named by strings; nodes are userdata. */
#include "bind/bind.h"
#include "format/format.h"

static void try(lua_State *L, pg_status status, const pg_error *err) {
  if (status != PG_OK) pgi_lua_raise(L, err);
}

/* ---- handles ------------------------------------------------------------------------------------------ */

/* User value 1: { lightuserdata = userdata of a node, subgraph or function's body }, weak values, one
** for the whole model; 2: for a part of a model the handle of the whole. */
enum { HANDLES = 1, OWNER = 2 };

static pg_graph **new_box(lua_State *L) {
  pg_graph **box = lua_newuserdatauv(L, sizeof *box, 2);
  *box = NULL;
  return box;
}

pg_graph **pgi_lua_new_graph(lua_State *L) {
  pg_graph **box = new_box(L);
  lua_newtable(L);
  if (luaL_newmetatable(L, "perigee.weak")) {
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
  }
  lua_setmetatable(L, -2);
  lua_setiuservalue(L, -2, HANDLES);
  luaL_setmetatable(L, PG_LUA_GRAPH);
  return box;
}

void pgi_lua_push_owner(lua_State *L, int graph_index) {
  graph_index = lua_absindex(L, graph_index);
  if (lua_getiuservalue(L, graph_index, OWNER) == LUA_TUSERDATA) return;
  lua_pop(L, 1);
  lua_pushvalue(L, graph_index);
}

/* The model dies with its own handle, and all its parts with it. */
static pg_graph *live_graph(lua_State *L, int arg) {
  pg_graph *const *box = luaL_checkudata(L, arg, PG_LUA_GRAPH);
  pgi_lua_push_owner(L, arg);
  pg_graph *const *owner = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return *owner ? *box : NULL;
}

pg_graph *pgi_lua_check_graph(lua_State *L, int arg) {
  pg_graph *g = live_graph(L, arg);
  pgi_lua_argcheck(L, g, arg, "graph is closed");
  return g;
}

pg_graph *pgi_lua_check_model(lua_State *L, int arg) {
  pg_graph *g = pgi_lua_check_graph(L, arg);
  pgi_lua_argcheck(L, g == g->model->main, arg, "expected a whole model, got a part of one");
  return g;
}

pg_graph *pgi_lua_test_graph(lua_State *L, int arg) {
  return luaL_testudata(L, arg, PG_LUA_GRAPH) ? live_graph(L, arg) : NULL;
}

void pgi_lua_push_body(lua_State *L, int graph_index, pg_graph *body) {
  pgi_lua_push_owner(L, graph_index);
  lua_getiuservalue(L, -1, HANDLES);
  pg_graph *const *known = NULL;
  if (lua_rawgetp(L, -1, body) == LUA_TUSERDATA) known = lua_touserdata(L, -1);
  if (!known || !*known) {
    lua_pop(L, 1);
    *new_box(L) = body;
    lua_pushvalue(L, -2);
    lua_setiuservalue(L, -2, HANDLES);
    lua_pushvalue(L, -3);
    lua_setiuservalue(L, -2, OWNER);
    luaL_setmetatable(L, PG_LUA_GRAPH);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, body);
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void pgi_lua_drop_bodies(lua_State *L, int graph_index, const pgi_node *node, const char *name) {
  luaL_checkstack(L, 8, NULL);
  for (int i = 0; i < node->n_attrs; i++) {
    const pgi_attr *a = &node->attrs[i];
    bool holds = (a->kind == PG_ATTR_GRAPH || a->kind == PG_ATTR_GRAPHS) && !a->ref;
    if (!holds || (name && strcmp(a->name, name) != 0)) continue;
    for (int64_t k = 0; k < a->n; k++) {
      pgi_lua_drop_node(L, graph_index, (pgi_node *)a->graphs[k]);
      for (const pgi_node *inner = a->graphs[k] ? a->graphs[k]->first : NULL; inner;
           inner = inner->next)
        pgi_lua_drop_bodies(L, graph_index, inner, NULL);
    }
  }
}

/* A subgraph that never came to a node lets go of the outer values that it uses. */
static int graph_close(lua_State *L) {
  pg_graph **box = luaL_checkudata(L, 1, PG_LUA_GRAPH);
  pg_graph *g = live_graph(L, 1);
  *box = NULL;
  if (g && g->is_loose)
    pgi_graph_clear(g);
  else
    pg_graph_free(g);
  return 0;
}

static int graph_load(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pg_context *ctx = pgi_lua_context(L);
  pg_error err;
  if (pg_graph_load(ctx, path, pgi_lua_new_graph(L), &err) != PG_OK) return pgi_lua_fail(L, &err);
  return 1;
}

/* load_shapes(path): an ONNX file for looking; large tensors hold any numbers */
static int graph_load_shapes(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pg_context *ctx = pgi_lua_context(L);
  pg_error err;
  pg_graph **box = pgi_lua_new_graph(L);
  if (pgi_onnx_load_shapes(ctx, path, box, &err) != PG_OK) return pgi_lua_fail(L, &err);
  return 1;
}

typedef struct bytes_block {
  pg_context *ctx;
} bytes_block;

static void free_bytes(void *owner) {
  bytes_block *block = owner;
  pg_context *ctx = block->ctx;
  pgi_free(ctx, block);
  pg_context_release(ctx);
}

/* load_bytes(data [, path]).  The string is copied: it belongs to the collector.  External data is
** looked for beside `path`. */
static int graph_load_bytes(lua_State *L) {
  size_t size;
  const char *data = luaL_checklstring(L, 1, &size);
  const char *path = luaL_optstring(L, 2, NULL);
  pg_context *ctx = pgi_lua_context(L);
  pg_graph **box = pgi_lua_new_graph(L);
  pg_error err;
  pgi_lua_nudge(L, size);
  bytes_block *block = pgi_alloc_aligned(ctx, PG_ALIGN + size, PG_ALIGN);
  if (!block) {
    pgi_nomem(&err);
    return pgi_lua_fail(L, &err);
  }
  block->ctx = ctx;
  pgi_context_retain(ctx);
  char *copy = (char *)block + PG_ALIGN;
  memcpy(copy, data, size);
  if (pgi_onnx_load_bytes(ctx, copy, size, path, free_bytes, block, box, &err) != PG_OK) {
    free_bytes(block);
    return pgi_lua_fail(L, &err);
  }
  return 1;
}

static int graph_new(lua_State *L) {
  pg_context *ctx = pgi_lua_context(L);
  pg_error err;
  pg_graph **box = pgi_lua_new_graph(L);
  try(L, pgi_graph_new(ctx, box, &err), &err);
  try(L, pgi_model_set_opset((*box)->model, "", pgi_opset_newest(""), &err), &err);
  return 1;
}

static int graph_clone(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  pg_error err;
  if (pgi_graph_clone(g, pgi_lua_new_graph(L), &err) != PG_OK) return pgi_lua_fail(L, &err);
  return 1;
}

/* save(path [, external_threshold]) -> true */
static int graph_save(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  const char *path = luaL_checkstring(L, 2);
  pg_error err;
  if (pg_graph_save(g, path, luaL_optinteger(L, 3, -1), &err) != PG_OK)
    return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* outline() -> the bytes of an ONNX file without the larger tensors' data */
static int graph_outline(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  pg_error err;
  size_t size = 0;
  luaL_Buffer b;
  pg_status status = pgi_onnx_outline(g, NULL, &size, &err);
  if (status != PG_OK) return pgi_lua_fail(L, &err);
  status = pgi_onnx_outline(g, luaL_buffinitsize(L, &b, size), &size, &err);
  if (status != PG_OK) return pgi_lua_fail(L, &err);
  luaL_pushresultsize(&b, size);
  return 1;
}

/* ---- looking ------------------------------------------------------------------------------------------ */

static void push_dim(lua_State *L, pgi_dim d) {
  if (d.n >= 0)
    lua_pushinteger(L, d.n);
  else
    lua_pushstring(L, d.symbol ? d.symbol : "?");
}

void pgi_lua_push_type(lua_State *L, const char *name, const pgi_type *t) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  if (t->kind != PG_TYPE_TENSOR) {
    char text[300] = "";
    pgi_text out = {text, sizeof text, 0};
    pgi_type_text(t, &out);
    lua_pushstring(L, text);
    lua_setfield(L, -2, "type");
    return;
  }
  if (t->dtype != PG_NONE) {
    lua_pushstring(L, pg_dtype_name(t->dtype));
    lua_setfield(L, -2, "dtype");
  }
  if (t->rank < 0) return;
  lua_createtable(L, t->rank, 0);
  for (int d = 0; d < t->rank; d++) {
    push_dim(L, t->dims[d]);
    lua_rawseti(L, -2, d + 1);
  }
  lua_setfield(L, -2, "shape");
}

/* Arrays of { name, dtype, shape }; inputs without those that only have a default. */
static int graph_input_list(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  lua_newtable(L);
  int n = 0;
  for (int i = 0; i < g->n_inputs; i++) {
    if (g->inputs[i]->constant.dtype != PG_NONE) continue;
    pgi_lua_push_type(L, g->inputs[i]->name, &g->inputs[i]->type);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* Names of all inputs, those with a default too. */
static int graph_all_input_names(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  lua_createtable(L, g->n_inputs, 0);
  for (int i = 0; i < g->n_inputs; i++) {
    lua_pushstring(L, g->inputs[i]->name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int graph_output_list(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  lua_newtable(L);
  for (int i = 0; i < g->n_outputs; i++) {
    pgi_lua_push_type(L, g->outputs[i].value->name, &g->outputs[i].value->type);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Names of the initialisers, in order of creation. */
static int graph_constant_list(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  lua_newtable(L);
  int n = 0;
  for (pgi_value *v = g->first_value; v; v = v->next) {
    if (v->constant.dtype == PG_NONE) continue;
    lua_pushstring(L, v->name);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

static int graph_node_list(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  lua_createtable(L, g->n_nodes, 0);
  int n = 0;
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_lua_push_node(L, 1, node);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* node(name or 1-based position) -> Node or nil */
static int graph_node(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_node *node = g->first;
  if (lua_isinteger(L, 2)) {
    lua_Integer i = lua_tointeger(L, 2);
    if (i < 0) i += g->n_nodes + 1;
    for (; node && i > 1; i--) node = node->next;
    if (i < 1) node = NULL;
  } else {
    const char *name = luaL_checkstring(L, 2);
    while (node && strcmp(node->name, name) != 0) node = node->next;
  }
  if (node)
    pgi_lua_push_node(L, 1, node);
  else
    lua_pushnil(L);
  return 1;
}

static void set_text(lua_State *L, const char *key, const char *text) {
  if (!text || !*text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

/* value(name) -> { name, dtype, shape, doc, constant, producer, consumers, is_input, is_output } or nil */
static int graph_value(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_value *v = pgi_graph_find(g, luaL_checkstring(L, 2));
  if (!v) return 0;
  pgi_lua_push_type(L, v->name, &v->type);
  set_text(L, "doc", v->doc);
  if (v->constant.dtype != PG_NONE) {
    pgi_tensor_assign(pgi_lua_new_tensor(L), &v->constant);
    lua_setfield(L, -2, "constant");
  }
  if (v->producer) {
    pgi_lua_push_node(L, 1, v->producer);
    lua_setfield(L, -2, "producer");
  }
  lua_pushboolean(L, v->is_input);
  lua_setfield(L, -2, "is_input");
  bool is_output = false;
  int n = 0;
  lua_newtable(L);
  for (pgi_use *use = v->uses; use; use = use->next) {
    is_output = is_output || !use->node;
    if (!use->node) continue;
    pgi_lua_push_node(L, 1, use->node);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "consumers");
  lua_pushboolean(L, is_output);
  lua_setfield(L, -2, "is_output");
  return 1;
}

/* { name, doc, ir_version, producer, opsets = { [domain] = version }, metadata = {...}, ... } */
static int graph_info(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_model *m = g->model;
  lua_createtable(L, 0, 10);
  set_text(L, "name", g->name);
  set_text(L, "doc", g->doc);
  set_text(L, "producer", m->producer_name);
  set_text(L, "producer_version", m->producer_version);
  set_text(L, "domain", m->domain);
  lua_pushinteger(L, m->model_version);
  lua_setfield(L, -2, "model_version");
  lua_pushinteger(L, m->ir_version);
  lua_setfield(L, -2, "ir_version");
  lua_pushinteger(L, g->n_nodes);
  lua_setfield(L, -2, "n_nodes");
  lua_createtable(L, 0, m->n_opsets);
  for (int i = 0; i < m->n_opsets; i++) {
    lua_pushinteger(L, m->opsets[i].version);
    lua_setfield(L, -2, *m->opsets[i].domain ? m->opsets[i].domain : "ai.onnx");
  }
  lua_setfield(L, -2, "opsets");
  lua_createtable(L, 0, m->n_props);
  for (int i = 0; i < m->n_props; i++) {
    lua_pushstring(L, m->props[i].value);
    lua_setfield(L, -2, m->props[i].key);
  }
  lua_setfield(L, -2, "metadata");
  lua_createtable(L, m->n_functions, 0);
  for (int i = 0; i < m->n_functions; i++) {
    lua_pushstring(L, m->functions[i].name);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "functions");
  int64_t parameters = 0;
  for (pgi_value *v = g->first_value; v; v = v->next)
    if (v->constant.dtype != PG_NONE) parameters += pgi_tensor_count(&v->constant);
  lua_pushinteger(L, parameters);
  lua_setfield(L, -2, "n_parameters");
  return 1;
}

/* text(g [, is_short]): one line a node, or only the first line */
static int graph_text(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_text measure = {NULL, 0, 0};
  pgi_graph_text(g, &measure);
  bool is_short = lua_toboolean(L, 2);
  luaL_Buffer b;
  char *data = luaL_buffinitsize(L, &b, measure.n + 1);
  pgi_text text = {data, measure.n + 1, 0};
  pgi_graph_text(g, &text);
  size_t n = measure.n;
  if (is_short) {
    const char *end = memchr(data, '\n', n);
    if (end) n = (size_t)(end - data);
  }
  luaL_pushresultsize(&b, n);
  return 1;
}

static int graph_tostring(lua_State *L) {
  luaL_checkudata(L, 1, PG_LUA_GRAPH);
  if (!live_graph(L, 1)) {
    lua_pushliteral(L, "Graph (closed)");
    return 1;
  }
  lua_settop(L, 1);
  lua_pushboolean(L, 1);
  return graph_text(L);
}

/* ---- passes --------------------------------------------------------------------------------------------- */

/* Engine functions on the whole graph; true, or nil, message, code.  Node handles die where nodes
** may have gone. */
static int graph_verify(lua_State *L) {
  pg_error err;
  if (pgi_graph_verify(pgi_lua_check_graph(L, 1), &err) != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int graph_canonical(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  pg_error err;
  pgi_lua_drop_nodes(L, 1);
  if (pgi_graph_canonical(g, &err) != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int graph_optimize(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  pgi_pass_options options = {NULL, 0};
  pg_error err;
  pgi_lua_drop_nodes(L, 1);
  if (pgi_graph_canonical(g, &err) != PG_OK) return pgi_lua_fail(L, &err);
  if (pgi_graph_optimize(g, &options, &err) != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int graph_sort(lua_State *L) {
  pg_error err;
  if (pgi_graph_sort(pgi_lua_check_graph(L, 1), &err) != PG_OK) return pgi_lua_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

void pgi_lua_open_graph(lua_State *L) {
  static const luaL_Reg functions[] = {{"load", graph_load},
                                       {"load_shapes", graph_load_shapes},
                                       {"load_bytes", graph_load_bytes},
                                       {"graph_new", graph_new},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {{"close", graph_close},
                                     {"clone", graph_clone},
                                     {"save", graph_save},
                                     {"outline", graph_outline},
                                     {"input_list", graph_input_list},
                                     {"all_input_names", graph_all_input_names},
                                     {"output_list", graph_output_list},
                                     {"constant_list", graph_constant_list},
                                     {"node_list", graph_node_list},
                                     {"node", graph_node},
                                     {"value", graph_value},
                                     {"info", graph_info},
                                     {"text", graph_text},
                                     {"verify", graph_verify},
                                     {"infer", pgi_lua_graph_infer},
                                     {"canonical", graph_canonical},
                                     {"optimize", graph_optimize},
                                     {"sort", graph_sort},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", graph_tostring},
                                  {"__gc", graph_close},
                                  {"__close", graph_close},
                                  {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, PG_LUA_GRAPH);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  pgi_lua_open_edit(L);
  pgi_lua_open_build(L);
  pgi_lua_open_surgery(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__methods");
  lua_setfield(L, -2, "__index");
  lua_setfield(L, -2, "graph_meta");
}
