#!/bin/sh
# fresh.sh - the README on a fresh machine: a bare Debian 12, made by debootstrap and kept in build/fresh, under an overlay
# that is thrown away; in it a new user, who may use sudo, types what "Install and embed" says.  Slower, not part of
# every run; needs root, a mount namespace of its own, and a mirror (MIRROR=URL for another than debootstrap's).
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
if [ "${1:-}" != --inside ]; then
  if [ "$(id -u)" -ne 0 ] || ! unshare -m mount -t tmpfs none /mnt 2>/dev/null; then
    echo "skip fresh: needs root and a mount namespace of its own"
    exit 0
  fi
  require debootstrap:debootstrap unshare:util-linux
  exec unshare -m sh tests/fresh.sh --inside
fi

mount --make-rprivate /
work=$PWD/build/fresh
if [ ! -e "$work/made" ]; then
  rm -rf "$work"
  mkdir -p "$work"
  debootstrap --variant=minbase bookworm "$work/bare" ${MIRROR:+"$MIRROR"} >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
  touch "$work/made"
fi
root=/mnt/root
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work $root
mount -t overlay none -o "lowerdir=$work/bare,upperdir=/mnt/upper,workdir=/mnt/work" $root ||
  { echo "skip fresh: no overlay file system here"; exit 0; }
mount --rbind /dev $root/dev
mount -t proc none $root/proc
cp /etc/resolv.conf /etc/hosts $root/etc
echo 'Acquire::Retries "3";' >$root/etc/apt/apt.conf.d/retries
echo "ok   a bare $(sed -n 's/^PRETTY_NAME=//p' $root/etc/os-release | tr -d '"'), $(chroot $root dpkg-query -W | wc -l) packages"

# The new user; sudo is the one thing that the README takes for granted.
{ chroot $root apt-get update && DEBIAN_FRONTEND=noninteractive chroot $root apt-get install -y --no-install-recommends sudo; } \
  >/mnt/log 2>&1 || { tail /mnt/log; echo "FAIL fresh: no sudo to be had"; exit 1; }
chroot $root useradd -m -s /bin/sh newcomer
echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >$root/etc/sudoers.d/newcomer
mkdir $root/home/newcomer/blivet-sources
cp -r CMakeLists.txt CMakePresets.json LICENSE README.md core syscall cli tests $root/home/newcomer/blivet-sources
chroot $root chown -R newcomer: /home/newcomer
chroot $root su - newcomer -c 'sh blivet-sources/tests/install/readme.sh work --packages'
