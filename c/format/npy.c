/* NumPy's file format, versions 1 to 3: magic, version, length, a header that is a Python literal,
** then the elements.  (numpy.lib.format's specification, NEP 1.) */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/format.h"

/* Types that numpy has of its own, by kind and size; what it lacks is written as raw integers of
** the same size. */
static const struct {
  const char *descr; /* without the byte order */
  pg_dtype dtype;
} types[] = {
    {"f4", PG_F32}, {"f8", PG_F64},  {"f2", PG_F16}, {"i1", PG_I8},    {"i2", PG_I16},
    {"i4", PG_I32}, {"i8", PG_I64},  {"u1", PG_U8},  {"u2", PG_U16},   {"u4", PG_U32},
    {"u8", PG_U64}, {"b1", PG_BOOL}, {"c8", PG_C64}, {"c16", PG_C128},
};

typedef struct header {
  pg_dtype dtype;
  bool is_fortran;
  int64_t string_bytes; /* of an S or U type; 0: not a string */
  bool is_utf32;
  int rank;
  int64_t dims[PG_MAX_RANK];
} header;

/* ---- reading the header -------------------------------------------------------------------------- */

typedef struct cursor {
  const char *at, *end;
} cursor;

static void skip_space(cursor *c) {
  while (c->at < c->end && isspace((unsigned char)*c->at)) c->at++;
}

static bool take(cursor *c, char wanted) {
  skip_space(c);
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool take_word(cursor *c, const char *word) {
  size_t n = strlen(word);
  skip_space(c);
  if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) return false;
  c->at += n;
  return true;
}

static bool take_string(cursor *c, char *text, size_t size) {
  skip_space(c);
  if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
  char quote = *c->at++;
  size_t n = 0;
  while (c->at < c->end && *c->at != quote) {
    if (n + 1 >= size) return false;
    text[n++] = *c->at++;
  }
  text[n] = 0;
  return take(c, quote);
}

static bool take_int(cursor *c, int64_t *out) {
  skip_space(c);
  int64_t v = 0;
  const char *begin = c->at;
  for (; c->at < c->end && isdigit((unsigned char)*c->at); c->at++) {
    if (v > (INT64_MAX - 9) / 10) return false;
    v = v * 10 + (*c->at - '0');
  }
  *out = v;
  return c->at > begin;
}

static bool take_shape(cursor *c, header *h) {
  if (!take(c, '(')) return false;
  while (!take(c, ')')) {
    if (h->rank == PG_MAX_RANK || !take_int(c, &h->dims[h->rank])) return false;
    h->rank++;
    if (!take(c, ',') && !(skip_space(c), c->at < c->end && *c->at == ')')) return false;
  }
  return true;
}

static pg_status set_type(header *h, const char *descr, pg_error *err) {
  char order = descr[0];
  const char *kind = order && strchr("<>=|", order) ? descr + 1 : descr;
  int64_t size = strtoll(*kind ? kind + 1 : "", NULL, 10);
  if (*kind == 'S' || *kind == 'U') {
    h->dtype = PG_STRING;
    h->is_utf32 = *kind == 'U';
    h->string_bytes = size * (h->is_utf32 ? 4 : 1);
    if (size < 0 || size > 1 << 24 || (h->is_utf32 && order == '>'))
      return pgi_fail(err, PG_UNSUPPORTED, "npy: strings of type '%s'", descr);
    return PG_OK;
  }
  if (order == '>' && size > 1)
    return pgi_fail(err, PG_UNSUPPORTED, "npy: big-endian type '%s'", descr);
  for (int i = 0; i < PG_COUNT(types); i++) {
    if (strcmp(kind, types[i].descr) != 0) continue;
    h->dtype = types[i].dtype;
    return PG_OK;
  }
  return pgi_fail(err, PG_UNSUPPORTED, "npy: element type '%s'", descr);
}

