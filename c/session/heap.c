/* heap: memory that one run leaves to the next.
**
** Fixed shapes ask for the same sizes in each run: after the first, every request is served from
** here and the host's allocator stays idle. */
#include "session/internal.h"

/* ---- buffers --------------------------------------------------------------------------------- */

enum { IDLE_RUNS = 8 }; /* a free buffer that was not taken for so many runs goes */

void pgi_heap_init(pgi_heap *h, pg_context *ctx) {
  h->ctx = ctx;
}

void pgi_heap_deinit(pgi_heap *h) {
  for (int c = 0; c < PG_HEAP_CLASSES; c++) {
    for (int w = 0; w < PG_HEAP_WAYS; w++) {
      pgi_buffer_release(h->entries[c][w].buffer);
      h->entries[c][w].buffer = NULL;
    }
  }
}

/* Acquire: whoever let go of the last other reference has finished with the content. */
static bool is_free(const pgi_buffer *b) {
  return atomic_load_explicit(&b->refs, memory_order_acquire) == 1;
}

void pgi_heap_end_run(pgi_heap *h) {
  h->run++;
  for (int c = 0; c < PG_HEAP_CLASSES; c++) {
    for (int w = 0; w < PG_HEAP_WAYS; w++) {
      struct pgi_heap_entry *e = &h->entries[c][w];
      if (!e->buffer || h->run - e->used < IDLE_RUNS || !is_free(e->buffer)) continue;
      pgi_buffer_release(e->buffer);
      e->buffer = NULL;
    }
  }
}

static int class_of(size_t bytes) {
  int c = 0;
  while (bytes >>= 1) c++;
  return c;
}

/* Not much larger than asked: an output must not pin many times its size. */
static bool suits(const pgi_buffer *b, size_t bytes) {
  return b->bytes >= bytes && b->bytes - bytes <= bytes / 4;
}

/* *out holds a reference of the caller's. */
static pg_status take(pgi_heap *h, size_t bytes, pgi_buffer **out, pg_error *err) {
  struct pgi_heap_entry *ways = h->entries[class_of(bytes)], *victim = &ways[0];
  for (int w = 0; w < PG_HEAP_WAYS; w++) {
    struct pgi_heap_entry *e = &ways[w];
    if (e->buffer && suits(e->buffer, bytes) && is_free(e->buffer)) {
      e->used = h->run;
      pgi_buffer_retain(e->buffer);
      *out = e->buffer;
      return PG_OK;
    }
    if (victim->buffer && (!e->buffer || e->used < victim->used)) victim = e;
  }
  pgi_buffer *b = NULL;
  PG_TRY(pgi_buffer_new(h->ctx, bytes, &b, err));
  pgi_buffer_release(victim->buffer);
  pgi_buffer_retain(b);
  *victim = (struct pgi_heap_entry){b, h->run};
  *out = b;
  return PG_OK;
}

pg_status pgi_heap_tensor(pgi_heap *h, pg_context *ctx, pg_dtype dtype, int rank,
                          const int64_t *dims, pg_tensor *out, pg_error *err) {
  int64_t count;
  size_t bytes;
  if (!h || dtype == PG_STRING || pgi_is_object(dtype)) {
    return pgi_tensor_alloc(ctx, dtype, rank, dims, out, err);
  }
  PG_TRY(pgi_count(rank, dims, &count, err));
  if (!pgi_dtype_bytes(dtype, count, &bytes)) return pgi_nomem(err);
  pgi_buffer *b = NULL;
  PG_TRY(take(h, bytes, &b, err));
  pgi_clear_spare_bits(dtype, b->data, bytes);
  pg_status status = pgi_tensor_on_buffer(b, dtype, rank, dims, 0, out, err);
  pgi_buffer_release(b);
  return status;
}

pg_status pgi_heap_copy(pgi_heap *h, pg_context *ctx, const pg_tensor *t, pg_tensor *out,
                        pg_error *err) {
  pg_tensor copy = {0};
  if (pgi_is_object(t->dtype)) return pgi_tensor_clone(t, out, err);
  PG_TRY(pgi_heap_tensor(h, ctx, t->dtype, t->rank, t->dims, &copy, err));
  pg_status status = pgi_tensor_copy_into(t, &copy, err);
  if (status == PG_OK)
    *out = copy;
  else
    pgi_tensor_clear(&copy);
  return status;
}

static bool owns(const pgi_heap *h, const pgi_buffer *b) {
  const struct pgi_heap_entry *ways = h->entries[class_of(b->bytes)];
  for (int w = 0; w < PG_HEAP_WAYS; w++) {
    if (ways[w].buffer == b) return true;
  }
  return false;
}

bool pgi_heap_is_unique(const pgi_heap *h, const pg_tensor *t) {
  const pgi_buffer *b = t->buffer;
  if (!b) return true;
  if (b->is_readonly || b->release) return false;
  if (atomic_load_explicit(&b->refs, memory_order_acquire) != (owns(h, b) ? 2 : 1)) return false;
  if (!pgi_is_object(t->dtype)) return true;
  for (int64_t i = 0; i < pgi_tensor_count(t); i++) {
    if (!pgi_heap_is_unique(h, pgi_sequence_at(t, i))) return false;
  }
  return true;
}

/* ---- scratch --------------------------------------------------------------------------------- */

struct pgi_scratch_more {
  struct pgi_scratch_more *next;
  char pad[PG_ALIGN - sizeof(void *)]; /* data follow, aligned */
};

void pgi_scratch_init(pgi_scratch *s, pg_context *ctx) {
  *s = (pgi_scratch){.ctx = ctx};
}

static void drop_more(pgi_scratch *s) {
  while (s->more) {
    struct pgi_scratch_more *next = s->more->next;
    pgi_free(s->ctx, s->more);
    s->more = next;
  }
}

void pgi_scratch_deinit(pgi_scratch *s) {
  drop_more(s);
  pgi_free(s->ctx, s->block);
  s->block = NULL;
  s->size = 0;
}

/* A failing merge is no error: the next call chains again. */
void pgi_scratch_reset(pgi_scratch *s) {
  if (s->more) {
    drop_more(s);
    pgi_free(s->ctx, s->block);
    s->block = pgi_alloc_aligned(s->ctx, s->need, PG_ALIGN);
    s->size = s->block ? s->need : 0;
  }
  s->used = s->need = 0;
}

void *pgi_scratch_alloc(pgi_scratch *s, size_t bytes) {
  size_t room;
  if (!pgi_add_size(bytes, PG_ALIGN - 1, &room)) return NULL;
  room = PG_MAX(room / PG_ALIGN * PG_ALIGN, PG_ALIGN);
  if (s->size - s->used >= room) {
    void *p = s->block + s->used;
    s->used += room;
    s->need += room;
    return p;
  }
  size_t total;
  if (!pgi_add_size(room, sizeof *s->more, &total) || total > SIZE_MAX - s->need) return NULL;
  struct pgi_scratch_more *more = pgi_alloc_aligned(s->ctx, total, PG_ALIGN);
  if (!more) return NULL;
  more->next = s->more;
  s->more = more;
  s->need += room;
  return more + 1;
}
