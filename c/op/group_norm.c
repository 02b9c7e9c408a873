/* GroupNormalization, InstanceNormalization: channels normalised over space, in groups or each
** alone. */
#include "kernel/unary.h"
#include "op/lanes.h"
#include "op/move.h"
#include "op/norm_rows.h"

static pg_status fail_vector(const char *name, int64_t n, pg_error *err) {
  return pgi_fail(err, PG_INVALID, "%s: expected [%lld]", name, (long long)n);
}

static pg_status group_infer(pgi_infer *inf) {
  int64_t groups = pgi_attr_int(inf->node, "num_groups");
  PG_TRY(pgi_infer_same(inf));
  int rank = pgi_in_rank(inf, 0);
  if (groups < 1) {
    return pgi_fail(inf->err, PG_INVALID, "num_groups: expected 1 or more, got %lld",
                    (long long)groups);
  }
  if (rank < 0) return PG_OK;
  if (rank < 2) return pgi_fail(inf->err, PG_INVALID, "X: expected [N,C,...], got rank %d", rank);
  int64_t channels = inf->in[0]->dims[1].n;
  if (channels >= 0 && channels % groups != 0) {
    return pgi_fail(inf->err, PG_INVALID, "num_groups: %lld channels can't be cut into %lld groups",
                    (long long)channels, (long long)groups);
  }
  return PG_OK;
}

static pg_status instance_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  if (rank >= 0 && rank < 2)
    return pgi_fail(inf->err, PG_INVALID, "input: expected [N,C,...], got rank %d", rank);
  return pgi_infer_same(inf);
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct job {
  const pg_context *ctx;
  const pg_tensor *x, *y, *gain, *bias;
  int64_t channels, groups, space;
  int64_t gains, biases; /* how many: one a channel, or before version 21 one a group */
  double epsilon;
} job;

static double vector_at(const pg_tensor *t, int64_t n, const job *j, int64_t channel) {
  int64_t i = n == j->channels ? channel : channel / (j->channels / j->groups);
  double v;
  pgi_load_f64(t->dtype, pgi_tensor_data(t), i, 1, &v);
  return v;
}

/* One group: a run of whole channels. */
static void group_f32(const job *j, int64_t group, float *room) {
  int64_t per_group = j->channels / j->groups, n = per_group * j->space, first = group * n;
  const float *x = room;
  bool is_direct = j->x->dtype == PG_F32;
  if (is_direct)
    x = (const float *)pgi_tensor_data(j->x) + first;
  else
    pgi_load_f32(j->x->dtype, pgi_tensor_data(j->x), first, n, room);
  float *y = is_direct ? (float *)pgi_tensor_data(j->y) + first : room;
  float mean, inverse;
  pgi_moments_f32(j->ctx, x, n, j->epsilon, false, &mean, &inverse);
  for (int64_t k = 0; k < per_group; k++) {
    int64_t channel = group % j->groups * per_group + k;
    double a = vector_at(j->gain, j->gains, j, channel) * (double)inverse;
    double b = vector_at(j->bias, j->biases, j, channel) - (double)mean * a;
    pgi_unary_f32_run(j->ctx, PG_AFFINE, x + k * j->space, y + k * j->space, j->space, (float)a,
                      (float)b);
  }
  if (!is_direct) pgi_store_f32(j->y->dtype, pgi_tensor_data(j->y), first, n, y);
}

static void group_f64(const job *j, int64_t group) {
  int64_t per_group = j->channels / j->groups, n = per_group * j->space;
  const double *x = (const double *)pgi_tensor_data(j->x) + group * n;
  double *y = (double *)pgi_tensor_data(j->y) + group * n, mean, inverse;
  pgi_moments_f64(x, n, j->epsilon, false, &mean, &inverse);
  for (int64_t k = 0; k < per_group; k++) {
    int64_t channel = group % j->groups * per_group + k;
    double a = vector_at(j->gain, j->gains, j, channel) * inverse;
    double b = vector_at(j->bias, j->biases, j, channel);
    for (int64_t i = k * j->space; i < (k + 1) * j->space; i++) y[i] = (x[i] - mean) * a + b;
  }
}

static void group_task(void *arg, int64_t group, void *room) {
  const job *j = arg;
  if (j->x->dtype == PG_F64)
    group_f64(j, group);
  else
    group_f32(j, group, room);
}

static pg_status check_vectors(const job *j, bool is_group, pg_error *err) {
  const pg_tensor *vectors[2] = {j->gain, j->bias};
  const char *names[2] = {"scale", "bias"};
  for (int i = 0; i < 2; i++) {
    const pg_tensor *t = vectors[i];
    int64_t n = t->rank == 1 ? t->dims[0] : -1;
    if (n != j->channels && !(is_group && n == j->groups))
      return fail_vector(names[i], j->channels, err);
    if (t->dtype != j->x->dtype) {
      return pgi_fail(err, PG_INVALID, "%s: expected %s, got %s", names[i],
                      pg_dtype_name(j->x->dtype), pg_dtype_name(t->dtype));
    }
  }
  return PG_OK;
}

