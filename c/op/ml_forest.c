/* ml_forest: reading trees and walking down them. */
#include "op/ml_forest.h"

#include <math.h>

#include "op/order.h"

/* ---- making ---------------------------------------------------------------------------------- */

void pgi_forest_free(pg_context *ctx, pgi_forest *f) {
  if (!f) return;
  pgi_arena_deinit(&f->arena);
  pgi_free(ctx, f);
}

static pg_status make_room(pgi_forest *f, pg_error *err) {
  size_t nodes = (size_t)f->n_nodes, leaves = (size_t)f->n_leaves, votes = (size_t)f->n_votes;
  f->nodes = pgi_arena_alloc(&f->arena, nodes * sizeof *f->nodes + 1);
  f->leaves = pgi_arena_alloc(&f->arena, leaves * sizeof *f->leaves + 1);
  f->votes = pgi_arena_alloc(&f->arena, votes * sizeof *f->votes + 1);
  f->roots = pgi_arena_alloc(&f->arena, nodes * sizeof *f->roots + 1);
  return f->nodes && f->leaves && f->votes && f->roots ? PG_OK : pgi_nomem(err);
}

/* A list attribute of n integers; each in [0, below) when `below` isn't negative. */
static pg_status read_ints(const pgi_node *node, const char *name, int64_t n, int64_t below,
                           const int64_t **out, pg_error *err) {
  int64_t count;
  *out = pgi_attr_ints(node, name, &count);
  if (count != n) {
    return pgi_fail(err, PG_INVALID, "%s: expected %lld numbers, got %lld", name, (long long)n,
                    (long long)count);
  }
  for (int64_t i = 0; i < n && below >= 0; i++) {
    if ((*out)[i] >= 0 && (*out)[i] < below) continue;
    return pgi_fail(err, PG_INVALID, "%s[%lld]: expected 0 to %lld, got %lld", name, (long long)i,
                    (long long)below - 1, (long long)(*out)[i]);
  }
  return PG_OK;
}

static pg_status copy_numbers(pgi_forest *f, pg_dtype dtype, const void *data, int64_t n,
                              double **out, pg_error *err) {
  double *numbers = pgi_arena_alloc(&f->arena, (size_t)n * sizeof *numbers + 1);
  if (!numbers) return pgi_nomem(err);
  if (n) pgi_load_f64(dtype, data, 0, n, numbers);
  *out = numbers;
  return PG_OK;
}

/* NAME_as_tensor, or the floats NAME. */
static pg_status read_numbers(pgi_forest *f, const pgi_node *node, const char *name,
                              const char *as_tensor, double **out, int64_t *n, pg_error *err) {
  const pg_tensor *t = pgi_attr_tensor(node, as_tensor);
  if (t) {
    pgi_kind kind = pgi_dtype_kind(t->dtype);
    if (kind != PG_KIND_FLOAT) {
      return pgi_fail(err, PG_INVALID, "%s: expected floats, got %s", as_tensor,
                      pg_dtype_name(t->dtype));
    }
    *n = pgi_tensor_count(t);
    return copy_numbers(f, t->dtype, pgi_tensor_data(t), *n, out, err);
  }
  const float *floats = name ? pgi_attr_floats(node, name, n) : NULL;
  if (!name) *n = 0;
  return copy_numbers(f, PG_F32, floats, *n, out, err);
}

static pg_status fail_length(const char *name, int64_t want, int64_t got, pg_error *err) {
  return pgi_fail(err, PG_INVALID, "%s: expected %lld numbers, got %lld", name, (long long)want,
                  (long long)got);
}

/* Which way missing values go; the attribute may be absent. */
static pg_status read_missing(pgi_forest *f, const pgi_node *node, pg_error *err) {
  int64_t n;
  const int64_t *tracks = pgi_attr_ints(node, "nodes_missing_value_tracks_true", &n);
  if (n != 0 && n != f->n_nodes) {
    return fail_length("nodes_missing_value_tracks_true", f->n_nodes, n, err);
  }
  for (int64_t i = 0; i < n; i++) f->nodes[i].takes_nan = tracks[i] != 0;
  return PG_OK;
}

