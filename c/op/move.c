/* move: what the operators share that only move elements. */
#include "op/move.h"

/* ---- elements -------------------------------------------------------------------------------- */

static void *scratch(pgi_call *c, int64_t n, size_t size) {
  size_t bytes;
  if (!pgi_mul_size((size_t)n, size, &bytes)) return NULL;
  return pgi_call_scratch(c, PG_MAX(bytes, (size_t)1));
}

static void unpack(const uint8_t *from, int bits, int64_t n, char *to) {
  int per_byte = 8 / bits, mask = (1 << bits) - 1;
  for (int64_t i = 0; i < n; i++) {
    to[i] = (char)(from[i / per_byte] >> (i % per_byte * bits) & mask);
  }
}

static void pack(const char *from, int bits, int64_t n, uint8_t *to) {
  int per_byte = 8 / bits;
  for (int64_t i = 0; i < n; i += per_byte) {
    int byte = 0;
    for (int k = 0; k < per_byte && i + k < n; k++) byte |= from[i + k] << (k * bits);
    to[i / per_byte] = (uint8_t)byte;
  }
}

pg_status pgi_elems_of(pgi_call *c, const pg_tensor *t, pgi_elems *out) {
  pgi_elems e = {pgi_tensor_data(t), pgi_dtype_size(t->dtype)};
  if (e.size == 0) {
    int64_t n = pgi_tensor_count(t);
    const uint8_t *packed = pgi_tensor_data(t);
    e = (pgi_elems){scratch(c, n, 1), 1};
    if (!e.data) return pgi_nomem(c->err);
    unpack(packed, pg_dtype_bits(t->dtype), n, e.data);
  }
  *out = e;
  return PG_OK;
}

pg_status pgi_elems_for(pgi_call *c, const pg_tensor *t, pgi_elems *out) {
  size_t size = pgi_dtype_size(t->dtype);
  pgi_elems e = {NULL, size ? size : 1};
  if (size == 0 || t->dtype == PG_STRING)
    e.data = scratch(c, pgi_tensor_count(t), e.size);
  else
    e.data = pgi_tensor_data(t);
  if (!e.data) return pgi_nomem(c->err);
  *out = e;
  return PG_OK;
}

pg_status pgi_elems_done(pgi_call *c, pg_tensor *t, const pgi_elems *e) {
  int64_t n = pgi_tensor_count(t);
  if (t->dtype == PG_STRING) {
    const pg_string *strings = (const pg_string *)(const void *)e->data;
    for (int64_t i = 0; i < n; i++) {
      PG_TRY(pgi_string_set(t->buffer, t->offset + i, strings[i].data, strings[i].size, c->err));
    }
  } else if (pgi_dtype_size(t->dtype) == 0) {
    pack(e->data, pg_dtype_bits(t->dtype), n, pgi_tensor_data(t));
  }
  return PG_OK;
}

pg_status pgi_elems_alloc(pgi_call *c, int i, pg_dtype dtype, int rank, const int64_t *dims) {
  if (i >= c->n_out || !c->out[i]) return PG_OK;
  return pgi_call_alloc(c, i, dtype, rank, dims);
}

/* What is filled already is the source of the next, twice as long, copy. */
void pgi_elems_fill(char *to, const char *value, int64_t n, size_t size) {
  if (n <= 0) return;
  size_t bytes = (size_t)n * size, done = size;
  bool is_uniform = true;
  for (size_t i = 1; i < size; i++) is_uniform = is_uniform && value[i] == value[0];
  if (is_uniform) {
    memset(to, value[0], bytes);
    return;
  }
  memcpy(to, value, size);
  while (done < bytes) {
    size_t more = PG_MIN(PG_MIN(done, bytes - done), (size_t)16384 / size * size + size);
    memcpy(to + done, to, more);
    done += more;
  }
}

/* ---- loops ----------------------------------------------------------------------------------- */

enum { TASK_BYTES = 1 << 17 };

