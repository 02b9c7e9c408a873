/* copy: strided copies and what is built on them. */
#include "tensor/tensor.h"

/* ---- raw strided copy ----------------------------------------------------------------------- */

typedef struct axis {
  int64_t n, to, from; /* strides in bytes */
} axis;

/* Outer axes first.  Axes of size 1 go; an axis that continues the one outside it joins it. */
static int coalesce(axis *axes, int rank, const int64_t *dims, const int64_t *to_strides,
                    const int64_t *from_strides, int64_t size) {
  int k = 0;
  for (int i = 0; i < rank; i++) {
    axis a = {dims[i], to_strides[i] * size, from_strides[i] * size};
    if (a.n == 1) continue;
    axis *outer = k ? &axes[k - 1] : NULL;
    if (outer && outer->to == a.n * a.to && outer->from == a.n * a.from) {
      a.n *= outer->n;
      *outer = a;
    } else {
      axes[k++] = a;
    }
  }
  return k;
}

static int64_t magnitude(int64_t x) {
  return x < 0 ? -x : x;
}

/* Moves axis `from` to place `to`, keeping the order of the others. */
static void move_axis(axis *axes, int from, int to) {
  axis moved = axes[from];
  for (; from < to; from++) axes[from] = axes[from + 1];
  for (; from > to; from--) axes[from] = axes[from - 1];
  axes[to] = moved;
}

/* Innermost the axis along which writing is densest, next to it the one along which reading is.
** Returns whether the two differ: then the plane is cut into tiles. */
static bool choose_inner(axis *axes, int k) {
  int writer = k - 1, reader = -1;
  for (int i = 0; i < k; i++) {
    if (magnitude(axes[i].to) < magnitude(axes[writer].to)) writer = i;
  }
  move_axis(axes, writer, k - 1);
  for (int i = 0; i < k; i++) {
    if (axes[i].from == 0) continue;
    if (reader < 0 || magnitude(axes[i].from) <= magnitude(axes[reader].from)) reader = i;
  }
  if (reader < 0 || reader == k - 1) return false;
  move_axis(axes, reader, k - 2);
  return axes[k - 1].from != 0;
}

/* The writing axis `a` inside the reading axis `b`. */
typedef void plane_fn(char *to, const char *from, const axis *a, const axis *b);

#define PLANE(name, T)                                                         \
  static void name(char *to, const char *from, const axis *a, const axis *b) { \
    for (int64_t j = 0; j < b->n; j++) {                                       \
      char *t = to + j * b->to;                                                \
      const char *f = from + j * b->from;                                      \
      for (int64_t i = 0; i < a->n; i++, t += a->to, f += a->from) {           \
        memcpy(t, f, sizeof(T));                                               \
      }                                                                        \
    }                                                                          \
  }
typedef struct wide {
  uint64_t half[2];
} wide;
PLANE(plane_1, uint8_t)
PLANE(plane_2, uint16_t)
PLANE(plane_4, uint32_t)
PLANE(plane_8, uint64_t)
PLANE(plane_16, wide)
#undef PLANE

static plane_fn *plane_of(size_t size) {
  switch (size) {
    case 1:
      return plane_1;
    case 2:
      return plane_2;
    case 4:
      return plane_4;
    case 8:
      return plane_8;
    case 16:
      return plane_16;
    default:
      return NULL;
  }
}

static void plane_any(char *to, const char *from, const axis *a, const axis *b, size_t size) {
  for (int64_t j = 0; j < b->n; j++) {
    for (int64_t i = 0; i < a->n; i++) {
      memcpy(to + j * b->to + i * a->to, from + j * b->from + i * a->from, size);
    }
  }
}

