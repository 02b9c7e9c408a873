/* Resizing in two passes, columns first, as Pillow and OpenCV do.
**
** The horizontal pass transposes a block of rows, so that neighbouring columns become neighbouring
** rows and one kernel, the weighted sum of rows, serves both passes with full vectors for any number
** of channels and any weights. */
#include <math.h>

#include "image/image.h"
#include "kernel/resize.h"

enum { ROWS = 32, SMALL = 1 << 14, MAX_SIDE = 1 << 24 };

/* ---- transposition ------------------------------------------------------------------------------ */

static uint64_t load_u64(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return v;
}

/* Swaps what `mask` covers in b with what lies `shift` higher in a. */
static void swap_bits(uint64_t *a, uint64_t *b, int shift, uint64_t mask) {
  uint64_t t = ((*a >> shift) ^ *b) & mask;
  *a ^= t << shift;
  *b ^= t;
}

/* 8 x 8 bytes in three rounds of swaps (Warren, Hacker's Delight, section 7-3, on bytes); needs the
** first byte in the low bits. */
static void transpose_8x8(const uint8_t *from, int64_t from_step, uint8_t *to, int64_t to_step) {
  uint64_t r[8];
  for (int i = 0; i < 8; i++) r[i] = load_u64(from + i * from_step);
  for (int i = 0; i < 4; i++) swap_bits(&r[i], &r[i + 4], 32, 0x00000000FFFFFFFF);
  for (int i = 0; i < 8; i += 4) {
    swap_bits(&r[i], &r[i + 2], 16, 0x0000FFFF0000FFFF);
    swap_bits(&r[i + 1], &r[i + 3], 16, 0x0000FFFF0000FFFF);
  }
  for (int i = 0; i < 8; i += 2) swap_bits(&r[i], &r[i + 1], 8, 0x00FF00FF00FF00FF);
  for (int i = 0; i < 8; i++) memcpy(to + i * to_step, &r[i], 8);
}

/* to[x][y] = from[y][x] for y < height, x < width. */
static void transpose_u8(const uint8_t *from, int64_t from_step, int64_t height, int64_t width,
                         uint8_t *to, int64_t to_step) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  int64_t whole_y = height & ~7, whole_x = width & ~7;
#else
  int64_t whole_y = 0, whole_x = 0;
#endif
  for (int64_t x = 0; x < whole_x; x += 8) {
    for (int64_t y = 0; y < whole_y; y += 8)
      transpose_8x8(from + y * from_step + x, from_step, to + x * to_step + y, to_step);
  }
  for (int64_t y = 0; y < height; y++) {
    for (int64_t x = y < whole_y ? whole_x : 0; x < width; x++)
      to[x * to_step + y] = from[y * from_step + x];
  }
}

static void transpose_f32(const float *from, int64_t from_step, int64_t height, int64_t width,
                          float *to, int64_t to_step) {
  for (int64_t x0 = 0; x0 < width; x0 += 8) {
    int64_t end = PG_MIN(x0 + 8, width);
    for (int64_t y = 0; y < height; y++)
      for (int64_t x = x0; x < end; x++) to[x * to_step + y] = from[y * from_step + x];
  }
}

/* ---- passes ------------------------------------------------------------------------------------- */

typedef struct pass {
  const pgi_resize *kernel;
  pg_context *ctx;
  const pg_tensor *from;
  pg_tensor *to;
  const pgi_taps *taps;
  int64_t channels;
  bool is_fixed; /* u8 all the way, in integers */
  atomic_bool is_out_of_memory;
} pass;

/* u8 pixels of a block that lies transposed, as floats. */
static void widen(const uint8_t *from, int64_t n, float *to) {
  for (int64_t i = 0; i < n; i++) to[i] = (float)from[i];
}

/* [width * channels][ROWS] to [taps->n * channels][ROWS]. */
static void sum_columns(const pass *p, const void *from, void *to) {
  int64_t n = p->channels * ROWS;
  const pgi_taps *t = p->taps;
  for (int64_t x = 0; x < t->n; x++) {
    if (p->is_fixed)
      p->kernel->sum_u8((const uint8_t *)from + t->first[x] * n, n, t->fixed + x * t->stride,
                        t->taps[x], n, (uint8_t *)to + x * n);
    else
      p->kernel->sum_f32((const float *)from + t->first[x] * n, n, t->weights + x * t->stride,
                         t->taps[x], n, (float *)to + x * n);
  }
}

