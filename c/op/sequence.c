/* SequenceConstruct, SequenceEmpty, SequenceAt, SequenceInsert, SequenceErase, SequenceLength.
**
** Elements are shared, never copied: a tensor in a sequence isn't written any more. */
#include "op/control.h"
#include "op/move.h"
#include "op/sequence.h"

/* ---- what the sequence operators share ------------------------------------------------------- */

pg_status pgi_infer_sequence(pgi_infer *inf, int i, pg_dtype dtype) {
  pgi_type *elem = pgi_arena_alloc(inf->arena, sizeof *elem);
  if (!elem) return pgi_nomem(inf->err);
  *elem = pgi_type_tensor(dtype);
  inf->out[i] = pgi_type_unknown;
  inf->out[i].kind = PG_TYPE_SEQUENCE;
  inf->out[i].elem = elem;
  return PG_OK;
}

pg_status pgi_infer_sequence_of(pgi_infer *inf, int i, const pgi_type *type) {
  PG_TRY(pgi_infer_sequence(inf, i, type->dtype));
  if (!inf->content || type->kind != PG_TYPE_TENSOR) return PG_OK;
  pgi_type *elem = pgi_arena_alloc(inf->arena, sizeof *elem);
  if (!elem) return pgi_nomem(inf->err);
  *elem = *type;
  inf->out[i].elem = elem;
  return PG_OK;
}

pgi_type pgi_in_elem_type(const pgi_infer *inf, int i) {
  const pgi_type *t = pgi_has_in(inf, i) ? inf->in[i] : NULL;
  while (t && t->kind == PG_TYPE_OPTIONAL) t = t->elem;
  bool is_told = inf->content && t && t->kind == PG_TYPE_SEQUENCE && t->elem &&
                 t->elem->kind == PG_TYPE_TENSOR;
  return is_told ? *t->elem : pgi_type_tensor(pgi_in_elem(inf, i));
}

/* Whether the sequence at input i has just been made, without elements. */
static bool is_fresh(const pgi_infer *inf, int i) {
  const pgi_value *v = inf->node->in[i].value;
  const pgi_node *maker = v ? v->producer : NULL;
  return maker && strcmp(maker->type, "SequenceEmpty") == 0 && !*maker->domain;
}

pg_dtype pgi_in_elem(const pgi_infer *inf, int i) {
  const pgi_type *t = pgi_has_in(inf, i) ? inf->in[i] : NULL;
  while (t && t->kind == PG_TYPE_OPTIONAL) t = t->elem;
  return t && t->kind == PG_TYPE_SEQUENCE && t->elem ? t->elem->dtype : PG_NONE;
}

pg_status pgi_read_sequence(pgi_call *c, int i, const pg_tensor **out, int64_t *n) {
  const pg_tensor *t = i < c->n_in ? c->in[i] : NULL;
  if (!t || t->dtype != PG_SEQUENCE) {
    return pgi_fail(c->err, PG_INVALID, "input %d: expected a sequence, got %s", i,
                    t ? pg_dtype_name(t->dtype) : "nothing");
  }
  *out = t;
  *n = t->dims[0];
  return PG_OK;
}

pg_status pgi_give(pgi_call *c, int i, const pg_tensor *t) {
  if (i >= c->n_out || !c->out[i]) return PG_OK;
  if (c->out[i]->dtype != PG_NONE) return pgi_tensor_copy_into(t, c->out[i], c->err);
  pgi_tensor_assign(c->out[i], t);
  return PG_OK;
}

/* A fresh sequence of n elements as output 0. */
static pg_status make_output(pgi_call *c, int64_t n) {
  pg_tensor seq = {0};
  PG_TRY(pgi_sequence_new(c->ctx, n, &seq, c->err));
  pgi_tensor_move(c->out[0], &seq);
  return PG_OK;
}

/* Elements [first, first + n) of `from` from place `to` of output 0 on. */
static void share_range(pgi_call *c, int64_t to, const pg_tensor *from, int64_t first, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    pgi_tensor_assign(pgi_sequence_at(c->out[0], to + i), pgi_sequence_at(from, first + i));
}

