/* Attention in f64: plain loops, a query at a time.  For checking models, not for speed. */
#include "op/attend.h"
#include "op/lanes.h"

#include <math.h>

typedef struct job {
  const pgi_attend *a;
  const pgi_attend_f64 *d;
} job;

static void score(const job *j, int64_t b, int64_t h, int64_t query, double *scores) {
  const pgi_attend *a = j->a;
  int64_t kv = h / (a->heads / a->kv_heads);
  const double *q = j->d->q + b * a->q.batch + h * a->q.head + query * a->q.row;
  for (int64_t i = 0; i < a->kv_len; i++) {
    const double *k = j->d->k + b * a->k.batch + kv * a->k.head + i * a->k.row;
    double sum = 0;
    for (int64_t at = 0; at < a->size; at++) sum += q[at] * k[at];
    scores[i] = sum * j->d->scale;
  }
}

static void keep(const job *j, int stage, int64_t row, const double *scores) {
  const pgi_attend *a = j->a;
  if (!j->d->scores || (int)a->stage != stage) return;
  memcpy(j->d->scores + row * a->kv_len, scores, (size_t)a->kv_len * sizeof *scores);
}

static void hide(const job *j, int64_t b, int64_t h, int64_t query, double *scores) {
  const pgi_attend *a = j->a;
  const pgi_attend_bias *bias = &a->bias[0];
  int64_t first, last;
  pgi_attend_keys(a, b, query, &first, &last);
  const double *from = j->d->bias;
  if (from) from += b * bias->batch + h * bias->head + query * bias->row;
  for (int64_t i = 0; i < a->kv_len; i++) {
    bool is_hidden = i < first || i >= last || (from && (i >= bias->n || from[i] == -INFINITY));
    if (is_hidden)
      scores[i] = -INFINITY;
    else if (from)
      scores[i] += from[i];
  }
}

static void normalise(double *x, int64_t n) {
  double most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++) most = x[i] > most || isnan(x[i]) ? x[i] : most;
  for (int64_t i = 0; i < n; i++) {
    x[i] = most == -INFINITY ? 0 : exp(x[i] - most);
    sum += x[i];
  }
  for (int64_t i = 0; i < n && sum != 0; i++) x[i] /= sum;
}

static void run_row(void *arg, int64_t row, void *room) {
  const job *j = arg;
  const pgi_attend *a = j->a;
  int64_t b = row / (a->heads * a->q_len), h = row / a->q_len % a->heads, query = row % a->q_len;
  int64_t kv = h / (a->heads / a->kv_heads);
  double *scores = room, cap = j->d->softcap;
  score(j, b, h, query, scores);
  keep(j, PG_RAW, row, scores);
  for (int64_t i = 0; i < a->kv_len && cap != 0; i++) scores[i] = cap * tanh(scores[i] / cap);
  keep(j, PG_CAPPED, row, scores);
  hide(j, b, h, query, scores);
  keep(j, PG_BIASED, row, scores);
  normalise(scores, a->kv_len);
  keep(j, PG_PROBABILITIES, row, scores);
  double *y = j->d->y + b * a->y.batch + h * a->y.head + query * a->y.row;
  memset(y, 0, (size_t)a->v_size * sizeof *y);
  for (int64_t i = 0; i < a->kv_len; i++) {
    const double *v = j->d->v + b * a->v.batch + kv * a->v.head + i * a->v.row;
    for (int64_t at = 0; at < a->v_size && scores[i] != 0; at++) y[at] += scores[i] * v[at];
  }
}

pg_status pgi_attend_run_f64(pgi_call *c, const pgi_attend *a, const pgi_attend_f64 *d) {
  job j = {a, d};
  int64_t rows = a->batch * a->heads * a->q_len;
  size_t bytes;
  pgi_lanes lanes;
  if (rows == 0) return PG_OK;
  if (!pgi_mul_size((size_t)a->kv_len, sizeof(double), &bytes)) return pgi_nomem(c->err);
  PG_TRY(pgi_lanes_init(&lanes, c, rows, bytes));
  pgi_lanes_run(&lanes, rows, run_row, &j);
  return PG_OK;
}
