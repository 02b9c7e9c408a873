/* Einsum: operands are contracted from left to right, each pair as a batch of matrix products. */
#include "op/einsum.h"
#include "op/product.h"

/* ---- inference ------------------------------------------------------------------------------ */

static pg_status fail_sizes(int64_t a, int64_t b, pg_error *err) {
  return pgi_fail(err, PG_INVALID, "axes of one letter have sizes %lld and %lld", (long long)a,
                  (long long)b);
}

static pg_status infer(pgi_infer *inf) {
  int rank[PG_MANY];
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  if (inf->n_in > PG_MANY) return pgi_fail(inf->err, PG_UNSUPPORTED, "too many inputs");
  for (int i = 0; i < inf->n_in; i++) {
    rank[i] = pgi_in_rank(inf, i);
    if (rank[i] < 0) return PG_OK;
  }
  pgi_einsum e;
  PG_TRY(pgi_einsum_parse(pgi_attr_string(inf->node, "equation"), inf->n_in, rank, &e, inf->err));
  pgi_dim dims[PG_EINSUM_LABELS];
  for (int l = 0; l < PG_EINSUM_LABELS; l++) dims[l] = pgi_dim_of(1);
  for (int i = 0; i < e.n_in; i++) {
    for (int a = 0; a < e.in[i].n; a++) {
      pgi_dim d = inf->in[i]->dims[a], *known = &dims[e.in[i].label[a]];
      if (d.n == 1) continue;
      if (known->n > 1 && d.n >= 0 && d.n != known->n) return fail_sizes(known->n, d.n, inf->err);
      if (known->n <= 1 && !(known->n == 0 && d.n < 0)) *known = d;
    }
  }
  inf->out[0].rank = e.out.n;
  for (int a = 0; a < e.out.n; a++) inf->out[0].dims[a] = dims[e.out.label[a]];
  return PG_OK;
}

/* ---- operands ------------------------------------------------------------------------------- */

/* Elements of the working type with labelled axes; no two axes have one label, none has size 1. */
typedef struct operand {
  int n;
  uint8_t label[PG_MAX_RANK];
  int64_t dims[PG_MAX_RANK], stride[PG_MAX_RANK];
  const void *data;
} operand;

typedef struct run {
  pgi_call *call;
  pgi_einsum e;
  pg_dtype work; /* PG_F32, PG_F64 or PG_I64 */
  size_t size;   /* of its elements */
} run;

static int axis_of(const operand *o, uint8_t label) {
  for (int i = 0; i < o->n; i++) {
    if (o->label[i] == label) return i;
  }
  return -1;
}

static bool holds(const pgi_einsum_term *t, uint8_t label) {
  return memchr(t->label, label, (size_t)t->n) != NULL;
}

/* An input in the working type.  A letter that is there twice walks the diagonal; axes of size 1
** are dropped: they broadcast. */
static pg_status load(run *r, int i, operand *out) {
  const pg_tensor *t = r->call->in[i];
  const pgi_einsum_term *term = &r->e.in[i];
  int64_t n = pgi_tensor_count(t), step = 1, strides[PG_MAX_RANK];
  *out = (operand){.data = pgi_tensor_data(t)};
  if (t->dtype != r->work) {
    void *copy;
    PG_TRY(pgi_scratch_array(r->call, n, r->size, &copy));
    if (r->work == PG_F32)
      pgi_load_f32(t->dtype, out->data, 0, n, copy);
    else if (r->work == PG_F64)
      pgi_load_f64(t->dtype, out->data, 0, n, copy);
    else
      pgi_load_i64(t->dtype, out->data, 0, n, copy);
    out->data = copy;
  }
  for (int a = t->rank - 1; a >= 0; a--) {
    strides[a] = step;
    step *= t->dims[a];
  }
  for (int a = 0; a < t->rank; a++) {
    int at = axis_of(out, term->label[a]);
    if (t->dims[a] == 1) continue;
    if (at < 0) {
      at = out->n++;
      out->label[at] = term->label[a];
      out->dims[at] = t->dims[a];
      out->stride[at] = 0;
    }
    if (out->dims[at] != t->dims[a]) return fail_sizes(out->dims[at], t->dims[a], r->call->err);
    out->stride[at] += strides[a];
  }
  return PG_OK;
}

