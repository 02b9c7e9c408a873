/* Text in the built-in font: fixed cells, whole pixels, scaled by repetition. */
#include <math.h>

#include "image/image.h"

/* What stands for a character that the font lacks. */
static const uint8_t box[PG_FONT_HEIGHT] = {0x3E, 0x22, 0x22, 0x22, 0x22, 0x22, 0x3E};

/* The next character's rows; *i moves behind it.  A sequence of UTF-8 is one character. */
static const uint8_t *next_glyph(const char *text, size_t size, size_t *i) {
  unsigned char c = (unsigned char)text[(*i)++];
  if (c >= PG_FONT_FIRST && c <= PG_FONT_LAST) return pgi_font[c - PG_FONT_FIRST];
  while (c >= 0xC0 && *i < size && ((unsigned char)text[*i] & 0xC0) == 0x80) (*i)++;
  return box;
}

void pgi_text_size(const char *text, size_t size, int scale, int64_t *width, int64_t *height) {
  int64_t column = 0, widest = 0, lines = 1;
  for (size_t i = 0; i < size;) {
    if (text[i] == '\n') {
      column = 0;
      lines++;
      i++;
      continue;
    }
    next_glyph(text, size, &i);
    column++;
    widest = PG_MAX(widest, column);
  }
  *width = widest * PG_FONT_WIDTH * scale;
  *height = lines * PG_FONT_HEIGHT * scale;
}

static void draw_glyph(const pgi_brush *b, const uint8_t *rows, int64_t x, int64_t y, int scale) {
  for (int r = 0; r < PG_FONT_HEIGHT; r++) {
    for (int c = 0; c < PG_FONT_WIDTH; c++) {
      if (!(rows[r] >> (PG_FONT_WIDTH - 1 - c) & 1)) continue;
      for (int k = 0; k < scale; k++)
        pgi_brush_span(b, y + r * scale + k, x + c * scale, x + (c + 1) * scale, 1);
    }
  }
}

pg_status pgi_draw_text(pg_tensor *image, double x, double y, const char *text, size_t size,
                        int scale, const pgi_pen *pen, pg_error *err) {
  pgi_brush b;
  PG_TRY(pgi_brush_init(&b, image, pen, err));
  if (!(fabs(x) < 1e9) || !(fabs(y) < 1e9))
    return pgi_fail(err, PG_INVALID, "text: (%g, %g) is far outside of the image", x, y);
  int64_t left = (int64_t)floor(x + 0.5), column = left, row = (int64_t)floor(y + 0.5);
  for (size_t i = 0; i < size;) {
    if (text[i] == '\n') {
      column = left;
      row += PG_FONT_HEIGHT * scale;
      i++;
      continue;
    }
    draw_glyph(&b, next_glyph(text, size, &i), column, row, scale);
    column += PG_FONT_WIDTH * scale;
  }
  return PG_OK;
}
