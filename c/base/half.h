/* half: f16 and bf16 conversions inline and without branches, for loops that the compiler turns
** into vector code.  The functions of half.c are these. */
#ifndef PG_HALF_H
#define PG_HALF_H

#include "base/base.h"

static inline uint32_t pgi_f32_bits(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

static inline float pgi_f32_from_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* Moved into an f32's exponent field the value is 2^112 too small, subnormal or not. */
static inline float pgi_half_to_f32(uint16_t h) {
  uint32_t moved = (uint32_t)(h & 0x7fff) << 13;
  uint32_t finite = pgi_f32_bits(pgi_f32_from_bits(moved) * 0x1p112f);
  uint32_t quiet = moved > 0x0f800000u ? 0x00400000u : 0;
  uint32_t special = moved | 0x7f800000u | quiet;
  uint32_t magnitude = moved >= 0x0f800000u ? special : finite;
  return pgi_f32_from_bits((uint32_t)(h & 0x8000) << 16 | magnitude);
}

/* Adding 0.5, whose last bit is worth 2^-24, rounds to a multiple of f16's least subnormal. */
static inline uint16_t pgi_half_from_f32(float f) {
  uint32_t bits = pgi_f32_bits(f);
  uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t normal = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1)) >> 13;
  uint32_t small = pgi_f32_bits(pgi_f32_from_bits(magnitude) + 0.5f) - 0x3f000000u;
  uint32_t nan = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  uint32_t h = magnitude < 0x38800000u ? small : normal;
  h = magnitude >= 0x477ff000u ? 0x7c00u : h; /* from 65520 on */
  h = magnitude > 0x7f800000u ? nan : h;
  return (uint16_t)((bits >> 16 & 0x8000u) | h);
}

static inline uint16_t pgi_bfloat_from_f32(float f) {
  uint32_t bits = pgi_f32_bits(f);
  uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  uint32_t nan = bits >> 16 | 0x40u;
  return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

#endif
