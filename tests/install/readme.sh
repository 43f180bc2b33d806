#!/bin/sh
# readme.sh WORK - the commands under "Install" and "Embed" in the README, run as they stand, in a copy of the sources
# and with a home folder of their own; the echo server of each way answers.
set -eu
cd "$(dirname "$0")/../.."
HOME=$(realpath -m "${1:?usage: readme.sh WORK}")
export HOME
rm -rf "$HOME"
mkdir -p "$HOME/source"
cp -r CMakeLists.txt CMakePresets.json LICENSE README.md core syscall cli tests "$HOME/source"
cd "$HOME/source"
stop() {
  [ ! -s "$HOME/echo.pid" ] || kill "$(cat "$HOME/echo.pid")" 2>/dev/null || true
}
trap stop EXIT

blocks() { # of a section
  sed -n "/^## $1\$/,/^## /p" README.md | awk '/^```sh/ { inside = 1; next } /^```/ { inside = 0 } inside'
}
answers() {
  python3 -c 'import socket
peer = socket.create_connection(("127.0.0.1", 7007), 5)
peer.sendall(b"hello")
assert peer.recv(5) == b"hello"'
}
[ "$(blocks Install | grep -c .),$(blocks Embed | grep -c .)" = 2,5 ] ||
  { echo "FAIL the README has no commands under Install and Embed"; exit 1; }

blocks Install >"$HOME/install.sh"
sh -eu "$HOME/install.sh" >"$HOME/log" 2>&1 || { cat "$HOME/log"; exit 1; }
blocks Embed >"$HOME/embed.sh" # by pkg-config, which starts it; then the two files
sh -eu "$HOME/embed.sh"
answers || { echo "FAIL the echo server by pkg-config does not answer"; exit 1; }
kill "$(cat "$HOME/echo.pid")"
tries=0
while [ -e "$HOME/echo.pid" ] && [ $tries -lt 50 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
./echo 7007 "$HOME/echo.pid"
answers || { echo "FAIL the echo server of two files does not answer"; exit 1; }
echo "ok   the README's commands: installed, and the echo server answers, by pkg-config and from two files"
