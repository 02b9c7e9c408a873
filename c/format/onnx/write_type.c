/* write_type: pgi_type -> TypeProto, values -> ValueInfoProto. */
#include "format/onnx/onnx.h"

static pg_status make_dim(pgi_onnx_writer *w, pgi_dim dim, proto_dim **out, pg_error *err) {
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__tensor_shape_proto__dimension__descriptor, out, err));
  if (dim.n >= 0) {
    (*out)->value_case = PGI__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    (*out)->dim_value = dim.n;
  } else if (dim.symbol) {
    (*out)->value_case = PGI__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    (*out)->dim_param = (char *)(uintptr_t)dim.symbol;
  }
  return PG_OK;
}

/* An unknown rank is no shape. */
static pg_status make_shape(pgi_onnx_writer *w, const pgi_type *type, proto_shape **out,
                            pg_error *err) {
  if (type->rank < 0) return PG_OK;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__tensor_shape_proto__descriptor, out, err));
  proto_shape *p = *out;
  p->n_dim = (size_t)type->rank;
  PG_TRY(pgi_onnx_make(w, p->n_dim, sizeof *p->dim, &p->dim, err));
  for (int i = 0; i < type->rank; i++) PG_TRY(make_dim(w, type->dims[i], &p->dim[i], err));
  return PG_OK;
}

static pg_status make_elem(pgi_onnx_writer *w, const pgi_type *type, proto_type **out,
                           pg_error *err) {
  return pgi_onnx_make_type(w, type->elem ? type->elem : &pgi_type_unknown, out, err);
}

static pg_status make_tensor_type(pgi_onnx_writer *w, const pgi_type *type, proto_type *p,
                                  pg_error *err) {
  p->value_case = PGI__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  PG_TRY(
      pgi_onnx_make_message(w, &pgi__onnx__type_proto__tensor__descriptor, &p->tensor_type, err));
  p->tensor_type->has_elem_type = true;
  p->tensor_type->elem_type = (int32_t)type->dtype;
  return make_shape(w, type, &p->tensor_type->shape, err);
}

static pg_status make_sparse_type(pgi_onnx_writer *w, const pgi_type *type, proto_type *p,
                                  pg_error *err) {
  p->value_case = PGI__ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__type_proto__sparse_tensor__descriptor,
                               &p->sparse_tensor_type, err));
  p->sparse_tensor_type->has_elem_type = true;
  p->sparse_tensor_type->elem_type = (int32_t)type->dtype;
  return make_shape(w, type, &p->sparse_tensor_type->shape, err);
}

static pg_status make_map_type(pgi_onnx_writer *w, const pgi_type *type, proto_type *p,
                               pg_error *err) {
  p->value_case = PGI__ONNX__TYPE_PROTO__VALUE_MAP_TYPE;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__type_proto__map__descriptor, &p->map_type, err));
  p->map_type->has_key_type = true;
  p->map_type->key_type = (int32_t)type->dtype;
  return make_elem(w, type, &p->map_type->value_type, err);
}

pg_status pgi_onnx_make_type(pgi_onnx_writer *w, const pgi_type *type, proto_type **out,
                             pg_error *err) {
  proto_type *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__type_proto__descriptor, &p, err));
  *out = p;
  switch (type->kind) {
    case PG_TYPE_TENSOR:
      return make_tensor_type(w, type, p, err);
    case PG_TYPE_SPARSE:
      return make_sparse_type(w, type, p, err);
    case PG_TYPE_MAP:
      return make_map_type(w, type, p, err);
    case PG_TYPE_SEQUENCE:
      p->value_case = PGI__ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
      PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__type_proto__sequence__descriptor,
                                   &p->sequence_type, err));
      return make_elem(w, type, &p->sequence_type->elem_type, err);
    case PG_TYPE_OPTIONAL:
      p->value_case = PGI__ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE;
      PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__type_proto__optional__descriptor,
                                   &p->optional_type, err));
      return make_elem(w, type, &p->optional_type->elem_type, err);
    default:
      return PG_OK; /* unknown: a type that says nothing */
  }
}

/* ---- values --------------------------------------------------------------------------------- */

static void copy_denotations(proto_shape *to, const proto_shape *from) {
  if (!to || !from || to->n_dim != from->n_dim) return;
  for (size_t i = 0; i < to->n_dim; i++) to->dim[i]->denotation = from->dim[i]->denotation;
}

/* What the file's type said beyond a pgi_type: denotations, or all of a type that it can't say. */
static void complete_type(proto_value *p, proto_type *kept) {
  if (!p->type) {
    p->type = kept;
    return;
  }
  if (p->type->value_case != kept->value_case) return;
  p->type->denotation = kept->denotation;
  if (kept->value_case == PGI__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) {
    if (p->type->tensor_type->elem_type == PG_NONE) {
      p->type->tensor_type->elem_type = kept->tensor_type->elem_type;
    }
    copy_denotations(p->type->tensor_type->shape, kept->tensor_type->shape);
  } else if (kept->value_case == PGI__ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE) {
    copy_denotations(p->type->sparse_tensor_type->shape, kept->sparse_tensor_type->shape);
  }
}

pg_status pgi_onnx_make_value(pgi_onnx_writer *w, const pgi_value *v, proto_value **out,
                              pg_error *err) {
  proto_value *p;
  PG_TRY(pgi_onnx_make_message(w, &pgi__onnx__value_info_proto__descriptor, &p, err));
  *out = p;
  p->name = (char *)(uintptr_t)v->name;
  p->doc_string = (char *)(uintptr_t)v->doc;
  if (v->type.kind != PG_TYPE_UNKNOWN) PG_TRY(pgi_onnx_make_type(w, &v->type, &p->type, err));
  if (v->extra.size == 0) return PG_OK;
  pgi_arena_allocator a;
  pgi_arena_allocator_init(&a, &w->arena);
  proto_value *kept = pgi__onnx__value_info_proto__unpack(&a.base, v->extra.size, v->extra.data);
  if (a.is_out) return pgi_nomem(err);
  if (!kept) return pgi_fail(err, PG_INTERNAL, "value '%.200s': bad extra fields", v->name);
  if (kept->type) complete_type(p, kept->type);
  p->n_metadata_props = kept->n_metadata_props;
  p->metadata_props = kept->metadata_props;
  p->base.n_unknown_fields = kept->base.n_unknown_fields;
  p->base.unknown_fields = kept->base.unknown_fields;
  return PG_OK;
}
