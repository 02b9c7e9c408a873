/* TIFF (Adobe, revision 6.0) through libtiff 4.5 or later, where it is installed: its functions take
** plain pointers and numbers only.  Everything it reads comes as 8-bit RGBA; what had fewer channels
** gets them back. */
#include <stdio.h>

#include "format/format.h"

#define MAX_PIXELS ((uint64_t)1 << 28)
#define MAX_BLOCK ((int64_t)1 << 30) /* bytes that libtiff may ask for at once */
enum { TAG_WIDTH = 256, TAG_LENGTH = 257, TAG_PHOTOMETRIC = 262, TAG_ORIENTATION = 274 };
enum { TAG_SAMPLES = 277, TAG_EXTRA = 338 };
enum { EXTRA_ASSOCIATED = 1, EXTRA_UNASSOCIATED = 2 };
enum { PHOTOMETRIC_WHITE_IS_0 = 0, PHOTOMETRIC_BLACK_IS_0 = 1 };

typedef struct source {
  const uint8_t *data;
  int64_t size, at;
} source;

/* ---- libtiff's interface ------------------------------------------------------------------------ */

typedef struct tiff tiff;
typedef struct tiff_options tiff_options;
typedef int64_t io_fn(void *source, void *buffer, int64_t size);
typedef uint64_t seek_fn(void *source, uint64_t offset, int whence);
typedef int close_fn(void *source);
typedef uint64_t size_fn(void *source);
typedef int map_fn(void *source, void **base, uint64_t *size);
typedef void unmap_fn(void *source, void *base, uint64_t size);
typedef int message_fn(tiff *t, void *arg, const char *module, const char *format, va_list args);

typedef struct library {
  tiff_options *(*options_new)(void);
  void (*options_free)(tiff_options *o);
  void (*on_error)(tiff_options *o, message_fn *f, void *arg);
  void (*on_warning)(tiff_options *o, message_fn *f, void *arg);
  void (*most_memory)(tiff_options *o, int64_t bytes);
  tiff *(*open)(const char *name, const char *mode, void *source, io_fn *read, io_fn *write,
                seek_fn *seek, close_fn *close, size_fn *size, map_fn *map, unmap_fn *unmap,
                tiff_options *o);
  void (*close)(tiff *t);
  int (*get)(tiff *t, uint32_t tag, ...);
  int (*set)(tiff *t, uint32_t tag, ...);
  int (*read)(tiff *t, uint32_t width, uint32_t height, uint32_t *to, int orientation, int stop);
} library;

static const char *const symbols[] = {"TIFFOpenOptionsAlloc",
                                      "TIFFOpenOptionsFree",
                                      "TIFFOpenOptionsSetErrorHandlerExtR",
                                      "TIFFOpenOptionsSetWarningHandlerExtR",
                                      "TIFFOpenOptionsSetMaxSingleMemAlloc",
                                      "TIFFClientOpenExt",
                                      "TIFFClose",
                                      "TIFFGetFieldDefaulted",
                                      "TIFFSetField",
                                      "TIFFReadRGBAImageOriented"};
_Static_assert(sizeof(library) == PG_COUNT(symbols) * sizeof(void *), "one pointer a symbol");

static int64_t source_read(void *arg, void *buffer, int64_t n) {
  source *s = arg;
  if (n < 0 || s->at < 0 || s->at > s->size) return 0;
  n = PG_MIN(n, s->size - s->at);
  memcpy(buffer, s->data + s->at, (size_t)n);
  s->at += n;
  return n;
}

static int64_t source_write(void *arg, void *buffer, int64_t n) {
  (void)arg, (void)buffer, (void)n;
  return -1;
}

static uint64_t source_seek(void *arg, uint64_t offset, int whence) {
  enum { FROM_START, FROM_HERE, FROM_END };
  source *s = arg;
  int64_t base = 0, at;
  if (whence == FROM_HERE) base = s->at;
  if (whence == FROM_END) base = s->size;
  if (__builtin_add_overflow(base, (int64_t)offset, &at) || at < 0) return UINT64_MAX;
  s->at = at;
  return (uint64_t)at;
}

static int source_close(void *arg) {
  (void)arg;
  return 0;
}

static uint64_t source_size(void *arg) {
  return (uint64_t)((source *)arg)->size;
}

static int source_map(void *arg, void **base, uint64_t *size) {
  (void)arg, (void)base, (void)size;
  return 0;
}

static void source_unmap(void *arg, void *base, uint64_t size) {
  (void)arg, (void)base, (void)size;
}

/* The first message is the cause; returning 1 keeps libtiff from printing. */
static int keep_message(tiff *t, void *arg, const char *module, const char *format, va_list args) {
  char *message = arg;
  (void)t, (void)module;
  if (!message[0]) vsnprintf(message, 160, format, args);
  return 1;
}

static int drop_message(tiff *t, void *arg, const char *module, const char *format, va_list args) {
  (void)t, (void)arg, (void)module, (void)format, (void)args;
  return 1;
}

/* ---- pixels ------------------------------------------------------------------------------------- */

typedef struct picture {
  uint32_t width, height;
  uint16_t orientation;
  int channels;
  bool is_premultiplied; /* colours by alpha */
} picture;

