/* onnx: what the files of this folder share.  See DESIGN.md for how they fit together. */
#ifndef PG_ONNX_H
#define PG_ONNX_H

#include "format/format.h"
#include "format/onnx/onnx.pb-c.h"

/* Raw data in files is little-endian, and is used as it lies. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a little-endian machine");

typedef Pgi__Onnx__StringStringEntryProto proto_entry;
typedef Pgi__Onnx__OperatorSetIdProto proto_opset;
typedef Pgi__Onnx__TensorProto proto_tensor;
typedef Pgi__Onnx__SparseTensorProto proto_sparse;
typedef Pgi__Onnx__TensorShapeProto proto_shape;
typedef Pgi__Onnx__TensorShapeProto__Dimension proto_dim;
typedef Pgi__Onnx__TypeProto proto_type;
typedef Pgi__Onnx__ValueInfoProto proto_value;
typedef Pgi__Onnx__AttributeProto proto_attr;
typedef Pgi__Onnx__NodeProto proto_node;
typedef Pgi__Onnx__GraphProto proto_graph;
typedef Pgi__Onnx__FunctionProto proto_function;
typedef Pgi__Onnx__ModelProto proto_model;
typedef Pgi__Onnx__SequenceProto proto_sequence;
typedef Pgi__Onnx__MapProto proto_map;
typedef Pgi__Onnx__OptionalProto proto_optional;

/* TensorProto.data_location */
enum { PG_ONNX_EXTERNAL = 1 };

/* ---- blob.c: bytes that tensors may point into ---------------------------------------------- */

/* A mapped file, or the caller's memory; closed when the last tensor on it is gone. */
typedef struct pgi_blob {
  atomic_int refs;
  pg_context *ctx; /* retained */
  const uint8_t *data;
  size_t size;
  pgi_file file;                /* when mapped */
  void (*release)(void *owner); /* when the caller's; NULL: nobody to tell */
  void *owner;
  char *location; /* the name of an external file in the model */
  struct pgi_blob *next;
} pgi_blob;

pg_status pgi_blob_open(pg_context *ctx, const char *path, const char *location, pgi_blob **out,
                        pg_error *err);
pg_status pgi_blob_wrap(pg_context *ctx, const void *data, size_t size, pgi_blob **out,
                        pg_error *err);
void pgi_blob_release(pgi_blob *b); /* NULL is fine */

/* ---- reading -------------------------------------------------------------------------------- */

/* One load.  Tables of what was read live in `arena`, the unpacked messages in `protos`. */
typedef struct pgi_onnx_reader {
  pg_context *ctx;
  const uint8_t *data; /* the bytes that are being read */
  size_t size;
  pgi_blob *blob;      /* they, when tensors may point into them; NULL: tensors copy */
  bool only_shapes;    /* large tensors needn't hold their numbers: see take_payload */
  const char *path;    /* of the model, beside which external data may lie; NULL: refused */
  pgi_blob *externals; /* external files so far; one reference each is the reader's */
  size_t dense_left;   /* bytes that sparse tensors may still grow into */
  pgi_arena protos;
  pgi_arena *arena; /* of the model; for a single value, protos again */
  pgi_model *model;
  pgi_map symbols; /* names of dims, each once in the arena */
} pgi_onnx_reader;

/* `data` need not outlive the call unless `blob` holds it. */
void pgi_onnx_reader_init(pgi_onnx_reader *r, pg_context *ctx, const void *data, size_t size);
void pgi_onnx_reader_deinit(pgi_onnx_reader *r);

/* walk.c: checks the bytes as a message of type `descriptor`, then unpacks them into r->protos.
** Large data fields of tensors are not copied but cut: see TensorProto.cut. */
pg_status pgi_onnx_unpack(pgi_onnx_reader *r, const ProtobufCMessageDescriptor *descriptor,
                          ProtobufCMessage **out, pg_error *err);
/* Memory from an arena for protobuf-c; nothing is given back one by one. */
typedef struct pgi_arena_allocator {
  ProtobufCAllocator base;
  pgi_arena *arena;
  bool is_out; /* of memory: an unpack that failed for this reason */
} pgi_arena_allocator;
void pgi_arena_allocator_init(pgi_arena_allocator *a, pgi_arena *arena);
/* Packs m (only what is to be kept of a message) into the arena; empty messages give none. */
pg_status pgi_onnx_keep(pgi_arena *arena, const ProtobufCMessage *m, pgi_bytes *out, pg_error *err);

/* external.c: the bytes that p->external_data points to, beside the model. */
pg_status pgi_onnx_external(pgi_onnx_reader *r, const proto_tensor *p, size_t need, pgi_blob **blob,
                            const uint8_t **data, size_t *size, pg_error *err);

/* read_model.c: a model whose tensors may lie in one other block, `external`, under the name that it
** has as a location; nowhere else.  The reference to it is taken in any case. */
pg_status pgi_onnx_read_parts(pg_context *ctx, const void *data, size_t size, pgi_blob *external,
                              bool only_shapes, pg_graph **out, pg_error *err);

/* read_tensor.c: *out fresh. */
pg_status pgi_onnx_read_tensor(pgi_onnx_reader *r, const proto_tensor *p, pg_tensor *out,
                               pg_error *err);

/* read_sparse.c: triple: values, indices, dims (i64), all fresh; on failure all cleared. */
pg_status pgi_onnx_read_sparse(pgi_onnx_reader *r, const proto_sparse *p, pg_tensor *triple,
                               pg_error *err);
