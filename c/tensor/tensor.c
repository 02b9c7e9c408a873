/* tensor: making tensors, handing them around, the public handle. */
#include "tensor/tensor.h"

/* ---- shapes --------------------------------------------------------------------------------- */

static pg_status check_dims(int rank, const int64_t *dims, pg_error *err) {
  if (rank < 0 || rank > PG_MAX_RANK) {
    return pgi_fail(err, PG_INVALID, "rank: expected 0 to %d, got %d", PG_MAX_RANK, rank);
  }
  for (int i = 0; i < rank; i++) {
    if (dims[i] < 0) {
      return pgi_fail(err, PG_INVALID, "dimension %d is negative: %lld", i, (long long)dims[i]);
    }
  }
  return PG_OK;
}

static pg_status fail_overflow(pg_dtype dtype, int rank, const int64_t *dims, pg_error *err) {
  char text[400];
  return pgi_fail(err, PG_NOMEM, "too large: %s",
                  pgi_shape_text(dtype, rank, dims, text, sizeof text));
}

pg_status pgi_count(int rank, const int64_t *dims, int64_t *out, pg_error *err) {
  PG_TRY(check_dims(rank, dims, err));
  int64_t count = 1;
  bool is_empty = false, has_overflowed = false;
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 0)
      is_empty = true;
    else if (__builtin_mul_overflow(count, dims[i], &count))
      has_overflowed = true;
  }
  if (has_overflowed && !is_empty) {
    char text[400];
    pgi_shape_text(PG_NONE, rank, dims, text, sizeof text);
    return pgi_fail(err, PG_NOMEM, "too large: %s", strchr(text, '['));
  }
  *out = is_empty ? 0 : count;
  return PG_OK;
}

int64_t pgi_dims_product(const int64_t *dims, int from, int to) {
  int64_t product = 1;
  for (int i = from; i < to; i++) product *= dims[i];
  return product;
}

/* The dims of an empty tensor may multiply to anything, and nobody walks its strides: wrap. */
static void set_shape(pg_tensor *t, int rank, const int64_t *dims) {
  uint64_t stride = 1;
  t->rank = rank;
  for (int i = rank - 1; i >= 0; i--) {
    t->dims[i] = dims[i];
    t->strides[i] = (int64_t)stride;
    stride *= (uint64_t)dims[i];
  }
}

bool pgi_same_dims(const pg_tensor *a, const pg_tensor *b) {
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++) {
    if (a->dims[i] != b->dims[i]) return false;
  }
  return true;
}

const char *pgi_shape_text(pg_dtype dtype, int rank, const int64_t *dims, char *text, size_t size) {
  pgi_text t = {text, size, 0};
  if (dtype != PG_NONE || rank == 0) pgi_text_add(&t, "%s ", pg_dtype_name(dtype));
  pgi_text_add(&t, "[");
  if (rank < 0) pgi_text_add(&t, "...");
  for (int i = 0; i < rank; i++) {
    if (dims[i] < 0)
      pgi_text_add(&t, "%s?", i ? "," : "");
    else
      pgi_text_add(&t, "%s%lld", i ? "," : "", (long long)dims[i]);
  }
  pgi_text_add(&t, "]");
  return text;
}

/* ---- making --------------------------------------------------------------------------------- */

static bool is_object(pg_dtype dtype) {
  return dtype == PG_STRING || dtype == PG_SEQUENCE || dtype == PG_MAP;
}

pg_status pgi_tensor_alloc(pg_context *ctx, pg_dtype dtype, int rank, const int64_t *dims,
                           pg_tensor *out, pg_error *err) {
  int64_t count;
  size_t bytes;
  if ((int)dtype < 0 || dtype >= PG_N_DTYPES) {
    return pgi_fail(err, PG_INVALID, "unknown element type %d", (int)dtype);
  }
  PG_TRY(pgi_count(rank, dims, &count, err));
  if (!pgi_dtype_bytes(dtype, count, &bytes)) return fail_overflow(dtype, rank, dims, err);
  pg_tensor t = {.dtype = dtype};
  if (is_object(dtype))
    PG_TRY(pgi_buffer_new_objects(ctx, dtype, count, &t.buffer, err));
  else
    PG_TRY(pgi_buffer_new(ctx, bytes, &t.buffer, err));
  pgi_clear_spare_bits(dtype, t.buffer->data, bytes);
  set_shape(&t, rank, dims);
  *out = t;
  return PG_OK;
}

void pgi_clear_spare_bits(pg_dtype dtype, void *data, size_t bytes) {
  if (bytes && pgi_dtype_size(dtype) == 0) ((uint8_t *)data)[bytes - 1] = 0;
}

/* Elements from the buffer's start up to offset + count must lie inside. */
static bool fits(const pgi_buffer *b, pg_dtype dtype, int64_t offset, int64_t count) {
  int64_t end;
  size_t bytes;
  if (offset < 0 || __builtin_add_overflow(offset, count, &end)) return false;
  return pgi_dtype_bytes(dtype, end, &bytes) && bytes <= b->bytes;
}

