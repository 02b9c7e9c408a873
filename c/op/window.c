/* window: the attributes and shapes that convolutions and pools share. */
#include <math.h>

#include "op/window.h"

pg_status pgi_check_spatial(int rank, pg_error *err) {
  if (rank >= 3) return PG_OK;
  return pgi_fail(err, PG_INVALID,
                  "input 0: expected a batch, channels and spatial axes, got rank %d", rank);
}

pg_status pgi_spatial_attr(const pgi_node *node, const char *name, int n, int64_t low,
                           int64_t missing, int64_t *out, pg_error *err) {
  int64_t count;
  const int64_t *v = pgi_attr_ints(node, name, &count);
  if (!v || count == 0) {
    for (int i = 0; i < n; i++) out[i] = missing;
    return PG_OK;
  }
  if (count != n) {
    return pgi_fail(err, PG_INVALID, "%s: expected %d numbers, got %lld", name, n,
                    (long long)count);
  }
  for (int i = 0; i < n; i++) {
    if (v[i] < low || v[i] > INT32_MAX) {
      return pgi_fail(err, PG_INVALID, "%s: expected numbers from %lld, got %lld", name,
                      (long long)low, (long long)v[i]);
    }
    out[i] = v[i];
  }
  return PG_OK;
}

pg_status pgi_window_read(const pgi_node *node, int rank, const int64_t *kernel, pgi_window *w,
                          pg_error *err) {
  PG_TRY(pgi_check_spatial(rank, err));
  memset(w, 0, sizeof *w);
  w->n = rank - 2;
  int64_t pads[2 * PG_MAX_SPATIAL];
  PG_TRY(pgi_spatial_attr(node, "strides", w->n, 1, 1, w->stride, err));
  PG_TRY(pgi_spatial_attr(node, "dilations", w->n, 1, 1, w->dilation, err));
  PG_TRY(pgi_spatial_attr(node, "pads", 2 * w->n, 0, 0, pads, err));
  PG_TRY(pgi_spatial_attr(node, "kernel_shape", w->n, 1, -1, w->kernel, err));
  for (int i = 0; i < w->n; i++) {
    w->before[i] = pads[i];
    w->after[i] = pads[w->n + i];
    if (!kernel || kernel[i] < 0) continue;
    if (w->kernel[i] < 0) w->kernel[i] = kernel[i];
    if (w->kernel[i] != kernel[i] || kernel[i] < 1 || kernel[i] > INT32_MAX) {
      return pgi_fail(err, PG_INVALID,
                      "kernel_shape: expected %lld on spatial axis %d, the weights have %lld",
                      (long long)w->kernel[i], i, (long long)kernel[i]);
    }
  }
  return PG_OK;
}

/* auto_pad SAME: as many outputs as strides fit into the input, padding spread on both sides. */
static void pad_same(pgi_window *w, int i, int64_t in, bool is_upper) {
  int64_t span = (w->kernel[i] - 1) * w->dilation[i] + 1;
  w->out[i] = in / w->stride[i] + (in % w->stride[i] != 0);
  int64_t total = PG_MAX((w->out[i] - 1) * w->stride[i] + span - in, 0);
  int64_t less = total / 2;
  w->before[i] = is_upper ? less : total - less;
  w->after[i] = total - w->before[i];
}

/* Explicit padding.  With ceil_mode a window may begin before the end and hang over it, but not
** begin in the padding behind the end. */
static pg_status count_outputs(pgi_window *w, int i, int64_t in, bool is_ceil, pg_error *err) {
  int64_t span = (w->kernel[i] - 1) * w->dilation[i] + 1;
  int64_t room = in + w->before[i] + w->after[i] - span;
  if (room < 0) {
    return pgi_fail(err, PG_INVALID,
                    "a window of %lld does not fit the %lld elements of spatial axis %d with "
                    "padding %lld and %lld",
                    (long long)span, (long long)in, i, (long long)w->before[i],
                    (long long)w->after[i]);
  }
  w->out[i] = room / w->stride[i] + 1;
  if (is_ceil && room % w->stride[i] != 0 && w->out[i] * w->stride[i] < in + w->before[i]) {
    w->out[i]++;
  }
  if (is_ceil && w->out[i] > 1 && (w->out[i] - 1) * w->stride[i] >= in + w->before[i]) w->out[i]--;
  return PG_OK;
}

static bool product(const int64_t *v, int n, int64_t *out) {
  size_t p = 1;
  for (int i = 0; i < n; i++) {
    if (!pgi_mul_size(p, (size_t)v[i], &p)) return false;
  }
  *out = (int64_t)p;
  return p <= INT64_MAX / 16;
}

