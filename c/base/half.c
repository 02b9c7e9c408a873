/* half: conversions of the floating-point kinds that C has no type for.  All round to nearest even,
** but for E8M0, which has modes of its own. */
#include "base/half.h"

/* x >> shift, rounded to nearest even; 1 <= shift <= 31. */
static uint32_t shift_rne(uint32_t x, int shift) {
  uint32_t half = (uint32_t)1 << (shift - 1);
  return (x + (half - 1) + (x >> shift & 1)) >> shift;
}

/* ---- f16, bf16 ------------------------------------------------------------------------------ */

float pgi_f16_to_f32(uint16_t h) {
  return pgi_half_to_f32(h);
}

uint16_t pgi_f32_to_f16(float f) {
  return pgi_half_from_f32(f);
}

uint16_t pgi_f32_to_bf16(float f) {
  return pgi_bfloat_from_f32(f);
}

static double magnitude_of(double d) {
  return d < 0 ? -d : d;
}

float pgi_f64_to_f32_odd(double d) {
  float f = (float)d;
  uint32_t bits = pgi_f32_bits(f);
  if ((double)f == d || d != d || (bits & 0x7fffffff) == 0x7f800000) return f;
  if (magnitude_of((double)f) > magnitude_of(d)) bits--;
  return pgi_f32_from_bits(bits | 1);
}

uint16_t pgi_f64_to_f16(double d) {
  return pgi_f32_to_f16(pgi_f64_to_f32_odd(d));
}

/* ---- f8, f4 --------------------------------------------------------------------------------- */

/* A sign bit on top, then exponent and mantissa; `largest` is the greatest finite code. */
typedef struct small_format {
  int mantissa_bits, bias;
  uint8_t sign, largest;
  uint8_t nan;      /* without sign, unless has_one_nan */
  uint8_t overflow; /* what infinity becomes when not saturating, without sign */
  bool has_one_nan; /* the FNUZ kinds: NaN is the code of -0, which doesn't exist */
} small_format;

static const small_format e4m3fn = {3, 7, 0x80, 0x7e, 0x7f, 0x7f, false};
static const small_format e4m3fnuz = {3, 8, 0x80, 0x7f, 0x80, 0x80, true};
static const small_format e5m2 = {2, 15, 0x80, 0x7b, 0x7e, 0x7c, false};
static const small_format e5m2fnuz = {2, 16, 0x80, 0x7f, 0x80, 0x80, true};
static const small_format e2m1 = {1, 1, 0x08, 0x07, 0x08, 0x07, false};

static const small_format *format_of(pg_dtype dtype) {
  switch (dtype) {
    case PG_F8E4M3FN:
      return &e4m3fn;
    case PG_F8E4M3FNUZ:
      return &e4m3fnuz;
    case PG_F8E5M2:
      return &e5m2;
    case PG_F8E5M2FNUZ:
      return &e5m2fnuz;
    default:
      return &e2m1;
  }
}

static float e8m0_to_f32(uint8_t bits) {
  if (bits == 0xff) return pgi_f32_from_bits(0x7fc00000);
  return pgi_f32_from_bits(bits ? (uint32_t)bits << 23 : 0x00400000); /* 2^-127 is subnormal */
}

float pgi_f8_to_f32(pg_dtype dtype, uint8_t bits) {
  if (dtype == PG_F8E8M0) return e8m0_to_f32(bits);
  const small_format *k = format_of(dtype);
  uint32_t code = bits & (uint32_t)(k->sign - 1);
  uint32_t sign = bits & k->sign ? 0x80000000u : 0;
  if (k->has_one_nan && bits == k->nan) return pgi_f32_from_bits(0x7fc00000);
  if (code > k->largest)
    return pgi_f32_from_bits(sign | (code == 0x7c ? 0x7f800000u : 0x7fc00000u));
  int shift = 23 - k->mantissa_bits;
  uint32_t rebias = (uint32_t)(127 - k->bias) << 23;
  if (code >> k->mantissa_bits) return pgi_f32_from_bits(sign | ((code << shift) + rebias));
  float least = pgi_f32_from_bits((uint32_t)(128 - k->bias - k->mantissa_bits) << 23);
  return pgi_f32_from_bits(sign | pgi_f32_bits((float)code * least));
}

/* A finite magnitude rounded to a code, which may lie beyond the largest. */
static uint32_t round_to_code(const small_format *k, uint32_t magnitude) {
  int shift = 23 - k->mantissa_bits;
  int exponent = (int)(magnitude >> 23) - 127 + k->bias; /* biased as the code's */
  if (exponent > 31) return 0xff;
  if (exponent >= 1) return shift_rne((uint32_t)exponent << 23 | (magnitude & 0x7fffff), shift);
  shift += 1 - exponent;
  return shift > 25 ? 0 : shift_rne((magnitude & 0x7fffff) | 0x800000, shift);
}

uint8_t pgi_f32_to_f8(pg_dtype dtype, float f, bool saturate) {
  if (dtype == PG_F8E8M0) return pgi_f32_to_e8m0(f, 'u', saturate);
  const small_format *k = format_of(dtype);
  uint32_t magnitude = pgi_f32_bits(f) & 0x7fffffff;
  uint8_t sign = pgi_f32_bits(f) >> 31 ? k->sign : 0;
  if (magnitude > 0x7f800000) {
    if (dtype == PG_F4E2M1) return sign ^ k->nan; /* ONNX's test data: NaN gives -0 */
    return k->has_one_nan ? k->nan : sign | k->nan;
  }
  uint32_t code = magnitude == 0x7f800000 ? 0xff : round_to_code(k, magnitude);
  if (code > k->largest) {
    if (saturate) return sign | k->largest;
    return k->has_one_nan ? k->nan : sign | k->overflow;
  }
  if (code == 0 && k->has_one_nan) return 0;
  return (uint8_t)(sign | code);
}

/* The scale of a block, from ONNX's table for Cast-24; the sign is dropped, as ONNX's reference
** does.  Code e stands for 2^(e - 127). */
uint8_t pgi_f32_to_e8m0(float f, char mode, bool saturate) {
  uint32_t magnitude = pgi_f32_bits(f) & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0xff;
  if (magnitude == 0x7f800000) return saturate ? 0xfe : 0xff;
  if (magnitude < 0x00400000) return saturate ? 0 : 0xff; /* below 2^-127, zero included */
  uint32_t code = magnitude >> 23;
  uint32_t fraction = magnitude & 0x7fffff;
  if (code == 0) fraction = (fraction - 0x400000) << 1; /* a subnormal 2^-127 * (1 + fraction) */
  bool is_up = mode == 'd' ? false : mode == 'n' ? fraction >= 0x400000 : fraction > 0;
  code += is_up;
  return (uint8_t)(code == 0xff && saturate ? 0xfe : code);
}
