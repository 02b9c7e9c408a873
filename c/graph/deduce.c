/* deduce: what a session can't know while it plans, and people want to see: contents of small tensors in
** symbols, and names for sizes that depend on data. */
#include "graph/inference.h"

#include <stdio.h>
#include <stdlib.h>

/* What is in a small tensor. */
typedef struct pgi_fact {
  pgi_content *content; /* NULL: nothing is known */
  pg_tensor tensor;     /* when all of it is, in numbers */
  struct pgi_fact *next;
} fact;

/* ---- names --------------------------------------------------------------------------------------- */

static const char given_name[] = "unk_";
enum { GIVEN = sizeof given_name - 1 };

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Whether a name is one that we give: in this run or, read from a file, in an earlier one. */
static bool is_given(const char *symbol) {
  if (strncmp(symbol, given_name, GIVEN) != 0 || !symbol[GIVEN]) return false;
  for (const char *p = symbol + GIVEN; *p; p++)
    if (!is_digit(*p)) return false;
  return true;
}

/* Names of earlier runs are not given again. */
static void skip_names(pgi_inference *run, const pgi_type *type) {
  for (int i = 0; type->kind == PG_TYPE_TENSOR && i < type->rank; i++) {
    const char *symbol = type->dims[i].symbol;
    const char *at = symbol ? strstr(symbol, given_name) : NULL;
    for (; at; at = strstr(at, given_name)) {
      at += GIVEN;
      int64_t n = is_digit(*at) ? strtoll(at, NULL, 10) : -1;
      if (n >= run->next_name && n < INT64_MAX / 2) run->next_name = n + 1;
    }
  }
}

/* Where the file has a name for a size that we have given one before. */
static pg_status note_aliases(pgi_inference *run, const pgi_type *found, const pgi_type *declared) {
  if (found->rank != declared->rank) return PG_OK;
  for (int i = 0; i < found->rank; i++) {
    const char *ours = found->dims[i].symbol, *theirs = declared->dims[i].symbol;
    if (found->dims[i].n >= 0 || !ours || !theirs) continue;
    if (!is_given(ours) || is_given(theirs) || pgi_map_get(&run->aliases, ours)) continue;
    PG_TRY(pgi_map_put(&run->aliases, ours, (void *)(uintptr_t)theirs, run->err));
  }
  return PG_OK;
}

pg_status pgi_deduce_names(pgi_inference *run, const pgi_value *v, const pgi_type *found,
                           pgi_type *type) {
  char name[40];
  if (type->kind != PG_TYPE_TENSOR) return PG_OK;
  if (v->type.kind == PG_TYPE_TENSOR && found->kind == PG_TYPE_TENSOR)
    PG_TRY(note_aliases(run, found, &v->type));
  for (int i = 0; i < type->rank; i++) {
    if (type->dims[i].n >= 0 || type->dims[i].symbol) continue;
    snprintf(name, sizeof name, "%s%lld", given_name, (long long)run->next_name++);
    type->dims[i].symbol = pgi_arena_strdup(&run->arena, name);
    if (!type->dims[i].symbol) return pgi_nomem(run->err);
  }
  return PG_OK;
}

/* ---- contents ------------------------------------------------------------------------------------ */

const pg_tensor *pgi_deduced_tensor(const pgi_inference *run, const pgi_value *v) {
  const fact *f = pgi_ptrmap_get(&run->facts, v);
  return f && f->tensor.dtype != PG_NONE ? &f->tensor : NULL;
}

pg_status pgi_deduced_content(pgi_inference *run, const pgi_value *v, const pg_tensor *value,
                              const pgi_content **out) {
  const fact *f = pgi_ptrmap_get(&run->facts, v);
  pgi_content *content = f ? f->content : NULL;
  if (!content && value) PG_TRY(pgi_content_of(value, &run->arena, &content, run->err));
  *out = content;
  return PG_OK;
}

