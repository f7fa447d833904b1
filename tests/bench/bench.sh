#!/usr/bin/env bash
# bench.sh — what a request costs: Tandem's three subjects beside others, in turns, on this machine.
#
#   tests/bench/bench.sh [-r ROUNDS] [-s SECONDS] [-t TRIES] [-b BUILD_DIR] [-w WORKERS]
#
# All servers run at once, pinned to CPU 0; `wrk -t1 -c64` asks one after the other for the same
# 1 KiB file from CPU 1. Round after round, so that an hour's weather falls on all alike; medians.
# CPU per request is user + system time of all processes of the server's tree, the dead ones that
# it has waited for included, by the requests that wrk counted. A turn in which others, or the host,
# took more than 5 % of either CPU is done again; after TRIES it counts as it is, and is reported.
#
# Only what it started is stopped, by pid; only its own temporary folder is written.
set -u -o pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
server_cpu=0
client_cpu=1
connections=64
file_size=1024
noise_limit=5 # per cent

rounds=5
seconds=3
tries=3
build=
workers=()
while getopts r:s:t:b:w: option; do
    case $option in
    r) rounds=$OPTARG ;;
    s) seconds=$OPTARG ;;
    t) tries=$OPTARG ;;
    b) build=$OPTARG ;;
    w) workers=(--workers "$OPTARG") ;;
    *)
        echo "usage: $0 [-r ROUNDS] [-s SECONDS] [-t TRIES] [-b BUILD_DIR] [-w WORKERS]" >&2
        exit 2
        ;;
    esac
done

fail() {
    echo "bench.sh: $1" >&2
    exit 1
}

# --- what is needed ---

# A package's own start of nginx is undone, if it was this script that brought it.
install_peers() {
    local had_nginx=no
    [ -x /usr/sbin/nginx ] && had_nginx=yes
    # shellcheck source=common/cmake/packages.sh
    . "$top/common/cmake/packages.sh"
    need_packages gcc libc6-dev make cmake 'pkg-config|pkgconf' libseccomp-dev libssl-dev zlib1g-dev \
        'libllhttp-dev|node-llhttp' nginx apache2-bin wrk curl ||
        exit 1
    if [ $had_nginx = no ] && [ -s /run/nginx.pid ]; then
        as_root kill -QUIT "$(cat /run/nginx.pid)"
    fi
}

build_tandem() {
    [ -n "$build" ] && return
    build=$top/build/bench
    {
        cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTANDEM_TESTS=OFF &&
            cmake --build "$build" --parallel "$(nproc)" --target server-proc server-thread
    } >"$dir/build.log" 2>&1 && return
    cat "$dir/build.log" >&2
    fail 'the build failed; the reason stands above'
}

# --- the servers ---

names=()
declare -A pid_of port_of

# A process and all below it: "PID USED", in µs. Of the living it is the scheduler's own account, in
# ns: /proc/PID/stat rounds down to 10 ms, twice for each of 80 children. Of the dead, who count where
# they were waited for, it is cutime + cstime.
tree() {
    {
        grep -H . /proc/[0-9]*/task/*/schedstat
        grep -H . /proc/[0-9]*/stat
    } 2>/dev/null | awk -v root="$1" -v tick=$((1000000 / hertz)) '
        {
            split($0, path, "/")
            pid = path[3]
        }
        /^[^:]*schedstat:/ {
            sub(/^[^:]*:/, "")
            used[pid] += $1 / 1000
            next
        }
        {
            sub(/^.*\) /, "") # names may hold anything; now $2 is the parent, $14 and $15 the times
            parent[pid] = $2
            used[pid] += ($14 + $15) * tick
        }
        END {
            for (pid in parent) {
                for (p = pid; p != root && p in parent; p = parent[p])
                    ;
                if (p == root)
                    printf "%d %d\n", pid, used[pid]
            }
        }'
}

used_by() {
    tree "$1" | awk '{ sum += $2 } END { printf "%d\n", sum }'
}

