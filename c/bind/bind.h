/* bind: the engine seen from Lua 5.4.  The only room that includes lua.h.
**
** The module perigee.core exports thin functions and four userdata: perigee.Tensor, perigee.Graph,
** perigee.Node, perigee.Session.  lua/perigee adds the rest.  Each Lua state has one context, in the
** registry.  Every handle is made empty, with its metatable, before the engine fills it, so that a
** raise at any point leaks nothing. */
#ifndef PG_BIND_H
#define PG_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "graph/opdef.h"
#include "session/session.h"

#define PG_LUA_TENSOR "perigee.Tensor"
#define PG_LUA_GRAPH "perigee.Graph"
#define PG_LUA_NODE "perigee.Node"
#define PG_LUA_SESSION "perigee.Session"

/* ---- module.c ------------------------------------------------------------------------------------- */

/* The state's context, made on first use; raises when that fails.  Borrowed. */
pg_context *pgi_lua_context(lua_State *L);
/* nil, message, code. */
int pgi_lua_fail(lua_State *L, const pg_error *err);
/* PG_INVALID raises (misuse); anything else is pgi_lua_fail. */
int pgi_lua_fail_or_raise(lua_State *L, const pg_error *err);
int pgi_lua_raise(lua_State *L, const pg_error *err) __attribute__((noreturn));
/* As luaL_error, luaL_argerror, luaL_argcheck, but the position is that of the caller of perigee, also
** when Lua modules of perigee are in between. */
int pgi_lua_error(lua_State *L, const char *format, ...) __attribute__((noreturn));
int pgi_lua_argerror(lua_State *L, int arg, const char *message) __attribute__((noreturn));
#define pgi_lua_argcheck(L, is_good, arg, message) \
  ((void)((is_good) || pgi_lua_argerror(L, arg, message)))
/* Tells the collector that so many bytes hang on a small userdata.  The one place that depends on
** lua_gc's arguments. */
void pgi_lua_nudge(lua_State *L, size_t bytes);
/* Raises when the options table at `arg` (may be absent) has a key outside the NULL-ended list. */
void pgi_lua_check_options(lua_State *L, int arg, const char *const *known);
/* A scratch block that dies with its stack slot. */
void *pgi_lua_scratch(lua_State *L, size_t bytes);

/* ---- value.c -------------------------------------------------------------------------------------- */

/* A fresh userdata with a cleared tensor in it, on the stack. */
pg_tensor *pgi_lua_new_tensor(lua_State *L);
/* n cleared tensors that die with their stack slot. */
pg_tensor *pgi_lua_new_tensors(lua_State *L, int n);
/* Raises for other types and closed tensors. */
pg_tensor *pgi_lua_check_tensor(lua_State *L, int arg);
pg_tensor *pgi_lua_test_tensor(lua_State *L, int arg); /* NULL when it is something else */
/* Pushes a value and leaves *v clear: nil for absent, a table for sequences, { key = value } for
** maps, else a tensor. */
void pgi_lua_push_value(lua_State *L, pg_tensor *v);
/* Number, boolean, string, nested table, tensor, table of tensors (a sequence), nil (absent).
** dtype: what it should become, PG_NONE to choose (numbers: f32).  *out: fresh, and inside a userdata
** or a scratch array that cleans up, since this raises. */
void pgi_lua_to_value(lua_State *L, int arg, pg_dtype dtype, pg_tensor *out);
pg_dtype pgi_lua_check_dtype(lua_State *L, int arg);
pg_dtype pgi_lua_opt_dtype(lua_State *L, int arg, pg_dtype otherwise);
/* A table of integers (or one integer) into dims[PG_MAX_RANK]; the rank. */
int pgi_lua_check_dims(lua_State *L, int arg, int64_t *dims);
/* The length of the table at `arg`; raises beyond PG_MAX_RANK.  Tables of sizes are read raw: no
** metamethod can change what was checked. */
int pgi_lua_rank(lua_State *L, int arg);
void pgi_lua_push_dims(lua_State *L, int rank, const int64_t *dims);
/* 1-based, negative from the end, to 0-based; raises. */
int64_t pgi_lua_index(lua_State *L, int arg, int64_t i, int64_t n, const char *what);
/* Attributes from a table { name = value } at `arg` (may be nil); their memory is anchored on the
** stack.  op may be NULL; declared kinds decide between int and float.  g: the graph of the node,
** whose subgraphs they may hold; NULL: none. */
pgi_attr *pgi_lua_to_attrs(lua_State *L, int arg, const pg_op *op, pg_graph *g, int *n);
void pgi_lua_push_attr(lua_State *L, const pgi_attr *a, int graph_index);

