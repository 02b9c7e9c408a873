/* JPEG 2000 (ITU-T T.800: JP2 files and bare codestreams) through libopenjp2, where it is installed.
** What is declared here of its interface belongs to the binary interface that the name
** libopenjp2.so.7 stands for; the decoder's parameters stay opaque. */
#include "format/format.h"

#define MAX_PIXELS ((int64_t)1 << 28)
#define NO_BYTES ((size_t)-1)
enum { CODESTREAM = 0, JP2_FILE = 2 };
enum { SPACE_SYCC = 3 };
enum { PARAMETERS_ROOM = 1 << 14, STREAM_BLOCK = 1 << 16 }; /* the parameters take some 8 KiB */

typedef struct component {
  uint32_t dx, dy, width, height, x0, y0, bits, unused, is_signed, levels, factor;
  int32_t *data;
  uint16_t alpha;
} component;

typedef struct jp2_image {
  uint32_t x0, y0, x1, y1, n;
  int space;
  component *components;
  uint8_t *profile;
  uint32_t profile_size;
} jp2_image;

typedef struct jp2_stream jp2_stream;
typedef struct jp2_codec jp2_codec;
typedef size_t read_fn(void *buffer, size_t n, void *source);
typedef int64_t skip_fn(int64_t n, void *source);
typedef int seek_fn(int64_t at, void *source);
typedef void message_fn(const char *message, void *arg);

typedef struct library {
  jp2_stream *(*stream_new)(size_t block, int is_input);
  void (*stream_free)(jp2_stream *s);
  void (*on_read)(jp2_stream *s, read_fn *f);
  void (*on_skip)(jp2_stream *s, skip_fn *f);
  void (*on_seek)(jp2_stream *s, seek_fn *f);
  void (*source)(jp2_stream *s, void *source, void (*free)(void *source));
  void (*length)(jp2_stream *s, uint64_t n);
  jp2_codec *(*codec_new)(int format);
  void (*codec_free)(jp2_codec *c);
  int (*on_error)(jp2_codec *c, message_fn *f, void *arg);
  void (*default_parameters)(void *parameters);
  int (*setup)(jp2_codec *c, void *parameters);
  int (*read_header)(jp2_stream *s, jp2_codec *c, jp2_image **out);
  int (*decode)(jp2_codec *c, jp2_stream *s, jp2_image *image);
  void (*image_free)(jp2_image *image);
} library;

static const char *const symbols[] = {"opj_stream_create",
                                      "opj_stream_destroy",
                                      "opj_stream_set_read_function",
                                      "opj_stream_set_skip_function",
                                      "opj_stream_set_seek_function",
                                      "opj_stream_set_user_data",
                                      "opj_stream_set_user_data_length",
                                      "opj_create_decompress",
                                      "opj_destroy_codec",
                                      "opj_set_error_handler",
                                      "opj_set_default_decoder_parameters",
                                      "opj_setup_decoder",
                                      "opj_read_header",
                                      "opj_decode",
                                      "opj_image_destroy"};
_Static_assert(sizeof(library) == PG_COUNT(symbols) * sizeof(void *), "one pointer a symbol");

/* ---- the source: memory ------------------------------------------------------------------------- */

typedef struct source {
  const uint8_t *data;
  size_t size, at;
} source;

static size_t source_read(void *buffer, size_t n, void *arg) {
  source *s = arg;
  if (s->at >= s->size) return NO_BYTES;
  n = PG_MIN(n, s->size - s->at);
  memcpy(buffer, s->data + s->at, n);
  s->at += n;
  return n;
}

static int64_t source_skip(int64_t n, void *arg) {
  source *s = arg;
  if (n < 0 || s->at >= s->size) return -1;
  n = PG_MIN(n, (int64_t)(s->size - s->at));
  s->at += (size_t)n;
  return n;
}

static int source_seek(int64_t at, void *arg) {
  source *s = arg;
  if (at < 0 || (uint64_t)at > s->size) return 0;
  s->at = (size_t)at;
  return 1;
}

static void keep_message(const char *text, void *arg) {
  char *message = arg;
  if (message[0]) return;
  pgi_text t = {message, 160, 0};
  pgi_text_add(&t, "%.150s", text);
  char *end = strchr(message, '\n');
  if (end) *end = 0;
}

/* ---- pixels ------------------------------------------------------------------------------------- */

