/* build: composite operators written as formulas.
**
** Nodes are made before the node that they will replace.  After a failure every function gives NULL
** and does nothing, so that a formula reads without checks; pgi_build_finish returns what failed. */
#ifndef PG_OP_BUILD_H
#define PG_OP_BUILD_H

#include "op/op.h"

typedef struct pgi_build {
  pgi_node *node; /* which is replaced */
  pg_status status;
  pg_error *err;
  pgi_node *last; /* made; NULL before the first */
} pgi_build;

static inline pgi_build pgi_build_start(pgi_node *node, pg_error *err) {
  return (pgi_build){node, PG_OK, err, NULL};
}
/* Input i of the node, NULL when omitted. */
pgi_value *pgi_build_in(const pgi_build *b, int i);
/* A call of an operator of ai.onnx; inputs may be NULL (omitted). */
pgi_value *pgi_build_call(pgi_build *b, const char *type, int n, pgi_value *const *inputs);
pgi_value *pgi_build_1(pgi_build *b, const char *type, pgi_value *x);
pgi_value *pgi_build_2(pgi_build *b, const char *type, pgi_value *x, pgi_value *y);
pgi_value *pgi_build_3(pgi_build *b, const char *type, pgi_value *x, pgi_value *y, pgi_value *z);
/* The same of another domain. */
pgi_value *pgi_build_call_in(pgi_build *b, const char *domain, const char *type, int n,
                             pgi_value *const *inputs);
/* One more output of the node made last. */
pgi_value *pgi_build_output(pgi_build *b, int i);

/* Attributes of the node made last. */
void pgi_build_int(pgi_build *b, const char *name, int64_t v);
void pgi_build_float(pgi_build *b, const char *name, float v);
void pgi_build_string(pgi_build *b, const char *name, const char *v);
void pgi_build_ints(pgi_build *b, const char *name, int64_t n, const int64_t *v);
/* What `from` has under this name, if anything. */
void pgi_build_copy_from(pgi_build *b, const pgi_node *from, const char *name);
void pgi_build_copy(pgi_build *b, const char *name); /* what the replaced node has */

pgi_value *pgi_build_scalar(pgi_build *b, pg_dtype dtype, double v);
pgi_value *pgi_build_i64s(pgi_build *b, int64_t n, const int64_t *v);
/* A scalar of the type of `like`, whatever that will be. */
pgi_value *pgi_build_like(pgi_build *b, double v, pgi_value *like);
pgi_value *pgi_build_cast(pgi_build *b, pgi_value *x, pg_dtype to);
pgi_value *pgi_build_transpose(pgi_build *b, pgi_value *x, int rank, const int64_t *perm);
/* x[start:end] along an axis. */
pgi_value *pgi_build_slice(pgi_build *b, pgi_value *x, int64_t axis, int64_t start, int64_t end);
/* x op constant, of x's type. */
pgi_value *pgi_build_with(pgi_build *b, const char *type, pgi_value *x, double v);
/* The channels of an image with them last come second, or go back. */
pgi_value *pgi_build_move_channels(pgi_build *b, pgi_value *x, int rank, bool to_last);

/* The node's outputs become these (NULL: was unused), and the node goes. */
pg_status pgi_build_finish(pgi_build *b, pgi_value *y);
pg_status pgi_build_finish_all(pgi_build *b, pgi_value *const *out);
/* Inference of what is always expanded. */
pg_status pgi_build_infer(pgi_infer *inf);

#endif