typedef struct rows_job {
  int64_t rows, per_task;
  void (*f)(void *arg, int64_t first, int64_t n);
  void *arg;
} rows_job;

static void rows_task(void *arg, int64_t task) {
  const rows_job *job = arg;
  int64_t first = task * job->per_task;
  job->f(job->arg, first, PG_MIN(job->rows - first, job->per_task));
}

void pgi_move_rows(pgi_call *c, int64_t rows, size_t row_bytes,
                   void (*f)(void *arg, int64_t first, int64_t n), void *arg) {
  if (rows <= 0) return;
  size_t per_task = row_bytes ? TASK_BYTES / row_bytes : TASK_BYTES;
  rows_job job = {rows, PG_MAX((int64_t)per_task, 1), f, arg};
  pgi_call_parallel(c, (rows - 1) / job.per_task + 1, rows_task, &job);
}

typedef struct bytes_job {
  char *to;
  const char *from;
  size_t bytes;
} bytes_job;

static void bytes_task(void *arg, int64_t task) {
  const bytes_job *job = arg;
  size_t first = (size_t)task * TASK_BYTES;
  memcpy(job->to + first, job->from + first, PG_MIN(job->bytes - first, (size_t)TASK_BYTES));
}

void pgi_move_bytes(pgi_call *c, char *to, const char *from, size_t bytes) {
  if (bytes == 0) return;
  bytes_job job = {to, from, bytes};
  pgi_call_parallel(c, (int64_t)((bytes - 1) / TASK_BYTES + 1), bytes_task, &job);
}

/* ---- strided --------------------------------------------------------------------------------- */

typedef struct strided_job {
  char *to;
  const char *from;
  int rank;
  size_t size;
  int64_t dims[PG_MAX_RANK], to_strides[PG_MAX_RANK], from_strides[PG_MAX_RANK];
  int cut;                /* a task is a stretch of this axis, at one place of the axes before it */
  int64_t per_task, cuts; /* of that axis */
} strided_job;

/* Axes of one element go; an axis that continues the one before it joins it. */
static void coalesce(strided_job *job, int rank, const int64_t *dims, const int64_t *to_strides,
                     const int64_t *from_strides) {
  int k = 0;
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 1) continue;
    bool joins = k > 0 && job->to_strides[k - 1] == to_strides[i] * dims[i] &&
                 job->from_strides[k - 1] == from_strides[i] * dims[i];
    if (joins) k--;
    job->dims[k] = joins ? job->dims[k] * dims[i] : dims[i];
    job->to_strides[k] = to_strides[i];
    job->from_strides[k] = from_strides[i];
    k++;
  }
  job->rank = k;
}

/* Cuts the outermost axis along which a step moves no more than a task should. */
static void choose_cut(strided_job *job) {
  int64_t inner = pgi_dims_product(job->dims, 0, job->rank);
  int cut = 0;
  for (; cut < job->rank; cut++) {
    inner /= job->dims[cut];
    if (inner * (int64_t)job->size <= TASK_BYTES) break;
  }
  job->cut = PG_MIN(cut, job->rank - 1);
  int64_t per_task = PG_MAX(TASK_BYTES / PG_MAX(inner * (int64_t)job->size, 1), 1);
  if (per_task > 32) per_task &= ~(int64_t)31;
  job->per_task = per_task;
  job->cuts = (job->dims[job->cut] - 1) / per_task + 1;
}

static void strided_task(void *arg, int64_t task) {
  const strided_job *job = arg;
  int64_t dims[PG_MAX_RANK], first = task % job->cuts * job->per_task, outer = task / job->cuts;
  int64_t to = first * job->to_strides[job->cut], from = first * job->from_strides[job->cut];
  for (int i = job->cut - 1; i >= 0; i--) {
    int64_t at = outer % job->dims[i];
    outer /= job->dims[i];
    to += at * job->to_strides[i];
    from += at * job->from_strides[i];
  }
  int rank = job->rank - job->cut;
  memcpy(dims, job->dims + job->cut, (size_t)rank * sizeof *dims);
  dims[0] = PG_MIN(job->dims[job->cut] - first, job->per_task);
  pgi_copy_strided(job->to + to * (int64_t)job->size, job->to_strides + job->cut,
                   job->from + from * (int64_t)job->size, job->from_strides + job->cut, rank, dims,
                   job->size);
}

