#!/bin/sh
# run.sh - the torture of real processes, on one kind of build.
#
#   sh tests/torture/run.sh [plain|sanitize|valgrind] [option of real.py ...]     default: plain
#
# sanitize: the same on a build by clang with ASan and UBSan, in build-sanitize; a report of theirs fails the run.
# valgrind: a sample, as root; what it says is an error.
# LeakSanitizer is off: what is tortured ends by _exit, by exec or by a signal, and it looks at none of these.
set -eu
cd "$(dirname "$0")/../.."
. tests/install.sh
kind=${1:-plain}
[ $# -eq 0 ] || shift
require cc:gcc make:make cmake:cmake python3:python3 /usr/include/cmocka.h:libcmocka-dev /usr/include/fiu.h:libfiu-dev \
  /usr/lib/fiu/fiu_run_preload.so:fiu-utils

build() { # preset, folder
  cmake --preset "$1" >/dev/null
  cmake --build "$2" --parallel --target daemonize-faulty library-faulty torture_program >/dev/null
}

case $kind in
plain)
  build test build
  exec python3 tests/torture/real.py --build build/tests/torture --results build/torture-real.jsonl "$@"
  ;;
sanitize)
  require clang:clang
  [ -n "$(find /usr/lib/llvm-*/lib/clang -name 'libclang_rt.asan-*.a' 2>/dev/null)" ] || require /nowhere:libclang-rt-14-dev
  build sanitize build-sanitize
  reports=$(mktemp -d /tmp/blivet-reports-XXXXXX)
  chmod 1777 "$reports" # for an ordinary user's too
  trap 'rm -rf "$reports"' EXIT
  # With descriptors closed only an absolute log_path is heard; the symbolizer would be one more child.
  options="log_path=$reports/report:exitcode=99:symbolize=0"
  export ASAN_OPTIONS="$options:detect_leaks=0" UBSAN_OPTIONS="$options:print_stacktrace=1"
  python3 tests/torture/real.py --build build-sanitize/tests/torture --results build-sanitize/torture-real.jsonl "$@" && code=0 || code=$?
  count=$(find "$reports" -type f | wc -l)
  [ "$count" -eq 0 ] || { head -n 30 "$reports"/*; code=1; }
  echo "$count reports of the sanitizers"
  exit "$code"
  ;;
valgrind)
  require valgrind:valgrind
  build test build
  exec python3 tests/torture/valgrind.py --build build/tests/torture "$@"
  ;;
*)
  echo "usage: sh tests/torture/run.sh [plain|sanitize|valgrind]" >&2
  exit 64
  ;;
esac
