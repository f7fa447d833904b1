#!/usr/bin/env bash
# valgrind.sh thread|one — a server that was used and drained: no error, no leak.
#
# Without the sandbox, which allows no new code: valgrind translates what it runs.
# `one` is server-proc --one: valgrind refuses clone(CLONE_FILES), which makes its workers.
set -u

mode=$1
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "$mode: $1" >&2
    tail -n 60 "$work"/errors "$work"/report.* >&2
    exit 1
}

command -v valgrind >/dev/null || fail 'valgrind is missing: install the package valgrind'
command -v curl >/dev/null || fail 'curl is missing: install the package curl'

mkdir "$work/root"
head -c 1024 /dev/zero | tr '\0' x >"$work/root/one.txt"
head -c 300000 /dev/urandom >"$work/root/big.bin"

program=$TANDEM_THREAD options=(--workers 3)
[ "$mode" = one ] && program=$TANDEM_PROC options=(--one)
valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible \
    --errors-for-leak-kinds=definite,indirect,possible --track-origins=yes \
    --log-file="$work/report.%p" \
    "$program" "${options[@]}" --listen 127.0.0.1:0 --root "$work/root" --enable-demo \
    --max-connections 200 --access-log "$work/access" --log-level warn --ready-fd 3 \
    --sandbox off --user "$(id -un)" \
    3>"$work/ready" >/dev/null 2>"$work/errors" &
pid=$!
for _ in $(seq 600); do
    grep -q '^ready ' "$work/ready" && break
    kill -0 "$pid" 2>/dev/null || fail 'the server did not start'
    sleep 0.05
done
url=http://$(sed -n 's/^ready \([^ ]*\).*/\1/p' "$work/ready")

ask() {
    curl -sS --max-time 30 "$@" >"$work/got" 2>>"$work/errors" || fail "curl $*"
}

ask "$url/one.txt" "$url/one.txt" "$url/missing" "$url/big.bin"
ask -I "$url/one.txt"
ask -X DELETE "$url/one.txt"
ask --data-binary "@$work/root/one.txt" "$url/echo"
ask --data-binary "@$work/root/big.bin" "$url/echo"
cmp -s "$work/got" "$work/root/big.bin" || fail 'not the bytes that were sent'
ask -H 'Transfer-Encoding: chunked' --data-binary "@$work/root/big.bin" "$url/echo"
ask "$url/work?bytes=200000" "$url/counter?kind=shared"
ask -H 'Bad Name: x' "$url/one.txt"
curl -sS --max-time 1 --limit-rate 20k "$url/big.bin" >/dev/null 2>&1 # leaves in the middle

code=0
kill -TERM "$pid"
wait "$pid" || code=$?
pid=
[ "$code" = 0 ] || fail "exit code $code"
for report in "$work"/report.*; do
    # Lines that begin with -- say that valgrind does not know a system call, which then fails.
    grep -q '^==' "$report" && fail 'valgrind found something'
done
[ -e "$work/access" ] || fail 'nothing was served'
exit 0
