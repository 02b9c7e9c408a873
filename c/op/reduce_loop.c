/* reduce_loop: see reduce_loop.h.
**
** Axes are coalesced until kept and reduced ones alternate.  When the last one is reduced, each
** output is a few contiguous runs; when it is kept, a block of outputs is folded row by row. */
#include "op/reduce_loop.h"

#include "kernel/unary.h"

#include <math.h>

enum {
  BLOCK = 512, /* outputs or elements at once */
  FLUSH = 64   /* rows summed in f32 before they are added to doubles */
};

/* ---- axes ------------------------------------------------------------------------------------ */

typedef struct axes {
  int rank;
  int64_t dims[PG_MAX_RANK], strides[PG_MAX_RANK];
} axes;

typedef struct job {
  const pgi_fold *fold;
  const pg_context *ctx;
  axes kept, outer; /* outer: reduced, without the run's */
  bool is_row;      /* the innermost axis is reduced */
  int64_t run;      /* its length */
  int64_t n_out, n_reduced, n_outer;
  int64_t per_task; /* outputs, or blocks of columns */
  int64_t column_blocks;
} job;

void pgi_fold_counts(const pgi_fold *fold, int64_t *outputs, int64_t *elements) {
  *outputs = *elements = 1;
  for (int i = 0; i < fold->rank; i++)
    if (fold->dims[i] == 0) *(fold->is_reduced[i] ? elements : outputs) = 0;
  if (*outputs == 0) return;
  for (int i = 0; i < fold->rank; i++) {
    if (!fold->is_reduced[i])
      *outputs *= fold->dims[i];
    else if (*elements > 0)
      *elements *= fold->dims[i];
  }
}

static void append(axes *a, int64_t dim, int64_t stride) {
  a->dims[a->rank] = dim;
  a->strides[a->rank++] = stride;
}

/* From the innermost axis outwards, so that the lists come out reversed: innermost first. */
static void coalesce(job *j) {
  const pgi_fold *fold = j->fold;
  int64_t stride = 1;
  bool was_reduced = false, is_first = true;
  j->run = 1;
  for (int i = fold->rank - 1; i >= 0; i--) {
    int64_t dim = fold->dims[i];
    bool is_reduced = fold->is_reduced[i];
    if (dim == 1) continue;
    axes *a = is_reduced ? &j->outer : &j->kept;
    if (is_first) {
      j->is_row = is_reduced;
      j->run = dim;
    } else if (is_reduced == was_reduced && stride == j->run) {
      j->run *= dim; /* still the first group */
    } else if (is_reduced == was_reduced) {
      a->dims[a->rank - 1] *= dim;
    } else {
      append(a, dim, stride);
    }
    stride *= dim;
    was_reduced = is_reduced;
    is_first = false;
  }
  if (is_first) j->is_row = true; /* one element */
}

static int64_t offset_of(const axes *a, int64_t index) {
  int64_t offset = 0;
  for (int i = 0; i < a->rank && index > 0; i++) {
    offset += index % a->dims[i] * a->strides[i];
    index /= a->dims[i];
  }
  return offset;
}

/* The offset that follows `offset`; at: coordinates, all zero at the start. */
static int64_t next_offset(const axes *a, int64_t *at, int64_t offset) {
  for (int i = 0; i < a->rank; i++) {
    offset += a->strides[i];
    if (++at[i] < a->dims[i]) return offset;
    offset -= a->dims[i] * a->strides[i];
    at[i] = 0;
  }
  return offset;
}

/* ---- working types --------------------------------------------------------------------------- */

static double start_f64(pgi_reduce f) {
  switch (f) {
    case PG_R_PROD:
      return 1;
    case PG_R_MAX:
      return -INFINITY;
    case PG_R_MIN:
      return INFINITY;
    default:
      return 0;
  }
}

/* Joins totals, where a sum of magnitudes or squares is only a sum any more. */
static double join_f64(pgi_reduce f, double a, double b) {
  switch (f) {
    case PG_R_PROD:
      return a * b;
    case PG_R_MAX:
      return b > a || isnan(b) ? b : a;
    case PG_R_MIN:
      return b < a || isnan(b) ? b : a;
    default:
      return a + b;
  }
}

