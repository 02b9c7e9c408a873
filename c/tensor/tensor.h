/* tensor: element types, shapes, counted buffers, tensors as values.
**
** A tensor is a value (dtype, dims, strides, offset, buffer).  Views share the buffer.  The public
** handle pg_tensor* is this struct on the heap; inside the engine tensors live in arrays and are
** moved with pgi_tensor_move / pgi_tensor_assign.  A cleared tensor (all zero: dtype PG_NONE, no
** buffer) is a legal value: "absent". */
#ifndef PG_TENSOR_H
#define PG_TENSOR_H

#include "base/base.h"

/* ---- dtype.c -------------------------------------------------------------------------------- */

typedef enum pgi_kind {
  PG_KIND_NONE,
  PG_KIND_FLOAT, /* f64 f32 f16 bf16 f8* f4 */
  PG_KIND_INT,   /* signed */
  PG_KIND_UINT,
  PG_KIND_BOOL,
  PG_KIND_COMPLEX,
  PG_KIND_STRING,
  PG_KIND_OBJECT /* sequences and maps */
} pgi_kind;
pgi_kind pgi_dtype_kind(pg_dtype dtype);
bool pgi_dtype_valid(int dtype); /* a real element type of ONNX, PG_F32 ... PG_I2 */
/* Bytes of one element in memory; 0 for the sub-byte kinds.  Strings: sizeof(pg_string). */
size_t pgi_dtype_size(pg_dtype dtype);
/* Bytes that n elements take, packed for sub-byte kinds; false on overflow. */
bool pgi_dtype_bytes(pg_dtype dtype, int64_t n, size_t *out);

/* Sets of element types, for declarations. */
typedef uint32_t pgi_types;
#define PG_T(dtype) ((pgi_types)1 << (dtype))
#define PG_T_F8 (PG_T(PG_F8E4M3FN) | PG_T(PG_F8E4M3FNUZ) | PG_T(PG_F8E5M2) | PG_T(PG_F8E5M2FNUZ))
#define PG_T_FLOAT (PG_T(PG_F32) | PG_T(PG_F64) | PG_T(PG_F16) | PG_T(PG_BF16))
#define PG_T_INT (PG_T(PG_I8) | PG_T(PG_I16) | PG_T(PG_I32) | PG_T(PG_I64))
#define PG_T_UINT (PG_T(PG_U8) | PG_T(PG_U16) | PG_T(PG_U32) | PG_T(PG_U64))
#define PG_T_NUMERIC (PG_T_FLOAT | PG_T_INT | PG_T_UINT)
#define PG_T_COMPLEX (PG_T(PG_C64) | PG_T(PG_C128))
#define PG_T_SMALL \
  (PG_T(PG_U4) | PG_T(PG_I4) | PG_T(PG_U2) | PG_T(PG_I2) | PG_T(PG_F4E2M1) | PG_T(PG_F8E8M0))
/* Every tensor element type. */
#define PG_T_ALL \
  (PG_T_NUMERIC | PG_T_F8 | PG_T_COMPLEX | PG_T_SMALL | PG_T(PG_BOOL) | PG_T(PG_STRING))
#define PG_T_ANY ((pgi_types)~0u) /* sequences and maps too */

/* ---- buffer.c ------------------------------------------------------------------------------- */

/* Counted memory.  `data` is aligned to PG_ALIGN when perigee allocated it; wrapped memory has the
** alignment it came with, at least that of its element type. */
typedef struct pgi_buffer {
  atomic_int refs;
  bool is_readonly;  /* a mapped file, or somebody's constant: never written, never reused */
  bool is_mapped;    /* of the two, a mapped file */
  pg_dtype dtype;    /* PG_STRING, PG_SEQUENCE, PG_MAP: elements are destroyed with the buffer */
  int64_t n_objects; /* of such elements */
  pg_context *ctx;   /* retained */
  void *data;
  size_t bytes;
  void (*release)(void *owner); /* NULL: data follows this header in the same block */
  void *owner;
} pgi_buffer;
pg_status pgi_buffer_new(pg_context *ctx, size_t bytes, pgi_buffer **out, pg_error *err);
/* Zeroed room for n strings or tensors. */
pg_status pgi_buffer_new_objects(pg_context *ctx, pg_dtype dtype, int64_t n, pgi_buffer **out,
                                 pg_error *err);
/* On failure `release` is not called. */
pg_status pgi_buffer_wrap(pg_context *ctx, void *data, size_t bytes, bool is_readonly,
                          void (*release)(void *owner), void *owner, pgi_buffer **out,
                          pg_error *err);
void pgi_buffer_retain(pgi_buffer *b);
void pgi_buffer_release(pgi_buffer *b); /* NULL is fine */

/* ---- tensor.c ------------------------------------------------------------------------------- */

struct pg_tensor {
  pg_dtype dtype;
  int32_t rank;
  int64_t dims[PG_MAX_RANK];
  int64_t strides[PG_MAX_RANK]; /* in elements; 0 repeats, negative runs backwards */
  int64_t offset;               /* of the first element, in elements */
  pgi_buffer *buffer;           /* one reference is ours; NULL when dtype is PG_NONE */
};

