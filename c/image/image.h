/* image: pictures as tensors.  Resizing by other libraries' conventions, geometry, colours, the way
** into and out of networks, drawing.
**
** A picture is a tensor [H,W,C], u8 (0 to 255) or f32 (0 to 1), of 1 (grey), 2 (grey and alpha),
** 3 (colour) or 4 (colour and alpha) channels; alpha is not premultiplied.  Coordinates are 0-based
** pixels, x to the right and y down: what boxes from networks and drawing count in.  Every `out` is
** fresh, contiguous and no view of what it came from; pictures to draw on are changed in place. */
#ifndef PG_IMAGE_H
#define PG_IMAGE_H

#include "tensor/tensor.h"

/* ---- image.c -------------------------------------------------------------------------------- */

/* PG_INVALID, naming `what`, unless t is a picture with at least one pixel. */
pg_status pgi_image_check(const pg_tensor *t, const char *what, pg_error *err);
/* Any format that format/picture.c knows, by content.  deep: 16 bits stay u16. */
pg_status pgi_image_read(pg_context *ctx, const char *path, bool deep, pg_tensor *out,
                         pg_error *err);
/* PNG or JPEG by the name's ending; f32 is rounded to u8.  quality: 0 for the default. */
pg_status pgi_image_write(const pg_tensor *image, const char *path, int quality, pg_error *err);
/* Between u8 and f32, rounded and limited; u16 (0 to 65535) also comes in. */
pg_status pgi_image_cast(const pg_tensor *image, pg_dtype dtype, pg_tensor *out, pg_error *err);

/* One value a channel, in the picture's units; what colours things. */
typedef struct pgi_color {
  float value[4];
} pgi_color;
/* As one pixel of the picture; the number of bytes. */
size_t pgi_color_bytes(const pgi_color *color, const pg_tensor *image, uint8_t bytes[16]);

/* ---- resize.c ------------------------------------------------------------------------------- */

/* "pil-nearest|box|bilinear|hamming|bicubic|lanczos": Pillow, filters widened when shrinking, u8 to
** the bit, alpha premultiplied meanwhile.  "cv-nearest|linear|cubic|area|lanczos4": OpenCV, fixed
** support.  Without a prefix Pillow's, and "area" is OpenCV's. */
pg_status pgi_image_resize(const pg_tensor *image, int64_t height, int64_t width,
                           const char *filter, int threads, pg_tensor *out, pg_error *err);

/* ---- filter.c ------------------------------------------------------------------------------- */

typedef enum pgi_convention { PG_RESIZE_PIL, PG_RESIZE_CV } pgi_convention;

typedef struct pgi_filter {
  const char *name;
  pgi_convention convention;
  double support;            /* half its width, in pixels; 0: nearest */
  double (*shape)(double x); /* NULL for nearest and area */
} pgi_filter;
/* PG_INVALID lists the names. */
pg_status pgi_filter_find(const char *name, const pgi_filter **out, pg_error *err);

/* What one axis takes: result i is the sum of taps[i] inputs from first[i] on, with the weights
** from i * stride on. */
typedef struct pgi_taps {
  pg_context *ctx;
  int64_t n, stride;
  int64_t *first, *taps;
  float *weights; /* or */
  int32_t *fixed; /* integers with PG_RESIZE_BITS after the point; PIL's only */
} pgi_taps;
/* is_shrinking: both axes get smaller or stay, which cv-area asks about. */
pg_status pgi_taps_init(pgi_taps *taps, pg_context *ctx, const pgi_filter *filter, int64_t from,
                        int64_t to, bool is_shrinking, bool is_fixed, pg_error *err);
void pgi_taps_deinit(pgi_taps *taps);

/* ---- geometry.c ----------------------------------------------------------------------------- */

/* The rectangle must lie inside. */
pg_status pgi_image_crop(const pg_tensor *image, int64_t x, int64_t y, int64_t width,
                         int64_t height, pg_tensor *out, pg_error *err);
pg_status pgi_image_flip(const pg_tensor *image, bool is_horizontal, pg_tensor *out, pg_error *err);
/* By quarter turns, counter-clockwise; any integer. */
pg_status pgi_image_turn(const pg_tensor *image, int turns, pg_tensor *out, pg_error *err);

typedef enum pgi_border {
  PG_BORDER_CONSTANT,
  PG_BORDER_EDGE,   /* aaa|abcd|ddd */
  PG_BORDER_REFLECT /* dcb|abcd|cba */
} pgi_border;
typedef struct pgi_margins {
  int64_t left, top, right, bottom; /* >= 0 */
} pgi_margins;
pg_status pgi_image_pad(const pg_tensor *image, const pgi_margins *margins, pgi_border border,
                        const pgi_color *fill, pg_tensor *out, pg_error *err);

/* Where a picture went: (x, y) became (x * scale + dx, y * scale + dy). */
typedef struct pgi_placement {
  double scale;
  int64_t dx, dy;
} pgi_placement;
/* As large as fits, centred, filled around. */
pg_status pgi_image_letterbox(const pg_tensor *image, int64_t height, int64_t width,
                              const char *filter, const pgi_color *fill, int threads,
                              pg_tensor *out, pgi_placement *placement, pg_error *err);

/* ---- rotate.c ------------------------------------------------------------------------------- */

