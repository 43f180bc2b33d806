#!/bin/sh
# coverage.sh - which lines and branches of core/, cli/ and syscall/ run under the tests; fails under the thresholds.
#
#   sh tests/coverage.sh [processes]
#
# Judged: the unit tests, the torture in process and the replayed corpora, and the process tests of daemoncheck, --trace
# and --explain, whose processes are real ones, root's and `nobody's.  With "processes" all process tests, for whoever
# wants to see what they run.  Counters are saved before _exit, exec and a death by one's own signal (tests/coverage.c);
# a process that a test kills while it saves them spoils those of its file, so that figure is not judged.  The lists *.def
# are left out: they are rows, not code.  A line marked GCOVR_EXCL says why its branch cannot be taken; they are printed.
# build-coverage/coverage.json has the figures by file, build-coverage/coverage.html each line.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
require cc:gcc c++:g++ make:make cmake:cmake python3:python3 gcovr:gcovr strace:strace unshare:util-linux \
  /usr/include/cmocka.h:libcmocka-dev /usr/include/fiu.h:libfiu-dev
least_lines=100
least_branches=100
if [ "$(id -u)" -ne 0 ]; then
  echo "no thresholds: some branches of cli/ are root's alone"
  least_lines=0 least_branches=0
fi
out='build-coverage'

collect() { # name
  tries=0
  until gcovr --root . --object-directory $out --filter 'core/.*\.[ch]$' --filter 'cli/.*\.[ch]$' --filter 'syscall/.*\.[ch]$' \
    --json "$out/$1.json" 2>"$out/$1.log"; do
    tries=$((tries + 1))
    [ "$tries" -lt 3 ] || { cat "$out/$1.log"; exit 1; }
    sleep 1 # a process that the last test has left may be saving its counters
  done
}

# Saving the counters makes calls of its own: what fails only here, the ordinary run judges.
processes() { # substring
  python3 tests/process/run.py --command $out/cli/daemonize --app $out/tests/app --results $out/process.jsonl -j 2 -k "$1" \
    >$out/process.log 2>&1 || echo "process tests of $1 that this build fails: $(grep -c ^FAIL $out/process.log)"
}

cmake --preset coverage >/dev/null
for folder in "$out"/CMakeFiles/*.dir; do # what is left of a target that is no more would count as lines that never ran
  grep -q "^CMakeFiles/${folder##*/}/all:" $out/CMakeFiles/Makefile2 || rm -rf "$folder"
done
cmake --build $out --parallel "$(nproc)" >$out/build.log 2>&1 || { tail -20 $out/build.log; exit 1; }
find $out -name '*.gcda' -delete
ctest --test-dir $out --output-on-failure -j 2 >$out/unit.log || { cat $out/unit.log; exit 1; }
collect unit
find $out -name '*.gcda' -delete
umask 0 # those that become another user add to what these leave
$out/cli/daemonize --version >/dev/null
$out/cli/daemoncheck --version >/dev/null
$out/tests/app >/dev/null 2>&1 || true
umask 022
find $out -type d -exec chmod a+rwx {} +
for suite in test_check test_show test_explain set_user_id; do
  processes $suite
done
if [ "${1:-}" = processes ]; then
  processes ''
  least_lines=0 least_branches=0
fi
collect processes
set -- --add-tracefile $out/unit.json --add-tracefile $out/processes.json
gcovr --root . "$@" | sed '/^-/d; /GCC Code/d; /^Directory/d'
gcovr --root . "$@" --branches | sed '/^-/d; /GCC Code/d; /^Directory/d'
gcovr --root . "$@" --json-summary $out/coverage.json --html-details $out/coverage.html --print-summary \
  --fail-under-line $least_lines --fail-under-branch $least_branches >$out/summary.txt ||
  { cat $out/summary.txt; echo "FAIL coverage: under $least_lines % of lines or $least_branches % of branches"; exit 1; }
tail -3 $out/summary.txt
echo "excluded:"
grep -rn 'GCOVR_EXCL' core cli syscall || echo "nothing"
python3 tests/evidence/keep.py coverage $out/coverage.json