#define EACH(expr) \
  for (int64_t i = 0; i < n; i++) y[i * step] = expr
/* y[i * step] = f(y[i * step], x[i]): a run for step 0, a row for step 1. */
static void fold_f64(pgi_reduce f, const double *x, double *y, int64_t n, int64_t step) {
  switch (f) {
    case PG_R_SUM:
      EACH(y[i * step] + x[i]);
      break;
    case PG_R_SUM_ABS:
      EACH(y[i * step] + fabs(x[i]));
      break;
    case PG_R_SUM_SQUARE:
      EACH(y[i * step] + x[i] * x[i]);
      break;
    default:
      EACH(join_f64(f, y[i * step], x[i]));
      break;
  }
}

static void fold_i64(pgi_reduce f, const int64_t *x, int64_t *to, int64_t n, int64_t step) {
  uint64_t *y = (uint64_t *)to; /* wraps */
#define X (uint64_t) x[i]
  switch (f) {
    case PG_R_SUM:
      EACH(y[i * step] + X);
      break;
    case PG_R_SUM_ABS:
      EACH(y[i * step] + (x[i] < 0 ? 0 - X : X));
      break;
    case PG_R_SUM_SQUARE:
      EACH(y[i * step] + X * X);
      break;
    case PG_R_PROD:
      EACH(y[i * step] * X);
      break;
    case PG_R_MAX:
      EACH((uint64_t)PG_MAX((int64_t)y[i * step], x[i]));
      break;
    case PG_R_MIN:
      EACH((uint64_t)PG_MIN((int64_t)y[i * step], x[i]));
      break;
    case PG_N_REDUCE:
      break;
  }
#undef X
}

static bool is_integer(const pgi_fold *fold) {
  pgi_kind kind = pgi_dtype_kind(fold->dtype);
  return !fold->as_f64 && (kind == PG_KIND_INT || kind == PG_KIND_UINT || kind == PG_KIND_BOOL);
}

static bool is_double(const pgi_fold *fold) {
  return fold->as_f64 || fold->dtype == PG_F64;
}

/* u64 is compared as i64 with the top bit turned over. */
static uint64_t order_flip(const pgi_fold *fold) {
  bool is_order = fold->f == PG_R_MAX || fold->f == PG_R_MIN;
  return fold->dtype == PG_U64 && is_order ? (uint64_t)1 << 63 : 0;
}

/* The least or greatest number of an integer type: what an empty set gives. */
static int64_t limit_of(pg_dtype dtype, bool is_least) {
  int bits = pg_dtype_bits(dtype);
  switch (pgi_dtype_kind(dtype)) {
    case PG_KIND_BOOL:
      return is_least ? 0 : 1;
    case PG_KIND_UINT:
      return is_least ? 0 : (int64_t)(UINT64_MAX >> (64 - bits));
    default:
      return is_least ? INT64_MIN >> (64 - bits) : INT64_MAX >> (64 - bits);
  }
}

static int64_t start_i64(const job *j) {
  const pgi_fold *fold = j->fold;
  switch (fold->f) {
    case PG_R_PROD:
      return 1;
    case PG_R_MAX:
    case PG_R_MIN: {
      bool is_max = fold->f == PG_R_MAX;
      if (j->n_reduced > 0) return is_max ? INT64_MIN : INT64_MAX;
      return (int64_t)((uint64_t)limit_of(fold->dtype, is_max) ^ order_flip(fold));
    }
    default:
      return 0;
  }
}

static void load_i64(const pgi_fold *fold, int64_t first, int64_t n, int64_t *out) {
  uint64_t flip = order_flip(fold);
  pgi_load_i64(fold->dtype, fold->x, first, n, out);
  for (int64_t i = 0; i < n && flip; i++) out[i] = (int64_t)((uint64_t)out[i] ^ flip);
}

static void store_i64(const pgi_fold *fold, int64_t first, int64_t n, int64_t *v) {
  uint64_t flip = order_flip(fold);
  for (int64_t i = 0; i < n && flip; i++) v[i] = (int64_t)((uint64_t)v[i] ^ flip);
  fold->store(fold->arg, first, n, v);
}

