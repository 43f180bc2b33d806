#!/bin/sh
# coverage.sh - which lines and branches of core/, cli/ and syscall/ run under the tests; fails under the thresholds.
#
#   sh tests/coverage.sh [processes]
#
# Unit tests and replayed corpora; the thresholds are judged on them.  With "processes" the process tests too, merged:
# what launchers, session leaders and daemons run, before _exit, exec and death by their own signal and as `nobody`
# (tests/coverage.c).  A process that a test kills while it saves its counters spoils those of its file, so this second
# figure varies.  The lists *.def are left out: they are rows, not code.  build-coverage/coverage.json has the figures
# by file, build-coverage/coverage.html each line.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
require cc:gcc c++:g++ make:make cmake:cmake python3:python3 gcovr:gcovr strace:strace unshare:util-linux \
  /usr/include/cmocka.h:libcmocka-dev /usr/include/fiu.h:libfiu-dev
least_lines=97.4
least_branches=94.9
out='build-coverage'

collect() { # name
  gcovr --root . --object-directory $out --filter 'core/.*\.[ch]$' --filter 'cli/.*\.[ch]$' --filter 'syscall/.*\.[ch]$' \
    --json "$out/$1.json" 2>/dev/null
}

cmake --preset coverage >/dev/null
cmake --build $out -j 2 >$out/build.log 2>&1 || { tail -20 $out/build.log; exit 1; }
find $out -name '*.gcda' -delete
ctest --test-dir $out --output-on-failure >$out/unit.log || { cat $out/unit.log; exit 1; }
collect unit
set -- "${1:-}" --add-tracefile $out/unit.json
if [ "$1" = processes ]; then
  find $out -name '*.gcda' -delete
  umask 0 # those that become another user add to what these leave
  $out/cli/daemonize --version >/dev/null
  $out/tests/app >/dev/null 2>&1 || true
  umask 022
  find $out -type d -exec chmod a+rwx {} +
  # Saving the counters makes calls of its own: what fails only here, the ordinary run judges.
  python3 tests/process/run.py --command $out/cli/daemonize --app $out/tests/app --results $out/process.jsonl -j 2 \
    >$out/process.log 2>&1 || echo "process tests that this build fails: $(grep -c ^FAIL $out/process.log)"
  collect processes
  set -- "$@" --add-tracefile $out/processes.json
  least_lines=0 least_branches=0
fi
shift
gcovr --root . "$@" | sed '/^-/d; /GCC Code/d; /^Directory/d'
gcovr --root . "$@" --branches | sed '/^-/d; /GCC Code/d; /^Directory/d'
under=
gcovr --root . "$@" --json-summary $out/coverage.json --html-details $out/coverage.html --print-summary \
  --fail-under-line $least_lines --fail-under-branch $least_branches >$out/summary.txt ||
  under=yes
tail -3 $out/summary.txt
python3 tests/evidence/keep.py coverage $out/coverage.json
[ -z "$under" ] || { echo "FAIL coverage: under $least_lines % of lines or $least_branches % of branches"; exit 1; }
