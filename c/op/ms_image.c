/* com.microsoft's operators on images: channels last, norms with activations, pads that are inputs. */
#include "op/build.h"
#include "op/move.h"

static pgi_value *in(const pgi_build *b, int i) {
  return pgi_build_in(b, i);
}

/* ---- Conv with channels last ----------------------------------------------------------------- */

/* Known from the input, the weights or the attributes; 4 where nothing tells. */
static int image_rank(const pgi_node *node) {
  int64_t n;
  for (int i = 0; i < 2 && i < node->n_in; i++) {
    const pgi_value *v = node->in[i].value;
    if (v && v->type.kind == PG_TYPE_TENSOR && v->type.rank >= 3) return v->type.rank;
  }
  if (pgi_attr_ints(node, "kernel_shape", &n) && n >= 1 && n < PG_MAX_RANK - 1) return (int)n + 2;
  return 4;
}

static pg_status expand_nhwc_conv(pgi_node *node, pg_error *err) {
  static const char *const attrs[] = {"auto_pad", "dilations", "group",      "kernel_shape",
                                      "pads",     "strides",   "activation", "activation_params"};
  pgi_build b = pgi_build_start(node, err);
  bool is_fused = strcmp(node->type, "NhwcFusedConv") == 0;
  int rank = image_rank(node);
  pgi_value *x = pgi_build_move_channels(&b, in(&b, 0), rank, false);
  pgi_value *w = pgi_build_move_channels(&b, in(&b, 1), rank, false);
  pgi_value *z = in(&b, 3) ? pgi_build_move_channels(&b, in(&b, 3), rank, false) : NULL;
  pgi_value *operands[] = {x, w, in(&b, 2), z};
  pgi_value *y = pgi_build_call_in(&b, is_fused ? "com.microsoft" : "",
                                   is_fused ? "FusedConv" : "Conv", 4, operands);
  for (int i = 0; i < PG_COUNT(attrs); i++) pgi_build_copy(&b, attrs[i]);
  return pgi_build_finish(&b, pgi_build_move_channels(&b, y, rank, true));
}

/* ---- GroupNorm ------------------------------------------------------------------------------- */

/* [N,H,W,C]; skip of [N,C] or [N,1,1,C] broadcasts over the picture. */
static pg_status expand_group_norm(pgi_node *node, pg_error *err) {
  pgi_build b = pgi_build_start(node, err);
  bool is_last = pgi_attr_int(node, "channels_last") != 0;
  int64_t activation = pgi_attr_int(node, "activation");
  pgi_value *x = in(&b, 0), *sum = NULL, *skip = in(&b, 3);
  if (activation != 0 && activation != 1)
    return pgi_fail(err, PG_INVALID, "activation: expected 0 or 1 (SiLU), got %lld",
                    (long long)activation);
  if (skip) {
    static const int64_t ends[4] = {0, 1, 1, -1};
    static const int64_t first[4] = {0, -1, 1, 1};
    if (skip->type.kind == PG_TYPE_TENSOR && skip->type.rank == 2)
      skip = pgi_build_2(&b, "Reshape", skip, pgi_build_i64s(&b, 4, is_last ? ends : first));
    x = pgi_build_2(&b, "Add", x, skip);
    if (in(&b, 4)) x = pgi_build_2(&b, "Add", x, in(&b, 4));
    sum = x;
  }
  if (is_last) x = pgi_build_move_channels(&b, x, 4, false);
  pgi_value *gain = pgi_build_2(&b, "CastLike", in(&b, 1), x);
  pgi_value *shift = pgi_build_2(&b, "CastLike", in(&b, 2), x);
  pgi_value *y = pgi_build_3(&b, "GroupNormalization", x, gain, shift);
  pgi_build_int(&b, "num_groups", pgi_attr_int(node, "groups"));
  pgi_build_float(&b, "epsilon", pgi_attr_float(node, "epsilon"));
  if (activation) y = pgi_build_2(&b, "Mul", y, pgi_build_1(&b, "Sigmoid", y));
  if (is_last) y = pgi_build_move_channels(&b, y, 4, true);
  pgi_value *out[2] = {y, sum};
  return pgi_build_finish_all(&b, out);
}

/* ---- ConvTransposeWithDynamicPads ------------------------------------------------------------ */

