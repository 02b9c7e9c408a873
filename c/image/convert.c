/* Pictures to what networks take, and back: scale, mean, deviation, layout and element type in one
** pass.  A byte has 256 values, so a picture of bytes is looked up in a table made with exactly the
** arithmetic of the f32 path. */
#include <math.h>

#include "image/image.h"

enum { ROWS = 32, SMALL = 1 << 14 };

static const struct {
  const char *name;
  int rank, channel_axis; /* of the channels; -1: none */
} layouts[] = {[PG_NCHW] = {"NCHW", 4, 1},
               [PG_NHWC] = {"NHWC", 4, 3},
               [PG_CHW] = {"CHW", 3, 0},
               [PG_HWC] = {"HWC", 3, 2},
               [PG_HW] = {"HW", 2, -1}};

bool pgi_layout_from_name(const char *name, pgi_layout *out) {
  for (int i = 0; i < PG_COUNT(layouts); i++) {
    if (strcmp(name, layouts[i].name) != 0) continue;
    *out = (pgi_layout)i;
    return true;
  }
  return false;
}

void pgi_normal_init(pgi_normal *n) {
  *n = (pgi_normal){.scale = 1, .std = {1, 1, 1, 1}, .layout = PG_NCHW, .dtype = PG_F32};
}

static pg_status check_normal(const pgi_normal *n, pg_error *err) {
  for (int c = 0; c < 4; c++)
    if (n->std[c] == 0) return pgi_fail(err, PG_INVALID, "a standard deviation is zero");
  if (n->scale == 0) return pgi_fail(err, PG_INVALID, "the scale is zero");
  return PG_OK;
}

/* Stores floats as the type; integers get what is nearest in their range. */
static void store(pg_dtype dtype, void *to, int64_t first, int64_t n, float *v) {
  pgi_kind kind = pgi_dtype_kind(dtype);
  if (kind == PG_KIND_INT || kind == PG_KIND_UINT) {
    int bits = PG_MIN(pg_dtype_bits(dtype), 31);
    /* 2^31 has no neighbour below in f32 that would matter: larger types hold any pixel. */
    float low = kind == PG_KIND_INT ? -ldexpf(1, bits - 1) : 0;
    float high = ldexpf(1, kind == PG_KIND_INT ? bits - 1 : bits) - 1;
    for (int64_t i = 0; i < n; i++) {
      float r = rintf(v[i]);
      v[i] = r >= low ? PG_MIN(r, high) : r < low ? low : 0;
    }
  }
  pgi_store_f32(dtype, to, first, n, v);
}

/* ---- to tensors --------------------------------------------------------------------------------- */

typedef struct job {
  const pg_tensor *from;
  pg_tensor *to;
  const pgi_normal *normal;
  size_t size;          /* of a result's element */
  bool is_planar;       /* channels come before rows */
  const uint8_t *table; /* [C][256] results, for bytes */
} job;

static void look_up_row(const job *j, int64_t y, int64_t c) {
  int64_t width = j->from->dims[1], channels = j->from->dims[2], plane = j->from->dims[0] * width;
  const uint8_t *from = (const uint8_t *)pgi_tensor_data(j->from) + y * width * channels + c;
  int64_t first = j->is_planar ? c * plane + y * width : y * width * channels + c;
  int64_t step = j->is_planar ? 1 : channels;
  uint8_t *to = (uint8_t *)pgi_tensor_data(j->to) + (size_t)first * j->size;
  const uint8_t *table = j->table + (size_t)c * 256 * j->size;
  switch (j->size) {
    case 1:
      for (int64_t x = 0; x < width; x++) to[x * step] = table[from[x * channels]];
      break;
    case 2:
      for (int64_t x = 0; x < width; x++)
        memcpy(to + x * step * 2, table + from[x * channels] * 2, 2);
      break;
    case 4:
      for (int64_t x = 0; x < width; x++)
        memcpy(to + x * step * 4, table + from[x * channels] * 4, 4);
      break;
    default:
      for (int64_t x = 0; x < width; x++)
        memcpy(to + (size_t)(x * step) * j->size, table + from[x * channels] * j->size, j->size);
  }
}

