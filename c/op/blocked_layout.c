/* ToBlocked and FromBlocked: into blocks of channels and back. */
#include "op/blocked.h"

static const pgi_attr_def to_attrs[] = {{.name = "lanes", .kind = PG_ATTR_INT, .is_required = true},
                                        {0}};
static const pgi_attr_def from_attrs[] = {
    {.name = "channels", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "lanes", .kind = PG_ATTR_INT, .is_required = true},
    {0}};

/* ---- what the blocked operators share ----------------------------------------------------------- */

void pgi_type_to_blocked(const pgi_type *plain, int64_t lanes, pgi_type *out) {
  pgi_dim channels = plain->dims[1];
  *out = *plain;
  out->rank = plain->rank + 1;
  out->dims[1] = channels.n < 0 ? pgi_dim_unknown() : pgi_dim_of((channels.n + lanes - 1) / lanes);
  out->dims[plain->rank] = pgi_dim_of(lanes);
}

void pgi_type_from_blocked(const pgi_type *blocked, pgi_dim channels, pgi_type *out) {
  *out = *blocked;
  out->rank = blocked->rank - 1;
  out->dims[1] = channels;
}

pg_status pgi_blocked_lanes(const pgi_call *call, int64_t *out) {
  const pgi_blocked_f32 *kernel = call->ctx->kernels[PG_K_BLOCKED_F32];
  *out = pgi_attr_int(call->node, "lanes");
  if (*out == kernel->lanes) return PG_OK;
  return pgi_fail(call->err, PG_INTERNAL, "blocks of %lld lanes, the kernels have %d",
                  (long long)*out, kernel->lanes);
}

void pgi_blocked_window(const pgi_window *w, int64_t lanes, pgi_blocked_conv *out) {
  int x = w->n - 1, y = w->n - 2; /* y: -1 on lines */
  *out = (pgi_blocked_conv){.in_h = y < 0 ? 1 : w->in[y],
                            .in_w = w->in[x],
                            .out_h = y < 0 ? 1 : w->out[y],
                            .out_w = w->out[x],
                            .kernel_h = y < 0 ? 1 : w->kernel[y],
                            .kernel_w = w->kernel[x],
                            .stride_h = y < 0 ? 1 : w->stride[y],
                            .stride_w = w->stride[x],
                            .dilation_h = y < 0 ? 1 : w->dilation[y],
                            .dilation_w = w->dilation[x],
                            .before_h = y < 0 ? 0 : w->before[y],
                            .before_w = w->before[x],
                            .depth = lanes,
                            .channel = 1,
                            .pixel = lanes,
                            .block = w->in_size * lanes,
                            .out_block = w->out_size * lanes};
}

pg_status pgi_infer_unblocked(pgi_infer *inf, pgi_dim channels,
                              pg_status (*infer)(pgi_infer *inf, pgi_type *out)) {
  enum { MOST = 8 };
  pgi_type plain, made = pgi_type_tensor(pgi_in_dtype(inf, 0));
  const pgi_type *in[MOST];
  pgi_infer shadow = *inf;
  inf->out[0] = made;
  if (pgi_in_rank(inf, 0) < 4 || inf->n_in > MOST) return PG_OK;
  pgi_type_from_blocked(inf->in[0], channels, &plain);
  for (int i = 0; i < inf->n_in; i++) in[i] = i == 0 ? &plain : inf->in[i];
  shadow.in = in;
  PG_TRY(infer(&shadow, &made));
  if (made.rank >= 3) pgi_type_to_blocked(&made, pgi_attr_int(inf->node, "lanes"), &inf->out[0]);
  return PG_OK;
}

/* ---- sharing out -------------------------------------------------------------------------------- */

enum {
  TASK_BYTES = 1 << 19, /* of input, at most: half of a second-level cache */
  TASKS = 8,            /* wanted */
  LEAST_WORK = 1 << 17  /* multiplications of a task: a microsecond */
};

