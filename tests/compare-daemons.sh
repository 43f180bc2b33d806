#!/bin/sh
# compare-daemons.sh [BUILD] - what different tools make of one program, and how real daemons are made that make
# themselves, judged by daemoncheck, as Markdown; kept in tests/daemons.md, which the README's tables are taken from.
#
#   sh tests/compare-daemons.sh >tests/daemons.md
#
# As root, in a mount namespace of its own.  The servers are unpacked into the build folder, not installed.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
build=$(realpath "${1:-build}")
[ "$(id -u)" -eq 0 ] || { echo "compare-daemons.sh: only root can start these as they are meant to be" >&2; exit 1; }
require python3:python3 cc:gcc unshare:util-linux setsid:util-linux nohup:coreutils start-stop-daemon:dpkg \
  /usr/bin/daemonize:daemonize /usr/bin/daemon:daemon /usr/include/libdaemon/dfork.h:libdaemon-dev >&2
sh tests/process/servers.sh "$build/servers" >&2
mkdir -p "$build/peers"
cc -O2 tests/bench/libdaemon.c -ldaemon -o "$build/peers/libdaemon"
cc -O2 -D_DEFAULT_SOURCE -x c - -o "$build/peers/daemon3" <<'END'
#include <unistd.h>
int main(int argc, char **argv) { return argc < 2 || daemon(0, 0) != 0 || execv(argv[1], argv + 1) != 0; }
END
exec unshare -m python3 tests/compare_daemons.py "$build"
