/* MatMul; com.microsoft's FusedMatMul; and perigee's Linear, which is what MatMul becomes when it
** absorbs what follows it: act(alpha A B + bias + Z). */
#include "op/product.h"

static const pgi_attr_def no_attrs[] = {{0}};
static const pgi_attr_def fused_attrs[] = {
    {.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1}, {.name = "transA", .kind = PG_ATTR_INT},
    {.name = "transB", .kind = PG_ATTR_INT},          {.name = "transBatchA", .kind = PG_ATTR_INT},
    {.name = "transBatchB", .kind = PG_ATTR_INT},     {0}};
static const pgi_attr_def linear_attrs[] = {{.name = "activation", .kind = PG_ATTR_STRING, .s = ""},
                                            {.name = "activation_params", .kind = PG_ATTR_FLOATS},
                                            {.name = "alpha", .kind = PG_ATTR_FLOAT, .f = 1},
                                            {.name = "transA", .kind = PG_ATTR_INT},
                                            {.name = "transB", .kind = PG_ATTR_INT},
                                            {0}};

static bool is_linear(const pgi_node *node) {
  return strcmp(node->type, "Linear") == 0;
}

static float alpha_of(const pgi_node *node) {
  return node->op->domain ? pgi_attr_float(node, "alpha") : 1;
}

static pg_status infer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  bool trans_a = pgi_attr_int(inf->node, "transA") != 0;
  bool trans_b = pgi_attr_int(inf->node, "transB") != 0;
  return pgi_infer_matmul(inf, 0, trans_a, 1, trans_b, &inf->out[0]);
}

/* ---- f32 ------------------------------------------------------------------------------------ */

typedef struct run {
  pgi_matmul mm;
  int64_t a_size, b_size, c_size; /* of one matrix */
  const float *a, *b, *bias, *z;
  const pgi_epilogue *e;
  float *c;
} run;

static void product_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  const run *r = arg;
  int64_t a, b;
  pgi_matmul_at(&r->mm, i, &a, &b);
  p->a = r->a + a * r->a_size;
  if (!p->packed_b) p->b = r->b + b * r->b_size;
  p->c = r->c + i * r->c_size;
  if (!r->e) return;
  *room = *r->e;
  room->add[0] = (pgi_addend){r->bias, 0, 1};
  room->add[1] = (pgi_addend){r->z ? r->z + i * r->c_size : NULL, r->mm.n, 1};
  p->epilogue = room;
}

/* A batch of matrices times one matrix is one tall product. */
static void fold_batch(pgi_matmul *mm, bool trans_a) {
  if (mm->copies <= 1 || trans_a) return;
  int64_t next = 1;
  for (int i = mm->n_batch - 1; i >= 0; i--) {
    if (mm->b_step[i] != 0 || (mm->batch[i] != 1 && mm->a_step[i] != next)) return;
    next *= mm->batch[i];
  }
  mm->m *= mm->copies;
  mm->copies = 1;
  mm->n_batch = 0;
}

static const pg_tensor *input(const pgi_call *c, int i) {
  return i < c->n_in ? c->in[i] : NULL;
}

static pg_status read_epilogue(pgi_call *call, const pgi_matmul *mm, run *r, pgi_epilogue *e) {
  const pg_tensor *bias = input(call, 2), *z = input(call, 3);
  if (bias && (bias->rank != 1 || bias->dims[0] != mm->n)) {
    return pgi_fail(call->err, PG_INVALID, "bias: expected [%lld]", (long long)mm->n);
  }
  if (z && !pgi_same_dims(z, call->out[0])) {
    return pgi_fail(call->err, PG_INVALID, "input 3: expected the shape of the output");
  }
  PG_TRY(pgi_as_f32(call, bias, &r->bias));
  PG_TRY(pgi_as_f32(call, z, &r->z));
  *e = (pgi_epilogue){.scale = 1};
  r->e = e;
  return pgi_read_curve(call->node, e, call->err);
}

