/* regex: a Thompson automaton (Thompson, "Regular expression search algorithm", CACM 1968): all
** states that the text so far can lead to, side by side. */
#include "op/regex.h"
#include "op/utf8.h"

typedef enum opcode { TAKE, CHECK, SPLIT, JUMP, DONE } opcode;

typedef struct instruction {
  opcode op;
  int32_t x, y; /* where to go on; SPLIT: at both */
  pgi_assert check;
  pgi_rune_set set;
} instruction;

struct pgi_regex {
  pgi_arena arena; /* the sets */
  instruction *code;
  int64_t n, capacity;
};

enum { MAX_CODE = 100000 };

/* ---- from tree to code ----------------------------------------------------------------------- */

static pg_status emit(pgi_regex *r, instruction i, pg_error *err) {
  if (r->n >= MAX_CODE) return pgi_fail(err, PG_INVALID, "pattern: too large");
  PG_TRY(pgi_grow(r->arena.ctx, &r->code, &r->capacity, r->n + 1, sizeof *r->code, err));
  r->code[r->n++] = i;
  return PG_OK;
}

static int32_t here(const pgi_regex *r) {
  return (int32_t)r->n;
}

static pg_status compile(pgi_regex *r, const pgi_regex_tree *t, pg_error *err);

static pg_status compile_alternatives(pgi_regex *r, const pgi_regex_tree *t, pg_error *err) {
  int32_t jumps = -1; /* to the end: linked through x until it is known */
  for (const pgi_regex_tree *child = t->first; child; child = child->next) {
    int32_t split = here(r);
    if (child->next) PG_TRY(emit(r, (instruction){.op = SPLIT, .x = split + 1}, err));
    PG_TRY(compile(r, child, err));
    if (!child->next) continue;
    PG_TRY(emit(r, (instruction){.op = JUMP, .x = jumps}, err));
    jumps = here(r) - 1;
    r->code[split].y = here(r);
  }
  while (jumps >= 0) {
    int32_t before = r->code[jumps].x;
    r->code[jumps].x = here(r);
    jumps = before;
  }
  return PG_OK;
}

/* x{2,4} is xx(x(x)?)?; x{2,} is xx(x)*. */
static pg_status compile_repeat(pgi_regex *r, const pgi_regex_tree *t, pg_error *err) {
  for (int i = 0; i < t->least; i++) PG_TRY(compile(r, t->first, err));
  if (t->most < 0) {
    int32_t split = here(r);
    PG_TRY(emit(r, (instruction){.op = SPLIT, .x = split + 1}, err));
    PG_TRY(compile(r, t->first, err));
    PG_TRY(emit(r, (instruction){.op = JUMP, .x = split}, err));
    r->code[split].y = here(r);
    return PG_OK;
  }
  int32_t splits = -1;
  for (int i = t->least; i < t->most; i++) {
    PG_TRY(emit(r, (instruction){.op = SPLIT, .x = here(r) + 1, .y = splits}, err));
    splits = here(r) - 1;
    PG_TRY(compile(r, t->first, err));
  }
  while (splits >= 0) {
    int32_t before = r->code[splits].y;
    r->code[splits].y = here(r);
    splits = before;
  }
  return PG_OK;
}

static pg_status compile(pgi_regex *r, const pgi_regex_tree *t, pg_error *err) {
  int32_t next = here(r) + 1;
  switch (t->kind) {
    case PG_RE_SET:
      return emit(r, (instruction){.op = TAKE, .x = next, .set = t->set}, err);
    case PG_RE_ASSERT:
      return emit(r, (instruction){.op = CHECK, .x = next, .check = t->check}, err);
    case PG_RE_ALT:
      return compile_alternatives(r, t, err);
    case PG_RE_REPEAT:
      return compile_repeat(r, t, err);
    case PG_RE_CAT:
      break;
  }
  for (const pgi_regex_tree *child = t->first; child; child = child->next)
    PG_TRY(compile(r, child, err));
  return PG_OK;
}

pg_status pgi_regex_new(pg_context *ctx, const char *pattern, size_t size, pgi_regex **out,
                        pg_error *err) {
  pgi_regex_tree *tree;
  pgi_regex *r = pgi_alloc_zero(ctx, sizeof *r);
  if (!r) return pgi_nomem(err);
  pgi_arena_init(&r->arena, ctx);
  pg_status status = pgi_regex_parse(&r->arena, pattern, size, &tree, err);
  if (status == PG_OK) status = compile(r, tree, err);
  if (status == PG_OK) status = emit(r, (instruction){.op = DONE}, err);
  if (status == PG_OK)
    *out = r;
  else
    pgi_regex_free(ctx, r);
  return status;
}

void pgi_regex_free(pg_context *ctx, pgi_regex *r) {
  if (!r) return;
  pgi_arena_deinit(&r->arena);
  pgi_free(ctx, r->code);
  pgi_free(ctx, r);
}

/* ---- matching -------------------------------------------------------------------------------- */

/* A set of states that remembers their order: list[0..n), and place[state] says where it would
** be. */
typedef struct states {
  int32_t *list, *place;
  size_t *from; /* where the match that led here began, beside list */
  int32_t n;
} states;

typedef struct matcher {
  const pgi_regex *r;
  states now, next;
  int32_t *stack;
  int64_t before, after; /* code points around the current place; -1: none */
} matcher;

