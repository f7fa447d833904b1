#!/usr/bin/env bash
# faults.sh — loadtest starts a server, does things to its processes, and says what that cost.
#
# What must hold on any machine, however slow: nothing is left running, both sides of the ledger
# agree, each death is counted on both sides, a freeze is seen in full.  How fast a server recovers is
# not judged here.
set -u

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
head -c 1024 /dev/zero | tr '\0' a >"$work/root/one.txt"
chmod 755 "$work"

fail() {
    echo "$case_name: $1" >&2
    for file in output errors json; do
        [ -s "$work/$file" ] && { echo "--- $file"; tail -n 60 "$work/$file"; } >&2
    done
    exit 1
}

# server SUBJECT: the command that starts it.
server() {
    local program="$TANDEM_PROC --isolation $1"
    [ "$1" = thread ] && program=$TANDEM_THREAD
    echo "$program --listen 127.0.0.1:{port} --admin 127.0.0.1:{admin-port} --root $work/root" \
        "--workers 4 --enable-faults --access-log off --log-level error --ready-fd 3"
}

# load CODE SUBJECT OPTION…: a run against it must end with CODE.
load() {
    local expected=$1 subject=$2 code=0
    shift 2
    "$TANDEM_LOADTEST" run --quiet -c 8 -t 1 --warmup 500ms --start "$(server "$subject")" --json "$work/json" \
        --server-metrics 'http://127.0.0.1:{admin-port}/metrics' "$@" \
        'http://127.0.0.1:{port}/one.txt' >"$work/output" 2>"$work/errors" || code=$?
    [ "$code" = "$expected" ] || fail "exit code $code, not $expected"
    none_is_left
}

none_is_left() {
    for _ in $(seq 500); do
        pgrep -f -- "--root $work/root" >/dev/null || return 0
        sleep 0.02
    done
    fail "still running: $(pgrep -af -- "--root $work/root")"
}

# holds EXPRESSION: true in Python, of the result r.
holds() {
    python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$work/json" "$1" || fail "not so: $1"
}

case_name='a worker is killed'
for subject in thread pool fresh; do
    [ "${TANDEM_PRESET:-}" = tsan ] && [ $subject != thread ] && continue
    case_name="a worker of $subject is killed"
    load 0 $subject -d 1200ms --inject kill-worker@300ms/500ms
    holds 'r["recovery"]["known"] and r["recovery"]["mark_count"] >= 1'
    holds 'r["server"]["reconciled"] is True'
    holds 'r["server"]["worker_deaths"] == r["recovery"]["mark_count"]'
    holds 'all(m["kind"] == "kill-worker" for m in r["recovery"]["marks"])'
    holds 'r["goodput_lost"] >= 0 and r["requests"]["balanced"]'
    [ $subject = thread ] || holds 'r["requests"]["failed"]["refused"] == 0'
done

# Eight requests were on their way when all stopped, and took as long as that lasted.
case_name='a frozen server'
load 0 thread -d 2s --inject freeze:1s@300ms
holds 'r["latency_us"]["corrected"]["max"] >= 950000'
holds 'r["seconds_without_service"] >= 0.8'
holds '(r["recovery"]["marks"][0]["seconds"] or 9) >= 0.9 and r["recovery"]["seconds"] >= 0.9'
holds 'r["server"]["reconciled"] is True and r["server"]["worker_deaths"] == 0'

# It is found at the same address, and has forgotten what it had counted.
case_name='a server that is started again'
load 0 thread -d 2s --inject restart@300ms
holds 'r["recovery"]["marks"][0]["kind"] == "restart"'
holds 'r["server"]["reconciled"] is None'
holds 'sum(row["ok"] for row in r["timeline"][1:]) > 0'

# By time table each fault is a death of its own, and the server knows of what.
case_name='poisoned by time table'
load 0 thread -d 2s --inject segv@300ms/600ms
holds 'r["injected"]["sent"] == 3 == r["server"]["killed"]["segv"] == r["server"]["worker_deaths"]'
holds 'r["recovery"]["mark_count"] == 3'

if [ "${TANDEM_PRESET:-}" != tsan ]; then
    case_name='the demonstration checks itself'
    "$TANDEM_LOADTEST" demo --quiet -d 700ms -c 8 --share 5% --workers 4 --json "$work/json" \
        --servers "$(dirname "$(dirname "$TANDEM_PROC")")" >"$work/output" 2>"$work/errors" ||
        fail "exit code $?"
    holds 'all(s["check"]["holds"] for s in r["subjects"])'
    holds 'all(s[run]["server"]["reconciled"] for s in r["subjects"] for run in ("steady", "faulty"))'
    holds 'all(s["check"]["killed"] == s["check"]["injected"] - s["check"]["unseen"] > 0
               for s in r["subjects"][1:])'
    [ "$(grep -c 'Check passed' "$work/output")" = 3 ] || fail 'it does not say so three times'
fi

case_name='a server without workers'
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$TANDEM_LOADTEST" run --quiet -c 2 -d 500ms --inject kill-worker@100ms \
    --start "python3 -m http.server -d $work/root --bind 127.0.0.1 $port" \
    "http://127.0.0.1:$port/one.txt" >"$work/output" 2>"$work/errors"
[ $? = 2 ] || fail 'exit code is not 2'
grep -q 'INVALID: kill-worker: python3 has no worker' "$work/output" || fail 'nothing is said of it'

# Even the frozen ones: they are told to end, and are let go on.
case_name='loadtest itself is killed'
"$TANDEM_LOADTEST" run --quiet -c 2 -d 60s --warmup 0s --inject freeze:60s@100ms \
    --start "$(server thread)" 'http://127.0.0.1:{port}/one.txt' >"$work/output" 2>"$work/errors" &
loadtest=$!
for _ in $(seq 1000); do
    pid=$(pgrep -P $loadtest) && [[ $(ps -o stat= -p "$pid") == T* ]] && break
    sleep 0.02
done
[[ $(ps -o stat= -p "$pid") == T* ]] || fail 'it was never frozen'
kill -KILL $loadtest
none_is_left
