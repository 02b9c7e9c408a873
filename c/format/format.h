/* format: readers and writers of files.  Everything read is hostile: sizes are checked before they
** are used, nesting is bounded, and a bad file is PG_FORMAT with what is wrong and where. */
#ifndef PG_FORMAT_H
#define PG_FORMAT_H

#include "graph/graph.h"

/* ---- onnx/ (public: pg_graph_load, pg_graph_load_bytes, pg_graph_save) --------------------------- */

/* As pg_graph_load_bytes; external data is looked for as if the bytes were the file `path`
** (NULL: refused). */
pg_status pgi_onnx_load_bytes(pg_context *ctx, const void *data, size_t size, const char *path,
                              void (*release)(void *owner), void *owner, pg_graph **out,
                              pg_error *err);
/* As pg_graph_load, for looking: large tensors may hold other numbers, so none is copied. */
pg_status pgi_onnx_load_shapes(pg_context *ctx, const char *path, pg_graph **out, pg_error *err);
/* The model as one message without external data, into a block to be freed with pgi_free. */
pg_status pgi_onnx_save_bytes(const pg_graph *graph, void **data, size_t *size, pg_error *err);
/* outline.c: the same with the larger tensors only named, as if they were in another file.  data ==
** NULL: sets *size, how many bytes it takes; else writes so many. */
pg_status pgi_onnx_outline(const pg_graph *graph, void *data, size_t *size, pg_error *err);
/* A TensorProto, SequenceProto, OptionalProto as in test_data_set_N.  `type` (may be NULL) says
** which; without it a tensor is assumed. */
pg_status pgi_onnx_read_value(pg_context *ctx, const void *data, size_t size, const pgi_type *type,
                              pg_tensor *out, pg_error *err);
/* A TensorProto into a block to be freed with pgi_free. */
pg_status pgi_onnx_write_tensor(const pg_tensor *t, const char *name, void **data, size_t *size,
                                pg_error *err);

/* ---- inflate.c: raw deflated data (RFC 1951), which must give exactly out_size bytes ---------------- */

pg_status pgi_inflate(pg_context *ctx, const void *data, size_t size, void *out, size_t out_size,
                      pg_error *err);

/* ---- npy.c, png.c, jpeg.c, wav.c: from and to memory or a path ------------------------------------ */

pg_status pgi_npy_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       pg_error *err);
pg_status pgi_npy_write(const pg_tensor *t, const char *path, pg_error *err);
/* [H,W,C], u8, or u16 for 16-bit files when `deep`. */
pg_status pgi_png_read(pg_context *ctx, const void *data, size_t size, bool deep, pg_tensor *out,
                       pg_error *err);
pg_status pgi_png_write(const pg_tensor *image, const char *path, pg_error *err);
/* [H,W,1|3] u8.  scale_denominator: 1, 2, 4, 8 (the decoder's own reduction). */
pg_status pgi_jpeg_read(pg_context *ctx, const void *data, size_t size, int scale_denominator,
                        pg_tensor *out, pg_error *err);
pg_status pgi_jpeg_write(const pg_tensor *image, const char *path, int quality, pg_error *err);
/* bmp.c, pnm.c: own readers.  webp.c, tiff.c, jp2.c: through libraries that are looked for when a file
** needs them; PG_UNSUPPORTED names what is not installed.  [H,W,1 to 4] u8; deep: 16 bits stay. */
pg_status pgi_bmp_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       pg_error *err);
bool pgi_pnm_is(const void *data, size_t size);
pg_status pgi_pnm_read(pg_context *ctx, const void *data, size_t size, bool deep, pg_tensor *out,
                       pg_error *err);
bool pgi_webp_is(const void *data, size_t size);
pg_status pgi_webp_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                        pg_error *err);
bool pgi_tiff_is(const void *data, size_t size);
pg_status pgi_tiff_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                        pg_error *err);
bool pgi_jp2_is(const void *data, size_t size);
pg_status pgi_jp2_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       pg_error *err);
/* picture.c: any of these, by content. */
pg_status pgi_picture_read(pg_context *ctx, const void *data, size_t size, bool deep,
                           pg_tensor *out, pg_error *err);
/* Turns a picture as Exif and TIFF say: 1 (as it is) to 8. */
pg_status pgi_picture_orient(pg_tensor *t, int orientation, pg_error *err);
/* f32 [channels, samples] in -1..1, and the rate in Hz. */
pg_status pgi_wav_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       int32_t *rate, pg_error *err);
pg_status pgi_wav_write(const pg_tensor *t, int32_t rate, const char *path, pg_error *err);

#endif
