#!/bin/sh
# run.sh - plants each fault of this folder in a copy of the tree, and sees that the test it names goes red.
#
#   sh tests/planted/run.sh [NAME ...]
#
# NAME.patch begins with what is broken ("Broken:"), the row that forbids it ("Row:"), and the test that must fail:
#
#   Test: unit FILE NAME        process NAME      golden TRACE     audit WORDS     documents WORDS
#   Test: torture SITUATION     one situation of the torture in process
#   Test: real SUBSTRING        the cases of the torture of real processes that have it in their names
#   Test: replay TARGET         the kept corpus of a fuzz target
#   Test: model                 the model: a promise that does not hold, or a function that is not what it is taken for
#
# Each of these tests is first seen to pass.  Then only that test is built and run, and only its own failure counts.
# To add a fault: edit, put the difference here, and edit back.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/install.sh
require cc:gcc make:make cmake:cmake python3:python3 patch:patch nm:binutils strace:strace \
  mandoc:mandoc spin:spin /usr/include/cmocka.h:libcmocka-dev /usr/include/fiu.h:libfiu-dev
here=$PWD/tests/planted
work=$PWD/build/planted # build/ is no part of the product
survivors=0 planted=0

mkdir -p "$work/tree"
for part in core syscall faults cli tests fuzz .github CMakeLists.txt README.md; do
  rm -rf "$work/new"
  cp -R "$part" "$work/new"
  diff -r "$work/new" "$work/tree/$part" >/dev/null 2>&1 || { rm -rf "${work:?}/tree/$part"; mv "$work/new" "$work/tree/$part"; }
done
cd "$work/tree" || exit 1
if ! cmake -S . -B build -DCMAKE_BUILD_TYPE=Debug -DBLIVET_HARDEN=OFF -DBLIVET_TESTS=ON >"$work/log" 2>&1 ||
  ! cmake --build build --parallel 2 >>"$work/log" 2>&1; then
  cat "$work/log"
  exit 1
fi

build() { cmake --build build --parallel 2 --target "$@" >"$work/log" 2>&1; }

# A unit test that ends its whole program has failed too.
died_in() { # name
  last=$(grep -E '^\[ (RUN|  )' "$work/log" | tail -1)
  case $last in "[ RUN "*"$1") echo "[  FAILED  ] $1" >>"$work/log" ;; esac
}

# Builds and runs the one test; leaves its words in "log", in "red" the line that says that it failed, and in "green"
# the one that says that it passed.
run_test() { # kind, the rest of the line
  kind=$1
  shift
  green='^ok ' red="^FAIL .*$*"
  case $kind in
  unit)
    red="\[  FAILED  \] .*$2\$" green="\[       OK \] .*$2\$"
    build "$1" && { "build/tests/unit/$1" >"$work/log" 2>&1 || died_in "$2"; } ;;
  process)
    red="^FAIL .*$1\$" green="^(ok|skip) .*$1"
    build daemonize daemoncheck app example_echo example_exec example_hello example_worker &&
      { python3 tests/process/run.py --command build/cli/daemonize --app build/tests/app -k "$1" >"$work/log" 2>&1; true; } ;;
  golden)
    red="^FAIL .*golden $1 as "
    build daemonize-faulty library-faulty torture_program && { python3 tests/torture/golden.py --build build/tests/torture >"$work/log" 2>&1; true; } ;;
  torture)
    red="^FAIL $*: " green='^ok .*, [1-9][0-9]* cases'
    build torture && { build/tests/torture/torture tests/torture/promises.txt /dev/null "$*" >"$work/log" 2>&1; true; } ;;
  real)
    red='^FAIL ASR-4  .*:' green='^ok .* [1-9][0-9]* starts'
    build daemonize-faulty library-faulty torture_program && { python3 tests/torture/real.py --build build/tests/torture -k "$1" >"$work/log" 2>&1; true; } ;;
  replay)
    red='\*\*\*' green='Passed'
    build "replay_$1" && { ctest --test-dir build -R "^replay_$1\$" >"$work/log" 2>&1; true; } ;;
  model)
    green='^model: .* 0 failed'
    sh tests/model/run.sh >"$work/log" 2>&1; true ;;
  audit)
    build blivet_static daemonize && { sh tests/audit.sh build >"$work/log" 2>&1; true; } ;;
  documents)
    build daemonize && { python3 tests/documents.py build >"$work/log" 2>&1; true; } ;;
  *) echo "no such kind of test: $kind" >"$work/log"; return 1 ;;
  esac
}

# What is red already would be red with any fault.
see_green() { # the test
  # shellcheck disable=SC2086
  if ! run_test $1 || grep -qE "$red" "$work/log" || ! grep -qE "$green" "$work/log"; then
    echo "FAIL $1: does not pass without any fault"; tail -5 "$work/log"
    return 1
  fi
}

plant() { # name
  patch=$here/$1.patch
  planted=$((planted + 1))
  test=$(sed -n 's/^Test: //p' "$patch")
  if grep -q '^Needs: root' "$patch" && [ "$(id -u)" -ne 0 ]; then
    echo "skip $1: only root can see it, by $test"
    return
  fi
  if ! patch -p1 -F2 -s --dry-run <"$patch" >"$work/log" 2>&1; then
    echo "FAIL $1: the patch does not apply any more"
    survivors=$((survivors + 1))
    return
  fi
  patch -p1 -F2 -s --no-backup-if-mismatch <"$patch"
  # shellcheck disable=SC2086
  if ! run_test $test; then
    echo "FAIL $1: it does not build"; tail -5 "$work/log"
    survivors=$((survivors + 1))
  elif grep -qE "$red" "$work/log"; then
    echo "ok   $1: $(sed -n 's/^Row: //p' "$patch"), seen by $test"
  else
    echo "FAIL $1: not seen by $test"; tail -5 "$work/log"
    survivors=$((survivors + 1))
  fi
  patch -p1 -F2 -s -R --no-backup-if-mismatch <"$patch"
}

if [ $# -eq 0 ]; then
  for patch in "$here"/*.patch; do
    name=${patch##*/}
    set -- "$@" "${name%.patch}"
  done
fi
for name; do
  [ -e "$here/$name.patch" ] || { echo "there is no fault named $name"; exit 64; }
done
for name; do
  sed -n 's/^Test: //p' "$here/$name.patch"
done | sort -u >"$work/tests"
while read -r test; do
  see_green "$test" </dev/null || exit 1
done <"$work/tests"
echo "ok   $(wc -l <"$work/tests") tests pass without any fault"
for name; do
  plant "$name"
done
echo "planted: $planted, not seen: $survivors"
[ "$survivors" -eq 0 ]
