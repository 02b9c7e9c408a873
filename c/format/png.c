/* PNG through libpng (W3C, Portable Network Graphics, third edition).  libpng leaves by longjmp: the
** only functions that it can leave are the `guarded` ones, which own nothing but what is in the
** struct that their caller cleans up. */
#include <png.h>
#include <setjmp.h>

#include "format/format.h"

enum {
  MAX_SIDE = 1 << 24,
  MAX_CHUNK = 1 << 23, /* bytes that an ancillary chunk may unpack to */
  DEFLATE_LIMIT = 1032 /* bytes out per byte in, at most (zlib's technical details) */
};
#define MAX_PIXELS ((uint64_t)1 << 28)

/* Shared by reading and writing. */
typedef struct png_job {
  pg_context *ctx;
  png_structp png;
  png_infop info;
  bool is_out_of_memory;
  pg_status status; /* PG_IO when the writer failed: err has its message already */
  pg_error *err;
  char message[200];
  png_bytep *rows;
} png_job;

static png_voidp job_alloc(png_structp png, png_alloc_size_t size) {
  png_job *job = png_get_mem_ptr(png);
  void *block = pgi_alloc(job->ctx, size);
  if (!block) job->is_out_of_memory = true;
  return block;
}

static void job_free(png_structp png, png_voidp block) {
  png_job *job = png_get_mem_ptr(png);
  pgi_free(job->ctx, block);
}

_Noreturn static void job_error(png_structp png, png_const_charp message) {
  png_job *job = png_get_error_ptr(png);
  pgi_text text = {job->message, sizeof job->message, 0};
  pgi_text_add(&text, "%s", message);
  png_longjmp(png, 1);
}

/* Damage that libpng can live with is no reason to refuse a picture. */
static void job_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static pg_status job_failure(const png_job *job) {
  if (job->status != PG_OK) return job->status;
  if (job->is_out_of_memory) return pgi_nomem(job->err);
  return pgi_fail(job->err, PG_FORMAT, "png: %s", job->message);
}

/* ---- reading ------------------------------------------------------------------------------------ */

typedef struct reader {
  png_job job;
  const uint8_t *data;
  size_t size, at;
  bool is_deep;
  pg_tensor *out;
} reader;

static void read_bytes(png_structp png, png_bytep to, size_t n) {
  reader *r = png_get_io_ptr(png);
  if (n > r->size - r->at) png_error(png, "premature end");
  memcpy(to, r->data + r->at, n);
  r->at += n;
}

