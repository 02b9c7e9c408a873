/* ptrmap: pointer -> pointer, open addressing with linear probing, at most 3/4 full. */
#include "graph/graph.h"

struct pgi_ptrmap_slot {
  const void *key; /* NULL: free */
  void *value;
};

void pgi_ptrmap_init(pgi_ptrmap *m, pg_context *ctx) {
  *m = (pgi_ptrmap){.ctx = ctx};
}

void pgi_ptrmap_deinit(pgi_ptrmap *m) {
  if (m->slots) pgi_free(m->ctx, m->slots);
  *m = (pgi_ptrmap){.ctx = m->ctx};
}

/* Fibonacci hashing; the table takes the high bits, folded down. */
static uint64_t hash_of(const void *key) {
  uint64_t h = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
  return h ^ h >> 32;
}

/* The slot of the key, or the free one where it belongs. */
static struct pgi_ptrmap_slot *find(struct pgi_ptrmap_slot *slots, int64_t capacity,
                                    const void *key) {
  uint64_t mask = (uint64_t)capacity - 1;
  for (uint64_t i = hash_of(key) & mask;; i = (i + 1) & mask)
    if (!slots[i].key || slots[i].key == key) return &slots[i];
}

void *pgi_ptrmap_at(const pgi_ptrmap *m, int64_t slot) {
  return m->slots[slot].key ? m->slots[slot].value : NULL;
}

bool pgi_ptrmap_has(const pgi_ptrmap *m, const void *key) {
  return m->n && find(m->slots, m->capacity, key)->key;
}

void *pgi_ptrmap_get(const pgi_ptrmap *m, const void *key) {
  return m->n ? find(m->slots, m->capacity, key)->value : NULL;
}

static pg_status grow(pgi_ptrmap *m, pg_error *err) {
  int64_t capacity = m->capacity ? 2 * m->capacity : 16;
  size_t bytes;
  if (!pgi_mul_size((size_t)capacity, sizeof *m->slots, &bytes)) return pgi_nomem(err);
  struct pgi_ptrmap_slot *slots = pgi_alloc_zero(m->ctx, bytes);
  if (!slots) return pgi_nomem(err);
  for (int64_t i = 0; i < m->capacity; i++) {
    const struct pgi_ptrmap_slot *old = &m->slots[i];
    if (old->key) *find(slots, capacity, old->key) = *old;
  }
  if (m->slots) pgi_free(m->ctx, m->slots);
  m->slots = slots;
  m->capacity = capacity;
  return PG_OK;
}

pg_status pgi_ptrmap_put(pgi_ptrmap *m, const void *key, void *value, pg_error *err) {
  if (4 * (m->n + 1) > 3 * m->capacity) PG_TRY(grow(m, err));
  struct pgi_ptrmap_slot *slot = find(m->slots, m->capacity, key);
  if (!slot->key) m->n++;
  *slot = (struct pgi_ptrmap_slot){key, value};
  return PG_OK;
}