static void compute_row(const job *j, int64_t y, int64_t c) {
  enum { RUN = 256 };
  float block[RUN];
  const pgi_normal *n = j->normal;
  int64_t width = j->from->dims[1], channels = j->from->dims[2], plane = j->from->dims[0] * width;
  const float *from = (const float *)pgi_tensor_data(j->from) + y * width * channels + c;
  for (int64_t x = 0; x < width; x += RUN) {
    int64_t m = PG_MIN(width - x, (int64_t)RUN);
    for (int64_t i = 0; i < m; i++)
      block[i] = (from[(x + i) * channels] * n->scale - n->mean[c]) / n->std[c];
    if (j->is_planar) {
      store(n->dtype, pgi_tensor_data(j->to), c * plane + y * width + x, m, block);
      continue;
    }
    for (int64_t i = 0; i < m; i++)
      store(n->dtype, pgi_tensor_data(j->to), (y * width + x + i) * channels + c, 1, &block[i]);
  }
}

static void convert_rows(void *arg, int64_t block) {
  job *j = arg;
  int64_t end = PG_MIN((block + 1) * ROWS, j->from->dims[0]);
  for (int64_t y = block * ROWS; y < end; y++) {
    for (int64_t c = 0; c < j->from->dims[2]; c++) {
      if (j->table)
        look_up_row(j, y, c);
      else
        compute_row(j, y, c);
    }
  }
}

static void fill_table(const pgi_normal *n, int64_t channels, uint8_t *table) {
  for (int64_t c = 0; c < channels; c++) {
    float v[256];
    for (int i = 0; i < 256; i++) v[i] = ((float)i * n->scale - n->mean[c]) / n->std[c];
    store(n->dtype, table, c * 256, 256, v);
  }
}

static int layout_dims(pgi_layout layout, const pg_tensor *image, int64_t *dims) {
  int64_t all[4] = {1, image->dims[2], image->dims[0], image->dims[1]};
  bool is_last = layouts[layout].channel_axis == layouts[layout].rank - 1;
  if (is_last) all[1] = image->dims[0], all[2] = image->dims[1], all[3] = image->dims[2];
  int rank = layouts[layout].rank;
  memcpy(dims, all + 4 - rank, (size_t)rank * sizeof *dims);
  return rank;
}

static pg_status convert(job *j, int threads, pg_error *err) {
  const pgi_normal *n = j->normal;
  pg_context *ctx = j->from->buffer->ctx;
  int64_t dims[4];
  int rank = layout_dims(n->layout, j->from, dims);
  uint8_t *table = NULL;
  if (j->from->dtype == PG_U8) {
    table = pgi_alloc(ctx, (size_t)j->from->dims[2] * 256 * j->size);
    if (!table) return pgi_nomem(err);
    fill_table(n, j->from->dims[2], table);
    j->table = table;
  }
  pg_status status = pgi_tensor_alloc(ctx, n->dtype, rank, dims, j->to, err);
  if (status == PG_OK) {
    if (pgi_tensor_count(j->from) < SMALL) threads = 1;
    pgi_parallel_for(ctx, threads, (j->from->dims[0] + ROWS - 1) / ROWS, convert_rows, j);
  }
  pgi_free(ctx, table);
  return status;
}

