/* Winograd convolution over blocked values (c/kernel/winograd.c has the mathematics).
**
** Tiles of all images are numbered through.  For some tiles at a time, as many as keep their
** transforms in the second-level cache: inputs are transformed, then for each pair of blocks of
** outputs there is one small product for each of the size * size numbers of a tile, made by the
** direct kernel as a 1 x 1 convolution over a line of tiles; then the outputs are transformed. */
#include <math.h>

#include "op/blocked.h"

enum {
  CACHE_FLOATS = 1 << 18, /* of transformed inputs and products at a time */
  LEAST_TILES = 14,       /* a full tile of the direct kernel */
  FEWEST_TILES = 7,       /* of a chunk that is one for the sake of threads */
  PARTS = 4,              /* so many chunks of tiles are worth sharing out whole */
  MANY = 32,
  MOST_SIZE = 8, /* of a transformed tile */
  MOST_SIDE = 5  /* of a kernel */
};

/* ---- choosing ------------------------------------------------------------------------------- */

/* Cycles, roughly: what matters is the order.  Half a cycle for the product of a number and a vector;
** 4.5 for each vector that transforms make or take; weights at the rate at which one core gets them
** from behind its second-level cache.  Products and weights overlap, but for a part. */
static double product_cycles(double pixels, double width, double inputs, double blocks) {
  const double tile = fmin(width, 14), start = 0.6; /* a tile's loops begin and end */
  return pixels * inputs * blocks / 2 * (1 + start / tile);
}

static double stream_cycles(double floats) {
  const double bytes_per_cycle = 5;
  return floats * sizeof(float) / bytes_per_cycle;
}

static double both(double product, double stream) {
  return fmax(product, stream) + 0.25 * fmin(product, stream);
}

/* Memory is worth something too, as is the time to fill it: a quarter more cycles for 64 MiB. */
static double price(double floats) {
  return 1 + floats * sizeof(float) / (256 << 20);
}

static double winograd_cycles(int64_t lanes, int64_t inputs, int64_t outputs, int size, int out,
                              int64_t n, int64_t h, int64_t w) {
  double tiles = (double)n * (double)((h + out - 1) / out) * (double)((w + out - 1) / out);
  double numbers = size * size, in_blocks = (double)((inputs + lanes - 1) / lanes);
  double blocks = (double)((outputs + lanes - 1) / lanes);
  double product = product_cycles(fmax(tiles, 6), tiles, (double)inputs, blocks) * numbers;
  double stream = stream_cycles(numbers * (double)inputs * blocks * (double)lanes);
  double transform = tiles * numbers * (in_blocks + blocks) * 4.5;
  return (both(product, stream) + transform) *
         price(numbers * (double)inputs * blocks * (double)lanes);
}

/* Larger tiles lose some accuracy, so they must win something. */
#define WORTH 0.95

int pgi_winograd_choose(int64_t lanes, int64_t inputs, int64_t outputs, int64_t taps, int64_t n,
                        int64_t h, int64_t w) {
  double blocks = (double)((outputs + lanes - 1) / lanes), all = (double)(taps * taps);
  double work =
      product_cycles((double)n * (double)h * (double)w, (double)w, (double)inputs, blocks) * all;
  double floats = all * (double)inputs * blocks * (double)lanes;
  double best = both(work, stream_cycles(floats)) * price(floats);
  int side = 0;
  for (int size = 4; size <= 8; size += 2) {
    int out = size - (int)taps + 1;
    if (out < 2) continue;
    double cycles = winograd_cycles(lanes, inputs, outputs, size, out, n, h, w);
    if (cycles >= best * WORTH) continue;
    best = cycles;
    side = out;
  }
  return side;
}

/* ---- weights -------------------------------------------------------------------------------- */

/* For each PG_BLOCKED_TILE blocks of outputs, for each number of the tile, for each input, one
** number for each output. */
int64_t pgi_winograd_size(int lanes, int out, int64_t inputs, int64_t outputs, int64_t taps) {
  int64_t size = out + taps - 1;
  return (outputs + lanes - 1) / lanes * lanes * inputs * size * size;
}

/* The weights of `count` outputs from w on for one input, the others of `lanes` zero. */
static void gather(int lanes, int64_t count, int64_t inputs, int64_t taps, const float *w,
                   float *to) {
  for (int64_t t = 0; t < taps; t++) {
    for (int64_t l = 0; l < lanes; l++)
      to[t * lanes + l] = l < count ? w[l * inputs * taps + t] : 0;
  }
}

