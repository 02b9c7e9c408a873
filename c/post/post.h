/* post: from what networks put out to answers: suppression of overlapping boxes, CTC decoding.
** Tensors in, tensors out; every result is fresh and contiguous. */
#ifndef PG_POST_H
#define PG_POST_H

#include "tensor/tensor.h"

/* ---- nms.c ---------------------------------------------------------------------------------------- */

typedef enum pgi_nms_kind {
  PG_NMS_HARD,          /* drop what overlaps a better box by more than `iou` */
  PG_NMS_SOFT_LINEAR,   /* Bodla et al. 2017: score *= 1 - iou where iou > the threshold */
  PG_NMS_SOFT_GAUSSIAN, /* the same paper: score *= exp(-iou^2 / sigma), for all */
  PG_NMS_WEIGHTED       /* overlapping boxes are averaged, weighted by their scores */
} pgi_nms_kind;

typedef struct pgi_nms_options {
  pgi_nms_kind kind;
  float iou;         /* threshold, 0 to 1 */
  float min_score;   /* boxes below are not considered, and dropped when they decay to it */
  float sigma;       /* of the gaussian kind */
  int64_t max_boxes; /* 0: any number */
} pgi_nms_options;

/* boxes: f32 [N,4] as x1, y1, x2, y2 (corners, in any unit); scores: f32 [N]; classes: i64 [N] or
** NULL: only boxes of one class suppress each other.
** indices: i64 [K], 0-based rows of boxes, best first (of a weighted group: its best).  out_boxes:
** f32 [K,4]; out_scores: f32 [K].  NaN scores are dropped; equal scores keep their order. */
pg_status pgi_nms(pg_context *ctx, const pg_tensor *boxes, const pg_tensor *scores,
                  const pg_tensor *classes, const pgi_nms_options *o, pg_tensor *indices,
                  pg_tensor *out_boxes, pg_tensor *out_scores, pg_error *err);
/* Intersection over union of two boxes; 0 when both are empty. */
float pgi_iou(const float a[4], const float b[4]);

/* ---- ctc.c ---------------------------------------------------------------------------------------- */

/* logits: f32 [T,C], row t the unnormalised scores at step t (softmax is taken here); blank: 0-based
** class.  labels: i64 [L], the decoded classes without blanks.  *confidence: 0 to 1. */

/* The best class at each step, repetitions joined.  steps (may be NULL): i64 [L], the step where
** each label begins.  The confidence is the geometric mean over labels of the best probability. */
pg_status pgi_ctc_greedy(pg_context *ctx, const pg_tensor *logits, int64_t blank, pg_tensor *labels,
                         pg_tensor *steps, double *confidence, pg_error *err);
/* Prefix beam search (Hannun et al. 2014, without a language model).  The confidence is the
** probability of the labelling, summed over the alignments in the beam. */
pg_status pgi_ctc_beam(pg_context *ctx, const pg_tensor *logits, int64_t blank, int64_t width,
                       pg_tensor *labels, double *confidence, pg_error *err);

#endif
