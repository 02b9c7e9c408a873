/* dtype: what is known of each element type. */
#include "tensor/tensor.h"

static const struct {
  const char *name;
  int bits;    /* 0 for strings and objects */
  size_t size; /* in memory; 0 for the sub-byte kinds */
  pgi_kind kind;
} dtypes[PG_N_DTYPES] = {
    [PG_NONE] = {"none", 0, 0, PG_KIND_NONE},
    [PG_F32] = {"f32", 32, 4, PG_KIND_FLOAT},
    [PG_U8] = {"u8", 8, 1, PG_KIND_UINT},
    [PG_I8] = {"i8", 8, 1, PG_KIND_INT},
    [PG_U16] = {"u16", 16, 2, PG_KIND_UINT},
    [PG_I16] = {"i16", 16, 2, PG_KIND_INT},
    [PG_I32] = {"i32", 32, 4, PG_KIND_INT},
    [PG_I64] = {"i64", 64, 8, PG_KIND_INT},
    [PG_STRING] = {"string", 0, sizeof(pg_string), PG_KIND_STRING},
    [PG_BOOL] = {"bool", 8, 1, PG_KIND_BOOL},
    [PG_F16] = {"f16", 16, 2, PG_KIND_FLOAT},
    [PG_F64] = {"f64", 64, 8, PG_KIND_FLOAT},
    [PG_U32] = {"u32", 32, 4, PG_KIND_UINT},
    [PG_U64] = {"u64", 64, 8, PG_KIND_UINT},
    [PG_C64] = {"c64", 64, 8, PG_KIND_COMPLEX},
    [PG_C128] = {"c128", 128, 16, PG_KIND_COMPLEX},
    [PG_BF16] = {"bf16", 16, 2, PG_KIND_FLOAT},
    [PG_F8E4M3FN] = {"f8e4m3fn", 8, 1, PG_KIND_FLOAT},
    [PG_F8E4M3FNUZ] = {"f8e4m3fnuz", 8, 1, PG_KIND_FLOAT},
    [PG_F8E5M2] = {"f8e5m2", 8, 1, PG_KIND_FLOAT},
    [PG_F8E5M2FNUZ] = {"f8e5m2fnuz", 8, 1, PG_KIND_FLOAT},
    [PG_U4] = {"u4", 4, 0, PG_KIND_UINT},
    [PG_I4] = {"i4", 4, 0, PG_KIND_INT},
    [PG_F4E2M1] = {"f4e2m1", 4, 0, PG_KIND_FLOAT},
    [PG_F8E8M0] = {"f8e8m0", 8, 1, PG_KIND_FLOAT},
    [PG_U2] = {"u2", 2, 0, PG_KIND_UINT},
    [PG_I2] = {"i2", 2, 0, PG_KIND_INT},
    [PG_SEQUENCE] = {"sequence", 0, sizeof(pg_tensor), PG_KIND_OBJECT},
    [PG_MAP] = {"map", 0, sizeof(pg_tensor), PG_KIND_OBJECT},
};

static int index_of(pg_dtype dtype) {
  int i = (int)dtype;
  return i >= 0 && i < PG_N_DTYPES ? i : PG_NONE;
}

const char *pg_dtype_name(pg_dtype dtype) {
  return dtypes[index_of(dtype)].name;
}

bool pg_dtype_from_name(const char *name, pg_dtype *out) {
  for (int i = PG_F32; i < PG_N_DTYPES; i++) {
    if (strcmp(name, dtypes[i].name) == 0) {
      *out = (pg_dtype)i;
      return true;
    }
  }
  return false;
}

int pg_dtype_bits(pg_dtype dtype) {
  return dtypes[index_of(dtype)].bits;
}

pgi_kind pgi_dtype_kind(pg_dtype dtype) {
  return dtypes[index_of(dtype)].kind;
}

bool pgi_dtype_valid(int dtype) {
  return dtype >= PG_F32 && dtype <= PG_I2;
}

size_t pgi_dtype_size(pg_dtype dtype) {
  return dtypes[index_of(dtype)].size;
}

bool pgi_dtype_bytes(pg_dtype dtype, int64_t n, size_t *out) {
  if (n < 0 || (uint64_t)n > SIZE_MAX) return false;
  size_t count = (size_t)n;
  if (pgi_dtype_size(dtype)) return pgi_mul_size(count, pgi_dtype_size(dtype), out);
  size_t per_byte = pg_dtype_bits(dtype) ? 8 / (size_t)pg_dtype_bits(dtype) : 0;
  *out = per_byte ? count / per_byte + (count % per_byte != 0) : 0;
  return true;
}
