/* ConcatFromSequence, SplitToSequence: the elements of a sequence as one tensor, and back. */
#include "op/move.h"
#include "op/sequence.h"

/* ---- ConcatFromSequence ---------------------------------------------------------------------- */

/* The axis that joins has an unknown length. */
static pg_status concat_infer(pgi_infer *inf) {
  pgi_type elem = pgi_in_elem_type(inf, 0);
  bool is_new = pgi_attr_int(inf->node, "new_axis") != 0;
  int axis;
  pgi_out_type(inf, 0, elem.dtype, -1);
  if (elem.rank < 0 || elem.rank + is_new > PG_MAX_RANK) return PG_OK;
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), elem.rank + is_new, &axis, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, elem.dtype, elem.rank + is_new);
  for (int i = 0, k = 0; i < out->rank; i++) {
    if (i != axis || !is_new) out->dims[i] = elem.dims[k++];
    if (i == axis) out->dims[i] = pgi_dim_unknown();
  }
  return PG_OK;
}

/* Whether b is like a but for the axis (none: -1). */
static bool is_like(const pg_tensor *a, const pg_tensor *b, int axis) {
  bool is_same = a->dtype == b->dtype && a->rank == b->rank;
  for (int i = 0; i < a->rank && is_same; i++) is_same = i == axis || a->dims[i] == b->dims[i];
  return is_same;
}

/* dims of the result, and the axis that grows or comes. */
static pg_status result_dims(pgi_call *c, const pg_tensor *seq, int64_t n, bool is_new, int *axis,
                             int *rank, int64_t *dims) {
  const pg_tensor *first = pgi_sequence_at(seq, 0);
  *rank = first->rank + is_new;
  PG_TRY(pgi_check_rank(*rank, "output", c->err));
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), *rank, axis, c->err));
  int64_t total = 0;
  for (int64_t i = 0; i < n; i++) {
    const pg_tensor *t = pgi_sequence_at(seq, i);
    if (!is_like(first, t, is_new ? -1 : *axis)) {
      return pgi_fail(c->err, PG_INVALID, "element %lld: its shape or type doesn't fit the first",
                      (long long)i);
    }
    total += is_new ? 1 : t->dims[*axis]; /* of tensors that exist */
  }
  for (int i = 0, from = 0; i < *rank; i++)
    dims[i] = is_new && i == *axis ? 0 : first->dims[from++];
  dims[*axis] = total;
  return PG_OK;
}

static pg_status concat_run(pgi_call *c) {
  const pg_tensor *seq;
  int64_t n, dims[PG_MAX_RANK], at = 0;
  bool is_new = pgi_attr_int(c->node, "new_axis") != 0;
  int axis, rank;
  pgi_elems from, to;
  PG_TRY(pgi_read_sequence(c, 0, &seq, &n));
  if (n == 0) return pgi_fail(c->err, PG_INVALID, "the sequence is empty");
  PG_TRY(result_dims(c, seq, n, is_new, &axis, &rank, dims));
  PG_TRY(pgi_elems_alloc(c, 0, pgi_sequence_at(seq, 0)->dtype, rank, dims));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  if (pgi_tensor_count(c->out[0]) == 0) return PG_OK;
  int64_t outer = pgi_dims_product(dims, 0, axis), inner = pgi_dims_product(dims, axis + 1, rank);
  int64_t to_strides[2] = {dims[axis] * inner, 1};
  for (int64_t i = 0; i < n; i++) {
    const pg_tensor *t = pgi_sequence_at(seq, i);
    PG_TRY(pgi_elems_of(c, t, &from));
    int64_t run = (is_new ? 1 : t->dims[axis]) * inner;
    int64_t part[2] = {outer, run}, from_strides[2] = {run, 1};
    pgi_move_strided(c, to.data + at * (int64_t)to.size, to_strides, from.data, from_strides, 2,
                     part, to.size);
    at += run;
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static const pgi_attr_def concat_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "new_axis", .kind = PG_ATTR_INT},
    {0}};

PG_OP(concat_from_sequence) = {
    .name = "ConcatFromSequence",
    .since = {11},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_SEQUENCE),
    .attrs = concat_attrs,
    .infer = concat_infer,
    .run = concat_run,
};

/* ---- SplitToSequence ------------------------------------------------------------------------- */

