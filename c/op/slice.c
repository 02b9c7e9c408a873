/* Slice: every step-th element from start to end, along some axes, with numpy's clamping. */
#include "op/move.h"

static pg_status slice_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version >= 10) return PG_OK;
  PG_TRY(pgi_upgrade_ints_to_input(node, "starts", 1, err));
  PG_TRY(pgi_upgrade_ints_to_input(node, "ends", 2, err));
  return pgi_upgrade_ints_to_input(node, "axes", 3, err);
}

/* What is asked for along each axis; an axis that isn't named takes 0, INT64_MAX, 1. */
typedef struct ranges {
  bool is_known; /* else only which axes are concerned, if that */
  bool are_axes_known;
  bool is_cut[PG_MAX_RANK];
  int64_t start[PG_MAX_RANK], end[PG_MAX_RANK], step[PG_MAX_RANK];
} ranges;

typedef struct lists {
  int64_t starts[PG_MAX_RANK], ends[PG_MAX_RANK], axes[PG_MAX_RANK], steps[PG_MAX_RANK];
  int n_starts, n_ends, n_axes, n_steps; /* -1: unknown or omitted */
} lists;

static pg_status read_lists(const pg_tensor *const *in, lists *l, pg_error *err) {
  PG_TRY(pgi_list(in[0], "starts", l->starts, PG_MAX_RANK, &l->n_starts, err));
  PG_TRY(pgi_list(in[1], "ends", l->ends, PG_MAX_RANK, &l->n_ends, err));
  PG_TRY(pgi_list(in[2], "axes", l->axes, PG_MAX_RANK, &l->n_axes, err));
  return pgi_list(in[3], "steps", l->steps, PG_MAX_RANK, &l->n_steps, err);
}

/* in: starts, ends, axes, steps, NULL when omitted or unknown. */
static pg_status read_ranges(const pg_tensor *const *in, bool has_axes, bool has_steps, int rank,
                             ranges *r, pg_error *err) {
  lists l;
  PG_TRY(read_lists(in, &l, err));
  int n = l.n_starts >= 0 ? l.n_starts : l.n_axes;
  r->are_axes_known = has_axes ? l.n_axes >= 0 : n >= 0;
  r->is_known =
      r->are_axes_known && l.n_starts >= 0 && l.n_ends >= 0 && (!has_steps || l.n_steps >= 0);
  bool differ = (l.n_ends >= 0 && n >= 0 && l.n_ends != n) || (l.n_axes >= 0 && l.n_axes != n) ||
                (l.n_steps >= 0 && n >= 0 && l.n_steps != n) || (!has_axes && n > rank);
  if (differ) {
    return pgi_fail(err, PG_INVALID, "starts, ends, axes, steps: expected as many of each");
  }
  for (int i = 0; i < rank; i++) {
    r->is_cut[i] = false;
    r->start[i] = 0, r->end[i] = INT64_MAX, r->step[i] = 1;
  }
  for (int i = 0; i < n && r->are_axes_known; i++) {
    int axis = i;
    if (has_axes) PG_TRY(pgi_axis(l.axes[i], rank, &axis, err));
    if (r->is_cut[axis]) return pgi_fail(err, PG_INVALID, "axes: axis %d occurs twice", axis);
    r->is_cut[axis] = true;
    if (!r->is_known) continue;
    r->start[axis] = l.starts[i], r->end[axis] = l.ends[i];
    if (has_steps) r->step[axis] = l.steps[i];
    if (r->step[axis] == 0) return pgi_fail(err, PG_INVALID, "steps: 0 for axis %d", axis);
  }
  return PG_OK;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return PG_MIN(PG_MAX(x, low), high);
}

/* numpy's rule: count from the end when negative, then clamp to where a walk can start and stop. */
static int64_t cut(int64_t *start, int64_t end, int64_t step, int64_t dim) {
  if (*start < 0) *start += dim;
  if (end < 0) end += dim;
  if (step > 0) {
    *start = clamp(*start, 0, dim);
    end = clamp(end, 0, dim);
    return end > *start ? (end - *start - 1) / step + 1 : 0;
  }
  uint64_t back = -(uint64_t)step;
  *start = clamp(*start, -1, dim - 1);
  end = clamp(end, -1, dim - 1);
  return *start > end ? (int64_t)((uint64_t)(*start - end - 1) / back) + 1 : 0;
}

/* The same along an axis whose size, or whose range, has names instead of numbers.  A start or end that
** is counted from the other end, and a start, is taken to lie inside: this is what makes N-1 of 1: and
** not max(N-1,0). */
static pgi_dim cut_symbols(pgi_arena *arena, pgi_num start, pgi_num end, int64_t step,
                           pgi_num dim) {
  const int64_t far = INT32_MAX - 1; /* beyond any size: how exporters spell the end */
  pgi_num zero = pgi_num_of(0);
  if (!start.is_known || !end.is_known || !dim.is_known) return pgi_dim_unknown();
  if (step < 0) {
    bool is_whole = pgi_num_is_number(start) && pgi_num_is_number(end) &&
                    (start.n == -1 || start.n >= far) && end.n <= -far && step > -far;
    if (!is_whole) return pgi_dim_unknown();
    return pgi_dim_of_num(pgi_num_ceil(arena, pgi_num_ratio(arena, dim, pgi_num_of(-step))));
  }
  if (pgi_num_is_number(start) && (start.n >= far || start.n <= -far)) {
    if (start.n > 0) return pgi_dim_of(0);
    start = zero;
  }
  if (pgi_num_exceeds(arena, zero, start, 1)) start = pgi_num_add(arena, dim, start);
  if (pgi_num_is_number(end) && end.n >= far)
    end = dim;
  else if (pgi_num_exceeds(arena, zero, end, 1))
    end = pgi_num_add(arena, dim, end);
  else
    end = pgi_num_min(arena, end, dim);
  pgi_num span = pgi_num_sub(arena, end, start);
  if (pgi_num_exceeds(arena, zero, span, 0)) return pgi_dim_of(0);
  return pgi_dim_of_num(pgi_num_ceil(arena, pgi_num_ratio(arena, span, pgi_num_of(step))));
}

