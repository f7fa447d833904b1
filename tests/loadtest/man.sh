#!/usr/bin/env bash
# man.sh — the manual page knows every command, option and scenario, and is well-formed.
set -u

: "${TANDEM_LOADTEST:?}" "${TANDEM_SOURCE:?}"
page=$TANDEM_SOURCE/loadtest/loadtest.1
failed=0

complain() {
    echo "loadtest.1: $1" >&2
    failed=1
}

# at_least NUMBER WORD…: so that none of the lists below is empty by mistake.
at_least() {
    [ $(($# - 1)) -ge "$1" ] || complain "this test has found $(($# - 1)) of $1: ${*:2}"
}

mapfile -t commands < <("$TANDEM_LOADTEST" --help | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p')
mapfile -t options < <("$TANDEM_LOADTEST" run --help |
    sed -n 's/^  \(-[A-Za-z],\|   \) --\([a-z0-9-]*\) .*/\2/p')
mapfile -t scenarios < <(cd "$TANDEM_SOURCE/loadtest/scenarios" && printf '%s\n' *.scn | sed 's/\.scn$//')
at_least 2 "${commands[@]}"
at_least 20 "${options[@]}"
at_least 12 "${scenarios[@]}"

for command in "${commands[@]}"; do
    grep -q "^\.It Cm $command\$" "$page" || complain "the command $command is missing"
done
for option in "${options[@]}"; do
    grep -Eq "^\.It Fl (. , Fl )?-$option( |\$)" "$page" || complain "the option --$option is missing"
done
for scenario in "${scenarios[@]}"; do
    grep -Eq "^\.Li (.* )?$scenario( |\$)" "$page" || complain "the scenario $scenario is missing"
done

command -v groff >/dev/null || complain 'groff is missing: install the package groff-base'
warnings=$(groff -mdoc -Tutf8 -ww -z "$page" 2>&1) || complain 'groff cannot read it'
[ -z "$warnings" ] || complain "$warnings"
exit $failed
