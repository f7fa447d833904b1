#!/usr/bin/env bash
# primitives.sh — what a user of `loadtest primitives` relies on: its JSON, its complaints, and that
# ^C leaves nobody behind.
set -u

program=${TANDEM_LOADTEST:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "primitives: $1" >&2
    tail -n 40 "$work"/* >&2
    exit 1
}

# refused STATUS PATTERN ARGUMENT…: that exit status, and one line on stderr that matches.
refused() {
    local status=$1 pattern=$2 code=0
    shift 2
    "$program" primitives "$@" >"$work/output" 2>"$work/errors" || code=$?
    [ "$code" = "$status" ] || fail "exit code $code of: $*"
    [ "$(wc -l <"$work/errors")" = 1 ] || fail "not one line about: $*"
    grep -q -- "$pattern" "$work/errors" || fail "not about $pattern: $*"
}

figures() {
    "$program" primitives --quick --quiet --json "$work/json" >"$work/text" 2>"$work/errors" ||
        fail "exit code $?"
    [ -s "$work/errors" ] && fail '--quiet says something'
    python3 - "$work/json" "$work/text" <<'END' || fail 'the figures are not as documented'
import json, os, sys

lines = {
    "create": ["thread", "clone", "fork", "fork_64m", "fork_1g"],
    "switch": ["threads", "processes"],
    "ask": ["queue", "ring_threads", "ring", "pipe", "socket", "descriptor"],
    "stream": ["queue", "ring_threads", "ring", "pipe", "socket", "descriptor"],
    "counter": [f"{who}_{how}" for who in ("threads", "processes")
                for how in ("plain", "mutex", "atomic")],
    "memory": [f"{who}_{n}" for n in (1, 10, 100) for who in ("threads", "processes")],
    "cow": ["present", "new", "read", "copied", "alone"],
}
report = json.load(open(sys.argv[1]))
text = open(sys.argv[2]).read()
slow = os.environ.get("TANDEM_PRESET") in ("asan", "tsan")
assert report["document"] == "primitives"
assert report["machine"]["page_bytes"] == os.sysconf("SC_PAGESIZE")
assert report["machine"]["usable"] == len(os.sched_getaffinity(0))
assert {g["name"]: [l["name"] for l in g["lines"]] for g in report["groups"]} == lines
for group in report["groups"]:
    assert group["title"] in text, group["title"]
    for line in group["lines"]:
        name = group["name"] + "." + line["name"]
        if name == "create.fork_1g" or (slow and group["name"] == "memory"):
            assert line["skipped"], name
            continue
        assert line["skipped"] is None, (name, line["skipped"])
        assert 0 < line["q1"] <= line["median"] <= line["q3"], name
        assert line["rounds"] == 3 and line["operations"] >= 3, name
        assert line["lost"] == 0 or name.endswith("_plain"), name
    for claim in group["claims"]:
        assert claim["sentence"] in text, claim
        assert claim["verdict"] in ("confirmed", "not_confirmed", "open"), claim
claims = {g["name"]: g["claims"] for g in report["groups"]}
assert claims["create"][0]["verdict"] == "confirmed", claims["create"]  # a thread is cheaper
assert claims["create"][-1]["verdict"] == "open", claims["create"]  # 1 GiB was left out
END
}

to_stdout() {
    "$program" primitives --quick --quiet --only switch --json - 2>"$work/errors" |
        python3 -c 'import json, sys
assert [g["name"] for g in json.load(sys.stdin)["groups"]] == ["switch"]' ||
        fail '--json - is not JSON alone'
}

# The living of a session: state and number, from /proc/PID/stat behind the name.
living() {
    cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | awk -v session="$1" '$4 == session && $1 != "Z"'
}

# In a session of its own, so that all it has started can be found, whatever group it is in.
interrupt() {
    local code=0 pid
    setsid "$program" primitives >"$work/output" 2>"$work/errors" &
    pid=$!
    for _ in $(seq 500); do
        [ "$(living "$pid" | wc -l)" -gt 1 ] && break
        sleep 0.02
    done
    [ "$(living "$pid" | wc -l)" -gt 1 ] || fail 'nothing was started'
    kill -INT "$pid"
    wait "$pid" || code=$?
    [ "$code" = 2 ] || fail "exit code $code after ^C"
    grep -q '^loadtest: interrupted' "$work/errors" || fail 'no word about ^C'
    grep -q 'not measured: interrupted$' "$work/output" || fail 'what is missing is not told'
    [ -z "$(living "$pid")" ] || fail 'processes are left after ^C'
}

refused 2 'unknown option.*--nonsense' --nonsense
refused 2 '--only: .*"fork" is no group: use one of create, switch' --only fork
refused 2 '--only' --only
refused 2 'primitives takes no argument "http' http://127.0.0.1/
refused 2 'cannot write /nonexistent/x' --json /nonexistent/x
refused 2 'cannot write /dev/full' --quick --quiet --only switch --json /dev/full
"$program" primitives --help >"$work/output" || fail '--help'
[ "$(wc -l <"$work/output")" -le 24 ] || fail '--help does not fit a screen'
figures
to_stdout
interrupt
