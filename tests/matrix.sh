#!/bin/sh
# matrix.sh - the tests with other compilers, other C libraries, the two-file form, without what Linux alone has, and for
# other processors (cross.sh); slower, not part of every run.  Under the sanitizers only the unit tests run and the
# corpora are replayed.
#
#   sh tests/matrix.sh [clang] [musl] [one-file] [portable] [i686] [aarch64] [sanitize] [valgrind]
#                                                                               default: all
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
require cc:gcc make:make cmake:cmake python3:python3 strace:strace unshare:util-linux /usr/include/cmocka.h:libcmocka-dev

process_tests() { # preset
  servers=
  if sh tests/process/servers.sh build/servers; then servers="--servers build/servers"; fi
  # shellcheck disable=SC2086
  $limited python3 tests/process/run.py --command "build-$1/cli/daemonize" --app "build-$1/tests/app" \
    --results "build-$1/process.jsonl" -j 2 $servers $portable
}

[ $# -gt 0 ] || set -- clang musl one-file portable i686 aarch64 sanitize valgrind
for preset; do
  echo "== $preset"
  limited='' portable=''
  case $preset in
  clang) require clang:clang ;;
  musl) require musl-gcc:musl-tools ;;
  one-file) ;;
  portable) portable=--portable limited="prlimit --nofile=320" ;; # closed one by one, up to the limit
  valgrind)
    sh tests/torture/run.sh valgrind
    continue
    ;;
  i686 | aarch64)
    sh tests/cross.sh "$preset"
    continue
    ;;
  sanitize)
    require clang:clang
    [ -n "$(find /usr/lib/llvm-*/lib/clang -name 'libclang_rt.asan-*.a' 2>/dev/null)" ] || require /nowhere:libclang-rt-14-dev
    ASAN_OPTIONS=detect_leaks=0 # an end in the middle, by longjmp, leaves what the test played
    export ASAN_OPTIONS
    ;;
  *) echo "no such preset: $preset" >&2; exit 64 ;;
  esac
  cmake --preset "$preset" >/dev/null
  cmake --build "build-$preset" --parallel "$(nproc)" 2>&1 | tee "build-$preset/build.log" | grep -E 'warning:|error:' &&
    { echo "FAIL $preset: warnings"; exit 1; }
  [ "$preset" = musl ] || ctest --test-dir "build-$preset" --output-on-failure
  [ "$preset" != sanitize ] || sh tests/torture/run.sh sanitize
  [ "$preset" = sanitize ] || process_tests "$preset" # their reports would land in the daemon's /dev/null
done