/* Ranges that are known in part or by symbols; axes and steps must be known. */
static pg_status slice_symbols(pgi_infer *inf, pgi_type *out) {
  pgi_num starts[PG_MAX_RANK], ends[PG_MAX_RANK];
  int64_t axes[PG_MAX_RANK], steps[PG_MAX_RANK];
  int n, n_ends, n_axes, n_steps, axis = 0;
  PG_TRY(pgi_num_list(inf, 1, "starts", starts, PG_MAX_RANK, &n));
  PG_TRY(pgi_num_list(inf, 2, "ends", ends, PG_MAX_RANK, &n_ends));
  PG_TRY(pgi_list(pgi_known(inf, 3), "axes", axes, PG_MAX_RANK, &n_axes, inf->err));
  PG_TRY(pgi_list(pgi_known(inf, 4), "steps", steps, PG_MAX_RANK, &n_steps, inf->err));
  bool is_told = n >= 0 && n_ends == n && (pgi_has_in(inf, 3) ? n_axes == n : n <= out->rank) &&
                 (!pgi_has_in(inf, 4) || n_steps == n);
  for (int i = 0; i < n && is_told; i++) {
    PG_TRY(pgi_axis(n_axes >= 0 ? axes[i] : i, out->rank, &axis, inf->err));
    int64_t step = n_steps >= 0 ? steps[i] : 1;
    pgi_num dim = pgi_num_of_dim(inf->in[0]->dims[axis]);
    if (step != 0) out->dims[axis] = cut_symbols(inf->arena, starts[i], ends[i], step, dim);
  }
  return PG_OK;
}

static pg_status slice_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  const pg_tensor *in[4];
  ranges r;
  for (int i = 0; i < 4; i++) in[i] = pgi_known(inf, i + 1);
  PG_TRY(read_ranges(in, pgi_has_in(inf, 3), pgi_has_in(inf, 4), rank, &r, inf->err));
  for (int i = 0; i < rank; i++) {
    pgi_dim dim = inf->in[0]->dims[i];
    bool is_whole = !r.is_cut[i] || (r.start[i] == 0 && r.end[i] == INT64_MAX && r.step[i] == 1);
    if (r.is_known && dim.n >= 0)
      out->dims[i] = pgi_dim_of(cut(&r.start[i], r.end[i], r.step[i], dim.n));
    else if (r.are_axes_known && is_whole && (r.is_known || !r.is_cut[i]))
      out->dims[i] = dim;
    else if (r.is_known)
      out->dims[i] = cut_symbols(inf->arena, pgi_num_of(r.start[i]), pgi_num_of(r.end[i]),
                                 r.step[i], pgi_num_of_dim(dim));
  }
  return r.is_known ? PG_OK : slice_symbols(inf, out);
}

static pg_status slice_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  const pg_tensor *asked[4];
  int64_t from_strides[PG_MAX_RANK], to_strides[PG_MAX_RANK], first = 0;
  pgi_elems from, to;
  ranges r;
  for (int i = 0; i < 4; i++) asked[i] = pgi_input(c, i + 1);
  PG_TRY(read_ranges(asked, asked[2] != NULL, asked[3] != NULL, in->rank, &r, c->err));
  pgi_dense_strides(in->rank, in->dims, from_strides);
  pgi_dense_strides(out->rank, out->dims, to_strides);
  for (int i = 0; i < in->rank; i++) {
    int64_t n = cut(&r.start[i], r.end[i], r.step[i], in->dims[i]);
    if (n > 0) first += r.start[i] * from_strides[i];
    from_strides[i] = n > 1 ? from_strides[i] * r.step[i] : 0;
  }
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, out, &to));
  if (pgi_tensor_count(out) > 0) {
    pgi_move_strided(c, to.data, to_strides, from.data + first * (int64_t)from.size, from_strides,
                     out->rank, out->dims, to.size);
  }
  return pgi_elems_done(c, out, &to);
}

/* The shape stays and nothing runs backwards. */
static bool slice_is_identity(const pgi_node *node) {
  if (!pgi_keeps_shape(node)) return false;
  if (node->n_in < 5 || !node->in[4].value) return true;
  const pgi_value *steps = node->in[4].value;
  if (!pgi_value_is_constant(steps)) return false;
  for (int64_t i = 0; i < pgi_tensor_count(&steps->constant); i++) {
    if (pgi_tensor_get_i64(&steps->constant, i) != 1) return false;
  }
  return true;
}

PG_OP(slice) = {
    .name = "Slice",
    .since = {1, 10, 11, 13},
    .in = {3, 5},
    .out = {1, 1},
    .types = PG_T_ALL,
    .upgrade = slice_upgrade,
    .infer = slice_infer,
    .run = slice_run,
    .is_identity = slice_is_identity,
};
