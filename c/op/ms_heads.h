/* ms_heads: what com.microsoft's attentions have in common. */
#ifndef PG_OP_MS_HEADS_H
#define PG_OP_MS_HEADS_H

#include "op/attend.h"

/* mask_index or key_padding_mask: lengths [B], ends and starts [2 B], lengths and more [3 B +
** 2], or 0 where keys are hidden: [B,T], [B,S,T], [B,1,M,M].  Hidden keys get `filter` added. */
pg_status pgi_ms_mask(pgi_call *c, const pg_tensor *mask, const char *name, const pgi_attend *a,
                      float filter, pgi_attend_bias *out);
/* heads + bias, bias one number for each head and dimension, as a copy in scratch [B, heads, L,
** size]. */
pg_status pgi_ms_add_bias(pgi_call *c, pgi_heads *heads, const float *bias, int64_t batch,
                          int64_t n_heads, int64_t length, int64_t size);
/* Keys of a cache with new rows behind it: in `present` (NULL: not wanted) and, as f32, in
** *heads, whose length becomes past + length.  past: NULL or [B, heads, past, size]. */
pg_status pgi_ms_append(pgi_call *c, const pg_tensor *past, pg_tensor *present, pg_dtype dtype,
                        int64_t batch, int64_t n_heads, int64_t *length, int64_t size,
                        pgi_heads *heads);
/* The attribute "scale", or 1 / sqrt(size) when it is 0. */
float pgi_ms_scale(const pgi_call *c, int64_t size);
/* offset[b] = value for all. */
pg_status pgi_ms_offsets(pgi_call *c, int64_t batch, int64_t value, const int64_t **out);

#endif
