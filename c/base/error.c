/* error: status names, messages into the caller's pg_error. */
#include <stdio.h>

#include "base/base.h"

static const char *const status_names[] = {
    [PG_OK] = "ok",
    [PG_NOMEM] = "nomem",
    [PG_INVALID] = "invalid",
    [PG_UNSUPPORTED] = "unsupported",
    [PG_FORMAT] = "format",
    [PG_IO] = "io",
    [PG_CANCELLED] = "cancelled",
    [PG_BUDGET] = "budget",
    [PG_INTERNAL] = "internal",
};

const char *pg_status_name(pg_status status) {
  int i = (int)status;
  return i >= 0 && i < PG_COUNT(status_names) ? status_names[i] : "unknown";
}

/* Messages quote names from untrusted files: what would break the line becomes a space, and a cut
** message says so. */
static void tidy(char *text, size_t size, size_t full_length) {
  for (char *p = text; *p; p++) {
    if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
  }
  if (full_length >= size) memcpy(text + size - 4, "...", 4);
}

static void set_message(pg_error *err, const char *text, size_t full_length) {
  size_t n = PG_MIN(full_length, sizeof err->message - 1);
  memcpy(err->message, text, n);
  err->message[n] = 0;
  tidy(err->message, sizeof err->message, full_length);
}

/* The text is built aside, because an argument may be the very message that is replaced. */
pg_status pgi_fail(pg_error *err, pg_status code, const char *format, ...) {
  if (!err) return code;
  char text[sizeof err->message];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  err->code = code;
  set_message(err, text, n < 0 ? 0 : (size_t)n);
  return code;
}

pg_status pgi_nomem(pg_error *err) {
  return pgi_fail(err, PG_NOMEM, "out of memory");
}

void pgi_error_prefix(pg_error *err, const char *format, ...) {
  if (!err) return;
  char text[2 * sizeof err->message];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof err->message, format, args);
  va_end(args);
  size_t length = n < 0 ? 0 : PG_MIN((size_t)n, sizeof err->message - 1);
  int more = snprintf(text + length, sizeof text - length, ": %s", err->message);
  set_message(err, text, length + (more < 0 ? 0 : (size_t)more));
}
