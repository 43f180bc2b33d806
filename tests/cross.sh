#!/bin/sh
# cross.sh i686|aarch64 - for matrix.sh: built by Debian's cross compiler; the unit tests are run, i686 by this
# processor where it can, aarch64 by qemu.  CMocka for the other processor is unpacked into the build folder; neither
# the list of architectures nor the packages of this system change.
#
# i686 static: the process tests too, but for those that look into the process by ptrace.  aarch64: one start.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
processor=${1:?usage: cross.sh i686|aarch64}
build=$PWD/build-$processor
case $processor in
i686) architecture=i386 libraries=/usr/i686-linux-gnu/lib loader=ld-linux.so.2 ;;
aarch64) architecture=arm64 libraries=/usr/aarch64-linux-gnu/lib loader=ld-linux-aarch64.so.1 ;;
*) echo "no such processor: $processor" >&2; exit 64 ;;
esac
compiler=$processor-linux-gnu-gcc
require "$compiler:gcc-$processor-linux-gnu" "$libraries/libc.a:libc6-dev-$architecture-cross" make:make cmake:cmake \
  dpkg-deb:dpkg python3:python3
[ "$processor" = i686 ] || require qemu-aarch64:qemu-user

get_cmocka() { # by an apt of its own: its lists, its cache, its architecture
  place=$build/cmocka
  [ ! -d "$place/root" ] || return 0
  mkdir -p "$place/state/lists/partial" "$place/cache/archives/partial"
  set -- -qq -o Dir::State="$place/state" -o Dir::State::status=/dev/null -o Dir::Cache="$place/cache" \
    -o APT::Architecture=$architecture -o APT::Architectures=$architecture -o APT::Sandbox::User=root
  apt-get "$@" update >/dev/null 2>&1 || true # a list that is just being changed may not be the one we need
  (cd "$place" && apt-get "$@" download libcmocka0 libcmocka-dev >/dev/null) || return 1
  for package in "$place"/*.deb; do dpkg-deb -x "$package" "$place/root"; done
}

configure() { # folder, and more
  folder=$1
  shift
  cmake -B "$folder" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$processor" -DCMAKE_C_COMPILER="$compiler" \
    -DCMAKE_CXX_COMPILER=CMAKE_CXX_COMPILER-NOTFOUND -DBLIVET_TESTS=ON "$@" >/dev/null
  cmake --build "$folder" --parallel 2 2>&1 | tee "$folder/build.log" | grep -v 'in statically linked' | grep -E 'warning:|error:' &&
    { echo "FAIL $processor: warnings"; exit 1; }
  return 0
}

mkdir -p "$build"
printf '#include <stdio.h>\n#include <time.h>\n#include <sys/types.h>
int main(void) { printf("off_t %%zu, time_t %%zu, pointer %%zu\\n", sizeof(off_t), sizeof(time_t), sizeof(void *)); return 0; }\n' >"$build/sizes.c"
"$compiler" -static -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 "$build/sizes.c" -o "$build/sizes"
case $processor in
i686)
  "$build/sizes" >/dev/null 2>&1 || { echo "skip i686: this kernel runs no 32-bit programs"; exit 0; }
  emulator="$libraries/$loader;--library-path;$libraries:$build/cmocka/root/usr/lib/i386-linux-gnu"
  run=
  ;;
aarch64)
  emulator="qemu-aarch64;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=$build/cmocka/root/usr/lib/aarch64-linux-gnu"
  run=qemu-aarch64
  ;;
esac
echo "ok   $processor: $($run "$build/sizes")"

if get_cmocka; then
  found=$(find "$build/cmocka/root" -name libcmocka.so)
  configure "$build/shared" -DCMOCKA="$found" -DCMAKE_C_FLAGS="-isystem $build/cmocka/root/usr/include" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$emulator"
  # Each call with each errno, in an emulator, takes too long.
  [ -z "$run" ] || echo "skip $processor: the torture, too slow in an emulator"
  ctest --test-dir "$build/shared" --output-on-failure -j2 ${run:+-E torture}
else
  echo "skip $processor: unit tests, CMocka for $architecture could not be had"
fi

configure "$build/static" -DBLIVET_STATIC_COMMAND=ON -DBLIVET_STATIC_PIE=OFF
if [ "$processor" = i686 ]; then
  # Calls of 32 bits of time or of file size would be these.
  if nm "$build/static/CMakeFiles/blivet_syscall.dir/syscall/libc.c.o" | grep -wE 'U (open|fstat|stat|lstat|pread|pwrite|ftruncate|mmap|getrlimit|clock_gettime)'; then
    echo "FAIL i686: 32-bit calls"
    exit 1
  fi
  echo "ok   i686: files over 2 GiB and times after 2038 are asked for with 64 bits"
  python3 tests/process/run.py --command "$build/static/cli/daemonize" --app "$build/static/tests/app" \
    --results "$build/process.jsonl" -j 2
else
  $run "$build/static/cli/daemonize" -p "$build/daemon.pid" -- sleep 60
  [ "$(cat "/proc/$(cat "$build/daemon.pid")/comm")" = sleep ] || { echo "FAIL aarch64: no daemon"; exit 1; }
  status=0
  $run "$build/static/cli/daemonize" -p "$build/daemon.pid" -- sleep 60 2>"$build/said" || status=$?
  kill "$(cat "$build/daemon.pid")"
  [ $status -eq 69 ] || { echo "FAIL aarch64: a second instance exits with $status, not 69"; exit 1; }
  echo "ok   aarch64: one start, and a second one refused"
fi
