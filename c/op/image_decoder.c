/* ImageDecoder: the bytes of a picture's file to its pixels. */
#include "format/format.h"
#include "op/move.h"

typedef enum pixels { RGB, BGR, GRAY } pixels;

static pg_status read_layout(const pgi_node *node, pixels *out, pg_error *err) {
  static const char *const names[] = {"RGB", "BGR", "Grayscale"};
  for (int i = 0; i < PG_COUNT(names); i++) {
    if (!pgi_attr_is(node, "pixel_format", names[i])) continue;
    *out = (pixels)i;
    return PG_OK;
  }
  pg_string got = pgi_attr_string(node, "pixel_format");
  return pgi_fail(err, PG_INVALID, "pixel_format: expected RGB, BGR or Grayscale, got %.*s",
                  (int)PG_MIN(got.size, 40), got.data);
}

static pg_status infer(pgi_infer *inf) {
  pixels layout;
  PG_TRY(read_layout(inf->node, &layout, inf->err));
  pgi_type *y = pgi_out_type(inf, 0, PG_U8, 3);
  y->dims[2] = pgi_dim_of(layout == GRAY ? 1 : 3);
  int rank = pgi_in_rank(inf, 0);
  if (rank == 1 || rank < 0) return PG_OK;
  return pgi_fail(inf->err, PG_INVALID, "encoded_stream: expected rank 1, got %d", rank);
}

/* ITU-R BT.601 in 16 bits, as the reference (Pillow) rounds it. */
static uint8_t gray_of(const uint8_t *p) {
  return (uint8_t)((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
}

/* Alpha is dropped. */
static void arrange(const uint8_t *from, int64_t n, int64_t channels, pixels layout, uint8_t *to) {
  bool is_color = channels >= 3;
  for (int64_t i = 0; i < n; i++, from += channels) {
    if (layout == GRAY) {
      *to++ = is_color ? gray_of(from) : from[0];
      continue;
    }
    for (int c = 0; c < 3; c++) *to++ = from[is_color ? (layout == BGR ? 2 - c : c) : 0];
  }
}

static pg_status run(pgi_call *c) {
  const pg_tensor *x = c->in[0];
  pixels layout;
  pg_tensor picture = {0};
  PG_TRY(read_layout(c->node, &layout, c->err));
  pg_status status = pgi_picture_read(c->ctx, pgi_tensor_data(x), (size_t)pgi_tensor_count(x),
                                      false, &picture, c->err);
  /* The specification: what can't be decoded gives an empty matrix.  A missing library is no fault
  ** of the data and stays an error. */
  if (status != PG_OK && status != PG_FORMAT) return status;
  bool is_empty = status == PG_FORMAT;
  if (is_empty) pgi_log(c->ctx, PG_LOG_WARN, "ImageDecoder: %s", c->err ? c->err->message : "");
  int64_t dims[3] = {is_empty ? 0 : picture.dims[0], is_empty ? 0 : picture.dims[1],
                     layout == GRAY ? 1 : 3};
  status = pgi_call_alloc(c, 0, PG_U8, 3, dims);
  if (status == PG_OK && !is_empty)
    arrange(pgi_tensor_data(&picture), dims[0] * dims[1], picture.dims[2], layout,
            pgi_tensor_data(c->out[0]));
  pgi_tensor_clear(&picture);
  return status;
}

static const pgi_attr_def attrs[] = {{.name = "pixel_format", .kind = PG_ATTR_STRING, .s = "RGB"},
                                     {0}};

PG_OP(image_decoder) = {
    .name = "ImageDecoder",
    .since = {20},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_U8),
    .attrs = attrs,
    .infer = infer,
    .run = run,
};
