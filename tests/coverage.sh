#!/bin/sh
# coverage.sh - which lines and branches of core/, cli/ and syscall/ run under the tests; fails under the thresholds.
#
#   sh tests/coverage.sh [processes]
#
# Judged: the unit tests, the torture in process and the replayed corpora, and the process tests of daemoncheck, --trace
# and --explain, whose processes are real ones, root's and `nobody's.  With "processes" all process tests, for whoever
# wants to see what they run.  Each process saves its counters in a folder of its own, also before _exit, exec and a death
# by its own signal (tests/coverage.c); gcov-tool adds up those that it saved whole.  The lists *.def are left out: they
# are rows, not code.  A line marked GCOVR_EXCL says why its branch cannot be taken; they are printed.
# build-coverage/coverage.json has the figures by file, build-coverage/coverage.html each line.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
require cc:gcc c++:g++ make:make cmake:cmake python3:python3 gcovr:gcovr gcov-tool:gcc strace:strace unshare:util-linux \
  /usr/include/cmocka.h:libcmocka-dev /usr/include/fiu.h:libfiu-dev
least_lines=100
least_branches=100
if [ "$(id -u)" -ne 0 ]; then
  echo "no thresholds: some branches of cli/ are root's alone"
  least_lines=0 least_branches=0
fi
out='build-coverage'

add_up() { # folder: the saves that standard input names
  read -r save && cp -r "$save" "$1"
  while read -r save; do
    gcov-tool merge -o "$1.sum" "$1" "$save" >"$1.log" 2>&1 || { cat "$1.log"; echo "FAIL coverage: not to be added: $save"; return 1; }
    rm -rf "$1"
    mv "$1.sum" "$1"
  done
}

# What was saved since the last time is laid beside the objects, and read.
collect() { # name
  mv $out/saves $out/saved
  mkdir -m 1777 $out/saves
  find $out -name '*.gcda' ! -path "$out/save*" -delete
  rm -rf $out/odd $out/even $out/all
  find $out/saved -name '*.whole' -prune >$out/saves.txt
  sed -n 'p;n' $out/saves.txt | add_up $out/odd &
  sed -n 'n;p' $out/saves.txt | add_up $out/even
  wait $!
  gcov-tool merge -o $out/all $out/odd $out/even
  cp -r "$(find $out/all -type d -name $out)/." $out/
  gcovr --root . --object-directory $out --filter 'core/.*\.[ch]$' --filter 'cli/.*\.[ch]$' --filter 'syscall/.*\.[ch]$' \
    --json "$out/$1.json"
  echo "$1: $(wc -l <$out/saves.txt) processes have saved what they ran, $(find $out/saved -mindepth 1 -maxdepth 1 ! -name '*.whole' | wc -l) were ended before"
  rm -rf $out/saved
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
rm -rf $out/save[sd]
mkdir -m 1777 $out/saves
ctest --test-dir $out --output-on-failure -j 2 >$out/unit.log || { cat $out/unit.log; exit 1; }
collect unit
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
