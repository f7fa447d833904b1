# shellcheck shell=sh
# packages.sh — sourced by loadtest/demo.sh and tests/run.sh, so that each is enough by itself on a
# fresh Debian 12 or 13.
#
#   need_packages PACKAGE…     installs those that are missing, with apt, as root or through sudo
#
# `a|b` means: a, or where the distribution has no a, b. Where nothing can be installed (no apt, or
# neither root nor sudo) it names what is missing and returns 1. It never asks a question.

# Is this header below one of the usual places?
have_header() {
    for place in /usr/include /usr/local/include /usr/share/include /usr/share/include/*/ \
        /usr/include/*/; do
        [ -e "$place/$1" ] && return 0
    done
    return 1
}

# What a package is wanted for is what counts, so that tools installed by other means will do.
package_present() {
    case $1 in
    gcc | clang | cmake | make | curl | wrk | valgrind | nginx | git | shellcheck | python3 | chromium)
        command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] ;;
    gnuplot-nox) command -v gnuplot >/dev/null 2>&1 ;;
    libc6-dev) have_header stdio.h ;;
    libseccomp-dev) pkg-config --exists 'libseccomp >= 2.5' 2>/dev/null ;;
    zlib1g-dev) have_header zlib.h ;;
    libssl-dev) have_header openssl/ssl.h ;;
    check) pkg-config --exists check 2>/dev/null ;; # liblzma, too, has a check.h
    libllhttp-dev | node-llhttp) have_header llhttp.h ;;
    *) [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ] ;;
    esac
}

# Succeeds when one of the alternatives in "a|b" is there.
any_present() {
    for choice in $(echo "$1" | tr '|' ' '); do
        package_present "$choice" && return 0
    done
    return 1
}

# Prints the first alternative that apt can install; nothing when there is none.
first_available() {
    for choice in $(echo "$1" | tr '|' ' '); do
        case $(apt-cache policy "$choice" 2>/dev/null) in
        *'Candidate: '[0-9]*)
            echo "$choice"
            return 0
            ;;
        esac
    done
    return 1
}

# Runs a command as root; fails when that is not possible without a question nobody answers.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif sudo -n true 2>/dev/null; then
        sudo -n "$@"
    elif [ -t 0 ] && command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        return 1
    fi
}

# The alternatives of each missing package, resolved; fails when apt knows none of them.
resolve_packages() {
    for wanted in "$@"; do
        first_available "$wanted" || return 1
    done
}

need_packages() {
    missing=
    for wanted in "$@"; do
        any_present "$wanted" || missing="$missing $wanted"
    done
    [ -z "$missing" ] && return 0
    if ! command -v apt-get >/dev/null 2>&1 || ! as_root true; then
        echo "These packages are missing, and cannot be installed from here:$missing" >&2
        echo "(a|b: either will do.) Install them, then run this again." >&2
        return 1
    fi
    echo "Installing:$missing" >&2
    # shellcheck disable=SC2086 # a list of words is meant
    chosen=$(resolve_packages $missing) && install_packages $chosen && return 0
    # An image without package lists, or with old ones: fetch them, and try once more.
    as_root apt-get -qq update >&2 || return 1
    # shellcheck disable=SC2086
    if ! chosen=$(resolve_packages $missing); then
        echo "apt knows no package for:$missing" >&2
        return 1
    fi
    # shellcheck disable=SC2086
    install_packages $chosen
}

install_packages() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install --no-install-recommends -y "$@" >/dev/null </dev/null
}