/* n elements as f32; `shift` is read at [i * step]. */
static const float *floats_at(const job *j, int64_t first, int64_t n, const double *shift,
                              int64_t step, float *room) {
  const pgi_fold *fold = j->fold;
  if (fold->dtype == PG_F32 && !shift) return (const float *)fold->x + first;
  pgi_load_f32(fold->dtype, fold->x, first, n, room);
  if (!shift) return room;
  for (int64_t i = 0; i < n; i++) room[i] -= (float)shift[i * step];
  pgi_unary_f32_run(j->ctx, PG_EXP, room, room, n, 0, 0);
  return room;
}

static void doubles_at(const job *j, int64_t first, int64_t n, const double *shift, int64_t step,
                       double *room) {
  pgi_load_f64(j->fold->dtype, j->fold->x, first, n, room);
  for (int64_t i = 0; i < n && shift; i++) room[i] = exp(room[i] - shift[i * step]);
}

/* ---- runs: the innermost axis is reduced ----------------------------------------------------- */

static double run_f32(const job *j, int64_t first, const double *shift) {
  const pgi_fold *fold = j->fold;
  const pgi_reduce_f32 *kernel = j->ctx->kernels[PG_K_REDUCE_F32];
  float room[BLOCK];
  int64_t step = fold->dtype == PG_F32 && !shift ? j->run : BLOCK;
  double total = start_f64(fold->f);
  for (int64_t i = 0; i < j->run; i += step) {
    int64_t n = PG_MIN(j->run - i, step);
    const float *x = floats_at(j, first + i, n, shift, 0, room);
    total = join_f64(fold->f, total, kernel->run[fold->f](x, n));
  }
  return total;
}

static double run_f64(const job *j, int64_t first, const double *shift) {
  double room[BLOCK], total = start_f64(j->fold->f);
  for (int64_t i = 0; i < j->run; i += BLOCK) {
    int64_t n = PG_MIN(j->run - i, (int64_t)BLOCK);
    doubles_at(j, first + i, n, shift, 0, room);
    fold_f64(j->fold->f, room, &total, n, 0);
  }
  return total;
}

static double row_output(const job *j, int64_t out) {
  pgi_reduce f = j->fold->f;
  const double *shift = j->fold->shift ? &j->fold->shift[out] : NULL;
  int64_t at[PG_MAX_RANK] = {0}, offset = offset_of(&j->kept, out);
  double total = start_f64(f);
  for (int64_t k = 0; k < j->n_outer; k++, offset = next_offset(&j->outer, at, offset)) {
    double v = is_double(j->fold) ? run_f64(j, offset, shift) : run_f32(j, offset, shift);
    total = join_f64(f, total, v);
  }
  return total;
}

static int64_t row_output_i64(const job *j, int64_t out) {
  int64_t at[PG_MAX_RANK] = {0}, offset = offset_of(&j->kept, out), room[BLOCK];
  int64_t total = start_i64(j);
  for (int64_t k = 0; k < j->n_outer; k++, offset = next_offset(&j->outer, at, offset)) {
    for (int64_t i = 0; i < j->run; i += BLOCK) {
      int64_t n = PG_MIN(j->run - i, (int64_t)BLOCK);
      load_i64(j->fold, offset + i, n, room);
      fold_i64(j->fold->f, room, &total, n, 0);
    }
  }
  return total;
}

static void row_task(void *arg, int64_t task) {
  const job *j = arg;
  int64_t first = task * j->per_task, n = PG_MIN(j->n_out - first, j->per_task);
  double v[BLOCK];
  int64_t ints[BLOCK];
  if (is_integer(j->fold)) {
    for (int64_t i = 0; i < n; i++) ints[i] = row_output_i64(j, first + i);
    store_i64(j->fold, first, n, ints);
  } else {
    for (int64_t i = 0; i < n; i++) v[i] = row_output(j, first + i);
    j->fold->store(j->fold->arg, first, n, v);
  }
}

/* ---- columns: the innermost axis is kept ----------------------------------------------------- */

static void flush(pgi_reduce f, float *part, double *total, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    total[i] = join_f64(f, total[i], (double)part[i]);
    part[i] = (float)start_f64(f);
  }
}

