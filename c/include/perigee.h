/* perigee: load, inspect, run neural networks. The plain C interface.
**
** Model.  A context holds the host's callbacks and a thread pool.  A graph is a network as read
** from a file or built by hand.  A session makes a graph executable.  A tensor carries data in and
** out.  Tensors, graphs and sessions belong to one context and keep it alive.
**
** Ownership is said in three words.  owned: the caller frees it.  borrowed: it lives as long as
** the object it came from.  retained: the callee keeps its own reference.
**
** Errors.  Fallible functions return PG_OK or a code, and set their out parameters only on
** success.  `err` may be NULL; else code and message are written there on failure.  The library
** never prints, aborts or exits.  No other pointer may be NULL unless it is said so.
**
** Threads.  A context may be used from several threads at once.  A graph that nobody changes may
** be read by several threads; a session and a tensor handle belong to one thread at a time.  Any
** number of sessions of one graph may run at once. */
#ifndef PERIGEE_H
#define PERIGEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(PG_API)
#define PG_API __attribute__((visibility("default")))
#elif !defined(PG_API)
#define PG_API
#endif

#define PG_VERSION "0.1.0"
#define PG_MAX_RANK 16

typedef enum pg_status {
  PG_OK = 0,
  PG_NOMEM,       /* the allocator returned NULL, or a size overflows */
  PG_INVALID,     /* an argument is wrong: name, shape, element type, index */
  PG_UNSUPPORTED, /* well formed, but this build can't do it */
  PG_FORMAT,      /* a file's content is malformed */
  PG_IO,          /* the operating system said no */
  PG_CANCELLED,   /* the caller asked to stop */
  PG_BUDGET,      /* the time slice ended; call again to go on */
  PG_INTERNAL     /* a bug in perigee */
} pg_status;

typedef struct pg_error {
  pg_status code;
  char message[1000]; /* one line, no newline at the end; lists may be cut with "..." */
} pg_error;

/* "nomem", "invalid", ...: the codes that Lua sees.  Static. */
PG_API const char *pg_status_name(pg_status status);

/* ---- context ------------------------------------------------------------------------------ */

typedef struct pg_context pg_context;

typedef enum pg_log_level { PG_LOG_DEBUG, PG_LOG_INFO, PG_LOG_WARN } pg_log_level;

/* What the host provides.  Zeroed members take the C library's service.  The callbacks must be
** callable from any thread that uses the context, and from the pool's workers. */
typedef struct pg_host {
  void *user; /* handed to every callback */
  /* `align` is a power of two, at least sizeof(void *).  NULL when out of memory. */
  void *(*alloc)(void *user, size_t bytes, size_t align);
  void (*free)(void *user, void *block);
  void (*log)(void *user, pg_log_level level, const char *message); /* default: silent */
  int64_t (*clock_ns)(void *user);                                  /* monotonic */
  /* Calls fn(arg, i) for every i in [0, n), in any order, on any threads; returns when all are
  ** done.  When set, perigee starts no thread of its own. */
  void (*parallel_for)(void *user, int64_t n, void (*fn)(void *arg, int64_t i), void *arg);
} pg_host;

/* host: copied; NULL takes the C library for everything.  *out: owned. */
PG_API pg_status pg_context_new(const pg_host *host, pg_context **out, pg_error *err);
/* The context goes once the last tensor, graph and session of it is gone too; until then the host's
** callbacks must stay.  NULL is fine. */
PG_API void pg_context_release(pg_context *ctx);
/* The kernel level in use: "scalar", "avx2", "avx512".  PERIGEE_ISA lowers it.  Static. */
PG_API const char *pg_context_isa(const pg_context *ctx);

/* ---- tensors ------------------------------------------------------------------------------ */

/* Element types.  The numbers up to PG_I2 are those of ONNX's TensorProto.DataType. */
typedef enum pg_dtype {
  PG_NONE = 0, /* no value: an absent optional */
  PG_F32 = 1,
  PG_U8 = 2,
  PG_I8 = 3,
  PG_U16 = 4,
  PG_I16 = 5,
  PG_I32 = 6,
  PG_I64 = 7,
  PG_STRING = 8, /* elements are pg_string */
  PG_BOOL = 9,   /* one byte, 0 or 1 */
  PG_F16 = 10,
  PG_F64 = 11,
  PG_U32 = 12,
  PG_U64 = 13,
  PG_C64 = 14,  /* two f32: real, imaginary */
  PG_C128 = 15, /* two f64 */
  PG_BF16 = 16,
  PG_F8E4M3FN = 17,
  PG_F8E4M3FNUZ = 18,
  PG_F8E5M2 = 19,
  PG_F8E5M2FNUZ = 20,
  PG_U4 = 21, /* two elements a byte, the first in the low bits */
  PG_I4 = 22,
  PG_F4E2M1 = 23,
  PG_F8E8M0 = 24,
  PG_U2 = 25, /* four elements a byte, the first in the lowest bits */
  PG_I2 = 26,
  PG_SEQUENCE = 27, /* rank 1, elements are tensors */
  PG_MAP = 28,      /* rank 1, two elements: a tensor of keys and a tensor or sequence of values */
  PG_N_DTYPES = 29
} pg_dtype;