/* A contiguous copy whose axes are those of order[0 .. n). */
static pg_status arrange(run *r, const operand *from, int n, const int *order, const void **out) {
  int64_t dims[PG_MAX_RANK] = {0}, to[PG_MAX_RANK] = {0}, stride[PG_MAX_RANK] = {0}, count = 1;
  for (int i = n - 1; i >= 0; i--) {
    dims[i] = from->dims[order[i]];
    stride[i] = from->stride[order[i]];
    to[i] = count;
    count *= dims[i];
  }
  bool is_same = true;
  for (int i = 0; i < n; i++) is_same = is_same && stride[i] == to[i];
  *out = from->data;
  if (is_same) return PG_OK;
  void *copy;
  PG_TRY(pgi_scratch_array(r->call, count, r->size, &copy));
  pgi_copy_strided(copy, to, from->data, stride, n, dims, r->size);
  *out = copy;
  return PG_OK;
}

/* Gives *o the axes order[0 .. n) with contiguous strides over `data`. */
static void relabel(operand *o, int n, const int *order, const void *data) {
  operand was = *o;
  int64_t step = 1;
  o->n = n;
  o->data = data;
  for (int i = n - 1; i >= 0; i--) {
    o->label[i] = was.label[order[i]];
    o->dims[i] = was.dims[order[i]];
    o->stride[i] = step;
    step *= o->dims[i];
  }
}

static int64_t size_of(const operand *o, const int *order, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= o->dims[order[i]];
  return n;
}

static void sum_lines(const run *r, int64_t rows, int64_t n, const void *from, void *to) {
  for (int64_t i = 0; i < rows; i++) {
    double sum = 0;
    uint64_t whole = 0;
    for (int64_t j = 0; j < n; j++) {
      if (r->work == PG_F32)
        sum += (double)((const float *)from)[i * n + j];
      else if (r->work == PG_F64)
        sum += ((const double *)from)[i * n + j];
      else
        whole += (uint64_t)((const int64_t *)from)[i * n + j];
    }
    if (r->work == PG_F32)
      ((float *)to)[i] = (float)sum;
    else if (r->work == PG_F64)
      ((double *)to)[i] = sum;
    else
      ((int64_t *)to)[i] = (int64_t)whole;
  }
}

/* Sums away the axes that `keep` doesn't want. */
static pg_status sum_axes(run *r, const bool *keep, operand *o) {
  int order[PG_MAX_RANK], n = 0, kept;
  for (int i = 0; i < o->n; i++) {
    if (keep[o->label[i]]) order[n++] = i;
  }
  kept = n;
  if (kept == o->n) return PG_OK;
  for (int i = 0; i < o->n; i++) {
    if (!keep[o->label[i]]) order[n++] = i;
  }
  const void *lines;
  void *sums;
  int64_t rows = size_of(o, order, 0, kept), length = size_of(o, order, kept, n);
  PG_TRY(arrange(r, o, n, order, &lines));
  PG_TRY(pgi_scratch_array(r->call, rows, r->size, &sums));
  sum_lines(r, rows, length, lines, sums);
  relabel(o, kept, order, sums);
  return PG_OK;
}

/* ---- a pair --------------------------------------------------------------------------------- */

typedef struct pair {
  const run *r;
  int64_t batch, m, n, k;
  const void *a, *b;
  void *c;
} pair;

static void product_at(void *arg, int64_t i, pgi_product *p, pgi_epilogue *room) {
  const pair *q = arg;
  (void)room;
  p->a = (const float *)q->a + i * q->m * q->k;
  p->b = (const float *)q->b + i * q->k * q->n;
  p->c = (float *)q->c + i * q->m * q->n;
}

