/* The f32 engine of the convolutions.
**
** Depthwise ones slide over one packed plane at a time.  All others are matrix products, weights
** times windows: [outputs, channels * taps] x [channels * taps, positions], one for each image and
** group; the windows are gathered from packed planes panel by panel, never written out whole. */
#include "op/conv.h"

enum {
  DEPTHWISE_OUTPUTS = 4,   /* of one channel; with more a product is better */
  PLANES_BYTES = 1 << 23,  /* packed planes of so many images are held at a time */
  SHARED_FLOATS = 1 << 21, /* windows worth writing out ... */
  SHARING_ROWS = 192       /* ... for tiles that are lower than this */
};

bool pgi_conv_is_depthwise(const pgi_conv *c) {
  return c->in_per_group == 1 && c->out_per_group <= DEPTHWISE_OUTPUTS;
}

/* ---- weights -------------------------------------------------------------------------------- */

static pg_status alloc_floats(pg_context *ctx, int64_t n, float **out, pg_error *err) {
  size_t bytes;
  if (n < 0 || !pgi_mul_size((size_t)n, sizeof(float), &bytes)) return pgi_nomem(err);
  *out = pgi_alloc_large(ctx, bytes);
  return *out ? PG_OK : pgi_nomem(err);
}

pg_status pgi_conv_weights_init(pg_context *ctx, const pgi_conv *c, const pg_tensor *w,
                                pgi_conv_weights *out, pg_error *err) {
  const pgi_gemm_f32 *kernel = ctx->kernels[PG_K_GEMM_F32];
  int64_t k = c->in_per_group * c->w.taps, count = c->outputs * k;
  float *plain;
  memset(out, 0, sizeof *out);
  PG_TRY(alloc_floats(ctx, count, &plain, err));
  pgi_load_f32(w->dtype, pgi_tensor_data(w), 0, count, plain);
  if (pgi_conv_is_depthwise(c)) {
    out->plain = plain;
    return PG_OK;
  }
  out->packed_size = (pgi_packed_a_size(c->out_per_group, k, kernel->mr) + 15) / 16 * 16;
  pg_status status = alloc_floats(ctx, out->packed_size * c->groups, &out->packed, err);
  for (int64_t g = 0; g < c->groups && status == PG_OK; g++) {
    pgi_pack_a(kernel, plain + g * c->out_per_group * k, k, 1, c->out_per_group, k, 1,
               out->packed + g * out->packed_size);
  }
  pgi_free(ctx, plain);
  return status;
}

void pgi_conv_weights_deinit(pg_context *ctx, pgi_conv_weights *w) {
  pgi_free(ctx, w->plain);
  pgi_free(ctx, w->packed);
}

/* ---- a run ---------------------------------------------------------------------------------- */

typedef struct run {
  const pgi_conv *c;
  const pgi_conv_weights *weights;
  const pgi_gemm_f32 *gemm;
  const pgi_conv_f32 *rows;
  pgi_plane plane;
  bool is_packed; /* planes are copied before use */
  const float *x, *bias, *z;
  const pgi_epilogue *e;
  float *y;
  int64_t *at; /* [in_per_group * taps]; depthwise: [taps] */
  float *planes;
  int64_t first;   /* image of planes[0] */
  float *packed_b; /* all windows of the only image and group; NULL: each tile gathers its own */
  pgi_tiling tiling;
  pgi_product product; /* of any image and group: what is the same for all */
} run;

static void fill_epilogue(const run *r, int64_t image, int64_t output, pgi_epilogue *e) {
  *e = *r->e;
  e->scale = 1;
  e->add[0] = (pgi_addend){r->bias ? r->bias + output : NULL, 1, 0};
  e->add[1].data = NULL;
  if (r->z) {
    int64_t size = r->c->w.out_size;
    e->add[1] = (pgi_addend){r->z + (image * r->c->outputs + output) * size, size, 1};
  }
}

/* ---- depthwise ------------------------------------------------------------------------------ */

typedef struct lines {
  const run *r;
  const float *src, *weights;
  float bias, *out;
} lines;

