#!/bin/sh
# readme.sh WORK [--packages] - the commands under "Install and embed" in the README, run as they stand, in a copy of the
# sources and with a home folder of their own; the echo server of each way answers.  With --packages those too that
# change the system, by sudo: for a root of its own, see tests/fresh.sh.
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
way() { # name, words that its blocks begin with, in one shell as one would type them
  name=$1 begun=$(date +%s)
  shift
  rm -f echo
  : >"$HOME/commands.sh"
  for words; do
    [ -n "$(block "$words")" ] || { echo "FAIL README: no block begins with '$words'"; exit 1; }
    block "$words" >>"$HOME/commands.sh"
  done
  # shellcheck disable=SC2016 # as the README has it
  echo './echo 7007 "$HOME/echo.pid"' >>"$HOME/commands.sh"
  sh -eu "$HOME/commands.sh" >"$HOME/log" 2>&1 || { cat "$HOME/log"; echo "FAIL README: $name"; exit 1; }
  answers || { echo "FAIL README: the echo server made $name does not answer"; exit 1; }
  stop
  tries=0
  while [ -e "$HOME/echo.pid" ]; do
    [ $((tries += 1)) -lt 50 ] || { echo "FAIL README: the echo server made $name does not end"; exit 1; }
    sleep 0.1
  done
  echo "ok   README: $name, the echo server answers after $(($(date +%s) - begun)) s"
}

if [ "${2:-}" = --packages ]; then
  way "by Debian packages" "sudo apt-get" "cmake --preset package"
else
  echo "skip README: by Debian packages; tests/fresh.sh does it"
fi
way "into a prefix, by pkg-config" "cmake --preset default"
way "into a prefix, by find_package" "mkdir -p server"
way "as two files" "python3 core/package/one_file.py"
