/* perigee.Node: a node of a graph.  The handle keeps the graph alive, and dies with the node. */
#include "bind/bind.h"

/* User value 1: the handle of the whole model.  The pointer is all: handles of subgraphs are dropped in
** the same way. */
typedef struct node_box {
  pgi_node *node; /* NULL: removed */
} node_box;

/* Nodes lie in the arena of their graph, so that a removed one can still be asked; not so when the
** graph is closed. */
static pgi_node *live_node(lua_State *L, int arg) {
  node_box *box = luaL_checkudata(L, arg, PG_LUA_NODE);
  lua_getiuservalue(L, arg, 1);
  pg_graph *const *graph = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return graph && *graph && box->node && box->node->graph ? box->node : NULL;
}

void pgi_lua_push_node(lua_State *L, int graph_index, pgi_node *node) {
  pgi_lua_push_owner(L, graph_index);
  graph_index = lua_gettop(L);
  lua_getiuservalue(L, graph_index, 1);
  if (lua_rawgetp(L, -1, node) == LUA_TNIL) {
    lua_pop(L, 1);
    node_box *box = lua_newuserdatauv(L, sizeof *box, 1);
    box->node = node;
    luaL_setmetatable(L, PG_LUA_NODE);
    lua_pushvalue(L, graph_index);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, node);
  }
  lua_replace(L, graph_index);
  lua_settop(L, graph_index);
}

pgi_node *pgi_lua_check_node(lua_State *L, int arg) {
  pgi_node *node = live_node(L, arg);
  pgi_lua_argcheck(L, node, arg, "node was removed from its graph");
  return node;
}

void pgi_lua_drop_node(lua_State *L, int graph_index, pgi_node *node) {
  lua_getiuservalue(L, graph_index, 1);
  if (lua_rawgetp(L, -1, node) == LUA_TUSERDATA) ((node_box *)lua_touserdata(L, -1))->node = NULL;
  lua_pushnil(L);
  lua_rawsetp(L, -3, node);
  lua_pop(L, 2);
}

void pgi_lua_drop_nodes(lua_State *L, int graph_index) {
  if (lua_getiuservalue(L, graph_index, 1) != LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    ((node_box *)lua_touserdata(L, -1))->node = NULL;
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
}

static void push_names(lua_State *L, int n, const char *(*name)(const pgi_node *node, int i),
                       const pgi_node *node) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, name(node, i));
    lua_rawseti(L, -2, i + 1);
  }
}

static const char *input_name(const pgi_node *node, int i) {
  return node->in[i].value ? node->in[i].value->name : "";
}

static const char *output_name(const pgi_node *node, int i) {
  return node->out[i] ? node->out[i]->name : "";
}

static void push_attrs(lua_State *L, const pgi_node *node) {
  lua_getiuservalue(L, 1, 1);
  int graph_index = lua_gettop(L);
  lua_createtable(L, 0, node->n_attrs);
  for (int i = 0; i < node->n_attrs; i++) {
    pgi_lua_push_attr(L, &node->attrs[i], graph_index);
    lua_setfield(L, -2, node->attrs[i].name);
  }
  lua_remove(L, graph_index);
}

static void push_graph(lua_State *L, pg_graph *g) {
  lua_getiuservalue(L, 1, 1);
  if (g != g->model->main) {
    pgi_lua_push_body(L, -1, g);
    lua_remove(L, -2);
  }
}