/* Pieces of one length, when they are. */
static pgi_dim piece(const pgi_infer *inf, pgi_dim dim) {
  const pg_tensor *split = pgi_known(inf, 1);
  if (!pgi_has_in(inf, 1)) return pgi_dim_of(1);
  int64_t n = split ? pgi_tensor_count(split) : 0;
  if (n == 0 || pgi_dtype_kind(split->dtype) != PG_KIND_INT) return pgi_dim_unknown();
  int64_t size = pgi_tensor_get_i64(split, 0);
  if (size <= 0 || (split->rank == 0 && (dim.n < 0 || dim.n % size != 0))) return pgi_dim_unknown();
  for (int64_t i = 1; i < n; i++)
    if (pgi_tensor_get_i64(split, i) != size) return pgi_dim_unknown();
  return pgi_dim_of(size);
}

static pg_status split_infer(pgi_infer *inf) {
  pgi_type elem = pgi_type_tensor(pgi_in_dtype(inf, 0));
  int rank = pgi_in_rank(inf, 0), axis;
  if (rank <= 0) return pgi_infer_sequence_of(inf, 0, &elem);
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  elem = *inf->in[0];
  elem.dims[axis] = piece(inf, elem.dims[axis]);
  if (!pgi_has_in(inf, 1) && pgi_attr_int(inf->node, "keepdims") == 0) {
    elem.rank--;
    for (int i = axis; i < elem.rank; i++) elem.dims[i] = elem.dims[i + 1];
  }
  return pgi_infer_sequence_of(inf, 0, &elem);
}

/* How an axis is cut: n pieces, of `sizes`, or of `size` with a smaller one at the end. */
typedef struct cuts {
  int64_t n, size;
  const int64_t *sizes;
} cuts;

static pg_status read_cuts(pgi_call *c, int64_t dim, cuts *k) {
  const pg_tensor *split = pgi_input(c, 1);
  *k = (cuts){.n = dim, .size = 1};
  if (!split) return PG_OK;
  if (split->rank == 0) {
    PG_TRY(pgi_scalar_i64(split, "split", &k->size, c->err));
    if (k->size < 1) {
      return pgi_fail(c->err, PG_INVALID, "split: expected at least 1, got %lld",
                      (long long)k->size);
    }
    k->n = dim / k->size + (dim % k->size != 0);
    return PG_OK;
  }
  PG_TRY(pgi_i64s(c, split, &k->sizes));
  k->n = pgi_tensor_count(split);
  int64_t left = dim;
  for (int64_t i = 0; i < k->n; i++) {
    if (k->sizes[i] < 0 || k->sizes[i] > left)
      left = -1;
    else
      left -= k->sizes[i];
    if (left < 0) break;
  }
  if (left == 0) return PG_OK;
  return pgi_fail(c->err, PG_INVALID, "split: expected sizes that add up to %lld", (long long)dim);
}

/* Elements [start, start + n) of the axis as a tensor of its own. */
static pg_status cut(const pg_tensor *t, int axis, int64_t start, int64_t n, bool drops_axis,
                     pg_tensor *out, pg_error *err) {
  pg_tensor view = {0};
  if (drops_axis)
    PG_TRY(pgi_view_select(t, axis, start, &view, err));
  else
    PG_TRY(pgi_view_slice(t, axis, start, n, 1, &view, err));
  pg_status status = pgi_tensor_clone(&view, out, err);
  pgi_tensor_clear(&view);
  return status;
}

static pg_status split_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  bool drops_axis = !pgi_input(c, 1) && !pgi_attr_int(c->node, "keepdims");
  pg_tensor seq = {0};
  int64_t start = 0;
  int axis;
  cuts k;
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), in->rank, &axis, c->err));
  PG_TRY(read_cuts(c, in->dims[axis], &k));
  PG_TRY(pgi_sequence_new(c->ctx, k.n, &seq, c->err));
  pgi_tensor_move(c->out[0], &seq);
  for (int64_t i = 0; i < k.n; i++) {
    int64_t n = k.sizes ? k.sizes[i] : PG_MIN(k.size, in->dims[axis] - start);
    PG_TRY(cut(in, axis, start, n, drops_axis, pgi_sequence_at(c->out[0], i), c->err));
    start += n;
  }
  return PG_OK;
}

static const pgi_attr_def split_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT}, {.name = "keepdims", .kind = PG_ATTR_INT, .i = 1}, {0}};

PG_OP(split_to_sequence) = {
    .name = "SplitToSequence",
    .since = {11, 24},
    .in = {1, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = split_attrs,
    .infer = split_infer,
    .run = split_run,
};
