#!/usr/bin/env bash
# scenarios.sh — loadtest demo --scenario: all three subjects, both sides of the ledger, nothing left.
#
# What must hold on any machine, however slow.  Whether the generator kept up is not judged: such a
# run is invalid (exit 2), and all else about it still holds.
set -u

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work # where the servers' --root will be
servers=$(dirname "$(dirname "$TANDEM_PROC")")

fail() {
    echo "scenarios: $1" >&2
    for file in output errors; do
        [ -s "$work/$file" ] && { echo "--- $file"; tail -n 60 "$work/$file"; } >&2
    done
    exit 1
}

# demo CODES OPTION…: it must end with one of the codes, and leave nothing behind.
demo() {
    local codes=$1 code=0
    shift
    "$TANDEM_LOADTEST" demo --servers "$servers" --workers 4 "$@" >"$work/output" 2>"$work/errors" || code=$?
    [[ " $codes " == *" $code "* ]] || fail "exit code $code, not $codes"
    for _ in $(seq 500); do
        pgrep -f -- "--root $work/" >/dev/null || break
        sleep 0.02
    done
    ! pgrep -f -- "--root $work/" >/dev/null || fail "still running: $(pgrep -af -- "--root $work/")"
    ! compgen -G "$work/tandem-demo-*" >/dev/null || fail 'its folder is still there'
}

# Anything that would only show after minutes is said at once.
demo 2 --scenario restart -d 500ms
grep -q 'scenario restart: restart comes after 1 s' "$work/errors" || fail 'a moment too late is not noticed'
demo 2 --scenario nowhere
grep -q 'there is no nowhere.scn' "$work/errors" || fail 'a missing scenario is not named'

cat >"$work/crash.scn" <<'END'
# Crash & burn
connections 8
rate 200
inject segv@200ms/300ms
expect injected >= 1
expect rps < 1
END
cat >"$work/kill.scn" <<'END'
connections 8
rate 200
url /echo
body hello
inject kill-worker@200ms/400ms
END

demo '0 2' -d 700ms --scenario "$work/crash.scn" --scenario "$work/kill.scn" --json "$work/json" --html "$work/html"
python3 - "$work/json" <<'END' || fail 'the JSON is not as it should be'
import json, sys

r = json.load(open(sys.argv[1]))
assert r["document"] == "demo"
assert [s["name"] for s in r["subjects"]] == ["thread", "pool", "fresh"]
assert all(s["steady"] is None and s["faulty"] is None for s in r["subjects"])
crash, kill = r["scenarios"]
assert (crash["name"], crash["title"], kill["title"]) == ("crash", "Crash & burn", "kill")
for scenario in crash, kill:
    assert [s["name"] for s in scenario["subjects"]] == ["thread", "pool", "fresh"]
    for s in scenario["subjects"]:
        run = s["run"]
        where = scenario["name"], s["name"], s["trouble"], run["invalid"]
        assert s["trouble"] is None, where
        assert s["check"]["holds"] is True, (where, s["check"])
        assert run["requests"]["balanced"] and run["server"]["reconciled"] is True, where
        assert run["requests"]["ok"] > 0 and 0.6 < run["duration_s"] < 30, where
        assert s["steady"]["source"] == "the steady run" and s["steady"]["rps"] > 0, where
        assert run["recovery"]["known"] is True, where
        assert run["recovery"]["mark_count"] >= 1, where
for s in crash["subjects"]:
    assert 1 <= s["run"]["injected"]["sent"] == s["check"]["injected"] <= 2, s["check"]
    held = {e["expect"]: e["held"] for e in s["expectations"]}
    assert held == {"injected >= 1": True, "rps < 1": False}, held
for s in kill["subjects"]:
    assert s["check"]["deaths"] >= s["check"]["kills"] == s["run"]["recovery"]["mark_count"], s["check"]
    assert s["run"]["requests"]["failed"]["status_4xx"] == 0  # /echo takes the body
END
for words in '3 of 6: crash, fresh' 'kill, pool, steady'; do
    grep -q "$words" "$work/errors" || fail "its progress does not say \"$words\""
done
for words in 'Crash & burn' 'Expected injected >= 1: Thread held'; do
    grep -q "$words" "$work/output" || fail "it does not say \"$words\""
done
[ "$(grep -c 'Check passed' "$work/output")" = 6 ] || fail 'it does not say six times that its check passed'
grep -q 'Crash &amp; burn' "$work/html" || fail 'the page does not show the scenario'
