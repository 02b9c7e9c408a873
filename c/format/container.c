/* container: reading perigee's own file.
**
** The structure is read by the ONNX reader from its section; its tensors name the file "data", which
** is the section of that name: a part of the mapped file.  Nothing of the weights is touched. */
#include "format/container.h"
#include "format/container_layout.h"

static uint64_t get(const uint8_t *from, int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; i++) v |= (uint64_t)from[i] << 8 * i;
  return v;
}

bool pgi_container_is(const void *data, size_t size) {
  return size >= 8 && memcmp(data, CONTAINER_MAGIC, 8) == 0;
}

/* ---- the directory -------------------------------------------------------------------------- */

static pg_status read_head(const uint8_t *p, size_t size, int *n, pg_error *err) {
  if (size < CONTAINER_HEAD) return pgi_fail(err, PG_FORMAT, "it ends in its header");
  uint64_t version = get(p + 8, 4), count = get(p + 12, 4), whole = get(p + 16, 8);
  if (version != CONTAINER_VERSION)
    return pgi_fail(err, PG_UNSUPPORTED, "version %llu of the container: this build reads %d",
                    (unsigned long long)version, (int)CONTAINER_VERSION);
  if (whole != size)
    return pgi_fail(err, PG_FORMAT, "its header says %llu bytes, the file has %zu",
                    (unsigned long long)whole, size);
  if (count > CONTAINER_MOST || count * CONTAINER_ROW > size - CONTAINER_HEAD)
    return pgi_fail(err, PG_FORMAT, "%llu sections", (unsigned long long)count);
  if (pgi_xxh64(p + CONTAINER_HEAD, (size_t)count * CONTAINER_ROW) != get(p + 24, 8))
    return pgi_fail(err, PG_FORMAT, "its directory was damaged");
  *n = (int)count;
  return PG_OK;
}

static pg_status read_row(const uint8_t *row, size_t file_size, pgi_section *s, pg_error *err) {
  int n = PG_SECTION_NAME;
  memcpy(s->name, row, PG_SECTION_NAME);
  while (n > 0 && (s->name[n - 1] == ' ' || s->name[n - 1] == 0)) n--;
  s->name[n] = 0;
  for (int i = 0; i < n; i++) {
    if (s->name[i] <= ' ' || s->name[i] > '~')
      return pgi_fail(err, PG_FORMAT, "a section with an odd name");
  }
  uint64_t offset = get(row + 8, 8), size = get(row + 16, 8);
  if (offset > file_size || size > file_size - offset)
    return pgi_fail(err, PG_FORMAT, "section '%s': %llu bytes at %llu, but the file has %zu",
                    s->name, (unsigned long long)size, (unsigned long long)offset, file_size);
  s->offset = (size_t)offset;
  s->size = (size_t)size;
  s->checksum = get(row + 24, 8);
  s->flags = (uint32_t)get(row + 32, 4);
  return PG_OK;
}

pg_status pgi_container_sections(pg_context *ctx, const void *data, size_t size, pgi_section **out,
                                 int *n, pg_error *err) {
  PG_TRY(read_head(data, size, n, err));
  pgi_section *all = pgi_alloc_zero(ctx, (size_t)PG_MAX(*n, 1) * sizeof *all);
  if (!all) return pgi_nomem(err);
  const uint8_t *rows = (const uint8_t *)data + CONTAINER_HEAD;
  for (int i = 0; i < *n; i++) {
    pg_status status = read_row(rows + (size_t)i * CONTAINER_ROW, size, &all[i], err);
    if (status == PG_OK) continue;
    pgi_free(ctx, all);
    return status;
  }
  *out = all;
  return PG_OK;
}

/* ---- what this build knows ------------------------------------------------------------------- */

typedef struct parts {
  const pgi_section *graph, *tensors, *data;
} parts;

static pg_status take(const pgi_section *s, const pgi_section **into, pg_error *err) {
  if (*into) return pgi_fail(err, PG_FORMAT, "two sections '%s'", s->name);
  *into = s;
  return PG_OK;
}

/* Others may be skipped, unless they say that the model means nothing without them. */
static pg_status find_parts(const pgi_section *all, int n, parts *p, pg_error *err) {
  *p = (parts){0};
  for (int i = 0; i < n; i++) {
    const pgi_section *s = &all[i];
    if (strcmp(s->name, "graph") == 0)
      PG_TRY(take(s, &p->graph, err));
    else if (strcmp(s->name, "tensors") == 0)
      PG_TRY(take(s, &p->tensors, err));
    else if (strcmp(s->name, "data") == 0)
      PG_TRY(take(s, &p->data, err));
    else if (s->flags & PG_SECTION_REQUIRED)
      return pgi_fail(err, PG_UNSUPPORTED, "this build doesn't know its section '%s'", s->name);
  }
  if (!p->graph || !p->tensors || !p->data)
    return pgi_fail(err, PG_FORMAT, "it has no section '%s'",
                    !p->graph     ? "graph"
                    : !p->tensors ? "tensors"
                                  : "data");
  if (p->tensors->size % CONTAINER_ENTRY != 0)
    return pgi_fail(err, PG_FORMAT, "section 'tensors' has %zu bytes", p->tensors->size);
  return PG_OK;
}

