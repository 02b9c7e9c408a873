/* The table of operators, from the list that the build collects out of c/op. */
#include "op/op.h"

#define PG_LIST(id) extern const pg_op pgi_op_##id;
#include "op_list.inc"
#undef PG_LIST

static const pg_op *const ops[] = {
#define PG_LIST(id) &pgi_op_##id,
#include "op_list.inc"
#undef PG_LIST
};

static const char *op_domain(const pg_op *op) {
  return op->domain ? op->domain : "";
}

const pg_op *const *pgi_op_all(int *n) {
  *n = PG_COUNT(ops);
  return ops;
}

/* A linear search: some hundred short comparisons, done once a node when a model is resolved. */
const pg_op *pgi_op_find_any(const char *domain, const char *name) {
  if (!domain || strcmp(domain, "ai.onnx") == 0) domain = "";
  for (int i = 0; i < PG_COUNT(ops); i++)
    if (strcmp(ops[i]->name, name) == 0 && strcmp(op_domain(ops[i]), domain) == 0) return ops[i];
  return NULL;
}

const pg_op *pgi_op_find(const char *domain, const char *name) {
  const pg_op *op = pgi_op_find_any(domain, name);
  return op && !(op->flags & PG_OP_PRIVATE) ? op : NULL;
}

int pgi_opset_newest(const char *domain) {
  static const pgi_opset newest[] = {
      {"", 28},
      {"ai.onnx", 28},
      {"ai.onnx.ml", 5},
      {"ai.onnx.preview", 1},
      {"ai.onnx.preview.training", 1},
      {"com.microsoft", 1},
      {"perigee", 1},
      {"perigee.tflite", 1},
  };
  for (int i = 0; i < PG_COUNT(newest); i++)
    if (strcmp(newest[i].domain, domain) == 0) return newest[i].version;
  return 0;
}
