/* arena: one block of memory for all values of a plan whose size is known.
**
** A value needs its memory from the step that makes it to the last that uses it, views of it
** included.  Blocks are placed from large to small, each into the tightest gap that is free in all
** of its steps: the greedy best fit of Pisarchyk and Lee, "Efficient Memory Management for Deep
** Neural Net Inference" (2020), within a few percent of the optimum on real networks. */
#include "session/internal.h"

/* ---- lifetimes ------------------------------------------------------------------------------- */

typedef struct life {
  int last;      /* the last step that needs this value */
  int root_last; /* the last that needs the memory of which it is the root */
} life;

static void extend(const pgi_plan *plan, life *lives, int value, int step) {
  life *root = &lives[plan->slots[value].root];
  lives[value].last = PG_MAX(lives[value].last, step);
  root->root_last = PG_MAX(root->root_last, step);
}

static void measure_lives(const pgi_plan *plan, life *lives) {
  const pgi_program *p = plan->program;
  for (int s = 0; s < plan->n_steps; s++) {
    const pgi_prog_node *pn = plan->steps[s].node;
    for (int i = 0; i < pn->n_uses; i++) extend(plan, lives, pn->uses[i], s);
    for (int i = 0; i < pn->node->n_out; i++) {
      if (pn->out[i] >= 0) extend(plan, lives, pn->out[i], s);
    }
  }
  for (int k = 0; k < p->n_outputs; k++) extend(plan, lives, p->outputs[k], plan->n_steps);
}

