/* perigee.Graph: editing.  What fails leaves the graph as it was. */
#include "bind/bind.h"

static void try(lua_State *L, pg_status status, const pg_error *err) {
  if (status != PG_OK) pgi_lua_raise(L, err);
}

const char *pgi_lua_copy_text(lua_State *L, pg_graph *g, const char *text) {
  const char *copy = pgi_arena_strdup(&g->model->arena, text);
  pg_error err;
  if (!copy) try(L, pgi_nomem(&err), &err);
  return copy;
}

pgi_value *pgi_lua_check_value(lua_State *L, pg_graph *g, int arg) {
  const char *name = luaL_checkstring(L, arg);
  pgi_value *v = pgi_graph_find(g, name);
  if (!v) pgi_lua_argerror(L, arg, lua_pushfstring(L, "no value '%s' in the graph", name));
  return v;
}

/* The names of dimensions are copied into the graph. */
static void read_dims(lua_State *L, pg_graph *g, int arg, pgi_type *type) {
  luaL_checktype(L, arg, LUA_TTABLE);
  type->rank = pgi_lua_rank(L, arg);
  for (int i = 0; i < type->rank; i++) {
    int kind = lua_rawgeti(L, arg, i + 1);
    if (lua_isinteger(L, -1)) {
      type->dims[i] = pgi_dim_of(lua_tointeger(L, -1));
      pgi_lua_argcheck(L, type->dims[i].n >= 0, arg, "a dimension is negative: name it instead");
    } else {
      const char *symbol = kind == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
      if (!symbol) pgi_lua_argerror(L, arg, "dimensions are integers or names");
      type->dims[i] = pgi_dim_unknown();
      if (strcmp(symbol, "?") != 0) type->dims[i].symbol = pgi_lua_copy_text(L, g, symbol);
    }
    lua_pop(L, 1);
  }
}

/* A word is an element type, anything longer a whole type; neither can be the other. */
pgi_type pgi_lua_check_type(lua_State *L, pg_graph *g, int arg) {
  const char *text = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : NULL;
  if (text && strpbrk(text, " [(")) {
    pgi_type type;
    pg_error err;
    pgi_lua_argcheck(L, lua_isnoneornil(L, arg + 1), arg + 1, "the type says the shape");
    try(L, pgi_type_parse(text, &g->model->arena, &type, &err), &err);
    return type;
  }
  pgi_type type = pgi_type_tensor(pgi_lua_opt_dtype(L, arg, PG_NONE));
  if (!lua_isnoneornil(L, arg + 1)) read_dims(L, g, arg + 1, &type);
  return type;
}

/* add_input(name, dtype, dims) or (name, type text): dims may hold names */
static int graph_add_input(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  const char *name = luaL_checkstring(L, 2);
  pgi_type type = pgi_lua_check_type(L, g, 3);
  pgi_value *v;
  pg_error err;
  try(L, pgi_edit_value(g, name, &v, &err), &err);
  bool is_part = g != g->model->main; /* its inputs take what they are given */
  if (!is_part || !lua_isnoneornil(L, 3) || !lua_isnoneornil(L, 4)) v->type = type;
  try(L, pgi_edit_input(g, v, &err), &err);
  lua_pushvalue(L, 2);
  return 1;
}

/* add_output(name): a value that exists */
static int graph_add_output(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pg_error err;
  try(L, pgi_edit_output(g, pgi_lua_check_value(L, g, 2), &err), &err);
  lua_pushvalue(L, 2);
  return 1;
}

/* An input of the graph that has no default yet. */
static pgi_value *bare_input(const pg_graph *g, const char *name) {
  pgi_value *v = name ? pgi_graph_lookup(g, name) : NULL;
  return v && v->graph == g && v->is_input && v->constant.dtype == PG_NONE ? v : NULL;
}

