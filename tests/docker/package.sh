#!/bin/sh
# package.sh — as root in a fresh Debian: installs /deb/tandem_*.deb with what it depends on, and asks each
# of the servers that are then there.
set -eu
if [ -n "${APT_MIRROR:-}" ]; then
    rm -f /etc/apt/sources.list.d/*.sources
    echo "deb $APT_MIRROR trixie main" >/etc/apt/sources.list
fi
apt-get update -qq
apt-get install -qq -y --no-install-recommends /deb/tandem_*.deb

export TANDEM_LISTEN=127.0.0.1:8080 TANDEM_ADMIN=127.0.0.1:9090 TANDEM_ROOT=/usr/share/tandem/www
for server in server-proc server-thread; do
    "$server" &
    tries=50
    until "$server" --health; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || exit 1
        sleep 0.1
    done
    kill $!
    wait $!
done
loadtest --version