/* node.name, .type, .domain, .overload, .doc, .version, .graph, .inputs, .outputs, .attrs (fresh
** tables), methods */
static int node_index(lua_State *L) {
  const char *key = luaL_checkstring(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  const pgi_node *node = pgi_lua_check_node(L, 1);
  if (strcmp(key, "name") == 0)
    lua_pushstring(L, node->name);
  else if (strcmp(key, "type") == 0)
    lua_pushstring(L, node->type);
  else if (strcmp(key, "domain") == 0)
    lua_pushstring(L, node->domain);
  else if (strcmp(key, "overload") == 0)
    lua_pushstring(L, node->overload ? node->overload : "");
  else if (strcmp(key, "doc") == 0)
    lua_pushstring(L, node->doc);
  else if (strcmp(key, "graph") == 0)
    push_graph(L, node->graph);
  else if (strcmp(key, "version") == 0)
    lua_pushinteger(L, node->version);
  else if (strcmp(key, "inputs") == 0)
    push_names(L, node->n_in, input_name, node);
  else if (strcmp(key, "outputs") == 0)
    push_names(L, node->n_out, output_name, node);
  else if (strcmp(key, "attrs") == 0)
    push_attrs(L, node);
  else
    lua_pushnil(L);
  return 1;
}

/* set_input(i, name): "" omits */
static int node_set_input(lua_State *L) {
  pgi_node *node = pgi_lua_check_node(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  const char *name = luaL_checkstring(L, 3);
  pgi_lua_argcheck(L, i >= 1 && i <= node->n_in + 1, 2, "input out of range");
  pgi_value *v = *name ? pgi_graph_lookup(node->graph, name) : NULL;
  if (*name && !v) pgi_lua_argerror(L, 3, lua_pushfstring(L, "no value '%s' in the graph", name));
  pg_error err;
  if (pgi_edit_set_input(node, (int)i - 1, v, &err) != PG_OK) pgi_lua_raise(L, &err);
  lua_settop(L, 1);
  return 1;
}

/* Only what has no meaning for the graph: name, doc, overload. */
static int node_newindex(lua_State *L) {
  pgi_node *node = pgi_lua_check_node(L, 1);
  const char *key = luaL_checkstring(L, 2);
  bool is_doc = strcmp(key, "doc") == 0, is_overload = strcmp(key, "overload") == 0;
  if (!is_doc && !is_overload && strcmp(key, "name") != 0)
    pgi_lua_error(L, "node.%s can't be assigned (name, doc and overload can)", key);
  const char *text = lua_isnil(L, 3) ? "" : luaL_checkstring(L, 3);
  text = pgi_lua_copy_text(L, node->graph, text);
  if (is_doc)
    node->doc = *text ? text : NULL;
  else if (is_overload)
    node->overload = text;
  else
    node->name = text;
  return 0;
}

static int node_tostring(lua_State *L) {
  const pgi_node *node = live_node(L, 1);
  if (!node)
    lua_pushliteral(L, "Node (removed)");
  else if (*node->name)
    lua_pushfstring(L, "Node %s (%s)", node->name, node->type);
  else
    lua_pushfstring(L, "Node (%s)", node->type);
  return 1;
}

/* infer(): the types of the node's outputs from what is known of its inputs, declared in place; a list
** of them.  Makers of graphs ask node by node what Graph:infer tells of a whole model. */
static int node_infer(lua_State *L) {
  pgi_node *node = pgi_lua_check_node(L, 1);
  pgi_arena *arena = &node->graph->model->arena;
  size_t n_in = (size_t)node->n_in;
  const pgi_type **in = pgi_lua_scratch(L, (n_in + 1) * sizeof *in);
  const pg_tensor **content = pgi_lua_scratch(L, (n_in + 1) * sizeof *content);
  pgi_type *out = pgi_lua_scratch(L, (size_t)(node->n_out + 1) * sizeof *out);
  for (size_t i = 0; i < n_in; i++) {
    const pgi_value *v = node->in[i].value;
    bool is_known = v && v->constant.dtype != PG_NONE && !v->is_input;
    in[i] = v ? &v->type : NULL;
    content[i] = is_known ? &v->constant : NULL;
  }
  if (!node->op) node->op = pgi_op_find(node->domain, node->type);
  pgi_infer_env env = {.arena = arena};
  pg_error err;
  if (pgi_infer_node(node, in, content, out, &env, &err) != PG_OK) return pgi_lua_fail(L, &err);
  lua_createtable(L, node->n_out, 0);
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i]) node->out[i]->type = out[i];
    pgi_lua_push_type(L, node->out[i] ? node->out[i]->name : "", &out[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void pgi_lua_open_node(lua_State *L) {
  static const luaL_Reg methods[] = {{"infer", node_infer},
                                     {"set", pgi_lua_node_set},
                                     {"set_input", node_set_input},
                                     {"unset", pgi_lua_node_unset},
                                     {NULL, NULL}};
  luaL_newmetatable(L, PG_LUA_NODE);
  lua_pushcfunction(L, node_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushcfunction(L, node_newindex);
  lua_setfield(L, -2, "__newindex");
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__methods");
  lua_pushcclosure(L, node_index, 1);
  lua_setfield(L, -2, "__index");
  lua_setfield(L, -2, "node_meta");
}
