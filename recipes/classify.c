/* Classifies an image: the whole way from a model file to an answer in C.
** cc classify.c $(pkg-config --cflags --libs perigee) -o classify
** ./classify MODEL IMAGE: for a model with one input [N,C,H,W] and scores f32 [N,classes] */
#include <perigee.h>
#include <stdio.h>

static pg_status classify(pg_context *ctx, const char *model, const char *path, pg_error *err) {
  pg_graph *graph = NULL;
  pg_session *session = NULL;
  pg_tensor *image = NULL, *resized = NULL;
  pg_binding in = {0}, out = {0};
  pg_value_info input, output;
  pg_session_options options = {.threads = 2};
  pg_status status = pg_graph_load(ctx, model, &graph, err);
  if (status || (status = pg_session_new(graph, &options, &session, err))) goto done;
  status = pg_session_input(session, 0, &input);
  if (!status) status = pg_session_output(session, 0, &output);
  if (!status && input.rank != 4) status = PG_INVALID;
  if (status) goto done;

  int channels = (int)input.dims[1];
  if ((status = pg_image_read(ctx, path, channels, &image, err)) ||
      (status = pg_image_resize(image, input.dims[2], input.dims[3], "bilinear", &resized, err)) ||
      (status = pg_image_to_tensor(resized, 1.0f / 255, NULL, NULL, &in.tensor, err)))
    goto done;
  in.name = input.name;
  out.name = output.name;
  if ((status = pg_session_run(session, &in, 1, &out, 1, err))) goto done;

  const float *score = pg_tensor_data(out.tensor);
  int64_t best = 0, n = pg_tensor_dtype(out.tensor) == PG_F32 ? pg_tensor_count(out.tensor) : 0;
  for (int64_t i = 1; i < n; i++)
    if (score[i] > score[best]) best = i;
  if (n) printf("class %lld, score %g\n", (long long)best, (double)score[best]);
done:
  pg_tensor_free(out.tensor), pg_tensor_free(in.tensor);
  pg_tensor_free(resized), pg_tensor_free(image);
  pg_session_free(session), pg_graph_free(graph);
  return status;
}

int main(int argc, char **argv) {
  pg_error err = {PG_INVALID, "the model has no input [N,C,H,W]"};
  pg_context *ctx = NULL;
  if (argc != 3) return fprintf(stderr, "usage: classify MODEL IMAGE\n"), 2;
  pg_status status = pg_context_new(NULL, &ctx, &err);
  if (!status) status = classify(ctx, argv[1], argv[2], &err);
  if (status) fprintf(stderr, "classify: %s\n", err.message);
  pg_context_release(ctx);
  return status != PG_OK;
}
