#!/usr/bin/env bash
# man.sh — the servers' manual pages are well-formed, and know the options that --help knows, and no others.
set -u

: "${TANDEM_PROC:?}" "${TANDEM_THREAD:?}"
failed=0

complain() {
    echo "$page: $1" >&2
    failed=1
}

command -v groff >/dev/null || {
    echo 'groff is missing: install the package groff-base' >&2
    exit 1
}
for program in "$TANDEM_PROC" "$TANDEM_THREAD"; do
    name=${program##*/}
    page=${program%/*/*}/common/manual/$name.1
    text=$(groff -mdoc -Tascii -P-cbou -rLL=200n "$page") || complain 'groff cannot read it'
    warnings=$(groff -mdoc -Tutf8 -ww -z "$page" 2>&1)
    [ -z "$warnings" ] || complain "$warnings"
    mapfile -t known < <("$program" --help | sed -n 's/^  --\([a-z0-9-]*\) .*/\1/p' | sort)
    mapfile -t shown < <(sed -n 's/^     --\([a-z0-9-]*\).*/\1/p' <<<"$text" | sort)
    [ ${#known[@]} -gt 50 ] || complain "this test has found ${#known[@]} options"
    [ "${known[*]}" = "${shown[*]}" ] || complain "shows other options than --help:
$(diff <(printf '%s\n' "${known[@]}") <(printf '%s\n' "${shown[@]}"))"
    for word in "$name" server-thread TANDEM_MAX_BODY 'From 256 to 64k' HUP; do
        grep -q -- "$word" <<<"$text" || complain "does not speak of $word"
    done
    ! grep -q '@' "$page" || complain 'has a mark left over'
done
exit $failed
