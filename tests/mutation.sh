#!/bin/sh
# mutation.sh - would the tests notice?  Changes core/ and cli/ in one place at a time, and runs the unit tests and the
# torture in process.
#
#   sh tests/mutation.sh [--sample N] [--seed N] [--budget SECONDS] [--only ID,...] [--list] [FILE.c ...]
#
# Without files: all of core/ and cli/.  What mutants there are, and how they are made: tests/mutate.py --help.
# Verdicts gather in build-mutation/verdicts.jsonl, and a later run goes on from there (survivors are tried again);
# build-mutation/figures.json has the score over all that are known.  tests/mutants.txt lists those that no test can
# kill, each with the reason.  Exit status 1: under 95 %.
#
# First they are compiled by tcc, in a tenth of the time; gcc, with -fsanitize=undefined, has the last word on those that
# live through that.  A whole run takes an hour or more, hence it is no part of tests/run.sh.
set -eu
cd "$(dirname "$0")/.."
out='build-mutation'

# The tests of the mutated file first: they are the likeliest to notice.  Then those of all others that its object is
# linked into (mutation.mk), and the torture, which takes longest, last.  The first that fails ends it.
if [ "${1:-}" = killers ]; then
  file=${MUTATE_FILE:-}
  own=$out/test_$(basename "$file" .c)
  object=${file:+$out/${file%.c}.o} # none: all of them
  lists=$(grep -lsF -e "$object" "$own"*.objects "$out"/test_*.objects "$out/torture.objects") || : # there may be none of its own
  LD_PRELOAD=libc_malloc_debug.so.0 # a byte written past the end of a piece of memory ends the program
  GLIBC_TUNABLES=glibc.malloc.check=3
  export LD_PRELOAD GLIBC_TUNABLES
  for list in $lists; do
    program=${list%.objects}
    case ${ran:-} in *" $program "*) continue ;; esac
    ran="${ran:-} $program "
    case $program in
    */torture) seconds=10 && set -- tests/torture/promises.txt "$program.jsonl" ;;
    *) seconds=2 && set -- ;; # of the processor: ten times what the longest takes; who goes on for ever is noticed soon
    esac
    prlimit --cpu=$seconds "$program" "$@" || exit 1
  done
  exit 0
fi

if [ "${1:-}" = sieve ]; then
  [ -z "${MUTATE_FILE:-}" ] || cc -std=c11 -w -D_GNU_SOURCE -Icore -fsyntax-only "$MUTATE_FILE" # tcc takes what is no C
  exec make -sf tests/mutation.mk sieve=tcc
fi

. tests/install.sh
require cc:gcc tcc:tcc make:make python3:python3 prlimit:util-linux /usr/include/cmocka.h:libcmocka-dev
files=
for word; do
  shift
  case $word in *.c) files="$files $word" ;; *) set -- "$@" "$word" ;; esac
done
given=$files
for file in core/*.c cli/*.c; do
  case $file in cli/main.c | cli/daemoncheck.c) continue ;; esac # no unit test reaches a main()
  [ -n "$given" ] || files="$files $file"
done
mkdir -p "$out"
rm -f "$out/figures.json"
optimised='-std=c11 -O2 -w -fPIC -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icore -S' # no line numbers, no file name but one
CMOCKA_TEST_ABORT=1 # the first failure ends the program
TORTURE_ABORT=1
export CMOCKA_TEST_ABORT TORTURE_ABORT
# shellcheck disable=SC2016,SC2086
mutate() { # build command, arguments
  build=$1
  shift
  python3 tests/mutate.py --build "$build" --object-check "cc $optimised"' "$MUTATE_FILE" -o - | md5sum' \
    --test 'prlimit --core=0 --cpu=10 --as=2000000000 sh tests/mutation.sh killers' --jobs 2 \
    --exclude .git --exclude 'build*' --work "$out/copies" --ignore tests/mutants.txt \
    --witness '^(?:\[ RUN      \] |FAIL )(.*)$' --log "$out/verdicts.jsonl" "$@" $files
}
mutate 'sh tests/mutation.sh sieve' --leave-ignored --min-score 0 "$@" >"$out/sieve.log" 2>&1 || [ $? -eq 1 ] || { cat "$out/sieve.log"; exit 2; }
mutate 'make -sf tests/mutation.mk' --report "$out/figures.json" --min-score 95 "$@" && code=0 || code=$?
[ "$code" -gt 1 ] || [ ! -e "$out/figures.json" ] || python3 tests/evidence/keep.py mutation "$out/figures.json"
exit "$code"
