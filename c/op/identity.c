/* Identity: of tensors, sequences, maps, optionals. */
#include "op/op.h"

static pg_status run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  bool is_object = !in || pgi_dtype_kind(in->dtype) == PG_KIND_OBJECT || in->dtype == PG_NONE;
  if (!is_object && out->dtype != PG_NONE) return pgi_tensor_copy_into(in, out, c->err);
  if (in) pgi_tensor_assign(out, in);
  return PG_OK;
}

static bool is_identity(const pgi_node *node) {
  (void)node;
  return true;
}

PG_OP(identity) = {
    .name = "Identity",
    .since = {1, 13, 14, 16, 19, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ANY,
    .flags = PG_OP_ELEMENTWISE,
    .infer = pgi_infer_same,
    .run = run,
    .is_identity = is_identity,
};
