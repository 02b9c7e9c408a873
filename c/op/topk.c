/* TopK: the k largest or smallest elements along an axis and where they are.  Among equals the
** one with the lower index comes first. */
#include "op/move.h"
#include "op/order.h"

/* K is one number in a list, as the attribute was not. */
static pg_status topk_upgrade(pgi_node *node, int version, pg_error *err) {
  const pgi_attr *k = pgi_attr_find(node, "k");
  if (version >= 10 || !k) return PG_OK;
  if (k->kind == PG_ATTR_INT && k->n == 1) {
    const int64_t one = k->ints[0];
    PG_TRY(pgi_attr_set_ints(node, "k", 1, &one, err));
  }
  return pgi_upgrade_ints_to_input(node, "k", 1, err);
}

static pg_status topk_infer(pgi_infer *inf) {
  int rank = pgi_in_rank(inf, 0), axis;
  int64_t k;
  pgi_type *values = pgi_out_type(inf, 0, pgi_in_dtype(inf, 0), rank);
  if (inf->n_out > 1) pgi_out_type(inf, 1, PG_I64, rank);
  if (rank < 0) return PG_OK;
  PG_TRY(pgi_axis(pgi_attr_int(inf->node, "axis"), rank, &axis, inf->err));
  memcpy(values->dims, inf->in[0]->dims, (size_t)rank * sizeof(pgi_dim));
  int64_t dim = values->dims[axis].n;
  values->dims[axis] = pgi_dim_unknown();
  if (pgi_known(inf, 1)) {
    PG_TRY(pgi_scalar_i64(pgi_known(inf, 1), "K", &k, inf->err));
    if (k < 0 || (dim >= 0 && k > dim)) {
      return pgi_fail(inf->err, PG_INVALID, "K: expected 0 to %lld, got %lld", (long long)dim,
                      (long long)k);
    }
    values->dims[axis] = pgi_dim_of(k);
  } else {
    pgi_num symbol;
    int n;
    PG_TRY(pgi_num_list(inf, 1, "K", &symbol, 1, &n));
    if (n == 1) values->dims[axis] = pgi_dim_of_num(symbol);
  }
  if (inf->n_out > 1) memcpy(inf->out[1].dims, values->dims, (size_t)rank * sizeof(pgi_dim));
  return PG_OK;
}

/* The best so far in a heap whose root is the worst of them. */
typedef struct entry {
  uint64_t key; /* the lower the better */
  int64_t index;
} entry;

static bool is_worse(const entry *a, const entry *b) {
  return a->key != b->key ? a->key > b->key : a->index > b->index;
}