typedef struct pg_string {
  const char *data; /* not terminated; any bytes */
  size_t size;
} pg_string;

/* A handle on an element type, a shape, strides and a counted buffer.  Also carries what ONNX calls
** sequences, maps and absent optionals, so that one type serves as "a value at run time". */
typedef struct pg_tensor pg_tensor;

PG_API const char *pg_dtype_name(pg_dtype dtype); /* "f32", "i64", "f8e4m3fn", ...  Static. */
PG_API bool pg_dtype_from_name(const char *name, pg_dtype *out); /* false: no such name */
PG_API int pg_dtype_bits(pg_dtype dtype); /* 32 for f32, 4 for i4; 0 for strings and sequences */

/* A zero-filled contiguous tensor; strings are empty.  dtype: an element type, or PG_NONE with
** rank 0 for an absent optional.  dims: [rank], all >= 0; rank: 0 to PG_MAX_RANK.  *out: owned. */
PG_API pg_status pg_tensor_new(pg_context *ctx, pg_dtype dtype, int rank, const int64_t *dims,
                               pg_tensor **out, pg_error *err);
/* A tensor on the caller's memory, row-major and contiguous, aligned to its element type.
** `release(owner)` is called, from any thread, when the last reference is gone; with release ==
** NULL `data` must outlive them all.  When this function fails, `release` is not called.  A
** tensor of strings is read-only.  *out: owned. */
PG_API pg_status pg_tensor_wrap(pg_context *ctx, pg_dtype dtype, int rank, const int64_t *dims,
                                void *data, void (*release)(void *owner), void *owner,
                                pg_tensor **out, pg_error *err);
/* Another handle on the same data.  *out: owned. */
PG_API pg_status pg_tensor_share(const pg_tensor *t, pg_tensor **out, pg_error *err);
PG_API void pg_tensor_free(pg_tensor *t); /* NULL is fine */

PG_API pg_dtype pg_tensor_dtype(const pg_tensor *t);
PG_API int pg_tensor_rank(const pg_tensor *t);
PG_API const int64_t *pg_tensor_dims(const pg_tensor *t); /* [rank], borrowed */
PG_API int64_t pg_tensor_count(const pg_tensor *t);       /* elements */
PG_API size_t pg_tensor_bytes(const pg_tensor *t);        /* of all elements in contiguous form */
/* The first element; elements follow in row-major order when the tensor is contiguous, as every
** output of a session is.  Borrowed; NULL for a non-contiguous view. */
PG_API void *pg_tensor_data(const pg_tensor *t);
/* A contiguous copy in another element type, with ONNX Cast's rounding (saturating f8).  Owned. */
PG_API pg_status pg_tensor_cast(const pg_tensor *t, pg_dtype dtype, pg_tensor **out, pg_error *err);
/* Element `index` (row-major) of a PG_STRING tensor becomes a copy of `size` bytes.  To read
** them: pg_tensor_data points to pg_string elements, borrowed until the element is set or the
** last handle on the data is gone. */
PG_API pg_status pg_tensor_set_string(pg_tensor *t, int64_t index, const char *data, size_t size,
                                      pg_error *err);
/* Writes at most `size` bytes with the closing zero: header, extremes, edges.  Returns the full
** length, as snprintf does. */
PG_API size_t pg_tensor_print(const pg_tensor *t, char *buffer, size_t size);

/* ---- graphs ------------------------------------------------------------------------------- */

typedef struct pg_graph pg_graph;

/* Reads an ONNX file.  External data is looked for beside the file and never outside its folder.
** Weights are used in place from the mapped file where alignment allows, so the file must not be
** changed while the graph or a session of it lives.  *out: owned. */
PG_API pg_status pg_graph_load(pg_context *ctx, const char *path, pg_graph **out, pg_error *err);
/* The same from memory; `data` must stay until `release(owner)` is called, from any thread, or,
** with release == NULL, until the graph, its sessions and all their tensors are gone.  When this
** function fails, `release` is not called.  External data is refused.  *out: owned. */
PG_API pg_status pg_graph_load_bytes(pg_context *ctx, const void *data, size_t size,
                                     void (*release)(void *owner), void *owner, pg_graph **out,
                                     pg_error *err);
/* Writes ONNX; a file that exists is replaced only once the new one is complete, also when the graph
** came from it.  With external_threshold >= 0, initialisers of at least so many bytes go to `PATH.data`.
** Below zero those go there that came from such a file; and where the model would not fit into one
** file of 2 GiB, all of 1 KiB and more. */
PG_API pg_status pg_graph_save(const pg_graph *graph, const char *path, int64_t external_threshold,
                               pg_error *err);
PG_API void pg_graph_free(pg_graph *graph); /* sessions made from it stay valid; NULL is fine */

