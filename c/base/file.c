/* file: mapped files to read, files that appear whole when written. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mmap, fchmod */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static pg_status fail_io(pg_error *err, const char *path, int code) {
  return pgi_fail(err, PG_IO, "%s: %s", path, strerror(code));
}

static pg_status check_regular(const char *path, const struct stat *st, pg_error *err) {
  if (S_ISREG(st->st_mode)) return PG_OK;
  const char *what = S_ISDIR(st->st_mode) ? "is a directory" : "is not a regular file";
  return pgi_fail(err, PG_IO, "%s: %s", path, what);
}

/* ---- reading -------------------------------------------------------------------------------- */

static pg_status read_whole(int fd, const char *path, pgi_file *f, pg_error *err) {
  uint8_t *block = pgi_alloc(f->ctx, f->size);
  if (!block) return pgi_nomem(err);
  size_t done = 0;
  while (done < f->size) {
    ssize_t n = read(fd, block + done, PG_MIN(f->size - done, (size_t)1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      int code = errno;
      pgi_free(f->ctx, block);
      if (n < 0) return fail_io(err, path, code);
      return pgi_fail(err, PG_IO, "%s: the file shrank while it was read", path);
    }
    done += (size_t)n;
  }
  f->block = block;
  f->data = block;
  return PG_OK;
}

static pg_status map_or_read(int fd, const char *path, pgi_file *f, pg_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) return fail_io(err, path, errno);
  PG_TRY(check_regular(path, &st, err));
  if (st.st_size < 0 || (uint64_t)st.st_size > (uint64_t)PTRDIFF_MAX) {
    return pgi_fail(err, PG_IO, "%s: too large for this machine", path);
  }
  f->size = (size_t)st.st_size;
  if (f->size == 0) {
    f->data = (const uint8_t *)"";
    return PG_OK;
  }
  void *map = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) return read_whole(fd, path, f, err);
  f->data = map;
  return PG_OK;
}

/* O_NONBLOCK: opening a pipe must not wait for its writer; regular files ignore it. */
pg_status pgi_file_open(pg_context *ctx, const char *path, pgi_file *out, pg_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fail_io(err, path, errno);
  pgi_file f = {.ctx = ctx};
  pg_status status = map_or_read(fd, path, &f, err);
  close(fd);
  if (status == PG_OK) *out = f;
  return status;
}

void pgi_file_close(pgi_file *f) {
  if (f->block) {
    pgi_free(f->ctx, f->block);
  } else if (f->size) {
    /* munmap takes no const pointer, though it only drops the mapping. */
    void *map;
    memcpy(&map, &f->data, sizeof map);
    munmap(map, f->size);
  }
  *f = (pgi_file){0};
}

void pgi_file_forget(const void *data, size_t bytes) {
#ifdef MADV_DONTNEED
  long page = sysconf(_SC_PAGESIZE);
  if (page <= 0) return;
  uintptr_t size = (uintptr_t)page, first = ((uintptr_t)data + size - 1) / size * size;
  uintptr_t end = ((uintptr_t)data + bytes) / size * size;
  if (first < end) (void)madvise((void *)first, end - first, MADV_DONTNEED);
#else
  (void)data, (void)bytes;
#endif
}

/* ---- writing -------------------------------------------------------------------------------- */

enum { WRITE_BUFFER = 1 << 16, NAME_TRIES = 1000, NAME_KEPT = 200 };

struct pgi_writer {
  pg_context *ctx;
  int fd;
  char *path, *temporary;
  bool is_named; /* the file has the temporary name; else none yet */
  int failure;   /* errno of a write that failed: commit must not publish a file with a hole */
  size_t n;      /* bytes waiting in buffer */
  uint8_t buffer[WRITE_BUFFER];
};

void pgi_writer_abort(pgi_writer *w) {
  if (!w) return;
  if (w->fd >= 0) {
    close(w->fd);
    if (w->is_named) unlink(w->temporary);
  }
  pgi_free(w->ctx, w->path);
  pgi_free(w->ctx, w->temporary);
  pgi_free(w->ctx, w);
}

static size_t folder_length(const pgi_writer *w) {
  const char *slash = strrchr(w->path, '/');
  return slash ? (size_t)(slash - w->path) + 1 : 0;
}

/* Where Linux shows an open file. */
static void show_path(int fd, char path[40]) {
  snprintf(path, 40, "/proc/self/fd/%d", fd);
}

