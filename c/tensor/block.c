/* block: runs of elements of any numeric type to and from f32, f64, i64. */
#include "base/half.h"
#include "tensor/tensor.h"

/* ---- float to integer ----------------------------------------------------------------------- */

/* Out of range, where C leaves it undefined, the x86 instructions give the least integer; then
** narrower kinds keep the low bits.  numpy does the same. */
static inline int32_t i32_of_f32(float x) {
  bool is_inside = x >= -0x1p31f && x < 0x1p31f;
  int32_t v = (int32_t)(is_inside ? x : 0.0f); /* always converted: this way loops vectorize */
  return is_inside ? v : INT32_MIN;
}
static inline int32_t i32_of_f64(double x) {
  return x > -0x1p31 - 1 && x < 0x1p31 ? (int32_t)x : INT32_MIN;
}
static inline int64_t i64_of_f32(float x) {
  return x >= -0x1p63f && x < 0x1p63f ? (int64_t)x : INT64_MIN;
}
static inline int64_t i64_of_f64(double x) {
  return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}
static inline uint64_t u64_of_f64(double x) {
  if (x >= 0x1p63) return x < 0x1p64 ? (uint64_t)x : 0;
  return (uint64_t)i64_of_f64(x);
}

/* ---- packed elements ------------------------------------------------------------------------ */

static inline unsigned get_bits(const uint8_t *p, int64_t i, int bits) {
  int per_byte = 8 / bits;
  return ((unsigned)p[i / per_byte] >> (i % per_byte * bits)) & ((1u << bits) - 1);
}

static inline void put_bits(uint8_t *p, int64_t i, int bits, unsigned v) {
  int per_byte = 8 / bits;
  int shift = (int)(i % per_byte) * bits;
  unsigned mask = ((1u << bits) - 1) << shift;
  uint8_t *byte = &p[i / per_byte];
  *byte = (uint8_t)((*byte & ~mask) | (v << shift & mask));
}

static inline int get_signed(const uint8_t *p, int64_t i, int bits) {
  unsigned sign = 1u << (bits - 1);
  return (int)(get_bits(p, i, bits) ^ sign) - (int)sign;
}

/* ---- loading -------------------------------------------------------------------------------- */

#define EACH(T, expression)                                \
  do {                                                     \
    const T *restrict p = (const T *)data + first;         \
    for (int64_t i = 0; i < n; i++) out[i] = (expression); \
    return;                                                \
  } while (0)
#define EACH_PACKED(expression)                                                \
  do {                                                                         \
    const uint8_t *p = data;                                                   \
    for (int64_t i = first; i < first + n; i++) out[i - first] = (expression); \
    return;                                                                    \
  } while (0)

