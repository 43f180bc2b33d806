#!/bin/sh
# run.sh - plants each fault of this folder in a copy of the tree, and sees that the test it names goes red.
#
#   sh tests/planted/run.sh [NAME ...]
#
# NAME.patch begins with what is broken ("Broken:"), the row that forbids it ("Row:"), and the test that must fail
# ("Test: unit FILE NAME", "process NAME", "golden TRACE", "audit WORDS" or "documents WORDS").  Only that test is built
# and run, and only its own failure counts.  To add a fault: edit, put the difference here, and edit back.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/install.sh
require cc:gcc make:make cmake:cmake python3:python3 patch:patch nm:binutils strace:strace mandoc:mandoc /usr/include/cmocka.h:libcmocka-dev
here=$PWD/tests/planted
work=$PWD/build/planted # build/ is no part of the product
survivors=0 planted=0

mkdir -p "$work/tree"
for part in core syscall faults cli tests fuzz CMakeLists.txt README.md; do
  rm -rf "$work/new"
  cp -Rp "$part" "$work/new"
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

# Builds and runs the one test; leaves its words in "log", and the line that says that it failed in "want".
run_test() { # kind, the rest of the line
  kind=$1
  shift
  case $kind in
  unit)
    want="\[  FAILED  \] .*$2\$"
    build "$1" && { "build/tests/unit/$1" >"$work/log" 2>&1 || died_in "$2"; } ;;
  process)
    want="^FAIL .*$1\$"
    build daemonize app && { python3 tests/process/run.py --command build/cli/daemonize --app build/tests/app -k "$1" >"$work/log" 2>&1; true; } ;;
  golden)
    want="^FAIL .*golden $1 as "
    build daemonize-faulty library-faulty torture_program && { python3 tests/torture/golden.py --build build/tests/torture >"$work/log" 2>&1; true; } ;;
  audit)
    want="^FAIL .*$*"
    build blivet_static daemonize && { sh tests/audit.sh build >"$work/log" 2>&1; true; } ;;
  documents)
    want="^FAIL .*$*"
    build daemonize && { python3 tests/documents.py build >"$work/log" 2>&1; true; } ;;
  *) echo "no such kind of test: $kind" >"$work/log"; return 1 ;;
  esac
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
  elif grep -qE "$want" "$work/log"; then
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
    plant "${name%.patch}"
  done
else
  for name; do
    [ -e "$here/$name.patch" ] || { echo "there is no fault named $name"; exit 64; }
    plant "$name"
  done
fi
echo "planted: $planted, not seen: $survivors"
[ "$survivors" -eq 0 ]