static pg_status run_f32(pgi_call *call, pgi_matmul *mm, bool trans_a, bool trans_b) {
  run r = {.a_size = mm->m * mm->k, .b_size = mm->k * mm->n, .c_size = mm->m * mm->n};
  pgi_epilogue e;
  pg_tensor *y = call->out[0];
  int64_t count = pgi_tensor_count(y);
  if (is_linear(call->node)) PG_TRY(read_epilogue(call, mm, &r, &e));
  fold_batch(mm, trans_a);
  r.c_size = mm->m * mm->n;
  r.mm = *mm;
  PG_TRY(pgi_as_f32(call, call->in[0], &r.a));
  if (!call->prepared) PG_TRY(pgi_as_f32(call, call->in[1], &r.b));
  r.c = pgi_tensor_data(y);
  if (y->dtype != PG_F32) PG_TRY(pgi_scratch_array(call, count, sizeof *r.c, &r.c));
  pgi_product p = {.kernel = call->ctx->kernels[PG_K_GEMM_F32],
                   .m = mm->m,
                   .n = mm->n,
                   .k = mm->k,
                   .alpha = alpha_of(call->node),
                   .a = r.a,
                   .b = r.b,
                   .packed_b = call->prepared,
                   .ldc = mm->n};
  p.a_row = trans_a ? 1 : mm->k;
  p.a_col = trans_a ? mm->m : 1;
  p.b_row = trans_b ? 1 : mm->n;
  p.b_col = trans_b ? mm->k : 1;
  PG_TRY(pgi_product_run(call, &p, mm->copies, product_at, &r));
  if (y->dtype != PG_F32) pgi_store_f32(y->dtype, pgi_tensor_data(y), 0, count, r.c);
  return PG_OK;
}

/* ---- other types ---------------------------------------------------------------------------- */

typedef struct plain {
  const pgi_matmul *mm;
  pgi_plain_product p;
  bool is_float;
  double alpha;
  const void *a, *b;
  void *c;
} plain;

static void plain_at(void *arg, int64_t i) {
  const plain *d = arg;
  int64_t a, b;
  int64_t row = i % d->mm->m, copy = i / d->mm->m;
  pgi_matmul_at(d->mm, copy, &a, &b);
  a = a * d->mm->m * d->mm->k + row * d->p.a_row;
  b *= d->mm->k * d->mm->n;
  if (!d->is_float) {
    pgi_plain_i64(&d->p, (const int64_t *)d->a + a, (const int64_t *)d->b + b,
                  (int64_t *)d->c + i * d->mm->n);
    return;
  }
  double *c = (double *)d->c + i * d->mm->n;
  pgi_plain_f64(&d->p, (const double *)d->a + a, (const double *)d->b + b, c);
  for (int64_t j = 0; j < d->mm->n && d->alpha != 1; j++) c[j] *= d->alpha;
}

static pg_status as_wide(pgi_call *call, const pg_tensor *t, bool is_float, const void **out) {
  void *copy;
  int64_t n = pgi_tensor_count(t);
  *out = pgi_tensor_data(t);
  if (t->dtype == PG_F64 || t->dtype == PG_I64 || t->dtype == PG_U64) return PG_OK;
  PG_TRY(pgi_scratch_array(call, n, 8, &copy));
  if (is_float) {
    pgi_load_f64(t->dtype, *out, 0, n, copy);
  } else {
    pgi_load_i64(t->dtype, *out, 0, n, copy);
  }
  *out = copy;
  return PG_OK;
}

