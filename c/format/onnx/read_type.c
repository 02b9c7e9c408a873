/* read_type: TypeProto -> pgi_type, and texts of the file. */
#include "format/onnx/onnx.h"

pg_status pgi_onnx_text(pgi_onnx_reader *r, const char *text, const char **out, pg_error *err) {
  const char *copy = text ? pgi_arena_strdup(r->arena, text) : NULL;
  if (text && !copy) return pgi_nomem(err);
  *out = copy;
  return PG_OK;
}

static pg_status intern(pgi_onnx_reader *r, const char *name, const char **out, pg_error *err) {
  const char *known = pgi_map_get(&r->symbols, name);
  if (!known) {
    char *copy = pgi_arena_strdup(r->arena, name);
    if (!copy) return pgi_nomem(err);
    PG_TRY(pgi_map_put(&r->symbols, copy, copy, err));
    known = copy;
  }
  *out = known;
  return PG_OK;
}

/* Negative numbers stand for unknown dims in files of some exporters. */
static pg_status read_dim(pgi_onnx_reader *r, const proto_dim *p, pgi_dim *out, pg_error *err) {
  *out = pgi_dim_unknown();
  if (p->value_case == PGI__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
    if (p->dim_value >= 0) out->n = p->dim_value;
  } else if (p->value_case == PGI__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM) {
    if (p->dim_param && *p->dim_param) return intern(r, p->dim_param, &out->symbol, err);
  }
  return PG_OK;
}

static pg_status read_tensor_type(pgi_onnx_reader *r, int32_t elem_type, const proto_shape *shape,
                                  pgi_type *out, bool *is_lossy, pg_error *err) {
  if (pgi_dtype_valid(elem_type))
    out->dtype = (pg_dtype)elem_type;
  else if (elem_type != 0)
    *is_lossy = true;
  if (!shape) return PG_OK;
  if (shape->n_dim > PG_MAX_RANK) {
    return pgi_fail(err, PG_UNSUPPORTED, "rank %zu, this build has at most %d", shape->n_dim,
                    PG_MAX_RANK);
  }
  out->rank = (int)shape->n_dim;
  for (int i = 0; i < out->rank; i++) {
    PG_TRY(read_dim(r, shape->dim[i], &out->dims[i], err));
    if (shape->dim[i]->denotation) *is_lossy = true;
  }
  return PG_OK;
}

/* The walk has bounded how deep types nest. */
static pg_status read_elem(pgi_onnx_reader *r, const proto_type *p, pgi_type *out, bool *is_lossy,
                           pg_error *err) {
  pgi_type *elem = pgi_arena_alloc(r->arena, sizeof *elem);
  if (!elem) return pgi_nomem(err);
  PG_TRY(pgi_onnx_read_type(r, p, elem, is_lossy, err));
  out->elem = elem;
  return PG_OK;
}

pg_status pgi_onnx_read_type(pgi_onnx_reader *r, const proto_type *p, pgi_type *out, bool *is_lossy,
                             pg_error *err) {
  bool ignored;
  if (!is_lossy) is_lossy = &ignored;
  *out = pgi_type_unknown;
  if (!p) return PG_OK;
  if (p->denotation) *is_lossy = true;
  switch ((int)p->value_case) {
    case PGI__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
      out->kind = PG_TYPE_TENSOR;
      return read_tensor_type(r, p->tensor_type->elem_type, p->tensor_type->shape, out, is_lossy,
                              err);
    case PGI__ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
      out->kind = PG_TYPE_SPARSE;
      return read_tensor_type(r, p->sparse_tensor_type->elem_type, p->sparse_tensor_type->shape,
                              out, is_lossy, err);
    case PGI__ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
      out->kind = PG_TYPE_SEQUENCE;
      return read_elem(r, p->sequence_type->elem_type, out, is_lossy, err);
    case PGI__ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
      out->kind = PG_TYPE_OPTIONAL;
      return read_elem(r, p->optional_type->elem_type, out, is_lossy, err);
    case PGI__ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
      out->kind = PG_TYPE_MAP;
      if (pgi_dtype_valid(p->map_type->key_type)) out->dtype = (pg_dtype)p->map_type->key_type;
      return read_elem(r, p->map_type->value_type, out, is_lossy, err);
    case PGI__ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
      *is_lossy = true;
      return PG_OK;
    default:
      return PG_OK;
  }
}