static pg_status read_header(const char *text, size_t size, header *h, pg_error *err) {
  cursor c = {text, text + size};
  char key[32], descr[32];
  bool has_type = false, has_shape = false;
  memset(h, 0, sizeof *h);
  if (!take(&c, '{')) return pgi_fail(err, PG_FORMAT, "npy: the header is no dictionary");
  while (!take(&c, '}')) {
    if (!take_string(&c, key, sizeof key) || !take(&c, ':'))
      return pgi_fail(err, PG_FORMAT, "npy: malformed header");
    bool good = false;
    if (strcmp(key, "descr") == 0) {
      good = take_string(&c, descr, sizeof descr);
      if (!good) return pgi_fail(err, PG_UNSUPPORTED, "npy: records are not supported");
      PG_TRY(set_type(h, descr, err));
      has_type = true;
    } else if (strcmp(key, "fortran_order") == 0) {
      h->is_fortran = take_word(&c, "True");
      good = h->is_fortran || take_word(&c, "False");
    } else if (strcmp(key, "shape") == 0) {
      good = has_shape = take_shape(&c, h);
    }
    if (!good) return pgi_fail(err, PG_FORMAT, "npy: malformed header at '%s'", key);
    take(&c, ',');
  }
  if (!has_type || !has_shape)
    return pgi_fail(err, PG_FORMAT, "npy: the header lacks descr or shape");
  return PG_OK;
}

/* ---- elements ------------------------------------------------------------------------------------- */

static size_t utf8_put(char *to, uint32_t c) {
  if (c < 0x80) return to[0] = (char)c, 1;
  if (c < 0x800) return to[0] = (char)(0xC0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
  if (c < 0x10000) {
    to[0] = (char)(0xE0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63));
    to[2] = (char)(0x80 | (c & 63));
    return 3;
  }
  to[0] = (char)(0xF0 | (c >> 18 & 7)), to[1] = (char)(0x80 | (c >> 12 & 63));
  to[2] = (char)(0x80 | (c >> 6 & 63)), to[3] = (char)(0x80 | (c & 63));
  return 4;
}

static pg_status read_strings(pg_context *ctx, const header *h, const uint8_t *data, int64_t n,
                              pg_tensor *t, pg_error *err) {
  size_t size = (size_t)h->string_bytes;
  char *text = pgi_alloc(ctx, size + 4);
  if (!text) return pgi_nomem(err);
  pg_status status = PG_OK;
  for (int64_t i = 0; status == PG_OK && i < n; i++, data += size) {
    size_t length = 0;
    if (h->is_utf32) {
      for (size_t k = 0; k < size; k += 4) {
        uint32_t c;
        memcpy(&c, data + k, 4);
        if (c) length += utf8_put(text + length, c);
      }
    } else {
      length = size;
      while (length && !data[length - 1]) length--;
      memcpy(text, data, length);
    }
    status = pgi_string_set(t->buffer, i, text, length, err);
  }
  pgi_free(ctx, text);
  return status;
}

static pg_status read_elements(pg_context *ctx, const header *h, const uint8_t *data, size_t size,
                               pg_tensor *out, pg_error *err) {
  int64_t n;
  size_t need = 0,
         element = h->dtype == PG_STRING ? (size_t)h->string_bytes : pgi_dtype_size(h->dtype);
  PG_TRY(pgi_count(h->rank, h->dims, &n, err));
  if (!pgi_mul_size((size_t)n, element, &need) || need > size)
    return pgi_fail(err, PG_FORMAT, "npy: expected %lld elements of %zu bytes, got %zu bytes",
                    (long long)n, element, size);
  if (h->dtype == PG_STRING && element == 0 && n > (1 << 24))
    return pgi_fail(err, PG_FORMAT, "npy: %lld empty strings", (long long)n);
  PG_TRY(pgi_tensor_alloc(ctx, h->dtype, h->rank, h->dims, out, err));
  if (h->dtype == PG_STRING) return read_strings(ctx, h, data, n, out, err);
  uint8_t *to = pgi_tensor_data(out);
  memcpy(to, data, need);
  if (h->dtype == PG_BOOL)
    for (size_t i = 0; i < need; i++) to[i] = to[i] != 0;
  return PG_OK;
}

/* A file in Fortran order holds the transpose. */
static pg_status to_row_major(const header *h, pg_tensor *t, pg_error *err) {
  pg_tensor flipped = {0}, view = {0}, dense = {0};
  int perm[PG_MAX_RANK];
  int64_t dims[PG_MAX_RANK];
  for (int i = 0; i < h->rank; i++) {
    perm[i] = h->rank - 1 - i;
    dims[i] = h->dims[perm[i]];
  }
  pg_status status = pgi_view_reshape(t, h->rank, dims, &flipped, err);
  if (status == PG_OK) status = pgi_view_permute(&flipped, perm, &view, err);
  if (status == PG_OK) status = pgi_tensor_clone(&view, &dense, err);
  if (status == PG_OK) pgi_tensor_move(t, &dense);
  pgi_tensor_clear(&flipped);
  pgi_tensor_clear(&view);
  return status;
}

