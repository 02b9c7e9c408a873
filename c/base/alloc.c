/* alloc: the host's memory, growing arrays, arenas, checked sizes. */
#include <stdalign.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/base.h"

bool pgi_mul_size(size_t a, size_t b, size_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}

bool pgi_add_size(size_t a, size_t b, size_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

void *pgi_alloc_aligned(pg_context *ctx, size_t bytes, size_t align) {
  if (bytes > (size_t)PTRDIFF_MAX - align) return NULL;
  return ctx->host.alloc(ctx->host.user, bytes ? bytes : 1, align);
}

enum { HUGE_PAGE = 1 << 21 };

/* A walk through more pages than the processor remembers costs as much as the memory itself. */
void *pgi_alloc_large(pg_context *ctx, size_t bytes) {
  if (bytes < HUGE_PAGE) return pgi_alloc_aligned(ctx, bytes, PG_ALIGN);
  void *block = pgi_alloc_aligned(ctx, bytes, HUGE_PAGE);
#ifdef MADV_HUGEPAGE
  if (block) (void)madvise(block, bytes, MADV_HUGEPAGE); /* a wish: nothing depends on it */
#endif
  return block;
}

void *pgi_alloc(pg_context *ctx, size_t bytes) {
  return pgi_alloc_aligned(ctx, bytes, 16);
}

void *pgi_alloc_zero(pg_context *ctx, size_t bytes) {
  void *block = pgi_alloc(ctx, bytes);
  if (block) memset(block, 0, bytes);
  return block;
}

void pgi_free(pg_context *ctx, void *block) {
  if (block) ctx->host.free(ctx->host.user, block);
}

char *pgi_strdup(pg_context *ctx, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = pgi_alloc(ctx, size);
  if (copy) memcpy(copy, text, size);
  return copy;
}

/* `array` is the address of a typed pointer, hence the memcpy in and out. */
pg_status pgi_grow(pg_context *ctx, void *array, int64_t *capacity, int64_t need, size_t size,
                   pg_error *err) {
  if (need <= *capacity) return PG_OK;
  int64_t room = *capacity > INT64_MAX / 2 ? need : PG_MAX(2 * *capacity, 8);
  room = PG_MAX(room, need);
  size_t bytes;
  if ((uint64_t)room > SIZE_MAX || !pgi_mul_size((size_t)room, size, &bytes)) return pgi_nomem(err);
  void *grown = pgi_alloc(ctx, bytes);
  if (!grown) return pgi_nomem(err);
  void *old;
  memcpy(&old, array, sizeof old);
  if (old) memcpy(grown, old, (size_t)*capacity * size);
  pgi_free(ctx, old);
  memcpy(array, &grown, sizeof grown);
  *capacity = room;
  return PG_OK;
}

/* ---- arena ---------------------------------------------------------------------------------- */

struct pgi_arena_block {
  struct pgi_arena_block *next;
  size_t used, size;
  alignas(16) unsigned char data[];
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 18 };

void pgi_arena_init(pgi_arena *a, pg_context *ctx) {
  a->ctx = ctx;
  a->blocks = NULL;
}

void pgi_arena_deinit(pgi_arena *a) {
  struct pgi_arena_block *block = a->blocks;
  while (block) {
    struct pgi_arena_block *next = block->next;
    pgi_free(a->ctx, block);
    block = next;
  }
  a->blocks = NULL;
}

static struct pgi_arena_block *new_block(pgi_arena *a, size_t size) {
  size_t total;
  if (!pgi_add_size(size, sizeof(struct pgi_arena_block), &total)) return NULL;
  struct pgi_arena_block *block = pgi_alloc(a->ctx, total);
  if (!block) return NULL;
  block->used = 0;
  block->size = size;
  return block;
}

/* A large request gets a block of its own behind the current one, whose room stays in use. */
static struct pgi_arena_block *block_with_room(pgi_arena *a, size_t bytes) {
  struct pgi_arena_block *head = a->blocks;
  if (head && head->size - head->used >= bytes) return head;
  size_t usual = head ? PG_MIN(2 * head->size, (size_t)LARGEST_BLOCK) : (size_t)FIRST_BLOCK;
  bool is_large = bytes > usual / 4;
  struct pgi_arena_block *block = new_block(a, is_large ? bytes : usual);
  if (!block) return NULL;
  if (is_large && head) {
    block->next = head->next;
    head->next = block;
  } else {
    block->next = head;
    a->blocks = block;
  }
  return block;
}

void *pgi_arena_alloc(pgi_arena *a, size_t bytes) {
  size_t padded;
  if (!pgi_add_size(bytes, 15, &padded)) return NULL;
  padded = PG_MAX(padded & ~(size_t)15, 16);
  struct pgi_arena_block *block = block_with_room(a, padded);
  if (!block) return NULL;
  void *p = block->data + block->used;
  block->used += padded;
  memset(p, 0, padded);
  return p;
}

char *pgi_arena_strndup(pgi_arena *a, const char *text, size_t size) {
  size_t bytes;
  if (!pgi_add_size(size, 1, &bytes)) return NULL;
  char *copy = pgi_arena_alloc(a, bytes);
  if (copy && size) memcpy(copy, text, size);
  return copy;
}

char *pgi_arena_strdup(pgi_arena *a, const char *text) {
  return pgi_arena_strndup(a, text, strlen(text));
}