pg_status pgi_image_to_tensor(const pg_tensor *image, const pgi_normal *n, int threads,
                              pg_tensor *out, pg_error *err) {
  pg_tensor flat = {0};
  pgi_kind kind = pgi_dtype_kind(n->dtype);
  PG_TRY(pgi_image_check(image, "tensor", err));
  PG_TRY(check_normal(n, err));
  if ((kind != PG_KIND_FLOAT && kind != PG_KIND_INT && kind != PG_KIND_UINT) ||
      pg_dtype_bits(n->dtype) < 8)
    return pgi_fail(err, PG_INVALID, "an image can't become %s", pg_dtype_name(n->dtype));
  if (n->layout == PG_HW && image->dims[2] != 1)
    return pgi_fail(err, PG_INVALID, "layout HW: expected 1 channel, got %lld",
                    (long long)image->dims[2]);
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  job j = {.from = &flat,
           .to = out,
           .normal = n,
           .size = pgi_dtype_size(n->dtype),
           .is_planar = layouts[n->layout].channel_axis < layouts[n->layout].rank - 1};
  pg_status status = convert(&j, threads, err);
  pgi_tensor_clear(&flat);
  return status;
}

/* ---- from tensors ------------------------------------------------------------------------------- */

static pg_status from_dims(const pg_tensor *t, pgi_layout layout, int64_t dims[3], pg_error *err) {
  char text[200];
  int rank = layouts[layout].rank, axis = layouts[layout].channel_axis;
  bool is_numeric = (PG_T_NUMERIC & PG_T(t->dtype)) != 0;
  if (t->rank != rank || !is_numeric || (rank == 4 && t->dims[0] != 1))
    return pgi_fail(err, PG_INVALID, "layout %s: expected one image of numbers, got %s",
                    layouts[layout].name,
                    pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
  int y = rank == 4 ? 1 : 0;
  if (axis >= 0 && axis == y) y++;
  dims[0] = t->dims[y];
  dims[1] = t->dims[y + 1];
  dims[2] = axis < 0 ? 1 : t->dims[axis];
  if (dims[0] < 1 || dims[1] < 1 || dims[2] < 1 || dims[2] > 4)
    return pgi_fail(err, PG_INVALID, "layout %s: expected [H,W] with 1 to 4 channels, got %s",
                    layouts[layout].name,
                    pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
  return PG_OK;
}

/* `t` is contiguous. */
static void fill_image(const pg_tensor *t, const pgi_normal *n, pg_tensor *out) {
  enum { RUN = 256 };
  float block[RUN];
  int64_t channels = out->dims[2], pixels = out->dims[0] * out->dims[1];
  bool is_planar = layouts[n->layout].channel_axis < layouts[n->layout].rank - 1;
  /* One run of a plane, or of pixels with their channels. */
  int64_t runs = is_planar ? channels : 1, length = is_planar ? pixels : pixels * channels;
  for (int64_t run = 0; run < runs; run++) {
    for (int64_t i = 0; i < length; i += RUN) {
      int64_t m = PG_MIN(length - i, (int64_t)RUN);
      pgi_load_f32(t->dtype, pgi_tensor_data(t), run * length + i, m, block);
      for (int64_t k = 0; k < m; k++) {
        int64_t c = is_planar ? run : (i + k) % channels;
        block[k] = (block[k] * n->std[c] + n->mean[c]) / n->scale;
        int64_t at = is_planar ? (i + k) * channels + c : i + k;
        store(n->dtype, pgi_tensor_data(out), at, 1, &block[k]);
      }
    }
  }
}

pg_status pgi_image_from_tensor(const pg_tensor *t, const pgi_normal *n, pg_tensor *out,
                                pg_error *err) {
  pg_tensor flat = {0};
  int64_t dims[3];
  PG_TRY(check_normal(n, err));
  PG_TRY(from_dims(t, n->layout, dims, err));
  if (n->dtype != PG_U8 && n->dtype != PG_F32)
    return pgi_fail(err, PG_INVALID, "an image is u8 or f32, not %s", pg_dtype_name(n->dtype));
  PG_TRY(pgi_tensor_contiguous(t, &flat, err));
  pg_status status = pgi_tensor_alloc(flat.buffer->ctx, n->dtype, 3, dims, out, err);
  if (status == PG_OK) fill_image(&flat, n, out);
  pgi_tensor_clear(&flat);
  return status;
}
