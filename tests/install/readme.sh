#!/bin/sh
# readme.sh WORK [--packages] - the commands under "Install and embed" in the README, run as they stand, in a copy of the
# sources and with a home folder of their own; the echo server of each way answers, within a minute (of processor time:
# the other one is printed, and depends on who else is there).  With --packages those commands too that change the system,
# by sudo: for a root of its own, see tests/fresh.sh.
set -eu
cd "$(dirname "$0")/../.."
HOME=$(realpath -m "${1:?usage: readme.sh WORK [--packages]}")
export HOME
rm -rf "$HOME"
mkdir -p "$HOME/source"
cp -r CMakeLists.txt CMakePresets.json LICENSE README.md core syscall cli tests "$HOME/source"
cd "$HOME/source"
stop() {
  [ ! -s "$HOME/echo.pid" ] || kill "$(cat "$HOME/echo.pid")" 2>/dev/null || true
}
trap stop EXIT

block() { # words it begins with
  sed -n '/^## Install and embed$/,/^## /p' README.md |
    awk -v words="$1" '/^```sh/ { first = 1; next } /^```/ { inside = 0 } first { inside = index($0, words) == 1; first = 0 } inside'
}
answers() {
  python3 -c 'import socket
peer = socket.create_connection(("127.0.0.1", 7007), 5)
peer.sendall(b"hello")
assert peer.recv(5) == b"hello"'
}
processor_time() { # of what this shell has run so far, in whole seconds
  times >"$HOME/times"
  tr 'ms' '  ' <"$HOME/times" | awk 'NR == 2 { print int($1 * 60 + $2 + $3 * 60 + $4 + 0.5) }' >"$HOME/seconds"
  read -r seconds <"$HOME/seconds"
}
typed() { # words that a block begins with, and more to type; in one shell
  block "$1" >"$HOME/commands.sh"
  [ -s "$HOME/commands.sh" ] || { echo "FAIL README: no block begins with '$1'"; exit 1; }
  [ -z "${2:-}" ] || echo "$2" >>"$HOME/commands.sh"
  begun=$(date +%s)
  processor_time
  worked=$seconds
  sh -eu "$HOME/commands.sh" >"$HOME/log" 2>&1 || { cat "$HOME/log"; echo "FAIL README: $1"; exit 1; }
}
way() { # name, words that its block begins with
  rm -f echo
  # shellcheck disable=SC2016 # as the README has it
  typed "$2" './echo 7007 "$HOME/echo.pid"'
  answers || { echo "FAIL README: the echo server made $1 does not answer"; exit 1; }
  took=$(($(date +%s) - begun))
  processor_time
  worked=$((seconds - worked)) # a busy machine takes longer, but not more of this
  stop
  tries=0
  while [ -e "$HOME/echo.pid" ]; do
    [ $((tries += 1)) -lt 50 ] || { echo "FAIL README: the echo server made $1 does not end"; exit 1; }
    sleep 0.1
  done
  [ $worked -le 60 ] || { echo "FAIL README: $1, the echo server answers after $worked s of processor time"; exit 1; }
  echo "ok   README: $1, the echo server answers after $took s, $worked s of processor time"
}

if [ "${2:-}" = --packages ]; then
  typed "sudo apt-get"
  echo "ok   README: what it needs is installed by apt-get after $(($(date +%s) - begun)) s"
  way "by Debian packages" "cmake --preset package"
else
  echo "skip README: by Debian packages; tests/fresh.sh does it"
fi
way "into a prefix, by pkg-config" "cmake --preset default"
way "into a prefix, by find_package" "mkdir -p server"
way "as two files" "python3 core/package/one_file.py"
