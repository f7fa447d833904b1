#!/bin/sh
# gather.sh — what a program needs in order to run, and nothing else, below a folder that becomes an image.
#
#   gather.sh FOLDER PROGRAM…
#
# The shared objects are those the loader itself names.  libgcc_s is named by nobody: glibc loads it when
# a thread ends or a backtrace is taken.  User 65532 is the one that images without a shell have agreed on.
set -eu
root=$1
shift

# With its own name, wherever links on the way lead: that is where the loader will look.
take() {
    [ -e "$root$1" ] || install -D "$1" "$root$1"
}

for program in "$@"; do
    ldd "$program" | sed -n 's|.*[[:space:]]\(/[^ ]*\) (0x.*|\1|p' | while read -r object; do
        take "$object"
    done
done
take "$(gcc -print-file-name=libgcc_s.so.1)"

mkdir -p "$root/etc" "$root/tmp"
chmod 1777 "$root/tmp"
printf '%s\n' 'root:x:0:0:root:/:' 'nobody:x:65534:65534:nobody:/:' 'tandem:x:65532:65532:tandem:/:' \
    >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' 'tandem:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