static void plain_task(void *arg, int64_t i) {
  const pair *q = arg;
  pgi_plain_product p = {q->m, q->n, q->k, q->k, 1, q->n, 1};
  int64_t a = i * q->m * q->k, b = i * q->k * q->n, c = i * q->m * q->n;
  if (q->r->work == PG_F64) {
    pgi_plain_f64(&p, (const double *)q->a + a, (const double *)q->b + b, (double *)q->c + c);
  } else {
    pgi_plain_i64(&p, (const int64_t *)q->a + a, (const int64_t *)q->b + b, (int64_t *)q->c + c);
  }
}

static pg_status multiply(pair *q) {
  pgi_call *call = q->r->call;
  if (q->r->work != PG_F32) {
    pgi_call_parallel(call, q->batch, plain_task, q);
    return PG_OK;
  }
  pgi_product p = {.kernel = call->ctx->kernels[PG_K_GEMM_F32],
                   .m = q->m,
                   .n = q->n,
                   .k = q->k,
                   .alpha = 1,
                   .a_row = q->k,
                   .a_col = 1,
                   .b_row = q->n,
                   .b_col = 1,
                   .ldc = q->n};
  return pgi_product_run(call, &p, q->batch, product_at, q);
}

/* The axes of o whose labels are, or are not, in other and in keep. */
static int choose(const operand *o, const operand *other, const bool *keep, bool in_other,
                  bool is_kept, int *order, int n) {
  for (int i = 0; i < o->n; i++) {
    if ((axis_of(other, o->label[i]) >= 0) == in_other && keep[o->label[i]] == is_kept) {
      order[n++] = i;
    }
  }
  return n;
}

/* Axes `order` of a, found in b by label. */
static int follow(const operand *a, const operand *b, const int *order, int from, int to, int *out,
                  int n) {
  for (int i = from; i < to; i++) out[n++] = axis_of(b, a->label[order[i]]);
  return n;
}

/* a becomes a times b, with the axes [both kept][of a][of b]; what is in both and not kept is
** summed over. */
static pg_status contract(run *r, const bool *keep, operand *a, const operand *b) {
  int left[PG_MAX_RANK], right[PG_MAX_RANK];
  for (int i = 0; i < a->n; i++) {
    int at = axis_of(b, a->label[i]);
    if (at >= 0 && b->dims[at] != a->dims[i]) {
      return fail_sizes(a->dims[i], b->dims[at], r->call->err);
    }
  }
  int n_batch = choose(a, b, keep, true, true, left, 0);
  int n_m = choose(a, b, keep, false, true, left, n_batch);
  int n_left = choose(a, b, keep, true, false, left, n_m);
  int n = follow(a, b, left, 0, n_batch, right, 0);
  int n_k = follow(a, b, left, n_m, n_left, right, n);
  int n_right = choose(b, a, keep, false, true, right, n_k);
  if (n_m + n_right - n_k > PG_MAX_RANK) {
    return pgi_fail(r->call->err, PG_UNSUPPORTED, "an intermediate result has too many axes");
  }
  pair q = {.r = r,
            .batch = size_of(a, left, 0, n_batch),
            .m = size_of(a, left, n_batch, n_m),
            .k = size_of(a, left, n_m, n_left),
            .n = size_of(b, right, n_k, n_right)};
  int64_t count, dims[] = {q.batch, q.m, q.n};
  PG_TRY(pgi_count(3, dims, &count, r->call->err));
  PG_TRY(arrange(r, a, n_left, left, &q.a));
  PG_TRY(arrange(r, b, n_right, right, &q.b));
  PG_TRY(pgi_scratch_array(r->call, count, r->size, &q.c));
  PG_TRY(multiply(&q));
  operand out = *a;
  relabel(&out, n_m, left, q.c);
  for (int i = n_k; i < n_right; i++) {
    out.label[out.n] = b->label[right[i]];
    out.dims[out.n++] = b->dims[right[i]];
  }
  int64_t step = 1;
  for (int i = out.n - 1; i >= 0; i--) {
    out.stride[i] = step;
    step *= out.dims[i];
  }
  *a = out;
  return PG_OK;
}

/* ---- running -------------------------------------------------------------------------------- */