static void note_features(pgi_forest *f) {
  f->is_positive = true;
  for (int64_t i = 0; i < f->n_nodes; i++)
    f->n_features = PG_MAX(f->n_features, f->nodes[i].feature + 1);
  for (int64_t i = 0; i < f->n_votes; i++)
    f->is_positive = f->is_positive && f->votes[i].weight >= 0;
}

/* ---- TreeEnsemble: nodes and leaves apart ---------------------------------------------------- */

static pg_status read_children(pgi_forest *f, const pgi_node *node, bool of_true, pg_error *err) {
  const char *ids = of_true ? "nodes_truenodeids" : "nodes_falsenodeids";
  const char *leafs = of_true ? "nodes_trueleafs" : "nodes_falseleafs";
  const int64_t *id, *is_leaf;
  PG_TRY(read_ints(node, ids, f->n_nodes, -1, &id, err));
  PG_TRY(read_ints(node, leafs, f->n_nodes, -1, &is_leaf, err));
  for (int64_t i = 0; i < f->n_nodes; i++) {
    if (id[i] < 0 || id[i] >= (is_leaf[i] ? f->n_leaves : f->n_nodes)) {
      return pgi_fail(err, PG_INVALID, "%s[%lld]: no such %s, %lld", ids, (long long)i,
                      is_leaf[i] ? "leaf" : "node", (long long)id[i]);
    }
    int32_t child = is_leaf[i] ? ~(int32_t)id[i] : (int32_t)id[i];
    if (of_true)
      f->nodes[i].on_true = child;
    else
      f->nodes[i].on_false = child;
  }
  return PG_OK;
}

/* The sets of the nodes that test for membership, one behind the other, with a NaN between. */
static pg_status read_members(pgi_forest *f, const pgi_node *node, pg_error *err) {
  int64_t at = 0;
  PG_TRY(read_numbers(f, node, NULL, "membership_values", &f->members, &f->n_members, err));
  for (int64_t i = 0; i < f->n_nodes; i++) {
    pgi_tree_node *n = &f->nodes[i];
    if (n->mode != PG_BRANCH_MEMBER) continue;
    n->first_member = (int32_t)at;
    bool is_there = at < f->n_members;
    while (at < f->n_members && !isnan(f->members[at])) at++;
    n->n_members = (int32_t)at - n->first_member;
    if (!is_there) {
      return pgi_fail(err, PG_INVALID, "membership_values: expected a set for each member node");
    }
    at++;
  }
  return PG_OK;
}

static pg_status read_modes(pgi_forest *f, const pgi_node *node, pg_error *err) {
  const pg_tensor *modes = pgi_attr_tensor(node, "nodes_modes");
  double *splits;
  int64_t n, n_modes = modes ? pgi_tensor_count(modes) : 0;
  PG_TRY(read_numbers(f, node, NULL, "nodes_splits", &splits, &n, err));
  if (n != f->n_nodes) return fail_length("nodes_splits", f->n_nodes, n, err);
  if (n_modes != n) return fail_length("nodes_modes", n, n_modes, err);
  for (int64_t i = 0; i < n; i++) {
    int64_t mode = modes->dtype == PG_U8 ? pgi_tensor_get_i64(modes, i) : -1;
    if (mode < 0 || mode > PG_BRANCH_MEMBER) {
      return pgi_fail(err, PG_INVALID, "nodes_modes[%lld]: %lld", (long long)i, (long long)mode);
    }
    f->nodes[i].mode = (pgi_branch)mode;
    f->nodes[i].value = splits[i];
  }
  return read_members(f, node, err);
}

static pg_status read_leaves(pgi_forest *f, const pgi_node *node, pg_error *err) {
  const int64_t *targets;
  double *weights;
  int64_t n;
  PG_TRY(read_ints(node, "leaf_targetids", f->n_leaves, f->n_targets, &targets, err));
  PG_TRY(read_numbers(f, node, NULL, "leaf_weights", &weights, &n, err));
  if (n != f->n_leaves) return fail_length("leaf_weights", f->n_leaves, n, err);
  for (int64_t i = 0; i < n; i++) {
    f->votes[i] = (pgi_tree_vote){(int32_t)targets[i], weights[i]};
    f->leaves[i] = (pgi_tree_leaf){(int32_t)i, 1};
  }
  return PG_OK;
}