/* add_constant(name or nil, tensor or table [, dtype]) -> name.  The tensor becomes read-only.  In a
** function it is a Constant node.  The name of an input gives that its default. */
static int graph_add_constant(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  const char *name = luaL_optstring(L, 2, NULL);
  lua_settop(L, 4);
  pg_tensor *given = pgi_lua_new_tensor(L), *t = pgi_lua_new_tensor(L);
  pg_error err;
  pgi_lua_to_value(L, 3, pgi_lua_opt_dtype(L, 4, PG_NONE), given);
  pgi_lua_argcheck(L, given->dtype != PG_NONE && given->dtype < PG_SEQUENCE, 3,
                   "expected a tensor");
  try(L, pgi_tensor_contiguous(given, t, &err), &err);
  pgi_value *v;
  v = bare_input(g, name);
  if (v) {
    pgi_lua_argcheck(L, v->type.dtype == t->dtype, 3, "an input's default is of the input's type");
    pgi_tensor_assign(&v->constant, t);
  } else {
    try(L, pgi_edit_constant(g, name, t, &v, &err), &err);
  }
  t->buffer->is_readonly = true;
  pgi_function *f = pgi_function_of(g);
  if (f) try(L, pgi_function_free_constants(f, &err), &err);
  lua_pushstring(L, v->name);
  return 1;
}

/* The name at `i` of the list at `arg`; NULL for "", false and nil.  Lists of names are read raw: no
** metamethod can change what was checked. */
static const char *name_at(lua_State *L, int arg, int i) {
  int type = lua_rawgeti(L, arg, i + 1);
  const char *name = type == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  if (!name && lua_toboolean(L, -1)) pgi_lua_argerror(L, arg, "names of values are strings");
  lua_pop(L, 1); /* the list keeps it */
  return name && *name ? name : NULL;
}

static void find_inputs(lua_State *L, pg_graph *g, int arg, int n, pgi_value **out) {
  for (int i = 0; i < n; i++) {
    const char *name = name_at(L, arg, i);
    out[i] = name ? pgi_graph_lookup(g, name) : NULL;
    if (name && !out[i])
      pgi_lua_argerror(L, arg, lua_pushfstring(L, "no value '%s' in the graph", name));
  }
}

/* All names are looked at before the first value is made. */
static void make_outputs(lua_State *L, pg_graph *g, int arg, int n, pgi_value **out) {
  pg_error err;
  for (int i = 0; i < n; i++) {
    const char *name = name_at(L, arg, i);
    out[i] = name ? pgi_graph_find(g, name) : NULL;
    if (out[i] && (out[i]->producer || out[i]->is_input || out[i]->constant.dtype != PG_NONE))
      pgi_lua_argerror(L, arg, lua_pushfstring(L, "value '%s' is made elsewhere", name));
    for (int k = 0; name && k < i; k++) {
      const char *other = name_at(L, arg, k);
      if (other && strcmp(other, name) == 0)
        pgi_lua_argerror(L, arg, lua_pushfstring(L, "'%s' is there twice", name));
    }
  }
  for (int i = 0; i < n; i++)
    if (!out[i]) try(L, pgi_edit_value(g, name_at(L, arg, i), &out[i], &err), &err);
}

typedef struct add_options {
  const char *domain, *name, *overload, *doc;
  pgi_node *before;
} add_options;

static const char *text_option(lua_State *L, int arg, const char *key) {
  if (lua_getfield(L, arg, key) == LUA_TNIL) return NULL;
  if (lua_type(L, -1) != LUA_TSTRING)
    pgi_lua_error(L, "option '%s': expected a string, got a %s", key, luaL_typename(L, -1));
  return lua_tostring(L, -1);
}

/* Leaves what the result points to on the stack. */
static add_options check_add_options(lua_State *L, const pg_graph *g, int arg) {
  static const char *const known[] = {"name", "domain", "before", "overload", "doc", NULL};
  add_options o = {.domain = ""};
  pgi_lua_check_options(L, arg, known);
  if (lua_isnil(L, arg)) return o;
  const char *domain = text_option(L, arg, "domain");
  if (domain) o.domain = pgi_plain_domain(domain);
  o.name = text_option(L, arg, "name");
  o.overload = text_option(L, arg, "overload");
  o.doc = text_option(L, arg, "doc");
  if (lua_getfield(L, arg, "before") != LUA_TNIL) {
    o.before = pgi_lua_check_node(L, lua_gettop(L));
    pgi_lua_argcheck(L, o.before->graph == g, arg, "before: a node of another graph");
  }
  return o;
}

