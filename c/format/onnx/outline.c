/* outline: a graph as the bytes of an ONNX file, without its weights.
**
** For looking at a model: tensors of 1 KiB and more stand there as if their data were in another
** file.  Nothing large is copied. */
#include "format/onnx/onnx.h"

enum { OUTLINE_LEAVES = 1024 };

pg_status pgi_onnx_outline(const pg_graph *graph, void *data, size_t *size, pg_error *err) {
  pgi_onnx_writer w;
  proto_model *p;
  pgi_onnx_writer_init(&w, graph->model->ctx);
  w.threshold = OUTLINE_LEAVES;
  w.leaves_all = true;
  w.location = "weights";
  pg_status status = pgi_onnx_make_model(&w, graph, &p, err);
  if (status == PG_OK && data)
    protobuf_c_message_pack(&p->base, data);
  else if (status == PG_OK)
    *size = protobuf_c_message_get_packed_size(&p->base);
  pgi_onnx_writer_deinit(&w);
  return status;
}
