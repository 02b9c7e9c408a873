/* Optional, OptionalGetElement, OptionalHasElement: a value that may be absent.  At run time an
** optional is its element, or an absent tensor. */
#include "op/move.h"
#include "op/sequence.h"

static pg_status optional_infer(pgi_infer *inf) {
  const pgi_attr *type = pgi_attr_find(inf->node, "type");
  const pgi_type *given = pgi_has_in(inf, 0) ? inf->in[0] : type ? &type->types[0] : NULL;
  pgi_type *elem = pgi_arena_alloc(inf->arena, sizeof *elem);
  if (!elem) return pgi_nomem(inf->err);
  *elem = given ? *given : pgi_type_unknown;
  inf->out[0] = pgi_type_unknown;
  inf->out[0].kind = PG_TYPE_OPTIONAL;
  inf->out[0].elem = elem;
  return PG_OK;
}

static pg_status optional_run(pgi_call *c) {
  return c->n_in > 0 && c->in[0] ? pgi_give(c, 0, c->in[0]) : PG_OK;
}

static const pgi_attr_def optional_attrs[] = {{.name = "type", .kind = PG_ATTR_TYPE}, {0}};

PG_OP(optional) = {
    .name = "Optional",
    .since = {15, 28},
    .in = {0, 1},
    .out = {1, 1},
    .types = PG_T_ANY,
    .attrs = optional_attrs,
    .infer = optional_infer,
    .run = optional_run,
};

/* ---- OptionalGetElement ---------------------------------------------------------------------- */

static pg_status get_infer(pgi_infer *inf) {
  if (!pgi_has_in(inf, 0)) return PG_OK;
  bool is_optional = inf->in[0]->kind == PG_TYPE_OPTIONAL;
  if (!is_optional)
    inf->out[0] = *inf->in[0];
  else if (inf->in[0]->elem)
    inf->out[0] = *inf->in[0]->elem;
  return PG_OK;
}

static pg_status get_run(pgi_call *c) {
  if (!c->in[0] || c->in[0]->dtype == PG_NONE) {
    return pgi_fail(c->err, PG_INVALID, "the optional has no element");
  }
  return pgi_give(c, 0, c->in[0]);
}

/* Of a tensor or a sequence, which are always there. */
static bool get_is_identity(const pgi_node *node) {
  const pgi_value *in = node->in[0].value;
  return in && (in->type.kind == PG_TYPE_TENSOR || in->type.kind == PG_TYPE_SEQUENCE);
}

PG_OP(optional_get_element) = {
    .name = "OptionalGetElement",
    .since = {15, 18, 28},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ANY,
    .infer = get_infer,
    .run = get_run,
    .is_identity = get_is_identity,
};

/* ---- OptionalHasElement ---------------------------------------------------------------------- */

static pg_status has_infer(pgi_infer *inf) {
  pgi_out_type(inf, 0, PG_BOOL, 0);
  return PG_OK;
}

static pg_status has_run(pgi_call *c) {
  bool has = c->n_in > 0 && c->in[0] && c->in[0]->dtype != PG_NONE;
  *(uint8_t *)pgi_tensor_data(c->out[0]) = has;
  return PG_OK;
}

PG_OP(optional_has_element) = {
    .name = "OptionalHasElement",
    .since = {15, 18, 28},
    .in = {0, 1},
    .out = {1, 1},
    .types = PG_T_ANY,
    .infer = has_infer,
    .run = has_run,
};
