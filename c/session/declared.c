/* declared: outputs of the type that the file says they have. */
#include "session/internal.h"

static bool is_real(pg_dtype dtype) {
  return dtype == PG_F32 || dtype == PG_F64;
}

/* v's producer makes a value of its own, and v is a Cast of that: whoever reads v, as an output or
** inside, finds the declared type. */
static pg_status cast(pg_graph *g, pgi_value *v, pg_dtype to, pg_error *err) {
  pgi_node *producer = v->producer, *node;
  pgi_value *made;
  int i = 0;
  while (producer->out[i] != v) i++;
  PG_TRY(pgi_edit_value(g, NULL, &made, err));
  PG_TRY(pgi_edit_set_output(producer, i, made, err));
  PG_TRY(pgi_edit_node(g, producer->next, "", "Cast", 1, &made, 1, &v, &node, err));
  return pgi_attr_set_int(node, "to", to, err);
}

/* skl2onnx declares f64 for what operators of ai.onnx.ml give as f32 (trees, binned columns) when
** its inputs are f64, and f32 for sums that it computes in f64. */
pg_status pgi_graph_infer_declared(pg_graph *g, pg_error *err) {
  bool is_changed = false;
  size_t room;
  if (!pgi_mul_size((size_t)PG_MAX(g->n_outputs, 1), sizeof(pg_dtype), &room))
    return pgi_nomem(err);
  pg_dtype *declared = pgi_arena_alloc(&g->model->arena, room);
  if (!declared) return pgi_nomem(err);
  for (int i = 0; i < g->n_outputs; i++) {
    const pgi_type *type = &g->outputs[i].value->type;
    declared[i] = type->kind == PG_TYPE_TENSOR ? type->dtype : PG_NONE;
  }
  PG_TRY(pgi_graph_infer(g, false, err));
  for (int i = 0; i < g->n_outputs; i++) {
    pgi_value *v = g->outputs[i].value;
    bool is_other = v->type.kind == PG_TYPE_TENSOR && v->type.dtype != declared[i] &&
                    is_real(v->type.dtype) && is_real(declared[i]);
    if (!is_other || !v->producer) continue;
    PG_TRY(cast(g, v, declared[i], err));
    v->type.dtype = declared[i];
    is_changed = true;
  }
  if (!is_changed) return PG_OK;
  PG_TRY(pgi_graph_resolve(g, err));
  return pgi_graph_infer(g, false, err);
}
