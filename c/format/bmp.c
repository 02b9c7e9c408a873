/* BMP, the "device-independent bitmap" of Windows: headers of 12, 40 and more bytes; 1, 4 and 8 bits
** with a palette, plain or run-length encoded; 16 and 32 bits with masks; 24 bits.
** Facts: BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER, BITMAPV4HEADER in Microsoft's
** documentation of the Windows interface. */
#include "format/format.h"

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40 };
enum { PLAIN = 0, RLE8 = 1, RLE4 = 2, FIELDS = 3, ALPHA_FIELDS = 6 };
enum { MAX_RLE = 256 /* pixels that a byte of a run-length code may stand for, and then some */ };
#define MAX_PIXELS ((int64_t)1 << 28)

typedef struct bitmap {
  const uint8_t *data; /* the whole file */
  size_t size, pixels; /* where the pixels begin */
  int64_t width, height;
  bool is_top_down, is_gray;
  unsigned bits, compression;
  uint32_t mask[4]; /* red, green, blue, alpha */
  const uint8_t *palette;
  size_t entry, n_colors; /* bytes a colour, colours */
} bitmap;

static uint32_t u16_at(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32_at(const uint8_t *p) {
  return u16_at(p) | u16_at(p + 2) << 16;
}

static pg_status bad(pg_error *err, const char *what) {
  return pgi_fail(err, PG_FORMAT, "bmp: %s", what);
}

/* ---- headers ------------------------------------------------------------------------------------ */

static void default_masks(bitmap *b) {
  static const uint32_t five[4] = {0x7C00, 0x3E0, 0x1F, 0}, eight[4] = {0xFF0000, 0xFF00, 0xFF, 0};
  memcpy(b->mask, b->bits == 16 ? five : eight, sizeof b->mask);
}

/* Masks stand in the header from its version 2 on, behind it in version 1. */
static pg_status read_masks(bitmap *b, size_t header, size_t *end, pg_error *err) {
  default_masks(b);
  bool is_inside = header >= INFO_HEADER + 12;
  bool is_given = b->compression == FIELDS || b->compression == ALPHA_FIELDS;
  size_t n = b->compression == ALPHA_FIELDS || header >= INFO_HEADER + 16 ? 4 : 3;
  if (!is_given) return PG_OK;
  if (b->size - FILE_HEADER - INFO_HEADER < 4 * n) return bad(err, "premature end");
  const uint8_t *at = b->data + FILE_HEADER + INFO_HEADER;
  for (size_t i = 0; i < n; i++) b->mask[i] = u32_at(at + 4 * i);
  if (!is_inside) *end += 4 * n;
  return PG_OK;
}

static pg_status check_kind(const bitmap *b, pg_error *err) {
  bool fits = b->bits == 1 || b->bits == 2 || b->bits == 4 || b->bits == 8 || b->bits == 16 ||
              b->bits == 24 || b->bits == 32;
  switch (b->compression) {
    case PLAIN:
      break;
    case RLE8:
      fits = b->bits == 8;
      break;
    case RLE4:
      fits = b->bits == 4;
      break;
    case FIELDS:
    case ALPHA_FIELDS:
      fits = b->bits == 16 || b->bits == 32;
      break;
    default:
      return pgi_fail(err, PG_UNSUPPORTED, "bmp: compression %u", b->compression);
  }
  if (fits) return PG_OK;
  return pgi_fail(err, PG_FORMAT, "bmp: %u bits with compression %u", b->bits, b->compression);
}

/* A palette of greys makes a grey picture. */
static void look_for_gray(bitmap *b) {
  b->is_gray = b->bits <= 8;
  for (size_t i = 0; i < b->n_colors && b->is_gray; i++) {
    const uint8_t *p = b->palette + i * b->entry;
    b->is_gray = p[0] == p[1] && p[1] == p[2];
  }
}

static pg_status read_palette(bitmap *b, size_t end, uint32_t declared, pg_error *err) {
  if (b->bits > 8) return PG_OK;
  b->n_colors = declared && declared < 1u << b->bits ? declared : (size_t)1 << b->bits;
  /* Files with fewer colours than they may have leave out the rest. */
  size_t room = (b->pixels > end ? b->pixels - end : 0) / b->entry;
  b->n_colors = PG_MIN(b->n_colors, room);
  if (b->n_colors == 0) return bad(err, "it has no palette");
  b->palette = b->data + end;
  look_for_gray(b);
  return PG_OK;
}

static pg_status read_header(bitmap *b, pg_error *err) {
  const uint8_t *p = b->data;
  if (b->size < FILE_HEADER + CORE_HEADER) return bad(err, "premature end");
  b->pixels = u32_at(p + 10);
  size_t header = u32_at(p + FILE_HEADER);
  bool is_core = header == CORE_HEADER;
  if ((!is_core && header < INFO_HEADER) || header > b->size - FILE_HEADER)
    return pgi_fail(err, PG_FORMAT, "bmp: a header of %zu bytes", header);
  p += FILE_HEADER;
  int64_t height = is_core ? (int64_t)u16_at(p + 6) : (int64_t)(int32_t)u32_at(p + 8);
  b->width = is_core ? (int64_t)u16_at(p + 4) : (int64_t)(int32_t)u32_at(p + 4);
  b->is_top_down = height < 0;
  b->height = height < 0 ? -height : height;
  b->bits = u16_at(p + (is_core ? 10 : 14));
  b->compression = is_core ? PLAIN : u32_at(p + 16);
  b->entry = is_core ? 3 : 4;
  size_t end = FILE_HEADER + header;
  PG_TRY(check_kind(b, err));
  if (!is_core) PG_TRY(read_masks(b, header, &end, err));
  if (b->pixels < end || b->pixels > b->size) return bad(err, "the pixels lie outside the file");
  if (b->width < 1 || b->height < 1 || b->width > MAX_PIXELS / b->height)
    return pgi_fail(err, PG_FORMAT, "bmp: %lld x %lld pixels", (long long)b->width,
                    (long long)b->height);
  return read_palette(b, end, is_core ? 0 : u32_at(p + 32), err);
}

/* ---- pixels ------------------------------------------------------------------------------------- */

static void put_color(const bitmap *b, size_t index, uint8_t *to) {
  static const uint8_t black[3] = {0};
  const uint8_t *color = index < b->n_colors ? b->palette + index * b->entry : black;
  to[0] = color[2];
  if (b->is_gray) return;
  to[1] = color[1];
  to[2] = color[0];
}

/* What a mask cuts out, stretched to 8 bits. */
static uint8_t field(uint32_t pixel, uint32_t mask) {
  if (!mask) return 0;
  uint32_t low = mask & (~mask + 1), most = mask / low;
  return (uint8_t)(((uint64_t)((pixel & mask) / low) * 255 + most / 2) / most);
}

static void plain_row(const bitmap *b, const uint8_t *from, uint8_t *to, int channels) {
  for (int64_t x = 0; x < b->width; x++, to += channels) {
    if (b->bits <= 8) {
      size_t bit = (size_t)x * b->bits;
      unsigned shift = 8 - b->bits - (unsigned)(bit & 7);
      put_color(b, (size_t)(from[bit / 8] >> shift) & ((1u << b->bits) - 1), to);
    } else if (b->bits == 24) {
      for (int c = 0; c < 3; c++) to[c] = from[3 * x + 2 - c];
    } else {
      uint32_t pixel = b->bits == 16 ? u16_at(from + 2 * x) : u32_at(from + 4 * x);
      for (int c = 0; c < channels; c++) to[c] = field(pixel, b->mask[c]);
    }
  }
}

static pg_status read_plain(const bitmap *b, uint8_t *to, int channels, pg_error *err) {
  size_t stride = ((size_t)b->width * b->bits + 31) / 32 * 4, height = (size_t)b->height;
  size_t used = ((size_t)b->width * b->bits + 7) / 8, have = b->size - b->pixels;
  if (have < used || (have - used) / stride < height - 1) return bad(err, "premature end");
  size_t row = (size_t)b->width * (size_t)channels;
  for (size_t y = 0; y < height; y++) {
    size_t line = b->is_top_down ? y : height - 1 - y;
    plain_row(b, b->data + b->pixels + y * stride, to + line * row, channels);
  }
  return PG_OK;
}

typedef struct cursor {
  const bitmap *b;
  uint8_t *to;
  int channels;
  int64_t x, y; /* y from the bottom, as runs count it */
} cursor;

/* What runs over the edge of the picture is dropped. */
static void put(cursor *c, size_t index) {
  const bitmap *b = c->b;
  if (c->x < b->width && c->y < b->height) {
    int64_t line = b->is_top_down ? c->y : b->height - 1 - c->y;
    put_color(b, index, c->to + (line * b->width + c->x) * c->channels);
  }
  c->x++;
}

static size_t nibble_or_byte(const cursor *c, const uint8_t *from, size_t i) {
  if (c->b->bits == 8) return from[i];
  return i % 2 ? from[i / 2] & 15 : from[i / 2] >> 4;
}

/* Pairs of bytes: a count and what to repeat; 0 and an escape: 0 end of line, 1 end of picture, 2 a
** step by the next two bytes, else so many pixels as they are, filled up to an even number of
** bytes. */
static pg_status read_runs(const bitmap *b, uint8_t *to, int channels, pg_error *err) {
  cursor c = {b, to, channels, 0, 0};
  size_t at = b->pixels;
  for (int64_t i = 0; i < b->width * b->height; i++) put_color(b, 0, to + i * channels);
  while (at + 2 <= b->size && c.y < b->height) {
    uint8_t n = b->data[at], code = b->data[at + 1];
    at += 2;
    if (n > 0) {
      uint8_t pair = (uint8_t)((code >> 4 | code << 4) & 255); /* of 4 bits each */
      for (size_t i = 0; i < n; i++)
        put(&c, b->bits == 8 ? code : (i % 2 ? (size_t)(pair >> 4) : (size_t)(pair & 15)));
    } else if (code == 0) {
      c.x = 0;
      c.y++;
    } else if (code == 1) {
      return PG_OK;
    } else {
      size_t bytes = code == 2 ? 2 : ((size_t)code * b->bits + 7) / 8;
      if (b->size - at < bytes) break;
      if (code == 2) {
        c.x += b->data[at];
        c.y += b->data[at + 1];
      }
      for (size_t i = 0; code > 2 && i < code; i++) put(&c, nibble_or_byte(&c, b->data + at, i));
      at += (bytes + 1) / 2 * 2;
    }
  }
  return c.y >= b->height ? PG_OK : bad(err, "premature end");
}

pg_status pgi_bmp_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       pg_error *err) {
  bitmap b = {.data = data, .size = size};
  pg_tensor pixels = {0};
  if (size < 2 || memcmp(data, "BM", 2) != 0) return pgi_fail(err, PG_FORMAT, "not a BMP file");
  PG_TRY(read_header(&b, err));
  bool has_runs = b.compression == RLE8 || b.compression == RLE4;
  if (has_runs && b.width * b.height / MAX_RLE / MAX_RLE > (int64_t)size)
    return bad(err, "premature end");
  int channels = 3;
  if (b.is_gray) channels = 1;
  if (b.bits > 24 && b.mask[3]) channels = 4;
  int64_t dims[3] = {b.height, b.width, channels};
  if (!has_runs && (uint64_t)b.width * b.bits / 8 * (uint64_t)b.height > size)
    return bad(err, "premature end");
  PG_TRY(pgi_tensor_alloc(ctx, PG_U8, 3, dims, &pixels, err));
  pg_status status = has_runs ? read_runs(&b, pgi_tensor_data(&pixels), channels, err)
                              : read_plain(&b, pgi_tensor_data(&pixels), channels, err);
  if (status == PG_OK)
    *out = pixels;
  else
    pgi_tensor_clear(&pixels);
  return status;
}
