#!/bin/sh
# run.sh [--quick [--keep]] - what a start costs, beside what it costs by others and what it must cost at the least.
#
#   sh tests/bench/run.sh           eight minutes or so; makes tests/bench/results/ anew, and the README's table from it
#   sh tests/bench/run.sh --quick   two or three minutes; prints the tables and, without --keep, keeps nothing
#
# All commands are started in turn, in one session, so that their ratios hold on a machine that does other things too.
# The peers are Debian's packages, downloaded and unpacked into build/bench; nothing of them is installed.
set -eu
cd "$(dirname "$0")/../.."
. tests/install.sh
require cc:gcc make:make cmake:cmake python3:python3 strace:strace musl-gcc:musl-tools dpkg-deb:dpkg setsid:util-linux \
  start-stop-daemon:dpkg

work=$PWD/build/bench
arguments=$*
mkdir -p "$work/packages"

echo "== building"
built() { # name, options of cmake: the command for one C library and linkage
  name=$1
  shift
  { cmake -S . -B "$work/$name" -DCMAKE_BUILD_TYPE=RelWithDebInfo "$@" && cmake --build "$work/$name" --parallel 2; } \
    >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; exit 1; }
}
built dynamic
built static -DBLIVET_STATIC_COMMAND=ON
built musl -DBLIVET_STATIC_COMMAND=ON -DBLIVET_STATIC_PIE=OFF -DCMAKE_C_COMPILER=musl-gcc

# The floors are hardened as the command is.
flags='-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O2'
hard='-fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now,-z,noexecstack'
# shellcheck disable=SC2086 # lists of words
{
  cc $flags $hard -pie tests/bench/floor.c -o "$work/floor-dynamic"
  cc $flags $hard -static-pie tests/bench/floor.c -o "$work/floor-static"
  musl-gcc $flags ${hard#-fPIE} -static tests/bench/floor.c -o "$work/floor-musl"
  musl-gcc $flags -static tests/bench/start.c -o "$work/start"
  cc $flags tests/bench/count.c -o "$work/count"
  cc $flags tests/bench/resident.c "$work/dynamic/core/libblivet.a" -o "$work/resident"
}

echo "== peers"
if command -v apt-get >/dev/null 2>&1; then
  for package in daemonize daemon libdaemon-dev; do
    find "$work/packages" -name "${package}_*.deb" | grep -q . && continue
    (cd "$work/packages" && apt-get -o APT::Sandbox::User="$(id -un)" -qq download "$package" >/dev/null 2>&1) ||
      { apt-get -qq update && (cd "$work/packages" && apt-get -qq download "$package"); } ||
      echo "left out, cannot be downloaded: $package"
  done
fi
for package in "$work"/packages/*.deb; do
  [ -e "$package" ] && dpkg-deb -x "$package" "$work/peers"
done
archive=$(find "$work/peers" -name libdaemon.a 2>/dev/null | head -n 1)
if [ -n "$archive" ]; then
  # shellcheck disable=SC2086
  cc $flags -I "$work/peers/usr/include" tests/bench/libdaemon.c "$archive" -o "$work/libdaemon"
fi

# shellcheck disable=SC2086 # a list of words
exec python3 tests/bench/bench.py "$work" $arguments