void pgi_winograd_pack(const pgi_blocked_f32 *kernel, int out, int64_t inputs, int64_t outputs,
                       int64_t side, const float *w, float *to) {
  float matrix[MOST_SIZE * MOST_SIDE], g[MOST_SIDE * MOST_SIDE * PG_BLOCKED_MAX_LANES];
  int size = out + (int)side - 1, lanes = kernel->lanes;
  int64_t most = PG_BLOCKED_TILE * lanes, rounded = (outputs + lanes - 1) / lanes * lanes;
  pgi_winograd_matrix(size, (int)side, matrix);
  for (int64_t first = 0; first < outputs; first += most) {
    int64_t width = PG_MIN(rounded - first, most);
    float *pair = to + first * inputs * size * size;
    for (int64_t i = 0; i < inputs; i++) {
      for (int64_t o = 0; o < width; o += lanes) {
        gather(lanes, PG_MIN(outputs - first - o, lanes), inputs, side * side,
               w + ((first + o) * inputs + i) * side * side, g);
        kernel->winograd_weights(size, (int)side, matrix, g, pair + i * width + o, inputs * width);
      }
    }
  }
}

/* ---- a run ---------------------------------------------------------------------------------- */

typedef struct run {
  const pgi_winograd *w;
  int64_t lanes, size, numbers, in_blocks, blocks, pairs;
  int64_t across, per_image, tiles; /* tiles along a line, of an image, of all */
  int64_t chunk, chunks;            /* tiles at a time */
  int64_t v_step, m_step;           /* from number to number among the transformed */
  float *v;                         /* shared, when chunks are taken one after the other */
  int64_t at;                       /* that chunk */
} run;

static void tile_place(const run *r, int64_t tile, int64_t *image, int64_t *oy, int64_t *ox) {
  int64_t rest = tile % r->per_image;
  *image = tile / r->per_image;
  *oy = rest / r->across * r->w->out;
  *ox = rest % r->across * r->w->out;
}

static int64_t chunk_tiles(const run *r, int64_t chunk) {
  return PG_MIN(r->chunk, r->tiles - chunk * r->chunk);
}

static void transform_in(const run *r, int64_t chunk, int64_t block, float *v) {
  const pgi_winograd *w = r->w;
  int64_t n = chunk_tiles(r, chunk), image, oy, ox;
  for (int64_t t = 0; t < n; t++) {
    tile_place(r, chunk * r->chunk + t, &image, &oy, &ox);
    w->kernel->winograd_in(w->c, (int)r->size, w->out,
                           w->x + image * w->image_in + block * w->c->block, oy, ox,
                           v + (block * r->chunk + t) * r->lanes, r->v_step);
  }
}

static void transform_out(const run *r, int64_t chunk, int64_t block, const float *m) {
  const pgi_winograd *w = r->w;
  int64_t n = chunk_tiles(r, chunk), image, oy, ox;
  for (int64_t t = 0; t < n; t++) {
    tile_place(r, chunk * r->chunk + t, &image, &oy, &ox);
    int64_t at = image * w->image_out + block * w->c->out_block;
    w->kernel->winograd_out(w->c, (int)r->size, w->out, m + t * r->lanes, r->m_step,
                            w->bias + block * r->lanes, w->z ? w->z + at : NULL, w->y + at, oy, ox);
  }
}

/* All products of one pair of blocks, and its outputs. */
static void multiply(const run *r, int64_t chunk, int64_t pair, const float *v, float *m) {
  static const float no_bias[PG_BLOCKED_TILE * PG_BLOCKED_MAX_LANES];
  const pgi_winograd *w = r->w;
  int64_t n = chunk_tiles(r, chunk), first = pair * PG_BLOCKED_TILE;
  int count = (int)PG_MIN(r->blocks - first, PG_BLOCKED_TILE);
  pgi_blocked_conv c = {.in_h = 1,
                        .in_w = n,
                        .out_h = 1,
                        .out_w = n,
                        .kernel_h = 1,
                        .kernel_w = 1,
                        .stride_h = 1,
                        .stride_w = 1,
                        .dilation_h = 1,
                        .dilation_w = 1,
                        .channels = w->c->channels,
                        .depth = r->lanes,
                        .block = r->chunk * r->lanes,
                        .channel = 1,
                        .pixel = r->lanes,
                        .out_block = r->chunk * r->lanes,
                        .low = -INFINITY,
                        .high = INFINITY};
  int64_t weights = w->c->channels * count * r->lanes;
  const float *from = w->weights + first * r->lanes * w->c->channels * r->numbers;
  for (int64_t f = 0; f < r->numbers; f++) {
    pgi_blocked_ahead(&c, from + (f + 1) * weights, w->kernel->tile, count * r->lanes, n, 1);
    w->kernel->conv(&c, count, v + f * r->v_step, from + f * weights, no_bias, NULL,
                    m + f * r->m_step, 0, 1, 0, n);
  }
  for (int b = 0; b < count; b++) transform_out(r, chunk, first + b, m + b * r->chunk * r->lanes);
}

