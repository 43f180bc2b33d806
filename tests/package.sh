#!/bin/sh
# package.sh - the packages, made twice for the same bytes, judged by lintian, and installed, used and removed in a root
# of its own: this system's files under an overlay that is thrown away, in a mount namespace of its own, so that
# neither its files nor its package database are touched.  Slower, not part of every run.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
require cc:gcc c++:g++ make:make cmake:cmake python3:python3 pkg-config:pkgconf lintian:lintian unshare:util-linux dpkg-shlibdeps:dpkg-dev \
  strip:binutils file:file
work=$PWD/build/package

echo "== the README's ways to install and embed"
sh tests/install/readme.sh "$work-readme"
echo "== the same bytes twice"
sh tests/reproducible.sh "$work" --packages
version=$(sed -n 's/^#define BLIVET_VERSION "\(.*\)"/\1/p' core/blivet.h)
head -n 1 core/package/changelog | grep -q "^blivet ($version) " ||
  { echo "FAIL core/package/changelog does not begin with $version"; exit 1; }
echo "ok   the changelog begins with $version"

echo "== lintian"
lintian --allow-root --fail-on error "$work"/one/build/*.deb || { echo "FAIL lintian has errors"; exit 1; }
echo "ok   no error from lintian"

echo "== a root of its own"
if [ "$(id -u)" -ne 0 ] || ! unshare -m mount -t tmpfs none /mnt 2>/dev/null; then
  echo "skip install and remove: needs root and a mount namespace of its own"
  exit 0
fi
unshare -m sh tests/install/root.sh "$work/one/build"
