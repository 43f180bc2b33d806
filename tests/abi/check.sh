#!/bin/sh
# check.sh BUILD [--keep] - the binary interface against the one that is kept beside this file, one description for
# each SONAME: functions and structures as abidw(1) sees them, and the numbers of the constants, which it does not see.
#
# What was there must stay as it is: else the major version of BLIVET_VERSION, and with it the SONAME, has to change.
# Additions pass.  --keep writes the description of a new SONAME, or adds what was added; it refuses to break one.
set -eu
export LC_ALL=C # one order for sort and comm
cd "$(dirname "$0")/../.."
build=${1:?usage: check.sh BUILD [--keep]}
library=$build/core/libblivet.so
soname=$(readelf -dW "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
machine=$(readelf -hW "$library" | sed -n 's/ *Machine: *//p')
if [ "$machine" != "Advanced Micro Devices X86-64" ]; then
  echo "skip ABI: kept descriptions are for x86-64, this is $machine"
  exit 0
fi
kept=tests/abi/$soname new=$build/$soname

abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --type-id-style hash \
  --exported-interfaces-only --suppressions tests/abi/opaque.ini "$library" >"$new.abi"
{
  printf '#include "%s/core/blivet.h"\n#include <stdio.h>\nint main(void)\n{\n' "$PWD"
  sed 's/\/\*.*\*\///' core/blivet.h | grep -oE '\bBLIVET_[A-Z_]+\b' | sort -u |
    grep -vxE 'BLIVET_(H|VERSION|MUST_CHECK|NO_RETURN)' | sed 's/.*/  printf("& %ld\\n", (long)&);/'
  echo '}'
} >"$new.c"
${CC:-cc} "$new.c" -o "$new.print"
"$new.print" >"$new.constants"

# The fields of the configuration, but for the reserved slots: offset and name.  (Numbers of types vary by compiler.)
fields() {
  sed -n "/<class-decl name='blivet_config' size/,/<\\/class-decl>/p" "$1" | tr -d '\n' | sed 's/<data-member/\n&/g' |
    sed -n "s/.*size-in-bits='\\([0-9]*\\)'.*/size \\1/p; s/.*offset-in-bits='\\([0-9]*\\)'.*name='\\([a-z_]*\\)' type-id=.*/\\1 \\2/p" |
    grep -v reserved | sort
}
if [ -f "$kept.abi" ]; then
  fields "$kept.abi" >"$new.fields.kept"
  fields "$new.abi" >"$new.fields"
  # The exit status is a set of bits: 1 and 2 are errors, 4 and 8 are changes, which the summary tells apart better.
  status=0
  abidiff --suppressions tests/abi/growing.ini "$kept.abi" "$new.abi" >"$new.changes" || status=$?
  comm -23 "$new.fields.kept" "$new.fields" >"$new.gone"
  comm -23 "$kept.constants" "$new.constants" >>"$new.gone"
  if [ $((status & 3)) -ne 0 ] || grep -qE ' [1-9][0-9]* (Removed|Changed)' "$new.changes" || [ -s "$new.gone" ]; then
    cat "$new.changes"
    sed 's/^/no more: /' "$new.gone"
    echo "FAIL ABI: programs linked with $soname would break; change the major version of BLIVET_VERSION"
    exit 1
  fi
fi
if [ "${2:-}" = --keep ]; then
  cp "$new.abi" "$kept.abi"
  cp "$new.constants" "$kept.constants"
  echo "kept: $kept.abi, $kept.constants"
elif [ ! -f "$kept.abi" ]; then
  echo "FAIL ABI: nothing is kept of $soname; if it is meant: sh tests/abi/check.sh $build --keep"
  exit 1
elif ! cmp -s "$kept.constants" "$new.constants" || ! cmp -s "$new.fields.kept" "$new.fields" || grep -qE ' [1-9][0-9]* Added' "$new.changes"; then
  echo "ok   ABI: $soname has more than is kept; to keep it: sh tests/abi/check.sh $build --keep"
else
  echo "ok   ABI: $soname is as kept, $(grep -c "<elf-symbol" "$new.abi") functions, $(wc -l <"$new.constants") constants"
fi