static void depthwise_lines(void *arg, int64_t src, int64_t out, int64_t rows, int64_t src_step,
                            int64_t out_step) {
  const lines *l = arg;
  const pgi_window *w = &l->r->c->w;
  l->r->rows->rows(rows, w->out[w->n - 1], w->taps, l->r->at, l->weights, l->bias, l->src + src,
                   src_step, l->out + out, out_step);
}

static void depthwise_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  const pgi_conv *c = r->c;
  int64_t image = i / c->groups, group = i % c->groups;
  const float *src = r->x + i * c->w.in_size;
  if (r->is_packed) {
    pgi_plane_pack(&r->plane, &c->w, src, 0, scratch);
    src = scratch;
  }
  for (int64_t m = 0; m < c->out_per_group; m++) {
    int64_t output = group * c->out_per_group + m;
    lines l = {r, src, r->weights->plain + output * c->w.taps, r->bias ? r->bias[output] : 0,
               r->y + (image * c->outputs + output) * c->w.out_size};
    pgi_plane_lines(&r->plane, &c->w, depthwise_lines, &l);
    pgi_epilogue e;
    fill_epilogue(r, image, output, &e);
    e.add[0].data = NULL; /* the sums began with the bias */
    if (e.act != PG_ACT_NONE || r->z) r->gemm->finish(&e, 0, 0, 1, c->w.out_size, l.out, 0);
  }
}

static pg_status run_depthwise(pgi_call *call, run *r) {
  pgi_lanes lanes;
  int64_t n = r->c->batch * r->c->groups;
  size_t bytes = r->is_packed ? (size_t)r->plane.size * sizeof(float) : 0;
  PG_TRY(pgi_scratch_array(call, r->c->w.taps, sizeof *r->at, &r->at));
  pgi_plane_taps(&r->plane, &r->c->w, r->at);
  PG_TRY(pgi_lanes_init(&lanes, call, n, bytes));
  pgi_lanes_run(&lanes, n, depthwise_task, r);
  return PG_OK;
}

/* ---- products ------------------------------------------------------------------------------- */

static void pack_task(void *arg, int64_t i) {
  const run *r = arg;
  const float *from = r->x + (r->first * r->c->channels + i) * r->c->w.in_size;
  pgi_plane_pack(&r->plane, &r->c->w, from, 0, r->planes + i * r->plane.size);
}

static void product_task(void *arg, int64_t i, void *scratch) {
  const run *r = arg;
  const pgi_conv *c = r->c;
  int64_t tiles = r->tiling.rows * r->tiling.cols;
  int64_t tile = i % tiles, group = i / tiles % c->groups, at = i / tiles / c->groups;
  int64_t image = r->first + at, output = group * c->out_per_group;
  pgi_im2col windows = {r->rows, &c->w, &r->plane, NULL, r->at};
  pgi_epilogue e;
  fill_epilogue(r, image, output, &e);
  pgi_product p = r->product;
  p.packed_a = r->weights->packed + group * r->weights->packed_size;
  p.c = r->y + (image * c->outputs + output) * c->w.out_size;
  if (r->bias || r->z || e.act != PG_ACT_NONE) p.epilogue = &e;
  int64_t channel = (r->is_packed ? at : image) * c->channels + group * c->in_per_group;
  windows.src = (r->is_packed ? r->planes : r->x) + channel * r->plane.size;
  p.fill_arg = &windows;
  p.packed_b = r->packed_b;
  if (!p.packed_b && c->w.taps == 1 && !r->is_packed && c->w.out_size == c->w.in_size) {
    /* the planes are the matrix */
    p.b = windows.src;
    p.b_row = r->plane.size;
    p.b_col = 1;
  }
  pgi_product_tile(&p, &r->tiling, tile, scratch);
}