static pg_status read_forest(pgi_forest *f, const pgi_node *node, pg_error *err) {
  const int64_t *features, *roots;
  int64_t aggregate = pgi_attr_int(node, "aggregate_function");
  int64_t transform = pgi_attr_int(node, "post_transform");
  (void)pgi_attr_ints(node, "nodes_featureids", &f->n_nodes);
  (void)pgi_attr_ints(node, "leaf_targetids", &f->n_leaves);
  (void)pgi_attr_ints(node, "tree_roots", &f->n_roots);
  f->n_votes = f->n_leaves;
  if (aggregate < PG_AVERAGE || aggregate > PG_MAX_OF || transform < PG_TRANSFORM_NONE ||
      transform > PG_TRANSFORM_PROBIT || f->n_roots > f->n_nodes || f->n_nodes > INT32_MAX ||
      f->n_leaves > INT32_MAX) {
    return pgi_fail(err, PG_INVALID, "aggregate_function %lld, post_transform %lld, %lld trees",
                    (long long)aggregate, (long long)transform, (long long)f->n_roots);
  }
  f->aggregate = (pgi_aggregate)aggregate;
  f->transform = (pgi_transform)transform;
  PG_TRY(make_room(f, err));
  PG_TRY(read_ints(node, "nodes_featureids", f->n_nodes, INT32_MAX, &features, err));
  PG_TRY(read_ints(node, "tree_roots", f->n_roots, f->n_nodes, &roots, err));
  for (int64_t i = 0; i < f->n_nodes; i++) f->nodes[i].feature = (int32_t)features[i];
  for (int64_t i = 0; i < f->n_roots; i++) f->roots[i] = (int32_t)roots[i];
  PG_TRY(read_children(f, node, true, err));
  PG_TRY(read_children(f, node, false, err));
  PG_TRY(read_modes(f, node, err));
  PG_TRY(read_leaves(f, node, err));
  return read_missing(f, node, err);
}

/* ---- TreeEnsembleRegressor, -Classifier: leaves among the nodes ------------------------------ */

/* Where node `id` of tree `tree` is listed, by binary search. */
typedef struct directory {
  const int64_t *trees, *ids;
  int64_t n, *order;
} directory;

static int compare_ids(int64_t tree, int64_t id, const directory *d, int64_t i) {
  if (tree != d->trees[i]) return tree < d->trees[i] ? -1 : 1;
  return (id > d->ids[i]) - (id < d->ids[i]);
}

static int compare_nodes(const void *arg, int64_t a, int64_t b) {
  const directory *d = arg;
  return compare_ids(d->trees[a], d->ids[a], d, b);
}

static pg_status make_directory(pgi_forest *f, const pgi_node *node, directory *d, pg_error *err) {
  d->n = f->n_nodes;
  d->order = pgi_arena_alloc(&f->arena, (size_t)d->n * 2 * sizeof *d->order + 1);
  if (!d->order) return pgi_nomem(err);
  PG_TRY(read_ints(node, "nodes_treeids", d->n, -1, &d->trees, err));
  PG_TRY(read_ints(node, "nodes_nodeids", d->n, -1, &d->ids, err));
  for (int64_t i = 0; i < d->n; i++) d->order[i] = i;
  pgi_order_sort(d->order, d->order + d->n, d->n, compare_nodes, d);
  return PG_OK;
}

static pg_status find_node(const directory *d, int64_t tree, int64_t id, int64_t *out,
                           pg_error *err) {
  int64_t low = 0, high = d->n;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    int order = compare_ids(tree, id, d, d->order[middle]);
    if (order == 0) {
      *out = d->order[middle];
      return PG_OK;
    }
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return pgi_fail(err, PG_INVALID, "no node %lld in tree %lld", (long long)id, (long long)tree);
}

