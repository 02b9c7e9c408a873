/* Two sessions of one graph run at once in two threads, each with two threads of its own, and give
** the same bits.  Built with ThreadSanitizer by `make tsan`.  usage: two_sessions MODEL... */
#include <perigee.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 3 };

typedef struct job {
  pg_context *ctx;
  pg_graph *graph;
  pg_tensor *output; /* the first output of the last run */
  char message[1200];
} job;

static int fail(job *j, const pg_error *err) {
  snprintf(j->message, sizeof j->message, "%s", err->message);
  return 1;
}

/* Ramps from 0 to 1; free dimensions become 1, but a width that can be chosen 64. */
static pg_status make_input(pg_context *ctx, const pg_value_info *v, pg_tensor **out,
                            pg_error *err) {
  int64_t dims[PG_MAX_RANK];
  for (int d = 0; d < v->rank; d++)
    dims[d] = v->dims[d] >= 0 ? v->dims[d] : d == v->rank - 1 ? 64 : 1;
  pg_status status = pg_tensor_new(ctx, v->dtype, v->rank, dims, out, err);
  if (status == PG_OK && v->dtype == PG_F32) {
    float *x = pg_tensor_data(*out);
    int64_t n = pg_tensor_count(*out);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(i % 97) / 97;
  }
  return status;
}

static int run(job *j) {
  pg_error err;
  pg_session *s;
  pg_session_options options = {.threads = 2};
  if (pg_session_new(j->graph, &options, &s, &err) != PG_OK) return fail(j, &err);
  pg_binding in[8] = {{0}}, out;
  int n = pg_session_input_count(s), failed = n > 8;
  for (int i = 0; !failed && i < n; i++) {
    pg_value_info v;
    pg_session_input(s, i, &v);
    in[i].name = v.name;
    if (make_input(j->ctx, &v, &in[i].tensor, &err) != PG_OK) failed = fail(j, &err);
  }
  pg_value_info v;
  if (!failed && pg_session_output(s, 0, &v) != PG_OK) failed = 1;
  for (int r = 0; !failed && r < RUNS; r++) {
    out = (pg_binding){v.name, NULL};
    if (pg_session_run(s, in, n, &out, 1, &err) != PG_OK) {
      failed = fail(j, &err);
      break;
    }
    pg_tensor_free(j->output);
    j->output = out.tensor;
  }
  for (int i = 0; i < n && i < 8; i++) pg_tensor_free(in[i].tensor);
  pg_session_free(s);
  return failed;
}

static void *thread(void *arg) {
  return run(arg) ? arg : NULL;
}

static int check(pg_context *ctx, const char *path) {
  pg_error err;
  job jobs[2] = {{.ctx = ctx}, {.ctx = ctx}};
  pthread_t threads[2];
  pg_graph *graph;
  if (pg_graph_load(ctx, path, &graph, &err) != PG_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  int failed = 0;
  for (int i = 0; i < 2; i++) {
    jobs[i].graph = graph;
    pthread_create(&threads[i], NULL, thread, &jobs[i]);
  }
  for (int i = 0; i < 2; i++) {
    void *result;
    pthread_join(threads[i], &result);
    if (!result) continue;
    fprintf(stderr, "%s: %s\n", path, jobs[i].message);
    failed = 1;
  }
  if (!failed && memcmp(pg_tensor_data(jobs[0].output), pg_tensor_data(jobs[1].output),
                        pg_tensor_bytes(jobs[0].output)) != 0) {
    fprintf(stderr, "%s: the sessions differ\n", path);
    failed = 1;
  }
  for (int i = 0; i < 2; i++) pg_tensor_free(jobs[i].output);
  pg_graph_free(graph);
  return failed;
}

int main(int argc, char **argv) {
  pg_error err;
  pg_context *ctx;
  int failed = argc < 2;
  if (pg_context_new(NULL, &ctx, &err) != PG_OK) return 1;
  for (int i = 1; i < argc; i++) failed |= check(ctx, argv[i]);
  pg_context_release(ctx);
  return failed;
}
