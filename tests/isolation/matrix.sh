#!/usr/bin/env bash
# matrix.sh — performs every fault with every subject and prints what came of it, as Markdown.
#
#   tests/isolation/matrix.sh                  builds the release preset first
#   tests/isolation/matrix.sh FOLDER           with what is built in that folder
#   tests/isolation/matrix.sh --check [FOLDER] only: do the READMEs still say what the test expects?
#
# The table comes on stdout, whatever fails on stderr; the exit code is the test's.
set -eu

check=
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
source=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$source/build/release}

if [ $# -eq 0 ]; then
    (cd "$source" && cmake --preset release -DTANDEM_TESTS=ON >&2)
fi
cmake --build "$build" --parallel "$(nproc)" --target isolation_matrix >&2

preset=$(sed -n 's/^TANDEM_SANITIZE:STRING=\(.\).*/\1/p' "$build/CMakeCache.txt")
case $preset in
a) preset=asan ;;
t) preset=tsan ;;
*) preset=release ;;
esac
export TANDEM_PRESET=$preset TANDEM_SOURCE=$source
export TANDEM_PROC=$build/server-proc/server-proc TANDEM_THREAD=$build/server-thread/server-thread

if [ -n "$check" ]; then
    exec env CK_RUN_CASE=readmes "$build/tests/isolation_matrix"
fi

table=$(mktemp)
trap 'rm -f "$table"' EXIT
code=0
TANDEM_MATRIX=$table "$build/tests/isolation_matrix" >&2 || code=$?
cat "$table"
exit $code
