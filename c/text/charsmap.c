/* The rules of normalisation that SentencePiece compiles into its models: a double array in the layout
** of darts-clone (units of 32 bits: bit 31 marks a value, bit 8 "a value follows", bits 10 to 30 the
** offset, bit 9 scales it by 256) and the texts that its values point into. */
#include "text/text.h"

pg_status pgi_charsmap_init(pgi_charsmap *m, pg_context *ctx, const void *data, size_t size,
                            pg_error *err) {
  uint32_t bytes;
  *m = (pgi_charsmap){.ctx = ctx};
  if (size < 4)
    return pgi_fail(err, PG_FORMAT, "charsmap: expected 4 bytes or more, got %zu", size);
  memcpy(&bytes, data, 4);
  if (bytes < 4 || bytes % 4 || bytes > size - 4)
    return pgi_fail(err, PG_FORMAT, "charsmap: a trie of %u bytes in %zu", bytes, size);
  m->n_units = bytes / 4;
  m->n_text = size - 4 - bytes;
  m->units = pgi_alloc(ctx, bytes);
  m->text = pgi_alloc(ctx, m->n_text + 1);
  if (!m->units || !m->text) {
    pgi_charsmap_deinit(m);
    return pgi_nomem(err);
  }
  memcpy(m->units, (const char *)data + 4, bytes);
  memcpy(m->text, (const char *)data + 4 + bytes, m->n_text);
  m->text[m->n_text] = 0;
  /* Texts are taken whole, from any value on: all of it must be UTF-8 for that to be. */
  if (pgi_utf8_valid((uint8_t *)m->text, m->n_text) != m->n_text) {
    pgi_charsmap_deinit(m);
    return pgi_fail(err, PG_FORMAT, "charsmap: its texts are not UTF-8");
  }
  return PG_OK;
}

void pgi_charsmap_deinit(pgi_charsmap *m) {
  pgi_free(m->ctx, m->units);
  pgi_free(m->ctx, m->text);
  m->units = NULL;
  m->text = NULL;
}

static uint32_t offset(uint32_t unit) {
  return unit >> 10 << ((unit & 1u << 9) >> 6);
}

const char *pgi_charsmap_find(const pgi_charsmap *m, const uint8_t *p, size_t n, bool is_longest,
                              size_t *used) {
  if (!m->units) return NULL;
  const char *found = NULL;
  size_t at = offset(m->units[0]);
  for (size_t i = 0; i < n; i++) {
    at ^= p[i];
    if (at >= m->n_units) break;
    uint32_t unit = m->units[at];
    if ((unit & (1u << 31 | 0xFF)) != p[i]) break;
    at ^= offset(unit);
    if (at >= m->n_units) break;
    if (!(unit >> 8 & 1)) continue;
    uint32_t value = m->units[at] & ~(1u << 31);
    if (value >= m->n_text || pgi_char_inside((uint8_t)m->text[value])) continue;
    found = m->text + value;
    *used = i + 1;
    if (!is_longest) break;
  }
  return found;
}
