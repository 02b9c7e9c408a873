/* Resize, Upsample: nearest elements, or axis by axis weighted sums of neighbours. */
#include "op/resize.h"

#include "op/lanes.h"
#include "op/move.h"
#include "op/resize_pass.h"

#include <math.h>

/* ---- attributes ------------------------------------------------------------------------------ */

static pg_status choose(const pgi_node *node, const char *name, const char *const *texts, int n,
                        int *out, pg_error *err) {
  for (int i = 0; i < n; i++) {
    *out = i;
    if (pgi_attr_is(node, name, texts[i])) return PG_OK;
  }
  pg_string s = pgi_attr_string(node, name);
  return pgi_fail(err, PG_INVALID, "%s: '%.*s' is unknown", name, (int)PG_MIN(s.size, (size_t)60),
                  s.data);
}

static pg_status read_way(const pgi_node *node, pgi_resize_way *way, pg_error *err) {
  static const char *const modes[] = {"nearest", "linear", "cubic"};
  static const char *const coordinates[] = {
      "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
      "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
  static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
                                        "simple"};
  int mode, coordinate, round;
  PG_TRY(choose(node, "mode", modes, PG_COUNT(modes), &mode, err));
  PG_TRY(choose(node, "coordinate_transformation_mode", coordinates, PG_COUNT(coordinates),
                &coordinate, err));
  PG_TRY(choose(node, "nearest_mode", nearest, PG_COUNT(nearest), &round, err));
  *way = (pgi_resize_way){.mode = (pgi_resize_mode)mode,
                          .coordinates = (pgi_resize_coordinates)coordinate,
                          .nearest = (pgi_resize_nearest)round,
                          .is_antialiased = pgi_attr_int(node, "antialias") != 0,
                          .excludes_outside = pgi_attr_int(node, "exclude_outside") != 0,
                          .cubic_a = (double)pgi_attr_float(node, "cubic_coeff_a")};
  /* ONNX aligns the corners of a length that may have a fraction, scale * length; PyTorch those of
  ** the whole length.  Its exporters, and only they, name a nearest_mode with every mode. */
  way->has_whole_length =
      way->mode != PG_RESIZE_NEAREST && pgi_attr_find(node, "nearest_mode") != NULL;
  if (isfinite(way->cubic_a)) return PG_OK;
  return pgi_fail(err, PG_INVALID, "cubic_coeff_a: expected a number");
}

/* ---- sizes ----------------------------------------------------------------------------------- */

typedef struct operands {
  const pg_tensor *roi, *scales, *sizes; /* NULL: absent, empty or not known */
  bool has_scales, has_sizes;            /* present, perhaps not known yet */
} operands;

static bool is_empty(const pg_tensor *t) {
  return t->dtype == PG_NONE || pgi_tensor_count(t) == 0;
}

/* `values` of n axes, floats. */
static pg_status check_floats(const pg_tensor *t, const char *name, int n, pg_error *err) {
  bool is_float = pgi_dtype_kind(t->dtype) == PG_KIND_FLOAT;
  if (is_float && t->rank == 1 && t->dims[0] == n) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected %d floats", name, n);
}

static pg_status scale_axis(pgi_resize_axis *a, double scale, pg_error *err) {
  if (!(scale > 0 && scale < INFINITY))
    return pgi_fail(err, PG_INVALID, "scales: expected positive numbers, got %g", scale);
  a->scale = scale;
  a->out = -1;
  if (a->in < 0) return PG_OK;
  a->length = scale * (double)a->in;
  if (a->length > 1e15) return pgi_fail(err, PG_INVALID, "scales: %g is too much", scale);
  /* As an f32, where ONNX's shape inference has it: 5 at the f32 next to 2.6 are 13, not 12.9999995. */
  a->out = (int64_t)floor((double)(float)a->length);
  return PG_OK;
}

static void size_axis(pgi_resize_axis *a, int64_t out) {
  a->out = out;
  a->length = (double)out;
  a->scale = a->in > 0 ? (double)out / (double)a->in : 1;
}

