#!/bin/sh
# demo.sh - builds blivet, runs a real server as a daemon, and checks every claim that it makes on the way.
#
#   sh cli/demo.sh     exit 0: all of them held.  It leaves the folder build behind, and nothing else.
set -u
unset CDPATH
cd "$(dirname "$0")/.." || exit 1
T=$(mktemp -d) && T=$(cd "$T" && pwd -P) || exit 1
pidfile=$T/server.pid log=$T/server.log build_log=$T/build.log

say() { printf '%s\n' "$*"; }
step() { printf '\n%s\n' "== $*"; }
give_up() { say "FAILED: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

check() { # check CLAIM COMMAND...: the claim is made only if the command says so
    claim=$1; shift
    "$@" >/dev/null 2>&1 || give_up "$claim"
    say "  ok: $claim"
}
within() { # within SECONDS COMMAND...: tried until it says so
    tries=$(($1 * 10)); shift
    until "$@"; do
        [ "$tries" -gt 0 ] || return 1
        tries=$((tries - 1)); sleep 0.1
    done
}
show() { # show COMMAND...: run it; show it, its message and its exit code, and keep the two
    code=0
    "$@" 2>"$T/message" || code=$?
    { say "  \$ ${1##*/} $(shift; say "$*")"; sed 's/^/    /' "$T/message"; say "    exit code $code"; } |
        sed "s|$T|\$T|g"
}
gone() { # no such process, or one that has ended and that init has yet to take note of
    state=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    case ${state##*) } in Z* | X*) return 0 ;; esac
    return 1
}

# Whatever ends us.  Our daemons work in $T, so a number that is somebody else's by now does no harm.
clean_up() {
    trap '' HUP INT TERM
    for left in ${pid:-} $(cat "$T"/*.pid 2>/dev/null); do
        [ "$(cd "/proc/$left/cwd" 2>/dev/null && pwd -P)" = "$T" ] && kill "$left" &&
            { within 5 gone "$left" || kill -KILL "$left"; }
    done
    rm -rf "$T"
}
trap clean_up EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM

step 'Build the command and the library.'
need=cmake:cmake # what is missing is installed where apt-get can; elsewhere it is named, and that is the end
have cc || have gcc || have clang || need="$need cc:gcc"
have make || have ninja || need="$need make:make"
. tests/install.sh
# shellcheck disable=SC2086 # a list
require $need
build=build
mkdir -p build 2>/dev/null && [ -w build ] || build=$T/build # a clone that is somebody else's
{ [ "$build" = build ] && [ -f CMakePresets.json ] && cmake --preset default >"$build_log" 2>&1; } ||
    cmake -S . -B "$build" -DBLIVET_TESTS=OFF >"$build_log" 2>&1 || { tail "$build_log"; give_up 'cmake'; }
cmake --build "$build" --target daemonize >"$build_log" 2>&1 || { tail "$build_log"; give_up 'the build'; }
daemonize=$build/cli/daemonize
check "$daemonize is there" "$daemonize" --version

step 'Find a program that knows nothing of daemons.'
if ! { have redis-server && have redis-cli; } && [ -f tests/process/servers.sh ]; then
    say '  fetching redis-server into a temporary folder; nothing is installed'
    sh tests/process/servers.sh "$T/servers" >"$T/servers.log" 2>&1 || say '  that did not work'
    bin=$(find "$T/servers" -path '*/usr/bin/redis-server' 2>/dev/null | head -n 1)
    lib=$(find "$T/servers" -path '*/usr/lib/*-linux-gnu' 2>/dev/null | head -n 1)
    [ -n "$bin" ] && PATH=${bin%/*}:$PATH && export PATH LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
if redis-server --version >/dev/null 2>&1 && have redis-cli; then
    port=$((20000 + $$ % 10000))
    while grep -qi ":$(printf %04X "$port") " /proc/net/tcp /proc/net/tcp6 2>/dev/null; do port=$((port + 1)); done
    say "  redis-server, which stays in the foreground, on the free loopback port $port"
    set -- redis-server --port "$port" --bind 127.0.0.1
    works='it answers PING with PONG' proof=answers
else
    say '  redis-server cannot be had here: a shell loop that prints the date takes its place'
    printf '%s\n' '#!/bin/sh' 'while :; do date; sleep 1; done' >"$T/clock"
    chmod +x "$T/clock"
    set -- "$T/clock"
    works='it goes on printing the date' proof=ticks
fi
answers() { [ "$(redis-cli -h 127.0.0.1 -p "$port" ping 2>&1)" = PONG ]; }
ticks() { [ "$(wc -l <"$log")" -ge 2 ]; }

step "Start it.  Exit code 0 is a promise: the program runs.  (\$T is $T)"
show "$daemonize" -p "$pidfile" -o "$log" -c "$T" "$@"
check 'the start succeeded' [ "$code" = 0 ]
check 'the pidfile is complete by then' [ -s "$pidfile" ]
pid=$(cat "$pidfile")
check "process $pid runs" kill -0 "$pid"
read -r _ parent _ session terminal _ <<END
$(sed 's/.*) //' "/proc/$pid/stat")
END
say "    its parent is $parent, its session $session, its terminal $terminal"
check 'this shell is not its parent: init, or a subreaper, adopted it' [ "$parent" != $$ ]
check 'it does not lead its session, so it can never acquire a terminal' [ "$session" != "$pid" ]
check 'it has no terminal' [ "$terminal" = 0 ]
check "$works" within 15 "$proof"
check 'what it prints is in its log' [ -s "$log" ]
tail -n 2 "$log" | cut -c 1-100 | sed 's/^/    | /'

step 'Start a second instance.  The pidfile is locked, so it is refused.'
show "$daemonize" -p "$pidfile" -o "$log" -c "$T" "$@"
check 'it is refused with 69' [ "$code" = 69 ]
check 'the message names the first one' grep -q "locked by another process (pid $pid)" "$T/message"
check 'the pidfile of the first one is as it was' [ "$(cat "$pidfile")" = "$pid" ]

step 'Start what cannot start.  The reason is told, and nothing is left.'
show "$daemonize" -p "$T/none.pid" "$T/no-such-program"
check 'a program that does not exist: 66' [ "$code" = 66 ]
show "$daemonize" -p "$T/none.pid" -o "$T/no-such-folder/log" -c "$T" "$@"
check 'a log in a folder that does not exist: 64' [ "$code" = 64 ]
cat >"$T/killed.c" <<'END'
#include "blivet.h"
#include <signal.h>
int main(int argc, char **argv)
{
    struct blivet_config config = { .pidfile = argv[argc - 1] };
    if (blivet_daemonize(&config, NULL))
        raise(SIGKILL); /* in the daemon, before it has said that it is ready */
    return 99;
}
END
cc=$(command -v cc || command -v gcc || command -v clang)
check 'a daemon of our own compiles; it is killed while it starts' \
    "$cc" -Icore "$T/killed.c" "$build/core/libblivet.a" -o "$T/killed"
show "$T/killed" "$T/none.pid"
check 'that is no success' [ "$code" = 1 ]
check 'the message names the signal' grep -q SIGKILL "$T/message"
check 'none of the three left a pidfile' [ ! -e "$T/none.pid" ]

step 'Stop it.'
check "kill $pid" kill "$pid"
check 'the process is gone' within 15 gone "$pid"
check 'the lock is free, the next one may start' within 5 "$daemonize" -p "$pidfile" true
rm -f "$pidfile" # it outlives the program, by design; the lock tells whether one runs
step 'All of it held.'
