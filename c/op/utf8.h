/* utf8: code points in and out, and their simple case mappings. */
#ifndef PG_OP_UTF8_H
#define PG_OP_UTF8_H

#include "base/base.h"

#define PG_RUNE_MAX 0x10FFFF

/* Reads the code point at text[*at], *at < size, and moves on.  A byte that begins no valid
** sequence is U+FFFD. */
uint32_t pgi_utf8_next(const char *text, size_t size, size_t *at);
int pgi_utf8_put(uint32_t rune, char out[4]); /* bytes written */
/* One to one mappings of the Latin, Greek, Cyrillic and Armenian letters; all else stays. */
uint32_t pgi_rune_lower(uint32_t rune);
uint32_t pgi_rune_upper(uint32_t rune);

#endif