static pg_status run(pgi_call *c, bool is_group) {
  const pg_tensor *x = c->in[0];
  if (x->rank < 2) return pgi_fail(c->err, PG_INVALID, "expected [N,C,...], got rank %d", x->rank);
  job j = {.ctx = c->ctx,
           .x = x,
           .y = c->out[0],
           .gain = c->in[1],
           .bias = c->in[2],
           .channels = x->dims[1]};
  j.groups = is_group ? pgi_attr_int(c->node, "num_groups") : j.channels;
  j.epsilon = (double)pgi_attr_float(c->node, "epsilon");
  PG_TRY(check_vectors(&j, is_group, c->err));
  if (pgi_tensor_count(x) == 0) return PG_OK;
  if (j.groups < 1 || j.channels % j.groups != 0)
    return pgi_fail(c->err, PG_INVALID, "num_groups: %lld channels can't be cut into %lld groups",
                    (long long)j.channels, (long long)j.groups);
  j.space = pgi_dims_product(x->dims, 2, x->rank);
  j.gains = j.gain->dims[0];
  j.biases = j.bias->dims[0];
  bool is_direct = x->dtype == PG_F32 || x->dtype == PG_F64;
  int64_t n = j.channels / j.groups * j.space, tasks = x->dims[0] * j.groups;
  pgi_lanes lanes;
  PG_TRY(pgi_lanes_init(&lanes, c, tasks, is_direct ? 0 : (size_t)n * sizeof(float)));
  pgi_lanes_run(&lanes, tasks, group_task, &j);
  return PG_OK;
}

static pg_status group_run(pgi_call *c) {
  return run(c, true);
}
static pg_status instance_run(pgi_call *c) {
  return run(c, false);
}

/* -1: not known, or no vector */
static int64_t vector_length(const pgi_value *v) {
  if (v->constant.dtype != PG_NONE) return v->constant.rank == 1 ? v->constant.dims[0] : -1;
  return v->type.kind == PG_TYPE_TENSOR && v->type.rank == 1 ? v->type.dims[0].n : -1;
}

/* Scale and bias were one number a group before version 21.  `run` takes these as well, for where the
** channels are not known yet. */
static pg_status group_upgrade(pgi_node *node, int version, pg_error *err) {
  const pgi_type *x = node->n_in == 3 && node->in[0].value ? &node->in[0].value->type : NULL;
  int64_t groups = pgi_attr_int(node, "num_groups");
  if (version >= 21 || !x || x->kind != PG_TYPE_TENSOR || x->rank < 2 || groups < 1) return PG_OK;
  int64_t channels = x->dims[1].n, column[2] = {groups, 1}, all = -1;
  if (channels <= groups || channels % groups) return PG_OK;
  int64_t wide[2] = {groups, channels / groups};
  for (int i = 1; i < 3; i++) {
    pgi_value *in[2] = {node->in[i].value, NULL};
    pgi_node *made;
    if (!in[0] || vector_length(in[0]) != groups) continue;
    PG_TRY(pgi_edit_constant_i64s(node->graph, 2, column, &in[1], err));
    PG_TRY(pgi_edit_call(node->graph, node, "Reshape", 2, in, &made, &in[0], err));
    PG_TRY(pgi_edit_constant_i64s(node->graph, 2, wide, &in[1], err));
    PG_TRY(pgi_edit_call(node->graph, node, "Expand", 2, in, &made, &in[0], err));
    PG_TRY(pgi_edit_constant_i64s(node->graph, 1, &all, &in[1], err));
    PG_TRY(pgi_edit_call(node->graph, node, "Reshape", 2, in, &made, &in[0], err));
    PG_TRY(pgi_edit_set_input(node, i, in[0], err));
  }
  return PG_OK;
}

static pg_status instance_upgrade(pgi_node *node, int version, pg_error *err) {
  (void)version, (void)err;
  pgi_attr_remove(node, "consumed_inputs");
  return PG_OK;
}

static const pgi_attr_def group_attrs[] = {
    {.name = "num_groups", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-5f},
    {.name = "stash_type", .kind = PG_ATTR_INT, .i = 1},
    {0}};
static const pgi_attr_def instance_attrs[] = {
    {.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-5f}, {0}};

PG_OP(group_normalization) = {
    .name = "GroupNormalization",
    .since = {18, 21},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = group_attrs,
    .upgrade = group_upgrade,
    .infer = group_infer,
    .run = group_run,
};

PG_OP(instance_normalization) = {
    .name = "InstanceNormalization",
    .since = {1, 6, 22},
    .in = {3, 3},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = instance_attrs,
    .upgrade = instance_upgrade,
    .infer = instance_infer,
    .run = instance_run,
};
