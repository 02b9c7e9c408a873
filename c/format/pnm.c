/* PBM, PGM, PPM and PAM of Netpbm (the manual pages pbm(5), pgm(5), ppm(5), pam(5)): text (P1 to P3)
** and binary (P4 to P7). */
#include "format/format.h"

#define MAX_PIXELS ((int64_t)1 << 28)
enum { MAX_SIDE = 1 << 28, MAX_VALUE = 65535 };

typedef struct pnm {
  const uint8_t *data;
  size_t size, at;
  char kind; /* '1' to '7' */
  int64_t width, height, channels, most;
} pnm;

static pg_status bad(pg_error *err, const char *what) {
  return pgi_fail(err, PG_FORMAT, "pnm: %s", what);
}

static bool is_space(int c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Comments go from # to the end of the line. */
static void skip_space(pnm *p) {
  for (; p->at < p->size; p->at++) {
    if (p->data[p->at] == '#')
      while (p->at < p->size && p->data[p->at] != '\n') p->at++;
    else if (!is_space(p->data[p->at]))
      return;
  }
}

static bool read_number(pnm *p, int64_t most, int64_t *out) {
  int64_t n = 0;
  skip_space(p);
  size_t first = p->at;
  while (p->at < p->size && p->data[p->at] >= '0' && p->data[p->at] <= '9' && n <= most)
    n = n * 10 + (p->data[p->at++] - '0');
  *out = n;
  return p->at > first && n <= most;
}

/* ---- headers ------------------------------------------------------------------------------------ */

static bool read_word(pnm *p, char word[16]) {
  size_t n = 0;
  skip_space(p);
  while (p->at < p->size && !is_space(p->data[p->at]) && n < 15) word[n++] = (char)p->data[p->at++];
  word[n] = 0;
  return n > 0 && (p->at == p->size || is_space(p->data[p->at]));
}

/* PAM: lines of a name and a value until ENDHDR. */
static bool read_pam_header(pnm *p) {
  char word[16];
  while (read_word(p, word)) {
    bool is_good = true;
    if (strcmp(word, "ENDHDR") == 0) return true;
    if (strcmp(word, "WIDTH") == 0)
      is_good = read_number(p, MAX_SIDE, &p->width);
    else if (strcmp(word, "HEIGHT") == 0)
      is_good = read_number(p, MAX_SIDE, &p->height);
    else if (strcmp(word, "DEPTH") == 0)
      is_good = read_number(p, 4, &p->channels);
    else if (strcmp(word, "MAXVAL") == 0)
      is_good = read_number(p, MAX_VALUE, &p->most);
    else if (strcmp(word, "TUPLTYPE") == 0)
      while (p->at < p->size && p->data[p->at] != '\n') p->at++;
    else
      is_good = false;
    if (!is_good) return false;
  }
  return false;
}

static pg_status read_header(pnm *p, pg_error *err) {
  bool is_bits = p->kind == '1' || p->kind == '4', is_good;
  p->at = 2;
  p->most = 1;
  p->channels = p->kind == '3' || p->kind == '6' ? 3 : 1;
  if (p->kind == '7') {
    is_good = read_pam_header(p);
  } else {
    is_good = read_number(p, MAX_SIDE, &p->width) && read_number(p, MAX_SIDE, &p->height) &&
              (is_bits || read_number(p, MAX_VALUE, &p->most));
  }
  /* One white space, and the pixels begin. */
  is_good = is_good && p->at < p->size && is_space(p->data[p->at++]);
  if (!is_good) return bad(err, "a number in the header is missing or out of range");
  if (p->width < 1 || p->height < 1 || p->width > MAX_PIXELS / p->height)
    return pgi_fail(err, PG_FORMAT, "pnm: %lld x %lld pixels", (long long)p->width,
                    (long long)p->height);
  if (p->most < 1 || p->channels < 1) return bad(err, "the greatest value or the depth is 0");
  return PG_OK;
}

/* ---- pixels ------------------------------------------------------------------------------------- */

static void put(const pnm *p, pg_tensor *to, int64_t i, int64_t v) {
  int64_t full = to->dtype == PG_U16 ? 65535 : 255;
  v = (PG_MIN(v, p->most) * full + p->most / 2) / p->most;
  if (to->dtype == PG_U16)
    ((uint16_t *)pgi_tensor_data(to))[i] = (uint16_t)v;
  else
    ((uint8_t *)pgi_tensor_data(to))[i] = (uint8_t)v;
}

/* In bitmaps 1 is black. */
static pg_status read_bits(pnm *p, pg_tensor *to, pg_error *err) {
  int64_t stride = (p->width + 7) / 8;
  if ((size_t)(stride * p->height) > p->size - p->at) return bad(err, "premature end");
  for (int64_t y = 0; y < p->height; y++) {
    const uint8_t *row = p->data + p->at + y * stride;
    for (int64_t x = 0; x < p->width; x++)
      put(p, to, y * p->width + x, !(row[x / 8] >> (7 - x % 8) & 1));
  }
  return PG_OK;
}

static pg_status read_binary(pnm *p, pg_tensor *to, pg_error *err) {
  int64_t n = pgi_tensor_count(to), size = p->most > 255 ? 2 : 1;
  const uint8_t *from = p->data + p->at;
  if ((uint64_t)n * (uint64_t)size > p->size - p->at) return bad(err, "premature end");
  for (int64_t i = 0; i < n; i++)
    put(p, to, i, size == 1 ? from[i] : from[2 * i] << 8 | from[2 * i + 1]);
  return PG_OK;
}

/* Digits of bitmaps need no space between them. */
static pg_status read_text(pnm *p, pg_tensor *to, pg_error *err) {
  int64_t n = pgi_tensor_count(to), v = 0;
  for (int64_t i = 0; i < n; i++) {
    bool is_good;
    if (p->kind == '1') {
      skip_space(p);
      is_good = p->at < p->size && (p->data[p->at] == '0' || p->data[p->at] == '1');
      if (is_good) v = p->data[p->at++] == '0';
    } else {
      is_good = read_number(p, MAX_VALUE, &v);
    }
    if (!is_good) return bad(err, p->at < p->size ? "not a number" : "premature end");
    put(p, to, i, v);
  }
  return PG_OK;
}

bool pgi_pnm_is(const void *data, size_t size) {
  const uint8_t *bytes = data;
  return size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
         (is_space(bytes[2]) || bytes[2] == '#');
}

pg_status pgi_pnm_read(pg_context *ctx, const void *data, size_t size, bool deep, pg_tensor *out,
                       pg_error *err) {
  if (!pgi_pnm_is(data, size)) return pgi_fail(err, PG_FORMAT, "not a PNM file");
  pnm p = {.data = data, .size = size, .kind = ((const char *)data)[1]};
  PG_TRY(read_header(&p, err));
  /* Eight pixels a byte at best: a short file was cut off. */
  if ((uint64_t)p.width * (uint64_t)p.height / 8 > size) return bad(err, "premature end");
  int64_t dims[3] = {p.height, p.width, p.channels};
  pg_tensor pixels = {0};
  PG_TRY(pgi_tensor_alloc(ctx, deep && p.most > 255 ? PG_U16 : PG_U8, 3, dims, &pixels, err));
  pg_status status;
  if (p.kind <= '3')
    status = read_text(&p, &pixels, err);
  else if (p.kind == '4')
    status = read_bits(&p, &pixels, err);
  else
    status = read_binary(&p, &pixels, err);
  if (status == PG_OK)
    *out = pixels;
  else
    pgi_tensor_clear(&pixels);
  return status;
}