static pg_status look(const library *l, tiff *t, size_t size, picture *p, pg_error *err) {
  uint16_t photometric = 2, samples = 1, n_extra = 0, *extra = NULL;
  if (!l->get(t, TAG_WIDTH, &p->width) || !l->get(t, TAG_LENGTH, &p->height) || p->width == 0 ||
      p->height == 0)
    return pgi_fail(err, PG_FORMAT, "tiff: it has no width or no height");
  uint64_t pixels = (uint64_t)p->width * p->height;
  /* Group 4 packs an empty row into a bit; anything denser is no picture. */
  if (pixels > MAX_PIXELS || pixels / 65536 > size)
    return pgi_fail(err, PG_FORMAT, "tiff: %u x %u pixels in %zu bytes", p->width, p->height, size);
  l->get(t, TAG_PHOTOMETRIC, &photometric);
  l->get(t, TAG_SAMPLES, &samples);
  l->get(t, TAG_EXTRA, &n_extra, &extra);
  p->orientation = 1;
  l->get(t, TAG_ORIENTATION, &p->orientation);
  if (p->orientation < 1 || p->orientation > 8) p->orientation = 1;
  bool is_gray = photometric == PHOTOMETRIC_WHITE_IS_0 || photometric == PHOTOMETRIC_BLACK_IS_0;
  bool has_alpha = n_extra > 0 && extra && samples > (is_gray ? 1 : 3);
  p->channels = (is_gray ? 1 : 3) + has_alpha;
  p->is_premultiplied = has_alpha && extra[0] == EXTRA_ASSOCIATED;
  /* Alpha that colours were not multiplied by would be applied to them: libtiff must not know. */
  if (has_alpha && n_extra == 1 && extra[0] == EXTRA_UNASSOCIATED) {
    uint16_t other = EXTRA_ASSOCIATED;
    l->set(t, TAG_EXTRA, 1, &other);
  }
  return PG_OK;
}

/* RGBA, in a number each with red in the lowest byte, to what the file has. */
static void take_channels(const uint32_t *from, const picture *p, uint8_t *to) {
  static const uint8_t shifts[5][4] = {{0}, {0}, {0, 24}, {0, 8, 16}, {0, 8, 16, 24}};
  size_t n = (size_t)p->width * p->height;
  for (size_t i = 0; i < n; i++) {
    uint32_t alpha = from[i] >> 24;
    bool is_scaled = p->is_premultiplied && alpha > 0 && alpha < 255;
    for (int c = 0; c < p->channels; c++) {
      unsigned shift = shifts[p->channels][c];
      uint32_t v = from[i] >> shift & 255;
      if (is_scaled && shift < 24) v = PG_MIN(v * 255 / alpha, 255u);
      *to++ = (uint8_t)v;
    }
  }
}

static pg_status read_open(const library *l, tiff *t, pg_context *ctx, size_t size,
                           const char *message, pg_tensor *out, pg_error *err) {
  picture p = {0};
  pg_tensor pixels = {0};
  PG_TRY(look(l, t, size, &p, err));
  uint32_t *rgba = pgi_alloc_zero(ctx, (size_t)p.width * p.height * sizeof *rgba);
  if (!rgba) return pgi_nomem(err);
  pg_status status = PG_OK;
  /* Asked for in its own orientation, libtiff turns nothing. */
  if (!l->read(t, p.width, p.height, rgba, p.orientation, 1))
    status = pgi_fail(err, PG_FORMAT, "tiff: %s", message[0] ? message : "a damaged picture");
  int64_t dims[3] = {p.height, p.width, p.channels};
  if (status == PG_OK) status = pgi_tensor_alloc(ctx, PG_U8, 3, dims, &pixels, err);
  if (status == PG_OK) {
    take_channels(rgba, &p, pgi_tensor_data(&pixels));
    status = pgi_picture_orient(&pixels, p.orientation, err);
  }
  pgi_free(ctx, rgba);
  if (status == PG_OK)
    *out = pixels;
  else
    pgi_tensor_clear(&pixels);
  return status;
}

bool pgi_tiff_is(const void *data, size_t size) {
  return size >= 8 && (memcmp(data, "II*\0", 4) == 0 || memcmp(data, "MM\0*", 4) == 0 ||
                       memcmp(data, "II+\0", 4) == 0 || memcmp(data, "MM\0+", 4) == 0);
}

pg_status pgi_tiff_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                        pg_error *err) {
  library l;
  void *functions[PG_COUNT(symbols)];
  char message[160] = "";
  source s = {data, (int64_t)size, 0};
  if (!pgi_tiff_is(data, size)) return pgi_fail(err, PG_FORMAT, "not a TIFF file");
  pg_status status = pgi_library_open("libtiff.so.6", symbols, functions, PG_COUNT(symbols), err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "tiff");
    return status;
  }
  memcpy(&l, functions, sizeof l);
  tiff_options *options = l.options_new();
  if (!options) return pgi_nomem(err);
  l.on_error(options, keep_message, message);
  l.on_warning(options, drop_message, NULL);
  l.most_memory(options, MAX_BLOCK);
  tiff *t = l.open("tiff", "rm", &s, source_read, source_write, source_seek, source_close,
                   source_size, source_map, source_unmap, options);
  l.options_free(options);
  if (!t) return pgi_fail(err, PG_FORMAT, "tiff: %s", message[0] ? message : "a damaged directory");
  status = read_open(&l, t, ctx, size, message, out, err);
  l.close(t);
  return status;
}