pg_status pgi_tensor_on_buffer(pgi_buffer *b, pg_dtype dtype, int rank, const int64_t *dims,
                               int64_t offset, pg_tensor *out, pg_error *err) {
  int64_t count;
  PG_TRY(pgi_count(rank, dims, &count, err));
  if (!fits(b, dtype, offset, count)) {
    char text[400];
    return pgi_fail(err, PG_INVALID, "%s at element %lld doesn't fit into %zu bytes",
                    pgi_shape_text(dtype, rank, dims, text, sizeof text), (long long)offset,
                    b->bytes);
  }
  pg_tensor t = {.dtype = dtype, .offset = offset, .buffer = b};
  set_shape(&t, rank, dims);
  pgi_buffer_retain(b);
  *out = t;
  return PG_OK;
}

pg_status pgi_tensor_scalar_i64(pg_context *ctx, int64_t v, pg_tensor *out, pg_error *err) {
  PG_TRY(pgi_tensor_alloc(ctx, PG_I64, 0, NULL, out, err));
  *(int64_t *)pgi_tensor_data(out) = v;
  return PG_OK;
}

pg_status pgi_tensor_i64s(pg_context *ctx, int64_t n, const int64_t *v, pg_tensor *out,
                          pg_error *err) {
  PG_TRY(pgi_tensor_alloc(ctx, PG_I64, 1, &n, out, err));
  if (n) memcpy(pgi_tensor_data(out), v, (size_t)n * sizeof *v);
  return PG_OK;
}

/* ---- handing around ------------------------------------------------------------------------- */

void pgi_tensor_forget(const pg_tensor *t) {
  if (t->dtype == PG_NONE || !t->buffer || !t->buffer->is_mapped) return;
  pgi_file_forget(t->buffer->data, t->buffer->bytes);
}

pg_status pgi_tensor_hollow(pg_tensor *t, pg_error *err) {
  enum { LARGEST_ELEMENT = 16 };
  pgi_buffer *b;
  PG_TRY(pgi_buffer_new(t->buffer->ctx, LARGEST_ELEMENT, &b, err));
  memset(b->data, 0, LARGEST_ELEMENT);
  b->is_readonly = true;
  pgi_buffer_release(t->buffer);
  t->buffer = b;
  t->offset = 0;
  for (int i = 0; i < t->rank; i++) t->strides[i] = 0;
  return PG_OK;
}

void pgi_tensor_clear(pg_tensor *t) {
  pgi_buffer *b = t->buffer;
  *t = (pg_tensor){0};
  pgi_buffer_release(b);
}

void pgi_tensor_assign(pg_tensor *to, const pg_tensor *from) {
  pg_tensor copy = *from;
  if (copy.buffer) pgi_buffer_retain(copy.buffer);
  pgi_tensor_clear(to);
  *to = copy;
}

void pgi_tensor_move(pg_tensor *to, pg_tensor *from) {
  if (to == from) return;
  pg_tensor moved = *from;
  *from = (pg_tensor){0};
  pgi_tensor_clear(to);
  *to = moved;
}

int64_t pgi_tensor_count(const pg_tensor *t) {
  if (t->dtype == PG_NONE) return 0;
  for (int i = 0; i < t->rank; i++) {
    if (t->dims[i] == 0) return 0;
  }
  return pgi_dims_product(t->dims, 0, t->rank);
}

int64_t pgi_tensor_offset(const pg_tensor *t, int64_t index) {
  int64_t offset = t->offset;
  for (int i = t->rank - 1; i >= 0; i--) {
    offset += index % t->dims[i] * t->strides[i];
    index /= t->dims[i];
  }
  return offset;
}

bool pgi_tensor_is_contiguous(const pg_tensor *t) {
  int64_t stride = 1;
  if (pgi_tensor_count(t) == 0) return true;
  for (int i = t->rank - 1; i >= 0; i--) {
    if (t->dims[i] != 1 && t->strides[i] != stride) return false;
    stride *= t->dims[i];
  }
  int bits = pg_dtype_bits(t->dtype);
  return bits == 0 || bits >= 8 || t->offset % (8 / bits) == 0;
}

/* ---- the public handle ---------------------------------------------------------------------- */

/* The context is kept beside the tensor because the tensor may be emptied or replaced. */
typedef struct handle {
  pg_tensor tensor;
  pg_context *ctx; /* retained */
} handle;

static handle *take_spare(pg_context *ctx) {
  for (int i = 0; i < PG_SPARE_HANDLES; i++) {
    if (!atomic_load_explicit(&ctx->handles[i], memory_order_relaxed)) continue;
    void *spare = atomic_exchange(&ctx->handles[i], NULL);
    if (spare) return spare;
  }
  return NULL;
}