free_port() {
    while (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null; do
        next_port=$((next_port + 1))
    done
    port=$next_port
    next_port=$((next_port + 1))
}
next_port=18100

# fill TEMPLATE OUT USER_LINE [SENDFILE]
fill() {
    sed -e "s|@DIR@|$dir|g; s|@ROOT@|$dir/root|g; s|@PORT@|$port|g; s|@USER@|$3|g" \
        -e "s|@SENDFILE@|${4:-on}|g; s|@MODULES@|/usr/lib/apache2/modules|g" "$1" >"$2"
}

# start NAME COMMAND…: on CPU 0, and there once it answers with the whole file. In a process group of
# its own: Apache sends SIGTERM to the whole of its group when it ends.
start() {
    local name=$1 log="$dir/log.${#names[@]}"
    shift
    setsid taskset -c "$server_cpu" "$@" >"$log" 2>&1 &
    names+=("$name")
    pid_of[$name]=$!
    port_of[$name]=$port
    for _ in $(seq 100); do
        kill -0 "${pid_of[$name]}" 2>/dev/null || break
        curl -s --max-time 1 "http://127.0.0.1:$port/file.txt" -o "$dir/got" &&
            [ "$(wc -c <"$dir/got")" = $file_size ] && return
        sleep 0.05
    done
    cat "$log" "$dir"/*.log >&2
    fail "$name did not start; its messages stand above"
}

start_tandem() {
    free_port
    start "$1" "$build/$2/$2" --listen "127.0.0.1:$port" --root "$dir/root" --access-log off \
        --log-level warn "${workers[@]}" "${@:3}"
}

start_nginx() {
    free_port
    fill "$here/nginx.conf" "$dir/nginx.$2.conf" "$(as_root_only 'user www-data;')" "$2"
    sed -i "s|nginx\.pid|nginx.$2.pid|" "$dir/nginx.$2.conf"
    start "$1" nginx -p "$dir" -e "$dir/nginx.log" -c "$dir/nginx.$2.conf"
}

start_apache() {
    free_port
    fill "$here/apache-prefork.conf" "$dir/apache.$port.conf" "$(as_root_only 'User www-data')"
    start "$1" apache2 -f "$dir/apache.$port.conf" -DFOREGROUND "${@:2}"
}

as_root_only() {
    [ "$(id -u)" != 0 ] || echo "$1"
}

start_all() {
    start_tandem 'server-thread' server-thread
    start_tandem 'server-proc, pool' server-proc --isolation pool
    start_tandem 'server-proc, fresh' server-proc --isolation fresh
    start_nginx 'nginx' on
    start_nginx 'nginx, sendfile off' off
    start_apache 'Apache, prefork'
    start_apache "Apache, Debian's modules" -DDEBIAN
    if command -v lighttpd >/dev/null; then
        free_port
        fill "$here/lighttpd.conf" "$dir/lighttpd.conf" ''
        start 'lighttpd' lighttpd -D -f "$dir/lighttpd.conf"
    fi
    free_port
    start 'the limit (limit.c)' "$dir/limit" "$port" $file_size
}

# Asks each to end, and ends what has not done so after five seconds.
stop_all() {
    local name pid all=()
    trap '' INT TERM
    for name in "${names[@]}"; do
        mapfile -t -O "${#all[@]}" all < <(tree "${pid_of[$name]}" | cut -d' ' -f1)
        kill -TERM "${pid_of[$name]}" 2>/dev/null
    done
    for _ in $(seq 50); do
        any_alive "${all[@]}" || break
        sleep 0.1
    done
    for pid in "${all[@]}"; do
        kill -KILL "$pid" 2>/dev/null
    done
    wait
    rm -rf "$dir"
}

any_alive() {
    local pid
    for pid in "$@"; do
        kill -0 "$pid" 2>/dev/null && return 0
    done
    return 1
}

# --- measuring ---

# All that the kernel has counted on a CPU so far, in ticks, with what the host took for others.
busy_ticks() {
    awk -v cpu="cpu$1" '$1 == cpu { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat
}

# What our children have used, those we have waited for: of any length, that is wrk.
client_ticks() {
    awk '{ sub(/^.*\) /, ""); print $14 + $15 }' "/proc/$$/stat"
}

ask() {
    taskset -c "$client_cpu" wrk -t1 -c"$connections" -d"$1s" \
        "http://127.0.0.1:${port_of[$name]}/file.txt" >"$dir/wrk" || fail "wrk failed on $name"
    if grep -E 'Socket errors|Non-2xx' "$dir/wrk" >&2; then
        fail "$name did not answer every request"
    fi
}

# One turn of $name. Sets requests, rate, used (µs) and noise: per cent of a CPU that others had.
measure() {
    local before client server_busy client_busy noise_there
    before=$(used_by "${pid_of[$name]}")
    client=$(client_ticks)
    server_busy=$(busy_ticks "$server_cpu")
    client_busy=$(busy_ticks "$client_cpu")
    ask "$seconds"
    server_busy=$(($(busy_ticks "$server_cpu") - server_busy))
    client_busy=$(($(busy_ticks "$client_cpu") - client_busy))
    client=$(($(client_ticks) - client))
    used=$(($(used_by "${pid_of[$name]}") - before))
    requests=$(awk '$2 == "requests" { print $1 }' "$dir/wrk")
    rate=$(awk '$1 == "Requests/sec:" { print $2 }' "$dir/wrk")
    noise=$(((server_busy - used * hertz / 1000000) * 100 / (seconds * hertz)))
    noise_there=$(((client_busy - client) * 100 / (seconds * hertz)))
    [ $noise -ge $noise_there ] || noise=$noise_there
    [ $noise -ge 0 ] || noise=0
}

turn() {
    ask 1 >/dev/null # connections, caches, branch predictors
    for try in $(seq "$tries"); do
        measure
        [ $noise -le $noise_limit ] && break
    done
    awk -v OFS='\t' -v name="$name" -v n="$requests" -v rate="$rate" -v used="$used" \
        'BEGIN { print name, used / n, rate, used / (n / rate) / 1e4 }' | tee -a "$dir/turns" |
        awk -F '\t' -v round="$round" -v noise="$noise" -v try="$try" '{
            printf "round %d  %-24s %7.2f µs %7d requests/s  others %2d %%%s\n", round, $1, $2, $3,
                noise, (try > 1 ? "  (try " try ")" : "")
        }' >&2
}

# --- telling ---

# column NAME NUMBER: its figures in order of size.       median, low, high of such a list
column() {
    awk -F '\t' -v name="$1" -v n="$2" '$1 == name { print $n }' "$dir/turns" | sort -n
}

median() {
    awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# verdict A '<' B, or any other comparison of two expressions
verdict() {
    awk "BEGIN { print (($1) $2 ($3)) ? \"met\" : \"MISSED\" }"
}

table() {
    local us rate nginx
    nginx=$(column nginx 2 | median)
    echo '| server | CPU µs per request | lowest – highest | to nginx | requests/s | CPU 0 busy |'
    echo '|---|---|---|---|---|---|'
    for name in "${names[@]}"; do
        us=$(column "$name" 2 | median)
        rate=$(column "$name" 3 | median)
        printf '| %s | %.1f | %.1f – %.1f | %s | %.0f | %.0f %% |\n' "$name" "$us" \
            "$(column "$name" 2 | head -n 1)" "$(column "$name" 2 | tail -n 1)" \
            "$(ratio "$us" "$nginx")" "$rate" "$(column "$name" 4 | median)"
    done
}

# target WHAT COLUMN WHO COMPARISON FACTOR PEER…: of medians, against each peer
target() {
    local mine theirs peer
    mine=$(column "$3" "$2" | median)
    for peer in "${@:6}"; do
        theirs=$(column "$peer" "$2" | median)
        echo "- $3, $1: $(ratio "$mine" "$theirs") of $peer's; wanted $4 $5:" \
            "$(verdict "$mine" "$4" "$5 * $theirs")"
    done
}

targets() {
    target 'CPU per request' 2 'server-thread' '<' 1 'nginx' 'nginx, sendfile off'
    target 'CPU per request' 2 'server-proc, pool' '<' 1 'nginx' 'nginx, sendfile off'
    target 'throughput' 3 'server-proc, pool' '>=' 4 'Apache, prefork' "Apache, Debian's modules"
}

machine() {
    echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs," \
        "Linux $(uname -r), $(date +%Y-%m-%d)"
    echo "$("$build/server-proc/server-proc" --version | head -n 1);" \
        "$(nginx -v 2>&1 | sed 's/.*: //');" \
        "$(apache2 -v | sed -n 's/^Server version: //p');" \
        "$(wrk -v 2>&1 | sed -n 's/ *\[.*//p' | head -n 1)"
    echo "$rounds rounds of $seconds s; load before: $(cut -d' ' -f1-3 /proc/loadavg)"
}

# --- the run ---

PATH=$PATH:/usr/sbin
[ "$(nproc)" -ge 2 ] || fail 'two CPUs are needed: one for the server, one for the client'
install_peers
dir=$(mktemp -d) || exit 1
trap stop_all EXIT
trap 'exit 130' INT TERM
chmod 755 "$dir" # workers that have given up being root read the file, too
mkdir "$dir/root" "$dir/tmp"
head -c $file_size /dev/zero | tr '\0' x >"$dir/root/file.txt"
build_tandem
cc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$dir/limit" "$here/limit.c" ||
    fail 'limit.c does not compile'
hertz=$(getconf CLK_TCK)
about=$(machine)
start_all
for round in $(seq "$rounds"); do
    for name in "${names[@]}"; do
        turn
    done
done
echo "$about"
echo
table
echo
targets