/* Broadcasts the result into the output: an axis that was dropped has stride 0. */
static pg_status store(run *r, const operand *o) {
  pg_tensor *y = r->call->out[0];
  int64_t to[PG_MAX_RANK], stride[PG_MAX_RANK], step = 1, n = pgi_tensor_count(y);
  void *data = pgi_tensor_data(y);
  for (int i = y->rank - 1; i >= 0; i--) {
    int at = axis_of(o, r->e.out.label[i]);
    stride[i] = at < 0 ? 0 : o->stride[at];
    to[i] = step;
    step *= y->dims[i];
  }
  if (y->dtype != r->work) PG_TRY(pgi_scratch_array(r->call, n, r->size, &data));
  if (n > 0) pgi_copy_strided(data, to, o->data, stride, y->rank, y->dims, r->size);
  if (y->dtype == r->work) return PG_OK;
  if (r->work == PG_F32)
    pgi_store_f32(y->dtype, pgi_tensor_data(y), 0, n, data);
  else if (r->work == PG_F64)
    pgi_store_f64(y->dtype, pgi_tensor_data(y), 0, n, data);
  else
    pgi_store_i64(y->dtype, pgi_tensor_data(y), 0, n, data);
  return PG_OK;
}

/* Which labels are still wanted after operand i has been taken in. */
static void wanted_after(const pgi_einsum *e, int i, bool *keep) {
  for (int l = 0; l < PG_EINSUM_LABELS; l++) {
    keep[l] = holds(&e->out, (uint8_t)l);
    for (int k = i + 1; k < e->n_in && !keep[l]; k++) keep[l] = holds(&e->in[k], (uint8_t)l);
  }
}

static pg_status run_einsum(pgi_call *call) {
  int rank[PG_MANY];
  run r = {.call = call};
  pg_dtype dtype = call->in[0]->dtype;
  for (int i = 0; i < call->n_in; i++) {
    rank[i] = call->in[i]->rank;
    if (call->in[i]->dtype != dtype) {
      return pgi_fail(call->err, PG_INVALID, "input %d: expected %s, got %s", i,
                      pg_dtype_name(dtype), pg_dtype_name(call->in[i]->dtype));
    }
  }
  PG_TRY(
      pgi_einsum_parse(pgi_attr_string(call->node, "equation"), call->n_in, rank, &r.e, call->err));
  bool is_float = pgi_dtype_kind(dtype) == PG_KIND_FLOAT;
  r.work = dtype == PG_F64 ? PG_F64 : is_float ? PG_F32 : PG_I64;
  r.size = pgi_dtype_size(r.work);
  operand acc, next;
  bool keep[PG_EINSUM_LABELS];
  PG_TRY(load(&r, 0, &acc));
  wanted_after(&r.e, 0, keep);
  PG_TRY(sum_axes(&r, keep, &acc));
  for (int i = 1; i < r.e.n_in; i++) {
    PG_TRY(load(&r, i, &next));
    wanted_after(&r.e, i, keep);
    /* What only the new operand has can be summed before the product, and so for the old one. */
    bool of_both[PG_EINSUM_LABELS];
    for (int l = 0; l < PG_EINSUM_LABELS; l++)
      of_both[l] = keep[l] || axis_of(&acc, (uint8_t)l) >= 0;
    PG_TRY(sum_axes(&r, of_both, &next));
    for (int l = 0; l < PG_EINSUM_LABELS; l++)
      of_both[l] = keep[l] || axis_of(&next, (uint8_t)l) >= 0;
    PG_TRY(sum_axes(&r, of_both, &acc));
    PG_TRY(contract(&r, keep, &acc, &next));
  }
  return store(&r, &acc);
}

static const pgi_attr_def attrs[] = {
    {.name = "equation", .kind = PG_ATTR_STRING, .is_required = true}, {0}};

PG_OP(einsum) = {.name = "Einsum",
                 .since = {12, 28},
                 .in = {1, PG_MANY},
                 .out = {1, 1},
                 .types = PG_T_NUMERIC,
                 .attrs = attrs,
                 .infer = infer,
                 .run = run_einsum};