/* The optional position at input i; `most` is the largest one that may be named. */
static pg_status read_position(pgi_call *c, int i, int64_t n, int64_t most, int64_t otherwise,
                               int64_t *out) {
  *out = otherwise;
  if (pgi_input(c, i)) PG_TRY(pgi_scalar_i64(c->in[i], "position", out, c->err));
  if (*out < -n || *out > most) {
    return pgi_fail(c->err, PG_INVALID, "position: expected %lld to %lld, got %lld", (long long)-n,
                    (long long)most, (long long)*out);
  }
  if (*out < 0) *out += n;
  return PG_OK;
}

/* ---- SequenceConstruct ----------------------------------------------------------------------- */

static pg_status construct_infer(pgi_infer *inf) {
  pg_dtype dtype = PG_NONE;
  for (int i = 0; i < inf->n_in; i++) {
    pg_dtype d = pgi_in_dtype(inf, i);
    if (d && dtype && d != dtype) {
      return pgi_fail(inf->err, PG_INVALID, "input %d: expected %s, as before it, got %s", i,
                      pg_dtype_name(dtype), pg_dtype_name(d));
    }
    if (d) dtype = d;
  }
  pgi_type elem = inf->n_in > 0 && inf->in[0] ? *inf->in[0] : pgi_type_unknown;
  for (int i = 1; i < inf->n_in; i++)
    if (inf->in[i]) pgi_type_widen(&elem, inf->in[i], inf->arena);
  if (elem.kind != PG_TYPE_TENSOR) elem = pgi_type_tensor(dtype);
  return pgi_infer_sequence_of(inf, 0, &elem);
}

static pg_status construct_run(pgi_call *c) {
  PG_TRY(make_output(c, c->n_in));
  for (int i = 0; i < c->n_in; i++) pgi_tensor_assign(pgi_sequence_at(c->out[0], i), c->in[i]);
  return PG_OK;
}

PG_OP(sequence_construct) = {
    .name = "SequenceConstruct",
    .since = {11},
    .in = {1, PG_MANY},
    .out = {1, 1},
    .types = PG_T_ALL,
    .infer = construct_infer,
    .run = construct_run,
};

/* ---- SequenceEmpty --------------------------------------------------------------------------- */

static pg_status empty_infer(pgi_infer *inf) {
  pg_dtype dtype;
  PG_TRY(pgi_attr_dtype(inf->node, "dtype", PG_F32, PG_T_ALL, &dtype, inf->err));
  return pgi_infer_sequence(inf, 0, dtype);
}

static pg_status empty_run(pgi_call *c) {
  return make_output(c, 0);
}

static const pgi_attr_def empty_attrs[] = {{.name = "dtype", .kind = PG_ATTR_INT}, {0}};

PG_OP(sequence_empty) = {
    .name = "SequenceEmpty",
    .since = {11},
    .in = {0, 0},
    .out = {1, 1},
    .types = PG_T(PG_SEQUENCE),
    .attrs = empty_attrs,
    .infer = empty_infer,
    .run = empty_run,
};

/* ---- SequenceAt ------------------------------------------------------------------------------ */

static pg_status at_infer(pgi_infer *inf) {
  const pgi_type *t = pgi_has_in(inf, 0) ? inf->in[0] : NULL;
  bool has_maps = t && t->kind == PG_TYPE_SEQUENCE && t->elem && t->elem->kind != PG_TYPE_TENSOR;
  if (has_maps)
    inf->out[0] = *t->elem;
  else
    inf->out[0] = pgi_in_elem_type(inf, 0);
  return PG_OK;
}

static pg_status at_run(pgi_call *c) {
  const pg_tensor *seq = NULL;
  int64_t n = 0, at = 0;
  PG_TRY(pgi_read_sequence(c, 0, &seq, &n));
  PG_TRY(read_position(c, 1, n, n - 1, 0, &at));
  return pgi_give(c, 0, pgi_sequence_at(seq, at));
}

