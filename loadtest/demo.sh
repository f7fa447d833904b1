#!/bin/sh
# demo.sh — builds everything and runs the main job: the pair, steady and poisoned, in one table.
#
#   loadtest/demo.sh [options of `loadtest demo`]     for example -d 3s, --html result.html, or
#                                                    --scenario all
#
# Enough by itself on a fresh Debian 12 or 13, as root or with sudo.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=common/cmake/packages.sh
. "$here/common/cmake/packages.sh"

need_packages gcc libc6-dev make cmake 'pkg-config|pkgconf' libseccomp-dev libinih-dev libssl-dev zlib1g-dev \
    'libllhttp-dev|node-llhttp'
case " $*" in
*' --html'*) need_packages gnuplot-nox || echo "demo.sh: the page will have tables, no diagrams" >&2 ;;
esac

# The tests are not needed here, and cannot be configured without their library.
tests=ON
package_present check && command -v pkg-config >/dev/null 2>&1 || tests=OFF

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! (cd "$here" && cmake --preset release "-DTANDEM_TESTS=$tests" &&
    cmake --build --preset release --parallel "$(nproc 2>/dev/null || echo 2)" \
        --target loadtest server-proc server-thread) >"$log" 2>&1; then
    cat "$log" >&2
    echo "demo.sh: the build failed; the reason stands above" >&2
    exit 1
fi
rm -f "$log"
exec "$here/build/release/loadtest/loadtest" demo "$@"
