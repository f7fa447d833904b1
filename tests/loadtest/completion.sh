#!/usr/bin/env bash
# completion.sh — what bash offers after each beginning of a command line.
set -u

: "${TANDEM_LOADTEST:?}" "${TANDEM_SOURCE:?}"
# shellcheck source=loadtest/completion/loadtest.bash
. "$TANDEM_SOURCE/loadtest/completion/loadtest.bash"

failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
touch one.json two.hlog

complain() {
    echo "completion: $1" >&2
    failed=1
}

# offered WORD…: what completes the last word, in one line.
offered() {
    COMP_WORDS=("$TANDEM_LOADTEST" "$@")
    COMP_CWORD=$#
    _loadtest
    echo " ${COMPREPLY[*]} "
}

# expect WORD… -- OFFER…: each of the offers is made.       refuse: none of them is.
expect() { check 1 "$@"; }
refuse() { check 0 "$@"; }
check() {
    local wanted=$1 line=() got there
    shift
    while [ "$1" != -- ]; do
        line+=("$1")
        shift
    done
    shift
    got=$(offered "${line[@]}")
    for offer in "$@"; do
        there=0
        case $got in *" $offer "*) there=1 ;; esac
        [ "$there" = "$wanted" ] || complain "after \"${line[*]}\" bash offers:$got and not as it should: $offer"
    done
}

expect '' -- run demo --help --version
expect r -- run
refuse r -- demo
expect run -- run
expect run - -- --connections -c --urls --stages --inject --quiet
expect run --in -- --inject --inject-url
refuse run --in -- --urls
expect demo --s -- --servers --share
refuse demo --s -- --stages
expect run --json '' -- one.json two.hlog
expect run --json = o -- one.json
expect run --json = -- one.json two.hlog
expect run -b @o -- @one.json
refuse run -b o -- one.json
expect run --arrivals '' -- constant poisson
expect run --arrivals = p -- poisson
expect run --inject s -- segv spin stalled-reader
refuse run --inject s -- drip
expect run --scenario crash -- crash-1 crash-0.1 crash-storm
refuse run --connections '' -- one.json
refuse run --quiet '' -- one.json
TANDEM_SCENARIOS=$work expect run --scenario '' -- one.json
TANDEM_SCENARIOS=$work refuse run --scenario s -- steady

# Every option that --help speaks of is offered.
for option in $("$TANDEM_LOADTEST" run --help | grep -o -- '--[a-z][a-z0-9-]*'); do
    expect run "$option" -- "$option"
done

# The names of /fault/KIND are those that the servers know.
known=$(sed -n 's/.*KIND("\([a-z-]*\)".*/\1/p' "$TANDEM_SOURCE/common/modules/faults.c")
for kind in $(echo "$_loadtest_kinds" | sed '1,/reload/d'); do
    grep -qx -- "$kind" <<<"$known" || complain "no server knows the fault $kind"
done

exit $failed
