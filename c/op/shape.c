/* Shape, Size: the dims of a tensor, all or some, or their product. */
#include "op/move.h"

static int clamp_axis(int64_t axis, int rank) {
  if (axis < 0) axis += rank;
  return (int)PG_MIN(PG_MAX(axis, 0), (int64_t)rank);
}

/* The dims from `start` up to but not with `end`, both clamped. */
static void range_of(const pgi_node *node, int rank, int *start, int *end) {
  *start = clamp_axis(pgi_attr_int(node, "start"), rank);
  *end = pgi_attr_find(node, "end") ? clamp_axis(pgi_attr_int(node, "end"), rank) : rank;
}

static pg_status shape_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), start, end;
  pgi_type *out = pgi_out_type(inf, 0, PG_I64, 1);
  if (rank < 0) return PG_OK;
  range_of(inf->node, rank, &start, &end);
  out->dims[0] = pgi_dim_of(PG_MAX(end - start, 0));
  return PG_OK;
}

static pg_status shape_run(pgi_call *c) {
  int start, end;
  range_of(c->node, c->in[0]->rank, &start, &end);
  int64_t *out = pgi_tensor_data(c->out[0]);
  for (int i = start; i < end; i++) *out++ = c->in[0]->dims[i];
  return PG_OK;
}

static const pgi_attr_def shape_attrs[] = {
    {.name = "start", .kind = PG_ATTR_INT}, {.name = "end", .kind = PG_ATTR_INT}, {0}};

PG_OP(shape) = {
    .name = "Shape",
    .since = {1, 13, 15, 19, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = shape_attrs,
    .flags = PG_OP_TYPE_ONLY,
    .infer = shape_infer,
    .run = shape_run,
};

/* ---- Size ------------------------------------------------------------------------------------ */

static pg_status size_infer(pgi_infer *inf) {
  pgi_out_type(inf, 0, PG_I64, 0);
  return PG_OK;
}

static pg_status size_run(pgi_call *c) {
  *(int64_t *)pgi_tensor_data(c->out[0]) = pgi_tensor_count(c->in[0]);
  return PG_OK;
}

PG_OP(size) = {
    .name = "Size",
    .since = {1, 13, 19, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .flags = PG_OP_TYPE_ONLY,
    .infer = size_infer,
    .run = size_run,
};