/* Product of dims; PG_INVALID for a negative dim, PG_NOMEM when it overflows. */
pg_status pgi_count(int rank, const int64_t *dims, int64_t *out, pg_error *err);
/* The product of dims[from .. to), known to fit. */
int64_t pgi_dims_product(const int64_t *dims, int from, int to);

/* All of these overwrite *out without looking at it: it must be cleared or fresh. */
pg_status pgi_tensor_alloc(pg_context *ctx, pg_dtype dtype, int rank, const int64_t *dims,
                           pg_tensor *out, pg_error *err); /* uninitialised; objects zeroed */
/* What elements of less than a byte leave of the last byte is zero: the same bytes each time. */
void pgi_clear_spare_bits(pg_dtype dtype, void *data, size_t bytes);
/* PG_NONE with rank 0 makes an absent value that has a (void) buffer, hence a context: only such a
** one can become a handle. */
pg_status pgi_tensor_on_buffer(pgi_buffer *b, pg_dtype dtype, int rank, const int64_t *dims,
                               int64_t offset, pg_tensor *out, pg_error *err); /* retains b */
pg_status pgi_tensor_scalar_i64(pg_context *ctx, int64_t v, pg_tensor *out, pg_error *err);
pg_status pgi_tensor_i64s(pg_context *ctx, int64_t n, const int64_t *v, pg_tensor *out,
                          pg_error *err); /* rank 1 */
/* The content won't be wanted for a while: if it lies in a mapped file, it leaves memory. */
void pgi_tensor_forget(const pg_tensor *t);
/* Lets go of the content and keeps type and shape: all elements are one zero. */
pg_status pgi_tensor_hollow(pg_tensor *t, pg_error *err);
void pgi_tensor_clear(pg_tensor *t);                          /* drops the buffer, zeroes *t */
void pgi_tensor_assign(pg_tensor *to, const pg_tensor *from); /* clears `to`, retains */
void pgi_tensor_move(pg_tensor *to, pg_tensor *from);         /* clears `to`, leaves `from` clear */
/* On the heap, as the public handle; takes over *from. */
pg_status pgi_tensor_to_handle(pg_tensor *from, pg_tensor **out, pg_error *err);

int64_t pgi_tensor_count(const pg_tensor *t);
bool pgi_tensor_is_contiguous(const pg_tensor *t); /* row-major, starting on a byte */
/* The first element of a tensor whose offset falls on a byte.  The caller knows the type. */
static inline void *pgi_tensor_data(const pg_tensor *t) {
  size_t size = pgi_dtype_size(t->dtype);
  size_t bits = (size_t)pg_dtype_bits(t->dtype);
  size_t skip = size ? (size_t)t->offset * size : (size_t)t->offset * bits / 8;
  return (char *)t->buffer->data + skip;
}
/* Where element `index` (row-major) lies, in elements from the buffer's start. */
int64_t pgi_tensor_offset(const pg_tensor *t, int64_t index);
bool pgi_same_dims(const pg_tensor *a, const pg_tensor *b);
/* "f32 [1,3,224,224]" into `text`, returns it; the dims alone for PG_NONE. */
const char *pgi_shape_text(pg_dtype dtype, int rank, const int64_t *dims, char *text, size_t size);

/* ---- view.c: no copy; *out fresh, shares the buffer ------------------------------------------ */

/* start inside or one past the dim, step != 0, count elements along `axis` (0-based). */
pg_status pgi_view_slice(const pg_tensor *t, int axis, int64_t start, int64_t count, int64_t step,
                         pg_tensor *out, pg_error *err);
pg_status pgi_view_permute(const pg_tensor *t, const int *perm, pg_tensor *out, pg_error *err);
/* Numpy broadcasting of t to `dims`. */
pg_status pgi_view_expand(const pg_tensor *t, int rank, const int64_t *dims, pg_tensor *out,
                          pg_error *err);
/* Same count; PG_INVALID when the strides don't allow it (then copy first). */
pg_status pgi_view_reshape(const pg_tensor *t, int rank, const int64_t *dims, pg_tensor *out,
                           pg_error *err);
/* Fixes one index of `axis` and drops it. */
pg_status pgi_view_select(const pg_tensor *t, int axis, int64_t index, pg_tensor *out,
                          pg_error *err);
/* The same bits under another element type of equal width; contiguous only. */
pg_status pgi_view_bitcast(const pg_tensor *t, pg_dtype dtype, pg_tensor *out, pg_error *err);

/* ---- copy.c --------------------------------------------------------------------------------- */

/* Element by element from any strides to any strides; same dtype and dims.  Deep for objects. */
pg_status pgi_tensor_copy_into(const pg_tensor *from, pg_tensor *to, pg_error *err);
/* A contiguous copy; or a shared view when t already is contiguous (pgi_tensor_contiguous). */
pg_status pgi_tensor_clone(const pg_tensor *t, pg_tensor *out, pg_error *err);
pg_status pgi_tensor_contiguous(const pg_tensor *t, pg_tensor *out, pg_error *err);
/* Raw strided copy of elements of `size` bytes (1, 2, 4, 8, 16 or any): the workhorse of transpose,
** slice, concat, pad, expand.  Strides in elements. */
void pgi_copy_strided(void *to, const int64_t *to_strides, const void *from,
                      const int64_t *from_strides, int rank, const int64_t *dims, size_t size);