PG_OP(sequence_at) = {
    .name = "SequenceAt",
    .since = {11},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T(PG_SEQUENCE),
    .infer = at_infer,
    .run = at_run,
};

/* ---- SequenceInsert -------------------------------------------------------------------------- */

static pg_status insert_infer(pgi_infer *inf) {
  pg_dtype in = pgi_in_elem(inf, 0), added = pgi_in_dtype(inf, 1);
  if (in && added && in != added) {
    return pgi_fail(inf->err, PG_INVALID, "tensor: expected %s, as in the sequence, got %s",
                    pg_dtype_name(in), pg_dtype_name(added));
  }
  pgi_type elem = pgi_in_elem_type(inf, 0);
  if (is_fresh(inf, 0) && pgi_has_in(inf, 1)) elem = *inf->in[1];
  if (pgi_has_in(inf, 1)) pgi_type_widen(&elem, inf->in[1], inf->arena);
  if (elem.kind != PG_TYPE_TENSOR || !elem.dtype) elem = pgi_type_tensor(in ? in : added);
  return pgi_infer_sequence_of(inf, 0, &elem);
}

static pg_status insert_run(pgi_call *c) {
  const pg_tensor *seq = NULL;
  int64_t n = 0, at = 0;
  PG_TRY(pgi_read_sequence(c, 0, &seq, &n));
  PG_TRY(read_position(c, 2, n, n, n, &at));
  if (n > 0 && pgi_sequence_at(seq, 0)->dtype != c->in[1]->dtype) {
    return pgi_fail(c->err, PG_INVALID, "tensor: expected %s, as in the sequence, got %s",
                    pg_dtype_name(pgi_sequence_at(seq, 0)->dtype), pg_dtype_name(c->in[1]->dtype));
  }
  PG_TRY(make_output(c, n + 1));
  share_range(c, 0, seq, 0, at);
  pgi_tensor_assign(pgi_sequence_at(c->out[0], at), c->in[1]);
  share_range(c, at + 1, seq, at, n - at);
  return PG_OK;
}

PG_OP(sequence_insert) = {
    .name = "SequenceInsert",
    .since = {11},
    .in = {2, 3},
    .out = {1, 1},
    .types = PG_T(PG_SEQUENCE),
    .infer = insert_infer,
    .run = insert_run,
};

/* ---- SequenceErase --------------------------------------------------------------------------- */

static pg_status erase_infer(pgi_infer *inf) {
  pgi_type elem = pgi_in_elem_type(inf, 0);
  return pgi_infer_sequence_of(inf, 0, &elem);
}

static pg_status erase_run(pgi_call *c) {
  const pg_tensor *seq = NULL;
  int64_t n = 0, at = 0;
  PG_TRY(pgi_read_sequence(c, 0, &seq, &n));
  PG_TRY(read_position(c, 1, n, n - 1, n - 1, &at));
  PG_TRY(make_output(c, n - 1));
  share_range(c, 0, seq, 0, at);
  share_range(c, at, seq, at + 1, n - 1 - at);
  return PG_OK;
}

PG_OP(sequence_erase) = {
    .name = "SequenceErase",
    .since = {11},
    .in = {1, 2},
    .out = {1, 1},
    .types = PG_T(PG_SEQUENCE),
    .infer = erase_infer,
    .run = erase_run,
};

/* ---- SequenceLength -------------------------------------------------------------------------- */

static pg_status length_infer(pgi_infer *inf) {
  pgi_out_type(inf, 0, PG_I64, 0);
  return PG_OK;
}

static pg_status length_run(pgi_call *c) {
  const pg_tensor *seq = NULL;
  int64_t n = 0;
  PG_TRY(pgi_read_sequence(c, 0, &seq, &n));
  *(int64_t *)pgi_tensor_data(c->out[0]) = n;
  return PG_OK;
}

PG_OP(sequence_length) = {
    .name = "SequenceLength",
    .since = {11},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_SEQUENCE),
    .infer = length_infer,
    .run = length_run,
};
