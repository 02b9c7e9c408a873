/* random: Philox4x32-10, "Parallel random numbers: as easy as 1, 2, 3", Salmon et al., SC 2011. */
#include <math.h>

#include "base/base.h"

static void philox_round(uint32_t c[4], const uint32_t key[2]) {
  uint64_t a = (uint64_t)0xD2511F53u * c[0];
  uint64_t b = (uint64_t)0xCD9E8D57u * c[2];
  uint32_t next[4] = {
      (uint32_t)(b >> 32) ^ c[1] ^ key[0],
      (uint32_t)b,
      (uint32_t)(a >> 32) ^ c[3] ^ key[1],
      (uint32_t)a,
  };
  memcpy(c, next, sizeof next);
}

static void philox(uint32_t counter[4], uint32_t key[2]) {
  for (int i = 0; i < 10; i++) {
    philox_round(counter, key);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
}

void pgi_random_init(pgi_random *r, uint64_t seed) {
  *r = (pgi_random){.seed = seed};
}

static void refill(pgi_random *r) {
  uint32_t key[2] = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)};
  r->block[0] = (uint32_t)r->counter;
  r->block[1] = (uint32_t)(r->counter >> 32);
  r->block[2] = r->block[3] = 0;
  philox(r->block, key);
  r->counter++;
  r->left = 4;
}

uint32_t pgi_random_u32(pgi_random *r) {
  if (r->left == 0) refill(r);
  return r->block[4 - r->left--];
}

double pgi_random_uniform(pgi_random *r) {
  uint64_t high = pgi_random_u32(r) >> 5;
  uint64_t low = pgi_random_u32(r) >> 6;
  return (double)(high << 26 | low) * 0x1p-53;
}

/* 1 - u lies in (0, 1], which the logarithm takes. */
double pgi_random_normal(pgi_random *r) {
  double radius = sqrt(-2.0 * log(1.0 - pgi_random_uniform(r)));
  return radius * cos(6.283185307179586 * pgi_random_uniform(r));
}
