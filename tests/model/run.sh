#!/bin/sh
# run.sh - searches the model of a start, start.pml, and sees that deliberate mistakes in it are found.
#
#   sh tests/model/run.sh
#
# One line a promise that holds in every order of steps, with the number of states; one line a mistake that was found;
# one for the functions that the model names (names.py).
set -eu
cd "$(dirname "$0")"
. ../install.sh
require spin:spin gcc:gcc python3:python3
model=$PWD/start.pml
begun=$(date +%s)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

python3 names.py || failures=1

compile() { # the name of the search, options, the mistake or nothing
  mkdir -p "$folder/$1"
  cd "$folder/$1"
  # shellcheck disable=SC2086
  if ! spin ${3:+"-D$3"} -a "$model" >log 2>&1 || ! gcc $2 -w -DNOFAIR -DVECTORSZ=256 -DMEMLIM=2048 -o pan pan.c >>log 2>&1; then
    cat log
  fi
}

# The first error ends a search.
search() { # its name, the program, the promise
  mkdir -p "$folder/$1"
  cd "$folder/$1"
  "$2/pan" -a -N "$3" -m10000 -w22 >report 2>&1 || true
}

# 0 holds, 1 refuted, 2 not searched
outcome() { # name of the search
  report=$folder/$1/report
  if grep -q 'errors: 1$' "$report"; then return 1; fi
  if grep -q 'Search not completed\|max search depth too small' "$report" || ! grep -q 'errors: 0$' "$report"; then
    cat "$report"
    return 2
  fi
}

cat >"$folder/promises" <<'END'
ends the launcher always ends
always 0 only if it is ready; else nothing is left; no verdict is missed; clean-up before telling; no stranger hit; no early start
together a launcher that dies takes the start with it
END
cat >"$folder/mistakes" <<'END'
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

# The promises and, beside them, the mistakes; these with the choices in another order, in which they are met sooner.
{
  compile model -O1
  while read -r promise meaning; do
    search "$promise" "$folder/model" "$promise"
  done <"$folder/promises"
} &
{
  while read -r mistake promise; do
    compile "$mistake" '-O0 -DT_REVERSE' "$mistake"
    search "$mistake" "$folder/$mistake" "$promise"
  done <"$folder/mistakes"
} &
wait

while read -r promise meaning; do
  if outcome "$promise"; then
    echo "ok   NTF-13  $(awk '/states, stored/ { print $1 }' "$folder/$promise/report") states: $meaning"
  else
    echo "FAIL $promise: $meaning; a way there is in the trail that spin -t replays"
    failures=$((failures + 1))
  fi
done <"$folder/promises"
mistakes=0
while read -r mistake promise; do
  mistakes=$((mistakes + 1)) answer=0
  outcome "$mistake" || answer=$?
  if [ "$answer" -eq 1 ]; then
    echo "ok   $mistake: \"$promise\" is refuted"
  else
    echo "FAIL $mistake: \"$promise\" is not refuted"
    failures=$((failures + 1))
  fi
done <"$folder/mistakes"
sed -n 's/^#ifn\{0,1\}def //p' "$model" | sort -u >"$folder/made"
while read -r mistake; do
  grep -q "^$mistake [a-z]" "$folder/mistakes" || { echo "FAIL $mistake is never made"; failures=$((failures + 1)); }
done <"$folder/made"
echo "model: $(wc -l <"$folder/promises") promises, $mistakes mistakes, $failures failed; $(($(date +%s) - begun)) s"
[ "$failures" -eq 0 ]
