/* Attention and QAttention of com.microsoft: projections of the input to queries, keys and
** values, and attention on these. */
#include "op/move.h"
#include "op/ms_heads.h"
#include "op/product.h"

/* Where the inputs stand; -1: there is none. */
typedef struct places {
  int bias, mask, past, addend, past_length, x_scale, w_scale, x_zero, w_zero;
} places;

static const places plain_places = {2, 3, 4, 5, 6, -1, -1, -1, -1};
static const places quantized_places = {2, 5, 8, -1, -1, 3, 4, 6, 7};

static const pg_tensor *input(const pgi_call *c, int i) {
  return i >= 0 ? pgi_input(c, i) : NULL;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

typedef struct sizes {
  int64_t heads, width, v_width; /* of queries and keys, of values: all heads together */
} sizes;

static pg_status read_sizes(const pgi_node *node, int64_t columns, sizes *s, pg_error *err) {
  int64_t n;
  const int64_t *given = pgi_attr_ints(node, "qkv_hidden_sizes", &n);
  s->heads = pgi_attr_int(node, "num_heads");
  s->width = s->v_width = columns / 3;
  if (n == 3) {
    s->width = given[0];
    s->v_width = given[2];
  }
  bool fits = s->heads > 0 && s->width > 0 && s->v_width > 0 && s->width <= columns &&
              s->v_width <= columns && 2 * s->width + s->v_width == columns &&
              s->width % s->heads == 0 && s->v_width % s->heads == 0 &&
              (n == 0 || (n == 3 && given[1] == given[0]));
  if (fits) return PG_OK;
  return pgi_fail(err, PG_INVALID, "weights of %lld columns can't be cut into 3 times %lld heads",
                  (long long)columns, (long long)s->heads);
}

static pg_status infer_any(pgi_infer *inf, const places *at) {
  pg_dtype dtype = pgi_in_dtype(inf, at->bias);
  if (at->x_scale < 0) dtype = pgi_in_dtype(inf, 0);
  pgi_type *y = pgi_out_type(inf, 0, dtype, 3);
  if (inf->n_out > 1) pgi_out_type(inf, 1, dtype, 5);
  if (pgi_in_rank(inf, 0) != 3) return PG_OK;
  memcpy(y->dims, inf->in[0]->dims, 2 * sizeof(pgi_dim));
  if (pgi_in_rank(inf, 1) != 2 || inf->in[1]->dims[1].n < 0) return PG_OK;
  sizes s;
  PG_TRY(read_sizes(inf->node, inf->in[1]->dims[1].n, &s, inf->err));
  y->dims[2] = pgi_dim_of(s.v_width);
  if (inf->n_out < 2) return PG_OK;
  pgi_dim total = y->dims[1];
  if (pgi_in_rank(inf, at->past) == 5) {
    total = pgi_dim_add(inf->arena, total, inf->in[at->past]->dims[3]);
  } else if (pgi_has_in(inf, at->past)) {
    total = pgi_dim_unknown();
  }
  memcpy(inf->out[1].dims,
         (pgi_dim[]){pgi_dim_of(2), y->dims[0], pgi_dim_of(s.heads), total,
                     pgi_dim_of(s.width / s.heads)},
         5 * sizeof total);
  return PG_OK;
}

/* ---- the projection -------------------------------------------------------------------------- */

/* (q - zero) * scale; scale and zero: one number, or one for each of n columns. */
static pg_status dequantize(pgi_call *c, const pg_tensor *t, const pg_tensor *scale,
                            const pg_tensor *zero, const float **out) {
  int64_t count = pgi_tensor_count(t), n = t->dims[t->rank - 1];
  int64_t scales = pgi_tensor_count(scale), zeros = zero ? pgi_tensor_count(zero) : 1;
  if ((scales != 1 && scales != n) || (zeros != 1 && zeros != n))
    return pgi_fail(c->err, PG_INVALID, "scales and zero points: expected 1 or %lld numbers",
                    (long long)n);
  float *x;
  PG_TRY(pgi_scratch_array(c, count, sizeof *x, &x));
  pgi_load_f32(t->dtype, pgi_tensor_data(t), 0, count, x);
  for (int64_t i = 0; i < count; i++) {
    double z = zero ? pgi_tensor_get_f64(zero, zeros > 1 ? i % n : 0) : 0;
    x[i] = (float)(((double)x[i] - z) * pgi_tensor_get_f64(scale, scales > 1 ? i % n : 0));
  }
  *out = x;
  return PG_OK;
}

typedef struct projection {
  const float *bias;
} projection;

static void project_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  const projection *j = arg;
  (void)i;
  if (!j->bias) return;
  *room = (pgi_epilogue){.scale = 1};
  room->add[0] = (pgi_addend){j->bias, 0, 1};
  p->epilogue = room;
}