/* -1: a leaf. */
static pg_status listed_mode(pg_string name, int *out, pg_error *err) {
  static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                      "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};
  *out = -1;
  if (name.size == 4 && memcmp(name.data, "LEAF", 4) == 0) return PG_OK;
  for (int i = 0; i < PG_COUNT(names); i++) {
    *out = i;
    if (name.size == strlen(names[i]) && memcmp(name.data, names[i], name.size) == 0) return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "nodes_modes: '%.*s' is unknown",
                  (int)PG_MIN(name.size, (size_t)40), name.data);
}

static pg_status listed_child(const directory *d, const pg_string *modes, int64_t tree, int64_t id,
                              int32_t *out, pg_error *err) {
  int64_t at = 0;
  int mode = 0;
  PG_TRY(find_node(d, tree, id, &at, err));
  PG_TRY(listed_mode(modes[at], &mode, err));
  *out = mode < 0 ? ~(int32_t)at : (int32_t)at;
  return PG_OK;
}

static pg_status read_listed_nodes(pgi_forest *f, const pgi_node *node, const directory *d,
                                   pg_error *err) {
  const int64_t *features, *on_true, *on_false;
  int64_t n_modes, n_values;
  const pg_string *modes = pgi_attr_strings(node, "nodes_modes", &n_modes);
  double *values;
  PG_TRY(read_ints(node, "nodes_featureids", d->n, INT32_MAX, &features, err));
  PG_TRY(read_ints(node, "nodes_truenodeids", d->n, -1, &on_true, err));
  PG_TRY(read_ints(node, "nodes_falsenodeids", d->n, -1, &on_false, err));
  PG_TRY(read_numbers(f, node, "nodes_values", "nodes_values_as_tensor", &values, &n_values, err));
  if (n_modes != d->n) return fail_length("nodes_modes", d->n, n_modes, err);
  if (n_values != d->n) return fail_length("nodes_values", d->n, n_values, err);
  for (int64_t i = 0; i < d->n; i++) {
    pgi_tree_node *n = &f->nodes[i];
    int mode = 0;
    PG_TRY(listed_mode(modes[i], &mode, err));
    if (mode < 0) continue;
    n->mode = (pgi_branch)mode;
    n->feature = (int32_t)features[i];
    n->value = values[i];
    PG_TRY(listed_child(d, modes, d->trees[i], on_true[i], &n->on_true, err));
    PG_TRY(listed_child(d, modes, d->trees[i], on_false[i], &n->on_false, err));
  }
  for (int64_t i = 0; i < d->n; i++) { /* a tree begins where its lowest place in the list is */
    int64_t k = d->order[i], before = i ? d->order[i - 1] : -1;
    bool is_new = before < 0 || d->trees[k] != d->trees[before];
    if (is_new)
      f->roots[f->n_roots++] = (int32_t)k;
    else
      f->roots[f->n_roots - 1] = PG_MIN(f->roots[f->n_roots - 1], (int32_t)k);
  }
  for (int64_t i = 0; i < f->n_roots; i++) {
    int mode = 0;
    PG_TRY(listed_mode(modes[f->roots[i]], &mode, err));
    if (mode < 0) f->roots[i] = ~f->roots[i];
  }
  return PG_OK;
}

/* The attributes that begin with the kind of the votes. */
typedef struct vote_names {
  const char *ids, *nodes, *trees, *weights, *weights_as_tensor;
} vote_names;

static const vote_names target_votes = {"target_ids", "target_nodeids", "target_treeids",
                                        "target_weights", "target_weights_as_tensor"};
static const vote_names class_votes = {"class_ids", "class_nodeids", "class_treeids",
                                       "class_weights", "class_weights_as_tensor"};

