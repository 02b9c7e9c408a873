/* HannWindow, HammingWindow, BlackmanWindow: sums of cosines over a window. */
#include <math.h>

#include "op/move.h"

static pg_status window_infer(pgi_infer *inf) {
  pg_dtype dtype;
  PG_TRY(pgi_attr_dtype(inf->node, "output_datatype", PG_F32, PG_T_NUMERIC, &dtype, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, dtype, 1);
  if (!pgi_known(inf, 0)) return PG_OK;
  PG_TRY(pgi_scalar_i64(pgi_known(inf, 0), "size", &out->dims[0].n, inf->err));
  if (out->dims[0].n >= 0) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "size: expected at least 0, got %lld",
                  (long long)out->dims[0].n);
}

/* a - b cos(x) + c cos(2x), x from 0 to a full turn; a symmetric window reaches it. */
static pg_status fill_window(pgi_call *c, double a, double b, double cc) {
  pg_tensor *out = c->out[0];
  int64_t n = out->dims[0], last = pgi_attr_int(c->node, "periodic") ? n : n - 1;
  for (int64_t i = 0; i < n; i++) {
    double x = last > 0 ? 2 * 3.14159265358979323846 * (double)i / (double)last : 0;
    double v = n == 1 ? 1 : a - b * cos(x) + cc * cos(2 * x);
    pgi_store_f64(out->dtype, pgi_tensor_data(out), i, 1, &v);
  }
  return PG_OK;
}

static pg_status hann_run(pgi_call *c) {
  return fill_window(c, 0.5, 0.5, 0);
}

static pg_status hamming_run(pgi_call *c) {
  return fill_window(c, 25.0 / 46, 21.0 / 46, 0);
}

static pg_status blackman_run(pgi_call *c) {
  return fill_window(c, 0.42, 0.5, 0.08);
}

static const pgi_attr_def window_attrs[] = {
    {.name = "output_datatype", .kind = PG_ATTR_INT, .i = PG_F32},
    {.name = "periodic", .kind = PG_ATTR_INT, .i = 1},
    {0}};

PG_OP(hann_window) = {
    .name = "HannWindow",
    .since = {17},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_I32) | PG_T(PG_I64),
    .attrs = window_attrs,
    .infer = window_infer,
    .run = hann_run,
};

PG_OP(hamming_window) = {
    .name = "HammingWindow",
    .since = {17},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_I32) | PG_T(PG_I64),
    .attrs = window_attrs,
    .infer = window_infer,
    .run = hamming_run,
};

PG_OP(blackman_window) = {
    .name = "BlackmanWindow",
    .since = {17},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_I32) | PG_T(PG_I64),
    .attrs = window_attrs,
    .infer = window_infer,
    .run = blackman_run,
};