static void columns_f32(const job *j, int64_t offset, int64_t n, const double *shift,
                        double *total) {
  pgi_reduce f = j->fold->f;
  const pgi_reduce_f32 *kernel = j->ctx->kernels[PG_K_REDUCE_F32];
  float room[BLOCK], part[BLOCK];
  int64_t at[PG_MAX_RANK] = {0};
  for (int64_t i = 0; i < n; i++) part[i] = (float)start_f64(f);
  for (int64_t k = 0; k < j->n_outer; k++, offset = next_offset(&j->outer, at, offset)) {
    kernel->row[f](floats_at(j, offset, n, shift, 1, room), part, n);
    if (f == PG_R_PROD || (k + 1) % FLUSH == 0) flush(f, part, total, n);
  }
  flush(f, part, total, n);
}

static void columns_f64(const job *j, int64_t offset, int64_t n, const double *shift,
                        double *total) {
  double room[BLOCK];
  int64_t at[PG_MAX_RANK] = {0};
  for (int64_t k = 0; k < j->n_outer; k++, offset = next_offset(&j->outer, at, offset)) {
    doubles_at(j, offset, n, shift, 1, room);
    fold_f64(j->fold->f, room, total, n, 1);
  }
}

static void columns_i64(const job *j, int64_t offset, int64_t n, int64_t *total) {
  int64_t room[BLOCK], at[PG_MAX_RANK] = {0};
  for (int64_t i = 0; i < n; i++) total[i] = start_i64(j);
  for (int64_t k = 0; k < j->n_outer; k++, offset = next_offset(&j->outer, at, offset)) {
    load_i64(j->fold, offset, n, room);
    fold_i64(j->fold->f, room, total, n, 1);
  }
}

static void column_block(const job *j, int64_t block) {
  int64_t column = block % j->column_blocks * BLOCK, row = block / j->column_blocks;
  int64_t n = PG_MIN(j->run - column, (int64_t)BLOCK), out = row * j->run + column;
  int64_t offset = offset_of(&j->kept, row) + column, ints[BLOCK];
  double total[BLOCK];
  if (is_integer(j->fold)) {
    columns_i64(j, offset, n, ints);
    store_i64(j->fold, out, n, ints);
    return;
  }
  const double *shift = j->fold->shift ? j->fold->shift + out : NULL;
  for (int64_t i = 0; i < n; i++) total[i] = start_f64(j->fold->f);
  if (is_double(j->fold))
    columns_f64(j, offset, n, shift, total);
  else
    columns_f32(j, offset, n, shift, total);
  j->fold->store(j->fold->arg, out, n, total);
}

static void column_task(void *arg, int64_t task) {
  const job *j = arg;
  int64_t last = PG_MIN((task + 1) * j->per_task, j->n_out / j->run * j->column_blocks);
  for (int64_t block = task * j->per_task; block < last; block++) column_block(j, block);
}

/* ---- all ------------------------------------------------------------------------------------- */

void pgi_fold_run(pgi_call *c, const pgi_fold *fold) {
  job j = {.fold = fold, .ctx = c->ctx};
  pgi_fold_counts(fold, &j.n_out, &j.n_reduced);
  if (j.n_out == 0) return;
  if (j.n_reduced > 0) {
    coalesce(&j);
  } else {
    j.is_row = true; /* all outputs are what an empty set gives */
    j.run = 1;
  }
  j.n_outer = j.is_row ? j.n_reduced / j.run : j.n_reduced;
  if (j.is_row) {
    j.per_task = PG_MIN((int64_t)BLOCK, PG_GRAIN / PG_MIN(j.n_reduced + 1, (int64_t)PG_GRAIN));
    pgi_call_parallel(c, (j.n_out - 1) / j.per_task + 1, row_task, &j);
    return;
  }
  j.column_blocks = (j.run - 1) / BLOCK + 1;
  int64_t work = PG_MIN(j.run, (int64_t)BLOCK) * PG_MIN(j.n_reduced, (int64_t)PG_GRAIN);
  int64_t blocks = j.n_out / j.run * j.column_blocks;
  j.per_task = PG_MAX(1, PG_GRAIN / work);
  pgi_call_parallel(c, (blocks - 1) / j.per_task + 1, column_task, &j);
}
