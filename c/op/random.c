/* RandomNormal, RandomUniform, RandomNormalLike, RandomUniformLike, Bernoulli, Multinomial.
**
** Numbers come from a counter-based generator: task i starts at a counter of its own, so that
** they don't depend on the number of threads.  Without a seed attribute the node's name is the
** seed: a model gives the same numbers wherever it runs, two nodes different ones. */
#include <math.h>

#include "op/move.h"
#include "op/working.h"

#define RANDOM_TYPES (PG_T_NUMERIC | PG_T(PG_BOOL))

/* FNV-1a. */
static uint64_t hash_text(const char *text) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (; text && *text; text++) hash = (hash ^ (uint8_t)*text) * 0x100000001B3u;
  return hash;
}

static uint64_t seed_of(const pgi_node *node) {
  float seed = pgi_attr_float(node, "seed");
  uint32_t bits;
  if (!pgi_attr_find(node, "seed")) {
    const char *name = node->name && *node->name         ? node->name
                       : node->n_out > 0 && node->out[0] ? node->out[0]->name
                                                         : NULL;
    return hash_text(name);
  }
  memcpy(&bits, &seed, sizeof bits);
  return bits;
}

/* A generator for stretch `task` of at most 2^32 numbers. */
static pgi_random generator(uint64_t seed, int64_t task) {
  pgi_random r;
  pgi_random_init(&r, seed);
  r.counter = (uint64_t)task << 32;
  return r;
}

/* ---- filling --------------------------------------------------------------------------------- */

typedef struct fill_job {
  pg_tensor *out;
  uint64_t seed;
  bool is_normal;
  double a, b;     /* mean and scale, or low and high */
  const double *p; /* Bernoulli's probabilities; NULL */
} fill_job;

enum { STRETCH = 8192, BLOCK = 256 };

static double draw(const fill_job *job, pgi_random *r, int64_t i) {
  if (job->p) return pgi_random_uniform(r) < job->p[i];
  if (job->is_normal) return job->a + job->b * pgi_random_normal(r);
  return job->a + (job->b - job->a) * pgi_random_uniform(r);
}

static void fill_task(void *arg, int64_t task) {
  const fill_job *job = arg;
  int64_t first = task * STRETCH, last = PG_MIN(first + STRETCH, pgi_tensor_count(job->out));
  pgi_random r = generator(job->seed, task);
  double block[BLOCK];
  for (int64_t i = first; i < last; i += BLOCK) {
    int64_t n = PG_MIN(last - i, (int64_t)BLOCK);
    for (int64_t k = 0; k < n; k++) block[k] = draw(job, &r, i + k);
    pgi_store_f64(job->out->dtype, pgi_tensor_data(job->out), i, n, block);
  }
}

static pg_status fill(pgi_call *c, fill_job job) {
  int64_t n = pgi_tensor_count(c->out[0]);
  job.out = c->out[0];
  job.seed = seed_of(c->node);
  if (n > 0) pgi_call_parallel(c, (n - 1) / STRETCH + 1, fill_task, &job);
  return PG_OK;
}

static pg_status normal_run(pgi_call *c) {
  return fill(c, (fill_job){.is_normal = true,
                            .a = (double)pgi_attr_float(c->node, "mean"),
                            .b = (double)pgi_attr_float(c->node, "scale")});
}

