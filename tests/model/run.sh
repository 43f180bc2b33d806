#!/bin/sh
# run.sh - searches the model of a start, start.pml, and sees that deliberate mistakes in it are found.
#
#   sh tests/model/run.sh
#
# One line a promise that holds in every order of steps, with the number of states; one line a mistake that was found.
set -eu
cd "$(dirname "$0")"
. ../install.sh
require spin:spin gcc:gcc
model=$PWD/start.pml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# "[launcher.c: await_leader]": each function is defined there.
named=0
functions=$(tr '\n' ' ' <"$model" | grep -oE '\[[a-z]+\.c: [a-z_, ]+\]' | tr -d '[],')
while read -r file names; do
  for name in $names; do
    named=$((named + 1))
    cat ../../core/"${file%:}" ../../cli/"${file%:}" 2>/dev/null | grep -qE "^[a-z].*\b$name\(" ||
      { echo "FAIL the model names $name of ${file%:}, which is not there"; failures=$((failures + 1)); }
  done
done <<END
$functions
END
[ "$named" -gt 30 ] || { echo "FAIL the model names only $named functions"; failures=$((failures + 1)); }
echo "ok   each of the $named functions that the model names is there"

search() { # promise, mistake or nothing: 0 holds, 1 refuted, 2 not searched; leaves "report"
  rm -rf "$folder/search"
  mkdir "$folder/search"
  cd "$folder/search"
  if ! spin ${2:+"-D$2"} -a "$model" >spin.log 2>&1 || ! gcc -O1 -w -DNOFAIR -DVECTORSZ=256 -DMEMLIM=2048 -o pan pan.c; then
    cat spin.log
    return 2
  fi
  ./pan -a -N "$1" -m10000 -w22 >report 2>&1 || true
  grep -q 'Search not completed\|max search depth too small' report && ! grep -q 'errors: 1' report && return 2
  grep -q 'errors: 0$' report && return 0
  grep -q 'errors: 1$' report && return 1
  cat report
  return 2
}

while read -r promise meaning; do
  if search "$promise" ''; then
    echo "ok   $(awk '/states, stored/ { print $1 }' report) states: $meaning"
  else
    echo "FAIL $promise: $meaning; a way there is in the trail that spin -t replays"
    failures=$((failures + 1))
  fi
done <<'END'
ends the launcher always ends
always 0 only if it is ready; else nothing is left; no verdict is missed; clean-up before telling; no stranger hit; no early start
together a launcher that dies takes the start with it
END

mistakes=0
while read -r mistake promise; do
  mistakes=$((mistakes + 1))
  answer=0
  search "$promise" "$mistake" || answer=$?
  if [ "$answer" -eq 1 ]; then
    echo "ok   $mistake: \"$promise\" is refuted"
  else
    echo "FAIL $mistake: \"$promise\" is not refuted"
    failures=$((failures + 1))
  fi
done <<'END'
SILENCE_IS_SUCCESS truth
ANNOUNCED_IS_STARTED truth
EXITS_UNHEARD truth
NO_GO orphan
EXECS_ALL_THE_SAME together
LOOKS_AFTER_READING heard
TELLS_BEFORE_CLEANING_UP cleaned
LEAVES_THE_PIDFILE nothing
KILLS_THE_DAEMON_ONLY nothing
REAPS_EARLY strangers
READS_TO_THE_END ends
KEEPS_DAEMONS_END ends
NO_SHUTDOWN ends
LEADER_WAITS_FOR_GO ends
LIMIT_FOR_THE_VERDICT_ONLY ends
END
sed -n 's/^#ifn\{0,1\}def //p' "$model" | sort -u >"$folder/mistakes"
while read -r mistake; do
  grep -q "^$mistake [a-z]" "$(dirname "$model")/run.sh" || { echo "FAIL $mistake is never made"; failures=$((failures + 1)); }
done <"$folder/mistakes"
echo "model: $mistakes mistakes, $failures failed"
[ "$failures" -eq 0 ]
