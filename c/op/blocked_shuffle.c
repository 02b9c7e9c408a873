/* BlockedShuffle: two blocked values of as many channels, joined by taking a channel of each in turn, and
** cut into as many equal parts as there are outputs: what the units of ShuffleNet end with. */
#include "op/blocked.h"

static const pgi_attr_def attrs[] = {
    {.name = "channels", .kind = PG_ATTR_INT, .is_required = true}, /* of each input */
    {.name = "lanes", .kind = PG_ATTR_INT, .is_required = true},
    {0}};

static pg_status infer(pgi_infer *inf) {
  int64_t lanes = pgi_attr_int(inf->node, "lanes"), parts = inf->n_out;
  int64_t channels = 2 * pgi_attr_int(inf->node, "channels") / parts;
  for (int i = 0; i < inf->n_out; i++) {
    inf->out[i] = pgi_type_tensor(pgi_in_dtype(inf, 0));
    if (pgi_in_rank(inf, 0) < 4) continue;
    inf->out[i] = *inf->in[0];
    inf->out[i].dims[1] = pgi_dim_of((channels + lanes - 1) / lanes);
  }
  return PG_OK;
}

enum { PIXELS = 98 }; /* of a task */

typedef struct run {
  int64_t lanes, channels, size, in_blocks, part, out_blocks, chunks, images;
  const float *x[2];
  const pgi_call *call;
} run;

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define HAS_SHUFFLE
#endif
#endif

/* Four numbers of each in turn, in vectors where the compiler has a name for it: it doesn't find it by
** itself. */
static inline void interleave_four(const float *a, const float *b, float *y) {
#ifdef HAS_SHUFFLE
  typedef float quad __attribute__((vector_size(16)));
  quad p, q;
  memcpy(&p, a, sizeof p);
  memcpy(&q, b, sizeof q);
  quad low = __builtin_shufflevector(p, q, 0, 4, 1, 5);
  quad high = __builtin_shufflevector(p, q, 2, 6, 3, 7);
  memcpy(y, &low, sizeof low);
  memcpy(y + 4, &high, sizeof high);
#else
  for (int l = 0; l < 4; l++) {
    y[2 * l] = a[l];
    y[2 * l + 1] = b[l];
  }
#endif
}

/* n pixels of a block whose channels lie side by side in both inputs, half of them in each. */
static inline void interleave(int64_t n, const int half, const float *a, const float *b, float *y) {
  for (int64_t p = 0; p < n; p++, a += 2 * half, b += 2 * half, y += 2 * half) {
    for (int l = 0; l < half; l += 4) interleave_four(a + l, b + l, y + 2 * l);
  }
}

/* Some pixels of one block of one output. */
static void block_task(const run *r, int64_t image, int64_t out, int64_t block, int64_t first,
                       int64_t n) {
  const float *from[PG_BLOCKED_MAX_LANES];
  for (int64_t l = 0; l < r->lanes; l++) {
    int64_t k = out * r->part + PG_MIN(block * r->lanes + l, r->part - 1), c = k / 2;
    int64_t plane = image * r->in_blocks + c / r->lanes;
    from[l] = r->x[k % 2] + (plane * r->size + first) * r->lanes + c % r->lanes;
  }
  float *y = pgi_tensor_data(r->call->out[out]);
  y += ((image * r->out_blocks + block) * r->size + first) * r->lanes;
  int64_t k0 = out * r->part + block * r->lanes, c0 = k0 / 2 % r->lanes, half = r->lanes / 2;
  bool is_full = (block + 1) * r->lanes <= r->part;
  bool is_even = is_full && k0 % 2 == 0 && c0 + half <= r->lanes;
  if (is_even && half == 8) {
    interleave(n, 8, from[0], from[1], y);
    return;
  }
  if (is_even && half == 4) {
    interleave(n, 4, from[0], from[1], y);
    return;
  }
  for (int64_t p = 0; p < n; p++, y += r->lanes) {
    for (int64_t l = 0; l < r->lanes; l++) y[l] = from[l][p * r->lanes];
  }
}

static void task(void *arg, int64_t i) {
  const run *r = arg;
  int64_t first = i % r->chunks * PIXELS, image = i / r->chunks;
  int64_t n = PG_MIN(PIXELS, r->size - first);
  for (int out = 0; out < r->call->n_out; out++) {
    if (!r->call->out[out]) continue;
    for (int64_t b = 0; b < r->out_blocks; b++) block_task(r, image, out, b, first, n);
  }
}

static pg_status run_shuffle(pgi_call *call) {
  const pg_tensor *a = call->in[0], *b = call->in[1];
  run r = {.channels = pgi_attr_int(call->node, "channels"),
           .x = {pgi_tensor_data(a), pgi_tensor_data(b)},
           .call = call};
  PG_TRY(pgi_blocked_lanes(call, &r.lanes));
  r.in_blocks = a->dims[1];
  if (!pgi_same_dims(a, b) || r.in_blocks != (r.channels + r.lanes - 1) / r.lanes ||
      2 * r.channels % call->n_out != 0) {
    return pgi_fail(call->err, PG_INVALID, "expected two values of %lld channels",
                    (long long)r.channels);
  }
  r.images = a->dims[0];
  r.size = pgi_dims_product(a->dims, 2, a->rank - 1);
  r.part = 2 * r.channels / call->n_out;
  r.out_blocks = (r.part + r.lanes - 1) / r.lanes;
  r.chunks = (r.size + PIXELS - 1) / PIXELS;
  pgi_call_parallel(call, r.images * r.chunks, task, &r);
  return PG_OK;
}

PG_OP(blocked_shuffle) = {.name = "BlockedShuffle",
                          .domain = "perigee",
                          .since = {1},
                          .in = {2, 2},
                          .out = {1, PG_MANY},
                          .types = PG_T(PG_F32),
                          .attrs = attrs,
                          .flags = PG_OP_PRIVATE,
                          .infer = infer,
                          .run = run_shuffle};
