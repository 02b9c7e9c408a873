/* digest: fingerprints of bytes.
**
** SHA-256 (FIPS 180-4) names a file or a tensor in certificates.  XXH64 (github.com/Cyan4973/xxHash,
** doc/xxhash_spec.md) finds damage in perigee's own container; it runs as fast as memory is read. */
#include "base/base.h"

/* ---- SHA-256 -------------------------------------------------------------------------------- */

static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int n) {
  return x >> n | x << (32 - n);
}

static void sha256_block(uint32_t *state, const uint8_t *p) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++, p += 4)
    w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
           (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
  }
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
                  ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constant[i] + w[i];
    uint32_t t2 = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) +
                  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

void pgi_sha256_init(pgi_sha256 *h) {
  *h = (pgi_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                              0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void pgi_sha256_add(pgi_sha256 *h, const void *data, size_t size) {
  const uint8_t *p = data;
  size_t held = (size_t)(h->size % sizeof h->block);
  h->size += size;
  if (held) {
    size_t n = PG_MIN(size, sizeof h->block - held);
    memcpy(h->block + held, p, n);
    p += n;
    size -= n;
    if (held + n < sizeof h->block) return;
    sha256_block(h->state, h->block);
  }
  for (; size >= sizeof h->block; p += sizeof h->block, size -= sizeof h->block)
    sha256_block(h->state, p);
  if (size) memcpy(h->block, p, size);
}

void pgi_sha256_end(pgi_sha256 *h, char *text) {
  static const char digits[] = "0123456789abcdef";
  uint8_t tail[72] = {0x80};
  uint64_t bits = h->size * 8;
  size_t n = (size_t)((119 - h->size % 64) % 64) + 1; /* up to 8 bytes before a block's end */
  for (int i = 0; i < 8; i++) tail[n + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
  pgi_sha256_add(h, tail, n + 8);
  for (int i = 0; i < 64; i++) text[i] = digits[h->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
  text[64] = 0;
}

/* ---- XXH64 ---------------------------------------------------------------------------------- */

static const uint64_t P1 = 0x9E3779B185EBCA87, P2 = 0xC2B2AE3D27D4EB4F, P3 = 0x165667B19E3779F9,
                      P4 = 0x85EBCA77C2B2AE63, P5 = 0x27D4EB2F165667C5;

static uint64_t left(uint64_t x, int n) {
  return x << n | x >> (64 - n);
}

static uint64_t lane(uint64_t acc, const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return left(acc + v * P2, 31) * P1;
}

static uint64_t fold(uint64_t acc, uint64_t v) {
  return (acc ^ left(v * P2, 31) * P1) * P1 + P4;
}

uint64_t pgi_xxh64(const void *data, size_t size) {
  const uint8_t *p = data, *end = p + size;
  uint64_t acc = P5;
  if (size >= 32) {
    uint64_t a = P1 + P2, b = P2, c = 0, d = 0 - P1;
    for (; end - p >= 32; p += 32) {
      a = lane(a, p);
      b = lane(b, p + 8);
      c = lane(c, p + 16);
      d = lane(d, p + 24);
    }
    acc = left(a, 1) + left(b, 7) + left(c, 12) + left(d, 18);
    acc = fold(fold(fold(fold(acc, a), b), c), d);
  }
  acc += size;
  for (; end - p >= 8; p += 8) acc = left(acc ^ lane(0, p), 27) * P1 + P4;
  if (end - p >= 4) {
    uint32_t v;
    memcpy(&v, p, 4);
    acc = left(acc ^ v * P1, 23) * P2 + P3;
    p += 4;
  }
  for (; p < end; p++) acc = left(acc ^ *p * P5, 11) * P1;
  acc = (acc ^ acc >> 33) * P2;
  acc = (acc ^ acc >> 29) * P3;
  return acc ^ acc >> 32;
}
