/* Cast, CastLike: the same numbers in another element type.  BitCast: the same bits. */
#include "op/op.h"

/* ---- upgrade -------------------------------------------------------------------------------------- */

/* Cast-1 named the type. */
static bool type_of_name(pg_string name, int64_t *out) {
  static const struct {
    const char *name;
    pg_dtype dtype;
  } names[] = {
      {"FLOAT", PG_F32},  {"UINT8", PG_U8},      {"INT8", PG_I8},         {"UINT16", PG_U16},
      {"INT16", PG_I16},  {"INT32", PG_I32},     {"INT64", PG_I64},       {"STRING", PG_STRING},
      {"BOOL", PG_BOOL},  {"FLOAT16", PG_F16},   {"DOUBLE", PG_F64},      {"UINT32", PG_U32},
      {"UINT64", PG_U64}, {"COMPLEX64", PG_C64}, {"COMPLEX128", PG_C128},
  };
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (strlen(names[i].name) != name.size) continue;
    if (memcmp(names[i].name, name.data, name.size) != 0) continue;
    *out = names[i].dtype;
    return true;
  }
  return false;
}

static pg_status cast_upgrade(pgi_node *node, int version, pg_error *err) {
  const pgi_attr *to = pgi_attr_find(node, "to");
  if (version >= 6 || !to || to->kind != PG_ATTR_STRING || to->n < 1) return PG_OK;
  int64_t dtype;
  if (!type_of_name(to->strings[0], &dtype))
    return pgi_fail(err, PG_INVALID, "to: no element type is called '%.*s'",
                    (int)PG_MIN(to->strings[0].size, (size_t)40), to->strings[0].data);
  pgi_attr_remove(node, "to");
  return pgi_attr_set_int(node, "to", dtype, err);
}

/* ---- infer ---------------------------------------------------------------------------------------- */

static pg_status target(const pgi_node *node, pg_dtype *out, pg_error *err) {
  int64_t to = pgi_attr_int(node, "to");
  if (to < 0 || to > PG_N_DTYPES || !pgi_dtype_valid((int)to))
    return pgi_fail(err, PG_UNSUPPORTED, "to: element type %lld is not known", (long long)to);
  *out = (pg_dtype)to;
  return PG_OK;
}

static pg_status cast_infer(pgi_infer *inf) {
  pg_dtype dtype = PG_NONE;
  PG_TRY(target(inf->node, &dtype, inf->err));
  if (inf->n_out == 0) return PG_OK;
  if (pgi_in_rank(inf, 0) >= 0) inf->out[0] = *inf->in[0];
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = dtype;
  return PG_OK;
}

static pg_status cast_like_infer(pgi_infer *inf) {
  if (inf->n_out == 0) return PG_OK;
  if (pgi_in_rank(inf, 0) >= 0) inf->out[0] = *inf->in[0];
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = pgi_in_dtype(inf, 1);
  return PG_OK;
}

static pg_status bit_cast_infer(pgi_infer *inf) {
  PG_TRY(cast_infer(inf));
  pg_dtype from = pgi_in_dtype(inf, 0), to = inf->n_out > 0 ? inf->out[0].dtype : PG_NONE;
  if (from == PG_NONE || to == PG_NONE) return PG_OK;
  int bits = pg_dtype_bits(from);
  if (bits > 0 && bits == pg_dtype_bits(to)) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "to: %s and %s differ in width", pg_dtype_name(from),
                  pg_dtype_name(to));
}

/* ---- run ------------------------------------------------------------------------------------------ */

typedef struct cast_job {
  const pg_tensor *in, *out;
  pgi_cast_options options;
} cast_job;

/* A stretch of a contiguous tensor; borrows the buffer.  Stretches start on whole bytes. */
static pg_tensor stretch(const pg_tensor *t, int64_t first, int64_t n) {
  pg_tensor s = {.dtype = t->dtype, .rank = 1, .offset = t->offset + first, .buffer = t->buffer};
  s.dims[0] = n;
  s.strides[0] = 1;
  return s;
}

/* Between numbers nothing can fail. */
static void cast_stretch(void *arg, int64_t first, int64_t n) {
  const cast_job *job = arg;
  pg_tensor from = stretch(job->in, first, n), to = stretch(job->out, first, n);
  (void)pgi_tensor_cast_into(&from, &to, &job->options, NULL);
}

