/* JPEG through libjpeg (ITU-T T.81, JFIF 1.02), with the orientation that Exif may ask for (CIPA
** DC-008).  libjpeg reports errors by a callback that must not return: ours leaves by longjmp, and
** only the `guarded` functions can be left that way.  They own nothing but what is in the struct
** that their caller cleans up. */
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>

#include "format/format.h"

enum { MAX_SCANS = 500, DEFAULT_QUALITY = 90, WRITE_BLOCK = 1 << 14 };
#define MAX_PIXELS ((uint64_t)1 << 28)

typedef struct trap {
  struct jpeg_error_mgr base; /* first: libjpeg sees only this */
  jmp_buf jump;
  pg_status status; /* what failed, with its message in err already; PG_OK: libjpeg's own error */
  pg_error *err;
} trap;

_Noreturn static void trap_error(j_common_ptr cinfo) {
  trap *t = (trap *)cinfo->err;
  longjmp(t->jump, 1);
}

/* Warnings: damage that the decoder can live with. */
static void trap_message(j_common_ptr cinfo, int level) {
  if (level < 0) cinfo->err->num_warnings++;
}

static void trap_output(j_common_ptr cinfo) {
  (void)cinfo;
}

static struct jpeg_error_mgr *trap_init(trap *t, pg_error *err) {
  struct jpeg_error_mgr *base = jpeg_std_error(&t->base);
  base->error_exit = trap_error;
  base->emit_message = trap_message;
  base->output_message = trap_output;
  t->status = PG_OK;
  t->err = err;
  return base;
}

_Noreturn static void trap_fail(j_common_ptr cinfo, pg_status code, const char *message) {
  trap *t = (trap *)cinfo->err;
  t->status = pgi_fail(t->err, code, "jpeg: %s", message);
  longjmp(t->jump, 1);
}

static pg_status trap_status(j_common_ptr cinfo) {
  trap *t = (trap *)cinfo->err;
  char message[JMSG_LENGTH_MAX];
  if (t->status != PG_OK) return t->status;
  switch (t->base.msg_code) {
    case JERR_OUT_OF_MEMORY:
      return pgi_nomem(t->err);
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      t->status = PG_UNSUPPORTED;
      break;
    default:
      t->status = PG_FORMAT;
  }
  t->base.format_message(cinfo, message);
  return pgi_fail(t->err, t->status, "jpeg: %s", message);
}

/* ---- Exif --------------------------------------------------------------------------------------- */

/* A TIFF structure: its numbers have the byte order that it starts with. */
typedef struct tiff {
  const uint8_t *data;
  size_t size;
  bool is_big;
} tiff;