/* Every kind becomes 8 bits (or 16 when deep) of grey, grey and alpha, RGB or RGBA. */
static void ask_for_plain_pixels(reader *r, int depth) {
  png_structp png = r->job.png;
  png_set_expand(png); /* palettes, 1 to 4 bits, transparent colours */
  if (depth == 16 && !r->is_deep) png_set_scale_16(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (depth == 16 && r->is_deep) png_set_swap(png);
#endif
  png_set_interlace_handling(png);
  png_read_update_info(png, r->job.info);
}

/* A small file can't hold a large picture: this keeps bombs from costing memory. */
static bool is_plausible(const reader *r, uint64_t width, uint64_t height, uint64_t bits) {
  uint64_t bytes = (width * bits + 7) / 8 * height;
  return width * height <= MAX_PIXELS && bytes / DEFLATE_LIMIT <= r->size;
}

static pg_status prepare(reader *r, pg_error *err) {
  png_structp png = r->job.png;
  png_infop info = r->job.info;
  uint64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  int depth = png_get_bit_depth(png, info);
  if (!is_plausible(r, width, height, (uint64_t)depth * png_get_channels(png, info)))
    return pgi_fail(err, PG_FORMAT, "png: %llu x %llu pixels in %zu bytes",
                    (unsigned long long)width, (unsigned long long)height, r->size);
  ask_for_plain_pixels(r, depth);
  int64_t dims[3] = {(int64_t)height, (int64_t)width, png_get_channels(png, info)};
  bool is_wide = png_get_bit_depth(png, info) == 16;
  PG_TRY(pgi_tensor_alloc(r->job.ctx, is_wide ? PG_U16 : PG_U8, 3, dims, r->out, err));
  r->job.rows = pgi_alloc(r->job.ctx, (size_t)height * sizeof *r->job.rows);
  if (!r->job.rows) return pgi_nomem(err);
  size_t stride = png_get_rowbytes(png, info);
  png_bytep first = pgi_tensor_data(r->out);
  for (size_t y = 0; y < (size_t)height; y++) r->job.rows[y] = first + y * stride;
  return PG_OK;
}

static pg_status guarded_read(reader *r, pg_error *err) {
  png_structp png = r->job.png;
  if (setjmp(png_jmpbuf(png))) return job_failure(&r->job);
  png_set_read_fn(png, r, read_bytes);
  png_set_user_limits(png, MAX_SIDE, MAX_SIDE);
  png_set_chunk_malloc_max(png, MAX_CHUNK);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_read_info(png, r->job.info);
  PG_TRY(prepare(r, err));
  png_read_image(png, r->job.rows);
  png_read_end(png, NULL);
  return PG_OK;
}

pg_status pgi_png_read(pg_context *ctx, const void *data, size_t size, bool deep, pg_tensor *out,
                       pg_error *err) {
  if (size < 8 || png_sig_cmp(data, 0, 8) != 0) return pgi_fail(err, PG_FORMAT, "not a PNG file");
  pg_tensor pixels = {0};
  reader r = {
      .job = {.ctx = ctx, .err = err}, .data = data, .size = size, .is_deep = deep, .out = &pixels};
  r.job.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r.job, job_error, job_warning,
                                       &r.job, job_alloc, job_free);
  if (!r.job.png) return pgi_nomem(err);
  r.job.info = png_create_info_struct(r.job.png);
  pg_status status = r.job.info ? guarded_read(&r, err) : pgi_nomem(err);
  png_destroy_read_struct(&r.job.png, &r.job.info, NULL);
  pgi_free(ctx, r.job.rows);
  if (status == PG_OK)
    *out = pixels;
  else
    pgi_tensor_clear(&pixels);
  return status;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void write_bytes(png_structp png, png_bytep from, size_t n) {
  png_job *job = png_get_error_ptr(png);
  job->status = pgi_writer_write(png_get_io_ptr(png), from, n, job->err);
  if (job->status != PG_OK) png_error(png, "writing failed");
}

static void flush_nothing(png_structp png) {
  (void)png;
}

static pg_status guarded_write(png_job *job, const pg_tensor *image, pgi_writer *w) {
  static const int kinds[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                              PNG_COLOR_TYPE_RGB_ALPHA};
  png_structp png = job->png;
  if (setjmp(png_jmpbuf(png))) return job_failure(job);
  int64_t channels = image->rank == 3 ? image->dims[2] : 1;
  size_t stride = (size_t)(image->dims[1] * channels) * pgi_dtype_size(image->dtype);
  png_set_write_fn(png, w, write_bytes, flush_nothing);
  png_set_user_limits(png, MAX_SIDE, MAX_SIDE);
  png_set_IHDR(png, job->info, (png_uint_32)image->dims[1], (png_uint_32)image->dims[0],
               pg_dtype_bits(image->dtype), kinds[channels - 1], PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, job->info);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (image->dtype == PG_U16) png_set_swap(png);
#endif
  png_const_bytep row = pgi_tensor_data(image);
  for (int64_t y = 0; y < image->dims[0]; y++, row += stride) png_write_row(png, row);
  png_write_end(png, job->info);
  return PG_OK;
}

static pg_status write_all(const pg_tensor *image, pgi_writer *w, pg_error *err) {
  png_job job = {.ctx = image->buffer->ctx, .err = err};
  job.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &job, job_error, job_warning, &job,
                                      job_alloc, job_free);
  if (!job.png) return pgi_nomem(err);
  job.info = png_create_info_struct(job.png);
  pg_status status = job.info ? guarded_write(&job, image, w) : pgi_nomem(err);
  png_destroy_write_struct(&job.png, &job.info);
  return status;
}

static pg_status check_image(const pg_tensor *t, pg_error *err) {
  char text[200];
  bool is_good = (t->dtype == PG_U8 || t->dtype == PG_U16) && (t->rank == 2 || t->rank == 3);
  int64_t channels = is_good && t->rank == 3 ? t->dims[2] : 1;
  if (!is_good || t->dims[0] < 1 || t->dims[1] < 1 || channels < 1 || channels > 4)
    return pgi_fail(err, PG_INVALID, "png: expected u8 or u16 [H,W,1 to 4], got %s",
                    pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
  if (t->dims[0] > MAX_SIDE || t->dims[1] > MAX_SIDE)
    return pgi_fail(err, PG_INVALID, "png: a side is longer than %d", MAX_SIDE);
  return PG_OK;
}

pg_status pgi_png_write(const pg_tensor *image, const char *path, pg_error *err) {
  pg_tensor flat = {0};
  pgi_writer *w = NULL;
  PG_TRY(check_image(image, err));
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  pg_status status = pgi_writer_open(flat.buffer->ctx, path, &w, err);
  if (status == PG_OK) status = pgi_writer_end(w, write_all(&flat, w, err), err);
  pgi_tensor_clear(&flat);
  return status;
}