static void sink(entry *heap, int64_t n, int64_t at) {
  entry moved = heap[at];
  for (;;) {
    int64_t child = 2 * at + 1;
    if (child >= n) break;
    if (child + 1 < n && is_worse(&heap[child + 1], &heap[child])) child++;
    if (!is_worse(&heap[child], &moved)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moved;
}

/* Best first. */
static void sort_heap(entry *heap, int64_t n) {
  for (int64_t last = n - 1; last > 0; last--) {
    entry worst = heap[0];
    heap[0] = heap[last];
    heap[last] = worst;
    sink(heap, last, 0);
  }
}

enum { BLOCK = 128, MAX_TASKS = 64 };

typedef struct topk_job {
  const pg_tensor *in;
  pg_tensor *values, *indices; /* NULL when not wanted */
  int64_t rows, per_task, dim, inner, k;
  bool is_largest;
  entry *heaps; /* [MAX_TASKS][k] */
} topk_job;

static void offer(entry *heap, int64_t k, entry e) {
  if (e.index < k) {
    heap[e.index] = e;
    if (e.index < k - 1) return;
    for (int64_t i = k / 2 - 1; i >= 0; i--) sink(heap, k, i);
  } else if (is_worse(&heap[0], &e)) {
    heap[0] = e;
    sink(heap, k, 0);
  }
}

static void topk_row(const topk_job *job, int64_t row, entry *heap) {
  const void *data = pgi_tensor_data(job->in);
  int64_t first = row / job->inner * job->dim * job->inner + row % job->inner;
  uint64_t keys[BLOCK];
  for (int64_t i = 0; i < job->dim; i += BLOCK) {
    int64_t n = PG_MIN(job->dim - i, (int64_t)BLOCK);
    if (job->inner == 1) pgi_order_keys(job->in->dtype, data, first + i, n, keys);
    for (int64_t j = 0; j < n; j++) {
      if (job->inner > 1)
        pgi_order_keys(job->in->dtype, data, first + (i + j) * job->inner, 1, &keys[j]);
      offer(heap, job->k, (entry){job->is_largest ? ~keys[j] : keys[j], i + j});
    }
  }
  sort_heap(heap, job->k);
  int64_t to = row / job->inner * job->k * job->inner + row % job->inner;
  size_t size = pgi_dtype_size(job->in->dtype);
  for (int64_t i = 0; i < job->k; i++, to += job->inner) {
    int64_t from = first + heap[i].index * job->inner;
    if (job->values) {
      pgi_elem_copy((char *)pgi_tensor_data(job->values) + to * (int64_t)size,
                    (const char *)data + from * (int64_t)size, size);
    }
    if (job->indices) ((int64_t *)pgi_tensor_data(job->indices))[to] = heap[i].index;
  }
}

static void topk_task(void *arg, int64_t task) {
  const topk_job *job = arg;
  int64_t last = PG_MIN((task + 1) * job->per_task, job->rows);
  for (int64_t row = task * job->per_task; row < last; row++)
    topk_row(job, row, job->heaps + task * job->k);
}

static pg_status topk_run(pgi_call *c) {
  const pg_tensor *in = c->in[0];
  topk_job job = {.in = in, .values = c->out[0], .indices = c->n_out > 1 ? c->out[1] : NULL};
  int64_t dims[PG_MAX_RANK];
  int axis;
  PG_TRY(pgi_axis(pgi_attr_int(c->node, "axis"), in->rank, &axis, c->err));
  PG_TRY(pgi_scalar_i64(c->in[1], "K", &job.k, c->err));
  memcpy(dims, in->dims, sizeof dims);
  dims[axis] = job.k;
  PG_TRY(pgi_elems_alloc(c, 0, in->dtype, in->rank, dims));
  PG_TRY(pgi_elems_alloc(c, 1, PG_I64, in->rank, dims));
  job.dim = in->dims[axis];
  if (job.k == 0 || pgi_tensor_count(in) == 0) return PG_OK;
  job.is_largest = pgi_attr_int(c->node, "largest") != 0;
  job.inner = pgi_dims_product(in->dims, axis + 1, in->rank);
  job.rows = pgi_tensor_count(in) / job.dim;
  job.per_task = (job.rows - 1) / MAX_TASKS + 1;
  int64_t tasks = (job.rows - 1) / job.per_task + 1;
  job.heaps = pgi_call_scratch(c, (size_t)(tasks * job.k) * sizeof *job.heaps);
  if (!job.heaps) return pgi_nomem(c->err);
  pgi_call_parallel(c, tasks, topk_task, &job);
  return PG_OK;
}

static const pgi_attr_def topk_attrs[] = {{.name = "axis", .kind = PG_ATTR_INT, .i = -1},
                                          {.name = "largest", .kind = PG_ATTR_INT, .i = 1},
                                          {.name = "sorted", .kind = PG_ATTR_INT, .i = 1},
                                          {0}};

PG_OP(topk) = {
    .name = "TopK",
    .since = {1, 10, 11, 24},
    .in = {2, 2},
    .out = {2, 2},
    .types = PG_T_NUMERIC,
    .attrs = topk_attrs,
    .upgrade = topk_upgrade,
    .infer = topk_infer,
    .run = topk_run,
};
