/* DeformConv: a convolution whose taps are moved by learned offsets and weighed by a mask (Dai et
** al. 2017, Zhu et al. 2018).  The moved samples are written out as a matrix, then multiplied. */
#include <math.h>

#include "op/conv.h"
#include "op/product.h"

typedef struct shape {
  pgi_conv c;
  int64_t offset_groups;
} shape;

/* Input i: expected [batch, channels, outputs of the window...]. */
static pg_status check_field(const pgi_conv *c, const char *what, int rank, const int64_t *dims,
                             int64_t channels, pg_error *err) {
  bool fits = rank == c->w.n + 2 && dims[0] == c->batch && dims[1] == channels;
  for (int i = 0; fits && i < c->w.n; i++) fits = dims[2 + i] == c->w.out[i];
  if (fits) return PG_OK;
  char text[200];
  return pgi_fail(err, PG_INVALID, "%s: expected [%lld,%lld,...] over the output, got %s", what,
                  (long long)c->batch, (long long)channels,
                  pgi_shape_text(PG_NONE, rank, dims, text, sizeof text));
}

static pg_status init(shape *s, const pgi_node *node, const pg_tensor *x, const pg_tensor *w,
                      const pg_tensor *offset, const pg_tensor *mask, pg_error *err) {
  PG_TRY(pgi_conv_init(&s->c, node, x->rank, x->dims, w->rank, w->dims, err));
  s->offset_groups = pgi_attr_int(node, "offset_group");
  if (s->offset_groups < 1 || s->c.channels % s->offset_groups != 0 ||
      (double)s->offset_groups * (double)s->c.w.taps > 1e15) {
    return pgi_fail(err, PG_INVALID, "offset_group: %lld doesn't divide %lld channels",
                    (long long)s->offset_groups, (long long)s->c.channels);
  }
  int64_t n = s->offset_groups * s->c.w.taps;
  PG_TRY(check_field(&s->c, "offset", offset->rank, offset->dims, n * s->c.w.n, err));
  return mask ? check_field(&s->c, "mask", mask->rank, mask->dims, n, err) : PG_OK;
}

static pg_status infer(pgi_infer *inf) {
  inf->out[0] = pgi_type_tensor(pgi_in_dtype(inf, 0));
  return pgi_infer_conv(inf, 1, &inf->out[0]);
}

/* ---- samples -------------------------------------------------------------------------------- */

typedef struct run {
  const shape *s;
  const pg_tensor *offset, *mask, *x, *weights;
  int64_t image;
  double *samples; /* [channels * taps, out_size] */
} run;

/* n-linear interpolation; elements outside count as 0. */
static double sample(const pgi_window *w, const double *x, const double *at) {
  double sum = 0;
  for (int corner = 0; corner < 1 << w->n; corner++) {
    double weight = 1;
    int64_t index = 0;
    for (int i = 0; i < w->n && weight != 0; i++) {
      double low = floor(at[i]), part = at[i] - low, p = corner >> i & 1 ? low + 1 : low;
      weight *= corner >> i & 1 ? part : 1 - part;
      if (!(p >= 0 && p < (double)w->in[i]))
        weight = 0; /* NaN is outside too */
      else
        index = index * w->in[i] + (int64_t)p;
    }
    if (weight != 0) sum += weight * x[index];
  }
  return sum;
}

/* All taps of one channel. */
static void sample_task(void *arg, int64_t channel, void *scratch) {
  const run *r = arg;
  const pgi_conv *c = &r->s->c;
  const pgi_window *w = &c->w;
  double *x = scratch;
  int64_t group = channel / (c->channels / r->s->offset_groups);
  pgi_load_f64(r->x->dtype, pgi_tensor_data(r->x), (r->image * c->channels + channel) * w->in_size,
               w->in_size, x);
  for (int64_t t = 0; t < w->taps; t++) {
    int64_t field = (r->image * r->s->offset_groups + group) * w->taps + t;
    int64_t tap[PG_MAX_SPATIAL] = {0}, pos[PG_MAX_SPATIAL] = {0}, rest = t;
    for (int i = w->n - 1; i >= 0; i--) {
      tap[i] = rest % w->kernel[i] * w->dilation[i] - w->before[i];
      rest /= w->kernel[i];
    }
    for (int64_t o = 0; o < w->out_size; o++) {
      double at[PG_MAX_SPATIAL], scale = 1;
      for (int i = 0; i < w->n; i++) {
        double moved;
        pgi_load_f64(r->offset->dtype, pgi_tensor_data(r->offset),
                     (field * w->n + i) * w->out_size + o, 1, &moved);
        at[i] = (double)(pos[i] * w->stride[i] + tap[i]) + moved;
      }
      if (r->mask) {
        pgi_load_f64(r->mask->dtype, pgi_tensor_data(r->mask), field * w->out_size + o, 1, &scale);
      }
      r->samples[(channel * w->taps + t) * w->out_size + o] = scale * sample(w, x, at);
      for (int a = w->n - 1; a >= 0 && ++pos[a] == w->out[a]; a--) pos[a] = 0;
    }
  }
}

