# shellcheck shell=sh
# kept.sh - read by the scripts: kept SUITE COMMAND ... keeps what a suite said, and of which commit, for the evidence.
#
# build/results/SUITE.log: "commit: C", "date: D", "machine: M", the suite's own words, and "exit: N".  What counts in it are the lines
# "ok   ROWS  claim", "FAIL ROWS  claim" and "skip ROWS  claim  (reason)", and CMocka's (results.py reads them).

# "-dirty": with changes that no commit has
commit_now() { git describe --always --exclude '*' --abbrev=12 --dirty 2>/dev/null || echo unknown; }

kept() {
  suite=$1
  shift
  mkdir -p build/results
  commit=$(commit_now)
  machine="$(${CC:-cc} --version | head -n 1), $(getconf GNU_LIBC_VERSION 2>/dev/null || echo 'another C library'), $(uname -sr)"
  user=root
  [ "$(id -u)" -eq 0 ] || user='an ordinary user'
  printf 'commit: %s\ndate: %s\nmachine: %s\n' "$commit" "$(date -u '+%Y-%m-%d %H:%M')" "$machine, $(uname -m), as $user" \
    >"build/results/$suite.log"
  { "$@" 2>&1 && code=0 || code=$?; echo "exit: $code"; } | tee -a "build/results/$suite.log"
  grep -q '^exit: 0$' "build/results/$suite.log"
}