pg_status pgi_window_sizes(pgi_window *w, pg_error *err) {
  if (product(w->in, w->n, &w->in_size) && product(w->out, w->n, &w->out_size) &&
      product(w->kernel, w->n, &w->taps)) {
    return PG_OK;
  }
  return pgi_fail(err, PG_NOMEM, "the size of the windows overflows");
}

pg_status pgi_window_fit(const pgi_node *node, const int64_t *in, pgi_window *w, pg_error *err) {
  pg_string mode = pgi_attr_string(node, "auto_pad");
  bool is_upper = pgi_attr_is(node, "auto_pad", "SAME_UPPER");
  bool is_lower = pgi_attr_is(node, "auto_pad", "SAME_LOWER");
  bool is_valid = pgi_attr_is(node, "auto_pad", "VALID");
  if (!is_upper && !is_lower && !is_valid && mode.size > 0 &&
      !pgi_attr_is(node, "auto_pad", "NOTSET")) {
    return pgi_fail(err, PG_INVALID,
                    "auto_pad: expected NOTSET, SAME_UPPER, SAME_LOWER or VALID, got '%.*s'",
                    (int)PG_MIN(mode.size, 40), mode.data);
  }
  bool is_ceil = pgi_attr_int(node, "ceil_mode") != 0;
  bool is_known = true;
  for (int i = 0; i < w->n; i++) {
    w->in[i] = in[i];
    w->out[i] = -1;
    if (is_valid) w->before[i] = w->after[i] = 0;
    if (in[i] < 0 || w->kernel[i] < 0) {
      is_known = false;
    } else if (in[i] > INT64_MAX / 4) {
      return pgi_fail(err, PG_NOMEM, "spatial axis %d has %lld elements", i, (long long)in[i]);
    } else if (is_upper || is_lower) {
      pad_same(w, i, in[i], is_upper);
    } else {
      PG_TRY(count_outputs(w, i, in[i], is_ceil, err));
    }
  }
  return is_known ? pgi_window_sizes(w, err) : PG_OK;
}

void pgi_spatial_dims(const pgi_type *t, int64_t *out) {
  for (int i = 2; i < t->rank; i++) out[i - 2] = t->dims[i].n;
}

/* What a dimension without a number becomes: floor((in + pads - reach) / stride) + 1, reach being what a
** window spans.  Rounding up gives the same with stride - 1 more, as long as no window begins in
** the padding behind, which would not count. */
static pgi_dim slide(const pgi_infer *inf, const pgi_window *w, int i, pgi_dim in) {
  const pgi_node *node = inf->node;
  int64_t stride = w->stride[i], reach, pads;
  if (w->kernel[i] < 0) return pgi_dim_unknown();
  if (pgi_attr_is(node, "auto_pad", "SAME_UPPER") || pgi_attr_is(node, "auto_pad", "SAME_LOWER")) {
    return pgi_dim_div(inf->arena, pgi_dim_shift(inf->arena, in, stride - 1), stride);
  }
  if (__builtin_mul_overflow(w->kernel[i] - 1, w->dilation[i], &reach) || reach == INT64_MAX ||
      __builtin_add_overflow(w->before[i], w->after[i], &pads))
    return pgi_dim_unknown();
  reach++;
  if (pgi_attr_int(node, "ceil_mode") != 0 && stride > 1) {
    if (w->after[i] > reach - stride) return pgi_dim_unknown();
    pads += stride - 1;
  }
  pgi_dim room = pgi_dim_shift(inf->arena, in, pads - reach);
  return pgi_dim_shift(inf->arena, pgi_dim_div(inf->arena, room, stride), 1);
}

pg_status pgi_infer_window(pgi_infer *inf, const int64_t *kernel, pgi_dim outputs, pgi_type *out) {
  const pgi_type *x = inf->in[0];
  pgi_window w;
  int64_t in[PG_MAX_SPATIAL];
  PG_TRY(pgi_window_read(inf->node, x->rank, kernel, &w, inf->err));
  pgi_spatial_dims(x, in);
  PG_TRY(pgi_window_fit(inf->node, in, &w, inf->err));
  out->rank = x->rank;
  out->dims[0] = x->dims[0];
  out->dims[1] = outputs;
  for (int i = 0; i < w.n; i++) {
    out->dims[2 + i] = w.out[i] >= 0 ? pgi_dim_of(w.out[i]) : slide(inf, &w, i, x->dims[2 + i]);
  }
  return PG_OK;
}