/* Tiles whose lines, of both sides, stay in the first cache; square unless an axis is short. */
static void plane_tiled(plane_fn *fn, char *to, const char *from, const axis *a, const axis *b) {
  enum { SIDE = 32, AREA = 1024 };
  int64_t rows = PG_MIN(b->n, AREA / PG_MIN(a->n, SIDE));
  int64_t columns = PG_MIN(a->n, AREA / PG_MIN(b->n, SIDE));
  for (int64_t j = 0; j < b->n; j += rows) {
    axis tile_b = {PG_MIN(rows, b->n - j), b->to, b->from};
    for (int64_t i = 0; i < a->n; i += columns) {
      axis tile_a = {PG_MIN(columns, a->n - i), a->to, a->from};
      bool is_long = tile_a.n >= tile_b.n; /* the longer loop goes inside */
      fn(to + j * b->to + i * a->to, from + j * b->from + i * a->from, is_long ? &tile_a : &tile_b,
         is_long ? &tile_b : &tile_a);
    }
  }
}

typedef struct strided {
  axis axes[PG_MAX_RANK + 2];
  int k;
  size_t size;
  bool is_tiled;
} strided;

static void copy_planes(const strided *s, char *to, const char *from) {
  const axis *a = &s->axes[s->k - 1], *b = &s->axes[s->k - 2];
  plane_fn *fn = plane_of(s->size);
  int64_t index[PG_MAX_RANK + 2] = {0};
  for (;;) {
    if (!fn)
      plane_any(to, from, a, b, s->size);
    else if (s->is_tiled)
      plane_tiled(fn, to, from, a, b);
    else
      fn(to, from, a, b);
    int i = s->k - 3;
    for (; i >= 0; i--) {
      to += s->axes[i].to;
      from += s->axes[i].from;
      if (++index[i] < s->axes[i].n) break;
      to -= s->axes[i].n * s->axes[i].to;
      from -= s->axes[i].n * s->axes[i].from;
      index[i] = 0;
    }
    if (i < 0) return;
  }
}

void pgi_copy_strided(void *to, const int64_t *to_strides, const void *from,
                      const int64_t *from_strides, int rank, const int64_t *dims, size_t size) {
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 0) return;
  }
  strided s = {.size = size};
  s.k = coalesce(s.axes, rank, dims, to_strides, from_strides, (int64_t)size);
  const axis *inner = s.k ? &s.axes[s.k - 1] : NULL;
  if (inner && inner->to == (int64_t)size && inner->from == (int64_t)size) {
    s.size *= (size_t)inner->n; /* a dense run is one wide element */
    s.k--;
  }
  if (s.k == 0) {
    memcpy(to, from, s.size);
    return;
  }
  s.is_tiled = choose_inner(s.axes, s.k);
  if (s.k == 1) {
    s.axes[1] = s.axes[0];
    s.axes[0] = (axis){1, 0, 0};
    s.k = 2;
  }
  copy_planes(&s, to, from);
}

/* ---- strings and objects -------------------------------------------------------------------- */

static void free_text(pg_context *ctx, const char *text) {
  void *block; /* const only for readers */
  memcpy(&block, &text, sizeof block);
  pgi_free(ctx, block);
}

pg_status pgi_string_set(pgi_buffer *b, int64_t i, const char *text, size_t size, pg_error *err) {
  if (b->dtype != PG_STRING || i < 0 || i >= b->n_objects) {
    return pgi_fail(err, PG_INVALID, "no string %lld to replace here", (long long)i);
  }
  char *copy = NULL;
  if (size) {
    copy = pgi_alloc(b->ctx, size);
    if (!copy) return pgi_nomem(err);
    memcpy(copy, text, size);
  }
  pg_string *s = &((pg_string *)b->data)[i];
  free_text(b->ctx, s->data);
  *s = (pg_string){copy, size};
  return PG_OK;
}

pg_status pg_tensor_set_string(pg_tensor *t, int64_t index, const char *data, size_t size,
                               pg_error *err) {
  if (t->dtype != PG_STRING)
    return pgi_fail(err, PG_INVALID, "expected a tensor of strings, got %s",
                    pg_dtype_name(t->dtype));
  int64_t n = pgi_tensor_count(t);
  if (index < 0 || index >= n)
    return pgi_fail(err, PG_INVALID, "index: expected 0 to %lld, got %lld", (long long)n - 1,
                    (long long)index);
  if (t->buffer->is_readonly) return pgi_fail(err, PG_INVALID, "the tensor is read-only");
  return pgi_string_set(t->buffer, pgi_tensor_offset(t, index), data, size, err);
}

