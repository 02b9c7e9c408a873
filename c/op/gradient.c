/* Gradient of ai.onnx.preview.training: reverse-mode differentiation of the nodes between xs and y,
** written out as standard operators before the model runs.
**
** The named values say where the function begins (xs, zs) and ends (y); the node's inputs say where
** it is differentiated.  Where these are other values than the named ones, the nodes between are
** repeated for them. */
#include "op/gradient.h"

typedef struct walk {
  pgi_build b;
  pg_graph *g;
  pgi_ptrmap moved;   /* value -> what stands for it */
  pgi_ptrmap depends; /* on one of xs */
  pgi_ptrmap slopes;  /* value -> its slope so far */
} walk;

static pgi_value *stands_for(const walk *w, pgi_value *v) {
  pgi_value *other = v ? pgi_ptrmap_get(&w->moved, v) : NULL;
  return other ? other : v;
}

/* ---- the function ---------------------------------------------------------------------------- */

static pg_status find_value(const walk *w, const pg_string *name, pgi_value **out, pg_error *err) {
  char text[256];
  *out = NULL;
  if (name->size < sizeof text) {
    memcpy(text, name->data, name->size);
    text[name->size] = 0;
    *out = pgi_graph_find(w->g, text);
  }
  if (*out) return PG_OK;
  return pgi_fail(err, PG_INVALID, "there is no value '%.*s' to differentiate",
                  (int)PG_MIN(name->size, 100), name->data);
}

/* Inputs of the node stand for xs and then zs. */
static pg_status bind_inputs(walk *w, const char *attr, int first, bool is_x, int *n,
                             pg_error *err) {
  int64_t count;
  const pg_string *names = pgi_attr_strings(w->b.node, attr, &count);
  *n = (int)count;
  if (count > w->b.node->n_in - first)
    return pgi_fail(err, PG_INVALID, "%s: %lld names for %d inputs", attr, (long long)count,
                    w->b.node->n_in - first);
  for (int i = 0; i < *n; i++) {
    pgi_value *v, *in = pgi_build_in(&w->b, first + i);
    PG_TRY(find_value(w, &names[i], &v, err));
    if (!in) return pgi_fail(err, PG_INVALID, "input %d is required", first + i);
    if (in != v) PG_TRY(pgi_ptrmap_put(&w->moved, v, in, err));
    if (is_x) PG_TRY(pgi_ptrmap_put(&w->depends, v, v, err));
  }
  return PG_OK;
}

static bool has_moved(const walk *w, const pgi_node *node) {
  for (int i = 0; i < node->n_in; i++)
    if (node->in[i].value && pgi_ptrmap_has(&w->moved, node->in[i].value)) return true;
  return false;
}

static bool does_depend(const walk *w, const pgi_node *node) {
  for (int i = 0; i < node->n_in; i++)
    if (node->in[i].value && pgi_ptrmap_has(&w->depends, node->in[i].value)) return true;
  return false;
}

/* The node once more, on what stands for its inputs. */
static pg_status repeat(walk *w, const pgi_node *node, pg_error *err) {
  pgi_bodies bodies = {.node = node};
  pgi_value *in[PG_MANY];
  if (pgi_bodies_next(&bodies) || node->n_in > PG_MANY)
    return pgi_fail(err, PG_UNSUPPORTED, "%s '%s' stands between: it can't be repeated", node->type,
                    node->name);
  for (int i = 0; i < node->n_in; i++) in[i] = stands_for(w, node->in[i].value);
  pgi_value *out = pgi_build_call_in(&w->b, node->domain, node->type, node->n_in, in);
  for (int i = 0; i < node->n_attrs; i++) pgi_build_copy_from(&w->b, node, node->attrs[i].name);
  for (int i = 0; i < node->n_out; i++) {
    if (i > 0 && node->out[i]) out = pgi_build_output(&w->b, i);
    PG_TRY(w->b.status);
    if (node->out[i]) PG_TRY(pgi_ptrmap_put(&w->moved, node->out[i], out, err));
  }
  return PG_OK;
}

/* Values that xs make, in order; and repeated where the node's inputs are others. */
static pg_status forward(walk *w, pg_error *err) {
  for (pgi_node *node = w->g->first; node && node != w->b.node; node = node->next) {
    bool depends = does_depend(w, node);
    for (int i = 0; depends && i < node->n_out; i++)
      if (node->out[i]) PG_TRY(pgi_ptrmap_put(&w->depends, node->out[i], node->out[i], err));
    if (has_moved(w, node)) PG_TRY(repeat(w, node, err));
  }
  return PG_OK;
}

/* ---- back ------------------------------------------------------------------------------------ */

static pg_status add_slope(walk *w, pgi_value *v, pgi_value *slope, pg_error *err) {
  pgi_value *sum = pgi_ptrmap_get(&w->slopes, v);
  sum = sum ? pgi_build_2(&w->b, "Add", sum, slope) : slope;
  PG_TRY(w->b.status);
  return pgi_ptrmap_put(&w->slopes, v, sum, err);
}