/* Dynamic values are let go of as soon as possible: sorted by their last step, by counting. */
static pg_status list_ends(pgi_plan *plan, const life *lives, pg_error *err) {
  int n = 0;
  for (int v = 0; v < plan->program->n_values; v++) {
    if (plan->slots[v].kind != PG_SLOT_DYNAMIC || lives[v].last >= plan->n_steps) continue;
    plan->steps[lives[v].last].n_ends++;
    n++;
  }
  plan->ends = pgi_arena_alloc(&plan->memory, (size_t)n * sizeof *plan->ends);
  if (!plan->ends) return pgi_nomem(err);
  n = 0;
  for (int s = 0; s < plan->n_steps; s++) {
    plan->steps[s].ends = n;
    n += plan->steps[s].n_ends;
    plan->steps[s].n_ends = 0;
  }
  for (int v = 0; v < plan->program->n_values; v++) {
    if (plan->slots[v].kind != PG_SLOT_DYNAMIC || lives[v].last >= plan->n_steps) continue;
    pgi_step *step = &plan->steps[lives[v].last];
    plan->ends[step->ends + step->n_ends++] = v;
  }
  return PG_OK;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

size_t pgi_slot_bytes(const pgi_slot *slot) {
  int64_t dims[PG_MAX_RANK], count;
  size_t bytes;
  pgi_type_dims(&slot->type, dims);
  if (pgi_count(slot->type.rank, dims, &count, NULL) != PG_OK) return SIZE_MAX;
  return pgi_dtype_bytes(slot->type.dtype, count, &bytes) ? bytes : SIZE_MAX;
}

/* Another input that sees the same memory under another shape would read what was overwritten. */
static bool is_seen_twice(const pgi_plan *plan, const pgi_prog_node *pn, int in) {
  for (int i = 0; i < pn->node->n_in; i++) {
    int v = pn->in[i];
    if (v >= 0 && v != in && plan->slots[v].root == plan->slots[in].root) return true;
  }
  return false;
}

/* The block of an input that ends here and whose size fits, or -1.  Elements must be of one size too:
** a broadcast f64 may take as many bytes as the eight booleans made from it. */
static int block_to_reuse(const pgi_plan *plan, int s, pg_dtype dtype, size_t bytes) {
  const pgi_prog_node *pn = plan->steps[s].node;
  if (!(pn->node->op->flags & PG_OP_INPLACE)) return -1;
  for (int i = 0; i < pn->node->n_in; i++) {
    if (pn->in[i] < 0) continue;
    const pgi_slot *slot = &plan->slots[pn->in[i]], *root = &plan->slots[slot->root];
    bool is_candidate = slot->is_static && root->kind == PG_SLOT_ARENA;
    if (!is_candidate || pgi_slot_bytes(slot) != bytes || is_seen_twice(plan, pn, pn->in[i]) ||
        pg_dtype_bits(slot->type.dtype) != pg_dtype_bits(dtype))
      continue;
    if (plan->blocks[root->block].last == s && plan->blocks[root->block].bytes == bytes)
      return root->block;
  }
  return -1;
}

static pg_status place_value(pgi_plan *plan, const life *lives, int s, int out, pg_error *err) {
  int value = plan->steps[s].node->out[out];
  if (value < 0 || plan->slots[value].kind != PG_SLOT_ARENA) return PG_OK;
  size_t bytes = pgi_slot_bytes(&plan->slots[value]);
  if (bytes > SIZE_MAX / 4) return pgi_nomem(err);
  int block = out == 0 ? block_to_reuse(plan, s, plan->slots[value].type.dtype, bytes) : -1;
  if (block < 0) {
    block = plan->n_blocks++;
    plan->blocks[block] = (pgi_block){.bytes = bytes, .first = s};
  }
  plan->blocks[block].last = lives[value].root_last;
  plan->slots[value].block = block;
  return PG_OK;
}

/* ---- offsets --------------------------------------------------------------------------------- */

static bool is_before(const pgi_block *a, const pgi_block *b) {
  return a->bytes != b->bytes ? a->bytes > b->bytes : a->first < b->first;
}

/* Shell's sort with Ciura's gaps: no memory, no worst case to speak of at these sizes. */
static void sort_blocks(const pgi_block *blocks, int *order, int n) {
  static const int gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
  for (int g = 0; g < PG_COUNT(gaps); g++) {
    for (int i = gaps[g]; i < n; i++) {
      int moving = order[i], j = i;
      for (; j >= gaps[g] && is_before(&blocks[moving], &blocks[order[j - gaps[g]]]); j -= gaps[g])
        order[j] = order[j - gaps[g]];
      order[j] = moving;
    }
  }
}

static size_t rounded(size_t bytes) {
  return (bytes + PG_ALIGN - 1) / PG_ALIGN * PG_ALIGN;
}

/* placed: [n], by offset.  The tightest gap between those that are alive at the same time. */
static size_t find_gap(const pgi_block *blocks, const int *placed, int n, const pgi_block *b) {
  size_t end = 0, best = SIZE_MAX, best_size = SIZE_MAX, need = rounded(b->bytes);
  for (int i = 0; i < n; i++) {
    const pgi_block *other = &blocks[placed[i]];
    if (other->last < b->first || other->first > b->last) continue;
    if (other->offset >= end + need && other->offset - end < best_size) {
      best = end;
      best_size = other->offset - end;
    }
    end = PG_MAX(end, other->offset + rounded(other->bytes));
  }
  return best == SIZE_MAX ? end : best;
}

static pg_status place_blocks(pgi_plan *plan, pg_error *err) {
  int n = plan->n_blocks;
  int *order = pgi_arena_alloc(&plan->memory, (size_t)n * sizeof *order);
  int *placed = pgi_arena_alloc(&plan->memory, (size_t)n * sizeof *placed);
  if (!order || !placed) return pgi_nomem(err);
  for (int i = 0; i < n; i++) order[i] = i;
  sort_blocks(plan->blocks, order, n);
  for (int i = 0; i < n; i++) {
    pgi_block *b = &plan->blocks[order[i]];
    b->offset = find_gap(plan->blocks, placed, i, b);
    size_t end;
    if (!pgi_add_size(b->offset, rounded(b->bytes), &end) || end > SIZE_MAX / 4)
      return pgi_nomem(err);
    plan->arena_bytes = PG_MAX(plan->arena_bytes, end);
    int at = i;
    for (; at > 0 && plan->blocks[placed[at - 1]].offset > b->offset; at--)
      placed[at] = placed[at - 1];
    placed[at] = order[i];
  }
  return PG_OK;
}

pg_status pgi_plan_arena(pgi_plan *plan, pg_error *err) {
  size_t n = (size_t)plan->program->n_values;
  life *lives = pgi_arena_alloc(&plan->memory, n * sizeof *lives);
  plan->blocks = pgi_arena_alloc(&plan->memory, n * sizeof *plan->blocks);
  if (!lives || !plan->blocks) return pgi_nomem(err);
  measure_lives(plan, lives);
  PG_TRY(list_ends(plan, lives, err));
  for (int s = 0; s < plan->n_steps; s++) {
    for (int o = 0; o < plan->steps[s].node->node->n_out; o++) {
      PG_TRY(place_value(plan, lives, s, o, err));
    }
  }
  return place_blocks(plan, err);
}
