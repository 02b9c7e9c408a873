/* Constant: a tensor that is an attribute, in one of its many forms.  Folding makes it an
** initialiser. */
#include "op/move.h"

/* The attribute that carries the value: the only one of these that the node has. */
static pg_status find_value(const pgi_node *node, const pgi_attr **out, pg_error *err) {
  static const char *const names[] = {"value",        "sparse_value", "value_int",
                                      "value_ints",   "value_float",  "value_floats",
                                      "value_string", "value_strings"};
  *out = NULL;
  for (int i = 0; i < PG_COUNT(names); i++) {
    const pgi_attr *a = pgi_attr_find(node, names[i]);
    if (!a) continue;
    if (*out) {
      return pgi_fail(err, PG_INVALID, "attributes '%s' and '%s' exclude each other", (*out)->name,
                      a->name);
    }
    *out = a;
  }
  bool is_empty = *out && (*out)->n == 0;
  bool is_list = *out && ((*out)->kind == PG_ATTR_INTS || (*out)->kind == PG_ATTR_FLOATS ||
                          (*out)->kind == PG_ATTR_STRINGS);
  if (*out && (!is_empty || is_list)) return PG_OK;
  return pgi_fail(err, PG_INVALID, "expected one attribute with a value");
}

/* dims of a sparse tensor: the last of values, indices, dims. */
static pg_status sparse_type(const pgi_attr *a, pgi_type *out, pg_error *err) {
  int64_t dims[PG_MAX_RANK];
  int rank;
  PG_TRY(pgi_list(a->tensors[2], "sparse_value: dims", dims, PG_MAX_RANK, &rank, err));
  out->dtype = a->tensors[0]->dtype;
  out->rank = rank;
  for (int i = 0; i < rank; i++) {
    if (dims[i] < 0) return pgi_fail(err, PG_INVALID, "sparse_value: dims[%d] is negative", i);
    out->dims[i] = pgi_dim_of(dims[i]);
  }
  return PG_OK;
}

static pg_status constant_infer(pgi_infer *inf) {
  const pgi_attr *a;
  PG_TRY(find_value(inf->node, &a, inf->err));
  if (a->kind == PG_ATTR_TENSOR) {
    inf->out[0] = pgi_type_of(a->tensors[0]);
    return PG_OK;
  }
  bool is_list = true;
  pg_dtype dtype = PG_NONE;
  switch (a->kind) {
    case PG_ATTR_INT:
      is_list = false; /* fall through */
    case PG_ATTR_INTS:
      dtype = PG_I64;
      break;
    case PG_ATTR_FLOAT:
      is_list = false; /* fall through */
    case PG_ATTR_FLOATS:
      dtype = PG_F32;
      break;
    case PG_ATTR_STRING:
      is_list = false; /* fall through */
    case PG_ATTR_STRINGS:
      dtype = PG_STRING;
      break;
    case PG_ATTR_SPARSE:
      return sparse_type(a, pgi_out_type(inf, 0, PG_NONE, 0), inf->err);
    default:
      return pgi_fail(inf->err, PG_INVALID, "attribute '%s' has an unexpected type", a->name);
  }
  pgi_type *out = pgi_out_type(inf, 0, dtype, is_list);
  if (is_list) out->dims[0] = pgi_dim_of(a->n);
  return PG_OK;
}

static pg_status write_strings(const pgi_attr *a, pg_tensor *out, pg_error *err) {
  for (int64_t i = 0; i < a->n; i++) {
    PG_TRY(
        pgi_string_set(out->buffer, out->offset + i, a->strings[i].data, a->strings[i].size, err));
  }
  return PG_OK;
}

/* Indices are row-major numbers [n] or coordinates [n, rank] (SparseTensorProto). */
static pg_status write_sparse(pgi_call *c, const pgi_attr *a, pg_tensor *out) {
  static const uint64_t zero[2];
  const pg_tensor *values = a->tensors[0], *indices = a->tensors[1];
  int64_t n = pgi_tensor_count(values), count = pgi_tensor_count(out);
  int width = indices->rank == 2 ? out->rank : 1;
  pgi_elems from, to;
  if (indices->dtype != PG_I64 || (indices->rank != 1 && indices->rank != 2) ||
      pgi_tensor_count(indices) != n * width) {
    return pgi_fail(c->err, PG_INVALID, "sparse_value: expected %lld indices", (long long)n);
  }
  PG_TRY(pgi_elems_of(c, values, &from));
  PG_TRY(pgi_elems_for(c, out, &to));
  pgi_elems_fill(to.data, (const char *)zero, count, to.size);
  for (int64_t i = 0; i < n; i++) {
    int64_t place = 0;
    for (int k = 0; k < width; k++) {
      int64_t at = pgi_tensor_get_i64(indices, i * width + k);
      int64_t dim = indices->rank == 2 ? out->dims[k] : count;
      if (at < 0 || at >= dim) {
        return pgi_fail(c->err, PG_INVALID, "sparse_value: index %lld is outside", (long long)at);
      }
      place = place * dim + at;
    }
    pgi_elem_copy(to.data + place * (int64_t)to.size, from.data + i * (int64_t)from.size, to.size);
  }
  return pgi_elems_done(c, out, &to);
}

static pg_status constant_run(pgi_call *c) {
  const pgi_attr *a;
  pg_tensor *out = c->out[0];
  PG_TRY(find_value(c->node, &a, c->err));
  switch (a->kind) {
    case PG_ATTR_TENSOR:
      return pgi_tensor_copy_into(a->tensors[0], out, c->err);
    case PG_ATTR_SPARSE:
      return write_sparse(c, a, out);
    case PG_ATTR_STRING:
    case PG_ATTR_STRINGS:
      return write_strings(a, out, c->err);
    case PG_ATTR_FLOAT:
    case PG_ATTR_FLOATS:
      if (a->n) memcpy(pgi_tensor_data(out), a->floats, (size_t)a->n * sizeof *a->floats);
      return PG_OK;
    default:
      if (a->n) memcpy(pgi_tensor_data(out), a->ints, (size_t)a->n * sizeof *a->ints);
      return PG_OK;
  }
}

static const pgi_attr_def constant_attrs[] = {{.name = "value", .kind = PG_ATTR_TENSOR},
                                              {.name = "sparse_value", .kind = PG_ATTR_SPARSE},
                                              {.name = "value_int", .kind = PG_ATTR_INT},
                                              {.name = "value_ints", .kind = PG_ATTR_INTS},
                                              {.name = "value_float", .kind = PG_ATTR_FLOAT},
                                              {.name = "value_floats", .kind = PG_ATTR_FLOATS},
                                              {.name = "value_string", .kind = PG_ATTR_STRING},
                                              {.name = "value_strings", .kind = PG_ATTR_STRINGS},
                                              {0}};

PG_OP(constant) = {
    .name = "Constant",
    .since = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25},
    .in = {0, 0},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = constant_attrs,
    .infer = constant_infer,
    .run = constant_run,
};