static uint8_t clamp(double v) {
  return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

/* Any depth as 8 bits; signed ones are centred on 0. */
static uint8_t sample(const component *k, int64_t x, int64_t y) {
  int64_t column = x / k->dx, row = y / k->dy;
  column = PG_MIN(column, (int64_t)k->width - 1);
  row = PG_MIN(row, (int64_t)k->height - 1);
  int64_t v = k->data[row * k->width + column], most = ((int64_t)1 << k->bits) - 1;
  if (k->is_signed) v += (int64_t)1 << (k->bits - 1);
  v = v < 0 ? 0 : PG_MIN(v, most);
  if (k->bits > 8) return (uint8_t)(v >> (k->bits - 8));
  return (uint8_t)((v * 255 + most / 2) / most);
}

/* sYCC (IEC 61966-2-1, annex G): the matrix of ITU-R BT.601, full range. */
static void from_ycc(uint8_t *p) {
  double y = p[0], cb = p[1] - 128.0, cr = p[2] - 128.0;
  p[0] = clamp(y + 1.402 * cr);
  p[1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
  p[2] = clamp(y + 1.772 * cb);
}

static pg_status check_image(const jp2_image *m, size_t size, pg_error *err) {
  int64_t width = (int64_t)m->x1 - m->x0, height = (int64_t)m->y1 - m->y0;
  if (width < 1 || height < 1 || width > MAX_PIXELS / height ||
      width * height / 65536 > (int64_t)size)
    return pgi_fail(err, PG_FORMAT, "jpeg 2000: %lld x %lld pixels in %zu bytes", (long long)width,
                    (long long)height, size);
  if (m->n < 1 || m->n > 4 || !m->components)
    return pgi_fail(err, PG_UNSUPPORTED, "jpeg 2000: %u components, expected 1 to 4", m->n);
  for (uint32_t i = 0; i < m->n; i++) {
    const component *k = &m->components[i];
    if (k->dx < 1 || k->dy < 1 || k->bits < 1 || k->bits > 31)
      return pgi_fail(err, PG_FORMAT, "jpeg 2000: component %u is damaged", i);
  }
  return PG_OK;
}

static pg_status take_pixels(pg_context *ctx, const jp2_image *m, pg_tensor *out, pg_error *err) {
  int64_t n = m->n, dims[3] = {(int64_t)m->y1 - m->y0, (int64_t)m->x1 - m->x0, n};
  for (int64_t i = 0; i < n; i++) {
    const component *k = &m->components[i];
    if (!k->data || k->width < 1 || k->height < 1)
      return pgi_fail(err, PG_FORMAT, "jpeg 2000: component %d has no pixels", (int)i);
  }
  PG_TRY(pgi_tensor_alloc(ctx, PG_U8, 3, dims, out, err));
  uint8_t *to = pgi_tensor_data(out);
  for (int64_t y = 0; y < dims[0]; y++) {
    for (int64_t x = 0; x < dims[1]; x++, to += n) {
      for (int64_t i = 0; i < n; i++) to[i] = sample(&m->components[i], x, y);
      if (m->space == SPACE_SYCC && n >= 3) from_ycc(to);
    }
  }
  return PG_OK;
}

/* ---- reading ------------------------------------------------------------------------------------ */

typedef struct job {
  library l;
  source s;
  jp2_stream *stream;
  jp2_codec *codec;
  jp2_image *image;
  _Alignas(16) char parameters[PARAMETERS_ROOM];
  char message[160];
} job;

static pg_status failed(const job *j, pg_error *err) {
  return pgi_fail(err, PG_FORMAT, "jpeg 2000: %s", j->message[0] ? j->message : "a damaged file");
}

static pg_status decode(job *j, pg_context *ctx, int format, pg_tensor *out, pg_error *err) {
  const library *l = &j->l;
  j->stream = l->stream_new(STREAM_BLOCK, 1);
  j->codec = l->codec_new(format);
  if (!j->stream || !j->codec) return pgi_nomem(err);
  l->on_read(j->stream, source_read);
  l->on_skip(j->stream, source_skip);
  l->on_seek(j->stream, source_seek);
  l->source(j->stream, &j->s, NULL);
  l->length(j->stream, j->s.size);
  l->on_error(j->codec, keep_message, j->message);
  l->default_parameters(j->parameters);
  if (!l->setup(j->codec, j->parameters)) return failed(j, err);
  if (!l->read_header(j->stream, j->codec, &j->image)) return failed(j, err);
  PG_TRY(check_image(j->image, j->s.size, err));
  if (!l->decode(j->codec, j->stream, j->image)) return failed(j, err);
  PG_TRY(check_image(j->image, j->s.size, err)); /* palettes change the components */
  return take_pixels(ctx, j->image, out, err);
}

static bool is_codestream(const void *data, size_t size) {
  return size >= 12 && memcmp(data, "\xFF\x4F\xFF\x51", 4) == 0;
}

bool pgi_jp2_is(const void *data, size_t size) {
  return is_codestream(data, size) ||
         (size >= 12 && memcmp(data, "\0\0\0\x0CjP  \r\n\x87\n", 12) == 0);
}

pg_status pgi_jp2_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       pg_error *err) {
  void *functions[PG_COUNT(symbols)];
  pg_tensor pixels = {0};
  if (!pgi_jp2_is(data, size)) return pgi_fail(err, PG_FORMAT, "not a JPEG 2000 file");
  pg_status status =
      pgi_library_open("libopenjp2.so.7", symbols, functions, PG_COUNT(symbols), err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "jpeg 2000");
    return status;
  }
  job *j = pgi_alloc_zero(ctx, sizeof *j);
  if (!j) return pgi_nomem(err);
  memcpy(&j->l, functions, sizeof j->l);
  j->s = (source){data, size, 0};
  status = decode(j, ctx, is_codestream(data, size) ? CODESTREAM : JP2_FILE, &pixels, err);
  if (j->image) j->l.image_free(j->image);
  if (j->codec) j->l.codec_free(j->codec);
  if (j->stream) j->l.stream_free(j->stream);
  pgi_free(ctx, j);
  if (status == PG_OK)
    *out = pixels;
  else
    pgi_tensor_clear(&pixels);
  return status;
}
