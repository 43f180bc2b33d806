#!/bin/sh
# planted.sh WORK - the check of the interface, seen to fail: in a copy of the sources a structure is changed, then a
# function, then a constant, and check.sh must refuse each; it must let the same pass once the version says so.
set -eu
cd "$(dirname "$0")/../.."
work=$(realpath -m "${1:?usage: planted.sh WORK}")
machine=$(uname -m)
[ "$machine" = x86_64 ] || { echo "skip ABI: kept descriptions are for x86-64, this is $machine"; exit 0; }
major=$(sed -n 's/^#define BLIVET_VERSION "\([0-9]*\)\..*/\1/p' core/blivet.h)
next=$((major + 1))

plant() { # sed's command, files of core/: the library of a fresh copy with that change
  change=$1
  shift
  rm -rf "$work"
  mkdir -p "$work/tests" "$work/build/core"
  cp -r CMakeLists.txt LICENSE core syscall "$work"
  cp -r tests/abi "$work/tests"
  for file; do
    sed "$change" "core/$file" >"$work/core/$file"
    ! cmp -s "core/$file" "$work/core/$file" || { echo "FAIL ABI: nothing to plant in core/$file: $change"; exit 1; }
  done
  make_library "$major"
}
make_library() { # major version
  python3 "$work/core/package/one_file.py" "$work/one_file"
  ${CC:-cc} -shared -fPIC -g -fvisibility=hidden -Wl,-soname,"libblivet.so.$1" "$work/one_file/blivet.c" -o "$work/build/core/libblivet.so"
}
check() { sh "$work/tests/abi/check.sh" "$work/build" "$@" >"$work/said" 2>&1; }

refused() { # what was changed
  if check || ! grep -q "^FAIL ABI: programs linked with libblivet.so.$major would break" "$work/said"; then
    cat "$work/said"
    echo "FAIL ABI: planted in $1, and not refused"
    exit 1
  fi
  ! check --keep || { echo "FAIL ABI: planted in $1, and kept as if it were not there"; exit 1; }
  sed -i "s/^#define BLIVET_VERSION \"$major\./#define BLIVET_VERSION \"$next./" "$work/core/blivet.h"
  make_library "$next"
  { check --keep && check; } || { cat "$work/said"; echo "FAIL ABI: planted in $1 with the version, and refused"; exit 1; }
  echo "ok   ABI: planted in $1: refused under the old version, passes under a new one"
}

plant '' # what is built here is what is kept
check || { cat "$work/said"; echo "FAIL ABI: the unchanged sources are refused"; exit 1; }
plant 's/^    const char \*lockfile; .*/&\n    const char *planted;/' blivet.h
refused "a structure (a field inside blivet_config)"
plant 's/^void blivet_cleanup(struct blivet_context \*daemon)/void blivet_cleanup(struct blivet_context *daemon, int planted)/
  s/^  *blivet_cleanup(daemon);/        blivet_cleanup(daemon, 0);/' blivet.h context.c
refused "a function's parameters (blivet_cleanup)"
plant 's/BLIVET_INVALID_CONFIG, BLIVET_PROGRAM_UNUSABLE,/BLIVET_PROGRAM_UNUSABLE, BLIVET_INVALID_CONFIG,/' blivet.h
refused "a constant (BLIVET_INVALID_CONFIG)"