static uint32_t tiff_u16(const tiff *t, size_t at) {
  const uint8_t *p = t->data + at;
  return t->is_big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t tiff_u32(const tiff *t, size_t at) {
  uint32_t first = tiff_u16(t, at), second = tiff_u16(t, at + 2);
  return t->is_big ? first << 16 | second : second << 16 | first;
}

/* 1 to 8; 1, "as it is", for whatever can't be understood. */
static int exif_orientation(const uint8_t *data, size_t size) {
  enum { TAG_ORIENTATION = 0x112, TYPE_SHORT = 3, ENTRY = 12 };
  if (size < 14 || memcmp(data, "Exif\0", 6) != 0) return 1;
  tiff t = {data + 6, size - 6, data[6] == 'M'};
  if (memcmp(t.data, t.is_big ? "MM\0*" : "II*\0", 4) != 0) return 1;
  size_t directory = tiff_u32(&t, 4);
  if (directory > t.size - 2) return 1;
  size_t n = tiff_u16(&t, directory);
  for (size_t i = 0; i < n; i++) {
    size_t entry = directory + 2 + i * ENTRY;
    if (entry > t.size || t.size - entry < ENTRY) break;
    if (tiff_u16(&t, entry) != TAG_ORIENTATION || tiff_u16(&t, entry + 2) != TYPE_SHORT) continue;
    uint32_t v = tiff_u16(&t, entry + 8);
    return v >= 1 && v <= 8 ? (int)v : 1;
  }
  return 1;
}

static int find_orientation(const struct jpeg_decompress_struct *cinfo) {
  for (jpeg_saved_marker_ptr m = cinfo->marker_list; m; m = m->next) {
    if (m->marker != JPEG_APP0 + 1 || m->data_length < 6 || memcmp(m->data, "Exif\0", 6) != 0)
      continue;
    return exif_orientation(m->data, m->data_length);
  }
  return 1;
}

/* ---- the source: memory ------------------------------------------------------------------------- */

static void source_init(j_decompress_ptr cinfo) {
  (void)cinfo;
}

/* Everything was given at once: asking for more means that the file was cut off. */
static boolean source_fill(j_decompress_ptr cinfo) {
  trap_fail((j_common_ptr)cinfo, PG_FORMAT, "premature end");
}

static void source_skip(j_decompress_ptr cinfo, long n) {
  if (n <= 0) return;
  if ((size_t)n > cinfo->src->bytes_in_buffer) source_fill(cinfo);
  cinfo->src->next_input_byte += n;
  cinfo->src->bytes_in_buffer -= (size_t)n;
}

static void source_end(j_decompress_ptr cinfo) {
  (void)cinfo;
}

/* ---- reading ------------------------------------------------------------------------------------ */

typedef struct reader {
  struct jpeg_decompress_struct cinfo;
  trap trap;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  pg_context *ctx;
  size_t size;
  int scale_denominator;
  uint8_t *cmyk; /* a row */
  int orientation;
  pg_tensor *out;
} reader;

/* A progressive file can ask for any number of passes over the picture. */
static void check_scans(j_common_ptr common) {
  j_decompress_ptr cinfo = (j_decompress_ptr)common;
  if (cinfo->input_scan_number > MAX_SCANS) trap_fail(common, PG_FORMAT, "too many scans");
}

/* Each block of 8 x 8 takes a bit at least (but for arithmetic coding): a short file with a large
** picture was cut off, which is better known before memory is taken for it. */
static void check_size(const reader *r) {
  j_common_ptr common = (j_common_ptr)&r->cinfo;
  uint64_t pixels = (uint64_t)r->cinfo.image_width * r->cinfo.image_height;
  if (pixels > MAX_PIXELS) trap_fail(common, PG_FORMAT, "more than 2^28 pixels");
  if (!r->cinfo.arith_code && pixels / 512 > r->size) trap_fail(common, PG_FORMAT, "premature end");
}

/* Inverted CMYK, as Adobe writes it (and as all readers assume): each is what is left of white.
** The product is rounded as PIL does it. */
static void cmyk_row(const uint8_t *cmyk, int64_t width, uint8_t *rgb) {
  for (int64_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
    for (int c = 0; c < 3; c++) {
      unsigned product = (255u - cmyk[c]) * cmyk[3] + 128;
      rgb[c] = (uint8_t)(cmyk[3] - ((product + (product >> 8)) >> 8));
    }
  }
}

static void ask_for_plain_pixels(reader *r) {
  struct jpeg_decompress_struct *cinfo = &r->cinfo;
  cinfo->scale_num = 1;
  cinfo->scale_denom = (unsigned)r->scale_denominator;
  switch (cinfo->jpeg_color_space) {
    case JCS_GRAYSCALE:
      cinfo->out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      cinfo->out_color_space = JCS_CMYK;
      break;
    case JCS_RGB:
    case JCS_YCbCr:
      cinfo->out_color_space = JCS_RGB;
      break;
    default:
      trap_fail((j_common_ptr)cinfo, PG_UNSUPPORTED, "unknown colour space");
  }
}

static pg_status allocate(reader *r, pg_error *err) {
  const struct jpeg_decompress_struct *cinfo = &r->cinfo;
  int64_t dims[3] = {cinfo->output_height, cinfo->output_width,
                     cinfo->out_color_space == JCS_GRAYSCALE ? 1 : 3};
  PG_TRY(pgi_tensor_alloc(r->ctx, PG_U8, 3, dims, r->out, err));
  if (cinfo->out_color_space != JCS_CMYK) return PG_OK;
  r->cmyk = pgi_alloc(r->ctx, (size_t)cinfo->output_width * 4);
  return r->cmyk ? PG_OK : pgi_nomem(err);
}

static pg_status guarded_read(reader *r, pg_error *err) {
  struct jpeg_decompress_struct *cinfo = &r->cinfo;
  if (setjmp(r->trap.jump)) return trap_status((j_common_ptr)cinfo);
  jpeg_create_decompress(cinfo);
  cinfo->src = &r->source;
  cinfo->progress = &r->progress;
  jpeg_save_markers(cinfo, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(cinfo, TRUE);
  check_size(r);
  ask_for_plain_pixels(r);
  jpeg_start_decompress(cinfo);
  PG_TRY(allocate(r, err));
  int64_t width = r->out->dims[1], stride = width * r->out->dims[2];
  uint8_t *data = pgi_tensor_data(r->out);
  while (cinfo->output_scanline < cinfo->output_height) {
    uint8_t *row = data + (int64_t)cinfo->output_scanline * stride;
    JSAMPROW to = r->cmyk ? r->cmyk : row;
    jpeg_read_scanlines(cinfo, &to, 1);
    if (r->cmyk) cmyk_row(r->cmyk, width, row);
  }
  r->orientation = find_orientation(cinfo);
  jpeg_finish_decompress(cinfo);
  return PG_OK;
}

pg_status pgi_jpeg_read(pg_context *ctx, const void *data, size_t size, int scale_denominator,
                        pg_tensor *out, pg_error *err) {
  const uint8_t *bytes = data;
  if (size < 3 || bytes[0] != 0xFF || bytes[1] != 0xD8)
    return pgi_fail(err, PG_FORMAT, "not a JPEG file");
  if (scale_denominator != 1 && scale_denominator != 2 && scale_denominator != 4 &&
      scale_denominator != 8)
    return pgi_fail(err, PG_INVALID, "jpeg: expected a scale of 1, 2, 4 or 8, got %d",
                    scale_denominator);
  pg_tensor pixels = {0};
  reader r = {.ctx = ctx,
              .size = size,
              .scale_denominator = scale_denominator,
              .out = &pixels,
              .source = {.next_input_byte = bytes,
                         .bytes_in_buffer = size,
                         .init_source = source_init,
                         .fill_input_buffer = source_fill,
                         .skip_input_data = source_skip,
                         .resync_to_restart = jpeg_resync_to_restart,
                         .term_source = source_end},
              .progress = {.progress_monitor = check_scans}};
  r.cinfo.err = trap_init(&r.trap, err);
  pg_status status = guarded_read(&r, err);
  jpeg_destroy_decompress(&r.cinfo);
  pgi_free(ctx, r.cmyk);
  if (status == PG_OK) status = pgi_picture_orient(&pixels, r.orientation, err);
  if (status == PG_OK)
    *out = pixels;
  else
    pgi_tensor_clear(&pixels);
  return status;
}

/* ---- writing ------------------------------------------------------------------------------------ */

typedef struct writer {
  struct jpeg_compress_struct cinfo;
  trap trap;
  struct jpeg_destination_mgr target;
  pgi_writer *file;
  uint8_t block[WRITE_BLOCK];
} writer;

static void target_write(writer *w, size_t n) {
  w->trap.status = pgi_writer_write(w->file, w->block, n, w->trap.err);
  if (w->trap.status != PG_OK) longjmp(w->trap.jump, 1);
  w->target.next_output_byte = w->block;
  w->target.free_in_buffer = sizeof w->block;
}

static void target_init(j_compress_ptr cinfo) {
  writer *w = cinfo->client_data;
  w->target.next_output_byte = w->block;
  w->target.free_in_buffer = sizeof w->block;
}

static boolean target_empty(j_compress_ptr cinfo) {
  writer *w = cinfo->client_data;
  target_write(w, sizeof w->block);
  return TRUE;
}

static void target_end(j_compress_ptr cinfo) {
  writer *w = cinfo->client_data;
  target_write(w, sizeof w->block - w->target.free_in_buffer);
}

static pg_status guarded_write(writer *w, const pg_tensor *image, int quality) {
  struct jpeg_compress_struct *cinfo = &w->cinfo;
  if (setjmp(w->trap.jump)) return trap_status((j_common_ptr)cinfo);
  jpeg_create_compress(cinfo);
  cinfo->client_data = w;
  cinfo->dest = &w->target;
  cinfo->image_height = (JDIMENSION)image->dims[0];
  cinfo->image_width = (JDIMENSION)image->dims[1];
  cinfo->input_components = image->rank == 3 ? (int)image->dims[2] : 1;
  cinfo->in_color_space = cinfo->input_components == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(cinfo);
  jpeg_set_quality(cinfo, quality, TRUE);
  jpeg_start_compress(cinfo, TRUE);
  size_t stride = (size_t)cinfo->image_width * (size_t)cinfo->input_components;
  uint8_t *data = pgi_tensor_data(image);
  while (cinfo->next_scanline < cinfo->image_height) {
    JSAMPROW row = data + cinfo->next_scanline * stride;
    jpeg_write_scanlines(cinfo, &row, 1);
  }
  jpeg_finish_compress(cinfo);
  return PG_OK;
}

static pg_status write_all(const pg_tensor *image, pgi_writer *file, int quality, pg_error *err) {
  pg_context *ctx = image->buffer->ctx;
  writer *w = pgi_alloc_zero(ctx, sizeof *w);
  if (!w) return pgi_nomem(err);
  w->file = file;
  w->target = (struct jpeg_destination_mgr){.init_destination = target_init,
                                            .empty_output_buffer = target_empty,
                                            .term_destination = target_end};
  w->cinfo.err = trap_init(&w->trap, err);
  pg_status status = guarded_write(w, image, quality);
  jpeg_destroy_compress(&w->cinfo);
  pgi_free(ctx, w);
  return status;
}

static pg_status check_image(const pg_tensor *t, int quality, pg_error *err) {
  char text[200];
  bool is_good = t->dtype == PG_U8 && (t->rank == 2 || t->rank == 3);
  int64_t channels = is_good && t->rank == 3 ? t->dims[2] : 1;
  if (!is_good || t->dims[0] < 1 || t->dims[1] < 1 || (channels != 1 && channels != 3))
    return pgi_fail(err, PG_INVALID, "jpeg: expected u8 [H,W,1] or [H,W,3], got %s",
                    pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
  if (t->dims[0] > JPEG_MAX_DIMENSION || t->dims[1] > JPEG_MAX_DIMENSION)
    return pgi_fail(err, PG_INVALID, "jpeg: a side is longer than %ld", JPEG_MAX_DIMENSION);
  if (quality < 0 || quality > 100)
    return pgi_fail(err, PG_INVALID, "jpeg: expected a quality of 1 to 100, got %d", quality);
  return PG_OK;
}

pg_status pgi_jpeg_write(const pg_tensor *image, const char *path, int quality, pg_error *err) {
  pg_tensor flat = {0};
  pgi_writer *w = NULL;
  PG_TRY(check_image(image, quality, err));
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  pg_status status = pgi_writer_open(flat.buffer->ctx, path, &w, err);
  if (status == PG_OK) {
    status = write_all(&flat, w, quality ? quality : DEFAULT_QUALITY, err);
    status = pgi_writer_end(w, status, err);
  }
  pgi_tensor_clear(&flat);
  return status;
}
