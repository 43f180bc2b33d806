#!/bin/sh
# one_file.sh BUILD - the two vendored files, used as their readers would: compiled by one command without a definition
# and without a warning, linked into examples that run, given a table of the embedder's own.
set -eu
cd "$(dirname "$0")/../.."
work=${1:?usage: one_file.sh BUILD}/one-file
pidfile=$(realpath "$1")/one-file/daemon.pid
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

# Two static functions of one name are refused by the script, not met by the embedder.
rm -rf "$work/planted"
mkdir -p "$work/planted"
cp -r CMakeLists.txt LICENSE core syscall "$work/planted"
echo 'static int is_number(void) { return 0; }' >>"$work/planted/core/text.c"
if python3 "$work/planted/core/package/one_file.py" "$work/planted/out" 2>"$work/said"; then fail "a planted clash is not seen"; fi
grep -q 'is_number is in core/identity.c and core/text.c' "$work/said" || fail "$(cat "$work/said")"
echo "ok   one file: a planted clash of names is refused"
