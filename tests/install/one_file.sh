#!/bin/sh
# one_file.sh BUILD - the two vendored files, used as their readers would: compiled by one command without a definition
# and without a warning, linked into examples that run, given a table of the embedder's own.  Then the commands, the
# unit tests and the application of the process tests, as BUILD has compiled them, are linked with that object in the
# place of the library: all unit tests and the process tests of the sequence pass.  (All process tests: matrix.sh.)
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "${1:?usage: one_file.sh BUILD}")
work=$build/one-file
pidfile=$work/daemon.pid
stop() {
  [ ! -s "$pidfile" ] || kill "$(cat "$pidfile")" 2>/dev/null || true
  rm -f "$pidfile"
}
trap stop EXIT
fail() {
  echo "FAIL one file: $*"
  exit 1
}
rm -rf "$work"
python3 core/package/one_file.py "$work"
compilers=
for compiler in cc gcc clang musl-gcc; do
  command -v "$compiler" >/dev/null || continue
  compilers="$compilers $compiler"
  $compiler -c -Wall -Wextra -Wpedantic -Werror -std=c11 "$work/blivet.c" -o "$work/blivet.o" || fail "$compiler"
done
cc -c -Wall -Wextra -Werror "$work/blivet.c" -o "$work/blivet.o" || fail "cc without a standard"
echo "ok   one file: no warning from$compilers, $(grep -c '' "$work/blivet.c") lines"

cc -std=c11 -I "$work" tests/examples/exec.c "$work/blivet.c" -o "$work/exec"
cc -std=c11 -I "$work" tests/examples/echo.c "$work/blivet.c" -o "$work/echo"
cc -std=c11 -I "$work" tests/install/embedder.c "$work/blivet.c" -o "$work/embedder"
"$work/exec" "$pidfile" sleep 60 || fail "exec exits with $?"
[ "$(cat "/proc/$(cat "$pidfile")/comm")" = sleep ] || fail "exec: the pidfile names no running program"
stop
logged=$("$work/embedder") || fail "embedder exits with $?"
status=0
refused=$("$work/embedder" refuse 2>&1) || status=$?
case $logged,$status,$refused in
setsid,71,*"setsid: operation not permitted") echo "ok   one file: a table that logs setsid, and one that refuses it (71)" ;;
*) fail "embedder: '$logged', then $status and '$refused'" ;;
esac

relink() { # link.txt, as CMake's makefiles have it; what is made lies where the library's own lies
  grep -q 'core/libblivet\.a' "$1" || fail "$1 does not name the library"
  made="$work/$(sed 's/.* -o \([^ ]*\).*/\1/' "$1")"
  mkdir -p "$(dirname "$made")"
  (cd "$(dirname "$1")/../.." && sh -eu -c "$(sed "s| -o [^ ]*| -o $made|; s|[^ ]*core/libblivet\.a|$work/blivet.o|" "$1")") ||
    fail "$1"
}
for target in CMakeFiles/daemonize.dir CMakeFiles/daemoncheck.dir tests/CMakeFiles/app.dir \
  $(cd "$build" && ls -d tests/CMakeFiles/test_*.dir); do
  relink "$build/$target/link.txt"
done
for test in "$work"/unit/test_*; do
  CMOCKA_MESSAGE_OUTPUT=TAP "$test" >"$work/said" 2>&1 || { cat "$work/said"; fail "$(basename "$test")"; }
done
echo "ok   one file: $(find "$work/unit" -type f | wc -l) files of unit tests pass"
python3 tests/process/run.py --command "$work/cli/daemonize" --app "$work/app" -j 2 -k test_sequence >"$work/said" ||
  { grep -A9 ^FAIL "$work/said"; fail "process tests"; }
echo "ok   one file: process tests of the sequence: $(tail -n 1 "$work/said")"

# Two static functions of one name are refused by the script, not met by the embedder.
rm -rf "$work/planted"
mkdir -p "$work/planted"
cp -r CMakeLists.txt LICENSE core syscall "$work/planted"
echo 'static int is_number(void) { return 0; }' >>"$work/planted/core/text.c"
if python3 "$work/planted/core/package/one_file.py" "$work/planted/out" 2>"$work/said"; then fail "a planted clash is not seen"; fi
grep -q 'is_number is in core/identity.c and core/text.c' "$work/said" || fail "$(cat "$work/said")"
echo "ok   one file: a planted clash of names is refused"