/* x W + bias, [B * S, columns]. */
static pg_status project(pgi_call *c, const places *at, float **out) {
  const pg_tensor *x = c->in[0], *w = c->in[1], *bias = input(c, at->bias);
  int64_t rows = x->dims[0] * x->dims[1], columns = w->dims[1], count;
  projection j = {NULL};
  pgi_product p = {.kernel = c->ctx->kernels[PG_K_GEMM_F32],
                   .m = rows,
                   .n = columns,
                   .k = x->dims[2],
                   .alpha = 1,
                   .a_row = x->dims[2],
                   .a_col = 1,
                   .b_row = columns,
                   .b_col = 1,
                   .ldc = columns,
                   .packed_b = c->prepared};
  if (bias && (bias->rank != 1 || bias->dims[0] != columns))
    return pgi_fail(c->err, PG_INVALID, "bias: expected [%lld]", (long long)columns);
  if (at->x_scale >= 0) {
    PG_TRY(dequantize(c, x, c->in[at->x_scale], input(c, at->x_zero), &p.a));
    PG_TRY(dequantize(c, w, c->in[at->w_scale], input(c, at->w_zero), &p.b));
  } else {
    PG_TRY(pgi_as_f32(c, x, &p.a));
    if (!c->prepared) PG_TRY(pgi_as_f32(c, w, &p.b));
  }
  PG_TRY(pgi_as_f32(c, bias, &j.bias));
  PG_TRY(pgi_count(2, (int64_t[]){rows, columns}, &count, c->err));
  PG_TRY(pgi_scratch_array(c, count, sizeof **out, out));
  p.c = *out;
  return pgi_product_run(c, &p, 1, project_at, &j);
}

static pg_status prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                         void **prepared, pg_error *err) {
  const pg_tensor *w = node->n_in > 1 ? value[1] : NULL;
  if (!w || w->rank != 2 || pgi_dtype_kind(w->dtype) != PG_KIND_FLOAT) return PG_OK;
  return pgi_prepare_right(ctx, w, false, prepared, err);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Keys (0) or values (1) of past and present, [2, B, heads, T, size]. */
static pg_status half_of(const pg_tensor *t, int which, pg_tensor *out, pg_error *err) {
  return t ? pgi_view_select(t, 0, which, out, err) : PG_OK;
}

static pg_status append_half(pgi_call *c, const places *at, int which, pgi_attend *a,
                             pgi_heads *heads, int64_t *length) {
  const pg_tensor *past = input(c, at->past), *present = c->n_out > 1 ? c->out[1] : NULL;
  pg_tensor past_half = {0}, present_half = {0};
  pg_status status = half_of(past, which, &past_half, c->err);
  if (status == PG_OK) status = half_of(present, which, &present_half, c->err);
  if (status == PG_OK)
    status = pgi_ms_append(c, past ? &past_half : NULL, present ? &present_half : NULL,
                           c->out[0]->dtype, a->batch, a->heads, length, a->size, heads);
  pgi_tensor_clear(&past_half);
  pgi_tensor_clear(&present_half);
  return status;
}

static pg_status check_past(pgi_call *c, const places *at, const pgi_attend *a) {
  const pg_tensor *past = input(c, at->past);
  if (!past && (c->n_out < 2 || !c->out[1])) return PG_OK;
  if (a->size != a->v_size)
    return pgi_fail(c->err, PG_INVALID, "past: keys and values must be of one size");
  bool fits = !past || (past->rank == 5 && past->dims[0] == 2 && past->dims[1] == a->batch &&
                        past->dims[2] == a->heads && past->dims[4] == a->size &&
                        past->dtype == c->out[0]->dtype);
  if (fits) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "past: expected [2,%lld,%lld,?,%lld]", (long long)a->batch,
                  (long long)a->heads, (long long)a->size);
}