typedef struct pgi_rotation {
  double degrees;  /* counter-clockwise */
  bool expand;     /* the result holds all of it; else it keeps the size */
  bool is_nearest; /* else bilinear */
  pgi_color fill;
} pgi_rotation;
/* About the centre, as Pillow's rotate. */
pg_status pgi_image_rotate(const pg_tensor *image, const pgi_rotation *r, int threads,
                           pg_tensor *out, pg_error *err);

/* ---- color.c -------------------------------------------------------------------------------- */

typedef enum pgi_space {
  PG_GRAY,  /* 1 */
  PG_GRAYA, /* 2: grey, alpha */
  PG_RGB,
  PG_RGBA, /* 4 */
  PG_BGR,
  PG_HSV,  /* all of 0 to 255 (f32: 0 to 1), the hue too: Pillow's */
  PG_YCBCR /* JFIF */
} pgi_space;
bool pgi_space_from_name(const char *name, pgi_space *out); /* "gray", "graya", "rgb", ... */

typedef enum pgi_gray {
  PG_GRAY_PIL, /* (19595 R + 38470 G + 7471 B + 2^15) >> 16 */
  PG_GRAY_CV   /* (9798 R + 19235 G + 3735 B + 2^14) >> 15 */
} pgi_gray;
/* Alpha is dropped or comes in opaque. */
pg_status pgi_image_color(const pg_tensor *image, pgi_space from, pgi_space to, pgi_gray gray,
                          pg_tensor *out, pg_error *err);
/* Alpha away, over a colour. */
pg_status pgi_image_compose(const pg_tensor *image, const pgi_color *over, pg_tensor *out,
                            pg_error *err);
/* In place: alpha into the colours and out again, rounded as Pillow does. */
void pgi_image_premultiply(pg_tensor *image);
void pgi_image_unpremultiply(pg_tensor *image);

/* ---- convert.c ------------------------------------------------------------------------------ */

typedef enum pgi_layout {
  PG_NCHW,
  PG_NHWC,
  PG_CHW,
  PG_HWC,
  PG_HW /* one channel */
} pgi_layout;
bool pgi_layout_from_name(const char *name, pgi_layout *out); /* "NCHW", ... */

typedef struct pgi_normal {
  float scale;
  float mean[4], std[4]; /* std without zeros */
  pgi_layout layout;
  pg_dtype dtype; /* integers are rounded and limited */
} pgi_normal;
void pgi_normal_init(pgi_normal *n); /* scale 1, mean 0, std 1, NCHW, f32 */
/* (x * scale - mean[c]) / std[c], x as it is stored. */
pg_status pgi_image_to_tensor(const pg_tensor *image, const pgi_normal *n, int threads,
                              pg_tensor *out, pg_error *err);
/* The way back: (x * std[c] + mean[c]) / scale into a u8 or f32 picture (n->dtype). */
pg_status pgi_image_from_tensor(const pg_tensor *t, const pgi_normal *n, pg_tensor *out,
                                pg_error *err);

/* ---- draw.c: in place ----------------------------------------------------------------------- */

typedef struct pgi_pen {
  pgi_color color;  /* of the picture's colour channels; its alpha channel becomes opaque */
  float alpha;      /* 0 to 1: how much of the colour */
  double thickness; /* <= 0: filled */
  bool is_antialiased;
} pgi_pen;
/* Covers the pixels nearest to [x, x + width) by [y, y + height); thickness goes inwards. */
pg_status pgi_draw_rectangle(pg_tensor *image, double x, double y, double width, double height,
                             const pgi_pen *pen, pg_error *err);
/* From pixel centre to pixel centre, both included; the ends are round. */
pg_status pgi_draw_line(pg_tensor *image, double x1, double y1, double x2, double y2,
                        const pgi_pen *pen, pg_error *err);
/* About a pixel's centre; half of the thickness lies outside of the radius. */
pg_status pgi_draw_circle(pg_tensor *image, double x, double y, double radius, const pgi_pen *pen,
                          pg_error *err);

/* What every shape ends in. */
typedef struct pgi_brush {
  pg_tensor *image;
  size_t pixel; /* bytes */
  int colors;   /* channels without alpha */
  bool has_alpha;
  float color[4], alpha;
  uint8_t opaque[16]; /* the colour as a pixel */
} pgi_brush;
/* PG_INVALID unless the picture can be written to where it is. */
pg_status pgi_brush_init(pgi_brush *b, pg_tensor *image, const pgi_pen *pen, pg_error *err);
/* Pixels [x1, x2) of row y, what of it lies inside, with a weight of 0 to 1. */
void pgi_brush_span(const pgi_brush *b, int64_t y, int64_t x1, int64_t x2, float weight);

/* ---- text.c --------------------------------------------------------------------------------- */

enum { PG_FONT_WIDTH = 6, PG_FONT_HEIGHT = 10, PG_FONT_FIRST = 32, PG_FONT_LAST = 126 };
/* Rows of a printable ASCII character from the top, the leftmost pixel in bit 5; c/image/font.c. */
extern const uint8_t pgi_font[PG_FONT_LAST - PG_FONT_FIRST + 1][PG_FONT_HEIGHT];

/* Of lines of text at an integer scale; '\n' ends a line. */
void pgi_text_size(const char *text, size_t size, int scale, int64_t *width, int64_t *height);
/* (x, y): the top left corner.  What is not ASCII shows as a box. */
pg_status pgi_draw_text(pg_tensor *image, double x, double y, const char *text, size_t size,
                        int scale, const pgi_pen *pen, pg_error *err);

#endif
