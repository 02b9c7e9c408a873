/* sort: topological order, keeping the given order where it is possible.
**
** Kahn (1962) with a heap on the nodes' given places: among the nodes that are ready the earliest
** comes next, so that a sorted graph stays as it is.  A node also waits for what its subgraphs take
** from this graph; the map `owners` tells which node a nested graph belongs to. */
#include "graph/graph.h"

typedef struct sorter {
  pg_graph *g;
  pgi_ptrmap owners; /* nested graph -> node of g */
  pgi_node **nodes;  /* [n], as given; node->id is the place */
  int64_t *waiting;  /* [n] uses whose producers are not placed yet */
  int *heap;         /* [n_heap] ready places, the least on top */
  int n, n_heap;
} sorter;

/* ---- the heap ------------------------------------------------------------------------------------ */

static void heap_push(sorter *s, int place) {
  int i = s->n_heap++;
  for (; i > 0 && s->heap[(i - 1) / 2] > place; i = (i - 1) / 2) s->heap[i] = s->heap[(i - 1) / 2];
  s->heap[i] = place;
}

static int heap_pop(sorter *s) {
  int top = s->heap[0], last = s->heap[--s->n_heap], i = 0;
  for (;;) {
    int child = 2 * i + 1;
    if (child >= s->n_heap) break;
    if (child + 1 < s->n_heap && s->heap[child + 1] < s->heap[child]) child++;
    if (s->heap[child] >= last) break;
    s->heap[i] = s->heap[child];
    i = child;
  }
  s->heap[i] = last;
  return top;
}

/* ---- who waits for whom --------------------------------------------------------------------------- */

static pg_status note_owner(sorter *s, const pgi_node *inner, pgi_node *owner, pg_error *err) {
  pgi_bodies it = {.node = inner};
  for (pg_graph *body; (body = pgi_bodies_next(&it));) {
    PG_TRY(pgi_ptrmap_put(&s->owners, body, owner, err));
    for (const pgi_node *node = body->first; node; node = node->next)
      PG_TRY(note_owner(s, node, owner, err));
  }
  return PG_OK;
}

/* The node of g that needs the use; NULL for an output of g. */
static pgi_node *consumer(const sorter *s, const pgi_use *use) {
  return use->graph == s->g ? use->node : pgi_ptrmap_get(&s->owners, use->graph);
}

static void count_waiting(sorter *s) {
  for (int i = 0; i < s->n; i++) {
    const pgi_node *node = s->nodes[i];
    for (int j = 0; j < node->n_out; j++) {
      if (!node->out[j]) continue;
      for (const pgi_use *use = node->out[j]->uses; use; use = use->next) {
        const pgi_node *user = consumer(s, use);
        if (user) s->waiting[user->id]++;
      }
    }
  }
}

static void release(sorter *s, const pgi_node *node) {
  for (int j = 0; j < node->n_out; j++) {
    if (!node->out[j]) continue;
    for (const pgi_use *use = node->out[j]->uses; use; use = use->next) {
      const pgi_node *user = consumer(s, use);
      if (user && --s->waiting[user->id] == 0) heap_push(s, user->id);
    }
  }
}

/* Nodes that still wait are on a cycle or behind one: walking back along inputs ends on the cycle. */
static pg_status fail_on_cycle(const sorter *s, pg_error *err) {
  int at = 0;
  while (s->waiting[at] == 0) at++;
  for (int steps = 0; steps < s->n; steps++) {
    const pgi_node *node = s->nodes[at];
    for (int i = 0; i < node->n_in; i++) {
      const pgi_value *v = node->in[i].value;
      const pgi_node *maker = v ? v->producer : NULL;
      if (!maker || maker->graph != s->g || s->waiting[maker->id] == 0) continue;
      at = maker->id;
      break;
    }
  }
  const pgi_node *node = s->nodes[at];
  return pgi_fail(err, PG_INVALID, "graph '%s': node '%s' (%s) is on a cycle", s->g->name,
                  node->name, node->type);
}

/* ---- sorting one graph ------------------------------------------------------------------------------ */

static void relink(sorter *s, const int *order) {
  pg_graph *g = s->g;
  pgi_node *prev = NULL;
  for (int i = 0; i < s->n; i++) {
    pgi_node *node = s->nodes[order[i]];
    node->prev = prev;
    if (prev)
      prev->next = node;
    else
      g->first = node;
    prev = node;
  }
  if (prev) prev->next = NULL;
  g->last = prev;
}

static pg_status sort_with(sorter *s, int *order, pg_error *err) {
  int i = 0;
  for (pgi_node *node = s->g->first; node; node = node->next) {
    node->id = i;
    s->nodes[i++] = node;
    PG_TRY(note_owner(s, node, node, err));
  }
  count_waiting(s);
  for (i = 0; i < s->n; i++)
    if (s->waiting[i] == 0) heap_push(s, i);
  int n = 0;
  while (s->n_heap > 0) {
    order[n] = heap_pop(s);
    release(s, s->nodes[order[n++]]);
  }
  if (n < s->n) return fail_on_cycle(s, err);
  relink(s, order);
  return PG_OK;
}

static pg_status sort_one(pg_graph *g, pg_error *err) {
  pg_context *ctx = g->model->ctx;
  size_t n = (size_t)g->n_nodes;
  size_t bytes = n * (sizeof(pgi_node *) + sizeof(int64_t) + 2 * sizeof(int));
  char *block = pgi_alloc_zero(ctx, bytes);
  if (!block) return pgi_nomem(err);
  sorter s = {.g = g, .n = g->n_nodes};
  s.nodes = (pgi_node **)(void *)block;
  s.waiting = (int64_t *)(void *)(s.nodes + n);
  s.heap = (int *)(void *)(s.waiting + n);
  pgi_ptrmap_init(&s.owners, ctx);
  pg_status status = sort_with(&s, s.heap + n, err);
  pgi_ptrmap_deinit(&s.owners);
  pgi_free(ctx, block);
  return status;
}

pg_status pgi_graph_sort(pg_graph *g, pg_error *err) {
  PG_TRY(sort_one(g, err));
  for (pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (pg_graph *body; (body = pgi_bodies_next(&it));) PG_TRY(pgi_graph_sort(body, err));
  }
  return PG_OK;
}