/* Without pads first, then cut: pads [n + n] are known when the model runs. */
static pg_status expand_dynamic_pads(pgi_node *node, pg_error *err) {
  static const char *const attrs[] = {"dilations", "group", "kernel_shape", "output_padding",
                                      "strides"};
  pgi_build b = pgi_build_start(node, err);
  pgi_value *y = pgi_build_3(&b, "ConvTranspose", in(&b, 0), in(&b, 1), in(&b, 3));
  for (int i = 0; i < PG_COUNT(attrs); i++) pgi_build_copy(&b, attrs[i]);
  if (!in(&b, 2)) return pgi_build_finish(&b, y);
  int64_t axes[PG_MAX_RANK], n = image_rank(node) - 2;
  for (int64_t i = 0; i < n; i++) axes[i] = i + 2;
  pgi_value *starts = pgi_build_slice(&b, in(&b, 2), 0, 0, n);
  pgi_value *pads = pgi_build_slice(&b, in(&b, 2), 0, n, 2 * n);
  pgi_value *shape = pgi_build_1(&b, "Shape", y);
  pgi_build_int(&b, "start", 2);
  pgi_value *ends = pgi_build_2(&b, "Sub", shape, pads);
  pgi_value *operands[] = {y, starts, ends, pgi_build_i64s(&b, n, axes)};
  return pgi_build_finish(&b, pgi_build_call(&b, "Slice", 4, operands));
}

/* ---- CropAndResize --------------------------------------------------------------------------- */

static pg_status read_crop(const pg_tensor *t, int64_t size[2], pg_error *err) {
  int n;
  PG_TRY(pgi_list(t, "crop_size", size, 2, &n, err));
  if (n < 0) size[0] = size[1] = -1;
  if (n < 0 || (n == 2 && size[0] > 0 && size[1] > 0)) return PG_OK;
  return pgi_fail(err, PG_INVALID, "crop_size: expected two positive numbers");
}

static pg_status crop_infer(pgi_infer *inf) {
  int64_t size[2];
  PG_TRY(read_crop(pgi_known(inf, 3), size, inf->err));
  pgi_type *y = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), 4);
  if (pgi_in_rank(inf, 1) == 2) y->dims[0] = inf->in[1]->dims[0];
  if (pgi_in_rank(inf, 0) == 4) y->dims[1] = inf->in[0]->dims[1];
  for (int i = 0; i < 2; i++) y->dims[i + 2].n = size[i];
  return PG_OK;
}

typedef struct crop {
  const float *x, *rois;
  float *y;
  const int64_t *batch;
  int64_t channels, height, width, size[2];
  bool is_nearest;
  float outside;
} crop;

/* Where cell i of n between two edges lies; the corners of the crop are those of the box. */
static float place(float first, float last, int64_t side, int64_t i, int64_t n) {
  float most = (float)(side - 1);
  if (n == 1) return 0.5f * (first + last) * most;
  return first * most + (float)i * ((last - first) * most / (float)(n - 1));
}

static float look(const crop *c, const float *plane, float y, float x) {
  if (!(y >= 0 && y <= (float)(c->height - 1) && x >= 0 && x <= (float)(c->width - 1)))
    return c->outside;
  if (c->is_nearest) return plane[(int64_t)(y + 0.5f) * c->width + (int64_t)(x + 0.5f)];
  int64_t top = (int64_t)y, left = (int64_t)x;
  int64_t bottom = PG_MIN(top + 1, c->height - 1), right = PG_MIN(left + 1, c->width - 1);
  float dy = y - (float)top, dx = x - (float)left;
  float a = plane[top * c->width + left], b = plane[top * c->width + right];
  float d = plane[bottom * c->width + left], e = plane[bottom * c->width + right];
  float upper = a + (b - a) * dx, lower = d + (e - d) * dx;
  return upper + (lower - upper) * dy;
}

static void crop_one(void *arg, int64_t roi) {
  const crop *c = arg;
  const float *box = c->rois + 4 * roi;
  int64_t plane = c->height * c->width;
  float *to = c->y + roi * c->channels * c->size[0] * c->size[1];
  for (int64_t k = 0; k < c->channels; k++) {
    const float *from = c->x + (c->batch[roi] * c->channels + k) * plane;
    for (int64_t i = 0; i < c->size[0]; i++) {
      float y = place(box[0], box[2], c->height, i, c->size[0]);
      for (int64_t j = 0; j < c->size[1]; j++)
        *to++ = look(c, from, y, place(box[1], box[3], c->width, j, c->size[1]));
    }
  }
}