/* ---- running -------------------------------------------------------------------------------- */

typedef struct multiply {
  const run *r;
  const double *w, *bias;
  pg_tensor *y;
} multiply;

/* One output channel of the image. */
static void multiply_task(void *arg, int64_t output, void *scratch) {
  const multiply *m = arg;
  const pgi_conv *c = &m->r->s->c;
  int64_t k = c->in_per_group * c->w.taps, n = c->w.out_size;
  double *y = scratch;
  pgi_plain_product p = {1, n, k, k, 1, n, 1};
  pgi_plain_f64(&p, m->w + output * k, m->r->samples + output / c->out_per_group * k * n, y);
  for (int64_t j = 0; m->bias && j < n; j++) y[j] += m->bias[output];
  pgi_store_f64(m->y->dtype, pgi_tensor_data(m->y), (m->r->image * c->outputs + output) * n, n, y);
}

static pg_status as_f64(pgi_call *call, const pg_tensor *t, double **out) {
  int64_t n = pgi_tensor_count(t);
  PG_TRY(pgi_scratch_array(call, n, sizeof **out, out));
  pgi_load_f64(t->dtype, pgi_tensor_data(t), 0, n, *out);
  return PG_OK;
}

static pg_status run_deform(pgi_call *call) {
  const pg_tensor *bias = call->n_in > 3 ? call->in[3] : NULL;
  shape s;
  run r = {.s = &s,
           .x = call->in[0],
           .weights = call->in[1],
           .offset = call->in[2],
           .mask = call->n_in > 4 ? call->in[4] : NULL};
  PG_TRY(init(&s, call->node, r.x, r.weights, r.offset, r.mask, call->err));
  PG_TRY(pgi_check_bias(bias, s.c.outputs, call->err));
  double *w, *b = NULL;
  PG_TRY(as_f64(call, r.weights, &w));
  if (bias) PG_TRY(as_f64(call, bias, &b));
  PG_TRY(pgi_scratch_array(call, s.c.channels * s.c.w.taps,
                           (size_t)s.c.w.out_size * sizeof *r.samples, &r.samples));
  pgi_lanes sampling, multiplying;
  PG_TRY(pgi_lanes_init(&sampling, call, s.c.channels, (size_t)s.c.w.in_size * sizeof(double)));
  PG_TRY(pgi_lanes_init(&multiplying, call, s.c.outputs, (size_t)s.c.w.out_size * sizeof(double)));
  multiply m = {&r, w, b, call->out[0]};
  for (r.image = 0; r.image < s.c.batch; r.image++) {
    pgi_lanes_run(&sampling, s.c.channels, sample_task, &r);
    pgi_lanes_run(&multiplying, s.c.outputs, multiply_task, &m);
  }
  return PG_OK;
}

static const pgi_attr_def attrs[] = {{.name = "dilations", .kind = PG_ATTR_INTS},
                                     {.name = "group", .kind = PG_ATTR_INT, .i = 1},
                                     {.name = "kernel_shape", .kind = PG_ATTR_INTS},
                                     {.name = "offset_group", .kind = PG_ATTR_INT, .i = 1},
                                     {.name = "pads", .kind = PG_ATTR_INTS},
                                     {.name = "strides", .kind = PG_ATTR_INTS},
                                     {0}};

PG_OP(deform_conv) = {.name = "DeformConv",
                      .since = {19, 22},
                      .in = {3, 5},
                      .out = {1, 1},
                      .types = PG_T_FLOAT,
                      .attrs = attrs,
                      .infer = infer,
                      .run = run_deform};