/* Votes in the order of their leaves; those of a leaf keep their order.  For one target a leaf has one
** vote: skl2onnx lists that of a leaf's number once a class. */
static pg_status read_listed_votes(pgi_forest *f, const pgi_node *node, const vote_names *names,
                                   const directory *d, pg_error *err) {
  const int64_t *targets, *nodes, *trees;
  int64_t n = f->n_votes, n_weights, *leaf;
  double *weights;
  PG_TRY(read_ints(node, names->ids, n, f->n_targets, &targets, err));
  PG_TRY(read_ints(node, names->nodes, n, -1, &nodes, err));
  PG_TRY(read_ints(node, names->trees, n, -1, &trees, err));
  PG_TRY(
      read_numbers(f, node, names->weights, names->weights_as_tensor, &weights, &n_weights, err));
  if (n_weights != n) return fail_length(names->weights, n, n_weights, err);
  leaf = pgi_arena_alloc(&f->arena, (size_t)n * sizeof *leaf + 1);
  if (!leaf) return pgi_nomem(err);
  for (int64_t i = 0; i < n; i++) {
    PG_TRY(find_node(d, trees[i], nodes[i], &leaf[i], err));
    f->leaves[leaf[i]].n++;
  }
  int32_t first = 0;
  for (int64_t i = 0; i < f->n_leaves; i++) {
    f->leaves[i].first = first;
    first += f->leaves[i].n;
    f->leaves[i].n = 0;
  }
  for (int64_t i = 0; i < n; i++) {
    pgi_tree_leaf *l = &f->leaves[leaf[i]];
    if (f->n_targets == 1 && l->n > 0) continue;
    f->votes[l->first + l->n++] = (pgi_tree_vote){(int32_t)targets[i], weights[i]};
  }
  return PG_OK;
}

static pg_status listed_aggregate(const pgi_node *node, pgi_aggregate *out, pg_error *err) {
  static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  *out = PG_SUM;
  if (!pgi_attr_find(node, "aggregate_function")) return PG_OK;
  for (int i = 0; i < PG_COUNT(names); i++) {
    *out = (pgi_aggregate)i;
    if (pgi_attr_is(node, "aggregate_function", names[i])) return PG_OK;
  }
  return pgi_fail(err, PG_INVALID, "aggregate_function: expected AVERAGE, SUM, MIN or MAX");
}

static pg_status read_listed(pgi_forest *f, const pgi_node *node, const vote_names *names,
                             pg_error *err) {
  directory d;
  double *base;
  (void)pgi_attr_ints(node, "nodes_treeids", &f->n_nodes);
  (void)pgi_attr_ints(node, names->ids, &f->n_votes);
  f->n_leaves = f->n_nodes;
  if (f->n_nodes > INT32_MAX || f->n_votes > INT32_MAX) {
    return pgi_fail(err, PG_INVALID, "nodes: too many");
  }
  PG_TRY(make_room(f, err));
  PG_TRY(listed_aggregate(node, &f->aggregate, err));
  PG_TRY(pgi_transform_of(node, &f->transform, err));
  PG_TRY(make_directory(f, node, &d, err));
  PG_TRY(read_listed_nodes(f, node, &d, err));
  PG_TRY(read_listed_votes(f, node, names, &d, err));
  PG_TRY(read_numbers(f, node, "base_values", "base_values_as_tensor", &base, &f->n_base, err));
  f->base = base;
  return read_missing(f, node, err);
}

/* Walks down from every root: a node met below itself would never end. */
static pg_status check_circles(pgi_forest *f, pg_error *err) {
  enum { UNSEEN, OPEN, DONE };
  size_t n = (size_t)f->n_nodes;
  uint8_t *state = pgi_arena_alloc(&f->arena, n + 1);
  int32_t *stack = pgi_arena_alloc(&f->arena, (2 * n + 1) * sizeof *stack);
  if (!state || !stack) return pgi_nomem(err);
  for (int64_t i = 0; i < f->n_roots; i++) {
    int64_t depth = 0;
    if (f->roots[i] >= 0) stack[depth++] = f->roots[i];
    while (depth > 0) {
      int32_t at = stack[depth - 1];
      if (state[at] != UNSEEN) { /* back from its children, or known */
        state[at] = DONE;
        depth--;
        continue;
      }
      state[at] = OPEN;
      const int32_t children[2] = {f->nodes[at].on_true, f->nodes[at].on_false};
      for (int k = 0; k < 2; k++) {
        if (children[k] < 0 || state[children[k]] == DONE) continue;
        if (state[children[k]] == OPEN) {
          return pgi_fail(err, PG_INVALID, "nodes: %d leads back to %d, in a circle", at,
                          children[k]);
        }
        stack[depth++] = children[k];
      }
    }
  }
  return PG_OK;
}