/* Keeps the ratio of the axes: one scale for all of them, the least or the greatest. */
static pg_status keep_ratio(pgi_resize_axis *axes, const int *which, int n, bool is_least,
                            pg_error *err) {
  double scale = is_least ? INFINITY : 0;
  for (int i = 0; i < n; i++) {
    const pgi_resize_axis *a = &axes[which[i]];
    if (a->in < 0) { /* nothing can be told */
      for (int k = 0; k < n; k++) axes[which[k]].out = -1;
      return PG_OK;
    }
    double s = a->in > 0 ? a->scale : 0;
    scale = is_least ? fmin(scale, s) : fmax(scale, s);
  }
  for (int i = 0; i < n; i++) {
    pgi_resize_axis *a = &axes[which[i]];
    double length = floor(scale * (double)a->in + 0.5);
    if (!(length <= 1e15)) return pgi_fail(err, PG_INVALID, "sizes: too large");
    a->out = (int64_t)length;
    a->scale = scale > 0 ? scale : 1;
    a->length = scale * (double)a->in;
  }
  return PG_OK;
}

static pg_status read_sizes(const pgi_node *node, const pg_tensor *sizes, pgi_resize_axis *axes,
                            const int *which, int n, pg_error *err) {
  static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};
  int64_t list[PG_MAX_RANK];
  int count, policy;
  PG_TRY(pgi_list(sizes, "sizes", list, PG_MAX_RANK, &count, err));
  if (count != n) return pgi_fail(err, PG_INVALID, "sizes: expected %d, got %d", n, count);
  for (int i = 0; i < n; i++) {
    if (list[i] < 0 || list[i] > (int64_t)1e15)
      return pgi_fail(err, PG_INVALID, "sizes: %lld is no size", (long long)list[i]);
    size_axis(&axes[which[i]], list[i]);
  }
  PG_TRY(choose(node, "keep_aspect_ratio_policy", policies, PG_COUNT(policies), &policy, err));
  return policy == 0 ? PG_OK : keep_ratio(axes, which, n, policy == 1, err);
}

static pg_status read_roi(const pg_tensor *roi, pgi_resize_axis *axes, const int *which, int n,
                          pg_error *err) {
  PG_TRY(check_floats(roi, "roi", 2 * n, err));
  for (int i = 0; i < n; i++) {
    pgi_resize_axis *a = &axes[which[i]];
    a->start = pgi_tensor_get_f64(roi, i);
    a->end = pgi_tensor_get_f64(roi, n + i);
    if (!isfinite(a->start) || !isfinite(a->end))
      return pgi_fail(err, PG_INVALID, "roi: expected numbers");
  }
  return PG_OK;
}

/* axes: [rank], `in` set. */
static pg_status read_axes(const pgi_node *node, int rank, const operands *o, pgi_resize_axis *axes,
                           pg_error *err) {
  int64_t n_given;
  const int64_t *given = pgi_attr_ints(node, "axes", &n_given);
  bool is_in[PG_MAX_RANK];
  int which[PG_MAX_RANK], n = rank;
  if (n_given > rank) return pgi_fail(err, PG_INVALID, "axes: more than the input has");
  if (n_given > 0) PG_TRY(pgi_axes(given, (int)n_given, rank, is_in, err));
  if (n_given > 0) n = (int)n_given;
  for (int i = 0; i < rank; i++) {
    which[i] = i;
    size_axis(&axes[i], axes[i].in);
    axes[i].scale = axes[i].end = 1;
    axes[i].start = 0;
  }
  for (int i = 0; i < n && n_given > 0; i++)
    which[i] = (int)(given[i] < 0 ? given[i] + rank : given[i]);
  if (o->has_scales == o->has_sizes)
    return pgi_fail(err, PG_INVALID, "expected either scales or sizes");
  if (o->sizes) PG_TRY(read_sizes(node, o->sizes, axes, which, n, err));
  if (o->scales) PG_TRY(check_floats(o->scales, "scales", n, err));
  for (int i = 0; i < n && o->scales; i++)
    PG_TRY(scale_axis(&axes[which[i]], pgi_tensor_get_f64(o->scales, i), err));
  for (int i = 0; i < n && !o->scales && !o->sizes; i++) axes[which[i]].out = -1;
  if (o->roi) PG_TRY(read_roi(o->roi, axes, which, n, err));
  return PG_OK;
}

/* ---- inference ------------------------------------------------------------------------------- */

