#!/usr/bin/env bash
# clients.sh CLIENT — one client program that others wrote, against each subject: it must find
# nothing to complain about, and neither must the server.
#
# CLIENT is curl, wrk, ab, h2load, python or loadtest.  The servers' paths are in the environment.
set -u

client=$1
subjects='thread pool fresh'
[ "${TANDEM_PRESET:-}" = tsan ] && subjects=thread

work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "$client against ${subject:-nobody}: $1" >&2
    for file in output errors; do
        [ -s "$work/$file" ] && { echo "--- $file"; tail -n 40 "$work/$file"; } >&2
    done
    exit 1
}

# need PROGRAM PACKAGE
need() {
    command -v "$1" >/dev/null || fail "$1 is missing: install the package $2"
}

# Starts the subject on a free port; sets pid and url.
start() {
    local program=$TANDEM_PROC options=(--isolation "$1")
    [ "$1" = thread ] && { program=$TANDEM_THREAD options=(); }
    : >"$work/ready"
    "$program" "${options[@]}" --listen 127.0.0.1:0 --root "$work/root" --enable-demo \
        --workers 8 --access-log off --log-level warn --ready-fd 3 \
        3>"$work/ready" >/dev/null 2>"$work/errors" &
    pid=$!
    for _ in $(seq 500); do
        grep -q '^ready .*$' "$work/ready" && break
        kill -0 "$pid" 2>/dev/null || fail 'the server did not start'
        sleep 0.02
    done
    url=http://$(sed -n 's/^ready \([^ ]*\).*/\1/p' "$work/ready")
}

# Drains it: exit 0, and nothing on stderr but the warning about --enable-demo.
stop() {
    local code=0
    kill -TERM "$pid"
    wait "$pid" || code=$?
    pid=
    [ "$code" = 0 ] || fail "the server ended with exit code $code"
    if grep -v -e --enable-demo "$work/errors" | grep -q .; then
        fail 'the server wrote to stderr'
    fi
}

# expect PATTERN: a line of the output matches it.       refuse PATTERN: none does.
expect() {
    grep -Eq -- "$1" "$work/output" || fail "no line like: $1"
}

refuse() {
    ! grep -Eq -- "$1" "$work/output" || fail "a line like: $1"
}

run() {
    "$@" >"$work/output" 2>&1 || fail "exit code $? of: $*"
}

try_curl() {
    run curl -sS --fail --max-time 20 "$url/one.txt" -o "$work/got"
    cmp -s "$work/got" "$work/root/one.txt" || fail 'not the bytes of one.txt'
    run curl -sS --fail --max-time 20 -v "$url/big.bin" -o "$work/got" "$url/one.txt" -o "$work/small"
    expect 'Re-using existing .*connection'
    cmp -s "$work/got" "$work/root/big.bin" || fail 'not the bytes of big.bin'
    run curl -sS --fail --max-time 20 --data-binary "@$work/root/big.bin" "$url/echo" -o "$work/got"
    cmp -s "$work/got" "$work/root/big.bin" || fail 'not the bytes that were sent'
    run curl -sS --fail --max-time 20 -H 'Transfer-Encoding: chunked' \
        --data-binary "@$work/root/big.bin" "$url/echo" -o "$work/got"
    cmp -s "$work/got" "$work/root/big.bin" || fail 'not the bytes that were sent in chunks'
    run curl -sS --max-time 20 -I "$url/one.txt"
    expect '^HTTP/1.1 200 OK'
    run curl -sS --max-time 20 -z "$work/root/one.txt" -w '%{http_code}\n' "$url/one.txt"
    expect '^304$'
    run curl -sS --max-time 20 --http1.0 -w '%{http_code}\n' -o "$work/got" "$url/one.txt"
    expect '^200$'
    cmp -s "$work/got" "$work/root/one.txt" || fail 'not the bytes of one.txt in HTTP/1.0'
    try_curl_on_files
}

# A download goes on where it was cut off; parts; a sibling that curl unpacks.
try_curl_on_files() {
    head -c 100000 "$work/root/big.bin" >"$work/part"
    run curl -sS --fail --max-time 20 -C - "$url/big.bin" -o "$work/part"
    cmp -s "$work/part" "$work/root/big.bin" || fail 'not the bytes of big.bin after going on'
    run curl -sS --fail --max-time 20 -r -5 -w '%{http_code}\n' "$url/big.bin" -o "$work/got"
    expect '^206$'
    tail -c 5 "$work/root/big.bin" | cmp -s - "$work/got" || fail 'not the last five bytes'
    run curl -sS --fail --max-time 20 -r 0-1,1000-1001 -i "$url/big.bin" -o "$work/parts"
    grep -aq '^Content-Type: multipart/byteranges; boundary=' "$work/parts" || fail 'no parts'
    [ "$(grep -ac '^Content-Range: bytes ' "$work/parts")" = 2 ] || fail 'not two parts'
    gzip -kf "$work/root/one.txt"
    run curl -sS --fail --max-time 20 --compressed -v "$url/one.txt" -o "$work/got"
    expect '^< Content-Encoding: gzip'
    cmp -s "$work/got" "$work/root/one.txt" || fail 'not the bytes of one.txt, unpacked'
    rm "$work/root/one.txt.gz"
}

try_wrk() {
    run wrk -t2 -c64 -d1s --latency "$url/one.txt"
    refuse 'Socket errors|Non-2xx'
    expect '[1-9][0-9]* requests in'
    run wrk -t2 -c64 -d1s "$url/work?bytes=100000"
    refuse 'Socket errors|Non-2xx'
}

try_ab() {
    run ab -q -k -n 3000 -c 32 "$url/one.txt"
    expect '^Failed requests: +0$'
    expect '^Complete requests: +3000$'
    expect '^Keep-Alive requests: +3000$'
    refuse 'Non-2xx'
    run ab -q -n 500 -c 16 "$url/one.txt"
    expect '^Failed requests: +0$'
    refuse 'Non-2xx'
}

try_h2load() {
    run h2load --h1 -n 3000 -c 32 "$url/one.txt"
    expect '3000 succeeded, 0 failed, 0 errored, 0 timeout'
    expect '^status codes: 3000 2xx, 0 3xx, 0 4xx, 0 5xx'
}

try_python() {
    run python3 "$(dirname "$0")/client.py" "$url"
}

try_loadtest() {
    run "$TANDEM_LOADTEST" run "$url/one.txt" -c 32 -d 1s --warmup 200ms --quiet --expect 'ok >= 100%'
    run "$TANDEM_LOADTEST" run "$url/one.txt" -c 32 -n 3000 --quiet --hlog "$work/log"
    run "$TANDEM_LOADTEST" merge "$work/log"
    expect '^  ok +3,000 '
    expect '^  raw +3,000 '
}

case $client in
curl) need curl curl ;;
wrk) need wrk wrk ;;
ab) need ab apache2-utils ;;
h2load) need h2load nghttp2-client ;;
python) need python3 python3 ;;
loadtest) need "${TANDEM_LOADTEST:?}" loadtest ;;
*) fail 'no such client' ;;
esac

mkdir "$work/root"
head -c 1024 /dev/zero | tr '\0' x >"$work/root/one.txt"
head -c 1500000 /dev/urandom >"$work/root/big.bin"
touch -d '2024-02-29 12:00:00' "$work/root/one.txt"
for subject in $subjects; do
    start "$subject"
    "try_$client"
    stop
done
