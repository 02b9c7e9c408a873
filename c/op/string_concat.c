/* StringConcat: pairs of strings as one, broadcast. */
#include "op/move.h"

static pg_status join(pgi_call *c, pg_string a, pg_string b, int64_t i) {
  pg_tensor *out = c->out[0];
  size_t size;
  if (!pgi_add_size(a.size, b.size, &size)) return pgi_nomem(c->err);
  char *text = pgi_alloc(c->ctx, size);
  if (!text) return pgi_nomem(c->err);
  if (a.size) memcpy(text, a.data, a.size);
  if (b.size) memcpy(text + a.size, b.data, b.size);
  pg_status status = pgi_string_set(out->buffer, out->offset + i, text, size, c->err);
  pgi_free(c->ctx, text);
  return status;
}

static pg_status join_all(pgi_call *c, const pg_tensor *a, const pg_tensor *b) {
  const pg_string *x = pgi_tensor_data(a), *y = pgi_tensor_data(b);
  pgi_coords k;
  pgi_coords_set(&k, a->rank, a->dims, 0);
  for (int64_t i = 0; i < pgi_tensor_count(a); i++, pgi_coords_next(&k)) {
    int64_t at_x = 0, at_y = 0;
    for (int d = 0; d < a->rank; d++) {
      at_x += k.at[d] * a->strides[d];
      at_y += k.at[d] * b->strides[d];
    }
    PG_TRY(join(c, x[at_x], y[at_y], i));
  }
  return PG_OK;
}

static pg_status string_concat_run(pgi_call *c) {
  pg_tensor *out = c->out[0], a = {0}, b = {0};
  if (c->in[1]->dtype != PG_STRING) {
    return pgi_fail(c->err, PG_INVALID, "Y: expected strings, got %s",
                    pg_dtype_name(c->in[1]->dtype));
  }
  if (pgi_tensor_count(out) == 0) return PG_OK;
  pg_status status = pgi_view_expand(c->in[0], out->rank, out->dims, &a, c->err);
  if (status == PG_OK) status = pgi_view_expand(c->in[1], out->rank, out->dims, &b, c->err);
  if (status == PG_OK) status = join_all(c, &a, &b);
  pgi_tensor_clear(&a);
  pgi_tensor_clear(&b);
  return status;
}

PG_OP(string_concat) = {
    .name = "StringConcat",
    .since = {20},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T(PG_STRING),
    .infer = pgi_infer_broadcast,
    .run = string_concat_run,
};