/* A chunk from beginning to end. */
static void chunk_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  float *v = scratch, *m = v + r->numbers * r->v_step;
  for (int64_t b = 0; b < r->in_blocks; b++) transform_in(r, i, b, v);
  for (int64_t p = 0; p < r->pairs; p++) multiply(r, i, p, v, m);
}

/* The same in two loops. */
static void in_task(void *arg, int64_t i) {
  const run *r = arg;
  transform_in(r, r->at, i, r->v);
}

static void pair_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  multiply(r, r->at, i, r->v, scratch);
}

/* An odd number of cache lines: the numbers of a tile then fall into different sets. */
static int64_t odd_step(int64_t floats, int64_t lanes) {
  return (floats / lanes | 1) * lanes;
}

static void cut(run *r) {
  const pgi_winograd *w = r->w;
  r->lanes = w->kernel->lanes;
  r->size = w->out + w->c->kernel_w - 1;
  r->numbers = r->size * r->size;
  r->in_blocks = (w->c->channels + r->lanes - 1) / r->lanes;
  r->blocks = (w->outputs + r->lanes - 1) / r->lanes;
  r->pairs = (r->blocks + PG_BLOCKED_TILE - 1) / PG_BLOCKED_TILE;
  r->across = (w->c->out_w + w->out - 1) / w->out;
  r->per_image = r->across * ((w->c->out_h + w->out - 1) / w->out);
  r->tiles = r->per_image * w->images;
  int64_t floats = r->numbers * (r->in_blocks + PG_BLOCKED_TILE) * r->lanes;
  int64_t most = PG_MAX(CACHE_FLOATS / floats, LEAST_TILES);
  r->chunks = (r->tiles + most - 1) / most;
  /* A few threads shall find equal shares: of chunks, where there are too few pairs to share out. */
  if (r->pairs < PARTS) r->chunks = PG_MAX(r->chunks, PG_MIN(PARTS, r->tiles / FEWEST_TILES));
  if (r->chunks >= PARTS && r->chunks < MANY) r->chunks = (r->chunks + PARTS - 1) / PARTS * PARTS;
  r->chunk = (r->tiles + r->chunks - 1) / r->chunks;
  r->chunks = (r->tiles + r->chunk - 1) / r->chunk;
  r->v_step = odd_step(r->in_blocks * r->chunk * r->lanes, r->lanes);
  r->m_step = odd_step(PG_BLOCKED_TILE * r->chunk * r->lanes, r->lanes);
}

pg_status pgi_winograd_run(pgi_call *call, const pgi_winograd *w) {
  run r = {.w = w};
  pgi_lanes lanes;
  cut(&r);
  size_t v_bytes = (size_t)(r.numbers * r.v_step) * sizeof(float);
  size_t m_bytes = (size_t)(r.numbers * r.m_step) * sizeof(float);
  if (r.chunks >= PARTS || (r.pairs < PARTS && r.chunks > 1)) {
    PG_TRY(pgi_lanes_init(&lanes, call, r.chunks, v_bytes + m_bytes));
    pgi_lanes_run(&lanes, r.chunks, chunk_task, &r);
    return PG_OK;
  }
  PG_TRY(pgi_scratch_array(call, r.numbers * r.v_step, sizeof *r.v, &r.v));
  PG_TRY(pgi_lanes_init(&lanes, call, r.pairs, m_bytes));
  for (r.at = 0; r.at < r.chunks; r.at++) {
    pgi_call_parallel(call, r.in_blocks, in_task, &r);
    pgi_lanes_run(&lanes, r.pairs, pair_task, &r);
  }
  return PG_OK;
}