/* How many elements a window has, as a value; before `at`. */
static pg_status window_size(pgi_node *node, pgi_node *at, pgi_value *x, pgi_value **out,
                             pg_error *err) {
  pg_graph *g = node->graph;
  if (node->type[0] == 'G') {
    pgi_node *made;
    PG_TRY(pgi_edit_call(g, at, "Shape", 1, &x, &made, out, err));
    PG_TRY(pgi_attr_set_int(made, "start", 2, err));
    PG_TRY(pgi_edit_call(g, at, "ReduceProd", 1, out, &made, out, err));
    return pgi_attr_set_int(made, "keepdims", 0, err);
  }
  int64_t n, taps = 1;
  const int64_t *kernel = pgi_attr_ints(node, "kernel_shape", &n);
  for (int64_t i = 0; i < n; i++) {
    if (kernel[i] < 1 || __builtin_mul_overflow(taps, kernel[i], &taps))
      return pgi_fail(err, PG_INVALID, "kernel_shape: expected numbers from 1");
  }
  return pgi_edit_constant_i64s(g, 1, &taps, out, err);
}

/* A norm whose p is no whole number is (mean(|x|^p) * taps)^(1 / p). */
static pg_status real_norm(pgi_node *node, double p, pg_error *err) {
  pg_graph *g = node->graph;
  pgi_node *made, *after = node->next;
  bool is_global = node->type[0] == 'G';
  pgi_value *x = node->n_in > 0 ? node->in[0].value : NULL, *y = node->out[0];
  pgi_value *up, *down, *taps, *v;
  if (!x || !y) return pgi_fail(err, PG_INVALID, "expected an input and an output");
  PG_TRY(pgi_edit_constant_scalar(g, PG_F64, p, &up, err));
  PG_TRY(pgi_edit_constant_scalar(g, PG_F64, 1 / p, &down, err));
  PG_TRY(pgi_edit_call(g, node, "CastLike", 2, (pgi_value *[]){up, x}, &made, &up, err));
  PG_TRY(pgi_edit_call(g, node, "CastLike", 2, (pgi_value *[]){down, x}, &made, &down, err));
  PG_TRY(window_size(node, node, x, &taps, err));
  PG_TRY(pgi_edit_call(g, node, "CastLike", 2, (pgi_value *[]){taps, x}, &made, &taps, err));
  PG_TRY(pgi_edit_call(g, node, "Abs", 1, &x, &made, &v, err));
  PG_TRY(pgi_edit_call(g, node, "Pow", 2, (pgi_value *[]){v, up}, &made, &v, err));
  PG_TRY(pgi_edit_set_input(node, 0, v, err));
  PG_TRY(pgi_edit_value(g, NULL, &v, err));
  PG_TRY(pgi_edit_set_output(node, 0, v, err));
  pgi_attr_remove(node, "p");
  PG_TRY(pgi_edit_retype(node, "", is_global ? "GlobalAveragePool" : "AveragePool", err));
  if (!is_global) PG_TRY(pgi_attr_set_int(node, "count_include_pad", 1, err));
  PG_TRY(pgi_edit_call(g, after, "Mul", 2, (pgi_value *[]){v, taps}, &made, &v, err));
  PG_TRY(pgi_edit_node(g, after, "", "Pow", 2, (pgi_value *[]){v, down}, 1, &y, &made, err));
  made->op = pgi_op_find("", "Pow");
  made->version = pgi_opset_newest("");
  return PG_OK;
}

pg_status pgi_upgrade_lp(pgi_node *node, int version, pg_error *err) {
  const pgi_attr *p = pgi_attr_find(node, "p");
  (void)version;
  if (!p || p->kind != PG_ATTR_FLOAT || p->n != 1) return PG_OK;
  float v = p->floats[0];
  if (!(v > 0 && v < INFINITY)) {
    return pgi_fail(err, PG_INVALID, "p: expected more than 0, got %g", (double)v);
  }
  if (v < 1 || v > 1000 || floorf(v) != v) return real_norm(node, (double)v, err);
  pgi_attr_remove(node, "p");
  return pgi_attr_set_int(node, "p", (int64_t)v, err);
}

bool pgi_known_dims(const pgi_type *t, int64_t *out) {
  for (int i = 0; i < t->rank; i++) {
    out[i] = t->dims[i].n;
    if (out[i] < 0) return false;
  }
  return t->rank >= 0;
}
