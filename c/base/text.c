/* text: bounded text building. */
#include <stdio.h>

#include "base/base.h"

void pgi_text_add(pgi_text *t, const char *format, ...) {
  bool has_room = t->n < t->size;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(has_room ? t->data + t->n : NULL, has_room ? t->size - t->n : 0, format, args);
  va_end(args);
  if (n > 0) t->n += (size_t)n;
}