static int64_t pieces_of(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

/* As many pieces as wanted, or the half of it and so on, if they come out nearly equal. */
static int64_t even_piece(int64_t steps, int64_t wanted) {
  for (; wanted > 1; wanted /= 2) {
    int64_t size = pieces_of(steps, wanted), n = pieces_of(steps, size);
    if (n == wanted && n * size - steps <= steps / (wanted > 2 ? 12 : 6)) return size;
  }
  return steps;
}

void pgi_blocked_cut_init(pgi_blocked_cut *cut, int64_t lines, int64_t step, int64_t least,
                          int64_t units, int64_t bytes, int64_t work) {
  int64_t steps = PG_MAX(1, pieces_of(lines, step)), all = PG_MAX(1, units);
  int64_t line_work = PG_MAX(1, work) * all;
  int64_t smallest = pieces_of(PG_MAX(least, pieces_of(LEAST_WORK, line_work)), step);
  int64_t largest = PG_MAX(1, TASK_BYTES / PG_MAX(1, bytes) / step); /* for the cache */
  int64_t size;
  if (steps > largest) {
    int64_t n = pieces_of(steps, largest), many = pieces_of(n, TASKS) * TASKS;
    size = pieces_of(steps, many * smallest <= steps ? many : n + n % 2);
  } else {
    int64_t wanted = 1;
    while (wanted < TASKS && wanted * 2 * smallest <= steps) wanted *= 2;
    size = even_piece(steps, wanted);
  }
  *cut = (pgi_blocked_cut){.lines = lines, .per_piece = size * step, .units = units};
  cut->pieces = PG_MAX(1, pieces_of(lines, cut->per_piece));
  int64_t group = pieces_of(LEAST_WORK, PG_MAX(1, work) * PG_MIN(cut->per_piece, lines));
  cut->per_group = cut->pieces >= TASKS ? all : PG_MIN(group, all);
  cut->groups = pieces_of(all, cut->per_group);
}

/* ---- shapes ------------------------------------------------------------------------------------- */

static pg_status infer_to(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  int rank = pgi_in_rank(inf, 0);
  if (rank < 0) return PG_OK;
  if (rank < 3 || rank >= PG_MAX_RANK) {
    return pgi_fail(inf->err, PG_INVALID, "input 0: can't block rank %d", rank);
  }
  pgi_type_to_blocked(inf->in[0], pgi_attr_int(inf->node, "lanes"), &inf->out[0]);
  return PG_OK;
}

static pg_status infer_from(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  if (pgi_in_rank(inf, 0) < 4) return PG_OK;
  pgi_dim channels = pgi_dim_of(pgi_attr_int(inf->node, "channels"));
  pgi_type_from_blocked(inf->in[0], channels, &inf->out[0]);
  return PG_OK;
}

/* ---- running ------------------------------------------------------------------------------------ */

enum { PIXELS = 1024 }; /* of a task */

typedef struct run {
  const pgi_gemm_f32 *gemm;
  const float *from;
  float *to;
  int64_t channels, size, lanes, blocks, chunks;
  bool is_back;
} run;

static void task(void *arg, int64_t i) {
  const run *r = arg;
  int64_t chunk = i % r->chunks, block = i / r->chunks % r->blocks,
          image = i / r->chunks / r->blocks;
  int64_t first = block * r->lanes, n = PG_MIN(r->channels - first, r->lanes);
  int64_t p0 = chunk * PIXELS, pixels = PG_MIN(r->size - p0, PIXELS);
  int64_t plain = (image * r->channels + first) * r->size + p0;
  int64_t blocked = ((image * r->blocks + block) * r->size + p0) * r->lanes;
  if (r->is_back) {
    r->gemm->transpose(pixels, n, r->from + blocked, r->lanes, 1, r->size, r->to + plain);
    return;
  }
  float *to = r->to + blocked;
  if (n < r->lanes) memset(to, 0, (size_t)(pixels * r->lanes) * sizeof *to);
  r->gemm->transpose(n, pixels, r->from + plain, r->size, 1, r->lanes, to);
}

static pg_status convert(pgi_call *call, const pg_tensor *plain, const void *from, void *to,
                         bool is_back) {
  run r = {.gemm = call->ctx->kernels[PG_K_GEMM_F32],
           .from = from,
           .to = to,
           .channels = plain->dims[1],
           .is_back = is_back};
  PG_TRY(pgi_blocked_lanes(call, &r.lanes));
  r.size = pgi_dims_product(plain->dims, 2, plain->rank);
  r.blocks = (r.channels + r.lanes - 1) / r.lanes;
  r.chunks = (r.size + PIXELS - 1) / PIXELS;
  pgi_call_parallel(call, plain->dims[0] * r.blocks * r.chunks, task, &r);
  return PG_OK;
}

static pg_status run_to(pgi_call *call) {
  return convert(call, call->in[0], pgi_tensor_data(call->in[0]), pgi_tensor_data(call->out[0]),
                 false);
}

static pg_status run_from(pgi_call *call) {
  return convert(call, call->out[0], pgi_tensor_data(call->in[0]), pgi_tensor_data(call->out[0]),
                 true);
}

PG_OP(to_blocked) = {.name = "ToBlocked",
                     .domain = "perigee",
                     .since = {1},
                     .in = {1, 1},
                     .out = {1, 1},
                     .types = PG_T(PG_F32),
                     .attrs = to_attrs,
                     .flags = PG_OP_PRIVATE,
                     .infer = infer_to,
                     .run = run_to};
PG_OP(from_blocked) = {.name = "FromBlocked",
                       .domain = "perigee",
                       .since = {1},
                       .in = {1, 1},
                       .out = {1, 1},
                       .types = PG_T(PG_F32),
                       .attrs = from_attrs,
                       .flags = PG_OP_PRIVATE,
                       .infer = infer_from,
                       .run = run_from};