static pg_status crop_run(pgi_call *call) {
  const pg_tensor *x = call->in[0], *rois = call->in[1];
  crop c = {.outside = pgi_attr_float(call->node, "extrapolation_value"),
            .is_nearest = pgi_attr_is(call->node, "mode", "nearest")};
  if (!c.is_nearest && !pgi_attr_is(call->node, "mode", "bilinear"))
    return pgi_fail(call->err, PG_INVALID, "mode: expected bilinear or nearest");
  PG_TRY(read_crop(call->in[3], c.size, call->err));
  if (x->rank != 4 || rois->rank != 2 || rois->dims[1] != 4 || rois->dtype != PG_F32 ||
      pgi_tensor_count(call->in[2]) != rois->dims[0])
    return pgi_fail(call->err, PG_INVALID,
                    "expected X of rank 4, f32 rois [n,4] and n batch indices");
  int64_t n = rois->dims[0];
  c.channels = x->dims[1];
  c.height = x->dims[2];
  c.width = x->dims[3];
  PG_TRY(pgi_i64s(call, call->in[2], &c.batch));
  for (int64_t i = 0; i < n; i++)
    if (c.batch[i] < 0 || c.batch[i] >= x->dims[0])
      return pgi_fail(call->err, PG_INVALID, "batch_indices: expected 0 to %lld, got %lld",
                      (long long)x->dims[0] - 1, (long long)c.batch[i]);
  if (n > 0 && (c.height < 1 || c.width < 1))
    return pgi_fail(call->err, PG_INVALID, "X has no pixels");
  PG_TRY(pgi_call_alloc(call, 0, PG_F32, 4, (int64_t[]){n, c.channels, c.size[0], c.size[1]}));
  c.x = pgi_tensor_data(x);
  c.rois = pgi_tensor_data(rois);
  c.y = pgi_tensor_data(call->out[0]);
  pgi_call_parallel(call, n, crop_one, &c);
  return PG_OK;
}

/* ---- the operators --------------------------------------------------------------------------- */

#define CONV_ATTRS                                                                                 \
  {.name = "auto_pad", .kind = PG_ATTR_STRING, .s = "NOTSET"},                                     \
      {.name = "dilations", .kind = PG_ATTR_INTS}, {.name = "group", .kind = PG_ATTR_INT, .i = 1}, \
      {.name = "kernel_shape", .kind = PG_ATTR_INTS}, {                                            \
    .name = "strides", .kind = PG_ATTR_INTS                                                        \
  }

static const pgi_attr_def nhwc_attrs[] = {CONV_ATTRS, {.name = "pads", .kind = PG_ATTR_INTS}, {0}};
static const pgi_attr_def fused_attrs[] = {CONV_ATTRS,
                                           {.name = "pads", .kind = PG_ATTR_INTS},
                                           {.name = "activation", .kind = PG_ATTR_STRING, .s = ""},
                                           {.name = "activation_params", .kind = PG_ATTR_FLOATS},
                                           {0}};
static const pgi_attr_def dynamic_attrs[] = {
    CONV_ATTRS, {.name = "output_padding", .kind = PG_ATTR_INTS}, {0}};
static const pgi_attr_def norm_attrs[] = {
    {.name = "activation", .kind = PG_ATTR_INT, .is_required = true},
    {.name = "channels_last", .kind = PG_ATTR_INT, .i = 1},
    {.name = "epsilon", .kind = PG_ATTR_FLOAT, .f = 1e-5f},
    {.name = "groups", .kind = PG_ATTR_INT, .is_required = true},
    {0}};
static const pgi_attr_def crop_attrs[] = {{.name = "extrapolation_value", .kind = PG_ATTR_FLOAT},
                                          {.name = "mode", .kind = PG_ATTR_STRING, .s = "bilinear"},
                                          {0}};

#define CONTRIB .domain = "com.microsoft", .since = {1}, .types = PG_T_FLOAT
PG_OP(ms_nhwc_conv) = {.name = "NhwcConv",
                       CONTRIB,
                       .in = {2, 3},
                       .out = {1, 1},
                       .attrs = nhwc_attrs,
                       .infer = pgi_build_infer,
                       .expand = expand_nhwc_conv};
PG_OP(ms_nhwc_fused_conv) = {.name = "NhwcFusedConv",
                             CONTRIB,
                             .in = {2, 4},
                             .out = {1, 1},
                             .attrs = fused_attrs,
                             .infer = pgi_build_infer,
                             .expand = expand_nhwc_conv};
PG_OP(ms_group_norm) = {.name = "GroupNorm",
                        CONTRIB,
                        .in = {3, 3},
                        .out = {1, 1},
                        .attrs = norm_attrs,
                        .infer = pgi_build_infer,
                        .expand = expand_group_norm};
PG_OP(ms_skip_group_norm) = {.name = "SkipGroupNorm",
                             CONTRIB,
                             .in = {4, 5},
                             .out = {1, 2},
                             .attrs = norm_attrs,
                             .infer = pgi_build_infer,
                             .expand = expand_group_norm};
PG_OP(ms_conv_transpose_dynamic) = {.name = "ConvTransposeWithDynamicPads",
                                    CONTRIB,
                                    .in = {2, 4},
                                    .out = {1, 1},
                                    .attrs = dynamic_attrs,
                                    .infer = pgi_build_infer,
                                    .expand = expand_dynamic_pads};
PG_OP(ms_crop_and_resize) = {.name = "CropAndResize",
                             .domain = "com.microsoft",
                             .since = {1},
                             .in = {4, 4},
                             .out = {1, 1},
                             .types = PG_T(PG_F32),
                             .attrs = crop_attrs,
                             .infer = crop_infer,
                             .run = crop_run};