static pg_status run_plain(pgi_call *call, const pgi_matmul *mm, bool trans_a, bool trans_b) {
  pg_tensor *y = call->out[0];
  int64_t n = pgi_tensor_count(y);
  plain d = {.mm = mm, .is_float = y->dtype == PG_F64, .alpha = (double)alpha_of(call->node)};
  bool is_wide = d.is_float || y->dtype == PG_I64 || y->dtype == PG_U64;
  d.p = (pgi_plain_product){1,
                            mm->n,
                            mm->k,
                            trans_a ? 1 : mm->k,
                            trans_a ? mm->m : 1,
                            trans_b ? 1 : mm->n,
                            trans_b ? mm->k : 1};
  PG_TRY(as_wide(call, call->in[0], d.is_float, &d.a));
  PG_TRY(as_wide(call, call->in[1], d.is_float, &d.b));
  d.c = pgi_tensor_data(y);
  if (!is_wide) PG_TRY(pgi_scratch_array(call, n, 8, &d.c));
  pgi_call_parallel(call, mm->copies * mm->m, plain_at, &d);
  if (!is_wide) pgi_store_i64(y->dtype, pgi_tensor_data(y), 0, n, d.c);
  return PG_OK;
}

static bool runs_in_f32(pg_dtype dtype) {
  return dtype == PG_F32 || dtype == PG_F16 || dtype == PG_BF16;
}

static pg_status run_any(pgi_call *call) {
  const pg_tensor *a = call->in[0], *b = call->in[1];
  bool trans_a = pgi_attr_int(call->node, "transA") != 0 && a->rank > 1;
  bool trans_b = pgi_attr_int(call->node, "transB") != 0 && b->rank > 1;
  pgi_matmul mm;
  PG_TRY(pgi_matmul_init(&mm, a->rank, a->dims, trans_a, b->rank, b->dims, trans_b, call->err));
  if (a->dtype != b->dtype) {
    return pgi_fail(call->err, PG_INVALID, "expected two matrices of one type, got %s and %s",
                    pg_dtype_name(a->dtype), pg_dtype_name(b->dtype));
  }
  if (runs_in_f32(a->dtype)) return run_f32(call, &mm, trans_a, trans_b);
  return run_plain(call, &mm, trans_a, trans_b);
}

/* ---- preparing ------------------------------------------------------------------------------ */

/* Packs a constant right side that is one matrix. */
static pg_status prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                         void **prepared, pg_error *err) {
  const pg_tensor *b = value[1];
  if (!b || !runs_in_f32(b->dtype) || b->rank != 2) return PG_OK;
  bool trans = pgi_attr_int(node, "transB") != 0;
  return pgi_prepare_right(ctx, b, trans, prepared, err);
}

/* ---- absorbing ------------------------------------------------------------------------------ */

/* A constant addend for each column. */
static pg_status absorb_bias(pgi_node *node, bool *changed, pg_error *err) {
  int at;
  pgi_node *next = pgi_only_consumer(node->out[0], &at);
  if (!next || next->domain[0] != 0 || strcmp(next->type, "Add") != 0) return PG_OK;
  const pgi_type *type = &node->out[0]->type;
  pgi_value *bias = next->in[1 - at].value;
  if (!bias || node->n_in > 2 || type->rank < 1 || bias->type.dtype != type->dtype) return PG_OK;
  if (bias->type.kind != PG_TYPE_TENSOR || bias->type.rank != 1) return PG_OK;
  int64_t n = type->dims[type->rank - 1].n;
  if (n < 1 || bias->type.dims[0].n != n) return PG_OK;
  pgi_edit_move_before(node, next); /* behind what makes the addend */
  PG_TRY(pgi_edit_retype(node, "perigee", "Linear", err));
  PG_TRY(pgi_edit_set_input(node, 2, bias, err));
  PG_TRY(pgi_absorb_node(node, next, err));
  *changed = true;
  return PG_OK;
}

