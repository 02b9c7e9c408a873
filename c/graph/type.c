/* type: what is known of a value before it exists. */
#include "graph/graph.h"

const pgi_type pgi_type_unknown = {.kind = PG_TYPE_UNKNOWN, .rank = -1};

pgi_type pgi_type_tensor(pg_dtype dtype) {
  return (pgi_type){.kind = PG_TYPE_TENSOR, .dtype = dtype, .rank = -1};
}

/* An absent value can only be an empty optional.  Element types of sequences and maps are left open:
** they would need an arena. */
pgi_type pgi_type_of(const pg_tensor *t) {
  if (t->dtype == PG_NONE) return (pgi_type){.kind = PG_TYPE_OPTIONAL, .rank = -1};
  if (t->dtype == PG_SEQUENCE) return (pgi_type){.kind = PG_TYPE_SEQUENCE, .rank = -1};
  if (t->dtype == PG_MAP) return (pgi_type){.kind = PG_TYPE_MAP, .rank = -1};
  pgi_type type = pgi_type_tensor(t->dtype);
  type.rank = t->rank;
  for (int i = 0; i < t->rank; i++) type.dims[i] = pgi_dim_of(t->dims[i]);
  return type;
}

bool pgi_type_is_static(const pgi_type *t) {
  if (t->kind != PG_TYPE_TENSOR || t->dtype == PG_NONE || t->rank < 0) return false;
  for (int i = 0; i < t->rank; i++)
    if (t->dims[i].n < 0) return false;
  return true;
}

/* ---- joining ---------------------------------------------------------------------------------- */

static bool merge_dims(pgi_type *into, const pgi_type *other) {
  if (other->rank < 0) return true;
  if (into->rank < 0) {
    into->rank = other->rank;
    memcpy(into->dims, other->dims, sizeof into->dims);
    return true;
  }
  if (into->rank != other->rank) return false;
  for (int i = 0; i < into->rank; i++) {
    pgi_dim *a = &into->dims[i];
    pgi_dim b = other->dims[i];
    if (a->n >= 0 && b.n >= 0 && a->n != b.n) return false;
    if (a->n < 0 && (b.n >= 0 || !a->symbol)) *a = b;
  }
  return true;
}

static bool merge_dtype(pgi_type *into, const pgi_type *other) {
  if (other->dtype == PG_NONE) return true;
  if (into->dtype == PG_NONE) into->dtype = other->dtype;
  return into->dtype == other->dtype;
}

/* Joining element types in depth would need memory: the more telling side is kept whole. */
static bool merge_elem(pgi_type *into, const pgi_type *other) {
  if (!other->elem || into->elem == other->elem) return true;
  if (!into->elem || into->elem->kind == PG_TYPE_UNKNOWN) {
    into->elem = other->elem;
    return true;
  }
  pgi_type joined = *into->elem;
  return pgi_type_merge(&joined, other->elem);
}

bool pgi_type_merge(pgi_type *into, const pgi_type *other) {
  if (other->kind == PG_TYPE_UNKNOWN) return true;
  if (into->kind == PG_TYPE_UNKNOWN) {
    *into = *other;
    return true;
  }
  pgi_type joined = *into;
  if (joined.kind != other->kind || !merge_dtype(&joined, other) || !merge_dims(&joined, other) ||
      !merge_elem(&joined, other))
    return false;
  *into = joined;
  return true;
}

/* ---- text, copies ------------------------------------------------------------------------------- */

static const char *dtype_text(pg_dtype dtype) {
  return dtype == PG_NONE ? "?" : pg_dtype_name(dtype);
}

static void tensor_text(const pgi_type *t, pgi_text *text) {
  pgi_text_add(text, "%s ", dtype_text(t->dtype));
  if (t->rank < 0) {
    pgi_text_add(text, "[*]");
    return;
  }
  pgi_text_add(text, "[");
  for (int i = 0; i < t->rank; i++) {
    const char *comma = i ? "," : "";
    pgi_dim d = t->dims[i];
    if (d.n >= 0)
      pgi_text_add(text, "%s%lld", comma, (long long)d.n);
    else
      pgi_text_add(text, "%s%s", comma, d.symbol ? d.symbol : "?");
  }
  pgi_text_add(text, "]");
}

static void elem_text(const pgi_type *t, pgi_text *text) {
  if (t->elem)
    pgi_type_text(t->elem, text);
  else
    pgi_text_add(text, "?");
  pgi_text_add(text, ")");
}

void pgi_type_text(const pgi_type *t, pgi_text *text) {
  switch (t->kind) {
    case PG_TYPE_UNKNOWN:
      pgi_text_add(text, "?");
      break;
    case PG_TYPE_SPARSE:
      pgi_text_add(text, "sparse ");
      tensor_text(t, text);
      break;
    case PG_TYPE_TENSOR:
      tensor_text(t, text);
      break;
    case PG_TYPE_SEQUENCE:
      pgi_text_add(text, "seq(");
      elem_text(t, text);
      break;
    case PG_TYPE_OPTIONAL:
      pgi_text_add(text, "optional(");
      elem_text(t, text);
      break;
    case PG_TYPE_MAP:
      pgi_text_add(text, "map(%s, ", dtype_text(t->dtype));
      elem_text(t, text);
      break;
  }
}

pg_status pgi_type_copy(const pgi_type *from, pgi_arena *arena, pgi_type *out, pg_error *err) {
  pgi_type copy = *from;
  for (int i = 0; i < copy.rank; i++) {
    if (!copy.dims[i].symbol) continue;
    copy.dims[i].symbol = pgi_arena_strdup(arena, copy.dims[i].symbol);
    if (!copy.dims[i].symbol) return pgi_nomem(err);
  }
  if (from->elem) {
    pgi_type *elem = pgi_arena_alloc(arena, sizeof *elem);
    if (!elem) return pgi_nomem(err);
    PG_TRY(pgi_type_copy(from->elem, arena, elem, err));
    copy.elem = elem;
  }
  *out = copy;
  return PG_OK;
}