static pg_status finish(pg_context *ctx, pgi_forest *f, pg_status status, pgi_forest **out,
                        pg_error *err) {
  if (status == PG_OK) status = check_circles(f, err);
  if (status == PG_OK) {
    note_features(f);
    *out = f;
  } else {
    pgi_forest_free(ctx, f);
  }
  return status;
}

static pgi_forest *new_forest(pg_context *ctx, int64_t n_targets) {
  pgi_forest *f = pgi_alloc_zero(ctx, sizeof *f);
  if (!f) return NULL;
  pgi_arena_init(&f->arena, ctx);
  f->n_targets = n_targets;
  return f;
}

pg_status pgi_forest_new(pg_context *ctx, const pgi_node *node, int64_t n_targets, pgi_forest **out,
                         pg_error *err) {
  pgi_forest *f = new_forest(ctx, n_targets);
  return f ? finish(ctx, f, read_forest(f, node, err), out, err) : pgi_nomem(err);
}

pg_status pgi_forest_new_listed(pg_context *ctx, const pgi_node *node, const char *votes,
                                int64_t n_targets, pgi_forest **out, pg_error *err) {
  pgi_forest *f = new_forest(ctx, n_targets);
  const vote_names *names = strcmp(votes, "class") == 0 ? &class_votes : &target_votes;
  return f ? finish(ctx, f, read_listed(f, node, names, err), out, err) : pgi_nomem(err);
}

/* ---- walking --------------------------------------------------------------------------------- */

static bool is_member(const pgi_forest *f, const pgi_tree_node *n, double x) {
  for (int32_t i = 0; i < n->n_members; i++) {
    if (f->members[n->first_member + i] == x) return true;
  }
  return false;
}

static bool goes_true(const pgi_forest *f, const pgi_tree_node *n, double x) {
  if (isnan(x)) return n->takes_nan || n->mode == PG_BRANCH_NEQ;
  switch (n->mode) {
    case PG_BRANCH_LEQ:
      return x <= n->value;
    case PG_BRANCH_LT:
      return x < n->value;
    case PG_BRANCH_GTE:
      return x >= n->value;
    case PG_BRANCH_GT:
      return x > n->value;
    case PG_BRANCH_EQ:
      return x == n->value;
    case PG_BRANCH_NEQ:
      return x != n->value;
    case PG_BRANCH_MEMBER:
      break;
  }
  return is_member(f, n, x);
}

static const pgi_tree_leaf *find_leaf(const pgi_forest *f, int32_t at, const double *x) {
  while (at >= 0) {
    const pgi_tree_node *n = &f->nodes[at];
    at = goes_true(f, n, x[n->feature]) ? n->on_true : n->on_false;
  }
  return &f->leaves[~at];
}

static void add_vote(pgi_aggregate how, const pgi_tree_vote *v, double *score, bool *has) {
  double w = v->weight;
  if (!*has)
    *score = w;
  else if (how == PG_MIN_OF)
    *score = PG_MIN(*score, w);
  else if (how == PG_MAX_OF)
    *score = PG_MAX(*score, w);
  else
    *score += w;
  *has = true;
}

void pgi_forest_row(const pgi_forest *f, const double *x, double *scores, bool *has) {
  for (int64_t t = 0; t < f->n_targets; t++) {
    scores[t] = 0;
    has[t] = false;
  }
  for (int64_t i = 0; i < f->n_roots; i++) {
    const pgi_tree_leaf *leaf = find_leaf(f, f->roots[i], x);
    for (int32_t k = 0; k < leaf->n; k++) {
      const pgi_tree_vote *v = &f->votes[leaf->first + k];
      add_vote(f->aggregate, v, &scores[v->target], &has[v->target]);
    }
  }
  for (int64_t t = 0; t < f->n_targets && f->aggregate == PG_AVERAGE; t++)
    scores[t] /= (double)PG_MAX(f->n_roots, 1);
}