static pg_status absorb(pgi_node *node, bool *changed, pg_error *err) {
  if (node->n_out < 1 || !node->out[0]) return PG_OK;
  if (node->n_in < 2 || !node->in[1].value || node->in[1].value->type.rank < 2) return PG_OK;
  if (!runs_in_f32(node->out[0]->type.dtype)) return PG_OK;
  if (pgi_attr_string(node, "activation").size > 0) return PG_OK;
  PG_TRY(absorb_bias(node, changed, err));
  if (!*changed) PG_TRY(pgi_absorb_sum(node, "perigee", "Linear", changed, err));
  if (!*changed) PG_TRY(pgi_absorb_curve(node, "perigee", "Linear", changed, err));
  return PG_OK;
}

/* ---- FusedMatMul ----------------------------------------------------------------------------- */

/* With transBatchA the first axis of A is that of its rows, and the batches lie behind it. */
static const char *const batch_names[] = {"transBatchA", "transBatchB"};

static pg_status infer_fused(pgi_infer *inf) {
  pgi_type moved[2];
  const pgi_type *in[2] = {inf->in[0], inf->in[1]};
  pgi_infer inner = *inf;
  for (int i = 0; i < 2; i++) {
    int rank = pgi_in_rank(inf, i);
    if (rank < 3 || !pgi_attr_int(inf->node, batch_names[i])) continue;
    moved[i] = *in[i];
    for (int k = 0; k < rank - 2; k++) moved[i].dims[k] = in[i]->dims[k + 1];
    moved[i].dims[rank - 2] = in[i]->dims[0];
    in[i] = &moved[i];
  }
  inner.in = in;
  return infer(&inner);
}

static pg_status move_rows(const pg_tensor *t, pg_tensor *out, pg_error *err) {
  int perm[PG_MAX_RANK];
  pg_tensor view = {0};
  for (int k = 0; k < t->rank - 2; k++) perm[k] = k + 1;
  perm[t->rank - 2] = 0;
  perm[t->rank - 1] = t->rank - 1;
  PG_TRY(pgi_view_permute(t, perm, &view, err));
  pg_status status = pgi_tensor_contiguous(&view, out, err);
  pgi_tensor_clear(&view);
  return status;
}

static pg_status run_fused(pgi_call *call) {
  pg_tensor moved[2] = {{0}, {0}};
  const pg_tensor *in[2] = {call->in[0], call->in[1]};
  pgi_call inner = *call;
  pg_status status = PG_OK;
  for (int i = 0; i < 2 && status == PG_OK; i++) {
    if (in[i]->rank < 3 || !pgi_attr_int(call->node, batch_names[i])) continue;
    status = move_rows(in[i], &moved[i], call->err);
    in[i] = &moved[i];
  }
  inner.in = in;
  if (status == PG_OK) status = run_any(&inner);
  for (int i = 0; i < 2; i++) pgi_tensor_clear(&moved[i]);
  return status;
}

#define RUNS \
  .infer = infer, .prepare = prepare, .discard = pgi_discard_right, .packs = 2, .run = run_any
PG_OP(matmul) = {.name = "MatMul",
                 .since = {1, 9, 13},
                 .in = {2, 2},
                 .out = {1, 1},
                 .types = PG_T_FLOAT | PG_T(PG_I32) | PG_T(PG_I64) | PG_T(PG_U32) | PG_T(PG_U64),
                 .attrs = no_attrs,
                 RUNS,
                 .absorb = absorb};
PG_OP(fused_matmul) = {.name = "FusedMatMul",
                       .domain = "com.microsoft",
                       .since = {1},
                       .in = {2, 2},
                       .out = {1, 1},
                       .types = PG_T_FLOAT,
                       .attrs = fused_attrs,
                       .infer = infer_fused,
                       .prepare = prepare,
                       .discard = pgi_discard_right,
                       .run = run_fused};
PG_OP(linear) = {.name = "Linear",
                 .domain = "perigee",
                 .since = {1},
                 .in = {2, 4},
                 .out = {1, 1},
                 .types = PG_T(PG_F32) | PG_T(PG_F16) | PG_T(PG_BF16),
                 .attrs = linear_attrs,
                 RUNS,
                 .absorb = absorb};
