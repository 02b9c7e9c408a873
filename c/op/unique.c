/* Unique: the different elements of a tensor, or its different slices along an axis. */
#include "op/move.h"
#include "op/order.h"

static pg_status unique_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis;
  bool has_axis = pgi_attr_find(inf->node, "axis") != NULL;
  pgi_dim n = rank < 0 ? pgi_dim_unknown() : pgi_dim_of(1);
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), has_axis ? rank : 1);
  for (int i = 1; i < inf->n_out; i++) pgi_out_type(inf, i, PG_I64, 1);
  if (rank >= 0 && has_axis) {
    PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
    memcpy(out->dims, inf->in[0]->dims, (size_t)rank * sizeof(pgi_dim));
    n = out->dims[axis];
    out->dims[axis] = pgi_dim_unknown();
  }
  for (int i = 0; i < rank && !has_axis; i++) n = pgi_dim_mul(inf->arena, n, inf->in[0]->dims[i]);
  if (inf->n_out > 2) inf->out[2].dims[0] = n;
  return PG_OK;
}

/* The data as [outer, n, inner]: n slices of outer * inner elements, kept one behind the other
** as sort keys, two for each complex number, or as borrowed strings. */
typedef struct unique {
  const pg_tensor *in;
  int64_t outer, n, inner, width;
  const uint64_t *keys;
  const pg_string *strings;
  int64_t *index;   /* [n]: slices, sorted */
  int64_t *groups;  /* [n_groups]: the first slice of each, in the order of the output */
  int64_t *inverse; /* [n]: the group of each slice */
  int64_t *counts;  /* [n_groups] */
  int64_t n_groups;
} unique;