void pgi_move_strided(pgi_call *c, char *to, const int64_t *to_strides, const char *from,
                      const int64_t *from_strides, int rank, const int64_t *dims, size_t size) {
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 0) return;
  }
  strided_job job = {.to = to, .from = from, .size = size};
  coalesce(&job, rank, dims, to_strides, from_strides);
  if (job.rank == 0) {
    memcpy(to, from, size);
    return;
  }
  choose_cut(&job);
  pgi_call_parallel(c, pgi_dims_product(job.dims, 0, job.cut) * job.cuts, strided_task, &job);
}

/* ---- mapped ---------------------------------------------------------------------------------- */

/* A stretch of the innermost axis that comes from consecutive elements, or is all fill (from <
** 0). */
typedef struct stretch {
  int64_t to, from, n;
} stretch;

typedef struct mapped_job {
  const pgi_mapped *m;
  char *to;
  const char *from;
  size_t size;
  const stretch *stretches;
  int64_t n_stretches;
} mapped_job;

static int64_t find_stretches(const int64_t *map, int64_t n, stretch *out) {
  int64_t k = 0;
  for (int64_t i = 0; i < n; i++) {
    stretch *last = k ? &out[k - 1] : NULL;
    if (last && map[i] == (last->from < 0 ? -1 : last->from + last->n))
      last->n++;
    else
      out[k++] = (stretch){i, map[i], 1};
  }
  return k;
}

static void mapped_row(const mapped_job *job, char *to, const char *from) {
  size_t size = job->size;
  for (int64_t i = 0; i < job->n_stretches; i++) {
    const stretch *s = &job->stretches[i];
    char *at = to + s->to * (int64_t)size;
    if (s->from < 0)
      pgi_elems_fill(at, job->m->fill, s->n, size);
    else if (s->n == 1)
      pgi_elem_copy(at, from + s->from * (int64_t)size, size);
    else
      memcpy(at, from + s->from * (int64_t)size, (size_t)s->n * size);
  }
}

static void mapped_rows(void *arg, int64_t first, int64_t n) {
  const mapped_job *job = arg;
  const pgi_mapped *m = job->m;
  int outer = m->rank - 1;
  int64_t out_row = m->out_dims[outer] * (int64_t)job->size;
  int64_t in_row = m->in_dims[outer] * (int64_t)job->size;
  pgi_coords k;
  pgi_coords_set(&k, outer, m->out_dims, first);
  for (int64_t row = first; row < first + n; row++, pgi_coords_next(&k)) {
    int64_t from = 0;
    for (int i = 0; i < outer && from >= 0; i++) {
      int64_t at = m->maps[i][k.at[i]];
      from = at < 0 ? -1 : from * m->in_dims[i] + at;
    }
    char *to = job->to + row * out_row;
    if (from < 0)
      pgi_elems_fill(to, m->fill, m->out_dims[outer], job->size);
    else
      mapped_row(job, to, job->from + from * in_row);
  }
}

pg_status pgi_move_mapped(pgi_call *c, char *to, const char *from, size_t size,
                          const pgi_mapped *m) {
  for (int i = 0; i < m->rank; i++) {
    if (m->out_dims[i] == 0) return PG_OK;
  }
  if (m->rank == 0) {
    memcpy(to, from, size);
    return PG_OK;
  }
  int64_t n = m->out_dims[m->rank - 1];
  stretch *stretches = scratch(c, n, sizeof *stretches);
  if (!stretches) return pgi_nomem(c->err);
  mapped_job job = {m, to, from, size, stretches, 0};
  job.n_stretches = find_stretches(m->maps[m->rank - 1], n, stretches);
  pgi_move_rows(c, pgi_dims_product(m->out_dims, 0, m->rank - 1), (size_t)n * size, mapped_rows,
                &job);
  return PG_OK;
}

