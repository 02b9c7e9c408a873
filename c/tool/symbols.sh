#!/bin/sh
# The shared library exports pg_* and nothing else.
set -eu
wrong=$(nm -D --defined-only "$1" | awk '{ print $3 }' | grep -v '^pg_' || true)
[ -z "$wrong" ] || { echo "exported but not public: $wrong" >&2; exit 1; }
