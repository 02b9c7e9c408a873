/* container: perigee's own file of a model, `.perigee`.  See CONTAINER.md beside it. */
#ifndef PG_CONTAINER_H
#define PG_CONTAINER_H

#include "format/onnx/onnx.h"

enum { PG_SECTION_NAME = 8, PG_SECTION_REQUIRED = 1 };

/* A section as its row in the directory says, checked against the file's size. */
typedef struct pgi_section {
  char name[PG_SECTION_NAME + 1];
  size_t offset, size;
  uint64_t checksum; /* XXH64; 0 for "data", whose tensors have their own */
  uint32_t flags;
} pgi_section;

bool pgi_container_is(const void *data, size_t size);
/* The directory: *out: [*n], in a block to be freed with pgi_free. */
pg_status pgi_container_sections(pg_context *ctx, const void *data, size_t size, pgi_section **out,
                                 int *n, pg_error *err);
/* The model; weights stay in the blob.  Checks all but the weights' checksums. */
pg_status pgi_container_read(pgi_blob *file, bool only_shapes, pg_graph **out, pg_error *err);
/* Reads all of it, the weights too: PG_FORMAT names the first section or tensor that was damaged. */
pg_status pgi_container_verify(pg_context *ctx, const void *data, size_t size, pg_error *err);
/* Whether a file of this name shall be a container. */
bool pgi_container_is_path(const char *path);
pg_status pgi_container_save(const pg_graph *graph, const char *path, pg_error *err);

#endif