/* A block of rows in three stages of scratch: as it is, as floats, summed. */
static void horizontal_block(void *arg, int64_t block) {
  pass *p = arg;
  const pg_tensor *from = p->from;
  int64_t first = block * ROWS, height = PG_MIN(from->dims[0] - first, (int64_t)ROWS);
  int64_t width_in = from->dims[1] * p->channels, width_out = p->taps->n * p->channels;
  size_t element = p->is_fixed ? 1 : 4;
  size_t columns = (size_t)width_in * ROWS, sums = (size_t)width_out * ROWS * element;
  bool is_u8 = from->dtype == PG_U8;
  size_t raw = is_u8 ? columns : 0, wide = p->is_fixed ? 0 : columns * 4;
  /* Zeroed, since the rows that a ragged block lacks are summed too. */
  uint8_t *scratch = pgi_alloc_zero(p->ctx, raw + wide + sums);
  if (!scratch) {
    atomic_store(&p->is_out_of_memory, true);
    return;
  }
  float *floats = (float *)(void *)(scratch + raw);
  void *summed = scratch + raw + wide;
  if (is_u8)
    transpose_u8((uint8_t *)pgi_tensor_data(from) + first * width_in, width_in, height, width_in,
                 scratch, ROWS);
  else
    transpose_f32((float *)pgi_tensor_data(from) + first * width_in, width_in, height, width_in,
                  floats, ROWS);
  if (is_u8 && !p->is_fixed) widen(scratch, (int64_t)columns, floats);
  sum_columns(p, p->is_fixed ? (void *)scratch : (void *)floats, summed);
  if (p->is_fixed)
    transpose_u8(summed, ROWS, width_out, height,
                 (uint8_t *)pgi_tensor_data(p->to) + first * width_out, width_out);
  else
    transpose_f32(summed, ROWS, width_out, height,
                  (float *)pgi_tensor_data(p->to) + first * width_out, width_out);
  pgi_free(p->ctx, scratch);
}