/* False when all places are taken. */
static bool give_spare(pg_context *ctx, handle *h) {
  for (int i = 0; i < PG_SPARE_HANDLES; i++) {
    void *expected = NULL;
    if (atomic_compare_exchange_strong(&ctx->handles[i], &expected, h)) return true;
  }
  return false;
}

pg_status pgi_tensor_to_handle(pg_tensor *from, pg_tensor **out, pg_error *err) {
  if (!from->buffer) return pgi_fail(err, PG_INVALID, "an absent value has no handle");
  pg_context *ctx = from->buffer->ctx;
  handle *h = take_spare(ctx);
  if (!h) h = pgi_alloc(ctx, sizeof *h);
  if (!h) return pgi_nomem(err);
  pgi_context_retain(ctx);
  h->ctx = ctx;
  h->tensor = *from;
  *from = (pg_tensor){0};
  *out = &h->tensor;
  return PG_OK;
}

/* A handle, or nothing and the tensor cleared. */
static pg_status hand_out(pg_tensor *t, pg_tensor **out, pg_error *err) {
  pg_status status = pgi_tensor_to_handle(t, out, err);
  if (status != PG_OK) pgi_tensor_clear(t);
  return status;
}

pg_status pg_tensor_new(pg_context *ctx, pg_dtype dtype, int rank, const int64_t *dims,
                        pg_tensor **out, pg_error *err) {
  pg_tensor t;
  if (dtype == PG_SEQUENCE || dtype == PG_MAP || (dtype == PG_NONE && rank != 0))
    return pgi_fail(err, PG_INVALID, "a %s has no shape to be made from", pg_dtype_name(dtype));
  PG_TRY(pgi_tensor_alloc(ctx, dtype, rank, dims, &t, err));
  memset(t.buffer->data, 0, t.buffer->bytes);
  return hand_out(&t, out, err);
}

static pg_status check_wrapped(pg_dtype dtype, const void *data, size_t bytes, pg_error *err) {
  if (bytes && !data) return pgi_fail(err, PG_INVALID, "data is NULL");
  size_t align = PG_MIN(pgi_dtype_size(dtype), _Alignof(max_align_t));
  if (align > 1 && (uintptr_t)data % align) {
    return pgi_fail(err, PG_INVALID, "data: %s must be aligned to %zu bytes", pg_dtype_name(dtype),
                    align);
  }
  return PG_OK;
}

/* Strings are the caller's, so nobody may replace them: read-only. */
pg_status pg_tensor_wrap(pg_context *ctx, pg_dtype dtype, int rank, const int64_t *dims, void *data,
                         void (*release)(void *owner), void *owner, pg_tensor **out,
                         pg_error *err) {
  int64_t count;
  size_t bytes;
  if (!pgi_dtype_valid((int)dtype)) {
    return pgi_fail(err, PG_INVALID, "no memory holds elements of type %s", pg_dtype_name(dtype));
  }
  PG_TRY(pgi_count(rank, dims, &count, err));
  if (!pgi_dtype_bytes(dtype, count, &bytes)) return fail_overflow(dtype, rank, dims, err);
  PG_TRY(check_wrapped(dtype, data, bytes, err));
  pg_tensor t = {.dtype = dtype};
  PG_TRY(pgi_buffer_wrap(ctx, data, bytes, dtype == PG_STRING, NULL, NULL, &t.buffer, err));
  set_shape(&t, rank, dims);
  PG_TRY(hand_out(&t, out, err));
  (*out)->buffer->release = release; /* only now: a failure must not call it */
  (*out)->buffer->owner = owner;
  return PG_OK;
}

pg_status pg_tensor_share(const pg_tensor *t, pg_tensor **out, pg_error *err) {
  pg_tensor copy = {0};
  pgi_tensor_assign(&copy, t);
  return hand_out(&copy, out, err);
}

void pg_tensor_free(pg_tensor *t) {
  if (!t) return;
  handle *h = (handle *)t;
  pg_context *ctx = h->ctx;
  pgi_tensor_clear(t);
  if (!give_spare(ctx, h)) pgi_free(ctx, h);
  pg_context_release(ctx);
}

pg_dtype pg_tensor_dtype(const pg_tensor *t) {
  return t->dtype;
}

int pg_tensor_rank(const pg_tensor *t) {
  return t->rank;
}

const int64_t *pg_tensor_dims(const pg_tensor *t) {
  return t->dims;
}

int64_t pg_tensor_count(const pg_tensor *t) {
  return pgi_tensor_count(t);
}

size_t pg_tensor_bytes(const pg_tensor *t) {
  size_t bytes = 0;
  return pgi_dtype_bytes(t->dtype, pgi_tensor_count(t), &bytes) ? bytes : SIZE_MAX;
}

void *pg_tensor_data(const pg_tensor *t) {
  return t->buffer && pgi_tensor_is_contiguous(t) ? pgi_tensor_data(t) : NULL;
}