/* OF_F32, OF_F64 and OF_INT take an element to the working type W. */
#define LOAD(name, W, SAME, OF_F32, OF_F64, OF_INT)                                        \
  void name(pg_dtype dtype, const void *data, int64_t first, int64_t n, W *restrict out) { \
    if (dtype == SAME) {                                                                   \
      if (n > 0) memcpy(out, (const W *)data + first, (size_t)n * sizeof(W));              \
      return;                                                                              \
    }                                                                                      \
    switch (dtype) {                                                                       \
      case PG_F32:                                                                         \
        EACH(float, OF_F32(p[i]));                                                         \
      case PG_F64:                                                                         \
        EACH(double, OF_F64(p[i]));                                                        \
      case PG_F16:                                                                         \
        EACH(uint16_t, OF_F32(pgi_half_to_f32(p[i])));                                     \
      case PG_BF16:                                                                        \
        EACH(uint16_t, OF_F32(pgi_bf16_to_f32(p[i])));                                     \
      case PG_I8:                                                                          \
        EACH(int8_t, OF_INT(p[i]));                                                        \
      case PG_U8:                                                                          \
        EACH(uint8_t, OF_INT(p[i]));                                                       \
      case PG_I16:                                                                         \
        EACH(int16_t, OF_INT(p[i]));                                                       \
      case PG_U16:                                                                         \
        EACH(uint16_t, OF_INT(p[i]));                                                      \
      case PG_I32:                                                                         \
        EACH(int32_t, OF_INT(p[i]));                                                       \
      case PG_U32:                                                                         \
        EACH(uint32_t, OF_INT(p[i]));                                                      \
      case PG_I64:                                                                         \
        EACH(int64_t, OF_INT(p[i]));                                                       \
      case PG_U64:                                                                         \
        EACH(uint64_t, OF_INT(p[i]));                                                      \
      case PG_BOOL:                                                                        \
        EACH(uint8_t, OF_INT(p[i] != 0));                                                  \
      case PG_C64:                                                                         \
        EACH(float, OF_F32(p[first + 2 * i]));                                             \
      case PG_C128:                                                                        \
        EACH(double, OF_F64(p[first + 2 * i]));                                            \
      case PG_F8E4M3FN:                                                                    \
      case PG_F8E4M3FNUZ:                                                                  \
      case PG_F8E5M2:                                                                      \
      case PG_F8E5M2FNUZ:                                                                  \
      case PG_F8E8M0: {                                                                    \
        float table[256];                                                                  \
        if (n < 2 * PG_COUNT(table)) EACH(uint8_t, OF_F32(pgi_f8_to_f32(dtype, p[i])));    \
        for (int i = 0; i < 256; i++) table[i] = pgi_f8_to_f32(dtype, (uint8_t)i);         \
        EACH(uint8_t, OF_F32(table[p[i]]));                                                \
      }                                                                                    \
      case PG_F4E2M1:                                                                      \
        EACH_PACKED(OF_F32(pgi_f8_to_f32(PG_F4E2M1, (uint8_t)get_bits(p, i, 4))));         \
      case PG_U4:                                                                          \
        EACH_PACKED(OF_INT(get_bits(p, i, 4)));                                            \
      case PG_I4:                                                                          \
        EACH_PACKED(OF_INT(get_signed(p, i, 4)));                                          \
      case PG_U2:                                                                          \
        EACH_PACKED(OF_INT(get_bits(p, i, 2)));                                            \
      case PG_I2:                                                                          \
        EACH_PACKED(OF_INT(get_signed(p, i, 2)));                                          \
      default:                                                                             \
        return; /* strings and objects have no numbers */                                  \
    }                                                                                      \
  }

#define AS_F32(x) ((float)(x))
#define AS_F64(x) ((double)(x))
#define AS_I64(x) ((int64_t)(x))
LOAD(pgi_load_f32, float, PG_F32, AS_F32, AS_F32, AS_F32)
LOAD(pgi_load_f64, double, PG_F64, AS_F64, AS_F64, AS_F64)
LOAD(pgi_load_i64, int64_t, PG_I64, i64_of_f32, i64_of_f64, AS_I64)
#undef EACH
#undef EACH_PACKED
#undef LOAD

/* ---- storing -------------------------------------------------------------------------------- */

#define EACH(T, expression)                                 \
  do {                                                      \
    T *restrict p = (T *)data + first;                      \
    for (int64_t i = 0; i < n; i++) p[i] = (T)(expression); \
    return;                                                 \
  } while (0)
#define EACH_PAIR(T)                  \
  do {                                \
    T *p = (T *)data + 2 * first;     \
    for (int64_t i = 0; i < n; i++) { \
      p[2 * i] = (T)in[i];            \
      p[2 * i + 1] = 0;               \
    }                                 \
    return;                           \
  } while (0)
#define EACH_PACKED(bits, expression)                                                     \
  do {                                                                                    \
    uint8_t *p = data;                                                                    \
    for (int64_t i = 0; i < n; i++) put_bits(p, first + i, bits, (unsigned)(expression)); \
    return;                                                                               \
  } while (0)

