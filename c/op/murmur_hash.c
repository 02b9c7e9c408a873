/* MurmurHash3 (com.microsoft): each element's 32-bit hash.  The function is MurmurHash3_x86_32 of
** Austin Appleby's SMHasher, which is in the public domain; here from its description. */
#include "op/move.h"

static uint32_t rotate(uint32_t x, int by) {
  return x << by | x >> (32 - by);
}

static uint32_t mix_in(uint32_t hash, uint32_t word) {
  return hash ^ rotate(word * 0xcc9e2d51u, 15) * 0x1b873593u;
}

/* Words are read lowest byte first, the last one filled up with zeros. */
static uint32_t murmur3(const char *key, size_t size, uint32_t seed) {
  uint32_t hash = seed;
  for (size_t at = 0; at < size; at += 4) {
    uint32_t word = 0;
    bool is_whole = size - at >= 4;
    for (size_t i = 0; i < 4 && at + i < size; i++)
      word |= (uint32_t)(unsigned char)key[at + i] << (8 * i);
    hash = mix_in(hash, word);
    if (is_whole) hash = rotate(hash, 13) * 5 + 0xe6546b64u;
  }
  hash ^= (uint32_t)size;
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

static pg_status infer(pgi_infer *inf) {
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = pgi_attr_int(inf->node, "positive") ? PG_U32 : PG_I32;
  return PG_OK;
}

static pg_status run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  uint32_t *out = pgi_tensor_data(c->out[0]);
  uint32_t seed = (uint32_t)pgi_attr_int(c->node, "seed");
  const pg_string *strings = pgi_tensor_data(in);
  pgi_elems from;
  PG_TRY(pgi_elems_of(c, in, &from));
  for (int64_t i = 0; i < pgi_tensor_count(in); i++) {
    bool is_text = in->dtype == PG_STRING;
    const char *key = is_text ? strings[i].data : from.data + i * (int64_t)from.size;
    out[i] = murmur3(key, is_text ? strings[i].size : from.size, seed);
  }
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