static pg_status check_section(const uint8_t *file, const pgi_section *s, pg_error *err) {
  if (pgi_xxh64(file + s->offset, s->size) == s->checksum) return PG_OK;
  return pgi_fail(err, PG_FORMAT, "section '%s' was damaged", s->name);
}

/* The index must lie in the data, whether anybody looks or not. */
static pg_status check_index(const uint8_t *file, const parts *p, pg_error *err) {
  const uint8_t *row = file + p->tensors->offset;
  for (size_t i = 0; i < p->tensors->size / CONTAINER_ENTRY; i++, row += CONTAINER_ENTRY) {
    uint64_t offset = get(row, 8), size = get(row + 8, 8);
    if (offset > p->data->size || size > p->data->size - offset)
      return pgi_fail(err, PG_FORMAT, "tensor %zu: %llu bytes at %llu of %zu", i,
                      (unsigned long long)size, (unsigned long long)offset, p->data->size);
  }
  return PG_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void release_file(void *owner) {
  pgi_blob_release(owner);
}

/* The data section as a file that tensors name. */
static pg_status open_data(pgi_blob *file, const pgi_section *s, pgi_blob **out, pg_error *err) {
  pgi_blob *b;
  PG_TRY(pgi_blob_wrap(file->ctx, file->data + s->offset, s->size, &b, err));
  b->location = pgi_strdup(file->ctx, CONTAINER_DATA);
  if (!b->location) {
    pgi_blob_release(b);
    return pgi_nomem(err);
  }
  atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
  b->owner = file;
  b->release = release_file;
  *out = b;
  return PG_OK;
}

static pg_status read_parts(pgi_blob *file, const parts *p, bool only_shapes, pg_graph **out,
                            pg_error *err) {
  pgi_blob *data = NULL;
  PG_TRY(check_section(file->data, p->graph, err));
  PG_TRY(check_section(file->data, p->tensors, err));
  PG_TRY(check_index(file->data, p, err));
  PG_TRY(open_data(file, p->data, &data, err));
  return pgi_onnx_read_parts(file->ctx, file->data + p->graph->offset, p->graph->size, data,
                             only_shapes, out, err);
}

pg_status pgi_container_read(pgi_blob *file, bool only_shapes, pg_graph **out, pg_error *err) {
  pgi_section *all;
  parts p;
  int n;
  PG_TRY(pgi_container_sections(file->ctx, file->data, file->size, &all, &n, err));
  pg_status status = find_parts(all, n, &p, err);
  if (status == PG_OK) status = read_parts(file, &p, only_shapes, out, err);
  pgi_free(file->ctx, all);
  return status;
}

/* ---- verifying ------------------------------------------------------------------------------ */

static pg_status verify_tensors(const uint8_t *file, const parts *p, pg_error *err) {
  const uint8_t *row = file + p->tensors->offset, *data = file + p->data->offset;
  for (size_t i = 0; i < p->tensors->size / CONTAINER_ENTRY; i++, row += CONTAINER_ENTRY) {
    uint64_t offset = get(row, 8), size = get(row + 8, 8);
    if (pgi_xxh64(data + offset, (size_t)size) != get(row + 16, 8))
      return pgi_fail(err, PG_FORMAT, "tensor %zu (%llu bytes at %llu of the data) was damaged", i,
                      (unsigned long long)size, (unsigned long long)offset);
  }
  return PG_OK;
}

static pg_status verify(const uint8_t *file, const pgi_section *all, int n, pg_error *err) {
  parts p;
  PG_TRY(find_parts(all, n, &p, err));
  for (int i = 0; i < n; i++) {
    if (&all[i] != p.data) PG_TRY(check_section(file, &all[i], err));
  }
  PG_TRY(check_index(file, &p, err));
  return verify_tensors(file, &p, err);
}

pg_status pgi_container_verify(pg_context *ctx, const void *data, size_t size, pg_error *err) {
  pgi_section *all;
  int n;
  if (!pgi_container_is(data, size))
    return pgi_fail(err, PG_FORMAT, "not a container of perigee's");
  PG_TRY(pgi_container_sections(ctx, data, size, &all, &n, err));
  pg_status status = verify(data, all, n, err);
  pgi_free(ctx, all);
  return status;
}