/* An operand that is there, unless it is known to be empty. */
static bool is_given(const pgi_infer *inf, int i, const pg_tensor **value) {
  *value = pgi_known(inf, i);
  bool is_none = !pgi_has_in(inf, i) || pgi_in_length(inf, i) == 0;
  if (is_none || (*value && is_empty(*value))) {
    *value = NULL;
    return false;
  }
  return true;
}

/* Axes whose size has a name: asked for as such, or scaled by an exact number. */
static pg_status resize_symbols(pgi_infer *inf, bool has_sizes, pgi_type *out) {
  const pgi_content *asked = inf->content ? inf->content[has_sizes ? 3 : 2] : NULL;
  bool is_stretched = pgi_attr_is(inf->node, "keep_aspect_ratio_policy", "stretch");
  int64_t n_axes;
  const int64_t *given = pgi_attr_ints(inf->node, "axes", &n_axes);
  if (n_axes == 0) n_axes = out->rank;
  if (!asked || asked->n != n_axes || (has_sizes && !is_stretched)) return PG_OK;
  for (int i = 0; i < (int)asked->n; i++) {
    int axis = i;
    if (given) PG_TRY(pgi_axis(given[i], out->rank, &axis, inf->err));
    if (out->dims[axis].n >= 0 || out->dims[axis].symbol) continue;
    pgi_num scaled = pgi_num_mul(inf->arena, pgi_num_of_dim(inf->in[0]->dims[axis]), asked->at[i]);
    out->dims[axis] = pgi_dim_of_num(has_sizes ? asked->at[i] : pgi_num_floor(inf->arena, scaled));
  }
  return PG_OK;
}

/* scales and sizes: one a axis, or none at all. */
static pg_status check_count(const pgi_infer *inf, int i, const char *name, int rank) {
  int64_t n_axes;
  (void)pgi_attr_ints(inf->node, "axes", &n_axes);
  if (n_axes == 0) n_axes = rank;
  int list_rank = pgi_in_rank(inf, i);
  if (list_rank < 0) return PG_OK;
  int64_t n = list_rank == 1 ? inf->in[i]->dims[0].n : -1;
  if (list_rank == 1 && (n <= 0 || n == n_axes)) return PG_OK;
  if (list_rank != 1)
    return pgi_fail(inf->err, PG_INVALID, "%s: expected rank 1, got %d", name, list_rank);
  return pgi_fail(inf->err, PG_INVALID, "%s: expected %lld %s, one an axis, got %lld", name,
                  (long long)n_axes, i == 2 ? "floats" : "integers", (long long)n);
}

