#!/usr/bin/env bash
# completion.sh — what bash offers after each beginning of a command line of the servers.
set -u

: "${TANDEM_PROC:?}" "${TANDEM_THREAD:?}" "${TANDEM_SOURCE:?}"
# shellcheck source=common/manual/server.bash
. "$TANDEM_SOURCE/common/manual/server.bash"

failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
touch one.pem
mkdir folder

complain() {
    echo "completion: $1" >&2
    failed=1
}

# offered WORD…: what completes the last word, in one line.
offered() {
    COMP_WORDS=("$program" "$@")
    COMP_CWORD=$#
    _tandem_server
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

program=$TANDEM_PROC
expect '' -- --listen --root --print-config --help
expect --max-b -- --max-body
refuse --max-b -- --max-uri
expect --isolation '' -- pool fresh
expect --log-level = w -- warn
refuse --log-level = w -- debug
expect --log-level = -- error debug
expect --tls-cert '' -- one.pem folder
expect --module o -- one.pem
expect --access-log '' -- - off one.pem
expect --root '' -- folder
refuse --root '' -- one.pem
expect --user roo -- root
refuse --workers '' -- one.pem --listen
expect --listing -- --listing
expect --listing '' -- --root
program=$TANDEM_THREAD
expect --li -- --listen --listing
refuse --is -- --isolation

# Every option that --help speaks of is offered.
for option in $("$TANDEM_PROC" --help | sed -n 's/^  \(--[a-z0-9-]*\) .*/\1/p'); do
    program=$TANDEM_PROC expect "$option" -- "$option"
done
exit $failed