static pg_status uniform_run(pgi_call *c) {
  return fill(c, (fill_job){.a = (double)pgi_attr_float(c->node, "low"),
                            .b = (double)pgi_attr_float(c->node, "high")});
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static pg_status shape_infer(pgi_infer *inf) {
  int64_t n;
  const int64_t *shape = pgi_attr_ints(inf->node, "shape", &n);
  pg_dtype dtype;
  PG_TRY(pgi_attr_dtype(inf->node, "dtype", PG_F32, PG_T_FLOAT, &dtype, inf->err));
  PG_TRY(pgi_check_rank(n, "shape", inf->err));
  pgi_type *out = pgi_out_type(inf, 0, dtype, (int)n);
  for (int i = 0; i < (int)n; i++) {
    if (shape[i] < 0) {
      return pgi_fail(inf->err, PG_INVALID, "shape[%d]: expected a size, got %lld", i,
                      (long long)shape[i]);
    }
    out->dims[i] = pgi_dim_of(shape[i]);
  }
  return PG_OK;
}

static pg_status like(pgi_infer *inf, pgi_types types) {
  pg_dtype dtype;
  PG_TRY(pgi_attr_dtype(inf->node, "dtype", pgi_in_dtype(inf, 0), types, &dtype, inf->err));
  if (dtype != PG_NONE && !(types & PG_T(dtype))) {
    return pgi_fail(inf->err, PG_INVALID, "dtype: has to be given, for %s is not possible",
                    pg_dtype_name(dtype));
  }
  PG_TRY(pgi_infer_same(inf));
  inf->out[0].kind = PG_TYPE_TENSOR;
  inf->out[0].dtype = dtype;
  return PG_OK;
}

static pg_status like_infer(pgi_infer *inf) {
  return like(inf, PG_T_FLOAT);
}

#define NORMAL_ATTRS(type)                                                                      \
  {.name = "dtype", .kind = PG_ATTR_INT, .i = (type)}, {.name = "mean", .kind = PG_ATTR_FLOAT}, \
      {.name = "scale", .kind = PG_ATTR_FLOAT, .f = 1}, {                                       \
    .name = "seed", .kind = PG_ATTR_FLOAT                                                       \
  }
#define UNIFORM_ATTRS(type)                                                                      \
  {.name = "dtype", .kind = PG_ATTR_INT, .i = (type)},                                           \
      {.name = "high", .kind = PG_ATTR_FLOAT, .f = 1}, {.name = "low", .kind = PG_ATTR_FLOAT}, { \
    .name = "seed", .kind = PG_ATTR_FLOAT                                                        \
  }
#define SHAPE_ATTR \
  { .name = "shape", .kind = PG_ATTR_INTS, .is_required = true }

static const pgi_attr_def normal_attrs[] = {NORMAL_ATTRS(PG_F32), SHAPE_ATTR, {0}};
static const pgi_attr_def normal_like_attrs[] = {NORMAL_ATTRS(PG_NONE), {0}};
static const pgi_attr_def uniform_attrs[] = {UNIFORM_ATTRS(PG_F32), SHAPE_ATTR, {0}};
static const pgi_attr_def uniform_like_attrs[] = {UNIFORM_ATTRS(PG_NONE), {0}};

PG_OP(random_normal) = {
    .name = "RandomNormal",
    .since = {1, 22},
    .in = {0, 0},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = normal_attrs,
    .flags = PG_OP_RANDOM,
    .infer = shape_infer,
    .run = normal_run,
};

PG_OP(random_normal_like) = {
    .name = "RandomNormalLike",
    .since = {1, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = normal_like_attrs,
    .flags = PG_OP_RANDOM,
    .infer = like_infer,
    .run = normal_run,
};

PG_OP(random_uniform) = {
    .name = "RandomUniform",
    .since = {1, 22},
    .in = {0, 0},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = uniform_attrs,
    .flags = PG_OP_RANDOM,
    .infer = shape_infer,
    .run = uniform_run,
};

PG_OP(random_uniform_like) = {
    .name = "RandomUniformLike",
    .since = {1, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_ALL,
    .attrs = uniform_like_attrs,
    .flags = PG_OP_RANDOM,
    .infer = like_infer,
    .run = uniform_run,
};

/* ---- Bernoulli ------------------------------------------------------------------------------- */

static pg_status bernoulli_infer(pgi_infer *inf) {
  return like(inf, RANDOM_TYPES);
}

static pg_status bernoulli_run(pgi_call *c) {
  fill_job job = {0};
  PG_TRY(pgi_f64s(c, c->in[0], &job.p));
  return fill(c, job);
}

static const pgi_attr_def bernoulli_attrs[] = {
    {.name = "dtype", .kind = PG_ATTR_INT}, {.name = "seed", .kind = PG_ATTR_FLOAT}, {0}};

PG_OP(bernoulli) = {
    .name = "Bernoulli",
    .since = {15, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = bernoulli_attrs,
    .flags = PG_OP_RANDOM,
    .infer = bernoulli_infer,
    .run = bernoulli_run,
};

/* ---- Multinomial ----------------------------------------------------------------------------- */

static pg_status multinomial_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0);
  int64_t n = pgi_attr_int(inf->node, "sample_size");
  pg_dtype dtype;
  PG_TRY(pgi_attr_dtype(inf->node, "dtype", PG_I32, PG_T(PG_I32) | PG_T(PG_I64), &dtype, inf->err));
  if ((rank >= 0 && rank != 2) || n < 1) {
    return pgi_fail(inf->err, PG_INVALID, "expected input [batch,classes] and sample_size >= 1");
  }
  pgi_type *out = pgi_out_type(inf, 0, dtype, 2);
  if (rank == 2) out->dims[0] = inf->in[0]->dims[0];
  out->dims[1] = pgi_dim_of(n);
  return PG_OK;
}

/* From log-probabilities to sums of probabilities up to each class, in place. */
static double accumulate(double *p, int64_t n) {
  double most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++) most = p[i] > most ? p[i] : most;
  for (int64_t i = 0; i < n; i++) p[i] = sum += exp(p[i] - most);
  return sum;
}

static int64_t find_class(const double *sums, int64_t n, double x) {
  int64_t low = 0, high = n - 1;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (sums[middle] > x)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static pg_status multinomial_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  pg_tensor *out = c->out[0];
  int64_t n = in->dims[1], samples = out->dims[1];
  double *sums = pgi_call_scratch(c, (size_t)PG_MAX(n, 1) * sizeof *sums);
  if (!sums) return pgi_nomem(c->err);
  if (n == 0 && in->dims[0] > 0) return pgi_fail(c->err, PG_INVALID, "input: no classes");
  for (int64_t b = 0; b < in->dims[0]; b++) {
    pgi_random r = generator(seed_of(c->node), b);
    pgi_load_f64(in->dtype, pgi_tensor_data(in), b * n, n, sums);
    double total = accumulate(sums, n);
    for (int64_t i = 0; i < samples; i++) {
      int64_t chosen = find_class(sums, n, pgi_random_uniform(&r) * total);
      pgi_store_i64(out->dtype, pgi_tensor_data(out), b * samples + i, 1, &chosen);
    }
  }
  return PG_OK;
}

static const pgi_attr_def multinomial_attrs[] = {
    {.name = "dtype", .kind = PG_ATTR_INT, .i = PG_I32},
    {.name = "sample_size", .kind = PG_ATTR_INT, .i = 1},
    {.name = "seed", .kind = PG_ATTR_FLOAT},
    {0}};

PG_OP(multinomial) = {
    .name = "Multinomial",
    .since = {7, 22},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T_FLOAT,
    .attrs = multinomial_attrs,
    .flags = PG_OP_RANDOM,
    .infer = multinomial_infer,
    .run = multinomial_run,
};