pg_status pgi_npy_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       pg_error *err) {
  const uint8_t *bytes = data;
  if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
    return pgi_fail(err, PG_FORMAT, "not an npy file");
  size_t start = bytes[6] == 1 ? 10 : 12;
  if (bytes[6] < 1 || bytes[6] > 3 || size < start)
    return pgi_fail(err, PG_FORMAT, "npy: version %d", bytes[6]);
  size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
  if (start == 12) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  if (length > size - start) return pgi_fail(err, PG_FORMAT, "npy: the header is cut off");
  header h;
  PG_TRY(read_header((const char *)bytes + start, length, &h, err));
  pg_status status =
      read_elements(ctx, &h, bytes + start + length, size - start - length, out, err);
  if (status == PG_OK && h.is_fortran && h.rank > 1) status = to_row_major(&h, out, err);
  if (status != PG_OK) pgi_tensor_clear(out);
  return status;
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static const char *descr_of(pg_dtype dtype) {
  for (int i = 0; i < PG_COUNT(types); i++)
    if (types[i].dtype == dtype) return types[i].descr;
  /* bf16, f8: their bits. */
  return pg_dtype_bits(dtype) == 16 ? "u2" : pg_dtype_bits(dtype) == 8 ? "u1" : NULL;
}

/* The longest string of the tensor. */
static size_t widest(const pg_tensor *t) {
  size_t width = 1;
  const pg_string *s = pgi_tensor_data(t);
  for (int64_t i = 0; i < pgi_tensor_count(t); i++) width = PG_MAX(width, s[i].size);
  return width;
}

static pg_status write_header(pgi_writer *w, const pg_tensor *t, size_t width, pg_error *err) {
  char text[640], descr[32];
  if (t->dtype == PG_STRING) {
    snprintf(descr, sizeof descr, "|S%zu", width);
  } else {
    snprintf(descr, sizeof descr, "%c%s", pg_dtype_bits(t->dtype) == 8 ? '|' : '<',
             descr_of(t->dtype));
  }
  pgi_text out = {text, sizeof text, 0};
  pgi_text_add(&out, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (int i = 0; i < t->rank; i++)
    pgi_text_add(&out, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
  pgi_text_add(&out, t->rank == 1 ? ",), }" : "), }"); /* a tuple of one has a comma */
  /* Padded with spaces so that the elements begin at a multiple of 64. */
  while ((10 + out.n + 1) % 64) pgi_text_add(&out, " ");
  pgi_text_add(&out, "\n");
  uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)out.n, (uint8_t)(out.n >> 8)};
  PG_TRY(pgi_writer_write(w, start, sizeof start, err));
  return pgi_writer_write(w, text, out.n, err);
}

static pg_status write_strings(pgi_writer *w, const pg_tensor *t, size_t width, pg_error *err) {
  static const char zeros[256] = {0};
  const pg_string *s = pgi_tensor_data(t);
  for (int64_t i = 0; i < pgi_tensor_count(t); i++) {
    PG_TRY(pgi_writer_write(w, s[i].data, s[i].size, err));
    for (size_t left = width - s[i].size; left; left -= PG_MIN(left, sizeof zeros))
      PG_TRY(pgi_writer_write(w, zeros, PG_MIN(left, sizeof zeros), err));
  }
  return PG_OK;
}

static pg_status write_all(pgi_writer *w, const pg_tensor *t, pg_error *err) {
  size_t width = t->dtype == PG_STRING ? widest(t) : 0;
  PG_TRY(write_header(w, t, width, err));
  if (t->dtype == PG_STRING) return write_strings(w, t, width, err);
  return pgi_writer_write(w, pgi_tensor_data(t), pg_tensor_bytes(t), err);
}

pg_status pgi_npy_write(const pg_tensor *t, const char *path, pg_error *err) {
  pg_tensor flat = {0};
  pgi_writer *w = NULL;
  if (t->dtype != PG_STRING && !descr_of(t->dtype)) {
    /* Packed kinds become one byte an element. */
    bool is_signed = pgi_dtype_kind(t->dtype) == PG_KIND_INT;
    bool is_float = pgi_dtype_kind(t->dtype) == PG_KIND_FLOAT;
    PG_TRY(pgi_tensor_cast(t, is_float ? PG_F32 : is_signed ? PG_I8 : PG_U8, NULL, &flat, err));
  } else {
    PG_TRY(pgi_tensor_contiguous(t, &flat, err));
  }
  pg_status status = pgi_writer_open(flat.buffer->ctx, path, &w, err);
  if (status == PG_OK) status = pgi_writer_end(w, write_all(w, &flat, err), err);
  pgi_tensor_clear(&flat);
  return status;
}