/* ---- graph.c, edit.c, node.c -------------------------------------------------------------------------------- */

/* A fresh closed graph userdata on the stack. */
pg_graph **pgi_lua_new_graph(lua_State *L);
pg_graph *pgi_lua_check_graph(lua_State *L, int arg);
/* A whole model, not a subgraph or the body of a function. */
pg_graph *pgi_lua_check_model(lua_State *L, int arg);
pg_graph *pgi_lua_test_graph(lua_State *L, int arg); /* NULL for anything else and closed graphs */
/* The handle of a subgraph or a function's body of the model whose (or part of whose) handle is at
** graph_index: the same one each time.  It keeps the model's handle alive. */
void pgi_lua_push_body(lua_State *L, int graph_index, pg_graph *body);
/* Before the node goes, or its attribute `name` (NULL: all): the handles of its subgraphs die. */
void pgi_lua_drop_bodies(lua_State *L, int graph_index, const pgi_node *node, const char *name);
/* Pushes the handle of the whole model, for any part of it. */
void pgi_lua_push_owner(lua_State *L, int graph_index);
/* The userdata of a node of the graph at `graph_index`: the same one each time. */
void pgi_lua_push_node(lua_State *L, int graph_index, pgi_node *node);
pgi_node *pgi_lua_check_node(lua_State *L, int arg); /* raises when the node was removed */
/* After edits that may have freed nodes: all handles of the graph's nodes become dead. */
void pgi_lua_drop_nodes(lua_State *L, int graph_index);
void pgi_lua_drop_node(lua_State *L, int graph_index, pgi_node *node);
/* edit.c, build.c, surgery.c: more methods of graphs, into the table on top of the stack; and Node's. */
void pgi_lua_open_edit(lua_State *L);
void pgi_lua_open_build(lua_State *L);
void pgi_lua_open_surgery(lua_State *L);
/* A copy of a text in the model's arena; raises. */
const char *pgi_lua_copy_text(lua_State *L, pg_graph *g, const char *text);
/* The value of g that is named at `arg`; raises. */
pgi_value *pgi_lua_check_value(lua_State *L, pg_graph *g, int arg);
/* A type from (dtype, dims) at `arg` and behind it, or from a text as in ValueInfo.type. */
pgi_type pgi_lua_check_type(lua_State *L, pg_graph *g, int arg);
int pgi_lua_node_set(lua_State *L);
int pgi_lua_graph_infer(lua_State *L); /* infer.c */
int pgi_lua_node_unset(lua_State *L);
/* { name, dtype, shape } with unknown dims as names or "?". */
void pgi_lua_push_type(lua_State *L, const char *name, const pgi_type *t);

/* ---- each adds its functions and metatables to the module table on top of the stack ------------------- */

/* file.c: a file mapped into a value on the stack, which closes it if nobody does.  NULL: *err says
** why; the value is there all the same. */
pgi_file *pgi_lua_map_file(lua_State *L, const char *path, pg_error *err);
void pgi_lua_unmap_file(pgi_file *f); /* now; more than once is fine */

/* operators.c */
int pgi_lua_operators(lua_State *L);

void pgi_lua_open_tensor(lua_State *L);
void pgi_lua_open_eval(lua_State *L);
void pgi_lua_open_graph(lua_State *L);
void pgi_lua_open_node(lua_State *L);
void pgi_lua_open_attr(lua_State *L);
void pgi_lua_open_session(lua_State *L);
void pgi_lua_open_file(lua_State *L);
void pgi_lua_open_bytes(lua_State *L);
void pgi_lua_open_image(lua_State *L);
void pgi_lua_open_post(lua_State *L);
void pgi_lua_open_tokenizer(lua_State *L);
void pgi_lua_open_proof(lua_State *L);

#endif
