# shellcheck shell=bash
# shellcheck disable=SC2154 # top is of the script that reads this
# engine.sh — sourced by tests/docker.sh: an engine where there is none, and the base image.
#
#      an engine answers already      it is used, and keeps nothing of ours
#      none                           dockerd, by hand: its images in the cache, all else in $top; it ends with
#                                     the script, and so do its bridges and its rules of iptables
#
# The cache (${TANDEM_CACHE:-/var/tmp}/tandem-docker) holds the base image and what was compiled: a first
# run makes them, and to have them made anew, delete it.

cache=${TANDEM_CACHE:-/var/tmp}/tandem-docker
dockerd_pid=

engine_answers() { docker version >/dev/null 2>&1; }

# Where the way out is narrower than Ethernet, what is larger would be lost.
way_out_mtu() {
    local device
    device=$(ip -o route show default 2>/dev/null | sed -n '1s/.* dev \([^ ]*\).*/\1/p')
    cat "/sys/class/net/$device/mtu" 2>/dev/null || echo 1500
}

engine_start() {
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock -w 600 9 || return 1
    forwarding=$(iptables -S FORWARD 2>/dev/null | sed -n 's/^-P FORWARD //p')
    had_rules=$(iptables-save 2>/dev/null | grep -c DOCKER)
    ip_forward=$(cat /proc/sys/net/ipv4/ip_forward)
    had_bridges=$(ip -o link | grep -cE ': (docker0|docker_gwbridge|br-)')
    export DOCKER_HOST=unix://$top/docker.sock
    # Of a session of its own, since ^C is for the script, which has yet to clean up; not without it, though.
    setsid setpriv --pdeathsig TERM dockerd --data-root "$cache/data" --exec-root "$top/exec" \
        --pidfile "$top/dockerd.pid" --host "$DOCKER_HOST" --mtu "$(way_out_mtu)" --log-level warn \
        >"$top/dockerd.log" 2>&1 9>&- &
    dockerd_pid=$!
    for _ in $(seq 300); do
        engine_answers && engine_tidy && return 0
        kill -0 "$dockerd_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "dockerd does not start:" >&2
    tail -5 "$top/dockerd.log" >&2
    return 1
}

# What a run left behind that was killed before it could clean up.
engine_tidy() {
    docker ps -aq | xargs -r docker rm -fv
    docker swarm leave --force
    docker system prune -f --volumes
} >/dev/null 2>&1

# What dockerd leaves in the kernel; nothing when another one was here before.
engine_forget() {
    if [ "$had_rules" = 0 ] && iptables-save >"$top/rules" 2>/dev/null; then
        grep -vE 'DOCKER|docker0|docker_gwbridge| br-' "$top/rules" |
            sed "s/^:FORWARD DROP/:FORWARD ${forwarding:-ACCEPT}/" | iptables-restore
    fi
    if [ "$had_bridges" = 0 ]; then
        ip -o link | sed -nE 's/^[0-9]+: (docker0|docker_gwbridge|br-[0-9a-f]+):.*/\1/p' |
            while read -r bridge; do ip link del "$bridge"; done
    fi
}

engine_stop() {
    [ -n "$dockerd_pid" ] || return 0
    kill "$dockerd_pid" 2>/dev/null && wait "$dockerd_pid" 2>/dev/null
    engine_forget
    echo "$ip_forward" >/proc/sys/net/ipv4/ip_forward
}

# debian:trixie-slim: pulled, or where no registry is within reach, made from Debian's packages,
# as slim as that one: what nobody reads there is not unpacked, and nothing waits for the disk.
base_image() {
    docker image inspect debian:trixie-slim >/dev/null 2>&1 && return 0
    timeout 60 docker pull -q debian:trixie-slim 2>/dev/null && return 0
    made debian:trixie-slim
    local options=() folder proxy
    proxy=$(host_proxy)
    [ -z "$proxy" ] || options+=(--aptopt="Acquire::http::Proxy \"$proxy\"")
    for folder in doc locale man; do options+=(--dpkgopt="path-exclude=/usr/share/$folder/*"); done
    mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io "${options[@]}" \
        trixie - ${APT_MIRROR:+"$APT_MIRROR"} | docker import - debian:trixie-slim >/dev/null
}

# What the host goes through to reach a mirror, a build does, too.
host_proxy() { apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null; }
build_arguments() {
    local proxy
    proxy=$(host_proxy)
    [ -z "$proxy" ] || echo "--build-arg=http_proxy=$proxy"
    [ -z "${APT_MIRROR:-}" ] || echo "--build-arg=APT_MIRROR=$APT_MIRROR"
}

# Version 2 is a plugin, version 1 a program.
if docker compose version >/dev/null 2>&1; then
    compose() { docker compose "$@"; }
else
    compose() { docker-compose "$@"; }
fi