/* Halves to even, as OpenCV rounds. */
static void narrow(const float *from, int64_t n, uint8_t *to) {
  for (int64_t i = 0; i < n; i++) {
    float v = rintf(from[i]);
    to[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
  }
}

static void vertical_row(const pass *p, int64_t y, float *summed) {
  const pgi_taps *t = p->taps;
  int64_t n = p->from->dims[1] * p->channels, first = t->first[y] * n;
  if (p->is_fixed) {
    p->kernel->sum_u8((uint8_t *)pgi_tensor_data(p->from) + first, n, t->fixed + y * t->stride,
                      t->taps[y], n, (uint8_t *)pgi_tensor_data(p->to) + y * n);
    return;
  }
  bool is_u8 = p->to->dtype == PG_U8;
  float *to = is_u8 ? summed : (float *)pgi_tensor_data(p->to) + y * n;
  p->kernel->sum_f32((float *)pgi_tensor_data(p->from) + first, n, t->weights + y * t->stride,
                     t->taps[y], n, to);
  if (is_u8) narrow(summed, n, (uint8_t *)pgi_tensor_data(p->to) + y * n);
}

static void vertical_block(void *arg, int64_t block) {
  pass *p = arg;
  int64_t first = block * ROWS, end = PG_MIN(first + ROWS, p->taps->n);
  float *summed = pgi_alloc(p->ctx, (size_t)(p->from->dims[1] * p->channels) * sizeof *summed);
  if (!summed) {
    atomic_store(&p->is_out_of_memory, true);
    return;
  }
  for (int64_t y = first; y < end; y++) vertical_row(p, y, summed);
  pgi_free(p->ctx, summed);
}

static pg_status run_pass(pass *p, int threads, int64_t rows, void (*block)(void *, int64_t),
                          pg_error *err) {
  int64_t work = pgi_tensor_count(p->from) + pgi_tensor_count(p->to);
  pgi_parallel_for(p->ctx, work < SMALL ? 1 : threads, (rows + ROWS - 1) / ROWS, block, p);
  return atomic_load(&p->is_out_of_memory) ? pgi_nomem(err) : PG_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

typedef struct job {
  const pgi_filter *filter;
  pg_context *ctx;
  int threads;
  bool is_shrinking, is_fixed;
} job;

/* What an axis takes of its inputs: a list of those that count, ascending. */
typedef struct needed {
  int64_t *list, *place; /* place: input to its position in the list */
  int64_t n;
} needed;

static void needed_deinit(needed *d, pg_context *ctx) {
  pgi_free(ctx, d->list);
  pgi_free(ctx, d->place);
}

static pg_status needed_init(needed *d, pg_context *ctx, const pgi_taps *t, int64_t from,
                             pg_error *err) {
  size_t bytes = (size_t)from * sizeof *d->list;
  d->n = 0;
  d->list = pgi_alloc(ctx, bytes);
  d->place = pgi_alloc_zero(ctx, bytes);
  if (!d->list || !d->place) {
    needed_deinit(d, ctx);
    return pgi_nomem(err);
  }
  for (int64_t i = 0; i < t->n; i++)
    for (int64_t k = 0; k < t->taps[i]; k++) d->place[t->first[i] + k] = 1;
  for (int64_t i = 0; i < from; i++) {
    if (!d->place[i]) continue;
    d->place[i] = d->n;
    d->list[d->n++] = i;
  }
  return PG_OK;
}

static void gather(const pg_tensor *image, const needed *y, const needed *x, pg_tensor *out) {
  size_t pixel = (size_t)image->dims[2] * pgi_dtype_size(image->dtype);
  const char *from = pgi_tensor_data(image);
  char *to = pgi_tensor_data(out);
  for (int64_t r = 0; r < y->n; r++) {
    const char *row = from + (size_t)(y->list[r] * image->dims[1]) * pixel;
    for (int64_t c = 0; c < x->n; c++, to += pixel)
      memcpy(to, row + (size_t)x->list[c] * pixel, pixel);
  }
}

static void remap(pgi_taps *t, const needed *d) {
  for (int64_t i = 0; i < t->n; i++) t->first[i] = d->place[t->first[i]];
}

/* A fixed support skips most of a picture that shrinks a lot: *out gets what counts, and the taps
** new positions.  Otherwise *out shares the picture. */
static pg_status drop_unused(const job *j, const pg_tensor *image, pgi_taps *y, pgi_taps *x,
                             pg_tensor *out, pg_error *err) {
  needed rows, columns;
  PG_TRY(needed_init(&rows, j->ctx, y, image->dims[0], err));
  pg_status status = needed_init(&columns, j->ctx, x, image->dims[1], err);
  if (status == PG_OK) {
    int64_t dims[3] = {rows.n, columns.n, image->dims[2]};
    if (rows.n * columns.n > image->dims[0] * image->dims[1] / 2) {
      pgi_tensor_assign(out, image);
    } else {
      status = pgi_tensor_alloc(j->ctx, image->dtype, 3, dims, out, err);
      if (status == PG_OK) {
        gather(image, &rows, &columns, out);
        remap(y, &rows);
        remap(x, &columns);
      }
    }
    needed_deinit(&columns, j->ctx);
  }
  needed_deinit(&rows, j->ctx);
  return status;
}

/* One pass into *out, which has its size already. */
static pg_status run_axis(const job *j, const pg_tensor *image, bool is_vertical,
                          const pgi_taps *taps, pg_tensor *out, pg_error *err) {
  pass p = {.kernel = j->ctx->kernels[PG_K_RESIZE],
            .ctx = j->ctx,
            .from = image,
            .to = out,
            .taps = taps,
            .channels = image->dims[2],
            .is_fixed = j->is_fixed};
  return run_pass(&p, j->threads, out->dims[0], is_vertical ? vertical_block : horizontal_block,
                  err);
}

static pg_status run_both(const job *j, const pg_tensor *image, pgi_taps *y, pgi_taps *x,
                          pg_tensor *out, pg_error *err) {
  pg_tensor used = {0}, wide = {0};
  PG_TRY(drop_unused(j, image, y, x, &used, err));
  int64_t dims[3] = {used.dims[0], x->n, used.dims[2]};
  pg_status status = pgi_tensor_alloc(j->ctx, j->is_fixed ? PG_U8 : PG_F32, 3, dims, &wide, err);
  if (status == PG_OK) status = run_axis(j, &used, false, x, &wide, err);
  if (status == PG_OK) status = run_axis(j, &wide, true, y, out, err);
  pgi_tensor_clear(&wide);
  pgi_tensor_clear(&used);
  return status;
}

static pg_status run_filter(const job *j, const pg_tensor *image, pg_tensor *out, pg_error *err) {
  pgi_taps x = {.ctx = j->ctx}, y = {.ctx = j->ctx};
  bool is_exact = image->dtype == PG_F32 || j->is_fixed; /* an axis that stays needs no pass */
  pg_status status = pgi_taps_init(&x, j->ctx, j->filter, image->dims[1], out->dims[1],
                                   j->is_shrinking, j->is_fixed, err);
  if (status == PG_OK)
    status = pgi_taps_init(&y, j->ctx, j->filter, image->dims[0], out->dims[0], j->is_shrinking,
                           j->is_fixed, err);
  if (status == PG_OK) {
    if (is_exact && out->dims[0] == image->dims[0])
      status = run_axis(j, image, false, &x, out, err);
    else if (is_exact && out->dims[1] == image->dims[1])
      status = run_axis(j, image, true, &y, out, err);
    else
      status = run_both(j, image, &y, &x, out, err);
  }
  pgi_taps_deinit(&x);
  pgi_taps_deinit(&y);
  return status;
}

static pg_status run_nearest(const job *j, const pg_tensor *image, pg_tensor *out, pg_error *err) {
  pgi_taps x = {.ctx = j->ctx}, y = {.ctx = j->ctx};
  int64_t height = out->dims[0], width = out->dims[1];
  size_t pixel = (size_t)image->dims[2] * pgi_dtype_size(image->dtype);
  pg_status status =
      pgi_taps_init(&x, j->ctx, j->filter, image->dims[1], width, false, j->is_fixed, err);
  if (status == PG_OK)
    status = pgi_taps_init(&y, j->ctx, j->filter, image->dims[0], height, false, j->is_fixed, err);
  if (status == PG_OK) {
    const char *data = pgi_tensor_data(image);
    char *to = pgi_tensor_data(out);
    for (int64_t r = 0; r < height; r++) {
      const char *row = data + (size_t)(y.first[r] * image->dims[1]) * pixel;
      for (int64_t c = 0; c < width; c++, to += pixel)
        memcpy(to, row + (size_t)x.first[c] * pixel, pixel);
    }
  }
  pgi_taps_deinit(&x);
  pgi_taps_deinit(&y);
  return status;
}

/* Transparent pixels have no say in the colours of their neighbours. */
static pg_status run_premultiplied(const job *j, const pg_tensor *image, pg_tensor *out,
                                   pg_error *err) {
  pg_tensor copy = {0};
  PG_TRY(pgi_tensor_clone(image, &copy, err));
  pgi_image_premultiply(&copy);
  pg_status status = run_filter(j, &copy, out, err);
  if (status == PG_OK) pgi_image_unpremultiply(out);
  pgi_tensor_clear(&copy);
  return status;
}

pg_status pgi_image_resize(const pg_tensor *image, int64_t height, int64_t width,
                           const char *filter, int threads, pg_tensor *out, pg_error *err) {
  job j = {.threads = threads};
  pg_tensor flat = {0}, resized = {0};
  PG_TRY(pgi_image_check(image, "resize", err));
  PG_TRY(pgi_filter_find(filter, &j.filter, err));
  if (height < 1 || width < 1 || height > MAX_SIDE || width > MAX_SIDE)
    return pgi_fail(err, PG_INVALID, "resize: expected sides of 1 to %d, got %lld x %lld", MAX_SIDE,
                    (long long)width, (long long)height);
  if (height == image->dims[0] && width == image->dims[1]) return pgi_tensor_clone(image, out, err);
  PG_TRY(pgi_tensor_contiguous(image, &flat, err));
  int64_t dims[3] = {height, width, flat.dims[2]};
  bool is_pil = j.filter->convention == PG_RESIZE_PIL;
  j.ctx = flat.buffer->ctx;
  j.is_shrinking = height <= flat.dims[0] && width <= flat.dims[1];
  j.is_fixed = is_pil && flat.dtype == PG_U8;
  pg_status status = pgi_tensor_alloc(j.ctx, flat.dtype, 3, dims, &resized, err);
  if (status == PG_OK) {
    if (j.filter->support <= 0)
      status = run_nearest(&j, &flat, &resized, err);
    else if (is_pil && dims[2] % 2 == 0)
      status = run_premultiplied(&j, &flat, &resized, err);
    else
      status = run_filter(&j, &flat, &resized, err);
  }
  if (status == PG_OK)
    *out = resized;
  else
    pgi_tensor_clear(&resized);
  pgi_tensor_clear(&flat);
  return status;
}
