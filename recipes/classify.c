/* Classifies an image: the whole way from a model file to an answer in C.
** cc classify.c $(pkg-config --cflags --libs perigee) -o classify
** ./classify MODEL IMAGE: for a model with one input [N,C,H,W] and scores [N,classes] */
#include <perigee.h>
#include <stdio.h>

int main(int argc, char **argv) {
  pg_error err = {0};
  pg_context *ctx = NULL;
  pg_graph *graph = NULL;
  pg_session *session = NULL;
  pg_tensor *image = NULL, *resized = NULL;
  pg_binding in = {0}, out = {0};
  pg_value_info input, output;
  if (argc != 3) return fprintf(stderr, "usage: classify MODEL IMAGE\n"), 2;

  if (pg_context_new(NULL, &ctx, &err) || pg_graph_load(ctx, argv[1], &graph, &err) ||
      pg_session_new(graph, &(pg_session_options){.threads = 2}, &session, &err))
    goto done;
  pg_session_input(session, 0, &input);
  pg_session_output(session, 0, &output);
  int channels = (int)input.dims[1];

  if (pg_image_read(ctx, argv[2], channels, &image, &err) ||
      pg_image_resize(image, input.dims[2], input.dims[3], "bilinear", &resized, &err) ||
      pg_image_to_tensor(resized, 1.0f / 255, NULL, NULL, &in.tensor, &err))
    goto done;
  in.name = input.name;
  out.name = output.name;
  if (pg_session_run(session, &in, 1, &out, 1, &err)) goto done;

  const float *score = pg_tensor_data(out.tensor);
  int64_t best = 0;
  for (int64_t i = 1; i < pg_tensor_count(out.tensor); i++)
    if (score[i] > score[best]) best = i;
  printf("class %lld, score %g\n", (long long)best, (double)score[best]);
done:
  if (err.code) fprintf(stderr, "classify: %s\n", err.message);
  pg_tensor_free(out.tensor), pg_tensor_free(in.tensor);
  pg_tensor_free(resized), pg_tensor_free(image);
  pg_session_free(session), pg_graph_free(graph), pg_context_release(ctx);
  return err.code != PG_OK;
}