/* ---- coordinates ----------------------------------------------------------------------------- */

void pgi_coords_set(pgi_coords *k, int rank, const int64_t *dims, int64_t index) {
  k->rank = rank;
  k->dims = dims;
  for (int i = rank - 1; i >= 0; i--) {
    k->at[i] = index % dims[i];
    index /= dims[i];
  }
}

void pgi_coords_next(pgi_coords *k) {
  for (int i = k->rank - 1; i >= 0; i--) {
    if (++k->at[i] < k->dims[i]) return;
    k->at[i] = 0;
  }
}

void pgi_dense_strides(int rank, const int64_t *dims, int64_t *strides) {
  uint64_t stride = 1;
  for (int i = rank - 1; i >= 0; i--) {
    strides[i] = (int64_t)stride;
    stride *= (uint64_t)dims[i];
  }
}

/* ---- numbers from inputs --------------------------------------------------------------------- */

pg_status pgi_list(const pg_tensor *t, const char *name, int64_t *out, int max, int *n,
                   pg_error *err) {
  *n = -1;
  if (!t) return PG_OK;
  pgi_kind kind = pgi_dtype_kind(t->dtype);
  int64_t count = pgi_tensor_count(t);
  if (t->rank > 1 || count > max || (kind != PG_KIND_INT && kind != PG_KIND_UINT)) {
    char text[400];
    return pgi_fail(err, PG_INVALID, "%s: expected at most %d integers in a list, got %s", name,
                    max, pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
  }
  for (int i = 0; i < (int)count; i++) out[i] = pgi_tensor_get_i64(t, i);
  *n = (int)count;
  return PG_OK;
}

static pg_status check_scalar(const pg_tensor *t, const char *name, pg_error *err) {
  pgi_kind kind = t ? pgi_dtype_kind(t->dtype) : PG_KIND_NONE;
  bool is_number = kind == PG_KIND_FLOAT || kind == PG_KIND_INT || kind == PG_KIND_UINT;
  if (is_number && pgi_tensor_count(t) == 1) return PG_OK;
  if (!t) return pgi_fail(err, PG_INVALID, "%s: expected one number, got nothing", name);
  char text[400];
  return pgi_fail(err, PG_INVALID, "%s: expected one number, got %s", name,
                  pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
}

pg_status pgi_scalar_i64(const pg_tensor *t, const char *name, int64_t *out, pg_error *err) {
  PG_TRY(check_scalar(t, name, err));
  *out = pgi_tensor_get_i64(t, 0);
  return PG_OK;
}

pg_status pgi_scalar_f64(const pg_tensor *t, const char *name, double *out, pg_error *err) {
  PG_TRY(check_scalar(t, name, err));
  *out = pgi_tensor_get_f64(t, 0);
  return PG_OK;
}

pg_status pgi_i64s(pgi_call *c, const pg_tensor *t, const int64_t **out) {
  if (t->dtype == PG_I64) {
    *out = pgi_tensor_data(t);
    return PG_OK;
  }
  pgi_kind kind = pgi_dtype_kind(t->dtype);
  if (kind != PG_KIND_INT && kind != PG_KIND_UINT) {
    return pgi_fail(c->err, PG_INVALID, "indices: expected i32 or i64, got %s",
                    pg_dtype_name(t->dtype));
  }
  int64_t n = pgi_tensor_count(t), *numbers = scratch(c, n, sizeof *numbers);
  if (!numbers) return pgi_nomem(c->err);
  pgi_load_i64(t->dtype, pgi_tensor_data(t), 0, n, numbers);
  *out = numbers;
  return PG_OK;
}

pg_status pgi_index(int64_t index, int64_t dim, int64_t *out, pg_error *err) {
  if (index < -dim || index >= dim) {
    return pgi_fail(err, PG_INVALID, "index: expected %lld to %lld, got %lld", (long long)-dim,
                    (long long)dim - 1, (long long)index);
  }
  *out = index < 0 ? index + dim : index;
  return PG_OK;
}

/* ---- inference ------------------------------------------------------------------------------- */

pgi_type *pgi_out_type(pgi_infer *inf, int i, pg_dtype dtype, int rank) {
  pgi_type *t = &inf->out[i];
  *t = pgi_type_tensor(dtype);
  t->rank = rank;
  for (int k = 0; k < rank; k++) t->dims[k] = pgi_dim_unknown();
  return t;
}

pg_status pgi_check_rank(int64_t rank, const char *name, pg_error *err) {
  if (rank >= 0 && rank <= PG_MAX_RANK) return PG_OK;
  return pgi_fail(err, PG_INVALID, "%s: expected a rank of at most %d, got %lld", name, PG_MAX_RANK,
                  (long long)rank);
}

int64_t pgi_in_length(const pgi_infer *inf, int i) {
  int rank = pgi_in_rank(inf, i);
  if (rank == 0) return 1;
  return rank == 1 ? inf->in[i]->dims[0].n : -1;
}

pg_status pgi_num_list(const pgi_infer *inf, int i, const char *name, pgi_num *out, int max,
                       int *n) {
  int64_t numbers[2 * PG_MAX_RANK];
  const pg_tensor *known = pgi_known(inf, i);
  const pgi_content *content = inf->content && i < inf->n_in ? inf->content[i] : NULL;
  *n = -1;
  if (known) {
    PG_TRY(pgi_list(known, name, numbers, PG_MIN(max, 2 * PG_MAX_RANK), n, inf->err));
    for (int k = 0; k < *n; k++) out[k] = pgi_num_of(numbers[k]);
  } else if (content && content->rank <= 1 && content->n <= max) {
    *n = (int)content->n;
    memcpy(out, content->at, (size_t)content->n * sizeof *out);
  }
  return PG_OK;
}

pg_status pgi_num_size(const pgi_infer *inf, pgi_num num, const char *name, int i, pgi_dim *out) {
  *out = pgi_dim_of_num(num);
  if (!pgi_num_is_number(num) || num.n >= 0) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "%s[%d]: expected a size, got %lld", name, i,
                  (long long)num.n);
}

pg_status pgi_attr_dtype(const pgi_node *node, const char *name, pg_dtype otherwise,
                         pgi_types types, pg_dtype *out, pg_error *err) {
  *out = otherwise;
  if (!pgi_attr_find(node, name)) return PG_OK;
  int64_t dtype = pgi_attr_int(node, name);
  bool is_valid = dtype > 0 && dtype < 32 && pgi_dtype_valid((int)dtype);
  if (!is_valid || !(types & PG_T(dtype))) {
    return pgi_fail(err, PG_INVALID, "attribute '%s': element type %lld (%s) is not possible here",
                    name, (long long)dtype, is_valid ? pg_dtype_name((pg_dtype)dtype) : "unknown");
  }
  *out = (pg_dtype)dtype;
  return PG_OK;
}

bool pgi_keeps_shape(const pgi_node *node) {
  if (node->n_in < 1 || node->n_out < 1 || !node->in[0].value || !node->out[0]) return false;
  const pgi_type *a = &node->in[0].value->type, *b = &node->out[0]->type;
  if (a->kind != PG_TYPE_TENSOR || b->kind != PG_TYPE_TENSOR) return false;
  if (a->rank < 0 || a->rank != b->rank || a->dtype != b->dtype) return false;
  for (int i = 0; i < a->rank; i++) {
    if (!pgi_dim_equal(a->dims[i], b->dims[i])) return false;
  }
  return true;
}