/* Replaces string i of a PG_STRING buffer with a copy of text. */
pg_status pgi_string_set(pgi_buffer *b, int64_t i, const char *text, size_t size, pg_error *err);

/* ---- cast.c --------------------------------------------------------------------------------- */

typedef struct pgi_cast_options {
  bool no_saturate; /* f8 out of range becomes NaN or infinity */
  char e8m0_mode;   /* 'u' (default, 0), 'd', 'n' */
} pgi_cast_options;
/* ONNX Cast between any two element types, strings included. */
pg_status pgi_tensor_cast(const pg_tensor *t, pg_dtype dtype, const pgi_cast_options *options,
                          pg_tensor *out, pg_error *err);
/* Into a contiguous tensor that exists (dtype and dims of `to`). `from` contiguous. */
pg_status pgi_tensor_cast_into(const pg_tensor *from, pg_tensor *to,
                               const pgi_cast_options *options, pg_error *err);
/* ---- block.c -------------------------------------------------------------------------------- */

/* Blocks of contiguous numeric elements (never strings) to and from one of three working types:
** the way an operator serves every element type with one loop.  `first` counts elements from
** `data`, so that packed sub-byte elements can be addressed.  f64 also takes complex's real part;
** storing rounds (floats) or wraps (integers) as ONNX Cast does.  `data` and `out` must not
** overlap. */
void pgi_load_f32(pg_dtype dtype, const void *data, int64_t first, int64_t n, float *out);
void pgi_load_f64(pg_dtype dtype, const void *data, int64_t first, int64_t n, double *out);
void pgi_load_i64(pg_dtype dtype, const void *data, int64_t first, int64_t n, int64_t *out);
void pgi_store_f32(pg_dtype dtype, void *data, int64_t first, int64_t n, const float *in);
void pgi_store_f64(pg_dtype dtype, void *data, int64_t first, int64_t n, const double *in);
void pgi_store_i64(pg_dtype dtype, void *data, int64_t first, int64_t n, const int64_t *in);
/* One element, by row-major index, of any numeric tensor (any strides). */
double pgi_tensor_get_f64(const pg_tensor *t, int64_t index);
int64_t pgi_tensor_get_i64(const pg_tensor *t, int64_t index);
/* Elements [index, index + n) in row-major order. */
void pgi_tensor_load_f64(const pg_tensor *t, int64_t index, int64_t n, double *out);
void pgi_tensor_load_i64(const pg_tensor *t, int64_t index, int64_t n, int64_t *out);

/* ---- text_cast.c: numbers and their texts; `to` contiguous and of the right type ------------- */

/* "3.14", "1e-3", "inf", "-INF", "nan"; PG_INVALID names the element that is no number. */
pg_status pgi_cast_from_strings(const pg_tensor *from, pg_tensor *to, pg_error *err);
/* As numpy: the shortest text that reads back the same, "1.0", "1e-05", "True". */
pg_status pgi_cast_to_strings(const pg_tensor *from, pg_tensor *to, pg_error *err);

/* ---- sequence.c ----------------------------------------------------------------------------- */

pg_status pgi_sequence_new(pg_context *ctx, int64_t n, pg_tensor *out, pg_error *err); /* absent */
pg_tensor *pgi_sequence_at(const pg_tensor *seq, int64_t i); /* borrowed; writable while fresh */

/* ---- compare.c ------------------------------------------------------------------------------ */

/* numpy.allclose(actual, expected, rtol, atol, equal_nan) over tensors and sequences; integers
** and strings compare exactly.  On a difference returns false and says where in `why`. */
bool pgi_allclose(const pg_tensor *actual, const pg_tensor *expected, double rtol, double atol,
                  char *why, size_t why_size);

/* ---- difference.c --------------------------------------------------------------------------- */

/* What `b` has beside `a`, the expected one.  Elements that are no numbers don't go into the measures:
** n_special counts those that disagree. */
typedef struct pgi_difference {
  int64_t count, n_special;
  int64_t n_beyond; /* |a - b| > atol * scale + rtol * |a|; strings: that are not the same */
  int64_t worst;    /* row-major index of the largest difference */
  double scale;     /* the largest |a| */
  double max_abs, sum_abs, max_rel, max_ulp;
  double dot, norm_a, norm_b; /* sums of products */
} pgi_difference;
/* Any shapes with as many elements; PG_INVALID for what has no elements to compare. */
pg_status pgi_tensor_difference(const pg_tensor *a, const pg_tensor *b, double rtol, double atol,
                                pgi_difference *out, pg_error *err);
/* What stays when the axes are in another order. */
typedef struct pgi_summary {
  int64_t count, n_special;
  double sum, sum_squares, min, max;
} pgi_summary;
pg_status pgi_tensor_summary(const pg_tensor *t, pgi_summary *out, pg_error *err);

#endif
