#!/bin/sh
# matrix.sh - the tests with other compilers and other C libraries; slower, not part of every run.
#
#   sh tests/matrix.sh [clang] [musl] [sanitize]     default: all
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
require cc:gcc make:make cmake:cmake python3:python3 strace:strace unshare:util-linux /usr/include/cmocka.h:libcmocka-dev

process_tests() { # preset
  python3 tests/process/run.py --command "build-$1/cli/daemonize" --app "build-$1/tests/app" \
    --results "build-$1/process.jsonl" -j 2
}

[ $# -gt 0 ] || set -- clang musl sanitize
for preset; do
  echo "== $preset"
  case $preset in
  clang) require clang:clang ;;
  musl) require musl-gcc:musl-tools ;;
  sanitize)
    require clang:clang
    [ -n "$(find /usr/lib/llvm-*/lib/clang -name 'libclang_rt.asan-*.a' 2>/dev/null)" ] || require /nowhere:libclang-rt-14-dev
    # Reports go to files: the daemon's stderr is /dev/null.  LeakSanitizer does not run on _exit.
    mkdir -p build-sanitize/reports && chmod 1777 build-sanitize/reports
    rm -f build-sanitize/reports/*
    ASAN_OPTIONS="log_path=$PWD/build-sanitize/reports/asan:detect_leaks=0:exitcode=99:symbolize=0"
    UBSAN_OPTIONS="log_path=$PWD/build-sanitize/reports/ubsan:exitcode=99:symbolize=0"
    export ASAN_OPTIONS UBSAN_OPTIONS
    ;;
  *) echo "no such preset: $preset" >&2; exit 64 ;;
  esac
  cmake --preset "$preset" >/dev/null
  cmake --build "build-$preset" --parallel 2>&1 | tee "build-$preset/build.log" | grep -E 'warning:|error:' &&
    { echo "FAIL $preset: warnings"; exit 1; }
  [ "$preset" = musl ] || ctest --test-dir "build-$preset" --output-on-failure
  process_tests "$preset"
  if [ "$preset" = sanitize ] && [ -n "$(ls build-sanitize/reports)" ]; then
    cat build-sanitize/reports/*
    exit 1
  fi
done