static pg_status check_attributes(pgi_call *c) {
  static const char *const names[] = {"do_rotary", "past_present_share_buffer"};
  for (int i = 0; i < PG_COUNT(names); i++)
    if (pgi_attr_int(c->node, names[i]))
      return pgi_fail(c->err, PG_UNSUPPORTED, "attribute '%s'", names[i]);
  return PG_OK;
}

static pg_status run_any(pgi_call *c, const places *at) {
  const pg_tensor *x = c->in[0], *w = c->in[1];
  sizes s;
  float *qkv, *y;
  PG_TRY(check_attributes(c));
  if (x->rank != 3 || w->rank != 2 || w->dims[0] != x->dims[2])
    return pgi_fail(c->err, PG_INVALID, "input and weights: they don't fit together");
  int64_t columns = w->dims[1], length = x->dims[1];
  PG_TRY(read_sizes(c->node, columns, &s, c->err));
  PG_TRY(project(c, at, &qkv));
  pgi_attend a = {.batch = x->dims[0],
                  .heads = s.heads,
                  .kv_heads = s.heads,
                  .q_len = length,
                  .size = s.width / s.heads,
                  .v_size = s.v_width / s.heads,
                  .left = -1};
  a.right = pgi_attr_int(c->node, "unidirectional") ? 0 : -1;
  a.scale = pgi_ms_scale(c, a.size);
  a.q = (pgi_heads){qkv, length * columns, a.size, columns};
  a.k = (pgi_heads){qkv + s.width, length * columns, a.size, columns};
  a.v = (pgi_heads){qkv + 2 * s.width, length * columns, a.v_size, columns};
  int64_t k_length = length, v_length = length;
  PG_TRY(check_past(c, at, &a));
  PG_TRY(append_half(c, at, 0, &a, &a.k, &k_length));
  PG_TRY(append_half(c, at, 1, &a, &a.v, &v_length));
  a.kv_len = k_length;
  PG_TRY(pgi_ms_offsets(c, a.batch, k_length - length, &a.offset));
  float filter = pgi_attr_float(c->node, "mask_filter_value");
  PG_TRY(pgi_ms_mask(c, input(c, at->mask), "mask_index", &a, filter, &a.bias[0]));
  PG_TRY(pgi_attend_mask(c, input(c, at->addend), "attention_bias", &a, &a.bias[1]));
  PG_TRY(pgi_result_f32(c, c->out[0], &y));
  a.y = pgi_heads_packed(y, a.heads, length, a.v_size);
  PG_TRY(pgi_attend_run(c, &a));
  pgi_result_store(c->out[0], y);
  return PG_OK;
}

static pg_status plain_infer(pgi_infer *inf) {
  return infer_any(inf, &plain_places);
}
static pg_status plain_run(pgi_call *c) {
  return run_any(c, &plain_places);
}
static pg_status quantized_infer(pgi_infer *inf) {
  return infer_any(inf, &quantized_places);
}
static pg_status quantized_run(pgi_call *c) {
  return run_any(c, &quantized_places);
}

static const pgi_attr_def attrs[] = {
    {.name = "do_rotary", .kind = PG_ATTR_INT},
    {.name = "mask_filter_value", .kind = PG_ATTR_FLOAT, .f = -10000.0f},
    {.name = "num_heads", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "past_present_share_buffer", .kind = PG_ATTR_INT},
    {.name = "qkv_hidden_sizes", .kind = PG_ATTR_INTS},
    {.name = "scale", .kind = PG_ATTR_FLOAT},
    {.name = "unidirectional", .kind = PG_ATTR_INT},
    {0}};

PG_OP(ms_attention) = {
    .name = "Attention",
    .domain = "com.microsoft",
    .since = {1},
    .in = {2, 7},
    .out = {1, 2},
    .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
    .attrs = attrs,
    .infer = plain_infer,
    .prepare = prepare,
    .discard = pgi_discard_right,
    .run = plain_run,
};

PG_OP(ms_qattention) = {
    .name = "QAttention",
    .domain = "com.microsoft",
    .since = {1},
    .in = {5, 9},
    .out = {1, 2},
    .types = PG_T(PG_U8) | PG_T(PG_I8),
    .attrs = attrs,
    .infer = quantized_infer,
    .run = quantized_run,
};
