/* MelWeightMatrix: triangles, evenly spaced on the mel scale, over the bins of a spectrum. */
#include <math.h>

#include "op/move.h"

/* Rows and columns of the result. */
static pg_status matrix_size(const pg_tensor *bins, const pg_tensor *length, int64_t *rows,
                             int64_t *columns, pg_error *err) {
  int64_t n = 0;
  PG_TRY(pgi_scalar_i64(bins, "num_mel_bins", columns, err));
  PG_TRY(pgi_scalar_i64(length, "dft_length", &n, err));
  *rows = n / 2 + 1;
  if (*columns >= 0 && n >= 0 && n <= INT32_MAX && *columns <= INT32_MAX) return PG_OK;
  return pgi_fail(err, PG_INVALID, "num_mel_bins %lld, dft_length %lld", (long long)*columns,
                  (long long)n);
}

static pg_status mel_infer(pgi_infer *inf) {
  pg_dtype dtype;
  PG_TRY(pgi_attr_dtype(inf->node, "output_datatype", PG_F32, PG_T_NUMERIC, &dtype, inf->err));
  pgi_type *out = pgi_out_type(inf, 0, dtype, 2);
  if (!pgi_known(inf, 0) || !pgi_known(inf, 1)) return PG_OK;
  return matrix_size(pgi_known(inf, 0), pgi_known(inf, 1), &out->dims[0].n, &out->dims[1].n,
                     inf->err);
}

/* The bin of edge i: low + i * step on the mel scale, 2595 log10(1 + f / 700). */
static int64_t edge_bin(double low, double step, int64_t i, double length, double rate) {
  double hertz = 700 * expm1((low + (double)i * step) / 2595 * 2.302585092994045684);
  double bin = floor((length + 1) * hertz / rate);
  return bin > -1e9 && bin < 1e9 ? (int64_t)bin : -1;
}

static double mel(double hertz) {
  return 2595 * log1p(hertz / 700) / 2.302585092994045684;
}

static void set(pg_tensor *out, int64_t row, int64_t column, double v) {
  if (row < 0 || row >= out->dims[0]) return; /* edges above half of the rate */
  pgi_store_f64(out->dtype, pgi_tensor_data(out), row * out->dims[1] + column, 1, &v);
}

/* Up from `left` to `top`, down from there to `right`. */
static void draw_triangle(pg_tensor *out, int64_t column, int64_t left, int64_t top,
                          int64_t right) {
  int64_t rows = out->dims[0];
  if (left == top) set(out, top, column, 1);
  for (int64_t i = PG_MAX(left, 0); left < top && i <= PG_MIN(top, rows - 1); i++)
    set(out, i, column, (double)(i - left) / (double)(top - left));
  for (int64_t i = PG_MAX(top, 0); i < PG_MIN(right, rows); i++)
    set(out, i, column, (double)(right - i) / (double)(right - top));
}

static pg_status mel_run(pgi_call *c) {
  pg_tensor *out = c->out[0];
  double length, rate, low, high;
  PG_TRY(pgi_scalar_f64(c->in[1], "dft_length", &length, c->err));
  PG_TRY(pgi_scalar_f64(c->in[2], "sample_rate", &rate, c->err));
  PG_TRY(pgi_scalar_f64(c->in[3], "lower_edge_hertz", &low, c->err));
  PG_TRY(pgi_scalar_f64(c->in[4], "upper_edge_hertz", &high, c->err));
  int64_t n = out->dims[1];
  double step = (mel(high) - mel(low)) / (double)(n + 2);
  size_t bytes = (size_t)pgi_tensor_count(out) * pgi_dtype_size(out->dtype);
  if (bytes) memset(pgi_tensor_data(out), 0, bytes);
  for (int64_t i = 0; i < n; i++) {
    int64_t edges[3];
    for (int k = 0; k < 3; k++) edges[k] = edge_bin(mel(low), step, i + k, length, rate);
    draw_triangle(out, i, edges[0], edges[1], edges[2]);
  }
  return PG_OK;
}

static const pgi_attr_def mel_attrs[] = {
    {.name = "output_datatype", .kind = PG_ATTR_INT, .i = PG_F32}, {0}};

PG_OP(mel_weight_matrix) = {
    .name = "MelWeightMatrix",
    .since = {17},
    .in = {5, 5},
    .out = {1, 1},
    .types = PG_T(PG_I32) | PG_T(PG_I64),
    .attrs = mel_attrs,
    .infer = mel_infer,
    .run = mel_run,
};
