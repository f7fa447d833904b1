#!/usr/bin/env bash
# run.sh — installs what is missing, builds everything and runs all tests; nothing needs to be done
# before it on a fresh Debian 12 or 13, as root or with sudo.
#
#   tests/run.sh                    the release preset
#   tests/run.sh asan               another one: debug, asan, tsan, coverage
#   tests/run.sh release -L unit    what follows the preset is for ctest
#
#   TANDEM_WERROR=1   warnings are errors          TANDEM_LONG=1   the long tests at full length
set -eu
cd "$(dirname "$0")/.."

preset=${1:-release}
[ $# -gt 0 ] && shift

# shellcheck source=common/cmake/packages.sh
. common/cmake/packages.sh
need_packages gcc libc6-dev make cmake 'pkg-config|pkgconf' check libseccomp-dev libinih-dev libssl-dev zlib1g-dev \
    'libllhttp-dev|node-llhttp' curl wrk apache2-utils nghttp2-client python3 valgrind libc6-dbg groff-base \
    procps gnuplot-nox python3-jsonschema chromium openssl sslscan testssl.sh systemd util-linux dpkg-dev

# ThreadSanitizer of gcc 12 knows fewer memory layouts than recent kernels make at random.
steady=()
if [ "$preset" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
    steady=(setarch "$(uname -m)" -R)
fi

jobs=$(nproc)
werror=OFF
[ "${TANDEM_WERROR:-}" = 1 ] && werror=ON

cmake --preset "$preset" -DTANDEM_WERROR=$werror -DTANDEM_TESTS=ON
cmake --build --preset "$preset" --parallel "$jobs"
# Under a sanitizer nothing is measured, and most of it waits (tests/CMakeLists.txt).
case $preset in asan | tsan) jobs=$((jobs + 1)) ;; esac
"${steady[@]}" ctest --preset "$preset" --parallel "$jobs" "$@"
