/* Shared libraries that may or may not be on the machine. */
#include <dlfcn.h>

#include "base/base.h"

pg_status pgi_library_open(const char *name, const char *const *symbols, void **functions, int n,
                           pg_error *err) {
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library)
    return pgi_fail(err, PG_UNSUPPORTED, "it takes the library %s, which is not installed", name);
  for (int i = 0; i < n; i++) functions[i] = dlsym(library, symbols[i]);
  dlclose(library); /* its code stays: RTLD_NODELETE */
  for (int i = 0; i < n; i++)
    if (!functions[i])
      return pgi_fail(err, PG_UNSUPPORTED, "the library %s has no function %s", name, symbols[i]);
  return PG_OK;
}