/* One block of depth of all windows. */
static void gather_task(void *arg, int64_t i) {
  const run *r = arg;
  int nr = r->gemm->nr;
  int64_t p0 = i * PG_GEMM_KC, n = r->c->w.out_size;
  pgi_im2col windows = {r->rows, &r->c->w, &r->plane, r->is_packed ? r->planes : r->x, r->at};
  pgi_im2col_fill(&windows, p0, PG_MIN(r->product.k - p0, PG_GEMM_KC), 0, n, nr,
                  r->packed_b + p0 * ((n + nr - 1) / nr * nr));
}

/* A single image cut into low tiles: they share the windows instead of gathering them each. */
static pg_status share_windows(pgi_call *call, run *r) {
  int64_t size = pgi_packed_b_size(r->product.n, r->product.k, r->gemm->nr);
  bool is_low = r->tiling.rows > 1 && r->tiling.tile_m < SHARING_ROWS;
  if (r->c->batch * r->c->groups != 1 || !is_low || size > SHARED_FLOATS) return PG_OK;
  return pgi_scratch_array(call, size, sizeof *r->packed_b, &r->packed_b);
}

static pg_status run_products(pgi_call *call, run *r) {
  const pgi_conv *c = r->c;
  int64_t k = c->in_per_group * c->w.taps;
  pgi_product *p = &r->product;
  *p = (pgi_product){.kernel = r->gemm,
                     .m = c->out_per_group,
                     .n = c->w.out_size,
                     .k = k,
                     .alpha = 1,
                     .packed_a = r->weights->packed,
                     .fill = pgi_im2col_fill,
                     .ldc = c->w.out_size};
  pgi_product_tiling(p, c->batch * c->groups, &r->tiling);
  int64_t tiles = r->tiling.rows * r->tiling.cols;
  PG_TRY(pgi_scratch_array(call, PG_MAX(k, c->w.taps), sizeof *r->at, &r->at));
  pgi_plane_taps(&r->plane, &c->w, r->at);
  for (int64_t i = c->w.taps; i < k; i++) r->at[i] = r->at[i - c->w.taps] + r->plane.size;
  int64_t images = c->batch;
  if (r->is_packed) {
    double bytes = (double)c->channels * (double)r->plane.size * sizeof(float);
    if (bytes * (double)images > PLANES_BYTES) {
      images = PG_MAX(1, (int64_t)(PLANES_BYTES / PG_MAX(bytes, 1)));
    }
    PG_TRY(pgi_scratch_array(call, images * c->channels, (size_t)r->plane.size * sizeof(float),
                             &r->planes));
  }
  PG_TRY(share_windows(call, r));
  pgi_lanes lanes;
  size_t bytes = (size_t)pgi_product_scratch(p, &r->tiling) * sizeof(float);
  PG_TRY(pgi_lanes_init(&lanes, call, tiles * images * c->groups, bytes));
  for (r->first = 0; r->first < c->batch; r->first += images) {
    int64_t n = PG_MIN(images, c->batch - r->first);
    if (r->is_packed) pgi_call_parallel(call, n * c->channels, pack_task, r);
    if (r->packed_b) pgi_call_parallel(call, (k + PG_GEMM_KC - 1) / PG_GEMM_KC, gather_task, r);
    pgi_lanes_run(&lanes, n * c->groups * tiles, product_task, r);
  }
  return PG_OK;
}

pg_status pgi_conv_run_f32(pgi_call *call, const pgi_conv *c, const pgi_conv_weights *w,
                           const float *x, const float *bias, const float *z, const pgi_epilogue *e,
                           float *y) {
  run r = {.c = c, .weights = w, .x = x, .bias = bias, .z = z, .e = e, .y = y};
  r.gemm = call->ctx->kernels[PG_K_GEMM_F32];
  r.rows = call->ctx->kernels[PG_K_CONV_DW_F32];
  if (c->batch == 0 || c->outputs == 0 || c->w.out_size == 0) return PG_OK;
  if (!pgi_plane_init(&r.plane, &c->w)) {
    return pgi_fail(call->err, PG_UNSUPPORTED,
                    "padding and strides are out of proportion to the input");
  }
  r.is_packed = !r.plane.is_plain;
  return w->plain ? run_depthwise(call, &r) : run_products(call, &r);
}
