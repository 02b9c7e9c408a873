/* The table of kernel variants, from the list that the build collects out of c/kernel. */
#include "kernel/kernel.h"

#define PG_LIST(id) extern const pgi_kernel pgi_kernel_##id;
#include "kernel_list.inc"
#undef PG_LIST

static const pgi_kernel *const kernels[] = {
#define PG_LIST(id) &pgi_kernel_##id,
#include "kernel_list.inc"
#undef PG_LIST
};

_Static_assert(PG_N_FAMILIES <= PG_MAX_FAMILIES, "a context has no room for that many families");

const pgi_kernel *const *pgi_kernel_all(int *n) {
  *n = PG_COUNT(kernels);
  return kernels;
}

static int bits(unsigned x) {
  int n = 0;
  for (; x; x &= x - 1) n++;
  return n;
}

const pgi_kernel *pgi_kernel_pick(unsigned cpu, pgi_family family) {
  const pgi_kernel *best = NULL;
  for (int i = 0; i < PG_COUNT(kernels); i++) {
    const pgi_kernel *k = kernels[i];
    if (k->family != family || (k->needs & ~cpu) != 0) continue;
    if (!best || bits(k->needs) >= bits(best->needs)) best = k;
  }
  return best;
}

void pgi_kernels_select(unsigned cpu, const void **tables) {
  for (int f = 0; f < PG_N_FAMILIES; f++) {
    const pgi_kernel *k = pgi_kernel_pick(cpu, (pgi_family)f);
    tables[f] = k ? k->table : NULL;
  }
}
