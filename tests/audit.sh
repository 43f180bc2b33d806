#!/bin/sh
# audit.sh BUILD - what the objects reach, by their undefined symbols.
#
# ASR-1   an object of core/ or cli/ has none that makes a system call or changes the process;
# SEQ-11  those that run between fork and return have only async-signal-safe ones;
# ASR-2   nothing that ships mentions libfiu;
# and: only blivet_* is exported, and the command is hardened.
# Symbols are allowed by name: a new one is refused until somebody has judged it.  At the end the audit is shown a
# planted one, and a program without each part of the hardening, and must refuse them.
set -u
build=${1:?usage: audit.sh BUILD}
failures=0

# Pure: they look at memory and nothing else.
pure='memchr memcmp memcpy memmove memset strchr strcmp strcpy strcat strcspn strlen strncmp strnlen strrchr strspn
strstr strtol strtoll strtoul strtoull sigaddset sigemptyset sigfillset sigismember __errno_location ___errno_location
__stack_chk_fail __stack_chk_fail_local program_invocation_short_name __libc_current_sigrtmin
_GLOBAL_OFFSET_TABLE_ __memcpy_chk __memset_chk __memmove_chk __strcpy_chk __strcat_chk
gnu_dev_major gnu_dev_minor gnu_dev_makedev
__isoc23_strtol __isoc23_strtoll __isoc23_strtoul __isoc23_strtoull __chk_fail __poll_chk'
# Before the fork and in the command only: they use memory, stdio or hidden state, but make no call of their own.
before='qsort bsearch confstr __confstr_chk fflush __fpurge stdout stderr stdin fputs fwrite printf fprintf snprintf vsnprintf fputc
__printf_chk __fprintf_chk __snprintf_chk __vsnprintf_chk puts putchar setvbuf ferror getopt_long optarg optind optopt opterr'
# Our own.
own='blivet_ explain foresee is_one_log options_ program_ output_ terminal_ trace_ daemonize_command check_'

refused() { # symbols of an object that are on none of the lists given
  object=$1
  shift
  nm -u "$object" | awk '{ print $NF }' | while read -r symbol; do
    for prefix in $own; do
      case $symbol in "$prefix"*) continue 2 ;; esac
    done
    for allowed in "$@"; do
      [ "$symbol" = "$allowed" ] && continue 2
    done
    echo "$symbol"
  done
}

judge() { # row, object, lists
  row=$1 object=$2
  shift 2
  found=$(refused "$object" "$@" | tr '\n' ' ')
  [ -z "$found" ] && return
  echo "FAIL $row $(basename "$object"): $found"
  failures=$((failures + 1))
}

objects=$(find "$build/CMakeFiles/blivet_core.dir" "$build/CMakeFiles/blivet_cli.dir" "$build/CMakeFiles/blivet_check.dir" \
  "$build/CMakeFiles/daemoncheck.dir" -name '*.o')
