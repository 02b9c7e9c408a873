/* regex: does a whole text match, and where in a text is a match?  RE2's syntax without Unicode classes (\p) and \C; no
** backtracking, so the time is bounded by pattern times text. */
#ifndef PG_OP_REGEX_H
#define PG_OP_REGEX_H

#include "base/base.h"

typedef struct pgi_regex pgi_regex;

pg_status pgi_regex_new(pg_context *ctx, const char *pattern, size_t size, pgi_regex **out,
                        pg_error *err);
void pgi_regex_free(pg_context *ctx, pgi_regex *r); /* NULL is fine */
size_t pgi_regex_room(const pgi_regex *r);          /* bytes that a match works in */
bool pgi_regex_matches(const pgi_regex *r, const char *text, size_t size, void *room);
/* The leftmost match that begins at text[at] or later, of these the longest. */
bool pgi_regex_find(const pgi_regex *r, const char *text, size_t size, size_t at, void *room,
                    size_t *first, size_t *end);

/* ---- inside: what regex_parse.c hands to regex.c --------------------------------------------- */

typedef struct pgi_rune_range {
  uint32_t first, last;
} pgi_rune_range;

typedef struct pgi_rune_set {
  int n; /* sorted, apart from each other */
  const pgi_rune_range *ranges;
} pgi_rune_set;

typedef enum pgi_assert {
  PG_ASSERT_TEXT_START,
  PG_ASSERT_TEXT_END,
  PG_ASSERT_LINE_START,
  PG_ASSERT_LINE_END,
  PG_ASSERT_WORD,    /* \b */
  PG_ASSERT_NO_WORD, /* \B */
} pgi_assert;

typedef enum pgi_regex_kind {
  PG_RE_SET,
  PG_RE_ASSERT,
  PG_RE_CAT,
  PG_RE_ALT,
  PG_RE_REPEAT
} pgi_regex_kind;

/* CAT of nothing is the empty pattern.  REPEAT has one child; most -1: no limit. */
typedef struct pgi_regex_tree {
  pgi_regex_kind kind;
  pgi_rune_set set;
  pgi_assert check;
  int least, most;
  struct pgi_regex_tree *first, *last, *next; /* children; the next one of the same parent */
} pgi_regex_tree;

/* The tree lives in the arena. */
pg_status pgi_regex_parse(pgi_arena *arena, const char *pattern, size_t size, pgi_regex_tree **out,
                          pg_error *err);

#endif
