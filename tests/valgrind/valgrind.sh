#!/usr/bin/env bash
# valgrind.sh thread|one|tls|gate — a server that was used and drained: no error, no leak.
#
# Without the sandbox, which allows no new code: valgrind translates what it runs.
# `one` is server-proc --one: valgrind refuses clone(CLONE_FILES), which makes its workers.
# `tls` is server-thread again, asked by https and made to read its certificates again and again.
# `gate` is server-proc, of which only the gatehouse and its gates are watched: that is another program.
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

# server-proc finds its gate beside itself; there lies one that starts the other under watch.
wrap_gate() {
    cp "$TANDEM_PROC" "$work/server-proc"
    { printf 'exec'; printf ' %q' "${watch[@]}" "$(dirname "$TANDEM_PROC")/tls-gate"; echo ' "$@"'; } |
        sed '1i #!/usr/bin/env bash' >"$work/tls-gate"
    chmod 755 "$work" "$work/tls-gate"
}

command -v valgrind >/dev/null || fail 'valgrind is missing: install the package valgrind'
command -v curl >/dev/null || fail 'curl is missing: install the package curl'

mkdir "$work/root"
head -c 1024 /dev/zero | tr '\0' x >"$work/root/one.txt"
head -c 300000 /dev/urandom >"$work/root/big.bin"

watch=(valgrind --quiet --leak-check=full '--show-leak-kinds=definite,indirect,possible'
    '--errors-for-leak-kinds=definite,indirect,possible' --track-origins=yes
    --log-file="$work/report.%p")
case $mode in
thread) command=("${watch[@]}" "$TANDEM_THREAD" --workers 3 --listen 127.0.0.1:0) ;;
one) command=("${watch[@]}" "$TANDEM_PROC" --one --listen 127.0.0.1:0) ;;
tls | gate)
    "$(dirname "$0")/../tls/authority.py" "$work" || fail 'there are no certificates'
    command=("${watch[@]}" "$TANDEM_THREAD" --workers 3)
    [ "$mode" = gate ] && wrap_gate && command=("$work/server-proc" --tls-gates 1)
    command+=(--tls-listen 127.0.0.1:0 --tls-cert "$work/rsa.pem" --tls-key "$work/rsa.key"
        --tls-cert "$work/ec.pem" --tls-key "$work/ec.key" --hsts max-age=1)
    ;;
esac
"${command[@]}" --root "$work/root" --enable-demo \
    --max-connections 200 --access-log "$work/access" --log-level warn --ready-fd 3 \
    --sandbox off --user "$(id -un)" \
    3>"$work/ready" >/dev/null 2>"$work/errors" &
pid=$!
for _ in $(seq 600); do
    grep -q '^ready ' "$work/ready" && break
    kill -0 "$pid" 2>/dev/null || fail 'the server did not start'
    sleep 0.05
done
address=$(sed -n 's/^ready \([^ ]*\).*/\1/p' "$work/ready")
url=http://$address trust=()
[[ $mode == tls || $mode == gate ]] && url=https://$address trust=(--cacert "$work/root.pem")

ask() {
    curl -sS --max-time 30 "${trust[@]}" "$@" >"$work/got" 2>>"$work/errors" || fail "curl $*"
}

# What only TLS has: both versions, both keys, sessions that go on, new certificates, and bad clients.
ask_by_tls() {
    local session=$work/session s_client=(openssl s_client -connect "$address" -ign_eof)
    local get='GET /one.txt HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n'
    for round in 1 2 3; do
        # shellcheck disable=SC2059 # it is a format
        for version in 2 3; do
            printf "$get" | "${s_client[@]}" -tls1_$version -sess_out "$session" >"$work/got" 2>&1
            printf "$get" | "${s_client[@]}" -tls1_$version -sess_in "$session" >"$work/got" 2>&1
            grep -q '^Reused, ' "$work/got" || fail "round $round: no session went on"
        done
        ask --tls-max 1.2 --ciphers ECDHE-RSA-AES128-GCM-SHA256 "$url/one.txt"
        ask --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 "$url/one.txt"
        openssl s_client -connect "$address" -alpn h2 </dev/null >/dev/null 2>&1
        curl -sS --max-time 10 "http://$address/one.txt" >/dev/null 2>&1
        [ $round = 2 ] && mv "$work/ec.pem" "$work/kept" && echo rubbish >"$work/ec.pem"
        kill -HUP "$pid"
        sleep 1
        [ $round = 2 ] && mv "$work/kept" "$work/ec.pem"
    done
    ask "$url/one.txt"
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
[[ $mode == tls || $mode == gate ]] && ask_by_tls
curl -sS --max-time 1 "${trust[@]}" --limit-rate 20k "$url/big.bin" >/dev/null 2>&1 # leaves in the middle

code=0
kill -TERM "$pid"
wait "$pid" || code=$?
pid=
[ "$code" = 0 ] || fail "exit code $code"
reports=("$work"/report.*)
[ "$mode" != gate ] || [ ${#reports[@]} -ge 2 ] || fail 'a gatehouse and its gate were to be watched'
for report in "${reports[@]}"; do
    # Lines that begin with -- say that valgrind does not know a system call, which then fails.
    grep -q '^==' "$report" && fail 'valgrind found something'
done
[ -e "$work/access" ] || fail 'nothing was served'
exit 0
