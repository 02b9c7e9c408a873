/* MurmurHash3 of com.microsoft: the 32-bit hash of Appleby's SMHasher (MurmurHash3_x86_32) of each
** element's bytes, of a string's characters. */
#include "op/move.h"

static uint32_t turn(uint32_t x, int n) {
  return x << n | x >> (32 - n);
}

static uint32_t mix(uint32_t k) {
  return turn(k * 0xCC9E2D51u, 15) * 0x1B873593u;
}

static uint32_t hash(const uint8_t *data, size_t n, uint32_t seed) {
  uint32_t h = seed, k = 0;
  size_t at = 0;
  for (; at + 4 <= n; at += 4) {
    uint32_t word = (uint32_t)data[at] | (uint32_t)data[at + 1] << 8 |
                    (uint32_t)data[at + 2] << 16 | (uint32_t)data[at + 3] << 24;
    h = turn(h ^ mix(word), 13) * 5 + 0xE6546B64u;
  }
  for (size_t i = n; i > at; i--) k = k << 8 | data[i - 1];
  if (n > at) h ^= mix(k);
  h ^= (uint32_t)n;
  h = (h ^ h >> 16) * 0x85EBCA6Bu;
  h = (h ^ h >> 13) * 0xC2B2AE35u;
  return h ^ h >> 16;
}

static pg_status infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].dtype = pgi_attr_int(inf->node, "positive") ? PG_U32 : PG_I32;
  return PG_OK;
}

static pg_status run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  uint32_t seed = (uint32_t)pgi_attr_int(c->node, "seed"), *y = pgi_tensor_data(c->out[0]);
  size_t size = pgi_dtype_size(x->dtype);
  const uint8_t *bytes = pgi_tensor_data(x);
  const pg_string *texts = pgi_tensor_data(x);
  int64_t n = pgi_tensor_count(x);
  for (int64_t i = 0; i < n; i++)
    y[i] = x->dtype == PG_STRING ? hash((const uint8_t *)texts[i].data, texts[i].size, seed)
                                 : hash(bytes + (size_t)i * size, size, seed);
  return PG_OK;
}

static const pgi_attr_def attrs[] = {
    {.name = "positive", .kind = PG_ATTR_INT, .i = 1}, {.name = "seed", .kind = PG_ATTR_INT}, {0}};

PG_OP(ms_murmur_hash) = {
    .name = "MurmurHash3",
    .domain = "com.microsoft",
    .since = {1},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_I32) | PG_T(PG_U32) | PG_T(PG_I64) | PG_T(PG_U64) | PG_T(PG_F32) |
             PG_T(PG_F64) | PG_T(PG_STRING),
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