/* What a function's nodes are written for is what the function imports. */
static pg_status set_version(pg_graph *g, pgi_node *node, const char *domain, pg_error *err) {
  const pg_graph *root = g;
  while (root->parent) root = root->parent;
  pgi_function *f = root == g->model->main ? NULL : pgi_function_of(root);
  for (int i = 0; f && i < f->n_opsets; i++)
    if (strcmp(pgi_plain_domain(f->opsets[i].domain), domain) == 0)
      node->version = f->opsets[i].version;
  if (node->version) return PG_OK;
  node->version = PG_MAX(pgi_opset_newest(domain), 1);
  return pgi_model_set_opset(g->model, domain, node->version, err);
}

/* What has become of a node that could not be completed: nothing. */
static pg_status set_attrs(pg_graph *g, pgi_node *node, const char *domain, int n,
                           const pgi_attr *attrs, pg_error *err) {
  pg_status status = set_version(g, node, domain, err);
  for (int i = 0; i < n && status == PG_OK; i++) status = pgi_attr_assign(node, &attrs[i], err);
  if (status != PG_OK) pgi_edit_remove_node(node);
  return status;
}

/* add(type, inputs, outputs, attrs, options { name, domain, before, overload, doc }) -> Node.
** inputs, outputs: names; "" omits an input, a fresh name is made for an output that is "".
** Everything is checked before the graph is touched. */
static int graph_add(lua_State *L) {
  enum { MOST = 1 << 20 };
  pg_graph *g = pgi_lua_check_graph(L, 1);
  const char *type = luaL_checkstring(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TTABLE);
  lua_settop(L, 6);
  add_options o = check_add_options(L, g, 6);
  lua_Unsigned n_in = lua_rawlen(L, 3), n_out = lua_rawlen(L, 4);
  pgi_lua_argcheck(L, n_in <= MOST, 3, "too many inputs");
  pgi_lua_argcheck(L, n_out <= MOST, 4, "too many outputs");
  int n_attrs;
  const pgi_attr *attrs = pgi_lua_to_attrs(L, 5, pgi_op_find(o.domain, type), g, &n_attrs);
  pgi_value **in = pgi_lua_scratch(L, sizeof *in * n_in);
  pgi_value **out = pgi_lua_scratch(L, sizeof *out * n_out);
  const char *name = o.name ? pgi_lua_copy_text(L, g, o.name) : "";
  const char *overload = o.overload ? pgi_lua_copy_text(L, g, o.overload) : "";
  const char *doc = o.doc ? pgi_lua_copy_text(L, g, o.doc) : NULL;
  find_inputs(L, g, 3, (int)n_in, in);
  make_outputs(L, g, 4, (int)n_out, out);
  pg_error err;
  pgi_node *node;
  try(L, pgi_edit_node(g, o.before, o.domain, type, (int)n_in, in, (int)n_out, out, &node, &err),
      &err);
  node->name = name;
  node->overload = overload;
  node->doc = doc;
  try(L, set_attrs(g, node, o.domain, n_attrs, attrs, &err), &err);
  pgi_lua_push_node(L, 1, node);
  return 1;
}

/* node:set{ name = value }; a subgraph that is replaced is emptied */
int pgi_lua_node_set(lua_State *L) {
  pgi_node *node = pgi_lua_check_node(L, 1);
  int n;
  const pgi_attr *attrs =
      pgi_lua_to_attrs(L, 2, pgi_op_find(node->domain, node->type), node->graph, &n);
  pg_error err;
  for (int i = 0; i < n; i++) {
    lua_getiuservalue(L, 1, 1);
    pgi_lua_drop_bodies(L, lua_gettop(L), node, attrs[i].name);
    lua_pop(L, 1);
    try(L, pgi_attr_assign(node, &attrs[i], &err), &err);
  }
  lua_settop(L, 1);
  return 1;
}