/* Takes over the tensor.  A body is looked at several times: the last time counts. */
static pg_status set_fact(pgi_inference *run, const pgi_value *v, pgi_content *content,
                          pg_tensor *tensor) {
  fact *f = pgi_ptrmap_get(&run->facts, v);
  if (!f) {
    if (!content && tensor->dtype == PG_NONE) return PG_OK;
    f = pgi_arena_alloc(&run->arena, sizeof *f);
    if (!f) return pgi_nomem(run->err);
    PG_TRY(pgi_ptrmap_put(&run->facts, v, f, run->err));
    f->next = run->first_fact;
    run->first_fact = f;
  }
  f->content = content;
  pgi_tensor_move(&f->tensor, tensor);
  return PG_OK;
}

/* A branch that is known to be taken has made what the node makes. */
static pg_status take_from_branch(pgi_inference *run, const pgi_node *node, pgi_node_lists *l) {
  bool is_if = strcmp(node->type, "If") == 0 && !*node->domain && node->n_in == 1;
  const pg_tensor *condition = is_if ? l->value[0] : NULL;
  if (!condition || condition->dtype != PG_BOOL || pgi_tensor_count(condition) != 1) return PG_OK;
  bool is_then = pgi_tensor_get_i64(condition, 0) != 0;
  const pg_graph *body = pgi_attr_graph(node, is_then ? "then_branch" : "else_branch");
  for (int i = 0; body && i < node->n_out && i < body->n_outputs; i++) {
    const pgi_value *made = body->outputs[i].value;
    const pg_tensor *tensor = pgi_inferred_tensor(run, made);
    const pgi_content *content;
    PG_TRY(pgi_deduced_content(run, made, tensor, &content));
    l->result[i] = (pgi_content *)(uintptr_t)content;
    if (tensor && pgi_tensor_count(tensor) <= PG_CONTENT_MOST)
      pgi_tensor_assign(&l->tensor[i], tensor);
  }
  return PG_OK;
}

pg_status pgi_deduce_contents(pgi_inference *run, const pgi_node *node, pgi_node_lists *l) {
  pgi_propagation p = {.ctx = run->ctx,
                       .arena = &run->arena,
                       .node = node,
                       .in = l->in,
                       .value = l->value,
                       .content = l->content,
                       .out = l->out,
                       .eval = run->deduce->eval,
                       .result = l->result,
                       .tensor = l->tensor,
                       .err = run->err};
  for (int i = 0; i < node->n_out; i++) {
    l->result[i] = NULL;
    l->tensor[i] = (pg_tensor){0};
    if (node->out[i]) l->out[i] = *pgi_inferred_type(run, node->out[i]);
  }
  pg_status status = pgi_propagate(&p);
  if (status == PG_OK) status = take_from_branch(run, node, l);
  for (int i = 0; i < node->n_out; i++) {
    if (status == PG_OK && node->out[i])
      status = set_fact(run, node->out[i], l->result[i], &l->tensor[i]);
    pgi_tensor_clear(&l->tensor[i]);
  }
  return status;
}

/* ---- a run --------------------------------------------------------------------------------------- */

void pgi_deduce_begin(pgi_inference *run, const pgi_model *m) {
  for (const pg_graph *g = m->graphs; g; g = g->next_graph)
    for (const pgi_value *v = g->first_value; v; v = v->next) skip_names(run, &v->type);
}

void pgi_deduce_end(pgi_inference *run) {
  for (fact *f = run->first_fact; f; f = f->next) pgi_tensor_clear(&f->tensor);
  run->first_fact = NULL;
}

/* Names that the file has take the place of those that we gave. */
static pgi_num find_alias(void *arg, const char *name) {
  const pgi_inference *run = arg;
  const char *alias = pgi_map_get(&run->aliases, name);
  return alias ? (pgi_num){true, 0, alias, 1} : pgi_num_unknown();
}

pg_status pgi_deduce_keep(pgi_inference *run, pgi_model *m) {
  for (int64_t i = 0; i < run->types.capacity; i++) {
    pgi_type *type = pgi_ptrmap_at(&run->types, i);
    if (!type) continue;
    for (int k = 0; k < type->rank && run->aliases.n > 0; k++)
      type->dims[k] = pgi_dim_substitute(&m->arena, type->dims[k], find_alias, run);
    PG_TRY(pgi_type_copy(type, &m->arena, type, run->err));
  }
  return PG_OK;
}

pg_status pgi_graph_deduce(pg_graph *g, const pgi_deduce_options *options, pg_error *err) {
  return pgi_infer_graph(g, options->is_strict, options, err);
}
