/* ml_forest: decision trees, however a model lists them, in one form. */
#ifndef PG_OP_ML_FOREST_H
#define PG_OP_ML_FOREST_H

#include "op/ml.h"

typedef enum pgi_branch {
  PG_BRANCH_LEQ, /* in the order of TreeEnsemble's numbers */
  PG_BRANCH_LT,
  PG_BRANCH_GTE,
  PG_BRANCH_GT,
  PG_BRANCH_EQ,
  PG_BRANCH_NEQ,
  PG_BRANCH_MEMBER
} pgi_branch;

/* Children: nodes, or leaves as their bitwise complement. */
typedef struct pgi_tree_node {
  pgi_branch mode;
  bool takes_nan; /* a missing value goes to the true child */
  int32_t feature, on_true, on_false;
  int32_t first_member, n_members; /* PG_BRANCH_MEMBER */
  double value;
} pgi_tree_node;

/* A leaf's votes. */
typedef struct pgi_tree_leaf {
  int32_t first, n;
} pgi_tree_leaf;

typedef struct pgi_tree_vote {
  int32_t target;
  double weight;
} pgi_tree_vote;

typedef enum pgi_aggregate { PG_AVERAGE, PG_SUM, PG_MIN_OF, PG_MAX_OF } pgi_aggregate;

typedef struct pgi_forest {
  pgi_arena arena;
  pgi_tree_node *nodes;
  pgi_tree_leaf *leaves;
  pgi_tree_vote *votes;
  double *members;
  int32_t *roots;
  int64_t n_nodes, n_leaves, n_votes, n_members, n_roots, n_targets;
  const double *base; /* [n_base] */
  int64_t n_base;
  int32_t n_features; /* at least so many must there be */
  pgi_aggregate aggregate;
  pgi_transform transform;
  bool is_positive; /* all votes are >= 0 */
} pgi_forest;

/* From the attributes of TreeEnsemble, and of TreeEnsembleRegressor and -Classifier, whose votes
** begin with `votes`: "target" or "class".  n_targets: of the output. */
pg_status pgi_forest_new(pg_context *ctx, const pgi_node *node, int64_t n_targets, pgi_forest **out,
                         pg_error *err);
pg_status pgi_forest_new_listed(pg_context *ctx, const pgi_node *node, const char *votes,
                                int64_t n_targets, pgi_forest **out, pg_error *err);
void pgi_forest_free(pg_context *ctx, pgi_forest *f);
/* One row: scores[n_targets] without base values; has[t]: somebody voted for t. */
void pgi_forest_row(const pgi_forest *f, const double *x, double *scores, bool *has);

#endif