/* TO_SMALL gives a float that rounds on to the narrow kinds as the element
** itself would. */
#define STORE(name, W, SAME, TO_SMALL, TO_F16, TO_I32, TO_I64, TO_U64)                    \
  void name(pg_dtype dtype, void *data, int64_t first, int64_t n, const W *restrict in) { \
    if (dtype == SAME) {                                                                  \
      if (n > 0) memcpy((W *)data + first, in, (size_t)n * sizeof(W));                    \
      return;                                                                             \
    }                                                                                     \
    switch (dtype) {                                                                      \
      case PG_F32:                                                                        \
        EACH(float, in[i]);                                                               \
      case PG_F64:                                                                        \
        EACH(double, in[i]);                                                              \
      case PG_F16:                                                                        \
        EACH(uint16_t, TO_F16(in[i]));                                                    \
      case PG_BF16:                                                                       \
        EACH(uint16_t, pgi_bfloat_from_f32(TO_SMALL(in[i])));                             \
      case PG_I8:                                                                         \
        EACH(int8_t, TO_I32(in[i]));                                                      \
      case PG_U8:                                                                         \
        EACH(uint8_t, TO_I32(in[i]));                                                     \
      case PG_I16:                                                                        \
        EACH(int16_t, TO_I32(in[i]));                                                     \
      case PG_U16:                                                                        \
        EACH(uint16_t, TO_I32(in[i]));                                                    \
      case PG_I32:                                                                        \
        EACH(int32_t, TO_I32(in[i]));                                                     \
      case PG_U32:                                                                        \
        EACH(uint32_t, TO_I64(in[i]));                                                    \
      case PG_I64:                                                                        \
        EACH(int64_t, TO_I64(in[i]));                                                     \
      case PG_U64:                                                                        \
        EACH(uint64_t, TO_U64(in[i]));                                                    \
      case PG_BOOL:                                                                       \
        EACH(uint8_t, in[i] != 0);                                                        \
      case PG_C64:                                                                        \
        EACH_PAIR(float);                                                                 \
      case PG_C128:                                                                       \
        EACH_PAIR(double);                                                                \
      case PG_F8E4M3FN:                                                                   \
      case PG_F8E4M3FNUZ:                                                                 \
      case PG_F8E5M2:                                                                     \
      case PG_F8E5M2FNUZ:                                                                 \
      case PG_F8E8M0:                                                                     \
        EACH(uint8_t, pgi_f32_to_f8(dtype, TO_SMALL(in[i]), true));                       \
      case PG_F4E2M1:                                                                     \
        EACH_PACKED(4, pgi_f32_to_f8(PG_F4E2M1, TO_SMALL(in[i]), true));                  \
      case PG_U4:                                                                         \
      case PG_I4:                                                                         \
        EACH_PACKED(4, TO_I32(in[i]));                                                    \
      case PG_U2:                                                                         \
      case PG_I2:                                                                         \
        EACH_PACKED(2, TO_I32(in[i]));                                                    \
      default:                                                                            \
        return; /* strings and objects take no numbers */                                 \
    }                                                                                     \
  }

#define F16_OF_I64(x) pgi_half_from_f32((float)(x))
#define AS_I32(x) ((int32_t)(x))
#define AS_U64(x) ((uint64_t)(x))
STORE(pgi_store_f32, float, PG_F32, AS_F32, pgi_half_from_f32, i32_of_f32, i64_of_f32, u64_of_f64)
STORE(pgi_store_f64, double, PG_F64, pgi_f64_to_f32_odd, pgi_f64_to_f16, i32_of_f64, i64_of_f64,
      u64_of_f64)
STORE(pgi_store_i64, int64_t, PG_I64, AS_F32, F16_OF_I64, AS_I32, AS_I64, AS_U64)

/* ---- one element ---------------------------------------------------------------------------- */

double pgi_tensor_get_f64(const pg_tensor *t, int64_t index) {
  double v = 0;
  pgi_load_f64(t->dtype, t->buffer->data, pgi_tensor_offset(t, index), 1, &v);
  return v;
}

int64_t pgi_tensor_get_i64(const pg_tensor *t, int64_t index) {
  int64_t v = 0;
  pgi_load_i64(t->dtype, t->buffer->data, pgi_tensor_offset(t, index), 1, &v);
  return v;
}

void pgi_tensor_load_f64(const pg_tensor *t, int64_t index, int64_t n, double *out) {
  const void *data = t->buffer->data;
  if (pgi_tensor_is_contiguous(t)) {
    pgi_load_f64(t->dtype, data, t->offset + index, n, out);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    pgi_load_f64(t->dtype, data, pgi_tensor_offset(t, index + i), 1, &out[i]);
  }
}

void pgi_tensor_load_i64(const pg_tensor *t, int64_t index, int64_t n, int64_t *out) {
  const void *data = t->buffer->data;
  if (pgi_tensor_is_contiguous(t)) {
    pgi_load_i64(t->dtype, data, t->offset + index, n, out);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    pgi_load_i64(t->dtype, data, pgi_tensor_offset(t, index + i), 1, &out[i]);
  }
}
