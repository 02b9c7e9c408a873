/* attend: scaled dot-product attention in f32, for every operator that has it inside.
**
** y = softmax(cap(scale * q k^T) + bias) v for each head, a block of queries at a time, so that
** scores never lie in memory as a whole; keys that no query of a block may see are not even
** looked at. */
#ifndef PG_OP_ATTEND_H
#define PG_OP_ATTEND_H

#include "op/op.h"

/* Vector (batch, head, row) lies at data + batch * b + head * h + row * r. */
typedef struct pgi_heads {
  float *data;
  int64_t batch, head, row;
} pgi_heads;

/* An addend for the scores, at data[batch * b + head * h + row * q + key]; keys from n on are
** hidden. */
typedef struct pgi_attend_bias {
  const float *data; /* NULL: none */
  int64_t batch, head, row, n;
} pgi_attend_bias;

typedef struct pgi_attend {
  int64_t batch, heads, kv_heads; /* heads is a multiple of kv_heads */
  int64_t q_len, kv_len, size, v_size;
  pgi_heads q, k, v, y;
  float scale, softcap; /* softcap 0: none */
  /* Every step is rounded to bf16 (q and k are scaled already, scale is 1); the softmax is in f32
  ** all the same when it is told so. */
  bool is_bf16, is_softmax_f32;
  bool is_nan_unseen; /* a query that sees nothing: NaN, not zeros */
  pgi_attend_bias bias[2];
  /* Query i of a batch stands at key i + offset and sees keys at most left before and right
  ** behind. */
  const int64_t *offset; /* [batch] */
  int64_t left, right;   /* -1: any number; right = 0: causal */
  const int64_t *valid;  /* [batch]: keys from here on are hidden; NULL: none */
  const float *sink;     /* [heads]: the score of one more key that has no value; NULL: none */
  float *scores; /* NULL or [batch, heads, q_len, kv_len]: takes them as they are at `stage` */
  enum { PG_RAW, PG_CAPPED, PG_BIASED, PG_PROBABILITIES } stage;
} pgi_attend;

/* Checks nothing but the memory it needs. */
pg_status pgi_attend_run(pgi_call *c, const pgi_attend *a);

/* What keys query `query` of batch b may see, before any bias: [*first, *last). */
void pgi_attend_keys(const pgi_attend *a, int64_t b, int64_t query, int64_t *first, int64_t *last);

/* attend_f64.c: the same in f64.  Numbers lie as the strides in `a` say, its own pointers, scale and
** softcap are not looked at, and it has one bias and no sink. */
typedef struct pgi_attend_f64 {
  const double *q, *k, *v, *bias; /* bias: may be NULL */
  double *y, *scores;             /* scores: may be NULL */
  double scale, softcap;
} pgi_attend_f64;
pg_status pgi_attend_run_f64(pgi_call *c, const pgi_attend *a, const pgi_attend_f64 *d);

/* attention_absorb.c: pgi_op.absorb of Softmax. */
pg_status pgi_softmax_absorb(pgi_node *node, bool *changed, pg_error *err);

/* ---- helpers for its users ------------------------------------------------------------------- */

/* heads of a contiguous tensor [B, H, L, D], or of one [B, L, H * D]. */
pgi_heads pgi_heads_split(const float *data, int64_t heads, int64_t length, int64_t size);
pgi_heads pgi_heads_packed(const float *data, int64_t heads, int64_t length, int64_t size);
/* Appends rows to rows: out [B, H, past + n, D] of `out`'s type, from `past` [B, H, past, D]
** (NULL: none) and new rows.  Types: f32 for `rows`, that of `out` for `past`. */
void pgi_heads_append(pgi_call *c, const pg_tensor *past, int64_t past_len, const pgi_heads *rows,
                      int64_t n, pg_tensor *out);
/* A mask that broadcasts to [batch, heads, q_len, keys], bools to 0 and -infinity. */
pg_status pgi_attend_mask(pgi_call *c, const pg_tensor *mask, const char *name, const pgi_attend *a,
                          pgi_attend_bias *out);
/* Scratch or the tensor's own memory, for results that are computed as f32; and their way back. */
pg_status pgi_result_f32(pgi_call *c, pg_tensor *t, float **out);
void pgi_result_store(pg_tensor *t, const float *from);

#endif
