#!/bin/sh
# evidence.sh - one page that says what is proved, by what, and what is not: build/evidence.html.
#
#   sh tests/evidence.sh [--as-is | --full] [PAGE]
#
# Runs the test command and the planted faults first, where they have left no results of this commit (half an hour).
# --as-is: makes the page of the results that there are.  --full: runs the commands that take longer too: MC/DC,
# mutation and ten minutes of fuzzing a target, some hours in all; what they found is kept in build/results, and --keep
# puts it into tests/evidence/kept, for those who have not the time.  Exit status 1: the page is red.  Where a command
# fails it goes on, since the page says so.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
. tests/evidence/kept.sh
require cc:gcc python3:python3 git:git
how=
case ${1:-} in --as-is | --full | --keep) how=$1; shift ;; -*) echo "usage: sh tests/evidence.sh [--as-is | --full | --keep] [PAGE]" >&2; exit 64 ;; esac

if [ "$how" = --keep ]; then
  mkdir -p tests/evidence/kept
  for name in coverage.json mcdc.json mutation.json fuzz.json planted.log; do
    [ ! -e "build/results/$name" ] || cp "build/results/$name" tests/evidence/kept/
  done
  how=--as-is
fi
if [ "$how" != --as-is ]; then
  python3 tests/evidence/rows.py --fresh >/dev/null 2>&1 || sh tests/run.sh || echo "the test command failed; the page says where"
  grep -qxF "commit: $(commit_now)" build/results/planted.log 2>/dev/null || kept planted sh tests/planted/run.sh || true
fi
if [ "$how" = --full ]; then
  sh tests/mcdc.sh || true
  sh tests/mutation.sh || true
  sh fuzz/run.sh 600 || true
fi
exec python3 tests/evidence/page.py ${1:+"$1"}