static pg_status infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  pgi_resize_axis axes[PG_MAX_RANK];
  operands o = {0};
  pgi_resize_way way;
  PG_TRY(read_way(inf->node, &way, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (rank < 0) return PG_OK;
  PG_TRY(check_count(inf, 2, "scales", rank));
  PG_TRY(check_count(inf, 3, "sizes", rank));
  o.has_scales = is_given(inf, 2, &o.scales);
  o.has_sizes = is_given(inf, 3, &o.sizes);
  if (o.has_scales && o.has_sizes) { /* one of them may turn out to be empty */
    if (!o.scales && !o.sizes) return PG_OK;
    if (!o.scales)
      o.has_scales = false;
    else if (!o.sizes)
      o.has_sizes = false;
  }
  for (int i = 0; i < rank; i++) axes[i].in = inf->in[0]->dims[i].n;
  PG_TRY(read_axes(inf->node, rank, &o, axes, inf->err));
  for (int i = 0; i < rank; i++) {
    bool is_same = axes[i].in < 0 && axes[i].out < 0 && axes[i].scale == 1 && (o.scales || o.sizes);
    if (is_same && !(o.sizes && !pgi_attr_is(inf->node, "keep_aspect_ratio_policy", "stretch")))
      out->dims[i] = inf->in[0]->dims[i];
    else if (axes[i].out >= 0)
      out->dims[i] = pgi_dim_of(axes[i].out);
  }
  return o.has_sizes != o.has_scales ? resize_symbols(inf, o.has_sizes, out) : PG_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static pg_status run_nearest(pgi_call *c, const pgi_resize_way *way, const pgi_resize_axis *axes) {
  const pg_tensor *x = c->in[0];
  int64_t in_dims[PG_MAX_RANK], out_dims[PG_MAX_RANK], *maps[PG_MAX_RANK];
  pgi_elems from, to;
  PG_TRY(pgi_elems_of(c, x, &from));
  PG_TRY(pgi_elems_for(c, c->out[0], &to));
  for (int i = 0; i < x->rank; i++) {
    in_dims[i] = axes[i].in;
    out_dims[i] = axes[i].out;
    PG_TRY(pgi_scratch_array(c, axes[i].out, sizeof(int64_t), &maps[i]));
    if (!pgi_resize_is_same(way, &axes[i]))
      pgi_resize_map(way, &axes[i], maps[i]);
    else
      for (int64_t j = 0; j < axes[i].out; j++) maps[i][j] = j;
  }
  /* Of less than a byte, elements are spread to one byte each: the fill value too. */
  char fill[16] = {0};
  double value = (double)pgi_attr_float(c->node, "extrapolation_value");
  pg_dtype dtype = x->dtype;
  if (dtype == PG_STRING)
    memset(fill, 0, sizeof fill);
  else if (dtype == PG_C64)
    memcpy(fill, &(float){(float)value}, sizeof(float));
  else if (dtype == PG_C128)
    memcpy(fill, &value, sizeof value);
  else
    pgi_store_f64(dtype, fill, 0, 1, &value);
  pgi_mapped mapped = {x->rank, out_dims, in_dims, (const int64_t *const *)maps, fill};
  PG_TRY(pgi_move_mapped(c, to.data, from.data, from.size, &mapped));
  return pgi_elems_done(c, c->out[0], &to);
}

static pg_status run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  pgi_resize_axis axes[PG_MAX_RANK];
  pgi_resize_way way;
  operands o = {pgi_input(c, 1), pgi_input(c, 2), pgi_input(c, 3), false, false};
  if (o.roi && is_empty(o.roi)) o.roi = NULL;
  if (o.scales && is_empty(o.scales)) o.scales = NULL;
  if (o.sizes && is_empty(o.sizes)) o.sizes = NULL;
  o.has_scales = o.scales != NULL;
  o.has_sizes = o.sizes != NULL;
  PG_TRY(read_way(c->node, &way, c->err));
  for (int i = 0; i < x->rank; i++) axes[i].in = x->dims[i];
  PG_TRY(read_axes(c->node, x->rank, &o, axes, c->err));
  int64_t dims[PG_MAX_RANK], count = 1;
  for (int i = 0; i < x->rank; i++) dims[i] = axes[i].out;
  PG_TRY(pgi_elems_alloc(c, 0, x->dtype, x->rank, dims));
  for (int i = 0; i < x->rank; i++) count = dims[i] == 0 ? 0 : count;
  if (count == 0) return PG_OK;
  if (pgi_tensor_count(x) == 0)
    return pgi_fail(c->err, PG_INVALID, "X has no elements to make others from");
  if (way.mode == PG_RESIZE_NEAREST) return run_nearest(c, &way, axes);
  return pgi_resize_passes(c, &way, axes);
}

/* ---- upgrades -------------------------------------------------------------------------------- */

static pg_status set_text(pgi_node *node, const char *name, const char *text, pg_error *err) {
  return pgi_attr_set_string(node, name, text, strlen(text), err);
}

/* Before version 11 a position was rounded up where an axis shrinks, else down: "simple", unless one
** way of now serves all the scales. */
static const char *old_rounding(const pgi_value *scales) {
  if (!scales || scales->constant.dtype != PG_F32) return "simple";
  const pg_tensor *t = &scales->constant;
  bool grows = true, shrinks = true;
  for (int64_t i = 0; i < pgi_tensor_count(t); i++) {
    double scale = pgi_tensor_get_f64(t, i);
    grows &= scale >= 1;
    shrinks &= scale <= 1;
  }
  return grows ? "floor" : shrinks ? "ceil" : "simple";
}

/* X, scales -> X, "", scales; and what the coordinates were before version 11. */
static pg_status upgrade_scales(pgi_node *node, bool is_upsample, pg_error *err) {
  pgi_value *in[3] = {node->n_in > 0 ? node->in[0].value : NULL, NULL,
                      node->n_in > 1 ? node->in[1].value : NULL};
  PG_TRY(pgi_edit_set_inputs(node, 3, in, err));
  if (pgi_attr_is(node, "mode", "bilinear") || pgi_attr_is(node, "mode", "trilinear"))
    PG_TRY(set_text(node, "mode", "linear", err));
  PG_TRY(set_text(node, "coordinate_transformation_mode", "asymmetric", err));
  return set_text(node, "nearest_mode", is_upsample ? "floor" : old_rounding(in[2]), err);
}

static bool is_known_empty(const pgi_value *v) {
  if (v->constant.dtype != PG_NONE) return pgi_tensor_count(&v->constant) == 0;
  return v->type.kind == PG_TYPE_TENSOR && v->type.rank == 1 && v->type.dims[0].n == 0;
}

/* Scales beside sizes were there but empty, where they must be left out now. */
static pg_status upgrade(pgi_node *node, int version, pg_error *err) {
  if (version < 11) return upgrade_scales(node, false, err);
  if (node->n_in < 4 || !node->in[2].value || !node->in[3].value) return PG_OK;
  int none = is_known_empty(node->in[2].value) ? 2 : is_known_empty(node->in[3].value) ? 3 : -1;
  return none < 0 ? PG_OK : pgi_edit_set_input(node, none, NULL, err);
}

static pg_status scales_input(pgi_node *node, int64_t n, const float *v, pg_error *err) {
  pg_tensor t = {0};
  pgi_value *scales;
  PG_TRY(pgi_tensor_alloc(node->graph->model->ctx, PG_F32, 1, &n, &t, err));
  if (n > 0) memcpy(pgi_tensor_data(&t), v, (size_t)n * sizeof *v);
  pg_status status = pgi_edit_constant(node->graph, NULL, &t, &scales, err);
  pgi_tensor_clear(&t);
  PG_TRY(status);
  return pgi_edit_set_input(node, 1, scales, err);
}

static float float_of(const pgi_node *node, const char *name) {
  const pgi_attr *a = pgi_attr_find(node, name);
  return a && a->kind == PG_ATTR_FLOAT && a->n == 1 ? a->floats[0] : 1.0f;
}

/* Upsample became Resize in opset 10. */
static pg_status upsample_upgrade(pgi_node *node, int version, pg_error *err) {
  if (version < 7) {
    float scales[4] = {1, 1, float_of(node, "height_scale"), float_of(node, "width_scale")};
    PG_TRY(scales_input(node, 4, scales, err));
    pgi_attr_remove(node, "height_scale");
    pgi_attr_remove(node, "width_scale");
  } else if (version < 9) {
    int64_t n;
    const float *scales = pgi_attr_floats(node, "scales", &n);
    PG_TRY(scales_input(node, n, scales, err));
    pgi_attr_remove(node, "scales");
  }
  PG_TRY(pgi_edit_retype(node, "", "Resize", err));
  return upgrade_scales(node, true, err); /* its scales are 1 or more */
}

/* ---- declarations ---------------------------------------------------------------------------- */

static const pgi_attr_def attrs[] = {
    {.name = "antialias", .kind = PG_ATTR_INT},
    {.name = "axes", .kind = PG_ATTR_INTS},
    {.name = "coordinate_transformation_mode", .kind = PG_ATTR_STRING, .s = "half_pixel"},
    {.name = "cubic_coeff_a", .kind = PG_ATTR_FLOAT, .f = -0.75f},
    {.name = "exclude_outside", .kind = PG_ATTR_INT},
    {.name = "extrapolation_value", .kind = PG_ATTR_FLOAT},
    {.name = "keep_aspect_ratio_policy", .kind = PG_ATTR_STRING, .s = "stretch"},
    {.name = "mode", .kind = PG_ATTR_STRING, .s = "nearest"},
    {.name = "nearest_mode", .kind = PG_ATTR_STRING, .s = "round_prefer_floor"},
    {0}};

PG_OP(resize) = {
    .name = "Resize",
    .since = {10, 11, 13, 18, 19},
    .in = {1, 4},
    .out = {1, 1},
    .types = PG_T_NUMERIC | PG_T_COMPLEX | PG_T(PG_BOOL) | PG_T(PG_STRING),
    .attrs = attrs,
    .upgrade = upgrade,
    .infer = infer,
    .run = run,
};

PG_OP(upsample) = {
    .name = "Upsample",
    .since = {1, 7, 9, 10},
    .in = {1, 2},
    .out = {1, 1},
    .upgrade = upsample_upgrade,
};
