/* read_value: the values of data files: TensorProto, SequenceProto, OptionalProto, MapProto. */
#include "format/onnx/onnx.h"

/* SequenceProto.DataType and OptionalProto.DataType */
enum { OF_TENSORS = 1, OF_SPARSE = 2, OF_SEQUENCES = 3, OF_MAPS = 4, OF_OPTIONALS = 5 };

static pg_status read_sequence(pgi_onnx_reader *r, const proto_sequence *p, pg_tensor *out,
                               pg_error *err);
static pg_status read_map(pgi_onnx_reader *r, const proto_map *p, pg_tensor *out, pg_error *err);
static pg_status read_optional(pgi_onnx_reader *r, const proto_optional *p, pg_tensor *out,
                               pg_error *err);

static pg_status read_item(pgi_onnx_reader *r, const proto_sequence *p, int32_t of, size_t i,
                           pg_tensor *out, pg_error *err) {
  switch (of) {
    case OF_TENSORS:
      return pgi_onnx_read_tensor(r, p->tensor_values[i], out, err);
    case OF_SPARSE:
      return pgi_onnx_read_dense(r, p->sparse_tensor_values[i], out, err);
    case OF_SEQUENCES:
      return read_sequence(r, p->sequence_values[i], out, err);
    case OF_MAPS:
      return read_map(r, p->map_values[i], out, err);
    default:
      return read_optional(r, p->optional_values[i], out, err);
  }
}

/* Files that don't say what they hold hold tensors. */
static pg_status read_sequence(pgi_onnx_reader *r, const proto_sequence *p, pg_tensor *out,
                               pg_error *err) {
  const size_t counts[] = {p->n_tensor_values,   p->n_tensor_values, p->n_sparse_tensor_values,
                           p->n_sequence_values, p->n_map_values,    p->n_optional_values};
  if (p->elem_type < 0 || p->elem_type > OF_OPTIONALS) {
    return pgi_fail(err, PG_FORMAT, "a sequence of kind %d", (int)p->elem_type);
  }
  int32_t of = p->elem_type ? p->elem_type : OF_TENSORS;
  int64_t n = (int64_t)counts[of];
  PG_TRY(pgi_sequence_new(r->ctx, n, out, err));
  for (int64_t i = 0; i < n; i++) {
    pg_status status = read_item(r, p, of, (size_t)i, pgi_sequence_at(out, i), err);
    if (status == PG_OK) continue;
    pgi_tensor_clear(out);
    pgi_error_prefix(err, "element %lld", (long long)i);
    return status;
  }
  return PG_OK;
}

static pg_status read_keys(pgi_onnx_reader *r, const proto_map *p, pg_tensor *out, pg_error *err) {
  bool is_text = p->key_type == PG_STRING;
  int64_t n = (int64_t)(is_text ? p->n_string_keys : p->n_keys);
  pgi_kind kind = pgi_dtype_valid(p->key_type) ? pgi_dtype_kind((pg_dtype)p->key_type) : 0;
  if (!is_text && kind != PG_KIND_INT && kind != PG_KIND_UINT) {
    return pgi_fail(err, PG_FORMAT, "a map with keys of type %d", (int)p->key_type);
  }
  PG_TRY(pgi_tensor_alloc(r->ctx, (pg_dtype)p->key_type, 1, &n, out, err));
  if (!is_text) {
    pgi_store_i64((pg_dtype)p->key_type, pgi_tensor_data(out), 0, n, p->keys);
    return PG_OK;
  }
  for (int64_t i = 0; i < n; i++) {
    const ProtobufCBinaryData *key = &p->string_keys[i];
    PG_TRY(pgi_string_set(out->buffer, i, key->len ? (const char *)key->data : "", key->len, err));
  }
  return PG_OK;
}

static pg_status read_map(pgi_onnx_reader *r, const proto_map *p, pg_tensor *out, pg_error *err) {
  int64_t two = 2;
  PG_TRY(pgi_tensor_alloc(r->ctx, PG_MAP, 1, &two, out, err));
  pg_tensor *keys = pgi_sequence_at(out, 0), *values = pgi_sequence_at(out, 1);
  pg_status status = read_keys(r, p, keys, err);
  if (status == PG_OK && !p->values) status = pgi_fail(err, PG_FORMAT, "a map without values");
  if (status == PG_OK) status = read_sequence(r, p->values, values, err);
  if (status == PG_OK && values->dims[0] != keys->dims[0]) {
    status = pgi_fail(err, PG_FORMAT, "a map of %lld keys and %lld values",
                      (long long)keys->dims[0], (long long)values->dims[0]);
  }
  if (status != PG_OK) pgi_tensor_clear(out);
  return status;
}

static pg_status read_optional(pgi_onnx_reader *r, const proto_optional *p, pg_tensor *out,
                               pg_error *err) {
  if (p->tensor_value) return pgi_onnx_read_tensor(r, p->tensor_value, out, err);
  if (p->sparse_tensor_value) return pgi_onnx_read_dense(r, p->sparse_tensor_value, out, err);
  if (p->sequence_value) return read_sequence(r, p->sequence_value, out, err);
  if (p->map_value) return read_map(r, p->map_value, out, err);
  if (p->optional_value) return read_optional(r, p->optional_value, out, err);
  *out = (pg_tensor){0};
  return PG_OK;
}

static pg_status read_value(pgi_onnx_reader *r, pgi_type_kind kind, pg_tensor *out, pg_error *err) {
  ProtobufCMessage *m;
  switch (kind) {
    case PG_TYPE_SEQUENCE:
      PG_TRY(pgi_onnx_unpack(r, &pgi__onnx__sequence_proto__descriptor, &m, err));
      return read_sequence(r, (proto_sequence *)m, out, err);
    case PG_TYPE_OPTIONAL:
      /* Test folders of exporters also have the bare tensor. */
      if (pgi_onnx_unpack(r, &pgi__onnx__optional_proto__descriptor, &m, err) != PG_OK)
        return read_value(r, PG_TYPE_TENSOR, out, err);
      return read_optional(r, (proto_optional *)m, out, err);
    case PG_TYPE_MAP:
      PG_TRY(pgi_onnx_unpack(r, &pgi__onnx__map_proto__descriptor, &m, err));
      return read_map(r, (proto_map *)m, out, err);
    case PG_TYPE_SPARSE:
      PG_TRY(pgi_onnx_unpack(r, &pgi__onnx__sparse_tensor_proto__descriptor, &m, err));
      return pgi_onnx_read_dense(r, (proto_sparse *)m, out, err);
    default:
      PG_TRY(pgi_onnx_unpack(r, &pgi__onnx__tensor_proto__descriptor, &m, err));
      return pgi_onnx_read_tensor(r, (proto_tensor *)m, out, err);
  }
}

pg_status pgi_onnx_read_value(pg_context *ctx, const void *data, size_t size, const pgi_type *type,
                              pg_tensor *out, pg_error *err) {
  pgi_onnx_reader r;
  pgi_onnx_reader_init(&r, ctx, data, size);
  pg_tensor value = {0};
  pg_status status = read_value(&r, type ? type->kind : PG_TYPE_TENSOR, &value, err);
  pgi_onnx_reader_deinit(&r);
  if (status == PG_OK) *out = value;
  return status;
}