static pg_status step_back(walk *w, pgi_node *node, pg_error *err) {
  pgi_value *x[PG_MANY], *y[PG_MANY], *g[PG_MANY];
  bool is_wanted = false;
  if (node->n_in > PG_MANY || node->n_out > PG_MANY)
    return pgi_fail(err, PG_UNSUPPORTED, "%s '%s': too many inputs", node->type, node->name);
  for (int i = 0; i < node->n_out; i++) {
    y[i] = stands_for(w, node->out[i]);
    g[i] = node->out[i] ? pgi_ptrmap_get(&w->slopes, node->out[i]) : NULL;
    is_wanted |= g[i] != NULL;
  }
  if (!is_wanted || !does_depend(w, node)) return PG_OK;
  for (int i = 0; i < node->n_in; i++) x[i] = stands_for(w, node->in[i].value);
  pgi_slope_fn *rule = pgi_slope_of(node);
  if (!rule)
    return pgi_fail(err, PG_UNSUPPORTED, "%s '%s' can't be differentiated", node->type, node->name);
  pgi_slope s = {&w->b, node, x, y, g};
  for (int i = 0; i < node->n_in; i++) {
    pgi_value *v = node->in[i].value;
    if (!v || !pgi_ptrmap_has(&w->depends, v)) continue;
    pgi_value *slope = rule(&s, i);
    if (w->b.status != PG_OK) pgi_error_prefix(err, "%s '%s'", node->type, node->name);
    PG_TRY(w->b.status);
    if (slope) PG_TRY(add_slope(w, v, slope, err));
  }
  return PG_OK;
}

static pg_status backward(walk *w, pgi_value *y, pg_error *err) {
  pgi_value *at = stands_for(w, y);
  pgi_value *one = pgi_build_like(&w->b, 1, at);
  PG_TRY(add_slope(w, y, pgi_build_2(&w->b, "Expand", one, pgi_build_1(&w->b, "Shape", at)), err));
  pgi_node *last = y->producer;
  for (pgi_node *node = w->g->first; node != last; node = node->next)
    if (!node || node == w->b.node)
      return pgi_fail(err, PG_INVALID, "y: '%s' is not made before this node", y->name);
  for (pgi_node *node = last; node; node = node->prev) PG_TRY(step_back(w, node, err));
  return PG_OK;
}

static pg_status finish(walk *w, int n_x, pg_error *err) {
  int64_t n;
  const pg_string *names = pgi_attr_strings(w->b.node, "xs", &n);
  pgi_value *out[PG_MANY] = {NULL};
  for (int i = 0; i < n_x && i < w->b.node->n_out; i++) {
    pgi_value *v;
    if (!w->b.node->out[i]) continue;
    PG_TRY(find_value(w, &names[i], &v, err));
    out[i] = pgi_ptrmap_get(&w->slopes, v);
    pgi_value *x = stands_for(w, v);
    if (out[i]) /* the node's own, even where two xs share it */
      out[i] = pgi_build_1(&w->b, "Identity", out[i]);
    else
      out[i] =
          pgi_build_2(&w->b, "Expand", pgi_build_like(&w->b, 0, x), pgi_build_1(&w->b, "Shape", x));
  }
  return pgi_build_finish_all(&w->b, out);
}

static pg_status differentiate(walk *w, pg_error *err) {
  int n_x, n_z;
  pgi_value *y;
  pg_string name = pgi_attr_string(w->b.node, "y");
  PG_TRY(bind_inputs(w, "xs", 0, true, &n_x, err));
  PG_TRY(bind_inputs(w, "zs", n_x, false, &n_z, err));
  if (n_x > PG_MANY || w->b.node->n_out > n_x)
    return pgi_fail(err, PG_INVALID, "expected at most one output for each of xs");
  PG_TRY(find_value(w, &name, &y, err));
  PG_TRY(forward(w, err));
  if (pgi_ptrmap_has(&w->depends, y)) PG_TRY(backward(w, y, err));
  return finish(w, n_x, err);
}

static pg_status expand(pgi_node *node, pg_error *err) {
  walk w = {.b = pgi_build_start(node, err), .g = node->graph};
  pg_context *ctx = node->graph->model->ctx;
  pgi_ptrmap_init(&w.moved, ctx);
  pgi_ptrmap_init(&w.depends, ctx);
  pgi_ptrmap_init(&w.slopes, ctx);
  pg_status status = differentiate(&w, err);
  pgi_ptrmap_deinit(&w.moved);
  pgi_ptrmap_deinit(&w.depends);
  pgi_ptrmap_deinit(&w.slopes);
  return status;
}

static const pgi_attr_def attrs[] = {{.name = "xs", .kind = PG_ATTR_STRINGS, .is_required = true},
                                     {.name = "y", .kind = PG_ATTR_STRING, .is_required = true},
                                     {.name = "zs", .kind = PG_ATTR_STRINGS},
                                     {0}};

PG_OP(gradient) = {.name = "Gradient",
                   .domain = "ai.onnx.preview.training",
                   .since = {1},
                   .in = {1, PG_MANY},
                   .out = {1, PG_MANY},
                   .types = PG_T_ALL,
                   .attrs = attrs,
                   .infer = pgi_build_infer,
                   .expand = expand};