static pg_status copy_object(const pg_tensor *from, int64_t from_at, pg_tensor *to, int64_t to_at,
                             pg_error *err) {
  if (from->dtype == PG_STRING) {
    const pg_string *s = &((const pg_string *)from->buffer->data)[from_at];
    return pgi_string_set(to->buffer, to_at, s->data, s->size, err);
  }
  pg_tensor copy = {0};
  PG_TRY(pgi_tensor_clone(&((const pg_tensor *)from->buffer->data)[from_at], &copy, err));
  pgi_tensor_move(&((pg_tensor *)to->buffer->data)[to_at], &copy);
  return PG_OK;
}

static pg_status copy_objects(const pg_tensor *from, pg_tensor *to, pg_error *err) {
  int64_t n = pgi_tensor_count(from);
  if (n && to->buffer->dtype != to->dtype) {
    return pgi_fail(err, PG_INVALID, "the destination doesn't own its elements");
  }
  for (int64_t i = 0; i < n; i++) {
    PG_TRY(copy_object(from, pgi_tensor_offset(from, i), to, pgi_tensor_offset(to, i), err));
  }
  return PG_OK;
}

/* ---- tensors -------------------------------------------------------------------------------- */

/* Whole bytes at once where both sides allow; a last byte may be shared with other elements. */
static void copy_packed(const pg_tensor *from, pg_tensor *to) {
  int64_t n = pgi_tensor_count(from), done = 0;
  int64_t per_byte = 8 / pg_dtype_bits(from->dtype);
  pg_dtype bits = per_byte == 2 ? PG_U4 : PG_U2;
  if (n && pgi_tensor_is_contiguous(from) && pgi_tensor_is_contiguous(to)) {
    memcpy(pgi_tensor_data(to), pgi_tensor_data(from), (size_t)(n / per_byte));
    done = n / per_byte * per_byte;
  }
  for (int64_t i = done; i < n; i++) {
    int64_t v;
    pgi_load_i64(bits, from->buffer->data, pgi_tensor_offset(from, i), 1, &v);
    pgi_store_i64(bits, to->buffer->data, pgi_tensor_offset(to, i), 1, &v);
  }
}

pg_status pgi_tensor_copy_into(const pg_tensor *from, pg_tensor *to, pg_error *err) {
  if (from->dtype != to->dtype || !pgi_same_dims(from, to)) {
    char a[400], b[400];
    pgi_shape_text(to->dtype, to->rank, to->dims, a, sizeof a);
    pgi_shape_text(from->dtype, from->rank, from->dims, b, sizeof b);
    return pgi_fail(err, PG_INVALID, "copy: expected %s, got %s", a, b);
  }
  if (from->dtype == PG_NONE) return PG_OK;
  if (to->buffer->is_readonly) return pgi_fail(err, PG_INVALID, "copy: read-only destination");
  size_t size = pgi_dtype_size(from->dtype);
  if (pg_dtype_bits(from->dtype) == 0) return copy_objects(from, to, err);
  if (size == 0)
    copy_packed(from, to);
  else {
    pgi_copy_strided(pgi_tensor_data(to), to->strides, pgi_tensor_data(from), from->strides,
                     from->rank, from->dims, size);
  }
  return PG_OK;
}

pg_status pgi_tensor_clone(const pg_tensor *t, pg_tensor *out, pg_error *err) {
  pg_tensor copy = {0};
  if (!t->buffer) {
    *out = copy;
    return PG_OK;
  }
  PG_TRY(pgi_tensor_alloc(t->buffer->ctx, t->dtype, t->rank, t->dims, &copy, err));
  pg_status status = pgi_tensor_copy_into(t, &copy, err);
  if (status == PG_OK)
    *out = copy;
  else
    pgi_tensor_clear(&copy);
  return status;
}

pg_status pgi_tensor_contiguous(const pg_tensor *t, pg_tensor *out, pg_error *err) {
  if (!pgi_tensor_is_contiguous(t)) return pgi_tensor_clone(t, out, err);
  pg_tensor view = {0};
  pgi_tensor_assign(&view, t);
  *out = view;
  return PG_OK;
}