[ "$(echo "$objects" | wc -l)" -ge 18 ] || { echo "FAIL audit: the objects are not in $build"; exit 1; }
for object in $objects; do
  # shellcheck disable=SC2086
  judge ASR-1 "$object" $pure $before
  case $object in
    */config.c.o | */prepare.c.o | */threads.c.o | */identity.c.o | */launcher.c.o | */cli/*) ;; # in the launcher, or after the return
    *)
      # shellcheck disable=SC2086
      judge SEQ-11 "$object" $pure
      ;;
  esac
done
# The recording table runs between fork and exec too (ASR-7); these two are async-signal-safe calls of its own.
# shellcheck disable=SC2086
judge SEQ-11 "$build/CMakeFiles/blivet_trace.dir/syscall/trace.c.o" $pure getpid clock_gettime
echo "ok   ASR-1 SEQ-11  $(echo "$objects" | wc -l) objects audited, and the recording table"

mentions_fiu() { # symbols, libraries and plain text
  grep -q -i -a 'fiu_\|libfiu' "$1"
}
ships=$(find "$build"/CMakeFiles/*.dir -name '*.o')
for file in "$build/core/libblivet.a" "$build/core/libblivet.so" "$build/cli/daemonize" "$build/cli/daemoncheck"; do
  [ ! -f "$file" ] || ships="$ships $file"
done
for file in $ships; do
  ! mentions_fiu "$file" || { echo "FAIL ASR-2 $file mentions libfiu"; failures=$((failures + 1)); }
done
echo "ok   ASR-2  none of $(echo "$ships" | wc -w) files that ship mentions libfiu"

exported=$(nm -g --defined-only "$build/core/libblivet.a" | awk 'NF == 3 { print $3 }' | grep -v '^blivet_')
[ -f "$build/core/libblivet.so" ] &&
  exported="$exported$(nm -D --defined-only "$build/core/libblivet.so" | awk '{ print $3 }' | grep -v '^blivet_')"
[ -z "$exported" ] || { echo "FAIL exported: $exported"; failures=$((failures + 1)); }
if [ -f "$build/core/libblivet.so" ]; then
  # The interface is what blivet.h declares, no more and no less.
  declared=$(sed 's/\/\*.*\*\///' "$(dirname "$0")/../core/blivet.h" | grep -oE '\bblivet_[a-z_]+\(' | tr -d '(' | sort -u)
  offered=$(nm -D --defined-only "$build/core/libblivet.so" | awk '{ print $3 }' | sort -u)
  if [ "$declared" = "$offered" ]; then
    echo "ok   exported: the $(echo "$offered" | wc -l) functions of blivet.h"
  else
    echo "FAIL exported and declared differ:"; echo "$declared" >"$build/declared"; echo "$offered" | diff "$build/declared" -
    failures=$((failures + 1))
  fi
fi

missing() { # file that ships: what it lacks of the hardening
  readelf -hW "$1" | grep -q 'Type:.*DYN' || echo "position independent"
  readelf -lW "$1" | grep -q GNU_RELRO || echo "read-only relocations"
  readelf -dW "$1" | grep -qE 'BIND_NOW|FLAGS.*NOW' || echo "bound at once"
  readelf -lW "$1" | grep -q 'GNU_STACK.* RW ' || echo "no code on the stack"
  nm -D "$1" | grep -q '__stack_chk_fail' || echo "stack protector"
  nm -D "$1" | grep -q '__[a-z]*cpy_chk' || echo "fortified functions"
}
command="$build/cli/daemonize"
already=$failures
if [ -f "$build/core/libblivet.so" ]; then
  for file in "$command" "$build/cli/daemoncheck" "$build/core/libblivet.so"; do
    missing "$file" >"$build/missing"
    [ ! -s "$build/missing" ] || { echo "FAIL hardening: $file lacks: $(paste -s -d, "$build/missing")"; failures=$((failures + 1)); }
  done
  needed=$(readelf -dW "$command" "$build/cli/daemoncheck" "$build/core/libblivet.so" | grep -o 'NEEDED.*\[.*\]' | grep -v 'libc\.so')
  [ -z "$needed" ] || { echo "FAIL needs more than the C library: $needed"; failures=$((failures + 1)); }
  [ "$already" -ne "$failures" ] || echo "ok   hardening and dependencies"
fi

# The audit itself: a planted call must be seen.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
echo '#include <unistd.h>
int blivet_planted(void); int blivet_planted(void) { return (int)getppid(); }' >"$planted/planted.c"
${CC:-cc} -c "$planted/planted.c" -o "$planted/planted.o"
# shellcheck disable=SC2086
if [ "$(refused "$planted/planted.o" $pure $before)" = getppid ]; then
  echo "ok   ASR-1  a planted getppid is refused"
else
  echo "FAIL the audit does not see a planted getppid"
  failures=$((failures + 1))
fi
echo 'int fiu_fail(const char *); int blivet_planted(void); int blivet_planted(void) { return fiu_fail("ops/fork"); }' |
  ${CC:-cc} -c -x c - -o "$planted/planted.o"
if mentions_fiu "$planted/planted.o"; then
  echo "ok   ASR-2  a planted fiu_fail is seen"
else
  echo "FAIL the audit does not see a planted fiu_fail"
  failures=$((failures + 1))
fi

# A program with all of the hardening lacks nothing; made without one part, it lacks that one.
echo '#include <string.h>
int main(int count, char **words) { char copy[16]; strcpy(copy, words[count - 1]); return copy[0]; }' >"$planted/soft.c"
soft() { # what it is made without, more for the compiler
  without=$1
  shift
  ${CC:-cc} -O2 -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE -pie -Wl,-z,relro,-z,now,-z,noexecstack \
    "$planted/soft.c" -o "$planted/soft" "$@" && [ "$(missing "$planted/soft" | paste -s -d,)" = "$without" ] && return
  echo "FAIL hardening: a program without '$without' lacks: '$(missing "$planted/soft" | paste -s -d,)'"
  failures=$((failures + 1))
}
already=$failures
soft ''
soft 'position independent' -no-pie -fno-pie
soft 'read-only relocations' -Wl,-z,norelro
soft 'bound at once' -Wl,-z,lazy
soft 'no code on the stack' -Wl,-z,execstack
soft 'stack protector' -fno-stack-protector
soft 'fortified functions' -U_FORTIFY_SOURCE
[ "$already" -ne "$failures" ] || echo "ok   hardening: a program made without each of its six parts is refused"
exit $((failures > 0))