/* ---- sessions ----------------------------------------------------------------------------- */

typedef struct pg_session pg_session;

typedef struct pg_session_options {
  int threads;      /* at most so many threads in a run, the caller's included; 0 means 1 */
  bool no_optimize; /* run the graph as it stands: for comparing */
} pg_session_options;

/* What an input takes or an output gives.  A dimension that is not fixed is -1. */
typedef struct pg_value_info {
  const char *name; /* borrowed from the session */
  pg_dtype dtype;   /* PG_NONE when unknown */
  int rank;         /* -1 when unknown */
  int64_t dims[PG_MAX_RANK];
  const char *dim_names[PG_MAX_RANK]; /* "N", or NULL; borrowed */
} pg_value_info;

/* options: NULL for the defaults.  Fails with PG_UNSUPPORTED and a message that lists every
** operator that is missing.  The graph is not needed any more afterwards.  *out: owned. */
PG_API pg_status pg_session_new(const pg_graph *graph, const pg_session_options *options,
                                pg_session **out, pg_error *err);
PG_API void pg_session_free(pg_session *s); /* in the midst of a run too; NULL is fine */

/* Inputs without a default, and outputs, in the order of the file; i counts from 0, and PG_INVALID
** says that there is no i. */
PG_API int pg_session_input_count(const pg_session *s);
PG_API int pg_session_output_count(const pg_session *s);
PG_API pg_status pg_session_input(const pg_session *s, int i, pg_value_info *out);
PG_API pg_status pg_session_output(const pg_session *s, int i, pg_value_info *out);

/* A name with its tensor.  As an input: borrowed for the call (and until the run is over, when
** stepping).  As an output: with tensor == NULL on entry an owned tensor is stored there; else the
** result is written into the given one, which must have its element type and shape. */
typedef struct pg_binding {
  const char *name;
  pg_tensor *tensor;
} pg_binding;

/* Runs the network.  Inputs come in any order; those with a default may be missing.  Outputs may
** name any value of the graph, not only its outputs: only what they need is computed.  n_outputs
** == 0 computes nothing.  On failure no output is stored, but tensors to write into may have
** changed. */
PG_API pg_status pg_session_run(pg_session *s, const pg_binding *inputs, int n_inputs,
                                pg_binding *outputs, int n_outputs, pg_error *err);

/* The same in slices: start binds the inputs and names the outputs, and forgets a run that was
** not finished; step runs for about budget_ms milliseconds (at least one operator) and returns
** PG_BUDGET until it returns PG_OK; finish hands out the outputs, which must be those of start.
** The bindings' names and input tensors must stay until finish.  Another failure of step ends
** the run, and so does finish, unless it comes too early. */
PG_API pg_status pg_session_start(pg_session *s, const pg_binding *inputs, int n_inputs,
                                  const pg_binding *outputs, int n_outputs, pg_error *err);
PG_API pg_status pg_session_step(pg_session *s, double budget_ms, pg_error *err);
PG_API pg_status pg_session_finish(pg_session *s, pg_binding *outputs, int n_outputs,
                                   pg_error *err);
/* Callable from any thread while the session lives: the run in progress ends with PG_CANCELLED
** at its next operator.  Between runs it does nothing. */
PG_API void pg_session_cancel(pg_session *s);

/* ---- images ------------------------------------------------------------------------------- */

/* Images are tensors u8 [H,W,C] (u16 for 16-bit PNG when asked), C in 1 (grey), 2 (grey+alpha),
** 3 (RGB), 4 (RGBA). */

/* Reads PNG, JPEG, BMP, PNM and, where libwebp, libtiff, libopenjp2 are installed, WebP, TIFF and
** JPEG 2000, by content.  Palettes, 1-16 bits, CMYK and EXIF orientation are resolved.
** channels: 0 as in the file, else 1 to 4 to convert to.  *out: owned, u8 [H,W,C]. */
PG_API pg_status pg_image_read(pg_context *ctx, const char *path, int channels, pg_tensor **out,
                               pg_error *err);
/* Writes PNG or JPEG by the name's ending.  quality: 1-100 for JPEG, 0 for the default (90). */
PG_API pg_status pg_image_write(const pg_tensor *image, const char *path, int quality,
                                pg_error *err);
/* filter: "nearest", "bilinear", "bicubic", "lanczos", "area", each prefixed by "pil-" or "cv-"
** where the conventions differ; unprefixed means PIL's.  image: u8 or f32 [H,W,C].  *out: owned. */
PG_API pg_status pg_image_resize(const pg_tensor *image, int64_t height, int64_t width,
                                 const char *filter, pg_tensor **out, pg_error *err);
/* (x * scale - mean[c]) / std[c] as f32 [1,C,H,W].  mean, std: [C], borrowed, or NULL. */
PG_API pg_status pg_image_to_tensor(const pg_tensor *image, float scale, const float *mean,
                                    const float *std, pg_tensor **out, pg_error *err);

#ifdef __cplusplus
}
#endif

#endif
