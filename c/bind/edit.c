/* perigee.Graph: editing.  What fails leaves the graph as it was. */
#include "bind/bind.h"

static void try(lua_State *L, pg_status status, const pg_error *err) {
  if (status != PG_OK) pgi_lua_raise(L, err);
}

static const char *copy_text(lua_State *L, pg_graph *g, const char *text) {
  const char *copy = pgi_arena_strdup(&g->model->arena, text);
  pg_error err;
  if (!copy) try(L, pgi_nomem(&err), &err);
  return copy;
}

static pgi_value *check_value(lua_State *L, pg_graph *g, int arg) {
  const char *name = luaL_checkstring(L, arg);
  pgi_value *v = pgi_graph_find(g, name);
  if (!v) pgi_lua_argerror(L, arg, lua_pushfstring(L, "no value '%s' in the graph", name));
  return v;
}

/* The names of dimensions are copied into the graph. */
static pgi_type check_type(lua_State *L, pg_graph *g, int dtype_arg, int dims_arg) {
  pgi_type type = pgi_type_tensor(pgi_lua_opt_dtype(L, dtype_arg, PG_NONE));
  if (lua_isnoneornil(L, dims_arg)) return type;
  luaL_checktype(L, dims_arg, LUA_TTABLE);
  type.rank = pgi_lua_rank(L, dims_arg);
  for (int i = 0; i < type.rank; i++) {
    int kind = lua_rawgeti(L, dims_arg, i + 1);
    if (lua_isinteger(L, -1)) {
      type.dims[i] = pgi_dim_of(lua_tointeger(L, -1));
      pgi_lua_argcheck(L, type.dims[i].n >= 0, dims_arg,
                       "a dimension is negative: name it instead");
    } else {
      const char *symbol = kind == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
      if (!symbol) pgi_lua_argerror(L, dims_arg, "dimensions are integers or names");
      type.dims[i] = pgi_dim_unknown();
      if (strcmp(symbol, "?") != 0) type.dims[i].symbol = copy_text(L, g, symbol);
    }
    lua_pop(L, 1);
  }
  return type;
}

/* add_input(name, dtype, dims): dims may hold names */
static int graph_add_input(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  const char *name = luaL_checkstring(L, 2);
  pgi_type type = check_type(L, g, 3, 4);
  pgi_value *v;
  pg_error err;
  try(L, pgi_edit_value(g, name, &v, &err), &err);
  v->type = type;
  try(L, pgi_edit_input(g, v, &err), &err);
  lua_pushvalue(L, 2);
  return 1;
}

/* add_output(name): a value that exists */
static int graph_add_output(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pg_error err;
  try(L, pgi_edit_output(g, check_value(L, g, 2), &err), &err);
  lua_pushvalue(L, 2);
  return 1;
}

/* add_constant(name or nil, tensor or table [, dtype]) -> name.  The tensor becomes read-only. */
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
  try(L, pgi_edit_constant(g, name, t, &v, &err), &err);
  t->buffer->is_readonly = true;
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

static void set_attr(lua_State *L, pgi_node *node, const pgi_attr *a) {
  pg_error err;
  pg_status status = PG_OK;
  switch (a->kind) {
    case PG_ATTR_INT:
      status = pgi_attr_set_int(node, a->name, a->ints[0], &err);
      break;
    case PG_ATTR_FLOAT:
      status = pgi_attr_set_float(node, a->name, a->floats[0], &err);
      break;
    case PG_ATTR_STRING:
      status = pgi_attr_set_string(node, a->name, a->strings->data, a->strings->size, &err);
      break;
    case PG_ATTR_INTS:
      status = pgi_attr_set_ints(node, a->name, a->n, a->ints, &err);
      break;
    case PG_ATTR_FLOATS:
      status = pgi_attr_set_floats(node, a->name, a->n, a->floats, &err);
      break;
    case PG_ATTR_STRINGS:
      status = pgi_attr_set_strings(node, a->name, a->n, a->strings, &err);
      break;
    case PG_ATTR_TENSOR:
      status = pgi_attr_set_tensor(node, a->name, a->tensors[0], &err);
      break;
    default:
      pgi_lua_error(L, "attribute '%s': this kind can't be set from Lua", a->name);
  }
  try(L, status, &err);
}

