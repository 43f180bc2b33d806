#!/bin/sh
# root.sh FOLDER - for package.sh, in a mount namespace of its own: the .deb files in FOLDER are installed, used as a new
# user would, and removed, in a root made of an overlay over this system's.
set -eu
debs=$(realpath "$1") examples=$(realpath "$(dirname "$0")/../examples")
fail() {
  echo "FAIL package: $*"
  exit 1
}
mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay none -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root ||
  { echo "skip install and remove: no overlay file system here"; exit 0; }
root=/mnt/root
mount --bind /dev $root/dev
mount -t proc none $root/proc
mkdir -p $root/srv/debs
cp "$debs"/*.deb "$examples"/*.c $root/srv/debs
inside() { chroot $root "$@"; }
version=$(sed -n 's/^#define BLIVET_VERSION "\(.*\)"/\1/p' "$examples/../../core/blivet.h")
before=$(cksum </var/lib/dpkg/status)

inside dpkg --purge daemonize >/dev/null 2>&1 || true # another command of that name, which ours conflicts with
touch /mnt/begin
inside sh -c 'dpkg --install /srv/debs/*.deb' >/mnt/log 2>&1 || { cat /mnt/log; fail "dpkg --install"; }
echo "ok   installed: $(inside sh -c 'dpkg-query -W blivet libblivet0 libblivet-dev' | tr '\t\n' ' ,')"
[ -z "$(inside dpkg --verify blivet libblivet0 libblivet-dev)" ] || fail "dpkg --verify"
inside gzip -t /usr/share/man/man3/blivet.3.gz /usr/share/man/man7/blivet.7.gz || fail "manual pages"
for command in daemonize daemoncheck; do
  [ "$(inside $command --version)" = "$command $version" ] || fail "$command --version is not $version"
  inside gzip -t /usr/share/man/man1/$command.1.gz || fail "$command(1)"
  for place in bash-completion/completions/$command zsh/vendor-completions/_$command fish/vendor_completions.d/$command.fish; do
    inside test -s "/usr/share/$place" || fail "/usr/share/$place is not there"
  done
done
echo "ok   both commands, their manual pages and completions"

inside daemonize -p /run/blivet-test.pid -- sleep 60 || fail "daemonize exits with $?"
[ "$(cat "/proc/$(cat $root/run/blivet-test.pid)/comm")" = sleep ] || fail "the pidfile names no running program"
inside daemoncheck -p /run/blivet-test.pid >/mnt/said || { cat /mnt/said; fail "daemoncheck exits with $?"; }
status=0
inside daemonize -p /run/blivet-test.pid -- sleep 60 2>/mnt/said || status=$?
[ $status -eq 69 ] || fail "a second instance exits with $status, not 69"
kill "$(cat $root/run/blivet-test.pid)"
echo "ok   the command: starts a program, refuses a second instance"

# shellcheck disable=SC2016
inside sh -c 'cd /srv/debs && cc -std=c11 exec.c -o by-shared $(pkg-config --cflags --libs blivet) &&
  cc -std=c11 exec.c -o by-static -l:libblivet.a && ldd by-shared | grep -q /libblivet.so.0 &&
  ! ldd by-static | grep -q blivet' || fail "a program is compiled"
for program in by-shared by-static; do
  inside /srv/debs/$program /run/blivet-test.pid sleep 60 || fail "$program exits with $?"
  kill "$(cat $root/run/blivet-test.pid)"
done
echo "ok   the library: compiled and run by pkg-config, shared and static"

inside dpkg --purge blivet libblivet-dev libblivet0 >/mnt/log 2>&1 || { cat /mnt/log; fail "dpkg --purge"; }
left=$(find $root/usr $root/etc $root/var/lib $root/var/cache \( -name '*blivet*' -o -name 'daemonize*' -o -name 'daemoncheck*' \) -newer /mnt/begin 2>/dev/null)
[ -z "$left" ] || fail "left behind: $left"
[ "$(cksum </var/lib/dpkg/status)" = "$before" ] || fail "this system's package database was touched"
echo "ok   removed: nothing is left, and this system's package database is as it was"