pg_status pgi_onnx_read_dense(pgi_onnx_reader *r, const proto_sparse *p, pg_tensor *out,
                              pg_error *err);

/* read_type.c.  is_lossy (may be NULL): a pgi_type can't say all that p says. */
pg_status pgi_onnx_read_type(pgi_onnx_reader *r, const proto_type *p, pgi_type *out, bool *is_lossy,
                             pg_error *err);

/* Names that a graph's nodes can see: by their names in the file, as values of the graph.  A value
** whose name hides an outer one gets a fresh name in the graph. */
typedef struct pgi_onnx_scope {
  pg_graph *graph;
  pgi_map names;
  struct pgi_onnx_scope *outer; /* NULL: the main graph or a function */
  const pgi_node *node;         /* being read */
  bool is_unsorted;             /* a node uses what a later node makes */
  const pgi_opset *opsets;      /* of the model, or of the function */
  int n_opsets;
} pgi_onnx_scope;

/* read_graph.c: fills g.  opsets: what the versions of nodes come from. */
pg_status pgi_onnx_read_graph(pgi_onnx_reader *r, const proto_graph *p, pg_graph *g,
                              pgi_onnx_scope *outer, const pgi_opset *opsets, int n_opsets,
                              pg_error *err);
pg_status pgi_onnx_read_body(pgi_onnx_reader *r, const proto_function *p, pg_graph *g,
                             const pgi_opset *opsets, int n_opsets, pg_error *err);

/* read_attr.c: adds p to the node, and to a function's defaults (*out blank). */
pg_status pgi_onnx_read_node_attrs(pgi_onnx_reader *r, const proto_node *p, pgi_node *node,
                                   pgi_onnx_scope *scope, pg_error *err);
pg_status pgi_onnx_read_attr(pgi_onnx_reader *r, const proto_attr *p, pgi_onnx_scope *scope,
                             pgi_attr *out, pg_error *err);

/* A text of the file in the model's arena; absent texts are NULL. */
pg_status pgi_onnx_text(pgi_onnx_reader *r, const char *text, const char **out, pg_error *err);

/* ---- writing -------------------------------------------------------------------------------- */

/* A tensor whose bytes go to the external file. */
typedef struct pgi_onnx_outside {
  const void *data;
  size_t size, offset;
  struct pgi_onnx_outside *next;
} pgi_onnx_outside;

/* One save.  The messages live in `arena` and point at the graph's own texts and weights. */
typedef struct pgi_onnx_writer {
  pg_context *ctx;
  pgi_arena arena;
  int64_t threshold;    /* least bytes of an external tensor; -1: none */
  bool keeps_layout;    /* what was external is so again, whatever its size */
  bool leaves_all;      /* tensors of attributes may be external, too */
  const char *location; /* name of the external file */
  size_t outside_size;  /* of it, so far */
  pgi_onnx_outside *first, *last;
  struct pgi_onnx_held *held; /* contiguous copies, cleared at the end */
} pgi_onnx_writer;

void pgi_onnx_writer_init(pgi_onnx_writer *w, pg_context *ctx);
void pgi_onnx_writer_deinit(pgi_onnx_writer *w);
/* Zeroed and in the arena; `n` elements of `size` bytes. */
pg_status pgi_onnx_make(pgi_onnx_writer *w, size_t n, size_t size, void *out, pg_error *err);
/* A message with its initial content. */
pg_status pgi_onnx_make_message(pgi_onnx_writer *w, const ProtobufCMessageDescriptor *descriptor,
                                void *out, pg_error *err);
/* Puts the fields that were kept from a file behind those of m. */
pg_status pgi_onnx_append(pgi_onnx_writer *w, ProtobufCMessage *m, pgi_bytes extra, pg_error *err);

/* write_tensor.c.  least: bytes from which on it goes to the external file; -1: never. */
pg_status pgi_onnx_make_tensor(pgi_onnx_writer *w, const pg_tensor *t, const char *name,
                               int64_t least, proto_tensor **out, pg_error *err);
/* The first n * 3 tensors as n sparse ones. */
pg_status pgi_onnx_make_sparse(pgi_onnx_writer *w, pg_tensor *const *triple, proto_sparse **out,
                               pg_error *err);

/* write_type.c */
pg_status pgi_onnx_make_type(pgi_onnx_writer *w, const pgi_type *type, proto_type **out,
                             pg_error *err);
pg_status pgi_onnx_make_value(pgi_onnx_writer *w, const pgi_value *v, proto_value **out,
                              pg_error *err);

/* write_graph.c */
/* A text for a message, not copied: NULL when absent or empty, which leaves the field out. */
char *pgi_onnx_borrow(const char *text);
pg_status pgi_onnx_make_graph(pgi_onnx_writer *w, const pg_graph *g, proto_graph **out,
                              pg_error *err);
pg_status pgi_onnx_make_nodes(pgi_onnx_writer *w, const pg_graph *g, size_t *n, proto_node ***out,
                              pg_error *err);
pg_status pgi_onnx_make_value_infos(pgi_onnx_writer *w, const pg_graph *g, size_t *n,
                                    proto_value ***out, pg_error *err);
pg_status pgi_onnx_make_attr(pgi_onnx_writer *w, const pgi_attr *a, proto_attr **out,
                             pg_error *err);

/* write_model.c */
pg_status pgi_onnx_make_model(pgi_onnx_writer *w, const pg_graph *main, proto_model **out,
                              pg_error *err);

#endif
