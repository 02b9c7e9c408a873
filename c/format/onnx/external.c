/* external: tensors whose bytes lie in other files (onnx/docs/ExternalData.md).
**
** A model may only name files in its own folder or below.  The name is checked as it is written,
** and again after links are followed.  Each file is mapped once for all tensors that lie in it. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "format/onnx/onnx.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

typedef struct place {
  const char *location;
  size_t offset, length;
  bool has_length;
} place;

static pg_status read_size(const char *key, const char *text, size_t *out, pg_error *err) {
  size_t v = 0;
  bool is_good = *text != 0;
  for (const char *p = text; *p && is_good; p++) {
    is_good = *p >= '0' && *p <= '9' && pgi_mul_size(v, 10, &v) &&
              pgi_add_size(v, (size_t)(*p - '0'), &v);
  }
  if (!is_good) return pgi_fail(err, PG_FORMAT, "external data: bad %s '%.40s'", key, text);
  *out = v;
  return PG_OK;
}

static pg_status read_place(const proto_tensor *p, place *out, pg_error *err) {
  *out = (place){0};
  for (size_t i = 0; i < p->n_external_data; i++) {
    const char *key = p->external_data[i]->key, *value = p->external_data[i]->value;
    if (!key || !value) continue;
    if (strcmp(key, "location") == 0) {
      out->location = value;
    } else if (strcmp(key, "offset") == 0) {
      PG_TRY(read_size(key, value, &out->offset, err));
    } else if (strcmp(key, "length") == 0) {
      PG_TRY(read_size(key, value, &out->length, err));
      out->has_length = true;
    }
  }
  if (out->location && *out->location) return PG_OK;
  return pgi_fail(err, PG_FORMAT, "external data without a location");
}

/* Relative, and no step upwards; a backslash is a separator elsewhere. */
static bool is_inside(const char *location) {
  if (*location == '/' || strchr(location, '\\')) return false;
  for (const char *p = location; *p;) {
    size_t n = strcspn(p, "/");
    if (n == 2 && p[0] == '.' && p[1] == '.') return false;
    p += n;
    p += *p == '/';
  }
  return true;
}

/* Whether `real` lies in the folder that the first n bytes of `folder` name, or below. */
static bool is_below(const char *real, const char *folder, size_t n) {
  if (n == 1) n = 0; /* the root */
  return strncmp(real, folder, n) == 0 && real[n] == '/';
}

/* The model may be given by the name of a link: then its data may lie beside what that leads to.
** n: bytes of r->path up to its last slash, which is one of them. */
static bool is_allowed(const pgi_onnx_reader *r, int n, const char *real) {
  char path[PATH_MAX], home[PATH_MAX];
  if (realpath(r->path, home)) {
    const char *slash = strrchr(home, '/');
    if (is_below(real, home, slash == home ? 1 : (size_t)(slash - home))) return true;
  }
  pgi_text text = {path, sizeof path, 0};
  pgi_text_add(&text, "%.*s.", n, r->path);
  return realpath(path, home) && is_below(real, home, strlen(home));
}

/* real: [PATH_MAX] */
static pg_status resolve(const pgi_onnx_reader *r, const char *location, char *real,
                         pg_error *err) {
  char path[PATH_MAX];
  pgi_text text = {path, sizeof path, 0};
  if (!is_inside(location)) {
    return pgi_fail(err, PG_FORMAT, "external data '%.200s': not in the model's folder", location);
  }
  const char *slash = strrchr(r->path, '/');
  int n = slash ? (int)(slash + 1 - r->path)
                : 0; /* the path was opened: it is no longer than PATH_MAX */
  pgi_text_add(&text, "%.*s%s", n, r->path, location);
  if (text.n >= sizeof path) {
    return pgi_fail(err, PG_IO, "external data '%.200s...': name too long", location);
  }
  if (!realpath(path, real)) {
    if (errno == ENOMEM) return pgi_nomem(err);
    const char *why = errno == ENOENT ? "no such file" : "can't be opened";
    return pgi_fail(err, PG_IO, "external data '%.200s': %s", location, why);
  }
  if (is_allowed(r, n, real)) return PG_OK;
  return pgi_fail(err, PG_FORMAT, "external data '%.200s': a link out of the model's folder",
                  location);
}

static pg_status find_or_open(pgi_onnx_reader *r, const char *location, pgi_blob **out,
                              pg_error *err) {
  char real[PATH_MAX];
  for (pgi_blob *b = r->externals; b; b = b->next) {
    if (strcmp(b->location, location) == 0) {
      *out = b;
      return PG_OK;
    }
  }
  if (!r->path) {
    return pgi_fail(
        err, PG_UNSUPPORTED,
        "its data is in the file '%.200s': load the model from its path, not from memory",
        location);
  }
  PG_TRY(resolve(r, location, real, err));
  PG_TRY(pgi_blob_open(r->ctx, real, location, out, err));
  (*out)->next = r->externals;
  r->externals = *out;
  return PG_OK;
}

pg_status pgi_onnx_external(pgi_onnx_reader *r, const proto_tensor *p, size_t need, pgi_blob **blob,
                            const uint8_t **data, size_t *size, pg_error *err) {
  place at;
  PG_TRY(read_place(p, &at, err));
  pgi_blob *b;
  PG_TRY(find_or_open(r, at.location, &b, err));
  size_t length = at.has_length ? at.length : need;
  if (at.offset > b->size || length > b->size - at.offset) {
    return pgi_fail(err, PG_FORMAT,
                    "external data '%.200s': %zu bytes at %zu, but the file has %zu", at.location,
                    length, at.offset, b->size);
  }
  *blob = b;
  *data = b->data + at.offset;
  *size = length;
  return PG_OK;
}