/* A file without a name, which is gone when the process ends early; -1 where there are none. */
static int open_nameless(pgi_writer *w, mode_t mode) {
#ifdef O_TMPFILE
  size_t folder = folder_length(w);
  char path[40];
  memcpy(w->temporary, folder ? w->path : ".", folder ? folder : 1);
  w->temporary[folder ? folder : 1] = 0;
  int fd = open(w->temporary, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  if (fd < 0) return -1;
  show_path(fd, path);
  if (access(path, F_OK) == 0) return fd;
  close(fd);
#else
  (void)w, (void)mode;
#endif
  return -1;
}

/* FOLDER/.NAME.tmp-PID-COUNTER with the first counter that is free: gives the open file that name, or
** opens one. */
static pg_status name_temporary(pgi_writer *w, mode_t mode, pg_error *err) {
  size_t folder = folder_length(w);
  char path[40];
  bool is_open = w->fd >= 0;
  if (is_open) show_path(w->fd, path);
  for (int i = 0; i < NAME_TRIES; i++) {
    memcpy(w->temporary, w->path, folder);
    snprintf(w->temporary + folder, NAME_KEPT + 64, ".%.*s.tmp-%ld-%d", NAME_KEPT, w->path + folder,
             (long)getpid(), i);
    if (is_open) {
      w->is_named = linkat(AT_FDCWD, path, AT_FDCWD, w->temporary, AT_SYMLINK_FOLLOW) == 0;
    } else {
      w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      w->is_named = w->fd >= 0;
    }
    if (w->is_named) return PG_OK;
    if (errno != EEXIST) break;
  }
  return fail_io(err, w->path, errno);
}

static pg_status open_temporary(pgi_writer *w, mode_t mode, pg_error *err) {
  w->temporary = pgi_alloc(w->ctx, folder_length(w) + NAME_KEPT + 64);
  if (!w->temporary) return pgi_nomem(err);
  w->fd = open_nameless(w, mode);
  return w->fd >= 0 ? PG_OK : name_temporary(w, mode, err);
}

/* The new file keeps the permissions of the one it replaces.  Devices and pipes stay. */
static pg_status open_target(pgi_writer *w, pg_error *err) {
  struct stat st;
  if (stat(w->path, &st) != 0) {
    if (errno != ENOENT) return fail_io(err, w->path, errno);
    return open_temporary(w, 0666, err);
  }
  PG_TRY(check_regular(w->path, &st, err));
  PG_TRY(open_temporary(w, 0600, err));
  if (fchmod(w->fd, st.st_mode & 0777) != 0) return fail_io(err, w->path, errno);
  return PG_OK;
}

pg_status pgi_writer_open(pg_context *ctx, const char *path, pgi_writer **out, pg_error *err) {
  pgi_writer *w = pgi_alloc(ctx, sizeof *w);
  if (!w) return pgi_nomem(err);
  w->ctx = ctx;
  w->fd = -1;
  w->is_named = false;
  w->failure = 0;
  w->n = 0;
  w->temporary = NULL;
  w->path = pgi_strdup(ctx, path);
  pg_status status = w->path ? open_target(w, err) : pgi_nomem(err);
  if (status != PG_OK) {
    pgi_writer_abort(w);
    return status;
  }
  *out = w;
  return PG_OK;
}

static pg_status write_out(pgi_writer *w, const uint8_t *data, size_t size, pg_error *err) {
  while (size > 0) {
    ssize_t n = write(w->fd, data, PG_MIN(size, (size_t)1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      w->failure = errno;
      return fail_io(err, w->path, w->failure);
    }
    data += n;
    size -= (size_t)n;
  }
  return PG_OK;
}

static pg_status flush(pgi_writer *w, pg_error *err) {
  size_t n = w->n;
  w->n = 0;
  return write_out(w, w->buffer, n, err);
}

pg_status pgi_writer_write(pgi_writer *w, const void *data, size_t size, pg_error *err) {
  if (size > sizeof w->buffer - w->n) PG_TRY(flush(w, err));
  if (size >= sizeof w->buffer) return write_out(w, data, size, err);
  if (size) memcpy(w->buffer + w->n, data, size);
  w->n += size;
  return PG_OK;
}

/* The file ends where the last skip leads, also when nothing is written behind it. */
pg_status pgi_writer_skip(pgi_writer *w, size_t size, pg_error *err) {
  PG_TRY(flush(w, err));
  off_t at = size <= INT64_MAX ? lseek(w->fd, (off_t)size, SEEK_CUR) : -1;
  if (at >= 0 && ftruncate(w->fd, at) == 0) return PG_OK;
  w->failure = at < 0 && size > INT64_MAX ? EFBIG : errno;
  return fail_io(err, w->path, w->failure);
}

/* Makes the rename itself last; a folder that can't be synced is no failure. */
static void sync_folder(const pgi_writer *w) {
  char *slash = strrchr(w->temporary, '/');
  if (slash) slash[1] = 0;
  int fd = open(slash ? w->temporary : ".", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

static pg_status finish(pgi_writer *w, pg_error *err) {
  if (w->failure) return fail_io(err, w->path, w->failure);
  PG_TRY(flush(w, err));
  if (fsync(w->fd) != 0) return fail_io(err, w->path, errno);
  if (!w->is_named) PG_TRY(name_temporary(w, 0, err));
  if (rename(w->temporary, w->path) != 0) return fail_io(err, w->path, errno);
  int fd = w->fd;
  w->fd = -1;
  sync_folder(w);
  return close(fd) == 0 ? PG_OK : fail_io(err, w->path, errno);
}

pg_status pgi_writer_commit(pgi_writer *w, pg_error *err) {
  pg_status status = finish(w, err);
  pgi_writer_abort(w);
  return status;
}

pg_status pgi_writer_end(pgi_writer *w, pg_status status, pg_error *err) {
  if (status == PG_OK) return pgi_writer_commit(w, err);
  pgi_writer_abort(w);
  return status;
}
