#!/usr/bin/env bash
# compare.sh — does `loadtest compare` find what is there, and nothing else?
#
#   compare.sh                 a difference that cannot be missed, and mistakes that must be named
#   TANDEM_LONG=1 compare.sh   a server beside itself, and a handler made 5 % slower, 20 times each,
#                              with the default options: at least 18 of 20 must be right (25 minutes)
#
# The servers' paths are in the environment, as ctest sets them. What runs where: the server on the
# first CPU, loadtest on the second.
set -u
export LC_ALL=C

times=${COMPARE_TIMES:-20}
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "compare: $1" >&2
    for file in output errors server; do
        [ -s "$work/$file" ] && { echo "--- $file"; tail -n 40 "$work/$file"; } >&2
    done
    exit 1
}

# Two CPUs, or no division at all.
mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
    awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
on_first=() on_second=()
if [ "${#cpus[@]}" -ge 2 ]; then
    on_first=(taskset -c "${cpus[0]}") on_second=(taskset -c "${cpus[1]}")
fi

start() {
    : >"$work/ready"
    "${on_first[@]}" "$TANDEM_THREAD" --listen 127.0.0.1:0 --module "$TANDEM_MODULES/spin.so" \
        --access-log off --log-level warn --ready-fd 3 3>"$work/ready" >/dev/null 2>"$work/server" &
    pid=$!
    for _ in $(seq 500); do
        grep -q '^ready ' "$work/ready" && break
        kill -0 "$pid" 2>/dev/null || fail 'the server did not start'
        sleep 0.02
    done
    url=http://$(sed -n 's/^ready \([^ ]*\).*/\1/p' "$work/ready")
}

# compare CODE ARGUMENT…: runs it, and it ends with CODE.
compare() {
    local wanted=$1 code=0
    shift
    "${on_second[@]}" "$TANDEM_LOADTEST" compare --quiet "$@" >"$work/output" 2>"$work/errors" || code=$?
    [ "$code" = "$wanted" ] || fail "exit code $code instead of $wanted: loadtest compare $*"
}

expect() {
    grep -Eq -- "$2" "$work/$1" || fail "no line like: $2"
}

# repeat WORDS PATTERN A B: how often the overall verdict matches.
repeat() {
    local right=0 wrong=()
    for i in $(seq "$times"); do
        compare 0 -c 16 --seed "$i" "a=$3" "b=$4"
        if grep -Eq "^  Overall: $2" "$work/output"; then
            right=$((right + 1))
        else
            wrong+=("$i")
        fi
        printf '%s, seed %s: ' "$1" "$i"
        sed -n 's/^  Overall: //p' "$work/output"
        sed -n '/^  \(requests\/s\|CPU\/request\|p50\|p99\) /p' "$work/output"
    done
    echo "$1: right in $right of $times${wrong[*]:+; wrong with seeds ${wrong[*]}}"
    [ $((right * 20)) -ge $((times * 18)) ] || fail "$1: fewer than 18 of 20"
}

start
if [ "${TANDEM_LONG:-}" = 1 ]; then
    begin=$SECONDS
    repeat 'a server beside itself' 'no difference shown' "$url/spin?turns=100000" "$url/spin?turns=100000"
    repeat 'a handler 5 % slower' 'b is slower than a' "$url/spin?turns=100000" "$url/spin?turns=105000"
    echo "$((SECONDS - begin)) s for $((2 * times)) comparisons; load average now: $(cut -d ' ' -f 1-3 /proc/loadavg)"
    exit 0
fi

few=(-c 4 -d 2s --rounds 20 --warmup 10ms)
compare 0 "${few[@]}" --json "$work/json" "light=$url/spin?turns=20000" "heavy=$url/spin?turns=200000"
expect output '^  CPU/request .* slower$'
expect output '^  Overall: heavy is slower than light'
expect output 'server-thread, process [0-9]+'
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))
light, heavy = c["subjects"]
assert [len(s["rounds"]) for s in c["subjects"]] == [20, 20]
assert heavy["overall"] == "slower" and heavy["findings"]["server_cpu_us_per_request"]["low"] > 2
assert all(s["requests"]["balanced"] for s in c["subjects"])
turns = sorted((r["at_s"], r["seconds"]) for s in c["subjects"] for r in s["rounds"])
firsts = sum(a["at_s"] < b["at_s"] for a, b in zip(light["rounds"], heavy["rounds"]))
assert 0 < firsts < 20, "the order changes"
assert all(a + length <= b for (a, length), (b, _) in zip(turns, turns[1:])), "two at a time"' \
        "$work/json" || fail 'the JSON is not what it should be'
fi
compare 2 "${few[@]}" "right=$url/spin" "wrong=$url/nothing"
expect errors 'wrong answered no request with success \([1-9][0-9]* times 4xx'
compare 3 "${few[@]}" "right=$url/spin" "nobody=unix:$work/nobody.sock:/"
expect errors 'nobody answered no request'
compare 2 "one=$url/"
expect errors 'Name a second one'