int pgi_lua_node_unset(lua_State *L) {
  pgi_node *node = pgi_lua_check_node(L, 1);
  const char *name = luaL_checkstring(L, 2);
  lua_getiuservalue(L, 1, 1);
  pgi_lua_drop_bodies(L, lua_gettop(L), node, name);
  pgi_attr_remove(node, name);
  lua_settop(L, 1);
  return 1;
}

static int graph_remove(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_node *node = pgi_lua_check_node(L, 2);
  pgi_lua_argcheck(L, node->graph->model == g->model, 2, "a node of another graph");
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] && node->out[i]->uses)
      return pgi_lua_error(L, "node '%s' is still used: replace its output '%s' first", node->name,
                           node->out[i]->name);
  pgi_lua_drop_bodies(L, 1, node, NULL);
  pgi_lua_drop_node(L, 1, node);
  pgi_edit_remove_node(node);
  return 0;
}

/* replace(from, to): every use of value `from` becomes a use of `to` */
static int graph_replace(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_edit_replace(pgi_lua_check_value(L, g, 2), pgi_lua_check_value(L, g, 3));
  return 0;
}

static int graph_rename(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pg_error err;
  try(L, pgi_edit_rename(pgi_lua_check_value(L, g, 2), luaL_checkstring(L, 3), &err), &err);
  return 0;
}

/* remove_input(name), remove_output(name): only the declaration */
static int graph_remove_input(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_value *v = pgi_lua_check_value(L, g, 2);
  pg_error err;
  for (int i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == v) try(L, pgi_edit_remove_input(g, i, &err), &err);
  return 0;
}

static int graph_remove_output(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_value *v = pgi_lua_check_value(L, g, 2);
  pg_error err;
  for (int i = g->n_outputs - 1; i >= 0; i--)
    if (g->outputs[i].value == v) try(L, pgi_edit_remove_output(g, i, &err), &err);
  return 0;
}

static int graph_set_metadata(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pg_error err;
  try(L, pgi_model_set_prop(g->model, luaL_checkstring(L, 2), luaL_optstring(L, 3, NULL), &err),
      &err);
  return 0;
}

static int graph_set_name(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  g->name = pgi_lua_copy_text(L, g, luaL_checkstring(L, 2));
  return 0;
}

/* What is unknown has no history: its nodes follow what the model imports. */
static void follow_opset(pg_graph *g, const char *domain, int version) {
  for (pgi_node *node = g->first; node; node = node->next) {
    if (strcmp(node->domain, domain) == 0) node->version = version;
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) follow_opset(body, domain, version);
  }
}

/* set_opset(version [, domain]) */
static int graph_set_opset(lua_State *L) {
  pg_graph *g = pgi_lua_check_model(L, 1);
  lua_Integer version = luaL_checkinteger(L, 2);
  const char *domain = pgi_plain_domain(luaL_optstring(L, 3, ""));
  pg_error err;
  pgi_lua_argcheck(L, version >= 1 && version <= 10000, 2, "no such version");
  try(L, pgi_model_set_opset(g->model, domain, (int)version, &err), &err);
  if (pgi_opset_newest(domain) == 0) follow_opset(g, domain, (int)version);
  return 0;
}

void pgi_lua_open_edit(lua_State *L) {
  static const luaL_Reg methods[] = {{"add_input", graph_add_input},
                                     {"add_output", graph_add_output},
                                     {"add_constant", graph_add_constant},
                                     {"add", graph_add},
                                     {"remove", graph_remove},
                                     {"replace", graph_replace},
                                     {"rename", graph_rename},
                                     {"remove_input", graph_remove_input},
                                     {"remove_output", graph_remove_output},
                                     {"set_metadata", graph_set_metadata},
                                     {"set_name", graph_set_name},
                                     {"set_opset", graph_set_opset},
                                     {NULL, NULL}};
  luaL_setfuncs(L, methods, 0);
}
