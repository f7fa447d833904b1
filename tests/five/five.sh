#!/bin/sh
# five.sh PROGRAM proc|thread — five workers, each number once; the counter is 1 for each process,
# 1 to 5 (in any order) for the threads; the parent's line is last; the exit code is 0. And the folder's
# README shows this very program.
set -u
export LC_ALL=C

if [ $# -ne 2 ]; then
    echo "usage: $0 PROGRAM proc|thread" >&2
    exit 2
fi
case $2 in
proc) counters='1 1 1 1 1' ;;
thread) counters='1 2 3 4 5' ;;
*)
    echo "$0: $2 is neither proc nor thread" >&2
    exit 2
    ;;
esac

dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

"$1" >"$dir/out" 2>"$dir/err"
code=$?

# Which worker sees which counter is left open: workers and counters are compared as two lists.
{
    for n in 1 2 3 4 5; do echo "worker $n of 5"; done
    for n in $counters; do echo "the counter is $n"; done
    echo '5 of 5 ended well'
    echo 'exit code 0'
} >"$dir/expected"
{
    sed '$d' "$dir/out" | sed 's/: the counter is .*//' | sort
    sed '$d' "$dir/out" | sed 's/^worker [0-9]* of [0-9]*: //' | sort
    tail -n 1 "$dir/out"
    cat "$dir/err"
    echo "exit code $code"
} >"$dir/got"

if ! diff -u "$dir/expected" "$dir/got"; then
    echo "$1 said:"
    cat "$dir/out" "$dir/err"
    exit 1
fi

folder=$(dirname "$0")/../../server-$2
sed -n '/^#include/,$p' "$folder/five.c" >"$dir/expected"
# shellcheck disable=SC2016 # backquotes are meant
sed -n '/^```c$/,/^```$/p' "$folder/README.md" | sed '1d;$d' >"$dir/got"
if ! diff -u "$dir/expected" "$dir/got"; then
    echo "server-$2/README.md shows another program than five.c"
    exit 1
fi
