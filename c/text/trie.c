/* A double array of byte strings.  Children are placed first-fit; cells that stay free are linked by
** nothing: a moving start skips what is full. */
#include <stdlib.h>

#include "text/text.h"

enum { FIRST_CELLS = 1024, TRIES = 64 };

static int compare(const void *a, const void *b) {
  const pgi_key *x = a, *y = b;
  uint32_t n = PG_MIN(x->size, y->size);
  int order = n ? memcmp(x->data, y->data, n) : 0;
  if (order) return order;
  if (x->size != y->size) return x->size < y->size ? -1 : 1;
  return x->value < y->value ? -1 : x->value > y->value;
}

/* Room for cells below `need`, which comes in whole blocks of 256: base ^ byte stays inside. */
static pg_status reserve(pgi_trie *t, int64_t need, pg_error *err) {
  need = (need + 256) & ~(int64_t)255;
  if (need > INT32_MAX) return pgi_nomem(err);
  int64_t old = t->n;
  if (need <= old) return PG_OK;
  PG_TRY(pgi_grow(t->ctx, &t->cells, &t->capacity, need, sizeof *t->cells, err));
  for (int64_t i = old; i < need; i++) t->cells[i] = (pgi_cell){0, -1, -1};
  t->n = need;
  return PG_OK;
}

typedef struct frame {
  int64_t from, to; /* keys */
  uint32_t depth;
  int32_t cell;
} frame;

typedef struct builder {
  pgi_trie *trie;
  const pgi_key *keys;
  frame *stack;
  int64_t n_stack, stack_room;
  int64_t start;
  int misses;
} builder;

/* A base where all the children fit. */
static pg_status place(builder *b, const uint8_t *bytes, int n, int32_t *base, pg_error *err) {
  pgi_trie *t = b->trie;
  for (int64_t e = b->start;; e++) {
    PG_TRY(reserve(t, e + 1, err));
    if (t->cells[e].parent != -1) {
      if (e == b->start) b->start++;
      continue;
    }
    int64_t at = e ^ bytes[0];
    int i = 1;
    while (i < n && t->cells[at ^ bytes[i]].parent == -1) i++;
    if (i == n) {
      *base = (int32_t)at;
      return PG_OK;
    }
    if (++b->misses >= TRIES) { /* this neighbourhood is nearly full */
      b->misses = 0;
      b->start = PG_MAX(b->start, e - 1024);
    }
  }
}

static pg_status push(builder *b, frame f, pg_error *err) {
  PG_TRY(pgi_grow(b->trie->ctx, &b->stack, &b->stack_room, b->n_stack + 1, sizeof f, err));
  b->stack[b->n_stack++] = f;
  return PG_OK;
}

static pg_status expand(builder *b, frame f, pg_error *err) {
  uint8_t bytes[256];
  int64_t ends[256];
  int n = 0;
  pgi_trie *t = b->trie;
  int64_t i = f.from;
  for (; i < f.to && b->keys[i].size == f.depth; i++) t->cells[f.cell].value = b->keys[i].value;
  int64_t first = i;
  for (; i < f.to; i++) {
    uint8_t c = b->keys[i].data[f.depth];
    if (n == 0 || bytes[n - 1] != c) bytes[n++] = c;
    ends[n - 1] = i + 1;
  }
  if (n == 0) return PG_OK;
  int32_t base;
  PG_TRY(place(b, bytes, n, &base, err));
  t->cells[f.cell].base = base;
  for (int k = 0; k < n; k++) t->cells[base ^ bytes[k]].parent = f.cell;
  for (int k = n - 1; k >= 0; k--)
    PG_TRY(push(b, (frame){k ? ends[k - 1] : first, ends[k], f.depth + 1, base ^ bytes[k]}, err));
  return PG_OK;
}

pg_status pgi_trie_init(pgi_trie *t, pg_context *ctx, pgi_key *keys, int64_t n, pg_error *err) {
  *t = (pgi_trie){.ctx = ctx};
  builder b = {.trie = t, .keys = keys, .start = 1};
  if (n) qsort(keys, (size_t)n, sizeof *keys, compare);
  pg_status status = reserve(t, FIRST_CELLS, err);
  if (status == PG_OK) {
    t->cells[0].parent = INT32_MAX; /* taken, and nobody's child */
    status = push(&b, (frame){0, n, 0, 0}, err);
  }
  while (status == PG_OK && b.n_stack > 0) status = expand(&b, b.stack[--b.n_stack], err);
  pgi_free(ctx, b.stack);
  if (status != PG_OK) pgi_trie_deinit(t);
  return status;
}

void pgi_trie_deinit(pgi_trie *t) {
  pgi_free(t->ctx, t->cells);
  *t = (pgi_trie){.ctx = t->ctx};
}

int32_t pgi_trie_walk(const pgi_trie *t, int32_t cell, const void *data, size_t n) {
  const uint8_t *p = data;
  if (!t->cells) return -1;
  for (size_t i = 0; i < n && cell >= 0; i++) cell = pgi_trie_step(t, cell, p[i]);
  return cell;
}

int32_t pgi_trie_find(const pgi_trie *t, const void *data, size_t n) {
  int32_t cell = pgi_trie_walk(t, 0, data, n);
  return cell < 0 ? -1 : t->cells[cell].value;
}
