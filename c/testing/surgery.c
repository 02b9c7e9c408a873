/* Surgery on a model from load to bytes, for allocators that fail. */
#include "format/format.h"
#include "testing/testing.h"

enum { MAX_ENDS = 16 };

static pg_status extract(pg_graph *g, pg_error *err) {
  const char *in[MAX_ENDS], *out[1];
  bool is_reached[MAX_ENDS];
  int n = PG_MIN(g->n_inputs, MAX_ENDS);
  for (int i = 0; i < n; i++) in[i] = g->inputs[i]->name;
  out[0] = g->outputs[0].value->name;
  return pgi_graph_extract(g, n, in, 1, out, is_reached, err);
}

static pg_status upgrade(pg_graph *g, pg_error *err) {
  return pgi_graph_upgrade(g, 0, err);
}

static pg_status add_function(pg_graph *g, pg_error *err) {
  int64_t one = 1;
  pgi_function *f;
  pgi_value *v;
  PG_TRY(pgi_function_add(g->model, "test", "Added", "", &f, err));
  PG_TRY(pgi_function_add_attr(f, "a", err));
  pgi_attr b = {.name = "b", .kind = PG_ATTR_INTS, .n = 1, .ints = &one};
  PG_TRY(pgi_function_add_default(f, &b, err));
  PG_TRY(pgi_edit_constant_i64s(f->body, 1, &one, &v, err));
  PG_TRY(pgi_function_free_constants(f, err));
  PG_TRY(pgi_edit_output(f->body, v, err));
  return pgi_graph_verify(g, err);
}

/* A function of both models may not have one name: without them it goes on. */
static pg_status merge(pg_graph *g, pg_error *err) {
  pg_graph *other;
  PG_TRY(pgi_graph_inline(g, err));
  PG_TRY(pgi_graph_clone(g, &other, err));
  pg_status status = pgi_graph_merge(g, other, 0, NULL, "b", false, err);
  pg_graph_free(other);
  return status;
}

static pg_status try(const pg_graph *g, pg_status (*how)(pg_graph *g, pg_error *err),
                     pg_error *err) {
  pg_graph *copy;
  PG_TRY(pgi_graph_clone(g, &copy, err));
  pg_status status = how(copy, err);
  void *data = NULL;
  size_t size;
  if (status == PG_OK) status = pgi_onnx_save_bytes(copy, &data, &size, err);
  pgi_free(copy->model->ctx, data);
  pg_graph_free(copy);
  return status;
}

pg_status pgi_test_surgery(const pg_host *host, const char *path, pg_error *err) {
  pg_context *ctx = NULL;
  pg_graph *g = NULL;
  pg_status status = pg_context_new(host, &ctx, err);
  if (status == PG_OK) status = pg_graph_load(ctx, path, &g, err);
  if (status == PG_OK) status = try(g, extract, err);
  if (status == PG_OK) status = try(g, upgrade, err);
  if (status == PG_OK) status = try(g, pgi_graph_inline, err);
  if (status == PG_OK) status = try(g, add_function, err);
  if (status == PG_OK) status = try(g, merge, err);
  pg_graph_free(g);
  pg_context_release(ctx);
  return status;
}
