/* map: string -> pointer, open addressing with linear probing, at most 3/4 full. */
#include "base/base.h"

struct pgi_map_slot {
  const char *key; /* NULL: free */
  uint64_t hash;
  void *value;
};

void pgi_map_init(pgi_map *m, pg_context *ctx) {
  *m = (pgi_map){.ctx = ctx};
}

void pgi_map_deinit(pgi_map *m) {
  if (m->slots) pgi_free(m->ctx, m->slots);
  m->slots = NULL;
  m->n = m->capacity = 0;
}

/* FNV-1a, then a finisher: the table takes the low bits. */
static uint64_t hash_of(const char *key) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const unsigned char *p = (const unsigned char *)key; *p; p++) {
    h = (h ^ *p) * 0x100000001b3u;
  }
  h ^= h >> 32;
  h *= 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

/* The slot of the key, or the free one where it belongs. */
static struct pgi_map_slot *find(struct pgi_map_slot *slots, int64_t capacity, const char *key,
                                 uint64_t hash) {
  uint64_t mask = (uint64_t)capacity - 1;
  for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
    struct pgi_map_slot *slot = &slots[i];
    if (!slot->key || (slot->hash == hash && strcmp(slot->key, key) == 0)) return slot;
  }
}

void *pgi_map_get(const pgi_map *m, const char *key) {
  return m->n ? find(m->slots, m->capacity, key, hash_of(key))->value : NULL;
}

static pg_status grow(pgi_map *m, pg_error *err) {
  int64_t capacity = m->capacity ? 2 * m->capacity : 16;
  size_t bytes;
  if (!pgi_mul_size((size_t)capacity, sizeof *m->slots, &bytes)) return pgi_nomem(err);
  struct pgi_map_slot *slots = pgi_alloc_zero(m->ctx, bytes);
  if (!slots) return pgi_nomem(err);
  for (int64_t i = 0; i < m->capacity; i++) {
    const struct pgi_map_slot *old = &m->slots[i];
    if (old->key) *find(slots, capacity, old->key, old->hash) = *old;
  }
  pgi_free(m->ctx, m->slots);
  m->slots = slots;
  m->capacity = capacity;
  return PG_OK;
}

pg_status pgi_map_put(pgi_map *m, const char *key, void *value, pg_error *err) {
  if (4 * (m->n + 1) > 3 * m->capacity) PG_TRY(grow(m, err));
  uint64_t hash = hash_of(key);
  struct pgi_map_slot *slot = find(m->slots, m->capacity, key, hash);
  if (!slot->key) m->n++;
  *slot = (struct pgi_map_slot){key, hash, value};
  return PG_OK;
}
