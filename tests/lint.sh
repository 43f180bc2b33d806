#!/bin/sh
# lint.sh - what tools can say of the sources: shellcheck, pyflakes, cppcheck, clang-format, and the form of every line.
#
#   sh tests/lint.sh
#
# At the end the form check is shown a bad file and must refuse it.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/install.sh
require shellcheck:shellcheck pyflakes3:pyflakes3 cppcheck:cppcheck clang-format:clang-format git:git
failures=0

judge() { # claim, command ...: it says nothing and exits 0, or the claim does not hold
  claim=$1
  shift
  if said=$("$@" 2>&1) && [ -z "$said" ]; then
    echo "ok   $claim"
  else
    echo "FAIL $claim"
    echo "$said" | head -n 40
    failures=$((failures + 1))
  fi
}

sources() { # endings: the files of the repository, new ones too
  for ending; do
    find .ci .github cli core faults fuzz syscall tests -name "$ending" -type f 2>/dev/null
  done | sort
}

# Indented by spaces, nothing after the end; C that fits: 120 columns, and some more for a comment that would break.
form() { # files
  awk -v most=144 '
    /^ *\t/ { print FILENAME ":" FNR ": a tab before the first word" }
    /[ \t\r]$/ { print FILENAME ":" FNR ": a blank at the end" }
    length($0) > most && FILENAME !~ /\.(sh|py)$/ { print FILENAME ":" FNR ": " length($0) " columns, over " most }' "$@"
  for file; do
    [ -z "$(tail -c 1 "$file")" ] || echo "$file: the last line does not end"
  done
}

# What obeys .clang-format, and all that is new, stays so; another version than Debian 12's has other opinions.
# shellcheck disable=SC2317 # called by judge
formatted() {
  for file in $(sources '*.[ch]'); do
    grep -qxF "$file" "$by_hand" || clang-format --dry-run -Werror "$file" >/dev/null 2>&1 ||
      echo "$file: not as clang-format has it; clang-format -i $file"
  done
}
by_hand=tests/set-by-hand.txt

# SC1091: what is read by "." is checked by itself.  SC2015: "a && b || c" is used where b cannot fail.
# shellcheck disable=SC2046 # no file has a blank in its name
judge "scripts: shellcheck" shellcheck -e SC1091,SC2015 $(sources '*.sh' run) cli/completions/*.bash
# shellcheck disable=SC2046
judge "Python: pyflakes" pyflakes3 $(sources '*.py')
# The pointer of blivet_daemonize_on is to be filled in, not read; an #if that needs __has_include is not understood.
judge "C: cppcheck" cppcheck --quiet --std=c11 --language=c --error-exitcode=1 --enable=warning,performance,portability \
  --suppress=uninitvar:core/daemonize.c --suppress=preprocessorErrorDirective:syscall/posix.c \
  --suppress=missingIncludeSystem -D_GNU_SOURCE -Icore core cli syscall faults fuzz
# shellcheck disable=SC2046
judge "form: indentation, ends of lines, width" form $(sources '*.[ch]' '*.cpp' '*.def' '*.py' '*.sh' '*.cmake' '*.yml' run) CMakeLists.txt

if clang-format --version 2>/dev/null | grep -q ' version 14\.'; then
  judge "C: clang-format, but for the $(grep -c '\.[ch]$' $by_hand) files that are set by hand" formatted
else
  echo "skip C: clang-format 14 is not here"
fi

planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
printf 'int a; \n\tint b;\nint c;' >"$planted/bad.c"
if [ "$(form "$planted/bad.c" | wc -l)" -eq 3 ]; then
  echo "ok   a bad file is refused, three times"
else
  echo "FAIL the form check does not see what is wrong with a bad file"
  failures=$((failures + 1))
fi
exit $((failures > 0))
