/* Planes with their padding written out, and walks over them. */
#include "kernel/conv.h"

bool pgi_plane_init(pgi_plane *p, const pgi_window *w) {
  memset(p, 0, sizeof *p);
  int last = w->n - 1;
  double size = 1;
  p->is_plain = true;
  for (int i = 0; i < w->n; i++) {
    p->extent[i] = (w->out[i] - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1;
    size *= (double)p->extent[i];
    if (w->before[i] != 0 || p->extent[i] > w->in[i]) p->is_plain = false;
  }
  if (w->stride[last] != 1) p->is_plain = false;
  double limit = 16.0 * (double)w->in_size + 64.0 * (double)w->out_size + 65536;
  if (size + (double)w->stride[last] > limit) return false;
  /* A phase holds what the last tap needs for all outputs of a line. */
  p->phase = w->out[last] + (w->kernel[last] - 1) * w->dilation[last] / w->stride[last];
  int64_t step = p->is_plain ? w->in[last] : p->phase * w->stride[last];
  p->size = 1;
  for (int i = last - 1; i >= 0; i--) {
    p->line[i] = step;
    p->step[i] = step * w->stride[i];
    step *= p->is_plain ? w->in[i] : p->extent[i];
  }
  p->step[last] = 1;
  p->size = step;
  return true;
}

static void put(float *to, int64_t n, float v) {
  for (int64_t i = 0; i < n; i++) to[i] = v;
}

/* Lines are often shorter than a call of memcpy is worth: four at a time, the last four again. */
static void copy_run(const float *from, int64_t n, float *to) {
  enum { W = 4 };
  if (n >= 16 * W) {
    memcpy(to, from, (size_t)n * sizeof *to);
  } else if (n >= W) {
    for (int64_t i = 0; i + W < n; i += W) memcpy(to + i, from + i, W * sizeof *to);
    memcpy(to + n - W, from + n - W, W * sizeof *to);
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
  }
}

static void copy_every(const float *restrict from, int64_t stride, int64_t n, float *restrict to) {
  if (stride == 1) {
    copy_run(from, n, to);
  } else if (stride == 2) {
    for (int64_t i = 0; i < n; i++) to[i] = from[2 * i];
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
  }
}

static int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Lines [0, rows) of the last axis of the copy; `from` NULL: all outside of the plane, else line
** `before` of the copy is the first of from[lines]. */
static void pack_lines(const pgi_plane *p, const pgi_window *w, int64_t rows, int64_t skip,
                       int64_t before, int64_t lines, const float *from, float pad, float *to) {
  int last = w->n - 1;
  int64_t stride = w->stride[last], in = w->in[last], margin = w->before[last];
  int64_t phases = PG_MIN(stride, (w->kernel[last] - 1) * w->dilation[last] + 1);
  int64_t line = stride * p->phase;
  for (int64_t f = 0; f < phases; f++) {
    /* Element u of the phase is from[u * stride + f - margin]. */
    int64_t low = PG_MIN(PG_MAX(-floor_div(f - margin, stride), 0), p->phase);
    int64_t high = PG_MIN(PG_MAX(floor_div(in - 1 - f + margin, stride) + 1, low), p->phase);
    for (int64_t i = 0; i < rows; i += skip) {
      float *out = to + i * line + f * p->phase;
      int64_t at = i - before;
      if (!from || at < 0 || at >= lines) {
        put(out, p->phase, pad);
        continue;
      }
      put(out, low, pad);
      copy_every(from + at * in + low * stride + f - margin, stride, high - low, out + low);
      put(out + high, p->phase - high, pad);
    }
  }
}

/* A kernel of one element steps over what lies between its outputs. */
static int64_t skip_of(const pgi_window *w, int axis) {
  return w->kernel[axis] == 1 ? w->stride[axis] : 1;
}

/* `from` NULL: outside of the plane. */
static void pack_axis(const pgi_plane *p, const pgi_window *w, int axis, int64_t in_step,
                      const float *from, float pad, float *to) {
  if (axis == w->n - 1) {
    pack_lines(p, w, 1, 1, 0, 1, from, pad, to);
    return;
  }
  int64_t skip = skip_of(w, axis);
  if (axis == w->n - 2) {
    pack_lines(p, w, p->extent[axis], skip, w->before[axis], w->in[axis], from, pad, to);
    return;
  }
  int64_t inner = in_step / w->in[axis];
  for (int64_t i = 0; i < p->extent[axis]; i += skip) {
    int64_t at = i - w->before[axis];
    bool is_inside = from && at >= 0 && at < w->in[axis];
    pack_axis(p, w, axis + 1, inner, is_inside ? from + at * inner : NULL, pad,
              to + i * p->line[axis]);
  }
}

void pgi_plane_pack(const pgi_plane *p, const pgi_window *w, const float *from, float pad,
                    float *to) {
  if (p->is_plain) {
    memcpy(to, from, (size_t)p->size * sizeof *to);
  } else if (w->in_size == 0) {
    put(to, p->size, pad);
  } else {
    pack_axis(p, w, 0, w->in_size, from, pad, to);
  }
}

void pgi_plane_taps(const pgi_plane *p, const pgi_window *w, int64_t *at) {
  int last = w->n - 1;
  for (int64_t t = 0; t < w->taps; t++) {
    int64_t rest = t, x = rest % w->kernel[last] * w->dilation[last];
    rest /= w->kernel[last];
    at[t] = x % w->stride[last] * p->phase + x / w->stride[last];
    for (int i = last - 1; i >= 0; i--) {
      at[t] += rest % w->kernel[i] * w->dilation[i] * p->line[i];
      rest /= w->kernel[i];
    }
  }
}

void pgi_plane_lines(const pgi_plane *p, const pgi_window *w, pgi_lines_fn *f, void *arg) {
  int last = w->n - 1;
  if (w->out_size == 0) return;
  if (last == 0) {
    f(arg, 0, 0, 1, 0, 0);
    return;
  }
  int64_t rows = w->out[last - 1], width = w->out[last];
  int64_t blocks = w->out_size / (rows * width);
  for (int64_t b = 0; b < blocks; b++) {
    int64_t rest = b, src = 0;
    for (int i = last - 2; i >= 0; i--) {
      src += rest % w->out[i] * p->step[i];
      rest /= w->out[i];
    }
    f(arg, src, b * rows * width, rows, p->step[last - 1], width);
  }
}

int64_t pgi_plane_line(const pgi_plane *p, const pgi_window *w, int64_t line) {
  int64_t src = 0;
  for (int i = w->n - 2; i >= 0; i--) {
    src += line % w->out[i] * p->step[i];
    line /= w->out[i];
  }
  return src;
}

void pgi_im2col_fill(const void *im2col, int64_t p0, int64_t k, int64_t j0, int64_t n, int nr,
                     float *to) {
  const pgi_im2col *m = im2col;
  int64_t width = m->window->out[m->window->n - 1];
  int64_t line = j0 / width, x = j0 % width;
  const int64_t *at = m->at + p0;
  for (int64_t left = n; left > 0; to += nr * k) {
    int used = 0;
    /* A panel takes pieces of as many lines as it needs. */
    while (used < nr && left > 0) {
      int64_t run = PG_MIN(PG_MIN(width - x, left), nr - used);
      const float *src = m->src + pgi_plane_line(m->plane, m->window, line) + x;
      m->kernel->gather(k, at, src, run, nr, to + used);
      used += (int)run;
      left -= run;
      x += run;
      if (x == width) x = 0, line++;
    }
    for (int64_t p = 0; p < k && used < nr; p++) put(to + p * nr + used, nr - used, 0);
  }
}