static int64_t peek(const char *text, size_t size, size_t at) {
  return at < size ? (int64_t)pgi_utf8_next(text, size, &at) : -1;
}

/* The code point that ends before `at`, at > 0. */
static int64_t rune_before(const char *text, size_t at) {
  size_t first = at - 1;
  while (first > 0 && at - first < 4 && ((unsigned char)text[first] & 0xC0) == 0x80) first--;
  return peek(text, at, first);
}

size_t pgi_regex_room(const pgi_regex *r) {
  return (size_t)r->n * (6 * sizeof(int32_t) + 2 * sizeof(size_t));
}

/* A matcher at text[at], with no states yet. */
static matcher begin(const pgi_regex *r, const char *text, size_t size, size_t at, void *room) {
  size_t n = (size_t)r->n, *from = room;
  int32_t *at_room = (int32_t *)(void *)(from + 2 * n);
  memset(room, 0, pgi_regex_room(r));
  matcher m = {.r = r, .stack = at_room + 4 * n, .before = -1};
  m.now = (states){at_room, at_room + n, from, 0};
  m.next = (states){at_room + 2 * n, at_room + 3 * n, from + n, 0};
  m.after = peek(text, size, at);
  return m;
}

static bool is_word(int64_t rune) {
  int64_t low = rune | 0x20;
  return (rune >= '0' && rune <= '9') || (low >= 'a' && low <= 'z' && rune < 0x80) || rune == '_';
}

static bool holds(const matcher *m, pgi_assert check) {
  bool at_word = is_word(m->before) != is_word(m->after);
  switch (check) {
    case PG_ASSERT_TEXT_START:
      return m->before < 0;
    case PG_ASSERT_TEXT_END:
      return m->after < 0;
    case PG_ASSERT_LINE_START:
      return m->before < 0 || m->before == '\n';
    case PG_ASSERT_LINE_END:
      return m->after < 0 || m->after == '\n';
    case PG_ASSERT_WORD:
      return at_word;
    default:
      return !at_word;
  }
}

static bool has_state(const states *s, int32_t state) {
  int32_t place = s->place[state];
  return place >= 0 && place < s->n && s->list[place] == state;
}

static bool add_state(states *s, int32_t state, size_t from) {
  if (has_state(s, state)) return false;
  s->place[state] = s->n;
  s->from[s->n] = from;
  s->list[s->n++] = state;
  return true;
}

/* The state and all that it leads to without taking a character.  Each state is added once and
** pushes two others at most, so a stack of twice their number holds them. */
static void follow(matcher *m, states *s, int32_t state, size_t from) {
  int32_t depth = 0;
  m->stack[depth++] = state;
  while (depth > 0) {
    state = m->stack[--depth];
    if (!add_state(s, state, from)) continue;
    const instruction *i = &m->r->code[state];
    if (i->op == SPLIT) m->stack[depth++] = i->y;
    if (i->op == SPLIT || i->op == JUMP || (i->op == CHECK && holds(m, i->check)))
      m->stack[depth++] = i->x;
  }
}

static bool contains(const pgi_rune_set *set, uint32_t rune) {
  int low = 0, high = set->n;
  while (low < high) {
    int middle = (low + high) / 2;
    if (rune > set->ranges[middle].last)
      low = middle + 1;
    else
      high = middle;
  }
  return low < set->n && rune >= set->ranges[low].first;
}

static void step(matcher *m, uint32_t rune) {
  m->next.n = 0;
  for (int32_t k = 0; k < m->now.n; k++) {
    const instruction *i = &m->r->code[m->now.list[k]];
    if (i->op == TAKE && contains(&i->set, rune)) follow(m, &m->next, i->x, m->now.from[k]);
  }
  states swapped = m->now;
  m->now = m->next;
  m->next = swapped;
}

/* Takes the character at *at; what comes behind it is known then. */
static void advance(matcher *m, const char *text, size_t size, size_t *at) {
  uint32_t rune = pgi_utf8_next(text, size, at);
  m->before = rune;
  m->after = peek(text, size, *at);
  step(m, rune);
}

bool pgi_regex_matches(const pgi_regex *r, const char *text, size_t size, void *room) {
  size_t at = 0;
  matcher m = begin(r, text, size, 0, room);
  follow(&m, &m.now, 0, 0);
  while (at < size && m.now.n > 0) advance(&m, text, size, &at);
  return has_state(&m.now, (int32_t)r->n - 1);
}

/* States stand in the order in which their matches began, as those that begin here are added
** last: so the first way to a state is the leftmost, and what begins behind a match is dropped. */
bool pgi_regex_find(const pgi_regex *r, const char *text, size_t size, size_t at, void *room,
                    size_t *first, size_t *end) {
  int32_t done = (int32_t)r->n - 1;
  bool is_found = false;
  matcher m = begin(r, text, size, at, room);
  if (at > 0) m.before = rune_before(text, at);
  for (;;) {
    if (!is_found) follow(&m, &m.now, 0, at);
    while (is_found && m.now.n > 0 && m.now.from[m.now.n - 1] > *first) m.now.n--;
    if (has_state(&m.now, done)) {
      *first = m.now.from[m.now.place[done]];
      *end = at;
      is_found = true;
    }
    if (at >= size || (is_found && m.now.n == 0)) return is_found;
    advance(&m, text, size, &at);
  }
}
