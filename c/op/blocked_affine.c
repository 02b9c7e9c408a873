/* BlockedAffine: y = x * scale + shift with one number for each channel (of each image), and a Relu
** behind it when asked for: what BatchNormalization is where no convolution stands before it, and what
** a squeeze-and-excitation block does in the end. */
#include <math.h>

#include "op/blocked.h"

static const pgi_attr_def attrs[] = {{.name = "lanes", .kind = PG_ATTR_INT, .is_required = true},
                                     {.name = "relu", .kind = PG_ATTR_INT},
                                     {0}};

typedef struct run {
  const pgi_blocked_f32 *kernel;
  int64_t lanes, size, blocks, chunks;
  bool is_relu, has_images; /* scale differs between images */
  const float *x, *scale, *shift;
  float *y;
} run;

enum { PIXELS = 2048 }; /* of a task */

static void task(void *arg, int64_t i) {
  static const float none[PG_BLOCKED_MAX_LANES];
  const run *r = arg;
  int64_t chunk = i % r->chunks, plane = i / r->chunks, block = plane % r->blocks;
  int64_t n = PG_MIN(r->size - chunk * PIXELS, PIXELS);
  int64_t at = (plane * r->size + chunk * PIXELS) * r->lanes;
  r->kernel->affine(n, r->x + at, r->scale + (r->has_images ? plane : block) * r->lanes,
                    r->shift ? r->shift + block * r->lanes : none, r->is_relu ? 0 : -INFINITY,
                    INFINITY, r->y + at);
}

static pg_status run_affine(pgi_call *call) {
  const pg_tensor *x = call->in[0], *scale = call->in[1];
  const pg_tensor *shift = call->n_in > 2 ? call->in[2] : NULL;
  run r = {.kernel = call->ctx->kernels[PG_K_BLOCKED_F32],
           .blocks = x->dims[1],
           .is_relu = pgi_attr_int(call->node, "relu") != 0,
           .x = pgi_tensor_data(x),
           .scale = pgi_tensor_data(scale),
           .shift = shift ? pgi_tensor_data(shift) : NULL,
           .y = pgi_tensor_data(call->out[0])};
  PG_TRY(pgi_blocked_lanes(call, &r.lanes));
  int64_t numbers = r.blocks * r.lanes, images = x->dims[0];
  r.has_images = pgi_tensor_count(scale) != numbers;
  if ((r.has_images && pgi_tensor_count(scale) != images * numbers) ||
      (shift && pgi_tensor_count(shift) != numbers)) {
    return pgi_fail(call->err, PG_INVALID, "scale and shift: expected a number for each channel");
  }
  r.size = pgi_dims_product(x->dims, 2, x->rank - 1);
  r.chunks = (r.size + PIXELS - 1) / PIXELS;
  pgi_call_parallel(call, images * r.blocks * r.chunks, task, &r);
  return PG_OK;
}

PG_OP(blocked_affine) = {.name = "BlockedAffine",
                         .domain = "perigee",
                         .since = {1},
                         .in = {2, 3},
                         .out = {1, 1},
                         .types = PG_T(PG_F32),
                         .attrs = attrs,
                         .flags = PG_OP_PRIVATE | PG_OP_INPLACE,
                         .infer = pgi_infer_same,
                         .run = run_affine};