typedef struct add_options {
  const char *domain, *name;
  pgi_node *before;
} add_options;

/* Leaves what the result points to on the stack. */
static add_options check_add_options(lua_State *L, const pg_graph *g, int arg) {
  static const char *const known[] = {"name", "domain", "before", NULL};
  add_options o = {.domain = ""};
  pgi_lua_check_options(L, arg, known);
  if (lua_isnil(L, arg)) return o;
  lua_getfield(L, arg, "domain");
  o.domain = luaL_optstring(L, -1, "");
  lua_getfield(L, arg, "name");
  o.name = luaL_optstring(L, -1, NULL);
  if (lua_getfield(L, arg, "before") != LUA_TNIL) {
    o.before = pgi_lua_check_node(L, lua_gettop(L));
    pgi_lua_argcheck(L, o.before->graph == g, arg, "before: a node of another graph");
  }
  return o;
}

/* add(type, inputs, outputs, attrs, options { name, domain, before }) -> Node.
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
  const pgi_attr *attrs = pgi_lua_to_attrs(L, 5, pgi_op_find(o.domain, type), &n_attrs);
  pgi_value **in = pgi_lua_scratch(L, sizeof *in * n_in);
  pgi_value **out = pgi_lua_scratch(L, sizeof *out * n_out);
  const char *name = o.name ? copy_text(L, g, o.name) : "";
  find_inputs(L, g, 3, (int)n_in, in);
  make_outputs(L, g, 4, (int)n_out, out);
  pg_error err;
  pgi_node *node;
  try(L, pgi_edit_node(g, o.before, o.domain, type, (int)n_in, in, (int)n_out, out, &node, &err),
      &err);
  node->name = name;
  if (!node->version) {
    node->version = PG_MAX(pgi_opset_newest(o.domain), 1);
    try(L, pgi_model_set_opset(g->model, o.domain, node->version, &err), &err);
  }
  for (int i = 0; i < n_attrs; i++) set_attr(L, node, &attrs[i]);
  pgi_lua_push_node(L, 1, node);
  return 1;
}

/* node:set{ name = value } */
int pgi_lua_node_set(lua_State *L) {
  pgi_node *node = pgi_lua_check_node(L, 1);
  int n;
  const pgi_attr *attrs = pgi_lua_to_attrs(L, 2, pgi_op_find(node->domain, node->type), &n);
  for (int i = 0; i < n; i++) set_attr(L, node, &attrs[i]);
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
  pgi_lua_drop_node(L, 1, node);
  pgi_edit_remove_node(node);
  return 0;
}

/* replace(from, to): every use of value `from` becomes a use of `to` */
static int graph_replace(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_edit_replace(check_value(L, g, 2), check_value(L, g, 3));
  return 0;
}

static int graph_rename(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pg_error err;
  try(L, pgi_edit_rename(check_value(L, g, 2), luaL_checkstring(L, 3), &err), &err);
  return 0;
}

/* remove_input(name), remove_output(name): only the declaration */
static int graph_remove_input(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_value *v = check_value(L, g, 2);
  pg_error err;
  for (int i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == v) try(L, pgi_edit_remove_input(g, i, &err), &err);
  return 0;
}

static int graph_remove_output(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  pgi_value *v = check_value(L, g, 2);
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
  g->name = copy_text(L, g, luaL_checkstring(L, 2));
  return 0;
}

/* set_opset(version [, domain]) */
static int graph_set_opset(lua_State *L) {
  pg_graph *g = pgi_lua_check_graph(L, 1);
  lua_Integer version = luaL_checkinteger(L, 2);
  pg_error err;
  pgi_lua_argcheck(L, version >= 1 && version <= 10000, 2, "no such version");
  try(L, pgi_model_set_opset(g->model, luaL_optstring(L, 3, ""), (int)version, &err), &err);
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
