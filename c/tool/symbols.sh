#!/bin/sh
# usage: symbols.sh SHARED STATIC
# The shared library exports pg_* and nothing else, and no object holds data that can change.
set -eu
wrong=$(nm -D --defined-only "$1" | awk '{ print $3 }' | grep -v '^pg_' || true)
[ -z "$wrong" ] || { echo "exported but not public: $wrong" >&2; exit 1; }
mutable=$(objdump -t "$2" | grep -E ' O \.(data|bss)[[:space:]]' || true)
[ -z "$mutable" ] || { echo "static mutable state: $mutable" >&2; exit 1; }
