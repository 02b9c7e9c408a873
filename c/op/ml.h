/* ml: what the operators of ai.onnx.ml share. */
#ifndef PG_OP_ML_H
#define PG_OP_ML_H

#include "op/move.h"

#define PG_T_ML (PG_T(PG_F32) | PG_T(PG_F64) | PG_T(PG_I32) | PG_T(PG_I64))

/* ---- scores ---------------------------------------------------------------------------------- */

/* In the order of TreeEnsemble's numbers. */
typedef enum pgi_transform {
  PG_TRANSFORM_NONE,
  PG_TRANSFORM_SOFTMAX,
  PG_TRANSFORM_LOGISTIC,
  PG_TRANSFORM_SOFTMAX_ZERO,
  PG_TRANSFORM_PROBIT
} pgi_transform;
/* The post_transform attribute. */
pg_status pgi_transform_of(const pgi_node *node, pgi_transform *out, pg_error *err);
void pgi_transform_scores(pgi_transform t, double *scores, int64_t n);

/* What the one score of a two-class model becomes. */
typedef enum pgi_second {
  PG_SECOND_NONE,       /* it stays alone */
  PG_SECOND_COMPLEMENT, /* 1 - s, s */
  PG_SECOND_NEGATIVE    /* -s, s, transformed */
} pgi_second;
/* Transforms n scores in place (room for one more); returns how many there are now. */
int64_t pgi_finish_scores(pgi_transform t, pgi_second second, double *scores, int64_t n);
int64_t pgi_score_count(pgi_transform t, pgi_second second, int64_t n);
int64_t pgi_best_score(const double *scores, int64_t n); /* the first of the largest */

/* ---- rows ------------------------------------------------------------------------------------ */

/* [N,F], or [F] as one row: N and F, -1 when not known. */
pg_status pgi_rows_of(const pgi_type *t, pgi_dim *rows, pgi_dim *features, pg_error *err);
/* The same of a tensor, with its elements as f64. */
typedef struct pgi_matrix {
  int64_t rows, features;
  const double *data;
} pgi_matrix;
pg_status pgi_matrix_of(pgi_call *c, const pg_tensor *t, pgi_matrix *out);
/* f(arg, first, n) over rows in at most PG_ML_TASKS tasks; `task` numbers them. */
enum { PG_ML_TASKS = 32 };
typedef void pgi_rows_fn(void *arg, int64_t task, int64_t first, int64_t n);
void pgi_matrix_loop(pgi_call *c, int64_t rows, pgi_rows_fn *f, void *arg);

/* ---- class labels ---------------------------------------------------------------------------- */

typedef struct pgi_labels {
  int64_t n;
  const int64_t *ints; /* at most one of these */
  const pg_string *strings;
} pgi_labels;
pgi_labels pgi_labels_of(const pgi_node *node, const char *ints, const char *strings);
pg_dtype pgi_labels_dtype(const pgi_labels *l);
/* Label number i (the number itself when there are no labels) as element `at` of out. */
pg_status pgi_put_label(const pgi_labels *l, int64_t i, pg_tensor *out, int64_t at, pg_error *err);

/* ---- looking up ------------------------------------------------------------------------------ */

/* Where among some keys a value is. */
typedef struct pgi_lookup {
  int64_t n;
  const pg_string *strings; /* borrowed; NULL: numbers */
  uint64_t *keys;           /* [n], as pgi_order_keys makes them */
  int64_t *order;           /* [n], sorted */
  pg_dtype dtype;
} pgi_lookup;
/* keys: n elements of dtype, which must stay when they are strings. */
pg_status pgi_lookup_init(pgi_lookup *l, pg_context *ctx, pg_dtype dtype, const void *keys,
                          int64_t n, pg_error *err);
void pgi_lookup_deinit(pgi_lookup *l, pg_context *ctx);
/* The last key that equals element i of t, which has the keys' type, or is any integer when they
** are integers; -1: none does. */
int64_t pgi_lookup_find(const pgi_lookup *l, const pg_tensor *t, int64_t i);

#endif