static int compare_slices(const void *arg, int64_t a, int64_t b) {
  const unique *u = arg;
  for (int64_t i = 0; i < u->width; i++) {
    if (u->strings) {
      int order = pgi_order_strings(u->strings[a * u->width + i], u->strings[b * u->width + i]);
      if (order) return order;
      continue;
    }
    uint64_t x = u->keys[a * u->width + i], y = u->keys[b * u->width + i];
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

/* Brings element (o, s, i) to slice s. */
static pg_status gather_slices(pgi_call *c, unique *u) {
  const pg_tensor *in = u->in;
  bool is_string = in->dtype == PG_STRING;
  int64_t per = pgi_dtype_kind(in->dtype) == PG_KIND_COMPLEX ? 2 : 1;
  pg_dtype part = per == 1 ? in->dtype : in->dtype == PG_C64 ? PG_F32 : PG_F64;
  int64_t run = u->inner * per;
  size_t size = is_string ? sizeof(pg_string) : sizeof(uint64_t);
  char *slices = pgi_call_scratch(c, (size_t)PG_MAX(pgi_tensor_count(in) * per, 1) * size);
  if (!slices) return pgi_nomem(c->err);
  u->width = u->outer * run;
  for (int64_t o = 0; o < u->outer; o++) {
    for (int64_t s = 0; s < u->n; s++) {
      int64_t from = (o * u->n + s) * run;
      char *to = slices + (s * u->width + o * run) * (int64_t)size;
      if (is_string)
        memcpy(to, (pg_string *)pgi_tensor_data(in) + from, (size_t)run * size);
      else
        pgi_order_keys(part, pgi_tensor_data(in), from, run, (uint64_t *)(void *)to);
    }
  }
  u->strings = is_string ? (const pg_string *)(void *)slices : NULL;
  u->keys = (const uint64_t *)(void *)slices;
  return PG_OK;
}

/* Equal neighbours are a group; its first slice comes first, for the sort is stable. */
static void find_groups(unique *u) {
  u->n_groups = 0;
  for (int64_t i = 0; i < u->n; i++) {
    if (i == 0 || compare_slices(u, u->index[i - 1], u->index[i]) != 0) {
      u->counts[u->n_groups] = 0;
      u->groups[u->n_groups++] = u->index[i];
    }
    u->counts[u->n_groups - 1]++;
    u->inverse[u->index[i]] = u->n_groups - 1;
  }
}

static int compare_numbers(const void *arg, int64_t a, int64_t b) {
  const int64_t *first = arg;
  return (first[a] > first[b]) - (first[a] < first[b]);
}

/* Groups in the order of their first slices.  order, temp, place: [n_groups]. */
static void sort_by_occurrence(unique *u, int64_t *order, int64_t *temp, int64_t *place) {
  for (int64_t i = 0; i < u->n_groups; i++) order[i] = i;
  pgi_order_sort(order, temp, u->n_groups, compare_numbers, u->groups);
  for (int64_t i = 0; i < u->n_groups; i++) place[order[i]] = i;
  for (int64_t i = 0; i < u->n; i++) u->inverse[i] = place[u->inverse[i]];
  for (int64_t i = 0; i < u->n_groups; i++) temp[i] = u->counts[order[i]];
  memcpy(u->counts, temp, (size_t)u->n_groups * sizeof *temp);
  for (int64_t i = 0; i < u->n_groups; i++) temp[i] = u->groups[order[i]];
  memcpy(u->groups, temp, (size_t)u->n_groups * sizeof *temp);
}

static pg_status sort_slices(pgi_call *c, unique *u) {
  int64_t n = PG_MAX(u->n, 1);
  int64_t *room = pgi_call_scratch(c, (size_t)n * 7 * sizeof *room);
  if (!room) return pgi_nomem(c->err);
  u->index = room;
  u->groups = room + n;
  u->inverse = room + 2 * n;
  u->counts = room + 3 * n;
  for (int64_t i = 0; i < u->n; i++) u->index[i] = i;
  pgi_order_sort(u->index, room + 4 * n, u->n, compare_slices, u);
  find_groups(u);
  if (!pgi_attr_int(c->node, "sorted"))
    sort_by_occurrence(u, room + 4 * n, room + 5 * n, room + 6 * n);
  return PG_OK;
}

static pg_status write_numbers(pgi_call *c, int i, int64_t n, const int64_t *numbers) {
  if (i >= c->n_out || !c->out[i]) return PG_OK;
  PG_TRY(pgi_elems_alloc(c, i, PG_I64, 1, &n));
  if (n) memcpy(pgi_tensor_data(c->out[i]), numbers, (size_t)n * sizeof *numbers);
  return PG_OK;
}

static pg_status write_slices(pgi_call *c, const unique *u, int axis) {
  int64_t dims[PG_MAX_RANK] = {u->n_groups};
  pgi_elems from, to;
  if (!c->out[0]) return PG_OK;
  if (axis >= 0) memcpy(dims, u->in->dims, sizeof dims);
  dims[PG_MAX(axis, 0)] = u->n_groups;
  PG_TRY(pgi_elems_alloc(c, 0, u->in->dtype, axis < 0 ? 1 : u->in->rank, dims));
  PG_TRY(pgi_elems_of(c, u->in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  size_t run = (size_t)u->inner * to.size;
  for (int64_t o = 0; o < u->outer; o++) {
    for (int64_t g = 0; g < u->n_groups; g++) {
      memcpy(to.data + (o * u->n_groups + g) * (int64_t)run,
             from.data + (o * u->n + u->groups[g]) * (int64_t)run, run);
    }
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static pg_status unique_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  unique u = {.in = in, .outer = 1, .n = pgi_tensor_count(in), .inner = 1};
  int axis = -1;
  if (pgi_attr_find(c->node, "axis")) {
    PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), in->rank, &axis, c->err));
    bool is_empty = u.n == 0;
    u.n = in->dims[axis];
    u.outer = is_empty ? 0 : pgi_dims_product(in->dims, 0, axis);
    u.inner = is_empty ? 0 : pgi_dims_product(in->dims, axis + 1, in->rank);
  }
  PG_TRY(gather_slices(c, &u));
  PG_TRY(sort_slices(c, &u));
  PG_TRY(write_slices(c, &u, axis));
  PG_TRY(write_numbers(c, 1, u.n_groups, u.groups));
  PG_TRY(write_numbers(c, 2, u.n, u.inverse));
  return write_numbers(c, 3, u.n_groups, u.counts);
}

static const pgi_attr_def unique_attrs[] = {
    {.name = "axis", .kind = PG_ATTR_INT}, {.name = "sorted", .kind = PG_ATTR_INT, .i = 1}, {0}};

PG_OP(unique) = {
    .name = "Unique",
    .since = {11, 28},
    .in = {1, 1},
    .out = {1, 4},
    .types = PG_T_NUMERIC | PG_T_COMPLEX | PG_T(PG_BOOL) | PG_T(PG_STRING),
    .attrs = unique_attrs,
    .infer = unique_infer,
    .run = unique_run,
};
