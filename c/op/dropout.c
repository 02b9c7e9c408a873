/* Dropout: nothing in inference; in training mode elements are dropped at random and the others
** scaled up. */
#include "op/elementwise.h"

/* ---- upgrade -------------------------------------------------------------------------------------- */

/* Until opset 10 the mask had the type of the data. */
static pg_status upgrade_mask(pgi_node *node, pg_error *err) {
  if (node->n_out < 2 || !node->out[1] || !node->in[0].value) return PG_OK;
  pgi_value *old = node->out[1], *mask;
  PG_TRY(pgi_edit_value(node->graph, NULL, &mask, err));
  PG_TRY(pgi_edit_set_output(node, 1, mask, err));
  pgi_value *in[2] = {mask, node->in[0].value};
  pgi_node *cast;
  PG_TRY(pgi_edit_node(node->graph, node->next, "", "CastLike", 2, in, 1, &old, &cast, err));
  cast->op = pgi_op_find("", "CastLike");
  cast->version = pgi_opset_newest("");
  return PG_OK;
}

/* Old networks are run, not trained: is_test or not, Dropout-1 and Dropout-6 do nothing. */
static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  PG_TRY(pgi_upgrade_consumed(node, version, err));
  pgi_attr_remove(node, "is_test");
  if (version < 12) PG_TRY(pgi_upgrade_float_to_input(node, "ratio", 1, err));
  return version < 10 ? upgrade_mask(node, err) : PG_OK;
}

/* ---- infer ---------------------------------------------------------------------------------------- */

static pg_status infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  if (inf->n_out < 2) return PG_OK;
  if (pgi_in_rank(inf, 0) >= 0) inf->out[1] = *inf->in[0];
  inf->out[1].kind = PG_TYPE_TENSOR;
  inf->out[1].dtype = PG_BOOL;
  return PG_OK;
}

/* ---- random numbers ------------------------------------------------------------------------------- */

/* The Mersenne Twister (Matsumoto and Nishimura 1998), seeded and drawn from as ONNX's reference does:
** a seed gives the mask that it gives there. */
enum { MT_N = 624, MT_M = 397 };
typedef struct twister {
  uint32_t state[MT_N];
  int next;
} twister;

static void twister_init(twister *t, uint32_t seed) {
  t->state[0] = seed;
  for (uint32_t i = 1; i < MT_N; i++)
    t->state[i] = 1812433253u * (t->state[i - 1] ^ t->state[i - 1] >> 30) + i;
  t->next = MT_N;
}

static void twister_refill(twister *t) {
  for (int i = 0; i < MT_N; i++) {
    uint32_t y = (t->state[i] & 0x80000000u) | (t->state[(i + 1) % MT_N] & 0x7fffffffu);
    t->state[i] = t->state[(i + MT_M) % MT_N] ^ y >> 1 ^ ((y & 1) ? 0x9908b0dfu : 0);
  }
  t->next = 0;
}

static uint32_t twister_u32(twister *t) {
  if (t->next == MT_N) twister_refill(t);
  uint32_t y = t->state[t->next++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}

static double twister_uniform(twister *t) {
  double high = (double)(twister_u32(t) >> 5);
  return (high * 67108864.0 + (double)(twister_u32(t) >> 6)) / 9007199254740992.0;
}

/* ---- run ------------------------------------------------------------------------------------------ */

static const pg_tensor *in(const pgi_call *c, int i) {
  return i < c->n_in ? c->in[i] : NULL;
}
static const pg_tensor *mask_of(const pgi_call *c) {
  return c->n_out > 1 ? c->out[1] : NULL;
}

static pg_status keep_all(pgi_call *c) {
  const pg_tensor *mask = mask_of(c);
  if (mask && pgi_tensor_count(mask) > 0)
    memset(pgi_tensor_data(mask), 1, (size_t)pgi_tensor_count(mask));
  if (!c->out[0] || c->out[0]->dtype == PG_NONE) return PG_OK;
  size_t bytes = pg_tensor_bytes(c->out[0]);
  void *to = pgi_tensor_data(c->out[0]);
  const void *from = pgi_tensor_data(c->in[0]);
  if (bytes > 0 && to != from) memcpy(to, from, bytes);
  return PG_OK;
}

enum { BLOCK = 512 };

/* One after the other: the mask is one stream of numbers. */
static void drop(pgi_call *c, double ratio) {
  const pg_tensor *data = c->in[0], *out = c->out[0];
  uint8_t *mask = mask_of(c) ? pgi_tensor_data(mask_of(c)) : NULL;
  double block[BLOCK], scale = ratio < 1 ? 1 / (1 - ratio) : 0;
  twister t;
  /* Without a seed it is 0: a run gives the same as the run before. */
  twister_init(&t, (uint32_t)pgi_attr_int(c->node, "seed"));
  int64_t count = pgi_tensor_count(data);
  for (int64_t first = 0; first < count; first += BLOCK) {
    int64_t n = PG_MIN(count - first, (int64_t)BLOCK);
    pgi_load_f64(data->dtype, pgi_tensor_data(data), first, n, block);
    for (int64_t i = 0; i < n; i++) {
      bool is_kept = twister_uniform(&t) >= ratio;
      block[i] *= is_kept ? scale : 0;
      if (mask) mask[first + i] = is_kept;
    }
    if (out) pgi_store_f64(out->dtype, pgi_tensor_data(out), first, n, block);
  }
}

static bool is_on(const pg_tensor *mode) {
  return mode->dtype == PG_BOOL && pgi_tensor_count(mode) == 1 && pgi_tensor_get_i64(mode, 0) != 0;
}

static pg_status run(pgi_call *c) {
  const pg_tensor *mode = in(c, 2), *given = in(c, 1);
  if (!mode || !is_on(mode)) return keep_all(c);
  if (given && (pgi_tensor_count(given) != 1 || pgi_dtype_kind(given->dtype) != PG_KIND_FLOAT))
    return pgi_fail(c->err, PG_INVALID, "input 1: expected a float for the ratio");
  if (pgi_dtype_kind(c->in[0]->dtype) != PG_KIND_FLOAT)
    return pgi_fail(c->err, PG_INVALID, "input 0: expected floats, got %s",
                    pg_dtype_name(c->in[0]->dtype));
  double ratio = given ? pgi_tensor_get_f64(given, 0) : 0.5;
  if (!(ratio >= 0 && ratio < 1))
    return pgi_fail(c->err, PG_INVALID, "input 1: expected a ratio in [0, 1), got %g", ratio);
  if (ratio == 0) return keep_all(c);
  drop(c, ratio);
  return PG_OK;
}

static bool is_identity(const pgi_node *node) {
  if (node->n_out > 1 && node->out[1] && node->out[1]->uses) return false;
  const pgi_value *mode = node->n_in > 2 ? node->in[2].value : NULL;
  if (!mode) return true;
  return pgi_value_is_constant(mode) && !is_on(&mode->constant);
}

static const pgi_attr_def attrs[] = {{.name = "seed", .kind = PG_ATTR_INT}, {0}};

PG_OP(dropout) = {
    .name = "Dropout",
    .since = {1, 6, 7, 10, 12, 13, 22},
    .in = {1, 3},
    .out = {1, 2},
    .types = PG_T_FLOAT | PG_T_F8,
    .attrs = attrs,
    .flags = PG_OP_RANDOM,
    .upgrade = upgrade,
    .infer = infer,
    .run = run,
    .is_identity = is_identity,
};
