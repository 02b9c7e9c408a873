/* A text and where its bytes come from; writing a changed one. */
#include "text/text.h"

void pgi_chars_deinit(pgi_chars *t) {
  pgi_free(t->ctx, t->data);
  pgi_free(t->ctx, t->from);
  pgi_free(t->ctx, t->to);
  t->data = NULL;
  t->from = t->to = NULL;
  t->n = t->capacity = t->places = 0;
}

static void *grown(pg_context *ctx, void *old, size_t used, size_t room) {
  void *block = pgi_alloc(ctx, room);
  if (block && used) memcpy(block, old, used);
  if (block) pgi_free(ctx, old);
  return block;
}

pg_status pgi_chars_room(pgi_chars *t, size_t more, pg_error *err) {
  size_t need = t->n + more + PG_TEXT_PAD;
  if (t->n + more > PG_TEXT_MAX)
    return pgi_fail(err, PG_INVALID, "a text of more than %zu bytes", PG_TEXT_MAX);
  if (need > t->capacity) {
    size_t room = need + need / 2;
    uint8_t *data = grown(t->ctx, t->data, t->n, room);
    if (!data) return pgi_nomem(err);
    t->data = data;
    t->capacity = room;
  }
  if (!t->is_placed || t->places >= t->capacity) return PG_OK;
  uint32_t *from = pgi_alloc(t->ctx, t->capacity * sizeof *from);
  uint32_t *to = pgi_alloc(t->ctx, t->capacity * sizeof *to);
  if (!from || !to) {
    pgi_free(t->ctx, from);
    pgi_free(t->ctx, to);
    return pgi_nomem(err);
  }
  size_t used = PG_MIN(t->n, t->places) * sizeof *from;
  if (used) memcpy(from, t->from, used);
  if (used) memcpy(to, t->to, used);
  pgi_free(t->ctx, t->from);
  pgi_free(t->ctx, t->to);
  t->from = from;
  t->to = to;
  t->places = t->capacity;
  return PG_OK;
}

void pgi_chars_close(pgi_chars *t) {
  memset(t->data + t->n, 0, PG_TEXT_PAD);
}

size_t pgi_chars_from(const pgi_chars *t, size_t i) {
  if (t->is_placed) return t->from[i];
  while (i > 0 && pgi_char_inside(t->data[i])) i--;
  return t->base + i;
}

size_t pgi_chars_to(const pgi_chars *t, size_t i) {
  if (t->is_placed) return t->to[i];
  for (i++; i < t->n && pgi_char_inside(t->data[i]);) i++;
  return t->base + i;
}

/* ---- changes ---------------------------------------------------------------------------------------- */

pg_status pgi_change_begin(pgi_change *c, const pgi_chars *in, pgi_chars *out, pg_error *err) {
  *c = (pgi_change){.in = in, .out = out};
  out->n = 0;
  out->base = in->base;
  return pgi_chars_room(out, in->n + in->n / 4, err);
}

void pgi_change_end(pgi_change *c) {
  pgi_chars_close(c->out);
}

pg_status pgi_change_copy(pgi_change *c, size_t n, pg_error *err) {
  pgi_chars *out = c->out;
  PG_TRY(pgi_chars_room(out, n, err));
  memcpy(out->data + out->n, c->in->data + c->at, n);
  if (out->is_placed && c->in->is_placed) {
    memcpy(out->from + out->n, c->in->from + c->at, n * sizeof *out->from);
    memcpy(out->to + out->n, c->in->to + c->at, n * sizeof *out->to);
  } else if (out->is_placed) {
    for (size_t i = 0, size; i < n; i += size) { /* whole characters, or bytes of a cut one */
      size_t at = c->at + i;
      size = PG_MIN(pgi_char_size(c->in->data[at]), n - i);
      for (size_t k = 0; k < size; k++) {
        out->from[out->n + i + k] = (uint32_t)(c->in->base + at);
        out->to[out->n + i + k] = (uint32_t)(c->in->base + at + size);
      }
    }
  }
  out->n += n;
  c->at += n;
  c->last = 0;
  return PG_OK;
}

pg_status pgi_change_put(pgi_change *c, const void *data, size_t n, size_t at, pg_error *err) {
  pgi_chars *out = c->out;
  PG_TRY(pgi_chars_room(out, n, err));
  memcpy(out->data + out->n, data, n);
  if (out->is_placed) {
    bool is_inside = at < c->in->n;
    uint32_t from = is_inside ? (uint32_t)pgi_chars_from(c->in, at) : 0;
    uint32_t to = is_inside ? (uint32_t)pgi_chars_to(c->in, at) : 0;
    for (size_t i = 0; i < n; i++) {
      out->from[out->n + i] = from;
      out->to[out->n + i] = to;
    }
  }
  out->n += n;
  return PG_OK;
}

void pgi_change_skip(pgi_change *c, int64_t chars) {
  for (; chars > 0 && c->at < c->in->n; chars--)
    c->at = PG_MIN(c->at + pgi_char_size(c->in->data[c->at]), c->in->n);
}

pg_status pgi_change_char(pgi_change *c, uint32_t ch, int change, pg_error *err) {
  uint8_t bytes[PG_CHAR_MAX];
  size_t n = pgi_char_put(ch, bytes), at = c->at;
  if (change > 0) at = at > 0 ? at - 1 : SIZE_MAX;
  c->last_out = c->out->n;
  c->last = change;
  PG_TRY(pgi_change_put(c, bytes, n, at, err));
  if (change <= 0) pgi_change_skip(c, 1 - (int64_t)change);
  return PG_OK;
}

pg_status pgi_spans_grow(pgi_spans *s, int64_t more, pg_error *err) {
  return pgi_grow(s->ctx, &s->at, &s->capacity, s->n + more, sizeof *s->at, err);
}