static pg_status e8m0_mode(pgi_call *c, char *out) {
  static const char *const modes[] = {"up", "down", "nearest"};
  for (int i = 0; i < PG_COUNT(modes); i++) {
    if (!pgi_attr_is(c->node, "round_mode", modes[i])) continue;
    *out = modes[i][0];
    return PG_OK;
  }
  pg_string s = pgi_attr_string(c->node, "round_mode");
  return pgi_fail(c->err, PG_INVALID, "round_mode: expected up, down or nearest, got '%.*s'",
                  (int)PG_MIN(s.size, (size_t)40), s.data);
}

static pg_status cast_run(pgi_call *c) {
  cast_job job = {.in = c->in[0], .out = c->out[0]};
  job.options.no_saturate = pgi_attr_int(c->node, "saturate") == 0;
  PG_TRY(e8m0_mode(c, &job.options.e8m0_mode));
  if (job.in->dtype == job.out->dtype || job.in->dtype == PG_STRING || job.out->dtype == PG_STRING)
    return pgi_tensor_cast_into(job.in, c->out[0], &job.options, c->err);
  pgi_flat_loop(c, pgi_tensor_count(job.in), cast_stretch, &job);
  return PG_OK;
}

static pg_status bit_cast_run(pgi_call *c) {
  size_t bytes = pg_tensor_bytes(c->out[0]);
  void *to = pgi_tensor_data(c->out[0]);
  const void *from = pgi_tensor_data(c->in[0]);
  if (bytes > 0 && to != from) memcpy(to, from, bytes);
  return PG_OK;
}

/* ---- identity ------------------------------------------------------------------------------------- */

static bool is_cast_identity(const pgi_node *node) {
  const pgi_value *v = node->in[0].value;
  return v && v->type.kind == PG_TYPE_TENSOR && v->type.dtype != PG_NONE &&
         (int64_t)v->type.dtype == pgi_attr_int(node, "to");
}

static bool is_cast_like_identity(const pgi_node *node) {
  const pgi_value *v = node->in[0].value, *like = node->n_in > 1 ? node->in[1].value : NULL;
  return v && like && v->type.kind == PG_TYPE_TENSOR && v->type.dtype != PG_NONE &&
         like->type.kind == PG_TYPE_TENSOR && v->type.dtype == like->type.dtype;
}

/* Once the type is known it is a Cast, which folds where what it casts is constant. */
static pg_status cast_like_absorb(pgi_node *node, bool *changed, pg_error *err) {
  const pgi_value *like = node->n_in > 1 ? node->in[1].value : NULL;
  if (!like || !node->in[0].value) return PG_OK;
  pg_dtype to = like->constant.dtype != PG_NONE     ? like->constant.dtype
                : like->type.kind == PG_TYPE_TENSOR ? like->type.dtype
                                                    : PG_NONE;
  if (to == PG_NONE) return PG_OK;
  PG_TRY(pgi_attr_set_int(node, "to", to, err));
  PG_TRY(pgi_edit_set_inputs(node, 1, (pgi_value *[]){node->in[0].value}, err));
  *changed = true;
  return pgi_edit_retype(node, "", "Cast", err);
}

static const pgi_attr_def cast_attrs[] = {{.name = "to", .kind = PG_ATTR_INT, .is_required = true},
                                          {.name = "saturate", .kind = PG_ATTR_INT, .i = 1},
                                          {.name = "round_mode", .kind = PG_ATTR_STRING, .s = "up"},
                                          {0}};

static const pgi_attr_def bit_cast_attrs[] = {
    {.name = "to", .kind = PG_ATTR_INT, .is_required = true}, {0}};

PG_OP(cast) = {
    .name = "Cast",
    .since = {1, 6, 9, 13, 19, 21, 23, 24, 25, 28},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = cast_attrs,
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = cast_upgrade,
    .infer = cast_infer,
    .run = cast_run,
    .is_identity = is_cast_identity,
};

PG_OP(cast_like) = {
    .name = "CastLike",
    .since = {15, 19, 21, 23, 24, 25},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = cast_attrs + 1,
    .flags = PG_OP_ELEMENTWISE,
    .infer = cast_like_infer,
    .run = cast_run,
    .absorb = cast_like_absorb,
    .is_identity = is_cast_like_identity,
};

PG_OP(bit_cast) = {
    .name = "BitCast",
    .since = {26},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL & ~PG_T(PG_STRING),
    .attrs = bit_cast_attrs,
    .flags = PG_OP_ELEMENTWISE | PG_OP_INPLACE,
    .infer = bit_cast_infer,
    .run = bit_cast_run,
    .is_identity = is_cast_identity,
};
