#!/bin/sh
# servers.sh - fetches real servers for the process tests: redis, nginx, sshd, PostgreSQL, haproxy, and logrotate, and the
# libraries they need.
#
#     tests/process/servers.sh FOLDER
#
# The packages are downloaded and unpacked into the folder; nothing is installed.  A second call finds
# them there and does nothing.  Where this cannot work it says what is missing and exits 1.
set -eu

folder=${1:?usage: servers.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
wanted='usr/bin/redis-server usr/sbin/nginx usr/sbin/sshd usr/bin/ssh-keygen usr/sbin/haproxy usr/sbin/logrotate
  usr/lib/postgresql/15/bin/postgres usr/lib/postgresql/15/bin/initdb'

missing() {
    for program in $wanted; do
        # on the system, unpacked already, or missing
        [ -x "/$program" ] || [ -x "$folder/$program" ] || printf '%s\n' "$program"
    done
}

[ -n "$(missing)" ] || exit 0
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || { echo "servers.sh: no $tool here, so missing: $(missing | xargs)" >&2; exit 1; }
done

mkdir -p "$folder/packages"
chmod 755 "$folder"
cd "$folder/packages"
# What apt would install, libraries included, is just what this system lacks; PostgreSQL runs without LLVM, which is for
# its just-in-time compiler, and without what is for its installation.
apt-get --simulate install redis-server >/dev/null 2>&1 || apt-get -qq update # no lists yet
packages=$(apt-get --simulate --no-install-recommends install redis-server nginx openssh-server openssh-client \
    haproxy postgresql-15 logrotate | sed -n 's/^Inst \([^ ]*\).*/\1/p' | grep -Ev '^(libllvm|libz3|perl|libperl|locales)')
# shellcheck disable=SC2086 # a list of words
apt-get -o APT::Sandbox::User="$(id -un)" -qq download $packages
for package in *.deb; do
    dpkg-deb -x "$package" "$folder"
done
rm -rf "$folder/usr/share/doc" "$folder/usr/share/man" "$folder/usr/share/locale" \
    "$folder/usr/lib/postgresql/15/lib/bitcode"

cd /
[ -z "$(missing)" ] || { echo "servers.sh: still missing: $(missing | xargs)" >&2; exit 1; }
