/* DepthToSpace, SpaceToDepth: channels to blocks of pixels and back, as one strided copy of six
** axes. */
#include "op/move.h"

static pg_status block_of(const pgi_node *node, int64_t *out, bool *is_crd, pg_error *err) {
  *out = pgi_attr_int(node, "blocksize");
  *is_crd = pgi_attr_is(node, "mode", "CRD");
  if (!*is_crd && !pgi_attr_is(node, "mode", "DCR")) {
    return pgi_fail(err, PG_INVALID, "mode: expected DCR or CRD");
  }
  if (*out >= 1 && *out <= INT32_MAX) return PG_OK;
  return pgi_fail(err, PG_INVALID, "blocksize: expected at least 1, got %lld", (long long)*out);
}

static pg_status check_rank_4(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  if (rank < 0 || rank == 4) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "input: expected [N,C,H,W], got rank %d", rank);
}

static pg_status divide(const pgi_infer *inf, pgi_dim dim, int64_t by, const char *name,
                        pgi_dim *out) {
  *out = pgi_dim_div(inf->arena, dim, by);
  if (dim.n < 0 || dim.n % by == 0) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "%s: expected a multiple of %lld, got %lld", name,
                  (long long)by, (long long)dim.n);
}

static pg_status depth_to_space_infer(pgi_infer *inf) {
  int64_t b;
  bool is_crd;
  PG_TRY(check_rank_4(inf));
  PG_TRY(block_of(inf->node, &b, &is_crd, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 4);
  if (pgi_in_rank(inf, 0) < 0) return PG_OK;
  const pgi_dim *in = inf->in[0]->dims;
  out->dims[0] = in[0];
  out->dims[2] = pgi_dim_mul(inf->arena, in[2], pgi_dim_of(b));
  out->dims[3] = pgi_dim_mul(inf->arena, in[3], pgi_dim_of(b));
  return divide(inf, in[1], b * b, "channels", &out->dims[1]);
}

static pg_status space_to_depth_infer(pgi_infer *inf) {
  int64_t b;
  bool is_crd;
  PG_TRY(check_rank_4(inf));
  PG_TRY(block_of(inf->node, &b, &is_crd, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 4);
  if (pgi_in_rank(inf, 0) < 0) return PG_OK;
  const pgi_dim *in = inf->in[0]->dims;
  out->dims[0] = in[0];
  out->dims[1] = pgi_dim_mul(inf->arena, in[1], pgi_dim_of(b * b));
  PG_TRY(divide(inf, in[2], b, "height", &out->dims[2]));
  return divide(inf, in[3], b, "width", &out->dims[3]);
}

/* Strides of [n, c, y, block y, x, block x] in the tensor with deep channels, and in the wide
** one. */
static void strides_of(const int64_t *dims, int64_t b, bool is_crd, int64_t *deep, int64_t *wide) {
  int64_t c = dims[1], h = dims[2], w = dims[3], plane = h * w;
  int64_t by_c = is_crd ? b * b * plane : plane, by_block = is_crd ? plane : c * plane;
  const int64_t in_deep[6] = {b * b * c * plane, by_c, w, b * by_block, 1, by_block};
  const int64_t in_wide[6] = {b * b * c * plane, b * b * plane, b * b * w, b * w, b, 1};
  memcpy(deep, in_deep, sizeof in_deep);
  memcpy(wide, in_wide, sizeof in_wide);
}

static pg_status rearrange(pgi_call *c, bool to_space) {
  const pg_tensor *in = c->in[0], *deep = to_space ? in : c->out[0];
  int64_t b, deep_strides[6], wide_strides[6];
  bool is_crd;
  pgi_elems from, to;
  PG_TRY(block_of(c->node, &b, &is_crd, c->err));
  PG_TRY(pgi_elems_of(c, in, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  if (pgi_tensor_count(in) > 0) {
    int64_t small[4] = {deep->dims[0], deep->dims[1] / (b * b), deep->dims[2], deep->dims[3]};
    int64_t dims[6] = {small[0], small[1], small[2], b, small[3], b};
    strides_of(small, b, is_crd, deep_strides, wide_strides);
    pgi_move_strided(c, to.data, to_space ? wide_strides : deep_strides, from.data,
                     to_space ? deep_strides : wide_strides, 6, dims, to.size);
  }
  return pgi_elems_done(c, c->out[0], &to);
}

static pg_status depth_to_space_run(pgi_call *c) {
  return rearrange(c, true);
}

static pg_status space_to_depth_run(pgi_call *c) {
  return rearrange(c, false);
}

static const pgi_attr_def block_attrs[] = {
    {.name = "blocksize", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "mode", .kind = PG_ATTR_STRING, .s = "DCR"},
    {0}};

PG_OP(depth_to_space) = {
    .name = "DepthToSpace",
    .since = {1, 11, 13, 28},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = block_attrs,
    .infer = depth_to_space_infer,
    .run = depth_to_space_run,
};

PG_OP(space_to_depth) = {
    .name = "SpaceToDepth",
    .since = {1, 13, 28},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = block_attrs,
    .infer = space_to_depth_infer,
    .run = space_to_depth_run,
};
