/* ms_heads: see ms_heads.h. */
#include "op/ms_heads.h"

#include "op/lanes.h"

#include <math.h>

/* ---- masks ----------------------------------------------------------------------------------- */

static pg_status fail_mask(pgi_call *c, const pg_tensor *mask, const char *name,
                           const pgi_attend *a) {
  char got[300];
  return pgi_fail(c->err, PG_INVALID, "%s: a batch of %lld with %lld keys can't take %s", name,
                  (long long)a->batch, (long long)a->kv_len,
                  pgi_shape_text(mask->dtype, mask->rank, mask->dims, got, sizeof got));
}

/* From lengths, or ends and starts. */
static pg_status mask_by_range(pgi_call *c, const pg_tensor *mask, const char *name,
                               const pgi_attend *a, float filter, pgi_attend_bias *out) {
  int64_t n = mask->dims[0];
  bool has_starts = n == 2 * a->batch && n != 3 * a->batch + 2;
  if (n != a->batch && !has_starts && n != 3 * a->batch + 2) return fail_mask(c, mask, name, a);
  float *bias;
  int64_t count;
  PG_TRY(pgi_count(2, (int64_t[]){a->batch, a->kv_len}, &count, c->err));
  PG_TRY(pgi_scratch_array(c, count, sizeof *bias, &bias));
  for (int64_t b = 0; b < a->batch; b++) {
    int64_t end = pgi_tensor_get_i64(mask, b);
    int64_t start = has_starts ? pgi_tensor_get_i64(mask, a->batch + b) : 0;
    for (int64_t k = 0; k < a->kv_len; k++)
      bias[b * a->kv_len + k] = k >= start && k < end ? 0.0f : filter;
  }
  *out = (pgi_attend_bias){bias, a->kv_len, 0, 0, a->kv_len};
  return PG_OK;
}

/* From flags; those of a square mask begin at the first new token. */
static pg_status mask_by_flags(pgi_call *c, const pg_tensor *mask, const char *name,
                               const pgi_attend *a, float filter, pgi_attend_bias *out) {
  int64_t width = mask->dims[mask->rank - 1], rows = 1, first = 0;
  bool fits = mask->dims[0] == a->batch && width >= a->kv_len;
  if (mask->rank == 3) rows = a->q_len;
  if (mask->rank == 3) fits = fits && mask->dims[1] == a->q_len;
  if (mask->rank == 4) {
    rows = mask->dims[2];
    first = a->kv_len - a->q_len;
    fits = fits && mask->dims[1] == 1 && first >= 0 && rows >= a->kv_len;
  } else {
    fits = fits && width == a->kv_len;
  }
  if (!fits) return fail_mask(c, mask, name, a);
  float *bias;
  int64_t count = pgi_tensor_count(mask);
  PG_TRY(pgi_scratch_array(c, count, sizeof *bias, &bias));
  pgi_load_f32(mask->dtype, pgi_tensor_data(mask), 0, count, bias);
  for (int64_t i = 0; i < count; i++) bias[i] = bias[i] > 0 ? 0.0f : filter;
  *out = (pgi_attend_bias){bias + first * width, rows * width, 0, mask->rank > 2 ? width : 0,
                           a->kv_len};
  return PG_OK;
}

pg_status pgi_ms_mask(pgi_call *c, const pg_tensor *mask, const char *name, const pgi_attend *a,
                      float filter, pgi_attend_bias *out) {
  *out = (pgi_attend_bias){0};
  if (!mask) return PG_OK;
  pgi_kind kind = pgi_dtype_kind(mask->dtype);
  bool is_number = kind == PG_KIND_INT || kind == PG_KIND_BOOL || kind == PG_KIND_UINT;
  if (!is_number || mask->rank < 1 || mask->rank > 4) return fail_mask(c, mask, name, a);
  return mask->rank == 1 ? mask_by_range(c, mask, name, a, filter, out)
                         : mask_by_flags(c, mask, name, a, filter, out);
}

/* ---- heads ----------------------------------------------------------------------------------- */

typedef struct bias_job {
  pgi_heads from, to;
  const float *bias;
  int64_t heads, length, size;
} bias_job;

static void add_head(void *arg, int64_t i) {
  const bias_job *j = arg;
  int64_t b = i / j->heads, h = i % j->heads;
  const float *bias = j->bias + h * j->size;
  for (int64_t r = 0; r < j->length; r++) {
    const float *x = j->from.data + b * j->from.batch + h * j->from.head + r * j->from.row;
    float *y = j->to.data + b * j->to.batch + h * j->to.head + r * j->to.row;
    for (int64_t d = 0; d < j->size; d++) y[d] = x[d] + bias[d];
  }
}

pg_status pgi_ms_add_bias(pgi_call *c, pgi_heads *heads, const float *bias, int64_t batch,
                          int64_t n_heads, int64_t length, int64_t size) {
  float *copy;
  int64_t count;
  PG_TRY(pgi_count(4, (int64_t[]){batch, n_heads, length, size}, &count, c->err));
  PG_TRY(pgi_scratch_array(c, count, sizeof *copy, &copy));
  bias_job j = {*heads, pgi_heads_split(copy, n_heads, length, size), bias, n_heads, length, size};
  pgi_call_parallel(c, batch * n_heads, add_head, &j);
  *heads = j.to;
  return PG_OK;
}

pg_status pgi_ms_append(pgi_call *c, const pg_tensor *past, pg_tensor *present, pg_dtype dtype,
                        int64_t batch, int64_t n_heads, int64_t *length, int64_t size,
                        pgi_heads *heads) {
  if (!past && !present) return PG_OK;
  int64_t old = past ? past->dims[2] : 0;
  int64_t dims[4] = {batch, n_heads, old + *length, size};
  pg_tensor room = {0};
  pg_status status = PG_OK;
  for (int i = 0; i < 4 && present; i++) {
    if (present->rank != 4 || present->dims[i] != dims[i] || present->dtype != dtype)
      return pgi_fail(c->err, PG_INVALID, "past keys and values: they don't fit together");
  }
  if (!present) {
    status = pgi_tensor_alloc(c->ctx, dtype, 4, dims, &room, c->err);
    present = &room;
  }
  float *copy = NULL;
  if (status == PG_OK) {
    int64_t n = pgi_tensor_count(present);
    pgi_heads_append(c, past, old, heads, *length, present);
    bool is_direct = present != &room && dtype == PG_F32;
    if (is_direct)
      copy = pgi_tensor_data(present);
    else
      status = pgi_scratch_array(c, n, sizeof *copy, &copy);
    if (status == PG_OK && !is_direct) pgi_load_f32(dtype, pgi_tensor_data(present), 0, n, copy);
  }
  pgi_tensor_clear(&room);
  PG_TRY(status);
  *length += old;
  *heads = pgi_heads_split(copy, n_heads, *length, size);
  return PG_OK;
}

float pgi_ms_scale(const pgi_call *c, int64_t size) {
  float scale = pgi_attr_float(c->node, "scale");
  return scale != 0 ? scale : (float)(1 / sqrt((double)size));
}

pg_status pgi_ms_offsets(pgi_call *c, int64_t batch, int64_t value, const int64_t **out) {
  int64_t *offset;
  PG_TRY(pgi_scratch_array(c, batch, sizeof *offset, &offset));
  for (int64_t b = 0; b < batch; b++) offset[b] = value;
  *out = offset;
  return PG_OK;
}
